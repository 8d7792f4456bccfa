/* Packets of a server in clear, of any bytes: whole and one byte after the other must give the same answer. */
#include "clear.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    gboolean may_choose_group = bytes[0] & 1;
    struct clear whole, pieces;
    const char *refusal = NULL;

    clear_init(&whole, may_choose_group);
    clear_init(&pieces, may_choose_group);
    const char *expected = clear_add(&whole, bytes + 1, size - 1);
    for (size_t i = 1; i < size; i++)
        refusal = clear_add(&pieces, bytes + i, 1);
    g_assert(g_strcmp0(expected, refusal) == 0);
    clear_clear(&whole);
    clear_clear(&pieces);
    return 0;
}
