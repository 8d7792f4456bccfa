/* trustgap collect: only the network part. */
#include "cli.h"
#include "error.h"
#include "fetch.h"
#include "moment.h"
#include "report.h"
#include "status.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

static char *output_path, *fetch_audit;
static gboolean resume, only_failed, dry_run, print_probe;

static const GOptionEntry entries[] = {
    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output_path, "The capture folder to make", "CAPTURE"},
    {"resume", 0, 0, G_OPTION_ARG_NONE, &resume,
     "Go on with a capture: hosts that it has are passed over, unless they were cancelled", NULL},
    {"only-failed", 0, 0, G_OPTION_ARG_NONE, &only_failed,
     "Go on with a capture: only hosts that it has not, or not wholly", NULL},
    {"fetch-chains", 0, 0, G_OPTION_ARG_FILENAME, &fetch_audit,
     "Have each host connect to the peers that this audit saw failing there as untrusted, for their certificates",
     "AUDIT.xml"},
    {"dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, "Print exactly what would run, and connect to nothing", NULL},
    {"print-probe", 0, 0, G_OPTION_ARG_NONE, &print_probe,
     "Print the probe as a program to be installed on hosts, for sudoers", NULL},
    {0},
};

/* A host that was in work when the run was ended is as little finished as one that it had not begun. */
static gboolean is_finished(const struct capture_host *host)
{
    if (host->status == CAPTURE_COLLECTED)
        return TRUE;
    return !only_failed && g_strcmp0(host->reason, collector_reason_name(REASON_CANCELLED)) != 0;
}

/* Hosts that the capture has, or with --only-failed those that it has wholly, are not asked again. */
static gboolean is_unfinished(const struct inventory_host *host, void *finished)
{
    return !g_hash_table_contains(finished, host->name);
}

static void remove_finished(struct inventory *inventory, const struct capture *capture)
{
    g_autoptr(GHashTable) finished = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < capture->hosts->len; i++) {
        const struct capture_host *host = capture->hosts->pdata[i];
        if (is_finished(host))
            g_hash_table_add(finished, host->name);
    }
    inventory_keep(inventory, is_unfinished, finished);
}

/* Hosts that neither the runs before nor this one is asked to look at. */
static GPtrArray *still_left_out(const struct inventory *inventory, const struct capture_header *before)
{
    GPtrArray *both = g_ptr_array_new();
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; before->left_out && i < before->left_out->len; i++)
        g_hash_table_add(known, before->left_out->pdata[i]);
    for (guint i = 0; i < inventory->left_out->len; i++)
        if (!before->left_out || g_hash_table_contains(known, inventory->left_out->pdata[i]))
            g_ptr_array_add(both, inventory->left_out->pdata[i]);
    return both;
}

/* A run that goes on with a limited one, and looks at more hosts than that, says so in the journal. */
static struct capture_writer *reopen_capture(struct inventory *inventory, struct capture_header *header, GError **error)
{
    g_autoptr(capture_auto) capture = capture_open(output_path, error);
    if (!capture)
        return NULL;
    const struct capture_header *before = &capture->header;
    if (!before->limit) {
        remove_finished(inventory, capture);
        return capture_append(output_path, NULL, error);
    }
    g_autoptr(GPtrArray) both = still_left_out(inventory, before);
    g_autofree char *limits = both->len > 0 ? g_strconcat(before->limit, " and ", inventory->limit, NULL) : NULL;
    gboolean same = before->left_out && both->len == before->left_out->len;
    header->limit = limits;
    header->left_out = both;
    remove_finished(inventory, capture);
    return capture_append(output_path, same ? NULL : header, error);
}

static struct capture_writer *open_capture(struct inventory *inventory, GError **error)
{
    struct capture_header header = {
        .program = (char[]){"trustgap " TRUSTGAP_VERSION},
        .started = moment_now(),
        .inventory_sha256 = inventory->sha256,
        .limit = inventory->limit,
        .left_out = inventory->left_out,
    };
    if (resume || only_failed)
        return reopen_capture(inventory, &header, error);
    return capture_create(output_path, &header, error);
}

/* Names of all hosts that the capture is to have in the end; the caller unrefs it. */
static GPtrArray *wanted_hosts(const struct inventory *inventory)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < inventory->hosts->len; i++)
        g_ptr_array_add(names, g_strdup(((const struct inventory_host *)inventory->hosts->pdata[i])->name));
    return names;
}

/* What has become of a capture that several runs worked on: the last of them, with this ${status}, may have done
 * little. */
static int whole_status(const GPtrArray *wanted, int status)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(capture_auto) capture = capture_open(output_path, &error);
    if (!capture)
        return cli_failed(error);
    g_autoptr(GHashTable) lines = g_hash_table_new(g_str_hash, g_str_equal);
    guint collected = 0, partial = 0, missing = 0;

    for (guint i = 0; i < capture->hosts->len; i++) {
        const struct capture_host *host = capture->hosts->pdata[i];
        g_hash_table_add(lines, host->name);
        collected += host->status == CAPTURE_COLLECTED;
        partial += host->status == CAPTURE_PARTIAL;
    }
    for (guint i = 0; i < wanted->len; i++)
        missing += !g_hash_table_contains(lines, wanted->pdata[i]);
    guint all = capture->hosts->len + missing;
    if (!cli_quiet)
        cli_message("%s as a whole: %u of %u hosts collected, %u in part, %u not", output_path, collected, all, partial,
                    all - collected - partial);
    return collected == all ? status : status | STATUS_HOSTS_MISSING;
}

static void print_peers(const GPtrArray *peers)
{
    if (!peers)
        return;
    puts("# then from that host, over the same connection (direct-tcpip), one TLS client hello each to:");
    for (guint i = 0; i < MIN(peers->len, COLLECTOR_PEERS); i++) {
        const struct collector_peer *peer = peers->pdata[i];
        printf("#   %s port %u%s%s\n", peer->target ? peer->target : peer->address, peer->port,
               peer->target ? ", asking for " : "", peer->target ? peer->target : "");
    }
}

/* What it comes to: whoever checks a script of a thousand lines wants to know first where it goes. */
static void print_summary(const struct inventory *inventory, guint passed_over, GHashTable *peers)
{
    guint ssh = 0, local = 0, other = 0, become = 0, asked = 0;

    for (guint i = 0; i < inventory->hosts->len; i++) {
        const struct inventory_host *host = inventory->hosts->pdata[i];
        const GPtrArray *of_host = host->connection == INVENTORY_SSH ? fetch_find(peers, host->name) : NULL;
        ssh += host->connection == INVENTORY_SSH;
        local += host->connection == INVENTORY_LOCAL;
        other += host->connection == INVENTORY_OTHER;
        become += host->become && host->connection != INVENTORY_OTHER;
        asked += of_host ? MIN(of_host->len, COLLECTOR_PEERS) : 0;
    }
    g_autofree char *all = words_count(ssh + local, "host", "hosts"), *odd = words_count(other, "host", "hosts"),
                    *had = words_count(passed_over, "host", "hosts"),
                    *out = words_count(inventory->left_out->len, "host", "hosts");
    printf("# %s would be collected: %u over SSH, %u on this machine\n", all, ssh, local);
    if (other > 0)
        printf("# %s would not be collected because the connection is not supported\n", odd);
    if (passed_over > 0)
        printf("# %s would be passed over because %s has them\n", had, output_path);
    if (inventory->limit)
        printf("# %s would be left out (--limit %s)\n", out, inventory->limit);
    printf("# each would run \"%s\", which reads the script below from standard input and writes nothing there\n",
           COLLECTOR_COMMAND);
    if (become > 0)
        printf("# %u of them may use \"sudo -n -u <sid>adm\" (ansible_become) to read what the login may not\n",
               become);
    if (asked > 0)
        printf("# %u peers would be asked for their certificates\n", asked);
    puts("#");
}

static int print_dry_run(const struct inventory *inventory, guint passed_over, GHashTable *peers)
{
    g_autofree char *last = NULL;

    print_summary(inventory, passed_over, peers);
    for (guint i = 0; i < inventory->hosts->len; i++) {
        const struct inventory_host *host = inventory->hosts->pdata[i];
        if (host->connection == INVENTORY_OTHER) {
            printf("# %s: nothing: %s is not supported\n", host->name, host->plugin);
            continue;
        }
        if (host->connection == INVENTORY_LOCAL)
            printf("# %s: on this machine: %s\n", host->name, COLLECTOR_COMMAND);
        else
            printf("# %s: ssh -T -p %u %s%s%s '%s'\n", host->name, host->port, host->user ? host->user : "",
                   host->user ? "@" : "", host->address, COLLECTOR_COMMAND);
        /* The same text as for the host before is not printed again. */
        g_autofree char *script = collector_script(host, 0);
        if (!last || strcmp(last, script) != 0) {
            printf("# standard input, to the line \"# end\":\n%s# end\n", script);
            g_free(last);
            last = g_steal_pointer(&script);
        } else {
            puts("# standard input: as above");
        }
        if (host->connection != INVENTORY_LOCAL)
            print_peers(fetch_find(peers, host->name));
    }
    return cli_printed();
}

static int try_dry_run(struct inventory *inventory, GHashTable *peers)
{
    guint all = inventory->hosts->len;

    if ((resume || only_failed) && output_path) {
        g_autoptr(GError) error = NULL;
        g_autoptr(capture_auto) capture = capture_open(output_path, &error);
        if (!capture)
            return cli_failed(error);
        remove_finished(inventory, capture);
    }
    return print_dry_run(inventory, all - inventory->hosts->len, peers);
}

static GHashTable *read_peers(GError **error)
{
    g_autoptr(audit_auto) audit = cli_read_audit(fetch_audit, error);
    return audit ? fetch_peers(audit) : NULL;
}

static int run(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    struct collector_result result;
    int status;

    if (!cli_options(&command_collect, &argc, &argv, entries, cli_network_entries, cli_common_entries, NULL))
        return STATUS_USAGE;
    if (argc > 1)
        return cli_usage(&command_collect, "%s: too many arguments", argv[1]);
    if (print_probe) {
        g_autofree char *probe = collector_probe();
        fputs(probe, stdout);
        return cli_printed();
    }
    g_autoptr(inventory_auto) inventory = cli_load_inventory(&command_collect, &status);
    if (!inventory)
        return status;
    if (!dry_run && !output_path)
        return cli_usage(&command_collect, "no capture folder: -o CAPTURE is needed");
    g_autoptr(GHashTable) peers = NULL;
    if (fetch_audit && !(peers = read_peers(&error)))
        return cli_failed(error);
    if (dry_run)
        return try_dry_run(inventory, peers);
    g_autoptr(GPtrArray) wanted = wanted_hosts(inventory);
    struct capture_writer *writer = open_capture(inventory, &error);
    if (!writer)
        return cli_failed(error);
    gboolean ok = cli_collect(&result, inventory, writer, peers, &error);
    capture_close(writer);
    if (!ok)
        return cli_failed(error);
    status = cli_collect_status(&result);
    return resume || only_failed ? whole_status(wanted, status) : status;
}

const struct command command_collect = {
    "collect",
    "-i INVENTORY -o CAPTURE",
    "Only the network part: bring traces and trust lists home",
    "  trustgap collect -i hosts.ini -o capture/\n"
    "  trustgap collect -i hosts.ini -o capture/ --resume\n"
    "  trustgap collect -i hosts.ini --limit app01 --dry-run\n"
    "  trustgap collect -i hosts.ini -o capture/ --fetch-chains audit.xml\n",
    run,
};
