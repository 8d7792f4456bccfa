/*
 * A socket between the parent and a worker: messages (message.h) out and in, on an event loop.
 *
 * What is to be sent is kept until the loop would wait, then sent at once as far as it goes.  Nothing is ever waited
 * for here; whoever sends much asks channel_pending() and stops until drained() is called.
 */
#ifndef TRUSTGAP_CHANNEL_H
#define TRUSTGAP_CHANNEL_H

#include "message.h"

#include <glib.h>
#include <uv.h>

/* Limits. */
#define CHANNEL_FULL_BYTES ((size_t)1024 * 1024) /* drained() is called once less than half of that is left */
#define CHANNEL_RIGHTS     3                     /* descriptors with one message */

struct channel_events {
    /* FALSE: this is not what the other side should say; ended() follows. */
    gboolean (*message)(void *context, const struct message *message);
    /* Nothing more comes or goes: the other side has gone (${bad} is FALSE), or it says what it should not. */
    void (*ended)(void *context, gboolean bad);
    /* There is room again after CHANNEL_FULL_BYTES were to be sent; may be NULL. */
    void (*drained)(void *context);
};

struct channel;

/**
 * channel_new(loop, fd, events, context, trusted):
 * ${fd} becomes the channel's.  Descriptors are taken only from a side that is ${trusted}.  NULL if the loop cannot
 * watch it; ${fd} is then closed.
 */
struct channel *channel_new(uv_loop_t *loop, int fd, const struct channel_events *events, void *context,
                            gboolean trusted);

/**
 * channel_close(channel):
 * Nothing is told any more; the loop frees it.  What was not sent is lost.  NULL is fine.
 */
void channel_close(struct channel *channel);

/**
 * channel_begin(channel, kind, host), channel_end(channel):
 * Append a message: its body is to be appended to the result between the two.
 */
GByteArray *channel_begin(struct channel *channel, enum message_kind kind, uint32_t host);
void channel_end(struct channel *channel);

/**
 * channel_end_lazily(channel):
 * Instead: nobody waits for this message, so it is sent with the next one, or when many bytes have come together.
 */
void channel_end_lazily(struct channel *channel);

/**
 * channel_say(channel, kind, host):
 * A message without a body.
 */
void channel_say(struct channel *channel, enum message_kind kind, uint32_t host);

/**
 * channel_attach(channel, fds):
 * CHANNEL_RIGHTS descriptors for the message that was begun; they become the channel's.
 */
void channel_attach(struct channel *channel, const int fds[CHANNEL_RIGHTS]);

/**
 * channel_detach(channel, fds):
 * The descriptors that came with a message, in the order of the messages that have some; they become the caller's.
 * FALSE: there are none.
 */
gboolean channel_detach(struct channel *channel, int fds[CHANNEL_RIGHTS]);

/**
 * channel_pending(channel):
 * Bytes that are still to be sent.
 */
size_t channel_pending(const struct channel *channel);

/**
 * channel_pause(channel, paused):
 * Read no more, and hand over nothing that was read; or go on.
 */
void channel_pause(struct channel *channel, gboolean paused);

#endif
