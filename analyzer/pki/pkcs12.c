#include "pkcs12.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <string.h>

#define TRUSTED_USAGE "2.16.840.1.113894.746875.1.1" /* Oracle: trustedKeyUsage */
#define EXPORT        "openssl pkcs12 -in FILE -nokeys -out certificates.pem"

#define NO_PASSWORD                                                                                                    \
    "a PKCS #12 key store that is protected by a password; give the password with --reference-password-file or "       \
    "--reference-password-env, or export the certificates: " EXPORT
#define WRONG_PASSWORD                                                                                                 \
    "a PKCS #12 key store, and none of the given passwords opens it; give another one, or export the "                 \
    "certificates: " EXPORT
#define DAMAGED "a damaged PKCS #12 key store"

struct work {
    struct key_store *store;
    const char *const *passwords;
    OSSL_LIB_CTX *context; /* of our own, so that old ciphers are there for this and for nothing else */
    GPtrArray *owned;      /* of GBytes *: certificates that belong to a private key */
    GPtrArray *others;     /* of GBytes * */
    guint certs;
};

static void keep_trouble(struct work *work, char *trouble)
{
    if (work->store->trouble)
        g_free(trouble);
    else
        work->store->trouble = trouble;
}

static gboolean is_trusted(const PKCS12_SAFEBAG *bag)
{
    const STACK_OF(X509_ATTRIBUTE) *attributes = PKCS12_SAFEBAG_get0_attrs(bag);
    for (int i = 0; i < sk_X509_ATTRIBUTE_num(attributes); i++) {
        char name[64];
        OBJ_obj2txt(name, sizeof name, X509_ATTRIBUTE_get0_object(sk_X509_ATTRIBUTE_value(attributes, i)), 1);
        if (strcmp(name, TRUSTED_USAGE) == 0)
            return TRUE;
    }
    return FALSE;
}

static void take_certificate(struct work *work, const PKCS12_SAFEBAG *bag)
{
    unsigned char *der = NULL;

    if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate)
        return;
    if (work->certs++ >= KEY_STORE_CERTS) {
        keep_trouble(work, g_strdup_printf("a PKCS #12 key store with more than %d certificates: the others were not "
                                           "read",
                                           KEY_STORE_CERTS));
        return;
    }
    X509 *x509 = PKCS12_SAFEBAG_get1_cert(bag);
    int size = x509 ? i2d_X509(x509, &der) : -1;
    if (size > 0) {
        GPtrArray *where = is_trusted(bag)                                 ? work->store->trusted
                           : PKCS12_SAFEBAG_get0_attr(bag, NID_localKeyID) ? work->owned
                                                                           : work->others;
        g_ptr_array_add(where, g_bytes_new(der, (gsize)size));
    } else {
        keep_trouble(work, g_strdup("a PKCS #12 key store with a certificate that cannot be read"));
    }
    OPENSSL_free(der);
    X509_free(x509);
}

static void take_bags(struct work *work, const STACK_OF(PKCS12_SAFEBAG) * bags, int depth)
{
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        const PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        switch (PKCS12_SAFEBAG_get_nid(bag)) {
        case NID_certBag:
            take_certificate(work, bag);
            break;
        case NID_safeContentsBag:
            if (depth < PKCS12_DEPTH)
                take_bags(work, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
            else
                keep_trouble(work, g_strdup(DAMAGED));
            break;
        default: /* private keys, secrets, revocation lists */
            break;
        }
    }
}

/* What a part is encrypted with: the number of derivations (-1: by something else), and the name of the cipher. */
static int64_t examine(const X509_ALGOR *algorithm, const char **cipher)
{
    const ASN1_OBJECT *object;
    const void *value;
    int type, cipher_nid = NID_undef;
    int64_t iterations = -1;

    X509_ALGOR_get0(&object, &type, &value, algorithm);
    *cipher = NULL;
    if (type != V_ASN1_SEQUENCE)
        return -1;
    if (OBJ_obj2nid(object) == NID_pbes2) {
        PBE2PARAM *outer = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
        PBKDF2PARAM *inner = outer && OBJ_obj2nid(outer->keyfunc->algorithm) == NID_id_pbkdf2
                                 ? ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), outer->keyfunc->parameter)
                                 : NULL;
        if (inner && !ASN1_INTEGER_get_int64(&iterations, inner->iter))
            iterations = INT64_MAX;
        if (outer)
            cipher_nid = OBJ_obj2nid(outer->encryption->algorithm);
        PBKDF2PARAM_free(inner);
        PBE2PARAM_free(outer);
    } else if (EVP_PBE_find(EVP_PBE_TYPE_OUTER, OBJ_obj2nid(object), &cipher_nid, NULL, NULL)) {
        PBEPARAM *param = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
        if (param && !ASN1_INTEGER_get_int64(&iterations, param->iter))
            iterations = INT64_MAX;
        PBEPARAM_free(param);
    }
    *cipher = cipher_nid > 0 ? OBJ_nid2sn(cipher_nid) : NULL;
    return iterations;
}

static STACK_OF(PKCS12_SAFEBAG) * decrypt(const struct work *work, PKCS7 *part)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_unpack_p7encdata(part, NULL, 0);
    if (!bags)
        bags = PKCS12_unpack_p7encdata(part, "", 0);
    for (size_t i = 0; !bags && work->passwords && work->passwords[i]; i++)
        bags = PKCS12_unpack_p7encdata(part, work->passwords[i], (int)strlen(work->passwords[i]));
    ERR_clear_error();
    return bags;
}

static void take_encrypted(struct work *work, PKCS7 *part)
{
    const char *name = NULL;
    const PKCS7_ENC_CONTENT *content = part->d.encrypted ? part->d.encrypted->enc_data : NULL;
    int64_t iterations = content && content->algorithm ? examine(content->algorithm, &name) : -1;
    EVP_CIPHER *cipher = name ? EVP_CIPHER_fetch(work->context, name, NULL) : NULL;

    ERR_clear_error();
    if (iterations < 0 || !name) {
        keep_trouble(work,
                     g_strdup("a PKCS #12 key store that is encrypted in an unknown way; export the certificates: "
                              "keytool -exportcert -rfc -keystore FILE -alias NAME"));
    } else if (iterations > PKCS12_ITERATIONS) {
        keep_trouble(work, g_strdup_printf("a PKCS #12 key store that asks for more than %d rounds to make a key from "
                                           "the password: it was not read",
                                           PKCS12_ITERATIONS));
    } else if (!cipher) {
        keep_trouble(work,
                     g_strdup_printf("a PKCS #12 key store that is encrypted with %s, which needs OpenSSL's legacy "
                                     "provider (Debian 13: openssl-provider-legacy). Install it, or export the "
                                     "certificates elsewhere: openssl pkcs12 -legacy -in FILE -nokeys -out "
                                     "certificates.pem",
                                     name));
    } else {
        STACK_OF(PKCS12_SAFEBAG) *bags = decrypt(work, part);
        if (bags)
            take_bags(work, bags, 1);
        else
            keep_trouble(work, g_strdup(work->passwords && work->passwords[0] ? WRONG_PASSWORD : NO_PASSWORD));
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    }
    EVP_CIPHER_free(cipher);
}

static void take_part(struct work *work, PKCS7 *part)
{
    if (PKCS7_type_is_encrypted(part)) {
        take_encrypted(work, part);
    } else if (PKCS7_type_is_data(part)) {
        STACK_OF(PKCS12_SAFEBAG) *bags = PKCS12_unpack_p7data(part);
        if (bags)
            take_bags(work, bags, 1);
        else
            keep_trouble(work, g_strdup(DAMAGED));
        sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    } else {
        keep_trouble(work, g_strdup("a PKCS #12 key store that is encrypted with a public key; export the certificates "
                                    "with the program that made it"));
    }
    ERR_clear_error();
}

/* Now that all is read it can be told which certificates stand alone. */
static void sort_out(struct work *work)
{
    for (guint i = 0; i < work->owned->len; i++) {
        GPtrArray *chain = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        g_ptr_array_add(chain, g_bytes_ref(work->owned->pdata[i]));
        for (guint j = 0; j < work->others->len && (work->owned->len == 1 || j < KEY_STORE_CERTS / work->owned->len);
             j++)
            g_ptr_array_add(chain, g_bytes_ref(work->others->pdata[j]));
        g_ptr_array_add(work->store->chains, chain);
    }
    if (work->owned->len == 0 && work->others->len > 0)
        g_ptr_array_add(work->store->chains, g_ptr_array_ref(work->others));
}

static void read_parts(struct work *work, const PKCS12 *p12)
{
    STACK_OF(PKCS7) *parts = PKCS12_unpack_authsafes(p12);

    if (!parts)
        keep_trouble(work, g_strdup(DAMAGED " (or one that is signed and not protected by a password)"));
    for (int i = 0; i < sk_PKCS7_num(parts) && i < PKCS12_SAFES; i++)
        take_part(work, sk_PKCS7_value(parts, i));
    if (sk_PKCS7_num(parts) > PKCS12_SAFES)
        keep_trouble(work, g_strdup_printf("a PKCS #12 key store with more than %d parts: the others were not read",
                                           PKCS12_SAFES));
    sk_PKCS7_pop_free(parts, PKCS7_free);
    sort_out(work);
}

/* SEQUENCE { INTEGER 3, SEQUENCE { OBJECT IDENTIFIER, ... }, ... } */
static gboolean is_pkcs12(const unsigned char *bytes, size_t size)
{
    const unsigned char *at = bytes, *end = bytes + size;
    long length;
    int tag, class;
    gboolean ok = !(ASN1_get_object(&at, &length, &tag, &class, (long)size) & 0x80) && *bytes == 0x30 && end - at > 5 &&
                  memcmp(at, "\2\1\3\x30", 4) == 0;
    if (ok) {
        const unsigned char *inside = at + 3;
        ok = !(ASN1_get_object(&inside, &length, &tag, &class, end - inside) & 0x80) && inside < end &&
             *inside == V_ASN1_OBJECT;
    }
    ERR_clear_error();
    return ok;
}

gboolean pkcs12_read(struct key_store *store, const void *bytes, size_t size, const char *const *passwords)
{
    const unsigned char *at = bytes;

    if (!is_pkcs12(bytes, size))
        return FALSE;
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *plain = OSSL_PROVIDER_load(context, "default"), *legacy = OSSL_PROVIDER_load(context, "legacy");
    PKCS12 *p12 = PKCS12_init_ex(NID_pkcs7_data, context, NULL);
    struct work work = {
        .store = store,
        .passwords = passwords,
        .context = context,
        .owned = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
        .others = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref),
    };
    if (p12 && d2i_PKCS12(&p12, &at, (long)size))
        read_parts(&work, p12);
    else
        keep_trouble(&work, g_strdup(DAMAGED));
    PKCS12_free(p12);
    g_ptr_array_unref(work.owned);
    g_ptr_array_unref(work.others);
    if (legacy)
        OSSL_PROVIDER_unload(legacy);
    if (plain)
        OSSL_PROVIDER_unload(plain);
    OSSL_LIB_CTX_free(context);
    ERR_clear_error();
    return TRUE;
}
