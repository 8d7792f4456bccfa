#include "snc.h"

#include "moment.h"
#include "trace.h"
#include "trace_prefix.h"
#include "trace_stamp.h"
#include "trace_verdict.h"

#include <string.h>

/*
 * Codes of the GSS-API library, "A2200210": A220.... are found out by this side, A221.... are told by the partner. That
 * is inferred from the two pairs that are known (210, 217).
 */
static const struct {
    const char *text; /* anywhere in the error's lines */
    enum snc kind;
} signs[] = {
    {"A2200210", SNC_PEER_UNTRUSTED},
    {"A2210210", SNC_OWN_REFUSED},
    {"A2200202", SNC_NAME},
    {"A2210202", SNC_NAME},
    {"A2200217", SNC_TICKET},
    {"A2210217", SNC_TICKET},
    {"name differs", SNC_NAME},
    {"No credentials were supplied", SNC_CREDENTIAL},
    {"SncPAcquireCred", SNC_CREDENTIAL},
    {"SncPDLInit", SNC_LIBRARY},
    {"SNCERR_INIT", SNC_LIBRARY},
    {"Peer certificate verification failed", SNC_PEER_UNTRUSTED},
    {"A2210", SNC_OWN_REFUSED},
};

const char *snc_advice(enum snc kind)
{
    static const char *const texts[SNC_KINDS] = {
        [SNC_OTHER] =
            "Check on this side that SAPSNCS.pse opens (sapgenpse get_my_name -p SAPSNCS.pse, as <sid>adm), and "
            "look at the trace of the partner (dev_w*, dev_rd, dev_rfc*) at the same time.",
        [SNC_PEER_UNTRUSTED] =
            "This side has to act: it does not trust the partner's certificate. Import the partner's SNC certificate, "
            "or "
            "the root of its CA, into the certificate list of SAPSNCS.pse on this side (STRUST: SNC SAPCryptolib; "
            "elsewhere sapgenpse maintain_pk -a CERT.pem -p PSE). With Kerberos the partner's service user may be at "
            "fault instead.",
        [SNC_OWN_REFUSED] =
            "Probably the partner has to act: it seems to have refused our certificate. Export the own certificate of "
            "SAPSNCS.pse on this side, and have the partner import it, or the root of its CA, into its SNC PSE; check "
            "that "
            "ours has not expired.",
        [SNC_NAME] =
            "The partner has another SNC name than the one that was called. Correct the partner name on this side "
            "(SM59 > Logon & Security > SNC, or the SAP GUI connection): it has to be the subject of the own "
            "certificate in the partner's SAPSNCS.pse, with \"p:\" in front.",
        [SNC_CREDENTIAL] =
            "This side has to act: the process can't open its own PSE. Check that SAPSNCS.pse exists in SECUDIR, "
            "belongs to "
            "<sid>adm, and that cred_v2 beside it has an entry for this user (sapgenpse seclogin -l); create it with "
            "sapgenpse seclogin -p SAPSNCS.pse -O <sid>adm.",
        [SNC_TICKET] =
            "The Kerberos ticket could not be verified: check the keys of the service user (transaction SPNEGO or "
            "SNCCONFIG) and the encryption types that Active Directory uses for it.",
        [SNC_LIBRARY] = "This side has to act: the SNC library could not be loaded. Check the profile parameter "
                        "snc/gssapi_lib (or SNC_LIB in the environment of the client).",
    };
    return kind > SNC_NONE && kind < SNC_KINDS ? texts[kind] : texts[SNC_OTHER];
}

struct error { /* the lines of one error */
    gboolean begun, reasoned;
    enum snc kind;
    size_t rank; /* of ${kind} in signs[] */
    gboolean called, accepted;
    unsigned line, last; /* numbers */
    size_t offset;
    int64_t local;
    struct slice first, name, minor, major, target, code;
};

/* A word that begins so, anywhere in the line. */
static struct slice find_word(struct slice line, const char *begin)
{
    struct slice rest, word;

    if (!slice_find(line, begin, &rest))
        return (struct slice){"", 0};
    rest = slice_of(rest.at - strlen(begin), line.at + line.size);
    return slice_take_word(&rest, &word) ? word : (struct slice){"", 0};
}

static void take_target(struct error *error, struct slice line)
{
    struct slice rest;

    if (error->target.size > 0 || !slice_find(line, "target=", &rest) || rest.size < 2)
        return;
    const char *end = memchr(rest.at + 1, *rest.at, rest.size - 1);
    if (end && (*rest.at == '\'' || *rest.at == '"'))
        error->target = slice_of(rest.at + 1, end);
}

/* "A2200210:Peer certificate verification failed" */
static void take_code(struct error *error, struct slice text)
{
    struct slice word, rest = text;

    slice_skip_blanks(&rest);
    if (slice_take_word(&rest, &word) && word.size == 8 && slice_begins(word, "A2") &&
        strspn(word.at, "0123456789ABCDEFabcdef") >= 8)
        error->code = word;
}

static void take_facts(struct error *error, struct slice line)
{
    struct slice rest;

    for (size_t i = 0; i < G_N_ELEMENTS(signs); i++)
        if ((error->kind <= SNC_OTHER || i < error->rank) && slice_find(line, signs[i].text, &rest)) {
            error->kind = signs[i].kind;
            error->rank = i;
        }
    if (error->name.size == 0)
        error->name = find_word(line, "SNCERR_");
    if (slice_find(line, "GSS-API(min)", &rest) && slice_take(&rest, ":") && error->minor.size == 0) {
        error->minor = slice_trim(rest);
        take_code(error, rest);
    }
    if (slice_find(line, "GSS-API(maj)", &rest) && slice_take(&rest, ":") && error->major.size == 0)
        error->major = slice_trim(rest);
    error->reasoned = error->reasoned || error->minor.size > 0 || error->major.size > 0;
    error->called = error->called || slice_find(line, "SncPEstablishContext", &rest) ||
                    slice_find(line, "gss_init_sec_context", &rest);
    error->accepted = error->accepted || slice_find(line, "SncPAcceptContext", &rest) ||
                      slice_find(line, "gss_accept_sec_context", &rest);
    take_target(error, line);
}

static void end_error(struct trace *trace, struct error *error)
{
    if (!error->begun)
        return;
    struct trace_line line = {.raw = error->first, .number = error->line};
    struct block *block = block_new(trace, verdict_add);
    struct slice reason = error->minor.size > 0 ? error->minor : error->major;
    struct slice name = error->name.size > 0 ? error->name : error->code.size > 0 ? error->code : slice_text("GSS-API");
    block->snc = (int)MAX(error->kind, SNC_OTHER);
    block->error = block_keep(block, name);
    block->target = error->target.size > 0 ? block_keep_value(block, error->target) : NULL;
    block->client = error->called;
    block->server = error->accepted && !error->called;
    block->local = error->local;
    block->line = error->line;
    block->offset = trace_sample_offset(trace, error->offset);
    block_reason(block, REASON_SOURCE, reason);
    block_quote(block, QUOTE_ENDING, &line);
    if (reason.size > 0) {
        struct trace_line other = {.raw = reason};
        block->n_lines++;
        block_quote(block, QUOTE_REASON, &other);
    }
    verdict_add(block);
    block_free(block);
    *error = (struct error){.kind = SNC_NONE};
}

static gboolean is_about_snc(struct slice line)
{
    struct slice rest;
    return slice_find(line, "SNCERR_", &rest) || slice_find(line, "GSS-API(", &rest) ||
           (slice_find(line, "ERROR", &rest) && slice_find(rest, "SncP", &rest));
}

void snc_find(struct trace *trace)
{
    struct slice text = {trace->sample->str, trace->sample->len};
    struct error error = {.kind = SNC_NONE};
    int64_t local = MOMENT_NONE;
    unsigned number = 0, found = 0;

    for (const char *at = text.at, *end = text.at + text.size, *feed; at < end && found < SNC_ERRORS; at = feed + 1) {
        feed = memchr(at, '\n', (size_t)(end - at));
        feed = feed ? feed : end;
        struct slice line = slice_of(at, feed), body = line, name, rest;
        number++;
        if (slice_ends(body, "\r"))
            body.size--;
        trace_prefix_find(&body, &name);
        if (trace_stamp_take(body, &local))
            continue;
        gboolean about = is_about_snc(body);
        gboolean failed = about && slice_find(body, "failed for target", &rest);
        if (error.begun && (number > error.last + SNC_NEAR_LINES || (error.reasoned && failed))) {
            end_error(trace, &error);
            found++;
        }
        if (about && !error.begun)
            error = (struct error){
                .begun = TRUE, .line = number, .offset = (size_t)(at - text.at), .local = local, .first = line};
        if (about)
            error.last = number;
        if (error.begun)
            take_facts(&error, body);
    }
    if (found < SNC_ERRORS)
        end_error(trace, &error);
}
