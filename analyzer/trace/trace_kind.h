/*
 * What an input is if it is no trace: an all-clear needs a trace that was understood.
 */
#ifndef TRUSTGAP_TRACE_KIND_H
#define TRUSTGAP_TRACE_KIND_H

#include "trace.h"

#include <glib.h>

/**
 * trace_kind_is_trace(trace):
 * Whether what ${trace} has read is understood as a trace, so that "no failure" means something: it has a file title, a
 * thread prefix, a failure, or near its beginning a line that only such traces have.  After trace_end().
 */
gboolean trace_kind_is_trace(const struct trace *trace);

/**
 * trace_kind_seen(trace), trace_kind_need(trace):
 * Of one that is not: what it seems to be ("is gzip-compressed data"), and what is needed instead, as a sentence.
 * The caller frees both with g_free().
 */
char *trace_kind_seen(const struct trace *trace);
char *trace_kind_need(const struct trace *trace);

#endif
