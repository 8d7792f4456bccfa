/* Which stores would accept one peer, and what the others need. */
#include "whatif_peer.h"
#include "identify.h"
#include "moment.h"
#include "name.h"
#include "path.h"

#include <stdlib.h>
#include <string.h>

#define REACHED 256 /* certificates looked at to find where the peer's chain could end */

enum mark { /* what a certificate can be for the peer's chain */
            MARK_NOTHING,
            MARK_ANCHOR, /* a path may end there */
            MARK_NAMED,  /* likewise, but its bytes are not known */
};

enum { ALONE_UNTRIED, ALONE_NO, ALONE_YES };

struct outcome { /* of one set of certificates that may end a path */
    gboolean trusted;
    const char *reason;
    GPtrArray *anchors, *path;
    const struct check_import *import;
};

struct sight { /* what a list is for this peer */
    struct outcome *outcome;
    GPtrArray *named;
};

struct sight_key {
    const struct audit_list *list; /* NULL: not known */
    uint64_t mask;                 /* of assumed imports */
    gboolean assumed;              /* with imports and drops, or as the audit has it */
};

struct judge {
    struct whatif *whatif;
    struct check_peer *peer;
    uint8_t *marks;       /* by id of a certificate */
    uint8_t *alone;       /* likewise: whether it is an anchor on its own */
    GHashTable *outcomes; /* GBytes of ids -> struct outcome * */
    GHashTable *sights;   /* struct sight_key * -> struct sight * */
    GHashTable *verdicts; /* text -> struct check_verdict * */
    gboolean changes;     /* imports or drops are assumed */
};

static void outcome_free(void *data)
{
    struct outcome *outcome = data;
    g_ptr_array_unref(outcome->anchors);
    g_ptr_array_unref(outcome->path);
    g_free(outcome);
}

static void sight_free(void *data)
{
    struct sight *sight = data;
    g_ptr_array_unref(sight->named);
    g_free(sight);
}

static guint sight_hash(const void *data)
{
    const struct sight_key *key = data;
    return g_direct_hash(key->list) * 31 + g_int64_hash(&key->mask) * 2 + (guint)key->assumed;
}

static gboolean sight_equal(const void *a, const void *b)
{
    const struct sight_key *left = a, *right = b;
    return left->list == right->list && left->mask == right->mask && left->assumed == right->assumed;
}

static int compare_ids(const void *a, const void *b)
{
    const struct audit_cert *left = *(struct audit_cert *const *)a, *right = *(struct audit_cert *const *)b;
    return left->id < right->id ? -1 : left->id > right->id;
}

static gboolean contains(const GPtrArray *array, const void *item)
{
    return g_ptr_array_find((GPtrArray *)array, item, NULL);
}

/* What could matter */

static const char *subject_of(const struct judge *judge, const struct audit_cert *cert)
{
    return judge->whatif->subjects->pdata[cert->id];
}

/*
 * Only certificates of the chain, and those that by their name have issued one, can end a path.  Of what has no name
 * that can be compared nobody knows.
 */
static void mark_certs(struct judge *judge)
{
    const struct audit *audit = judge->whatif->audit;
    const GPtrArray *chain = judge->peer->chain;
    g_autoptr(GHashTable) issuers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gboolean all = FALSE;

    for (guint i = 0; i < chain->len; i++) {
        const struct audit_cert *cert = chain->pdata[i];
        char *key = cert->issuer ? name_key(cert->issuer, FALSE) : NULL;
        all = all || !key;
        if (key)
            g_hash_table_add(issuers, key);
    }
    for (guint i = 0; i < audit->certs->len; i++) {
        const struct audit_cert *cert = audit->certs->pdata[i];
        const char *subject = subject_of(judge, cert);
        gboolean matters = all || !subject || g_hash_table_contains(issuers, subject) || contains(chain, cert);
        if (matters && cert->der)
            judge->marks[cert->id] = MARK_ANCHOR;
        else if (matters && !whatif_ended(judge->whatif, cert))
            judge->marks[cert->id] = MARK_NAMED;
    }
}

static gboolean is_alone(struct judge *judge, const struct audit_cert *cert)
{
    uint8_t *known = &judge->alone[cert->id];
    if (*known == ALONE_UNTRIED) {
        g_autoptr(GPtrArray) anchors = g_ptr_array_new();
        g_ptr_array_add(anchors, (void *)cert);
        *known =
            path_build(pool_signatures(judge->whatif->pool), NULL, judge->peer->chain, anchors, judge->whatif->at, NULL)
                ? ALONE_YES
                : ALONE_NO;
    }
    return *known == ALONE_YES;
}

/* The path */

static const struct audit_cert *issuer_in(const struct judge *judge, const GPtrArray *certs,
                                          const struct audit_cert *cert)
{
    g_autofree char *issuer = cert->issuer ? name_key(cert->issuer, FALSE) : NULL;
    for (guint i = 0; i < certs->len; i++)
        if (g_strcmp0(subject_of(judge, certs->pdata[i]), issuer) == 0)
            return certs->pdata[i];
    return NULL;
}

/*
 * The path of the peer's certificate to ${anchor}, which is one on its own: what is left of the chain when everything
 * is taken away that OpenSSL does not need.
 */
static void find_path(const struct judge *judge, GPtrArray *path, const struct audit_cert *anchor)
{
    g_autoptr(GPtrArray) left = g_ptr_array_copy(judge->peer->chain, NULL, NULL), anchors = g_ptr_array_new();

    g_ptr_array_add(anchors, (void *)anchor);
    for (guint i = left->len; i-- > 1;) {
        void *cert = g_ptr_array_remove_index(left, i);
        if (!path_build(pool_signatures(judge->whatif->pool), NULL, left, anchors, judge->whatif->at, NULL))
            g_ptr_array_insert(left, (int)i, cert);
    }
    const struct audit_cert *at = g_ptr_array_remove_index(left, 0);
    g_ptr_array_add(path, (void *)at);
    while (at != anchor) {
        const struct audit_cert *next = issuer_in(judge, left, at);
        if (!next || next == anchor)
            break;
        g_ptr_array_add(path, (void *)next);
        g_ptr_array_remove(left, (void *)next);
        at = next;
    }
    if (at != anchor)
        g_ptr_array_add(path, (void *)anchor);
}

/* What could be imported */

static enum check_import_kind import_kind(const struct check_peer *peer, const struct audit_cert *cert)
{
    if (cert == peer->chain->pdata[0] && !peer->leaf_unknown)
        return cert->self_signed ? CHECK_IMPORT_SELF : CHECK_IMPORT_PEER;
    return cert->self_signed ? CHECK_IMPORT_ROOT : CHECK_IMPORT_INTERMEDIATE;
}

/* Roots first; what somebody vouches for before what only the peer sends; then the highest, the longest to live. */
static int compare_imports(const void *a, const void *b)
{
    const struct check_import *left = *(struct check_import *const *)a, *right = *(struct check_import *const *)b;
    if (left->kind != right->kind)
        return left->kind < right->kind ? -1 : 1;
    if (left->vouched != right->vouched)
        return left->vouched ? -1 : 1;
    if (left->path->len != right->path->len)
        return left->path->len > right->path->len ? -1 : 1;
    if (left->cert->not_after != right->cert->not_after)
        return left->cert->not_after > right->cert->not_after ? -1 : 1;
    return g_strcmp0(left->cert->sha256, right->cert->sha256);
}

static void find_imports(struct judge *judge)
{
    struct whatif *whatif = judge->whatif;
    GPtrArray *imports = judge->peer->imports;

    for (guint i = 0; i < whatif->audit->certs->len; i++) {
        const struct audit_cert *cert = whatif->audit->certs->pdata[i];
        if (judge->marks[cert->id] != MARK_ANCHOR || whatif_is_dropped(whatif, cert) || !is_alone(judge, cert))
            continue;
        const struct whatif_holders *holders = g_hash_table_lookup(whatif->holders, cert);
        struct check_import *import = check_import_new();
        import->cert = cert;
        import->kind = import_kind(judge->peer, cert);
        import->sent = contains(judge->peer->chain, cert);
        import->holders = holders ? holders->stores : 0;
        import->holder = holders ? holders->first->label : NULL;
        import->vouched = holders || cert->references->len > 0 || !cert->from_trace;
        find_path(judge, import->path, cert);
        g_ptr_array_add(imports, import);
    }
    if (imports->len > 1)
        qsort(imports->pdata, imports->len, sizeof imports->pdata[0], compare_imports);
}

/* As many certificates of the set as OpenSSL is given at once; that none of the others is an anchor is known. */
static GPtrArray *shorten(const GPtrArray *set)
{
    GPtrArray *some = g_ptr_array_new();
    for (guint i = 0; i < set->len && i < PATH_TRIES; i++)
        g_ptr_array_add(some, set->pdata[i]);
    return some;
}

/* The best one with which this very list accepts the peer. */
static const struct check_import *import_for(struct judge *judge, const GPtrArray *set)
{
    for (guint i = 0; i < judge->peer->imports->len; i++) {
        const struct check_import *import = judge->peer->imports->pdata[i];
        g_autoptr(GPtrArray) with = shorten(set);
        g_ptr_array_add(with, (void *)import->cert);
        if (path_build(pool_signatures(judge->whatif->pool), NULL, judge->peer->chain, with, judge->whatif->at, NULL))
            return import;
    }
    return NULL;
}

/* What a list answers */

static struct outcome *judge_set(struct judge *judge, GPtrArray *set)
{
    struct outcome *outcome = g_new0(struct outcome, 1);

    outcome->anchors = g_ptr_array_new();
    outcome->path = g_ptr_array_new();
    for (guint i = 0; i < set->len; i++)
        if (is_alone(judge, set->pdata[i]))
            g_ptr_array_add(outcome->anchors, set->pdata[i]);
    if (outcome->anchors->len > 0) {
        outcome->trusted = TRUE;
        find_path(judge, outcome->path, outcome->anchors->pdata[0]);
        return outcome;
    }
    g_autoptr(GPtrArray) some = shorten(set);
    outcome->trusted = path_build(pool_signatures(judge->whatif->pool), NULL, judge->peer->chain, some,
                                  judge->whatif->at, &outcome->reason);
    if (!outcome->trusted)
        outcome->import = import_for(judge, set);
    return outcome;
}

static struct outcome *outcome_of(struct judge *judge, GPtrArray *set)
{
    g_autoptr(GByteArray) ids = g_byte_array_new();
    for (guint i = 0; i < set->len; i++)
        g_byte_array_append(ids, (const guint8 *)&((const struct audit_cert *)set->pdata[i])->id, sizeof(unsigned));
    GBytes *key = g_byte_array_free_to_bytes(g_steal_pointer(&ids));
    struct outcome *outcome = g_hash_table_lookup(judge->outcomes, key);
    if (outcome) {
        g_bytes_unref(key);
        return outcome;
    }
    outcome = judge_set(judge, set);
    g_hash_table_insert(judge->outcomes, key, outcome);
    return outcome;
}

static void take_cert(const struct judge *judge, GPtrArray *set, GPtrArray *named, struct audit_cert *cert)
{
    GPtrArray *to = judge->marks[cert->id] == MARK_ANCHOR ? set : judge->marks[cert->id] == MARK_NAMED ? named : NULL;
    if (to)
        g_ptr_array_add(to, cert);
}

static const struct sight *look(struct judge *judge, const struct sight_key *key)
{
    const struct whatif *whatif = judge->whatif;
    struct sight *sight = g_hash_table_lookup(judge->sights, key);
    if (sight)
        return sight;
    g_autoptr(GPtrArray) set = g_ptr_array_new();
    sight = g_new0(struct sight, 1);
    sight->named = g_ptr_array_new();
    for (guint i = 0; key->list && i < key->list->certs->len; i++) {
        struct audit_cert *cert = key->list->certs->pdata[i];
        if (judge->marks[cert->id] && !(key->assumed && whatif_is_dropped(whatif, cert)))
            take_cert(judge, set, sight->named, cert);
    }
    for (guint i = 0; key->assumed && i < whatif->imports->len; i++) {
        struct audit_cert *cert = g_array_index(whatif->imports, struct whatif_import, i).cert;
        if ((key->mask >> i & 1) && !contains(set, cert))
            take_cert(judge, set, sight->named, cert);
    }
    if (set->len > 1)
        qsort(set->pdata, set->len, sizeof set->pdata[0], compare_ids);
    sight->outcome = outcome_of(judge, set);
    g_hash_table_insert(judge->sights, g_memdup2(key, sizeof *key), sight);
    return sight;
}

/* Whether the search ended before its end, so that a path may have been missed. */
static gboolean is_limited(const struct outcome *outcome)
{
    return !outcome->trusted && g_strcmp0(outcome->reason, PATH_LIMITED) == 0;
}

/* What a file of a store answers, and why. */
static enum check_answer answer_of(const struct sight *sight, const struct audit_member *member, const char **reason)
{
    *reason = NULL;
    if (sight->outcome->trusted)
        return CHECK_ACCEPTS;
    if (!member->list)
        *reason = "its trust list was not read";
    else if (!audit_member_is_whole(member) || member->list->refused)
        *reason = "its trust list was read in part only, and what was read does not accept the peer";
    else if (is_limited(sight->outcome))
        *reason = PATH_LIMITED;
    else if (sight->named->len > 0)
        *reason = "what decides is known from a listing only, by its name and without its bytes";
    if (*reason)
        return CHECK_UNKNOWN;
    *reason = sight->outcome->reason;
    return CHECK_REJECTS;
}

static struct check_verdict *verdict_for(struct judge *judge, const struct sight *sight,
                                         const struct audit_member *member, const struct check_verdict *answer)
{
    const struct outcome *outcome = sight->outcome;
    gboolean accepts = answer->answer == CHECK_ACCEPTS;
    g_autoptr(GString) key = g_string_new(NULL);
    const char *detail = answer->answer == CHECK_UNKNOWN ? member->reason : NULL;

    g_string_printf(key, "%d %d %p %s %s", (int)answer->answer, (int)answer->before, (const void *)outcome->import,
                    answer->reason ? answer->reason : "", detail ? detail : "");
    for (guint i = 0; accepts && i < outcome->anchors->len; i++)
        g_string_append_printf(key, " a%u", ((const struct audit_cert *)outcome->anchors->pdata[i])->id);
    for (guint i = 0; !accepts && i < sight->named->len; i++)
        g_string_append_printf(key, " n%u", ((const struct audit_cert *)sight->named->pdata[i])->id);
    struct check_verdict *verdict = g_hash_table_lookup(judge->verdicts, key->str);
    if (verdict)
        return verdict;

    verdict = check_verdict_new();
    verdict->answer = answer->answer;
    verdict->before = answer->before;
    verdict->reason = detail ? audit_textf(judge->whatif->audit, "%s (%s)", answer->reason, detail) : answer->reason;
    if (accepts) {
        g_ptr_array_extend(verdict->anchors, outcome->anchors, NULL, NULL);
        g_ptr_array_extend(verdict->path, outcome->path, NULL, NULL);
    } else {
        g_ptr_array_extend(verdict->named, sight->named, NULL, NULL);
        verdict->import = outcome->import;
    }
    g_ptr_array_add(judge->peer->verdicts, verdict);
    g_hash_table_insert(judge->verdicts, g_strdup(key->str), verdict);
    return verdict;
}

static struct check_place *place_in(struct check_verdict *verdict, const struct audit_store *store)
{
    struct check_place *place = verdict->places->len ? verdict->places->pdata[verdict->places->len - 1] : NULL;
    if (place && place->store == store)
        return place;
    place = check_place_new();
    place->store = store;
    g_ptr_array_add(verdict->places, place);
    return place;
}

static void ask_store(struct judge *judge, const struct audit_store *store)
{
    struct check_peer *peer = judge->peer;
    uint64_t mask = whatif_mask(judge->whatif, store);
    enum check_answer worst = store->members->len ? CHECK_ACCEPTS : CHECK_UNKNOWN;
    gboolean broken = FALSE, mended = FALSE;

    for (guint i = 0; i < store->members->len; i++) {
        struct audit_member *member = store->members->pdata[i];
        struct check_verdict answer = {0};
        const char *before;
        const struct sight *sight = look(judge, &(struct sight_key){member->list, mask, judge->changes});
        const struct sight *plain = judge->changes ? look(judge, &(struct sight_key){member->list, 0, FALSE}) : sight;
        answer.answer = answer_of(sight, member, &answer.reason);
        answer.before = answer_of(plain, member, &before);
        worst = MIN(worst, answer.answer);
        broken = broken || (answer.before == CHECK_ACCEPTS && answer.answer == CHECK_REJECTS);
        mended = mended || (answer.before != CHECK_ACCEPTS && answer.answer == CHECK_ACCEPTS);
        struct check_place *place = place_in(verdict_for(judge, sight, member, &answer), store);
        g_ptr_array_add(place->members, member);
        place->whole = place->members->len == store->members->len;
    }
    peer->stores[worst]++;
    peer->broken += broken;
    peer->mended += mended;
}

static int compare_verdicts(const void *a, const void *b)
{
    const struct check_verdict *left = *(struct check_verdict *const *)a, *right = *(struct check_verdict *const *)b;
    const struct check_place *first[2] = {left->places->pdata[0], right->places->pdata[0]};
    if (left->answer != right->answer)
        return left->answer < right->answer ? -1 : 1;
    if (left->places->len != right->places->len)
        return left->places->len > right->places->len ? -1 : 1;
    if (first[0]->store != first[1]->store)
        return first[0]->store->id < first[1]->store->id ? -1 : 1;
    return g_strcmp0(((const struct audit_member *)first[0]->members->pdata[0])->path,
                     ((const struct audit_member *)first[1]->members->pdata[0])->path);
}

/* What the chain lacks */

/* All certificates at hand to which signatures lead from the peer's, and the name at which they end. */
static GPtrArray *reach(struct judge *judge)
{
    struct whatif *whatif = judge->whatif;
    GPtrArray *reached = g_ptr_array_new();
    const char *missing = NULL;
    gboolean root = FALSE;

    g_ptr_array_add(reached, judge->peer->chain->pdata[0]);
    for (guint i = 0; i < reached->len && i < REACHED; i++) {
        const struct audit_cert *cert = reached->pdata[i];
        g_autoptr(GPtrArray) found = g_ptr_array_new();
        gboolean any = FALSE;
        root = root || cert->self_signed;
        if (cert->issuer && !cert->self_signed)
            pool_find_subject(whatif->pool, found, cert->issuer, FALSE);
        for (guint j = 0; j < found->len && j < REACHED; j++) {
            if (whatif_is_dropped(whatif, found->pdata[j]) || !pool_issued(whatif->pool, found->pdata[j], cert))
                continue;
            any = TRUE;
            if (!contains(reached, found->pdata[j]))
                g_ptr_array_add(reached, found->pdata[j]);
        }
        if (!any && !cert->self_signed)
            missing = cert->issuer;
    }
    judge->peer->missing = root ? NULL : missing;
    return reached;
}

static void note(struct judge *judge, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void note(struct judge *judge, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(judge->peer->notes, (void *)audit_text(judge->whatif->audit, text));
}

static char *short_name(const struct audit_cert *cert)
{
    return identify_short(cert->subject ? cert->subject : "a certificate without a name");
}

/* A root that would do if the peer sent all that stands below it. */
static void note_gap_in_chain(struct judge *judge, const GPtrArray *reached)
{
    const GPtrArray *imports = judge->peer->imports;
    enum check_import_kind best = imports->len ? ((struct check_import *)imports->pdata[0])->kind : CHECK_IMPORT_PEER;
    if (best <= CHECK_IMPORT_SELF)
        return;
    for (guint i = 0; i < reached->len; i++) {
        const struct audit_cert *root = reached->pdata[i], *between = NULL;
        g_autoptr(GPtrArray) anchors = g_ptr_array_new();
        g_ptr_array_add(anchors, (void *)root);
        if (!root->self_signed ||
            !path_build(pool_signatures(judge->whatif->pool), NULL, reached, anchors, judge->whatif->at, NULL))
            continue;
        for (guint j = 0; j < reached->len && !between; j++) {
            const struct audit_cert *cert = reached->pdata[j];
            between = cert->self_signed || contains(judge->peer->chain, cert) ? NULL : cert;
        }
        g_autofree char *root_name = short_name(root), *name = between ? short_name(between) : NULL;
        if (name)
            note(judge,
                 "The peer does not send \"%s\", so its root \"%s\" alone does not heal: the peer should send its "
                 "whole chain, or this intermediate is imported.",
                 name, root_name);
        return;
    }
}

static gboolean is_reversed(const struct judge *judge)
{
    const GPtrArray *chain = judge->peer->chain;
    return chain->len > 1 && pool_issued(judge->whatif->pool, chain->pdata[0], chain->pdata[1]);
}

/* Whether a policy has told the audit not to trust it. */
static gboolean is_distrusted(const struct audit *audit, const struct audit_cert *cert)
{
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        if (finding->cert != cert)
            continue;
        if (finding->kind == FINDING_DISTRUSTED && finding->state != STATE_FIXED)
            return TRUE;
        for (guint j = 0; j < finding->gaps->len; j++)
            if (((const struct audit_gap *)finding->gaps->pdata[j])->distrusted)
                return TRUE;
    }
    return FALSE;
}

static void note_distrusted(struct judge *judge)
{
    for (guint i = 0; i < judge->peer->imports->len; i++) {
        const struct check_import *import = judge->peer->imports->pdata[i];
        if (!is_distrusted(judge->whatif->audit, import->cert))
            continue;
        g_autofree char *name = short_name(import->cert);
        note(judge, "The policy of the audit distrusts \"%s\": do not import it.", name);
    }
}

static void describe_chain(struct judge *judge)
{
    const struct audit_cert *leaf = judge->peer->chain->pdata[0];
    g_autoptr(GPtrArray) reached = reach(judge);
    const GPtrArray *imports = judge->peer->imports;
    const struct check_import *best = imports->len ? imports->pdata[0] : NULL;
    const char *why = NULL;

    if (is_reversed(judge))
        note(judge, "The first certificate is taken for the peer's own, but it has issued the second: is the order "
                    "reversed?");
    else if (leaf->ca && !leaf->self_signed)
        note(judge, "The first certificate, which is taken for the peer's own, is one of a CA.");
    note_gap_in_chain(judge, reached);
    note_distrusted(judge);
    if (judge->peer->missing) {
        g_autofree char *name = identify_short(judge->peer->missing);
        note(judge, "%s holds \"%s\", the issuer at which the chain ends.",
             judge->whatif->drops->len ? "Without what is dropped nobody" : "Nobody", name);
    }
    if (best && best->kind == CHECK_IMPORT_INTERMEDIATE)
        note(judge, "No root that would heal is at hand, only an intermediate.");
    if (best && best->kind == CHECK_IMPORT_PEER)
        note(judge, "Nothing above the peer's own certificate is at hand that would heal; importing that one heals "
                    "only until the peer renews it.");
    if (best)
        return;
    path_build(pool_signatures(judge->whatif->pool), NULL, judge->peer->chain, reached, judge->whatif->at, &why);
    g_autofree char *name = short_name(leaf);
    note(judge, "No import heals: with everything that is at hand trusted, OpenSSL still says of \"%s\": %s.", name,
         why ? why : "no reason given");
}

static gboolean concerns(struct judge *judge)
{
    const GPtrArray *lists = judge->whatif->audit->lists;
    for (guint i = 0; i < lists->len; i++) {
        const struct audit_list *list = lists->pdata[i];
        if (look(judge, &(struct sight_key){list, 0, FALSE})->outcome->trusted &&
            !look(judge, &(struct sight_key){list, 0, TRUE})->outcome->trusted)
            return TRUE;
    }
    return FALSE;
}

static gboolean is_drop_marked(const struct judge *judge)
{
    for (guint i = 0; i < judge->whatif->drops->len; i++)
        if (judge->marks[((const struct audit_cert *)judge->whatif->drops->pdata[i])->id])
            return TRUE;
    return FALSE;
}

static gboolean judge_peer(struct whatif *whatif, struct check_peer *peer)
{
    struct judge judge = {
        .whatif = whatif,
        .peer = peer,
        .marks = g_new0(uint8_t, whatif->audit->certs->len + 1),
        .alone = g_new0(uint8_t, whatif->audit->certs->len + 1),
        .outcomes = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, outcome_free),
        .sights = g_hash_table_new_full(sight_hash, sight_equal, g_free, sight_free),
        .verdicts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .changes = whatif->imports->len + whatif->drops->len > 0,
    };
    gboolean asked = TRUE;

    mark_certs(&judge);
    if (peer->observed)
        asked = is_drop_marked(&judge) && concerns(&judge);
    if (asked) {
        find_imports(&judge);
        g_hash_table_remove_all(judge.sights);
        g_hash_table_remove_all(judge.outcomes);
        describe_chain(&judge);
        const GPtrArray *stores = peer->observed ? whatif->stores : whatif->judges;
        for (guint i = 0; i < stores->len; i++)
            ask_store(&judge, stores->pdata[i]);
        if (peer->verdicts->len > 1)
            qsort(peer->verdicts->pdata, peer->verdicts->len, sizeof peer->verdicts->pdata[0], compare_verdicts);
    }
    g_hash_table_unref(judge.verdicts);
    g_hash_table_unref(judge.sights);
    g_hash_table_unref(judge.outcomes);
    g_free(judge.marks);
    g_free(judge.alone);
    return asked;
}

void whatif_peer(struct whatif *whatif, struct check_peer *peer)
{
    judge_peer(whatif, peer);
}

/* Peers that an audit knows */

static void remove_unchanged(struct check_peer *peer)
{
    for (guint i = peer->verdicts->len; i-- > 0;) {
        const struct check_verdict *verdict = peer->verdicts->pdata[i];
        if (verdict->before != CHECK_ACCEPTS || verdict->answer == CHECK_ACCEPTS)
            g_ptr_array_remove_index(peer->verdicts, i);
    }
}

static char *chain_key(const GPtrArray *chain)
{
    GString *key = g_string_new(NULL);
    for (guint i = 0; i < chain->len; i++)
        g_string_append_printf(key, " %u", ((const struct audit_cert *)chain->pdata[i])->id);
    return g_string_free(key, FALSE);
}

static int compare_labels(const void *a, const void *b)
{
    const struct audit_store *left = *(struct audit_store *const *)a, *right = *(struct audit_store *const *)b;
    return strcmp(left->label, right->label);
}

static void add_caller(struct check_peer *peer, struct audit_store *store)
{
    if (store && !contains(peer->callers, store))
        g_ptr_array_add(peer->callers, store);
}

/* The peer of ${failure}, which is judged if its chain is new.  ${seen}: key of a chain -> peer, NULL: no matter. */
static void observe(struct whatif *whatif, GHashTable *seen, const struct audit_failure *failure)
{
    struct check_peer *peer = check_peer_new();
    void *known;

    peer->leaf_unknown = whatif_chain_of(whatif, peer->chain, failure) > 0;
    peer->observed = TRUE;
    peer->name = failure->target ? failure->target : failure->peer;
    g_autofree char *key = chain_key(peer->chain);
    gboolean is_known = g_hash_table_lookup_extended(seen, key, NULL, &known);
    if (is_known && known)
        add_caller(known, failure->store);
    if (peer->chain->len == 0 || is_known || g_hash_table_size(seen) >= WHATIF_OBSERVED) {
        check_peer_free(peer);
        return;
    }
    gboolean concerned = judge_peer(whatif, peer);
    g_hash_table_insert(seen, g_steal_pointer(&key), concerned ? peer : NULL);
    if (!concerned) {
        check_peer_free(peer);
        return;
    }
    add_caller(peer, failure->store);
    remove_unchanged(peer);
    g_ptr_array_add(whatif->check->observed, peer);
}

void whatif_observed(struct whatif *whatif)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const GPtrArray *observed = whatif->check->observed;

    for (guint i = 0; i < whatif->audit->failures->len; i++)
        observe(whatif, seen, whatif->audit->failures->pdata[i]);
    for (guint i = 0; i < observed->len; i++) {
        const GPtrArray *callers = ((const struct check_peer *)observed->pdata[i])->callers;
        if (callers->len > 1)
            qsort(callers->pdata, callers->len, sizeof callers->pdata[0], compare_labels);
    }
    if (g_hash_table_size(seen) >= WHATIF_OBSERVED)
        g_ptr_array_add(whatif->check->notes,
                        (void *)audit_textf(whatif->audit,
                                            "The failures of the audit show %d different chains and perhaps more; the "
                                            "others were not looked at.",
                                            WHATIF_OBSERVED));
}
