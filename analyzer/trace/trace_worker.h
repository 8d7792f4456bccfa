/*
 * The reader of traces, in child processes (workers.h).
 *
 * The parent holds the captures and the audit; a child gets descriptors and answers with facts.  What a child answers
 * is as hostile as the bytes that it was given, so it is checked like them; it may still be a lie, but only about what
 * the child was given, or will be given before it is replaced.
 */
#ifndef TRUSTGAP_TRACE_WORKER_H
#define TRUSTGAP_TRACE_WORKER_H

#include "trace.h"
#include "workers.h"

#include <glib.h>
#include <stdint.h>

struct certificate;

enum { TRACE_WORKER_TRACE = 0x20 }; /* the kind of a request; no other worker_work has the same */

/**
 * trace_worker_work(answer, request):
 * A worker_work of these requests.
 */
gboolean trace_worker_work(struct worker_answer *answer, const struct worker_request *request);

struct trace_worker_piece { /* of a trace: a file of a capture */
    int file;               /* descriptor; taken over */
    int64_t base;           /* offset of its first byte in the file on the host */
    gboolean moved;         /* NULs at its end don't count: the file became shorter while it was read */
    gboolean cut;           /* its end is missing, so nothing goes on in the next piece */
};

struct trace_worker_trace {                            /* what is told of a trace besides its failures */
    int levels[WORKER_FILES];                          /* in each piece, struct trace_header */
    int64_t firsts[WORKER_FILES], lasts[WORKER_FILES]; /* trace_stamp_span() of each piece, local time */
    char *release;                                     /* or NULL; g_free() */
    gboolean binary, prefixed;                         /* as in struct trace */
    char *seen; /* of what is no trace: what it seems to be, trace_kind_seen(); else NULL; g_free() */
};

void trace_worker_clear(struct trace_worker_trace *trace);

struct trace_worker_reader {
    trace_take *take; /* a failure; with the certificates that it has come in shown() before it */
    /* A certificate that a failure has, read; what is taken out of ${certificate} has to be made NULL. */
    void (*shown)(void *data, const void *der, size_t size, struct certificate *certificate);
    void (*again)(void *data); /* what was told so far does not count: it comes once more */
};

struct trace_worker_task;

/**
 * trace_worker_submit(workers, pieces, count, reader, data):
 * Have the trace in the ${count} ${pieces} (at most WORKER_FILES) read, as one stream.  ${reader} is called with
 * ${data} from now on until trace_worker_finish().
 */
struct trace_worker_task *trace_worker_submit(struct workers *workers, const struct trace_worker_piece *pieces,
                                              unsigned count, const struct trace_worker_reader *reader, void *data);

/**
 * trace_worker_finish(task, trace, why):
 * Wait until all is read, and free ${task}; the caller clears ${trace} with trace_worker_clear().  FALSE with ${*why}
 * set (worker_finish()) if that failed: nothing of what was told counts.
 */
gboolean trace_worker_finish(struct trace_worker_task *task, struct trace_worker_trace *trace, char **why);

#endif
