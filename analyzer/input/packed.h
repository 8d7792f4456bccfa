/*
 * Packed input: gzip, bzip2, xz and zstd data, and tar and zip archives, opened with libarchive as a stream.
 *
 * Nothing is written to disk, and a name in an archive is text and never a path.  The bytes may be hostile: the limits
 * below hold for one input with all that is packed inside of it, and reaching one ends it with an error.
 */
#ifndef TRUSTGAP_PACKED_H
#define TRUSTGAP_PACKED_H

#include <glib.h>
#include <stdint.h>

#define PACKED_BYTES        ((uint64_t)16 * 1024 * 1024 * 1024) /* unpacked, in all passes over it */
#define PACKED_RATIO        1000                                /* unpacked to packed, in one pass, beyond ... */
#define PACKED_RATIO_FREE   ((uint64_t)256 * 1024 * 1024)       /* ... so much */
#define PACKED_ENTRIES      20000                               /* in all archives of one input */
#define PACKED_DEPTH        3                                   /* archives in archives, and filters of one */
#define PACKED_MEMORY_BYTES ((size_t)256 * 1024 * 1024)         /* of a packed stream, or of an archive in another */
#define PACKED_HEAD_BYTES   512                                 /* that tell the kind */

struct packed_budget { /* of one input; all 0 at first */
    uint64_t unpacked; /* in earlier passes, and by other archives of it */
    unsigned entries;
};

struct packed;

/**
 * packed_is(head, size):
 * Whether bytes that begin like this are packed in a way that is known here; PACKED_HEAD_BYTES are enough.
 */
gboolean packed_is(const void *head, size_t size);

/**
 * packed_open(path, fd, bytes, budget, error):
 * Begin to read the regular file ${fd}, from its beginning, or ${bytes} where that is not NULL; both have to stay.
 * ${path} is what messages call it.  NULL with ${error} set (TRUSTGAP_ERROR_INTERNAL) if libarchive refuses.  Free with
 * packed_close().
 */
struct packed *packed_open(const char *path, int fd, GBytes *bytes, struct packed_budget *budget, GError **error);
void packed_close(struct packed *packed);

/**
 * packed_next(packed, error):
 * Go to the next regular file in it; what is left of the one before is passed over.  FALSE at the end, where it is
 * damaged (packed_trouble()), and with ${error} set (TRUSTGAP_ERROR_LIMIT) where a limit is reached.
 */
gboolean packed_next(struct packed *packed, GError **error);

/**
 * packed_name(packed):
 * The name of the current file, as it stands there; NULL if there is no name, since it is a packed file and no archive.
 */
const char *packed_name(const struct packed *packed);

/**
 * packed_read(packed, bytes, size, error):
 * The next piece of the current file: ${*bytes} until the next call, ${*size} 0 at its end or where it is damaged.
 * FALSE with ${error} set where a limit is reached.
 */
gboolean packed_read(struct packed *packed, const void **bytes, size_t *size, GError **error);

/**
 * packed_trouble(packed):
 * What is wrong with it, without a path: "is damaged (truncated gzip input)"; NULL so far nothing is.  It stays.
 */
const char *packed_trouble(const struct packed *packed);

typedef struct packed packed_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(packed_auto, packed_close)

#endif
