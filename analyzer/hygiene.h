/*
 * Trace hygiene: whether the traces are fit to tell what fails, and no more than that.
 *
 * Each of these findings is about one instance.  trace-level: a level above 1.  trace-rotation: the older and the
 * current file of a trace together reach back so few hours that an audit each night does not see all that fails.  How
 * far they reach is known only if the older one was read from its first byte and has a time stamp near it, and the zone
 * of the host is known; of other traces nothing is said.
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
 * hygiene_find(history):
 * Append the findings about the traces of all instances to the audit of ${history}.
 */
void hygiene_find(struct history *history);

/**
 * hygiene_was_looked_at(history, before):
 * Whether tonight's traces tell that ${before}, which the previous audit found and this one did not, is over; its host
 * was collected.
 */
gboolean hygiene_was_looked_at(struct history *history, const struct audit_finding *before);

#endif
