#include "history.h"

#include "anchors.h"
#include "identify.h"
#include "moment.h"
#include "pool.h"

#include <string.h>

/* A certificate of the previous audit: again into the pool by its DER, else, if only a listing is known, as it is. */
static void bring_cert(struct landscape *landscape, const struct audit_cert *before)
{
    struct audit *audit = landscape->audit;
    if (before->der && before->from_trace) {
        pool_add_shown(landscape->pool, before->der, before->asked);
        return;
    }
    if (before->der) {
        pool_add_der(landscape->pool, g_bytes_get_data(before->der, NULL), g_bytes_get_size(before->der), NULL);
        return;
    }
    if (pool_find_digest(landscape->pool, before->sha256, before->sha1, before->md5) ||
        (before->issuer && before->serial && pool_find_serial(landscape->pool, before->issuer, before->serial)))
        return;
    struct audit_cert *cert = audit_cert_new(audit);
    cert->subject = audit_text(audit, before->subject);
    cert->issuer = audit_text(audit, before->issuer);
    cert->serial = audit_text(audit, before->serial);
    cert->not_before = before->not_before;
    cert->not_after = before->not_after;
    cert->sha256 = audit_text(audit, before->sha256);
    cert->sha1 = audit_text(audit, before->sha1);
    cert->md5 = audit_text(audit, before->md5);
    cert->subject_key_id = audit_text(audit, before->subject_key_id);
    cert->key = audit_text(audit, before->key);
    cert->signature_algorithm = audit_text(audit, before->signature_algorithm);
    cert->self_signed = before->self_signed;
    cert->ca = before->ca;
    g_ptr_array_add(audit->certs, cert);
}

static void bring_certs(struct landscape *landscape, const struct audit *previous)
{
    g_autoptr(GHashTable) done = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < previous->findings->len; i++) {
        const struct audit_finding *finding = previous->findings->pdata[i];
        if (!anchors_made(finding->kind))
            continue;
        if (finding->cert && g_hash_table_add(done, finding->cert))
            bring_cert(landscape, finding->cert);
        for (guint j = 0; j < finding->candidates->len; j++)
            if (g_hash_table_add(done, finding->candidates->pdata[j]))
                bring_cert(landscape, finding->candidates->pdata[j]);
    }
    pool_take_shown(landscape->pool);
}

static void index_stores(GHashTable *table, const GPtrArray *stores)
{
    for (guint i = 0; i < stores->len; i++) {
        struct audit_store *store = stores->pdata[i];
        g_hash_table_insert(table, (void *)store->label, store);
    }
}

struct history *history_new(struct landscape *landscape, const struct audit *previous)
{
    struct audit *audit = landscape->audit;
    struct history *history = g_new0(struct history, 1);

    history->audit = audit;
    history->previous = previous;
    history->findings = g_hash_table_new(g_str_hash, g_str_equal);
    history->hosts = g_hash_table_new(g_str_hash, g_str_equal);
    history->stores = g_hash_table_new(g_str_hash, g_str_equal);
    history->stores_before = g_hash_table_new(g_str_hash, g_str_equal);
    history->certs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < audit->hosts->len; i++) {
        struct audit_host *host = audit->hosts->pdata[i];
        g_hash_table_insert(history->hosts, (void *)host->name, host);
    }
    index_stores(history->stores, audit->stores);
    if (!previous)
        return history;
    bring_certs(landscape, previous);
    index_stores(history->stores_before, previous->stores);
    for (guint i = 0; i < previous->findings->len; i++) {
        const struct audit_finding *finding = previous->findings->pdata[i];
        g_hash_table_insert(history->findings, (void *)finding->id, (void *)finding);
    }
    for (guint i = 0; i < audit->certs->len; i++)
        g_hash_table_insert(history->certs, identify_cert(audit->certs->pdata[i]), audit->certs->pdata[i]);
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
    host->status = HOST_FAILED;
    host->reason = HISTORY_NOT_COLLECTED;
    host->message = audit_text(audit, "in no capture of this audit, but in the previous audit");
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
    g_ptr_array_add(host->instances, instance);
    return instance;
}

struct audit_store *history_store(struct history *history, const struct audit_store *before)
{
    struct audit *audit = history->audit;
    if (!before)
        return NULL;
    struct audit_store *store = g_hash_table_lookup(history->stores, before->label);
    if (store)
        return store;
    store = audit_store_new(audit);
    store->label = audit_text(audit, before->label);
    store->sid = audit_text(audit, before->sid);
    store->file = audit_text(audit, before->file);
    store->role = audit_text(audit, before->role);
    store->kind = before->kind;
    for (guint i = 0; i < before->members->len; i++) {
        const struct audit_member *from = before->members->pdata[i];
        struct audit_member *member = audit_member_new(audit);
        member->instance = history_instance(history, from->instance);
        member->path = audit_text(audit, from->path);
        member->owner = audit_text(audit, from->owner);
        member->mode = audit_text(audit, from->mode);
        member->reading = READING_NONE;
        member->reason = history_is_collected(history, from->instance->host) ? HISTORY_GONE : HISTORY_NOT_COLLECTED;
        g_ptr_array_add(store->members, member);
    }
    g_ptr_array_add(audit->stores, store);
    g_hash_table_insert(history->stores, (void *)store->label, store);
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
    return host && host->status == HOST_COLLECTED;
}

gboolean history_forgets_host(const struct history *history, const struct audit_host *before)
{
    const struct audit_host *host = g_hash_table_lookup(history->hosts, before->name);
    if (host && g_strcmp0(host->reason, HISTORY_NOT_COLLECTED) != 0)
        return FALSE;
    return before->collected == MOMENT_NONE ||
           history->audit->evaluated - before->collected > HISTORY_DAYS * (int64_t)86400;
}

gboolean history_forgets(const struct history *history, const struct audit_instance *before)
{
    const struct audit_host *host = g_hash_table_lookup(history->hosts, before->host->name);
    if (host && host->status == HOST_COLLECTED)
        return !find_instance(host, before->path);
    return history_forgets_host(history, before->host);
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
        read = read || audit_member_is_whole(member);
        for (guint j = 0; member->list && j < member->list->certs->len; j++) {
            g_autofree char *other = identify_cert(member->list->certs->pdata[j]);
            if (g_str_equal(key, other))
                return FALSE;
        }
    }
    return read;
}

struct audit_store *history_find_store(const struct history *history, const char *label)
{
    return g_hash_table_lookup(history->stores, label);
}
