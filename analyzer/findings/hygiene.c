#include "hygiene.h"

#include "finding.h"
#include "moment.h"
#include "remedy.h"

#include <string.h>

#define HOUR ((int64_t)3600)

static char *about_of(const struct audit_instance *instance)
{
    return g_strconcat(instance->host->name, "\n", instance->path, NULL);
}

static struct audit_finding *new_finding(struct history *history, enum audit_finding_kind kind,
                                         const struct audit_instance *instance)
{
    g_autofree char *about = about_of(instance);
    struct audit_finding *finding = finding_new(history, kind, about);
    finding->host = instance->host;
    g_ptr_array_add(history->audit->findings, finding);
    return finding;
}

/* A level too low to name what is missing. */

static int level_of(const struct audit_instance *instance, const char *path)
{
    const struct audit_trace *trace = audit_instance_trace(instance, path);
    if (trace && trace->level >= 0)
        return trace->level;
    g_autofree char *older_path = g_strconcat(path, ".old", NULL);
    const struct audit_trace *older = audit_instance_trace(instance, older_path);
    return older ? older->level : -1;
}

/* The highest level at which any of what is quoted was written; -1: not known. */
static int level_of_failure(const struct audit_failure *failure)
{
    int level = -1;
    for (guint i = 0; i < failure->evidence->len; i++) {
        const struct audit_evidence *evidence = failure->evidence->pdata[i];
        level = MAX(level, level_of(failure->instance, evidence->path));
    }
    return level;
}

/* With the end of the chain there and nothing missing by name some check failed: a higher level would tell no more. */
static gboolean shows_chain(const struct audit_failure *failure)
{
    const GPtrArray *chain = failure->chain;
    return chain->len > 0 && ((const struct audit_link *)chain->pdata[chain->len - 1])->issuer;
}

/* One who is called by, or calls, the instance of ${failure}. */
static char *peer_key(const struct audit_failure *failure, const char *peer)
{
    g_autofree char *about = about_of(failure->instance), *name = g_ascii_strdown(peer, -1);
    return g_strconcat(about, "\n", failure->role == ROLE_SERVER ? "from " : "to ", name, NULL);
}

/* The other side of a failure: the one that is called, or all who call.  Of these perhaps not all are listed. */
static GPtrArray *peers_of(const struct audit_failure *failure)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
    const char *called = failure->target ? failure->target : failure->peer;

    if (failure->role == ROLE_SERVER)
        for (guint i = 0; i < failure->peers->len; i++)
            g_ptr_array_add(keys, peer_key(failure, failure->peers->pdata[i]));
    else if (called)
        g_ptr_array_add(keys, peer_key(failure, called));
    return keys;
}

static GHashTable *find_named(const struct audit *audit)
{
    GHashTable *named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < audit->failures->len; i++) {
        const struct audit_failure *failure = audit->failures->pdata[i];
        if (!audit_failure_names_missing(failure))
            continue;
        g_autoptr(GPtrArray) peers = peers_of(failure);
        for (guint j = 0; j < peers->len; j++)
            g_hash_table_add(named, g_strdup(peers->pdata[j]));
    }
    return named;
}

/* Whether other failures of the same peers tell what this one does not. */
static gboolean is_named(const struct audit_failure *failure, GHashTable *named)
{
    g_autoptr(GPtrArray) peers = peers_of(failure);

    for (guint i = 0; i < peers->len; i++)
        if (!g_hash_table_contains(named, peers->pdata[i]))
            return FALSE;
    return peers->len > 0 && failure->peers_more == 0;
}

static gboolean is_terse(const struct audit_failure *failure)
{
    return failure->cause == CAUSE_UNTRUSTED_PEER && !failure->missing && failure->certainty == CERTAINTY_UNKNOWN &&
           !failure->torn && !shows_chain(failure) && level_of_failure(failure) < 2;
}

GHashTable *hygiene_terse(const struct audit *audit)
{
    GHashTable *terse = g_hash_table_new(NULL, NULL);
    g_autoptr(GHashTable) named = find_named(audit);

    for (guint i = 0; i < audit->failures->len; i++) {
        struct audit_failure *failure = audit->failures->pdata[i];
        if (is_terse(failure) && !is_named(failure, named))
            g_hash_table_add(terse, failure);
    }
    return terse;
}

static gboolean is_quoted(const GPtrArray *failures, const struct audit_trace *trace)
{
    for (guint i = 0; i < failures->len; i++) {
        const struct audit_failure *failure = failures->pdata[i];
        for (guint j = 0; j < failure->evidence->len; j++)
            if (g_strcmp0(((const struct audit_evidence *)failure->evidence->pdata[j])->path, trace->path) == 0)
                return TRUE;
    }
    return FALSE;
}

/* "/usr/sap/PRD/D00/work/dev_icm has level 1", of all files that the failures stand in; whether any level is known. */
static gboolean append_levels(GString *text, const struct audit_instance *instance, const GPtrArray *failures)
{
    gboolean known = FALSE;
    for (guint i = 0; i < instance->traces->len; i++) {
        const struct audit_trace *trace = instance->traces->pdata[i];
        if (!is_quoted(failures, trace))
            continue;
        int level = level_of(instance, trace->path);
        g_string_append(text, text->len ? ", " : "");
        if (level >= 0)
            g_string_append_printf(text, "%s has level %d", trace->path, level);
        else
            g_string_append_printf(text, "the level of %s is not known, since no header of it was read", trace->path);
        known = known || level >= 0;
    }
    return known;
}

static void find_detail(struct history *history, const struct audit_instance *instance, const GPtrArray *failures)
{
    struct audit *audit = history->audit;
    g_autoptr(GString) levels = g_string_new(NULL);
    g_autofree char *name = remedy_instance(instance);
    gboolean known = append_levels(levels, instance, failures);
    struct audit_finding *finding = new_finding(history, FINDING_TRACE_DETAIL, instance);

    if (known)
        finding->title = audit_textf(audit, "The trace level of %s is too low to name missing certificates", name);
    else
        finding->title =
            audit_textf(audit, "The trace of %s names no missing certificates, and its level is not known", name);
    finding->detail =
        audit_textf(audit, "At level 2 a trace shows more of the chain that a peer sends; %s. Concerned: %s",
                    levels->str, finding_sum(audit, failures));
    remedy_detail(audit, finding, instance);
}

/* The failures of ${terse} by their instances, in the order of the audit. */
static GHashTable *by_instance(const struct audit *audit, GHashTable *terse)
{
    GHashTable *instances = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    for (guint i = 0; i < audit->failures->len; i++) {
        struct audit_failure *failure = audit->failures->pdata[i];
        if (!g_hash_table_contains(terse, failure))
            continue;
        GPtrArray *failures = g_hash_table_lookup(instances, failure->instance);
        if (!failures) {
            failures = g_ptr_array_new();
            g_hash_table_insert(instances, failure->instance, failures);
        }
        g_ptr_array_add(failures, failure);
    }
    return instances;
}

/* A level left above 1. */

static gboolean is_older(const struct audit_trace *trace)
{
    return g_str_has_suffix(trace->path, ".old");
}

/* Whether the older part of a trace has a newer one that tells its level itself. */
static gboolean is_superseded(const struct audit_instance *instance, const struct audit_trace *trace)
{
    if (!is_older(trace))
        return FALSE;
    size_t size = strlen(trace->path) - strlen(".old");
    for (guint i = 0; i < instance->traces->len; i++) {
        const struct audit_trace *other = instance->traces->pdata[i];
        if (strlen(other->path) == size && strncmp(other->path, trace->path, size) == 0 && other->level >= 0)
            return TRUE;
    }
    return FALSE;
}

static void find_level(struct history *history, const struct audit_instance *instance)
{
    struct audit *audit = history->audit;
    g_autoptr(GString) text = g_string_new(NULL);

    for (guint i = 0; i < instance->traces->len; i++) {
        const struct audit_trace *trace = instance->traces->pdata[i];
        if (trace->level > 1 && !is_superseded(instance, trace))
            g_string_append_printf(text, "%s%s has level %d", text->len ? ", " : "", trace->path, trace->level);
    }
    if (text->len == 0)
        return;
    g_autofree char *name = remedy_instance(instance);
    struct audit_finding *finding = new_finding(history, FINDING_TRACE_LEVEL, instance);
    finding->title = audit_textf(audit, "The trace level of %s is above 1", name);
    finding->detail =
        audit_textf(audit, "%s. Such a trace is large, is overwritten soon, and may hold what is private.", text->str);
    remedy_finding(audit, finding);
}

/* Whether all traces were read to their ends, and each tells its level, or the older file before it does. */
static gboolean is_level_known(const struct audit_instance *instance)
{
    for (guint i = 0; i < instance->traces->len; i++) {
        const struct audit_trace *trace = instance->traces->pdata[i];
        if (!trace->object || trace->reason || (!is_superseded(instance, trace) && level_of(instance, trace->path) < 0))
            return FALSE;
    }
    return instance->traces->len > 0;
}

/* A trace that reaches back hours only. */

/* Seconds from the first line of an older file to its collection; below 0: not known, or one of the clocks is wrong. */
static int64_t reach_of(const struct audit_host *host, const struct audit_trace *older)
{
    gboolean begun = older->object && older->from_byte == 0 && older->first != MOMENT_NONE;
    return begun && host->collected != MOMENT_NONE ? host->collected - older->first : -1;
}

/* "5 hours"; minutes where hours would be too coarse.  Rounded down, so that nothing is promised that is not there. */
static char *reach_text(int64_t seconds)
{
    int64_t hours = seconds / HOUR, minutes = MAX(seconds / 60, 1);
    if (hours >= HYGIENE_REACH_SHORT_HOURS)
        return g_strdup_printf("%d hours", (int)hours);
    return g_strdup_printf("%d minute%s", (int)minutes, minutes == 1 ? "" : "s");
}

static void append_reach(GString *text, const struct audit_trace *older, int64_t seconds)
{
    char when[MOMENT_TEXT_BYTES];
    g_autofree char *reach = reach_text(seconds);
    g_string_append_printf(text, "%s%s and the file that follows it reach back %s: failures before %s are lost.",
                           text->len ? " " : "", older->path, reach, moment_format(when, older->first));
}

static void find_rotation(struct history *history, const struct audit_instance *instance)
{
    struct audit *audit = history->audit;
    g_autoptr(GString) text = g_string_new(NULL);
    int64_t shortest = HYGIENE_REACH_HOURS * HOUR;

    for (guint i = 0; i < instance->traces->len; i++) {
        const struct audit_trace *trace = instance->traces->pdata[i];
        int64_t reach = is_older(trace) ? reach_of(instance->host, trace) : -1;
        if (reach < 0 || reach >= HYGIENE_REACH_HOURS * HOUR)
            continue;
        append_reach(text, trace, reach);
        shortest = MIN(shortest, reach);
    }
    if (text->len == 0)
        return;
    g_autofree char *name = remedy_instance(instance), *reach = reach_text(shortest);
    struct audit_finding *finding = new_finding(history, FINDING_TRACE_ROTATION, instance);
    if (shortest < HYGIENE_REACH_SHORT_HOURS * HOUR)
        finding->severity = SEVERITY_MEDIUM;
    finding->title = audit_textf(audit, "The trace of %s reaches back only %s", name, reach);
    finding->detail =
        audit_textf(audit, "%s An audit that runs once a night does not see what fails in between.", text->str);
    remedy_rotation(audit, finding, instance, reach);
}

/* Whether tonight tells how far back each trace with an older file reaches. */
static gboolean is_reach_known(const struct audit_instance *instance)
{
    for (guint i = 0; i < instance->traces->len; i++) {
        const struct audit_trace *trace = instance->traces->pdata[i];
        if (is_older(trace) && reach_of(instance->host, trace) < 0)
            return FALSE;
    }
    return TRUE;
}

/* All of them. */

gboolean hygiene_made(enum audit_finding_kind kind)
{
    return kind == FINDING_TRACE_DETAIL || kind == FINDING_TRACE_LEVEL || kind == FINDING_TRACE_ROTATION;
}

void hygiene_find(struct history *history, GHashTable *terse)
{
    g_autoptr(GHashTable) instances = by_instance(history->audit, terse);
    const GPtrArray *hosts = history->audit->hosts;

    for (guint i = 0; i < hosts->len; i++) {
        const struct audit_host *host = hosts->pdata[i];
        for (guint j = 0; j < host->instances->len; j++) {
            const struct audit_instance *instance = host->instances->pdata[j];
            const GPtrArray *failures = g_hash_table_lookup(instances, instance);
            if (failures)
                find_detail(history, instance, failures);
            find_level(history, instance);
            find_rotation(history, instance);
        }
    }
}

/* The instance that a finding of the previous audit is about, by its id; NULL: the host does not have it any more. */
static const struct audit_instance *instance_of(struct history *history, const struct audit_finding *before)
{
    const struct audit_host *host = history_host(history, before->host);
    for (guint i = 0; i < host->instances->len; i++) {
        const struct audit_instance *instance = host->instances->pdata[i];
        g_autofree char *about = about_of(instance);
        if (g_str_equal(finding_id(history->audit, before->kind, about), before->id))
            return instance;
    }
    return NULL;
}

gboolean hygiene_was_looked_at(struct history *history, const struct audit_finding *before)
{
    if (!before->host)
        return FALSE;
    const struct audit_instance *instance = instance_of(history, before);
    if (!instance)
        return TRUE;
    if (before->kind == FINDING_TRACE_ROTATION)
        return instance->seen == MOMENT_NONE && instance->traces->len > 0 && is_reach_known(instance);
    return before->kind == FINDING_TRACE_LEVEL ? is_level_known(instance) : history_is_heard(history, instance);
}
