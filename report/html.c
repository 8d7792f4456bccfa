/* The audit as one HTML file: no script, nothing from outside, for screens and for paper. */
#include "error.h"
#include "html.css.h"
#include "html_certificates.h"
#include "html_landscape.h"
#include "html_missing.h"
#include "html_parts.h"
#include "moment.h"
#include "overview.h"
#include "report.h"
#include "words.h"

#include <string.h>

/* "sha256-..." of the style sheet, which is all that the content security policy allows. */
static char *style_hash(void)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize size = sizeof digest;

    g_checksum_update(checksum, (const guint8 *)html_css, sizeof html_css - 1);
    g_checksum_get_digest(checksum, digest, &size);
    g_autofree char *base64 = g_base64_encode(digest, size);
    return g_strconcat("sha256-", base64, NULL);
}

static void put_head(struct markup *markup, const struct audit *audit)
{
    g_autofree char *hash = style_hash();
    g_autofree char *policy =
        g_strdup_printf("default-src 'none'; style-src '%s'; base-uri 'none'; form-action 'none'", hash);
    g_autofree char *day = words_day(audit->evaluated);

    markup_open(markup, "head", NULL);
    markup_void(markup, "meta", "charset", "utf-8", NULL);
    markup_void(markup, "meta", "http-equiv", "Content-Security-Policy", "content", policy, NULL);
    markup_void(markup, "meta", "name", "referrer", "content", "no-referrer", NULL);
    markup_void(markup, "meta", "name", "viewport", "content", "width=device-width, initial-scale=1", NULL);
    markup_void(markup, "meta", "name", "color-scheme", "content", "light dark", NULL);
    markup_say(markup, "title", NULL, "TLS trust audit of %s", day);
    markup_open(markup, "style", NULL);
    markup_raw(markup, html_css);
    markup_close(markup);
    markup_close(markup);
}

static void put_tile(struct markup *markup, const char *class, const char *label, const char *number)
{
    markup_open(markup, "div", class);
    markup_say(markup, "dt", NULL, "%s", label);
    markup_say(markup, "dd", NULL, "%s", number);
    markup_close(markup);
}

static void put_tiles(struct markup *markup, const struct overview *overview)
{
    const struct audit *audit = overview->audit;
    g_autofree char *certificates = words_number(overview->certificates);
    g_autofree char *stores = words_number(overview->stores);
    g_autofree char *connections = words_number(overview->connections);
    g_autofree char *collected = words_number(overview->collected);
    g_autofree char *hosts = words_number(audit->hosts->len);
    g_autofree char *share = g_strdup_printf("%s of %s", collected, hosts);
    g_autofree char *read = words_number(overview->seen.lists_read), *lists = words_number(overview->seen.lists);
    g_autofree char *lists_share = g_strdup_printf("%s of %s", read, lists);
    /* None is good news only where all was looked at, and nothing is missing that cannot be imported. */
    gboolean good = coverage_is_whole(&overview->seen) && overview->unknown + overview->unnamed == 0;
    const char *none = good ? "good" : "unknown";

    markup_open(markup, "dl", "tiles");
    put_tile(markup, overview->certificates ? "bad" : none, "certificates to import", certificates);
    put_tile(markup, overview->stores ? "bad" : none, "trust stores to mend", stores);
    put_tile(markup, overview->connections ? "bad" : none, "failing connections fixed by that", connections);
    put_tile(markup,
             overview->seen.lists_read < overview->seen.lists ? "bad"
             : overview->seen.lists                           ? "good"
                                                              : none,
             "trust lists read", lists_share);
    put_tile(markup, overview->collected < audit->hosts->len ? "bad" : "good", "hosts wholly collected", share);
    markup_close(markup);
}

static void put_since(struct markup *markup, const struct overview *overview)
{
    static const enum audit_state order[] = {STATE_NEW, STATE_RETURNED, STATE_OPEN, STATE_FIXED, STATE_WAIVED};
    g_autofree char *previous = words_moment(overview->audit->previous);

    markup_open(markup, "p", "since");
    if (overview->audit->previous == MOMENT_NONE) {
        markup_text(markup, "There is no earlier audit to compare with.");
        markup_close(markup);
        return;
    }
    markup_printf(markup, "Findings since the audit of %s: ", previous);
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
        g_autofree char *number = words_number(overview->states[order[i]]);
        if (i > 0)
            markup_text(markup, " ");
        markup_open(markup, "span", "tally");
        html_badge_state(markup, order[i]);
        markup_printf(markup, " %s", number);
        markup_close(markup);
    }
    markup_close(markup);
}

static void put_header(struct markup *markup, const struct overview *overview)
{
    g_autofree char *evaluated = words_moment(overview->audit->evaluated);
    g_autofree char *headline = overview_headline(overview);
    g_autoptr(GPtrArray) remarks = overview_remarks(overview);

    markup_open(markup, "header", "top");
    markup_say(markup, "p", "kicker", "TLS trust audit of %s", evaluated);
    markup_say(markup, "h1", NULL, "%s", headline);
    if (remarks->len > 0) {
        markup_open(markup, "ul", "remarks");
        for (guint i = 0; i < remarks->len; i++)
            markup_say(markup, "li", NULL, "%s", (const char *)remarks->pdata[i]);
        markup_close(markup);
    }
    put_tiles(markup, overview);
    put_since(markup, overview);
    markup_close(markup);
}

static void put_nav_item(struct markup *markup, const char *chapter, const char *title, unsigned count)
{
    if (count == 0)
        return;
    markup_open(markup, "li", NULL);
    markup_open(markup, "a", NULL);
    markup_attribute(markup, "href", "#%s", chapter);
    markup_text(markup, title);
    markup_close(markup);
    g_autofree char *number = words_number(count);
    markup_printf(markup, " %s", number);
    markup_close(markup);
}

static void put_nav(struct markup *markup, const struct overview *overview)
{
    const struct audit *audit = overview->audit;

    markup_open(markup, "nav", NULL);
    markup_attribute(markup, "aria-label", "Chapters");
    markup_open(markup, "ul", NULL);
    put_nav_item(markup, "missing", "Missing certificates", overview->missing->len);
    put_nav_item(markup, "parts", "By tier and group", overview->tiers->len + overview->groups->len);
    put_nav_item(markup, "others", "Other findings", overview->others->len);
    put_nav_item(markup, "systems", "Trust stores", audit->stores->len);
    put_nav_item(markup, "absent", "Hosts not collected", overview->absent->len);
    put_nav_item(markup, "ending", "Near their end", overview->ending->len);
    put_nav_item(markup, "closed", "Fixed and waived", overview->closed->len);
    put_nav_item(markup, "certificates", "All certificates", audit->certs->len);
    put_nav_item(markup, "hosts", "All hosts", audit->hosts->len);
    put_nav_item(markup, "warnings", "Trouble with the input", audit->warnings->len);
    markup_close(markup);
    markup_close(markup);
}

static void put_concerned(struct markup *markup, const struct audit_finding *finding)
{
    if (!finding->host && finding->stores->len == 0)
        return;
    markup_open(markup, "p", "concerned");
    if (finding->host)
        markup_say(markup, "span", "path", "%s", finding->host->name);
    if (finding->host && finding->stores->len > 0)
        markup_text(markup, ", ");
    html_stores(markup, finding->stores);
    markup_close(markup);
}

/* A finding without a table of stores: what, where, what to do. */
static void put_other(struct markup *markup, const struct audit_finding *finding)
{
    g_autofree char *class = g_strdup_printf("card small %s", audit_severity_name(finding->severity));
    g_autofree char *since = words_day(finding->first_seen);

    markup_open(markup, "article", class);
    html_finding_id(markup, finding);
    markup_open(markup, "p", "marks");
    html_badge_severity(markup, finding->severity);
    html_badge_state(markup, finding->state);
    markup_say(markup, "span", "note", "%s, first seen %s; %s %s", words_finding_kind(finding->kind), since,
               audit_finding_kind_name(finding->kind), finding->id);
    markup_close(markup);
    markup_say(markup, "h3", NULL, "%s", finding->title);
    if (finding->detail)
        markup_say(markup, "p", "lead", "%s", finding->detail);
    html_waivers(markup, finding);
    if (finding->cert) {
        markup_open(markup, "dl", "facts");
        html_cert(markup, finding->cert);
        markup_close(markup);
    }
    put_concerned(markup, finding);
    html_remedy(markup, finding);
    html_evidence(markup, finding->failures);
    markup_close(markup);
}

static void put_others(struct markup *markup, const struct overview *overview)
{
    const GPtrArray *findings = overview->others;

    if (findings->len == 0)
        return;
    markup_open(markup, "section", NULL);
    markup_attribute(markup, "id", "others");
    markup_say(markup, "h2", NULL, "Other findings");
    for (guint i = 0; i < findings->len && !file_output_failed(markup->output); i++) {
        if (i == HTML_FINDINGS_SHOWN) {
            markup_open(markup, "details", "rest");
            markup_say(markup, "summary", NULL, "%u more findings", findings->len - i);
        }
        put_other(markup, findings->pdata[i]);
    }
    if (findings->len > HTML_FINDINGS_SHOWN)
        markup_close(markup);
    markup_close(markup);
}

static void put_parts(struct markup *markup, const char *title, const char *nothing, const GPtrArray *parts)
{
    const char *const heads[] = {
        title, "Hosts", "Wholly collected", "Trust stores that lack a certificate", "Connections that fail for it",
        NULL};
    struct table table;

    table_begin(&table, markup, heads, parts->len, HTML_ROWS_SHOWN, "more");
    for (guint i = 0; i < parts->len; i++) {
        const struct overview_part *part = parts->pdata[i];
        g_autofree char *hosts = words_number(part->hosts), *collected = words_number(part->collected);
        g_autofree char *stores = words_number(part->stores), *connections = words_number(part->connections);
        table_row(&table);
        table_say(&table, NULL, "%s", part->name ? part->name : nothing);
        table_say(&table, "number", "%s", hosts);
        table_say(&table, "number", "%s", collected);
        table_say(&table, "number", "%s", stores);
        table_say(&table, "number", "%s", connections);
        table_row_end(&table);
    }
    table_end(&table);
}

/* The same by tier and by group of the inventory. */
static void put_dimensions(struct markup *markup, const struct overview *overview)
{
    if (overview->tiers->len + overview->groups->len == 0)
        return;
    markup_open(markup, "section", NULL);
    markup_attribute(markup, "id", "parts");
    markup_say(markup, "h2", NULL, "By tier and group");
    if (overview->tiers->len > 0)
        put_parts(markup, "Tier", "no tier", overview->tiers);
    if (overview->groups->len > 0)
        put_parts(markup, "Group", "no group", overview->groups);
    markup_close(markup);
}

static void put_ending_row(struct table *table, const struct audit *audit, const struct audit_finding *finding)
{
    struct markup *markup = table->markup;
    const struct audit_cert *cert = finding->cert;
    g_autofree char *until = words_day(cert->not_after);
    g_autofree char *left = words_left(cert->not_after, audit->evaluated);

    table_row(table);
    html_finding_id(markup, finding);
    table_say(table, "time", "%s", until);
    table_say(table, NULL, "%s", left);
    table_cell(table, NULL);
    markup_text(markup, finding->title);
    markup_say(markup, "span", "note", "%s", words_known(cert->subject));
    if (finding->detail)
        markup_say(markup, "span", "note", "%s", finding->detail);
    html_waivers(markup, finding);
    html_steps(markup, finding->steps);
    table_cell_end(table);
    table_cell(table, NULL);
    html_stores(markup, finding->stores);
    table_cell_end(table);
    table_cell(table, NULL);
    html_badge_severity(markup, finding->severity);
    html_badge_state(markup, finding->state);
    table_cell_end(table);
    table_row_end(table);
}

static void put_ending(struct markup *markup, const struct overview *overview)
{
    static const char *const heads[] = {"End", "Time left", "Certificate", "Trust stores", "Severity, state", NULL};
    const GPtrArray *findings = overview->ending;
    struct table table;

    if (findings->len == 0)
        return;
    markup_open(markup, "section", NULL);
    markup_attribute(markup, "id", "ending");
    markup_say(markup, "h2", NULL, "Certificates near their end");
    table_begin(&table, markup, heads, findings->len, HTML_ROWS_SHOWN, "more certificates");
    for (guint i = 0; i < findings->len; i++)
        put_ending_row(&table, overview->audit, findings->pdata[i]);
    table_end(&table);
    markup_close(markup);
}

static void put_closed_row(struct table *table, const struct audit_finding *finding)
{
    struct markup *markup = table->markup;

    table_row(table);
    html_finding_id(markup, finding);
    table_cell(table, NULL);
    markup_text(markup, finding->title);
    if (finding->detail)
        markup_say(markup, "span", "note", "%s", finding->detail);
    html_waivers(markup, finding);
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        if (gap->store && gap->note)
            markup_say(markup, "span", "note", "%s: %s", gap->store->label, gap->note);
    }
    table_cell_end(table);
    table_cell(table, NULL);
    html_badge_state(markup, finding->state);
    table_cell_end(table);
    table_say(table, NULL, "%s", words_finding_kind(finding->kind));
    table_row_end(table);
}

static void put_closed(struct markup *markup, const struct overview *overview)
{
    static const char *const heads[] = {"Finding", "State", "Kind", NULL};
    const GPtrArray *findings = overview->closed;
    struct table table;

    if (findings->len == 0)
        return;
    markup_open(markup, "section", NULL);
    markup_attribute(markup, "id", "closed");
    markup_say(markup, "h2", NULL, "Fixed and waived");
    table_begin(&table, markup, heads, findings->len, HTML_ROWS_SHOWN, "more findings");
    for (guint i = 0; i < findings->len; i++)
        put_closed_row(&table, findings->pdata[i]);
    table_end(&table);
    markup_close(markup);
}

static void put_warnings(struct markup *markup, const struct audit *audit)
{
    if (audit->warnings->len == 0)
        return;
    markup_open(markup, "section", NULL);
    markup_attribute(markup, "id", "warnings");
    markup_say(markup, "h2", NULL, "Trouble with the input");
    markup_open(markup, "ul", NULL);
    for (guint i = 0; i < audit->warnings->len; i++)
        markup_say(markup, "li", NULL, "%s", (const char *)audit->warnings->pdata[i]);
    markup_close(markup);
    markup_close(markup);
}

static void put_definitions(struct markup *markup)
{
    static const struct {
        const char *word, *meaning;
    } rows[] = {
        {"Missing certificate", "A root or another CA certificate that a peer's chain needs, that failed connections "
                                "show, and that the trust list of the PSE lacks."},
        {"Trust store",
         "Where one import is made: on ABAP systems the PSE of the whole system, which STRUST distributes "
         "to all instances; elsewhere one PSE file on one host."},
        {"Failing connections", "Attempts that the collected part of the traces shows, not connections that exist. One "
                                "job that tries every minute counts every minute."},
        {"Held by",
         "Trust stores that have the certificate already. Together with the fingerprint they show that it is "
         "in use elsewhere; the PEM in this report is the one to import."},
        {"Also not in", "Trust stores that lack the certificate too, but no failure shows that they need it."},
        {"New, open, returned", "Compared with the audit before: not there then; still there; fixed once and there "
                                "again."},
        {"Fixed", "The trust list holds the certificate now, even if the trace still shows the old failures."},
        {"Waived", "The policy names somebody who has decided to live with it until a day. After that day it is open "
                   "again."},
        {"Required and missing", "The policy wants the certificate in these trust stores, whether or not a connection "
                                 "fails without it."},
        {"Not read",
         "A trust list that nobody could read is unknown, never empty: it proves neither that a certificate "
         "is there nor that it is missing."},
        {"Trace too terse", "Its level is so low that it shows that certificates are missing, but not which ones."},
        {"Trace too short",
         "The two files that a trace is kept in reach back less than a day. What they no longer hold "
         "is lost to every audit."},
        {"Not collected", "Nothing is known of such a host. It is not checked, and never counts as passed."},
        {"Times", "In UTC. Evidence quotes the trace, which has the host's own time."},
    };

    markup_open(markup, "section", NULL);
    markup_attribute(markup, "id", "reading");
    markup_say(markup, "h2", NULL, "How to read this report");
    markup_open(markup, "dl", "words");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        markup_say(markup, "dt", NULL, "%s", rows[i].word);
        markup_say(markup, "dd", NULL, "%s", rows[i].meaning);
    }
    markup_close(markup);
    markup_close(markup);
}

static void put_footer(struct markup *markup, const struct audit *audit)
{
    markup_open(markup, "footer", NULL);
    markup_printf(markup, "Made by %s. Nothing was changed on any host.", words_known(audit->program));
    for (guint i = 0; i < audit->captures->len; i++) {
        const struct audit_capture *capture = audit->captures->pdata[i];
        g_autofree char *started = words_moment(capture->started);
        markup_printf(markup, " Capture %u began %s%s.", i + 1, started,
                      capture->torn ? " and was cut off before its end" : "");
    }
    markup_close(markup);
}

gboolean report_write_html(struct file_output *output, const struct audit *audit, GError **error)
{
    g_autoptr(overview_auto) overview = overview_new(audit);
    struct markup markup;

    markup_begin(&markup, output);
    markup_open(&markup, "html", NULL);
    markup_attribute(&markup, "xmlns", "http://www.w3.org/1999/xhtml");
    markup_attribute(&markup, "lang", "en");
    put_head(&markup, audit);
    markup_open(&markup, "body", NULL);
    put_header(&markup, overview);
    put_nav(&markup, overview);
    markup_open(&markup, "main", NULL);
    html_missing(&markup, overview);
    put_dimensions(&markup, overview);
    put_others(&markup, overview);
    html_systems(&markup, overview);
    html_absent(&markup, overview);
    put_ending(&markup, overview);
    put_closed(&markup, overview);
    html_certificates(&markup, overview);
    html_hosts(&markup, overview);
    put_warnings(&markup, audit);
    put_definitions(&markup);
    markup_close(&markup);
    put_footer(&markup, audit);
    if (markup_end(&markup))
        return TRUE;
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "audit: libxml2 cannot write it as HTML");
    return FALSE;
}
