#include "trace_line.h"

#include "moment.h"
#include "trace_copied.h"
#include "trace_stamp.h"
#include "trace_verdict.h"

#define DETAIL_BYTES 64 /* of the name of an algorithm */
#define PIECES       64 /* of a line that was made of several */

#define WRAPPED_BYTES 60 /* a shorter line was not wrapped */

#define LIBRARY_VERIFY     9  /* "verification of the server's certificate chain failed" */
#define LIBRARY_INCOMPLETE 24 /* "chain of certificates is incomplete" */

/* ---- Pieces that several kinds of lines have ---- */

/* Whether more of the line may have stood behind its end. */
static gboolean breaks_off(const struct trace_line *line)
{
    return line->torn || line->clipped;
}

/* SSSLERR_NAME or SSSLRC_NAME, also with an S too many or too few: as it should be spelt, and NAME alone. */
gboolean trace_line_take_error(struct slice *slice, char *error, size_t error_size, struct slice *name)
{
    struct slice rest = *slice, word;
    const char *kind = NULL;
    size_t letters = 0;

    while (letters < rest.size && rest.at[letters] == 'S')
        letters++;
    if (letters < 2 || letters > 4)
        return FALSE;
    rest = slice_from(rest, letters);
    if (slice_take(&rest, "LERR_"))
        kind = "SSSLERR_";
    else if (slice_take(&rest, "LRC_"))
        kind = "SSSLRC_";
    if (!kind || !slice_take_word(&rest, &word) || word.size >= error_size - strlen(kind))
        return FALSE;
    g_snprintf(error, (gulong)error_size, "%s%.*s", kind, (int)word.size, word.at);
    *name = word;
    *slice = rest;
    return TRUE;
}

/* " (-102)", "(- 102)": 0 if there is none.  Without the bracket at the end of the line digits may be lost. */
int trace_line_take_code(struct slice *slice)
{
    struct slice rest = *slice;
    int64_t number = 0;

    slice_skip_blanks(&rest);
    if (!slice_take(&rest, "("))
        return 0;
    gboolean minus = slice_take(&rest, "-");
    slice_skip_blanks(&rest);
    if (!minus || !slice_take_number(&rest, &number) || number > 99999)
        return 0;
    if (!slice_take(&rest, ")") && rest.size == 0)
        return 0;
    *slice = rest;
    return -(int)number;
}

struct error {
    char text[80]; /* as it should be spelt; "" if there is none */
    struct slice name;
    int code;
};

static gboolean take_error_and_code(struct slice *slice, struct error *error, const struct trace_line *line)
{
    *error = (struct error){.name = {"", 0}};
    if (!trace_line_take_error(slice, error->text, sizeof error->text, &error->name))
        return FALSE;
    error->code = trace_line_take_code(slice);
    if (breaks_off(line) && slice->size == 0 && error->code == 0 && !verdict_knows(error->name)) /* half a name */
        *error = (struct error){.name = {"", 0}};
    return TRUE;
}

static const char *error_text(const struct error *error)
{
    return error->text[0] ? error->text : NULL;
}

static void note_error(struct block *block, const struct error *error)
{
    verdict_error(block, error->name, error->code);
    if (block->code == 0 && (!error->text[0] || g_strcmp0(error->text, block->error) == 0))
        block->code = error->code;
}

/* An error of the library in the form decimal/0xhex; either may be cut.  Family 0x200010NN holds an alert's number. */
static void note_library_code(struct block *block, uint64_t number)
{
    if (number == LIBRARY_VERIFY || number == LIBRARY_INCOMPLETE)
        block_sign(block, SIGN_UNTRUSTED);
    if ((number & 0xffffff00) == 0x20001000 && (number >> 32) == 0 && (number & 15) < 10 && (number >> 4 & 15) < 10)
        block->inner_alert = (int)((number >> 4 & 15) * 10 + (number & 15));
}

static gboolean take_library_code(struct slice *slice, uint64_t *number)
{
    struct slice rest = *slice, digits;
    int64_t decimal = 0;
    uint64_t hex = 0;

    slice_skip_blanks(&rest);
    if (!slice_take(&rest, "(") || !slice_take_number(&rest, &decimal) || !slice_take(&rest, "/0x"))
        return FALSE;
    slice_take_hex(&rest, &digits, &hex);
    slice_take(&rest, ")");
    *number = (uint64_t)decimal;
    *slice = rest;
    return TRUE;
}

/* "received a fatal TLS certificate unknown alert message from the peer" */
static void scan_alert(struct block *block, const struct trace_line *line, struct slice text)
{
    struct slice rest;

    if (block->begun && slice_find(text, "aborted TLS handshake", &rest))
        block->sent_alert = TRUE;
    if (!slice_find(text, "received a", &rest))
        return;
    slice_take(&rest, "n");
    if (!slice_take(&rest, " fatal TLS") && !slice_take(&rest, " warning TLS"))
        return;
    const char *end = memmem(rest.at, rest.size, " alert", 6);
    struct slice name = end ? slice_trim(slice_of(rest.at, end)) : (struct slice){"", 0};
    int number = verdict_alert(name);
    if (block->alert <= 0)
        block->alert = number;
    block_quote(block, QUOTE_REASON, line);
}

static size_t count_of(struct slice text, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++)
        n += text.at[i] == c;
    return n;
}

/* Without what was copied together with a name from a sentence: a quote or bracket that was not opened in it. */
static struct slice without_closing(struct slice name, gboolean *cut)
{
    if (count_of(name, '"') % 2 == 1) {
        if (slice_ends(name, "\""))
            name.size--;
        else
            *cut = TRUE;
    }
    if (slice_ends(name, ")") && count_of(name, ')') > count_of(name, '('))
        name.size--;
    return slice_trim(name);
}

/* The name on this line ends with it, as far as can be told here: the next line may show that it goes on. */
static void note_name_end(struct block *block, const struct trace_line *line, gboolean *cut)
{
    block->name_cut = cut;
    block->name_bytes = line->raw.size;
    struct slice body = slice_trim(line->body);
    block->name_ends = body.size >= 4 && memcmp(body.at + body.size - 4, "C=", 2) == 0;
}

static void note_named(struct block *block, const struct trace_line *line, struct slice name, gboolean cut)
{
    if (block->named || name.size == 0)
        return;
    block->named = block_keep(block, name);
    block->named_cut = cut || name.size > BLOCK_TEXT_BYTES;
    note_name_end(block, line, &block->named_cut);
    block_quote(block, QUOTE_NAMED, line);
}

/* Whether it says that a chain is not trusted, in one of the wordings of several years. */
static gboolean is_distrust(struct slice text)
{
    static const char *const wordings[] = {
        "peer not trusted",
        "certificate (chain) is not trusted",
        "certificate (chain) is untrusted",
        "certificate (chain) validation failed",
    };
    struct slice rest;

    if (!slice_find_fold(text, "trusted", &rest) && !slice_find_fold(text, "validation failed", &rest))
        return FALSE;
    for (size_t i = 0; i < G_N_ELEMENTS(wordings); i++)
        if (slice_find_fold(text, wordings[i], &rest))
            return TRUE;
    return FALSE;
}

/* Texts of the library, wherever they stand in a line that belongs to a block. */
static gboolean scan_text(struct block *block, const struct trace_line *line, struct slice text, gboolean open)
{
    struct slice rest;
    gboolean told = is_distrust(text);

    if (told) {
        block_sign(block, SIGN_UNTRUSTED_TEXT);
        block_reason(block, REASON_UNTRUSTED, text);
        block_quote(block, QUOTE_UNTRUSTED, line);
    }
    if (slice_find(text, "missing certificate of ", &rest)) {
        gboolean cut = open;
        struct slice name = without_closing(slice_trim(rest), &cut);
        note_named(block, line, name, cut);
        told = TRUE;
    }
    if (slice_find(text, " TLS ", &rest)) {
        int before = block->alert;
        scan_alert(block, line, text);
        if (block->alert != before) {
            block_reason(block, REASON_ALERT, text);
            told = TRUE;
        }
    }
    return told;
}

/* ---- Events ---- */

/* ERROR during SecuSSL_SessionStartNB() from SSL_connect()==SSL_ERROR_SSL */
static gboolean take_during(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice function, call;

    slice_skip_blanks(&rest);
    if (!slice_take_word(&rest, &function) || !slice_take(&rest, "()"))
        return FALSE;
    slice_skip_blanks(&rest);
    if (!slice_take(&rest, "from ") || !slice_take_word(&rest, &call) || !slice_begins(call, "SSL_"))
        return FALSE;
    gboolean server = slice_equals(call, "SSL_accept"), client = slice_equals(call, "SSL_connect");
    block_role(block, server, client);
    block_event(block, EVENT_DURING, line, NULL, NULL);
    block_quote(block, QUOTE_DURING, line);
    block->server = block->server || server;
    block->client = block->client || client;
    block->reading = slice_equals(call, "SSL_read") || slice_equals(call, "SSL_write");
    return TRUE;
}

/* SecuSSL_SessionStartNB: SSL_connect() failed  (536872221/0x2000051d) */
static gboolean take_start(struct block *block, const struct trace_line *line, struct slice body)
{
    struct slice function, call;
    uint64_t number = 0;

    if (!slice_take_word(&body, &function) || !slice_take(&body, ":"))
        return FALSE;
    slice_skip_blanks(&body);
    if (!slice_take_word(&body, &call) || !slice_begins(call, "SSL_") || !slice_take(&body, "() failed"))
        return FALSE;
    block_event(block, EVENT_START, line, NULL, NULL);
    block_quote(block, QUOTE_START, line);
    block->server = block->server || slice_equals(call, "SSL_accept");
    block->client = block->client || slice_equals(call, "SSL_connect");
    if (take_library_code(&body, &number))
        note_library_code(block, number);
    scan_text(block, line, body, FALSE);
    return TRUE;
}

/* secude_error 9 (0x00000009) = "text" */
static gboolean take_secude_error(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice text;
    int64_t number = 0;
    gboolean open = FALSE;

    slice_skip_blanks(&rest);
    if (!slice_take_number(&rest, &number))
        return FALSE;
    block_join(block, line);
    note_library_code(block, (uint64_t)number);
    if (slice_find(rest, "=", &rest)) {
        slice_skip_blanks(&rest);
        if (slice_take_quoted(&rest, &text, &open)) {
            block_reason(block, REASON_SECUDE, text);
            scan_text(block, line, text, open);
        }
    }
    return TRUE;
}

/* => "received a fatal TLS protocol version alert message from the peer" */
static gboolean take_arrow(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice text;
    gboolean open = FALSE;

    slice_skip_blanks(&rest);
    if (!block->begun || !slice_take_quoted(&rest, &text, &open))
        return FALSE;
    block_join(block, line);
    scan_text(block, line, text, open);
    block_reason(block, REASON_ARROW, text);
    block_quote(block, QUOTE_REASON, line);
    return TRUE;
}

/* The object behind a library's sentence: : "OU=Example, O="Example, Inc.", C=DE", often cut, so that quotes are open.
 */
static void take_object(struct block *block, const struct trace_line *line, struct slice object)
{
    object = slice_trim(object);
    gboolean open = count_of(object, '"') % 2 == 1 || !slice_ends(object, "\"");
    object = slice_from(object, 1);
    if (!open)
        object.size--;
    if (memchr(object.at, '=', object.size))
        note_named(block, line, slice_trim(object), open);
}

/* One or more of: ERROR in af_verify_Certificates: (24/0x0018) text : "object" */
static gboolean take_secude(struct block *block, const struct trace_line *line, struct slice body)
{
    struct slice rest, next, function;
    gboolean told = FALSE;

    for (gboolean more = slice_find(body, "ERROR in ", &rest); more; rest = next) {
        more = slice_find(rest, "ERROR in ", &next);
        struct slice one = more ? slice_of(rest.at, next.at - strlen("ERROR in ")) : rest;
        uint64_t number = 0;
        if (!slice_take_word(&one, &function) || !slice_take(&one, ":") || !take_library_code(&one, &number))
            continue;
        if (!told)
            block_event(block, EVENT_SECUDE, line, NULL, NULL);
        told = TRUE;
        note_library_code(block, number);
        const char *quote = memchr(one.at, '"', one.size);
        struct slice text = slice_trim(quote ? slice_of(one.at, quote) : one);
        if (slice_ends(text, ":"))
            text.size--;
        block_reason(block, REASON_SECUDE, text);
        if (quote && slice_begins(function, "af_verify") && number == LIBRARY_INCOMPLETE)
            take_object(block, line, slice_of(quote, one.at + one.size));
        scan_text(block, line, text, FALSE);
    }
    return told;
}

static gboolean take_stack_mark(struct block *block, const struct trace_line *line, struct slice body)
{
    gboolean begin = body.at[0] == '>';
    struct slice rest;

    if (!slice_find(body, begin ? "Begin of Sec" : "End of Sec", &rest) || !slice_find(rest, "SSL Errorstack", &rest))
        return FALSE;
    block_event(block, begin ? EVENT_STACK : EVENT_STACK_END, line, NULL, NULL);
    return TRUE;
}

/* 0xa0600203 | SSL | ssl_verify_peer_certificates */
static gboolean take_stack_code(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice digits, word;
    uint64_t number = 0;

    if (!slice_take_hex(&rest, &digits, &number) || digits.size != 8)
        return FALSE;
    for (int column = 0; column < 2; column++) {
        slice_skip_blanks(&rest);
        if (!slice_take(&rest, "|"))
            return FALSE;
        slice_skip_blanks(&rest);
        if (!slice_take_word(&rest, &word))
            return FALSE;
    }
    block_join(block, line);
    note_library_code(block, number);
    return TRUE;
}

/* <<- ERROR: SapSSLSessionStart(sssl_hdl=7f0e30000c70)==SSSLERR_SSL_CONNECT */
static gboolean take_api_error(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice function, digits;
    struct error error;
    uint64_t handle = 0;

    slice_take(&rest, ":");
    slice_skip_blanks(&rest);
    if (!slice_take_word(&rest, &function) || !slice_begins(function, "SapSSL") || !slice_take(&rest, "("))
        return FALSE;
    if (slice_take(&rest, "sssl_hdl=")) {
        slice_take(&rest, "0x");
        slice_take_hex(&rest, &digits, &handle);
    }
    if (!slice_find(rest, "==", &rest))
        return FALSE;
    take_error_and_code(&rest, &error, line);
    block_handle(block, line, handle, TRUE);
    block_event(block, EVENT_API, line, NULL, error_text(&error));
    block->handle = handle;
    note_error(block, &error);
    block_quote(block, QUOTE_API, line);
    return TRUE;
}

/*
 * Calls and their returns at level 2: ->> SapSSLSessionInit(...), <<- SapSSLSessionStart(...)==SAP_O_K.  They are not
 * part of a block, but tell that another connection begins, or that this one went well and its facts are of no failure.
 */
static gboolean take_api(struct block *block, const struct trace_line *line, struct slice body)
{
    struct slice function, digits, rest;
    gboolean call = body.at[0] == '-';
    uint64_t handle = 0;

    body = slice_from(body, 3);
    slice_skip_blanks(&body);
    if (!call && slice_take(&body, "ERROR"))
        return take_api_error(block, line, body);
    if (!slice_take_word(&body, &function) || !slice_begins(function, "SapSSL"))
        return FALSE;
    if (slice_find(body, "(sssl_hdl=", &rest) && (slice_take(&rest, "0x"), slice_take_hex(&rest, &digits, &handle)))
        block_handle(block, line, handle, FALSE);
    gboolean well = !call && slice_find(body, "==SAP_O_K", &rest);
    gboolean first = call && slice_equals(function, "SapSSLSessionInit");
    if (first || (block->settled && (call || well)) ||
        (well && !block->events && slice_begins(function, "SapSSLSessionStart")) ||
        (well && slice_begins(function, "SapSSLSessionDone")))
        block_end(block);
    if (first)
        block_join(block, line); /* its arguments follow */
    block->in_call = call;
    block->call = call ? handle : 0;
    return first;
}

/* in: args     = "role=2 (SERVER), auth_type=1 (ASK_CLIENT_CERT)" */
static gboolean take_api_value(struct block *block, const struct trace_line *line, struct slice rest)
{
    slice_skip_blanks(&rest);
    if (!slice_take(&rest, "args") || !slice_find(rest, "role=", &rest) || block->events)
        return FALSE;
    block_join(block, line);
    block->server = slice_begins(rest, "2 (");
    block->client = slice_begins(rest, "1 (");
    return TRUE;
}

/* IcmConnInitClientSSL: Proxy connection to https://host:443 via proxy:3128 failed (proxy returned 407 Text) */
static gboolean take_proxy(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice url, host, text;

    if (!slice_take_run(&rest, &url) || !slice_find(rest, " failed (", &text) || !slice_begins(text, "proxy returned "))
        return FALSE;
    if (!slice_find(url, "://", &host))
        host = url;
    const char *end = memchr(host.at, '/', host.size);
    host = end ? slice_of(host.at, end) : host;
    end = memrchr(host.at, ':', host.size);
    host = end ? slice_of(host.at, end) : host;
    block_event(block, EVENT_PROXY, line, NULL, NULL);
    block_sign(block, SIGN_PROXY);
    block->client = TRUE;
    block->host = block_keep_value(block, host);
    end = memchr(text.at, ')', text.size);
    block_reason(block, REASON_PROXY, end ? slice_of(text.at, end) : text);
    block_quote(block, QUOTE_ENDING, line);
    return TRUE;
}

/* IcmConnInitClientSSL: SapSSLSessionStart failed (-102): SSSLERR_PEER_CERT_UNTRUSTED {0000000a} [file 1] */
static gboolean take_icm(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct error error = {.name = {"", 0}};
    gboolean server = slice_take(&rest, "Server");

    if ((!server && !slice_take(&rest, "Client")) || !slice_take(&rest, "SSL:"))
        return FALSE;
    slice_skip_blanks(&rest);
    if (slice_take(&rest, "Proxy connection to "))
        return take_proxy(block, line, rest);
    if (!slice_take(&rest, "SapSSLSessionStart"))
        return FALSE;
    slice_take(&rest, "NB");
    if (!slice_take(&rest, " failed") && !slice_take(&rest, " returned"))
        return FALSE;
    int code = trace_line_take_code(&rest);
    slice_take(&rest, ":");
    slice_skip_blanks(&rest);
    take_error_and_code(&rest, &error, line);
    error.code = code;
    block_role(block, server, !server);
    block_event(block, EVENT_ICM, line, NULL, error_text(&error));
    note_error(block, &error);
    block->server = block->server || server;
    block->client = block->client || !server;
    block_quote(block, QUOTE_ENDING, line);
    return TRUE;
}

static gboolean take_pieces(struct block *block, const struct trace_line *line, struct slice rest);

/* ":443", else 0 */
static int port_of(struct slice run)
{
    int64_t port;

    if (!slice_take(&run, ":") || !slice_take_number(&run, &port) || run.size > 0 || port < 1 || port > UINT16_MAX)
        return 0;
    return (int)port;
}

/* host:port, host:<port>, host, nothing; the blank before "failed" ends it. */
static gboolean take_peer_name(struct slice *slice, struct slice *host, int *port)
{
    struct slice rest = *slice, run;

    slice_skip_blanks(&rest);
    *host = (struct slice){rest.at, 0};
    *port = 0;
    if (!slice_begins(rest, "failed")) {
        slice_take_run(&rest, &run);
        const char *colon = memrchr(run.at, ':', run.size);
        *host = colon ? slice_of(run.at, colon) : run;
        *port = port_of(slice_from(run, host->size));
        slice_skip_blanks(&rest);
    }
    if (!slice_take(&rest, "failed"))
        return FALSE;
    slice_take(&rest, ":");
    slice_skip_blanks(&rest);
    *slice = rest;
    return TRUE;
}

/* SSL handshake with host:port failed: SSSLERR_NAME (-n); ${starred} if "ERROR =>" stood before it. */
static gboolean take_handshake(struct block *block, const struct trace_line *line, struct slice rest, gboolean starred)
{
    struct slice host;
    struct error error;
    int port;

    if (slice_trim(rest).size == 0) { /* "failed" may come in the next line */
        block_join(block, line);
        block->torn_headline = block->n_lines + 1;
        block->torn_starred = starred;
        return TRUE;
    }
    if (!take_peer_name(&rest, &host, &port))
        return FALSE;
    take_error_and_code(&rest, &error, line);
    block_event(block, starred ? EVENT_HEADLINE : EVENT_TEXT, line, &host, error_text(&error));
    note_error(block, &error);
    block->client = TRUE;
    if (!block->host)
        block->host = block_keep_value(block, host);
    if (block->port == 0)
        block->port = port;
    block_quote(block, QUOTE_ENDING, line);
    take_pieces(block, line, rest);
    return TRUE;
}

static gboolean take_text_headline(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_handshake(block, line, rest, FALSE);
}

/* failed: SSSLERR_NAME (-n): the second half of a headline */
static gboolean take_torn_headline(struct block *block, const struct trace_line *line, struct slice body)
{
    return block->torn_headline > 0 && block->torn_headline == block->n_lines &&
           take_handshake(block, line, body, block->torn_starred);
}

/* HttpIsReverseProxyTrustworthy: text */
static gboolean take_reverse_proxy(struct block *block, const struct trace_line *line, struct slice rest)
{
    static const char *const refusals[] = {"no client certificate", "not trust", "untrust", "reject", "refuse"};
    struct slice after;

    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
        if (!slice_find_fold(rest, refusals[i], &after))
            continue;
        block_event(block, EVENT_FORWARDED, line, NULL, NULL);
        block_sign(block, SIGN_FORWARDED);
        block_reason(block, REASON_SOURCE, slice_trim(rest));
        block_quote(block, QUOTE_REASON, line);
        return TRUE;
    }
    return FALSE;
}

/* Reject untrusted forwarded certificate (...): the end of what the line above may have begun. */
static gboolean take_rejected(struct block *block, const struct trace_line *line, struct slice rest)
{
    if (!block_has(block, EVENT_FORWARDED) || !block_is_near(block))
        block_event(block, EVENT_FORWARDED, line, NULL, NULL);
    block_join(block, line);
    block_sign(block, SIGN_FORWARDED);
    block_reason(block, REASON_SOURCE, slice_trim(rest));
    block_quote(block, QUOTE_ENDING, line);
    block_end(block);
    return TRUE;
}

/* ERROR => f(): text [file 1] */
static gboolean take_source(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice function;

    if (!slice_take_word(&rest, &function) || !slice_begins(function, "SapSSLSessionStart") ||
        !slice_take(&rest, "():"))
        return FALSE;
    slice_skip_blanks(&rest);
    const char *end = memmem(rest.at, rest.size, " [", 2);
    struct slice text = end ? slice_of(rest.at, end) : rest;
    block_event(block, EVENT_SOURCE, line, NULL, NULL);
    scan_text(block, line, text, FALSE);
    block_reason(block, REASON_SOURCE, text);
    block_quote(block, QUOTE_REASON, line);
    return TRUE;
}

static gboolean take_error_line(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice whole = slice_of(rest.at - strlen("ERROR"), rest.at + rest.size);

    slice_skip_blanks(&rest);
    if (slice_take(&rest, "during "))
        return take_during(block, line, rest);
    if (slice_begins(rest, "in "))
        return take_secude(block, line, whole);
    if (!slice_take(&rest, "=>"))
        return FALSE;
    slice_skip_blanks(&rest);
    if (slice_take(&rest, "IcmConnInit"))
        return take_icm(block, line, rest);
    if (slice_take(&rest, "SSL handshake with"))
        return take_handshake(block, line, rest, TRUE);
    return take_source(block, line, rest);
}

/* SSSLERR_NAME (-n) at the beginning of a line */
static gboolean take_code_line(struct block *block, const struct trace_line *line, struct slice body)
{
    struct error error;

    /* What stands behind a "#" may as well be a part of a URL. */
    if (!take_error_and_code(&body, &error, line) || error.code == 0 || (line->piece && !block->events))
        return FALSE;
    block_event(block, EVENT_CODE, line, NULL, error.text);
    note_error(block, &error);
    block_quote(block, QUOTE_ENDING, line);
    take_pieces(block, line, body);
    return TRUE;
}

/* SapSSLSessionStartNB()==SSSLERR_NAME */
static gboolean take_return(struct block *block, const struct trace_line *line, struct slice body)
{
    struct slice function;
    struct error error;

    if (!slice_take_word(&body, &function) || !slice_take(&body, "()==") || !take_error_and_code(&body, &error, line))
        return FALSE;
    block_event(block, EVENT_RETURN, line, NULL, error_text(&error));
    note_error(block, &error);
    if (!block->quotes[QUOTE_ENDING].number)
        block_quote(block, QUOTE_ENDING, line);
    scan_text(block, line, body, FALSE);
    return TRUE;
}

/* SSL::SiConnect() failed  rc==SSSLRC_NAME: details are listed behind it, perhaps once more. */
static gboolean take_call(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct error error;

    if (!slice_find(rest, "rc==", &rest) || !take_error_and_code(&rest, &error, line) || !block->events ||
        !block_is_near(block))
        return FALSE;
    block_join(block, line);
    block->detailed = TRUE;
    block->fork = FORK_NONE; /* so what follows is of this one */
    note_error(block, &error);
    return TRUE;
}

/* ---- Facts ---- */

static gboolean take_store(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice path;
    gboolean open = FALSE;

    slice_skip_blanks(&rest);
    if (!slice_take_quoted(&rest, &path, &open))
        return FALSE;
    if (!block_fact(block, FACT_STORE, line, path))
        return TRUE;
    block->store = block_keep_value(block, path);
    block->store_cut = block->store && open;
    block_quote(block, QUOTE_STORE, line);
    return TRUE;
}

static gboolean take_session_store(struct block *block, const struct trace_line *line, struct slice rest)
{
    slice_skip_blanks(&rest);
    if (!slice_take(&rest, "file"))
        return FALSE;
    block_begin(block, line);
    return take_store(block, line, rest);
}

static gboolean take_client_store(struct block *block, const struct trace_line *line, struct slice rest)
{
    if (!block->settled)
        block_role(block, FALSE, TRUE);
    gboolean taken = take_store(block, line, rest);
    block->client = block->client || taken;
    return taken;
}

static gboolean take_server_store(struct block *block, const struct trace_line *line, struct slice rest)
{
    if (!block->settled)
        block_role(block, TRUE, FALSE);
    gboolean taken = take_store(block, line, rest);
    block->server = block->server || taken;
    return taken;
}

static gboolean take_host_fact(struct block *block, const struct trace_line *line, struct slice rest,
                               enum block_fact fact)
{
    struct slice name;
    gboolean open = FALSE;

    if (!slice_take_quoted(&rest, &name, &open) || open) /* half a host name is another host's */
        return FALSE;
    if (!block_fact(block, fact, line, name))
        return TRUE;
    *(fact == FACT_TARGET ? &block->target : &block->sni) = block_keep_value(block, name);
    block_quote(block, QUOTE_TARGET, line);
    return TRUE;
}

static gboolean take_target(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_host_fact(block, line, rest, FACT_TARGET);
}

/* ServerCert.subject = <CN=www.example.net, O=Example, C=DE>: below the error that says that its name does not match.
 */
static gboolean take_presented(struct block *block, const struct trace_line *line, struct slice rest)
{
    slice_skip_blanks(&rest);
    if (!slice_take(&rest, "=") || !block->events || !block_is_near(block))
        return FALSE;
    slice_skip_blanks(&rest);
    if (!slice_take(&rest, "<"))
        return FALSE;
    const char *end = memrchr(rest.at, '>', rest.size);
    block_join(block, line);
    if (!block->presented)
        block->presented = block_keep_value(block, end ? slice_of(rest.at, end) : rest);
    block->presented_cut = !end;
    block_quote(block, QUOTE_SUBJECT, line);
    return TRUE;
}

/* TargetHostname     = "api.example.com": said once more below the error. */
static gboolean take_target_again(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice name;
    gboolean open = FALSE;

    slice_skip_blanks(&rest);
    if (!slice_take(&rest, "=") || !block->events || !block_is_near(block))
        return FALSE;
    slice_skip_blanks(&rest);
    if (!slice_take_quoted(&rest, &name, &open) || open)
        return FALSE;
    block_join(block, line);
    if (!block->target)
        block->target = block_keep_value(block, name);
    return TRUE;
}

static gboolean take_sni(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_host_fact(block, line, rest, FACT_SNI);
}

/* SSL NI-hdl 463: local=192.0.2.10:56542  peer=198.51.100.7:443 / SSL NI-sock: unix domain socket="..." */
static gboolean take_peer(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice whole = rest, peer;

    if (!slice_find(rest, "local=", &rest) || !slice_find(rest, "peer=", &rest) || !slice_take_run(&rest, &peer)) {
        if (slice_find(whole, "unix domain socket=", &rest))
            block_fact(block, FACT_PEER, line, whole);
        return slice_find(whole, "unix domain socket=", &rest);
    }
    const char *colon = memrchr(peer.at, ':', peer.size);
    if (!colon || colon + 1 == peer.at + peer.size || !g_ascii_isdigit(colon[1]) ||
        (breaks_off(line) && rest.size == 0))
        return FALSE; /* cut, or the port is hidden */
    if (!block_fact(block, FACT_PEER, line, whole))
        return TRUE;
    if (block_keep_value(block, slice_of(peer.at, colon)))
        block->peer = block_keep(block, peer);
    block_quote(block, QUOTE_PEER, line);
    return TRUE;
}

/* SSL_get_state()==0x2120 "TLS read server hello A" */
static gboolean take_state(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice digits;
    uint64_t number = 0;

    slice_skip_blanks(&rest);
    if (!slice_take(&rest, "==") && !slice_take(&rest, "returned"))
        return FALSE;
    slice_skip_blanks(&rest);
    if (!slice_take(&rest, "0x") || !slice_take_hex(&rest, &digits, &number))
        return FALSE;
    if (!block_fact(block, FACT_STATE, line, digits))
        return TRUE;
    block->client = block->client || number >> 12 == 2;
    block->server = block->server || number >> 12 == 1;
    return TRUE;
}

static gboolean take_context(struct block *block, const struct trace_line *line, gboolean server)
{
    if (!block->events || !block_is_near(block))
        return FALSE;
    block_join(block, line);
    block->server = block->server || server;
    block->client = block->client || !server;
    return TRUE;
}

static gboolean take_client_context(struct block *block, const struct trace_line *line, struct slice rest)
{
    (void)rest;
    return take_context(block, line, FALSE);
}

static gboolean take_server_context(struct block *block, const struct trace_line *line, struct slice rest)
{
    (void)rest;
    return take_context(block, line, TRUE);
}

/* ---- Certificates: leaf first, each signer inside the verification result of what it signed ---- */

/* Whether a certificate's line may belong to the block: behind its end only if it stands close. */
static gboolean admits_certificates(struct block *block, const struct trace_line *line)
{
    if (!block_admits(block))
        return FALSE;
    block_join(block, line);
    if (block->n_lines > TRACE_BLOCK_LINES)
        block->cut = TRUE;
    return !block->other_tree && block->n_lines <= TRACE_BLOCK_LINES;
}

static struct trace_cert *next_certificate(struct block *block)
{
    block->next_cert = FALSE;
    if (block->n_chain == TRACE_CHAIN_CERTS) {
        block->cut = TRUE;
        block->other_tree = TRUE;
        return NULL;
    }
    return &block->chain[block->n_chain++];
}

/* The certificate that a line belongs to; a new one if that has been announced or there is none. */
static struct trace_cert *this_certificate(struct block *block)
{
    return block->next_cert || block->n_chain == 0 ? next_certificate(block) : &block->chain[block->n_chain - 1];
}

static struct slice take_value(struct slice rest)
{
    slice_skip_blanks(&rest);
    return slice_take(&rest, ":") ? slice_trim(rest) : (struct slice){rest.at, 0};
}

/* Whether the label ends here: "Subject :", "Subject:" and not "SubjectAltName:". */
static gboolean is_label(struct slice rest)
{
    slice_skip_blanks(&rest);
    return slice_begins(rest, ":");
}

static gboolean take_certificate(struct block *block, const struct trace_line *line, struct slice rest)
{
    if (!is_label(rest) || take_value(rest).size > 0)
        return FALSE;
    gboolean inner = block->after_cert;
    if (!admits_certificates(block, line))
        return TRUE;
    if (block->n_chain > 0 && !block->next_cert && !inner)
        block->next_tree = TRUE; /* its first subject decides whether it continues the chain */
    block->after_cert = TRUE;
    return TRUE;
}

static gboolean take_signer(struct block *block, const struct trace_line *line, struct slice rest)
{
    if (!is_label(rest) || !admits_certificates(block, line))
        return FALSE;
    block->next_cert = TRUE;
    block->after_cert = TRUE;
    return TRUE;
}

/*
 * Signs of a name that was cut: dots for what is missing, an open quote, the end of a part that nothing follows, an end
 * of input that is not a country's.
 */
static struct slice whole_name(const struct trace_line *line, struct slice name, gboolean *cut)
{
    static const char *const marks[] = {"[...]", "...", "\xe2\x80\xa6"};

    *cut = line->cut || name.size > BLOCK_TEXT_BYTES;
    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        if (slice_ends(name, marks[i])) {
            name.size -= strlen(marks[i]);
            *cut = TRUE;
            break;
        }
    }
    gboolean country = name.size >= 4 && memcmp(name.at + name.size - 4, "C=", 2) == 0;
    if (count_of(name, '"') % 2 == 1 || slice_ends(name, ",") || slice_ends(name, "=") ||
        (breaks_off(line) && !country))
        *cut = TRUE;
    return slice_trim(name);
}

/* Whether a certificate that nobody announced is the signer of the one before, so that the chain goes on with it. */
static gboolean continues_chain(const struct block *block, struct slice subject)
{
    const char *issuer = block->chain[block->n_chain - 1].issuer;
    return !issuer ? !block->next_tree : slice_equals(subject, issuer);
}

static gboolean take_subject(struct block *block, const struct trace_line *line, struct slice rest)
{
    gboolean cut = FALSE;
    struct slice name = take_value(rest);

    if (name.size == 0 || !admits_certificates(block, line))
        return FALSE;
    name = whole_name(line, name, &cut);
    if (block->n_chain > 0 && !block->next_cert && (block->next_tree || block->chain[block->n_chain - 1].subject)) {
        block->other_tree = !continues_chain(block, name);
        block->next_cert = !block->other_tree;
        block->next_tree = FALSE;
    }
    struct trace_cert *cert = block->other_tree ? NULL : this_certificate(block);
    if (!cert || !(cert->subject = block_keep_value(block, name)))
        return TRUE;
    cert->subject_cut = cut;
    note_name_end(block, line, &cert->subject_cut);
    block_quote(block, block->n_chain == 1 ? QUOTE_SUBJECT : QUOTE_TOP_SUBJECT, line);
    return TRUE;
}

static gboolean take_issuer(struct block *block, const struct trace_line *line, struct slice rest)
{
    gboolean cut = FALSE;
    struct slice name = take_value(rest);

    if (name.size == 0 || !admits_certificates(block, line))
        return FALSE;
    name = whole_name(line, name, &cut);
    struct trace_cert *cert = this_certificate(block);
    if (!cert || cert->issuer || !(cert->issuer = block_keep_value(block, name)))
        return TRUE;
    cert->issuer_cut = cut;
    note_name_end(block, line, &cert->issuer_cut);
    block_quote(block, block->n_chain == 1 ? QUOTE_ISSUER : QUOTE_TOP_ISSUER, line);
    return TRUE;
}

/* Details of the certificate whose subject was the last one. */
static struct trace_cert *detailed_certificate(struct block *block, const struct trace_line *line)
{
    if (block->n_chain == 0 || block->next_cert || !admits_certificates(block, line))
        return NULL;
    return &block->chain[block->n_chain - 1];
}

/* Serial number:0x0A06..., Serial Number: 0A:06:... */
static gboolean take_serial(struct block *block, const struct trace_line *line, struct slice rest)
{
    slice_skip_blanks(&rest);
    if (!slice_take(&rest, "number") && !slice_take(&rest, "Number"))
        return FALSE;
    struct slice value = take_value(rest);
    struct trace_cert *cert = detailed_certificate(block, line);
    if (!cert || cert->serial || breaks_off(line))
        return FALSE;
    slice_take(&value, "0x");
    char digits[128];
    size_t n = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.at[i] == ':')
            continue;
        if (!g_ascii_isxdigit(value.at[i]) || n == sizeof digits)
            return FALSE;
        digits[n++] = g_ascii_toupper(value.at[i]);
    }
    if (n == 0)
        return FALSE;
    g_autoptr(GString) pairs = g_string_new(n % 2 ? "0" : "");
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 2 == 0)
            g_string_append_c(pairs, ':');
        g_string_append_c(pairs, digits[i]);
    }
    cert->serial = block_keep(block, slice_text(pairs->str));
    return TRUE;
}

/* The hex digits of a fingerprint, in groups or pairs or none, as lower case; at most those of SHA-256. */
static gboolean take_digits(struct slice value, char digits[65], size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.at[i] == ':' || slice_is_blank(value.at[i]))
            continue;
        if (!g_ascii_isxdigit(value.at[i]) || *n == 64)
            return FALSE;
        digits[(*n)++] = g_ascii_tolower(value.at[i]);
    }
    return TRUE;
}

/* Fingerprint_SHA1:0011 2233 ..., Fingerprint_MD5:00:11:... */
static gboolean take_fingerprint(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct slice kind;
    char digits[65];
    size_t n = 0;

    if (!slice_take_word(&rest, &kind))
        return FALSE;
    struct slice value = take_value(rest);
    struct trace_cert *cert = detailed_certificate(block, line);
    if (!cert)
        return FALSE;
    if (!take_digits(value, digits, &n))
        return FALSE;
    const char **place = slice_equals(kind, "MD5") && n == 32      ? &cert->md5
                         : slice_equals(kind, "SHA1") && n == 40   ? &cert->sha1
                         : slice_equals(kind, "SHA256") && n == 64 ? &cert->sha256
                                                                   : NULL;
    if (!place || *place)
        return FALSE;
    *place = block_keep(block, (struct slice){digits, n});
    return TRUE;
}

/* Verification result: of the certificate above; SignerVerificationResult: of the one that signed it. */
static gboolean take_result(struct block *block, const struct trace_line *line, gboolean signer)
{
    if (block->n_chain == 0 || block->next_cert || !admits_certificates(block, line))
        return FALSE;
    block->level = signer ? block->n_chain : block->n_chain - 1;
    return TRUE;
}

static gboolean take_own_result(struct block *block, const struct trace_line *line, struct slice rest)
{
    return is_label(rest) && take_result(block, line, FALSE);
}

static gboolean take_signer_result(struct block *block, const struct trace_line *line, struct slice rest)
{
    return is_label(rest) && take_result(block, line, TRUE);
}

static gboolean take_check(struct block *block, const struct trace_line *line, struct slice rest, const char *check)
{
    struct slice value = take_value(rest);

    if (!slice_begins(value, "Not successful") && !slice_begins(value, "Successful"))
        return FALSE;
    if (block->n_chain == 0 || !admits_certificates(block, line) || slice_begins(value, "Successful"))
        return TRUE;
    if (check ? !block->checks[block->level] : !block->failed_status)
        block_quote(block, QUOTE_CHECK, line);
    if (!check)
        block->failed_status = TRUE;
    else if (!block->checks[block->level])
        block->checks[block->level] = check;
    return TRUE;
}

static gboolean take_status(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_check(block, line, rest, NULL);
}

static gboolean take_validity(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_check(block, line, rest, "Validity");
}

static gboolean take_constraints(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_check(block, line, rest, "BasicConstraints");
}

static gboolean take_key_usage(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_check(block, line, rest, "KeyUsage");
}

/* What else is printed of a certificate: understood, and of no use here. */
static gboolean take_detail(struct block *block, const struct trace_line *line, struct slice rest)
{
    if (!block->begun || !block_is_near(block) || !is_label(rest))
        return FALSE;
    block_join(block, line);
    return TRUE;
}

/* Not after :Thu Dec 31 19:00:01 2037: the host's local time, as that of a stamp. */
static gboolean take_when(struct block *block, const struct trace_line *line, struct slice rest, gboolean after)
{
    struct trace_cert *cert = is_label(rest) ? detailed_certificate(block, line) : NULL;
    const char **place = cert ? after ? &cert->not_after : &cert->not_before : NULL;
    char text[MOMENT_TEXT_BYTES];
    int64_t local;

    if (place && !*place && !line->torn && trace_stamp_take(take_value(rest), &local))
        *place =
            block_keep(block, (struct slice){moment_format(text, local), strcspn(moment_format(text, local), "Z")});
    return take_detail(block, line, rest);
}

static gboolean take_not_before(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_when(block, line, rest, FALSE);
}

static gboolean take_not_after(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_when(block, line, rest, TRUE);
}

enum detail { DETAIL_KEY_TYPE, DETAIL_KEY_BITS, DETAIL_SIGNATURE };

/* The first word: of "rsaEncryption (1.2.840.113549.1.1.1)" what stands before its number. */
static gboolean take_word(struct block *block, const struct trace_line *line, struct slice rest, enum detail detail)
{
    struct trace_cert *cert = is_label(rest) ? detailed_certificate(block, line) : NULL;
    struct slice value = take_value(rest), word;
    const char **place = !cert                       ? NULL
                         : detail == DETAIL_KEY_TYPE ? &cert->key_type
                         : detail == DETAIL_KEY_BITS ? &cert->key_bits
                                                     : &cert->signature_algorithm;

    if (place && !*place && !line->torn && slice_take_run(&value, &word) && word.size <= DETAIL_BYTES)
        *place = block_keep_value(block, word);
    return take_detail(block, line, rest);
}

static gboolean take_key_type(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_word(block, line, rest, DETAIL_KEY_TYPE);
}

static gboolean take_key_bits(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_word(block, line, rest, DETAIL_KEY_BITS);
}

static gboolean take_signature(struct block *block, const struct trace_line *line, struct slice rest)
{
    return take_word(block, line, rest, DETAIL_SIGNATURE);
}

/* PK_Fingerprint_MD5:00FF 11EE ...: of the public key. */
static gboolean take_key_fingerprint(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct trace_cert *cert = is_label(rest) ? detailed_certificate(block, line) : NULL;
    char digits[65];
    size_t n = 0;

    if (cert && !cert->key_md5 && take_digits(take_value(rest), digits, &n) && n == 32)
        cert->key_md5 = block_keep(block, (struct slice){digits, n});
    return take_detail(block, line, rest);
}

/* ---- The table ---- */

typedef gboolean take_function(struct block *block, const struct trace_line *line, struct slice rest);

/* ${word} begins the body.  ${keep}: the function wants the word too.  Of several rows that fit, the first that takes
 * the line; rows with the same first letter must stand together. */
static struct row {
    const char *word;
    take_function *take;
    gboolean keep;
    size_t size; /* of the word; set with the index */
} rows[] = {
    {"->>", take_api, TRUE, 0},
    {"0x", take_stack_code, FALSE, 0},
    {"<<-", take_api, TRUE, 0},
    {"<<", take_stack_mark, TRUE, 0},
    {"=>", take_arrow, FALSE, 0},
    {">>", take_stack_mark, TRUE, 0},
    {"BasicConstraints", take_constraints, FALSE, 0},
    {"Certificate", take_certificate, FALSE, 0},
    {"Client SSL_CTX ", take_client_context, FALSE, 0},
    {"DirectlyTrusted", take_detail, FALSE, 0},
    {"ERROR", take_error_line, FALSE, 0},
    {"Fingerprint_", take_fingerprint, FALSE, 0},
    {"HttpIsReverseProxyTrustworthy:", take_reverse_proxy, FALSE, 0},
    {"HttpCertIsReverseProxyTrustworthy:", take_reverse_proxy, FALSE, 0},
    {"IcmConnInit", take_icm, FALSE, 0},
    {"Issuer", take_issuer, FALSE, 0},
    {"KeyUsage", take_key_usage, FALSE, 0},
    {"Key type", take_key_type, FALSE, 0},
    {"Key size", take_key_bits, FALSE, 0},
    {"Key", take_detail, FALSE, 0},
    {"Not before", take_not_before, FALSE, 0},
    {"Not after", take_not_after, FALSE, 0},
    {"ObjectStatus", take_detail, FALSE, 0},
    {"PK_Fingerprint_MD5", take_key_fingerprint, FALSE, 0},
    {"Profile", take_detail, FALSE, 0},
    {"Reject untrusted forwarded certificate", take_rejected, TRUE, 0},
    {"SANs", take_detail, FALSE, 0},
    {"SSL NI-", take_peer, FALSE, 0},
    {"SSL handshake with", take_text_headline, FALSE, 0},
    {"SSL:SSL_get_state()", take_state, FALSE, 0},
    {"SSL_get_state()", take_state, FALSE, 0},
    {"SSL::Si", take_call, FALSE, 0},
    {"SapSSL", take_return, TRUE, 0},
    {"Serial", take_serial, FALSE, 0},
    {"Server SSL_CTX ", take_server_context, FALSE, 0},
    {"ServerCert.subject", take_presented, FALSE, 0},
    {"Signature algorithm", take_signature, FALSE, 0},
    {"SignerCert", take_signer, FALSE, 0},
    {"SignerVerificationResult", take_signer_result, FALSE, 0},
    {"SignerStatus", take_status, FALSE, 0},
    {"Status", take_status, FALSE, 0},
    {"Subject", take_subject, FALSE, 0},
    {"SS", take_code_line, TRUE, 0},
    {"TLSextSNI server_name=", take_sni, FALSE, 0},
    {"Target Hostname=", take_target, FALSE, 0},
    {"TargetHostname", take_target_again, FALSE, 0},
    {"Validity", take_validity, FALSE, 0},
    {"Validity", take_detail, FALSE, 0},
    {"Verification result", take_own_result, FALSE, 0},
    {"cli SSL session PSE", take_client_store, FALSE, 0},
    {"failed:", take_torn_headline, TRUE, 0},
    {"in:", take_api_value, FALSE, 0},
    {"secude_error", take_secude_error, FALSE, 0},
    {"session uses PSE", take_session_store, FALSE, 0},
    {"srv SSL session PSE", take_server_store, FALSE, 0},
};

/* For each first letter its first row, plus one. */
static const uint8_t *row_index(void)
{
    static uint8_t first[256];
    static gsize filled;

    if (g_once_init_enter(&filled)) {
        for (size_t i = G_N_ELEMENTS(rows); i-- > 0;) {
            uint8_t letter = (uint8_t)rows[i].word[0];
            g_assert(first[letter] == 0 || first[letter] == i + 2);
            first[letter] = (uint8_t)(i + 1);
            rows[i].size = strlen(rows[i].word);
        }
        g_once_init_leave(&filled, 1);
    }
    return first;
}

/* The stars of *** ERROR, which people's copies have lost or doubled. */
static struct slice without_stars(struct slice body)
{
    struct slice rest = body;
    while (slice_take(&rest, "*")) {
    }
    slice_skip_blanks(&rest);
    return slice_begins(rest, "ERROR") ? rest : body;
}

static gboolean take_row(struct block *block, const struct trace_line *line, struct slice body)
{
    if (body.size == 0)
        return FALSE;
    body = without_stars(body);
    gboolean after_cert = block->after_cert;
    block->after_cert = FALSE;
    for (size_t i = row_index()[(uint8_t)body.at[0]]; i > 0; i++) {
        const struct row *row = &rows[i - 1];
        struct slice rest = body;
        if (i > G_N_ELEMENTS(rows) || row->word[0] != body.at[0])
            break;
        if (rest.size < row->size || memcmp(rest.at, row->word, row->size) != 0)
            continue;
        rest = slice_from(rest, row->size);
        block->after_cert = after_cert && row->take == take_certificate;
        if (row->take(block, line, row->keep ? body : rest))
            return TRUE;
    }
    return take_start(block, line, body);
}

/* Lines without a mark of their own: a headline behind other words, a text of the library. */
static gboolean take_anywhere(struct block *block, const struct trace_line *line, struct slice body)
{
    struct slice rest;

    if (slice_begins(body, "->>") || slice_begins(body, "<<-"))
        return FALSE;
    if (line->telling && slice_find(body, "SSL handshake with", &rest)) {
        struct slice before = slice_of(body.at, rest.at - strlen("SSL handshake with"));
        struct slice ignored;
        if (take_handshake(block, line, rest, slice_find(before, "ERROR =>", &ignored)))
            return TRUE;
    }
    if (block->begun && (!block_is_near(block) || (block->settled && block->quiet > 3)))
        return FALSE;
    if (!scan_text(block, line, body, breaks_off(line)))
        return FALSE;
    block_join(block, line);
    return TRUE;
}

/* A piece of a certificate in base64, or the frame of PEM round it. */
static gboolean take_received(struct block *block, const struct trace_line *line, struct slice body)
{
    gboolean frame = block->begun && (slice_begins(body, "-----BEGIN CERTIFICATE-----") ||
                                      slice_begins(body, "-----END CERTIFICATE-----"));

    if (!block_admits(block))
        return FALSE;
    if (!frame && !received_take(&block->received, body, block->events == 0))
        return FALSE;
    block_join(block, line);
    return TRUE;
}

static gboolean take_body(struct block *block, const struct trace_line *line, struct slice body)
{
    struct slice stripped = body;

    if (take_row(block, line, body) || take_received(block, line, body))
        return TRUE;
    if (body.size > 3 && g_ascii_isupper(body.at[0]) && slice_is_blank(body.at[1]) && /* a component: M, N, ... */
        take_row(block, line, slice_trim(slice_from(body, 1))))
        return TRUE;
    if (trace_copied_strip_mark(&stripped)) {
        struct trace_line listed = *line;
        listed.listed = TRUE;
        while (trace_copied_strip_mark(&stripped)) {
        }
        if (take_row(block, &listed, stripped))
            return TRUE;
    }
    return take_anywhere(block, line, body);
}

/* Behind an error: other lines of the message, joined by "#" as in a list of ABAP, else text. */
static gboolean take_pieces(struct block *block, const struct trace_line *line, struct slice rest)
{
    struct trace_line part = *line;
    gboolean quoted = FALSE;
    size_t start = 0;

    part.piece = TRUE;
    if (line->piece || !memchr(rest.at, '#', rest.size)) {
        struct slice code = rest;
        uint64_t number = 0;
        while (slice_find(code, "failed", &code))
            if (take_library_code(&code, &number))
                note_library_code(block, number);
        return scan_text(block, line, rest, FALSE);
    }
    for (size_t i = 0, pieces = 0; i <= rest.size && pieces < PIECES; i++) {
        if (i < rest.size && rest.at[i] == '"')
            quoted = !quoted;
        if (i < rest.size && (quoted || rest.at[i] != '#'))
            continue;
        struct slice piece = slice_trim((struct slice){rest.at + start, i - start});
        start = i + 1;
        pieces++;
        if (piece.size > 0)
            take_body(block, &part, piece);
    }
    return TRUE;
}

/* Whether ${line}, which tells nothing, may be the rest of a name that was cut where the line above it ends. */
static gboolean is_rest_of_name(const struct block *block, const struct trace_line *line)
{
    size_t i = 0;

    if (line->prefixed || line->piece || line->body.size == 0 || (block->name_ends && line->body.at[0] != ','))
        return FALSE;
    if (!line->alone)
        return TRUE;
    while (i < line->body.size && (slice_is_word(line->body.at[i]) || line->body.at[i] == ' '))
        i++;
    return block->name_bytes >= WRAPPED_BYTES && (i == line->body.size || line->body.at[i] != ':');
}

gboolean trace_line_take(struct block *block, const struct trace_line *line)
{
    gboolean *cut = block->name_cut;

    block->name_cut = NULL;
    gboolean told = take_body(block, line, line->body);
    if (cut && !told && is_rest_of_name(block, line))
        *cut = TRUE;
    return told;
}
