/* capture/: what was written is read back; torn, foreign and full are told apart. */
#include "capture.h"

#include "error.h"
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

#define DIGEST "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" /* of "hello" */

static const struct capture_header header = {(char[]){"trustgap test"}, 1795309323, NULL};

static char *folder; /* of a test; its capture is the folder "c" in it */

static void set_up(void)
{
    folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
}

static void remove_tree(const char *path)
{
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *below = g_build_filename(path, name, NULL);
        remove_tree(below);
    }
    g_remove(path);
}

static void tear_down(void)
{
    remove_tree(folder);
    g_free(folder);
}

static char *in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static struct capture_host *make_host(const char *name)
{
    struct capture_host *host = capture_host_new();
    host->name = g_strdup(name);
    host->finished = 1795309330;
    return host;
}

static struct capture_host *make_full_host(void)
{
    struct capture_host *host = make_host("app01");
    host->status = CAPTURE_PARTIAL;
    host->reason = g_strdup("probe-incomplete");
    host->message = g_strdup("ended in mid-output");
    host->tier = g_strdup("production");
    host->owner = g_strdup("basis@example.com");
    g_ptr_array_add(host->groups, g_strdup("prod"));
    host->started = 1795309323;
    host->clock = 1795309324;
    host->zone_offset_s = -18000;
    host->zone = g_strdup("America/New_York");
    host->system = g_strdup("Linux 6.1.0 x86_64");
    host->login = g_strdup("audit");
    struct capture_instance *instance = capture_instance_new();
    instance->sid = g_strdup("PRD");
    instance->name = g_strdup("D00");
    instance->path = g_strdup("/usr/sap/PRD/D00");
    g_ptr_array_add(host->instances, instance);
    struct capture_trace *trace = capture_trace_new();
    trace->instance = g_strdup(instance->path);
    trace->path = g_strdup("/usr/sap/PRD/D00/work/dev_icm");
    trace->device = 1;
    trace->inode = 0;
    trace->size_bytes = 5000000000;
    trace->modified = 1795300000;
    trace->from_byte = 4999999995;
    trace->length_bytes = 5;
    trace->moved = TRUE;
    trace->object = g_strdup(DIGEST);
    g_ptr_array_add(host->traces, trace);
    struct capture_store *store = capture_store_new();
    store->path = g_strdup("/usr/sap/PRD/D00/sec/a\033[2J\xff\".pse");
    store->method = g_strdup("sapgenpse");
    store->owner = g_strdup("prdadm");
    store->mode = g_strdup("600");
    store->listing = g_strdup(DIGEST);
    store->listing_status = 0;
    g_ptr_array_add(host->stores, store);
    g_ptr_array_add(host->notes, g_strdup("limit reached"));
    return host;
}

/* A capture with the hosts of ${names}, ended by NULL. */
static void write_capture(const char *path, const char *const *names)
{
    g_autoptr(GError) error = NULL;
    struct capture_writer *writer = capture_create(path, &header, &error);
    cr_assert_not_null(writer, "%s", error ? error->message : "");
    for (; *names; names++) {
        g_autoptr(capture_host_auto) host = make_host(*names);
        cr_assert(capture_write_host(writer, host, &error));
    }
    capture_close(writer);
}

TestSuite(capture, .init = set_up, .fini = tear_down);

Test(capture, round_trip)
{
    g_autofree char *path = in_folder("c");
    g_autoptr(GError) error = NULL;
    struct capture_writer *writer = capture_create(path, &header, &error);
    cr_assert_null(error);
    g_autoptr(capture_host_auto) host = make_full_host();
    cr_assert(capture_write_host(writer, host, &error));
    capture_close(writer);

    g_autoptr(capture_auto) capture = capture_open(path, &error);
    cr_assert_not_null(capture);
    cr_expect_str_eq(capture->header.program, "trustgap test");
    cr_expect_eq(capture->header.started, 1795309323);
    cr_expect_not(capture->torn);
    cr_expect_eq(capture->warnings->len, 0);
    cr_assert_eq(capture->hosts->len, 1);
    const struct capture_host *read = capture->hosts->pdata[0];
    cr_expect_eq(read->status, CAPTURE_PARTIAL);
    cr_expect_str_eq(read->reason, "probe-incomplete");
    cr_expect_str_eq(read->message, host->message);
    cr_expect_str_eq(read->tier, "production");
    cr_expect_str_eq(read->owner, host->owner);
    cr_expect_str_eq(read->groups->pdata[0], "prod");
    cr_expect_eq(read->started, host->started);
    cr_expect_eq(read->finished, host->finished);
    cr_expect_eq(read->clock, host->clock);
    cr_expect_eq(read->zone_offset_s, -18000);
    cr_expect_str_eq(read->zone, host->zone);
    cr_expect_str_eq(read->system, host->system);
    cr_expect_str_eq(read->login, host->login);
    cr_expect_str_eq(read->notes->pdata[0], "limit reached");
    const struct capture_instance *instance = read->instances->pdata[0];
    cr_expect_str_eq(instance->sid, "PRD");
    const struct capture_trace *trace = read->traces->pdata[0];
    cr_expect_eq(trace->inode, 0);
    cr_expect_eq(trace->size_bytes, 5000000000);
    cr_expect_eq(trace->from_byte, 4999999995);
    cr_expect_eq(trace->modified, 1795300000);
    cr_expect(trace->moved);
    cr_expect_str_eq(trace->object, DIGEST);
    cr_expect_null(trace->reason);
    const struct capture_store *store = read->stores->pdata[0];
    cr_expect_str_eq(store->path, "/usr/sap/PRD/D00/sec/a\\x1b[2J\\xff\".pse", "cleaned");
    cr_expect_eq(store->listing_status, 0);
    cr_expect_eq(store->trusted_count, -1);
    cr_expect_eq(store->modified, MOMENT_NONE);
    cr_expect_null(store->trusted);
}

Test(capture, objects_are_kept_once_and_private)
{
    g_autofree char *path = in_folder("c");
    g_autoptr(GError) error = NULL;
    struct capture_writer *writer = capture_create(path, &header, &error);

    for (int turn = 0; turn < 2; turn++) {
        struct capture_object *object = capture_object_new(writer, &error);
        cr_assert(capture_object_add(object, "hel", 3, &error));
        cr_assert(capture_object_add(object, "lo", 2, &error));
        g_autofree char *digest = capture_object_finish(object, &error);
        cr_assert_str_eq(digest, DIGEST);
    }
    capture_object_abort(capture_object_new(writer, &error));
    capture_close(writer);

    g_autofree char *shelf = g_build_filename(path, "objects", "2c", NULL);
    g_autofree char *object_path = g_build_filename(shelf, DIGEST, NULL);
    struct stat now;
    cr_assert_eq(g_stat(object_path, &now), 0);
    cr_expect_eq(now.st_mode & 07777, 0600);
    cr_assert_eq(g_stat(shelf, &now), 0);
    cr_expect_eq(now.st_mode & 07777, 0700);
    cr_assert_eq(g_stat(path, &now), 0);
    cr_expect_eq(now.st_mode & 07777, 0700);
    g_autofree char *objects = g_build_filename(path, "objects", NULL);
    g_autoptr(GDir) dir = g_dir_open(objects, 0, NULL);
    cr_expect_str_eq(g_dir_read_name(dir), "2c");
    cr_expect_null(g_dir_read_name(dir), "no temporary file is left");

    g_autoptr(capture_auto) capture = capture_open(path, &error);
    g_autoptr(GBytes) bytes = capture_load(capture, DIGEST, 5, &error);
    cr_assert_not_null(bytes);
    cr_expect_eq(memcmp(g_bytes_get_data(bytes, NULL), "hello", 5), 0);
    cr_expect_null(capture_load(capture, DIGEST, 4, &error));
    cr_expect_eq(error->code, TRUSTGAP_ERROR_LIMIT);
    g_clear_error(&error);

    cr_assert(g_file_set_contents(object_path, "hellO", 5, NULL));
    cr_expect_null(capture_load(capture, DIGEST, 5, &error));
    cr_expect_eq(error->code, TRUSTGAP_ERROR_SYNTAX);
    g_clear_error(&error);
    static const char *const names[] = {"", "../../../etc/passwd", DIGEST "0",
                                        "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        cr_expect_null(capture_load(capture, names[i], 100, &error), "%s", names[i]);
        g_clear_error(&error);
    }
}

static const struct {
    const char *what, *text;
    int hosts; /* -1: refused */
    guint warnings;
    gboolean torn;
} journals[] = {
    {"nothing", "", -1, 0, FALSE},
    {"no header", "{\"host\":\"a\",\"status\":\"failed\"}\n", -1, 0, FALSE},
    {"another version", "{\"format\":\"trustgap capture\",\"version\":2}\n", -1, 0, FALSE},
    {"torn header", "{\"format\":\"trustgap ca", -1, 0, FALSE},
    {"only a header", "{\"format\":\"trustgap capture\",\"version\":1}\n", 0, 0, FALSE},
    {"a host", "{\"format\":\"trustgap capture\",\"version\":1}\n{\"host\":\"a\",\"status\":\"failed\"}\n", 1, 0,
     FALSE},
    {"a torn host",
     "{\"format\":\"trustgap capture\",\"version\":1}\n{\"host\":\"a\",\"status\":\"failed\"}\n{\"host\":\"b\",\"sta",
     1, 0, TRUE},
    {"whole, but its line feed is missing: torn",
     "{\"format\":\"trustgap capture\",\"version\":1}\n{\"host\":\"b\",\"status\":\"failed\"}", 0, 0, TRUE},
    {"a bad line in the middle",
     "{\"format\":\"trustgap capture\",\"version\":1}\n{\"host\":7}\n{\"host\":\"b\",\"status\":\"failed\"}\n", 1, 1,
     FALSE},
    {"unknown members and a status of tomorrow",
     "{\"format\":\"trustgap capture\",\"version\":1,\"x\":1}\n{\"host\":\"a\",\"status\":\"failed\",\"y\":[]}\n"
     "{\"host\":\"b\",\"status\":\"maybe\"}\n{\"host\":\"c\",\"status\":\"collected\"}\n",
     2, 1, FALSE},
    {"wrong types",
     "{\"format\":\"trustgap capture\",\"version\":1}\n"
     "{\"host\":\"a\",\"status\":\"failed\",\"traces\":{}}\n"
     "{\"host\":\"a\",\"status\":\"failed\",\"traces\":[{\"inode\":-2}]}\n"
     "{\"host\":\"a\",\"status\":\"failed\",\"traces\":[{\"object\":\"../x\"}]}\n"
     "{\"host\":\"a\",\"status\":\"failed\",\"notes\":[1]}\n"
     "{\"host\":\"\",\"status\":\"failed\"}\n"
     "{\"host\":\"b\",\"status\":\"failed\"}\n",
     1, 5, FALSE},
    {"a name twice: the last line counts",
     "{\"format\":\"trustgap capture\",\"version\":1}\n{\"host\":\"a\",\"status\":\"failed\"}\n"
     "{\"host\":\"a\",\"status\":\"collected\"}\n",
     1, 0, FALSE},
};

Test(capture, journals_of_any_kind)
{
    g_autofree char *path = in_folder("c");
    g_autofree char *journal = g_build_filename(path, "capture.jsonl", NULL);
    g_mkdir(path, 0700);
    for (size_t i = 0; i < G_N_ELEMENTS(journals); i++) {
        g_autoptr(GError) error = NULL;
        cr_assert(g_file_set_contents(journal, journals[i].text, -1, NULL));
        g_autoptr(capture_auto) capture = capture_open(path, &error);
        cr_assert_eq(capture ? (int)capture->hosts->len : -1, journals[i].hosts, "%s", journals[i].what);
        if (!capture) {
            cr_expect(g_str_has_prefix(error->message, journal), "%s", error->message);
            continue;
        }
        cr_expect_eq(capture->warnings->len, journals[i].warnings, "%s", journals[i].what);
        cr_expect_eq(capture->torn, journals[i].torn, "%s", journals[i].what);
        for (guint j = 0; j < capture->warnings->len; j++)
            cr_expect(g_str_has_prefix(capture->warnings->pdata[j], journal));
    }
    g_autoptr(capture_auto) last = capture_open(path, NULL);
    cr_expect_eq(((struct capture_host *)last->hosts->pdata[0])->status, CAPTURE_COLLECTED);
}

Test(capture, any_truncation_keeps_the_whole_lines)
{
    g_autofree char *path = in_folder("c"), *short_path = in_folder("s");
    write_capture(path, (const char *const[]){"a", "b", "c", NULL});
    g_autofree char *journal = g_build_filename(path, "capture.jsonl", NULL);
    g_autofree char *short_journal = g_build_filename(short_path, "capture.jsonl", NULL);
    g_autofree char *text = NULL;
    gsize size, refused = 0;
    cr_assert(g_file_get_contents(journal, &text, &size, NULL));
    g_mkdir(short_path, 0700);
    for (gsize cut = 0; cut <= size; cut++) {
        guint lines = 0;
        for (gsize i = 0; i < cut; i++)
            lines += text[i] == '\n';
        cr_assert(g_file_set_contents(short_journal, text, (gssize)cut, NULL));
        g_autoptr(capture_auto) capture = capture_open(short_path, NULL);
        refused += capture == NULL;
        cr_assert_eq(capture != NULL, lines > 0, "cut at %zu", cut);
        cr_assert(!capture || capture->hosts->len == lines - 1, "cut at %zu", cut);
    }
    cr_expect_gt(refused, 0);
}

Test(capture, appending_cuts_a_torn_line_off)
{
    g_autofree char *path = in_folder("c");
    g_autofree char *journal = g_build_filename(path, "capture.jsonl", NULL);
    g_autoptr(GError) error = NULL;
    write_capture(path, (const char *const[]){"a", NULL});
    int fd = g_open(journal, O_WRONLY | O_APPEND, 0);
    cr_assert_eq(write(fd, "{\"host\":\"b\"", 11), 11);
    close(fd);

    struct capture_writer *writer = capture_append(path, &error);
    cr_assert_not_null(writer);
    g_autoptr(capture_host_auto) host = make_host("c");
    cr_assert(capture_write_host(writer, host, &error));
    capture_close(writer);
    g_autoptr(capture_auto) capture = capture_open(path, &error);
    cr_assert_eq(capture->hosts->len, 2);
    cr_expect_not(capture->torn);
    cr_expect_str_eq(((struct capture_host *)capture->hosts->pdata[1])->name, "c");
}

Test(capture, a_folder_in_use_is_refused)
{
    g_autofree char *path = in_folder("c");
    g_autoptr(GError) error = NULL;
    write_capture(path, (const char *const[]){"a", NULL});
    cr_expect_null(capture_create(path, &header, &error));
    cr_expect_eq(error->code, TRUSTGAP_ERROR_USAGE);
    g_clear_error(&error);
    cr_expect_null(capture_create(folder, &header, &error), "a folder with other things in it");
    g_clear_error(&error);
    g_autofree char *none = in_folder("none");
    cr_expect_null(capture_append(none, &error));
    cr_expect_eq(error->code, TRUSTGAP_ERROR_MISSING);
    g_clear_error(&error);
    cr_expect_null(capture_open(none, &error));
    cr_expect_eq(error->code, TRUSTGAP_ERROR_MISSING);
}

Test(capture, full_disk_keeps_what_was_complete)
{
    g_autofree char *path = in_folder("c");
    g_autoptr(GError) error = NULL;
    struct capture_writer *writer = capture_create(path, &header, &error);
    g_autoptr(capture_host_auto) small = make_host("small");
    cr_assert(capture_write_host(writer, small, &error));

    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {1000, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    g_autoptr(capture_host_auto) large = make_host("large");
    large->message = g_strnfill(5000, 'x');
    gboolean ok = capture_write_host(writer, large, &error);
    struct capture_object *object = capture_object_new(writer, NULL);
    gboolean added = capture_object_add(object, large->message, 5000, NULL);
    capture_object_abort(object);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    cr_expect_not(ok);
    cr_expect_not(added);
    cr_assert_not_null(error);
    cr_expect_eq(error->code, TRUSTGAP_ERROR_IO);
    cr_expect(g_str_has_prefix(error->message, path));
    capture_close(writer);

    g_autoptr(capture_auto) capture = capture_open(path, NULL);
    cr_assert_eq(capture->hosts->len, 1);
    cr_expect_not(capture->torn);
}

Test(capture, killed_while_writing)
{
    g_autofree char *path = in_folder("c");
    struct capture_writer *writer = capture_create(path, &header, NULL);
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        for (unsigned i = 0;; i++) {
            g_autofree char *name = g_strdup_printf("h%u", i);
            g_autoptr(capture_host_auto) host = make_host(name);
            if (!capture_write_host(writer, host, NULL) || write(ready[1], "", 1) != 1)
                _exit(1);
        }
    }
    close(ready[1]);
    char byte;
    int told = 0;
    while (told < 20 && read(ready[0], &byte, 1) == 1)
        told++;
    kill(child, SIGKILL);
    while (read(ready[0], &byte, 1) == 1)
        told++;
    waitpid(child, NULL, 0);
    close(ready[0]);
    capture_close(writer);
    g_autoptr(capture_auto) capture = capture_open(path, NULL);
    cr_assert_not_null(capture);
    cr_expect_geq((int)capture->hosts->len, told, "each host that was told to be written is there");
    cr_expect_eq(capture->warnings->len, 0);
}
