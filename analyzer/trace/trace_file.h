/*
 * A trace from a file or a pipe into a reader of traces, in pieces, so that memory does not depend on its size.  A
 * large file is mapped and searched by several threads; if somebody shortens it meanwhile, it ends there.
 */
#ifndef TRUSTGAP_TRACE_FILE_H
#define TRUSTGAP_TRACE_FILE_H

#include "trace.h"

#include <glib.h>

/**
 * trace_file_read(trace, path, error):
 * Read ${path} ("-": standard input) as the next part of ${trace}; of a regular file what it held when it was opened.
 * FALSE with ${error} set, beginning with the path, if it can't be opened or read; what came before that is read.
 */
gboolean trace_file_read(struct trace *trace, const char *path, GError **error);

/**
 * trace_file_take(trace, path, fd, size, head, head_size, error):
 * The same of a file that file_open() has opened, with the ${size} that it gave, and of which ${head} (or NULL) was
 * read already, that is to be looked at first.
 */
gboolean trace_file_take(struct trace *trace, const char *path, int fd, int64_t size, const void *head,
                         size_t head_size, GError **error);

#endif
