/*
 * Parsers that fail as the bytes say: "trustgap-fault=segv" in a trace, a listing, a certificate.  Workers of the
 * collector that fail, or lie to their parent, as the name of a host says: "fault-segv".  A disk that takes its time:
 * TRUSTGAP_FAULT_DISK_S seconds for what is brought to it first.  They stand in front of the true ones in a program
 * that is built for tests only (tests/tools/meson.build, ld's --wrap).
 */
#include "certificate.h"
#include "listing.h"
#include "monitor.h"
#include "report.h"
#include "session.h"
#include "trace.h"
#include "workers.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK "trustgap-fault="
#define MIB  ((size_t)1024 * 1024)

void __real_trace_read(struct trace *trace, const void *bytes, size_t size);
void __wrap_trace_read(struct trace *trace, const void *bytes, size_t size);
struct listing *__real_listing_parse(const void *bytes, size_t size);
struct listing *__wrap_listing_parse(const void *bytes, size_t size);
gboolean __real_certificate_read(struct certificate *certificate, const void *bytes, size_t size,
                                 struct signatures *signatures);
gboolean __wrap_certificate_read(struct certificate *certificate, const void *bytes, size_t size,
                                 struct signatures *signatures);
gboolean __real_report_work(struct worker_answer *answer, const struct worker_request *request);
gboolean __wrap_report_work(struct worker_answer *answer, const struct worker_request *request);
struct worker_limits __real_worker_limits_usual(void);
struct worker_limits __wrap_worker_limits_usual(void);

struct session *__real_session_open(struct session_means *means, const struct order *order, struct service *service,
                                    const struct sink *sink);
struct session *__wrap_session_open(struct session_means *means, const struct order *order, struct service *service,
                                    const struct sink *sink);
struct monitor_limits __real_monitor_limits(void);
struct monitor_limits __wrap_monitor_limits(void);
gboolean __real_capture_commit(struct capture_writer *writer, GError **error);
gboolean __wrap_capture_commit(struct capture_writer *writer, GError **error);

static volatile int nothing;
static gboolean taken_over; /* the bytes of one request have a hold on what becomes of the next */

static int recurse(const volatile char *above, int depth)
{
    volatile char frame[4096];

    if (nothing == INT_MIN) /* never: the stack ends before */
        return 0;
    frame[0] = (char)(above[0] + depth);
    nothing += frame[0];
    return recurse(frame, depth + 1) + frame[0];
}

static void send_all(const void *bytes, size_t size)
{
    if (write(WORKER_FD, bytes, size) != (ssize_t)size)
        abort();
}

static void say(uint32_t kind, uint32_t size)
{
    const uint32_t head[2] = {kind, size};
    send_all(head, sizeof head);
}

static void on_segv(void)
{
    raise(SIGSEGV);
}

static void on_loop(void)
{
    for (;;)
        nothing++;
}

static void on_stack(void)
{
    nothing += recurse("", 0);
}

/* More than a test allows; what is not refused is noticed. */
static void on_memory(void)
{
    for (int i = 0; i < 512; i++)
        memset(g_malloc(MIB), i, MIB);
    pause();
}

static void on_exit_status(void)
{
    _exit(7);
}

static void on_sleep(void)
{
    for (;;)
        pause();
}

static void on_kill(void)
{
    raise(SIGKILL);
}

/* The children of one parent are killed and not killed in turn. */
static void on_kill_once(void)
{
    int id = shmget(getppid(), 1, IPC_CREAT | IPC_EXCL | 0600);
    if (id >= 0)
        raise(SIGKILL);
    id = shmget(getppid(), 1, 0600);
    shmctl(id, IPC_RMID, NULL);
}

static void on_large(void)
{
    say(1, UINT32_MAX - 7);
    pause();
}

static void on_flood(void)
{
    static char bytes[MIB];
    for (;;) {
        say(2, sizeof bytes);
        send_all(bytes, sizeof bytes);
    }
}

static void on_garbage(void)
{
    static const char bytes[40] = "GET / HTTP/1.0\r\nHost: trustgap\r\n\r\n";
    say(1, sizeof bytes);
    send_all(bytes, sizeof bytes);
    pause();
}

static void on_unknown_kind(void)
{
    say(4711, 0);
}

static void on_early_end(void)
{
    say(0, 0);
    pause();
}

/* What comes behind the end belongs to nothing. */
static void on_twice(void)
{
    say(0, 0);
    say(0, 0);
    pause();
}

static void on_close(void)
{
    close(WORKER_FD);
    pause();
}

static void on_take_over(void)
{
    taken_over = TRUE;
}

static void fail(const void *bytes, size_t size)
{
    static const struct {
        const char *name;
        void (*fail)(void);
    } faults[] = {
        {"segv", on_segv},         {"abort", abort},         {"loop", on_loop},   {"stack", on_stack},
        {"memory", on_memory},     {"exit", on_exit_status}, {"sleep", on_sleep}, {"killonce", on_kill_once},
        {"kill", on_kill},         {"large", on_large},      {"flood", on_flood}, {"garbage", on_garbage},
        {"kind", on_unknown_kind}, {"end", on_early_end},    {"twice", on_twice}, {"close", on_close},
        {"hold", on_take_over},
    };
    if (taken_over)
        abort();
    const char *mark = size > 0 ? memmem(bytes, size, MARK, strlen(MARK)) : NULL;
    if (!mark)
        return;
    mark += strlen(MARK);
    size_t left = (size_t)((const char *)bytes + size - mark);
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++)
        if (left >= strlen(faults[i].name) && memcmp(mark, faults[i].name, strlen(faults[i].name)) == 0) {
            faults[i].fail();
            return;
        }
}

void __wrap_trace_read(struct trace *trace, const void *bytes, size_t size)
{
    fail(bytes, size);
    __real_trace_read(trace, bytes, size);
}

struct listing *__wrap_listing_parse(const void *bytes, size_t size)
{
    fail(bytes, size);
    return __real_listing_parse(bytes, size);
}

gboolean __wrap_certificate_read(struct certificate *certificate, const void *bytes, size_t size,
                                 struct signatures *signatures)
{
    fail(bytes, size);
    return __real_certificate_read(certificate, bytes, size, signatures);
}

gboolean __wrap_report_work(struct worker_answer *answer, const struct worker_request *request)
{
    static char bytes[MIB];
    ssize_t size = request->kind == REPORT_REQUEST_XML ? pread(request->files[0], bytes, sizeof bytes, 0) : 0;

    fail(bytes, size > 0 ? (size_t)size : 0);
    return __real_report_work(answer, request);
}

/* Nobody wants to wait for a minute. */
struct worker_limits __wrap_worker_limits_usual(void)
{
    struct worker_limits limits = __real_worker_limits_usual();
    limits.cpu_ms = 2000;
    limits.memory_bytes = 384 * MIB;
    return limits;
}

/* What a worker that was taken over may say to its parent. */

static void lie_about_an_object(const struct service *service)
{
    g_autofree char *line =
        g_strdup_printf("{\"host\": \"x\", \"status\": \"collected\", \"traces\": [{\"path\": \"/x\", "
                        "\"object\": \"%064d\"}]}",
                        1);
    g_byte_array_append(channel_begin(service->channel, MESSAGE_LINE, service->host), (const guint8 *)line,
                        (guint)strlen(line));
    channel_end(service->channel);
}

static void lie_about_a_host(const struct service *service)
{
    channel_say(service->channel, MESSAGE_ADMITTED, service->host + 1000);
}

/* A signature before the host has shown a key. */
static void lie_about_a_login(const struct service *service)
{
    GByteArray *message = channel_begin(service->channel, MESSAGE_SIGN, service->host);

    wire_append_u32(message, 1);
    wire_append_u32(message, 0);
    wire_append_string(message, "anything", 8);
    channel_end(service->channel);
}

static void no_message(const struct service *service)
{
    channel_say(service->channel, (enum message_kind)4711, service->host);
}

struct session *__wrap_session_open(struct session_means *means, const struct order *order, struct service *service,
                                    const struct sink *sink)
{
    static const struct {
        const char *name;
        void (*fail)(void);
        void (*lie)(const struct service *service);
    } faults[] = {
        {"fault-segv", on_segv, NULL},          {"fault-abort", abort, NULL},
        {"fault-exit", on_exit_status, NULL},   {"fault-kill", on_kill, NULL},
        {"fault-once", on_kill_once, NULL},     {"fault-block", on_sleep, NULL},
        {"fault-close", on_close, NULL},        {"fault-object", NULL, lie_about_an_object},
        {"fault-host", NULL, lie_about_a_host}, {"fault-login", NULL, lie_about_a_login},
        {"fault-garbage", NULL, no_message},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
        if (strcmp(order->name, faults[i].name) != 0)
            continue;
        if (faults[i].fail)
            faults[i].fail();
        else
            faults[i].lie(service);
    }
    return __real_session_open(means, order, service, sink);
}

/* Nobody wants to wait for a minute. */
struct monitor_limits __wrap_monitor_limits(void)
{
    struct monitor_limits limits = __real_monitor_limits();
    limits.ping_ms = 500;
    limits.silent_ms = 10000;
    return limits;
}

gboolean __wrap_capture_commit(struct capture_writer *writer, GError **error)
{
    static gboolean slept;
    const char *seconds = g_getenv("TRUSTGAP_FAULT_DISK_S");

    if (seconds && !slept)
        g_usleep((gulong)g_ascii_strtoull(seconds, NULL, 10) * G_USEC_PER_SEC);
    slept = TRUE;
    return __real_capture_commit(writer, error);
}
