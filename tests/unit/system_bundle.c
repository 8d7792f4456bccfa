/* This system's own bundle of public certificates: what it answers, and what it never displaces. */
#include "analysis.h"
#include "scene.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

#define STORE "/usr/sap/PRD/D00/sec/SAPSSLC.pse"

/* ROOT has two certificates: its own, and CROSS, issued by another root.  STRANGER has its name and another key. */
struct world {
    struct issued *root, *cross, *over, *other, *middle, *leaf, *stranger, *unused;
};

static void world_init(struct world *world)
{
    world->other = certs(.subject = "/C=DE/O=Else/CN=Other Root");
    world->root = certs(.subject = "/C=DE/O=Example/CN=Root");
    world->cross = certs(.subject = "/C=DE/O=Example/CN=Root", .issuer = world->other, .key_of = world->root);
    world->over = certs(.subject = "/C=DE/O=Example/CN=Root", .issuer = world->other, .key_of = world->root,
                        .not_after = CERTS_NOW - CERTS_DAY);
    world->middle = certs(.subject = "/C=DE/O=Example/CN=Issuing CA", .issuer = world->root);
    world->leaf = certs(.subject = "/CN=api.example.com", .issuer = world->middle, .leaf = TRUE);
    world->stranger = certs(.subject = "/C=DE/O=Example/CN=Root");
    world->unused = certs(.subject = "/C=DE/O=Else/CN=Never asked for");
}

static void world_clear(struct world *world)
{
    certs_free(world->root);
    certs_free(world->cross);
    certs_free(world->over);
    certs_free(world->other);
    certs_free(world->middle);
    certs_free(world->leaf);
    certs_free(world->stranger);
    certs_free(world->unused);
}

static gboolean knows(const struct audit *audit, const struct issued *issued)
{
    for (guint i = 0; i < audit->certs->len; i++) {
        const struct audit_cert *cert = audit->certs->pdata[i];
        if (cert->der && g_bytes_equal(cert->der, issued->der))
            return TRUE;
    }
    return FALSE;
}

/* A host whose store lacks ROOT, and another one whose store holds ${held} (or nothing) and perhaps the issuing CA. */
static void build(struct scene *scene, const struct world *world, const struct issued *held, gboolean signature)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GBytes) none = g_bytes_new("", 0);
    struct capture_host *app01 = scene_host(scene, "app01"), *app02 = scene_host(scene, "app02");
    struct capture_instance *d00 = scene_instance(app01, "PRD", "D00"), *d10 = scene_instance(app02, "QAS", "D10");

    scene_header(text, "2", "785");
    UNTRUSTED(text, .store = STORE, .target = "api.example.com", .peer = "192.0.2.7:443",
              .chain = {world->leaf, world->middle});
    scene_trace(scene, app01, d00, "dev_icm", text->str);
    scene_store(scene, app01, d00, "SAPSSLC.pse", none);
    scene_store(scene, app02, d10, "SAPSSLC.pse", certs_join(signature ? world->middle : world->unused, held, NULL));
}

Test(system_bundle, what_is_recommended)
{
    struct world world;
    world_init(&world);
    const struct {
        const char *what;
        const struct issued *held, *reference, *bundle[2];
        gboolean signature; /* can be checked */
        const struct issued *wanted;
        gboolean public;
        enum audit_match match;
    } rows[] = {
        {"only the bundle has it", NULL, NULL, {world.root}, TRUE, world.root, TRUE, MATCH_PROVED},
        {"by its name alone", NULL, NULL, {world.root}, FALSE, world.root, TRUE, MATCH_NAME},
        {"the landscape has it too", world.root, NULL, {world.root}, TRUE, world.root, TRUE, MATCH_PROVED},
        {"the landscape has another one that heals",
         world.cross,
         NULL,
         {world.root},
         TRUE,
         world.cross,
         FALSE,
         MATCH_PROVED},
        {"a reference has another one that heals",
         NULL,
         world.cross,
         {world.root},
         TRUE,
         world.cross,
         FALSE,
         MATCH_PROVED},
        {"the landscape's is over", world.over, NULL, {world.root}, TRUE, world.root, TRUE, MATCH_PROVED},
        {"another key in the bundle", world.root, NULL, {world.stranger}, TRUE, world.root, FALSE, MATCH_PROVED},
        {"another key in the bundle, by name", world.root, NULL, {world.stranger}, FALSE, NULL, FALSE, MATCH_AMBIGUOUS},
        {"two keys in the bundle, by name",
         NULL,
         NULL,
         {world.root, world.stranger},
         FALSE,
         NULL,
         FALSE,
         MATCH_AMBIGUOUS},
        {"only another key", NULL, NULL, {world.stranger}, TRUE, world.middle, FALSE, MATCH_SERIAL},
        {"nothing but the issuing CA", NULL, NULL, {world.unused}, TRUE, world.middle, FALSE, MATCH_SERIAL},
        {"nothing", NULL, NULL, {world.unused}, FALSE, NULL, FALSE, MATCH_NONE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        build(scene, &world, rows[i].held, rows[i].signature);
        for (guint j = 0; j < 2 && rows[i].bundle[j]; j++)
            scene_system(scene, rows[i].bundle[j]);
        if (rows[i].reference)
            scene_reference(scene, "reference.pem", rows[i].reference);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = scene_finding(audit, FINDING_MISSING_ANCHOR);
        if (!finding)
            finding = scene_finding(audit, FINDING_UNKNOWN_ISSUER);
        cr_assert(finding, "%s", rows[i].what);
        cr_expect_eq(finding->match, rows[i].match, "%s: %d", rows[i].what, finding->match);
        cr_assert_eq(finding->cert != NULL, rows[i].wanted != NULL, "%s", rows[i].what);
        if (!finding->cert)
            continue;
        cr_expect(g_bytes_equal(finding->cert->der, rows[i].wanted->der), "%s: %s", rows[i].what, finding->proof);
        cr_expect_eq(finding->cert->bundle != NULL, rows[i].public, "%s", rows[i].what);
        const struct audit_gap *gap = finding->gaps->pdata[0];
        cr_expect_eq(*scene_step(gap->steps, "It is public, from this system's bundle (") != '\0', rows[i].public, "%s",
                     rows[i].what);
    }
    world_clear(&world);
}

/* The bundle changes an audit only where a finding names one of its certificates; what it was is recorded. */
Test(system_bundle, what_an_audit_keeps)
{
    struct world world;
    world_init(&world);
    g_autoptr(scene_auto) scene = scene_new();
    build(scene, &world, NULL, TRUE);
    g_autoptr(audit_auto) without = scene_run(scene, NULL);
    cr_expect_eq(without->references->len, 0);

    g_autoptr(scene_auto) again = scene_new();
    build(again, &world, NULL, TRUE);
    scene_system(again, world.root);
    scene_system(again, world.other);
    scene_reference(again, "reference.pem", world.stranger);
    g_autoptr(audit_auto) audit = scene_run(again, NULL);
    cr_expect(knows(audit, world.root), "the finding names it");
    cr_expect_not(knows(audit, world.other), "nothing names it");
    cr_expect(knows(audit, world.stranger), "a reference that somebody has named stays");
    cr_assert_eq(audit->references->len, 2);
    const struct audit_reference *bundle = audit->references->pdata[0], *file = audit->references->pdata[1];
    if (!bundle->system) {
        const struct audit_reference *first = bundle;
        bundle = file;
        file = first;
    }
    g_autofree char *bytes = NULL;
    gsize size;
    cr_assert(g_file_get_contents(again->system, &bytes, &size, NULL));
    g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)bytes, size);
    cr_expect_str_eq(bundle->path, again->system);
    cr_expect_str_eq(bundle->sha256, sum);
    cr_expect_eq(bundle->certs, 2);
    cr_expect_not(file->system);

    /* An audit that went through its XML says the same of where to get it. */
    g_autofree char *xml = scene_xml(audit);
    cr_expect(strstr(xml, "system=\"true\""), "%s", xml);
    world_clear(&world);
}

static struct audit *explain(const char *path, const struct references *references)
{
    g_autoptr(GError) error = NULL;
    const struct analysis_options options = {.at = CERTS_NOW, .references = references};
    struct audit *audit = analysis_explain((const char *const[]){path, NULL}, &options, &error);
    cr_assert_null(error, "%s", error ? error->message : "");
    cr_assert_eq(audit->failures->len, 1);
    return audit;
}

/* "explain" looks there too, by the same rules. */
Test(system_bundle, explain)
{
    struct world world;
    world_init(&world);
    const struct {
        const char *what;
        const struct issued *bundle[3];
        const struct issued *wanted;
        enum audit_match match;
        guint candidates;
    } rows[] = {
        {"by its name", {world.root}, world.root, MATCH_NAME, 0},
        {"proved", {world.root, world.middle}, world.root, MATCH_PROVED, 0},
        {"two of the name", {world.root, world.stranger}, NULL, MATCH_AMBIGUOUS, 2},
        {"two of the name, one has signed", {world.root, world.stranger, world.middle}, world.root, MATCH_PROVED, 0},
        {"none", {world.other}, NULL, MATCH_NONE, 0},
    };
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    g_autofree char *trace = g_build_filename(folder, "dev_icm", NULL),
                    *bundle = g_build_filename(folder, "b.pem", NULL);

    scene_header(text, "2", "785");
    UNTRUSTED(text, .store = STORE, .target = "api.example.com", .peer = "192.0.2.7:443",
              .chain = {world.leaf, world.middle});
    cr_assert(g_file_set_contents(trace, text->str, -1, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(references_auto) references = references_new();
        g_autoptr(GString) pem = g_string_new(NULL);
        for (guint j = 0; j < 3 && rows[i].bundle[j]; j++) {
            g_autofree char *one = certs_pem(rows[i].bundle[j]);
            g_string_append(pem, one);
        }
        cr_assert(g_file_set_contents(bundle, pem->str, -1, NULL));
        cr_assert(references_add_system(references, bundle, NULL));
        g_autoptr(audit_auto) audit = explain(trace, references);
        const struct audit_known *known = ((struct audit_failure *)audit->failures->pdata[0])->known;
        cr_assert(known, "%s", rows[i].what);
        cr_expect_eq(known->match, rows[i].match, "%s: %d", rows[i].what, known->match);
        cr_expect_eq(known->candidates->len, rows[i].candidates, "%s", rows[i].what);
        cr_assert_eq(known->cert != NULL, rows[i].wanted != NULL, "%s", rows[i].what);
        cr_expect(!known->cert || g_bytes_equal(known->cert->der, rows[i].wanted->der), "%s", rows[i].what);
        cr_expect(!known->cert || g_strcmp0(known->cert->bundle, bundle) == 0, "%s", rows[i].what);
    }
    g_autoptr(references_auto) none = references_new();
    g_autoptr(audit_auto) audit = explain(trace, none);
    cr_expect_null(((struct audit_failure *)audit->failures->pdata[0])->known, "nothing was looked for");
    g_unlink(trace);
    g_unlink(bundle);
    g_rmdir(folder);
    world_clear(&world);
}
