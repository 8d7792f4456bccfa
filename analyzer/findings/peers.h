/*
 * Who was at the other side of failed connections, each once, for the texts of findings.
 */
#ifndef TRUSTGAP_PEERS_H
#define TRUSTGAP_PEERS_H

#include "audit.h"

#include <glib.h>

#define PEERS_NAMED 10 /* that a text names; the others are counted */

struct peers {
    GPtrArray *names;  /* of const char *, the audit's; as they came */
    GHashTable *known; /* the same */
    unsigned more;     /* that the failures only count */
    unsigned sources;  /* failures that count such: of several nobody knows whether they mean the same ones */
    gboolean capped;   /* one of them has stopped counting */
};

void peers_init(struct peers *peers);
void peers_clear(struct peers *peers);

/**
 * peers_add(peers, failure):
 * The host that was asked for; without one, and of incoming connections, the peers of ${failure}.
 */
void peers_add(struct peers *peers, const struct audit_failure *failure);

/**
 * peers_append(peers, text):
 * "a, b and 3 more"; "... and at least 990 more", "... and others" where it is not known how many; nothing for nobody.
 */
void peers_append(const struct peers *peers, GString *text);

#endif
