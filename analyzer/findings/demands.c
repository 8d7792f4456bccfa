#include "demands.h"

#include "finding.h"
#include "identify.h"
#include "moment.h"
#include "remedy.h"
#include "strength.h"
#include "uses.h"

#include <string.h>

struct demand { /* a certificate that sections of one kind are about */
    struct audit_cert *cert;
    GArray *rules; /* of guint: numbers of the sections, in their order */
};

struct demands {
    struct landscape *landscape;
    struct history *history;
    struct audit *audit;
    const struct policy *policy;
    guint stores;         /* of the audit when this began; history adds unread ones */
    GHashTable *required; /* struct audit_cert * -> struct demand * */
    GHashTable *distrusted;
    GPtrArray *selected[2]; /* of uint8_t *, by section and then store: required and distrusted */
    guint gaps;             /* made */
};

enum { REQUIRED, DISTRUSTED };

gboolean demands_made(enum audit_finding_kind kind)
{
    return kind == FINDING_POLICY_MISSING || kind == FINDING_DISTRUSTED || kind == FINDING_WEAK_CERTIFICATE ||
           kind == FINDING_END_ENTITY;
}

/* Preparation. */

static void demand_free(void *data)
{
    struct demand *demand = data;
    g_array_unref(demand->rules);
    g_free(demand);
}

static void bring_rules(struct landscape *landscape, const GPtrArray *rules, gboolean required)
{
    for (guint i = 0; i < rules->len; i++) {
        const struct policy_rule *rule = rules->pdata[i];
        for (guint j = 0; j < rule->certs->len; j++) {
            const struct policy_cert *cert = rule->certs->pdata[j];
            gsize size;
            const void *bytes = g_bytes_get_data(cert->der, &size);
            if (required)
                pool_add_reference_der(landscape->pool, cert->path, cert->der);
            else
                pool_add_der(landscape->pool, bytes, size, NULL);
        }
    }
}

void demands_bring(struct landscape *landscape, const struct policy *policy)
{
    if (!policy)
        return;
    bring_rules(landscape, policy->required, TRUE);
    bring_rules(landscape, policy->distrusted, FALSE);
}

static GHashTable *index_rules(struct demands *demands, const GPtrArray *rules)
{
    GHashTable *table = g_hash_table_new_full(NULL, NULL, NULL, demand_free);
    for (guint i = 0; i < rules->len; i++) {
        const struct policy_rule *rule = rules->pdata[i];
        for (guint j = 0; j < rule->certs->len; j++) {
            const struct policy_cert *from = rule->certs->pdata[j];
            gsize size;
            const void *bytes = g_bytes_get_data(from->der, &size);
            struct audit_cert *cert = pool_add_der(demands->landscape->pool, bytes, size, NULL);
            struct demand *demand = cert ? g_hash_table_lookup(table, cert) : NULL;
            if (cert && !demand) {
                demand = g_new(struct demand, 1);
                *demand = (struct demand){cert, g_array_new(FALSE, FALSE, sizeof(guint))};
                g_hash_table_insert(table, cert, demand);
            }
            if (demand && (demand->rules->len == 0 || g_array_index(demand->rules, guint, demand->rules->len - 1) != i))
                g_array_append_val(demand->rules, i);
        }
    }
    return table;
}

/* Which stores each section is about, asked once. */
static GPtrArray *select_stores(struct demands *demands, const GPtrArray *rules)
{
    struct audit *audit = demands->audit;
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < rules->len; i++) {
        const struct policy_rule *rule = rules->pdata[i];
        uint8_t *selected = g_malloc0(demands->stores + 1);
        gboolean any = FALSE;
        for (guint j = 0; j < demands->stores; j++) {
            selected[j] = policy_selects(&rule->selection, audit->stores->pdata[j]) != 0;
            any = any || selected[j];
        }
        if (!any)
            g_ptr_array_add(audit->warnings, (void *)audit_textf(audit, "%s:%u: [%s]: selects no trust store",
                                                                 demands->policy->path, rule->line, rule->section));
        g_ptr_array_add(all, selected);
    }
    return all;
}

static gboolean is_selected(const struct demands *demands, int side, const struct demand *demand, guint store)
{
    for (guint i = 0; demand && i < demand->rules->len; i++) {
        const uint8_t *selected = demands->selected[side]->pdata[g_array_index(demand->rules, guint, i)];
        if (selected[store])
            return TRUE;
    }
    return FALSE;
}

/* By id of a list: whether it has the certificate.  The caller frees it with g_free(). */
static uint8_t *look_into_lists(const struct audit *audit, const struct audit_cert *cert)
{
    uint8_t *held = g_malloc0(audit->lists->len + 1);
    for (guint i = 0; i < audit->lists->len; i++) {
        const struct audit_list *list = audit->lists->pdata[i];
        held[list->id] = audit_list_has(list, cert) != 0;
    }
    return held;
}

/* What several findings say. */

static const GPtrArray *rules_of(const struct demands *demands, int side)
{
    return side == REQUIRED ? demands->policy->required : demands->policy->distrusted;
}

static enum audit_severity severity_of(const struct demands *demands, int side, const struct demand *demand,
                                       enum audit_severity usual)
{
    int severity = POLICY_UNSAID;
    for (guint i = 0; i < demand->rules->len; i++) {
        const struct policy_rule *rule = rules_of(demands, side)->pdata[g_array_index(demand->rules, guint, i)];
        severity = MAX(severity, rule->severity);
    }
    return severity == POLICY_UNSAID ? usual : (enum audit_severity)severity;
}

static void append_rules(GString *text, const struct demands *demands, int side, const struct demand *demand)
{
    guint shown = MIN(demand->rules->len, FINDING_NAMED);
    for (guint i = 0; i < shown; i++) {
        const struct policy_rule *rule = rules_of(demands, side)->pdata[g_array_index(demand->rules, guint, i)];
        g_string_append_printf(text, "%s[%s]", i > 0 ? ", " : "", rule->section);
    }
    if (demand->rules->len > shown)
        g_string_append_printf(text, " and %u more", demand->rules->len - shown);
}

static char *name_of(const struct audit_cert *cert)
{
    g_autofree char *key = identify_cert(cert);
    return identify_short(cert->subject ? cert->subject : key);
}

/* "PRD SAPSSLC.pse", "3 trust stores" */
static char *count_stores(const struct audit_store *one, guint count)
{
    return one && count == 1 ? g_strdup(one->label) : g_strdup_printf("%u trust stores", count);
}

static void set_cert(struct audit_finding *finding, struct audit_cert *cert)
{
    finding->cert = cert;
    finding->subject = cert->subject;
}

/* A section of the policy that distrusts the certificate in that store, or in some store if that is NULL; or NULL. */
static const struct policy_rule *distrusting(const struct demands *demands, const struct demand *demand,
                                             const struct audit_store *store)
{
    for (guint i = 0; i < demand->rules->len; i++) {
        const struct policy_rule *rule = demands->policy->distrusted->pdata[g_array_index(demand->rules, guint, i)];
        if (!store || policy_selects(&rule->selection, store))
            return rule;
    }
    return NULL;
}

/* Required and missing. */

enum holding { HELD, LACKED, UNREAD, GONE };

struct tally { /* of the stores that a section selects */
    guint held, lacked, unread;
    const struct audit_store *some; /* one that lacks it */
};

/* ${*note} is set where only some of its files lack it. */
static enum holding look_at(const struct audit_store *store, const uint8_t *lists, const char **note)
{
    guint have = 0, lack = 0, gone = 0;
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        if (member->list && lists[member->list->id])
            have++;
        else if (audit_member_is_whole(member))
            lack++;
        gone += g_strcmp0(member->reason, HISTORY_GONE) == 0;
    }
    *note = lack > 0 && have > 0 ? FINDING_SOME_HAVE_IT : NULL;
    if (lack > 0)
        return LACKED;
    if (store->members->len > 0 && gone == store->members->len)
        return GONE;
    return have > 0 && have + gone == store->members->len ? HELD : UNREAD;
}

static struct audit_gap *add_gap(struct demands *demands, struct audit_finding *finding, struct audit_store *store,
                                 const struct audit_gap *before)
{
    struct audit_gap *gap = audit_gap_new(demands->audit);
    gap->store = store;
    gap->basis = BASIS_REQUIRED;
    gap->state = history_state(before ? &before->state : NULL);
    gap->first_seen = before ? before->first_seen : demands->audit->evaluated;
    g_ptr_array_add(finding->gaps, gap);
    demands->gaps++;
    return gap;
}

static gboolean is_open(const struct audit_gap *before)
{
    return before && before->state != STATE_FIXED;
}

/* A store that is to hold it; ${before} is its gap in the previous audit, or NULL. */
static void judge(struct demands *demands, struct audit_finding *finding, struct tally *tally,
                  struct audit_store *store, const uint8_t *lists, const struct audit_gap *before)
{
    const char *note;
    enum holding holding = look_at(store, lists, &note);
    struct audit_gap *gap;

    tally->held += holding == HELD;
    tally->lacked += holding == LACKED;
    tally->unread += holding == UNREAD;
    if (holding == LACKED) {
        tally->some = store;
        if (demands->gaps >= DEMANDS_GAPS) {
            g_ptr_array_add(finding->stores, store);
            return;
        }
        gap = add_gap(demands, finding, store, before);
        gboolean lost =
            before && before->state == STATE_FIXED && !note &&
            history_lost(demands->history, before->store, history_before(demands->history, finding->id)->cert);
        gap->note = lost ? FINDING_LOST_AGAIN : note;
        return;
    }
    if (!is_open(before))
        return;
    gap = add_gap(demands, finding, store, before);
    if (holding == UNREAD) {
        gap->note = "The list was not wholly read tonight.";
        tally->some = store;
        return;
    }
    gap->state = STATE_FIXED;
    gap->note = holding == GONE ? "The PSE is not there any more." : "The list holds it now.";
}

/* A gap of the previous audit whose store is not there tonight, or not asked for any more. */
static void follow(struct demands *demands, struct audit_finding *finding, struct tally *tally,
                   const struct demand *demand, const uint8_t *lists, const struct audit_gap *before)
{
    if (!before->store || !is_open(before) || history_forgets_store(demands->history, before->store))
        return;
    struct audit_store *store = history_store(demands->history, before->store);
    const struct demand *distrusted = g_hash_table_lookup(demands->distrusted, demand->cert);
    gboolean refused = distrusted && distrusting(demands, distrusted, store);
    for (guint i = 0; !refused && i < demand->rules->len; i++) {
        const struct policy_rule *rule = demands->policy->required->pdata[g_array_index(demand->rules, guint, i)];
        if (policy_selects(&rule->selection, store)) {
            judge(demands, finding, tally, store, lists, before);
            return;
        }
    }
    struct audit_gap *gap = add_gap(demands, finding, store, before);
    gap->state = STATE_FIXED;
    gap->note = "The policy does not ask for it there any more.";
}

static void describe_missing(struct demands *demands, struct audit_finding *finding, const struct demand *demand,
                             const struct tally *tally)
{
    g_autoptr(GString) text = g_string_new("Required by ");
    g_autofree char *name = name_of(demand->cert);
    guint open = finding->stores->len;
    char when[MOMENT_TEXT_BYTES];

    for (guint i = 0; i < finding->gaps->len; i++)
        open += ((const struct audit_gap *)finding->gaps->pdata[i])->state != STATE_FIXED;
    append_rules(text, demands, REQUIRED, demand);
    g_string_append_printf(text, " of the policy: %u trust stores hold it, %u lack it", tally->held, tally->lacked);
    if (tally->unread)
        g_string_append_printf(text, "; of %u more it is not known, since their lists were not wholly read",
                               tally->unread);
    g_string_append_c(text, '.');
    if (finding->stores->len)
        g_string_append_printf(text, " For %u of them no steps are told, for there are too many.",
                               finding->stores->len);
    if (demand->cert->not_after != MOMENT_NONE && demand->cert->not_after < demands->audit->evaluated)
        g_string_append_printf(text, " It has expired on %s: see whether the policy should still ask for it.",
                               moment_format(when, demand->cert->not_after));
    finding->detail = audit_text(demands->audit, text->str);
    if (open == 0) {
        finding->title = audit_textf(demands->audit, "%s was required and missing", name);
        return;
    }
    g_autofree char *where = count_stores(tally->some, open);
    finding->title = audit_textf(demands->audit, "%s is required and missing in %s", name, where);
}

static void finish_missing(struct demands *demands, struct audit_finding *finding, const struct demand *demand,
                           const struct tally *tally, const struct audit_finding *before)
{
    gboolean open = finding->stores->len > 0;
    for (guint i = 0; i < finding->gaps->len; i++) {
        struct audit_gap *gap = finding->gaps->pdata[i];
        open = open || gap->state != STATE_FIXED;
        remedy_gap(demands->audit, finding, gap, NULL, NULL);
    }
    if (finding->gaps->len + finding->stores->len == 0)
        return;
    if (!open) {
        finding->state = STATE_FIXED;
        finding->last_seen = before->last_seen; /* only the previous audit has gaps that are over */
    }
    describe_missing(demands, finding, demand, tally);
    g_ptr_array_add(demands->audit->findings, finding);
}

static void find_missing(struct demands *demands, const struct demand *demand)
{
    g_autofree char *key = identify_cert(demand->cert);
    g_autofree uint8_t *lists = look_into_lists(demands->audit, demand->cert);
    g_autoptr(GHashTable) gaps = g_hash_table_new(g_str_hash, g_str_equal);
    struct audit_finding *finding = finding_new(demands->history, FINDING_POLICY_MISSING, key);
    const struct audit_finding *before = history_before(demands->history, finding->id);
    const struct demand *distrusted = g_hash_table_lookup(demands->distrusted, demand->cert);
    struct tally tally = {0};
    guint both = 0;

    set_cert(finding, demand->cert);
    finding->severity = severity_of(demands, REQUIRED, demand, finding->severity);
    for (guint i = 0; before && i < before->gaps->len; i++) {
        const struct audit_gap *gap = before->gaps->pdata[i];
        if (gap->store)
            g_hash_table_insert(gaps, (void *)gap->store->label, (void *)gap);
    }
    for (guint i = 0; i < demands->stores; i++) {
        struct audit_store *store = demands->audit->stores->pdata[i];
        if (!is_selected(demands, REQUIRED, demand, i))
            continue;
        if (is_selected(demands, DISTRUSTED, distrusted, i)) {
            both++;
            continue;
        }
        const struct audit_gap *gap = before ? g_hash_table_lookup(gaps, store->label) : NULL;
        judge(demands, finding, &tally, store, lists, gap);
        if (gap)
            g_hash_table_remove(gaps, store->label);
    }
    for (guint i = 0; before && i < before->gaps->len; i++) {
        const struct audit_gap *gap = before->gaps->pdata[i];
        if (gap->store && g_hash_table_contains(gaps, gap->store->label))
            follow(demands, finding, &tally, demand, lists, gap);
    }
    if (both)
        g_ptr_array_add(demands->audit->warnings,
                        (void *)audit_textf(demands->audit,
                                            "%s: \"%s\" is required and distrusted in %u trust stores; it counts as "
                                            "distrusted there",
                                            demands->policy->path, demand->cert->subject, both));
    finish_missing(demands, finding, demand, &tally, before);
}

/* Distrusted. */

/* What a policy says of severities counts more than what it said. */
static const char *keep_unread(struct demands *demands, struct audit_finding *finding)
{
    enum audit_severity severity = finding->severity;
    const char *kept = finding_keep_unread(demands->history, finding, history_before(demands->history, finding->id));
    finding->severity = severity;
    return kept;
}

static void find_distrusted(struct demands *demands, const struct demand *demand)
{
    g_autofree char *key = identify_cert(demand->cert), *name = name_of(demand->cert);
    g_autofree uint8_t *lists = look_into_lists(demands->audit, demand->cert);
    g_autoptr(GString) text = g_string_new("Distrusted by ");
    struct audit_finding *finding = finding_new(demands->history, FINDING_DISTRUSTED, key);

    for (guint i = 0; i < demands->stores; i++) {
        struct audit_store *store = demands->audit->stores->pdata[i];
        gboolean held = FALSE;
        if (!is_selected(demands, DISTRUSTED, demand, i))
            continue;
        for (guint j = 0; j < store->members->len; j++) {
            const struct audit_member *member = store->members->pdata[j];
            held = held || (member->list && lists[member->list->id]);
        }
        if (held)
            g_ptr_array_add(finding->stores, store);
    }
    if (finding->stores->len == 0)
        return;
    finding->severity = severity_of(demands, DISTRUSTED, demand, finding->severity);
    const char *kept = keep_unread(demands, finding);
    append_rules(text, demands, DISTRUSTED, demand);
    g_string_append_printf(text, " of the policy. Peers whose chain ends in it are trusted by these stores.%s", kept);
    g_autofree char *where = count_stores(finding->stores->pdata[0], finding->stores->len);
    set_cert(finding, demand->cert);
    finding->title = audit_textf(demands->audit, "%s is distrusted, and %s %s it", name, where,
                                 finding->stores->len == 1 ? "holds" : "hold");
    finding->detail = audit_text(demands->audit, text->str);
    remedy_finding(demands->audit, finding);
    g_ptr_array_add(demands->audit->findings, finding);
}

/* Whether anything but the policy that distrusts it has the certificate. */
static gboolean is_held(const struct audit_finding *finding)
{
    if (finding->cert->references->len > 0 || finding->donors->len > 0)
        return TRUE;
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        if (gap->store && audit_store_holds(gap->store, finding->cert))
            return TRUE;
    }
    return FALSE;
}

/* Connections fail for the want of a certificate that is not wanted: no import heals that. */
static void warn_of_cert(struct demands *demands, struct audit_finding *finding)
{
    const struct demand *demand = finding->cert ? g_hash_table_lookup(demands->distrusted, finding->cert) : NULL;
    gboolean any = FALSE;

    for (guint i = 0; demand && i < finding->gaps->len; i++) {
        struct audit_gap *gap = finding->gaps->pdata[i];
        const struct policy_rule *rule = distrusting(demands, demand, is_held(finding) ? gap->store : NULL);
        if (!rule || gap->state == STATE_FIXED)
            continue;
        g_ptr_array_set_size(gap->steps, 0);
        remedy_distrusted(demands->audit, gap, rule->section);
        any = TRUE;
    }
    if (any)
        finding->detail = audit_textf(demands->audit, "%s The policy distrusts this certificate: do not import it.",
                                      finding->detail ? finding->detail : "");
}

static void warn_of_candidates(struct demands *demands, struct audit_finding *finding)
{
    for (guint i = 0; i < finding->candidates->len; i++) {
        const struct audit_cert *cert = finding->candidates->pdata[i];
        if (g_hash_table_contains(demands->distrusted, cert))
            finding->detail = audit_textf(demands->audit,
                                          "%s The policy distrusts the candidate with the SHA-256 fingerprint %s: do "
                                          "not import that one.",
                                          finding->detail ? finding->detail : "", cert->sha256);
    }
}

static void warn_of_imports(struct demands *demands)
{
    for (guint i = 0; i < demands->audit->findings->len; i++) {
        struct audit_finding *finding = demands->audit->findings->pdata[i];
        if (finding->kind != FINDING_MISSING_ANCHOR || finding->state == STATE_FIXED)
            continue;
        warn_of_cert(demands, finding);
        warn_of_candidates(demands, finding);
    }
}

/* Weak certificates and those of no CA. */

/* ${context}: a table by struct audit_cert *. */
static gboolean is_wrong(const struct audit_cert *cert, gboolean own, const void *context)
{
    (void)own;
    return g_hash_table_contains((GHashTable *)context, cert);
}

static struct audit_finding *new_wrong(struct demands *demands, enum audit_finding_kind kind, struct audit_cert *cert,
                                       const GPtrArray *stores, int severity)
{
    g_autofree char *key = identify_cert(cert);
    struct audit_finding *finding = finding_new(demands->history, kind, key);
    set_cert(finding, cert);
    for (guint i = 0; i < stores->len; i++)
        g_ptr_array_add(finding->stores, stores->pdata[i]);
    if (severity != POLICY_UNSAID)
        finding->severity = (enum audit_severity)severity;
    return finding;
}

static void find_weak(struct demands *demands)
{
    const struct policy_strength *strength = &demands->policy->strength;
    struct audit *audit = demands->audit;
    g_autoptr(GHashTable) wrong = g_hash_table_new_full(NULL, NULL, NULL, g_free);

    for (guint i = 0; i < audit->certs->len; i++) {
        char *weakness = strength_weakness(strength, audit->certs->pdata[i]);
        if (weakness)
            g_hash_table_insert(wrong, audit->certs->pdata[i], weakness);
    }
    g_autoptr(GHashTable) uses = uses_find(audit, demands->stores, is_wrong, wrong);
    for (guint i = 0; i < audit->certs->len; i++) {
        struct audit_cert *cert = audit->certs->pdata[i];
        const struct use *use = g_hash_table_lookup(uses, cert);
        if (!use)
            continue;
        gboolean own = use->own->len > 0;
        const GPtrArray *stores = own ? use->own : use->trusted;
        g_autofree char *name = name_of(cert);
        int severity = strength->severity != POLICY_UNSAID ? strength->severity : own ? SEVERITY_MEDIUM : SEVERITY_LOW;
        struct audit_finding *finding = new_wrong(demands, FINDING_WEAK_CERTIFICATE, cert, stores, severity);
        const char *kept = keep_unread(demands, finding);
        g_autofree char *where = count_stores(stores->pdata[0], finding->stores->len);
        finding->title = audit_textf(audit, "%s is weaker than the policy allows, %s of %s", name,
                                     own ? "own certificate" : "an anchor", where);
        finding->detail = audit_textf(audit, "By the policy %s.%s%s", (const char *)g_hash_table_lookup(wrong, cert),
                                      own && use->trusted->len ? " It is in trust lists as well." : "", kept);
        remedy_weak(audit, finding, own);
        g_ptr_array_add(audit->findings, finding);
    }
}

/* Who has signed it, as far as certificates at hand tell; or NULL. */
static const struct audit_cert *issuer_of(const struct demands *demands, const struct audit_cert *cert)
{
    struct pool *pool = demands->landscape->pool;
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    if (cert->issuer)
        pool_find_subject(pool, found, cert->issuer, FALSE);
    for (guint i = 0; i < found->len; i++) {
        const struct audit_cert *issuer = found->pdata[i];
        if (!issuer->from_trace && pool_issued(pool, issuer, cert))
            return issuer;
    }
    return NULL;
}

static void find_end_entities(struct demands *demands)
{
    struct audit *audit = demands->audit;
    g_autoptr(GHashTable) wrong = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < audit->certs->len; i++)
        if (strength_is_end_entity(audit->certs->pdata[i]))
            g_hash_table_add(wrong, audit->certs->pdata[i]);
    g_autoptr(GHashTable) uses = uses_find(audit, demands->stores, is_wrong, wrong);
    for (guint i = 0; i < audit->certs->len; i++) {
        struct audit_cert *cert = audit->certs->pdata[i];
        const struct use *use = g_hash_table_lookup(uses, cert);
        if (!use || use->trusted->len == 0)
            continue;
        g_autofree char *name = name_of(cert);
        const struct audit_cert *issuer = issuer_of(demands, cert);
        struct audit_finding *finding =
            new_wrong(demands, FINDING_END_ENTITY, cert, use->trusted, demands->policy->end_entities_severity);
        const char *kept = keep_unread(demands, finding);
        g_autofree char *where = count_stores(use->trusted->pdata[0], finding->stores->len);
        finding->title = audit_textf(audit, "%s, an anchor of %s, is no CA", name, where);
        finding->detail =
            audit_textf(audit,
                        "It is the certificate of one peer, issued by \"%s\". It is trusted until the peer "
                        "renews it, and connections fail from then on.%s",
                        cert->issuer ? cert->issuer : "?", kept);
        remedy_end_entity(audit, finding, issuer);
        g_ptr_array_add(audit->findings, finding);
    }
}

/* All of it. */

/* In the order of the audit's certificates. */
static void find_each(struct demands *demands, GHashTable *table, void (*find)(struct demands *, const struct demand *))
{
    for (guint i = 0; i < demands->audit->certs->len; i++) {
        const struct demand *demand = g_hash_table_lookup(table, demands->audit->certs->pdata[i]);
        if (demand)
            find(demands, demand);
    }
}

void demands_find(struct landscape *landscape, struct history *history, const struct policy *policy)
{
    struct demands demands = {.landscape = landscape, .history = history, .audit = landscape->audit, .policy = policy};

    if (!policy)
        return;
    for (guint i = 0; i < policy->warnings->len; i++)
        g_ptr_array_add(demands.audit->warnings, (void *)audit_text(demands.audit, policy->warnings->pdata[i]));
    demands.stores = demands.audit->stores->len;
    demands.required = index_rules(&demands, policy->required);
    demands.distrusted = index_rules(&demands, policy->distrusted);
    demands.selected[REQUIRED] = select_stores(&demands, policy->required);
    demands.selected[DISTRUSTED] = select_stores(&demands, policy->distrusted);
    warn_of_imports(&demands);
    find_each(&demands, demands.required, find_missing);
    find_each(&demands, demands.distrusted, find_distrusted);
    find_weak(&demands);
    if (policy->end_entities)
        find_end_entities(&demands);
    g_hash_table_unref(demands.required);
    g_hash_table_unref(demands.distrusted);
    g_ptr_array_unref(demands.selected[REQUIRED]);
    g_ptr_array_unref(demands.selected[DISTRUSTED]);
}

/* Whether a section has this certificate, known by its fingerprint, and one of the finding's stores. */
static gboolean is_in_rules(const GPtrArray *rules, const struct audit_finding *before, gboolean anywhere)
{
    for (guint i = 0; before->cert && i < rules->len; i++) {
        const struct policy_rule *rule = rules->pdata[i];
        gboolean selected = anywhere;
        for (guint j = 0; !selected && j < before->stores->len; j++)
            selected = policy_selects(&rule->selection, before->stores->pdata[j]);
        for (guint j = 0; selected && j < rule->certs->len; j++) {
            const struct policy_cert *cert = rule->certs->pdata[j];
            if (before->cert->der && g_bytes_equal(cert->der, before->cert->der))
                return TRUE;
        }
    }
    return FALSE;
}

gboolean demands_ask(const struct policy *policy, const struct audit_finding *before)
{
    if (!policy)
        return FALSE;
    switch (before->kind) {
    case FINDING_POLICY_MISSING:
        return is_in_rules(policy->required, before, TRUE);
    case FINDING_DISTRUSTED:
        return is_in_rules(policy->distrusted, before, FALSE);
    case FINDING_WEAK_CERTIFICATE: {
        g_autofree char *weakness = before->cert ? strength_weakness(&policy->strength, before->cert) : NULL;
        return weakness != NULL;
    }
    default:
        return policy->end_entities;
    }
}
