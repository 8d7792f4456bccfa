/*
 * A line of a trace on its way from the file to the reader, where what copying did to the file is undone first.
 */
#ifndef TRUSTGAP_TRACE_SOURCE_H
#define TRUSTGAP_TRACE_SOURCE_H

#include "slice.h"

#include <glib.h>
#include <stdint.h>

#define SOURCE_LINE_BYTES                                                                                              \
    ((size_t)1024 * 1024) /* of a file's line at once; the rest is given as a piece that follows */

struct source_line {
    struct slice text; /* without its line end */
    uint64_t offset;   /* of its first byte in the file */
    unsigned number;   /* of the file's line in which it begins, from 1 */
    gboolean exact;    /* byte n of the text is at ${offset} + n */
    gboolean ended;    /* its line end was there; FALSE: the file ends here, or another piece follows */
    gboolean clipped;  /* what stood behind it was cut off */
};

/* Takes a line; its text is valid until it returns. */
typedef void source_take(void *data, const struct source_line *line);

#endif
