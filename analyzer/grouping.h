/*
 * Failures of traces, counted: equal ones of one instance become one entry of the audit.
 *
 * Equal are failures with the same store path, target, peer, cause and missing certificate.  The first one gives the
 * entry its facts; a later one whose chain tells more of the same missing certificate replaces chain and certainty.
 */
#ifndef TRUSTGAP_GROUPING_H
#define TRUSTGAP_GROUPING_H

#include "audit.h"
#include "trace.h"

#include <glib.h>

#define GROUPING_EVIDENCE 3 /* of one entry: the first failure, one of each other error, the latest */

struct grouping_part { /* a part of a trace, in the order of trace_read() */
    const char *path;
    const char *object; /* SHA-256 of its bytes, or NULL */
};

struct grouping;

/**
 * grouping_new(audit, instance, zone_offset_s):
 * A grouping that appends to ${audit->failures} the failures of ${instance} (NULL for "explain").  ${zone_offset_s} is
 * the host's offset from UTC; with G_MININT the moments of the failures stay unknown and only their local times are
 * set.
 */
struct grouping *grouping_new(struct audit *audit, struct audit_instance *instance, int zone_offset_s);

/**
 * grouping_add(grouping, trace, parts):
 * Count the failures of ${trace}, which trace_end() has completed; several traces of one instance may be added.
 * ${parts} names each of its parts.  ${store} of a new failure is left NULL for the caller to find; everything else is
 * set, and nothing points into ${trace} afterwards.
 */
void grouping_add(struct grouping *grouping, const struct trace *trace, const struct grouping_part *parts);

void grouping_free(struct grouping *grouping);

typedef struct grouping grouping_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(grouping_auto, grouping_free)

#endif
