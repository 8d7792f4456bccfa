#include "trace_verdict.h"

#include "alert.h"
#include "moment.h"
#include "name.h"
#include "text.h"

#include <stdlib.h>

/* What SAP's TLS errors speak for.  Those that are not here are "other". */
static const struct {
    const char *name;
    int code; /* 0: not known */
    enum block_sign sign;
} errors[] = {
    {"CONN_CLOSED", -10, SIGN_CLOSED},
    {"NO_CLIENT_CERT", -20, SIGN_STORE},
    {"NO_SERVER_CERT", -21, SIGN_STORE},
    {"NO_SSL_REQUEST", -25, SIGN_NOT_TLS},
    {"HTTP_REQUEST", -26, SIGN_NOT_TLS},
    {"HTTPS_PROXY_REQUEST", -27, SIGN_NOT_TLS},
    {"SERVER_CERT_MISMATCH", -30, SIGN_MISMATCH},
    {"PSE_ERROR", -40, SIGN_STORE},
    {"FILENAME_TRUNCATED", -41, SIGN_STORE},
    {"CRED_NOT_FOUND", -42, SIGN_STORE},
    {"CERT_FILE", -50, SIGN_STORE},
    {"PRIVKEY_FILE", -51, SIGN_STORE},
    {"CERT_PRIVKEY_MISMATCH", -52, SIGN_STORE},
    {"SSL_ACCEPT", -56, SIGN_HANDSHAKE},
    {"SSL_CONNECT", -57, SIGN_HANDSHAKE},
    {"SSL_READ", -58, SIGN_HANDSHAKE},
    {"SSL_WRITE", -59, SIGN_HANDSHAKE},
    {"NO_SSL_RESPONSE", -75, SIGN_NOT_TLS},
    {"PEER_CERT_UNTRUSTED", -102, SIGN_UNTRUSTED},
    {"ALERT_HANDSHAKE_FAILURE", -122, SIGN_ALERTED},
    {"ALERT_CERTIFICATE_UNKNOWN", -127, SIGN_REFUSED},
    {"PEER_CERT_EXPIRED", 0, SIGN_EXPIRED},
};

int verdict_alert(struct slice name)
{
    const struct alert *alert = alert_named(name);
    return alert ? alert->number : -1;
}

static gboolean alert_is_about_certificate(int number)
{
    const struct alert *alert = alert_find(number);
    return alert && alert->certificate;
}

void verdict_error(struct block *block, struct slice name, int code)
{
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
        if (slice_equals(name, errors[i].name) || (code != 0 && code == errors[i].code))
            block_sign(block, errors[i].sign);
    if (slice_begins(name, "PSE_"))
        block_sign(block, SIGN_STORE);
    if (slice_take(&name, "ALERT_")) {
        block_sign(block, alert_is_about_certificate(verdict_alert(name)) ? SIGN_REFUSED : SIGN_ALERTED);
        block->error_alert = verdict_alert(name);
    } else if (code == -122 || code == -127) {
        block->error_alert = code == -122 ? 40 : 46;
    }
}

gboolean verdict_knows(struct slice name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
        if (slice_equals(name, errors[i].name))
            return TRUE;
    return FALSE;
}

/* Of the deepest certificate that has a check of its own that failed: the check, and whose it is. */
static const char *failed_check(const struct block *block, unsigned *level)
{
    for (unsigned i = TRACE_CHAIN_CERTS + 1; i-- > 0;) {
        if (block->checks[i]) {
            *level = i;
            return block->checks[i];
        }
    }
    return NULL;
}

static gboolean is_untrusted(const struct block *block)
{
    return block->named || block->signs & (BLOCK_BIT(SIGN_UNTRUSTED) | BLOCK_BIT(SIGN_UNTRUSTED_TEXT)) ||
           (block->failed_status && block->n_chain > 0); /* a tree that ends without trust */
}

/*
 * Out of a library code.  The sentence of an alert is better evidence than a number inside an error code, and so is
 * whatever says in words, or by the error's own number, that the chain was not trusted.
 */
static int inferred_alert(const struct block *block)
{
    return block->sent_alert || is_untrusted(block) ? 0 : block->inner_alert;
}

static gboolean was_alerted(const struct block *block, gboolean *refused)
{
    int number = block->alert > 0 ? block->alert : inferred_alert(block);

    *refused = block->signs & BLOCK_BIT(SIGN_REFUSED) || (number > 0 && alert_is_about_certificate(number));
    return *refused || number > 0 || block->alert < 0 || block->signs & BLOCK_BIT(SIGN_ALERTED);
}

/* The alert that the peer sent: by its sentence, else by the error's name, else by a library code; -1: an unknown one.
 */
static int alert_of(const struct block *block)
{
    if (block->alert != 0)
        return block->alert;
    if (block->error_alert != 0)
        return block->error_alert;
    return inferred_alert(block);
}

static enum audit_cause decide_cause(const struct block *block)
{
    unsigned level = 0, signs = block->signs;
    const char *check = failed_check(block, &level);
    gboolean refused = FALSE;

    if (signs & BLOCK_BIT(SIGN_PROXY))
        return CAUSE_PROXY_REFUSED;
    if (signs & BLOCK_BIT(SIGN_FORWARDED))
        return CAUSE_REVERSE_PROXY;
    if (signs & BLOCK_BIT(SIGN_MISMATCH))
        return CAUSE_NAME_MISMATCH;
    if (signs & BLOCK_BIT(SIGN_EXPIRED) || (is_untrusted(block) && g_strcmp0(check, "Validity") == 0))
        return CAUSE_EXPIRED_PEER;
    if (was_alerted(block, &refused))
        return refused ? CAUSE_PEER_REFUSED : CAUSE_HANDSHAKE;
    if (is_untrusted(block))
        return CAUSE_UNTRUSTED_PEER;
    if (signs & BLOCK_BIT(SIGN_NOT_TLS))
        return CAUSE_NOT_TLS;
    if (signs & BLOCK_BIT(SIGN_CLOSED))
        return CAUSE_CLOSED;
    if (signs & BLOCK_BIT(SIGN_STORE))
        return CAUSE_STORE_UNUSABLE;
    return signs & BLOCK_BIT(SIGN_HANDSHAKE) ? CAUSE_HANDSHAKE : CAUSE_OTHER;
}

/* The letters and digits of a value, in lower case, one by one; 0 at its end, -1 where more would have to be known. */
static int next_plain(const char **at, gboolean *quoted)
{
    for (;; (*at)++) {
        if (**at == '\0' || (**at == ',' && !*quoted))
            return 0;
        if (**at == '\\' || (**at & 0x80))
            return -1;
        if (**at == '"')
            *quoted = !*quoted;
        else if (g_ascii_isalnum(**at))
            return g_ascii_tolower(*(*at)++);
    }
}

/* Most names differ in their CN already, which is cheaper to see than to make keys of both. */
static gboolean differ_in_cn(const char *left, const char *right)
{
    gboolean left_quoted = FALSE, right_quoted = FALSE;
    int one, other;

    if (!g_str_has_prefix(left, "CN=") || !g_str_has_prefix(right, "CN="))
        return FALSE;
    left += 3;
    right += 3;
    do {
        one = next_plain(&left, &left_quoted);
        other = next_plain(&right, &right_quoted);
    } while (one == other && one > 0);
    return one != other && one >= 0 && other >= 0;
}

static gboolean is_same_name(const char *left, const char *right)
{
    if (strcmp(left, right) == 0)
        return TRUE;
    if (differ_in_cn(left, right))
        return FALSE;
    g_autofree char *left_key = name_key(left, FALSE), *right_key = name_key(right, FALSE);
    if (!left_key || !right_key)
        return g_ascii_strcasecmp(left, right) == 0;
    return strcmp(left_key, right_key) == 0;
}

static void set_missing(struct trace_failure *failure, enum audit_certainty certainty, const char *missing,
                        gboolean cut)
{
    failure->certainty = certainty;
    failure->missing = missing;
    failure->missing_cut = cut;
}

/* Whether what the block tells lacks its end.  Of a story that was read the reason is all that matters. */
static gboolean is_unfinished(const struct block *block)
{
    gboolean told = block->reading && block->reason && !block_has(block, EVENT_STACK);
    return block->unfinished && !told;
}

/* Which certificate an untrusted chain lacks.  The strings of the failure's chain are the trace's already. */
static void decide_missing(struct trace_failure *failure, const struct block *block)
{
    unsigned level = 0;
    const char *check = failed_check(block, &level);
    guint length = failure->chain->len;

    if (block->named) {
        set_missing(failure, CERTAINTY_NAMED, text_keep(block->trace->strings, block->named), block->named_cut);
        return;
    }
    if (length == 0 || (check && level > 0)) /* a signer that may not sign: no import heals that */
        return;
    const struct trace_cert *top = failure->chain->pdata[length - 1];
    const struct trace_cert *below = length > 1 ? failure->chain->pdata[length - 2] : NULL;
    if (top->issuer) {
        gboolean whole = top->subject && !top->subject_cut && !top->issuer_cut;
        gboolean same = whole && is_same_name(top->subject, top->issuer);
        if (failure->torn_end && !same) /* the chain may go on above it */
            return;
        set_missing(failure, same ? CERTAINTY_SELF_SIGNED : CERTAINTY_ISSUER, same ? top->subject : top->issuer,
                    !same && top->issuer_cut);
    } else if (top->subject && below && below->subject && below->issuer && !failure->torn_end) {
        set_missing(failure, CERTAINTY_ISSUER, top->subject, top->subject_cut);
    }
}

static enum audit_role decide_role(const struct block *block)
{
    if (block->server)
        return ROLE_SERVER;
    if (block->client)
        return ROLE_CLIENT;
    struct slice store = slice_text(block->store ? block->store : "");
    if (slice_ends(store, "SAPSSLS.pse"))
        return ROLE_SERVER;
    if (slice_ends(store, "SAPSSLC.pse") || slice_ends(store, "SAPSSLA.pse"))
        return ROLE_CLIENT;
    return ROLE_UNKNOWN;
}

/* The certificate as it is printed. */
static struct trace_cert *copy_cert(const struct trace_cert *from, const char *failed_check, GStringChunk *strings)
{
    struct trace_cert *cert = g_new0(struct trace_cert, 1);

    cert->subject = text_keep(strings, from->subject);
    cert->issuer = text_keep(strings, from->issuer);
    cert->subject_cut = from->subject_cut;
    cert->issuer_cut = from->issuer_cut;
    cert->serial = text_keep(strings, from->serial);
    cert->md5 = text_keep(strings, from->md5);
    cert->sha1 = text_keep(strings, from->sha1);
    cert->sha256 = text_keep(strings, from->sha256);
    cert->not_before = text_keep(strings, from->not_before);
    cert->not_after = text_keep(strings, from->not_after);
    cert->key_type = text_keep(strings, from->key_type);
    cert->key_bits = text_keep(strings, from->key_bits);
    cert->key_md5 = text_keep(strings, from->key_md5);
    cert->signature_algorithm = text_keep(strings, from->signature_algorithm);
    cert->failed_check = failed_check;
    return cert;
}

/* Certificates that the trace holds whole are better than printed names, unless they are of another connection. */
static gboolean is_of_chain(const struct block *block, unsigned i, const struct trace_cert *received)
{
    const struct trace_cert *printed = i < block->n_chain ? &block->chain[i] : NULL;
    return !printed || !printed->subject || printed->subject_cut || !received->subject ||
           is_same_name(printed->subject, received->subject);
}

static GPtrArray *received_chain(const struct block *block)
{
    GPtrArray *chain = g_ptr_array_new_with_free_func(received_cert_free);

    for (unsigned i = 0; i < block->received.certs->len; i++) {
        struct trace_cert *cert = received_cert(block->received.certs->pdata[i], block->trace->strings);
        cert->failed_check = block->checks[i];
        g_ptr_array_add(chain, cert);
        if (!is_of_chain(block, i, cert)) {
            g_ptr_array_set_size(chain, 0);
            break;
        }
    }
    return chain;
}

static GPtrArray *copy_chain(const struct block *block)
{
    GPtrArray *chain = received_chain(block);

    for (unsigned i = chain->len; i < block->n_chain; i++)
        if (block->chain[i].subject || block->chain[i].issuer)
            g_ptr_array_add(chain, copy_cert(&block->chain[i], block->checks[i], block->trace->strings));
    if (chain->len == 0 && block->presented) {
        struct trace_cert leaf = {.subject = block->presented, .subject_cut = block->presented_cut};
        g_ptr_array_add(chain, copy_cert(&leaf, NULL, block->trace->strings));
    }
    return chain;
}

struct numbered {
    unsigned number;
    const char *text;
};

static int compare_numbered(const void *a, const void *b)
{
    const struct numbered *left = a, *right = b;
    return left->number < right->number ? -1 : left->number > right->number;
}

/* The most telling lines, each once, in the order in which they stand. */
static GPtrArray *copy_quotes(const struct block *block)
{
    struct numbered chosen[TRACE_EVIDENCE_LINES];
    unsigned n_chosen = 0;
    GPtrArray *lines = g_ptr_array_new();

    for (int quote = 0; quote < QUOTES && n_chosen < TRACE_EVIDENCE_LINES; quote++) {
        struct numbered line = {block->quotes[quote].number, block->quotes[quote].text};
        gboolean known = line.number == 0;
        for (unsigned i = 0; i < n_chosen && !known; i++)
            known = chosen[i].number == line.number;
        if (!known)
            chosen[n_chosen++] = line;
    }
    qsort(chosen, n_chosen, sizeof chosen[0], compare_numbered);
    for (unsigned i = 0; i < n_chosen; i++)
        g_ptr_array_add(lines, (void *)text_keep(block->trace->strings, chosen[i].text));
    return lines;
}

/* Whether there is nothing but the error: perhaps a text about failures only mentions it. */
static gboolean is_bare(const struct block *block)
{
    return !block->store && !block->target && !block->sni && !block->host && !block->peer && !block->handle &&
           block->n_chain == 0 && !block->named;
}

void verdict_add(const struct block *block)
{
    struct trace *trace = block->trace;
    const char *target = block->target ? block->target : block->sni ? block->sni : block->host;
    unsigned level = 0;

    trace->found++;
    if (!trace->take && trace->failures->len >= TRACE_FAILURES) {
        trace->dropped++;
        return;
    }
    struct trace_failure *failure = g_new0(struct trace_failure, 1);
    failure->cause = decide_cause(block);
    failure->error = text_keep(trace->strings, block->error);
    failure->code = block->code;
    failure->role = decide_role(block);
    failure->store = text_keep(trace->strings, block->store);
    failure->store_cut = block->store_cut;
    failure->target = text_keep(trace->strings, target);
    failure->port = block->port;
    failure->peer = text_keep(trace->strings, block->peer);
    failure->local = block->local;
    failure->chain = copy_chain(block);
    failure->failed_check = failed_check(block, &level);
    failure->reason = text_keep(trace->strings, block->reason);
    failure->part = block->part;
    failure->offset = block->offset;
    failure->line = block->line;
    failure->lines = copy_quotes(block);
    failure->level = trace->header.level;
    failure->cut = block->cut;
    failure->torn_begin = block->headless;
    failure->torn_end = is_unfinished(block);
    failure->unmarked = block->events == 0;
    failure->order = trace->found;
    failure->n_lines = MAX(block->n_seen, 1); /* of one that ends in the line in which it begins nothing was counted */
    failure->n_known = MAX(block->n_known, 1);
    failure->listed = is_bare(block) && !block->unlisted;
    failure->alone = is_bare(block) && !block->placed;
    failure->message = block->message;
    failure->snc = block->snc;
    failure->alert = alert_of(block);
    failure->details = (block->facts & (BLOCK_BIT(FACT_TARGET) | BLOCK_BIT(FACT_PEER))) != 0;
    failure->sni = (block->facts & BLOCK_BIT(FACT_SNI)) != 0;
    if (failure->cause == CAUSE_UNTRUSTED_PEER)
        decide_missing(failure, block);
    if (!trace->take) {
        g_ptr_array_add(trace->failures, failure);
        return;
    }
    trace->take(trace->data, failure);
    trace_failure_free(failure);
    g_string_chunk_clear(trace->strings);
}
