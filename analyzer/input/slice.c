#include "slice.h"

gboolean slice_take_word(struct slice *slice, struct slice *word)
{
    size_t size = 0;
    while (size < slice->size && slice_is_word(slice->at[size]))
        size++;
    *word = (struct slice){slice->at, size};
    *slice = slice_from(*slice, size);
    return size > 0;
}

gboolean slice_take_run(struct slice *slice, struct slice *run)
{
    size_t size = 0;
    while (size < slice->size && !slice_is_blank(slice->at[size]))
        size++;
    *run = (struct slice){slice->at, size};
    *slice = slice_from(*slice, size);
    return size > 0;
}

gboolean slice_take_number(struct slice *slice, int64_t *number)
{
    int64_t value = 0;
    size_t size = 0;
    while (size < slice->size && g_ascii_isdigit(slice->at[size])) {
        int digit = slice->at[size++] - '0';
        if (value > (INT64_MAX - digit) / 10)
            return FALSE;
        value = 10 * value + digit;
    }
    if (size == 0)
        return FALSE;
    *number = value;
    *slice = slice_from(*slice, size);
    return TRUE;
}

gboolean slice_take_hex(struct slice *slice, struct slice *digits, uint64_t *number)
{
    uint64_t value = 0;
    size_t size = 0;
    while (size < slice->size && g_ascii_isxdigit(slice->at[size]))
        value = value << 4 | (uint64_t)g_ascii_xdigit_value(slice->at[size++]);
    if (size == 0)
        return FALSE;
    *digits = (struct slice){slice->at, size};
    *number = size <= 16 ? value : 0;
    *slice = slice_from(*slice, size);
    return TRUE;
}

gboolean slice_take_quoted(struct slice *slice, struct slice *text, gboolean *open)
{
    struct slice rest = *slice;
    if (!slice_take(&rest, "\""))
        return FALSE;
    const char *end = memchr(rest.at, '"', rest.size);
    *open = end == NULL;
    *text = end ? slice_of(rest.at, end) : rest;
    *slice = end ? slice_of(end + 1, rest.at + rest.size) : slice_from(rest, rest.size);
    return TRUE;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

gboolean slice_find_fold(struct slice slice, const char *word, struct slice *rest)
{
    size_t length = strlen(word), same;

    for (size_t i = 0; i + length <= slice.size; i++) {
        for (same = 0; same < length && lower(slice.at[i + same]) == word[same];)
            same++;
        if (same == length) {
            *rest = slice_from(slice, i + length);
            return TRUE;
        }
    }
    return FALSE;
}
