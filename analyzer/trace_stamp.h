/*
 * The time stamps of a trace: lines of their own, in the host's local time.
 */
#ifndef TRUSTGAP_TRACE_STAMP_H
#define TRUSTGAP_TRACE_STAMP_H

#include "slice.h"

#include <glib.h>
#include <stdint.h>

/**
 * trace_stamp_take(body, local):
 * Whether the line ${body}, without its end and without the prefix of its thread, is a time stamp:
 * "Sun Nov 22 01:02:03:344 2026"; older programs write no milliseconds.  ${*local} is then that time as if it were UTC.
 */
gboolean trace_stamp_take(struct slice body, int64_t *local);

#endif
