#include "trace.h"

#include "moment.h"
#include "slice.h"
#include "text.h"
#include "trace_block.h"
#include "trace_copied.h"
#include "trace_dump.h"
#include "trace_filter.h"
#include "trace_line.h"
#include "trace_stamp.h"
#include "trace_verdict.h"

#include <stdlib.h>

#define QUIET_LINES   200                       /* of its thread without a word ends a block */
#define STALE_LINES   5000                      /* of the trace without a word of its thread end it too, ... */
#define SETTLED_LINES 1000                      /* ... or so many once the story has had its end */
#define SWEEP_LINES   100                       /* how often that is looked after */
#define HEADER_LINES  40                        /* below a file's title may belong to its header */
#define THREAD_BYTES  128                       /* of a thread's name; longer ones are none */
#define KNOWN_THREADS 1024                      /* remembered without an open block; ... */
#define SAMPLE_BYTES  65536                     /* of a part, by which it is seen whether that is text */
#define UNITS_AT_ONCE 32768                     /* of UTF-16 that are converted */
#define WIDE_LINES    ((guint)(2 * KEPT_BYTES)) /* of UTF-16, whose places are known */

/* Of what was read before: a line that is not whole yet, and what stands above it. */
#define KEPT_BYTES (TRACE_BEFORE_BYTES + TRACE_LINE_BYTES)

enum encoding { ENCODING_BYTES, ENCODING_UTF16_LE, ENCODING_UTF16_BE };

/*
 * The bytes of all parts, one behind the other, are a stream, and a position counts in it (UTF-16 as UTF-8).  Where a
 * part breaks off in a line that the next does not continue, the stream has a line feed that is in neither.
 */
struct part {
    uint64_t position; /* of its first byte */
    uint64_t base;     /* offset of the same in its file */
    enum encoding encoding;
    unsigned number; /* of the line in which it ends; of the last part, see ${number} of the reader */
};

struct wide_line { /* a line of UTF-16: where it begins */
    uint64_t position, offset;
};

struct thread {
    struct slice name; /* key; points to name_bytes */
    char name_bytes[THREAD_BYTES];
    struct block *block; /* NULL: none is open */
    uint64_t done;       /* position: what stands above it was part of an earlier block */
};

struct trace_reader {
    GHashTable *threads;    /* struct slice * -> struct thread * */
    unsigned n_open;        /* of them, with an open block */
    GPtrArray *spare;       /* of struct block *: empty ones */
    struct thread *current; /* the one in the table whose line was the last, or NULL */
    gboolean joined;        /* a line that is several is read: no block is closed for having only facts */
    char name[THREAD_BYTES];
    struct slice above; /* name of the thread of the last line that had a prefix; at == NULL: none */
    int64_t local;      /* last time stamp */
    unsigned header;    /* lines of a file header that may still come */
    GString *header_release, *header_sid, *header_sysno, *header_profile;
    uint64_t sweep; /* lines at which stale blocks are looked for */
    uint64_t floor; /* position: nothing above it is looked at again */
    /* what was read */
    GArray *parts;     /* of struct part */
    gboolean fresh;    /* no byte of the last part has come */
    unsigned number;   /* of the next line in its part, from 1 */
    uint64_t position; /* of the next byte */
    struct slice kept; /* what stands before ${bytes}, or before ${position}: of the bytes read before, or of ${copy} */
    GString *copy;
    const char *bytes; /* those that are being read, or NULL; the first one is at ${bytes_position} */
    uint64_t bytes_position;
    const char *ahead;              /* in them, the next line with a word in it, or what follows the last whole line */
    unsigned ahead_number;          /* of that line in its part */
    const struct trace_ahead *hint; /* ... as somebody else has found it */
    GString *view;                  /* of several of these */
    /* a line whose end has not come yet */
    GString *carry;        /* at most TRACE_LINE_BYTES + 2 */
    uint64_t carry_length; /* of the line so far */
    unsigned carry_part, carry_number;
    uint64_t carry_position;
    gboolean carrying;
    GString *plain; /* body with plain blanks, quotes and dashes */
    /* whether the part is text */
    size_t sampled;
    uint64_t sample_lines, sample_nul_lines;
    gboolean sample_nul; /* in the line that is not whole yet */
    /* UTF-16 */
    GString *utf8;
    GArray *wide_lines;  /* of struct wide_line */
    uint64_t raw_offset; /* in the part's file, of the next byte */
    uint8_t unit_byte;
    gboolean unit_half;
    uint16_t high;
};

static guint slice_hash(const void *key)
{
    const struct slice *slice = key;
    guint hash = 5381;
    for (size_t i = 0; i < slice->size; i++)
        hash = hash * 33 + (guint8)slice->at[i];
    return hash;
}

static gboolean slice_equal(const void *a, const void *b)
{
    const struct slice *left = a, *right = b;
    return left->size == right->size && memcmp(left->at, right->at, left->size) == 0;
}

static void thread_free(void *data)
{
    struct thread *thread = data;
    block_free(thread->block);
    g_free(thread);
}

void trace_failure_free(void *data)
{
    struct trace_failure *failure = data;
    g_ptr_array_unref(failure->chain);
    g_ptr_array_unref(failure->lines);
    g_free(failure);
}

struct trace *trace_new_for(trace_take *take, void *data)
{
    struct trace *trace = g_new0(struct trace, 1);
    struct trace_reader *reader = g_new0(struct trace_reader, 1);

    trace->failures = g_ptr_array_new_with_free_func(trace_failure_free);
    trace->header.level = -1;
    trace->header.pid = -1;
    trace->strings = g_string_chunk_new(64 * 1024);
    trace->take = take;
    trace->data = data;
    trace->reader = reader;
    reader->threads = g_hash_table_new_full(slice_hash, slice_equal, NULL, thread_free);
    reader->spare = g_ptr_array_new_with_free_func((GDestroyNotify)block_free);
    reader->local = MOMENT_NONE;
    reader->copy = g_string_new(NULL);
    reader->kept.at = reader->copy->str;
    reader->parts = g_array_new(FALSE, TRUE, sizeof(struct part));
    reader->wide_lines = g_array_new(FALSE, FALSE, sizeof(struct wide_line));
    reader->header_release = g_string_new(NULL);
    reader->header_sid = g_string_new(NULL);
    reader->header_sysno = g_string_new(NULL);
    reader->header_profile = g_string_new(NULL);
    reader->view = g_string_new(NULL);
    reader->carry = g_string_new(NULL);
    reader->plain = g_string_new(NULL);
    reader->utf8 = g_string_new(NULL);
    return trace;
}

struct trace *trace_new(void)
{
    return trace_new_for(NULL, NULL);
}

static void reader_free(struct trace_reader *reader)
{
    if (!reader)
        return;
    g_hash_table_unref(reader->threads);
    g_ptr_array_unref(reader->spare);
    g_array_unref(reader->parts);
    g_array_unref(reader->wide_lines);
    g_string_free(reader->header_release, TRUE);
    g_string_free(reader->header_sid, TRUE);
    g_string_free(reader->header_sysno, TRUE);
    g_string_free(reader->header_profile, TRUE);
    g_string_free(reader->copy, TRUE);
    g_string_free(reader->view, TRUE);
    g_string_free(reader->carry, TRUE);
    g_string_free(reader->plain, TRUE);
    g_string_free(reader->utf8, TRUE);
    g_free(reader);
}

void trace_free(struct trace *trace)
{
    if (!trace)
        return;
    reader_free(trace->reader);
    g_ptr_array_unref(trace->failures);
    g_string_chunk_free(trace->strings);
    g_free(trace);
}

/* ---- Threads and their blocks ---- */

static struct block *take_spare(struct trace *trace)
{
    GPtrArray *spare = trace->reader->spare;
    return spare->len > 0 ? g_ptr_array_steal_index_fast(spare, spare->len - 1) : block_new(trace);
}

/* Ends its block; what stands above ${done} belongs to that. */
static void close_thread(struct trace_reader *reader, struct thread *thread, uint64_t done)
{
    block_end(thread->block);
    g_ptr_array_add(reader->spare, g_steal_pointer(&thread->block));
    thread->done = done;
    reader->n_open--;
}

typedef gboolean choose_thread(const struct thread *thread, uint64_t limit);

static gboolean is_any(G_GNUC_UNUSED const struct thread *thread, G_GNUC_UNUSED uint64_t limit)
{
    return TRUE;
}

static gboolean is_stale(const struct thread *thread, uint64_t lines)
{
    return thread->block->latest + (thread->block->settled ? SETTLED_LINES : STALE_LINES) < lines;
}

/* Facts alone, which may be of a connection that went well, keep no block open. */
static gboolean is_idle_block(const struct thread *thread, G_GNUC_UNUSED uint64_t limit)
{
    return !thread->block->begun || !thread->block->opened;
}

static void close_threads(struct trace_reader *reader, choose_thread *choose, uint64_t limit)
{
    GHashTableIter iter;
    void *value;

    if (reader->n_open == 0)
        return;
    g_hash_table_iter_init(&iter, reader->threads);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct thread *thread = value;
        if (thread->block && choose(thread, limit))
            close_thread(reader, thread, thread->block->begun ? thread->block->reach : thread->done);
    }
}

static void close_oldest(struct trace_reader *reader)
{
    struct thread *oldest = NULL;
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, reader->threads);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct thread *thread = value;
        if (thread->block && (!oldest || thread->block->latest < oldest->block->latest))
            oldest = thread;
    }
    close_thread(reader, oldest, oldest->block->reach);
}

/* Those whose last block ended too far above to matter; if there are still too many, all that have no block now. */
static void forget_threads(struct trace_reader *reader, uint64_t position)
{
    for (int round = 0; round < 2 && g_hash_table_size(reader->threads) > KNOWN_THREADS; round++) {
        GHashTableIter iter;
        void *value;
        if (round == 1)
            reader->floor = position;
        g_hash_table_iter_init(&iter, reader->threads);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
            const struct thread *thread = value;
            if (!thread->block && (round == 1 || thread->done + TRACE_BEFORE_BYTES < position))
                g_hash_table_iter_remove(&iter);
        }
    }
    reader->current = NULL;
}

static struct thread *find_thread(struct trace_reader *reader, struct slice name)
{
    if (!reader->current || !slice_equal(&reader->current->name, &name))
        reader->current = g_hash_table_lookup(reader->threads, &name);
    return reader->current;
}

static struct thread *add_thread(struct trace_reader *reader, struct slice name, uint64_t position)
{
    struct thread *thread = g_new0(struct thread, 1);

    if (g_hash_table_size(reader->threads) > KNOWN_THREADS)
        forget_threads(reader, position);
    memcpy(thread->name_bytes, name.at, name.size);
    thread->name = (struct slice){thread->name_bytes, name.size};
    g_hash_table_insert(reader->threads, &thread->name, thread);
    return thread;
}

/* ---- Prefix, stamp, header ---- */

/* Copying makes no-break blanks of some. */
static gboolean take_blank(struct slice *slice)
{
    return slice_take(slice, " ") || slice_take(slice, "\xc2\xa0");
}

/* "[Thr 4711] text": the thread's name; ${*line} is then what follows the blank behind it. */
static gboolean take_prefix(struct slice *line, struct slice *name)
{
    struct slice rest = *line;

    if (!slice_take(&rest, "[Thr") || !take_blank(&rest))
        return FALSE;
    const char *end = memchr(rest.at, ']', MIN(rest.size, THREAD_BYTES));
    if (!end || end == rest.at || memchr(rest.at, ' ', (size_t)(end - rest.at)))
        return FALSE;
    *name = slice_of(rest.at, end);
    rest = slice_of(end + 1, rest.at + rest.size);
    take_blank(&rest);
    *line = rest;
    return TRUE;
}

/* The prefix of a line that somebody indented, quoted or numbered. */
static gboolean take_damaged_prefix(struct slice *line, struct slice *name)
{
    struct slice rest = slice_trim(*line);

    while (trace_copied_strip_mark(&rest)) {
    }
    if (!take_prefix(&rest, name))
        return FALSE;
    *line = rest;
    return TRUE;
}

static void set_above(struct trace *trace, struct slice name)
{
    struct trace_reader *reader = trace->reader;

    trace->prefixed = TRUE;
    if (name.size == reader->above.size && reader->above.at && memcmp(reader->name, name.at, name.size) == 0)
        return;
    memcpy(reader->name, name.at, name.size);
    reader->above = (struct slice){reader->name, name.size};
}

static gboolean find_prefix(struct slice *line, struct slice *name)
{
    return take_prefix(line, name) || take_damaged_prefix(line, name);
}

/* Another process wrote what follows ${position}: no block goes on. */
static void set_pid(struct trace *trace, int64_t pid, uint64_t position)
{
    if (trace->header.pid != -1 && trace->header.pid != pid) {
        close_threads(trace->reader, is_any, 0);
        trace->reader->floor = position;
    }
    trace->header.pid = pid;
}

static gboolean is_rule(struct slice body)
{
    size_t dashes = 0;

    body = slice_trim(body);
    while (dashes < body.size && body.at[dashes] == '-')
        dashes++;
    return dashes >= 20 && dashes == body.size;
}

static void set_text(GString *text, struct slice value)
{
    g_string_truncate(text, 0);
    g_string_append_len(text, value.at, (gssize)value.size);
}

/* trc file: "dev_icm", trc level: 2, release: "785" */
static gboolean take_title(struct trace *trace, struct slice line)
{
    struct slice rest = line, text;
    gboolean open = FALSE;
    int64_t level = 0;

    if (!slice_take(&rest, "trc file: ") || !slice_find(rest, "trc level: ", &rest) ||
        !slice_take_number(&rest, &level) || level > 9)
        return FALSE;
    trace->header.level = (int)level;
    if (slice_take(&rest, ", release: ") && slice_take_quoted(&rest, &text, &open) && !open)
        set_text(trace->reader->header_release, text);
    trace->reader->header = HEADER_LINES;
    return TRUE;
}

/* "sid        PRD" */
static gboolean take_header_value(struct trace *trace, struct slice line, uint64_t position)
{
    static const char *const others[] = {"systemid", "relno", "patchlevel", "patchno", "intno", "make"};
    struct trace_reader *reader = trace->reader;
    struct slice key, value = line;
    int64_t pid = 0;

    if (!slice_take_word(&value, &key) || slice_skip_blanks(&value) == 0 || value.size == 0)
        return FALSE;
    GString *kept = slice_equals(key, "sid")       ? reader->header_sid
                    : slice_equals(key, "sysno")   ? reader->header_sysno
                    : slice_equals(key, "profile") ? reader->header_profile
                                                   : NULL;
    value = slice_trim(value);
    if (kept) {
        set_text(kept, value);
        return TRUE;
    }
    if (slice_equals(key, "pid") && slice_take_number(&value, &pid)) {
        set_pid(trace, pid, position);
        return TRUE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (slice_equals(key, others[i]))
            return TRUE;
    return FALSE;
}

/* Whether a line without prefix is of the file's header and of no thread. */
static gboolean take_header(struct trace *trace, struct slice line, uint64_t position)
{
    if (take_title(trace, line) || is_rule(line))
        return TRUE;
    return trace->reader->header > 0 && (line.size == 0 || take_header_value(trace, line, position));
}

/* After a file was begun anew; older programs write the process behind it: ( pid = 4711 ) */
static gboolean take_truncated(struct trace *trace, struct slice body, uint64_t position)
{
    struct slice rest;
    int64_t pid = 0;

    if (!slice_find(body, "TRACE FILE TRUNCATED", &rest))
        return FALSE;
    if (slice_find(rest, "pid", &rest) && slice_find(rest, "=", &rest)) {
        slice_skip_blanks(&rest);
        if (slice_take_number(&rest, &pid))
            set_pid(trace, pid, position);
    }
    return TRUE;
}

/* ---- One line ---- */

/* One line, or a piece of one that was several. */
static gboolean feed_piece(struct block *block, const struct trace_line *line)
{
    gboolean dump = line->body.size > 0 && g_ascii_isxdigit(line->body.at[0]) && trace_dump_is(line->body);
    gboolean told = !dump && trace_line_take(block, line);
    block_count(block, line, told);
    return told;
}

/* What ${line}, without its prefix ${body}, tells to ${block}. */
static gboolean feed(struct trace *trace, struct block *block, const struct trace_line *line, struct slice body)
{
    struct slice rest = slice_trim(trace_copied_plain(body, trace->reader->plain));
    struct trace_line one = *line;
    gboolean told = FALSE, by_hash = FALSE;

    one.body = trace_copied_take(&rest, &by_hash);
    if (rest.size == 0)
        return feed_piece(block, &one);
    for (;;) {
        trace_copied_strip_end(&one.body);
        one.raw = one.body;
        one.piece = by_hash;
        one.torn = line->torn && rest.size == 0;
        told = feed_piece(block, &one) || told;
        if (rest.size == 0)
            return told;
        one.body = trace_copied_take(&rest, &by_hash);
    }
}

/* ---- What stands above ---- */

static struct part *part_at(const struct trace_reader *reader, unsigned index)
{
    return &g_array_index(reader->parts, struct part, index);
}

static struct part *last_part(const struct trace_reader *reader)
{
    return part_at(reader, reader->parts->len - 1);
}

static unsigned part_of(const struct trace_reader *reader, uint64_t position)
{
    unsigned part = reader->parts->len - 1;
    while (part > 0 && part_at(reader, part)->position > position)
        part--;
    return part;
}

/* The offset in its file of a line that begins at ${position}. */
static uint64_t offset_of(const struct trace_reader *reader, uint64_t position)
{
    const struct part *part = part_at(reader, part_of(reader, position));
    guint low = 0, high = reader->wide_lines->len;

    if (part->encoding == ENCODING_BYTES || position == part->position)
        return part->base + (position - part->position);
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(reader->wide_lines, struct wide_line, middle).position < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low < reader->wide_lines->len ? g_array_index(reader->wide_lines, struct wide_line, low).offset : part->base;
}

static uint64_t kept_position(const struct trace_reader *reader)
{
    return (reader->bytes ? reader->bytes_position : reader->position) - reader->kept.size;
}

/* The bytes between two positions, the first of which is not before kept_position(). */
static struct slice view(struct trace_reader *reader, uint64_t from, uint64_t to)
{
    uint64_t kept = kept_position(reader), begin = kept + reader->kept.size;

    if (to <= begin)
        return (struct slice){reader->kept.at + (from - kept), to - from};
    if (from >= begin)
        return (struct slice){reader->bytes + (from - begin), to - from};
    g_string_truncate(reader->view, 0);
    g_string_append_len(reader->view, reader->kept.at + (from - kept), (gssize)(begin - from));
    g_string_append_len(reader->view, reader->bytes, (gssize)(to - begin));
    return (struct slice){reader->view->str, reader->view->len};
}

static unsigned count_feeds(struct slice bytes)
{
    unsigned feeds = 0;
    for (const char *at = bytes.at, *end = at + bytes.size; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        feeds++;
    return feeds;
}

/* A block that begins above ${line}: where that is. */
static void place_block(struct trace_reader *reader, struct block *block, const struct trace_line *line)
{
    block->part = part_of(reader, block->position);
    block->offset = offset_of(reader, block->position);
    const struct part *part = part_at(reader, block->part);
    gboolean ended = block->part < line->part;
    uint64_t to = ended ? part[1].position : line->position;
    block->line = (ended ? part->number : line->number) - count_feeds(view(reader, block->position, to));
}

/* One line of those above. */
static void feed_above_line(struct trace *trace, struct block *block, const struct trace_line *of, struct slice raw,
                            struct slice body, uint64_t position)
{
    struct trace_line line = {
        .raw = {raw.at, MIN(raw.size, TRACE_LINE_BYTES)},
        .position = position,
        .end = position + raw.size,
        .local = of->local,
        .cut = raw.size > TRACE_LINE_BYTES,
        .alone = of->alone,
        .above = TRUE,
    };
    feed(trace, block, &line, body);
    if (block->begun && block->quiet > QUIET_LINES)
        block_clear(block);
}

/*
 * Feed ${block} with the lines of its thread that stand above ${line}: the facts of this connection.  Nothing in them
 * began a failure, and nothing above ${done} is of it.
 */
static void feed_above(struct trace *trace, struct block *block, const struct trace_line *line, struct slice thread,
                       uint64_t done)
{
    struct trace_reader *reader = trace->reader;
    uint64_t from = MAX(MAX(done, reader->floor), kept_position(reader));
    gboolean whole = TRUE; /* a line begins at ${from} */
    char name_bytes[THREAD_BYTES];
    struct slice name, above = (done > 0 && from == done) || thread.size == 0 ? thread : (struct slice){NULL, 0};

    if (line->position > TRACE_BEFORE_BYTES && from < line->position - TRACE_BEFORE_BYTES) {
        from = line->position - TRACE_BEFORE_BYTES;
        whole = FALSE;
    }
    struct slice bytes = view(reader, from, line->position);
    unsigned part = part_of(reader, from);
    whole = whole && (from != kept_position(reader) || from == 0);
    block->trial = TRUE;
    for (const char *feed_at; (feed_at = memchr(bytes.at, '\n', bytes.size));) {
        struct slice raw = slice_of(bytes.at, feed_at), body;
        uint64_t position = from;
        bytes = slice_of(feed_at + 1, bytes.at + bytes.size);
        from += raw.size + 1;
        while (part + 1 < reader->parts->len && part_at(reader, part + 1)->position <= position)
            if (part_at(reader, ++part)->base != 0)
                above.at = NULL;
        if (!whole) {
            whole = TRUE;
            continue;
        }
        if (slice_ends(raw, "\r"))
            raw.size--;
        body = raw;
        if (find_prefix(&body, &name)) {
            memcpy(name_bytes, name.at, name.size);
            above = (struct slice){name_bytes, name.size};
        }
        if (above.at && slice_equal(&above, &thread))
            feed_above_line(trace, block, line, raw, body, position);
    }
    block->trial = FALSE;
    if (block->begun)
        place_block(reader, block, line);
}

/* ---- A line and its thread ---- */

/* A line without an open block, in which one of the words stands that begin one. */
static struct thread *open_thread(struct trace *trace, const struct trace_line *line, struct slice body,
                                  struct slice name)
{
    struct trace_reader *reader = trace->reader;
    struct thread *thread = find_thread(reader, name);
    struct block *block = take_spare(trace);

    block->trial = TRUE;
    gboolean told = feed(trace, block, line, body) || reader->joined;
    block_clear(block);
    block->trial = FALSE;
    if (!told) {
        g_ptr_array_add(reader->spare, block);
        return NULL;
    }
    if (!thread)
        thread = add_thread(reader, name, line->position);
    feed_above(trace, block, line, name, thread->done);
    thread->block = block;
    if (++reader->n_open > TRACE_BLOCK_THREADS)
        close_oldest(reader);
    return thread;
}

/* Whether what an open block has read tells that it is over. */
static gboolean is_over(const struct block *block)
{
    return !block->begun || !block->opened || block->quiet > (block->settled ? BLOCK_NEAR_LINES : QUIET_LINES);
}

static void read_body(struct trace *trace, const struct trace_line *line, struct slice body)
{
    struct trace_reader *reader = trace->reader;
    struct slice name = reader->above.at ? reader->above : (struct slice){"", 0};
    struct thread *thread = find_thread(reader, name);
    gboolean open = thread && thread->block;

    if (!open && !line->telling)
        return;
    if (line->telling && take_truncated(trace, body, line->position))
        return;
    if (!open && !(thread = open_thread(trace, line, body, name)))
        return;
    struct block *block = thread->block;
    if (feed(trace, block, line, body) && !open && block->begun)
        block->opened = TRUE;
    if (reader->joined || !is_over(block))
        return;
    /* A fact of the next connection ended it: it will be read again, should that connection fail. */
    gboolean next = block->begun && !block->opened;
    close_thread(reader, thread, next ? line->position : block->begun ? block->reach : line->end);
}

/* A line in full: of which thread it is, and what it tells. */
static void read_line(struct trace *trace, struct trace_line *line)
{
    struct trace_reader *reader = trace->reader;
    struct slice body = line->raw, name;
    gboolean prefixed = find_prefix(&body, &name);

    if (prefixed)
        set_above(trace, name);
    else if (take_header(trace, body, line->position))
        return;
    if (reader->header > 0)
        reader->header--;
    if (trace_stamp_take(body, &reader->local))
        return;
    line->local = reader->local;
    line->alone = reader->above.at == NULL;
    read_body(trace, line, body);
}

/* The next prefix of a thread in ${line} behind its beginning, where lines were joined by a blank or a "#"; or NULL. */
static const char *find_joined(struct slice line)
{
    const char *end = line.at + line.size;

    for (const char *at = line.at; (at = memmem(at + 1, (size_t)(end - at - 1), "[Thr", 4));)
        if (slice_is_blank(at[-1]) || at[-1] == '#')
            return at;
    return NULL;
}

/* Whether lines with a prefix each were joined into this one: read them one by one. */
static gboolean read_joined(struct trace *trace, const struct trace_line *line)
{
    struct trace_reader *reader = trace->reader;
    struct slice rest = line->raw;
    const char *next;

    if (!line->telling || !slice_begins(line->raw, "[Thr") || !find_joined(line->raw))
        return FALSE;
    reader->joined = TRUE;
    do {
        struct trace_line one = *line;
        next = find_joined(rest);
        one.raw = next ? slice_of(rest.at, next) : rest;
        one.torn = line->torn && !next;
        one.offset += (uint64_t)(rest.at - line->raw.at);
        rest = slice_from(rest, one.raw.size);
        trace_copied_strip_end(&one.raw);
        read_line(trace, &one);
    } while (next);
    reader->joined = FALSE;
    close_threads(reader, is_idle_block, 0);
    return TRUE;
}

/* One line without its LF, of ${length} bytes of which those of ${line->raw} are there. */
static void take_line(struct trace *trace, struct trace_line *line, uint64_t length)
{
    struct trace_reader *reader = trace->reader;

    trace->lines++;
    line->end = line->position + length + 1;
    if (line->raw.size > 0 && line->raw.size == length && line->raw.at[length - 1] == '\r') {
        line->raw.size--;
        length--;
    }
    if (length > TRACE_LINE_BYTES) {
        trace->lines_cut++;
        line->cut = TRUE;
        line->raw.size = MIN(line->raw.size, TRACE_LINE_BYTES);
    }
    if (!read_joined(trace, line))
        read_line(trace, line);
    if (trace->lines >= reader->sweep) {
        reader->sweep = trace->lines + SWEEP_LINES;
        close_threads(reader, is_stale, trace->lines);
    }
}

/* ---- Bytes ---- */

/* Lines from ${at} to ${end} that are passed over: the last thread's prefix in them. */
static void find_last_prefix(struct trace *trace, const char *at, const char *end)
{
    for (const char *bracket; (bracket = memrchr(at, '[', (size_t)(end - at))); end = bracket) {
        if (!slice_begins(slice_of(bracket, end), "[Thr"))
            continue;
        const char *feed = memrchr(at, '\n', (size_t)(bracket - at));
        struct slice line = slice_of(feed ? feed + 1 : at, end), name;
        if (find_prefix(&line, &name)) {
            set_above(trace, name);
            return;
        }
    }
}

/* ... and the last time stamp. */
static void find_last_stamp(struct trace_reader *reader, const char *at, const char *end)
{
    const char *stop = end;

    while ((stop = trace_filter_last_year(at, stop))) {
        const char *feed_above = memrchr(at, '\n', (size_t)(stop - at)),
                   *feed_below = memchr(stop, '\n', (size_t)(end - stop));
        struct slice line = slice_of(feed_above ? feed_above + 1 : at, feed_below ? feed_below : end), name;
        if (slice_ends(line, "\r"))
            line.size--;
        find_prefix(&line, &name);
        if (trace_stamp_take(line, &reader->local))
            return;
    }
}

/* How many of the lines are too long.  From the beginning of one as far as a line may reach there is an LF, or it is.
 */
static uint64_t count_long(const char *at, const char *end)
{
    uint64_t count = 0;

    while ((size_t)(end - at) > TRACE_LINE_BYTES + 1) {
        const char *last = memrchr(at, '\n', TRACE_LINE_BYTES + 1);
        if (!last) {
            last = memchr(at, '\n', (size_t)(end - at));
            count += !((size_t)(last - at) == TRACE_LINE_BYTES + 1 && last[-1] == '\r');
        }
        at = last + 1;
    }
    return count;
}

/* Nothing that begins a failure stands in the lines from ${at} to ${end}. */
static void pass_over(struct trace *trace, const char *at, const char *end, unsigned lines)
{
    trace->lines += lines;
    trace->reader->number += lines;
    trace->lines_cut += count_long(at, end);
    find_last_prefix(trace, at, end);
    find_last_stamp(trace->reader, at, end);
}

static gboolean is_hinted(const struct trace_reader *reader, const char *at)
{
    return reader->hint && at == reader->bytes + reader->hint->first;
}

static void look_ahead(struct trace_reader *reader, const char *at, const char *end)
{
    const struct trace_ahead *hint = reader->hint;
    uint64_t lines = 0;

    if (is_hinted(reader, at)) {
        reader->ahead = reader->bytes + hint->stop;
        lines = hint->lines;
    } else {
        gboolean first = hint && at < reader->bytes + hint->first;
        reader->ahead = trace_filter_skip(at, first ? reader->bytes + hint->first : end, &lines);
    }
    reader->ahead_number = reader->number + (unsigned)lines;
}

void trace_look_ahead(struct trace_ahead *ahead, const void *bytes, size_t size)
{
    const char *start = bytes, *feed_at = memchr(start, '\n', size), *first = feed_at ? feed_at + 1 : start + size;
    uint64_t lines = 0;

    ahead->first = (size_t)(first - start);
    ahead->stop = (size_t)(trace_filter_skip(first, start + size, &lines) - start);
    ahead->lines = (unsigned)lines;
}

static gboolean is_idle(const struct trace_reader *reader)
{
    return reader->n_open == 0 && reader->header == 0;
}

static void carry(struct trace_reader *reader, const char *at, size_t size)
{
    size_t room = TRACE_LINE_BYTES + 2 - MIN(reader->carry->len, TRACE_LINE_BYTES + 2);
    g_string_append_len(reader->carry, at, (gssize)MIN(size, room));
    reader->carry_length += size;
}

/* The line that was begun is over. */
static void take_carried(struct trace *trace, gboolean torn)
{
    struct trace_reader *reader = trace->reader;
    const char *last = reader->carry->str + reader->carry->len - 1;
    struct trace_line line = {
        .raw = {reader->carry->str, reader->carry->len},
        .part = reader->carry_part,
        .position = reader->carry_position,
        .offset = offset_of(reader, reader->carry_position),
        .number = reader->carry_number,
        .torn =
            torn && reader->carry->len > 0 && !slice_is_blank(*last) && *last != '#', /* else the last word is whole */
        .telling = trace_filter_has(reader->carry->str, reader->carry->str + reader->carry->len),
    };

    reader->carrying = FALSE;
    take_line(trace, &line, reader->carry_length);
    g_string_truncate(reader->carry, 0);
    reader->carry_length = 0;
}

static void begin_carry(struct trace_reader *reader, uint64_t position)
{
    reader->carrying = TRUE;
    reader->carry_part = reader->parts->len - 1;
    reader->carry_number = reader->number;
    reader->carry_position = position;
}

static void read_bytes(struct trace *trace, const char *at, const char *end)
{
    struct trace_reader *reader = trace->reader;
    const char *start = at;
    uint64_t position = reader->position;

    if (reader->carrying && at < end) {
        const char *feed_at = memchr(at, '\n', (size_t)(end - at));
        carry(reader, at, (size_t)((feed_at ? feed_at : end) - at));
        if (!feed_at)
            return;
        take_carried(trace, FALSE);
        reader->number++;
        at = feed_at + 1;
    }
    while (at < end) {
        if (!reader->ahead || at > reader->ahead || is_hinted(reader, at))
            look_ahead(reader, at, end);
        if (is_idle(reader) && at < reader->ahead) {
            pass_over(trace, at, reader->ahead, reader->ahead_number - reader->number);
            at = reader->ahead;
            continue; /* for it may only be where a hint begins */
        }
        const char *feed_at = memchr(at, '\n', (size_t)(end - at));
        if (!feed_at)
            break;
        struct trace_line line = {
            .raw = slice_of(at, feed_at),
            .part = reader->parts->len - 1,
            .position = position + (uint64_t)(at - start),
            .number = reader->number++,
            .telling = at == reader->ahead,
        };
        line.offset = offset_of(reader, line.position);
        take_line(trace, &line, line.raw.size);
        at = feed_at + 1;
    }
    if (at < end) {
        begin_carry(reader, position + (uint64_t)(at - start));
        carry(reader, at, (size_t)(end - at));
    }
}

static void keep_copy(struct trace_reader *reader)
{
    if (reader->kept.size > 0 && reader->kept.at == reader->copy->str)
        return;
    g_string_truncate(reader->copy, 0);
    g_string_append_len(reader->copy, reader->kept.at, (gssize)reader->kept.size);
    reader->kept.at = reader->copy->str;
}

/* The end of what was read is kept, for what follows may need it; where it is if the bytes stay, else as a copy. */
static void keep(struct trace_reader *reader, const char *at, size_t size, gboolean stays)
{
    if (size >= KEPT_BYTES) {
        at += size - KEPT_BYTES;
        size = KEPT_BYTES;
        reader->kept.size = 0;
        if (stays) {
            reader->kept = (struct slice){at, size};
            return;
        }
    }
    keep_copy(reader);
    if (reader->copy->len + size > 2 * KEPT_BYTES)
        g_string_erase(reader->copy, 0, (gssize)(reader->copy->len + size - KEPT_BYTES));
    g_string_append_len(reader->copy, at, (gssize)size);
    reader->kept = (struct slice){reader->copy->str, reader->copy->len};
}

/* The beginning of a part tells whether it is text. */
static void sample(struct trace *trace, const char *at, size_t size)
{
    struct trace_reader *reader = trace->reader;
    const char *end = at + MIN(size, SAMPLE_BYTES - reader->sampled);

    reader->sampled += (size_t)(end - at);
    while (at < end) {
        const char *feed_at = memchr(at, '\n', (size_t)(end - at));
        reader->sample_nul = reader->sample_nul || memchr(at, '\0', (size_t)((feed_at ? feed_at : end) - at)) != NULL;
        if (!feed_at)
            return;
        reader->sample_lines++;
        reader->sample_nul_lines += reader->sample_nul;
        reader->sample_nul = FALSE;
        at = feed_at + 1;
    }
}

static void end_sample(struct trace *trace)
{
    struct trace_reader *reader = trace->reader;
    uint64_t nul_lines = reader->sample_nul_lines + reader->sample_nul;

    trace->binary = trace->binary || nul_lines * 2 > reader->sample_lines + reader->sample_nul;
    reader->sampled = 0;
    reader->sample_lines = reader->sample_nul_lines = 0;
    reader->sample_nul = FALSE;
}

static void read_text(struct trace *trace, const char *at, size_t size, const struct trace_ahead *hint)
{
    struct trace_reader *reader = trace->reader;

    if (size == 0)
        return;
    if (reader->sampled < SAMPLE_BYTES)
        sample(trace, at, size);
    reader->bytes = at;
    reader->bytes_position = reader->position;
    reader->ahead = NULL;
    reader->hint = hint;
    read_bytes(trace, at, at + size);
    reader->bytes = NULL;
    keep(reader, at, size, hint != NULL);
    reader->position += size;
}

/* ---- UTF-16 ---- */

static void add_unit(struct trace_reader *reader, uint16_t unit)
{
    gunichar c = unit;

    if (reader->high && unit >= 0xdc00 && unit < 0xe000)
        c = 0x10000 + ((gunichar)(reader->high - 0xd800) << 10) + (unit - 0xdc00);
    else if (unit >= 0xdc00 && unit < 0xe000)
        c = '?';
    reader->high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
    if (!reader->high)
        g_string_append_unichar(reader->utf8, c);
    if (unit == '\n') {
        struct wide_line line = {reader->position + reader->utf8->len, reader->raw_offset};
        g_array_append_val(reader->wide_lines, line);
    }
}

static void read_units(struct trace *trace, const uint8_t *at, size_t size)
{
    struct trace_reader *reader = trace->reader;
    gboolean little = last_part(reader)->encoding == ENCODING_UTF16_LE;

    for (size_t done = 0; done < size;) {
        g_string_truncate(reader->utf8, 0);
        for (unsigned units = 0; done < size && units < UNITS_AT_ONCE; done++) {
            reader->raw_offset++;
            if (!reader->unit_half) {
                reader->unit_byte = at[done];
            } else {
                unsigned first = reader->unit_byte, second = at[done];
                add_unit(reader, (uint16_t)(little ? second << 8 | first : first << 8 | second));
                units++;
            }
            reader->unit_half = !reader->unit_half;
        }
        read_text(trace, reader->utf8->str, reader->utf8->len, NULL);
        if (reader->wide_lines->len > 2 * WIDE_LINES)
            g_array_remove_range(reader->wide_lines, 0, reader->wide_lines->len - WIDE_LINES);
    }
}

/* ---- Parts ---- */

static size_t byte_order_mark(struct slice bytes)
{
    if (slice_begins(bytes, "\xff\xfe") || slice_begins(bytes, "\xfe\xff"))
        return 2;
    return slice_begins(bytes, "\xef\xbb\xbf") ? 3 : 0;
}

/* A line that certainly begins here, so that one without end at the end of the part before was torn. */
static gboolean certainly_begins(struct slice bytes)
{
    const char *feed = memchr(bytes.at, '\n', MIN(bytes.size, 256));
    struct slice line = feed ? slice_of(bytes.at, feed) : bytes;

    if (slice_ends(line, "\r"))
        line.size--;
    return slice_begins(line, "[Thr ") || slice_begins(line, "trc file: ") || is_rule(line);
}

void trace_begin(struct trace *trace, uint64_t base)
{
    struct trace_reader *reader = trace->reader;
    struct part part = {.base = base, .position = reader->position};

    g_assert(reader); /* not after trace_end() */
    if (reader->parts->len > 0)
        last_part(reader)->number = reader->number;
    end_sample(trace);
    g_array_append_val(reader->parts, part);
    reader->fresh = TRUE;
    reader->number = 1;
}

/* The first bytes of a part: its encoding, and whether they go on with the line in which the one before ended. */
static size_t begin_part(struct trace *trace, struct slice bytes)
{
    struct trace_reader *reader = trace->reader;
    struct part *part = last_part(reader);
    size_t mark = part->base == 0 ? byte_order_mark(bytes) : 0;
    gboolean wide = mark == 2 || (reader->parts->len > 1 && part[-1].encoding != ENCODING_BYTES);

    reader->fresh = FALSE;
    if (reader->carrying && (wide || mark > 0 || certainly_begins(bytes))) {
        take_carried(trace, TRUE);
        keep(reader, "\n", 1, FALSE);
        reader->position++;
    }
    if (part->base != 0)
        reader->above = (struct slice){NULL, 0};
    part->position = reader->position;
    part->encoding = mark != 2 ? ENCODING_BYTES : *bytes.at == '\xff' ? ENCODING_UTF16_LE : ENCODING_UTF16_BE;
    part->base += mark;
    reader->raw_offset = part->base;
    reader->unit_half = FALSE;
    reader->high = 0;
    return mark;
}

void trace_read_ahead(struct trace *trace, const void *bytes, size_t size, const struct trace_ahead *ahead)
{
    struct trace_reader *reader = trace->reader;

    g_assert(reader && reader->parts->len > 0); /* not after trace_end(), not before trace_begin() */
    if (size == 0)
        return;
    size_t mark = reader->fresh ? begin_part(trace, (struct slice){bytes, size}) : 0;
    const char *at = (const char *)bytes + mark;
    if (last_part(reader)->encoding == ENCODING_BYTES)
        read_text(trace, at, size - mark, mark > 0 ? NULL : ahead);
    else
        read_units(trace, (const uint8_t *)at, size - mark);
}

void trace_keep(struct trace *trace)
{
    keep_copy(trace->reader);
}

void trace_read(struct trace *trace, const void *bytes, size_t size)
{
    trace_read_ahead(trace, bytes, size, NULL);
}

/* ---- The end ---- */

static int compare_failures(const void *a, const void *b)
{
    const struct trace_failure *left = *(struct trace_failure *const *)a, *right = *(struct trace_failure *const *)b;
    if (left->part != right->part)
        return left->part < right->part ? -1 : 1;
    if (left->offset != right->offset)
        return left->offset < right->offset ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

static const char *header_text(struct trace *trace, const GString *text)
{
    return text->len > 0 ? text_intern_bytes(trace->strings, text->str, text->len) : NULL;
}

void trace_end(struct trace *trace)
{
    struct trace_reader *reader = trace->reader;

    g_assert(reader);
    if (reader->carrying)
        take_carried(trace, TRUE);
    close_threads(reader, is_any, 0);
    if (trace->failures->len > 1)
        qsort(trace->failures->pdata, trace->failures->len, sizeof trace->failures->pdata[0], compare_failures);
    trace->header.release = header_text(trace, reader->header_release);
    trace->header.sid = header_text(trace, reader->header_sid);
    trace->header.sysno = header_text(trace, reader->header_sysno);
    trace->header.profile = header_text(trace, reader->header_profile);
    end_sample(trace);
    g_clear_pointer(&trace->reader, reader_free);
}
