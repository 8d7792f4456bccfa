/* Traces: what comes out is clean and within the limits, and does not depend on the pieces in which the bytes came. */
#include "trace.h"

#include "moment.h"
#include "trace_stamp.h"

#include <string.h>

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
    for (guint i = 0; i < failure->lines->len; i++)
        assert_clean(failure->lines->pdata[i]);
    for (guint i = 0; i < failure->chain->len; i++) {
        const struct trace_cert *cert = failure->chain->pdata[i];
        g_assert(cert->subject || cert->issuer);
        assert_clean(cert->subject);
        assert_clean(cert->issuer);
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

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    g_autoptr(trace_auto) whole = read_pieces(bytes, size, size, 1);
    g_autoptr(trace_auto) pieces = read_pieces(bytes, size, 4, size > 4096 ? 61 : 1);

    for (guint i = 0; i < whole->failures->len; i++)
        assert_failure(whole->failures->pdata[i], size);
    int64_t first = 0, last = 0;
    trace_stamp_span(bytes, size, &first, &last);
    g_assert(size > TRACE_STAMP_WINDOW_BYTES || (first == MOMENT_NONE) == (last == MOMENT_NONE));
    /* With room for all of them, since the order in which the limit is reached may differ. */
    if (whole->lines < 256)
        assert_same(whole, pieces);
    return 0;
}
