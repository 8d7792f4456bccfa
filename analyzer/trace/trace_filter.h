/*
 * Which lines of a trace deserve a look: a fast search for the few words of which at least one stands in every line
 * that says that something failed.
 *
 * This is where the time goes that a long trace takes, so it uses what the processor has (AVX-512, AVX2, or neither)
 * and counts the lines on its way.  All ways give the same answers.
 */
#ifndef TRUSTGAP_TRACE_FILTER_H
#define TRUSTGAP_TRACE_FILTER_H

#include <glib.h>
#include <stdint.h>

/**
 * trace_filter_skip(at, end, lines):
 * Pass over lines without any of the words.  ${at} is the beginning of a line; returned is the beginning of the first
 * line that has one, or of what follows the last line feed.  ${*lines} is set to the number of lines before it.
 */
const char *trace_filter_skip(const char *at, const char *end, uint64_t *lines);

/**
 * trace_filter_has(at, end):
 * Whether one of the words stands between ${at} and ${end}.
 */
gboolean trace_filter_has(const char *at, const char *end);

/**
 * trace_filter_last_year(at, end):
 * The last place between ${at} and ${end} where a line may end in a year (blank, "2", three more characters, and a
 * blank or the end of a line), as time stamps do; NULL if there is none.
 */
const char *trace_filter_last_year(const char *at, const char *end);

enum trace_filter_way { TRACE_FILTER_PLAIN, TRACE_FILTER_AVX2, TRACE_FILTER_AVX512, TRACE_FILTER_WAYS };

/**
 * trace_filter_use(way):
 * For tests: search in this way from now on.  FALSE, with nothing changed, if this machine can't.
 */
gboolean trace_filter_use(enum trace_filter_way way);

#endif
