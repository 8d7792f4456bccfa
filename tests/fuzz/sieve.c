/* Bytes of any kind: the same is found in one piece and in small ones, and what passes is what came. */
#include "sieve.h"

#include <stddef.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Whether a key was found. */
static gboolean pass(const uint8_t *bytes, size_t size, size_t piece)
{
    g_autoptr(sieve_auto) sieve = sieve_new();
    const uint8_t *clear;
    size_t clear_size, passed = 0;
    gboolean ok = TRUE;

    for (size_t at = 0; ok && at < size; at += piece) {
        ok = sieve_add(sieve, &clear, &clear_size, bytes + at, MIN(piece, size - at));
        g_assert(clear_size <= size - passed);
        g_assert(clear_size == 0 || memcmp(clear, bytes + passed, clear_size) == 0);
        passed += clear_size;
    }
    if (ok) {
        ok = sieve_end(sieve, &clear, &clear_size);
        g_assert(clear_size == 0 || memcmp(clear, bytes + passed, clear_size) == 0);
        passed += clear_size;
    }
    g_assert(!ok || passed == size);
    return !ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    gboolean found = sieve_holds_key(bytes, size);

    g_assert(pass(bytes, size, MAX(size, 1)) == found);
    g_assert(pass(bytes, size, 1) == found);
    g_assert(pass(bytes, size, 7) == found);
    return 0;
}
