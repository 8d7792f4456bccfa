#include "waivers.h"

#include "moment.h"

#include <string.h>

#define DAY_CHARS ((int)sizeof "2027-01-31" - 1)

struct work {
    struct audit *audit;
    const struct policy *policy;
    GHashTable *numbers; /* struct audit_store * -> its place in the audit's array */
    GArray **covered;    /* by waiver, see stores_of() */
    uint8_t *used;       /* by waiver: it is about an open finding */
};

struct places {           /* of one finding */
    guint *gaps, *stores; /* by the number of a store: its place in the finding's array, from 1; 0: none */
    uint8_t *marks;       /* by place in ${finding->stores}: it is covered */
};

static const char *day_of(char text[MOMENT_TEXT_BYTES], const struct policy_waiver *waiver)
{
    moment_format(text, waiver->until);
    text[DAY_CHARS] = '\0';
    return text;
}

static gboolean has_fingerprint(const struct audit_cert *cert, const char *fingerprint)
{
    return cert && (g_strcmp0(cert->sha256, fingerprint) == 0 || g_strcmp0(cert->sha1, fingerprint) == 0);
}

/* Apart from its places. */
static gboolean concerns(const struct policy_waiver *waiver, const struct audit_finding *finding)
{
    if (waiver->finding)
        return strcmp(waiver->finding, finding->id) == 0;
    return waiver->kind == finding->kind &&
           (!waiver->fingerprint || has_fingerprint(finding->cert, waiver->fingerprint)) &&
           policy_matches(waiver->hosts, finding->host ? finding->host->name : NULL);
}

static gboolean is_open(const struct audit_gap *gap)
{
    return gap->state != STATE_FIXED;
}

/* Places.  A finding may be about every store of a large landscape, a waiver mostly about a few. */

static void number_stores(struct work *work)
{
    work->numbers = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < work->audit->stores->len; i++)
        g_hash_table_insert(work->numbers, work->audit->stores->pdata[i], GUINT_TO_POINTER(i));
}

/* The numbers of the stores that a waiver is about, looked for once. */
static const GArray *stores_of(struct work *work, guint number)
{
    const struct policy_waiver *waiver = work->policy->waivers->pdata[number];
    const GPtrArray *all = work->audit->stores;

    if (work->covered[number])
        return work->covered[number];
    work->covered[number] = g_array_new(FALSE, FALSE, sizeof(guint));
    for (guint i = 0; i < all->len; i++) {
        const struct audit_store *store = all->pdata[i];
        if (policy_matches(waiver->stores, store->label) && policy_matches(waiver->sids, store->sid))
            g_array_append_val(work->covered[number], i);
    }
    return work->covered[number];
}

static guint number_of(const struct work *work, const struct audit_store *store)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(work->numbers, store));
}

/* Where the stores stand in the finding, once it is asked. */
static void find_places(const struct work *work, struct places *places, const struct audit_finding *finding)
{
    if (places->gaps)
        return;
    places->gaps = g_new0(guint, work->audit->stores->len + 1);
    places->stores = g_new0(guint, work->audit->stores->len + 1);
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        if (gap->store)
            places->gaps[number_of(work, gap->store)] = i + 1;
    }
    for (guint i = 0; i < finding->stores->len; i++)
        places->stores[number_of(work, finding->stores->pdata[i])] = i + 1;
}

static void waive_gap(struct audit *audit, struct audit_gap *gap, const struct policy_waiver *waiver)
{
    char day[MOMENT_TEXT_BYTES];
    if (audit_state_is_closed(gap->state))
        return;
    gap->state = STATE_WAIVED;
    gap->note = audit_textf(audit, "Waived by %s until %s: %s", waiver->owner, day_of(day, waiver), waiver->reason);
}

static guint cover_gap(struct work *work, struct audit_gap *gap, const struct policy_waiver *waiver, gboolean ended)
{
    if (!is_open(gap))
        return 0;
    if (!ended)
        waive_gap(work->audit, gap, waiver);
    return 1;
}

/* Of gaps whose store is not known the system is. */
static guint cover_homeless(struct work *work, const struct audit_finding *finding, const struct policy_waiver *waiver,
                            gboolean ended)
{
    guint count = 0;
    for (guint i = 0; !waiver->stores && i < finding->gaps->len; i++) {
        struct audit_gap *gap = finding->gaps->pdata[i];
        if (!gap->store && policy_matches(waiver->sids, gap->instance ? gap->instance->sid : NULL))
            count += cover_gap(work, gap, waiver, ended);
    }
    return count;
}

/* How many of the open places of the finding the waiver is about; those that are still covered are marked. */
static guint cover_places(struct work *work, struct places *places, const struct audit_finding *finding, guint number,
                          gboolean ended)
{
    const struct policy_waiver *waiver = work->policy->waivers->pdata[number];
    const GArray *covered = stores_of(work, number);
    guint count = cover_homeless(work, finding, waiver, ended);

    find_places(work, places, finding);
    for (guint i = 0; i < covered->len; i++) {
        guint store = g_array_index(covered, guint, i);
        if (places->gaps[store])
            count += cover_gap(work, finding->gaps->pdata[places->gaps[store] - 1], waiver, ended);
        if (!places->stores[store])
            continue;
        count++;
        places->marks[places->stores[store] - 1] |= !ended;
    }
    return count;
}

static gboolean all_are_covered(const struct audit_finding *finding, const uint8_t *marks)
{
    guint places = finding->stores->len;
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        places += gap->state == STATE_WAIVED;
        if (!audit_state_is_closed(gap->state))
            return FALSE;
    }
    return places > 0 && !memchr(marks, 0, finding->stores->len);
}

/* Findings. */

static void add_waiver(struct audit *audit, struct audit_finding *finding, const struct policy_waiver *from,
                       gboolean ended, unsigned places)
{
    struct audit_waiver *waiver = audit_waiver_new(audit);
    waiver->name = audit_text(audit, from->name);
    waiver->owner = audit_text(audit, from->owner);
    waiver->reason = audit_text(audit, from->reason);
    waiver->until = from->until;
    waiver->ended = ended;
    waiver->places = places;
    g_ptr_array_add(finding->waivers, waiver);
}

/* A waiver that has ended is not worth a word where another one holds. */
static void drop_ended(struct audit_finding *finding)
{
    for (guint i = finding->waivers->len; i-- > 0;)
        if (((const struct audit_waiver *)finding->waivers->pdata[i])->ended)
            g_ptr_array_remove_index(finding->waivers, i);
}

static void apply(struct work *work, struct audit_finding *finding)
{
    struct audit *audit = work->audit;
    struct places places = {.marks = g_malloc0(finding->stores->len + 1)};
    gboolean whole = FALSE;

    for (guint i = 0; i < work->policy->waivers->len; i++) {
        const struct policy_waiver *waiver = work->policy->waivers->pdata[i];
        gboolean ended = waiver->until < audit->evaluated, narrow = waiver->stores || waiver->sids;
        if (!concerns(waiver, finding))
            continue;
        guint count = narrow ? cover_places(work, &places, finding, i, ended) : 0;
        if (narrow && count == 0)
            continue;
        work->used[i] = TRUE;
        add_waiver(audit, finding, waiver, ended, count);
        for (guint j = 0; !narrow && !ended && j < finding->gaps->len; j++)
            waive_gap(audit, finding->gaps->pdata[j], waiver);
        whole = whole || (!narrow && !ended);
    }
    if (whole || all_are_covered(finding, places.marks)) {
        finding->state = STATE_WAIVED;
        drop_ended(finding);
    }
    g_free(places.gaps);
    g_free(places.stores);
    g_free(places.marks);
}

static void warn_of_unused(const struct work *work)
{
    char day[MOMENT_TEXT_BYTES];
    for (guint i = 0; i < work->policy->waivers->len; i++) {
        const struct policy_waiver *waiver = work->policy->waivers->pdata[i];
        if (!work->used[i])
            g_ptr_array_add(work->audit->warnings,
                            (void *)audit_textf(work->audit, "%s:%u: [%s]: is about no open finding (it %s on %s)",
                                                work->policy->path, waiver->line, waiver->section,
                                                waiver->until < work->audit->evaluated ? "has ended" : "ends",
                                                day_of(day, waiver)));
    }
}

void waivers_apply(struct audit *audit, const struct policy *policy)
{
    struct work work = {.audit = audit, .policy = policy};
    guint count = policy ? policy->waivers->len : 0;

    if (count == 0)
        return;
    work.covered = g_new0(GArray *, count);
    work.used = g_new0(uint8_t, count);
    number_stores(&work);
    for (guint i = 0; i < audit->findings->len; i++) {
        struct audit_finding *finding = audit->findings->pdata[i];
        if (finding->state != STATE_FIXED)
            apply(&work, finding);
    }
    warn_of_unused(&work);
    for (guint i = 0; i < count; i++)
        g_clear_pointer(&work.covered[i], g_array_unref);
    g_hash_table_unref(work.numbers);
    g_free(work.covered);
    g_free(work.used);
}
