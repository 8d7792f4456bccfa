/* trustgap validate: an audit against the schema. */
#include "cli.h"
#include "report.h"
#include "status.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

static void print_valid(const char *path)
{
    g_autofree char *name = text_clean(path, strlen(path));
    printf("%s: valid\n", name);
}

static int run(int argc, char **argv)
{
    int status = STATUS_CLEAN;

    if (!cli_options(&command_validate, &argc, &argv, cli_common_entries, NULL))
        return STATUS_USAGE;
    if (argc < 2)
        return cli_usage(&command_validate, "no file is named");
    for (int i = 1; i < argc; i++) {
        g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;
        g_autofree char *path = cli_audit_path(argv[i], &error);
        if (path && report_validate(path, messages, &error)) {
            if (!cli_quiet)
                print_valid(argv[i]);
            continue;
        }
        for (guint j = 0; j < messages->len; j++)
            cli_message("%s", (const char *)messages->pdata[j]);
        int failed = cli_failed(error);
        if (status == STATUS_CLEAN)
            status = failed;
    }
    return status == STATUS_CLEAN ? cli_printed() : status;
}

const struct command command_validate = {
    "validate", "AUDIT.xml...", "Check an audit against the schema", "  trustgap validate audit.xml\n", run,
};
