#include "groups.h"

#include "error.h"
#include "inventory.h"

#include <stdlib.h>
#include <string.h>

static void group_free(void *data)
{
    struct group *group = data;
    g_free(group->name);
    g_ptr_array_unref(group->hosts);
    g_ptr_array_unref(group->children);
    g_ptr_array_unref(group->parents);
    g_hash_table_unref(group->vars);
    g_free(group);
}

struct inventory_groups *groups_new(void)
{
    struct inventory_groups *groups = g_new0(struct inventory_groups, 1);

    groups->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    groups->in_order = g_ptr_array_new_with_free_func(group_free);
    groups->hosts = g_hash_table_new(g_str_hash, g_str_equal);
    groups->host_vars = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref);
    groups_get(groups, "all", 0)->defined = TRUE;
    groups_get(groups, "ungrouped", 0)->defined = TRUE;
    return groups;
}

void groups_free(struct inventory_groups *groups)
{
    if (!groups)
        return;
    g_hash_table_unref(groups->by_name);
    g_hash_table_unref(groups->hosts);
    g_hash_table_unref(groups->host_vars);
    g_ptr_array_unref(groups->in_order);
    g_free(groups);
}

struct group *groups_get(struct inventory_groups *groups, const char *name, unsigned line)
{
    struct group *group = g_hash_table_lookup(groups->by_name, name);

    if (group)
        return group;
    group = g_new0(struct group, 1);
    group->name = g_strdup(name);
    group->line = line;
    group->hosts = g_ptr_array_new();
    group->children = g_ptr_array_new();
    group->parents = g_ptr_array_new();
    group->vars = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_hash_table_insert(groups->by_name, group->name, group);
    g_ptr_array_add(groups->in_order, group);
    return group;
}

/*
 * The longest way from the top to each group, by going down from those without parents.  A group is entered when all
 * its parents are done; one that never is stands in a circle or below one.
 */
static gboolean set_depths(struct inventory *inventory, GError **error)
{
    const GPtrArray *all = inventory->groups->in_order;
    g_autoptr(GPtrArray) ready = g_ptr_array_new();

    for (guint i = 1; i < all->len; i++) {
        struct group *group = all->pdata[i];
        group->depth = 1;
        group->waiting = group->parents->len;
        if (group->parents->len == 0)
            g_ptr_array_add(ready, group);
    }
    for (guint done = 0; done < ready->len; done++) {
        struct group *group = ready->pdata[done];
        if (group->depth > INVENTORY_DEPTH) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s:%u: group \"%s\": more than %d levels deep",
                        inventory->path, group->line, group->name, INVENTORY_DEPTH);
            return FALSE;
        }
        for (guint i = 0; i < group->children->len; i++) {
            struct group *child = group->children->pdata[i];
            child->depth = MAX(child->depth, group->depth + 1);
            if (--child->waiting == 0)
                g_ptr_array_add(ready, child);
        }
    }
    for (guint i = 1; i < all->len; i++) {
        const struct group *group = all->pdata[i];
        if (group->waiting > 0) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s:%u: group \"%s\" is its own descendant",
                        inventory->path, group->line, group->name);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean all_are_defined(const struct inventory *inventory, GError **error)
{
    for (guint i = 0; i < inventory->groups->in_order->len; i++) {
        const struct group *group = inventory->groups->in_order->pdata[i];
        if (!group->defined) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s:%u: no such group \"%s\"", inventory->path,
                        group->wanted_by, group->name);
            return FALSE;
        }
    }
    return TRUE;
}

/* The higher one first, by name among equals: a later one overrides. */
static int compare_precedence(const void *a, const void *b)
{
    const struct group *left = *(struct group *const *)a, *right = *(struct group *const *)b;
    if (left->depth != right->depth)
        return left->depth < right->depth ? -1 : 1;
    return strcmp(left->name, right->name);
}

static void add_with_parents(GHashTable *found, struct group *group)
{
    if (!g_hash_table_add(found, group))
        return;
    for (guint i = 0; i < group->parents->len; i++)
        add_with_parents(found, group->parents->pdata[i]);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static gboolean set_all(struct inventory_host *host, GHashTable *vars, const char *where, GError **error)
{
    GHashTableIter iter;
    void *name, *value;

    g_hash_table_iter_init(&iter, vars);
    while (g_hash_table_iter_next(&iter, &name, &value))
        if (!host_set(host, name, value, where, error))
            return FALSE;
    return TRUE;
}

static gboolean resolve_host(struct inventory *inventory, struct inventory_host *host, GHashTable *direct,
                             GError **error)
{
    struct inventory_groups *groups = inventory->groups;
    g_autoptr(GHashTable) found = g_hash_table_new(NULL, NULL);
    GPtrArray *own = g_hash_table_lookup(direct, host);

    for (guint i = 0; own && i < own->len; i++)
        add_with_parents(found, own->pdata[i]);
    if (!own)
        g_ptr_array_add(groups_get(groups, "ungrouped", 0)->hosts, host);
    g_hash_table_add(found, groups_get(groups, "all", 0));
    if (!own)
        g_hash_table_add(found, groups_get(groups, "ungrouped", 0));

    guint count;
    g_autofree void **sorted = g_hash_table_get_keys_as_array(found, &count);
    qsort(sorted, count, sizeof *sorted, compare_precedence);
    for (guint i = 0; i < count; i++) {
        const struct group *group = sorted[i];
        g_autofree char *where = g_strdup_printf("%s:%u: group \"%s\"", inventory->path, group->line, group->name);
        if (!set_all(host, group->vars, where, error))
            return FALSE;
        if (strcmp(group->name, "all") != 0 && strcmp(group->name, "ungrouped") != 0)
            g_ptr_array_add(host->groups, g_strdup(group->name));
    }
    if (host->groups->len > 1)
        qsort(host->groups->pdata, host->groups->len, sizeof host->groups->pdata[0], compare_names);
    g_autofree char *where = g_strdup_printf("%s:%u: host \"%s\"", inventory->path, host->line, host->name);
    return set_all(host, g_hash_table_lookup(groups->host_vars, host), where, error);
}

gboolean groups_resolve(struct inventory *inventory, GError **error)
{
    const GPtrArray *all = inventory->groups->in_order;
    g_autoptr(GHashTable) direct =
        g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref); /* host -> its groups */

    if (!all_are_defined(inventory, error) || !set_depths(inventory, error))
        return FALSE;
    for (guint i = 0; i < all->len; i++) {
        struct group *group = all->pdata[i];
        if (strcmp(group->name, "all") == 0 || strcmp(group->name, "ungrouped") == 0)
            continue;
        for (guint j = 0; j < group->hosts->len; j++) {
            GPtrArray *own = g_hash_table_lookup(direct, group->hosts->pdata[j]);
            if (!own) {
                own = g_ptr_array_new();
                g_hash_table_insert(direct, group->hosts->pdata[j], own);
            }
            g_ptr_array_add(own, group);
        }
    }
    g_ptr_array_set_size(groups_get(inventory->groups, "ungrouped", 0)->hosts, 0);
    for (guint i = 0; i < inventory->hosts->len; i++)
        if (!resolve_host(inventory, inventory->hosts->pdata[i], direct, error))
            return FALSE;
    return TRUE;
}

gboolean groups_contain(const struct group *group, const struct inventory_host *host)
{
    if (strcmp(group->name, "all") == 0 || g_ptr_array_find(group->hosts, host, NULL))
        return TRUE;
    for (guint i = 0; i < host->groups->len; i++)
        if (strcmp(host->groups->pdata[i], group->name) == 0)
            return TRUE;
    return FALSE;
}
