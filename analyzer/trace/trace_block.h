/*
 * What the lines of one thread have told so far of one failure.
 *
 * A block is fed with events (lines that say that something failed) and facts (which PSE, which peer, which
 * certificates).  Lines come in several orders and nothing marks the end, so an event or a fact that cannot belong to
 * what is there ends the block, and a new one begins with it.  A block that ends with an event in it becomes a failure
 * of the trace (trace_verdict.h); one with facts only is forgotten.
 *
 * Strings of a block are its own until it ends.  They are bytes as the trace has them, not cleaned.
 */
#ifndef TRUSTGAP_TRACE_BLOCK_H
#define TRUSTGAP_TRACE_BLOCK_H

#include "slice.h"
#include "trace_failure.h"
#include "trace_received.h"

#include <glib.h>
#include <stdint.h>

#define BLOCK_TEXT_BYTES  ((size_t)4096) /* of one value */
#define BLOCK_NEAR_LINES  10             /* what belongs to a block behind its end stands so close to it */
#define BLOCK_QUOTE_BYTES ((size_t)512)  /* of one quoted line */

#define BLOCK_BIT(number) (1u << (number))

struct trace_line {
    struct slice raw;  /* as in the file */
    struct slice body; /* without prefix, indent and line end; blanks, quotes and dashes made plain */
    unsigned part;
    uint64_t offset;
    unsigned number;
    uint64_t position; /* of its first byte in all that was read */
    uint64_t end;      /* ... behind its line feed */
    int64_t local;     /* last time stamp above */
    gboolean cut;      /* longer than TRACE_LINE_BYTES */
    gboolean torn;     /* the input ends in it */
    gboolean clipped;  /* ... or what copied it has cut off its end */
    gboolean listed;   /* a list mark stood before the body */
    gboolean prefixed; /* a thread prefix on it */
    gboolean alone;    /* no thread prefix, neither on it nor above */
    gboolean above;    /* stands above the first sign of a failure: it may tell facts, and ends nothing */
    gboolean telling;  /* one of the words of trace_filter.h stands in it */
    gboolean moved;    /* in its file it stands inside something else, at ${offset} */
    gboolean piece;    /* a part of a line that was several */
    gboolean indented; /* blanks stood before the body */
};

enum block_event {
    EVENT_DURING,    /* ERROR during f() from SSL_connect() */
    EVENT_STACK,     /* Begin of ... Errorstack */
    EVENT_STACK_END, /* End of ... */
    EVENT_START,     /* f: SSL_connect() failed */
    EVENT_SECUDE,    /* ERROR in f: (9/0x0009) */
    EVENT_SOURCE,    /* ERROR => SapSSLSessionStartNB(): text */
    EVENT_API,       /* <<- ERROR: SapSSLSessionStart(...)==SSSLERR_... */
    EVENT_ICM,       /* ERROR => IcmConnInitClientSSL: ... failed (-102) */
    EVENT_HEADLINE,  /* ERROR => SSL handshake with ... failed */
    EVENT_TEXT,      /* the same as the text of a message, without stars */
    EVENT_CODE,      /* SSSLERR_... (-102) alone */
    EVENT_RETURN,    /* SapSSLSessionStartNB()==SSSLERR_... */
    EVENT_PROXY,     /* proxy returned 407 */
    EVENT_FORWARDED, /* a forwarded certificate was not taken */
};

enum block_fact { FACT_STORE, FACT_TARGET, FACT_SNI, FACT_PEER, FACT_STATE, BLOCK_FACTS };

enum block_fork { FORK_NONE, FORK_TURN, FORK_TRAIL, FORK_LIST };

enum block_sign { /* what speaks for a cause, in the order in which causes are decided */
                  SIGN_PROXY,
                  SIGN_FORWARDED,
                  SIGN_MISMATCH,
                  SIGN_EXPIRED,
                  SIGN_REFUSED,        /* the number or name of a certificate alert */
                  SIGN_ALERTED,        /* ... of another alert */
                  SIGN_UNTRUSTED,      /* by number, name or library code */
                  SIGN_UNTRUSTED_TEXT, /* by what the library wrote */
                  SIGN_NOT_TLS,
                  SIGN_CLOSED,
                  SIGN_STORE,
                  SIGN_HANDSHAKE,
};

enum block_quote { /* lines worth quoting, the most telling ones first */
                   QUOTE_STORE,
                   QUOTE_ENDING, /* headline, ICM line, ... */
                   QUOTE_NAMED,
                   QUOTE_SUBJECT,
                   QUOTE_ISSUER,
                   QUOTE_TOP_SUBJECT,
                   QUOTE_TOP_ISSUER,
                   QUOTE_CHECK,
                   QUOTE_REASON,
                   QUOTE_TARGET,
                   QUOTE_PEER,
                   QUOTE_API,
                   QUOTE_DURING,
                   QUOTE_UNTRUSTED,
                   QUOTE_START,
                   QUOTE_FIRST, /* the first line that tells of a failure at all */
                   QUOTES,
};

struct block_quoted {
    unsigned number; /* order in the block, from 1; 0: none */
    const char *text;
};

#define BLOCK_CONTEXT_QUOTES 3 /* of the store, the target and the peer */

enum block_reason { /* which text is the reason; the last one wins */
                    REASON_NONE,
                    REASON_SECUDE,
                    REASON_UNTRUSTED,
                    REASON_SOURCE,
                    REASON_ARROW,
                    REASON_ALERT,
                    REASON_PROXY,
};

/*
 * What stands above a block's first line may be its own connection's, or may be left from one before.  So it is kept
 * apart until the block ends, and then only fills in what the block does not say itself.
 */
struct block_context {
    unsigned facts;            /* bits of enum block_fact */
    guint values[BLOCK_FACTS]; /* hashes */
    const char *store, *sni, *target, *peer;
    gboolean store_cut;
    gboolean server, client;
    uint64_t handle; /* of the session, as calls name it; 0: none does */
    unsigned part, line;
    uint64_t offset, position; /* of its first line */
    unsigned n_lines, n_seen, n_known;
    struct block_quoted quotes[BLOCK_CONTEXT_QUOTES];
};

struct block;

typedef void block_failure(const struct block *block);

struct block {
    struct trace *trace;
    block_failure *failure;
    GStringChunk *strings;
    struct received received;
    /*
     * Where lines may as well be of another connection, what the block was before them is kept.  If they turn out to
     * be, the block ends as that, and ${replays} asks to read the lines from ${replay} on once more.
     */
    void *before;
    guint before_certs;
    gboolean replays;
    uint64_t replay;
    gboolean trial;   /* it is only tried what a line tells: nothing becomes a failure */
    uint64_t latest;  /* lines that the trace had when this block was last fed */
    uint64_t reach;   /* position behind the last line that it was fed with */
    unsigned quiet;   /* lines of its thread since then */
    unsigned n_lines; /* of its thread since its first one */
    unsigned n_after; /* of these, those behind the last one that told something, without empty ones */
    /* From here on a new block begins with zeros. */
    unsigned events, facts, signs; /* bits of enum block_event, _fact, _sign */
    gboolean begun;                /* has anything in it */
    gboolean opened;               /* ... that is more than facts of a connection that may have gone well */
    unsigned n_seen, n_known;      /* lines from the first to the last that told something; those that did */
    gboolean settled;              /* the story has its end: what else belongs to it stands close */
    gboolean turned;               /* its end came first */
    gboolean unfinished;           /* something was opened in it that has not ended yet: a stack, a story */
    gboolean headless;             /* it goes on with what a stack holds, without its beginning */
    gboolean reading;              /* it failed while data was read or written, so no handshake's error is its own */
    enum block_fork fork;
    uint64_t fork_position;
    gboolean held; /* behind a turned story stand facts, of which the next event will tell whose they are; ... */
    uint64_t held_position;    /* ... the first of them */
    gboolean trailed;          /* facts stood behind its end */
    gboolean listing;          /* the text of a message follows its end, and may list facts; ... */
    gboolean listed;           /* ... one of which was not known */
    unsigned behind;           /* bits of enum block_fact: those that such a text has listed */
    gboolean confirmed;        /* ... the host of the block among them */
    gboolean detailed;         /* facts are repeated behind its end */
    gboolean unlisted, placed; /* an event of it was no item of a list; stood below a thread's prefix */
    unsigned torn_headline;    /* number in the block of the line below one that ends before the host; 0: none */
    gboolean torn_starred;
    gboolean cut;
    unsigned part, line;
    uint64_t offset, position;
    int64_t local, latest_local; /* of its first event, of its last line */
    const char *error;
    int code;
    const char *store, *sni, *target, *host, *peer;
    int port; /* of the headline's host; 0: not known */
    gboolean store_cut;
    uint64_t handle;
    gboolean server, client; /* what the lines say of the role */
    int alert;               /* number of the alert that the peer sent; -1 unknown, 0 none */
    int inner_alert;         /* the same out of a library code */
    int snc;                 /* enum snc: no TLS at all */
    gboolean message;        /* no trace, but a text that names the error */
    int error_alert;         /* the same by the error's name or number */
    gboolean sent_alert;     /* we sent one, so that the library code is about that */
    enum block_reason reason_kind;
    const char *reason;
    const char *presented; /* subject of the certificate that a server showed, where that is all that is printed */
    gboolean presented_cut;
    gboolean *name_cut; /* whether the name on the last line is only its beginning; NULL: there is none on that */
    size_t name_bytes;  /* of that line */
    gboolean name_ends; /* with a country, as whole names do */
    const char *named;  /* the missing certificate's name */
    gboolean named_cut;
    struct trace_cert chain[TRACE_CHAIN_CERTS];
    unsigned n_chain;
    unsigned level;      /* whose checks are being listed: index into the chain, or one above it */
    gboolean next_cert;  /* a signer's certificate is announced */
    gboolean next_tree;  /* ... or another tree */
    gboolean after_cert; /* the last line was "Certificate:" */
    gboolean other_tree; /* a second tree that does not continue the first: passed over */
    gboolean failed_status;
    const char *checks[TRACE_CHAIN_CERTS + 1];
    guint values[BLOCK_FACTS]; /* hashes: what each fact was */
    struct block_quoted quotes[QUOTES];
    struct block_context near; /* what stands right above */
    struct block_context far;  /* the same behind lines of something else: it counts if it names the same connection */
    gboolean story;            /* it was begun above its first event, and has facts of its own there */
    gboolean in_call;          /* a call has begun that has not returned; ... */
    uint64_t call;             /* ... the session's handle in it */
};

/**
 * block_new(trace, failure):
 * An empty block of ${trace}; ${failure} is called when it ends as a failure (verdict_add()).
 */
struct block *block_new(struct trace *trace, block_failure *failure);
void block_free(struct block *block);

/**
 * block_clear(block):
 * Forget what it has.
 */
void block_clear(struct block *block);

/**
 * block_end(block):
 * What the block tells becomes a failure of its trace, if it is one; the block is empty afterwards.
 */
void block_end(struct block *block);

/**
 * block_break(block), block_set_context(block):
 * A line of something else stands between what was fed from above and the block's first event; all that stands above
 * that was fed: it becomes the block's context.
 */
void block_break(struct block *block);
void block_set_context(struct block *block);

/**
 * block_event(block, event, line, host, error):
 * An event that names ${host} and ${error} (either may be NULL) stands on ${line}.  It joins the block or begins the
 * next one; afterwards what the line tells can be put into ${block}.
 */
void block_event(struct block *block, enum block_event event, const struct trace_line *line, const struct slice *host,
                 const char *error);

/**
 * block_fact(block, fact, line, value):
 * The same for a fact with this value.  FALSE if it only repeats what is known and is to be passed over.
 */
gboolean block_fact(struct block *block, enum block_fact fact, const struct trace_line *line, struct slice value);

/**
 * block_begin(block, line):
 * ${line} is a fact with which a story begins, and that no message lists: it ends one that a message has ended, and
 * what stands above it may be another's.
 */
void block_begin(struct block *block, const struct trace_line *line);

/**
 * block_join(block, line):
 * ${line} belongs to the block without being able to begin or end one.
 */
void block_join(struct block *block, const struct trace_line *line);

/**
 * block_count(block, line, told):
 * ${line} of the block's thread was read, and ${told} whether it told anything.
 */
void block_count(struct block *block, const struct trace_line *line, gboolean told);

/**
 * block_role(block, server, client):
 * A line that begins or ends a story, or stands inside of one, is about a server or about a client: the other one ends
 * the block.
 */
void block_role(struct block *block, gboolean server, gboolean client);

/**
 * block_handle(block, line, handle, failed):
 * ${line} names the handle of the connection that it is about, and perhaps that it ${failed}: another one ends the
 * block.
 */
void block_handle(struct block *block, const struct trace_line *line, uint64_t handle, gboolean failed);

/**
 * block_is_failure(block), block_is_near(block), block_admits(block),
 * block_has(block, event):
 * Whether it would become a failure if it ended now; whether text that stands here without a mark of its own may belong
 * to it; whether a certificate that is printed here may; whether this event is in it.
 */
gboolean block_is_failure(const struct block *block);
gboolean block_is_near(const struct block *block);
gboolean block_admits(const struct block *block);
gboolean block_has(const struct block *block, enum block_event event);

/**
 * block_keep(block, text):
 * A copy of the text, at most BLOCK_TEXT_BYTES, that lives as long as the block.
 */
const char *block_keep(struct block *block, struct slice text);

/**
 * block_keep_value(block, text):
 * The same, but NULL for what only stands for a value that somebody took out ("<host>", "x.x.x.x", "[...]", "").
 */
const char *block_keep_value(struct block *block, struct slice text);

void block_quote(struct block *block, enum block_quote quote, const struct trace_line *line);
void block_sign(struct block *block, enum block_sign sign);
void block_reason(struct block *block, enum block_reason kind, struct slice text);

#endif
