/*
 * The keys that a login may try: the key file that the inventory names, else the usual ones in ~/.ssh, and what
 * ssh-agent holds.  Each file is read once per run, the agent is asked for its list once.
 */
#ifndef TRUSTGAP_KEYRING_H
#define TRUSTGAP_KEYRING_H

#include "agent.h"
#include "inventory.h"
#include "key_file.h"

#include <glib.h>

/* Limits. */
#define KEYRING_TRIES 20 /* keys for one login; a server ends the connection after 6 unless told otherwise */

/* One of both is set; owned by the keyring. */
struct identity {
    const struct key_file *file;
    const struct agent_identity *held;
};

/**
 * identity_public(identity):
 * The public key blob, owned by ${identity}.
 */
GBytes *identity_public(const struct identity *identity);

struct keyring;

/**
 * keyring_new(home, agent_path):
 * ${home} is the folder above .ssh; ${agent_path} is the agent's socket, or NULL.
 */
struct keyring *keyring_new(const char *home, const char *agent_path);
void keyring_free(struct keyring *keyring);

/**
 * keyring_identities(keyring, host, remarks, error):
 * Of struct identity *, to be tried in this order, at least one; the caller frees it with g_ptr_array_unref().  What
 * was passed over and why is appended to ${remarks}.  NULL with ${error} set if there is none, or if the file that the
 * inventory names can't be used: then trying others would only hide that.
 */
GPtrArray *keyring_identities(struct keyring *keyring, const struct inventory_host *host, GString *remarks,
                              GError **error);

/**
 * keyring_agent(keyring):
 * To sign with; NULL if there is none.
 */
struct agent *keyring_agent(struct keyring *keyring);

#endif
