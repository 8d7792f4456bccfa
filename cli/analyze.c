/* trustgap analyze: captures to an audit. */
#include "analysis.h"
#include "cli.h"
#include "error.h"
#include "report.h"
#include "status.h"

static char *output_path, *previous_path;

static const GOptionEntry entries[] = {
    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output_path, "Where to write the audit (default: standard output)",
     "AUDIT.xml"},
    {"previous", 0, 0, G_OPTION_ARG_FILENAME, &previous_path, "Compare with this audit: what is new, open, fixed",
     "AUDIT.xml"},
    {0},
};

static int run(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    struct analysis_options options = {0};
    enum audit_severity fail_on;
    int status;

    if (!cli_options(&command_analyze, &argc, &argv, entries, cli_analysis_entries, cli_reference_entries,
                     cli_common_entries, NULL))
        return STATUS_USAGE;
    if (argc < 2)
        return cli_usage(&command_analyze, "no capture is named");
    if (!cli_evaluation_time(&options.at, &error) || !cli_fail_on(&fail_on, &error))
        return cli_failed(error);
    g_autoptr(references_auto) references = NULL;
    if (!cli_load_references(&references, &error))
        return cli_failed(error);
    g_autoptr(policy_auto) policy = NULL;
    if (!cli_load_policy(&policy, &status))
        return status;
    g_autoptr(audit_auto) previous = NULL;
    if (previous_path) {
        previous = cli_read_audit(previous_path, &error);
        if (!previous)
            return cli_failed(error);
    }
    options.references = references;
    options.policy = policy;
    options.workers = cli_workers();
    options.previous = previous;
    g_autoptr(audit_auto) audit = analysis_run((const char *const *)argv + 1, &options, &error);
    if (!audit || !cli_write(output_path ? output_path : "-", 0600, report_write_xml, audit, &error))
        return cli_failed(error);
    cli_tell(audit);
    if (!cli_quiet && output_path)
        cli_message("The audit is in %s; \"trustgap report %s\" makes a report of it.", output_path, output_path);
    return cli_hosts_status(audit, fail_on) | cli_findings_status(audit, fail_on);
}

const struct command command_analyze = {
    "analyze",
    "CAPTURE...",
    "Analyze captures: which certificate is missing where",
    "  trustgap analyze capture/ -o audit.xml\n"
    "  trustgap analyze zone-a/ zone-b/ -o audit.xml --reference roots/ --previous yesterday.xml\n"
    "  trustgap analyze capture/ -o audit.xml --policy policy.ini --fail-on medium\n",
    run,
};
