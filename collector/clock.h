/*
 * A clock for deadlines: while this process does nothing it stands still.
 *
 * What a host sends while the loop is held up (by a computation, a slow disk, a stop of the process) waits in a socket
 * until somebody looks, so that time is not the host's.  A round of the loop counts as CLOCK_ROUND_MS at most, however
 * long it takes; a beat ends rounds in which nothing else happens.  A worker needs its parent for names, host keys and
 * signatures: while that is silent the worker's clock stands still, too.
 */
#ifndef TRUSTGAP_CLOCK_H
#define TRUSTGAP_CLOCK_H

#include <glib.h>
#include <stdint.h>
#include <uv.h>

/* Limits. */
#define CLOCK_ROUND_MS 250  /* that one round of the loop counts at most */
#define CLOCK_BEAT_MS  100  /* between two rounds at most, if the loop runs */
#define CLOCK_WORD_MS  2500 /* that the silence of a parent counts at most; it says something every second */

struct clock {
    /* private: */
    int64_t round_ms, word_ms, lost_ms;
    gboolean has_parent;
    uv_prepare_t round;
    uv_timer_t beat;
};

/**
 * clock_attach(clock, loop, has_parent), clock_detach(clock):
 * Let it run with ${loop}, which it does not keep alive; close its handles, which the loop frees later.  It can be read
 * in between only.
 */
void clock_attach(struct clock *clock, uv_loop_t *loop, gboolean has_parent);
void clock_detach(struct clock *clock);

/**
 * clock_word(clock):
 * The parent has said something.
 */
void clock_word(struct clock *clock);

/**
 * clock_ms(clock):
 * The time in milliseconds.
 */
int64_t clock_ms(const struct clock *clock);

/* The same without a loop, for tests: ${real_ms} is the time by a clock that never stands still. */
void clock_begin(struct clock *clock, gboolean has_parent, int64_t real_ms);
void clock_begin_round(struct clock *clock, int64_t real_ms);
void clock_hear(struct clock *clock, int64_t real_ms);
int64_t clock_read(const struct clock *clock, int64_t real_ms);

#endif
