/*
 * HTML that is also well-formed XML, written as a stream.
 *
 * Everything that is said goes through markup_text(), which escapes; elements are closed in the order in which they
 * were opened, with an end tag unless they have no content by nature.  Names and values of attributes are our own
 * words, numbers and identifiers: text from a host never goes into an attribute.
 */
#ifndef TRUSTGAP_MARKUP_H
#define TRUSTGAP_MARKUP_H

#include "file.h"

#include <glib.h>
#include <libxml/xmlwriter.h>

struct markup {
    xmlTextWriter *xml;
    struct file_output *output;
    gboolean ok; /* no call has failed */
};

/**
 * markup_begin(markup, output), markup_end(markup):
 * Begin and end a document; what is left open is closed.  FALSE if libxml2 refused anything.
 */
void markup_begin(struct markup *markup, struct file_output *output);
gboolean markup_end(struct markup *markup);

/**
 * markup_open(markup, tag, class), markup_close(markup):
 * Begin an element, with a class unless ${class} is NULL; end the element that was begun last.
 */
void markup_open(struct markup *markup, const char *tag, const char *class);
void markup_close(struct markup *markup);

/**
 * markup_attribute(markup, name, format, ...):
 * An attribute of the element that was just begun.
 */
void markup_attribute(struct markup *markup, const char *name, const char *format, ...) G_GNUC_PRINTF(3, 4);

/**
 * markup_void(markup, tag, name, value, ..., NULL):
 * A whole element that has no content by nature, with these attributes: <meta/>.
 */
void markup_void(struct markup *markup, const char *tag, ...) G_GNUC_NULL_TERMINATED;

/**
 * markup_text(markup, text), markup_printf(markup, format, ...):
 * Text, escaped.
 */
void markup_text(struct markup *markup, const char *text);
void markup_printf(struct markup *markup, const char *format, ...) G_GNUC_PRINTF(2, 3);

/**
 * markup_say(markup, tag, class, format, ...):
 * A whole element with text.
 */
void markup_say(struct markup *markup, const char *tag, const char *class, const char *format, ...) G_GNUC_PRINTF(4, 5);

/**
 * markup_link(markup, prefix, number, text):
 * A link to the element of this document whose id is ${prefix} and the number.
 */
void markup_link(struct markup *markup, const char *prefix, unsigned number, const char *text);

/**
 * markup_raw(markup, text):
 * Our own bytes as they are: the style sheet.
 */
void markup_raw(struct markup *markup, const char *text);

struct table { /* a table with a head; beyond a number of rows the rest is folded away */
    struct markup *markup;
    const char *const *heads; /* NULL-ended */
    const char *what;         /* "more stores": what is folded */
    unsigned limit;
    unsigned total;
    unsigned rows;   /* so far */
    unsigned column; /* of the next cell */
};

/**
 * table_begin(table, markup, heads, total, limit, what):
 * Begin a table of ${total} rows, of which ${limit} are seen at once.
 */
void table_begin(struct table *table, struct markup *markup, const char *const *heads, unsigned total, unsigned limit,
                 const char *what);
void table_end(struct table *table);

/**
 * table_row(table), table_row_end(table):
 * Begin and end a row.
 */
void table_row(struct table *table);
void table_row_end(struct table *table);

/**
 * table_cell(table, class), table_cell_end(table):
 * Begin and end the next cell; the first one of a row is its head.
 */
void table_cell(struct table *table, const char *class);
void table_cell_end(struct table *table);

/**
 * table_say(table, class, format, ...):
 * A whole cell with text.
 */
void table_say(struct table *table, const char *class, const char *format, ...) G_GNUC_PRINTF(3, 4);

#endif
