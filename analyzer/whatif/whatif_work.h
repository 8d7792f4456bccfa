/*
 * What the files of whatif.h share: the question while it is worked on.
 */
#ifndef TRUSTGAP_WHATIF_WORK_H
#define TRUSTGAP_WHATIF_WORK_H

#include "audit.h"
#include "check.h"
#include "pool.h"
#include "whatif_question.h"

#include <glib.h>
#include <stdint.h>

struct whatif_import {
    struct audit_cert *cert;
    const char *pattern;
};

struct whatif {
    struct audit *audit;
    struct pool *pool; /* over it */
    struct check *check;
    int64_t at;
    const char *const *passwords;
    GPtrArray *stores;   /* of struct audit_store *: those that are asked about */
    GPtrArray *judges;   /* of them those by which peers of --chain are judged */
    GPtrArray *drops;    /* of struct audit_cert * */
    GArray *imports;     /* of struct whatif_import, at most 64: a set of them is a bit mask */
    GPtrArray *chains;   /* of GPtrArray * of struct audit_cert * */
    GPtrArray *subjects; /* of char *: key of the subject by id of the certificate; NULL: has none */
    GHashTable *holders; /* struct audit_cert * -> struct whatif_holders *: certificates that stores hold */
};

struct whatif_holders {
    unsigned stores;
    const struct audit_store *first, *last; /* by label */
};

/**
 * whatif_chain_of(whatif, chain, failure):
 * Append to ${chain} what the audit knows of the chain that ${failure} shows, from the lowest link on.  Return the
 * number of links below the first of them.
 */
guint whatif_chain_of(const struct whatif *whatif, GPtrArray *chain, const struct audit_failure *failure);

/**
 * whatif_fits(pattern, store):
 * Whether the pattern means this store.
 */
gboolean whatif_fits(const char *pattern, const struct audit_store *store);

/**
 * whatif_mask(whatif, store):
 * The imports that are assumed for this store, as bits.
 */
uint64_t whatif_mask(const struct whatif *whatif, const struct audit_store *store);

gboolean whatif_is_dropped(const struct whatif *whatif, const struct audit_cert *cert);

/**
 * whatif_ended(whatif, cert):
 * Whether the certificate is known not to be valid at the time that was asked for.
 */
gboolean whatif_ended(const struct whatif *whatif, const struct audit_cert *cert);

#endif
