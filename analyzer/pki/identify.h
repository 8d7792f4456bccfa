/*
 * Which certificate a failure misses: from what a trace prints to a certificate of the pool, and how sure that is.
 *
 * A name alone proves little, for several certificates may carry it.  So a printed fingerprint or serial number decides
 * where there is one; and where the pool holds the DER of the certificate below in the peer's chain, a certificate
 * counts only if it verifies that one's signature.  One without DER counts by its name and the key identifier that the
 * certificate below asks for; a key identifier with another name is no match.  Nothing is chosen among what cannot be
 * told apart.  Of several that heal alike the one is taken that is valid at the evaluation time, then one that somebody
 * holds, the one that the previous audit named, one that is not from this system's own bundle alone, a root, the one
 * that most PSE files hold, the one that is valid longest, the first by its digest; the proof names it and what it was
 * preferred to.
 *
 * A certificate that only a peer has sent (from_trace) is whatever somebody wrote into it.  It is taken where the
 * failure's own chain has its fingerprint, or where it has signed a certificate of that chain and nobody holds one that
 * has; never for its name, and never in the place of another one.  What a peer sent when it was asked stands for the
 * certificate of which a trace prints names and number only where somebody holds the issuer that has signed it.
 */
#ifndef TRUSTGAP_IDENTIFY_H
#define TRUSTGAP_IDENTIFY_H

#include "audit.h"
#include "pool.h"

#include <glib.h>

#define IDENTIFY_SHORT_CHARS 80
#define IDENTIFY_FEW         64   /* of more certificates of one name those whose key identifier fits come first */
#define IDENTIFY_TRIED       1000 /* ... and so many are tried as signers of one certificate; beyond it is not known */
#define IDENTIFY_CANDIDATES  100  /* that are listed */

struct identity {
    struct audit_cert *cert; /* what to import; NULL: MATCH_AMBIGUOUS, MATCH_NONE */
    enum audit_match match;
    const char *proof;        /* how it was found or why it was not: sentences, a text of the audit; or NULL */
    struct audit_cert *below; /* what the missing one has issued in the peer's chain, if its DER is at hand; or NULL */
    GPtrArray *candidates;    /* of struct audit_cert *, MATCH_AMBIGUOUS only */
    gboolean substitute;      /* ${cert} stands below the missing one in the chain and heals too, which that cannot: */
    const struct audit_cert *outdated; /* ... it is this one, to which no valid path leads; NULL: nobody holds it */
    const char *trouble; /* why not: OpenSSL's word for it, of ${outdated} or ${cert}; NULL: no trouble known */
    char *key;           /* what is missing, for an identifier: the same for the same certificate in every audit */
};

/**
 * identify(identity, audit, pool, failure):
 * Fill ${identity} for ${failure}, which has ${failure->missing} and may belong to another audit.  The caller clears it
 * with identity_clear().  The evaluation time is that of ${audit}.
 */
void identify(struct identity *identity, struct audit *audit, struct pool *pool, const struct audit_failure *failure);
void identity_clear(struct identity *identity);

/**
 * identify_chain(pool, failure, whole):
 * What the peer of ${failure} sends, as far as the pool has it with DER: the certificates below the missing one (or, of
 * a self-signed peer, that one itself), leaf first and without a hole between them; often none.  ${*whole} is whether
 * it begins with the leaf.  The caller frees it with g_ptr_array_unref().
 */
GPtrArray *identify_chain(struct pool *pool, const struct audit_failure *failure, gboolean *whole);

/**
 * identify_question(failure):
 * All of ${failure} that identify() looks at, to be compared with g_bytes_equal(): equal for failures of one audit to
 * which the answer is the same.  The caller frees it with g_bytes_unref().
 */
GBytes *identify_question(const struct audit_failure *failure);

/**
 * identify_name(text, cut):
 * The key of a printed name; of text that is no name the text itself.  The caller frees it with g_free().
 */
char *identify_name(const char *text, gboolean cut);

/**
 * identify_short(name):
 * How a title speaks of a printed name, or of other text (which is taken whole): name_short(), cut to
 * IDENTIFY_SHORT_CHARS.  The caller frees it with g_free().
 */
char *identify_short(const char *name);

/**
 * identify_cert(cert):
 * The key of a certificate: its strongest fingerprint, else issuer and serial number.  The caller frees it with
 * g_free().
 */
char *identify_cert(const struct audit_cert *cert);

#endif
