/* What was understood, as JSON. */
#include "inventory.h"

#include "groups.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void set_text(json_t *object, const char *name, const char *value)
{
    if (value)
        json_object_set_new(object, name, json_string(value));
}

static json_t *describe_host(const struct inventory_host *host)
{
    json_t *vars = json_object();

    set_text(vars, "ansible_host", host->address);
    json_object_set_new(vars, "ansible_port", json_integer(host->port));
    set_text(vars, "ansible_user", host->user);
    set_text(vars, "ansible_ssh_private_key_file", host->key_file);
    set_text(vars, "ansible_connection",
             host->connection == INVENTORY_LOCAL   ? "local"
             : host->connection == INVENTORY_OTHER ? host->plugin
                                                   : "ssh");
    json_object_set_new(vars, "ansible_become", json_boolean(host->become));
    set_text(vars, "sap_root", host->sap_root);
    if (host->trust_local_users)
        json_object_set_new(vars, "sap_trust_local_users", json_true());
    set_text(vars, "sap_probe", host->probe);
    set_text(vars, "sap_tier", host->tier);
    set_text(vars, "sap_owner", host->owner);
    return vars;
}

static int compare_groups(const void *a, const void *b)
{
    const struct group *left = *(struct group *const *)a, *right = *(struct group *const *)b;
    return strcmp(left->name, right->name);
}

/* The names of the groups, sorted. */
static json_t *list_groups(const GPtrArray *groups)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    json_t *names = json_array();

    for (guint i = 0; i < groups->len; i++)
        g_ptr_array_add(sorted, groups->pdata[i]);
    if (sorted->len > 0)
        qsort(sorted->pdata, sorted->len, sizeof sorted->pdata[0], compare_groups);
    for (guint i = 0; i < sorted->len; i++) {
        const struct group *group = sorted->pdata[i];
        json_array_append_new(names, json_string(group->name));
    }
    return names;
}

static json_t *describe_group(const struct group *group)
{
    json_t *json = json_object();

    if (group->hosts->len > 0) {
        json_t *hosts = json_array();
        for (guint i = 0; i < group->hosts->len; i++) {
            const struct inventory_host *host = group->hosts->pdata[i];
            json_array_append_new(hosts, json_string(host->name));
        }
        json_object_set_new(json, "hosts", hosts);
    }
    if (group->children->len > 0)
        json_object_set_new(json, "children", list_groups(group->children));
    return json;
}

char *inventory_list(const struct inventory *inventory)
{
    const struct inventory_groups *groups = inventory->groups;
    g_autoptr(GPtrArray) top = g_ptr_array_new();
    json_t *root = json_object(), *vars = json_object();

    for (guint i = 0; i < inventory->hosts->len; i++) {
        const struct inventory_host *host = inventory->hosts->pdata[i];
        json_object_set_new(vars, host->name, describe_host(host));
    }
    json_object_set_new(root, "_meta", json_pack("{s:o}", "hostvars", vars));
    for (guint i = 0; i < groups->in_order->len; i++) {
        struct group *group = groups->in_order->pdata[i];
        if (group == groups->all)
            continue;
        if (group->parents->len == 0)
            g_ptr_array_add(top, group);
        json_t *json = describe_group(group);
        if (json_object_size(json) > 0)
            json_object_set(root, group->name, json);
        json_decref(json);
    }
    json_object_set_new(root, "all", json_pack("{s:o}", "children", list_groups(top)));
    g_autofree char *text = json_dumps(root, JSON_INDENT(4) | JSON_SORT_KEYS);
    json_decref(root);
    return g_strconcat(text, "\n", NULL);
}
