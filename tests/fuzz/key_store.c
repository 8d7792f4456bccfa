/* Key stores as references: certificates stand in the bytes of a JKS; whatever comes out of a PKCS #12 file is bounded.
 */
#include "key_store.h"
#include "pkcs12.h"

#include <openssl/err.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static guint check_certs(const GPtrArray *certs, const uint8_t *bytes, size_t size)
{
    for (guint i = 0; i < certs->len; i++) {
        gsize length;
        const void *cert = g_bytes_get_data(certs->pdata[i], &length);
        g_assert(length == 0 || !bytes || memmem(bytes, size, cert, length));
    }
    return certs->len;
}

static void check_store(const struct key_store *store, const uint8_t *bytes, size_t size)
{
    guint certs = check_certs(store->trusted, bytes, size);

    for (guint i = 0; i < store->chains->len; i++) {
        guint length = check_certs(store->chains->pdata[i], bytes, size);
        g_assert(length > 0);
        certs += length;
    }
    g_assert(!bytes || certs <= KEY_STORE_CERTS);
    g_assert(ERR_peek_error() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const passwords[] = {"changeit", NULL};
    struct key_store store;

    key_store_init(&store);
    if (key_store_read(&store, bytes, size)) {
        check_store(&store, bytes, size);
    } else {
        g_assert(store.trusted->len + store.chains->len == 0 && !store.trouble);
        pkcs12_read(&store, bytes, size, passwords);
        check_store(&store, NULL, 0);
    }
    key_store_clear(&store);
    return 0;
}
