#include "packed.h"

#include "error.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t)128 * 1024)

struct packed {
    struct archive *archive;
    struct packed_budget *budget;
    char *path, *name, *trouble;
    int fd;
    GBytes *bytes; /* or NULL */
    uint64_t at;   /* of the next byte of the source */
    uint64_t size; /* of the source */
    uint64_t data; /* of entries, that were read */
    char *buffer;  /* READ_BYTES */
    gboolean over, in_entry;
};

gboolean packed_is(const void *head, size_t size)
{
    static const struct {
        size_t offset, size;
        const char *bytes;
    } kinds[] = {
        {0, 2, "\x1f\x8b"},         {0, 3, "BZh"},        {0, 6, "\xfd\x37zXZ\0"},
        {0, 4, "\x28\xb5\x2f\xfd"}, {0, 4, "PK\x03\x04"}, {257, 5, "ustar"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (size >= kinds[i].offset + kinds[i].size &&
            memcmp((const char *)head + kinds[i].offset, kinds[i].bytes, kinds[i].size) == 0)
            return TRUE;
    return FALSE;
}

static la_ssize_t read_source(G_GNUC_UNUSED struct archive *archive, void *data, const void **bytes)
{
    struct packed *packed = data;

    if (packed->bytes) {
        size_t size = (size_t)MIN(packed->size - packed->at, READ_BYTES);
        *bytes = (const char *)g_bytes_get_data(packed->bytes, NULL) + packed->at;
        packed->at += size;
        return (la_ssize_t)size;
    }
    ssize_t got;
    do
        got = pread(packed->fd, packed->buffer, READ_BYTES, (off_t)packed->at);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        archive_set_error(packed->archive, errno, "%s", g_strerror(errno));
        return ARCHIVE_FATAL;
    }
    *bytes = packed->buffer;
    packed->at += (uint64_t)got;
    return got;
}

static la_int64_t seek_source(G_GNUC_UNUSED struct archive *archive, void *data, la_int64_t offset, int whence)
{
    struct packed *packed = data;
    int64_t base = whence == SEEK_SET ? 0 : (int64_t)(whence == SEEK_CUR ? packed->at : packed->size);

    if (offset < -base || offset > (int64_t)packed->size - base)
        return ARCHIVE_FATAL;
    packed->at = (uint64_t)(base + offset);
    return (la_int64_t)packed->at;
}

static void set_trouble(struct packed *packed)
{
    const char *why = archive_error_string(packed->archive);

    packed->over = TRUE;
    if (!packed->trouble)
        packed->trouble =
            g_strdup_printf("is damaged or cannot be unpacked (%s)", why ? why : "libarchive doesn't say why");
}

/* What libarchive knows: these filters and formats, and of the rest (shells, programs, disks) nothing. */
static gboolean set_up(struct archive *archive)
{
    return archive_read_support_filter_gzip(archive) == ARCHIVE_OK &&
           archive_read_support_filter_bzip2(archive) == ARCHIVE_OK &&
           archive_read_support_filter_xz(archive) == ARCHIVE_OK &&
           archive_read_support_filter_zstd(archive) == ARCHIVE_OK &&
           archive_read_support_format_tar(archive) == ARCHIVE_OK &&
           archive_read_support_format_zip(archive) == ARCHIVE_OK &&
           archive_read_support_format_raw(archive) == ARCHIVE_OK;
}

struct packed *packed_open(const char *path, int fd, GBytes *bytes, struct packed_budget *budget, GError **error)
{
    struct packed *packed = g_new0(struct packed, 1);
    struct stat status;

    packed->archive = archive_read_new();
    packed->budget = budget;
    packed->path = g_strdup(path);
    packed->fd = fd;
    packed->bytes = bytes;
    packed->buffer = bytes ? NULL : g_malloc(READ_BYTES);
    packed->size = bytes ? g_bytes_get_size(bytes) : fstat(fd, &status) == 0 ? (uint64_t)status.st_size : 0;
    if (!packed->archive || !set_up(packed->archive) ||
        archive_read_set_read_callback(packed->archive, read_source) != ARCHIVE_OK ||
        archive_read_set_seek_callback(packed->archive, seek_source) != ARCHIVE_OK ||
        archive_read_set_callback_data(packed->archive, packed) != ARCHIVE_OK) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "%s: libarchive cannot be set up", path);
        packed_close(packed);
        return NULL;
    }
    if (archive_read_open1(packed->archive) != ARCHIVE_OK)
        set_trouble(packed);
    else if (archive_filter_count(packed->archive) - 1 > PACKED_DEPTH) {
        packed->over = TRUE;
        packed->trouble = g_strdup_printf("is packed more than %d times", PACKED_DEPTH);
    }
    return packed;
}

/* What one pass has unpacked so far: tar's headers and holes count too, and of a zip archive its entries. */
static uint64_t unpacked(const struct packed *packed)
{
    la_int64_t filtered = archive_filter_bytes(packed->archive, 0);
    return MAX(packed->data, filtered > 0 ? (uint64_t)filtered : 0);
}

void packed_close(struct packed *packed)
{
    if (!packed)
        return;
    if (packed->archive)
        packed->budget->unpacked += unpacked(packed);
    archive_read_free(packed->archive);
    g_free(packed->path);
    g_free(packed->name);
    g_free(packed->trouble);
    g_free(packed->buffer);
    g_free(packed);
}

static gboolean is_within(struct packed *packed, GError **error)
{
    uint64_t now = unpacked(packed);

    if (now > PACKED_RATIO_FREE && now / PACKED_RATIO > packed->size)
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT,
                    "%s: unpacks to more than %d times its size: it was not read further", packed->path, PACKED_RATIO);
    else if (packed->budget->unpacked + now > PACKED_BYTES)
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT,
                    "%s: unpacks to more than %" G_GUINT64_FORMAT " GiB: it was not read further", packed->path,
                    PACKED_BYTES >> 30);
    else
        return TRUE;
    packed->over = TRUE;
    return FALSE;
}

gboolean packed_read(struct packed *packed, const void **bytes, size_t *size, GError **error)
{
    la_int64_t offset;

    *size = 0;
    if (packed->over || !packed->in_entry)
        return TRUE;
    int result = archive_read_data_block(packed->archive, bytes, size, &offset);
    if (result == ARCHIVE_OK || result == ARCHIVE_WARN) {
        packed->data += *size;
        return is_within(packed, error);
    }
    *size = 0;
    packed->in_entry = FALSE;
    if (result != ARCHIVE_EOF)
        set_trouble(packed);
    return TRUE;
}

/* By reading it, so that libarchive cannot unpack without an end behind our back. */
static gboolean pass_over(struct packed *packed, GError **error)
{
    const void *bytes;
    size_t size;

    while (packed->in_entry && !packed->over)
        if (!packed_read(packed, &bytes, &size, error))
            return FALSE;
    return TRUE;
}

gboolean packed_next(struct packed *packed, GError **error)
{
    struct archive_entry *entry;

    for (;;) {
        if (!pass_over(packed, error) || packed->over)
            return FALSE;
        int result = archive_read_next_header(packed->archive, &entry);
        if (result == ARCHIVE_EOF) {
            packed->over = TRUE;
            return FALSE;
        }
        if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
            set_trouble(packed);
            return FALSE;
        }
        if (!is_within(packed, error))
            return FALSE;
        packed->in_entry = TRUE;
        if (packed->budget->entries++ >= PACKED_ENTRIES) {
            packed->over = TRUE;
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT,
                        "%s: more than %d files in it: it was not read further", packed->path, PACKED_ENTRIES);
            return FALSE;
        }
        /* Links, pipes and devices have no bytes of their own. */
        gboolean raw = archive_format(packed->archive) == ARCHIVE_FORMAT_RAW;
        if (raw && archive_filter_count(packed->archive) <= 1) {
            packed->over = TRUE;
            packed->trouble = g_strdup("begins like packed data, but is damaged or something else");
            return FALSE;
        }
        if (!raw && (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry)))
            continue;
        const char *name = archive_entry_pathname(entry);
        if (!name)
            name = archive_entry_pathname_utf8(entry);
        g_free(packed->name);
        packed->name = raw ? NULL : g_strdup(name ? name : "?");
        return TRUE;
    }
}

const char *packed_name(const struct packed *packed)
{
    return packed->name;
}

const char *packed_trouble(const struct packed *packed)
{
    return packed->trouble;
}
