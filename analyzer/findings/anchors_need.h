/*
 * What the files of anchors.h share: a missing certificate and its gaps while they are worked on.
 */
#ifndef TRUSTGAP_ANCHORS_NEED_H
#define TRUSTGAP_ANCHORS_NEED_H

#include "audit.h"
#include "history.h"
#include "landscape.h"
#include "proof.h"

#include <glib.h>
#include <stdint.h>

#define ANCHORS_CHAINS 8 /* different chains of peers that are tried for a gap */

struct sent {         /* what a peer sends */
    GPtrArray *chain; /* of struct audit_cert *, see identify_chain() */
    gboolean whole;
};

struct spot { /* a gap while it is worked on */
    struct audit_gap *gap;
    GHashTable *members; /* set of struct audit_member *: the files of the store that failures were seen with */
    gboolean blind;      /* ... and one with a file of the store that was not collected */
    const struct audit_gap *before; /* the same gap in the previous audit */
    gboolean lost;                  /* that was fixed, and a file has lost the certificate since */
    GPtrArray *tried;               /* of struct audit_cert *, see anchors_weigh_candidates(); NULL before that */
    const char *weighed;            /* a sentence on what it holds of the candidates; or NULL */
    const char *superseded;         /* that is over, since tonight's trace tells more: a sentence; or NULL */
    const char *untold;             /* the files hold it, but connections went on failing: a sentence; or NULL */
    GArray *sent;                   /* of struct sent, each chain once */
    gboolean sent_more;             /* there are others, beyond ANCHORS_CHAINS */
};

struct need { /* a certificate that is missing somewhere */
    struct audit_finding *finding;
    GHashTable *spots; /* place -> struct spot * */
    GPtrArray *order;  /* the same as they came */
    char *name;        /* key of its name, see find_successor() */
    gboolean substitute;
    const struct audit_cert *outdated; /* with substitute, see identify.h */
    const struct audit_cert *below;    /* what it has issued in a peer's chain, with DER; or NULL */
    const char *trouble;
    unsigned counts[MATCH_NONE + 1]; /* failed connections of tonight by how they were matched */
    uint8_t *lists;                  /* by id of a trust list: HOLDS_ONE, HOLDS_ALL */
};

/* What a trust list has of the certificates in question: the one certificate, or some or all of the candidates. */
enum { HOLDS_ONE = 1, HOLDS_ALL = 2 };

struct copy { /* a PSE file whose list was read */
    struct audit_store *store;
    unsigned list; /* id */
    gboolean whole;
};

struct anchors {
    struct landscape *landscape;
    struct history *history;
    struct audit *audit;
    GHashTable *needs; /* kind and key -> struct need * */
    GPtrArray *order;  /* the same as they came */
    GArray *copies;    /* of struct copy, by store */
    struct proofs *proofs;
    GHashTable *known;       /* private: GBytes, see identify_question() -> what that is */
    GHashTable *heirs;       /* private: a place and what failed there tonight -> struct need *, when it is needed */
    GHashTable *by_instance; /* struct audit_instance * -> GPtrArray of struct audit_member *, when it is needed */
};

/**
 * anchors_judge(anchors, need, spot):
 * Set basis, state, note and first appearance of the gap of ${spot}; ${need->lists} is filled.
 */
void anchors_judge(struct anchors *anchors, struct need *need, struct spot *spot);

/**
 * anchors_weigh_candidates(anchors, need, spot):
 * Where one of several certificates is missing: which of them the files of the store already held when connections
 * failed, and what to say of it.  anchors_is_ruled_out(need, candidate): whether this is so in all open gaps.
 */
void anchors_weigh_candidates(struct anchors *anchors, const struct need *need, struct spot *spot);
gboolean anchors_is_ruled_out(const struct need *need, const struct audit_cert *candidate);

/**
 * anchors_append_candidates(text, anchors, need):
 * Append a sentence on each of the candidates of ${need}, if it has any, and who holds it.
 */
void anchors_append_candidates(GString *text, const struct anchors *anchors, const struct need *need);

/**
 * anchors_keep_sent(spot, sent), anchors_clear_sent(spot):
 * Keep what a peer sends for anchors_prove(), with a reference to the chain, which may be empty; free what was kept.
 */
void anchors_keep_sent(struct spot *spot, const struct sent *sent);
void anchors_clear_sent(struct spot *spot);

/**
 * anchors_prove(anchors, need, spot, lists):
 * Set the proof of the gap and its path: what adding the certificate of ${need} to each of ${lists} (of struct
 * audit_list *; none: they are not known) does for the chains of the peers.  Return the certificate to which all these
 * chains lead already, PROOF_HELD; else NULL.
 */
const struct audit_cert *anchors_prove(struct anchors *anchors, const struct need *need, struct spot *spot,
                                       const GPtrArray *lists);

/**
 * anchors_describe(anchors, need):
 * Set title and detail of the finding of ${need}, whose gaps have been judged.
 */
void anchors_describe(struct anchors *anchors, struct need *need);

/**
 * anchors_sibling(anchors, store):
 * The other one of the two SSL client PSEs, standard and anonymous, of the same place; or NULL.
 */
struct audit_store *anchors_sibling(const struct anchors *anchors, const struct audit_store *store);

#endif
