/*
 * Points in time: whole seconds since 1970-01-01T00:00:00Z in an int64_t, MOMENT_NONE for "not known".
 * Written as ISO 8601 in UTC.  Nothing here reads a clock but moment_now().
 */
#ifndef TRUSTGAP_MOMENT_H
#define TRUSTGAP_MOMENT_H

#include <glib.h>
#include <stdint.h>

#define MOMENT_NONE INT64_MIN

/* Enough for any result of moment_format() with its final NUL. */
#define MOMENT_TEXT_BYTES 32

/**
 * moment_now():
 * The evaluation time of a run that was given none: SOURCE_DATE_EPOCH if the environment has it, else the clock.
 */
int64_t moment_now(void);

/**
 * moment_parse(moment, text, error):
 * Read ISO 8601: "2026-11-22" (when that day begins), "2026-11-22T01:02:03", either with "Z" or an offset like "+01:00"
 * behind the time; without one it is UTC.  On failure return FALSE with ${error} set and ${*moment} unchanged.
 */
gboolean moment_parse(int64_t *moment, const char *text, GError **error);

/**
 * moment_parse_day(moment, text, error):
 * The same, and "2026-11" is the beginning of that month.
 */
gboolean moment_parse_day(int64_t *moment, const char *text, GError **error);

/**
 * moment_format(text, moment):
 * Write "2026-11-22T01:02:03Z" into ${text} and return it; "" for MOMENT_NONE and for years outside of 1 to 9999.
 */
char *moment_format(char text[MOMENT_TEXT_BYTES], int64_t moment);

/**
 * moment_from_civil(year, month, day, hour, minute, second):
 * The moment of this UTC date and time (month 1 to 12), or MOMENT_NONE if there is no such date.  Second 60 counts
 * as 59.
 */
int64_t moment_from_civil(int year, int month, int day, int hour, int minute, int second);

#endif
