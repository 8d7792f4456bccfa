/* analyzer/trace: lines as long as the limits and longer, and as many threads: nothing is lost, told twice or told
 * otherwise for the pieces in which the bytes come. */
#include "trace.h"

#include "trace_file.h"
#include "traces.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

#define CODE "SSSLERR_PEER_CERT_UNTRUSTED (-102) "
#define FACT "   session uses PSE file \"/sec/x.pse\""

static char *all_of(const struct trace *trace)
{
    GString *text = g_string_new(NULL);
    g_autofree char *failures = traces_describe(trace);
    for (guint i = 0; i < trace->failures->len; i++) {
        const struct trace_failure *failure = trace->failures->pdata[i];
        g_string_append_printf(text, "part %u, %zu, line %u, cut %d\n", failure->part, (size_t)failure->offset,
                               failure->line, failure->cut);
    }
    g_string_append_printf(text, "%zu lines, %zu cut\n%s", (size_t)trace->lines, (size_t)trace->lines_cut, failures);
    return g_string_free(text, FALSE);
}

/* In pieces of ${step} bytes; ${ahead}: searched before, and staying where they are. */
static char *read_steps(const GString *text, size_t step, gboolean ahead)
{
    g_autoptr(trace_auto) trace = trace_new();
    trace_begin(trace, 0);
    for (size_t at = 0, size; at < text->len; at += size) {
        struct trace_ahead found = {0};
        size = MIN(step, text->len - at);
        if (ahead)
            trace_look_ahead(&found, text->str + at, size);
        trace_read_ahead(trace, text->str + at, size, ahead ? &found : NULL);
    }
    trace_keep(trace);
    traces_end(trace);
    traces_assert_sound(trace, text->len);
    return all_of(trace);
}

static void append_filled(GString *text, const char *begin, size_t size, const char *end)
{
    size_t from = text->len;
    g_string_append(text, begin);
    while (text->len < from + size)
        g_string_append_c(text, 'x');
    g_string_append(text, end);
}

static const size_t lengths[] = {
    TRACE_LINE_BYTES - 1,
    TRACE_LINE_BYTES,
    TRACE_LINE_BYTES + 1,
    TRACE_LINE_BYTES + 2,
    TRACE_LINE_BYTES + 3,
    2 * TRACE_LINE_BYTES,
    65535,
    65536,
    65537,
    66000,
    98303,
    98304,
    98305,
    200000,
};

static const char *const ends[] = {"", "\n", "\r\n", "\nnext\n", "\n[Thr 7] SSSLRC_CONN_CLOSED (-10)\n"};

/* The fact stands right above the long line, which is of the same thread. */
static const char *const aboves[] = {
    "",
    "[Thr 7]" FACT "\n",
    "[Thr 7] words\r\n[Thr 7]" FACT "\r\n[Thr 8] words\n",
};

static const size_t steps[] = {1, 4097, 32768, 65537};

Test(trace_limits, long_lines)
{
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        for (size_t n = 0; n < G_N_ELEMENTS(ends) * G_N_ELEMENTS(aboves) * 2; n++) {
            const char *above = aboves[n % G_N_ELEMENTS(aboves)];
            const char *end = ends[n / G_N_ELEMENTS(aboves) % G_N_ELEMENTS(ends)];
            gboolean far = n >= G_N_ELEMENTS(ends) * G_N_ELEMENTS(aboves);
            g_autoptr(GString) text = g_string_new(NULL);
            for (int words = 0; far && words < 1000; words++)
                append_filled(text, "[Thr 9] ", 90, "\n");
            g_string_append(text, above);
            append_filled(text, "[Thr 7] " CODE, lengths[i], end);
            g_autoptr(trace_auto) whole = traces_read_bytes(text->str, text->len);
            g_autofree char *want = all_of(whole);
            cr_assert_geq(whole->failures->len, 1);
            const struct trace_failure *failure = whole->failures->pdata[0];
            cr_assert_eq(failure->code, -102);
            cr_assert_eq(failure->store != NULL, above[0] != '\0', "%zu: %s", lengths[i], above);
            cr_assert_eq(whole->lines_cut, lengths[i] > TRACE_LINE_BYTES);
            cr_assert_eq(failure->cut, lengths[i] > TRACE_LINE_BYTES);
            for (size_t j = 0; j < 2 * G_N_ELEMENTS(steps); j++) {
                if (steps[j / 2] == 1 && (far || n % 11 != i % 11)) /* it takes long */
                    continue;
                g_autofree char *got = read_steps(text, steps[j / 2], j % 2);
                cr_assert_str_eq(got, want, "%zu bytes, above \"%s\", end \"%s\", steps of %zu, %zu", lengths[i], above,
                                 end, steps[j / 2], j % 2);
            }
        }
    }
}

/* What stands so far above a long line that it just counts, or just doesn't. */
Test(trace_limits, facts_above_long_lines)
{
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        for (int off = -1; off <= 1; off++) {
            g_autoptr(GString) text = g_string_new("[Thr 7] words\n[Thr 7]" FACT "\n");
            size_t fact = strlen("[Thr 7]" FACT "\n");
            append_filled(text, "[Thr 8] ", TRACE_BEFORE_BYTES - fact - 1 + (size_t)off, "\n");
            append_filled(text, "[Thr 7] " CODE, lengths[i], "");
            g_autoptr(trace_auto) whole = traces_read_bytes(text->str, text->len);
            g_autofree char *want = all_of(whole);
            const struct trace_failure *failure = whole->failures->pdata[0];
            /* A line counts if the line feed above it stands within the limit. */
            cr_assert_eq(failure->store != NULL, off < 0, "%zu, %d", lengths[i], off);
            for (size_t j = 1; j < 2 * G_N_ELEMENTS(steps); j++) {
                if (steps[j / 2] == 1 && i % 5)
                    continue;
                g_autofree char *got = read_steps(text, steps[j / 2], j % 2);
                cr_assert_str_eq(got, want, "%zu bytes, %d, steps of %zu, %zu", lengths[i], off, steps[j / 2], j % 2);
            }
        }
    }
}

Test(trace_limits, long_lines_over_the_end_of_a_part)
{
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        for (int kind = 0; kind < 4; kind++) {
            g_autoptr(GString) text = g_string_new("[Thr 7]" FACT "\n");
            size_t line = text->len;
            append_filled(text, "[Thr 7] " CODE, lengths[i], kind % 2 ? "" : "\n[Thr 7] words\n");
            size_t split = kind < 2 ? line + 100 : line + lengths[i] - 3;
            g_autoptr(trace_auto) trace = traces_read_parts(text->str, text->len, split, 0);
            traces_assert_sound(trace, text->len);
            cr_assert_eq(trace->failures->len, 1);
            const struct trace_failure *failure = trace->failures->pdata[0];
            cr_expect_str_eq(failure->store, "/sec/x.pse");
            cr_expect_eq(failure->part, 0);
            cr_expect_eq(failure->offset, 0);
            cr_expect_eq(failure->line, 1);
        }
    }
}

/* Two bytes for each character, and the line is as long as before. */
Test(trace_limits, long_lines_in_utf16)
{
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(GString) text = g_string_new("[Thr 7] words\n[Thr 7]" FACT "\n"), wide = g_string_new("\xff\xfe");
        append_filled(text, "[Thr 7] " CODE, lengths[i], i % 2 ? "" : "\n");
        for (size_t at = 0; at < text->len; at++) {
            g_string_append_c(wide, text->str[at]);
            g_string_append_c(wide, '\0');
        }
        g_autoptr(trace_auto) whole = traces_read_bytes(wide->str, wide->len);
        g_autofree char *want = all_of(whole);
        cr_assert_eq(whole->failures->len, 1);
        const struct trace_failure *failure = whole->failures->pdata[0];
        cr_expect_str_eq(failure->store, "/sec/x.pse");
        cr_expect_eq(failure->line, 2);
        cr_expect_eq(failure->offset, 2 + 2 * strlen("[Thr 7] words\n"));
        for (size_t j = 1; j < G_N_ELEMENTS(steps); j++) {
            g_autofree char *got = read_steps(wide, steps[j], FALSE);
            cr_assert_str_eq(got, want, "%zu bytes, steps of %zu", lengths[i], steps[j]);
        }
    }
}

/* Mapped, where several threads search the file, and read as a stream. */
Test(trace_limits, long_lines_of_files)
{
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL),
                    *path = g_build_filename(folder, "dev_icm", NULL);
    static const size_t sizes[] = {66000, 3 * 1024 * 1024, 9 * 1024 * 1024};

    for (size_t i = 0; i < G_N_ELEMENTS(sizes) * 3; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (int words = 0; i % 3 > 0 && words < 60000; words++) /* over 4 MiB */
            append_filled(text, "[Thr 9] ", 90, "\n");
        g_string_append(text, "[Thr 7]" FACT "\n");
        append_filled(text, "[Thr 7] " CODE, sizes[i / 3], i % 3 == 1 ? "" : "\nwords\n");
        g_autoptr(trace_auto) whole = traces_read_bytes(text->str, text->len), file = trace_new();
        cr_assert(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
        cr_assert(trace_file_read(file, path, NULL));
        traces_end(file);
        g_autofree char *want = all_of(whole), *got = all_of(file);
        cr_assert_str_eq(got, want, "%zu bytes, %zu", sizes[i / 3], i % 3);
        cr_expect_str_eq(((struct trace_failure *)file->failures->pdata[0])->store, "/sec/x.pse");
    }
    g_unlink(path);
    g_rmdir(folder);
}

/* ---- Threads ---- */

#define BEGIN_BLOCK "*** ERROR during SecuSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL"
#define END_BLOCK   "<<- ERROR: SapSSLSessionStart(sssl_hdl=%x)==SSSLERR_SSL_CONNECT\n"

/* Each thread has a block open, and the last one that comes is the one that stays. */
Test(trace_limits, as_many_threads_as_can_be_open)
{
    static const struct {
        const char *what, *more; /* ... blocks that one line begins */
        unsigned n_more;
    } lines[] = {
        {"a line", "[Thr 900] " BEGIN_BLOCK "\n", 1},
        {"joined lines, of which the first tells nothing", "[Thr 900] x [Thr 901] " BEGIN_BLOCK "\n", 1},
        {"joined lines that all begin a block", "[Thr 900] " BEGIN_BLOCK " [Thr 901] " BEGIN_BLOCK "\n", 2},
        {"joined by #", "[Thr 900] x#[Thr 901] " BEGIN_BLOCK "#[Thr 902] x\n", 1},
        {"joined lines of one thread", "[Thr 900] " BEGIN_BLOCK " [Thr 900] x\n", 1},
        {"joined lines of a thread that has a block", "[Thr 901] " BEGIN_BLOCK " [Thr 1] x [Thr 0] x\n", 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lines) * 5; i++) {
        unsigned n = TRACE_BLOCK_THREADS - 2 + (unsigned)(i % 5);
        const char *more = lines[i / 5].more;
        g_autoptr(GString) text = g_string_new(NULL);
        for (unsigned thread = 0; thread < n; thread++)
            g_string_append_printf(text, "[Thr %u] " BEGIN_BLOCK "\n", thread);
        g_string_append(text, more);
        for (unsigned thread = 20; thread < n; thread++) /* those of a few are closed by then */
            g_string_append_printf(text, "[Thr %u] " END_BLOCK, thread, thread + 1);
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        traces_assert_sound(trace, text->len);
        cr_assert_eq(trace->failures->len, n + lines[i / 5].n_more, "%s, %u: %u", lines[i / 5].what, n,
                     trace->failures->len);
        unsigned cut = 0, ended = 0;
        for (guint j = 0; j < trace->failures->len; j++) {
            const struct trace_failure *failure = trace->failures->pdata[j];
            cut += failure->cut;
            ended += failure->error != NULL;
        }
        cr_assert_eq(ended, n - 20, "%s, %u: %u", lines[i / 5].what, n, ended);
        cr_assert_leq(cut, n - MIN(n, TRACE_BLOCK_THREADS) + 4, "%s, %u: %u", lines[i / 5].what, n, cut);
        cr_assert(cut > 0 || n + lines[i / 5].n_more <= TRACE_BLOCK_THREADS);
    }
}

/* Lines of hundreds of threads in any order, joined or not, cut or not. */
Test(trace_limits, any_lines_of_many_threads)
{
    static const char *const bodies[] = {
        BEGIN_BLOCK,
        "   session uses PSE file \"/sec/x.pse\"",
        "<<- ERROR: SapSSLSessionStart(sssl_hdl=7)==SSSLERR_SSL_CONNECT",
        "*** ERROR => SSL handshake with a.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)",
        "  Target Hostname=\"a.example.com\"",
        "  SSL NI-hdl 463: local=192.0.2.10:56542  peer=198.51.100.7:443",
        "Subject: CN=a, C=DE",
        "words",
        "SSSLRC_CONN_CLOSED (-10)",
        "->> SapSSLSessionInit(&sssl_hdl=7ffd00001000)",
        "",
    };
    g_autoptr(GRand) rand = g_rand_new_with_seed(20261201);
    unsigned over = 0;

    for (int round = 0; round < 25; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        int threads = g_rand_int_range(rand, 1, 1500), lines = g_rand_int_range(rand, 200, 4000);
        int joined = g_rand_int_range(rand, 0, 30);
        for (int line = 0; line < lines; line++) {
            g_string_append_printf(text, "[Thr %d] %s", g_rand_int_range(rand, 0, threads),
                                   bodies[g_rand_int_range(rand, 0, (int)G_N_ELEMENTS(bodies))]);
            g_string_append_c(text, g_rand_int_range(rand, 0, 100) < joined ? ' ' : '\n');
        }
        g_autoptr(trace_auto) trace = traces_read_text(text->str);
        traces_assert_sound(trace, text->len);
        g_autofree char *want = all_of(trace), *got = read_steps(text, 61, FALSE),
                        *ahead = read_steps(text, 5000, TRUE);
        cr_assert_str_eq(got, want);
        cr_assert_str_eq(ahead, want);
        over += threads > (int)TRACE_BLOCK_THREADS;
    }
    cr_expect_gt(over, 10);
}
