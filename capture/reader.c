#include "capture.h"

#include "error.h"
#include "file.h"
#include "journal.h"
#include "record.h"
#include "text.h"

#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

void capture_free(struct capture *capture)
{
    if (!capture)
        return;
    g_free(capture->path);
    journal_clear_header(&capture->header);
    g_ptr_array_unref(capture->hosts);
    g_ptr_array_unref(capture->warnings);
    g_free(capture);
}

static void free_host(void *host)
{
    capture_host_free(host);
}

static struct capture *capture_new(const char *path)
{
    struct capture *capture = g_new0(struct capture, 1);

    capture->path = g_strdup(path);
    capture->hosts = g_ptr_array_new_with_free_func(free_host);
    capture->warnings = g_ptr_array_new_with_free_func(g_free);
    return capture;
}

/* A capture that came from elsewhere may hold a pipe, and opening that would wait for ever. */
static GBytes *map_regular(const char *path, size_t limit_bytes, GError **error)
{
    struct stat now;

    if (g_stat(path, &now) == 0 && !S_ISREG(now.st_mode)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: not a regular file", path);
        return NULL;
    }
    return file_map(path, limit_bytes, error);
}

/* The host's name points to its place in the array, plus 1, for NULL means that there is none. */
static void add_host(struct capture *capture, GHashTable *places, struct capture_host *host)
{
    gpointer known = g_hash_table_lookup(places, host->name);
    guint place = GPOINTER_TO_UINT(known);

    if (place > 0) {
        g_hash_table_replace(places, host->name, GUINT_TO_POINTER(place));
        capture_host_free(capture->hosts->pdata[place - 1]);
        capture->hosts->pdata[place - 1] = host;
        return;
    }
    g_ptr_array_add(capture->hosts, host);
    g_hash_table_insert(places, host->name, GUINT_TO_POINTER(capture->hosts->len));
}

static gboolean read_host(struct capture *capture, GHashTable *places, const char *line, size_t size, GError **error)
{
    g_autoptr(capture_host_auto) host = journal_parse_host(line, size, error);

    if (!host)
        return FALSE;
    if (capture->hosts->len >= CAPTURE_HOSTS && !g_hash_table_contains(places, host->name)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "more than %d hosts", CAPTURE_HOSTS);
        return FALSE;
    }
    add_host(capture, places, g_steal_pointer(&host));
    return TRUE;
}

/* Of a run that went on with the capture; its limit counts from then on. */
static gboolean read_limit(struct capture *capture, const char *line, size_t size, GError **error)
{
    struct capture_header header = {0}, old = capture->header;

    gboolean ok = journal_parse_header(&header, line, size, error);
    if (ok) {
        capture->header.limit = g_steal_pointer(&header.limit);
        capture->header.left_out = g_steal_pointer(&header.left_out);
        header.limit = old.limit;
        header.left_out = old.left_out;
    }
    journal_clear_header(&header);
    return ok;
}

static gboolean read_line(struct capture *capture, GHashTable *places, const char *line, size_t size, GError **error)
{
    return journal_is_header(line, size) ? read_limit(capture, line, size, error)
                                         : read_host(capture, places, line, size, error);
}

static void warn(struct capture *capture, const char *journal, size_t line, const char *why)
{
    if (capture->warnings->len < CAPTURE_WARNINGS)
        g_ptr_array_add(capture->warnings, g_strdup_printf("%s:%zu: %s", journal, line, why));
    else if (capture->warnings->len == CAPTURE_WARNINGS)
        g_ptr_array_add(capture->warnings, g_strdup_printf("%s:%zu: more such lines follow", journal, line));
}

static gboolean read_lines(struct capture *capture, const char *journal, GBytes *bytes, GError **error)
{
    g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);
    size_t size;
    const char *at = g_bytes_get_data(bytes, &size);
    size_t left = journal_whole_bytes(at, size);

    capture->torn = left < size;
    for (size_t line = 1; line == 1 || left > 0; line++) {
        const char *end = left > 0 ? memchr(at, '\n', left) : NULL;
        size_t length = end ? (size_t)(end - at) : left;
        if (line == 1) {
            if (!journal_parse_header(&capture->header, at, length, error)) {
                g_prefix_error(error, "%s:1: ", journal);
                return FALSE;
            }
        } else {
            g_autoptr(GError) wrong = NULL;
            if (!read_line(capture, places, at, length, &wrong))
                warn(capture, journal, line, wrong->message);
        }
        if (!end)
            break;
        at = end + 1;
        left -= length + 1;
    }
    return TRUE;
}

struct capture *capture_open(const char *path, GError **error)
{
    g_autoptr(capture_auto) capture = capture_new(path);
    g_autofree char *journal = g_build_filename(path, "capture.jsonl", NULL);
    g_autoptr(GBytes) bytes = map_regular(journal, CAPTURE_JOURNAL_BYTES, error);

    if (!bytes || !read_lines(capture, journal, bytes, error))
        return NULL;
    return g_steal_pointer(&capture);
}

static gboolean has_digest(const char *wanted, GBytes *bytes)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned digest_size;
    size_t size;
    const void *data = g_bytes_get_data(bytes, &size);
    g_autoptr(GString) text = g_string_new(NULL);

    if (!EVP_Digest(size > 0 ? data : "", size, digest, &digest_size, EVP_sha256(), NULL))
        return FALSE;
    text_hex(text, digest, digest_size);
    return strcmp(text->str, wanted) == 0;
}

static char *object_path(const struct capture *capture, const char *digest, GError **error)
{
    if (record_is_digest(digest))
        return g_strdup_printf("%s/objects/%.2s/%s", capture->path, digest, digest);
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: a name that no object can have", capture->path);
    return NULL;
}

GBytes *capture_load(const struct capture *capture, const char *digest, size_t limit_bytes, GError **error)
{
    g_autofree char *path = object_path(capture, digest, error);
    g_autoptr(GBytes) bytes = path ? map_regular(path, limit_bytes, error) : NULL;

    if (bytes && !has_digest(digest, bytes)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: does not match its name", path);
        return NULL;
    }
    return g_steal_pointer(&bytes);
}

int capture_open_object(const struct capture *capture, const char *digest, size_t limit_bytes, GError **error)
{
    g_autoptr(GBytes) bytes = capture_load(capture, digest, limit_bytes, error);
    g_autofree char *path = bytes ? object_path(capture, digest, error) : NULL;
    int64_t size;

    return path ? file_open(path, &size, error) : -1;
}
