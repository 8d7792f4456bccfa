/* analyzer/snc: errors of SNC are told apart from TLS. */
#include "snc.h"

#include "advice.h"
#include "message.h"
#include "moment.h"
#include "traces.h"

#include <criterion/criterion.h>
#include <string.h>

#define TARGET                                                                                                         \
    "[Thr 4896] *** ERROR => SncPEstablishContext() failed for target='p:CN=QAS, O=Example' [sncxxall.c 3638]\n"
#define RETURNED "[Thr 4896] *** ERROR => SncPEstablishContext()==SNCERR_GSSAPI [sncxxall.c 3604]\n"

static const struct {
    const char *what, *text;
    guint failures;
    enum snc kind; /* of the first */
    const char *error, *target, *reason;
    enum audit_role role;
    const char *says;
} rows[] = {
    {"the partner is not trusted, with a thread",
     TARGET RETURNED
     "[Thr 4896]       GSS-API(maj): Miscellaneous failure\n"
     "[Thr 4896]       GSS-API(min): A2200210:Peer certificate verification failed\n"
     "[Thr 4896]     target=\"p:CN=QAS, O=Example\"\n[Thr 4896] <<- SncProcessOutput()==SNCERR_GSSAPI\n",
     1, SNC_PEER_UNTRUSTED, "SNCERR_GSSAPI", "p:CN=QAS, O=Example", "A2200210:Peer certificate verification failed",
     ROLE_CLIENT, "This side has to act"},
    {"a work process, accepting",
     "N  *** ERROR => SncPAcceptContext()==SNCERR_GSSAPI  [sncxxall.c 1]\r\n"
     "N        GSS-API(min): A2210210:Verification of own certificate failed\r\n",
     1, SNC_OWN_REFUSED, "SNCERR_GSSAPI", NULL, "A2210210:Verification of own certificate failed", ROLE_SERVER,
     "Probably the partner has to act"},
    {"no credential", TARGET "[Thr 4896] GSS-API(maj): No credentials were supplied\n", 1, SNC_CREDENTIAL, "GSS-API",
     "p:CN=QAS, O=Example", "No credentials were supplied", ROLE_CLIENT, "sapgenpse seclogin -p SAPSNCS.pse"},
    {"credentials of the start", "M  *** ERROR => SncPAcquireCred()==SNCERR_GSSAPI [sncxxall.c 1]\n", 1, SNC_CREDENTIAL,
     "SNCERR_GSSAPI", NULL, NULL, ROLE_UNKNOWN, "cred_v2"},
    {"another name", "GSS-API(min): A2200202:Actual server name differs from requested one\n", 1, SNC_NAME, "A2200202",
     NULL, "A2200202:Actual server name differs from requested one", ROLE_UNKNOWN, "with \"p:\" in front"},
    {"the library", "*** ERROR => SncPDLInit()==SNCERR_INIT, dlopen failed [sncxxdl.c 1]\n", 1, SNC_LIBRARY,
     "SNCERR_INIT", NULL, NULL, ROLE_UNKNOWN, "snc/gssapi_lib"},
    {"Kerberos", "GSS-API(min): A2210217:The verification of the Kerberos ticket failed\n", 1, SNC_TICKET, "A2210217",
     NULL, "A2210217:The verification of the Kerberos ticket failed", ROLE_UNKNOWN, "SPNEGO"},
    {"another code of the partner", "GSS-API(min): A2210999:Something\n", 1, SNC_OWN_REFUSED, "A2210999", NULL,
     "A2210999:Something", ROLE_UNKNOWN, "Probably the partner"},
    {"another code", "GSS-API(min): A2200999:Something\n", 1, SNC_OTHER, "A2200999", NULL, "A2200999:Something",
     ROLE_UNKNOWN, "sapgenpse get_my_name"},
    {"the same block once more below it",
     TARGET "[Thr 4896] GSS-API(maj): No credentials were supplied\n[Thr 4896] LOCATION    CPIC (TCP/IP)\n"
            "[Thr 4896] ERROR       GSS-API(maj): No credentials were supplied\n"
            "[Thr 4896] COMPONENT   SNC (Secure Network Communication)\n",
     1, SNC_CREDENTIAL, "GSS-API", "p:CN=QAS, O=Example", "No credentials were supplied", ROLE_CLIENT, "SAPSNCS.pse"},
    {"two", TARGET "GSS-API(min): A2200210:x\n" TARGET "GSS-API(min): A2200202:x\n", 2, SNC_PEER_UNTRUSTED, "A2200210",
     "p:CN=QAS, O=Example", "A2200210:x", ROLE_CLIENT, "SAPSNCS.pse"},
    {"SNC that is well", "[Thr 1] SncInit(): Initializing Secure Network Communication\n[Thr 1] SNC is ON\n", 0,
     SNC_NONE, NULL, NULL, NULL, ROLE_UNKNOWN, NULL},
};

Test(snc, errors)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(trace_auto) trace = traces_read_text(rows[i].text);
        snc_find(trace);
        message_find(trace);
        cr_assert_eq(trace->failures->len, rows[i].failures, "%s: %u", rows[i].what, trace->failures->len);
        if (rows[i].failures == 0)
            continue;
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect_eq((enum snc)failure->snc, rows[i].kind, "%s: %d", rows[i].what, failure->snc);
        cr_expect_eq(failure->cause, CAUSE_OTHER, "%s", rows[i].what);
        cr_expect_eq(failure->role, rows[i].role, "%s", rows[i].what);
        cr_expect_str_eq(failure->error, rows[i].error, "%s", rows[i].what);
        cr_expect_eq(g_strcmp0(failure->target, rows[i].target), 0, "%s: %s", rows[i].what, failure->target);
        cr_expect_eq(g_strcmp0(failure->reason, rows[i].reason), 0, "%s: %s", rows[i].what, failure->reason);
        g_autofree char *advice = advice_text(failure);
        cr_expect(strstr(advice, rows[i].says), "%s: %s", rows[i].what, advice);
        cr_expect(strstr(advice, "not of TLS") && strstr(advice, "SAPSNCS.pse"), "%s", advice);
        cr_expect_null(strstr(advice, "Set the trace level"), "%s", advice);
    }
}

/* Lines of one error stand close; its time is that of the stamp above it; so many errors and no more. */
Test(snc, limits)
{
    for (int more = 0; more < 2; more++) {
        g_autoptr(GString) text = g_string_new("[Thr 1] Thu Oct 15 20:49:31 2020\nGSS-API(min): A2200210:x\n");
        for (int i = 1; i < SNC_NEAR_LINES + more; i++)
            g_string_append(text, "text\n");
        g_string_append(text, "GSS-API(maj): y\n");
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        snc_find(trace);
        cr_expect_eq(trace->failures->len, 1u + (guint)more, "%d", more);
        cr_expect_eq(((struct trace_failure *)trace->failures->pdata[0])->local,
                     moment_from_civil(2020, 10, 15, 20, 49, 31));
    }
    for (int more = 0; more < 2; more++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int i = 0; i < SNC_ERRORS + more; i++)
            g_string_append(text, TARGET "GSS-API(min): A2200210:x\n");
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        snc_find(trace);
        cr_expect_eq(trace->failures->len, SNC_ERRORS, "%d: %u", more, trace->failures->len);
    }
}
