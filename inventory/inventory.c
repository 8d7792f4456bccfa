#include "inventory.h"

#include "error.h"
#include "file.h"
#include "groups.h"
#include "pattern.h"

#include <string.h>

/* Lines */

enum section { SECTION_HOSTS, SECTION_CHILDREN, SECTION_VARS };

struct reader {
    struct inventory *inventory;
    enum section section;
    struct group *group; /* of the section; NULL before the first */
    unsigned line;
};

static gboolean fail(const struct reader *reader, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);

static gboolean fail(const struct reader *reader, GError **error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s:%u: %s", reader->inventory->path, reader->line, text);
    return FALSE;
}

/*
 * The words of a host line, as Python's shlex splits them for Ansible: quotes, backslashes, and a "#" outside of quotes
 * begins a comment.  NULL with ${error} set if a quote is not closed.
 */
static GPtrArray *split_words(const struct reader *reader, const char *line, GError **error)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) word = g_string_new(NULL);
    gboolean begun = FALSE;
    char quote = '\0';

    for (const char *at = line;; at++) {
        if (!*at && quote) {
            fail(reader, error, "a quote (%c) is not closed", quote);
            return NULL;
        }
        if (!quote && (!*at || *at == '#' || g_ascii_isspace(*at))) {
            if (begun)
                g_ptr_array_add(words, g_strdup(word->str));
            g_string_truncate(word, 0);
            begun = FALSE;
            if (!*at || *at == '#')
                return g_steal_pointer(&words);
            continue;
        }
        begun = TRUE;
        if (!quote && (*at == '"' || *at == '\''))
            quote = *at;
        else if (*at == quote)
            quote = '\0';
        else if (*at == '\\' && at[1] && (!quote || (quote == '"' && (at[1] == '"' || at[1] == '\\'))))
            g_string_append_c(word, *++at);
        else
            g_string_append_c(word, *at);
    }
}

static gboolean is_variable_name(const char *name)
{
    if (!g_ascii_isalpha(*name) && *name != '_')
        return FALSE;
    for (; *name; name++)
        if (!g_ascii_isalnum(*name) && *name != '_')
            return FALSE;
    return TRUE;
}

/* Ansible reads values as Python literals where it can: of these only quotes matter to us. */
static char *unquote(const char *value)
{
    size_t size = strlen(value);
    if (size >= 2 && (value[0] == '"' || value[0] == '\'') && value[size - 1] == value[0])
        return g_strndup(value + 1, size - 2);
    return g_strdup(value);
}

static struct inventory_host *get_host(struct reader *reader, const char *name, GError **error)
{
    struct inventory_groups *groups = reader->inventory->groups;
    struct inventory_host *host = g_hash_table_lookup(groups->hosts, name);

    if (host)
        return host;
    if (reader->inventory->hosts->len >= INVENTORY_HOSTS) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s:%u: more than %d hosts", reader->inventory->path,
                    reader->line, INVENTORY_HOSTS);
        return NULL;
    }
    host = g_new0(struct inventory_host, 1);
    host->name = g_strdup(name);
    host->address = g_strdup(name);
    host->port = 22;
    host->sap_root = g_strdup("/usr/sap");
    host->groups = g_ptr_array_new_with_free_func(g_free);
    host->line = reader->line;
    g_ptr_array_add(reader->inventory->hosts, host);
    g_hash_table_insert(groups->hosts, host->name, host);
    g_hash_table_insert(groups->host_vars, host, g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free));
    return host;
}

static gboolean add_host(struct reader *reader, const char *name, uint16_t port, const GPtrArray *words, GError **error)
{
    struct inventory_host *host = get_host(reader, name, error);
    if (!host)
        return FALSE;
    if (reader->group && !g_ptr_array_find(reader->group->hosts, host, NULL))
        g_ptr_array_add(reader->group->hosts, host);
    GHashTable *vars = g_hash_table_lookup(reader->inventory->groups->host_vars, host);
    if (port)
        g_hash_table_replace(vars, g_strdup("ansible_port"), g_strdup_printf("%u", port));
    for (guint i = 1; i < words->len; i++) {
        const char *word = words->pdata[i], *equals = strchr(word, '=');
        g_hash_table_replace(vars, g_strndup(word, (gsize)(equals - word)), unquote(equals + 1));
    }
    return TRUE;
}

static gboolean read_host_line(struct reader *reader, const char *line, GError **error)
{
    g_autoptr(GPtrArray) words = split_words(reader, line, error);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    uint16_t port;

    if (!words)
        return FALSE;
    if (words->len == 0)
        return TRUE;
    for (guint i = 1; i < words->len; i++) {
        const char *word = words->pdata[i], *equals = strchr(word, '=');
        g_autofree char *name = equals ? g_strndup(word, (gsize)(equals - word)) : NULL;
        if (!name || !is_variable_name(name))
            return fail(reader, error, "\"%s\": expected variable=value behind the host", word);
    }
    if (strchr(words->pdata[0], '='))
        return fail(reader, error, "\"%s\": a variable where a host is expected; is a [group:vars] line missing above?",
                    (char *)words->pdata[0]);
    if (!pattern_expand(names, &port, words->pdata[0], error)) {
        g_prefix_error(error, "%s:%u: ", reader->inventory->path, reader->line);
        return FALSE;
    }
    for (guint i = 0; i < names->len; i++)
        if (!add_host(reader, names->pdata[i], port, words, error))
            return FALSE;
    return TRUE;
}

static gboolean is_group_name(const char *name)
{
    return *name && strlen(name) <= INVENTORY_NAME_BYTES && strpbrk(name, " \t[]:=,!&") == NULL;
}

static gboolean read_child_line(struct reader *reader, const char *line, GError **error)
{
    g_autofree char *name = g_strndup(line, strcspn(line, " \t#"));
    const char *rest = line + strlen(name) + strspn(line + strlen(name), " \t");

    if (*rest && *rest != '#')
        return fail(reader, error, "\"%s\": expected the name of one group", line);
    if (!is_group_name(name))
        return fail(reader, error, "\"%s\": not the name of a group", name);
    struct group *child = groups_get(reader->inventory->groups, name, reader->line);
    if (!child->wanted_by)
        child->wanted_by = reader->line;
    if (strcmp(name, "all") == 0)
        return fail(reader, error, "group \"all\" cannot be inside of another");
    if (child == reader->group)
        return fail(reader, error, "group \"%s\" is its own descendant", name);
    /* Everything is below "all" as it is. */
    if (strcmp(reader->group->name, "all") != 0 && !g_ptr_array_find(reader->group->children, child, NULL)) {
        g_ptr_array_add(reader->group->children, child);
        g_ptr_array_add(child->parents, reader->group);
    }
    return TRUE;
}

static gboolean read_variable_line(struct reader *reader, const char *line, GError **error)
{
    const char *equals = strchr(line, '=');
    g_autofree char *name = equals ? g_strstrip(g_strndup(line, (gsize)(equals - line))) : NULL;

    if (!name || !is_variable_name(name))
        return fail(reader, error, "\"%s\": expected variable=value", line);
    g_autofree char *value = g_strstrip(g_strdup(equals + 1));
    g_hash_table_replace(reader->group->vars, g_steal_pointer(&name), unquote(value));
    return TRUE;
}

/* [group], [group:children], [group:vars], perhaps with a comment behind it */
static gboolean read_section_line(struct reader *reader, const char *line, GError **error)
{
    const char *close = strchr(line, ']');
    if (!close)
        return fail(reader, error, "\"%s\": the section has no end: \"]\" is missing", line);
    const char *rest = close + 1 + strspn(close + 1, " \t");
    if (*rest && *rest != '#')
        return fail(reader, error, "\"%s\": something stands behind the section", line);
    g_autofree char *inside = g_strndup(line + 1, (gsize)(close - line - 1));
    g_auto(GStrv) parts = g_strsplit(inside, ":", 2);
    const char *name = parts[0] ? parts[0] : "", *kind = parts[0] ? parts[1] : NULL;

    if (!is_group_name(name))
        return fail(reader, error, "[%s]: not the name of a group", inside);
    if (kind && strcmp(kind, "children") != 0 && strcmp(kind, "vars") != 0)
        return fail(reader, error, "[%s]: a section is [group], [group:children] or [group:vars]", inside);
    reader->group = groups_get(reader->inventory->groups, name, reader->line);
    reader->section = !kind ? SECTION_HOSTS : *kind == 'c' ? SECTION_CHILDREN : SECTION_VARS;
    if (reader->section != SECTION_VARS)
        reader->group->defined = TRUE;
    else if (!reader->group->wanted_by)
        reader->group->wanted_by = reader->line;
    return TRUE;
}

static gboolean read_line(struct reader *reader, const char *bytes, size_t size, GError **error)
{
    if (!g_utf8_validate_len(bytes, size, NULL))
        return fail(reader, error, "not a text in UTF-8");
    g_autofree char *text = g_strndup(bytes, size);
    const char *line = g_strstrip(text);

    if (!*line || *line == '#' || *line == ';')
        return TRUE;
    /* A host line may begin with a range or an IPv6 address in brackets; a section's bracket closes it. */
    if (*line == '[') {
        const char *close = strchr(line, ']');
        const char *rest = close ? close + 1 + strspn(close + 1, " \t") : "";
        gboolean is_range = close && *rest && *rest != '#' && memchr(line, ':', (size_t)(close - line));
        if (!is_range || close[1] == ' ' || close[1] == '\t')
            return read_section_line(reader, line, error);
    }
    switch (reader->section) {
    case SECTION_CHILDREN:
        return read_child_line(reader, line, error);
    case SECTION_VARS:
        return read_variable_line(reader, line, error);
    case SECTION_HOSTS:
        break;
    }
    return read_host_line(reader, line, error);
}

/* Other forms of inventories, and files that are none, told by how they begin. */
static const char *foreign_form(const char *bytes, size_t size)
{
    size_t blank = 0;
    while (blank < size && g_ascii_isspace(bytes[blank]))
        blank++;
    const char *at = bytes + blank;
    size_t left = size - blank;

    if (left >= 2 && memcmp(at, "#!", 2) == 0)
        return "a program; inventory scripts are not run, give an INI file";
    if (left >= 1 && *at == '{')
        return "looks like JSON; inventories in INI form are read";
    if ((left >= 3 && memcmp(at, "---", 3) == 0) || (left >= 4 && memcmp(at, "all:", 4) == 0))
        return "looks like YAML; inventories in INI form are read";
    if (memchr(bytes, '\0', size))
        return "a binary file";
    return NULL;
}

static gboolean read_lines(struct reader *reader, const char *bytes, size_t size, GError **error)
{
    for (size_t at = 0; at < size;) {
        const char *end = memchr(bytes + at, '\n', size - at);
        size_t length = end ? (size_t)(end - bytes) - at : size - at;
        reader->line++;
        if (!read_line(reader, bytes + at, length, error))
            return FALSE;
        at += length + 1;
    }
    return TRUE;
}

static void host_free(void *data)
{
    struct inventory_host *host = data;
    g_free(host->name);
    g_free(host->address);
    g_free(host->user);
    g_free(host->key_file);
    g_free(host->sap_root);
    g_free(host->tier);
    g_free(host->owner);
    g_ptr_array_unref(host->groups);
    g_free(host);
}

struct inventory *inventory_parse(const char *name, const void *bytes, size_t size, GError **error)
{
    g_autoptr(inventory_auto) inventory = g_new0(struct inventory, 1);
    struct reader reader = {.inventory = inventory};
    const char *text = bytes;

    inventory->path = g_strdup(name);
    inventory->sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, size);
    inventory->hosts = g_ptr_array_new_with_free_func(host_free);
    inventory->groups = groups_new();
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        size -= 3;
    }
    const char *foreign = foreign_form(text, size);
    if (foreign) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: %s", name, foreign);
        return NULL;
    }
    if (!read_lines(&reader, text, size, error) || !groups_resolve(inventory, error))
        return NULL;
    if (inventory->hosts->len == 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: no host in it", name);
        return NULL;
    }
    return g_steal_pointer(&inventory);
}

struct inventory *inventory_load(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, INVENTORY_FILE_BYTES, error);
    if (!bytes)
        return NULL;
    gsize size;
    const void *content = g_bytes_get_data(bytes, &size);
    return inventory_parse(strcmp(path, "-") == 0 ? "standard input" : path, size ? content : "", size, error);
}

void inventory_free(struct inventory *inventory)
{
    if (!inventory)
        return;
    groups_free(inventory->groups);
    g_ptr_array_unref(inventory->hosts);
    g_free(inventory->path);
    g_free(inventory->sha256);
    g_free(inventory);
}

/* Choosing hosts */

void inventory_keep(struct inventory *inventory, gboolean (*wanted)(const struct inventory_host *host, void *context),
                    void *context)
{
    g_autoptr(GHashTable) gone = g_hash_table_new(NULL, NULL);
    struct inventory_groups *groups = inventory->groups;

    for (guint i = 0; i < inventory->hosts->len; i++)
        if (!wanted(inventory->hosts->pdata[i], context))
            g_hash_table_add(gone, inventory->hosts->pdata[i]);
    for (guint i = 0; i < groups->in_order->len; i++) {
        GPtrArray *hosts = ((struct group *)groups->in_order->pdata[i])->hosts;
        for (guint j = hosts->len; j-- > 0;)
            if (g_hash_table_contains(gone, hosts->pdata[j]))
                g_ptr_array_remove_index(hosts, j);
    }
    for (guint i = inventory->hosts->len; i-- > 0;) {
        struct inventory_host *host = inventory->hosts->pdata[i];
        if (!g_hash_table_contains(gone, host))
            continue;
        g_hash_table_remove(groups->hosts, host->name);
        g_hash_table_remove(groups->host_vars, host);
        g_ptr_array_remove_index(inventory->hosts, i);
    }
}

/* The hosts that one part of a pattern names: a host, a group, or a wildcard over both. */
static GHashTable *match_part(const struct inventory *inventory, const char *part)
{
    g_autoptr(GPatternSpec) spec = g_pattern_spec_new(part);
    GHashTable *found = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) in_groups = g_ptr_array_new();

    for (guint i = 0; i < inventory->groups->in_order->len; i++) {
        struct group *group = inventory->groups->in_order->pdata[i];
        if (g_pattern_spec_match_string(spec, group->name))
            g_ptr_array_add(in_groups, group);
    }
    for (guint i = 0; i < inventory->hosts->len; i++) {
        struct inventory_host *host = inventory->hosts->pdata[i];
        gboolean named = g_pattern_spec_match_string(spec, host->name);
        for (guint j = 0; !named && j < in_groups->len; j++)
            named = groups_contain(in_groups->pdata[j], host);
        if (named)
            g_hash_table_add(found, host);
    }
    return found;
}

static gboolean is_in(const struct inventory_host *host, void *context)
{
    return g_hash_table_contains(context, host);
}

/* What is asked for, then what must be in it too, then what is taken away: as Ansible does, whatever their order. */
static void combine(GHashTable *kept, char sign, GHashTable *found)
{
    GHashTableIter iter;
    void *host;

    if (sign == '&') {
        g_hash_table_iter_init(&iter, kept);
        while (g_hash_table_iter_next(&iter, &host, NULL))
            if (!g_hash_table_contains(found, host))
                g_hash_table_iter_remove(&iter);
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

static char sign_of(const char *part)
{
    return *part == '!' || *part == '&' ? *part : '+';
}

gboolean inventory_limit(struct inventory *inventory, const char *pattern, GError **error)
{
    static const char order[] = {'+', '&', '!'};
    g_auto(GStrv) parts = g_strsplit_set(pattern, ",:", -1);
    g_autoptr(GHashTable) kept = g_hash_table_new(NULL, NULL);
    gboolean asked = FALSE;

    for (char **part = parts; *part; part++) {
        g_strstrip(*part);
        asked = asked || (**part && sign_of(*part) == '+');
    }
    if (!asked)
        for (guint i = 0; i < inventory->hosts->len; i++)
            g_hash_table_add(kept, inventory->hosts->pdata[i]);
    for (size_t turn = 0; turn < sizeof order; turn++) {
        for (char **part = parts; *part; part++) {
            if (!**part || sign_of(*part) != order[turn])
                continue;
            const char *name = *part + (order[turn] != '+');
            g_autoptr(GHashTable) found = match_part(inventory, name);
            if (g_hash_table_size(found) == 0) {
                g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "%s: no host and no group \"%s\"",
                            inventory->path, name);
                return FALSE;
            }
            combine(kept, order[turn], found);
        }
    }
    if (g_hash_table_size(kept) == 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "%s: \"%s\" leaves no host", inventory->path, pattern);
        return FALSE;
    }
    inventory_keep(inventory, is_in, kept);
    return TRUE;
}
