/*
 * What stands round a trace that somebody copied: JSON, HTML, margins, a page that was too narrow.  A sample of the
 * file tells whether there is any, whatever the file is called; a bare trace has none, and is read without all this.
 */
#ifndef TRUSTGAP_TRACE_CONTAINER_H
#define TRUSTGAP_TRACE_CONTAINER_H

#include "trace_source.h"

#include <glib.h>

struct container;

/**
 * container_find(sample, whole, take, data):
 * What stands round the trace that begins with ${sample}, or NULL: nothing.  ${whole}: there is no more of it.  The
 * lines of the trace itself go to ${take}, in order; container_free().
 */
struct container *container_find(struct slice sample, gboolean whole, source_take *take, void *data);
void container_free(struct container *container);

/**
 * container_take(container, line), container_end(container):
 * The next line of the file, the first of which is that of the sample; there is no other.
 */
void container_take(struct container *container, const struct source_line *line);
void container_end(struct container *container);

#endif
