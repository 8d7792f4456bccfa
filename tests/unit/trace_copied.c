/* analyzer/trace_copied: traces that were copied, pasted, quoted and joined tell the same as before. */
#include "trace_copied.h"

#include "traces.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const samples[] = {
    "client-turned.trc",
    "flat.trc",
    "guide.trc",
    "headline.trc",
    "interleaved.trc",
    "list.trc",
    "others.trc",
    "read.trc",
    "secude-joined.trc",
    "secude.trc",
    "message.trc",
    "copied.trc",
    "server-refused.trc",
    "server-untrusted.trc",
    "success.trc",
    "tree-collapsed.trc",
    "tree-constraints.trc",
    "tree-cross-signed.trc",
    "tree-cut.trc",
    "tree-issuer.trc",
    "tree-leaf.trc",
    "tree-root.trc",
    "tree-validity.trc",
};

/* What was done to a trace: regular expressions and what came in the place of what fits, one after the other. */
static const struct damage {
    const char *what;
    struct {
        const char *pattern, *by;
    } steps[2];
    gboolean without_threads; /* which lines belong together is then told by their order alone */
} damages[] = {
    {"flattened: a blank for each line end", {{"[ \\t]*\\n", " "}}, FALSE},
    {"flattened: # for each line end", {{"\\n", "#"}}, FALSE},
    {"no prefixes", {{"(?m)^\\[Thr [^\\]]*\\] ?", ""}}, TRUE},
    {"no prefixes, flattened by blanks", {{"(?m)^\\[Thr [^\\]]*\\] ?", ""}, {"[ \\t]*\\n", " "}}, TRUE},
    {"no prefixes, flattened by #", {{"(?m)^\\[Thr [^\\]]*\\] ?", ""}, {"\\n", "#"}}, TRUE},
    {"blanks collapsed", {{" +", " "}}, FALSE},
    {"no-break blanks", {{" ", "\xc2\xa0"}}, FALSE},
    {"curly quotes", {{"\"", "\xe2\x80\x9d"}}, FALSE},
    {"Markdown's backslashes", {{"_", "\\\\_"}}, FALSE},
    {"quoted", {{"(?m)^", "> "}}, FALSE},
    {"bullets", {{"(?m)^", "\xe2\x80\xa2 "}}, FALSE},
    {"indented", {{"(?m)^", "    "}}, FALSE},
    {"CR LF", {{"\\n", "\\r\\n"}}, FALSE},
};

static char *replace(const char *text, const char *pattern, const char *by)
{
    g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_RAW, 0, NULL);
    cr_assert(regex, "%s", pattern);
    return g_regex_replace(regex, text, -1, 0, by, 0, NULL);
}

static char *summaries(const struct trace *trace)
{
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < trace->failures->len; i++) {
        g_autofree char *one = traces_summary(trace->failures->pdata[i]);
        g_string_append_printf(all, "%s\n", one);
    }
    return g_string_free(all, FALSE);
}

Test(trace_copied, every_sample_with_every_damage)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i]);
        g_autoptr(trace_auto) whole = traces_read_bytes(bytes, size);
        g_autofree char *want = summaries(whole);
        for (size_t j = 0; j < G_N_ELEMENTS(damages); j++) {
            const struct damage *damage = &damages[j];
            if (damage->without_threads && strcmp(samples[i], "interleaved.trc") == 0)
                continue; /* whose lines these are can't be known */
            if (damage->steps[1].pattern && damage->steps[1].by[0] == ' ' && strcmp(samples[i], "tree-cut.trc") == 0)
                continue; /* its "[...]" stands behind a name then, which counts as cut */
            g_autofree char *text = replace(bytes, damage->steps[0].pattern, damage->steps[0].by);
            if (damage->steps[1].pattern) {
                char *more = replace(text, damage->steps[1].pattern, damage->steps[1].by);
                g_free(text);
                text = more;
            }
            g_autoptr(trace_auto) trace = traces_read_text(text);
            g_autofree char *got = summaries(trace);
            cr_expect_str_eq(got, want, "%s, %s: %s instead of %s", samples[i], damage->what, got, want);
            traces_assert_sound(trace, strlen(text));
        }
    }
}

/* Two threads' lines in one line, each with its prefix: told apart, with a place of its own each. */
Test(trace_copied, joined_lines_have_places)
{
    static const char text[] =
        "words\n[Thr 1] *** ERROR => SSL handshake with a.example.com:443 failed: SSSLRC_CONN_CLOSED "
        "(-10) [Thr 2] *** ERROR => SSL handshake with b.example.com:443 failed: "
        "SSSLRC_CONN_CLOSED (-10)\n";
    g_autoptr(trace_auto) trace = traces_read_text(text);
    cr_assert_eq(trace->failures->len, 2);
    const struct trace_failure *first = trace->failures->pdata[0], *second = trace->failures->pdata[1];
    cr_expect_str_eq(first->target, "a.example.com");
    cr_expect_eq(first->offset, (uint64_t)(strstr(text, "[Thr 1]") - text));
    cr_expect_eq(first->line, 2);
    cr_expect_str_eq(second->target, "b.example.com");
    cr_expect_eq(second->offset, (uint64_t)(strstr(text, "[Thr 2]") - text));
    cr_expect_eq(second->line, 2);
}

static const struct {
    const char *what, *line;
    const char *pieces[5];
} lines[] = {
    {"nothing", "", {NULL}},
    {"one line", "  session uses PSE file \"/sec/x.pse\"", {"session uses PSE file \"/sec/x.pse\""}},
    {"stars and arrow lead to what follows",
     "*** ERROR => SSL handshake with a:443 failed: SSSLRC_CONN_CLOSED (-10)",
     {"*** ERROR => SSL handshake with a:443 failed: SSSLRC_CONN_CLOSED (-10)"}},
    {"so does a return", "<<- SapSSLSessionInit()==SAP_O_K", {"<<- SapSSLSessionInit()==SAP_O_K"}},
    {"and a list's number", "12. *** ERROR => SSL handshake with a", {"12. *** ERROR => SSL handshake with a"}},
    {"words round one line are part of it",
     "we see *** ERROR => SSL handshake with a failed",
     {"we see *** ERROR => SSL handshake with a failed"}},
    {"labels with and without a blank before the colon",
     "Subject :CN=a, C=DE Issuer: CN=b, C=DE Serial number:0x01 Not a label",
     {"Subject :CN=a, C=DE", "Issuer: CN=b, C=DE", "Serial number:0x01 Not a label"}},
    {"a label without a colon is a word", "Subject: CN=Key type, O=Status", {"Subject: CN=Key type, O=Status"}},
    {"calls of any name",
     "SecuSSL_SessionStartNB: SSL_connect() failed => \"text\" SapSSLSessionStartNB()==SSSLERR_SSL_CONNECT",
     {"SecuSSL_SessionStartNB: SSL_connect() failed", "=> \"text\"", "SapSSLSessionStartNB()==SSSLERR_SSL_CONNECT"}},
    {"stack codes",
     ">> - Begin of Secu-SSL Errorstack - >> 0xa0600203 | SSL | f Peer not trusted 0xa060 | no",
     {">> - Begin of Secu-SSL Errorstack - >>", "0xa0600203 | SSL | f Peer not trusted 0xa060 | no"}},
    {"by hashes, each of them",
     "SSL handshake with a failed: X#text##SapSSLSessionStartNB()==X#  more",
     {"SSL handshake with a failed: X", "text", "SapSSLSessionStartNB()==X", "more"}},
    {"but not in quotes",
     "Subject: O=\"Sample #1\", C=DE#Issuer: CN=b",
     {"Subject: O=\"Sample #1\", C=DE", "Issuer: CN=b"}},
    {"a hash alone joins nothing", "Subject: CN=a #1, C=DE", {"Subject: CN=a #1, C=DE"}},
    {"a dump is a line of its own",
     "Target Hostname=\"a\" 7f3a2c001a00  000000  48545450 2f312e31 |ERROR => | SSL NI-hdl 1",
     {"Target Hostname=\"a\"", "7f3a2c001a00  000000  48545450 2f312e31 |ERROR => |", "SSL NI-hdl 1"}},
};

Test(trace_copied, lines_that_were_joined)
{
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        struct slice rest = slice_trim(slice_text(lines[i].line));
        gboolean by_hash = FALSE;
        size_t n = 0;
        for (; rest.size > 0; n++) {
            struct slice piece = trace_copied_take(&rest, &by_hash);
            trace_copied_strip_end(&piece);
            cr_assert(n < 5 && lines[i].pieces[n], "%s: more than %zu", lines[i].what, n);
            cr_expect(slice_equals(piece, lines[i].pieces[n]), "%s: %.*s", lines[i].what, (int)piece.size, piece.at);
        }
        cr_expect(n == 5 || !lines[i].pieces[n], "%s: only %zu", lines[i].what, n);
    }
}

/* How much of a block was understood: free text of the library is not, and empty lines do not count. */
Test(trace_copied, says_how_much_it_read)
{
    static const struct {
        const char *what, *text;
        unsigned lines, known;
    } blocks[] = {
        {"all",
         "[Thr 1] *** ERROR during f() from SSL_connect()==X\n[Thr 1]   session uses PSE file \"/sec/x.pse\"\n"
         "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=1)==SSSLERR_SSL_CONNECT\n",
         3, 3},
        {"free text between, an empty line, other threads, text behind",
         "[Thr 1] *** ERROR during f() from SSL_connect()==X\n[Thr 1] SSL API error\n[Thr 1]\n[Thr 2] words\n"
         "[Thr 1] garbled line\n[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=1)==SSSLERR_SSL_CONNECT\n"
         "[Thr 1] words\n[Thr 1] words\n",
         4, 2},
        {"facts above count, what else stands there does not",
         "[Thr 1]   Target Hostname=\"a\"\n[Thr 1]   words\n[Thr 2] words\n[Thr 1]   words\n"
         "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=1)==SSSLERR_SSL_CONNECT\n",
         2, 2},
        {"facts of which it is not known whose they are don't",
         "[Thr 1]   Target Hostname=\"a\"\n[Thr 1] words\n"
         "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=1)==SSSLERR_SSL_CONNECT\n",
         1, 1},
        {"pieces of one line are lines",
         "*** ERROR during f() from SSL_connect()==X   session uses PSE file \"/sec/x.pse\" SSL API error "
         "<<- ERROR: SapSSLSessionStart(sssl_hdl=1)==SSSLERR_SSL_CONNECT\n",
         3, 3},
        {"details of certificates",
         ">> - Begin of Secu-SSL Errorstack - >>\nPeer not trusted\nCertificate:\nSubject :CN=a\nIssuer :CN=b\nKey:\n"
         "Key size :2048\nNot after :Fri Jan 1 01:00:00 2027\nwhat is this\n<< - End of Secu-SSL Errorstack -\n",
         10, 9},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(blocks); i++) {
        g_autoptr(trace_auto) trace = traces_read_text(blocks[i].text);
        cr_assert_eq(trace->failures->len, 1, "%s", blocks[i].what);
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect_eq(failure->n_lines, blocks[i].lines, "%s: %u lines", blocks[i].what, failure->n_lines);
        cr_expect_eq(failure->n_known, blocks[i].known, "%s: %u known", blocks[i].what, failure->n_known);
    }
}

Test(trace_copied, list_marks)
{
    static const struct {
        const char *text, *rest;
    } marks[] = {
        {"- x", "x"}, {"> x", "x"},   {"* x", "x"},   {"12. x", "x"},  {"3) x", "x"},   {"\xe2\x80\xa2 x", "x"},
        {"_x", "x"},  {"-> x", NULL}, {">> x", NULL}, {"*** x", NULL}, {"3.5 x", NULL}, {"1000. x", NULL},
        {"", NULL},   {"9", NULL},    {"12.x", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        struct slice body = slice_text(marks[i].text);
        cr_expect_eq(trace_copied_strip_mark(&body), marks[i].rest != NULL, "%s", marks[i].text);
        cr_expect(slice_equals(body, marks[i].rest ? marks[i].rest : marks[i].text), "%s", marks[i].text);
    }
}
