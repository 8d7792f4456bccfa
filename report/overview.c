#include "overview.h"

#include "moment.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

gboolean overview_is_closed(enum audit_state state)
{
    return state == STATE_FIXED || state == STATE_WAIVED;
}

unsigned overview_open_gaps(const struct audit_finding *finding)
{
    unsigned open = 0;
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        open += gap->store && !overview_is_closed(gap->state);
    }
    return open;
}

uint64_t overview_connections(const struct audit_finding *finding)
{
    uint64_t count = 0;
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        if (!overview_is_closed(gap->state))
            count += gap->count;
    }
    return count;
}

static void count_hosts(struct overview *overview)
{
    for (guint i = 0; i < overview->audit->hosts->len; i++) {
        struct audit_host *host = overview->audit->hosts->pdata[i];
        overview->collected += host->status == HOST_COLLECTED;
        overview->partial += host->status == HOST_PARTIAL;
        overview->failed += host->status == HOST_FAILED;
        if (host->status != HOST_COLLECTED)
            g_ptr_array_add(overview->absent, host);
    }
}

/* Counts what an import heals; a store that lacks two certificates is one store. */
static void count_gaps(struct overview *overview, const struct audit_finding *finding, GHashTable *stores)
{
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        if (overview_is_closed(gap->state))
            continue;
        if (!gap->store) {
            overview->homeless += gap->count;
            continue;
        }
        overview->connections += gap->count;
        g_hash_table_add(stores, gap->store);
    }
}

static void sort_into_chapter(struct overview *overview, struct audit_finding *finding)
{
    if (finding->kind == FINDING_HOST_MISSING && finding->host && !overview_is_closed(finding->state) &&
        g_hash_table_insert(overview->host_findings, finding->host, finding))
        return;
    if (overview_is_closed(finding->state))
        g_ptr_array_add(overview->closed, finding);
    else if (finding->kind == FINDING_MISSING_ANCHOR || finding->kind == FINDING_UNKNOWN_ISSUER ||
             finding->kind == FINDING_POLICY_MISSING)
        g_ptr_array_add(overview->missing, finding);
    else if ((finding->kind == FINDING_EXPIRED || finding->kind == FINDING_EXPIRING) && finding->cert)
        g_ptr_array_add(overview->ending, finding);
    else
        g_ptr_array_add(overview->others, finding);
}

static int compare_missing(const void *a, const void *b)
{
    const struct audit_finding *left = *(struct audit_finding *const *)a, *right = *(struct audit_finding *const *)b;
    unsigned gaps[2] = {overview_open_gaps(left), overview_open_gaps(right)};
    uint64_t connections[2] = {overview_connections(left), overview_connections(right)};
    gboolean required[2] = {left->kind == FINDING_POLICY_MISSING, right->kind == FINDING_POLICY_MISSING};

    if (required[0] != required[1]) /* what fails comes first */
        return required[0] ? 1 : -1;
    if (gaps[0] != gaps[1])
        return gaps[0] > gaps[1] ? -1 : 1;
    if (connections[0] != connections[1])
        return connections[0] > connections[1] ? -1 : 1;
    if (left->severity != right->severity)
        return left->severity > right->severity ? -1 : 1;
    return strcmp(left->id, right->id);
}

static int compare_ending(const void *a, const void *b)
{
    const struct audit_finding *left = *(struct audit_finding *const *)a, *right = *(struct audit_finding *const *)b;

    if (left->cert->not_after != right->cert->not_after)
        return left->cert->not_after < right->cert->not_after ? -1 : 1;
    return strcmp(left->id, right->id);
}

static void sort(GPtrArray *array, int (*compare)(const void *, const void *))
{
    if (array->len > 1)
        qsort(array->pdata, array->len, sizeof array->pdata[0], compare);
}

struct overview *overview_new(const struct audit *audit)
{
    struct overview *overview = g_new0(struct overview, 1);
    g_autoptr(GHashTable) stores = g_hash_table_new(NULL, NULL);

    overview->audit = audit;
    overview->missing = g_ptr_array_new();
    overview->others = g_ptr_array_new();
    overview->ending = g_ptr_array_new();
    overview->closed = g_ptr_array_new();
    overview->absent = g_ptr_array_new();
    overview->host_findings = g_hash_table_new(NULL, NULL);
    count_hosts(overview);
    for (guint i = 0; i < audit->findings->len; i++) {
        struct audit_finding *finding = audit->findings->pdata[i];
        overview->states[finding->state]++;
        sort_into_chapter(overview, finding);
        if (overview_is_closed(finding->state))
            continue;
        if (finding->kind == FINDING_MISSING_ANCHOR) {
            overview->certificates++;
            count_gaps(overview, finding, stores);
        }
        overview->unknown += finding->kind == FINDING_UNKNOWN_ISSUER;
        overview->required += finding->kind == FINDING_POLICY_MISSING;
    }
    overview->stores = g_hash_table_size(stores);
    sort(overview->missing, compare_missing);
    sort(overview->ending, compare_ending);
    return overview;
}

void overview_free(struct overview *overview)
{
    if (!overview)
        return;
    g_ptr_array_unref(overview->missing);
    g_ptr_array_unref(overview->others);
    g_ptr_array_unref(overview->ending);
    g_ptr_array_unref(overview->closed);
    g_ptr_array_unref(overview->absent);
    g_hash_table_unref(overview->host_findings);
    g_free(overview);
}

char *overview_headline(const struct overview *overview)
{
    if (overview->certificates == 0)
        return g_strdup(overview->unknown     ? "No certificate to import was found."
                        : overview->required  ? "No failed connection shows that a certificate is missing."
                        : overview->collected ? "No certificate is missing, as far as was seen."
                                              : "Nothing was seen: no host was wholly collected.");
    gboolean one = overview->certificates == 1;
    g_autofree char *certificates = words_count(overview->certificates, "certificate is", "certificates are");
    g_autofree char *stores = words_count(overview->stores, "trust store", "trust stores");
    g_autofree char *connections = words_count(overview->connections, "failing connection", "failing connections");
    return g_strdup_printf("%s missing in %s; importing %s heals %s.", certificates, stores, one ? "it" : "them",
                           connections);
}

GPtrArray *overview_remarks(const struct overview *overview)
{
    GPtrArray *remarks = g_ptr_array_new_with_free_func(g_free);

    if (overview->unknown) {
        g_autofree char *unknown = words_count(overview->unknown, "more issuer is", "more issuers are");
        g_ptr_array_add(remarks,
                        g_strdup_printf("%s missing that nobody in the landscape or the references holds.", unknown));
    }
    if (overview->required) {
        g_autofree char *required = words_count(overview->required, "certificate", "certificates");
        g_ptr_array_add(remarks, g_strdup_printf("The policy requires %s that trust stores lack.", required));
    }
    if (overview->homeless) {
        g_autofree char *homeless =
            words_count(overview->homeless, "failing connection does", "failing connections do");
        g_ptr_array_add(remarks, g_strdup_printf("%s not tell which PSE was used.", homeless));
    }
    if (overview->failed) {
        g_autofree char *failed = words_count(overview->failed, "host", "hosts");
        g_ptr_array_add(remarks, g_strdup_printf("%s could not be collected: nothing is known of %s, good or bad.",
                                                 failed, overview->failed == 1 ? "it" : "them"));
    }
    if (overview->partial) {
        g_autofree char *partial = words_count(overview->partial, "host was", "hosts were");
        g_ptr_array_add(remarks, g_strdup_printf("%s collected only in part.", partial));
    }
    return remarks;
}

static void steps_free(void *data)
{
    struct overview_steps *group = data;
    g_ptr_array_unref(group->gaps);
    g_free(group);
}

static char *steps_key(const GPtrArray *steps)
{
    GString *key = g_string_new(NULL);
    for (guint i = 0; i < steps->len; i++)
        g_string_append_printf(key, "%s\n", (const char *)steps->pdata[i]);
    return g_string_free(key, FALSE);
}

GPtrArray *overview_steps(const struct audit_finding *finding)
{
    GPtrArray *groups = g_ptr_array_new_with_free_func(steps_free);
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < finding->gaps->len; i++) {
        struct audit_gap *gap = finding->gaps->pdata[i];
        if (gap->steps->len == 0 || overview_is_closed(gap->state))
            continue;
        g_autofree char *key = steps_key(gap->steps);
        struct overview_steps *group = g_hash_table_lookup(known, key);
        if (!group) {
            group = g_new(struct overview_steps, 1);
            *group = (struct overview_steps){gap->steps, g_ptr_array_new()};
            g_ptr_array_add(groups, group);
            g_hash_table_insert(known, g_steal_pointer(&key), group);
        }
        g_ptr_array_add(group->gaps, gap);
    }
    return groups;
}
