/*
 * One host, from its first step to its line in the capture: drives a transport (transport.h), gives what comes to a
 * receiver (receiver.h), has peers asked once that is complete (asking.h), keeps the deadlines, and tells at the end
 * how it went.
 *
 * It never writes the line itself, and what happens in it concerns this host only; the one exception is a capture that
 * cannot be written, which is handed on as an error.
 */
#ifndef TRUSTGAP_SESSION_H
#define TRUSTGAP_SESSION_H

#include "collector.h"
#include "sink.h"
#include "transport.h"

/* Limits. */
#define SESSION_GRACE_MS 2000 /* for the shell to end once the probe has sent its last record */

struct session;

/* What all sessions of a run share. */
struct session_means {
    struct transport_means transport;
    struct sink sink;
    int64_t trace_bytes;
    unsigned host_ms, silence_ms;
    GHashTable *peers; /* as in struct collector_options */
    void (*trace)(void *context, const char *host, const char *from, const char *to); /* may be NULL */
    /* The host has let us in; called once at most, before done(), and not for hosts that nobody logs in to. */
    void (*admitted)(void *context, struct session *session);
    /*
     * Called once for each session, from the loop: ${host} is what is to be written, for the length of the call;
     * ${error} is NULL unless the capture could not be written.  The session frees itself afterwards.
     */
    void (*done)(void *context, struct session *session, const struct capture_host *host, const GError *error);
    void *context;
};

/**
 * session_open(means, host, tries, left_ms):
 * Begin; nothing is done before the loop runs.  ${means} and ${host} outlive the session.  ${tries} counts the tries of
 * this host, this one included, and ${left_ms} is what is left of its time.
 */
struct session *session_open(struct session_means *means, const struct inventory_host *host, unsigned tries,
                             int64_t left_ms);

/**
 * session_cancel(session):
 * End it with REASON_CANCELLED, soon: done() is called from the loop as ever.
 */
void session_cancel(struct session *session);

#endif
