/*
 * From a name and a port to a connected socket: the look-up, then one address after the other.
 *
 * As a transport (transport.h) it never waits and tells its owner when to come back; it is a part of one.
 */
#ifndef TRUSTGAP_DIAL_H
#define TRUSTGAP_DIAL_H

#include "service.h"
#include "transport.h"

#include <netdb.h>

enum dial_progress {
    DIAL_WAIT,   /* for the answer (owner's wake()), or for ${fd} to become writable if it is not -1 */
    DIAL_DONE,   /* this part is done */
    DIAL_NEXT,   /* this address was none, there is another one */
    DIAL_FAILED, /* see ${reason} and ${failures} */
};

struct dial {
    int fd;                      /* the socket that is to be connected, or is; -1: none yet */
    char where[NI_MAXHOST + 16]; /* "192.0.2.1 port 22" */
    enum collector_reason reason;
    GString *failures; /* what went wrong, of all addresses */
    /* private: */
    struct service *service;
    const struct transport_owner *owner;
    const char *name;
    uint16_t port;
    gboolean looked_up;
    struct addrinfo *addresses, *address;
};

/**
 * dial_init(dial, service, owner, name, port), dial_clear(dial):
 * ${service} looks names up; it, ${owner} and ${name} must outlive the dial.  dial_clear() closes the socket.
 */
void dial_init(struct dial *dial, struct service *service, const struct transport_owner *owner, const char *name,
               uint16_t port);
void dial_clear(struct dial *dial);

/**
 * dial_lookup(dial):
 * Have the name looked up; an address is understood at once.
 */
enum dial_progress dial_lookup(struct dial *dial);

/**
 * dial_connect(dial):
 * After a look-up that is done: connect to the first address, after DIAL_NEXT to the next one.  When done ${fd} is a
 * connected socket: non-blocking, closed on exec, without delay, kept alive.
 */
enum dial_progress dial_connect(struct dial *dial);

/**
 * dial_give_up(dial, seconds):
 * It took this address longer than the ${seconds} that it has: DIAL_NEXT or DIAL_FAILED.
 */
enum dial_progress dial_give_up(struct dial *dial, unsigned seconds);

/**
 * dial_reason(number):
 * The reason that stands for this errno of a socket.
 */
enum collector_reason dial_reason(int number);

#endif
