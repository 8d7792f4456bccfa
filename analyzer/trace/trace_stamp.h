/*
 * The time stamps of a trace: lines of their own, in the host's local time, which is given as if it were UTC.
 */
#ifndef TRUSTGAP_TRACE_STAMP_H
#define TRUSTGAP_TRACE_STAMP_H

#include "slice.h"

#include <glib.h>
#include <stdint.h>

#define TRACE_STAMP_WINDOW_BYTES ((size_t)1024 * 1024) /* looked at from either end of a piece */

/**
 * trace_stamp_take(body, local):
 * Whether the line ${body}, without its end and without the prefix of its thread, is a time stamp:
 * "Sun Nov 22 01:02:03:344 2026"; older programs write no milliseconds.  ${*local} is then that time, else unchanged.
 */
gboolean trace_stamp_take(struct slice body, int64_t *local);

/**
 * trace_stamp_span(bytes, size, first, last):
 * The first and the last time stamp in the ${size} bytes of a trace at ${bytes}; MOMENT_NONE where there is none within
 * TRACE_STAMP_WINDOW_BYTES of that end, so that the cost does not depend on ${size}.  Lines may have the prefix of
 * their thread and a CR.  One without its LF does not count, since its year may be cut; UTF-16 is not understood.
 */
void trace_stamp_span(const void *bytes, size_t size, int64_t *first, int64_t *last);

#endif
