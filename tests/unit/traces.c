#include "traces.h"

#include <criterion/criterion.h>
#include <string.h>

#define DATA SOURCE_ROOT "/tests/data/trace/"

void traces_end(struct trace *trace)
{
    g_autoptr(GHashTable) told = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *failures = trace->failures;
    gboolean unnamed = FALSE;

    trace_end(trace);
    for (guint i = 0; i < failures->len; i++) {
        struct trace_failure *failure = failures->pdata[i];
        failure->listed = failure->error && (failure->listed || (failure->alone && trace->prefixed));
        if (!failure->listed && failure->error)
            g_hash_table_add(told, (void *)failure->error);
        unnamed = unnamed || !failure->error;
    }
    for (guint i = failures->len; i-- > 0;) {
        struct trace_failure *failure = failures->pdata[i];
        if (failure->listed && (unnamed || g_hash_table_contains(told, failure->error)))
            g_ptr_array_remove_index(failures, i);
    }
}

struct trace *traces_read_parts(const char *bytes, size_t size, size_t split, uint64_t second_base)
{
    struct trace *trace = trace_new();
    /* Copies of the exact size, so that reading over the end is found, and freed, so that keeping a pointer is. */
    g_autofree char *first = g_memdup2(bytes, MAX(split, 1));
    g_autofree char *second = g_memdup2(bytes + split, MAX(size - split, 1));
    trace_begin(trace, 0);
    trace_read(trace, first, split);
    if (second_base != split)
        trace_begin(trace, second_base);
    trace_read(trace, second, size - split);
    g_clear_pointer(&first, g_free);
    g_clear_pointer(&second, g_free);
    traces_end(trace);
    return trace;
}

struct trace *traces_read_bytes(const char *bytes, size_t size)
{
    struct trace *trace = trace_new();
    char *copy = size > 0 ? g_memdup2(bytes, size) : NULL;
    trace_begin(trace, 0);
    trace_read(trace, copy, size);
    g_free(copy);
    traces_end(trace);
    return trace;
}

struct trace *traces_read_text(const char *text)
{
    return traces_read_bytes(text, strlen(text));
}

char *traces_load(size_t *size, const char *file)
{
    g_autofree char *path = g_strconcat(DATA, file, NULL);
    char *bytes = NULL;
    cr_assert(g_file_get_contents(path, &bytes, size, NULL), "%s", path);
    return bytes;
}

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

/* cause | error | code | role | store | target | peer | missing | certainty | certificates | check */
char *traces_summary(const struct trace_failure *failure)
{
    return g_strdup_printf("%s | %s | %d | %s | %s%s | %s | %s | %s%s | %s | %u | %s", audit_cause_name(failure->cause),
                           or_dash(failure->error), failure->code, audit_role_name(failure->role),
                           or_dash(failure->store), failure->store_cut ? " (cut)" : "", or_dash(failure->target),
                           or_dash(failure->peer), or_dash(failure->missing), failure->missing_cut ? " (cut)" : "",
                           audit_certainty_name(failure->certainty), failure->chain->len,
                           or_dash(failure->failed_check));
}

void traces_expect(const char *what, const struct trace *trace, const char *const *want)
{
    guint n = g_strv_length((char **)want);
    cr_expect_eq(trace->failures->len, n, "%s: %u failures", what, trace->failures->len);
    for (guint i = 0; i < MIN(trace->failures->len, n); i++) {
        g_autofree char *got = traces_summary(trace->failures->pdata[i]);
        cr_expect_str_eq(got, want[i], "%s", what);
    }
}

static gboolean is_clean(const char *text)
{
    if (!text)
        return TRUE;
    if (!g_utf8_validate(text, -1, NULL))
        return FALSE;
    for (; *text; text = g_utf8_next_char(text))
        if (g_unichar_iscntrl(g_utf8_get_char(text)))
            return FALSE;
    return TRUE;
}

/* What has to hold whatever the bytes were. */
void traces_assert_sound(const struct trace *trace, size_t size)
{
    cr_assert_leq(trace->failures->len, TRACE_FAILURES);
    for (guint i = 0; i < trace->failures->len; i++) {
        const struct trace_failure *failure = trace->failures->pdata[i];
        cr_assert(is_clean(failure->error) && is_clean(failure->store) && is_clean(failure->target) &&
                  is_clean(failure->peer) && is_clean(failure->missing) && is_clean(failure->reason));
        cr_assert(!failure->missing || failure->cause == CAUSE_UNTRUSTED_PEER);
        cr_assert_eq(failure->missing == NULL, failure->certainty == CERTAINTY_UNKNOWN);
        cr_assert(failure->missing || !failure->missing_cut);
        cr_assert(failure->store || !failure->store_cut);
        cr_assert(failure->lines->len >= 1 && failure->lines->len <= TRACE_EVIDENCE_LINES);
        cr_assert_leq(failure->chain->len, TRACE_CHAIN_CERTS);
        cr_assert_lt(failure->offset, size);
        cr_assert_geq(failure->line, 1);
        for (guint j = 0; j < failure->lines->len; j++)
            cr_assert(is_clean(failure->lines->pdata[j]));
        for (guint j = 0; j < failure->chain->len; j++) {
            const struct trace_cert *cert = failure->chain->pdata[j];
            cr_assert(cert->subject || cert->issuer);
            cr_assert(is_clean(cert->subject) && is_clean(cert->issuer) && is_clean(cert->serial));
        }
    }
}

/* Everything that is not where it stands. */
char *traces_describe(const struct trace *trace)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < trace->failures->len; i++) {
        const struct trace_failure *f = trace->failures->pdata[i];
        g_string_append_printf(text, "%d%d %d %s %d %d %s%d %s %d %s %" G_GINT64_FORMAT " %s%d %d %s %s\n",
                               f->torn_begin, f->torn_end, f->cause, f->error, f->code, f->role, f->store, f->store_cut,
                               f->target, f->port, f->peer, f->local, f->missing, f->missing_cut, f->certainty,
                               f->failed_check, f->reason);
        for (guint j = 0; j < f->chain->len; j++) {
            const struct trace_cert *cert = f->chain->pdata[j];
            g_string_append_printf(text, " %s %s %s %s %s %s\n", cert->subject, cert->issuer, cert->serial, cert->md5,
                                   cert->sha1, cert->failed_check);
        }
        for (guint j = 0; j < f->lines->len; j++)
            g_string_append_printf(text, "> %s\n", (const char *)f->lines->pdata[j]);
    }
    return g_string_free(text, FALSE);
}
