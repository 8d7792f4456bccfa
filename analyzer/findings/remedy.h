/*
 * What to do about a finding: the steps, in order, in words that a Basis administrator can follow at night.
 *
 * Lines that begin with "$ " are commands, for the login shell of whoever the line above names; every word in them that
 * came from a host is quoted for a POSIX shell and for csh.  CERT.pem stands for the certificate of the finding.  A PIN
 * is never in a command, sapgenpse asks for it.  What is not sure (whether a restart is needed, where an entry can be
 * exported) says so.  Nothing here is ever run by this program.
 */
#ifndef TRUSTGAP_REMEDY_H
#define TRUSTGAP_REMEDY_H

#include "audit.h"

#include <glib.h>

/**
 * remedy_gap(audit, finding, gap, sibling, below):
 * Fill the steps of ${gap}, which is one of ${finding} and has its basis and state.  ${sibling} is the other SSL client
 * PSE of the same place, whatever its list has, or NULL if there is none; ${below} what a certificate that
 * nobody holds has issued in a peer's chain, if that is known, else NULL.
 */
void remedy_gap(struct audit *audit, const struct audit_finding *finding, struct audit_gap *gap,
                const struct audit_store *sibling, const struct audit_cert *below);

/**
 * remedy_covered(audit, gap, by):
 * Replace the steps of ${gap}: the import that the finding ${by} wants for the same store heals it too.
 */
void remedy_covered(struct audit *audit, struct audit_gap *gap, const struct audit_finding *by);

/**
 * remedy_finding(audit, finding):
 * Fill the steps of a finding that has no gaps, by its kind, host, stores and failures.
 */
void remedy_finding(struct audit *audit, struct audit_finding *finding);

/**
 * remedy_told(audit, finding, store):
 * Fill the steps of a finding that connections still fail though ${store} holds by now what they missed.
 */
void remedy_told(struct audit *audit, struct audit_finding *finding, const struct audit_store *store);

/**
 * remedy_torn(audit, finding):
 * Fill the steps of a finding about failures of which the traces show a part only.
 */
void remedy_torn(struct audit *audit, struct audit_finding *finding);

/**
 * remedy_unnamed(audit, finding, instance):
 * Fill the steps of a finding about failures whose missing certificate the trace of ${instance} would name at a higher
 * level, which is a finding of its own.
 */
void remedy_unnamed(struct audit *audit, struct audit_finding *finding, const struct audit_instance *instance);

/**
 * remedy_detail(audit, finding, instance):
 * Fill the steps of a finding that the trace level of ${instance} is too low.
 */
void remedy_detail(struct audit *audit, struct audit_finding *finding, const struct audit_instance *instance);

/**
 * remedy_unanalyzed(audit, finding, object):
 * Fill the steps of a finding that a parser failed with a file, whose bytes are ${object} in the capture.
 */
void remedy_unanalyzed(struct audit *audit, struct audit_finding *finding, const char *object);

/**
 * remedy_rotation(audit, finding, instance, reach):
 * Fill the steps of a finding that the trace of ${instance} reaches back no further than ${reach} ("5 hours").
 */
void remedy_rotation(struct audit *audit, struct audit_finding *finding, const struct audit_instance *instance,
                     const char *reach);

/**
 * remedy_distrusted(audit, gap, section):
 * Fill the steps of ${gap}, whose missing certificate is one that ${section} of the policy distrusts.
 */
void remedy_distrusted(struct audit *audit, struct audit_gap *gap, const char *section);

/**
 * remedy_weak(audit, finding, own):
 * Fill the steps of a finding about a certificate that is too weak: the own one of its stores, or an anchor of them.
 */
void remedy_weak(struct audit *audit, struct audit_finding *finding, gboolean own);

/**
 * remedy_end_entity(audit, finding, issuer):
 * Fill the steps of a finding about an anchor that is no CA; ${issuer} has signed it, NULL if it is not at hand.
 */
void remedy_end_entity(struct audit *audit, struct audit_finding *finding, const struct audit_cert *issuer);

/**
 * remedy_instance(instance):
 * "D00 of PRD on app01": how a text speaks of an instance; the caller frees it with g_free().
 */
char *remedy_instance(const struct audit_instance *instance);

#endif
