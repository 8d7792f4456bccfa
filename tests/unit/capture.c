/* capture/: what is written can be read, whatever happened to the writer; what came from elsewhere is not believed. */
#include "capture.h"
#include "error.h"
#include "file.h"
#include "journal.h"
#include "moment.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIGEST_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEADER     "{\"format\": \"trustgap capture\", \"version\": 1}\n"

static void remove_tree(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *inside = g_build_filename(path, name, NULL);
        remove_tree(inside);
    }
    g_remove(path);
}

typedef char scratch; /* a folder of one test, removed when its variable goes */
static void scratch_free(scratch *path)
{
    remove_tree(path);
    g_free(path);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(scratch, scratch_free)

static scratch *scratch_new(void)
{
    char *path = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    cr_assert_not_null(path);
    return path;
}

static struct capture_writer *create(const char *path)
{
    const struct capture_header header = {
        .program = (char *)"trustgap 0.1.0", .started = 1795309323, .inventory_sha256 = (char *)DIGEST_ABC};
    g_autoptr(GError) error = NULL;
    struct capture_writer *writer = capture_create(path, &header, &error);
    cr_assert_not_null(writer, "%s", error ? error->message : "");
    return writer;
}

static char *put(struct capture_writer *writer, const char *bytes, size_t size)
{
    g_autoptr(GError) error = NULL;
    struct capture_object *object = capture_object_new(writer, &error);
    cr_assert_not_null(object, "%s", error ? error->message : "");
    cr_assert(capture_object_add(object, bytes, size, &error));
    char *digest = capture_object_finish(object, &error);
    cr_assert_not_null(digest, "%s", error ? error->message : "");
    return digest;
}

static gboolean write_named(struct capture_writer *writer, const char *name, const char *message, GError **error)
{
    g_autoptr(capture_host_auto) host = capture_host_new();
    host->name = g_strdup(name);
    host->message = g_strdup(message);
    return capture_write_host(writer, host, error);
}

static struct capture *open_or_fail(const char *path)
{
    g_autoptr(GError) error = NULL;
    struct capture *capture = capture_open(path, &error);
    cr_assert_not_null(capture, "%s", error ? error->message : "");
    return capture;
}

static const struct capture_host *host_at(const struct capture *capture, guint i)
{
    cr_assert_lt(i, capture->hosts->len);
    return capture->hosts->pdata[i];
}

/* A capture whose journal has this text behind the header. */
static void write_journal(const char *path, const char *text, gssize size)
{
    g_autofree char *journal = g_build_filename(path, "capture.jsonl", NULL);
    GString *all = g_string_new(HEADER);
    g_string_append_len(all, text, size < 0 ? (gssize)strlen(text) : size);
    cr_assert(g_file_set_contents(journal, all->str, (gssize)all->len, NULL));
    g_string_free(all, TRUE);
}

static struct capture_host *full_host(const char *digest)
{
    struct capture_host *host = capture_host_new();
    host->name = g_strdup("app01");
    host->status = CAPTURE_PARTIAL;
    host->reason = g_strdup("probe-incomplete");
    host->message = g_strdup("the probe ended early: \"M\xc3\xbcnchen\"");
    host->tier = g_strdup("production");
    host->owner = g_strdup("Basis");
    g_ptr_array_add(host->groups, g_strdup("abap"));
    g_ptr_array_add(host->groups, g_strdup("prod"));
    host->started = 1795309323;
    host->finished = 1795309330;
    host->clock = 1795309324;
    host->zone_offset_s = -3600;
    host->zone = g_strdup("Atlantic/Azores");
    host->zone_rule = g_strdup("<-01>1<+00>,M3.5.0/0,M10.5.0/1");
    host->system = g_strdup("Linux 6.1.0 x86_64");
    host->login = g_strdup("audit");
    host->tools_trusted = TRUE;
    g_ptr_array_add(host->notes, g_strdup("a note"));

    struct capture_instance *instance = capture_instance_new();
    instance->sid = g_strdup("PRD");
    instance->name = g_strdup("D00");
    instance->path = g_strdup("/usr/sap/PRD/D00");
    g_ptr_array_add(host->instances, instance);

    struct capture_trace *trace = capture_trace_new();
    trace->instance = g_strdup("/usr/sap/PRD/D00");
    trace->path = g_strdup("/usr/sap/PRD/D00/work/dev_icm");
    trace->device = 65025;
    trace->inode = INT64_MAX;
    trace->size_bytes = CAPTURE_SIZE_MAX;
    trace->modified = -1;
    trace->from_byte = 0;
    trace->length_bytes = 3;
    trace->moved = TRUE;
    trace->object = g_strdup(digest);
    trace->reason = g_strdup("none");
    g_ptr_array_add(host->traces, trace);
    g_ptr_array_add(host->traces, capture_trace_new());

    struct capture_chain *chain = capture_chain_new();
    chain->target = g_strdup("api.example.com");
    chain->address = g_strdup("192.0.2.7");
    chain->port = 443;
    chain->asked = 1795309325;
    chain->object = g_strdup(digest);
    chain->count = 3;
    chain->reason = g_strdup("time-out");
    chain->message = g_strdup("it did not answer within 10 s");
    g_ptr_array_add(host->chains, chain);
    g_ptr_array_add(host->chains, capture_chain_new());

    struct capture_store *store = capture_store_new();
    store->instance = g_strdup("/usr/sap/PRD/D00");
    store->path = g_strdup("/usr/sap/PRD/D00/sec/SAPSSLC.pse");
    store->device = 1;
    store->inode = 2;
    store->size_bytes = 3;
    store->modified = 0;
    store->owner = g_strdup("prdadm");
    store->mode = g_strdup("600");
    store->method = g_strdup("native");
    store->reason = g_strdup("needs-pin");
    store->trusted = g_strdup(digest);
    store->trusted_count = 4;
    store->own = g_strdup(digest);
    store->listing = g_strdup(digest);
    store->listing_status = 5;
    g_ptr_array_add(host->stores, store);
    return host;
}

Test(capture, every_field_comes_back)
{
    g_autoptr(scratch) folder = scratch_new();
    struct capture_writer *writer = create(folder);
    g_autofree char *digest = put(writer, "abc", 3);
    cr_expect_str_eq(digest, DIGEST_ABC);
    g_autoptr(capture_host_auto) written = full_host(digest);
    cr_assert(capture_write_host(writer, written, NULL));
    capture_close(writer);

    g_autoptr(capture_auto) capture = open_or_fail(folder);
    cr_expect_str_eq(capture->header.program, "trustgap 0.1.0");
    cr_expect_eq(capture->header.started, 1795309323);
    cr_expect_str_eq(capture->header.inventory_sha256, DIGEST_ABC);
    cr_expect_not(capture->torn);
    cr_expect_eq(capture->warnings->len, 0);
    cr_assert_eq(capture->hosts->len, 1);

    const struct capture_host *host = host_at(capture, 0);
    cr_expect_str_eq(host->name, "app01");
    cr_expect_eq(host->status, CAPTURE_PARTIAL);
    cr_expect_str_eq(host->reason, "probe-incomplete");
    cr_expect_str_eq(host->message, written->message);
    cr_expect_str_eq(host->tier, "production");
    cr_expect_str_eq(host->owner, "Basis");
    cr_assert_eq(host->groups->len, 2);
    cr_expect_str_eq(host->groups->pdata[1], "prod");
    cr_expect_eq(host->started, 1795309323);
    cr_expect_eq(host->finished, 1795309330);
    cr_expect_eq(host->clock, 1795309324);
    cr_expect_eq(host->zone_offset_s, -3600);
    cr_expect_str_eq(host->zone, "Atlantic/Azores");
    cr_expect_str_eq(host->zone_rule, "<-01>1<+00>,M3.5.0/0,M10.5.0/1");
    cr_expect_str_eq(host->system, "Linux 6.1.0 x86_64");
    cr_expect_str_eq(host->login, "audit");
    cr_expect(host->tools_trusted);
    cr_assert_eq(host->notes->len, 1);
    cr_expect_str_eq(host->notes->pdata[0], "a note");

    cr_assert_eq(host->instances->len, 1);
    const struct capture_instance *instance = host->instances->pdata[0];
    cr_expect_str_eq(instance->sid, "PRD");
    cr_expect_str_eq(instance->name, "D00");
    cr_expect_str_eq(instance->path, "/usr/sap/PRD/D00");

    cr_assert_eq(host->traces->len, 2);
    const struct capture_trace *trace = host->traces->pdata[0];
    cr_expect_str_eq(trace->instance, "/usr/sap/PRD/D00");
    cr_expect_str_eq(trace->path, "/usr/sap/PRD/D00/work/dev_icm");
    cr_expect_eq(trace->device, 65025);
    cr_expect_eq(trace->inode, INT64_MAX);
    cr_expect_eq(trace->size_bytes, CAPTURE_SIZE_MAX);
    cr_expect_eq(trace->modified, -1);
    cr_expect_eq(trace->from_byte, 0);
    cr_expect_eq(trace->length_bytes, 3);
    cr_expect(trace->moved);
    cr_expect_str_eq(trace->object, DIGEST_ABC);
    cr_expect_str_eq(trace->reason, "none");
    const struct capture_trace *unknown = host->traces->pdata[1];
    cr_expect_null(unknown->path);
    cr_expect_eq(unknown->size_bytes, -1);
    cr_expect_eq(unknown->modified, MOMENT_NONE);
    cr_expect_not(unknown->moved);

    cr_assert_eq(host->stores->len, 1);
    const struct capture_store *store = host->stores->pdata[0];
    cr_expect_str_eq(store->instance, "/usr/sap/PRD/D00");
    cr_expect_str_eq(store->path, "/usr/sap/PRD/D00/sec/SAPSSLC.pse");
    cr_expect_eq(store->device, 1);
    cr_expect_eq(store->inode, 2);
    cr_expect_eq(store->size_bytes, 3);
    cr_expect_eq(store->modified, 0);
    cr_expect_str_eq(store->owner, "prdadm");
    cr_expect_str_eq(store->mode, "600");
    cr_expect_str_eq(store->method, "native");
    cr_expect_str_eq(store->reason, "needs-pin");
    cr_expect_str_eq(store->trusted, DIGEST_ABC);
    cr_expect_eq(store->trusted_count, 4);
    cr_expect_str_eq(store->own, DIGEST_ABC);
    cr_expect_str_eq(store->listing, DIGEST_ABC);
    cr_expect_eq(store->listing_status, 5);
    cr_assert_eq(host->chains->len, 2);
    const struct capture_chain *chain = host->chains->pdata[0];
    cr_expect_str_eq(chain->target, "api.example.com");
    cr_expect_str_eq(chain->address, "192.0.2.7");
    cr_expect_eq(chain->port, 443);
    cr_expect_eq(chain->asked, 1795309325);
    cr_expect_str_eq(chain->object, DIGEST_ABC);
    cr_expect_eq(chain->count, 3);
    cr_expect_str_eq(chain->reason, "time-out");
    cr_expect_str_eq(chain->message, "it did not answer within 10 s");
    const struct capture_chain *bare = host->chains->pdata[1];
    cr_expect(!bare->target && !bare->object && bare->port == -1 && bare->count == -1 && bare->asked == MOMENT_NONE);

    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = capture_load(capture, trace->object, 3, &error);
    cr_assert_not_null(bytes, "%s", error ? error->message : "");
    cr_expect_eq(g_bytes_get_size(bytes), 3);
    cr_expect_eq(memcmp(g_bytes_get_data(bytes, NULL), "abc", 3), 0);
}

Test(capture, who_is_done_with_a_host_empties_it)
{
    g_autoptr(capture_host_auto) host = capture_host_new();
    host->name = g_strdup("app01");
    g_ptr_array_add(host->groups, g_strdup("sap"));
    for (int i = 0; i < 2; i++) {
        struct capture_store *store = capture_store_new();
        store->path = g_strdup("/usr/sap/PRD/D00/sec/SAPSSLC.pse");
        g_ptr_array_add(host->stores, store);
        g_ptr_array_add(host->instances, capture_instance_new());
        g_ptr_array_add(host->traces, capture_trace_new());
    }
    capture_host_empty(host);
    cr_expect_eq(host->stores->len + host->instances->len + host->traces->len, 0);
    cr_expect_str_eq(host->name, "app01");
    cr_expect_eq(host->groups->len, 1);
    capture_host_empty(host);
}

/* A journal as collectors wrote it that took the first version of the probe's stream. */
/* What is begun counts while it is there: dropped or known already, it gives its part back. */
Test(capture, disk_budget)
{
    g_autoptr(scratch) folder = scratch_new();
    struct capture_writer *writer = create(folder);
    g_autoptr(GError) error = NULL;
    cr_assert(capture_limit_disk(writer, 1000, &error), "%s", error ? error->message : "");
    g_autofree char *bytes = g_strnfill(2000, 'x');

    struct capture_object *object = capture_object_new(writer, NULL);
    cr_expect(capture_object_add(object, bytes, 600, NULL));
    cr_expect_not(capture_object_add(object, bytes, 401, &error), "one more than is left");
    cr_assert_eq(error->code, TRUSTGAP_ERROR_LIMIT);
    cr_expect(strstr(error->message, "the disk budget of this run, 1000 bytes, is used up"), "%s", error->message);
    struct capture_object *other = capture_object_new(writer, NULL);
    cr_expect(capture_object_add(other, bytes, 400, NULL), "what is left");
    cr_expect_not(capture_object_add(other, bytes, 1, NULL));
    capture_object_abort(other);
    g_autofree char *first = capture_object_finish(object, NULL);
    cr_assert_not_null(first, "it is whole without what was refused");

    /* The same content again, and what is dropped, take no place in the end. */
    for (int i = 0; i < 6; i++) {
        struct capture_object *again = capture_object_new(writer, NULL);
        cr_expect(capture_object_add(again, bytes, 60, NULL) && capture_object_add(again, bytes + 60, 40, NULL), "%d",
                  i);
        if (i % 2)
            capture_object_abort(again);
        else
            g_free(capture_object_finish(again, NULL));
    }
    struct capture_object *rest = capture_object_new(writer, NULL);
    cr_expect_not(capture_object_add(rest, bytes, 301, NULL));
    cr_expect(capture_object_add(rest, bytes, 300, NULL));
    capture_object_abort(rest);

    /* A host's line is always written. */
    g_autoptr(capture_host_auto) host = capture_host_new();
    host->name = g_strdup("a");
    cr_expect(capture_write_host(writer, host, NULL));
    capture_close(writer);
    g_autoptr(capture_auto) capture = open_or_fail(folder);
    cr_expect_eq(capture->hosts->len, 1);
    g_autoptr(GBytes) kept = capture_load(capture, first, 1000, NULL);
    cr_assert_not_null(kept);
    cr_expect_eq(g_bytes_get_size(kept), 600);
}

Test(capture, what_an_earlier_collector_wrote_is_read)
{
    static const char journal[] =
        "{\"format\": \"trustgap capture\", \"version\": 1, \"program\": \"trustgap 0.1.0\", \"started\": "
        "\"2026-11-22T01:00:00Z\", \"inventory_sha256\": "
        "\"0000000000000000000000000000000000000000000000000000000000000000\"}\n"
        "{\"host\": \"app01\", \"status\": \"collected\", \"groups\": [\"sap\"], \"started\": "
        "\"2026-11-22T01:00:01Z\", \"finished\": \"2026-11-22T01:00:03Z\", \"clock\": \"2026-11-22T01:00:02Z\", "
        "\"zone_offset\": 3600, \"zone\": \"Europe/Berlin\", \"system\": \"Linux 6.1.0 x86_64\", \"login\": "
        "\"prdadm\", "
        "\"instances\": [{\"sid\": \"PRD\", \"name\": \"D00\", \"path\": \"/usr/sap/PRD/D00\"}], \"traces\": "
        "[{\"instance\": \"/usr/sap/PRD/D00\", \"path\": \"/usr/sap/PRD/D00/work/dev_icm\", \"device\": 1, \"inode\": "
        "2, "
        "\"size\": 3, \"modified\": 4, \"from\": 0, \"length\": 3, \"object\": \"" DIGEST_ABC "\"}], \"stores\": "
        "[{\"instance\": \"/usr/sap/PRD/D00\", \"path\": \"/usr/sap/PRD/D00/sec/SAPSSLC.pse\", \"method\": \"none\", "
        "\"reason\": \"needs-pin (LPS)\"}], \"chains\": [], \"notes\": [\"a note\"]}\n";
    g_autoptr(scratch) folder = scratch_new();
    write_journal(folder, journal, -1);
    g_autoptr(capture_auto) capture = open_or_fail(folder);
    cr_expect_eq(capture->warnings->len, 0);
    cr_assert_eq(capture->hosts->len, 1);
    const struct capture_host *host = host_at(capture, 0);
    cr_expect_eq(host->status, CAPTURE_COLLECTED);
    cr_expect_not(host->tools_trusted);
    cr_expect_null(host->reason);
    cr_expect_eq(host->instances->len + host->traces->len + host->stores->len + host->notes->len, 4);
    gboolean of_files = TRUE;
    g_autofree char *unread = capture_unread(host, &of_files);
    cr_expect_str_eq(unread, "0 of 1 trust list was read: needs-pin (LPS)");
    cr_expect(of_files);
}

Test(capture, what_is_not_known_stays_so)
{
    g_autoptr(scratch) folder = scratch_new();
    struct capture_writer *writer = create(folder);
    g_autoptr(capture_host_auto) written = capture_host_new();
    written->name = g_strdup("a");
    written->status = CAPTURE_FAILED;
    struct capture_store *store = capture_store_new();
    store->size_bytes = CAPTURE_SIZE_MAX + 1; /* a lie of the host must not make the line unreadable */
    store->inode = -7;
    g_ptr_array_add(written->stores, store);
    written->zone_offset_s = 86401;
    written->login = g_strdup("\033[2J\xff");
    cr_assert(capture_write_host(writer, written, NULL));
    capture_close(writer);

    g_autoptr(capture_auto) capture = open_or_fail(folder);
    const struct capture_host *host = host_at(capture, 0);
    cr_expect_eq(host->status, CAPTURE_FAILED);
    cr_expect_null(host->reason);
    cr_expect_null(host->zone_rule);
    cr_expect_not(host->tools_trusted);
    cr_expect_eq(host->clock, MOMENT_NONE);
    cr_expect_eq(host->zone_offset_s, G_MININT);
    cr_expect_eq(host->groups->len, 0);
    cr_expect_str_eq(host->login, "\\x1b[2J\\xff");
    const struct capture_store *read = host->stores->pdata[0];
    cr_expect_eq(read->size_bytes, -1);
    cr_expect_eq(read->inode, -1);
    cr_expect_eq(read->trusted_count, -1);
    cr_expect_eq(read->listing_status, -1);
    cr_expect_eq(read->modified, MOMENT_NONE);
}

static const struct {
    const char *what, *text;
    guint hosts, warnings;
    gboolean torn;
    const char *warning; /* how the first one ends */
} journals[] = {
    {"no host yet", "", 0, 0, FALSE, NULL},
    {"one", "{\"host\":\"a\",\"status\":\"failed\"}\n", 1, 0, FALSE, NULL},
    {"unknown members are passed over", "{\"host\":\"a\",\"status\":\"failed\",\"new\":[{}]}\n", 1, 0, FALSE, NULL},
    {"no line feed at the end", "{\"host\":\"a\",\"status\":\"failed\"}", 0, 0, TRUE, NULL},
    {"torn", "{\"host\":\"a\",\"status\":\"failed\"}\n{\"host\":\"b\",\"sta", 1, 0, TRUE, NULL},
    {"torn, with a line feed", "{\"host\":\"a\",\"status\":\"failed\"}\n{\"host\":\"b\",\"sta\n", 1, 0, TRUE, NULL},
    {"torn in the middle", "{\"ho\n{\"host\":\"a\",\"status\":\"failed\"}\n", 1, 1, FALSE, NULL},
    {"empty line", "\n{\"host\":\"a\",\"status\":\"failed\"}\n", 1, 1, FALSE, NULL},
    {"control characters of a bad line do not come out", "\033[2J\n{\"host\":\"a\",\"status\":\"failed\"}\n", 1, 1,
     FALSE, NULL},
    {"no object", "[]\n{\"host\":\"a\",\"status\":\"failed\"}\n", 1, 1, FALSE, ":2: host is no object"},
    {"no name", "{\"status\":\"failed\"}\n", 0, 1, FALSE, ":2: the line names no host"},
    {"empty name", "{\"host\":\"\",\"status\":\"failed\"}\n", 0, 1, FALSE, ":2: the line names no host"},
    {"no status", "{\"host\":\"a\"}\n", 0, 1, FALSE, ":2: \"status\" of a host is no status"},
    {"another status", "{\"host\":\"a\",\"status\":\"dreaming\"}\n", 0, 1, FALSE,
     ":2: \"status\" of a host is no status"},
    {"a status that is no string", "{\"host\":\"a\",\"status\":1}\n", 0, 1, FALSE,
     ":2: \"status\" of a host is no status"},
    {"a name that is no string", "{\"host\":1,\"status\":\"failed\"}\n", 0, 1, FALSE,
     ":2: \"host\" of a host is not a string"},
    {"a member twice",
     "{\"host\":\"a\",\"host\":\"b\",\"status\":\"failed\"}\n{\"host\":\"c\",\"status\":\"failed\"}\n", 1, 1, FALSE,
     NULL},
    {"a time that is none", "{\"host\":\"a\",\"status\":\"failed\",\"clock\":\"noon\"}\n", 0, 1, FALSE,
     ":2: \"clock\" of a host is not a time"},
    {"an offset of a day", "{\"host\":\"a\",\"status\":\"failed\",\"zone_offset\":86400}\n", 1, 0, FALSE, NULL},
    {"an offset of more", "{\"host\":\"a\",\"status\":\"failed\",\"zone_offset\":86401}\n", 0, 1, FALSE,
     ":2: \"zone_offset\" of a host is not a number in its range"},
    {"groups that are no array", "{\"host\":\"a\",\"status\":\"failed\",\"groups\":\"x\"}\n", 0, 1, FALSE,
     ":2: \"groups\" of a host is no array"},
    {"a note that is no string", "{\"host\":\"a\",\"status\":\"failed\",\"notes\":[[]]}\n", 0, 1, FALSE,
     ":2: \"notes\" of a host holds no string"},
    {"a trace that is no object", "{\"host\":\"a\",\"status\":\"failed\",\"traces\":[7]}\n", 0, 1, FALSE,
     ":2: trace is no object"},
    {"a size of zero", "{\"host\":\"a\",\"status\":\"failed\",\"traces\":[{\"size\":0}]}\n", 1, 0, FALSE, NULL},
    {"a size below zero", "{\"host\":\"a\",\"status\":\"failed\",\"traces\":[{\"size\":-1}]}\n", 0, 1, FALSE,
     ":2: \"size\" of a trace is not a number in its range"},
    {"the largest size", "{\"host\":\"a\",\"status\":\"failed\",\"traces\":[{\"size\":9007199254740992}]}\n", 1, 0,
     FALSE, NULL},
    {"a larger size", "{\"host\":\"a\",\"status\":\"failed\",\"traces\":[{\"size\":9007199254740993}]}\n", 0, 1, FALSE,
     ":2: \"size\" of a trace is not a number in its range"},
    {"a broken size", "{\"host\":\"a\",\"status\":\"failed\",\"traces\":[{\"size\":1.5}]}\n", 0, 1, FALSE,
     ":2: \"size\" of a trace is not a number in its range"},
    {"a digest that is a path",
     "{\"host\":\"a\",\"status\":\"failed\",\"traces\":[{\"object\":\"../../etc/passwd\"}]}\n", 0, 1, FALSE,
     ":2: \"object\" of a trace is not a SHA-256"},
    {"a digest in capitals",
     "{\"host\":\"a\",\"status\":\"failed\",\"stores\":[{\"own\":"
     "\"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD\"}]}\n",
     0, 1, FALSE, ":2: \"own\" of a store is not a SHA-256"},
    {"moved is a word", "{\"host\":\"a\",\"status\":\"failed\",\"traces\":[{\"moved\":\"no\"}]}\n", 0, 1, FALSE,
     ":2: \"moved\" of a trace is not true or false"},
    {"as deep as allowed", "{\"host\":\"a\",\"status\":\"failed\",\"x\":[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}\n", 1, 0, FALSE,
     NULL},
    {"brackets in a string are no depth", "{\"host\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[\",\"status\":\"failed\"}\n", 1, 0,
     FALSE, NULL},
    {"deeper, not last",
     "{\"host\":\"a\",\"status\":\"failed\",\"x\":[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}\n"
     "{\"host\":\"b\",\"status\":\"failed\"}\n",
     1, 1, FALSE, ":2: the line holds more than 16 values or levels"},
};

Test(capture, journals)
{
    for (size_t i = 0; i < G_N_ELEMENTS(journals); i++) {
        g_autoptr(scratch) folder = scratch_new();
        write_journal(folder, journals[i].text, -1);
        g_autoptr(capture_auto) capture = open_or_fail(folder);
        cr_expect_eq(capture->hosts->len, journals[i].hosts, "%s: %u hosts", journals[i].what, capture->hosts->len);
        cr_expect_eq(capture->torn, journals[i].torn, "%s", journals[i].what);
        cr_assert_eq(capture->warnings->len, journals[i].warnings, "%s", journals[i].what);
        const char *warning = journals[i].warnings ? capture->warnings->pdata[0] : "";
        cr_expect_null(strchr(warning, '\033'));
        if (journals[i].warnings)
            cr_expect(g_str_has_prefix(warning, folder), "%s: %s", journals[i].what, warning);
        if (journals[i].warning)
            cr_expect(g_str_has_suffix(warning, journals[i].warning), "%s: %s", journals[i].what, warning);
    }
}

Test(capture, last_line_of_a_name_counts)
{
    g_autoptr(scratch) folder = scratch_new();
    write_journal(folder,
                  "{\"host\":\"a\",\"status\":\"failed\"}\n"
                  "{\"host\":\"b\",\"status\":\"failed\"}\n"
                  "{\"host\":\"a\",\"status\":\"partial\"}\n"
                  "{\"host\":\"a\",\"status\":\"collected\"}\n",
                  -1);
    g_autoptr(capture_auto) capture = open_or_fail(folder);
    cr_assert_eq(capture->hosts->len, 2);
    cr_expect_str_eq(host_at(capture, 0)->name, "a");
    cr_expect_eq(host_at(capture, 0)->status, CAPTURE_COLLECTED);
    cr_expect_str_eq(host_at(capture, 1)->name, "b");
}

static const struct {
    const char *what, *text;
    gssize size;
    int code;
    const char *suffix;
} headers[] = {
    {"empty", "", 0, TRUSTGAP_ERROR_SYNTAX, "capture.jsonl:1: no header of a trustgap capture"},
    {"torn", "{\"format\": \"trustg", -1, TRUSTGAP_ERROR_SYNTAX, "capture.jsonl:1: no header of a trustgap capture"},
    {"only a line feed", "\n", -1, TRUSTGAP_ERROR_SYNTAX, "capture.jsonl:1: no header of a trustgap capture"},
    {"something else", "hello\n", -1, TRUSTGAP_ERROR_SYNTAX, "capture.jsonl:1: no header of a trustgap capture"},
    {"binary",
     "\x7f"
     "ELF\0\0\n",
     7, TRUSTGAP_ERROR_SYNTAX, "capture.jsonl:1: no header of a trustgap capture"},
    {"other format", "{\"format\": \"x\", \"version\": 1}\n", -1, TRUSTGAP_ERROR_SYNTAX,
     "capture.jsonl:1: no header of a trustgap capture"},
    {"later version", "{\"format\": \"trustgap capture\", \"version\": 2}\n", -1, TRUSTGAP_ERROR_SYNTAX,
     "capture.jsonl:1: a capture of version 2; this program reads version 1"},
    {"no version", "{\"format\": \"trustgap capture\"}\n", -1, TRUSTGAP_ERROR_SYNTAX,
     "capture.jsonl:1: a capture of version 0; this program reads version 1"},
    {"bad member", "{\"format\": \"trustgap capture\", \"version\": 1, \"program\": 7}\n", -1, TRUSTGAP_ERROR_SYNTAX,
     "capture.jsonl:1: \"program\" of a header is not a string"},
};

Test(capture, headers)
{
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        g_autoptr(scratch) folder = scratch_new();
        g_autofree char *journal = g_build_filename(folder, "capture.jsonl", NULL);
        cr_assert(g_file_set_contents(journal, headers[i].text, headers[i].size, NULL));
        for (int append = 0; append < 2; append++) {
            g_autoptr(GError) error = NULL;
            if (append)
                cr_expect_null(capture_append(folder, NULL, &error), "%s", headers[i].what);
            else
                cr_expect_null(capture_open(folder, &error), "%s", headers[i].what);
            cr_assert_not_null(error);
            cr_expect_eq(error->code, headers[i].code, "%s", headers[i].what);
            cr_expect(g_str_has_prefix(error->message, journal), "%s", error->message);
            cr_expect(g_str_has_suffix(error->message, headers[i].suffix), "%s: %s", headers[i].what, error->message);
        }
        g_autoptr(GBytes) after = file_read(journal, 1000, NULL);
        cr_expect_eq(g_bytes_get_size(after), headers[i].size < 0 ? strlen(headers[i].text) : (size_t)headers[i].size,
                     "%s: what we do not know is not cut", headers[i].what);
    }
}

Test(capture, no_capture)
{
    g_autoptr(scratch) folder = scratch_new();
    for (int append = 0; append < 2; append++) {
        g_autoptr(GError) error = NULL;
        if (append)
            cr_expect_null(capture_append(folder, NULL, &error));
        else
            cr_expect_null(capture_open(folder, &error));
        cr_assert_not_null(error);
        cr_expect_eq(error->code, TRUSTGAP_ERROR_MISSING, "%s", error->message);
        cr_expect(g_str_has_prefix(error->message, folder), "%s", error->message);
    }
}

Test(capture, pipe_does_not_hang)
{
    g_autoptr(scratch) folder = scratch_new();
    g_autofree char *journal = g_build_filename(folder, "capture.jsonl", NULL);
    cr_assert_eq(mkfifo(journal, 0600), 0);
    for (int append = 0; append < 2; append++) {
        g_autoptr(GError) error = NULL;
        if (append)
            cr_expect_null(capture_append(folder, NULL, &error));
        else
            cr_expect_null(capture_open(folder, &error));
        cr_assert_not_null(error);
        cr_expect_eq(error->code, TRUSTGAP_ERROR_SYNTAX);
    }
}

Test(capture, many_bad_lines_are_counted_once)
{
    g_autoptr(scratch) folder = scratch_new();
    GString *text = g_string_new(NULL);
    for (int i = 0; i < 3 * CAPTURE_WARNINGS; i++)
        g_string_append(text, "{}\n");
    write_journal(folder, text->str, -1);
    g_string_free(text, TRUE);
    g_autoptr(capture_auto) capture = open_or_fail(folder);
    cr_assert_eq(capture->warnings->len, CAPTURE_WARNINGS + 1);
    cr_expect(g_str_has_suffix(capture->warnings->pdata[CAPTURE_WARNINGS], ":102: more such lines follow"));
}

/* Both edges of the limits of one line. */
Test(capture, line_limits)
{
    static const char front[] = "{\"host\":\"a\",\"status\":\"failed\",\"message\":\"";
    static const char back[] = "\"}";

    for (size_t over = 0; over < 2; over++) {
        GString *line = g_string_new(front);
        while (line->len < CAPTURE_LINE_BYTES + over - strlen(back))
            g_string_append_c(line, 'x');
        g_string_append(line, back);
        g_autoptr(GError) error = NULL;
        g_autoptr(capture_host_auto) host = journal_parse_host(line->str, line->len, &error);
        cr_expect_eq(host == NULL, over == 1);
        cr_expect(over == 0 || error->code == TRUSTGAP_ERROR_LIMIT);
        g_string_free(line, TRUE);
    }
    for (size_t over = 0; over < 2; over++) {
        /* 4 values stand outside of the array; N numbers are N - 1 commas. */
        GString *line = g_string_new("{\"host\":\"a\",\"status\":\"failed\",\"x\":[0");
        for (size_t i = 0; i < CAPTURE_LINE_VALUES - 4 + over; i++)
            g_string_append(line, ",0");
        g_string_append(line, "]}");
        g_autoptr(GError) error = NULL;
        g_autoptr(capture_host_auto) host = journal_parse_host(line->str, line->len, &error);
        cr_expect_eq(host == NULL, over == 1);
        cr_expect(over == 0 || error->code == TRUSTGAP_ERROR_LIMIT);
        g_string_free(line, TRUE);
    }
}

Test(capture, too_long_a_line_is_not_written)
{
    g_autoptr(scratch) folder = scratch_new();
    struct capture_writer *writer = create(folder);
    g_autofree char *message = g_strnfill(CAPTURE_LINE_BYTES, 'x');
    g_autoptr(GError) error = NULL;
    cr_expect_not(write_named(writer, "big", message, &error));
    cr_assert_not_null(error);
    cr_expect_eq(error->code, TRUSTGAP_ERROR_LIMIT);
    cr_expect(strstr(error->message, "host big: ") != NULL, "%s", error->message);
    cr_expect(write_named(writer, "small", "", NULL));
    capture_close(writer);
    g_autoptr(capture_auto) capture = open_or_fail(folder);
    cr_assert_eq(capture->hosts->len, 1);
    cr_expect_str_eq(host_at(capture, 0)->name, "small");
}

Test(capture, any_damage_of_a_line_is_survived)
{
    g_autoptr(capture_host_auto) host = full_host(DIGEST_ABC);
    g_autofree char *line = journal_print_host(host, NULL);
    size_t size = strlen(line), refused = 0;

    for (size_t cut = 0; cut < size - 1; cut++) {
        g_autofree char *copy = g_memdup2(line, cut + 1); /* of exactly this size, so that ASan sees one byte more */
        g_autoptr(capture_host_auto) read = journal_parse_host(copy, cut, NULL);
        cr_expect_null(read, "cut at %zu", cut);
    }
    for (size_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            g_autofree char *copy = g_memdup2(line, size);
            copy[at] = (char)(copy[at] ^ (1 << bit));
            g_autoptr(capture_host_auto) read = journal_parse_host(copy, size, NULL);
            refused += read == NULL;
        }
    }
    cr_expect_gt(refused, size, "%zu of %zu", refused, 8 * size);
    cr_expect_lt(refused, 8 * size);
}

Test(capture, any_truncation_keeps_the_whole_lines)
{
    g_autoptr(scratch) folder = scratch_new();
    g_autofree char *journal = g_build_filename(folder, "capture.jsonl", NULL);
    g_autofree char *text = NULL;
    gsize size, refused = 0;

    write_journal(folder, "{\"host\":\"a\",\"status\":\"failed\"}\n{\"host\":\"b\",\"status\":\"failed\"}\n", -1);
    cr_assert(g_file_get_contents(journal, &text, &size, NULL));
    for (gsize cut = 0; cut <= size; cut++) {
        guint lines = 0;
        for (gsize i = 0; i < cut; i++)
            lines += text[i] == '\n';
        cr_assert(g_file_set_contents(journal, text, (gssize)cut, NULL));
        g_autoptr(capture_auto) capture = capture_open(folder, NULL);
        refused += capture == NULL;
        cr_expect_eq(capture != NULL, lines > 0, "cut at %zu", cut);
        cr_expect(!capture || (capture->hosts->len == lines - 1 && capture->warnings->len == 0), "cut at %zu", cut);
    }
    cr_expect_eq(refused, strlen(HEADER));
}

Test(capture, append_cuts_what_is_torn)
{
    g_autoptr(scratch) folder = scratch_new();
    write_journal(folder, "{\"host\":\"a\",\"status\":\"failed\"}\n{\"host\":\"b\",\"stat", -1);
    g_autofree char *objects = g_build_filename(folder, "objects", NULL);
    g_autofree char *left = g_build_filename(objects, "new.ABCDEF", NULL);
    cr_assert_eq(g_mkdir(objects, 0700), 0);
    cr_assert(g_file_set_contents(left, "x", 1, NULL));

    g_autoptr(GError) error = NULL;
    struct capture_writer *writer = capture_append(folder, NULL, &error);
    cr_assert_not_null(writer, "%s", error ? error->message : "");
    cr_expect_not(g_file_test(left, G_FILE_TEST_EXISTS), "what a killed run left is removed");
    cr_expect(write_named(writer, "c", NULL, NULL));
    capture_close(writer);

    g_autoptr(capture_auto) capture = open_or_fail(folder);
    cr_expect_not(capture->torn);
    cr_expect_eq(capture->warnings->len, 0);
    cr_assert_eq(capture->hosts->len, 2);
    cr_expect_str_eq(host_at(capture, 0)->name, "a");
    cr_expect_str_eq(host_at(capture, 1)->name, "c");
}

/* ${path} gets a capture of a run that was limited, and left out as many hosts with names of so many bytes. */
static void create_limited(const char *path, guint count, int name_bytes)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < count; i++)
        g_ptr_array_add(names, g_strdup_printf("%0*u", name_bytes, i));
    const struct capture_header header = {.started = MOMENT_NONE, .limit = (char *)"app01", .left_out = names};
    struct capture_writer *writer = capture_create(path, &header, NULL);
    cr_assert_not_null(writer);
    capture_close(writer);
}

Test(capture, hosts_left_out_on_purpose)
{
    /* {"format": "trustgap capture", "version": 1, "limit": "app01", "left_out": ["...", "..."]} */
    const guint fits = (guint)((CAPTURE_LINE_BYTES - 80) / 254);
    const struct {
        guint count;
        gboolean named;
    } rows[] = {{1, TRUE}, {2, TRUE}, {fits - 1, TRUE}, {fits + 1, FALSE}};
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scratch) folder = scratch_new();
        create_limited(folder, rows[i].count, 250);
        g_autoptr(capture_auto) capture = open_or_fail(folder);
        cr_expect_str_eq(capture->header.limit, "app01");
        cr_assert_eq(capture->header.left_out != NULL, rows[i].named, "%u", rows[i].count);
        cr_expect(!rows[i].named || capture->header.left_out->len == rows[i].count, "%u", rows[i].count);
    }
}

Test(capture, a_run_that_goes_on_with_another_limit)
{
    g_autoptr(scratch) folder = scratch_new();
    create_limited(folder, 3, 1);
    g_autoptr(GPtrArray) fewer = g_ptr_array_new();
    g_ptr_array_add(fewer, (void *)"2");
    const struct capture_header next = {.started = 7, .limit = (char *)"app01 and app02", .left_out = fewer};
    const struct capture_header all = {.started = 8};
    struct capture_writer *writer = capture_append(folder, &next, NULL);
    cr_expect(write_named(writer, "app02", NULL, NULL));
    capture_close(writer);
    {
        g_autoptr(capture_auto) capture = open_or_fail(folder);
        cr_expect_str_eq(capture->header.limit, "app01 and app02");
        cr_assert_eq(capture->header.left_out->len, 1);
        cr_expect_str_eq(capture->header.left_out->pdata[0], "2");
        cr_expect_eq(capture->header.started, MOMENT_NONE, "the first run's");
        cr_expect_eq(capture->hosts->len, 1);
        cr_expect_eq(capture->warnings->len, 0);
    }
    capture_close(capture_append(folder, &all, NULL));
    g_autoptr(capture_auto) capture = open_or_fail(folder);
    cr_expect_null(capture->header.limit);
    cr_expect_null(capture->header.left_out);
    cr_expect_eq(capture->hosts->len, 1);
    cr_expect_eq(capture->warnings->len, 0);
}

Test(capture, one_writer_at_a_time)
{
    g_autoptr(scratch) folder = scratch_new();
    struct capture_writer *writer = create(folder);
    g_autoptr(GError) error = NULL;
    cr_expect_null(capture_append(folder, NULL, &error));
    cr_assert_not_null(error);
    cr_expect(strstr(error->message, "another process") != NULL, "%s", error->message);
    capture_close(writer);
    writer = capture_append(folder, NULL, NULL);
    cr_expect_not_null(writer);
    capture_close(writer);
    capture_close(NULL);
    capture_free(NULL);
    capture_host_free(NULL);
}

Test(capture, not_over_something_else)
{
    g_autoptr(scratch) folder = scratch_new();
    g_autofree char *file = g_build_filename(folder, "file", NULL);
    const struct capture_header header = {.started = MOMENT_NONE};
    cr_assert(g_file_set_contents(file, "x", 1, NULL));

    g_autofree char *deeper = g_build_filename(folder, "new", "deeper", NULL);
    capture_close(create(deeper));
    const struct {
        const char *path;
        int code;
        const char *message;
    } rows[] = {
        {folder, TRUSTGAP_ERROR_USAGE, "the folder is not empty"},
        {deeper, TRUSTGAP_ERROR_USAGE, "a capture is there already"},
        {file, TRUSTGAP_ERROR_IO, "Not a directory"},
        {"/proc/nothing", TRUSTGAP_ERROR_IO, "No such file or directory"},
        {"/dev/null/x", TRUSTGAP_ERROR_IO, "Not a directory"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        cr_expect_null(capture_create(rows[i].path, &header, &error), "%s", rows[i].path);
        cr_assert_not_null(error);
        cr_expect_eq(error->code, rows[i].code, "%s", error->message);
        cr_expect(g_str_has_prefix(error->message, rows[i].path), "%s", error->message);
        cr_expect(g_str_has_suffix(error->message, rows[i].message), "%s", error->message);
    }
}

static mode_t mode_of(const char *folder, const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    struct stat now;
    cr_assert_eq(g_stat(path, &now), 0, "%s", path);
    return now.st_mode & 0777;
}

Test(capture, is_private)
{
    umask(0);
    g_autoptr(scratch) folder = scratch_new();
    cr_assert_eq(g_chmod(folder, 0755), 0);
    struct capture_writer *writer = create(folder);
    g_autofree char *digest = put(writer, "abc", 3);
    capture_close(writer);
    cr_expect_eq(mode_of(folder, ""), 0700);
    cr_expect_eq(mode_of(folder, "capture.jsonl"), 0600);
    cr_expect_eq(mode_of(folder, "objects"), 0700);
    cr_expect_eq(mode_of(folder, "objects/ba"), 0700);
    cr_expect_eq(mode_of(folder, "objects/ba/" DIGEST_ABC), 0600);
}

static guint count_files(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    guint count = 0;
    const char *name;
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *inside = g_build_filename(path, name, NULL);
        count += g_file_test(inside, G_FILE_TEST_IS_DIR) ? count_files(inside) : 1;
    }
    return count;
}

Test(capture, same_content_is_kept_once)
{
    g_autoptr(scratch) folder = scratch_new();
    g_autofree char *objects = g_build_filename(folder, "objects", NULL);
    struct capture_writer *writer = create(folder);

    struct capture_object *first = capture_object_new(writer, NULL);
    struct capture_object *second = capture_object_new(writer, NULL);
    struct capture_object *third = capture_object_new(writer, NULL);
    cr_expect(capture_object_add(first, "a", 1, NULL));
    cr_expect(capture_object_add(second, "abc", 3, NULL));
    cr_expect(capture_object_add(third, "never", 5, NULL));
    cr_expect(capture_object_add(first, "", 0, NULL));
    cr_expect(capture_object_add(first, "bc", 2, NULL));
    g_autofree char *first_digest = capture_object_finish(first, NULL);
    g_autofree char *second_digest = capture_object_finish(second, NULL);
    capture_object_abort(third);
    cr_expect_str_eq(first_digest, DIGEST_ABC);
    cr_expect_str_eq(second_digest, DIGEST_ABC);
    cr_expect_eq(count_files(objects), 1);

    g_autofree char *empty = put(writer, "", 0);
    cr_expect_str_eq(empty, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    cr_expect_eq(count_files(objects), 2);

    /* An object that a crash left short is made whole when its content comes again. */
    g_autofree char *path = g_build_filename(objects, "ba", DIGEST_ABC, NULL);
    cr_assert_eq(truncate(path, 1), 0);
    g_autofree char *again = put(writer, "abc", 3);
    capture_close(writer);
    g_autoptr(capture_auto) capture = open_or_fail(folder);
    g_autoptr(GBytes) bytes = capture_load(capture, again, 3, NULL);
    cr_assert_not_null(bytes);
    g_autoptr(GBytes) nothing = capture_load(capture, empty, 0, NULL);
    cr_assert_not_null(nothing);
    cr_expect_eq(g_bytes_get_size(nothing), 0);
}

Test(capture, load_refuses)
{
    g_autoptr(scratch) folder = scratch_new();
    struct capture_writer *writer = create(folder);
    g_autofree char *digest = put(writer, "abc", 3);
    g_autofree char *bad = put(writer, "changed later", 13);
    capture_close(writer);
    g_autofree char *bad_path = g_strdup_printf("%s/objects/%.2s/%s", folder, bad, bad);
    cr_assert(g_file_set_contents(bad_path, "Changed later", 13, NULL));
    g_autofree char *pipe_name = g_strdup(DIGEST_ABC);
    pipe_name[63] = 'e';
    g_autofree char *pipe_path = g_strdup_printf("%s/objects/ba/%s", folder, pipe_name);
    cr_assert_eq(mkfifo(pipe_path, 0600), 0);

    g_autoptr(capture_auto) capture = open_or_fail(folder);
    const struct {
        const char *what, *digest;
        size_t limit;
        int code;
    } rows[] = {
        {"larger than asked for", digest, 2, TRUSTGAP_ERROR_LIMIT},
        {"no such object", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ac", 9,
         TRUSTGAP_ERROR_MISSING},
        {"another path", "../../../../../../../../../../../../../../../../../../etc/passwd", 9, TRUSTGAP_ERROR_SYNTAX},
        {"one digit short", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a", 9,
         TRUSTGAP_ERROR_SYNTAX},
        {"one digit more", DIGEST_ABC "0", 9, TRUSTGAP_ERROR_SYNTAX},
        {"capitals", "BA7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 9, TRUSTGAP_ERROR_SYNTAX},
        {"nothing", "", 9, TRUSTGAP_ERROR_SYNTAX},
        {"changed", bad, 99, TRUSTGAP_ERROR_SYNTAX},
        {"a pipe", pipe_name, 99, TRUSTGAP_ERROR_SYNTAX},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        cr_expect_null(capture_load(capture, rows[i].digest, rows[i].limit, &error), "%s", rows[i].what);
        cr_assert_not_null(error);
        cr_expect_eq(error->code, rows[i].code, "%s: %s", rows[i].what, error->message);
        cr_expect(g_str_has_prefix(error->message, folder), "%s", error->message);
    }
}

/* A write beyond this fails with EFBIG, as one on a full disk does with ENOSPC. */
static void limit_files(rlim_t bytes)
{
    struct rlimit limit = {bytes, RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(capture, full_disk_leaves_the_journal_whole)
{
    g_autoptr(scratch) folder = scratch_new();
    g_autofree char *journal = g_build_filename(folder, "capture.jsonl", NULL);
    g_autofree char *long_message = g_strnfill(4096, 'x');
    struct capture_writer *writer = create(folder);
    struct stat before, after;

    cr_expect(write_named(writer, "first", NULL, NULL));
    cr_assert_eq(g_stat(journal, &before), 0);
    limit_files((rlim_t)before.st_size + 1000); /* so the write is a short one */
    g_autoptr(GError) error = NULL;
    cr_expect_not(write_named(writer, "second", long_message, &error));
    cr_assert_not_null(error);
    cr_expect_eq(error->code, TRUSTGAP_ERROR_IO);
    cr_expect(g_str_has_prefix(error->message, journal), "%s", error->message);
    cr_assert_eq(g_stat(journal, &after), 0);
    cr_expect_eq(after.st_size, before.st_size);

    limit_files((rlim_t)before.st_size); /* and now one that writes nothing */
    g_clear_error(&error);
    cr_expect_not(write_named(writer, "third", NULL, &error));
    cr_assert_not_null(error);
    cr_assert_eq(g_stat(journal, &after), 0);
    cr_expect_eq(after.st_size, before.st_size);

    limit_files(RLIM_INFINITY); /* somebody made room */
    cr_expect(write_named(writer, "fourth", NULL, NULL));
    capture_close(writer);
    g_autoptr(capture_auto) capture = open_or_fail(folder);
    cr_expect_eq(capture->warnings->len, 0);
    cr_assert_eq(capture->hosts->len, 2);
    cr_expect_str_eq(host_at(capture, 0)->name, "first");
    cr_expect_str_eq(host_at(capture, 1)->name, "fourth");
}

Test(capture, full_disk_leaves_no_half_object)
{
    g_autoptr(scratch) folder = scratch_new();
    g_autofree char *objects = g_build_filename(folder, "objects", NULL);
    struct capture_writer *writer = create(folder);
    struct capture_object *object = capture_object_new(writer, NULL);

    limit_files(4);
    cr_expect(capture_object_add(object, "abc", 3, NULL));
    g_autoptr(GError) error = NULL;
    cr_expect_not(capture_object_add(object, "defghi", 6, &error));
    cr_assert_not_null(error);
    cr_expect_eq(error->code, TRUSTGAP_ERROR_IO);
    cr_expect(g_str_has_prefix(error->message, objects), "%s", error->message);
    g_clear_error(&error);
    cr_expect_not(capture_object_add(object, "", 0, &error), "a failure is not forgotten");
    cr_assert_not_null(error);
    g_clear_error(&error);
    cr_expect_null(capture_object_finish(object, &error), "nor made good");
    cr_assert_not_null(error);
    cr_expect_eq(count_files(objects), 0);
    capture_object_abort(NULL);
    capture_close(writer);
}

Test(capture, object_folder_gone)
{
    g_autoptr(scratch) folder = scratch_new();
    g_autofree char *objects = g_build_filename(folder, "objects", NULL);
    struct capture_writer *writer = create(folder);
    struct capture_object *object = capture_object_new(writer, NULL);

    remove_tree(objects);
    g_autoptr(GError) error = NULL;
    cr_expect_null(capture_object_finish(object, &error));
    cr_assert_not_null(error);
    cr_expect_eq(error->code, TRUSTGAP_ERROR_IO);
    g_clear_error(&error);
    cr_expect_null(capture_object_new(writer, &error));
    cr_assert_not_null(error);
    g_clear_error(&error);
    cr_expect_not(write_named(writer, "a", NULL, &error), "a host is not written when its objects are not safe");
    cr_assert_not_null(error);
    capture_close(writer);
}

/* A child writes hosts with an object each and tells after each one; it is killed in the middle of it. */
Test(capture, killed_writer_leaves_finished_hosts)
{
    for (int round = 0; round < 8; round++) {
        g_autoptr(scratch) folder = scratch_new();
        int told[2];
        cr_assert_eq(pipe(told), 0);
        pid_t child = fork();
        cr_assert_geq(child, 0);
        if (child == 0) {
            struct capture_writer *writer = create(folder);
            for (int i = 0;; i++) {
                g_autofree char *name = g_strdup_printf("host%d", i);
                g_autofree char *digest = put(writer, name, strlen(name));
                g_autoptr(capture_host_auto) host = full_host(digest);
                g_free(host->name);
                host->name = g_steal_pointer(&name);
                if (!capture_write_host(writer, host, NULL) || write(told[1], "x", 1) != 1)
                    _exit(1);
            }
        }
        close(told[1]);
        char byte;
        guint finished = 0;
        while (finished < 20 + (guint)round && read(told[0], &byte, 1) == 1)
            finished++;
        usleep((useconds_t)(round * 300));
        kill(child, SIGKILL);
        while (read(told[0], &byte, 1) == 1)
            finished++;
        close(told[0]);
        int status;
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFSIGNALED(status));

        g_autoptr(capture_auto) capture = open_or_fail(folder);
        cr_expect_eq(capture->warnings->len, 0);
        cr_assert_geq(capture->hosts->len, finished);
        for (guint i = 0; i < capture->hosts->len; i++) {
            const struct capture_trace *trace = host_at(capture, i)->traces->pdata[0];
            g_autoptr(GError) error = NULL;
            g_autoptr(GBytes) bytes = capture_load(capture, trace->object, 100, &error);
            cr_expect_not_null(bytes, "%s", error ? error->message : "");
        }
        struct capture_writer *writer = capture_append(folder, NULL, NULL);
        cr_expect_not_null(writer, "the lock died with its process");
        capture_close(writer);
    }
}
