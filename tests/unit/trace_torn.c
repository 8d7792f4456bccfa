/* analyzer/trace: blocks whose beginning or end is not in the trace: they say so, and name nothing as missing that may
 * only be the last certificate that was written. */
#include "trace.h"

#include "advice.h"
#include "audit.h"
#include "grouping.h"
#include "traces.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const samples[] = {
    "tree-issuer.trc",      "tree-root.trc", "tree-leaf.trc", "tree-cross-signed.trc",
    "tree-constraints.trc", "flat.trc",      "secude.trc",    "server-untrusted.trc",
};

static const struct trace_failure *first_of(const struct trace *trace)
{
    return trace->failures->len > 0 ? trace->failures->pdata[0] : NULL;
}

static gboolean has_any(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strstr(text, *words))
            return TRUE;
    return FALSE;
}

static const char *const endings[] = {"End of Sec", "<<- ERROR", "ERROR =>", NULL};
static const char *const openings[] = {"ERROR during", "Begin of Sec", "() failed", NULL};

/* Whether the topmost certificate that ${text} shows whole is self-signed. */
static gboolean ends_in_root(const struct trace_failure *failure)
{
    const struct trace_cert *top = failure->chain->pdata[failure->chain->len - 1];
    return top->subject && top->issuer && strcmp(top->subject, top->issuer) == 0;
}

static gboolean is_torn(const char *text)
{
    return has_any(text, openings) && !has_any(text, endings);
}

static void check_torn_end(const char *what, size_t at, const char *text, const struct trace_failure *failure)
{
    const char *last = strrchr(text, '\n');
    g_autofree char *lines = g_strndup(text, last ? (size_t)(last - text) : 0);
    gboolean torn = failure->torn_end;

    /* Half a line may end a block, or not. */
    cr_assert(torn == is_torn(lines) || torn == is_torn(text), "%s cut at %zu: %d", what, at, torn);
    cr_assert_not(failure->torn_begin, "%s cut at %zu", what, at);
    if (!torn)
        return;
    g_autofree char *advice = advice_text(failure);
    cr_assert(strstr(advice, "breaks off"), "%s cut at %zu: %s", what, at, advice);
    gboolean named =
        failure->certainty == CERTAINTY_NAMED || (failure->certainty == CERTAINTY_SELF_SIGNED && ends_in_root(failure));
    cr_assert(!failure->missing || named, "%s cut at %zu: %s", what, at, failure->missing);
}

/* The trace was cut while it was written, at any byte; other threads may have written meanwhile. */
Test(trace_torn, at_the_end)
{
    unsigned torn = 0, whole = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i]);
        for (size_t cut = 1; cut <= size; cut++) {
            g_autofree char *text = g_strndup(bytes, cut);
            g_autoptr(trace_auto) trace = traces_read_text(text);
            if (trace->failures->len == 0)
                continue;
            check_torn_end(samples[i], cut, text, first_of(trace));
            first_of(trace)->torn_end ? torn++ : whole++;
            if (bytes[cut - 1] != '\n')
                continue;
            g_autofree char *more = g_strconcat(text, "[Thr 2] words\n[Thr 2] words\n", NULL);
            g_autoptr(trace_auto) other = traces_read_text(more);
            check_torn_end(samples[i], cut, text, first_of(other));
        }
    }
    cr_expect_gt(torn, 1000);
    cr_expect_gt(whole, 1000);
}

/* The process died within the block, and another one has gone on with the file. */
Test(trace_torn, by_another_process)
{
    static const char header[] = "---------------------------------------------------\n"
                                 "trc file: \"dev_icm\", trc level: 1, release: \"785\"\n"
                                 "---------------------------------------------------\npid        %d\n";

    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i]);
        for (const char *feed = bytes; (feed = strchr(feed, '\n')); feed++) {
            size_t cut = (size_t)(feed + 1 - bytes);
            g_autoptr(GString) text = g_string_new(NULL);
            g_autofree char *begin = g_strndup(bytes, cut);
            g_string_append_printf(text, header, 4711);
            g_string_append(text, begin);
            g_string_append_printf(text, header, 4712);
            g_string_append(text, bytes + cut); /* of nobody that this one knows */
            g_autoptr(trace_auto) trace = traces_read_text(text->str);
            if (has_any(begin, openings))
                check_torn_end(samples[i], cut, begin, first_of(trace));
        }
    }
}

/* The file begins within a block: at offset 0 after a rotation, or where a piece of it was read. */
Test(trace_torn, at_the_beginning)
{
    unsigned torn = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i]);
        const char *stack = strstr(bytes, "Begin of Sec"), *end = strstr(bytes, "End of Sec");
        for (const char *feed = bytes; (feed = strchr(feed, '\n')); feed++) {
            g_autoptr(trace_auto) trace = trace_new();
            trace_begin(trace, (feed - bytes) % 2 ? 0 : 77777);
            trace_read(trace, feed + 1, strlen(feed + 1));
            traces_end(trace);
            if (trace->failures->len == 0)
                continue;
            const struct trace_failure *failure = first_of(trace);
            gboolean inside = feed > stack && feed < end;
            /* Library errors in a stack of the older kind are a beginning like any other. */
            if (strstr(feed + 1, "ERROR in "))
                continue;
            cr_assert_eq(failure->torn_begin, inside, "%s from %.50s", samples[i], feed + 1);
            cr_assert_not(failure->torn_end);
            torn += failure->torn_begin;
            g_autofree char *advice = advice_text(failure);
            cr_assert_eq(strstr(advice, "begins in the middle") != NULL, inside, "%s", advice);
        }
    }
    cr_expect_gt(torn, 100);
}

/* Of a file that is too long only the end was read, and the older one above it goes on somewhere in between. */
Test(trace_torn, by_a_gap)
{
    size_t size;
    g_autofree char *bytes = traces_load(&size, "tree-issuer.trc");
    const char *half = strstr(bytes, "SignerCert:");
    const size_t at = (size_t)(half - bytes);
    static const struct {
        const char *what;
        int64_t base; /* less the place of the cut; INT64_MIN: 0 */
        guint failures;
    } rows[] = {
        {"the next file", INT64_MIN, 1}, {"the same file", 0, 1}, {"a line is missing", 100, 2},
        {"one byte is missing", 1, 2},   {"read twice", -1, 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(trace_auto) trace = trace_new();
        trace_begin(trace, 0);
        trace_read(trace, bytes, at);
        trace_begin(trace, rows[i].base == INT64_MIN ? 0 : (uint64_t)((int64_t)at + rows[i].base));
        trace_read(trace, half, size - at);
        traces_end(trace);
        cr_assert_eq(trace->failures->len, rows[i].failures, "%s", rows[i].what);
        const struct trace_failure *first = trace->failures->pdata[0];
        cr_expect_eq(first->torn_end, rows[i].failures == 2, "%s", rows[i].what);
        cr_expect_eq(first->missing == NULL, rows[i].failures == 2, "%s", rows[i].what);
    }
}

/* Nothing that is whole, in any order or shape, counts as torn. */
Test(trace_torn, whole_ones_are_not)
{
    static const char *const whole[] = {
        "client-turned.trc",    "copied.trc",        "guide.trc",
        "headline.trc",         "list.trc",          "message.trc",
        "others.trc",           "read.trc",          "secude-joined.trc",
        "server-refused.trc",   "tree-cut.trc",      "tree-collapsed.trc",
        "interleaved.trc",      "tree-validity.trc", "tree-issuer.trc",
        "tree-root.trc",        "tree-leaf.trc",     "tree-cross-signed.trc",
        "tree-constraints.trc", "flat.trc",          "secude.trc",
        "server-untrusted.trc",
    };
    static const char *const texts[] = {
        /* what people cut out */
        "Peer not trusted\nCertificate:\n Certificate:\n  Subject: CN=a, C=DE\n  Issuer: CN=b, C=DE\n",
        ">> - Begin of Secu-SSL Errorstack - >>\nPeer not trusted\nSubject: CN=a, C=DE\nIssuer: CN=b, C=DE\n"
        "<< - End of Secu-SSL Errorstack -\n",
        "*** ERROR during secussl_read() from SSL_read()==SSL_ERROR_SSL\nsecussl_read: SSL_read() failed\n"
        "  => \"Failed to verify peer certificate. Peer not trusted.\"\n",
        "SSSLERR_PEER_CERT_UNTRUSTED (-102)",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(whole) + G_N_ELEMENTS(texts); i++) {
        size_t size, n = G_N_ELEMENTS(whole);
        g_autofree char *bytes = i < n ? traces_load(&size, whole[i]) : g_strdup(texts[i - n]);
        g_autoptr(trace_auto) trace = traces_read_text(bytes);
        cr_assert_gt(trace->failures->len, 0);
        for (guint j = 0; j < trace->failures->len; j++) {
            const struct trace_failure *failure = trace->failures->pdata[j];
            cr_expect_not(failure->torn_begin || failure->torn_end, "%s, failure %u", i < n ? whole[i] : bytes, j);
        }
    }
}

/* Counted together, a whole one speaks for all; one that is torn in all of its blocks says so. */
Test(trace_torn, in_an_audit)
{
    static const char begin[] = "[Thr 1] *** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n"
                                "[Thr 1]    session uses PSE file \"/sec/SAPSSLC.pse\"\n"
                                "[Thr 1] >> -- Begin of Secu-SSL Errorstack -- >>\n[Thr 1] Peer not trusted\n";
    static const char end[] = "[Thr 1] << -- End of Secu-SSL Errorstack --\n";
    static const struct {
        const char *what;
        unsigned torn, whole;
        gboolean torn_first;
    } rows[] = {
        {"one whole", 0, 1, FALSE},        {"one torn", 1, 0, FALSE},        {"two torn", 2, 0, FALSE},
        {"whole, then torn", 1, 1, FALSE}, {"torn, then whole", 1, 1, TRUE}, {"torn, whole, whole", 1, 2, TRUE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (unsigned n = 0; n < rows[i].torn + rows[i].whole; n++) {
            gboolean torn = rows[i].torn_first ? n < rows[i].torn : n >= rows[i].whole;
            g_string_append_printf(text, "%s%s", begin, torn ? "" : end);
        }
        g_autoptr(audit_auto) audit = audit_new();
        const struct grouping_part part = {"dev_icm", NULL, NULL};
        g_autoptr(grouping_auto) grouping = grouping_new(audit, NULL, NULL, NULL);
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        grouping_add(grouping, trace, &part);
        cr_assert_eq(audit->failures->len, 1, "%s", rows[i].what);
        const struct audit_failure *failure = audit->failures->pdata[0];
        cr_expect_eq(failure->count, rows[i].torn + rows[i].whole, "%s", rows[i].what);
        cr_expect_eq(failure->torn, rows[i].whole == 0, "%s", rows[i].what);
        cr_expect_eq(strstr(failure->advice, "breaks off") != NULL, rows[i].whole == 0, "%s", failure->advice);
    }
}
