/*
 * A way to a shell somewhere: what a session (session.h) asks of it, and no more.
 *
 * A transport brings a script to the standard input of a shell, and what the shell writes to its owner.  It never
 * waits: transport_step() does what can be done now and then says what it waits for (descriptors, a deadline); waiting
 * is the owner's part, so it makes no difference to the owner whether there is a socket behind it (transport_ssh),
 * pipes to a process (transport_local), or pipes to ssh(1).  It opens no file and has no key: what needs one the parent
 * does (service.h).
 *
 * Times are milliseconds of a clock that only goes forward.
 */
#ifndef TRUSTGAP_TRANSPORT_H
#define TRUSTGAP_TRANSPORT_H

#include "collector.h"
#include "order.h"
#include "service.h"

#include <stdint.h>
#include <uv.h>

#define TRANSPORT_WAITS      3                    /* descriptors at once */
#define TRANSPORT_TURN_BYTES ((size_t)256 * 1024) /* read in one step, then others have their turn */

enum transport_progress {
    TRANSPORT_WAIT,  /* nothing to do before what it waits for comes */
    TRANSPORT_AGAIN, /* its turn is over, there is more to do at once */
    TRANSPORT_ENDED, /* see reason and message; step no more */
};

struct transport_wait {
    int fd;
    gboolean readable, writable; /* wait until it is either */
};

/* What the owner is told.  None of these may close the transport; that is done after the step. */
struct transport_owner {
    /* Standard output.  FALSE: the owner wants no more, the step returns as soon as it can. */
    gboolean (*output)(void *context, const uint8_t *bytes, size_t size);
    /* Standard error. */
    void (*complaint)(void *context, const uint8_t *bytes, size_t size);
    /* The transport went from one state to the next. */
    void (*state)(void *context, const char *from, const char *to);
    /* Something came that is no descriptor (a name was looked up, a process ended): step again soon. */
    void (*wake)(void *context);
    /* This descriptor is about to be closed: wait for it no longer.  (epoll forgets it by itself, libuv does not.) */
    void (*forget)(void *context, int fd);
    void *context;
};

/* What all transports of a worker share.  They read it, but for the last one. */
struct transport_means {
    uv_loop_t *loop;
    unsigned lookup_ms, connect_ms, handshake_ms, login_ms;
    uint32_t window_bytes; /* what a host may send before we have taken it: memory for each host */
    uint8_t *buffer;       /* to read into; what is in it counts until the next read */
    size_t buffer_bytes;
    int64_t slow_until_ms; /* until then those that keep the thread busy leave it to the others */
};

/* What is to be done: all of it outlives the transport. */
struct transport_order {
    struct transport_means *means;
    const struct order *order;
    struct service *service;
};

struct transport;

/* What came of asking a peer; it counts until the next is asked. */
struct transport_fetched {
    const GByteArray *certificates; /* DER, one behind the other; NULL if there are none */
    unsigned count;
    const char *reason, *message; /* why there are none: a word of docs/formats/capture.md, a sentence; else NULL */
};

struct transport_methods {
    const char *name;
    struct transport *(*open)(const struct transport_order *order, const struct transport_owner *owner);
    enum transport_progress (*step)(struct transport *transport, int64_t now_ms);
    void (*close)(struct transport *transport);
    void (*fetch)(struct transport *transport, const struct collector_peer *peer); /* NULL: has no way to peers */
};

/* The part of a transport that its owner sees. */
struct transport {
    const struct transport_methods *methods;
    const struct transport_owner *owner;
    struct transport_wait waits[TRANSPORT_WAITS];
    unsigned wait_count;
    int64_t deadline_ms; /* of the state that it is in; step it then; 0: none */
    int64_t wake_ms;     /* it waits for its turn; step it then, too; 0: it does not */
    gboolean admitted;   /* the host has let us in */
    gboolean speaking;   /* the shell runs: from now on silence means something */
    /* Once it has ended: */
    enum collector_reason reason;     /* REASON_NONE: the shell ended and everything that it wrote was handed over */
    char *message;                    /* for a person; NULL with REASON_NONE */
    int exit_status;                  /* of the shell; -1 if not known */
    char *exit_signal;                /* name of the signal that ended it, cleaned, or NULL */
    struct transport_fetched fetched; /* after transport_fetch() */
};

/* The last one is for a host with another connection: it ends with REASON_CONNECTION, and nothing is connected to. */
extern const struct transport_methods transport_ssh, transport_local, transport_none;

/**
 * transport_open(methods, order, owner):
 * Begin.  Nothing is told to ${owner} before the first step.  Never NULL: what goes wrong here ends the first step.
 */
struct transport *transport_open(const struct transport_methods *methods, const struct transport_order *order,
                                 const struct transport_owner *owner);

/**
 * transport_step(transport, now_ms):
 * Do what can be done without waiting.
 */
enum transport_progress transport_step(struct transport *transport, int64_t now_ms);

/**
 * transport_fetch(transport, peer):
 * Once the shell is of no interest any more, and the transport has not ended with a reason: ask ${peer} for its
 * certificates as the host sees it.  It steps again from now on, until TRANSPORT_ENDED; with REASON_NONE ${fetched} is
 * what came of it, and the next peer may be asked.  FALSE: this transport has no way to peers.
 */
gboolean transport_fetch(struct transport *transport, const struct collector_peer *peer);

/**
 * transport_close(transport):
 * End it in whatever state it is and free it.  The owner hears of no more but forget().  NULL is fine.
 */
void transport_close(struct transport *transport);

/* For transports only. */

void transport_clear(struct transport *transport);
void transport_wait_for(struct transport *transport, int fd, gboolean readable, gboolean writable);

/**
 * transport_end(transport, reason, format, ...):
 * Note why it ended, and return TRANSPORT_ENDED.  What was noted first stays.
 */
enum transport_progress transport_end(struct transport *transport, enum collector_reason reason, const char *format,
                                      ...) G_GNUC_PRINTF(3, 4);

#endif
