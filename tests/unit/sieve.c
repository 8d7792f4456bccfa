/* collector/sieve: private keys in every form, behind anything, in every chunking; and all that only looks like one. */
#include "sieve.h"

#include "certs.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <openssl/dsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <string.h>

struct sample {
    char *what;
    GByteArray *bytes;
    gboolean text;
};

static void sample_free(void *data)
{
    struct sample *sample = data;
    g_free(sample->what);
    g_byte_array_unref(sample->bytes);
    g_free(sample);
}

static GByteArray *add(GPtrArray *samples, const char *what, gboolean text, const void *bytes, size_t size)
{
    struct sample *sample = g_new0(struct sample, 1);
    sample->what = g_strdup(what);
    sample->bytes = g_byte_array_new();
    sample->text = text;
    g_byte_array_append(sample->bytes, bytes, (guint)size);
    g_ptr_array_add(samples, sample);
    return sample->bytes;
}

static void add_bio(GPtrArray *samples, const char *kind, const char *form, gboolean text, BIO *bio)
{
    char *bytes;
    long size = BIO_get_mem_data(bio, &bytes);
    g_autofree char *what = g_strdup_printf("%s, %s", kind, form);
    cr_assert_gt(size, 0, "%s", what);
    add(samples, what, text, bytes, (size_t)size);
    BIO_free(bio);
}

static EVP_PKEY *make_dsa(void)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    EVP_PKEY *parameters = NULL, *key = NULL;
    cr_assert_eq(EVP_PKEY_paramgen_init(context), 1);
    EVP_PKEY_CTX_set_dsa_paramgen_bits(context, 1024);
    cr_assert_eq(EVP_PKEY_paramgen(context, &parameters), 1);
    EVP_PKEY_CTX_free(context);
    context = EVP_PKEY_CTX_new(parameters, NULL);
    cr_assert_eq(EVP_PKEY_keygen_init(context), 1);
    cr_assert_eq(EVP_PKEY_keygen(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(parameters);
    return key;
}

static EVP_PKEY *make_key(const char *kind)
{
    if (strcmp(kind, "DSA") == 0)
        return make_dsa();
    if (g_str_has_prefix(kind, "RSA:"))
        return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(kind + 4));
    if (g_str_has_prefix(kind, "EC:"))
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", kind + 3);
    return EVP_PKEY_Q_keygen(NULL, NULL, kind);
}

/* Each kind of key in each form that OpenSSL writes. */
static void add_keys(GPtrArray *samples)
{
    static const char *const kinds[] = {"RSA:512",      "RSA:2048",     "RSA:4096", "EC:prime256v1", "EC:secp384r1",
                                        "EC:secp521r1", "EC:secp224r1", "DSA",      "ED25519",       "X25519"};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        EVP_PKEY *key = make_key(kinds[i]);
        cr_assert_not_null(key, "%s", kinds[i]);
        gboolean traditional = !g_str_has_suffix(kinds[i], "25519");
        BIO *bio = BIO_new(BIO_s_mem());
        cr_assert_eq(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
        add_bio(samples, kinds[i], "PKCS #8 in PEM", TRUE, bio);
        bio = BIO_new(BIO_s_mem());
        cr_assert_eq(PEM_write_bio_PrivateKey(bio, key, EVP_aes_256_cbc(), (unsigned char *)"secret", 6, NULL, NULL),
                     1);
        add_bio(samples, kinds[i], "encrypted PKCS #8 in PEM", TRUE, bio);
        bio = BIO_new(BIO_s_mem());
        cr_assert_eq(i2d_PKCS8PrivateKey_bio(bio, key, NULL, NULL, 0, NULL, NULL), 1);
        add_bio(samples, kinds[i], "PKCS #8", FALSE, bio);
        bio = BIO_new(BIO_s_mem());
        cr_assert_eq(i2d_PKCS8PrivateKey_bio(bio, key, EVP_aes_128_cbc(), "secret", 6, NULL, NULL), 1);
        add_bio(samples, kinds[i], "encrypted PKCS #8", FALSE, bio);
        if (traditional) {
            bio = BIO_new(BIO_s_mem());
            cr_assert_eq(PEM_write_bio_PrivateKey_traditional(bio, key, NULL, NULL, 0, NULL, NULL), 1);
            add_bio(samples, kinds[i], "its own form in PEM", TRUE, bio);
            bio = BIO_new(BIO_s_mem());
            cr_assert_eq(PEM_write_bio_PrivateKey_traditional(bio, key, EVP_aes_128_cbc(), (unsigned char *)"secret", 6,
                                                              NULL, NULL),
                         1);
            add_bio(samples, kinds[i], "its own form in PEM, encrypted", TRUE, bio);
            bio = BIO_new(BIO_s_mem());
            cr_assert_eq(i2d_PrivateKey_bio(bio, key), 1);
            add_bio(samples, kinds[i], "its own form", FALSE, bio);
        }
        EVP_PKEY_free(key);
    }
}

static void add_pkcs12(GPtrArray *samples)
{
    g_autoptr(issued_auto) own = certs(.subject = "/CN=Own", .kind = "RSA:2048");
    PKCS12 *whole = PKCS12_create("secret", "name", own->key, own->x509, NULL, 0, 0, 0, 0, 0);
    BIO *bio = BIO_new(BIO_s_mem());
    cr_assert_not_null(whole);
    cr_assert_eq(i2d_PKCS12_bio(bio, whole), 1);
    add_bio(samples, "a PKCS #12 file", "AES", FALSE, bio);
    PKCS12_free(whole);
}

/* Base64 in lines of ${width}; the caller frees it. */
static char *encode(const void *bytes, size_t size, size_t width)
{
    g_autofree char *digits = g_base64_encode(bytes, size);
    GString *lines = g_string_new(NULL);
    size_t length = strlen(digits);
    for (size_t at = 0; at < length; at += width)
        g_string_append_printf(lines, "%.*s\n", (int)MIN(width, length - at), digits + at);
    return g_string_free(lines, FALSE);
}

static void add_openssh(GPtrArray *samples)
{
    g_autoptr(GByteArray) blob = g_byte_array_new();
    static const uint8_t head[] = "openssh-key-v1\0\0\0\0\4none\0\0\0\4none\0\0\0\0\0\0\0\1";
    g_byte_array_append(blob, head, sizeof head - 1);
    for (unsigned i = 0; i < 200; i++)
        g_byte_array_append(blob, (const uint8_t[]){(uint8_t)(i * 37)}, 1);
    g_autofree char *lines = encode(blob->data, blob->len, 70);
    g_autofree char *armoured =
        g_strconcat("-----BEGIN OPENSSH PRIVATE KEY-----\n", lines, "-----END OPENSSH PRIVATE KEY-----\n", NULL);
    add(samples, "OpenSSH", TRUE, armoured, strlen(armoured));
    add(samples, "OpenSSH without its first line", TRUE, lines, strlen(lines));
    add(samples, "OpenSSH, the blob", FALSE, blob->data, blob->len);
}

static void add_lines(GPtrArray *samples)
{
    static const char *const lines[] = {
        "-----BEGIN PRIVATE KEY-----\n",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\r\n",
        "-----BEGIN ANY OTHER 2 PRIVATE KEY-----\n",
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\n",
        "-----END RSA PRIVATE KEY-----\n",
        "PuTTY-User-Key-File-2: ssh-ed25519\n",
        "PuTTY-User-Key-File-3: ssh-rsa\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        add(samples, lines[i], TRUE, lines[i], strlen(lines[i]));
    static const uint8_t jks[] = {0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2, 0, 0, 0, 1};
    static const uint8_t jceks[] = {0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2, 0, 0, 0, 1};
    add(samples, "JKS", FALSE, jks, sizeof jks);
    add(samples, "JCEKS", FALSE, jceks, sizeof jceks);
}

static void add_pses(GPtrArray *samples)
{
    static const char *const kinds[] = {"--version 2",       "--version 4",         "--version 2 --pin",
                                        "--version 4 --pin", "--version 256 --lps", "--version 2 --order list-first"};
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    g_autoptr(issued_auto) own = certs(.subject = "/CN=Own", .kind = "RSA:2048");
    g_autofree char *cert = g_build_filename(folder, "own.pem", NULL), *key = g_build_filename(folder, "key.pem", NULL);
    g_autofree char *pse = g_build_filename(folder, "own.pse", NULL), *pem = certs_pem(own);
    BIO *bio = BIO_new_file(key, "w");
    cr_assert_eq(PEM_write_bio_PrivateKey(bio, own->key, NULL, NULL, 0, NULL, NULL), 1);
    BIO_free(bio);
    cr_assert(g_file_set_contents(cert, pem, -1, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autofree char *line =
            g_strdup_printf(MAKE_PSE " %s --key %s --own %s --trust %s -o %s", kinds[i], key, cert, cert, pse);
        g_autofree char *bytes = NULL;
        gsize size;
        int status;
        cr_assert(g_spawn_command_line_sync(line, NULL, NULL, &status, NULL) && status == 0, "%s", line);
        cr_assert(g_file_get_contents(pse, &bytes, &size, NULL));
        g_autofree char *what = g_strconcat("PSE ", kinds[i], NULL);
        add(samples, what, FALSE, bytes, size);
        if (!strstr(kinds[i], "--pin") && !strstr(kinds[i], "--lps")) { /* the end of a large one: its objects tell */
            g_autofree char *end = g_strconcat("the end of a ", what, NULL);
            add(samples, end, FALSE, bytes + 30, size - 30);
        }
    }
    g_unlink(pse);
    g_unlink(key);
    g_unlink(cert);
    g_rmdir(folder);
}

static GPtrArray *keys(void)
{
    GPtrArray *samples = g_ptr_array_new_with_free_func(sample_free);
    add_keys(samples);
    add_pkcs12(samples);
    add_openssh(samples);
    add_lines(samples);
    add_pses(samples);
    return samples;
}

/* Give it in pieces of ${piece} bytes (the first of ${first}); TRUE if a key was found; what was let through. */
static gboolean finds(GByteArray *through, const uint8_t *bytes, size_t size, size_t first, size_t piece)
{
    g_autoptr(sieve_auto) sieve = sieve_new();
    const uint8_t *clear;
    size_t clear_size;
    gboolean ok = TRUE;

    g_byte_array_set_size(through, 0);
    for (size_t at = 0; ok && at < size;) {
        size_t length = MIN(at == 0 && first > 0 ? first : piece, size - at);
        g_autofree uint8_t *exact = g_memdup2(bytes + at, length);
        ok = sieve_add(sieve, &clear, &clear_size, exact, length);
        g_byte_array_append(through, clear, (guint)clear_size);
        at += length;
    }
    if (ok) {
        ok = sieve_end(sieve, &clear, &clear_size);
        g_byte_array_append(through, clear, (guint)clear_size);
    }
    return !ok;
}

/* Never more than what stands before the key, and that unchanged. */
static void expect_found(const char *what, const char *where, const uint8_t *bytes, size_t size, size_t before,
                         size_t first, size_t piece)
{
    g_autoptr(GByteArray) through = g_byte_array_new();
    gboolean found = finds(through, bytes, size, first, piece);
    cr_expect(found, "%s %s, split at %zu, pieces of %zu", what, where, first, piece);
    cr_expect_leq(through->len, before, "%s %s, split at %zu: %u bytes got through", what, where, first, through->len);
    cr_expect(through->len == 0 || memcmp(through->data, bytes, through->len) == 0, "%s %s", what, where);
}

/* In some of the key's forms only a later part tells what it is; nothing secret stands before that. */
static size_t harmless_bytes(const struct sample *sample)
{
    static const struct {
        const char *word;
        size_t bytes;
    } rows[] = {
        {"encrypted PKCS #8", 8},
        {"PKCS #12", 100},
        {"the end of a PSE", 80},
        {"its own form in PEM", 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strstr(sample->what, rows[i].word) && !sample->text)
            return rows[i].bytes;
    return sample->bytes->data[0] == '-'; /* one dash of five says nothing */
}

static const char log_lines[] = "[Thr 1234] Sat Nov 28 01:00:00 2026\n[Thr 1234]  *** ERROR => SSL handshake failed\n";

Test(sieve, finds_keys_wherever_they_are_split)
{
    g_autoptr(GPtrArray) samples = keys();
    for (guint i = 0; i < samples->len; i++) {
        const struct sample *sample = samples->pdata[i];
        size_t harmless = harmless_bytes(sample);
        g_autoptr(GByteArray) stream = g_byte_array_new();
        g_byte_array_append(stream, (const uint8_t *)log_lines, sizeof log_lines - 1);
        g_byte_array_append(stream, sample->bytes->data, sample->bytes->len);
        size_t start = sizeof log_lines - 1;
        /* Alone, and behind lines of a trace. */
        for (size_t split = 0; split < MIN(sample->bytes->len, 600); split++)
            expect_found(sample->what, "alone", sample->bytes->data, sample->bytes->len, harmless, split, 100000);
        for (size_t split = 0; split < MIN(stream->len, start + 300); split++)
            expect_found(sample->what, "in a trace", stream->data, stream->len, start + harmless, split, 100000);
        for (size_t piece = 1; piece < 40; piece++)
            expect_found(sample->what, "in pieces", stream->data, stream->len, start + harmless, 0, piece);
    }
}

/* In lines of any length, and behind a word that is not part of it. */
Test(sieve, finds_keys_in_base64)
{
    static const size_t widths[] = {1, 7, 19, 60, 64, 76, 100000};
    static const char *const before[] = {"", "x\n", "key\n", "word", "two words=", "[Thr 12] "};
    g_autoptr(GPtrArray) samples = keys();
    for (guint i = 0; i < samples->len; i++) {
        const struct sample *sample = samples->pdata[i];
        if (strstr(sample->what, "without its first line"))
            continue; /* that is base64 already */
        for (size_t j = 0; j < G_N_ELEMENTS(widths); j++)
            for (size_t k = 0; k < G_N_ELEMENTS(before); k++) {
                g_autofree char *lines = encode(sample->bytes->data, sample->bytes->len, widths[j]);
                g_autofree char *stream = g_strconcat(before[k], lines, NULL);
                g_autofree char *where = g_strdup_printf("in lines of %zu behind '%s'", widths[j], before[k]);
                size_t harmless = strlen(before[k]) + harmless_bytes(sample) * (widths[j] == 1 ? 3 : 2);
                expect_found(sample->what, where, (uint8_t *)stream, strlen(stream), harmless, 0, 100000);
                expect_found(sample->what, where, (uint8_t *)stream, strlen(stream), harmless, 0, 11);
            }
        g_autofree char *lines = encode(sample->bytes->data, sample->bytes->len, 64);
        for (size_t split = 0; split < MIN(strlen(lines), 200); split++)
            expect_found(sample->what, "in base64", (uint8_t *)lines, strlen(lines), 2 * harmless_bytes(sample), split,
                         100000);
    }
}

/* One after the other: what passes is what came, whatever the pieces. */
static void expect_passes(const char *what, const void *bytes, size_t size)
{
    g_autoptr(GByteArray) through = g_byte_array_new();
    static const size_t pieces[] = {1, 3, 100, 4096, G_MAXUINT / 2};
    cr_expect_not(sieve_holds_key(bytes, size), "%s", what);
    for (size_t i = size > 200000 ? 2 : 0; i < G_N_ELEMENTS(pieces); i++) {
        cr_expect_not(finds(through, bytes, size, 0, pieces[i]), "%s in pieces of %zu", what, pieces[i]);
        cr_assert(through->len == size && (size == 0 || memcmp(through->data, bytes, size) == 0), "%s in pieces of %zu",
                  what, pieces[i]);
    }
}

/* Raw, in base64 and as a dump. */
static void expect_passes_encoded(const char *what, const void *bytes, size_t size)
{
    g_autofree char *wide = encode(bytes, size, 76), *narrow = encode(bytes, size, 30);
    g_autoptr(GString) dump = g_string_new(NULL);
    for (size_t i = 0; i < size; i++)
        g_string_append_printf(dump, "%s%02x", i % 16 == 0 ? "\n[Thr 1]  " : " ", ((const uint8_t *)bytes)[i]);
    expect_passes(what, bytes, size);
    expect_passes(what, wide, strlen(wide));
    expect_passes(what, narrow, strlen(narrow));
    expect_passes(what, dump->str, dump->len);
}

Test(sieve, lets_traces_pass)
{
    g_autofree char *folder = g_build_filename(SOURCE_ROOT, "tests", "data", "trace", NULL);
    g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
    const char *name;
    unsigned count = 0;
    cr_assert_not_null(names);
    while ((name = g_dir_read_name(names))) {
        g_autofree char *path = g_build_filename(folder, name, NULL), *bytes = NULL;
        gsize size;
        cr_assert(g_file_get_contents(path, &bytes, &size, NULL));
        expect_passes_encoded(name, bytes, size);
        count++;
    }
    cr_expect_gt(count, 20);
}

/* Also the odd ones: of version 1 with serial numbers that are the versions of keys, and each kind of public key. */
Test(sieve, lets_certificates_pass)
{
    static const char *const kinds[] = {"RSA:2048", "EC:prime256v1", "EC:secp521r1", "ED25519"};
    static const char *const serials[] = {"0", "1", "2", "3", "4", "100", "123456789abcdef0"};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(serials); j++)
            for (int version_1 = 0; version_1 < 2; version_1++) {
                g_autoptr(issued_auto) issued = certs(.subject = "/C=DE/O=Example, Inc./CN=Root", .kind = kinds[i],
                                                      .serial = serials[j], .version_1 = version_1);
                g_autofree char *what = g_strdup_printf("%s %s %d", kinds[i], serials[j], version_1);
                g_autoptr(GByteArray) twice = g_byte_array_new();
                gsize size;
                const uint8_t *der = g_bytes_get_data(issued->der, &size);
                g_byte_array_append(twice, der, (guint)size);
                g_byte_array_append(twice, der, (guint)size);
                expect_passes_encoded(what, twice->data, twice->len);
                g_autofree char *pem = certs_pem(issued);
                expect_passes(what, pem, strlen(pem));

                uint8_t *request = NULL, *public = NULL;
                X509_REQ *signing =
                    X509_to_X509_REQ(issued->x509, issued->key, strcmp(kinds[i], "ED25519") == 0 ? NULL : EVP_sha256());
                int request_size = i2d_X509_REQ(signing, &request);
                int public_size = i2d_PUBKEY(issued->key, &public);
                cr_assert(request_size > 0 && public_size > 0);
                expect_passes_encoded("a request", request, (size_t)request_size);
                expect_passes_encoded("a public key", public, (size_t)public_size);
                OPENSSL_free(request);
                OPENSSL_free(public);
                X509_REQ_free(signing);
            }
}

Test(sieve, lets_public_roots_pass)
{
    static const char bundle[] = "/etc/ssl/certs/ca-certificates.crt";
    g_autofree char *pem = NULL;
    gsize size;
    if (!g_file_get_contents(bundle, &pem, &size, NULL))
        cr_skip_test("there is no %s", bundle);
    expect_passes("the system's certificates", pem, size);
    g_autoptr(GByteArray) list = g_byte_array_new();
    BIO *bio = BIO_new_mem_buf(pem, (int)size);
    unsigned count = 0;
    for (X509 *x509; (x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL)); count++) {
        uint8_t *der = NULL;
        int der_size = i2d_X509(x509, &der);
        g_byte_array_append(list, der, (guint)der_size);
        OPENSSL_free(der);
        X509_free(x509);
    }
    BIO_free(bio);
    cr_expect_gt(count, 50);
    expect_passes_encoded("as a trust list", list->data, list->len);
}

static const struct {
    const char *what, *bytes;
    size_t size;
} harmless[] = {
#define HARMLESS(what, text)                                                                                           \
    {                                                                                                                  \
        what, text, sizeof text - 1                                                                                    \
    }
    HARMLESS("nothing", ""),
    HARMLESS("a line of dashes", "----------------------------------------------------------\n--\n-"),
    HARMLESS("a certificate's line", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"),
    HARMLESS("a public key's line", "-----BEGIN PUBLIC KEY-----\n---- BEGIN SSH2 PUBLIC KEY ----\n"),
    HARMLESS("words about keys", "the PRIVATE KEY of the PSE was read; BEGIN RSA PRIVATE KEY\n"),
    HARMLESS("a line that ends too early", "-----BEGIN RSA PRIVATE"),
    HARMLESS("a label with other characters", "-----BEGIN (PRIVATE KEY)-----"),
    HARMLESS("a label of 65 characters",
             "-----BEGIN AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA PRIVATE KEY"),
    HARMLESS("a cut-off beginning of a PSE", "\x30\x82\x09\xd3\x02\x01\x02\x30\x82"),
    HARMLESS("a key of 31 bytes", "\x30\x82\x01\x00\x02\x01\x00\x02\x1f"),
    HARMLESS("a secret of 13 bytes", "\x30\x40\x02\x01\x01\x04\x0d"),
    HARMLESS("a secret of 81 bytes", "\x30\x70\x02\x01\x01\x04\x51"),
    HARMLESS("a secret longer than what it is in", "\x30\x20\x02\x01\x01\x04\x20"),
    HARMLESS("an indefinite length", "\x30\x80\x02\x01\x01\x04\x20"),
    HARMLESS("identifiers of neighbours", "\x06\x05\x2b\x24\x03\x03\x01\x06\x05\x2b\x24\x08\x03\x01"
                                          "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\x06\x09\x2a\x86\x48\x86\xf7"
                                          "\x0d\x01\x01\x0b"),
    HARMLESS("lines of base64 in a trace", "[Thr 1] MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA\n"),
    HARMLESS("many line ends in base64",
             "AAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nMII"),
};

Test(sieve, lets_the_rest_pass)
{
    for (size_t i = 0; i < G_N_ELEMENTS(harmless); i++)
        expect_passes(harmless[i].what, harmless[i].bytes, harmless[i].size);
}

/* Just on the other side of the edges above. */
Test(sieve, edges)
{
    static const struct {
        const char *what, *bytes;
        size_t size;
    } rows[] = {
        HARMLESS("a key of 32 bytes", "\x30\x82\x01\x00\x02\x01\x00\x02\x20"),
        HARMLESS("with three primes", "\x30\x82\x01\x00\x02\x01\x01\x02\x20"),
        HARMLESS("a length of four bytes", "\x30\x84\x00\x00\x01\x00\x02\x01\x00\x02\x81\x81"),
        HARMLESS("a secret of 14 bytes", "\x30\x40\x02\x01\x01\x04\x0e"),
        HARMLESS("a secret of 80 bytes", "\x30\x70\x02\x01\x01\x04\x50"),
        HARMLESS("a label of 64 characters",
                 "-----BEGIN AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA PRIVATE KEY"),
        HARMLESS("behind more dashes", "------------BEGIN DSA PRIVATE KEY-----"),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        cr_expect(sieve_holds_key(rows[i].bytes, rows[i].size), "%s", rows[i].what);
}

/* Of what is cut off all passes but the beginning of a key; what is only a word passes. */
Test(sieve, what_is_cut_off)
{
    static const struct {
        const char *bytes;
        size_t passes;
    } rows[] = {
        {"", 0},
        {"abc", 3},
        {"[Thr 1] a line\nabc", 18},
        {"line\n-----BEGIN RSA PRIV", 6}, /* one dash more says nothing */
        {"line \x30\x82\x04\xa4\x02\x01", 5},
        {"line \x30\x82\x04\xa4\x03\x01", 11},
        {"=MIIEvQIBADANBgkq", 1},
        {"=MIIEpAIB", 9}, /* too short to be more than a word */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(sieve_auto) sieve = sieve_new();
        const uint8_t *clear;
        size_t size, passed;
        cr_assert(sieve_add(sieve, &clear, &size, rows[i].bytes, strlen(rows[i].bytes)), "%zu", i);
        passed = size;
        cr_assert(sieve_cut(sieve, &clear, &size), "%zu", i);
        cr_expect_eq(passed + size, rows[i].passes, "%zu: %zu", i, passed + size);
    }
}

/* What is held back stays small, whatever comes: the beginning of a key over and over, and line ends without end. */
Test(sieve, holds_back_little)
{
    static const char *const patterns[] = {"\x30\x82\x01\x01\x02\x01", "MIIB\n\n\n", "A", "\n", "-----BEGIN ", "AQEB"};
    for (size_t i = 0; i < G_N_ELEMENTS(patterns); i++) {
        g_autoptr(sieve_auto) sieve = sieve_new();
        size_t fed = 0, passed = 0;
        for (int j = 0; j < 50000; j++) {
            const uint8_t *clear;
            size_t size;
            cr_assert(sieve_add(sieve, &clear, &size, patterns[i], strlen(patterns[i])), "%zu", i);
            fed += strlen(patterns[i]);
            passed += size;
            cr_assert_leq(fed - passed, 32 * SIEVE_WINDOW_BYTES, "%zu", i);
        }
    }
}
