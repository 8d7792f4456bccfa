/*
 * A trace in HTML: a saved page, or what was copied out of one.  Tags that have a name of HTML are taken out and end
 * lines where a browser would, entities become what they stand for; all other text stays.
 */
#ifndef TRUSTGAP_TRACE_WEBPAGE_H
#define TRUSTGAP_TRACE_WEBPAGE_H

#include "trace_source.h"

#include <glib.h>

#define WEBPAGE_LINE_BYTES ((size_t)65536) /* of a line that comes out; the rest is passed over */
#define WEBPAGE_TAG_BYTES  4096            /* of a tag; what is longer is text */

struct webpage;

/**
 * webpage_new(take, data), webpage_free(webpage):
 * What comes out goes to ${take}.
 */
struct webpage *webpage_new(source_take *take, void *data);
void webpage_free(struct webpage *webpage);

/**
 * webpage_learn(lines, n):
 * Whether a sample is HTML, and not a trace in which some stands.
 */
gboolean webpage_learn(const struct slice *lines, size_t n);

/**
 * webpage_take(webpage, line), webpage_end(webpage):
 * The next line of the file; there is no other.
 */
void webpage_take(struct webpage *webpage, const struct source_line *line);
void webpage_end(struct webpage *webpage);

#endif
