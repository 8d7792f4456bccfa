#include "trace_received.h"

#include "der.h"
#include "name.h"
#include "text.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#define HEAD_CHARS 8 /* hold the length of the certificate */

void received_init(struct received *received)
{
    *received = (struct received){.text = g_string_new(NULL)};
    received->certs = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
}

void received_clear(struct received *received)
{
    g_string_free(received->text, TRUE);
    g_ptr_array_unref(received->certs);
}

void received_reset(struct received *received)
{
    received->wanted = received->size = 0;
    g_ptr_array_set_size(received->certs, 0);
}

static gboolean is_base64(char c)
{
    return g_ascii_isalnum(c) || c == '+' || c == '/' || c == '=';
}

static struct slice take_base64(struct slice from)
{
    size_t size = 0;
    while (size < from.size && is_base64(from.at[size]))
        size++;
    return (struct slice){from.at, size};
}

/* Whether ${next} is the issuer of ${cert}, by name. */
static gboolean goes_on(GBytes *cert, GBytes *next)
{
    X509 *below = der_parse_bytes(cert), *above = der_parse_bytes(next);
    gboolean is = below && above && X509_NAME_cmp(X509_get_issuer_name(below), X509_get_subject_name(above)) == 0;

    X509_free(below);
    X509_free(above);
    return is;
}

static gboolean has(const struct received *received, GBytes *der)
{
    for (guint i = 0; i < received->certs->len; i++)
        if (g_bytes_equal(received->certs->pdata[i], der))
            return TRUE;
    return FALSE;
}

static void add(struct received *received, GBytes *der, gboolean anew)
{
    GPtrArray *certs = received->certs;

    if (has(received, der))
        return;
    if (certs->len > 0 && !goes_on(certs->pdata[certs->len - 1], der)) {
        if (!anew)
            return;
        received_reset(received);
    }
    if (certs->len == TRACE_CHAIN_CERTS || received->size + g_bytes_get_size(der) > RECEIVED_CHAIN_BYTES)
        return;
    received->size += g_bytes_get_size(der);
    g_ptr_array_add(certs, g_bytes_ref(der));
}

/* All characters of a certificate are there. */
static void finish(struct received *received, gboolean anew)
{
    gsize size = 0;

    g_string_truncate(received->text, received->wanted);
    received->wanted = 0;
    g_autofree guchar *bytes = g_base64_decode(received->text->str, &size);
    size_t length = size < 4 ? 0 : ((size_t)bytes[2] << 8 | bytes[3]) + 4;
    if (length == 0 || length > size)
        return;
    g_autoptr(GBytes) der = g_bytes_new(bytes, length);
    X509 *cert = der_parse_bytes(der);
    if (cert)
        add(received, der, anew);
    X509_free(cert);
}

/* A certificate of 256 bytes and more begins with 30 82, which is "MII", and two bytes of length. */
static gboolean begin(struct received *received, struct slice line)
{
    struct slice text = line;
    const char *found;

    while ((found = memmem(text.at, text.size, "MII", 3))) {
        gboolean alone = found == line.at || !is_base64(found[-1]) || found[-1] == '=';
        text = slice_of(found + 3, line.at + line.size);
        struct slice run = take_base64(slice_of(found, line.at + line.size));
        if (!alone || run.size < HEAD_CHARS)
            continue;
        g_autofree char *head = g_strndup(run.at, HEAD_CHARS);
        gsize size = 0;
        g_autofree guchar *bytes = g_base64_decode(head, &size);
        if (size < 4 || bytes[0] != 0x30 || bytes[1] != 0x82)
            continue;
        size_t length = ((size_t)bytes[2] << 8 | bytes[3]) + 4, wanted = (length + 2) / 3 * 4;
        if (length > RECEIVED_CERT_BYTES || (run.size < wanted && run.at + run.size < line.at + line.size))
            continue;
        received->wanted = wanted;
        g_string_truncate(received->text, 0);
        g_string_append_len(received->text, run.at, (gssize)MIN(run.size, wanted));
        return TRUE;
    }
    return FALSE;
}

gboolean received_take(struct received *received, struct slice line, gboolean anew)
{
    if (received->wanted > 0) {
        struct slice run = take_base64(line);
        size_t missing = received->wanted - received->text->len;
        if (run.size > 0 && (run.size == line.size || run.size >= missing)) {
            g_string_append_len(received->text, run.at, (gssize)MIN(run.size, missing));
            if (run.size >= missing)
                finish(received, anew);
            return TRUE;
        }
        received->wanted = 0;
    }
    if (!begin(received, line))
        return FALSE;
    if (received->text->len >= received->wanted)
        finish(received, anew);
    return TRUE;
}

/* ---- For a failure ---- */

static const char *digest(GStringChunk *strings, const char *algorithm, GBytes *der)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    size_t length = 0;

    /* A library in FIPS mode has no MD5. */
    if (!EVP_Q_digest(NULL, algorithm, NULL, g_bytes_get_data(der, NULL), g_bytes_get_size(der), value, &length)) {
        ERR_clear_error();
        return NULL;
    }
    g_autoptr(GString) hex = g_string_new(NULL);
    text_hex(hex, value, length);
    return text_keep(strings, hex->str);
}

static const char *print(GStringChunk *strings, const X509_NAME *name, gboolean *cut)
{
    g_autofree char *printed = name_print(name);
    *cut = strlen(printed) > NAME_BYTES;
    return printed[0] ? text_keep_bytes(strings, printed, MIN(strlen(printed), NAME_BYTES)) : NULL;
}

static const char *print_serial(GStringChunk *strings, const ASN1_INTEGER *serial)
{
    const unsigned char *bytes = ASN1_STRING_get0_data(serial);
    g_autoptr(GString) pairs = g_string_new(NULL);

    for (int i = 0; i < ASN1_STRING_length(serial); i++)
        g_string_append_printf(pairs, "%s%02X", i ? ":" : "", bytes[i]);
    return pairs->len ? text_keep(strings, pairs->str) : NULL;
}

struct trace_cert *received_cert(GBytes *der, GStringChunk *strings)
{
    struct trace_cert *cert = g_new0(struct trace_cert, 1);
    X509 *x509 = der_parse_bytes(der);

    g_assert(x509); /* only what could be parsed was taken */
    cert->subject = print(strings, X509_get_subject_name(x509), &cert->subject_cut);
    cert->issuer = print(strings, X509_get_issuer_name(x509), &cert->issuer_cut);
    cert->serial = print_serial(strings, X509_get0_serialNumber(x509));
    cert->sha256 = digest(strings, "SHA256", der);
    cert->sha1 = digest(strings, "SHA1", der);
    cert->md5 = digest(strings, "MD5", der);
    cert->der = g_bytes_ref(der);
    X509_free(x509);
    return cert;
}

void received_cert_free(void *data)
{
    struct trace_cert *cert = data;
    g_clear_pointer(&cert->der, g_bytes_unref);
    g_free(cert);
}
