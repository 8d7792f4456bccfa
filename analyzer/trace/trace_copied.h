/*
 * What copying and pasting has done to the lines of a trace, made good for matching: other blanks, quotes and dashes,
 * marks of lists and quotations before a line, and lines that were joined into one.
 */
#ifndef TRUSTGAP_TRACE_COPIED_H
#define TRUSTGAP_TRACE_COPIED_H

#include "slice.h"

#include <glib.h>

/**
 * trace_copied_plain(line, buffer):
 * The line with no-break blanks, curly quotes, long dashes and "\_" as what they stand for, and "?" for NUL.  Bytes
 * that are no UTF-8 count as Latin-1 (or, where that has no characters, as code page 1252).  The result is ${line}
 * itself or lies in ${buffer}.
 */
struct slice trace_copied_plain(struct slice line, GString *buffer);

/**
 * trace_copied_strip_mark(body):
 * Whether a list mark ("- ", "> ", "3. ") stood at the beginning of ${*body}, which is then what follows it.
 */
gboolean trace_copied_strip_mark(struct slice *body);

/**
 * trace_copied_begins(text):
 * Whether ${text} begins with words with which a line of a trace begins, behind its thread's prefix or with that.
 */
gboolean trace_copied_begins(struct slice text);

/**
 * trace_copied_strip_end(line):
 * Take from the end of ${*line} what joins or frames lines: blanks, "#", the ">" of a quotation.
 */
void trace_copied_strip_end(struct slice *line);

/**
 * trace_copied_take(rest, by_hash):
 * Of a line that was several, take the first of these from ${*rest}; of any other all.  Where one ends is told by how
 * the next begins: with known words behind a blank.  ${*by_hash} is FALSE at first; it becomes TRUE where "#" is found
 * to stand for line ends, and then each one outside of quotes is one.
 */
struct slice trace_copied_take(struct slice *rest, gboolean *by_hash);

#endif
