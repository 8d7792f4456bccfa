/* analyzer/trace: from the bytes of a trace to failures.  Every sample and every line here is made up after the
 * grammar. */
#include "trace.h"

#include "moment.h"
#include "trace_filter.h"
#include "trace_line.h"

#include <criterion/criterion.h>
#include <string.h>

#define DATA SOURCE_ROOT "/tests/data/trace/"

static const struct sample {
    const char *what, *file;
    const char *failures[11]; /* see summary() */
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
    {"the guide's form, the leaf has another issuer",
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
     {"name-mismatch | SSSLERR_SERVER_CERT_MISMATCH | -30 | client | - | shop.example.com | - | - | unknown | 0 | -",
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

static struct trace *read_parts(const char *bytes, size_t size, size_t split, uint64_t second_base)
{
    struct trace *trace = trace_new();
    /* Copies of the exact size, so that reading over the end is found, and freed, so that keeping a pointer is. */
    g_autofree char *first = g_memdup2(bytes, MAX(split, 1));
    g_autofree char *second = g_memdup2(bytes + split, MAX(size - split, 1));
    trace_read(trace, first, split, 0);
    trace_read(trace, second, size - split, second_base);
    g_clear_pointer(&first, g_free);
    g_clear_pointer(&second, g_free);
    trace_end(trace);
    return trace;
}

static struct trace *read_bytes(const char *bytes, size_t size)
{
    struct trace *trace = trace_new();
    char *copy = size > 0 ? g_memdup2(bytes, size) : NULL;
    trace_read(trace, copy, size, 0);
    g_free(copy);
    trace_end(trace);
    return trace;
}

static struct trace *read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static char *load(const char *file, size_t *size)
{
    g_autofree char *path = g_strconcat(DATA, file, NULL);
    char *bytes = NULL;
    cr_assert(g_file_get_contents(path, &bytes, size, NULL), "%s", path);
    return bytes;
}

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

/* cause | error | code | role | store | target | peer | missing | certainty | certificates | check */
static char *summary(const struct trace_failure *failure)
{
    return g_strdup_printf("%s | %s | %d | %s | %s%s | %s | %s | %s%s | %s | %u | %s", audit_cause_name(failure->cause),
                           or_dash(failure->error), failure->code, audit_role_name(failure->role),
                           or_dash(failure->store), failure->store_cut ? " (cut)" : "", or_dash(failure->target),
                           or_dash(failure->peer), or_dash(failure->missing), failure->missing_cut ? " (cut)" : "",
                           audit_certainty_name(failure->certainty), failure->chain->len,
                           or_dash(failure->failed_check));
}

static void check_failures(const char *what, const struct trace *trace, const char *const *want)
{
    guint n = g_strv_length((char **)want);
    cr_expect_eq(trace->failures->len, n, "%s: %u failures", what, trace->failures->len);
    for (guint i = 0; i < MIN(trace->failures->len, n); i++) {
        g_autofree char *got = summary(trace->failures->pdata[i]);
        cr_expect_str_eq(got, want[i], "%s", what);
    }
}

static gboolean is_clean(const char *text)
{
    if (!text)
        return TRUE;
    if (!g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (; *text; text = g_utf8_next_char(text))
        if (g_unichar_iscntrl(g_utf8_get_char(text)))
            return FALSE;
    return TRUE;
}

/* What has to hold whatever the bytes were. */
static void check_invariants(const struct trace *trace, size_t size)
{
    cr_assert_leq(trace->failures->len, TRACE_FAILURES);
    for (guint i = 0; i < trace->failures->len; i++) {
        const struct trace_failure *failure = trace->failures->pdata[i];
        cr_assert(is_clean(failure->error) && is_clean(failure->store) && is_clean(failure->target) &&
                  is_clean(failure->peer) && is_clean(failure->missing) && is_clean(failure->reason));
        cr_assert(!failure->missing || failure->cause == CAUSE_UNTRUSTED_PEER);
        cr_assert_eq(failure->missing == NULL, failure->certainty == CERTAINTY_UNKNOWN);
        cr_assert(failure->missing || !failure->missing_cut);
        cr_assert(failure->store || !failure->store_cut);
        cr_assert(failure->lines->len >= 1 && failure->lines->len <= TRACE_EVIDENCE_LINES);
        cr_assert_leq(failure->chain->len, TRACE_CHAIN_CERTS);
        cr_assert_lt(failure->offset, size);
        cr_assert_geq(failure->line, 1);
        for (guint j = 0; j < failure->lines->len; j++)
            cr_assert(is_clean(failure->lines->pdata[j]));
        for (guint j = 0; j < failure->chain->len; j++) {
            const struct trace_cert *cert = failure->chain->pdata[j];
            cr_assert(cert->subject || cert->issuer);
            cr_assert(is_clean(cert->subject) && is_clean(cert->issuer) && is_clean(cert->serial));
        }
    }
}

/* Everything that is not where it stands. */
static char *describe(const struct trace *trace)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < trace->failures->len; i++) {
        const struct trace_failure *f = trace->failures->pdata[i];
        g_string_append_printf(text, "%d %s %d %d %s%d %s %s %" G_GINT64_FORMAT " %s%d %d %s %s\n", f->cause, f->error,
                               f->code, f->role, f->store, f->store_cut, f->target, f->peer, f->local, f->missing,
                               f->missing_cut, f->certainty, f->failed_check, f->reason);
        for (guint j = 0; j < f->chain->len; j++) {
            const struct trace_cert *cert = f->chain->pdata[j];
            g_string_append_printf(text, " %s %s %s %s %s %s\n", cert->subject, cert->issuer, cert->serial, cert->md5,
                                   cert->sha1, cert->failed_check);
        }
        for (guint j = 0; j < f->lines->len; j++)
            g_string_append_printf(text, "> %s\n", (const char *)f->lines->pdata[j]);
    }
    return g_string_free(text, FALSE);
}

Test(trace, samples)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = load(samples[i].file, &size);
        g_autoptr(trace_auto) trace = read_bytes(bytes, size);
        check_failures(samples[i].what, trace, samples[i].failures);
        check_invariants(trace, size);
    }
}

Test(trace, samples_with_other_line_ends)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = load(samples[i].file, &size);
        g_auto(GStrv) lines = g_strsplit(bytes, "\n", -1);
        g_autofree char *dos = g_strjoinv("\r\n", lines);
        g_autoptr(trace_auto) trace = read_text(dos);
        check_failures(samples[i].what, trace, samples[i].failures);
    }
}

Test(trace, samples_in_utf16)
{
    static const char *const marks[] = {"\xff\xfe", "\xfe\xff"}, *const names[] = {"UTF-16LE", "UTF-16BE"};

    for (size_t i = 0; i < G_N_ELEMENTS(samples) * 2; i++) {
        size_t size, wide_size;
        g_autofree char *bytes = load(samples[i / 2].file, &size);
        g_autofree char *wide = g_convert(bytes, (gssize)size, names[i % 2], "UTF-8", NULL, &wide_size, NULL);
        g_autoptr(GString) text = g_string_new(marks[i % 2]);
        g_string_append_len(text, wide, (gssize)wide_size);
        g_autoptr(trace_auto) trace = read_bytes(text->str, text->len);
        check_failures(samples[i / 2].what, trace, samples[i / 2].failures);
        check_invariants(trace, text->len);
    }
}

Test(trace, split_anywhere_is_the_same)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = load(samples[i].file, &size);
        g_autoptr(trace_auto) whole = read_bytes(bytes, size);
        g_autofree char *want = describe(whole);
        for (size_t split = 0; split <= size; split++) {
            g_autoptr(trace_auto) trace = read_parts(bytes, size, split, split);
            g_autofree char *got = describe(trace);
            cr_assert_str_eq(got, want, "%s at %zu", samples[i].what, split);
            cr_assert_eq(trace->lines, whole->lines);
        }
    }
}

Test(trace, rotated_anywhere_is_the_same)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = load(samples[i].file, &size);
        g_autoptr(trace_auto) whole = read_bytes(bytes, size);
        g_autofree char *want = describe(whole);
        for (const char *feed = bytes; (feed = strchr(feed, '\n')); feed++) {
            g_autoptr(trace_auto) trace = read_parts(bytes, size, (size_t)(feed + 1 - bytes), 0);
            g_autofree char *got = describe(trace);
            cr_assert_str_eq(got, want, "%s behind %.40s", samples[i].what, feed + 1);
        }
    }
}

Test(trace, every_truncation)
{
    unsigned fewer = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = load(samples[i].file, &size);
        for (size_t cut = 0; cut < size; cut++) {
            g_autoptr(trace_auto) trace = read_bytes(bytes, cut);
            check_invariants(trace, cut);
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
        g_autofree char *bytes = load(samples[i].file, &size);
        g_autoptr(trace_auto) whole = read_bytes(bytes, size);
        g_autofree char *want = describe(whole);
        for (size_t at = 0; at < size; at++) {
            char saved = bytes[at];
            bytes[at] = (char)(saved ^ (1 << g_rand_int_range(rand, 0, 8)));
            g_autoptr(trace_auto) trace = read_bytes(bytes, size);
            check_invariants(trace, size);
            g_autofree char *got = describe(trace);
            other += strcmp(got, want) != 0;
            bytes[at] = saved;
        }
    }
    cr_expect_gt(other, 1000);
}
