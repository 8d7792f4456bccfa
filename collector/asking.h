/*
 * The peers of one host, asked for their certificates one after the other over its transport, and what came of it put
 * into the host's line.
 *
 * Every peer gets an entry: its certificates as an object, or why there are none (docs/formats/capture.md has the
 * words).  Whatever happens here is no failure of the host.
 */
#ifndef TRUSTGAP_ASKING_H
#define TRUSTGAP_ASKING_H

#include "capture.h"
#include "sink.h"
#include "transport.h"

struct asking;

/**
 * asking_new(peers, line, sink):
 * ${peers} (of struct collector_peer *), of which the first COLLECTOR_PEERS are asked, ${line} and ${sink} outlive
 * it.
 */
struct asking *asking_new(const GPtrArray *peers, struct capture_host *line, const struct sink *sink);
void asking_free(struct asking *asking);

/**
 * asking_begin(asking, transport):
 * Ask the next one; FALSE if there is none, or if this transport has no way to any.
 */
gboolean asking_begin(struct asking *asking, struct transport *transport);

/**
 * asking_keep(asking, fetched, error):
 * What came of the one that was begun.  FALSE with ${error} set if the capture can't be written.
 */
gboolean asking_keep(struct asking *asking, const struct transport_fetched *fetched, GError **error);

/**
 * asking_end(asking, reason, message):
 * No more is to be asked: the one that was begun failed for ${reason}, the others are "not-asked".
 */
void asking_end(struct asking *asking, const char *reason, const char *message);

#endif
