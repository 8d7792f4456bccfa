/* The answer of "trustgap explain": the same failures for a person and for a program. */
#include "error.h"
#include "known.h"
#include "paper.h"
#include "report.h"
#include "words.h"

#include <jansson.h>

/* What the trace prints about one certificate. */
static void put_facts(struct file_output *output, const struct audit_link *link)
{
    if (link->serial)
        paper_line(output, "", "   serial number %s", link->serial);
    if (link->not_before || link->not_after)
        paper_line(output, "", "   valid from %s to %s (time of the host)", words_known(link->not_before),
                   words_known(link->not_after));
    if (link->key)
        paper_line(output, "", "   key %s", link->key);
    if (link->signature_algorithm)
        paper_line(output, "", "   signed with %s", link->signature_algorithm);
    paper_fingerprint(output, "", "   SHA-256 ", link->sha256);
    paper_fingerprint(output, "", "   SHA-1 ", link->sha1);
    paper_fingerprint(output, "", "   MD5 ", link->md5);
    paper_fingerprint(output, "", "   MD5 of the key ", link->key_md5);
}

/* The topmost printed certificate: the missing one itself if that is self-signed, or if its issuer is not printed. */
static const struct audit_link *topmost(const struct audit_failure *failure)
{
    return failure->missing && failure->chain->len > 0 ? failure->chain->pdata[failure->chain->len - 1] : NULL;
}

static gboolean is_missing_itself(const struct audit_failure *failure, const struct audit_link *link)
{
    return failure->certainty == CERTAINTY_SELF_SIGNED ||
           (failure->certainty == CERTAINTY_ISSUER && !link->issuer && g_strcmp0(link->subject, failure->missing) == 0);
}

static gboolean is_signed_by_missing(const struct audit_failure *failure, const struct audit_link *link)
{
    return failure->certainty == CERTAINTY_ISSUER && link->issuer && !is_missing_itself(failure, link);
}

static void put_missing(struct file_output *output, const struct audit_failure *failure)
{
    if (failure->cause != CAUSE_UNTRUSTED_PEER)
        return;
    paper_line(output, "missing", "%s%s", words_known(failure->missing),
               failure->missing_cut ? "... (cut off in the trace)" : "");
    gboolean torn = failure->torn && failure->certainty == CERTAINTY_UNKNOWN;
    paper_field(output, "", "(%s)",
                torn ? "the trace shows only part of this error block"
                     : words_certainty(failure->certainty, failure->asked));
    const struct audit_link *top = topmost(failure);
    if (top && is_missing_itself(failure, top))
        put_facts(output, top);
    else if (top && is_signed_by_missing(failure, top))
        paper_field(output, "",
                    "(the trace prints only the name of this certificate; the one that it has signed is "
                    "number %u of the chain below)",
                    failure->chain->len);
}

static void put_chain(struct file_output *output, const struct audit_failure *failure)
{
    const GPtrArray *chain = failure->chain;

    for (guint i = 0; i < chain->len; i++) {
        const struct audit_link *link = chain->pdata[i];
        paper_line(output, i == 0 ? "peer's chain" : "", "%u. %s%s", i + 1, words_known(link->subject),
                   link->subject_cut ? "... (cut off in the trace)" : "");
        if (i + 1 < chain->len || !failure->missing || !is_missing_itself(failure, link))
            put_facts(output, link);
        if (i + 1 == chain->len && (link->issuer || failure->cause == CAUSE_UNTRUSTED_PEER))
            paper_line(output, "", "   issued by %s%s", words_known(link->issuer),
                       link->issuer_cut ? "... (cut off in the trace)" : "");
    }
}

static void put_time(struct file_output *output, const struct audit_failure *failure)
{
    g_autofree char *count = words_count(failure->count, "time", "times");

    if (!failure->first_local)
        paper_field(output, "seen", "%s; the trace shows no time", count);
    else if (g_strcmp0(failure->first_local, failure->last_local) == 0)
        paper_field(output, "seen", "%s, at %s", count, failure->first_local);
    else
        paper_field(output, "seen", "%s, first %s, last %s", count, failure->first_local,
                    words_known(failure->last_local));
}

static void put_peer(struct file_output *output, const struct audit_failure *failure)
{
    g_autofree char *peers = words_peers(failure);
    gboolean several = failure->peers->len > 1;

    if (failure->role == ROLE_SERVER && peers) {
        paper_field(output, "connection", "from %s", peers);
        if (failure->target)
            paper_line(output, "", "to %s", failure->target);
    } else if (failure->target && several) {
        paper_line(output, "connection", "to %s", failure->target);
        paper_field(output, "", "with %s", peers);
    } else if (failure->target && peers) {
        paper_line(output, "connection", "to %s (%s)", failure->target, peers);
    } else if (failure->target || peers) {
        if (several)
            paper_field(output, "connection", "with %s", peers);
        else
            paper_line(output, "connection", "with %s", failure->target ? failure->target : peers);
    }
    if (failure->role != ROLE_UNKNOWN && !failure->snc)
        paper_field(output, "our role", "TLS %s", audit_role_name(failure->role));
}

static void put_read(struct file_output *output, const struct audit_failure *failure)
{
    g_autofree char *lines = words_count(failure->lines_seen, "line", "lines");

    if (failure->lines_seen == 0)
        return;
    if (failure->lines_known == failure->lines_seen)
        paper_field(output, "read", "all %s of the block understood", lines);
    else
        paper_field(output, "read", "%u of %s of the block understood", failure->lines_known, lines);
}

static void put_advice(struct file_output *output, const struct audit_failure *failure)
{
    if (failure->advice)
        paper_field(output, "what to do", "%s", failure->advice);
}

static void put_failure(struct file_output *output, const struct audit_failure *failure, unsigned number)
{
    g_autofree char *cause =
        g_strdup_printf("%s%s%s", failure->snc ? "an error of SNC, which is not TLS" : words_cause(failure->cause),
                        failure->error ? ": " : "", failure->error ? failure->error : "");
    g_autofree char *code = failure->code ? g_strdup_printf("%s (%d)", cause, failure->code) : g_strdup(cause);
    g_autofree char *first = g_strdup_printf("%u. ", number);

    *code = g_ascii_toupper(*code);
    file_output_puts(output, "\n");
    paper_wrap(output, first, "   ", code);
    put_missing(output, failure);
    if (failure->store_path || failure->cause == CAUSE_UNTRUSTED_PEER)
        paper_line(output, "in PSE", "%s", words_known(failure->store_path));
    known_put(output, failure);
    put_advice(output, failure);
    put_peer(output, failure);
    put_time(output, failure);
    put_read(output, failure);
    put_chain(output, failure);
    for (guint i = 0; i < failure->evidence->len; i++) {
        file_output_puts(output, "  evidence\n");
        paper_quote(output, "    ", failure->evidence->pdata[i]);
    }
}

static void put_nothing(struct file_output *output)
{
    paper_wrap(output, "", "", "No failed TLS connection was found.");
    paper_wrap(output, "", "",
               "Looked for: error stacks of SAP's TLS library in both of its forms, session starts that failed "
               "(SapSSLSessionStart), errors of the ICM (IcmConnInitClientSSL, IcmConnInitServerSSL), refusals of a "
               "proxy, and reverse proxies that are not trusted.");
    paper_wrap(output, "", "",
               "If a connection fails and its trace does not say why: raise the ICM trace level to 2 (SMICM: Goto, "
               "Trace Level, Set), repeat the connection, explain the new trace, and set the level back to 1.");
}

/* An audit that was made by nobody's "explain" has no inputs. */
static gboolean is_any_understood(const struct audit *audit)
{
    for (guint i = 0; i < audit->inputs->len; i++)
        if (((const struct audit_input *)audit->inputs->pdata[i])->understood)
            return TRUE;
    return audit->inputs->len == 0;
}

/* Those that were not understood, which is no all-clear. */
static void put_inputs(struct file_output *output, const struct audit *audit)
{
    for (guint i = 0; i < audit->inputs->len; i++) {
        const struct audit_input *input = audit->inputs->pdata[i];
        if (input->understood)
            continue;
        g_autofree char *text = g_strdup_printf("Not understood: %s %s. %s", input->path, input->seen, input->need);
        paper_wrap(output, "", "", text);
    }
}

void report_explain_text(struct file_output *output, const struct audit *audit)
{
    uint64_t total = 0;

    for (guint i = 0; i < audit->failures->len; i++)
        total += ((const struct audit_failure *)audit->failures->pdata[i])->count;
    if (audit->failures->len > 0) {
        g_autofree char *kinds = words_count(audit->failures->len, "problem", "problems");
        g_autofree char *connections = words_count(total, "failed connection.", "failed connections.");
        file_output_printf(output, "%s in %s\n", kinds, connections);
    } else if (is_any_understood(audit)) {
        put_nothing(output);
    }
    put_inputs(output, audit);
    for (guint i = 0; i < audit->failures->len && !file_output_failed(output); i++)
        put_failure(output, audit->failures->pdata[i], i + 1);
    for (guint i = 0; i < audit->warnings->len; i++)
        file_output_printf(output, "\nNote: %s\n", (const char *)audit->warnings->pdata[i]);
}

/* What the trace does not say is null.  The text is valid UTF-8 already, so jansson takes it. */
static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static void mark_cut(json_t *object, gboolean cut)
{
    if (cut)
        json_object_set_new(object, "cut", json_true());
}

static json_t *link_json(const struct audit_link *link)
{
    json_t *object = json_object();

    json_object_set_new(object, "subject", text_or_null(link->subject));
    json_object_set_new(object, "issuer", text_or_null(link->issuer));
    json_object_set_new(object, "serial", text_or_null(link->serial));
    json_object_set_new(object, "not_before", text_or_null(link->not_before));
    json_object_set_new(object, "not_after", text_or_null(link->not_after));
    json_object_set_new(object, "key", text_or_null(link->key));
    json_object_set_new(object, "signature_algorithm", text_or_null(link->signature_algorithm));
    json_object_set_new(object, "sha256", text_or_null(link->sha256));
    json_object_set_new(object, "sha1", text_or_null(link->sha1));
    json_object_set_new(object, "md5", text_or_null(link->md5));
    json_object_set_new(object, "key_md5", text_or_null(link->key_md5));
    mark_cut(object, link->subject_cut || link->issuer_cut);
    return object;
}

static json_t *chain_json(const GPtrArray *chain)
{
    json_t *links = json_array();
    for (guint i = 0; i < chain->len; i++)
        json_array_append_new(links, link_json(chain->pdata[i]));
    return links;
}

static json_t *peers_json(const struct audit_failure *failure)
{
    json_t *peers = json_array();
    for (guint i = 0; i < failure->peers->len; i++)
        json_array_append_new(peers, json_string(failure->peers->pdata[i]));
    return peers;
}

static json_t *read_json(const struct audit_failure *failure)
{
    if (failure->lines_seen == 0)
        return json_null();
    json_t *object = json_object();
    json_object_set_new(object, "lines", json_integer(failure->lines_seen));
    json_object_set_new(object, "understood", json_integer(failure->lines_known));
    return object;
}

static json_t *missing_json(const struct audit_failure *failure)
{
    if (failure->cause != CAUSE_UNTRUSTED_PEER)
        return json_null();
    json_t *object = json_object();
    json_object_set_new(object, "subject", text_or_null(failure->missing));
    json_object_set_new(object, "certainty", json_string(audit_certainty_name(failure->certainty)));
    const struct audit_link *top = topmost(failure);
    json_object_set_new(object, "certificate", top && is_missing_itself(failure, top) ? link_json(top) : json_null());
    json_object_set_new(object, "signed", top && is_signed_by_missing(failure, top) ? link_json(top) : json_null());
    mark_cut(object, failure->missing && failure->missing_cut);
    return object;
}

static json_t *failure_json(const struct audit_failure *failure)
{
    const struct audit_evidence *evidence = failure->evidence->len ? failure->evidence->pdata[0] : NULL;
    json_t *object = json_object();

    json_object_set_new(object, "cause", json_string(audit_cause_name(failure->cause)));
    json_object_set_new(object, "error", text_or_null(failure->error));
    json_object_set_new(object, "alert", failure->alert ? json_integer(failure->alert) : json_null());
    json_object_set_new(object, "code", failure->code ? json_integer(failure->code) : json_null());
    json_object_set_new(object, "role",
                        failure->role == ROLE_UNKNOWN ? json_null() : json_string(audit_role_name(failure->role)));
    json_object_set_new(object, "store", text_or_null(failure->store_path));
    json_object_set_new(object, "target", text_or_null(failure->target));
    json_object_set_new(object, "port", failure->port ? json_integer(failure->port) : json_null());
    json_object_set_new(object, "peer", text_or_null(failure->peer));
    json_object_set_new(object, "peers", peers_json(failure));
    json_object_set_new(object, "peers_more", json_integer(failure->peers_more));
    json_object_set_new(object, "first", text_or_null(failure->first_local));
    json_object_set_new(object, "last", text_or_null(failure->last_local));
    json_object_set_new(object, "count", json_integer(failure->count));
    json_object_set_new(object, "torn", json_boolean(failure->torn));
    json_object_set_new(object, "line", evidence ? json_integer(evidence->line) : json_null());
    json_object_set_new(object, "read", read_json(failure));
    json_object_set_new(object, "chain", chain_json(failure->chain));
    json_object_set_new(object, "missing", missing_json(failure));
    json_object_set_new(object, "known", known_json(failure));
    json_object_set_new(object, "advice", text_or_null(failure->advice));
    return object;
}

static int dump(const char *bytes, size_t size, void *output)
{
    file_output_write(output, bytes, size);
    return 0;
}

/* Takes the object. */
static gboolean dump_object(struct file_output *output, json_t *object, GError **error)
{
    int result = json_dump_callback(object, dump, output, 0);

    json_decref(object);
    if (result != 0)
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "explain: jansson cannot write its answer");
    return result == 0;
}

static json_t *input_json(const struct audit_input *input)
{
    json_t *object = json_object();

    json_object_set_new(object, "path", text_or_null(input->path));
    json_object_set_new(object, "understood", json_boolean(input->understood));
    if (!input->understood) {
        json_object_set_new(object, "seen", text_or_null(input->seen));
        json_object_set_new(object, "need", text_or_null(input->need));
    }
    return object;
}

/* One failure at a time, each in a line of its own, so that a long trace needs no memory for its answer. */
gboolean report_explain_json(struct file_output *output, const struct audit *audit, GError **error)
{
    file_output_puts(output, "{\"format\": \"trustgap explain 1\",\n \"failures\": [");
    for (guint i = 0; i < audit->failures->len; i++) {
        file_output_puts(output, i == 0 ? "\n  " : ",\n  ");
        if (!dump_object(output, failure_json(audit->failures->pdata[i]), error))
            return FALSE;
    }
    file_output_puts(output, "],\n \"inputs\": [");
    for (guint i = 0; i < audit->inputs->len; i++) {
        file_output_puts(output, i == 0 ? "\n  " : ",\n  ");
        if (!dump_object(output, input_json(audit->inputs->pdata[i]), error))
            return FALSE;
    }
    file_output_puts(output, "],\n \"notes\": ");
    json_t *notes = json_array();
    for (guint i = 0; i < audit->warnings->len; i++)
        json_array_append_new(notes, json_string(audit->warnings->pdata[i]));
    if (!dump_object(output, notes, error))
        return FALSE;
    file_output_puts(output, "}\n");
    return TRUE;
}
