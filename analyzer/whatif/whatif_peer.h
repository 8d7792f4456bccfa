/*
 * What stores would say of a peer, and of the peers that the audit knows.
 */
#ifndef TRUSTGAP_WHATIF_PEER_H
#define TRUSTGAP_WHATIF_PEER_H

#include "whatif_work.h"

/**
 * whatif_peer(whatif, peer):
 * Ask all stores about ${peer}, whose chain is there, and fill the rest of it.
 */
void whatif_peer(struct whatif *whatif, struct check_peer *peer);

/**
 * whatif_observed(whatif):
 * Add to ${whatif->check->observed} the peers of the audit's failures that stores would not accept any more.
 */
void whatif_observed(struct whatif *whatif);

#endif
