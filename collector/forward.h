/*
 * One peer asked for its certificates through an SSH connection: a channel that the SSH server opens to the peer
 * ("direct-tcpip", RFC 4254, 7.2), the client hello sent over it, the answer read up to the certificates (chain.h), the
 * channel closed.  One write goes out and no more.
 *
 * It never waits: when libssh2 says EAGAIN forward_step() says FORWARD_WAIT, and the same call is made again in the
 * next step.  It keeps no deadline; its owner ends it with forward_give_up().
 */
#ifndef TRUSTGAP_FORWARD_H
#define TRUSTGAP_FORWARD_H

#include "chain.h"
#include "collector.h"

#include <libssh2.h>

enum forward_progress {
    FORWARD_WAIT, /* for what libssh2 waits for */
    FORWARD_DONE, /* see forward_chain(), forward_reason() */
};

struct forward;

/**
 * forward_new(session, peer, buffer, size):
 * ${session} is logged in and nothing else is under way on it as long as this lasts.  ${buffer} is to read into.  All
 * of them outlive it.
 */
struct forward *forward_new(LIBSSH2_SESSION *session, const struct collector_peer *peer, uint8_t *buffer, size_t size);

/**
 * forward_free(forward):
 * A channel that is still open goes with the session.  NULL is fine.
 */
void forward_free(struct forward *forward);

enum forward_progress forward_step(struct forward *forward);

/**
 * forward_give_up(forward, reason, message):
 * Its time is over: unless more is known already, it failed for that (a word of docs/formats/capture.md).  FALSE: the
 * channel is in the middle of being opened, or a packet in the middle of being sent, and libssh2 can open no other one
 * in this session.
 */
gboolean forward_give_up(struct forward *forward, const char *reason, const char *message);

const struct chain *forward_chain(const struct forward *forward);
const char *forward_reason(const struct forward *forward);  /* NULL: the certificates are there */
const char *forward_message(const struct forward *forward); /* likewise */

#endif
