/*
 * What a trace reader has read: the bytes of all parts, one behind the other, as a stream in which positions count
 * (UTF-16 as UTF-8), and the last of them again.
 *
 * Where a part breaks off in a line that the next one does not continue, the stream has a line feed that is in neither.
 */
#ifndef TRUSTGAP_TRACE_STREAM_H
#define TRUSTGAP_TRACE_STREAM_H

#include "slice.h"
#include "trace_failure.h"

#include <glib.h>
#include <stdint.h>

/* Of what was read before: a line that is not whole yet, and what stands above it. */
#define STREAM_KEPT_BYTES (TRACE_BEFORE_BYTES + TRACE_LINE_BYTES)

enum encoding { ENCODING_BYTES, ENCODING_UTF16_LE, ENCODING_UTF16_BE };

struct place { /* of a line that is not in its file as it is in the stream */
    uint64_t position, offset;
    unsigned number;  /* 0: it is to be counted */
    gboolean clipped; /* what stood behind it was cut off */
};

struct part {
    uint64_t position; /* of its first byte */
    uint64_t base;     /* offset of the same in its file */
    enum encoding encoding;
    gboolean placed; /* its lines have places with numbers */
    unsigned number; /* of the line in which it ends; of the last part, see ${number} of the stream */
};

struct stream {
    GArray *parts;     /* of struct part */
    unsigned number;   /* of the next line in the last part, from 1 */
    uint64_t position; /* of the next byte */
    const char *bytes; /* those that are being read, the first of which is the next byte; or NULL */
    struct slice kept; /* what stands before ${position}: where it was read, or in ${copy} */
    GString *copy, *joined;
    uint64_t line;  /* position of the line that is not whole yet; UINT64_MAX: there is none */
    GString *above; /* what stands above that line, once ${kept} no longer reaches so far */
    GArray *places; /* of struct place: of lines in UTF-16, or inside of something else */
};

void stream_init(struct stream *stream);
void stream_clear(struct stream *stream);

/**
 * stream_begin(stream, base):
 * What follows is another part.
 */
void stream_begin(struct stream *stream, uint64_t base);

struct part *stream_part(const struct stream *stream, unsigned index);
struct part *stream_last_part(const struct stream *stream);

/**
 * stream_part_of(stream, position), stream_offset(stream, position), stream_number(stream, position, line, part,
 * number): Of a line that begins at ${position}: the index of its part; its offset in that part's file; its number
 * there, if it stands above the line at ${line}, which has the number ${number} in ${part}.  ${position} is not before
 * stream_kept(stream, line).
 */
unsigned stream_part_of(const struct stream *stream, uint64_t position);
uint64_t stream_offset(const struct stream *stream, uint64_t position);
unsigned stream_number(struct stream *stream, uint64_t position, uint64_t line, unsigned part, unsigned number);

/**
 * stream_place(stream, place), stream_placed(stream, position):
 * A line begins at ${place->position} that is elsewhere in its file; the place of the line that begins at ${position},
 * or NULL if its part has none.
 */
void stream_place(struct stream *stream, const struct place *place);
const struct place *stream_placed(const struct stream *stream, uint64_t position);

/**
 * stream_kept(stream, line), stream_view(stream, from, to):
 * The position from which on the bytes above the line at ${line} can be looked at again; it is not behind ${line}.  The
 * bytes between two positions, until the next call: none if ${from} is not before ${to}, or before the bytes that are
 * kept.
 */
uint64_t stream_kept(const struct stream *stream, uint64_t line);
struct slice stream_view(struct stream *stream, uint64_t from, uint64_t to);

/**
 * stream_hold_line(stream, position), stream_drop_line(stream):
 * A line begins at ${position} whose end has not come: however long it gets, TRACE_BEFORE_BYTES above it are kept until
 * it is dropped.
 */
void stream_hold_line(struct stream *stream, uint64_t position);
void stream_drop_line(struct stream *stream);

/**
 * stream_keep(stream, at, size, stays):
 * These bytes were read.  The end of all is kept: where it is if the bytes stay there until stream_hold() or the next
 * call, else as a copy.
 */
void stream_keep(struct stream *stream, const char *at, size_t size, gboolean stays);
void stream_hold(struct stream *stream);

#endif
