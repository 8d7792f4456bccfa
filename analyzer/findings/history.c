#include "history.h"

#include "capture.h"
#include "identify.h"
#include "moment.h"
#include "pool.h"

#include <string.h>

/* A certificate of the previous audit: again into the pool by its DER, else, if only a listing is known, as it is. */
static void bring_cert(struct landscape *landscape, const struct audit_cert *before)
{
    if (before->der && before->from_trace) {
        pool_add_shown(landscape->pool, before->der, before->asked);
        return;
    }
    if (before->der) {
        pool_add_der(landscape->pool, g_bytes_get_data(before->der, NULL), g_bytes_get_size(before->der), NULL);
        return;
    }
    pool_add_listed(landscape->pool, before);
}

/*
 * What copies held that are not read tonight: where a certificate is known by its name, others of that name count even
 * if nobody shows them tonight.
 */
static void bring_unread(struct landscape *landscape, const struct history *history, GHashTable *done)
{
    for (guint i = 0; i < history->previous->stores->len; i++) {
        const struct audit_store *before = history->previous->stores->pdata[i];
        const struct audit_store *store = history_find_store(history, before->label);
        for (guint j = 0; j < before->members->len; j++) {
            const struct audit_member *from = before->members->pdata[j];
            const struct audit_member *member = store && from->list ? history_find_member(store, from) : NULL;
            if (!from->list || (member && audit_member_is_whole(member)) || !g_hash_table_add(done, from->list))
                continue;
            for (guint k = 0; k < from->list->certs->len; k++)
                if (g_hash_table_add(done, from->list->certs->pdata[k]))
                    bring_cert(landscape, from->list->certs->pdata[k]);
        }
    }
}

/* What only a listing tells of tonight, and was read then. */
static void bring_bytes(struct landscape *landscape, const struct history *history)
{
    for (guint i = 0; i < history->previous->certs->len; i++) {
        const struct audit_cert *before = history->previous->certs->pdata[i];
        const struct audit_cert *cert =
            before->der && !before->from_trace ? pool_find_digest(landscape->pool, before->sha256, NULL, NULL) : NULL;
        if (cert && !cert->der)
            bring_cert(landscape, before);
    }
}

static void bring_certs(struct landscape *landscape, const struct history *history)
{
    const struct audit *previous = history->previous;
    g_autoptr(GHashTable) done = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < previous->findings->len; i++) {
        const struct audit_finding *finding = previous->findings->pdata[i];
        if (!audit_finding_kind_is_missing(finding->kind))
            continue;
        if (finding->cert && g_hash_table_add(done, finding->cert))
            bring_cert(landscape, finding->cert);
        for (guint j = 0; j < finding->candidates->len; j++)
            if (g_hash_table_add(done, finding->candidates->pdata[j]))
                bring_cert(landscape, finding->candidates->pdata[j]);
    }
    bring_unread(landscape, history, done);
    bring_bytes(landscape, history);
    pool_take_shown(landscape->pool);
}

static void index_stores(GHashTable *table, const GPtrArray *stores)
{
    for (guint i = 0; i < stores->len; i++) {
        struct audit_store *store = stores->pdata[i];
        g_hash_table_insert(table, (void *)store->label, store);
    }
}

static void want_certs(struct landscape *landscape, struct history *history)
{
    for (guint i = 0; i < history->previous->findings->len; i++) {
        const struct audit_finding *finding = history->previous->findings->pdata[i];
        struct audit_cert *cert =
            audit_finding_kind_is_missing(finding->kind) ? history_cert(history, finding->cert) : NULL;
        if (cert)
            pool_want(landscape->pool, cert);
    }
}

static void bring_back(struct landscape *landscape, struct history *history);

struct history *history_new(struct landscape *landscape, const struct audit *previous)
{
    struct audit *audit = landscape->audit;
    struct history *history = g_new0(struct history, 1);

    history->audit = audit;
    history->landscape = landscape;
    history->previous = previous;
    history->findings = g_hash_table_new(g_str_hash, g_str_equal);
    history->hosts = g_hash_table_new(g_str_hash, g_str_equal);
    history->stores = g_hash_table_new(g_str_hash, g_str_equal);
    history->stores_before = g_hash_table_new(g_str_hash, g_str_equal);
    history->certs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    history->instances_before = g_hash_table_new(NULL, NULL);
    history->unseen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < audit->hosts->len; i++) {
        struct audit_host *host = audit->hosts->pdata[i];
        g_hash_table_insert(history->hosts, (void *)host->name, host);
    }
    index_stores(history->stores, audit->stores);
    if (!previous)
        return history;
    bring_certs(landscape, history);
    index_stores(history->stores_before, previous->stores);
    for (guint i = 0; i < previous->findings->len; i++) {
        const struct audit_finding *finding = previous->findings->pdata[i];
        g_hash_table_insert(history->findings, (void *)finding->id, (void *)finding);
    }
    for (guint i = 0; i < audit->certs->len; i++)
        g_hash_table_insert(history->certs, identify_cert(audit->certs->pdata[i]), audit->certs->pdata[i]);
    want_certs(landscape, history);
    bring_back(landscape, history);
    return history;
}

void history_free(struct history *history)
{
    if (!history)
        return;
    g_hash_table_unref(history->findings);
    g_hash_table_unref(history->hosts);
    g_hash_table_unref(history->stores);
    g_hash_table_unref(history->stores_before);
    g_hash_table_unref(history->certs);
    g_hash_table_unref(history->instances_before);
    g_hash_table_unref(history->unseen);
    g_clear_pointer(&history->whole, g_hash_table_unref);
    g_free(history);
}

const struct audit_finding *history_before(const struct history *history, const char *id)
{
    return g_hash_table_lookup(history->findings, id);
}

enum audit_state history_state(const enum audit_state *before)
{
    return !before ? STATE_NEW : *before == STATE_FIXED ? STATE_RETURNED : STATE_OPEN;
}

struct audit_host *history_host(struct history *history, const struct audit_host *before)
{
    struct audit *audit = history->audit;
    if (!before)
        return NULL;
    struct audit_host *host = g_hash_table_lookup(history->hosts, before->name);
    if (host)
        return host;
    host = audit_host_new(audit);
    host->name = audit_text(audit, before->name);
    if (history_is_left_out(history, before)) {
        host->status = HOST_LEFT_OUT;
        host->reason = HISTORY_LEFT_OUT;
        host->message = "left out of this run on purpose (--limit)";
    } else {
        host->status = HOST_FAILED;
        host->reason = HISTORY_NOT_COLLECTED;
        host->message = "in no capture of this audit, but in the previous audit";
    }
    host->collected = before->collected;
    host->tier = audit_text(audit, before->tier);
    host->owner = audit_text(audit, before->owner);
    for (guint i = 0; i < before->groups->len; i++)
        g_ptr_array_add(host->groups, (void *)audit_text(audit, before->groups->pdata[i]));
    g_ptr_array_add(audit->hosts, host);
    g_hash_table_insert(history->hosts, (void *)host->name, host);
    return host;
}

static struct audit_instance *find_instance(const struct audit_host *host, const char *path)
{
    for (guint i = 0; i < host->instances->len; i++) {
        struct audit_instance *instance = host->instances->pdata[i];
        if (g_strcmp0(instance->path, path) == 0)
            return instance;
    }
    return NULL;
}

struct audit_instance *history_instance(struct history *history, const struct audit_instance *before)
{
    struct audit *audit = history->audit;
    if (!before)
        return NULL;
    struct audit_host *host = history_host(history, before->host);
    struct audit_instance *instance = find_instance(host, before->path);
    if (instance)
        return instance;
    instance = audit_instance_new(audit);
    instance->host = host;
    instance->sid = audit_text(audit, before->sid);
    instance->name = audit_text(audit, before->name);
    instance->path = audit_text(audit, before->path);
    instance->kind = before->kind;
    instance->seen = before->seen;
    if (audit_host_is_listed(host) && instance->seen == MOMENT_NONE)
        instance->seen = before->host->collected;
    g_ptr_array_add(host->instances, instance);
    return instance;
}

struct place {
    struct audit_store *store;
    struct audit_member *member;
};

static struct place *place_new(struct audit_store *store, struct audit_member *member)
{
    struct place *place = g_new(struct place, 1);
    *place = (struct place){store, member};
    return place;
}

static char *place_key(const struct audit_instance *instance, const char *path)
{
    return g_strconcat(instance->host->name, "\n", instance->path, "\n", path, NULL);
}

/* Why tonight has not shown what is of an instance; an instance that was shown does not have it any more. */
static const char *why_unseen(const struct audit_instance *instance, const char *gone)
{
    return instance->host->status == HOST_LEFT_OUT ? HISTORY_LEFT_OUT
           : !audit_host_is_listed(instance->host) ? HISTORY_NOT_COLLECTED
           : instance->seen != MOMENT_NONE         ? HISTORY_NOT_FOUND
                                                   : gone;
}

/* A PSE of the previous audit that tonight has not shown. */
static void add_member(struct history *history, struct audit_store *store, const struct audit_member *before)
{
    struct audit *audit = history->audit;
    struct audit_member *member = audit_member_new(audit);
    const struct audit_instance *instance = member->instance = history_instance(history, before->instance);

    member->path = audit_text(audit, before->path);
    member->owner = audit_text(audit, before->owner);
    member->mode = audit_text(audit, before->mode);
    member->reading = READING_NONE;
    member->reason = why_unseen(instance, HISTORY_GONE);
    g_ptr_array_add(store->members, member);
    g_hash_table_insert(history->unseen, place_key(instance, member->path), place_new(store, member));
}

/* The store of the new audit, which is new and without members if that does not have it. */
static struct audit_store *find_or_add_store(struct history *history, const struct audit_store *before)
{
    struct audit *audit = history->audit;
    struct audit_store *store = g_hash_table_lookup(history->stores, before->label);
    if (store)
        return store;
    store = audit_store_new(audit);
    store->label = audit_text(audit, before->label);
    store->sid = audit_text(audit, before->sid);
    store->file = audit_text(audit, before->file);
    store->role = audit_text(audit, before->role);
    store->kind = before->kind;
    g_ptr_array_add(audit->stores, store);
    g_hash_table_insert(history->stores, (void *)store->label, store);
    return store;
}

struct audit_store *history_store(struct history *history, const struct audit_store *before)
{
    if (!before)
        return NULL;
    struct audit_store *store = find_or_add_store(history, before);
    for (guint i = 0; store->members->len == 0 && i < before->members->len; i++)
        add_member(history, store, before->members->pdata[i]);
    return store;
}

struct audit_cert *history_cert(struct history *history, const struct audit_cert *before)
{
    if (!before)
        return NULL;
    g_autofree char *key = identify_cert(before);
    return g_hash_table_lookup(history->certs, key);
}

gboolean history_is_collected(const struct history *history, const struct audit_host *before)
{
    const struct audit_host *host = before ? g_hash_table_lookup(history->hosts, before->name) : NULL;
    return host && audit_host_is_listed(host);
}

gboolean history_is_left_out(const struct history *history, const struct audit_host *before)
{
    const struct audit_host *host = g_hash_table_lookup(history->hosts, before->name);
    return host ? host->status == HOST_LEFT_OUT : landscape_leaves_out(history->landscape, before->name);
}

static gboolean is_too_old(const struct history *history, int64_t seen)
{
    return seen == MOMENT_NONE || history->audit->evaluated - seen > HISTORY_DAYS * (int64_t)86400;
}

gboolean history_forgets_host(const struct history *history, const struct audit_host *before)
{
    const struct audit_host *host = g_hash_table_lookup(history->hosts, before->name);
    if (history_is_left_out(history, before))
        return FALSE;
    if (host && g_strcmp0(host->reason, HISTORY_NOT_COLLECTED) != 0)
        return FALSE;
    return is_too_old(history, before->collected);
}

gboolean history_forgets(const struct history *history, const struct audit_instance *before)
{
    const struct audit_host *host = g_hash_table_lookup(history->hosts, before->host->name);
    if (!host || !audit_host_is_listed(host))
        return history_forgets_host(history, before->host);
    const struct audit_instance *instance = find_instance(host, before->path);
    if (instance && instance->seen == MOMENT_NONE)
        return FALSE;
    int64_t seen = before->seen != MOMENT_NONE ? before->seen : before->host->collected;
    return is_too_old(history, seen);
}

gboolean history_forgets_store(const struct history *history, const struct audit_store *before)
{
    for (guint i = 0; i < before->members->len; i++) {
        const struct audit_member *member = before->members->pdata[i];
        if (!history_forgets(history, member->instance))
            return FALSE;
    }
    return !history_find_store(history, before->label);
}

gboolean history_lacked(const struct history *history, const char *label, const struct audit_cert *cert)
{
    const struct audit_store *store = g_hash_table_lookup(history->stores_before, label);
    if (!store)
        return FALSE;
    g_autofree char *key = identify_cert(cert);
    gboolean read = FALSE;
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        if (!audit_member_is_whole(member) && g_strcmp0(member->reason, HISTORY_GONE) != 0)
            return FALSE;
        read = read || audit_member_is_whole(member);
        for (guint j = 0; member->list && j < member->list->certs->len; j++) {
            g_autofree char *other = identify_cert(member->list->certs->pdata[j]);
            if (g_str_equal(key, other))
                return FALSE;
        }
    }
    return read;
}

gboolean history_lost(const struct history *history, const struct audit_store *before, const struct audit_cert *cert)
{
    const struct audit_store *store = g_hash_table_lookup(history->stores, before->label);
    const struct audit_cert *tonight = history_cert((struct history *)history, (struct audit_cert *)cert);

    for (guint i = 0; store && tonight && i < before->members->len; i++) {
        const struct audit_member *from = before->members->pdata[i];
        const struct audit_member *member =
            from->list && audit_list_has(from->list, cert) ? history_find_member(store, from) : NULL;
        if (member && audit_member_is_whole(member) && !audit_list_has(member->list, tonight))
            return TRUE;
    }
    return FALSE;
}

const struct audit_member *history_find_member(const struct audit_store *store, const struct audit_member *before)
{
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        if (g_strcmp0(member->path, before->path) == 0 &&
            g_strcmp0(member->instance->host->name, before->instance->host->name) == 0)
            return member;
    }
    return NULL;
}

struct audit_store *history_find_store(const struct history *history, const char *label)
{
    return g_hash_table_lookup(history->stores, label);
}

/* What tonight has not shown. */

static gboolean is_tonight(const struct audit_store *store, const struct audit_instance *instance, const char *path)
{
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        if (member->instance == instance && g_strcmp0(member->path, path) == 0)
            return TRUE;
    }
    return FALSE;
}

static void warn_of_lost(struct history *history, const struct audit_instance *instance, const char *path,
                         const char *what)
{
    g_ptr_array_add(history->audit->warnings,
                    (void *)audit_textf(history->audit,
                                        "%s: %s: the previous audit has this %s, and it was not found "
                                        "this time; nothing is known of it",
                                        instance->host->name, path, what));
}

/* The older file of a trace is no longer missed when the newer one was read to its end. */
static gboolean is_outlived(const struct audit_instance *instance, const struct audit_trace *before)
{
    if (!g_str_has_suffix(before->path, ".old"))
        return FALSE;
    g_autofree char *path = g_strndup(before->path, strlen(before->path) - strlen(".old"));
    const struct audit_trace *newer = audit_instance_trace(instance, path);
    return newer && newer->object && !newer->reason;
}

static void add_lost_trace(struct history *history, struct audit_instance *instance, const struct audit_trace *before)
{
    struct audit_trace *trace = audit_trace_new(history->audit);
    trace->path = audit_text(history->audit, before->path);
    trace->reason = why_unseen(instance, HISTORY_NOT_FOUND);
    trace->modified = before->modified;
    g_ptr_array_add(instance->traces, trace);
}

/* An instance of the previous audit whose host is not forgotten.  Return whether its PSEs may be there, unseen. */
static gboolean bring_back_instance(struct history *history, const struct audit_instance *before)
{
    gboolean collected = history_is_collected(history, before->host);
    if (history_forgets(history, before))
        return FALSE;
    struct audit_instance *instance = history_instance(history, before);
    g_hash_table_insert(history->instances_before, instance, (void *)before);
    if (collected && instance->seen != MOMENT_NONE)
        warn_of_lost(history, instance, instance->path, "instance");
    for (guint i = 0; i < before->traces->len; i++) {
        const struct audit_trace *trace = before->traces->pdata[i];
        if (audit_instance_trace(instance, trace->path) || is_too_old(history, trace->modified))
            continue;
        if (collected && instance->seen == MOMENT_NONE)
            warn_of_lost(history, instance, trace->path, "trace");
        if (!is_outlived(instance, trace))
            add_lost_trace(history, instance, trace);
    }
    return !collected || instance->seen != MOMENT_NONE;
}

/* Failures that name a PSE which is among those. */
static void match_unseen(struct landscape *landscape, struct history *history)
{
    for (guint i = 0; i < history->audit->failures->len; i++) {
        struct audit_failure *failure = history->audit->failures->pdata[i];
        if (failure->store || !failure->store_path)
            continue;
        g_autofree char *key = place_key(failure->instance, failure->store_path);
        const struct place *place = g_hash_table_lookup(history->unseen, key);
        if (!place)
            continue;
        failure->store = place->store;
        g_hash_table_insert(landscape->members, failure, place->member);
    }
}

static void bring_back(struct landscape *landscape, struct history *history)
{
    const struct audit *previous = history->previous;
    g_autoptr(GHashTable) unseen = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < previous->hosts->len; i++) {
        const struct audit_host *host = previous->hosts->pdata[i];
        if (history_forgets_host(history, host))
            continue;
        history_host(history, host);
        for (guint j = 0; j < host->instances->len; j++)
            if (bring_back_instance(history, host->instances->pdata[j]))
                g_hash_table_add(unseen, host->instances->pdata[j]);
    }
    for (guint i = 0; g_hash_table_size(unseen) > 0 && i < previous->stores->len; i++) {
        const struct audit_store *before = previous->stores->pdata[i];
        for (guint j = 0; j < before->members->len; j++) {
            const struct audit_member *member = before->members->pdata[j];
            if (!g_hash_table_contains(unseen, member->instance) || g_strcmp0(member->reason, HISTORY_GONE) == 0)
                continue;
            struct audit_store *store = find_or_add_store(history, before);
            if (!is_tonight(store, history_instance(history, member->instance), member->path))
                add_member(history, store, member);
        }
    }
    match_unseen(landscape, history);
    landscape_match(landscape);
}

gboolean history_is_told(const char *reason)
{
    static const char *const reasons[] = {HISTORY_NOT_COLLECTED, HISTORY_LEFT_OUT, HISTORY_NOT_FOUND, HISTORY_GONE,
                                          NULL};
    return reason && g_strv_contains(reasons, reason);
}

/* Of a file whose beginning was passed over it has to be known that the rest goes back far enough. */
static gboolean is_heard(const struct audit_trace *trace, int64_t since)
{
    if (!trace->object || trace->reason)
        return FALSE;
    return trace->from_byte <= 0 || (trace->first != MOMENT_NONE && trace->first <= since);
}

gboolean history_is_heard_since(const struct history *history, const struct audit_instance *instance, int64_t since)
{
    const struct audit_instance *before = g_hash_table_lookup(history->instances_before, instance);

    for (guint i = 0; i < instance->traces->len; i++)
        if (!is_heard(instance->traces->pdata[i], since))
            return FALSE;
    for (guint i = 0; before && i < before->traces->len; i++) {
        const struct audit_trace *trace = before->traces->pdata[i];
        if (!audit_instance_trace(instance, trace->path) && !is_too_old(history, trace->modified))
            return FALSE;
    }
    return instance->traces->len > 0 && audit_host_is_listed(instance->host);
}

gboolean history_is_heard(const struct history *history, const struct audit_instance *instance)
{
    return history_is_heard_since(history, instance, history->previous ? history->previous->evaluated : MOMENT_NONE);
}
