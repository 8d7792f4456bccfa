/*
 * What one host sends, put in its place: the probe's records fill a struct capture_host, their bytes go into objects.
 *
 * It looks into no bytes but for private keys: what contains one is dropped before it reaches the disk (sieve.h), and
 * its trace or store has the reason CAPTURE_PRIVATE_KEY.  What is wrong with the stream of one system costs what that
 * system did not say before; the host has a shortfall then.
 *
 * What did not come whole is told apart: of a trace that was cut off the part that came is
 * kept, for it is as good as a shorter trace; a trust list, a certificate or a listing that was cut off is thrown away,
 * for half a list would look like gaps, and its store becomes one of method "none", reason "incomplete".
 */
#ifndef TRUSTGAP_RECEIVER_H
#define TRUSTGAP_RECEIVER_H

#include "capture.h"
#include "collector.h"
#include "sink.h"

#include <glib.h>

/* Limits. */
#define RECEIVER_TRUSTED_BYTES ((int64_t)8 * 1024 * 1024) /* a PSE of that size is the largest that the probe reads */
#define RECEIVER_OWN_BYTES     ((int64_t)256 * 1024)      /* both when decoded */
#define RECEIVER_LISTING_BYTES ((int64_t)16 * 1024 * 1024)
#define RECEIVER_NOTES         100 /* more are counted */

struct receiver;

/**
 * receiver_new(host, sink, nonce, trace_bytes):
 * ${host} is to be filled; it and ${sink} belong to the caller.
 */
struct receiver *receiver_new(struct capture_host *host, const struct sink *sink, const char *nonce,
                              int64_t trace_bytes);
void receiver_free(struct receiver *receiver);

/**
 * receiver_add(receiver, bytes, size, error):
 * Go on with the next piece of the shell's standard output.  FALSE with ${error} set if the host sends what it should
 * not (TRUSTGAP_ERROR_SYNTAX, _LIMIT), or if the capture can't be written (any other code); then only
 * receiver_finish() and receiver_free() may follow.
 */
gboolean receiver_add(struct receiver *receiver, const void *bytes, size_t size, GError **error);

/**
 * receiver_finish(receiver, error):
 * Nothing more will come.  FALSE with ${error} set if the capture can't be written.
 */
gboolean receiver_finish(struct receiver *receiver, GError **error);

/**
 * receiver_note(receiver, format, ...):
 * Add a note of our own to the host.
 */
void receiver_note(struct receiver *receiver, const char *format, ...) G_GNUC_PRINTF(2, 3);

gboolean receiver_begun(const struct receiver *receiver);    /* the probe has spoken */
gboolean receiver_complete(const struct receiver *receiver); /* and said all it had to say */

/**
 * receiver_shortfall(receiver, reason):
 * What the probe says that it did not look at, and what did not come of a system, for a person: the gravest of it, and
 * how many more there are; the caller frees it with g_free().  Set ${*reason} to what it makes of the host.  NULL, and
 * REASON_NONE, if it looked everywhere; REASON_NO_INSTANCE if there was nothing to find.
 */
char *receiver_shortfall(const struct receiver *receiver, enum collector_reason *reason);

/**
 * receiver_noise(receiver):
 * What came before the probe's first line, the beginning of it, as it came.
 */
const GString *receiver_noise(const struct receiver *receiver);

#endif
