/*
 * Which peers are to be asked for their certificates (--fetch-chains): those that an earlier audit saw failing as
 * untrusted when a host called them.
 *
 * The collector reads no trace, so it cannot know tonight's failures.  A name or an address in the audit comes from a
 * trace, which is a host's word: what is not in the form of one is left out.
 */
#ifndef TRUSTGAP_FETCH_H
#define TRUSTGAP_FETCH_H

#include "audit.h"

#include <glib.h>

/**
 * fetch_peers(audit):
 * Name of a host -> GPtrArray of struct collector_peer *, each once, in the order of the audit; for struct
 * collector_options.  The caller frees it with g_hash_table_unref(); nothing points into ${audit}.  How many failures
 * have a peer that the trace does not tell well enough (no port, or neither name nor address) is said on standard
 * error.
 */
GHashTable *fetch_peers(const struct audit *audit);

/**
 * fetch_find(peers, host):
 * The peers of this host, or NULL; ${peers} may be NULL.
 */
const GPtrArray *fetch_find(GHashTable *peers, const char *host);

#endif
