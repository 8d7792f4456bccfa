/* report/: the audit as XML there and back, and the documents that are made of it, compared by bytes. */
#include "report.h"

#include "error.h"
#include "fixture_audit.h"
#include "holders.h"
#include "moment.h"
#include "overview.h"
#include "words.h"
#include "xml_input.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
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

#define GAP_TEXT(finding, i) known(((const struct audit_gap *)(finding)->gaps->pdata[i])->covered_by)

static const char *known(const char *text)
{
    return text ? text : "";
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
        cr_expect_eq(left->asked, right->asked);
    }
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *left = audit->findings->pdata[i], *right = again->findings->pdata[i];
        cr_expect_str_eq(left->id, right->id);
        cr_expect_eq(left->gaps->len, right->gaps->len);
        cr_expect_eq(left->match, right->match);
        cr_expect_eq(left->certainty, right->certainty);
        cr_expect_eq(left->asked, right->asked);
        for (guint j = 0; j < left->gaps->len; j++)
            cr_expect_str_eq(GAP_TEXT(left, j), GAP_TEXT(right, j));
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

Test(report, xml_of_older_programs)
{
    /* Last night's audit may have been written by a program that knew nothing of this. */
    g_autoptr(GError) error = NULL;
    g_autoptr(audit_auto) audit = parse(IN("<hosts><host id='h1' name='a' status='collected'>"
                                           "<instance id='i1' name='D00' path='/usr/sap/PRD/D00' kind='abap'>"
                                           "<trace path='/a/dev_icm' size='7' from='0' failures='0'/>"
                                           "<trace path='/a/dev_icm.old' first='2026-11-22T01:02:03Z' "
                                           "last='2026-11-22T04:05:06Z' failures='0'/>"
                                           "</instance></host></hosts>"),
                                        &error);
    cr_assert(audit, "%s", error ? error->message : "");
    const struct audit_host *host = audit->hosts->pdata[0];
    const GPtrArray *traces = ((const struct audit_instance *)host->instances->pdata[0])->traces;
    const struct audit_trace *without = traces->pdata[0], *with = traces->pdata[1];
    cr_expect_eq(without->first, MOMENT_NONE);
    cr_expect_eq(without->last, MOMENT_NONE);
    cr_expect_eq(without->from_byte, 0);
    cr_expect_eq(with->first, moment_from_civil(2026, 11, 22, 1, 2, 3));
    cr_expect_eq(with->last, moment_from_civil(2026, 11, 22, 4, 5, 6));
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
        cr_expect_null(parse(xml->str, &error));
        /* Refused before the parser sees it, or this would never end. */
        cr_expect(strstr(error->message, "a document type is not allowed"), "%s", error->message);
    }
}

/* Attributes are counted before libxml2 sees them, for it compares each with all before it. */
static char *with_attributes(const char *before, const char *name, unsigned count)
{
    GString *xml = g_string_new(before);
    g_string_append_printf(xml, "<%s", name);
    for (unsigned i = 0; i < count; i++)
        g_string_append_printf(xml, i % 2 ? " a%u=\"'>\"" : "\n a%u = '\">'", i);
    g_string_append(xml, "/>");
    return g_string_free(xml, FALSE);
}

Test(report, xml_attributes)
{
    static const struct {
        const char *what, *before;
        unsigned more; /* attributes of the same element before these */
    } rows[] = {
        {"plain", ROOT, 0},
        {"behind a comment", ROOT "<!-- don't \" > -- -->", 0},
        {"behind a comment that looks open", ROOT "<!-- > ' <a b='\" -->", 0},
        {"behind an instruction", ROOT "<?php echo '\">' ; ?>", 0},
        {"behind text", ROOT "<warnings><warning>it's \" quoted</warning>", 0},
        {"behind characters", ROOT "<warnings><warning><![CDATA[ ]> ]] <a b='\"> ]]></warning>", 0},
        {"behind other elements", ROOT "<hosts><host name='a' status='collected'/>", 0},
        {"in the root", "", 0},
        {"behind a declaration", "<?xml version='1.0' encoding='UTF-8'?>\n", 0},
    };
    static const unsigned counts[] = {XML_NODE_ATTRIBUTES - 1, XML_NODE_ATTRIBUTES, XML_NODE_ATTRIBUTES + 1, 80000};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(counts); j++) {
            g_autofree char *xml = with_attributes(rows[i].before, "b", counts[j]);
            g_autoptr(GError) error = NULL;
            cr_expect_null(parse(xml, &error));
            gboolean refused = strstr(error->message, "more than 64 attributes") != NULL;
            cr_expect_eq(refused, counts[j] > XML_NODE_ATTRIBUTES, "%s, %u: %s", rows[i].what, counts[j],
                         error->message);
        }
}

/* Of very many attributes the parser is given none, however the bytes come. */
Test(report, xml_attributes_are_refused_at_once)
{
    g_autofree char *xml = with_attributes(ROOT, "b", 80000);
    struct xml_input input;

    xml_input_open_bytes(&input, "many", xml, strlen(xml));
    while (xml_input_step(&input))
        continue;
    cr_expect(strstr(input.error->message, "more than 64 attributes"), "%s", input.error->message);
    cr_expect_lt(input.taken, 65536, "bytes looked at");
    g_autoptr(GError) error = NULL;
    cr_expect_not(xml_input_close(&input, &error));
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
    static const struct {
        const char *text, *complaint; /* NULL: in libxml2's words */
    } broken[] = {
        {"", ":1: this is no audit: it is empty"},
        {"app01\n", ":1: this is no audit: it is not XML"},
        {"<audit", NULL},
        {"<!DOCTYPE a [<!ENTITY x 'y'>]><a/>", ":1: a document type is not allowed in an audit"},
        {IN("") "x", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        const char *text = broken[i].text;
        g_ptr_array_set_size(messages, 0);
        cr_assert(g_file_set_contents(path, text, -1, NULL));
        cr_expect_not(report_validate(path, messages, &error), "%s", text);
        cr_assert_gt(messages->len, 0);
        if (broken[i].complaint)
            cr_expect_str_eq((const char *)messages->pdata[0] + strlen(path), broken[i].complaint);
        cr_expect_str_eq(error->message + strlen(path), ": could not be read to its end");
        g_clear_error(&error);
        cr_expect_null(report_read_xml(path, &error));
        if (broken[i].complaint)
            cr_expect_str_eq(error->message + strlen(path), broken[i].complaint);
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

Test(report, html_golden)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fixtures); i++) {
        g_autoptr(audit_auto) audit = fixtures[i].make();
        g_autofree char *text = write_string(report_write_html, audit);
        g_autofree char *name = g_strconcat(fixtures[i].name, ".html", NULL);
        expect_golden(name, text);
    }
}

static xmlDoc *parse_html(const char *name, const char *text)
{
    xmlDoc *document = xmlReadMemory(text, (int)strlen(text), name, NULL, XML_PARSE_NONET | XML_PARSE_PEDANTIC);
    cr_assert(document, "%s is not well-formed", name);
    return document;
}

struct seen { /* what a walk through a document has found */
    const char *name;
    GHashTable *ids;
    GPtrArray *links; /* "#..." */
    const char *style, *policy;
};

/* Anything that could run, load or send something, and no attribute that could bring it. */
static void look_at_attribute(struct seen *seen, const xmlNode *node, const xmlAttr *attribute)
{
    static const char *const known[] = {"charset", "class",      "content", "data-label", "href", "http-equiv",
                                        "id",      "aria-label", "lang",    "name",       "open", "scope"};
    gboolean ours = FALSE;
    const char *name = (const char *)attribute->name;
    char *value = (char *)xmlNodeGetContent((const xmlNode *)attribute);

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        ours = ours || strcmp(known[i], name) == 0;
    cr_expect(ours, "%s: <%s %s>", seen->name, (const char *)node->name, name);
    cr_expect_null(strstr(value, "alert"), "%s: text of a host in an attribute: %s", seen->name, value);
    if (strcmp(name, "id") == 0)
        cr_expect(g_hash_table_add(seen->ids, g_strdup(value)), "%s: the id %s is there twice", seen->name, value);
    if (strcmp(name, "href") == 0) {
        cr_expect(*value == '#', "%s: a link to %s", seen->name, value);
        g_ptr_array_add(seen->links, g_strdup(value + 1));
    }
    if (strcmp(name, "content") == 0 && strstr(value, "default-src"))
        seen->policy = g_strdup(value);
    xmlFree(value);
}

static void look_at(struct seen *seen, const xmlNode *node)
{
    static const char *const known[] = {
        "a",       "article", "body",  "dd",      "details", "div",   "dl",   "dt",   "footer", "h1",    "h2", "h3",
        "h4",      "h5",      "head",  "header",  "html",    "li",    "main", "meta", "nav",    "ol",    "p",  "pre",
        "section", "span",    "style", "summary", "table",   "tbody", "td",   "th",   "thead",  "title", "tr", "ul"};
    for (; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE) {
            cr_expect_neq(node->type, XML_COMMENT_NODE);
            cr_expect_neq(node->type, XML_PI_NODE);
            continue;
        }
        gboolean ours = FALSE;
        for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
            ours = ours || strcmp(known[i], (const char *)node->name) == 0;
        cr_expect(ours, "%s: <%s>", seen->name, (const char *)node->name);
        for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next)
            look_at_attribute(seen, node, attribute);
        if (strcmp((const char *)node->name, "style") == 0)
            seen->style = (const char *)node->children->content;
        look_at(seen, node->children);
    }
}

static void expect_hash_of_style(const struct seen *seen)
{
    guint8 digest[32];
    gsize size = sizeof digest;
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);

    cr_assert(seen->style && seen->policy, "%s", seen->name);
    g_checksum_update(checksum, (const guchar *)seen->style, -1);
    g_checksum_get_digest(checksum, digest, &size);
    g_autofree char *base64 = g_base64_encode(digest, size);
    g_autofree char *policy =
        g_strdup_printf("default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'", base64);
    cr_expect_str_eq(seen->policy, policy, "%s", seen->name);
    cr_expect_null(strstr(seen->style, "url("));
    cr_expect_null(strstr(seen->style, "@import"));
}

/* Counted again in the plain way. */
Test(report, where_each_certificate_is)
{
    g_autoptr(audit_auto) audit = fixture_landscape();
    g_autofree struct holders *holders = holders_of(audit);
    unsigned several = 0, own = 0;

    for (guint i = 0; i < audit->certs->len; i++) {
        const struct audit_cert *cert = audit->certs->pdata[i];
        unsigned trusted = 0, own_of = 0;
        for (guint j = 0; j < audit->stores->len; j++) {
            const struct audit_store *store = audit->stores->pdata[j];
            gboolean has = FALSE;
            for (guint k = 0; k < store->members->len; k++) {
                const struct audit_member *member = store->members->pdata[k];
                has = has || (member->list && audit_list_has(member->list, cert));
                own_of += member->own == cert;
            }
            if (has && trusted < HOLDERS_NAMED)
                cr_expect_eq(holders[cert->id - 1].named[trusted], store);
            trusted += has;
        }
        cr_expect_eq(holders[cert->id - 1].trusted, trusted, "%s", cert->subject);
        cr_expect_eq(holders[cert->id - 1].own, own_of, "%s", cert->subject);
        several += trusted > 1;
        own += own_of > 0;
    }
    cr_expect(several > 0 && own > 0, "the fixture has some");
}

Test(report, html_is_inert_and_whole)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fixtures); i++) {
        g_autoptr(audit_auto) audit = fixtures[i].make();
        g_autofree char *text = write_string(report_write_html, audit);
        xmlDoc *document = parse_html(fixtures[i].name, text);
        g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GPtrArray) links = g_ptr_array_new_with_free_func(g_free);
        struct seen seen = {.name = fixtures[i].name, .ids = ids, .links = links};

        cr_expect(g_str_has_prefix(text, "<!DOCTYPE html>\n<html"));
        look_at(&seen, xmlDocGetRootElement(document));
        expect_hash_of_style(&seen);
        for (guint j = 0; j < links->len; j++)
            cr_expect(g_hash_table_contains(ids, links->pdata[j]), "%s: nothing is at #%s", fixtures[i].name,
                      (const char *)links->pdata[j]);
        /* Each finding has its place, which a mail or a ticket can name. */
        for (guint j = 0; j < audit->findings->len; j++) {
            const struct audit_finding *finding = audit->findings->pdata[j];
            g_autofree char *anchor = g_strconcat("finding-", finding->id, NULL);
            cr_expect(g_hash_table_contains(ids, anchor), "%s: %s", fixtures[i].name, finding->title);
        }
        for (const char *at = text; *at; at++)
            cr_assert((unsigned char)*at >= 0x20 || *at == '\n', "a control character at %zu", (size_t)(at - text));
        g_free((char *)seen.policy);
        xmlFreeDoc(document);
    }
}

Test(report, html_says_what_matters)
{
    static const char *const words[] = {
        "5 certificates are missing in 7 trust stores; importing them fixes 52 failing connections.",
        "2 hosts could not be collected and were not checked",
        "F7:74:22:95:86:14:66:C0:58:2C:1E:46:17:A5:D5:69:F9:4D:B1:16:31:09:A6:2B:99:74:F0:38:FB:71:05:C9",
        "18:7E:28:E0:77:00:C0:A5:84:A4:52:01:FB:A3:D7:57:43:57:48:B6",
        "22:8E:5E:AB:A8:41:91:D8:39:C7:BC:CC:4A:21:8F:57",
        "sapgenpse maintain_pk -a /tmp/anchor.crt -p /usr/sap/WDP/W20/sec/SAPSSLC.pse",
        "app-prd-01.example.com:/usr/sap/PRD/D00/work/dev_icm, line 4735, byte 2170800",
        "-----BEGIN CERTIFICATE-----\nMIIByTCCAXCgAwIBAgIICgYAAAAAAAEw",
        "the host key is not the one in /etc/ssh/ssh_known_hosts line 14",
        "the PSE has a PIN, and sapgenpse has no credentials for it",
        "Racine Générale 2006 expires soon",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
    };
    g_autoptr(audit_auto) audit = fixture_landscape();
    g_autofree char *html = write_string(report_write_html, audit);
    g_autofree char *text = write_string(report_write_text, audit);
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        cr_expect(strstr(html, words[i]), "%s", words[i]);
    cr_expect_lt(strstr(html, "Meridian Global Root G2 is missing"), strstr(html, "Nordwind Root CA 3 is missing"),
                 "what heals most stands first");
    cr_expect(strstr(text, "sapgenpse maintain_pk -a /tmp/anchor.crt -p /usr/sap/WDP/W20/sec/SAPSSLC.pse"));
    cr_expect_null(strstr(text, "\x1b"));
}

/* One certificate that is missing on ${hosts} hosts, half of which could not be collected. */
static struct audit *make_large(unsigned hosts)
{
    struct audit *audit = audit_new();
    struct audit_finding *finding = audit_finding_new(audit);
    finding->id = "0123456789abcdef";
    finding->title = "A root is missing nearly everywhere";
    g_ptr_array_add(audit->findings, finding);
    for (unsigned i = 0; i < hosts; i++) {
        struct audit_host *host = audit_host_new(audit);
        host->name = audit_textf(audit, "host%05u.example.com", i);
        host->status = i % 2 ? HOST_FAILED : HOST_COLLECTED;
        struct audit_instance *instance = audit_instance_new(audit);
        instance->host = host;
        instance->sid = audit_textf(audit, "%c%02u", 'A' + (int)(i / 100 % 26), i % 100);
        instance->name = "D00";
        instance->path = audit_textf(audit, "/usr/sap/%s/D00", instance->sid);
        struct audit_store *store = audit_store_new(audit);
        store->label = audit_textf(audit, "%s SAPSSLC.pse", host->name);
        store->file = "SAPSSLC.pse";
        struct audit_member *place = audit_member_new(audit);
        place->instance = instance;
        place->path = audit_textf(audit, "%s/sec/SAPSSLC.pse", instance->path);
        place->reading = READING_NONE;
        struct audit_gap *gap = audit_gap_new(audit);
        gap->store = store;
        gap->count = 1;
        g_ptr_array_add(gap->steps, (char *)audit_textf(audit, "Import it into %s.", store->label));
        g_ptr_array_add(host->instances, instance);
        g_ptr_array_add(store->members, place);
        g_ptr_array_add(finding->gaps, gap);
        g_ptr_array_add(audit->hosts, host);
        g_ptr_array_add(audit->stores, store);
    }
    audit_sort(audit);
    return audit;
}

Test(report, documents_grow_with_the_landscape_and_not_faster)
{
    static const writer writers[] = {report_write_html, report_write_text, report_write_xml};
    g_autoptr(audit_auto) small = make_large(500), large = make_large(5000);

    for (size_t i = 0; i < G_N_ELEMENTS(writers); i++) {
        g_autofree char *little = write_string(writers[i], small), *much = write_string(writers[i], large);
        cr_expect_lt(strlen(much), 11 * strlen(little));
        cr_expect(strstr(much, "host04999.example.com"), "nothing is left out");
    }
    g_autofree char *html = write_string(report_write_html, large);
    xmlDoc *document = parse_html("large", html);
    xmlFreeDoc(document);
    cr_expect(strstr(html, "<summary>4,975 more trust stores</summary>"));
}

Test(report, documents_on_a_full_disk)
{
    static const writer writers[] = {report_write_html, report_write_text, report_explain_json, write_explain_text};
    g_autoptr(audit_auto) audit = make_large(2000);

    for (size_t i = 0; i < G_N_ELEMENTS(writers); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(audit_auto) explained = fixture_explain();
        struct file_output *output = file_output_open("/dev/full", 0600, &error);
        cr_assert(output);
        cr_expect(writers[i](output, i < 2 ? audit : explained, &error));
        cr_expect_not(file_output_commit(output, &error));
        cr_expect(g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO));
    }
}

Test(report, explain_that_found_nothing)
{
    g_autoptr(audit_auto) audit = audit_new();
    g_ptr_array_add(audit->warnings, (char *)audit_text(audit, "dev_icm: not text"));
    g_autofree char *text = write_string(write_explain_text, audit);
    g_autofree char *json = write_string(report_explain_json, audit);
    cr_expect(g_str_has_prefix(text, "No failed TLS connection was found.\n"));
    cr_expect(strstr(text, "IcmConnInitClientSSL"), "what was looked for");
    cr_expect(strstr(text, "raise the ICM trace level"), "and what may help");
    cr_expect(strstr(text, "Note: dev_icm: not text\n"));
    cr_expect_str_eq(json, "{\"format\": \"trustgap explain 1\",\n \"failures\": [],\n \"inputs\": [],\n \"notes\": "
                           "[\"dev_icm: not text\"]}\n");
}

/* No all-clear for what was not understood; one for what was, beside it. */
Test(report, explain_that_did_not_understand)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct audit_input *input = audit_input_new(audit);
    input->path = audit_text(audit, "a.gz");
    input->seen = audit_text(audit, "is gzip-compressed data");
    input->need = audit_text(audit, "Unpack it.");
    g_ptr_array_add(audit->inputs, input);
    g_autofree char *text = write_string(write_explain_text, audit);
    g_autofree char *json = write_string(report_explain_json, audit);
    cr_expect_str_eq(text, "Not understood: a.gz is gzip-compressed data. Unpack it.\n");
    cr_expect(strstr(json, "{\"path\": \"a.gz\", \"understood\": false, \"seen\": \"is gzip-compressed data\", "
                           "\"need\": \"Unpack it.\"}"));

    struct audit_input *good = audit_input_new(audit);
    good->path = audit_text(audit, "b");
    good->understood = TRUE;
    g_ptr_array_add(audit->inputs, good);
    g_autofree char *both = write_string(write_explain_text, audit);
    g_autofree char *both_json = write_string(report_explain_json, audit);
    cr_expect(g_str_has_prefix(both, "No failed TLS connection was found.\n"));
    cr_expect(strstr(both, "Not understood: a.gz"));
    cr_expect(strstr(both_json, "{\"path\": \"b\", \"understood\": true}"));
}

/* Other programs read it: exactly these members, whatever is known. */
Test(report, explain_json_members)
{
    static const char *const members[] = {"cause", "error", "alert", "code",       "role",    "store", "target",
                                          "port",  "peer",  "peers", "peers_more", "first",   "last",  "count",
                                          "torn",  "line",  "read",  "chain",      "missing", "known", "advice"};
    g_autoptr(audit_auto) audit = fixture_explain();
    g_autofree char *text = write_string(report_explain_json, audit);
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert(json, "%s", error.text);
    json_t *failures = json_object_get(json, "failures");
    cr_expect_str_eq(json_string_value(json_object_get(json, "format")), "trustgap explain 1");
    cr_expect_eq(json_object_size(json), 4);
    cr_assert_eq(json_array_size(failures), audit->failures->len);
    for (guint i = 0; i < audit->failures->len; i++) {
        json_t *failure = json_array_get(failures, i);
        cr_expect_eq(json_object_size(failure), G_N_ELEMENTS(members));
        for (size_t j = 0; j < G_N_ELEMENTS(members); j++)
            cr_expect(json_object_get(failure, members[j]), "%u: %s", i, members[j]);
    }
    /* The third one is cut, and says so beside each name that is. */
    json_t *cut = json_array_get(failures, 2);
    json_t *missing = json_object_get(cut, "missing"), *link = json_array_get(json_object_get(cut, "chain"), 0);
    cr_expect(json_is_true(json_object_get(missing, "cut")));
    cr_expect(json_is_true(json_object_get(link, "cut")));
    cr_expect(json_is_null(json_object_get(link, "serial")));
    cr_expect(json_is_null(json_object_get(link, "sha256")));
    cr_expect(json_is_null(json_object_get(cut, "read")));
    /* The first one was called by many addresses, and shows its certificates whole. */
    json_t *full = json_array_get(failures, 0), *read = json_object_get(full, "read");
    cr_expect_eq(json_array_size(json_object_get(full, "peers")), AUDIT_PEERS);
    cr_expect_eq(json_integer_value(json_object_get(full, "peers_more")), 2);
    cr_expect_eq(json_integer_value(json_object_get(read, "lines")), 21);
    cr_expect_eq(json_integer_value(json_object_get(read, "understood")), 18);
    link = json_array_get(json_object_get(full, "chain"), 0);
    cr_expect_eq(strlen(json_string_value(json_object_get(link, "sha256"))), 64);
    /* The fourth one tells nearly nothing. */
    json_t *mute = json_array_get(failures, 3);
    cr_expect(json_is_null(json_object_get(mute, "role")));
    cr_expect(json_is_null(json_object_get(mute, "code")));
    cr_expect(json_is_null(json_object_get(mute, "line")));
    cr_expect(json_is_null(json_object_get(mute, "first")));
    missing = json_object_get(mute, "missing");
    cr_expect(json_is_null(json_object_get(missing, "subject")));
    cr_expect_str_eq(json_string_value(json_object_get(missing, "certainty")), "unknown");
    cr_expect_null(json_object_get(missing, "cut"));
    /* What is no untrusted peer misses nothing. */
    cr_expect(json_is_null(json_object_get(json_array_get(failures, 5), "missing")));
    json_decref(json);
}

Test(report, peers_in_words)
{
    static const struct {
        const char *what, *target, *peer;
        unsigned named, more;
        const char *side, *wanted;
    } rows[] = {
        {"none", NULL, NULL, 0, 0, "not known", NULL},
        {"of an old audit", NULL, "a:1", 0, 0, "a:1", "a:1"},
        {"of an old audit, with a name", "h", "a:1", 0, 0, "h", "a:1"},
        {"one", NULL, "p0", 1, 0, "p0", "p0"},
        {"one that calls, without its port", NULL, "p0:50000", 1, 0, "p0", "p0"},
        {"two", NULL, "p0", 2, 0, "several peers", "2 peers: p0, p1"},
        {"two of one name", "h", "p0", 2, 0, "h", "2 peers: p0, p1"},
        {"more", NULL, "p0", 3, 1, "several peers", "4 peers: p0, p1, p2 and 1 more"},
        {"not quite as many as are counted", NULL, "p0", 2, AUDIT_PEERS_COUNTED - AUDIT_PEERS - 1, "several peers",
         "991 peers: p0, p1 and 989 more"},
        {"as many as are counted", NULL, "p0", 2, AUDIT_PEERS_COUNTED - AUDIT_PEERS, "several peers",
         "at least 992 peers: p0, p1 and 990 more"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) audit = audit_new();
        struct audit_failure *failure = audit_failure_new(audit);
        failure->target = rows[i].target;
        failure->peer = rows[i].peer;
        failure->peers_more = rows[i].more;
        for (unsigned j = 0; j < rows[i].named; j++)
            g_ptr_array_add(failure->peers, (void *)audit_textf(audit, "p%u", j));
        g_autofree char *text = words_peers(failure);
        cr_expect_str_eq(words_other_side(failure), rows[i].side, "%s", rows[i].what);
        cr_expect_eq(g_strcmp0(text, rows[i].wanted), 0, "%s: %s", rows[i].what, text);
    }
}

Test(report, short_names)
{
    static const struct {
        const char *what, *name, *wanted;
    } rows[] = {
        {"CN first", "CN=Example Root, O=Example, C=DE", "Example Root"},
        {"CN last", "C=DE, O=Example, CN=Example Root", "Example Root"},
        {"lower case", "o=Example, cn=Example Root", "Example Root"},
        {"no CN", "OU=Example RootCA2, O=\"Example, Inc.\"", "OU=Example RootCA2"},
        {"a comma in quotes", "O=\"a, CN=b\", CN=c", "c"},
        {"a comma behind a backslash", "O=a\\, CN=b, CN=c", "c"},
        {"an empty CN", "CN=, O=Example", "CN="},
        {"a backslash at the end", "CN=a\\", "a\\"},
        {"a quote without end", "O=\"a, CN=b", "O=\"a, CN=b"},
        {"no name", "", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = words_short_name(rows[i].name);
        cr_expect_str_eq(name, rows[i].wanted, "%s: %s", rows[i].what, name);
    }
    cr_expect_null(words_short_name(NULL));
}

Test(report, numbers_and_times_in_words)
{
    static const struct {
        uint64_t number;
        const char *wanted;
    } rows[] = {
        {0, "0 hosts"},
        {1, "1 host"},
        {2, "2 hosts"},
        {999, "999 hosts"},
        {1000, "1,000 hosts"},
        {1234567, "1,234,567 hosts"},
        {UINT64_MAX, "18,446,744,073,709,551,615 hosts"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = words_count(rows[i].number, "host", "hosts");
        cr_expect_str_eq(text, rows[i].wanted);
    }
    static const struct {
        int64_t end, now;
        const char *wanted;
    } ends[] = {
        {MOMENT_NONE, 0, "not known"},
        {0, MOMENT_NONE, "not known"},
        {86400, 0, "1 day"},
        {86399, 0, "0 days"},
        {0, 0, "0 days"},
        {0, 1, "ended 0 days ago"},
        {0, 86400 * 2, "ended 2 days ago"},
        {INT64_MAX, INT64_MIN + 1, "213,503,982,334,601 days"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *text = words_left(ends[i].end, ends[i].now);
        cr_expect_str_eq(text, ends[i].wanted, "%s", text);
    }
}

/* An audit of hosts, one letter each, with PSEs and traces: what a headline may say hangs on how much was read. */
struct look {
    const char *hosts; /* 'c' collected, 'p' in part, '0' in part and without instance, 'f' failed, 'l' left out */
    unsigned lists, lists_read, traces, traces_read; /* of the first host with an instance */
    gboolean traceless;                              /* the last host has a Web Dispatcher without any trace */
};

static struct audit *make_look(const struct look *look)
{
    struct audit *audit = audit_new();
    struct audit_instance *first = NULL, *last = NULL;

    for (const char *at = look->hosts; *at; at++) {
        struct audit_host *host = audit_host_new(audit);
        host->name = audit_textf(audit, "app%02d", (int)(at - look->hosts));
        host->status = *at == 'c'   ? HOST_COLLECTED
                       : *at == 'f' ? HOST_FAILED
                       : *at == 'l' ? HOST_LEFT_OUT
                                    : HOST_PARTIAL;
        host->reason = *at == 'p' ? "unread" : *at == '0' ? "no-instance" : NULL;
        g_ptr_array_add(audit->hosts, host);
        if (*at != 'c' && *at != 'p')
            continue;
        last = audit_instance_new(audit);
        last->host = host;
        last->name = "SMDA97";
        last->path = audit_textf(audit, "/usr/sap/%s", host->name);
        last->kind = INSTANCE_OTHER;
        g_ptr_array_add(host->instances, last);
        first = first ? first : last;
    }
    if (look->traceless)
        last->kind = INSTANCE_WEBDISP;
    for (unsigned i = 0; i < look->traces; i++) {
        struct audit_trace *trace = audit_trace_new(audit);
        trace->path = audit_textf(audit, "dev_icm%u", i);
        trace->object = i < look->traces_read ? "ab" : NULL;
        trace->reason = i < look->traces_read ? NULL : "not-allowed";
        g_ptr_array_add(first->traces, trace);
    }
    for (unsigned i = 0; i < look->lists; i++) {
        struct audit_store *store = audit_store_new(audit);
        struct audit_member *member = audit_member_new(audit);
        store->label = audit_textf(audit, "app %u.pse", i);
        store->file = audit_textf(audit, "%u.pse", i);
        member->instance = first;
        member->path = store->file;
        member->reading = i < look->lists_read ? READING_NATIVE : READING_NONE;
        member->list = i < look->lists_read ? audit_list_new(audit) : NULL;
        member->reason = i < look->lists_read ? NULL : i % 2 ? "needs-pin" : "not-allowed (sudo -u prdadm: no)";
        g_ptr_array_add(store->members, member);
        g_ptr_array_add(audit->stores, store);
        if (member->list)
            g_ptr_array_add(audit->lists, member->list);
    }
    return audit;
}

static void add_finding(struct audit *audit, enum audit_finding_kind kind, enum audit_state state, unsigned gaps)
{
    struct audit_finding *finding = audit_finding_new(audit);
    finding->id = "0123456789abcdef";
    finding->title = "a finding";
    finding->kind = kind;
    finding->state = state;
    g_ptr_array_add(audit->findings, finding);
    if (kind == FINDING_TLS_FAILURE) {
        struct audit_failure *failure = audit_failure_new(audit);
        failure->cause = CAUSE_UNTRUSTED_PEER;
        failure->count = 3;
        g_ptr_array_add(finding->failures, failure);
    }
    for (unsigned j = 0; j < gaps; j++) {
        struct audit_gap *gap = audit_gap_new(audit);
        gap->store = audit_store_new(audit);
        gap->store->label = audit_textf(audit, "store %u", j);
        gap->store->file = "SAPSSLC.pse";
        gap->state = state;
        gap->count = 2;
        g_ptr_array_add(audit->stores, gap->store);
        g_ptr_array_add(finding->gaps, gap);
    }
}

#define NO_FINDING FINDING_DRIFT /* none that a headline speaks of */

Test(report, headlines)
{
    static const struct {
        const char *what;
        struct look look;
        enum audit_finding_kind kind;
        enum audit_state state;
        unsigned gaps;
        const char *wanted;
    } rows[] = {
        {"nothing wrong",
         {"c", 6, 6, 2, 2, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "No missing certificate was found in 6 trust lists and 2 traces."},
        {"fixed",
         {"c", 1, 1, 1, 1, 0},
         FINDING_MISSING_ANCHOR,
         STATE_FIXED,
         1,
         "No missing certificate was found in 1 trust list and 1 trace."},
        {"one",
         {"c", 6, 6, 2, 2, 0},
         FINDING_MISSING_ANCHOR,
         STATE_NEW,
         1,
         "1 certificate is missing in 1 trust store; importing it fixes 2 failing connections."},
        {"two stores",
         {"c", 6, 6, 2, 2, 0},
         FINDING_MISSING_ANCHOR,
         STATE_RETURNED,
         2,
         "1 certificate is missing in 2 trust stores; importing it fixes 4 failing connections."},
        {"waived",
         {"c", 6, 6, 2, 2, 0},
         FINDING_MISSING_ANCHOR,
         STATE_WAIVED,
         1,
         "The policy waives every certificate that is missing."},
        {"waived, not all read",
         {"c", 6, 6, 2, 1, 0},
         FINDING_MISSING_ANCHOR,
         STATE_WAIVED,
         1,
         "1 of 2 traces were read. The policy waives every missing certificate that was found in what was read."},
        {"nobody has it",
         {"c", 6, 6, 2, 2, 0},
         FINDING_UNKNOWN_ISSUER,
         STATE_OPEN,
         1,
         "1 certificate is missing, and it is not available anywhere in the landscape or the references."},
        {"no trace names it",
         {"c", 6, 6, 2, 2, 0},
         FINDING_TLS_FAILURE,
         STATE_OPEN,
         0,
         "3 connections failed because the peer's certificate is not trusted; the traces don't name the missing "
         "certificate."},
        {"no trace named it",
         {"c", 6, 6, 2, 2, 0},
         FINDING_TLS_FAILURE,
         STATE_FIXED,
         0,
         "No missing certificate was found in 6 trust lists and 2 traces."},
        {"required",
         {"c", 6, 6, 2, 2, 0},
         FINDING_POLICY_MISSING,
         STATE_OPEN,
         1,
         "No failed connection shows a missing certificate."},
        {"required, not all read",
         {"c", 6, 5, 2, 2, 0},
         FINDING_POLICY_MISSING,
         STATE_OPEN,
         1,
         "5 of 6 trust lists were read. No failed connection in the traces that were read shows a missing "
         "certificate."},
        {"required, no trace read",
         {"c", 6, 6, 2, 0, 0},
         FINDING_POLICY_MISSING,
         STATE_OPEN,
         1,
         "0 of 2 traces were read. Failing connections show in traces only, so nothing is known about them."},
        {"required and waived",
         {"c", 6, 6, 2, 2, 0},
         FINDING_POLICY_MISSING,
         STATE_WAIVED,
         1,
         "No missing certificate was found in 6 trust lists and 2 traces."},

        {"no list read",
         {"p", 6, 0, 1, 1, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "0 of 6 trust lists were read. No missing certificate was found in the trace that was read."},
        {"no list read, and nobody has it",
         {"p", 6, 0, 1, 1, 0},
         FINDING_UNKNOWN_ISSUER,
         STATE_OPEN,
         1,
         "0 of 6 trust lists were read. 1 certificate is missing, and it is not available anywhere in the landscape or "
         "the references."},
        {"no list read, one to import",
         {"p", 6, 0, 1, 1, 0},
         FINDING_MISSING_ANCHOR,
         STATE_OPEN,
         1,
         "0 of 6 trust lists were read. 1 certificate is missing in 1 trust store; importing it fixes 2 failing "
         "connections."},
        {"some lists read",
         {"p", 6, 4, 2, 2, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "4 of 6 trust lists were read. No missing certificate was found in what was read."},
        {"the only list",
         {"p", 1, 0, 2, 2, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "0 of 1 trust list was read. No missing certificate was found in the traces that were read."},
        {"some traces read",
         {"p", 6, 6, 2, 1, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "1 of 2 traces were read. No missing certificate was found in what was read."},
        {"no trace read",
         {"p", 6, 6, 1, 0, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "0 of 1 trace was read. Failing connections show in traces only, so nothing is known about them."},
        {"nothing read",
         {"p", 6, 0, 2, 0, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "0 of 6 trust lists and 0 of 2 traces were read."},
        {"no trace there",
         {"c", 6, 6, 0, 0, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "No trace was found. Failing connections show in traces only, so nothing is known about them."},
        {"no list there",
         {"c", 0, 0, 2, 2, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "No trust list was found. No missing certificate was found in the traces that were read."},
        {"neither there", {"c", 0, 0, 0, 0, 0}, NO_FINDING, STATE_OPEN, 0, "No trust list or trace was found."},
        {"an instance without a trace",
         {"cc", 6, 6, 2, 2, 1},
         NO_FINDING,
         STATE_OPEN,
         0,
         "No trace was found in 1 of 1 instances. No missing certificate was found in what was read."},
        {"a host in part, all of it read",
         {"p", 6, 6, 2, 2, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "No missing certificate was found in what was read."},
        {"a host left out",
         {"cl", 6, 6, 2, 2, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "No missing certificate was found in what was read."},

        {"one host of two failed",
         {"cf", 6, 6, 2, 2, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "1 of 2 hosts was not checked. No missing certificate was found in what was read."},
        {"one host of three without an instance, one failed",
         {"c0f", 6, 5, 2, 2, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "5 of 6 trust lists were read; 2 of 3 hosts were not checked. No missing certificate was found in what was "
         "read."},
        {"the only host failed",
         {"f", 0, 0, 0, 0, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "Nothing was checked: the host could not be collected."},
        {"all hosts failed",
         {"ff", 0, 0, 0, 0, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "Nothing was checked: no host could be collected."},
        {"no instance",
         {"0", 0, 0, 0, 0, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "Nothing was checked: no SAP instance was found on any host."},
        {"no instance, or failed",
         {"0f", 0, 0, 0, 0, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "Nothing was checked: no SAP instance was found on any host."},
        {"no instance, and a gap of the night before",
         {"0", 0, 0, 0, 0, 0},
         FINDING_MISSING_ANCHOR,
         STATE_OPEN,
         1,
         "Nothing was checked: no SAP instance was found on any host. 1 certificate is missing in 1 trust store; "
         "importing it fixes 2 failing connections."},
        {"nothing seen, all waived",
         {"f", 0, 0, 0, 0, 0},
         FINDING_MISSING_ANCHOR,
         STATE_WAIVED,
         1,
         "Nothing was checked: the host could not be collected."},
        {"no host",
         {"", 0, 0, 0, 0, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "Nothing was checked: there is no host in this audit."},
        {"all left out",
         {"ll", 0, 0, 0, 0, 0},
         NO_FINDING,
         STATE_OPEN,
         0,
         "Nothing was checked: all hosts were left out of this run."},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) audit = make_look(&rows[i].look);
        add_finding(audit, rows[i].kind, rows[i].state, rows[i].gaps);
        audit_sort(audit);
        g_autoptr(overview_auto) overview = overview_new(audit);
        g_autofree char *headline = overview_headline(overview);
        cr_expect_str_eq(headline, rows[i].wanted, "%s: %s", rows[i].what, headline);
        /* The documents begin with it, and no tile is green for what was not looked at. */
        g_autofree char *text = write_string(report_write_text, audit), *html = write_string(report_write_html, audit);
        gboolean green = strstr(html, "<div class=\"good\">\n<dt>certificates to import") != NULL;
        gboolean whole =
            strcmp(rows[i].look.hosts, "c") == 0 && rows[i].look.lists_read == 6 && rows[i].look.traces_read == 2;
        gboolean missing = rows[i].kind != NO_FINDING && !audit_state_is_closed(rows[i].state);
        if (rows[i].look.lists == 6) /* both ways; the others are never green, but for the row with one of each */
            cr_expect_eq(green, whole && (!missing || rows[i].kind == FINDING_POLICY_MISSING), "%s", rows[i].what);
        else
            cr_expect_eq(green, rows[i].look.lists == 1 && rows[i].look.lists_read == 1, "%s", rows[i].what);
        cr_expect_eq(strncmp(strstr(text, "\n\n") + 2, headline, MIN(20, strlen(headline))), 0, "%s", text);
    }
}

/* Remarks say why something was not read, and how to change that. */
Test(report, remarks_on_what_was_not_read)
{
    static const struct look looks[] = {{"p", 6, 0, 2, 1, 0}, {"c", 2, 2, 2, 2, 0}, {"0", 0, 0, 0, 0, 0}};
    static const char *const wanted[][3] = {
        {"The login may not read 4 PSEs and traces (not-allowed (sudo -u prdadm: no)). Set ansible_become=true",
         "3 PSEs and traces could not be read for another reason", NULL},
        {NULL},
        {"No SAP instance was found on 1 host: see sap_root", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(looks); i++) {
        g_autoptr(audit_auto) audit = make_look(&looks[i]);
        audit_sort(audit);
        g_autoptr(overview_auto) overview = overview_new(audit);
        g_autoptr(GPtrArray) remarks = overview_remarks(overview);
        g_ptr_array_add(remarks, NULL);
        g_autofree char *all = g_strjoinv("\n", (char **)remarks->pdata);
        for (size_t j = 0; wanted[i][j]; j++)
            cr_expect(strstr(all, wanted[i][j]), "%s", all);
        if (!wanted[i][0])
            cr_expect_str_eq(all, "");
    }
}

/* The reports name hosts whose users are all trusted; the XML keeps it. */
Test(report, trusted_users)
{
    static const struct {
        unsigned hosts;
        const char *remark;
    } rows[] = {
        {0, NULL},
        {1, "The inventory trusts all users of app00 (sap_trust_local_users): any of them could have changed"},
        {5, "The inventory trusts all users of app00, app01, app02, app03, app04 (sap_"},
        {7, "The inventory trusts all users of app00, app01, app02, app03, app04 and 2 more (sap_"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) audit = audit_new();
        for (unsigned j = 0; j < 8; j++) {
            struct audit_host *host = audit_host_new(audit);
            host->name = audit_textf(audit, "app%02u", j);
            host->tools_trusted = j < rows[i].hosts;
            g_ptr_array_add(audit->hosts, host);
        }
        audit_sort(audit);
        g_autofree char *xml = write_string(report_write_xml, audit);
        g_autoptr(audit_auto) again = parse(xml, NULL);
        cr_assert_not_null(again);
        g_autoptr(overview_auto) overview = overview_new(again);
        g_autoptr(GPtrArray) remarks = overview_remarks(overview);
        gboolean found = FALSE;
        for (guint j = 0; j < remarks->len; j++) {
            found = found || (rows[i].remark && strstr(remarks->pdata[j], rows[i].remark));
            cr_expect(rows[i].remark || !strstr(remarks->pdata[j], "trusts"), "%s", (char *)remarks->pdata[j]);
        }
        cr_expect_eq(found, rows[i].remark != NULL, "%zu", i);
    }
}

/* Equal steps of many stores are said once, and many different ones are folded away. */
Test(report, steps_are_grouped)
{
    for (int same = 0; same < 2; same++) {
        g_autoptr(audit_auto) audit = make_large(30);
        struct audit_finding *finding = audit->findings->pdata[0];
        for (guint i = 0; same && i < finding->gaps->len; i++)
            ((struct audit_gap *)finding->gaps->pdata[i])->steps->pdata[0] = (char *)"Import it.";
        g_autoptr(GPtrArray) groups = overview_steps(finding);
        cr_expect_eq(groups->len, same ? 1 : 30);
        g_autofree char *html = write_string(report_write_html, audit);
        if (same)
            cr_expect(strstr(html, " and 27 more</summary>"));
        else
            cr_expect(strstr(html, "<summary>In 22 more places</summary>"));
    }
}

static unsigned count_text(const char *text, const char *wanted)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, wanted)); at += strlen(wanted))
        count++;
    return count;
}

/* What OpenSSL says of the path is long, and the same for most stores. */
Test(report, paths_are_said_once)
{
    g_autoptr(audit_auto) audit = make_large(30);
    struct audit_finding *finding = audit->findings->pdata[0];
    for (guint i = 0; i < finding->gaps->len; i++) {
        struct audit_gap *gap = finding->gaps->pdata[i];
        gap->proof = i == 7 ? PROOF_NO_PATH : PROOF_PATH;
        gap->path = i == 7 ? "There is none." : "There is one.";
    }
    g_autoptr(GPtrArray) groups = overview_paths(finding);
    cr_assert_eq(groups->len, 2);
    cr_expect_eq(((const GPtrArray *)groups->pdata[0])->len, 29);
    g_autofree char *html = write_string(report_write_html, audit);
    g_autofree char *text = write_string(report_write_text, audit);
    cr_expect_eq(count_text(html, "There is one."), 1);
    cr_expect_eq(count_text(html, "There is none."), 1);
    cr_expect_eq(count_text(html, words_proof(PROOF_PATH)), 29);
    cr_expect_eq(count_text(text, "There is one."), 1);
    cr_expect_eq(count_text(text, "There is none."), 1);
}

Test(report, lines_are_wrapped_at_blanks)
{
    g_autoptr(audit_auto) audit = fixture_landscape();
    g_autofree char *text = write_string(report_write_text, audit);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    unsigned wrapped = 0;

    for (char **line = lines; *line; line++) {
        if (!g_str_has_prefix(*line, "                1. ") && !g_str_has_prefix(*line, "                2. "))
            continue;
        if (strchr(*line + strlen("                1. "), ' ')) { /* else it is one word, which stays whole */
            cr_expect_leq(g_utf8_strlen(*line, -1), 79, "%s", *line);
            wrapped++;
        }
    }
    cr_expect_gt(wrapped, 5);
}
