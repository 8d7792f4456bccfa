/* The command table and the way into it. */
#include "certificate_worker.h"
#include "cli.h"
#include "completion.h"
#include "nearest.h"
#include "report.h"
#include "shard.h"
#include "status.h"
#include "trace_worker.h"
#include "workers.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &command_audit,   &command_collect, &command_analyze,  &command_report,
    &command_explain, &command_check,   &command_validate, &command_inventory,
};

static void print_help(FILE *out)
{
    fputs("Usage: trustgap COMMAND [OPTIONS]\n\n"
          "Finds the TLS trust anchors that are missing in the PSEs of an SAP landscape.\n\nCommands:\n",
          out);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->help);
    fputs("\nOptions:\n"
          "  -h, --help     Show this help\n"
          "  -V, --version  Show the version\n"
          "\n\"trustgap COMMAND --help\" tells the options of a command and gives examples.\n\n"
          "Exit status: 0 complete and clean, 1 findings, 2 failed, 4 some hosts not collected, 5 both 1 and 4,\n"
          "64 to 70 as in sysexits.h (64 usage, 65 bad input, 66 no input).\n",
          out);
}

/*
 * A standard descriptor that is closed would become the next file that is opened, and messages would be written into a
 * capture.  What takes its place fails like a closed one: it cannot be read, or not be written.
 */
static gboolean hold_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            return FALSE;
    return TRUE;
}

static int refuse(const char *name)
{
    static const char *const options[] = {"--help", "--version", NULL};
    const char *names[G_N_ELEMENTS(commands) + 1] = {NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        names[i] = commands[i]->name;
    const char *meant = nearest_find(name, *name == '-' ? options : names, 2);
    cli_message("trustgap %s: no such %s%s%s%s; \"trustgap --help\" lists them", name,
                *name == '-' ? "option" : "command", meant ? ", did you mean \"" : "", meant ? meant : "",
                meant ? "\"?" : "");
    return STATUS_USAGE;
}

/* This process is a child that parses what it is given; no person calls it so. */
static int serve(void)
{
    static worker_work *const works[] = {certificate_worker_work, trace_worker_work, report_work, NULL};
    return worker_serve(works);
}

int main(int argc, char **argv)
{
    if (!hold_standard_descriptors())
        return STATUS_FAILED; /* and there is nowhere to say so */
    setlocale(LC_CTYPE, "");
    /* A reader of our output that goes away is a write error, not a death in mid-capture. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes likewise: it is told as a full disk is */
    /* Captures and reports tell which systems are weak where: nothing is for others unless it says so. */
    umask(077);
    g_set_prgname("trustgap");

    if (argc == 2 && strcmp(argv[1], CLI_PARSER) == 0)
        return serve();
    if (argc == 2 && strcmp(argv[1], COLLECTOR_WORKER) == 0)
        return shard_serve();
    if (argc < 2) {
        print_help(stderr);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return cli_printed();
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        puts("trustgap " TRUSTGAP_VERSION);
        return cli_printed();
    }
    if (argc == 3 && strcmp(argv[1], "--completion") == 0 &&
        completion_print(argv[2], commands, G_N_ELEMENTS(commands)))
        return cli_printed();
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return commands[i]->run(argc - 1, argv + 1);
    return refuse(argv[1]);
}
