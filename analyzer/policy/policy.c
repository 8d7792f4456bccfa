#include "policy.h"

#include <string.h>

static void selection_clear(struct policy_selection *selection)
{
    GPtrArray **const lists[] = {&selection->files, &selection->roles, &selection->sids, &selection->tiers,
                                 &selection->groups};
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        g_clear_pointer(lists[i], g_ptr_array_unref);
}

static void rule_free(void *data)
{
    struct policy_rule *rule = data;
    selection_clear(&rule->selection);
    g_ptr_array_unref(rule->certs);
    g_free(rule->section);
    g_free(rule);
}

static void waiver_free(void *data)
{
    struct policy_waiver *waiver = data;
    g_clear_pointer(&waiver->stores, g_ptr_array_unref);
    g_clear_pointer(&waiver->sids, g_ptr_array_unref);
    g_clear_pointer(&waiver->hosts, g_ptr_array_unref);
    g_free(waiver->section);
    g_free(waiver->name);
    g_free(waiver->finding);
    g_free(waiver->fingerprint);
    g_free(waiver->owner);
    g_free(waiver->reason);
    g_free(waiver);
}

struct policy *policy_new(const char *path)
{
    struct policy *policy = g_new0(struct policy, 1);
    static const struct policy_horizon usual = {POLICY_UNSAID, POLICY_UNSAID};

    policy->path = g_strdup(path);
    policy->required = g_ptr_array_new_with_free_func(rule_free);
    policy->distrusted = g_ptr_array_new_with_free_func(rule_free);
    policy->own = policy->anchors = usual;
    policy->strength.rsa_bits = policy->strength.ec_bits = policy->strength.severity = POLICY_UNSAID;
    policy->strength.curves = g_array_new(FALSE, FALSE, sizeof(int));
    policy->strength.digests = g_array_new(FALSE, FALSE, sizeof(int));
    policy->end_entities_severity = POLICY_UNSAID;
    policy->waivers = g_ptr_array_new_with_free_func(waiver_free);
    policy->warnings = g_ptr_array_new_with_free_func(g_free);
    return policy;
}

void policy_free(struct policy *policy)
{
    if (!policy)
        return;
    g_ptr_array_unref(policy->required);
    g_ptr_array_unref(policy->distrusted);
    g_array_unref(policy->strength.curves);
    g_array_unref(policy->strength.digests);
    g_ptr_array_unref(policy->waivers);
    g_ptr_array_unref(policy->warnings);
    g_free(policy->path);
    g_free(policy);
}

gboolean policy_matches(const GPtrArray *patterns, const char *text)
{
    if (!patterns)
        return TRUE;
    for (guint i = 0; text && i < patterns->len; i++)
        if (g_pattern_spec_match_string(patterns->pdata[i], text))
            return TRUE;
    return FALSE;
}

static gboolean fits_groups(const GPtrArray *patterns, const GPtrArray *groups)
{
    if (!patterns)
        return TRUE;
    for (guint i = 0; i < groups->len; i++)
        if (policy_matches(patterns, groups->pdata[i]))
            return TRUE;
    return FALSE;
}

gboolean policy_selects(const struct policy_selection *selection, const struct audit_store *store)
{
    if ((selection->kinds && !(selection->kinds & 1u << store->kind)) ||
        !policy_matches(selection->files, store->file) || !policy_matches(selection->roles, store->role) ||
        !policy_matches(selection->sids, store->sid))
        return FALSE;
    if (!selection->tiers && !selection->groups)
        return TRUE;
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        const struct audit_host *host = member->instance->host;
        if (policy_matches(selection->tiers, host->tier) && fits_groups(selection->groups, host->groups))
            return TRUE;
    }
    return FALSE;
}
