#include "cli.h"

#include "error.h"
#include "moment.h"
#include "nearest.h"
#include "overview.h"
#include "policy_parse.h"
#include "report.h"
#include "secrecy.h"
#include "status.h"
#include "text.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

gboolean cli_quiet, cli_verbose;
char *cli_inventory_path;

static char *at_text, *fail_on_text, *limit_pattern, *policy_path;
static char **known_hosts, **reference_paths, **password_files, **password_variables;
static char **passwords; /* NULL-ended */
static gboolean no_system_reference;
static int fanout, collect_workers, host_timeout_s, connect_timeout_s;
static gint64 trace_bytes;
static char *disk_budget_text;
static int64_t disk_budget_bytes;
static gboolean no_agent;

const GOptionEntry cli_common_entries[] = {
    {"quiet", 'q', 0, G_OPTION_ARG_NONE, &cli_quiet, "Say nothing but errors", NULL},
    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &cli_verbose, "Tell each host and each step", NULL},
    {0},
};

const GOptionEntry cli_analysis_entries[] = {
    {"at", 0, 0, G_OPTION_ARG_STRING, &at_text,
     "Evaluate as of TIME (2027-04, 2027-04-01 or an ISO 8601 time, in UTC; default: now)", "TIME"},
    {"policy", 0, 0, G_OPTION_ARG_FILENAME, &policy_path,
     "What trust stores have to hold, and what is waived: a key file", "FILE"},
    {"fail-on", 0, 0, G_OPTION_ARG_STRING, &fail_on_text,
     "Exit with 1 on findings of this severity or worse: info, low, medium, high (default), critical, never",
     "SEVERITY"},
    {0},
};

const GOptionEntry cli_question_entries[] = {
    {"at", 0, 0, G_OPTION_ARG_STRING, &at_text,
     "Validity as of TIME (2027-04, 2027-04-01 or an ISO 8601 time, in UTC; default: now)", "TIME"},
    {0},
};

const GOptionEntry cli_reference_entries[] = {
    {"reference", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &reference_paths,
     "Certificates that may be imported (PEM, DER, PKCS #7, PKCS #12, JKS, PSE; may be repeated)", "FILE_OR_FOLDER"},
    {"reference-password-file", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &password_files,
     "Password of a PKCS #12 key store: the first line of FILE (may be repeated)", "FILE"},
    {"reference-password-env", 0, 0, G_OPTION_ARG_STRING_ARRAY, &password_variables,
     "The same from the environment variable NAME (may be repeated)", "NAME"},
    {"no-system-reference", 0, 0, G_OPTION_ARG_NONE, &no_system_reference,
     "Don't look for certificates in this system's bundle of public ones", NULL},
    {0},
};

const GOptionEntry cli_network_entries[] = {
    {"inventory", 'i', 0, G_OPTION_ARG_FILENAME, &cli_inventory_path, "Which hosts: an Ansible inventory (INI)",
     "FILE"},
    {"limit", 'l', 0, G_OPTION_ARG_STRING, &limit_pattern, "Only these hosts and groups (prod,!app07)", "PATTERN"},
    {"fanout", 'f', 0, G_OPTION_ARG_INT, &fanout, "Hosts at the same time (default 64)", "N"},
    {"workers", 0, 0, G_OPTION_ARG_INT, &collect_workers,
     "Processes that talk to the hosts (default: one for each processor)", "N"},
    {"known-hosts", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &known_hosts,
     "Host keys (may be repeated; default: the user's and the system's)", "FILE"},
    {"no-agent", 0, 0, G_OPTION_ARG_NONE, &no_agent, "Do not ask the ssh-agent", NULL},
    {"host-timeout", 0, 0, G_OPTION_ARG_INT, &host_timeout_s, "For all of one host (default 600)", "SECONDS"},
    {"connect-timeout", 0, 0, G_OPTION_ARG_INT, &connect_timeout_s,
     "For each of look-up, connect, handshake, login (default 10 to 20)", "SECONDS"},
    {"trace-bytes", 0, 0, G_OPTION_ARG_INT64, &trace_bytes,
     "At most so much of each trace, from its end (default 64 MiB)", "BYTES"},
    {"disk-budget", 0, 0, G_OPTION_ARG_STRING, &disk_budget_text,
     "At most so much on the disk for all hosts of this run (500M, 20G; default: what the file system can spare)",
     "SIZE"},
    {0},
};

static struct workers *workers;

static void end_workers(void)
{
    g_clear_pointer(&workers, workers_free);
}

struct workers *cli_workers(void)
{
    static const char *const command[] = {"/proc/self/exe", CLI_PARSER, NULL};
    const struct worker_limits limits = worker_limits_usual();

    if (!workers) {
        workers = workers_new(command, 0, &limits);
        atexit(end_workers);
    }
    return workers;
}

void cli_message(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *raw = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *text = text_clean(raw, strlen(raw));
    fprintf(stderr, "%s\n", text);
}

#define STATUS_SIGPIPE (128 + SIGPIPE) /* as a shell tells it */

/* End as every other command before "| head" does; where the signal is blocked, with the status that a shell makes of
 * it. */
static int end_by_pipe(void)
{
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
    return STATUS_SIGPIPE;
}

static gboolean is_reader_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

int cli_printed(void)
{
    /* What could not be written on the way is not there any more to be flushed. */
    if (fflush(stdout) == 0 && !ferror(stdout))
        return STATUS_CLEAN;
    if (is_reader_gone())
        return end_by_pipe();
    cli_message("standard output: cannot be written");
    return STATUS_FAILED;
}

/* The long name of an option that nobody knows; what stands behind "=" is not shown, for it may be anything. */
static const char *find_unknown(int argc, char **argv, const char *const *known)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *name = argv[i] + 2;
        size_t size = strcspn(argv[i], "=");
        gboolean found = !g_str_has_prefix(argv[i], "--");
        for (size_t j = 0; !found && known[j]; j++)
            found = strlen(known[j]) + 2 == size && strncmp(name, known[j], size - 2) == 0;
        if (!found)
            return name;
    }
    return NULL;
}

static void refuse_options(const struct command *command, int argc, char **argv, const char *const *known,
                           const GError *error)
{
    const char *unknown =
        g_error_matches(error, G_OPTION_ERROR, G_OPTION_ERROR_UNKNOWN_OPTION) ? find_unknown(argc, argv, known) : NULL;
    g_autofree char *name = unknown ? g_strndup(unknown, strcspn(unknown, "=")) : NULL;
    const char *meant = name ? nearest_find(name, known, 2) : NULL;

    if (meant)
        cli_usage(command, "unknown option --%s, did you mean --%s?", name, meant);
    else
        cli_usage(command, "%s", error->message);
}

static void (*list_take)(void *data, const GOptionEntry *entry);
static void *list_data;

void cli_list_options(void (*take)(void *data, const GOptionEntry *entry), void *data)
{
    list_take = take;
    list_data = data;
}

gboolean cli_options(const struct command *command, int *argc, char ***argv, const GOptionEntry *entries, ...)
{
    g_autofree char *parameters = g_strconcat(command->arguments, NULL);
    g_autoptr(GOptionContext) context = g_option_context_new(parameters);
    g_autofree char *name = g_strconcat("trustgap ", command->name, NULL);
    g_autofree char *description = g_strconcat("Examples:\n", command->examples, NULL);
    g_autoptr(GPtrArray) known = g_ptr_array_new();
    g_autoptr(GError) error = NULL;

    g_set_prgname(name);
    g_option_context_set_summary(context, command->help);
    g_option_context_set_description(context, description);
    va_list more;
    va_start(more, entries);
    for (const GOptionEntry *table = entries; table; table = va_arg(more, const GOptionEntry *)) {
        g_option_context_add_main_entries(context, table, NULL);
        for (const GOptionEntry *entry = table; entry->long_name; entry++)
            g_ptr_array_add(known, (void *)entry->long_name);
        for (const GOptionEntry *entry = table; list_take && entry->long_name; entry++)
            list_take(list_data, entry);
    }
    va_end(more);
    if (list_take)
        return FALSE;
    g_ptr_array_add(known, (void *)"help");
    g_ptr_array_add(known, NULL);
    int count = *argc;
    g_autofree char **words = g_memdup2(*argv, ((size_t)count + 1) * sizeof **argv); /* parsing takes some out */
    if (!g_option_context_parse(context, argc, argv, &error)) {
        refuse_options(command, count, words, (const char *const *)known->pdata, error);
        return FALSE;
    }
    /* What is left may have the "--" that ended the options in front. */
    if (*argc > 1 && strcmp((*argv)[1], "--") == 0) {
        (*argv)[1] = (*argv)[0];
        (*argv)++;
        (*argc)--;
    }
    return TRUE;
}

int cli_usage(const struct command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    cli_message("trustgap %s: %s; see \"trustgap %s --help\"", command->name, text, command->name);
    return STATUS_USAGE;
}

static int status_of(const GError *error)
{
    if (error->domain != TRUSTGAP_ERROR)
        return STATUS_FAILED;
    switch ((enum trustgap_error)error->code) {
    case TRUSTGAP_ERROR_USAGE:
        return STATUS_USAGE;
    case TRUSTGAP_ERROR_MISSING:
        return STATUS_NO_INPUT;
    case TRUSTGAP_ERROR_SYNTAX:
    case TRUSTGAP_ERROR_LIMIT:
        return STATUS_DATA;
    case TRUSTGAP_ERROR_INTERNAL:
        return STATUS_INTERNAL;
    case TRUSTGAP_ERROR_IO:
    case TRUSTGAP_ERROR_PIPE:
        break;
    }
    return STATUS_FAILED;
}

char *cli_audit_path(const char *path, GError **error)
{
    g_autofree char *latest = g_build_filename(path, "latest.xml", NULL),
                    *audit = g_build_filename(path, "audit.xml", NULL);

    if (!g_file_test(path, G_FILE_TEST_IS_DIR))
        return g_strdup(path);
    gboolean limited = !g_file_test(latest, G_FILE_TEST_EXISTS) && g_file_test(audit, G_FILE_TEST_EXISTS);
    const char *chosen = limited ? audit : latest;
    return file_is_regular(chosen, error) ? g_strdup(chosen) : NULL;
}

struct audit *cli_read_audit(const char *path, GError **error)
{
    g_autofree char *file = cli_audit_path(path, error);
    return file ? report_load_xml(cli_workers(), file, error) : NULL;
}

int cli_failed(const GError *error)
{
    if (g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_PIPE))
        return end_by_pipe();
    cli_message("%s", error->message);
    return status_of(error);
}

gboolean cli_evaluation_time(int64_t *at, GError **error)
{
    if (!at_text) {
        *at = moment_now();
        return TRUE;
    }
    if (moment_parse_day(at, at_text, error))
        return TRUE;
    g_prefix_error(error, "--at: ");
    if (error && *error)
        (*error)->code = TRUSTGAP_ERROR_USAGE;
    return FALSE;
}

/* "never" is above everything that a finding can be. */
#define SEVERITY_NEVER ((enum audit_severity)(SEVERITY_CRITICAL + 1))

gboolean cli_fail_on(enum audit_severity *severity, GError **error)
{
    *severity = SEVERITY_HIGH;
    if (!fail_on_text || audit_severity_parse(severity, fail_on_text))
        return TRUE;
    if (strcmp(fail_on_text, "never") == 0) {
        *severity = SEVERITY_NEVER;
        return TRUE;
    }
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE,
                "--fail-on: %s: must be info, low, medium, high, critical or never", fail_on_text);
    return FALSE;
}

/* "500M": a number and K, M, G or T, with or without "iB" or "B" behind, in powers of 1024. */
static gboolean parse_size(int64_t *bytes, const char *text)
{
    static const char letters[] = "KMGT";
    char *end = NULL;
    guint64 number = g_ascii_isdigit(*text) ? g_ascii_strtoull(text, &end, 10) : 0;
    const char *letter = end && *end ? strchr(letters, g_ascii_toupper(*end)) : NULL;
    int shift = letter ? 10 * (int)(letter - letters + 1) : 0;

    if (letter)
        end++;
    if (letter && g_ascii_strcasecmp(end, "iB") == 0)
        end += 2;
    else if (end && g_ascii_strcasecmp(end, "B") == 0)
        end++;
    if (number == 0 || !end || *end || number > (guint64)CAPTURE_SIZE_MAX >> shift)
        return FALSE;
    *bytes = (int64_t)(number << shift);
    return TRUE;
}

static gboolean network_options_fit(GError **error)
{
    static const struct {
        const char *name;
        const int *value;
        int most;
    } rows[] = {
        {"--fanout", &fanout, COLLECTOR_FANOUT_MAX},
        {"--workers", &collect_workers, COLLECTOR_WORKERS_MAX},
        {"--host-timeout", &host_timeout_s, 86400},
        {"--connect-timeout", &connect_timeout_s, 3600},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (*rows[i].value < 0 || *rows[i].value > rows[i].most) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "%s: must be from 1 to %d", rows[i].name,
                        rows[i].most);
            return FALSE;
        }
    if (trace_bytes < 0 || trace_bytes > COLLECTOR_HOST_BYTES) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "--trace-bytes: must be from 1 to %" G_GINT64_FORMAT,
                    COLLECTOR_HOST_BYTES);
        return FALSE;
    }
    if (disk_budget_text && !parse_size(&disk_budget_bytes, disk_budget_text)) {
        g_autofree char *clean = text_clean(disk_budget_text, strlen(disk_budget_text));
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE,
                    "--disk-budget: \"%s\" is no size; write 500M, 20G or 1T", clean);
        return FALSE;
    }
    return TRUE;
}

#define PASSWORD_BYTES ((size_t)4096) /* of a file with a password */

static char *read_password(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, PASSWORD_BYTES, error);
    gsize size;
    const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;

    if (!bytes) {
        g_prefix_error(error, "--reference-password-file: ");
        return NULL;
    }
    const char *end = size > 0 ? memchr(text, '\n', size) : NULL;
    size = end ? (gsize)(end - text) : size;
    if (size > 0 && text[size - 1] == '\r')
        size--;
    if (size == 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX,
                    "--reference-password-file: %s: no password in the first line", file_name(path));
        return NULL;
    }
    return g_strndup(text, size);
}

static gboolean load_passwords(GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(g_free);

    for (char **path = password_files; path && *path; path++) {
        char *password = read_password(*path, error);
        if (!password)
            return FALSE;
        g_ptr_array_add(list, password);
    }
    for (char **name = password_variables; name && *name; name++) {
        const char *password = g_getenv(*name);
        if (!password) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE,
                        "--reference-password-env: %s: this environment variable isn't set", *name);
            return FALSE;
        }
        g_ptr_array_add(list, g_strdup(password));
    }
    g_ptr_array_add(list, NULL);
    g_strfreev(passwords);
    passwords = (char **)g_ptr_array_steal(list, NULL);
    return TRUE;
}

const char *const *cli_passwords(void)
{
    return (const char *const *)passwords;
}

/* Where systems keep the public certificates that they trust. */
static const char *find_bundle(void)
{
    static const char *const paths[] = {
        "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu */
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* Red Hat */
        "/var/lib/ca-certificates/ca-bundle.pem",            /* SUSE */
        "/etc/ssl/ca-bundle.pem",                            /* the same, as a link */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        if (g_file_test(paths[i], G_FILE_TEST_IS_REGULAR))
            return paths[i];
    return NULL;
}

static gboolean load_bundle(struct references *references, GError **error)
{
    const char *named = g_getenv("TRUSTGAP_SYSTEM_REFERENCE"), *path = named ? named : find_bundle();
    g_autoptr(GError) own = NULL;

    if (no_system_reference || !path || !*path || references_add_system(references, path, &own))
        return TRUE;
    if (named) {
        g_propagate_prefixed_error(error, g_steal_pointer(&own), "TRUSTGAP_SYSTEM_REFERENCE: ");
        return FALSE;
    }
    if (!cli_quiet)
        cli_message("%s; going on without this system's bundle", own->message);
    return TRUE;
}

gboolean cli_load_references(struct references **references, GError **error)
{
    g_autoptr(references_auto) loaded = references_new();

    if (!load_passwords(error))
        return FALSE;
    for (char **path = reference_paths; path && *path; path++)
        if (!references_add(loaded, *path, cli_passwords(), error))
            return FALSE;
    if (!load_bundle(loaded, error))
        return FALSE;
    *references = g_steal_pointer(&loaded);
    return TRUE;
}

void cli_tell_references(const struct references *references)
{
    for (guint i = 0; !cli_quiet && i < references->sources->len; i++) {
        const struct reference_source *source = references->sources->pdata[i];
        if (source->trouble)
            cli_message("%s", source->trouble);
    }
}

gboolean cli_load_policy(struct policy **policy, int *status)
{
    g_autoptr(GError) error = NULL;

    *policy = policy_path ? policy_load(policy_path, &error) : NULL;
    if (!error)
        return TRUE;
    g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
    for (char **line = lines; *line; line++)
        cli_message("%s", *line);
    *status = status_of(error);
    return FALSE;
}

struct inventory *cli_load_inventory(const struct command *command, int *status)
{
    g_autoptr(GError) error = NULL;
    if (!cli_inventory_path) {
        *status = cli_usage(command, "no inventory: -i FILE is needed");
        return NULL;
    }
    if (!network_options_fit(&error)) {
        *status = cli_failed(error);
        return NULL;
    }
    g_autoptr(inventory_auto) inventory = inventory_load(cli_inventory_path, &error);
    if (!inventory || (limit_pattern && !inventory_limit(inventory, limit_pattern, &error))) {
        *status = cli_failed(error);
        return NULL;
    }
    g_autoptr(GPtrArray) warnings = inventory_warnings(inventory);
    for (guint i = 0; !cli_quiet && i < warnings->len; i++)
        cli_message("%s", (const char *)warnings->pdata[i]);
    return g_steal_pointer(&inventory);
}

struct progress {
    guint hosts, finished, missing;
    gboolean shown; /* a progress line stands on the terminal */
    gboolean terminal;
};

static void progress_hide(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = FALSE;
}

static void tell_chain(const struct capture_host *host, const struct capture_chain *chain)
{
    g_autofree char *outcome = chain->object ? g_strdup_printf("%" G_GINT64_FORMAT " certificates", chain->count)
                                             : g_strdup_printf("%s: %s", chain->reason, chain->message);
    cli_message("%s: %s port %" G_GINT64_FORMAT ": %s", host->name, chain->target ? chain->target : chain->address,
                chain->port, outcome);
}

/* PSEs that say themselves why they could not be read: the host counts as collected all the same. */
static void tell_unread(struct progress *progress, const struct capture_host *host)
{
    gboolean of_files;
    g_autofree char *unread = capture_unread(host, &of_files);

    if (!unread)
        return;
    progress_hide(progress);
    cli_message("%s: %s", host->name, unread);
}

static void on_progress(void *context, const struct capture_host *host, const char *message)
{
    struct progress *progress = context;

    if (!host) {
        progress_hide(progress);
        if (!cli_quiet)
            cli_message("%s", message);
        return;
    }
    progress->finished++;
    if (host->status != CAPTURE_COLLECTED) {
        progress->missing++;
        progress_hide(progress);
        if (!cli_quiet)
            cli_message("%s: %s", host->name, host->message ? host->message : host->reason);
    } else if (!cli_quiet) {
        tell_unread(progress, host);
    }
    if (host->status == CAPTURE_COLLECTED && cli_verbose) {
        progress_hide(progress);
        cli_message("%s: collected: %u instances, %u traces, %u PSEs", host->name, host->instances->len,
                    host->traces->len, host->stores->len);
        for (guint i = 0; i < host->chains->len; i++)
            tell_chain(host, host->chains->pdata[i]);
    }
    if (progress->terminal) {
        progress_hide(progress);
        fprintf(stderr, "%u of %u hosts, %u not collected", progress->finished, progress->hosts, progress->missing);
        progress->shown = TRUE;
    }
}

static void on_state(void *context, const char *host, const char *from, const char *to)
{
    progress_hide(context);
    fprintf(stderr, "%s: [%s] -> [%s]\n", host, from, to);
}

gboolean cli_collect(struct collector_result *result, const struct inventory *inventory, struct capture_writer *writer,
                     GHashTable *peers, GError **error)
{
    struct progress progress = {
        .hosts = inventory->hosts->len,
        .terminal = !cli_quiet && isatty(STDERR_FILENO),
    };
    struct collector_options options = {
        .fanout = (unsigned)fanout,
        .workers = (unsigned)collect_workers,
        .known_hosts = (const char *const *)known_hosts,
        .use_agent = !no_agent,
        .trace_bytes = trace_bytes,
        .host_timeout_ms = (unsigned)host_timeout_s * 1000,
        .connect_timeout_ms = (unsigned)connect_timeout_s * 1000,
        .peers = peers,
        .progress = on_progress,
        .trace = g_getenv("TRUSTGAP_TRACE_STATES") ? on_state : NULL,
        .context = &progress,
    };
    struct secrecy secrecy;
    if (!capture_limit_disk(writer, disk_budget_bytes, error))
        return FALSE;
    secrecy_begin(&secrecy, inventory);
    gboolean ok = collector_run(result, inventory, writer, &options, error);
    secrecy_end(&secrecy);
    progress_hide(&progress);
    return ok;
}

int cli_collect_status(const struct collector_result *result)
{
    if (!cli_quiet)
        cli_message("%u %s collected, %u in part, %u not%s", result->collected,
                    result->collected == 1 ? "host" : "hosts", result->partial, result->failed,
                    result->cancelled ? "; the run was cancelled" : "");
    return result->partial || result->failed || result->cancelled ? STATUS_HOSTS_MISSING : STATUS_CLEAN;
}

void cli_tell(const struct audit *audit)
{
    if (cli_quiet)
        return;
    g_autoptr(overview_auto) overview = overview_new(audit);
    g_autofree char *headline = overview_headline(overview);
    for (guint i = 0; i < audit->warnings->len; i++)
        cli_message("%s", (const char *)audit->warnings->pdata[i]);
    cli_message("%s", headline);
}

int cli_hosts_status(const struct audit *audit, enum audit_severity severity)
{
    for (guint i = 0; severity != SEVERITY_NEVER && i < audit->hosts->len; i++) {
        enum audit_host_status status = ((const struct audit_host *)audit->hosts->pdata[i])->status;
        if (status == HOST_PARTIAL || status == HOST_FAILED)
            return STATUS_HOSTS_MISSING;
    }
    return STATUS_CLEAN;
}

int cli_findings_status(const struct audit *audit, enum audit_severity severity)
{
    for (guint i = 0; i < audit->findings->len; i++)
        if (audit_finding_counts(audit->findings->pdata[i], severity))
            return STATUS_FINDINGS;
    return STATUS_CLEAN;
}

gboolean cli_write(const char *path, int mode, cli_writer write, const struct audit *audit, GError **error)
{
    struct file_output *output = file_output_open(path, mode, error);
    if (!output)
        return FALSE;
    if (!write(output, audit, error)) {
        file_output_abort(output);
        return FALSE;
    }
    return file_output_commit(output, error);
}
