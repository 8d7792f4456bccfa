#include "wire.h"

#include <string.h>

gboolean wire_skip(struct wire *wire, size_t size)
{
    if (size > wire->left)
        return FALSE;
    wire->at += size;
    wire->left -= size;
    return TRUE;
}

gboolean wire_read_u8(struct wire *wire, uint8_t *number)
{
    const uint8_t *at = wire->at;

    if (!wire_skip(wire, 1))
        return FALSE;
    *number = *at;
    return TRUE;
}

gboolean wire_read_u32(struct wire *wire, uint32_t *number)
{
    const uint8_t *at = wire->at;

    if (!wire_skip(wire, 4))
        return FALSE;
    *number = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    return TRUE;
}

gboolean wire_read_string(struct wire *wire, struct wire *string)
{
    struct wire rest = *wire;
    uint32_t size;

    if (!wire_read_u32(&rest, &size))
        return FALSE;
    struct wire found = {rest.at, size};
    if (!wire_skip(&rest, size))
        return FALSE;
    if (string)
        *string = found;
    *wire = rest;
    return TRUE;
}

gboolean wire_is(const struct wire *wire, const char *text)
{
    return wire->left == strlen(text) && memcmp(wire->at, text, wire->left) == 0;
}

void wire_append_u32(GByteArray *bytes, uint32_t number)
{
    uint8_t four[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number};
    g_byte_array_append(bytes, four, sizeof four);
}

void wire_append_string(GByteArray *bytes, const void *string, size_t size)
{
    g_assert(size <= G_MAXINT32);
    wire_append_u32(bytes, (uint32_t)size);
    g_byte_array_append(bytes, string, (guint)size);
}
