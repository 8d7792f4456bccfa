/*
 * What the policy (policy.h) asks of trust stores, and which of them do not comply.
 *
 * policy-missing: a certificate that [required ...] wants in some stores.  One finding for each certificate, with a gap
 * for each store that lacks it, as for one that connections fail for.  A store lacks it if the list of one of its files
 * was wholly read and does not have it; if nothing lacks it, but not all was read, nothing is known of the store: that
 * is told, and is no gap.
 *
 * distrusted: a certificate of [distrusted ...] that is in the trust list of such a store.  Where the same store is to
 * hold it by another section, distrust wins, with a warning.
 *
 * weak-certificate: an anchor or an own certificate whose key or signature is below [strength].  The signature of a
 * self-signed certificate does not count: it is trusted for being in the list and not for what it says of itself.
 *
 * end-entity: an anchor that says of itself (basicConstraints, keyUsage) that it is no CA, and is not self-signed.  A
 * self-signed one has no issuer that could stand in its place, so somebody has pinned it on purpose.  One of version 1
 * says nothing, and neither does a listing: they are passed over.
 *
 * None of these is made without a policy.  What the previous audit found and the policy does not ask for any more is
 * called fixed, and says why.
 */
#ifndef TRUSTGAP_DEMANDS_H
#define TRUSTGAP_DEMANDS_H

#include "history.h"
#include "landscape.h"
#include "policy.h"

/* Gaps of required certificates in one audit; further stores are listed without states and steps of their own. */
#define DEMANDS_GAPS 20000

/**
 * demands_bring(landscape, policy):
 * Take the certificates of ${policy} (or NULL) into the pool, before the audit is sorted: required ones as references,
 * distrusted ones to be recognized.
 */
void demands_bring(struct landscape *landscape, const struct policy *policy);

/**
 * demands_find(landscape, history, policy):
 * Append the findings of ${policy} (or NULL) to the audit, and warnings about sections that select no trust store; let
 * findings that offer a distrusted certificate for import say so.
 */
void demands_find(struct landscape *landscape, struct history *history, const struct policy *policy);

/**
 * demands_made(kind), demands_ask(policy, before):
 * Whether findings of this kind come from demands_find(); whether ${policy} (or NULL) still asks for what ${before},
 * such a finding of the previous audit, is about.
 */
gboolean demands_made(enum audit_finding_kind kind);
gboolean demands_ask(const struct policy *policy, const struct audit_finding *before);

#endif
