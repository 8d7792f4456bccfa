#include "overview.h"

#include "moment.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

#define TRUSTED_NAMED 5 /* hosts in a remark */

static gboolean is_open(const struct audit_gap *gap)
{
    return !audit_state_is_closed(gap->state);
}

/* Whether something is to be imported for it, and for it alone. */
static gboolean wants_import(const struct audit_gap *gap)
{
    return is_open(gap) && !gap->covered_by && !gap->distrusted;
}

unsigned overview_open_gaps(const struct audit_finding *finding)
{
    unsigned open = 0;
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        open += gap->store && wants_import(gap);
    }
    return open;
}

uint64_t overview_healed(const struct overview *overview, const struct audit_finding *finding)
{
    const uint64_t *healed = g_hash_table_lookup(overview->healed, finding->id);
    return healed ? *healed : 0;
}

/* The connections of a gap are healed by the finding that is imported into its store. */
static void add_healed(struct overview *overview, const struct audit_finding *finding)
{
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        const char *id = gap->covered_by ? gap->covered_by : finding->id;
        uint64_t *healed = g_hash_table_lookup(overview->healed, id);
        if (!is_open(gap) || (gap->distrusted && !gap->covered_by))
            continue;
        if (!healed) {
            healed = g_new0(uint64_t, 1);
            g_hash_table_insert(overview->healed, (void *)id, healed);
        }
        *healed += gap->count;
    }
}

static void count_hosts(struct overview *overview)
{
    for (guint i = 0; i < overview->audit->hosts->len; i++) {
        struct audit_host *host = overview->audit->hosts->pdata[i];
        overview->collected += host->status == HOST_COLLECTED;
        overview->partial += host->status == HOST_PARTIAL;
        overview->failed += host->status == HOST_FAILED;
        overview->left_out += host->status == HOST_LEFT_OUT;
        if (host->status != HOST_COLLECTED && host->status != HOST_LEFT_OUT)
            g_ptr_array_add(overview->absent, host);
    }
}

/* Counts what an import heals; a store that lacks two certificates is one store. */
static void count_gaps(struct overview *overview, const struct audit_finding *finding, GHashTable *stores)
{
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        if (!is_open(gap) || (gap->distrusted && !gap->covered_by))
            continue;
        if (!gap->store) {
            overview->homeless += gap->count;
            continue;
        }
        overview->connections += gap->count;
        g_hash_table_add(stores, gap->store);
    }
}

/* Not if other imports heal all of it. */
static gboolean needs_import(const struct audit_finding *finding)
{
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        if (wants_import(gap))
            return TRUE;
    }
    return FALSE;
}

static void sort(GPtrArray *array, int (*compare)(const void *, const void *))
{
    if (array->len > 1)
        qsort(array->pdata, array->len, sizeof array->pdata[0], compare);
}

/* Tiers and groups of the inventory. */

static void part_free(void *data)
{
    struct overview_part *part = data;
    g_hash_table_unref(part->mended);
    g_free(part);
}

static struct overview_part *part_for(GPtrArray *parts, GHashTable *known, const char *name)
{
    const char *key = name ? name : "\n"; /* which no name has */
    struct overview_part *part = g_hash_table_lookup(known, key);

    if (!part) {
        part = g_new0(struct overview_part, 1);
        part->name = name;
        part->mended = g_hash_table_new(NULL, NULL);
        g_hash_table_insert(known, (void *)key, part);
        g_ptr_array_add(parts, part);
    }
    return part;
}

/* The parts of each host: its tier and its groups. */
static GHashTable *make_parts(struct overview *overview)
{
    GHashTable *of_host = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GHashTable) tiers = g_hash_table_new(g_str_hash, g_str_equal),
                          groups = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < overview->audit->hosts->len; i++) {
        struct audit_host *host = overview->audit->hosts->pdata[i];
        GPtrArray *parts = g_ptr_array_new();
        g_ptr_array_add(parts, part_for(overview->tiers, tiers, host->tier));
        for (guint j = 0; j < host->groups->len; j++)
            g_ptr_array_add(parts, part_for(overview->groups, groups, host->groups->pdata[j]));
        if (host->groups->len == 0)
            g_ptr_array_add(parts, part_for(overview->groups, groups, NULL));
        for (guint j = 0; j < parts->len; j++) {
            struct overview_part *part = parts->pdata[j];
            part->hosts += host->status != HOST_LEFT_OUT;
            part->collected += host->status == HOST_COLLECTED;
        }
        g_hash_table_insert(of_host, host, parts);
    }
    return of_host;
}

static void count_gap_in_parts(const struct audit_gap *gap, GHashTable *of_host)
{
    for (guint i = 0; gap->store && i < gap->store->members->len; i++) {
        const struct audit_member *member = gap->store->members->pdata[i];
        const GPtrArray *parts = g_hash_table_lookup(of_host, member->instance->host);
        for (guint j = 0; parts && j < parts->len; j++)
            g_hash_table_add(((struct overview_part *)parts->pdata[j])->mended, gap->store);
    }
    for (guint i = 0; i < gap->failures->len; i++) {
        const struct audit_failure *failure = gap->failures->pdata[i];
        const GPtrArray *parts = failure->instance ? g_hash_table_lookup(of_host, failure->instance->host) : NULL;
        for (guint j = 0; parts && j < parts->len; j++)
            ((struct overview_part *)parts->pdata[j])->connections += failure->count;
    }
}

static int compare_parts(const void *a, const void *b)
{
    const struct overview_part *left = *(struct overview_part *const *)a, *right = *(struct overview_part *const *)b;

    if (!left->name != !right->name)
        return left->name ? -1 : 1; /* hosts without any come last */
    return g_strcmp0(left->name, right->name);
}

/* Without a name at all there is nothing to tell apart. */
static void finish_parts(GPtrArray *parts)
{
    sort(parts, compare_parts);
    if (parts->len > 0 && !((const struct overview_part *)parts->pdata[0])->name)
        g_ptr_array_set_size(parts, 0);
    for (guint i = 0; i < parts->len; i++) {
        struct overview_part *part = parts->pdata[i];
        part->stores = g_hash_table_size(part->mended);
    }
}

static void count_parts(struct overview *overview)
{
    g_autoptr(GHashTable) of_host = make_parts(overview);

    for (guint i = 0; i < overview->missing->len; i++) {
        const struct audit_finding *finding = overview->missing->pdata[i];
        for (guint j = 0; j < finding->gaps->len; j++)
            if (is_open(finding->gaps->pdata[j]))
                count_gap_in_parts(finding->gaps->pdata[j], of_host);
    }
    finish_parts(overview->tiers);
    finish_parts(overview->groups);
}

static void sort_into_chapter(struct overview *overview, struct audit_finding *finding)
{
    if (finding->kind == FINDING_HOST_MISSING && finding->host && !audit_state_is_closed(finding->state) &&
        g_hash_table_insert(overview->host_findings, finding->host, finding))
        return;
    if (audit_state_is_closed(finding->state))
        g_ptr_array_add(overview->closed, finding);
    else if (finding->kind == FINDING_MISSING_ANCHOR || finding->kind == FINDING_UNKNOWN_ISSUER ||
             finding->kind == FINDING_POLICY_MISSING)
        g_ptr_array_add(overview->missing, finding);
    else if ((finding->kind == FINDING_EXPIRED || finding->kind == FINDING_EXPIRING) && finding->cert)
        g_ptr_array_add(overview->ending, finding);
    else
        g_ptr_array_add(overview->others, finding);
}

static gint compare_missing(const void *a, const void *b, void *data)
{
    const struct audit_finding *left = *(struct audit_finding *const *)a, *right = *(struct audit_finding *const *)b;
    uint64_t healed[2] = {overview_healed(data, left), overview_healed(data, right)};
    unsigned gaps[2] = {overview_open_gaps(left), overview_open_gaps(right)};
    gboolean required[2] = {left->kind == FINDING_POLICY_MISSING, right->kind == FINDING_POLICY_MISSING};

    if (required[0] != required[1]) /* what fails comes first */
        return required[0] ? 1 : -1;
    if (healed[0] != healed[1])
        return healed[0] > healed[1] ? -1 : 1;
    if (gaps[0] != gaps[1])
        return gaps[0] > gaps[1] ? -1 : 1;
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

/* Failures that lack a certificate, and nobody knows which. */
static uint64_t count_unnamed(const struct audit_finding *finding)
{
    uint64_t count = 0;
    for (guint i = 0; finding->kind == FINDING_TLS_FAILURE && i < finding->failures->len; i++) {
        const struct audit_failure *failure = finding->failures->pdata[i];
        if (failure->cause == CAUSE_UNTRUSTED_PEER && !audit_state_is_closed(finding->state))
            count += failure->count;
    }
    return count;
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
    overview->tiers = g_ptr_array_new_with_free_func(part_free);
    overview->groups = g_ptr_array_new_with_free_func(part_free);
    overview->host_findings = g_hash_table_new(NULL, NULL);
    overview->healed = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    coverage_count(&overview->seen, audit);
    count_hosts(overview);
    for (guint i = 0; i < audit->findings->len; i++) {
        struct audit_finding *finding = audit->findings->pdata[i];
        overview->states[finding->state]++;
        overview->waived += finding->state == STATE_WAIVED &&
                            (finding->kind == FINDING_MISSING_ANCHOR || finding->kind == FINDING_UNKNOWN_ISSUER);
        sort_into_chapter(overview, finding);
        overview->unnamed += count_unnamed(finding);
        if (audit_state_is_closed(finding->state))
            continue;
        add_healed(overview, finding);
        if (finding->kind == FINDING_MISSING_ANCHOR) {
            overview->certificates += needs_import(finding);
            count_gaps(overview, finding, stores);
        }
        overview->unknown += finding->kind == FINDING_UNKNOWN_ISSUER;
        overview->required += finding->kind == FINDING_POLICY_MISSING;
        overview->unanalyzed += finding->kind == FINDING_UNANALYZED;
    }
    overview->stores = g_hash_table_size(stores);
    g_ptr_array_sort_with_data(overview->missing, compare_missing, overview);
    sort(overview->ending, compare_ending);
    count_parts(overview);
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
    g_ptr_array_unref(overview->tiers);
    g_ptr_array_unref(overview->groups);
    g_hash_table_unref(overview->host_findings);
    g_hash_table_unref(overview->healed);
    g_free(overview);
}

/* "4 of 6 trust lists" */
static char *share(unsigned part, unsigned all, const char *one, const char *many)
{
    g_autofree char *count = words_count(all, one, many), *number = words_number(part);
    return g_strdup_printf("%s of %s", number, count);
}

static void append_part(GString *text, char *part)
{
    g_string_append_printf(text, "%s%s", text->len > 0 ? "; " : "", part);
    g_free(part);
}

/* "4 of 6 trust lists and 1 of 2 traces were read", of those of which not all were. */
static void append_unread(GString *text, const struct coverage *seen)
{
    gboolean lists = seen->lists_read < seen->lists, traces = seen->traces_read < seen->traces;
    g_autofree char *first = share(seen->lists_read, seen->lists, "trust list", "trust lists");
    g_autofree char *second = share(seen->traces_read, seen->traces, "trace", "traces");
    gboolean one = lists ? seen->lists == 1 && !traces : seen->traces == 1;

    if (lists || traces)
        append_part(text, g_strdup_printf("%s%s%s %s read", lists ? first : "", lists && traces ? " and " : "",
                                          traces ? second : "", one ? "was" : "were"));
}

static void append_unseen_hosts(GString *text, const struct coverage *seen)
{
    unsigned unseen = seen->hosts - seen->hosts_seen;
    g_autofree char *hosts = share(unseen, seen->hosts, "host", "hosts");

    if (unseen > 0)
        append_part(text, g_strdup_printf("%s %s not checked", hosts, unseen == 1 ? "was" : "were"));
}

/* Nothing that could be read is not the same as nothing that was missing. */
static void append_nothing_found(GString *text, const struct coverage *seen)
{
    if (seen->lists == 0 || seen->traces == 0)
        append_part(text, g_strdup_printf("no %s was found", seen->lists > 0    ? "trace"
                                                             : seen->traces > 0 ? "trust list"
                                                                                : "trust list or trace"));
    if (seen->traces > 0 && seen->untraced > 0)
        append_part(text, g_strdup_printf("no trace was found in %u of %u instances", seen->untraced, seen->tracing));
}

/* What was not looked at, as a sentence with a blank behind it; "" if everything was. */
static char *describe_unseen(const struct coverage *seen)
{
    GString *text = g_string_new(NULL);

    if (seen->hosts == 0)
        g_string_append(text, seen->left_out ? "nothing was checked: all hosts were left out of this run"
                                             : "nothing was checked: there is no host in this audit");
    else if (seen->hosts_failed == seen->hosts)
        g_string_append(text, seen->hosts == 1 ? "nothing was checked: the host could not be collected"
                                               : "nothing was checked: no host could be collected");
    else if (seen->hosts_seen == 0)
        g_string_append(text, "nothing was checked: no SAP instance was found on any host");
    append_unread(text, seen);
    if (seen->hosts_seen > 0) {
        append_unseen_hosts(text, seen);
        append_nothing_found(text, seen);
    }
    if (text->len > 0) {
        text->str[0] = g_ascii_toupper(text->str[0]);
        g_string_append(text, ". ");
    }
    return g_string_free(text, FALSE);
}

/* An all-clear, or as much of one as what was read allows; "" if it allows none. */
static char *describe_clean(const struct coverage *seen)
{
    g_autofree char *lists = words_count(seen->lists_read, "trust list", "trust lists");
    g_autofree char *traces = words_count(seen->traces_read, "trace", "traces");
    gboolean one = seen->lists_read + seen->traces_read == 1;

    if (seen->hosts_seen == 0 || seen->lists_read + seen->traces_read == 0)
        return g_strdup("");
    if (coverage_is_whole(seen))
        return g_strdup_printf("No missing certificate was found in %s and %s.", lists, traces);
    if (seen->traces_read == 0)
        return g_strdup("Failing connections show in traces only, so nothing is known about them.");
    if (seen->lists_read == 0)
        return g_strdup_printf("No missing certificate was found in the %s that %s read.", one ? "trace" : "traces",
                               one ? "was" : "were");
    return g_strdup("No missing certificate was found in what was read.");
}

/* The first sentence on certificates. */
static char *describe_missing(const struct overview *overview)
{
    const struct coverage *seen = &overview->seen;

    if (overview->certificates > 0) {
        gboolean one = overview->certificates == 1;
        g_autofree char *certificates = words_count(overview->certificates, "certificate is", "certificates are");
        g_autofree char *stores = words_count(overview->stores, "trust store", "trust stores");
        g_autofree char *connections = words_count(overview->connections, "failing connection", "failing connections");
        return g_strdup_printf("%s missing in %s; importing %s fixes %s.", certificates, stores, one ? "it" : "them",
                               connections);
    }
    if (overview->unknown) {
        gboolean one = overview->unknown == 1;
        g_autofree char *unknown = words_count(overview->unknown, "certificate is", "certificates are");
        return g_strdup_printf("%s missing, and %s not available anywhere in the landscape or the references.", unknown,
                               one ? "it is" : "they are");
    }
    if (overview->unnamed) {
        g_autofree char *unnamed = words_count(overview->unnamed, "connection failed", "connections failed");
        return g_strdup_printf("%s because the peer's certificate is not trusted; the traces don't name the missing "
                               "certificate.",
                               unnamed);
    }
    if (overview->waived && seen->traces_read > 0)
        return g_strdup(coverage_is_whole(seen)
                            ? "The policy waives every certificate that is missing."
                            : "The policy waives every missing certificate that was found in what was read.");
    if (overview->required && seen->traces_read > 0)
        return g_strdup(coverage_is_whole(seen)
                            ? "No failed connection shows a missing certificate."
                            : "No failed connection in the traces that were read shows a missing certificate.");
    return describe_clean(seen);
}

char *overview_headline(const struct overview *overview)
{
    g_autofree char *unseen = describe_unseen(&overview->seen), *missing = describe_missing(overview);
    g_autofree char *both = g_strconcat(unseen, missing, NULL);
    return g_strdup(g_strchomp(both));
}

/* A report of some hosts must not look like one of all. */
static void add_limits(GPtrArray *remarks, const struct audit *audit)
{
    for (guint i = 0; i < audit->captures->len; i++) {
        const struct audit_capture *capture = audit->captures->pdata[i];
        if (!capture->limit)
            continue;
        g_autofree char *hosts = capture->left_out ? words_count(capture->left_out, "host was", "hosts were")
                                                   : g_strdup("all other hosts were");
        g_ptr_array_add(remarks,
                        g_strdup_printf("This run was limited to %s: %s left out and not looked at. What is said about "
                                        "them comes from the previous audit.",
                                        capture->limit, hosts));
    }
}

/* How to get at what could not be read, and why it could not. */
static void add_unread(GPtrArray *remarks, const struct coverage *seen)
{
    unsigned unread = seen->lists - seen->lists_read + seen->traces - seen->traces_read;

    if (seen->closed > 0) {
        g_autofree char *files = words_count(seen->closed, "PSE or trace", "PSEs and traces");
        g_ptr_array_add(
            remarks,
            g_strdup_printf("The login may not read %s (%s). Set ansible_become=true and allow \"sudo -n -u <sid>adm "
                            "/bin/sh\" without a password, or give a group of the login read permission; see \"What a "
                            "login needs\" in the README.",
                            files, seen->closed_reason));
    }
    if (unread > seen->closed) {
        g_autofree char *files = words_count(unread - seen->closed, "PSE or trace", "PSEs and traces");
        g_ptr_array_add(
            remarks, g_strdup_printf("%s could not be read%s: see the findings, and the hosts that were not collected.",
                                     files, seen->closed > 0 ? " for another reason" : ""));
    }
    if (seen->hosts_seen + seen->hosts_failed < seen->hosts) {
        g_autofree char *hosts = words_count(seen->hosts - seen->hosts_seen - seen->hosts_failed, "host", "hosts");
        g_ptr_array_add(remarks,
                        g_strdup_printf("No SAP instance was found on %s: see sap_root in the inventory.", hosts));
    }
}

/* Where the probe was allowed to run what others than the owner of a PSE can replace. */
static void add_trusted(GPtrArray *remarks, const struct audit *audit)
{
    g_autoptr(GString) names = g_string_new(NULL);
    unsigned count = 0;

    for (guint i = 0; i < audit->hosts->len; i++) {
        const struct audit_host *host = audit->hosts->pdata[i];
        if (host->tools_trusted && ++count <= TRUSTED_NAMED)
            g_string_append_printf(names, "%s%s", count > 1 ? ", " : "", host->name);
    }
    if (count == 0)
        return;
    if (count > TRUSTED_NAMED)
        g_string_append_printf(names, " and %u more", count - TRUSTED_NAMED);
    g_ptr_array_add(remarks,
                    g_strdup_printf("The inventory trusts all users of %s (sap_trust_local_users): any of them "
                                    "could have changed what sapgenpse listed there.",
                                    names->str));
}

GPtrArray *overview_remarks(const struct overview *overview)
{
    GPtrArray *remarks = g_ptr_array_new_with_free_func(g_free);

    add_limits(remarks, overview->audit);
    add_unread(remarks, &overview->seen);
    add_trusted(remarks, overview->audit);
    if (overview->unknown && overview->certificates) {
        g_autofree char *unknown = words_count(overview->unknown, "more certificate is", "more certificates are");
        g_ptr_array_add(remarks, g_strdup_printf("%s missing and not available anywhere in the landscape or the "
                                                 "references.",
                                                 unknown));
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
    if (overview->waived) {
        g_autofree char *waived = words_count(overview->waived, "missing certificate is", "missing certificates are");
        g_ptr_array_add(remarks,
                        g_strdup_printf("%s waived by the policy; connections fail for want of them.", waived));
    }
    if (overview->failed) {
        g_autofree char *failed = words_count(overview->failed, "host", "hosts");
        g_ptr_array_add(remarks, g_strdup_printf("%s could not be collected and %s not checked.", failed,
                                                 overview->failed == 1 ? "was" : "were"));
    }
    if (overview->unanalyzed) {
        g_autofree char *files = words_count(overview->unanalyzed, "file", "files");
        g_ptr_array_add(remarks, g_strdup_printf("%s could not be analyzed; the content of %s is unknown.", files,
                                                 overview->unanalyzed == 1 ? "this file" : "these files"));
    }
    if (overview->partial) {
        g_autofree char *partial = words_count(overview->partial, "host was", "hosts were");
        g_ptr_array_add(remarks, g_strdup_printf("%s collected only in part.", partial));
    }
    return remarks;
}

/* Those for which ${key_of} gives the same text; without one a gap is in no group. */
static GPtrArray *group_gaps(const struct audit_finding *finding, char *(*key_of)(const struct audit_gap *))
{
    GPtrArray *groups = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < finding->gaps->len; i++) {
        struct audit_gap *gap = finding->gaps->pdata[i];
        g_autofree char *key = key_of(gap);
        if (!key)
            continue;
        GPtrArray *group = g_hash_table_lookup(known, key);
        if (!group) {
            group = g_ptr_array_new();
            g_ptr_array_add(groups, group);
            g_hash_table_insert(known, g_steal_pointer(&key), group);
        }
        g_ptr_array_add(group, gap);
    }
    return groups;
}

static char *steps_of(const struct audit_gap *gap)
{
    if (gap->steps->len == 0 || audit_state_is_closed(gap->state))
        return NULL;
    GString *key = g_string_new(NULL);
    for (guint i = 0; i < gap->steps->len; i++)
        g_string_append_printf(key, "%s\n", (const char *)gap->steps->pdata[i]);
    return g_string_free(key, FALSE);
}

GPtrArray *overview_steps(const struct audit_finding *finding)
{
    return group_gaps(finding, steps_of);
}

static char *path_of(const struct audit_gap *gap)
{
    return g_strdup(gap->path);
}

GPtrArray *overview_paths(const struct audit_finding *finding)
{
    return group_gaps(finding, path_of);
}
