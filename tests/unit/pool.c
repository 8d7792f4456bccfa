/* analyzer/pool: each certificate once, lists, references. */
#include "pool.h"

#include "error.h"

#include "certs.h"
#include "moment.h"
#include "name.h"
#include "refer.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct audit *audit;
    struct pool *pool;
};

static void setup(struct fixture *fixture)
{
    fixture->audit = audit_new();
    fixture->pool = pool_new(fixture->audit);
}

static void cleanup(struct fixture *fixture)
{
    cr_expect_eq(ERR_peek_error(), 0, "nothing is left in OpenSSL's queue");
    pool_free(fixture->pool);
    audit_free(fixture->audit);
}

static struct audit_cert *add_bytes(struct pool *pool, GBytes *der)
{
    return pool_add_der(pool, g_bytes_get_data(der, NULL), g_bytes_get_size(der), NULL);
}

static struct audit_cert *add(struct pool *pool, const struct issued *issued)
{
    return add_bytes(pool, issued->der);
}

static struct audit_list *add_list(struct pool *pool, GBytes *bytes)
{
    return pool_add_list(pool, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

Test(pool, each_certificate_once)
{
    struct fixture f;
    setup(&f);
    g_autoptr(issued_auto) root = certs(.subject = "/C=DE/O=Example, Inc./CN=Root", .serial = "0A06000000000001");
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = root, .leaf = TRUE);
    struct audit_cert *cert = add(f.pool, root), *other = add(f.pool, leaf);

    cr_assert(cert && other);
    cr_expect_eq(add(f.pool, root), cert);
    cr_expect_eq(f.audit->certs->len, 2);
    cr_expect_str_eq(cert->subject, "CN=Root, O=\"Example, Inc.\", C=DE");
    cr_expect_str_eq(cert->serial, "0A:06:00:00:00:00:00:01");
    cr_expect_str_eq(cert->key, "EC prime256v1");
    cr_expect_str_eq(cert->signature_algorithm, "ecdsa-with-SHA256");
    cr_expect_eq(cert->not_before, CERTS_NOW - 1000 * CERTS_DAY);
    cr_expect_eq(cert->not_after, CERTS_NOW + 1000 * CERTS_DAY);
    cr_expect_eq(strlen(cert->subject_key_id), 40);
    cr_expect(cert->self_signed && cert->ca);
    cr_expect(g_bytes_equal(cert->der, root->der));
    cr_expect_not(other->self_signed || other->ca);
    cr_expect_str_eq(other->issuer, cert->subject);
    cleanup(&f);
}

Test(pool, kinds_of_certificates)
{
    static const struct {
        const char *what;
        struct wish wish;
        const char *serial, *key, *signature;
        gboolean self_signed, ca;
    } rows[] = {
        {"RSA", {.kind = "RSA:1024"}, NULL, "RSA 1024", "sha256WithRSAEncryption", TRUE, TRUE},
        {"EC", {.kind = "EC:secp384r1"}, NULL, "EC secp384r1", "ecdsa-with-SHA256", TRUE, TRUE},
        {"Edwards curve", {.kind = "ED25519"}, NULL, "ED25519", "ED25519", TRUE, TRUE},
        {"self-signed, no CA", {.leaf = TRUE}, NULL, "EC prime256v1", "ecdsa-with-SHA256", TRUE, FALSE},
        {"version 1", {.version_1 = TRUE}, NULL, "EC prime256v1", "ecdsa-with-SHA256", TRUE, TRUE},
        {"serial 0", {.serial = "0"}, "00", "EC prime256v1", "ecdsa-with-SHA256", TRUE, TRUE},
        {"serial of one digit", {.serial = "5"}, "05", "EC prime256v1", "ecdsa-with-SHA256", TRUE, TRUE},
        {"high bit", {.serial = "ABCD"}, "AB:CD", "EC prime256v1", "ecdsa-with-SHA256", TRUE, TRUE},
        {"negative", {.serial = "-55"}, "AB", "EC prime256v1", "ecdsa-with-SHA256", TRUE, TRUE},
        {"20 bytes",
         {.serial = "0102030405060708090A0B0C0D0E0F1011121314"},
         "01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14",
         "EC prime256v1",
         "ecdsa-with-SHA256",
         TRUE,
         TRUE},
    };
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(issued_auto) issued = certs_issue(&rows[i].wish);
        struct audit_cert *cert = add(f.pool, issued);
        cr_assert_not_null(cert, "%s", rows[i].what);
        cr_expect(!rows[i].serial || g_str_equal(cert->serial, rows[i].serial), "%s: %s", rows[i].what, cert->serial);
        cr_expect_str_eq(cert->key, rows[i].key, "%s", rows[i].what);
        cr_expect_str_eq(cert->signature_algorithm, rows[i].signature, "%s", rows[i].what);
        cr_expect_eq(cert->self_signed, rows[i].self_signed, "%s", rows[i].what);
        cr_expect_eq(cert->ca, rows[i].ca, "%s", rows[i].what);
    }
    cleanup(&f);
}

Test(pool, odd_certificates)
{
    struct fixture f;
    setup(&f);
    g_autofree char *digits = g_strnfill(128, 'A'), *more = g_strnfill(130, 'A'), *huge = g_strnfill(2000, 'A');
    g_autoptr(issued_auto) longest = certs(.serial = digits);
    g_autoptr(issued_auto) longer = certs(.serial = more);
    g_autoptr(issued_auto) enormous = certs(.serial = huge);
    cr_expect_eq(strlen(add(f.pool, longest)->serial), 64 * 3 - 1);
    cr_expect_null(add(f.pool, longer)->serial);
    cr_expect_null(add(f.pool, enormous)->serial);

    g_autoptr(issued_auto) far = certs(.not_before = moment_from_civil(1950, 1, 1, 0, 0, 0),
                                       .not_after = moment_from_civil(9999, 12, 31, 23, 59, 59));
    cr_expect_eq(add(f.pool, far)->not_before, moment_from_civil(1950, 1, 1, 0, 0, 0));
    cr_expect_eq(add(f.pool, far)->not_after, moment_from_civil(9999, 12, 31, 23, 59, 59));

    /* A name that says the same in front as another one, but was made with another key. */
    g_autoptr(issued_auto) issuer = certs(.subject = "/CN=Same");
    g_autoptr(issued_auto) same = certs(.subject = "/CN=Same", .issuer = issuer);
    cr_expect_not(add(f.pool, same)->self_signed, "only by name");

    g_autoptr(GString) name = g_string_new("/CN=x");
    for (int i = 0; i < 200; i++)
        g_string_append(name, "/OU=0123456789012345678901234567890123456789012345678901234567890123");
    g_autoptr(issued_auto) named = certs(.subject = name->str);
    struct audit_cert *cert = add(f.pool, named);
    cr_assert_not_null(cert);
    cr_expect_eq(strlen(cert->subject), NAME_BYTES + 3);
    cr_expect(g_str_has_suffix(cert->subject, "..."));

    g_autoptr(issued_auto) script = certs(.subject = "/CN=<script>\033[31m");
    cr_expect_str_eq(add(f.pool, script)->subject, "CN=<script>\\x1b[31m");
    cleanup(&f);
}

/* A key of a kind that OpenSSL does not know: its OID is all there is to say. */
Test(pool, unknown_keys)
{
    struct fixture f;
    setup(&f);
    g_autoptr(issued_auto) issued = certs(.subject = "/CN=Test", .leaf = TRUE);
    static const struct {
        const uint8_t was[10], becomes[10];
        uint8_t size;
        const char *key;
    } rows[] = {
        /* prime256v1 to a curve that does not exist; id-ecPublicKey to an algorithm that does not */
        {{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07},
         {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x7f},
         10,
         "id-ecPublicKey"},
        {{0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01},
         {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x7f},
         9,
         "1.2.840.10045.2.127"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        gsize size;
        const void *der = g_bytes_get_data(issued->der, &size);
        g_autofree uint8_t *copy = g_memdup2(der, size);
        uint8_t *found = memmem(copy, size, rows[i].was, rows[i].size);
        cr_assert_not_null(found);
        memcpy(found, rows[i].becomes, rows[i].size);
        struct audit_cert *cert = pool_add_der(f.pool, copy, size, NULL);
        cr_assert_not_null(cert);
        cr_expect_str_eq(cert->key, rows[i].key);
        cr_expect_not(cert->self_signed);
    }
    cleanup(&f);
}

Test(pool, broken_bytes)
{
    g_autoptr(issued_auto) root = certs(.subject = "/C=DE/CN=Root", .kind = "RSA:1024");
    gsize size;
    const uint8_t *der = g_bytes_get_data(root->der, &size);
    unsigned refused = 0;
    struct fixture f;
    setup(&f);

    for (gsize length = 0; length < size; length++) {
        g_autofree uint8_t *piece = g_memdup2(der, length);
        size_t used = 1;
        cr_expect_null(pool_add_der(f.pool, piece, length, &used), "%zu bytes", length);
        cr_expect_eq(used, 0);
        cr_expect_eq(pool_add_list(f.pool, piece, length)->refused, length ? 1 : 0);
    }
    for (gsize i = 0; i < size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            g_autofree uint8_t *copy = g_memdup2(der, size);
            copy[i] = (uint8_t)(copy[i] ^ (1 << bit));
            struct audit_cert *cert = pool_add_der(f.pool, copy, size, NULL);
            refused += cert == NULL;
            cr_expect(!cert || !cert->self_signed, "byte %zu bit %d: a signature does not survive", i, bit);
        }
    }
    cr_expect_gt(refused, 500);
    cleanup(&f);
}

Test(pool, lists)
{
    struct fixture f;
    setup(&f);
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b"), c = certs(.subject = "/CN=c");
    g_autoptr(GBytes) ab = certs_join(a, b, NULL), baa = certs_join(b, a, a, NULL), abc = certs_join(a, b, c, NULL);
    g_autoptr(GBytes) empty = g_bytes_new(NULL, 0);
    struct audit_list *list = add_list(f.pool, ab);

    cr_expect_eq(list->certs->len, 2);
    cr_expect_eq(add_list(f.pool, baa), list, "the same set");
    cr_expect_neq(add_list(f.pool, abc), list);
    cr_expect_eq(add_list(f.pool, abc)->certs->len, 3);
    cr_expect_eq(add_list(f.pool, empty)->certs->len, 0);
    cr_expect_eq(add_list(f.pool, empty), add_list(f.pool, empty));
    cr_expect_eq(f.audit->lists->len, 3);
    cr_expect_eq(f.audit->warnings->len, 0);

    audit_sort(f.audit);
    cr_expect(audit_list_has(list, add(f.pool, a)));
    cr_expect_not(audit_list_has(list, add(f.pool, c)));
    cleanup(&f);
}

Test(pool, lists_with_garbage)
{
    struct fixture f;
    setup(&f);
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b");
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    static const uint8_t sequence[] = {0x30, 0x03, 0x02, 0x01, 0x05}, torn[] = {0x30, 0x05, 0x02};
    gsize size;
    const uint8_t *der = g_bytes_get_data(a->der, &size);

    g_byte_array_append(bytes, der, (guint)size);
    g_byte_array_append(bytes, sequence, sizeof sequence);
    der = g_bytes_get_data(b->der, &size);
    g_byte_array_append(bytes, der, (guint)size);
    struct audit_list *list = pool_add_list(f.pool, bytes->data, bytes->len);
    cr_expect_eq(list->certs->len, 2, "what is no certificate is stepped over");
    cr_expect_eq(list->refused, 1);

    g_byte_array_append(bytes, torn, sizeof torn);
    struct audit_list *worse = pool_add_list(f.pool, bytes->data, bytes->len);
    cr_expect_eq(worse->refused, 2);
    cr_expect_neq(worse, list, "a list of which less is known");
    cr_assert_eq(worse->raws->len, 2);
    const struct audit_raw *raw = worse->raws->pdata[0];
    cr_expect_eq(raw->offset, (int64_t)g_bytes_get_size(a->der));
    cr_expect_eq(raw->size_bytes, (int64_t)sizeof sequence);
    g_autofree char *sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, sequence, sizeof sequence);
    cr_expect_str_eq(raw->sha256, sha256, "of the raw bytes");
    raw = worse->raws->pdata[1];
    cr_expect_eq(raw->offset, (int64_t)bytes->len - (int64_t)sizeof torn);
    cr_expect_eq(raw->size_bytes, (int64_t)sizeof torn);

    /* Two lists that differ only in what cannot be read are two. */
    uint8_t *changed = g_memdup2(bytes->data, bytes->len);
    changed[g_bytes_get_size(a->der) + 4] = 0x06;
    struct audit_list *other = pool_add_list(f.pool, changed, bytes->len);
    g_free(changed);
    cr_expect_neq(other, worse);
    cr_expect_str_neq(((const struct audit_raw *)other->raws->pdata[0])->sha256, sha256);

    g_autofree uint8_t *many = g_malloc0((gsize)2 * (POOL_RAWS + 5));
    for (size_t i = 0; i < POOL_RAWS + 5; i++)
        many[2 * i] = 0x30;
    other = pool_add_list(f.pool, many, 2 * (POOL_RAWS + 5));
    cr_expect_eq(other->refused, POOL_RAWS + 5, "all are counted");
    cr_expect_eq(other->raws->len, POOL_RAWS);

    size_t used = 0;
    cr_expect_null(pool_add_der(f.pool, sequence, sizeof sequence, &used));
    cr_expect_eq(used, sizeof sequence);
    static const struct {
        const char *what;
        uint8_t bytes[8];
        size_t size, used;
    } rows[] = {
        {"nothing", {0}, 0, 0},
        {"a tag only", {0x30}, 1, 0},
        {"empty", {0x30, 0x00}, 2, 2},
        {"another tag", {0x31, 0x00}, 2, 0},
        {"indefinite length", {0x30, 0x80, 0x00, 0x00}, 4, 0},
        {"length in one byte", {0x30, 0x81, 0x01, 0x05}, 4, 4},
        {"length in four bytes", {0x30, 0x84, 0, 0, 0, 1, 0x05}, 7, 7},
        {"length in five bytes", {0x30, 0x85, 0, 0, 0, 0, 1, 0x05}, 8, 0},
        {"length is cut", {0x30, 0x82, 0x01}, 3, 0},
        {"longer than there is", {0x30, 0x02, 0x01}, 3, 0},
        {"longer than anything", {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, 6, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        used = 1;
        cr_expect_null(pool_add_der(f.pool, rows[i].bytes, rows[i].size, &used), "%s", rows[i].what);
        cr_expect_eq(used, rows[i].used, "%s", rows[i].what);
    }
    cleanup(&f);
}

/* A SEQUENCE of ${size} bytes in all with nothing sensible in it. */
static uint8_t *make_sequence(size_t size)
{
    uint8_t *bytes = g_malloc0(size);
    bytes[0] = 0x30;
    bytes[1] = 0x83;
    bytes[2] = (uint8_t)((size - 5) >> 16);
    bytes[3] = (uint8_t)((size - 5) >> 8);
    bytes[4] = (uint8_t)(size - 5);
    return bytes;
}

Test(pool, limits)
{
    struct fixture f;
    setup(&f);
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        g_autofree uint8_t *bytes = make_sequence(CERTIFICATE_BYTES + beyond);
        size_t used;
        cr_expect_null(pool_add_der(f.pool, bytes, CERTIFICATE_BYTES + beyond, &used));
        cr_expect_eq(used, CERTIFICATE_BYTES + beyond, "stepped over in any case");
    }
    /* A certificate as large as one may be: a comment in it takes the room.  RSA, whose signatures have one length. */
    for (size_t beyond = 0; beyond <= 1; beyond++) {
        g_autoptr(issued_auto) issued = certs(.subject = "/CN=Large", .kind = "RSA:1024");
        certs_fill(issued, CERTIFICATE_BYTES - 1000);
        certs_fill(issued, CERTIFICATE_BYTES - 1000 + CERTIFICATE_BYTES + beyond - g_bytes_get_size(issued->der));
        cr_assert_eq(g_bytes_get_size(issued->der), CERTIFICATE_BYTES + beyond);
        cr_expect_eq(add(f.pool, issued) != NULL, beyond == 0);
    }

    g_autofree uint8_t *many = g_malloc0((CERTIFICATE_LIST + 1) * (size_t)2);
    for (size_t i = 0; i <= CERTIFICATE_LIST; i++)
        many[2 * i] = 0x30;
    cr_expect_eq(pool_add_list(f.pool, many, CERTIFICATE_LIST * (size_t)2)->refused, CERTIFICATE_LIST);
    cr_expect_eq(f.audit->warnings->len, 0);
    cr_expect_eq(pool_add_list(f.pool, many, (CERTIFICATE_LIST + 1) * (size_t)2)->refused, CERTIFICATE_LIST + 1);
    cr_expect_eq(f.audit->warnings->len, 1, "and the limit is told");

    g_autofree uint8_t *large = g_malloc0(CERTIFICATE_LIST_BYTES + 1);
    cr_expect_eq(pool_add_list(f.pool, large, CERTIFICATE_LIST_BYTES)->refused, 1);
    cr_expect_eq(f.audit->warnings->len, 1);
    pool_add_list(f.pool, large, CERTIFICATE_LIST_BYTES + 1);
    cr_expect_eq(f.audit->warnings->len, 2);
    cleanup(&f);
}

Test(pool, finding)
{
    struct fixture f;
    setup(&f);
    g_autoptr(issued_auto) root = certs(.subject = "/C=DE/ST=Bayern/O=Example, Inc./CN=Root", .serial = "0A06");
    g_autoptr(issued_auto) twin = certs(.subject = "/C=DE/ST=Bayern/O=Example, Inc./CN=Root", .serial = "0A07");
    g_autoptr(issued_auto) one = certs(.subject = "/OU=GlobalSign Root CA - R3/O=GlobalSign/CN=GlobalSign");
    g_autoptr(issued_auto) two = certs(.subject = "/OU=GlobalSign Root CA - R6/O=GlobalSign/CN=GlobalSign");
    g_autoptr(issued_auto) none = certs(.subject = "/C=JP/O=SECOM/OU=Security Communication RootCA2", .serial = "0");
    struct audit_cert *cert = add(f.pool, root), *other = add(f.pool, twin), *secom = add(f.pool, none);
    add(f.pool, one);
    add(f.pool, two);

    static const char *const issuers[] = {"CN=Root, O=\"Example, Inc.\", SP=Bayern, C=DE",
                                          "cn=root, O=\"Example,  Inc.\", ST=Bayern, C=de"};
    static const char *const serials[] = {"0A:06", "a06", "0x0A06", "0x000A06", "0A06", "00 0a 06", "A:06"};
    for (size_t i = 0; i < G_N_ELEMENTS(issuers); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(serials); j++)
            cr_expect_eq(pool_find_serial(f.pool, issuers[i], serials[j]), cert, "%s %s", issuers[i], serials[j]);
    static const char *const wrong[] = {"0A08", "", "0x", "xyz", "0A-06", ":", "-0A06"};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        cr_expect_null(pool_find_serial(f.pool, issuers[0], wrong[i]), "%s", wrong[i]);
    cr_expect_null(pool_find_serial(f.pool, "no name", "0A06"));
    cr_expect_null(pool_find_serial(f.pool, "CN=Other", "0A06"));
    cr_expect_eq(pool_find_serial(f.pool, "OU=Security Communication RootCA2, O=SECOM, C=JP", "00"), secom);
    cr_expect_eq(pool_find_serial(f.pool, "OU=Security Communication RootCA2, O=SECOM, C=JP", "0"), secom);

    cr_expect_eq(pool_find_digest(f.pool, cert->sha256, NULL, NULL), cert);
    cr_expect_eq(pool_find_digest(f.pool, NULL, cert->sha1, NULL), cert);
    cr_expect_eq(pool_find_digest(f.pool, NULL, NULL, cert->md5), cert);
    cr_expect_eq(pool_find_digest(f.pool, cert->sha256, other->sha1, other->md5), cert, "the strongest decides");
    cr_expect_null(pool_find_digest(f.pool, cert->sha1, cert->sha1, NULL));
    cr_expect_null(pool_find_digest(f.pool, NULL, NULL, NULL));

    static const struct {
        const char *subject;
        gboolean cut;
        guint found;
    } rows[] = {
        {"CN=Root, O=\"Example, Inc.\", SP=Bayern, C=DE", FALSE, 2},
        {"CN=Root, O=\"Example, Inc.\", SP=Bayern", FALSE, 0},
        {"CN=Root, O=\"Example, Inc.\", SP=Bayern", TRUE, 2},
        {"CN=Root, O=\"Exam", FALSE, 2}, /* its closing quote is missing */
        {"CN=GlobalSign", TRUE, 2},
        {"CN=GlobalSign", FALSE, 0},
        {"CN=GlobalSign, O=GlobalSign, OU=GlobalSign Root CA - R3", FALSE, 1},
        {"CN=GlobalSign, O=GlobalSign, OU=GlobalSign Root CA - R", TRUE, 2},
        {"OU=Security Communication RootCA2, O=SECOM, C=JP", FALSE, 1},
        {"no name", FALSE, 0},
        {"no name", TRUE, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) found = g_ptr_array_new();
        g_ptr_array_add(found, secom);
        pool_find_subject(f.pool, found, rows[i].subject, rows[i].cut);
        cr_expect_eq(found->len, rows[i].found + 1, "%s: %u", rows[i].subject, found->len);
        cr_expect_eq(found->pdata[0], secom, "appended");
        if (found->len == 3)
            cr_expect_lt(
                strcmp(((struct audit_cert *)found->pdata[1])->sha256, ((struct audit_cert *)found->pdata[2])->sha256),
                0);
    }
    cleanup(&f);
}

Test(pool, same_issuer_and_serial_in_a_fixed_order)
{
    g_autoptr(issued_auto) a = certs(.subject = "/CN=Same", .serial = "1");
    g_autoptr(issued_auto) b = certs(.subject = "/CN=Same", .serial = "1");
    const char *first[2];
    char digest[65] = "";

    for (int turn = 0; turn < 2; turn++) {
        struct fixture f;
        setup(&f);
        add(f.pool, turn ? a : b);
        add(f.pool, turn ? b : a);
        first[turn] = pool_find_serial(f.pool, "CN=Same", "1")->sha256;
        if (turn == 0)
            g_strlcpy(digest, first[0], sizeof digest);
        else
            cr_expect_str_eq(first[1], digest);
        cleanup(&f);
    }
}

Test(pool, issued)
{
    struct fixture f;
    setup(&f);
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) other_key = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) new_root = certs(.subject = "/CN=root ", .key_of = root);
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = root, .leaf = TRUE);
    struct audit_cert *top = add(f.pool, root), *other = add(f.pool, other_key), *again = add(f.pool, new_root);
    struct audit_cert *bottom = add(f.pool, leaf);

    for (int turn = 0; turn < 2; turn++) { /* the second time from memory */
        cr_expect(pool_issued(f.pool, top, bottom));
        cr_expect(pool_issued(f.pool, again, bottom), "the same name, as names are compared");
        cr_expect(pool_issued(f.pool, top, top));
        cr_expect_not(pool_issued(f.pool, other, bottom));
        cr_expect_not(pool_issued(f.pool, bottom, top));
        cr_expect_not(pool_issued(f.pool, bottom, bottom));
    }
    struct audit_cert *listed = audit_cert_new(f.audit);
    cr_expect_not(pool_issued(f.pool, listed, bottom), "no DER, and none of the pool's");
    cr_expect_not(pool_issued(f.pool, top, listed));

    enum audit_reading reading;
    const char *reason;
    static const char listing[] = "PKList:\n Subject: CN=Leaf\n Issuer: CN=Root\n Certificate fingerprint (SHA256): "
                                  "0000000000000000000000000000000000000000000000000000000000000000\n";
    struct audit_list *list = pool_add_listing(f.pool, listing, strlen(listing), 0, &reading, &reason);
    cr_assert_eq(list->certs->len, 1);
    cr_expect_not(pool_issued(f.pool, top, list->certs->pdata[0]), "only a listing is known");
    cleanup(&f);
}

/* A key over the limit, or at it but wrong. */
Test(pool, huge_keys)
{
    struct fixture f;
    setup(&f);
    for (int bits = 16384; bits <= 16392; bits += 8) {
        g_autoptr(issued_auto) issued = certs(.subject = "/CN=Huge", .kind = "RSA:1024", .leaf = TRUE);
        certs_set_rsa(issued, bits);
        struct audit_cert *cert = add(f.pool, issued);
        g_autofree char *expected = g_strdup_printf("RSA %d", bits);
        cr_assert_not_null(cert);
        cr_expect_str_eq(cert->key, expected);
        cr_expect_not(cert->self_signed);
        cr_expect_not(pool_issued(f.pool, cert, cert));
    }
    cleanup(&f);
}

/* Listing entries without a SHA-256 become one with what is known, or not. */
Test(pool, weaker_marks)
{
    g_autoptr(issued_auto) root =
        certs(.subject = "/CN=Root", .serial = "12", .not_before = moment_from_civil(2026, 1, 1, 0, 0, 0),
              .not_after = moment_from_civil(2046, 1, 1, 0, 0, 0));
    static const struct {
        const char *what, *fields;
        guint certs;
    } rows[] = {
        {"all fits", "Issuer: CN=Root\nSerialno: 12\nNotBefore: (260101000000Z)\nNotAfter: (460101000000Z)", 1},
        {"in another spelling",
         "Issuer: cn=ROOT\nSerialno: 0x12\nNotBefore: (20260101000000Z)\nNotAfter: (460101000000Z)", 1},
        {"other serial", "Issuer: CN=Root\nSerialno: 13\nNotBefore: (260101000000Z)\nNotAfter: (460101000000Z)", 2},
        {"other issuer", "Issuer: CN=Toor\nSerialno: 12\nNotBefore: (260101000000Z)\nNotAfter: (460101000000Z)", 2},
        {"other end", "Issuer: CN=Root\nSerialno: 12\nNotBefore: (260101000000Z)\nNotAfter: (460101000001Z)", 2},
        {"other begin", "Issuer: CN=Root\nSerialno: 12\nNotBefore: (260101000001Z)\nNotAfter: (460101000000Z)", 2},
        {"begin not known", "Issuer: CN=Root\nSerialno: 12\nNotAfter: (460101000000Z)", 2},
        {"another SHA-1",
         "Issuer: CN=Root\nSerialno: 12\nNotBefore: (260101000000Z)\nNotAfter: (460101000000Z)\n"
         "Certificate fingerprint (SHA1): 0000000000000000000000000000000000000000",
         2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("PKList:\nSubject: CN=Root\n%s\n", rows[i].fields);
        for (int der_first = 0; der_first <= 1; der_first++) {
            struct fixture f;
            enum audit_reading reading;
            const char *reason;
            setup(&f);
            if (der_first)
                add(f.pool, root);
            struct audit_list *list = pool_add_listing(f.pool, text, strlen(text), 0, &reading, &reason);
            cr_assert_not_null(list, "%s: %s", rows[i].what, reason);
            struct audit_cert *cert = add(f.pool, root);
            cr_expect_eq(f.audit->certs->len, rows[i].certs, "%s: %u", rows[i].what, f.audit->certs->len);
            cr_expect_eq(list->certs->pdata[0] == cert, rows[i].certs == 1, "%s", rows[i].what);
            cleanup(&f);
        }
    }
}

/* References */

static char *folder;

static void make_folder(void)
{
    folder = g_dir_make_tmp("trustgap-pool-XXXXXX", NULL);
    cr_assert_not_null(folder);
}

static void remove_below(const char *path)
{
    GDir *dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    if (dir) {
        for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir)) {
            g_autofree char *below = g_build_filename(path, name, NULL);
            remove_below(below);
        }
        g_dir_close(dir);
    }
    g_remove(path);
}

static void remove_folder(void)
{
    remove_below(folder);
    g_clear_pointer(&folder, g_free);
}

static char *in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static char *write_file(const char *name, const void *bytes, gssize size)
{
    char *path = in_folder(name);
    g_autofree char *parent = g_path_get_dirname(path);
    cr_assert_eq(g_mkdir_with_parents(parent, 0700), 0);
    cr_assert(g_file_set_contents(path, bytes, size, NULL));
    return path;
}

static void write_cert(const char *name, const struct issued *issued)
{
    g_autofree char *pem = certs_pem(issued);
    g_free(write_file(name, pem, -1));
}

static const char *warning(const struct fixture *f)
{
    return f->audit->warnings->len == 1 ? f->audit->warnings->pdata[0] : "";
}

/* ---- What peers have sent ---- */

static void show(struct fixture *f, const struct issued *issued)
{
    pool_add_shown(f->pool, issued->der, MOMENT_NONE);
    pool_take_shown(f->pool);
}

static struct audit_cert *only_cert(const struct fixture *f)
{
    cr_assert_eq(f->audit->certs->len, 1, "%u", f->audit->certs->len);
    return f->audit->certs->pdata[0];
}

/* A listing of ${issued}, which is self-signed; in the old style if it has no fingerprint. */
static void list(struct fixture *f, const struct issued *issued, const char *fingerprint)
{
    g_autofree char *subject = name_print(X509_get_subject_name(issued->x509));
    g_autofree char *hex = NULL;
    g_autoptr(GString) text = g_string_new("PKList:\n");
    enum audit_reading reading;
    const char *reason;

    g_string_append_printf(text, "Subject: %s\nIssuer: %s\n", subject, subject);
    if (fingerprint) {
        hex = g_compute_checksum_for_bytes(*fingerprint == 'M' ? G_CHECKSUM_MD5 : G_CHECKSUM_SHA256, issued->der);
        g_string_append_printf(text, "Certificate fingerprint (%s): %s\n", fingerprint, hex);
    } else {
        g_string_append(text, "Serialno: 0A01\nNotBefore: (260101000000Z)\nNotAfter: (460101000000Z)\n");
    }
    cr_assert(pool_add_listing(f->pool, text->str, text->len, 0, &reading, &reason), "%s", reason);
}

Test(pool, shown_when_it_was_asked)
{
    static const struct {
        const char *what, *steps; /* t: in a trace, 1 and 2: asked then, l: in a list, +: pool_take_shown() */
        gboolean from_trace;
        int64_t asked;
    } rows[] = {
        {"asked", "1+", TRUE, 1},
        {"asked twice: the latest counts", "12+", TRUE, 2},
        {"in any order", "21+", TRUE, 2},
        {"in two goes", "2+1+", TRUE, 2},
        {"also in a trace, which is the better witness", "1t+", TRUE, MOMENT_NONE},
        {"in a trace, then asked", "t+1+", TRUE, MOMENT_NONE},
        {"asked, then in a trace", "1+t+", TRUE, MOMENT_NONE},
        {"in a list", "l1+", FALSE, MOMENT_NONE},
        {"then in a list", "1+l", FALSE, MOMENT_NONE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct fixture f;
        setup(&f);
        g_autoptr(issued_auto) root = certs(.subject = "/O=Example/CN=Root");
        for (const char *step = rows[i].steps; *step; step++) {
            if (*step == '+')
                pool_take_shown(f.pool);
            else if (*step == 'l')
                add(f.pool, root);
            else
                pool_add_shown(f.pool, root->der, *step == 't' ? MOMENT_NONE : *step - '0');
        }
        const struct audit_cert *cert = only_cert(&f);
        g_autoptr(GPtrArray) found = g_ptr_array_new();
        cr_expect_eq(cert->from_trace, rows[i].from_trace, "%s", rows[i].what);
        cr_expect_eq(cert->asked, rows[i].asked, "%s", rows[i].what);
        pool_find_asked(f.pool, found, cert->issuer, cert->serial);
        cr_expect_eq(found->len, rows[i].asked != MOMENT_NONE, "%s", rows[i].what);
        cr_expect_eq(pool_find_serial(f.pool, cert->issuer, cert->serial) != NULL, !rows[i].from_trace, "%s",
                     rows[i].what);
        cleanup(&f);
    }
}

Test(pool, chains_that_were_shown)
{
    struct fixture f;
    setup(&f);
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=leaf", .issuer = root, .leaf = TRUE);
    g_autoptr(GBytes) both = certs_join(leaf, root, NULL);
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(both, &size);

    for (gsize cut = 0; cut <= size; cut++) {
        g_autoptr(GPtrArray) digests = pool_add_shown_chain(f.pool, bytes, cut, 1);
        gboolean whole = cut == size || cut == g_bytes_get_size(leaf->der);
        cr_expect_eq(digests != NULL, whole, "%zu", cut);
    }
    pool_take_shown(f.pool);
    cr_expect_eq(f.audit->certs->len, 2);
    cleanup(&f);
}

Test(pool, shown_and_otherwise_known)
{
    static const struct {
        const char *what,
            *steps; /* s: shown, l: in a list, r: in a reference (by DER), 2: listed by SHA-256, 5: by MD5 */
        gboolean from_trace, der;
    } rows[] = {
        {"shown only", "s", TRUE, TRUE},
        {"shown twice", "ss", TRUE, TRUE},
        {"shown, then in a list", "sl", FALSE, TRUE},
        {"in a list, then shown", "ls", FALSE, TRUE},
        {"in a list between", "sls", FALSE, TRUE},
        {"listed", "2", FALSE, FALSE},
        {"listed, then shown: the listing says that it is held, the trace what it is", "2s", FALSE, TRUE},
        {"shown, then listed", "s2", FALSE, TRUE},
        {"listed by MD5, then shown", "5s", FALSE, TRUE},
        {"listed and in a list, then shown", "2ls", FALSE, TRUE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct fixture f;
        setup(&f);
        g_autoptr(issued_auto) root = certs(.subject = "/O=Example/CN=Root");
        for (const char *step = rows[i].steps; *step; step++) {
            if (*step == 's')
                show(&f, root);
            else if (*step == 'l')
                add(f.pool, root);
            else
                list(&f, root, *step == '2' ? "SHA256" : "MD5");
        }
        const struct audit_cert *cert = only_cert(&f);
        cr_expect_eq(cert->from_trace, rows[i].from_trace, "%s", rows[i].what);
        cr_expect_eq(cert->der != NULL, rows[i].der, "%s", rows[i].what);
        cleanup(&f);
    }
}

Test(pool, what_is_shown_takes_no_place)
{
    struct fixture f;
    setup(&f);
    int64_t begin = moment_from_civil(2026, 1, 1, 0, 0, 0), end = moment_from_civil(2046, 1, 1, 0, 0, 0);
    g_autoptr(issued_auto) root =
        certs(.subject = "/O=Example/CN=Root", .serial = "0A01", .not_before = begin, .not_after = end);
    g_autoptr(issued_auto) forged =
        certs(.subject = "/O=Example/CN=Root", .serial = "0A01", .not_before = begin, .not_after = end);
    /* An old listing tells no fingerprint, so whoever sends a certificate can make one with its name and number. */
    list(&f, root, NULL);
    struct audit_cert *listed = only_cert(&f);
    show(&f, forged);
    cr_expect_eq(only_cert(&f), listed);
    cr_expect_null(listed->der);
    cr_expect_null(listed->sha256);
    cr_expect_not(listed->from_trace);
    cr_expect_eq(pool_find_serial(f.pool, "CN=Root, O=Example", "0A:01"), listed);
    cleanup(&f);

    setup(&f);
    show(&f, forged);
    cr_expect_null(pool_find_serial(f.pool, "CN=Root, O=Example", "0A:01"));
    cr_expect_eq(pool_find_digest(f.pool, only_cert(&f)->sha256, NULL, NULL), only_cert(&f));
    struct audit_cert *held = add(f.pool, root);
    cr_expect_eq(f.audit->certs->len, 2);
    cr_expect_eq(pool_find_serial(f.pool, "CN=Root, O=Example", "0A:01"), held);
    cr_expect_not(held->from_trace);
    cleanup(&f);
}

Test(pool, what_is_shown_is_one_certificate)
{
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    gsize size;
    const char *bytes = g_bytes_get_data(root->der, &size);
    for (gsize length = 0; length <= size + 1; length++) {
        struct fixture f;
        setup(&f);
        g_autofree char *copy = g_malloc0(size + 1);
        memcpy(copy, bytes, size);
        g_autoptr(GBytes) der = g_bytes_new(copy, length);
        pool_add_shown(f.pool, der, MOMENT_NONE);
        pool_take_shown(f.pool);
        cr_expect_eq(f.audit->certs->len, length == size, "%zu of %zu bytes", length, size);
        cleanup(&f);
    }
}

Test(pool, much_is_shown)
{
    for (unsigned more = 0; more < 2; more++) {
        struct fixture f;
        setup(&f);
        for (uint32_t i = 0; i < POOL_SHOWN + more; i++) {
            g_autoptr(GBytes) der = g_bytes_new(&i, sizeof i);
            pool_add_shown(f.pool, der, MOMENT_NONE);
            pool_add_shown(f.pool, der, MOMENT_NONE);
        }
        pool_take_shown(f.pool);
        pool_take_shown(f.pool);
        cr_expect_eq(f.audit->warnings->len, more);
        if (more)
            cr_expect_str_eq(f.audit->warnings->pdata[0],
                             "more than 10000 certificates that peers have sent: 2 were not read");
        cleanup(&f);
    }
}

/* A file that gives nothing is an error, which says why; what else is wrong is a warning. */
static void expect_told(const struct fixture *f, const char *path, const char *what, const GError *error,
                        const char *text)
{
    const char *said = error ? error->message : f->audit->warnings->len > 0 ? warning(f) : NULL;
    cr_expect_eq(f->audit->warnings->len, text && !error ? 1 : 0, "%s: %s", what, said);
    cr_expect(!error || error->code == TRUSTGAP_ERROR_SYNTAX, "%s: %s", what, said);
    cr_expect(text ? said && g_str_has_prefix(said, path) && strstr(said, text) : !said, "%s: %s", what, said);
}

TestSuite(reference, .init = make_folder, .fini = remove_folder);

Test(reference, one_file)
{
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b");
    g_autofree char *pem_a = certs_pem(a), *pem_b = certs_pem(b);
    g_auto(GStrv) lines = g_strsplit(pem_a, "\n", -1);
    g_autofree char *crlf = g_strjoinv("\r\n", lines);
    const char broken[] = "-----BEGIN CERTIFICATE-----\nno base64 at all!\n-----END CERTIFICATE-----\n";
    const char wrong[] = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n";
    const char other[] = "-----BEGIN PUBLIC KEY-----\nMAMCAQU=\n-----END PUBLIC KEY-----\n";
    g_autofree char *text =
        g_strconcat("# Root a\nSubject: CN=a\n", pem_a, "some text\n", other, pem_b, "the end", NULL);
    g_autofree char *with_broken = g_strconcat(pem_a, broken, pem_b, NULL);
    g_autofree char *with_wrong = g_strconcat(pem_a, wrong, pem_b, NULL);
    const struct {
        const char *what, *text;
        guint certs;
        const char *warning; /* a piece of it; of the error where there is no certificate */
    } rows[] = {
        {"one", pem_a, 1, NULL},
        {"twice", text, 2, NULL},
        {"CR LF", crlf, 1, NULL},
        {"one that is no base64", with_broken, 2, "a PEM block that cannot be read"},
        {"one that is no certificate", with_wrong, 2, "1 of 3 certificates could not be read"},
        {"nothing", "", 0, "an empty file"},
        {"text", "hello\n", 0, "no certificate in it"},
        {"only a key", other, 0, "no certificate in it, only a PEM block \"PUBLIC KEY\""},
        {"only a broken one", broken, 0, "a PEM block that cannot be read"},
        {"only a wrong one", wrong, 0, "1 of 1 certificates could not be read"},
        {"begins as DER", "0123", 0, "1 of 1 certificates could not be read"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct fixture f;
        g_autoptr(GError) error = NULL;
        setup(&f);
        g_autofree char *path = write_file("file with blanks.pem", rows[i].text, -1);
        cr_assert_eq(refer(f.pool, path, &error), rows[i].certs > 0, "%s", rows[i].what);
        cr_expect_eq(f.audit->certs->len, rows[i].certs, "%s: %u", rows[i].what, f.audit->certs->len);
        expect_told(&f, path, rows[i].what, error, rows[i].warning);
        for (guint j = 0; j < f.audit->certs->len; j++) {
            struct audit_cert *cert = f.audit->certs->pdata[j];
            cr_assert_eq(cert->references->len, 1);
            cr_expect_str_eq(cert->references->pdata[0], path);
        }
        cleanup(&f);
    }
}

Test(reference, der_and_trusted)
{
    struct fixture f;
    setup(&f);
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a");
    gsize size;
    const char *der = g_bytes_get_data(a->der, &size);
    g_autofree char *path = write_file("a.der", der, (gssize)size);
    cr_expect(refer(f.pool, path, NULL));
    g_autofree char *pem = certs_pem(a);
    g_auto(GStrv) pieces = g_strsplit(pem, "CERTIFICATE", -1);
    g_autofree char *trusted = g_strjoinv("TRUSTED CERTIFICATE", pieces);
    g_autofree char *second = write_file("a.trusted", trusted, -1);
    cr_expect(refer(f.pool, second, NULL));
    cr_expect(refer(f.pool, second, NULL), "naming it twice does no harm");
    cr_assert_eq(f.audit->certs->len, 1);
    cr_expect_eq(((struct audit_cert *)f.audit->certs->pdata[0])->references->len, 2);
    cr_expect_eq(f.audit->warnings->len, 0);
    cleanup(&f);
}

/* A bundle of certificates without a signature, as CAs hand out: DER, or PEM under this name. */
static GBytes *bundle(const struct issued *const *issued, guint count, const char *name)
{
    PKCS7 *p7 = PKCS7_new();
    cr_assert(PKCS7_set_type(p7, NID_pkcs7_signed) && PKCS7_content_new(p7, NID_pkcs7_data));
    for (guint i = 0; i < count; i++)
        cr_assert(PKCS7_add_certificate(p7, issued[i]->x509));
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *der = NULL;
    int size = i2d_PKCS7(p7, &der);
    cr_assert(name ? PEM_write_bio(bio, name, "", der, size) : BIO_write(bio, der, size));
    char *bytes;
    long length = BIO_get_mem_data(bio, &bytes);
    GBytes *made = g_bytes_new(bytes, (gsize)length);
    OPENSSL_free(der);
    PKCS7_free(p7);
    BIO_free(bio);
    return made;
}

Test(reference, bundles)
{
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b", .kind = "RSA:1024");
    const struct issued *const both[] = {a, b};
    static const struct {
        const char *what, *pem;
        guint count;
        int cut; /* bytes taken from the end, or -1: a certificate behind it */
        guint certs;
        const char *warning;
    } rows[] = {
        {"DER", NULL, 2, 0, 2, NULL},
        {"PEM", "PKCS7", 2, 0, 2, NULL},
        {"PEM, the other name", "PKCS #7 SIGNED DATA", 2, 0, 2, NULL},
        {"PEM as CMS", "CMS", 2, 0, 2, NULL},
        {"PEM and a certificate", "PKCS7", 1, -1, 2, NULL},
        {"an empty one", NULL, 0, 0, 0, "a PKCS #7 bundle without a certificate"},
        {"DER that was cut", NULL, 2, 1, 0, "1 of 1 certificates could not be read"},
        {"PEM, something else inside", "PKCS7", 0, -2, 0, "a PKCS #7 bundle that cannot be read"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct fixture f;
        setup(&f);
        g_autoptr(GBytes) bytes = bundle(both, rows[i].count, rows[i].pem);
        gsize size;
        const char *text = g_bytes_get_data(bytes, &size);
        g_autofree char *pem = certs_pem(b);
        g_autofree char *more = rows[i].cut == -1 ? g_strdup_printf("%.*s%s", (int)size, text, pem) : NULL;
        if (rows[i].cut == -2) /* no identifier in front */
            more = g_strdup("-----BEGIN PKCS7-----\nMAMCAQU=\n-----END PKCS7-----\n");
        g_autofree char *path =
            write_file("a bundle.p7b", more ? more : text, more ? -1 : (gssize)size - MAX(rows[i].cut, 0));
        g_autoptr(GError) error = NULL;
        cr_expect_eq(refer(f.pool, path, &error), rows[i].certs > 0, "%s", rows[i].what);
        cr_expect_eq(f.audit->certs->len, rows[i].certs, "%s: %u", rows[i].what, f.audit->certs->len);
        expect_told(&f, path, rows[i].what, error, rows[i].warning);
        for (guint j = 0; j < rows[i].certs; j++) {
            struct audit_cert *cert = add(f.pool, both[j]);
            cr_expect_eq(cert->references->len, 1, "%s: the same bytes as elsewhere", rows[i].what);
        }
        cleanup(&f);
    }
}

Test(reference, certificates_in_der_one_behind_the_other)
{
    struct fixture f;
    setup(&f);
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b");
    g_autoptr(GBytes) both = certs_join(a, b, NULL);
    gsize size;
    const char *bytes = g_bytes_get_data(both, &size);
    g_autofree char *path = write_file("both.der", bytes, (gssize)size);
    cr_expect(refer(f.pool, path, NULL));
    cr_expect_eq(f.audit->certs->len, 2);
    cr_expect_eq(f.audit->warnings->len, 0);

    g_autofree char *many = g_malloc((gsize)2 * 20001);
    for (size_t i = 0; i <= 20000; i++)
        memcpy(many + 2 * i, "0", 2);
    g_autofree char *second = write_file("many.der", many, 2 * 20001);
    g_autoptr(GError) error = NULL;
    cr_expect_not(refer(f.pool, second, &error));
    cr_expect(strstr(error->message, ": 20000 of 20000 certificates could not be read"), "%s", error->message);
    cleanup(&f);
}

Test(reference, folder)
{
    struct fixture f;
    g_autoptr(GError) error = NULL;
    setup(&f);
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b"), c = certs(.subject = "/CN=c");
    write_cert("a.pem", a);
    write_cert("below/b.crt", b);
    write_cert("below/deep/c.pem", c);
    g_free(write_file("README", "hello", -1));
    g_autofree char *hash = in_folder("01234567.0"), *loop = in_folder("below/loop"), *dangling = in_folder("gone");
    g_autofree char *pipe = in_folder("pipe"), *plain = in_folder("a.pem");
    cr_assert_eq(symlink("a.pem", hash), 0);
    cr_assert_eq(symlink("..", loop), 0);
    cr_assert_eq(symlink("nowhere", dangling), 0);
    cr_assert_eq(mkfifo(pipe, 0600), 0);

    cr_assert(refer(f.pool, folder, &error), "%s", error ? error->message : "");
    cr_expect_eq(f.audit->certs->len, 3);
    cr_expect(strstr(warning(&f), "3 files without a readable certificate"), "%s", warning(&f));
    struct audit_cert *cert = add(f.pool, a);
    cr_assert_eq(cert->references->len, 1, "once, though it has two names");
    cr_expect_str_eq(cert->references->pdata[0], plain, "and not the hash");
    cleanup(&f);
}

Test(reference, depth_and_number_of_paths)
{
    struct fixture f;
    setup(&f);
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b");
    write_cert("2/3/4/5/6/7/8/a.pem", a);
    write_cert("2/3/4/5/6/7/8/9/b.pem", b);
    for (int i = 0; i < 6; i++) {
        g_autofree char *name = g_strdup_printf("copy%d.pem", i);
        write_cert(name, a);
    }
    cr_expect(refer(f.pool, folder, NULL));
    cr_assert_eq(f.audit->certs->len, 1);
    cr_expect_eq(add(f.pool, a)->references->len, 4);
    cr_expect(strstr(warning(&f), "1 folders lie deeper than 8 levels"), "%s", warning(&f));
    cleanup(&f);
}

Test(reference, what_cannot_be_read)
{
    struct fixture f;
    setup(&f);
    g_autofree char *missing = in_folder("missing");
    g_autoptr(GError) error = NULL;
    cr_expect_not(refer(f.pool, missing, &error));
    cr_assert_not_null(error);
    cr_expect(g_str_has_prefix(error->message, missing), "%s", error->message);
    if (geteuid() != 0) {
        g_autoptr(GError) other = NULL;
        g_autofree char *parent = in_folder("secret");
        g_free(write_file("secret/file", "", 0));
        g_autoptr(issued_auto) a = certs(.subject = "/CN=a");
        write_cert("a.pem", a);
        cr_assert_eq(chmod(parent, 0), 0);
        cr_expect(refer(f.pool, folder, NULL));
        cr_expect(strstr(warning(&f), "1 folders cannot be read"), "%s", warning(&f));
        cr_expect_not(refer(f.pool, parent, &other));
        cr_expect(g_str_has_prefix(other->message, parent), "%s", other->message);
        cr_assert_eq(chmod(parent, 0700), 0);
    }
    cleanup(&f);
}

Test(reference, any_bytes)
{
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a");
    g_autofree char *pem = certs_pem(a);
    size_t size = strlen(pem);
    unsigned refused = 0;

    for (size_t i = 0; i < 2 * size; i += 3) {
        struct fixture f;
        setup(&f);
        g_autofree char *copy = g_strdup(pem);
        copy[i / 2] = i % 2 ? (char)(copy[i / 2] ^ 0x11) : '\0';
        g_autofree char *path = write_file("x", copy, (gssize)(i % 2 ? size : i / 2));
        g_autoptr(GError) error = NULL;
        gboolean any = refer(f.pool, path, &error);
        cr_expect_eq(any, f.audit->certs->len > 0);
        cr_expect(any || g_str_has_prefix(error->message, path));
        refused += !any;
        cleanup(&f);
    }
    cr_expect_gt(refused, size / 4);
}

Test(reference, the_roots_of_this_machine)
{
    struct fixture f;
    g_autoptr(GError) error = NULL;
    setup(&f);

    cr_assert(refer(f.pool, "/etc/ssl/certs/ca-certificates.crt", &error), "%s", error->message);
    guint bundle = f.audit->certs->len;
    cr_expect_gt(bundle, 100);
    cr_assert(refer(f.pool, "/etc/ssl/certs", &error), "%s", error->message);
    cr_expect_eq(f.audit->certs->len, bundle, "the folder has the same ones");
    for (guint i = 0; i < f.audit->certs->len; i++) {
        struct audit_cert *cert = f.audit->certs->pdata[i];
        g_autoptr(GPtrArray) found = g_ptr_array_new();
        cr_expect(cert->ca && cert->self_signed, "%s", cert->subject);
        cr_expect(cert->not_after > cert->not_before && cert->not_before != MOMENT_NONE, "%s", cert->subject);
        pool_find_subject(f.pool, found, cert->subject, FALSE);
        cr_expect(g_ptr_array_find(found, cert, NULL), "%s", cert->subject);
        cr_expect_eq(pool_find_serial(f.pool, cert->issuer, cert->serial), cert, "%s", cert->subject);
        cr_expect_eq(pool_find_digest(f.pool, cert->sha256, NULL, NULL), cert);
        cr_expect(pool_issued(f.pool, cert, cert), "%s", cert->subject);
        cr_expect_geq(cert->references->len, 2, "%s: %u", cert->subject, cert->references->len);
    }
    /* Facts that others have published. */
    static const struct {
        const char *sha256, *subject, *serial, *key;
    } rows[] = {
        {"cb3ccbb76031e5e0138f8dd39a23f9de47ffc35e43c1144cea27d46a5ab1cb5f",
         "CN=DigiCert Global Root G2, OU=www.digicert.com, O=DigiCert Inc, C=US",
         "03:3A:F1:E6:A7:11:A9:A0:BB:28:64:B1:1D:09:FA:E5", "RSA 2048"},
        {"31ad6648f8104138c738f39ea4320133393e3a18cc02296ef97c2ac9ef6731d0",
         "CN=DigiCert Global Root G3, OU=www.digicert.com, O=DigiCert Inc, C=US", NULL, "EC secp384r1"},
        {"96bcec06264976f37460779acf28c5a7cfe8a3c0aae11a8ffcee05c0bddf08c6",
         "CN=ISRG Root X1, O=Internet Security Research Group, C=US", NULL, "RSA 4096"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct audit_cert *cert = pool_find_digest(f.pool, rows[i].sha256, NULL, NULL);
        cr_assert_not_null(cert, "%s", rows[i].subject);
        cr_expect_str_eq(cert->subject, rows[i].subject);
        cr_expect(!rows[i].serial || g_str_equal(cert->serial, rows[i].serial), "%s", cert->serial);
        cr_expect_str_eq(cert->key, rows[i].key);
    }
    cleanup(&f);
}
