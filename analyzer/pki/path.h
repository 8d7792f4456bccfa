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

#define PATH_DEPTH      16   /* certificates of a path */
#define PATH_TRIES      64   /* paths offered to OpenSSL where names lead to several certificates */
#define PATH_STEPS      4096 /* certificates looked at to find them */
#define PATH_NAMESAKES  16   /* of more anchors with the names of issuers only those count that have signed something */
#define PATH_SIGNATURES 2048 /* verified to find these, beginning with those whose key identifiers fit */

/* The reason beyond one of these limits, where "no path" means that none was found. */
#define PATH_LIMITED "more certificates have one name than could be tried"

/**
 * path_verify(chain, anchors, at, reason):
 * Whether a path leads from the first certificate of ${chain} (of struct audit_cert *, leaf first, the others as
 * untrusted helpers) to one of ${anchors} (likewise; any of them ends a path, self-signed or not), with every signature
 * and every validity right at ${at}.  Certificates without DER are passed over.  Host names, key usage of the leaf and
 * revocation are not looked at.  If not, ${*reason} (may be NULL) is OpenSSL's word for it or PATH_LIMITED, a static
 * string.
 */
gboolean path_verify(const GPtrArray *chain, const GPtrArray *anchors, int64_t at, const char **reason);

/**
 * path_build(signatures, path, chain, anchors, at, reason):
 * The same, for one who asks often: a signature that ${signatures} knows is not computed again.  Unless it is NULL, the
 * path that was verified is appended to ${path} (of struct audit_cert *), from the first of ${chain} to the anchor;
 * nothing is appended if there is none.
 */
gboolean path_build(struct signatures *signatures, GPtrArray *path, const GPtrArray *chain, const GPtrArray *anchors,
                    int64_t at, const char **reason);

#endif
