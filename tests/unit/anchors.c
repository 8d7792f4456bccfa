/* analyzer/anchors: which certificate is missing in which trust store, night after night. */
#include "anchors.h"

#include "findings.h"
#include "grouping.h"
#include "identify.h"
#include "moment.h"
#include "sap_peer.h"
#include "scene.h"

#include <criterion/criterion.h>
#include <string.h>

#define DAY       CERTS_DAY
#define PRD_STORE "/usr/sap/PRD/D00/sec/SAPSSLC.pse"

/* A peer whose chain is leaf, intermediate, root; what the tests trust or lack is the root. */
struct peer {
    struct issued *root, *middle, *leaf, *other;
    GBytes *with, *without, *nothing; /* trust lists */
};

static struct peer *peer_new(void)
{
    struct peer *peer = g_new0(struct peer, 1);
    peer->root = certs(.subject = "/C=DE/O=Example/CN=Root R1");
    peer->middle = certs(.subject = "/C=DE/O=Example/CN=Issuing CA", .issuer = peer->root);
    peer->leaf = certs(.subject = "/CN=api.example.com", .issuer = peer->middle, .leaf = TRUE);
    peer->other = certs(.subject = "/C=DE/O=Else/CN=Other Root");
    peer->with = certs_join(peer->other, peer->root, NULL);
    peer->without = certs_join(peer->other, NULL);
    peer->nothing = g_bytes_new_static("", 0);
    return peer;
}

static void peer_free(struct peer *peer)
{
    certs_free(peer->root);
    certs_free(peer->middle);
    certs_free(peer->leaf);
    certs_free(peer->other);
    g_bytes_unref(peer->with);
    g_bytes_unref(peer->without);
    g_bytes_unref(peer->nothing);
    g_free(peer);
}

typedef struct peer peer_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(peer_auto, peer_free)

/* One night of one ABAP system that calls the peer; QAS holds the root. */
struct night {
    GBytes *list;       /* of PRD SAPSSLC.pse; NULL: not there */
    const char *stamp;  /* of the failure; NULL: the trace is silent */
    int64_t modified;   /* of the PSE; 0: ten days ago */
    gboolean no_donor;  /* QAS does not hold the root */
    gboolean failed;    /* app01 was not collected */
    gboolean absent;    /* app01 is in no capture */
    gboolean unread;    /* the PSE has a PIN */
    gboolean no_store;  /* the trace does not name the PSE */
    gboolean reference; /* the root is in a reference file */
    int64_t at;         /* days after CERTS_NOW */
};

static struct audit *live(const struct peer *peer, const struct night *night, const struct audit *previous)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);

    struct capture_host *donor = scene_host(scene, "app09");
    struct capture_instance *d10 = scene_instance(donor, "QAS", "D10");
    scene_store(scene, donor, d10, "SAPSSLC.pse", night->no_donor ? peer->without : peer->with);
    if (night->reference)
        scene_reference(scene, "root.pem", peer->root);
    if (night->absent)
        return scene_run_at(scene, previous, CERTS_NOW + night->at * DAY);

    struct capture_host *host = scene_host(scene, "app01");
    if (night->failed) {
        host->status = CAPTURE_FAILED;
        host->reason = g_strdup("time-out");
        host->message = g_strdup("no answer within 10 s");
        return scene_run_at(scene, previous, CERTS_NOW + night->at * DAY);
    }
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    scene_header(text, "1", "785");
    if (night->stamp)
        UNTRUSTED(text, .store = night->no_store ? NULL : PRD_STORE, .target = "api.example.com",
                  .peer = "192.0.2.7:443", .chain = {peer->leaf, peer->middle}, .stamp = night->stamp, .times = 3);
    scene_trace(scene, host, d00, "dev_icm", text->str);
    if (night->list) {
        struct capture_store *store = scene_store(scene, host, d00, "SAPSSLC.pse", night->list);
        if (night->modified)
            store->modified = night->modified;
        if (night->unread) {
            g_free(store->method);
            store->method = g_strdup("none");
            store->reason = g_strdup("needs-pin");
        }
    }
    return scene_run_at(scene, previous, CERTS_NOW + night->at * DAY);
}

#define LIVE(previous, ...) live(peer, &(const struct night){__VA_ARGS__}, previous)

#define OLD_STAMP "Sun Nov  1 00:00:00 2026"
#define NEW_STAMP "Sun Nov 15 00:00:00 2026" /* three days after the PSE was written */

static struct audit_finding *only(const struct audit *audit, enum audit_finding_kind kind)
{
    cr_expect_eq(scene_count(audit, FINDING_MISSING_ANCHOR) + scene_count(audit, FINDING_UNKNOWN_ISSUER), 1);
    struct audit_finding *finding = scene_finding(audit, kind);
    cr_assert_not_null(finding, "no %s", audit_finding_kind_name(kind));
    return finding;
}

Test(anchors, what_is_missing_where_and_who_has_it)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL), other_text = g_string_new(NULL);
    g_autoptr(GBytes) more = certs_join(peer->other, peer->middle, NULL);

    struct capture_host *app = scene_host(scene, "app01"), *web = scene_host(scene, "web01");
    struct capture_host *db = scene_host(scene, "db01"), *far = scene_host(scene, "app07");
    struct capture_instance *d00 = scene_instance(app, "PRD", "D00"), *w20 = scene_instance(web, "PRD", "W20");
    struct capture_instance *hdb = scene_instance(db, "HDP", "HDB00"), *d07 = scene_instance(far, "QAS", "D07");
    struct capture_instance *d08 = scene_instance(far, "DEV", "D08");
    scene_store(scene, app, d00, "SAPSSLC.pse", peer->without);
    scene_store(scene, app, d00, "SAPSSLA.pse", more);
    scene_store(scene, web, w20, "SAPSSLC.pse", peer->nothing);
    scene_store(scene, web, w20, "SAPSSLA.pse", peer->with);
    scene_store(scene, db, hdb, "SAPSSLS.pse", peer->without);
    scene_store(scene, far, d07, "SAPSSLC.pse", peer->with);
    scene_store(scene, far, d08, "SAPSSLC.pse", peer->without);
    UNTRUSTED(text, .store = PRD_STORE, .target = "api.example.com", .peer = "192.0.2.7:443",
              .chain = {peer->leaf, peer->middle}, .times = 3);
    UNTRUSTED(text, .store = PRD_STORE, .target = "www.example.com", .peer = "192.0.2.8:443",
              .chain = {peer->leaf, peer->middle});
    scene_trace(scene, app, d00, "dev_icm", text->str);
    UNTRUSTED(other_text, .store = "/usr/sap/PRD/W20/sec/SAPSSLC.pse", .target = "api.example.com",
              .peer = "192.0.2.7:443", .chain = {peer->leaf, peer->middle});
    scene_trace(scene, web, w20, "dev_webdisp", other_text->str);

    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
    cr_expect_str_eq(finding->title, "Root R1 is missing in 2 trust stores");
    cr_expect_eq(finding->severity, SEVERITY_HIGH);
    cr_expect_eq(finding->state, STATE_NEW);
    cr_expect_eq(finding->match, MATCH_PROVED, "the intermediate is at hand: PRD SAPSSLA.pse trusts it");
    cr_expect_str_eq(finding->cert->subject, "CN=Root R1, O=Example, C=DE");
    cr_expect_str_eq(finding->subject, "CN=Root R1, O=Example, C=DE");
    cr_expect(strstr(finding->detail, "Peers: api.example.com, www.example.com."), "%s", finding->detail);
    cr_expect(strstr(finding->detail, "lacks it too, though no failure shows a need: PRD SAPSSLA.pse."), "%s",
              finding->detail);
    cr_expect(strstr(finding->detail, "has it: web01 W20 SAPSSLA.pse."), "%s", finding->detail);

    cr_assert_eq(finding->gaps->len, 2);
    const struct audit_gap *prd = scene_gap(finding, "PRD SAPSSLC.pse"),
                           *w = scene_gap(finding, "web01 W20 SAPSSLC.pse");
    cr_assert(prd && w);
    cr_expect_eq(prd->basis, BASIS_SEEN);
    cr_expect_eq(prd->count, 4);
    cr_expect_eq(prd->failures->len, 2);
    cr_expect_eq(w->count, 1);
    cr_assert_eq(finding->donors->len, 2);
    cr_expect_str_eq(((struct audit_store *)finding->donors->pdata[0])->label, "QAS SAPSSLC.pse");
    cr_expect_str_eq(((struct audit_store *)finding->donors->pdata[1])->label, "web01 W20 SAPSSLA.pse");
    cr_assert_eq(finding->lacking->len, 1, "DEV lacks it, without need; the HANA server PSE is of another kind");
    cr_expect_str_eq(((struct audit_store *)finding->lacking->pdata[0])->label, "DEV SAPSSLC.pse");

    cr_expect_str_neq(scene_step(prd->steps, "Save the PEM of \"Root R1\""), "");
    cr_expect_str_neq(scene_step(prd->steps, "transaction STRUST, node \"SSL client (Standard)\" (SAPSSLC.pse)"), "");
    cr_expect_str_neq(scene_step(prd->steps, "\"SSL client (Anonymous)\" (SAPSSLA.pse) of PRD lacks it as well"), "");
    cr_expect_str_eq(scene_step(prd->steps, "maintain_pk"), "");
    cr_expect_str_eq(scene_step(w->steps, "maintain_pk -a"),
                     "$ env SECUDIR=/usr/sap/PRD/W20/sec sapgenpse maintain_pk -a CERT.pem -p SAPSSLC.pse");
    cr_expect_str_neq(scene_step(w->steps, "on web01 as the user prdadm"), "");
    cr_expect_str_neq(scene_step(w->steps, "2009483"), "");
}

Test(anchors, the_same_capture_in_another_order_is_the_same_audit)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autofree char *first = NULL, *second = NULL;
    for (int turn = 0; turn < 2; turn++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GBytes) twin = certs_join(peer->other, peer->root, peer->middle, NULL);
        scene->reversed = turn == 1;
        for (int i = 0; i < 6; i++) {
            g_autofree char *name = g_strdup_printf("app0%d", i), *instance = g_strdup_printf("D0%d", i);
            g_autofree char *store = g_strdup_printf("/usr/sap/PRD/%s/sec/SAPSSLC.pse", instance);
            g_autoptr(GString) text = g_string_new(NULL);
            struct capture_host *host = scene_host(scene, name);
            struct capture_instance *at = scene_instance(host, i < 3 ? "PRD" : "QAS", instance);
            scene_store(scene, host, at, "SAPSSLC.pse", i % 2 ? peer->without : twin);
            scene_store(scene, host, at, "SAPSSLA.pse", i == 4 ? twin : peer->nothing);
            UNTRUSTED(text, .store = store, .target = "api.example.com", .chain = {peer->leaf, peer->middle});
            UNTRUSTED(text, .store = store, .target = "self.example.com", .chain = {peer->other});
            scene_headline(text, "x.example.com", "SSSLERR_PEER_CERT_UNTRUSTED (-102)");
            scene_trace(scene, host, at, "dev_icm", text->str);
        }
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_expect_gt(audit->findings->len, 5);
        *(turn ? &second : &first) = scene_xml(audit);
    }
    cr_expect_str_eq(first, second);
}

Test(anchors, from_new_to_fixed_and_back)
{
    g_autoptr(peer_auto) peer = peer_new();

    g_autoptr(audit_auto) first = LIVE(NULL, .list = peer->without, .stamp = OLD_STAMP);
    const struct audit_finding *finding = only(first, FINDING_MISSING_ANCHOR);
    g_autofree char *id = g_strdup(finding->id);
    cr_expect_eq(strlen(id), 16);
    cr_expect_eq(finding->state, STATE_NEW);
    cr_expect_eq(finding->first_seen, CERTS_NOW);
    cr_expect_eq(((struct audit_gap *)finding->gaps->pdata[0])->state, STATE_NEW);

    g_autoptr(audit_auto) second = LIVE(first, .list = peer->without, .stamp = OLD_STAMP, .at = 1);
    finding = only(second, FINDING_MISSING_ANCHOR);
    cr_expect_str_eq(finding->id, id);
    cr_expect_eq(finding->state, STATE_OPEN);
    cr_expect_eq(finding->first_seen, CERTS_NOW);
    cr_expect_eq(finding->last_seen, CERTS_NOW + DAY);
    const struct audit_gap *gap = finding->gaps->pdata[0];
    cr_expect_eq(gap->state, STATE_OPEN);
    cr_expect_eq(gap->first_seen, CERTS_NOW);

    g_autoptr(audit_auto) third = LIVE(second, .list = peer->without, .at = 2);
    finding = only(third, FINDING_MISSING_ANCHOR);
    cr_expect_str_eq(finding->id, id);
    cr_expect_eq(finding->state, STATE_OPEN, "the trace is silent, the list still lacks it");
    gap = finding->gaps->pdata[0];
    cr_expect_eq(gap->state, STATE_OPEN);
    cr_expect_eq(gap->basis, BASIS_SEEN);
    cr_expect_eq(gap->count, 3, "what was seen before");
    cr_expect_eq(gap->failures->len, 0);
    cr_expect(strstr(gap->note, "silent"), "%s", gap->note);
    cr_expect_str_neq(scene_step(gap->steps, "STRUST"), "");

    g_autoptr(audit_auto) fourth = LIVE(third, .list = peer->with, .at = 3);
    finding = only(fourth, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_FIXED);
    cr_expect_str_eq(finding->title, "Root R1 was missing in PRD SAPSSLC.pse");
    cr_expect_eq(finding->last_seen, CERTS_NOW + 2 * DAY);
    gap = finding->gaps->pdata[0];
    cr_expect_eq(gap->state, STATE_FIXED);
    cr_expect_eq(gap->steps->len, 0);

    g_autoptr(audit_auto) fifth = LIVE(fourth, .list = peer->with, .at = 4);
    cr_expect_eq(scene_count(fifth, FINDING_MISSING_ANCHOR), 0, "fixed is said once");

    g_autoptr(audit_auto) shown = LIVE(third, .list = peer->with, .stamp = OLD_STAMP, .at = 3);
    finding = only(shown, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_FIXED);
    cr_expect_eq(finding->last_seen, CERTS_NOW + 3 * DAY, "the trace still shows it");

    g_autoptr(audit_auto) lost = LIVE(fourth, .list = peer->without, .no_donor = TRUE, .at = 4);
    finding = only(lost, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_RETURNED, "the trace is silent, but the list has lost it again");
    cr_expect_eq(((struct audit_gap *)finding->gaps->pdata[0])->state, STATE_RETURNED);
    cr_expect(strstr(((struct audit_gap *)finding->gaps->pdata[0])->note, "has lost it"));

    g_autoptr(audit_auto) again = LIVE(fourth, .list = peer->without, .stamp = NEW_STAMP, .at = 4);
    finding = only(again, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_RETURNED);
    cr_expect_eq(finding->first_seen, CERTS_NOW);
    cr_expect_eq(((struct audit_gap *)finding->gaps->pdata[0])->state, STATE_RETURNED);
}

Test(anchors, an_import_heals_though_the_trace_shows_old_failures)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(audit_auto) audit = LIVE(NULL, .list = peer->with, .stamp = OLD_STAMP);
    const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_FIXED);
    const struct audit_gap *gap = finding->gaps->pdata[0];
    cr_expect_eq(gap->state, STATE_FIXED);
    cr_expect(strstr(gap->note, "2026-11-12T00:00:00Z"), "%s", gap->note);
    cr_expect_eq(scene_count(audit, FINDING_TLS_FAILURE), 0);
}

Test(anchors, failures_after_an_import_are_told)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(audit_auto) audit = LIVE(NULL, .list = peer->with, .stamp = NEW_STAMP);
    const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_FIXED);
    cr_expect(strstr(((struct audit_gap *)finding->gaps->pdata[0])->note, "may not have been told"));
    finding = scene_finding(audit, FINDING_TLS_FAILURE);
    cr_assert_not_null(finding);
    cr_expect_str_eq(finding->title, "PRD SAPSSLC.pse holds Root R1, and connections still fail");
    cr_expect_eq(finding->severity, SEVERITY_MEDIUM);
    cr_expect_eq(finding->failures->len, 1);
    cr_expect_str_neq(scene_step(finding->steps, "no restart (kernel release 785)"), "");

    /* An hour is left for a change of the clocks. */
    int64_t failure = 1794700800; /* NEW_STAMP */
    g_autoptr(audit_auto) within = LIVE(NULL, .list = peer->with, .stamp = NEW_STAMP, .modified = failure - 3600);
    cr_expect_eq(scene_count(within, FINDING_TLS_FAILURE), 0);
    g_autoptr(audit_auto) beyond = LIVE(NULL, .list = peer->with, .stamp = NEW_STAMP, .modified = failure - 3601);
    cr_expect_eq(scene_count(beyond, FINDING_TLS_FAILURE), 1);
}

Test(anchors, what_was_not_read_is_not_known)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(audit_auto) audit = LIVE(NULL, .list = peer->without, .unread = TRUE, .stamp = OLD_STAMP);
    const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
    const struct audit_gap *gap = finding->gaps->pdata[0];
    cr_expect_eq(gap->basis, BASIS_SEEN_UNREAD);
    cr_expect_eq(gap->state, STATE_NEW);
    cr_expect(strstr(gap->note, "needs-pin"), "%s", gap->note);
    cr_expect_str_neq(scene_step(gap->steps, "look first"), "");

    g_autoptr(audit_auto) silent = LIVE(audit, .list = peer->with, .unread = TRUE, .at = 1);
    finding = only(silent, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_OPEN, "nobody has seen the list");
    cr_expect_eq(((struct audit_gap *)finding->gaps->pdata[0])->basis, BASIS_SEEN_UNREAD);
}

Test(anchors, a_host_that_is_not_collected_keeps_its_gaps)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(audit_auto) first = LIVE(NULL, .list = peer->without, .stamp = OLD_STAMP);
    g_autoptr(audit_auto) failed = LIVE(first, .failed = TRUE, .at = 1);
    const struct audit_finding *finding = only(failed, FINDING_MISSING_ANCHOR);
    const struct audit_gap *gap = finding->gaps->pdata[0];
    cr_expect_eq(finding->state, STATE_OPEN);
    cr_expect_eq(gap->basis, BASIS_SEEN_UNREAD);
    cr_expect_str_eq(gap->store->label, "PRD SAPSSLC.pse");
    cr_expect_str_eq(gap->note, "The host was not collected tonight.");
    cr_expect_eq(scene_count(failed, FINDING_STORE_UNREADABLE), 0, "that the host is missing says it");
    cr_expect_eq(scene_count(failed, FINDING_HOST_MISSING), 1);

    g_autoptr(audit_auto) absent = LIVE(failed, .absent = TRUE, .at = 2);
    finding = only(absent, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_OPEN);
    cr_expect_eq(finding->first_seen, CERTS_NOW);
    cr_expect_eq(scene_count(absent, FINDING_HOST_MISSING), 1);
    const struct audit_host *host = absent->hosts->pdata[0];
    cr_expect_str_eq(host->name, "app01");
    cr_expect_str_eq(host->reason, HISTORY_NOT_COLLECTED);

    g_autoptr(audit_auto) last_day = LIVE(absent, .absent = TRUE, .at = HISTORY_DAYS);
    cr_expect_eq(scene_count(last_day, FINDING_MISSING_ANCHOR), 1);
    cr_expect_eq(scene_count(last_day, FINDING_HOST_MISSING), 1);
    g_autoptr(audit_auto) later = LIVE(last_day, .absent = TRUE, .at = HISTORY_DAYS + 1);
    cr_expect_eq(scene_count(later, FINDING_MISSING_ANCHOR), 0);
    cr_expect_eq(scene_count(later, FINDING_HOST_MISSING), 0);
    cr_expect_eq(later->hosts->len, 1);

    g_autoptr(audit_auto) back = LIVE(absent, .list = peer->with, .at = 3);
    cr_expect_eq(only(back, FINDING_MISSING_ANCHOR)->state, STATE_FIXED);
}

Test(anchors, a_pse_that_is_gone_needs_nothing)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(audit_auto) first = LIVE(NULL, .list = peer->without, .stamp = OLD_STAMP);
    g_autoptr(audit_auto) gone = LIVE(first, .list = NULL, .at = 1);
    const struct audit_finding *finding = only(gone, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_FIXED);
    cr_expect(strstr(((struct audit_gap *)finding->gaps->pdata[0])->note, "not there any more"));
    cr_expect_eq(scene_count(gone, FINDING_STORE_UNREADABLE), 0);
}

Test(anchors, the_trace_does_not_tell_the_pse)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(audit_auto) first = LIVE(NULL, .list = peer->without, .stamp = OLD_STAMP, .no_store = TRUE);
    const struct audit_finding *finding = only(first, FINDING_MISSING_ANCHOR);
    const struct audit_gap *gap = finding->gaps->pdata[0];
    cr_expect_eq(gap->basis, BASIS_SEEN_UNKNOWN);
    cr_expect_null(gap->store);
    cr_expect_str_eq(gap->instance->name, "D00");
    cr_expect_str_eq(finding->title, "Root R1 is missing in D00 of PRD on app01 (PSE not known)");
    cr_expect_str_neq(scene_step(gap->steps, "does not name the PSE"), "");

    g_autoptr(audit_auto) silent = LIVE(first, .list = peer->without, .at = 1);
    cr_expect_eq(only(silent, FINDING_MISSING_ANCHOR)->state, STATE_OPEN);
    g_autoptr(audit_auto) failed = LIVE(first, .failed = TRUE, .at = 1);
    finding = only(failed, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_OPEN);
    cr_expect_str_eq(((struct audit_gap *)finding->gaps->pdata[0])->note, "The host was not collected tonight.");
    g_autoptr(audit_auto) healed = LIVE(first, .list = peer->with, .at = 1);
    cr_expect_eq(only(healed, FINDING_MISSING_ANCHOR)->state, STATE_FIXED);
    g_autoptr(audit_auto) whichever = LIVE(first, .list = peer->with, .no_store = TRUE, .stamp = OLD_STAMP, .at = 1);
    cr_expect_eq(only(whichever, FINDING_MISSING_ANCHOR)->state, STATE_FIXED, "its only client PSE holds it");
    g_autoptr(audit_auto) untold = LIVE(first, .list = peer->with, .no_store = TRUE, .stamp = NEW_STAMP, .at = 1);
    finding = only(untold, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_OPEN);
    cr_expect(strstr(((struct audit_gap *)finding->gaps->pdata[0])->note, "may not have been told"));
}

/* A gap of an instance whose PSE is not known: SAPSSLA.pse holds the root, SAPSSLC.pse does not. */
static struct audit *two_clients(const struct peer *peer, const char *store, const char *target,
                                 const struct audit *previous, int64_t at)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");

    scene_header(text, "1", "785");
    if (target)
        UNTRUSTED(text, .store = store, .target = target, .peer = "192.0.2.7:443", .chain = {peer->leaf, peer->middle},
                  .stamp = OLD_STAMP);
    scene_trace(scene, host, d00, "dev_icm", text->str);
    scene_store(scene, host, d00, "SAPSSLA.pse", peer->with);
    scene_store(scene, host, d00, "SAPSSLC.pse", peer->without);
    return scene_run_at(scene, previous, at);
}

Test(anchors, a_trace_that_names_a_pse_is_not_silent)
{
    static const struct {
        const char *what, *target;
        enum audit_state state;
        const char *note;
    } rows[] = {
        {"nothing failed", NULL, STATE_FIXED, "A PSE of the instance holds it now, and tonight's traces are silent."},
        {"another target, and the PSE", "other.example.com", STATE_OPEN, "with a PSE that it names"},
        {"the same target, and the PSE", "api.example.com", STATE_FIXED, "Tonight's trace names the PSE"},
    };
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(audit_auto) first = two_clients(peer, NULL, "api.example.com", NULL, CERTS_NOW);
    cr_assert_null(((struct audit_gap *)only(first, FINDING_MISSING_ANCHOR)->gaps->pdata[0])->store);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) next = two_clients(peer, PRD_STORE, rows[i].target, first, CERTS_NOW + DAY);
        const struct audit_finding *finding = only(next, FINDING_MISSING_ANCHOR);
        const struct audit_gap *gap = NULL;
        for (guint j = 0; j < finding->gaps->len; j++)
            if (!((const struct audit_gap *)finding->gaps->pdata[j])->store)
                gap = finding->gaps->pdata[j];
        cr_assert_not_null(gap, "%s", rows[i].what);
        cr_expect_eq(gap->state, rows[i].state, "%s: %s", rows[i].what, gap->note);
        cr_expect(gap->note && strstr(gap->note, rows[i].note), "%s: %s", rows[i].what, gap->note);
        cr_expect_eq(finding->state, rows[i].target ? STATE_OPEN : STATE_FIXED, "%s", rows[i].what);
    }
}

Test(anchors, a_pse_that_was_not_found)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(audit_auto) audit = LIVE(NULL, .list = NULL, .stamp = OLD_STAMP);
    const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
    const struct audit_gap *gap = finding->gaps->pdata[0];
    cr_expect_eq(gap->basis, BASIS_SEEN_UNKNOWN);
    cr_expect_str_neq(scene_step(gap->steps, "names the PSE " PRD_STORE ", which was not found"), "");
}

Test(anchors, nobody_holds_it_until_somebody_does)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(audit_auto) first = LIVE(NULL, .list = peer->without, .no_donor = TRUE, .stamp = OLD_STAMP);
    const struct audit_finding *finding = only(first, FINDING_UNKNOWN_ISSUER);
    cr_expect_eq(finding->severity, SEVERITY_HIGH);
    cr_expect_eq(finding->match, MATCH_NONE);
    cr_expect_null(finding->cert);
    cr_expect_str_eq(finding->title, "Root R1 is missing in PRD SAPSSLC.pse, and nobody holds it");
    const struct audit_gap *gap = finding->gaps->pdata[0];
    cr_expect_str_neq(scene_step(gap->steps, "Ask whoever runs api.example.com"), "");
    cr_expect_str_eq(scene_step(gap->steps, "s_client"), "$ openssl s_client -connect api.example.com:443 -servername "
                                                         "api.example.com -showcerts </dev/null");

    g_autoptr(audit_auto) silent = LIVE(first, .list = peer->without, .no_donor = TRUE, .at = 1);
    finding = only(silent, FINDING_UNKNOWN_ISSUER);
    cr_expect_eq(finding->state, STATE_OPEN);

    g_autoptr(audit_auto) known =
        LIVE(first, .list = peer->without, .no_donor = TRUE, .reference = TRUE, .stamp = OLD_STAMP, .at = 1);
    finding = only(known, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_OPEN, "the same trouble, better known");
    cr_expect_eq(finding->first_seen, CERTS_NOW);
    cr_expect_eq(finding->donors->len, 0);
    cr_expect_eq(finding->cert->references->len, 1);

    g_autoptr(audit_auto) known_silent = LIVE(silent, .list = peer->without, .reference = TRUE, .at = 2);
    finding = only(known_silent, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_OPEN);
    cr_expect_eq(finding->first_seen, CERTS_NOW);

    g_autoptr(audit_auto) healed = LIVE(silent, .list = peer->with, .no_donor = TRUE, .at = 2);
    cr_expect_eq(only(healed, FINDING_MISSING_ANCHOR)->state, STATE_FIXED);

    g_autoptr(audit_auto) lost = LIVE(known, .list = peer->without, .no_donor = TRUE, .stamp = OLD_STAMP, .at = 2);
    finding = only(lost, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_OPEN, "the previous audit knows the certificate");
    cr_expect_not_null(finding->cert->der);
}

/* A failure in a trace of level 3, which prints what the peer sends. */
static void append_sent(GString *text, const char *target, const struct peer *peer)
{
    const struct issued *sent[] = {peer->leaf, peer->middle};

    g_string_append(text, "[Thr 7] *** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n"
                          "[Thr 7]    session uses PSE file \"" PRD_STORE "\"\n");
    for (size_t i = 0; i < G_N_ELEMENTS(sent); i++) {
        g_autofree char *pem = certs_pem(sent[i]);
        g_auto(GStrv) lines = g_strsplit(g_strchomp(pem), "\n", -1);
        for (char **line = lines; *line; line++)
            g_string_append_printf(text, "[Thr 7] %s\n", *line);
    }
    g_string_append_printf(
        text, "[Thr 7] *** ERROR => SSL handshake with %s:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n", target);
}

/* SAP's own services: both client PSEs, and what the other one has. */
Test(anchors, services_of_sap_want_both_client_stores)
{
    static const struct {
        const char *what, *target, *failed, *other; /* other PSE: NULL: there is none */
        gboolean holds, unread;
        const char *says; /* NULL: nothing of this */
    } rows[] = {
        {"lacks", "apps.support.sap.com", "SAPSSLC.pse", "SAPSSLA.pse", FALSE, FALSE,
         "PRD SAPSSLA.pse lacks it: add it there too."},
        {"has", "Origin.NotesDownloads.sap.com", "SAPSSLC.pse", "SAPSSLA.pse", TRUE, FALSE,
         "PRD SAPSSLA.pse has it already."},
        {"the other way round", "documents.support.sap.com", "SAPSSLA.pse", "SAPSSLC.pse", TRUE, FALSE,
         "PRD SAPSSLC.pse has it already."},
        {"not read", "softwaredownloads.sap.com", "SAPSSLC.pse", "SAPSSLA.pse", FALSE, TRUE,
         "The list of PRD SAPSSLA.pse could not be read"},
        {"not there", "softwaredownloads.sap.com", "SAPSSLC.pse", NULL, FALSE, FALSE,
         "Of SAPSSLA.pse nothing was read"},
        {"another peer", "evil-apps.support.sap.com.example", "SAPSSLC.pse", "SAPSSLA.pse", FALSE, FALSE, NULL},
    };
    g_autoptr(peer_auto) peer = peer_new();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GBytes) with = certs_join(peer->root, NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        scene_store(scene, host, d00, rows[i].failed, peer->without);
        if (rows[i].other) {
            struct capture_store *other =
                scene_store(scene, host, d00, rows[i].other, rows[i].holds ? with : peer->without);
            if (rows[i].unread) {
                g_clear_pointer(&other->trusted, g_free);
                other->reason = g_strdup("not-allowed");
            }
        }
        scene_reference(scene, "root.pem", peer->root);
        g_autofree char *store = g_strconcat("/usr/sap/PRD/D00/sec/", rows[i].failed, NULL);
        UNTRUSTED(text, .store = store, .target = rows[i].target, .chain = {peer->leaf, peer->middle});
        scene_trace(scene, host, d00, "dev_icm", text->str);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_gap *gap = only(audit, FINDING_MISSING_ANCHOR)->gaps->pdata[0];
        cr_expect_eq(*scene_step(gap->steps, "import it twice") != '\0', rows[i].says != NULL, "%s", rows[i].what);
        if (rows[i].says)
            cr_expect(g_str_has_prefix(scene_step(gap->steps, rows[i].says), rows[i].says), "%s", rows[i].what);
        cr_expect_eq(*scene_step(gap->steps, "lacks it as well") != '\0', rows[i].says == NULL, "%s: said once",
                     rows[i].what);
        const char *advice = ((struct audit_failure *)audit->failures->pdata[0])->advice;
        cr_expect_eq(strstr(advice, "import the certificate twice") && strstr(advice, "SAP Note 2620478"),
                     rows[i].says != NULL, "%s: %s", rows[i].what, advice);
    }
}

/* By host name: in any case of letters, whole labels only. */
Test(anchors, peers_of_sap)
{
    static const struct {
        const char *host, *notes;
        gboolean both;
    } rows[] = {
        {"apps.support.sap.com", "SAP Note 2620478 SAP Note 2631190", TRUE},
        {"APPS.support.SAP.com.", "SAP Note 2620478 SAP Note 2631190", TRUE},
        {"origin.apps.support.sap.com", "SAP Note 2620478 SAP Note 2631190", TRUE},
        {"softwaredownloads.sap.com", "SAP Note 2620478", TRUE},
        {"origin.softwaredownloads.sap.com", "SAP Note 2620478", TRUE},
        {"evil-apps.support.sap.com.example", "", FALSE},
        {"x.softwaredownloads.sap.com", "", FALSE},
        {"originsoftwaredownloads.sap.com", "", FALSE},
        {"launchpad.support.sap.com", "SAP Note 2631190", FALSE},
        {"support.sap.com", "", FALSE},
        {"xsupport.sap.com", "", FALSE},
        {"l4711-iflmap.hcisbp.eu1.hana.ondemand.com", "SAP Note 2728600 SAP Note 2728600 SAP Note 3472211", FALSE},
        {"l4711-iflmap.hcisbp.eu1.hana.ondemand", "SAP Note 2728600", FALSE},
        {"-iflmap.hcisbp.eu1", "", FALSE},
        {"l4711-iflmap.hcisbp.", "", FALSE},
        {"a.hana.ondemand.com.example", "", FALSE},
        {"hana.ondemand.com", "", FALSE},
        {"my.crm.ondemand.com", "SAP Note 3119755", FALSE},
        {"", "", FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) notes = g_string_new(NULL);
        const struct sap_peer *peer;
        for (size_t index = 0; (peer = sap_peer_next(rows[i].host, &index));) {
            g_string_append_printf(notes, "%s%s", notes->len ? " " : "", peer->note);
            cr_expect(peer->source && *peer->source && peer->about && *peer->about);
        }
        cr_expect_str_eq(notes->str, rows[i].notes, "%s: %s", rows[i].host, notes->str);
        cr_expect_eq(sap_peer_both(rows[i].host) != NULL, rows[i].both, "%s", rows[i].host);
    }
}

/* What the peer sends says where the certificate above it lies, and what its CA has written. */
Test(anchors, where_to_get_what_nobody_holds)
{
    static const struct {
        const char *target, *note;
    } rows[] = {
        {"api.example.com", ""},
        {"Api4.SuccessFactors.com", "See also SAP Note 3626800"},
        {"tenant.authentication.eu10.hana.ondemand.com", "See also SAP Note 2728600"},
        {"successfactors.com.example.org", ""},
    };
    g_autoptr(peer_auto) peer = peer_new();
    certs_extend(peer->middle, peer->root,
                 "[extensions]\nauthorityInfoAccess=caIssuers;URI:http://pki.example.com/r1.crt\n"
                 "certificatePolicies=@one\n[one]\npolicyIdentifier=1.2.3.5\nCPS.1=https://pki.example.com/cps\n");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        scene_store(scene, host, d00, "SAPSSLC.pse", peer->without);
        append_sent(text, rows[i].target, peer);
        scene_trace(scene, host, d00, "dev_icm", text->str);
        g_autoptr(audit_auto) unknown = scene_run(scene, NULL);
        const struct audit_gap *gap = only(unknown, FINDING_UNKNOWN_ISSUER)->gaps->pdata[0];
        cr_expect(g_str_has_suffix(scene_step(gap->steps, "(AIA)"), ": http://pki.example.com/r1.crt"));
        cr_expect(g_str_has_suffix(scene_step(gap->steps, "documents of its CA"), ": https://pki.example.com/cps"));
        cr_expect(g_str_has_prefix(scene_step(gap->steps, "SAP Note"), rows[i].note), "%s", rows[i].target);
        cr_expect_eq(*scene_step(gap->steps, "SAP Note"), *rows[i].note);

        scene_reference(scene, "middle.pem", peer->middle);
        g_autoptr(audit_auto) instead = scene_run(scene, NULL);
        gap = only(instead, FINDING_MISSING_ANCHOR)->gaps->pdata[0];
        cr_expect_str_neq(scene_step(gap->steps, "the one above is needed: \"Root R1\""), "");
        cr_expect(g_str_has_suffix(scene_step(gap->steps, "(AIA)"), ": http://pki.example.com/r1.crt"));

        scene_reference(scene, "root.pem", peer->root);
        g_autoptr(audit_auto) known = scene_run(scene, NULL);
        gap = only(known, FINDING_MISSING_ANCHOR)->gaps->pdata[0];
        cr_expect_str_eq(scene_step(gap->steps, "pki.example.com"), "", "it is at hand");
    }
}

/* The root comes to hand: what was wanted in its place is not wanted twice. */
Test(anchors, the_root_after_its_substitute)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(audit_auto) previous = NULL;
    const char *id = NULL;

    for (int night = 0; night < 3; night++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        scene_store(scene, host, d00, "SAPSSLC.pse", peer->without);
        scene_reference(scene, "middle.pem", peer->middle);
        if (night > 0)
            scene_reference(scene, "root.pem", peer->root);
        scene_header(text, "1", "785");
        UNTRUSTED(text, .store = PRD_STORE, .target = "api.example.com", .peer = "192.0.2.7:443",
                  .chain = {peer->leaf, peer->middle}, .stamp = OLD_STAMP, .times = 3);
        scene_trace(scene, host, d00, "dev_icm", text->str);
        struct audit *audit = scene_run_at(scene, previous, CERTS_NOW + night * DAY);
        const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
        cr_expect(strstr(finding->cert->subject, night > 0 ? "Root R1" : "Issuing CA"));
        cr_expect_eq(finding->state, night > 0 ? STATE_OPEN : STATE_NEW);
        cr_expect_eq(finding->first_seen, CERTS_NOW, "the same trouble, better known");
        cr_assert_eq(finding->gaps->len, 1);
        cr_expect_eq(((const struct audit_gap *)finding->gaps->pdata[0])->count, 3);
        cr_expect(night < 2 || g_str_equal(finding->id, id));
        audit_free(g_steal_pointer(&previous));
        previous = audit;
        id = finding->id;
    }
}

Test(anchors, several_of_one_name)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(issued_auto) twin = certs(.subject = "/C=DE/O=Example/CN=Root R1");
    g_autoptr(GBytes) holds_twin = certs_join(twin, NULL), holds_both = certs_join(twin, peer->root, NULL);
    struct night night = {.stamp = OLD_STAMP};
    GBytes *real = peer->with;

    peer->with = holds_both; /* of the donor */
    night.list = peer->without;
    g_autoptr(audit_auto) first = live(peer, &night, NULL);
    const struct audit_finding *finding = only(first, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->match, MATCH_AMBIGUOUS);
    cr_expect_null(finding->cert);
    cr_expect_eq(finding->candidates->len, 2);
    cr_expect_str_eq(finding->title, "Root R1 is missing in PRD SAPSSLC.pse: 2 certificates may be it");
    const struct audit_gap *gap = finding->gaps->pdata[0];
    cr_expect_eq(gap->basis, BASIS_SEEN);
    cr_expect_str_neq(scene_step(gap->steps, "which of the 2 candidates"), "");

    night.list = holds_twin;
    night.at = 1;
    night.modified = CERTS_NOW;
    g_autoptr(audit_auto) chosen = live(peer, &night, first);
    finding = only(chosen, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_FIXED, "one candidate was imported, and nothing failed since");
    g_autoptr(audit_auto) still_chosen = live(peer, &night, chosen);
    cr_expect_eq(only(still_chosen, FINDING_MISSING_ANCHOR)->state, STATE_FIXED);
    night.modified = 1;
    g_autoptr(audit_auto) wrong = live(peer, &night, first);
    cr_expect_eq(only(wrong, FINDING_MISSING_ANCHOR)->state, STATE_OPEN, "it failed after that");
    night.modified = CERTS_NOW;
    g_autoptr(audit_auto) unproved = live(peer, &night, NULL);
    cr_expect_eq(only(unproved, FINDING_MISSING_ANCHOR)->state, STATE_NEW, "nobody knows whether it was imported");
    night.list = holds_both;
    g_autoptr(audit_auto) both = live(peer, &night, NULL);
    cr_expect_eq(only(both, FINDING_MISSING_ANCHOR)->state, STATE_FIXED, "whichever it is");
    peer->with = real;
}

/*
 * Two systems lack one of two roots of a name.  The night after, the intermediate is at hand that tells for PRD which
 * it is; the trace of QAS, whose list held that one when connections failed, is silent or was not read.
 */
struct twins {
    const char *what;
    gboolean direct; /* the peer of QAS has no intermediate, so nothing tells which root is its */
    gboolean unread;
    enum audit_state state;
    const char *note;
};

static struct audit *night_of_twins(const struct peer *peer, const struct issued *twin, const struct twins *twins,
                                    const struct audit *previous)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) one = g_string_new(NULL), two = g_string_new(NULL);
    g_autoptr(issued_auto) direct = certs(.subject = "/CN=b.example.com", .issuer = twin, .leaf = TRUE);
    g_autoptr(GBytes) donor = certs_join(twin, peer->root, previous ? peer->middle : NULL, NULL);
    struct capture_host *hosts[] = {scene_host(scene, "app01"), scene_host(scene, "app02"), scene_host(scene, "app09")};
    struct capture_instance *prd = scene_instance(hosts[0], "PRD", "D00"),
                            *qas = scene_instance(hosts[1], "QAS", "D01"),
                            *dev = scene_instance(hosts[2], "DEV", "D02");

    scene_header(one, "2", "785");
    UNTRUSTED(one, .store = PRD_STORE, .target = "api.example.com", .chain = {peer->leaf, peer->middle},
              .stamp = NEW_STAMP);
    scene_header(two, "2", "785");
    if (!previous)
        UNTRUSTED(two, .store = "/usr/sap/QAS/D01/sec/SAPSSLC.pse", .target = "b.example.com",
                  .chain = {twins->direct ? direct : peer->leaf, twins->direct ? NULL : peer->middle},
                  .stamp = NEW_STAMP);
    scene_store(scene, hosts[0], prd, "SAPSSLC.pse", peer->without);
    scene_store(scene, hosts[1], qas, "SAPSSLC.pse", peer->with);
    scene_store(scene, hosts[2], dev, "SAPSSLC.pse", donor);
    scene_trace(scene, hosts[0], prd, "dev_icm", one->str);
    struct capture_trace *trace = scene_trace(scene, hosts[1], qas, "dev_icm", two->str);
    if (previous && twins->unread) {
        g_clear_pointer(&trace->object, g_free);
        trace->reason = g_strdup("not-allowed");
    }
    return scene_run_at(scene, previous, CERTS_NOW + (previous ? DAY : 0));
}

Test(anchors, what_is_known_of_one_gap_closes_no_other)
{
    static const struct twins rows[] = {
        {"nothing tells which root it is", TRUE, TRUE, STATE_OPEN, "already holds the candidate"},
        {"it is the one that the list holds", FALSE, TRUE, STATE_OPEN, "the last failure (2026-11-15T00:00:00Z) is"},
        {"... and nothing fails any more", FALSE, FALSE, STATE_FIXED, "The list holds it now"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(peer_auto) peer = peer_new();
        g_autoptr(issued_auto) twin = certs(.subject = "/C=DE/O=Example/CN=Root R1");
        g_autoptr(audit_auto) first = night_of_twins(peer, twin, &rows[i], NULL);
        cr_expect_eq(only(first, FINDING_MISSING_ANCHOR)->match, MATCH_AMBIGUOUS, "%s", rows[i].what);
        g_autoptr(audit_auto) second = night_of_twins(peer, twin, &rows[i], first);
        const struct audit_gap *gap = NULL;
        for (guint j = 0; j < second->findings->len; j++) {
            struct audit_gap *other = scene_gap(second->findings->pdata[j], "QAS SAPSSLC.pse");
            gap = other ? other : gap;
        }
        cr_assert_not_null(gap, "%s", rows[i].what);
        cr_expect_eq(gap->state, rows[i].state, "%s: %s", rows[i].what, gap->note);
        cr_expect(gap->note && strstr(gap->note, rows[i].note), "%s: %s", rows[i].what, gap->note);
    }
}

/* Several certificates of one name that the trace does not tell apart; the PSE was written before or after the failure.
 */
Test(anchors, what_the_list_holds_of_several)
{
    enum { FIRST = 1, SECOND = 2, THIRD = 4 };
    static const struct {
        const char *what;
        unsigned candidates; /* that somebody has */
        unsigned holds;      /* of them the PSE */
        int64_t modified;    /* 0: before the failure */
        gboolean unread;
        gboolean open;
        const char *title, *note; /* "": none */
    } rows[] = {
        {"none is held", 2, 0, 0, FALSE, TRUE, "2 certificates may be it", ""},
        {"one is held, and does not help", 2, FIRST, 0, FALSE, TRUE, "1 of 2 candidates is there already and does not",
         "So the missing one is probably another candidate."},
        {"the other one", 2, SECOND, 0, FALSE, TRUE, "1 of 2 candidates is there already and does not help",
         "already holds the candidate with serial number 5B"},
        {"one of three", 3, SECOND, 0, FALSE, TRUE, "1 of 3 candidates is there already", "another candidate"},
        {"two of three", 3, FIRST | THIRD, 0, FALSE, TRUE, "2 of 3 candidates are there already and do not help",
         "and 1 more, and connections failed"},
        {"both, and neither helps", 2, FIRST | SECOND, 0, FALSE, TRUE, "2 of 2 candidates are there",
         "none of them helps, or the ICM has not been told"},
        {"both, since the last failure", 2, FIRST | SECOND, CERTS_NOW, FALSE, FALSE, "was missing", "holds it now"},
        {"one, since the last failure", 2, FIRST, CERTS_NOW, FALSE, TRUE, "2 certificates may be it",
         "Whether it is the missing one is not known"},
        {"the list was not read", 2, FIRST, 0, TRUE, TRUE, "2 certificates may be it", "was not read (needs-pin)"},
    };
    g_autoptr(peer_auto) peer = peer_new();
    struct issued *twins[] = {certs(.subject = "/CN=Twin", .serial = "5A"),
                              certs(.subject = "/CN=Twin", .serial = "5B"),
                              certs(.subject = "/CN=Twin", .serial = "5C")};
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=t.example.com", .issuer = twins[0], .leaf = TRUE);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(GPtrArray) held = g_ptr_array_new();
        struct capture_host *host = scene_host(scene, "app01"), *other = scene_host(scene, "app02");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        for (unsigned j = 0; j < rows[i].candidates; j++) {
            g_autofree char *name = g_strdup_printf("D%02u", j);
            g_autofree char *sid = g_strdup_printf("Q%02u", j);
            g_autoptr(GBytes) one = certs_join(twins[j], NULL);
            scene_store(scene, other, scene_instance(other, sid, name), "SAPSSLC.pse", one);
            if (rows[i].holds >> j & 1)
                g_ptr_array_add(held, twins[j]);
        }
        g_autoptr(GBytes) list =
            certs_join(held->len > 0 ? held->pdata[0] : peer->other, held->len > 1 ? held->pdata[1] : NULL, NULL);
        struct capture_store *store = scene_store(scene, host, d00, "SAPSSLC.pse", list);
        if (rows[i].modified)
            store->modified = rows[i].modified;
        if (rows[i].unread) {
            g_free(store->method);
            store->method = g_strdup("none");
            store->reason = g_strdup("needs-pin");
        }
        UNTRUSTED(text, .store = PRD_STORE, .target = "t.example.com", .chain = {leaf}, .stamp = NEW_STAMP);
        scene_trace(scene, host, d00, "dev_icm", text->str);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
        const struct audit_gap *gap = finding->gaps->pdata[0];
        cr_expect_eq(finding->match, MATCH_AMBIGUOUS, "%s", rows[i].what);
        cr_expect_eq(gap->state != STATE_FIXED, rows[i].open, "%s", rows[i].what);
        cr_expect(strstr(finding->title, rows[i].title), "%s: %s", rows[i].what, finding->title);
        cr_expect(strstr(gap->note ? gap->note : "", rows[i].note), "%s: %s", rows[i].what, gap->note);
        cr_expect(*rows[i].note || !gap->note, "%s: %s", rows[i].what, gap->note);
        for (unsigned j = 0; rows[i].open && j < rows[i].candidates; j++) {
            g_autofree char *holder =
                g_strdup_printf("The candidate with serial number %s, valid until", j == 0   ? "5A"
                                                                                    : j == 1 ? "5B"
                                                                                             : "5C");
            const char *at = strstr(finding->detail, holder);
            g_autofree char *label = g_strdup_printf("Q%02u SAPSSLC.pse", j);
            cr_expect(at && strstr(at, label), "%s: who holds %u: %s", rows[i].what, j, finding->detail);
        }
    }
    for (size_t i = 0; i < G_N_ELEMENTS(twins); i++)
        certs_free(twins[i]);
}

/* A night of PRD, whose trace shows ${text}. */
static struct audit *night_of_text(const struct peer *peer, const char *text, const struct audit *previous, int64_t at)
{
    g_autoptr(scene_auto) scene = scene_new();
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    host->finished = at;
    scene_store(scene, host, d00, "SAPSSLC.pse", peer->without);
    scene_trace(scene, host, d00, "dev_icm", text);
    return scene_run_at(scene, previous, at);
}

Test(anchors, nothing_lasting_follows_from_a_torn_block)
{
    static const struct {
        const char *what, *end; /* the trace ends before this text; its second place if ${second} */
        gboolean second;
    } rows[] = {
        {"within the first certificate", "Issuer:", FALSE},
        {"between the certificates", "SignerVerificationResult", FALSE},
        {"within the second one", "Serial Number", TRUE},
        {"behind the second one", "<< ------", FALSE},
    };
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(GString) whole = g_string_new(NULL);
    scene_header(whole, "2", "785");
    UNTRUSTED(whole, .store = PRD_STORE, .target = "api.example.com", .peer = "192.0.2.7:443",
              .chain = {peer->leaf, peer->middle});
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *end = strstr(whole->str, rows[i].end);
        end = rows[i].second ? strstr(end + 1, rows[i].end) : end;
        cr_assert_not_null(end, "%s", rows[i].what);
        g_autofree char *torn = g_strndup(whole->str, (gsize)(end - whole->str));
        g_autoptr(audit_auto) first = night_of_text(peer, torn, NULL, CERTS_NOW);
        cr_expect_eq(scene_count(first, FINDING_MISSING_ANCHOR) + scene_count(first, FINDING_UNKNOWN_ISSUER), 0, "%s",
                     rows[i].what);
        cr_expect_eq(scene_count(first, FINDING_TRACE_DETAIL), 0, "%s: a higher level tells no more", rows[i].what);
        const struct audit_finding *finding = scene_finding(first, FINDING_TLS_FAILURE);
        cr_assert_not_null(finding, "%s", rows[i].what);
        cr_expect(strstr(finding->title, "the trace shows only a part of this failure"), "%s: %s", rows[i].what,
                  finding->title);
        cr_expect_str_neq(scene_step(finding->steps, "Wait for the next audit."), "", "%s", rows[i].what);

        g_autoptr(audit_auto) second = night_of_text(peer, whole->str, first, CERTS_NOW + DAY);
        cr_expect_str_eq(only(second, FINDING_UNKNOWN_ISSUER)->subject, "CN=Root R1, O=Example, C=DE");
        finding = scene_finding(second, FINDING_TLS_FAILURE);
        cr_expect_eq(finding->state, STATE_FIXED, "%s", rows[i].what);
        cr_expect(strstr(finding->detail, "names the missing certificate now"), "%s: %s", rows[i].what,
                  finding->detail);

        g_autofree char *both = g_strconcat(whole->str, torn, NULL);
        g_autoptr(audit_auto) at_once = night_of_text(peer, both, NULL, CERTS_NOW);
        cr_expect_eq(at_once->failures->len, 1, "%s: counted with the whole one", rows[i].what);
        cr_expect_eq(((struct audit_failure *)at_once->failures->pdata[0])->count, 2, "%s", rows[i].what);
        cr_expect_eq(scene_count(at_once, FINDING_TLS_FAILURE), 0, "%s", rows[i].what);
        only(at_once, FINDING_UNKNOWN_ISSUER);
    }
}

/* The file was begun anew within a block, and is still being written: neither end of the chain is marked. */
Test(anchors, a_piece_of_a_chain_names_nothing)
{
    static const struct {
        const char *what, *begin, *end; /* of the piece; the end is looked for behind the beginning */
    } rows[] = {
        {"the first certificate", "[Thr 7]  Certificate:", "[Thr 7]   SignerVerificationResult"},
        {"without its first line", "[Thr 7]   Subject:", "[Thr 7]   SignerVerificationResult"},
        {"both", "[Thr 7]  Certificate:", "[Thr 7] << ------"},
        {"the second", "[Thr 7]     Certificate:", "[Thr 7] << ------"},
    };
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(GString) whole = g_string_new(NULL);
    UNTRUSTED(whole, .store = PRD_STORE, .target = "api.example.com", .chain = {peer->leaf, peer->middle});
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        const char *begin = strstr(whole->str, rows[i].begin), *end = begin ? strstr(begin, rows[i].end) : NULL;
        cr_assert(begin && end, "%s", rows[i].what);
        scene_header(text, "2", "785");
        g_string_append_len(text, begin, end - begin);
        g_autoptr(audit_auto) audit = night_of_text(peer, text->str, NULL, CERTS_NOW);
        cr_expect_eq(audit->failures->len, 1, "%s", rows[i].what);
        cr_expect_eq(scene_count(audit, FINDING_MISSING_ANCHOR) + scene_count(audit, FINDING_UNKNOWN_ISSUER), 0, "%s",
                     rows[i].what);
        cr_expect_eq(scene_count(audit, FINDING_TLS_FAILURE), 1, "%s: it is said that something failed", rows[i].what);
    }
}

/* What an older audit said of a torn block: the certificate above the last one that it saw is missing. */
Test(anchors, a_certificate_that_the_peer_sends_is_not_missing)
{
    static const struct {
        const char *what, *target;
        gboolean sent;
        enum audit_state state;
    } rows[] = {
        {"the peer sends it", "api.example.com", TRUE, STATE_FIXED},
        {"in other letters", "API.example.com", TRUE, STATE_FIXED},
        {"another peer sends it", "b.example.com", TRUE, STATE_OPEN},
        {"the peer does not send it", "api.example.com", FALSE, STATE_OPEN},
    };
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(GString) before = g_string_new(NULL);
    UNTRUSTED(before, .store = PRD_STORE, .target = "api.example.com", .chain = {peer->leaf});
    g_autoptr(audit_auto) first = night_of_text(peer, before->str, NULL, CERTS_NOW);
    cr_expect_str_eq(only(first, FINDING_UNKNOWN_ISSUER)->subject, "CN=Issuing CA, O=Example, C=DE");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        UNTRUSTED(text, .store = PRD_STORE, .target = rows[i].target,
                  .chain = {peer->leaf, rows[i].sent ? peer->middle : NULL});
        g_autoptr(audit_auto) second = night_of_text(peer, text->str, first, CERTS_NOW + DAY);
        const struct audit_gap *gap = NULL;
        for (guint j = 0; j < second->findings->len; j++) {
            const struct audit_finding *finding = second->findings->pdata[j];
            if (finding->kind == FINDING_UNKNOWN_ISSUER &&
                g_str_equal(finding->subject, "CN=Issuing CA, O=Example, C=DE"))
                gap = finding->gaps->pdata[0];
        }
        cr_assert_not_null(gap, "%s", rows[i].what);
        cr_expect_eq(gap->state, rows[i].state, "%s", rows[i].what);
        gboolean said = gap->note && strstr(gap->note, "The peer sends this certificate itself");
        cr_expect_eq(said, rows[i].state == STATE_FIXED, "%s: %s", rows[i].what, gap->note);
        cr_expect_eq(scene_count(second, FINDING_UNKNOWN_ISSUER), rows[i].sent ? 2 : 1, "%s", rows[i].what);
    }
}

Test(anchors, a_cut_name)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00"), *w20 = scene_instance(host, "PRD", "W20");
    scene_store(scene, host, d00, "SAPSSLC.pse", peer->without);
    scene_store(scene, host, w20, "SAPSSLC.pse", peer->with);
    scene_untrusted_old(text, &(const struct attempt){.store = PRD_STORE}, "CN=Root R1, O=Exa");
    scene_trace(scene, host, d00, "dev_icm", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->certainty, CERTAINTY_NAMED);
    cr_expect(finding->subject_cut);
    cr_expect_eq(finding->match, MATCH_AMBIGUOUS);
    cr_expect_eq(finding->candidates->len, 1);
    cr_expect(strstr(finding->title, "one certificate may be it"), "%s", finding->title);
    cr_expect(strstr(finding->detail, "only its beginning"), "%s", finding->detail);
}

Test(anchors, expired_intermediate_and_not_yet_valid)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(issued_auto) old = certs(.subject = "/CN=Old Root", .not_after = CERTS_NOW - DAY);
    g_autoptr(issued_auto) young = certs(.subject = "/CN=Young Root", .not_before = CERTS_NOW + DAY);
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Top Root"),
                           upper = certs(.subject = "/CN=Upper", .issuer = root);
    g_autoptr(issued_auto) lower = certs(.subject = "/CN=Lower", .issuer = upper);
    g_autoptr(issued_auto) lone = certs(.subject = "/CN=Lone", .issuer = young, .key_of = NULL);
    g_autoptr(issued_auto) nowhere = certs(.subject = "/CN=Nowhere Root");
    g_autoptr(issued_auto) orphan = certs(.subject = "/CN=Orphan", .issuer = nowhere);
    g_autoptr(issued_auto) leaf_old = certs(.subject = "/CN=a", .issuer = old, .leaf = TRUE);
    g_autoptr(issued_auto) leaf_young = certs(.subject = "/CN=b", .issuer = young, .leaf = TRUE);
    g_autoptr(issued_auto) leaf_lower = certs(.subject = "/CN=c", .issuer = lower, .leaf = TRUE);
    g_autoptr(issued_auto) leaf_orphan = certs(.subject = "/CN=d", .issuer = orphan, .leaf = TRUE);
    g_autoptr(GBytes) all = certs_join(old, young, root, upper, lower, orphan, NULL), none = certs_join(lone, NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00"), *w20 = scene_instance(host, "PRD", "W20");
    scene_store(scene, host, d00, "SAPSSLC.pse", none);
    scene_store(scene, host, w20, "SAPSSLC.pse", all);
    UNTRUSTED(text, .store = PRD_STORE, .target = "a.example.com", .chain = {leaf_old});
    UNTRUSTED(text, .store = PRD_STORE, .target = "b.example.com", .chain = {leaf_young});
    UNTRUSTED(text, .store = PRD_STORE, .target = "c.example.com", .chain = {leaf_lower});
    UNTRUSTED(text, .store = PRD_STORE, .target = "d.example.com", .chain = {leaf_orphan});
    scene_trace(scene, host, d00, "dev_icm", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(scene_count(audit, FINDING_MISSING_ANCHOR), 4);
    static const struct {
        const char *subject, *text;
    } rows[] = {
        {"CN=Old Root", "It has expired on 2026-11-21T00:00:00Z"},
        {"CN=Young Root", "not valid before 2026-11-23"},
        {"CN=Lower", "no root but an intermediate, issued by \"CN=Upper\". "},
        {"CN=Lower", "Its root is \"CN=Top Root\"."},
        {"CN=Orphan", "issued by \"CN=Nowhere Root\", which nobody holds."},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        gboolean found = FALSE;
        for (guint j = 0; j < audit->findings->len; j++) {
            const struct audit_finding *finding = audit->findings->pdata[j];
            found = found ||
                    (finding->kind == FINDING_MISSING_ANCHOR && g_str_equal(finding->cert->subject, rows[i].subject) &&
                     strstr(finding->detail, rows[i].text));
        }
        cr_expect(found, "%s: %s", rows[i].subject, rows[i].text);
    }
}

Test(anchors, only_one_instance_lacks_it)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *one = scene_host(scene, "app01"), *two = scene_host(scene, "app02");
    struct capture_instance *d00 = scene_instance(one, "PRD", "D00"), *d01 = scene_instance(two, "PRD", "D01");
    scene_store(scene, one, d00, "SAPSSLC.pse", peer->with);
    scene_store(scene, two, d01, "SAPSSLC.pse", peer->without);
    UNTRUSTED(text, .store = "/usr/sap/PRD/D01/sec/SAPSSLC.pse", .target = "api.example.com",
              .chain = {peer->leaf, peer->middle});
    scene_trace(scene, two, d01, "dev_icm", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
    const struct audit_gap *gap = finding->gaps->pdata[0];
    cr_expect_eq(gap->basis, BASIS_SEEN);
    cr_expect_eq(gap->state, STATE_NEW);
    cr_expect_str_neq(scene_step(gap->steps, "Some instances of PRD have it already"), "");
    cr_expect_str_neq(scene_step(gap->steps, "D00 of PRD on app01, D01 of PRD on app02"), "");
    finding = scene_finding(audit, FINDING_DRIFT);
    cr_assert_not_null(finding);
    cr_expect_str_eq(finding->detail, "\"CN=Root R1, O=Example, C=DE\" is missing in D01 of PRD on app02.");

    /* The night after the trace of D01 is silent: D00 has it, D01 still lacks it. */
    g_autoptr(scene_auto) silent = scene_new();
    one = scene_host(silent, "app01");
    two = scene_host(silent, "app02");
    d00 = scene_instance(one, "PRD", "D00");
    d01 = scene_instance(two, "PRD", "D01");
    scene_store(silent, one, d00, "SAPSSLC.pse", peer->with);
    scene_store(silent, two, d01, "SAPSSLC.pse", peer->without);
    g_autoptr(audit_auto) next = scene_run(silent, audit);
    finding = only(next, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_OPEN);
    cr_expect(strstr(((struct audit_gap *)finding->gaps->pdata[0])->note, "Some instances"));
}

/* The root is in D00's copy; failures are seen with D00's and with another one. */
Test(anchors, what_the_other_instance_has_is_not_enough)
{
    static const struct {
        const char *what;
        gboolean there, unread, partly;
        const char *note;
    } rows[] = {
        {"not read", .there = TRUE, .unread = TRUE, .note = "needs-pin"},
        {"read in part", .there = TRUE, .partly = TRUE, .note = "cannot be parsed"},
        {"not found", .there = FALSE, .note = "one of its files was not found"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(peer_auto) peer = peer_new();
        g_autoptr(scene_auto) scene = scene_new();
        struct capture_host *hosts[] = {scene_host(scene, "app01"), scene_host(scene, "app02")};
        for (int j = 0; j < 2; j++) {
            g_autoptr(GString) text = g_string_new(NULL);
            struct capture_instance *at = scene_instance(hosts[j], "PRD", j ? "D01" : "D00");
            g_autofree char *path = g_strdup_printf("%s/sec/SAPSSLC.pse", at->path);
            UNTRUSTED(text, .store = path, .target = "api.example.com", .chain = {peer->leaf, peer->middle});
            scene_trace(scene, hosts[j], at, "dev_icm", text->str);
            if (j == 1 && !rows[i].there)
                continue;
            struct capture_store *store = scene_store(scene, hosts[j], at, "SAPSSLC.pse", peer->with);
            if (j == 1 && rows[i].unread) {
                g_free(store->method);
                store->method = g_strdup("none");
                store->reason = g_strdup("needs-pin");
            }
            if (j == 1 && rows[i].partly) {
                g_free(store->trusted);
                store->trusted = scene_object(scene, "\x30\x03\x02\x01\x05", 5);
            }
        }
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
        const struct audit_gap *gap = finding->gaps->pdata[0];
        cr_expect_eq(finding->gaps->len, 1, "%s", rows[i].what);
        cr_expect_eq(gap->state, STATE_NEW, "%s", rows[i].what);
        cr_expect_eq(gap->basis, BASIS_SEEN_UNREAD, "%s", rows[i].what);
        cr_expect(gap->note && strstr(gap->note, rows[i].note), "%s: %s", rows[i].what, gap->note);
    }
}

/*
 * A gap that only the second of two instances has.  The trace of that is silent from the second night on, and its copy
 * is seen or not; the copy of the first instance always holds the certificate, and failures may be seen there.
 */
enum second {
    COPY_HOLDS,
    COPY_LACKS,
    HOST_DOWN,
    HOST_IN_PART,
    HOST_ABSENT,
    NO_INSTANCE,
    NO_COPY,
    COPY_UNREAD,
    COPY_PARTLY
};

static struct audit *night_of_two(const struct peer *peer, gboolean first_fails, enum second second,
                                  const struct audit *previous, int64_t at)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) one = g_string_new(NULL), two = g_string_new(NULL);
    struct capture_host *app01 = scene_host(scene, "app01"), *app02 = NULL;
    struct capture_instance *d00 = scene_instance(app01, "PRD", "D00");

    app01->finished = at;
    scene_store(scene, app01, d00, "SAPSSLC.pse", peer->with);
    scene_header(one, "1", "785");
    if (first_fails)
        UNTRUSTED(one, .store = PRD_STORE, .target = "api.example.com", .chain = {peer->leaf, peer->middle},
                  .stamp = OLD_STAMP);
    scene_trace(scene, app01, d00, "dev_icm", one->str);
    if (second != HOST_ABSENT) {
        app02 = scene_host(scene, "app02");
        app02->finished = at;
        app02->status = second == HOST_DOWN      ? CAPTURE_FAILED
                        : second == HOST_IN_PART ? CAPTURE_PARTIAL
                                                 : CAPTURE_COLLECTED;
    }
    if (second == NO_INSTANCE)
        scene_instance(app02, NULL, "hostctrl");
    if (!app02 || second == HOST_DOWN || second == NO_INSTANCE)
        return scene_run_at(scene, previous, at);
    struct capture_instance *d01 = scene_instance(app02, "PRD", "D01");
    scene_header(two, "1", "785");
    if (!previous)
        UNTRUSTED(two, .store = "/usr/sap/PRD/D01/sec/SAPSSLC.pse", .target = "api.example.com",
                  .chain = {peer->leaf, peer->middle}, .stamp = OLD_STAMP);
    scene_trace(scene, app02, d01, "dev_icm", two->str);
    if (second == NO_COPY || second == HOST_IN_PART)
        return scene_run_at(scene, previous, at);
    struct capture_store *store =
        scene_store(scene, app02, d01, "SAPSSLC.pse", second == COPY_HOLDS ? peer->with : peer->without);
    if (second == COPY_UNREAD) {
        g_free(store->method);
        store->method = g_strdup("none");
        store->reason = g_strdup("needs-pin");
    }
    if (second == COPY_PARTLY) {
        g_free(store->trusted);
        store->trusted = scene_object(scene, "\x30\x03\x02\x01\x05", 5);
    }
    return scene_run_at(scene, previous, at);
}

Test(anchors, what_one_instance_has_closes_no_gap_of_another)
{
    static const struct {
        const char *what;
        enum second second;
        enum audit_state state;
        enum audit_gap_basis basis;
        const char *note;
    } rows[] = {
        {"its copy holds it", COPY_HOLDS, STATE_FIXED, BASIS_SEEN, "The list holds it now"},
        {"its copy lacks it", COPY_LACKS, STATE_OPEN, BASIS_SEEN, "Some instances of the system have it"},
        {"its host failed", HOST_DOWN, STATE_OPEN, BASIS_SEEN_UNREAD, "not all were read: a host was not collected"},
        {"its host was collected in part", HOST_IN_PART, STATE_OPEN, BASIS_SEEN_UNREAD, "a host was not collected"},
        {"its host is in no capture", HOST_ABSENT, STATE_OPEN, BASIS_SEEN_UNREAD, "a host was not collected"},
        {"the instance is gone", NO_INSTANCE, STATE_OPEN, BASIS_SEEN_UNREAD, "an instance was not found on its host"},
        {"its copy is gone", NO_COPY, STATE_FIXED, BASIS_SEEN, "The list holds it now"},
        {"its copy was not read", COPY_UNREAD, STATE_OPEN, BASIS_SEEN_UNREAD, "one was not (needs-pin)"},
        {"its copy was read in part", COPY_PARTLY, STATE_OPEN, BASIS_SEEN_UNREAD, "cannot be parsed"},
    };
    g_autoptr(peer_auto) peer = peer_new();
    for (int fails = 0; fails < 2; fails++) {
        g_autoptr(audit_auto) first = night_of_two(peer, fails, COPY_LACKS, NULL, CERTS_NOW);
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            g_autoptr(audit_auto) next = night_of_two(peer, fails, rows[i].second, first, CERTS_NOW + DAY);
            const struct audit_finding *finding = only(next, FINDING_MISSING_ANCHOR);
            const struct audit_gap *gap = finding->gaps->pdata[0];
            cr_expect_eq(finding->state, rows[i].state, "%s", rows[i].what);
            cr_expect_eq(gap->state, rows[i].state, "%s", rows[i].what);
            cr_expect_eq(gap->basis, rows[i].basis, "%s", rows[i].what);
            cr_expect(strstr(gap->note, rows[i].note), "%s: %s", rows[i].what, gap->note);
            if (rows[i].second == NO_COPY)
                continue; /* it is not a copy of the store any more when it comes back */
            cr_expect_eq(gap->store->members->len, 2, "%s: the copy is shown, read or not", rows[i].what);
            /* The night after all is seen, and as it was. */
            g_autoptr(audit_auto) back = night_of_two(peer, fails, COPY_LACKS, next, CERTS_NOW + 2 * DAY);
            enum audit_state state = rows[i].state == STATE_FIXED ? STATE_RETURNED : STATE_OPEN;
            cr_expect_eq(only(back, FINDING_MISSING_ANCHOR)->state, state, "%s", rows[i].what);
        }
    }
}

Test(anchors, a_self_signed_peer_that_nobody_knows)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(issued_auto) lone = certs(.subject = "/CN=printer.example.com", .leaf = TRUE);
    g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    scene_store(scene, host, d00, "SAPSSLC.pse", nothing);
    UNTRUSTED(text, .store = PRD_STORE, .target = "printer.example.com", .chain = {lone});
    scene_trace(scene, host, d00, "dev_icm", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = only(audit, FINDING_UNKNOWN_ISSUER);
    cr_expect_eq(finding->certainty, CERTAINTY_SELF_SIGNED);
    cr_expect_str_neq(scene_step(((struct audit_gap *)finding->gaps->pdata[0])->steps, "self-signed certificate. Ask"),
                      "");
}

/* A night of one PSE whose trust list is ${list}; if ${shown} a trace prints the certificate that the peer sends. */
static struct audit *night_of_sent(const struct issued *sent, GBytes *list, gboolean shown,
                                   const struct audit *previous, int64_t at)
{
    struct audit *audit = audit_new();
    g_autoptr(landscape_auto) landscape = landscape_new(audit);
    struct audit_host *host = audit_host_new(audit);
    struct audit_instance *instance = audit_instance_new(audit);
    struct audit_store *store = audit_store_new(audit);
    struct audit_member *member = audit_member_new(audit);
    audit->evaluated = CERTS_NOW + at * DAY;
    host->name = "web01";
    host->collected = audit->evaluated;
    instance->host = host;
    instance->name = "W20";
    instance->path = "/usr/sap/PRD/W20";
    instance->kind = store->kind = INSTANCE_WEBDISP;
    store->label = "web01 W20 SAPSSLC.pse";
    store->file = "SAPSSLC.pse";
    member->instance = instance;
    member->path = "/usr/sap/PRD/W20/sec/SAPSSLC.pse";
    member->list = pool_add_list(landscape->pool, g_bytes_get_data(list, NULL), g_bytes_get_size(list));
    g_ptr_array_add(audit->hosts, host);
    g_ptr_array_add(host->instances, instance);
    g_ptr_array_add(audit->stores, store);
    g_ptr_array_add(store->members, member);

    g_autoptr(GPtrArray) chain = g_ptr_array_new(), lines = g_ptr_array_new();
    struct trace_cert cert = {
        .subject = "CN=printer.example.com", .issuer = "CN=printer.example.com", .der = sent->der};
    struct trace_failure failure = {.target = "printer.example.com",
                                    .role = ROLE_CLIENT,
                                    .local = MOMENT_NONE,
                                    .chain = chain,
                                    .lines = lines,
                                    .missing = cert.subject,
                                    .certainty = CERTAINTY_SELF_SIGNED};
    const struct grouping_part part = {.path = "dev_webdisp"};
    g_autoptr(grouping_auto) grouping = grouping_new(audit, instance, NULL, landscape->pool);
    g_ptr_array_add(chain, &cert);
    if (shown)
        grouping_take(grouping, &failure, &part);
    grouping_end_trace(grouping, TRUE);
    for (guint i = 0; i < audit->failures->len; i++) {
        ((struct audit_failure *)audit->failures->pdata[i])->store = store;
        g_hash_table_insert(landscape->members, audit->failures->pdata[i], member);
    }
    pool_take_shown(landscape->pool);
    g_autoptr(history_auto) history = history_new(landscape, previous);
    audit_sort(audit);
    findings_make(landscape, history, NULL);
    audit_sort(audit);
    return audit;
}

Test(anchors, a_certificate_that_only_the_peer_has)
{
    g_autoptr(issued_auto) sent = certs(.subject = "/CN=printer.example.com", .leaf = TRUE);
    g_autoptr(GBytes) nothing = g_bytes_new_static("", 0), holds = certs_join(sent, NULL);

    g_autoptr(audit_auto) first = night_of_sent(sent, nothing, TRUE, NULL, 0);
    const struct audit_finding *finding = only(first, FINDING_MISSING_ANCHOR);
    const struct audit_gap *gap = finding->gaps->pdata[0];
    cr_assert_not_null(finding->cert);
    cr_expect(finding->cert->from_trace);
    cr_expect(g_bytes_equal(finding->cert->der, sent->der), "what is to be imported, in the report");
    cr_expect_eq(finding->match, MATCH_FINGERPRINT, "the fingerprint is that of what the trace prints");
    cr_expect_eq(finding->donors->len, 0, "a peer is no donor");
    cr_expect(strstr(finding->detail, "No trust list, own certificate or reference that was read has it; it is known "
                                      "from the trace"),
              "%s", finding->detail);
    cr_expect(strstr(finding->proof, "compare its fingerprint before you import it"), "%s", finding->proof);
    cr_expect_str_neq(scene_step(gap->steps, "by whoever runs printer.example.com"), "");
    cr_expect_str_eq(scene_step(gap->steps, "and compare its fingerprint"), "", "that would come too late");
    const struct audit_failure *failure = first->failures->pdata[0];
    cr_expect_str_eq(((const struct audit_link *)failure->chain->pdata[0])->sha256, finding->cert->sha256);

    g_autoptr(audit_auto) silent = night_of_sent(sent, nothing, FALSE, first, 1);
    const struct audit_finding *again = only(silent, FINDING_MISSING_ANCHOR);
    cr_expect_str_eq(again->id, finding->id);
    cr_expect_eq(again->state, STATE_OPEN);
    cr_assert_not_null(again->cert);
    cr_expect(again->cert->from_trace, "the mark is kept from night to night");
    cr_expect_str_neq(scene_step(((const struct audit_gap *)again->gaps->pdata[0])->steps, "proves nothing"), "");

    g_autoptr(audit_auto) healed = night_of_sent(sent, holds, TRUE, silent, 2);
    const struct audit_finding *fixed = only(healed, FINDING_MISSING_ANCHOR);
    cr_expect_str_eq(fixed->id, finding->id);
    cr_expect_eq(fixed->state, STATE_FIXED);
    cr_expect_not(fixed->cert->from_trace);
    cr_expect_null(strstr(fixed->detail, "No trust list"), "%s", fixed->detail);
}

Test(anchors, a_trace_that_prints_the_certificate_of_the_peer)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(issued_auto) lone = certs(.subject = "/CN=printer.example.com", .leaf = TRUE);
    g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
    g_autofree char *pem = certs_pem(lone);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(pem), "\n", -1);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    scene_store(scene, host, d00, "SAPSSLC.pse", nothing);
    g_string_append(text, "[Thr 7] *** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n"
                          "[Thr 7]    session uses PSE file \"" PRD_STORE "\"\n");
    for (char **line = lines; *line; line++)
        g_string_append_printf(text, "[Thr 7] %s\n", *line);
    g_string_append(text, "[Thr 7] *** ERROR => SSL handshake with printer.example.com:443 failed: "
                          "SSSLERR_PEER_CERT_UNTRUSTED (-102)\n");
    scene_trace(scene, host, d00, "dev_icm", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
    cr_assert_not_null(finding->cert);
    cr_expect(finding->cert->from_trace);
    cr_expect(g_bytes_equal(finding->cert->der, lone->der));
    cr_expect_eq(finding->match, MATCH_FINGERPRINT);
    cr_expect_eq(finding->donors->len, 0);
}

Test(anchors, what_to_do_by_kind_of_instance)
{
    static const struct {
        const char *sid, *name, *file, *steps[4];
    } rows[] = {
        {"PRD",
         "W20",
         "SAPSSLC.pse",
         {"maintain_pk -a CERT.pem -p SAPSSLC.pse", "reload the PSE", "maintain_pk -d NUMBER"}},
        {"PRD", "W20", "odd name.pse", {"-p 'odd name.pse'"}},
        {"PRD", "W20", "a!b'c.pse", {"-p 'a'\\!'b'\\''c.pse'"}},
        {"HDP", "HDB00", "sapsrv.pse", {"SECUDIR=/usr/sap/HDP/HDB00/sec sapgenpse", "on every one", "2.0 SPS 07"}},
        {NULL,
         "hostctrl",
         "SAPSSLS.pse",
         {"on app01 as the user sapadm",
          "$ env SECUDIR=/usr/sap/hostctrl/exe/sec LD_LIBRARY_PATH=/usr/sap/hostctrl/exe "
          "/usr/sap/hostctrl/exe/sapgenpse "
          "maintain_pk -a CERT.pem -p SAPSSLS.pse",
          "$ /usr/sap/hostctrl/exe/saphostexec -restart"}},
        {"RTR", "saprouter", "local.pse", {"maintain_pk -a CERT.pem -p local.pse", "Restart the SAProuter"}},
        {"PRD", "ASCS01", "SAPSSLC.pse", {"maintain_pk -a CERT.pem", "restart the program"}},
        {"JAV",
         "J10",
         "SAPSSLC.pse",
         {"view CLIENT_ICM_SSL_<instance>", "Restart the ICM", "delete the entry from the view"}},
        {"JAV", "J10", "SAPSSLS.pse", {"view ICM_SSL_<instance>:"}},
        {"JAV", "J10", "SAPSSLS_50001.pse", {"view ICM_SSL_<instance>_50001"}},
        {"JAV", "J10", "x.pse", {"view that x.pse is exported from"}},
    };
    g_autoptr(peer_auto) peer = peer_new();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *instance = scene_instance(host, rows[i].sid, rows[i].name);
        struct capture_instance *donor = scene_instance(host, "QAS", "D99");
        struct capture_store *store = scene_store(scene, host, instance, rows[i].file, peer->without);
        scene_store(scene, host, donor, "SAPSSLX.pse", peer->with);
        UNTRUSTED(text, .store = store->path, .target = "api.example.com", .chain = {peer->leaf, peer->middle});
        scene_trace(scene, host, instance, "dev_icm", text->str);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
        const struct audit_gap *gap = finding->gaps->pdata[0];
        cr_assert_not_null(gap->store, "%s", rows[i].file);
        for (size_t j = 0; j < G_N_ELEMENTS(rows[i].steps) && rows[i].steps[j]; j++)
            cr_expect_str_neq(scene_step(gap->steps, rows[i].steps[j]), "", "%s %s: %s", rows[i].name, rows[i].file,
                              rows[i].steps[j]);
    }
}

Test(anchors, whether_the_icm_is_restarted)
{
    static const struct {
        const char *release, *step;
    } rows[] = {
        {"785", "no restart (kernel release 785)"}, {"740", "no restart (kernel release 740)"},
        {"722", "up to 7.01 restart it"},           {"701", "has to be restarted (kernel release 701)"},
        {"702", "up to 7.01 restart it"},           {"x", "up to 7.01 restart it"},
    };
    g_autoptr(peer_auto) peer = peer_new();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        scene_store(scene, host, d00, "SAPSSLC.pse", peer->without);
        scene_header(text, i == 0 ? "2" : "1", rows[i].release);
        UNTRUSTED(text, .store = PRD_STORE, .target = "api.example.com", .chain = {peer->leaf, peer->middle});
        scene_trace(scene, host, d00, "dev_icm", text->str);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = only(audit, FINDING_UNKNOWN_ISSUER);
        const struct audit_gap *gap = finding->gaps->pdata[0];
        cr_expect_str_neq(scene_step(gap->steps, rows[i].step), "", "%s", rows[i].release);
        cr_expect_str_neq(scene_step(gap->steps, i == 0 ? "which is 2, back to 1" : "If the trace level was raised"),
                          "");
    }
}

Test(anchors, only_a_listing_is_known)
{
    static const char listing[] =
        " maintain_pk for PSE \"x\"\nPKList:\n"
        " Subject:                              CN=Root R1, O=Example, C=DE\n"
        " Issuer:                               CN=Root R1, O=Example, C=DE\n"
        " Serial Number:                        0A:06\n"
        " Validity not before:                  Thu Jan  1 00:00:00 2026 (260101000000Z)\n"
        " Validity not after:                   Mon Jan  1 00:00:00 2046 (460101000000Z)\n"
        " Certificate fingerprint (SHA256):     "
        "D5:C7:BA:49:7E:80:F1:9F:E5:28:36:62:61:90:FE:0F:BC:56:31:D2:90:6D:34:45:FB:FA:2C:D0:EC:"
        "F8:34:C1\n";
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(audit_auto) before = NULL;
    for (int turn = 0; turn < 3; turn++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        struct capture_instance *donor = turn ? scene_instance(host, "PRD", "W20") : scene_instance(host, "QAS", "D10");
        scene_store(scene, host, d00, "SAPSSLC.pse", peer->without);
        if (turn < 2) {
            struct capture_store *store = scene_store(scene, host, donor, "SAPSSLC.pse", peer->without);
            g_free(store->method);
            store->method = g_strdup("sapgenpse");
            store->listing = scene_object(scene, listing, strlen(listing));
            store->listing_status = 0;
            UNTRUSTED(text, .store = PRD_STORE, .target = "api.example.com", .chain = {peer->leaf, peer->middle});
            scene_trace(scene, host, d00, "dev_icm", text->str);
        }
        g_autoptr(audit_auto) audit = scene_run(scene, before);
        const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
        const struct audit_gap *gap = finding->gaps->pdata[0];
        cr_expect_eq(finding->match, MATCH_NAME);
        cr_expect_null(finding->cert->der);
        cr_expect_str_neq(scene_step(gap->steps, turn ? "sapgenpse cannot export" : "System QAS has the certificate"),
                          "");
        cr_expect_eq(finding->state, turn ? STATE_OPEN : STATE_NEW, "%d", turn);
        cr_expect_str_eq(finding->cert->subject, "CN=Root R1, O=Example, C=DE");
        g_clear_pointer(&before, audit_free);
        before = g_steal_pointer(&audit);
    }
}

Test(anchors, an_incoming_client_certificate)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    scene_store(scene, host, d00, "SAPSSLS.pse", peer->without);
    scene_store(scene, host, d00, "SAPSSLC.pse", peer->with);
    UNTRUSTED(text, .peer = "192.0.2.7:50000", .chain = {peer->leaf, peer->middle}, .incoming = TRUE);
    scene_trace(scene, host, d00, "dev_icm", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
    const struct audit_gap *gap = finding->gaps->pdata[0];
    cr_expect_eq(gap->basis, BASIS_SEEN_UNKNOWN);
    cr_expect_eq(gap->state, STATE_NEW, "a client PSE heals nothing for incoming connections");
    cr_expect_str_neq(scene_step(gap->steps, "it is an SSL server PSE"), "");
}

Test(anchors, an_intermediate_in_place_of_a_root_that_nobody_holds)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GBytes) holds_middle = certs_join(peer->middle, NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00"), *d10 = scene_instance(host, "QAS", "D10");
    scene_store(scene, host, d00, "SAPSSLC.pse", peer->without);
    scene_store(scene, host, d10, "SAPSSLC.pse", holds_middle);
    UNTRUSTED(text, .store = PRD_STORE, .target = "api.example.com", .chain = {peer->leaf, peer->middle});
    scene_trace(scene, host, d00, "dev_icm", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
    cr_expect_str_eq(finding->cert->subject, "CN=Issuing CA, O=Example, C=DE");
    cr_expect_str_eq(finding->subject, "CN=Root R1, O=Example, C=DE");
    cr_expect(strstr(finding->detail, "Nobody holds \"CN=Root R1, O=Example, C=DE\" itself"), "%s", finding->detail);
}

/* One system whose trace shows the missing root by several peers, of which only some prove it. */
Test(anchors, the_strongest_match_speaks_and_the_others_are_counted)
{
    for (int turn = 0; turn < 2; turn++) {
        g_autoptr(peer_auto) peer = peer_new();
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        g_autoptr(issued_auto) leaf = certs(.subject = "/CN=b.example.com", .issuer = peer->root, .leaf = TRUE);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00"), *w20 = scene_instance(host, "PRD", "W20");
        scene_store(scene, host, d00, "SAPSSLC.pse", peer->without);
        scene_store(scene, host, w20, "SAPSSLC.pse", peer->with);
        scene_reference(scene, "issuing.pem", peer->middle);
        /* In the order of the audit the proof comes first, then last. */
        UNTRUSTED(text, .store = PRD_STORE, .target = turn ? "z.example.com" : "a.example.com",
                  .chain = {peer->leaf, peer->middle});
        UNTRUSTED(text, .store = PRD_STORE, .target = "b.example.com", .chain = {leaf}, .times = 2);
        scene_trace(scene, host, d00, "dev_icm", text->str);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
        cr_expect_eq(finding->match, MATCH_PROVED);
        cr_expect(strstr(finding->proof, "signature of \"CN=Issuing CA"), "%s", finding->proof);
        cr_expect(g_str_has_suffix(finding->proof, "2 of 3 failed connections are matched by less than that."), "%s",
                  finding->proof);
    }
}

Test(anchors, many_peers_and_many_instances_are_counted)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 13; i++) {
        g_autofree char *name = g_strdup_printf("app%02d", i), *instance = g_strdup_printf("D%02d", i);
        struct capture_host *host = scene_host(scene, name);
        struct capture_instance *at = scene_instance(host, "PRD", instance);
        g_ptr_array_add(host->groups, g_strdup("prod"));
        g_ptr_array_add(host->notes, g_strdup("a note"));
        scene_store(scene, host, at, "SAPSSLC.pse", peer->without);
        g_string_truncate(text, 0);
        g_autofree char *target = g_strdup_printf("h%02d.example.com", i);
        g_autofree char *store = g_strdup_printf("/usr/sap/PRD/%s/sec/SAPSSLC.pse", instance);
        UNTRUSTED(text, .store = store, .target = target, .chain = {peer->leaf, peer->middle});
        scene_trace(scene, host, at, "dev_icm", text->str);
    }
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = only(audit, FINDING_UNKNOWN_ISSUER);
    cr_expect(strstr(finding->detail, "h09.example.com and 3 more."), "%s", finding->detail);
    cr_expect_str_neq(scene_step(((struct audit_gap *)finding->gaps->pdata[0])->steps, "and 5 more"), "");
    cr_expect_eq(((struct audit_gap *)finding->gaps->pdata[0])->count, 13);
    const struct audit_host *host = audit->hosts->pdata[0];
    cr_expect_str_eq(host->groups->pdata[0], "prod");
    cr_expect_str_eq(host->notes->pdata[0], "a note");

    /* Nothing is collected the night after: the hosts come back with what is known of them. */
    g_autoptr(scene_auto) next = scene_new();
    g_autoptr(audit_auto) later = scene_run_at(next, audit, CERTS_NOW + DAY);
    cr_expect_eq(later->hosts->len, 13);
    cr_expect_str_eq(((struct audit_host *)later->hosts->pdata[0])->groups->pdata[0], "prod");
    finding = only(later, FINDING_UNKNOWN_ISSUER);
    cr_expect_eq(((struct audit_gap *)finding->gaps->pdata[0])->store->members->len, 13);
}

Test(anchors, files_that_no_system_distributes)
{
    static const struct {
        const char *sid, *name;
        gboolean held, unread;
        const char *step;
    } rows[] = {
        {"PRD", "W20", FALSE, FALSE, "app01 W20 SAPSSLA.pse lacks it as well"},
        {"PRD", "W20", FALSE, TRUE, "look first whether the certificate is in it already, as the owner of the file:"},
        {"PRD", "W20", FALSE, TRUE, "maintain_pk -l -p SAPSSLC.pse"},
        {"JAV", "J10", FALSE, TRUE, "look first whether the certificate is in it already."},
        {"PRD", "W20", FALSE, FALSE, "as the owner of the file"},
        {"PRD", "W20", TRUE, FALSE, "reload the PSE"},
        {"JAV", "J10", TRUE, FALSE, "Restart the ICM of the instance."},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(peer_auto) peer = peer_new();
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *at = scene_instance(host, rows[i].sid, rows[i].name);
        struct capture_instance *donor = scene_instance(host, "QAS", "D10");
        struct capture_store *store =
            scene_store(scene, host, at, "SAPSSLC.pse", rows[i].held ? peer->with : peer->without);
        scene_store(scene, host, at, "SAPSSLA.pse", peer->without);
        scene_store(scene, host, donor, "SAPSSLC.pse", peer->with);
        g_clear_pointer(&store->owner, g_free);
        if (rows[i].unread) {
            g_free(store->method);
            store->method = g_strdup("none");
            store->reason = g_strdup("needs-pin");
        }
        UNTRUSTED(text, .store = store->path, .target = "api.example.com", .chain = {peer->leaf, peer->middle},
                  .stamp = NEW_STAMP);
        scene_trace(scene, host, at, "dev_webdisp", text->str);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = only(audit, FINDING_MISSING_ANCHOR);
        const GPtrArray *steps = ((struct audit_gap *)finding->gaps->pdata[0])->steps;
        if (rows[i].held)
            steps = scene_finding(audit, FINDING_TLS_FAILURE)->steps;
        cr_expect_str_neq(scene_step(steps, rows[i].step), "", "%zu: %s", i, rows[i].step);
    }
}

Test(anchors, an_instance_without_strust_whose_pse_is_not_known)
{
    g_autoptr(peer_auto) peer = peer_new();
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "web01");
    struct capture_instance *w20 = scene_instance(host, "PRD", "W20");
    UNTRUSTED(text, .target = "api.example.com", .chain = {peer->leaf, peer->middle});
    scene_trace(scene, host, w20, "dev_webdisp", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = only(audit, FINDING_UNKNOWN_ISSUER);
    cr_expect_str_neq(scene_step(((struct audit_gap *)finding->gaps->pdata[0])->steps, "to the list of that PSE"), "");

    /* The instance is gone, though its host is collected each night: it is forgotten like a host that is gone. */
    g_autoptr(audit_auto) before = g_steal_pointer(&audit);
    static const int days[] = {1, HISTORY_DAYS, HISTORY_DAYS + 1};
    for (size_t i = 0; i < G_N_ELEMENTS(days); i++) {
        int64_t at = CERTS_NOW + days[i] * DAY;
        gboolean forgotten = days[i] > HISTORY_DAYS;
        g_autoptr(scene_auto) next = scene_new();
        struct capture_host *rest = scene_host(next, "web01");
        rest->finished = at;
        scene_instance(rest, NULL, "hostctrl");
        g_autoptr(audit_auto) later = scene_run_at(next, before, at);
        const GPtrArray *instances = ((struct audit_host *)later->hosts->pdata[0])->instances;
        cr_expect_eq(scene_count(later, FINDING_UNKNOWN_ISSUER), !forgotten, "day %d", days[i]);
        cr_expect_eq(instances->len, 1 + !forgotten, "day %d", days[i]);
        cr_expect_eq(later->warnings->len, !forgotten, "day %d", days[i]);
        if (!forgotten) {
            cr_expect_eq(((struct audit_instance *)instances->pdata[1])->seen, CERTS_NOW, "day %d", days[i]);
            finding = only(later, FINDING_UNKNOWN_ISSUER);
            cr_expect_eq(finding->state, STATE_OPEN, "day %d", days[i]);
            cr_expect_str_eq(((struct audit_gap *)finding->gaps->pdata[0])->note,
                             "The instance was not found on its host tonight.");
            cr_expect_str_eq(later->warnings->pdata[0], "web01: /usr/sap/PRD/W20: the previous audit has this "
                                                        "instance, and it was not found this time; nothing is known "
                                                        "of it");
        }
        audit_free(before);
        before = g_steal_pointer(&later);
    }
}

Test(anchors, a_long_name_does_not_fill_the_title)
{
    g_autofree char *long_name = g_strnfill(2000, 'x');
    g_autofree char *title = identify_short(long_name);
    cr_expect_eq(strlen(title), IDENTIFY_SHORT_CHARS);
    cr_expect(g_str_has_suffix(title, "x..."));
    long_name[IDENTIFY_SHORT_CHARS] = '\0';
    g_autofree char *fits = identify_short(long_name);
    cr_expect_str_eq(fits, long_name);
    g_autofree char *name = identify_short("CN=Root R1, O=Example");
    cr_expect_str_eq(name, "Root R1");
}
