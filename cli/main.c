/* The command table and the way into it. */
#include "cli.h"
#include "status.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const struct command *const commands[] = {
    &command_audit,   &command_collect,  &command_analyze,   &command_report,
    &command_explain, &command_validate, &command_inventory,
};

static void print_help(FILE *out)
{
    fputs("Usage: trustgap COMMAND [OPTIONS]\n\n"
          "Finds the TLS trust anchors that are missing in the PSEs of an SAP landscape.\n\nCommands:\n",
          out);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->help);
    fputs("\n\"trustgap COMMAND --help\" tells the options of a command and gives examples.\n\n"
          "Exit status: 0 complete and clean, 1 findings, 2 failed, 4 some hosts not collected, 5 both 1 and 4,\n"
          "64 to 70 as in sysexits.h (64 usage, 65 bad input, 66 no input).\n",
          out);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    /* A reader of our output that goes away is a write error, not a death in mid-capture. */
    signal(SIGPIPE, SIG_IGN);
    /* Captures and reports tell which systems are weak where: nothing is for others unless it says so. */
    umask(077);
    g_set_prgname("trustgap");

    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return STATUS_CLEAN;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("trustgap " TRUSTGAP_VERSION);
        return STATUS_CLEAN;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return commands[i]->run(argc - 1, argv + 1);
    cli_message("trustgap %s: no such command; \"trustgap --help\" lists them", argv[1]);
    return STATUS_USAGE;
}
