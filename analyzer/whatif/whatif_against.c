/*
 * What the stores of one landscape lack that those of another hold.  A store is compared with the one of its label, for
 * that is the same system in the other landscape; where there is none, with all stores whose PSE file has its name.
 */
#include "whatif_against.h"

#include <stdlib.h>
#include <string.h>

struct side { /* the PSE files of one name */
    const char *file;
    GPtrArray *sources, *targets; /* of struct audit_store * */
    GHashTable *needs;            /* struct audit_cert * of the source -> struct check_need * */
};

struct comparison {
    struct whatif *whatif;
    struct audit *target;
    struct pool *pool; /* over it */
    GHashTable *sides; /* file -> struct side * */
    GPtrArray *order;  /* the same, by name */
    GHashTable *twins; /* label -> struct audit_store * of the source */
    GHashTable *shown; /* struct audit_store * of the source -> GPtrArray of certificates that failures asked for */
    uint8_t *has;      /* by id of a list of the target: HAS_IT, HAS_NAMESAKE of the certificate in question */
    uint8_t *held;     /* by id of a list of the source: whether it holds it */
};

enum { HAS_IT = 1, HAS_NAMESAKE = 2 };

static void side_free(void *data)
{
    struct side *side = data;
    g_ptr_array_unref(side->sources);
    g_ptr_array_unref(side->targets);
    g_hash_table_unref(side->needs);
    g_free(side);
}

static struct side *side_of(struct comparison *comparison, const char *file)
{
    struct side *side = g_hash_table_lookup(comparison->sides, file);
    if (side)
        return side;
    side = g_new0(struct side, 1);
    side->file = file;
    side->sources = g_ptr_array_new();
    side->targets = g_ptr_array_new();
    side->needs = g_hash_table_new(NULL, NULL);
    g_hash_table_insert(comparison->sides, (void *)file, side);
    g_ptr_array_add(comparison->order, side);
    return side;
}

static struct check_need *need_of(const struct side *side, struct audit_cert *cert)
{
    struct check_need *need = g_hash_table_lookup(side->needs, cert);
    if (need)
        return need;
    need = check_need_new();
    need->cert = cert;
    need->file = side->file;
    g_hash_table_insert(side->needs, cert, need);
    return need;
}

static void count_source(const struct side *side, const struct audit_store *store)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        for (guint j = 0; member->list && j < member->list->certs->len; j++)
            if (g_hash_table_add(seen, member->list->certs->pdata[j]))
                need_of(side, member->list->certs->pdata[j])->sources++;
    }
}

/* What failures have shown, whether the import was made meanwhile or not. */
static void count_use(struct comparison *comparison)
{
    const GPtrArray *findings = comparison->whatif->audit->findings;
    g_autoptr(GHashTable) asked = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < comparison->whatif->stores->len; i++)
        g_hash_table_add(asked, comparison->whatif->stores->pdata[i]);
    for (guint i = 0; i < findings->len; i++) {
        const struct audit_finding *finding = findings->pdata[i];
        for (guint j = 0; audit_finding_kind_is_missing(finding->kind) && finding->cert && j < finding->gaps->len;
             j++) {
            const struct audit_gap *gap = finding->gaps->pdata[j];
            if (!gap->store || !g_hash_table_contains(asked, gap->store))
                continue;
            need_of(side_of(comparison, gap->store->file), finding->cert)->connections += gap->count;
            GPtrArray *shown = g_hash_table_lookup(comparison->shown, gap->store);
            if (!shown) {
                shown = g_ptr_array_new();
                g_hash_table_insert(comparison->shown, gap->store, shown);
            }
            g_ptr_array_add(shown, finding->cert);
        }
    }
}

/* The same certificate in the target.  With only issuer and number in common it is ${*doubtful}. */
static struct audit_cert *find_there(const struct comparison *comparison, const struct audit_cert *cert,
                                     gboolean *doubtful)
{
    const struct pool *pool = comparison->pool;
    struct audit_cert *there = NULL;

    *doubtful = FALSE;
    if (cert->sha256)
        there = pool_find_digest(pool, cert->sha256, NULL, NULL);
    if (!there && cert->sha1)
        there = pool_find_digest(pool, NULL, cert->sha1, NULL);
    if (!there && cert->md5)
        there = pool_find_digest(pool, NULL, NULL, cert->md5);
    if (there)
        return there;
    there = cert->issuer && cert->serial ? pool_find_serial(pool, cert->issuer, cert->serial) : NULL;
    if (there && ((cert->sha256 && there->sha256) || (cert->sha1 && there->sha1) || (cert->md5 && there->md5)))
        return NULL; /* two fingerprints that differ */
    *doubtful = there != NULL;
    return there;
}

static void mark_lists(struct comparison *comparison, const struct audit_cert *cert, const struct audit_cert *there)
{
    const GPtrArray *lists = comparison->target->lists;
    g_autoptr(GPtrArray) namesakes = g_ptr_array_new();

    if (cert->subject)
        pool_find_subject(comparison->pool, namesakes, cert->subject, FALSE);
    for (guint i = 0; i < lists->len; i++) {
        const struct audit_list *list = lists->pdata[i];
        uint8_t *has = &comparison->has[list->id];
        *has = there && audit_list_has(list, there) ? HAS_IT : 0;
        for (guint j = 0; !*has && j < namesakes->len; j++)
            if (audit_list_has(list, namesakes->pdata[j]))
                *has = HAS_NAMESAKE;
    }
    for (guint i = 0; i < comparison->whatif->audit->lists->len; i++) {
        const struct audit_list *list = comparison->whatif->audit->lists->pdata[i];
        comparison->held[list->id] = audit_list_has(list, cert);
    }
}

/* Whether the store's twin in the source has the certificate, or was seen to need it. */
static gboolean is_wanted(const struct comparison *comparison, const struct check_need *need,
                          const struct audit_store *store)
{
    const struct audit_store *twin = g_hash_table_lookup(comparison->twins, store->label);
    if (!twin)
        return TRUE;
    for (guint i = 0; i < twin->members->len; i++) {
        const struct audit_member *member = twin->members->pdata[i];
        if (member->list && comparison->held[member->list->id])
            return TRUE;
    }
    const GPtrArray *shown = g_hash_table_lookup(comparison->shown, twin);
    return shown && g_ptr_array_find((GPtrArray *)shown, need->cert, NULL);
}

static void judge_target(const struct comparison *comparison, struct check_need *need, struct audit_store *store,
                         gboolean doubtful)
{
    gboolean lacks = FALSE, unread = FALSE, namesake = FALSE;

    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        uint8_t has = member->list ? comparison->has[member->list->id] : 0;
        gboolean whole = audit_member_is_whole(member);
        lacks = lacks || (whole && has != HAS_IT);
        unread = unread || (!whole && has != HAS_IT) || (has == HAS_IT && doubtful);
        namesake = namesake || has == HAS_NAMESAKE;
    }
    if (lacks) {
        g_ptr_array_add(need->lacking, store);
        need->namesakes += namesake;
    } else if (unread) {
        g_ptr_array_add(need->unknown, store);
    } else {
        need->holding++;
    }
}

static void judge_need(struct comparison *comparison, const struct side *side, struct check_need *need)
{
    gboolean doubtful;
    const struct audit_cert *there = find_there(comparison, need->cert, &doubtful);

    need->ended = whatif_ended(comparison->whatif, need->cert);
    mark_lists(comparison, need->cert, there);
    for (guint i = 0; i < side->targets->len; i++)
        if (is_wanted(comparison, need, side->targets->pdata[i]))
            judge_target(comparison, need, side->targets->pdata[i], doubtful);
    /* Where only unread lists are left a note says it once for the file. */
    if (need->lacking->len > 0 || (doubtful && need->unknown->len > 0))
        g_ptr_array_add(comparison->whatif->check->needs, need);
    else
        check_need_free(need);
}

static gboolean is_unread(const struct audit_store *store)
{
    for (guint i = 0; i < store->members->len; i++)
        if (!audit_member_is_whole(store->members->pdata[i]))
            return TRUE;
    return FALSE;
}

static void note_unread(struct comparison *comparison, const struct side *side, const GPtrArray *stores,
                        const char *landscape, const char *what)
{
    guint unread = 0;
    for (guint i = 0; i < stores->len; i++)
        unread += is_unread(stores->pdata[i]);
    if (unread == 0)
        return;
    struct audit *audit = comparison->whatif->audit;
    g_ptr_array_add(comparison->whatif->check->notes,
                    (void *)audit_textf(audit,
                                        "%s: of %u of the %u stores of the %s landscape the trust list was not, "
                                        "or not wholly, read: %s is not known.",
                                        side->file, unread, stores->len, landscape, what));
}

static int compare_needs(const void *a, const void *b)
{
    const struct check_need *left = *(struct check_need *const *)a, *right = *(struct check_need *const *)b;
    int files = g_strcmp0(left->file, right->file);
    if (files != 0)
        return files;
    if (left->ended != right->ended)
        return left->ended ? 1 : -1;
    if (left->connections != right->connections)
        return left->connections > right->connections ? -1 : 1;
    if (left->sources != right->sources)
        return left->sources > right->sources ? -1 : 1;
    return left->cert->id < right->cert->id ? -1 : left->cert->id > right->cert->id;
}

static int compare_sides(const void *a, const void *b)
{
    const struct side *left = *(struct side *const *)a, *right = *(struct side *const *)b;
    return strcmp(left->file, right->file);
}

static void compare(struct comparison *comparison)
{
    struct check *check = comparison->whatif->check;

    for (guint i = 0; i < comparison->order->len; i++) {
        struct side *side = comparison->order->pdata[i];
        GHashTableIter iter;
        void *need;
        if (side->sources->len > 0 && side->targets->len == 0)
            g_ptr_array_add(check->unmatched, (void *)side->file);
        if (side->targets->len > 0 && side->sources->len > 0) {
            note_unread(comparison, side, side->sources, "source", "what else they hold");
            note_unread(comparison, side, side->targets, "target", "what they lack");
        }
        g_hash_table_iter_init(&iter, side->needs);
        while (g_hash_table_iter_next(&iter, NULL, &need))
            judge_need(comparison, side, need);
    }
    if (check->needs->len > 1)
        qsort(check->needs->pdata, check->needs->len, sizeof check->needs->pdata[0], compare_needs);
}

gboolean whatif_against(struct whatif *whatif, struct audit *target, GError **error)
{
    struct comparison comparison = {
        .whatif = whatif,
        .target = target,
        .pool = pool_new(target),
        .sides = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, side_free),
        .order = g_ptr_array_new(),
        .twins = g_hash_table_new(g_str_hash, g_str_equal),
        .shown = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref),
        .held = g_new0(uint8_t, whatif->audit->lists->len + 1),
    };
    gboolean ok = pool_adopt(comparison.pool, error);

    if (ok) {
        audit_sort(target);
        comparison.has = g_new0(uint8_t, target->lists->len + 1);
        for (guint i = 0; i < whatif->stores->len; i++) {
            struct audit_store *store = whatif->stores->pdata[i];
            struct side *side = side_of(&comparison, store->file);
            g_hash_table_insert(comparison.twins, (void *)store->label, store);
            g_ptr_array_add(side->sources, store);
            count_source(side, store);
        }
        for (guint i = 0; i < target->stores->len; i++) {
            struct audit_store *store = target->stores->pdata[i];
            g_ptr_array_add(side_of(&comparison, store->file)->targets, store);
        }
        count_use(&comparison);
        if (comparison.order->len > 1)
            qsort(comparison.order->pdata, comparison.order->len, sizeof comparison.order->pdata[0], compare_sides);
        compare(&comparison);
    }
    g_free(comparison.has);
    g_free(comparison.held);
    g_hash_table_unref(comparison.twins);
    g_hash_table_unref(comparison.shown);
    g_hash_table_unref(comparison.sides);
    g_ptr_array_unref(comparison.order);
    pool_free(comparison.pool);
    return ok;
}
