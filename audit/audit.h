/*
 * The result of an analysis, in memory: what was seen, what is wrong, what heals it.
 *
 * The analyzer fills it, the reports read it; on disk it is the XML of report/audit.xsd.  All structures, arrays and
 * strings belong to the audit and live as long as it does; pointers between them are plain references.  Strings come
 * from audit_text() and friends, so they are clean (text.h); NULL means "not known" and is written as absent.  Times
 * are moments in UTC.  Arrays are in a fixed order that depends on nothing but the content, since the same captures
 * have to give the same bytes; audit_sort() sets it.
 */
#ifndef TRUSTGAP_AUDIT_H
#define TRUSTGAP_AUDIT_H

#include <glib.h>
#include <stdint.h>

#define AUDIT_VERSION 1

/* Reasons of a PSE that tonight's capture does not have, but the previous audit. */
#define AUDIT_NOT_COLLECTED "not-collected" /* its host was not collected, or not so far */
#define AUDIT_GONE          "gone"          /* its instance does not have it any more: there is no list */

#define AUDIT_PEERS         10   /* of one failure: named */
#define AUDIT_PEERS_COUNTED 1000 /* ... told apart; from then on their number is "or more" */

/* Each enum has its spelling in the XML and JSON: audit_cause_name(cause) and so on, see the end of this header. */

enum audit_cause { /* why a connection failed */
                   CAUSE_UNTRUSTED_PEER,
                   CAUSE_EXPIRED_PEER,
                   CAUSE_NAME_MISMATCH,
                   CAUSE_PEER_REFUSED,
                   CAUSE_HANDSHAKE,
                   CAUSE_CLOSED,
                   CAUSE_NOT_TLS,
                   CAUSE_PROXY_REFUSED,
                   CAUSE_STORE_UNUSABLE,
                   CAUSE_REVERSE_PROXY,
                   CAUSE_OTHER,
};

enum audit_certainty { /* how a trace tells which certificate is missing */
                       CERTAINTY_UNKNOWN,
                       CERTAINTY_NAMED,
                       CERTAINTY_SELF_SIGNED,
                       CERTAINTY_ISSUER,
};

enum audit_role { ROLE_UNKNOWN, ROLE_CLIENT, ROLE_SERVER };

enum audit_instance_kind {
    INSTANCE_ABAP,      /* D00, DVEBMGS01: STRUST distributes its PSEs */
    INSTANCE_CENTRAL,   /* ASCS01, SCS01, ERS10 */
    INSTANCE_JAVA,      /* J10, JC10 */
    INSTANCE_WEBDISP,   /* W20 */
    INSTANCE_HANA,      /* HDB00 */
    INSTANCE_HOSTAGENT, /* hostctrl */
    INSTANCE_OTHER,
};

enum audit_host_status {
    HOST_COLLECTED,
    HOST_PARTIAL,
    HOST_FAILED,
    HOST_LEFT_OUT, /* on purpose (--limit): known from the previous audit, and not looked at */
};

enum audit_reading {                  /* how the trust list of a PSE came to us */
                     READING_NATIVE,  /* certificates themselves */
                     READING_LISTING, /* what sapgenpse printed about them */
                     READING_PARTLY,  /* a listing that was cut: its entries count, absences do not */
                     READING_NONE,    /* not read: the list is unknown, never "empty" */
};

enum audit_severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITY_CRITICAL };

enum audit_state { STATE_NEW, STATE_OPEN, STATE_FIXED, STATE_RETURNED, STATE_WAIVED };

enum audit_finding_kind {
    FINDING_MISSING_ANCHOR,   /* a trust store lacks a certificate that the landscape or the references hold */
    FINDING_UNKNOWN_ISSUER,   /* ... that nobody holds */
    FINDING_TLS_FAILURE,      /* a connection failed for another cause */
    FINDING_EXPIRED,          /* an own certificate or an anchor is past its end */
    FINDING_EXPIRING,         /* ... will be soon */
    FINDING_DRIFT,            /* two instances of one system differ in what should be one list */
    FINDING_STORE_UNREADABLE, /* a PSE that could not be read */
    FINDING_TRACE_DETAIL,     /* a trace level that is too low to name the missing certificate */
    FINDING_TRACE_LEVEL,      /* a trace level above 1 */
    FINDING_TRACE_ROTATION,   /* a trace that reaches back hours only */
    FINDING_POLICY_MISSING,   /* trust stores lack a certificate that the policy requires */
    FINDING_DISTRUSTED,       /* ... hold one that it distrusts */
    FINDING_WEAK_CERTIFICATE, /* an anchor or an own certificate has a key or a signature that is too weak for it */
    FINDING_END_ENTITY,       /* an anchor is the certificate of one peer, and not self-signed */
    FINDING_HOST_MISSING,     /* a host that was not, or not wholly, collected */
    FINDING_UNANALYZED,       /* a file of a host with which its parser failed */
};

enum audit_gap_basis {                     /* why a store counts as lacking a certificate */
                       BASIS_SEEN,         /* a trace shows the failure, and the list lacks it */
                       BASIS_SEEN_UNREAD,  /* a trace shows the failure; the list could not be read */
                       BASIS_SEEN_UNKNOWN, /* a trace shows the failure, but not with which store */
                       BASIS_REQUIRED,     /* the policy requires it, and the list lacks it */
};

enum audit_proof {                /* whether an import heals a gap: what OpenSSL says at the evaluation time */
                   PROOF_UNKNOWN, /* not tried: the list or the peer's chain is not at hand */
                   PROOF_PATH,    /* with the certificate added to this list it builds a path from the peer's chain */
                   PROOF_HELD,    /* it builds one with the list as it is, to another anchor */
                   PROOF_NO_PATH, /* it builds none even with the certificate */
};

enum audit_match { /* how the certificate of a finding was identified with what the trace shows; strongest first */
                   MATCH_PROVED,      /* its key verifies the signature of a certificate of the peer's chain */
                   MATCH_FINGERPRINT, /* the trace prints its fingerprint */
                   MATCH_SERIAL,      /* issuer and serial number are equal */
                   MATCH_KEY_ID,      /* name and key identifier are those that the certificate below asks for */
                   MATCH_NAME,        /* the full name is equal, and there is one such certificate */
                   MATCH_AMBIGUOUS, /* the name is equal (or a prefix), and there are several: the candidates are listed
                                     */
                   MATCH_NONE,      /* no certificate is known */
};

struct audit_capture {
    const char *program;
    int64_t started;
    const char *inventory_sha256;
    gboolean torn;     /* the run that made it was cut off */
    const char *limit; /* the run was limited to these hosts on purpose (--limit) and left out hosts that no other
                          capture of this audit has; NULL: it was not, or others have them all */
    unsigned left_out; /* how many these are; 0 with a limit: not known */
};

struct audit_reference { /* a file or folder with certificates that may be imported */
    const char *path;
    const char *sha256; /* of the bytes of its files, in the order of their names */
    unsigned certs;     /* read from it */
    gboolean system;    /* the bundle of public certificates of the system that made this audit */
};

struct audit_host {
    unsigned id; /* h1, h2, ... in the XML */
    const char *name;
    enum audit_host_status status;
    const char *reason, *message; /* where not collected */
    const char *tier, *owner;
    GPtrArray *groups; /* of const char * */
    int64_t collected; /* when the collector had finished it */
    const char *zone;
    int zone_offset_s; /* G_MININT: not known */
    const char *system;
    gboolean tools_trusted; /* all its users are trusted: what sapgenpse lists there may be of their making */
    GPtrArray *notes;       /* of const char * */
    GPtrArray *instances;   /* of struct audit_instance * */
};

struct audit_instance {
    struct audit_host *host;
    const char *sid; /* NULL: none */
    const char *name;
    const char *path;
    enum audit_instance_kind kind;
    int64_t seen;      /* its host was collected without it; it was there last at this time.  MOMENT_NONE: not so */
    GPtrArray *traces; /* of struct audit_trace * */
};

struct audit_trace { /* one trace file as it was read */
    const char *path;
    const char *object; /* SHA-256 of the piece that was read; NULL if it was not */
    const char *reason; /* why not; with an object: why that is not all that was to be read */
    int64_t size_bytes, from_byte, modified;
    int64_t first,
        last;  /* time stamps in the piece; MOMENT_NONE: none near its ends, or the host's zone is not known */
    int level; /* of the last header in it, -1 if it has none */
    const char *release; /* "785" */
    unsigned failures;
};

struct audit_cert {               /* a certificate, known by its DER or by a listing */
    unsigned id;                  /* c1, c2, ... */
    const char *subject, *issuer; /* as SAP prints them: CN first */
    const char *serial;           /* upper case hex pairs with colons */
    int64_t not_before, not_after;
    const char *sha256, *sha1, *md5; /* lower case hex; NULL if not known */
    const char *subject_key_id;      /* lower case hex or NULL */
    const char *key;                 /* "RSA 2048", "EC prime256v1" or as the listing has it */
    const char *signature_algorithm;
    gboolean self_signed;  /* subject = issuer, and the signature verifies where the DER is known */
    gboolean ca;           /* basicConstraints CA, or version 1 and self-signed; FALSE also if not known */
    GBytes *der;           /* NULL if only a listing is known */
    gboolean from_trace;   /* nobody holds it: a peer sent it, and a trace prints it whole, or it came by asking */
    int64_t asked;         /* of those: a peer was asked for it then; MOMENT_NONE: a trace prints it */
    GPtrArray *references; /* of const char *: reference files that hold it */
    const char *bundle;    /* the one of them that is this system's bundle of public certificates; NULL: none */
};

struct audit_raw { /* an entry of a trust list that could not be parsed: so that it can be found and compared */
    const char *sha256;
    int64_t offset, size_bytes; /* in the bytes that were read of the list */
};

struct audit_list {   /* a distinct trust list */
    unsigned id;      /* l1, l2, ... */
    GPtrArray *certs; /* of struct audit_cert *, sorted by id, each once */
    unsigned refused; /* entries that could not be parsed */
    GPtrArray *raws;  /* of struct audit_raw *: the first of them, by offset */
};

struct audit_member { /* one PSE file on one host */
    struct audit_instance *instance;
    const char *path;
    const char *owner, *mode;
    int64_t modified;
    enum audit_reading reading;
    const char *reason;      /* READING_NONE, READING_PARTLY: why */
    struct audit_list *list; /* NULL for READING_NONE */
    struct audit_cert *own;  /* NULL: none, or not known */
};

struct audit_store {   /* a trust store: where one import is made */
    unsigned id;       /* s1, s2, ... */
    const char *label; /* "PRD SAPSSLC.pse", "web01 W20 SAPSSLC.pse": unique in the audit, the same every night */
    const char *sid;   /* NULL: none */
    const char *file;  /* "SAPSSLC.pse" */
    const char *role;  /* "SSL client (Standard)"; NULL if the file name says nothing */
    enum audit_instance_kind kind;
    GPtrArray *members; /* of struct audit_member *; several for an ABAP system, else one */
};

struct audit_link { /* one certificate of a chain as a trace prints it */
    const char *subject, *issuer, *serial;
    gboolean subject_cut, issuer_cut;   /* the printed name is a prefix */
    const char *sha256, *sha1, *md5;    /* fingerprints, lower case hex; NULL where none is printed */
    const char *not_before, *not_after; /* "2013-12-08T08:36:55", the host's own time as printed */
    const char *key;                    /* "RSA 1024", or the name of another kind of key with its size */
    const char *key_md5;                /* fingerprint of the public key alone, lower case hex */
    const char *signature_algorithm;    /* "sha1WithRsaEncryption" */
};

struct audit_input { /* what "explain" was given */
    const char *path;
    gboolean understood; /* as a trace, or as the name of an error */
    const char *seen;    /* else: "is gzip-compressed data" */
    const char *need;    /* ... what is needed instead, in sentences */
};

struct audit_known {         /* the missing certificate of a failure among the references of "explain" */
    struct audit_cert *cert; /* NULL: none, or several may be it */
    enum audit_match match;
    const char *proof;     /* how it was found or why it was not, as in a finding; or NULL */
    GPtrArray *candidates; /* of struct audit_cert *: MATCH_AMBIGUOUS */
};

struct audit_evidence {
    struct audit_host *host; /* NULL: the input of "explain" */
    const char *path;
    const char *object; /* SHA-256 of the piece of the trace */
    int64_t offset;     /* of its first line in the file on the host, from 0 */
    unsigned line;      /* of the same, in the piece, from 1 */
    GPtrArray *lines;   /* of const char *: quoted */
};

struct audit_failure {               /* equal failures of one store, other side, cause and missing certificate */
    unsigned id;                     /* f1, f2, ... */
    struct audit_instance *instance; /* NULL for "explain" */
    struct audit_store *store;       /* NULL: the trace does not say, or no such PSE was found */
    enum audit_cause cause;
    const char *error; /* "SSSLERR_PEER_CERT_UNTRUSTED" */
    int code;          /* -102; 0 if the trace has none */
    enum audit_role role;
    const char *store_path; /* as printed */
    const char *target;
    int port;            /* of the target, as a headline has it; 0: the trace has none */
    const char *peer;    /* of the first connection that has one, with its port */
    GPtrArray *peers;    /* of const char *: each once, the first AUDIT_PEERS of them; ROLE_SERVER: without port */
    unsigned peers_more; /* further ones; AUDIT_PEERS_COUNTED - AUDIT_PEERS: or more */
    int64_t first, last; /* MOMENT_NONE: the trace has no time stamp above */
    const char *first_local, *last_local; /* "2026-11-22T01:02:03", the host's own time as printed; NULL likewise */
    unsigned count;
    gboolean torn;       /* in each of them the trace begins or breaks off: nothing lasting follows from them */
    GPtrArray *chain;    /* of struct audit_link *, leaf first */
    const char *missing; /* name of the missing certificate; NULL */
    gboolean missing_cut;
    enum audit_certainty certainty;
    int64_t asked; /* chain, missing and certainty are not from the trace: the peer was asked then, and sent that chain;
                      MOMENT_NONE: they are from the trace */
    int alert;     /* that the peer sent, its number; 0: none or not known (in no document but the JSON of "explain") */
    gboolean snc;  /* no TLS failure: SNC; only of "explain", and in no document */
    const char *advice;
    unsigned lines_seen, lines_known; /* of the block that tells this: lines, and those that were understood; 0: ? */
    GPtrArray *evidence;              /* of struct audit_evidence *, a few */
    struct audit_known *known;        /* only of "explain", and in no document; NULL: was not looked for */
};

struct audit_gap {                   /* one store that lacks (or lacked) the certificate of its finding, and needs it */
    struct audit_store *store;       /* NULL for BASIS_SEEN_UNKNOWN */
    struct audit_instance *instance; /* BASIS_SEEN_UNKNOWN: where it was seen */
    enum audit_gap_basis basis;
    enum audit_state state;
    const char *note; /* a sentence on its state ("the list holds it now, ..."), or NULL */
    enum audit_proof proof;
    const char *path;       /* a sentence on it, with the path; NULL: PROOF_UNKNOWN */
    gboolean distrusted;    /* the policy distrusts the certificate for this store: it is not to be imported */
    const char *covered_by; /* id of the finding whose import into the same store heals this gap too; NULL: none */
    int64_t first_seen;     /* the audit that saw this gap first */
    unsigned count;         /* failed connections */
    int64_t last;           /* the last of them */
    GPtrArray *failures;    /* of struct audit_failure * */
    GPtrArray *steps;       /* of const char *: what to do, in order; lines that begin with "$ " are commands */
};

struct audit_waiver {   /* somebody has decided to live with a finding, or with it in some places, until a day */
    const char *name;   /* of its section in the policy */
    const char *owner;  /* who has decided it */
    const char *reason; /* why */
    int64_t until;      /* the last second of its last day */
    gboolean ended;     /* before the evaluation: it waives nothing any more */
    unsigned places;    /* gaps and stores of the finding that it is about; 0: all of the finding */
};

struct audit_finding {
    const char *id; /* 16 hex digits: a digest of what it is about, the same every night */
    enum audit_finding_kind kind;
    enum audit_severity severity;
    enum audit_state state;
    const char *title;             /* one line */
    const char *detail;            /* a paragraph or NULL */
    int64_t first_seen, last_seen; /* evaluation times of the audits that had it */
    GPtrArray *waivers;            /* of struct audit_waiver *; it is waived only if its state says so */
    /* missing anchor, unknown issuer, required and missing, distrusted, weak, end-entity, expired, expiring */
    struct audit_cert *cert; /* what to import, or what is wrong with its stores; NULL if nobody holds it */
    const char *subject;     /* its name as the evidence has it */
    gboolean subject_cut;
    enum audit_certainty certainty;
    int64_t asked; /* as in a failure: what is missing is known from asking the peer then; MOMENT_NONE: from a trace */
    enum audit_match match;
    const char *proof;     /* how the match was proved, or why it could not be */
    GPtrArray *candidates; /* of struct audit_cert *: MATCH_AMBIGUOUS */
    GPtrArray *gaps;       /* of struct audit_gap *: the stores to mend */
    GPtrArray *donors;     /* of struct audit_store *: who holds it */
    GPtrArray *lacking;    /* of struct audit_store *: lack it, no need seen */
    /* all others */
    struct audit_host *host; /* host missing, trace level, ... */
    GPtrArray *stores;       /* of struct audit_store *: concerned */
    GPtrArray *failures;     /* of struct audit_failure *: FINDING_TLS_FAILURE */
    GPtrArray *steps;        /* of const char *, as in a gap */
};

struct audit {
    int64_t evaluated; /* evaluation time */
    const char *program;
    int64_t previous; /* evaluation time of the audit that this one was compared with; MOMENT_NONE */
    GPtrArray *captures, *references, *hosts, *certs, *lists, *stores, *failures, *findings;
    GPtrArray *inputs;     /* of struct audit_input *, as they were named: only of "explain", and in no document */
    GPtrArray *warnings;   /* of const char *: trouble with the input itself */
    GStringChunk *strings; /* private */
    struct audit_memory *memory; /* private: structures and arrays */
};

struct audit *audit_new(void);
void audit_free(struct audit *audit);

/**
 * audit_text(audit, text), audit_text_bytes(audit, bytes, size), audit_textf(audit, format, ...):
 * The cleaned text, owned by the audit; NULL for NULL.
 */
const char *audit_text(struct audit *audit, const char *text);
const char *audit_text_bytes(struct audit *audit, const void *bytes, size_t size);
const char *audit_textf(struct audit *audit, const char *format, ...) G_GNUC_PRINTF(2, 3);

/**
 * audit_*_new(audit):
 * A new structure owned by ${audit}: no strings, empty arrays, moments MOMENT_NONE, enums 0.  It is put into none of
 * the audit's arrays; the caller adds it where it belongs.
 */
struct audit_capture *audit_capture_new(struct audit *audit);
struct audit_reference *audit_reference_new(struct audit *audit);
struct audit_host *audit_host_new(struct audit *audit);
struct audit_instance *audit_instance_new(struct audit *audit);
struct audit_trace *audit_trace_new(struct audit *audit);
struct audit_cert *audit_cert_new(struct audit *audit);
struct audit_list *audit_list_new(struct audit *audit);
struct audit_raw *audit_raw_new(struct audit *audit);
struct audit_store *audit_store_new(struct audit *audit);
struct audit_member *audit_member_new(struct audit *audit);
struct audit_link *audit_link_new(struct audit *audit);
struct audit_input *audit_input_new(struct audit *audit);
struct audit_known *audit_known_new(struct audit *audit);
struct audit_evidence *audit_evidence_new(struct audit *audit);
struct audit_failure *audit_failure_new(struct audit *audit);
struct audit_gap *audit_gap_new(struct audit *audit);
struct audit_waiver *audit_waiver_new(struct audit *audit);
struct audit_finding *audit_finding_new(struct audit *audit);

/**
 * audit_sort(audit):
 * Bring every array into its fixed order (references: by path) and number hosts, certificates, lists, stores and
 * failures by it.  Hosts by name; certificates by SHA-256, then SHA-1, then issuer and serial; lists by their
 * certificates; stores by label; failures by host, instance, store path, target, peer, cause, missing, role; findings
 * open ones first, then by severity (worst first), kind, number of open gaps (most first), failed connections (most
 * first), id.
 */
void audit_sort(struct audit *audit);

/**
 * audit_store_lacks(store, cert), audit_store_holds(store, cert):
 * Whether every member that was read lacks it, at least one being read; whether at least one holds it.  Both are FALSE
 * for a store of which nothing is known.
 */
gboolean audit_store_lacks(const struct audit_store *store, const struct audit_cert *cert);
gboolean audit_store_holds(const struct audit_store *store, const struct audit_cert *cert);

/**
 * audit_member_is_whole(member):
 * Whether its list was read to the end, so that what is not in it is not there.
 */
gboolean audit_member_is_whole(const struct audit_member *member);

/**
 * audit_find_bundles(audit):
 * Set ${bundle} of all certificates by their references and those of the audit.
 */
void audit_find_bundles(struct audit *audit);

/**
 * audit_host_is_listed(host):
 * Whether all that is on it was found, so that what tonight does not show is not there; some of what was found may not
 * have been read, and says so itself.
 */
gboolean audit_host_is_listed(const struct audit_host *host);

/**
 * audit_instance_trace(instance, path):
 * The trace file of the instance with this path on the host, or NULL.
 */
const struct audit_trace *audit_instance_trace(const struct audit_instance *instance, const char *path);

/**
 * audit_failure_names_missing(failure), audit_finding_kind_is_missing(kind):
 * Whether ${failure} tells which certificate it misses, in a block that is not torn; whether a finding of this kind is
 * about a certificate that such failures miss.
 */
gboolean audit_failure_names_missing(const struct audit_failure *failure);
gboolean audit_finding_kind_is_missing(enum audit_finding_kind kind);

/**
 * audit_state_is_closed(state):
 * Whether nobody has to do anything about it: fixed or waived.
 */
gboolean audit_state_is_closed(enum audit_state state);

/**
 * audit_list_has(list, cert):
 * Whether the list holds the certificate; by binary search, after audit_sort().
 */
gboolean audit_list_has(const struct audit_list *list, const struct audit_cert *cert);

/**
 * audit_finding_counts(finding, threshold):
 * Whether the finding is not fixed, not waived and of at least this severity: what --fail-on asks.
 */
gboolean audit_finding_counts(const struct audit_finding *finding, enum audit_severity threshold);

/* Names of enums as the documents spell them ("untrusted-peer", "high", ...), and back: FALSE if there is no such name.
 */
const char *audit_cause_name(enum audit_cause cause);
const char *audit_certainty_name(enum audit_certainty certainty);
const char *audit_role_name(enum audit_role role);
const char *audit_instance_kind_name(enum audit_instance_kind kind);
const char *audit_host_status_name(enum audit_host_status status);
const char *audit_reading_name(enum audit_reading reading);
const char *audit_severity_name(enum audit_severity severity);
const char *audit_state_name(enum audit_state state);
const char *audit_finding_kind_name(enum audit_finding_kind kind);
const char *audit_gap_basis_name(enum audit_gap_basis basis);
const char *audit_match_name(enum audit_match match);
const char *audit_proof_name(enum audit_proof proof);
gboolean audit_cause_parse(enum audit_cause *cause, const char *name);
gboolean audit_certainty_parse(enum audit_certainty *certainty, const char *name);
gboolean audit_role_parse(enum audit_role *role, const char *name);
gboolean audit_instance_kind_parse(enum audit_instance_kind *kind, const char *name);
gboolean audit_host_status_parse(enum audit_host_status *status, const char *name);
gboolean audit_reading_parse(enum audit_reading *reading, const char *name);
gboolean audit_severity_parse(enum audit_severity *severity, const char *name);
gboolean audit_state_parse(enum audit_state *state, const char *name);
gboolean audit_finding_kind_parse(enum audit_finding_kind *kind, const char *name);
gboolean audit_gap_basis_parse(enum audit_gap_basis *basis, const char *name);
gboolean audit_match_parse(enum audit_match *match, const char *name);
gboolean audit_proof_parse(enum audit_proof *proof, const char *name);

typedef struct audit audit_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(audit_auto, audit_free)

#endif
