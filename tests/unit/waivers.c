/* analyzer/waivers: which findings are waived, until when, and what becomes of them by night. */
#include "waivers.h"

#include "moment.h"
#include "scene.h"

#include <criterion/criterion.h>
#include <string.h>

#define DAY CERTS_DAY
#define WHO "owner=A. Example\nreason=It is known.\n"

/* CERTS_NOW is the first second of 2026-11-22. */
#define UNTIL_YESTERDAY "until=2026-11-21\n"
#define UNTIL_TODAY     "until=2026-11-22\n"
#define UNTIL_LATER     "until=2027-01-31\n"

struct lab { /* a landscape with a finding of many kinds, and its certificates */
    struct issued *root, *leaf, *expired, *other;
};

static void lab_init(struct lab *lab)
{
    lab->root = certs(.subject = "/CN=Root");
    lab->leaf = certs(.subject = "/CN=a", .issuer = lab->root);
    lab->expired = certs(.subject = "/CN=Old", .not_after = CERTS_NOW - DAY);
    lab->other = certs(.subject = "/CN=Other");
}

static void lab_clear(struct lab *lab)
{
    certs_free(lab->root);
    certs_free(lab->leaf);
    certs_free(lab->expired);
    certs_free(lab->other);
}

/*
 * The root is missing in PRD SAPSSLC.pse and QAS SAPSSLC.pse, and for a PSE of DEV that the trace does not name; Old
 * has expired in all lists; app09 was not collected.
 */
static struct scene *lab_scene(const struct lab *lab, gboolean healed)
{
    static const char *const sids[] = {"PRD", "QAS", "DEV"};
    struct scene *scene = scene_new();
    g_autoptr(GBytes) list =
        healed ? certs_join(lab->expired, lab->root, NULL) : certs_join(lab->expired, lab->other, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(sids); i++) {
        g_autofree char *name = g_strdup_printf("app0%zu", i + 1);
        g_autofree char *path = g_strdup_printf("/usr/sap/%s/D00/sec/SAPSSLC.pse", sids[i]);
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, name);
        struct capture_instance *d00 = scene_instance(host, sids[i], "D00");
        scene_store(scene, host, d00, "SAPSSLC.pse", list);
        UNTRUSTED(text, .target = "a.example.com", .store = i < 2 ? path : NULL, .chain = {lab->leaf, lab->root});
        scene_trace(scene, host, d00, "dev_icm", text->str);
    }
    scene_reference(scene, "root.pem", lab->root);
    scene_host(scene, "app09")->status = CAPTURE_FAILED;
    return scene;
}

static const struct audit_cert *cert_named(const struct audit *audit, const char *subject)
{
    for (guint i = 0; i < audit->certs->len; i++)
        if (g_str_equal(((const struct audit_cert *)audit->certs->pdata[i])->subject, subject))
            return audit->certs->pdata[i];
    cr_assert_fail("%s", subject);
    return NULL;
}

/* A policy with the fingerprints of certificates and the id of the missing anchor in the place of their marks. */
static char *fill_in(const char *text, const struct audit *audit)
{
    GString *out = g_string_new(text);
    g_string_replace(out, "@root", cert_named(audit, "CN=Root")->sha256, 0);
    g_string_replace(out, "@sha1", cert_named(audit, "CN=Root")->sha1, 0);
    g_string_replace(out, "@old", cert_named(audit, "CN=Old")->sha256, 0);
    g_string_replace(out, "@id", scene_finding(audit, FINDING_MISSING_ANCHOR)->id, 0);
    return g_string_free(out, FALSE);
}

Test(waivers, what_they_are_about)
{
    static const struct {
        const char *text;
        enum audit_finding_kind kind;
        gboolean waived; /* the finding */
        unsigned gaps;   /* of it: waived */
        int places;      /* -1: it does not have this waiver */
    } rows[] = {
        {"finding=@id\n", FINDING_MISSING_ANCHOR, TRUE, 3, 0},
        {"finding=@id\n", FINDING_EXPIRED, FALSE, 0, -1},
        {"kind=missing-anchor\ncertificate=@root\n", FINDING_MISSING_ANCHOR, TRUE, 3, 0},
        {"kind=missing-anchor\ncertificate=@sha1\n", FINDING_MISSING_ANCHOR, TRUE, 3, 0},
        {"kind=missing-anchor\ncertificate=@old\n", FINDING_MISSING_ANCHOR, FALSE, 0, -1},
        {"kind=unknown-issuer\ncertificate=@root\n", FINDING_MISSING_ANCHOR, FALSE, 0, -1},
        {"kind=missing-anchor\nstore=QAS SAPSSLC.pse\n", FINDING_MISSING_ANCHOR, FALSE, 1, 1},
        {"kind=missing-anchor\nstore=* SAPSSLC.pse\n", FINDING_MISSING_ANCHOR, FALSE, 2, 2}, /* not the unknown one */
        {"kind=missing-anchor\nsid=PRD;DEV\n", FINDING_MISSING_ANCHOR, FALSE, 2, 2},
        {"kind=missing-anchor\nsid=*\n", FINDING_MISSING_ANCHOR, TRUE, 3, 3},
        {"kind=missing-anchor\nsid=XYZ\n", FINDING_MISSING_ANCHOR, FALSE, 0, -1},
        {"kind=missing-anchor\nsid=PRD\nstore=QAS*\n", FINDING_MISSING_ANCHOR, FALSE, 0, -1},
        {"kind=missing-anchor\ncertificate=@root\nsid=PRD\n", FINDING_MISSING_ANCHOR, FALSE, 1, 1},
        {"kind=expired\ncertificate=@old\n", FINDING_EXPIRED, TRUE, 0, 0},
        {"kind=expired\nstore=PRD*\n", FINDING_EXPIRED, FALSE, 0, 1},
        {"kind=expired\nstore=PRD*;QAS*;DEV*\n", FINDING_EXPIRED, TRUE, 0, 3},
        {"kind=host-missing\nhost=app0?\n", FINDING_HOST_MISSING, TRUE, 0, 0},
        {"kind=host-missing\nhost=app01\n", FINDING_HOST_MISSING, FALSE, 0, -1},
        {"kind=host-missing\nsid=PRD\n", FINDING_HOST_MISSING, FALSE, 0, -1},        /* it is about no store */
        {"kind=missing-anchor\nhost=app01\n", FINDING_MISSING_ANCHOR, FALSE, 0, -1}, /* nor this about a host */
    };
    struct lab lab;
    lab_init(&lab);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = lab_scene(&lab, FALSE);
        g_autoptr(audit_auto) plain = scene_run(scene, NULL);
        g_autofree char *head = g_strconcat("\n[waiver one]\n", rows[i].text, WHO UNTIL_LATER, NULL);
        g_autofree char *text = fill_in(head, plain);
        scene_policy(scene, text);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = scene_finding(audit, rows[i].kind);
        unsigned gaps = 0;
        cr_assert_not_null(finding, "%zu", i);
        cr_expect_eq(finding->state, rows[i].waived ? STATE_WAIVED : STATE_NEW, "%s", rows[i].text);
        cr_expect_eq(audit_finding_counts(finding, SEVERITY_INFO), !rows[i].waived, "%s", rows[i].text);
        for (guint j = 0; j < finding->gaps->len; j++) {
            const struct audit_gap *gap = finding->gaps->pdata[j];
            gaps += gap->state == STATE_WAIVED;
            if (gap->state == STATE_WAIVED)
                cr_expect_str_eq(gap->note, "Waived by A. Example until 2027-01-31: It is known.");
        }
        cr_expect_eq(gaps, rows[i].gaps, "%s: %u", rows[i].text, gaps);
        cr_assert_eq(finding->waivers->len, rows[i].places < 0 ? 0 : 1, "%s", rows[i].text);
        if (rows[i].places >= 0) {
            const struct audit_waiver *waiver = finding->waivers->pdata[0];
            cr_expect_str_eq(waiver->name, "one");
            cr_expect_str_eq(waiver->owner, "A. Example");
            cr_expect_str_eq(waiver->reason, "It is known.");
            cr_expect_eq(waiver->until, moment_from_civil(2027, 1, 31, 23, 59, 59));
            cr_expect_not(waiver->ended);
            cr_expect_eq(waiver->places, (unsigned)rows[i].places, "%s", rows[i].text);
        }
        /* One that is about nothing is told. */
        gboolean nothing = strstr(rows[i].text, "XYZ") || strstr(rows[i].text, "kind=unknown-issuer") ||
                           (rows[i].places < 0 && rows[i].kind != FINDING_EXPIRED);
        cr_expect_eq(audit->warnings->len, nothing ? 1 : 0, "%s", rows[i].text);
        if (nothing)
            cr_expect_str_eq(audit->warnings->pdata[0],
                             "policy.ini:2: [waiver one]: is about no open finding (it ends on 2027-01-31)");
    }
    lab_clear(&lab);
}

Test(waivers, places_of_several_add_up)
{
    struct lab lab;
    lab_init(&lab);
    g_autoptr(scene_auto) scene = lab_scene(&lab, FALSE);
    scene_policy(scene, "[waiver one]\nkind=expired\nsid=PRD\n" WHO UNTIL_LATER
                        "[waiver two]\nkind=expired\nsid=QAS\n" WHO UNTIL_LATER
                        "[waiver three]\nkind=expired\nsid=DEV\n" WHO UNTIL_TODAY);
    g_autoptr(audit_auto) today = scene_run(scene, NULL);
    const struct audit_finding *finding = scene_finding(today, FINDING_EXPIRED);
    cr_expect_eq(finding->state, STATE_WAIVED);
    cr_expect_eq(finding->waivers->len, 3);
    g_autoptr(audit_auto) tomorrow = scene_run_at(scene, today, CERTS_NOW + DAY);
    finding = scene_finding(tomorrow, FINDING_EXPIRED);
    cr_expect_eq(finding->state, STATE_OPEN, "one of the three has ended");
    cr_assert_eq(finding->waivers->len, 3);
    cr_expect(((const struct audit_waiver *)finding->waivers->pdata[2])->ended);
    cr_expect_not(((const struct audit_waiver *)finding->waivers->pdata[0])->ended);
    lab_clear(&lab);
}

Test(waivers, their_last_day)
{
    static const struct {
        const char *until;
        int64_t at;
        gboolean ended;
    } rows[] = {
        {UNTIL_LATER, 0, FALSE},       {UNTIL_TODAY, 0, FALSE},      {UNTIL_TODAY, DAY / 2, FALSE},
        {UNTIL_TODAY, DAY - 1, FALSE}, {UNTIL_TODAY, DAY, TRUE},     {UNTIL_TODAY, 100 * DAY, TRUE},
        {UNTIL_YESTERDAY, 0, TRUE},    {UNTIL_YESTERDAY, -1, FALSE},
    };
    struct lab lab;
    lab_init(&lab);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = lab_scene(&lab, FALSE);
        g_autofree char *text = g_strconcat("[waiver one]\nkind=missing-anchor\nsid=*\n" WHO, rows[i].until, NULL);
        scene_policy(scene, text);
        g_autoptr(audit_auto) audit = scene_run_at(scene, NULL, CERTS_NOW + rows[i].at);
        const struct audit_finding *finding = scene_finding(audit, FINDING_MISSING_ANCHOR);
        cr_expect_eq(finding->state, rows[i].ended ? STATE_NEW : STATE_WAIVED, "%zu", i);
        cr_assert_eq(finding->waivers->len, 1, "%zu: it tells of one that has ended", i);
        cr_expect_eq(((const struct audit_waiver *)finding->waivers->pdata[0])->ended, rows[i].ended, "%zu", i);
        cr_expect_eq(audit->warnings->len, 0, "%zu", i);
    }
    lab_clear(&lab);
}

Test(waivers, one_that_holds_is_enough)
{
    struct lab lab;
    lab_init(&lab);
    g_autoptr(scene_auto) scene = lab_scene(&lab, FALSE);
    scene_policy(scene, "[waiver old]\nkind=missing-anchor\nsid=*\n" WHO UNTIL_YESTERDAY
                        "[waiver new]\nkind=missing-anchor\nsid=*\n" WHO UNTIL_LATER);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = scene_finding(audit, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_WAIVED);
    cr_assert_eq(finding->waivers->len, 1);
    cr_expect_str_eq(((const struct audit_waiver *)finding->waivers->pdata[0])->name, "new");
    cr_expect_eq(audit->warnings->len, 0, "both are about something");
    lab_clear(&lab);
}

static struct audit *lab_night(const struct lab *lab, gboolean healed, const char *policy, const struct audit *previous,
                               int night)
{
    g_autoptr(scene_auto) scene = lab_scene(lab, healed);
    for (guint i = 0; i < scene->hosts->len; i++)
        ((struct capture_host *)scene->hosts->pdata[i])->finished = CERTS_NOW + night * DAY;
    if (policy)
        scene_policy(scene, policy);
    return scene_run_at(scene, previous, CERTS_NOW + night * DAY);
}

Test(waivers, from_night_to_night)
{
    static const char waiver[] = "[waiver one]\nkind=missing-anchor\nsid=*\n" WHO "until=2026-11-23\n";
    struct lab lab;
    lab_init(&lab);
    g_autoptr(audit_auto) first = lab_night(&lab, FALSE, NULL, NULL, 0);
    g_autoptr(audit_auto) second = lab_night(&lab, FALSE, waiver, first, 1);
    const struct audit_finding *finding = scene_finding(second, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_WAIVED);
    cr_expect_eq(finding->first_seen, CERTS_NOW, "it is as old as it is");
    cr_expect_eq(finding->last_seen, CERTS_NOW + DAY);

    g_autoptr(audit_auto) ended = lab_night(&lab, FALSE, waiver, second, 2);
    finding = scene_finding(ended, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_OPEN, "it was never fixed");
    cr_expect_eq(finding->first_seen, CERTS_NOW);
    cr_expect(audit_finding_counts(finding, SEVERITY_HIGH));
    cr_assert_eq(finding->waivers->len, 1);
    cr_expect(((const struct audit_waiver *)finding->waivers->pdata[0])->ended);
    for (guint i = 0; i < finding->gaps->len; i++)
        cr_expect_eq(((const struct audit_gap *)finding->gaps->pdata[i])->state, STATE_OPEN);

    g_autoptr(audit_auto) dropped = lab_night(&lab, FALSE, NULL, second, 2);
    finding = scene_finding(dropped, FINDING_MISSING_ANCHOR);
    cr_expect_eq(finding->state, STATE_OPEN, "so it is without the policy");
    cr_expect_eq(finding->waivers->len, 0);
    lab_clear(&lab);
}

/* Waived findings that are fixed: of gaps, and of stores, which are carried on another way. */
Test(waivers, what_is_fixed_is_not_waived)
{
    static const char waiver[] = "[waiver one]\nkind=missing-anchor\nsid=*\n" WHO UNTIL_LATER
                                 "[waiver two]\nkind=expired\nsid=*\n" WHO UNTIL_LATER;
    struct lab lab;
    lab_init(&lab);
    g_autoptr(audit_auto) first = lab_night(&lab, FALSE, waiver, NULL, 0);
    cr_expect_eq(scene_finding(first, FINDING_MISSING_ANCHOR)->state, STATE_WAIVED);
    cr_expect_eq(scene_finding(first, FINDING_EXPIRED)->state, STATE_WAIVED);
    certs_free(lab.expired);
    lab.expired = certs(.subject = "/CN=Young");
    g_autoptr(audit_auto) second = lab_night(&lab, TRUE, waiver, first, 1);
    static const enum audit_finding_kind kinds[] = {FINDING_MISSING_ANCHOR, FINDING_EXPIRED};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const struct audit_finding *finding = scene_finding(second, kinds[i]);
        cr_assert_not_null(finding, "%zu", i);
        cr_expect_eq(finding->state, STATE_FIXED, "%zu", i);
        cr_expect_eq(finding->waivers->len, 0, "%zu", i);
        cr_expect_eq(finding->first_seen, CERTS_NOW, "%zu", i);
    }
    cr_assert_eq(second->warnings->len, 2, "both waivers can go");
    g_autoptr(audit_auto) third = lab_night(&lab, TRUE, waiver, second, 2);
    cr_expect_eq(scene_count(third, FINDING_EXPIRED), 0, "fixed once, and then forgotten");
    lab_clear(&lab);
}

/* A place that is healed is none that is waived. */
Test(waivers, healed_places_do_not_count)
{
    static const char policy[] =
        "[required r]\ncertificates=root.pem\n[waiver one]\nkind=policy-missing\nstore=*\n" WHO UNTIL_LATER;
    struct lab lab;
    lab_init(&lab);
    g_autoptr(GBytes) with = certs_join(lab.root, NULL), without = certs_join(lab.other, NULL);
    g_autoptr(audit_auto) first = NULL;
    for (int night = 0; night < 2; night++) {
        g_autoptr(scene_auto) scene = scene_new();
        struct capture_host *host = scene_host(scene, "app01");
        scene_store(scene, host, scene_instance(host, "PRD", "D00"), "SAPSSLC.pse", night ? with : without);
        scene_store(scene, host, scene_instance(host, "QAS", "D01"), "SAPSSLC.pse", without);
        scene_file(scene, "root.pem", lab.root);
        scene_policy(scene, policy);
        if (!night) {
            first = scene_run(scene, NULL);
            continue;
        }
        g_autoptr(audit_auto) second = scene_run_at(scene, first, CERTS_NOW + DAY);
        const struct audit_finding *finding = scene_finding(second, FINDING_POLICY_MISSING);
        cr_expect_eq(finding->gaps->len, 2);
        cr_expect_eq(finding->state, STATE_WAIVED);
        cr_expect_eq(((const struct audit_waiver *)finding->waivers->pdata[0])->places, 1);
        cr_expect_eq(scene_gap(finding, "PRD SAPSSLC.pse")->state, STATE_FIXED);
    }
    lab_clear(&lab);
}

/* A waived gap that is healed alone. */
Test(waivers, a_gap_that_is_healed)
{
    struct lab lab;
    lab_init(&lab);
    g_autoptr(scene_auto) scene = lab_scene(&lab, FALSE);
    scene_policy(scene, "[waiver one]\nkind=missing-anchor\nstore=PRD*\n" WHO UNTIL_LATER);
    g_autoptr(audit_auto) first = scene_run(scene, NULL);
    cr_expect_eq(scene_gap(scene_finding(first, FINDING_MISSING_ANCHOR), "PRD SAPSSLC.pse")->state, STATE_WAIVED);
    cr_expect_eq(scene_gap(scene_finding(first, FINDING_MISSING_ANCHOR), "QAS SAPSSLC.pse")->state, STATE_NEW);
    g_autoptr(audit_auto) second =
        lab_night(&lab, TRUE, "[waiver one]\nkind=missing-anchor\nstore=PRD*\n" WHO UNTIL_LATER, first, 1);
    const struct audit_gap *gap = scene_gap(scene_finding(second, FINDING_MISSING_ANCHOR), "PRD SAPSSLC.pse");
    cr_expect_eq(gap->state, STATE_FIXED);
    cr_expect(g_str_has_prefix(gap->note, "The list holds it now"), "%s", gap->note);
    lab_clear(&lab);
}
