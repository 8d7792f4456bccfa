/*
 * The answer of "trustgap check": what would be if, asked of a stored audit.
 *
 * The analyzer fills it (whatif.h), the reports write it.  It stands beside the audit because that is what the two
 * have in common.  An answer owns its structures and arrays.  Stores, members, certificates, findings and strings are
 * those of the audits that it was made from, which have to live longer.
 *
 * What nobody can know from an audit is CHECK_UNKNOWN, with the reason in words.
 */
#ifndef TRUSTGAP_CHECK_H
#define TRUSTGAP_CHECK_H

#include "audit.h"

#include <glib.h>
#include <stdint.h>

enum check_answer {
    CHECK_REJECTS, /* for certain: the whole list is known, and no path ends in it */
    CHECK_UNKNOWN, /* the list was not read, or not wholly, or what counts in it is known by its name only */
    CHECK_ACCEPTS, /* OpenSSL verifies a path to a certificate of the list */
};

enum check_import_kind {
    CHECK_IMPORT_ROOT,
    CHECK_IMPORT_SELF, /* the peer's own certificate, which is self-signed and so its own anchor */
    CHECK_IMPORT_INTERMEDIATE,
    CHECK_IMPORT_PEER, /* the peer's own certificate, issued by somebody: heals until it is renewed */
};

struct check_import { /* a certificate with which the peer would be accepted */
    const struct audit_cert *cert;
    enum check_import_kind kind;
    GPtrArray *path;    /* of const struct audit_cert *: what OpenSSL verifies, leaf first, ${cert} last */
    gboolean sent;      /* the peer sends it itself ... */
    gboolean vouched;   /* a store or a reference file has it; else nothing but the peer says that it is genuine */
    unsigned holders;   /* stores of the audit that hold it */
    const char *holder; /* label of one of them; NULL: none */
};

struct check_place { /* a store, or those of its files that answer alike */
    const struct audit_store *store;
    GPtrArray *members; /* of const struct audit_member * */
    gboolean whole;     /* all members of the store */
};

struct check_verdict { /* stores that answer alike */
    enum check_answer answer;
    enum check_answer before;          /* what they answer without the assumed imports and drops */
    const char *reason;                /* not CHECK_ACCEPTS: why; OpenSSL's words for CHECK_REJECTS */
    GPtrArray *anchors;                /* of const struct audit_cert *: each of them would do; CHECK_ACCEPTS only */
    GPtrArray *path;                   /* likewise: to the first anchor, leaf first, the anchor last */
    GPtrArray *named;                  /* of const struct audit_cert *: known by name only, and perhaps the anchor */
    const struct check_import *import; /* not CHECK_ACCEPTS: the best to import; NULL: nothing at hand heals */
    GPtrArray *places;                 /* of struct check_place *, by label */
};

struct check_peer {
    const char *name;        /* the file of the chain; for an observed peer the host that was asked for */
    gboolean observed;       /* taken from failures of the audit */
    gboolean leaf_unknown;   /* observed: the chain begins with an issuer, since the audit lacks what stands below it */
    GPtrArray *chain;        /* of const struct audit_cert *, leaf first */
    GPtrArray *notes;        /* of const char *: sentences about the chain */
    GPtrArray *imports;      /* of struct check_import *: all that heal, best first */
    GPtrArray *callers;      /* of const struct audit_store *: observed: those that failures show to call it */
    const char *missing;     /* name of an issuer at which the path ends since nobody holds it; NULL */
    GPtrArray *verdicts;     /* of struct check_verdict *: rejecting first */
    unsigned stores[3];      /* by enum check_answer; a store whose files differ counts with the worst */
    unsigned broken, mended; /* stores that accept before the assumed changes and not after; the other way round */
};

struct check_assumed { /* an assumed import or drop */
    const struct audit_cert *cert;
    gboolean drop;
    const char *pattern; /* of an import: the stores' labels */
    GPtrArray *stores; /* of const struct audit_store *: that it changes; they lack it (import), they hold it (drop) */
    unsigned unread;   /* stores whose list is not, or not wholly, known: nobody knows whether it changes them */
    GPtrArray *own;    /* of struct check_own *: of a drop, in the order of the first store */
};

struct check_own { /* an own certificate of the landscape that the dropped one has issued, or whose issuer it has */
    const struct audit_cert *cert;
    GPtrArray *stores; /* of const struct audit_store *: that have it as their own */
};

enum check_effect_kind {
    CHECK_REOPENED,   /* a gap that an import has closed: open again by the assumed drops */
    CHECK_HEALED,     /* an open gap: closed by the assumed imports */
    CHECK_PERHAPS,    /* perhaps one of the two, see the note */
    CHECK_SOURCELESS, /* an open gap asks for what is dropped */
};

struct check_effect { /* on a gap of the audit */
    enum check_effect_kind kind;
    const struct audit_finding *finding;
    const struct audit_gap *gap;
    const char *note;
};

struct check_need { /* a certificate of the source landscape that stores of the target lack */
    const struct audit_cert *cert;
    const char *file;     /* of the PSEs: "SAPSSLC.pse" */
    uint64_t connections; /* failed connections in the source with a PSE of this file that needed it; 0: none seen */
    unsigned sources;     /* stores of the source that hold it */
    gboolean ended;       /* it is not valid at the time that was asked for */
    GPtrArray *lacking;   /* of const struct audit_store *: of the target */
    unsigned namesakes;   /* of them hold another certificate of that name */
    GPtrArray *unknown;   /* of const struct audit_store *: of the target, of which nobody knows */
    unsigned holding;     /* stores of the target that hold it */
};

struct check {
    const struct audit *audit;   /* the one that was asked */
    const struct audit *against; /* the target landscape, or NULL */
    int64_t at;
    GPtrArray *notes;     /* of const char *: what has to be known to read the answer */
    GPtrArray *assumed;   /* of struct check_assumed * */
    GPtrArray *peers;     /* of struct check_peer *: those that were asked for */
    GPtrArray *observed;  /* of struct check_peer *: with a drop, those of the audit's failures that it concerns */
    GPtrArray *effects;   /* of struct check_effect * */
    unsigned open_gaps;   /* of the audit, in the stores that were asked for, that no assumed import is sure to heal */
    GPtrArray *needs;     /* of struct check_need *, by file; most used first */
    GPtrArray *unmatched; /* of const char *: files of PSEs that the source has and the target has not */
};

struct check *check_new(const struct audit *audit);
void check_free(struct check *check);

/* New and empty, for their arrays, which free them. */
struct check_import *check_import_new(void);
struct check_place *check_place_new(void);
struct check_verdict *check_verdict_new(void);
struct check_peer *check_peer_new(void);
void check_peer_free(struct check_peer *peer);
struct check_assumed *check_assumed_new(void);
/**
 * check_add_own(assumed, cert, store):
 * Note that ${cert} is the own certificate of ${store}, once.
 */
void check_add_own(struct check_assumed *assumed, const struct audit_cert *cert, const struct audit_store *store);
struct check_need *check_need_new(void);
void check_need_free(struct check_need *need);

/**
 * check_rejects(check):
 * Whether something in the answer is for certain not as it should be: a store rejects a peer that was asked for, a drop
 * breaks what was observed, an open gap stays open under the assumed imports (if they were all that was asked), the
 * target lacks a certificate that is still valid.
 */
gboolean check_rejects(const struct check *check);

/**
 * check_imports(check):
 * Whether imports are assumed: only then ${open_gaps} says something.
 */
gboolean check_imports(const struct check *check);

/* Names as the documents spell them. */
const char *check_answer_name(enum check_answer answer);
const char *check_import_kind_name(enum check_import_kind kind);
const char *check_effect_kind_name(enum check_effect_kind kind);

typedef struct check check_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(check_auto, check_free)

#endif
