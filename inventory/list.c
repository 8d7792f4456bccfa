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

static json_t *host_vars(const struct inventory_host *host)
{
    json_t *vars = json_object();

    set_text(vars, "ansible_host", host->address);
    json_object_set_new(vars, "ansible_port", json_integer(host->port));
    set_text(vars, "ansible_user", host->user);
    set_text(vars, "ansible_ssh_private_key_file", host->key_file);
    set_text(vars, "ansible_connection", host->connection == INVENTORY_LOCAL ? "local" : "ssh");
    if (host->become)
        json_object_set_new(vars, "ansible_become", json_true());
    set_text(vars, "sap_root", host->sap_root);
    set_text(vars, "sap_tier", host->tier);
    set_text(vars, "sap_owner", host->owner);
    return vars;
}

static int compare_names(const void *a, const void *b)
{
    const struct group *left = *(struct group *const *)a, *right = *(struct group *const *)b;
    return strcmp(left->name, right->name);
}

static json_t *top_groups(const GPtrArray *groups)
{
    g_autoptr(GPtrArray) top = g_ptr_array_new();
    json_t *names = json_array();

    for (guint i = 1; i < groups->len; i++) {
        struct group *group = groups->pdata[i];
        if (group->parents->len == 0)
            g_ptr_array_add(top, group);
    }
    qsort(top->pdata, top->len, sizeof top->pdata[0], compare_names);
    for (guint i = 0; i < top->len; i++)
        json_array_append_new(names, json_string(((struct group *)top->pdata[i])->name));
    return names;
}

static json_t *describe_group(const struct group *group)
{
    json_t *json = json_object();

    if (group->hosts->len > 0) {
        json_t *hosts = json_array();
        for (guint i = 0; i < group->hosts->len; i++)
            json_array_append_new(hosts, json_string(((struct inventory_host *)group->hosts->pdata[i])->name));
        json_object_set_new(json, "hosts", hosts);
    }
    if (group->children->len > 0) {
        json_t *children = json_array();
        for (guint i = 0; i < group->children->len; i++)
            json_array_append_new(children, json_string(((struct group *)group->children->pdata[i])->name));
        json_object_set_new(json, "children", children);
    }
    return json;
}

char *inventory_list(const struct inventory *inventory)
{
    const GPtrArray *groups = inventory->groups->in_order;
    json_t *root = json_object(), *vars = json_object(), *all = json_object();

    for (guint i = 0; i < inventory->hosts->len; i++) {
        const struct inventory_host *host = inventory->hosts->pdata[i];
        json_object_set_new(vars, host->name, host_vars(host));
    }
    json_object_set_new(root, "_meta", json_pack("{s:o}", "hostvars", vars));
    json_object_set_new(all, "children", top_groups(groups));
    json_object_set_new(root, "all", all);
    for (guint i = 1; i < groups->len; i++) {
        const struct group *group = groups->pdata[i];
        json_t *json = describe_group(group);
        if (json_object_size(json) > 0)
            json_object_set(root, group->name, json);
        json_decref(json);
    }
    g_autofree char *text = json_dumps(root, JSON_INDENT(4) | JSON_SORT_KEYS);
    json_decref(root);
    return g_strconcat(text, "\n", NULL);
}
