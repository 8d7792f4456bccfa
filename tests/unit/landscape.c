/* analyzer/landscape: what belongs together. */
#include "landscape.h"

#include "analysis.h"
#include "grouping.h"
#include "moment.h"
#include "scene.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

Test(landscape, copies_of_a_system_are_one_store_and_files_stand_alone)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(GBytes) list = certs_join(root, NULL);
    struct capture_host *one = scene_host(scene, "app01"), *two = scene_host(scene, "app02");
    struct capture_instance *d00 = scene_instance(one, "PRD", "D00"), *d01 = scene_instance(two, "PRD", "D01");
    struct capture_instance *ascs = scene_instance(one, "PRD", "ASCS02"), *w20 = scene_instance(two, "PRD", "W20");
    scene_store(scene, one, d00, "SAPSSLC.pse", list);
    scene_store(scene, two, d01, "SAPSSLC.pse", list);
    scene_store(scene, one, ascs, "SAPSSLC.pse", list);
    scene_store(scene, two, w20, "SAPSSLC.pse", list);
    struct capture_store *copy = scene_store(scene, one, d00, "SAPSSLC.pse", list);
    g_free(copy->path);
    copy->path = g_strdup("/usr/sap/PRD/D00/sec/old/SAPSSLC.pse");
    struct capture_store *again = scene_store(scene, two, w20, "SAPSSLC.pse", list);
    g_free(again->path);
    again->path = g_strdup("/usr/sap/PRD/W20/sec/x/SAPSSLC.pse");
    struct capture_store *link = scene_store(scene, two, w20, "LINK.pse", list);
    link->inode = again->inode;
    struct capture_store *twice = scene_store(scene, one, d00, "SAPSSLC.pse", list);
    twice->inode = 77;

    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(audit->stores->len, 5);
    const struct audit_store *system = scene_find_store(audit, "PRD SAPSSLC.pse");
    cr_assert_not_null(system);
    cr_expect_eq(system->members->len, 2);
    cr_expect_str_eq(system->role, "SSL client (Standard)");
    cr_expect_eq(system->kind, INSTANCE_ABAP);
    cr_expect_not_null(scene_find_store(audit, "app01 ASCS02 SAPSSLC.pse"));
    cr_expect_not_null(scene_find_store(audit, "app01 D00 SAPSSLC.pse"), "not in sec, so not what STRUST distributes");
    cr_expect_not_null(scene_find_store(audit, "app02 W20 SAPSSLC.pse (/usr/sap/PRD/W20/sec/SAPSSLC.pse)"));
    cr_expect_not_null(scene_find_store(audit, "app02 W20 SAPSSLC.pse (/usr/sap/PRD/W20/sec/x/SAPSSLC.pse)"));
    cr_expect_eq(audit->lists->len, 1, "equal lists are one");
    cr_expect_eq(audit->certs->len, 1);
}

Test(landscape, how_lists_are_read)
{
    static const char listing[] =
        " maintain_pk for PSE \"/usr/sap/PRD/W20/sec/SAPSSLA.pse\"\nPKList:\n"
        " Version:                              3\n"
        " Subject:                              CN=Listed Root, O=Example\n"
        " Issuer:                               CN=Listed Root, O=Example\n"
        " Serial Number:                        0A:06\n"
        " Certificate fingerprint (SHA256):     "
        "D5:C7:BA:49:7E:80:F1:9F:E5:28:36:62:61:90:FE:0F:BC:56:31:D2:90:6D:34:45:FB:FA:2C:D0:EC:"
        "F8:34:C1\n";
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root"), own = certs(.subject = "/CN=web01", .leaf = TRUE);
    g_autoptr(GBytes) list = certs_join(root, NULL), nothing = g_bytes_new_static("", 0);
    g_autoptr(GBytes) broken = g_bytes_new_static("\x30\x03\x02\x01\x05", 5);
    struct capture_host *host = scene_host(scene, "web01");
    struct capture_instance *w20 = scene_instance(host, "PRD", "W20");
    struct capture_store *store = scene_store(scene, host, w20, "A.pse", list);
    store->own = scene_object(scene, g_bytes_get_data(own->der, NULL), g_bytes_get_size(own->der));
    scene_store(scene, host, w20, "B.pse", nothing);
    scene_store(scene, host, w20, "C.pse", broken);
    store = scene_store(scene, host, w20, "D.pse", list);
    memset(store->trusted, '0', 64);
    store = scene_store(scene, host, w20, "E.pse", list);
    g_free(store->method);
    store->method = g_strdup("none");
    store->reason = g_strdup("not-allowed");
    store->modified = -1;
    store = scene_store(scene, host, w20, "F.pse", list);
    g_free(store->method);
    store->method = g_strdup("sapgenpse");
    store->listing = scene_object(scene, listing, strlen(listing));
    store->listing_status = 0;
    store = scene_store(scene, host, w20, "G.pse", list);
    g_clear_pointer(&store->method, g_free);
    store = scene_store(scene, host, w20, "H.pse", list);
    store->own = scene_object(scene, "no certificate", 14);
    store = scene_store(scene, host, w20, "I.pse", list);
    store->own = g_strdup(((struct capture_store *)host->stores->pdata[0])->own);

    static const struct {
        const char *label;
        enum audit_reading reading;
        guint certs;
        const char *reason;
    } rows[] = {
        {"web01 W20 A.pse", READING_NATIVE, 1, NULL},
        {"web01 W20 B.pse", READING_NATIVE, 0, NULL},
        {"web01 W20 C.pse", READING_PARTLY, 0, "1 certificates cannot be parsed"},
        {"web01 W20 D.pse", READING_NONE, 0, "lost"},
        {"web01 W20 E.pse", READING_NONE, 0, "not-allowed"},
        {"web01 W20 F.pse", READING_LISTING, 1, NULL},
        {"web01 W20 G.pse", READING_NONE, 0, "incomplete"},
        {"web01 W20 H.pse", READING_NATIVE, 1, NULL},
    };
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct audit_store *found = scene_find_store(audit, rows[i].label);
        cr_assert_not_null(found, "%s", rows[i].label);
        const struct audit_member *member = found->members->pdata[0];
        cr_expect_eq(member->reading, rows[i].reading, "%s", rows[i].label);
        cr_expect_eq(member->list ? member->list->certs->len : 0, rows[i].certs, "%s", rows[i].label);
        cr_expect_eq(member->list == NULL, member->reading == READING_NONE, "%s", rows[i].label);
        if (rows[i].reason)
            cr_expect(member->reason && g_str_has_prefix(member->reason, rows[i].reason), "%s: %s", rows[i].label,
                      member->reason);
        else
            cr_expect_null(member->reason, "%s", rows[i].label);
    }
    const struct audit_member *first = scene_find_store(audit, "web01 W20 A.pse")->members->pdata[0];
    const struct audit_member *last = scene_find_store(audit, "web01 W20 I.pse")->members->pdata[0];
    cr_assert_not_null(first->own);
    cr_expect_str_eq(first->own->subject, "CN=web01");
    cr_expect_eq(first->own, last->own);
    cr_expect_eq(((const struct audit_member *)scene_find_store(audit, "web01 W20 E.pse")->members->pdata[0])->modified,
                 MOMENT_NONE);
    cr_expect_not_null(scene_step(audit->warnings, "web01: /usr/sap/PRD/W20/sec/D.pse: "));
    cr_expect_str_neq(scene_step(audit->warnings, "D.pse: "), "");
    cr_expect_str_neq(scene_step(audit->warnings, "H.pse: the own certificate cannot be parsed"), "");
}

Test(landscape, trusted_users_are_told)
{
    g_autoptr(scene_auto) scene = scene_new();
    scene_host(scene, "app01");
    scene_host(scene, "app02")->tools_trusted = TRUE;
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(audit->hosts->len, 2);
    cr_expect_not(((const struct audit_host *)audit->hosts->pdata[0])->tools_trusted);
    cr_expect(((const struct audit_host *)audit->hosts->pdata[1])->tools_trusted);
}

Test(landscape, the_later_line_of_a_host_counts)
{
    static const struct {
        const char *what;
        int64_t first, second;
        const char *owner;
    } rows[] = {
        {"second later", CERTS_NOW, CERTS_NOW + 1, "second"},
        {"first later", CERTS_NOW + 1, CERTS_NOW, "first"},
        {"equal", CERTS_NOW, CERTS_NOW, "second"},
        {"first not known", MOMENT_NONE, CERTS_NOW, "second"},
        {"second not known", CERTS_NOW, MOMENT_NONE, "first"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) one = scene_new(), two = scene_new();
        struct capture_host *first = scene_host(one, "app01"), *second = scene_host(two, "app01");
        scene_host(one, "app00");
        scene_host(two, "app02");
        first->finished = rows[i].first;
        first->owner = g_strdup("first");
        second->finished = rows[i].second;
        second->owner = g_strdup("second");
        g_autoptr(audit_auto) ignored = scene_run(one, NULL);
        g_autoptr(audit_auto) ignored_too = scene_run(two, NULL);
        const char *const captures[] = {one->path, two->path, NULL};
        struct analysis_options options = {.at = CERTS_NOW};
        g_autoptr(audit_auto) audit = analysis_run(captures, &options, NULL);
        cr_assert_not_null(audit);
        cr_assert_eq(audit->hosts->len, 3);
        cr_expect_eq(audit->captures->len, 2);
        cr_expect_str_eq(((struct audit_host *)audit->hosts->pdata[1])->owner, rows[i].owner, "%s", rows[i].what);
    }
}

Test(landscape, a_capture_that_cannot_be_opened_is_an_error)
{
    static const char *const captures[] = {"/nonexistent", NULL};
    g_autoptr(GError) error = NULL;
    struct analysis_options options = {.at = CERTS_NOW};
    cr_expect_null(analysis_run(captures, &options, &error));
    cr_assert_not_null(error);
}

Test(landscape, a_rotated_trace_is_one_stream)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root"),
                           leaf = certs(.subject = "/CN=a.example.com", .issuer = root);
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    scene_header(text, "2", "785");
    UNTRUSTED(text, .store = "/usr/sap/PRD/D00/sec/SAPSSLC.pse", .target = "a.example.com", .peer = "192.0.2.7:443",
              .chain = {leaf, root}, .stamp = "Sat Nov 21 23:00:00 2026", .times = 2);
    /* The rotation splits the second block. */
    size_t half = (size_t)(strstr(text->str + text->len * 3 / 4, "Issuer:") - text->str);
    g_autofree char *old = g_strndup(text->str, half), *current = g_strdup(text->str + half);
    scene_trace(scene, host, d00, "dev_icm.old", old);
    scene_trace(scene, host, d00, "dev_icm", current);

    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(audit->failures->len, 1);
    const struct audit_failure *failure = audit->failures->pdata[0];
    cr_expect_eq(failure->count, 2);
    cr_expect_not(failure->torn);
    cr_expect_eq(failure->chain->len, 2);
    cr_expect_str_eq(failure->instance->name, "D00");
    const struct audit_instance *instance = failure->instance;
    cr_assert_eq(instance->traces->len, 2);
    const struct audit_trace *newer = instance->traces->pdata[0], *older = instance->traces->pdata[1];
    cr_expect_str_eq(older->path, "/usr/sap/PRD/D00/work/dev_icm.old");
    cr_expect_eq(older->level, 2);
    cr_expect_str_eq(older->release, "785");
    cr_expect_eq(newer->level, -1, "no header in it");
    cr_expect_eq(older->failures, 2, "both begin there");
    cr_expect_eq(newer->failures, 0);
}

Test(landscape, a_rotated_trace_of_which_only_the_end_was_read_is_two)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root"),
                           leaf = certs(.subject = "/CN=a.example.com", .issuer = root);
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    UNTRUSTED(text, .store = "/usr/sap/PRD/D00/sec/SAPSSLC.pse", .target = "a.example.com", .chain = {leaf, root});
    size_t half = (size_t)(strstr(text->str + text->len / 2, "Issuer:") - text->str);
    g_autofree char *old = g_strndup(text->str, half), *current = g_strdup(text->str + half);
    scene_trace(scene, host, d00, "dev_icm.old", old);
    scene_trace(scene, host, d00, "dev_icm", current)->from_byte = 100;

    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(audit->failures->len, 2);
    for (guint i = 0; i < 2; i++)
        cr_expect(((const struct audit_failure *)audit->failures->pdata[i])->torn);
    const struct audit_instance *instance = ((const struct audit_failure *)audit->failures->pdata[0])->instance;
    cr_assert_eq(instance->traces->len, 2);
    cr_expect_eq(((const struct audit_trace *)instance->traces->pdata[0])->from_byte, 100);
}

Test(landscape, a_trace_that_was_rotated_between_its_readings_counts_once)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    scene_headline(text, "a.example.com", "SSSLRC_CONN_CLOSED (-10)");
    scene_trace(scene, host, d00, "dev_icm", text->str);
    scene_trace(scene, host, d00, "dev_icm.old", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(audit->failures->len, 1);
    cr_expect_eq(((struct audit_failure *)audit->failures->pdata[0])->count, 1);
}

Test(landscape, odd_traces)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    scene_headline(text, "a.example.com", "SSSLRC_CONN_CLOSED (-10)");
    gsize size = text->len;
    g_string_append_len(text, "\0\0\0\0\0\0\0\0", 8);

    struct capture_trace *moved = scene_trace(scene, host, d00, "dev_icm", "");
    g_free(moved->object);
    moved->object = scene_object(scene, text->str, text->len);
    moved->moved = TRUE;
    struct capture_trace *lost = scene_trace(scene, host, d00, "dev_webdisp", "lost");
    memset(lost->object, '0', 64);
    struct capture_trace *unread = scene_trace(scene, host, d00, "dev_webdisp.old", "");
    g_clear_pointer(&unread->object, g_free);
    unread->reason = g_strdup("not-allowed");
    struct capture_trace *stray = scene_trace(scene, host, d00, "dev_x", "");
    g_free(stray->instance);
    stray->instance = g_strdup("/usr/sap/PRD/D77");
    g_clear_pointer(&scene_trace(scene, host, d00, "nameless", "")->path, g_free);

    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(audit->failures->len, 1);
    cr_expect_gt(size, 0);
    const struct audit_host *found = audit->hosts->pdata[0];
    cr_expect_eq(found->instances->len, 2, "the line of D77 is lost, its trace is not");
    const struct audit_instance *first = found->instances->pdata[0];
    const struct audit_trace *webdisp = NULL, *webdisp_old = NULL;
    first = g_strcmp0(first->name, "D00") == 0 ? first : found->instances->pdata[1];
    for (guint i = 0; i < first->traces->len; i++) {
        const struct audit_trace *trace = first->traces->pdata[i];
        if (g_str_has_suffix(trace->path, "dev_webdisp"))
            webdisp = trace;
        if (g_str_has_suffix(trace->path, "dev_webdisp.old"))
            webdisp_old = trace;
    }
    cr_assert(webdisp && webdisp_old);
    cr_expect_null(webdisp->object);
    cr_expect_str_eq(webdisp->reason, "lost");
    cr_expect_str_eq(webdisp_old->reason, "not-allowed");
    cr_expect_str_neq(scene_step(audit->warnings, "app01: /usr/sap/PRD/D00/work/dev_webdisp: "), "");
}

Test(landscape, padding_of_a_trace_that_moved_is_cut)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(issued_auto) root = certs(.subject = "/O=Example/CN=Root");
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=a.example.com", .issuer = root, .leaf = TRUE);
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    UNTRUSTED(text, .target = "a.example.com", .chain = {leaf});
    const char *end = strstr(text->str, "Example") + strlen("Exa");
    g_string_truncate(text, (gsize)(end - text->str));
    g_string_append_len(text, "\0\0\0\0\0\0\0\0", 8);
    struct capture_trace *trace = scene_trace(scene, host, d00, "dev_icm", "");
    g_free(trace->object);
    trace->object = scene_object(scene, text->str, text->len);
    trace->moved = TRUE;
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(audit->failures->len, 1);
    const struct audit_failure *failure = audit->failures->pdata[0];
    cr_expect(failure->torn);
    cr_expect_null(failure->missing, "the chain may go on");
    cr_assert_eq(failure->chain->len, 1);
    const struct audit_link *link = failure->chain->pdata[0];
    cr_expect_str_eq(link->issuer, "CN=Root, O=Exa");
    cr_expect(link->issuer_cut);
}

Test(landscape, a_name_that_an_instance_has_twice_tells_nothing)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(GBytes) list = certs_join(root, NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "web01");
    struct capture_instance *w20 = scene_instance(host, "PRD", "W20");
    scene_store(scene, host, w20, "SAPSSLC.pse", list);
    struct capture_store *other = scene_store(scene, host, w20, "SAPSSLC.pse", list);
    g_free(other->path);
    other->path = g_strdup("/usr/sap/PRD/W20/data/SAPSSLC.pse");
    UNTRUSTED(text, .store = "SAPSSLC.pse", .target = "a.example.com", .chain = {root});
    scene_trace(scene, host, w20, "dev_webdisp", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(audit->failures->len, 1);
    cr_expect_null(((struct audit_failure *)audit->failures->pdata[0])->store);
}

Test(landscape, which_pse_a_failure_speaks_of)
{
    static const struct {
        const char *what, *path, *label, *host;
    } rows[] = {
        {"the very file", "/usr/sap/PRD/D00/sec/SAPSSLC.pse", "PRD SAPSSLC.pse", "app01"},
        {"by another path", "/sapmnt/x/SAPSSLC.pse", "PRD SAPSSLC.pse", "app01"},
        {"without a path", "SAPSSLC.pse", "PRD SAPSSLC.pse", "app01"},
        {"of Windows", "D:\\usr\\sap\\PRD\\DVEBMGS00\\sec\\SAPSSLC.pse", "PRD SAPSSLC.pse", "app01"},
        {"of another instance of the host", "/usr/sap/PRD/W20/sec/SAPSSLC.pse", "app01 W20 SAPSSLC.pse", "app01"},
        {"not found here, but in the system", "/usr/sap/PRD/D00/sec/SAPSSLA.pse", "PRD SAPSSLA.pse", NULL},
        {"not found anywhere", "/usr/sap/PRD/D00/sec/SAPSSLX.pse", NULL, NULL},
        {"not told", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
        g_autoptr(GBytes) list = certs_join(root, NULL);
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, "app01"), *other = scene_host(scene, "app02");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00"), *w20 = scene_instance(host, "PRD", "W20");
        struct capture_instance *d01 = scene_instance(other, "PRD", "D01");
        scene_store(scene, host, d00, "SAPSSLC.pse", list);
        scene_store(scene, host, w20, "SAPSSLC.pse", list);
        scene_store(scene, other, d01, "SAPSSLC.pse", list);
        scene_store(scene, other, d01, "SAPSSLA.pse", list);
        UNTRUSTED(text, .store = rows[i].path, .target = "a.example.com", .chain = {root});
        scene_trace(scene, host, d00, "dev_icm", text->str);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_assert_eq(audit->failures->len, 1, "%s", rows[i].what);
        const struct audit_failure *failure = audit->failures->pdata[0];
        cr_expect_eq(g_strcmp0(failure->store ? failure->store->label : NULL, rows[i].label), 0, "%s: %s", rows[i].what,
                     failure->store ? failure->store->label : "none");
    }
}

Test(landscape, local_times_become_utc)
{
    static const char berlin[] = "CET-1CEST,M3.5.0,M10.5.0/3";
    static const struct {
        const char *what, *rule;
        int offset;
        const char *stamp, *moment; /* MOMENT_NONE is written as "" */
    } rows[] = {
        {"UTC", NULL, 0, "Sun Nov 22 01:02:03 2026", "2026-11-22T01:02:03Z"},
        {"east", NULL, 3600, "Sun Nov 22 01:02:03 2026", "2026-11-22T00:02:03Z"},
        {"west", NULL, -18000, "Sun Nov 22 01:02:03 2026", "2026-11-22T06:02:03Z"},
        {"not known", NULL, G_MININT, "Sun Nov 22 01:02:03 2026", ""},
        {"no rule, collected in winter", NULL, 3600, "Sat Oct 24 01:02:03 2026", "2026-10-24T00:02:03Z"},
        {"summer, collected in winter", berlin, 3600, "Sat Oct 24 01:02:03 2026", "2026-10-23T23:02:03Z"},
        {"winter, collected in winter", berlin, 3600, "Sun Nov 22 01:02:03 2026", "2026-11-22T00:02:03Z"},
        {"the hour that came twice", berlin, 3600, "Sun Oct 25 02:02:03 2026", "2026-10-25T00:02:03Z"},
        {"a rule that its clock contradicts", berlin, 7200, "Sun Nov 22 01:02:03 2026", "2026-11-21T23:02:03Z"},
        {"a file name for a rule", "Europe/Berlin", 3600, "Sat Oct 24 01:02:03 2026", "2026-10-24T00:02:03Z"},
        {"a rule alone", berlin, G_MININT, "Sat Oct 24 01:02:03 2026", "2026-10-23T23:02:03Z"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        host->clock = 1795309323; /* 2026-11-22 */
        host->zone_offset_s = rows[i].offset;
        host->zone_rule = g_strdup(rows[i].rule);
        UNTRUSTED(text, .target = "a.example.com", .chain = {root}, .stamp = rows[i].stamp);
        scene_trace(scene, host, d00, "dev_icm", text->str);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_assert_eq(audit->failures->len, 1);
        const struct audit_failure *failure = audit->failures->pdata[0];
        const struct audit_host *found = audit->hosts->pdata[0];
        const struct audit_trace *file = ((struct audit_instance *)found->instances->pdata[0])->traces->pdata[0];
        char moment[MOMENT_TEXT_BYTES];
        cr_expect_str_eq(moment_format(moment, failure->last), rows[i].moment, "%s: %s", rows[i].what, moment);
        cr_expect_eq(failure->first, failure->last, "%s", rows[i].what);
        cr_expect_eq(file->first, failure->first, "%s", rows[i].what);
        cr_expect_eq(file->last, failure->last, "%s", rows[i].what);
        cr_expect_eq(found->zone_offset_s, rows[i].offset, "%s: what was measured stays", rows[i].what);
    }
}

Test(landscape, failures_beyond_the_limit_are_reported)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    for (int i = 0; i < GROUPING_ENTRIES + 2; i++) {
        g_autofree char *target = g_strdup_printf("h%d", i);
        scene_headline(text, target, "SSSLRC_CONN_CLOSED (-10)");
    }
    scene_trace(scene, host, d00, "dev_icm", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_expect_eq(audit->failures->len, GROUPING_ENTRIES);
    cr_assert_eq(audit->warnings->len, 1);
    cr_expect_str_eq(audit->warnings->pdata[0], "app01: /usr/sap/PRD/D00: more than 10000 different failures in its "
                                                "traces; 2 connections are left out");
    const struct audit_instance *instance = ((const struct audit_host *)audit->hosts->pdata[0])->instances->pdata[0];
    cr_expect_eq(((const struct audit_trace *)instance->traces->pdata[0])->failures, GROUPING_ENTRIES + 2);
}

Test(landscape, how_far_a_trace_reaches)
{
    static const char text[] = "a\nSun Nov 22 01:00:00:111 2026\n[Thr 1] Sun Nov 22 05:00:00:222 2026\nb\n";
    static const int64_t one = 1795309200, five = one + 4 * 3600;
    static const struct {
        const char *what, *text;
        int offset;
        int64_t first, last;
    } rows[] = {
        {"in UTC", text, 0, one, five},
        {"east of it", text, 3600, one - 3600, five - 3600},
        {"west of it", text, -18000, one + 18000, five + 18000},
        {"zone not known", text, G_MININT, MOMENT_NONE, MOMENT_NONE},
        {"no stamp", "a\n", 0, MOMENT_NONE, MOMENT_NONE},
        {"empty", "", 0, MOMENT_NONE, MOMENT_NONE},
        {"not read", NULL, 0, MOMENT_NONE, MOMENT_NONE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        host->zone_offset_s = rows[i].offset;
        struct capture_trace *trace = scene_trace(scene, host, d00, "dev_icm", rows[i].text ? rows[i].text : "");
        if (!rows[i].text)
            g_clear_pointer(&trace->object, g_free);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_host *found = audit->hosts->pdata[0];
        const struct audit_trace *file = ((struct audit_instance *)found->instances->pdata[0])->traces->pdata[0];
        cr_expect_eq(file->first, rows[i].first, "%s", rows[i].what);
        cr_expect_eq(file->last, rows[i].last, "%s", rows[i].what);
    }
}

/* A file that is no trace is no clean trace. */
Test(landscape, what_is_no_trace_is_a_warning)
{
    static const struct {
        const char *what, *text, *warning; /* "": none */
    } rows[] = {
        {"a calm trace", "[Thr 1] all is well\n", ""},
        {"a title alone", "--------------------\ntrc file: \"dev_icm\", trc level: 1, release: \"785\"\n", ""},
        {"empty", "", "app01: /usr/sap/PRD/D00/work/dev_icm: is empty; it was not understood as a trace"},
        {"gzip", "\x1f\x8b\x08",
         "app01: /usr/sap/PRD/D00/work/dev_icm: is gzip-compressed data; it was not understood"},
        {"prose", "all is well\n",
         "app01: /usr/sap/PRD/D00/work/dev_icm: is text without any line of a trace; it was not"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        struct capture_host *host = scene_host(scene, "app01");
        scene_trace(scene, host, scene_instance(host, "PRD", "D00"), "dev_icm", rows[i].text);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        if (*rows[i].warning)
            cr_expect(g_str_has_prefix(scene_step(audit->warnings, "dev_icm"), rows[i].warning), "%s: %s", rows[i].what,
                      scene_step(audit->warnings, "dev_icm"));
        else
            cr_expect_eq(audit->warnings->len, 0, "%s", rows[i].what);
    }
}

Test(landscape, warnings_of_a_capture_are_kept)
{
    g_autoptr(scene_auto) scene = scene_new();
    scene_host(scene, "app01");
    g_autoptr(audit_auto) first = scene_run(scene, NULL);
    g_autofree char *journal = g_build_filename(scene->path, "capture.jsonl", NULL);
    FILE *file = g_fopen(journal, "a");
    fputs("no JSON\n{\"host\": \"app02\"", file);
    fclose(file);
    const char *const captures[] = {scene->path, NULL};
    struct analysis_options options = {.at = CERTS_NOW};
    g_autoptr(audit_auto) audit = analysis_run(captures, &options, NULL);
    cr_assert_not_null(audit);
    cr_expect_eq(audit->hosts->len, 1);
    cr_expect_str_neq(scene_step(audit->warnings, "capture.jsonl:"), "");
    cr_expect(((struct audit_capture *)audit->captures->pdata[0])->torn);
}
