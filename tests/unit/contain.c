/* An audit in which parsers fail: what it says of the file, and of all others. */
#include "certs.h"
#include "findings.h"
#include "moment.h"
#include "report.h"
#include "scene.h"
#include "workers.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#define MIB            ((size_t)1024 * 1024)
#define certs(...)     certs_issue(&(const struct wish){__VA_ARGS__})
#define GOOD_HOST      "app02"
#define BAD_HOST       "app01" /* the first, so that the others meet what it may have left */
#define HEADLINE_ERROR "SSSLERR_CONN_CLOSED (-10)"

static const char *const faulty[] = {FAULTY, "--parser", NULL};

static struct workers *new_workers(unsigned count)
{
    struct worker_limits limits = worker_limits_usual();
    limits.cpu_ms = 2000;
    limits.memory_bytes = 384 * MIB;
    return workers_new(faulty, count, &limits);
}

enum where { NOWHERE, TRACE, OLD_TRACE, BOTH_TRACES, SHOWN, LIST, OWN, LISTING, CHAIN };

struct pki {
    struct issued *root, *leaf, *bad; /* bad: one with which the parser fails */
};

static struct pki new_pki(const char *fault)
{
    g_autofree char *subject = g_strdup_printf("/CN=trustgap-fault=%s", fault);
    struct pki pki = {.root = certs(.subject = "/CN=Example Root", .key_of = NULL)};
    pki.leaf = certs(.subject = "/CN=api.example.com", .issuer = pki.root, .leaf = TRUE);
    pki.bad = certs(.subject = subject);
    return pki;
}

static void clear_pki(struct pki *pki)
{
    certs_free(pki->root);
    certs_free(pki->leaf);
    certs_free(pki->bad);
}

static void add_fault(GString *trace, gboolean bad, const char *fault)
{
    if (bad)
        g_string_append_printf(trace, "[Thr 9] trustgap-fault=%s\n", fault);
}

/* The certificate as level 3 prints it. */
static void add_dump(GString *trace, const struct issued *issued)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(issued->der, &size);
    g_autofree char *text = g_base64_encode(bytes, size);

    g_string_append(trace, "[Thr 7] *** ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL\n"
                           "[Thr 7] SecuSSL_SessionStartNB: SSL_connect() failed  (536872221/0x2000051d)\n"
                           "[Thr 7]   => \"Failed to verify peer certificate. Peer not trusted.\"\n"
                           "[Thr 7] -----BEGIN CERTIFICATE-----\n");
    for (size_t i = 0; i < strlen(text); i += 64)
        g_string_append_printf(trace, "[Thr 7] %.64s\n", text + i);
    g_string_append(trace,
                    "[Thr 7] -----END CERTIFICATE-----\n"
                    "[Thr 7] <<- ERROR: SapSSLSessionStartNB(sssl_hdl=7f0e30000c70)==SSSLERR_PEER_CERT_UNTRUSTED\n");
}

/* One host as all others, with the fault in one of its files. */
static void add_host(struct scene *scene, const char *name, const char *sid, const struct pki *pki, enum where bad,
                     const char *fault)
{
    struct capture_host *host = scene_host(scene, name);
    struct capture_instance *instance = scene_instance(host, sid, "D00");
    g_autoptr(GBytes) list = bad == LIST ? certs_join(pki->leaf, pki->bad, NULL) : certs_join(pki->leaf, NULL);
    g_autoptr(GString) old = g_string_new(NULL), trace = g_string_new(NULL), listing = g_string_new(NULL);
    g_autofree char *path = g_strdup_printf("%s/sec/SAPSSLC.pse", instance->path);

    struct capture_store *store = scene_store(scene, host, instance, "SAPSSLC.pse", list);
    if (bad == OWN)
        store->own = scene_object(scene, g_bytes_get_data(pki->bad->der, NULL), g_bytes_get_size(pki->bad->der));
    struct capture_store *listed = scene_store(scene, host, instance, "SAPSSLA.pse", list);
    g_free(listed->trusted);
    listed->trusted = NULL;
    g_free(listed->method);
    listed->method = g_strdup("sapgenpse");
    listed->listing_status = 0;
    g_string_append(listing, "maintain_pk for PSE \"SAPSSLA.pse\"\nPKList:\n");
    add_fault(listing, bad == LISTING, fault);
    listed->listing = scene_object(scene, listing->str, listing->len);

    scene_header(old, "2", "785");
    scene_headline(old, "old.example.com", HEADLINE_ERROR);
    add_fault(old, bad == OLD_TRACE || bad == BOTH_TRACES, fault);
    scene_header(trace, "2", "785");
    UNTRUSTED(trace, .store = path, .target = "api.example.com", .chain = {pki->leaf});
    scene_headline(trace, "new.example.com", HEADLINE_ERROR);
    if (bad == SHOWN)
        add_dump(trace, pki->bad);
    add_fault(trace, bad == TRACE || bad == BOTH_TRACES, fault);
    scene_trace(scene, host, instance, "dev_icm.old", old->str);
    scene_trace(scene, host, instance, "dev_icm", trace->str);
    if (bad == CHAIN) {
        struct capture_chain *chain = capture_chain_new();
        chain->target = g_strdup("api.example.com");
        chain->port = 443;
        chain->asked = CERTS_NOW;
        chain->object = scene_object(scene, g_bytes_get_data(pki->bad->der, NULL), g_bytes_get_size(pki->bad->der));
        g_ptr_array_add(host->chains, chain);
    }
}

static struct scene *make(const struct pki *pki, enum where bad, const char *fault, gboolean bad_host)
{
    struct scene *scene = scene_new();
    add_host(scene, GOOD_HOST, "PRD", pki, NOWHERE, fault);
    if (bad_host)
        add_host(scene, BAD_HOST, "QAS", pki, bad, fault);
    add_host(scene, "app03", "DEV", pki, NOWHERE, fault);
    scene_reference(scene, "root.pem", pki->root);
    return scene;
}

static struct audit *run(const struct pki *pki, struct workers *workers, enum where bad, const char *fault,
                         const struct audit *previous, gboolean bad_host)
{
    g_autoptr(scene_auto) scene = make(pki, bad, fault, bad_host);
    scene->workers = workers;
    return scene_run(scene, previous);
}

/* The audit as XML, without the name of the folder that it was made in. */
static char *run_xml(const struct pki *pki, struct workers *workers, enum where bad)
{
    g_autoptr(scene_auto) scene = make(pki, bad, "exit", TRUE);
    scene->workers = workers;
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    g_autofree char *xml = scene_xml(audit);
    g_autoptr(GString) text = g_string_new(xml);
    g_string_replace(text, scene->folder, "FOLDER", 0);
    return g_strdup(text->str);
}

static gboolean is_about(const struct audit_finding *finding, const char *host)
{
    return finding->host && strcmp(finding->host->name, host) == 0;
}

static unsigned count_about(const struct audit *audit, enum audit_finding_kind kind, const char *host,
                            enum audit_state state)
{
    unsigned count = 0;
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        count += finding->kind == kind && is_about(finding, host) && finding->state == state;
    }
    return count;
}

static const struct {
    const char *what;
    enum where where;
    const char *path;  /* of the finding */
    unsigned findings; /* unanalyzed */
    unsigned failures; /* tls-failure findings of the bad host that are told tonight */
    gboolean gap;      /* that it lacks the root is still told by its own trace and list */
} rows[] = {
    {"nothing", NOWHERE, NULL, 0, 2, TRUE},
    {"the current trace", TRACE, "/usr/sap/QAS/D00/work/dev_icm", 1, 1, FALSE},
    {"the older trace", OLD_TRACE, "/usr/sap/QAS/D00/work/dev_icm.old", 1, 1, TRUE},
    {"both", BOTH_TRACES, "/usr/sap/QAS/D00/work/dev_icm", 2, 0, FALSE},
    {"a certificate that a trace prints", SHOWN, "/usr/sap/QAS/D00/work/dev_icm", 1, 1, FALSE},
    {"a trust list", LIST, "/usr/sap/QAS/D00/sec/SAPSSLC.pse", 1, 2, FALSE},
    {"an own certificate", OWN, "/usr/sap/QAS/D00/sec/SAPSSLC.pse", 1, 2, TRUE},
    {"a listing", LISTING, "/usr/sap/QAS/D00/sec/SAPSSLA.pse", 1, 2, TRUE},
    {"what a peer sent", CHAIN, "the certificates of api.example.com port 443", 1, 2, TRUE},
};

static const char *const faults[] = {"abort", "exit", "large"};

static const struct audit_finding *find_unanalyzed(const struct audit *audit, const char *path)
{
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        if (finding->kind == FINDING_UNANALYZED && g_str_has_prefix(finding->title, path) &&
            finding->title[strlen(path)] == ' ')
            return finding;
    }
    return NULL;
}

/* What an audit says of the hosts that are not the bad one. */
static char *said_of_others(const struct audit *audit)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        if (is_about(finding, BAD_HOST))
            continue;
        if (finding->host)
            g_string_append_printf(text, "%s %s\n%s\n", finding->id, finding->title, finding->detail);
        for (guint j = 0; j < finding->gaps->len; j++) {
            const struct audit_gap *gap = finding->gaps->pdata[j];
            if (gap->store && !g_str_has_prefix(gap->store->label, "QAS"))
                g_string_append_printf(text, "%s %s %d %s\n", finding->id, gap->store->label, gap->basis,
                                       gap->path ? gap->path : "");
        }
    }
    return g_string_free(text, FALSE);
}

static void check_finding(size_t row, const char *fault, const struct audit *audit)
{
    const struct audit_finding *finding = find_unanalyzed(audit, rows[row].path);

    cr_assert_not_null(finding, "%s, %s", rows[row].what, fault);
    cr_expect(is_about(finding, BAD_HOST));
    cr_expect_eq(finding->severity, SEVERITY_HIGH);
    cr_expect(audit_finding_counts(finding, SEVERITY_HIGH));
    cr_expect(strstr(finding->detail, strcmp(fault, "abort") == 0  ? "The parser crashed (SIGABRT)."
                                      : strcmp(fault, "exit") == 0 ? "exit status 7"
                                                                   : "answer is too large"),
              "%s", finding->detail);
    const char *digest = strstr(finding->detail, "is ");
    while (digest && strspn(digest + 3, "0123456789abcdef") != 64)
        digest = strstr(digest + 3, "is ");
    cr_assert_not_null(digest, "%s", finding->detail);
    g_autofree char *name = g_strndup(digest + 3, 64);
    cr_expect_str_neq(scene_step(finding->steps, name), "", "%s", name);
}

Test(contain, a_file_costs_itself)
{
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (size_t j = 0; j < G_N_ELEMENTS(faults); j++) {
            if (i % G_N_ELEMENTS(faults) != j && rows[i].where != TRACE && rows[i].where != LIST)
                continue;
            struct pki pki = new_pki(faults[j]);
            struct workers *workers = new_workers(2);
            g_autoptr(audit_auto) audit = run(&pki, workers, rows[i].where, faults[j], NULL, TRUE);
            g_autoptr(audit_auto) whole = run(&pki, workers, NOWHERE, faults[j], NULL, TRUE);
            g_autofree char *said = said_of_others(audit), *wanted = said_of_others(whole);

            cr_expect_str_eq(said, wanted, "%s", rows[i].what);
            cr_expect_eq(scene_count(audit, FINDING_UNANALYZED), rows[i].findings, "%s: %u", rows[i].what,
                         scene_count(audit, FINDING_UNANALYZED));
            cr_expect_eq(count_about(audit, FINDING_TLS_FAILURE, BAD_HOST, STATE_NEW), rows[i].failures, "%s: %u",
                         rows[i].what, count_about(audit, FINDING_TLS_FAILURE, BAD_HOST, STATE_NEW));
            struct audit_gap *gap = scene_gap(scene_finding(audit, FINDING_MISSING_ANCHOR), "QAS SAPSSLC.pse");
            cr_expect_eq(gap && gap->basis == BASIS_SEEN, rows[i].gap, "%s", rows[i].what);
            if (rows[i].findings)
                check_finding(i, faults[j], audit);
            const struct audit_store *store =
                scene_find_store(audit, rows[i].where == LISTING ? "QAS SAPSSLA.pse" : "QAS SAPSSLC.pse");
            const struct audit_member *member = store->members->pdata[0];
            cr_expect_eq(member->list == NULL, rows[i].where == LIST || rows[i].where == LISTING,
                         "%s: an unknown list is none", rows[i].what);
            workers_free(workers);
            clear_pki(&pki);
        }
}

/* Whoever reads, and how many at once: the same bytes. */
Test(contain, the_audit_is_the_same)
{
    struct pki pki = new_pki("exit");

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *first = NULL;
        for (unsigned count = 1; count <= 4; count++) {
            struct workers *workers = new_workers(count);
            g_autofree char *xml = run_xml(&pki, workers, rows[i].where);
            if (first)
                cr_expect_str_eq(xml, first, "%s with %u", rows[i].what, count);
            else
                first = g_steal_pointer(&xml);
            workers_free(workers);
        }
        if (rows[i].where != NOWHERE)
            continue;
        g_autofree char *xml = run_xml(&pki, NULL, NOWHERE);
        cr_expect_str_eq(xml, first, "without children");
    }
    clear_pki(&pki);
}

/* All that traces tell comes through: samples of every form, read here and by children. */
static char *run_samples(struct workers *workers)
{
    static const char *const folders[] = {SOURCE_ROOT "/tests/data/trace", SOURCE_ROOT "/tests/fuzz/corpus/trace"};
    g_autoptr(scene_auto) scene = scene_new();
    struct capture_host *host = scene_host(scene, "app01");
    unsigned count = 0;

    scene->workers = workers;
    for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autoptr(GDir) folder = g_dir_open(folders[i], 0, NULL);
        cr_assert_not_null(folder);
        for (const char *name; (name = g_dir_read_name(folder)); count++) {
            g_autofree char *path = g_build_filename(folders[i], name, NULL), *text = NULL;
            gsize size;
            cr_assert(g_file_get_contents(path, &text, &size, NULL));
            struct capture_instance *instance = scene_instance(host, NULL, name);
            g_free(instance->path);
            instance->path = g_strdup_printf("/usr/sap/%s", name);
            struct capture_trace *trace = scene_trace(scene, host, instance, "dev_icm", "");
            g_free(trace->object);
            trace->object = scene_object(scene, text, size);
            trace->size_bytes = trace->length_bytes = (int64_t)size;
        }
    }
    cr_assert_gt(count, 100);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_gt(audit->failures->len, 50);
    return scene_xml(audit);
}

Test(contain, all_facts_come_through)
{
    struct workers *workers = new_workers(2);
    g_autofree char *here = run_samples(NULL), *there = run_samples(workers);

    cr_expect_str_eq(there, here);
    workers_free(workers);
}

/* What a file hides tonight cannot close what it showed last night. */
Test(contain, unknown_closes_nothing)
{
    struct pki pki = new_pki("exit");
    struct workers *workers = new_workers(2);
    g_autoptr(audit_auto) before = run(&pki, workers, NOWHERE, "exit", NULL, TRUE);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) audit = run(&pki, workers, rows[i].where, "exit", before, TRUE);
        cr_expect_eq(count_about(audit, FINDING_TLS_FAILURE, BAD_HOST, STATE_OPEN), 2, "%s: %u", rows[i].what,
                     count_about(audit, FINDING_TLS_FAILURE, BAD_HOST, STATE_OPEN));
        struct audit_gap *gap = scene_gap(scene_finding(audit, FINDING_MISSING_ANCHOR), "QAS SAPSSLC.pse");
        cr_assert_not_null(gap, "%s", rows[i].what);
        cr_expect_eq(gap->state, STATE_OPEN, "%s", rows[i].what);
        if (rows[i].where == NOWHERE)
            continue;
        /* ... and when it can be read again, it is over. */
        g_autoptr(audit_auto) after = run(&pki, workers, NOWHERE, "exit", audit, TRUE);
        const struct audit_finding *finding = find_unanalyzed(after, rows[i].path);
        cr_assert_not_null(finding, "%s", rows[i].what);
        cr_expect_eq(finding->state, STATE_FIXED, "%s", rows[i].what);
        g_autoptr(audit_auto) absent = run(&pki, workers, NOWHERE, "exit", audit, FALSE);
        finding = find_unanalyzed(absent, rows[i].path);
        cr_expect_eq(finding->state, STATE_OPEN, "%s: its host was not collected", rows[i].what);
    }
    workers_free(workers);
    clear_pki(&pki);
}

/* Audit documents. */

/* What is said of a document, or its XML once more; g_free(). */
static char *load(struct workers *workers, const char *path, const char *xml)
{
    g_autoptr(GError) error = NULL;

    cr_assert(g_file_set_contents(path, xml, -1, NULL));
    g_autoptr(audit_auto) audit = report_load_xml(workers, path, &error);
    return audit ? scene_xml(audit) : g_strdup(error->message);
}

/* The first ${size} bytes of it, or all, with something in the place of something. */
static char *change(const char *xml, const char *what, const char *by)
{
    g_autoptr(GString) text = g_string_new(xml);
    if (what)
        g_string_replace(text, what, by, 1);
    else
        g_string_truncate(text, text->len / 2);
    return g_strdup(text->str);
}

Test(contain, documents_come_through)
{
    static const struct {
        const char *what, *by;
    } cases[] = {
        {"nothing-that-is-there", ""},
        {NULL, NULL}, /* half of it */
        {"<audit ", "<!DOCTYPE audit><audit "},
        {"<audit ", "<audits "},
        {"<hosts>", "<hosts><host/>"},
        {"<hosts>", "<hosts>text"},
        {"<hosts>", "<hosts xmlns='urn:x'>"},
        {"<hosts>", "<hosts a='1'>"},
        {"<hosts>", "<hosts><![CDATA[<a/>]]>"},
        {"<hosts>", "<hosts><!-- a remark --><?an instruction?>"},
        {"</hosts>", ""},
        {"format=\"1\"", "format=\"2\""},
        {"app01", "a&amp;p&#10;p&lt;01"},
        {"app01", "a&x;"},
        {"app01", "\xff"},
        {"</audit>", "</audit><more/>"},
        {"</audit>", "</audit>\n<!-- the end -->\n"},
    };
    struct pki pki = new_pki("exit");
    struct workers *workers = new_workers(1);
    g_autofree char *xml = run_xml(&pki, NULL, NOWHERE), *path = g_strdup_printf("/tmp/trustgap-%d.xml", (int)getpid());
    unsigned whole = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = change(xml, cases[i].what, cases[i].by);
        g_autofree char *here = load(NULL, path, text), *there = load(workers, path, text);
        cr_expect_str_eq(there, here, "%s -> %s", cases[i].what, cases[i].by);
        whole += strstr(here, "</audit>") != NULL;
    }
    cr_expect_eq(whole, 4, "%u documents are audits", whole);
    unlink(path);
    workers_free(workers);
    clear_pki(&pki);
}

Test(contain, a_document_costs_itself)
{
    static const struct {
        const char *fault, *why;
    } cases[] = {
        {"abort", "could not be read: the parser crashed (SIGABRT)"},
        {"exit", "could not be read: the parser ended without an answer (exit status 7)"},
        {"loop", "could not be read: the parser needed more than 2000 ms of processor time"},
        {"memory", "could not be read: the parser needed more than 384 MiB of memory"},
        {"large", "could not be read: the parser's answer is too large"},
        {"end", "could not be read: the parser's answer is not in its form"},
        {"garbage", "could not be read: the parser's answer is not in its form"},
        {"kind", "could not be read: the parser's answer is not in its form"},
    };
    struct pki pki = new_pki("exit");
    struct workers *workers = new_workers(1);
    g_autofree char *xml = run_xml(&pki, NULL, NOWHERE), *path = g_strdup_printf("/tmp/trustgap-%d.xml", (int)getpid());

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *mark = g_strdup_printf("<!-- trustgap-fault=%s --><audit ", cases[i].fault);
        g_autofree char *text = change(xml, "<audit ", mark), *said = load(workers, path, text);
        cr_expect(g_str_has_prefix(said, path) && strstr(said, cases[i].why), "%s: %s", cases[i].fault, said);
        g_autofree char *good = load(workers, path, xml), *here = load(NULL, path, xml);
        cr_expect_str_eq(good, here, "the next one, after %s", cases[i].fault);
    }
    unlink(path);
    workers_free(workers);
    clear_pki(&pki);
}

/* No process at all: nothing is known, and nothing is lost or closed. */
Test(contain, no_child_no_answer)
{
    static const char *const nothing[] = {"/nonexistent/trustgap", "--parser", NULL};
    struct worker_limits limits = worker_limits_usual();
    struct pki pki = new_pki("exit");
    g_autoptr(audit_auto) before = run(&pki, NULL, NOWHERE, "exit", NULL, TRUE);
    struct workers *workers = workers_new(nothing, 2, &limits);
    g_autoptr(audit_auto) audit = run(&pki, workers, NOWHERE, "exit", before, TRUE);

    cr_expect_eq(scene_count(audit, FINDING_UNANALYZED), 3 * 4, "%u", scene_count(audit, FINDING_UNANALYZED));
    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        cr_expect_neq(finding->state, STATE_FIXED, "%s", finding->title);
    }
    workers_free(workers);
    clear_pki(&pki);
}
