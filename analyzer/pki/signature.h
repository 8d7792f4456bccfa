/*
 * Signatures of certificates, each verified once.
 *
 * Verifying is the dearest thing that an analysis does with a certificate, and it asks for the same signature again and
 * again: of an intermediate below a root, below the root's cross-signed twin, and in every path that leads through it.
 * A signature is one of a certificate by a key, so certificates that share a key share the answer.
 */
#ifndef TRUSTGAP_SIGNATURE_H
#define TRUSTGAP_SIGNATURE_H

#include <glib.h>
#include <openssl/x509.h>

#define SIGNATURE_KEY_BITS 16384 /* no signature is verified with a larger key: it takes too long */

struct signatures;

struct signatures *signatures_new(void);
void signatures_free(struct signatures *signatures);

/**
 * signatures_verify(signatures, subject, issuer):
 * TRUE if the key of ${issuer} verifies the signature of ${subject}; names are not looked at.  Errors may be left in
 * OpenSSL's queue.
 */
gboolean signatures_verify(struct signatures *signatures, X509 *subject, X509 *issuer);

/**
 * signatures_count(signatures):
 * How many signatures OpenSSL has verified, or refused, for signatures_verify().
 */
unsigned signatures_count(const struct signatures *signatures);

#endif
