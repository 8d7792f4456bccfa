#include "hygiene.h"

#include "findings.h"
#include "remedy.h"

#include <string.h>

static struct audit_finding *new_finding(struct history *history, enum audit_finding_kind kind,
                                         const struct audit_instance *instance)
{
    g_autofree char *about = g_strconcat(instance->host->name, "\n", instance->path, NULL);
    struct audit_finding *finding = findings_new(history, kind, about);
    finding->host = instance->host;
    g_ptr_array_add(history->audit->findings, finding);
    return finding;
}

/* A level left above 1. */

/* Whether the older part of a trace has a newer one that tells its level itself. */
static gboolean is_superseded(const struct audit_instance *instance, const struct audit_trace *trace)
{
    if (!g_str_has_suffix(trace->path, ".old"))
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

/* All of them. */

gboolean hygiene_made(enum audit_finding_kind kind)
{
    return kind == FINDING_TRACE_LEVEL;
}

void hygiene_find(struct history *history)
{
    const GPtrArray *hosts = history->audit->hosts;

    for (guint i = 0; i < hosts->len; i++) {
        const struct audit_host *host = hosts->pdata[i];
        for (guint j = 0; j < host->instances->len; j++)
            find_level(history, host->instances->pdata[j]);
    }
}

gboolean hygiene_was_looked_at(struct history *history, const struct audit_finding *before)
{
    return before->host && !has_unknown_level(history_host(history, before->host));
}
