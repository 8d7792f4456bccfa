#include "file.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define OUTPUT_BUFFER_BYTES ((size_t)64 * 1024)

struct file_output {
    char *path;
    char *temporary; /* NULL for standard output */
    int fd;
    int failure; /* errno of the first write that failed, 0 if none did */
    GByteArray *buffer;
};

void file_error(GError **error, enum trustgap_error code, const char *path, const char *what, int number)
{
    g_set_error(error, TRUSTGAP_ERROR, (int)code, "%s: %s%s", path, what, g_strerror(number));
}

struct file_output *file_output_open(const char *path, int mode, GError **error)
{
    if (strcmp(path, "-") == 0) {
        struct file_output *output = g_new0(struct file_output, 1);
        output->path = g_strdup("standard output");
        output->fd = STDOUT_FILENO;
        output->buffer = g_byte_array_sized_new(OUTPUT_BUFFER_BYTES);
        return output;
    }
    struct stat old;
    if (stat(path, &old) == 0 && !S_ISREG(old.st_mode)) {
        if (S_ISDIR(old.st_mode)) {
            file_error(error, TRUSTGAP_ERROR_IO, path, "", EISDIR);
            return NULL;
        }
        /* A device or a pipe (/dev/stdout, /dev/full): written to as it is, a rename would destroy it. */
        int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0) {
            file_error(error, TRUSTGAP_ERROR_IO, path, "cannot be written: ", errno);
            return NULL;
        }
        struct file_output *output = g_new0(struct file_output, 1);
        output->path = g_strdup(path);
        output->fd = fd;
        output->buffer = g_byte_array_sized_new(OUTPUT_BUFFER_BYTES);
        return output;
    }
    g_autofree char *temporary = g_strconcat(path, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(temporary, O_WRONLY | O_CLOEXEC, mode);
    if (fd < 0) {
        file_error(error, TRUSTGAP_ERROR_IO, path, "cannot be created: ", errno);
        return NULL;
    }
    struct file_output *output = g_new0(struct file_output, 1);
    output->path = g_strdup(path);
    output->temporary = g_steal_pointer(&temporary);
    output->fd = fd;
    output->buffer = g_byte_array_sized_new(OUTPUT_BUFFER_BYTES);
    return output;
}

static void output_flush(struct file_output *output)
{
    const uint8_t *at = output->buffer->data;
    size_t left = output->buffer->len;

    while (left > 0 && !output->failure) {
        ssize_t done = write(output->fd, at, left);
        if (done < 0) {
            if (errno != EINTR)
                output->failure = errno;
            continue;
        }
        at += done;
        left -= (size_t)done;
    }
    g_byte_array_set_size(output->buffer, 0);
}

void file_output_write(struct file_output *output, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    while (size > 0 && !output->failure) {
        size_t part = MIN(size, OUTPUT_BUFFER_BYTES - output->buffer->len);
        g_byte_array_append(output->buffer, at, (guint)part);
        at += part;
        size -= part;
        if (output->buffer->len == OUTPUT_BUFFER_BYTES)
            output_flush(output);
    }
}

void file_output_puts(struct file_output *output, const char *text)
{
    file_output_write(output, text, strlen(text));
}

void file_output_printf(struct file_output *output, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    file_output_puts(output, text);
}

gboolean file_output_failed(const struct file_output *output)
{
    return output->failure != 0;
}

static void output_free(struct file_output *output)
{
    g_byte_array_unref(output->buffer);
    g_free(output->temporary);
    g_free(output->path);
    g_free(output);
}

gboolean file_output_commit(struct file_output *output, GError **error)
{
    output_flush(output);
    if (output->fd != STDOUT_FILENO) {
        if (output->temporary && !output->failure && fsync(output->fd) != 0)
            output->failure = errno;
        if (close(output->fd) != 0 && !output->failure)
            output->failure = errno;
    }
    if (output->temporary) {
        if (!output->failure && rename(output->temporary, output->path) != 0)
            output->failure = errno;
        if (output->failure)
            unlink(output->temporary);
    }
    gboolean ok = output->failure == 0;
    if (!ok)
        file_error(error, output->failure == EPIPE ? TRUSTGAP_ERROR_PIPE : TRUSTGAP_ERROR_IO, output->path,
                   "cannot be written: ", output->failure);
    output_free(output);
    return ok;
}

void file_output_abort(struct file_output *output)
{
    if (!output)
        return;
    if (output->fd != STDOUT_FILENO)
        close(output->fd);
    if (output->temporary)
        unlink(output->temporary);
    output_free(output);
}

/* Of a file whose size is known there is one copy in memory, so that whoever has to can overwrite it. */
static GBytes *read_all(int fd, const char *path, int64_t size, size_t limit_bytes, GError **error)
{
    size_t expected = size > 0 ? MIN((size_t)size, limit_bytes) : 0;
    g_autoptr(GByteArray) all = g_byte_array_sized_new((guint)(expected + OUTPUT_BUFFER_BYTES));
    guint used = 0;

    for (;;) {
        g_byte_array_set_size(all, used + (guint)OUTPUT_BUFFER_BYTES);
        ssize_t got = read(fd, all->data + used, OUTPUT_BUFFER_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            file_error(error, TRUSTGAP_ERROR_IO, path, "cannot be read: ", errno);
            return NULL;
        }
        if (got == 0)
            break;
        if ((size_t)got > limit_bytes - used) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s: larger than the limit of %zu bytes", path,
                        limit_bytes);
            return NULL;
        }
        used += (guint)got;
    }
    g_byte_array_set_size(all, used);
    return g_byte_array_free_to_bytes(g_steal_pointer(&all));
}

int file_open(const char *path, int64_t *size_bytes, GError **error)
{
    gboolean standard = strcmp(path, "-") == 0;
    const char *name = file_name(path);
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat now;

    if (fd < 0 || fstat(fd, &now) != 0) {
        file_error(error, TRUSTGAP_ERROR_MISSING, name, "", errno);
    } else if (S_ISDIR(now.st_mode)) {
        file_error(error, TRUSTGAP_ERROR_MISSING, name, "", EISDIR);
    } else {
        *size_bytes = S_ISREG(now.st_mode) ? now.st_size : -1;
        return fd;
    }
    if (fd >= 0)
        file_close(fd);
    return -1;
}

gboolean file_is_regular(const char *path, GError **error)
{
    struct stat now;

    if (stat(path, &now) != 0)
        file_error(error, TRUSTGAP_ERROR_MISSING, path, "", errno);
    else if (S_ISDIR(now.st_mode))
        file_error(error, TRUSTGAP_ERROR_MISSING, path, "", EISDIR);
    else if (!S_ISREG(now.st_mode))
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: not a regular file", path);
    else
        return TRUE;
    return FALSE;
}

GBytes *file_read_regular(const char *path, size_t limit_bytes, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    GBytes *bytes = NULL;
    struct stat now;

    if (fd < 0 || fstat(fd, &now) != 0)
        file_error(error, TRUSTGAP_ERROR_MISSING, path, "", errno);
    else if (S_ISDIR(now.st_mode))
        file_error(error, TRUSTGAP_ERROR_MISSING, path, "", EISDIR);
    else if (S_ISCHR(now.st_mode) && now.st_rdev == makedev(1, 3)) /* on Linux, of every machine */
        bytes = g_bytes_new(NULL, 0);
    else if (!S_ISREG(now.st_mode))
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: not a regular file", path);
    else if ((uint64_t)now.st_size > limit_bytes)
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s: larger than the limit of %zu bytes", path,
                    limit_bytes);
    else
        bytes = read_all(fd, path, now.st_size, limit_bytes, error);
    if (fd >= 0)
        close(fd);
    return bytes;
}

gboolean file_check_folder(const char *path, GError **error)
{
    g_autofree char *name = g_strdup(path);
    struct stat now;
    const char *why = NULL;

    /* With a slash behind it a link would be followed. */
    for (size_t size = strlen(name); size > 1 && (name[size - 1] == '/' || g_str_has_suffix(name, "/.")); size--)
        name[size - 1] = '\0';
    if (geteuid() != 0 || lstat(name, &now) != 0)
        return TRUE;
    if (S_ISLNK(now.st_mode))
        why = "is a link, which root doesn't follow: name the folder itself";
    else if (!S_ISDIR(now.st_mode))
        return TRUE; /* whoever wants a folder there will say so */
    else if (now.st_uid != 0)
        why = "belongs to another user, who could replace what root writes there: choose another folder, or chown it "
              "to root";
    else if (now.st_mode & (S_IWGRP | S_IWOTH))
        why = "others may write to it and could replace what root writes there: choose another folder, or chmod go-w";
    if (!why)
        return TRUE;
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "%s: %s", path, why);
    return FALSE;
}

void file_close(int fd)
{
    if (fd != STDIN_FILENO)
        close(fd);
}

const char *file_name(const char *path)
{
    return strcmp(path, "-") == 0 ? "standard input" : path;
}

static GBytes *read_or_map(const char *path, size_t limit_bytes, gboolean mapped, GError **error)
{
    const char *name = file_name(path);
    int64_t size = 0;
    int fd = file_open(path, &size, error);
    GBytes *bytes = NULL;

    limit_bytes = MIN(limit_bytes, (size_t)G_MAXSSIZE);
    if (fd < 0)
        return NULL;
    if (size >= 0 && (uint64_t)size > limit_bytes) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s: larger than the limit of %zu bytes", name,
                    limit_bytes);
    } else if (mapped && size >= 0) {
        g_autoptr(GMappedFile) file = g_mapped_file_new_from_fd(fd, FALSE, NULL);
        if (file)
            bytes = g_mapped_file_get_bytes(file);
        else
            bytes = read_all(fd, name, size, MIN(limit_bytes, (size_t)G_MAXUINT32 - 2 * OUTPUT_BUFFER_BYTES), error);
    } else {
        bytes = read_all(fd, name, size, MIN(limit_bytes, (size_t)G_MAXUINT32 - 2 * OUTPUT_BUFFER_BYTES), error);
    }
    file_close(fd);
    return bytes;
}

GBytes *file_read(const char *path, size_t limit_bytes, GError **error)
{
    return read_or_map(path, limit_bytes, FALSE, error);
}

GBytes *file_map(const char *path, size_t limit_bytes, GError **error)
{
    return read_or_map(path, limit_bytes, TRUE, error);
}

gboolean file_make_folder(const char *path, GError **error)
{
    if (g_mkdir_with_parents(path, 0700) != 0) {
        file_error(error, TRUSTGAP_ERROR_IO, path, "cannot be created: ", errno);
        return FALSE;
    }
    return TRUE;
}
