#include "disk.h"

#include "collector.h"
#include "error.h"
#include "guard.h"

#include <string.h>

#define JOB_BYTES  ((size_t)256)         /* what a job costs besides its bytes */
#define WAKE_BYTES ((size_t)1024 * 1024) /* that are queued without a line: now they are worth waking the thread */

enum job_kind { JOB_OBJECT, JOB_BYTES_OF, JOB_FINISH, JOB_DROP, JOB_LINE, JOB_FORGET };

struct job {
    enum job_kind kind;
    struct disk_host *host;
    uint32_t number;
    struct capture_host *line;
    size_t size;
    uint8_t bytes[];
};

/* The thread's, but for its making. */
struct disk_host {
    GPtrArray *objects; /* of struct capture_object *; NULL: not open */
    GPtrArray *digests; /* of char *; NULL: not finished */
    GError *limit;      /* the disk budget that some of them exceeded; NULL: none */
};

struct disk {
    struct capture_writer *writer;
    const struct disk_events *events;
    void *context;
    uv_async_t async;
    GThread *thread;
    unsigned lines;    /* that were given and not told; of the loop's thread */
    gboolean was_full; /* likewise */

    GMutex mutex;
    GCond cond;
    GQueue jobs; /* of struct job * */
    size_t queued_bytes;
    gboolean due; /* the thread is to work until the queue is empty */
    gboolean ending;
    GPtrArray *written; /* lines, to be told */
    GError *error;      /* to be told */

    /* of the thread: */
    GPtrArray *batch; /* lines, to be committed */
    gint64 batch_us;  /* when the first of them came */
    gboolean failed;
};

/* The thread. */

static void free_host(struct disk_host *host)
{
    for (guint i = 0; i < host->objects->len; i++)
        capture_object_abort(host->objects->pdata[i]);
    g_ptr_array_unref(host->objects);
    g_ptr_array_unref(host->digests);
    g_clear_error(&host->limit);
    g_free(host);
}

static void fail(struct disk *disk, GError *error)
{
    disk->failed = TRUE;
    g_mutex_lock(&disk->mutex);
    if (disk->error)
        g_error_free(error);
    else
        disk->error = error;
    g_mutex_unlock(&disk->mutex);
    uv_async_send(&disk->async);
}

static void begin_object(struct disk *disk, struct disk_host *host)
{
    GError *error = NULL;
    struct capture_object *object = disk->failed ? NULL : capture_object_new(disk->writer, &error);

    if (error)
        fail(disk, error);
    g_ptr_array_add(host->objects, object);
    g_ptr_array_add(host->digests, NULL);
}

static void add_bytes(struct disk *disk, const struct job *job)
{
    struct capture_object *object = job->host->objects->pdata[job->number - 1];
    GError *error = NULL;

    if (!object || disk->failed || capture_object_add(object, job->bytes, job->size, &error))
        return;
    if (!g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT)) {
        fail(disk, error);
        return;
    }
    /* The disk budget costs the objects that find no room, and nobody else. */
    capture_object_abort(object);
    job->host->objects->pdata[job->number - 1] = NULL;
    if (job->host->limit)
        g_error_free(error);
    else
        job->host->limit = error;
}

static void finish_object(struct disk *disk, const struct job *job)
{
    struct capture_object *object = g_steal_pointer(&job->host->objects->pdata[job->number - 1]);
    GError *error = NULL;

    if (disk->failed || !object) {
        capture_object_abort(object);
        return;
    }
    job->host->digests->pdata[job->number - 1] = capture_object_finish(object, &error);
    if (error)
        fail(disk, error);
}

static gboolean put_digest(void *context, char **digest)
{
    const struct disk_host *host = context;
    const char *found = host->digests->pdata[guard_object(*digest) - 1];

    g_free(*digest);
    *digest = g_strdup(found);
    return found || host->limit;
}

static void set_reason(char **reason, const char *word)
{
    g_free(*reason);
    *reason = g_strdup(word);
}

/* What found no room was not read. */
static void say_unkept(struct capture_host *line, const GError *limit)
{
    for (guint i = 0; i < line->traces->len; i++) {
        struct capture_trace *trace = line->traces->pdata[i];
        if (trace->object || trace->reason)
            continue;
        trace->length_bytes = -1;
        set_reason(&trace->reason, CAPTURE_DISK_BUDGET);
    }
    for (guint i = 0; i < line->stores->len; i++) {
        struct capture_store *store = line->stores->pdata[i];
        gboolean native = g_strcmp0(store->method, "native") == 0 && !store->trusted;
        gboolean listed = g_strcmp0(store->method, "sapgenpse") == 0 && !store->listing;
        if (!native && !listed)
            continue;
        store->trusted_count = -1;
        set_reason(&store->method, "none");
        set_reason(&store->reason, CAPTURE_DISK_BUDGET);
    }
    for (guint i = 0; i < line->chains->len; i++) {
        struct capture_chain *chain = line->chains->pdata[i];
        if (chain->object || chain->reason)
            continue;
        chain->count = -1;
        set_reason(&chain->reason, collector_reason_name(REASON_LIMIT));
        set_reason(&chain->message, limit->message);
    }
    g_ptr_array_add(line->notes, g_strdup(limit->message));
    if (line->status == CAPTURE_FAILED)
        return;
    line->status = CAPTURE_PARTIAL;
    set_reason(&line->reason, collector_reason_name(REASON_LIMIT));
    set_reason(&line->message, limit->message);
}

static void commit(struct disk *disk)
{
    GError *error = NULL;

    if (disk->batch->len == 0)
        return;
    if (!disk->failed && !capture_commit(disk->writer, &error))
        fail(disk, error);
    g_mutex_lock(&disk->mutex);
    for (guint i = 0; !disk->failed && i < disk->batch->len; i++)
        g_ptr_array_add(disk->written, g_steal_pointer(&disk->batch->pdata[i]));
    g_mutex_unlock(&disk->mutex);
    g_ptr_array_set_size(disk->batch, 0);
    uv_async_send(&disk->async);
}

static void add_line(struct disk *disk, struct job *job)
{
    g_autoptr(capture_host_auto) line = g_steal_pointer(&job->line);
    g_autoptr(GError) error = NULL;

    if (disk->failed || !guard_each_object(line, put_digest, job->host))
        return;
    if (job->host->limit)
        say_unkept(line, job->host->limit);
    gboolean ok = capture_add_host(disk->writer, line, &error);
    if (!ok && g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT)) {
        /* A host that sends more than fits into a line must not end the run. */
        struct capture_host *instead = collector_too_long(line);
        capture_host_free(line);
        line = instead;
        g_clear_error(&error);
        ok = capture_add_host(disk->writer, line, &error);
    }
    if (!ok) {
        fail(disk, g_steal_pointer(&error));
        return;
    }
    if (disk->batch->len == 0)
        disk->batch_us = g_get_monotonic_time();
    g_ptr_array_add(disk->batch, g_steal_pointer(&line));
}

static void do_job(struct disk *disk, struct job *job)
{
    switch (job->kind) {
    case JOB_OBJECT:
        begin_object(disk, job->host);
        break;
    case JOB_BYTES_OF:
        add_bytes(disk, job);
        break;
    case JOB_FINISH:
        finish_object(disk, job);
        break;
    case JOB_DROP:
        capture_object_abort(g_steal_pointer(&job->host->objects->pdata[job->number - 1]));
        break;
    case JOB_LINE:
        add_line(disk, job);
        free_host(job->host);
        break;
    case JOB_FORGET:
        free_host(job->host);
        break;
    }
}

/* The next job; NULL: there is none for now, and if ${wait} none for ever. */
static struct job *next_job(struct disk *disk, gboolean wait)
{
    g_mutex_lock(&disk->mutex);
    while (wait && !disk->due && !disk->ending)
        g_cond_wait(&disk->cond, &disk->mutex);
    struct job *job = g_queue_pop_head(&disk->jobs);
    disk->due = !g_queue_is_empty(&disk->jobs);
    g_mutex_unlock(&disk->mutex);
    return job;
}

static void done(struct disk *disk, struct job *job)
{
    g_mutex_lock(&disk->mutex);
    size_t before = disk->queued_bytes;
    disk->queued_bytes -= JOB_BYTES + job->size;
    gboolean room = before >= DISK_QUEUE_BYTES / 2 && disk->queued_bytes < DISK_QUEUE_BYTES / 2;
    g_mutex_unlock(&disk->mutex);
    if (room)
        uv_async_send(&disk->async);
    g_free(job);
}

static gboolean is_batch_due(const struct disk *disk)
{
    return disk->batch->len >= DISK_BATCH_HOSTS ||
           (disk->batch->len > 0 && g_get_monotonic_time() - disk->batch_us >= DISK_BATCH_MS * 1000);
}

static void *write_all(void *data)
{
    struct disk *disk = data;

    for (;;) {
        struct job *job = next_job(disk, disk->batch->len == 0);
        if (job) {
            do_job(disk, job);
            done(disk, job);
        }
        if (!job && disk->batch->len == 0)
            return NULL;
        if (!job || is_batch_due(disk))
            commit(disk);
    }
}

/* The loop. */

static void tell_written(struct disk *disk)
{
    g_mutex_lock(&disk->mutex);
    GPtrArray *lines = g_steal_pointer(&disk->written);
    disk->written = g_ptr_array_new_with_free_func((GDestroyNotify)capture_host_free);
    g_mutex_unlock(&disk->mutex);
    disk->lines -= lines->len;
    for (guint i = 0; i < lines->len; i++)
        disk->events->written(disk->context, lines->pdata[i]);
    g_ptr_array_unref(lines);
}

static void on_async(uv_async_t *async)
{
    struct disk *disk = async->data;

    tell_written(disk);
    g_mutex_lock(&disk->mutex);
    g_autoptr(GError) error = g_steal_pointer(&disk->error);
    gboolean room = disk->was_full && disk->queued_bytes < DISK_QUEUE_BYTES / 2;
    g_mutex_unlock(&disk->mutex);
    if (error) {
        disk->lines = 0;
        disk->events->failed(disk->context, error);
    }
    if (room) {
        disk->was_full = FALSE;
        disk->events->room(disk->context);
    }
}

struct disk *disk_new(struct capture_writer *writer, uv_loop_t *loop, const struct disk_events *events, void *context)
{
    struct disk *disk = g_new0(struct disk, 1);

    disk->writer = writer;
    disk->events = events;
    disk->context = context;
    g_mutex_init(&disk->mutex);
    g_cond_init(&disk->cond);
    g_queue_init(&disk->jobs);
    disk->written = g_ptr_array_new_with_free_func((GDestroyNotify)capture_host_free);
    disk->batch = g_ptr_array_new_with_free_func((GDestroyNotify)capture_host_free);
    disk->async.data = disk;
    uv_async_init(loop, &disk->async, on_async);
    disk->thread = g_thread_new("disk", write_all, disk);
    return disk;
}

static void free_disk(uv_handle_t *handle)
{
    struct disk *disk = handle->data;

    g_ptr_array_unref(disk->written);
    g_ptr_array_unref(disk->batch);
    g_clear_error(&disk->error);
    g_mutex_clear(&disk->mutex);
    g_cond_clear(&disk->cond);
    g_free(disk);
}

void disk_free(struct disk *disk)
{
    g_mutex_lock(&disk->mutex);
    disk->ending = TRUE;
    g_cond_signal(&disk->cond);
    g_mutex_unlock(&disk->mutex);
    g_thread_join(disk->thread);
    uv_close((uv_handle_t *)&disk->async, free_disk);
}

static void queue(struct disk *disk, struct job *job)
{
    g_mutex_lock(&disk->mutex);
    disk->queued_bytes += JOB_BYTES + job->size;
    g_queue_push_tail(&disk->jobs, job);
    if (job->kind == JOB_LINE || job->kind == JOB_FORGET || disk->queued_bytes >= WAKE_BYTES) {
        disk->due = TRUE;
        g_cond_signal(&disk->cond);
    }
    g_mutex_unlock(&disk->mutex);
}

static struct job *new_job(enum job_kind kind, struct disk_host *host, uint32_t number, size_t size)
{
    struct job *job = g_malloc(sizeof *job + size);

    *job = (struct job){.kind = kind, .host = host, .number = number, .size = size};
    return job;
}

struct disk_host *disk_begin(struct disk *disk)
{
    struct disk_host *host = g_new0(struct disk_host, 1);
    (void)disk;

    host->objects = g_ptr_array_new();
    host->digests = g_ptr_array_new_with_free_func(g_free);
    return host;
}

void disk_object(struct disk *disk, struct disk_host *host, uint32_t number)
{
    queue(disk, new_job(JOB_OBJECT, host, number, 0));
}

void disk_bytes(struct disk *disk, struct disk_host *host, uint32_t number, const void *bytes, size_t size)
{
    struct job *job = new_job(JOB_BYTES_OF, host, number, size);

    if (size > 0)
        memcpy(job->bytes, bytes, size);
    queue(disk, job);
}

void disk_finish(struct disk *disk, struct disk_host *host, uint32_t number)
{
    queue(disk, new_job(JOB_FINISH, host, number, 0));
}

void disk_drop(struct disk *disk, struct disk_host *host, uint32_t number)
{
    queue(disk, new_job(JOB_DROP, host, number, 0));
}

void disk_line(struct disk *disk, struct disk_host *host, struct capture_host *line)
{
    struct job *job = new_job(JOB_LINE, host, 0, 0);

    job->line = line;
    disk->lines++;
    queue(disk, job);
}

void disk_forget(struct disk *disk, struct disk_host *host)
{
    queue(disk, new_job(JOB_FORGET, host, 0, 0));
}

gboolean disk_is_full(struct disk *disk)
{
    g_mutex_lock(&disk->mutex);
    gboolean full = disk->queued_bytes >= DISK_QUEUE_BYTES;
    g_mutex_unlock(&disk->mutex);
    disk->was_full = disk->was_full || full;
    return full;
}

unsigned disk_lines(const struct disk *disk)
{
    return disk->lines;
}
