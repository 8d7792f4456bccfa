/*
 * A trace in JSON, as log shippers and log servers write it: one object a line, an array, or an answer of a search.
 *
 * Its lines are strings.  Below which keys these stand is learned from a sample, for each program has its own; of two
 * keys of one record that both have the line, only one is read.  Text that is no JSON passes as it is.
 */
#ifndef TRUSTGAP_TRACE_JSON_H
#define TRUSTGAP_TRACE_JSON_H

#include "trace_source.h"

#include <glib.h>

#define JSON_DEPTH        32                    /* what is nested more deeply counts as part of that */
#define JSON_PATHS        32                    /* of keys, that are told apart */
#define JSON_PATH_BYTES   ((size_t)256)         /* of one */
#define JSON_NESTED       2                     /* JSON in a string of JSON */
#define JSON_STRING_BYTES ((size_t)1024 * 1024) /* of one line in a string; the rest is passed over */

struct jsontrace;

/**
 * jsontrace_new(take, data), jsontrace_free(json):
 * What comes out goes to ${take}.
 */
struct jsontrace *jsontrace_new(source_take *take, void *data);
void jsontrace_free(struct jsontrace *json);

/**
 * jsontrace_learn(json, lines, n):
 * Learn from a sample where lines of a trace stand; returns how many of them it has.
 */
size_t jsontrace_learn(struct jsontrace *json, const struct slice *lines, size_t n);

/**
 * jsontrace_begins(line):
 * Whether a record begins here.
 */
gboolean jsontrace_begins(struct slice line);

/**
 * jsontrace_take(json, line), jsontrace_end(json):
 * The next line of the file; there is no other.
 */
void jsontrace_take(struct jsontrace *json, const struct source_line *line);
void jsontrace_end(struct jsontrace *json);

#endif
