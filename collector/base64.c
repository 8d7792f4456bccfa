#include "base64.h"

#include "error.h"

#include <string.h>

#define GROUP   4    /* digits, for three bytes */
#define AT_ONCE 3072 /* bytes that are decoded together */

void base64_init(struct base64 *base64, int64_t skip_bytes, int64_t size_bytes)
{
    *base64 = (struct base64){.skip_bytes = skip_bytes, .size_bytes = size_bytes};
}

static gboolean fail(const char *what, GError **error)
{
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "its base64 is %s", what);
    return FALSE;
}

/* Of each digit its value plus one; of anything else 0. */
static const uint8_t values[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,  ['H'] = 8,
    ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
    ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
    ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
    ['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
    ['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
    ['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

static int value_of(uint8_t digit)
{
    return values[digit] - 1;
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

/* Whole groups of what is wanted, as most are; returns how many digits they had. */
static size_t take_groups(struct base64 *base64, GByteArray *out, const uint8_t *bytes, size_t size)
{
    uint8_t decoded[AT_ONCE];
    guint count = 0;
    size_t at = 0;
    int64_t left = base64->skip_bytes + base64->size_bytes - base64->decoded_bytes;

    if (base64->digits > 0 || base64->ended || base64->decoded_bytes < base64->skip_bytes)
        return 0;
    for (; size - at >= GROUP && count + 3 <= sizeof decoded && count + 3 <= left; at += GROUP) {
        const uint8_t *group = bytes + at;
        uint8_t a = values[group[0]], b = values[group[1]], c = values[group[2]], d = values[group[3]];
        if (!a || !b || !c || !d)
            break;
        uint32_t bits = (uint32_t)(a - 1) << 18 | (uint32_t)(b - 1) << 12 | (uint32_t)(c - 1) << 6 | (uint32_t)(d - 1);
        decoded[count++] = (uint8_t)(bits >> 16);
        decoded[count++] = (uint8_t)(bits >> 8);
        decoded[count++] = (uint8_t)bits;
    }
    g_byte_array_append(out, decoded, count);
    base64->decoded_bytes += count;
    return at;
}

gboolean base64_add(struct base64 *base64, GByteArray *out, const uint8_t *bytes, size_t size, GError **error)
{
    for (size_t i = 0; i < size; i++) {
        i += take_groups(base64, out, bytes + i, size - i);
        if (i == size)
            break;
        if (bytes[i] == '\n')
            continue;
        int value = value_of(bytes[i]);
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
