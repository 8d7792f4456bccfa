/*
 * Completions for shells, made from the tables of options, so that they can't go stale.
 */
#ifndef TRUSTGAP_CLI_COMPLETION_H
#define TRUSTGAP_CLI_COMPLETION_H

#include "cli.h"

#include <glib.h>

/**
 * completion_print(shell, commands, count):
 * Print the completion for ${shell} ("bash", "zsh", "fish") of the ${count} ${commands}.  FALSE if the shell isn't
 * known.
 */
gboolean completion_print(const char *shell, const struct command *const *commands, size_t count);

#endif
