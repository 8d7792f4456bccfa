/* trustgap inventory: what was understood of an inventory. */
#include "cli.h"
#include "status.h"

#include <stdio.h>

static gboolean list;

static const GOptionEntry entries[] = {
    {"list", 0, 0, G_OPTION_ARG_NONE, &list, "Print groups and hosts as JSON, as ansible-inventory --list does", NULL},
    {0},
};

static int run(int argc, char **argv)
{
    int status;

    if (!cli_options(&command_inventory, &argc, &argv, entries, cli_network_entries, cli_common_entries, NULL))
        return STATUS_USAGE;
    if (argc > 1)
        return cli_usage(&command_inventory, "%s: too many arguments", argv[1]);
    if (!list)
        return cli_usage(&command_inventory, "nothing to do: --list is needed");
    g_autoptr(inventory_auto) inventory = cli_load_inventory(&command_inventory, &status);
    if (!inventory)
        return status;
    g_autofree char *text = inventory_list(inventory);
    fputs(text, stdout);
    return cli_printed();
}

const struct command command_inventory = {
    "inventory",
    "-i INVENTORY --list",
    "Show what was understood of an inventory",
    "  trustgap inventory -i /etc/ansible/hosts --list\n"
    "  trustgap inventory -i hosts.ini --limit 'production,!app07' --list\n",
    run,
};
