/* analyzer/grouping, advice, explain: failures of traces as entries of an audit. */
#include "grouping.h"

#include "advice.h"
#include "analysis.h"
#include "moment.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

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
    const struct grouping_part part = {"/usr/sap/PRD/D00/work/dev_icm", "abcd", NULL};
    struct audit *audit = audit_new();
    g_autoptr(zone_auto) zone = zone_new(NULL, zone_offset_s, MOMENT_NONE);
    g_autoptr(grouping_auto) grouping = grouping_new(audit, NULL, zone, NULL);
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
    const struct grouping_part icm[] = {{.path = "dev_icm.old"}, {.path = "dev_icm"}},
                               webdisp = {.path = "dev_webdisp"};
    g_autoptr(grouping_auto) grouping = grouping_new(audit, instance, NULL, NULL);
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

/* ---- Failures by hand, in whatever order they come ---- */

struct made { /* all may be left 0 */
    const char *store, *target, *peer, *missing, *error;
    enum audit_role role;
    enum audit_cause cause;
    int code, minute; /* of the time stamp; 0: none */
    const char *chain[4];
    unsigned whole; /* certificates of the chain that are printed whole */
    unsigned part, offset, n_lines, n_known;
    gboolean listed, alone;
};

static void made_cert_free(void *data)
{
    struct trace_cert *cert = data;
    g_free((char *)cert->subject);
    g_clear_pointer(&cert->der, g_bytes_unref);
    g_free(cert);
}

/* Everything is freed afterwards, so that a pointer into it would be noticed. */
static void take(struct grouping *grouping, const struct made *made, const struct grouping_part *parts)
{
    g_autofree char *store = g_strdup(made->store), *target = g_strdup(made->target), *peer = g_strdup(made->peer);
    g_autofree char *missing = g_strdup(made->missing), *error = g_strdup(made->error);
    g_autoptr(GPtrArray) chain = g_ptr_array_new_with_free_func(made_cert_free);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    struct trace_failure failure = {
        .cause = made->cause,
        .error = error,
        .code = made->code,
        .role = made->role,
        .store = store,
        .target = target,
        .peer = peer,
        .local = made->minute ? moment_from_civil(2026, 11, 22, 1, made->minute, 3) : MOMENT_NONE,
        .chain = chain,
        .missing = missing,
        .certainty = made->missing ? CERTAINTY_ISSUER : CERTAINTY_UNKNOWN,
        .part = made->part,
        .offset = made->offset,
        .line = made->offset / 10 + 1,
        .lines = lines,
        .n_lines = made->n_lines,
        .n_known = made->n_known,
        .listed = made->listed,
        .alone = made->alone,
    };
    for (unsigned i = 0; i < 4 && made->chain[i]; i++) {
        struct trace_cert *cert = g_new0(struct trace_cert, 1);
        cert->subject = g_strdup(made->chain[i]);
        cert->der = i < made->whole ? g_bytes_new("DER", 3) : NULL;
        g_ptr_array_add(chain, cert);
    }
    g_ptr_array_add(lines, g_strdup_printf("line of %u:%u", made->part, made->offset));
    grouping_take(grouping, &failure, parts);
}

static const struct grouping_part two_parts[] = {{.path = "dev_icm.old"}, {.path = "dev_icm"}};

#define TAKE(...) take(grouping, &(const struct made){__VA_ARGS__}, two_parts)

static struct grouping *new_grouping(struct audit *audit)
{
    return grouping_new(audit, NULL, NULL, NULL);
}

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

static char *summary(const struct audit *audit)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < audit->failures->len; i++) {
        const struct audit_failure *f = audit->failures->pdata[i];
        g_string_append_printf(text, "%s %s %d %s %s %s %s %u %s %s %s %d/%d %u+%u peers", audit_cause_name(f->cause),
                               or_dash(f->error), f->code, audit_role_name(f->role), or_dash(f->store_path),
                               or_dash(f->target), or_dash(f->peer), f->count, or_dash(f->missing),
                               or_dash(f->first_local), or_dash(f->last_local), f->lines_known, f->lines_seen,
                               f->peers->len, f->peers_more);
        for (guint j = 0; j < f->peers->len; j++)
            g_string_append_printf(text, " %s", (const char *)f->peers->pdata[j]);
        for (guint j = 0; j < f->chain->len; j++)
            g_string_append_printf(text, " <%s>", ((const struct audit_link *)f->chain->pdata[j])->subject);
        for (guint j = 0; j < f->evidence->len; j++) {
            const struct audit_evidence *evidence = f->evidence->pdata[j];
            g_string_append_printf(text, " %s:%d:%u[%s]", evidence->path, (int)evidence->offset, evidence->line,
                                   (const char *)evidence->lines->pdata[0]);
        }
        g_string_append_printf(text, " %s\n", f->advice);
    }
    return g_string_free(text, FALSE);
}

static void shuffle(GRand *random, unsigned *order, unsigned n)
{
    for (unsigned i = n; i > 1; i--) {
        unsigned j = (unsigned)g_rand_int_range(random, 0, (gint32)i), kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

/* Three targets with whatever may differ between equal failures, one that everybody calls, and mentions. */
static void fill(struct made *made, unsigned n, char peers[][32])
{
    static const char *const targets[] = {"a.example.com", "A.example.com", "b.example.com", NULL};
    static const char *const errors[] = {"SSSLERR_A", NULL, "SSSLERR_B", "SSSLERR_C", "SSSLERR_D"};
    static const enum audit_role roles[] = {ROLE_UNKNOWN, ROLE_CLIENT};

    for (unsigned i = 0; i < n; i++) {
        gboolean called = targets[i % 4] == NULL;
        g_snprintf(peers[i], 32, "192.0.2.%u:%u", i * 7 % 40, called ? 50000 + i : 443);
        made[i] = (struct made){
            .store = "/sec/SAPSSLC.pse",
            .target = targets[i % 4],
            .peer = i % 3 ? peers[i] : NULL,
            .missing = "CN=CA",
            .error = errors[i % 5],
            .role = called ? ROLE_SERVER : roles[i / 4 % 2],
            .code = i % 6 ? -(int)i : 0,
            .minute = i % 7 ? (int)(i * 11 % 59) + 1 : 0,
            .chain = {"CN=leaf", i % 9 > 3 ? "CN=middle" : NULL, i % 9 > 7 ? "CN=top" : NULL},
            .whole = i % 5,
            .part = i >= n / 2,
            .offset = i * 10,
            .n_lines = i + 10,
            .n_known = i,
        };
        if (i % 13 == 12)
            made[i] = (struct made){.error = i % 2 ? "SSSLERR_A" : "SSSLERR_X",
                                    .part = i >= n / 2,
                                    .offset = i * 10,
                                    .listed = i % 3 > 0,
                                    .alone = i % 3 == 0,
                                    .minute = 1};
    }
}

Test(grouping, the_order_in_which_blocks_end_does_not_matter)
{
    enum { N = 200, TRIES = 60 };
    static const struct {
        const char *what;
        gboolean named, prefixed;
        guint n;
    } rows[] = {
        {"a failure has no name: no mention counts", FALSE, TRUE, 3},
        {"what stands alone is a failure", FALSE, FALSE, 4},
        {"mentions of what nothing tells", TRUE, TRUE, 4},
    };
    static struct made made[N];
    static char peers[N][32];
    unsigned order[N];
    GRand *random = g_rand_new_with_seed(7);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *wanted = NULL;
        fill(made, N, peers);
        for (unsigned j = 0; j < N; j++) {
            order[j] = j;
            if (rows[i].named && !made[j].error)
                made[j].error = "SSSLERR_E";
        }
        for (int try = 0; try < TRIES; try++) {
            g_autoptr(audit_auto) audit = audit_new();
            g_autoptr(grouping_auto) grouping = new_grouping(audit);
            for (unsigned j = 0; j < N; j++)
                take(grouping, &made[order[j]], two_parts);
            grouping_end_trace(grouping, rows[i].prefixed);
            grouping_end_trace(grouping, FALSE); /* an empty trace changes nothing */
            g_autofree char *text = summary(audit);
            cr_expect_eq(audit->failures->len, rows[i].n, "%s", rows[i].what);
            if (!wanted)
                wanted = g_strdup(text);
            cr_expect_str_eq(text, wanted, "%s: try %d", rows[i].what, try);
            shuffle(random, order, N);
        }
    }
    g_rand_free(random);
    g_autoptr(audit_auto) audit = audit_new();
    g_autoptr(grouping_auto) grouping = new_grouping(audit);
    for (unsigned i = N; i-- > 0;)
        take(grouping, &made[i], two_parts);
    grouping_end_trace(grouping, TRUE);
    cr_assert_geq(audit->failures->len, 3);
    const struct audit_failure *first = audit->failures->pdata[0], *last = audit->failures->pdata[2];
    cr_expect_str_eq(first->target, "a.example.com", "as the first one spells it");
    cr_expect_str_eq(first->error, "SSSLERR_A");
    cr_expect_str_eq(first->peer, "192.0.2.7:443", "of the second one; the first shows none");
    cr_expect_eq(first->chain->len, 3);
    cr_expect_eq(((const struct audit_evidence *)first->evidence->pdata[0])->offset, 0);
    cr_expect_eq(last->role, ROLE_SERVER);
    cr_expect(!strchr(last->peers->pdata[0], ':'), "%s", (const char *)last->peers->pdata[0]);
    cr_expect(strchr(last->peer, ':'), "%s", last->peer);
}

Test(grouping, the_other_side)
{
    static const struct {
        const char *what;
        struct made one, two;
        guint n;
    } rows[] = {
        {"one name behind two addresses",
         {.target = "a", .peer = "192.0.2.1:443"},
         {.target = "A", .peer = "192.0.2.2:443"},
         1},
        {"two names behind one address",
         {.target = "a", .peer = "192.0.2.1:443"},
         {.target = "b", .peer = "192.0.2.1:443"},
         2},
        {"two addresses",
         {.role = ROLE_CLIENT, .peer = "192.0.2.1:443"},
         {.role = ROLE_CLIENT, .peer = "192.0.2.2:443"},
         2},
        {"two ports",
         {.role = ROLE_CLIENT, .peer = "192.0.2.1:443"},
         {.role = ROLE_CLIENT, .peer = "192.0.2.1:8443"},
         2},
        {"two addresses, the role not known", {.peer = "192.0.2.1:443"}, {.peer = "192.0.2.2:443"}, 2},
        {"a name and an address", {.target = "192.0.2.1:443"}, {.peer = "192.0.2.1:443"}, 2},
        {"two that call",
         {.role = ROLE_SERVER, .peer = "192.0.2.1:5"},
         {.role = ROLE_SERVER, .peer = "192.0.2.2:6"},
         1},
        {"two that call and ask for names",
         {.role = ROLE_SERVER, .target = "a", .peer = "192.0.2.1:5"},
         {.role = ROLE_SERVER, .target = "b"},
         1},
        {"one that calls and one that is called",
         {.role = ROLE_SERVER, .peer = "192.0.2.1:443"},
         {.role = ROLE_CLIENT, .peer = "192.0.2.1:443"},
         2},
        {"a client, and the role not known", {.role = ROLE_CLIENT, .target = "a"}, {.target = "a"}, 1},
        {"nobody", {.role = ROLE_CLIENT}, {.role = ROLE_CLIENT}, 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) audit = audit_new();
        g_autoptr(grouping_auto) grouping = new_grouping(audit);
        struct made two = rows[i].two;
        two.offset = 10;
        take(grouping, &rows[i].one, two_parts);
        take(grouping, &two, two_parts);
        grouping_end_trace(grouping, FALSE);
        cr_expect_eq(audit->failures->len, rows[i].n, "%s", rows[i].what);
    }
}

Test(grouping, peers_are_named_and_counted_up_to_limits)
{
    static const struct {
        unsigned callers, named, more;
    } rows[] = {
        {0, 0, 0},
        {1, 1, 0},
        {AUDIT_PEERS, AUDIT_PEERS, 0},
        {AUDIT_PEERS + 1, AUDIT_PEERS, 1},
        {AUDIT_PEERS_COUNTED - 1, AUDIT_PEERS, AUDIT_PEERS_COUNTED - AUDIT_PEERS - 1},
        {AUDIT_PEERS_COUNTED, AUDIT_PEERS, AUDIT_PEERS_COUNTED - AUDIT_PEERS},
        {AUDIT_PEERS_COUNTED + 50, AUDIT_PEERS, AUDIT_PEERS_COUNTED - AUDIT_PEERS},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) audit = audit_new();
        g_autoptr(grouping_auto) grouping = new_grouping(audit);
        TAKE(.role = ROLE_SERVER, .missing = "CN=CA");
        for (unsigned j = 0; j < rows[i].callers * 2; j++) {
            unsigned number = j % rows[i].callers;
            g_autofree char *peer = g_strdup_printf("10.0.%u.%u:%u", number / 256, number % 256, 1024 + j);
            TAKE(.role = ROLE_SERVER, .missing = "CN=CA", .peer = peer, .offset = j + 10);
        }
        grouping_end_trace(grouping, FALSE);
        cr_assert_eq(audit->failures->len, 1);
        const struct audit_failure *failure = audit->failures->pdata[0];
        cr_expect_eq(failure->count, rows[i].callers * 2 + 1);
        cr_expect_eq(failure->peers->len, rows[i].named, "%u", rows[i].callers);
        cr_expect_eq(failure->peers_more, rows[i].more, "%u: %u", rows[i].callers, failure->peers_more);
        cr_expect_eq(g_strcmp0(failure->peer, rows[i].callers ? "10.0.0.0:1024" : NULL), 0);
        for (guint j = 0; j < failure->peers->len; j++) {
            g_autofree char *name = g_strdup_printf("10.0.0.%u", j);
            cr_expect_str_eq(failure->peers->pdata[j], name, "in the order in which they appear");
        }
    }
}

Test(grouping, what_tells_most)
{
    static const struct {
        const char *what;
        struct made one, two;
        unsigned lines;
    } rows[] = {
        {"the first of equals", {.chain = {"a"}}, {.chain = {"b"}}, 1},
        {"the longer chain", {.chain = {"a"}, .whole = 1}, {.chain = {"b", "c"}}, 2},
        {"the chain that is printed whole", {.chain = {"a", "b"}, .whole = 1}, {.chain = {"c", "d"}, .whole = 2}, 2},
        {"the first one, which is longer", {.chain = {"a", "b"}}, {.chain = {"c"}, .whole = 1}, 1},
        {"the first one without a chain", {.code = 0}, {.code = -1}, 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (int reversed = 0; reversed < 2; reversed++) {
            g_autoptr(audit_auto) audit = audit_new();
            g_autoptr(grouping_auto) grouping = new_grouping(audit);
            struct made one = rows[i].one, two = rows[i].two;
            one.n_lines = one.n_known = 1;
            two.n_lines = two.offset = 2;
            take(grouping, reversed ? &two : &one, two_parts);
            take(grouping, reversed ? &one : &two, two_parts);
            grouping_end_trace(grouping, FALSE);
            cr_assert_eq(audit->failures->len, 1, "%s", rows[i].what);
            const struct audit_failure *failure = audit->failures->pdata[0];
            cr_expect_eq(failure->lines_seen, rows[i].lines, "%s", rows[i].what);
            cr_expect_eq(failure->lines_known, rows[i].lines == 1, "%s", rows[i].what);
        }
    }
}

Test(grouping, no_evidence_twice)
{
    static const struct {
        const char *what, *errors[4];
        unsigned wanted[3]; /* offset and 1 */
    } rows[] = {
        {"one", {"A"}, {1}},
        {"two of one error", {"A", "A"}, {1, 2}},
        {"two errors", {"A", "B"}, {1, 2}},
        {"the latest of an error that is there", {"A", "B", "A"}, {1, 2, 3}},
        {"three errors", {"A", "B", "C"}, {1, 2, 3}},
        {"four errors", {"A", "B", "C", "D"}, {1, 2, 4}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) audit = audit_new();
        g_autoptr(grouping_auto) grouping = new_grouping(audit);
        for (unsigned j = 4; j-- > 0;)
            if (rows[i].errors[j])
                TAKE(.error = rows[i].errors[j], .offset = j);
        grouping_end_trace(grouping, FALSE);
        const struct audit_failure *failure = audit->failures->pdata[0];
        for (unsigned j = 0; j < 3; j++) {
            const struct audit_evidence *evidence = j < failure->evidence->len ? failure->evidence->pdata[j] : NULL;
            cr_expect_eq(evidence ? evidence->offset + 1 : 0, rows[i].wanted[j], "%s: %u", rows[i].what, j);
        }
    }
}

Test(grouping, mentions)
{
#define REAL(name)                                                                                                     \
    {                                                                                                                  \
        .error = name, .store = "s"                                                                                    \
    }
#define LISTED(name)                                                                                                   \
    {                                                                                                                  \
        .error = name, .listed = TRUE                                                                                  \
    }
#define ALONE(name)                                                                                                    \
    {                                                                                                                  \
        .error = name, .alone = TRUE                                                                                   \
    }
    static const struct {
        const char *what;
        struct made made[3];
        unsigned n;
        gboolean prefixed;
        unsigned counted;
    } rows[] = {
        {"a failure", {REAL("A")}, 1, TRUE, 1},
        {"a mention of what nothing tells", {LISTED("A")}, 1, TRUE, 1},
        {"... twice", {LISTED("A"), LISTED("A")}, 2, TRUE, 2},
        {"a mention of a failure", {REAL("A"), LISTED("A")}, 2, TRUE, 1},
        {"a mention of another error", {REAL("A"), LISTED("B")}, 2, TRUE, 2},
        {"a mention where a failure has no name", {REAL(NULL), LISTED("B")}, 2, TRUE, 1},
        {"a list without a name is none", {REAL("A"), LISTED(NULL)}, 2, TRUE, 2},
        {"a list without a name, and a mention", {LISTED("A"), LISTED(NULL)}, 2, TRUE, 1},
        {"above the first prefix", {REAL("A"), ALONE("A")}, 2, TRUE, 1},
        {"above the first prefix, and nothing else", {ALONE("A")}, 1, TRUE, 1},
        {"without any prefix", {REAL("A"), ALONE("A")}, 2, FALSE, 2},
        {"without any prefix it is a failure", {ALONE("A"), LISTED("A")}, 2, FALSE, 1},
        {"two mentions mention nothing", {ALONE("A"), LISTED("A")}, 2, TRUE, 2},
        {"one of two", {LISTED("A"), LISTED("B"), REAL("B")}, 3, TRUE, 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (int reversed = 0; reversed < 2; reversed++) {
            g_autoptr(audit_auto) audit = audit_new();
            g_autoptr(grouping_auto) grouping = new_grouping(audit);
            struct audit_trace *trace = audit_trace_new(audit);
            const struct grouping_part part = {.path = "dev_icm", .trace = trace};
            for (unsigned j = 0; j < rows[i].n; j++) {
                struct made made = rows[i].made[reversed ? rows[i].n - 1 - j : j];
                made.offset = j;
                take(grouping, &made, &part);
            }
            grouping_end_trace(grouping, rows[i].prefixed);
            unsigned counted = 0;
            for (guint j = 0; j < audit->failures->len; j++)
                counted += ((const struct audit_failure *)audit->failures->pdata[j])->count;
            cr_expect_eq(counted, rows[i].counted, "%s: %u", rows[i].what, counted);
            cr_expect_eq(trace->failures, rows[i].counted, "%s: %u", rows[i].what, trace->failures);
        }
    }
}

Test(grouping, a_mention_is_of_its_own_trace)
{
    g_autoptr(audit_auto) audit = audit_new();
    g_autoptr(grouping_auto) grouping = new_grouping(audit);
    TAKE(.error = "A", .minute = 5);
    grouping_end_trace(grouping, TRUE);
    TAKE(.error = "A", .listed = TRUE, .minute = 3, .offset = 7);
    TAKE(.error = "A", .listed = TRUE, .minute = 9, .offset = 8, .part = 1, .code = -5);
    grouping_end_trace(grouping, TRUE);
    cr_assert_eq(audit->failures->len, 1);
    const struct audit_failure *failure = audit->failures->pdata[0];
    cr_expect_eq(failure->count, 3);
    cr_expect_eq(failure->code, -5);
    cr_expect_str_eq(failure->first_local, "2026-11-22T01:03:03");
    cr_expect_str_eq(failure->last_local, "2026-11-22T01:09:03");
    cr_assert_eq(failure->evidence->len, 2);
    const struct audit_evidence *first = failure->evidence->pdata[0], *last = failure->evidence->pdata[1];
    cr_expect_eq(first->offset, 0);
    cr_expect_eq(last->offset, 8);
    cr_expect_str_eq(last->path, "dev_icm");
}

Test(grouping, entries_are_limited)
{
    g_autoptr(audit_auto) audit = audit_new();
    g_autoptr(grouping_auto) grouping = new_grouping(audit);
    for (unsigned i = 0; i < GROUPING_ENTRIES; i++) {
        g_autofree char *target = g_strdup_printf("h%u", i);
        TAKE(.target = target, .offset = i);
    }
    cr_expect_eq(grouping_dropped(grouping), 0);
    TAKE(.target = "one too many", .offset = GROUPING_ENTRIES);
    TAKE(.target = "h0", .offset = GROUPING_ENTRIES + 1);
    cr_expect_eq(grouping_dropped(grouping), 1);
    TAKE(.error = "A", .listed = TRUE, .store = "x", .offset = GROUPING_ENTRIES + 2);
    grouping_end_trace(grouping, FALSE);
    cr_expect_eq(grouping_dropped(grouping), 1, "one that is not named: the mention is none of a failure");
    cr_expect_eq(audit->failures->len, GROUPING_ENTRIES);
    cr_expect_eq(((const struct audit_failure *)audit->failures->pdata[0])->count, 2);
    TAKE(.error = "A", .listed = TRUE, .store = "x");
    TAKE(.error = "A", .listed = TRUE, .store = "x");
    grouping_end_trace(grouping, FALSE);
    cr_expect_eq(grouping_dropped(grouping), 3);
}

Test(grouping, mentions_are_limited)
{
    g_autoptr(audit_auto) audit = audit_new();
    g_autoptr(grouping_auto) grouping = new_grouping(audit);
    for (unsigned i = 0; i <= GROUPING_ENTRIES; i++) {
        g_autofree char *error = g_strdup_printf("E%u", i);
        TAKE(.error = error, .listed = TRUE, .offset = i);
        cr_expect_eq(grouping_dropped(grouping), i == GROUPING_ENTRIES);
    }
    grouping_end_trace(grouping, FALSE);
    cr_assert_eq(audit->failures->len, 1);
    cr_expect_eq(((const struct audit_failure *)audit->failures->pdata[0])->count, GROUPING_ENTRIES);
    /* More names of errors than are kept: a mention may be of any of them. */
    for (unsigned i = 0; i <= GROUPING_ENTRIES; i++) {
        g_autofree char *error = g_strdup_printf("E%u", i);
        TAKE(.error = error, .offset = i);
    }
    TAKE(.error = "X", .listed = TRUE);
    grouping_end_trace(grouping, FALSE);
    cr_expect_eq(((const struct audit_failure *)audit->failures->pdata[0])->count, 2 * GROUPING_ENTRIES + 1);
}

Test(explain, says_what_is_left_out)
{
    for (int more = 0; more < 2; more++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int i = 0; i < GROUPING_ENTRIES + more; i++)
            g_string_append_printf(text, "*** ERROR => SSL handshake with h%d:1 failed: SSSLERR_CONN_CLOSED (-10)\n",
                                   i);
        g_autofree char *path = NULL;
        int file = g_file_open_tmp("trustgap-grouping-XXXXXX", &path, NULL);
        cr_assert(file >= 0 && close(file) == 0 && g_file_set_contents(path, text->str, (gssize)text->len, NULL));
        g_autoptr(audit_auto) audit = analysis_explain((const char *const[]){path, NULL}, NULL, NULL);
        g_unlink(path);
        cr_assert(audit);
        cr_expect_eq(audit->failures->len, GROUPING_ENTRIES);
        cr_assert_eq(audit->warnings->len, (guint)more);
        if (more)
            cr_expect_str_eq(audit->warnings->pdata[0], "more than 10000 different failures; 1 "
                                                        "connections are left out");
    }
}

/* What an answer has to say and what it must not say. */
static const struct {
    const char *what, *file, *says[6], *does_not[4];
} answers[] = {
    {"the guide",
     "guide.trc",
     {"\"CN= , OU=I11111111, OU=SAP AS, O=Test CA, C=DE\", is self-signed", "its own anchor",
      "/usr/sap/SID/INSTANCE/sec/THE_PSE_TO_LOOK_AT.pse", "back to 1", "ask for a certificate of a CA"},
     {"ends in the root", "SAPSSLC"}},
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
     {"The client sent the TLS alert \"certificate unknown\" (46)", "It may be either",
      "in the PSE /usr/sap/QAS/D20/sec/SAPSSLS.pse"},
     {"maintain_pk", "trace level of the ICM"}},
    {"a closed connection", "message.trc", {"says nothing about trust"}, {"import"}},
    {"expired", "tree-validity.trc", {"out of date (its check Validity failed)"}, {"maintain_pk"}},
};

Test(advice, answers)
{
    for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
        g_autofree char *path = g_strconcat(DATA, answers[i].file, NULL);
        g_autoptr(audit_auto) audit = analysis_explain((const char *const[]){path, NULL}, NULL, NULL);
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

/* What a trace prints about a certificate besides its names, and what somebody who knows certificates adds. */
Test(advice, details_of_certificates)
{
    static const char *const begin = "*** ERROR during SecudeSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL\n"
                                     "0xa0600203 | SSL | ssl_verify_peer_certificates\nPeer not trusted\nCertificate:\n"
                                     "  Certificate:\n    Subject :CN=a, C=DE\n";
    static const struct {
        const char *what, *stamp, *issuer, *not_after, *key, *signature;
        const char *says[3], *does_not[3];
    } rows[] = {
        {"old in every way, self-signed",
         "Sun Nov 22 01:02:03 2026\n",
         "CN=a, C=DE",
         "Thu Dec 31 19:00:01 2037",
         "1024",
         "sha1WithRsaEncryption (1.2.840.113549.1.1.5)",
         {"It has an RSA key of only 1024 bits", "It is signed with SHA-1",
          "signed it itself, valid until 2037: better ask for a certificate of a CA"},
         {"expired"}},
        {"expired, MD5",
         "Sun Nov 22 01:02:03 2026\n",
         "CN=a, C=DE",
         "Sun Nov 22 01:02:02 2026",
         "2047",
         "md5WithRsaEncryption",
         {"only 2047 bits", "signed with MD5", "It had expired when the connection failed (on 2026-11-22"},
         {NULL}},
        {"in its last second, good enough",
         "Sun Nov 22 01:02:03 2026\n",
         "CN=a, C=DE",
         "Sun Nov 22 01:02:03 2026",
         "2048",
         "sha256WithRsaEncryption",
         {"signed it itself"},
         {"expired", "bits", "outdated"}},
        {"without a time of its own nothing is expired",
         "",
         "CN=a, C=DE",
         "Sun Nov 22 01:02:02 2020",
         "2048",
         "sha256WithRsaEncryption",
         {"valid until 2020"},
         {"expired"}},
        {"what is printed is another one's",
         "Sun Nov 22 01:02:03 2026\n",
         "CN=b, C=DE",
         "Sun Nov 22 01:02:02 2026",
         "1024",
         "sha1WithRsaEncryption",
         {"The printed certificate that it has signed has an RSA key of only 1024 bits",
          "The printed certificate that it has signed had expired"},
         {"It has an RSA key", "signed it itself", "It had expired"}},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(
            "%s%s     Issuer :%s\n    Serial number:0x0a06\n    Validity:\n      Not before :Sun Dec 8 08:36:55 2013\n"
            "      Not after :%s\n    Key:\n      Key type :rsaEncryption (1.2.840.113549.1.1.1)\n      Key size :%s\n"
            "      PK_Fingerprint_MD5:E2FF 2FE2 F27C 033D 3DE5 C53D 9010 5273\n    Signature algorithm:%s\n"
            "    Fingerprint_MD5:9F:55:EE:38:53:B6:19:B6:8A:4E:F1:B4:B3:9C:47:86\n"
            "    Fingerprint_SHA1:D195 CBE3 DFCD 06D2 FE0C A517 22B6 1223 FF40 194E\n"
            "<< ---------- End of Secude-SSL Errorstack ----------\n"
            "*** ERROR => IcmConnInitClientSSL: SapSSLSessionStart failed (-102): SSSLERR_PEER_CERT_UNTRUSTED\n",
            rows[i].stamp, begin, rows[i].issuer, rows[i].not_after, rows[i].key, rows[i].signature);
        g_autoptr(audit_auto) audit = group(text, 0);
        cr_assert_eq(audit->failures->len, 1, "%s", rows[i].what);
        const struct audit_failure *failure = audit->failures->pdata[0];
        const struct audit_link *link = failure->chain->pdata[0];
        g_autofree char *key = g_strconcat("RSA ", rows[i].key, NULL);
        cr_expect_str_eq(link->serial, "0A:06");
        cr_expect_str_eq(link->not_before, "2013-12-08T08:36:55");
        cr_expect_str_eq(link->key, key);
        cr_expect_str_eq(link->key_md5, "e2ff2fe2f27c033d3de5c53d90105273");
        cr_expect_str_eq(link->md5, "9f55ee3853b619b68a4ef1b4b39c4786");
        cr_expect_str_eq(link->sha1, "d195cbe3dfcd06d2fe0ca51722b61223ff40194e");
        cr_expect(g_str_has_prefix(rows[i].signature, link->signature_algorithm), "%s", link->signature_algorithm);
        cr_expect_null(strchr(link->signature_algorithm, '('));
        for (size_t j = 0; j < 3 && rows[i].says[j]; j++)
            cr_expect(strstr(failure->advice, rows[i].says[j]), "%s: no \"%s\" in: %s", rows[i].what, rows[i].says[j],
                      failure->advice);
        for (size_t j = 0; j < 3 && rows[i].does_not[j]; j++)
            cr_expect_null(strstr(failure->advice, rows[i].does_not[j]), "%s: \"%s\" in: %s", rows[i].what,
                           rows[i].does_not[j], failure->advice);
    }
}

/* Raising the level is no advice where it was raised. */
Test(advice, knows_the_level)
{
    static const struct {
        const char *header;
        gboolean raise;
    } headers[] = {
        {"", TRUE},
        {"-------------------------\ntrc file: \"dev_icm\", trc level: 1, release: \"785\"\n", TRUE},
        {"-------------------------\ntrc file: \"dev_icm\", trc level: 2, release: \"785\"\n", FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        g_autofree char *text =
            g_strconcat(headers[i].header,
                        "[Thr 1] *** ERROR => SSL handshake with a:443 failed: SSSLERR_PEER_CERT_UNTRUSTED "
                        "(-102)\n",
                        NULL);
        g_autoptr(audit_auto) audit = group(text, 0);
        cr_assert_eq(audit->failures->len, 1);
        const char *advice = ((struct audit_failure *)audit->failures->pdata[0])->advice;
        cr_expect_eq(strstr(advice, "Set the trace level of the ICM to 2") != NULL, headers[i].raise, "%s", advice);
        cr_expect_eq(strstr(advice, "openssl s_client") != NULL, !headers[i].raise, "%s", advice);
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
    g_autoptr(audit_auto) audit = analysis_explain((const char *const[]){DATA "others.trc", NULL}, NULL, NULL);
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
    g_autoptr(audit_auto) audit = analysis_explain((const char *const[]){"/dev/null", NULL}, NULL, NULL);
    cr_assert(audit);
    cr_expect_eq(audit->failures->len, 0);
}
