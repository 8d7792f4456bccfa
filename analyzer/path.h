/*
 * Who would be trusted: certificate paths, built and verified by OpenSSL.  The only file that calls its verifier, which
 * takes the signatures from signature.h.
 */
#ifndef TRUSTGAP_PATH_H
#define TRUSTGAP_PATH_H

#include "audit.h"
#include "signature.h"

#include <glib.h>
#include <stdint.h>

#define PATH_DEPTH 16   /* certificates of a path */
#define PATH_TRIES 64   /* paths offered to OpenSSL where names lead to several certificates */
#define PATH_STEPS 4096 /* certificates looked at to find them; beyond either limit the answer is "no path" */

/**
 * path_verify(chain, anchors, at, reason):
 * Whether a path leads from the first certificate of ${chain} (of struct audit_cert *, leaf first, the others as
 * untrusted helpers) to one of ${anchors} (likewise; any of them ends a path, self-signed or not), with every signature
 * and every validity right at ${at}.  Certificates without DER are passed over.  Host names, key usage of the leaf and
 * revocation are not looked at.  If not, ${*reason} (may be NULL) is OpenSSL's word for it, a static string.
 */
gboolean path_verify(const GPtrArray *chain, const GPtrArray *anchors, int64_t at, const char **reason);

/**
 * path_verify_with(signatures, chain, anchors, at, reason):
 * The same, for one who asks often: a signature that ${signatures} knows is not computed again.
 */
gboolean path_verify_with(struct signatures *signatures, const GPtrArray *chain, const GPtrArray *anchors, int64_t at,
                          const char **reason);

#endif
