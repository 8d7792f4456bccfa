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

/**
 * findings_make(landscape, history, policy):
 * Append all findings to the audit of ${landscape}, which has to be sorted; it has to be sorted again afterwards.
 * ${policy} may be NULL.
 */
void findings_make(struct landscape *landscape, struct history *history, const struct policy *policy);

#endif
