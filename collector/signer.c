#include "signer.h"

struct task {
    uint32_t host, sequence;
    const struct agent_identity *identity;
    GBytes *data;
    GBytes *signature;
    GError *error;
    gboolean last; /* there is nothing to sign: the thread is to end */
};

struct signer {
    struct agent *agent;
    signer_done *done;
    void *context;
    uv_async_t async;
    GThread *thread;
    GAsyncQueue *tasks, *answers;
};

static void free_task(void *data)
{
    struct task *task = data;

    if (task->data)
        g_bytes_unref(task->data);
    if (task->signature)
        g_bytes_unref(task->signature);
    g_clear_error(&task->error);
    g_free(task);
}

static void *sign_all(void *data)
{
    struct signer *signer = data;
    struct task *task;

    while (task = g_async_queue_pop(signer->tasks), !task->last) {
        gsize size;
        const void *bytes = g_bytes_get_data(task->data, &size);
        task->signature = agent_sign(signer->agent, task->identity, bytes, size, &task->error);
        g_async_queue_push(signer->answers, task);
        uv_async_send(&signer->async);
    }
    free_task(task);
    return NULL;
}

static void on_async(uv_async_t *async)
{
    struct signer *signer = async->data;
    struct task *task;

    while ((task = g_async_queue_try_pop(signer->answers))) {
        signer->done(signer->context, task->host, task->sequence, task->signature,
                     task->error ? task->error->message : NULL);
        free_task(task);
    }
}

struct signer *signer_new(struct agent *agent, uv_loop_t *loop, signer_done *done, void *context)
{
    struct signer *signer = g_new0(struct signer, 1);

    signer->agent = agent;
    signer->done = done;
    signer->context = context;
    signer->tasks = g_async_queue_new_full(free_task);
    signer->answers = g_async_queue_new_full(free_task);
    signer->async.data = signer;
    uv_async_init(loop, &signer->async, on_async);
    signer->thread = g_thread_new("signer", sign_all, signer);
    return signer;
}

static void free_signer(uv_handle_t *handle)
{
    struct signer *signer = handle->data;

    g_async_queue_unref(signer->tasks);
    g_async_queue_unref(signer->answers);
    g_free(signer);
}

void signer_free(struct signer *signer)
{
    if (!signer)
        return;
    struct task *last = g_new0(struct task, 1);
    last->last = TRUE;
    g_async_queue_push_front(signer->tasks, last);
    g_thread_join(signer->thread);
    uv_close((uv_handle_t *)&signer->async, free_signer);
}

void signer_sign(struct signer *signer, uint32_t host, uint32_t sequence, const struct agent_identity *identity,
                 const void *data, size_t size)
{
    struct task *task = g_new0(struct task, 1);

    task->host = host;
    task->sequence = sequence;
    task->identity = identity;
    task->data = g_bytes_new(data, size);
    g_async_queue_push(signer->tasks, task);
}
