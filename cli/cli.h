/*
 * What the commands share: their table, options, messages, exit statuses.
 *
 * A command parses its options, calls the rooms in order and turns what they answer into an exit status; it decides
 * nothing about certificates or hosts.  Data goes to standard output, everything else to standard error.
 */
#ifndef TRUSTGAP_CLI_H
#define TRUSTGAP_CLI_H

#include "audit.h"
#include "collector.h"
#include "file.h"
#include "inventory.h"
#include "policy.h"
#include "references.h"
#include "workers.h"

#include <glib.h>
#include <stdint.h>

struct command {
    const char *name;
    const char *arguments;             /* behind the name in a usage line */
    const char *help;                  /* one line */
    const char *examples;              /* below the options in --help */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an exit status */
};

extern const struct command command_analyze, command_audit, command_check, command_collect, command_explain,
    command_inventory, command_report, command_validate;

#define CLI_PARSER "--parser" /* the only argument of a child that parses */

/**
 * cli_workers():
 * The children of this process that parse what others sent; made at the first call, ended with the process.
 */
struct workers *cli_workers(void);

/**
 * cli_options(command, argc, argv, entries, ...):
 * Parse the options of ${command}: each of the NULL-ended list of entry tables.  What is left in ${argv} are its
 * arguments.
 * "--help" prints and exits.  FALSE if the command line is wrong; the message has been printed then.
 */
gboolean cli_options(const struct command *command, int *argc, char ***argv, const GOptionEntry *entries,
                     ...) G_GNUC_NULL_TERMINATED;

/**
 * cli_list_options(take, data):
 * From now on cli_options() hands each entry to ${take(data, entry)} instead of parsing, and returns FALSE; NULL: no
 * longer.
 */
void cli_list_options(void (*take)(void *data, const GOptionEntry *entry), void *data);

/**
 * cli_usage(command, format, ...):
 * Say what is wrong with the command line; return STATUS_USAGE.
 */
int cli_usage(const struct command *command, const char *format, ...) G_GNUC_PRINTF(2, 3);

/**
 * cli_failed(error):
 * Print the message of ${error} and return the exit status of its code.  If standard output is a pipe that nobody reads
 * any more, end by SIGPIPE without a word, as other commands do.
 */
int cli_failed(const GError *error);

/**
 * cli_message(format, ...):
 * A line on standard error, cleaned (text.h), for the names of files may come from anywhere.  It begins with the thing
 * that it is about.
 */
void cli_message(const char *format, ...) G_GNUC_PRINTF(1, 2);

/**
 * cli_printed():
 * What was printed with stdio is out: STATUS_CLEAN; or it is not: STATUS_FAILED, and the message has been printed.
 * A pipe that nobody reads any more is as in cli_failed().
 */
int cli_printed(void);

/**
 * cli_audit_path(path, error), cli_read_audit(path, error):
 * The audit that ${path} names: itself, or in a state folder latest.xml, in the folder of a limited run audit.xml,
 * which have to be regular files.  To be freed with g_free(); NULL with ${error} set if there is none.  And that audit,
 * read.
 */
char *cli_audit_path(const char *path, GError **error);
struct audit *cli_read_audit(const char *path, GError **error);

/* Options that commands have in common, and what they were set to. */

extern const GOptionEntry cli_common_entries[];    /* --quiet, --verbose */
extern const GOptionEntry cli_analysis_entries[];  /* --at, --policy, --fail-on */
extern const GOptionEntry cli_question_entries[];  /* --at */
extern const GOptionEntry cli_reference_entries[]; /* --reference, --reference-password-..., --no-system-reference */
extern const GOptionEntry cli_network_entries[];   /* --inventory, --limit, --fanout, --known-hosts, ... */

extern gboolean cli_quiet, cli_verbose;
extern char *cli_inventory_path;

/**
 * cli_evaluation_time(at, error), cli_fail_on(severity, error):
 * What --at and --fail-on say, or their defaults.  FALSE with ${error} set if they say nothing usable.
 */
gboolean cli_evaluation_time(int64_t *at, GError **error);
gboolean cli_fail_on(enum audit_severity *severity, GError **error);

/**
 * cli_load_references(references, error), cli_tell_references(references), cli_passwords():
 * Set ${*references}, which the caller frees with references_free(), to what --reference names and to the bundle of
 * public certificates of this system: the one that the environment variable TRUSTGAP_SYSTEM_REFERENCE names (empty:
 * none), else the first of the usual files that is there.  FALSE with ${error} set if one that was named cannot be
 * used; trouble with a bundle that nobody has named is printed.  Print what could not be read of them, for a command
 * whose answer doesn't say so.  The passwords of key stores, once they are loaded: NULL-ended.
 */
gboolean cli_load_references(struct references **references, GError **error);
void cli_tell_references(const struct references *references);
const char *const *cli_passwords(void);

/**
 * cli_load_policy(policy, status):
 * Set ${*policy} to what --policy names, NULL without it.  FALSE with ${*status} set if it cannot be used; each thing
 * that is wrong with it has been printed then.
 */
gboolean cli_load_policy(struct policy **policy, int *status);

/**
 * cli_load_inventory(command, status):
 * The inventory of --inventory with --limit applied, after printing its warnings; or NULL with the message printed and
 * ${*status} set.
 */
struct inventory *cli_load_inventory(const struct command *command, int *status);

/**
 * cli_collect(result, inventory, writer, peers, error):
 * collector_run() with the options of the command line, telling progress on standard error.  ${peers} (fetch.h) are to
 * be asked for their certificates; NULL: none.
 */
gboolean cli_collect(struct collector_result *result, const struct inventory *inventory, struct capture_writer *writer,
                     GHashTable *peers, GError **error);

/**
 * cli_collect_status(result):
 * STATUS_HOSTS_MISSING if a host is missing, else STATUS_CLEAN; also prints the closing line.
 */
int cli_collect_status(const struct collector_result *result);

/**
 * cli_tell(audit):
 * Say what is wrong with the input of ${audit}, and its headline, on standard error; nothing if that is to be quiet.
 */
void cli_tell(const struct audit *audit);

/**
 * cli_hosts_status(audit, severity):
 * STATUS_HOSTS_MISSING if a host of ${audit} was not, or not wholly, collected, else STATUS_CLEAN; always that if
 * ${severity} stands for "never".
 */
int cli_hosts_status(const struct audit *audit, enum audit_severity severity);

/**
 * cli_findings_status(audit, severity):
 * STATUS_FINDINGS if a finding counts, else STATUS_CLEAN.
 */
int cli_findings_status(const struct audit *audit, enum audit_severity severity);

/**
 * cli_write(path, mode, write, audit, error):
 * Write a document about ${audit} to ${path} ("-": standard output), wholly or not at all.
 */
typedef gboolean (*cli_writer)(struct file_output *output, const struct audit *audit, GError **error);
gboolean cli_write(const char *path, int mode, cli_writer write, const struct audit *audit, GError **error);

#endif
