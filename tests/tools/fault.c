/*
 * Parsers that fail as the bytes say: "trustgap-fault=segv" in a trace, a listing, a certificate.  They stand in front
 * of the true ones in a program that is built for tests only (tests/tools/meson.build, ld's --wrap).
 */
#include "certificate.h"
#include "listing.h"
#include "report.h"
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

static volatile int sink;
static gboolean taken_over; /* the bytes of one request have a hold on what becomes of the next */

static int recurse(const volatile char *above, int depth)
{
    volatile char frame[4096];

    if (sink == INT_MIN) /* never: the stack ends before */
        return 0;
    frame[0] = (char)(above[0] + depth);
    sink += frame[0];
    return recurse(frame, depth + 1) + frame[0];
}

static void send(const void *bytes, size_t size)
{
    if (write(WORKER_FD, bytes, size) != (ssize_t)size)
        abort();
}

static void say(uint32_t kind, uint32_t size)
{
    const uint32_t head[2] = {kind, size};
    send(head, sizeof head);
}

static void on_segv(void)
{
    raise(SIGSEGV);
}

static void on_loop(void)
{
    for (;;)
        sink++;
}

static void on_stack(void)
{
    sink += recurse("", 0);
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
        send(bytes, sizeof bytes);
    }
}

static void on_garbage(void)
{
    static const char bytes[40] = "GET / HTTP/1.0\r\nHost: trustgap\r\n\r\n";
    say(1, sizeof bytes);
    send(bytes, sizeof bytes);
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
