#include "signature.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

struct question {                          /* has this key signed that? */
    uint8_t subject[SHA256_DIGEST_LENGTH]; /* of the certificate */
    uint8_t key[SHA256_DIGEST_LENGTH];     /* of the whole SubjectPublicKeyInfo: the bits of a key alone are no key */
};

struct signatures {
    GHashTable *answers; /* struct question * -> GINT_TO_POINTER(gboolean) */
    unsigned count;
};

static guint question_hash(const void *data)
{
    const struct question *question = data;
    guint subject, key;
    memcpy(&subject, question->subject, sizeof subject);
    memcpy(&key, question->key, sizeof key);
    return subject ^ key;
}

static gboolean question_equal(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct question)) == 0;
}

struct signatures *signatures_new(void)
{
    struct signatures *signatures = g_new0(struct signatures, 1);
    signatures->answers = g_hash_table_new_full(question_hash, question_equal, g_free, NULL);
    return signatures;
}

void signatures_free(struct signatures *signatures)
{
    if (!signatures)
        return;
    g_hash_table_unref(signatures->answers);
    g_free(signatures);
}

static gboolean ask(struct question *question, const X509 *subject, const X509 *issuer)
{
    unsigned char *key = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(issuer), &key);
    gboolean done = size > 0 && EVP_Digest(key, (size_t)size, question->key, NULL, EVP_sha256(), NULL) &&
                    X509_digest(subject, EVP_sha256(), question->subject, NULL);
    OPENSSL_free(key);
    return done;
}

gboolean signatures_verify(struct signatures *signatures, X509 *subject, X509 *issuer)
{
    struct question question;
    void *known;

    if (!ask(&question, subject, issuer))
        return FALSE;
    if (g_hash_table_lookup_extended(signatures->answers, &question, NULL, &known))
        return GPOINTER_TO_INT(known);
    EVP_PKEY *key = X509_get0_pubkey(issuer);
    signatures->count++;
    gboolean verified = key && EVP_PKEY_get_bits(key) <= SIGNATURE_KEY_BITS && X509_verify(subject, key) == 1;
    g_hash_table_insert(signatures->answers, g_memdup2(&question, sizeof question), GINT_TO_POINTER(verified));
    return verified;
}

unsigned signatures_count(const struct signatures *signatures)
{
    return signatures->count;
}
