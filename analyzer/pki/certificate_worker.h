/*
 * The readers of certificates and listings, in child processes (workers.h).
 *
 * What a child answers is as hostile as the bytes that it was given, so it is checked like them; it may still be a lie,
 * but only about what the child was given, or will be given before it is replaced.
 */
#ifndef TRUSTGAP_CERTIFICATE_WORKER_H
#define TRUSTGAP_CERTIFICATE_WORKER_H

#include "workers.h"

#include <glib.h>
#include <stdint.h>

struct listing;

enum { CERTIFICATE_WORKER_CERTIFICATES = 0x10, CERTIFICATE_WORKER_LISTING }; /* kinds of requests; no other has them */

/**
 * certificate_worker_work(answer, request):
 * A worker_work of these requests.
 */
gboolean certificate_worker_work(struct worker_answer *answer, const struct worker_request *request);

/**
 * certificate_worker_read(workers, ders, digests, into, done, why):
 * Read the certificates that stand one behind the other in ${ders}, whose SHA-256 are ${digests} (of char *), into
 * ${into}: digest -> struct certificate *, or NULL where it can't be parsed.  FALSE with ${*why} set (worker_finish())
 * if that fails; the first ${*done} are there then.
 */
gboolean certificate_worker_read(struct workers *workers, const GByteArray *ders, const GPtrArray *digests,
                                 GHashTable *into, guint *done, char **why);

/**
 * certificate_worker_read_listing(workers, bytes, why):
 * listing_parse() in a child, or here if ${workers} is NULL.  NULL with ${*why} set if that fails.
 */
struct listing *certificate_worker_read_listing(struct workers *workers, GBytes *bytes, char **why);

#endif
