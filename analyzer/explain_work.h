/*
 * What the files of "explain" share: a trace that is read, and what becomes of it.  Private to explain.c and
 * explain_packed.c.
 */
#ifndef TRUSTGAP_EXPLAIN_WORK_H
#define TRUSTGAP_EXPLAIN_WORK_H

#include "audit.h"
#include "grouping.h"
#include "trace.h"

#include <glib.h>
#include <stdint.h>

struct explain {
    struct audit *audit;
    struct grouping *grouping;
};

struct explain_trace {
    struct explain *explain;
    struct grouping_part parts[2];
    struct trace *trace;
};

/**
 * explain_trace_begin(work, explain, first, second), explain_trace_end(work):
 * Begin a trace whose parts messages call ${first} and ${second} (NULL: there is one), and which the caller reads into
 * ${work->trace}.  Then take its failures into the audit; whether it was understood as a trace.
 */
void explain_trace_begin(struct explain_trace *work, struct explain *explain, const char *first, const char *second);
gboolean explain_trace_end(struct explain_trace *work);

/**
 * explain_trace_clear(work):
 * Free the trace.
 */
void explain_trace_clear(struct explain_trace *work);

/**
 * explain_input_add(explain, path, understood, seen, need):
 * What became of a named input; ${seen} and ${need} where it was not understood.
 */
void explain_input_add(struct explain *explain, const char *path, gboolean understood, const char *seen,
                       const char *need);

/**
 * explain_packed(explain, path, fd, bytes, error):
 * A packed file, or an archive with traces in it: the regular file ${fd}, or ${bytes} if that isn't NULL.  FALSE with
 * ${error} set where a limit of packed.h is reached.
 */
gboolean explain_packed(struct explain *explain, const char *path, int fd, GBytes *bytes, GError **error);

#endif
