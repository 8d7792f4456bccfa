/* analyzer/reference, key_store, pkcs12, pem: whatever people name as a reference or as the chain of a peer. */
#include "reference.h"

#include "certs.h"
#include "error.h"
#include "key_store.h"
#include "references.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>

#define SAMPLES SOURCE_ROOT "/tests/data/reference/"

static const char *const changeit[] = {"wrong", "changeit", NULL};

struct reading {
    GPtrArray *ders; /* of all files */
    char *trouble;
    GError *error;
};

static void take(void *data, const char *path, GPtrArray *ders)
{
    struct reading *reading = data;
    (void)path;
    g_ptr_array_extend(reading->ders, ders, (GCopyFunc)(void (*)(void))g_bytes_ref, NULL);
}

static struct reading *read_path(const char *path, enum reference_use use, const char *const *passwords)
{
    struct reading *reading = g_new0(struct reading, 1);
    const struct reference_options options = {.use = use, .passwords = passwords};

    reading->ders = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    gboolean ok = reference_read(path, &options, take, reading, &reading->trouble, &reading->error);
    cr_expect_eq(ok, reading->ders->len > 0, "%s", path);
    cr_expect_eq(ok, reading->error == NULL);
    cr_expect(ok || g_str_has_prefix(reading->error->message, path), "%s", reading->error->message);
    cr_expect(!reading->trouble || g_str_has_prefix(reading->trouble, path), "%s", reading->trouble);
    cr_expect_eq(ERR_peek_error(), 0);
    return reading;
}

static void reading_free(struct reading *reading)
{
    g_ptr_array_unref(reading->ders);
    g_free(reading->trouble);
    g_clear_error(&reading->error);
    g_free(reading);
}

typedef struct reading reading_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(reading_auto, reading_free)

static const char *said(const struct reading *reading)
{
    return reading->error ? reading->error->message : reading->trouble ? reading->trouble : "";
}

static char *folder;

static void make_folder(void)
{
    folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    cr_assert_not_null(folder);
}

static void remove_folder(void)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir)) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(folder);
    g_free(folder);
}

static char *put(const char *name, const void *bytes, size_t size)
{
    char *path = g_build_filename(folder, name, NULL);
    cr_assert(g_file_set_contents(path, bytes, (gssize)size, NULL));
    return path;
}

static struct issued *sample(const char *name)
{
    g_autofree char *path = g_strconcat(SAMPLES, name, NULL), *text = NULL;
    cr_assert(g_file_get_contents(path, &text, NULL, NULL));
    return certs_from_pem(text);
}

static gboolean has(const GPtrArray *ders, const struct issued *issued)
{
    for (guint i = 0; i < ders->len; i++)
        if (g_bytes_equal(ders->pdata[i], issued->der))
            return TRUE;
    return FALSE;
}

TestSuite(reference_file, .init = make_folder, .fini = remove_folder);

/* What keytool and openssl have made: docs/formats/reference.md says how. */
Test(reference_file, key_stores_of_other_programs)
{
    static const struct {
        const char *file;
        gboolean password;
        guint certs;
        const char *said; /* a piece of it; NULL: nothing */
    } rows[] = {
        {"cacerts.jks", FALSE, 1, NULL},
        {"trust.jks", FALSE, 2, NULL},
        {"trust.jceks", FALSE, 2, NULL},
        {"secret.jceks", FALSE, 0, "only 0 of 3 entries were read: entry 1 is a secret key"},
        {"open.p12", FALSE, 2, NULL},
        {"open.p12", TRUE, 2, NULL},
        {"trust.p12", FALSE, 0, "protected by a password; give the password with --reference-password-file"},
        {"trust.p12", TRUE, 2, NULL},
        {"rc2.p12", FALSE, 0, "protected by a password"},
        {"rc2.p12", TRUE, 1, NULL},
        {"legacy.p12", TRUE, 2, NULL},
    };
    g_autoptr(issued_auto) one = sample("1.pem"), two = sample("2.pem");

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat(SAMPLES, rows[i].file, NULL);
        g_autoptr(reading_auto) reading = read_path(path, REFERENCE_ANCHORS, rows[i].password ? changeit : NULL);
        if (rows[i].certs > 0 && reading->error && strstr(said(reading), "legacy provider"))
            continue; /* this machine has none, and the message says what to do */
        cr_expect_eq(reading->ders->len, rows[i].certs, "%s: %u %s", rows[i].file, reading->ders->len, said(reading));
        cr_expect(rows[i].said ? strstr(said(reading), rows[i].said) != NULL : !*said(reading), "%s: %s", rows[i].file,
                  said(reading));
        cr_expect(rows[i].certs < 1 || g_str_has_prefix(rows[i].file, "cacerts") || has(reading->ders, one));
        cr_expect(rows[i].certs < 2 || has(reading->ders, two));
    }
    static const char *const wrong[] = {"wrong", NULL};
    g_autoptr(reading_auto) reading = read_path(SAMPLES "trust.p12", REFERENCE_ANCHORS, wrong);
    cr_expect(strstr(said(reading), "none of the given passwords opens it"), "%s", said(reading));
    cr_expect_not(strstr(said(reading), "wrong"), "no password in a message");
}

/* Java key stores that are made here. */

#define CANARY "this-is-the-private-key"

static void put_number(GByteArray *out, unsigned width, uint32_t number)
{
    for (unsigned i = width; i-- > 0;) {
        uint8_t byte = (uint8_t)(number >> (8 * i));
        g_byte_array_append(out, &byte, 1);
    }
}

static void put_block(GByteArray *out, unsigned width, const void *bytes, size_t size)
{
    put_number(out, width, (uint32_t)size);
    g_byte_array_append(out, bytes, (guint)size);
}

static void put_cert(GByteArray *out, uint32_t version, const struct issued *issued)
{
    gsize size;
    const void *der = g_bytes_get_data(issued->der, &size);
    if (version == 2)
        put_block(out, 2, "X.509", 5);
    put_block(out, 4, der, size);
}

static void begin_entry(GByteArray *out, uint32_t tag, const char *alias)
{
    put_number(out, 4, tag);
    put_block(out, 2, alias, strlen(alias));
    put_number(out, 4, 0x190);
    put_number(out, 4, 0);
}

/* ${plan}: "t" a trusted certificate, "k" a private key with a chain of two, "e" one without a chain, "s" a secret. */
static GByteArray *java_store(uint32_t magic, uint32_t version, const char *plan, const struct issued *const *issued)
{
    GByteArray *out = g_byte_array_new();

    put_number(out, 4, magic);
    put_number(out, 4, version);
    put_number(out, 4, (uint32_t)strlen(plan));
    for (guint next = 0; *plan; plan++) {
        begin_entry(out, *plan == 't' ? 2 : *plan == 's' ? 3 : 1, "alias");
        if (*plan == 't') {
            put_cert(out, version, issued[next++]);
        } else if (*plan == 's') {
            g_byte_array_append(out, (const uint8_t *)"\xac\xed\0\5sr", 6);
        } else {
            put_block(out, 4, CANARY, strlen(CANARY));
            put_number(out, 4, *plan == 'k' ? 2 : 0);
            for (guint i = 0; *plan == 'k' && i < 2; i++)
                put_cert(out, version, issued[next++]);
        }
    }
    g_byte_array_append(out, (const uint8_t *)"01234567890123456789", 20);
    return out;
}

Test(reference_file, java_stores)
{
    static const struct {
        const char *what;
        uint32_t magic, version;
        const char *plan;
        guint anchors, chain;
        const char *said, *said_chain;
    } rows[] = {
        {"JKS", 0xfeedfeed, 2, "tt", 2, 0, NULL, "only has trusted certificates"},
        {"JKS of version 1", 0xfeedfeed, 1, "ttt", 3, 0, NULL, "only has trusted certificates"},
        {"JCEKS", 0xcececece, 2, "t", 1, 0, NULL, "only has trusted certificates"},
        {"a key and its chain", 0xfeedfeed, 2, "k", 2, 2, NULL, NULL},
        {"a key between", 0xfeedfeed, 1, "tkt", 4, 2, NULL, NULL},
        {"two keys", 0xfeedfeed, 2, "kk", 4, 0, NULL, "2 private keys"},
        {"a key without a chain", 0xfeedfeed, 2, "e", 0, 0, "without a certificate", "only has trusted certificates"},
        {"nothing", 0xfeedfeed, 2, "", 0, 0, "without a certificate", "only has trusted certificates"},
        {"a secret behind", 0xcececece, 2, "ts", 1, 0, "only 1 of 2 entries", "only 1 of 2 entries"},
        {"a secret before", 0xcececece, 2, "st", 0, 0, "only 0 of 2 entries", "only 0 of 2 entries"},
        {"version 3", 0xfeedfeed, 3, "", 0, 0, "unknown version", "unknown version"},
    };
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b"), c = certs(.subject = "/CN=c"),
                           d = certs(.subject = "/CN=d");
    const struct issued *const issued[] = {a, b, c, d};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GByteArray) bytes = java_store(rows[i].magic, rows[i].version, rows[i].plan, issued);
        g_autofree char *path = put("store", bytes->data, bytes->len);
        g_autoptr(reading_auto) anchors = read_path(path, REFERENCE_ANCHORS, NULL);
        g_autoptr(reading_auto) chain = read_path(path, REFERENCE_CHAIN, NULL);
        cr_expect_eq(anchors->ders->len, rows[i].anchors, "%s: %s", rows[i].what, said(anchors));
        cr_expect_eq(chain->ders->len, rows[i].chain, "%s: %s", rows[i].what, said(chain));
        cr_expect(rows[i].said ? strstr(said(anchors), rows[i].said) != NULL : !*said(anchors), "%s: %s", rows[i].what,
                  said(anchors));
        cr_expect(rows[i].said_chain ? strstr(said(chain), rows[i].said_chain) != NULL : !*said(chain), "%s: %s",
                  rows[i].what, said(chain));
        if (chain->ders->len > 0 && *rows[i].plan == 'k')
            cr_expect(g_bytes_equal(chain->ders->pdata[0], a->der), "%s: its own certificate first", rows[i].what);
    }
}

/* Every cut and many flips: nothing is read beyond the end, a part is never taken for all, no key comes out. */
Test(reference_file, damaged_java_stores)
{
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b"), c = certs(.subject = "/CN=c");
    const struct issued *const issued[] = {a, b, c};
    g_autoptr(GByteArray) bytes = java_store(0xfeedfeed, 2, "tk", issued);
    guint whole = 0, partly = 0;

    for (guint i = 0; i < 2 * bytes->len; i++) {
        gboolean flip = i >= bytes->len;
        guint size = flip ? bytes->len : i;
        g_autofree uint8_t *copy = g_memdup2(bytes->data, bytes->len);
        struct key_store store;
        if (flip)
            copy[i - bytes->len] ^= 0x81;
        g_autofree uint8_t *exact = g_memdup2(copy, size);
        key_store_init(&store);
        gboolean known = key_store_read(&store, exact, size);
        cr_expect_eq(known, flip ? i - bytes->len >= 4 : size >= 4, "%u", i);
        guint certs = store.trusted->len;
        for (guint j = 0; j < store.chains->len; j++) {
            const GPtrArray *chain = store.chains->pdata[j];
            certs += chain->len;
            for (guint k = 0; k < chain->len; k++) {
                gsize length;
                const void *der = g_bytes_get_data(chain->pdata[k], &length);
                cr_expect_not(memmem(der, length, CANARY, strlen(CANARY)) && !flip);
            }
        }
        if (!flip && known)
            cr_expect(store.trouble, "cut at %u", i);
        cr_expect(certs == 3 || store.trouble || !known || flip, "%u", i);
        whole += !store.trouble && known;
        partly += store.trouble && certs > 0;
        key_store_clear(&store);
    }
    cr_expect_gt(whole, 100, "values may be anything: %u", whole);
    cr_expect_gt(partly, 100, "%u", partly);
}

Test(reference_file, limits_of_java_stores)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    struct key_store store;

    put_number(bytes, 4, 0xfeedfeed);
    put_number(bytes, 4, 1);
    put_number(bytes, 4, KEY_STORE_ENTRIES + 1);
    for (guint i = 0; i <= KEY_STORE_ENTRIES; i++) {
        begin_entry(bytes, 2, "");
        put_number(bytes, 4, 0);
    }
    g_byte_array_append(bytes, (const uint8_t *)"01234567890123456789", 20);
    key_store_init(&store);
    cr_expect(key_store_read(&store, bytes->data, bytes->len));
    cr_expect_eq(store.trusted->len, KEY_STORE_ENTRIES);
    cr_expect(strstr(store.trouble, "only the first 20000 of 20001 entries"), "%s", store.trouble);
    key_store_clear(&store);

    bytes->data[10] = (uint8_t)(KEY_STORE_ENTRIES >> 8);
    bytes->data[11] = (uint8_t)KEY_STORE_ENTRIES;
    key_store_init(&store);
    cr_expect(key_store_read(&store, bytes->data, bytes->len - 18));
    cr_expect_eq(store.trusted->len, KEY_STORE_ENTRIES);
    cr_expect_null(store.trouble);
    key_store_clear(&store);

    put_number(bytes, 4, 0); /* a chain of more certificates than there can be */
    g_byte_array_set_size(bytes, 8);
    put_number(bytes, 4, 1);
    begin_entry(bytes, 1, "");
    put_number(bytes, 4, 0);
    put_number(bytes, 4, UINT32_MAX);
    key_store_init(&store);
    cr_expect(key_store_read(&store, bytes->data, bytes->len));
    cr_expect(strstr(store.trouble, "only 0 of 1 entries"), "%s", store.trouble);
    key_store_clear(&store);
}

/* PKCS #12 as OpenSSL makes it: the own certificate with its key, issuers beside it. */
static char *put_p12(const char *password, const struct issued *own, const struct issued *issuer, int iterations)
{
    STACK_OF(X509) *others = sk_X509_new_null();
    unsigned char *der = NULL;

    if (issuer)
        sk_X509_push(others, issuer->x509);
    PKCS12 *p12 = PKCS12_create(password, NULL, own->key, own->x509, others, 0, 0, iterations, 1, 0);
    cr_assert_not_null(p12);
    int size = i2d_PKCS12(p12, &der);
    char *path = put("store.p12", der, (size_t)size);
    OPENSSL_free(der);
    PKCS12_free(p12);
    sk_X509_free(others);
    return path;
}

Test(reference_file, pkcs12)
{
    static const char *const secret[] = {"other", "secret", NULL};
    g_autoptr(issued_auto) root = certs(.subject = "/CN=root"),
                           leaf = certs(.subject = "/CN=leaf", .issuer = root, .leaf = TRUE);
    static const struct {
        const char *what, *password;
        gboolean given;
        guint certs;
        const char *said;
    } rows[] = {
        {"no password", NULL, FALSE, 2, NULL},
        {"the empty one", "", FALSE, 2, NULL},
        {"the second one", "secret", TRUE, 2, NULL},
        {"none given", "secret", FALSE, 0, "protected by a password"},
        {"another one", "third", TRUE, 0, "none of the given passwords"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = put_p12(rows[i].password, leaf, root, 1000);
        for (int use = REFERENCE_ANCHORS; use <= REFERENCE_CHAIN; use++) {
            g_autoptr(reading_auto) reading = read_path(path, use, rows[i].given ? secret : NULL);
            cr_expect_eq(reading->ders->len, rows[i].certs, "%s: %s", rows[i].what, said(reading));
            cr_expect(rows[i].said ? strstr(said(reading), rows[i].said) != NULL : !*said(reading), "%s: %s",
                      rows[i].what, said(reading));
            if (reading->ders->len == 2)
                cr_expect(g_bytes_equal(reading->ders->pdata[0], leaf->der), "%s: its own first", rows[i].what);
        }
    }
}

/* The number of rounds stands in the file: one that asks for hours is refused before any work. */
Test(reference_file, pkcs12_with_too_many_rounds)
{
    static const struct {
        const char *number, *said;
    } rows[] = {
        {"\2\3\x1e\x84\x80", "protected by a password"}, /* 2,000,000: tried */
        {"\2\3\x1e\x84\x81", "more than 2000000 rounds"},
        {"\2\3\x7f\xff\xff", "more than 2000000 rounds"},
        {"\2\3\xff\xff\xff", "unknown way"}, /* -1 */
    };
    g_autoptr(issued_auto) root = certs(.subject = "/CN=root");
    g_autofree char *made = put_p12("secret", root, NULL, 0x8001), *bytes = NULL;
    gsize size;

    cr_assert(g_file_get_contents(made, &bytes, &size, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *copy = g_memdup2(bytes, size);
        guint found = 0;
        for (char *at = copy; (at = memmem(at, size - (gsize)(at - copy), "\2\3\0\x80\1", 5)); at += 5, found++)
            memcpy(at, rows[i].number, 5);
        cr_assert_gt(found, 0);
        g_autofree char *path = put("rounds.p12", copy, size);
        g_autoptr(reading_auto) reading = read_path(path, REFERENCE_ANCHORS, NULL);
        cr_expect(strstr(said(reading), rows[i].said), "%zu: %s", i, said(reading));
    }
}

Test(reference_file, damaged_pkcs12)
{
    g_autofree char *bytes = NULL;
    gsize size;
    guint none = 0;

    cr_assert(g_file_get_contents(SAMPLES "open.p12", &bytes, &size, NULL));
    for (gsize i = 0; i < 2 * size; i += 5) {
        g_autofree char *copy = g_memdup2(bytes, size);
        if (i >= size)
            copy[i - size] ^= 0x11;
        g_autofree char *path = put("x.p12", copy, i >= size ? size : i);
        g_autoptr(reading_auto) reading = read_path(path, REFERENCE_ANCHORS, NULL);
        none += reading->error != NULL;
    }
    cr_expect_gt(none, size / 5, "each cut one");
}

/* Text */

static char *in_utf16(const char *text, const char *encoding, gsize *size)
{
    char *wide = g_convert(text, -1, encoding, "UTF-8", NULL, size, NULL);
    cr_assert_not_null(wide);
    return wide;
}

static char *replace(const char *text, const char *old, const char *new)
{
    g_auto(GStrv) pieces = g_strsplit(text, old, -1);
    return g_strjoinv(new, pieces);
}

Test(reference_file, text_as_people_hand_it_on)
{
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b");
    g_autofree char *one = certs_pem(a), *two = certs_pem(b), *pem = g_strconcat(one, two, NULL);
    g_autofree char *lines = replace(pem, "\n", "\n    "), *indented = g_strconcat("  caData:\n    ", lines, NULL);
    g_autofree char *tabs = replace(pem, "\n", "\t\r\n\t"), *quoted_lines = replace(pem, "\n", "\n> > ");
    g_autofree char *quoted = g_strconcat("> > ", quoted_lines, NULL), *spelt = replace(pem, "\n", "\\n");
    g_autofree char *json = g_strconcat("{\"ca\": \"", spelt, "\"}", NULL), *blanks = replace(pem, "\n", " ");
    g_autofree char *together = replace(pem, "\n", ""), *empty_lines = replace(pem, "\n", "\n\n");
    g_autofree char *mark = g_strconcat("\xef\xbb\xbf", pem, NULL), *zero = g_strconcat("0 roots\n", pem, NULL);
    g_autofree char *base64 = g_base64_encode(g_bytes_get_data(a->der, NULL), g_bytes_get_size(a->der));
    g_autofree char *begun = replace(one, "-----END CERTIFICATE-----\n", ""), *torn = g_strconcat(begun, two, NULL);
    g_autofree char *body = replace(begun, "-----BEGIN CERTIFICATE-----\n", ""), *dirty = replace(body, "M", "!");
    g_autofree char *key = g_strconcat("-----BEGIN PRIVATE KEY-----\nMAMCAQU=\n-----END PRIVATE KEY-----\n", one, NULL);
    gsize little_size, big_size, marked_size;
    g_autofree char *little = in_utf16(pem, "UTF-16LE", &little_size), *big = in_utf16(pem, "UTF-16BE", &big_size);
    g_autofree char *marked = in_utf16(pem, "UTF-16", &marked_size);
    const struct {
        const char *what, *text;
        gsize size; /* 0: of the string */
        guint certs;
        const char *said;
    } rows[] = {
        {"indented", indented, 0, 2, NULL},
        {"tabs and CR", tabs, 0, 2, NULL},
        {"quoted mail", quoted, 0, 2, NULL},
        {"line ends spelt out", json, 0, 2, NULL},
        {"one line with blanks", blanks, 0, 2, NULL},
        {"one line without", together, 0, 2, NULL},
        {"empty lines", empty_lines, 0, 2, NULL},
        {"a byte order mark", mark, 0, 2, NULL},
        {"begins with a 0", zero, 0, 2, NULL},
        {"UTF-16", marked, marked_size, 2, NULL},
        {"UTF-16LE without a mark", little, little_size, 2, NULL},
        {"UTF-16BE without a mark", big, big_size, 2, NULL},
        {"UTF-16, an odd byte", little, little_size - 1, 2, NULL},
        {"bare base64 in one line", base64, 0, 1, NULL},
        {"bare base64 in lines", body, 0, 1, NULL},
        {"bare base64 with other characters", dirty, 0, 0, "no certificate in it"},
        {"a block without end, and another one", torn, 0, 1, "a PEM block that cannot be read"},
        {"a block without end alone", begun, 0, 0, "a PEM block that cannot be read"},
        {"a key beside it", key, 0, 1, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = put("x.pem", rows[i].text, rows[i].size ? rows[i].size : strlen(rows[i].text));
        g_autoptr(reading_auto) reading = read_path(path, REFERENCE_ANCHORS, NULL);
        cr_expect_eq(reading->ders->len, rows[i].certs, "%s: %u %s", rows[i].what, reading->ders->len, said(reading));
        cr_expect(rows[i].said ? strstr(said(reading), rows[i].said) != NULL : !*said(reading), "%s: %s", rows[i].what,
                  said(reading));
    }
}

static GBytes *der_of_request(const struct issued *issued)
{
    X509_REQ *request = X509_to_X509_REQ(issued->x509, issued->key, EVP_sha256());
    unsigned char *der = NULL;
    int size = i2d_X509_REQ(request, &der);
    GBytes *bytes = g_bytes_new(der, (gsize)size);
    OPENSSL_free(der);
    X509_REQ_free(request);
    return bytes;
}

static GBytes *der_of_key(const struct issued *issued)
{
    unsigned char *der = NULL;
    int size = i2d_PrivateKey(issued->key, &der);
    GBytes *bytes = g_bytes_new(der, (gsize)size);
    OPENSSL_free(der);
    return bytes;
}

/* A file without a certificate is an error, and the message says what it is. */
Test(reference_file, what_is_no_certificate)
{
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a", .kind = "RSA:2048");
    g_autoptr(GBytes) request = der_of_request(a), key = der_of_key(a);
    const struct {
        const char *what;
        const void *bytes;
        gsize size; /* 0: of the string */
        const char *said;
    } rows[] = {
        {"a private key", "-----BEGIN PRIVATE KEY-----\nMAMCAQU=\n-----END PRIVATE KEY-----\n", 0,
         "only a private key"},
        {"an old one", "-----BEGIN RSA PRIVATE KEY-----\nMAMCAQU=\n-----END RSA PRIVATE KEY-----\n", 0,
         "only a private key"},
        {"an encrypted one", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAMCAQU=\n-----END ENCRYPTED PRIVATE KEY-----\n",
         0, "only a private key"},
        {"one of OpenSSH", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----\n", 0,
         "only a private key"},
        {"a private key in DER", g_bytes_get_data(key, NULL), g_bytes_get_size(key), "only a private key"},
        {"a request", "-----BEGIN CERTIFICATE REQUEST-----\nMAMCAQU=\n-----END CERTIFICATE REQUEST-----\n", 0, "(CSR)"},
        {"a request in DER", g_bytes_get_data(request, NULL), g_bytes_get_size(request), "(CSR)"},
        {"a revocation list", "-----BEGIN X509 CRL-----\nMAMCAQU=\n-----END X509 CRL-----\n", 0, "(CRL)"},
        {"a web page", "<!DOCTYPE html>\n<HTML><body>Log in</body>", 0, "a web page"},
        {"text", "Root CA: ask Bob\n", 0, "no certificate in it; a certificate is PEM, DER"},
        {"nothing", "", 0, "an empty file"},
        {"other bytes",
         "\x7f"
         "ELF\1\2\3",
         0, "no certificate in it"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = put("x", rows[i].bytes, rows[i].size ? rows[i].size : strlen(rows[i].bytes));
        for (int use = REFERENCE_ANCHORS; use <= REFERENCE_CHAIN; use++) {
            g_autoptr(reading_auto) reading = read_path(path, use, NULL);
            cr_assert(reading->error, "%s", rows[i].what);
            cr_expect(g_error_matches(reading->error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX));
            cr_expect(strstr(said(reading), rows[i].said), "%s: %s", rows[i].what, said(reading));
        }
    }
}

/* The attachment of a Note: certificates among other files. */
Test(reference_file, archives)
{
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b");
    g_autofree char *one = certs_pem(a), *path = g_build_filename(folder, "note.zip", NULL);
    const struct {
        const char *name;
        const void *bytes;
        size_t size;
    } files[] = {{"readme.txt", "Import both.\n", 13},
                 {"roots/a.pem", one, strlen(one)},
                 {"roots/b.cer", g_bytes_get_data(b->der, NULL), g_bytes_get_size(b->der)}};
    gsize size;

    for (size_t wanted = 1; wanted <= 3; wanted++) {
        struct archive *archive = archive_write_new();
        archive_write_set_format_zip(archive);
        cr_assert_eq(archive_write_open_filename(archive, path), ARCHIVE_OK);
        for (size_t i = 0; i < wanted; i++) {
            struct archive_entry *entry = archive_entry_new();
            archive_entry_set_pathname(entry, files[i].name);
            archive_entry_set_filetype(entry, AE_IFREG);
            archive_entry_set_size(entry, (la_int64_t)files[i].size);
            cr_assert_eq(archive_write_header(archive, entry), ARCHIVE_OK);
            cr_assert_eq(archive_write_data(archive, files[i].bytes, files[i].size), (la_ssize_t)files[i].size);
            archive_entry_free(entry);
        }
        archive_write_close(archive);
        archive_write_free(archive);
        g_autoptr(reading_auto) reading = read_path(path, REFERENCE_ANCHORS, NULL);
        cr_expect_eq(reading->ders->len, wanted - 1, "%zu: %s", wanted, said(reading));
        cr_expect(wanted > 1 ? !*said(reading) : strstr(said(reading), "an archive without a certificate") != NULL,
                  "%s", said(reading));
    }
    g_autofree char *bytes = NULL;
    cr_assert(g_file_get_contents(path, &bytes, &size, NULL));
    g_autofree char *cut = put("cut.zip", bytes, size / 3);
    g_autoptr(reading_auto) reading = read_path(cut, REFERENCE_ANCHORS, NULL);
    cr_expect(strstr(said(reading), "an archive that is damaged"), "%s", said(reading));
}

/* What an analysis is given: the certificates, and what they came from. */
Test(reference_file, sources)
{
    g_autoptr(issued_auto) a = certs(.subject = "/CN=a"), b = certs(.subject = "/CN=b");
    g_autofree char *one = certs_pem(a), *two = certs_pem(b), *both = g_strconcat(one, two, NULL);
    g_autofree char *first = put("a.pem", one, strlen(one)), *second = put("b.pem", two, strlen(two));
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, one, -1);
    g_autofree char *sum_both = g_compute_checksum_for_string(G_CHECKSUM_SHA256, both, -1);
    g_autoptr(references_auto) references = references_new();
    g_autoptr(GError) error = NULL;

    cr_assert(references_add(references, folder, NULL, &error));
    cr_assert(references_add_system(references, first, &error));
    cr_expect_not(references_add(references, "/nowhere", NULL, &error));
    cr_expect(g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING));
    cr_assert_eq(references->sources->len, 2);
    const struct reference_source *all = references->sources->pdata[0], *system = references->sources->pdata[1];
    cr_expect_str_eq(all->path, folder);
    cr_expect_eq(all->certs, 2);
    cr_expect_eq(all->files->len, 2);
    cr_expect_not(all->system);
    cr_expect_str_eq(all->sha256, sum_both);
    cr_expect(system->system);
    cr_expect_str_eq(system->sha256, sum);
    cr_expect_null(system->trouble);
    g_unlink(second);
}
