/*
 * A worker process, as the parent sees it: started, talked to, watched, ended.
 *
 * It is a new image of the program (COLLECTOR_WORKER) with one socket and nothing else of the parent.  What it says
 * goes through a guard (guard.h).  One that says what it should not, or does not answer for a while although it is free
 * to, is killed.
 */
#ifndef TRUSTGAP_MONITOR_H
#define TRUSTGAP_MONITOR_H

#include "channel.h"
#include "clock.h"
#include "guard.h"

#include <glib.h>
#include <uv.h>

/* Limits. */
#define MONITOR_PING_MS   1000  /* often enough for its clock (CLOCK_WORD_MS) */
#define MONITOR_SILENT_MS 60000 /* a worker that says nothing for so long, not even to a ping, is blocked */
#define MONITOR_LEAVE_MS  5000  /* for one that is dismissed to end by itself */

struct monitor_limits {
    unsigned ping_ms, silent_ms;
};

/**
 * monitor_limits():
 * The two above.
 */
struct monitor_limits monitor_limits(void);

struct monitor;

struct monitor_means {
    const char *const *command; /* that starts a worker, NULL-ended */
    struct monitor_limits limits;
    const struct clock *clock;         /* of the parent */
    int64_t trace_bytes;               /* limit of a trace, for the guard */
    const struct guard_events *events; /* of the guard */
    /* Called once if the worker ends by itself or is killed here; ${why} is how, as the end of a sentence.  Then
     * monitor_free() has to follow. */
    void (*ended)(void *context, struct monitor *monitor, const char *why);
};

/**
 * monitor_start(loop, means, context, error):
 * Start a worker; ${means} outlives it.  ${context} goes to the events and to ended().  NULL with ${error} set if it
 * cannot be started.
 */
struct monitor *monitor_start(uv_loop_t *loop, const struct monitor_means *means, void *context, GError **error);

/**
 * monitor_free(monitor):
 * Kill it, if it has not ended, and wait for it.  The loop frees its handles.  NULL is fine.
 */
void monitor_free(struct monitor *monitor);

/**
 * monitor_dismiss(monitor):
 * It has nothing to do any more: let it end by itself, which takes a moment, and free it.
 */
void monitor_dismiss(struct monitor *monitor);

struct channel *monitor_channel(const struct monitor *monitor);
struct guard *monitor_guard(const struct monitor *monitor);
gboolean monitor_is_ready(const struct monitor *monitor); /* it was set up and has said so */

/**
 * monitor_hold(monitor, held):
 * Read no more from it, and tell it so, or go on.
 */
void monitor_hold(struct monitor *monitor, gboolean held);

#endif
