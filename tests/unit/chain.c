/* collector/chain: answers of a real server in memory, in every chunking, cut everywhere, changed everywhere, and none.
 */
#include "chain.h"
#include "certs.h"

#include <criterion/criterion.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>

struct server {         /* how it is set up, and what it has seen */
    int version;        /* TLS1_2_VERSION; 0: the best */
    const char *groups; /* NULL: any */
    int extra;          /* further certificates behind the chain */
    char *name;         /* that was asked for */
};

static struct issued *root, *issuing, *leaf;

static void make_certs(void)
{
    root = certs(.subject = "/CN=Root");
    issuing = certs(.subject = "/CN=Issuing", .issuer = root);
    leaf = certs(.subject = "/CN=leaf.example.com", .issuer = issuing, .leaf = TRUE);
}

static void free_certs(void)
{
    certs_free(root);
    certs_free(issuing);
    certs_free(leaf);
}

TestSuite(chain, .init = make_certs, .fini = free_certs);

static int on_name(SSL *ssl, int *alert, void *data)
{
    struct server *server = data;
    (void)alert;

    g_free(server->name);
    server->name = g_strdup(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *server_context(struct server *server)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, server->version ? server->version : TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context, server->version);
    SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    if (server->groups)
        cr_assert(SSL_CTX_set1_groups_list(context, server->groups));
    cr_assert(SSL_CTX_use_certificate(context, leaf->x509));
    cr_assert(SSL_CTX_use_PrivateKey(context, leaf->key));
    cr_assert(SSL_CTX_add1_chain_cert(context, issuing->x509));
    for (int i = 0; i < server->extra; i++)
        cr_assert(SSL_CTX_add1_chain_cert(context, root->x509));
    SSL_CTX_set_tlsext_servername_callback(context, on_name);
    SSL_CTX_set_tlsext_servername_arg(context, server);
    return context;
}

/* What the server says to this client hello. */
static GByteArray *answer(struct server *server, const GByteArray *hello)
{
    SSL_CTX *context = server_context(server);
    SSL *ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    GByteArray *said = g_byte_array_new();
    char *bytes;

    SSL_set_bio(ssl, in, out);
    BIO_write(in, hello->data, (int)hello->len);
    SSL_accept(ssl);
    long size = BIO_get_mem_data(out, &bytes);
    g_byte_array_append(said, (const guint8 *)bytes, (guint)size);
    SSL_free(ssl);
    SSL_CTX_free(context);
    ERR_clear_error();
    return said;
}

static enum chain_progress feed(struct chain *chain, const void *bytes, size_t size, size_t piece)
{
    enum chain_progress progress = CHAIN_MORE;
    for (size_t at = 0; at < size; at += piece)
        progress = chain_add(chain, (const uint8_t *)bytes + at, MIN(piece, size - at));
    return progress;
}

static void expect_chain(const struct chain *chain, const char *what)
{
    g_autoptr(GBytes) wanted = certs_join(leaf, issuing, NULL);
    const GByteArray *got = chain_certificates(chain);

    cr_assert_eq(chain_count(chain), 2, "%s: %s", what, chain_message(chain));
    cr_assert_eq(got->len, g_bytes_get_size(wanted), "%s", what);
    cr_expect_eq(memcmp(got->data, g_bytes_get_data(wanted, NULL), got->len), 0, "%s", what);
    cr_expect_null(chain_reason(chain), "%s", what);
}

static void expect_failed(const struct chain *chain, const char *reason, const char *what)
{
    cr_expect_str_eq(chain_reason(chain) ? chain_reason(chain) : "none", reason, "%s: %s", what, chain_message(chain));
    cr_expect_not_null(chain_message(chain), "%s", what);
    cr_expect_eq(chain_count(chain), 0, "%s", what);
}

Test(chain, every_version)
{
    static const struct {
        const char *what;
        int version;
    } rows[] = {
        {"TLS 1.3", TLS1_3_VERSION},
        {"TLS 1.2", TLS1_2_VERSION},
        {"TLS 1.1", TLS1_1_VERSION},
        {"TLS 1.0", TLS1_VERSION},
    };
    static const size_t pieces[] = {1, 7, 1024, SIZE_MAX / 2};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(pieces); j++) {
            struct server server = {.version = rows[i].version};
            struct chain *chain = chain_new("leaf.example.com");
            g_autoptr(GByteArray) said = answer(&server, chain_hello(chain));
            cr_expect_eq(feed(chain, said->data, said->len, pieces[j]), CHAIN_DONE, "%s", rows[i].what);
            expect_chain(chain, rows[i].what);
            cr_expect_str_eq(server.name, "leaf.example.com", "%s", rows[i].what);
            g_free(server.name);
            chain_free(chain);
        }
}

/* One record, which is there before anything comes, and stays what it is. */
Test(chain, one_hello)
{
    struct server server = {0};
    struct chain *chain = chain_new(NULL);
    const GByteArray *hello = chain_hello(chain);
    g_autoptr(GByteArray) before = g_byte_array_append(g_byte_array_new(), hello->data, hello->len);
    g_autoptr(GByteArray) said = answer(&server, hello);

    cr_expect_null(server.name, "who has no name asks for none");
    cr_expect_eq(hello->data[0], SSL3_RT_HANDSHAKE);
    cr_expect_eq(hello->data[5], SSL3_MT_CLIENT_HELLO);
    cr_expect_eq(hello->len, 5 + (guint)(hello->data[3] << 8 | hello->data[4]));
    cr_expect_eq(feed(chain, said->data, said->len, said->len), CHAIN_DONE);
    cr_expect_eq(hello->len, before->len);
    cr_expect_eq(memcmp(hello->data, before->data, before->len), 0);
    /* Done is done. */
    cr_expect_eq(chain_add(chain, "more", 4), CHAIN_DONE);
    cr_expect_eq(chain_end(chain), CHAIN_DONE);
    expect_chain(chain, "after the end");
    chain_free(chain);
}

Test(chain, what_is_no_certificate)
{
    static const char alert[] = "\x15\x03\x03\x00\x02\x02\x28";
    static const char warning[] = "\x15\x03\x03\x00\x02\x01\x00";
    static const struct {
        const char *what, *reason;
        const char *bytes;
        size_t size;
    } rows[] = {
        {"HTTP", "no-tls", "HTTP/1.1 400 Bad Request\r\n\r\n", 28},
        {"SSH", "no-tls", "SSH-2.0-x\r\n", 11},
        {"SSL 2", "no-tls", "\x80\x2b\x04\x00\x01", 5},
        {"a record of another protocol", "no-tls", "\x16\x02", 2},
        {"an alert", "alert", alert, sizeof alert - 1},
        {"a close_notify", "bad-tls", warning, sizeof warning - 1},
        {"garbage behind a header", "bad-tls", "\x16\x03\x03\x00\x05zzzzz", 10},
        {"nothing", "closed", "", 0},
        {"a piece of a header", "closed", "\x16\x03\x03", 3},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct chain *chain = chain_new("leaf.example.com");
        chain_add(chain, rows[i].bytes, rows[i].size);
        cr_expect_eq(chain_end(chain), CHAIN_FAILED, "%s", rows[i].what);
        expect_failed(chain, rows[i].reason, rows[i].what);
        chain_free(chain);
    }
}

Test(chain, says_what_it_heard)
{
    struct chain *chain = chain_new(NULL);

    chain_add(chain, "220 mail\x1b[2J ready\r\nmore", 24);
    cr_expect(strstr(chain_message(chain), "\"220 mail\\x1b[2J ready\""), "%s", chain_message(chain));
    chain_free(chain);
}

/* A server that wants another group of keys asks for a second hello, which it does not get. */
Test(chain, second_hello)
{
    struct server server = {.version = TLS1_3_VERSION, .groups = "P-384"};
    struct chain *chain = chain_new(NULL);
    g_autoptr(GByteArray) said = answer(&server, chain_hello(chain));

    cr_expect_eq(feed(chain, said->data, said->len, said->len), CHAIN_FAILED);
    expect_failed(chain, "second-hello", "TLS 1.3");
    chain_free(chain);
    server.version = TLS1_2_VERSION; /* which has no such question */
    chain = chain_new(NULL);
    g_autoptr(GByteArray) older = answer(&server, chain_hello(chain));
    cr_expect_eq(feed(chain, older->data, older->len, older->len), CHAIN_DONE);
    chain_free(chain);
}

Test(chain, number_of_certificates)
{
    for (int more = CHAIN_CERTIFICATES - 2; more <= CHAIN_CERTIFICATES - 1; more++) {
        struct server server = {.extra = more};
        struct chain *chain = chain_new(NULL);
        g_autoptr(GByteArray) said = answer(&server, chain_hello(chain));
        feed(chain, said->data, said->len, said->len);
        if (more + 2 <= CHAIN_CERTIFICATES)
            cr_expect_eq(chain_count(chain), CHAIN_CERTIFICATES);
        else
            expect_failed(chain, "limit", "one too many");
        chain_free(chain);
    }
}

/* Certificates beyond all bounds, and records without end: a header that promises, and what never becomes a message. */
Test(chain, limit_of_bytes)
{
    static uint8_t flood[2 * CHAIN_BYTES];
    static const uint8_t promise[] = {0x16, 0x03, 0x03, 0x40, 0x00, 0x02, 0xff, 0xff, 0xff};

    certs_fill(leaf, CHAIN_BYTES);
    struct server server = {.version = TLS1_2_VERSION};
    struct chain *chain = chain_new(NULL);
    g_autoptr(GByteArray) said = answer(&server, chain_hello(chain));
    cr_expect_gt(said->len, CHAIN_BYTES);
    cr_expect_eq(feed(chain, said->data, said->len, 4096), CHAIN_FAILED);
    expect_failed(chain, "limit", "a fat certificate");
    chain_free(chain);

    for (size_t at = 0; at + 5 <= sizeof flood; at += 5 + 4) /* empty HelloRequests, which a client passes over */
        memcpy(flood + at, "\x16\x03\x03\x00\x04\x00\x00\x00\x00", MIN((size_t)9, sizeof flood - at));
    chain = chain_new(NULL);
    cr_expect_eq(feed(chain, flood, sizeof flood, 1000), CHAIN_FAILED);
    cr_expect(g_str_equal(chain_reason(chain), "limit") || g_str_equal(chain_reason(chain), "bad-tls"), "%s: %s",
              chain_reason(chain), chain_message(chain));
    chain_free(chain);

    memset(flood, 0, sizeof flood);
    memcpy(flood, promise, sizeof promise);
    chain = chain_new(NULL);
    cr_expect_eq(feed(chain, flood, sizeof flood, 1000), CHAIN_FAILED);
    chain_free(chain);
}

/* Cut at every byte: the whole chain or a reason, and both happen. */
Test(chain, cut_everywhere)
{
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

    for (size_t i = 0; i < G_N_ELEMENTS(versions); i++) {
        unsigned whole = 0, closed = 0;
        for (guint cut = 0;; cut++) {
            struct server server = {.version = versions[i]};
            struct chain *chain = chain_new(NULL);
            g_autoptr(GByteArray) said = answer(&server, chain_hello(chain));
            if (cut > said->len) {
                chain_free(chain);
                break;
            }
            chain_add(chain, said->data, cut);
            if (chain_end(chain) == CHAIN_DONE) {
                expect_chain(chain, "cut");
                whole++;
            } else {
                expect_failed(chain, "closed", "cut");
                closed++;
            }
            chain_free(chain);
        }
        cr_expect_gt(whole, 0);
        cr_expect_gt(closed, 500);
    }
}

/* A byte changed: mostly refused, sometimes another certificate or the same; never more than what was sent. */
Test(chain, changed_everywhere)
{
    unsigned failed = 0;

    for (guint at = 0;; at += 3) {
        struct server server = {.version = TLS1_2_VERSION};
        struct chain *chain = chain_new(NULL);
        g_autoptr(GByteArray) said = answer(&server, chain_hello(chain));
        if (at >= said->len) {
            chain_free(chain);
            break;
        }
        said->data[at] ^= 0x41;
        chain_add(chain, said->data, said->len);
        if (chain_end(chain) == CHAIN_FAILED)
            failed++;
        cr_expect_leq(chain_certificates(chain)->len, said->len);
        cr_expect_eq(chain_count(chain) == 0, chain_reason(chain) != NULL);
        chain_free(chain);
    }
    cr_expect_gt(failed, 10);
}
