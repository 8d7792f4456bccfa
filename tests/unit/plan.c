/* analyzer/plan: the smallest list of imports. */
#include "plan.h"

#include "scene.h"

#include <criterion/criterion.h>
#include <string.h>

#define STORE "/usr/sap/PRD/D00/sec/SAPSSLC.pse"
#define STAMP "Sun Nov  1 00:00:00 2026"

/*
 * Two peers below one root.  What the first one misses is named as the intermediate (it sends the leaf alone), what the
 * second one misses as the root (it sends both).
 */
struct two {
    struct issued *root, *middle, *first, *second;
    GBytes *nothing;
};

static struct two *two_new(void)
{
    struct two *two = g_new0(struct two, 1);
    two->root = certs(.subject = "/C=DE/O=Example/CN=Root R1");
    two->middle = certs(.subject = "/C=DE/O=Example/CN=Issuing CA", .issuer = two->root);
    two->first = certs(.subject = "/CN=first.example.com", .issuer = two->middle, .leaf = TRUE);
    two->second = certs(.subject = "/CN=second.example.com", .issuer = two->middle, .leaf = TRUE);
    two->nothing = g_bytes_new_static("", 0);
    return two;
}

static void two_free(struct two *two)
{
    certs_free(two->root);
    certs_free(two->middle);
    certs_free(two->first);
    certs_free(two->second);
    g_bytes_unref(two->nothing);
    g_free(two);
}

typedef struct two two_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(two_auto, two_free)

static struct audit *night_with(const struct two *two, gboolean leaves_at_hand, gboolean other_store,
                                const char *policy, const struct audit *previous)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");

    scene_store(scene, host, d00, "SAPSSLC.pse", two->nothing);
    scene_store(scene, host, d00, "SAPSSLA.pse", two->nothing);
    scene_reference(scene, "root.pem", two->root);
    scene_reference(scene, "middle.pem", two->middle);
    if (leaves_at_hand) {
        scene_reference(scene, "first.pem", two->first);
        scene_reference(scene, "second.pem", two->second);
    }
    scene_header(text, "1", "785");
    UNTRUSTED(text, .store = STORE, .target = "first.example.com", .peer = "192.0.2.7:443", .chain = {two->first},
              .stamp = STAMP, .times = 3);
    UNTRUSTED(text, .store = other_store ? "/usr/sap/PRD/D00/sec/SAPSSLA.pse" : STORE, .target = "second.example.com",
              .peer = "192.0.2.8:443", .chain = {two->second, two->middle}, .stamp = STAMP, .times = 4);
    scene_trace(scene, host, d00, "dev_icm", text->str);
    if (policy)
        scene_policy(scene, policy);
    return scene_run(scene, previous);
}

static struct audit *night(const struct two *two, gboolean leaves_at_hand, gboolean other_store,
                           const struct audit *previous)
{
    return night_with(two, leaves_at_hand, other_store, NULL, previous);
}

static const struct audit_finding *about(const struct audit *audit, const char *subject)
{
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        if (finding->kind == FINDING_MISSING_ANCHOR && finding->cert && strstr(finding->cert->subject, subject))
            return finding;
    }
    cr_assert_fail("nothing about %s", subject);
    return NULL;
}

Test(plan, one_import_heals_what_two_are_asked_for)
{
    g_autoptr(two_auto) two = two_new();
    g_autoptr(audit_auto) audit = night(two, TRUE, FALSE, NULL);
    const struct audit_finding *middle = about(audit, "Issuing CA"), *root = about(audit, "Root R1");
    const struct audit_gap *needed = middle->gaps->pdata[0], *covered = root->gaps->pdata[0];

    /* The root does not heal the first peer, which does not send the intermediate; the intermediate heals both. */
    cr_expect_null(needed->covered_by);
    cr_expect_str_eq(covered->covered_by, middle->id);
    cr_expect_eq(covered->steps->len, 1);
    cr_expect(strstr(covered->steps->pdata[0], "\"Issuing CA\""), "%s", (const char *)covered->steps->pdata[0]);
    cr_expect_str_neq(scene_step(needed->steps, "STRUST"), "");

    g_autoptr(audit_auto) next = night(two, TRUE, FALSE, audit);
    cr_expect_str_eq(((const struct audit_gap *)about(next, "Root R1")->gaps->pdata[0])->covered_by, middle->id);
    g_autofree char *xml = scene_xml(audit);
    cr_expect(strstr(xml, "covered-by=\""));
}

/* The intermediate would heal both, but nobody is going to import it. */
Test(plan, what_is_not_imported_covers_nothing)
{
    g_autoptr(two_auto) two = two_new();
    g_autoptr(audit_auto) plain = night(two, TRUE, FALSE, NULL);
    g_autofree char *waiver = g_strdup_printf("[waiver w]\nfinding=%s\nowner=o\nreason=r\nuntil=2099-01-01\n",
                                              about(plain, "Issuing CA")->id);
    const char *const policies[] = {"[distrusted d]\ncertificates=middle.pem\n", waiver};

    for (size_t i = 0; i < G_N_ELEMENTS(policies); i++) {
        g_autoptr(audit_auto) audit = night_with(two, TRUE, FALSE, policies[i], NULL);
        const struct audit_gap *middle = about(audit, "Issuing CA")->gaps->pdata[0],
                               *root = about(audit, "Root R1")->gaps->pdata[0];
        cr_expect_null(root->covered_by, "%s", policies[i]);
        cr_expect_null(middle->covered_by, "%s: the root does not heal a peer that sends no intermediate", policies[i]);
        cr_expect_str_neq(scene_step(root->steps, "STRUST"), "");
        cr_expect_eq(middle->distrusted, i == 0);
        cr_expect_eq(middle->state == STATE_WAIVED, i == 1);
    }
}

Test(plan, what_is_not_proved_covers_nothing)
{
    g_autoptr(two_auto) two = two_new();
    g_autoptr(audit_auto) unknown = night(two, FALSE, FALSE, NULL);
    for (guint i = 0; i < unknown->findings->len; i++) {
        const struct audit_finding *finding = unknown->findings->pdata[i];
        for (guint j = 0; j < finding->gaps->len; j++) {
            const struct audit_gap *gap = finding->gaps->pdata[j];
            /* That the second peer sends the intermediate is at hand, so the intermediate still covers it. */
            cr_expect(!gap->covered_by || strstr(finding->cert->subject, "Root R1"));
        }
    }
    g_autoptr(audit_auto) apart = night(two, TRUE, TRUE, NULL);
    cr_expect_null(((const struct audit_gap *)about(apart, "Root R1")->gaps->pdata[0])->covered_by, "another store");
    cr_expect_null(((const struct audit_gap *)about(apart, "Issuing CA")->gaps->pdata[0])->covered_by);
}

/* Two certificates of one root, old and new, with one key: either heals, and the one that lasts longer is enough. */
Test(plan, of_two_that_heal_alike_one_is_imported)
{
    g_autoptr(two_auto) two = two_new();
    g_autoptr(issued_auto) renewed =
        certs(.subject = "/C=DE/O=Example/CN=Root R1", .key_of = two->root, .not_after = CERTS_NOW + 5000 * CERTS_DAY);
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");

    scene_store(scene, host, d00, "SAPSSLC.pse", two->nothing);
    scene_reference(scene, "root.pem", two->root);
    scene_reference(scene, "renewed.pem", renewed);
    scene_reference(scene, "middle.pem", two->middle);
    scene_header(text, "1", "785");
    UNTRUSTED(text, .store = STORE, .target = "first.example.com", .peer = "192.0.2.7:443",
              .chain = {two->first, two->middle, two->root}, .stamp = STAMP, .times = 9);
    UNTRUSTED(text, .store = STORE, .target = "second.example.com", .peer = "192.0.2.8:443",
              .chain = {two->second, two->middle, renewed}, .stamp = STAMP);
    scene_trace(scene, host, d00, "dev_icm", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(scene_count(audit, FINDING_MISSING_ANCHOR), 2);
    const struct audit_finding *kept = NULL, *left = NULL;
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        if (finding->kind != FINDING_MISSING_ANCHOR)
            continue;
        if (((const struct audit_gap *)finding->gaps->pdata[0])->covered_by)
            left = finding;
        else
            kept = finding;
    }
    cr_assert(kept && left);
    cr_expect_eq(kept->cert->not_after, CERTS_NOW + 5000 * CERTS_DAY);
    cr_expect_str_eq(((const struct audit_gap *)left->gaps->pdata[0])->covered_by, kept->id);
}
