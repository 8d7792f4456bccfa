/*
 * Certificates in a PKCS #12 file (RFC 7292): trust stores of Java, and what browsers and Windows export.  OpenSSL does
 * the work.  Private to the analyzer.
 *
 * Certificates stand there plain or encrypted with a password.  The integrity of the file isn't checked, as nobody
 * checks that of a PEM file; private keys are passed over and stay encrypted.
 */
#ifndef TRUSTGAP_PKCS12_H
#define TRUSTGAP_PKCS12_H

#include "key_store.h"

#define PKCS12_ITERATIONS 2000000 /* of a key derivation; a file that asks for more is refused */
#define PKCS12_SAFES      64      /* parts of one file */
#define PKCS12_DEPTH      4       /* parts inside of parts */

/**
 * pkcs12_read(store, bytes, size, passwords):
 * Fill ${store}, which is new, from a PKCS #12 file; FALSE if the bytes are none.  No password, the empty one, and then
 * each of the NULL-ended ${passwords} (or NULL) are tried.  A certificate that has Java's mark of a trusted one is
 * ${trusted}.  The others are chains: one for each certificate that belongs to a key, with the rest behind it; where
 * none does, one chain in the order of the file.
 */
gboolean pkcs12_read(struct key_store *store, const void *bytes, size_t size, const char *const *passwords);

#endif
