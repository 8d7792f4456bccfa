#include "monitor.h"

#include "error.h"
#include "workers.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY_MS 2 /* between two looks whether a child has ended */

struct monitor {
    struct channel *channel;
    struct guard *guard;
    const struct monitor_means *means;
    void *context;
    pid_t pid;
    uv_timer_t timer; /* to ping */
    int64_t heard_ms; /* when it said something last, or was free to again */
    gboolean ready, held, told;
    char *lie; /* what it said and should not have */
};

struct monitor_limits monitor_limits(void)
{
    return (struct monitor_limits){MONITOR_PING_MS, MONITOR_SILENT_MS};
}

/* -1: it has not ended. */
static int reap(pid_t pid, int options)
{
    int status = 0;
    pid_t done;

    do
        done = waitpid(pid, &status, options);
    while (done < 0 && errno == EINTR);
    return done == 0 ? -1 : status;
}

static char *explain(const struct monitor *monitor, int status)
{
    if (monitor->lie)
        return g_strdup_printf("was ended because %s", monitor->lie);
    if (WIFSIGNALED(status))
        return g_strdup_printf("was ended by %s", worker_signal_name(WTERMSIG(status)));
    return g_strdup_printf("ended with exit status %d", WEXITSTATUS(status));
}

/* It is of no use any more: kill it, and tell how it ended; the status of one that has ended by itself stays. */
static void give_up(struct monitor *monitor)
{
    if (monitor->told)
        return;
    monitor->told = TRUE;
    uv_timer_stop(&monitor->timer);
    /* Its socket is closed before the process is gone: what it died of is not to become our SIGKILL. */
    int status = -1;
    for (unsigned i = 0; !monitor->lie && status < 0 && i < MONITOR_LEAVE_MS / TRY_MS / 10; i++) {
        status = reap(monitor->pid, WNOHANG);
        if (status < 0)
            g_usleep(TRY_MS * 1000);
    }
    if (status < 0) {
        kill(monitor->pid, SIGKILL);
        status = reap(monitor->pid, 0);
    }
    monitor->pid = 0;
    g_autofree char *why = explain(monitor, status);
    monitor->means->ended(monitor->context, monitor, why);
}

/* FALSE: it says that it is there, or still there, when it should not. */
static gboolean take_own(struct monitor *monitor, const struct message *message)
{
    gboolean was_ready = monitor->ready;

    monitor->ready = TRUE;
    return message->host == 0 && was_ready == (message->kind == MESSAGE_PONG);
}

static gboolean on_message(void *context, const struct message *message)
{
    struct monitor *monitor = context;
    g_autoptr(GError) error = NULL;

    monitor->heard_ms = clock_ms(monitor->means->clock);
    if (message->kind == MESSAGE_READY || message->kind == MESSAGE_PONG)
        return take_own(monitor, message);
    if (monitor->ready && guard_take(monitor->guard, message, &error))
        return TRUE;
    monitor->lie = g_strdup(error ? error->message : "the worker was not ready");
    return FALSE;
}

static void on_ended(void *context, gboolean bad)
{
    struct monitor *monitor = context;

    if (bad && !monitor->lie)
        monitor->lie = g_strdup("the worker sent what is no message");
    give_up(monitor);
}

static void on_timer(uv_timer_t *timer)
{
    struct monitor *monitor = timer->data;

    if (monitor->held)
        return;
    if (clock_ms(monitor->means->clock) - monitor->heard_ms >= monitor->means->limits.silent_ms) {
        monitor->lie =
            g_strdup_printf("the worker did not answer for %u s", (monitor->means->limits.silent_ms + 999) / 1000);
        give_up(monitor);
        return;
    }
    channel_say(monitor->channel, MESSAGE_PING, 0);
}

struct monitor *monitor_start(uv_loop_t *loop, const struct monitor_means *means, void *context, GError **error)
{
    static const struct channel_events channel_events = {on_message, on_ended, NULL};
    int fds[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "no socket for a worker: %s", g_strerror(errno));
        return NULL;
    }
    int failure = worker_spawn(&pid, means->command, fds[1]);
    close(fds[1]);
    if (failure) {
        close(fds[0]);
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "a worker cannot be started: %s", g_strerror(failure));
        return NULL;
    }
    struct monitor *monitor = g_new0(struct monitor, 1);
    monitor->pid = pid;
    monitor->means = means;
    monitor->context = context;
    monitor->heard_ms = clock_ms(monitor->means->clock);
    monitor->guard = guard_new(means->trace_bytes, means->events, context);
    monitor->timer.data = monitor;
    uv_timer_init(loop, &monitor->timer);
    uv_timer_start(&monitor->timer, on_timer, means->limits.ping_ms, means->limits.ping_ms);
    monitor->channel = channel_new(loop, fds[0], &channel_events, monitor, FALSE);
    if (monitor->channel)
        return monitor;
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "the socket of a worker cannot be watched");
    monitor_free(monitor);
    return NULL;
}

static void free_monitor(uv_handle_t *handle)
{
    struct monitor *monitor = handle->data;

    guard_free(monitor->guard);
    g_free(monitor->lie);
    g_free(monitor);
}

void monitor_free(struct monitor *monitor)
{
    if (!monitor)
        return;
    monitor->told = TRUE;
    channel_close(monitor->channel);
    if (monitor->pid > 0) {
        kill(monitor->pid, SIGKILL);
        reap(monitor->pid, 0);
    }
    uv_close((uv_handle_t *)&monitor->timer, free_monitor);
}

void monitor_dismiss(struct monitor *monitor)
{
    channel_close(monitor->channel);
    for (unsigned i = 0; monitor->pid > 0 && i < MONITOR_LEAVE_MS / TRY_MS; i++) {
        if (reap(monitor->pid, WNOHANG) >= 0)
            monitor->pid = 0;
        else
            g_usleep(TRY_MS * 1000);
    }
    monitor_free(monitor);
}

struct channel *monitor_channel(const struct monitor *monitor)
{
    return monitor->channel;
}

struct guard *monitor_guard(const struct monitor *monitor)
{
    return monitor->guard;
}

gboolean monitor_is_ready(const struct monitor *monitor)
{
    return monitor->ready;
}

void monitor_hold(struct monitor *monitor, gboolean held)
{
    if (monitor->held == held || monitor->told)
        return;
    monitor->held = held;
    monitor->heard_ms = clock_ms(monitor->means->clock);
    channel_pause(monitor->channel, held);
    channel_say(monitor->channel, held ? MESSAGE_HOLD : MESSAGE_GO, 0);
}
