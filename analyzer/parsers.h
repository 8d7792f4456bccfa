/*
 * The parsers of what hosts sent, in child processes (workers.h): traces, certificates, listings.
 *
 * The parent holds the captures and the audit; a child gets descriptors and answers with facts.  What a child answers
 * is as hostile as the bytes that it was given, so it is checked like them; it may still be a lie, but only about what
 * the child was given, or will be given before it is replaced.
 */
#ifndef TRUSTGAP_PARSERS_H
#define TRUSTGAP_PARSERS_H

#include "trace.h"
#include "workers.h"

#include <glib.h>
#include <stdint.h>

struct certificate;
struct listing;

enum parsers_kind { /* of requests */
                    PARSERS_TRACE = 1,
                    PARSERS_CERTIFICATES,
                    PARSERS_LISTING,
};

/**
 * parsers_work(answer, request):
 * A worker_work of these requests.
 */
gboolean parsers_work(struct worker_answer *answer, const struct worker_request *request);

/**
 * parsers_read_certificates(workers, ders, digests, into, done, why):
 * Read the certificates that stand one behind the other in ${ders}, whose SHA-256 are ${digests} (of char *), into
 * ${into}: digest -> struct certificate *, or NULL where it can't be parsed.  FALSE with ${*why} set (worker_finish())
 * if that fails; the first ${*done} are there then.
 */
gboolean parsers_read_certificates(struct workers *workers, const GByteArray *ders, const GPtrArray *digests,
                                   GHashTable *into, guint *done, char **why);

/**
 * parsers_read_listing(workers, bytes, why):
 * listing_parse() in a child, or here if ${workers} is NULL.  NULL with ${*why} set if that fails.
 */
struct listing *parsers_read_listing(struct workers *workers, GBytes *bytes, char **why);

/* Traces. */

struct parsers_piece { /* of a trace: a file of a capture */
    int file;          /* descriptor; taken over */
    int64_t base;      /* offset of its first byte in the file on the host */
    gboolean moved;    /* NULs at its end don't count: the file became shorter while it was read */
    gboolean cut;      /* its end is missing, so nothing goes on in the next piece */
};

struct parsers_trace {                                 /* what is told of a trace besides its failures */
    int levels[WORKER_FILES];                          /* in each piece, struct trace_header */
    int64_t firsts[WORKER_FILES], lasts[WORKER_FILES]; /* trace_stamp_span() of each piece, local time */
    char *release;                                     /* or NULL; g_free() */
    gboolean binary, prefixed;                         /* as in struct trace */
    char *seen; /* of what is no trace: what it seems to be, trace_kind_seen(); else NULL; g_free() */
};

void parsers_clear(struct parsers_trace *trace);

struct parsers_reader {
    trace_take *take; /* a failure; with the certificates that it has come in shown() before it */
    /* A certificate that a failure has, read; what is taken out of ${certificate} has to be made NULL. */
    void (*shown)(void *data, const void *der, size_t size, struct certificate *certificate);
    void (*again)(void *data); /* what was told so far does not count: it comes once more */
};

struct parsers_task;

/**
 * parsers_submit(workers, pieces, count, reader, data):
 * Have the trace in the ${count} ${pieces} (at most WORKER_FILES) read, as one stream.  ${reader} is called with
 * ${data} from now on until parsers_finish().
 */
struct parsers_task *parsers_submit(struct workers *workers, const struct parsers_piece *pieces, unsigned count,
                                    const struct parsers_reader *reader, void *data);

/**
 * parsers_finish(task, trace, why):
 * Wait until all is read, and free ${task}; the caller clears ${trace} with parsers_clear().  FALSE with ${*why} set
 * (worker_finish()) if that failed: nothing of what was told counts.
 */
gboolean parsers_finish(struct parsers_task *task, struct parsers_trace *trace, char **why);

#endif
