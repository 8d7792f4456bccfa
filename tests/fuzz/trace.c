/* Traces: what comes out is clean and within the limits, and does not depend on the pieces in which the bytes came, nor
 * on the way in which words are searched for.  Samples may be recipes of larger traces (trace_grow.h). */
#include "trace.h"

#include "advice.h"
#include "message.h"
#include "moment.h"
#include "snc.h"
#include "trace_filter.h"
#include "trace_grow.h"
#include "trace_kind.h"
#include "trace_stamp.h"

#include <stdio.h>
#include <string.h>

#define MUTATIONS   4                   /* of each sample that is played */
#define TOLD_INPUTS 1024                /* from here on, at each power of two, it is told what was reached */
#define SAMPLE_MOST ((size_t)64 * 1024) /* of a mutated one, before it grows */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t most);
gboolean fuzz_end(void);
void fuzz_mutated(const uint8_t *bytes, size_t size);

/* What the samples have reached: a target that stays below the limits finds nothing there. */
static struct {
    uint64_t inputs, grown, failures, longest, lines_cut, blocks_closed, befores_cut, torn_long;
} reached;

static void assert_clean(const char *text)
{
    g_assert(!text || g_utf8_validate(text, -1, NULL));
    for (; text && *text; text = g_utf8_next_char(text))
        g_assert(!g_unichar_iscntrl(g_utf8_get_char(text)));
}

static void assert_failure(const struct trace_failure *failure, size_t size)
{
    const char *const texts[] = {failure->error, failure->store,   failure->target,
                                 failure->peer,  failure->missing, failure->reason};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_clean(texts[i]);
    g_assert(!failure->missing || failure->cause == CAUSE_UNTRUSTED_PEER);
    g_assert((failure->missing == NULL) == (failure->certainty == CERTAINTY_UNKNOWN));
    g_assert(failure->lines->len >= 1 && failure->lines->len <= TRACE_EVIDENCE_LINES);
    g_assert(failure->chain->len <= TRACE_CHAIN_CERTS);
    g_assert(failure->offset < size);
    g_assert(failure->n_known >= 1 && failure->n_known <= failure->n_lines);
    for (guint i = 0; i < failure->lines->len; i++)
        assert_clean(failure->lines->pdata[i]);
    for (guint i = 0; i < failure->chain->len; i++) {
        const struct trace_cert *cert = failure->chain->pdata[i];
        g_assert(cert->subject || cert->issuer);
        assert_clean(cert->subject);
        assert_clean(cert->issuer);
        g_assert(!cert->der || (cert->sha256 && strlen(cert->sha256) == 64));
        g_assert(!cert->serial || strspn(cert->serial, "0123456789ABCDEF:") == strlen(cert->serial));
    }
}

/* The first ${first} bytes at once, so that a mark of the encoding is seen, and then in pieces of ${step} bytes. */
static struct trace *read_pieces(const uint8_t *bytes, size_t size, size_t first, size_t step)
{
    struct trace *trace = trace_new();
    size_t at = MIN(first, size);

    trace_begin(trace, 0);
    trace_read(trace, bytes, at);
    for (; at < size; at += MIN(step, size - at))
        trace_read(trace, bytes + at, MIN(step, size - at));
    trace_end(trace);
    return trace;
}

static void assert_same(const struct trace *left, const struct trace *right)
{
    g_assert(left->lines == right->lines);
    g_assert(left->lines_cut == right->lines_cut);
    g_assert(left->binary == right->binary);
    g_assert(left->header.level == right->header.level);
    g_assert(left->header.pid == right->header.pid);
    g_assert(left->failures->len == right->failures->len);
    for (guint i = 0; i < left->failures->len; i++) {
        const struct trace_failure *a = left->failures->pdata[i], *b = right->failures->pdata[i];
        g_assert(a->cause == b->cause && a->code == b->code && a->role == b->role && a->local == b->local);
        g_assert(g_strcmp0(a->error, b->error) == 0 && g_strcmp0(a->store, b->store) == 0);
        g_assert(g_strcmp0(a->target, b->target) == 0 && g_strcmp0(a->peer, b->peer) == 0);
        g_assert(g_strcmp0(a->missing, b->missing) == 0 && a->missing_cut == b->missing_cut);
        g_assert(a->chain->len == b->chain->len && a->lines->len == b->lines->len && a->cut == b->cut);
    }
}

/* As a file is read: in chunks that were searched before and stay where they are. */
static struct trace *read_chunks(const uint8_t *bytes, size_t size, size_t chunk)
{
    struct trace *trace = trace_new();

    trace_begin(trace, 0);
    for (size_t at = 0, piece; at < size; at += piece) {
        struct trace_ahead ahead = {0};
        piece = MIN(chunk, size - at);
        trace_look_ahead(&ahead, bytes + at, piece / 2);
        trace_look_ahead(&ahead, bytes + at, piece);
        trace_read_ahead(trace, bytes + at, piece, &ahead);
    }
    trace_keep(trace);
    trace_end(trace);
    return trace;
}

/* What is found without blocks, and what is said of input that is no trace. */
static void assert_texts(struct trace *trace, size_t size)
{
    guint before = trace->failures->len;

    snc_find(trace);
    message_find(trace);
    g_assert(trace->failures->len <= before + SNC_ERRORS + MESSAGE_ERRORS);
    for (guint i = before; i < trace->failures->len; i++) {
        const struct trace_failure *failure = trace->failures->pdata[i];
        assert_failure(failure, size);
        g_autofree char *advice = advice_text(failure);
        assert_clean(advice);
    }
    if (!trace_kind_is_trace(trace)) {
        g_autofree char *seen = trace_kind_seen(trace), *need = trace_kind_need(trace);
        g_assert(seen && need);
    }
    g_ptr_array_set_size(trace->failures, (int)before);
}

static void note_reached(const struct trace *trace, const uint8_t *bytes, size_t size)
{
    const uint8_t *feed = size > 0 ? memrchr(bytes, '\n', size) : NULL;

    reached.inputs++;
    reached.failures += trace->failures->len;
    reached.longest = MAX(reached.longest, trace->longest);
    reached.lines_cut += trace->lines_cut;
    reached.blocks_closed += trace->blocks_closed;
    reached.befores_cut += trace->befores_cut;
    reached.torn_long += (size_t)(bytes + size - (feed ? feed : bytes)) > TRACE_LINE_BYTES + TRACE_BEFORE_BYTES;
}

/* Whether each limit was reached; says which was not. */
gboolean fuzz_end(void)
{
    const struct {
        const char *what;
        uint64_t n, least;
    } limits[] = {
        {"a recipe that grows", reached.grown, 1},
        {"a failure", reached.failures, 1},
        {"a line longer than TRACE_LINE_BYTES", reached.lines_cut, 1},
        {"a line longer than all that is kept", reached.longest, TRACE_LINE_BYTES + TRACE_BEFORE_BYTES + 1},
        {"such a line at the end, without a line feed", reached.torn_long, 1},
        {"more than TRACE_BEFORE_BYTES above a block", reached.befores_cut, 1},
        {"more than TRACE_BLOCK_THREADS open blocks", reached.blocks_closed, 1},
    };
    gboolean all = TRUE;

    for (size_t i = 0; i < G_N_ELEMENTS(limits); i++) {
        if (limits[i].n >= limits[i].least)
            continue;
        fprintf(stderr, "no sample has %s\n", limits[i].what);
        all = FALSE;
    }
    fprintf(stderr,
            "%" G_GUINT64_FORMAT " inputs, %" G_GUINT64_FORMAT " grown; %" G_GUINT64_FORMAT
            " failures; longest line %" G_GUINT64_FORMAT " bytes, %" G_GUINT64_FORMAT
            " over the limit, %" G_GUINT64_FORMAT " without an end; %" G_GUINT64_FORMAT
            " blocks closed for others, %" G_GUINT64_FORMAT " with more above\n",
            reached.inputs, reached.grown, reached.failures, reached.longest, reached.lines_cut, reached.torn_long,
            reached.blocks_closed, reached.befores_cut);
    return all;
}

static void read_one(const uint8_t *bytes, size_t size)
{
    guint32 hash = 5381;

    for (size_t i = 0; i < size; i++)
        hash = hash * 33 + bytes[i];
    /* The ways take turns, so that each input costs little. */
    trace_filter_use((enum trace_filter_way)(hash / 4 % TRACE_FILTER_WAYS));
    g_autoptr(trace_auto) whole = read_pieces(bytes, size, size, 1);
    note_reached(whole, bytes, size);
    for (guint i = 0; i < whole->failures->len; i++)
        assert_failure(whole->failures->pdata[i], size);
    assert_texts(whole, size);
    /* With room for all threads, since the order in which a limit is reached may differ. */
    if (whole->blocks_closed > 0 || hash % 4 > 1)
        return;
    trace_filter_use(TRACE_FILTER_PLAIN);
    size_t step = size > 16384 ? 4093 : size > 4096 ? 61 : 1 + hash / 64 % 40;
    g_autoptr(trace_auto) other =
        hash % 4 ? read_chunks(bytes, size, MAX(4, hash / 64 % 512 + size / 64)) : read_pieces(bytes, size, 4, step);
    assert_same(whole, other);
}

/* In a block of exactly its size, so that ASan sees the first byte behind it. */
static void play(const uint8_t *bytes, size_t size)
{
    GByteArray *text = trace_grow(bytes, size);
    gsize length;

    reached.grown += text->len > size;
    g_autofree uint8_t *exact = g_byte_array_steal(text, &length);
    exact = g_realloc(exact, MAX(length, 1));
    g_byte_array_unref(text);
    read_one(exact, length);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    play(bytes, size);
#ifdef TRUSTGAP_FUZZING
    if (reached.inputs >= TOLD_INPUTS && (reached.inputs & (reached.inputs - 1)) == 0)
        fuzz_end();
#endif
    return 0;
}

#ifdef TRUSTGAP_FUZZING
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    return seed % 3 == 0 ? LLVMFuzzerMutate(bytes, size, most) : trace_mutate(bytes, size, most, seed);
}
#else
/* Without libFuzzer the mutator still has its turn, always the same one. */
void fuzz_mutated(const uint8_t *bytes, size_t size)
{
    g_autofree uint8_t *sample = g_malloc0(SAMPLE_MOST);

    size = MIN(size, SAMPLE_MOST);
    memcpy(sample, bytes, size);
    for (unsigned seed = 1; seed <= MUTATIONS; seed++) {
        size = trace_mutate(sample, size, SAMPLE_MOST, seed * 8191 + (unsigned)size);
        play(sample, size);
    }
}
#endif
