#include "capture.h"

#include "error.h"
#include "file.h"
#include "journal.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct capture_writer {
    char *objects; /* CAPTURE/objects */
    char *journal; /* CAPTURE/capture.jsonl */
    int fd;
};

struct capture_object {
    struct capture_writer *writer;
    char *temporary;
    int fd;
    EVP_MD_CTX *digest;
};

static gboolean fail(GError **error, const char *path, const char *what)
{
    int number = errno;
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "%s: %s: %s", path, what, g_strerror(number));
    return FALSE;
}

static gboolean write_all(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;

    while (size > 0) {
        ssize_t done = write(fd, at, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return FALSE;
        at += done;
        size -= (size_t)done;
    }
    return TRUE;
}

/* A whole line or nothing: what a full disk left of it is cut off again. */
static gboolean append_line(struct capture_writer *writer, const char *line, GError **error)
{
    off_t before = lseek(writer->fd, 0, SEEK_END);

    if (before < 0)
        return fail(error, writer->journal, "cannot be written");
    if (write_all(writer->fd, line, strlen(line)) && fsync(writer->fd) == 0)
        return TRUE;
    fail(error, writer->journal, "cannot be written");
    if (ftruncate(writer->fd, before) != 0)
        g_prefix_error(error, "%s: ends in half a line: ", writer->journal);
    return FALSE;
}

static struct capture_writer *writer_open(const char *path, int flags, GError **error)
{
    struct capture_writer *writer = g_new0(struct capture_writer, 1);

    writer->objects = g_build_filename(path, "objects", NULL);
    writer->journal = g_build_filename(path, "capture.jsonl", NULL);
    writer->fd = open(writer->journal, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (writer->fd < 0) {
        if (errno == ENOENT)
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING, "%s: no such capture", path);
        else if (errno == EEXIST)
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "%s: a capture is there already", path);
        else
            fail(error, writer->journal, "cannot be opened");
    } else if (file_make_folder(writer->objects, error)) {
        return writer;
    }
    capture_close(writer);
    return NULL;
}

static gboolean folder_is_free(const char *path, GError **error)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *first = dir ? g_dir_read_name(dir) : NULL;

    if (!first)
        return TRUE;
    if (strcmp(first, "capture.jsonl") == 0 || strcmp(first, "objects") == 0)
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "%s: a capture is there already", path);
    else
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "%s: the folder is not empty", path);
    return FALSE;
}

struct capture_writer *capture_create(const char *path, const struct capture_header *header, GError **error)
{
    if (!file_make_folder(path, error) || !folder_is_free(path, error))
        return NULL;
    if (chmod(path, 0700) != 0) {
        fail(error, path, "cannot be made private");
        return NULL;
    }
    struct capture_writer *writer = writer_open(path, O_CREAT | O_EXCL, error);
    g_autofree char *line = journal_print_header(header);
    if (writer && !append_line(writer, line, error)) {
        unlink(writer->journal);
        g_clear_pointer(&writer, capture_close);
    }
    return writer;
}

struct capture_writer *capture_append(const char *path, GError **error)
{
    struct capture_writer *writer = writer_open(path, 0, error);
    if (!writer)
        return NULL;
    g_autoptr(GBytes) bytes = file_map(writer->journal, CAPTURE_JOURNAL_BYTES, error);
    if (bytes) {
        size_t size = g_bytes_get_size(bytes);
        size_t whole = journal_whole_bytes(g_bytes_get_data(bytes, NULL), size);
        if (whole == size || ftruncate(writer->fd, (off_t)whole) == 0)
            return writer;
        fail(error, writer->journal, "its torn last line cannot be cut off");
    }
    capture_close(writer);
    return NULL;
}

void capture_close(struct capture_writer *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    g_free(writer->objects);
    g_free(writer->journal);
    g_free(writer);
}

gboolean capture_write_host(struct capture_writer *writer, const struct capture_host *host, GError **error)
{
    g_autofree char *line = journal_print_host(host, error);

    if (!line) {
        g_prefix_error(error, "%s: %s: ", writer->journal, host->name);
        return FALSE;
    }
    return append_line(writer, line, error);
}

struct capture_object *capture_object_new(struct capture_writer *writer, GError **error)
{
    g_autofree char *temporary = g_build_filename(writer->objects, "new-XXXXXX", NULL);
    int fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, 0600);

    if (fd < 0) {
        fail(error, writer->objects, "no file can be made there");
        return NULL;
    }
    struct capture_object *object = g_new0(struct capture_object, 1);
    object->writer = writer;
    object->temporary = g_steal_pointer(&temporary);
    object->fd = fd;
    object->digest = EVP_MD_CTX_new();
    g_assert(EVP_DigestInit_ex(object->digest, EVP_sha256(), NULL) == 1);
    return object;
}

gboolean capture_object_add(struct capture_object *object, const void *bytes, size_t size, GError **error)
{
    if (!write_all(object->fd, bytes, size))
        return fail(error, object->temporary, "cannot be written");
    g_assert(EVP_DigestUpdate(object->digest, bytes, size) == 1);
    return TRUE;
}

static char *finish_digest(struct capture_object *object)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned int size = 0;

    g_assert(EVP_DigestFinal_ex(object->digest, value, &size) == 1);
    GString *hex = g_string_new(NULL);
    text_hex(hex, value, size);
    return g_string_free(hex, FALSE);
}

static gboolean put_in_place(struct capture_object *object, const char *digest, GError **error)
{
    g_autofree char *shelf = g_strndup(digest, 2);
    g_autofree char *folder = g_build_filename(object->writer->objects, shelf, NULL);
    g_autofree char *path = g_build_filename(folder, digest, NULL);

    if (g_access(path, F_OK) == 0)
        return TRUE; /* the same content is there; the temporary file goes */
    if (!file_make_folder(folder, error))
        return FALSE;
    if (fsync(object->fd) != 0 || rename(object->temporary, path) != 0)
        return fail(error, path, "cannot be written");
    g_clear_pointer(&object->temporary, g_free);
    return TRUE;
}

char *capture_object_finish(struct capture_object *object, GError **error)
{
    g_autofree char *digest = finish_digest(object);
    gboolean ok = put_in_place(object, digest, error);

    capture_object_abort(object);
    return ok ? g_steal_pointer(&digest) : NULL;
}

void capture_object_abort(struct capture_object *object)
{
    if (!object)
        return;
    close(object->fd);
    if (object->temporary)
        unlink(object->temporary);
    EVP_MD_CTX_free(object->digest);
    g_free(object->temporary);
    g_free(object);
}
