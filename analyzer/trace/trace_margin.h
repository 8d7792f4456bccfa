/*
 * What tools put round each line of a trace: a file's name and a line's number (grep, cat -n), host and time (syslog,
 * journalctl, kubectl), the bars of a list in SAP GUI.
 *
 * It is learned from a sample: what stands before the words with which lines of a trace begin, with numbers, months and
 * days taken for any number, month and day.  What most lines have is taken off all lines that have it.
 */
#ifndef TRUSTGAP_TRACE_MARGIN_H
#define TRUSTGAP_TRACE_MARGIN_H

#include "trace_source.h"

#include <glib.h>

#define MARGIN_SHAPES 16            /* that are told apart */
#define MARGIN_BYTES  ((size_t)256) /* before a line; what is longer is none */

struct margin {
    struct margin_shape {
        char *text;
        size_t gap; /* blanks behind it that are none of the trace */
    } shapes[MARGIN_SHAPES];
    unsigned n_shapes;
    size_t indent;   /* without shapes: blanks before each line, also before one that is the rest of another */
    gboolean quotes; /* one mark of a quotation, and nothing else */
    gboolean bars;   /* lines end in a bar too */
    source_take *take;
    void *take_data;
};

/**
 * margin_init(margin, take, data), margin_clear(margin):
 * Without learning, lines pass as they are.
 */
void margin_init(struct margin *margin, source_take *take, void *data);
void margin_clear(struct margin *margin);

/**
 * margin_learn(margin, lines, n):
 * Whether the lines of a sample have margins.
 */
gboolean margin_learn(struct margin *margin, const struct slice *lines, size_t n);

/**
 * margin_has(margin, line):
 * Whether ${line} has one of them; the form is that of wrap_owns().
 */
gboolean margin_has(const void *margin, struct slice line);

/**
 * margin_take(margin, line):
 * The next line.
 */
void margin_take(struct margin *margin, const struct source_line *line);

#endif
