/*
 * Bytes of an ICM trace (dev_icm, dev_webdisp, their .old) to TLS failures: docs/formats/trace.md.
 *
 * A trace is read as a stream of parts: the .old file first, then the current one, so that a block that a rotation
 * split is one failure.  Lines are sorted by thread and gathered into blocks; a block becomes at most one failure.  The
 * reader knows nothing of hosts, PSEs or zones: times are the host's local time as printed.  Bytes are hostile: every
 * limit below is kept, reaching one is counted in the trace and marks the failure as cut, and memory does not depend on
 * the size of the input.
 */
#ifndef TRUSTGAP_TRACE_H
#define TRUSTGAP_TRACE_H

#include "trace_failure.h"

#include <glib.h>
#include <stdint.h>

/**
 * trace_new(), trace_new_for(take, data):
 * A trace that has read nothing.  With ${take} each failure is handed to ${take(data, failure)} when its block has
 * ended, and forgotten when that returns, instead of being kept in ${failures}: so memory does not grow with their
 * number.
 */
struct trace *trace_new(void);
struct trace *trace_new_for(trace_take *take, void *data);

/**
 * trace_begin(trace, base):
 * What is read from now on is the next part: another file, or a later piece of one, whose first byte is at offset
 * ${base} of its file.  The end of a part does not end a block, unless ${base} is neither 0 nor where the part before
 * ended: then lines are missing between the two.
 */
void trace_begin(struct trace *trace, uint64_t base);

/**
 * trace_break(trace):
 * What was read last is not all of its part: the part that trace_begin() begins next does not go on from there.
 */
void trace_break(struct trace *trace);

/**
 * trace_read(trace, bytes, size), trace_end_part(trace):
 * Read the next ${size} bytes of the part.  Nothing points into ${bytes} afterwards, and where one call ends and the
 * next begins does not matter.  The first 64 KiB of a part are looked at before they are read, so what a short part
 * has told is known once there are no more bytes of it: after trace_end_part(), trace_begin() or trace_end().
 */
void trace_read(struct trace *trace, const void *bytes, size_t size);
void trace_end_part(struct trace *trace);

struct trace_ahead {    /* what trace_look_ahead() found; offsets into the bytes */
    size_t first;       /* behind the first line feed; 0: there is none */
    size_t stop;        /* the first line from there that may begin a failure, or what follows the last line feed */
    unsigned lines;     /* between the two */
    unsigned lines_cut; /* of these, those longer than TRACE_LINE_BYTES */
};

/**
 * trace_look_ahead(ahead, bytes, size):
 * Search the bytes of a trace for the first line that wants reading.  ${*ahead} is all 0 at first, and the function may
 * be called again when more bytes stand behind these.  This is most of the work where little failed, and it needs no
 * trace, so that several threads may do it for bytes that are read later.
 */
void trace_look_ahead(struct trace_ahead *ahead, const void *bytes, size_t size);

/**
 * trace_read_ahead(trace, bytes, size, ahead):
 * As trace_read(), with what trace_look_ahead() found in these bytes; they have to stay as they are until
 * the next call of this function, or of trace_keep(), has returned.
 */
void trace_read_ahead(struct trace *trace, const void *bytes, size_t size, const struct trace_ahead *ahead);
void trace_keep(struct trace *trace);

/**
 * trace_end(trace):
 * Close what is open.  After it ${trace->failures} is complete.
 */
void trace_end(struct trace *trace);

/**
 * trace_sample_offset(trace, at):
 * Offset in the first part's file of the byte ${at} of the sample.
 */
uint64_t trace_sample_offset(const struct trace *trace, size_t at);

void trace_free(struct trace *trace);

typedef struct trace trace_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(trace_auto, trace_free)

#endif
