#include "base64.h"

#include "error.h"

#include <string.h>

#define GROUP 4 /* digits, for three bytes */

void base64_init(struct base64 *base64, int64_t skip_bytes, int64_t size_bytes)
{
    *base64 = (struct base64){.skip_bytes = skip_bytes, .size_bytes = size_bytes};
}

static gboolean fail(const char *what, GError **error)
{
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "its base64 is %s", what);
    return FALSE;
}

static int value_of(uint8_t digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

static gboolean take_byte(struct base64 *base64, GByteArray *out, uint8_t byte, GError **error)
{
    int64_t at = base64->decoded_bytes++;

    if (at >= base64->skip_bytes && at - base64->skip_bytes < base64->size_bytes) {
        g_byte_array_append(out, &byte, 1);
        return TRUE;
    }
    if (at >= base64->skip_bytes + base64->size_bytes + BASE64_PAD_BYTES)
        return fail("longer than its size", error);
    return byte == 0 || fail("not zero around what is wanted", error);
}

static gboolean take_group(struct base64 *base64, GByteArray *out, GError **error)
{
    unsigned count = 3 - base64->padding;

    if (base64->bits & ((1u << (8 * base64->padding)) - 1))
        return fail("not in its shortest form", error);
    for (unsigned i = 0; i < count; i++)
        if (!take_byte(base64, out, (uint8_t)(base64->bits >> (16 - 8 * i)), error))
            return FALSE;
    base64->ended = base64->padding > 0;
    base64->bits = 0;
    base64->digits = base64->padding = 0;
    return TRUE;
}

gboolean base64_add(struct base64 *base64, GByteArray *out, const uint8_t *bytes, size_t size, GError **error)
{
    for (size_t i = 0; i < size; i++) {
        int value = value_of(bytes[i]);

        if (bytes[i] == '\n')
            continue;
        if (base64->ended)
            return fail("longer than its end", error);
        if (bytes[i] == '=' && base64->digits >= 2) {
            base64->padding++;
            value = 0;
        } else if (value < 0 || base64->padding > 0) {
            return fail("not made of its digits", error);
        }
        base64->bits = base64->bits << 6 | (uint32_t)value;
        if (++base64->digits == GROUP && !take_group(base64, out, error))
            return FALSE;
    }
    return TRUE;
}

gboolean base64_end(const struct base64 *base64, GError **error)
{
    if (base64->digits > 0)
        return fail("cut off", error);
    return base64->decoded_bytes >= base64->skip_bytes + base64->size_bytes || fail("shorter than its size", error);
}
