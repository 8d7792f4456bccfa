#include "anchors.h"

#include "findings.h"
#include "identify.h"
#include "moment.h"
#include "name.h"
#include "path.h"
#include "remedy.h"

#include <inttypes.h>
#include <string.h>

struct spot { /* a gap while it is worked on */
    struct audit_gap *gap;
    GHashTable *members; /* set of struct audit_member *: the files of the store that failures were seen with */
    gboolean blind;      /* ... and one with a file of the store that was not collected */
    const struct audit_gap *before; /* the same gap in the previous audit */
    gboolean untold;                /* it is healed, but connections went on failing */
};

struct need { /* a certificate that is missing somewhere */
    struct audit_finding *finding;
    GHashTable *spots; /* place -> struct spot * */
    GPtrArray *order;  /* the same as they came */
    char *name;        /* key of its name, see find_successor() */
    gboolean substitute;
    unsigned counts[MATCH_NONE + 1]; /* failed connections of tonight by how they were matched */
    uint8_t *lists;                  /* by id of a trust list: HOLDS_ONE, HOLDS_ALL */
};

/* What a trust list has of the certificates in question: the one certificate, or some or all of the candidates. */
enum { HOLDS_ONE = 1, HOLDS_ALL = 2 };

struct work {
    struct landscape *landscape;
    struct history *history;
    struct audit *audit;
    GHashTable *needs;       /* kind and key -> struct need * */
    GPtrArray *order;        /* the same as they came */
    GHashTable *by_instance; /* struct audit_instance * -> GPtrArray of struct audit_member *, when it is needed */
};

static void spot_free(void *data)
{
    struct spot *spot = data;
    g_hash_table_unref(spot->members);
    g_free(spot);
}

static void need_free(void *data)
{
    struct need *need = data;
    g_hash_table_unref(need->spots);
    g_ptr_array_unref(need->order);
    g_free(need->name);
    g_free(need->lists);
    g_free(need);
}

/* Which certificate. */

static gboolean is_about_anchors(const struct audit_finding *finding)
{
    return finding->kind == FINDING_MISSING_ANCHOR || finding->kind == FINDING_UNKNOWN_ISSUER;
}

/* A match that is stronger than what the finding has decides what it says. */
static void take_identity(struct work *work, struct need *need, const struct identity *identity,
                          const struct audit_failure *failure)
{
    struct audit_finding *finding = need->finding;
    finding->cert = identity->cert;
    finding->match = identity->match;
    finding->proof = identity->proof;
    finding->certainty = failure->certainty;
    finding->subject = audit_text(work->audit, failure->missing);
    finding->subject_cut = failure->missing_cut;
    need->substitute = identity->substitute;
    g_ptr_array_set_size(finding->candidates, 0);
    for (guint i = 0; identity->candidates && i < identity->candidates->len; i++)
        g_ptr_array_add(finding->candidates, identity->candidates->pdata[i]);
}

static struct need *need_for(struct work *work, const struct identity *identity, const struct audit_failure *failure)
{
    enum audit_finding_kind kind = identity->match == MATCH_NONE ? FINDING_UNKNOWN_ISSUER : FINDING_MISSING_ANCHOR;
    g_autofree char *key = g_strdup_printf("%d %s", (int)kind, identity->key);
    struct need *need = g_hash_table_lookup(work->needs, key);
    if (need) {
        if (identity->match < need->finding->match)
            take_identity(work, need, identity, failure);
        return need;
    }
    need = g_new0(struct need, 1);
    need->finding = findings_new(work->history, kind, identity->key);
    need->spots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    need->order = g_ptr_array_new_with_free_func(spot_free);
    need->name = identify_name(failure->missing, failure->missing_cut);
    take_identity(work, need, identity, failure);
    g_hash_table_insert(work->needs, g_steal_pointer(&key), need);
    g_ptr_array_add(work->order, need);
    return need;
}

static char *place_key(const struct audit_store *store, const struct audit_instance *instance)
{
    if (store)
        return g_strconcat("store ", store->label, NULL);
    return g_strconcat("instance ", instance->host->name, "\n", instance->path, NULL);
}

static struct spot *spot_for(struct work *work, struct need *need, struct audit_store *store,
                             struct audit_instance *instance)
{
    g_autofree char *key = place_key(store, instance);
    struct spot *spot = g_hash_table_lookup(need->spots, key);
    if (spot)
        return spot;
    spot = g_new0(struct spot, 1);
    spot->members = g_hash_table_new(NULL, NULL);
    spot->gap = audit_gap_new(work->audit);
    spot->gap->store = store;
    spot->gap->instance = store ? NULL : instance;
    g_hash_table_insert(need->spots, g_steal_pointer(&key), spot);
    g_ptr_array_add(need->order, spot);
    g_ptr_array_add(need->finding->gaps, spot->gap);
    return spot;
}

/* Tonight. */

static gboolean misses_named_anchor(const struct audit_failure *failure)
{
    return failure->cause == CAUSE_UNTRUSTED_PEER && failure->missing && failure->certainty != CERTAINTY_UNKNOWN;
}

static void add_failure(struct work *work, struct audit_failure *failure)
{
    struct identity identity;
    identify(&identity, work->audit, work->landscape->pool, failure);
    struct need *need = need_for(work, &identity, failure);
    need->counts[identity.match] += failure->count;
    identity_clear(&identity);

    struct spot *spot = spot_for(work, need, failure->store, failure->instance);
    struct audit_member *member = g_hash_table_lookup(work->landscape->members, failure);
    g_ptr_array_add(spot->gap->failures, failure);
    spot->gap->count += failure->count;
    spot->gap->last = MAX(spot->gap->last, failure->last);
    if (member)
        g_hash_table_add(spot->members, member);
    else
        spot->blind = spot->blind || failure->store;
}

/* The night before. */

/* The need of tonight that is about the same as a finding of the previous audit, though now more or less is known. */
static struct need *find_successor(struct work *work, const struct audit_finding *before)
{
    g_autofree char *name = before->subject ? identify_name(before->subject, before->subject_cut) : NULL;
    for (guint i = 0; name && i < work->order->len; i++) {
        struct need *need = work->order->pdata[i];
        gboolean known = need->finding->cert && before->cert; /* two certificates, both known: not the same */
        if (!known && !history_before(work->history, need->finding->id) && g_str_equal(name, need->name)) {
            findings_follow(need->finding, before, work->audit->evaluated);
            return need;
        }
    }
    return NULL;
}

static const struct audit_failure *failure_of(const struct audit_finding *before)
{
    for (guint i = 0; i < before->gaps->len; i++) {
        const struct audit_gap *gap = before->gaps->pdata[i];
        for (guint j = 0; j < gap->failures->len; j++)
            if (misses_named_anchor(gap->failures->pdata[j]))
                return gap->failures->pdata[j];
    }
    return NULL;
}

/* A finding that no trace of tonight shows.  What the certificate is may be known better by now. */
static struct need *revive(struct work *work, const struct audit_finding *before)
{
    g_autoptr(GPtrArray) no_chain = g_ptr_array_new();
    struct audit_failure bare = {.cause = CAUSE_UNTRUSTED_PEER,
                                 .missing = before->subject,
                                 .missing_cut = before->subject_cut,
                                 .certainty = before->certainty,
                                 .chain = no_chain};
    const struct audit_failure *failure = failure_of(before);
    struct audit_cert *cert = history_cert(work->history, before->cert);
    struct identity identity = {.match = before->match};

    if (!failure)
        failure = &bare;
    if (!before->subject)
        return NULL;
    if (cert) {
        identity.cert = cert;
        identity.proof = audit_text(work->audit, before->proof);
        identity.key = identify_cert(cert);
    } else {
        identify(&identity, work->audit, work->landscape->pool, failure);
    }
    struct need *need = need_for(work, &identity, failure);
    if (!g_str_equal(need->finding->id, before->id))
        findings_follow(need->finding, before, work->audit->evaluated);
    identity_clear(&identity);
    return need;
}

static gboolean is_forgotten(const struct work *work, const struct audit_gap *before)
{
    if (!before->store)
        return history_forgets(work->history, before->instance);
    for (guint i = 0; i < before->store->members->len; i++) {
        const struct audit_member *member = before->store->members->pdata[i];
        if (!history_forgets(work->history, member->instance))
            return FALSE;
    }
    return !history_find_store(work->history, before->store->label);
}

static void add_gap_before(struct work *work, struct need *need, const struct audit_gap *before)
{
    if (!before->store && !before->instance)
        return;
    g_autofree char *key = place_key(before->store, before->instance);
    struct spot *spot = g_hash_table_lookup(need->spots, key);
    if (spot) {
        spot->before = before;
        return;
    }
    if (before->state == STATE_FIXED || is_forgotten(work, before))
        return;
    spot = spot_for(work, need, history_store(work->history, before->store),
                    history_instance(work->history, before->instance));
    spot->before = before;
    spot->gap->count = before->count;
    spot->gap->last = before->last;
}

static void add_finding_before(struct work *work, const struct audit_finding *before, const struct need *same)
{
    struct need *need = (struct need *)same;
    if (!need && before->state != STATE_FIXED) {
        need = find_successor(work, before);
        if (!need)
            need = revive(work, before);
    }
    for (guint i = 0; need && i < before->gaps->len; i++)
        add_gap_before(work, need, before->gaps->pdata[i]);
}

static void add_previous(struct work *work)
{
    const struct audit *previous = work->history->previous;
    g_autoptr(GHashTable) by_id = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < work->order->len; i++) {
        struct need *need = work->order->pdata[i];
        g_hash_table_insert(by_id, (void *)need->finding->id, need);
    }
    for (guint i = 0; previous && i < previous->findings->len; i++) {
        const struct audit_finding *before = previous->findings->pdata[i];
        if (is_about_anchors(before))
            add_finding_before(work, before, g_hash_table_lookup(by_id, before->id));
    }
}

/* Who has it.  There are far fewer distinct lists than stores. */

static void look_into_lists(struct work *work, struct need *need)
{
    const struct audit_finding *finding = need->finding;
    const GPtrArray *lists = work->audit->lists;

    need->lists = g_new0(uint8_t, lists->len + 1);
    for (guint i = 0; i < lists->len; i++) {
        const struct audit_list *list = lists->pdata[i];
        guint held = 0;
        if (finding->cert && audit_list_has(list, finding->cert))
            need->lists[list->id] = HOLDS_ONE | HOLDS_ALL;
        for (guint j = 0; !finding->cert && j < finding->candidates->len; j++)
            held += audit_list_has(list, finding->candidates->pdata[j]);
        if (held > 0)
            need->lists[list->id] = held == finding->candidates->len ? HOLDS_ONE | HOLDS_ALL : HOLDS_ONE;
    }
}

struct tally { /* of PSE files that a gap is about */
    unsigned have, lack, unread;
    unsigned some;      /* of those that lack: hold one of several candidates */
    int64_t modified;   /* the latest of those that have it or some */
    const char *reason; /* of one that was not read */
    gboolean gone;      /* all are gone from collected hosts */
};

static void count_member(struct tally *tally, const struct need *need, const struct audit_member *member)
{
    uint8_t held = member->list ? need->lists[member->list->id] : 0;
    if (held)
        tally->modified = MAX(tally->modified, member->modified);
    if (held & HOLDS_ALL) {
        tally->have++;
    } else if (!member->list || member->reading == READING_PARTLY) {
        tally->unread++;
        tally->reason = member->reason;
    } else {
        tally->lack++;
        tally->some += (held & HOLDS_ONE) != 0;
    }
    tally->gone = tally->gone && g_strcmp0(member->reason, HISTORY_GONE) == 0;
}

static const char *date(char text[MOMENT_TEXT_BYTES], int64_t moment)
{
    return moment == MOMENT_NONE ? "an unknown time" : moment_format(text, moment);
}

static gboolean is_after(int64_t failure, int64_t modified)
{
    return failure != MOMENT_NONE && modified != MOMENT_NONE && failure - LANDSCAPE_CLOCK_CHANGE_S > modified;
}

/* Of several candidates one was imported since the previous audit, and nothing has failed after that. */
static gboolean is_chosen(const struct work *work, const struct need *need, const struct spot *spot,
                          const struct tally *tally)
{
    const struct audit_gap *gap = spot->gap;
    if (tally->some < tally->lack || !spot->before ||
        (gap->last != MOMENT_NONE && (tally->modified == MOMENT_NONE || gap->last > tally->modified)))
        return FALSE;
    if (spot->before->state == STATE_FIXED)
        return TRUE;
    for (guint i = 0; i < need->finding->candidates->len; i++) {
        const struct audit_cert *cert = need->finding->candidates->pdata[i];
        if (audit_store_holds(gap->store, cert) && history_lacked(work->history, gap->store->label, cert))
            return TRUE;
    }
    return FALSE;
}

static void judge_store(struct work *work, struct need *need, struct spot *spot)
{
    struct audit_gap *gap = spot->gap;
    struct tally tally = {.modified = MOMENT_NONE, .gone = TRUE};
    gboolean tonight = gap->failures->len > 0;
    char when[MOMENT_TEXT_BYTES], last[MOMENT_TEXT_BYTES];

    if (g_hash_table_size(spot->members) > 0) {
        GHashTableIter iter;
        void *member;
        g_hash_table_iter_init(&iter, spot->members);
        while (g_hash_table_iter_next(&iter, &member, NULL))
            count_member(&tally, need, member);
    } else {
        for (guint i = 0; i < gap->store->members->len; i++)
            count_member(&tally, need, gap->store->members->pdata[i]);
    }
    if (spot->blind) {
        tally.unread++;
        tally.reason = "one of its files was not found";
        tally.gone = FALSE;
    }
    gap->basis = BASIS_SEEN;
    gap->state = STATE_OPEN;
    if (tally.gone) {
        gap->state = STATE_FIXED;
        gap->note = "The PSE is not there any more.";
    } else if (tally.lack > 0 && is_chosen(work, need, spot, &tally)) {
        gap->state = STATE_FIXED;
        gap->note = "One of the candidates was imported since, and nothing has failed after that.";
    } else if (tally.lack > 0) {
        if (tally.have > 0)
            gap->note = "Some instances of the system have it, others lack it.";
        else if (!tonight)
            gap->note = "Tonight's traces are silent, but the list still lacks it.";
    } else if (tally.have == 0 || (tally.unread > 0 && tonight)) {
        gap->basis = BASIS_SEEN_UNREAD;
        gap->note =
            g_strcmp0(tally.reason, HISTORY_NOT_COLLECTED) == 0
                ? "The host was not collected tonight."
                : audit_textf(work->audit, "The list was not read (%s).", tally.reason ? tally.reason : "incomplete");
    } else {
        gap->state = STATE_FIXED;
        spot->untold = tonight && is_after(gap->last, tally.modified);
        if (spot->untold)
            gap->note = audit_textf(work->audit,
                                    "The list holds it now, in the file of %s, but the last failure (%s) is newer: the "
                                    "ICM may not have been told.",
                                    date(when, tally.modified), date(last, gap->last));
        else
            gap->note =
                audit_textf(work->audit, "The list holds it now, in the file of %s.", date(when, tally.modified));
    }
}

/* Failures whose PSE is not known: one of the instance, of the kind that fits the direction. */

static void index_members(struct work *work)
{
    if (work->by_instance)
        return;
    work->by_instance = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    for (guint i = 0; i < work->audit->stores->len; i++) {
        const struct audit_store *store = work->audit->stores->pdata[i];
        gboolean client = g_str_has_prefix(store->file, "SAPSSL");
        for (guint j = 0; client && j < store->members->len; j++) {
            struct audit_member *member = store->members->pdata[j];
            GPtrArray *members = g_hash_table_lookup(work->by_instance, member->instance);
            if (!members) {
                members = g_ptr_array_new();
                g_hash_table_insert(work->by_instance, member->instance, members);
            }
            g_ptr_array_add(members, member);
        }
    }
}

static enum audit_role role_of(const struct spot *spot)
{
    const GPtrArray *failures = spot->gap->failures->len > 0 ? spot->gap->failures
                                : spot->before               ? spot->before->failures
                                                             : NULL;
    return failures && failures->len > 0 ? ((const struct audit_failure *)failures->pdata[0])->role : ROLE_UNKNOWN;
}

static gboolean fits_role(const struct audit_member *member, enum audit_role role)
{
    g_autofree char *file = g_path_get_basename(member->path);
    gboolean server = g_str_has_prefix(file, "SAPSSLS.") || g_str_has_prefix(file, "SAPSSLS_");
    return role == ROLE_UNKNOWN || server == (role == ROLE_SERVER);
}

static void judge_instance(struct work *work, struct need *need, struct spot *spot)
{
    struct audit_gap *gap = spot->gap;
    struct tally tally = {.modified = MOMENT_NONE, .gone = TRUE};
    gboolean tonight = gap->failures->len > 0;
    enum audit_role role = role_of(spot);

    index_members(work);
    const GPtrArray *members = g_hash_table_lookup(work->by_instance, gap->instance);
    for (guint i = 0; members && i < members->len; i++)
        if (fits_role(members->pdata[i], role))
            count_member(&tally, need, members->pdata[i]);
    gap->basis = BASIS_SEEN_UNKNOWN;
    gap->state = STATE_OPEN;
    /* Whichever it was, it has it now; or one has it, and nothing has failed since. */
    if (tally.have > 0 && !is_after(gap->last, tally.modified) && (tonight ? tally.lack + tally.unread == 0 : TRUE)) {
        gap->state = STATE_FIXED;
        gap->note = tonight ? "Every PSE of the instance that it can have been holds it now."
                            : "A PSE of the instance holds it now, and tonight's traces are silent.";
    } else if (tonight && tally.have > 0 && tally.lack + tally.unread == 0) {
        gap->note =
            "Every PSE of the instance that it can have been holds it, but the last failure is newer: the ICM may "
            "not have been told.";
    } else if (!tonight && gap->instance->host->status != HOST_COLLECTED) {
        gap->note = "The host was not collected tonight.";
    } else if (!tonight) {
        gap->note = "Tonight's traces are silent, but no PSE of the instance holds it.";
    }
}

static void judge(struct work *work, struct need *need, struct spot *spot)
{
    struct audit_gap *gap = spot->gap;

    gap->first_seen = spot->before ? spot->before->first_seen : work->audit->evaluated;
    if (gap->store)
        judge_store(work, need, spot);
    else
        judge_instance(work, need, spot);
    if (gap->state == STATE_FIXED)
        return;
    gap->state = !spot->before ? STATE_NEW : spot->before->state == STATE_FIXED ? STATE_RETURNED : STATE_OPEN;
}

static void find_donors(struct work *work, struct need *need)
{
    struct audit_finding *finding = need->finding;
    g_autoptr(GHashTable) files = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) busy = g_hash_table_new(NULL, NULL);

    if (!finding->cert)
        return;
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        if (!gap->store)
            continue;
        g_hash_table_add(busy, gap->store);
        g_hash_table_add(files, (void *)gap->store->file);
    }
    for (guint i = 0; i < work->audit->stores->len; i++) {
        struct audit_store *store = work->audit->stores->pdata[i];
        gboolean has = FALSE, read = FALSE;
        if (g_hash_table_contains(busy, store))
            continue;
        for (guint j = 0; j < store->members->len; j++) {
            const struct audit_member *member = store->members->pdata[j];
            has = has || (member->list && need->lists[member->list->id]);
            read = read || (member->list && member->reading != READING_PARTLY);
        }
        if (has)
            g_ptr_array_add(finding->donors, store);
        else if (read && g_hash_table_contains(files, store->file))
            g_ptr_array_add(finding->lacking, store);
    }
}

/* Texts. */

static const char *short_name(struct work *work, const char *name)
{
    g_autofree char *text = name_short(name);
    return audit_text(work->audit, text);
}

static char *place_name(const struct audit_gap *gap)
{
    if (gap->store)
        return g_strdup(gap->store->label);
    g_autofree char *instance = remedy_instance(gap->instance);
    return g_strdup_printf("%s (PSE not known)", instance);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void append_names(GString *text, const GPtrArray *names)
{
    guint shown = MIN(names->len, FINDINGS_NAMED);
    for (guint i = 0; i < shown; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (const char *)names->pdata[i]);
    if (names->len > shown)
        g_string_append_printf(text, " and %u more", names->len - shown);
}

static void append_peers(GString *text, const struct audit_finding *finding)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        for (guint j = 0; j < gap->failures->len; j++) {
            const struct audit_failure *failure = gap->failures->pdata[j];
            const char *name = failure->target ? failure->target : failure->peer;
            if (name && g_hash_table_add(seen, (void *)name))
                g_ptr_array_add(names, (void *)name);
        }
    }
    if (names->len == 0)
        return;
    g_ptr_array_sort(names, compare_names);
    g_string_append(text, names->len == 1 ? " Peer: " : " Peers: ");
    append_names(text, names);
    g_string_append_c(text, '.');
}

static void append_evidence(GString *text, const struct need *need)
{
    const struct audit_finding *finding = need->finding;
    switch (finding->certainty) {
    case CERTAINTY_NAMED:
        g_string_append(text, "The trace names it as missing.");
        break;
    case CERTAINTY_SELF_SIGNED:
        g_string_append(
            text, "It is the self-signed certificate at the top of the peer's chain, so it is itself the anchor.");
        break;
    default:
        g_string_append(text, "It has issued the topmost certificate of the peer's chain that the trace shows.");
    }
    if (finding->subject_cut)
        g_string_append(text, " The trace cuts the name; what is known is only its beginning.");
    if (need->substitute)
        g_string_append_printf(
            text,
            " Nobody holds \"%s\" itself, which the trace asks for. What is to be imported here stands "
            "below it in the peer's chain and heals as well, until the peer changes its chain.",
            finding->subject);
    if (finding->match == MATCH_NONE)
        g_string_append(text, " No trust list, own certificate or reference that was read has it.");
}

/* The root above an intermediate, if its certificates are at hand. */
static const struct audit_cert *find_root(struct work *work, const struct audit_cert *cert)
{
    for (int depth = 0; depth < PATH_DEPTH && cert && !cert->self_signed; depth++) {
        g_autoptr(GPtrArray) found = g_ptr_array_new();
        const struct audit_cert *issuer = NULL;
        if (cert->issuer)
            pool_find_subject(work->landscape->pool, found, cert->issuer, FALSE);
        for (guint i = 0; i < found->len; i++) {
            const struct audit_cert *other = found->pdata[i];
            if ((!issuer || other->self_signed) && other != cert && pool_issued(work->landscape->pool, other, cert))
                issuer = other;
        }
        cert = issuer;
    }
    return cert;
}

static void append_cert(GString *text, struct work *work, const struct audit_finding *finding)
{
    const struct audit_cert *cert = finding->cert;
    int64_t at = work->audit->evaluated;
    char when[MOMENT_TEXT_BYTES];

    if (!cert)
        return;
    if (cert->not_after != MOMENT_NONE && cert->not_after < at)
        g_string_append_printf(
            text, " It has expired on %s: an import heals nothing until the peer changes to another chain.",
            date(when, cert->not_after));
    else if (cert->not_before != MOMENT_NONE && cert->not_before > at)
        g_string_append_printf(text, " It is not valid before %s.", date(when, cert->not_before));
    if (cert->self_signed || !cert->issuer || !cert->subject)
        return;
    const struct audit_cert *root = find_root(work, cert);
    g_string_append_printf(
        text,
        " It is no root but an intermediate, issued by \"%s\"%s. To import it heals for certain; the root "
        "alone heals only if the peer sends the intermediate.",
        cert->issuer, root ? "" : ", which nobody holds");
    if (root && g_strcmp0(root->subject, cert->issuer) != 0)
        g_string_append_printf(text, " Its root is \"%s\".", root->subject);
    if (root)
        g_string_append_printf(text, " The root is at hand (SHA-256 %s).", root->sha256);
}

/* The other SSL client PSE of the same place: a destination may use either. */
static struct audit_store *find_sibling(const struct work *work, const struct audit_store *store)
{
    gboolean standard = g_str_equal(store->file, "SAPSSLC.pse");
    if (!standard && !g_str_equal(store->file, "SAPSSLA.pse"))
        return NULL;
    size_t stem = strlen(store->label) - strlen(store->file);
    if (!g_str_has_suffix(store->label, store->file))
        return NULL;
    g_autofree char *label =
        g_strdup_printf("%.*s%s", (int)stem, store->label, standard ? "SAPSSLA.pse" : "SAPSSLC.pse");
    return history_find_store(work->history, label);
}

static void append_siblings(GString *text, struct work *work, const struct need *need)
{
    const struct audit_finding *finding = need->finding;
    g_autoptr(GPtrArray) lack = g_ptr_array_new(), have = g_ptr_array_new();
    g_autoptr(GHashTable) busy = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < finding->gaps->len; i++)
        g_hash_table_add(busy, ((const struct audit_gap *)finding->gaps->pdata[i])->store);
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        struct audit_store *sibling = gap->store && gap->state != STATE_FIXED ? find_sibling(work, gap->store) : NULL;
        if (!sibling || !finding->cert || g_hash_table_contains(busy, sibling))
            continue;
        if (audit_store_holds(sibling, finding->cert))
            g_ptr_array_add(have, (void *)sibling->label);
        else if (audit_store_lacks(sibling, finding->cert))
            g_ptr_array_add(lack, (void *)sibling->label);
    }
    g_ptr_array_sort(lack, compare_names);
    g_ptr_array_sort(have, compare_names);
    if (lack->len > 0) {
        g_string_append(text, " The other SSL client PSE lacks it too, though no failure shows a need: ");
        append_names(text, lack);
        g_string_append_c(text, '.');
    }
    if (have->len > 0) {
        g_string_append(text, " The other SSL client PSE has it: ");
        append_names(text, have);
        g_string_append_c(text, '.');
    }
}

static const char *title_of(struct work *work, const struct need *need, unsigned open, const struct audit_gap *some)
{
    const struct audit_finding *finding = need->finding;
    const char *full = finding->cert && finding->cert->subject ? finding->cert->subject : finding->subject;
    const char *name = short_name(work, full);
    g_autofree char *place = place_name(some);

    if (open == 0)
        return finding->gaps->len == 1
                   ? audit_textf(work->audit, "%s was missing in %s", name, place)
                   : audit_textf(work->audit, "%s was missing in %u trust stores", name, finding->gaps->len);
    g_autofree char *where = open == 1 ? g_strdup(place) : g_strdup_printf("%u trust stores", open);
    if (finding->match == MATCH_NONE)
        return audit_textf(work->audit, "%s is missing in %s, and nobody holds it", name, where);
    if (finding->match == MATCH_AMBIGUOUS)
        return finding->candidates->len == 1
                   ? audit_textf(work->audit, "%s... is missing in %s: one certificate may be it", name, where)
                   : audit_textf(work->audit, "%s is missing in %s: %u certificates may be it", name, where,
                                 finding->candidates->len);
    return audit_textf(work->audit, "%s is missing in %s", name, where);
}

/* Connections that still fail though the list has it: somebody imported, and that did not help. */
static void add_untold(struct work *work, const struct need *need, struct spot *spot)
{
    struct audit_gap *gap = spot->gap;
    if (!spot->untold || !need->finding->cert)
        return;
    g_autofree char *key = identify_cert(need->finding->cert);
    g_autofree char *about = g_strconcat("held ", gap->store->label, "\n", key, NULL);
    struct audit_finding *finding = findings_new(work->history, FINDING_TLS_FAILURE, about);
    finding->severity = SEVERITY_MEDIUM;
    finding->title = audit_textf(work->audit, "%s holds %s, and connections still fail", gap->store->label,
                                 short_name(work, need->finding->cert->subject));
    finding->detail = gap->note;
    finding->cert = need->finding->cert;
    g_ptr_array_add(finding->stores, gap->store);
    for (guint i = 0; i < gap->failures->len; i++)
        g_ptr_array_add(finding->failures, gap->failures->pdata[i]);
    remedy_told(work->audit, finding, gap->store);
    g_ptr_array_add(work->audit->findings, finding);
}

/* The proof is of the best matched failure; say so if others are matched by less. */
static void weigh_matches(struct work *work, struct need *need)
{
    struct audit_finding *finding = need->finding;
    unsigned all = 0, weaker = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(need->counts); i++) {
        all += need->counts[i];
        weaker += i > finding->match ? need->counts[i] : 0;
    }
    if (weaker > 0 && finding->proof)
        finding->proof = audit_textf(work->audit, "%s %u of %u failed connections are matched by less than that.",
                                     finding->proof, weaker, all);
}

static void finish(struct work *work, struct need *need)
{
    struct audit_finding *finding = need->finding;
    unsigned open = 0;
    gboolean tonight = FALSE;
    const struct audit_gap *some = NULL;

    if (need->order->len == 0) /* all of it is forgotten */
        return;
    look_into_lists(work, need);
    for (guint i = 0; i < need->order->len; i++) {
        struct spot *spot = need->order->pdata[i];
        judge(work, need, spot);
        gboolean is_open = spot->gap->state != STATE_FIXED;
        if (!some || (is_open && some->state == STATE_FIXED))
            some = spot->gap;
        open += is_open;
        tonight = tonight || spot->gap->failures->len > 0;
    }
    const struct audit_finding *before = history_before(work->history, finding->id);
    if (open == 0) {
        finding->state = STATE_FIXED;
        if (!tonight && before)
            finding->last_seen = before->last_seen;
    }
    find_donors(work, need);
    weigh_matches(work, need);

    GString *text = g_string_new(NULL);
    append_evidence(text, need);
    append_peers(text, finding);
    append_cert(text, work, finding);
    append_siblings(text, work, need);
    finding->detail = audit_text(work->audit, text->str);
    g_string_free(text, TRUE);
    finding->title = title_of(work, need, open, some);
    for (guint i = 0; i < need->order->len; i++) {
        struct spot *spot = need->order->pdata[i];
        struct audit_store *sibling = spot->gap->store && finding->cert ? find_sibling(work, spot->gap->store) : NULL;
        gboolean lacks = sibling && audit_store_lacks(sibling, finding->cert);
        remedy_gap(work->audit, finding, spot->gap, lacks ? sibling : NULL);
        add_untold(work, need, spot);
    }
    g_ptr_array_add(work->audit->findings, finding);
}

void anchors_find(struct landscape *landscape, struct history *history)
{
    struct work work = {
        .landscape = landscape,
        .history = history,
        .audit = landscape->audit,
        .needs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, need_free),
        .order = g_ptr_array_new(),
    };
    for (guint i = 0; i < work.audit->failures->len; i++)
        if (misses_named_anchor(work.audit->failures->pdata[i]))
            add_failure(&work, work.audit->failures->pdata[i]);
    add_previous(&work);
    for (guint i = 0; i < work.order->len; i++)
        finish(&work, work.order->pdata[i]);
    g_ptr_array_unref(work.order);
    g_hash_table_unref(work.needs);
    g_clear_pointer(&work.by_instance, g_hash_table_unref);
}
