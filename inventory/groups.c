#include "groups.h"

#include "error.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static void group_free(void *data)
{
    struct group *group = data;
    g_free(group->name);
    g_ptr_array_unref(group->hosts);
    g_ptr_array_unref(group->children);
    g_ptr_array_unref(group->parents);
    variable_clear(&group->vars);
    g_free(group);
}

static void draft_free(void *data)
{
    struct draft *draft = data;
    variable_clear(&draft->vars);
    g_ptr_array_unref(draft->groups);
    g_free(draft);
}

struct inventory_groups *groups_new(void)
{
    struct inventory_groups *groups = g_new0(struct inventory_groups, 1);

    groups->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    groups->in_order = g_ptr_array_new_with_free_func(group_free);
    groups->drafts = g_ptr_array_new_with_free_func(draft_free);
    groups->draft_for = g_hash_table_new(g_str_hash, g_str_equal);
    groups->all = groups_get(groups, "all");
    groups->ungrouped = groups_get(groups, "ungrouped");
    groups->all->defined = groups->ungrouped->defined = TRUE;
    return groups;
}

static void forget_drafts(struct inventory_groups *groups)
{
    g_clear_pointer(&groups->draft_for, g_hash_table_unref);
    g_clear_pointer(&groups->drafts, g_ptr_array_unref);
}

void groups_free(struct inventory_groups *groups)
{
    if (!groups)
        return;
    forget_drafts(groups);
    ignored_clear(&groups->ignored);
    g_hash_table_unref(groups->by_name);
    g_ptr_array_unref(groups->in_order);
    g_free(groups);
}

struct group *groups_get(struct inventory_groups *groups, const char *name)
{
    struct group *group = g_hash_table_lookup(groups->by_name, name);

    if (group)
        return group;
    group = g_new0(struct group, 1);
    group->name = g_strdup(name);
    group->hosts = g_ptr_array_new();
    group->children = g_ptr_array_new();
    group->parents = g_ptr_array_new();
    group->priority = 1;
    g_hash_table_insert(groups->by_name, group->name, group);
    g_ptr_array_add(groups->in_order, group);
    return group;
}

void groups_add_child(struct group *parent, struct group *child)
{
    if (g_ptr_array_find(child->parents, parent, NULL))
        return;
    g_ptr_array_add(parent->children, child);
    g_ptr_array_add(child->parents, parent);
}

void groups_add_host(struct inventory_groups *groups, struct group *group, struct draft *draft)
{
    /* Everybody is in "all", and in "ungrouped" is who is nowhere else: groups_resolve() sees to that. */
    if (group == groups->all || group == groups->ungrouped || g_ptr_array_find(draft->groups, group, NULL))
        return;
    g_ptr_array_add(draft->groups, group);
    g_ptr_array_add(group->hosts, draft->host);
}

struct draft *groups_draft(struct inventory *inventory, const char *name, unsigned line)
{
    struct inventory_groups *groups = inventory->groups;
    struct draft *draft = g_hash_table_lookup(groups->draft_for, name);

    if (draft)
        return draft;
    draft = g_new0(struct draft, 1);
    draft->host = variable_host_new(name, line);
    draft->groups = g_ptr_array_new();
    g_ptr_array_add(inventory->hosts, draft->host);
    g_ptr_array_add(groups->drafts, draft);
    g_hash_table_insert(groups->draft_for, draft->host->name, draft);
    return draft;
}

static gboolean check_defined(const struct inventory *inventory, GError **error)
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

static const struct group *waiting_parent(const struct group *group)
{
    for (guint i = 0; i < group->parents->len; i++) {
        const struct group *parent = group->parents->pdata[i];
        if (parent->waiting > 0)
            return parent;
    }
    g_assert_not_reached();
}

/* Every group that waits has a parent that waits, so going up from one long enough ends inside of a circle. */
static gboolean refuse_circle(const struct inventory *inventory, const struct group *waiting, GError **error)
{
    const struct group *inside = waiting;
    for (guint i = 0; i < inventory->groups->in_order->len; i++)
        inside = waiting_parent(inside);

    const struct group *first = inside; /* the one that is named first, so that the message is always the same */
    for (const struct group *at = waiting_parent(inside); at != inside; at = waiting_parent(at)) {
        if (at->wanted_by < first->wanted_by)
            first = at;
    }
    g_autoptr(GString) circle = g_string_new(first->name);
    const struct group *at = first;
    do {
        at = waiting_parent(at);
        g_string_prepend(circle, " > ");
        g_string_prepend(circle, at->name);
    } while (at != first && circle->len < 2 * INVENTORY_NAME_BYTES);
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s:%u: groups contain each other: %s%s", inventory->path,
                first->wanted_by, at == first ? "" : "... > ", circle->str);
    return FALSE;
}

static gboolean enter_children(const struct inventory *inventory, const struct group *group, GPtrArray *ready,
                               GError **error)
{
    for (guint i = 0; i < group->children->len; i++) {
        struct group *child = group->children->pdata[i];
        child->depth = MAX(child->depth, group->depth + 1);
        if (child->depth > INVENTORY_DEPTH) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s:%u: group \"%s\": more than %d levels deep",
                        inventory->path, child->wanted_by, child->name, INVENTORY_DEPTH);
            return FALSE;
        }
        if (--child->waiting == 0)
            g_ptr_array_add(ready, child);
    }
    return TRUE;
}

/* From the groups without parents downwards; a group is entered when all of its parents are done. */
static gboolean set_depths(struct inventory *inventory, GError **error)
{
    const GPtrArray *all = inventory->groups->in_order;
    g_autoptr(GPtrArray) ready = g_ptr_array_new();

    for (guint i = 1; i < all->len; i++) {
        struct group *group = all->pdata[i];
        group->depth = 1;
        group->waiting = group->parents->len;
        if (group->waiting == 0)
            g_ptr_array_add(ready, group);
    }
    for (guint done = 0; done < ready->len; done++) {
        if (!enter_children(inventory, ready->pdata[done], ready, error))
            return FALSE;
    }
    for (guint i = 1; i < all->len; i++) {
        const struct group *group = all->pdata[i];
        if (group->waiting > 0)
            return refuse_circle(inventory, group, error);
    }
    return TRUE;
}

/* A later one overrides. */
static int compare_precedence(const void *a, const void *b)
{
    const struct group *left = *(struct group *const *)a, *right = *(struct group *const *)b;
    if (left->depth != right->depth)
        return left->depth < right->depth ? -1 : 1;
    if (left->priority != right->priority)
        return left->priority < right->priority ? -1 : 1;
    return strcmp(left->name, right->name);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* As deep as groups are, and set_depths() has limited that. */
static void add_with_parents(GHashTable *found, struct group *group)
{
    if (!g_hash_table_add(found, group))
        return;
    for (guint i = 0; i < group->parents->len; i++)
        add_with_parents(found, group->parents->pdata[i]);
}

static void resolve_host(struct inventory_groups *groups, const struct draft *draft)
{
    struct inventory_host *host = draft->host;
    g_autoptr(GHashTable) found = g_hash_table_new(NULL, NULL);
    struct variables merged = {0};
    guint count;

    for (guint i = 0; i < draft->groups->len; i++)
        add_with_parents(found, draft->groups->pdata[i]);
    g_autofree void **sorted = g_hash_table_get_keys_as_array(found, &count);
    qsort(sorted, count, sizeof *sorted, compare_precedence);

    variable_overlay(&merged, &groups->all->vars);
    if (count == 0) {
        g_ptr_array_add(groups->ungrouped->hosts, host);
        variable_overlay(&merged, &groups->ungrouped->vars);
    }
    for (guint i = 0; i < count; i++) {
        const struct group *group = sorted[i];
        variable_overlay(&merged, &group->vars);
        g_ptr_array_add(host->groups, g_strdup(group->name));
    }
    variable_overlay(&merged, &draft->vars);
    variable_apply(host, &merged);
    variable_clear(&merged);
    if (count > 0)
        qsort(host->groups->pdata, count, sizeof host->groups->pdata[0], compare_texts);
}

gboolean groups_resolve(struct inventory *inventory, GError **error)
{
    struct inventory_groups *groups = inventory->groups;

    if (!check_defined(inventory, error) || !set_depths(inventory, error))
        return FALSE;
    for (guint i = 0; i < groups->drafts->len; i++)
        resolve_host(groups, groups->drafts->pdata[i]);
    forget_drafts(groups);
    return TRUE;
}

gboolean groups_contain(const struct inventory_groups *groups, const struct group *group,
                        const struct inventory_host *host)
{
    if (group == groups->all)
        return TRUE;
    if (group == groups->ungrouped)
        return host->groups->len == 0;
    for (guint i = 0; i < host->groups->len; i++) {
        if (strcmp(host->groups->pdata[i], group->name) == 0)
            return TRUE;
    }
    return FALSE;
}
