/* common/: escaping, files, times. */
#include "error.h"
#include "file.h"
#include "mapping.h"
#include "moment.h"
#include "nearest.h"
#include "text.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *what, *in;
    size_t size;
    const char *out;
} cleanings[] = {
    {"plain", "CN=a, C=DE", 10, "CN=a, C=DE"},
    {"nothing", "", 0, ""},
    {"markup stays, its writer quotes it", "<script>", 8, "<script>"},
    {"terminal escape", "\033[2J", 4, "\\x1b[2J"},
    {"line ends", "a\r\nb", 4, "a\\x0d\\x0ab"},
    {"tab", "a\tb", 3, "a b"},
    {"NUL", "a\0b", 3, "a\\x00b"},
    {"DEL", "\x7f", 1, "\\x7f"},
    {"UTF-8", "M\xc3\xbcnchen", 8, "M\xc3\xbcnchen"},
    {"Latin-1", "M\xfcnchen", 7, "M\\xfcnchen"},
    {"cut in mid-character", "a\xc3", 2, "a\\xc3"},
    {"overlong", "\xc0\x80", 2, "\\xc0\\x80"},
    {"surrogate", "\xed\xa0\x80", 3, "\\xed\\xa0\\x80"},
    {"control above 0x80", "\xc2\x9b", 2, "\\u{9b}"},
    {"right-to-left override", "a\xe2\x80\xaegnp", 7, "a\\u{202e}gnp"},
    {"zero width space", "\xe2\x80\x8b", 3, "\\u{200b}"},
    {"byte order mark", "\xef\xbb\xbf", 3, "\\u{feff}"},
    {"not a character", "\xef\xbf\xbf", 3, "\\u{ffff}"},
    {"no-break space stays", "a\xc2\xa0z", 4, "a\xc2\xa0z"},
};

Test(text, clean)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cleanings); i++) {
        g_autofree char *out = text_clean(cleanings[i].in, cleanings[i].size);
        cr_expect_str_eq(out, cleanings[i].out, "%s: %s", cleanings[i].what, out);
    }
}

Test(text, clean_of_any_bytes_is_printable_utf8)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(1);
    for (int round = 0; round < 2000; round++) {
        uint8_t bytes[64];
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)g_rand_int(rand);
        g_autofree char *out = text_clean(bytes, sizeof bytes);
        cr_assert(g_utf8_validate(out, -1, NULL));
        for (const char *at = out; *at; at = g_utf8_next_char(at))
            cr_assert(!g_unichar_iscntrl(g_utf8_get_char(at)));
    }
}

static const struct {
    const char *text;
    int64_t moment; /* MOMENT_NONE: refused */
} moments[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"2026-11-22T01:02:03Z", 1795309323},
    {"2026-11-22T01:02:03", 1795309323},
    {"2026-11-22T02:02:03+01:00", 1795309323},
    {"2026-11-22", 1795305600},
    {"2038-01-19T03:14:08Z", 2147483648},
    {"2051-01-01T00:00:00Z", 2556144000},
    {"2026-02-29", MOMENT_NONE},
    {"22.11.2026", MOMENT_NONE},
    {"", MOMENT_NONE},
    {"tomorrow", MOMENT_NONE},
};

Test(moment, parse)
{
    for (size_t i = 0; i < G_N_ELEMENTS(moments); i++) {
        g_autoptr(GError) error = NULL;
        int64_t moment = MOMENT_NONE;
        gboolean ok = moment_parse(&moment, moments[i].text, &error);
        cr_expect_eq(moment, moments[i].moment, "%s", moments[i].text);
        cr_expect_eq(ok, moments[i].moment != MOMENT_NONE, "%s", moments[i].text);
        cr_expect_eq(error == NULL, ok);
    }
}

Test(moment, format)
{
    char text[MOMENT_TEXT_BYTES];
    cr_expect_str_eq(moment_format(text, 1795309323), "2026-11-22T01:02:03Z");
    cr_expect_str_eq(moment_format(text, MOMENT_NONE), "");
    cr_expect_str_eq(moment_format(text, -62135596800), "0001-01-01T00:00:00Z");
    cr_expect_str_eq(moment_format(text, -62135596801), "");
    cr_expect_str_eq(moment_format(text, 253402300799), "9999-12-31T23:59:59Z");
    cr_expect_str_eq(moment_format(text, 253402300800), "");
    cr_expect_eq(moment_from_civil(2026, 2, 29, 0, 0, 0), MOMENT_NONE);
    cr_expect_eq(moment_from_civil(2028, 2, 29, 0, 0, 0), 1835395200);
    cr_expect_eq(moment_from_civil(2026, 13, 1, 0, 0, 0), MOMENT_NONE);
    cr_expect_eq(moment_from_civil(2026, 1, 1, 24, 0, 0), MOMENT_NONE);
    cr_expect_eq(moment_from_civil(G_MAXINT, 1, 1, 0, 0, 0), MOMENT_NONE);
}

Test(file, replaced_at_commit_only)
{
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "out", NULL);
    g_autoptr(GError) error = NULL;

    g_file_set_contents(path, "old", -1, NULL);
    struct file_output *output = file_output_open(path, 0600, &error);
    cr_assert_null(error);
    file_output_puts(output, "new");
    file_output_abort(output);
    g_autoptr(GBytes) kept = file_read(path, 100, &error);
    cr_expect_eq(g_bytes_get_size(kept), 3);
    cr_expect(memcmp(g_bytes_get_data(kept, NULL), "old", 3) == 0);

    output = file_output_open(path, 0640, &error);
    for (int i = 0; i < 100000; i++)
        file_output_printf(output, "%05d\n", i);
    cr_expect(file_output_commit(output, &error));
    struct stat now;
    cr_expect_eq(g_stat(path, &now), 0);
    cr_expect_eq(now.st_size, 600000);
    cr_expect_eq(now.st_mode & 0777, 0640);

    /* Nothing else is left in the folder. */
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    cr_expect_str_eq(g_dir_read_name(dir), "out");
    cr_expect_null(g_dir_read_name(dir));
    g_unlink(path);
    g_rmdir(folder);
}

Test(file, full_disk_is_told)
{
    g_autoptr(GError) error = NULL;
    struct file_output *output = file_output_open("/dev/full", 0600, &error);
    cr_assert_not_null(output);
    for (int i = 0; i < 100000; i++)
        file_output_puts(output, "bytes that find no room\n");
    cr_expect(file_output_failed(output));
    cr_expect_not(file_output_commit(output, &error));
    cr_assert_not_null(error);
    cr_expect_eq(error->code, TRUSTGAP_ERROR_IO);
    cr_expect(g_str_has_prefix(error->message, "/dev/full: "), "%s", error->message);
    cr_expect_eq(access("/dev/full", W_OK), 0, "a device is never replaced");
}

Test(file, read_refuses)
{
    static const struct {
        const char *path;
        size_t limit;
        int code;
    } rows[] = {
        {"/nonexistent", 10, TRUSTGAP_ERROR_MISSING},
        {"/", 10, TRUSTGAP_ERROR_MISSING},
        {"/dev/zero", 1000000, TRUSTGAP_ERROR_LIMIT},
        {"/etc/passwd", 1, TRUSTGAP_ERROR_LIMIT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (int mapped = 0; mapped < 2; mapped++) {
            g_autoptr(GError) error = NULL;
            GBytes *bytes = (mapped ? file_map : file_read)(rows[i].path, rows[i].limit, &error);
            cr_expect_null(bytes);
            cr_assert_not_null(error);
            cr_expect_eq(error->code, rows[i].code, "%s", rows[i].path);
            cr_expect(g_str_has_prefix(error->message, rows[i].path));
        }
    }
}

/* A pipe would wait for a writer, and a device for somebody who types. */
Test(file, read_regular_never_waits)
{
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    g_autofree char *pipe = g_build_filename(folder, "pipe", NULL), *link = g_build_filename(folder, "link", NULL);
    g_autofree char *socket_path = g_build_filename(folder, "socket", NULL);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, socket_path, sizeof address.sun_path);
    cr_assert(mkfifo(pipe, 0600) == 0 && symlink(pipe, link) == 0);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0);
    const char *const refused[] = {pipe,       link,        socket_path, "/dev/zero",
                                   "/dev/tty", "/dev/ptmx", folder,      "/nonexistent"};
    for (size_t i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_autoptr(GError) error = NULL;
        cr_expect_null(file_read_regular(refused[i], 100, &error), "%s", refused[i]);
        cr_assert_not_null(error, "%s", refused[i]);
        cr_expect(g_str_has_prefix(error->message, refused[i]), "%s", error->message);
    }
    g_autoptr(GBytes) null = file_read_regular("/dev/null", 100, NULL);
    cr_assert_not_null(null);
    cr_expect_eq(g_bytes_get_size(null), 0);
    g_unlink(pipe);
    g_unlink(link);
    cr_assert(g_file_set_contents(pipe, "0123456789", -1, NULL) && symlink(pipe, link) == 0);
    for (size_t limit = 9; limit <= 10; limit++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) bytes = file_read_regular(link, limit, &error);
        cr_expect_eq(bytes != NULL, limit == 10);
        cr_expect(limit == 10 || error->code == TRUSTGAP_ERROR_LIMIT);
    }
    close(fd);
    g_unlink(socket_path);
    g_unlink(pipe);
    g_unlink(link);
    g_rmdir(folder);
}

/* Root relies on a folder only if nobody else can replace what is in it. */
Test(file, folders_that_root_relies_on)
{
    static const struct {
        const char *what;
        unsigned owner, mode;
        const char *link; /* behind the name of a link to it */
        const char *why;  /* NULL: it may */
    } rows[] = {
        {"its own", 0, 0755, NULL, NULL},
        {"its own and closed", 0, 0700, NULL, NULL},
        {"somebody else's", 65534, 0700, NULL, "belongs to another user"},
        {"somebody else's, with a slash behind", 65534, 0700, NULL, "belongs to another user"},
        {"of a group", 0, 0770, NULL, "others may write to it"},
        {"of all", 0, 0777, NULL, "others may write to it"},
        {"of all, as /tmp", 0, 01777, NULL, "others may write to it"},
        {"behind a link", 0, 0700, "", "is a link"},
        {"behind a link and a slash", 0, 0700, "/", "is a link"},
        {"behind a link and a dot", 0, 0700, "/./", "is a link"},
    };
    if (geteuid() != 0)
        cr_skip_test("only root is asked");
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_build_filename(folder, "x", NULL), *link = g_build_filename(folder, "link", NULL);
        g_autofree char *slash = g_strconcat(path, "/", NULL);
        g_autofree char *named = g_strconcat(link, rows[i].link, NULL);
        g_autoptr(GError) error = NULL;
        cr_assert(g_mkdir(path, 0700) == 0 && symlink(path, link) == 0);
        cr_assert(chown(path, rows[i].owner, 0) == 0 && chmod(path, rows[i].mode) == 0);
        const char *name = rows[i].link ? named : strstr(rows[i].what, "slash") ? slash : path;
        gboolean ok = file_check_folder(name, &error);
        cr_expect_eq(ok, rows[i].why == NULL, "%s", rows[i].what);
        if (rows[i].why && error)
            cr_expect(g_str_has_prefix(error->message, name) && strstr(error->message, rows[i].why), "%s: %s",
                      rows[i].what, error->message);
        g_unlink(link);
        g_rmdir(path);
        cr_expect(file_check_folder(path, NULL), "nothing there");
    }
    /* Nobody else is asked. */
    cr_assert_eq(chmod(folder, 0777), 0);
    cr_assert_eq(seteuid(65534), 0);
    cr_expect(file_check_folder(folder, NULL));
    cr_assert_eq(seteuid(0), 0);
    g_rmdir(folder);
}

/* ---- Mapping ---- */

#define MAPPED_BYTES ((size_t)1024 * 1024)
#define CUT_BYTES    ((size_t)300001)

static int open_mapped(char *path)
{
    g_autofree char *bytes = g_malloc(MAPPED_BYTES);
    int fd = g_mkstemp(path);

    memset(bytes, 'x', MAPPED_BYTES);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, MAPPED_BYTES), (ssize_t)MAPPED_BYTES);
    return fd;
}

static size_t count_kept(const struct mapping *mapping)
{
    size_t kept = 0;
    while (kept < mapping->size && mapping->bytes[kept] == 'x')
        kept++;
    for (size_t at = kept; at < mapping->size; at++)
        cr_assert_eq(mapping->bytes[at], '\0');
    return kept;
}

static void *count_in_thread(void *mapping)
{
    mapping_use(mapping);
    return GSIZE_TO_POINTER(count_kept(mapping));
}

Test(mapping, what_is_cut_off_is_nul)
{
    char path[] = "/tmp/trustgap-XXXXXX";
    int fd = open_mapped(path);
    struct mapping mapping;

    cr_assert(mapping_make(&mapping, fd, MAPPED_BYTES));
    mapping_use(&mapping);
    cr_expect_eq(mapping_end(&mapping), MAPPED_BYTES);
    cr_expect_eq(count_kept(&mapping), MAPPED_BYTES);
    cr_assert_eq(ftruncate(fd, CUT_BYTES), 0);
    cr_expect_eq(mapping_end(&mapping), CUT_BYTES);
    GThread *thread = g_thread_new("counter", count_in_thread, &mapping);
    cr_expect_eq(count_kept(&mapping), CUT_BYTES);
    cr_expect_eq(GPOINTER_TO_SIZE(g_thread_join(thread)), CUT_BYTES);
    cr_expect_eq(mapping_end(&mapping), CUT_BYTES);
    cr_expect_eq(mapping_failure(&mapping), 0);
    /* What has come into the file since is not seen, and the disk is not to blame. */
    cr_assert_eq(ftruncate(fd, MAPPED_BYTES), 0);
    cr_expect_lt(mapping_end(&mapping), MAPPED_BYTES);
    cr_expect_eq(count_kept(&mapping), CUT_BYTES);
    cr_expect_eq(mapping_failure(&mapping), 0);
    mapping_use(NULL);
    mapping_clear(&mapping);
    close(fd);
    unlink(path);
}

Test(mapping, what_is_dropped_comes_back)
{
    char path[] = "/tmp/trustgap-XXXXXX";
    int fd = open_mapped(path);
    struct mapping mapping;

    cr_assert(mapping_make(&mapping, fd, MAPPED_BYTES));
    mapping_drop(&mapping, 0, MAPPED_BYTES / 2);
    cr_expect_eq(count_kept(&mapping), MAPPED_BYTES);
    mapping_clear(&mapping);
    close(fd);
    unlink(path);
}

/* Behind a file that does not fill its last chunk lies other memory. */
Test(mapping, what_lies_behind_is_left_alone)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *bytes = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(bytes, MAP_FAILED);
    struct mapping mapping = {.bytes = bytes, .size = page + 1, .lost = page + 1};

    memset(bytes, 'x', 3 * page);
    mapping_drop(&mapping, 0, 3 * page);
    cr_expect_eq(bytes[0], '\0', "dropped, and no file to bring it back");
    cr_expect_eq(bytes[2 * page], 'x');
    mapping_drop(&mapping, 2 * page, 3 * page);
    cr_expect_eq(bytes[2 * page], 'x');
    munmap(bytes, 3 * page);
}

/* A thread that does not say what it looks at ends as any program would. */
Test(mapping, others_are_not_caught)
{
    char path[] = "/tmp/trustgap-XXXXXX";
    int fd = open_mapped(path), status;
    struct mapping mapping;
    pid_t child = fork();

    if (child == 0) {
        signal(SIGBUS, SIG_DFL);
        if (!mapping_make(&mapping, fd, MAPPED_BYTES) || ftruncate(fd, 0) < 0)
            _exit(1);
        _exit(((const volatile char *)mapping.bytes)[0]);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS, "%d", status);
    close(fd);
    unlink(path);
}

Test(mapping, what_can_not_be_mapped)
{
    struct mapping mapping;
    int fds[2];

    cr_assert_eq(pipe(fds), 0);
    cr_expect_not(mapping_make(&mapping, fds[0], MAPPED_BYTES));
    close(fds[0]);
    close(fds[1]);
}

Test(nearest, slips_of_the_pen)
{
    static const struct {
        const char *one, *other;
        unsigned distance;
    } rows[] = {
        {"", "", 0},           {"a", "", 1},
        {"", "abc", 3},        {"limit", "limit", 0},
        {"limt", "limit", 1},  {"limitt", "limit", 1},
        {"lomit", "limit", 1}, {"ilmit", "limit", 1},
        {"LIMIT", "limit", 0}, {"no-agent", "no_agent", 0},
        {"teir", "tier", 1},   {"host", "root", 2},
        {"abcd", "badc", 2},   {"ca", "abc", 3},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        cr_expect_eq(nearest_distance(rows[i].one, rows[i].other), rows[i].distance, "%s", rows[i].one);
        cr_expect_eq(nearest_distance(rows[i].other, rows[i].one), rows[i].distance, "%s", rows[i].one);
    }
    g_autofree char *longest = g_strnfill(NEAREST_BYTES, 'x'), *longer = g_strnfill(NEAREST_BYTES + 1, 'x');
    cr_expect_eq(nearest_distance(longest, longest), 0);
    cr_expect_eq(nearest_distance(longest, longer), G_MAXUINT);
}

Test(nearest, the_nearest_of_several)
{
    static const char *const known[] = {"format", "output", "quiet", "outputs", NULL};
    cr_expect_str_eq(nearest_find("outputz", known, 1), "output", "the first");
    cr_expect_str_eq(nearest_find("outputs", known, 2), "outputs");
    cr_expect_null(nearest_find("frmt", known, 1));
    cr_expect_str_eq(nearest_find("frmt", known, 2), "format");
}

Test(moment, days_and_months)
{
    static const struct {
        const char *text, *moment; /* NULL: none */
    } rows[] = {
        {"2027-04", "2027-04-01T00:00:00Z"},
        {"2027-12", "2027-12-01T00:00:00Z"},
        {"2027-04-01", "2027-04-01T00:00:00Z"},
        {"2027-04-30", "2027-04-30T00:00:00Z"},
        {"2027-04-01T12:00:00+02:00", "2027-04-01T10:00:00Z"},
        {"2027-13", NULL},
        {"2027-00", NULL},
        {"2027-04-31", NULL},
        {"2027", NULL},
        {"2027-4", NULL},
        {"2027004", NULL},
        {"", NULL},
        {"soon", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        int64_t moment = 0;
        char text[MOMENT_TEXT_BYTES];
        cr_assert_eq(moment_parse_day(&moment, rows[i].text, &error), rows[i].moment != NULL, "%s", rows[i].text);
        if (rows[i].moment)
            cr_expect_str_eq(moment_format(text, moment), rows[i].moment);
        else
            cr_expect(strstr(error->message, "a month (2026-11), a day (2026-11-22)"), "%s", error->message);
    }
}
