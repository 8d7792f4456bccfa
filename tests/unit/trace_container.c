/* analyzer/trace_container: a trace inside something else, or on a page that was too narrow, tells the same as bare. */
#include "trace_container.h"

#include "advice.h"
#include "traces.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *const samples[] = {
    "client-turned.trc",
    "flat.trc",
    "guide.trc",
    "headline.trc",
    "interleaved.trc",
    "read.trc",
    "secude.trc",
    "server-refused.trc",
    "server-untrusted.trc",
    "tree-constraints.trc",
    "tree-cross-signed.trc",
    "tree-issuer.trc",
    "tree-leaf.trc",
    "tree-root.trc",
    "tree-validity.trc",
};

/* ---- What is put round a line ---- */

static void put_json(GString *out, const char *line)
{
    for (; *line; line++) {
        if (*line == '"' || *line == '\\')
            g_string_append_printf(out, "\\%c", *line);
        else if (*line == ' ' && line[1] == ' ')
            g_string_append(out, "\\u00a0");
        else if (*line == '/' || *line == '>')
            g_string_append_printf(out, *line == '/' ? "\\/" : "\\u003E");
        else if (*line == '\t')
            g_string_append(out, "\\t");
        else
            g_string_append_c(out, *line);
    }
}

static void put_html(GString *out, const char *line)
{
    static const struct {
        char c;
        const char *entity;
    } entities[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}, {'=', "&#x3D;"}};

    for (; *line; line++) {
        const char *entity = NULL;
        for (size_t i = 0; i < G_N_ELEMENTS(entities); i++)
            entity = entities[i].c == *line ? entities[i].entity : entity;
        if (*line == ' ' && line[1] == ' ')
            entity = "&nbsp;";
        if (entity)
            g_string_append(out, entity);
        else
            g_string_append_c(out, *line);
    }
}

static void put_plain(GString *out, const char *line)
{
    g_string_append(out, line);
}

/* "%" is the line, "#" its number, "~" a number that is no more than that. */
static const struct form {
    const char *what, *begin, *each, *end;
    void (*put)(GString *out, const char *line);
    unsigned other;     /* 0, or every so many lines: */
    const char *beside; /* ... they are so */
} forms[] = {
    {"JSON, one object a line", "", "{\"host\": \"prd\", \"message\": \"%\", \"n\": #}\n", "", put_json, 0, NULL},
    {"JSON with another key first", "", "{\"log\":\"%\\n\",\"stream\":\"stdout\"}\n", "", put_json, 0, NULL},
    {"JSON with nested keys, twice", "",
     "{\"event\":{\"original\":\"%\"},\"log\":{\"level\":\"error\"},\"message\":\"SSSLERR %\"}\n", "", put_json, 0,
     NULL},
    {"JSON, a list of objects", "[\n", "  {\n    \"msg\" : \"%\",\n    \"n\": #\n  },\n", "]\n", put_json, 0, NULL},
    {"JSON, the answer of a search", "{\"took\":3,\"hits\":{\"hits\":[", "{\"_source\":{\"Zeile\":\"%\"}},", "{}]}}\n",
     put_json, 0, NULL},
    {"JSON, a list of strings", "[\n", " \"%\",\n", " \"\"\n]\n", put_json, 0, NULL},
    {"JSON, all in one string", "{\"message\":\"", "%\\r\\n", "\"}\n", put_json, 0, NULL},
    {"JSON behind a time", "", "Nov 23 06:12:01 host shipper[~]: {\"message\": \"%\"}\n", "", put_json, 0, NULL},
    {"grep -n", "", "#:%\n", "", put_plain, 0, NULL},
    {"grep -H", "", "dev_icm:%\n", "", put_plain, 0, NULL},
    {"grep -Hn", "", "dev_icm:#:%\n", "", put_plain, 0, NULL},
    {"grep -Hn of a path with colons", "", "/backup/06:12:01/work/dev_icm.old:#:%\n", "", put_plain, 0, NULL},
    {"grep -Hn -C", "", "dev_icm-#-%\n", "", put_plain, 3, "dev_icm:#:%\n"},
    {"grep -n -C, groups", "", "#-%\n", "", put_plain, 4, "#:%\n--\n"},
    {"grep -Hnb on Windows", "", "C:\\usr\\sap\\dev_icm:#:#77:%\r\n", "", put_plain, 0, NULL},
    {"cat -n", "", "  #\t%\n", "", put_plain, 0, NULL},
    {"syslog", "", "Nov  3 06:12:~ prdapp01 icm[~]: %\n", "", put_plain, 0, NULL},
    {"a container's log", "", "2026-11-23T06:12:~.123456789Z stdout F %\n", "", put_plain, 0, NULL},
    {"a page, lines broken", "<html><head><script>if (a<b) \"[Thr\"</script></head><body><p>\n", "%<br/>\n",
     "</p></body></html>\n", put_html, 0, NULL},
    {"a page in one line", "<!DOCTYPE html><title>t</title><style>p{}</style><!-- <pre> --><body>", "%<br>", "</body>",
     put_html, 0, NULL},
    {"a page, preformatted", "<HTML><body><PRE class=\"a>b\">", "%\n", "</PRE></body></HTML>\n", put_html, 0, NULL},
    {"a page, a table", "<table>", "<tr><td>#</td><td><span style='x'>%</span></td></tr>\n", "</table>", put_html, 0,
     NULL},
    {"a page, paragraphs", "", "<p>%</p>", "", put_html, 0, NULL},
    {"entities alone", "", "%\n", "", put_html, 0, NULL},
    {"a list in a frame", "------------------------------\n|Trace file                                 |\n", "|%   |\n",
     "------------------------------\n", put_plain, 0, NULL},
    {"a list in a frame, with numbers", "", "|   #|%      |\r\n", "", put_plain, 0, NULL},
    {"quoted twice", "On Monday somebody wrote:\n", ">> %\n", "", put_plain, 0, NULL},
};

static void put_form(GString *out, const char *each, const struct form *form, const char *line, unsigned number)
{
    for (; *each; each++) {
        if (*each == '%')
            form->put(out, line);
        else if (*each == '#')
            g_string_append_printf(out, "%u", number);
        else if (*each == '~')
            g_string_append_printf(out, "%02u", number % 60);
        else
            g_string_append_c(out, *each);
    }
}

static char *in_form(const char *text, const struct form *form)
{
    GString *out = g_string_new(form->begin);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (unsigned i = 0; lines[i] && (lines[i][0] || lines[i + 1]); i++)
        put_form(out, form->beside && i % form->other == 0 ? form->beside : form->each, form, lines[i], 995 + i);
    g_string_append(out, form->end);
    return g_string_free(out, FALSE);
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

static void expect_same(const char *sample, const char *what, const char *want, const char *text)
{
    g_autoptr(trace_auto) trace = traces_read_text(text);
    g_autofree char *got = summaries(trace);

    cr_expect_str_eq(got, want, "%s, %s: %s instead of %s", sample, what, got, want);
    traces_assert_sound(trace, strlen(text));
}

static char *load(const char *sample, gboolean prefixed)
{
    size_t size;
    g_autofree char *bytes = traces_load(&size, sample);
    g_autoptr(GRegex) prefix = g_regex_new("(?m)^\\[Thr [^\\]]*\\] ?", 0, 0, NULL);

    return prefixed ? g_steal_pointer(&bytes) : g_regex_replace_literal(prefix, bytes, -1, 0, "", 0, NULL);
}

Test(trace_container, every_sample_in_every_form)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        for (int prefixed = 0; prefixed < 2; prefixed++) {
            g_autofree char *text = load(samples[i], prefixed);
            g_autoptr(trace_auto) whole = traces_read_text(text);
            g_autofree char *want = summaries(whole);
            for (size_t j = 0; j < G_N_ELEMENTS(forms); j++) {
                g_autofree char *inside = in_form(text, &forms[j]);
                expect_same(samples[i], forms[j].what, want, inside);
            }
        }
    }
}

/* ---- Pages that are too narrow ---- */

static char *wrap(const char *text, size_t columns, gboolean softly, const char *end, const char *mark)
{
    GString *out = g_string_new(NULL);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (unsigned i = 0; lines[i] && (lines[i][0] || lines[i + 1]); i++) {
        const char *at = lines[i];
        while (strlen(at) > columns) {
            const char *blank = softly ? memrchr(at, ' ', columns + 1) : NULL;
            size_t size = blank && blank > at ? (size_t)(blank - at) : columns;
            g_string_append_printf(out, "%s%.*s%s", mark, (int)size, at, end);
            at += size + (blank && blank > at);
        }
        g_string_append_printf(out, "%s%s%s", mark, at, end);
    }
    return g_string_free(out, FALSE);
}

/* The program's own paper: a tree whose names are longer than the page. */
#define THREAD "[Thr 140012345678912] "
static const char tree[] = THREAD
    "Mon Nov 23 06:12:01:234 2026\n" THREAD
    "*** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n" THREAD
    "  session uses PSE file \"/usr/sap/PRD/D00/sec/SAPSSLC.pse\"\n" THREAD
    "SecuSSL_SessionStartNB: SSL_connect() failed (536872221/0x2000051d)\n" THREAD
    ">> ---------- Begin of Secu-SSL Errorstack ---------- >>\n" THREAD "Peer not trusted\n" THREAD
    "Certificate:\n" THREAD " Certificate:\n" THREAD
    "  Subject:                CN=mail.customer.example, O=Customer Example Holding AG, C=CH\n" THREAD
    "  Issuer:                 CN=Customer Example Holding Network Services Issuing CA 12, O=Customer Example "
    "Holding AG, C=CH\n" THREAD "  Serial Number:          0A:01\n" THREAD " Verification result:\n" THREAD
    "  Status:                 Not successful\n" THREAD "   SignerCert:\n" THREAD "    Certificate:\n" THREAD
    "     Subject:                CN=Customer Example Holding Network Services Issuing CA 12, O=Customer Example "
    "Holding AG, C=CH\n" THREAD
    "     Issuer:                 CN=Customer Example Holding Network Services Root CA 2, O=Customer Example "
    "Holding AG, C=CH\n" THREAD "     Serial Number:          0A:02\n" THREAD "    Verification result:\n" THREAD
    "     Status:                 Not successful\n" THREAD
    "<< ---------- End of Secu-SSL Errorstack ----------\n" THREAD
    "  Target Hostname=\"mail.customer.example\"\n" THREAD
    "  SSL NI-hdl 132: local=10.0.0.5:41234  peer=192.0.2.7:443\n" THREAD
    "<<- ERROR: SapSSLSessionStartNB(sssl_hdl=7f00aa001870)==SSSLERR_PEER_CERT_UNTRUSTED\n" THREAD
    "*** ERROR => SSL handshake with mail.customer.example:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n" THREAD
    "Peer's X.509 certificate (chain) validation failed (missing trust?)\n" THREAD
    "SapSSLSessionStartNB()==SSSLERR_PEER_CERT_UNTRUSTED\n";

static const char tree_summary[] =
    "untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | /usr/sap/PRD/D00/sec/SAPSSLC.pse | "
    "mail.customer.example | 192.0.2.7:443 | CN=Customer Example Holding Network Services Root CA 2, O=Customer "
    "Example "
    "Holding AG, C=CH | issuer | 2 | -\n";

static char *tree_text(gboolean prefixed)
{
    g_auto(GStrv) parts = g_strsplit(tree, THREAD, -1);
    return prefixed ? g_strdup(tree) : g_strjoinv("", parts);
}

Test(trace_container, wrapped_at_every_column)
{
    for (int prefixed = 0; prefixed < 2; prefixed++) {
        g_autofree char *text = tree_text(prefixed);
        expect_same("the tree", "as it is", tree_summary, text);
        for (size_t columns = prefixed ? 60 : 64; columns <= 180; columns++) {
            static const char *const ends[] = {"\n", "\r\n"};
            for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
                g_autofree char *wrapped = wrap(text, columns, FALSE, ends[i], "");
                g_autofree char *what = g_strdup_printf("prefix %d, cut at column %zu, end %zu", prefixed, columns, i);
                expect_same("the tree", what, tree_summary, wrapped);
            }
        }
    }
}

Test(trace_container, wrapped_otherwise)
{
    static const size_t widths[] = {72, 76, 80, 100, 120, 132};

    for (size_t i = 0; i < G_N_ELEMENTS(widths); i++) {
        g_autofree char *softly = wrap(tree, widths[i], TRUE, "\n", "");
        g_autofree char *quoted = wrap(tree, widths[i], FALSE, "\n", "> ");
        g_autofree char *mail = g_strdup_printf("Hello,\n\nsince Monday we see this:\n\n%s\n\nRegards\n", softly);
        expect_same("the tree", "at blanks", tree_summary, softly);
        expect_same("the tree", "quoted", tree_summary, quoted);
        g_autofree char *indented = wrap(tree, widths[i], FALSE, "\n", "    ");
        expect_same("the tree", "indented", tree_summary, indented);
        expect_same("the tree", "in a mail", tree_summary, mail);
        g_autofree char *terminal = in_form(tree, &forms[10]), *narrow = wrap(terminal, widths[i], FALSE, "\n", "");
        expect_same("the tree", "what grep wrote", tree_summary, narrow);
        g_autofree char *hard = wrap(tree, widths[i], FALSE, "\n", ""), *found = in_form(hard, &forms[10]);
        expect_same("the tree", "what grep found", tree_summary, found);
    }
}

/* Unwrapped lines that follow the longest ones are not their rests. */
Test(trace_container, joins_nothing_else)
{
    static const struct {
        const char *what, *text;
    } rows[] = {
        {"longest lines, each with free text below",
         "*** ERROR => SSL handshake with one.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n"
         "the peer is not known here\nSapSSLSessionStartNB()==SSSLERR_PEER_CERT_UNTRUSTED\n"
         "*** ERROR => SSL handshake with two.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n"
         "the peer is not known here\nSapSSLSessionStartNB()==SSSLERR_PEER_CERT_UNTRUSTED\n"
         "*** ERROR => SSL handshake with six.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n"
         "the peer is not known here\nSapSSLSessionStartNB()==SSSLERR_PEER_CERT_UNTRUSTED\n"},
        {"the same below prefixes",
         "[Thr 1] *** ERROR => SSL handshake with one.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n"
         "Free text\n[Thr 1] words\n"
         "[Thr 1] *** ERROR => SSL handshake with two.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n"
         "Free text\n[Thr 1] words\n"},
        {"a Web Dispatcher's lines",
         "*** ERROR during SecuSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL\n"
         "   session uses PSE file \"/usr/sap/WEB/W00/sec/SAPSSLC.pse\"\nSecuSSL_SessionStart: SSL_connect() failed\n"
         "  => \"words\"\nSSL API error\nPeer not trusted\nSSL API error again\n"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        cr_expect_null(container_find(slice_text(rows[i].text), TRUE, NULL, NULL), "%s", rows[i].what);
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        for (int prefixed = 0; prefixed < 2; prefixed++) {
            g_autofree char *text = load(samples[i], prefixed);
            cr_expect_null(container_find(slice_text(text), TRUE, NULL, NULL), "%s, prefix %d", samples[i], prefixed);
        }
    }
}

/* ---- Names that were cut ---- */

Test(trace_container, what_was_cut_is_no_name)
{
    static const struct {
        const char *what, *text, *missing;
        gboolean cut;
    } rows[] = {
        {"one line that goes on below",
         "[Thr 1] *** ERROR => SSL handshake with a.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n"
         "[Thr 2] Certificate:\n[Thr 2]   Subject: CN=Sample\n [O=Sample]\n[Thr 2]   Issuer: CN=Sample\n [Root CA]\n"
         "[Thr 2]  Status: Not successful\n[Thr 2] *** ERROR => SSL handshake with b.example.com:443 failed: "
         "SSSLERR_PEER_CERT_UNTRUSTED (-102) and more words that make this the longest of all the lines here\n",
         "CN=Sample", TRUE},
        {"no other line has a prefix",
         "Certificate:\n  Subject:                CN=Partner Example Corporate\nIssuing CA 3, O=Example\n"
         "  Issuer:                 CN=Partner Example Corporate, O=Example Holding AG\nand Company, C=DE\n"
         "  Status: Not successful\n"
         "*** ERROR => SSL handshake with b.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102) and more "
         "words\n",
         "CN=Partner Example Corporate, O=Example Holding AG", TRUE},
        {"a line of exactly the page's width, cut at a blank", /* or within a word: nobody knows */
         "[Thr 1] Certificate:\n[Thr 1]   Subject: CN=a.example.com\n"
         "[Thr 1]   Issuer:                 CN=Partner Example Holding Corporate\nRoot CA 1, O=Example, C=DE\n"
         "[Thr 1]  Status: Not successful\n[Thr 1] Target Hostname=\"b.example.com\"\n"
         "[Thr 1] *** ERROR => SSL handshake with b.example.com:443 failed: X\n",
         "CN=Partner Example Holding Corporate", TRUE},
        {"a name that ends in a comma",
         "[Thr 1] Certificate:\n[Thr 1]   Subject: CN=Sample,\n[Thr 1]   Issuer: CN=Sample,\n"
         "[Thr 1]  Status: Not successful\n"
         "[Thr 1] *** ERROR => SSL handshake with b.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n",
         "CN=Sample,", TRUE},
        {"a name that ends in an equals sign",
         "[Thr 1] Certificate:\n[Thr 1]   Subject: CN=Sample, C=\n[Thr 1]   Issuer: CN=Sample, C=\n"
         "[Thr 1]  Status: Not successful\n"
         "[Thr 1] *** ERROR => SSL handshake with b.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n",
         "CN=Sample, C=", TRUE},
        {"a line below with a label is another fact",
         "[Thr 1] Certificate:\n[Thr 1]   Subject: CN=Sample\n[Thr 1]   Unheard: of\n[Thr 1]   Issuer: CN=Sample\n"
         "[Thr 1]   Unheard: of\n[Thr 1]  Status: Not successful\n"
         "[Thr 1] *** ERROR => SSL handshake with b.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n",
         "CN=Sample", FALSE},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(trace_auto) trace = traces_read_text(rows[i].text);
        cr_assert_geq(trace->failures->len, 1, "%s", rows[i].what);
        const struct trace_failure *failure = trace->failures->pdata[trace->failures->len - 1];
        cr_expect_str_eq(failure->missing, rows[i].missing, "%s: %s", rows[i].what, failure->missing);
        cr_expect_eq(failure->missing_cut, rows[i].cut, "%s", rows[i].what);
        cr_expect_eq(failure->certainty == CERTAINTY_SELF_SIGNED, !rows[i].cut, "%s: certainty %d", rows[i].what,
                     failure->certainty);
    }
}

/* Cut at a column where a blank stands: subject and issuer begin alike, and end alike. */
Test(trace_container, clipped_at_a_blank)
{
    g_auto(GStrv) lines = g_strsplit(tree, "\n", -1);
    size_t columns = 0;

    for (unsigned i = 0; lines[i]; i++) {
        const char *root = strstr(lines[i], " Root CA 2");
        columns = root ? (size_t)(root + 1 - lines[i]) : columns;
    }
    for (int trimmed = 0; trimmed < 2; trimmed++) {
        g_autoptr(GString) out = g_string_new(NULL);
        for (unsigned i = 0; lines[i]; i++) {
            g_autofree char *line = g_strndup(lines[i], columns);
            g_string_append_printf(out, "%s\n", trimmed ? g_strchomp(line) : line);
        }
        g_autoptr(trace_auto) trace = traces_read_text(out->str);
        cr_assert_eq(trace->failures->len, 1);
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect(failure->missing_cut, "%s", failure->missing);
        cr_expect_neq(failure->certainty, CERTAINTY_SELF_SIGNED, "%s", failure->missing);
    }
}

/* A terminal that cuts off what does not fit. */
Test(trace_container, clipped)
{
    static const size_t widths[] = {72, 80, 100};

    for (size_t i = 0; i < G_N_ELEMENTS(widths); i++) {
        GString *out = g_string_new(NULL);
        g_auto(GStrv) lines = g_strsplit(tree, "\n", -1);
        for (unsigned j = 0; lines[j]; j++)
            g_string_append_printf(out, "%.*s\n", (int)widths[i], lines[j]);
        g_autofree char *text = g_string_free(out, FALSE);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        cr_assert_eq(trace->failures->len, 1);
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect(failure->missing_cut, "%zu columns", widths[i]);
        cr_expect_eq(failure->certainty, CERTAINTY_ISSUER, "%zu columns", widths[i]);
        cr_expect(g_str_has_prefix("CN=Customer Example Holding Network Services Root CA 2, O=Customer Example Holding",
                                   failure->missing) ||
                      g_str_has_prefix("CN=Customer Example Holding Network Services Issuing", failure->missing),
                  "%zu columns: %s", widths[i], failure->missing);
    }
}

/* ---- Places and pieces ---- */

Test(trace_container, places_are_those_of_the_file)
{
    static const char line[] =
        "[Thr 1] *** ERROR => SSL handshake with a.example.com:443 failed: SSSLRC_CONN_CLOSED (-10)";

    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        if (forms[i].put == put_html || !strchr(forms[i].each, '\n'))
            continue;
        g_autofree char *text = g_strdup_printf("[Thr 1] words\n[Thr 1] words\n%s\n[Thr 1] words\n", line);
        g_autofree char *inside = in_form(text, &forms[i]);
        g_autoptr(trace_auto) trace = traces_read_text(inside);
        cr_assert_eq(trace->failures->len, 1, "%s", forms[i].what);
        const struct trace_failure *failure = trace->failures->pdata[0];
        const char *found = strstr(inside, "[Thr 1] ***");
        unsigned number = 1;
        for (const char *at = inside; at < found; at++)
            number += *at == '\n';
        cr_expect_eq(failure->offset, (uint64_t)(found - inside), "%s: %u instead of %u", forms[i].what,
                     (unsigned)failure->offset, (unsigned)(found - inside));
        cr_expect_eq(failure->line, number, "%s: line %u instead of %u", forms[i].what, failure->line, number);
    }
}

/* Where the bytes were split does not matter, nor what the text is encoded in. */
Test(trace_container, in_pieces)
{
    g_autofree char *narrow = wrap(tree, 80, FALSE, "\n", "");

    for (size_t i = 0; i <= G_N_ELEMENTS(forms); i++) {
        g_autofree char *text = i < G_N_ELEMENTS(forms) ? in_form(tree, &forms[i]) : g_strdup(narrow);
        const char *what = i < G_N_ELEMENTS(forms) ? forms[i].what : "wrapped";
        size_t size = strlen(text);
        g_autoptr(trace_auto) whole = traces_read_text(text), bytes = trace_new(), wide = trace_new();
        g_autofree char *want = traces_describe(whole);
        trace_begin(bytes, 0);
        for (size_t at = 0; at < size; at++)
            trace_read(bytes, text + at, 1);
        traces_end(bytes);
        g_autofree char *got = traces_describe(bytes);
        cr_expect_str_eq(got, want, "%s, byte by byte", what);
        glong units = 0;
        g_autofree gunichar2 *utf16 = g_utf8_to_utf16(text, (glong)size, NULL, &units, NULL);
        trace_begin(wide, 0);
        trace_read(wide, G_BYTE_ORDER == G_LITTLE_ENDIAN ? "\xff\xfe" : "\xfe\xff", 2);
        for (glong at = 0; at < units; at++)
            trace_read(wide, utf16 + at, sizeof *utf16);
        traces_end(wide);
        g_autofree char *got_wide = traces_describe(wide);
        cr_expect_str_eq(got_wide, want, "%s, in UTF-16", what);
        for (size_t split = 0; split <= size; split += 97) {
            g_autoptr(trace_auto) trace = traces_read_parts(text, size, split, split);
            g_autofree char *described = traces_describe(trace);
            cr_expect_str_eq(described, want, "%s, split at %zu", what, split);
        }
    }
}

/* Whatever is cut off or damaged, nothing is made up and nothing crashes. */
Test(trace_container, damaged)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20261130);
    unsigned fewer = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *text = in_form(tree, &forms[i]);
        size_t size = strlen(text);
        for (size_t cut = 0; cut < size; cut += 7) {
            g_autoptr(trace_auto) trace = traces_read_bytes(text, cut);
            traces_assert_sound(trace, cut);
            fewer += trace->failures->len == 0;
        }
        for (unsigned round = 0; round < 200; round++) {
            g_autofree char *other = g_memdup2(text, size);
            for (int flips = 0; flips < 3; flips++)
                other[g_rand_int_range(rand, 0, (gint32)size)] = (char)g_rand_int_range(rand, 0, 256);
            g_autoptr(trace_auto) trace = traces_read_bytes(other, size);
            traces_assert_sound(trace, size);
        }
    }
    cr_expect_gt(fewer, 100, "the first lines tell of no failure");
}

/* What stands round the lines is not known: then a higher trace level is of no use, since the trace shows the chain. */
Test(trace_container, says_that_lines_were_not_understood)
{
    static const char *const words[] = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"};
    g_auto(GStrv) lines = g_strsplit(tree, "\n", -1);
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; lines[i] && lines[i][0]; i++) {
        const char *body = lines[i] + strlen(THREAD);
        while (*body == ' ')
            body++;
        g_string_append_printf(text, "%s%s%s.%s\n", words[i % 8], words[i / 8], words[i * 3 % 8], body);
    }
    for (int whole = 0; whole < 2; whole++) {
        g_autoptr(trace_auto) trace = traces_read_text(whole ? "[Thr 1] *** ERROR => SSL handshake with a.example:443 "
                                                               "failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n"
                                                             : text->str);
        cr_assert_eq(trace->failures->len, 1);
        g_autofree char *advice = advice_text(trace->failures->pdata[0]);
        cr_expect_eq(strstr(advice, "the trace level of the ICM to 2") != NULL, whole, "%s", advice);
        cr_expect_eq(strstr(advice, "does not show the chain") != NULL, whole, "%s", advice);
        cr_expect_eq(strstr(advice, "Give explain the trace file itself") != NULL, !whole, "%s", advice);
    }
    g_string_free(text, TRUE);
}
