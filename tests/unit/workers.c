/* Parsers that fail: each costs its file, with the reason said, and nothing else. */
#include "workers.h"

#include "certificate.h"
#include "certs.h"
#include "listing.h"
#include "pack.h"
#include "pool.h"
#include "scene.h"
#include "trace_pack.h"
#include "trace_worker.h"
#include "xml_node.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1024 * 1024)

static const char *const faulty[] = {FAULTY, "--parser", NULL};

/* ---- Starting children fails as often as a test wants it to ---- */

static unsigned refused; /* so many starts fail */
static int refusal;      /* with this errno */
static unsigned starts;

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const *arguments, char *const *environment)
{
    static int (*true_one)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                           char *const *, char *const *);
    if (!true_one)
        *(void **)&true_one = dlsym(RTLD_NEXT, "posix_spawn");
    starts++;
    if (refused == 0)
        return true_one(pid, path, actions, attributes, arguments, environment);
    refused--;
    return refusal;
}

/* ---- One trace ---- */

struct taken {
    unsigned failures, again, shown;
};

static void take(void *data, const struct trace_failure *failure)
{
    (void)failure;
    ((struct taken *)data)->failures++;
}

static void take_shown(void *data, const void *der, size_t size, struct certificate *certificate)
{
    (void)der;
    (void)size;
    (void)certificate;
    ((struct taken *)data)->shown++;
}

static void take_again(void *data)
{
    ((struct taken *)data)->failures = 0;
    ((struct taken *)data)->again++;
}

static const struct trace_worker_reader reader = {take, take_shown, take_again};

static struct worker_limits limits(void)
{
    struct worker_limits made = worker_limits_usual();
    made.cpu_ms = 2000;
    made.memory_bytes = 384 * MIB;
    return made;
}

/* A trace with two failures and, in between, what is asked for. */
static struct trace_worker_task *submit(struct workers *workers, const char *fault, struct taken *taken)
{
    g_autoptr(GString) text = g_string_new(NULL);
    scene_headline(text, "one.example.com", "SSSLERR_CONN_CLOSED (-10)");
    if (fault)
        g_string_append_printf(text, "[Thr 9] trustgap-fault=%s\n", fault);
    scene_headline(text, "two.example.com", "SSSLERR_CONN_CLOSED (-10)");
    struct trace_worker_piece piece = {.file = worker_file(text->str, text->len)};
    cr_assert_geq(piece.file, 0);
    *taken = (struct taken){0};
    return trace_worker_submit(workers, &piece, 1, &reader, taken);
}

static gboolean finish(struct trace_worker_task *task, char **why)
{
    struct trace_worker_trace told;
    gboolean ok = trace_worker_finish(task, &told, why);
    if (ok)
        trace_worker_clear(&told);
    return ok;
}

static unsigned count_files(void)
{
    g_autoptr(GDir) folder = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned count = 0;
    while (g_dir_read_name(folder))
        count++;
    return count;
}

static gboolean has_children(void)
{
    return waitpid(-1, NULL, WNOHANG) >= 0 || errno != ECHILD;
}

static const struct {
    const char *fault, *why; /* the beginning of it; NULL: nothing is wrong */
    unsigned asleep_ms;      /* 0: as usual */
    unsigned started;        /* children, for this trace and the good one behind it */
} faults[] = {
    {"none", NULL, 0, 1},
    {"segv", "the parser crashed (SIG", 0, 2},
    {"abort", "the parser crashed (SIGABRT)", 0, 2},
    {"stack", "the parser crashed (SIG", 0, 2},
    {"exit", "the parser ended without an answer (exit status 7)", 0, 2},
    {"loop", "the parser needed more than 2000 ms of processor time", 0, 2},
    {"memory", "the parser needed more than 384 MiB of memory", 0, 2},
    {"sleep", "the parser has stopped without an answer", 300, 2},
    {"killonce", NULL, 0, 2},
    {"killall", "the parser was killed twice (SIGKILL)", 0, 3},
    {"large", "the parser's answer is too large", 0, 2},
    {"garbage", "the parser's answer is not in its form", 0, 2},
    {"kind", "the parser's answer is not in its form", 0, 2},
    {"end", "the parser's answer is not in its form", 0, 2},
    {"twice", "the parser's answer is not in its form", 0, 2},
    {"flood", "the parser's answer is not in its form", 0, 2},
    {"close", "the parser was killed twice (SIGKILL)", 0, 3},
};

Test(workers, each_fault_costs_its_file)
{
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        struct worker_limits made = limits();
        made.asleep_ms = faults[i].asleep_ms ? faults[i].asleep_ms : made.asleep_ms;
        struct workers *workers = workers_new(faulty, 1, &made);
        struct taken bad, good;
        g_autofree char *why = NULL, *none = NULL;
        unsigned files = count_files();

        struct trace_worker_task *task = submit(workers, faults[i].fault, &bad), *next = submit(workers, NULL, &good);
        gboolean ok = finish(task, &why);
        cr_expect_eq(ok, faults[i].why == NULL, "%s: %s", faults[i].fault, why);
        if (faults[i].why)
            cr_expect(why && g_str_has_prefix(why, faults[i].why), "%s: %s", faults[i].fault, why);
        else
            cr_expect_eq(bad.failures, 2, "%s: %u", faults[i].fault, bad.failures);
        cr_expect(finish(next, &none), "%s: the one behind it: %s", faults[i].fault, none);
        cr_expect_eq(good.failures, 2, "%s", faults[i].fault);
        cr_expect_eq(workers_started(workers), faults[i].started, "%s: %u children", faults[i].fault,
                     workers_started(workers));
        workers_free(workers);
        cr_expect_eq(count_files(), files, "%s: descriptors are left", faults[i].fault);
        cr_expect(!has_children(), "%s: a child is left", faults[i].fault);
    }
}

/* A failure counts only in a child that has worked on nothing else, which could be to blame. */
Test(workers, failure_of_an_old_child_is_tried_again)
{
    struct worker_limits made = limits();
    struct workers *workers = workers_new(faulty, 1, &made);
    struct taken taken[4];
    struct trace_worker_task *tasks[] = {submit(workers, "hold", &taken[0]), submit(workers, NULL, &taken[1]),
                                         submit(workers, "exit", &taken[2]), submit(workers, NULL, &taken[3])};

    for (guint i = 0; i < G_N_ELEMENTS(tasks); i++) {
        g_autofree char *why = NULL;
        cr_expect_eq(finish(tasks[i], &why), i != 2, "%u: %s", i, why);
        cr_expect(i == 2 || taken[i].failures == 2, "%u", i);
        cr_expect_eq(taken[i].again, i == 1 || i == 2, "%u", i);
    }
    cr_expect_eq(workers_started(workers), 4, "%u", workers_started(workers));
    workers_free(workers);
}

/* Many at once, the bad ones among the good. */
Test(workers, others_go_on)
{
    struct worker_limits made = limits();
    struct workers *workers = workers_new(faulty, 3, &made);
    struct taken taken[40];
    struct trace_worker_task *tasks[G_N_ELEMENTS(taken)];
    static const char *const bad[] = {"segv", "exit", "large", "kind"};

    for (guint i = 0; i < G_N_ELEMENTS(taken); i++)
        tasks[i] = submit(workers, i % 5 == 2 ? bad[i / 5 % G_N_ELEMENTS(bad)] : NULL, &taken[i]);
    for (guint i = 0; i < G_N_ELEMENTS(taken); i++) {
        g_autofree char *why = NULL;
        cr_expect_eq(finish(tasks[i], &why), i % 5 != 2, "%u: %s", i, why);
        cr_expect(i % 5 == 2 || taken[i].failures == 2, "%u: %u", i, taken[i].failures);
    }
    workers_free(workers);
    cr_expect(!has_children());
}

/* ---- Children that cannot be started ---- */

static const struct {
    const char *what;
    unsigned refused;
    int refusal;
    gboolean ok;
} refusals[] = {
    {"no process for a moment", 3, EAGAIN, TRUE},
    {"none at all", 1000, EAGAIN, FALSE},
    {"no memory", 1000, ENOMEM, FALSE},
    {"the program is gone", 1000, ENOENT, FALSE},
};

Test(workers, without_processes)
{
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        struct worker_limits made = limits();
        struct workers *workers = workers_new(faulty, 2, &made);
        struct taken taken;
        g_autofree char *why = NULL;

        refused = refusals[i].refused;
        refusal = refusals[i].refusal;
        gboolean ok = finish(submit(workers, NULL, &taken), &why);
        cr_expect_eq(ok, refusals[i].ok, "%s: %s", refusals[i].what, why);
        if (!ok) {
            g_autofree char *wanted =
                g_strdup_printf("no process could be started for the parser: %s", g_strerror(refusals[i].refusal));
            cr_expect_str_eq(why, wanted);
        }
        refused = 0;
        workers_free(workers);
    }
}

/* With one child there, others that can't be started only make it slower. */
Test(workers, with_one_process)
{
    struct worker_limits made = limits();
    struct workers *workers = workers_new(faulty, 4, &made);
    struct taken taken[10];
    struct trace_worker_task *tasks[G_N_ELEMENTS(taken)];

    tasks[0] = submit(workers, NULL, &taken[0]);
    refused = 100000;
    refusal = EAGAIN;
    for (guint i = 1; i < G_N_ELEMENTS(taken); i++)
        tasks[i] = submit(workers, NULL, &taken[i]);
    for (guint i = 0; i < G_N_ELEMENTS(taken); i++) {
        g_autofree char *why = NULL;
        cr_expect(finish(tasks[i], &why), "%u: %s", i, why);
        cr_expect_eq(taken[i].failures, 2);
    }
    cr_expect_eq(workers_started(workers), 1);
    refused = 0;
    workers_free(workers);
}

/* An idle child that somebody ends costs nothing. */
Test(workers, idle_child_is_replaced)
{
    struct worker_limits made = limits();
    struct workers *workers = workers_new(faulty, 1, &made);
    struct taken taken;
    g_autofree char *why = NULL, *pids = NULL;

    cr_assert(finish(submit(workers, NULL, &taken), &why));
    g_autofree char *path = g_strdup_printf("/proc/self/task/%d/children", (int)getpid());
    cr_assert(g_file_get_contents(path, &pids, NULL, NULL));
    int pid = (int)g_ascii_strtoll(pids, NULL, 10);
    cr_assert_gt(pid, 0);
    kill(pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT); /* until it has ended */
    cr_expect(finish(submit(workers, NULL, &taken), &why), "%s", why);
    cr_expect_eq(taken.failures, 2);
    cr_expect_eq(workers_started(workers), 2);
    workers_free(workers);
}

/* ---- What a child gets ---- */

Test(workers, child_has_nothing_of_ours)
{
    struct worker_limits made = limits();
    struct workers *workers = workers_new(faulty, 1, &made);
    struct taken taken;
    g_autofree char *why = NULL, *pids = NULL, *environment = NULL;
    gsize size;

    g_setenv("SSH_AUTH_SOCK", "/tmp/agent", TRUE);
    g_setenv("TRUSTGAP_TEST_SECRET", "secret", TRUE);
    int open_one = open("/dev/null", O_RDONLY); /* not to be closed on exec */
    cr_assert(finish(submit(workers, NULL, &taken), &why), "%s", why);
    g_autofree char *children = g_strdup_printf("/proc/self/task/%d/children", (int)getpid());
    cr_assert(g_file_get_contents(children, &pids, NULL, NULL));
    g_strchomp(pids);
    g_autofree char *path = g_strdup_printf("/proc/%s/environ", pids);
    cr_assert(g_file_get_contents(path, &environment, &size, NULL));
    cr_expect_null(memmem(environment, size, "SSH_AUTH_SOCK", 13));
    cr_expect_null(memmem(environment, size, "SECRET", 6));
    g_autofree char *folder = g_strdup_printf("/proc/%s/fd", pids);
    g_autoptr(GDir) files = g_dir_open(folder, 0, NULL);
    for (const char *name; (name = g_dir_read_name(files));)
        cr_expect_leq(g_ascii_strtoll(name, NULL, 10), WORKER_FD, "descriptor %s", name);
    close(open_one);
    workers_free(workers);
}

/* ---- Answers that are not in their form ---- */

static void fill_failure(struct trace_failure *failure, GPtrArray *chain, GPtrArray *lines)
{
    static struct trace_cert cert = {.subject = "CN=leaf",
                                     .issuer = "CN=root",
                                     .serial = "01:02",
                                     .md5 = "00",
                                     .not_before = "2013-12-08T08:36:55",
                                     .not_after = "2037-12-08T08:36:55",
                                     .key_type = "rsaEncryption",
                                     .key_bits = "1024",
                                     .key_md5 = "01",
                                     .signature_algorithm = "sha1WithRsaEncryption",
                                     .failed_check = "Validity"};

    *failure = (struct trace_failure){.cause = CAUSE_HANDSHAKE,
                                      .error = "SSSLERR_SSL_CONNECT",
                                      .code = -57,
                                      .role = ROLE_SERVER,
                                      .store = "/usr/sap/PRD/D00/sec/SAPSSLC.pse",
                                      .store_cut = TRUE,
                                      .target = "api.example.com",
                                      .port = 443,
                                      .peer = "192.0.2.7:443",
                                      .local = CERTS_NOW,
                                      .chain = chain,
                                      .missing = "CN=root",
                                      .missing_cut = TRUE,
                                      .certainty = CERTAINTY_ISSUER,
                                      .failed_check = "Validity",
                                      .level = 2,
                                      .reason = "received a fatal alert",
                                      .part = 1,
                                      .offset = 4711,
                                      .line = 17,
                                      .lines = lines,
                                      .cut = TRUE,
                                      .torn_begin = TRUE,
                                      .torn_end = TRUE,
                                      .unmarked = TRUE,
                                      .n_lines = 30,
                                      .n_known = 29,
                                      .listed = TRUE,
                                      .alone = TRUE,
                                      .alert = 48,
                                      .details = TRUE,
                                      .sni = TRUE,
                                      .snc = 3,
                                      .message = TRUE};
    if (!cert.der)
        cert.der = g_bytes_new_static("DER", 3);
    g_ptr_array_add(chain, &cert);
    g_ptr_array_add(lines, (char *)"a line");
    g_ptr_array_add(lines, (char *)"");
}

/* What goes in comes out: packed again it is the same; and no byte of it can be left out or doubled. */
Test(workers, failures_are_packed)
{
    g_autoptr(GPtrArray) chain = g_ptr_array_new(), lines = g_ptr_array_new(),
                         chain_again = g_ptr_array_new_with_free_func(trace_unpack_free),
                         lines_again = g_ptr_array_new();
    g_autoptr(GByteArray) out = g_byte_array_new(), again = g_byte_array_new();
    struct trace_failure failure, unpacked;

    fill_failure(&failure, chain, lines);
    trace_pack(out, &failure);
    struct unpack unpack = {out->data, out->data + out->len, FALSE};
    trace_unpack(&unpacked, &unpack, chain_again, lines_again);
    cr_assert(unpack_is_done(&unpack));
    trace_pack(again, &unpacked);
    cr_assert_eq(again->len, out->len);
    cr_expect_arr_eq(again->data, out->data, out->len);
    cr_expect_str_eq(unpacked.missing, failure.missing);
    cr_expect_eq(unpacked.n_known, 29);
    for (guint size = 0; size < out->len; size++) {
        g_autofree uint8_t *piece = g_memdup2(out->data, size); /* so that reading beyond it is noticed */
        unpack = (struct unpack){piece, piece + size, FALSE};
        trace_unpack(&unpacked, &unpack, chain_again, lines_again);
        cr_expect(!unpack_is_done(&unpack), "cut at %u", size);
    }
    unsigned taken = 0;
    for (guint i = 0; i < out->len; i++)
        for (int bit = 0; bit < 8; bit++) {
            g_autofree uint8_t *piece = g_memdup2(out->data, out->len);
            piece[i] ^= (uint8_t)(1 << bit);
            unpack = (struct unpack){piece, piece + out->len, FALSE};
            trace_unpack(&unpacked, &unpack, chain_again, lines_again);
            taken += unpack_is_done(&unpack);
        }
    cr_expect_gt(taken, 0);
    cr_expect_lt(taken, out->len * 6, "many flips have to be refused");
}

/* The same for nodes of documents. */
Test(workers, nodes_are_packed)
{
    static const char xml[] = "<a xmlns='urn:a' xmlns:i='urn:i' b='1' i:c='&lt;2'><d/></a>";
    xmlTextReader *xml_reader = xmlReaderForMemory(xml, (int)strlen(xml), NULL, NULL, 0);
    g_autoptr(GByteArray) out = g_byte_array_new();
    struct xml_node node;

    cr_assert_eq(xmlTextReaderRead(xml_reader), 1);
    xml_node_pack(out, xml_reader, 17);
    cr_assert(xml_node_unpack(&node, out->data, out->len));
    cr_expect_eq(node.type, XML_READER_TYPE_ELEMENT);
    cr_expect_eq(node.line, 17);
    cr_expect_not(node.empty);
    cr_expect_str_eq(node.name, "a");
    cr_expect_str_eq(node.space, "urn:a");
    cr_assert_eq(node.n_attributes, 4);
    cr_expect_str_eq(node.attributes[2].name, "b");
    cr_expect_null(node.attributes[2].space);
    cr_expect_str_eq(node.attributes[3].name, "c");
    cr_expect_str_eq(node.attributes[3].space, "urn:i");
    cr_expect_str_eq(node.attributes[3].value, "<2");
    for (guint size = 0; size < out->len; size++) {
        g_autofree uint8_t *piece = g_memdup2(out->data, size);
        cr_expect_not(xml_node_unpack(&node, piece, size), "cut at %u", size);
    }
    for (guint i = 0; i < out->len; i++)
        for (int bit = 0; bit < 8; bit++) {
            g_autofree uint8_t *piece = g_memdup2(out->data, out->len);
            piece[i] ^= (uint8_t)(1 << bit);
            if (xml_node_unpack(&node, piece, out->len))
                cr_expect_leq(node.n_attributes, XML_NODE_ATTRIBUTES);
        }
    xmlFreeTextReader(xml_reader);
}

static const struct {
    const char *what;
    const char *bytes;
    int64_t size; /* as it is said */
    gboolean text, key;
} texts[] = {
    {"a text", "abc", 4, TRUE, TRUE},
    {"an empty text", "", 1, TRUE, TRUE},
    {"none", "", 0, TRUE, TRUE},
    {"beyond the end", "abc", 5, FALSE, FALSE},
    {"far beyond the end", "abc", G_MAXINT64, FALSE, FALSE},
    {"a negative size", "abc", -1, FALSE, FALSE},
    {"a NUL inside", "a\0c", 4, FALSE, FALSE},
    {"no NUL at the end", "abcd", 4, FALSE, FALSE},
    {"a line feed", "a\nc", 4, FALSE, TRUE},
    {"an escape", "a\033c", 4, FALSE, TRUE},
    {"DEL", "a\177c", 4, FALSE, TRUE},
    {"no UTF-8",
     "a\xff"
     "c",
     4, FALSE, FALSE},
    {"UTF-8",
     "\xc3\xa4"
     "c",
     4, TRUE, TRUE},
};

Test(workers, texts_are_checked)
{
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        for (int key = 0; key < 2; key++) {
            g_autoptr(GByteArray) out = g_byte_array_new();
            pack_number(out, texts[i].size);
            g_byte_array_append(out, (const guint8 *)texts[i].bytes,
                                texts[i].size == 0   ? 0
                                : texts[i].size == 1 ? 1
                                                     : 4);
            g_autofree uint8_t *piece = g_memdup2(out->data, out->len);
            struct unpack unpack = {piece, piece + out->len, FALSE};
            const char *text = key ? unpack_key(&unpack) : unpack_text(&unpack);
            gboolean fine = key ? texts[i].key : texts[i].text;
            cr_expect_eq(unpack_is_done(&unpack), fine, "%s", texts[i].what);
            cr_expect(fine || !text, "%s", texts[i].what);
        }
}

static const struct {
    int64_t number;
    gboolean fine;
} moments[] = {
    {INT64_MIN, TRUE}, {INT64_MIN + 1, FALSE},        {INT64_C(-62167219201), FALSE}, {INT64_C(-62167219200), TRUE},
    {0, TRUE},         {INT64_C(253402300799), TRUE}, {INT64_C(253402300800), FALSE}, {INT64_MAX, FALSE},
};

Test(workers, moments_are_checked)
{
    for (size_t i = 0; i < G_N_ELEMENTS(moments); i++) {
        g_autoptr(GByteArray) out = g_byte_array_new();
        pack_number(out, moments[i].number);
        struct unpack unpack = {out->data, out->data + out->len, FALSE};
        unpack_moment(&unpack);
        cr_expect_eq(unpack_is_done(&unpack), moments[i].fine, "%" G_GINT64_FORMAT, moments[i].number);
    }
}
