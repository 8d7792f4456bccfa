/*
 * Plain text in 80 columns, for the text report and for "explain".
 */
#ifndef TRUSTGAP_PAPER_H
#define TRUSTGAP_PAPER_H

#include "audit.h"
#include "file.h"

#include <glib.h>

#define PAPER_COLUMNS 79

/**
 * paper_wrap(output, first, rest, text):
 * Write ${text} wrapped at blanks, its first line behind ${first}, the following ones behind ${rest}.  A word that is
 * longer than a line stays whole, so that it can be searched for and copied.
 */
void paper_wrap(struct file_output *output, const char *first, const char *rest, const char *text);

/**
 * paper_field(output, label, format, ...):
 * One line "  label        text", wrapped into its column.
 */
void paper_field(struct file_output *output, const char *label, const char *format, ...) G_GNUC_PRINTF(3, 4);

/**
 * paper_line(output, label, format, ...):
 * The same in one line however long it is: for names and paths, which are searched for and copied.
 */
void paper_line(struct file_output *output, const char *label, const char *format, ...) G_GNUC_PRINTF(3, 4);

/**
 * paper_fingerprint(output, label, before, hex):
 * A fingerprint as STRUST shows it behind the text ${before}; a SHA-256 is too wide for one line and takes two. Nothing
 * for NULL.
 */
void paper_fingerprint(struct file_output *output, const char *label, const char *before, const char *hex);

/**
 * paper_steps(output, indent, steps):
 * What to do, numbered; a command stands alone in its line, whole.
 */
void paper_steps(struct file_output *output, const char *indent, const GPtrArray *steps);

/**
 * paper_quote(output, indent, evidence):
 * Where a piece of evidence was found, and its lines behind a bar.
 */
void paper_quote(struct file_output *output, const char *indent, const struct audit_evidence *evidence);

#endif
