#include "chain.h"

#include "text.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>

#define FIRST_CHARS 60 /* of what is no TLS, in a message */

struct chain {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out; /* owned by ${ssl} */
    GByteArray *hello;
    GByteArray *certificates;
    unsigned count;
    gboolean seen; /* the server's certificates have come */
    gboolean too_many;
    uint8_t first[FIRST_CHARS];
    size_t bytes; /* that came */
    enum chain_progress progress;
    const char *reason;
    char *message;
};

static enum chain_progress fail(struct chain *chain, const char *reason, const char *format, ...) G_GNUC_PRINTF(3, 4);

static enum chain_progress fail(struct chain *chain, const char *reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    chain->reason = reason;
    chain->message = text_clean(message, strlen(message));
    return chain->progress = CHAIN_FAILED;
}

/* Called by OpenSSL when the certificates have come; 0 makes it stop there. */
static int take_certificates(X509_STORE_CTX *store, void *data)
{
    struct chain *chain = data;
    const STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store);
    int count = sk_X509_num(sent);

    chain->seen = TRUE;
    if (count > CHAIN_CERTIFICATES) {
        chain->too_many = TRUE;
        return 0;
    }
    for (int i = 0; i < count; i++) {
        unsigned char *der = NULL;
        int size = i2d_X509(sk_X509_value(sent, i), &der);
        if (size <= 0)
            continue;
        g_byte_array_append(chain->certificates, der, (guint)size);
        chain->count++;
        OPENSSL_free(der);
    }
    return 0;
}

static SSL_CTX *new_context(struct chain *chain)
{
    /* P-256 first: every server of TLS 1.3 has to know it, so none has to ask for a second hello. */
    static const char groups[] = "P-256:X25519:P-384:P-521";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    g_assert(context);
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, 0); /* the highest one, whatever openssl.cnf says */
    SSL_CTX_set_cipher_list(context, "ALL:!aNULL:!PSK:!SRP:@SECLEVEL=0");
    SSL_CTX_set1_groups_list(context, groups);
    SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT);
    SSL_CTX_set_max_cert_list(context, CHAIN_BYTES);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(context, take_certificates, chain);
    return context;
}

static void take_hello(struct chain *chain)
{
    char *bytes;

    SSL_do_handshake(chain->ssl);
    long size = BIO_get_mem_data(chain->out, &bytes);
    if (size > 0)
        g_byte_array_append(chain->hello, (const guint8 *)bytes, (guint)size);
    else
        fail(chain, "bad-tls", "OpenSSL makes no client hello, by its configuration on this machine");
    (void)BIO_reset(chain->out);
}

struct chain *chain_new(const char *server_name)
{
    struct chain *chain = g_new0(struct chain, 1);

    ERR_clear_error();
    chain->hello = g_byte_array_new();
    chain->certificates = g_byte_array_new();
    chain->context = new_context(chain);
    chain->ssl = SSL_new(chain->context);
    chain->in = BIO_new(BIO_s_mem());
    chain->out = BIO_new(BIO_s_mem());
    g_assert(chain->ssl && chain->in && chain->out);
    SSL_set_bio(chain->ssl, chain->in, chain->out);
    SSL_set_connect_state(chain->ssl);
    if (server_name && strlen(server_name) <= CHAIN_NAME_CHARS)
        SSL_set_tlsext_host_name(chain->ssl, server_name);
    take_hello(chain);
    ERR_clear_error();
    return chain;
}

void chain_free(struct chain *chain)
{
    if (!chain)
        return;
    SSL_free(chain->ssl);
    SSL_CTX_free(chain->context);
    g_byte_array_unref(chain->hello);
    g_byte_array_unref(chain->certificates);
    g_free(chain->message);
    g_free(chain);
}

const GByteArray *chain_hello(const struct chain *chain)
{
    return chain->hello;
}

/* A record of TLS begins with its type, of which a server's first is a message of the handshake or an alert. */
static gboolean is_tls(const struct chain *chain)
{
    return (chain->bytes < 1 || chain->first[0] == SSL3_RT_HANDSHAKE || chain->first[0] == SSL3_RT_ALERT) &&
           (chain->bytes < 2 || chain->first[1] == SSL3_VERSION_MAJOR);
}

static enum chain_progress fail_no_tls(struct chain *chain)
{
    size_t size = 0;

    while (size < MIN(chain->bytes, sizeof chain->first) && chain->first[size] != '\r' && chain->first[size] != '\n')
        size++;
    g_autofree char *text = text_clean(chain->first, size);
    return fail(chain, "no-tls", "it speaks no TLS: its answer begins with \"%s\"", text);
}

static enum chain_progress fail_handshake(struct chain *chain)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = ERR_reason_error_string(code);
    int reason = ERR_GET_REASON(code);

    /* OpenSSL numbers the alerts of the other side from here on, by their own numbers. */
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256)
        return fail(chain, "alert", "it refused the handshake before it showed a certificate: %s",
                    text ? text : "no text");
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && reason == SSL_R_EXCESSIVE_MESSAGE_SIZE)
        return fail(chain, "limit", "its certificates take more than %zu bytes", CHAIN_BYTES);
    return fail(chain, "bad-tls", "the handshake went wrong before it showed a certificate: %s",
                text ? text : "no text");
}

static enum chain_progress conclude(struct chain *chain)
{
    if (chain->too_many)
        return fail(chain, "limit", "it sends more than %d certificates", CHAIN_CERTIFICATES);
    if (chain->count == 0)
        return fail(chain, "bad-tls", "it showed no certificate");
    return chain->progress = CHAIN_DONE;
}

/* Step OpenSSL as far as the bytes reach. */
static enum chain_progress handshake(struct chain *chain)
{
    ERR_clear_error();
    int code = SSL_do_handshake(chain->ssl);
    int what = SSL_get_error(chain->ssl, code);
    enum chain_progress progress = CHAIN_MORE;

    if (chain->seen)
        progress = conclude(chain);
    else if (code == 1)
        progress = fail(chain, "bad-tls", "it ended the handshake without a certificate");
    else if (what != SSL_ERROR_WANT_READ)
        progress = fail_handshake(chain);
    else if (BIO_pending(chain->out) > 0)
        progress = fail(chain, "second-hello",
                        "it asks for a second client hello (TLS 1.3 with a group of keys that "
                        "was not offered first)");
    (void)BIO_reset(chain->out);
    ERR_clear_error();
    return progress;
}

enum chain_progress chain_add(struct chain *chain, const void *bytes, size_t size)
{
    if (chain->progress != CHAIN_MORE || size == 0)
        return chain->progress;
    size_t taken = MIN(size, CHAIN_BYTES - chain->bytes);
    if (chain->bytes < sizeof chain->first)
        memcpy(chain->first + chain->bytes, bytes, MIN(taken, sizeof chain->first - chain->bytes));
    chain->bytes += taken;
    if (!is_tls(chain))
        return fail_no_tls(chain);
    if (taken > 0 && BIO_write(chain->in, bytes, (int)taken) != (int)taken)
        return fail(chain, "bad-tls", "its answer could not be kept");
    if (handshake(chain) == CHAIN_MORE && (taken < size || chain->bytes == CHAIN_BYTES))
        return fail(chain, "limit", "it sent %zu bytes and no whole chain of certificates", CHAIN_BYTES);
    return chain->progress;
}

enum chain_progress chain_end(struct chain *chain)
{
    if (chain->progress == CHAIN_MORE)
        fail(chain, "closed", "it closed the connection before it showed a certificate, after %zu bytes", chain->bytes);
    return chain->progress;
}

const GByteArray *chain_certificates(const struct chain *chain)
{
    return chain->certificates;
}

unsigned chain_count(const struct chain *chain)
{
    return chain->count;
}

const char *chain_reason(const struct chain *chain)
{
    return chain->reason;
}

const char *chain_message(const struct chain *chain)
{
    return chain->message;
}
