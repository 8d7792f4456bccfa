#include "coverage.h"

#include "moment.h"

#include <string.h>

static void count_unread(struct coverage *coverage, const char *reason)
{
    static const char word[] = "not-allowed";

    if (!reason || strncmp(reason, word, strlen(word)) != 0)
        return;
    coverage->closed++;
    /* What sudo said stands behind the word, if it was asked. */
    if (!coverage->closed_reason || strlen(coverage->closed_reason) == strlen(word))
        coverage->closed_reason = reason;
}

static void count_traces(struct coverage *coverage, const struct audit_instance *instance)
{
    gboolean tracing = instance->kind == INSTANCE_ABAP || instance->kind == INSTANCE_WEBDISP;

    coverage->tracing += tracing;
    coverage->untraced += tracing && instance->traces->len == 0;
    for (guint i = 0; i < instance->traces->len; i++) {
        const struct audit_trace *trace = instance->traces->pdata[i];
        gboolean read = trace->object && !trace->reason;
        coverage->traces++;
        coverage->traces_read += read;
        if (!read)
            count_unread(coverage, trace->reason);
    }
}

/* Whether tonight's capture has a trace of it, be it unread. */
static gboolean has_trace(const struct audit_instance *instance)
{
    for (guint i = 0; i < instance->traces->len; i++)
        if (g_strcmp0(((const struct audit_trace *)instance->traces->pdata[i])->reason, AUDIT_NOT_COLLECTED) != 0)
            return TRUE;
    return FALSE;
}

/* On a host that was not listed, what tonight's capture does not have has not left a mark of its own. */
static gboolean is_seen(const struct audit_instance *instance, GHashTable *shown)
{
    return audit_host_is_listed(instance->host) ? instance->seen == MOMENT_NONE
                                                : has_trace(instance) || g_hash_table_contains(shown, instance);
}

static void count_host(struct coverage *coverage, const struct audit_host *host, GHashTable *shown)
{
    gboolean seen = FALSE;

    if (host->status == HOST_LEFT_OUT) {
        coverage->left_out++;
        return;
    }
    coverage->hosts++;
    coverage->hosts_failed += host->status == HOST_FAILED;
    coverage->hosts_whole += host->status == HOST_COLLECTED;
    for (guint i = 0; host->status != HOST_FAILED && i < host->instances->len; i++) {
        const struct audit_instance *instance = host->instances->pdata[i];
        if (!is_seen(instance, shown))
            continue;
        seen = TRUE;
        count_traces(coverage, instance);
    }
    coverage->hosts_seen += seen;
}

static void count_store(struct coverage *coverage, const struct audit_store *store, GHashTable *shown)
{
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        gboolean read = audit_member_is_whole(member);
        if (member->instance->host->status == HOST_LEFT_OUT || g_strcmp0(member->reason, AUDIT_GONE) == 0)
            continue;
        if (g_strcmp0(member->reason, AUDIT_NOT_COLLECTED) != 0)
            g_hash_table_add(shown, member->instance);
        coverage->lists++;
        coverage->lists_read += read;
        if (!read)
            count_unread(coverage, member->reason);
    }
}

void coverage_count(struct coverage *coverage, const struct audit *audit)
{
    g_autoptr(GHashTable) shown = g_hash_table_new(NULL, NULL); /* instances */

    *coverage = (struct coverage){0};
    for (guint i = 0; i < audit->stores->len; i++)
        count_store(coverage, audit->stores->pdata[i], shown);
    for (guint i = 0; i < audit->hosts->len; i++)
        count_host(coverage, audit->hosts->pdata[i], shown);
}

gboolean coverage_is_whole(const struct coverage *coverage)
{
    return coverage->hosts_whole == coverage->hosts && coverage->hosts_seen == coverage->hosts &&
           coverage->left_out == 0 && coverage->lists > 0 && coverage->lists_read == coverage->lists &&
           coverage->traces > 0 && coverage->traces_read == coverage->traces && coverage->untraced == 0;
}
