#include "hygiene.h"

#include "findings.h"
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
    struct audit_finding *finding = findings_new(history, kind, about);
    finding->host = instance->host;
    g_ptr_array_add(history->audit->findings, finding);
    return finding;
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

static gboolean has_unknown_level(const struct audit_host *host)
{
    for (guint i = 0; i < host->instances->len; i++) {
        const struct audit_instance *instance = host->instances->pdata[i];
        int level = -1;
        for (guint j = 0; j < instance->traces->len; j++)
            level = MAX(level, ((const struct audit_trace *)instance->traces->pdata[j])->level);
        if (instance->traces->len > 0 && level < 0)
            return TRUE;
    }
    return FALSE;
}

/* A trace that reaches back hours only. */

/* Seconds from the first line of an older file to its collection; -1: not known. */
static int64_t reach_of(const struct audit_host *host, const struct audit_trace *older)
{
    gboolean begun = older->object && older->from_byte == 0 && older->first != MOMENT_NONE;
    if (!begun || host->collected == MOMENT_NONE || host->collected < older->first)
        return -1;
    return host->collected - older->first;
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
    return kind == FINDING_TRACE_LEVEL || kind == FINDING_TRACE_ROTATION;
}

void hygiene_find(struct history *history)
{
    const GPtrArray *hosts = history->audit->hosts;

    for (guint i = 0; i < hosts->len; i++) {
        const struct audit_host *host = hosts->pdata[i];
        for (guint j = 0; j < host->instances->len; j++) {
            const struct audit_instance *instance = host->instances->pdata[j];
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
        if (g_str_equal(findings_id(history->audit, before->kind, about), before->id))
            return instance;
    }
    return NULL;
}

gboolean hygiene_was_looked_at(struct history *history, const struct audit_finding *before)
{
    if (!before->host)
        return FALSE;
    if (before->kind == FINDING_TRACE_LEVEL)
        return !has_unknown_level(history_host(history, before->host));
    const struct audit_instance *instance = instance_of(history, before);
    return !instance || is_reach_known(instance);
}
