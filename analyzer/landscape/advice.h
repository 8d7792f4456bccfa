/*
 * What to do about one failure, in plain words, from what its trace says and nothing else.
 *
 * The landscape may know more (whose certificate it is, who holds it); that is said by the findings.
 */
#ifndef TRUSTGAP_ADVICE_H
#define TRUSTGAP_ADVICE_H

#include "trace.h"

/**
 * advice_text(failure):
 * A paragraph: what is missing, in which PSE, what to do about it, what is uncertain.  The caller frees it with
 * g_free().
 */
char *advice_text(const struct trace_failure *failure);

/**
 * advice_key(cert):
 * "RSA 1024", "id-ecPublicKey 256": its key, as far as the trace prints it; NULL if it does not.  The caller frees it
 * with g_free().
 */
char *advice_key(const struct trace_cert *cert);

#endif
