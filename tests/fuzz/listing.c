/* Listings of sapgenpse: what is read is clean, and what is not whole is not called so. */
#include "pool.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    enum audit_reading reading;
    const char *reason;
    struct audit_list *list = pool_add_listing(pool, bytes, size, size && bytes[0] == '!' ? 1 : 0, &reading, &reason);

    g_assert((list == NULL) == (reading == READING_NONE));
    g_assert(reading == READING_LISTING || reason);
    g_assert(reading != READING_LISTING || memmem(bytes, size, "PKList:", 7));
    g_assert(!reason || g_utf8_validate(reason, -1, NULL));
    for (guint i = 0; list && i < list->certs->len; i++) {
        const struct audit_cert *cert = list->certs->pdata[i];
        g_assert(cert->subject && g_utf8_validate(cert->subject, -1, NULL));
        g_assert(!cert->sha256 ||
                 (strlen(cert->sha256) == 64 && pool_find_digest(pool, cert->sha256, NULL, NULL) == cert));
        g_assert(!cert->serial || strspn(cert->serial, "0123456789ABCDEF:") == strlen(cert->serial));
    }
    audit_sort(audit);
    pool_free(pool);
    return 0;
}
