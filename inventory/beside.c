#include "beside.h"

#include "file.h"
#include "ignored.h"
#include "text.h"
#include "variable.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_DEPTH 8 /* folders inside of group_vars/prod/ */

struct search {
    const struct inventory *inventory;
    GHashTable *found;  /* name of a variable -> GPtrArray of char *: files that set it, in their order */
    GPtrArray *unknown; /* of char *: files that cannot be searched */
    unsigned files;
};

/* The name without an ending that Ansible knows, to be freed with g_free(). */
static char *stem_of(const char *name)
{
    static const char *const endings[] = {".yml", ".yaml", ".json"};

    for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
        if (g_str_has_suffix(name, endings[i]))
            return g_strndup(name, strlen(name) - strlen(endings[i]));
    return g_strdup(name);
}

static gboolean matters(const char *name)
{
    return variable_is_known(name) || ignored_is_login(name);
}

static void note_name(struct search *search, const char *name, const char *path)
{
    GPtrArray *files = g_hash_table_lookup(search->found, name);

    if (!files) {
        files = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(search->found, g_strdup(name), files);
    }
    if (files->len == 0 || strcmp(files->pdata[files->len - 1], path) != 0)
        g_ptr_array_add(files, g_strdup(path));
}

static gboolean is_name_char(char c)
{
    return g_ascii_isalnum(c) || c == '_';
}

/* Names that a colon follows, in YAML and JSON alike; what is behind it, or behind a "#", may be anything. */
static void search_text(struct search *search, const char *text, size_t size, const char *path)
{
    for (size_t i = 0; i < size;) {
        if (text[i] == '#' && (i == 0 || g_ascii_isspace(text[i - 1]))) {
            const char *feed = memchr(text + i, '\n', size - i);
            i = feed ? (size_t)(feed - text) : size;
        }
        size_t begin = i;
        while (i < size && is_name_char(text[i]))
            i++;
        if (i == begin) {
            i++;
            continue;
        }
        size_t after = i;
        while (after < size && strchr("\"' \t", text[after]) && text[after])
            after++;
        if (after >= size || text[after] != ':' || i - begin > INVENTORY_NAME_BYTES)
            continue;
        g_autofree char *name = g_strndup(text + begin, i - begin);
        if (matters(name))
            note_name(search, name, path);
    }
}

static void search_file(struct search *search, const char *path, const struct stat *now)
{
    g_autoptr(GBytes) bytes = NULL;

    if (++search->files > BESIDE_FILES)
        return;
    if ((uint64_t)now->st_size <= BESIDE_FILE_BYTES)
        bytes = file_read(path, BESIDE_FILE_BYTES, NULL);
    size_t size = 0;
    const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    if (!bytes || (size >= 14 && memcmp(text, "$ANSIBLE_VAULT", 14) == 0))
        g_ptr_array_add(search->unknown, g_strdup(path));
    else
        search_text(search, text, size, path);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in the folder, sorted, without hidden ones and backups; the caller frees them. */
static GPtrArray *list_folder(const char *path)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder)))
        if (*name != '.' && !g_str_has_suffix(name, "~"))
            g_ptr_array_add(names, g_strdup(name));
    if (names->len > 1)
        qsort(names->pdata, names->len, sizeof names->pdata[0], compare_names);
    return names;
}

/* A file, or a folder of files. */
static void search_path(struct search *search, const char *path, unsigned depth)
{
    struct stat now;

    if (stat(path, &now) != 0)
        return;
    if (S_ISREG(now.st_mode))
        search_file(search, path, &now);
    if (!S_ISDIR(now.st_mode) || depth == FOLDER_DEPTH)
        return;
    g_autoptr(GPtrArray) names = list_folder(path);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *inside = g_build_filename(path, names->pdata[i], NULL);
        g_autofree char *stem = stem_of(names->pdata[i]);
        struct stat inner;
        gboolean folder = stat(inside, &inner) == 0 && S_ISDIR(inner.st_mode);
        if (folder || !strchr(names->pdata[i], '.') || strcmp(stem, names->pdata[i]) != 0)
            search_path(search, inside, depth + 1);
    }
}

/* Everything in the folder that is about one of ${wanted}: under its name, or with an ending. */
static void search_folder(struct search *search, const char *folder, GHashTable *wanted)
{
    g_autoptr(GPtrArray) names = list_folder(folder);

    for (guint i = 0; i < names->len; i++) {
        g_autofree char *stem = stem_of(names->pdata[i]);
        g_autofree char *path = g_build_filename(folder, names->pdata[i], NULL);
        if (g_hash_table_contains(wanted, names->pdata[i]) || g_hash_table_contains(wanted, stem))
            search_path(search, path, 0);
    }
}

static char *name_files(const GPtrArray *files)
{
    GString *text = g_string_new(NULL);

    for (guint i = 1; i < files->len && i < BESIDE_NAMED; i++)
        g_string_append_printf(text, ", %s", (char *)files->pdata[i]);
    if (files->len > BESIDE_NAMED)
        g_string_append_printf(text, " and %u more", files->len - BESIDE_NAMED);
    return g_string_free(text, FALSE);
}

static void say_all(GPtrArray *warnings, const struct search *search)
{
    guint count;
    g_autofree void **names = g_hash_table_get_keys_as_array(search->found, &count);

    if (count > 1)
        qsort(names, count, sizeof *names, compare_names);
    for (guint i = 0; i < count; i++) {
        const GPtrArray *files = g_hash_table_lookup(search->found, names[i]);
        g_autofree char *more = name_files(files);
        gboolean known = variable_is_known(names[i]);
        g_ptr_array_add(warnings,
                        g_strdup_printf("%s%s: %s has no effect because group_vars and host_vars are not read; %s%s",
                                        (char *)files->pdata[0], more, (char *)names[i],
                                        known ? "set it in " : ignored_why(names[i]),
                                        known ? search->inventory->path : ""));
    }
    if (search->unknown->len > 0) {
        g_autofree char *more = name_files(search->unknown);
        g_ptr_array_add(warnings,
                        g_strdup_printf("%s%s: group_vars and host_vars are not read; whether this changes the "
                                        "login is unknown (it is encrypted, too large or not readable)",
                                        (char *)search->unknown->pdata[0], more));
    }
}

void beside_warn(GPtrArray *warnings, const struct inventory *inventory)
{
    g_autofree char *around = g_path_get_dirname(inventory->path);
    g_autofree char *group_vars = g_build_filename(around, "group_vars", NULL),
                    *host_vars = g_build_filename(around, "host_vars", NULL);
    g_autoptr(GHashTable) groups = g_hash_table_new(g_str_hash, g_str_equal),
                          hosts = g_hash_table_new(g_str_hash, g_str_equal);
    struct search search = {
        .inventory = inventory,
        .found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref),
        .unknown = g_ptr_array_new_with_free_func(g_free),
    };

    g_hash_table_add(groups, (void *)"all");
    for (guint i = 0; i < inventory->hosts->len; i++) {
        const struct inventory_host *host = inventory->hosts->pdata[i];
        if (host->connection == INVENTORY_OTHER)
            continue;
        g_hash_table_add(hosts, host->name);
        for (guint j = 0; j < host->groups->len; j++)
            g_hash_table_add(groups, host->groups->pdata[j]);
        if (host->groups->len == 0)
            g_hash_table_add(groups, (void *)"ungrouped");
    }
    search_folder(&search, group_vars, groups);
    search_folder(&search, host_vars, hosts);
    say_all(warnings, &search);
    g_hash_table_unref(search.found);
    g_ptr_array_unref(search.unknown);
}
