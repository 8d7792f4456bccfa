/* trustgap check: what if, asked of a stored audit. */
#include "check.h"

#include "cli.h"
#include "report.h"
#include "status.h"
#include "whatif.h"

#include <string.h>

static char *format_name, *output_path, *against_path, *side_name;
static char **chains, **drops, **imports, **stores;

static const GOptionEntry entries[] = {
    {"chain", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &chains,
     "What a peer sends: its certificate first (PEM, DER, PKCS #7, PKCS #12, JKS, PSE; \"-\": standard input; may be "
     "repeated)",
     "FILE"},
    {"import", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &imports,
     "As if CERT (a file, or the name or fingerprint of one that the audit knows) were in the stores that PATTERN fits "
     "(may be "
     "repeated)",
     "CERT@PATTERN"},
    {"drop", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &drops, "As if CERT were in no store any more (may be repeated)",
     "CERT"},
    {"against", 0, 0, G_OPTION_ARG_FILENAME, &against_path, "What the landscape of this audit lacks in comparison",
     "AUDIT"},
    {"store", 0, 0, G_OPTION_ARG_STRING_ARRAY, &stores,
     "Only stores whose label this fits (*SAPSSLC.pse), or with this PSE file (may be repeated)", "PATTERN"},
    {"side", 0, 0, G_OPTION_ARG_STRING, &side_name,
     "Whose stores --chain asks without --store: client (default), server, all", "SIDE"},
    {"format", 'f', 0, G_OPTION_ARG_STRING, &format_name, "text (default) or json", "FORMAT"},
    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output_path, "Where to (default: standard output)", "FILE"},
    {0},
};

static gboolean write_answer(const struct check *check, gboolean json, GError **error)
{
    struct file_output *output = file_output_open(output_path ? output_path : "-", 0600, error);
    if (!output)
        return FALSE;
    if (!json) {
        report_check_text(output, check);
    } else if (!report_check_json(output, check, error)) {
        file_output_abort(output);
        return FALSE;
    }
    return file_output_commit(output, error);
}

static gboolean is_standard_input(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

/* Standard input can be read once. */
static gboolean is_read_twice(const char *audit_path)
{
    unsigned count = is_standard_input(audit_path) + is_standard_input(against_path);
    for (char **chain = chains; chain && *chain; chain++)
        count += is_standard_input(*chain);
    return count > 1;
}

static int ask(const char *audit_path, enum whatif_side side, gboolean json)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(audit_auto) against = NULL;
    struct whatif_question question = {
        .audit_name = file_name(audit_path),
        .chains = (const char *const *)chains,
        .drops = (const char *const *)drops,
        .imports = (const char *const *)imports,
        .stores = (const char *const *)stores,
        .side = side,
    };

    g_autoptr(references_auto) references = NULL;
    if (!cli_evaluation_time(&question.at, &error) || !cli_load_references(&references, &error))
        return cli_failed(error);
    cli_tell_references(references);
    question.references = references;
    question.passwords = cli_passwords();
    g_autoptr(audit_auto) audit = cli_read_audit(audit_path, &error);
    if (!audit)
        return cli_failed(error);
    if (against_path) {
        question.against_name = file_name(against_path);
        question.against = against = cli_read_audit(against_path, &error);
        if (!against)
            return cli_failed(error);
    }
    g_autoptr(check_auto) check = whatif_ask(audit, &question, &error);
    if (!check || !write_answer(check, json, &error))
        return cli_failed(error);
    return check_rejects(check) ? STATUS_FINDINGS : STATUS_CLEAN;
}

static gboolean parse_side(enum whatif_side *side)
{
    static const char *const names[] = {[WHATIF_CLIENT] = "client", [WHATIF_SERVER] = "server", [WHATIF_ALL] = "all"};

    *side = WHATIF_CLIENT;
    for (size_t i = 0; side_name && i < G_N_ELEMENTS(names); i++)
        if (strcmp(side_name, names[i]) == 0) {
            *side = (enum whatif_side)i;
            return TRUE;
        }
    return !side_name;
}

static int run(int argc, char **argv)
{
    if (!cli_options(&command_check, &argc, &argv, entries, cli_question_entries, cli_reference_entries,
                     cli_common_entries, NULL))
        return STATUS_USAGE;
    if (argc != 2)
        return cli_usage(&command_check, argc < 2 ? "no audit is named" : "more than one audit is named");
    if (!chains && !drops && !imports && !against_path)
        return cli_usage(&command_check, "nothing is asked: --chain, --import, --drop or --against is needed");
    if (format_name && strcmp(format_name, "json") != 0 && strcmp(format_name, "text") != 0)
        return cli_usage(&command_check, "%s: no such format; there are text, json", format_name);
    enum whatif_side side;
    if (!parse_side(&side))
        return cli_usage(&command_check, "--side: %s: must be client, server or all", side_name);
    if (is_read_twice(argv[1]))
        return cli_usage(&command_check, "standard input is named more than once");
    return ask(argv[1], side, format_name && strcmp(format_name, "json") == 0);
}

const struct command command_check = {
    "check",
    "AUDIT.xml",
    "Ask an audit what would be: with this peer, this import, without this certificate, elsewhere",
    "  trustgap check audit.xml --chain peer.pem\n"
    "  openssl s_client -showcerts -connect api.example.com:443 </dev/null | trustgap check audit.xml --chain -\n"
    "  trustgap check audit.xml --chain peer.pem --import root.pem@'PRD *' --store 'PRD *'\n"
    "  trustgap check audit.xml --drop 'Example Root R1' --chain peer.pem --at 2027-04\n"
    "  trustgap check old-landscape.xml --against new-landscape.xml --format json\n",
    run,
};
