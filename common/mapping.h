/*
 * A file in memory that somebody else may shorten meanwhile.
 *
 * What is mapped and no longer in the file can't be looked at: the kernel sends SIGBUS, which ends a process.  Here the
 * bytes that are gone become NUL instead, and the mapping tells from where on.  The same happens where the disk fails.
 */
#ifndef TRUSTGAP_MAPPING_H
#define TRUSTGAP_MAPPING_H

#include <glib.h>
#include <stdint.h>

struct mapping {
    int fd; /* the caller's, open as long as the mapping is there */
    const char *bytes;
    size_t size;
    size_t lost; /* private: from here on bytes could not be had; ${size} if all could */
};

/**
 * mapping_make(mapping, fd, size), mapping_clear(mapping):
 * Map the first ${size} bytes (not 0) of the regular file ${fd}.  FALSE if it can't be mapped; ${*mapping} then needs
 * no mapping_clear().
 */
gboolean mapping_make(struct mapping *mapping, int fd, size_t size);
void mapping_clear(struct mapping *mapping);

/**
 * mapping_use(mapping):
 * From now on the calling thread looks at the bytes of ${mapping}; NULL: of none.  Each thread has to say so itself:
 * one that did not ends the process when it meets what is gone.
 */
void mapping_use(struct mapping *mapping);

/**
 * mapping_end(mapping):
 * Where the bytes end that are the file's own as of now, at most ${size}; behind it they are NUL or may become so.
 */
size_t mapping_end(struct mapping *mapping);

/**
 * mapping_failure(mapping):
 * 0, or the errno (EIO) with which bytes can't be read that the file has.  One that was shortened and has grown again
 * is no failure: what was seen of it ended where it was shortened.
 */
int mapping_failure(const struct mapping *mapping);

/**
 * mapping_drop(mapping, from, to):
 * The bytes between two offsets, the first a multiple of a page, will hardly be looked at again and need not take
 * memory; what lies beyond the end is left alone.
 */
void mapping_drop(const struct mapping *mapping, size_t from, size_t to);

#endif
