#include "html_parts.h"

#include "overview.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

void html_badge_severity(struct markup *markup, enum audit_severity severity)
{
    g_autofree char *class = g_strdup_printf("badge %s", audit_severity_name(severity));
    markup_say(markup, "span", class, "%s", audit_severity_name(severity));
}

void html_badge_state(struct markup *markup, enum audit_state state)
{
    g_autofree char *class = g_strdup_printf("badge %s", audit_state_name(state));
    markup_say(markup, "span", class, "%s", audit_state_name(state));
}

void html_finding_id(struct markup *markup, const struct audit_finding *finding)
{
    /* An id is hex digits; a document from elsewhere may have anything there. */
    g_autofree char *id = g_strcanon(g_strdup(finding->id), "0123456789abcdef", '-');
    markup_attribute(markup, "id", "finding-%s", id);
}

void html_fact(struct markup *markup, const char *label, const char *class, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    markup_say(markup, "dt", NULL, "%s", label);
    markup_say(markup, "dd", class, "%s", text);
}

static void put_fingerprint(struct markup *markup, const char *label, const char *hex)
{
    if (!hex)
        return;
    g_autofree char *text = words_fingerprint(hex);
    html_fact(markup, label, "hex", "%s", text);
}

void html_cert(struct markup *markup, const struct audit_cert *cert)
{
    g_autofree char *from = words_day(cert->not_before), *until = words_day(cert->not_after);

    html_fact(markup, "Subject", "name", "%s", words_known(cert->subject));
    html_fact(markup, "Issuer", NULL, "%s", cert->self_signed ? "itself (self-signed)" : words_known(cert->issuer));
    html_fact(markup, "Valid", NULL, "%s to %s", from, until);
    html_fact(markup, "Serial", "hex", "%s", words_known(cert->serial));
    put_fingerprint(markup, "SHA-256", cert->sha256);
    put_fingerprint(markup, "SHA-1", cert->sha1);
    put_fingerprint(markup, "MD5", cert->md5);
    html_fact(markup, "Key", NULL, "%s, %s", words_known(cert->key), words_known(cert->signature_algorithm));
    for (guint i = 0; i < cert->references->len; i++) {
        g_autofree char *text = words_reference(cert, i);
        html_fact(markup, i == 0 ? "Reference" : "", "path", "%s", text);
    }
    if (cert->from_trace)
        html_fact(markup, "Source", NULL, "%s", words_source(cert));
}

void html_waivers(struct markup *markup, const struct audit_finding *finding)
{
    for (guint i = 0; i < finding->waivers->len; i++) {
        g_autofree char *text = words_waiver(finding->waivers->pdata[i]);
        markup_say(markup, "div", "note", "%s", text);
    }
}

void html_pem(struct markup *markup, const struct audit_cert *cert)
{
    if (!cert->der)
        return;
    g_autofree char *pem = words_pem(cert->der);
    g_autofree char *name = words_short_name(cert->subject);
    markup_open(markup, "details", NULL);
    markup_say(markup, "summary", NULL, "PEM of %s, to copy", name ? name : "this certificate");
    markup_say(markup, "pre", "pem", "%s", pem);
    markup_close(markup);
}

static void put_store_links(struct markup *markup, const GPtrArray *stores, guint from, guint to)
{
    for (guint i = from; i < to; i++) {
        const struct audit_store *store = stores->pdata[i];
        if (i > from)
            markup_text(markup, ", ");
        markup_link(markup, "s", store->id, store->label);
    }
}

void html_stores(struct markup *markup, const GPtrArray *stores)
{
    put_store_links(markup, stores, 0, MIN(stores->len, HTML_STORES_SHOWN));
    if (stores->len <= HTML_STORES_SHOWN)
        return;
    markup_open(markup, "details", "rest");
    markup_say(markup, "summary", NULL, "%u more", stores->len - HTML_STORES_SHOWN);
    put_store_links(markup, stores, HTML_STORES_SHOWN, stores->len);
    markup_close(markup);
}

void html_steps(struct markup *markup, const GPtrArray *steps)
{
    gboolean open = FALSE;

    if (steps->len == 0)
        return;
    markup_open(markup, "ol", "steps");
    for (guint i = 0; i < steps->len; i++) {
        const char *step = steps->pdata[i], *command = words_command(step);
        if (open && !command)
            markup_close(markup);
        if (!open || !command)
            markup_open(markup, "li", NULL);
        if (command)
            markup_say(markup, "pre", "command", "%s", command);
        else
            markup_text(markup, step);
        open = TRUE;
    }
    markup_close(markup);
    markup_close(markup);
}

static void put_gap_names(struct markup *markup, const GPtrArray *gaps, guint from, guint to)
{
    for (guint i = from; i < to; i++) {
        const struct audit_gap *gap = gaps->pdata[i];
        g_autofree char *where = words_where(gap->instance);
        markup_printf(markup, "%s%s", i > from ? ", " : "", gap->store ? gap->store->label : where);
    }
}

void html_gap_names(struct markup *markup, const GPtrArray *gaps)
{
    guint named = MIN(gaps->len, HTML_NAMES_SHOWN);

    put_gap_names(markup, gaps, 0, named);
    if (gaps->len > named)
        markup_printf(markup, " and %u more", gaps->len - named);
}

/* The first group is open; to mend one store one needs only its own. */
static void put_group(struct markup *markup, const GPtrArray *gaps, gboolean open)
{
    const struct audit_gap *first = gaps->pdata[0];
    guint all = gaps->len, named = MIN(all, HTML_NAMES_SHOWN);

    markup_open(markup, "details", "place");
    if (open)
        markup_attribute(markup, "open", "open");
    markup_open(markup, "summary", NULL);
    markup_text(markup, "In ");
    html_gap_names(markup, gaps);
    markup_close(markup);
    if (all > named) {
        markup_open(markup, "p", "note");
        markup_text(markup, "Also in ");
        put_gap_names(markup, gaps, named, all);
        markup_close(markup);
    }
    html_steps(markup, first->steps);
    markup_close(markup);
}

void html_remedy(struct markup *markup, const struct audit_finding *finding)
{
    g_autoptr(GPtrArray) groups = overview_steps(finding);

    if (groups->len == 0 && finding->steps->len == 0)
        return;
    markup_say(markup, "h4", NULL, "What to do");
    html_steps(markup, finding->steps);
    for (guint i = 0; i < groups->len; i++) {
        if (i == HTML_STEPS_SHOWN) {
            markup_open(markup, "details", "rest");
            g_autofree char *places = words_count(groups->len - i, "more place", "more places");
            markup_say(markup, "summary", NULL, "In %s", places);
        }
        put_group(markup, groups->pdata[i], i == 0);
    }
    if (groups->len > HTML_STEPS_SHOWN)
        markup_close(markup);
}

static void put_link(struct markup *markup, const char *name, gboolean cut)
{
    markup_say(markup, "span", "name", "%s", words_known(name));
    if (cut)
        markup_say(markup, "span", "note", " (cut off in the trace)");
}

/* What the trace prints about a certificate besides its names. */
static void put_details(struct markup *markup, const struct audit_link *link)
{
    const struct {
        const char *label, *value;
    } details[] = {
        {"serial number", link->serial},
        {"valid from", link->not_before},
        {"valid to", link->not_after},
        {"key", link->key},
        {"signed with", link->signature_algorithm},
        {"SHA-256", link->sha256},
        {"SHA-1", link->sha1},
        {"MD5", link->md5},
        {"MD5 of the key", link->key_md5},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(details); i++)
        if (details[i].value)
            markup_say(markup, "span", "note", " %s %s;", details[i].label, details[i].value);
}

static void put_chain(struct markup *markup, const GPtrArray *chain)
{
    if (chain->len == 0)
        return;
    const struct audit_link *last = chain->pdata[chain->len - 1];
    markup_say(markup, "p", "label", "The peer showed");
    markup_open(markup, "ol", "chain");
    for (guint i = 0; i < chain->len; i++) {
        const struct audit_link *link = chain->pdata[i];
        markup_open(markup, "li", NULL);
        put_link(markup, link->subject, link->subject_cut);
        put_details(markup, link);
        markup_close(markup);
    }
    markup_close(markup);
    markup_open(markup, "p", "label");
    markup_text(markup, "issued by ");
    put_link(markup, last->issuer, last->issuer_cut);
    markup_close(markup);
}

static void put_quote(struct markup *markup, const struct audit_evidence *evidence)
{
    markup_open(markup, "p", "source");
    if (evidence->host)
        markup_printf(markup, "%s:", evidence->host->name);
    markup_printf(markup, "%s, line %u, byte %" PRId64, evidence->path, evidence->line, evidence->offset);
    markup_close(markup);
    markup_open(markup, "pre", "quote");
    for (guint i = 0; i < evidence->lines->len; i++)
        markup_printf(markup, "%s\n", (const char *)evidence->lines->pdata[i]);
    markup_close(markup);
}

static void put_failure_head(struct markup *markup, const struct audit_failure *failure)
{
    g_autofree char *where = words_where(failure->instance);

    markup_open(markup, "h5", NULL);
    markup_printf(markup, "%s%s", where, *where ? " and " : "");
    markup_text(markup, words_other_side(failure));
    if (failure->target && failure->peer && failure->role != ROLE_SERVER && failure->peers->len <= 1)
        markup_printf(markup, " (%s)", failure->peer);
    markup_close(markup);
}

static void put_failure(struct markup *markup, const struct audit_failure *failure)
{
    g_autofree char *count = words_count(failure->count, "failed connection", "failed connections");
    g_autofree char *first = words_moment(failure->first), *last = words_moment(failure->last);
    g_autofree char *peers = words_peers(failure);

    markup_open(markup, "div", "failure");
    put_failure_head(markup, failure);
    markup_open(markup, "p", NULL);
    markup_printf(markup, "%s: %s", count, words_cause(failure->cause));
    if (failure->error)
        markup_printf(markup, ", %s", failure->error);
    if (failure->code)
        markup_printf(markup, " (%d)", failure->code);
    if (failure->role != ROLE_UNKNOWN)
        markup_printf(markup, "; our side is the TLS %s", audit_role_name(failure->role));
    markup_printf(markup, ". First %s, last %s.", first, last);
    markup_close(markup);
    if (failure->peers->len > 1)
        markup_say(markup, "p", NULL, "%s.", peers);
    if (failure->store_path) {
        markup_open(markup, "p", NULL);
        markup_text(markup, "PSE ");
        markup_say(markup, "span", "path", "%s", failure->store_path);
        markup_close(markup);
    }
    if (failure->advice)
        markup_say(markup, "p", NULL, "%s", failure->advice);
    put_chain(markup, failure->chain);
    for (guint i = 0; i < failure->evidence->len; i++)
        put_quote(markup, failure->evidence->pdata[i]);
    markup_close(markup);
}

void html_evidence(struct markup *markup, const GPtrArray *failures)
{
    uint64_t total = 0;

    if (failures->len == 0)
        return;
    for (guint i = 0; i < failures->len; i++)
        total += ((const struct audit_failure *)failures->pdata[i])->count;
    g_autofree char *connections = words_count(total, "failed connection", "failed connections");
    markup_open(markup, "details", "evidence");
    markup_say(markup, "summary", NULL, "Evidence: %s, as the traces tell %s", connections, total == 1 ? "it" : "them");
    for (guint i = 0; i < failures->len && !file_output_failed(markup->output); i++)
        put_failure(markup, failures->pdata[i]);
    markup_close(markup);
}

/* Appends a name unless it is there, up to as many as are shown; FALSE if it is one too many. */
static gboolean add_name(GPtrArray *names, const char *name)
{
    for (guint i = 0; i < names->len; i++)
        if (strcmp(names->pdata[i], name) == 0)
            return TRUE;
    if (names->len == HTML_NAMES_SHOWN)
        return FALSE;
    g_ptr_array_add(names, (char *)name);
    return TRUE;
}

void html_people(struct markup *markup, const GPtrArray *hosts)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    gboolean all = TRUE;

    for (guint i = 0; i < hosts->len && all; i++) {
        const struct audit_host *host = hosts->pdata[i];
        if (host->tier)
            all = add_name(names, host->tier);
        if (host->owner && all)
            all = add_name(names, host->owner);
    }
    for (guint i = 0; i < names->len; i++)
        markup_printf(markup, "%s%s", i > 0 ? ", " : "", (const char *)names->pdata[i]);
    if (!all)
        markup_text(markup, ", ...");
}
