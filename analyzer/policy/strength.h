/*
 * How strong a certificate is, and whether it is one of a CA: what a policy asks of it.  Facts of a certificate that is
 * known by a listing only are taken from what the listing prints; what that does not tell is not held against it.
 */
#ifndef TRUSTGAP_STRENGTH_H
#define TRUSTGAP_STRENGTH_H

#include "audit.h"
#include "policy.h"

#include <glib.h>

/**
 * strength_weakness(strength, cert):
 * What of ${cert} is weaker than ${strength} allows: "its key is RSA 1024, and 2048 bits are the least", several things
 * with "; " between them; NULL if nothing is.  The caller frees it with g_free().
 */
char *strength_weakness(const struct policy_strength *strength, const struct audit_cert *cert);

/**
 * strength_is_end_entity(cert):
 * Whether ${cert} is known to be no CA, and its issuer has another name than it.
 */
gboolean strength_is_end_entity(const struct audit_cert *cert);

#endif
