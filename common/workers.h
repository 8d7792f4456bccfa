/*
 * Child processes that do what may go wrong: parse bytes that came from elsewhere.
 *
 * A request is a few numbers and descriptors of what is to be parsed; the answer is a series of messages.  A child that
 * crashes, doesn't end, needs too much memory, or answers something that is no answer is killed and replaced; that
 * costs the request it was working on and nothing else.  Children live on after a request, since starting one takes
 * longer than parsing most files.
 *
 * A child is a new image of the program: it has none of the parent's memory (keys, passwords), none of its descriptors
 * but a socket, /dev/null and, in a build with sanitizers, standard error, and of its environment only what the locale
 * and the libraries need.  It opens nothing and has no need of the network or of a file system.
 *
 * Time is counted in processor time, so a busy machine costs no request.  Beside that a child that sleeps, without an
 * answer and without using the processor, is given up after a while.  Memory is limited by RLIMIT_DATA (which leaves
 * out mapped files), and by what is resident; a build with AddressSanitizer has only the latter.
 */
#ifndef TRUSTGAP_WORKERS_H
#define TRUSTGAP_WORKERS_H

#include <glib.h>
#include <stdint.h>
#include <sys/types.h>

#define WORKER_FD      3 /* the child's socket */
#define WORKER_NUMBERS 4
#define WORKER_FILES   2
#define WORKERS_MAX    64

struct worker_limits {      /* all of one request */
    unsigned cpu_ms;        /* processor time ... */
    unsigned cpu_ms_of_mib; /* ... and for each MiB of its input */
    unsigned asleep_ms;     /* without an answer and without using the processor */
    size_t memory_bytes;    /* besides mapped files */
    size_t message_bytes;   /* one message of the answer */
};

/**
 * worker_limits_usual():
 * 60 s and 1 s for each MiB, 60 s, 1 GiB, 64 MiB.
 */
struct worker_limits worker_limits_usual(void);

struct worker_request {
    uint32_t kind; /* from 1 */
    int64_t numbers[WORKER_NUMBERS];
    int files[WORKER_FILES]; /* descriptors to be read; -1: none */
};

/* ---- The parent ---- */

struct workers;
struct worker_task;

/**
 * workers_new(command, count, limits):
 * Up to ${count} children (0: one for each processor), each started as ${command} (NULL-ended; the program's path, then
 * its arguments) when there is something to do.  ${command} has to outlive the result; ${limits} is copied.
 */
struct workers *workers_new(const char *const *command, unsigned count, const struct worker_limits *limits);

/**
 * workers_free(workers):
 * End all children.  There must be no task left.  NULL is fine.
 */
void workers_free(struct workers *workers);

/**
 * workers_count(workers), workers_started(workers):
 * How many children there may be; how many were started so far, those that were replaced included.
 */
unsigned workers_count(const struct workers *workers);
unsigned workers_started(const struct workers *workers);

struct worker_taker {
    /* A message of the answer; its bytes are aligned to 8 and gone afterwards.  FALSE: not in its form. */
    gboolean (*take)(void *data, uint32_t kind, const void *bytes, size_t size);
    /* The answer has ended.  FALSE: something is missing. */
    gboolean (*end)(void *data);
    /* What was taken so far does not count: the answer comes once more.  NULL: it is not to come again. */
    void (*again)(void *data);
};

/**
 * workers_submit(workers, request, taker, data):
 * Queue a request and return at once.  The descriptors become the task's, which closes them, except for standard input.
 * Give the result to worker_finish().
 */
struct worker_task *workers_submit(struct workers *workers, const struct worker_request *request,
                                   const struct worker_taker *taker, void *data);

/**
 * worker_finish(task, why):
 * Wait for the end of ${task}, work on others meanwhile, and free it.  FALSE if it failed; ${*why} is then the reason
 * as the end of a sentence ("the parser crashed (SIGSEGV)"), to be freed with g_free().  A request is tried once more,
 * in a new child, if somebody else killed its child, or if that had worked on others before, which may be to blame.
 * Input that can be read only once is not.
 */
gboolean worker_finish(struct worker_task *task, char **why);

/**
 * worker_step(task), worker_cancel(task, why):
 * Wait until there is something new, about ${task} or another one; FALSE: ${task} has ended, and worker_finish() is
 * next.  And instead of that: end it, if it has not ended, as one whose answer nobody wants; FALSE as worker_finish().
 */
gboolean worker_step(struct worker_task *task);
gboolean worker_cancel(struct worker_task *task, char **why);

/**
 * worker_file(bytes, size):
 * A descriptor from which these bytes can be read; -1 with errno set if there is none to be had.
 */
int worker_file(const void *bytes, size_t size);

/**
 * worker_spawn(pid, command, fd):
 * Start a child as workers_new() does, for whoever has another protocol: ${fd} becomes its WORKER_FD.  Return 0 or an
 * errno.
 */
int worker_spawn(pid_t *pid, const char *const *command, int fd);

/**
 * worker_signal_name(number):
 * "SIGSEGV", for a message about a child that a signal ended.
 */
const char *worker_signal_name(int number);

typedef struct workers workers_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(workers_auto, workers_free)

/* ---- The child ---- */

struct worker_answer;

/* Work on a request.  FALSE: it is not of a kind that this function works on. */
typedef gboolean worker_work(struct worker_answer *answer, const struct worker_request *request);

/**
 * worker_say(answer, kind, bytes, size):
 * Add a message to the answer; ${kind} is from 1.
 */
void worker_say(struct worker_answer *answer, uint32_t kind, const void *bytes, size_t size);

/**
 * worker_send(answer):
 * Send what was said so far: if the next thing ends the process, it is known up to where it came.
 */
void worker_send(struct worker_answer *answer);

/**
 * worker_settle():
 * What a child does first: end with its parent, leave Ctrl-C to it, and close every descriptor that it should not have.
 * worker_serve() does so by itself.
 */
void worker_settle(void);

/**
 * worker_serve(works):
 * Answer the requests that come in at WORKER_FD, each with the first of ${works} (NULL-ended) that works on it, until
 * there are no more; return an exit status.
 */
int worker_serve(worker_work *const *works);

#endif
