#include "trace_file.h"

#include "file.h"
#include "mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define CHUNK_BYTES  ((size_t)1024 * 1024)
#define CHUNKS       16                         /* looked at before the first of them is read */
#define DROP_CHUNKS  32                         /* that were read are dropped at once: it makes all threads stop */
#define ALONE_BYTES  ((int64_t)4 * 1024 * 1024) /* a smaller file is not worth mapping, nor another thread */
#define MOST_THREADS 4
#define READ_BYTES   ((size_t)512 * 1024) /* at once, of what is not mapped */

enum chunk_state { CHUNK_EMPTY, CHUNK_CLAIMED, CHUNK_READY };

struct chunk {
    struct trace_ahead ahead;
    enum chunk_state state;
};

/*
 * Chunk number n of the file is chunks[n % CHUNKS].  Whoever claims it first searches it for what wants reading; one
 * thread reads, in order.
 */
struct job {
    struct mapping mapping;
    GMutex lock;
    GCond changed;
    uint64_t claimed; /* the next chunk that nobody has searched yet */
    uint64_t taken;   /* the chunk that is read now */
    unsigned waiting; /* threads: telling them takes a call of the system, so it is only done if there are any */
    gboolean over;
    struct chunk chunks[CHUNKS];
};

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

static const char *chunk_bytes(const struct job *job, uint64_t number)
{
    return job->mapping.bytes + number * CHUNK_BYTES;
}

/* How much of it the first ${size} bytes of the file have. */
static size_t chunk_size(uint64_t number, size_t size)
{
    size_t begin = number * CHUNK_BYTES;
    return size > begin ? MIN(CHUNK_BYTES, size - begin) : 0;
}

/* With the lock held: claim the next chunk, search it without the lock, and say that this is done. */
static void search_next(struct job *job)
{
    uint64_t number = job->claimed++;
    struct chunk *chunk = &job->chunks[number % CHUNKS];

    chunk->state = CHUNK_CLAIMED;
    g_mutex_unlock(&job->lock);
    chunk->ahead = (struct trace_ahead){0};
    trace_look_ahead(&chunk->ahead, chunk_bytes(job, number), chunk_size(number, job->mapping.size));
    g_mutex_lock(&job->lock);
    chunk->state = CHUNK_READY;
    tell(job);
}

static gboolean has_room(const struct job *job)
{
    return chunk_size(job->claimed, job->mapping.size) > 0 && job->claimed < job->taken + CHUNKS;
}

static void *help(void *data)
{
    struct job *job = data;

    mapping_use(&job->mapping);
    g_mutex_lock(&job->lock);
    while (!job->over && chunk_size(job->claimed, job->mapping.size) > 0) {
        if (has_room(job))
            search_next(job);
        else
            await(job);
    }
    g_mutex_unlock(&job->lock);
    return NULL;
}

/* Read a chunk that was searched.  FALSE if the file ends there by now. */
static gboolean take_chunk(struct trace *trace, struct job *job, uint64_t number)
{
    static const struct trace_ahead nothing = {0};
    size_t searched = chunk_size(number, job->mapping.size);
    size_t size = chunk_size(number, mapping_end(&job->mapping));

    /* What was found in a longer chunk than there is by now may lie behind its end. */
    trace_read_ahead(trace, chunk_bytes(job, number), size,
                     size < searched ? &nothing : &job->chunks[number % CHUNKS].ahead);
    if ((number + 1) % DROP_CHUNKS == 0)
        mapping_drop(&job->mapping, (number + 1 - DROP_CHUNKS) * CHUNK_BYTES, (number + 1) * CHUNK_BYTES);
    return size == searched;
}

static int read_mapped(struct trace *trace, struct job *job)
{
    unsigned wanted = MIN(g_get_num_processors(), MOST_THREADS) - 1;
    GThread *helpers[MOST_THREADS];
    unsigned n_helpers = 0;
    gboolean more = TRUE;

    g_mutex_init(&job->lock);
    g_cond_init(&job->changed);
    mapping_use(&job->mapping);
    while (n_helpers < wanted && (helpers[n_helpers] = g_thread_try_new("trace", help, job, NULL)))
        n_helpers++;
    g_mutex_lock(&job->lock);
    while (more && chunk_size(job->taken, job->mapping.size) > 0) {
        if (job->claimed == job->taken || job->chunks[job->taken % CHUNKS].state != CHUNK_READY) {
            if (has_room(job))
                search_next(job);
            else
                await(job);
            continue;
        }
        g_mutex_unlock(&job->lock);
        more = take_chunk(trace, job, job->taken);
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
    mapping_use(NULL);
    g_mutex_clear(&job->lock);
    g_cond_clear(&job->changed);
    return mapping_failure(&job->mapping);
}

static int read_stream(struct trace *trace, int fd, uint64_t limit)
{
    g_autofree char *bytes = g_malloc(READ_BYTES);

    while (limit > 0) {
        ssize_t got = read(fd, bytes, MIN(READ_BYTES, limit));
        if (got == 0)
            break;
        if (got > 0) {
            trace_read(trace, bytes, (size_t)got);
            limit -= (uint64_t)got;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

gboolean trace_file_take(struct trace *trace, const char *path, int fd, int64_t size, const void *head,
                         size_t head_size, GError **error)
{
    struct job job = {0};
    int failure;

    trace_begin(trace, 0);
    if (head_size > 0)
        trace_read(trace, head, head_size);
    if (head_size == 0 && size >= ALONE_BYTES && (uint64_t)size <= SIZE_MAX &&
        mapping_make(&job.mapping, fd, (size_t)size)) {
        failure = read_mapped(trace, &job);
        mapping_clear(&job.mapping);
    } else {
        failure = read_stream(trace, fd, size > 0 ? (uint64_t)size : UINT64_MAX); /* those of /proc have a size of 0 */
    }
    if (failure)
        file_error(error, TRUSTGAP_ERROR_IO, file_name(path), "cannot be read: ", failure);
    return failure == 0;
}

gboolean trace_file_read(struct trace *trace, const char *path, GError **error)
{
    int64_t size;
    int fd = file_open(path, &size, error);

    if (fd < 0)
        return FALSE;
    gboolean ok = trace_file_take(trace, path, fd, size, NULL, 0, error);
    file_close(fd);
    return ok;
}
