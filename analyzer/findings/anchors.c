#include "anchors.h"

#include "anchors_need.h"
#include "finding.h"
#include "identify.h"
#include "moment.h"
#include "remedy.h"

#include <string.h>

static void spot_free(void *data)
{
    struct spot *spot = data;
    g_hash_table_unref(spot->members);
    g_clear_pointer(&spot->tried, g_ptr_array_unref);
    anchors_clear_sent(spot);
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

struct known {
    struct identity identity;
    struct sent sent;
};

static void known_free(void *data)
{
    struct known *known = data;
    identity_clear(&known->identity);
    g_ptr_array_unref(known->sent.chain);
    g_free(known);
}

/* Which certificate. */

/* What hundreds of hosts call is answered once. */
static const struct known *learn(struct anchors *anchors, const struct audit_failure *failure)
{
    struct pool *pool = anchors->landscape->pool;
    g_autoptr(GBytes) question = identify_question(failure);
    struct known *known = g_hash_table_lookup(anchors->known, question);
    if (known)
        return known;
    known = g_new0(struct known, 1);
    identify(&known->identity, anchors->audit, pool, failure);
    known->sent.chain = identify_chain(pool, failure, &known->sent.whole);
    g_hash_table_insert(anchors->known, g_steal_pointer(&question), known);
    return known;
}

/* A match that is stronger than what the finding has decides what it says. */
static void take_identity(struct anchors *anchors, struct need *need, const struct identity *identity,
                          const struct audit_failure *failure)
{
    struct audit_finding *finding = need->finding;
    finding->cert = identity->cert;
    finding->match = identity->match;
    finding->proof = identity->proof;
    finding->certainty = failure->certainty;
    finding->asked = failure->asked;
    finding->subject = audit_text(anchors->audit, failure->missing);
    finding->subject_cut = failure->missing_cut;
    need->substitute = identity->substitute;
    need->outdated = identity->outdated;
    need->trouble = identity->trouble;
    g_ptr_array_set_size(finding->candidates, 0);
    for (guint i = 0; identity->candidates && i < identity->candidates->len; i++)
        g_ptr_array_add(finding->candidates, identity->candidates->pdata[i]);
}

static struct need *need_for(struct anchors *anchors, const struct identity *identity,
                             const struct audit_failure *failure)
{
    enum audit_finding_kind kind = identity->match == MATCH_NONE ? FINDING_UNKNOWN_ISSUER : FINDING_MISSING_ANCHOR;
    g_autofree char *key = g_strdup_printf("%d %s", (int)kind, identity->key);
    struct need *need = g_hash_table_lookup(anchors->needs, key);
    if (need) {
        if (identity->match < need->finding->match ||
            (identity->match == need->finding->match && need->finding->asked != MOMENT_NONE &&
             failure->asked == MOMENT_NONE)) /* a trace tells the same */
            take_identity(anchors, need, identity, failure);
        return need;
    }
    need = g_new0(struct need, 1);
    need->finding = finding_new(anchors->history, kind, identity->key);
    need->spots = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    need->order = g_ptr_array_new_with_free_func(spot_free);
    need->name = identify_name(failure->missing, failure->missing_cut);
    take_identity(anchors, need, identity, failure);
    g_hash_table_insert(anchors->needs, g_steal_pointer(&key), need);
    g_ptr_array_add(anchors->order, need);
    return need;
}

static struct spot *spot_for(struct anchors *anchors, struct need *need, struct audit_store *store,
                             struct audit_instance *instance)
{
    g_autofree char *key = finding_place(store, instance);
    struct spot *spot = g_hash_table_lookup(need->spots, key);
    if (spot)
        return spot;
    spot = g_new0(struct spot, 1);
    spot->members = g_hash_table_new(NULL, NULL);
    spot->gap = audit_gap_new(anchors->audit);
    spot->gap->store = store;
    spot->gap->instance = store ? NULL : instance;
    g_hash_table_insert(need->spots, g_steal_pointer(&key), spot);
    g_ptr_array_add(need->order, spot);
    g_ptr_array_add(need->finding->gaps, spot->gap);
    return spot;
}

/* Failures of tonight and the night before. */

/* Where a torn block has lost its target and its peer. */
static gboolean shows_same_peer(const struct audit_failure *torn, const struct audit_failure *whole)
{
    const struct audit_link *first = torn->torn && torn->chain->len > 0 ? torn->chain->pdata[0] : NULL;

    for (guint i = 0; first && first->subject && i < whole->chain->len; i++) {
        const struct audit_link *link = whole->chain->pdata[i];
        if (g_strcmp0(link->subject, first->subject) == 0 &&
            (!first->serial || g_strcmp0(link->serial, first->serial) == 0))
            return TRUE;
    }
    return FALSE;
}

/* Of one instance. */
static gboolean is_same_connection(const struct audit_failure *one, const struct audit_failure *other)
{
    if ((one->role == ROLE_SERVER) != (other->role == ROLE_SERVER))
        return FALSE;
    if (one->role == ROLE_SERVER)
        return g_strcmp0(one->peer, other->peer) == 0;
    if (one->target && other->target)
        return g_ascii_strcasecmp(one->target, other->target) == 0;
    return other->peer ? g_strcmp0(one->peer, other->peer) == 0 : shows_same_peer(other, one);
}

static void index_whole(struct history *history)
{
    history->whole = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    for (guint i = 0; i < history->audit->failures->len; i++) {
        struct audit_failure *failure = history->audit->failures->pdata[i];
        if (!audit_failure_names_missing(failure))
            continue;
        char *place = finding_place(NULL, failure->instance);
        GPtrArray *failures = g_hash_table_lookup(history->whole, place);
        if (!failures) {
            failures = g_ptr_array_new();
            g_hash_table_insert(history->whole, place, failures);
        } else {
            g_free(place);
        }
        g_ptr_array_add(failures, failure);
    }
}

const struct audit_failure *anchors_find_whole(struct history *history, const struct audit_failure *before)
{
    if (!before->instance)
        return NULL;
    if (!history->whole)
        index_whole(history);
    g_autofree char *place = finding_place(NULL, before->instance);
    const GPtrArray *failures = g_hash_table_lookup(history->whole, place);
    for (guint i = 0; failures && i < failures->len; i++)
        if (is_same_connection(failures->pdata[i], before))
            return failures->pdata[i];
    return NULL;
}

static gboolean sends(const struct audit_failure *failure, const char *name)
{
    for (guint i = 0; i < failure->chain->len; i++) {
        const struct audit_link *link = failure->chain->pdata[i];
        g_autofree char *subject = link->subject ? identify_name(link->subject, link->subject_cut) : NULL;
        if (g_strcmp0(subject, name) == 0)
            return TRUE;
    }
    return FALSE;
}

/*
 * An audit that took a torn block for a whole one has named the certificate above the last one that it saw, or did not
 * see the PSE.  That is over when for each of the failures the whole one shows that the peer sends this certificate,
 * and another one is missing, or tells the PSE.  Return a sentence on it, or NULL.
 */
static const char *supersede(const struct anchors *anchors, const struct audit_finding *finding,
                             const struct audit_gap *before)
{
    g_autofree char *name = finding->subject ? identify_name(finding->subject, finding->subject_cut) : NULL;
    const struct audit_failure *whole = NULL;
    gboolean sent = FALSE;

    for (guint i = 0; name && i < before->failures->len; i++) {
        whole = anchors_find_whole(anchors->history, before->failures->pdata[i]);
        if (!whole || !history_is_heard(anchors->history, whole->instance))
            return NULL;
        g_autofree char *missing = identify_name(whole->missing, whole->missing_cut);
        gboolean same = g_str_equal(missing, name);
        sent = !same && sends(whole, name);
        if (!sent && !(same && before->instance && whole->store))
            return NULL;
    }
    if (!whole)
        return NULL;
    return sent ? audit_textf(anchors->audit,
                              "The peer sends this certificate itself, as tonight's trace shows; what is missing is "
                              "\"%s\".",
                              whole->missing)
                : audit_textf(anchors->audit, "Tonight's trace names the PSE: %s.", whole->store->label);
}

/* Tonight. */

static void add_failure(struct anchors *anchors, struct audit_failure *failure)
{
    const struct known *known = learn(anchors, failure);
    struct need *need = need_for(anchors, &known->identity, failure);
    need->counts[known->identity.match] += failure->count;
    if (!need->below)
        need->below = known->identity.below;

    struct spot *spot = spot_for(anchors, need, failure->store, failure->instance);
    struct audit_member *member = g_hash_table_lookup(anchors->landscape->members, failure);
    anchors_keep_sent(spot, &known->sent);
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
static struct need *find_successor(struct anchors *anchors, const struct audit_finding *before)
{
    g_autofree char *name = before->subject ? identify_name(before->subject, before->subject_cut) : NULL;
    for (guint i = 0; name && i < anchors->order->len; i++) {
        struct need *need = anchors->order->pdata[i];
        gboolean known = need->finding->cert && before->cert; /* two certificates, both known: not the same */
        if (!known && !history_before(anchors->history, need->finding->id) && g_str_equal(name, need->name)) {
            finding_follow(need->finding, before, anchors->audit->evaluated);
            return need;
        }
    }
    return NULL;
}

/*
 * The failure of the gap of which the least is known by now, so that nothing follows for the others that they don't
 * show themselves.  NULL: there is none, or they are about different certificates.
 */
static const struct audit_failure *failure_of(struct anchors *anchors, const struct audit_gap *gap)
{
    const struct audit_failure *least = NULL;
    const struct identity *identity = NULL;
    gboolean differ = FALSE;

    for (guint i = 0; i < gap->failures->len; i++) {
        const struct audit_failure *failure = gap->failures->pdata[i];
        if (!audit_failure_names_missing(failure))
            continue;
        const struct identity *other = &learn(anchors, failure)->identity;
        differ = differ || (identity && !g_str_equal(identity->key, other->key));
        if (identity && other->match <= identity->match)
            continue;
        least = failure;
        identity = other;
    }
    return differ && identity->cert ? NULL : least;
}

/* A gap of a finding that no trace of tonight shows.  What the certificate is may be known better by now. */
static struct need *revive(struct anchors *anchors, const struct audit_finding *before, const struct audit_gap *gap)
{
    g_autoptr(GPtrArray) no_chain = g_ptr_array_new();
    struct audit_failure bare = {.cause = CAUSE_UNTRUSTED_PEER,
                                 .missing = before->subject,
                                 .missing_cut = before->subject_cut,
                                 .certainty = before->certainty,
                                 .asked = before->asked,
                                 .chain = no_chain};
    const struct audit_failure *failure = failure_of(anchors, gap);
    struct audit_cert *cert = history_cert(anchors->history, before->cert);
    struct identity identity = {.match = before->match};

    if (!failure)
        failure = &bare;
    if (!before->subject)
        return NULL;
    if (cert) {
        identity.cert = cert;
        identity.proof = audit_text(anchors->audit, before->proof);
        identity.key = identify_cert(cert);
    } else {
        identify(&identity, anchors->audit, anchors->landscape->pool, failure);
    }
    struct need *need = need_for(anchors, &identity, failure);
    if (!g_str_equal(need->finding->id, before->id))
        finding_follow(need->finding, before, anchors->audit->evaluated);
    identity_clear(&identity);
    return need;
}

static gboolean is_forgotten(const struct anchors *anchors, const struct audit_gap *before)
{
    return before->store ? history_forgets_store(anchors->history, before->store)
                         : history_forgets(anchors->history, before->instance);
}

/* It was fixed, and the certificate has left the list again, as when STRUST overwrites what sapgenpse has added. */
static gboolean is_lost_again(const struct anchors *anchors, const struct audit_finding *finding,
                              const struct audit_gap *before)
{
    return before->state == STATE_FIXED && before->store &&
           history_lost(anchors->history, before->store, finding->cert);
}

static void add_gap_before(struct anchors *anchors, struct need *need, const struct audit_finding *finding,
                           const struct audit_gap *before)
{
    if (!before->store && !before->instance)
        return;
    g_autofree char *key = finding_place(before->store, before->instance);
    struct spot *spot = g_hash_table_lookup(need->spots, key);
    gboolean lost = is_lost_again(anchors, finding, before);
    if (spot) {
        spot->before = before;
        spot->lost = lost;
        return;
    }
    if (before->state == STATE_FIXED ? !lost : is_forgotten(anchors, before))
        return;
    const char *superseded = before->state == STATE_FIXED ? NULL : supersede(anchors, finding, before);
    spot = spot_for(anchors, need, history_store(anchors->history, before->store),
                    history_instance(anchors->history, before->instance));
    spot->before = before;
    spot->lost = lost;
    spot->superseded = superseded;
    spot->gap->count = before->count;
    spot->gap->last = before->last;
    for (guint i = 0; i < before->failures->len; i++) {
        struct sent sent = {.whole = FALSE};
        sent.chain = identify_chain(anchors->landscape->pool, before->failures->pdata[i], &sent.whole);
        anchors_keep_sent(spot, &sent);
        g_ptr_array_unref(sent.chain);
    }
}

static gboolean is_over(const struct anchors *anchors, const struct audit_finding *before)
{
    for (guint i = 0; i < before->gaps->len; i++) {
        const struct audit_gap *gap = before->gaps->pdata[i];
        if (gap->state != STATE_FIXED || is_lost_again(anchors, before, gap))
            return FALSE;
    }
    return TRUE;
}

/* What a failure is, from night to night, whatever is known of the certificate that it misses. */
static char *failure_key(const char *place, const struct audit_failure *failure)
{
    return g_strjoin("\n", place, failure->target ? failure->target : "", failure->missing ? failure->missing : "",
                     NULL);
}

static void index_heirs(struct anchors *anchors)
{
    anchors->heirs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < anchors->order->len; i++) {
        struct need *need = anchors->order->pdata[i];
        for (guint j = 0; j < need->order->len; j++) {
            const struct audit_gap *gap = ((const struct spot *)need->order->pdata[j])->gap;
            g_autofree char *place = finding_place(gap->store, gap->instance);
            for (guint k = 0; k < gap->failures->len; k++)
                g_hash_table_insert(anchors->heirs, failure_key(place, gap->failures->pdata[k]), need);
        }
    }
}

/* By what is missing, where the failures of the gap were seen before the previous audit and are not known any more. */
static struct need *find_namesake(const struct anchors *anchors, const struct audit_finding *finding, const char *place)
{
    g_autofree char *name = finding->subject ? identify_name(finding->subject, finding->subject_cut) : NULL;
    for (guint i = 0; name && i < anchors->order->len; i++) {
        struct need *need = anchors->order->pdata[i];
        const struct spot *spot = g_hash_table_lookup(need->spots, place);
        if (spot && spot->gap->failures->len > 0 && g_str_equal(name, need->name))
            return need;
    }
    return NULL;
}

/*
 * The need of tonight that has the failures of a gap of the previous audit, under another certificate: the root that
 * nobody held then, in whose place an intermediate was offered.  NULL if one of them is not there.
 */
static struct need *find_heir(struct anchors *anchors, const struct audit_finding *finding,
                              const struct audit_gap *before)
{
    struct need *heir = NULL;

    if ((!before->store && !before->instance) || before->state == STATE_FIXED)
        return NULL;
    if (!anchors->heirs)
        index_heirs(anchors);
    g_autofree char *place = finding_place(before->store, before->instance);
    if (before->failures->len == 0)
        return find_namesake(anchors, finding, place);
    for (guint i = 0; i < before->failures->len; i++) {
        g_autofree char *key = failure_key(place, before->failures->pdata[i]);
        heir = g_hash_table_lookup(anchors->heirs, key);
        if (!heir)
            return NULL;
    }
    return heir;
}

/* The gaps of a finding that tonight's traces do not show, or show as gaps of others. */
static void add_finding_gone(struct anchors *anchors, const struct audit_finding *before)
{
    for (guint i = 0; i < before->gaps->len; i++) {
        const struct audit_gap *gap = before->gaps->pdata[i];
        struct need *need = find_heir(anchors, before, gap);
        if (need && !history_before(anchors->history, need->finding->id))
            finding_follow(need->finding, before, anchors->audit->evaluated);
        if (!need)
            need = revive(anchors, before, gap);
        if (need)
            add_gap_before(anchors, need, before, gap);
    }
}

static gboolean has_spot(const struct need *need, const struct audit_gap *before)
{
    if (!before->store && !before->instance)
        return FALSE;
    g_autofree char *place = finding_place(before->store, before->instance);
    return g_hash_table_contains(need->spots, place);
}

/*
 * Where tonight's traces don't show a gap.  One of several candidates may be known for certain tonight at one place;
 * elsewhere it may still be another one.
 */
static struct need *find_unshown(struct anchors *anchors, const struct audit_finding *before,
                                 const struct audit_gap *gap, struct need *need)
{
    struct need *other = find_heir(anchors, before, gap);
    if (!other && need->finding->cert && !before->cert && gap->state != STATE_FIXED)
        other = revive(anchors, before, gap);
    return other ? other : need;
}

static void add_finding_before(struct anchors *anchors, const struct audit_finding *before, struct need *need)
{
    if (!need && is_over(anchors, before))
        return;
    if (!need)
        need = find_successor(anchors, before);
    if (!need) {
        add_finding_gone(anchors, before);
        return;
    }
    for (guint i = 0; i < before->gaps->len; i++) {
        const struct audit_gap *gap = before->gaps->pdata[i];
        add_gap_before(anchors, has_spot(need, gap) ? need : find_unshown(anchors, before, gap, need), before, gap);
    }
}

static void add_previous(struct anchors *anchors)
{
    const struct audit *previous = anchors->history->previous;
    g_autoptr(GHashTable) by_id = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < anchors->order->len; i++) {
        struct need *need = anchors->order->pdata[i];
        g_hash_table_insert(by_id, (void *)need->finding->id, need);
    }
    for (guint i = 0; previous && i < previous->findings->len; i++) {
        const struct audit_finding *before = previous->findings->pdata[i];
        if (audit_finding_kind_is_missing(before->kind))
            add_finding_before(anchors, before, g_hash_table_lookup(by_id, before->id));
    }
}

/* Who has it.  There are far fewer distinct lists than stores. */

static void look_into_lists(struct anchors *anchors, struct need *need)
{
    const struct audit_finding *finding = need->finding;
    const GPtrArray *lists = anchors->audit->lists;

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

/* What a finding looks through for every store of the landscape lies close together. */
static void index_copies(struct anchors *anchors)
{
    anchors->copies = g_array_new(FALSE, FALSE, sizeof(struct copy));
    for (guint i = 0; i < anchors->audit->stores->len; i++) {
        struct audit_store *store = anchors->audit->stores->pdata[i];
        for (guint j = 0; j < store->members->len; j++) {
            const struct audit_member *member = store->members->pdata[j];
            struct copy copy = {store, 0, audit_member_is_whole(member)};
            if (!member->list)
                continue;
            copy.list = member->list->id;
            g_array_append_val(anchors->copies, copy);
        }
    }
}

/*
 * By id of a list: whether it has the certificate, or if it is not known which, a candidate that is not ruled out.
 * NULL: there are neither.
 */
static uint8_t *held_by_list(const struct anchors *anchors, const struct need *need)
{
    const struct audit_finding *finding = need->finding;
    const GPtrArray *lists = anchors->audit->lists;

    if (!finding->cert && finding->candidates->len == 0)
        return NULL;
    uint8_t *held = g_malloc0(lists->len + 1);
    if (finding->cert) {
        memcpy(held, need->lists, lists->len + 1);
        return held;
    }
    for (guint i = 0; i < finding->candidates->len; i++) {
        const struct audit_cert *cert = finding->candidates->pdata[i];
        for (guint j = 0; !anchors_is_ruled_out(need, cert) && j < lists->len; j++) {
            const struct audit_list *list = lists->pdata[j];
            held[list->id] = held[list->id] || audit_list_has(list, cert);
        }
    }
    return held;
}

static void find_donors(struct anchors *anchors, struct need *need)
{
    struct audit_finding *finding = need->finding;
    /* Strings of the audit are kept once each, so equal ones have one address. */
    g_autoptr(GHashTable) files = g_hash_table_new(NULL, NULL), busy = g_hash_table_new(NULL, NULL);
    const GArray *copies = anchors->copies;

    g_autofree uint8_t *held = held_by_list(anchors, need);
    if (!held)
        return;
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        if (!gap->store)
            continue;
        g_hash_table_add(busy, gap->store);
        g_hash_table_add(files, (void *)gap->store->file);
    }
    for (guint i = 0; i < copies->len;) {
        struct audit_store *store = g_array_index(copies, struct copy, i).store;
        gboolean has = FALSE, read = FALSE;
        for (; i < copies->len && g_array_index(copies, struct copy, i).store == store; i++) {
            const struct copy *copy = &g_array_index(copies, struct copy, i);
            has = has || held[copy->list];
            read = read || copy->whole;
        }
        if ((!has && !(read && g_hash_table_contains(files, store->file))) || g_hash_table_contains(busy, store))
            continue;
        if (has || finding->cert)
            g_ptr_array_add(has ? finding->donors : finding->lacking, store);
    }
}

/* Connections that still fail though the list has it: somebody imported, and that did not help. */
static void add_untold(struct anchors *anchors, const struct need *need, struct spot *spot)
{
    struct audit_gap *gap = spot->gap;
    if (!spot->untold || !need->finding->cert)
        return;
    g_autofree char *key = identify_cert(need->finding->cert);
    const char *subject = need->finding->cert->subject;
    g_autofree char *name = identify_short(subject ? subject : need->finding->subject);
    g_autofree char *about = g_strconcat("held ", gap->store->label, "\n", key, NULL);
    struct audit_finding *finding = finding_new(anchors->history, FINDING_TLS_FAILURE, about);
    finding->severity = SEVERITY_MEDIUM;
    finding->title = audit_textf(anchors->audit, "%s holds %s, and connections still fail", gap->store->label, name);
    finding->detail = spot->untold;
    finding->cert = need->finding->cert;
    g_ptr_array_add(finding->stores, gap->store);
    for (guint i = 0; i < gap->failures->len; i++)
        g_ptr_array_add(finding->failures, gap->failures->pdata[i]);
    remedy_told(anchors->audit, finding, gap->store);
    g_ptr_array_add(anchors->audit->findings, finding);
}

/* The proof is of the best matched failure; say so if others are matched by less. */
static void weigh_matches(struct anchors *anchors, struct need *need)
{
    struct audit_finding *finding = need->finding;
    unsigned all = 0, weaker = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(need->counts); i++) {
        all += need->counts[i];
        weaker += i > finding->match ? need->counts[i] : 0;
    }
    if (weaker > 0 && finding->proof)
        finding->proof = audit_textf(anchors->audit, "%s %u of %u failed connections are matched by less than that.",
                                     finding->proof, weaker, all);
}

static void finish(struct anchors *anchors, struct need *need)
{
    struct audit_finding *finding = need->finding;
    unsigned open = 0;
    gboolean tonight = FALSE;

    if (need->order->len == 0) /* all of it is forgotten */
        return;
    look_into_lists(anchors, need);
    for (guint i = 0; i < need->order->len; i++) {
        struct spot *spot = need->order->pdata[i];
        anchors_judge(anchors, need, spot);
        open += spot->gap->state != STATE_FIXED;
        tonight = tonight || spot->gap->failures->len > 0;
    }
    const struct audit_finding *before = history_before(anchors->history, finding->id);
    if (open == 0) {
        finding->state = STATE_FIXED;
        if (!tonight && before)
            finding->last_seen = before->last_seen;
    }
    find_donors(anchors, need);
    weigh_matches(anchors, need);

    anchors_describe(anchors, need);
    for (guint i = 0; i < need->order->len; i++) {
        struct spot *spot = need->order->pdata[i];
        remedy_gap(anchors->audit, finding, spot->gap,
                   spot->gap->store ? anchors_sibling(anchors, spot->gap->store) : NULL,
                   !finding->cert || (need->substitute && !need->outdated) ? need->below : NULL);
        add_untold(anchors, need, spot);
    }
    g_ptr_array_add(anchors->audit->findings, finding);
}

void anchors_find(struct landscape *landscape, struct history *history)
{
    struct anchors anchors = {
        .landscape = landscape,
        .history = history,
        .audit = landscape->audit,
        .known = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, known_free),
        .needs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, need_free),
        .order = g_ptr_array_new(),
        .proofs = proofs_new(landscape->audit, landscape->pool),
    };
    for (guint i = 0; i < anchors.audit->failures->len; i++)
        if (audit_failure_names_missing(anchors.audit->failures->pdata[i]))
            add_failure(&anchors, anchors.audit->failures->pdata[i]);
    add_previous(&anchors);
    g_clear_pointer(&anchors.heirs, g_hash_table_unref);
    g_hash_table_unref(anchors.known);
    index_copies(&anchors);
    for (guint i = 0; i < anchors.order->len; i++)
        finish(&anchors, anchors.order->pdata[i]);
    g_array_unref(anchors.copies);
    g_ptr_array_unref(anchors.order);
    g_hash_table_unref(anchors.needs);
    proofs_free(anchors.proofs);
    g_clear_pointer(&anchors.by_instance, g_hash_table_unref);
}
