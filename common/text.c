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

void text_append_clean(GString *out, const void *bytes, size_t size)
{
    const char *at = bytes;
    const char *end = at + size;

    while (at < end) {
        /* The plain run in front is nearly always all there is. */
        const char *run = at;
        while (at < end && *at >= 0x20 && *at < 0x7f)
            at++;
        g_string_append_len(out, run, at - run);
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
    GString *out = g_string_sized_new(size + 1);
    text_append_clean(out, bytes, size);
    return g_string_free(out, FALSE);
}

const char *text_intern_bytes(GStringChunk *strings, const void *bytes, size_t size)
{
    g_autofree char *clean = text_clean(bytes, size);
    return g_string_chunk_insert_const(strings, clean);
}

const char *text_intern(GStringChunk *strings, const char *text)
{
    return text ? text_intern_bytes(strings, text, strlen(text)) : NULL;
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
