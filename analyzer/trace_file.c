#include "trace_file.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define CHUNK_BYTES  ((size_t)512 * 1024)       /* fits a processor's own cache */
#define CHUNKS       8                          /* at once in memory */
#define ALONE_BYTES  ((int64_t)4 * 1024 * 1024) /* a smaller file is not worth another thread */
#define MOST_THREADS 4

enum chunk_state { CHUNK_EMPTY, CHUNK_CLAIMED, CHUNK_READY };

struct chunk {
    char *bytes;
    size_t size;
    int failure; /* errno */
    struct trace_ahead ahead;
    enum chunk_state state;
};

/*
 * Chunk number n of the file is read into chunks[n % CHUNKS], by whoever claims it first, and taken in order.  The one
 * before the one that is taken stays in memory, for the trace looks back at it.
 */
struct job {
    int fd;
    int64_t size;
    uint64_t count; /* of the file's chunks */
    GMutex lock;
    GCond changed;
    uint64_t claimed; /* the next chunk that nobody reads yet */
    uint64_t taken;   /* the chunk that is taken now */
    unsigned waiting; /* threads: telling them takes a call of the system, so it is only done if there are any */
    gboolean over;
    struct chunk chunks[CHUNKS];
};

static int read_chunk(struct chunk *chunk, int fd, int64_t offset, size_t size)
{
    chunk->size = 0;
    chunk->ahead = (struct trace_ahead){0};
    while (chunk->size < size) {
        ssize_t got = pread(fd, chunk->bytes + chunk->size, size - chunk->size, (off_t)(offset + (int64_t)chunk->size));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0)
            break;
        chunk->size += (size_t)got;
        trace_look_ahead(&chunk->ahead, chunk->bytes, chunk->size);
    }
    return 0;
}

/* With the lock held: wait for a change, and tell of one. */
static void await(struct job *job)
{
    job->waiting++;
    g_cond_wait(&job->changed, &job->lock);
    job->waiting--;
}

static void tell(struct job *job)
{
    if (job->waiting > 0)
        g_cond_broadcast(&job->changed);
}

/* With the lock held: claim the next chunk, read it without the lock, and say that it is there. */
static void read_next(struct job *job)
{
    uint64_t number = job->claimed++;
    struct chunk *chunk = &job->chunks[number % CHUNKS];
    int64_t offset = (int64_t)(number * CHUNK_BYTES);

    chunk->state = CHUNK_CLAIMED;
    g_mutex_unlock(&job->lock);
    if (!chunk->bytes)
        chunk->bytes = g_malloc(CHUNK_BYTES);
    chunk->failure = read_chunk(chunk, job->fd, offset, MIN(CHUNK_BYTES, (size_t)(job->size - offset)));
    g_mutex_lock(&job->lock);
    chunk->state = CHUNK_READY;
    tell(job);
}

static gboolean has_room(const struct job *job)
{
    return job->claimed < job->count && job->claimed < job->taken + CHUNKS - 1;
}

static void *help(void *data)
{
    struct job *job = data;

    g_mutex_lock(&job->lock);
    while (!job->over && job->claimed < job->count) {
        if (has_room(job))
            read_next(job);
        else
            await(job);
    }
    g_mutex_unlock(&job->lock);
    return NULL;
}

static int read_regular(struct trace *trace, struct job *job)
{
    unsigned wanted = job->size < ALONE_BYTES ? 0 : MIN(g_get_num_processors(), MOST_THREADS) - 1;
    GThread *helpers[MOST_THREADS];
    unsigned n_helpers = 0;
    int failure = 0;

    job->count = ((uint64_t)job->size + CHUNK_BYTES - 1) / CHUNK_BYTES;
    g_mutex_init(&job->lock);
    g_cond_init(&job->changed);
    while (n_helpers < wanted && (helpers[n_helpers] = g_thread_try_new("trace", help, job, NULL)))
        n_helpers++;
    g_mutex_lock(&job->lock);
    while (job->taken < job->count && !failure) {
        struct chunk *chunk = &job->chunks[job->taken % CHUNKS];
        if (job->claimed == job->taken || chunk->state != CHUNK_READY) {
            if (has_room(job))
                read_next(job);
            else
                await(job);
            continue;
        }
        g_mutex_unlock(&job->lock);
        trace_read_ahead(trace, chunk->bytes, chunk->size, &chunk->ahead);
        failure = chunk->failure;
        g_mutex_lock(&job->lock);
        job->taken++;
        tell(job);
    }
    job->over = TRUE;
    tell(job);
    g_mutex_unlock(&job->lock);
    for (unsigned i = 0; i < n_helpers; i++)
        g_thread_join(helpers[i]);
    trace_keep(trace);
    for (unsigned i = 0; i < CHUNKS; i++)
        g_free(job->chunks[i].bytes);
    g_mutex_clear(&job->lock);
    g_cond_clear(&job->changed);
    return failure;
}

static int read_stream(struct trace *trace, int fd)
{
    g_autofree char *bytes = g_malloc(CHUNK_BYTES);

    for (;;) {
        ssize_t got = read(fd, bytes, CHUNK_BYTES);
        if (got == 0)
            return 0;
        if (got > 0)
            trace_read(trace, bytes, (size_t)got);
        else if (errno != EINTR)
            return errno;
    }
}

gboolean trace_file_read(struct trace *trace, const char *path, GError **error)
{
    struct job job = {0};

    job.fd = file_open(path, &job.size, error);
    if (job.fd < 0)
        return FALSE;
    trace_begin(trace, 0);
    int failure = job.size < 0 ? read_stream(trace, job.fd) : read_regular(trace, &job);
    file_close(job.fd);
    if (failure)
        file_error(error, TRUSTGAP_ERROR_IO, file_name(path), "cannot be read: ", failure);
    return failure == 0;
}
