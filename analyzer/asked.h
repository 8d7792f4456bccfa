/*
 * What peers sent when they were asked for their certificates (collect --fetch-chains), beside the failures.
 *
 * The certificates go into the pool as what peers have sent.  Where a trace says of a failure only that the peer is not
 * trusted, and the peer was asked from the same host by the same name and port, its chain takes the place of the one
 * that the trace does not show; where it shows the lower part, as at a low level the leaf alone, the chain goes on
 * above that.  Both are marked in the failure (${asked}): the peer may have sent another chain when the connection
 * failed, and what it sends proves nothing about the peer.
 */
#ifndef TRUSTGAP_ASKED_H
#define TRUSTGAP_ASKED_H

#include "audit.h"
#include "capture.h"
#include "landscape.h"

#include <glib.h>

/* Limits. */
#define ASKED_BYTES ((size_t)256 * 1024) /* of one chain; a collector takes less */

struct asked; /* one peer of one host */

/**
 * asked_new(landscape, host, from, bytes):
 * ${bytes} is what the peer of ${from} sent through ${host}: certificates one behind the other, which are given to the
 * pool.  NULL if they are none.
 */
struct asked *asked_new(struct landscape *landscape, const struct audit_host *host, const struct capture_chain *from,
                        GBytes *bytes);
void asked_free(struct asked *asked);

/**
 * asked_complete(landscape):
 * Complete the failures of the audit; after pool_take_shown().
 */
void asked_complete(struct landscape *landscape);

#endif
