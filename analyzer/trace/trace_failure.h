/*
 * What a trace tells: its failures, the certificates that they show, and what limits were reached.  trace.h says how it
 * is read.
 */
#ifndef TRUSTGAP_TRACE_FAILURE_H
#define TRUSTGAP_TRACE_FAILURE_H

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

#endif
