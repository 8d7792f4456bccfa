/*
 * The TLS alerts that a peer may send, and what each says about whose trouble it is.
 *
 * From RFC 8446, section 6.2, and RFC 5246, section 7.2, which also list the names of older versions; 112 and 120 are
 * of RFC 6066 and RFC 7301.
 */
#ifndef TRUSTGAP_ALERT_H
#define TRUSTGAP_ALERT_H

#include "slice.h"

#include <glib.h>

#define ALERT_HANDSHAKE_FAILURE 40
#define ALERT_UNRECOGNIZED_NAME 112

enum alert_side { /* who has to change something */
                  ALERT_OURS,
                  ALERT_THEIRS,
                  ALERT_EITHER,
};

struct alert {
    int number;
    const char *name;     /* "certificate_expired" */
    gboolean certificate; /* the peer refused our certificate, or the lack of one: "peer-refused", else "handshake" */
    gboolean own;         /* ... so that subject, end and issuer of our own certificate matter */
    enum alert_side side;
    /*
     * Sentences on what it means and what to do, where we are the client and the server; where ${as_server} is NULL
     * they are the same.  "{peer}" and "{Peer}" stand for the other side, "{pse}" for the PSE.
     */
    const char *as_client, *as_server;
};

/**
 * alert_find(number), alert_named(name):
 * The alert with this number, or this name in any case of letters ("certificate unknown", "CERTIFICATE_UNKNOWN"); NULL
 * if there is none.
 */
const struct alert *alert_find(int number);
const struct alert *alert_named(struct slice name);

/**
 * alert_count(), alert_at(index):
 * All of them, by number.
 */
size_t alert_count(void);
const struct alert *alert_at(size_t index);

#endif
