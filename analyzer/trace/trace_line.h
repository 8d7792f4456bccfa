/*
 * What one line of a trace tells, put into the block of its thread.
 *
 * Lines are told apart by fixed words; free text between those, source files and line numbers differ from one patch to
 * the next and are not looked at.  A new kind of line is a new row in the table of trace_line.c.
 */
#ifndef TRUSTGAP_TRACE_LINE_H
#define TRUSTGAP_TRACE_LINE_H

#include "trace_block.h"

/**
 * trace_line_take(block, line):
 * Whether ${line} told anything; it is then in ${block}, which may have ended and begun anew.
 */
gboolean trace_line_take(struct block *block, const struct trace_line *line);

/**
 * trace_line_take_error(slice, error, error_size, name), trace_line_take_code(slice):
 * SSSLERR_NAME or SSSLRC_NAME, also with an S too many or too few: ${error} is as it should be spelt, ${*name} is NAME
 * in the bytes of the slice.  " (-102)", "(- 102)": the number; 0 if there is none.
 */
gboolean trace_line_take_error(struct slice *slice, char *error, size_t error_size, struct slice *name);
int trace_line_take_code(struct slice *slice);

#endif
