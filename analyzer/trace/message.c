#include "message.h"

#include "trace_line.h"
#include "trace_verdict.h"

#include <string.h>

/*
 * What ABAP programs see of the ICM: the name and the number that takes the place of an HTTP status.  The numbers up to
 * 418 are those of ABAP's type group for the ICM; 421 stands in public reports only.  407 is any failure of TLS.
 */
static const struct {
    const char *name;
    int status;
    enum block_sign sign;
} abap_errors[] = {
    {"ICM_HTTP_SSLPROXY_ERROR", 408, SIGN_PROXY},
    {"ICM_HTTP_SSL_CRED_NOT_FOUND", 414, SIGN_STORE},
    {"ICM_HTTP_SSL_CERT_MISMATCH", 415, SIGN_MISMATCH},
    {"ICM_HTTP_SSL_PEER_CERT_EXPIRED", 418, SIGN_EXPIRED},
    {"ICM_HTTP_SSL_PEER_CERT_UNTRUSTED", 421, SIGN_UNTRUSTED},
};

struct named { /* an error in a text */
    char name[80];
    struct slice word; /* ... as it stands there */
    struct slice rest; /* what follows it */
    int status;        /* of ABAP; 0: not known, or no error of ABAP */
    gboolean abap, tls;
};

static gboolean take_abap_name(struct named *named)
{
    const struct slice word = named->word;

    if (word.size >= sizeof named->name || word.size < 10 || g_ascii_strncasecmp(word.at, "ICM_HTTP_", 9) != 0)
        return FALSE;
    for (size_t i = 0; i <= word.size; i++)
        named->name[i] = i < word.size ? g_ascii_toupper(word.at[i]) : '\0';
    named->abap = TRUE;
    named->tls = g_str_has_prefix(named->name, "ICM_HTTP_SSL");
    named->status = strcmp(named->name, "ICM_HTTP_SSL_ERROR") == 0 ? 407 : 0;
    for (size_t i = 0; i < G_N_ELEMENTS(abap_errors); i++)
        if (strcmp(named->name, abap_errors[i].name) == 0)
            named->status = abap_errors[i].status;
    return TRUE;
}

static gboolean take_library_name(struct named *named)
{
    char upper[sizeof named->name];
    struct slice rest = {upper, named->word.size}, name;

    if (named->word.size >= sizeof upper)
        return FALSE;
    for (size_t i = 0; i < named->word.size; i++)
        upper[i] = g_ascii_toupper(named->word.at[i]);
    named->tls = trace_line_take_error(&rest, named->name, sizeof named->name, &name) && rest.size == 0;
    return named->tls;
}

/* The next error that ${text} names; what stands before the end of its name is taken off. */
static gboolean next_named(struct slice *text, struct named *named)
{
    while (text->size > 0) {
        *named = (struct named){.name = ""};
        if (!slice_take_word(text, &named->word)) {
            *text = slice_from(*text, 1);
            continue;
        }
        char first = g_ascii_toupper(named->word.at[0]);
        named->rest = *text;
        if ((first == 'I' && take_abap_name(named)) || (first == 'S' && take_library_name(named)))
            return TRUE;
    }
    return FALSE;
}

/* ---- The other side ---- */

static gboolean is_host_character(char c)
{
    return g_ascii_isalnum(c) || c == '.' || c == '-';
}

/* "api.example.com:443/v1": a name of several labels, or any name before a port. */
static gboolean take_host(struct slice text, struct slice *host, int *port, gboolean sure)
{
    int64_t number = 0;
    size_t size = 0, dots = 0;

    while (size < text.size && is_host_character(text.at[size])) {
        dots += text.at[size] == '.';
        size++;
    }
    while (size > 0 && !g_ascii_isalnum(text.at[size - 1]))
        size--; /* the end of a sentence */
    if (size == 0 || !g_ascii_isalnum(text.at[0]))
        return FALSE;
    struct slice rest = slice_from(text, size);
    if (!slice_take(&rest, ":") || !slice_take_number(&rest, &number) || number > UINT16_MAX)
        number = 0;
    if (!sure && (number == 0 || dots == 0))
        return FALSE;
    *host = (struct slice){text.at, size};
    *port = (int)number;
    return TRUE;
}

/* The host of a URL, or one that stands before its port. */
static gboolean find_host(struct slice line, struct slice *host, int *port)
{
    struct slice rest;

    if (slice_find_fold(line, "https://", &rest) && take_host(rest, host, port, TRUE))
        return TRUE;
    for (size_t at = 0; at < line.size; at++)
        if ((at == 0 || !is_host_character(line.at[at - 1])) && take_host(slice_from(line, at), host, port, FALSE))
            return TRUE;
    return FALSE;
}

/* Behind the end, the number that ABAP shows with the name: (421, NAME), "HTTP error 421". */
static gboolean has_number(struct slice line, int number)
{
    for (size_t at = 0; at < line.size; at++) {
        struct slice rest = slice_from(line, at);
        int64_t found = 0;
        if ((at == 0 || !slice_is_word(line.at[at - 1])) && slice_take_number(&rest, &found) && found == number &&
            (rest.size == 0 || !slice_is_word(rest.at[0])))
            return TRUE;
    }
    return FALSE;
}

/* ---- Lines ---- */

static struct slice line_of(struct slice text, const char *at)
{
    const char *above = memrchr(text.at, '\n', (size_t)(at - text.at));
    const char *below = memchr(at, '\n', (size_t)(text.at + text.size - at));
    struct slice line = slice_of(above ? above + 1 : text.at, below ? below : text.at + text.size);

    if (slice_ends(line, "\r"))
        line.size--;
    return line;
}

/* In the line itself, else in the nearest one above, else below. */
static gboolean find_near_host(struct slice text, struct slice line, struct slice *host, int *port)
{
    struct slice near = line;

    if (find_host(line, host, port))
        return TRUE;
    for (int i = 0; i < MESSAGE_NEAR_LINES && near.at > text.at; i++) {
        near = line_of(text, near.at - 1);
        if (find_host(near, host, port))
            return TRUE;
    }
    near = line;
    for (int i = 0; i < MESSAGE_NEAR_LINES; i++) {
        const char *feed = memchr(near.at, '\n', (size_t)(text.at + text.size - near.at));
        if (!feed || feed + 1 == text.at + text.size)
            return FALSE;
        near = line_of(text, feed + 1);
        if (find_host(near, host, port))
            return TRUE;
    }
    return FALSE;
}

static unsigned number_of(struct slice text, const char *at)
{
    unsigned number = 1;

    for (const char *feed = text.at; (feed = memchr(feed, '\n', (size_t)(at - feed))); feed++)
        number++;
    return number;
}

static void sign(struct block *block, const struct named *named)
{
    struct slice name = slice_text(block->error), rest;

    for (size_t i = 0; i < G_N_ELEMENTS(abap_errors); i++)
        if (strcmp(block->error, abap_errors[i].name) == 0)
            block_sign(block, abap_errors[i].sign);
    if (!named->abap && slice_find(name, "_", &rest))
        verdict_error(block, rest, 0);
}

static void add_failure(struct trace *trace, struct slice text, const struct named *named, GHashTable *seen)
{
    struct trace_line line = {.raw = line_of(text, named->word.at), .number = number_of(text, named->word.at)};
    struct slice host = {"", 0};
    int port = 0;

    find_near_host(text, line.raw, &host, &port);
    if (!g_hash_table_add(seen, g_strdup_printf("%s %.*s", named->name, (int)host.size, host.at)))
        return;
    struct block *block = block_new(trace, verdict_add);
    block->error = block_keep(block, slice_text(named->name));
    block->host = host.size > 0 ? block_keep_value(block, host) : NULL;
    block->port = port;
    block->message = TRUE;
    block->client = named->abap; /* a program that calls somebody sees these */
    block->line = line.number;
    block->offset = trace_sample_offset(trace, (size_t)(line.raw.at - text.at));
    struct slice rest = named->rest;
    block->code = named->abap ? 0 : trace_line_take_code(&rest);
    if (named->status && has_number(line.raw, named->status))
        block->code = named->status;
    sign(block, named);
    block_quote(block, QUOTE_ENDING, &line);
    verdict_add(block);
    block_free(block);
}

void message_find(struct trace *trace)
{
    struct slice text = {trace->sample->str, trace->sample->len};
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct named named;

    if (trace->found > 0 || trace->prefixed)
        return;
    struct slice rest = text;
    for (int names = 0; names < MESSAGE_NAMES && next_named(&rest, &named); names++)
        if (named.tls && g_hash_table_size(seen) < MESSAGE_ERRORS)
            add_failure(trace, text, &named, seen);
}

char *message_mentions(const struct trace *trace)
{
    struct slice text = {trace->sample->str, trace->sample->len};
    struct named named;

    return next_named(&text, &named) ? g_strndup(named.word.at, named.word.size) : NULL;
}
