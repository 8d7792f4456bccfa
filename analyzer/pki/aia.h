/*
 * Where a certificate itself says that more is to be had: its issuer's certificate (authority information access,
 * RFC 5280, 4.2.2.1) and its CA's documents (the CPS pointer of its policies, 4.2.1.4).  Whoever made the certificate
 * has written that there, so it is an address to look at and no proof of anything.
 */
#ifndef TRUSTGAP_AIA_H
#define TRUSTGAP_AIA_H

#include "audit.h"

#include <glib.h>

#define AIA_URL_BYTES 512 /* a longer one is passed over */

/**
 * aia_issuer(cert), aia_repository(cert):
 * The first http or https address for the issuer's certificate, and for the documents of the CA, that has plain
 * characters only; NULL if there is none, or if the DER of ${cert} is not known.  The caller frees it with g_free().
 */
char *aia_issuer(const struct audit_cert *cert);
char *aia_repository(const struct audit_cert *cert);

#endif
