/*
 * One host, from its first step to its line in the capture: drives a transport (transport.h), gives what comes to a
 * receiver (receiver.h), has peers asked once that is complete (asking.h), keeps the deadlines, and tells at the end
 * how it went.
 *
 * It never writes the line itself, and what happens in it concerns this host only.
 */
#ifndef TRUSTGAP_SESSION_H
#define TRUSTGAP_SESSION_H

#include "clock.h"
#include "collector.h"
#include "sink.h"
#include "transport.h"

/* Limits. */
#define SESSION_GRACE_MS 2000 /* for the shell to end once the probe has sent its last record */

struct session;

/* What all sessions of a worker share. */
struct session_means {
    struct transport_means transport;
    const struct clock *clock; /* of all deadlines */
    int64_t trace_bytes;
    unsigned silence_ms;
    gboolean held; /* nothing is to be read from any host until session_release() */
    /* A session has gone to another state; may be NULL. */
    void (*trace)(void *context, struct session *session, const char *from, const char *to);
    /* The host has let us in; called once at most, before done(), and not for hosts that nobody logs in to. */
    void (*admitted)(void *context, struct session *session);
    /*
     * Called once for each session, from the loop: ${host} is what is to be written, for the length of the call.  The
     * session needs its order, service and sink no more, and frees itself afterwards.
     */
    void (*done)(void *context, struct session *session, const struct capture_host *host);
    void *context;
};

/**
 * session_open(means, order, service, sink):
 * Begin; nothing is done before the loop runs.  All of them outlive the session.
 */
struct session *session_open(struct session_means *means, const struct order *order, struct service *service,
                             const struct sink *sink);

/**
 * session_cancel(session):
 * End it with REASON_CANCELLED, soon: done() is called from the loop as ever.
 */
void session_cancel(struct session *session);

/**
 * session_release(session, held_ms):
 * Go on after ${means->held}: so long nothing could be done for the host, and that costs it nothing of its time.
 */
void session_release(struct session *session, int64_t held_ms);

#endif
