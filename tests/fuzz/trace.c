/* Traces: what comes out is clean and within the limits, and does not depend on the pieces in which the bytes came, nor
 * on the way in which words are searched for. */
#include "trace.h"

#include "advice.h"
#include "message.h"
#include "moment.h"
#include "snc.h"
#include "trace_filter.h"
#include "trace_kind.h"
#include "trace_stamp.h"

#include <string.h>

#define ENCODING_BYTES_SEEN ((size_t)256) /* of a part, by which its encoding is seen */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

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
        piece = MIN(at == 0 ? MAX(chunk, ENCODING_BYTES_SEEN) : chunk, size - at);
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    guint32 hash = 5381;

    for (size_t i = 0; i < size; i++)
        hash = hash * 33 + bytes[i];
    /* The ways take turns, so that each input costs little. */
    trace_filter_use((enum trace_filter_way)(hash / 4 % TRACE_FILTER_WAYS));
    g_autoptr(trace_auto) whole = read_pieces(bytes, size, size, 1);
    for (guint i = 0; i < whole->failures->len; i++)
        assert_failure(whole->failures->pdata[i], size);
    assert_texts(whole, size);
    /* With room for all threads, since the order in which a limit is reached may differ. */
    if (whole->lines >= 256 || hash % 4 > 1)
        return 0;
    trace_filter_use(TRACE_FILTER_PLAIN);
    g_autoptr(trace_auto) other =
        hash % 4 ? read_chunks(bytes, size, MAX(4, hash / 64 % 512))
                 : read_pieces(bytes, size, ENCODING_BYTES_SEEN, size > 4096 ? 61 : 1 + hash / 64 % 40);
    assert_same(whole, other);
    return 0;
}
