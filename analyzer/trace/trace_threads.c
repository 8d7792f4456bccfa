#include "trace_threads.h"

#include "moment.h"
#include "trace_copied.h"
#include "trace_dump.h"
#include "trace_filter.h"
#include "trace_line.h"
#include "trace_prefix.h"
#include "trace_stamp.h"
#include "trace_verdict.h"

#define QUIET_LINES   200  /* of its thread without a word ends a block */
#define STALE_LINES   5000 /* of the trace without a word of its thread end it too, ... */
#define SETTLED_LINES 1000 /* ... or so many once the story has had its end */
#define STORY_SECONDS 900  /* between two lines of a block */
#define SWEEP_LINES   100  /* how often that is looked after */
#define MARK_BYTES    16   /* what is longer before a prefix is a line */
#define KNOWN_THREADS 1024 /* remembered without an open block */
#define OTHERS_LINES  3    /* of threads without an open block: there are many of them, so try to pass over the next */

struct thread {
    struct slice name; /* key; points to name_bytes */
    char name_bytes[TRACE_PREFIX_NAME_BYTES];
    struct block *block; /* NULL: none is open */
    uint64_t done;       /* position: what stands above it was part of an earlier block */
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

/* ---- Threads and their blocks ---- */

static struct block *take_spare(struct threads *threads)
{
    GPtrArray *spare = threads->spare;
    return spare->len > 0 ? g_ptr_array_steal_index_fast(spare, spare->len - 1)
                          : block_new(threads->trace, verdict_add);
}

/* Ends its block; what stands above ${done} belongs to that. */
static void close_thread(struct threads *threads, struct thread *thread, uint64_t done)
{
    block_end(thread->block);
    g_ptr_array_add(threads->spare, g_steal_pointer(&thread->block));
    thread->done = done;
    threads->n_open--;
    if (threads->opened == thread)
        threads->opened = NULL;
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

static void close_threads(struct threads *threads, choose_thread *choose, uint64_t limit)
{
    GHashTableIter iter;
    void *value;

    if (threads->n_open == 0)
        return;
    g_hash_table_iter_init(&iter, threads->table);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct thread *thread = value;
        if (thread->block && choose(thread, limit))
            close_thread(threads, thread, thread->block->begun ? thread->block->reach : thread->done);
    }
}

/* A limit is reached: what was gathered last is the most likely to go on. */
static void close_oldest(struct threads *threads)
{
    struct thread *oldest = NULL;
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, threads->table);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct thread *thread = value;
        if (thread->block && (!oldest || thread->block->latest < oldest->block->latest))
            oldest = thread;
    }
    threads->trace->blocks_closed++;
    oldest->block->cut = oldest->block->cut || oldest->block->begun;
    close_thread(threads, oldest, oldest->block->begun ? oldest->block->reach : oldest->done);
}

/* Those whose last block ended too far above to matter; if there are still too many, all that have no block now. */
static void forget_threads(struct threads *threads, uint64_t position)
{
    for (int round = 0; round < 2 && g_hash_table_size(threads->table) > KNOWN_THREADS; round++) {
        GHashTableIter iter;
        void *value;
        if (round == 1)
            threads->floor = position;
        g_hash_table_iter_init(&iter, threads->table);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
            const struct thread *thread = value;
            if (!thread->block && (round == 1 || thread->done + TRACE_BEFORE_BYTES < position))
                g_hash_table_iter_remove(&iter);
        }
    }
    threads->current = NULL;
}

static struct thread *find_thread(struct threads *threads, struct slice name)
{
    if (!threads->current || !slice_equal(&threads->current->name, &name))
        threads->current = g_hash_table_lookup(threads->table, &name);
    return threads->current;
}

static struct thread *add_thread(struct threads *threads, struct slice name, uint64_t position)
{
    struct thread *thread = g_new0(struct thread, 1);

    if (g_hash_table_size(threads->table) > KNOWN_THREADS)
        forget_threads(threads, position);
    memcpy(thread->name_bytes, name.at, name.size);
    thread->name = (struct slice){thread->name_bytes, name.size};
    g_hash_table_insert(threads->table, &thread->name, thread);
    return thread;
}

/* ---- Prefix, stamp, header ---- */

static void set_above(struct threads *threads, struct slice name)
{
    threads->trace->prefixed = TRUE;
    if (name.size == threads->above.size && threads->above.at && memcmp(threads->name, name.at, name.size) == 0)
        return;
    memcpy(threads->name, name.at, name.size);
    threads->above = (struct slice){threads->name, name.size};
}

/* ---- One line ---- */

static gboolean is_dump(struct slice body)
{
    return body.size > 0 && g_ascii_isxdigit(body.at[0]) && trace_dump_is(body);
}

/* One line, or a piece of one that was several. */
static gboolean feed_piece(struct block *block, const struct trace_line *line)
{
    gboolean told = !is_dump(line->body) && trace_line_take(block, line);
    block_count(block, line, told);
    return told;
}

/* What ${line}, without its prefix ${body}, tells to ${block}. */
static gboolean feed(struct threads *threads, struct block *block, const struct trace_line *line, struct slice body)
{
    struct slice rest = slice_trim(trace_copied_plain(body, threads->plain));
    struct trace_line one = *line;
    gboolean told = FALSE, by_hash = FALSE;

    one.indented = body.size > 0 && slice_is_blank(body.at[0]);

    if (is_dump(rest)) /* whatever words stand in it */
        return FALSE;
    one.body = trace_copied_take(&rest, &by_hash);
    if (rest.size == 0)
        return feed_piece(block, &one);
    for (;;) {
        trace_copied_strip_end(&one.body);
        one.raw = one.body;
        one.piece = by_hash;
        one.torn = line->torn && rest.size == 0;
        one.clipped = line->clipped && rest.size == 0;
        told = feed_piece(block, &one) || told;
        if (rest.size == 0)
            return told;
        one.body = trace_copied_take(&rest, &by_hash);
    }
}

/* ---- What stands above ---- */

/* A story is written at once: behind so much time another one stands. */
static gboolean is_past(const struct block *block, int64_t local)
{
    return block->latest_local != MOMENT_NONE && local > block->latest_local + STORY_SECONDS;
}

/* A block, or what stands above it, begins above ${line}: where that is. */
static void place_block(struct threads *threads, struct block *block, const struct trace_line *line)
{
    block->part = stream_part_of(threads->stream, block->position);
    block->offset = stream_offset(threads->stream, block->position);
    block->line = stream_number(threads->stream, block->position, line->position, line->part, line->number);
}

static void place_context(struct threads *threads, struct block_context *context, const struct trace_line *line)
{
    if (!context->facts && !context->server && !context->client)
        return;
    context->part = stream_part_of(threads->stream, context->position);
    context->offset = stream_offset(threads->stream, context->position);
    context->line = stream_number(threads->stream, context->position, line->position, line->part, line->number);
}

/*
 * Whether a line that told nothing is of something else than a connection's session: what belongs to that is indented,
 * or a call, or names the library.
 */
static gboolean is_foreign(struct slice body)
{
    struct slice rest;

    return body.size > 0 && !slice_is_blank(body.at[0]) && !slice_begins(body, "->>") && !slice_begins(body, "<<-") &&
           !slice_find(body, "SSL", &rest) && !is_dump(body);
}

/* One line of those above. */
static void feed_above_line(struct threads *threads, struct block *block, const struct trace_line *of, struct slice raw,
                            struct slice body, uint64_t position, uint64_t end, int64_t local)
{
    struct trace_line line = {
        .raw = {raw.at, MIN(raw.size, TRACE_LINE_BYTES)},
        .position = position,
        .end = end,
        .local = local,
        .cut = raw.size > TRACE_LINE_BYTES,
        .alone = of->alone,
        .above = TRUE,
    };
    const struct place *place = stream_placed(threads->stream, position);
    line.clipped = place && place->clipped;
    line.prefixed = body.at != raw.at;
    if (!feed(threads, block, &line, body) && is_foreign(body))
        block_break(block);
    if (block->begun && block->quiet > QUIET_LINES)
        block_clear(block);
}

/* Pass over the lines above the first one in which the thread's name stands. */
static void skip_others(struct slice *bytes, uint64_t *position, struct slice thread)
{
    const char *found = memmem(bytes->at, bytes->size, thread.at, thread.size);
    const char *feed_at = memrchr(bytes->at, '\n', found ? (size_t)(found - bytes->at) : bytes->size);

    if (feed_at) {
        size_t size = (size_t)(feed_at - bytes->at); /* that line feed stays: a line ends with it that is passed over */
        *bytes = slice_from(*bytes, size);
        *position += size;
    }
}

/*
 * Feed ${block} with the lines of its thread that stand above ${line}: the facts of this connection.  Nothing in them
 * began a failure, and nothing above ${done} is of it.
 */
static void feed_above(struct threads *threads, struct block *block, const struct trace_line *line, struct slice thread,
                       uint64_t done)
{
    const uint64_t edge = MAX(done, threads->floor); /* a line begins there */
    uint64_t from =
        MAX(stream_kept(threads->stream, line->position), line->position - MIN(line->position, TRACE_BEFORE_BYTES));
    gboolean whole = from <= edge || from == 0; /* a line begins at ${from} */
    char name_bytes[TRACE_PREFIX_NAME_BYTES];
    struct slice name, above = {NULL, 0};

    threads->trace->befores_cut += from > edge && line->position - from >= TRACE_BEFORE_BYTES;
    from = MAX(from, edge);
    if (from >= line->position) /* nothing stands between */
        return;
    if ((done > 0 && from == done) || thread.size == 0)
        above = thread;
    struct slice bytes = stream_view(threads->stream, from, line->position);
    if (above.at == NULL)
        skip_others(&bytes, &from, thread);
    unsigned part = stream_part_of(threads->stream, from);
    int64_t local = MOMENT_NONE; /* the last stamp above */
    block->trial = TRUE;
    for (const char *feed_at; (feed_at = memchr(bytes.at, '\n', bytes.size));) {
        struct slice raw = slice_of(bytes.at, feed_at), body;
        uint64_t position = from;
        bytes = slice_of(feed_at + 1, bytes.at + bytes.size);
        from += raw.size + 1;
        while (part + 1 < threads->stream->parts->len && stream_part(threads->stream, part + 1)->position <= position)
            if (stream_part(threads->stream, ++part)->base != 0)
                above = thread.size == 0 ? thread : (struct slice){NULL, 0};
        if (!whole) {
            whole = TRUE;
            continue;
        }
        if (slice_ends(raw, "\r"))
            raw.size--;
        body = raw;
        if (trace_prefix_find(&body, &name)) {
            memcpy(name_bytes, name.at, name.size);
            above = (struct slice){name_bytes, name.size};
        }
        if (trace_stamp_take(body, &local)) {
            if (is_past(block, local))
                block_break(block);
            if (block->begun && block->latest_local == MOMENT_NONE) /* it is no younger than that */
                block->latest_local = local;
            continue;
        }
        if (above.at && slice_equal(&above, &thread))
            feed_above_line(threads, block, line, raw, body, position, from, local);
    }
    block->trial = FALSE;
    if (block->begun)
        place_block(threads, block, line);
    block_set_context(block);
    place_context(threads, &block->near, line);
    place_context(threads, &block->far, line);
}

/* ---- A line and its thread ---- */

/* A line without an open block, in which one of the words stands that begin one. */
static struct thread *open_thread(struct threads *threads, const struct trace_line *line, struct slice body,
                                  struct slice name)
{
    struct thread *thread = find_thread(threads, name);
    struct block *block = take_spare(threads);

    block->trial = TRUE;
    gboolean told = feed(threads, block, line, body) || threads->joined;
    block_clear(block);
    block->trial = FALSE;
    if (!told) {
        g_ptr_array_add(threads->spare, block);
        return NULL;
    }
    if (!thread)
        thread = add_thread(threads, name, line->position);
    if (threads->n_open == TRACE_BLOCK_THREADS)
        close_oldest(threads); /* before this one is open, which has nothing in it yet */
    block->latest = threads->trace->lines;
    feed_above(threads, block, line, name, thread->done);
    thread->block = block;
    threads->opened = thread;
    threads->n_open++;
    return thread;
}

/* Whether what an open block has read tells that it is over. */
static gboolean is_over(const struct block *block)
{
    return !block->begun || !block->opened ||
           block->quiet > (block->settled || block->reading ? BLOCK_NEAR_LINES : QUIET_LINES);
}

/* Another process writes from ${position} on: no block goes on. */
static void note_process(struct threads *threads, uint64_t position)
{
    if (threads->pid != threads->header.pid && threads->pid != -1) {
        close_threads(threads, is_any, 0);
        threads->floor = position;
    }
    threads->pid = threads->trace->header.pid = threads->header.pid;
}

static void read_body(struct threads *threads, const struct trace_line *line, struct slice body)
{
    struct slice name = threads->above.at ? threads->above : (struct slice){"", 0};
    struct thread *thread = find_thread(threads, name);

    if (thread && thread->block && (is_stale(thread, threads->trace->lines) || is_past(thread->block, line->local)))
        close_thread(threads, thread, thread->block->reach); /* whether or not it was swept up already */
    gboolean open = thread && thread->block;
    threads->others = open ? 0 : threads->others + 1;
    if (!open && !line->telling)
        return;
    if (line->telling && header_take_truncated(&threads->header, body)) {
        note_process(threads, line->position);
        return;
    }
    if (!open && !(thread = open_thread(threads, line, body, name)))
        return;
    struct block *block = thread->block;
    if (feed(threads, block, line, body) && !open && block->begun)
        block->opened = TRUE;
    if (block->replays) { /* the lines since then are of another connection */
        block->replays = FALSE;
        block_clear(block);
        close_thread(threads, thread, block->replay);
        if (line->telling)
            read_body(threads, line, body);
        return;
    }
    if (threads->joined || !is_over(block))
        return;
    /* A fact of the next connection ended it: it will be read again, should that connection fail. */
    gboolean next = block->begun && !block->opened;
    close_thread(threads, thread, next ? line->position : block->begun ? block->reach : line->end);
}

/* A line in full: of which thread it is, and what it tells. */
static void read_one(struct threads *threads, struct trace_line *line)
{
    struct slice body = line->raw, name;
    gboolean prefixed = trace_prefix_find(&body, &name);

    if (prefixed) {
        set_above(threads, name);
    } else if (header_take(&threads->header, body)) {
        threads->trace->header.level = threads->header.level;
        threads->trace->titled = threads->trace->titled || threads->header.level >= 0;
        note_process(threads, line->position);
        return;
    }
    if (threads->header.lines > 0)
        threads->header.lines--;
    if (trace_stamp_take(body, &threads->local))
        return;
    line->local = threads->local;
    line->prefixed = prefixed;
    line->alone = threads->above.at == NULL;
    read_body(threads, line, body);
}

/* The next prefix of a thread in ${line} behind its beginning, where lines were joined by a blank or a "#"; or NULL. */
static const char *find_joined(struct slice line)
{
    const char *end = line.at + line.size;

    for (const char *at = line.at; at < end && (at = memmem(at + 1, (size_t)(end - at - 1), "[Thr", 4));)
        if (slice_is_blank(at[-1]) || at[-1] == '#')
            return at;
    return NULL;
}

/* Whether lines with a prefix each were joined into this one: read them one by one. */
static gboolean read_joined(struct threads *threads, const struct trace_line *line)
{
    struct slice rest = line->raw;

    if (!line->telling)
        return FALSE;
    const char *next = slice_begins(rest, "[Thr") ? rest.at : find_joined(rest);
    if (next && next - rest.at < MARK_BYTES) /* of the first line, perhaps behind a list's mark */
        next = find_joined(slice_of(next, rest.at + rest.size));
    if (!next)
        return FALSE;
    threads->joined = TRUE;
    while (rest.size > 0) {
        struct trace_line one = *line;
        one.raw = next ? slice_of(rest.at, next) : rest;
        one.torn = line->torn && !next;
        one.clipped = line->clipped && !next;
        one.offset += line->moved ? 0 : (uint64_t)(rest.at - line->raw.at);
        rest = slice_from(rest, one.raw.size);
        next = rest.size > 0 ? find_joined(rest) : NULL;
        trace_copied_strip_end(&one.raw);
        read_one(threads, &one);
    }
    threads->joined = FALSE;
    close_threads(threads, is_idle_block, 0);
    return TRUE;
}

/* In the lines from ${at} to ${end}: the last thread's prefix. */
static void find_last_prefix(struct threads *threads, const char *at, const char *end)
{
    const char *stop = end;

    for (const char *bracket; (bracket = memrchr(at, '[', (size_t)(stop - at))); stop = bracket) {
        if (!slice_begins(slice_of(bracket, end), "[Thr"))
            continue;
        const char *feed_above = memrchr(at, '\n', (size_t)(bracket - at));
        const char *feed_below = memchr(bracket, '\n', (size_t)(end - bracket));
        struct slice line = slice_of(feed_above ? feed_above + 1 : at, feed_below ? feed_below : end), name;
        if (trace_prefix_find(&line, &name)) {
            set_above(threads, name);
            return;
        }
    }
}

/* ... and the last time stamp. */
static void find_last_stamp(struct threads *threads, const char *at, const char *end)
{
    const char *stop = end;

    while ((stop = trace_filter_last_year(at, stop))) {
        const char *feed_above = memrchr(at, '\n', (size_t)(stop - at)),
                   *feed_below = memchr(stop, '\n', (size_t)(end - stop));
        struct slice line = slice_of(feed_above ? feed_above + 1 : at, feed_below ? feed_below : end), name;
        if (slice_ends(line, "\r"))
            line.size--;
        trace_prefix_find(&line, &name);
        if (trace_stamp_take(line, &threads->local))
            return;
    }
}

/* Whether the thread of this name has an open block.  Mostly there is only one that has. */
static gboolean is_open(struct threads *threads, struct slice name)
{
    if (threads->opened && threads->n_open == 1)
        return slice_equal(&threads->opened->name, &name);
    const struct thread *thread = find_thread(threads, name);
    return thread && thread->block;
}

static void sweep(struct threads *threads, uint64_t lines)
{
    if (lines < threads->sweep)
        return;
    threads->sweep = lines + SWEEP_LINES;
    close_threads(threads, is_stale, lines);
}

/* ---- The door ---- */

void threads_init(struct threads *threads, struct trace *trace, struct stream *stream)
{
    *threads = (struct threads){.trace = trace, .stream = stream, .local = MOMENT_NONE, .pid = -1};
    threads->table = g_hash_table_new_full(slice_hash, slice_equal, NULL, thread_free);
    threads->spare = g_ptr_array_new_with_free_func((GDestroyNotify)block_free);
    threads->plain = g_string_new(NULL);
    header_init(&threads->header);
}

void threads_clear(struct threads *threads)
{
    g_hash_table_unref(threads->table);
    g_ptr_array_unref(threads->spare);
    g_string_free(threads->plain, TRUE);
    header_clear(&threads->header);
}

gboolean threads_are_idle(const struct threads *threads)
{
    return threads->n_open == 0 && threads->header.lines == 0;
}

void threads_read(struct threads *threads, struct trace_line *line)
{
    uint64_t lines = threads->trace->lines;

    if (!read_joined(threads, line))
        read_one(threads, line);
    sweep(threads, lines);
}

void threads_pass(struct threads *threads, const char *at, const char *end)
{
    find_last_prefix(threads, at, end);
    find_last_stamp(threads, at, end);
}

const char *threads_pass_others(struct threads *threads, const char *at, const char *end, unsigned *lines)
{
    const char *start = at, *feed_at;
    struct slice name, last = {NULL, 0};

    *lines = 0;
    if (threads->others < OTHERS_LINES || threads->header.lines > 0)
        return at;
    while ((feed_at = memchr(at, '\n', (size_t)(end - at))) && (size_t)(feed_at - at) <= TRACE_LINE_BYTES) {
        struct slice line = slice_of(at, feed_at);
        if (!trace_prefix_take(&line, &name) || is_open(threads, name))
            break;
        last = name;
        at = feed_at + 1;
        ++*lines;
    }
    if (last.at) {
        set_above(threads, last);
        find_last_stamp(threads, start, at);
        sweep(threads, threads->trace->lines + *lines);
    }
    return at;
}

void threads_begin(struct threads *threads)
{
    threads->header.level = threads->trace->header.level = -1;
}

void threads_forget_above(struct threads *threads)
{
    threads->above = (struct slice){NULL, 0};
}

void threads_break(struct threads *threads)
{
    close_threads(threads, is_any, 0);
    threads->floor = threads->stream->position;
    threads_forget_above(threads);
}

void threads_end(struct threads *threads)
{
    close_threads(threads, is_any, 0);
}
