/*
 * make-pse: writes PSE files for tests.  Made after docs/formats/pse.md, not by SAP software: what it writes has the
 * form that is described there and proves nothing about what SAP's own tools write or accept.
 *
 *   make-pse [--version 2|4|256] [--pin | --lps] [--key KEY.pem] [--own CERT.pem] [--canary HEX] [--no-pklist]
 *            [--order sk-first|list-first] [--trust FILE.pem]... -o OUT.pse
 *
 * --pin encrypts the content for real (PKCS #12 PBE, the PIN is 1234).  --lps (version 256) has only the shape: bytes
 * that look random stand where the protected content would be.  --canary puts the first half of the given bytes in
 * place of p and the second half in place of q, so that a test can search for them.  The same arguments give the same
 * bytes.
 */
#include <glib.h>
#include <openssl/asn1.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITERATIONS 10000
#define PIN        "1234"
#define TIME       "20260101000000Z"

enum { INTEGER = 0x02, BITS = 0x03, OCTETS = 0x04, OID = 0x06, PRINTABLE = 0x13, TIME_STAMP = 0x18 };
enum { SEQUENCE = 0x30, SET = 0x31, CONTEXT_0 = 0xa0, CONTEXT_3 = 0xa3 };

static void G_GNUC_NORETURN G_GNUC_PRINTF(1, 2) die(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    fprintf(stderr, "make-pse: %s\n", message);
    exit(2);
}

/* An element with this tag around these bytes. */
static GBytes *element(uint8_t tag, const void *bytes, size_t size)
{
    uint8_t head[5] = {tag};
    size_t used = 1;
    if (size < 0x80) {
        head[used++] = (uint8_t)size;
    } else {
        unsigned octets = size < 0x100 ? 1 : size < 0x10000 ? 2 : 3;
        g_assert(size < 0x1000000);
        head[used++] = (uint8_t)(0x80 | octets);
        while (octets-- > 0)
            head[used++] = (uint8_t)(size >> (8 * octets));
    }
    GByteArray *whole = g_byte_array_new();
    g_byte_array_append(whole, head, (guint)used);
    if (size > 0)
        g_byte_array_append(whole, bytes, (guint)size);
    return g_byte_array_free_to_bytes(whole);
}

/* An element around other elements, which it takes over; NULLs are left out. */
static GBytes *around_all(uint8_t tag, GPtrArray *parts)
{
    g_autoptr(GByteArray) inside = g_byte_array_new();
    for (guint i = 0; i < parts->len; i++)
        if (parts->pdata[i]) {
            gsize size;
            const uint8_t *bytes = g_bytes_get_data(parts->pdata[i], &size);
            g_byte_array_append(inside, bytes, (guint)size);
            g_bytes_unref(parts->pdata[i]);
        }
    g_ptr_array_unref(parts);
    return element(tag, inside->data, inside->len);
}

static GBytes *around(uint8_t tag, unsigned count, ...)
{
    GPtrArray *parts = g_ptr_array_new();
    va_list args;
    va_start(args, count);
    for (unsigned i = 0; i < count; i++)
        g_ptr_array_add(parts, va_arg(args, GBytes *));
    va_end(args);
    return around_all(tag, parts);
}

static GBytes *wrapped(uint8_t tag, GBytes *inside)
{
    g_autoptr(GBytes) taken = inside;
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(taken, &size);
    return element(tag, bytes, size);
}

static GBytes *integer(unsigned value)
{
    uint8_t bytes[3] = {(uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    unsigned skip = 0;
    while (skip < 2 && bytes[skip] == 0 && bytes[skip + 1] < 0x80)
        skip++;
    return element(INTEGER, bytes + skip, sizeof bytes - skip);
}

/* A positive INTEGER of any size. */
static GBytes *big_integer(const uint8_t *bytes, size_t size)
{
    g_autofree uint8_t *padded = g_malloc0(size + 1);
    if (size > 0)
        memcpy(padded + 1, bytes, size);
    gboolean pad = size == 0 || bytes[0] >= 0x80;
    return element(INTEGER, padded + (pad ? 0 : 1), size + (pad ? 1 : 0));
}

static GBytes *text(uint8_t tag, const char *value)
{
    return element(tag, value, strlen(value));
}

static GBytes *oid(const char *dotted)
{
    ASN1_OBJECT *object = OBJ_txt2obj(dotted, 1);
    g_assert(object);
    GBytes *made = element(OID, OBJ_get0_data(object), OBJ_length(object));
    ASN1_OBJECT_free(object);
    return made;
}

static gint by_encoding(gconstpointer a, gconstpointer b)
{
    return g_bytes_compare(*(GBytes *const *)a, *(GBytes *const *)b);
}

/* Bytes that look random and depend on a seed and a label only. */
static void fill(uint8_t *out, size_t size, GBytes *seed, const char *label)
{
    gsize length;
    const uint8_t *bytes = g_bytes_get_data(seed, &length);
    for (size_t at = 0; at < size; at += 32) {
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
        g_autofree char *head = g_strdup_printf("%s %zu ", label, at);
        uint8_t digest[32];
        gsize digest_size = sizeof digest;
        g_checksum_update(sum, (const guchar *)head, -1);
        g_checksum_update(sum, bytes, (gssize)length);
        g_checksum_get_digest(sum, digest, &digest_size);
        memcpy(out + at, digest, MIN(sizeof digest, size - at));
    }
}

/* The password based encryption's identifier with its salt and rounds; ${salt} has 8 bytes. */
static GBytes *algorithm(const uint8_t *salt)
{
    return around(SEQUENCE, 2, oid("1.2.840.113549.1.12.1.3"),
                  around(SEQUENCE, 2, element(OCTETS, salt, 8), integer(ITERATIONS)));
}

/* An OCTET STRING with ${plain}, which it takes over, encrypted under the PIN. */
static GBytes *encrypted(GBytes *plain, const uint8_t *salt)
{
    g_autoptr(GBytes) taken = plain;
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(taken, &size);
    X509_ALGOR *algor = PKCS5_pbe_set(NID_pbe_WithSHA1And3_Key_TripleDES_CBC, ITERATIONS, salt, 8);
    unsigned char *out = NULL;
    int out_size = 0;
    if (!algor || !PKCS12_pbe_crypt(algor, PIN, (int)strlen(PIN), bytes, (int)size, &out, &out_size, 1))
        die("encryption failed");
    GBytes *made = element(OCTETS, out, (size_t)out_size);
    OPENSSL_free(out);
    X509_ALGOR_free(algor);
    return made;
}

static GBytes *object(const char *name, const char *identifier, GBytes *value)
{
    return around(SEQUENCE, 4, text(PRINTABLE, name), text(TIME_STAMP, TIME), oid(identifier), value);
}

/* The value of SKnew: an algorithm and, in a BIT STRING, the two primes. */
static GBytes *private_key(GBytes *p, GBytes *q)
{
    static const uint8_t nothing[1];
    gsize p_size, q_size;
    const uint8_t *p_bytes = g_bytes_get_data(p, &p_size), *q_bytes = g_bytes_get_data(q, &q_size);
    g_autoptr(GBytes) primes = around(SEQUENCE, 2, big_integer(p_bytes, p_size), big_integer(q_bytes, q_size));
    g_autoptr(GByteArray) bits = g_byte_array_new();
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(primes, &size);
    g_byte_array_append(bits, nothing, 1); /* no unused bits */
    g_byte_array_append(bits, bytes, (guint)size);
    return around(SEQUENCE, 2, around(SEQUENCE, 2, oid("1.2.840.113549.1.1.1"), element(0x05, NULL, 0)),
                  element(BITS, bits->data, bits->len));
}

static GBytes *prime(EVP_PKEY *key, const char *which)
{
    BIGNUM *number = NULL;
    if (!EVP_PKEY_get_bn_param(key, which, &number))
        die("the key is not an RSA key");
    size_t size = (size_t)BN_num_bytes(number);
    uint8_t *bytes = g_malloc(size);
    BN_bn2bin(number, bytes);
    BN_clear_free(number);
    return g_bytes_new_take(bytes, size);
}

static GBytes *key_of_file(const char *path)
{
    BIO *file = BIO_new_file(path, "r");
    EVP_PKEY *key = file ? PEM_read_bio_PrivateKey(file, NULL, NULL, NULL) : NULL;
    if (!key)
        die("%s: no private key in it", path);
    g_autoptr(GBytes) p = prime(key, "rsa-factor1");
    g_autoptr(GBytes) q = prime(key, "rsa-factor2");
    EVP_PKEY_free(key);
    BIO_free(file);
    return private_key(p, q);
}

static GBytes *key_of_canary(const char *hex)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    for (; hex[0]; hex += 2) {
        int high = g_ascii_xdigit_value(hex[0]), low = hex[1] ? g_ascii_xdigit_value(hex[1]) : -1;
        if (high < 0 || low < 0)
            die("--canary: not pairs of hex digits");
        uint8_t byte = (uint8_t)(high * 16 + low);
        g_byte_array_append(bytes, &byte, 1);
    }
    if (bytes->len < 16)
        die("--canary: less than 16 bytes");
    g_autoptr(GBytes) p = g_bytes_new(bytes->data, bytes->len / 2);
    g_autoptr(GBytes) q = g_bytes_new(bytes->data + bytes->len / 2, bytes->len - bytes->len / 2);
    return private_key(p, q);
}

/* Append the certificates of a PEM file (of GBytes *, DER). */
static void read_certs(GPtrArray *certs, const char *path)
{
    guint before = certs->len;
    BIO *file = BIO_new_file(path, "r");
    if (!file)
        die("%s: cannot be read", path);
    for (X509 *cert; (cert = PEM_read_bio_X509(file, NULL, NULL, NULL)); X509_free(cert)) {
        unsigned char *der = NULL;
        int size = i2d_X509(cert, &der);
        g_assert(size > 0);
        g_ptr_array_add(certs, g_bytes_new(der, (gsize)size));
        OPENSSL_free(der);
    }
    BIO_free(file);
    if (certs->len == before)
        die("%s: no certificate in it", path);
}

static GBytes *content(GPtrArray *objects, gboolean has_key, const uint8_t *salt)
{
    return around(SEQUENCE, 4, algorithm(salt), text(TIME_STAMP, TIME), has_key ? integer(1) : NULL,
                  around_all(SET, objects));
}

/* The 20 bytes at the end of version 4: how they are made is not known, so these only have the length. */
static GBytes *check(GBytes *data)
{
    uint8_t bytes[20];
    fill(bytes, sizeof bytes, data, "check");
    return element(OCTETS, bytes, sizeof bytes);
}

static GBytes *body(int version, gboolean pin, GBytes *plain, const uint8_t *salt)
{
    if (version == 256) {
        static const uint8_t iv[16];
        g_autoptr(GBytes) seed = plain;
        g_autofree uint8_t *bytes = g_malloc(g_bytes_get_size(seed));
        fill(bytes, g_bytes_get_size(seed), seed, "lps");
        return around(CONTEXT_0, 3, element(OCTETS, bytes, MIN(g_bytes_get_size(seed), 64)),
                      around(SEQUENCE, 2, oid("2.16.840.1.101.3.4.1.42"), element(OCTETS, iv, sizeof iv)),
                      element(OCTETS, bytes, g_bytes_get_size(seed)));
    }
    if (version == 2)
        return !pin ? plain
                    : around(CONTEXT_0, 3, encrypted(g_bytes_new_static(PIN, strlen(PIN)), salt), algorithm(salt),
                             encrypted(plain, salt));
    GBytes *mac = check(plain);
    return around(CONTEXT_3, 4, integer(pin ? 1 : 0), algorithm(salt),
                  pin ? encrypted(plain, salt) : wrapped(OCTETS, plain), mac);
}

int main(int argc, char **argv)
{
    int version = 2;
    gboolean pin = FALSE, lps = FALSE, no_list = FALSE;
    g_autofree char *key_path = NULL, *own_path = NULL, *order = NULL, *canary = NULL, *out = NULL;
    g_auto(GStrv) trust = NULL;
    const GOptionEntry entries[] = {
        {"version", 0, 0, G_OPTION_ARG_INT, &version, "2 (default), 4 or 256", "N"},
        {"pin", 0, 0, G_OPTION_ARG_NONE, &pin, "Encrypt it", NULL},
        {"lps", 0, 0, G_OPTION_ARG_NONE, &lps, "The same as --version 256", NULL},
        {"key", 0, 0, G_OPTION_ARG_FILENAME, &key_path, "Private key (RSA, PEM)", "FILE"},
        {"own", 0, 0, G_OPTION_ARG_FILENAME, &own_path, "Own certificate (PEM)", "FILE"},
        {"canary", 0, 0, G_OPTION_ARG_STRING, &canary, "Bytes in place of the primes", "HEX"},
        {"no-pklist", 0, 0, G_OPTION_ARG_NONE, &no_list, "Leave the object PKList out", NULL},
        {"order", 0, 0, G_OPTION_ARG_STRING, &order, "Instead of DER's order of objects", "sk-first|list-first"},
        {"trust", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &trust, "Trusted certificates (PEM)", "FILE"},
        {"output", 'o', 0, G_OPTION_ARG_FILENAME, &out, "PSE to write", "FILE"},
        {0},
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        die("%s", error->message);
    if (!out || argc > 1)
        die("-o OUT.pse is needed, and nothing but options");
    if (lps)
        version = 256;
    if (version != 2 && version != 4 && version != 256)
        die("there is no version %d", version);
    gboolean list_first = g_strcmp0(order, "list-first") == 0;
    if (order && !list_first && !g_str_equal(order, "sk-first"))
        die("--order: sk-first or list-first");

    GPtrArray *trusted = g_ptr_array_new();
    for (char **path = trust; path && *path; path++)
        read_certs(trusted, *path);
    g_ptr_array_sort(trusted, by_encoding);
    g_autoptr(GBytes) list = object("PKList", "1.3.36.2.6.1", around_all(SET, trusted));

    GPtrArray *objects = g_ptr_array_new();
    if (!no_list && list_first)
        g_ptr_array_add(objects, g_bytes_ref(list));
    gboolean has_key = key_path || canary;
    if (has_key)
        g_ptr_array_add(objects,
                        object("SKnew", "1.3.36.2.3.4", canary ? key_of_canary(canary) : key_of_file(key_path)));
    if (own_path) {
        g_autoptr(GPtrArray) own = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        read_certs(own, own_path);
        g_ptr_array_add(objects, object("Cert", "1.3.36.2.1.3", g_bytes_ref(own->pdata[0])));
    }
    if (!no_list && !list_first)
        g_ptr_array_add(objects, g_bytes_ref(list));
    if (!order)
        g_ptr_array_sort(objects, by_encoding);

    uint8_t salt[8];
    fill(salt, sizeof salt, list, "salt");
    GBytes *plain = content(objects, has_key, salt);
    g_autoptr(GBytes) pse = around(SEQUENCE, 2, integer((unsigned)version), body(version, pin, plain, salt));
    gsize size;
    const char *bytes = g_bytes_get_data(pse, &size);
    if (!g_file_set_contents(out, bytes, (gssize)size, &error))
        die("%s", error->message);
    return 0;
}
