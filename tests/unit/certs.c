#include "certs.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

static EVP_PKEY *make_key(const char *kind)
{
    g_auto(GStrv) parts = g_strsplit(kind ? kind : "EC:prime256v1", ":", 2);
    EVP_PKEY *key;

    if (g_str_equal(parts[0], "RSA"))
        key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)g_ascii_strtoull(parts[1], NULL, 10));
    else if (g_str_equal(parts[0], "EC"))
        key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", parts[1]);
    else
        key = EVP_PKEY_Q_keygen(NULL, NULL, parts[0]);
    g_assert(key);
    return key;
}

static void set_name(X509_NAME *name, const char *subject)
{
    g_auto(GStrv) parts = g_strsplit(subject, "/", -1);
    for (char **part = parts; *part; part++) {
        char *value = strchr(*part, '=');
        if (!value)
            continue; /* what stands before the first slash */
        *value++ = '\0';
        g_assert(X509_NAME_add_entry_by_txt(name, *part, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0));
    }
}

static void set_serial(X509 *x509, const char *hex)
{
    static int64_t next = 0x1000;
    BIGNUM *number = NULL;

    if (!hex) {
        g_assert(ASN1_INTEGER_set_int64(X509_get_serialNumber(x509), next++));
        return;
    }
    g_assert(BN_hex2bn(&number, hex));
    g_assert(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)));
    BN_free(number);
}

static void add_extension(X509 *x509, const struct issued *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer ? issuer->x509 : x509, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    g_assert(extension);
    g_assert(X509_add_ext(x509, extension, -1));
    X509_EXTENSION_free(extension);
}

static GBytes *encode(X509 *x509)
{
    unsigned char *der = NULL;
    int size = i2d_X509(x509, &der);
    g_assert(size > 0);
    GBytes *bytes = g_bytes_new(der, (gsize)size);
    OPENSSL_free(der);
    return bytes;
}

static void spoil_signature(X509 *x509)
{
    const ASN1_BIT_STRING *signature;
    X509_get0_signature(&signature, NULL, x509);
    unsigned char *bytes = (unsigned char *)ASN1_STRING_get0_data(signature);
    bytes[ASN1_STRING_length(signature) - 1] ^= 1;
}

struct issued *certs_issue(const struct wish *wish)
{
    struct issued *issued = g_new0(struct issued, 1);
    const struct issued *issuer = wish->issuer;
    X509 *x509 = issued->x509 = X509_new();

    issued->key = wish->key_of ? wish->key_of->key : make_key(wish->kind);
    if (wish->key_of)
        EVP_PKEY_up_ref(issued->key);
    EVP_PKEY *signer = issuer ? issuer->key : issued->key;

    set_name(X509_get_subject_name(x509), wish->subject ? wish->subject : "/CN=Test");
    X509_set_issuer_name(x509, X509_get_subject_name(issuer ? issuer->x509 : x509));
    set_serial(x509, wish->serial);
    ASN1_TIME_adj(X509_getm_notBefore(x509), wish->not_before ? wish->not_before : CERTS_NOW - 1000 * CERTS_DAY, 0, 0);
    ASN1_TIME_adj(X509_getm_notAfter(x509), wish->not_after ? wish->not_after : CERTS_NOW + 1000 * CERTS_DAY, 0, 0);
    g_assert(X509_set_pubkey(x509, issued->key));
    if (!wish->version_1) {
        X509_set_version(x509, X509_VERSION_3);
        const char *constraints = wish->leaf ? "CA:FALSE" : "critical,CA:TRUE";
        add_extension(x509, issuer, NID_basic_constraints,
                      wish->basic_constraints ? wish->basic_constraints : constraints);
        if (wish->key_usage || !wish->leaf)
            add_extension(x509, issuer, NID_key_usage,
                          wish->key_usage ? wish->key_usage : "critical,keyCertSign,cRLSign");
        if (wish->name_constraints)
            add_extension(x509, issuer, NID_name_constraints, wish->name_constraints);
        if (wish->alt_name)
            add_extension(x509, issuer, NID_subject_alt_name, wish->alt_name);
        if (!wish->no_key_ids) {
            add_extension(x509, issuer, NID_subject_key_identifier, "hash");
            if (issuer && X509_get0_subject_key_id(issuer->x509))
                add_extension(x509, issuer, NID_authority_key_identifier, "keyid:always");
        }
    }
    gboolean own_digest = EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519;
    g_assert(X509_sign(x509, signer, own_digest ? NULL : EVP_sha256()) > 0);
    if (wish->bad_signature)
        spoil_signature(x509);
    issued->der = encode(x509);
    return issued;
}

void certs_free(struct issued *issued)
{
    if (!issued)
        return;
    EVP_PKEY_free(issued->key);
    X509_free(issued->x509);
    g_bytes_unref(issued->der);
    g_free(issued);
}

char *certs_pem(const struct issued *issued)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    g_assert(PEM_write_bio_X509(bio, issued->x509));
    long size = BIO_get_mem_data(bio, &text);
    char *pem = g_strndup(text, (gsize)size);
    BIO_free(bio);
    return pem;
}

GBytes *certs_join(const struct issued *first, ...)
{
    GByteArray *out = g_byte_array_new();
    va_list args;

    va_start(args, first);
    for (const struct issued *issued = first; issued; issued = va_arg(args, const struct issued *)) {
        gsize size;
        const guint8 *bytes = g_bytes_get_data(issued->der, &size);
        g_byte_array_append(out, bytes, (guint)size);
    }
    va_end(args);
    return g_byte_array_free_to_bytes(out);
}

struct issued *certs_from_pem(const char *text)
{
    BIO *bio = BIO_new_mem_buf(text, -1);
    struct issued *issued = g_new0(struct issued, 1);
    issued->x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    g_assert(issued->x509);
    issued->der = encode(issued->x509);
    BIO_free(bio);
    return issued;
}

static void encode_again(struct issued *issued)
{
    g_bytes_unref(issued->der);
    issued->der = encode(issued->x509);
}

void certs_fill(struct issued *issued, size_t size)
{
    g_autofree char *text = g_strnfill(size, 'x');
    int old = X509_get_ext_by_NID(issued->x509, NID_netscape_comment, -1);
    if (old >= 0)
        X509_EXTENSION_free(X509_delete_ext(issued->x509, old));
    add_extension(issued->x509, NULL, NID_netscape_comment, text);
    g_assert(X509_sign(issued->x509, issued->key, EVP_sha256()) > 0);
    encode_again(issued);
}

void certs_extend(struct issued *issued, const struct issued *issuer, const char *config)
{
    const struct issued *signer = issuer ? issuer : issued;
    BIO *text = BIO_new_mem_buf(config, -1);
    CONF *conf = NCONF_new(NULL);
    X509V3_CTX context;

    g_assert(NCONF_load_bio(conf, text, NULL) == 1);
    X509V3_set_ctx(&context, signer->x509, issued->x509, NULL, NULL, 0);
    X509V3_set_nconf(&context, conf);
    g_assert(X509V3_EXT_add_nconf(conf, &context, "extensions", issued->x509) == 1);
    g_assert(X509_sign(issued->x509, signer->key, EVP_sha256()) > 0);
    encode_again(issued);
    NCONF_free(conf);
    BIO_free(text);
}

void certs_set_rsa(struct issued *issued, int bits)
{
    BIGNUM *modulus = BN_new();
    EVP_PKEY *key = NULL;
    g_assert(BN_rand(modulus, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD));
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus);
    OSSL_PARAM_BLD_push_uint(builder, OSSL_PKEY_PARAM_RSA_E, 65537);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    g_assert(EVP_PKEY_fromdata_init(context) == 1);
    g_assert(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) == 1);
    g_assert(X509_set_pubkey(issued->x509, key));
    encode_again(issued);
    EVP_PKEY_free(key);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    BN_free(modulus);
}
