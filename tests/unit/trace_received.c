/* analyzer/trace_received: certificates that a trace of level 3 holds whole.  How it lays them out is not known; every
 * layout here is synthetic. */
#include "trace_received.h"

#include "certs.h"
#include "traces.h"

#include <criterion/criterion.h>
#include <string.h>

#define PSE    "[Thr 1]    session uses PSE file \"/usr/sap/PRD/D00/sec/SAPSSLC.pse\"\n"
#define DURING "[Thr 1] *** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n"
#define FAILED                                                                                                         \
    "[Thr 1] *** ERROR => SSL handshake with api.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n"

static struct issued *root, *issuing, *leaf, *stranger;

static void make(void)
{
    root = certs(.subject = "/C=DE/O=Example Trust/CN=Example Root R1");
    issuing = certs(.subject = "/C=DE/O=Example Trust/CN=Example Issuing CA 1", .issuer = root);
    leaf = certs(.subject = "/C=DE/O=Example, Inc./CN=api.example.com", .issuer = issuing, .leaf = TRUE,
                 .serial = "0A06112233445566");
    stranger = certs(.subject = "/CN=stranger.example.net");
}

static void clear(void)
{
    certs_free(root);
    certs_free(issuing);
    certs_free(leaf);
    certs_free(stranger);
}

TestSuite(trace_received, .init = make, .fini = clear);

static char *base64(GBytes *bytes)
{
    return g_base64_encode(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

/* A certificate in lines of ${width} characters of the first thread; framed as PEM, or behind a label, or bare. */
enum layout { BARE, PEM, LABEL, QUOTED };

static void put(GString *text, const struct issued *cert, size_t width, enum layout layout)
{
    g_autofree char *all = base64(cert->der);
    size_t length = strlen(all);

    if (layout == PEM)
        g_string_append(text, "[Thr 1] -----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; at < length; at += width)
        g_string_append_printf(text, "[Thr 1] %s%.*s%s\n",
                               at > 0             ? ""
                               : layout == LABEL  ? "  cert[0]: "
                               : layout == QUOTED ? "  received = \""
                                                  : "  ",
                               (int)MIN(width, length - at), all + at,
                               layout == QUOTED && at + width >= length ? "\"" : "");
    if (layout == PEM)
        g_string_append(text, "[Thr 1] -----END CERTIFICATE-----\n");
}

static const struct trace_failure *only(const struct trace *trace, const char *what)
{
    cr_assert_eq(trace->failures->len, 1, "%s: %u", what, trace->failures->len);
    return trace->failures->pdata[0];
}

static void expect_chain(const struct trace_failure *failure, const char *what)
{
    cr_assert_eq(failure->chain->len, 2, "%s: %u", what, failure->chain->len);
    const struct trace_cert *first = failure->chain->pdata[0], *second = failure->chain->pdata[1];
    cr_expect_str_eq(first->subject, "CN=api.example.com, O=\"Example, Inc.\", C=DE");
    cr_expect_str_eq(first->issuer, "CN=Example Issuing CA 1, O=Example Trust, C=DE");
    cr_expect_str_eq(first->serial, "0A:06:11:22:33:44:55:66");
    cr_expect(first->der && g_bytes_equal(first->der, leaf->der), "%s", what);
    cr_expect_eq(strlen(first->sha256), 64);
    cr_expect_eq(strlen(first->sha1), 40);
    cr_expect(second->der && g_bytes_equal(second->der, issuing->der), "%s", what);
    cr_expect_str_eq(failure->missing, "CN=Example Root R1, O=Example Trust, C=DE", "%s", what);
    cr_expect_eq(failure->certainty, CERTAINTY_ISSUER);
}

Test(trace_received, in_every_layout)
{
    static const size_t widths[] = {60, 64, 76, 77, 100000};
    for (size_t i = 0; i < G_N_ELEMENTS(widths) * 4 * 2; i++) {
        size_t width = widths[i / 8];
        enum layout layout = (enum layout)(i / 2 % 4);
        gboolean before = i % 2;
        g_autofree char *what = g_strdup_printf("width %zu, layout %d, %s", width, layout, before ? "above" : "below");
        g_autoptr(GString) text = g_string_new(before ? "" : DURING PSE);
        put(text, leaf, width, layout);
        put(text, issuing, width, layout);
        g_string_append(text, before ? DURING PSE FAILED : FAILED);
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        expect_chain(only(trace, what), what);
        traces_assert_sound(trace, text->len);
    }
}

Test(trace_received, up_to_the_root)
{
    g_autoptr(GString) text = g_string_new(NULL);
    put(text, leaf, 64, PEM);
    put(text, issuing, 64, PEM);
    put(text, root, 64, PEM);
    put(text, issuing, 64, PEM); /* once more */
    g_string_append(text, DURING PSE FAILED);
    g_autoptr(trace_auto) trace = traces_read_text(text->str);
    const struct trace_failure *failure = only(trace, "root");
    cr_expect_eq(failure->chain->len, 3);
    cr_expect_str_eq(failure->missing, "CN=Example Root R1, O=Example Trust, C=DE");
    cr_expect_eq(failure->certainty, CERTAINTY_SELF_SIGNED);
}

/* The printed tree goes on where the received chain ends, and has the checks. */
Test(trace_received, with_a_printed_tree)
{
    static const char tree[] = "[Thr 1] >> -- Begin of Secu-SSL Errorstack -- >>\n[Thr 1] Peer not trusted\n"
                               "[Thr 1] Certificate:\n[Thr 1]  Certificate:\n"
                               "[Thr 1]   Subject: CN=%s, O=\"Example, Inc.\", C=DE\n"
                               "[Thr 1]   Issuer: CN=Example Issuing CA 1, O=Example Trust, C=DE\n"
                               "[Thr 1]   SignerVerificationResult:\n[Thr 1]    KeyUsage: Not successful\n"
                               "[Thr 1]    SignerCert:\n[Thr 1]     Certificate:\n"
                               "[Thr 1]      Subject: CN=Example Issuing CA 1, O=Example Trust, C=DE\n"
                               "[Thr 1]      Issuer: CN=Example Root R1, O=Example Trust, C=DE\n"
                               "[Thr 1] << -- End of Secu-SSL Errorstack --\n";
    for (int other = 0; other < 2; other++) {
        g_autoptr(GString) text = g_string_new(DURING PSE);
        put(text, leaf, 64, BARE);
        g_string_append_printf(text, tree, other ? "other.example.com" : "api.example.com");
        g_string_append(text, FAILED);
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        const struct trace_failure *failure = only(trace, "tree");
        cr_assert_eq(failure->chain->len, 2);
        const struct trace_cert *first = failure->chain->pdata[0], *second = failure->chain->pdata[1];
        cr_expect_eq(first->der == NULL, other, "a certificate of somebody else is not taken");
        cr_expect(strstr(first->subject, other ? "CN=other" : "CN=api"));
        cr_expect_str_eq(second->subject, "CN=Example Issuing CA 1, O=Example Trust, C=DE");
        cr_expect_null(second->der);
        cr_expect_str_eq(failure->failed_check, "KeyUsage");
    }
}

Test(trace_received, of_other_connections)
{
    g_autoptr(GString) well = g_string_new(NULL), restarted = g_string_new(NULL), thread = g_string_new(NULL);

    put(well, stranger, 64, PEM);
    g_string_append(well, "[Thr 1] <<- SapSSLSessionStartNB(sssl_hdl=a1)==SAP_O_K\n" DURING PSE FAILED);
    g_autoptr(trace_auto) first = traces_read_text(well->str);
    cr_expect_eq(only(first, "went well")->chain->len, 0);

    put(restarted, stranger, 64, PEM);
    put(restarted, leaf, 64, PEM);
    put(restarted, issuing, 64, PEM);
    g_string_append(restarted, DURING PSE FAILED);
    g_autoptr(trace_auto) second = traces_read_text(restarted->str);
    expect_chain(only(second, "another leaf"), "another leaf");

    put(thread, stranger, 64, PEM);
    g_auto(GStrv) pieces = g_strsplit(thread->str, "[Thr 1]", -1);
    g_autofree char *other = g_strjoinv("[Thr 2]", pieces);
    g_autofree char *text = g_strconcat(other, DURING PSE FAILED, NULL);
    g_autoptr(trace_auto) third = traces_read_text(text);
    cr_expect_eq(only(third, "another thread")->chain->len, 0);
}

/* What is no certificate: half of one, a key, other base64, a length that lies. */
Test(trace_received, proves_nothing)
{
    g_autofree char *whole = base64(leaf->der);
    unsigned char *key = NULL;
    int key_size = i2d_PrivateKey(leaf->key, &key);
    g_autofree char *key_text = g_base64_encode(key, (gsize)key_size);
    g_autofree char *half = g_strndup(whole, strlen(whole) / 2);
    g_autofree char *flipped = g_strdup(whole);
    flipped[strlen(flipped) / 2] = flipped[strlen(flipped) / 2] == 'A' ? 'B' : 'A';
    flipped[20] = '!';
    const char *const texts[] = {half,       key_text,   "MII",  "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A",
                                 "MIIAAA==", "MII/////", flipped};

    OPENSSL_free(key);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = g_strconcat(DURING PSE "[Thr 1] ", texts[i], "\n[Thr 1] words and more\n" FAILED, NULL);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        const struct trace_failure *failure = only(trace, texts[i]);
        cr_expect_eq(failure->chain->len, 0, "%s", texts[i]);
        cr_expect_eq(failure->certainty, CERTAINTY_UNKNOWN);
        for (guint j = 0; j < failure->lines->len; j++)
            cr_expect_null(strstr(failure->lines->pdata[j], "MII"), "base64 is not quoted: it may be a key");
    }
}

Test(trace_received, limits)
{
    struct received received;
    received_init(&received);
    for (int i = 0; i < 2; i++) {
        struct issued *large = certs(.subject = "/CN=Large");
        certs_fill(large, i ? RECEIVED_CERT_BYTES : RECEIVED_CERT_BYTES / 2);
        g_autofree char *text = base64(large->der);
        received_take(&received, slice_text(text), TRUE);
        cr_expect_eq(received.certs->len, 1, "%d", i);
        certs_free(large);
    }
    received_clear(&received);
}
