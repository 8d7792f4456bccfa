/* Packed input: whatever the bytes are, no limit is passed, and pieces lie where they are said to be. */
#include "packed.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define ENOUGH ((uint64_t)4 * 1024 * 1024) /* of one sample, so that a bomb doesn't take the day */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    g_autoptr(GBytes) all = g_bytes_new_static(bytes, size);
    struct packed_budget budget = {.unpacked = PACKED_BYTES - ENOUGH};
    g_autoptr(GError) error = NULL;
    struct packed *packed = packed_open("x", -1, all, &budget, &error);
    uint64_t sum = 0, total = 0;

    g_assert(packed);
    while (!error && packed_next(packed, &error)) {
        size_t got = 1;
        while (got > 0 && !error) {
            const uint8_t *piece = NULL;
            if (!packed_read(packed, (const void **)&piece, &got, &error))
                break;
            total += got;
            for (size_t i = 0; i < got; i++)
                sum += piece[i];
        }
    }
    g_assert(!error || g_str_has_prefix(error->message, "x: "));
    g_assert(error || total <= ENOUGH);
    g_assert(budget.entries <= PACKED_ENTRIES + 1);
    g_assert(sum <= total * 255);
    packed_close(packed);
    return 0;
}
