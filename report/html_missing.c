#include "html_missing.h"

#include "html_parts.h"
#include "words.h"

static void put_name(struct markup *markup, const struct audit_finding *finding)
{
    const char *subject = finding->cert && finding->cert->subject ? finding->cert->subject : finding->subject;
    g_autofree char *name = words_short_name(subject);

    markup_text(markup, name ? name : finding->title);
    if (!finding->cert && finding->subject_cut)
        markup_text(markup, "...");
}

/* Where the certificate is to be had, in two words. */
static char *holders_of(const struct audit_finding *finding)
{
    if (finding->donors->len > 0)
        return words_count(finding->donors->len, "store", "stores");
    for (guint i = 0; finding->cert && i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        if (gap->store && audit_store_holds(gap->store, finding->cert))
            return g_strdup("some instances");
    }
    if (finding->cert && finding->cert->references->len > 0)
        return g_strdup(finding->cert->bundle ? "public, from this system's bundle" : "references");
    if (finding->cert && finding->cert->from_trace)
        return g_strdup("only the peer");
    return g_strdup(finding->cert || finding->candidates->len > 0 ? "no trust list" : "nobody");
}

static void put_list(struct markup *markup, const struct overview *overview)
{
    const GPtrArray *findings = overview->missing;
    static const char *const heads[] = {"Certificate",
                                        "To be imported into",
                                        "Failing connections that this heals",
                                        "How sure",
                                        "Held by",
                                        "Severity",
                                        "State",
                                        NULL};
    struct table table;

    table_begin(&table, markup, heads, findings->len, HTML_ROWS_SHOWN, "more certificates");
    for (guint i = 0; i < findings->len; i++) {
        const struct audit_finding *finding = findings->pdata[i];
        g_autofree char *connections = words_number(overview_healed(overview, finding));
        g_autofree char *holders = holders_of(finding);
        g_autofree char *sure = g_strndup(words_why(finding), strcspn(words_why(finding), ":"));
        table_row(&table);
        table_cell(&table, NULL);
        markup_open(markup, "a", NULL);
        markup_attribute(markup, "href", "#missing-%u", i + 1);
        put_name(markup, finding);
        markup_close(markup);
        table_cell_end(&table);
        table_say(&table, "number", "%u", overview_open_gaps(finding));
        table_say(&table, "number", "%s", connections);
        table_say(&table, NULL, "%s", sure);
        table_say(&table, NULL, "%s", holders);
        table_cell(&table, NULL);
        html_badge_severity(markup, finding->severity);
        table_cell_end(&table);
        table_cell(&table, NULL);
        html_badge_state(markup, finding->state);
        table_cell_end(&table);
        table_row_end(&table);
    }
    table_end(&table);
}

static void put_gap_place(struct markup *markup, const struct audit_gap *gap)
{
    if (!gap->store) {
        g_autofree char *where = words_where(gap->instance);
        markup_printf(markup, "a PSE of %s", where);
        return;
    }
    markup_link(markup, "s", gap->store->id, gap->store->label);
    markup_open(markup, "span", "note");
    if (gap->store->role)
        markup_printf(markup, "%s, ", gap->store->role);
    markup_text(markup, words_instance_kind(gap->store->kind));
    markup_close(markup);
}

/* The hosts of a gap, each once in a row. */
static GPtrArray *gap_hosts(const struct audit_gap *gap)
{
    GPtrArray *hosts = g_ptr_array_new();

    if (!gap->store && gap->instance)
        g_ptr_array_add(hosts, gap->instance->host);
    for (guint i = 0; gap->store && i < gap->store->members->len; i++) {
        const struct audit_member *member = gap->store->members->pdata[i];
        if (hosts->len == 0 || hosts->pdata[hosts->len - 1] != member->instance->host)
            g_ptr_array_add(hosts, member->instance->host);
    }
    return hosts;
}

static void put_hosts(struct markup *markup, const GPtrArray *hosts)
{
    for (guint i = 0; i < MIN(hosts->len, HTML_NAMES_SHOWN); i++)
        markup_say(markup, "div", NULL, "%s", ((const struct audit_host *)hosts->pdata[i])->name);
    if (hosts->len > HTML_NAMES_SHOWN)
        markup_say(markup, "div", "note", "and %u more", hosts->len - HTML_NAMES_SHOWN);
}

static void put_gap(struct table *table, const struct audit_gap *gap)
{
    struct markup *markup = table->markup;
    g_autoptr(GPtrArray) hosts = gap_hosts(gap);
    g_autofree char *count = words_number(gap->count);
    g_autofree char *last = gap->basis == BASIS_REQUIRED ? g_strdup("") : words_moment(gap->last);

    table_row(table);
    table_cell(table, NULL);
    put_gap_place(markup, gap);
    table_cell_end(table);
    table_cell(table, NULL);
    html_badge_state(markup, gap->state);
    markup_say(markup, "span", "note", "%s",
               audit_state_is_closed(gap->state) && gap->note ? gap->note : words_basis(gap->basis));
    if (gap->note && !audit_state_is_closed(gap->state))
        markup_say(markup, "span", "note", "%s", gap->note);
    if (words_proof(gap->proof))
        markup_say(markup, "span", "note", "%s", words_proof(gap->proof));
    if (gap->covered_by && !audit_state_is_closed(gap->state))
        markup_say(markup, "span", "note", "healed by the import of finding %s", gap->covered_by);
    table_cell_end(table);
    table_say(table, "number", "%s", count);
    table_say(table, "time", "%s", last);
    table_cell(table, "path");
    put_hosts(markup, hosts);
    table_cell_end(table);
    table_cell(table, NULL);
    html_people(markup, hosts);
    table_cell_end(table);
    table_row_end(table);
}

static void put_gaps(struct markup *markup, const struct audit_finding *finding)
{
    static const char *const heads[] = {"Trust store", "State", "Failures", "Last seen", "Hosts", "Tier, owner", NULL};
    struct table table;

    if (finding->gaps->len == 0)
        return;
    markup_say(markup, "h4", NULL, "Where it is missing");
    table_begin(&table, markup, heads, finding->gaps->len, HTML_STORES_SHOWN, "more trust stores");
    for (guint i = 0; i < finding->gaps->len && !file_output_failed(markup->output); i++)
        put_gap(&table, finding->gaps->pdata[i]);
    table_end(&table);
}

/* OpenSSL's word on the path in full.  Most stores have the same one, so each is said once. */
static void put_paths(struct markup *markup, const struct audit_finding *finding)
{
    g_autoptr(GPtrArray) groups = overview_paths(finding);

    if (groups->len == 0)
        return;
    markup_say(markup, "h4", NULL, "What the import does");
    markup_open(markup, "dl", "facts");
    for (guint i = 0; i < groups->len; i++) {
        const GPtrArray *gaps = groups->pdata[i];
        markup_open(markup, "dt", NULL);
        if (gaps->len == finding->gaps->len)
            markup_text(markup, gaps->len > 1 ? "In all of them" : "In this store");
        else
            html_gap_names(markup, gaps);
        markup_close(markup);
        markup_say(markup, "dd", NULL, "%s", ((const struct audit_gap *)gaps->pdata[0])->path);
    }
    markup_close(markup);
}

static void put_certainty(struct markup *markup, const struct audit_finding *finding)
{
    markup_say(markup, "dt", NULL, "Why this one");
    markup_open(markup, "dd", NULL);
    if (finding->kind == FINDING_POLICY_MISSING)
        markup_printf(markup, "%s.", words_why(finding));
    else
        markup_printf(markup, "%s; %s.", words_why(finding), words_certainty(finding->certainty, finding->asked));
    if (finding->proof)
        markup_say(markup, "span", "note", "%s", finding->proof);
    markup_close(markup);
}

static void put_holders(struct markup *markup, const char *label, const GPtrArray *stores)
{
    if (stores->len == 0)
        return;
    markup_say(markup, "dt", NULL, "%s", label);
    markup_open(markup, "dd", NULL);
    html_stores(markup, stores);
    markup_close(markup);
}

static void put_facts(struct markup *markup, const struct audit_finding *finding)
{
    markup_open(markup, "dl", "facts");
    if (finding->cert)
        html_cert(markup, finding->cert);
    else
        html_fact(markup, "Subject", "name", "%s%s", words_known(finding->subject),
                  finding->subject_cut ? "... (cut off in the trace)" : "");
    put_certainty(markup, finding);
    put_holders(markup, "Held by", finding->donors);
    put_holders(markup, "Also not in", finding->lacking);
    markup_close(markup);
}

static void put_candidates(struct markup *markup, const struct audit_finding *finding)
{
    if (finding->candidates->len == 0)
        return;
    markup_say(markup, "h4", NULL, "It may be one of these");
    for (guint i = 0; i < finding->candidates->len; i++) {
        const struct audit_cert *cert = finding->candidates->pdata[i];
        markup_open(markup, "dl", "facts candidate");
        html_cert(markup, cert);
        markup_close(markup);
        html_pem(markup, cert);
    }
}

/* All failures of the finding's gaps, for one place with the evidence. */
static GPtrArray *failures_of(const struct audit_finding *finding)
{
    GPtrArray *failures = g_ptr_array_new();

    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        for (guint j = 0; j < gap->failures->len; j++)
            g_ptr_array_add(failures, gap->failures->pdata[j]);
    }
    return failures;
}

static void put_card_head(struct markup *markup, const struct audit_finding *finding)
{
    g_autofree char *since = words_day(finding->first_seen);

    markup_open(markup, "p", "marks");
    html_badge_severity(markup, finding->severity);
    html_badge_state(markup, finding->state);
    markup_say(markup, "span", "note", "first seen %s; %s %s", since, audit_finding_kind_name(finding->kind),
               finding->id);
    markup_close(markup);
    markup_say(markup, "h3", NULL, "%s", finding->title);
    if (finding->detail)
        markup_say(markup, "p", "lead", "%s", finding->detail);
    html_waivers(markup, finding);
}

static void put_card(struct markup *markup, const struct audit_finding *finding, unsigned number)
{
    g_autoptr(GPtrArray) failures = failures_of(finding);
    g_autofree char *class = g_strdup_printf("card %s", audit_severity_name(finding->severity));

    markup_open(markup, "article", class);
    html_finding_id(markup, finding);
    markup_open(markup, "header", NULL);
    markup_attribute(markup, "id", "missing-%u", number);
    put_card_head(markup, finding);
    markup_close(markup);
    put_facts(markup, finding);
    put_candidates(markup, finding);
    put_gaps(markup, finding);
    put_paths(markup, finding);
    html_remedy(markup, finding);
    if (finding->cert)
        html_pem(markup, finding->cert);
    html_evidence(markup, failures);
    markup_close(markup);
}

void html_missing(struct markup *markup, const struct overview *overview)
{
    const GPtrArray *findings = overview->missing;

    markup_open(markup, "section", NULL);
    markup_attribute(markup, "id", "missing");
    markup_say(markup, "h2", NULL, "Missing certificates");
    if (findings->len == 0)
        markup_say(markup, "p", NULL, "None was found.");
    if (findings->len > 1)
        put_list(markup, overview);
    for (guint i = 0; i < findings->len && !file_output_failed(markup->output); i++)
        put_card(markup, findings->pdata[i], i + 1);
    markup_close(markup);
}
