/* The audit as plain text: the chapters of the HTML in the same order, lines that grep finds, no colours. */
#include "moment.h"
#include "overview.h"
#include "paper.h"
#include "report.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

#define INDENT "                " /* the column of paper_field() */

static void put_chapter(struct file_output *output, const char *title)
{
    file_output_printf(output, "\n%s\n", title);
    for (size_t i = strlen(title); i > 0; i--)
        file_output_puts(output, "=");
    file_output_puts(output, "\n");
}

static void put_states(struct file_output *output, const struct overview *overview)
{
    const unsigned *states = overview->states;

    if (overview->audit->previous == MOMENT_NONE)
        file_output_puts(output, "Since the last audit: none to compare with.\n");
    else
        file_output_printf(output, "Since the last audit: %u new, %u returned, %u still open, %u fixed, %u waived.\n",
                           states[STATE_NEW], states[STATE_RETURNED], states[STATE_OPEN], states[STATE_FIXED],
                           states[STATE_WAIVED]);
}

static void put_head(struct file_output *output, const struct overview *overview)
{
    const struct audit *audit = overview->audit;
    g_autofree char *evaluated = words_moment(audit->evaluated);
    g_autofree char *previous = words_moment(audit->previous);
    g_autofree char *headline = overview_headline(overview);
    g_autofree char *hosts = words_number(audit->hosts->len - overview->left_out);
    g_autoptr(GPtrArray) remarks = overview_remarks(overview);

    file_output_printf(output, "TLS trust audit of %s\n\n", evaluated);
    paper_wrap(output, "", "", headline);
    for (guint i = 0; i < remarks->len; i++)
        paper_wrap(output, "- ", "  ", remarks->pdata[i]);
    file_output_printf(output, "\nHosts: %s asked, %u collected, %u in part, %u not.\n", hosts, overview->collected,
                       overview->partial, overview->failed);
    file_output_printf(output, "Read: %u of %u trust lists, %u of %u traces.\n", overview->seen.lists_read,
                       overview->seen.lists, overview->seen.traces_read, overview->seen.traces);
    put_states(output, overview);
    if (audit->previous != MOMENT_NONE)
        file_output_printf(output, "Compared with the audit of %s.\n", previous);
    file_output_printf(output, "Made by %s.\n", words_known(audit->program));
}

static void put_cert(struct file_output *output, const struct audit_cert *cert)
{
    g_autofree char *from = words_day(cert->not_before), *until = words_day(cert->not_after);

    paper_line(output, "subject", "%s", words_known(cert->subject));
    if (!cert->self_signed)
        paper_line(output, "issuer", "%s", words_known(cert->issuer));
    paper_line(output, "serial", "%s", words_known(cert->serial));
    paper_line(output, "valid", "%s to %s", from, until);
    paper_line(output, "key", "%s, %s", words_known(cert->key), words_known(cert->signature_algorithm));
    paper_fingerprint(output, "SHA-256", "", cert->sha256);
    paper_fingerprint(output, "SHA-1", "", cert->sha1);
    paper_fingerprint(output, "MD5", "", cert->md5);
    for (guint i = 0; i < cert->references->len; i++) {
        g_autofree char *text = words_reference(cert, i);
        paper_line(output, i == 0 ? "reference" : "", "%s", text);
    }
    if (cert->from_trace)
        paper_field(output, "source", "%s", words_source(cert));
}

static void put_gap(struct file_output *output, const struct audit_gap *gap)
{
    g_autofree char *where = words_where(gap->instance);
    g_autofree char *count = words_count(gap->count, "failure", "failures");
    g_autofree char *last = words_moment(gap->last);
    const char *place = gap->store ? gap->store->label : where;

    if (gap->basis == BASIS_REQUIRED)
        paper_line(output, "mend", "%s: %s", place, audit_state_name(gap->state));
    else
        paper_line(output, "mend", "%s: %s, %s, last %s", place, audit_state_name(gap->state), count, last);
    if (!audit_state_is_closed(gap->state))
        paper_field(output, "", "%s", words_basis(gap->basis));
    if (gap->note)
        paper_field(output, "", "%s", gap->note);
    if (gap->covered_by && !audit_state_is_closed(gap->state))
        paper_field(output, "", "healed by the import of finding %s", gap->covered_by);
}

static char *import_of(const struct overview *overview, const struct audit_finding *finding)
{
    unsigned stores = overview_open_gaps(finding);
    uint64_t connections = overview_healed(overview, finding);
    g_autofree char *healed = words_count(connections, "failing connection", "failing connections");
    g_autofree char *into = stores > 0 ? words_count(stores, "trust store", "trust stores")
                                       : g_strdup("a PSE that the trace does not name");

    if (stores == 0 && connections == 0)
        return g_strdup("nothing of its own: other imports heal it, or the policy forbids it");
    return g_strdup_printf("%sinto %s, heals %s",
                           finding->cert                  ? ""
                           : finding->candidates->len > 0 ? "not certain which; "
                                                          : "not at hand; ",
                           into, healed);
}

static void put_imports(struct file_output *output, const struct overview *overview)
{
    if (overview->missing->len < 2)
        return;
    put_chapter(output, "What to import, what heals most first");
    file_output_puts(output, "\n");
    for (guint i = 0; i < overview->missing->len && !file_output_failed(output); i++) {
        const struct audit_finding *finding = overview->missing->pdata[i];
        const char *subject = finding->cert && finding->cert->subject ? finding->cert->subject : finding->subject;
        g_autofree char *name = words_short_name(subject);
        g_autofree char *import = import_of(overview, finding);
        g_autofree char *line = g_strdup_printf("%s: %s (%s)", name ? name : finding->title, import, finding->id);
        paper_wrap(output, "- ", "  ", line);
    }
}

static void put_parts(struct file_output *output, const char *title, const char *nothing, const GPtrArray *parts)
{
    if (parts->len == 0)
        return;
    file_output_printf(output, "\n%-24s %8s %10s %8s %12s\n", title, "hosts", "collected", "lacking", "failing");
    for (guint i = 0; i < parts->len; i++) {
        const struct overview_part *part = parts->pdata[i];
        g_autofree char *stores = words_number(part->stores), *connections = words_number(part->connections);
        file_output_printf(output, "%-24s %8u %10u %8s %12s\n", part->name ? part->name : nothing, part->hosts,
                           part->collected, stores, connections);
    }
}

static void put_dimensions(struct file_output *output, const struct overview *overview)
{
    if (overview->tiers->len + overview->groups->len > 0)
        put_chapter(output, "By tier and group");
    put_parts(output, "Tier", "(none)", overview->tiers);
    put_parts(output, "Group", "(none)", overview->groups);
}

static void put_stores(struct file_output *output, const char *label, const GPtrArray *stores)
{
    for (guint i = 0; i < stores->len; i++)
        paper_line(output, i == 0 ? label : "", "%s", ((const struct audit_store *)stores->pdata[i])->label);
}

static void put_evidence_of(struct file_output *output, const GPtrArray *failures)
{
    for (guint i = 0; i < failures->len; i++) {
        const struct audit_failure *failure = failures->pdata[i];
        for (guint j = 0; j < failure->evidence->len; j++)
            paper_quote(output, "    ", failure->evidence->pdata[j]);
    }
}

static void put_places(struct file_output *output, const char *label, const GPtrArray *gaps)
{
    for (guint i = 0; i < gaps->len; i++) {
        const struct audit_gap *gap = gaps->pdata[i];
        g_autofree char *where = words_where(gap->instance);
        paper_line(output, i == 0 ? label : "and in", "%s", gap->store ? gap->store->label : where);
    }
}

/* Most stores have the same one, so each is said once. */
static void put_paths(struct file_output *output, const struct audit_finding *finding)
{
    g_autoptr(GPtrArray) groups = overview_paths(finding);

    for (guint i = 0; i < groups->len; i++) {
        const GPtrArray *gaps = groups->pdata[i];
        if (gaps->len == finding->gaps->len)
            paper_line(output, "path", "%s", gaps->len > 1 ? "in all of them" : "");
        else
            put_places(output, "path in", gaps);
        paper_field(output, "", "%s", ((const struct audit_gap *)gaps->pdata[0])->path);
    }
}

static void put_remedy(struct file_output *output, const struct audit_finding *finding)
{
    g_autoptr(GPtrArray) groups = overview_steps(finding);

    for (guint i = 0; i < groups->len; i++) {
        const GPtrArray *gaps = groups->pdata[i];
        put_places(output, "do in", gaps);
        paper_steps(output, INDENT, ((const struct audit_gap *)gaps->pdata[0])->steps);
    }
    if (finding->steps->len > 0) {
        paper_line(output, "do", "%s", "");
        paper_steps(output, INDENT, finding->steps);
    }
}

static void put_waivers(struct file_output *output, const struct audit_finding *finding)
{
    for (guint i = 0; i < finding->waivers->len; i++) {
        g_autofree char *text = words_waiver(finding->waivers->pdata[i]);
        paper_field(output, i == 0 ? "waiver" : "", "%s", text);
    }
}

static void put_title(struct file_output *output, const struct audit_finding *finding)
{
    file_output_printf(output, "\n[%s, %s] %s\n", audit_severity_name(finding->severity),
                       audit_state_name(finding->state), finding->title);
    paper_line(output, "id", "%s", finding->id);
    if (finding->detail)
        paper_field(output, "", "%s", finding->detail);
    put_waivers(output, finding);
}

static void put_identity(struct file_output *output, const struct audit_finding *finding)
{
    if (finding->cert)
        put_cert(output, finding->cert);
    else if (finding->subject)
        paper_line(output, "subject", "%s%s", finding->subject,
                   finding->subject_cut ? "... (cut off in the trace)" : "");
    for (guint i = 0; i < finding->candidates->len; i++) {
        paper_line(output, "candidate", "%u of %u", i + 1, finding->candidates->len);
        put_cert(output, finding->candidates->pdata[i]);
    }
    paper_field(output, "why this one", "%s", words_why(finding));
    if (finding->kind != FINDING_POLICY_MISSING)
        paper_field(output, "", "%s", words_certainty(finding->certainty, finding->asked));
    if (finding->proof)
        paper_field(output, "", "%s", finding->proof);
}

static void put_missing(struct file_output *output, const struct audit_finding *finding)
{
    put_title(output, finding);
    put_identity(output, finding);
    for (guint i = 0; i < finding->gaps->len; i++)
        put_gap(output, finding->gaps->pdata[i]);
    put_paths(output, finding);
    put_stores(output, "held by", finding->donors);
    put_stores(output, "also lacks", finding->lacking);
    put_remedy(output, finding);
    for (guint i = 0; i < finding->gaps->len; i++)
        put_evidence_of(output, ((const struct audit_gap *)finding->gaps->pdata[i])->failures);
    if (finding->cert && finding->cert->der) {
        g_autofree char *pem = words_pem(finding->cert->der);
        file_output_puts(output, pem);
    }
}

static void put_other(struct file_output *output, const struct audit_finding *finding)
{
    put_title(output, finding);
    if (finding->host)
        paper_line(output, "host", "%s", finding->host->name);
    if (finding->cert)
        put_cert(output, finding->cert);
    put_stores(output, "PSE", finding->stores);
    for (guint i = 0; i < finding->failures->len; i++) {
        const struct audit_failure *failure = finding->failures->pdata[i];
        g_autofree char *count = words_count(failure->count, "time", "times");
        g_autofree char *where = words_where(failure->instance);
        g_autofree char *peers = words_peers(failure);
        paper_line(output, "failure", "%s, %s, %s %s", where, count, failure->role == ROLE_SERVER ? "from" : "to",
                   words_other_side(failure));
        if (failure->peers->len > 1)
            paper_field(output, "", "%s", peers);
        paper_field(output, "", "%s", words_cause(failure->cause));
        if (failure->advice)
            paper_field(output, "", "%s", failure->advice);
    }
    put_remedy(output, finding);
    put_evidence_of(output, finding->failures);
}

static void put_raws(struct file_output *output, const struct audit_list *list)
{
    file_output_printf(output, "    %u entries could not be read\n", list->refused);
    for (guint i = 0; i < list->raws->len; i++) {
        const struct audit_raw *raw = list->raws->pdata[i];
        file_output_printf(output, "      %" PRId64 " bytes at byte %" PRId64 ", SHA-256 %s\n", raw->size_bytes,
                           raw->offset, words_known(raw->sha256));
    }
}

static void put_store(struct file_output *output, const struct audit_store *store)
{
    file_output_printf(output, "\n%s%s%s%s, %s\n", store->label, store->role ? " (" : "",
                       store->role ? store->role : "", store->role ? ")" : "", words_instance_kind(store->kind));
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        g_autofree char *where = words_where(member->instance);
        g_autofree char *certs = member->list ? words_count(member->list->certs->len, "certificate", "certificates")
                                              : g_strdup("contents not known");
        g_autofree char *end = words_day(member->own ? member->own->not_after : MOMENT_NONE);
        file_output_printf(output, "  %s: %s, %s%s%s\n", where, certs, words_reading(member->reading),
                           member->own ? ", own certificate ends " : "", member->own ? end : "");
        if (member->list && member->list->refused)
            put_raws(output, member->list);
        if (member->reason)
            paper_wrap(output, "    ", "    ", member->reason);
    }
}

static void put_host(struct file_output *output, const struct overview *overview, struct audit_host *host)
{
    const struct audit_finding *finding = g_hash_table_lookup(overview->host_findings, host);

    file_output_printf(output, "\n%s: %s, %s\n", host->name, host->status == HOST_FAILED ? "not collected" : "in part",
                       words_known(host->reason));
    if (host->message)
        paper_wrap(output, "  ", "  ", host->message);
    for (guint i = 0; i < host->notes->len; i++)
        paper_wrap(output, "  ", "  ", host->notes->pdata[i]);
    if (host->tier || host->owner)
        paper_line(output, "tier, owner", "%s, %s", words_known(host->tier), words_known(host->owner));
    if (finding) {
        paper_line(output, "finding", "%s, %s", finding->id, audit_state_name(finding->state));
        paper_steps(output, INDENT, finding->steps);
    }
}

static void put_ending(struct file_output *output, const struct audit_finding *finding)
{
    g_autofree char *until = words_day(finding->cert->not_after);

    file_output_printf(output, "\n%s  [%s, %s] %s\n", until, audit_severity_name(finding->severity),
                       audit_state_name(finding->state), finding->title);
    paper_line(output, "id", "%s", finding->id);
    paper_line(output, "subject", "%s", words_known(finding->cert->subject));
    put_waivers(output, finding);
    put_stores(output, "PSE", finding->stores);
    put_remedy(output, finding);
}

static void put_closed(struct file_output *output, const struct audit_finding *finding)
{
    file_output_printf(output, "%-8s %s  %s\n", audit_state_name(finding->state), finding->id, finding->title);
    put_waivers(output, finding);
}

static void put_findings(struct file_output *output, const char *title, const GPtrArray *findings,
                         void (*put)(struct file_output *, const struct audit_finding *))
{
    if (findings->len == 0)
        return;
    put_chapter(output, title);
    for (guint i = 0; i < findings->len && !file_output_failed(output); i++)
        put(output, findings->pdata[i]);
}

static void put_landscape(struct file_output *output, const struct overview *overview)
{
    const struct audit *audit = overview->audit;

    if (audit->stores->len > 0)
        put_chapter(output, "Systems and their trust stores");
    for (guint i = 0; i < audit->stores->len && !file_output_failed(output); i++)
        put_store(output, audit->stores->pdata[i]);
    if (overview->absent->len > 0)
        put_chapter(output, "Hosts that were not collected");
    for (guint i = 0; i < overview->absent->len; i++)
        put_host(output, overview, overview->absent->pdata[i]);
}

gboolean report_write_text(struct file_output *output, const struct audit *audit, GError **error)
{
    g_autoptr(overview_auto) overview = overview_new(audit);

    (void)error;
    put_head(output, overview);
    put_imports(output, overview);
    put_findings(output, "Missing certificates", overview->missing, put_missing);
    put_dimensions(output, overview);
    put_findings(output, "Other findings", overview->others, put_other);
    put_landscape(output, overview);
    put_findings(output, "Certificates near their end", overview->ending, put_ending);
    put_findings(output, "Fixed and waived", overview->closed, put_closed);
    if (audit->warnings->len > 0)
        put_chapter(output, "Trouble with the input");
    for (guint i = 0; i < audit->warnings->len; i++)
        paper_wrap(output, "- ", "  ", audit->warnings->pdata[i]);
    return TRUE;
}
