/* report/: the audit as XML there and back, and the documents that are made of it, compared by bytes. */
#include "report.h"

#include "error.h"
#include "fixture_audit.h"
#include "moment.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GOLDEN SOURCE_ROOT "/tests/data/report/"
#define SCHEMA SOURCE_ROOT "/report/audit.xsd"

typedef struct audit *(*fixture)(void);

static const struct {
    const char *name;
    fixture make;
} fixtures[] = {
    {"landscape", fixture_landscape},
    {"empty", fixture_empty},
    {"clean", fixture_clean},
};

/* A folder for this test; remove_folder() takes it away with the files in it. */
static char *make_folder(void)
{
    GError *error = NULL;
    char *folder = g_dir_make_tmp("trustgap-report-XXXXXX", &error);
    cr_assert(folder, "%s", error ? error->message : "");
    return folder;
}

static void remove_folder(char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
    g_free(folder);
}

typedef gboolean (*writer)(struct file_output *output, const struct audit *audit, GError **error);

/* What a writer writes, as a string. */
static char *write_string(writer write, const struct audit *audit)
{
    char *folder = make_folder();
    g_autofree char *path = g_build_filename(folder, "out", NULL);
    g_autoptr(GError) error = NULL;
    struct file_output *output = file_output_open(path, 0600, &error);
    char *text = NULL;

    cr_assert(output);
    cr_assert(write(output, audit, &error), "%s", error ? error->message : "");
    cr_assert(file_output_commit(output, &error));
    cr_assert(g_file_get_contents(path, &text, NULL, NULL));
    remove_folder(folder);
    return text;
}

static void expect_golden(const char *name, const char *text)
{
    g_autofree char *path = g_strconcat(GOLDEN, name, NULL);
    g_autofree char *golden = NULL;

    if (g_getenv("UPDATE_GOLDEN")) {
        cr_assert(g_file_set_contents(path, text, -1, NULL));
        return;
    }
    cr_assert(g_file_get_contents(path, &golden, NULL, NULL), "%s: missing; UPDATE_GOLDEN=1 writes it", path);
    cr_expect(strcmp(golden, text) == 0, "%s: differs; UPDATE_GOLDEN=1 rewrites it", path);
}

/* Exit status of a command, with its output in ${said}. */
static int run(char **said, const char *const *argv)
{
    g_autofree char *out = NULL, *err = NULL;
    int status = -1;
    GError *error = NULL;
    cr_assert(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err, &status, &error),
              "%s", error ? error->message : "");
    *said = g_strconcat(out, err, NULL);
    return status;
}

#define RUN(said, ...) run(said, (const char *const[]){__VA_ARGS__, NULL})

static struct audit *parse(const char *text, GError **error)
{
    return report_parse_xml("audit.xml", text, strlen(text), error);
}

Test(report, xml_golden)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fixtures); i++) {
        g_autoptr(audit_auto) audit = fixtures[i].make();
        g_autofree char *text = write_string(report_write_xml, audit);
        g_autofree char *name = g_strconcat(fixtures[i].name, ".xml", NULL);
        expect_golden(name, text);
    }
}

Test(report, xml_goes_there_and_back)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fixtures); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(audit_auto) audit = fixtures[i].make();
        g_autofree char *once = write_string(report_write_xml, audit);
        g_autoptr(audit_auto) again = parse(once, &error);
        cr_assert(again, "%s: %s", fixtures[i].name, error ? error->message : "");
        g_autofree char *twice = write_string(report_write_xml, again);
        cr_expect(strcmp(once, twice) == 0, "%s", fixtures[i].name);
    }
}

/* Every member of every structure has another value than audit_*_new() gives it, else a lost one would not show. */
Test(report, xml_keeps_what_it_reads)
{
    g_autoptr(audit_auto) audit = fixture_landscape();
    g_autofree char *text = write_string(report_write_xml, audit);
    g_autoptr(audit_auto) again = parse(text, NULL);
    cr_assert(again);
    cr_assert_eq(again->hosts->len, audit->hosts->len);
    cr_assert_eq(again->certs->len, audit->certs->len);
    cr_assert_eq(again->findings->len, audit->findings->len);
    cr_expect_eq(again->evaluated, audit->evaluated);
    cr_expect_eq(again->previous, audit->previous);
    for (guint i = 0; i < audit->certs->len; i++) {
        const struct audit_cert *left = audit->certs->pdata[i], *right = again->certs->pdata[i];
        cr_expect_eq(left->id, right->id);
        cr_expect_eq(left->der != NULL, right->der != NULL);
        cr_expect(!left->der || g_bytes_equal(left->der, right->der));
        cr_expect_eq(left->not_after, right->not_after);
    }
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *left = audit->findings->pdata[i], *right = again->findings->pdata[i];
        cr_expect_str_eq(left->id, right->id);
        cr_expect_eq(left->gaps->len, right->gaps->len);
        cr_expect_eq(left->match, right->match);
        cr_expect_eq(left->certainty, right->certainty);
    }
    const struct audit_host *host = again->hosts->pdata[0];
    cr_expect_eq(((struct audit_instance *)host->instances->pdata[0])->host, host);
}

#define ROOT    "<audit xmlns=\"urn:trustgap:audit:1\" format=\"1\">"
#define IN(xml) ROOT xml "</audit>"

Test(report, xml_refusals)
{
    static const struct {
        const char *what, *xml, *complaint;
    } rows[] = {
        {"nothing", "", "audit.xml:1: "},
        {"no XML", "PK\x03\x04 trustgap", "audit.xml:1: "},
        {"another document", "<html><body/></html>", "audit.xml:1: this is no audit: it begins with <html>"},
        {"no namespace", "<audit format='1'/>", "audit.xml:1: <audit> is not in the namespace"},
        {"another namespace", "<audit xmlns='urn:trustgap:audit:2' format='2'/>", "not in the namespace"},
        {"no version", "<audit xmlns='urn:trustgap:audit:1'/>", "audit of format \"\""},
        {"another version", "<audit xmlns='urn:trustgap:audit:1' format='2'/>",
         "audit of format \"2\"; this program knows"},
        {"an unknown element", "\n" ROOT "\n<surprise/></audit>", "audit.xml:3: <surprise> does not belong here"},
        {"an unknown element in a section", IN("<hosts><store/></hosts>"), "<store> does not belong into <hosts>"},
        {"an unknown element in an item", IN("<warnings><warning>a<b/></warning></warnings>"), "<b> where only text"},
        {"sections in disorder", IN("<hosts/><captures/>"), "<captures> does not belong here"},
        {"a section twice", IN("<captures/><captures/>"), "<captures> does not belong here"},
        {"an element of another namespace", IN("<captures xmlns='urn:x'/>"), "<captures> is not in the namespace"},
        {"an unknown attribute", IN("<captures><capture colour='red'/></captures>"), "unknown attribute \"colour\""},
        {"an attribute of a section", IN("<captures size='1'/>"), "unknown attribute \"size\""},
        {"an attribute of a text", IN("<warnings><warning id='1'/></warnings>"), "unknown attribute \"id\""},
        {"an attribute of a reference", IN("<lists><list id='l1' refused='0'><cert ref='c1' x='1'/></list></lists>"),
         "unknown attribute \"x\""},
        {"an attribute of another namespace",
         "<audit xmlns='urn:trustgap:audit:1' xmlns:x='urn:x' format='1' x:y='1'/>", "belongs to another namespace"},
        {"an attribute twice", IN("<captures><capture torn='true' torn='true'/></captures>"), "redefined"},
        {"text between elements", IN("hello"), "text where only elements belong"},
        {"text in an item", IN("<captures><capture>hello</capture></captures>"), "text where only elements belong"},
        {"an element without its id", IN("<lists><list refused='0'/></lists>"), "<list> without \"id\""},
        {"an id of another kind", IN("<lists><list id='c1' refused='0'/></lists>"), "\"c1\" is no id like \"l1\""},
        {"an id of zero", IN("<lists><list id='l0' refused='0'/></lists>"), "is no id like"},
        {"an id with a zero in front", IN("<lists><list id='l01' refused='0'/></lists>"), "is no id like"},
        {"an id with a sign", IN("<lists><list id='l-1' refused='0'/></lists>"), "is no id like"},
        {"an id beyond 32 bits", IN("<lists><list id='l4294967296' refused='0'/></lists>"), "is no id like"},
        {"an id twice", IN("<lists><list id='l1' refused='0'/><list id='l1' refused='0'/></lists>"),
         "the id \"l1\" is there twice"},
        {"a missing attribute", IN("<lists><list id='l1'/></lists>"), "<list> without \"refused\""},
        {"a missing name", IN("<hosts><host id='h1' status='failed'/></hosts>"), "<host> without \"name\""},
        {"a missing word", IN("<hosts><host id='h1' name='a'/></hosts>"), "<host> without \"status\""},
        {"an unknown word", IN("<hosts><host id='h1' name='a' status='fine'/></hosts>"),
         "\"fine\" is no value for \"status\""},
        {"a negative count", IN("<lists><list id='l1' refused='-1'/></lists>"), "\"-1\" is no value"},
        {"a count with a plus", IN("<lists><list id='l1' refused='+1'/></lists>"), "is no value"},
        {"a count beyond 32 bits", IN("<lists><list id='l1' refused='4294967296'/></lists>"), "is no value"},
        {"a count that is a word", IN("<lists><list id='l1' refused='many'/></lists>"), "is no value"},
        {"an empty count", IN("<lists><list id='l1' refused=''/></lists>"), "is no value"},
        {"a number beyond an int", IN("<failures><failure id='f1' code='2147483648'/></failures>"), "is no value"},
        {"a day without a time", IN("<captures><capture started='2026-11-22'/></captures>"), "is no value"},
        {"a time without a zone", IN("<captures><capture started='2026-11-22T01:02:03'/></captures>"), "is no value"},
        {"a time that there is not", IN("<captures><capture started='2026-02-30T01:02:03Z'/></captures>"),
         "is no value"},
        {"a claim that is none", IN("<captures><capture torn='yes'/></captures>"), "\"yes\" is no value for \"torn\""},
        {"a certificate not in base64", IN("<certificates><certificate id='c1' der='%%'/></certificates>"),
         "is no value"},
        {"a certificate of no bytes", IN("<certificates><certificate id='c1' der=''/></certificates>"), "is no value"},
        {"a reference to nothing", IN("\n<lists><list id='l1' refused='0'>\n<cert ref='c9'/></list></lists>"),
         "audit.xml:3: there is no \"c9\""},
        {"a reference of another kind", IN("<lists><list id='l1' refused='0'><cert ref='l1'/></list></lists>"),
         "\"l1\" is no reference like \"c1\""},
        {"a reference without a target", IN("<lists><list id='l1' refused='0'><cert/></list></lists>"),
         "<cert> without \"ref\""},
        {"an element in a reference",
         IN("<lists><list id='l1' refused='0'><cert ref='c1'><b xmlns='urn:trustgap:audit:1'/></cert></list></lists>"),
         "in a reference"},
        {"an entity that nobody declared", IN("<warnings><warning>&x;</warning></warnings>"), "audit.xml:1: "},
        {"a document type", "\n\n<!DOCTYPE audit>" IN(""), "audit.xml:3: a document type is not allowed"},
        {"a document type in EBCDIC", "\x4c\x6f\xa7\x94\x93", "audit.xml:1: "},
        {"a document type in UTF-7",
         "<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE audit +AFs +ADwAIQ-ENTITY x 'y'+AD4AXQA+-",
         "audit.xml:1: "},
        {"a second root", IN("") "<audit/>", "audit.xml:1: "},
        {"a control character", IN("<warnings><warning>\x1b</warning></warnings>"), "audit.xml:1: "},
        {"broken UTF-8", IN("<warnings><warning>\xff</warning></warnings>"), "audit.xml:1: "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(audit_auto) audit = parse(rows[i].xml, &error);
        cr_expect_null(audit, "%s", rows[i].what);
        if (!error)
            continue;
        cr_expect(g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX), "%s", rows[i].what);
        cr_expect(g_str_has_prefix(error->message, "audit.xml:"), "%s: %s", rows[i].what, error->message);
        cr_expect(strstr(error->message, rows[i].complaint), "%s: %s", rows[i].what, error->message);
    }
}

Test(report, xml_in_utf_16_is_refused)
{
    for (int swapped = 0; swapped < 2; swapped++) {
        g_autoptr(GError) error = NULL;
        gsize size;
        g_autofree char *text = g_convert("<!DOCTYPE audit [<!ENTITY x 'y'>]>" IN(""), -1,
                                          swapped ? "UTF-16BE" : "UTF-16LE", "UTF-8", NULL, &size, NULL);
        cr_assert(text);
        cr_expect_null(report_parse_xml("audit.xml", text, size, &error));
        cr_expect_str_eq(error->message, "audit.xml:1: not UTF-8 text");
    }
}

Test(report, xml_takes_what_others_write)
{
    static const struct {
        const char *what, *xml;
    } rows[] = {
        {"no declaration", IN("")},
        {"another prefix", "<t:audit xmlns:t='urn:trustgap:audit:1' format='1'><t:hosts/></t:audit>"},
        {"where the schema is",
         "<audit xmlns='urn:trustgap:audit:1' format='1' xmlns:i='http://www.w3.org/2001/XMLSchema-instance' "
         "i:schemaLocation='urn:trustgap:audit:1 audit.xsd'/>"},
        {"comments and instructions", "<!-- a --><?b?>" IN("<!-- c --><hosts><?d?></hosts>") "<!-- e -->"},
        {"a claim that is not so", IN("<captures><capture torn='false'/></captures>")},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(audit_auto) audit = parse(rows[i].xml, &error);
        cr_expect(audit, "%s: %s", rows[i].what, error ? error->message : "");
    }
}

Test(report, xml_is_cleaned_when_read)
{
    /* A character reference brings what the parser would not take as a byte, and a direction is no control character.
     */
    g_autoptr(GError) error = NULL;
    g_autoptr(audit_auto) audit = parse(IN("<warnings><warning>a&#x9;b&#x85;c\xe2\x80\xae"
                                           "d<![CDATA[<e>]]></warning><warning> </warning><warning/>"
                                           "</warnings>"),
                                        &error);
    cr_assert(audit, "%s", error ? error->message : "");
    cr_assert_eq(audit->warnings->len, 3);
    cr_expect_str_eq(audit->warnings->pdata[0], "");
    cr_expect_str_eq(audit->warnings->pdata[1], " ");
    cr_expect_str_eq(audit->warnings->pdata[2], "a b\\u{85}c\\u{202e}d<e>");
}

Test(report, xml_forward_references)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(audit_auto) audit =
        parse(IN("<stores><store id='s7' label='b' file='f' kind='abap'/><store id='s2' label='a' file='f' "
                 "kind='abap'/></stores>"
                 "<failures><failure id='f1' store='s7' cause='other' role='unknown' count='1' certainty='unknown'>"
                 "</failure></failures>"),
              &error);
    cr_assert(audit, "%s", error ? error->message : "");
    const struct audit_failure *failure = audit->failures->pdata[0];
    cr_expect_str_eq(failure->store->label, "b");
    cr_expect_eq(failure->store->id, 2, "numbers are those of the fixed order");
}

Test(report, xml_truncated_and_damaged)
{
    g_autoptr(audit_auto) audit = fixture_landscape();
    g_autofree char *text = write_string(report_write_xml, audit);
    size_t size = strlen(text), whole = size - 1; /* without the last line feed it is still complete */
    unsigned refused = 0;

    /* Every cut would take minutes: all in the first part, then steps that hit every kind of place. */
    for (size_t cut = 0; cut < whole; cut += cut < 3000 ? 1 : 97) {
        g_autoptr(GError) error = NULL;
        g_autoptr(audit_auto) part = report_parse_xml("audit.xml", text, cut, &error);
        cr_assert_null(part, "cut at %zu of %zu", cut, size);
        cr_assert(error);
    }
    for (size_t at = 0; at < size; at += at < 2000 ? 1 : 211) {
        char kept = text[at];
        text[at] = (char)(kept ^ (1 << at % 8));
        g_autoptr(GError) error = NULL;
        g_autoptr(audit_auto) damaged = report_parse_xml("audit.xml", text, size, &error);
        cr_assert_neq(damaged == NULL, error == NULL);
        refused += damaged == NULL;
        text[at] = kept;
    }
    cr_expect_gt(refused, 500);
}

Test(report, xml_from_files)
{
    char *folder = make_folder();
    g_autofree char *path = g_build_filename(folder, "audit.xml", NULL);
    g_autofree char *secret = g_build_filename(folder, "secret", NULL);
    g_autoptr(GError) error = NULL;

    cr_expect_null(report_read_xml(path, &error));
    cr_expect(g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING));
    cr_expect(g_str_has_prefix(error->message, path));
    g_clear_error(&error);

    cr_expect_null(report_read_xml(folder, &error));
    cr_expect(g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO));
    g_clear_error(&error);

    cr_assert(g_file_set_contents(path, IN(""), -1, NULL));
    g_autoptr(audit_auto) audit = report_read_xml(path, &error);
    cr_expect(audit, "%s", error ? error->message : "");

    /* An entity from another file: refused, and its text is nowhere. */
    cr_assert(g_file_set_contents(secret, "canary", -1, NULL));
    g_autofree char *xxe = g_strdup_printf("<!DOCTYPE audit [<!ENTITY x SYSTEM \"%s\">]>" ROOT
                                           "<warnings><warning>&x;</warning></warnings></audit>",
                                           secret);
    cr_assert(g_file_set_contents(path, xxe, -1, NULL));
    cr_expect_null(report_read_xml(path, &error));
    cr_expect(strstr(error->message, "a document type is not allowed"), "%s", error->message);
    cr_expect_null(strstr(error->message, "canary"));
    g_clear_error(&error);
    remove_folder(folder);
}

Test(report, xml_billion_laughs)
{
    /* As entities of the document, and as parameter entities, which a parser meets before the document type ends. */
    for (int parameter = 0; parameter < 2; parameter++) {
        g_autoptr(GString) xml = g_string_new("<!DOCTYPE audit [");
        const char *mark = parameter ? "% " : "";
        g_string_append_printf(xml, "<!ENTITY %se0 \"<!-- ha -->\">", mark);
        for (int i = 1; i < 12; i++) {
            g_string_append_printf(xml, "<!ENTITY %se%d \"", mark, i);
            for (int j = 0; j < 10; j++)
                g_string_append_printf(xml, "%s%d;", parameter ? "&#37;e" : "&e", i - 1);
            g_string_append(xml, "\">");
        }
        g_string_append(xml, parameter ? "%e11;" : "");
        g_string_append(xml, "]>" ROOT "<warnings><warning>&e11;</warning></warnings></audit>");
        g_autoptr(GError) error = NULL;
        gint64 begin = g_get_monotonic_time();
        cr_expect_null(parse(xml->str, &error));
        cr_expect(error);
        cr_expect_lt(g_get_monotonic_time() - begin, 5 * G_USEC_PER_SEC);
    }
}

Test(report, xml_of_an_audit_that_is_wrong)
{
    struct audit *audit = fixture_clean();
    g_autoptr(GError) error = NULL;
    struct file_output *output = file_output_open("/dev/null", 0600, NULL);
    ((struct audit_host *)audit->hosts->pdata[0])->name = NULL;
    cr_expect_not(report_write_xml(output, audit, &error));
    cr_expect_str_eq(error->message, "audit: a host without name");
    g_clear_error(&error);

    struct audit_host *stranger = audit_host_new(audit);
    struct audit_finding *finding = audit_finding_new(audit);
    ((struct audit_host *)audit->hosts->pdata[0])->name = "a";
    finding->id = finding->title = "b";
    finding->host = stranger; /* in no array */
    g_ptr_array_add(audit->findings, finding);
    cr_expect_not(report_write_xml(output, audit, &error));
    cr_expect_str_eq(error->message, "audit: a finding without host");
    file_output_abort(output);
    audit_free(audit);
}

Test(report, xml_on_a_full_disk)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(audit_auto) audit = fixture_landscape();
    struct file_output *output = file_output_open("/dev/full", 0600, &error);
    cr_assert(output);
    cr_expect(report_write_xml(output, audit, &error), "the file's trouble is told by file_output_commit()");
    cr_expect_not(file_output_commit(output, &error));
    cr_expect(g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO));
}

Test(report, formats)
{
    cr_expect(report_format_find("xml"));
    cr_expect_null(report_format_find("pdf"));
    cr_expect_null(report_format_find(""));
}

static gboolean write_explain_text(struct file_output *output, const struct audit *audit, GError **error)
{
    (void)error;
    report_explain_text(output, audit);
    return TRUE;
}

Test(report, text_golden)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fixtures); i++) {
        g_autoptr(audit_auto) audit = fixtures[i].make();
        g_autofree char *text = write_string(report_write_text, audit);
        g_autofree char *name = g_strconcat(fixtures[i].name, ".txt", NULL);
        expect_golden(name, text);
    }
}

Test(report, explain_golden)
{
    g_autoptr(audit_auto) audit = fixture_explain();
    g_autofree char *text = write_string(write_explain_text, audit);
    g_autofree char *json = write_string(report_explain_json, audit);
    expect_golden("explain.txt", text);
    expect_golden("explain.json", json);
}

Test(report, schema_and_xmllint_take_what_the_writer_writes)
{
    char *folder = make_folder();
    g_autofree char *path = g_build_filename(folder, "audit.xml", NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(fixtures); i++) {
        g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;
        g_autofree char *said = NULL;
        g_autoptr(audit_auto) audit = fixtures[i].make();
        g_autofree char *text = write_string(report_write_xml, audit);
        cr_assert(g_file_set_contents(path, text, -1, NULL));
        cr_expect(report_validate(path, messages, &error), "%s: %s", fixtures[i].name, error ? error->message : "");
        cr_expect_eq(messages->len, 0);
        cr_expect_eq(RUN(&said, "xmllint", "--noout", "--nonet", "--schema", SCHEMA, path), 0, "%s", said);
    }
    remove_folder(folder);
}

/* Replace the first ${from} of a whole document by ${to}. */
static char *spoil(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    cr_assert(at, "the fixture has no %s", from);
    return g_strdup_printf("%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

Test(report, schema_refusals)
{
    static const struct {
        const char *what, *from, *to;
        gboolean read; /* the reader takes it, since it harms nothing */
    } rows[] = {
        {"an unknown version", "format=\"1\"", "format=\"2\"", FALSE},
        {"an unknown namespace", "urn:trustgap:audit:1", "urn:trustgap:audit:9", FALSE},
        {"an unknown element", "<captures>", "<captures><surprise/>", FALSE},
        {"an unknown attribute", "<captures>", "<captures colour=\"red\">", FALSE},
        {"a section that is missing", " <captures>", " <!--", FALSE},
        {"text where none belongs", "<captures>", "<captures>hello", FALSE},
        {"a word that there is not", "status=\"collected\"", "status=\"fine\"", FALSE},
        {"a word in capitals", "status=\"failed\"", "status=\"Failed\"", FALSE},
        {"a time without a zone", "collected=\"2026-11-23T04:00:11Z\"", "collected=\"2026-11-23T04:00:11\"", FALSE},
        {"a time with another zone", "collected=\"2026-11-23T04:00:11Z\"", "collected=\"2026-11-23T05:00:11+01:00\"",
         FALSE},
        {"a day that there is not", "collected=\"2026-11-23T04:00:11Z\"", "collected=\"2026-02-30T04:00:11Z\"", FALSE},
        {"a count below zero", "failures=\"27\"", "failures=\"-27\"", FALSE},
        {"a count with a plus", "failures=\"27\"", "failures=\"+27\"", FALSE},
        {"a count with a zero in front", "failures=\"27\"", "failures=\"027\"", FALSE},
        {"a count beyond 32 bits", "failures=\"27\"", "failures=\"4294967296\"", FALSE},
        {"a size beyond 63 bits", "size=\"1843200\"", "size=\"9223372036854775808\"", FALSE},
        {"a flag that is no flag", "torn=\"true\"", "torn=\"1\"", FALSE},
        {"a digest that is too short", "sha256=\"", "sha256=\"ab\" x=\"", FALSE},
        {"a certificate that is no base64", "der=\"MII", "der=\"M-I", FALSE},
        {"a certificate with blanks", "der=\"MII", "der=\"M II", FALSE},
        {"a reference to nothing", "<cert ref=\"c1\"/>", "<cert ref=\"c99\"/>", FALSE},
        {"a reference of another kind", "<cert ref=\"c1\"/>", "<cert ref=\"h1\"/>", FALSE},
        {"a store's instance that is not there", "<member instance=\"i", "<member instance=\"i9", FALSE},
        {"an id twice", "id=\"c2\"", "id=\"c1\"", FALSE},
        {"an id with a zero in front", "id=\"c1\"", "id=\"c01\"", FALSE},
        {"a missing attribute", "<warning>", "<warning a=\"\">", FALSE},
        {"a finding's id in capitals", "<finding id=\"", "<finding id=\"ABCDEF\" x=\"", FALSE},
        {"a digest in capitals", "inventory-sha256=\"b", "inventory-sha256=\"B", TRUE},
    };
    char *folder = make_folder();
    g_autofree char *path = g_build_filename(folder, "audit.xml", NULL);
    g_autoptr(audit_auto) audit = fixture_landscape();
    g_autofree char *text = write_string(report_write_xml, audit);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;
        g_autofree char *spoilt = spoil(text, rows[i].from, rows[i].to);
        cr_assert(g_file_set_contents(path, spoilt, -1, NULL));
        cr_expect_not(report_validate(path, messages, &error), "%s", rows[i].what);
        cr_expect(g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX), "%s", rows[i].what);
        cr_expect_gt(messages->len, 0, "%s", rows[i].what);
        for (guint j = 0; j < messages->len; j++) {
            g_autofree char *prefix = g_strconcat(path, ":", NULL);
            cr_expect(g_str_has_prefix(messages->pdata[j], prefix), "%s: %s", rows[i].what, (char *)messages->pdata[j]);
        }
        g_autoptr(audit_auto) again = report_read_xml(path, NULL);
        cr_expect_eq(again != NULL, rows[i].read, "%s", rows[i].what);
    }
    remove_folder(folder);
}

Test(report, validate_says_where)
{
    char *folder = make_folder();
    g_autofree char *path = g_build_filename(folder, "audit.xml", NULL);
    g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    cr_expect_not(report_validate(path, messages, &error));
    cr_expect(g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING));
    g_clear_error(&error);
    cr_expect_eq(messages->len, 0);

    cr_assert(g_file_set_contents(path, ROOT "\n<captures/>\n<hosts>\n<bad/></hosts></audit>", -1, NULL));
    cr_expect_not(report_validate(path, messages, &error));
    g_autofree char *begin = g_strdup_printf("%s:4: Element 'bad'", path);
    cr_assert_gt(messages->len, 0);
    cr_expect(g_str_has_prefix(messages->pdata[0], begin), "%s", (char *)messages->pdata[0]);
    g_clear_error(&error);

    /* What is no XML, and what would never end. */
    static const char *const broken[] = {"", "<audit", "<!DOCTYPE a [<!ENTITY x 'y'>]><a/>", IN("") "x"};
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_ptr_array_set_size(messages, 0);
        cr_assert(g_file_set_contents(path, broken[i], -1, NULL));
        cr_expect_not(report_validate(path, messages, &error), "%s", broken[i]);
        cr_expect_gt(messages->len, 0);
        g_clear_error(&error);
    }

    /* More complaints than anybody reads. */
    g_autoptr(GString) many = g_string_new(ROOT "<captures>");
    for (int i = 0; i < REPORT_VALIDATE_MESSAGES + 10; i++)
        g_string_append(many, "<capture colour='red'/>");
    g_string_append(many, "</captures></audit>");
    g_ptr_array_set_size(messages, 0);
    cr_assert(g_file_set_contents(path, many->str, -1, NULL));
    cr_expect_not(report_validate(path, messages, &error));
    cr_expect_eq(messages->len, REPORT_VALIDATE_MESSAGES);
    remove_folder(folder);
}

Test(report, validate_truncated)
{
    char *folder = make_folder();
    g_autofree char *path = g_build_filename(folder, "audit.xml", NULL);
    g_autoptr(audit_auto) audit = fixture_landscape();
    g_autofree char *text = write_string(report_write_xml, audit);
    size_t size = strlen(text);

    for (size_t cut = 0; cut < size - 1; cut += 997) {
        g_autoptr(GPtrArray) messages = g_ptr_array_new_with_free_func(g_free);
        g_autoptr(GError) error = NULL;
        cr_assert(g_file_set_contents(path, text, (gssize)cut, NULL));
        cr_expect_not(report_validate(path, messages, &error), "cut at %zu", cut);
        cr_expect(error);
    }
    remove_folder(folder);
}
