/*
 * One host to be collected, as the parent hands it to a worker: where it is, what is sent to its shell, and which keys
 * a login may try.  Of the keys it holds the public halves; a worker has what is signed signed by the parent
 * (service.h).
 */
#ifndef TRUSTGAP_ORDER_H
#define TRUSTGAP_ORDER_H

#include "inventory.h"
#include "records.h"
#include "wire.h"

#include <glib.h>

struct order_identity {
    GBytes *public_key; /* blob */
    char *label;        /* for a message: its file, or its name in the agent */
};

struct order {
    char *name, *address; /* of the host: as the inventory calls it, and where it is */
    uint16_t port;
    enum inventory_connection connection;
    char *plugin; /* of INVENTORY_OTHER */
    char *user;   /* to log in as */
    char nonce[RECORDS_NONCE_CHARS + 1];
    char *script;
    unsigned host_ms;      /* for all of the host */
    unsigned left_ms;      /* what is left of that */
    unsigned tries;        /* of this host, this one included */
    char *refusal;         /* why it cannot be begun: no key to log in with, no shell of this machine; or NULL */
    char *remarks;         /* what was passed over of the keys, and why; or NULL */
    GPtrArray *identities; /* of struct order_identity *, to be tried in this order */
    GPtrArray *key_types;  /* of char *: types of host key that would be accepted, best first */
    GPtrArray *peers;      /* of struct collector_peer *; NULL: none */
};

/**
 * order_new():
 * An empty one.
 */
struct order *order_new(void);
void order_free(struct order *order);

/**
 * order_add_identity(order, public_key, label):
 * Both are copied.
 */
void order_add_identity(struct order *order, GBytes *public_key, const char *label);

/**
 * order_write(bytes, order), order_read(wire):
 * Append it, and read it again; NULL if it is not whole.
 */
void order_write(GByteArray *bytes, const struct order *order);
struct order *order_read(struct wire *wire);

#endif
