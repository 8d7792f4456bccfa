/*
 * Certificates from their bytes.
 */
#ifndef TRUSTGAP_DER_H
#define TRUSTGAP_DER_H

#include <glib.h>
#include <openssl/x509.h>
#include <stddef.h>

/**
 * der_parse(bytes, size):
 * The certificate that is exactly these ${size} bytes, or NULL if they are none; the caller frees it with X509_free().
 * Nothing stays in OpenSSL's error queue.
 */
X509 *der_parse(const void *bytes, size_t size);

/**
 * der_parse_bytes(der):
 * The same; NULL for NULL.
 */
X509 *der_parse_bytes(GBytes *der);

#endif
