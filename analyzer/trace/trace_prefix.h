/*
 * The prefix by which a line of a trace tells whose it is: "[Thr 4711] text".
 */
#ifndef TRUSTGAP_TRACE_PREFIX_H
#define TRUSTGAP_TRACE_PREFIX_H

#include "slice.h"

#include <glib.h>

#define TRACE_PREFIX_NAME_BYTES 128 /* of a thread's name; what is longer is no prefix */

/**
 * trace_prefix_take(line, name), trace_prefix_find(line, name):
 * Whether a prefix stands at the beginning of ${*line}, or also behind blanks and the marks of a list or a quotation.
 * ${*name} is then the thread's name, in the bytes of the line, and ${*line} what follows the blank behind it.
 */
gboolean trace_prefix_take(struct slice *line, struct slice *name);
gboolean trace_prefix_find(struct slice *line, struct slice *name);

#endif
