#include "trace_block.h"

#include "moment.h"
#include "text.h"

#include <stddef.h>

/* Lines that come at the beginning of a story in the usual order, and those that are its end. */
#define OPENINGS                                                                                                       \
    (BLOCK_BIT(EVENT_DURING) | BLOCK_BIT(EVENT_STACK) | BLOCK_BIT(EVENT_STACK_END) | BLOCK_BIT(EVENT_START) |          \
     BLOCK_BIT(EVENT_SECUDE))
#define ENDINGS                                                                                                        \
    (BLOCK_BIT(EVENT_ICM) | BLOCK_BIT(EVENT_HEADLINE) | BLOCK_BIT(EVENT_TEXT) | BLOCK_BIT(EVENT_CODE) |                \
     BLOCK_BIT(EVENT_RETURN) | BLOCK_BIT(EVENT_PROXY))

#define STATE(block) ((char *)(block) + offsetof(struct block, events))
#define STATE_BYTES  (sizeof(struct block) - offsetof(struct block, events))

static gboolean is_begun(const struct block_context *context)
{
    return context->facts || context->server || context->client;
}

void block_clear(struct block *block)
{
    block->in_call = FALSE;
    block->call = 0;
    if (!block->begun && !is_begun(&block->near) && !is_begun(&block->far))
        return;
    g_string_chunk_clear(block->strings);
    received_reset(&block->received);
    memset(STATE(block), 0, STATE_BYTES);
    block->local = block->latest_local = MOMENT_NONE;
    block->quiet = block->n_lines = block->n_after = 0;
}

struct block *block_new(struct trace *trace, block_failure *failure)
{
    struct block *block = g_new0(struct block, 1);
    block->trace = trace;
    block->failure = failure;
    block->strings = g_string_chunk_new(4000);
    received_init(&block->received);
    block->local = block->latest_local = MOMENT_NONE;
    return block;
}

void block_free(struct block *block)
{
    if (!block)
        return;
    g_string_chunk_free(block->strings);
    received_clear(&block->received);
    g_free(block->before);
    g_free(block);
}

static void use_context(struct block *block);

void block_end(struct block *block)
{
    if (!block->trial && block_is_failure(block)) {
        use_context(block);
        block->failure(block);
    }
    block_clear(block);
}

/* ---- What stands above ---- */

static const enum block_quote context_quotes[BLOCK_CONTEXT_QUOTES] = {QUOTE_STORE, QUOTE_TARGET, QUOTE_PEER};

/* The facts of the block, which are then no longer its own. */
static struct block_context take_context(struct block *block)
{
    struct block_context context = {
        .facts = block->facts,
        .store = block->store,
        .sni = block->sni,
        .target = block->target,
        .peer = block->peer,
        .store_cut = block->store_cut,
        .server = block->server,
        .client = block->client,
        .handle = block->handle ? block->handle : block->call,
        .part = block->part,
        .line = block->line,
        .offset = block->offset,
        .position = block->position,
        .n_lines = block->n_lines,
        .n_seen = block->n_seen + block->n_after,
        .n_known = block->n_known,
    };
    memcpy(context.values, block->values, sizeof context.values);
    for (size_t i = 0; i < BLOCK_CONTEXT_QUOTES; i++) {
        context.quotes[i] = block->quotes[context_quotes[i]];
        block->quotes[context_quotes[i]].number = 0;
    }
    block->facts = 0;
    block->store = block->sni = block->target = block->peer = NULL;
    block->store_cut = block->server = block->client = FALSE;
    block->handle = 0;
    return context;
}

/* Whether both know it, and not the same. */
static gboolean differ(const struct block *block, const struct block_context *context, enum block_fact fact)
{
    return block->facts & context->facts & BLOCK_BIT(fact) && block->values[fact] != context->values[fact];
}

static gboolean is_address(const char *host)
{
    return host[strspn(host, "0123456789.:[]")] == '\0';
}

static gboolean differ_in_host(const struct block *block, const struct block_context *context)
{
    const char *own[] = {block->target, block->sni, block->host}, *above[] = {context->target, context->sni};
    gboolean differ = FALSE;

    for (size_t i = 0; i < G_N_ELEMENTS(own) * G_N_ELEMENTS(above); i++) {
        const char *one = own[i % G_N_ELEMENTS(own)], *other = above[i / G_N_ELEMENTS(own)];
        if (!one || !other || is_address(one) || is_address(other))
            continue;
        if (g_ascii_strcasecmp(one, other) == 0)
            return FALSE;
        differ = TRUE;
    }
    return differ;
}

/* Whether what stands above may be of the block's connection: one fact that is another's makes all of them another's.
 */
static gboolean fits(const struct block *block, const struct block_context *context)
{
    gboolean server = block->server && !block->client, client = block->client && !block->server;

    return !differ(block, context, FACT_STORE) && !differ(block, context, FACT_PEER) &&
           !differ_in_host(block, context) && !(block->handle && context->handle && block->handle != context->handle) &&
           !(server && ((context->client && !context->server) || context->target || context->sni)) &&
           !(client && context->server && !context->client);
}

/* Whether both name the same connection. */
static gboolean is_tied(const struct block *block, const struct block_context *context)
{
    return (block->handle && block->handle == context->handle) ||
           (block->facts & context->facts & BLOCK_BIT(FACT_PEER) && !differ(block, context, FACT_PEER));
}

static void fill_in(struct block *block, const struct block_context *context)
{
    for (size_t i = 0; i < QUOTES; i++)
        if (block->quotes[i].number > 0)
            block->quotes[i].number += context->n_lines;
    for (size_t i = 0; i < BLOCK_CONTEXT_QUOTES; i++)
        if (block->quotes[context_quotes[i]].number == 0)
            block->quotes[context_quotes[i]] = context->quotes[i];
    if (!(block->facts & BLOCK_BIT(FACT_STORE))) {
        block->store = context->store;
        block->store_cut = context->store_cut;
    }
    block->target = block->target ? block->target : context->target;
    block->sni = block->sni ? block->sni : context->sni;
    if (!(block->facts & BLOCK_BIT(FACT_PEER)))
        block->peer = context->peer;
    if (!block->server && !block->client) {
        block->server = context->server;
        block->client = context->client;
    }
    block->facts |= context->facts;
    block->handle = block->handle ? block->handle : context->handle;
    block->n_seen += context->n_seen;
    block->n_known += context->n_known;
    block->part = context->part;
    block->line = context->line;
    block->offset = context->offset;
    block->position = context->position;
}

/* The block has ended: what it does not say itself may stand above it. */
static void use_context(struct block *block)
{
    if (is_begun(&block->near) && fits(block, &block->near))
        fill_in(block, &block->near);
    if (is_begun(&block->far) && is_tied(block, &block->far) && fits(block, &block->far))
        fill_in(block, &block->far);
}

void block_break(struct block *block)
{
    if (!block->begun || block->in_call || block->n_chain > 0 ||
        block->events) /* it stands in the middle of what belongs together */
        return;
    if (block->story && is_begun(&block->near) && fits(block, &block->near))
        fill_in(block, &block->near);
    struct block_context context = take_context(block), far = block->far;
    if (is_begun(&context) && (context.facts & BLOCK_BIT(FACT_PEER) || context.handle))
        far = context;
    received_reset(&block->received);
    memset(STATE(block), 0, STATE_BYTES); /* the strings stay: ${far} has some */
    block->local = block->latest_local = MOMENT_NONE;
    block->quiet = block->n_lines = block->n_after = 0;
    block->far = far;
}

void block_set_context(struct block *block)
{
    if (!block->begun || block->events || block->story)
        return;
    block->near = take_context(block);
    if (block->n_chain > 0 || block->torn_headline || block->received.certs->len > 0) { /* these are its own */
        block->near.n_lines = block->near.n_seen = block->near.n_known = 0;
        return;
    }
    block->begun = FALSE;
    block->n_seen = block->n_known = block->n_after = block->quiet = 0;
}

/* ---- Whose lines ---- */

/* Lines from this one on may be of another connection. */
static void remember(struct block *block, enum block_fork kind, const struct trace_line *line)
{
    if (block->trial || line->above)
        return;
    if (!block->before)
        block->before = g_malloc(STATE_BYTES);
    memcpy(block->before, STATE(block), STATE_BYTES);
    block->before_certs = block->received.certs->len;
    block->fork = kind;
    block->fork_position = line->position;
}

/* They are. */
static void take_back(struct block *block)
{
    uint64_t position = block->fork_position;

    memcpy(STATE(block), block->before, STATE_BYTES);
    block->fork = FORK_NONE;
    g_ptr_array_set_size(block->received.certs, (int)MIN(block->before_certs, block->received.certs->len));
    block_end(block);
    block->replay = position;
    block->replays = TRUE;
}

enum next {             /* with what the next connection begins */
            NEXT_AGAIN, /* a fact that stood behind the end already */
            NEXT_FACT,
            NEXT_BEGIN,    /* of a story in the usual order, which has its facts inside */
            NEXT_HEADLINE, /* the end of a story whose facts stand before it */
            NEXT_END,      /* the same, where nothing but that can be */
};

static enum next next_of(enum block_event event)
{
    switch (event) {
    case EVENT_API:
    case EVENT_ICM:
        return NEXT_END;
    case EVENT_SOURCE:
    case EVENT_HEADLINE:
    case EVENT_TEXT:
    case EVENT_CODE:
    case EVENT_RETURN:
        return NEXT_HEADLINE;
    default:
        return NEXT_BEGIN;
    }
}

/*
 * Whether the facts behind the block's end are the next connection's.  A message lists them behind the end; where all
 * were known before it, it is the order of a trace that has them before each end.
 */
static gboolean is_of_next(const struct block *block, enum next next)
{
    switch (block->fork) {
    case FORK_TRAIL:
        return TRUE;
    case FORK_LIST:
        return next == NEXT_AGAIN  ? !block->confirmed
               : next == NEXT_FACT ? !block->confirmed || !block->listed
                                   : next >= NEXT_HEADLINE && !block->listed;
    case FORK_TURN:
        return block->held && next == NEXT_END;
    default:
        return FALSE;
    }
}

/* The next connection begins. */
static void end_for_next(struct block *block, const struct trace_line *line, enum next next)
{
    if (block->fork_position == line->position)
        block->fork = FORK_NONE; /* of a line that was several the pieces can't be read once more */
    if (block->held_position == line->position)
        block->held = FALSE;
    if (is_of_next(block, next)) {
        take_back(block);
        return;
    }
    gboolean held = block->held;
    uint64_t position = block->held_position;
    block_end(block);
    if (held) {
        block->replay = position;
        block->replays = TRUE;
    }
}

gboolean block_has(const struct block *block, enum block_event event)
{
    return (block->events & BLOCK_BIT(event)) != 0;
}

gboolean block_is_failure(const struct block *block)
{
    unsigned stack = BLOCK_BIT(EVENT_STACK) | BLOCK_BIT(EVENT_STACK_END);

    if (block->events & ~stack)
        return TRUE;
    if (block->events) /* a stack with nothing in it is a heading */
        return block->n_chain > 0 || block->signs || block->reason || block->alert || block->inner_alert;
    return block->n_chain > 0 && (block->failed_status || block->signs & BLOCK_BIT(SIGN_UNTRUSTED_TEXT));
}

gboolean block_is_near(const struct block *block)
{
    return block->begun && (!(block->settled || block->reading) || block->quiet <= BLOCK_NEAR_LINES);
}

/* Whether the line's host is another one than that of the block.  An address may stand for any name. */
static gboolean is_other_host(const struct block *block, const struct slice *host)
{
    const char *known[] = {block->target, block->sni, block->host};
    gboolean other = FALSE;

    if (!host || host->size == 0 || host->size >= BLOCK_TEXT_BYTES)
        return FALSE;
    g_autofree char *name = g_strndup(host->at, host->size);
    if (is_address(name))
        return FALSE;
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (!known[i] || is_address(known[i]))
            continue;
        if (g_ascii_strcasecmp(known[i], name) == 0)
            return FALSE;
        other = TRUE;
    }
    return other;
}

/* Whether the line's host is that of the block. */
static gboolean is_own_host(const struct block *block, const struct slice *host)
{
    return (block->target || block->sni || block->host) && host->size > 0 && !is_other_host(block, host);
}

/* Whether what stands directly above names the block's connection. */
static gboolean is_near_own(const struct block *block)
{
    const char *above[] = {block->near.target, block->near.sni};

    if (!is_begun(&block->near) || !fits(block, &block->near))
        return FALSE;
    for (size_t i = 0; i < G_N_ELEMENTS(above); i++)
        if (block->host && above[i] && g_ascii_strcasecmp(block->host, above[i]) == 0)
            return TRUE;
    return block->handle && block->handle == block->near.handle;
}

/* A name that a line's end cut off fits the whole one. */
static gboolean is_other_error(const struct block *block, const char *error)
{
    return error && block->error && !g_str_has_prefix(error, block->error) && !g_str_has_prefix(block->error, error);
}

/*
 * Newer programs write the end of the story first: API error, ICM line, state, and then "ERROR during ...".  In the
 * usual order the same lines would be the end of one block, which has had its "during" before, and the beginning of the
 * next.
 */
static gboolean may_turn(const struct block *block)
{
    unsigned never = BLOCK_BIT(SIGN_PROXY) | BLOCK_BIT(SIGN_MISMATCH) | BLOCK_BIT(SIGN_EXPIRED) |
                     BLOCK_BIT(SIGN_NOT_TLS) | BLOCK_BIT(SIGN_CLOSED) |
                     BLOCK_BIT(SIGN_STORE); /* no error of the library stands behind these */

    return !(block->events & (OPENINGS | BLOCK_BIT(EVENT_RETURN) | BLOCK_BIT(EVENT_TEXT) | BLOCK_BIT(EVENT_CODE))) &&
           !(block->signs & never) && (block_has(block, EVENT_ICM) || (block_has(block, EVENT_API) && block->trailed));
}

static gboolean is_alerted(const struct block *block)
{
    return block->alert != 0 || block->inner_alert > 0 ||
           block->signs & (BLOCK_BIT(SIGN_REFUSED) | BLOCK_BIT(SIGN_ALERTED));
}

static gboolean ends_in_any(const char *error, const char *const *ends)
{
    for (; *ends; ends++)
        if (g_str_has_suffix(error, *ends))
            return TRUE;
    return FALSE;
}

/*
 * Of a story that began while data was read: whether the error is another's.  A handshake may go on while data is read,
 * so it is the reason, if there is one, that tells.
 */
static gboolean contradicts_reason(const struct block *block, const char *error)
{
    static const char *const reading[] = {"_SSL_READ", "_SSL_WRITE", "_SSL_CONNECT", "_SSL_ACCEPT", NULL};

    if (!block->reading || !error || ends_in_any(error, reading))
        return FALSE;
    if (block->signs & BLOCK_BIT(SIGN_UNTRUSTED_TEXT))
        return !g_str_has_suffix(error, "_PEER_CERT_UNTRUSTED");
    return is_alerted(block) && !strstr(error, "_ALERT_") && !g_str_has_suffix(error, "_CONN_CLOSED");
}

/* Whether an event cannot belong to the block, so that it begins the next one. */
static gboolean is_next(const struct block *block, enum block_event event, const struct slice *host, const char *error)
{
    unsigned own = BLOCK_BIT(EVENT_PROXY) | BLOCK_BIT(EVENT_FORWARDED); /* never part of another story */

    if (!block->events)
        return is_other_host(block, host);
    if (!block_is_near(block) || block->events & own || BLOCK_BIT(event) & own || contradicts_reason(block, error))
        return TRUE;
    switch (event) {
    case EVENT_DURING:
        return block->events & OPENINGS || ((block->settled || block_has(block, EVENT_API)) && !may_turn(block));
    case EVENT_STACK:
        return block_has(block, EVENT_STACK) || block_has(block, EVENT_STACK_END) ||
               (block->settled && (!block->turned || is_alerted(block)));
    case EVENT_STACK_END:
        return block_has(block, EVENT_STACK_END) || (block->settled && !block_has(block, EVENT_STACK));
    case EVENT_START:
    case EVENT_SECUDE:
        return FALSE;
    case EVENT_SOURCE:
        return block->settled;
    case EVENT_API:
        return block_has(block, EVENT_API) || block->settled;
    case EVENT_ICM:
    case EVENT_HEADLINE:
        return block_has(block, EVENT_ICM) || block_has(block, EVENT_HEADLINE) || block_has(block, EVENT_RETURN) ||
               is_other_host(block, host) || is_other_error(block, error);
    case EVENT_TEXT:
    case EVENT_CODE:
    case EVENT_RETURN:
        return block_has(block, event) || is_other_host(block, host) || is_other_error(block, error);
    case EVENT_PROXY:
    case EVENT_FORWARDED:
        break;
    }
    return TRUE;
}

/* Facts without an event are the beginning of this story only if they are what stands before such an event. */
static void adopt(struct block *block, enum block_event event)
{
    gboolean inside = event == EVENT_STACK_END || event == EVENT_API || event == EVENT_ICM || event == EVENT_HEADLINE;

    block->headless = event == EVENT_STACK_END;
    if (inside && block->n_chain > 0 && (block->failed_status || event == EVENT_STACK_END)) {
        block->headless = TRUE;
        return;
    }
    block->signs = 0;
    block->reason = NULL;
    block->reason_kind = REASON_NONE;
    block->n_chain = block->level = 0;
    block->next_cert = block->next_tree = block->after_cert = block->other_tree = block->failed_status = FALSE;
    memset(block->checks, 0, sizeof block->checks);
    for (enum block_quote quote = QUOTE_NAMED; quote <= QUOTE_REASON; quote++)
        block->quotes[quote].number = 0;
}

/* Whether more has to come: the end of a stack, or of a story that begins in the usual order. */
static void note_progress(struct block *block, enum block_event event)
{
    switch (event) {
    case EVENT_STACK:
        block->unfinished = TRUE;
        break;
    case EVENT_DURING:
    case EVENT_START:
        block->unfinished = block->unfinished || !(block->events & (ENDINGS | BLOCK_BIT(EVENT_API)));
        break;
    case EVENT_SECUDE:
    case EVENT_SOURCE:
        break;
    default:
        block->unfinished = FALSE;
    }
}

void block_event(struct block *block, enum block_event event, const struct trace_line *line, const struct slice *host,
                 const char *error)
{
    if (event == EVENT_DURING) /* whatever stands above, the story begins here */
        block->story = FALSE;
    if (line->above || event == EVENT_DURING)
        block_set_context(block);
    if (is_next(block, event, host, error))
        end_for_next(block, line, next_of(event));
    else if (!block->events)
        adopt(block, event);
    else if (event == EVENT_DURING)
        remember(block, FORK_TURN, line);
    else if (block->reading && !block->settled && next_of(event) >= NEXT_HEADLINE)
        block->fork = FORK_NONE; /* with this end the facts before it are its own */
    block_join(block, line);
    if (event == EVENT_DURING && block->settled)
        block->turned = TRUE;
    note_progress(block, event);
    if (event == EVENT_TEXT && block->settled) { /* the text of the message repeats what the trace has said */
        block->fork = FORK_NONE;
        block->events &= ~BLOCK_BIT(EVENT_RETURN);
        block->detailed = TRUE;
    }
    if (!block->events)
        block_quote(block, QUOTE_FIRST, line);
    block->events |= BLOCK_BIT(event);
    block->opened = TRUE;
    block->settled = (block->events & ENDINGS) != 0;
    block->listing =
        (event == EVENT_RETURN && block_has(block, EVENT_HEADLINE)) || (block->listing && event == EVENT_START);
    block->unlisted = block->unlisted || !line->listed;
    block->placed = block->placed || !line->alone;
    if (block->local == MOMENT_NONE)
        block->local = line->local;
    if (error && !block->error)
        block->error = block_keep(block, slice_text(error));
}

static guint hash_value(struct slice value)
{
    guint hash = 5381;
    for (size_t i = 0; i < value.size; i++)
        hash = hash * 33 + (guint8)g_ascii_tolower(value.at[i]);
    return hash;
}

/*
 * Whether facts behind the block's end may be its own: where the end came first, or where the text of a message lists
 * them.  Elsewhere they stand before it, and what comes then is of the next connection; surely so where some did.
 */
static gboolean may_trail(const struct block *block)
{
    if (block_has(block, EVENT_HEADLINE) && is_begun(&block->near) && !block->detailed)
        return FALSE;
    return (block->turned && !block_has(block, EVENT_START)) || block->detailed || block_has(block, EVENT_TEXT) ||
           !(block->events & (OPENINGS | BLOCK_BIT(EVENT_RETURN)));
}

gboolean block_admits(const struct block *block)
{
    gboolean inside = block->turned && block_has(block, EVENT_STACK) && !block_has(block, EVENT_STACK_END);

    return !block->begun || (block_is_near(block) && (!block->settled || inside || may_trail(block)));
}

gboolean block_fact(struct block *block, enum block_fact fact, const struct trace_line *line, struct slice value)
{
    gboolean known = (block->facts & BLOCK_BIT(fact)) != 0;
    gboolean same = known && block->values[fact] == hash_value(value);
    gboolean host = fact == FACT_TARGET || fact == FACT_SNI;

    if (!block->events) {
        if (known && !same)
            block_end(block); /* of another connection, which went well */
    } else if (host && block->server && !block->client) {
        end_for_next(block, line, NEXT_FACT); /* a server asks for nobody */
    } else if (block->fork == FORK_TURN && block_has(block, EVENT_START) && fact != FACT_STORE) {
        block->held_position = block->held ? block->held_position : line->position;
        block->held = TRUE;
        return FALSE;
    } else if (block->settled) {
        gboolean lists = block->listing && !block->detailed && !block_has(block, EVENT_TEXT);
        gboolean again = lists && block->behind & BLOCK_BIT(fact);
        gboolean other = again || (known && !same) || (host && is_other_host(block, &value)) ||
                         (is_near_own(block) && block->near.facts & BLOCK_BIT(fact) &&
                          block->near.values[fact] != hash_value(value));
        if (lists && !other && block->fork == FORK_NONE)
            remember(block, FORK_LIST, line);
        if (!other) {
            block->behind |= BLOCK_BIT(fact);
            block->confirmed = block->confirmed || (host && is_own_host(block, &value));
        }
        if (same && !other && (block->detailed || lists) && block_is_near(block)) {
            block_join(block, line);
            return FALSE;
        }
        if (known || other || !(may_trail(block) || lists) || !block_is_near(block)) {
            end_for_next(block, line, again ? NEXT_AGAIN : NEXT_FACT);
        } else {
            if (block->fork == FORK_NONE && !block->turned && !block->detailed && !block_has(block, EVENT_TEXT))
                remember(block, FORK_TRAIL, line);
            block->trailed = TRUE;
            block->listed = block->listed || !(block->near.facts & BLOCK_BIT(fact));
        }
    } else if (known) {
        block_join(block, line);
        return FALSE;
    } else if (block->reading && block_has(block, EVENT_START) && block->fork == FORK_NONE) {
        remember(block, FORK_TRAIL, line);
    }
    block_join(block, line);
    block->facts |= BLOCK_BIT(fact);
    block->values[fact] = hash_value(value);
    return TRUE;
}

void block_begin(struct block *block, const struct trace_line *line)
{
    if (line->above && !block->events) {
        block->story = FALSE;
        block_set_context(block);
        block->story = TRUE;
    }
    if (block->settled && (block->listing || block->detailed) && !block_has(block, EVENT_TEXT))
        end_for_next(block, line, NEXT_BEGIN);
}

void block_join(struct block *block, const struct trace_line *line)
{
    if (!block->begun) {
        block->begun = TRUE;
        block->part = line->part;
        block->offset = line->offset;
        block->position = line->position;
        block->line = line->number;
        block->n_lines = 0;
    }
    block->cut = block->cut || line->cut;
    block->latest_local = line->local;
    block->quiet = 0;
    block->latest = block->trace->lines;
    block->reach = line->end;
}

void block_count(struct block *block, const struct trace_line *line, gboolean told)
{
    block->n_lines++;
    if (!block->begun)
        return;
    if (told) {
        block->n_seen += block->n_after + 1;
        block->n_known++;
        block->n_after = 0;
        return;
    }
    if (line->body.size > 0 && !line->indented)
        block->listing = FALSE;
    else if (line->body.size == 0 && block_has(block, EVENT_HEADLINE) && block->quiet <= 2)
        block->listing = TRUE; /* the text of a message has paragraphs */
    block->quiet++;
    block->n_after += line->body.size > 0 && !line->above;
}

void block_role(struct block *block, gboolean server, gboolean client)
{
    if ((server && block->client && !block->server) || (client && block->server && !block->client))
        block_end(block);
}

void block_handle(struct block *block, const struct trace_line *line, uint64_t handle, gboolean failed)
{
    if (block->handle && handle && block->handle != handle)
        end_for_next(block, line, failed || block->fork != FORK_LIST ? NEXT_END : NEXT_BEGIN);
    if (block->begun && handle)
        block->handle = handle;
}

const char *block_keep(struct block *block, struct slice text)
{
    text.size = MIN(text.size, BLOCK_TEXT_BYTES);
    return g_string_chunk_insert_len(block->strings, text.at, (gssize)text.size);
}

/* What people put where a value was: "<host>", "[...]", "...", "x.x.x.x", "XXX", "nn", "number", nothing. */
static gboolean is_placeholder(struct slice text)
{
    size_t dots = 0, crosses = 0;

    if (text.size == 0 || slice_equals(text, "nn") || slice_equals(text, "number"))
        return TRUE;
    if ((text.at[0] == '<' && slice_ends(text, ">")) || (text.at[0] == '[' && slice_ends(text, "]")))
        return TRUE;
    for (size_t i = 0; i < text.size; i++) {
        dots += text.at[i] == '.' || text.at[i] == ':' || text.at[i] == '\xe2' || text.at[i] == '\x80' ||
                text.at[i] == '\xa6'; /* U+2026 */
        crosses += text.at[i] == 'x' || text.at[i] == 'X' || text.at[i] == '*';
    }
    return dots + crosses == text.size && (crosses != 1 || dots > 0);
}

const char *block_keep_value(struct block *block, struct slice text)
{
    return is_placeholder(slice_trim(text)) ? NULL : block_keep(block, slice_trim(text));
}

void block_quote(struct block *block, enum block_quote quote, const struct trace_line *line)
{
    struct slice raw = slice_trim(line->raw);
    size_t size = MIN(raw.size, BLOCK_QUOTE_BYTES);

    while (size < raw.size && size > 0 && ((uint8_t)raw.at[size] & 0xc0) == 0x80)
        size--; /* not within a character */
    block->quotes[quote].text = text_keep_bytes(block->strings, raw.at, size);
    block->quotes[quote].number = block->n_lines + 1;
}

void block_sign(struct block *block, enum block_sign sign)
{
    block->signs |= BLOCK_BIT(sign);
}

void block_reason(struct block *block, enum block_reason kind, struct slice text)
{
    text = slice_trim(text);
    if (kind <= block->reason_kind || text.size == 0)
        return;
    block->reason_kind = kind;
    block->reason = block_keep(block, text);
}
