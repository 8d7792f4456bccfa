/* What assumed imports and drops do to the gaps of an audit. */
#include "whatif_gaps.h"
#include "name.h"
#include "path.h"

#include <string.h>

static void add_effect(struct whatif *whatif, enum check_effect_kind kind, const struct audit_finding *finding,
                       const struct audit_gap *gap, const char *note)
{
    struct check_effect *effect = g_new0(struct check_effect, 1);
    *effect = (struct check_effect){kind, finding, gap, note};
    g_ptr_array_add(whatif->check->effects, effect);
}

static gboolean names_fit(const char *subject, const char *printed, gboolean cut)
{
    if (!subject || !printed)
        return FALSE;
    g_autofree char *key = name_key(printed, cut);
    return key && (name_is_cut(key) ? name_is_prefix(key, subject) : g_str_equal(key, subject));
}

/* Whether a name in the failure could be that of the certificate, or of who was issued by it. */
static gboolean is_named(const struct whatif *whatif, const struct audit_failure *failure,
                         const struct audit_cert *cert)
{
    const char *subject = whatif->subjects->pdata[cert->id];
    if (names_fit(subject, failure->missing, failure->missing_cut))
        return TRUE;
    for (guint i = 0; i < failure->chain->len; i++) {
        const struct audit_link *link = failure->chain->pdata[i];
        if (names_fit(subject, link->issuer, link->issuer_cut) || names_fit(subject, link->subject, link->subject_cut))
            return TRUE;
    }
    return FALSE;
}

enum heal { HEAL_NO, HEAL_PERHAPS, HEAL_YES };

/* Whether the peer of ${failure} would be accepted with ${anchors}. */
static enum heal verify(const struct whatif *whatif, const struct audit_failure *failure, const GPtrArray *anchors,
                        gboolean *leaf_unknown)
{
    g_autoptr(GPtrArray) chain = g_ptr_array_new();
    gboolean below = whatif_chain_of(whatif, chain, failure) > 0;

    if (chain->len > 0 && path_build(pool_signatures(whatif->pool), NULL, chain, anchors, whatif->at, NULL)) {
        *leaf_unknown = *leaf_unknown || below;
        return HEAL_YES;
    }
    /* Where something between is not known the names may still fit. */
    if (chain->len > 0 && chain->len == failure->chain->len)
        return HEAL_NO;
    for (guint i = 0; i < anchors->len; i++)
        if (is_named(whatif, failure, anchors->pdata[i]))
            return HEAL_PERHAPS;
    return HEAL_NO;
}

static enum heal verify_all(const struct whatif *whatif, const struct audit_gap *gap, const GPtrArray *anchors,
                            const char **note)
{
    gboolean leaf_unknown = FALSE;
    guint counts[3] = {0, 0, 0};

    for (guint i = 0; i < gap->failures->len; i++)
        counts[verify(whatif, gap->failures->pdata[i], anchors, &leaf_unknown)]++;
    if (counts[HEAL_YES] > 0 && counts[HEAL_YES] == gap->failures->len) {
        *note = leaf_unknown ? "OpenSSL verifies with it what the audit has of the peers' chains; certificates below "
                               "that are not known to it."
                             : "OpenSSL verifies the peers' chains with it.";
        return HEAL_YES;
    }
    if (counts[HEAL_YES] + counts[HEAL_PERHAPS] == 0)
        return HEAL_NO;
    *note = counts[HEAL_YES] > 0
                ? audit_textf(whatif->audit, "OpenSSL verifies with it the chains of %u of the %u failures.",
                              counts[HEAL_YES], gap->failures->len)
                : "Its name is in the peers' chains; whether it is the right certificate cannot be verified, since the "
                  "audit does not have theirs.";
    return HEAL_PERHAPS;
}

static gboolean contains(const GPtrArray *array, const void *item)
{
    return g_ptr_array_find((GPtrArray *)array, item, NULL);
}

static enum heal heals(const struct whatif *whatif, const struct audit_finding *finding, const struct audit_gap *gap,
                       const GPtrArray *anchors, const char **note)
{
    if (finding->cert && contains(anchors, finding->cert) && !whatif_ended(whatif, finding->cert)) {
        *note = audit_textf(whatif->audit, "It is the certificate of the finding, which was identified by: %s.",
                            audit_match_name(finding->match));
        return HEAL_YES;
    }
    enum heal heal = verify_all(whatif, gap, anchors, note);
    for (guint i = 0; heal != HEAL_YES && i < finding->candidates->len; i++)
        if (contains(anchors, finding->candidates->pdata[i])) {
            *note = "It is one of the finding's candidates.";
            return HEAL_PERHAPS;
        }
    return heal;
}

static void judge_import(struct whatif *whatif, const struct audit_finding *finding, const struct audit_gap *gap)
{
    g_autoptr(GPtrArray) anchors = g_ptr_array_new();
    uint64_t mask = gap->store ? whatif_mask(whatif, gap->store) : UINT64_MAX;
    const char *note = NULL;

    for (guint i = 0; i < whatif->imports->len; i++)
        if (mask >> i & 1)
            g_ptr_array_add(anchors, g_array_index(whatif->imports, struct whatif_import, i).cert);
    enum heal heal = anchors->len ? heals(whatif, finding, gap, anchors, &note) : HEAL_NO;
    if (heal == HEAL_YES && !gap->store) {
        heal = HEAL_PERHAPS;
        note = "It is what is missing, but the trace does not say in which PSE of the instance.";
    }
    if (heal != HEAL_YES)
        whatif->check->open_gaps++;
    if (heal != HEAL_NO)
        add_effect(whatif, heal == HEAL_YES ? CHECK_HEALED : CHECK_PERHAPS, finding, gap, note);
}

/* Whether a certificate that the store keeps does what the dropped one did. */
static enum heal stays_healed(const struct whatif *whatif, const struct audit_gap *gap, const struct audit_cert *cert)
{
    const char *subject = whatif->subjects->pdata[cert->id];
    enum heal worst = HEAL_YES;
    gboolean namesake = FALSE;

    for (guint i = 0; i < gap->store->members->len; i++) {
        const struct audit_member *member = gap->store->members->pdata[i];
        g_autoptr(GPtrArray) left = g_ptr_array_new();
        const char *note;
        for (guint j = 0; member->list && j < member->list->certs->len; j++) {
            struct audit_cert *other = member->list->certs->pdata[j];
            if (whatif_is_dropped(whatif, other))
                continue;
            g_ptr_array_add(left, other);
            namesake = namesake || g_strcmp0(whatif->subjects->pdata[other->id], subject) == 0;
        }
        enum heal heal = verify_all(whatif, gap, left, &note);
        worst = MIN(worst, heal);
    }
    return worst == HEAL_NO && namesake && gap->failures->len == 0 ? HEAL_PERHAPS : worst;
}

static void judge_drop(struct whatif *whatif, const struct audit_finding *finding, const struct audit_gap *gap)
{
    const struct audit_cert *cert = finding->cert;
    if (!cert || !whatif_is_dropped(whatif, cert))
        return;
    if (!audit_state_is_closed(gap->state)) {
        add_effect(whatif, CHECK_SOURCELESS, finding, gap,
                   cert->references->len
                       ? "The gap asks for the certificate that is dropped; a reference file still has it."
                       : "The gap asks for the certificate that is dropped; no store would hold it any more.");
        return;
    }
    if (gap->state != STATE_FIXED || !gap->store || !audit_store_holds(gap->store, cert))
        return;
    switch (stays_healed(whatif, gap, cert)) {
    case HEAL_NO:
        add_effect(whatif, CHECK_REOPENED, finding, gap,
                   "Connections failed here until this certificate was imported, and nothing else in the list is known "
                   "to do the same.");
        break;
    case HEAL_PERHAPS:
        add_effect(whatif, CHECK_PERHAPS, finding, gap,
                   "Connections failed here until this certificate was imported; another one in the list has a name "
                   "that fits, and may do the same.");
        break;
    case HEAL_YES:
        break;
    }
}

static void order_by_kind(GPtrArray *effects)
{
    g_autoptr(GPtrArray) as_found = g_ptr_array_copy(effects, NULL, NULL);
    guint at = 0;

    g_ptr_array_set_free_func(as_found, NULL);
    for (int kind = CHECK_REOPENED; kind <= CHECK_SOURCELESS; kind++)
        for (guint i = 0; i < as_found->len; i++)
            if (((const struct check_effect *)as_found->pdata[i])->kind == (enum check_effect_kind)kind)
                effects->pdata[at++] = as_found->pdata[i];
}

void whatif_gaps(struct whatif *whatif)
{
    g_autoptr(GHashTable) asked = g_hash_table_new(NULL, NULL);
    gboolean all = whatif->stores->len == whatif->audit->stores->len;

    for (guint i = 0; i < whatif->stores->len; i++)
        g_hash_table_add(asked, whatif->stores->pdata[i]);
    for (guint i = 0; i < whatif->audit->findings->len; i++) {
        const struct audit_finding *finding = whatif->audit->findings->pdata[i];
        for (guint j = 0; audit_finding_kind_is_missing(finding->kind) && j < finding->gaps->len; j++) {
            const struct audit_gap *gap = finding->gaps->pdata[j];
            if (gap->store ? !g_hash_table_contains(asked, gap->store) : !all)
                continue;
            if (!audit_state_is_closed(gap->state) && whatif->imports->len > 0)
                judge_import(whatif, finding, gap);
            judge_drop(whatif, finding, gap);
        }
    }
    order_by_kind(whatif->check->effects);
}
