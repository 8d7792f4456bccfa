/*
 * A client of ssh-agent: which keys it holds, and signatures with them (draft-miller-ssh-agent).
 *
 * The socket is a blocking one, with time-outs: an agent answers in microseconds or not at all.  One that does not
 * answer in time, or not in the agent's language, is not asked again in this run, so it can hold up the run once and
 * no more.  A key that the agent's user has to confirm by hand may need longer than that and counts as not answered.
 */
#ifndef TRUSTGAP_AGENT_H
#define TRUSTGAP_AGENT_H

#include <glib.h>

/* Limits. */
#define AGENT_TIMEOUT_S    5
#define AGENT_ANSWER_BYTES ((size_t)256 * 1024)
#define AGENT_IDENTITIES   64 /* more are not looked at */

struct agent_identity {
    GBytes *public_key; /* blob */
    char *type;         /* "ssh-ed25519" */
    char *comment;      /* cleaned */
};

struct agent;

/**
 * agent_new(path):
 * For the socket ${path}; nothing is done before the first question.
 */
struct agent *agent_new(const char *path);
void agent_free(struct agent *agent);

/**
 * agent_identities(agent, error):
 * Of struct agent_identity *, owned by ${agent}; asked for once.  NULL with ${error} set if there was no answer.
 */
const GPtrArray *agent_identities(struct agent *agent, GError **error);

/**
 * agent_sign(agent, identity, data, size, error):
 * The signature of ${data} without the name of its algorithm in front; the caller frees it with g_bytes_unref().
 * ${data} is what SSH signs in a login; with which digest an RSA key is to sign is read from it.
 */
GBytes *agent_sign(struct agent *agent, const struct agent_identity *identity, const void *data, size_t size,
                   GError **error);

#endif
