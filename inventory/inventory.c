#include "inventory.h"

#include "beside.h"
#include "error.h"
#include "file.h"
#include "groups.h"
#include "ini.h"

#include <string.h>

/* The first line that says something, without the blanks around it; its bytes stay where they are. */
static size_t find_first_line(const char **first, const char *bytes, size_t size)
{
    const char *at = bytes, *end = bytes + size;

    while (at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        const char *stop = feed ? feed : end;
        while (at < stop && g_ascii_isspace(*at))
            at++;
        const char *last = stop;
        while (last > at && g_ascii_isspace(last[-1]))
            last--;
        if (last > at && *at != '#' && *at != ';') {
            *first = at;
            return (size_t)(last - at);
        }
        at = feed ? feed + 1 : end;
    }
    *first = end;
    return 0;
}

static gboolean begins(const char *bytes, size_t size, const char *with)
{
    return size >= strlen(with) && memcmp(bytes, with, strlen(with)) == 0;
}

/* "all:", not "app[01:" or "app01 x=y:" */
static gboolean is_yaml_key(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr("[= \t", line[i]))
            return FALSE;
    }
    return length > 0 && line[length - 1] == ':';
}

/* Inventories in other forms, and files that are none, by how they look; NULL if it may be one of ours. */
static const char *foreign_form(const char *bytes, size_t size)
{
    const char *line;
    size_t length = find_first_line(&line, bytes, size);

    if (begins(bytes, size, "\xff\xfe") || begins(bytes, size, "\xfe\xff"))
        return "a text in UTF-16; save it as UTF-8";
    if (memchr(bytes, '\0', size))
        return "a binary file, not an inventory";
    if (begins(bytes, size, "#!"))
        return "a program; inventory scripts are not run, give an inventory in INI form";
    if (begins(line, length, "{"))
        return "this looks like JSON; give an inventory in INI form";
    if (begins(line, length, "---") || begins(line, length, "%YAML") || begins(line, length, "- ") ||
        is_yaml_key(line, length))
        return "this looks like YAML; give an inventory in INI form";
    return NULL;
}

static void free_host(void *host)
{
    variable_host_free(host);
}

struct inventory *inventory_parse(const char *name, const void *bytes, size_t size, GError **error)
{
    g_autoptr(inventory_auto) inventory = g_new0(struct inventory, 1);
    const char *text = size > 0 ? bytes : "";

    inventory->path = g_strdup(name);
    inventory->sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, size);
    inventory->hosts = g_ptr_array_new_with_free_func(free_host);
    inventory->left_out = g_ptr_array_new_with_free_func(g_free);
    inventory->groups = groups_new();
    if (size > INVENTORY_FILE_BYTES) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s: larger than the limit of %zu bytes", name,
                    INVENTORY_FILE_BYTES);
        return NULL;
    }
    if (begins(text, size, "\xef\xbb\xbf")) { /* a byte order mark, as editors of Windows write it */
        text += 3;
        size -= 3;
    }
    const char *foreign = foreign_form(text, size);
    if (foreign) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: %s", name, foreign);
        return NULL;
    }
    if (!ini_read(inventory, text, size, error) || !groups_resolve(inventory, error))
        return NULL;
    if (inventory->hosts->len == 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: there is no host in it", name);
        return NULL;
    }
    return g_steal_pointer(&inventory);
}

struct inventory *inventory_load(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, INVENTORY_FILE_BYTES, error);
    if (!bytes)
        return NULL;
    size_t size;
    const void *content = g_bytes_get_data(bytes, &size);
    gboolean standard = strcmp(path, "-") == 0;
    struct inventory *inventory = inventory_parse(standard ? file_name(path) : path, content, size, error);
    if (inventory)
        inventory->on_disk = !standard;
    return inventory;
}

static void warn_of_ignored(GPtrArray *warnings, const struct inventory *inventory)
{
    const struct ignored *ignored = &inventory->groups->ignored;

    for (unsigned i = 0; i < ignored->count; i++) {
        const char *name = ignored->names[i];
        guint hosts = 0;
        for (guint j = 0; j < inventory->hosts->len; j++) {
            const struct inventory_host *host = inventory->hosts->pdata[j];
            hosts += ((host->ignored >> i) & 1) != 0 && ignored_concerns(name, host);
        }
        if (hosts > 0)
            g_ptr_array_add(warnings,
                            g_strdup_printf("%s:%u: %s is ignored (%u host%s): %s", inventory->path, ignored->lines[i],
                                            name, hosts, hosts > 1 ? "s" : "", ignored_why(name)));
    }
}

GPtrArray *inventory_warnings(const struct inventory *inventory)
{
    GPtrArray *warnings = g_ptr_array_new_with_free_func(g_free);

    warn_of_ignored(warnings, inventory);
    if (inventory->on_disk)
        beside_warn(warnings, inventory);
    return warnings;
}

void inventory_free(struct inventory *inventory)
{
    if (!inventory)
        return;
    groups_free(inventory->groups);
    g_ptr_array_unref(inventory->hosts);
    g_ptr_array_unref(inventory->left_out);
    g_free(inventory->limit);
    g_free(inventory->path);
    g_free(inventory->sha256);
    g_free(inventory);
}
