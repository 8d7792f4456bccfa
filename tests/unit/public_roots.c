/* Certificates that are in use: the roots of this machine. */
#include "moment.h"
#include "name.h"
#include "path.h"
#include "pool.h"
#include "refer.h"

#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <string.h>

#define ROOTS "/etc/ssl/certs/ca-certificates.crt"

struct fixture {
    struct audit *audit;
    struct pool *pool;
};

static void setup(struct fixture *f)
{
    g_autoptr(GError) error = NULL;
    f->audit = audit_new();
    f->pool = pool_new(f->audit);
    cr_assert(refer(f->pool, ROOTS, &error), "%s", error->message);
    cr_expect_eq(f->audit->warnings->len, 0);
}

static void cleanup(struct fixture *f)
{
    pool_free(f->pool);
    audit_free(f->audit);
}

static gboolean is_trusted(const struct audit_cert *leaf, const struct audit_cert *anchor, int year,
                           const char **reason)
{
    g_autoptr(GPtrArray) chain = g_ptr_array_new(), anchors = g_ptr_array_new();
    g_ptr_array_add(chain, (void *)leaf);
    g_ptr_array_add(anchors, (void *)anchor);
    return path_verify(chain, anchors, moment_from_civil(year, 1, 1, 0, 0, 0), reason);
}

/* Every root of this machine, found in each way there is; none is lost. */
Test(public_roots, every_root)
{
    struct fixture f;
    g_autofree char *text = NULL;
    setup(&f);
    cr_assert(g_file_get_contents(ROOTS, &text, NULL, NULL));
    guint roots = 0;
    for (const char *at = strstr(text, "-----BEGIN CERTIFICATE-----"); at; at = strstr(at + 1, "-----BEGIN CERT"))
        roots++;
    cr_expect_gt(roots, 100);
    cr_expect_eq(f.audit->certs->len, roots);

    guint without_cn = 0;
    for (guint i = 0; i < f.audit->certs->len; i++) {
        struct audit_cert *cert = f.audit->certs->pdata[i];
        g_autoptr(GPtrArray) by_name = g_ptr_array_new(), by_key_id = g_ptr_array_new();
        const unsigned char *der = g_bytes_get_data(cert->der, NULL);
        X509 *x509 = d2i_X509(NULL, &der, (long)g_bytes_get_size(cert->der));
        g_autofree char *of_der = name_key_x509(X509_get_subject_name(x509)), *of_text = name_key(cert->subject, FALSE);
        cr_expect_str_eq(of_text, of_der, "%s: as printed and as in DER", cert->subject);
        pool_find_subject(f.pool, by_name, cert->subject, FALSE);
        cr_expect(g_ptr_array_find(by_name, cert, NULL), "%s: by name", cert->subject);
        cr_expect_eq(pool_find_digest(f.pool, NULL, cert->sha1, NULL), cert, "%s: by SHA-1", cert->subject);
        cr_expect_eq(pool_find_digest(f.pool, NULL, NULL, cert->md5), cert, "%s: by MD5", cert->subject);
        cr_expect_eq(pool_find_serial(f.pool, cert->issuer, cert->serial), cert, "%s: by number", cert->subject);
        if (cert->subject_key_id) {
            pool_find_key_id(f.pool, by_key_id, cert->subject_key_id);
            cr_expect(g_ptr_array_find(by_key_id, cert, NULL), "%s: by key identifier", cert->subject);
        }
        cr_expect_eq(cert->subject_key_id == NULL, X509_get0_subject_key_id(x509) == NULL, "%s", cert->subject);
        gboolean root = cert->references->len > 0;
        cr_expect_eq(cert->self_signed, root, "%s", cert->subject);
        without_cn += root && !strstr(cert->subject, "CN=");
        /* As a peer it is its own anchor, and that of nobody else. */
        const char *reason = NULL;
        cr_expect(!root || is_trusted(cert, cert, 2024, &reason) || cert->not_before > f.audit->evaluated ||
                      strstr(reason, "valid") || strstr(reason, "expired"),
                  "%s: %s", cert->subject, reason);
        X509_free(x509);
    }
    cr_expect_gt(without_cn, 3, "some have no common name");
    cleanup(&f);
}
