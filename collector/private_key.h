/*
 * A private key in memory: its public half in SSH's form, and signatures.
 *
 * libssh2 could read key files itself; it would do so twice for every log-in, and lose a part of each ECDSA key that it
 * reads.  So a key is read once per run, and libssh2 is only given what it asks to have signed.
 */
#ifndef TRUSTGAP_PRIVATE_KEY_H
#define TRUSTGAP_PRIVATE_KEY_H

#include "wire.h"

#include <glib.h>

struct private_key;

/**
 * private_key_parse_openssh(section, error):
 * From the deciphered private section of OpenSSH's own form.  ed25519, ECDSA and RSA keys are known; for others and for
 * what is damaged NULL is returned with ${error} set (without a path: that is the caller's).
 */
struct private_key *private_key_parse_openssh(const struct wire *section, GError **error);

/**
 * private_key_parse_pem(text, size, error):
 * From PEM as OpenSSL reads it, not encrypted.
 */
struct private_key *private_key_parse_pem(const void *text, size_t size, GError **error);
void private_key_free(struct private_key *key);

/**
 * private_key_public(key):
 * The public key blob, owned by ${key}.
 */
GBytes *private_key_public(const struct private_key *key);

/**
 * private_key_sign(key, data, size, error):
 * The signature of ${data} without the name of its algorithm in front; the caller frees it with g_bytes_unref().
 * ${data} is what SSH signs in a log-in; with which digest an RSA key is to sign is read from it.
 */
GBytes *private_key_sign(const struct private_key *key, const void *data, size_t size, GError **error);

/**
 * private_key_algorithm(algorithm, data, size):
 * The name of the algorithm that ${data}, which SSH signs in a log-in (RFC 4252, section 7), asks for.  FALSE if it is
 * something else.
 */
gboolean private_key_algorithm(struct wire *algorithm, const void *data, size_t size);

#endif
