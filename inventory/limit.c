/* Choosing some of the hosts. */
#include "inventory.h"

#include "cite.h"
#include "groups.h"

#include <fnmatch.h>
#include <string.h>

static void keep_items(GPtrArray *hosts, GHashTable *kept)
{
    guint count = 0;

    for (guint i = 0; i < hosts->len; i++) {
        if (g_hash_table_contains(kept, hosts->pdata[i]))
            hosts->pdata[count++] = hosts->pdata[i];
    }
    g_ptr_array_set_size(hosts, (gint)count);
}

static void free_host(void *host)
{
    variable_host_free(host);
}

static void keep_hosts(struct inventory *inventory, GHashTable *kept)
{
    const GPtrArray *groups = inventory->groups->in_order;
    GPtrArray *all = g_ptr_array_new_with_free_func(free_host);

    for (guint i = 0; i < groups->len; i++) {
        const struct group *group = groups->pdata[i];
        keep_items(group->hosts, kept);
    }
    for (guint i = 0; i < inventory->hosts->len; i++) {
        void *host = inventory->hosts->pdata[i];
        if (g_hash_table_contains(kept, host))
            g_ptr_array_add(all, host);
        else
            free_host(host);
    }
    g_ptr_array_set_free_func(inventory->hosts, NULL);
    g_ptr_array_unref(inventory->hosts);
    inventory->hosts = all;
}

void inventory_keep(struct inventory *inventory, gboolean (*wanted)(const struct inventory_host *host, void *context),
                    void *context)
{
    g_autoptr(GHashTable) kept = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < inventory->hosts->len; i++) {
        if (wanted(inventory->hosts->pdata[i], context))
            g_hash_table_add(kept, inventory->hosts->pdata[i]);
    }
    keep_hosts(inventory, kept);
}

/* At commas; without any, at colons, but for those of an IPv6 address and of "[a:b]". */
static GPtrArray *split_pattern(const char *pattern)
{
    g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);
    char separator = strchr(pattern, ',') ? ',' : ':';
    const char *plain = pattern + strspn(pattern, "!&");
    gboolean bracket = FALSE;
    const char *begin = pattern;

    if (g_hostname_is_ip_address(plain))
        separator = '\0';
    for (const char *at = pattern;; at++) {
        if (separator == ':' && (*at == '[' || *at == ']'))
            bracket = *at == '[';
        if (*at && (*at != separator || bracket))
            continue;
        char *part = g_strstrip(g_strndup(begin, (gsize)(at - begin)));
        if (*part)
            g_ptr_array_add(parts, part);
        else
            g_free(part);
        if (!*at)
            return g_steal_pointer(&parts);
        begin = at + 1;
    }
}

/* A wildcard means no group that everybody is in: with "a*" nobody asks for "all". */
static gboolean names_group(const struct inventory_groups *groups, const char *part, const struct group *group)
{
    if (group == groups->all || group == groups->ungrouped)
        return strcmp(part, group->name) == 0;
    return fnmatch(part, group->name, 0) == 0;
}

/* The hosts that one part names: a host, a group, or a wildcard over both. */
static GHashTable *match_part(const struct inventory *inventory, const char *part)
{
    const struct inventory_groups *groups = inventory->groups;
    GHashTable *found = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) named = g_ptr_array_new();

    for (guint i = 0; i < groups->in_order->len; i++) {
        if (names_group(groups, part, groups->in_order->pdata[i]))
            g_ptr_array_add(named, groups->in_order->pdata[i]);
    }
    for (guint i = 0; i < inventory->hosts->len; i++) {
        struct inventory_host *host = inventory->hosts->pdata[i];
        gboolean matches = fnmatch(part, host->name, 0) == 0;
        for (guint j = 0; !matches && j < named->len; j++)
            matches = groups_contain(groups, named->pdata[j], host);
        if (matches)
            g_hash_table_add(found, host);
    }
    return found;
}

static char sign_of(const char *part)
{
    return *part == '!' || *part == '&' ? *part : '+';
}

static void combine(GHashTable *kept, char sign, GHashTable *found)
{
    GHashTableIter iter;
    void *host;

    if (sign == '&') {
        g_hash_table_iter_init(&iter, kept);
        while (g_hash_table_iter_next(&iter, &host, NULL)) {
            if (!g_hash_table_contains(found, host))
                g_hash_table_iter_remove(&iter);
        }
        return;
    }
    g_hash_table_iter_init(&iter, found);
    while (g_hash_table_iter_next(&iter, &host, NULL)) {
        if (sign == '!')
            g_hash_table_remove(kept, host);
        else
            g_hash_table_add(kept, host);
    }
}

static gboolean apply_parts(const struct inventory *inventory, GHashTable *kept, const GPtrArray *parts, char sign,
                            GError **error)
{
    for (guint i = 0; i < parts->len; i++) {
        const char *part = parts->pdata[i];
        if (sign_of(part) != sign)
            continue;
        const char *name = part + (sign != '+');
        g_autoptr(GHashTable) found = match_part(inventory, name);
        if (g_hash_table_size(found) == 0) {
            cite_refuse(error, TRUSTGAP_ERROR_USAGE, name, "no such host or group, or a group without hosts");
            return FALSE;
        }
        combine(kept, sign, found);
    }
    return TRUE;
}

/* A pattern that leaves nobody out is no limit. */
static void note_left_out(struct inventory *inventory, GHashTable *kept, const char *pattern)
{
    for (guint i = 0; i < inventory->hosts->len; i++) {
        const struct inventory_host *host = inventory->hosts->pdata[i];
        if (!g_hash_table_contains(kept, host))
            g_ptr_array_add(inventory->left_out, g_strdup(host->name));
    }
    if (inventory->left_out->len > 0) {
        g_free(inventory->limit);
        inventory->limit = g_strdup(pattern);
    }
}

gboolean inventory_limit(struct inventory *inventory, const char *pattern, GError **error)
{
    /* As Ansible does, whatever their order: what is asked for, what must be in it too, what is taken away. */
    static const char order[] = {'+', '&', '!'};
    g_autoptr(GPtrArray) parts = split_pattern(pattern);
    g_autoptr(GHashTable) kept = g_hash_table_new(NULL, NULL);
    gboolean asked = FALSE;

    for (guint i = 0; i < parts->len; i++)
        asked = asked || sign_of(parts->pdata[i]) == '+';
    for (guint i = 0; !asked && parts->len > 0 && i < inventory->hosts->len; i++)
        g_hash_table_add(kept, inventory->hosts->pdata[i]);
    for (size_t turn = 0; turn < sizeof order; turn++) {
        if (!apply_parts(inventory, kept, parts, order[turn], error)) {
            g_prefix_error(error, "%s: ", inventory->path);
            return FALSE;
        }
    }
    if (g_hash_table_size(kept) == 0) {
        cite_refuse(error, TRUSTGAP_ERROR_USAGE, pattern, "this leaves no host");
        g_prefix_error(error, "%s: ", inventory->path);
        return FALSE;
    }
    note_left_out(inventory, kept, pattern);
    keep_hosts(inventory, kept);
    return TRUE;
}
