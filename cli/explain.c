/* trustgap explain: a trace, or a pasted piece of one, to a plain answer. */
#include "analysis.h"
#include "cli.h"
#include "report.h"
#include "status.h"

#include <string.h>

static char *format_name, *output_path;

static const GOptionEntry entries[] = {
    {"format", 'f', 0, G_OPTION_ARG_STRING, &format_name, "text (default) or json", "FORMAT"},
    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output_path, "Where to (default: standard output)", "FILE"},
    {0},
};

static gboolean write_text(struct file_output *output, const struct audit *audit, G_GNUC_UNUSED GError **error)
{
    report_explain_text(output, audit);
    return TRUE;
}

static int run(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    cli_writer write = write_text;
    struct analysis_options options = {0};

    if (!cli_options(&command_explain, &argc, &argv, entries, cli_question_entries, cli_reference_entries,
                     cli_common_entries, NULL))
        return STATUS_USAGE;
    if (format_name && strcmp(format_name, "json") == 0)
        write = report_explain_json;
    else if (format_name && strcmp(format_name, "text") != 0)
        return cli_usage(&command_explain, "%s: no such format; there are text, json", format_name);
    g_autoptr(references_auto) references = NULL;
    if (!cli_evaluation_time(&options.at, &error) || !cli_load_references(&references, &error))
        return cli_failed(error);
    options.references = references;
    const char *const standard_input[] = {"-", NULL};
    g_autoptr(audit_auto) audit =
        analysis_explain(argc > 1 ? (const char *const *)argv + 1 : standard_input, &options, &error);
    if (!audit)
        return cli_failed(error);
    if (!cli_write(output_path ? output_path : "-", 0600, write, audit, &error))
        return cli_failed(error);
    gboolean understood = TRUE;
    for (guint i = 0; i < audit->inputs->len; i++) {
        const struct audit_input *input = audit->inputs->pdata[i];
        understood = understood && input->understood;
        if (!input->understood && (output_path || write == report_explain_json))
            cli_message("%s: %s. %s", input->path, input->seen, input->need);
    }
    if (audit->failures->len > 0)
        return STATUS_FINDINGS;
    return understood ? STATUS_CLEAN : STATUS_DATA;
}

const struct command command_explain = {
    "explain",
    "[FILE...]",
    "Explain the TLS errors of an ICM trace, of a pasted piece of one, or of a packed work folder",
    "  trustgap explain /usr/sap/PRD/D00/work/dev_icm\n"
    "  trustgap explain dev_icm.old dev_icm\n"
    "  trustgap explain work.tar.gz\n"
    "  trustgap explain --format json dev_icm\n"
    "  trustgap explain --reference roots/ --no-system-reference dev_icm\n"
    "  xclip -o | trustgap explain\n",
    run,
};
