#include "shell.h"

#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

struct shell {
    uv_process_t process;
    void (*exited)(void *context, int status, int signal);
    void *context;
    gboolean running; /* its end was not told yet */
    gboolean left;    /* nobody wants to hear of it: free it once it has ended */
};

static void free_shell(uv_handle_t *handle)
{
    g_free(handle->data);
}

static void on_exit_of_child(uv_process_t *process, int64_t status, int signal)
{
    struct shell *shell = process->data;

    shell->running = FALSE;
    if (shell->left)
        uv_close((uv_handle_t *)process, free_shell);
    else
        shell->exited(shell->context, (int)status, signal);
}

static void close_ends(int ends[SHELL_PIPES])
{
    for (int i = 0; i < SHELL_PIPES; i++)
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

static gboolean make_pipes(int ours[SHELL_PIPES], int theirs[SHELL_PIPES], GError **error)
{
    for (int i = 0; i < SHELL_PIPES; i++)
        ours[i] = theirs[i] = -1;
    for (int i = 0; i < SHELL_PIPES; i++)
        if (!make_pipe(&ours[i], &theirs[i], i == STDIN_FILENO)) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "no pipe to /bin/sh: %s", g_strerror(errno));
            close_ends(ours);
            close_ends(theirs);
            return FALSE;
        }
    return TRUE;
}

struct shell *shell_start(uv_loop_t *loop, int ends[SHELL_PIPES], void (*exited)(void *context, int status, int signal),
                          void *context, GError **error)
{
    int theirs[SHELL_PIPES];

    if (!make_pipes(ends, theirs, error))
        return NULL;
    char *arguments[] = {(char *)"/bin/sh", NULL};
    uv_stdio_container_t stdio[SHELL_PIPES];
    for (int i = 0; i < SHELL_PIPES; i++)
        stdio[i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = theirs[i]};
    uv_process_options_t options = {
        .file = arguments[0],
        .args = arguments,
        .exit_cb = on_exit_of_child,
        .flags = UV_PROCESS_DETACHED,
        .stdio = stdio,
        .stdio_count = SHELL_PIPES,
    };
    struct shell *shell = g_new0(struct shell, 1);
    shell->exited = exited;
    shell->context = context;
    shell->process.data = shell;
    int status = uv_spawn(loop, &shell->process, &options);
    close_ends(theirs);
    if (status == 0) {
        shell->running = TRUE;
        return shell;
    }
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "/bin/sh cannot be started: %s", uv_strerror(status));
    close_ends(ends);
    uv_close((uv_handle_t *)&shell->process, free_shell);
    return NULL;
}

/* The process is waited for, or it would stay as a zombie; since it was killed that takes no time. */
void shell_end(struct shell *shell)
{
    if (!shell)
        return;
    shell->left = TRUE;
    if (shell->running)
        kill(-shell->process.pid, SIGKILL);
    else
        uv_close((uv_handle_t *)&shell->process, free_shell);
}
