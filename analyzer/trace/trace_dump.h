/*
 * Hex dumps in a trace (level 3): what was sent and received, so nothing in them is the trace's own word.
 */
#ifndef TRUSTGAP_TRACE_DUMP_H
#define TRUSTGAP_TRACE_DUMP_H

#include "slice.h"

/**
 * trace_dump_is(line):
 * Whether ${line}, without its prefix, begins as a line of a dump: address, offset, groups of hex digits, a bar.
 */
gboolean trace_dump_is(struct slice line);

#endif
