/*
 * Keeps private keys out: looks at what a host sent before it is written anywhere.
 *
 * The probe never sends a key, but what a host sends proves nothing: a trace may be a link to a key file.  Bytes go in
 * as they come, in pieces of any size; what comes out is what is certainly not the beginning of a key, so that nothing
 * of one reaches the disk.  These are found, wherever they begin, also in base64 (in lines of any length):
 *
 * - PSE files (docs/formats/pse.md): the beginning of each version, and the object identifiers of their objects;
 * - private keys in DER: RSA and DSA (PKCS #1 and its like), EC (SEC 1, RFC 5915), PKCS #8 (RFC 5958), plain or
 *   encrypted; PKCS #12 files, by the identifiers of their bags and ciphers;
 * - private keys in text: PEM (RFC 7468), OpenSSH, SSH2 (RFC 4716's line for private keys), PGP, PuTTY; each by its
 *   first line or its last;
 * - Java key stores.
 *
 * Certificates, revocation lists, requests and public keys are none of these.  Hexadecimal dumps are not looked into.
 */
#ifndef TRUSTGAP_SIEVE_H
#define TRUSTGAP_SIEVE_H

#include <glib.h>
#include <stdint.h>

#define SIEVE_WINDOW_BYTES 256 /* of a possible key that decide; in base64, after decoding */

struct sieve;

struct sieve *sieve_new(void);
void sieve_free(struct sieve *sieve);

/**
 * sieve_add(sieve, clear, clear_size, bytes, size):
 * Go on with the next piece.  ${*clear} is set to the ${*clear_size} bytes, after those of the calls before, that are
 * no part of a key; they may lie in ${bytes} and are valid until the next call.  FALSE if a private key begins behind
 * them; nothing may be added afterwards.
 */
gboolean sieve_add(struct sieve *sieve, const uint8_t **clear, size_t *clear_size, const void *bytes, size_t size);

/**
 * sieve_end(sieve, clear, clear_size):
 * Nothing more comes: what was held back is no key either.  FALSE if it is one.
 */
gboolean sieve_end(struct sieve *sieve, const uint8_t **clear, size_t *clear_size);

/**
 * sieve_cut(sieve, clear, clear_size):
 * More would come and is lost: what may be the beginning of a key is none of the ${*clear} bytes.
 */
gboolean sieve_cut(struct sieve *sieve, const uint8_t **clear, size_t *clear_size);

/**
 * sieve_holds_key(bytes, size):
 * The same for bytes that are all there.
 */
gboolean sieve_holds_key(const void *bytes, size_t size);

typedef struct sieve sieve_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sieve_auto, sieve_free)

#endif
