#include "grouping.h"

#include "advice.h"
#include "moment.h"

#include <stdlib.h>
#include <string.h>

#define QUOTES (GROUPING_EVIDENCE - 1) /* one place is kept for the latest failure */

struct grouping {
    struct audit *audit;
    struct audit_instance *instance;
    const struct zone *zone; /* NULL: not known */
    struct pool *pool;
    GHashTable *entries; /* failure_key() -> struct entry * */
    uint64_t dropped;
    /* the trace that is being read */
    unsigned trace;       /* its number */
    GHashTable *mentions; /* mention_key() -> struct mention * */
    GHashTable *told;     /* errors of its failures */
    gboolean unnamed;     /* ... and one whose error has no name, or more than are kept */
};

struct position { /* where a failure begins */
    unsigned trace, part;
    uint64_t offset;
};

struct fact { /* of the first failure that knows it */
    struct position at;
    char *text;
    int number;
};

struct sight { /* the first of the failures with this error, or of the connections with this peer */
    struct position at;
    char *name;
    /* evidence only: */
    const char *path, *object; /* texts of the audit */
    unsigned line;
    GPtrArray *lines; /* of char * */
};

struct telling { /* of the failure that tells most */
    struct position at;
    gboolean torn;       /* its block is not whole */
    guint length, whole; /* of the chain; certificates in it that are printed whole */
    GPtrArray *chain;    /* of struct trace_cert * */
    enum audit_certainty certainty;
    char *advice;
    unsigned n_lines, n_known;
};

struct entry { /* everything is kept here, and copied into the audit when a trace is over: strings of that stay */
    struct audit_failure *failure; /* NULL before that */
    int64_t first, last;           /* local; of those that have a time */
    gboolean changed;
    unsigned count, torn; /* of the count, those whose block is not whole */
    enum audit_cause cause;
    int alert;
    gboolean snc;
    char *store, *missing;
    gboolean missing_cut;
    struct fact target, port, error, code, role, peer;
    struct telling telling;
    GPtrArray *quotes; /* of struct sight *: of the first QUOTES errors, in their order */
    struct sight *latest;
    GPtrArray *peers; /* likewise, AUDIT_PEERS */
    GHashTable *seen; /* hashes of all peers, up to AUDIT_PEERS_COUNTED */
};

struct mention {
    struct entry *entry; /* counts it as if it were a failure */
    char *key;           /* failure_key() */
    gboolean listed;
    struct audit_trace *trace; /* in which it is counted if it counts */
};

static const struct position nowhere = {G_MAXUINT, G_MAXUINT, G_MAXUINT64}; /* behind all others */

static int compare_positions(const struct position *left, const struct position *right)
{
    if (left->trace != right->trace)
        return left->trace < right->trace ? -1 : 1;
    if (left->part != right->part)
        return left->part < right->part ? -1 : 1;
    return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static gboolean is_before(const struct position *left, const struct position *right)
{
    return compare_positions(left, right) < 0;
}

/* ---- Entries ---- */

static void sight_free(void *data)
{
    struct sight *sight = data;
    if (!sight)
        return;
    g_free(sight->name);
    g_clear_pointer(&sight->lines, g_ptr_array_unref);
    g_free(sight);
}

static void cert_free(void *data)
{
    struct trace_cert *cert = data;
    g_free((char *)cert->subject);
    g_free((char *)cert->issuer);
    g_free((char *)cert->serial);
    g_free((char *)cert->sha256);
    g_free((char *)cert->sha1);
    g_free((char *)cert->not_before);
    g_free((char *)cert->not_after);
    g_free((char *)cert->key_type);
    g_free((char *)cert->key_bits);
    g_free((char *)cert->key_md5);
    g_free((char *)cert->signature_algorithm);
    g_free((char *)cert->md5);
    g_clear_pointer(&cert->der, g_bytes_unref);
    g_free(cert);
}

static void telling_clear(struct telling *telling)
{
    g_clear_pointer(&telling->chain, g_ptr_array_unref);
    g_clear_pointer(&telling->advice, g_free);
}

static void entry_free(void *data)
{
    struct entry *entry = data;
    if (!entry)
        return;
    g_free(entry->store);
    g_free(entry->missing);
    g_free(entry->target.text);
    g_free(entry->error.text);
    g_free(entry->peer.text);
    telling_clear(&entry->telling);
    g_ptr_array_unref(entry->quotes);
    sight_free(entry->latest);
    g_ptr_array_unref(entry->peers);
    g_hash_table_unref(entry->seen);
    g_free(entry);
}

static struct entry *entry_new(const struct trace_failure *failure)
{
    struct entry *entry = g_new0(struct entry, 1);
    entry->first = entry->last = MOMENT_NONE;
    entry->cause = failure->cause;
    entry->alert = MAX(failure->alert, 0);
    entry->snc = failure->snc != 0;
    entry->store = g_strdup(failure->store);
    entry->missing = g_strdup(failure->missing);
    entry->missing_cut = failure->missing_cut;
    entry->target.at = entry->port.at = entry->error.at = entry->code.at = entry->role.at = entry->peer.at = nowhere;
    entry->telling = (struct telling){.at = nowhere, .torn = TRUE};
    entry->quotes = g_ptr_array_new_with_free_func(sight_free);
    entry->peers = g_ptr_array_new_with_free_func(sight_free);
    entry->seen = g_hash_table_new(NULL, NULL);
    return entry;
}

static void fact_take(struct fact *fact, const struct position *at, const char *text, int number)
{
    if ((!text && !number) || !is_before(at, &fact->at))
        return;
    g_free(fact->text);
    *fact = (struct fact){*at, g_strdup(text), number};
}

static struct sight *sight_new(const char *name, const struct position *at)
{
    struct sight *sight = g_new0(struct sight, 1);
    sight->name = g_strdup(name);
    sight->at = *at;
    return sight;
}

/*
 * Of ${sights}, the first ${limit} of all names by where each was seen first: put ${name} among them, and return it if
 * it is new there or was seen earlier than is known, else NULL.  Where a name has left, the others are all earlier, so
 * it comes back only by being seen before them, and what was forgotten of it does not matter.
 */
static struct sight *take_early(GPtrArray *sights, guint limit, const char *name, const struct position *at)
{
    guint index = sights->len;

    for (guint i = 0; i < sights->len; i++) {
        const struct sight *known = sights->pdata[i];
        if (strcmp(known->name, name) == 0) {
            if (!is_before(at, &known->at))
                return NULL;
            g_ptr_array_remove_index(sights, i);
            break;
        }
    }
    for (index = sights->len; index > 0 && is_before(at, &((struct sight *)sights->pdata[index - 1])->at);)
        index--;
    if (index == limit)
        return NULL;
    struct sight *sight = sight_new(name, at);
    g_ptr_array_insert(sights, (int)index, sight);
    if (sights->len > limit)
        g_ptr_array_set_size(sights, (int)limit);
    return sight;
}

static void set_quote(struct grouping *grouping, struct sight *sight, const struct trace_failure *failure,
                      const struct grouping_part *part)
{
    sight->path = audit_text(grouping->audit, part->path);
    sight->object = audit_text(grouping->audit, part->object);
    sight->line = failure->line;
    sight->lines = g_ptr_array_new_full(failure->lines->len, g_free);
    for (guint i = 0; i < failure->lines->len; i++)
        g_ptr_array_add(sight->lines, g_strdup(failure->lines->pdata[i]));
}

static void move_quote(struct sight *into, struct sight *from)
{
    into->path = from->path;
    into->object = from->object;
    into->line = from->line;
    into->lines = g_steal_pointer(&from->lines);
}

/* A set of hashes is smaller than one of names; two with one hash are counted as one, which happens to nobody. */
static void add_seen(struct entry *entry, void *hash)
{
    if (g_hash_table_size(entry->seen) < AUDIT_PEERS_COUNTED)
        g_hash_table_add(entry->seen, hash);
}

static void take_peer(struct entry *entry, const struct trace_failure *failure, const struct position *at)
{
    const char *port = failure->role == ROLE_SERVER ? strrchr(failure->peer, ':') : NULL;
    g_autofree char *name = port ? g_strndup(failure->peer, (gsize)(port - failure->peer)) : g_strdup(failure->peer);

    take_early(entry->peers, AUDIT_PEERS, name, at);
    add_seen(entry, GUINT_TO_POINTER(g_str_hash(name)));
}

static GPtrArray *copy_chain(const GPtrArray *chain)
{
    GPtrArray *copies = g_ptr_array_new_full(chain->len, cert_free);

    for (guint i = 0; i < chain->len; i++) {
        const struct trace_cert *cert = chain->pdata[i];
        struct trace_cert *copy = g_new0(struct trace_cert, 1);
        copy->subject = g_strdup(cert->subject);
        copy->issuer = g_strdup(cert->issuer);
        copy->subject_cut = cert->subject_cut;
        copy->issuer_cut = cert->issuer_cut;
        copy->serial = g_strdup(cert->serial);
        copy->sha256 = g_strdup(cert->sha256);
        copy->sha1 = g_strdup(cert->sha1);
        copy->not_before = g_strdup(cert->not_before);
        copy->not_after = g_strdup(cert->not_after);
        copy->key_type = g_strdup(cert->key_type);
        copy->key_bits = g_strdup(cert->key_bits);
        copy->key_md5 = g_strdup(cert->key_md5);
        copy->signature_algorithm = g_strdup(cert->signature_algorithm);
        copy->md5 = g_strdup(cert->md5);
        copy->der = cert->der ? g_bytes_ref(cert->der) : NULL;
        g_ptr_array_add(copies, copy);
    }
    return copies;
}

static gboolean tells_more(const struct telling *one, const struct telling *other)
{
    if (one->torn != other->torn)
        return other->torn;
    if (one->length != other->length)
        return one->length > other->length;
    if (one->whole != other->whole)
        return one->whole > other->whole;
    return is_before(&one->at, &other->at);
}

/* A trace of a host has more than a chain of each failure; of what somebody pasted that may be all. */
static gboolean is_torn(const struct grouping *grouping, const struct trace_failure *failure)
{
    return failure->torn_begin || failure->torn_end || (grouping->instance && failure->unmarked);
}

static void take_telling(const struct grouping *grouping, struct entry *entry, const struct trace_failure *failure,
                         const struct position *at)
{
    struct telling telling = {.at = *at, .length = failure->chain->len};

    telling.torn = is_torn(grouping, failure);

    for (guint i = 0; i < failure->chain->len; i++)
        telling.whole += ((const struct trace_cert *)failure->chain->pdata[i])->der != NULL;
    if (!tells_more(&telling, &entry->telling))
        return;
    telling.chain = copy_chain(failure->chain);
    telling.certainty = failure->certainty;
    telling.advice = advice_text(failure);
    telling.n_lines = failure->n_lines;
    telling.n_known = failure->n_known;
    telling_clear(&entry->telling);
    entry->telling = telling;
}

static void take_time(struct entry *entry, int64_t first, int64_t last)
{
    if (first != MOMENT_NONE)
        entry->first = entry->first == MOMENT_NONE ? first : MIN(entry->first, first);
    entry->last = MAX(entry->last, last); /* MOMENT_NONE is below every time */
}

static void entry_take(struct grouping *grouping, struct entry *entry, const struct trace_failure *failure,
                       const struct grouping_part *part)
{
    const struct position at = {grouping->trace, failure->part, failure->offset};

    entry->changed = TRUE;
    entry->count++;
    entry->torn += is_torn(grouping, failure);
    take_time(entry, failure->local, failure->local);
    fact_take(&entry->target, &at, failure->target, 0);
    fact_take(&entry->port, &at, NULL, failure->port);
    fact_take(&entry->error, &at, failure->error, 0);
    fact_take(&entry->code, &at, NULL, failure->code);
    fact_take(&entry->role, &at, NULL, (int)failure->role);
    fact_take(&entry->peer, &at, failure->peer, 0);
    if (failure->peer)
        take_peer(entry, failure, &at);
    take_telling(grouping, entry, failure, &at);
    struct sight *quote = take_early(entry->quotes, QUOTES, failure->error ? failure->error : "", &at);
    if (quote)
        set_quote(grouping, quote, failure, part);
    if (!entry->latest || is_before(&entry->latest->at, &at)) {
        sight_free(entry->latest);
        entry->latest = sight_new("", &at);
        set_quote(grouping, entry->latest, failure, part);
    }
}

/* What ${from} has counted counts for ${into}. */
static void entry_merge(struct entry *into, struct entry *from)
{
    GHashTableIter iter;
    void *hash;

    into->changed = TRUE;
    into->count += from->count;
    into->torn += from->torn;
    take_time(into, from->first, from->last);
    fact_take(&into->target, &from->target.at, from->target.text, 0);
    fact_take(&into->port, &from->port.at, NULL, from->port.number);
    fact_take(&into->error, &from->error.at, from->error.text, 0);
    fact_take(&into->code, &from->code.at, NULL, from->code.number);
    fact_take(&into->role, &from->role.at, NULL, from->role.number);
    fact_take(&into->peer, &from->peer.at, from->peer.text, 0);
    for (guint i = 0; i < from->peers->len; i++) {
        const struct sight *peer = from->peers->pdata[i];
        take_early(into->peers, AUDIT_PEERS, peer->name, &peer->at);
    }
    g_hash_table_iter_init(&iter, from->seen);
    while (g_hash_table_iter_next(&iter, &hash, NULL))
        add_seen(into, hash);
    if (tells_more(&from->telling, &into->telling)) {
        telling_clear(&into->telling);
        into->telling = from->telling;
        from->telling = (struct telling){.at = nowhere, .torn = TRUE};
    }
    for (guint i = 0; i < from->quotes->len; i++) {
        struct sight *quote = from->quotes->pdata[i];
        struct sight *taken = take_early(into->quotes, QUOTES, quote->name, &quote->at);
        if (taken)
            move_quote(taken, quote);
    }
    if (is_before(&into->latest->at, &from->latest->at)) {
        sight_free(into->latest);
        into->latest = g_steal_pointer(&from->latest);
    }
}

/* ---- Taking ---- */

static void mention_free(void *data)
{
    struct mention *mention = data;
    entry_free(mention->entry);
    g_free(mention->key);
    g_free(mention);
}

struct grouping *grouping_new(struct audit *audit, struct audit_instance *instance, const struct zone *zone,
                              struct pool *pool)
{
    struct grouping *grouping = g_new0(struct grouping, 1);
    grouping->audit = audit;
    grouping->instance = instance;
    grouping->zone = zone;
    grouping->pool = pool;
    grouping->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
    grouping->mentions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, mention_free);
    grouping->told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return grouping;
}

void grouping_free(struct grouping *grouping)
{
    if (!grouping)
        return;
    g_hash_table_unref(grouping->entries);
    g_hash_table_unref(grouping->mentions);
    g_hash_table_unref(grouping->told);
    g_free(grouping);
}

uint64_t grouping_dropped(const struct grouping *grouping)
{
    return grouping->dropped;
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
    gboolean server = failure->role == ROLE_SERVER;
    g_autofree char *target = failure->target && !server ? g_ascii_strdown(failure->target, -1) : NULL;
    GString *key = g_string_sized_new(256);
    g_string_append_printf(key, "%d %d %d %d\n", failure->cause, server, failure->store_cut, failure->missing_cut);
    append_key(key, failure->store);
    append_key(key, target);
    append_key(key, target || server ? NULL : failure->peer);
    append_key(key, failure->missing);
    if (failure->cause == CAUSE_PEER_REFUSED || failure->cause == CAUSE_HANDSHAKE)
        g_string_append_printf(key, "alert %d\n", failure->alert); /* what to do depends on it */
    if (failure->snc)
        g_string_append_printf(key, "snc %d %s\n", failure->snc, failure->error);
    return g_string_free(key, FALSE);
}

static char *mention_key(const struct trace_failure *failure, const char *key)
{
    return g_strdup_printf("%u %d %s\n%s", failure->part, failure->listed, failure->error, key);
}

static void take_mention(struct grouping *grouping, const struct trace_failure *failure,
                         const struct grouping_part *part, const char *key)
{
    g_autofree char *all = mention_key(failure, key);
    struct mention *mention = g_hash_table_lookup(grouping->mentions, all);

    if (!mention) {
        if (g_hash_table_size(grouping->mentions) >= GROUPING_ENTRIES) {
            grouping->dropped++;
            return;
        }
        mention = g_new0(struct mention, 1);
        mention->entry = entry_new(failure);
        mention->key = g_strdup(key);
        mention->listed = failure->listed;
        mention->trace = part->trace;
        g_hash_table_insert(grouping->mentions, g_steal_pointer(&all), mention);
    }
    entry_take(grouping, mention->entry, failure, part);
}

/* An error that is not a mention's was told. */
static void tell(struct grouping *grouping, const char *error)
{
    if (error && g_hash_table_contains(grouping->told, error))
        return;
    if (!error || g_hash_table_size(grouping->told) >= GROUPING_ENTRIES)
        grouping->unnamed = TRUE;
    else
        g_hash_table_add(grouping->told, g_strdup(error));
}

static gboolean has_room(struct grouping *grouping, unsigned count)
{
    if (g_hash_table_size(grouping->entries) < GROUPING_ENTRIES)
        return TRUE;
    grouping->dropped += count;
    return FALSE;
}

void grouping_take(struct grouping *grouping, const struct trace_failure *failure, const struct grouping_part *parts)
{
    const struct grouping_part *part = &parts[failure->part];
    g_autofree char *key = failure_key(failure);

    if (failure->error && (failure->listed || failure->alone)) {
        take_mention(grouping, failure, part, key);
        return;
    }
    tell(grouping, failure->error);
    if (part->trace)
        part->trace->failures++;
    struct entry *entry = g_hash_table_lookup(grouping->entries, key);
    if (!entry && !has_room(grouping, 1))
        return;
    if (!entry) {
        entry = entry_new(failure);
        g_hash_table_insert(grouping->entries, g_steal_pointer(&key), entry);
    }
    entry_take(grouping, entry, failure, part);
}

void grouping_add(struct grouping *grouping, const struct trace *trace, const struct grouping_part *parts)
{
    for (guint i = 0; i < trace->failures->len; i++)
        grouping_take(grouping, trace->failures->pdata[i], parts);
    /* trace_end() has marked what was alone, and dropped mentions. */
    grouping_end_trace(grouping, FALSE);
}

/* ---- The end of a trace ---- */

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
    failure->first = zone_utc(grouping->zone, entry->first);
    failure->last = zone_utc(grouping->zone, entry->last);
}

static void set_peers(struct grouping *grouping, const struct entry *entry)
{
    struct audit_failure *failure = entry->failure;
    guint seen = g_hash_table_size(entry->seen);

    g_ptr_array_set_size(failure->peers, 0);
    for (guint i = 0; i < entry->peers->len; i++) {
        const struct sight *peer = entry->peers->pdata[i];
        g_ptr_array_add(failure->peers, (void *)audit_text(grouping->audit, peer->name));
    }
    failure->peers_more = seen > failure->peers->len ? seen - failure->peers->len : 0;
}

/* The certificate itself: its fingerprint is known even if the trace prints none. */
static void take_whole(struct grouping *grouping, struct audit_link *link, GBytes *der)
{
    if (!link->sha256) {
        g_autofree char *sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);
        link->sha256 = audit_text(grouping->audit, sha256);
    }
    if (grouping->pool)
        pool_add_shown(grouping->pool, der, MOMENT_NONE);
}

static void set_telling(struct grouping *grouping, const struct entry *entry)
{
    struct audit *audit = grouping->audit;
    struct audit_failure *failure = entry->failure;
    const struct telling *telling = &entry->telling;

    g_ptr_array_set_size(failure->chain, 0);
    for (guint i = 0; i < telling->chain->len; i++) {
        const struct trace_cert *cert = telling->chain->pdata[i];
        struct audit_link *link = audit_link_new(audit);
        link->subject = audit_text(audit, cert->subject);
        link->issuer = audit_text(audit, cert->issuer);
        link->serial = audit_text(audit, cert->serial);
        link->subject_cut = cert->subject_cut;
        link->issuer_cut = cert->issuer_cut;
        link->sha256 = audit_text(audit, cert->sha256);
        link->sha1 = audit_text(audit, cert->sha1);
        link->md5 = audit_text(audit, cert->md5);
        link->not_before = audit_text(audit, cert->not_before);
        link->not_after = audit_text(audit, cert->not_after);
        g_autofree char *key = advice_key(cert);
        link->key = audit_text(audit, key);
        link->key_md5 = audit_text(audit, cert->key_md5);
        link->signature_algorithm = audit_text(audit, cert->signature_algorithm);
        if (cert->der)
            take_whole(grouping, link, cert->der);
        g_ptr_array_add(failure->chain, link);
    }
    failure->certainty = telling->certainty;
    failure->advice = audit_text(audit, telling->advice);
    failure->lines_seen = telling->n_lines;
    failure->lines_known = telling->n_known;
}

static void add_evidence(struct grouping *grouping, GPtrArray *evidences, const struct sight *quote)
{
    struct audit_evidence *evidence = audit_evidence_new(grouping->audit);
    evidence->host = grouping->instance ? grouping->instance->host : NULL;
    evidence->path = quote->path;
    evidence->object = quote->object;
    evidence->offset = (int64_t)quote->at.offset;
    evidence->line = quote->line;
    for (guint i = 0; i < quote->lines->len; i++)
        g_ptr_array_add(evidence->lines, (void *)audit_text(grouping->audit, quote->lines->pdata[i]));
    g_ptr_array_add(evidences, evidence);
}

static void set_evidence(struct grouping *grouping, const struct entry *entry)
{
    GPtrArray *evidences = entry->failure->evidence;
    gboolean known = FALSE;

    g_ptr_array_set_size(evidences, 0);
    for (guint i = 0; i < entry->quotes->len; i++) {
        const struct sight *quote = entry->quotes->pdata[i];
        add_evidence(grouping, evidences, quote);
        known = known || compare_positions(&quote->at, &entry->latest->at) == 0;
    }
    if (!known)
        add_evidence(grouping, evidences, entry->latest);
}

/* Into the audit, anew if the entry is there already. */
static void publish(struct grouping *grouping, struct entry *entry)
{
    struct audit *audit = grouping->audit;

    if (!entry->failure) {
        entry->failure = audit_failure_new(audit);
        g_ptr_array_add(audit->failures, entry->failure);
    }
    struct audit_failure *failure = entry->failure;
    failure->instance = grouping->instance;
    failure->cause = entry->cause;
    failure->alert = entry->alert;
    failure->snc = entry->snc;
    failure->error = audit_text(audit, entry->error.text);
    failure->code = entry->code.number;
    failure->role = (enum audit_role)entry->role.number;
    failure->store_path = audit_text(audit, entry->store);
    failure->target = audit_text(audit, entry->target.text);
    failure->port = entry->port.number;
    failure->peer = audit_text(audit, entry->peer.text);
    failure->missing = audit_text(audit, entry->missing);
    failure->missing_cut = entry->missing_cut;
    failure->count = entry->count;
    failure->torn = entry->torn == entry->count;
    set_peers(grouping, entry);
    set_telling(grouping, entry);
    set_evidence(grouping, entry);
    set_times(grouping, entry);
    entry->changed = FALSE;
}

static const struct position *begin_of(const struct entry *entry)
{
    return &((const struct sight *)entry->quotes->pdata[0])->at;
}

static int compare_entries(const void *a, const void *b)
{
    return compare_positions(begin_of(*(struct entry *const *)a), begin_of(*(struct entry *const *)b));
}

static int compare_mentions(const void *a, const void *b)
{
    return compare_entries(&(*(struct mention *const *)a)->entry, &(*(struct mention *const *)b)->entry);
}

static void count_mention(struct grouping *grouping, struct mention *mention)
{
    struct entry *entry = g_hash_table_lookup(grouping->entries, mention->key);

    if (mention->trace)
        mention->trace->failures += mention->entry->count;
    if (entry)
        entry_merge(entry, mention->entry);
    else if (has_room(grouping, mention->entry->count))
        g_hash_table_insert(grouping->entries, g_steal_pointer(&mention->key), g_steal_pointer(&mention->entry));
}

static void end_mentions(struct grouping *grouping, gboolean prefixed)
{
    g_autoptr(GPtrArray) held = g_ptr_array_new();
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, grouping->mentions);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(held, value);
    g_ptr_array_sort(held, compare_mentions);
    for (guint i = 0; i < held->len; i++) {
        const struct mention *mention = held->pdata[i];
        if (!mention->listed && !prefixed)
            tell(grouping, mention->entry->error.text);
    }
    for (guint i = 0; i < held->len; i++) {
        struct mention *mention = held->pdata[i];
        gboolean failed = !mention->listed && !prefixed;
        if (failed || !(grouping->unnamed || g_hash_table_contains(grouping->told, mention->entry->error.text)))
            count_mention(grouping, mention);
    }
    g_hash_table_remove_all(grouping->mentions);
}

/* Into the audit, what the trace has changed; and on to the next. */
static void publish_changed(struct grouping *grouping)
{
    g_autoptr(GPtrArray) changed = g_ptr_array_new();
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, grouping->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((struct entry *)value)->changed)
            g_ptr_array_add(changed, value);
    g_ptr_array_sort(changed, compare_entries);
    for (guint i = 0; i < changed->len; i++)
        publish(grouping, changed->pdata[i]);
    g_hash_table_remove_all(grouping->told);
    grouping->unnamed = FALSE;
    grouping->trace++;
}

void grouping_end_trace(struct grouping *grouping, gboolean prefixed)
{
    end_mentions(grouping, prefixed);
    publish_changed(grouping);
}

/* ---- Torn blocks ---- */

static gboolean has_peer(const struct entry *entry, const char *peer)
{
    for (guint i = 0; i < entry->peers->len; i++)
        if (g_str_equal(((const struct sight *)entry->peers->pdata[i])->name, peer))
            return TRUE;
    return FALSE;
}

/* A block tells its target and peer at its end only; before that the certificates of the peer tell who it is. */
static gboolean shows_same_peer(const struct entry *torn, const struct entry *whole)
{
    const GPtrArray *chain = torn->telling.chain;
    const struct trace_cert *first = chain && chain->len > 0 ? chain->pdata[0] : NULL;

    for (guint i = 0; first && first->subject && whole->telling.chain && i < whole->telling.chain->len; i++) {
        const struct trace_cert *cert = whole->telling.chain->pdata[i];
        if (g_strcmp0(cert->subject, first->subject) == 0 &&
            (!first->serial || g_strcmp0(cert->serial, first->serial) == 0))
            return TRUE;
    }
    return FALSE;
}

/* Whether both are about one connection target, as far as the torn one tells. */
static gboolean is_same_connection(const struct entry *torn, const struct entry *whole)
{
    gboolean server = torn->role.number == ROLE_SERVER;
    if ((torn->cause != whole->cause && torn->cause != CAUSE_OTHER) || server != (whole->role.number == ROLE_SERVER) ||
        (torn->store && g_strcmp0(torn->store, whole->store) != 0))
        return FALSE;
    if (server)
        return TRUE;
    if (torn->target.text)
        return whole->target.text && g_ascii_strcasecmp(torn->target.text, whole->target.text) == 0;
    return torn->peer.text ? has_peer(whole, torn->peer.text) : shows_same_peer(torn, whole);
}

static struct entry *find_whole(const GPtrArray *entries, const struct entry *torn)
{
    for (guint i = 0; i < entries->len; i++) {
        struct entry *entry = entries->pdata[i];
        if (entry->torn < entry->count && is_same_connection(torn, entry))
            return entry;
    }
    return NULL;
}

static gboolean is_entry(void *key, void *value, void *data)
{
    (void)key;
    return value == data;
}

void grouping_finish(struct grouping *grouping)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new();
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, grouping->entries);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(entries, value);
    g_ptr_array_sort(entries, compare_entries);
    for (guint i = 0; i < entries->len; i++) {
        struct entry *torn = entries->pdata[i];
        struct entry *whole = torn->torn == torn->count ? find_whole(entries, torn) : NULL;
        if (!whole)
            continue;
        entry_merge(whole, torn);
        publish(grouping, whole);
        g_ptr_array_remove(grouping->audit->failures, torn->failure);
        g_ptr_array_remove_index(entries, i--);
        g_hash_table_foreach_remove(grouping->entries, is_entry, torn);
    }
}

/* ---- A trace that is read apart ---- */

struct grouping *grouping_apart(struct grouping *into, unsigned number)
{
    struct grouping *grouping = grouping_new(into->audit, into->instance, into->zone, into->pool);
    grouping->trace = number;
    return grouping;
}

/* The entries of a grouping with their keys, taken out of it, by where they begin. */
static GPtrArray *take_entries(struct grouping *grouping)
{
    GPtrArray *taken = g_ptr_array_new_with_free_func(mention_free);
    GHashTableIter iter;
    void *key, *entry;

    g_hash_table_iter_init(&iter, grouping->entries);
    while (g_hash_table_iter_next(&iter, &key, &entry)) {
        struct mention *keyed = g_new0(struct mention, 1);
        keyed->key = key;
        keyed->entry = entry;
        g_ptr_array_add(taken, keyed);
        g_hash_table_iter_steal(&iter);
    }
    g_ptr_array_sort(taken, compare_mentions);
    return taken;
}

void grouping_join(struct grouping *into, struct grouping *apart, gboolean prefixed)
{
    end_mentions(apart, prefixed);
    into->dropped += apart->dropped;
    g_autoptr(GPtrArray) taken = take_entries(apart);
    for (guint i = 0; i < taken->len; i++) {
        struct mention *keyed = taken->pdata[i];
        struct entry *entry = g_hash_table_lookup(into->entries, keyed->key);
        if (entry)
            entry_merge(entry, keyed->entry);
        else if (has_room(into, keyed->entry->count))
            g_hash_table_insert(into->entries, g_steal_pointer(&keyed->key), g_steal_pointer(&keyed->entry));
    }
    publish_changed(into);
}
