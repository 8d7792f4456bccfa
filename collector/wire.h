/*
 * Bounds-checked reading of SSH's wire form (RFC 4251, section 5): bytes, 32-bit numbers, length-prefixed strings.
 *
 * Key blobs, key files, the agent's answers and a server's first packet are made of these.  Each reader either takes
 * its item off the front and returns TRUE, or returns FALSE and takes nothing, so that reads chain with &&.
 */
#ifndef TRUSTGAP_WIRE_H
#define TRUSTGAP_WIRE_H

#include <glib.h>
#include <stdint.h>

/* A slice of somebody else's bytes: what is left to read. */
struct wire {
    const uint8_t *at;
    size_t left;
};

gboolean wire_read_u8(struct wire *wire, uint8_t *number);
gboolean wire_read_u32(struct wire *wire, uint32_t *number);

/**
 * wire_skip(wire, size):
 * Take ${size} bytes off.
 */
gboolean wire_skip(struct wire *wire, size_t size);

/**
 * wire_read_string(wire, string):
 * Take a string off; ${string} (which may be NULL) is set to a slice of the same bytes.
 */
gboolean wire_read_string(struct wire *wire, struct wire *string);

/**
 * wire_is(wire, text):
 * TRUE if all that is left is ${text}.
 */
gboolean wire_is(const struct wire *wire, const char *text);

/**
 * wire_append_string(bytes, string, size):
 * The other way: append ${size} bytes with their length in front.
 */
void wire_append_string(GByteArray *bytes, const void *string, size_t size);
void wire_append_u32(GByteArray *bytes, uint32_t number);

#endif
