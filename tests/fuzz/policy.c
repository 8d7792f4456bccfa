/* Policies: what is understood is consistent, and what is not has its line.  No file that they name is looked at. */
#include "policy_parse.h"

#include "error.h"
#include "moment.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_error(const GError *error)
{
    g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
    unsigned before = 0, count = g_strv_length(lines);

    g_assert(error->code == TRUSTGAP_ERROR_SYNTAX && g_utf8_validate(error->message, -1, NULL));
    g_assert(count >= 1 && count <= POLICY_PROBLEMS + 1);
    for (unsigned i = 0; i < count; i++) {
        g_assert(g_str_has_prefix(lines[i], "fuzz:"));
        unsigned line = (unsigned)g_ascii_strtoull(lines[i] + strlen("fuzz:"), NULL, 10);
        g_assert(i == POLICY_PROBLEMS || (line >= before && line > 0 && line <= POLICY_LINES + 1));
        before = line;
    }
}

static void check_patterns(const GPtrArray *patterns)
{
    g_assert(!patterns || (patterns->len > 0 && patterns->len <= POLICY_VALUES));
    g_assert(!policy_matches(patterns, NULL) || !patterns);
}

static void check_rules(const GPtrArray *rules)
{
    for (guint i = 0; i < rules->len; i++) {
        const struct policy_rule *rule = rules->pdata[i];
        g_assert(rule->line > 0 && *rule->section && rule->certs->len == 0);
        g_assert(rule->severity >= POLICY_UNSAID && rule->severity <= SEVERITY_CRITICAL);
        check_patterns(rule->selection.files);
        check_patterns(rule->selection.roles);
        check_patterns(rule->selection.sids);
        check_patterns(rule->selection.tiers);
        check_patterns(rule->selection.groups);
    }
}

static void check_waiver(const struct policy_waiver *waiver)
{
    g_assert(waiver->line > 0 && *waiver->owner && *waiver->reason && waiver->until != MOMENT_NONE);
    g_assert((waiver->finding != NULL) != waiver->has_kind);
    g_assert(!waiver->finding || strlen(waiver->finding) == 16);
    g_assert(!waiver->has_kind || waiver->fingerprint || waiver->stores || waiver->sids || waiver->hosts);
    g_assert(!waiver->fingerprint || strlen(waiver->fingerprint) == 64 || strlen(waiver->fingerprint) == 40);
    check_patterns(waiver->stores);
    check_patterns(waiver->sids);
    check_patterns(waiver->hosts);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(policy_auto) policy = policy_parse("fuzz", NULL, bytes, size, &error);

    g_assert((policy == NULL) == (error != NULL));
    if (!policy) {
        check_error(error);
        return 0;
    }
    g_assert(policy->required->len + policy->distrusted->len + policy->waivers->len <= POLICY_SECTIONS);
    g_assert(policy->warnings->len == 0);
    check_rules(policy->required);
    check_rules(policy->distrusted);
    for (guint i = 0; i < policy->waivers->len; i++)
        check_waiver(policy->waivers->pdata[i]);
    return 0;
}
