/*
 * Which certificate a failure misses: from what a trace prints to a certificate of the pool, and how sure that is.
 *
 * A name alone proves little, for several certificates may carry it.  So a printed fingerprint or serial number decides
 * where there is one; and where the pool holds the DER of the certificate below in the peer's chain, a certificate
 * counts only if it verifies that one's signature.  Nothing is chosen among what cannot be told apart.
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

struct identity {
    struct audit_cert *cert; /* what to import; NULL: MATCH_AMBIGUOUS, MATCH_NONE */
    enum audit_match match;
    const char *proof;     /* how it was found or why it was not: sentences, a text of the audit; or NULL */
    GPtrArray *candidates; /* of struct audit_cert *, MATCH_AMBIGUOUS only */
    gboolean substitute; /* nobody holds the missing one, but ${cert}, which stands below it in the chain, heals too */
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
