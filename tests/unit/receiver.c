/* collector/receiver: records of the probe into a host and objects; and collector/greeting: a server's first bytes. */
#include "receiver.h"

#include "error.h"
#include "greeting.h"
#include "kept.h"
#include "moment.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

#define NONCE        "0123456789abcdef0123456789abcdef"
#define FIRST        "trustgap-probe 2 " NONCE "\n"
#define SYSTEM(path) "system 0 path=" path " user=prdadm through=sudo\n\ntrustgap-system 2\n"
#define OVER(path)   "\n" NONCE " over 0 path=" path " status=0\n\n"
#define INNER        FIRST SYSTEM("/")
#define END(inner)   "end 0 records=" inner "\n\n" OVER("/") "end 0 records=2\n\n"
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

/*
 * The host that comes of a stream; ${*error} tells what the receiver said, ${*complete} what it thinks, and
 * ${*shortfall} what it says is missing.
 */
static struct capture_host *receive_all(char **shortfall, enum collector_reason *reason, struct fixture *fixture,
                                        const char *stream, size_t size, size_t piece, GError **error,
                                        gboolean *complete)
{
    struct capture_host *host = capture_host_new();
    const struct sink sink = kept_in(fixture->writer);
    struct receiver *receiver = receiver_new(host, &sink, NONCE, 1000);
    gboolean ok = TRUE;

    host->name = g_strdup("host");
    for (size_t at = 0; ok && at < size; at += piece)
        ok = receiver_add(receiver, stream + at, MIN(piece, size - at), error);
    cr_expect(receiver_finish(receiver, NULL));
    *complete = receiver_complete(receiver);
    *shortfall = receiver_shortfall(receiver, reason);
    receiver_free(receiver);
    return host;
}

static struct capture_host *receive(struct fixture *fixture, const char *stream, size_t size, size_t piece,
                                    GError **error, gboolean *complete)
{
    g_autofree char *shortfall = NULL;
    enum collector_reason reason;
    return receive_all(&shortfall, &reason, fixture, stream, size, piece, error, complete);
}

Test(receiver, fills_a_host)
{
    static const char stream[] = FIRST HELLO
        "self-test 0 encoder=base64 missing= nice=1 shell=dash\n\nbeat 0\n\n"
        "from-the-future 0\n\n" SYSTEM(
            "/") "beat 0\n\ninstance 0 sid=PRD name=D00 path=/usr/sap/PRD/D00 user=prdadm\n\n"
                 "instance 0 sid=PRD name=D00 path=/usr/sap/PRD/D00 user=root\n\n"
                 "trace 5 instance=/usr/sap/PRD/D00 path=/usr/sap/PRD/D00/work/dev_icm device=64769 inode=77 size=105 "
                 "modified=1795309323 from=100\nabcde\n"
                 "trace-after 0 path=/usr/sap/PRD/D00/work/dev_icm inode=77 size=110\n\n"
                 "trace 0 path=/empty size=0 from=0 inode=1\n\n"
                 "trace-after 0 path=/empty inode=1 size=0\n\n"
                 "trace-unread 0 instance=/usr/sap/PRD/D00 path=/usr/sap/PRD/D00/work/dev_icm.old "
                 "reason=not-allowed\n\n" STORE "trusted 6 count=2\nDERDER\nown 3\nDER\n"
                 "store 0 path=/pin.pse method=sapgenpse\n\nlisting 4 status=1\ntext\n"
                 "store 0 path=/none.pse method=none reason=needs-pin%20and%20more\n\n"
                 "note 0 text=one%1B%5B31m\n\nnote 0 text=closed path=/usr/sap/QAS reason=not-allowed\n\n"
                 "from-the-future 3 what=ever\nabc\n"
                 "end 0 records=17\n\n" OVER("/") "end 0 records=6\n\n";
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
            INNER "trace 5 path=/t inode=7 size=105 from=100\nabcde\ntrace-after 0 path=/t %s\n\n", rotations[i].after);
        gboolean complete;
        g_autoptr(capture_host_auto) host = receive(&fixture, stream, strlen(stream), 1000, NULL, &complete);
        const struct capture_trace *trace = g_ptr_array_index(host->traces, 0);
        cr_expect_eq(trace->moved, rotations[i].moved, "%s", rotations[i].what);
    }
    fixture_close(&fixture);
}

/* What is wrong outside of any system ends the host. */
static const struct {
    const char *what, *stream, *error;
    int code;
} refusals[] = {
    {"hello twice", HELLO HELLO, "record 2 (hello): comes twice", TRUSTGAP_ERROR_SYNTAX},
    {"hello with bytes", "hello 1\na\n", "record 1 (hello): has bytes and should have none", TRUSTGAP_ERROR_SYNTAX},
    {"an instance", "instance 0 path=/\n\n", "record 1 (instance): stands outside of any system",
     TRUSTGAP_ERROR_SYNTAX},
    {"a trace", "trace 1 path=/t\na\n", "stands outside of any system", TRUSTGAP_ERROR_SYNTAX},
    {"a store", STORE, "stands outside of any system", TRUSTGAP_ERROR_SYNTAX},
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

/* What is wrong in one costs that system: the one before it and the one behind it are whole, and the host is not. */
static const struct {
    const char *what, *stream, *says;
    enum collector_reason reason;
} faults[] = {
    {"out of form", "nonsense\n", "record 1: its first line has no type", REASON_BAD_RECORD},
    {"hello", HELLO, "record 1 (hello): may not stand in a system", REASON_BAD_RECORD},
    {"self-test", "self-test 0 missing=od\n\n", "may not stand in a system", REASON_BAD_RECORD},
    {"trace without path", "trace 1\na\n", "record 1 (trace): has no path", REASON_BAD_RECORD},
    {"instance without path", "instance 0\n\n", "has no path", REASON_BAD_RECORD},
    {"store without path", "store 0\n\n", "has no path", REASON_BAD_RECORD},
    {"trace at the limit and one more", "trace 1001 path=/s/t\n", "is longer than the limit", REASON_LIMIT},
    {"trace-after alone", "trace-after 0 path=/s/t\n\n", "does not follow its trace", REASON_BAD_RECORD},
    {"trace-after of another one", "trace 1 path=/s/t\na\ntrace-after 0 path=/s/u\n\n", "does not follow its trace",
     REASON_BAD_RECORD},
    {"trusted before any store", "trusted 1\na\n", "comes before any store", REASON_BAD_RECORD},
    {"own before any store", "own 1\na\n", "comes before any store", REASON_BAD_RECORD},
    {"listing before any store", "listing 1\na\n", "comes before any store", REASON_BAD_RECORD},
    {"trusted twice", "store 0 path=/s/p method=native\n\ntrusted 1\na\ntrusted 1\na\n", "comes twice for one store",
     REASON_BAD_RECORD},
    {"own twice", "store 0 path=/s/p method=native\n\nown 1\na\nown 1\na\n", "comes twice for one store",
     REASON_BAD_RECORD},
    {"trust list too long", "store 0 path=/s/p\n\ntrusted 8388609\n", "is longer than the limit", REASON_LIMIT},
    {"own too long", "store 0 path=/s/p\n\nown 262145\n", "is longer than the limit", REASON_LIMIT},
    {"listing too long", "store 0 path=/s/p\n\nlisting 16777217\n", "is longer than the limit", REASON_LIMIT},
    {"list in base64 too long", "store 0 path=/s/p\n\ntrusted 4 encoding=base64 size=8388609\nAAAA\n",
     "is longer than the limit", REASON_LIMIT},
    {"base64 too long", "store 0 path=/s/p\n\nown 524289 encoding=base64 size=1\n", "is longer than the limit",
     REASON_LIMIT},
    {"another encoding", "store 0 path=/s/p\n\nown 2 encoding=hex size=1\n00\n", "has an unknown encoding",
     REASON_BAD_RECORD},
    {"base64 without a size", "store 0 path=/s/p\n\nown 4 encoding=base64\nAAAA\n", "has no size, or skips too much",
     REASON_BAD_RECORD},
    {"too many zeros before", "store 0 path=/s/p\n\nown 8 encoding=base64 size=1 skip=3\nAAAAAA==\n",
     "has no size, or skips too much", REASON_BAD_RECORD},
    {"no base64", "store 0 path=/s/p\n\nown 4 encoding=base64 size=3\nA AA\n",
     "/s/p: its base64 is not made of its digits", REASON_BAD_RECORD},
    {"another system's instance", "instance 0 path=/t/D00\n\n",
     "record 1 (instance): speaks of something outside of its system", REASON_BAD_RECORD},
    {"another system's trace", "trace 1 path=/t/D00/work/dev_icm\na\n", "outside of its system", REASON_BAD_RECORD},
    {"another system's instance of a trace", "trace 1 path=/s/x instance=/t/D00\na\n", "outside of its system",
     REASON_BAD_RECORD},
    {"another system's store", "store 0 path=/t/p method=none reason=damaged\n\n", "outside of its system",
     REASON_BAD_RECORD},
    {"another system's note", "note 0 path=/t text=x\n\n", "outside of its system", REASON_BAD_RECORD},
    {"a name that begins alike", "trace 0 path=/s2/work/dev_icm\n\n", "outside of its system", REASON_BAD_RECORD},
    {"a way back up", "trace 0 path=/s/../t/work/dev_icm\n\n", "outside of its system", REASON_BAD_RECORD},
    {"a way back up at the end", "trace 0 path=/s/..\n\n", "outside of its system", REASON_BAD_RECORD},
    {"a dot", "trace 0 path=/s/./x\n\n", "outside of its system", REASON_BAD_RECORD},
    {"a relative path", "trace 0 path=s/x\n\n", "outside of its system", REASON_BAD_RECORD},
    {"an empty path", "trace 0 path=\n\n", "outside of its system", REASON_BAD_RECORD},
    {"another SID than the folder's", "instance 0 sid=QAS name=D00 path=/s/PRD/D00\n\n", "another SID or name",
     REASON_BAD_RECORD},
    {"another name than the folder's", "instance 0 sid=PRD name=D01 path=/s/PRD/D00\n\n", "another SID or name",
     REASON_BAD_RECORD},
    {"two names as a SID", "instance 0 sid=s/PRD name=D00 path=/s/PRD/D00\n\n", "another SID or name",
     REASON_BAD_RECORD},
    {"a SID alone", "instance 0 sid=PRD path=/s/PRD/D00\n\n", "another SID or name", REASON_BAD_RECORD},
    {"without its end", "beat 0\n\n", "the probe ended before its last record", REASON_INCOMPLETE},
    {"another number at its end", "end 0 records=2\n\n", "the probe ended before its last record", REASON_INCOMPLETE},
};

Test(receiver, a_fault_costs_one_system)
{
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++)
        for (size_t piece = 1; piece < 2000; piece *= 11) {
            g_autofree char *stream = g_strconcat(
                FIRST HELLO SYSTEM("/a") "instance 0 path=/a\n\ntrace 1 path=/a/t\na\nend 0 records=2\n\n" OVER("/a")
                    SYSTEM("/s"),
                faults[i].stream,
                OVER("/s") SYSTEM("/z") "instance 0 path=/z\n\ntrace 1 path=/z/t\nz\nend 0 records=2\n\n" OVER(
                    "/z") "end 0 records=7\n\n",
                NULL);
            g_autoptr(GError) error = NULL;
            g_autofree char *shortfall = NULL, *where = g_strdup_printf("/s (as prdadm, sudo): %s", faults[i].says);
            enum collector_reason reason;
            gboolean complete;
            g_autoptr(capture_host_auto) host =
                receive_all(&shortfall, &reason, &fixture, stream, strlen(stream), piece, &error, &complete);
            cr_assert_null(error, "%s: %s", faults[i].what, error ? error->message : "");
            cr_expect(complete, "%s", faults[i].what);
            cr_expect_eq(reason, faults[i].reason, "%s: %s", faults[i].what, collector_reason_name(reason));
            cr_assert_not_null(shortfall, "%s", faults[i].what);
            cr_expect(g_str_has_prefix(shortfall, "/s (as prdadm, sudo): ") && strstr(shortfall, faults[i].says),
                      "%s: %s", faults[i].what, shortfall);
            cr_expect_str_eq(g_ptr_array_index(host->notes, host->notes->len - 1), shortfall, "%s", faults[i].what);
            cr_expect_eq(host->instances->len, 2, "%s", faults[i].what);
            const struct capture_trace *last = g_ptr_array_index(host->traces, host->traces->len - 1);
            cr_expect_str_eq(last->path, "/z/t", "%s", faults[i].what);
            cr_expect_not_null(last->object, "%s", faults[i].what);
            for (guint j = 0; j < host->stores->len; j++) {
                const struct capture_store *store = g_ptr_array_index(host->stores, j);
                cr_expect(g_str_has_prefix(store->path, "/s/"), "%s", faults[i].what);
            }
        }
    fixture_close(&fixture);
}

/* How a system may end, and what becomes of the host. */
static const struct {
    const char *what, *end, *shortfall;
    enum collector_reason reason;
} ends[] = {
    {"by itself", "path=/s status=0", NULL, REASON_NONE},
    {"with another status", "path=/s status=1", NULL, REASON_NONE},
    {"at its time limit", "path=/s status=137 reason=time-out",
     "/s: the probe ended before its last record (time-out, exit status 137)", REASON_INCOMPLETE},
    {"without having begun", "path=/s status=1 reason=no-sudo", NULL, REASON_NONE},
    {"by a word of a later probe", "path=/s reason=struck%20by%20lightning",
     "/s: the probe ended before its last record (struck by lightning)", REASON_INCOMPLETE},
};

Test(receiver, ends_of_systems)
{
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *stream = g_strconcat(
            FIRST "system 0 path=/s\n\ntrustgap-system 2\ninstance 0 path=/s\n\nend 0 records=1\n\n\n" NONCE " over 0 ",
            ends[i].end, "\n\nend 0 records=2\n\n", NULL);
        g_autofree char *shortfall = NULL;
        enum collector_reason reason;
        gboolean complete;
        g_autoptr(capture_host_auto) host =
            receive_all(&shortfall, &reason, &fixture, stream, strlen(stream), 1000, NULL, &complete);
        cr_expect(complete);
        cr_expect_str_eq(shortfall ? shortfall : "", ends[i].shortfall ? ends[i].shortfall : "", "%s: %s", ends[i].what,
                         shortfall);
        cr_expect_eq(reason, ends[i].reason, "%s", ends[i].what);
    }
    fixture_close(&fixture);
}

/* sudo that does not work says something else than a stream, and the system is read in another way. */
Test(receiver, a_system_that_sudo_does_not_read)
{
    static const char stream[] =
        FIRST "system 0 path=/s through=sudo\n\nsudo: a password is required\n\n" NONCE
              " over 0 path=/s status=1 reason=no-sudo\n\nnote 0 path=/s reason=no-sudo text=sudo\n\n" SYSTEM(
                  "/s") "instance 0 path=/s\n\nend 0 records=1\n\n" OVER("/s") "end 0 records=5\n\n";
    struct fixture fixture;
    gboolean complete;
    g_autofree char *shortfall = NULL;
    enum collector_reason reason;
    fixture_open(&fixture);
    g_autoptr(capture_host_auto) host =
        receive_all(&shortfall, &reason, &fixture, stream, strlen(stream), 1000, NULL, &complete);
    cr_expect(complete);
    cr_expect_str_eq(shortfall, "sudo");
    cr_expect_eq(reason, REASON_UNREAD);
    cr_expect_eq(host->instances->len, 1);
    fixture_close(&fixture);
}

/* What the probe says of the host as a whole; the gravest of it is the reason. */
static const struct {
    const char *what, *stream, *shortfall;
    enum collector_reason reason;
} says[] = {
    {"nothing", "", NULL, REASON_NONE},
    {"all tools are there", "self-test 0 encoder=base64 missing=\n\n", NULL, REASON_NONE},
    {"a tool is missing", "self-test 0 missing=od\n\n", "the probe needs tools that are missing or don't work: od",
     REASON_NO_TOOL},
    {"more of them", "self-test 0 encoder=od missing=awk,dd\n\n",
     "the probe needs tools that are missing or don't work: awk, dd", REASON_NO_TOOL},
    {"nothing can be started", "self-test 0 missing=processes\n\n",
     "the host could not start any process for the probe", REASON_NO_TOOL},
    {"a note on one", "note 0 reason=no-tool text=od%20is%20missing\n\n", "od is missing", REASON_NO_TOOL},
    {"a tool is graver than a folder",
     "self-test 0 missing=od\n\nnote 0 reason=not-allowed path=/x text=closed\n\nnote 0 reason=no-folder text=gone\n\n",
     "the probe needs tools that are missing or don't work: od; and 2 more", REASON_NO_TOOL},
    {"sudo and a folder", "note 0 reason=no-sudo text=sudo\n\nnote 0 reason=limit text=limit\n\n", "limit; and 1 more",
     REASON_NOT_SEARCHED},
};

Test(receiver, shortfalls)
{
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(says); i++) {
        g_autofree char *stream = g_strconcat(
            FIRST, says[i].stream, SYSTEM("/s") "instance 0 path=/s\n\nend 0 records=1\n\n" OVER("/s"), NULL);
        g_autofree char *shortfall = NULL;
        enum collector_reason reason;
        gboolean complete;
        g_autoptr(capture_host_auto) host =
            receive_all(&shortfall, &reason, &fixture, stream, strlen(stream), 1000, NULL, &complete);
        cr_expect_str_eq(shortfall ? shortfall : "", says[i].shortfall ? says[i].shortfall : "", "%s: %s", says[i].what,
                         shortfall);
        cr_expect_eq(reason, says[i].reason, "%s: %s", says[i].what, collector_reason_name(reason));
    }
    fixture_close(&fixture);
}

/* Without an instance that is the reason, unless something graver is. */
Test(receiver, hosts_without_instances)
{
    static const struct {
        const char *stream;
        enum collector_reason reason;
    } rows[] = {
        {"", REASON_NO_INSTANCE},
        {"note 0 reason=not-allowed text=closed\n\n", REASON_NO_INSTANCE},
        {"self-test 0 missing=ls\n\n", REASON_NO_TOOL},
        {SYSTEM("/s") "nonsense\n" OVER("/s"), REASON_BAD_RECORD},
    };
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *stream = g_strconcat(FIRST, rows[i].stream, NULL);
        g_autofree char *shortfall = NULL;
        enum collector_reason reason;
        gboolean complete;
        g_autoptr(capture_host_auto) host =
            receive_all(&shortfall, &reason, &fixture, stream, strlen(stream), 1000, NULL, &complete);
        cr_expect_eq(reason, rows[i].reason, "%zu: %s", i, collector_reason_name(reason));
    }
    fixture_close(&fixture);
}

/* What one system sent does not become part of what another one did. */
Test(receiver, records_of_two_systems_are_not_joined)
{
    static const char stream[] = FIRST SYSTEM("/a") "store 0 path=/a/p method=native\n\nend 0 records=1\n\n" OVER("/a")
        SYSTEM("/b") "trusted 6 count=2\nDERDER\nend 0 records=1\n\n" OVER("/b") "end 0 records=4\n\n";
    struct fixture fixture;
    gboolean complete;
    g_autofree char *shortfall = NULL;
    enum collector_reason reason;
    fixture_open(&fixture);
    g_autoptr(capture_host_auto) host =
        receive_all(&shortfall, &reason, &fixture, stream, strlen(stream), 1000, NULL, &complete);
    cr_assert_eq(host->stores->len, 1);
    const struct capture_store *store = g_ptr_array_index(host->stores, 0);
    cr_expect_null(store->trusted);
    cr_expect_str_eq(store->method, "none");
    cr_expect_str_eq(shortfall, "/b (as prdadm, sudo): record 1 (trusted): comes before any store");
    fixture_close(&fixture);
}

/* Base64: what is stored is the bytes that are wanted, in whatever pieces and lines they come. */
static const struct {
    const char *what, *fields, *digits;
    const char *bytes; /* NULL: refused */
    size_t size;
} encoded[] = {
    {"whole groups", "size=6", "REVSREVS", "DERDER", 6},
    {"one over", "size=4", "REVSRA==", "DERD", 4},
    {"two over", "size=5", "REVSREU=", "DERDE", 5},
    {"lines", "size=6", "R\nEVS\n\nREVS\n", "DERDER", 6},
    {"nothing", "size=0", "", "", 0},
    {"nothing but zeros", "size=0 skip=2", "AAAAAA==", "", 0},
    {"zeros before", "size=3 skip=2", "AABERVI=", "DER", 3},
    {"zeros behind", "size=3", "REVSAAA=", "DER", 3},
    {"zeros on both sides", "size=3 skip=1", "AERFUgAA", "DER", 3},
    {"all digits", "size=6", "Az+/az09", "\x03\x3f\xbf\x6b\x3d\x3d", 6},
    {"three zeros behind", "size=3", "REVSAAAA", NULL, 0},
    {"no zeros before", "size=2 skip=1", "REVS", NULL, 0},
    {"no zeros behind", "size=2", "REVS", NULL, 0},
    {"too short", "size=7", "REVSREVS", NULL, 0},
    {"nothing and something is wanted", "size=1", "", NULL, 0},
    {"a cut group", "size=3", "REVSR", NULL, 0},
    {"a group without padding", "size=4", "REVSRA", NULL, 0},
    {"half a padding", "size=4", "REVSRA=", NULL, 0},
    {"padding alone", "size=3", "REVS====", NULL, 0},
    {"padding in the middle", "size=4", "RA==REVS", NULL, 0},
    {"a digit in the padding", "size=4", "REVSRA=A", NULL, 0},
    {"bits that belong to no byte", "size=4", "REVSRB==", NULL, 0},
    {"a blank", "size=6", "REVS REVS", NULL, 0},
    {"a carriage return", "size=6", "REVS\r\nREVS", NULL, 0},
    {"the URL's alphabet", "size=3", "-_-_", NULL, 0},
    {"a NUL's place", "size=3", "REV%", NULL, 0},
};

Test(receiver, decodes_base64)
{
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(encoded); i++)
        for (int own = 0; own < 2; own++)
            for (size_t piece = 1; piece < 1000; piece = piece < 12 ? piece + 1 : piece * 9) {
                g_autofree char *stream =
                    g_strdup_printf(INNER "store 0 path=/p method=native\n\n%s %zu encoding=base64 %s%s\n%s\n" END("2"),
                                    own ? "own" : "trusted", strlen(encoded[i].digits), encoded[i].fields,
                                    own ? "" : " count=2", encoded[i].digits);
                g_autofree char *shortfall = NULL;
                enum collector_reason reason;
                gboolean complete;
                g_autoptr(capture_host_auto) host =
                    receive_all(&shortfall, &reason, &fixture, stream, strlen(stream), piece, NULL, &complete);
                const struct capture_store *store = g_ptr_array_index(host->stores, 0);
                const char *digest = own ? store->own : store->trusted;
                if (!encoded[i].bytes) {
                    cr_expect_null(digest, "%s", encoded[i].what);
                    cr_expect(shortfall && strstr(shortfall, "/p: its base64 is "), "%s: %s", encoded[i].what,
                              shortfall);
                    continue;
                }
                g_autofree char *expected =
                    g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)encoded[i].bytes, encoded[i].size);
                cr_expect_str_eq(digest ? digest : "", expected, "%s: %s", encoded[i].what, shortfall);
            }
    fixture_close(&fixture);
}

/* Every file of the capture; TRUE if one of them has a piece of the ${size} bytes that is as long as ${piece}. */
static gboolean capture_holds(const char *folder, const char *bytes, size_t size, size_t piece)
{
    g_autoptr(GDir) names = g_dir_open(folder, 0, NULL);
    const char *name;
    gboolean found = FALSE;

    while (names && (name = g_dir_read_name(names))) {
        g_autofree char *path = g_build_filename(folder, name, NULL), *content = NULL;
        gsize length;
        if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
            found = found || capture_holds(path, bytes, size, piece);
            continue;
        }
        cr_assert(g_file_get_contents(path, &content, &length, NULL));
        for (size_t i = 0; i + piece <= size; i++)
            found = found || memmem(content, length, bytes + i, piece) != NULL;
    }
    return found;
}

/*
 * A key in any place in which bytes may come, in every split: nothing of it is in the capture, also while the record is
 * under way, and the trace or store says why it was not read.
 */
Test(receiver, keys_are_dropped)
{
    static const char key[] =
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIPEb0z1XUVHdUOGMMpWDNVNDwvj1oWaWW5lkIwq9\n";
    static const struct {
        const char *what, *before, *type, *fields, *after;
        gboolean trace;
    } rows[] = {
        {"a trace", "", "trace", "path=/t size=9 from=0 inode=1", "trace-after 0 path=/t inode=1 size=9\n\n", TRUE},
        {"a trust list", "store 0 path=/t method=native\n\n", "trusted", "count=1", "own 3\nDER\n", FALSE},
        {"an own certificate", "store 0 path=/t method=native\n\ntrusted 3 count=1\nDER\n", "own", "", "", FALSE},
        {"a listing", "store 0 path=/t method=sapgenpse\n\n", "listing", "status=0", "", FALSE},
    };
    struct fixture fixture;
    fixture_open(&fixture);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) stream = g_string_new(INNER "instance 0 path=/\n\n");
        g_string_append(stream, rows[i].before);
        g_string_append_printf(stream, "%s %zu %s\n", rows[i].type, strlen("some lines\n") + sizeof key - 1,
                               rows[i].fields);
        g_string_append(stream, "some lines\n");
        size_t start = stream->len;
        g_string_append(stream, key);
        size_t end = stream->len;
        g_string_append_c(stream, '\n');
        g_string_append(stream, rows[i].after);
        /* Something behind it that is read. */
        g_string_append(stream, "trace 5 path=/behind\nlines\n");
        g_string_append(stream, "end 0 records=0\n\n" OVER("/") "end 0 records=2\n\n");
        for (size_t split = start - 3; split <= end; split++) {
            g_autoptr(capture_host_auto) host = capture_host_new();
            const struct sink sink = kept_in(fixture.writer);
            struct receiver *receiver = receiver_new(host, &sink, NONCE, 1000);
            cr_assert(receiver_add(receiver, stream->str, split, NULL));
            cr_expect_not(capture_holds(fixture.path, key, sizeof key - 1, 8), "%s, split at %zu", rows[i].what, split);
            cr_assert(receiver_add(receiver, stream->str + split, stream->len - split, NULL));
            cr_expect(receiver_finish(receiver, NULL));
            receiver_free(receiver);
            cr_expect_not(capture_holds(fixture.path, key, sizeof key - 1, 8), "%s, split at %zu", rows[i].what, split);
            cr_assert_eq(host->traces->len, 1u + rows[i].trace, "%s", rows[i].what);
            const struct capture_trace *behind = g_ptr_array_index(host->traces, rows[i].trace);
            cr_expect_not_null(behind->object, "%s", rows[i].what);
            gboolean of_files = TRUE;
            g_autofree char *unread = capture_unread(host, &of_files);
            cr_expect(strstr(unread, "read: private-key"), "%s: %s", rows[i].what, unread);
            cr_expect_not(of_files, "%s: such a host is not collected", rows[i].what);
            cr_expect(strstr(g_ptr_array_index(host->notes, 0), "/t: what came contains a private key"), "%s",
                      rows[i].what);
            if (rows[i].trace) {
                const struct capture_trace *trace = g_ptr_array_index(host->traces, 0);
                cr_expect_null(trace->object);
                cr_expect_eq(trace->length_bytes, -1);
                continue;
            }
            const struct capture_store *store = g_ptr_array_index(host->stores, 0);
            cr_expect_str_eq(store->method, "none", "%s", rows[i].what);
            cr_expect(!store->trusted && !store->own && !store->listing, "%s", rows[i].what);
        }
    }
    fixture_close(&fixture);
}

Test(receiver, at_the_limits)
{
    struct fixture fixture;
    g_autofree char *bytes = g_strnfill(1000, 'x');
    g_autofree char *stream = g_strconcat(INNER "trace 1000 path=/t\n", bytes, "\n" END("1"), NULL);
    gboolean complete;
    fixture_open(&fixture);
    g_autoptr(capture_host_auto) host = receive(&fixture, stream, strlen(stream), 1000, NULL, &complete);
    cr_expect(complete);

    /* Notes up to the limit are kept, more are counted. */
    for (unsigned more = 0; more < 3; more++) {
        g_autoptr(GString) notes = g_string_new(INNER);
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
    static const char stream[] = FIRST HELLO SYSTEM(
        "/") "trace 5 path=/t from=0\nabcde\n" STORE
             "trusted 6 count=2\nDERDER\nstore 0 path=/pin.pse method=sapgenpse\n\nlisting 4 status=0\ntext\n"
             "end 0 records=5\n\n" OVER("/") "end 0 records=3\n\n";
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
    g_autoptr(GString) stream = g_string_new(INNER);
    unsigned records = 0;
    fixture_open(&fixture);
    /* Bytes that grow most on their way: a control character is three bytes here and six in JSON. */
    while (stream->len < (size_t)3 * 1024 * 1024 - 20000) { /* one system's part */
        g_string_append_printf(stream, "store 0 path=/%u instance=", records++);
        for (int i = 0; i < 4000; i++)
            g_string_append(stream, "%1B");
        g_string_append(stream, "\n\n");
    }
    g_string_append_printf(stream, "end 0 records=%u\n\n" OVER("/") "end 0 records=2\n\n", records);
    gboolean complete;
    g_autoptr(GError) error = NULL;
    g_autoptr(capture_host_auto) host = receive(&fixture, stream->str, stream->len, 65536, &error, &complete);
    cr_assert_null(error, "%s", error ? error->message : "");
    cr_expect(complete);
    cr_expect(capture_write_host(fixture.writer, host, &error), "%s", error ? error->message : "");
    fixture_close(&fixture);

    /* And the most records. */
    g_string_assign(stream, INNER);
    for (records = 0; records < 12000; records++)
        g_string_append_printf(stream, "trace 0 path=/%u device=1 inode=2 size=3 modified=4 from=5 instance=/i\n\n",
                               records);
    g_string_append_printf(stream, "end 0 records=%u\n\n" OVER("/") "end 0 records=2\n\n", records);
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
