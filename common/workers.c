#include "workers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define MIB             ((size_t)1024 * 1024)
#define READ_BYTES      ((size_t)256 * 1024)
#define SAID_BYTES      ((size_t)64 * 1024) /* of an answer, sent at once */
#define TICK_MS         100                 /* between two looks at what children use */
#define START_TRIES     20                  /* to start a child when there is none: the reason may pass */
#define START_WAIT_MS   100                 /* between two of them */
#define LEAVE_TRIES     200                 /* a millisecond each, for an idle child to end by itself */
#define MEMORY_STATUS   79                  /* exit status of a child without memory */
#define NANO            INT64_C(1000000)    /* of a millisecond */
#define ANSWER_END      0
#define UNKNOWN_BYTES   ((uint64_t)1024 * MIB) /* as much as that counts what is no file and has no size */
#define MOST_FOR_A_BYTE 64 /* of all messages for a byte of the input, which hostile text may reach */

struct head { /* of a message */
    uint32_t kind, size;
};

struct worker_limits worker_limits_usual(void)
{
    return (struct worker_limits){
        .cpu_ms = 60000,
        .cpu_ms_of_mib = 1000,
        .asleep_ms = 60000,
        .memory_bytes = 1024 * MIB,
        .message_bytes = 64 * MIB,
    };
}

/* ---- The parent ---- */

struct worker {
    pid_t pid;
    int fd;
    struct worker_task *task;  /* NULL: idle */
    GByteArray *buffer;        /* of its answer, what is not taken yet */
    unsigned answers;          /* that it has given */
    uint64_t answered;         /* bytes of the answer */
    int64_t begun_ns, used_ns; /* processor time: when the request came, when it was looked at last */
    unsigned asleep_ms;
};

struct worker_task {
    struct workers *workers;
    struct worker_request request;
    const struct worker_taker *taker;
    void *data;
    uint64_t input_bytes;
    off_t begins[WORKER_FILES]; /* where reading its files began */
    gboolean tried;             /* once, in vain: now it gets a new child */
    gboolean done;
    char *why; /* NULL: it is done, and well */
};

struct workers {
    const char *const *command;
    unsigned count, started;
    struct worker_limits limits;
    GPtrArray *children; /* of struct worker * */
    GQueue queue;        /* of struct worker_task * */
    int64_t looked_us;   /* when all children were looked at last */
};

struct workers *workers_new(const char *const *command, unsigned count, const struct worker_limits *limits)
{
    struct workers *workers = g_new0(struct workers, 1);
    workers->command = command;
    workers->count = CLAMP(count > 0 ? count : g_get_num_processors(), 1, WORKERS_MAX);
    workers->limits = *limits;
    workers->children = g_ptr_array_new();
    g_queue_init(&workers->queue);
    return workers;
}

unsigned workers_count(const struct workers *workers)
{
    return workers->count;
}

unsigned workers_started(const struct workers *workers)
{
    return workers->started;
}

/* Only what the locale and the libraries need: no agent, no password. */
static char **choose_environment(void)
{
    static const char *const kept[] = {"LANG",         "LC_ALL",       "LC_CTYPE",         "LD_LIBRARY_PATH",
                                       "OPENSSL_CONF", "ASAN_OPTIONS", "UBSAN_OPTIONS",    "OPENSSL_MODULES",
                                       "LSAN_OPTIONS", "G_SLICE",      "LLVM_PROFILE_FILE"};
    GPtrArray *chosen = g_ptr_array_new();

    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
        const char *value = g_getenv(kept[i]);
        if (value)
            g_ptr_array_add(chosen, g_strconcat(kept[i], "=", value, NULL));
    }
    g_ptr_array_add(chosen, NULL);
    return (char **)g_ptr_array_free(chosen, FALSE);
}

int worker_spawn(pid_t *pid, const char *const *command, int fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    g_auto(GStrv) environment = choose_environment();

    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    /* The socket first: it may be where one of the others goes. */
    posix_spawn_file_actions_adddup2(&actions, fd, WORKER_FD);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (!SANITIZED) /* what a child that was taken over writes is nothing for a terminal */
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int failure = posix_spawn(pid, command[0], &actions, &attributes, (char *const *)command, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* AddressSanitizer's own memory counts as the child's. */
static void limit(pid_t pid, const struct worker_limits *limits)
{
    const struct rlimit memory = {limits->memory_bytes, limits->memory_bytes}, none = {0, 0};

    if (!SANITIZED)
        prlimit(pid, RLIMIT_DATA, &memory, NULL);
    prlimit(pid, RLIMIT_CORE, &none, NULL);
}

/* A new child; NULL with errno set. */
static struct worker *start(struct workers *workers)
{
    int fds[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return NULL;
    int failure = worker_spawn(&pid, workers->command, fds[1]);
    close(fds[1]);
    if (failure) {
        close(fds[0]);
        errno = failure;
        return NULL;
    }
    limit(pid, &workers->limits);
    struct worker *worker = g_new0(struct worker, 1);
    worker->pid = pid;
    worker->fd = fds[0];
    worker->buffer = g_byte_array_new();
    g_ptr_array_add(workers->children, worker);
    workers->started++;
    return worker;
}

static int reap(pid_t pid, int options)
{
    int status = 0;
    pid_t done;

    do
        done = waitpid(pid, &status, options);
    while (done < 0 && errno == EINTR);
    return done == 0 ? -1 : status;
}

static void forget(struct workers *workers, struct worker *worker)
{
    g_ptr_array_remove_fast(workers->children, worker);
    g_byte_array_unref(worker->buffer);
    g_free(worker);
}

/* End a child and tell how it ended; one that had ended by itself keeps the status that it had. */
static int stop(struct workers *workers, struct worker *worker)
{
    close(worker->fd);
    kill(worker->pid, SIGKILL);
    int status = reap(worker->pid, 0);
    forget(workers, worker);
    return status;
}

/* An idle child ends when there is nobody any more who could ask it. */
static void dismiss(struct workers *workers, struct worker *worker)
{
    close(worker->fd);
    for (unsigned i = 0; i < LEAVE_TRIES; i++) {
        if (reap(worker->pid, WNOHANG) >= 0) {
            forget(workers, worker);
            return;
        }
        g_usleep(1000);
    }
    kill(worker->pid, SIGKILL);
    reap(worker->pid, 0);
    forget(workers, worker);
}

void workers_free(struct workers *workers)
{
    if (!workers)
        return;
    g_assert(g_queue_is_empty(&workers->queue));
    while (workers->children->len > 0)
        dismiss(workers, workers->children->pdata[0]);
    g_ptr_array_unref(workers->children);
    g_free(workers);
}

static void finish(struct worker_task *task, char *why)
{
    task->done = TRUE;
    task->why = why;
}

const char *worker_signal_name(int number)
{
    static const struct {
        int number;
        const char *name;
    } rows[] = {
        {SIGSEGV, "SIGSEGV"}, {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGILL, "SIGILL"}, {SIGFPE, "SIGFPE"},
        {SIGTRAP, "SIGTRAP"}, {SIGKILL, "SIGKILL"}, {SIGXCPU, "SIGXCPU"}, {SIGSYS, "SIGSYS"}, {SIGTERM, "SIGTERM"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].number == number)
            return rows[i].name;
    return "another signal";
}

static char *out_of_memory(const struct workers *workers)
{
    return g_strdup_printf("the parser needed more than %zu MiB of memory", workers->limits.memory_bytes / MIB);
}

static char *explain_end(const struct workers *workers, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return g_strdup("the parser was killed twice (SIGKILL)");
    if (WIFSIGNALED(status))
        return g_strdup_printf("the parser crashed (%s)", worker_signal_name(WTERMSIG(status)));
    if (WEXITSTATUS(status) == MEMORY_STATUS)
        return out_of_memory(workers);
    return g_strdup_printf("the parser ended without an answer (exit status %d)", WEXITSTATUS(status));
}

/* Whether the input can be read from its beginning again. */
static gboolean can_try_again(const struct worker_task *task)
{
    struct stat status;

    for (int i = 0; i < WORKER_FILES; i++)
        if (task->request.files[i] >= 0 && (fstat(task->request.files[i], &status) != 0 || !S_ISREG(status.st_mode)))
            return FALSE;
    return !task->tried && task->taker->again;
}

static void try_again(struct workers *workers, struct worker_task *task)
{
    task->tried = TRUE;
    task->taker->again(task->data);
    for (int i = 0; i < WORKER_FILES; i++)
        lseek(task->request.files[i], task->begins[i], SEEK_SET);
    g_queue_push_head(&workers->queue, task);
}

/* The child has ended by itself, or somebody has ended it: perhaps a kernel that is short of memory for others. */
static void on_end(struct workers *workers, struct worker *worker)
{
    struct worker_task *task = worker->task;
    gboolean fresh = worker->answers == 0;
    int status = stop(workers, worker);

    if (can_try_again(task) && (!fresh || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)))
        try_again(workers, task);
    else
        finish(task, explain_end(workers, status));
}

static void give_up(struct workers *workers, struct worker *worker, char *why)
{
    struct worker_task *task = worker->task;
    gboolean fresh = worker->answers == 0;

    stop(workers, worker);
    if (fresh || !can_try_again(task)) {
        finish(task, why);
        return;
    }
    g_free(why);
    try_again(workers, task);
}

/* Processor time of a child; -1 if it is not known. */
static int64_t processor_ns(pid_t pid)
{
    clockid_t clock;
    struct timespec now;

    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &now) != 0)
        return -1;
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static gboolean read_proc(pid_t pid, const char *name, char *text, size_t size)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, size - 1) : -1;

    if (fd >= 0)
        close(fd);
    text[MAX(got, 0)] = '\0';
    return got > 0;
}

static size_t own_memory(pid_t pid)
{
    char text[256];
    uint64_t all, resident, shared;

    if (!read_proc(pid, "statm", text, sizeof text) ||
        sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &all, &resident, &shared) != 3 || shared > resident)
        return 0;
    return (resident - shared) * (size_t)sysconf(_SC_PAGESIZE);
}

/* Neither running nor waiting for a disk, nor stopped by somebody. */
static gboolean is_asleep(pid_t pid)
{
    char text[512];

    if (!read_proc(pid, "stat", text, sizeof text))
        return FALSE;
    const char *name_end = strrchr(text, ')');
    return name_end && name_end[1] == ' ' && name_end[2] == 'S';
}

static int64_t allowed_ns(const struct workers *workers, const struct worker_task *task)
{
    int64_t ms = workers->limits.cpu_ms + (int64_t)(task->input_bytes / MIB) * workers->limits.cpu_ms_of_mib;
    return ms * NANO;
}

static void look_at(struct workers *workers, struct worker *worker, unsigned passed_ms)
{
    int64_t used_ns = processor_ns(worker->pid);

    if (used_ns - worker->begun_ns > allowed_ns(workers, worker->task)) {
        give_up(workers, worker,
                g_strdup_printf("the parser needed more than %" PRId64 " ms of processor time",
                                allowed_ns(workers, worker->task) / NANO));
        return;
    }
    if (own_memory(worker->pid) > workers->limits.memory_bytes) {
        give_up(workers, worker, out_of_memory(workers));
        return;
    }
    gboolean asleep = used_ns == worker->used_ns && is_asleep(worker->pid);
    worker->used_ns = used_ns;
    worker->asleep_ms = asleep ? worker->asleep_ms + passed_ms : 0;
    if (worker->asleep_ms > workers->limits.asleep_ms)
        give_up(workers, worker, g_strdup("the parser has stopped without an answer"));
}

/* One after the other from the end, since one that is given up leaves the array and the last takes its place. */
static void look_at_all(struct workers *workers)
{
    int64_t now_us = g_get_monotonic_time(), passed_us = now_us - workers->looked_us;

    if (passed_us < TICK_MS * 1000)
        return;
    workers->looked_us = now_us;
    for (guint i = workers->children->len; i-- > 0;) {
        struct worker *worker = workers->children->pdata[i];
        /* Time in which nobody looked says nothing about the child. */
        if (worker->task)
            look_at(workers, worker, (unsigned)MIN(passed_us / 1000, 2 * TICK_MS));
    }
}

static gboolean send_request(struct worker *worker, const struct worker_task *task)
{
    struct worker_request request = task->request;
    struct iovec iovec = {&request, sizeof request};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof request.files)];
    } control = {0};
    struct msghdr message = {.msg_iov = &iovec, .msg_iovlen = 1};
    int fds[WORKER_FILES];
    size_t n = 0;

    for (int i = 0; i < WORKER_FILES; i++)
        if (request.files[i] >= 0) {
            fds[n] = request.files[i];
            request.files[i] = (int)n++; /* the child puts its own number there */
        }
    if (n > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(n * sizeof fds[0]);
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(n * sizeof fds[0]);
        memcpy(CMSG_DATA(header), fds, n * sizeof fds[0]);
    }
    /* It always has room: the child has nothing else to read. */
    return sendmsg(worker->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof request;
}

/* Whether nothing has come from an idle child, not even its end. */
static gboolean is_quiet(const struct worker *worker)
{
    char byte;
    return recv(worker->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

static struct worker *find_idle(struct workers *workers)
{
    for (guint i = workers->children->len; i-- > 0;) {
        struct worker *worker = workers->children->pdata[i];
        if (worker->task)
            continue;
        if (is_quiet(worker))
            return worker;
        stop(workers, worker);
    }
    return NULL;
}

/* A child for a request; NULL: all are busy, or there is none to be had and errno says why. */
static struct worker *find_or_start(struct workers *workers, const struct worker_task *task)
{
    struct worker *worker = find_idle(workers);

    if (worker && task->tried && worker->answers > 0) {
        stop(workers, worker);
        worker = NULL;
    }
    errno = EAGAIN;
    if (worker || workers->children->len >= workers->count)
        return worker;
    worker = start(workers);
    for (unsigned i = 1; !worker && workers->children->len == 0 && i < START_TRIES; i++) {
        g_usleep(START_WAIT_MS * 1000);
        worker = start(workers);
    }
    return worker;
}

static void dispatch(struct workers *workers)
{
    while (!g_queue_is_empty(&workers->queue)) {
        struct worker *worker = find_or_start(workers, g_queue_peek_head(&workers->queue));
        int failure = errno;
        if (!worker && workers->children->len > 0)
            return;
        struct worker_task *task = g_queue_pop_head(&workers->queue);
        if (!worker) {
            finish(task, g_strdup_printf("no process could be started for the parser: %s", g_strerror(failure)));
            continue;
        }
        worker->task = task;
        worker->answered = 0;
        worker->asleep_ms = 0;
        worker->begun_ns = worker->used_ns = MAX(processor_ns(worker->pid), 0);
        if (!send_request(worker, task))
            on_end(workers, worker);
    }
}

/* Take the whole messages in the buffer of a child.  FALSE: it was given up, or its task is done. */
static void take_messages(struct workers *workers, struct worker *worker)
{
    struct worker_task *task = worker->task;
    const guint8 *bytes = worker->buffer->data;
    size_t size = worker->buffer->len, at = 0;
    struct head head;

    while (size - at >= sizeof head) {
        memcpy(&head, bytes + at, sizeof head);
        if (head.size > workers->limits.message_bytes) {
            give_up(workers, worker, g_strdup("the parser's answer is too large"));
            return;
        }
        /* Rounded up, so that each message begins at an address with which numbers can be read. */
        size_t whole = sizeof head + ((size_t)head.size + 7) / 8 * 8;
        if (size - at < whole)
            break;
        at += whole;
        if (head.kind == ANSWER_END) {
            if (head.size > 0 || at < size || !task->taker->end(task->data)) {
                give_up(workers, worker, g_strdup("the parser's answer is not in its form"));
                return;
            }
            g_byte_array_set_size(worker->buffer, 0);
            worker->task = NULL;
            worker->answers++;
            finish(task, NULL);
            return;
        }
        if (!task->taker->take(task->data, head.kind, bytes + at - whole + sizeof head, head.size)) {
            give_up(workers, worker, g_strdup("the parser's answer is not in its form"));
            return;
        }
    }
    if (at > 0)
        g_byte_array_remove_range(worker->buffer, 0, (guint)at);
}

static void read_answer(struct workers *workers, struct worker *worker)
{
    guint before = worker->buffer->len;

    g_byte_array_set_size(worker->buffer, before + (guint)READ_BYTES);
    ssize_t got = recv(worker->fd, worker->buffer->data + before, READ_BYTES, MSG_DONTWAIT);
    int failure = errno;
    g_byte_array_set_size(worker->buffer, before + (guint)MAX(got, 0));
    if (got < 0 && (failure == EAGAIN || failure == EINTR))
        return;
    if (got <= 0) {
        on_end(workers, worker);
        return;
    }
    worker->asleep_ms = 0;
    worker->answered += (uint64_t)got;
    uint64_t most = workers->limits.message_bytes + worker->task->input_bytes * MOST_FOR_A_BYTE;
    if (worker->answered > most)
        give_up(workers, worker, g_strdup("the parser's answer is too large"));
    else
        take_messages(workers, worker);
}

/* Wait until a child says something, but not for long. */
static void wait_and_read(struct workers *workers)
{
    struct pollfd fds[WORKERS_MAX];
    struct worker *busy[WORKERS_MAX];
    nfds_t n = 0;

    for (guint i = 0; i < workers->children->len; i++) {
        struct worker *worker = workers->children->pdata[i];
        if (!worker->task)
            continue;
        fds[n] = (struct pollfd){.fd = worker->fd, .events = POLLIN};
        busy[n++] = worker;
    }
    if (n > 0 && poll(fds, n, TICK_MS) > 0)
        for (nfds_t i = 0; i < n; i++)
            if (fds[i].revents)
                read_answer(workers, busy[i]);
    look_at_all(workers);
}

struct worker_task *workers_submit(struct workers *workers, const struct worker_request *request,
                                   const struct worker_taker *taker, void *data)
{
    struct worker_task *task = g_new0(struct worker_task, 1);
    struct stat status;

    task->workers = workers;
    task->request = *request;
    task->taker = taker;
    task->data = data;
    for (int i = 0; i < WORKER_FILES; i++)
        if (request->files[i] >= 0 && fstat(request->files[i], &status) == 0) {
            task->input_bytes += S_ISREG(status.st_mode) ? (uint64_t)status.st_size : UNKNOWN_BYTES;
            task->begins[i] = MAX(lseek(request->files[i], 0, SEEK_CUR), 0);
        }
    g_queue_push_tail(&workers->queue, task);
    dispatch(workers);
    return task;
}

gboolean worker_step(struct worker_task *task)
{
    if (!task->done)
        dispatch(task->workers);
    if (!task->done)
        wait_and_read(task->workers);
    return !task->done;
}

gboolean worker_cancel(struct worker_task *task, char **why)
{
    GPtrArray *children = task->workers->children;

    for (guint i = 0; !task->done && i < children->len; i++)
        if (((struct worker *)children->pdata[i])->task == task) {
            stop(task->workers, children->pdata[i]);
            finish(task, NULL);
        }
    if (!task->done && g_queue_remove(&task->workers->queue, task))
        finish(task, NULL);
    return worker_finish(task, why);
}

gboolean worker_finish(struct worker_task *task, char **why)
{
    while (worker_step(task))
        continue;
    gboolean ok = !task->why;
    for (int i = 0; i < WORKER_FILES; i++)
        if (task->request.files[i] > STDIN_FILENO)
            close(task->request.files[i]);
    dispatch(task->workers);
    *why = task->why;
    g_free(task);
    return ok;
}

int worker_file(const void *bytes, size_t size)
{
    int fd = memfd_create("trustgap", MFD_CLOEXEC);
    size_t written = 0;

    while (fd >= 0 && written < size) {
        ssize_t done = write(fd, (const char *)bytes + written, size - written);
        if (done < 0 && errno != EINTR) {
            close(fd);
            return -1;
        }
        written += (size_t)MAX(done, 0);
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* ---- The child ---- */

struct worker_answer {
    GByteArray *said;
};

void worker_send(struct worker_answer *answer)
{
    const guint8 *at = answer->said->data;
    size_t left = answer->said->len;

    while (left > 0) {
        ssize_t done = write(WORKER_FD, at, left);
        if (done < 0 && errno != EINTR)
            _exit(1); /* there is nobody any more who wants to know */
        at += MAX(done, 0);
        left -= (size_t)MAX(done, 0);
    }
    g_byte_array_set_size(answer->said, 0);
}

void worker_say(struct worker_answer *answer, uint32_t kind, const void *bytes, size_t size)
{
    static const guint8 padding[8];
    const struct head head = {kind, (uint32_t)size};

    g_assert(size <= G_MAXINT32);
    g_byte_array_append(answer->said, (const guint8 *)&head, sizeof head);
    if (size > 0)
        g_byte_array_append(answer->said, bytes, (guint)size);
    g_byte_array_append(answer->said, padding, (guint)((8 - size % 8) % 8));
    if (answer->said->len >= SAID_BYTES)
        worker_send(answer);
}

/* GLib ends a process that gets no memory with a message only. */
static GLogWriterOutput on_log(GLogLevelFlags level, const GLogField *fields, gsize n, void *data)
{
    for (gsize i = 0; level & G_LOG_LEVEL_ERROR && i < n; i++)
        if (strcmp(fields[i].key, "MESSAGE") == 0 && strstr(fields[i].value, "failed to allocate"))
            _exit(MEMORY_STATUS);
    return g_log_writer_default(level, fields, n, data);
}

/* The next request, with its descriptors.  FALSE: there are no more. */
static gboolean receive(struct worker_request *request)
{
    struct iovec iovec = {request, sizeof *request};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof request->files)];
    } control;
    struct msghdr message = {
        .msg_iov = &iovec, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    int fds[WORKER_FILES] = {-1, -1};
    ssize_t got;

    do
        got = recvmsg(WORKER_FD, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof *request)
        return FALSE;
    const struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(fds, CMSG_DATA(header), MIN(header->cmsg_len - CMSG_LEN(0), sizeof fds));
    for (int i = 0; i < WORKER_FILES; i++)
        request->files[i] = request->files[i] >= 0 && request->files[i] < WORKER_FILES ? fds[request->files[i]] : -1;
    return TRUE;
}

static gboolean work_on(struct worker_answer *answer, const struct worker_request *request, worker_work *const *works)
{
    for (size_t i = 0; works[i]; i++)
        if (works[i](answer, request))
            return TRUE;
    return FALSE;
}

void worker_settle(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_IGN);
    /* A key on the terminal is for the parent, which decides what becomes of the run. */
    signal(SIGINT, SIG_IGN);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    syscall(SYS_close_range, WORKER_FD + 1, ~0U, 0);
}

int worker_serve(worker_work *const *works)
{
    struct worker_answer answer = {.said = g_byte_array_new()};
    struct worker_request request;

    worker_settle();
    g_log_set_writer_func(on_log, NULL, NULL);
    while (receive(&request)) {
        if (!work_on(&answer, &request, works))
            return 1;
        for (int i = 0; i < WORKER_FILES; i++)
            if (request.files[i] >= 0)
                close(request.files[i]);
        worker_say(&answer, ANSWER_END, NULL, 0);
        worker_send(&answer);
    }
    g_byte_array_unref(answer.said);
    return 0;
}
