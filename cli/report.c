/* trustgap report: an audit as another document. */
#include "report.h"
#include "cli.h"
#include "status.h"

static char *format_name, *output_path;

static const GOptionEntry entries[] = {
    {"format", 'f', 0, G_OPTION_ARG_STRING, &format_name, "html, text (default) or xml", "FORMAT"},
    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output_path, "Where to (default: standard output)", "FILE"},
    {0},
};

static int run(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    if (!cli_options(&command_report, &argc, &argv, entries, cli_common_entries, NULL))
        return STATUS_USAGE;
    if (argc != 2)
        return cli_usage(&command_report, argc < 2 ? "no audit is named" : "more than one audit is named");
    const struct report_format *format = report_format_find(format_name ? format_name : "text");
    if (!format) {
        g_autoptr(GString) names = g_string_new(NULL);
        for (const struct report_format *known = report_formats; known->name; known++)
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", known->name);
        return cli_usage(&command_report, "%s: no such format; there are %s", format_name, names->str);
    }
    g_autoptr(audit_auto) audit = cli_read_audit(argv[1], &error);
    if (!audit || !cli_write(output_path ? output_path : "-", 0600, format->write, audit, &error))
        return cli_failed(error);
    return STATUS_CLEAN;
}

const struct command command_report = {
    "report",
    "AUDIT.xml|FOLDER",
    "Make a report from an audit, or from the latest one in a state folder",
    "  trustgap report audit.xml\n"
    "  trustgap report ~/.local/state/trustgap | less\n"
    "  trustgap report audit.xml -f html -o report.html\n",
    run,
};
