/*
 * analyzer/signature: each signature is verified once, by whoever asks and in a whole analysis.
 *
 * X509_verify() is this program's own, so what the analyzer calls is counted here, and not by the module under test.
 * Calls inside of OpenSSL do not come here: a test shows that there are none.
 */
#include "signature.h"

#include "path.h"
#include "pool.h"
#include "scene.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <string.h>

static GHashTable *asked; /* set of char *: digests of certificate and key */
static unsigned calls, repeated;
static gboolean credulous; /* everything is signed by everybody */

static char *pair_text(X509 *subject, EVP_PKEY *key)
{
    unsigned char *spki = NULL, digest[2][EVP_MAX_MD_SIZE];
    int size = i2d_PUBKEY(key, &spki);
    GString *text = g_string_new(NULL);

    g_assert(size > 0 && EVP_Digest(spki, (size_t)size, digest[0], NULL, EVP_sha256(), NULL));
    g_assert(X509_digest(subject, EVP_sha256(), digest[1], NULL));
    for (int i = 0; i < 64; i++)
        g_string_append_printf(text, "%02x", digest[i / 32][i % 32]);
    OPENSSL_free(spki);
    return g_string_free(text, FALSE);
}

int X509_verify(X509 *subject, EVP_PKEY *key)
{
    static int (*real)(X509 *, EVP_PKEY *);

    if (!asked)
        asked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    calls++;
    repeated += !g_hash_table_add(asked, pair_text(subject, key));
    if (credulous)
        return 1;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "X509_verify");
    return real(subject, key);
}

static void forget(void)
{
    g_clear_pointer(&asked, g_hash_table_unref);
    calls = repeated = 0;
    credulous = FALSE;
}

Test(signature, is_verified_once)
{
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root"), other = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) twin = certs(.subject = "/CN=Root", .key_of = root, .issuer = other);
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = root, .leaf = TRUE);
    const struct {
        const char *what;
        struct issued *subject, *issuer;
        gboolean verified;
        unsigned count;
    } rows[] = {
        {"by its issuer", leaf, root, TRUE, 1},
        {"once more", leaf, root, TRUE, 1},
        {"by another certificate with the same key", leaf, twin, TRUE, 1},
        {"by another key of the same name", leaf, other, FALSE, 2},
        {"no is remembered as well", leaf, other, FALSE, 2},
        {"another certificate by the same key", root, root, TRUE, 3},
        {"a twin by the one who made it", twin, other, TRUE, 4},
    };
    struct signatures *signatures = signatures_new();

    forget();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        cr_expect_eq(signatures_verify(signatures, rows[i].subject->x509, rows[i].issuer->x509), rows[i].verified, "%s",
                     rows[i].what);
        cr_expect_eq(signatures_count(signatures), rows[i].count, "%s", rows[i].what);
        cr_expect_eq(calls, rows[i].count, "%s: %u calls", rows[i].what, calls);
    }
    signatures_free(signatures);
    signatures_free(NULL);
    forget();
}

/* The bits of both keys are the same, but one of them signs in another way only. */
Test(signature, bits_alone_are_no_key)
{
    struct issued keys[2] = {0};
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *contexts[2] = {EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL),
                                 EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL)};
    cr_assert(EVP_PKEY_keygen_init(contexts[0]) == 1 && EVP_PKEY_generate(contexts[0], &keys[0].key) == 1);
    cr_assert(EVP_PKEY_todata(keys[0].key, EVP_PKEY_KEYPAIR, &params));
    cr_assert(EVP_PKEY_fromdata_init(contexts[1]) == 1);
    cr_assert(EVP_PKEY_fromdata(contexts[1], &keys[1].key, EVP_PKEY_KEYPAIR, params) == 1);
    g_autoptr(issued_auto) pss = certs(.subject = "/CN=Root", .key_of = &keys[0]);
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root", .key_of = &keys[1]);
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = root, .leaf = TRUE);
    struct signatures *signatures = signatures_new();

    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(root->x509), *same = X509_get0_pubkey_bitstr(pss->x509);
    cr_assert_eq(ASN1_STRING_cmp(bits, same), 0);
    cr_expect(signatures_verify(signatures, leaf->x509, root->x509));
    cr_expect_not(signatures_verify(signatures, leaf->x509, pss->x509));
    signatures_free(signatures);
    OSSL_PARAM_free(params);
    for (int i = 0; i < 2; i++) {
        EVP_PKEY_CTX_free(contexts[i]);
        EVP_PKEY_free(keys[i].key);
    }
    forget();
}

static struct audit_cert *add(struct pool *pool, const struct issued *issued)
{
    return pool_add_der(pool, g_bytes_get_data(issued->der, NULL), g_bytes_get_size(issued->der), NULL);
}

/* A path whose signature is wrong is believed if the hook is: OpenSSL does not verify it beside us. */
Test(signature, nothing_else_verifies)
{
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root", .no_key_ids = TRUE);
    g_autoptr(issued_auto) other = certs(.subject = "/CN=Root", .no_key_ids = TRUE);
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = other, .leaf = TRUE);
    g_autoptr(audit_auto) audit = audit_new();
    g_autoptr(GPtrArray) chain = g_ptr_array_new(), anchors = g_ptr_array_new();
    struct pool *pool = pool_new(audit);
    const char *reason = NULL;

    g_ptr_array_add(chain, add(pool, leaf));
    g_ptr_array_add(anchors, add(pool, root));
    cr_expect_not(path_verify(chain, anchors, CERTS_NOW, &reason));
    cr_expect_str_eq(reason, "certificate signature failure");
    credulous = TRUE;
    cr_expect(path_verify(chain, anchors, CERTS_NOW, NULL));
    cr_expect_not(path_verify(chain, anchors, CERTS_NOW + 2000 * CERTS_DAY, &reason), "but not its times");
    cr_expect_str_eq(reason, "certificate has expired");
    pool_free(pool);
    forget();
}

Test(signature, of_many_paths_are_verified_once)
{
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root"), middle = certs(.subject = "/CN=M", .issuer = root);
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = middle, .leaf = TRUE);
    g_autoptr(issued_auto) leaf_2 = certs(.subject = "/CN=Leaf 2", .issuer = middle, .leaf = TRUE);
    g_autoptr(audit_auto) audit = audit_new();
    g_autoptr(GPtrArray) chain = g_ptr_array_new(), anchors = g_ptr_array_new();
    struct pool *pool = pool_new(audit);

    forget();
    g_ptr_array_add(anchors, add(pool, root));
    for (int i = 0; i < 4; i++) {
        g_ptr_array_set_size(chain, 0);
        g_ptr_array_add(chain, add(pool, i % 2 ? leaf : leaf_2));
        g_ptr_array_add(chain, add(pool, middle));
        cr_expect(path_build(pool_signatures(pool), NULL, chain, anchors, CERTS_NOW, NULL));
        cr_expect(pool_issued(pool, anchors->pdata[0], chain->pdata[1]));
    }
    cr_expect_eq(calls, 4, "root by itself, middle, two leaves; not %u", calls);
    cr_expect_eq(signatures_count(pool_signatures(pool)), calls);
    pool_free(pool);
    forget();
}

/* Hosts with the same peers, a cross-signed root, one with an older key, intermediates in lists and none. */
Test(signature, of_a_whole_landscape_are_verified_once)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(issued_auto) cross = certs(.subject = "/CN=Cross");
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root", .kind = "RSA:2048"), old = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) twin = certs(.subject = "/CN=Root", .key_of = root, .issuer = cross);
    g_autoptr(issued_auto) middle = certs(.subject = "/CN=Middle", .issuer = root);
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=peer.example.com", .issuer = middle, .leaf = TRUE);
    g_autoptr(issued_auto) leaf_2 = certs(.subject = "/CN=peer2.example.com", .issuer = middle, .leaf = TRUE);
    g_autoptr(GBytes) all = certs_join(root, old, twin, cross, middle, leaf, NULL), none = certs_join(cross, NULL);

    for (int i = 0; i < 6; i++) {
        g_autofree char *name = g_strdup_printf("host%d", i);
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, name);
        struct capture_instance *instance = scene_instance(host, "PRD", "D00");
        scene_store(scene, host, instance, "SAPSSLC.pse", none);
        scene_store(scene, host, instance, "SAPSSLS.pse", all);
        scene_header(text, "1", "785");
        UNTRUSTED(text, .store = "/usr/sap/PRD/D00/sec/SAPSSLC.pse", .target = "peer.example.com",
                  .chain = {leaf, middle, i % 2 ? root : NULL});
        UNTRUSTED(text, .store = "/usr/sap/PRD/D00/sec/SAPSSLC.pse", .target = "peer2.example.com",
                  .chain = {leaf_2, middle});
        scene_trace(scene, host, instance, "dev_icm", text->str);
    }
    forget();
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(scene_count(audit, FINDING_MISSING_ANCHOR), 1);
    cr_expect_eq(scene_finding(audit, FINDING_MISSING_ANCHOR)->match, MATCH_PROVED);
    cr_expect_geq(calls, 6, "three self-signed ones, and middle by both keys of its issuer's name, and leaf");
    cr_expect_eq(repeated, 0, "%u of %u", repeated, calls);
    forget();
}
