/*
 * Trace hygiene: whether the traces are fit to tell what fails, and no more than that.
 *
 * Each of these findings is about one instance.
 *
 * trace-detail: the trace shows that connections fail since a certificate is missing, but not which one, and its level
 * is below 2 or not known.  Where it was written at level 2 and names nothing all the same, or shows a chain whose
 * check failed, a higher level does not help; where another failure with that peer names the certificate it is not
 * needed. The level of a file without a header is that of the older file before it.
 *
 * trace-level: a level above 1.
 *
 * trace-rotation: the older and the current file of a trace together reach back so few hours that an audit each night
 * does not see all that fails.  How far they reach is known only if the older one was read from its first byte and has
 * a time stamp near it, and the zone of the host is known; of other traces nothing is said.
 */
#ifndef TRUSTGAP_HYGIENE_H
#define TRUSTGAP_HYGIENE_H

#include "audit.h"
#include "history.h"

#include <glib.h>

#define HYGIENE_REACH_HOURS       24 /* a trace that reaches back less is a finding */
#define HYGIENE_REACH_SHORT_HOURS 2  /* ... of more weight */

/**
 * hygiene_made(kind):
 * Whether findings of this kind come from hygiene_find().
 */
gboolean hygiene_made(enum audit_finding_kind kind);

/**
 * hygiene_terse(audit):
 * The failures (a set of struct audit_failure *) that trace-detail is about; the caller frees it with
 * g_hash_table_unref().
 */
GHashTable *hygiene_terse(const struct audit *audit);

/**
 * hygiene_find(history, terse):
 * Append the findings about the traces of all instances to the audit of ${history}, with ${terse} from hygiene_terse().
 */
void hygiene_find(struct history *history, GHashTable *terse);

/**
 * hygiene_was_looked_at(history, before):
 * Whether tonight's traces tell that ${before}, which the previous audit found and this one did not, is over; its host
 * was collected.
 */
gboolean hygiene_was_looked_at(struct history *history, const struct audit_finding *before);

#endif
