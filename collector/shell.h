/*
 * A shell of this machine (ansible_connection=local): a child process with three pipes, started for a worker, which
 * talks to it.
 *
 * It has a session and a process group of its own, so that it has no terminal to ask on, Ctrl-C does not reach it
 * before we end it, and all that it started ends with it.
 */
#ifndef TRUSTGAP_SHELL_H
#define TRUSTGAP_SHELL_H

#include <glib.h>
#include <uv.h>

#define SHELL_PIPES 3 /* standard input, output, errors */

struct shell;

/**
 * shell_start(loop, ends, exited, context, error):
 * Start /bin/sh; set ${ends} to our ends of its pipes, which do not block and become the caller's.  ${exited} is called
 * once it has ended, with its exit status and the signal that ended it, or 0.  NULL with ${error} set if it cannot be
 * started.
 */
struct shell *shell_start(uv_loop_t *loop, int ends[SHELL_PIPES], void (*exited)(void *context, int status, int signal),
                          void *context, GError **error);

/**
 * shell_end(shell):
 * Kill it, with all that it started, unless it has ended.  Nothing is told any more; the loop frees it.  NULL is fine.
 */
void shell_end(struct shell *shell);

#endif
