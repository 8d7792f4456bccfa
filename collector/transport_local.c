/*
 * The shell of this machine (ansible_connection=local): three pipes to a process that the parent has started (shell.h).
 */
#include "text.h"
#include "transport.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum pipe { PIPE_IN, PIPE_OUT, PIPE_ERROR, PIPES };

enum state { STATE_START, STATE_TALK, STATE_EXIT, STATE_ENDED };

static const char *const state_names[] = {"start", "talk", "exit", "ended"};

struct local {
    struct transport base;
    struct transport_means *means;
    struct service *service;
    const char *refusal;
    const char *script;
    size_t script_left;
    enum state state;
    int fds[PIPES]; /* our ends; -1 when closed */
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

/* The shell was started by the parent, which passes our ends of its pipes. */
static enum transport_progress step_start(struct local *local)
{
    if (local->refusal)
        return transport_end(&local->base, REASON_LOCAL, "%s", local->refusal);
    for (int i = 0; i < PIPES; i++) {
        local->fds[i] = local->service->fds[i];
        local->service->fds[i] = -1;
    }
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
    const struct service *service = local->service;

    if (!service->exited)
        return TRANSPORT_WAIT;
    local->base.exit_status = service->exit_signal ? -1 : service->exit_status;
    if (service->exit_signal)
        local->base.exit_signal = g_strdup_printf("%d", service->exit_signal);
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
    local->service = order->service;
    local->refusal = order->order->refusal;
    local->script = order->order->script;
    local->script_left = strlen(order->order->script);
    for (int i = 0; i < PIPES; i++)
        local->fds[i] = -1;
    return &local->base;
}

/* The parent ends what is still running once it has the host's line. */
static void local_close(struct transport *transport)
{
    struct local *local = (struct local *)transport;

    for (int i = 0; i < PIPES; i++)
        close_pipe(local, i);
    transport_clear(transport);
    g_free(local);
}

const struct transport_methods transport_local = {"local", local_open, local_step, local_close, NULL};
