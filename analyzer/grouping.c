#include "grouping.h"

#include "advice.h"
#include "moment.h"

#include <string.h>

struct grouping {
    struct audit *audit;
    struct audit_instance *instance;
    int zone_offset_s;
    GHashTable *entries; /* failure_key() -> struct entry * */
};

struct entry {
    struct audit_failure *failure;
    int64_t first, last;         /* local; of those that have a time */
    struct audit_evidence *tail; /* of the latest failure, if there is more than one */
    GHashTable *errors;          /* names of errors whose evidence is there; owned by the audit */
};

static void entry_free(void *data)
{
    struct entry *entry = data;
    g_hash_table_unref(entry->errors);
    g_free(entry);
}

struct grouping *grouping_new(struct audit *audit, struct audit_instance *instance, int zone_offset_s)
{
    struct grouping *grouping = g_new0(struct grouping, 1);
    grouping->audit = audit;
    grouping->instance = instance;
    grouping->zone_offset_s = zone_offset_s;
    grouping->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
    return grouping;
}

void grouping_free(struct grouping *grouping)
{
    if (!grouping)
        return;
    g_hash_table_unref(grouping->entries);
    g_free(grouping);
}

/* Clean strings hold no line feed, so it separates; "-" before a line feed is no string, "+" begins one. */
static void append_key(GString *key, const char *text)
{
    g_string_append_c(key, text ? '+' : '-');
    g_string_append(key, text ? text : "");
    g_string_append_c(key, '\n');
}

static char *failure_key(const struct trace_failure *failure)
{
    g_autofree char *target = failure->target ? g_ascii_strdown(failure->target, -1) : NULL;
    GString *key = g_string_sized_new(256);
    g_string_append_printf(key, "%d %d %d\n", failure->cause, failure->store_cut, failure->missing_cut);
    append_key(key, failure->store);
    append_key(key, target);
    append_key(key, failure->peer);
    append_key(key, failure->missing);
    return g_string_free(key, FALSE);
}

static struct audit_evidence *make_evidence(struct grouping *grouping, const struct trace_failure *failure,
                                            const struct grouping_part *parts)
{
    struct audit_evidence *evidence = audit_evidence_new(grouping->audit);
    evidence->host = grouping->instance ? grouping->instance->host : NULL;
    evidence->path = audit_text(grouping->audit, parts[failure->part].path);
    evidence->object = audit_text(grouping->audit, parts[failure->part].object);
    evidence->offset = (int64_t)failure->offset;
    evidence->line = failure->line;
    for (guint i = 0; i < failure->lines->len; i++)
        g_ptr_array_add(evidence->lines, (void *)audit_text(grouping->audit, failure->lines->pdata[i]));
    return evidence;
}

static void set_chain(struct grouping *grouping, struct audit_failure *entry, const struct trace_failure *failure)
{
    struct audit *audit = grouping->audit;

    entry->certainty = failure->certainty;
    g_ptr_array_set_size(entry->chain, 0);
    for (guint i = 0; i < failure->chain->len; i++) {
        const struct trace_cert *cert = failure->chain->pdata[i];
        struct audit_link *link = audit_link_new(audit);
        link->subject = audit_text(audit, cert->subject);
        link->issuer = audit_text(audit, cert->issuer);
        link->serial = audit_text(audit, cert->serial);
        link->subject_cut = cert->subject_cut;
        link->issuer_cut = cert->issuer_cut;
        link->sha256 = audit_text(audit, cert->sha256);
        link->sha1 = audit_text(audit, cert->sha1);
        link->md5 = audit_text(audit, cert->md5);
        g_ptr_array_add(entry->chain, link);
    }
    g_autofree char *advice = advice_text(failure);
    entry->advice = audit_text(audit, advice);
}

static struct entry *make_entry(struct grouping *grouping, const struct trace_failure *failure)
{
    struct audit *audit = grouping->audit;
    struct audit_failure *new = audit_failure_new(audit);
    struct entry *entry = g_new0(struct entry, 1);

    new->instance = grouping->instance;
    new->cause = failure->cause;
    new->error = audit_text(audit, failure->error);
    new->code = failure->code;
    new->role = failure->role;
    new->store_path = audit_text(audit, failure->store);
    new->target = audit_text(audit, failure->target);
    new->peer = audit_text(audit, failure->peer);
    new->missing = audit_text(audit, failure->missing);
    new->missing_cut = failure->missing_cut;
    set_chain(grouping, new, failure);
    g_ptr_array_add(audit->failures, new);
    entry->failure = new;
    entry->first = entry->last = MOMENT_NONE;
    entry->errors = g_hash_table_new(g_str_hash, g_str_equal);
    return entry;
}

static const char *local_text(struct audit *audit, int64_t local)
{
    char text[MOMENT_TEXT_BYTES];
    moment_format(text, local);
    g_autofree char *without_zone = g_strndup(text, strcspn(text, "Z"));
    return audit_text(audit, without_zone);
}

static void set_times(struct grouping *grouping, struct entry *entry)
{
    struct audit_failure *failure = entry->failure;

    if (entry->first == MOMENT_NONE)
        return;
    failure->first_local = local_text(grouping->audit, entry->first);
    failure->last_local = local_text(grouping->audit, entry->last);
    if (grouping->zone_offset_s != G_MININT) {
        failure->first = entry->first - grouping->zone_offset_s;
        failure->last = entry->last - grouping->zone_offset_s;
    }
}

static void count(struct grouping *grouping, struct entry *entry, const struct trace_failure *failure,
                  const struct grouping_part *parts)
{
    struct audit_failure *counted = entry->failure;
    const char *error = audit_text(grouping->audit, failure->error ? failure->error : "");

    counted->count++;
    if (!counted->error && failure->error)
        counted->error = error;
    if (counted->code == 0)
        counted->code = failure->code;
    if (counted->role == ROLE_UNKNOWN)
        counted->role = failure->role;
    if (failure->chain->len > counted->chain->len)
        set_chain(grouping, counted, failure);
    if (failure->local != MOMENT_NONE) {
        entry->first = entry->first == MOMENT_NONE ? failure->local : MIN(entry->first, failure->local);
        entry->last = MAX(entry->last, failure->local);
    }
    /* One place at the end is kept for the latest failure; MOMENT_NONE is below every time, so MAX() above is right. */
    if (g_hash_table_add(entry->errors, (void *)error) && counted->evidence->len + 1 < GROUPING_EVIDENCE)
        g_ptr_array_add(counted->evidence, make_evidence(grouping, failure, parts));
}

void grouping_add(struct grouping *grouping, const struct trace *trace, const struct grouping_part *parts)
{
    g_autoptr(GHashTable) latest = g_hash_table_new(NULL, NULL); /* struct entry * -> struct trace_failure * */
    GHashTableIter iter;
    void *key, *value;

    for (guint i = 0; i < trace->failures->len; i++) {
        struct trace_failure *failure = trace->failures->pdata[i];
        g_autofree char *text = failure_key(failure);
        struct entry *entry = g_hash_table_lookup(grouping->entries, text);
        if (!entry) {
            entry = make_entry(grouping, failure);
            g_hash_table_insert(grouping->entries, g_steal_pointer(&text), entry);
        } else {
            g_hash_table_insert(latest, entry, failure);
        }
        count(grouping, entry, failure, parts);
    }
    g_hash_table_iter_init(&iter, grouping->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        set_times(grouping, value);
    /* The order in which a hash table gives its entries does not show: each is handled by itself. */
    g_hash_table_iter_init(&iter, latest);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        struct entry *entry = key;
        if (entry->tail)
            g_ptr_array_remove(entry->failure->evidence, entry->tail);
        entry->tail = make_evidence(grouping, value, parts);
        g_ptr_array_add(entry->failure->evidence, entry->tail);
    }
}
