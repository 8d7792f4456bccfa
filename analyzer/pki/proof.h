/*
 * Whether an import heals: the path that OpenSSL builds from what a peer sends with the certificate added to one trust
 * list, at the evaluation time of the audit.
 *
 * More anchors never take a path away (path.h tries the others), so of a list only those certificates are looked at
 * that by their names could end a path of this chain.  They are few and the same in most lists, and each distinct
 * question is put to OpenSSL once.
 */
#ifndef TRUSTGAP_PROOF_H
#define TRUSTGAP_PROOF_H

#include "audit.h"
#include "pool.h"

#include <glib.h>

#define PROOF_QUESTIONS 10000 /* put to OpenSSL in one audit; further ones are PROOF_UNKNOWN, with a warning */

struct proofs;

struct proof {
    enum audit_proof verdict;
    const char *path; /* "CN=a > CN=b > CN=Root"; or why there is none, OpenSSL's word; NULL: PROOF_UNKNOWN */
    const struct audit_cert *anchor; /* in which the path ends; NULL: there is none */
};

struct proofs *proofs_new(struct audit *audit, struct pool *pool);
void proofs_free(struct proofs *proofs);

/**
 * proofs_find(proofs, chain, list, cert):
 * What adding ${cert} to ${list} does for a peer that sends ${chain} (of struct audit_cert *, leaf first, all with DER;
 * an empty one and a ${cert} without DER are PROOF_UNKNOWN).  With a ${list} of NULL what ${cert} alone does.  The
 * answer belongs to ${proofs}.
 */
const struct proof *proofs_find(struct proofs *proofs, const GPtrArray *chain, const struct audit_list *list,
                                struct audit_cert *cert);

#endif
