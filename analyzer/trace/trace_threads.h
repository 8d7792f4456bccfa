/*
 * The threads of a trace and the block that each has open: which line is whose, and what stands above it.
 *
 * Only lines in which one of the words of trace_filter.h stands can begin a block.  Its facts often stand above it,
 * among those of connections that went well; so when a block begins, the lines of its thread that stand above it are
 * read, and only then.
 */
#ifndef TRUSTGAP_TRACE_THREADS_H
#define TRUSTGAP_TRACE_THREADS_H

#include "trace_block.h"
#include "trace_failure.h"
#include "trace_header.h"
#include "trace_prefix.h"
#include "trace_stream.h"

#include <glib.h>
#include <stdint.h>

struct threads {
    struct trace *trace; /* not owned, as the next */
    struct stream *stream;
    GHashTable *table;      /* struct slice * -> struct thread * */
    unsigned n_open;        /* of them, with an open block */
    GPtrArray *spare;       /* of struct block *: empty ones */
    struct thread *opened;  /* the one whose block was opened last, or NULL; that block is open */
    struct thread *current; /* the one in the table whose line was the last, or NULL */
    unsigned others;        /* lines of threads without an open block since the last one of one that has */
    gboolean joined;        /* a line that is several is read: no block is closed for having only facts */
    char name[TRACE_PREFIX_NAME_BYTES];
    struct slice above; /* name of the thread of the last line that had a prefix; at == NULL: none */
    int64_t local;      /* last time stamp */
    struct header header;
    int64_t pid;    /* of the process that wrote the last line, as far as headers tell; -1 */
    uint64_t sweep; /* lines at which stale blocks are looked for */
    uint64_t floor; /* position: nothing above it is looked at again */
    GString *plain; /* body with plain blanks, quotes and dashes */
};

void threads_init(struct threads *threads, struct trace *trace, struct stream *stream);
void threads_clear(struct threads *threads);

/**
 * threads_are_idle(threads):
 * Whether no block is open, so that lines without a word may be passed over.
 */
gboolean threads_are_idle(const struct threads *threads);

/**
 * threads_read(threads, line):
 * Read the next line, whose ${local}, ${alone} and ${body} are not set yet.
 */
void threads_read(struct threads *threads, struct trace_line *line);

/**
 * threads_pass(threads, at, end):
 * Pass over whole lines without a word.
 */
void threads_pass(struct threads *threads, const char *at, const char *end);

/**
 * threads_pass_others(threads, at, end, lines):
 * Pass over whole lines, none of which has a word, as long as they are of threads without an open block; not always
 * over all of these, for where every line is of an open block that is not worth a try.  Returned is what follows them;
 * ${*lines} is set to their number.
 */
const char *threads_pass_others(struct threads *threads, const char *at, const char *end, unsigned *lines);

/**
 * threads_begin(threads), threads_forget_above(threads), threads_break(threads), threads_end(threads):
 * What follows is another part, whose level is not known; what follows has nothing to do with the last line's thread;
 * nor with anything that was read, so that all blocks end; nothing follows, all blocks end.
 */
void threads_begin(struct threads *threads);
void threads_forget_above(struct threads *threads);
void threads_break(struct threads *threads);
void threads_end(struct threads *threads);

#endif
