#include "journal.h"

#include "error.h"
#include "moment.h"
#include "record.h"
#include "text.h"

#include <jansson.h>
#include <string.h>

typedef json_t json_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(json_auto, json_decref)

static const char *const status_names[] = {
    [CAPTURE_COLLECTED] = "collected",
    [CAPTURE_PARTIAL] = "partial",
    [CAPTURE_FAILED] = "failed",
};

/*
 * jansson builds everything in memory and descends by recursion: 16 MiB of "[[[[" or "[],[]," are refused before it
 * sees them.
 */
static gboolean check_limits(const char *bytes, size_t size, GError **error)
{
    size_t depth = 0, values = 0;
    gboolean quoted = FALSE;

    if (size > CAPTURE_LINE_BYTES) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "the line is longer than %zu bytes",
                    CAPTURE_LINE_BYTES);
        return FALSE;
    }
    for (size_t i = 0; i < size; i++) {
        char c = bytes[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        if (quoted)
            continue;
        if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
        if (c == '[' || c == '{' || c == ',')
            values++;
        if (depth > CAPTURE_JSON_DEPTH || values > CAPTURE_LINE_VALUES) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "the line holds more than %d values or levels",
                        depth > CAPTURE_JSON_DEPTH ? CAPTURE_JSON_DEPTH : CAPTURE_LINE_VALUES);
            return FALSE;
        }
    }
    return TRUE;
}

static json_t *parse(const void *bytes, size_t size, GError **error)
{
    json_error_t wrong;

    if (!check_limits(bytes, size, error))
        return NULL;
    json_t *json = json_loadb(size > 0 ? bytes : "", size, JSON_REJECT_DUPLICATES, &wrong);
    if (!json) {
        /* jansson quotes the input. */
        g_autofree char *text = text_clean(wrong.text, strlen(wrong.text));
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "no JSON: %s", text);
    }
    return json;
}

static char *print(const json_t *json)
{
    g_autofree char *text = json_dumps(json, 0);
    g_assert(text);
    return g_strconcat(text, "\n", NULL);
}

/* Arrays of strings. */

static json_t *write_texts(const GPtrArray *texts)
{
    json_t *array = json_array();

    for (guint i = 0; i < texts->len; i++) {
        const char *text = texts->pdata[i];
        g_autofree char *clean = text_clean(text, strlen(text));
        json_array_append_new(array, json_string(clean));
    }
    return array;
}

static gboolean read_text(GPtrArray *texts, const char *name, const char *of, const json_t *json, GError **error)
{
    if (!json_is_string(json)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "\"%s\" of a %s holds no string", name, of);
        return FALSE;
    }
    g_ptr_array_add(texts, text_clean(json_string_value(json), json_string_length(json)));
    return TRUE;
}

/* The header. */

char *journal_print_header(const struct capture_header *header)
{
    g_autoptr(json_auto) json = json_object();

    json_object_set_new(json, "format", json_string(CAPTURE_FORMAT));
    json_object_set_new(json, "version", json_integer(CAPTURE_VERSION));
    record_write(&record_header, header, json);
    if (!header->limit || !header->left_out)
        return print(json);
    json_object_set_new(json, "left_out", write_texts(header->left_out));
    g_autofree char *line = print(json);
    if (check_limits(line, strlen(line) - 1, NULL))
        return g_steal_pointer(&line);
    json_object_del(json, "left_out");
    return print(json);
}

static gboolean read_left_out(struct capture_header *header, const json_t *array, GError **error)
{
    size_t i;
    json_t *item;

    if (!array)
        return TRUE;
    if (!json_is_array(array)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "\"left_out\" of a header is no array");
        return FALSE;
    }
    header->left_out = g_ptr_array_new_with_free_func(g_free);
    json_array_foreach(array, i, item)
    {
        if (!read_text(header->left_out, "left_out", "header", item, error))
            return FALSE;
    }
    return TRUE;
}

gboolean journal_parse_header(struct capture_header *header, const void *bytes, size_t size, GError **error)
{
    g_autoptr(json_auto) json = parse(bytes, size, NULL);
    const char *format = json_string_value(json_object_get(json, "format"));
    if (g_strcmp0(format, CAPTURE_FORMAT) != 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "no header of a %s", CAPTURE_FORMAT);
        return FALSE;
    }
    const json_t *version = json_object_get(json, "version");
    if (!json_is_integer(version) || json_integer_value(version) != CAPTURE_VERSION) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX,
                    "a capture of version %" JSON_INTEGER_FORMAT "; this program reads version %d",
                    json_integer_value(version), CAPTURE_VERSION);
        return FALSE;
    }
    header->started = MOMENT_NONE;
    return record_read(&record_header, header, json, error) &&
           read_left_out(header, json_object_get(json, "left_out"), error);
}

gboolean journal_is_header(const void *bytes, size_t size)
{
    static const char begin[] = "{\"format\":"; /* as journal_print_header() writes it, and no line of a host */

    return size >= strlen(begin) && memcmp(bytes, begin, strlen(begin)) == 0;
}

void journal_clear_header(struct capture_header *header)
{
    record_clear(&record_header, header);
    g_clear_pointer(&header->left_out, g_ptr_array_unref);
}

/* What the arrays of a host hold: strings if there is no record. */
struct list {
    const char *name;
    GPtrArray *items;
    const struct record *record;
};

#define HOST_LISTS 6

static void host_lists(struct list lists[HOST_LISTS], const struct capture_host *host)
{
    lists[0] = (struct list){"groups", host->groups, NULL};
    lists[1] = (struct list){"instances", host->instances, &record_instance};
    lists[2] = (struct list){"traces", host->traces, &record_trace};
    lists[3] = (struct list){"stores", host->stores, &record_store};
    lists[4] = (struct list){"chains", host->chains, &record_chain};
    lists[5] = (struct list){"notes", host->notes, NULL};
}

static json_t *write_list(const struct list *list)
{
    if (!list->record)
        return write_texts(list->items);
    json_t *array = json_array();
    for (guint i = 0; i < list->items->len; i++) {
        json_t *entry = json_object();
        record_write(list->record, list->items->pdata[i], entry);
        json_array_append_new(array, entry);
    }
    return array;
}

char *journal_print_host(const struct capture_host *host, GError **error)
{
    g_autoptr(json_auto) json = json_object();
    struct list lists[HOST_LISTS];

    g_assert(host->name);
    record_write(&record_host, host, json);
    json_object_set_new(json, "status", json_string(status_names[host->status]));
    host_lists(lists, host);
    for (size_t i = 0; i < HOST_LISTS; i++) {
        if (lists[i].items->len > 0)
            json_object_set_new(json, lists[i].name, write_list(&lists[i]));
    }
    g_autofree char *line = print(json);
    if (!check_limits(line, strlen(line) - 1, error))
        return NULL;
    return g_steal_pointer(&line);
}

static gboolean read_item(const struct list *list, const json_t *json, GError **error)
{
    if (list->record) {
        void *item = record_new(list->record);
        g_ptr_array_add(list->items, item);
        return record_read(list->record, item, json, error);
    }
    return read_text(list->items, list->name, "host", json, error);
}

static gboolean read_list(const struct list *list, const json_t *array, GError **error)
{
    size_t i;
    json_t *item;

    if (!array)
        return TRUE;
    if (!json_is_array(array)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "\"%s\" of a host is no array", list->name);
        return FALSE;
    }
    json_array_foreach(array, i, item)
    {
        if (!read_item(list, item, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean read_status(enum capture_status *status, const json_t *json, GError **error)
{
    const char *name = json_string_value(json);

    for (size_t i = 0; name && i < G_N_ELEMENTS(status_names); i++) {
        if (strcmp(name, status_names[i]) == 0) {
            *status = (enum capture_status)i;
            return TRUE;
        }
    }
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "\"status\" of a host is no status");
    return FALSE;
}

struct capture_host *journal_parse_host(const void *bytes, size_t size, GError **error)
{
    g_autoptr(json_auto) json = parse(bytes, size, error);
    g_autoptr(capture_host_auto) host = capture_host_new();
    struct list lists[HOST_LISTS];

    if (!json || !record_read(&record_host, host, json, error) ||
        !read_status(&host->status, json_object_get(json, "status"), error))
        return NULL;
    if (!host->name || !*host->name) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "the line names no host");
        return NULL;
    }
    host_lists(lists, host);
    for (size_t i = 0; i < HOST_LISTS; i++) {
        if (!read_list(&lists[i], json_object_get(json, lists[i].name), error))
            return NULL;
    }
    return g_steal_pointer(&host);
}

size_t journal_whole_bytes(const void *bytes, size_t size)
{
    const char *text = bytes;
    if (size == 0)
        return 0;
    gboolean ended = text[size - 1] == '\n';
    size_t last = ended ? size - 1 : size;
    const char *before = last > 0 ? memrchr(text, '\n', last) : NULL;
    size_t begin = before ? (size_t)(before - text) + 1 : 0;
    if (!ended)
        return begin;
    /* A power cut may leave a line feed behind bytes that were never written. */
    g_autoptr(json_auto) json = parse(text + begin, last - begin, NULL);
    return json ? size : begin;
}
