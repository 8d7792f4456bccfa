/* analyzer/message, analyzer/trace_kind: input that is no trace, and what is said of it. */
#include "message.h"

#include "trace_kind.h"
#include "traces.h"

#include <criterion/criterion.h>
#include <string.h>

static struct trace *read_bytes(const char *bytes, size_t size)
{
    struct trace *trace = traces_read_bytes(bytes, size);
    message_find(trace);
    return trace;
}

static const struct named {
    const char *what, *text;
    const char *failures[4]; /* "cause | error | code | target | port" */
} names[] = {
    {"HTTP 421",
     "Error: HTTP error 421 occurred: ICM_HTTP_SSL_PEER_CERT_UNTRUSTED\n",
     {"untrusted-peer | ICM_HTTP_SSL_PEER_CERT_UNTRUSTED | 421 | - | 0"}},
    {"the number is not printed",
     "ICM_HTTP_SSL_PEER_CERT_UNTRUSTED",
     {"untrusted-peer | ICM_HTTP_SSL_PEER_CERT_UNTRUSTED | 0 | - | 0"}},
    {"HTTP 414 with a URL, in German",
     "Kommunikationsfehler beim Aufruf von https://api.partner.example:443/v1 (Statuscode 414, "
     "ICM_HTTP_SSL_CRED_NOT_FOUND)\n",
     {"store-unusable | ICM_HTTP_SSL_CRED_NOT_FOUND | 414 | api.partner.example | 443"}},
    {"HTTP 415, the URL in the line above and without a port",
     "Aufruf: HTTPS://api.example.com/a?b=c\r\nFehler 415 (ICM_HTTP_SSL_CERT_MISMATCH)\r\n",
     {"name-mismatch | ICM_HTTP_SSL_CERT_MISMATCH | 415 | api.example.com | 0"}},
    {"HTTP 418, the host below",
     "418 ICM_HTTP_SSL_PEER_CERT_EXPIRED\n\nHost: api.example.com:8443\n",
     {"expired-peer | ICM_HTTP_SSL_PEER_CERT_EXPIRED | 418 | api.example.com | 8443"}},
    {"HTTP 407 is any failure", "SSL error (ICM_HTTP_SSL_ERROR) 407", {"other | ICM_HTTP_SSL_ERROR | 407 | - | 0"}},
    {"HTTP 408", "ICM_HTTP_SSLPROXY_ERROR", {"proxy-refused | ICM_HTTP_SSLPROXY_ERROR | 0 | - | 0"}},
    {"an ABAP name that is not in the table",
     "ICM_HTTP_SSL_SOMETHING_NEW",
     {"other | ICM_HTTP_SSL_SOMETHING_NEW | 0 | - | 0"}},
    {"in lower case",
     "icm_http_ssl_peer_cert_untrusted",
     {"untrusted-peer | ICM_HTTP_SSL_PEER_CERT_UNTRUSTED | 0 | - | 0"}},
    {"the library's name in lower case",
     "it says ssslerr_peer_cert_untrusted (-102), what now?\n",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | - | 0"}},
    {"... with an S too many, mixed case, no number",
     "SSSSLerr_Peer_Cert_Untrusted",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | 0 | - | 0"}},
    {"a sentence in German round it",
     "SSL-Handshake mit api.example.com:443 ist fehlgeschlagen: SSSLERR_SERVER_CERT_MISMATCH (-30)\n",
     {"name-mismatch | SSSLERR_SERVER_CERT_MISMATCH | -30 | api.example.com | 443"}},
    {"... in French",
     "La liaison avec 192.0.2.7:8443 a \xc3\xa9"
     "chou\xc3\xa9 : sssLRC_conn_closed\n",
     {"closed | SSSLRC_CONN_CLOSED | 0 | 192.0.2.7 | 8443"}},
    {"an alert", "ssslerr_alert_protocol_version", {"handshake | SSSLERR_ALERT_PROTOCOL_VERSION | 0 | - | 0"}},
    {"twice the same, and another",
     "ICM_HTTP_SSL_ERROR and ICM_HTTP_SSL_ERROR\nICM_HTTP_SSL_PEER_CERT_EXPIRED\n",
     {"other | ICM_HTTP_SSL_ERROR | 0 | - | 0", "expired-peer | ICM_HTTP_SSL_PEER_CERT_EXPIRED | 0 | - | 0"}},
    {"one error of two hosts",
     "https://a.example ICM_HTTP_SSL_ERROR\nhttps://b.example ICM_HTTP_SSL_ERROR\n",
     {"other | ICM_HTTP_SSL_ERROR | 0 | a.example | 0", "other | ICM_HTTP_SSL_ERROR | 0 | b.example | 0"}},
    {"a host six lines away is another's",
     "https://a.example\n1\n2\n3\n4\n5\nICM_HTTP_SSL_ERROR\n",
     {"other | ICM_HTTP_SSL_ERROR | 0 | - | 0"}},
    {"... five lines away is its own",
     "https://a.example\n1\n2\n3\n4\nICM_HTTP_SSL_ERROR\n",
     {"other | ICM_HTTP_SSL_ERROR | 0 | a.example | 0"}},
    {"not a TLS error", "ICM_HTTP_CONNECTION_FAILED (400)", {NULL}},
    {"part of a longer word", "MY_ICM_HTTP_SSL_ERROR XSSSLERR_SSL_READ ICM_HTTP_ SSSLERR_", {NULL}},
    {"in a trace it may be anything", "[Thr 1] GET /?x=ICM_HTTP_SSL_ERROR&y=#SSSLERR_SSL_READ\n", {NULL}},
};

Test(message, names)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const struct named *row = &names[i];
        g_autoptr(trace_auto) trace = read_bytes(row->text, strlen(row->text));
        guint n = 0;
        for (; n < trace->failures->len && row->failures[n]; n++) {
            const struct trace_failure *failure = trace->failures->pdata[n];
            g_autofree char *text =
                g_strdup_printf("%s | %s | %d | %s | %d", audit_cause_name(failure->cause), failure->error,
                                failure->code, failure->target ? failure->target : "-", failure->port);
            cr_expect_str_eq(text, row->failures[n], "%s: %s", row->what, text);
            cr_expect(failure->message, "%s", row->what);
            cr_expect_eq(failure->lines->len, 1, "%s: its line is quoted", row->what);
        }
        cr_expect(n == trace->failures->len && !row->failures[n], "%s: %u failures", row->what, trace->failures->len);
    }
}

/* However often errors are named, what is looked at is bounded. */
Test(message, limits)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < MESSAGE_ERRORS + 1; i++)
        g_string_append_printf(text, "https://h%d.example ICM_HTTP_SSL_ERROR\n", i);
    g_autoptr(trace_auto) errors = read_bytes(text->str, text->len);
    cr_expect_eq(errors->failures->len, MESSAGE_ERRORS);

    g_string_truncate(text, 0);
    for (int i = 0; i < MESSAGE_NAMES - 1; i++)
        g_string_append(text, "ICM_HTTP_TIMEOUT\n");
    g_string_append(text, "ICM_HTTP_SSL_ERROR\n");
    g_autoptr(trace_auto) last = read_bytes(text->str, text->len);
    cr_expect_eq(last->failures->len, 1);
    g_string_prepend(text, "ICM_HTTP_TIMEOUT\n");
    g_autoptr(trace_auto) beyond = read_bytes(text->str, text->len);
    cr_expect_eq(beyond->failures->len, 0);
}

#define BYTES(text) (text), sizeof(text) - 1

static const struct kind {
    const char *what, *bytes;
    size_t size;
    const char *seen; /* NULL: a trace */
} kinds[] = {
    {"nothing", BYTES(""), "is empty"},
    {"blank lines", BYTES("\r\n \t\n"), "is empty"},
    {"gzip", BYTES("\x1f\x8b\x08\x00\x00\x00\x00\x00"), "is gzip-compressed data"},
    {"zip", BYTES("PK\x03\x04\x14\x00"), "is a zip archive (or an Office document)"},
    {"xz", BYTES("\xfd\x37zXZ\x00\x00"), "is xz-compressed data"},
    {"zstd", BYTES("\x28\xb5\x2f\xfd\x04\x00"), "is zstd-compressed data"},
    {"PDF", BYTES("%PDF-1.7\n"), "is a PDF document"},
    {"a certificate", BYTES("\x30\x82\x03\x10\x30\x82"), "is a certificate or a PSE"},
    {"PEM", BYTES("-----BEGIN CERTIFICATE-----\n"), "is a certificate or a key in PEM"},
    {"control bytes", BYTES("\x01\x02\x03\x04 abcd"), "is binary data, not text"},
    {"another error of ABAP", BYTES("icm_http_timeout"),
     "names the error icm_http_timeout, which is not a TLS error, and has no line of a trace"},
    {"German", BYTES("Das Zertifikat der Gegenstelle ist nicht vertrauensw\xc3\xbcrdig\n"),
     "speaks of TLS or certificates, but has no line of a trace and no name of an error"},
    {"English", BYTES("The SSL connection failed\n"),
     "speaks of TLS or certificates, but has no line of a trace and no name of an error"},
    {"a web page", BYTES("<!DOCTYPE html>\n<HTML lang=de>\n"), "is a web page in which no line of a trace was found"},
    {"prose", BYTES("all is well\n"), "is text without any line of a trace"},
    {"a thread prefix", BYTES("[Thr 1] all is well\n"), NULL},
    {"a quoted one", BYTES("> [Thr 1] all is well\n"), NULL},
    {"a title", BYTES("--------------------\ntrc file: \"dev_icm\", trc level: 1, release: \"785\"\n"), NULL},
    {"a time stamp", BYTES("Sun Nov 22 01:02:03:344 2026\nall is well\n"), NULL},
    {"a call that went well", BYTES("  <<- SapSSLSessionStart(sssl_hdl=1)==SAP_O_K\n"), NULL},
    {"a work process", BYTES("M  *** ERROR => ThCallHooks [thxxhook.c 1]\n"), NULL},
    {"a failure", BYTES("SSSLERR_PEER_CERT_UNTRUSTED (-102)\n"), NULL},
};

Test(message, kinds)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const struct kind *row = &kinds[i];
        g_autoptr(trace_auto) trace = read_bytes(row->bytes, row->size);
        cr_expect_eq(trace_kind_is_trace(trace), row->seen == NULL, "%s", row->what);
        if (!row->seen) {
            continue;
        }
        g_autofree char *seen = trace_kind_seen(trace), *need = trace_kind_need(trace);
        cr_expect_str_eq(seen, row->seen, "%s: %s", row->what, seen);
        cr_expect(g_str_has_suffix(need, "."), "%s: %s", row->what, need);
    }
}

/* UTF-16 without a byte order mark, in either order, whole and from the middle of a unit. */
Test(message, utf16_without_mark)
{
    static const char text[] = "[Thr 1] *** ERROR => SSL handshake with api.example.com:443 failed: "
                               "SSSLERR_PEER_CERT_UNTRUSTED (-102)\r\n";
    for (int big = 0; big < 2; big++) {
        for (size_t skip = 0; skip < 2; skip++) {
            char wide[2 * sizeof text] = {0};
            for (size_t i = 0; i < sizeof text - 1; i++)
                wide[2 * i + (size_t)big] = text[i];
            g_autoptr(trace_auto) trace = read_bytes(wide + skip, 2 * (sizeof text - 1) - skip);
            cr_assert_eq(trace->failures->len, 1, "%d %zu", big, skip);
            const struct trace_failure *failure = trace->failures->pdata[0];
            cr_expect_str_eq(failure->target, "api.example.com");
            cr_expect_eq(failure->code, -102);
            cr_expect_not(trace->binary);
        }
        /* The second line of a text that is no trace stands where it stands in the file. */
        static const char prose[] = "Zw\xc3\xb6lf\nICM_HTTP_SSL_ERROR\n";
        g_autofree gunichar2 *units = g_utf8_to_utf16(prose, -1, NULL, NULL, NULL);
        glong n = g_utf8_strlen(prose, -1);
        for (glong i = 0; big && i < n; i++)
            units[i] = GUINT16_SWAP_LE_BE(units[i]);
        g_autoptr(trace_auto) named = read_bytes((const char *)units, 2 * (size_t)n);
        cr_assert_eq(named->failures->len, 1);
        cr_expect_eq(((struct trace_failure *)named->failures->pdata[0])->offset, 12);
    }
}

/* Seven NULs of eight bytes make UTF-16 of it, six don't, and fifteen bytes are too few. */
Test(message, utf16_guess)
{
    static const struct {
        const char *what, *bytes;
        size_t size;
        gboolean wide;
    } rows[] = {
        {"all", BYTES("a\0b\0c\0d\0e\0f\0g\0h\0"), TRUE},
        {"seven of eight", BYTES("a\0b\0c\0d\0e\0f\0g\0hh"), TRUE},
        {"six of eight", BYTES("a\0b\0c\0d\0e\0f\0gghh"), FALSE},
        {"seven units", BYTES("a\0b\0c\0d\0e\0f\0g\0h"), FALSE},
        {"a NUL on the other side", BYTES("\0\0b\0c\0d\0e\0f\0g\0h\0"), FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(trace_auto) trace = read_bytes(rows[i].bytes, rows[i].size);
        cr_expect_eq(memchr(trace->sample->str, '\0', trace->sample->len) == NULL, rows[i].wide, "%s", rows[i].what);
    }
}
