/*
 * Certificates that are broken, odd or hostile, through paths and through a whole audit: bounded time, a clear answer,
 * nothing lost.  The time bounds are far above what is needed with sanitizers; what is bounded by a number of steps has
 * that number in a header.
 */
#include "name.h"
#include "path.h"
#include "pool.h"
#include "scene.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <openssl/err.h>
#include <string.h>

/* Called in the place of OpenSSL's, by the analyzer: time depends on the machine, work does not. */

static unsigned verified, stored;

int X509_verify(X509 *subject, EVP_PKEY *key)
{
    static int (*true_one)(X509 *, EVP_PKEY *);
    if (!true_one)
        *(void **)&true_one = dlsym(RTLD_NEXT, "X509_verify");
    verified++;
    return true_one(subject, key);
}

int X509_STORE_add_cert(X509_STORE *store, X509 *cert)
{
    static int (*true_one)(X509_STORE *, X509 *);
    if (!true_one)
        *(void **)&true_one = dlsym(RTLD_NEXT, "X509_STORE_add_cert");
    stored++;
    return true_one(store, cert);
}

struct fixture {
    struct audit *audit;
    struct pool *pool;
    GPtrArray *chain, *anchors;
};

static void setup(struct fixture *f)
{
    f->audit = audit_new();
    f->audit->evaluated = CERTS_NOW;
    f->pool = pool_new(f->audit);
    f->chain = g_ptr_array_new();
    f->anchors = g_ptr_array_new();
    verified = stored = 0;
}

static void cleanup(struct fixture *f)
{
    cr_expect_eq(ERR_peek_error(), 0, "nothing is left in OpenSSL's queue");
    g_ptr_array_unref(f->chain);
    g_ptr_array_unref(f->anchors);
    pool_free(f->pool);
    audit_free(f->audit);
}

/* What was asked of OpenSSL since setup(): signatures verified, anchors put before it. */
#define EXPECT_WORK(signatures, anchors)                                                                               \
    do {                                                                                                               \
        cr_expect_leq(verified, (unsigned)(signatures), "%u signatures", verified);                                    \
        cr_expect_leq(stored, (unsigned)(anchors), "%u anchors", stored);                                              \
    } while (0)

static struct audit_cert *add(struct fixture *f, const struct issued *issued)
{
    struct audit_cert *cert =
        pool_add_der(f->pool, g_bytes_get_data(issued->der, NULL), g_bytes_get_size(issued->der), NULL);
    cr_assert_not_null(cert);
    return cert;
}

static void send(struct fixture *f, const struct issued *issued)
{
    g_ptr_array_add(f->chain, add(f, issued));
}

static void trust(struct fixture *f, const struct issued *issued)
{
    g_ptr_array_add(f->anchors, add(f, issued));
}

static gboolean is_trusted(struct fixture *f, const char **reason)
{
    return path_verify(f->chain, f->anchors, CERTS_NOW, reason);
}

/* One anchor, one leaf; the wish is of the anchor (the leaf is api.example.com). */
Test(bad_input, odd_anchors)
{
    static const struct {
        const char *what;
        struct wish wish;
        const char *reason; /* NULL: trusted */
    } rows[] = {
        {"serial 0", {.serial = "0"}, NULL},
        {"a negative serial", {.serial = "-55"}, NULL},
        {"a serial of 100 bytes",
         {.serial =
              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},
         NULL},
        {"until 9999", {.not_before = -631152000, .not_after = INT64_C(253402300799)}, NULL},
        {"over since 1970", {.not_before = -631152000, .not_after = 1}, "certificate has expired"},
        {"no CN", {.subject = "/C=JP/O=Example/OU=Security Communication RootCA2"}, NULL},
        {"no name at all", {.subject = ""}, NULL},
        {"not Latin", {.subject = "/O=\xd0\x9f\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80/CN=\xe6\xa0\xb9"}, NULL},
        {"bidirectional", {.subject = "/O=Example/CN=\xe2\x80\xaemoc.live\xe2\x80\xac"}, NULL},
        {"excludes the peer", {.name_constraints = "critical,excluded;DNS:example.com"}, "excluded subtree violation"},
        {"permits others only",
         {.name_constraints = "critical,permitted;DNS:example.org"},
         "permitted subtree violation"},
        {"permits the peer", {.name_constraints = "permitted;DNS:example.com"}, NULL},
        {"may not sign", {.key_usage = "critical,digitalSignature"}, "invalid CA certificate"},
        {"path length 0", {.basic_constraints = "critical,CA:TRUE,pathlen:0"}, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct fixture f;
        setup(&f);
        struct wish wish = rows[i].wish;
        const char *reason = NULL;
        wish.subject = wish.subject ? wish.subject : "/O=Example/CN=Root";
        g_autoptr(issued_auto) root = certs_issue(&wish);
        g_autoptr(issued_auto) leaf =
            certs(.subject = "/CN=api.example.com", .issuer = root, .leaf = TRUE, .alt_name = "DNS:api.example.com");
        send(&f, leaf);
        trust(&f, root);
        gboolean trusted = is_trusted(&f, &reason);
        cr_expect_eq(trusted, rows[i].reason == NULL, "%s: %s", rows[i].what, reason);
        cr_expect(trusted || g_str_equal(reason, rows[i].reason), "%s: %s", rows[i].what, reason);

        struct audit_cert *cert = f.anchors->pdata[0];
        g_autofree char *key = name_key_x509(X509_get_subject_name(root->x509)),
                        *printed = name_key(cert->subject, FALSE);
        cr_expect(g_utf8_validate(cert->subject, -1, NULL));
        cr_expect_null(strstr(cert->subject, "\xe2\x80\xae"), "what turns text is made visible");
        cr_expect(key && (*key == '\0' || g_strcmp0(key, printed) == 0), "%s: %s", rows[i].what, cert->subject);
        cr_expect_eq(pool_find_digest(f.pool, cert->sha256, NULL, NULL), cert);
        cr_expect(pool_issued(f.pool, cert, f.chain->pdata[0]), "%s", rows[i].what);
        EXPECT_WORK(8, 4);
        cleanup(&f);
    }
}

/* Bytes that are exchanged in the anchor; the leaf was issued by it before that. */
Test(bad_input, keys_that_nobody_knows)
{
    static const uint8_t curve[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    struct fixture f;
    setup(&f);
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = root, .leaf = TRUE);
    gsize size;
    const void *der = g_bytes_get_data(root->der, &size);
    g_autofree uint8_t *copy = g_memdup2(der, size);
    uint8_t *found = memmem(copy, size, curve, sizeof curve);
    const char *reason = NULL;
    cr_assert_not_null(found);
    found[sizeof curve - 1] = 0x7f;
    struct audit_cert *cert = pool_add_der(f.pool, copy, size, NULL);
    cr_assert_not_null(cert, "kept, whatever its key is");
    g_ptr_array_add(f.anchors, cert);
    send(&f, leaf);
    cr_expect_not(is_trusted(&f, &reason));
    cr_expect_not_null(reason);
    cr_expect_not(pool_issued(f.pool, cert, f.chain->pdata[0]));
    cleanup(&f);
}

Test(bad_input, huge_keys)
{
    static const int bits[] = {16384, 16392, 65536};
    for (size_t i = 0; i < G_N_ELEMENTS(bits); i++) {
        struct fixture f;
        setup(&f);
        g_autoptr(issued_auto) root = certs(.subject = "/CN=Root", .kind = "RSA:1024");
        g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = root, .leaf = TRUE);
        const char *reason = NULL;
        certs_set_rsa(root, bits[i]);
        send(&f, leaf);
        trust(&f, root);
        cr_expect_not(is_trusted(&f, &reason));
        cr_expect(strstr(reason, "signature"), "%d: %s", bits[i], reason);
        EXPECT_WORK(8, 4);
        cleanup(&f);
    }
}

/* A signs B, B signs A; three of one name that sign each other in a circle; a path that meets one name twice. */
Test(bad_input, circles)
{
    for (int no_ids = 0; no_ids < 2; no_ids++) {
        g_autoptr(issued_auto) a = certs(.subject = "/CN=A", .no_key_ids = no_ids);
        g_autoptr(issued_auto) b = certs(.subject = "/CN=B", .no_key_ids = no_ids);
        g_autoptr(issued_auto) a_by_b = certs(.subject = "/CN=A", .key_of = a, .issuer = b, .no_key_ids = no_ids);
        g_autoptr(issued_auto) b_by_a = certs(.subject = "/CN=B", .key_of = b, .issuer = a, .no_key_ids = no_ids);
        g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = a, .leaf = TRUE, .no_key_ids = no_ids);
        g_autoptr(issued_auto) new_a = certs(.subject = "/CN=A", .no_key_ids = no_ids);
        g_autoptr(issued_auto) b_by_new = certs(.subject = "/CN=B", .key_of = b, .issuer = new_a, .no_key_ids = no_ids);
        g_autoptr(issued_auto) one = certs(.subject = "/CN=C", .no_key_ids = no_ids);
        g_autoptr(issued_auto) two = certs(.subject = "/CN=C", .issuer = one, .no_key_ids = no_ids);
        g_autoptr(issued_auto) three = certs(.subject = "/CN=C", .issuer = two, .no_key_ids = no_ids);
        g_autoptr(issued_auto) one_by_three =
            certs(.subject = "/CN=C", .key_of = one, .issuer = three, .no_key_ids = no_ids);
        g_autoptr(issued_auto) other = certs(.subject = "/CN=Leaf", .issuer = one, .leaf = TRUE, .no_key_ids = no_ids);
        const struct {
            const char *what;
            const struct issued *chain[5], *anchor;
            gboolean trusted;
        } rows[] = {
            {"nothing ends it", {leaf, a_by_b, b_by_a}, NULL, FALSE},
            {"a stranger", {leaf, a_by_b, b_by_a}, one, FALSE},
            {"the self-signed one is an anchor", {leaf, a_by_b, b_by_a}, b, TRUE},
            {"one of the circle is an anchor", {leaf, a_by_b, b_by_a}, b_by_a, TRUE},
            {"the anchor has the name of a certificate below", {leaf, a_by_b, b_by_new}, new_a, TRUE},
            {"one name, nothing ends it", {other, one_by_three, two, three}, NULL, FALSE},
            /* OpenSSL takes a certificate with its issuer's name and without key identifiers for a self-signed one. */
            {"one name, an anchor", {other, one_by_three, two, three}, two, !no_ids},
            {"one name, the root", {other, three, two, one_by_three}, one, TRUE},
        };
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            struct fixture f;
            setup(&f);
            const char *reason = NULL;
            for (size_t j = 0; j < G_N_ELEMENTS(rows[i].chain) && rows[i].chain[j]; j++)
                send(&f, rows[i].chain[j]);
            if (rows[i].anchor)
                trust(&f, rows[i].anchor);
            cr_expect_eq(is_trusted(&f, &reason), rows[i].trusted, "%s (%d): %s", rows[i].what, no_ids, reason);
            EXPECT_WORK(8, 20);
            cleanup(&f);
        }
    }
}

enum { MANY = 5000 }; /* certificates of one name */

/* ${count} roots of one name into the store, each with a key of its own. */
static void trust_many(struct fixture *f, unsigned count, gboolean no_key_ids)
{
    for (unsigned i = 0; i < count; i++) {
        g_autoptr(issued_auto) root = certs(.subject = "/CN=Maze", .no_key_ids = no_key_ids);
        trust(f, root);
    }
}

Test(bad_input, many_anchors_of_one_name)
{
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Maze"), bare = certs(.subject = "/CN=Maze", .no_key_ids = TRUE);
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = root, .leaf = TRUE);
    g_autoptr(issued_auto) other = certs(.subject = "/CN=Other", .issuer = bare, .leaf = TRUE, .no_key_ids = TRUE);
    const char *reason = NULL;
    struct fixture f;

    setup(&f);
    trust_many(&f, MANY, FALSE);
    trust(&f, root);
    verified = stored = 0;
    send(&f, leaf);
    cr_expect(is_trusted(&f, &reason), "its key identifier leads to the last one: %s", reason);
    EXPECT_WORK(PATH_SIGNATURES + 8, PATH_NAMESAKES + 1);
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    pool_find_subject(f.pool, found, "CN=Maze", FALSE);
    cr_expect_eq(found->len, MANY + 1, "nothing is lost");
    cleanup(&f);

    /* Without key identifiers all would have to be tried; the limit is PATH_SIGNATURES. */
    setup(&f);
    trust_many(&f, PATH_SIGNATURES - 1, TRUE);
    trust(&f, bare);
    verified = stored = 0;
    send(&f, other);
    cr_expect(is_trusted(&f, &reason), "the last one that is tried: %s", reason);
    g_ptr_array_set_size(f.anchors, PATH_SIGNATURES - 1);
    cr_expect_not(is_trusted(&f, &reason));
    cr_expect_str_eq(reason, "unable to get local issuer certificate", "all were tried");
    trust_many(&f, 1, TRUE);
    trust(&f, bare);
    cr_expect_not(is_trusted(&f, &reason), "one too many");
    cr_expect_str_eq(reason, PATH_LIMITED);
    EXPECT_WORK(3 * PATH_SIGNATURES + 8, 3 * PATH_NAMESAKES);
    cleanup(&f);
}

Test(bad_input, many_helpers_of_one_name)
{
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) middle = certs(.subject = "/CN=Maze", .issuer = root);
    g_autoptr(issued_auto) bare = certs(.subject = "/CN=Maze", .issuer = root, .no_key_ids = TRUE);
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = middle, .leaf = TRUE);
    g_autoptr(issued_auto) other = certs(.subject = "/CN=Other", .issuer = bare, .leaf = TRUE, .no_key_ids = TRUE);
    for (int by_key_id = 0; by_key_id < 2; by_key_id++) {
        struct fixture f;
        const char *reason = NULL;
        setup(&f);
        trust(&f, root);
        send(&f, by_key_id ? leaf : other);
        for (int i = 0; i < MANY; i++) {
            g_autoptr(issued_auto) maze = certs(.subject = "/CN=Maze", .issuer = root, .no_key_ids = !by_key_id);
            send(&f, maze);
        }
        send(&f, by_key_id ? middle : bare);
        verified = stored = 0;
        cr_expect_eq(is_trusted(&f, &reason), by_key_id);
        cr_expect(by_key_id || g_str_equal(reason, PATH_LIMITED), "%s", reason);
        EXPECT_WORK(PATH_TRIES, PATH_TRIES);
        cleanup(&f);
    }
}

/* All of it at once, through captures, findings and documents. */

static const char *const odd_names[] = {
    "/C=JP/O=Example/OU=No common name",
    "/O=\xd0\x9f\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80/CN=\xe6\xa0\xb9",
    "/O=Example/CN=\xe2\x80\xaemoc.live\xe2\x80\xac",
    "/O=Example/CN=<script>\033[31m&amp;\"'",
    "/O=Example, Inc./CN=a, b=c; \"d\"+e\\f",
};

Test(bad_input, a_whole_audit)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GByteArray) list = g_byte_array_new();
    g_autoptr(GString) text = g_string_new(NULL);
    static const uint8_t garbage[] = {0x30, 0x03, 0x02, 0x01, 0x05};
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *instance = scene_instance(host, "PRD", "D00");
    g_autoptr(issued_auto) a = certs(.subject = "/CN=A"), b = certs(.subject = "/CN=B");
    g_autoptr(issued_auto) a_by_b = certs(.subject = "/CN=A", .key_of = a, .issuer = b);
    g_autoptr(issued_auto) b_by_a = certs(.subject = "/CN=B", .key_of = b, .issuer = a);
    g_autoptr(issued_auto) circle = certs(.subject = "/CN=circle.example.com", .issuer = a_by_b, .leaf = TRUE);
    const struct issued *held[] = {a_by_b, b_by_a, circle};
    unsigned count = 0;

    scene_header(text, "1", "785");
    for (size_t i = 0; i < G_N_ELEMENTS(held); i++)
        g_byte_array_append(list, g_bytes_get_data(held[i]->der, NULL), (guint)g_bytes_get_size(held[i]->der));
    UNTRUSTED(text, .store = "/usr/sap/PRD/D00/sec/SAPSSLC.pse", .target = "circle.example.com",
              .chain = {circle, a_by_b, b_by_a}, .stamp = "Sun Nov 22 00:00:00 2026");
    for (size_t i = 0; i < G_N_ELEMENTS(odd_names); i++) {
        g_autoptr(issued_auto) root = certs(.subject = odd_names[i], .serial = i % 2 ? "0" : "-7F");
        g_autoptr(issued_auto) leaf = certs(.subject = "/CN=api.example.com", .issuer = root, .leaf = TRUE);
        g_autofree char *name = g_strdup_printf("%zu.pem", i);
        scene_reference(scene, name, root);
        UNTRUSTED(text, .store = "/usr/sap/PRD/D00/sec/SAPSSLC.pse", .target = "api.example.com", .chain = {leaf},
                  .stamp = "Sun Nov 22 00:00:00 2026");
        g_byte_array_append(list, g_bytes_get_data(leaf->der, NULL), (guint)g_bytes_get_size(leaf->der));
    }
    g_byte_array_append(list, garbage, sizeof garbage);
    g_autoptr(GBytes) bytes = g_byte_array_free_to_bytes(g_steal_pointer(&list));
    scene_store(scene, host, instance, "SAPSSLC.pse", bytes);
    scene_trace(scene, host, instance, "dev_icm", text->str);

    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    g_autoptr(audit_auto) again = scene_run(scene, audit);
    for (guint i = 0; i < audit->lists->len; i++) {
        const struct audit_list *read = audit->lists->pdata[i];
        count += read->certs->len;
        cr_expect_eq(read->refused, 1);
    }
    cr_expect_eq(count, G_N_ELEMENTS(held) + G_N_ELEMENTS(odd_names), "nothing is lost");
    cr_expect_eq(scene_count(audit, FINDING_MISSING_ANCHOR), G_N_ELEMENTS(odd_names) + 1);
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        cr_expect(g_utf8_validate(finding->title, -1, NULL));
        cr_expect_null(strstr(finding->title, "\xe2\x80\xae"));
    }
    g_autofree char *xml = scene_xml(again);
    cr_expect_null(strstr(xml, "\xe2\x80\xae"));
    cr_expect(strstr(xml, "CN=\\u{202e}moc.live\\u{202c}"));

    /* The entry that is none is told of with its place and digest, and the list lacks nothing for certain. */
    g_autofree char *sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, garbage, sizeof garbage);
    gsize offset = g_bytes_get_size(bytes) - sizeof garbage;
    g_autofree char *raw = g_strdup_printf("<raw sha256=\"%s\" offset=\"%zu\" size=\"5\"/>", sha256, offset);
    g_autofree char *reason = g_strdup_printf("1 certificates cannot be parsed, the first at byte %zu (SHA-256 of its "
                                              "bytes %s)",
                                              offset, sha256);
    cr_expect(strstr(xml, raw), "%s", raw);
    const struct audit_finding *unread = scene_finding(audit, FINDING_STORE_UNREADABLE);
    cr_assert_not_null(unread);
    cr_expect(strstr(unread->detail, reason), "%s", unread->detail);
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        for (guint j = 0; j < finding->gaps->len; j++) {
            const struct audit_gap *gap = finding->gaps->pdata[j];
            cr_expect_eq(gap->basis, gap->state == STATE_FIXED ? BASIS_SEEN : BASIS_SEEN_UNREAD, "%s", finding->title);
        }
    }
    EXPECT_WORK(64, 64);
}
