/* analyzer/pool: each certificate once, lists, references. */
#include "pool.h"

#include "certs.h"

#include <criterion/criterion.h>

static struct audit_cert *add(struct pool *pool, const struct issued *issued)
{
    return pool_add_der(pool, g_bytes_get_data(issued->der, NULL), g_bytes_get_size(issued->der), NULL);
}

Test(pool, each_certificate_once)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    g_autoptr(issued_auto) root = certs(.subject = "/C=DE/O=Example, Inc./CN=Root", .serial = "0A06000000000001");
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = root, .leaf = TRUE);
    struct audit_cert *cert = add(pool, root);

    cr_assert_not_null(cert);
    cr_expect_eq(add(pool, root), cert);
    cr_expect_eq(audit->certs->len, 1);
    cr_expect_str_eq(cert->subject, "CN=Root, O=\"Example, Inc.\", C=DE");
    cr_expect_str_eq(cert->serial, "0A:06:00:00:00:00:00:01");
    cr_expect_str_eq(cert->key, "EC prime256v1");
    cr_expect(cert->self_signed && cert->ca);

    struct audit_cert *other = add(pool, leaf);
    cr_expect_not(other->self_signed || other->ca);
    cr_expect(pool_issued(pool, cert, other));
    cr_expect_not(pool_issued(pool, other, cert));

    g_autoptr(GBytes) both = certs_join(root, leaf, NULL), swapped = certs_join(leaf, root, root, NULL);
    struct audit_list *list = pool_add_list(pool, g_bytes_get_data(both, NULL), g_bytes_get_size(both));
    cr_expect_eq(list->certs->len, 2);
    cr_expect_eq(pool_add_list(pool, g_bytes_get_data(swapped, NULL), g_bytes_get_size(swapped)), list);
    cr_expect_eq(audit->lists->len, 1);
    pool_free(pool);
}

Test(pool, the_roots_of_this_machine)
{
    g_autoptr(audit_auto) audit = audit_new();
    g_autoptr(GError) error = NULL;
    struct pool *pool = pool_new(audit);

    cr_assert(pool_add_reference(pool, "/etc/ssl/certs/ca-certificates.crt", &error), "%s", error->message);
    guint bundle = audit->certs->len;
    cr_expect_gt(bundle, 100);
    cr_assert(pool_add_reference(pool, "/etc/ssl/certs", &error), "%s", error->message);
    cr_expect_eq(audit->certs->len, bundle, "the folder has the same ones");
    for (guint i = 0; i < audit->certs->len; i++) {
        struct audit_cert *cert = audit->certs->pdata[i];
        cr_expect(cert->ca, "%s", cert->subject);
        g_autoptr(GPtrArray) found = g_ptr_array_new();
        pool_find_subject(pool, found, cert->subject, FALSE);
        cr_expect(g_ptr_array_find(found, cert, NULL), "%s", cert->subject);
        cr_expect_eq(pool_find_digest(pool, cert->sha256, NULL, NULL), cert);
    }
    pool_free(pool);
}
