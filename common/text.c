#include "text.h"

#include <string.h>

static gboolean is_printable(gunichar c)
{
    if (c < 0x20 || (c >= 0x7f && c <= 0xa0 && c != 0xa0))
        return FALSE;
    if (c < 0x7f)
        return TRUE;
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT: /* directions, joiners, soft hyphen: text that cannot be seen */
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return FALSE;
    default:
        return TRUE;
    }
}

static size_t plain_run(const char *at, size_t size)
{
    /* Eight bytes at a time: no sum reaches the highest bit, and no difference borrows it. */
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t run = 0;

    for (uint64_t eight; run + 8 <= size; run += 8) {
        memcpy(&eight, at + run, 8);
        if ((eight | (eight + ones) | (eight - ones * 0x20)) & tops)
            break;
    }
    while (run < size && at[run] >= 0x20 && at[run] < 0x7f)
        run++;
    return run;
}

void text_append_clean(GString *out, const void *bytes, size_t size)
{
    const char *at = bytes;
    const char *end = at + size;

    while (at < end) {
        /* The plain run in front is nearly always all there is. */
        size_t run = plain_run(at, (size_t)(end - at));
        g_string_append_len(out, at, (gssize)run);
        at += run;
        if (at == end)
            break;
        if (*at == '\t') {
            g_string_append_c(out, ' ');
            at++;
            continue;
        }
        gunichar c = g_utf8_get_char_validated(at, end - at);
        if (c == (gunichar)-1 || c == (gunichar)-2 || c == 0) {
            g_string_append_printf(out, "\\x%02x", (unsigned char)*at);
            at++;
            continue;
        }
        if (is_printable(c))
            g_string_append_unichar(out, c);
        else if (c < 0x80)
            g_string_append_printf(out, "\\x%02x", c);
        else
            g_string_append_printf(out, "\\u{%x}", c);
        at = g_utf8_next_char(at);
    }
}

char *text_clean(const void *bytes, size_t size)
{
    if (plain_run(bytes, size) == size) /* as nearly always */
        return g_strndup(bytes, size);
    GString *out = g_string_sized_new(size + 1);
    text_append_clean(out, bytes, size);
    return g_string_free(out, FALSE);
}

const char *text_keep_bytes(GStringChunk *strings, const void *bytes, size_t size)
{
    if (plain_run(bytes, size) == size)
        return g_string_chunk_insert_len(strings, bytes, (gssize)size);
    g_autofree char *clean = text_clean(bytes, size);
    return g_string_chunk_insert(strings, clean);
}

const char *text_keep(GStringChunk *strings, const char *text)
{
    return text ? text_keep_bytes(strings, text, strlen(text)) : NULL;
}

const char *text_intern_bytes(GStringChunk *strings, const void *bytes, size_t size)
{
    g_autofree char *clean = text_clean(bytes, size);
    return g_string_chunk_insert_const(strings, clean);
}

const char *text_intern(GStringChunk *strings, const char *text)
{
    if (!text)
        return NULL;
    size_t size = strlen(text);
    if (plain_run(text, size) == size)
        return g_string_chunk_insert_const(strings, text);
    return text_intern_bytes(strings, text, size);
}

void text_hex(GString *out, const void *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = bytes;

    for (size_t i = 0; i < size; i++) {
        g_string_append_c(out, digits[at[i] >> 4]);
        g_string_append_c(out, digits[at[i] & 15]);
    }
}
