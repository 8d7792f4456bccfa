/*
 * A payload of the probe's stream in base64 (RFC 4648), decoded while it comes: docs/formats/probe.md, "Payload".
 *
 * Strict: the alphabet, line feeds anywhere, "=" only at the very end, whole groups of four digits, no bits set that
 * belong to no byte.  The bytes that are wanted have up to BASE64_PAD_BYTES zeros before and behind them, for a tool
 * may read in blocks only.
 */
#ifndef TRUSTGAP_BASE64_H
#define TRUSTGAP_BASE64_H

#include <glib.h>
#include <stdint.h>

#define BASE64_PAD_BYTES 2

struct base64 {
    int64_t skip_bytes, size_bytes; /* zeros before, and how many are wanted */
    int64_t decoded_bytes;          /* up to now, the zeros included */
    uint32_t bits;                  /* of the group under way */
    unsigned digits, padding;       /* in it */
    gboolean ended;                 /* a padded group has come */
};

void base64_init(struct base64 *base64, int64_t skip_bytes, int64_t size_bytes);

/**
 * base64_add(base64, out, bytes, size, error):
 * Go on with the next piece, and append the bytes that it stands for and that are wanted to ${out}.  FALSE with
 * ${error} set (TRUSTGAP_ERROR_SYNTAX) if that is no such base64.
 */
gboolean base64_add(struct base64 *base64, GByteArray *out, const uint8_t *bytes, size_t size, GError **error);

/**
 * base64_end(base64, error):
 * Nothing more comes: FALSE with ${error} set if a group is cut, or if fewer bytes came than are wanted.
 */
gboolean base64_end(const struct base64 *base64, GError **error);

#endif
