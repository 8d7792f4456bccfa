/* Inventories: what is understood is consistent.  A first line "#limit PATTERN" is tried as --limit. */
#include "inventory.h"

#include "error.h"

#include <jansson.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_host(const struct inventory_host *host, GHashTable *names)
{
    g_assert(*host->name && *host->name != '-' && strlen(host->name) <= INVENTORY_NAME_BYTES);
    g_assert(g_hash_table_add(names, host->name));
    g_assert(*host->address && *host->address != '-');
    g_assert(host->port > 0);
    g_assert(host->sap_root[0] == '/' && !strstr(host->sap_root, "/../") && !strstr(host->sap_root, "::"));
    g_assert(host->line > 0);
    for (guint i = 1; i < host->groups->len; i++)
        g_assert(strcmp(host->groups->pdata[i - 1], host->groups->pdata[i]) < 0);
}

static void check(const struct inventory *inventory)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    g_assert(inventory->hosts->len > 0);
    for (guint i = 0; i < inventory->hosts->len; i++)
        check_host(inventory->hosts->pdata[i], names);
    if (inventory->hosts->len > 1000)
        return; /* the list of so many costs time and tells nothing more */
    g_autoptr(GPtrArray) warnings = inventory_warnings(inventory);
    for (guint i = 0; i < warnings->len; i++)
        g_assert(g_utf8_validate(warnings->pdata[i], -1, NULL));
    g_autofree char *list = inventory_list(inventory);
    json_t *json = json_loads(list, JSON_REJECT_DUPLICATES, NULL);
    json_t *vars = json_object_get(json_object_get(json, "_meta"), "hostvars");
    g_assert(json_object_size(vars) == inventory->hosts->len);
    json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char mark[] = "#limit ";
    g_autoptr(GError) error = NULL;
    g_autoptr(inventory_auto) inventory = inventory_parse("fuzz", bytes, size, &error);

    g_assert((inventory == NULL) == (error != NULL));
    if (!inventory) {
        g_assert(g_str_has_prefix(error->message, "fuzz:") && g_utf8_validate(error->message, -1, NULL));
        return 0;
    }
    check(inventory);
    if (size < strlen(mark) || memcmp(bytes, mark, strlen(mark)) != 0)
        return 0;
    const uint8_t *end = memchr(bytes, '\n', size);
    g_autofree char *pattern =
        g_strndup((const char *)bytes + strlen(mark), (end ? (size_t)(end - bytes) : size) - strlen(mark));
    guint before = inventory->hosts->len;
    gboolean ok = inventory_limit(inventory, pattern, &error);
    g_assert(ok ? inventory->hosts->len <= before : inventory->hosts->len == before);
    g_assert(ok || error->code == TRUSTGAP_ERROR_USAGE);
    check(inventory);
    return 0;
}
