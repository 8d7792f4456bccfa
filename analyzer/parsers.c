#include "parsers.h"

#include "certificate.h"
#include "listing.h"
#include "mapping.h"
#include "moment.h"
#include "pool.h"
#include "trace_kind.h"
#include "trace_pack.h"
#include "trace_stamp.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAID_FAILURE = 1, SAID_SHOWN, SAID_PIECE, SAID_TRACE, SAID_CERTIFICATE, SAID_LISTING, SAID_ENTRY };

static const char no_process[] = "no memory could be given to the parser";

/* ---- What a child does: traces ---- */

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

    if (size > POOL_CERT_BYTES || certificate_element(bytes, size) != size ||
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
static gboolean read_piece(struct trace *trace, const struct parsers_piece *piece, struct parsers_trace *told,
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

static gboolean read_trace(struct trace *trace, const struct parsers_piece *pieces, unsigned count,
                           struct parsers_trace *told)
{
    *told = (struct parsers_trace){0};
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

void parsers_clear(struct parsers_trace *trace)
{
    g_clear_pointer(&trace->release, g_free);
    g_clear_pointer(&trace->seen, g_free);
}

static void say_trace(struct worker_answer *answer, GByteArray *said, const struct parsers_trace *told)
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

static unsigned pieces_of(struct parsers_piece *pieces, const struct worker_request *request)
{
    unsigned count = 0;
    for (; count < WORKER_FILES && request->files[count] >= 0; count++)
        pieces[count] = (struct parsers_piece){request->files[count], request->numbers[count],
                                               (request->numbers[WORKER_FILES + count] & PIECE_MOVED) != 0,
                                               (request->numbers[WORKER_FILES + count] & PIECE_CUT) != 0};
    return count;
}

static void answer_trace(struct worker_answer *answer, const struct worker_request *request)
{
    struct parsers_piece pieces[WORKER_FILES];
    struct parsers_trace told;
    struct telling telling = {
        .answer = answer,
        .said = g_byte_array_new(),
        .shown = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL),
        .signatures = signatures_new(),
    };
    g_autoptr(trace_auto) trace = trace_new_for(say_failure, &telling);

    if (read_trace(trace, pieces, pieces_of(pieces, request), &told))
        say_trace(answer, telling.said, &told);
    parsers_clear(&told);
    g_byte_array_unref(telling.said);
    g_hash_table_unref(telling.shown);
    signatures_free(telling.signatures);
}

/* ---- What a child does: the others ---- */

static void answer_certificates(struct worker_answer *answer, const struct worker_request *request)
{
    struct mapping mapping;
    struct stat status;
    g_autoptr(GByteArray) said = g_byte_array_new();
    struct signatures *signatures = signatures_new();

    if (fstat(request->files[0], &status) == 0 && status.st_size > 0 &&
        mapping_make(&mapping, request->files[0], (size_t)status.st_size)) {
        const uint8_t *at = (const uint8_t *)mapping.bytes;
        for (size_t left = mapping.size, length; left > 0; at += length, left -= length) {
            struct certificate certificate;
            length = certificate_element(at, left);
            if (length == 0)
                break;
            gboolean parsed = certificate_read(&certificate, at, length, signatures);
            pack_number(said, parsed);
            if (parsed)
                certificate_pack(said, &certificate);
            certificate_clear(&certificate);
            say(answer, SAID_CERTIFICATE, said);
            worker_send(answer); /* of those that were read none is to blame if the next one ends us */
        }
        mapping_clear(&mapping);
    }
    signatures_free(signatures);
}

static void answer_listing(struct worker_answer *answer, const struct worker_request *request)
{
    struct stat status;
    struct mapping mapping = {.bytes = ""};
    g_autoptr(GByteArray) said = g_byte_array_new();

    if (fstat(request->files[0], &status) != 0 ||
        (status.st_size > 0 && !mapping_make(&mapping, request->files[0], (size_t)status.st_size)))
        return;
    struct listing *listing = listing_parse(mapping.bytes, mapping.size);
    for (guint i = 0; i < listing->entries->len; i++) {
        listing_pack_entry(said, listing->entries->pdata[i]);
        say(answer, SAID_ENTRY, said);
    }
    listing_pack(said, listing);
    say(answer, SAID_LISTING, said);
    listing_free(listing);
    if (mapping.size > 0)
        mapping_clear(&mapping);
}

gboolean parsers_work(struct worker_answer *answer, const struct worker_request *request)
{
    switch (request->kind) {
    case PARSERS_TRACE:
        answer_trace(answer, request);
        return TRUE;
    case PARSERS_CERTIFICATES:
        answer_certificates(answer, request);
        return TRUE;
    case PARSERS_LISTING:
        answer_listing(answer, request);
        return TRUE;
    default:
        return FALSE;
    }
}

/* ---- What the parent does: certificates ---- */

struct taking_certificates {
    const GPtrArray *digests;
    GHashTable *into;
    guint done;
};

static gboolean take_certificate(void *data, uint32_t kind, const void *bytes, size_t size)
{
    struct taking_certificates *taking = data;
    struct unpack unpack = {bytes, (const uint8_t *)bytes + size, FALSE};
    struct certificate *certificate = NULL;

    if (kind != SAID_CERTIFICATE || taking->done >= taking->digests->len)
        return FALSE;
    if (unpack_number(&unpack, FALSE, TRUE)) {
        certificate = g_new0(struct certificate, 1);
        certificate_unpack(certificate, &unpack);
    }
    g_hash_table_insert(taking->into, g_strdup(taking->digests->pdata[taking->done++]), certificate);
    return unpack_is_done(&unpack);
}

static gboolean end_certificates(void *data)
{
    const struct taking_certificates *taking = data;
    return taking->done == taking->digests->len;
}

static void take_certificates_again(void *data)
{
    struct taking_certificates *taking = data;
    taking->done = 0;
}

gboolean parsers_read_certificates(struct workers *workers, const GByteArray *ders, const GPtrArray *digests,
                                   GHashTable *into, guint *done, char **why)
{
    static const struct worker_taker taker = {take_certificate, end_certificates, take_certificates_again};
    struct taking_certificates taking = {digests, into, 0};
    struct worker_request request = {.kind = PARSERS_CERTIFICATES, .files = {worker_file(ders->data, ders->len), -1}};

    *done = 0;
    if (request.files[0] < 0) {
        *done = digests->len; /* none of them is to blame */
        *why = g_strdup_printf("%s: %s", no_process, g_strerror(errno));
        return FALSE;
    }
    gboolean ok = worker_finish(workers_submit(workers, &request, &taker, &taking), why);
    *done = taking.done;
    return ok;
}

/* ---- What the parent does: listings ---- */

struct taking_listing {
    struct listing *listing;
    gboolean whole;
};

static gboolean take_listing(void *data, uint32_t kind, const void *bytes, size_t size)
{
    struct taking_listing *taking = data;
    struct unpack unpack = {bytes, (const uint8_t *)bytes + size, FALSE};

    if (taking->whole || taking->listing->entries->len > POOL_LIST_CERTS)
        return FALSE;
    if (kind == SAID_ENTRY) {
        listing_unpack_entry(taking->listing, &unpack);
    } else if (kind == SAID_LISTING) {
        listing_unpack(taking->listing, &unpack);
        taking->whole = TRUE;
    } else {
        return FALSE;
    }
    return unpack_is_done(&unpack);
}

static gboolean end_listing(void *data)
{
    return ((const struct taking_listing *)data)->whole;
}

static void take_listing_again(void *data)
{
    struct taking_listing *taking = data;
    listing_free(taking->listing);
    *taking = (struct taking_listing){.listing = listing_new()};
}

struct listing *parsers_read_listing(struct workers *workers, GBytes *bytes, char **why)
{
    static const struct worker_taker taker = {take_listing, end_listing, take_listing_again};
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);

    if (!workers)
        return listing_parse(data, size);
    struct worker_request request = {.kind = PARSERS_LISTING, .files = {worker_file(data, size), -1}};
    if (request.files[0] < 0) {
        *why = g_strdup_printf("%s: %s", no_process, g_strerror(errno));
        return NULL;
    }
    struct taking_listing taking = {.listing = listing_new()};
    if (worker_finish(workers_submit(workers, &request, &taker, &taking), why))
        return taking.listing;
    listing_free(taking.listing);
    return NULL;
}

/* ---- What the parent does: traces ---- */

struct parsers_task {
    struct worker_task *task; /* NULL: all was read at once, here */
    const struct parsers_reader *reader;
    void *data;
    unsigned count;
    GPtrArray *chain, *lines;
    struct parsers_trace told;
    gboolean whole;
};

static gboolean take_shown(struct parsers_task *task, struct unpack *unpack)
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

static gboolean take_end(struct parsers_task *task, struct unpack *unpack)
{
    for (int i = 0; i < WORKER_FILES; i++) {
        task->told.levels[i] = (int)unpack_number(unpack, -1, G_MAXINT);
        task->told.firsts[i] = unpack_moment(unpack);
        task->told.lasts[i] = unpack_moment(unpack);
    }
    parsers_clear(&task->told);
    task->told.release = g_strdup(unpack_text(unpack));
    task->told.binary = (gboolean)unpack_number(unpack, FALSE, TRUE);
    task->told.prefixed = (gboolean)unpack_number(unpack, FALSE, TRUE);
    task->told.seen = g_strdup(unpack_text(unpack));
    task->whole = TRUE;
    return unpack_is_done(unpack);
}

static gboolean take_of_trace(void *data, uint32_t kind, const void *bytes, size_t size)
{
    struct parsers_task *task = data;
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
    return ((const struct parsers_task *)data)->whole;
}

static void take_trace_again(void *data)
{
    struct parsers_task *task = data;
    task->whole = FALSE;
    task->reader->again(task->data);
}

static void read_here(struct parsers_task *task, const struct parsers_piece *pieces, unsigned count)
{
    g_autoptr(trace_auto) trace = trace_new_for(task->reader->take, task->data);

    task->whole = read_trace(trace, pieces, count, &task->told);
    for (unsigned i = 0; i < count; i++)
        close(pieces[i].file);
}

struct parsers_task *parsers_submit(struct workers *workers, const struct parsers_piece *pieces, unsigned count,
                                    const struct parsers_reader *reader, void *data)
{
    static const struct worker_taker taker = {take_of_trace, end_trace, take_trace_again};
    struct parsers_task *task = g_new0(struct parsers_task, 1);
    struct worker_request request = {.kind = PARSERS_TRACE, .files = {-1, -1}};

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

gboolean parsers_finish(struct parsers_task *task, struct parsers_trace *trace, char **why)
{
    gboolean ok = task->task ? worker_finish(task->task, why) : task->whole;

    if (!task->task && !ok)
        *why = g_strdup("its bytes cannot be read");
    if (ok)
        *trace = task->told;
    else
        parsers_clear(&task->told);
    g_ptr_array_unref(task->chain);
    g_ptr_array_unref(task->lines);
    g_free(task);
    return ok;
}
