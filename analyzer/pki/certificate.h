/*
 * What a certificate says, taken out of its DER.  Private to the analyzer; the pool makes certificates of the audit of
 * it.  The bytes are hostile.
 */
#ifndef TRUSTGAP_CERTIFICATE_H
#define TRUSTGAP_CERTIFICATE_H

#include "pack.h"
#include "signature.h"

#include <glib.h>
#include <openssl/x509.h>
#include <stdint.h>

#define CERTIFICATE_BYTES        ((size_t)256 * 1024)       /* of one certificate */
#define CERTIFICATE_LIST         20000                      /* certificates of one trust list */
#define CERTIFICATE_LIST_BYTES   ((size_t)16 * 1024 * 1024) /* of one trust list or listing */
#define CERTIFICATE_KEY_ID_BYTES 64                         /* of a key identifier; a longer one is "not known" */

struct certificate {        /* strings are NULL where nothing usable is said */
    char *subject, *issuer; /* as SAP prints them, of any length */
    char *serial;           /* hex digits as they stand there */
    char *key;              /* "RSA 2048" */
    char *signature_algorithm;
    char *subject_key_id, *authority_key_id; /* lower case hex */
    char *subject_key, *issuer_key;          /* name_key_x509() */
    int64_t not_before, not_after;
    gboolean self_signed, ca;
};

/**
 * certificate_read(certificate, bytes, size, signatures):
 * Take the certificate apart that is exactly these ${size} bytes.  FALSE if they are none, and ${certificate} is empty;
 * else the caller clears it with certificate_clear().
 */
gboolean certificate_read(struct certificate *certificate, const void *bytes, size_t size,
                          struct signatures *signatures);
void certificate_clear(struct certificate *certificate);

/**
 * certificate_key_id(key_id):
 * A key identifier as lower case hex, g_free(); NULL if there is none, or one that is too long.
 */
char *certificate_key_id(const ASN1_OCTET_STRING *key_id);

/**
 * certificate_pack(out, certificate), certificate_unpack(certificate, unpack):
 * For another process of this program.  What is unpacked is a copy; ask unpack_is_done() whether it is anything.
 */
void certificate_pack(GByteArray *out, const struct certificate *certificate);
void certificate_unpack(struct certificate *certificate, struct unpack *unpack);

/**
 * certificate_element(bytes, size):
 * The size of the DER element at ${bytes}; 0 if it is no SEQUENCE of definite length that ends within ${size}.
 */
size_t certificate_element(const uint8_t *bytes, size_t size);

#endif
