/* analyzer/trace: what belongs together, wherever it stands: threads, parts, what stands above, files read in pieces.
 */
#include "trace.h"

#include "trace_file.h"
#include "traces.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define HEADLINE "*** ERROR => SSL handshake with a.example.com:443 failed: "

/* Samples in which one thread writes all, without a header. */
static const char *const samples[] = {
    "client-turned.trc",
    "flat.trc",
    "headline.trc",
    "others.trc",
    "read.trc",
    "secude.trc",
    "tree-constraints.trc",
    "tree-cross-signed.trc",
    "server-refused.trc",
    "server-untrusted.trc",
    "tree-cut.trc",
    "tree-issuer.trc",
    "tree-leaf.trc",
    "tree-root.trc",
    "tree-validity.trc",
};

static GStrv lines_of(const char *sample, const char *thread)
{
    size_t size;
    g_autofree char *bytes = traces_load(&size, sample);
    g_autoptr(GRegex) regex = g_regex_new("(?m)^(\\[Thr [^\\]]*\\] )?(?!\\n)", G_REGEX_RAW, 0, NULL);
    g_autofree char *prefix = g_strdup_printf("[Thr %s] ", thread);
    g_strchomp(bytes);
    g_autofree char *text = g_regex_replace(regex, bytes, -1, 0, prefix, 0, NULL);
    return g_strsplit(text, "\n", -1);
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All failures of a trace in an order that does not depend on where they stand. */
static char *sorted(const struct trace *trace)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < trace->failures->len; i++)
        g_ptr_array_add(all, traces_summary(trace->failures->pdata[i]));
    if (all->len > 0)
        qsort(all->pdata, all->len, sizeof all->pdata[0], compare_strings);
    g_ptr_array_add(all, NULL);
    return g_strjoinv("\n", (char **)all->pdata);
}

static char *interleave(GStrv one, GStrv other, GRand *rand)
{
    GString *text = g_string_new(NULL);
    /* Runs of lines of one thread, short or long, as threads take turns. */
    int longest = g_rand_int_range(rand, 1, 8);
    while (*one || *other) {
        GStrv *turn = !*other || (*one && g_rand_boolean(rand)) ? &one : &other;
        for (int n = g_rand_int_range(rand, 0, longest + 1); n > 0 && **turn; n--)
            g_string_append_printf(text, "%s\n", *(*turn)++);
    }
    return g_string_free(text, FALSE);
}

Test(trace_threads, in_any_order_of_two_threads)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(20261125);
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        for (size_t j = i; j < G_N_ELEMENTS(samples); j++) {
            g_auto(GStrv) one = lines_of(samples[i], "4711"), other = lines_of(samples[j], "139871234561792");
            g_autofree char *first = g_strjoinv("\n", one), *second = g_strjoinv("\n", other);
            g_autofree char *apart = g_strconcat(first, "\n", second, "\n", NULL);
            g_autoptr(trace_auto) plain = traces_read_text(apart);
            g_autofree char *want = sorted(plain);
            cr_assert_gt(plain->failures->len, 1);
            for (int round = 0; round < 12; round++) {
                g_autofree char *text = interleave(one, other, rand);
                g_autoptr(trace_auto) trace = traces_read_text(text);
                g_autofree char *got = sorted(trace);
                cr_assert_str_eq(got, want, "%s and %s:\n%s", samples[i], samples[j], text);
            }
        }
    }
}

/* "dev_icm.old" and "dev_icm": at any byte, in the middle of a line as well. */
Test(trace_threads, rotated_at_any_byte)
{
    for (size_t i = 0; i < G_N_ELEMENTS(samples); i++) {
        size_t size;
        g_autofree char *bytes = traces_load(&size, samples[i]);
        g_autoptr(trace_auto) whole = traces_read_bytes(bytes, size);
        g_autofree char *want = traces_describe(whole);
        for (size_t split = 0; split <= size; split++) {
            g_autoptr(trace_auto) trace = traces_read_parts(bytes, size, split, 0);
            g_autofree char *got = traces_describe(trace);
            if (split != 0) /* else both are the same call */
                cr_assert_str_eq(got, want, "%s at %zu", samples[i], split);
        }
    }
}

/* Row 26: a block that begins in the older file and ends in the current one; and one of which only the beginning is
 * there. */
Test(trace_threads, blocks_over_the_end_of_a_file)
{
    static const char old[] = "[Thr 1] *** ERROR during SecuSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL\n"
                              "[Thr 1]    session uses PSE file \"/sec/SAPSSLC.pse\"\n";
    static const char new[] = "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=a1)==SSSLERR_PEER_CERT_UNTRUSTED\n"
                              "[Thr 1] *** ERROR => IcmConnInitClientSSL: SapSSLSessionStart failed (-102): "
                              "SSSLERR_PEER_CERT_UNTRUSTED [f 1]\n";
    for (int both = 0; both < 2; both++) {
        g_autoptr(trace_auto) trace = trace_new();
        trace_begin(trace, 0);
        trace_read(trace, old, strlen(old));
        trace_begin(trace, 0);
        trace_read(trace, both ? new : "[Thr 1] words\n", both ? strlen(new) : strlen("[Thr 1] words\n"));
        traces_end(trace);
        traces_expect(both ? "in both" : "in one", trace,
                      both ? (const char *const[]){"untrusted-peer | SSSLERR_PEER_CERT_UNTRUSTED | -102 | client | "
                                                   "/sec/SAPSSLC.pse | - | - | - | unknown | 0 | -",
                                                   NULL}
                           : (const char *const[]){
                                 "other | - | 0 | client | /sec/SAPSSLC.pse | - | - | - | unknown | 0 | -", NULL});
        cr_expect_eq(((struct trace_failure *)trace->failures->pdata[0])->part, 0);
    }
}

/* ---- What stands above ---- */

/* ${size} bytes of lines without a meaning, more or less. */
static void append_words(GString *text, const char *prefix, size_t size)
{
    for (size_t end = text->len + size; text->len < end;) {
        g_string_append(text, prefix);
        for (size_t i = 0; i < MIN(end - MIN(text->len, end), 90); i++)
            g_string_append_c(text, 'w');
        g_string_append_c(text, '\n');
    }
}

Test(trace_threads, facts_above_count_up_to_a_limit)
{
    static const char fact[] = "[Thr 1]    session uses PSE file \"/sec/x.pse\"\n";
    static const struct {
        const char *what;
        size_t between;
        gboolean found;
    } distances[] = {
        {"none", 0, TRUE},
        {"far", TRACE_BEFORE_BYTES - sizeof fact - 200, TRUE},
        {"too far", TRACE_BEFORE_BYTES + 200, FALSE},
        {"much too far", 20 * TRACE_BEFORE_BYTES, FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(distances) * 3; i++) {
        gboolean pieces = i % 3 == 1, parts = i % 3 == 2;
        g_autoptr(GString) text = g_string_new("[Thr 2] words\n");
        g_string_append(text, fact);
        append_words(text, "[Thr 2] ", distances[i / 3].between);
        g_autoptr(trace_auto) trace = trace_new();
        trace_begin(trace, 0);
        for (size_t at = 0; pieces && at < text->len; at += MIN(777, text->len - at))
            trace_read(trace, text->str + at, MIN(777, text->len - at));
        if (!pieces)
            trace_read(trace, text->str, text->len);
        if (parts)
            trace_begin(trace, 0);
        static const char end[] = "[Thr 2] words\n[Thr 1] " HEADLINE "SSSLRC_CONN_CLOSED (-10)\n";
        trace_read(trace, end, strlen(end));
        traces_end(trace);
        cr_assert_eq(trace->failures->len, 1);
        const struct trace_failure *failure = trace->failures->pdata[0];
        cr_expect_eq(failure->store != NULL, distances[i / 3].found, "%s, %zu", distances[i / 3].what, i % 3);
        /* It begins with its first fact, and that is counted from the beginning of its own part. */
        cr_expect_eq(failure->part, parts && !distances[i / 3].found ? 1 : 0);
        if (distances[i / 3].found) {
            cr_expect_eq(failure->line, 2, "line %u", failure->line);
            cr_expect_eq(failure->offset, strlen("[Thr 2] words\n"));
        }
    }
}

/* A trace of level 2: what stands above an error belongs to it only since the last connection that is over. */
Test(trace_threads, facts_above_are_of_this_connection)
{
    static const struct {
        const char *what, *above, *store, *target;
    } aboves[] = {
        {"of this one", "[Thr 1]   Target Hostname=\"b\"\n[Thr 1]    session uses PSE file \"/sec/x.pse\"\n",
         "/sec/x.pse", "b"},
        {"one went well between",
         "[Thr 1]    session uses PSE file \"/sec/x.pse\"\n[Thr 1] <<- SapSSLSessionStartNB(sssl_hdl=a1)==SAP_O_K\n"
         "[Thr 1]   Target Hostname=\"b\"\n",
         NULL, "b"},
        {"a new session begins",
         "[Thr 1]    session uses PSE file \"/sec/x.pse\"\n[Thr 1] ->> SapSSLSessionInit(&sssl_hdl=7ff)\n", NULL, NULL},
        {"of an error before",
         "[Thr 1]    session uses PSE file \"/sec/x.pse\"\n"
         "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=a1)==SSSLERR_SSL_CONNECT\n"
         "[Thr 1] SapSSLSessionStart()==SSSLERR_SSL_CONNECT\n[Thr 1]   Target Hostname=\"b\"\n",
         NULL, "b"},
        {"of another process",
         "[Thr 1]    session uses PSE file \"/sec/x.pse\"\n"
         "------------------------------\ntrc file: \"dev_icm\", trc level: 1, release: \"785\"\n"
         "------------------------------\npid        2\n",
         NULL, NULL},
        {"not of another thread, nor of lines without one",
         "[Thr 2]    session uses PSE file \"/sec/x.pse\"\n   Target Hostname=\"b\"\n[Thr 1] words\n", NULL, NULL},
        {"lines above the first prefix are of no thread", "   session uses PSE file \"/sec/x.pse\"\n", NULL, NULL},
        {"lines without prefix are of the thread above",
         "[Thr 1] words\n   session uses PSE file \"/sec/x.pse\"\n   Target Hostname=\"b\"\n", "/sec/x.pse", "b"},
        {"no TLS error of which the lines above are",
         "[Thr 1] *** ERROR => IcmX: no [f 1]\n[Thr 1]   Target Hostname=\"b\"\n", NULL, "b"},
    };
    static const char header[] =
        "------------------------------\ntrc file: \"dev_icm\", trc level: 1, release: \"785\"\n"
        "------------------------------\npid        1\n";
    for (size_t n = 0; n < 2 * G_N_ELEMENTS(aboves); n++) {
        size_t i = n / 2;
        gboolean headed = n % 2 == 0;
        if (!headed && strcmp(aboves[i].what, "of another process") == 0)
            continue;
        g_autofree char *text =
            g_strconcat(headed ? header : "", aboves[i].above,
                        "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=a9)==SSSLERR_SSL_READ\n", NULL);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        cr_assert_geq(trace->failures->len, 1, "%s", aboves[i].what);
        const struct trace_failure *failure = trace->failures->pdata[trace->failures->len - 1];
        cr_expect_str_eq(failure->error, "SSSLERR_SSL_READ");
        cr_expect(g_strcmp0(failure->store, aboves[i].store) == 0, "%s: %s", aboves[i].what, failure->store);
        cr_expect(g_strcmp0(failure->target, aboves[i].target) == 0, "%s: %s", aboves[i].what, failure->target);
    }
}

/* More threads than are remembered: nothing is told twice. */
Test(trace_threads, more_than_are_remembered)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 0; i < 3000; i++)
        g_string_append_printf(text, "[Thr %d] <<- ERROR: SapSSLSessionStart(sssl_hdl=%x)==SSSLERR_SSL_CONNECT\n", i,
                               i + 1);
    for (int i = 0; i < 3000; i += 100)
        g_string_append_printf(text, "[Thr %d] <<- ERROR: SapSSLSessionStart(sssl_hdl=%x)==SSSLERR_SSL_READ\n", i,
                               10000 + i);
    g_autoptr(trace_auto) trace = traces_read_text(text->str);
    cr_expect_eq(trace->failures->len, 3030, "%u", trace->failures->len);
}

/* ---- Who takes the failures ---- */

static void take(void *data, const struct trace_failure *failure)
{
    char *text = traces_summary(failure);
    g_ptr_array_add(data, text);
}

Test(trace_threads, failures_are_handed_out)
{
    size_t size;
    g_autofree char *bytes = traces_load(&size, "others.trc");
    g_autoptr(GPtrArray) taken = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(trace_auto) kept = traces_read_bytes(bytes, size), trace = trace_new_for(take, taken);
    trace_begin(trace, 0);
    trace_read(trace, bytes, size);
    traces_end(trace);
    cr_expect_eq(trace->failures->len, 0);
    cr_assert_eq(taken->len, kept->failures->len);
    for (guint i = 0; i < taken->len; i++) {
        g_autofree char *want = traces_summary(kept->failures->pdata[i]);
        cr_expect(g_ptr_array_find_with_equal_func(taken, want, g_str_equal, NULL), "%s", want);
    }
}

/* ---- Files ---- */

static void append_block(GString *text, unsigned n)
{
    g_string_append_printf(text,
                           "[Thr 1] *** ERROR during SecuSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL\n"
                           "[Thr 2] words\n[Thr 1]    session uses PSE file \"/sec/%u.pse\"\n"
                           "[Thr 1] <<- ERROR: SapSSLSessionStart(sssl_hdl=%x)==SSSLERR_SSL_CONNECT\n",
                           n, n + 1);
}

/* Failures round each place where pieces may meet, and a stamp now and then. */
static GString *large_trace(size_t size)
{
    GString *text = g_string_sized_new(size + 100000);
    unsigned n = 0;
    while (text->len < size) {
        size_t room = 128 * 1024 - text->len % (128 * 1024);
        append_words(text, n % 3 ? "[Thr 3] " : "", room > 400 ? room - 100 - n * 17 % 300 : room);
        if (n % 5 == 0)
            g_string_append_printf(text, "[Thr 4] Sun Nov 22 01:%02u:%02u 2026\n", n / 60 % 60, n % 60);
        append_block(text, n++);
    }
    return text;
}

static char *with_places(const struct trace *trace)
{
    GString *text = g_string_new(NULL);
    g_autofree char *all = traces_describe(trace);
    for (guint i = 0; i < trace->failures->len; i++) {
        const struct trace_failure *failure = trace->failures->pdata[i];
        g_string_append_printf(text, "%zu %u, ", (size_t)failure->offset, failure->line);
    }
    g_string_append_printf(text, "%zu lines\n%s", (size_t)trace->lines, all);
    return g_string_free(text, FALSE);
}

Test(trace_threads, files_in_pieces_are_the_same)
{
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL),
                    *path = g_build_filename(folder, "dev_icm", NULL);
    static const size_t sizes[] = {0, 1000, 600 * 1024, 13 * 1024 * 1024};

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        GString *text = large_trace(sizes[i]);
        g_autoptr(trace_auto) whole = traces_read_bytes(text->str, text->len);
        g_autofree char *want = with_places(whole);
        cr_assert(g_file_set_contents(path, text->str, (gssize)text->len, NULL));
        for (int round = 0; round < 3; round++) { /* threads may take turns in any way */
            g_autoptr(trace_auto) trace = trace_new();
            g_autoptr(GError) error = NULL;
            cr_assert(trace_file_read(trace, path, &error), "%s", error->message);
            traces_end(trace);
            g_autofree char *got = with_places(trace);
            cr_expect_str_eq(got, want, "%zu bytes", sizes[i]);
        }
        g_string_free(text, TRUE);
    }
    unlink(path);
    rmdir(folder);
}

struct shortened {
    const char *path;
    int64_t size; /* that it gets when the first failure is there */
    GString *text;
};

static void take_and_shorten(void *data, const struct trace_failure *failure)
{
    struct shortened *shortened = data;

    if (shortened->text->len == 0 && truncate(shortened->path, shortened->size) < 0)
        cr_assert_fail("%s: %s", shortened->path, g_strerror(errno));
    g_string_append_printf(shortened->text, "%zu %u %s\n", (size_t)failure->offset, failure->line, failure->store);
}

/* The failures of a file that is cut to ${size} bytes when the first one is there, as text. */
static char *read_shortened(const char *path, const GString *bytes, size_t size)
{
    struct shortened shortened = {path, (int64_t)size, g_string_new(NULL)};
    g_autoptr(trace_auto) trace = trace_new_for(take_and_shorten, &shortened);
    g_autoptr(GError) error = NULL;

    cr_assert(g_file_set_contents(path, bytes->str, (gssize)bytes->len, NULL));
    cr_assert(trace_file_read(trace, path, &error), "%s", error->message);
    traces_end(trace);
    return g_string_free(shortened.text, FALSE);
}

Test(trace_threads, a_file_that_is_shortened_meanwhile_ends_there)
{
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL),
                    *path = g_build_filename(folder, "dev_icm", NULL);
    GString *text = large_trace(13 * 1024 * 1024);
    static const size_t sizes[] = {2 * 1024 * 1024, 2 * 1024 * 1024 + 1, 3 * 1024 * 1024 - 1, 7654321};

    for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
        GString *short_text = g_string_new_len(text->str, (gssize)sizes[i]);
        g_autofree char *want = read_shortened(path, short_text, sizes[i]);
        g_autofree char *got = read_shortened(path, text, sizes[i]);
        cr_expect_str_eq(got, want, "%zu bytes", sizes[i]);
        g_string_free(short_text, TRUE);
    }
    /* Within the piece that is being read: what is gone is NUL, and nothing of it is told. */
    for (size_t size = 0; size < 600000; size += 150001) {
        g_autofree char *got = read_shortened(path, text, size);
        unsigned failures = 0;
        for (const char *at = got; (at = strchr(at, '\n')); at++)
            failures++;
        cr_expect(failures > 0 && failures <= size / (128 * 1024) + 2, "%zu bytes: %s", size, got);
    }
    g_string_free(text, TRUE);
    unlink(path);
    rmdir(folder);
}

static void *write_pipe(void *data)
{
    int *fds = data;
    GString *text = large_trace(600 * 1024);
    for (size_t at = 0; at < text->len; at += MIN(5000, text->len - at))
        if (write(fds[1], text->str + at, MIN(5000, text->len - at)) < 0)
            break;
    g_string_free(text, TRUE);
    close(fds[1]);
    return NULL;
}

Test(trace_threads, a_pipe_is_the_same)
{
    int fds[2];
    GString *text = large_trace(600 * 1024);
    g_autoptr(trace_auto) whole = traces_read_bytes(text->str, text->len), trace = trace_new();
    cr_assert_eq(pipe(fds), 0);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fds[0]);
    GThread *writer = g_thread_new("writer", write_pipe, fds);
    g_autoptr(GError) error = NULL;
    /* The descriptor is opened anew, so the reading end of this side can be closed. */
    cr_assert(trace_file_read(trace, path, &error), "%s", error->message);
    g_thread_join(writer);
    close(fds[0]);
    traces_end(trace);
    g_autofree char *got = with_places(trace), *want = with_places(whole);
    cr_expect_str_eq(got, want);
    g_string_free(text, TRUE);
}

/* A file of the kernel says that it is empty. */
Test(trace_threads, a_file_without_a_size)
{
    g_autoptr(trace_auto) trace = trace_new();
    g_autoptr(GError) error = NULL;

    cr_assert(trace_file_read(trace, "/proc/self/status", &error), "%s", error->message);
    trace_end(trace);
    cr_expect_gt(trace->lines, 10);
}

Test(trace_threads, files_that_are_none)
{
    static const char *const paths[] = {"/nowhere/dev_icm", "/"};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autoptr(trace_auto) trace = trace_new();
        g_autoptr(GError) error = NULL;
        cr_expect_not(trace_file_read(trace, paths[i], &error));
        cr_assert_not_null(error);
        cr_expect(g_str_has_prefix(error->message, paths[i]), "%s", error->message);
    }
}
