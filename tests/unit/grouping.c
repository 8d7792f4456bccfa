/* analyzer/grouping, advice, explain: failures of traces as entries of an audit. */
#include "grouping.h"

#include "advice.h"
#include "analysis.h"
#include "moment.h"

#include <criterion/criterion.h>
#include <string.h>

#define DATA SOURCE_ROOT "/tests/data/trace/"

#define STAMP(time) "[Thr 1] Sun Nov 22 " time ":000 2026\n"

static struct trace *read_text(const char *text)
{
    struct trace *trace = trace_new();
    trace_begin(trace, 0);
    trace_read(trace, text, strlen(text));
    trace_end(trace);
    return trace;
}

/* One attempt; ${port} is the local one, which differs each time. */
static char *attempt(const char *store, const char *host, const char *issuer, int port)
{
    return g_strdup_printf(
        "[Thr 1] *** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n"
        "[Thr 1]    session uses PSE file \"%s\"\n"
        "[Thr 1] >> -- Begin of Secu-SSL Errorstack -- >>\n[Thr 1] Peer not trusted\n"
        "[Thr 1] Certificate:\n[Thr 1] Subject: CN=%s\n[Thr 1] Issuer: %s\n"
        "[Thr 1] << -- End of Secu-SSL Errorstack --\n[Thr 1]   Target Hostname=\"%s\"\n"
        "[Thr 1]   SSL NI-hdl 1: local=192.0.2.1:%d  peer=198.51.100.7:443\n"
        "[Thr 1] <<- ERROR: SapSSLSessionStartNB(sssl_hdl=%x)==SSSLERR_PEER_CERT_UNTRUSTED\n"
        "[Thr 1] *** ERROR => SSL handshake with %s:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n",
        store, host, issuer, host, port, port, host);
}

static struct audit *group(const char *text, int zone_offset_s)
{
    const struct grouping_part part = {"/usr/sap/PRD/D00/work/dev_icm", "abcd"};
    struct audit *audit = audit_new();
    g_autoptr(grouping_auto) grouping = grouping_new(audit, NULL, zone_offset_s);
    g_autoptr(trace_auto) trace = read_text(text);
    grouping_add(grouping, trace, &part);
    return audit;
}

Test(grouping, row_25_attempts_are_counted)
{
    g_autoptr(GString) text = g_string_new("words\n");
    for (int i = 0; i < 40; i++) {
        g_autofree char *one =
            attempt("/sec/SAPSSLC.pse", i % 2 ? "api.example.com" : "API.example.com", "CN=CA", i + 1);
        g_string_append_printf(text, STAMP("01:%02d:03") "%s", i, one);
    }
    g_autoptr(audit_auto) audit = group(text->str, 3600);

    cr_assert_eq(audit->failures->len, 1);
    const struct audit_failure *failure = audit->failures->pdata[0];
    cr_expect_eq(failure->count, 40);
    cr_expect_str_eq(failure->first_local, "2026-11-22T01:00:03");
    cr_expect_str_eq(failure->last_local, "2026-11-22T01:39:03");
    char first[MOMENT_TEXT_BYTES], last[MOMENT_TEXT_BYTES];
    cr_expect_str_eq(moment_format(first, failure->first), "2026-11-22T00:00:03Z");
    cr_expect_str_eq(moment_format(last, failure->last), "2026-11-22T00:39:03Z");
    cr_expect_str_eq(failure->target, "API.example.com");
    cr_expect_str_eq(failure->missing, "CN=CA");
    cr_assert_eq(failure->chain->len, 1);
    cr_assert_eq(failure->evidence->len, 2, "the first and the latest");
    const struct audit_evidence *begin = failure->evidence->pdata[0], *end = failure->evidence->pdata[1];
    cr_expect_eq(begin->line, 3);
    cr_expect_eq(begin->offset, 6 + (int)strlen(STAMP("01:00:03")));
    cr_expect_str_eq(begin->path, "/usr/sap/PRD/D00/work/dev_icm");
    cr_expect_str_eq(begin->object, "abcd");
    cr_expect_gt(end->offset, begin->offset);
    cr_expect_gt(begin->lines->len, 5);
}

Test(grouping, what_differs_is_not_equal)
{
    static const struct {
        const char *what, *store, *host, *issuer;
        guint n;
    } others[] = {
        {"nothing", "/sec/SAPSSLC.pse", "a.example.com", "CN=CA", 1},
        {"the store", "/sec/SAPSSLA.pse", "a.example.com", "CN=CA", 2},
        {"the target", "/sec/SAPSSLC.pse", "b.example.com", "CN=CA", 2},
        {"the missing certificate", "/sec/SAPSSLC.pse", "a.example.com", "CN=CB", 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *one = attempt("/sec/SAPSSLC.pse", "a.example.com", "CN=CA", 1);
        g_autofree char *two = attempt(others[i].store, others[i].host, others[i].issuer, 2);
        g_autofree char *text = g_strconcat(one, two, NULL);
        g_autoptr(audit_auto) audit = group(text, G_MININT);
        cr_expect_eq(audit->failures->len, others[i].n, "%s", others[i].what);
        const struct audit_failure *failure = audit->failures->pdata[0];
        cr_expect_null(failure->first_local, "no stamp");
        cr_expect_eq(failure->first, MOMENT_NONE);
    }
}

Test(grouping, without_a_zone_there_are_local_times_only)
{
    g_autofree char *one = attempt("/sec/SAPSSLC.pse", "a.example.com", "CN=CA", 1);
    g_autofree char *text = g_strconcat(one, STAMP("05:06:07"), one, NULL);
    g_autoptr(audit_auto) audit = group(text, G_MININT);
    cr_assert_eq(audit->failures->len, 1);
    const struct audit_failure *failure = audit->failures->pdata[0];
    cr_expect_eq(failure->count, 2);
    cr_expect_str_eq(failure->first_local, "2026-11-22T05:06:07", "the earliest that is known");
    cr_expect_eq(failure->first, MOMENT_NONE);
    cr_expect_eq(failure->last, MOMENT_NONE);
}

Test(grouping, a_later_failure_may_tell_more)
{
    /* Both lack the same certificate; only the second shows that it is a self-signed one, and has a number. */
    g_autoptr(audit_auto) audit =
        group("[Thr 1] >> -- Begin of Secu-SSL Errorstack -- >>\n[Thr 1] Peer not trusted\n[Thr 1] Subject: CN=a\n"
              "[Thr 1] Issuer: CN=CA\n[Thr 1] << -- End of Secu-SSL Errorstack --\n"
              "[Thr 2] >> -- Begin of Secu-SSL Errorstack -- >>\n[Thr 2] Peer not trusted\n[Thr 2] Subject: CN=a\n"
              "[Thr 2] Issuer: CN=CA\n[Thr 2] SignerCert:\n[Thr 2] Subject: CN=CA\n[Thr 2] Issuer: CN=CA\n"
              "[Thr 2] << -- End of Secu-SSL Errorstack --\n"
              "[Thr 2] <<- ERROR: SapSSLSessionStart(sssl_hdl=1)==SSSLERR_PEER_CERT_UNTRUSTED\n"
              "[Thr 2] *** ERROR => IcmConnInitClientSSL: SapSSLSessionStart failed (-102): "
              "SSSLERR_PEER_CERT_UNTRUSTED\n",
              0);
    cr_assert_eq(audit->failures->len, 1);
    const struct audit_failure *failure = audit->failures->pdata[0];
    cr_expect_eq(failure->count, 2);
    cr_expect_eq(failure->certainty, CERTAINTY_SELF_SIGNED);
    cr_expect_eq(failure->chain->len, 2);
    cr_expect_eq(failure->role, ROLE_CLIENT);
    cr_expect_eq(failure->code, -102);
    cr_expect_str_eq(failure->error, "SSSLERR_PEER_CERT_UNTRUSTED");
    cr_expect(strstr(failure->advice, "ends in the root \"CN=CA\""), "%s", failure->advice);
}

Test(grouping, several_traces_of_one_instance)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct audit_host *host = audit_host_new(audit);
    struct audit_instance *instance = audit_instance_new(audit);
    instance->host = host;
    const struct grouping_part icm[] = {{"dev_icm.old", NULL}, {"dev_icm", NULL}}, webdisp = {"dev_webdisp", NULL};
    g_autoptr(grouping_auto) grouping = grouping_new(audit, instance, 0);
    g_autofree char *one = attempt("/sec/SAPSSLC.pse", "a.example.com", "CN=CA", 1);
    g_autofree char *two = attempt("/sec/SAPSSLC.pse", "a.example.com", "CN=CA", 2);

    g_autoptr(trace_auto) first = trace_new();
    trace_begin(first, 0);
    trace_read(first, one, strlen(one));
    trace_begin(first, 0);
    trace_read(first, two, strlen(two));
    trace_end(first);
    grouping_add(grouping, first, icm);
    g_autoptr(trace_auto) second = read_text(one);
    grouping_add(grouping, second, &webdisp);

    cr_assert_eq(audit->failures->len, 1);
    const struct audit_failure *failure = audit->failures->pdata[0];
    cr_expect_eq(failure->count, 3);
    cr_expect_eq(failure->instance, instance);
    cr_expect_null(failure->store);
    cr_assert_eq(failure->evidence->len, 2);
    const struct audit_evidence *begin = failure->evidence->pdata[0], *end = failure->evidence->pdata[1];
    cr_expect_str_eq(begin->path, "dev_icm.old");
    cr_expect_str_eq(end->path, "dev_webdisp");
    cr_expect_eq(begin->host, host);
}

Test(grouping, evidence_is_limited)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 10; i++)
        g_string_append_printf(text, "*** ERROR => SSL handshake with a:1 failed: SSSLERR_NEW_%c (-%d)\n", 'A' + i,
                               200 + i);
    g_autoptr(audit_auto) audit = group(text->str, 0);
    cr_assert_eq(audit->failures->len, 1, "other errors without a meaning of their own are one cause");
    const struct audit_failure *failure = audit->failures->pdata[0];
    cr_expect_eq(failure->evidence->len, GROUPING_EVIDENCE);
    cr_expect_str_eq(failure->error, "SSSLERR_NEW_A");
}

Test(advice, nodes)
{
    cr_expect_str_eq(advice_node("/usr/sap/PRD/D00/sec/SAPSSLC.pse"), "SSL client (Standard)");
    cr_expect_str_eq(advice_node("D:\\usr\\sap\\PRD\\D00\\sec\\SAPSSLA.PSE"), "SSL client (Anonymous)");
    cr_expect_str_eq(advice_node("SAPSSLS.pse"), "SSL server (Standard)");
    cr_expect_null(advice_node("/usr/sap/PRD/D00/sec/SAPSSLBANK.pse"));
    cr_expect_null(advice_node(""));
}

/* What an answer has to say and what it must not say. */
static const struct {
    const char *what, *file, *says[6], *does_not[4];
} answers[] = {
    {"the guide",
     "guide.trc",
     {"\"CN= , OU=I11111111, OU=SAP AS, O=Test CA, C=DE\", is self-signed", "its own anchor",
      "/usr/sap/SID/INSTANCE/sec/THE_PSE_TO_LOOK_AT.pse", "back to 1", "STRUST"},
     {"root", "SAPSSLC"}},
    {"a root",
     "tree-root.trc",
     {"ends in the root \"CN=Sample Root X7, O=Sample Trust, C=NL\"", "STRUST, SSL client (Standard)", "SAPSSLA.pse",
      "overwritten"},
     {"maintain_pk"}},
    {"an issuer is not called a root",
     "tree-leaf.trc",
     {"has the issuer \"CN=Sample Issuing CA 7", "may be an intermediate"},
     {"ends in the root"}},
    {"a name that is cut",
     "secude.trc",
     {"\"OU=Sample Class 2 Public Primary Certification Auth...\" is missing", "several certificates may fit"},
     {NULL}},
    {"a check that failed", "tree-constraints.trc", {"BasicConstraints", "No import heals that"}, {"maintain_pk"}},
    {"a headline", "headline.trc", {"is not known", "trace level of the ICM to 2", "back to 1"}, {"maintain_pk"}},
    {"a client's certificate", "server-untrusted.trc", {"chain of the client", "SSL server (Standard)"}, {"SAPSSLA"}},
    {"refused by the client",
     "server-refused.trc",
     {"The client did not accept", "Nothing is missing in the PSE /usr/sap/QAS/D20/sec/SAPSSLS.pse"},
     {"import"}},
    {"a closed connection", "message.trc", {"says nothing about trust"}, {"import"}},
    {"expired", "tree-validity.trc", {"out of date (its check Validity failed)"}, {"maintain_pk"}},
};

Test(advice, answers)
{
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autofree char *path = g_strconcat(DATA, answers[i].file, NULL);
        g_autoptr(audit_auto) audit = analysis_explain((const char *const[]){path, NULL}, NULL);
        cr_assert(audit, "%s", path);
        cr_assert_eq(audit->failures->len, 1, "%s", answers[i].what);
        const struct audit_failure *failure = audit->failures->pdata[0];
        for (size_t j = 0; j < 6 && answers[i].says[j]; j++)
            cr_expect(strstr(failure->advice, answers[i].says[j]), "%s: no \"%s\" in: %s", answers[i].what,
                      answers[i].says[j], failure->advice);
        for (size_t j = 0; j < 4 && answers[i].does_not[j]; j++)
            cr_expect_null(strstr(failure->advice, answers[i].does_not[j]), "%s: \"%s\" in: %s", answers[i].what,
                           answers[i].does_not[j], failure->advice);
        cr_expect_str_eq(((struct audit_evidence *)failure->evidence->pdata[0])->path, path);
    }
}

/* Every cause, certainty, role and what else may be known or not, in all combinations: whole sentences. */
Test(advice, always_sentences)
{
    static const char *const stores[] = {NULL, "/usr/sap/PRD/D00/sec/SAPSSLC.pse", "/usr/sap/PRD/W20/sec/SAPSSLA.pse",
                                         "x.pse"};
    g_autoptr(GPtrArray) chain = g_ptr_array_new();
    struct trace_cert cert = {.subject = "CN=a"};
    g_ptr_array_add(chain, &cert);
    for (int n = 0; n < 11 * 4 * 3 * 4 * 16; n++) {
        struct trace_failure failure = {
            .cause = (enum audit_cause)(n % 11),
            .certainty = (enum audit_certainty)(n / 11 % 4),
            .role = (enum audit_role)(n / 44 % 3),
            .store = stores[n / 132 % 4],
            .chain = chain,
            .store_cut = n / 528 % 2,
            .cut = n / 1056 % 2,
            .missing_cut = n / 2112 % 2,
            .reason = n / 4224 % 2 ? "text" : NULL,
            .failed_check = n / 4224 % 2 ? "KeyUsage" : NULL,
        };
        failure.missing = failure.certainty == CERTAINTY_UNKNOWN ? NULL : "CN=b";
        g_autofree char *text = advice_text(&failure);
        cr_assert(strlen(text) > 40 && g_ascii_isupper(text[0]) && g_str_has_suffix(text, "."), "%s", text);
        cr_assert(!strstr(text, "  ") && !strstr(text, "(null)") && !strstr(text, "...."), "%s", text);
    }
}

Test(explain, keeps_the_order_of_the_trace)
{
    g_autoptr(audit_auto) audit = analysis_explain((const char *const[]){DATA "others.trc", NULL}, NULL);
    cr_assert(audit);
    cr_assert_eq(audit->failures->len, 10);
    unsigned line = 0;
    for (guint i = 0; i < audit->failures->len; i++) {
        const struct audit_failure *failure = audit->failures->pdata[i];
        const struct audit_evidence *evidence = failure->evidence->pdata[0];
        cr_expect_gt(evidence->line, line);
        line = evidence->line;
        cr_expect_eq(failure->count, 1);
        cr_expect_not_null(failure->advice);
    }
}

Test(explain, nothing)
{
    g_autoptr(audit_auto) audit = analysis_explain((const char *const[]){"/dev/null", NULL}, NULL);
    cr_assert(audit);
    cr_expect_eq(audit->failures->len, 0);
}
