/* analyzer/trace_stamp: time stamps of a trace, and from when to when a piece of one reaches. */
#include "trace_stamp.h"

#include "moment.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(stamp, lines)
{
    static const struct {
        const char *line, *moment; /* "": is none */
    } rows[] = {
        {"Sun Nov 22 01:02:03:344 2026", "2026-11-22T01:02:03Z"},
        {"Sun Nov 22 01:02:03 2026", "2026-11-22T01:02:03Z"},
        {"Tue Dec  1 04:05:06:789 2026", "2026-12-01T04:05:06Z"},
        {"Tue Dec 1 04:05:06 2026", "2026-12-01T04:05:06Z"},
        {"Tue Dec 1 04:05:06 2026  \t", "2026-12-01T04:05:06Z"},
        {"Sun Nov 22 01:02:03:344 2026                                                            ",
         "2026-11-22T01:02:03Z"},
        {"Sat Feb 29 23:59:60 2028", "2028-02-29T23:59:59Z"},
        {" Sun Nov 22 01:02:03 2026", ""},
        {"Sun Nov 22 01:02:03 2026 and more", ""},
        {"Sun Nov 22 01:02:03", ""},
        {"Sun Nov 22 01:02:03:2026", ""},
        {"Sun Nov 22 1:02:03 2026", ""},
        {"Sun Nov 32 01:02:03 2026", ""},
        {"Sun Feb 30 01:02:03 2026", ""},
        {"Sun Nov 22 24:02:03 2026", ""},
        {"Sun Now 22 01:02:03 2026", ""},
        {"Son Nov 22 01:02:03 2026", ""},
        {"Sun Nov 22 01:02:03 10000", ""},
        {"Sun                                 ", ""},
        {"Not before :Tue Mar 3 06:22:33 2015", ""},
        {"", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        char text[MOMENT_TEXT_BYTES];
        int64_t local = MOMENT_NONE;
        gboolean found = trace_stamp_take(slice_text(rows[i].line), &local);
        cr_expect_eq(found, *rows[i].moment != '\0', "%s", rows[i].line);
        cr_expect_str_eq(moment_format(text, local), rows[i].moment, "%s", rows[i].line);
    }
}

#define ONE   "Sun Nov 22 01:00:00:111 2026"
#define TWO   "Sun Nov 22 02:00:00 2026"
#define THREE "Sun Nov 22 03:00:00:333 2026"

Test(stamp, spans)
{
    static const struct {
        const char *what, *text;
        int first, last; /* hours; 0: none */
    } rows[] = {
        {"nothing", "", 0, 0},
        {"no stamp", "[Thr 1] a\n[Thr 1] b\n", 0, 0},
        {"one", "a\n" ONE "\nb\n", 1, 1},
        {"two", ONE "\na\n" TWO "\n", 1, 2},
        {"three", "a\n" ONE "\n" TWO "\nb\n" THREE "\nc\n", 1, 3},
        {"in the order of the lines, not of the times", THREE "\n" ONE "\n", 3, 1},
        {"with threads", "[Thr 140212345678592] " ONE "\n[Thr x] a\n[Thr number] " TWO "\n", 1, 2},
        {"a thread without a blank behind it", "[Thr 1]" ONE "\n", 1, 1},
        {"CR LF", "[Thr 1] " ONE "\r\n" TWO "\r\n\r\n", 1, 2},
        {"behind a header", "-----\ntrc file: \"dev_icm\", trc level: 1, release: \"785\"\n-----\n\n*\n" ONE "\n", 1,
         1},
        {"the last line is not whole", ONE "\n" TWO, 1, 1},
        {"only line, not whole", ONE, 0, 0},
        {"a thread without a name", "[Thr ] " ONE "\n", 0, 0},
        {"a thread with a blank in its name", "[Thr 1 2] " ONE "\n", 0, 0},
        {"a thread without end", "[Thr 1 " ONE "\n", 0, 0},
        {"empty lines", "\n\n\n" ONE "\n\n\n", 1, 1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int64_t first = 0, last = 0;
        /* In memory of its own, so that reading beyond it shows. */
        size_t size = strlen(rows[i].text);
        g_autofree char *bytes = g_memdup2(rows[i].text, size);
        trace_stamp_span(bytes, size, &first, &last);
        int64_t one = rows[i].first ? moment_from_civil(2026, 11, 22, rows[i].first, 0, 0) : MOMENT_NONE;
        int64_t two = rows[i].last ? moment_from_civil(2026, 11, 22, rows[i].last, 0, 0) : MOMENT_NONE;
        cr_expect_eq(first, one, "%s: first", rows[i].what);
        cr_expect_eq(last, two, "%s: last", rows[i].what);
    }
}

/* Lines that tell nothing, of this many bytes together. */
static void append_lines(GString *text, size_t size)
{
    while (size > 0) {
        size_t line = MIN(size, 64);
        for (size_t i = 1; i < line; i++)
            g_string_append_c(text, 'x');
        g_string_append_c(text, '\n');
        size -= line;
    }
}

Test(stamp, looks_no_further_than_its_window)
{
    static const char line[] = "[Thr 1] " TWO "\n";
    static const size_t size = sizeof line - 1;
    static const struct {
        const char *what;
        size_t before, after; /* bytes before and behind the stamp */
        gboolean first, last;
    } rows[] = {
        {"ends with the window at the beginning", TRACE_STAMP_WINDOW_BYTES - size, TRACE_STAMP_WINDOW_BYTES, TRUE,
         FALSE},
        {"ends one byte behind it", TRACE_STAMP_WINDOW_BYTES - size + 1, TRACE_STAMP_WINDOW_BYTES, FALSE, FALSE},
        {"begins with the window at the end", TRACE_STAMP_WINDOW_BYTES, TRACE_STAMP_WINDOW_BYTES - size, FALSE, TRUE},
        {"begins before it, but its thread only", TRACE_STAMP_WINDOW_BYTES, TRACE_STAMP_WINDOW_BYTES - size + 8, FALSE,
         TRUE},
        {"begins before it", TRACE_STAMP_WINDOW_BYTES, TRACE_STAMP_WINDOW_BYTES - size + 9, FALSE, FALSE},
        {"in the middle of a piece of one window", TRACE_STAMP_WINDOW_BYTES / 2, TRACE_STAMP_WINDOW_BYTES / 2 - size,
         TRUE, TRUE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        int64_t first = 0, last = 0;
        append_lines(text, rows[i].before);
        g_string_append(text, line);
        append_lines(text, rows[i].after);
        trace_stamp_span(text->str, text->len, &first, &last);
        cr_expect_eq(first != MOMENT_NONE, rows[i].first, "%s", rows[i].what);
        cr_expect_eq(last != MOMENT_NONE, rows[i].last, "%s", rows[i].what);
    }
}
