#include "waivers.h"

#include "moment.h"

#include <string.h>

#define DAY_CHARS ((int)sizeof "2027-01-31" - 1)

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

static gboolean covers_store(const struct policy_waiver *waiver, const struct audit_store *store)
{
    return policy_matches(waiver->stores, store->label) && policy_matches(waiver->sids, store->sid);
}

static gboolean covers_gap(const struct policy_waiver *waiver, const struct audit_gap *gap)
{
    if (gap->store)
        return covers_store(waiver, gap->store);
    return !waiver->stores && policy_matches(waiver->sids, gap->instance ? gap->instance->sid : NULL);
}

static gboolean is_open(const struct audit_gap *gap)
{
    return gap->state != STATE_FIXED;
}

static void waive_gap(struct audit *audit, struct audit_gap *gap, const struct policy_waiver *waiver)
{
    char day[MOMENT_TEXT_BYTES];
    if (!is_open(gap) || gap->state == STATE_WAIVED)
        return;
    gap->state = STATE_WAIVED;
    gap->note = audit_textf(audit, "Waived by %s until %s: %s", waiver->owner, day_of(day, waiver), waiver->reason);
}

/* How many of the open places of the finding it is about; those that are still covered are marked in ${stores}. */
static unsigned cover_places(struct audit *audit, const struct audit_finding *finding,
                             const struct policy_waiver *waiver, gboolean ended, uint8_t *stores)
{
    unsigned places = 0;
    for (guint i = 0; i < finding->gaps->len; i++) {
        struct audit_gap *gap = finding->gaps->pdata[i];
        if (!is_open(gap) || !covers_gap(waiver, gap))
            continue;
        places++;
        if (!ended)
            waive_gap(audit, gap, waiver);
    }
    for (guint i = 0; i < finding->stores->len; i++) {
        if (!covers_store(waiver, finding->stores->pdata[i]))
            continue;
        places++;
        stores[i] |= !ended;
    }
    return places;
}

static gboolean all_are_covered(const struct audit_finding *finding, const uint8_t *stores)
{
    unsigned places = finding->stores->len;
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        places += gap->state == STATE_WAIVED;
        if (is_open(gap) && gap->state != STATE_WAIVED)
            return FALSE;
    }
    return places > 0 && !memchr(stores, 0, finding->stores->len);
}

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

static void apply(struct audit *audit, const struct policy *policy, struct audit_finding *finding, uint8_t *used)
{
    g_autofree uint8_t *stores = g_malloc0(finding->stores->len + 1);
    gboolean whole = FALSE;

    for (guint i = 0; i < policy->waivers->len; i++) {
        const struct policy_waiver *waiver = policy->waivers->pdata[i];
        gboolean ended = waiver->until < audit->evaluated, narrow = waiver->stores || waiver->sids;
        if (!concerns(waiver, finding))
            continue;
        unsigned places = narrow ? cover_places(audit, finding, waiver, ended, stores) : 0;
        if (narrow && places == 0)
            continue;
        used[i] = TRUE;
        add_waiver(audit, finding, waiver, ended, places);
        for (guint j = 0; !narrow && !ended && j < finding->gaps->len; j++)
            waive_gap(audit, finding->gaps->pdata[j], waiver);
        whole = whole || (!narrow && !ended);
    }
    if (!whole && !all_are_covered(finding, stores))
        return;
    finding->state = STATE_WAIVED;
    drop_ended(finding);
}

void waivers_apply(struct audit *audit, const struct policy *policy)
{
    guint count = policy ? policy->waivers->len : 0;
    g_autofree uint8_t *used = g_malloc0(count + 1);
    char day[MOMENT_TEXT_BYTES];

    for (guint i = 0; count > 0 && i < audit->findings->len; i++) {
        struct audit_finding *finding = audit->findings->pdata[i];
        if (finding->state != STATE_FIXED)
            apply(audit, policy, finding, used);
    }
    for (guint i = 0; i < count; i++) {
        const struct policy_waiver *waiver = policy->waivers->pdata[i];
        if (!used[i])
            g_ptr_array_add(audit->warnings,
                            (void *)audit_textf(audit, "%s:%u: [%s]: is about no open finding (it %s on %s)",
                                                policy->path, waiver->line, waiver->section,
                                                waiver->until < audit->evaluated ? "has ended" : "ends",
                                                day_of(day, waiver)));
    }
}
