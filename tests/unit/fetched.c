/* analyzer/asked: what peers sent when they were asked, beside failures of which the trace tells too little. */
#include "scene.h"

#include "moment.h"

#include <criterion/criterion.h>
#include <string.h>

#define STORE "/usr/sap/PRD/D00/sec/SAPSSLC.pse"
#define ASKED (CERTS_NOW - 3600)

struct setting {
    struct scene *scene;
    struct capture_host *host;
    struct capture_instance *instance;
    struct issued *root, *issuing, *leaf;
    GString *trace;
};

static void setup(struct setting *s)
{
    *s = (struct setting){.scene = scene_new(), .trace = g_string_new(NULL)};
    s->root = certs(.subject = "/O=Example/CN=Root");
    s->issuing = certs(.subject = "/O=Example/CN=Issuing", .issuer = s->root);
    s->leaf = certs(.subject = "/CN=api.example.com", .issuer = s->issuing, .leaf = TRUE);
    s->host = scene_host(s->scene, "app01");
    s->instance = scene_instance(s->host, "PRD", "D00");
    g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
    scene_store(s->scene, s->host, s->instance, "SAPSSLC.pse", nothing);
    struct capture_host *other = scene_host(s->scene, "dev01");
    g_autoptr(GBytes) holds = certs_join(s->root, NULL);
    scene_store(s->scene, other, scene_instance(other, "DEV", "D20"), "SAPSSLC.pse", holds);
}

static void cleanup(struct setting *s)
{
    scene_free(s->scene);
    certs_free(s->root);
    certs_free(s->issuing);
    certs_free(s->leaf);
    g_string_free(s->trace, TRUE);
}

/* A failure whose trace has nothing but its headline, the PSE and the address. */
static void say_terse(struct setting *s, const char *target, const char *peer)
{
    g_string_append_printf(s->trace,
                           "[Thr 7] *** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n"
                           "[Thr 7]    session uses PSE file \"" STORE "\"\n"
                           "[Thr 7]   SSL NI-hdl 1: local=192.0.2.10:50001  peer=%s\n",
                           peer);
    if (target)
        g_string_append_printf(s->trace, "[Thr 7]   Target Hostname=\"%s\"\n", target);
    g_string_append(s->trace, "[Thr 7] <<- ERROR: SapSSLSessionStartNB(sssl_hdl=7f01)==SSSLERR_PEER_CERT_UNTRUSTED\n"
                              "[Thr 7] SapSSLSessionStartNB()==SSSLERR_PEER_CERT_UNTRUSTED\n");
}

static struct capture_chain *say_asked(struct setting *s, const char *target, const char *address, int64_t port,
                                       GBytes *sent)
{
    struct capture_chain *chain = capture_chain_new();
    chain->target = g_strdup(target);
    chain->address = g_strdup(address);
    chain->port = port;
    chain->asked = ASKED;
    if (sent)
        chain->object = scene_object(s->scene, g_bytes_get_data(sent, NULL), g_bytes_get_size(sent));
    else
        chain->reason = g_strdup("time-out");
    g_ptr_array_add(s->host->chains, chain);
    return chain;
}

static struct audit *run(struct setting *s)
{
    scene_trace(s->scene, s->host, s->instance, "dev_icm", s->trace->str);
    return scene_run(s->scene, NULL);
}

static const struct audit_failure *failure_at(const struct audit *audit, guint i)
{
    cr_assert_lt(i, audit->failures->len);
    return audit->failures->pdata[i];
}

Test(asked, a_headline_becomes_a_proved_anchor)
{
    struct setting s;
    setup(&s);
    g_autoptr(GBytes) sent = certs_join(s.leaf, s.issuing, NULL);
    say_terse(&s, "api.example.com", "192.0.2.7:443");
    say_asked(&s, "API.example.com", NULL, 443, sent);
    g_autoptr(audit_auto) audit = run(&s);

    const struct audit_failure *failure = failure_at(audit, 0);
    cr_expect_eq(failure->asked, ASKED);
    cr_expect_eq(failure->certainty, CERTAINTY_ISSUER);
    cr_expect_eq(failure->chain->len, 2);
    cr_expect_str_eq(failure->missing, "CN=Root, O=Example");
    cr_expect(strstr(failure->advice, "The trace shows nothing of the chain"), "%s", failure->advice);

    const struct audit_finding *finding = scene_finding(audit, FINDING_MISSING_ANCHOR);
    cr_assert_not_null(finding);
    cr_expect_eq(finding->match, MATCH_PROVED);
    cr_expect_eq(finding->asked, ASKED);
    cr_expect(g_bytes_equal(finding->cert->der, s.root->der));
    cr_expect_not(finding->cert->from_trace);
    cr_expect_eq(finding->donors->len, 1);
    cr_expect(strstr(finding->proof, "was asked for it at 2026-11-21T23:00:00Z, and may have sent another one"), "%s",
              finding->proof);
    cr_expect(strstr(finding->detail, "was asked for it through the same host"), "%s", finding->detail);
    cr_expect_null(strstr(finding->detail, "that the trace shows"), "%s", finding->detail);
    cr_expect_eq(scene_count(audit, FINDING_TRACE_DETAIL), 0);
    for (guint i = 0; i < audit->certs->len; i++) {
        const struct audit_cert *cert = audit->certs->pdata[i];
        gboolean held = g_bytes_equal(cert->der, s.root->der);
        cr_expect_eq(cert->from_trace, !held, "%s", cert->subject);
        cr_expect_eq(cert->asked, held ? MOMENT_NONE : ASKED, "%s", cert->subject);
    }
    cleanup(&s);
}

/* A headline alone tells the port; behind a proxy it is another one than that of the address. */
Test(asked, port_of_a_headline)
{
    static const struct {
        const char *what, *place;
        const char *peer; /* NULL: the trace has no line for it */
        gboolean belongs;
    } rows[] = {
        {"a headline alone", "api.example.com:443", NULL, TRUE},
        {"another port", "api.example.com:8443", NULL, FALSE},
        {"no port", "api.example.com", NULL, FALSE},
        {"another name", "b.example.com:443", NULL, FALSE},
        {"a proxy", "api.example.com:443", "192.0.2.30:3128", TRUE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct setting s;
        setup(&s);
        g_autoptr(GBytes) sent = certs_join(s.leaf, s.issuing, NULL);
        if (rows[i].peer)
            g_string_append_printf(s.trace, "[Thr 7]   SSL NI-hdl 1: local=192.0.2.10:50001  peer=%s\n", rows[i].peer);
        g_string_append_printf(
            s.trace, "[Thr 7] *** ERROR => SSL handshake with %s failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n",
            rows[i].place);
        say_asked(&s, "api.example.com", NULL, 443, sent);
        g_autoptr(audit_auto) audit = run(&s);
        cr_expect_eq(failure_at(audit, 0)->missing != NULL, rows[i].belongs, "%s", rows[i].what);
        cleanup(&s);
    }
}

/* Servers send what they like behind the leaf. */
Test(asked, order_of_what_was_sent)
{
    struct setting s;
    setup(&s);
    g_autoptr(issued_auto) stray = certs(.subject = "/CN=Stray");
    g_autoptr(GBytes) sent = certs_join(s.leaf, stray, s.root, s.issuing, NULL);
    say_terse(&s, "api.example.com", "192.0.2.7:443");
    say_asked(&s, "api.example.com", NULL, 443, sent);
    g_autoptr(audit_auto) audit = run(&s);
    const struct audit_failure *failure = failure_at(audit, 0);
    cr_expect_eq(failure->chain->len, 3);
    cr_expect_eq(failure->certainty, CERTAINTY_SELF_SIGNED);
    cr_expect_str_eq(failure->missing, "CN=Root, O=Example");
    cr_expect_eq(scene_finding(audit, FINDING_MISSING_ANCHOR)->match, MATCH_PROVED);
    cleanup(&s);
}

Test(asked, whose_answer_it_is)
{
    static const struct {
        const char *what;
        const char *called, *peer;    /* by the failure */
        const char *target, *address; /* asked */
        int64_t port;
        gboolean belongs;
    } rows[] = {
        {"the same name and port", "api.example.com", "192.0.2.7:443", "api.example.com", "192.0.2.7", 443, TRUE},
        {"another address of that name", "api.example.com", "192.0.2.8:443", "api.example.com", "192.0.2.7", 443, TRUE},
        {"another port", "api.example.com", "192.0.2.7:8443", "api.example.com", "192.0.2.7", 443, FALSE},
        {"another name", "b.example.com", "192.0.2.7:443", "api.example.com", "192.0.2.7", 443, FALSE},
        {"a name, asked by the address", "api.example.com", "192.0.2.7:443", NULL, "192.0.2.7", 443, FALSE},
        {"no name, asked by the address", NULL, "192.0.2.7:443", NULL, "192.0.2.7", 443, TRUE},
        {"no name, another address", NULL, "192.0.2.70:443", NULL, "192.0.2.7", 443, FALSE},
        {"no name, IPv6", NULL, "2001:db8::7:443", NULL, "2001:db8::7", 443, TRUE},
        {"no name, asked by a name", NULL, "192.0.2.7:443", "api.example.com", "192.0.2.7", 443, FALSE},
        {"called by address", "192.0.2.7", "192.0.2.7:443", NULL, "192.0.2.7", 443, TRUE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct setting s;
        setup(&s);
        g_autoptr(GBytes) sent = certs_join(s.leaf, s.issuing, NULL);
        say_terse(&s, rows[i].called, rows[i].peer);
        say_asked(&s, rows[i].target, rows[i].address, rows[i].port, sent);
        g_autoptr(audit_auto) audit = run(&s);
        const struct audit_failure *failure = failure_at(audit, 0);
        cr_expect_eq(failure->asked, rows[i].belongs ? ASKED : MOMENT_NONE, "%s", rows[i].what);
        cr_expect_eq(failure->missing != NULL, rows[i].belongs, "%s", rows[i].what);
        cr_expect_eq(failure->chain->len, rows[i].belongs ? 2 : 0, "%s", rows[i].what);
        cleanup(&s);
    }
}

Test(asked, answers_that_tell_nothing)
{
    struct setting s;
    setup(&s);
    g_autoptr(GBytes) garbage = g_bytes_new_static("no certificate", 14);
    g_autoptr(GBytes) hollow = g_bytes_new_static("\x30\x02\x05\x00", 4); /* DER, and none either */
    say_terse(&s, "api.example.com", "192.0.2.7:443");
    say_terse(&s, "b.example.com", "192.0.2.8:443");
    say_terse(&s, "c.example.com", "192.0.2.9:443");
    say_asked(&s, "api.example.com", NULL, 443, NULL);
    say_asked(&s, "b.example.com", NULL, 443, garbage);
    say_asked(&s, "c.example.com", NULL, 443, hollow);
    g_autoptr(audit_auto) audit = run(&s);
    for (guint i = 0; i < 3; i++)
        cr_expect_null(failure_at(audit, i)->missing);
    const struct audit_host *host = audit->hosts->pdata[0];
    cr_assert_eq(host->notes->len, 1);
    cr_expect_str_eq(host->notes->pdata[0], "api.example.com port 443 was asked and showed no certificates: time-out");
    cr_assert_eq(audit->warnings->len, 1);
    cr_expect_str_eq(audit->warnings->pdata[0],
                     "app01: b.example.com: what it sent when it was asked are no certificates");
    cleanup(&s);
}

/* One name at two ports, which a trace counts together: only if both say the same. */
Test(asked, several_answers)
{
    for (int same = 0; same <= 1; same++) {
        struct setting s;
        setup(&s);
        g_autoptr(GBytes) one = certs_join(s.leaf, s.issuing, NULL), other = certs_join(s.leaf, NULL);
        say_terse(&s, "api.example.com", "192.0.2.7:443");
        say_terse(&s, "api.example.com", "192.0.2.7:8443");
        say_asked(&s, "api.example.com", NULL, 443, one);
        say_asked(&s, "api.example.com", NULL, 8443, same ? one : other);
        g_autoptr(audit_auto) audit = run(&s);
        cr_expect_eq(audit->failures->len, 1);
        cr_expect_eq(failure_at(audit, 0)->missing != NULL, same);
        cleanup(&s);
    }
}

/* The trace shows the leaf alone, whose issuer the peer sends. */
Test(asked, a_piece_goes_on)
{
    struct setting s;
    setup(&s);
    g_autoptr(GBytes) sent = certs_join(s.leaf, s.issuing, NULL);
    UNTRUSTED(s.trace, .store = STORE, .target = "api.example.com", .peer = "192.0.2.7:443", .chain = {s.leaf});
    say_asked(&s, "api.example.com", NULL, 443, sent);
    g_autoptr(audit_auto) audit = run(&s);
    const struct audit_failure *failure = failure_at(audit, 0);
    cr_assert_eq(failure->chain->len, 2);
    cr_expect_eq(failure->asked, ASKED);
    cr_expect_str_eq(failure->missing, "CN=Root, O=Example");
    cr_expect(strstr(failure->advice, "The trace shows only a part of the chain"), "%s", failure->advice);
    const struct audit_finding *finding = scene_finding(audit, FINDING_MISSING_ANCHOR);
    cr_assert_not_null(finding);
    cr_expect(g_bytes_equal(finding->cert->der, s.root->der));
    cr_expect_eq(finding->match, MATCH_PROVED);
    cleanup(&s);
}

/* It shows all that the peer sends, by names: what was sent proves which root it is. */
Test(asked, a_shown_chain_is_proved)
{
    for (int asked = 0; asked <= 1; asked++) {
        struct setting s;
        setup(&s);
        g_autoptr(GBytes) sent = certs_join(s.leaf, s.issuing, NULL);
        UNTRUSTED(s.trace, .store = STORE, .target = "api.example.com", .peer = "192.0.2.7:443",
                  .chain = {s.leaf, s.issuing});
        if (asked)
            say_asked(&s, "api.example.com", NULL, 443, sent);
        g_autoptr(audit_auto) audit = run(&s);
        const struct audit_failure *failure = failure_at(audit, 0);
        cr_expect_eq(failure->asked, MOMENT_NONE, "the trace tells what is missing");
        const struct audit_finding *finding = scene_finding(audit, FINDING_MISSING_ANCHOR);
        cr_assert_not_null(finding);
        cr_expect(g_bytes_equal(finding->cert->der, s.root->der));
        cr_expect_eq(finding->match, asked ? MATCH_PROVED : MATCH_NAME);
        cr_expect_eq(strstr(finding->proof, "it was sent when the peer was asked at 2026-11-21T23:00:00Z") != NULL,
                     asked, "%s", finding->proof);
        cleanup(&s);
    }
}

/* Somebody in between sends certificates with the names and numbers of the trace, and a root of that name. */
Test(asked, what_is_forged_takes_no_place)
{
    struct setting s;
    setup(&s);
    g_autoptr(issued_auto) false_root = certs(.subject = "/O=Example/CN=Root");
    g_autofree char *serial = g_strdup("4A01");
    g_autoptr(issued_auto) issuing = certs(.subject = "/O=Example/CN=Issuing 2", .issuer = s.root, .serial = serial);
    g_autoptr(issued_auto) forged = certs(.subject = "/O=Example/CN=Issuing 2", .issuer = false_root, .serial = serial);
    g_autoptr(GBytes) sent = certs_join(s.leaf, forged, false_root, NULL);
    UNTRUSTED(s.trace, .store = STORE, .target = "api.example.com", .peer = "192.0.2.7:443",
              .chain = {s.leaf, issuing});
    say_asked(&s, "api.example.com", NULL, 443, sent);
    g_autoptr(audit_auto) audit = run(&s);
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        if (finding->kind != FINDING_MISSING_ANCHOR)
            continue;
        cr_expect(finding->cert->from_trace || g_bytes_equal(finding->cert->der, s.root->der));
        if (finding->cert->from_trace) {
            cr_expect_eq(finding->asked, ASKED, "it says where it is from");
            cr_expect(strstr(finding->proof, "compare its fingerprint before you import it"), "%s", finding->proof);
        }
    }
    cleanup(&s);
}

/* A night without an answer: what an earlier one brought still counts, with its date; a new answer takes its place. */
Test(asked, earlier_answers)
{
    struct setting s, silent, changed;
    setup(&s);
    g_autoptr(GBytes) sent = certs_join(s.leaf, s.issuing, NULL);
    say_terse(&s, "api.example.com", "192.0.2.7:443");
    say_asked(&s, "api.example.com", NULL, 443, sent);
    g_autoptr(audit_auto) first = run(&s);

    setup(&silent);
    say_terse(&silent, "api.example.com", "192.0.2.7:443");
    say_terse(&silent, "other.example.com", "192.0.2.7:443");
    say_asked(&silent, "api.example.com", NULL, 443, NULL);
    scene_reference(silent.scene, "root.pem", s.root);
    scene_trace(silent.scene, silent.host, silent.instance, "dev_icm", silent.trace->str);
    g_autoptr(audit_auto) second = scene_run_at(silent.scene, first, CERTS_NOW + CERTS_DAY);
    const struct audit_finding *finding = scene_finding(second, FINDING_MISSING_ANCHOR);
    cr_assert_not_null(finding);
    cr_expect_str_eq(finding->id, scene_finding(first, FINDING_MISSING_ANCHOR)->id);
    cr_expect_eq(finding->asked, ASKED);
    cr_expect_eq(finding->match, MATCH_PROVED);
    cr_expect_eq(failure_at(second, 0)->asked, ASKED);
    cr_expect_null(failure_at(second, 1)->missing, "another peer");

    setup(&changed);
    g_autoptr(issued_auto) lone = certs(.subject = "/CN=api.example.com", .leaf = TRUE);
    g_autoptr(GBytes) other = certs_join(lone, NULL);
    say_terse(&changed, "api.example.com", "192.0.2.7:443");
    say_asked(&changed, "api.example.com", NULL, 443, other)->asked = CERTS_NOW + CERTS_DAY;
    scene_trace(changed.scene, changed.host, changed.instance, "dev_icm", changed.trace->str);
    g_autoptr(audit_auto) third = scene_run_at(changed.scene, second, CERTS_NOW + 2 * CERTS_DAY);
    cr_expect_eq(failure_at(third, 0)->asked, CERTS_NOW + CERTS_DAY);
    cr_expect_eq(failure_at(third, 0)->chain->len, 1);
    cleanup(&s);
    cleanup(&silent);
    cleanup(&changed);
}

/* It stays marked from night to night, also when nobody is asked any more. */
Test(asked, the_next_night)
{
    struct setting s;
    setup(&s);
    g_autoptr(issued_auto) lone = certs(.subject = "/CN=printer.example.com", .leaf = TRUE);
    g_autoptr(GBytes) sent = certs_join(lone, NULL);
    say_terse(&s, "printer.example.com", "192.0.2.7:443");
    say_asked(&s, "printer.example.com", NULL, 443, sent);
    g_autoptr(audit_auto) first = run(&s);
    const struct audit_finding *finding = scene_finding(first, FINDING_MISSING_ANCHOR);
    cr_assert_not_null(finding);
    cr_expect(finding->cert->from_trace);
    cr_expect_eq(finding->cert->asked, ASKED);
    cr_expect(strstr(finding->detail, "known from the peer, which sent it when it was asked"), "%s", finding->detail);

    struct setting next;
    setup(&next);
    g_string_append(next.trace, "nothing\n");
    scene_trace(next.scene, next.host, next.instance, "dev_icm", next.trace->str);
    g_autoptr(audit_auto) second = scene_run_at(next.scene, first, CERTS_NOW + CERTS_DAY);
    const struct audit_finding *again = scene_finding(second, FINDING_MISSING_ANCHOR);
    cr_assert_not_null(again);
    cr_expect_str_eq(again->id, finding->id);
    cr_expect_eq(again->state, STATE_OPEN);
    cr_expect_eq(again->asked, ASKED);
    cr_expect(again->cert->from_trace);
    cr_expect_eq(again->cert->asked, ASKED);
    cleanup(&s);
    cleanup(&next);
}
