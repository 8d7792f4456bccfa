/*
 * Bytes of an ICM trace (dev_icm, dev_webdisp, their .old) to TLS failures: docs/formats/trace.md.
 *
 * A trace is read as a stream of parts: the .old file first, then the current one, so that a block that a rotation
 * split is one failure.  Lines are sorted by thread and gathered into blocks; a block becomes at most one failure.  The
 * reader knows nothing of hosts, PSEs or zones: times are the host's local time as printed.  Bytes are hostile: every
 * limit below is kept, reaching one is counted in the trace and marks the failure as cut, and memory does not depend on
 * the size of the input.
 */
#ifndef TRUSTGAP_TRACE_H
#define TRUSTGAP_TRACE_H

#include "audit.h"

#include <glib.h>
#include <stdint.h>

#define TRACE_LINE_BYTES     ((size_t)32768)       /* looked at of one line; the rest is passed over */
#define TRACE_BEFORE_BYTES   ((size_t)32768)       /* facts of a failure may stand so far above its first sign */
#define TRACE_BLOCK_LINES    2000                  /* of one block */
#define TRACE_BLOCK_THREADS  256                   /* open blocks; the oldest is closed */
#define TRACE_CHAIN_CERTS    32                    /* of one block */
#define TRACE_FAILURES       100000                /* of one trace */
#define TRACE_EVIDENCE_LINES 12                    /* quoted from one block */
#define TRACE_SAMPLE_BYTES   ((size_t)1024 * 1024) /* kept of the beginning, to see what the input is */

struct trace_cert { /* one certificate as the trace prints it; strings are NULL where it prints nothing */
    const char *subject, *issuer;
    gboolean subject_cut, issuer_cut;   /* only a prefix is printed */
    const char *serial;                 /* upper case hex pairs with colons, leading zeros kept as printed */
    const char *md5, *sha1, *sha256;    /* lower case hex */
    const char *not_before, *not_after; /* "2013-12-08T08:36:55", the host's local time */
    const char *key_type, *key_bits;    /* "rsaEncryption", "1024" */
    const char *key_md5;                /* fingerprint of the public key, lower case hex */
    const char *signature_algorithm;    /* "sha1WithRsaEncryption" */
    const char *failed_check; /* "Validity", "BasicConstraints", "KeyUsage": the check of its own that failed */
    GBytes *der;              /* the certificate itself, where the trace (level 3) holds it; owned by this */
};

struct trace_failure {
    enum audit_cause cause;
    const char *error; /* "SSSLERR_PEER_CERT_UNTRUSTED", as it should be spelt; NULL if none is printed */
    int code;          /* -102; 0 if none is printed */
    enum audit_role role;
    const char *store;  /* path of the PSE as printed */
    gboolean store_cut; /* its closing quote is missing */
    const char *target; /* host name that was asked for */
    int port;           /* of it, as a headline has it; 0: none does */
    const char *peer;   /* "192.0.2.7:443" */
    int64_t local;      /* the last time stamp above, as if it were UTC; MOMENT_NONE */
    GPtrArray *chain;   /* of struct trace_cert *, leaf first; may be empty */
    const char *missing;
    gboolean missing_cut;
    enum audit_certainty certainty;
    const char *failed_check; /* of the deepest certificate that has one */
    int level;                /* of the trace, by the last header above in its part; -1 if there is none */
    const char *reason;       /* the text that the library gave ("received a fatal TLS ... alert"), or NULL */
    unsigned part;            /* index of the part in which it begins, from 0 */
    uint64_t offset;          /* of its first line in that part's file */
    unsigned line;            /* of the same, in the part, from 1 */
    GPtrArray *lines;         /* of const char *: quoted evidence, cleaned */
    gboolean cut;             /* a limit was reached in its block */
    /*
     * Its block is not whole: its beginning is lost (the file was begun anew within it), or its end (it was being
     * written, its process died).  What such a block does not say may well be so: nothing lasting follows from it.
     */
    gboolean torn_begin, torn_end;
    gboolean
        unmarked;     /* it is a chain, and no line that begins or ends a failure: pasted text, or a piece of a trace */
    unsigned n_lines; /* of its block, from the first line that told something to the last; empty ones don't count */
    unsigned n_known; /* of these, the ones that were understood */
    gboolean listed, alone; /* nothing but an error, in an item of a list; above the first prefix: see grouping.h */
    int alert;              /* that the peer sent, see alert.h; -1: an unknown one, 0: none */
    gboolean details; /* the block prints a host or an address, so that a line that is not there was not written */
    gboolean sni;     /* ... and the server name that was sent */
    int snc;          /* enum snc: no TLS failure at all */
    gboolean message; /* not of a trace: a text names the error, see message.h */
    uint64_t order;   /* private */
};

struct trace_header { /* of the last file header that was seen; -1 and NULL where there was none */
    int level;        /* in the last part; known as soon as that is read, as is the pid */
    const char *release, *sid, *sysno, *profile;
    int64_t pid;
};

typedef void trace_take(void *data, const struct trace_failure *failure);

struct trace {
    GPtrArray *failures; /* of struct trace_failure *, by where they begin */
    struct trace_header header;
    uint64_t lines;              /* looked at */
    uint64_t lines_cut;          /* longer than TRACE_LINE_BYTES */
    uint64_t longest;            /* bytes of the longest line that was read, not counting those passed over */
    uint64_t blocks_closed;      /* since TRACE_BLOCK_THREADS others were open */
    uint64_t befores_cut;        /* times that more than TRACE_BEFORE_BYTES stood above a block */
    uint64_t found;              /* failures */
    uint64_t dropped;            /* of these, those beyond TRACE_FAILURES */
    gboolean binary;             /* a part is no text: a NUL in most of the lines with which it begins */
    gboolean prefixed;           /* a line had a thread's prefix */
    gboolean titled;             /* a file's title was seen: trc file: "dev_icm", trc level: 1, ... */
    GString *sample;             /* its first bytes, UTF-16 as UTF-8; owned by this */
    uint64_t sample_base;        /* private: offset of them in the file */
    gboolean sample_wide;        /* private: they were UTF-16 */
    GStringChunk *strings;       /* private */
    trace_take *take;            /* private */
    void *data;                  /* private */
    struct trace_reader *reader; /* private; NULL after trace_end() */
};

/**
 * trace_new(), trace_new_for(take, data):
 * A trace that has read nothing.  With ${take} each failure is handed to ${take(data, failure)} when its block has
 * ended, and forgotten when that returns, instead of being kept in ${failures}: so memory does not grow with their
 * number.
 */
struct trace *trace_new(void);
struct trace *trace_new_for(trace_take *take, void *data);

/**
 * trace_begin(trace, base):
 * What is read from now on is the next part: another file, or a later piece of one, whose first byte is at offset
 * ${base} of its file.  The end of a part does not end a block, unless ${base} is neither 0 nor where the part before
 * ended: then lines are missing between the two.
 */
void trace_begin(struct trace *trace, uint64_t base);

/**
 * trace_break(trace):
 * What was read last is not all of its part: the part that trace_begin() begins next does not go on from there.
 */
void trace_break(struct trace *trace);

/**
 * trace_read(trace, bytes, size), trace_end_part(trace):
 * Read the next ${size} bytes of the part.  Nothing points into ${bytes} afterwards, and where one call ends and the
 * next begins does not matter.  The first 64 KiB of a part are looked at before they are read, so what a short part
 * has told is known once there are no more bytes of it: after trace_end_part(), trace_begin() or trace_end().
 */
void trace_read(struct trace *trace, const void *bytes, size_t size);
void trace_end_part(struct trace *trace);

struct trace_ahead {    /* what trace_look_ahead() found; offsets into the bytes */
    size_t first;       /* behind the first line feed; 0: there is none */
    size_t stop;        /* the first line from there that may begin a failure, or what follows the last line feed */
    unsigned lines;     /* between the two */
    unsigned lines_cut; /* of these, those longer than TRACE_LINE_BYTES */
};

/**
 * trace_look_ahead(ahead, bytes, size):
 * Search the bytes of a trace for the first line that wants reading.  ${*ahead} is all 0 at first, and the function may
 * be called again when more bytes stand behind these.  This is most of the work where little failed, and it needs no
 * trace, so that several threads may do it for bytes that are read later.
 */
void trace_look_ahead(struct trace_ahead *ahead, const void *bytes, size_t size);

/**
 * trace_read_ahead(trace, bytes, size, ahead):
 * As trace_read(), with what trace_look_ahead() found in these bytes; they have to stay as they are until
 * the next call of this function, or of trace_keep(), has returned.
 */
void trace_read_ahead(struct trace *trace, const void *bytes, size_t size, const struct trace_ahead *ahead);
void trace_keep(struct trace *trace);

/**
 * trace_end(trace):
 * Close what is open.  After it ${trace->failures} is complete.
 */
void trace_end(struct trace *trace);

/**
 * trace_sample_offset(trace, at):
 * Offset in the first part's file of the byte ${at} of the sample.
 */
uint64_t trace_sample_offset(const struct trace *trace, size_t at);

void trace_free(struct trace *trace);

typedef struct trace trace_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(trace_auto, trace_free)

#endif
