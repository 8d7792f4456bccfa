#include "capture.h"

#include "error.h"
#include "file.h"
#include "journal.h"
#include "record.h"
#include "text.h"

#include <openssl/evp.h>
#include <string.h>

static void warn(struct capture *capture, const char *journal, unsigned line, const GError *error)
{
    g_ptr_array_add(capture->warnings, g_strdup_printf("%s:%u: %s", journal, line, error->message));
}

/* The last line of a name counts, at the place of the first. */
static void add_host(struct capture *capture, GHashTable *places, struct capture_host *host)
{
    gpointer place;

    if (g_hash_table_lookup_extended(places, host->name, NULL, &place)) {
        guint index = GPOINTER_TO_UINT(place);
        g_hash_table_replace(places, host->name, place); /* the key of the old one goes with it */
        capture_host_free(capture->hosts->pdata[index]);
        capture->hosts->pdata[index] = host;
    } else {
        g_hash_table_insert(places, host->name, GUINT_TO_POINTER(capture->hosts->len));
        g_ptr_array_add(capture->hosts, host);
    }
}

static gboolean read_journal(struct capture *capture, const char *journal, const char *text, size_t size,
                             GError **error)
{
    g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal);
    size_t whole = journal_whole_bytes(text, size);
    unsigned line = 0;

    capture->torn = whole < size;
    for (size_t at = 0; at < whole;) {
        const char *end = memchr(text + at, '\n', whole - at);
        size_t length = end ? (size_t)(end - text) - at : whole - at;
        g_autoptr(GError) wrong = NULL;
        line++;
        if (line == 1) {
            if (!journal_parse_header(&capture->header, text + at, length, error)) {
                g_prefix_error(error, "%s:1: ", journal);
                return FALSE;
            }
        } else {
            struct capture_host *host = journal_parse_host(text + at, length, &wrong);
            if (host)
                add_host(capture, places, host);
            else
                warn(capture, journal, line, wrong);
        }
        at += length + 1;
    }
    if (line == 0)
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s:1: no header of a %s", journal, CAPTURE_FORMAT);
    return line > 0;
}

struct capture *capture_open(const char *path, GError **error)
{
    g_autofree char *journal = g_build_filename(path, "capture.jsonl", NULL);
    g_autoptr(GBytes) bytes = file_map(journal, CAPTURE_JOURNAL_BYTES, error);
    if (!bytes)
        return NULL;
    g_autoptr(capture_auto) capture = g_new0(struct capture, 1);
    capture->path = g_strdup(path);
    capture->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)capture_host_free);
    capture->warnings = g_ptr_array_new_with_free_func(g_free);
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);
    if (!read_journal(capture, journal, text, size, error))
        return NULL;
    return g_steal_pointer(&capture);
}

static gboolean has_digest(const void *bytes, size_t size, const char *digest)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    size_t length = 0;
    g_autoptr(GString) hex = g_string_new(NULL);

    g_assert(EVP_Q_digest(NULL, "SHA256", NULL, bytes, size, value, &length) == 1);
    text_hex(hex, value, length);
    return strcmp(hex->str, digest) == 0;
}

GBytes *capture_load(const struct capture *capture, const char *digest, size_t limit_bytes, GError **error)
{
    if (!record_is_digest(digest)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: not the name of an object", capture->path);
        return NULL;
    }
    g_autofree char *shelf = g_strndup(digest, 2);
    g_autofree char *path = g_build_filename(capture->path, "objects", shelf, digest, NULL);
    g_autoptr(GBytes) bytes = file_map(path, limit_bytes, error);
    if (!bytes)
        return NULL;
    gsize size;
    const void *content = g_bytes_get_data(bytes, &size);
    /* Objects are evidence, and a capture may have come a long way. */
    if (!has_digest(content, size, digest)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: its bytes do not match its name", path);
        return NULL;
    }
    return g_steal_pointer(&bytes);
}

void capture_free(struct capture *capture)
{
    if (!capture)
        return;
    journal_clear_header(&capture->header);
    g_ptr_array_unref(capture->hosts);
    g_ptr_array_unref(capture->warnings);
    g_free(capture->path);
    g_free(capture);
}
