/*
 * A failure of a trace as bytes, for another process of this program.  Private to the analyzer.
 */
#ifndef TRUSTGAP_TRACE_PACK_H
#define TRUSTGAP_TRACE_PACK_H

#include "pack.h"
#include "trace.h"

#include <glib.h>

void trace_pack(GByteArray *out, const struct trace_failure *failure);

/**
 * trace_unpack(failure, unpack, chain, lines):
 * Fill ${failure}; its chain and lines are the two arrays, which the caller gives back for the next one: ${chain} frees
 * its items with trace_unpack_free().  Strings stand in the bytes.  Ask unpack_is_done() whether it is anything.
 */
void trace_unpack(struct trace_failure *failure, struct unpack *unpack, GPtrArray *chain, GPtrArray *lines);
void trace_unpack_free(void *cert);

#endif
