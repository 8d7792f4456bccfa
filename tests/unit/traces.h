/*
 * For tests of the trace reader: reading samples, and what they tell in short.
 */
#ifndef TRUSTGAP_TEST_TRACES_H
#define TRUSTGAP_TEST_TRACES_H

#include "trace.h"

#include <glib.h>

/**
 * traces_end(trace):
 * trace_end(), and mentions of errors are dropped as grouping.h does it.
 */
void traces_end(struct trace *trace);

/**
 * traces_read_text(text), traces_read_bytes(bytes, size):
 * A trace of one part.  The bytes are given to the reader in a block of their exact size, which is freed before the
 * end.
 */
struct trace *traces_read_text(const char *text);
struct trace *traces_read_bytes(const char *bytes, size_t size);

/**
 * traces_read_parts(bytes, size, split, second_base):
 * The same in two pieces: of one file if ${second_base} is ${split}, else of two.
 */
struct trace *traces_read_parts(const char *bytes, size_t size, size_t split, uint64_t second_base);

/**
 * traces_load(size, file):
 * A sample of tests/data/trace; g_free().
 */
char *traces_load(size_t *size, const char *file);

/**
 * traces_summary(failure):
 * "cause | error | code | role | store | target | peer | missing | certainty | certificates | check"; g_free().
 */
char *traces_summary(const struct trace_failure *failure);

/**
 * traces_expect(what, trace, want):
 * The failures have these summaries (NULL-ended).
 */
void traces_expect(const char *what, const struct trace *trace, const char *const *want);

/**
 * traces_assert_sound(trace, size):
 * What has to hold whatever the ${size} bytes were.
 */
void traces_assert_sound(const struct trace *trace, size_t size);

/**
 * traces_describe(trace):
 * All that is known of all failures but where they stand; g_free().
 */
char *traces_describe(const struct trace *trace);

#endif
