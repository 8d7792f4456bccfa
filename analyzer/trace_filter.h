/*
 * Which bytes of a trace deserve a look: a fast search for the few words of which at least one stands in every line
 * that can begin the story of a failure (and in some that don't).
 */
#ifndef TRUSTGAP_TRACE_FILTER_H
#define TRUSTGAP_TRACE_FILTER_H

#include <stddef.h>

/**
 * trace_filter_find(at, end):
 * The first of those words between ${at} and ${end}, or NULL.
 */
const char *trace_filter_find(const char *at, const char *end);

#endif
