/*
 * Files that are either wholly there or not at all.
 *
 * An output is written to a temporary file beside its place and renamed over it at the end, so a reader never sees a
 * half-written one and a failed run leaves the old one as it was.
 */
#ifndef TRUSTGAP_FILE_H
#define TRUSTGAP_FILE_H

#include "error.h"

#include <glib.h>
#include <stdint.h>

struct file_output;

/**
 * file_output_open(path, mode, error):
 * Begin to write ${path} with the permissions ${mode} (as in 0600).  "-" is standard output, which has no rename.
 * Return NULL with ${error} set, beginning with ${path}, if the temporary file can't be made.  The result must be given
 * to exactly one of file_output_commit() and file_output_abort().
 */
struct file_output *file_output_open(const char *path, int mode, GError **error);

/**
 * file_output_write(output, bytes, size):
 * Append.  An error (disk full) is kept and told by file_output_commit(); what follows is then ignored.
 */
void file_output_write(struct file_output *output, const void *bytes, size_t size);

/**
 * file_output_puts(output, text), file_output_printf(output, format, ...):
 * Append a string; append as printf(3) does.
 */
void file_output_puts(struct file_output *output, const char *text);
void file_output_printf(struct file_output *output, const char *format, ...) G_GNUC_PRINTF(2, 3);

/**
 * file_output_failed(output):
 * TRUE once a write has failed, so that a long writer may stop early.
 */
gboolean file_output_failed(const struct file_output *output);

/**
 * file_output_commit(output, error):
 * Flush to the disk and rename into place; free ${output} in any case.  On failure return FALSE with ${error} set
 * (TRUSTGAP_ERROR_PIPE if it is a pipe that nobody reads any more, else _IO); the temporary file is gone and what stood
 * at the path before is untouched.
 */
gboolean file_output_commit(struct file_output *output, GError **error);

/**
 * file_output_abort(output):
 * Throw away what was written and free ${output}.  NULL is fine.
 */
void file_output_abort(struct file_output *output);

/**
 * file_open(path, size_bytes, error), file_close(fd), file_name(path):
 * Open ${path} ("-": standard input) for reading; ${*size_bytes} is the size of a regular file, and -1 for all else.
 * Return a descriptor for file_close(), or -1 with ${error} set (TRUSTGAP_ERROR_MISSING, beginning with the path).  How
 * a message calls the path.
 */
int file_open(const char *path, int64_t *size_bytes, GError **error);
void file_close(int fd);
const char *file_name(const char *path);

/**
 * file_is_regular(path, error):
 * Whether ${path} is a regular file, or a link to one; else ${error} is set (TRUSTGAP_ERROR_MISSING if there is
 * nothing, else _SYNTAX).  For names that nobody typed: opening a pipe would wait for ever.  What a person names may be
 * a pipe.
 */
gboolean file_is_regular(const char *path, GError **error);

/**
 * file_read_regular(path, limit_bytes, error):
 * As file_read(), of a regular file or a link to one only (else TRUSTGAP_ERROR_SYNTAX), or of /dev/null, which is
 * empty: never waits for a pipe or a device, even if one takes the place of the file meanwhile.
 */
GBytes *file_read_regular(const char *path, size_t limit_bytes, GError **error);

/**
 * file_check_folder(path, error):
 * Whether this process may rely on the existing folder ${path}: as root, it has to be a folder of root, no link, and
 * nobody else may write to it.  Else ${error} is set (TRUSTGAP_ERROR_USAGE, beginning with the path).  TRUE if there is
 * nothing at ${path}, and for every other user.
 */
gboolean file_check_folder(const char *path, GError **error);

/**
 * file_error(error, code, path, what, number):
 * Set ${error} to "${path}: ${what}" and the text of the errno ${number}.
 */
void file_error(GError **error, enum trustgap_error code, const char *path, const char *what, int number);

/**
 * file_read(path, limit_bytes, error):
 * The whole of ${path} ("-": standard input), at most ${limit_bytes}; the caller frees it with g_bytes_unref().  NULL
 * with
 * ${error} set (TRUSTGAP_ERROR_MISSING, _LIMIT or _IO, beginning with the path) if that fails.
 */
GBytes *file_read(const char *path, size_t limit_bytes, GError **error);

/**
 * file_map(path, limit_bytes, error):
 * The same, mapped into memory where ${path} is a regular file, so that its size does not matter; read where it isn't.
 */
GBytes *file_map(const char *path, size_t limit_bytes, GError **error);

/**
 * file_make_folder(path, error):
 * Make the folder ${path} and those above it, with permissions 0700, unless it is there.
 */
gboolean file_make_folder(const char *path, GError **error);

#endif
