/* analyzer/path: who would be trusted. */
#include "path.h"

#include "certs.h"
#include "pool.h"

#include <criterion/criterion.h>

static GPtrArray *array(struct pool *pool, struct issued *const *issued)
{
    GPtrArray *certs = g_ptr_array_new();
    for (; *issued; issued++)
        g_ptr_array_add(
            certs, pool_add_der(pool, g_bytes_get_data((*issued)->der, NULL), g_bytes_get_size((*issued)->der), NULL));
    return certs;
}

#define ARRAY(...) array(pool, (struct issued *[]){__VA_ARGS__, NULL})

Test(path, chain_to_its_root)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) middle = certs(.subject = "/CN=Middle", .issuer = root);
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = middle, .leaf = TRUE);
    g_autoptr(GPtrArray) chain = ARRAY(leaf, middle), anchors = ARRAY(root), none = g_ptr_array_new();
    const char *reason = NULL;

    cr_expect(path_verify(chain, anchors, CERTS_NOW, &reason));
    cr_expect_null(reason);
    cr_expect_not(path_verify(chain, none, CERTS_NOW, &reason));
    cr_expect_not_null(reason);
    pool_free(pool);
}
