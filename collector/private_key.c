#include "private_key.h"

#include "error.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <string.h>

#define ED25519_BYTES 32

struct private_key {
    EVP_PKEY *key;
    GBytes *public_key;
    const struct kind *kind;
};

/* How a type of key is made and signs. */
struct kind {
    const char *type;
    const char *curve; /* in SSH's words, and in OpenSSL's; NULL if it is none of these */
    const char *group;
    const EVP_MD *(*digest)(void); /* NULL: none of its own */
    EVP_PKEY *(*parse)(const struct kind *kind, struct wire *wire);
};

typedef BIGNUM number_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(number_auto, BN_clear_free)
typedef BN_CTX numbers_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(numbers_auto, BN_CTX_free)
typedef OSSL_PARAM_BLD builder_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(builder_auto, OSSL_PARAM_BLD_free)
typedef EVP_PKEY_CTX maker_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(maker_auto, EVP_PKEY_CTX_free)
typedef EVP_MD_CTX signer_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(signer_auto, EVP_MD_CTX_free)
typedef ECDSA_SIG ecdsa_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ecdsa_auto, ECDSA_SIG_free)
typedef BIO bio_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(bio_auto, BIO_free)

static EVP_PKEY *make_key(const char *algorithm, OSSL_PARAM_BLD *builder)
{
    g_autoptr(maker_auto) maker = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY *key = NULL;

    if (maker && parameters && EVP_PKEY_fromdata_init(maker) == 1 &&
        EVP_PKEY_fromdata(maker, &key, EVP_PKEY_KEYPAIR, parameters) != 1)
        key = NULL;
    OSSL_PARAM_free(parameters);
    return key;
}

static EVP_PKEY *parse_ed25519(const struct kind *kind, struct wire *wire)
{
    struct wire public, private;
    (void)kind;

    /* The second string is the seed with the public key again behind it. */
    if (!wire_read_string(wire, &public) || public.left != ED25519_BYTES || !wire_read_string(wire, &private) ||
        private.left != 2 * ED25519_BYTES)
        return NULL;
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private.at, ED25519_BYTES);
}

static EVP_PKEY *parse_ecdsa(const struct kind *kind, struct wire *wire)
{
    struct wire curve, point, number;

    if (!wire_read_string(wire, &curve) || !wire_is(&curve, kind->curve) || !wire_read_string(wire, &point) ||
        !wire_read_string(wire, &number) || number.left > 128)
        return NULL;
    g_autoptr(number_auto) private = BN_secure_new();
    g_autoptr(builder_auto) builder = OSSL_PARAM_BLD_new();
    if (!private || !BN_bin2bn(number.at, (int)number.left, private) || !builder ||
        !OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, kind->group, 0) ||
        !OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point.at, point.left) ||
        !OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_PRIV_KEY, private))
        return NULL;
    return make_key("EC", builder);
}

enum rsa_number {
    RSA_N,
    RSA_E,
    RSA_D,
    RSA_COEFFICIENT,
    RSA_P,
    RSA_Q,
    RSA_READ,
    RSA_DP = RSA_READ,
    RSA_DQ,
    RSA_NUMBERS
};

/* d mod (factor - 1), which the file leaves to be calculated. */
static gboolean reduce_exponent(BIGNUM *result, const BIGNUM *d, const BIGNUM *factor)
{
    g_autoptr(numbers_auto) context = BN_CTX_secure_new();
    g_autoptr(number_auto) less = BN_dup(factor);

    return context && less && BN_sub_word(less, 1) && !BN_is_zero(less) && BN_mod(result, d, less, context);
}

static gboolean read_rsa_numbers(BIGNUM *numbers[RSA_NUMBERS], struct wire *wire)
{
    for (int i = 0; i < RSA_READ; i++) {
        struct wire number;
        if (!wire_read_string(wire, &number) || number.left > 4096 ||
            !BN_bin2bn(number.at, (int)number.left, numbers[i]))
            return FALSE;
    }
    return reduce_exponent(numbers[RSA_DP], numbers[RSA_D], numbers[RSA_P]) &&
           reduce_exponent(numbers[RSA_DQ], numbers[RSA_D], numbers[RSA_Q]);
}

static EVP_PKEY *make_rsa(BIGNUM *const numbers[RSA_NUMBERS])
{
    static const char *const names[RSA_NUMBERS] = {
        [RSA_N] = OSSL_PKEY_PARAM_RSA_N,          [RSA_E] = OSSL_PKEY_PARAM_RSA_E,
        [RSA_D] = OSSL_PKEY_PARAM_RSA_D,          [RSA_COEFFICIENT] = OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
        [RSA_P] = OSSL_PKEY_PARAM_RSA_FACTOR1,    [RSA_Q] = OSSL_PKEY_PARAM_RSA_FACTOR2,
        [RSA_DP] = OSSL_PKEY_PARAM_RSA_EXPONENT1, [RSA_DQ] = OSSL_PKEY_PARAM_RSA_EXPONENT2,
    };
    g_autoptr(builder_auto) builder = OSSL_PARAM_BLD_new();

    for (int i = 0; i < RSA_NUMBERS; i++)
        if (!builder || !OSSL_PARAM_BLD_push_BN(builder, names[i], numbers[i]))
            return NULL;
    return make_key("RSA", builder);
}

static EVP_PKEY *parse_rsa(const struct kind *kind, struct wire *wire)
{
    BIGNUM *numbers[RSA_NUMBERS];
    gboolean ok = TRUE;
    (void)kind;

    for (int i = 0; i < RSA_NUMBERS; i++) {
        numbers[i] = BN_secure_new();
        ok = ok && numbers[i];
    }
    EVP_PKEY *key = ok && read_rsa_numbers(numbers, wire) ? make_rsa(numbers) : NULL;
    for (int i = 0; i < RSA_NUMBERS; i++)
        BN_clear_free(numbers[i]);
    return key;
}

static const struct kind kinds[] = {
    {"ssh-ed25519", NULL, NULL, NULL, parse_ed25519},
    {"ecdsa-sha2-nistp256", "nistp256", "prime256v1", EVP_sha256, parse_ecdsa},
    {"ecdsa-sha2-nistp384", "nistp384", "secp384r1", EVP_sha384, parse_ecdsa},
    {"ecdsa-sha2-nistp521", "nistp521", "secp521r1", EVP_sha512, parse_ecdsa},
    {"ssh-rsa", NULL, NULL, NULL, parse_rsa},
};

void private_key_free(struct private_key *key)
{
    if (!key)
        return;
    EVP_PKEY_free(key->key);
    if (key->public_key)
        g_bytes_unref(key->public_key);
    g_free(key);
}

GBytes *private_key_public(const struct private_key *key)
{
    return key->public_key;
}

/* The public half, out of the key itself: so it is certain that both belong together. */

/* A number as SSH writes it: a byte 0 in front where it would else look negative. */
static void append_number(GByteArray *bytes, const BIGNUM *number)
{
    size_t size = (size_t)BN_num_bytes(number) + 1;
    g_autofree uint8_t *text = g_malloc0(size);

    BN_bn2bin(number, text + 1);
    gboolean padded = size > 1 && (text[1] & 0x80);
    wire_append_string(bytes, padded ? text : text + 1, padded ? size : size - 1);
}

static gboolean append_number_of(GByteArray *blob, const EVP_PKEY *key, const char *name)
{
    BIGNUM *number = NULL;

    if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
        return FALSE;
    append_number(blob, number);
    BN_free(number);
    return TRUE;
}

static gboolean append_point(GByteArray *blob, const EVP_PKEY *key)
{
    uint8_t point[256];
    size_t size = 0;

    if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &size) != 1)
        return FALSE;
    wire_append_string(blob, point, size);
    return TRUE;
}

static gboolean append_ed25519(GByteArray *blob, const EVP_PKEY *key)
{
    uint8_t public[ED25519_BYTES];
    size_t size = sizeof public;

    if (EVP_PKEY_get_raw_public_key(key, public, &size) != 1)
        return FALSE;
    wire_append_string(blob, public, size);
    return TRUE;
}

static const struct kind *kind_of(const EVP_PKEY *key)
{
    char group[64] = "";

    if (EVP_PKEY_is_a(key, "ED25519"))
        return &kinds[0];
    if (EVP_PKEY_is_a(key, "RSA"))
        return &kinds[G_N_ELEMENTS(kinds) - 1];
    if (!EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof group, NULL) != 1)
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (kinds[i].group && strcmp(kinds[i].group, group) == 0)
            return &kinds[i];
    return NULL;
}

static gboolean append_public(GByteArray *blob, const struct private_key *key)
{
    wire_append_string(blob, key->kind->type, strlen(key->kind->type));
    if (EVP_PKEY_is_a(key->key, "RSA"))
        return append_number_of(blob, key->key, OSSL_PKEY_PARAM_RSA_E) &&
               append_number_of(blob, key->key, OSSL_PKEY_PARAM_RSA_N);
    if (!key->kind->curve)
        return append_ed25519(blob, key->key);
    wire_append_string(blob, key->kind->curve, strlen(key->kind->curve));
    return append_point(blob, key->key);
}

static struct private_key *private_key_new(EVP_PKEY *evp, GError **error)
{
    g_autoptr(GByteArray) blob = g_byte_array_new();
    struct private_key *key = g_new0(struct private_key, 1);

    key->key = evp;
    key->kind = evp ? kind_of(evp) : NULL;
    ERR_clear_error();
    if (!key->kind || !append_public(blob, key)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX,
                    evp ? "is not of a kind that can be used (ed25519, ECDSA, RSA)" : "is damaged");
        private_key_free(key);
        return NULL;
    }
    key->public_key = g_bytes_new(blob->data, blob->len);
    return key;
}

struct private_key *private_key_parse_openssh(const struct wire *section, GError **error)
{
    struct wire wire = *section, type;
    uint32_t check, again;

    if (!wire_read_u32(&wire, &check) || !wire_read_u32(&wire, &again) || check != again ||
        !wire_read_string(&wire, &type)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "is damaged");
        return NULL;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (wire_is(&type, kinds[i].type))
            return private_key_new(kinds[i].parse(&kinds[i], &wire), error);
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX,
                "is not of a kind that can be used (ed25519, ECDSA, RSA)");
    return NULL;
}

/* OpenSSL would ask on the terminal. */
static int never_ask(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

struct private_key *private_key_parse_pem(const void *text, size_t size, GError **error)
{
    g_autoptr(bio_auto) bio = BIO_new_mem_buf(text, (int)MIN(size, (size_t)G_MAXINT));

    return private_key_new(bio ? PEM_read_bio_PrivateKey(bio, NULL, never_ask, NULL) : NULL, error);
}

/* Signing. */

gboolean private_key_algorithm(struct wire *algorithm, const void *data, size_t size)
{
    struct wire wire = {data, size};
    uint8_t byte;

    /* session, type of message, user, service, "publickey", TRUE, algorithm, key */
    return wire_read_string(&wire, NULL) && wire_read_u8(&wire, &byte) && wire_read_string(&wire, NULL) &&
           wire_read_string(&wire, NULL) && wire_read_string(&wire, NULL) && wire_read_u8(&wire, &byte) &&
           wire_read_string(&wire, algorithm);
}

static const EVP_MD *digest_for(const struct private_key *key, const void *data, size_t size)
{
    struct wire algorithm;

    if (key->kind->digest)
        return key->kind->digest();
    if (!EVP_PKEY_is_a(key->key, "RSA"))
        return NULL;
    if (!private_key_algorithm(&algorithm, data, size))
        return EVP_sha1();
    return wire_is(&algorithm, "rsa-sha2-512")   ? EVP_sha512()
           : wire_is(&algorithm, "rsa-sha2-256") ? EVP_sha256()
                                                 : EVP_sha1();
}

/* OpenSSL writes two numbers in DER, SSH wants them in its own form. */
static GBytes *ecdsa_from_der(const uint8_t *der, size_t size)
{
    g_autoptr(ecdsa_auto) signature = d2i_ECDSA_SIG(NULL, &der, (long)size);
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    if (!signature)
        return NULL;
    append_number(bytes, ECDSA_SIG_get0_r(signature));
    append_number(bytes, ECDSA_SIG_get0_s(signature));
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

GBytes *private_key_sign(const struct private_key *key, const void *data, size_t size, GError **error)
{
    g_autoptr(signer_auto) signer = EVP_MD_CTX_new();
    const EVP_MD *digest = digest_for(key, data, size);
    size_t length = 0;
    g_autofree uint8_t *signature = NULL;
    GBytes *bytes = NULL;

    if (signer && EVP_DigestSignInit(signer, NULL, digest, NULL, key->key) == 1 &&
        EVP_DigestSign(signer, NULL, &length, data, size) == 1) {
        signature = g_malloc(length);
        if (EVP_DigestSign(signer, signature, &length, data, size) == 1)
            bytes = key->kind->curve ? ecdsa_from_der(signature, length) : g_bytes_new(signature, length);
    }
    if (!bytes)
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "OpenSSL does not sign with this key: %s",
                    ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    return bytes;
}
