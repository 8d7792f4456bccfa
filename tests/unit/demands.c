/* analyzer/demands, strength: what a policy asks for, which stores do not hold to it, and how that goes on by night. */
#include "demands.h"

#include "moment.h"
#include "policy_parse.h"
#include "scene.h"
#include "strength.h"

#include <criterion/criterion.h>
#include <openssl/objects.h>
#include <string.h>

#define DAY CERTS_DAY

static void set_own(struct scene *scene, struct capture_store *store, const struct issued *own)
{
    store->own = scene_object(scene, g_bytes_get_data(own->der, NULL), g_bytes_get_size(own->der));
}

static void set_unread(struct capture_store *store)
{
    g_free(store->method);
    store->method = g_strdup("none");
    store->reason = g_strdup("not-allowed");
}

/* Labels of the open gaps of a finding, in their order. */
static char *open_gaps(const struct audit_finding *finding)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; finding && i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        if (gap->state != STATE_FIXED)
            g_string_append_printf(text, "%s%s", text->len ? ", " : "", gap->store->label);
    }
    return g_string_free(text, FALSE);
}

static char *stores_of(const struct audit_finding *finding)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; finding && i < finding->stores->len; i++)
        g_string_append_printf(text, "%s%s", i ? ", " : "",
                               ((const struct audit_store *)finding->stores->pdata[i])->label);
    return g_string_free(text, FALSE);
}

/* ABAP systems PRD (production) and QAS (test) and a Web Dispatcher; their SAPSSLC.pse and SAPSSLS.pse hold ${held}. */
static void add_systems(struct scene *scene, const struct issued *held)
{
    g_autoptr(GBytes) list = certs_join(held, NULL);
    static const struct {
        const char *host, *tier, *group, *sid, *instance;
    } rows[] = {
        {"prd01", "production", "abap", "PRD", "D00"},
        {"qas01", "test", "abap", "QAS", "D00"},
        {"web01", "production", "dmz", "WDP", "W20"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct capture_host *host = scene_host(scene, rows[i].host);
        struct capture_instance *instance = scene_instance(host, rows[i].sid, rows[i].instance);
        host->tier = g_strdup(rows[i].tier);
        g_ptr_array_add(host->groups, g_strdup(rows[i].group));
        scene_store(scene, host, instance, "SAPSSLC.pse", list);
        scene_store(scene, host, instance, "SAPSSLS.pse", list);
    }
}

#define PRD_C      "PRD SAPSSLC.pse"
#define PRD_S      "PRD SAPSSLS.pse"
#define QAS_C      "QAS SAPSSLC.pse"
#define QAS_S      "QAS SAPSSLS.pse"
#define WEB_C      "web01 W20 SAPSSLC.pse"
#define WEB_S      "web01 W20 SAPSSLS.pse"
#define EVERYWHERE PRD_C ", " PRD_S ", " QAS_C ", " QAS_S ", " WEB_C ", " WEB_S

Test(demands, selections)
{
    static const struct {
        const char *selection, *stores;
    } rows[] = {
        {"", EVERYWHERE},
        {"file=SAPSSLC.pse", PRD_C ", " QAS_C ", " WEB_C},
        {"file=SAPSSL?.pse", EVERYWHERE},
        {"file=sapsslc.pse", ""},
        {"role=SSL client*", PRD_C ", " QAS_C ", " WEB_C},
        {"role=SSL server (Standard);none", PRD_S ", " QAS_S ", " WEB_S},
        {"sid=PRD", PRD_C ", " PRD_S},
        {"sid=?AS;WD*", QAS_C ", " QAS_S ", " WEB_C ", " WEB_S},
        {"tier=production", PRD_C ", " PRD_S ", " WEB_C ", " WEB_S},
        {"group=abap", PRD_C ", " PRD_S ", " QAS_C ", " QAS_S},
        {"tier=production\ngroup=abap", PRD_C ", " PRD_S},
        {"tier=test\ngroup=dmz", ""},
        {"kind=webdisp", WEB_C ", " WEB_S},
        {"kind=abap;hana\nfile=SAPSSLS.pse\ntier=t*", QAS_S},
    };
    g_autoptr(issued_auto) held = certs(.subject = "/CN=Held"), wanted = certs(.subject = "/CN=Wanted");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autofree char *text = g_strdup_printf("[required r]\ncertificates=wanted.pem\n%s\n"
                                                "[distrusted d]\ncertificates=held.pem\n%s\n",
                                                rows[i].selection, rows[i].selection);
        add_systems(scene, held);
        scene_file(scene, "wanted.pem", wanted);
        scene_file(scene, "held.pem", held);
        scene_policy(scene, text);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        g_autofree char *missing = open_gaps(scene_finding(audit, FINDING_POLICY_MISSING));
        g_autofree char *distrusted = stores_of(scene_finding(audit, FINDING_DISTRUSTED));
        cr_expect_str_eq(missing, rows[i].stores, "%s: %s", rows[i].selection, missing);
        cr_expect_str_eq(distrusted, rows[i].stores, "%s: %s", rows[i].selection, distrusted);
        /* A section that is about nothing is more likely a slip of the pen. */
        cr_expect_eq(audit->warnings->len, *rows[i].stores ? 0 : 2, "%s", rows[i].selection);
        if (!*rows[i].stores)
            cr_expect_str_eq(audit->warnings->pdata[0], "policy.ini:1: [required r]: selects no trust store");
    }
}

Test(demands, a_required_certificate)
{
    g_autoptr(issued_auto) held = certs(.subject = "/CN=Held"), wanted = certs(.subject = "/CN=Wanted Root/O=W");
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GBytes) both = certs_join(held, wanted, NULL);
    add_systems(scene, held);
    struct capture_host *host = scene_host(scene, "app09");
    struct capture_instance *d00 = scene_instance(host, "DEV", "D00"), *d01 = scene_instance(host, "TST", "D01");
    scene_store(scene, host, d00, "SAPSSLC.pse", both);
    set_unread(scene_store(scene, host, d01, "SAPSSLC.pse", both));
    scene_file(scene, "roots/wanted.pem", wanted);
    scene_policy(scene, "[required a]\ncertificates=roots\nfile=SAPSSLC.pse\nseverity=high\n"
                        "[required b]\ncertificates=roots/wanted.pem\nsid=PRD\nseverity=low\n");
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(scene_count(audit, FINDING_POLICY_MISSING), 1, "one for each certificate");
    const struct audit_finding *finding = scene_finding(audit, FINDING_POLICY_MISSING);
    g_autofree char *gaps = open_gaps(finding);
    cr_expect_str_eq(gaps, PRD_C ", " PRD_S ", " QAS_C ", " WEB_C);
    cr_expect_eq(finding->severity, SEVERITY_HIGH, "the worst of its sections");
    cr_expect_eq(finding->state, STATE_NEW);
    cr_expect_str_eq(finding->title, "Wanted Root is required and missing in 4 trust stores");
    cr_expect_str_eq(finding->detail,
                     "Required by [required a], [required b] of the policy: 1 trust stores hold it, 4 lack it; of 1 "
                     "more it is not known, since their lists were not wholly read.");
    cr_assert_not_null(finding->cert);
    cr_assert_eq(finding->cert->references->len, 1);
    cr_expect(g_str_has_suffix(finding->cert->references->pdata[0], "/roots/wanted.pem"));
    const struct audit_gap *gap = scene_gap(finding, PRD_C);
    cr_expect_eq(gap->basis, BASIS_REQUIRED);
    cr_expect_eq(gap->state, STATE_NEW);
    cr_expect_str_neq(scene_step(gap->steps, "STRUST"), "");
    cr_expect_str_neq(scene_step(gap->steps, "PEM of \"Wanted Root\""), "");
    cr_expect_str_eq(scene_step(gap->steps, "trace level"), "", "nothing was traced for it");
    cr_expect_str_neq(scene_step(scene_gap(finding, WEB_C)->steps, "maintain_pk -a CERT.pem"), "");
}

Test(demands, where_only_some_instances_have_it)
{
    g_autoptr(issued_auto) wanted = certs(.subject = "/CN=Wanted"), other = certs(.subject = "/CN=Other");
    g_autoptr(GBytes) with = certs_join(wanted, NULL), without = certs_join(other, NULL);
    static const struct {
        gboolean first_unread, second_lacks;
        gboolean missing;
    } rows[] = {
        {FALSE, TRUE, TRUE},   /* one has it, one lacks it */
        {FALSE, FALSE, FALSE}, /* both have it */
        {TRUE, TRUE, TRUE},    /* one lacks it, whatever the other one has */
        {TRUE, FALSE, FALSE},  /* one has it, nothing is known of the other */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        for (int j = 0; j < 2; j++) {
            struct capture_host *host = scene_host(scene, j ? "app02" : "app01");
            struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
            struct capture_store *store =
                scene_store(scene, host, d00, "SAPSSLC.pse", j && rows[i].second_lacks ? without : with);
            if (!j && rows[i].first_unread)
                set_unread(store);
        }
        scene_file(scene, "wanted.pem", wanted);
        scene_policy(scene, "[required r]\ncertificates=wanted.pem\n");
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = scene_finding(audit, FINDING_POLICY_MISSING);
        cr_assert_eq(finding != NULL, rows[i].missing, "%zu", i);
        if (i == 0)
            cr_expect_str_eq(scene_gap(finding, PRD_C)->note, "Some instances of the system have it, others lack it.");
    }
}

/* Imported on one instance, and nobody knows of the other. */
Test(demands, a_gap_that_may_be_healed)
{
    g_autoptr(issued_auto) wanted = certs(.subject = "/CN=Wanted"), other = certs(.subject = "/CN=Other");
    g_autoptr(GBytes) with = certs_join(wanted, NULL), without = certs_join(other, NULL);
    g_autoptr(audit_auto) first = NULL;
    for (int night = 0; night < 2; night++) {
        g_autoptr(scene_auto) scene = scene_new();
        for (int i = 0; i < 2; i++) {
            struct capture_host *host = scene_host(scene, i ? "app02" : "app01");
            struct capture_store *store =
                scene_store(scene, host, scene_instance(host, "PRD", "D00"), "SAPSSLC.pse", night ? with : without);
            if (night && i)
                set_unread(store);
        }
        scene_file(scene, "wanted.pem", wanted);
        scene_policy(scene, "[required r]\ncertificates=wanted.pem\n");
        if (!night) {
            first = scene_run(scene, NULL);
            continue;
        }
        g_autoptr(audit_auto) second = scene_run_at(scene, first, CERTS_NOW + DAY);
        const struct audit_finding *finding = scene_finding(second, FINDING_POLICY_MISSING);
        cr_assert_not_null(finding);
        cr_expect_eq(scene_gap(finding, PRD_C)->state, STATE_OPEN);
        cr_expect_str_eq(finding->title, "Wanted is required and missing in PRD SAPSSLC.pse");
    }
}

/* What cannot be parsed may be just what is looked for. */
Test(demands, a_list_that_was_read_in_part)
{
    static const uint8_t broken[] = {0x30, 0x03, 0x02, 0x01, 0x00};
    g_autoptr(issued_auto) wanted = certs(.subject = "/CN=Wanted"), other = certs(.subject = "/CN=Other");
    for (int held = 0; held < 2; held++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        GBytes *der = held ? wanted->der : other->der;
        g_byte_array_append(bytes, g_bytes_get_data(der, NULL), (guint)g_bytes_get_size(der));
        g_byte_array_append(bytes, broken, sizeof broken);
        g_autoptr(GBytes) list = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
        struct capture_host *host = scene_host(scene, "app01");
        scene_store(scene, host, scene_instance(host, "PRD", "D00"), "SAPSSLC.pse", list);
        scene_file(scene, "wanted.pem", wanted);
        scene_file(scene, "other.pem", other);
        scene_policy(scene, "[required r]\ncertificates=wanted.pem\n[distrusted d]\ncertificates=other.pem\n");
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_expect_eq(scene_count(audit, FINDING_POLICY_MISSING), 0, "its absence is not known");
        cr_expect_eq(scene_count(audit, FINDING_DISTRUSTED), held ? 0 : 1, "what was read of it counts");
    }
}

Test(demands, one_host_has_to_fit_tier_and_group)
{
    g_autoptr(issued_auto) held = certs(.subject = "/CN=Held"), wanted = certs(.subject = "/CN=Wanted");
    g_autoptr(GBytes) list = certs_join(held, NULL);
    for (int fits = 0; fits < 2; fits++) {
        g_autoptr(scene_auto) scene = scene_new();
        for (int i = 0; i < 2; i++) {
            struct capture_host *host = scene_host(scene, i ? "app02" : "app01");
            host->tier = g_strdup(i ? "test" : "production");
            if (i != fits)
                g_ptr_array_add(host->groups, g_strdup("dmz"));
            scene_store(scene, host, scene_instance(host, "PRD", "D00"), "SAPSSLC.pse", list);
        }
        scene_file(scene, "wanted.pem", wanted);
        scene_policy(scene, "[required r]\ncertificates=wanted.pem\ntier=production\ngroup=dmz\n");
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_expect_eq(scene_count(audit, FINDING_POLICY_MISSING), (unsigned)fits);
    }
}

enum night { LACKS, HOLDS, UNREAD, FAILED, NO_STORE, NO_HOST, NOT_SELECTED, NOT_REQUIRED, NO_POLICY, DISTRUSTED_TOO };

static struct audit *required_night(enum night night, const struct issued *wanted, const struct issued *other,
                                    const struct audit *previous, int64_t at)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GBytes) list = night == HOLDS ? certs_join(wanted, other, NULL) : certs_join(other, NULL);
    struct capture_host *quiet = scene_host(scene, "app02");
    scene_store(scene, quiet, scene_instance(quiet, "QAS", "D00"), "SAPSSLS.pse", list);
    quiet->finished = at;
    if (night != NO_HOST) {
        struct capture_host *host = scene_host(scene, "app01");
        host->finished = at;
        if (night == FAILED)
            host->status = CAPTURE_FAILED;
        struct capture_instance *d00 = night == FAILED ? NULL : scene_instance(host, "PRD", "D00");
        struct capture_store *store =
            night == FAILED || night == NO_STORE ? NULL : scene_store(scene, host, d00, "SAPSSLC.pse", list);
        if (night == UNREAD)
            set_unread(store);
    }
    scene_file(scene, "wanted.pem", wanted);
    scene_file(scene, "other.pem", other);
    if (night == NOT_SELECTED)
        scene_policy(scene, "[required r]\ncertificates=wanted.pem\nsid=QAS\nfile=SAPSSLC.pse\n");
    else if (night == NOT_REQUIRED)
        scene_policy(scene, "[required r]\ncertificates=other.pem\n");
    else if (night == DISTRUSTED_TOO)
        scene_policy(scene, "[required r]\ncertificates=wanted.pem\nfile=SAPSSLC.pse\n"
                            "[distrusted d]\ncertificates=wanted.pem\n");
    else if (night != NO_POLICY)
        scene_policy(scene, "[required r]\ncertificates=wanted.pem\nfile=SAPSSLC.pse\n");
    return scene_run_at(scene, previous, at);
}

Test(demands, required_from_night_to_night)
{
    static const struct {
        enum night night;
        int days;
        gboolean carried; /* the finding is in the second audit */
        enum audit_state state, third;
        const char *note; /* of its gap; NULL: it has none */
    } rows[] = {
        {LACKS, 1, TRUE, STATE_OPEN, STATE_OPEN, ""},
        {HOLDS, 1, TRUE, STATE_FIXED, STATE_RETURNED, "The list holds it now."},
        {UNREAD, 1, TRUE, STATE_OPEN, STATE_OPEN, "The list was not wholly read tonight."},
        {FAILED, 1, TRUE, STATE_OPEN, STATE_OPEN, "The list was not wholly read tonight."},
        {NO_STORE, 1, TRUE, STATE_FIXED, STATE_RETURNED, "The PSE is not there any more."},
        {NO_HOST, 1, TRUE, STATE_OPEN, STATE_OPEN, "The list was not wholly read tonight."},
        {NO_HOST, 31, FALSE, STATE_OPEN, STATE_NEW, NULL},
        {NOT_SELECTED, 1, TRUE, STATE_FIXED, STATE_RETURNED, "The policy does not ask for it there any more."},
        {NOT_REQUIRED, 1, TRUE, STATE_FIXED, STATE_RETURNED, NULL},
        {NO_POLICY, 1, TRUE, STATE_FIXED, STATE_RETURNED, NULL},
        {DISTRUSTED_TOO, 1, TRUE, STATE_FIXED, STATE_RETURNED, "The policy does not ask for it there any more."},
    };
    g_autoptr(issued_auto) wanted = certs(.subject = "/CN=Wanted"), other = certs(.subject = "/CN=Other");
    g_autoptr(audit_auto) first = required_night(LACKS, wanted, other, NULL, CERTS_NOW);
    const struct audit_finding *finding = scene_finding(first, FINDING_POLICY_MISSING);
    cr_assert_not_null(finding);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int64_t at = CERTS_NOW + rows[i].days * DAY;
        g_autoptr(audit_auto) second = required_night(rows[i].night, wanted, other, first, at);
        const struct audit_finding *after = NULL;
        for (guint j = 0; j < second->findings->len; j++)
            if (g_str_equal(((struct audit_finding *)second->findings->pdata[j])->id, finding->id))
                after = second->findings->pdata[j];
        cr_assert_eq(after != NULL, rows[i].carried, "%zu", i);
        if (after) {
            cr_expect_eq(after->state, rows[i].state, "%zu", i);
            cr_expect_eq(after->first_seen, CERTS_NOW, "%zu", i);
            cr_expect_eq(after->last_seen, rows[i].state == STATE_FIXED ? CERTS_NOW : at, "%zu", i);
            cr_assert_eq(after->gaps->len, rows[i].note ? 1 : 0, "%zu", i);
            if (rows[i].note) {
                const struct audit_gap *gap = after->gaps->pdata[0];
                cr_expect_str_eq(gap->note ? gap->note : "", rows[i].note, "%zu", i);
                cr_expect_eq(gap->state, rows[i].state, "%zu", i);
                cr_expect_eq(gap->first_seen, CERTS_NOW, "%zu", i);
            } else {
                cr_expect(g_str_has_suffix(after->detail, "The policy does not ask for it any more."), "%zu", i);
            }
        }
        g_autoptr(audit_auto) third = required_night(LACKS, wanted, other, second, at + DAY);
        const struct audit_finding *again = scene_finding(third, FINDING_POLICY_MISSING);
        cr_assert_not_null(again);
        cr_expect_eq(again->state, rows[i].third, "%zu: %d", i, (int)again->state);
        /* Fixed once, and then forgotten. */
        if (rows[i].state != STATE_FIXED)
            continue;
        g_autoptr(audit_auto) fourth = required_night(rows[i].night, wanted, other, second, at + DAY);
        for (guint j = 0; j < fourth->findings->len; j++)
            cr_expect_str_neq(((struct audit_finding *)fourth->findings->pdata[j])->id, finding->id, "%zu", i);
    }
}

Test(demands, a_gap_that_comes_back)
{
    g_autoptr(issued_auto) wanted = certs(.subject = "/CN=Wanted"), other = certs(.subject = "/CN=Other");
    g_autoptr(audit_auto) first = required_night(LACKS, wanted, other, NULL, CERTS_NOW);
    g_autoptr(audit_auto) second = required_night(HOLDS, wanted, other, first, CERTS_NOW + DAY);
    g_autoptr(audit_auto) third = required_night(LACKS, wanted, other, second, CERTS_NOW + 2 * DAY);
    const struct audit_gap *gap = scene_gap(scene_finding(third, FINDING_POLICY_MISSING), PRD_C);
    cr_expect_eq(gap->state, STATE_RETURNED);
    cr_expect(g_str_has_prefix(gap->note, "The list held it the night before and has lost it."));
}

Test(demands, required_and_distrusted)
{
    g_autoptr(issued_auto) held = certs(.subject = "/CN=Held"), wanted = certs(.subject = "/CN=Wanted");
    g_autoptr(scene_auto) scene = scene_new();
    add_systems(scene, held);
    scene_file(scene, "wanted.pem", wanted);
    scene_policy(scene, "[required r]\ncertificates=wanted.pem\n[distrusted d]\ncertificates=wanted.pem\nsid=PRD\n");
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    g_autofree char *gaps = open_gaps(scene_finding(audit, FINDING_POLICY_MISSING));
    cr_expect_str_eq(gaps, QAS_C ", " QAS_S ", " WEB_C ", " WEB_S);
    cr_assert_eq(audit->warnings->len, 1);
    cr_expect_str_eq(audit->warnings->pdata[0], "policy.ini: \"CN=Wanted\" is required and distrusted in 2 trust "
                                                "stores; it counts as distrusted there");
}

/* Distrusted. */

Test(demands, a_distrusted_certificate)
{
    g_autoptr(issued_auto) held = certs(.subject = "/CN=Held");
    g_autoptr(scene_auto) scene = scene_new();
    add_systems(scene, held);
    struct capture_host *host = scene_host(scene, "jav01");
    g_autoptr(GBytes) list = certs_join(held, NULL);
    scene_store(scene, host, scene_instance(host, "JAV", "J10"), "SAPSSLS.pse", list);
    scene_file(scene, "held.pem", held);
    scene_policy(scene, "[distrusted bad CAs]\ncertificates=held.pem\nfile=SAPSSLS.pse\n");
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = scene_finding(audit, FINDING_DISTRUSTED);
    cr_assert_not_null(finding);
    cr_expect_eq(finding->severity, SEVERITY_HIGH);
    cr_expect_str_eq(finding->title, "Held is distrusted, and 4 trust stores hold it");
    cr_expect_str_eq(finding->detail, "Distrusted by [distrusted bad CAs] of the policy. Peers whose chain ends in it "
                                      "are trusted by these stores.");
    cr_expect_eq(finding->cert->references->len, 0, "it is no certificate to import");
    cr_expect_str_neq(scene_step(finding->steps, "In ABAP systems (PRD first)"), "");
    cr_expect_str_neq(scene_step(finding->steps, "In Java systems (jav01 J10 SAPSSLS.pse first)"), "");
    cr_expect_str_neq(scene_step(finding->steps, "Elsewhere (web01 W20 SAPSSLS.pse first)"), "");
    cr_expect_str_neq(scene_step(finding->steps, "maintain_pk -d NUMBER -p SAPSSLS.pse"), "");
}

static struct audit *distrusted_night(enum night night, const struct issued *bad, const struct issued *other,
                                      const struct audit *previous, int64_t at)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GBytes) list = night == LACKS ? certs_join(other, NULL) : certs_join(bad, other, NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_store *store = scene_store(scene, host, scene_instance(host, "PRD", "D00"), "SAPSSLC.pse", list);
    host->finished = at;
    if (night == UNREAD)
        set_unread(store);
    scene_file(scene, "bad.pem", bad);
    if (night == NOT_SELECTED)
        scene_policy(scene, "[distrusted d]\ncertificates=bad.pem\nsid=QAS\n");
    else if (night != NO_POLICY)
        scene_policy(scene, "[distrusted d]\ncertificates=bad.pem\n");
    return scene_run_at(scene, previous, at);
}

Test(demands, distrusted_from_night_to_night)
{
    static const struct {
        enum night night;
        enum audit_state state;
        const char *end; /* of its detail */
    } rows[] = {
        {HOLDS, STATE_OPEN, "by these stores."},
        {LACKS, STATE_FIXED, "by these stores."},
        {UNREAD, STATE_OPEN, "Not looked at in this audit."},
        {NOT_SELECTED, STATE_FIXED, "The policy does not ask for it any more."},
        {NO_POLICY, STATE_FIXED, "The policy does not ask for it any more."},
    };
    g_autoptr(issued_auto) bad = certs(.subject = "/CN=Bad"), other = certs(.subject = "/CN=Other");
    g_autoptr(audit_auto) first = distrusted_night(HOLDS, bad, other, NULL, CERTS_NOW);
    cr_assert_eq(scene_count(first, FINDING_DISTRUSTED), 1);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) second = distrusted_night(rows[i].night, bad, other, first, CERTS_NOW + DAY);
        const struct audit_finding *finding = scene_finding(second, FINDING_DISTRUSTED);
        cr_assert_not_null(finding, "%zu", i);
        cr_expect_eq(finding->state, rows[i].state, "%zu", i);
        cr_expect(g_str_has_suffix(finding->detail, rows[i].end), "%zu: %s", i, finding->detail);
        g_autoptr(audit_auto) third = distrusted_night(HOLDS, bad, other, second, CERTS_NOW + 2 * DAY);
        cr_expect_eq(scene_finding(third, FINDING_DISTRUSTED)->state,
                     rows[i].state == STATE_FIXED ? STATE_RETURNED : STATE_OPEN, "%zu", i);
    }
}

Test(demands, what_is_distrusted_is_not_offered)
{
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Bad Root"), leaf = certs(.subject = "/CN=a", .issuer = root);
    g_autoptr(issued_auto) other = certs(.subject = "/CN=Other");
    g_autoptr(GBytes) list = certs_join(other, NULL);
    static const struct {
        const char *policy;
        gboolean reference, offered;
    } rows[] = {
        {"[distrusted d]\ncertificates=root.pem\n", TRUE, FALSE},
        {"[distrusted d]\ncertificates=root.pem\nsid=QAS\n", TRUE, TRUE},
        /* That the policy distrusts it elsewhere is no reason to import it here. */
        {"[distrusted d]\ncertificates=root.pem\nsid=QAS\n", FALSE, FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        scene_store(scene, host, d00, "SAPSSLC.pse", list);
        UNTRUSTED(text, .target = "a.example.com", .store = "/usr/sap/PRD/D00/sec/SAPSSLC.pse", .chain = {leaf, root});
        scene_trace(scene, host, d00, "dev_icm", text->str);
        if (rows[i].reference)
            scene_reference(scene, "root.pem", root);
        else
            scene_file(scene, "root.pem", root);
        scene_policy(scene, rows[i].policy);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = scene_finding(audit, FINDING_MISSING_ANCHOR);
        cr_assert_not_null(finding);
        const struct audit_gap *gap = scene_gap(finding, PRD_C);
        cr_expect_eq(g_str_has_suffix(finding->detail, "The policy distrusts this certificate: do not import it."),
                     !rows[i].offered, "%zu", i);
        cr_expect_eq(scene_step(gap->steps, "Do not import this certificate: [distrusted d]")[0] != '\0',
                     !rows[i].offered, "%zu", i);
        cr_expect_eq(scene_step(gap->steps, "CERT.pem")[0] != '\0', rows[i].offered, "%zu", i);
    }
}

Test(demands, a_distrusted_candidate)
{
    g_autoptr(issued_auto) one = certs(.subject = "/CN=Twin"), two = certs(.subject = "/CN=Twin");
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=a", .issuer = one), other = certs(.subject = "/CN=Other");
    g_autoptr(GBytes) list = certs_join(other, NULL);
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    scene_store(scene, host, d00, "SAPSSLC.pse", list);
    UNTRUSTED(text, .target = "a.example.com", .store = "/usr/sap/PRD/D00/sec/SAPSSLC.pse", .chain = {leaf});
    scene_trace(scene, host, d00, "dev_icm", text->str);
    scene_reference(scene, "one.pem", one);
    scene_file(scene, "two.pem", two);
    scene_policy(scene, "[distrusted d]\ncertificates=two.pem\n");
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = scene_finding(audit, FINDING_MISSING_ANCHOR);
    cr_assert_eq(finding->candidates->len, 2);
    cr_expect(strstr(finding->detail, "The policy distrusts the candidate with the SHA-256 fingerprint "));
}

Test(demands, a_required_certificate_that_has_expired)
{
    g_autoptr(issued_auto) held = certs(.subject = "/CN=Held");
    g_autoptr(issued_auto) wanted = certs(.subject = "/CN=Wanted", .not_after = CERTS_NOW - DAY);
    g_autoptr(scene_auto) scene = scene_new();
    add_systems(scene, held);
    scene_file(scene, "wanted.pem", wanted);
    scene_policy(scene, "[required r]\ncertificates=wanted.pem\n");
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_expect(
        g_str_has_suffix(scene_finding(audit, FINDING_POLICY_MISSING)->detail,
                         "It has expired on 2026-11-21T00:00:00Z: see whether the policy should still ask for it."));
}

/* Each step of more stores than that would fill the memory. */
Test(demands, gaps_have_a_limit)
{
    enum { CERTS = 101, STORES = DEMANDS_GAPS / (CERTS - 1) };
    g_autoptr(issued_auto) held = certs(.subject = "/CN=Held");
    g_autoptr(GBytes) list = certs_join(held, NULL);
    g_autoptr(scene_auto) scene = scene_new();
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    for (int i = 0; i < STORES; i++) {
        g_autofree char *file = g_strdup_printf("SAPSSL%03d.pse", i);
        scene_store(scene, host, d00, file, list);
    }
    for (int i = 0; i < CERTS; i++) {
        g_autofree char *file = g_strdup_printf("roots/%03d.pem", i), *subject = g_strdup_printf("/CN=Root %d", i);
        g_autoptr(issued_auto) root = certs(.subject = subject);
        scene_file(scene, file, root);
    }
    scene_policy(scene, "[required r]\ncertificates=roots\n[waiver w]\nkind=policy-missing\nstore=*\nowner=o\n"
                        "reason=r\nuntil=2027-01-31\n");
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(scene_count(audit, FINDING_POLICY_MISSING), CERTS);
    guint gaps = 0, beyond = 0;
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        gaps += finding->gaps->len;
        if (finding->stores->len == 0)
            continue;
        beyond++;
        cr_expect_eq(finding->gaps->len, 0);
        cr_expect_eq(finding->stores->len, STORES);
        cr_expect_eq(finding->state, STATE_WAIVED, "a waiver is about them all the same");
        cr_expect(strstr(finding->title, "is required and missing in 200 trust stores"), "%s", finding->title);
        cr_expect(strstr(finding->detail, "For 200 of them no steps are told, for there are too many."));
    }
    cr_expect_eq(gaps, DEMANDS_GAPS);
    cr_expect_eq(beyond, 1);
}

/* Strength. */

static struct audit_cert *cert_of(struct audit *audit, const char *key, const char *signature)
{
    struct audit_cert *cert = audit_cert_new(audit);
    cert->key = key;
    cert->signature_algorithm = signature;
    return cert;
}

Test(demands, strength_by_what_is_printed)
{
    static const struct {
        const char *key, *signature;
        gboolean self_signed;
        const char *weakness;
    } rows[] = {
        {"RSA 2048", "sha256WithRSAEncryption", FALSE, NULL},
        {"RSA 2047", "sha256WithRSAEncryption", FALSE, "its key is RSA 2047, and 2048 bits are the least"},
        {"RSA-PSS 1024", NULL, FALSE, "its key is RSA-PSS 1024, and 2048 bits are the least"},
        {"DSA 1024", NULL, FALSE, "its key is DSA 1024, and 2048 bits are the least"},
        {"EC prime256v1", NULL, FALSE, NULL},
        {"EC secp224r1", NULL, FALSE, "its key is EC secp224r1, and 256 bits are the least"},
        {"EC secp256k1", NULL, FALSE, "its key is EC secp256k1, which is not among the curves that are allowed"},
        {"EC 192", NULL, FALSE, "its key is EC 192, and 256 bits are the least"},
        {"EC 256", NULL, FALSE, "its key is EC 256, which is not among the curves that are allowed"},
        {"EC what is this", NULL, FALSE, NULL},
        {"ED25519", "ED25519", FALSE, NULL},
        {"ED448", "ED448", FALSE, "its key is ED448, which is not among the curves that are allowed"},
        {"something", "something", FALSE, NULL},
        {NULL, NULL, FALSE, NULL},
        {"RSA 4096", "sha1WithRSAEncryption", FALSE, "its signature uses SHA1, which is refused"},
        {"RSA 4096", "md5WithRSAEncryption", FALSE, "its signature uses MD5, which is refused"},
        {"EC prime256v1", "ecdsa-with-SHA1", FALSE, "its signature uses SHA1, which is refused"},
        {"RSA 4096", "sha1WithRSAEncryption", TRUE, NULL},
        {"RSA 4096", "md2WithRSAEncryption", FALSE, NULL},
        {"RSA 1024", "sha1WithRSAEncryption", FALSE,
         "its key is RSA 1024, and 2048 bits are the least; its signature uses SHA1, which is refused"},
    };
    g_autoptr(audit_auto) audit = audit_new();
    static const char text[] = "[strength]\nrsa-bits=2048\nec-bits=256\ncurves=P-256;ED25519;secp224r1\n"
                               "refused-digests=SHA1;MD5\n";
    g_autoptr(policy_auto) policy = policy_parse("policy.ini", NULL, text, strlen(text), NULL);
    g_autoptr(policy_auto) none = policy_parse("policy.ini", NULL, "", 0, NULL);
    cr_assert(policy && none);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct audit_cert *cert = cert_of(audit, rows[i].key, rows[i].signature);
        cert->self_signed = rows[i].self_signed;
        g_autofree char *weakness = strength_weakness(&policy->strength, cert);
        g_autofree char *nothing = strength_weakness(&none->strength, cert);
        cr_expect_eq(g_strcmp0(weakness, rows[i].weakness), 0, "%zu: %s", i, weakness);
        cr_expect_null(nothing, "%zu: %s", i, nothing);
    }
}

/* The certificate with the digest of its signature changed, and signed again. */
static struct issued *sign_again(struct issued *issued, const struct issued *issuer, const EVP_MD *digest, gboolean pss)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key = NULL;
    unsigned char *der = NULL;
    gboolean ok = EVP_DigestSignInit(context, &key, digest, NULL, issuer->key) == 1;
    if (pss)
        ok = ok && EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) == 1;
    ok = ok && X509_sign_ctx(issued->x509, context) > 0;
    g_assert(ok);
    EVP_MD_CTX_free(context);
    int size = i2d_X509(issued->x509, &der);
    g_bytes_unref(issued->der);
    issued->der = g_bytes_new(der, (gsize)size);
    OPENSSL_free(der);
    return issued;
}

Test(demands, weak_certificates)
{
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root", .kind = "RSA:2048");
    g_autoptr(issued_auto) fine = certs(.subject = "/CN=Fine", .issuer = root);
    g_autoptr(issued_auto) sha1 = certs(.subject = "/CN=Sha1", .issuer = root);
    g_autoptr(issued_auto) pss = certs(.subject = "/CN=Pss", .issuer = root);
    g_autoptr(issued_auto) self = certs(.subject = "/CN=Self", .kind = "RSA:2048");
    g_autoptr(issued_auto) small = certs(.subject = "/CN=Small", .kind = "RSA:1024");
    g_autoptr(issued_auto) own = certs(.subject = "/CN=Own", .kind = "RSA:1024", .issuer = root, .leaf = TRUE);
    sign_again(sha1, root, EVP_sha1(), FALSE);
    sign_again(pss, root, EVP_sha1(), TRUE);
    sign_again(self, self, EVP_sha1(), FALSE);
    g_autoptr(GBytes) list = certs_join(root, fine, sha1, pss, self, small, NULL);
    static const struct {
        const char *text;
        unsigned weak;
        int anchors, own; /* severities; -1: none */
    } rows[] = {
        {"", 0, -1, -1},
        {"[strength]\nrsa-bits=2048\n", 2, SEVERITY_LOW, SEVERITY_MEDIUM},
        {"[strength]\nrsa-bits=1024\n", 0, -1, -1},
        {"[strength]\nrefused-digests=SHA1\n", 2, SEVERITY_LOW, -1},
        {"[strength]\nrefused-digests=SHA1\nrsa-bits=2048\nseverity=high\n", 4, SEVERITY_HIGH, SEVERITY_HIGH},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        set_own(scene, scene_store(scene, host, d00, "SAPSSLS.pse", list), own);
        scene_store(scene, host, d00, "SAPSSLC.pse", list);
        scene_policy(scene, rows[i].text);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_expect_eq(scene_count(audit, FINDING_WEAK_CERTIFICATE), rows[i].weak, "%s", rows[i].text);
        for (guint j = 0; j < audit->findings->len; j++) {
            const struct audit_finding *finding = audit->findings->pdata[j];
            if (finding->kind != FINDING_WEAK_CERTIFICATE)
                continue;
            gboolean is_own = strstr(finding->title, "own certificate of PRD SAPSSLS.pse") != NULL;
            cr_expect_eq((int)finding->severity, is_own ? rows[i].own : rows[i].anchors, "%s", finding->title);
            cr_expect_eq(finding->stores->len, is_own ? 1 : 2, "%s", finding->title);
            cr_expect_str_neq(scene_step(finding->steps, is_own ? "new key pair" : "stronger CA"), "");
            cr_expect(g_str_has_prefix(finding->detail, "By the policy its "), "%s", finding->detail);
            cr_expect_str_neq(finding->subject, "CN=Self", "its own signature does not matter");
        }
    }
}

/* End entities. */

Test(demands, end_entities)
{
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=leaf.example.com", .issuer = root, .leaf = TRUE);
    g_autoptr(issued_auto) pinned = certs(.subject = "/CN=pinned.example.com", .leaf = TRUE);
    g_autoptr(issued_auto) old = certs(.subject = "/CN=Old", .issuer = root, .version_1 = TRUE);
    g_autoptr(issued_auto) sub = certs(.subject = "/CN=Sub", .issuer = root);
    static const struct {
        const char *text;
        gboolean with_root, found;
        enum audit_severity severity;
    } rows[] = {
        {"", TRUE, FALSE, SEVERITY_LOW},
        {"[trust-lists]\nend-entities=allow\n", TRUE, FALSE, SEVERITY_LOW},
        {"[trust-lists]\nend-entities=report\n", TRUE, TRUE, SEVERITY_LOW},
        {"[trust-lists]\nend-entities=report\nseverity=medium\n", FALSE, TRUE, SEVERITY_MEDIUM},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GBytes) list = rows[i].with_root ? certs_join(root, leaf, pinned, old, sub, NULL)
                                                   : certs_join(leaf, pinned, old, sub, NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        /* An own certificate is no anchor. */
        set_own(scene, scene_store(scene, host, d00, "SAPSSLC.pse", list), leaf);
        scene_policy(scene, rows[i].text);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_assert_eq(scene_count(audit, FINDING_END_ENTITY), rows[i].found ? 1 : 0, "%zu", i);
        if (!rows[i].found)
            continue;
        const struct audit_finding *finding = scene_finding(audit, FINDING_END_ENTITY);
        cr_expect_str_eq(finding->title, "leaf.example.com, an anchor of PRD SAPSSLC.pse, is no CA");
        cr_expect_eq(finding->severity, rows[i].severity);
        cr_expect_eq(scene_step(finding->steps, "Import its issuer \"Root\" (SHA-256 ")[0] != '\0', rows[i].with_root);
        cr_expect_eq(scene_step(finding->steps, "Ask its owner for the certificate")[0] == '\0', rows[i].with_root);
    }
}

/* Weak certificates and end entities, while the policy changes. */
Test(demands, wrong_certificates_from_night_to_night)
{
#define WEAK "[strength]\nrsa-bits=2048\n"
#define ENDS "[trust-lists]\nend-entities=report\n"
    static const struct {
        const char *policy;
        gboolean gone, unread;
        enum audit_state weak, end;
        const char *detail; /* the end of both */
    } rows[] = {
        {WEAK ENDS, FALSE, FALSE, STATE_OPEN, STATE_OPEN, NULL},
        {WEAK ENDS, TRUE, FALSE, STATE_FIXED, STATE_FIXED, NULL},
        {WEAK ENDS, FALSE, TRUE, STATE_OPEN, STATE_OPEN, "Not looked at in this audit."},
        {"[strength]\nrsa-bits=1024\n", FALSE, FALSE, STATE_FIXED, STATE_FIXED,
         "The policy does not ask for it any more."},
        {"[strength]\nrsa-bits=1024\n[trust-lists]\nend-entities=allow\n", FALSE, TRUE, STATE_FIXED, STATE_FIXED,
         "The policy does not ask for it any more."},
        {"[strength]\nrsa-bits=1025\n" ENDS, FALSE, FALSE, STATE_OPEN, STATE_OPEN, NULL},
        {NULL, FALSE, FALSE, STATE_FIXED, STATE_FIXED, "The policy does not ask for it any more."},
    };
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = root, .leaf = TRUE, .kind = "RSA:1024");
    g_autoptr(GBytes) with = certs_join(root, leaf, NULL), without = certs_join(root, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) first = NULL;
        for (int night = 0; night < 2; night++) {
            g_autoptr(scene_auto) scene = scene_new();
            struct capture_host *host = scene_host(scene, "app01");
            struct capture_store *store = scene_store(scene, host, scene_instance(host, "PRD", "D00"), "SAPSSLC.pse",
                                                      night && rows[i].gone ? without : with);
            if (night && rows[i].unread)
                set_unread(store);
            if (!night || rows[i].policy)
                scene_policy(scene, night ? rows[i].policy : WEAK ENDS);
            if (!night) {
                first = scene_run(scene, NULL);
                continue;
            }
            g_autoptr(audit_auto) second = scene_run_at(scene, first, CERTS_NOW + DAY);
            const struct audit_finding *weak = scene_finding(second, FINDING_WEAK_CERTIFICATE);
            const struct audit_finding *end = scene_finding(second, FINDING_END_ENTITY);
            cr_assert(weak && end, "%zu", i);
            cr_expect_eq(weak->state, rows[i].weak, "%zu", i);
            cr_expect_eq(end->state, rows[i].end, "%zu", i);
            cr_expect(!rows[i].detail || g_str_has_suffix(weak->detail, rows[i].detail), "%zu: %s", i, weak->detail);
            cr_expect(!rows[i].detail || g_str_has_suffix(end->detail, rows[i].detail), "%zu: %s", i, end->detail);
        }
    }
}

/* Expiry. */

Test(demands, horizons)
{
    static const struct {
        const char *text;
        int days_left; /* of 1000 */
        gboolean own, expiring;
    } rows[] = {
        {"", 29, TRUE, TRUE},
        {"", 31, TRUE, FALSE},
        {"[expiry]\nanchor-days=500\n", 31, TRUE, FALSE}, /* says nothing about own ones */
        {"[expiry]\nown-days=60\n", 59, TRUE, TRUE},
        {"[expiry]\nown-days=60\n", 61, TRUE, FALSE},
        {"[expiry]\nown-days=500\n", 499, TRUE, TRUE}, /* however long its life */
        {"[expiry]\nown-percent=20\n", 199, TRUE, TRUE},
        {"[expiry]\nown-percent=20\n", 201, TRUE, FALSE},
        {"[expiry]\nown-days=500\nown-percent=20\n", 199, TRUE, TRUE},
        {"[expiry]\nown-days=500\nown-percent=20\n", 201, TRUE, FALSE},
        {"[expiry]\nown-days=100\nown-percent=20\n", 101, TRUE, FALSE},
        {"[expiry]\nown-days=0\n", 1, TRUE, FALSE},
        {"[expiry]\nown-days=500\n", 31, FALSE, FALSE},
        {"[expiry]\nanchor-days=60\n", 59, FALSE, TRUE},
        {"[expiry]\nanchor-days=60\n", 61, FALSE, FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        int64_t end = CERTS_NOW + rows[i].days_left * DAY;
        g_autoptr(issued_auto) other = certs(.subject = "/CN=Other");
        g_autoptr(issued_auto) cert = certs(.subject = "/CN=x", .not_before = end - 1000 * DAY, .not_after = end);
        g_autoptr(GBytes) list = certs_join(rows[i].own ? other : cert, NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_store *store = scene_store(scene, host, scene_instance(host, "PRD", "D00"), "SAPSSLS.pse", list);
        if (rows[i].own)
            set_own(scene, store, cert);
        scene_policy(scene, rows[i].text);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_expect_eq(scene_count(audit, FINDING_EXPIRING), rows[i].expiring ? 1 : 0, "%zu", i);
    }
}

Test(demands, same_bytes_in_any_order)
{
    g_autoptr(issued_auto) held = certs(.subject = "/CN=Held", .kind = "RSA:1024"), wanted = certs(.subject = "/CN=W");
    g_auto(GStrv) texts = g_new0(char *, 3);
    for (int i = 0; i < 2; i++) {
        g_autoptr(scene_auto) scene = scene_new();
        scene->reversed = i;
        add_systems(scene, held);
        scene_file(scene, "wanted.pem", wanted);
        scene_file(scene, "held.pem", held);
        scene_policy(scene, "[required r]\ncertificates=wanted.pem\n[distrusted d]\ncertificates=held.pem\n"
                            "[strength]\nrsa-bits=2048\n"
                            "[waiver w]\nkind=policy-missing\nsid=PRD\nowner=o\nreason=r\nuntil=2027-01-31\n");
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        /* The folder of the scene is another one each time. */
        for (guint j = 0; j < audit->certs->len; j++)
            g_ptr_array_set_size(((struct audit_cert *)audit->certs->pdata[j])->references, 0);
        texts[i] = scene_xml(audit);
    }
    cr_expect(strstr(texts[0], "kind=\"distrusted\"") && strstr(texts[0], "<waiver name=\"w\""));
    cr_expect_str_eq(texts[0], texts[1]);
}
