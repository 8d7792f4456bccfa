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
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define UNFINISHED_PREFIX "new."
#define LOOK_EVERY_BYTES  ((int64_t)1024 * 1024) /* at the free space of the file system */

struct capture_writer {
    char *journal; /* path of capture.jsonl */
    char *objects; /* path of the folder */
    int fd;
    off_t size;                          /* of the journal, up to the last whole line */
    gboolean torn;                       /* bytes behind that could not be cut off yet */
    unsigned open;                       /* objects */
    gboolean unsynced;                   /* objects came since the last host */
    GString *lines;                      /* that are to be written with the next commit */
    int64_t budget_bytes, reserve_bytes; /* 0: none */
    int64_t spent_bytes;                 /* of the budget */
    int64_t unseen_bytes;                /* written since the free space was looked at */
};

struct capture_object {
    struct capture_writer *writer;
    char *path;
    int fd;
    int64_t size_bytes;
    gboolean failed;
    EVP_MD_CTX *digest;
};

static void set_errno(GError **error, const char *path, const char *what, int number)
{
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "%s: %s: %s", path, what, g_strerror(number));
}

static struct capture_writer *writer_new(const char *path)
{
    struct capture_writer *writer = g_new0(struct capture_writer, 1);

    writer->journal = g_build_filename(path, "capture.jsonl", NULL);
    writer->objects = g_build_filename(path, "objects", NULL);
    writer->fd = -1;
    writer->lines = g_string_new(NULL);
    return writer;
}

void capture_close(struct capture_writer *writer)
{
    if (!writer)
        return;
    g_assert(writer->open == 0);
    if (writer->fd >= 0)
        close(writer->fd);
    g_string_free(writer->lines, TRUE);
    g_free(writer->journal);
    g_free(writer->objects);
    g_free(writer);
}

typedef struct capture_writer writer_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(writer_auto, capture_close)

/* Open the journal and keep every other process from writing it. */
static gboolean open_journal(struct capture_writer *writer, GError **error)
{
    writer->fd = open(writer->journal, O_RDWR | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (writer->fd < 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING, "%s: %s", writer->journal, g_strerror(errno));
        return FALSE;
    }
    struct stat now;
    if (fstat(writer->fd, &now) != 0 || !S_ISREG(now.st_mode)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: not a regular file", writer->journal);
        return FALSE;
    }
    /* Some network file systems have no locks: better to go on there than not to collect. */
    if (flock(writer->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "%s: another process is writing it", writer->journal);
        return FALSE;
    }
    writer->size = now.st_size;
    return TRUE;
}

/* Never into somebody's other files, and not over a capture: that is capture_append(). */
static gboolean is_free(const char *path, GError **error)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *first = folder ? g_dir_read_name(folder) : NULL;

    if (!first)
        return TRUE;
    g_autofree char *journal = g_build_filename(path, "capture.jsonl", NULL);
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "%s: %s", path,
                g_file_test(journal, G_FILE_TEST_EXISTS) ? "a capture is there already" : "the folder is not empty");
    return FALSE;
}

static gboolean make_folders(struct capture_writer *writer, const char *path, GError **error)
{
    if (!file_check_folder(path, error) || !file_make_folder(path, error) || !is_free(path, error))
        return FALSE;
    if (g_chmod(path, 0700) != 0) {
        set_errno(error, path, "cannot be made private", errno);
        return FALSE;
    }
    return file_make_folder(writer->objects, error);
}

/* Bring the names inside of a folder to the disk. */
static gboolean sync_folder(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean ok = fd >= 0 && fsync(fd) == 0;

    if (!ok)
        set_errno(error, path, "cannot be written", errno);
    if (fd >= 0)
        close(fd);
    return ok;
}

struct capture_writer *capture_create(const char *path, const struct capture_header *header, GError **error)
{
    g_autoptr(writer_auto) writer = writer_new(path);
    g_autofree char *line = journal_print_header(header);

    if (!make_folders(writer, path, error))
        return NULL;
    struct file_output *output = file_output_open(writer->journal, 0600, error);
    if (!output)
        return NULL;
    file_output_puts(output, line);
    if (!file_output_commit(output, error) || !sync_folder(path, error) || !open_journal(writer, error))
        return NULL;
    return g_steal_pointer(&writer);
}

/* What a killed run left half-written in objects/. */
static void remove_unfinished(const struct capture_writer *writer)
{
    g_autoptr(GDir) folder = g_dir_open(writer->objects, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        if (!g_str_has_prefix(name, UNFINISHED_PREFIX))
            continue;
        g_autofree char *path = g_build_filename(writer->objects, name, NULL);
        g_unlink(path);
    }
}

static gboolean cut_journal(struct capture_writer *writer, GError **error)
{
    writer->torn = ftruncate(writer->fd, writer->size) != 0;
    if (writer->torn)
        set_errno(error, writer->journal, "cannot be cut", errno);
    return !writer->torn;
}

static gboolean append_lines(struct capture_writer *writer, const char *lines, size_t size, GError **error)
{
    ssize_t done = write(writer->fd, lines, size);

    if (done == (ssize_t)size && fsync(writer->fd) == 0) {
        writer->size += done;
        writer->spent_bytes += done;
        return TRUE;
    }
    /* A short write sets no errno; there is one cause that it can have. */
    set_errno(error, writer->journal, "cannot be written", done >= 0 && done < (ssize_t)size ? ENOSPC : errno);
    /* If not even this succeeds it is tried again before the next line. */
    cut_journal(writer, NULL);
    return FALSE;
}

static gboolean check_header(const char *path, GBytes *bytes, GError **error)
{
    size_t size;
    const char *text = g_bytes_get_data(bytes, &size);
    const char *end = size > 0 ? memchr(text, '\n', size) : NULL;
    struct capture_header header = {0};

    gboolean ok = journal_parse_header(&header, text, end ? (size_t)(end - text) : size, error);
    if (!ok)
        g_prefix_error(error, "%s:1: ", path);
    journal_clear_header(&header);
    return ok;
}

struct capture_writer *capture_append(const char *path, const struct capture_header *header, GError **error)
{
    g_autoptr(writer_auto) writer = writer_new(path);

    if (!file_check_folder(path, error) || !file_check_folder(writer->objects, error) || !open_journal(writer, error))
        return NULL;
    g_autoptr(GBytes) bytes = file_map(writer->journal, CAPTURE_JOURNAL_BYTES, error);
    if (!bytes || !check_header(writer->journal, bytes, error))
        return NULL;
    size_t size;
    const void *text = g_bytes_get_data(bytes, &size);
    writer->size = (off_t)journal_whole_bytes(text, size);
    if (!cut_journal(writer, error) || !file_make_folder(writer->objects, error))
        return NULL;
    remove_unfinished(writer);
    if (header) {
        g_autofree char *line = journal_print_header(header);
        if (!append_lines(writer, line, strlen(line), error))
            return NULL;
    }
    return g_steal_pointer(&writer);
}

/* Bytes that are free, and how many of them have to stay so; FALSE if nobody knows. */
static gboolean look_at_disk(const struct capture_writer *writer, int64_t *free_bytes, int64_t *reserve_bytes)
{
    struct statvfs disk;

    if (statvfs(writer->objects, &disk) != 0 || disk.f_blocks == 0)
        return FALSE;
    *free_bytes = (int64_t)MIN((uint64_t)disk.f_bavail * disk.f_frsize, (uint64_t)G_MAXINT64);
    uint64_t part = (uint64_t)disk.f_blocks * disk.f_frsize / CAPTURE_RESERVE_PART;
    *reserve_bytes = (int64_t)MIN(part, (uint64_t)CAPTURE_RESERVE_BYTES);
    return TRUE;
}

static gboolean refuse_disk(const struct capture_writer *writer, int64_t free_bytes, int64_t reserve_bytes,
                            GError **error)
{
    g_autofree char *left = g_format_size_full((guint64)free_bytes, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *reserve = g_format_size_full((guint64)reserve_bytes, G_FORMAT_SIZE_IEC_UNITS);

    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT,
                "%s: No space left: its file system has %s, and %s of it stay free", writer->objects, left, reserve);
    return FALSE;
}

gboolean capture_limit_disk(struct capture_writer *writer, int64_t budget_bytes, GError **error)
{
    int64_t free_bytes, reserve_bytes;

    writer->budget_bytes = budget_bytes;
    if (!look_at_disk(writer, &free_bytes, &reserve_bytes))
        return TRUE;
    writer->reserve_bytes = reserve_bytes;
    if (free_bytes > reserve_bytes)
        return TRUE;
    g_autoptr(GError) why = NULL;
    refuse_disk(writer, free_bytes, reserve_bytes, &why);
    g_set_error_literal(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, why->message);
    return FALSE;
}

/* Whether ${size} more bytes may be written to an object. */
static gboolean may_spend(struct capture_writer *writer, int64_t size, GError **error)
{
    int64_t free_bytes, reserve_bytes;

    if (writer->budget_bytes > 0 && size > writer->budget_bytes - writer->spent_bytes) {
        g_autofree char *budget = g_format_size_full((guint64)writer->budget_bytes, G_FORMAT_SIZE_IEC_UNITS);
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s: the disk budget of this run, %s, is used up",
                    writer->objects, budget);
        return FALSE;
    }
    if (writer->reserve_bytes == 0)
        return TRUE;
    writer->unseen_bytes += size;
    if (writer->unseen_bytes < LOOK_EVERY_BYTES)
        return TRUE;
    if (look_at_disk(writer, &free_bytes, &reserve_bytes) && free_bytes - size < reserve_bytes)
        return refuse_disk(writer, free_bytes, reserve_bytes, error);
    writer->unseen_bytes = 0;
    return TRUE;
}

static void object_free(struct capture_object *object)
{
    object->writer->open--;
    if (object->fd >= 0)
        close(object->fd);
    EVP_MD_CTX_free(object->digest);
    g_free(object->path);
    g_free(object);
}

struct capture_object *capture_object_new(struct capture_writer *writer, GError **error)
{
    g_autofree char *path = g_build_filename(writer->objects, UNFINISHED_PREFIX "XXXXXX", NULL);
    int fd = g_mkstemp_full(path, O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) {
        set_errno(error, writer->objects, "cannot be written", errno);
        return NULL;
    }
    struct capture_object *object = g_new0(struct capture_object, 1);
    object->writer = writer;
    object->path = g_steal_pointer(&path);
    object->fd = fd;
    object->digest = EVP_MD_CTX_new();
    writer->open++;
    if (!object->digest || !EVP_DigestInit_ex(object->digest, EVP_sha256(), NULL)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "OpenSSL has no SHA-256");
        capture_object_abort(object);
        return NULL;
    }
    return object;
}

gboolean capture_object_add(struct capture_object *object, const void *bytes, size_t size, GError **error)
{
    const char *at = bytes;

    if (object->failed) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "%s: an object is not whole", object->writer->objects);
        return FALSE;
    }
    if (!may_spend(object->writer, (int64_t)size, error))
        return FALSE;
    if (size > 0 && !EVP_DigestUpdate(object->digest, bytes, size)) {
        object->failed = TRUE;
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "OpenSSL cannot compute a SHA-256");
        return FALSE;
    }
    while (size > 0) {
        ssize_t done = write(object->fd, at, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            object->failed = TRUE;
            set_errno(error, object->writer->objects, "cannot be written", errno);
            return FALSE;
        }
        at += done;
        size -= (size_t)done;
        object->size_bytes += done;
        object->writer->spent_bytes += done;
    }
    return TRUE;
}

static char *object_digest(struct capture_object *object, uint8_t *first, GError **error)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size;

    if (!EVP_DigestFinal_ex(object->digest, digest, &size)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "OpenSSL cannot compute a SHA-256");
        return NULL;
    }
    GString *text = g_string_sized_new(CAPTURE_DIGEST_CHARS);
    text_hex(text, digest, size);
    *first = digest[0];
    return g_string_free(text, FALSE);
}

/* TRUE also if it is there already, whole: its name tells its content, a crash may at worst have left it short. */
static gboolean put_object(struct capture_object *object, const char *digest, uint8_t first, GError **error)
{
    struct capture_writer *writer = object->writer;
    g_autofree char *folder = g_strdup_printf("%s/%02x", writer->objects, first);
    g_autofree char *path = g_build_filename(folder, digest, NULL);
    struct stat now;

    writer->unsynced = TRUE;
    if (g_lstat(path, &now) == 0 && S_ISREG(now.st_mode) && now.st_size == object->size_bytes) {
        g_unlink(object->path);
        writer->spent_bytes -= object->size_bytes;
        return TRUE;
    }
    if (g_mkdir(folder, 0700) != 0 && errno != EEXIST) {
        set_errno(error, folder, "cannot be created", errno);
        return FALSE;
    }
    if (g_rename(object->path, path) != 0) {
        set_errno(error, path, "cannot be written", errno);
        return FALSE;
    }
    return TRUE;
}

char *capture_object_finish(struct capture_object *object, GError **error)
{
    uint8_t first = 0;
    g_autofree char *digest = NULL;

    if (object->failed)
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "%s: an object is not whole", object->writer->objects);
    else
        digest = object_digest(object, &first, error);
    if (!digest || !put_object(object, digest, first, error)) {
        capture_object_abort(object);
        return NULL;
    }
    object_free(object);
    return g_steal_pointer(&digest);
}

void capture_object_abort(struct capture_object *object)
{
    if (!object)
        return;
    g_unlink(object->path);
    object->writer->spent_bytes -= object->size_bytes;
    object_free(object);
}

/*
 * All objects and their names at once.  One fsync() for each would let a host that sends thousands of small ones hold
 * up all others for a minute.
 */
static gboolean sync_objects(struct capture_writer *writer, GError **error)
{
    if (!writer->unsynced)
        return TRUE;
    int fd = open(writer->objects, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    gboolean ok = fd >= 0 && syncfs(fd) == 0;

    if (!ok)
        set_errno(error, writer->objects, "cannot be written", errno);
    if (fd >= 0)
        close(fd);
    writer->unsynced = !ok;
    return ok;
}

gboolean capture_add_host(struct capture_writer *writer, const struct capture_host *host, GError **error)
{
    g_autofree char *line = journal_print_host(host, error);
    if (!line) {
        g_prefix_error(error, "%s: host %s: ", writer->journal, host->name);
        return FALSE;
    }
    if ((uint64_t)writer->size + writer->lines->len + strlen(line) > CAPTURE_JOURNAL_BYTES) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s: larger than the limit of %zu bytes",
                    writer->journal, CAPTURE_JOURNAL_BYTES);
        return FALSE;
    }
    g_string_append(writer->lines, line);
    return TRUE;
}

gboolean capture_commit(struct capture_writer *writer, GError **error)
{
    gboolean ok = (!writer->torn || cut_journal(writer, error)) && sync_objects(writer, error) &&
                  append_lines(writer, writer->lines->str, writer->lines->len, error);

    g_string_truncate(writer->lines, 0);
    return ok;
}

gboolean capture_write_host(struct capture_writer *writer, const struct capture_host *host, GError **error)
{
    return capture_add_host(writer, host, error) && capture_commit(writer, error);
}
