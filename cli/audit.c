/* trustgap audit: the nightly job.  Collect, analyze against the last audit, write the reports. */
#include "audit.h"
#include "analysis.h"
#include "cli.h"
#include "fetch.h"
#include "moment.h"
#include "report.h"
#include "state.h"
#include "status.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <unistd.h>

static char *state_folder;
static gboolean fetch_chains;

static const GOptionEntry entries[] = {
    {"state", 0, 0, G_OPTION_ARG_FILENAME, &state_folder,
     "Where captures, audits and reports are kept (default: /var/lib/trustgap for root, else ~/.local/state/trustgap)",
     "FOLDER"},
    {"fetch-chains", 0, 0, G_OPTION_ARG_NONE, &fetch_chains,
     "Have each host connect to the peers that the audit before saw failing there as untrusted, for their certificates",
     NULL},
    {0},
};

/* An audit that cannot be read any more costs the comparison, not the night. */
static struct audit *read_previous(const struct state *state)
{
    g_autoptr(GError) error = NULL;

    if (g_access(state->latest, F_OK) != 0)
        return NULL;
    struct audit *previous =
        file_is_regular(state->latest, &error) ? report_load_xml(cli_workers(), state->latest, &error) : NULL;
    if (!previous)
        cli_message("%s; going on without a comparison", error->message);
    return previous;
}

/* Of the audit before, for the collector reads no trace and cannot know tonight's failures. */
static GHashTable *find_peers(const struct audit *previous)
{
    if (!fetch_chains)
        return NULL;
    if (previous)
        return fetch_peers(previous);
    if (!cli_quiet)
        cli_message("--fetch-chains: there is no audit before this one, so no peer is known that could be asked");
    return NULL;
}

static gboolean collect(struct collector_result *result, const struct inventory *inventory, const struct state *state,
                        int64_t started, GHashTable *peers, GError **error)
{
    struct capture_header header = {
        .program = (char[]){"trustgap " TRUSTGAP_VERSION},
        .started = started,
        .inventory_sha256 = inventory->sha256,
        .limit = inventory->limit,
        .left_out = inventory->left_out,
    };
    struct capture_writer *writer = capture_create(state->capture, &header, error);
    if (!writer)
        return FALSE;
    gboolean ok = cli_collect(result, inventory, writer, peers, error);
    capture_close(writer);
    return ok;
}

static gboolean write_all(const struct state *state, const struct audit *audit, GError **error)
{
    return cli_write(state->audit, 0600, report_write_xml, audit, error) &&
           cli_write(state->html, 0600, report_write_html, audit, error) &&
           cli_write(state->text, 0600, report_write_text, audit, error) && state_publish(state, error);
}

static int run(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    struct collector_result result = {0};
    struct analysis_options options = {0};
    enum audit_severity fail_on;
    int status;

    if (!cli_options(&command_audit, &argc, &argv, entries, cli_network_entries, cli_analysis_entries,
                     cli_reference_entries, cli_common_entries, NULL))
        return STATUS_USAGE;
    if (argc > 1)
        return cli_usage(&command_audit, "%s: too many arguments", argv[1]);
    if (!cli_evaluation_time(&options.at, &error) || !cli_fail_on(&fail_on, &error))
        return cli_failed(error);
    g_autoptr(references_auto) references = NULL;
    if (!cli_load_references(&references, &error))
        return cli_failed(error);
    g_autoptr(policy_auto) policy = NULL;
    if (!cli_load_policy(&policy, &status))
        return status;
    g_autoptr(inventory_auto) inventory = cli_load_inventory(&command_audit, &status);
    if (!inventory)
        return status;
    int64_t started = moment_now();
    g_autoptr(state_auto) state = state_open(state_folder, started, inventory->limit != NULL, &error);
    if (!state)
        return cli_failed(error);
    g_autoptr(audit_auto) previous = read_previous(state);
    g_autoptr(GHashTable) peers = find_peers(previous);

    if (!collect(&result, inventory, state, started, peers, &error))
        return cli_failed(error);
    options.references = references;
    options.policy = policy;
    options.workers = cli_workers();
    options.previous = previous;
    const char *const captures[] = {state->capture, NULL};
    g_autoptr(audit_auto) audit = analysis_run(captures, &options, &error);
    if (!audit || !write_all(state, audit, &error))
        return cli_failed(error);
    cli_tell(audit);
    if (!cli_quiet) {
        if (inventory->limit)
            cli_message("limited to %s: %u hosts were left out, and the reports and the history in %s stay as they "
                        "are; this run has reports of its own",
                        inventory->limit, inventory->left_out->len, state->folder);
        printf("%s\n%s\n", state->html, state->text);
    }
    return cli_collect_status(&result) | cli_findings_status(audit, fail_on);
}

const struct command command_audit = {
    "audit",
    "-i INVENTORY",
    "The nightly job: collect, analyze against the last audit, write the reports",
    "  trustgap audit -i /etc/trustgap/hosts.ini\n"
    "  trustgap audit -i hosts.ini --state ~/audits --reference roots/ --fail-on medium\n"
    "  trustgap audit -i hosts.ini --policy /etc/trustgap/policy.ini\n",
    run,
};
