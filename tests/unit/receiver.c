/* collector/receiver: records of the probe into a host and objects; and collector/greeting: a server's first bytes. */
#include "receiver.h"

#include "error.h"
#include "greeting.h"
#include "moment.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

#define NONCE "0123456789abcdef0123456789abcdef"
#define FIRST "trustgap-probe 1 " NONCE "\n"
#define HELLO                                                                                                          \
    "hello 0 clock=20261122010203 local=20261122020203 zone=Europe/Berlin "                                            \
    "rule=%3C+01%3E-1%3C+02%3E,M3.5.0,M10.5.0/3 system=Linux%206.1.0%20x86_64 login=prdadm\n\n"
#define STORE                                                                                                          \
    "store 0 instance=/usr/sap/PRD/D00 path=/usr/sap/PRD/D00/sec/SAPSSLC.pse device=1 inode=2 size=3 modified=4 "      \
    "owner=prdadm mode=600 method=native\n\n"

struct fixture {
    char *folder, *path;
    struct capture_writer *writer;
};

static void fixture_open(struct fixture *fixture)
{
    g_autofree char *sha256 = g_strnfill(64, '0');
    struct capture_header header = {.program = (char *)"test", .inventory_sha256 = sha256};
    fixture->folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "capture", NULL);
    fixture->writer = capture_create(fixture->path, &header, NULL);
    cr_assert_not_null(fixture->writer);
}

static void fixture_close(struct fixture *fixture)
{
    const char *argv[] = {"rm", "-rf", "--", fixture->folder, NULL};
    capture_close(fixture->writer);
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
    g_free(fixture->path);
    g_free(fixture->folder);
}

/* The host that comes of a stream; ${*error} tells what the receiver said, ${*complete} what it thinks. */
static struct capture_host *receive(struct fixture *fixture, const char *stream, size_t size, size_t piece,
                                    GError **error, gboolean *complete)
{
    struct capture_host *host = capture_host_new();
    const struct sink sink = sink_to_capture(fixture->writer);
    struct receiver *receiver = receiver_new(host, &sink, NONCE, 1000);
    gboolean ok = TRUE;

    host->name = g_strdup("host");
    for (size_t at = 0; ok && at < size; at += piece)
        ok = receiver_add(receiver, stream + at, MIN(piece, size - at), error);
    cr_expect(receiver_finish(receiver, NULL));
    *complete = receiver_complete(receiver);
    receiver_free(receiver);
    return host;
}

Test(receiver, fills_a_host)
{
    static const char stream[] = FIRST HELLO
        "instance 0 sid=PRD name=D00 path=/usr/sap/PRD/D00 user=prdadm\n\n"
        "instance 0 sid=PRD name=D00 path=/usr/sap/PRD/D00 user=root\n\n"
        "trace 5 instance=/usr/sap/PRD/D00 path=/usr/sap/PRD/D00/work/dev_icm device=64769 inode=77 size=105 "
        "modified=1795309323 from=100\nabcde\n"
        "trace-after 0 path=/usr/sap/PRD/D00/work/dev_icm inode=77 size=110\n\n"
        "trace 0 path=/empty size=0 from=0 inode=1\n\n"
        "trace-after 0 path=/empty inode=1 size=0\n\n"
        "trace-unread 0 instance=/usr/sap/PRD/D00 path=/usr/sap/PRD/D00/work/dev_icm.old reason=not-allowed\n\n" STORE
        "trusted 6 count=2\nDERDER\nown 3\nDER\n"
        "store 0 path=/pin.pse method=sapgenpse\n\nlisting 4 status=1\ntext\n"
        "store 0 path=/none.pse method=none reason=needs-pin%20and%20more\n\n"
        "note 0 text=one%1B%5B31m\n\nnote 0 text=closed path=/usr/sap/QAS reason=not-allowed\n\n"
        "from-the-future 3 what=ever\nabc\n"
        "end 0 records=17\n\n";
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t piece = 1; piece < 300; piece += 37) {
        g_autoptr(GError) error = NULL;
        gboolean complete;
        g_autoptr(capture_host_auto) host = receive(&fixture, stream, sizeof stream - 1, piece, &error, &complete);
        cr_assert_null(error, "%s", error ? error->message : "");
        cr_expect(complete);
        cr_expect_eq(host->clock, 1795309323);
        cr_expect_eq(host->zone_offset_s, 3600);
        cr_expect_str_eq(host->zone, "Europe/Berlin");
        cr_expect_str_eq(host->zone_rule, "<+01>-1<+02>,M3.5.0,M10.5.0/3");
        cr_expect_str_eq(host->system, "Linux 6.1.0 x86_64");
        cr_expect_str_eq(host->login, "prdadm");
        cr_assert_eq(host->instances->len, 1);
        cr_assert_eq(host->traces->len, 3);
        const struct capture_trace *trace = g_ptr_array_index(host->traces, 0);
        cr_expect_eq(trace->inode, 77);
        cr_expect_eq(trace->from_byte, 100);
        cr_expect_eq(trace->length_bytes, 5);
        cr_expect_not(trace->moved);
        cr_expect_not_null(trace->object);
        const struct capture_trace *empty = g_ptr_array_index(host->traces, 1);
        cr_expect_eq(empty->length_bytes, 0);
        cr_expect_not(empty->moved);
        cr_expect_not_null(empty->object);
        const struct capture_trace *unread = g_ptr_array_index(host->traces, 2);
        cr_expect_null(unread->object);
        cr_expect_str_eq(unread->reason, "not-allowed");
        cr_assert_eq(host->stores->len, 3);
        const struct capture_store *native = g_ptr_array_index(host->stores, 0);
        cr_expect_str_eq(native->method, "native");
        cr_expect_eq(native->trusted_count, 2);
        cr_expect_not_null(native->trusted);
        cr_expect_not_null(native->own);
        cr_expect_str_eq(native->mode, "600");
        const struct capture_store *listed = g_ptr_array_index(host->stores, 1);
        cr_expect_not_null(listed->listing);
        cr_expect_eq(listed->listing_status, 1);
        const struct capture_store *none = g_ptr_array_index(host->stores, 2);
        cr_expect_str_eq(none->reason, "needs-pin and more");
        cr_assert_eq(host->notes->len, 2);
        cr_expect_str_eq(g_ptr_array_index(host->notes, 0), "one\\x1b[31m");
        cr_expect_str_eq(g_ptr_array_index(host->notes, 1), "/usr/sap/QAS: closed");
    }
    fixture_close(&fixture);
}

static const struct {
    const char *what, *after; /* of the inode and the size */
    gboolean moved;
} rotations[] = {
    {"as it was", "inode=7 size=110", FALSE},
    {"grown", "inode=7 size=200", FALSE},
    {"just long enough", "inode=7 size=105", FALSE},
    {"shortened", "inode=7 size=104", TRUE},
    {"emptied", "inode=7 size=0", TRUE},
    {"rotated", "inode=8 size=110", TRUE},
    {"gone", "inode= size=0", TRUE},
    {"said nothing", "", TRUE},
};

Test(receiver, sees_rotation)
{
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(rotations); i++) {
        g_autofree char *stream = g_strdup_printf(
            FIRST "trace 5 path=/t inode=7 size=105 from=100\nabcde\ntrace-after 0 path=/t %s\n\n", rotations[i].after);
        gboolean complete;
        g_autoptr(capture_host_auto) host = receive(&fixture, stream, strlen(stream), 1000, NULL, &complete);
        const struct capture_trace *trace = g_ptr_array_index(host->traces, 0);
        cr_expect_eq(trace->moved, rotations[i].moved, "%s", rotations[i].what);
    }
    fixture_close(&fixture);
}

static const struct {
    const char *what, *stream, *error;
    int code;
} refusals[] = {
    {"hello twice", HELLO HELLO, "record 2 (hello): comes twice", TRUSTGAP_ERROR_SYNTAX},
    {"hello with bytes", "hello 1\na\n", "record 1 (hello): has bytes and should have none", TRUSTGAP_ERROR_SYNTAX},
    {"trace without path", "trace 1\na\n", "record 1 (trace): has no path", TRUSTGAP_ERROR_SYNTAX},
    {"instance without path", "instance 0\n\n", "has no path", TRUSTGAP_ERROR_SYNTAX},
    {"store without path", "store 0\n\n", "has no path", TRUSTGAP_ERROR_SYNTAX},
    {"trace at the limit and one more", "trace 1001 path=/t\n", "is longer than the limit", TRUSTGAP_ERROR_LIMIT},
    {"trace-after alone", "trace-after 0 path=/t\n\n", "does not follow its trace", TRUSTGAP_ERROR_SYNTAX},
    {"trace-after of another one", "trace 1 path=/t\na\ntrace-after 0 path=/u\n\n", "does not follow its trace",
     TRUSTGAP_ERROR_SYNTAX},
    {"trusted before any store", "trusted 1\na\n", "comes before any store", TRUSTGAP_ERROR_SYNTAX},
    {"own before any store", "own 1\na\n", "comes before any store", TRUSTGAP_ERROR_SYNTAX},
    {"listing before any store", "listing 1\na\n", "comes before any store", TRUSTGAP_ERROR_SYNTAX},
    {"trusted twice", STORE "trusted 1\na\ntrusted 1\na\n", "comes twice for one store", TRUSTGAP_ERROR_SYNTAX},
    {"own twice", STORE "own 1\na\nown 1\na\n", "comes twice for one store", TRUSTGAP_ERROR_SYNTAX},
    {"trust list too long", STORE "trusted 8388609\n", "is longer than the limit", TRUSTGAP_ERROR_LIMIT},
    {"own too long", STORE "own 262145\n", "is longer than the limit", TRUSTGAP_ERROR_LIMIT},
    {"listing too long", STORE "listing 16777217\n", "is longer than the limit", TRUSTGAP_ERROR_LIMIT},
};

Test(receiver, refuses)
{
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *stream = g_strconcat(FIRST, refusals[i].stream, NULL);
        g_autoptr(GError) error = NULL;
        gboolean complete;
        g_autoptr(capture_host_auto) host = receive(&fixture, stream, strlen(stream), 1000, &error, &complete);
        cr_assert_not_null(error, "%s", refusals[i].what);
        cr_expect_eq(error->code, refusals[i].code, "%s", refusals[i].what);
        cr_expect(strstr(error->message, refusals[i].error), "%s: %s", refusals[i].what, error->message);
        cr_expect_not(complete);
    }
    fixture_close(&fixture);
}

Test(receiver, at_the_limits)
{
    struct fixture fixture;
    g_autofree char *bytes = g_strnfill(1000, 'x');
    g_autofree char *stream = g_strconcat(FIRST "trace 1000 path=/t\n", bytes, "\nend 0 records=1\n\n", NULL);
    gboolean complete;
    fixture_open(&fixture);
    g_autoptr(capture_host_auto) host = receive(&fixture, stream, strlen(stream), 1000, NULL, &complete);
    cr_expect(complete);

    /* Notes up to the limit are kept, more are counted. */
    for (unsigned more = 0; more < 3; more++) {
        g_autoptr(GString) notes = g_string_new(FIRST);
        for (unsigned i = 0; i < RECEIVER_NOTES + more; i++)
            g_string_append(notes, "note 0 text=n\n\n");
        g_autoptr(capture_host_auto) noted = receive(&fixture, notes->str, notes->len, 1000, NULL, &complete);
        cr_expect_eq(noted->notes->len, RECEIVER_NOTES + (more > 0));
        if (more > 0) {
            g_autofree char *last = g_strdup_printf("and %u more notes", more);
            cr_expect_str_eq(g_ptr_array_index(noted->notes, RECEIVER_NOTES), last);
        }
    }
    fixture_close(&fixture);
}

static const struct {
    const char *what, *fields;
    int64_t clock;
    int offset;
} clocks[] = {
    {"both", "clock=20261122010203 local=20261121200203", 1795309323, -18000},
    {"no local time", "clock=20261122010203", 1795309323, G_MININT},
    {"no clock", "local=20261122010203", MOMENT_NONE, G_MININT},
    {"no such date", "clock=20260229010203 local=20260229010203", MOMENT_NONE, G_MININT},
    {"too short", "clock=2026112201020 local=20261122010203", MOMENT_NONE, G_MININT},
    {"no digits", "clock=2026-11-22T01: local=20261122010203", MOMENT_NONE, G_MININT},
    {"a zone that there is not", "clock=20261122010203 local=20261124010203", 1795309323, G_MININT},
};

Test(receiver, clocks_and_zones)
{
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(clocks); i++) {
        g_autofree char *stream = g_strdup_printf(FIRST "hello 0 %s\n\n", clocks[i].fields);
        gboolean complete;
        g_autoptr(capture_host_auto) host = receive(&fixture, stream, strlen(stream), 1000, NULL, &complete);
        cr_expect_eq(host->clock, clocks[i].clock, "%s", clocks[i].what);
        cr_expect_eq(host->zone_offset_s, clocks[i].offset, "%s: %d", clocks[i].what, host->zone_offset_s);
        cr_expect_null(host->zone_rule, "a probe from before there was one");
    }
    fixture_close(&fixture);
}

/* What was cut off: of a trace the part that came, of a trust list nothing, and its store is not a readable one. */
Test(receiver, every_truncation)
{
    static const char stream[] = FIRST HELLO "trace 5 path=/t from=0\nabcde\n" STORE "trusted 6 count=2\nDERDER\n"
                                             "store 0 path=/pin.pse method=sapgenpse\n\nlisting 4 status=0\ntext\n"
                                             "end 0 records=6\n\n";
    struct fixture fixture;
    unsigned cut_traces = 0, without_list = 0, without_listing = 0;
    fixture_open(&fixture);
    for (size_t size = 0; size < sizeof stream; size++) {
        gboolean complete;
        g_autoptr(GError) error = NULL;
        g_autoptr(capture_host_auto) host = receive(&fixture, stream, size, 50, &error, &complete);
        cr_expect_null(error, "cut at %zu", size);
        cr_expect_eq(complete, size == sizeof stream - 1, "cut at %zu", size);
        for (guint i = 0; i < host->traces->len; i++) {
            const struct capture_trace *trace = g_ptr_array_index(host->traces, i);
            cr_assert_not_null(trace->object);
            cut_traces += trace->length_bytes < 5;
            cr_expect_eq(host->notes->len, trace->length_bytes < 5, "cut at %zu", size);
        }
        for (guint i = 0; i < host->stores->len; i++) {
            const struct capture_store *store = g_ptr_array_index(host->stores, i);
            gboolean unreadable = strcmp(store->method, "none") == 0;
            cr_expect_eq(unreadable, !store->trusted && !store->listing, "cut at %zu", size);
            if (unreadable)
                cr_expect(g_str_has_prefix(store->reason, "incomplete "));
            without_list += unreadable && i == 0;
            without_listing += unreadable && i == 1;
        }
        cr_expect(capture_write_host(fixture.writer, host, NULL));
    }
    cr_expect_gt(cut_traces, 3);
    cr_expect_gt(without_list, 10);
    cr_expect_gt(without_listing, 10);

    /* Every one of them can be read again. */
    g_autoptr(capture_auto) capture = capture_open(fixture.path, NULL);
    cr_assert_not_null(capture);
    cr_expect_eq(capture->warnings->len, 0);
    fixture_close(&fixture);
}

/* The most that a host may say in its headers still fits into a line. */
Test(receiver, the_largest_host_can_be_written)
{
    struct fixture fixture;
    g_autoptr(GString) stream = g_string_new(FIRST);
    unsigned records = 0;
    fixture_open(&fixture);
    /* Bytes that grow most on their way: a control character is three bytes here and six in JSON. */
    while (stream->len < (size_t)4 * 1024 * 1024 - 20000) {
        g_string_append_printf(stream, "store 0 path=/%u instance=", records++);
        for (int i = 0; i < 4000; i++)
            g_string_append(stream, "%1B");
        g_string_append(stream, "\n\n");
    }
    g_string_append_printf(stream, "end 0 records=%u\n\n", records);
    gboolean complete;
    g_autoptr(GError) error = NULL;
    g_autoptr(capture_host_auto) host = receive(&fixture, stream->str, stream->len, 65536, &error, &complete);
    cr_assert_null(error, "%s", error ? error->message : "");
    cr_expect(complete);
    cr_expect(capture_write_host(fixture.writer, host, &error), "%s", error ? error->message : "");
    fixture_close(&fixture);

    /* And the most records. */
    g_string_assign(stream, FIRST);
    for (records = 0; records < 16384; records++)
        g_string_append_printf(stream, "trace 0 path=/%u device=1 inode=2 size=3 modified=4 from=5 instance=/i\n\n",
                               records);
    g_string_append_printf(stream, "end 0 records=%u\n\n", records);
    fixture_open(&fixture);
    g_autoptr(capture_host_auto) many = receive(&fixture, stream->str, stream->len, 65536, &error, &complete);
    cr_expect(complete, "%s", error ? error->message : "");
    cr_expect(capture_write_host(fixture.writer, many, &error), "%s", error ? error->message : "");
    fixture_close(&fixture);
}

/* Greetings. */

static GByteArray *make_greeting(const char *banner)
{
    static const char *const lists[] = {"kex-a,kex-b", "key-a",  "cipher-out", "cipher-in",
                                        "mac-out",     "mac-in", "none",       "none"};
    GByteArray *bytes = g_byte_array_new();
    g_autoptr(GByteArray) packet = g_byte_array_new();
    static const uint8_t head[] = {4, 20};
    static const uint8_t cookie[16] = {0};

    g_byte_array_append(packet, head, sizeof head);
    g_byte_array_append(packet, cookie, sizeof cookie);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        wire_append_string(packet, lists[i], strlen(lists[i]));
    g_byte_array_append(bytes, (const uint8_t *)banner, (guint)strlen(banner));
    wire_append_string(bytes, packet->data, packet->len);
    return bytes;
}

Test(greeting, banner_and_offer)
{
    static const char *const banners[] = {"SSH-2.0-x\r\n", "SSH-2.0-x\n", "hello\r\n\r\nSSH-2.0-x\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(banners); i++) {
        g_autoptr(GByteArray) bytes = make_greeting(banners[i]);
        struct greeting greeting;
        cr_expect_eq(greeting_judge(bytes->data, bytes->len), GREETING_TALK);
        cr_assert(greeting_parse(&greeting, bytes->data, bytes->len), "%zu", i);
        cr_expect(wire_is(&greeting.lists[GREETING_HOST_KEY], "key-a"));
        cr_expect(wire_is(&greeting.lists[GREETING_MAC_IN], "mac-in"));
        cr_expect(greeting_offers(&greeting.lists[GREETING_KEY_EXCHANGE], "kex-a"));
        cr_expect(greeting_offers(&greeting.lists[GREETING_KEY_EXCHANGE], "kex-b"));
        cr_expect_not(greeting_offers(&greeting.lists[GREETING_KEY_EXCHANGE], "kex"));
        cr_expect_not(greeting_offers(&greeting.lists[GREETING_KEY_EXCHANGE], "kex-"));
        cr_expect_not(greeting_offers(&greeting.lists[GREETING_KEY_EXCHANGE], "kex-a,kex-b"));
    }
}

Test(greeting, every_truncation_and_flip)
{
    g_autoptr(GByteArray) bytes = make_greeting("SSH-2.0-x\r\n");
    unsigned refused = 0;
    /* The compression's lists come last and are not looked at. */
    for (guint i = 0; i < 2 * bytes->len; i++) {
        guint size = MIN(i, bytes->len);
        g_autofree uint8_t *exact = g_memdup2(bytes->data, MAX(size, 1));
        if (i >= bytes->len)
            exact[i - bytes->len] ^= 0x40;
        struct greeting greeting;
        gboolean ok = greeting_parse(&greeting, exact, size);
        refused += !ok;
        for (int k = 0; ok && k < GREETING_LISTS; k++)
            greeting_offers(&greeting.lists[k], "none");
    }
    cr_expect_gt(refused, bytes->len);
}

Test(greeting, first_line)
{
    static const struct {
        const char *bytes, *line;
    } rows[] = {
        {"", ""}, {"Exceeded MaxStartups\r\n", "Exceeded MaxStartups"}, {"\033[2Jx\ny", "\\x1b[2Jx"}, {"\n", ""}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *line = greeting_first_line(rows[i].bytes, strlen(rows[i].bytes));
        cr_expect_str_eq(line, rows[i].line);
    }
    g_autofree char *much = g_strnfill(1000, 'x');
    g_autofree char *cut = greeting_first_line(much, 1000);
    cr_expect_eq(strlen(cut), GREETING_LINE_CHARS);
}

Test(greeting, kinds)
{
    static const struct {
        const char *bytes;
        enum greeting_kind kind;
        const char *banner;
    } rows[] = {
        {"", GREETING_NONE, NULL},
        {"SSH", GREETING_TEXT, NULL},
        {"HTTP/1.1 SSH-2.0", GREETING_TEXT, NULL},
        {"220 mail.example.com ESMTP\r\n", GREETING_TEXT, NULL},
        {"Exceeded MaxStartups\r\n", GREETING_REFUSAL, NULL},
        {"Exceeded MaxStartups", GREETING_REFUSAL, NULL},
        {"exceeded maxstartups\n", GREETING_REFUSAL, NULL},
        {"Exceeded MaxStartup", GREETING_TEXT, NULL},
        {"Not allowed at this time\r\n", GREETING_REFUSAL, NULL},
        {"Not allowed at this tim", GREETING_TEXT, NULL},
        {"SSH-", GREETING_BANNER, "SSH-"},
        {"SSH-1", GREETING_BANNER, "SSH-1"},
        {"SSH-1.", GREETING_BANNER, "SSH-1."},
        {"SSH-1.9", GREETING_BANNER, "SSH-1.9"},
        {"SSH-1.99", GREETING_BANNER, "SSH-1.99"},
        {"SSH-1.99-both\r\n", GREETING_BANNER, "SSH-1.99-both"},
        {"SSH-1.98-odd\r\n", GREETING_SSH_1, "SSH-1.98-odd"},
        {"SSH-1.5", GREETING_SSH_1, "SSH-1.5"},
        {"SSH-1.5-1.2.27\n", GREETING_SSH_1, "SSH-1.5-1.2.27"},
        {"hello\nSSH-1.3-x\n", GREETING_SSH_1, "SSH-1.3-x"},
        {"a\nSSH-2.0", GREETING_BANNER, "SSH-2.0"},
        {"SSH-2.0-x\r\n", GREETING_BANNER, "SSH-2.0-x"},
        {"SSH-2.0-x\n?", GREETING_TALK, "SSH-2.0-x"},
        {"SSH-2.0-\033[2J\n", GREETING_BANNER, "SSH-2.0-\\x1b[2J"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *banner = greeting_banner(rows[i].bytes, strlen(rows[i].bytes));
        cr_expect_eq(greeting_judge(rows[i].bytes, strlen(rows[i].bytes)), rows[i].kind, "%s", rows[i].bytes);
        cr_expect_str_eq(banner ? banner : "none", rows[i].banner ? rows[i].banner : "none");
    }
    cr_expect_eq(greeting_judge(NULL, 0), GREETING_NONE);
}

Test(greeting, a_banner_has_a_limit)
{
    for (size_t size = GREETING_BANNER_MAX - 1; size <= GREETING_BANNER_MAX + 1; size++)
        for (int ended = 0; ended < 2; ended++) {
            g_autofree char *banner = g_strnfill(size, 'x');
            memcpy(banner, "SSH-2.0-", 8);
            if (ended)
                banner[size - 1] = '\n';
            cr_expect_eq(greeting_judge(banner, size), size > GREETING_BANNER_MAX ? GREETING_ENDLESS : GREETING_BANNER,
                         "%zu bytes, %d", size, ended);
        }
}
