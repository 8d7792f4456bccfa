/*
 * Which host may start now, what came of its start, and when it is tried again.
 *
 * No loop, no socket and no clock: whoever runs the hosts passes the time in and asks for the next one whenever
 * something has happened.  All hosts together have as many places as the fan-out.  Besides, each address (with its
 * port) has a window: so many connections may be open there at once that are not logged in yet, since that is what sshd
 * counts (MaxStartups).  A server that turns a connection away is busy: the window of its address becomes half as wide,
 * and the host is tried again after a delay that doubles and is never quite the same, so that those that were turned
 * away together do not come back together.  The window grows by one again when as many hosts as it is wide have logged
 * in.
 *
 * Addresses take turns, in the order of their first hosts; the hosts of one address start in the order in which they
 * were added.  The same calls with the same seed give the same answers.  Times are milliseconds of a clock that only
 * goes forward.
 */
#ifndef TRUSTGAP_QUEUE_H
#define TRUSTGAP_QUEUE_H

#include <glib.h>
#include <stdint.h>

/* Limits. */
#define QUEUE_WINDOW                                                                                                   \
    10 /* at most, and at first: with MaxStartups 10:30:100, the default, sshd drops none of so many                   \
        */
#define QUEUE_TRIES        8     /* of one host */
#define QUEUE_DELAY_MS     500   /* before the second try, half of it more or less; then twice as much each time */
#define QUEUE_DELAY_MAX_MS 32000 /* before the last one */

struct queue;

struct queue_start {
    guint number;    /* of the host: the first that was added is 0 */
    unsigned tries;  /* 1: the first */
    int64_t left_ms; /* of the host's time */
};

/**
 * queue_new(fanout, host_ms, seed):
 * An empty queue with ${fanout} places, each host of which has ${host_ms} from its first start on.  ${seed} is for the
 * delays.
 */
struct queue *queue_new(unsigned fanout, unsigned host_ms, guint32 seed);
void queue_free(struct queue *queue);

/**
 * queue_add(queue, address, port):
 * One more host; return its number.  A NULL ${address} is a host that is not connected to: it needs a place only.
 */
guint queue_add(struct queue *queue, const char *address, uint16_t port);

/**
 * queue_next(queue, start, now_ms):
 * The host that is to be started now.  FALSE: none may start before queue_admitted() or queue_ended() is called or
 * queue_wake_ms() comes.
 */
gboolean queue_next(struct queue *queue, struct queue_start *start, int64_t now_ms);

/**
 * queue_admitted(queue, number):
 * The host has let us in: its connection does not count for the window any more.
 */
void queue_admitted(struct queue *queue, guint number);

/**
 * queue_ended(queue, number, busy, now_ms):
 * The host's try is over; its place is free.  ${busy}: the server turned the connection away before it said anything
 * about who we are.  TRUE: the host will be tried again; FALSE: this was the last try.
 */
gboolean queue_ended(struct queue *queue, guint number, gboolean busy, int64_t now_ms);

/**
 * queue_wake_ms(queue):
 * When to ask for the next host again although nothing was reported; 0: there is no such time.
 */
int64_t queue_wake_ms(const struct queue *queue);

/**
 * queue_is_over(queue):
 * TRUE: every host had its last try.
 */
gboolean queue_is_over(const struct queue *queue);

/**
 * queue_window(queue, number), queue_tries(queue, number):
 * The window of this host's address (0: it has none), and how often the host was started.
 */
unsigned queue_window(const struct queue *queue, guint number);
unsigned queue_tries(const struct queue *queue, guint number);

#endif
