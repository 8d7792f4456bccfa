#include "plan.h"

#include "identify.h"
#include "path.h"
#include "remedy.h"

#include <string.h>

struct want { /* an open gap of a store */
    struct audit_finding *finding;
    struct audit_gap *gap;
    GPtrArray
        *chains; /* of GPtrArray of struct audit_cert *: what the peers send; NULL: not at hand for every failure */
    gboolean covered;
};

struct plan {
    struct landscape *landscape;
    GHashTable *stores; /* struct audit_store * -> GArray of struct want */
    GHashTable *paths;  /* GBytes: a chain and an anchor -> GINT_TO_POINTER(1 + whether there is a path) */
};

/* Whether a path leads from the chain to ${anchor}; each such question is put to OpenSSL once. */
static gboolean leads_to(struct plan *plan, const GPtrArray *chain, struct audit_cert *anchor)
{
    g_autoptr(GPtrArray) key = g_ptr_array_new(), anchors = g_ptr_array_new();
    for (guint i = 0; i < chain->len; i++)
        g_ptr_array_add(key, chain->pdata[i]);
    g_ptr_array_add(key, anchor);
    g_autoptr(GBytes) bytes = g_bytes_new(key->pdata, key->len * sizeof key->pdata[0]);
    int known = GPOINTER_TO_INT(g_hash_table_lookup(plan->paths, bytes));
    if (known)
        return known - 1;
    g_ptr_array_add(anchors, anchor);
    gboolean path = path_build(pool_signatures(plan->landscape->pool), NULL, chain, anchors,
                               plan->landscape->audit->evaluated, NULL);
    g_hash_table_insert(plan->paths, g_steal_pointer(&bytes), GINT_TO_POINTER(1 + path));
    return path;
}

/* The chains that the peers of a gap send; what is not at hand heals nothing for certain. */
static GPtrArray *chains_of(const struct plan *plan, const struct audit_gap *gap)
{
    g_autoptr(GPtrArray) chains = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

    for (guint i = 0; i < gap->failures->len; i++) {
        gboolean whole;
        GPtrArray *chain = identify_chain(plan->landscape->pool, gap->failures->pdata[i], &whole);
        g_ptr_array_add(chains, chain);
        if (chain->len == 0)
            return NULL;
    }
    return chains->len > 0 ? g_steal_pointer(&chains) : NULL;
}

/* Whether ${anchor} heals each failure of a gap. */
static gboolean heals(struct plan *plan, const GPtrArray *chains, struct audit_cert *anchor)
{
    for (guint i = 0; chains && i < chains->len; i++)
        if (!leads_to(plan, chains->pdata[i], anchor))
            return FALSE;
    return chains != NULL;
}

static void wants_free(void *data)
{
    GArray *wants = data;
    for (guint i = 0; i < wants->len; i++)
        g_clear_pointer(&g_array_index(wants, struct want, i).chains, g_ptr_array_unref);
    g_array_unref(wants);
}

static void add_gap(struct plan *plan, GPtrArray *order, struct audit_finding *finding, struct audit_gap *gap)
{
    struct want want = {.finding = finding, .gap = gap};

    if (!gap->store || audit_state_is_closed(gap->state))
        return;
    GArray *wants = g_hash_table_lookup(plan->stores, gap->store);
    if (!wants) {
        wants = g_array_new(FALSE, FALSE, sizeof(struct want));
        g_hash_table_insert(plan->stores, gap->store, wants);
        g_ptr_array_add(order, wants);
    }
    g_array_append_val(wants, want);
}

static gboolean is_better(const struct audit_finding *one, const struct audit_finding *other)
{
    if (one->cert->self_signed != other->cert->self_signed)
        return one->cert->self_signed;
    if (one->cert->not_after != other->cert->not_after)
        return one->cert->not_after > other->cert->not_after;
    return strcmp(one->id, other->id) < 0;
}

/* The wants that are still open and that the import of want ${number} serves, itself among them. */
static guint count_served(const GArray *wants, const gboolean *table, guint number)
{
    guint served = 0;
    if (g_array_index(wants, struct want, number).gap->distrusted)
        return 0;
    for (guint i = 0; i < wants->len; i++)
        served += !g_array_index(wants, struct want, i).covered && table[number * wants->len + i];
    return served;
}

static void cover(struct plan *plan, GArray *wants)
{
    guint n = wants->len;
    g_autofree gboolean *table = g_new0(gboolean, n * n);

    for (guint j = 0; j < n; j++) {
        struct want *want = &g_array_index(wants, struct want, j);
        want->chains = chains_of(plan, want->gap);
        for (guint i = 0; i < n; i++)
            table[i * n + j] = i == j || heals(plan, want->chains, g_array_index(wants, struct want, i).finding->cert);
    }
    for (;;) {
        struct want *best = NULL;
        guint most = 0, number = 0;
        for (guint i = 0; i < n; i++) {
            struct want *want = &g_array_index(wants, struct want, i);
            guint served = want->covered ? 0 : count_served(wants, table, i);
            if (served > most || (served == most && best && is_better(want->finding, best->finding))) {
                most = served;
                best = want;
                number = i;
            }
        }
        if (most == 0)
            return;
        for (guint i = 0; i < n; i++) {
            struct want *want = &g_array_index(wants, struct want, i);
            if (want->covered || !table[number * n + i])
                continue;
            want->covered = TRUE;
            if (want != best)
                remedy_covered(plan->landscape->audit, want->gap, best->finding);
        }
    }
}

void plan_make(struct landscape *landscape)
{
    const struct audit *audit = landscape->audit;
    struct plan plan = {
        .landscape = landscape,
        .stores = g_hash_table_new_full(NULL, NULL, NULL, wants_free),
        .paths = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL),
    };
    g_autoptr(GPtrArray) order = g_ptr_array_new();

    for (guint i = 0; i < audit->findings->len; i++) {
        struct audit_finding *finding = audit->findings->pdata[i];
        for (guint j = 0; finding->kind == FINDING_MISSING_ANCHOR && finding->cert && j < finding->gaps->len; j++)
            add_gap(&plan, order, finding, finding->gaps->pdata[j]);
    }
    for (guint i = 0; i < order->len; i++) {
        GArray *wants = order->pdata[i];
        if (wants->len > 1 && wants->len <= PLAN_GAPS)
            cover(&plan, wants);
    }
    g_hash_table_unref(plan.stores);
    g_hash_table_unref(plan.paths);
}
