/*
 * Lines that a terminal, a mail program or a form cut into several because they were too long: which these are is
 * learned from a sample, and they are joined again.
 *
 * Hard wrapping cuts at a column, soft wrapping at the last blank before it.  A line that was cut is followed by one
 * that does not begin as a line does.  Where instead all that was too long is gone, lines are marked as clipped.
 */
#ifndef TRUSTGAP_TRACE_WRAP_H
#define TRUSTGAP_TRACE_WRAP_H

#include "trace_source.h"

#include <glib.h>

#define WRAP_COLUMNS_LEAST ((size_t)40) /* a narrower page is none */
#define WRAP_COLUMNS_MOST  ((size_t)400)

/* Whether a line certainly is no rest of the one before. */
typedef gboolean wrap_owns(const void *data, struct slice line);

enum wrap_way { WRAP_NONE, WRAP_HARD, WRAP_SOFT, WRAP_CLIPPED };

struct wrap {
    enum wrap_way way;
    gboolean unsure; /* WRAP_HARD: nothing shows that lines were not cut at blanks */
    size_t columns;  /* of the page */
    wrap_owns *owns;
    const void *owns_data;
    source_take *take; /* of what comes out */
    void *take_data;
    GString *text; /* of the line that may go on */
    struct source_line line;
    size_t last; /* columns of the last piece that was put into it */
    gboolean pending, passing;
};

/**
 * wrap_init(wrap, take, data), wrap_clear(wrap):
 * Without learning, lines pass as they are.
 */
void wrap_init(struct wrap *wrap, source_take *take, void *data);
void wrap_clear(struct wrap *wrap);

/**
 * wrap_learn(wrap, lines, n, owns, data):
 * Whether a sample of ${n} lines (without line ends) was wrapped or clipped.  ${owns} (NULL: by a thread's prefix or
 * the words with which lines begin) and ${data} are used as long as ${wrap} is.
 */
gboolean wrap_learn(struct wrap *wrap, const struct slice *lines, size_t n, wrap_owns *owns, const void *data);

/**
 * wrap_take(wrap, line), wrap_end(wrap):
 * The next line; there is no other.
 */
void wrap_take(struct wrap *wrap, const struct source_line *line);
void wrap_end(struct wrap *wrap);

#endif
