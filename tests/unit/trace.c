/* analyzer/trace: from the bytes of a trace to failures.  Every sample and every line here is made up after the
 * grammar. */
#include "trace.h"

#include "moment.h"
#include "trace_filter.h"
#include "traces.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct sample {
    const char *what, *file;
    const char *failures[11]; /* see traces_summary() */
} samples[] = {
    {"row 3, 27: tree up to the self-signed root, stamp above",
     "tree-root.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | "
      "shop.example.com | 203.0.113.80:443 | CN=Sample Root X7, O=Sample Trust, C=NL | self-signed | 3 | -"}},
    {"row 4: tree up to an intermediate",
     "tree-issuer.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | "
      "shop.example.com | 203.0.113.80:443 | CN=Sample Root X7, O=Sample Trust, C=NL | issuer | 2 | -"}},
    {"row 5: leaf alone",
     "tree-leaf.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | "
      "shop.example.com | 203.0.113.80:443 | CN=Sample Issuing CA 7, O=Sample Trust, C=NL | issuer | 1 | -"}},
    {"row 7: somebody cut the topmost certificate below its subject",
     "tree-cut.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | "
      "shop.example.com | 203.0.113.80:443 | CN=Sample Root X7, O=Sample Trust, C=NL | issuer | 3 | -"}},
    {"row 8: the signer's validity is the deepest check that failed",
     "tree-validity.trc",
     {"expired-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | "
      "shop.example.com | 203.0.113.80:443 | - | unknown | 2 | Validity"}},
    {"row 10: the signer is no CA",
     "tree-constraints.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | "
      "shop.example.com | 203.0.113.80:443 | - | unknown | 2 | BasicConstraints"}},
    {"row 34: the topmost certificate is cross-signed",
     "tree-cross-signed.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | "
      "shop.example.com | 203.0.113.80:443 | CN=Elder Root, O=Elder Trust, C=NL | issuer | 3 | -"}},
    {"blanks collapsed, no prefix: the order of SignerCert lines is the tree",
     "tree-collapsed.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | "
      "shop.example.com | 203.0.113.80:443 | CN=Sample Root X7, O=Sample Trust, C=NL | self-signed | 3 | -"}},
    {"row 1: the old form on Windows, its name cut in an open quote",
     "secude.trc",
     {"untrusted-peer | SSSLERR_SSL_CONNECT | -57 | client | E:\\usr\\sap\\DEV\\DVEBMGS03\\sec\\SAPSSLC.pse | - | "
      "198.51.100.90:8443 | OU=Sample Class 2 Public Primary Certification Auth (cut) | named | 0 | -"}},
    {"the old form with its stack in one line, the name whole with quotes in it",
     "secude-joined.trc",
     {"untrusted-peer | SSSLERR_SSL_CONNECT | -57 | client | /usr/sap/DEV/DVEBMGS03/sec/SAPSSLA.pse | - | - | "
      "OU=Sample Class 2, O=\"Sample, Inc.\", C=US | named | 0 | -"}},
    {"row 6, 9: the guide's form with words round it that are no failures",
     "guide.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/SID/INSTANCE/sec/THE_PSE_TO_LOOK_AT.pse "
      "| - | - | CN= , OU=I11111111, OU=SAP AS, O=Test CA, C=DE | self-signed | 1 | -"}},
    {"row 9: the guide's form, another issuer, dates long past",
     "flat.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLA.pse | - | "
      "198.51.100.20:443 | CN=Sample Issuing CA 2, O=\"Hub, Inc.\", C=US | issuer | 1 | -"}},
    {"row 11: found out while reading",
     "read.trc",
     {"untrusted-peer | SSSLERR_SSL_READ | 0 | unknown | - | - | - | - | unknown | 0 | -"}},
    {"row 2, 24: headline, sentence and return name are one failure",
     "headline.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | code.example.org | - | - | unknown | 0 | -"}},
    {"row 15: a client's certificate that the server does not trust",
     "server-untrusted.trc",
     {"untrusted-peer | SSSLERR_SSL_ACCEPT | -56 | server | /usr/sap/QAS/D20/sec/SAPSSLS.pse | - | 203.0.113.17:60111 "
      "| CN=Factory Devices CA, O=Factory, C=AT | issuer | 1 | -"}},
    {"row 14, 31: the client does not trust the server; turned round",
     "server-refused.trc",
     {"peer-refused | SSSLERR_SSL_ACCEPT | -56 | server | /usr/sap/QAS/D20/sec/SAPSSLS.pse | - | - | - | unknown | 0 | "
      "-"}},
    {"row 23, 31: two turned round, one behind the other on one thread",
     "client-turned.trc",
     {"untrusted-peer | SSSLERR_SSL_CONNECT | -57 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | - | - | - | unknown | "
      "0 | -",
      "handshake | SSSLERR_SSL_CONNECT | -57 | client | /usr/sap/QAS/D20/sec/SAPSSLA.pse | - | - | - | unknown | 0 | "
      "-"}},
    {"row 17, 18, 33 and other causes",
     "others.trc",
     {"name-mismatch | SSSLERR_SERVER_CERT_MISMATCH | -30 | client | - | shop.example.com | - | - | unknown | 1 | -",
      "handshake | SSSLERR_ALERT_HANDSHAKE_FAILURE | -122 | client | - | hub.example.com | - | - | unknown | 0 | -",
      "closed | SSSLRC_CONN_CLOSED | -10 | client | - | dev.example.com | - | - | unknown | 0 | -",
      "not-tls | SSSLRC_NO_SSL_RESPONSE | -75 | client | - | localhost | - | - | unknown | 0 | -",
      "proxy-refused | - | 0 | client | - | shop.example.com | - | - | unknown | 0 | -",
      "expired-peer | SSSLERR_PEER_CERT_EXPIRED | 0 | client | - | old.example.com | 198.51.100.9:443 | - | unknown | "
      "0 | -",
      "store-unusable | SSSLERR_CRED_NOT_FOUND | -42 | server | - | - | - | - | unknown | 0 | -",
      "reverse-proxy | - | 0 | unknown | - | - | - | - | unknown | 0 | -",
      "peer-refused | SSSLERR_ALERT_CERTIFICATE_UNKNOWN | -127 | client | - | bank.example.com | - | - | unknown | 0 | "
      "-",
      "other | SSSLERR_EWOULDBLOCK | 0 | unknown | - | - | - | - | unknown | 0 | -"}},
    {"row 16, 28, 29: successes, dumps, paths and other errors", "success.trc", {NULL}},
    {"row 22, 32: two threads take turns",
     "interleaved.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | "
      "one.example.com | 203.0.113.80:443 | CN=Sample Root X7, O=Sample Trust, C=NL | issuer | 2 | -",
      "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLA.pse | "
      "two.example.com | 203.0.113.81:443 | CN=Autre CA, C=FR | issuer | 1 | -"}},
    {"a message's text from ABAP, details behind the error",
     "message.trc",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | git.example.com | "
      "198.51.100.7:443 | - | unknown | 0 | -"}},
    {"row 30: lines joined by #, which also stands in a quoted value",
     "list.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | api.example.com | - | CN=Sample CA 2, "
      "O=\"Sample #1\", C=DE | issuer | 1 | -"}},
    {"row 19: quoted in Markdown with curly quotes, long dashes, too many S, addresses taken out",
     "copied.trc",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | - | - | "
      "CN=Sample CA, C=DE | issuer | 1 | -"}},
};

Test(trace, samples)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i].file);
        g_autoptr(trace_auto) trace = traces_read_bytes(bytes, size);
        traces_expect(samples[i].what, trace, samples[i].failures);
        traces_assert_sound(trace, size);
    }
}

Test(trace, samples_with_other_line_ends)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i].file);
        g_auto(GStrv) lines = g_strsplit(bytes, "\n", -1);
        g_autofree char *dos = g_strjoinv("\r\n", lines);
        g_autoptr(trace_auto) trace = traces_read_text(dos);
        traces_expect(samples[i].what, trace, samples[i].failures);
    }
}

Test(trace, samples_in_utf16)
{
    static const char *const marks[] = {"\xff\xfe", "\xfe\xff"}, *const names[] = {"UTF-16LE", "UTF-16BE"};

    for (size_t i = 0; i < G_N_ELEMENTS(samples) * 2; i++) {
        size_t size, wide_size;
        g_autofree char *bytes = traces_load(&size, samples[i / 2].file);
        g_autofree char *wide = g_convert(bytes, (gssize)size, names[i % 2], "UTF-8", NULL, &wide_size, NULL);
        g_autoptr(GString) text = g_string_new(marks[i % 2]);
        g_string_append_len(text, wide, (gssize)wide_size);
        g_autoptr(trace_auto) trace = traces_read_bytes(text->str, text->len);
        traces_expect(samples[i / 2].what, trace, samples[i / 2].failures);
        traces_assert_sound(trace, text->len);
    }
}

Test(trace, split_anywhere_is_the_same)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i].file);
        g_autoptr(trace_auto) whole = traces_read_bytes(bytes, size);
        g_autofree char *want = traces_describe(whole);
        for (size_t split = 0; split <= size; split++) {
            g_autoptr(trace_auto) trace = traces_read_parts(bytes, size, split, split);
            g_autofree char *got = traces_describe(trace);
            cr_assert_str_eq(got, want, "%s at %zu", samples[i].what, split);
            cr_assert_eq(trace->lines, whole->lines);
        }
    }
}

/* Single bytes never let the reader pass over lines, so that both of its ways are compared. */
Test(trace, byte_for_byte_is_the_same)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i].file);
        g_autoptr(trace_auto) whole = traces_read_bytes(bytes, size);
        g_autoptr(trace_auto) trace = trace_new();
        trace_begin(trace, 0);
        for (size_t at = 0; at < size; at++)
            trace_read(trace, bytes + at, 1);
        traces_end(trace);
        g_autofree char *want = traces_describe(whole), *got = traces_describe(trace);
        cr_assert_str_eq(got, want, "%s", samples[i].what);
    }
}

Test(trace, rotated_anywhere_is_the_same)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i].file);
        g_autoptr(trace_auto) whole = traces_read_bytes(bytes, size);
        g_autofree char *want = traces_describe(whole);
        for (const char *feed = bytes; (feed = strchr(feed, '\n')); feed++) {
            g_autoptr(trace_auto) trace = traces_read_parts(bytes, size, (size_t)(feed + 1 - bytes), 0);
            g_autofree char *got = traces_describe(trace);
            cr_assert_str_eq(got, want, "%s behind %.40s", samples[i].what, feed + 1);
        }
    }
}

Test(trace, every_truncation)
{
    unsigned fewer = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i].file);
        for (size_t cut = 0; cut < size; cut++) {
            g_autoptr(trace_auto) trace = traces_read_bytes(bytes, cut);
            traces_assert_sound(trace, cut);
            cr_assert_leq(trace->failures->len, MAX(g_strv_length((char **)samples[i].failures), 1), "%s cut at %zu",
                          samples[i].what, cut);
            fewer += trace->failures->len < g_strv_length((char **)samples[i].failures);
        }
    }
    cr_expect_gt(fewer, 1000, "half a block is no whole one");
}

Test(trace, flipped_bytes)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20261122);
    unsigned other = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i].file);
        g_autoptr(trace_auto) whole = traces_read_bytes(bytes, size);
        g_autofree char *want = traces_describe(whole);
        for (size_t at = 0; at < size; at++) {
            char saved = bytes[at];
            bytes[at] = (char)(saved ^ (1 << g_rand_int_range(rand, 0, 8)));
            g_autoptr(trace_auto) trace = traces_read_bytes(bytes, size);
            traces_assert_sound(trace, size);
            g_autofree char *got = traces_describe(trace);
            other += strcmp(got, want) != 0;
            bytes[at] = saved;
        }
    }
    cr_expect_gt(other, 1000);
}

/* ---- Lines that are joined, torn, lengthened, and told by many threads ---- */

struct limits { /* how often they were reached */
    uint64_t lines_cut, blocks_closed, befores_cut, longest;
};

static void read_mutant(const char *what, const GString *text, struct limits *limits)
{
    g_autoptr(trace_auto) whole = traces_read_bytes(text->str, text->len), pieces = trace_new();

    traces_assert_sound(whole, MAX(text->len, 1));
    trace_begin(pieces, 0);
    for (size_t at = 0; at < text->len; at += MIN(4099, text->len - at))
        trace_read(pieces, text->str + at, MIN(4099, text->len - at));
    traces_end(pieces);
    g_autofree char *want = traces_describe(whole), *got = traces_describe(pieces);
    cr_assert_str_eq(got, want, "%s", what);
    limits->lines_cut += whole->lines_cut;
    limits->blocks_closed += whole->blocks_closed;
    limits->befores_cut += whole->befores_cut;
    limits->longest = MAX(limits->longest, whole->longest);
}

/* One line feed less, and a blank or nothing in its place; or none at all. */
static void join_lines(const char *what, const GString *text, struct limits *limits)
{
    g_autoptr(GString) flat = g_string_new(text->str), blank = g_string_new(text->str);

    for (size_t at = 0; at < text->len; at++) {
        if (text->str[at] != '\n')
            continue;
        g_autoptr(GString) less = g_string_new(text->str);
        read_mutant(what, g_string_erase(less, (gssize)at, 1), limits);
        g_string_assign(less, text->str);
        less->str[at] = ' ';
        read_mutant(what, less, limits);
        blank->str[at] = ' ';
    }
    g_string_replace(flat, "\n", "", 0);
    read_mutant(what, flat, limits);
    read_mutant(what, blank, limits);
}

/* A line as long as the limits, and longer than all that is kept; ${at} is in it. */
static void lengthen(const char *what, const GString *text, size_t at, struct limits *limits)
{
    static const size_t lengths[] = {TRACE_LINE_BYTES - 100, TRACE_LINE_BYTES, TRACE_LINE_BYTES + TRACE_BEFORE_BYTES,
                                     TRACE_LINE_BYTES + TRACE_BEFORE_BYTES + 300};

    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autofree char *filling = g_strnfill(lengths[i], 'x');
        g_autoptr(GString) longer = g_string_new(text->str);
        read_mutant(what, g_string_insert(longer, (gssize)at, filling), limits);
        g_string_truncate(longer, at + lengths[i]); /* the file ends in it */
        read_mutant(what, longer, limits);
    }
}

/* The same lines by so many threads, each line by all of them before the next; ${joined}: all in one line. */
static void multiply(const char *what, const GString *text, unsigned threads, gboolean joined, struct limits *limits)
{
    g_auto(GStrv) lines = g_strsplit(text->str, "\n", -1);
    g_autoptr(GString) many = g_string_new(NULL);

    for (unsigned i = 0; lines[i] && lines[i][0]; i++) {
        const char *end = g_str_has_prefix(lines[i], "[Thr ") ? strstr(lines[i], "] ") : NULL;
        for (unsigned thread = 0; thread < threads; thread++)
            g_string_append_printf(many, "[Thr %u] %s%s", thread, end ? end + 2 : lines[i], joined ? " " : "\n");
    }
    read_mutant(what, many, limits);
}

Test(trace, mutated_lines)
{
    struct limits limits = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i].file);
        g_autoptr(GString) text = g_string_new_len(bytes, (gssize)size);
        join_lines(samples[i].what, text, &limits);
        for (size_t n = 1; n <= 3; n++)
            lengthen(samples[i].what, text, size * n / 4, &limits);
        multiply(samples[i].what, text, TRACE_BLOCK_THREADS, FALSE, &limits);
        multiply(samples[i].what, text, TRACE_BLOCK_THREADS + 1, FALSE, &limits);
        multiply(samples[i].what, text, TRACE_BLOCK_THREADS + 44, TRUE, &limits);
    }
    cr_expect_gt(limits.lines_cut, 100);
    cr_expect_gt(limits.longest, TRACE_LINE_BYTES + TRACE_BEFORE_BYTES);
    cr_expect_gt(limits.befores_cut, 10);
    cr_expect_gt(limits.blocks_closed, 1000);
}

#define HEADLINE "*** ERROR => SSL handshake with a.example.com:443 failed: "

/* Lines in short; a case of which no public example is known says "synthetic" as all of them should. */
static const struct {
    const char *what, *text;
    const char *failures[4];
} cases[] = {
    {"nothing", "", {NULL}},
    {"a line feed", "\n", {NULL}},
    {"row 12: a read fails with an alert of the peer",
     "[Thr 1] *** ERROR during secussl_read() from SSL_read()==SSL_ERROR_SSL\n"
     "[Thr 1] secussl_read: SSL_read() failed\n"
     "[Thr 1]   => \"received a fatal TLS protocol version alert message from the peer\"\n"
     "[Thr 1] " HEADLINE "SSSLERR_SSL_READ (-58)\n",
     {"handshake | SSSLERR_SSL_READ | -58 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"row 13: the alert's sentence is cut, its number is in the library's code",
     "[Thr 1] SAPCRYPTO: SSL_read() failed (536875120/0x20001070)\n"
     "[Thr 1]   => \"received a f\n"
     "[Thr 1] " HEADLINE "SSSLERR_SSL_READ (-58)\n",
     {"handshake | SSSLERR_SSL_READ | -58 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"flattened, the hexadecimal number is cut too: the decimal one tells it",
     HEADLINE "SSSLERR_SSL_READ (-58) SAPCRYPTO:SSL_read() failed SapSSLSessionStartNB()==SSSLERR_SSL_READ "
              "SSL:SSL_read() failed (536875078/0x200\n",
     {"peer-refused | SSSLERR_SSL_READ | -58 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"a library code that is no alert",
     "[Thr 1] SecuSSL_SessionStartNB: SSL_connect() failed (536872221/0x2000051d)\n[Thr 1] " HEADLINE
     "SSSLERR_SSL_CONNECT (-57)\n",
     {"handshake | SSSLERR_SSL_CONNECT | -57 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"an alert that we sent is not one that we got",
     "[Thr 1] SecuSSL_SessionStartNB: SSL_connect() failed (536875078/0x20001046)\n"
     "[Thr 1]   => \"aborted TLS handshake with fatal TLS certificate unknown alert\"\n[Thr 1] " HEADLINE
     "SSSLERR_SSL_CONNECT (-57)\n",
     {"handshake | SSSLERR_SSL_CONNECT | -57 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"an alert without a name",
     HEADLINE "SSSLERR_SSL_READ (-58)\nreceived a fatal TLS alert message\n",
     {"handshake | SSSLERR_SSL_READ | -58 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"close notify is no refusal",
     HEADLINE "SSSLRC_CONN_CLOSED (-10)\nreceived a warning TLS close notify alert message\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"row 20: \"missing\" with nothing behind it names nothing",
     HEADLINE "SSSLERR_PEER_CERT_UNTRUSTED (-102)\nPeer's X.509 certificate (chain) validation failed (missing",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"row 21: the library names it, though it is only a common name",
     HEADLINE "SSSLERR_PEER_CERT_UNTRUSTED (-102)\nvalidation failed (missing certificate of Sample Root R1)\n",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | a.example.com | - | Sample Root R1 | named | "
      "0 | -"}},
    {"a named one in quotes that end",
     "[Thr 1] SecuSSL_SessionStartNB: SSL_connect() failed\n"
     "[Thr 1]   => \"validation failed (missing certificate of CN=Sample Root R1 (G2), C=DE)\"\n",
     {"untrusted-peer | - | 0 | client | - | - | - | CN=Sample Root R1 (G2), C=DE | named | 0 | -"}},
    {"a named one in quotes that don't",
     "[Thr 1] SecuSSL_SessionStartNB: SSL_connect() failed\n"
     "[Thr 1]   => \"validation failed: missing certificate of CN=Sample Ro\n",
     {"untrusted-peer | - | 0 | client | - | - | - | CN=Sample Ro (cut) | named | 0 | -"}},
    {"row 35: names that share no more than the common name",
     ">> - Begin of Secu-SSL Errorstack - >>\nPeer not trusted\nSubject: CN=Sample, OU=One, C=DE\n"
     "Issuer: CN=Sample, OU=Two, C=DE\n<< - End of Secu-SSL Errorstack -\n",
     {"untrusted-peer | - | 0 | unknown | - | - | - | CN=Sample, OU=Two, C=DE | issuer | 1 | -"}},
    {"names that differ in case and blanks only",
     ">> - Begin of Secu-SSL Errorstack - >>\nPeer not trusted\nSubject: CN=Sample  One, C=DE\n"
     "Issuer: cn=sample one,C=de\n<< - End of Secu-SSL Errorstack -\n",
     {"untrusted-peer | - | 0 | unknown | - | - | - | CN=Sample  One, C=DE | self-signed | 1 | -"}},
    {"the leaf's issuer is cut away",
     ">> - Begin of Secu-SSL Errorstack - >>\nPeer not trusted\nSubject: CN=Sample, OU=One, C=DE\n",
     {"untrusted-peer | - | 0 | unknown | - | - | - | - | unknown | 1 | -"}},
    {"the issuer ends in dots",
     ">> - Begin of Secu-SSL Errorstack - >>\nPeer not trusted\nSubject: CN=a, C=DE\nIssuer: CN=Sample Iss...\n"
     "<< - End of Secu-SSL Errorstack -\n",
     {"untrusted-peer | - | 0 | unknown | - | - | - | CN=Sample Iss (cut) | issuer | 1 | -"}},
    {"the text ends in the issuer",
     ">> - Begin of Secu-SSL Errorstack - >>\nPeer not trusted\nSubject: CN=a, C=DE\nIssuer: CN=Sample Iss",
     {"untrusted-peer | - | 0 | unknown | - | - | - | - | unknown | 1 | -"}},
    {"the text ends in an issuer that is whole",
     ">> - Begin of Secu-SSL Errorstack - >>\nPeer not trusted\nSubject: CN=a, C=DE\nIssuer: CN=Sample, C=DE",
     {"untrusted-peer | - | 0 | unknown | - | - | - | - | unknown | 1 | -"}},
    {"a tree without its frame ends in the issuer",
     "Peer not trusted\nCertificate:\nSubject: CN=a, C=DE\nIssuer: CN=Sample Iss",
     {"untrusted-peer | - | 0 | unknown | - | - | - | CN=Sample Iss (cut) | issuer | 1 | -"}},
    {"the text begins in the tree",
     "[Thr 1]   Issuer: CN=Sample CA, C=DE\n[Thr 1]   Status: Not successful\n"
     "[Thr 1] << --- End of Secu-SSL Errorstack ---\n"
     "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=12)==SSSLERR_PEER_CERT_UNTRUSTED\n",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | 0 | unknown | - | - | - | CN=Sample CA, C=DE | issuer | 1 | -"}},
    {"somebody cut out the tree alone",
     "Peer not trusted\nCertificate:\n Certificate:\n  Subject: CN=a, C=DE\n  Issuer: CN=Sample CA, C=DE\n",
     {"untrusted-peer | - | 0 | unknown | - | - | - | CN=Sample CA, C=DE | issuer | 1 | -"}},
    {"the same without a word of trust",
     "Certificate:\n Certificate:\n  Subject: CN=a, C=DE\n  Issuer: CN=Sample CA, C=DE\n Verification result:\n"
     "  Status: Not successful\n",
     {"untrusted-peer | - | 0 | unknown | - | - | - | CN=Sample CA, C=DE | issuer | 1 | -"}},
    {"a certificate that is only shown", "Certificate:\n Subject: CN=a, C=DE\n Issuer: CN=Sample CA, C=DE\n", {NULL}},
    {"a second tree that goes on where the first ends, a third that doesn't",
     ">> - Begin of Secu-SSL Errorstack - >>\nPeer not trusted\nCertificate:\nCertificate:\nSubject: CN=a, C=DE\n"
     "Issuer: CN=b, C=DE\nCertificate:\nCertificate:\nSubject: CN=b, C=DE\nIssuer: CN=c, C=DE\n"
     "Certificate:\nCertificate:\nSubject: CN=x, C=DE\nIssuer: CN=y, C=DE\n<< - End of Secu-SSL Errorstack -\n",
     {"untrusted-peer | - | 0 | unknown | - | - | - | CN=c, C=DE | issuer | 2 | -"}},
    {"an empty stack is a heading",
     ">> -- Begin of Secu-SSL Errorstack -- >>\n<< -- End of Secu-SSL Errorstack --\n",
     {NULL}},
    {"row 23: another handle on the same thread",
     "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=00a1)==SSSLERR_SSL_CONNECT\n"
     "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=00a2)==SSSLERR_SSL_CONNECT\n",
     {"handshake | SSSLERR_SSL_CONNECT | 0 | unknown | - | - | - | - | unknown | 0 | -",
      "handshake | SSSLERR_SSL_CONNECT | 0 | unknown | - | - | - | - | unknown | 0 | -"}},
    {"headlines one behind the other on one thread",
     "[Thr 1] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n[Thr 1] The peer closed\n[Thr 1] " HEADLINE
     "SSSLRC_CONN_CLOSED (-10)\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -",
      "closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"a headline, and the facts of the next connection before its own",
     "[Thr 1] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n[Thr 1]   Target Hostname=\"b.example.com\"\n"
     "[Thr 1] *** ERROR => SSL handshake with b.example.com:443 failed: SSSLRC_CONN_CLOSED (-10)\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -",
      "closed | SSSLRC_CONN_CLOSED | -10 | client | - | b.example.com | - | - | unknown | 0 | -"}},
    {"facts of a connection that went well are of no other",
     "[Thr 1]    session uses PSE file \"/usr/sap/QAS/D20/sec/SAPSSLA.pse\"\n"
     "[Thr 1] <<- SapSSLSessionStart(sssl_hdl=a1)==SAP_O_K\n[Thr 1] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"a headline, then a whole block in the usual order: two",
     "[Thr 1] " HEADLINE "SSSLERR_SSL_CONNECT (-57)\n[Thr 1] SapSSLSessionStartNB()==SSSLERR_SSL_CONNECT\n"
     "[Thr 1] *** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n"
     "[Thr 1]    session uses PSE file \"/usr/sap/QAS/D20/sec/SAPSSLA.pse\"\n"
     "[Thr 1] <<- ERROR: SapSSLSessionStartNB(sssl_hdl=a3)==SSSLERR_SSL_CONNECT\n[Thr 1] " HEADLINE
     "SSSLERR_SSL_CONNECT (-57)\n",
     {"handshake | SSSLERR_SSL_CONNECT | -57 | client | - | a.example.com | - | - | unknown | 0 | -",
      "handshake | SSSLERR_SSL_CONNECT | -57 | client | /usr/sap/QAS/D20/sec/SAPSSLA.pse | a.example.com | - | - | "
      "unknown | 0 | -"}},
    {"the trace's headline, then the same as a message's text with its details",
     "[Thr 1]   SSL:SSL_get_state()==0x2120 \"TLS read server hello A\"\n[Thr 1] " HEADLINE
     "SSSLRC_CONN_CLOSED (-10)\n[Thr 1] SapSSLSessionStartNB()==SSSLRC_CONN_CLOSED\n"
     "[Thr 1] Error message: SSL handshake with a.example.com:443 failed: SSSLRC_CONN_CLOSED (-10)\n"
     "[Thr 1] SapSSLSessionStartNB()==SSSLRC_CONN_CLOSED\n"
     "[Thr 1]   SSL:SSL_get_state()==0x2120 \"TLS read server hello A\"\n"
     "[Thr 1]   cli SSL session PSE \"/usr/sap/QAS/D20/sec/SAPSSLC.pse\"\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | /usr/sap/QAS/D20/sec/SAPSSLC.pse | a.example.com | - | - | unknown "
      "| 0 | -"}},
    {"the code alone, and cut ones",
     "SSSLERR_PEER_CERT_UNTRUSTED (-102)\nSSSLERR_SERVER_CERT_MISMATCH (-3",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | unknown | - | - | - | - | unknown | 0 | -"}},
    {"the headline's number is cut: -10 would be another",
     HEADLINE "SSSLERR_PEER_CERT_UNTRUSTED (-10",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | 0 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"the error's name is cut",
     HEADLINE "SSSLERR_PEER_CERT_UNTR",
     {"other | - | 0 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"no host",
     "*** ERROR => SSL handshake with  failed: SSSLRC_CONN_CLOSED (-10)\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | - | - | - | unknown | 0 | -"}},
    {"a host's name taken out",
     "*** ERROR => SSL handshake with <host>:<port> failed: SSSLRC_CONN_CLOSED (-10)\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | - | - | - | unknown | 0 | -"}},
    {"a host cut to dots",
     "*** ERROR => SSL handshake with ...:443 failed: SSSLRC_CONN_CLOSED (-10)\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | - | - | - | unknown | 0 | -"}},
    {"stars and blanks lost",
     "ERROR=>IcmConnInitClientSSL:SapSSLSessionStart failed(-102):SSLERR_PEER_CERT_UNTRUSTED\n",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | - | - | - | unknown | 0 | -"}},
    {"the path's closing quote is lost",
     "[Thr 1] *** ERROR during SecuSSL_SessionStartNB()from SSL_connect()==SSL_ERROR_SSL\n"
     "[Thr 1] session uses PSEfile \"/usr/sap/QAS/D20/se\n",
     {"other | - | 0 | client | /usr/sap/QAS/D20/se (cut) | - | - | - | unknown | 0 | -"}},
    {"a path taken out",
     "[Thr 1] *** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n"
     "[Thr 1] session uses PSE file \"[...]\n",
     {"other | - | 0 | client | - | - | - | - | unknown | 0 | -"}},
    {"the role from the name of the PSE",
     "[Thr 1] *** ERROR during secussl_read() from SSL_read()==SSL_ERROR_SSL\n"
     "[Thr 1]    session uses PSE file \"/usr/sap/QAS/D20/sec/SAPSSLS.pse\"\n",
     {"other | - | 0 | server | /usr/sap/QAS/D20/sec/SAPSSLS.pse | - | - | - | unknown | 0 | -"}},
    {"the role from the call at level 2",
     "[Thr 1] ->> SapSSLSessionInit(&sssl_hdl=7ff)\n[Thr 1]      in: args     = \"role=2 (SERVER), auth_type=0 (NO)\"\n"
     "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=a1)==SSSLERR_SSL_ACCEPT\n",
     {"handshake | SSSLERR_SSL_ACCEPT | 0 | server | - | - | - | - | unknown | 0 | -"}},
    {"the role from contexts and PSE lines",
     HEADLINE "SSSLERR_SSL_READ (-58)\n  srv SSL session PSE \"/usr/sap/QAS/D20/sec/X.pse\"\n  Server SSL_CTX 7f00 "
              "pvflags=1 (TLSv1.2)\n",
     {"handshake | SSSLERR_SSL_READ | -58 | server | /usr/sap/QAS/D20/sec/X.pse | a.example.com | - | - | unknown | 0 "
      "| -"}},
    {"the server name where the target is not printed",
     "[Thr 1]   TLSextSNI server_name=\"sni.example.com\"\n"
     "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=a1)==SSSLERR_SSL_CONNECT\n",
     {"handshake | SSSLERR_SSL_CONNECT | 0 | unknown | - | sni.example.com | - | - | unknown | 0 | -"}},
    {"addresses of the sixth kind, ports taken out",
     "[Thr 1]   SSL NI-hdl 5: local=2001:db8::1:50000  peer=2001:db8::2:443\n" HEADLINE "SSSLRC_CONN_CLOSED (-10)\n"
     "[Thr 2]   SSL NI-hdl 5: local=192.0.2.1:nn  peer=192.0.2.2:nn\n[Thr 2] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | 2001:db8::2:443 | - | unknown | 0 | -",
      "closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"a headline in two lines",
     "[Thr 1] *** ERROR => SSL handshake with\n[Thr 2] failed: no\n[Thr 1] failed: SSSLRC_CONN_CLOSED (-10)\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | - | - | - | unknown | 0 | -"}},
    {"half a headline, and a line that comes too late",
     "[Thr 1] *** ERROR => SSL handshake with\n[Thr 1] words\n[Thr 1] failed: SSSLRC_CONN_CLOSED (-10)\n",
     {NULL}},
    {"a trace of a work process",
     "N  *** ERROR => SSL handshake with a.example.com:443 failed: SSSLRC_CONN_CLOSED (-10)\nN  The peer closed\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"a fact of an open block that comes twice: the first is kept",
     "[Thr 1] *** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n"
     "[Thr 1] session uses PSE file \"/sec/SAPSSLC.pse\"\n[Thr 1] session uses PSE file \"/sec/SAPSSLA.pse\"\n"
     "[Thr 1] Target Hostname=\"a.example.com\"\n[Thr 1] Target Hostname=\"b.example.com\"\n"
     "[Thr 1] <<- ERROR: SapSSLSessionStartNB(sssl_hdl=1)==SSSLERR_SSL_CONNECT\n",
     {"handshake | SSSLERR_SSL_CONNECT | 0 | client | /sec/SAPSSLC.pse | a.example.com | - | - | unknown | 0 | -"}},
    {"facts before any event: those of the latest connection",
     "[Thr 1]   Target Hostname=\"a.example.com\"\n[Thr 1]   SSL NI-hdl 1: local=192.0.2.1:1  peer=192.0.2.2:443\n"
     "[Thr 1]   Target Hostname=\"b.example.com\"\n"
     "[Thr 1] <<- ERROR: SapSSLSessionStartNB(sssl_hdl=1)==SSSLERR_SSL_CONNECT\n",
     {"handshake | SSSLERR_SSL_CONNECT | 0 | unknown | - | b.example.com | - | - | unknown | 0 | -"}},
    {"facts of another host than the event's",
     "[Thr 1]   Target Hostname=\"b.example.com\"\n[Thr 1]   SSL NI-hdl 1: local=192.0.2.1:1  peer=192.0.2.2:443\n"
     "[Thr 1] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"the same connection by address and by name",
     "[Thr 1]   Target Hostname=\"b.example.com\"\n"
     "[Thr 1] *** ERROR => SSL handshake with 192.0.2.2:443 failed: SSSLRC_CONN_CLOSED (-10)\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | b.example.com | - | - | unknown | 0 | -"}},
    {"three attempts in the order of newer programs without \"during\"",
     "[Thr 1]   TLSextSNI server_name=\"a.example.com\"\n[Thr 1] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n"
     "[Thr 1] SapSSLSessionStartNB()==SSSLRC_CONN_CLOSED\n"
     "[Thr 1]   TLSextSNI server_name=\"a.example.com\"\n[Thr 1] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n"
     "[Thr 1] SapSSLSessionStartNB()==SSSLRC_CONN_CLOSED\n"
     "[Thr 1]   TLSextSNI server_name=\"a.example.com\"\n[Thr 1] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -",
      "closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -",
      "closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"an API error with facts behind it, then \"during\": turned round",
     "[Thr 1] <<- ERROR: SapSSLSessionStartNB(sssl_hdl=1)==SSSLERR_SSL_CONNECT\n"
     "[Thr 1] " HEADLINE "SSSLERR_SSL_CONNECT (-57)\n[Thr 1] SSL_get_state()==0x2120 \"TLS read server hello A\"\n"
     "[Thr 1] *** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n"
     "[Thr 1] session uses PSE file \"/sec/SAPSSLC.pse\"\n",
     {"handshake | SSSLERR_SSL_CONNECT | -57 | client | /sec/SAPSSLC.pse | a.example.com | - | - | unknown | 0 | -"}},
    {"a sentence far behind the end is of something else",
     "[Thr 1] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n[Thr 1] a\n[Thr 1] b\n[Thr 1] c\n[Thr 1] d\n"
     "[Thr 1] Peer not trusted\n",
     {"closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"a name in quotes",
     HEADLINE "SSSLERR_PEER_CERT_UNTRUSTED (-102)\nit says \"missing certificate of CN=Sample Root R1\"\n"
              "missing certificate of CN=Another\n",
     {"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | - | a.example.com | - | CN=Sample Root R1 | "
      "named "
      "| 0 | -"}},
    {"no error of TLS",
     "*** ERROR => SSL is not for you\n*** ERROR => SapSSLInit(): no library\n<<- ERROR: NiBufOpen()==-1\n"
     "secude_error without a number\nSSL NI-hdl without addresses\nSSL_get_state() is a call\n0x2000051d | and no "
     "more\n"
     "ERROR during lunch\nSSL handshake with a.example.com begins\nReject nobody\nTarget Hostname=\"open\n"
     "in: args = \"role=1 (CLIENT)\"\n->> something else\n",
     {NULL}},
    {"a refusal of the reverse proxy check and nothing else",
     "[Thr 1] HttpCertIsReverseProxyTrustworthy: certificate of the intermediary is not trusted\n",
     {"reverse-proxy | - | 0 | unknown | - | - | - | - | unknown | 0 | -"}},
    {"a check that the proxy passed", "[Thr 1] HttpIsReverseProxyTrustworthy: yes, it is\n", {NULL}},
    {"proxy without a scheme",
     "ERROR => IcmConnInitClientSSL: Proxy connection to a.example.com:443 via p:1 failed (proxy returned 503 Full\n",
     {"proxy-refused | - | 0 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"a server's error, then a client's on the same thread",
     "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=a1)==SSSLERR_CRED_NOT_FOUND\n"
     "[Thr 1] *** ERROR => IcmConnInitServerSSL: SapSSLSessionStart failed (-42): SSSLERR_CRED_NOT_FOUND [f 1]\n"
     "[Thr 1] *** ERROR during SecudeSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL\n"
     "[Thr 1]    session uses PSE file \"/sec/SAPSSLC.pse\"\n"
     "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=a2)==SSSLERR_SSL_CONNECT\n"
     "[Thr 1] *** ERROR => IcmConnInitClientSSL: SapSSLSessionStart failed (-57): SSSLERR_SSL_CONNECT [f 1]\n",
     {"store-unusable | SSSLERR_CRED_NOT_FOUND | -42 | server | - | - | - | - | unknown | 0 | -",
      "handshake | SSSLERR_SSL_CONNECT | -57 | client | /sec/SAPSSLC.pse | - | - | - | unknown | 0 | -"}},
    {"the host of the next connection is not that of a block in the usual order",
     "[Thr 1] *** ERROR during secussl_read() from SSL_read()==SSL_ERROR_SSL\n[Thr 1] secussl_read: SSL_read() failed\n"
     "[Thr 1] <<- ERROR: SapSSLReadNB(sssl_hdl=a1)==SSSLERR_SSL_READ\n[Thr 1] SapSSLReadNB()==SSSLERR_SSL_READ\n"
     "[Thr 1]   Target Hostname=\"a.example.com\"\n[Thr 1] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n",
     {"handshake | SSSLERR_SSL_READ | 0 | unknown | - | - | - | - | unknown | 0 | -",
      "closed | SSSLRC_CONN_CLOSED | -10 | client | - | a.example.com | - | - | unknown | 0 | -"}},
    {"a stack code with an alert's number",
     ">> - Begin of Secu-SSL Errorstack - >>\n0x20001048 | SAPCRYPTOLIB | SSL_connect\n",
     {"peer-refused | - | 0 | unknown | - | - | - | - | unknown | 0 | -"}},
};

Test(trace, cases)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(trace_auto) trace = traces_read_text(cases[i].text);
        traces_expect(cases[i].what, trace, cases[i].failures);
        traces_assert_sound(trace, strlen(cases[i].text));
    }
}

/* Every error with a meaning of its own, by name alone and by number under a name that nobody knows. */
static const struct {
    const char *name;
    int code;
    enum audit_cause cause;
} errors[] = {
    {"SSSLRC_CONN_CLOSED", -10, CAUSE_CLOSED},
    {"SSSLERR_CONN_CLOSED", -10, CAUSE_CLOSED},
    {"SSSLERR_NO_CLIENT_CERT", -20, CAUSE_STORE_UNUSABLE},
    {"SSSLERR_NO_SERVER_CERT", -21, CAUSE_STORE_UNUSABLE},
    {"SSSLERR_NO_SSL_REQUEST", -25, CAUSE_NOT_TLS},
    {"SSSLERR_HTTP_REQUEST", -26, CAUSE_NOT_TLS},
    {"SSSLERR_HTTPS_PROXY_REQUEST", -27, CAUSE_NOT_TLS},
    {"SSSLERR_SERVER_CERT_MISMATCH", -30, CAUSE_NAME_MISMATCH},
    {"SSSLERR_PSE_ERROR", -40, CAUSE_STORE_UNUSABLE},
    {"SSSLERR_FILENAME_TRUNCATED", -41, CAUSE_STORE_UNUSABLE},
    {"SSSLERR_CRED_NOT_FOUND", -42, CAUSE_STORE_UNUSABLE},
    {"SSSLERR_CERT_FILE", -50, CAUSE_STORE_UNUSABLE},
    {"SSSLERR_PRIVKEY_FILE", -51, CAUSE_STORE_UNUSABLE},
    {"SSSLERR_CERT_PRIVKEY_MISMATCH", -52, CAUSE_STORE_UNUSABLE},
    {"SSSLERR_SSL_ACCEPT", -56, CAUSE_HANDSHAKE},
    {"SSSLERR_SSL_CONNECT", -57, CAUSE_HANDSHAKE},
    {"SSSLERR_SSL_READ", -58, CAUSE_HANDSHAKE},
    {"SSSLERR_SSL_WRITE", -59, CAUSE_HANDSHAKE},
    {"SSSLERR_EWOULDBLOCK", -71, CAUSE_OTHER},
    {"SSSLRC_NO_SSL_RESPONSE", -75, CAUSE_NOT_TLS},
    {"SSSLERR_NO_SSL_RESPONSE", -75, CAUSE_NOT_TLS},
    {"SSSLERR_PEER_CERT_UNTRUSTED", -102, CAUSE_UNTRUSTED_PEER},
    {"SSSLERR_ALERT_HANDSHAKE_FAILURE", -122, CAUSE_HANDSHAKE},
    {"SSSLERR_ALERT_CERTIFICATE_UNKNOWN", -127, CAUSE_PEER_REFUSED},
    {"SSSLERR_ALERT_PROTOCOL_VERSION", 0, CAUSE_HANDSHAKE},
    {"SSSLERR_ALERT_UNKNOWN_CA", 0, CAUSE_PEER_REFUSED},
    {"SSSLERR_PEER_CERT_EXPIRED", 0, CAUSE_EXPIRED_PEER},
    {"SSSLERR_LIB_NOT_FOUND", -1, CAUSE_OTHER},
    {"SSSLERR_MISSING_TARGET_HOSTNAME", -28, CAUSE_OTHER},
    {"SSSLERR_BAD_X500DN_IN_CERT", -80, CAUSE_OTHER},
};

Test(trace, errors)
{
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
        g_autofree char *text = g_strdup_printf("[Thr 1] " HEADLINE "%s\n"
                                                "[Thr 2] " HEADLINE "SSSLERR_NOBODY_KNOWS (%d)\n",
                                                errors[i].name, errors[i].code);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        cr_assert_eq(trace->failures->len, 2, "%s", errors[i].name);
        const struct trace_failure *by_name = trace->failures->pdata[0], *by_code = trace->failures->pdata[1];
        cr_expect_eq(by_name->cause, errors[i].cause, "%s", errors[i].name);
        cr_expect_str_eq(by_name->error, errors[i].name);
        cr_expect_eq(by_name->code, 0, "%s has no number here", errors[i].name);
        cr_expect_eq(by_code->cause, errors[i].code ? errors[i].cause : CAUSE_OTHER, "%d", errors[i].code);
        cr_expect_eq(by_code->code, errors[i].code);
    }
}

static const struct {
    const char *name;
    int number;
    enum audit_cause cause;
} alerts[] = {
    {"handshake failure", 40, CAUSE_HANDSHAKE},
    {"bad certificate", 42, CAUSE_PEER_REFUSED},
    {"unsupported certificate", 43, CAUSE_PEER_REFUSED},
    {"certificate revoked", 44, CAUSE_PEER_REFUSED},
    {"certificate expired", 45, CAUSE_PEER_REFUSED},
    {"certificate unknown", 46, CAUSE_PEER_REFUSED},
    {"unknown CA", 48, CAUSE_PEER_REFUSED},
    {"access denied", 49, CAUSE_PEER_REFUSED},
    {"protocol version", 70, CAUSE_HANDSHAKE},
    {"insufficient_security", 71, CAUSE_HANDSHAKE},
    {"unrecognized name", 112, CAUSE_HANDSHAKE},
    {"certificate required", 116, CAUSE_PEER_REFUSED},
    {"never heard of", 0, CAUSE_HANDSHAKE},
};

Test(trace, alerts)
{
    for (size_t i = 0; i < G_N_ELEMENTS(alerts); i++) {
        /* Under an error that says "untrusted", since an alert comes before it in the order of the verdict. */
        g_autofree char *text =
            g_strdup_printf("[Thr 1] SecuSSL_SessionStartNB: SSL_connect() failed\n"
                            "[Thr 1]   => \"received a fatal TLS %s alert message from the peer\"\n"
                            "[Thr 1] " HEADLINE "SSSLERR_PEER_CERT_UNTRUSTED (-102)\n"
                            "[Thr 2] SecuSSL_SessionStartNB: SSL_connect() failed (%d/0x200010%02d)\n"
                            "[Thr 2] " HEADLINE "SSSLERR_SSL_CONNECT (-57)\n",
                            alerts[i].name, 0x20001000 + (alerts[i].number % 100) / 10 * 16 + alerts[i].number % 10,
                            alerts[i].number % 100);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        cr_assert_eq(trace->failures->len, 2);
        const struct trace_failure *by_name = trace->failures->pdata[0], *by_number = trace->failures->pdata[1];
        cr_expect_eq(by_name->cause, alerts[i].cause, "%s", alerts[i].name);
        if (alerts[i].number < 100) /* two digits is all there is room for */
            cr_expect_eq(by_number->cause, alerts[i].cause, "%d", alerts[i].number);
    }
}

static const struct {
    const char *what, *text, *local; /* "": not known */
} times[] = {
    {"row 27: a stamp of another thread", "[Thr 1] Sun Nov 22 01:02:03:344 2026\n[Thr 2] " HEADLINE "SSSLRC_X (-10)\n",
     "2026-11-22T01:02:03Z"},
    {"an older one without milliseconds", "[Thr 1] Sun Nov  2 01:02:03 2025\n[Thr 2] " HEADLINE "SSSLRC_X (-10)\n",
     "2025-11-02T01:02:03Z"},
    {"without prefix", "Sun Nov 22 01:02:03 2026\n" HEADLINE "SSSLRC_X (-10)\n", "2026-11-22T01:02:03Z"},
    {"the last of two", "Sun Nov 22 01:02:03 2026\nx\nSun Nov 22 01:02:04 2026\ny\n" HEADLINE "SSSLRC_X (-10)\n",
     "2026-11-22T01:02:04Z"},
    {"row 27: none above", HEADLINE "SSSLRC_X (-10)\nSun Nov 22 01:02:03 2026\n", ""},
    {"one in the block, before its end",
     "[Thr 1] *** ERROR during SecuSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL\n"
     "[Thr 1] Sun Nov 22 01:02:03 2026\n[Thr 1] " HEADLINE "SSSLRC_X (-10)\n",
     "2026-11-22T01:02:03Z"},
    {"no such day", "Sun Feb 30 01:02:03 2026\n" HEADLINE "SSSLRC_X (-10)\n", ""},
    {"no such month", "Sun Foo 22 01:02:03 2026\n" HEADLINE "SSSLRC_X (-10)\n", ""},
    {"no such weekday", "Abc Nov 22 01:02:03 2026\n" HEADLINE "SSSLRC_X (-10)\n", ""},
    {"year in the middle", "Sun Nov 22 2026 01:02:03\n" HEADLINE "SSSLRC_X (-10)\n", ""},
    {"more behind it", "Sun Nov 22 01:02:03 2026 x\n" HEADLINE "SSSLRC_X (-10)\n", ""},
    {"letters for digits", "Sun Nov 22 0x:02:03:111 2026\n" HEADLINE "SSSLRC_X (-10)\n", ""},
    {"milliseconds that are none", "Sun Nov 22 01:02:03:abc 2026\n" HEADLINE "SSSLRC_X (-10)\n", ""},
    {"a certificate's date is none", "Not before :Sun Nov 22 01:02:03 2026\n" HEADLINE "SSSLRC_X (-10)\n", ""},
};

Test(trace, port_of_a_headline)
{
    static const struct {
        const char *place;
        int port;
    } rows[] = {
        {"a.example.com:443", 443}, {"a.example.com:65535", 65535}, {"a.example.com:65536", 0},
        {"a.example.com:0", 0},     {"a.example.com:<port>", 0},    {"a.example.com:44a", 0},
        {"a.example.com:", 0},      {"a.example.com", 0},           {"", 0},
        {"192.0.2.7:8443", 8443},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("[Thr 1] *** ERROR => SSL handshake with %s failed: "
                                                "SSSLERR_PEER_CERT_UNTRUSTED (-102)\n",
                                                rows[i].place);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        cr_assert_eq(trace->failures->len, 1, "%s", rows[i].place);
        cr_expect_eq(((struct trace_failure *)trace->failures->pdata[0])->port, rows[i].port, "%s", rows[i].place);
    }
}

Test(trace, times)
{
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        char text[MOMENT_TEXT_BYTES];
        g_autoptr(trace_auto) trace = traces_read_text(times[i].text);
        cr_assert_eq(trace->failures->len, 1, "%s", times[i].what);
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect_str_eq(moment_format(text, failure->local), times[i].local, "%s", times[i].what);
    }
}

Test(trace, header)
{
    g_autoptr(trace_auto) trace =
        traces_read_text("junk\n-------------------------\n"
                         "trc file: \"dev_webdisp\", trc level: 2, release: \"745\"\n"
                         "-------------------------\n\nSun Nov 22 01:02:03 2026\n\n"
                         "TRACE FILE TRUNCATED ( pid = 4711 )\nsysno      00\nsid        PRD\n"
                         "systemid   390 (AMD/Intel x86_64 with Linux)\nrelno      7450\n"
                         "profile    /usr/sap/PRD/SYS/profile/PRD_W00_h\npid        4711\n");
    cr_expect_eq(trace->header.level, 2);
    cr_expect_str_eq(trace->header.release, "745");
    cr_expect_str_eq(trace->header.sid, "PRD");
    cr_expect_str_eq(trace->header.sysno, "00");
    cr_expect_str_eq(trace->header.profile, "/usr/sap/PRD/SYS/profile/PRD_W00_h");
    cr_expect_eq(trace->header.pid, 4711);

    g_autoptr(trace_auto) none =
        traces_read_text("sid        PRD\n[Thr 1] trc file: \"x\", trc level: 3, release: \"1\"\n");
    cr_expect_eq(none->header.level, -1);
    cr_expect_null(none->header.sid, "only below a title");
    cr_expect_eq(none->header.pid, -1);

    g_autoptr(trace_auto) bad =
        traces_read_text("--------------------\ntrc file: \"x\", trc level: many, release: \"1\"\n");
    cr_expect_eq(bad->header.level, -1);
}

#define PID(pid)                                                                                                       \
    "-------------------------\ntrc file: \"dev_icm\", trc level: 1, release: \"785\"\n-------------------------\n"    \
    "pid        " pid "\n"

Test(trace, row_36_another_process_ends_blocks)
{
    static const char begin[] = "[Thr 1] *** ERROR during SecuSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL\n";
    static const char end[] = "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=a1)==SSSLERR_SSL_CONNECT\n";
    static const struct {
        const char *what, *between;
        guint n;
    } headers[] = {
        {"none", "", 1},
        {"the same", PID("4711"), 1},
        {"another", PID("4712"), 2},
        {"the same, in the other form", "[Thr 1] TRACE FILE TRUNCATED ( pid = 4711 )\n", 1},
        {"another, in the other form", "[Thr 1] TRACE FILE TRUNCATED ( pid = 4712 )\n", 2},
        {"not said", "[Thr 1] TRACE FILE TRUNCATED\n", 1},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        g_autofree char *text =
            g_strconcat(PID("4711"), "[Thr 2] Sun Nov 22 01:02:03 2026\n", begin, headers[i].between, end, NULL);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        cr_assert_eq(trace->failures->len, headers[i].n, "%s", headers[i].what);
        const struct trace_failure *last = trace->failures->pdata[headers[i].n - 1];
        cr_expect_neq(last->local, MOMENT_NONE, "the stamp stays");
    }
}

Test(trace, places)
{
    static const char old[] = "nothing\n[Thr 1] *** ERROR during SecuSSL_SessionStart() from SSL_connect()==X\n";
    static const char new[] = "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=a1)==SSSLERR_SSL_CONNECT\n"
                              "words\r\nwords\n[Thr 2] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n";
    g_autoptr(trace_auto) trace = trace_new();
    trace_begin(trace, 1000);
    trace_read(trace, old, strlen(old));
    trace_begin(trace, 0);
    trace_read(trace, new, strlen(new));
    traces_end(trace);

    cr_assert_eq(trace->failures->len, 2);
    const struct trace_failure *split = trace->failures->pdata[0], *second = trace->failures->pdata[1];
    cr_expect_eq(split->part, 0);
    cr_expect_eq(split->offset, 1008);
    cr_expect_eq(split->line, 2);
    cr_expect_str_eq(split->error, "SSSLERR_SSL_CONNECT");
    cr_expect_eq(second->part, 1);
    cr_expect_eq(second->offset, (uint64_t)(strstr(new, "[Thr 2]") - new));
    cr_expect_eq(second->line, 4);
    cr_expect_eq(trace->lines, 6);
}

Test(trace, a_torn_line_is_not_joined_with_the_next_file)
{
    static const char *const beginnings[] = {"[Thr 1] next\n", "-------------------------\n",
                                             "trc file: \"dev_icm\", trc level: 1\n", "\xef\xbb\xbfnext\n",
                                             "\xff\xfen\0e\0x\0t\0"};
    static const char torn[] = "[Thr 1] *** ERROR during SecuSSL_SessionStart() from SSL_connect()==X\n"
                               "[Thr 1]    session uses PSE file \"/usr/sap/PRD/D00/sec/SAPS";
    for (size_t i = 0; i < G_N_ELEMENTS(beginnings); i++) {
        g_autoptr(trace_auto) trace = trace_new();
        trace_begin(trace, 0);
        trace_read(trace, torn, strlen(torn));
        trace_begin(trace, 0);
        trace_read(trace, "", 0);
        trace_read(trace, beginnings[i], i == 4 ? 10 : strlen(beginnings[i]));
        traces_end(trace);
        cr_assert_eq(trace->failures->len, 1);
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect_str_eq(failure->store, "/usr/sap/PRD/D00/sec/SAPS", "%zu", i);
        cr_expect(failure->store_cut);
    }
}

Test(trace, a_later_piece_of_a_file_knows_no_thread_above)
{
    g_autoptr(trace_auto) trace = trace_new();
    static const char first[] = "[Thr 1] *** ERROR during SecuSSL_SessionStart() from SSL_connect()==X\n";
    static const char later[] = "   session uses PSE file \"/usr/sap/PRD/D00/sec/SAPSSLC.pse\"\n";
    trace_begin(trace, 0);
    trace_read(trace, first, strlen(first));
    trace_begin(trace, 5000);
    trace_read(trace, later, strlen(later));
    traces_end(trace);
    cr_assert_eq(trace->failures->len, 1);
    cr_expect_null(((struct trace_failure *)trace->failures->pdata[0])->store);
}

Test(trace, certificates)
{
    size_t size;
    g_autofree char *bytes = traces_load(&size, "guide.trc");
    g_autoptr(trace_auto) trace = traces_read_bytes(bytes, size);
    const struct trace_failure *failure = trace->failures->pdata[0];
    const struct trace_cert *cert = failure->chain->pdata[0];
    cr_expect_str_eq(cert->serial, "20:15:03:03:11:22:33");
    cr_expect_str_eq(cert->md5, "0112233445566778899aabbccddeeff0");
    cr_expect_str_eq(cert->sha1, "0123456789abcdef0123456789abcdef01234567");
    cr_expect_null(cert->sha256);
    cr_expect_str_eq(failure->reason, "Failed to verify peer certificate. Peer not trusted.");
    cr_assert_eq(failure->lines->len, 9);
    cr_expect(g_str_has_prefix(failure->lines->pdata[0], "[Thr number] *** ERROR during"));
    cr_expect(strstr(failure->lines->pdata[8], "IcmConnInitClientSSL"));

    static const struct {
        const char *line, *serial;
    } serials[] = {
        {"Serial Number: 0A:06", "0A:06"}, {"Serial number:0x00ff", "00:FF"}, {"Serial number:0x1", "01"},
        {"Serial number:0x", NULL},        {"Serial number:xyz", NULL},       {"Serial :1", NULL},
        {"Fingerprint_MD5:00:11", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(serials); i++) {
        g_autofree char *text =
            g_strdup_printf("Peer not trusted\nCertificate:\nSubject: CN=a\n%s\nIssuer: CN=b\n", serials[i].line);
        g_autoptr(trace_auto) one = traces_read_text(text);
        cr_assert_eq(one->failures->len, 1);
        const struct trace_failure *only = one->failures->pdata[0];
        const struct trace_cert *first = only->chain->pdata[0];
        cr_expect(g_strcmp0(first->serial, serials[i].serial) == 0, "%s: %s", serials[i].line, first->serial);
        cr_expect_null(first->md5);
    }
}

/* ---- Limits ---- */

Test(trace, line_limit)
{
    static const char *const ends[] = {"\n", "\r\n"};
    for (int more = 0; more < 8; more++) {
        /* Where the reader passes over lines, and where it reads them. */
        gboolean open = more / 4, dos = more / 2 % 2, over = more % 2;
        g_autoptr(GString) text = g_string_new(open ? HEADLINE "SSSLRC_CONN_CLOSED (-10)\n" : "");
        g_autofree char *filler = g_strnfill(TRACE_LINE_BYTES + over, 'a');
        g_string_append_printf(text, "a\n%s%sb\n%s%s", filler, ends[dos], filler, ends[dos]);
        g_autoptr(trace_auto) trace = traces_read_bytes(text->str, text->len);
        cr_expect_eq(trace->lines_cut, over ? 2 : 0, "open %d, CR LF %d, over %d", open, dos, over);
        cr_expect_eq(trace->lines, open ? 5 : 4);
        if (open)
            cr_expect_not(((struct trace_failure *)trace->failures->pdata[0])->cut, "not a line of its block");
    }
}

Test(trace, a_line_over_the_limit_cuts_its_block)
{
    g_autofree char *filler = g_strnfill(TRACE_LINE_BYTES, 'a');
    g_autofree char *text = g_strconcat(HEADLINE "SSSLRC_CONN_CLOSED (-10) ", filler, "\n", NULL);
    g_autoptr(trace_auto) trace = traces_read_text(text);
    cr_assert_eq(trace->failures->len, 1);
    cr_expect(((struct trace_failure *)trace->failures->pdata[0])->cut);
    cr_expect_eq(trace->lines_cut, 1);
}

Test(trace, one_line_of_64_megabytes)
{
    size_t size = 64 * 1024 * 1024;
    char *bytes = g_strnfill(size, 'A');
    struct trace *trace = trace_new();
    trace_begin(trace, 0);
    trace_read(trace, bytes, size);
    trace_read(trace, bytes, size);
    static const char rest[] = "\n" HEADLINE "SSSLRC_CONN_CLOSED (-10)";
    trace_read(trace, rest, strlen(rest));
    traces_end(trace);
    cr_expect_eq(trace->lines, 2);
    cr_expect_eq(trace->lines_cut, 1);
    cr_expect_eq(trace->failures->len, 1);
    trace_free(trace);
    g_free(bytes);
}

Test(trace, chain_limit)
{
    for (unsigned n = TRACE_CHAIN_CERTS; n <= TRACE_CHAIN_CERTS + 1; n++) {
        g_autoptr(GString) text = g_string_new(">> - Begin of Secu-SSL Errorstack - >>\nPeer not trusted\n");
        for (unsigned i = 0; i < n; i++)
            g_string_append_printf(
                text, "SignerCert:\nCertificate:\nSubject: CN=%u\nIssuer: CN=%u\nStatus: Successful\n", i, i + 1);
        g_string_append(text, "<< - End of Secu-SSL Errorstack -\n");
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        cr_assert_eq(trace->failures->len, 1);
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect_eq(failure->chain->len, TRACE_CHAIN_CERTS);
        cr_expect_eq(failure->cut, n > TRACE_CHAIN_CERTS);
        cr_expect_str_eq(failure->missing, "CN=32");
    }
}

Test(trace, block_limit)
{
    for (unsigned n = TRACE_BLOCK_LINES - 3; n <= TRACE_BLOCK_LINES - 2; n++) {
        g_autoptr(GString) text = g_string_new("[Thr 1] >> - Begin of Secu-SSL Errorstack - >>\n");
        for (unsigned i = 0; i < n; i++)
            g_string_append(text, i % 100 ? "[Thr 1] words\n" : "[Thr 1] Peer not trusted\n");
        g_string_append(text, "[Thr 1] Subject: CN=a\n[Thr 1] Issuer: CN=b\n[Thr 1] Status: Not successful\n"
                              "[Thr 1] << - End of Secu-SSL Errorstack -\n");
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        cr_assert_eq(trace->failures->len, 1);
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect_eq(failure->cut, n > TRACE_BLOCK_LINES - 3, "%u lines", n + 4);
        cr_expect_str_eq(failure->missing, "CN=b");
    }
}

Test(trace, thread_limit)
{
    for (unsigned n = TRACE_BLOCK_THREADS; n <= TRACE_BLOCK_THREADS + 1; n++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (unsigned i = 0; i < n; i++)
            g_string_append_printf(text, "[Thr %u] *** ERROR during f() from SSL_connect()==X\n", i);
        g_string_append_printf(text, "[Thr %u]  session uses PSE file \"/sec/x.pse\"\n", n - 1);
        g_string_append(text, "[Thr 0]  session uses PSE file \"/sec/x.pse\"\n");
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        cr_assert_eq(trace->failures->len, n);
        const struct trace_failure *first = trace->failures->pdata[0], *last = trace->failures->pdata[n - 1];
        cr_expect_eq(first->store == NULL, n > TRACE_BLOCK_THREADS, "the oldest is closed");
        cr_expect_not_null(last->store);
    }
}

Test(trace, failure_limit)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (unsigned i = 0; i < TRACE_FAILURES + 1; i++)
        g_string_append(text, "SSL handshake with a:1 failed: SSSLRC_CONN_CLOSED (-10)\n");
    g_autoptr(trace_auto) trace = traces_read_bytes(text->str, text->len);
    cr_expect_eq(trace->failures->len, TRACE_FAILURES);
    cr_expect_eq(trace->dropped, 1);
}

Test(trace, a_quiet_block_ends)
{
    static const struct {
        const char *what, *words;
        unsigned n;
        gboolean joined;
    } quiets[] = {
        {"near", "[Thr 1] words\n", 199, TRUE},
        {"far", "[Thr 1] words\n", 201, FALSE},
        {"other threads, not yet", "[Thr 2] words\n", 4900, TRUE},
        {"other threads, long ago", "[Thr 2] words\n", 7000, FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(quiets); i++) {
        g_autoptr(GString) text = g_string_new("[Thr 1] *** ERROR during f() from SSL_connect()==X\n");
        for (unsigned j = 0; j < quiets[i].n; j++)
            g_string_append(text, quiets[i].words);
        g_string_append(text, "[Thr 1]  session uses PSE file \"/sec/x.pse\"\n");
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        cr_assert_eq(trace->failures->len, 1);
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect_eq(failure->store != NULL, quiets[i].joined, "%s", quiets[i].what);
    }
}

Test(trace, binary)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(7);
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 1 << 20; i++)
        g_string_append_c(text, (char)g_rand_int(rand));
    g_autoptr(trace_auto) noise = traces_read_bytes(text->str, text->len);
    traces_assert_sound(noise, text->len);

    static const char nuls[] = "a\0b\nc\0\nSSL\0\nd\n";
    g_autoptr(trace_auto) binary = traces_read_bytes(nuls, sizeof nuls - 1);
    cr_expect(binary->binary);
    cr_expect_eq(binary->lines, 4);
    static const char few[] = "a\0b\nc\0\nd\ne\n";
    g_autoptr(trace_auto) not_yet = traces_read_bytes(few, sizeof few - 1);
    cr_expect_not(not_yet->binary, "half is not most");
    g_autoptr(trace_auto) text_only = traces_read_text("a\nb\n");
    cr_expect_not(text_only->binary);

    /* A NUL is a character that cannot be read, and nothing worse. */
    static const char host[] = "*** ERROR => SSL handshake with a\0b:443 failed: SSSLRC_CONN_CLOSED (-10)\n";
    g_autoptr(trace_auto) inside = traces_read_bytes(host, sizeof host - 1);
    cr_assert_eq(inside->failures->len, 1);
    cr_expect_str_eq(((struct trace_failure *)inside->failures->pdata[0])->target, "a?b");
}

Test(trace, other_encodings)
{
    static const struct {
        const char *what, *text, *missing;
    } names[] = {
        {"UTF-8", "Subject: CN=M\xc3\xbcller\nIssuer: CN=M\xc3\xbcnchen CA\n", "CN=M\xc3\xbcnchen CA"},
        {"Latin-1", "Subject: CN=M\xfcller\nIssuer: CN=M\xfcnchen CA\n", "CN=M\xc3\xbcnchen CA"},
        {"Latin-1, self-signed", "Subject: CN=M\xfcller\nIssuer: CN=M\xfcller\n", "CN=M\xc3\xbcller"},
        {"code page 1252", "Subject: CN=a\nIssuer: CN=\x84x\x94 \x96 \x91y\x92\n", "CN=\"x\" - 'y'"},
        {"no-break blanks",
         "Subject:\xc2\xa0"
         "CN=a\nIssuer:\xc2\xa0"
         "CN=b\xe2\x80\xafz\n",
         "CN=b z"},
        {"single quotes, dashes", "Subject: CN=a\nIssuer: CN=\xe2\x80\x98z\xe2\x80\x99 \xe2\x80\x93\n", "CN='z' -"},
        {"a control character", "Subject: CN=a\nIssuer: CN=b\033[2J\n", "CN=b\\x1b[2J"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = g_strconcat("Peer not trusted\nCertificate:\n", names[i].text, NULL);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        cr_assert_eq(trace->failures->len, 1, "%s", names[i].what);
        cr_expect_str_eq(((struct trace_failure *)trace->failures->pdata[0])->missing, names[i].missing, "%s",
                         names[i].what);
    }

    /* A character beyond the first plane, a half of one, and a half at the end. */
    static const char wide[] = "\xff\xfe"
                               "S\0S\0L\0 \0h\0a\0n\0d\0s\0h\0a\0k\0e\0 \0w\0i\0t\0h\0 \0"
                               "\x3d\xd8\x00\xde"
                               "\x3d\xd8"
                               "b\0 \0f\0a\0i\0l\0e\0d\0:\0\n\0\x3d\xd8";
    g_autoptr(trace_auto) trace = traces_read_bytes(wide, sizeof wide - 1);
    cr_assert_eq(trace->failures->len, 1);
    cr_expect_str_eq(((struct trace_failure *)trace->failures->pdata[0])->target, "\xf0\x9f\x98\x80"
                                                                                  "b");
}

Test(trace, quotes_are_cut_between_characters)
{
    for (int before = 0; before < 4; before++) {
        g_autoptr(GString) text = g_string_new(HEADLINE "SSSLRC_CONN_CLOSED (-10) ");
        for (int i = 0; i < before; i++)
            g_string_append_c(text, '.');
        while (text->len < 1000)
            g_string_append(text, "\xe2\x82\xac"); /* three bytes */
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        cr_assert_eq(trace->failures->len, 1);
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect_null(strchr(failure->lines->pdata[0], '\\'), "no half of a character");
        cr_expect_gt(strlen(failure->lines->pdata[0]), 500);
    }
}

/* The search for words must not care for where in its stride they stand, and gives the same in each of its ways. */
Test(trace, filter)
{
    for (int way = 0; way < TRACE_FILTER_WAYS; way++) {
        if (!trace_filter_use((enum trace_filter_way)way))
            continue;
        for (size_t before = 0; before < 140; before++) {
            for (size_t after = 0; after < 140; after += 1 + after / 20) {
                g_autofree char *left = g_strnfill(before, 'x'), *right = g_strnfill(after, 'R');
                for (size_t i = 0; i < before; i += 7)
                    left[i] = '\n';
                g_autofree char *text = g_strconcat(left, "SSLRC_", right, NULL);
                char *copy = g_memdup2(text, strlen(text)); /* of the exact size */
                const char *last = memrchr(copy, '\n', before);
                const char *want = last ? last + 1 : copy;
                uint64_t lines = 0, want_lines = before / 7 + (before % 7 != 0);
                cr_expect(trace_filter_has(copy, copy + strlen(text)), "%d: %zu, %zu", way, before, after);
                cr_expect_eq(trace_filter_skip(copy, copy + strlen(text), &lines), want);
                cr_expect_eq(lines, want_lines, "%d: %zu, %zu: %zu lines", way, before, after, (size_t)lines);
                cr_expect_not(trace_filter_has(copy, copy + before + 5));
                cr_expect_eq(trace_filter_skip(copy, copy + before + 5, &lines), want);
                cr_expect_eq(lines, want_lines);
                g_free(copy);
            }
        }
        static const char two[] = "[Thr 2] *** ERROR SSL\n[Thr 3] more"; /* what ends a word ends with the line too */
        uint64_t lines;
        cr_expect_eq(trace_filter_skip(two, two + strlen(two), &lines), two);
        cr_expect(trace_filter_has(two, strchr(two, '\n')));
    }
}

Test(trace, last_year)
{
    static const struct {
        const char *text;
        gboolean found;
    } ends[] = {
        {" 2026\n", TRUE},  {" 2026\r", TRUE},    {" 2026 ", TRUE},   {" 2026x", FALSE},
        {" 1999\n", FALSE}, {" 2026\xc3", FALSE}, {"x2026\n", FALSE}, {" 202\n", FALSE},
    };
    for (int way = 0; way < TRACE_FILTER_WAYS; way++) {
        if (!trace_filter_use((enum trace_filter_way)way))
            continue;
        for (size_t before = 0; before < 80; before++) {
            for (size_t after = 0; after < 80; after++) {
                for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
                    g_autofree char *left = g_strnfill(before, '2'), *right = g_strnfill(after, 'R');
                    g_autofree char *text = g_strconcat(left, ends[i].text, right, NULL);
                    char *copy = g_memdup2(text, strlen(text)); /* of the exact size */
                    cr_expect_eq(trace_filter_last_year(copy, copy + strlen(text)),
                                 ends[i].found ? copy + before : NULL, "%d: %zu, %zu, %zu", way, before, after, i);
                    g_free(copy);
                }
            }
        }
    }
}
