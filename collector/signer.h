/*
 * A thread that has an agent sign logins, in the order in which they are asked for: an agent may take seconds for its
 * answer, and that must hold up nobody else.
 */
#ifndef TRUSTGAP_SIGNER_H
#define TRUSTGAP_SIGNER_H

#include "agent.h"

#include <glib.h>
#include <stdint.h>
#include <uv.h>

/* ${signature} is NULL if there is none; ${why} then tells the reason.  Both are gone after the call. */
typedef void signer_done(void *context, uint32_t host, uint32_t sequence, GBytes *signature, const char *why);

struct signer;

/**
 * signer_new(agent, loop, done, context):
 * Start the thread; ${agent} outlives it.  ${done} is called from the loop.
 */
struct signer *signer_new(struct agent *agent, uv_loop_t *loop, signer_done *done, void *context);

/**
 * signer_free(signer):
 * Wait for the signature under way, and end the thread; nothing is told any more.  The loop has to run once more to
 * give its handle back.
 */
void signer_free(struct signer *signer);

/**
 * signer_sign(signer, host, sequence, identity, data, size):
 * Have ${data} signed with a key of the agent, which outlives the signer; ${host} and ${sequence} come back with the
 * answer.
 */
void signer_sign(struct signer *signer, uint32_t host, uint32_t sequence, const struct agent_identity *identity,
                 const void *data, size_t size);

#endif
