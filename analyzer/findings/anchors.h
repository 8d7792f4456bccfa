/*
 * The heart of the audit: which certificate is missing in which trust store, who has it, is it there by now.
 *
 * Failures that miss the same certificate are one finding, with one gap for each store (or, where the trace does not
 * tell the store, for each instance).  A gap is open as long as the list lacks the certificate, whatever the trace says
 * or no longer says; it is fixed when tonight's list holds it, even if the trace still shows old failures.
 */
#ifndef TRUSTGAP_ANCHORS_H
#define TRUSTGAP_ANCHORS_H

#include "history.h"
#include "landscape.h"

/**
 * anchors_find(landscape, history):
 * Append the findings "missing-anchor" and "unknown-issuer" to the audit, and for stores that hold what was missing
 * while connections still fail a "tls-failure".
 */
void anchors_find(struct landscape *landscape, struct history *history);

/**
 * anchors_find_whole(history, before):
 * A failure of tonight that audit_failure_names_missing(), of the same instance and connection target as ${before},
 * which is of the previous audit; or NULL.
 */
const struct audit_failure *anchors_find_whole(struct history *history, const struct audit_failure *before);

#endif
