/*
 * The shell of this machine (ansible_connection=local): a child process with three pipes.
 *
 * What holds for any transport made of a child process holds here: it has a session and a process group of its own, so
 * that it has no terminal to ask on, Ctrl-C does not reach it before we end it, and all that it started ends with it.
 */
#include "text.h"
#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum pipe { PIPE_IN, PIPE_OUT, PIPE_ERROR, PIPES };

enum state { STATE_START, STATE_TALK, STATE_EXIT, STATE_ENDED };

static const char *const state_names[] = {"start", "talk", "exit", "ended"};

struct local {
    struct transport base;
    struct transport_means *means;
    const char *script;
    size_t script_left;
    enum state state;
    int fds[PIPES]; /* our ends; -1 when closed */
    uv_process_t process;
    gboolean has_handle; /* libuv knows it */
    gboolean running;    /* started, and its end was not told yet */
    gboolean closed;     /* by the owner: free it once the process has ended */
    int64_t exit_status;
    int signal;
};

static void state_enter(struct local *local, enum state state)
{
    enum state from = local->state;

    local->state = state;
    local->base.owner->state(local->base.owner->context, state_names[from], state_names[state]);
}

static void close_pipe(struct local *local, enum pipe pipe)
{
    if (local->fds[pipe] < 0)
        return;
    local->base.owner->forget(local->base.owner->context, local->fds[pipe]);
    close(local->fds[pipe]);
    local->fds[pipe] = -1;
}

static void local_free(uv_handle_t *handle)
{
    struct local *local = handle->data;
    transport_clear(&local->base);
    g_free(local);
}

static void on_exit_of_child(uv_process_t *process, int64_t exit_status, int signal)
{
    struct local *local = process->data;

    local->running = FALSE;
    local->exit_status = exit_status;
    local->signal = signal;
    if (local->closed)
        uv_close((uv_handle_t *)process, local_free);
    else
        local->base.owner->wake(local->base.owner->context);
}

static void close_ends(int ends[PIPES])
{
    for (int i = 0; i < PIPES; i++)
        if (ends[i] >= 0)
            close(ends[i]);
}

/* Only our end must not block: the child expects ordinary pipes. */
static gboolean make_pipe(int *ours, int *theirs, gboolean we_write)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0)
        return FALSE;
    *ours = ends[we_write ? 1 : 0];
    *theirs = ends[we_write ? 0 : 1];
    return fcntl(*ours, F_SETFL, O_NONBLOCK) == 0;
}

static enum transport_progress step_start(struct local *local)
{
    int theirs[PIPES] = {-1, -1, -1};

    for (int i = 0; i < PIPES; i++)
        if (!make_pipe(&local->fds[i], &theirs[i], i == PIPE_IN)) {
            int number = errno;
            close_ends(theirs);
            return transport_end(&local->base, REASON_LOCAL, "no pipe to /bin/sh: %s", g_strerror(number));
        }

    char *arguments[] = {(char *)"/bin/sh", NULL};
    uv_stdio_container_t stdio[PIPES];
    for (int i = 0; i < PIPES; i++)
        stdio[i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = theirs[i]};
    uv_process_options_t options = {
        .file = arguments[0],
        .args = arguments,
        .exit_cb = on_exit_of_child,
        .flags = UV_PROCESS_DETACHED,
        .stdio = stdio,
        .stdio_count = PIPES,
    };
    local->process.data = local;
    local->has_handle = TRUE; /* also if this fails */
    int status = uv_spawn(local->means->loop, &local->process, &options);
    close_ends(theirs);
    if (status != 0)
        return transport_end(&local->base, REASON_LOCAL, "/bin/sh cannot be started: %s", uv_strerror(status));
    local->running = TRUE;
    local->base.speaking = TRUE;
    state_enter(local, STATE_TALK);
    return TRANSPORT_AGAIN;
}

/* A shell that ended early takes no more; what it said before tells why. */
static void write_script(struct local *local)
{
    while (local->fds[PIPE_IN] >= 0) {
        if (local->script_left == 0) {
            close_pipe(local, PIPE_IN);
            return;
        }
        ssize_t done = write(local->fds[PIPE_IN], local->script, local->script_left);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && (errno == EAGAIN))
            return;
        if (done < 0) {
            close_pipe(local, PIPE_IN);
            return;
        }
        local->script += done;
        local->script_left -= (size_t)done;
    }
}

static gboolean hand_over(struct local *local, enum pipe pipe, size_t size)
{
    const struct transport_owner *owner = local->base.owner;

    if (pipe == PIPE_OUT)
        return owner->output(owner->context, local->means->buffer, size);
    owner->complaint(owner->context, local->means->buffer, size);
    return TRUE;
}

/* FALSE: the owner wants no more. */
static gboolean read_pipe(struct local *local, enum pipe pipe, size_t *turn_left)
{
    while (local->fds[pipe] >= 0 && *turn_left > 0) {
        ssize_t got = read(local->fds[pipe], local->means->buffer, MIN(local->means->buffer_bytes, *turn_left));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && (errno == EAGAIN))
            return TRUE;
        if (got <= 0) {
            close_pipe(local, pipe);
            return TRUE;
        }
        *turn_left -= (size_t)got;
        if (!hand_over(local, pipe, (size_t)got))
            return FALSE;
    }
    return TRUE;
}

static enum transport_progress step_talk(struct local *local)
{
    size_t turn_left = TRANSPORT_TURN_BYTES;

    write_script(local);
    if (!read_pipe(local, PIPE_OUT, &turn_left) || !read_pipe(local, PIPE_ERROR, &turn_left))
        return TRANSPORT_WAIT;
    if (local->fds[PIPE_OUT] < 0 && local->fds[PIPE_ERROR] < 0) {
        state_enter(local, STATE_EXIT);
        return TRANSPORT_AGAIN;
    }
    if (turn_left == 0)
        return TRANSPORT_AGAIN;
    for (int i = 0; i < PIPES; i++)
        if (local->fds[i] >= 0)
            transport_wait_for(&local->base, local->fds[i], i != PIPE_IN, i == PIPE_IN);
    return TRANSPORT_WAIT;
}

static enum transport_progress step_exit(struct local *local)
{
    if (local->running)
        return TRANSPORT_WAIT;
    local->base.exit_status = local->signal ? -1 : (int)local->exit_status;
    if (local->signal)
        local->base.exit_signal = g_strdup_printf("%d", local->signal);
    return TRANSPORT_ENDED;
}

static enum transport_progress local_step(struct transport *transport, int64_t now_ms)
{
    struct local *local = (struct local *)transport;
    enum transport_progress progress = TRANSPORT_ENDED;
    (void)now_ms;

    switch (local->state) {
    case STATE_START:
        progress = step_start(local);
        break;
    case STATE_TALK:
        progress = step_talk(local);
        break;
    case STATE_EXIT:
        progress = step_exit(local);
        break;
    case STATE_ENDED:
        g_assert_not_reached();
    }
    if (progress == TRANSPORT_ENDED)
        state_enter(local, STATE_ENDED);
    return progress;
}

static struct transport *local_open(const struct transport_order *order, const struct transport_owner *owner)
{
    struct local *local = g_new0(struct local, 1);
    (void)owner;

    local->means = order->means;
    local->script = order->script;
    local->script_left = order->script_bytes;
    for (int i = 0; i < PIPES; i++)
        local->fds[i] = -1;
    return &local->base;
}

/* The process is waited for, or it would stay as a zombie; since it was killed that takes no time. */
static void local_close(struct transport *transport)
{
    struct local *local = (struct local *)transport;

    for (int i = 0; i < PIPES; i++)
        close_pipe(local, i);
    local->closed = TRUE;
    if (local->running)
        kill(-local->process.pid, SIGKILL);
    else if (local->has_handle)
        uv_close((uv_handle_t *)&local->process, local_free);
    else
        local_free(&(uv_handle_t){.data = local});
}

const struct transport_methods transport_local = {"local", local_open, local_step, local_close, NULL};
