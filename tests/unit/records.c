/* collector/records: the probe's stream in every chunking, cut everywhere, and out of its form. */
#include "records.h"
#include "error.h"

#include <criterion/criterion.h>
#include <string.h>

#define NONCE  "0123456789abcdef0123456789abcdef"
#define FIRST  "trustgap-probe 2 " NONCE "\n"
#define SYSTEM "system 0 path=/s user=prdadm through=sudo\n\n"
#define INNER  FIRST SYSTEM "trustgap-system 2\n"
#define OVER   "\n" NONCE " over 0 path=/s status=0\n\n"

/* What the events said, as text. */
struct heard {
    GString *text;
    const char *refuse; /* the event that fails, or NULL */
};

static gboolean maybe_refuse(struct heard *heard, const char *event, GError **error)
{
    if (g_strcmp0(heard->refuse, event) != 0)
        return TRUE;
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "refused at %s", event);
    return FALSE;
}

static gboolean on_begin(void *context, const struct record *record, GError **error)
{
    struct heard *heard = context;
    g_string_append_printf(heard->text, "<%s%s%s %u %" G_GINT64_FORMAT, record->system ? record->system : "",
                           record->system ? ":" : "", record->type, record->number, record->length_bytes);
    static const char *const keys[] = {"path", "size", "text"};
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
        if (record_text(record, keys[i]))
            g_string_append_printf(heard->text, " %s=[%s]", keys[i], record_text(record, keys[i]));
    if (record_text(record, "size"))
        g_string_append_printf(heard->text, " size:%" G_GINT64_FORMAT, record_number(record, "size"));
    g_string_append(heard->text, ">");
    return maybe_refuse(heard, "begin", error);
}

static gboolean on_bytes(void *context, const uint8_t *bytes, size_t size, GError **error)
{
    struct heard *heard = context;
    g_string_append_len(heard->text, (const char *)bytes, (gssize)size);
    return maybe_refuse(heard, "bytes", error);
}

static gboolean on_finish(void *context, GError **error)
{
    struct heard *heard = context;
    g_string_append(heard->text, ";");
    return maybe_refuse(heard, "finish", error);
}

static gboolean on_over(void *context, const struct records_system *system, GError **error)
{
    struct heard *heard = context;
    g_string_append_printf(heard->text, "{%s %s %s %s %" G_GINT64_FORMAT " %s%s}", system->path, system->user,
                           system->through, system->reason, system->status, system->complete ? "whole" : "cut",
                           system->fault ? system->fault->message : "");
    return maybe_refuse(heard, "over", error);
}

static const struct records_events events = {on_begin, on_bytes, on_finish, on_over};

/* Give it in pieces of ${piece} bytes; "" or the error, and whether it was complete. */
static char *run(struct heard *heard, const char *stream, size_t size, size_t piece, int64_t limit, gboolean *complete)
{
    g_autoptr(records_auto) records = records_new(NONCE, 100, limit, &events, heard);
    g_autoptr(GError) error = NULL;

    for (size_t at = 0; at < size; at += piece) {
        size_t length = MIN(piece, size - at);
        g_autofree uint8_t *exact = g_memdup2(stream + at, length);
        if (!records_add(records, exact, length, &error))
            break;
    }
    *complete = records_complete(records);
    return g_strdup(error ? error->message : "");
}

static const struct {
    const char *what, *stream, *heard, *error;
    gboolean complete;
} rows[] = {
    {"nothing", "", "", "", FALSE},
    {"no records", FIRST "end 0 records=0\n\n", "", "", TRUE},
    {"one without bytes", FIRST "hello 0\n\nend 0 records=1\n\n", "<hello 1 0>;", "", TRUE},
    {"bytes with line feeds", FIRST "own 4\na\n\nb\nend 0 records=1\n\n", "<own 1 4>a\n\nb;", "", TRUE},
    {"bytes that look like records", FIRST "own 17\nend 0 records=0\n\n\nend 0 records=1\n\n",
     "<own 1 17>end 0 records=0\n\n;", "", TRUE},
    {"fields", FIRST "trace 2 path=/a/b size=17 other=x\nxy\nend 0 records=1\n\n",
     "<trace 1 2 path=[/a/b] size=[17] size:17>xy;", "", TRUE},
    {"percent signs", FIRST "trace 0 path=/a%20b%25%C3%bc\n\nend 0 records=1\n\n", "<trace 1 0 path=[/a b%\xc3\xbc]>;",
     "", TRUE},
    {"what is decoded is cleaned", FIRST "trace 0 path=%1b[31m\n\n", "",
     "record 1: a value with a byte that it may not hold", FALSE},
    {"decoded escapes are cleaned", FIRST "trace 0 path=%1B%5B31m%00%0a%ff\n\nend 0 records=1\n\n",
     "<trace 1 0 path=[\\x1b[31m\\x00\\x0a\\xff]>;", "", TRUE},
    {"empty value", FIRST "trace 0 path= size=\n\nend 0 records=1\n\n", "<trace 1 0 path=[] size=[] size:-1>;", "",
     TRUE},
    {"no number", FIRST "trace 0 size=1e9\n\nend 0 records=1\n\n", "<trace 1 0 size=[1e9] size:-1>;", "", TRUE},
    {"negative number", FIRST "trace 0 size=-5\n\nend 0 records=1\n\n", "<trace 1 0 size=[-5] size:-1>;", "", TRUE},
    {"largest number", FIRST "trace 0 size=9223372036854775807\n\nend 0 records=1\n\n",
     "<trace 1 0 size=[9223372036854775807] size:9223372036854775807>;", "", TRUE},
    {"too large a number", FIRST "trace 0 size=9223372036854775808\n\nend 0 records=1\n\n",
     "<trace 1 0 size=[9223372036854775808] size:-1>;", "", TRUE},
    {"noise above", "Welcome!\n\nlast log-in: today\n" FIRST "hello 0\n\nend 0 records=1\n\n", "<hello 1 0>;", "",
     TRUE},
    {"noise without line feed", "Welcome! " FIRST "hello 0\n\nend 0 records=1\n\n", "<hello 1 0>;", "", TRUE},
    {"noise with NULs", "\1\2" FIRST "end 0 records=0\n\n", "", "", TRUE},
    {"another nonce is noise", "trustgap-probe 2 ffffffffffffffffffffffffffffffff\nend 0 records=0\n\n", "", "", FALSE},
    {"something behind the nonce is noise", "trustgap-probe 2 " NONCE "x\nend 0 records=0\n\n", "", "", FALSE},
    {"an older version is noise", "trustgap-probe 1 " NONCE "\nend 0 records=0\n\n", "", "", FALSE},
    {"another version is noise", "trustgap-probe 3 " NONCE "\nend 0 records=0\n\n", "", "", FALSE},
    {"what comes after the end does not matter", FIRST "end 0 records=0\n\nlogout\n", "", "", TRUE},
    {"wrong count", FIRST "hello 0\n\nend 0 records=2\n\n", "<hello 1 0>;", "", FALSE},
    {"no count", FIRST "end 0\n\n", "", "", FALSE},
    {"end with bytes", FIRST "end 2 records=0\nab\n", "", "", TRUE},
    {"end cut", FIRST "end 0 records=0\n", "", "", FALSE},
    {"length too small", FIRST "own 1\nab\n", "<own 1 1>a", "record 1: its length is not that of its bytes", FALSE},
    {"length too large", FIRST "own 3\nab\nend 0 records=1\n\n", "<own 1 3>ab\n",
     "record 1: its length is not that of its bytes", FALSE},
    {"no length", FIRST "own\n\n", "", "record 1: its first line has no type", FALSE},
    {"length is no number", FIRST "own x\n\n", "", "record 1: its first line has no length", FALSE},
    {"length with a sign", FIRST "own +1\na\n", "", "record 1: its first line has no length", FALSE},
    {"negative length", FIRST "own -1\na\n", "", "record 1: its first line has no length", FALSE},
    {"length beyond all numbers", FIRST "own 99999999999999999999\n", "", "record 1: its first line has no length",
     FALSE},
    {"length beyond the limit", FIRST "own 1000000\n", "",
     "record 1: longer than what is left of the limit for one host", FALSE},
    {"empty first line", FIRST "\n", "", "record 1: its first line has no type", FALSE},
    {"type is no word", FIRST "OWN 0\n\n", "", "record 1: its first line has no type", FALSE},
    {"field without =", FIRST "own 0 path\n\n", "", "record 1: a field without \"=\"", FALSE},
    {"field without key", FIRST "own 0 =path\n\n", "", "record 1: a field whose key is no word", FALSE},
    {"field twice", FIRST "own 0 path=a path=b\n\n", "", "record 1: a field that is there twice", FALSE},
    {"percent sign cut", FIRST "own 0 path=%4\n\n", "", "record 1: a value with a byte that it may not hold", FALSE},
    {"percent sign without digits", FIRST "own 0 path=%zz\n\n", "",
     "record 1: a value with a byte that it may not hold", FALSE},
    {"blank at the end of the line", FIRST "hello 0 \n\nend 0 records=1\n\n", "<hello 1 0>;", "", TRUE},
    {"carriage returns", FIRST "hello 0\r\n\r\n", "", "record 1: its first line has no length", FALSE},
    {"a key in a value", FIRST "note 0 text=-----BEGIN%20RSA%20PRIVATE%20KEY-----\n\n", "",
     "record 1: a value holds what looks like a private key", FALSE},

    /* Streams of systems. */
    {"an empty system", INNER "end 0 records=0\n\n" OVER "end 0 records=2\n\n", "{/s prdadm sudo (null) 0 whole}", "",
     TRUE},
    {"its records", INNER "hello 0\n\nown 3\nabc\nend 0 records=2\n\n" OVER "note 0\n\nend 0 records=3\n\n",
     "</s:hello 1 0>;</s:own 2 3>abc;{/s prdadm sudo (null) 0 whole}<note 3 0>;", "", TRUE},
    {"two of them",
     INNER "end 0 records=0\n\n" OVER "beat 0\n\nsystem 0 path=/t\n\ntrustgap-system 2\nbeat 0\n\nend 0 "
           "records=1\n\n\n" NONCE " over 0 path=/t status=1 reason=x\n\nend 0 records=5\n\n",
     "{/s prdadm sudo (null) 0 whole}<beat 3 0>;</t:beat 1 0>;{/t (null) (null) x 1 whole}", "", TRUE},
    {"cut in mid-record", INNER "own 10\nabc" OVER "end 0 records=2\n\n",
     "</s:own 1 10>abc{/s prdadm sudo (null) 0 cut}", "", TRUE},
    {"cut in a first line", INNER "own 1" OVER "end 0 records=2\n\n", "{/s prdadm sudo (null) 0 cut}", "", TRUE},
    {"cut in its own first line", FIRST SYSTEM "trustgap-sys" OVER "end 0 records=2\n\n",
     "{/s prdadm sudo (null) 0 cut}", "", TRUE},
    {"said nothing", FIRST SYSTEM OVER "end 0 records=2\n\n", "{/s prdadm sudo (null) 0 cut}", "", TRUE},
    {"without its end", INNER "beat 0\n\n" OVER "end 0 records=2\n\n", "</s:beat 1 0>;{/s prdadm sudo (null) 0 cut}",
     "", TRUE},
    {"another number at its end", INNER "beat 0\n\nend 0 records=2\n\n" OVER "end 0 records=2\n\n",
     "</s:beat 1 0>;{/s prdadm sudo (null) 0 cut}", "", TRUE},
    {"more behind its end", INNER "end 0 records=0\n\nown 1\na\n" OVER "end 0 records=2\n\n",
     "{/s prdadm sudo (null) 0 whole}", "", TRUE},
    {"another first line", FIRST SYSTEM "trustgap-system 3\nown 1\na\n" OVER "end 0 records=2\n\n",
     "{/s prdadm sudo (null) 0 cutit doesn't begin as the stream of a system}", "", TRUE},
    {"a longer first line", FIRST SYSTEM "trustgap-system 2 \n" OVER "end 0 records=2\n\n",
     "{/s prdadm sudo (null) 0 cutit doesn't begin as the stream of a system}", "", TRUE},
    {"noise above its first line", FIRST SYSTEM "hi\ntrustgap-system 2\n" OVER "end 0 records=2\n\n",
     "{/s prdadm sudo (null) 0 cutit doesn't begin as the stream of a system}", "", TRUE},
    {"out of its form", INNER "beat 0\n\nnonsense\nbeat 0\n\n" OVER "beat 0\n\nend 0 records=3\n\n",
     "</s:beat 1 0>;{/s prdadm sudo (null) 0 cutrecord 2: its first line has no type}<beat 3 0>;", "", TRUE},
    {"another length", INNER "own 1\nab\n" OVER "end 0 records=2\n\n",
     "</s:own 1 1>a{/s prdadm sudo (null) 0 cutrecord 1: its length is not that of its bytes}", "", TRUE},
    {"a length that takes in the rest of the host", INNER "own 400\na" OVER "beat 0\n\nend 0 records=3\n\n",
     "</s:own 1 400>a{/s prdadm sudo (null) 0 cut}<beat 3 0>;", "", TRUE},
    {"a length beyond what one system may use", INNER "own 9000\n" OVER "end 0 records=2\n\n",
     "{/s prdadm sudo (null) 0 cutrecord 1: longer than what is left of the limit for one host}", "", TRUE},
    {"a system in a system", INNER "system 0 path=/s/t\n\n" OVER "end 0 records=2\n\n",
     "{/s prdadm sudo (null) 0 cutrecord 1: a system within a system}", "", TRUE},
    {"the end of one", INNER "over 0 path=/s\n\n" OVER "end 0 records=2\n\n",
     "{/s prdadm sudo (null) 0 cutrecord 1: the end of a system that did not begin}", "", TRUE},
    {"parts of the terminator",
     INNER "own 46\n\n\n" NONCE " ove\n"
           "01234\n\n\nend 0 records=1\n\n" OVER "end 0 records=2\n\n",
     "</s:own 1 46>\n\n" NONCE " ove\n01234\n\n;{/s prdadm sudo (null) 0 whole}", "", TRUE},
    {"the terminator behind a part of it", INNER "own 50\n\n\n0123" OVER "end 0 records=2\n\n",
     "</s:own 1 50>\n\n0123{/s prdadm sudo (null) 0 cut}", "", TRUE},
    {"the end of the host within a system", INNER "end 0 records=0\n\nend 0 records=2\n\n", "", "", FALSE},
    {"no path", FIRST "system 0\n\n", "", "record 1: a system without a path", FALSE},
    {"an empty path", FIRST "system 0 path=\n\n", "", "record 1: a system without a path", FALSE},
    {"bytes of its own", FIRST "system 1 path=/s\n\n", "", "record 1: a system with bytes of its own", FALSE},
    {"an end without a beginning", FIRST "over 0 path=/s\n\n", "", "record 1: the end of a system that did not begin",
     FALSE},
    {"an end too many", INNER "end 0 records=0\n\n" OVER "over 0 path=/s\n\n", "{/s prdadm sudo (null) 0 whole}",
     "record 3: the end of a system that did not begin", FALSE},
    {"the end of another one", INNER "end 0 records=0\n\n\n" NONCE " over 0 path=/t\n\n", "",
     "record 2: the end of another system than the one that began", FALSE},
    {"the second record is the bad one", FIRST "hello 0\n\nown\n\n", "<hello 1 0>;",
     "record 2: its first line has no type", FALSE},
};

Test(records, every_chunking)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        size_t size = strlen(rows[i].stream);
        for (size_t piece = 1; piece <= MAX(size, 1); piece++) {
            struct heard heard = {.text = g_string_new(NULL)};
            gboolean complete;
            g_autofree char *error = run(&heard, rows[i].stream, size, piece, 10000, &complete);
            /* How much was heard before an error depends on no chunking either. */
            cr_expect_str_eq(heard.text->str, rows[i].heard, "%s in pieces of %zu: %s", rows[i].what, piece,
                             heard.text->str);
            cr_expect_str_eq(error, rows[i].error, "%s in pieces of %zu: %s", rows[i].what, piece, error);
            cr_expect_eq(complete, rows[i].complete, "%s in pieces of %zu", rows[i].what, piece);
            g_string_free(heard.text, TRUE);
        }
    }
}

static const char sample[] =
    "hi\n" INNER "hello 0 path=a%20b\n\ntrace 5 path=/x size=5\nab\ncd\nend 0 records=2\n\n" OVER "end 0 records=2\n\n";

Test(records, truncations_are_incomplete)
{
    for (size_t size = 0; size < sizeof sample - 1; size++) {
        struct heard heard = {.text = g_string_new(NULL)};
        gboolean complete;
        g_autofree char *error = run(&heard, sample, size, 7, 10000, &complete);
        cr_expect_not(complete, "cut at %zu", size);
        cr_expect_str_empty(error, "cut at %zu: %s", size, error);
        g_string_free(heard.text, TRUE);
    }
    struct heard heard = {.text = g_string_new(NULL)};
    gboolean complete;
    g_autofree char *error = run(&heard, sample, sizeof sample - 1, 7, 10000, &complete);
    cr_expect(complete);
    g_string_free(heard.text, TRUE);
}

Test(records, flips)
{
    unsigned refused = 0, incomplete = 0;

    for (size_t i = 0; i < sizeof sample - 1; i++)
        for (int bit = 0; bit < 8; bit++) {
            struct heard heard = {.text = g_string_new(NULL)};
            char copy[sizeof sample];
            memcpy(copy, sample, sizeof sample);
            copy[i] = (char)(copy[i] ^ (1 << bit));
            gboolean complete;
            g_autofree char *error = run(&heard, copy, sizeof sample - 1, 13, 10000, &complete);
            refused += *error != '\0';
            incomplete += !complete;
            g_string_free(heard.text, TRUE);
        }
    cr_expect_gt(refused, 100);
    cr_expect_gt(incomplete, 300);
}

/* Both edges of each limit: what stands at it passes, one more is refused. */
static void expect_limit(const char *what, const char *stream, size_t size, int64_t limit, gboolean refused)
{
    struct heard heard = {.text = g_string_new(NULL)};
    g_autoptr(records_auto) records = records_new(NONCE, 100, limit, &events, &heard);
    g_autoptr(GError) error = NULL;
    gboolean ok = records_add(records, stream, size, &error);
    cr_expect_eq(ok, !refused, "%s: %s", what, error ? error->message : "passed");
    if (error)
        cr_expect_eq(error->code, TRUSTGAP_ERROR_LIMIT, "%s: %s", what, error->message);
    else
        cr_expect(records_complete(records), "%s", what);
    g_string_free(heard.text, TRUE);
}

Test(records, limit_of_noise)
{
    for (size_t over = 0; over < 2; over++) {
        g_autofree char *noise = g_strnfill(99 + over, 'x');
        g_autofree char *stream = g_strconcat(noise, "\n", FIRST "end 0 records=0\n\n", NULL);
        expect_limit("noise", stream, strlen(stream), 10000, over);
    }
    g_autofree char *endless = g_strnfill(101, 'x');
    expect_limit("noise of one line", endless, 101, 10000, TRUE);
}

Test(records, limit_of_a_header)
{
    for (size_t over = 0; over < 2; over++) {
        g_autofree char *value = g_strnfill(RECORDS_HEADER_BYTES - strlen("hello 0 path=") + over, 'x');
        g_autofree char *stream = g_strconcat(FIRST "hello 0 path=", value, "\n\nend 0 records=1\n\n", NULL);
        expect_limit("header", stream, strlen(stream), 100000, over);
    }
}

Test(records, limit_of_fields)
{
    for (size_t over = 0; over < 3; over++) {
        g_autoptr(GString) stream = g_string_new(FIRST "hello 0");
        for (size_t i = 0; i < RECORDS_FIELDS + over; i++)
            g_string_append_printf(stream, " k%zu=v", i);
        g_string_append(stream, "\n\nend 0 records=1\n\n");
        expect_limit("fields", stream->str, stream->len, 100000, over > 0);
    }
}

Test(records, limit_of_words)
{
    for (size_t over = 0; over < 2; over++) {
        g_autofree char *word = g_strnfill(RECORDS_WORD_BYTES + over, 'w');
        g_autofree char *type = g_strconcat(FIRST, word, " 0\n\nend 0 records=1\n\n", NULL);
        g_autofree char *key = g_strconcat(FIRST "hello 0 ", word, "=v\n\nend 0 records=1\n\n", NULL);
        const char *streams[] = {type, key};
        for (size_t i = 0; i < 2; i++) {
            struct heard heard = {.text = g_string_new(NULL)};
            gboolean complete;
            g_autofree char *error = run(&heard, streams[i], strlen(streams[i]), 5, 10000, &complete);
            cr_expect_eq(complete, !over, "%zu: %s", i, error);
            g_string_free(heard.text, TRUE);
        }
    }
}

Test(records, limit_of_all_bytes)
{
    static const char stream[] = FIRST "own 10\n0123456789\nend 0 records=1\n\n";
    int64_t after_first = (int64_t)(sizeof stream - sizeof FIRST);
    expect_limit("all bytes", stream, sizeof stream - 1, after_first, FALSE);
    expect_limit("all bytes", stream, sizeof stream - 1, after_first - 1, TRUE);
}

Test(records, limit_of_records)
{
    g_autoptr(GString) stream = g_string_new(FIRST);
    for (unsigned i = 0; i < RECORDS_COUNT; i++)
        g_string_append(stream, "note 0\n\n");
    size_t before = stream->len;
    g_string_append_printf(stream, "end 0 records=%u\n\n", RECORDS_COUNT);
    expect_limit("records", stream->str, stream->len, G_MAXINT64, FALSE);
    g_string_truncate(stream, before);
    g_string_append(stream, "note 0\n\n");
    expect_limit("records", stream->str, stream->len, G_MAXINT64, TRUE);
}

Test(records, limit_of_all_headers)
{
    static const char end[] = "end 0 records=512\n\n";
    g_autofree char *path = g_strnfill(RECORDS_HEADERS_BYTES / 512 - strlen("note 0 path="), 'x');

    g_autoptr(GString) stream = g_string_new(FIRST);
    for (unsigned i = 0; i < 511; i++)
        g_string_append_printf(stream, "note 0 path=%s\n\n", path);
    size_t before = stream->len;
    /* The last one leaves just enough for the end. */
    g_string_append_printf(stream, "note 0 path=%s\n\n%s", path + strlen("end 0 records=512"), end);
    expect_limit("headers", stream->str, stream->len, G_MAXINT64, FALSE);
    g_string_truncate(stream, before);
    g_string_append_printf(stream, "note 0 path=%s\n\n%s", path + strlen("end 0 records=512") - 1, end);
    expect_limit("headers", stream->str, stream->len, G_MAXINT64, TRUE);
}

/* What one system uses up is not what the others need: with each of the limits a later one still comes. */
Test(records, one_system_leaves_room_for_the_others)
{
    static const char other[] = OVER "system 0 path=/t\n\ntrustgap-system 2\nown 3\nabc\nend 0 records=1\n\n\n" NONCE
                                     " over 0 path=/t\n\nend 0 records=4\n\n";
    g_autofree char *path = g_strnfill(16000, 'x');
    for (int what = 0; what < 3; what++) {
        g_autoptr(GString) stream = g_string_new(INNER);
        int64_t limit = what == 0 ? 10000 : G_MAXINT64 / 2;
        for (int i = 0; i < 20000; i++) {
            if (what == 0)
                g_string_append(stream, "own 1000\n");
            for (int j = 0; what == 0 && j < 100; j++)
                g_string_append(stream, "0123456789");
            g_string_append(stream, what == 0 ? "\n" : what == 1 ? "beat 0\n\n" : "");
            if (what == 2)
                g_string_append_printf(stream, "note 0 path=/%s\n\n", path);
            if (what != 1 && i == (what == 0 ? 12 : 300))
                break;
        }
        g_string_append(stream, other);
        struct heard heard = {.text = g_string_new(NULL)};
        gboolean complete;
        g_autofree char *error = run(&heard, stream->str, stream->len, 4096, limit, &complete);
        cr_expect_str_empty(error, "%d: %s", what, error);
        cr_expect(complete, "%d", what);
        cr_expect(strstr(heard.text->str, " limit"), "%d: the first one is at the limit", what);
        cr_expect(g_str_has_suffix(heard.text->str, "</t:own 1 3>abc;{/t (null) (null) (null) -1 whole}"), "%d", what);
        g_string_free(heard.text, TRUE);
    }
}

/* What is passed over is not endless. */
Test(records, limit_of_what_is_passed_over)
{
    for (size_t over = 0; over < 2; over++) {
        g_autofree char *much = g_strnfill(10000 + over, 'y');
        g_autofree char *stream = g_strconcat(INNER, "x\n", much, OVER "end 0 records=2\n\n", NULL);
        expect_limit("passed over", stream, strlen(stream), 10000, over > 0);
    }
}

Test(records, a_failed_event_ends_it)
{
    static const char *const where[] = {"begin", "bytes", "finish", "over"};
    static const char *const streams[] = {FIRST "own 1\na\n" SYSTEM OVER "end 0 records=1\n\n",
                                          INNER "own 1\na\nend 0 records=1\n\n" OVER};
    for (size_t i = 0; i < 2 * G_N_ELEMENTS(where); i++) {
        const char *stream = streams[i / G_N_ELEMENTS(where)];
        struct heard heard = {.text = g_string_new(NULL), .refuse = where[i % G_N_ELEMENTS(where)]};
        gboolean complete;
        g_autofree char *error = run(&heard, stream, strlen(stream), 1000, 10000, &complete);
        g_autofree char *expected = g_strdup_printf("refused at %s", where[i % G_N_ELEMENTS(where)]);
        cr_expect_str_eq(error, expected);
        cr_expect_not(complete);
        g_string_free(heard.text, TRUE);
    }
}

Test(records, noise_is_kept_for_the_message)
{
    struct heard heard = {.text = g_string_new(NULL)};
    g_autoptr(records_auto) records = records_new(NONCE, 5000, 10000, &events, &heard);
    cr_expect(records_add(records, "This account is ", 16, NULL));
    cr_expect(records_add(records, "not available.\n", 15, NULL));
    cr_expect_not(records_begun(records));
    cr_expect_str_eq(records_noise(records)->str, "This account is not available.\n");
    g_autofree char *much = g_strnfill(3000, 'x');
    cr_expect(records_add(records, much, 3000, NULL));
    cr_expect_eq(records_noise(records)->len, RECORDS_NOISE_KEPT);
    g_string_free(heard.text, TRUE);
}
