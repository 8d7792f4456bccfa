#include "secrecy.h"

#include "keyring.h"

#include <openssl/crypto.h>
#include <sys/prctl.h>

#define LEAST_BLOCK_BYTES 32

/* OpenSSL takes no other memory once it has this, so there has to be enough for every key; a power of 2. */
static size_t heap_bytes(const struct inventory *inventory)
{
    g_autoptr(GHashTable) files = g_hash_table_new(g_str_hash, g_str_equal);
    size_t bytes = SECRECY_HEAP_BYTES;

    for (guint i = 0; i < inventory->hosts->len; i++) {
        const struct inventory_host *host = g_ptr_array_index(inventory->hosts, i);
        if (host->key_file)
            g_hash_table_add(files, host->key_file);
    }
    while (bytes < (g_hash_table_size(files) + KEYRING_TRIES) * SECRECY_KEY_BYTES)
        bytes *= 2;
    return bytes;
}

void secrecy_begin(struct secrecy *before, const struct inventory *inventory)
{
    before->dumpable = prctl(PR_GET_DUMPABLE);
    prctl(PR_SET_DUMPABLE, 0);
    if (getrlimit(RLIMIT_CORE, &before->core) != 0)
        before->core = (struct rlimit){0, 0};
    struct rlimit none = {.rlim_cur = 0, .rlim_max = before->core.rlim_max};
    setrlimit(RLIMIT_CORE, &none);
    if (!CRYPTO_secure_malloc_initialized())
        CRYPTO_secure_malloc_init(heap_bytes(inventory), LEAST_BLOCK_BYTES);
}

void secrecy_end(const struct secrecy *before)
{
    setrlimit(RLIMIT_CORE, &before->core);
    if (before->dumpable == 1)
        prctl(PR_SET_DUMPABLE, 1);
}
