/*
 * Trust lists in DER: every certificate that is taken can be found again, and names itself.  The same bytes as what a
 * peer sent: whatever is taken of them is marked so.
 */
#include "name.h"
#include "path.h"
#include "pool.h"

#include <openssl/err.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void take_as_shown(const uint8_t *bytes, size_t size)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    g_autoptr(GPtrArray) digests = pool_add_shown_chain(pool, bytes, size, 1795305600);

    pool_take_shown(pool);
    for (guint i = 0; digests && i < digests->len; i++) {
        const struct audit_cert *cert = pool_find_digest(pool, digests->pdata[i], NULL, NULL);
        g_assert(!cert || (cert->from_trace && cert->asked == 1795305600));
    }
    for (guint i = 0; i < audit->certs->len; i++) {
        const struct audit_cert *cert = audit->certs->pdata[i];
        g_autoptr(GPtrArray) found = g_ptr_array_new();
        if (cert->issuer && cert->serial)
            pool_find_asked(pool, found, cert->issuer, cert->serial);
    }
    g_assert(ERR_peek_error() == 0);
    pool_free(pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    take_as_shown(bytes, size);
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    struct audit_list *list = pool_add_list(pool, bytes, size);

    g_assert(pool_add_list(pool, bytes, size) == list);
    for (guint i = 0; i < list->certs->len; i++) {
        struct audit_cert *cert = list->certs->pdata[i];
        g_autoptr(GPtrArray) found = g_ptr_array_new();
        g_autofree char *key = name_key(cert->subject, FALSE);
        g_assert(cert->der && g_utf8_validate(cert->subject, -1, NULL));
        g_assert(pool_find_digest(pool, cert->sha256, NULL, NULL) == cert);
        pool_find_subject(pool, found, cert->subject, FALSE);
        g_assert(!key || g_ptr_array_find(found, cert, NULL));
        pool_issued(pool, cert, list->certs->pdata[0]);
    }
    path_verify(list->certs, list->certs, 1795305600, NULL);
    g_assert(ERR_peek_error() == 0);
    audit_sort(audit);
    pool_free(pool);
    return 0;
}
