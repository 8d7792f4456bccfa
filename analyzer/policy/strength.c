#include "strength.h"

#include "der.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>

static gboolean is_among(const GArray *nids, int nid)
{
    for (guint i = 0; i < nids->len; i++)
        if (g_array_index(nids, int, i) == nid)
            return TRUE;
    return FALSE;
}

static int bits_of_curve(int nid)
{
    EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
    int bits = group ? EC_GROUP_order_bits(group) : 0;
    EC_GROUP_free(group);
    ERR_clear_error();
    return bits;
}

static void add(GString *text, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void add(GString *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_string_append(text, text->len > 0 ? "; " : "");
    g_string_append_vprintf(text, format, args);
    va_end(args);
}

/* The number behind the name of a kind of key, as in "RSA 2048"; 0 if there is none. */
static int number_of(const char *text)
{
    guint64 bits;
    return g_ascii_string_to_unsigned(text, 10, 1, 1000000, &bits, NULL) ? (int)bits : 0;
}

/* A curve as the audit prints it, or the size of one that has no name. */
static void judge_curve(GString *text, const struct policy_strength *strength, const char *key, const char *curve)
{
    int nid = OBJ_txt2nid(curve);
    int bits = nid == NID_undef ? number_of(curve) : bits_of_curve(nid);
    gboolean named = nid != NID_undef;

    if (bits > 0 && bits < strength->ec_bits)
        add(text, "its key is %s, and %d bits are the least", key, strength->ec_bits);
    else if (strength->curves->len > 0 && (named || bits > 0) && !is_among(strength->curves, nid))
        add(text, "its key is %s, which is not among the curves that are allowed", key);
}

static void judge_key(GString *text, const struct policy_strength *strength, const char *key)
{
    static const char *const moduli[] = {"RSA ", "RSA-PSS ", "DSA "};
    for (size_t i = 0; i < G_N_ELEMENTS(moduli); i++) {
        int bits = g_str_has_prefix(key, moduli[i]) ? number_of(key + strlen(moduli[i])) : 0;
        if (bits > 0 && bits < strength->rsa_bits)
            add(text, "its key is %s, and %d bits are the least", key, strength->rsa_bits);
    }
    if (g_str_has_prefix(key, "EC "))
        judge_curve(text, strength, key, key + strlen("EC "));
    else if (strength->curves->len > 0 && (strcmp(key, "ED25519") == 0 || strcmp(key, "ED448") == 0))
        judge_curve(text, strength, key, key);
}

/* The digest of a signature: from the certificate, where its parameters tell it (RSASSA-PSS), else by its name. */
static int digest_of(const struct audit_cert *cert)
{
    int digest = NID_undef;
    X509 *x509 = der_parse_bytes(cert->der);
    if (x509)
        X509_get_signature_info(x509, &digest, NULL, NULL, NULL);
    else if (cert->signature_algorithm)
        OBJ_find_sigid_algs(OBJ_txt2nid(cert->signature_algorithm), &digest, NULL);
    X509_free(x509);
    ERR_clear_error();
    return digest;
}

char *strength_weakness(const struct policy_strength *strength, const struct audit_cert *cert)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (cert->key)
        judge_key(text, strength, cert->key);
    if (strength->digests->len > 0 && !cert->self_signed) {
        int digest = digest_of(cert);
        if (digest != NID_undef && is_among(strength->digests, digest))
            add(text, "its signature uses %s, which is refused", OBJ_nid2sn(digest));
    }
    return text->len > 0 ? g_strdup(text->str) : NULL;
}

gboolean strength_is_end_entity(const struct audit_cert *cert)
{
    X509 *x509 = cert->ca ? NULL : der_parse_bytes(cert->der);
    /* One of version 1 cannot say what it is. */
    gboolean is = x509 && X509_get_version(x509) >= X509_VERSION_3 && X509_check_ca(x509) == 0 &&
                  !(X509_get_extension_flags(x509) & EXFLAG_SI);
    X509_free(x509);
    ERR_clear_error();
    return is;
}
