/* analyzer/hygiene: whether traces are fit to tell what fails. */
#include "hygiene.h"

#include "moment.h"
#include "scene.h"

#include <criterion/criterion.h>
#include <string.h>

#define HOUR  ((int64_t)3600)
#define DAY   CERTS_DAY
#define REACH (HYGIENE_REACH_HOURS * HOUR)
#define SHORT (HYGIENE_REACH_SHORT_HOURS * HOUR)

/* Lines of traces. */

enum lines {
    NONE,          /* nothing that matters */
    UNNAMED,       /* api.example.com is not trusted, and no more than that */
    UNNAMED_LEAF,  /* ... with a certificate whose issuer is not there */
    NAMED,         /* ... with its chain */
    NAMED_OTHER,   /* the chain of another peer */
    FAILED_CHECK,  /* ... and a signer is no CA */
    OTHER_CAUSE,   /* no matter of trust */
    CALLER,        /* one that calls is not trusted, and no more than that */
    CALLER_NAMED,  /* ... with its chain, from another port */
    CALLER_OTHERS, /* another one that calls, with its chain */
};

static void append_lines(GString *text, enum lines lines)
{
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root"), leaf = certs(.subject = "/CN=leaf", .issuer = root);
    const char *at;

    switch (lines) {
    case NONE:
        g_string_append(text, "[Thr 7] nothing\n");
        break;
    case UNNAMED:
        UNTRUSTED(text, .target = "api.example.com");
        break;
    case UNNAMED_LEAF:
        UNTRUSTED(text, .target = "api.example.com", .chain = {leaf});
        at = strstr(text->str, "[Thr 7]   Issuer");
        g_string_erase(text, at - text->str, strchr(at, '\n') + 1 - at);
        break;
    case NAMED:
        UNTRUSTED(text, .target = "API.example.com", .chain = {leaf});
        break;
    case NAMED_OTHER:
        UNTRUSTED(text, .target = "other.example.com", .chain = {leaf});
        break;
    case FAILED_CHECK:
        UNTRUSTED(text, .target = "api.example.com", .chain = {leaf, root});
        at = strstr(strstr(text->str, "SignerCert"), "Status:   ");
        g_string_insert(text, at - text->str, "BasicConstraints:       Not successful\n[Thr 7]      ");
        break;
    case OTHER_CAUSE:
        scene_headline(text, "api.example.com", "SSSLRC_CONN_CLOSED (-10)");
        break;
    case CALLER:
        UNTRUSTED(text, .incoming = TRUE, .peer = "192.0.2.7:50001");
        break;
    case CALLER_NAMED:
        UNTRUSTED(text, .incoming = TRUE, .peer = "192.0.2.7:50002", .chain = {leaf});
        break;
    case CALLER_OTHERS:
        UNTRUSTED(text, .incoming = TRUE, .peer = "192.0.2.8:50001", .chain = {leaf});
        break;
    }
}

struct part {
    const char *level; /* NULL: no such file; "": it has no header */
    enum lines lines, more;
};

static void add_part(struct scene *scene, struct capture_host *host, const struct capture_instance *instance,
                     const char *file, const struct part *part)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (!part->level)
        return;
    if (*part->level)
        scene_header(text, part->level, "785");
    append_lines(text, part->lines);
    append_lines(text, part->more);
    scene_trace(scene, host, instance, file, text->str);
}

#define LOW     "The trace level of D00 of PRD on app01 is too low to name missing certificates"
#define UNKNOWN "The trace of D00 of PRD on app01 names no missing certificates, and its level is not known"
#define RAISE   "Raise the trace level of D00 of PRD on app01 to 2: SMICM"

Test(hygiene, levels_too_low_to_name_what_is_missing)
{
    static const struct {
        const char *what;
        struct part old, current;
        const char *title, *detail, *step; /* NULL: no finding */
    } rows[] = {
        {"level 1", {0}, {"1", UNNAMED, NONE}, LOW, "dev_icm has level 1", RAISE},
        {"level 0", {0}, {"0", UNNAMED, NONE}, LOW, "dev_icm has level 0", RAISE},
        {"level 2", {0}, {"2", UNNAMED, NONE}, NULL, NULL, NULL},
        {"level 3", {0}, {"3", UNNAMED, NONE}, NULL, NULL, NULL},
        {"no header", {0}, {"", UNNAMED, NONE}, UNKNOWN, "the level of /usr/sap/PRD/D00/work/dev_icm is not", RAISE},
        {"a certificate without its issuer", {0}, {"1", UNNAMED_LEAF, NONE}, LOW, "dev_icm has level 1", RAISE},
        {"named", {0}, {"1", NAMED, NONE}, NULL, NULL, NULL},
        {"a failed check", {0}, {"1", FAILED_CHECK, NONE}, NULL, NULL, NULL},
        {"another cause", {0}, {"1", OTHER_CAUSE, NONE}, NULL, NULL, NULL},
        {"nothing", {0}, {"1", NONE, NONE}, NULL, NULL, NULL},
        {"named by another failure", {0}, {"1", UNNAMED, NAMED}, NULL, NULL, NULL},
        {"named by one in the other file", {"1", UNNAMED, NONE}, {"2", NAMED, NONE}, NULL, NULL, NULL},
        {"another peer is named", {0}, {"1", UNNAMED, NAMED_OTHER}, LOW, "1 failed connection; peer: api.", RAISE},
        {"one that calls", {0}, {"1", CALLER, NONE}, LOW, "1 failed connection; peer: 192.0.2.7.", RAISE},
        {"one that calls, named", {0}, {"1", CALLER, CALLER_NAMED}, NULL, NULL, NULL},
        {"another one that calls is named", {0}, {"1", CALLER, CALLER_OTHERS}, LOW, "192.0.2.7.", RAISE},
        {"two peers", {0}, {"1", UNNAMED, CALLER}, LOW, "2 failed connections; peers: ", RAISE},
        {"in both files", {"1", UNNAMED, NONE}, {"0", UNNAMED, NONE}, LOW, "dev_icm.old has level 1", RAISE},
        {"in the older file only", {"1", UNNAMED, NONE}, {"1", NONE, NONE}, LOW, "dev_icm.old has level 1", RAISE},
        {"the level was raised, but nothing has failed since",
         {"1", UNNAMED, NONE},
         {"2", NONE, NONE},
         LOW,
         "dev_icm.old has level 1",
         "is 2 by now"},
        {"the level was raised, which did not help", {"1", UNNAMED, NONE}, {"2", UNNAMED, NONE}, NULL, NULL, NULL},
        {"it was written at level 2", {"2", UNNAMED, NONE}, {"1", NONE, NONE}, NULL, NULL, NULL},
        {"no header, the older file has level 1",
         {"1", NONE, NONE},
         {"", UNNAMED, NONE},
         LOW,
         "dev_icm has level 1",
         RAISE},
        {"no header, the older file has level 2", {"2", NONE, NONE}, {"", UNNAMED, NONE}, NULL, NULL, NULL},
        {"the older file has no header",
         {"", UNNAMED, NONE},
         {"1", NONE, NONE},
         UNKNOWN,
         "dev_icm.old is not known",
         RAISE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        add_part(scene, host, d00, "dev_icm.old", &rows[i].old);
        add_part(scene, host, d00, "dev_icm", &rows[i].current);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_assert_eq(scene_count(audit, FINDING_TRACE_DETAIL), rows[i].title != NULL, "%s", rows[i].what);
        if (!rows[i].title)
            continue;
        const struct audit_finding *finding = scene_finding(audit, FINDING_TRACE_DETAIL);
        cr_expect_str_eq(finding->title, rows[i].title, "%s", rows[i].what);
        cr_expect(strstr(finding->detail, rows[i].detail), "%s: %s", rows[i].what, finding->detail);
        cr_expect_str_neq(scene_step(finding->steps, rows[i].step), "", "%s", rows[i].what);
        cr_expect_str_neq(scene_step(finding->steps, "back to 1 at once: SMICM"), "", "%s", rows[i].what);
        cr_expect_eq(finding->severity, SEVERITY_MEDIUM);
        cr_expect_str_eq(finding->host->name, "app01");
        cr_expect_eq(finding->failures->len, 0, "they are those of another finding");
    }
}

Test(hygiene, the_failure_and_its_trace_say_different_things)
{
    g_autoptr(scene_auto) scene = scene_new();
    struct capture_host *one = scene_host(scene, "app01"), *two = scene_host(scene, "app02");
    struct capture_instance *d00 = scene_instance(one, "PRD", "D00"), *w20 = scene_instance(two, "WDP", "W20");
    add_part(scene, one, d00, "dev_icm", &(const struct part){"1", UNNAMED, CALLER});
    add_part(scene, two, w20, "dev_webdisp", &(const struct part){"1", UNNAMED, NONE});
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_expect_eq(scene_count(audit, FINDING_TLS_FAILURE), 3, "one for each peer");
    cr_expect_eq(scene_count(audit, FINDING_TRACE_DETAIL), 2, "one for each instance");
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        const char *name = g_str_equal(finding->host->name, "app01") ? "D00 of PRD on app01" : "W20 of WDP on app02";
        cr_expect_str_neq(scene_step(finding->steps, name), "", "%s", finding->title);
        gboolean detail = finding->kind == FINDING_TRACE_DETAIL;
        gboolean dispatcher = finding->host != ((struct audit_host *)audit->hosts->pdata[0]);
        cr_expect_eq(*scene_step(finding->steps, "SMICM > Goto") != '\0', detail && !dispatcher);
        cr_expect_eq(*scene_step(finding->steps, "wdispmon") != '\0', detail && dispatcher);
        cr_expect_eq(*scene_step(finding->steps, "back to 1") != '\0', detail);
        cr_expect_eq(*scene_step(finding->steps, "the finding on the trace of this instance") != '\0', !detail);
    }
}

static struct audit *detail_night(const char *night, const struct audit *previous, int64_t at)
{
    static const struct {
        const char *night;
        struct part part;
    } parts[] = {
        {"terse", {"1", UNNAMED, NONE}},  {"named", {"2", UNNAMED, NAMED}}, {"quiet", {"1", NONE, NONE}},
        {"raised", {"2", UNNAMED, NONE}}, {"unread", {"1", NONE, NONE}},
    };
    g_autoptr(scene_auto) scene = scene_new();
    struct capture_host *host = scene_host(scene, "app01");
    host->finished = at;
    if (g_str_equal(night, "failed"))
        host->status = CAPTURE_FAILED;
    if (g_str_equal(night, "failed") || g_str_equal(night, "no instance"))
        return scene_run_at(scene, previous, at);
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (g_str_equal(night, parts[i].night))
            add_part(scene, host, d00, "dev_icm", &parts[i].part);
    if (g_str_equal(night, "unread"))
        g_clear_pointer(&((struct capture_trace *)host->traces->pdata[0])->object, g_free);
    return scene_run_at(scene, previous, at);
}

Test(hygiene, levels_too_low_from_night_to_night)
{
    static const struct {
        const char *night;
        enum audit_state state;
    } rows[] = {
        {"terse", STATE_OPEN},  {"named", STATE_FIXED}, {"quiet", STATE_FIXED},      {"raised", STATE_FIXED},
        {"unread", STATE_OPEN}, {"failed", STATE_OPEN}, {"no instance", STATE_OPEN}, {"no trace", STATE_OPEN},
    };
    g_autoptr(audit_auto) first = detail_night("terse", NULL, CERTS_NOW);
    const struct audit_finding *finding = scene_finding(first, FINDING_TRACE_DETAIL);
    cr_assert_not_null(finding);
    cr_expect_eq(finding->state, STATE_NEW);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) second = detail_night(rows[i].night, first, CERTS_NOW + DAY);
        cr_assert_eq(scene_count(second, FINDING_TRACE_DETAIL), 1, "%s", rows[i].night);
        const struct audit_finding *after = scene_finding(second, FINDING_TRACE_DETAIL);
        cr_expect_str_eq(after->id, finding->id);
        cr_expect_eq(after->state, rows[i].state, "%s", rows[i].night);
        g_autoptr(audit_auto) third = detail_night("terse", second, CERTS_NOW + 2 * DAY);
        cr_expect_eq(scene_finding(third, FINDING_TRACE_DETAIL)->state,
                     rows[i].state == STATE_FIXED ? STATE_RETURNED : STATE_OPEN, "%s", rows[i].night);
    }
}

Test(hygiene, trace_levels)
{
    static const struct {
        const char *what, *old, *current; /* levels; NULL: no such file; "": no header */
        gboolean found;
    } rows[] = {
        {"1", NULL, "1", FALSE},
        {"2", NULL, "2", TRUE},
        {"3", NULL, "3", TRUE},
        {"0", NULL, "0", FALSE},
        {"was raised", "2", "1", FALSE},
        {"is raised", "1", "2", TRUE},
        {"only the older part tells", "2", "", TRUE},
        {"nothing known", NULL, "", FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        for (int part = 0; part < 2; part++) {
            const char *level = part ? rows[i].current : rows[i].old;
            g_autoptr(GString) text = g_string_new(part ? "[Thr 1] new\n" : "[Thr 1] old\n");
            if (level && *level)
                scene_header(text, level, "785");
            if (level)
                scene_trace(scene, host, d00, part ? "dev_icm" : "dev_icm.old", text->str);
        }
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_expect_eq(scene_count(audit, FINDING_TRACE_LEVEL), (unsigned)rows[i].found, "%s", rows[i].what);
        if (rows[i].found)
            cr_expect_str_eq(scene_finding(audit, FINDING_TRACE_LEVEL)->title,
                             "The trace level of D00 of PRD on app01 is above 1");
    }
}

/* A trace that begins, after its header, at this time of the host, and ends an hour later. */
static char *trace_from(int64_t local, const char *level)
{
    GString *text = g_string_new(NULL);
    scene_header(text, level, "785");
    for (int i = 0; i < 2; i++) {
        g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(local + i * HOUR);
        g_autofree char *stamp = g_date_time_format(time, "%a %b %d %H:%M:%S:123 %Y");
        g_string_append_printf(text, "[Thr 7] %s\n[Thr 7] nothing\n", stamp);
    }
    return g_string_free(text, FALSE);
}

static struct capture_trace *add_older(struct scene *scene, struct capture_host *host,
                                       const struct capture_instance *instance, const char *file, int64_t local)
{
    g_autofree char *text = trace_from(local, "1");
    return scene_trace(scene, host, instance, file, text);
}

Test(hygiene, how_far_traces_reach_back)
{
    static const struct {
        const char *what;
        int64_t reach; /* seconds before the collection at which the older file begins */
        const char *title;
        enum audit_severity severity;
    } rows[] = {
        {"long enough", REACH, NULL, SEVERITY_INFO},
        {"longer", 30 * DAY, NULL, SEVERITY_INFO},
        {"a second too short", REACH - 1, "back only 23 hours", SEVERITY_LOW},
        {"some hours", 5 * HOUR + 59 * 60, "back only 5 hours", SEVERITY_LOW},
        {"not yet of more weight", SHORT, "back only 2 hours", SEVERITY_LOW},
        {"of more weight", SHORT - 1, "back only 119 minutes", SEVERITY_MEDIUM},
        {"minutes", 2 * 60, "back only 2 minutes", SEVERITY_MEDIUM},
        {"a minute", 119, "back only 1 minute", SEVERITY_MEDIUM},
        {"nothing", 0, "back only 1 minute", SEVERITY_MEDIUM},
        {"in the future: one of the clocks is wrong", -1, NULL, SEVERITY_INFO},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (int zone = -1; zone <= 1; zone++) {
            g_autoptr(scene_auto) scene = scene_new();
            struct capture_host *host = scene_host(scene, "app01");
            struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
            host->zone_offset_s = zone * 5 * (int)HOUR;
            add_older(scene, host, d00, "dev_icm.old", CERTS_NOW + host->zone_offset_s - rows[i].reach);
            scene_trace(scene, host, d00, "dev_icm", "[Thr 7] nothing\n");
            g_autoptr(audit_auto) audit = scene_run(scene, NULL);
            cr_assert_eq(scene_count(audit, FINDING_TRACE_ROTATION), rows[i].title != NULL, "%s", rows[i].what);
            if (!rows[i].title)
                continue;
            char when[MOMENT_TEXT_BYTES];
            const struct audit_finding *finding = scene_finding(audit, FINDING_TRACE_ROTATION);
            g_autofree char *lost =
                g_strdup_printf("failures before %s are lost", moment_format(when, CERTS_NOW - rows[i].reach));
            cr_expect(g_str_has_suffix(finding->title, rows[i].title), "%s: %s", rows[i].what, finding->title);
            cr_expect(strstr(finding->detail, lost), "%s: %s", rows[i].what, finding->detail);
            cr_expect_eq(finding->severity, rows[i].severity, "%s", rows[i].what);
            cr_expect_str_eq(finding->host->name, "app01");
        }
    }
}

Test(hygiene, what_is_not_known_of_a_trace_is_no_finding)
{
    static const struct {
        const char *what;
        gboolean found;
        gboolean tail, unread, lost, no_zone, not_finished, no_stamp, alone, current_only, moved;
    } rows[] = {
        {"all known", .found = TRUE},
        {"only the end of the file was asked for", .tail = TRUE},
        {"not read", .unread = TRUE},
        {"the capture lost it", .lost = TRUE},
        {"zone not known", .no_zone = TRUE},
        {"time of collection not known", .not_finished = TRUE},
        {"no time stamp", .no_stamp = TRUE},
        {"no newer file", .found = TRUE, .alone = TRUE},
        {"no older file", .current_only = TRUE},
        {"was rotated between the two readings, so the current one was not read", .moved = TRUE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autofree char *text = trace_from(CERTS_NOW - 5 * HOUR, "1");
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        if (!rows[i].alone)
            scene_trace(scene, host, d00, "dev_icm",
                        rows[i].current_only || rows[i].moved ? text : "[Thr 7] Sat Nov 21 23:30:00 2026\n");
        if (!rows[i].current_only) {
            struct capture_trace *older =
                scene_trace(scene, host, d00, "dev_icm.old", rows[i].no_stamp ? "[Thr 7] x\n" : text);
            older->from_byte = rows[i].tail ? 1 : 0;
            if (rows[i].lost)
                memset(older->object, '0', 64);
            if (rows[i].unread)
                g_clear_pointer(&older->object, g_free);
        }
        if (rows[i].no_zone)
            host->zone_offset_s = G_MININT;
        if (rows[i].not_finished)
            host->finished = MOMENT_NONE;
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_expect_eq(scene_count(audit, FINDING_TRACE_ROTATION), (unsigned)rows[i].found, "%s", rows[i].what);
    }
}

Test(hygiene, short_traces_are_one_finding_of_their_instance)
{
    g_autoptr(scene_auto) scene = scene_new();
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00"), *w20 = scene_instance(host, "WDP", "W20");
    g_autofree char *raised = trace_from(CERTS_NOW - 2 * HOUR, "2");
    add_older(scene, host, d00, "dev_icm.old", CERTS_NOW - 5 * HOUR);
    scene_trace(scene, host, d00, "dev_icm", raised);
    add_older(scene, host, d00, "dev_webdisp.old", CERTS_NOW - 3 * HOUR);
    add_older(scene, host, w20, "dev_webdisp.old", CERTS_NOW - 4 * HOUR);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(scene_count(audit, FINDING_TRACE_ROTATION), 2);
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        gboolean dispatcher = strstr(finding->title, "W20") != NULL;
        if (finding->kind != FINDING_TRACE_ROTATION)
            continue;
        cr_expect_str_eq(finding->title, dispatcher ? "The trace of W20 of WDP on app01 reaches back only 4 hours"
                                                    : "The trace of D00 of PRD on app01 reaches back only 3 hours");
        cr_expect_str_neq(scene_step(finding->steps, dispatcher ? "every 4 hours" : "every 3 hours"), "");
        cr_expect_str_neq(scene_step(finding->steps, "rdisp/TRACE_LOGGING"), "");
        cr_expect_eq(scene_step(finding->steps, "which is 2, back to 1: SMICM")[0] == '\0', dispatcher);
        cr_expect_eq(strstr(finding->detail, "dev_icm.old and the file that follows it reach back 5 hours: failures "
                                             "before 2026-11-21T19:00:00Z are lost.") != NULL,
                     !dispatcher, "%s", finding->detail);
    }
}

enum night { SHORT_TRACE, LONG_TRACE, TAIL, NO_OLDER_FILE, NO_INSTANCE, FAILED };

static struct audit *rotation_night(enum night night, const struct audit *previous, int64_t at)
{
    g_autoptr(scene_auto) scene = scene_new();
    struct capture_host *host = scene_host(scene, "app01");
    host->finished = at;
    if (night == FAILED)
        host->status = CAPTURE_FAILED;
    /* Another instance, of which all is known. */
    add_older(scene, host, scene_instance(host, "PRD", "D01"), "dev_icm.old", at - 2 * DAY);
    if (night == NO_INSTANCE || night == FAILED)
        return scene_run_at(scene, previous, at);
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    scene_trace(scene, host, d00, "dev_icm", "[Thr 7] nothing\n");
    if (night != NO_OLDER_FILE)
        add_older(scene, host, d00, "dev_icm.old", at - (night == LONG_TRACE ? 2 * DAY : 5 * HOUR))->from_byte =
            night == TAIL ? 100 : 0;
    return scene_run_at(scene, previous, at);
}

Test(hygiene, short_traces_from_night_to_night)
{
    static const struct {
        enum night night;
        enum audit_state state;
        const char *why;
    } rows[] = {
        {SHORT_TRACE, STATE_OPEN, "it still is"},
        {LONG_TRACE, STATE_FIXED, "it reaches back far enough"},
        {TAIL, STATE_OPEN, "its beginning was not read"},
        {NO_OLDER_FILE, STATE_FIXED, "nothing was rotated away"},
        {NO_INSTANCE, STATE_OPEN, "the instance may be on a disk that is not mounted"},
        {FAILED, STATE_OPEN, "nobody looked"},
    };
    g_autoptr(audit_auto) first = rotation_night(SHORT_TRACE, NULL, CERTS_NOW);
    const struct audit_finding *finding = scene_finding(first, FINDING_TRACE_ROTATION);
    cr_assert_not_null(finding);
    cr_expect_eq(finding->state, STATE_NEW);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) second = rotation_night(rows[i].night, first, CERTS_NOW + DAY);
        cr_assert_eq(scene_count(second, FINDING_TRACE_ROTATION), 1, "%s", rows[i].why);
        const struct audit_finding *after = scene_finding(second, FINDING_TRACE_ROTATION);
        cr_expect_str_eq(after->id, finding->id);
        cr_expect_eq(after->state, rows[i].state, "%s", rows[i].why);
        cr_expect_eq(after->first_seen, CERTS_NOW, "%s", rows[i].why);
        gboolean unseen = rows[i].night == TAIL || rows[i].night == NO_INSTANCE || rows[i].night == FAILED;
        cr_expect_eq(g_str_has_suffix(after->detail, "Not looked at in this audit."), unseen, "%s", rows[i].why);
        g_autoptr(audit_auto) third = rotation_night(SHORT_TRACE, second, CERTS_NOW + 2 * DAY);
        cr_expect_eq(scene_finding(third, FINDING_TRACE_ROTATION)->state,
                     rows[i].state == STATE_FIXED ? STATE_RETURNED : STATE_OPEN, "%s", rows[i].why);
    }
}
