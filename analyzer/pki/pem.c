#include "pem.h"

#include <string.h>

#define DASHES      "-----"
#define LABEL_BYTES 64 /* of the words between the dashes */
#define LOOKED_AT   64 /* bytes that tell the encoding of a text without a byte order mark */

/* The name of the encoding if it is UTF-16: every other byte is NUL where the text is ASCII. */
static const char *encoding_of(const uint8_t *bytes, size_t size)
{
    size_t pairs = MIN(size, LOOKED_AT) / 2, low = 0, high = 0;

    if (size < 2)
        return NULL;
    if ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff))
        return "UTF-16";
    for (size_t i = 0; i < pairs; i++) {
        low += bytes[2 * i] == 0 && bytes[2 * i + 1] != 0;
        high += bytes[2 * i] != 0 && bytes[2 * i + 1] == 0;
    }
    return low == pairs ? "UTF-16BE" : high == pairs ? "UTF-16LE" : NULL;
}

GBytes *pem_text(GBytes *bytes)
{
    gsize size, length = 0;
    const uint8_t *first = g_bytes_get_data(bytes, &size);
    const char *encoding = size >= 2 ? encoding_of(first, size) : NULL;
    char *text = encoding
                     ? g_convert((const char *)first, (gssize)(size - size % 2), "UTF-8", encoding, NULL, &length, NULL)
                     : NULL;
    return text ? g_bytes_new_take(text, length) : g_bytes_ref(bytes);
}

gboolean pem_next(struct slice *text, struct slice *label, struct slice *body)
{
    struct slice rest, end;

    while (slice_find(*text, DASHES "BEGIN ", &rest)) {
        *text = rest;
        struct slice line = {rest.at, MIN(rest.size, LABEL_BYTES + strlen(DASHES))};
        if (!slice_find(line, DASHES, &end))
            continue;
        *label = slice_of(rest.at, end.at - strlen(DASHES));
        *text = slice_of(end.at, rest.at + rest.size);
        *body = (struct slice){NULL, 0};
        /* The end of a block names what its beginning has named; another beginning may come first. */
        if (slice_find(*text, DASHES, &end)) {
            struct slice inside = slice_of(text->at, end.at - strlen(DASHES));
            struct slice tail = {end.at, text->at + text->size > end.at ? (size_t)(text->at + text->size - end.at) : 0};
            if (slice_take(&tail, "END ") && tail.size >= label->size && memcmp(tail.at, label->at, label->size) == 0 &&
                slice_begins(slice_from(tail, label->size), DASHES)) {
                *body = inside;
                *text = slice_from(tail, label->size + strlen(DASHES));
            } else {
                *text = slice_of(inside.at + inside.size, text->at + text->size);
            }
        }
        return TRUE;
    }
    return FALSE;
}

static gboolean is_base64(char c)
{
    return g_ascii_isalnum(c) || c == '+' || c == '/';
}

GBytes *pem_decode(struct slice body)
{
    g_autoptr(GString) digits = g_string_sized_new(body.size);
    gsize length, padding = 0;

    for (size_t i = 0; i < body.size; i++) {
        char c = body.at[i];
        if (c == '\\' && i + 1 < body.size && strchr("nrt", body.at[i + 1])) {
            i++;
        } else if (c == '=') {
            padding++;
        } else if (is_base64(c) && padding == 0) {
            g_string_append_c(digits, c);
        } else if (!g_ascii_isspace(c) && c != '>' && c != '|') {
            return NULL;
        }
    }
    if (digits->len < 4 || digits->len % 4 == 1 || padding > 2)
        return NULL;
    while (digits->len % 4)
        g_string_append_c(digits, '=');
    guchar *bytes = g_base64_decode(digits->str, &length);
    return g_bytes_new_take(bytes, length);
}
