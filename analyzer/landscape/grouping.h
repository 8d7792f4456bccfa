/*
 * Failures of traces, counted: equal ones of one instance become one entry of the audit.
 *
 * Equal are failures with the same store path, cause, missing certificate and other side.  The other side is the host
 * name that was asked for, in any case of letters; without one the address and port that was called.  Of incoming
 * connections it is anybody: callers have addresses without number, and a name that they ask for is theirs to choose.
 *
 * Failures come as their blocks end, which is not how they begin.  Nothing depends on that order: by where a failure
 * begins, the first one that knows a fact (target, error, code, role, peer) gives it to the entry; chain, certainty and
 * advice are those of the longest chain of a whole block, of equally long ones of that with the most certificates
 * printed whole.  An entry all of whose blocks are torn is torn itself.
 *
 * Pasted text often comes with words round it, which may name the error once more: an item of a list, a line above the
 * first prefix.  With nothing but the error in it that is a mention; it counts only if its trace has no failure of the
 * same error, and none without an error's name.  So mentions are held back until their trace is over.
 *
 * Memory does not depend on how many failures there are.  Beyond a limit it is the failures that come first that count.
 */
#ifndef TRUSTGAP_GROUPING_H
#define TRUSTGAP_GROUPING_H

#include "audit.h"
#include "pool.h"
#include "trace.h"
#include "zone.h"

#include <glib.h>
#include <stdint.h>

#define GROUPING_EVIDENCE 3     /* of one entry: the first failure, one of each other error, the latest */
#define GROUPING_ENTRIES  10000 /* of one grouping; as many different mentions and names of errors of one trace */

struct grouping_part { /* a part of a trace, in the order of trace_read() */
    const char *path;
    const char *object;        /* SHA-256 of its bytes, or NULL */
    struct audit_trace *trace; /* the failures that begin in it are counted there; or NULL */
};

struct grouping;

/**
 * grouping_new(audit, instance, zone, pool):
 * A grouping that appends to ${audit->failures} the failures of ${instance} (NULL for "explain").  ${zone} is the
 * host's and has to outlive the grouping; with NULL the moments of the failures stay unknown and only their local times
 * are set.  Certificates that a trace prints whole are given to pool_add_shown(), unless ${pool} is NULL.
 */
struct grouping *grouping_new(struct audit *audit, struct audit_instance *instance, const struct zone *zone,
                              struct pool *pool);

/**
 * grouping_take(grouping, failure, parts):
 * Count one failure of the trace that is being read; ${parts} names the parts of that trace, of which the one that the
 * failure begins in is looked at.  Nothing points into either afterwards, but ${parts[].trace} is counted in until the
 * trace is over.
 */
void grouping_take(struct grouping *grouping, const struct trace_failure *failure, const struct grouping_part *parts);

/**
 * grouping_end_trace(grouping, prefixed):
 * The trace is over; ${prefixed}: a line of it had a thread's prefix.  The audit now has all that was taken, new
 * failures in the order in which they begin; the next trace may follow.  ${store} of a new failure is left NULL for the
 * caller to find; everything else is set.
 */
void grouping_end_trace(struct grouping *grouping, gboolean prefixed);

/**
 * grouping_finish(grouping):
 * All traces of the instance were taken.  A failure whose blocks are all torn is counted with a whole one of the same
 * store and connection target, as far as it tells these, and is no failure of its own any more.
 */
void grouping_finish(struct grouping *grouping);

/**
 * grouping_add(grouping, trace, parts):
 * The failures of ${trace}, which trace_end() has completed: grouping_take() for each, and grouping_end_trace().
 */
void grouping_add(struct grouping *grouping, const struct trace *trace, const struct grouping_part *parts);

/**
 * grouping_apart(into, number), grouping_join(into, apart, prefixed):
 * A grouping that takes one trace, the one with this number (from 0) of those of ${into}; and the end of that trace: as
 * if ${into} had taken it.  A trace that is given up is one that is never joined.  ${apart} is empty afterwards, and
 * freed by the caller.  Traces are joined in the order of their numbers.
 */
struct grouping *grouping_apart(struct grouping *into, unsigned number);
void grouping_join(struct grouping *into, struct grouping *apart, gboolean prefixed);

/**
 * grouping_dropped(grouping):
 * How many failures (or mentions) were left out, being different from the first GROUPING_ENTRIES.
 */
uint64_t grouping_dropped(const struct grouping *grouping);

void grouping_free(struct grouping *grouping);

typedef struct grouping grouping_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(grouping_auto, grouping_free)

#endif
