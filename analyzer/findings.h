/*
 * What is wrong: from the facts of a landscape, and from what the previous audit found, to findings.
 *
 * A finding's id is a digest of its kind and of what it is about (a certificate, a trust store, a host, ...), never of
 * times or counts, so the same trouble has the same id every night.  By it a finding is matched with the previous
 * audit: new, open, fixed, returned.  A finding of that audit which is gone is carried on once as fixed; it stays open
 * while its host could not be collected, for then nobody has looked.
 *
 * Severities:
 *
 *   missing-anchor, unknown-issuer   high    connections fail, and keep failing until somebody imports something
 *   tls-failure                      high    untrusted-peer (the certificate is not named), store-unusable
 *                                    medium  expired-peer, peer-refused, name-mismatch, handshake, proxy-refused,
 *                                            reverse-proxy; failures that go on after an import
 *                                    low     closed, not-tls, other
 *   expired, own certificate         high    peers refuse it
 *            of an anonymous client  info    it is never shown to anybody
 *            anchor                  info    harmless by itself; a failure that it causes is a finding of its own
 *   expiring, own certificate        medium  (an anonymous client's: info)
 *            anchor                  low
 *   drift                            medium  one instance works and the other doesn't
 *   store-unreadable                 medium  if a trace shows failures with it, else low
 *   trace-detail                     medium  the failures are a high tls-failure of their own, but nobody can heal that
 *                                            before this is done, so it is more than untidy
 *   trace-level                      low
 *   trace-rotation                   low
 *                                    medium  if the trace reaches back less than HYGIENE_REACH_SHORT_HOURS: the audit
 *                                            sees next to nothing, as where a host is missing
 *   policy-missing                   medium  somebody has decided that it should be there; nothing fails for it
 *   distrusted                       high    somebody has decided that it is dangerous
 *   weak-certificate, own            medium
 *                     anchor         low     it was strong enough once, and peers may still need it
 *   end-entity                       low     it works until the peer renews its certificate
 *   host-missing                     medium  nobody looked
 *   unanalyzed                       high    a file that makes a parser fail may be an attack, and hides what is in it
 *
 * The policy may say otherwise for the four that it asks for.
 */
#ifndef TRUSTGAP_FINDINGS_H
#define TRUSTGAP_FINDINGS_H

#include "audit.h"
#include "history.h"
#include "landscape.h"
#include "policy.h"

#include <glib.h>

/* A certificate expires soon if less than both is left: days, part of its life.  A policy may set others. */
#define FINDINGS_EXPIRING_DAYS    30
#define FINDINGS_EXPIRING_PERCENT 10

#define FINDINGS_NAMED 10 /* things of one kind that a text names; the others are counted */

/* Notes of gaps. */
#define FINDINGS_SOME_HAVE_IT "Some instances of the system have it, others lack it."
#define FINDINGS_LOST_AGAIN                                                                                            \
    "The list held it the night before and has lost it. In an ABAP system STRUST overwrites what sapgenpse has added " \
    "to the file."

/**
 * findings_make(landscape, history, policy):
 * Append all findings to the audit of ${landscape}, which has to be sorted; it has to be sorted again afterwards.
 * ${policy} may be NULL.
 */
void findings_make(struct landscape *landscape, struct history *history, const struct policy *policy);

/**
 * findings_id(audit, kind, about):
 * The id of the finding of this kind about that; a text of the audit.
 */
const char *findings_id(struct audit *audit, enum audit_finding_kind kind, const char *about);

/**
 * findings_place(store, instance):
 * Where something is, as a part of what findings are about: the store, or if that is not known (NULL) the instance. The
 * caller frees it with g_free().
 */
char *findings_place(const struct audit_store *store, const struct audit_instance *instance);

/**
 * findings_new(history, kind, about):
 * A new finding of this kind with its id, dates and state as ${history} has it: new, open or returned.  The caller adds
 * it to the audit.
 */
struct audit_finding *findings_new(struct history *history, enum audit_finding_kind kind, const char *about);

/**
 * findings_was_read(history, before, cert):
 * Whether tonight tells all of the store ${before} of the previous audit: no copy of it is left unread, nor its own
 * certificate if that was (or may have been) ${cert}, which is of the previous audit too; NULL: any.
 */
gboolean findings_was_read(const struct history *history, const struct audit_store *before,
                           const struct audit_cert *cert);

/**
 * findings_keep_unread(history, finding, before):
 * Add to the stores of ${finding} those of ${before}, the same in the previous audit (or NULL), of which tonight does
 * not tell; with them its severity does not drop.  Return a sentence on them, to be put behind another one, or "".
 */
const char *findings_keep_unread(struct history *history, struct audit_finding *finding,
                                 const struct audit_finding *before);

/**
 * findings_sum(audit, failures):
 * "3 failed connections; peers: a.example.com, b.example.com.": how often and with whom; a text of the audit.
 */
const char *findings_sum(struct audit *audit, const GPtrArray *failures);

/**
 * findings_follow(finding, before, at):
 * Set state and first appearance of ${finding}, which is not fixed, by what it was in the previous audit (or NULL).
 */
void findings_follow(struct audit_finding *finding, const struct audit_finding *before, int64_t at);

#endif
