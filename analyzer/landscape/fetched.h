/*
 * What peers sent when they were asked for their certificates (collect --fetch-chains), beside the failures.
 *
 * The certificates go into the pool as what peers have sent.  Where a trace says of a failure only that the peer is not
 * trusted, and the peer was asked from the same host by the same name and port, its chain takes the place of the one
 * that the trace does not show; where it shows the lower part, as at a low level the leaf alone, the chain goes on
 * above that.  Both are marked in the failure (${asked}): the peer may have sent another chain when the connection
 * failed, and what it sends proves nothing about the peer.
 */
#ifndef TRUSTGAP_FETCHED_H
#define TRUSTGAP_FETCHED_H

#include "audit.h"
#include "capture.h"
#include "pool.h"

#include <glib.h>

/* Limits. */
#define FETCHED_BYTES ((size_t)256 * 1024) /* of one chain; a collector takes less */

struct fetched;

/**
 * fetched_new(audit, pool):
 * No peer has answered yet.  ${audit} and ${pool} have to outlive the result.
 */
struct fetched *fetched_new(struct audit *audit, struct pool *pool);
void fetched_free(struct fetched *fetched);

/**
 * fetched_add(fetched, host, from, bytes):
 * ${bytes} is what the peer of ${from} sent through ${host}: certificates one behind the other, which are given to the
 * pool.  FALSE if they are none.
 */
gboolean fetched_add(struct fetched *fetched, const struct audit_host *host, const struct capture_chain *from,
                     GBytes *bytes);

/**
 * fetched_recall(fetched, previous):
 * What peers sent in earlier nights counts, with its date, where tonight brings no answer: a peer that does not answer
 * one night would else make findings come and go.  ${previous} may be NULL; before pool_take_shown().
 */
void fetched_recall(struct fetched *fetched, const struct audit *previous);

/**
 * fetched_complete(fetched):
 * Complete the failures of the audit; after pool_take_shown().
 */
void fetched_complete(struct fetched *fetched);

#endif
