#include "uses.h"

static void use_free(void *data)
{
    struct use *use = data;
    g_ptr_array_unref(use->own);
    g_ptr_array_unref(use->trusted);
    g_free(use);
}

static struct use *use_of(GHashTable *uses, struct audit_cert *cert)
{
    struct use *use = g_hash_table_lookup(uses, cert);
    if (!use) {
        use = g_new(struct use, 1);
        *use = (struct use){g_ptr_array_new(), g_ptr_array_new()};
        g_hash_table_insert(uses, cert, use);
    }
    return use;
}

static void add_store(GPtrArray *stores, struct audit_store *store)
{
    /* Members of one store come one behind the other. */
    if (stores->len == 0 || stores->pdata[stores->len - 1] != store)
        g_ptr_array_add(stores, store);
}

struct question {
    gboolean (*is_meant)(const struct audit_cert *cert, gboolean own, const void *context);
    const void *context;
    GHashTable *by_list; /* const struct audit_list * -> GPtrArray of those of its certificates that are meant */
};

/* Lists are shared by many stores: which of their certificates are meant is found once. */
static const GPtrArray *meant_of(const struct question *question, const struct audit_list *list)
{
    GPtrArray *meant = g_hash_table_lookup(question->by_list, list);
    if (meant)
        return meant;
    meant = g_ptr_array_new();
    for (guint i = 0; i < list->certs->len; i++)
        if (question->is_meant(list->certs->pdata[i], FALSE, question->context))
            g_ptr_array_add(meant, list->certs->pdata[i]);
    g_hash_table_insert(question->by_list, (void *)list, meant);
    return meant;
}

static void find_in_member(GHashTable *uses, const struct question *question, struct audit_store *store,
                           const struct audit_member *member)
{
    if (member->own && question->is_meant(member->own, TRUE, question->context))
        add_store(use_of(uses, member->own)->own, store);
    const GPtrArray *meant = member->list ? meant_of(question, member->list) : NULL;
    for (guint i = 0; meant && i < meant->len; i++)
        add_store(use_of(uses, meant->pdata[i])->trusted, store);
}

GHashTable *uses_find(const struct audit *audit, guint stores,
                      gboolean (*is_meant)(const struct audit_cert *cert, gboolean own, const void *context),
                      const void *context)
{
    g_autoptr(GHashTable) by_list = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    GHashTable *uses = g_hash_table_new_full(NULL, NULL, NULL, use_free);
    struct question question = {is_meant, context, by_list};

    for (guint i = 0; i < stores; i++) {
        struct audit_store *store = audit->stores->pdata[i];
        for (guint j = 0; j < store->members->len; j++)
            find_in_member(uses, &question, store, store->members->pdata[j]);
    }
    return uses;
}
