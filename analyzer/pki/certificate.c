#include "certificate.h"

#include "der.h"
#include "moment.h"
#include "name.h"
#include "text.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

/*
 * The bytes of the number as they stand in the certificate, so that a negative one (there are some) reads as other
 * tools print it.
 */
static char *print_serial(const ASN1_INTEGER *serial)
{
    unsigned char *der = NULL;
    int size = i2d_ASN1_INTEGER(serial, &der);
    g_autoptr(GString) hex = g_string_new(NULL);

    if (size > 2 && size == der[1] + 2) /* else its length takes more than a byte: 128 bytes and more */
        text_hex(hex, der + 2, (size_t)size - 2);
    OPENSSL_free(der);
    return g_strdup(hex->str);
}

static int64_t moment_of(const ASN1_TIME *time)
{
    struct tm tm;
    if (!ASN1_TIME_to_tm(time, &tm))
        return MOMENT_NONE;
    return moment_from_civil(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static char *object_name(const ASN1_OBJECT *object)
{
    char text[128];
    return OBJ_obj2txt(text, sizeof text, object, 0) > 0 ? text_clean(text, strlen(text)) : NULL;
}

static char *describe_key(const X509 *x509)
{
    EVP_PKEY *key = X509_get0_pubkey(x509);
    char curve[64];
    size_t length;
    ASN1_OBJECT *algorithm = NULL;

    switch (key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE) {
    case EVP_PKEY_RSA:
        return g_strdup_printf("RSA %d", EVP_PKEY_get_bits(key));
    case EVP_PKEY_RSA_PSS:
        return g_strdup_printf("RSA-PSS %d", EVP_PKEY_get_bits(key));
    case EVP_PKEY_DSA:
        return g_strdup_printf("DSA %d", EVP_PKEY_get_bits(key));
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_group_name(key, curve, sizeof curve, &length))
            return g_strdup_printf("EC %s", curve);
        return g_strdup_printf("EC %d", EVP_PKEY_get_bits(key));
    default: /* one that has no parameters, or one that OpenSSL does not know */
        X509_PUBKEY_get0_param(&algorithm, NULL, NULL, NULL, X509_get_X509_PUBKEY(x509));
        return object_name(algorithm);
    }
}

char *certificate_key_id(const ASN1_OCTET_STRING *key_id)
{
    if (!key_id || ASN1_STRING_length(key_id) == 0 || ASN1_STRING_length(key_id) > CERTIFICATE_KEY_ID_BYTES)
        return NULL;
    GString *hex = g_string_new(NULL);
    text_hex(hex, ASN1_STRING_get0_data(key_id), (size_t)ASN1_STRING_length(key_id));
    return g_string_free(hex, FALSE);
}

static void take_apart(struct certificate *certificate, X509 *x509, struct signatures *signatures)
{
    const ASN1_OBJECT *algorithm;
    const X509_ALGOR *signature;

    certificate->subject = name_print(X509_get_subject_name(x509));
    certificate->issuer = name_print(X509_get_issuer_name(x509));
    certificate->serial = print_serial(X509_get0_serialNumber(x509));
    certificate->not_before = moment_of(X509_get0_notBefore(x509));
    certificate->not_after = moment_of(X509_get0_notAfter(x509));
    certificate->key = describe_key(x509);
    X509_get0_signature(NULL, &signature, x509);
    X509_ALGOR_get0(&algorithm, NULL, NULL, signature);
    certificate->signature_algorithm = object_name(algorithm);
    certificate->subject_key_id = certificate_key_id(X509_get0_subject_key_id(x509));
    certificate->authority_key_id = certificate_key_id(X509_get0_authority_key_id(x509));
    certificate->subject_key = name_key_x509(X509_get_subject_name(x509));
    certificate->issuer_key = name_key_x509(X509_get_issuer_name(x509));
    certificate->self_signed = certificate->subject_key &&
                               g_strcmp0(certificate->subject_key, certificate->issuer_key) == 0 &&
                               signatures_verify(signatures, x509, x509);
    uint32_t flags = X509_get_extension_flags(x509);
    certificate->ca = (flags & EXFLAG_CA) || ((flags & EXFLAG_V1) && certificate->self_signed);
}

gboolean certificate_read(struct certificate *certificate, const void *bytes, size_t size,
                          struct signatures *signatures)
{
    X509 *x509 = der_parse(bytes, size);

    *certificate = (struct certificate){0};
    if (!x509)
        return FALSE;
    take_apart(certificate, x509, signatures);
    X509_free(x509);
    ERR_clear_error();
    return TRUE;
}

void certificate_clear(struct certificate *certificate)
{
    g_free(certificate->subject);
    g_free(certificate->issuer);
    g_free(certificate->serial);
    g_free(certificate->key);
    g_free(certificate->signature_algorithm);
    g_free(certificate->subject_key_id);
    g_free(certificate->authority_key_id);
    g_free(certificate->subject_key);
    g_free(certificate->issuer_key);
    *certificate = (struct certificate){0};
}

void certificate_pack(GByteArray *out, const struct certificate *certificate)
{
    pack_text(out, certificate->subject);
    pack_text(out, certificate->issuer);
    pack_text(out, certificate->serial);
    pack_text(out, certificate->key);
    pack_text(out, certificate->signature_algorithm);
    pack_text(out, certificate->subject_key_id);
    pack_text(out, certificate->authority_key_id);
    pack_text(out, certificate->subject_key);
    pack_text(out, certificate->issuer_key);
    pack_number(out, certificate->not_before);
    pack_number(out, certificate->not_after);
    pack_number(out, certificate->self_signed);
    pack_number(out, certificate->ca);
}

void certificate_unpack(struct certificate *certificate, struct unpack *unpack)
{
    certificate->subject = g_strdup(unpack_text(unpack));
    certificate->issuer = g_strdup(unpack_text(unpack));
    certificate->serial = g_strdup(unpack_text(unpack));
    certificate->key = g_strdup(unpack_text(unpack));
    certificate->signature_algorithm = g_strdup(unpack_text(unpack));
    certificate->subject_key_id = g_strdup(unpack_text(unpack));
    certificate->authority_key_id = g_strdup(unpack_text(unpack));
    certificate->subject_key = g_strdup(unpack_key(unpack));
    certificate->issuer_key = g_strdup(unpack_key(unpack));
    certificate->not_before = unpack_moment(unpack);
    certificate->not_after = unpack_moment(unpack);
    certificate->self_signed = (gboolean)unpack_number(unpack, FALSE, TRUE);
    certificate->ca = (gboolean)unpack_number(unpack, FALSE, TRUE);
}

size_t certificate_element(const uint8_t *bytes, size_t size)
{
    if (size < 2 || bytes[0] != 0x30)
        return 0;
    size_t length = bytes[1], header = 2;
    if (length >= 0x80) {
        size_t count = length & 0x7f;
        if (count == 0 || count > 4 || size < 2 + count)
            return 0;
        length = 0;
        for (size_t i = 0; i < count; i++)
            length = length << 8 | bytes[2 + i];
        header += count;
    }
    return length <= size - header ? header + length : 0;
}
