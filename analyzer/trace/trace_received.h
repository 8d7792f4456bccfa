/*
 * Certificates that a trace of level 3 holds whole: base64 of their DER, in lines of any width, with or without the
 * frame of PEM.  How such a trace is laid out is not known, so only what decodes to a certificate counts.
 */
#ifndef TRUSTGAP_TRACE_RECEIVED_H
#define TRUSTGAP_TRACE_RECEIVED_H

#include "slice.h"
#include "trace_failure.h"

#include <glib.h>

#define RECEIVED_CERT_BYTES  ((size_t)16 * 1024) /* of one certificate; larger ones are passed over */
#define RECEIVED_CHAIN_BYTES ((size_t)64 * 1024) /* of all of one block */

struct received {
    GString *text;    /* base64 of the certificate that is being read */
    size_t wanted;    /* characters of it; 0: none is being read */
    GPtrArray *certs; /* of GBytes *: DER, leaf first, each the issuer of the one before by its name */
    size_t size;      /* of them all */
};

void received_init(struct received *received);
void received_clear(struct received *received);

/**
 * received_reset(received):
 * Forget all certificates.
 */
void received_reset(struct received *received);

/**
 * received_take(received, line, anew):
 * Whether ${line} is a piece of a certificate.  One that does not go on with the chain is passed over, or with ${anew}
 * begins another chain.
 */
gboolean received_take(struct received *received, struct slice line, gboolean anew);

/**
 * received_cert(der, strings):
 * The certificate for a failure's chain: names as SAP prints them, serial number, fingerprints, strings in ${strings}.
 * The caller frees it with received_cert_free().
 */
struct trace_cert *received_cert(GBytes *der, GStringChunk *strings);
void received_cert_free(void *cert);

#endif
