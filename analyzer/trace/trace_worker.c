#include "trace_worker.h"

#include "certificate.h"
#include "mapping.h"
#include "moment.h"
#include "pool.h"
#include "trace_kind.h"
#include "trace_pack.h"
#include "trace_stamp.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAID_FAILURE = 1, SAID_SHOWN, SAID_TRACE };

/* ---- The child ---- */

struct telling { /* to whom what a trace reader finds is told */
    struct worker_answer *answer;
    GByteArray *said;
    GHashTable *shown; /* GBytes *: certificates that were told */
    struct signatures *signatures;
};

static void say(struct worker_answer *answer, uint32_t kind, GByteArray *said)
{
    worker_say(answer, kind, said->data, said->len);
    g_byte_array_set_size(said, 0);
}

/* So that the bytes cost this trace, if they cost something, and not the audit. */
static void say_shown(struct telling *telling, GBytes *der)
{
    gsize size;
    const void *bytes = g_bytes_get_data(der, &size);
    struct certificate certificate;

    if (size > CERTIFICATE_BYTES || certificate_element(bytes, size) != size ||
        g_hash_table_size(telling->shown) >= POOL_SHOWN || !g_hash_table_add(telling->shown, g_bytes_ref(der)) ||
        !certificate_read(&certificate, bytes, size, telling->signatures))
        return;
    pack_bytes(telling->said, bytes, size);
    certificate_pack(telling->said, &certificate);
    say(telling->answer, SAID_SHOWN, telling->said);
    certificate_clear(&certificate);
}

static void say_failure(void *data, const struct trace_failure *failure)
{
    struct telling *telling = data;

    for (guint i = 0; i < failure->chain->len; i++) {
        const struct trace_cert *cert = failure->chain->pdata[i];
        if (cert->der)
            say_shown(telling, cert->der);
    }
    trace_pack(telling->said, failure);
    say(telling->answer, SAID_FAILURE, telling->said);
}

enum { PIECE_MOVED = 1, PIECE_CUT = 2 }; /* of a request */

/* The file became shorter while it was read; what was missing came as NULs. */
static size_t without_padding(const char *bytes, size_t size)
{
    while (size > 0 && bytes[size - 1] == '\0')
        size--;
    return size;
}

/* A piece that can't be mapped is one that nobody has read. */
static gboolean read_piece(struct trace *trace, const struct trace_worker_piece *piece, struct trace_worker_trace *told,
                           unsigned i)
{
    struct mapping mapping;
    struct stat status;

    trace_begin(trace, (uint64_t)MAX(piece->base, 0));
    told->firsts[i] = told->lasts[i] = MOMENT_NONE;
    if (fstat(piece->file, &status) != 0)
        return FALSE;
    if (status.st_size > 0) {
        if (!mapping_make(&mapping, piece->file, (size_t)status.st_size))
            return FALSE;
        mapping_use(&mapping);
        size_t size = piece->moved ? without_padding(mapping.bytes, mapping.size) : mapping.size;
        trace_read(trace, mapping.bytes, size);
        trace_stamp_span(mapping.bytes, size, &told->firsts[i], &told->lasts[i]);
        mapping_use(NULL);
        mapping_clear(&mapping);
    }
    trace_end_part(trace);
    if (piece->cut)
        trace_break(trace);
    told->levels[i] = trace->header.level;
    return TRUE;
}

static gboolean read_trace(struct trace *trace, const struct trace_worker_piece *pieces, unsigned count,
                           struct trace_worker_trace *told)
{
    *told = (struct trace_worker_trace){0};
    for (unsigned i = 0; i < count; i++)
        if (!read_piece(trace, &pieces[i], told, i))
            return FALSE;
    trace_end(trace);
    told->release = g_strdup(trace->header.release);
    told->binary = trace->binary;
    told->prefixed = trace->prefixed;
    told->seen = trace_kind_is_trace(trace) ? NULL : trace_kind_seen(trace);
    return TRUE;
}

void trace_worker_clear(struct trace_worker_trace *trace)
{
    g_clear_pointer(&trace->release, g_free);
    g_clear_pointer(&trace->seen, g_free);
}

static void say_trace(struct worker_answer *answer, GByteArray *said, const struct trace_worker_trace *told)
{
    for (int i = 0; i < WORKER_FILES; i++) {
        pack_number(said, told->levels[i]);
        pack_number(said, told->firsts[i]);
        pack_number(said, told->lasts[i]);
    }
    pack_text(said, told->release);
    pack_number(said, told->binary);
    pack_number(said, told->prefixed);
    pack_text(said, told->seen);
    say(answer, SAID_TRACE, said);
}

static unsigned pieces_of(struct trace_worker_piece *pieces, const struct worker_request *request)
{
    unsigned count = 0;
    for (; count < WORKER_FILES && request->files[count] >= 0; count++)
        pieces[count] = (struct trace_worker_piece){request->files[count], request->numbers[count],
                                                    (request->numbers[WORKER_FILES + count] & PIECE_MOVED) != 0,
                                                    (request->numbers[WORKER_FILES + count] & PIECE_CUT) != 0};
    return count;
}

static void answer_trace(struct worker_answer *answer, const struct worker_request *request)
{
    struct trace_worker_piece pieces[WORKER_FILES];
    struct trace_worker_trace told;
    struct telling telling = {
        .answer = answer,
        .said = g_byte_array_new(),
        .shown = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL),
        .signatures = signatures_new(),
    };
    g_autoptr(trace_auto) trace = trace_new_for(say_failure, &telling);

    if (read_trace(trace, pieces, pieces_of(pieces, request), &told))
        say_trace(answer, telling.said, &told);
    trace_worker_clear(&told);
    g_byte_array_unref(telling.said);
    g_hash_table_unref(telling.shown);
    signatures_free(telling.signatures);
}

gboolean trace_worker_work(struct worker_answer *answer, const struct worker_request *request)
{
    if (request->kind != TRACE_WORKER_TRACE)
        return FALSE;
    answer_trace(answer, request);
    return TRUE;
}

/* ---- The parent ---- */

struct trace_worker_task {
    struct worker_task *task; /* NULL: all was read at once, here */
    const struct trace_worker_reader *reader;
    void *data;
    unsigned count;
    GPtrArray *chain, *lines;
    struct trace_worker_trace told;
    gboolean whole;
};

static gboolean take_shown(struct trace_worker_task *task, struct unpack *unpack)
{
    struct certificate certificate;
    size_t size;
    const void *der = unpack_bytes(unpack, &size);

    certificate_unpack(&certificate, unpack);
    gboolean done = unpack_is_done(unpack);
    if (done && task->reader->shown)
        task->reader->shown(task->data, der, size, &certificate);
    certificate_clear(&certificate);
    return done;
}

static gboolean take_end(struct trace_worker_task *task, struct unpack *unpack)
{
    for (int i = 0; i < WORKER_FILES; i++) {
        task->told.levels[i] = (int)unpack_number(unpack, -1, G_MAXINT);
        task->told.firsts[i] = unpack_moment(unpack);
        task->told.lasts[i] = unpack_moment(unpack);
    }
    trace_worker_clear(&task->told);
    task->told.release = g_strdup(unpack_text(unpack));
    task->told.binary = (gboolean)unpack_number(unpack, FALSE, TRUE);
    task->told.prefixed = (gboolean)unpack_number(unpack, FALSE, TRUE);
    task->told.seen = g_strdup(unpack_text(unpack));
    task->whole = TRUE;
    return unpack_is_done(unpack);
}

static gboolean take_of_trace(void *data, uint32_t kind, const void *bytes, size_t size)
{
    struct trace_worker_task *task = data;
    struct unpack unpack = {bytes, (const uint8_t *)bytes + size, FALSE};
    struct trace_failure failure;

    if (task->whole)
        return FALSE;
    if (kind == SAID_SHOWN)
        return take_shown(task, &unpack);
    if (kind == SAID_TRACE)
        return take_end(task, &unpack);
    if (kind != SAID_FAILURE)
        return FALSE;
    trace_unpack(&failure, &unpack, task->chain, task->lines);
    if (!unpack_is_done(&unpack) || failure.part >= task->count)
        return FALSE;
    task->reader->take(task->data, &failure);
    return TRUE;
}

static gboolean end_trace(void *data)
{
    return ((const struct trace_worker_task *)data)->whole;
}

static void take_trace_again(void *data)
{
    struct trace_worker_task *task = data;
    task->whole = FALSE;
    task->reader->again(task->data);
}

static void read_here(struct trace_worker_task *task, const struct trace_worker_piece *pieces, unsigned count)
{
    g_autoptr(trace_auto) trace = trace_new_for(task->reader->take, task->data);

    task->whole = read_trace(trace, pieces, count, &task->told);
    for (unsigned i = 0; i < count; i++)
        close(pieces[i].file);
}

struct trace_worker_task *trace_worker_submit(struct workers *workers, const struct trace_worker_piece *pieces,
                                              unsigned count, const struct trace_worker_reader *reader, void *data)
{
    static const struct worker_taker taker = {take_of_trace, end_trace, take_trace_again};
    struct trace_worker_task *task = g_new0(struct trace_worker_task, 1);
    struct worker_request request = {.kind = TRACE_WORKER_TRACE, .files = {-1, -1}};

    g_assert(count > 0 && count <= WORKER_FILES);
    task->reader = reader;
    task->data = data;
    task->count = count;
    task->chain = g_ptr_array_new_with_free_func(trace_unpack_free);
    task->lines = g_ptr_array_new();
    if (!workers) {
        read_here(task, pieces, count);
        return task;
    }
    for (unsigned i = 0; i < count; i++) {
        request.files[i] = pieces[i].file;
        request.numbers[i] = pieces[i].base;
        request.numbers[WORKER_FILES + i] = (pieces[i].moved ? PIECE_MOVED : 0) | (pieces[i].cut ? PIECE_CUT : 0);
    }
    task->task = workers_submit(workers, &request, &taker, task);
    return task;
}

gboolean trace_worker_finish(struct trace_worker_task *task, struct trace_worker_trace *trace, char **why)
{
    gboolean ok = task->task ? worker_finish(task->task, why) : task->whole;

    if (!task->task && !ok)
        *why = g_strdup("its bytes cannot be read");
    if (ok)
        *trace = task->told;
    else
        trace_worker_clear(&task->told);
    g_ptr_array_unref(task->chain);
    g_ptr_array_unref(task->lines);
    g_free(task);
    return ok;
}
