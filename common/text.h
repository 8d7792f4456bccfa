/*
 * Text from a host, made harmless.
 *
 * Everything that a host sent passes through text_append_clean() before it may reach a terminal, a log, XML, HTML, CSV
 * or JSON.  What comes out is valid UTF-8 without control characters, so it is also valid in an XML document; it still
 * needs the quoting of the format that it goes into, which the writers of those formats do (libxml2, jansson).
 * Cleaning is not reversible and does not need to be: the raw bytes lie in the capture.
 */
#ifndef TRUSTGAP_TEXT_H
#define TRUSTGAP_TEXT_H

#include <glib.h>
#include <stdint.h>

/**
 * text_append_clean(out, bytes, size):
 * Append the ${size} bytes at ${bytes} to ${out} as valid, printable UTF-8.  A byte that is not part of valid UTF-8,
 * and a control character below U+0080, becomes \xNN; a control above it, a character that changes the direction of
 * text or that cannot be seen (U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF, U+00AD, U+061C), a private
 * or unassigned one becomes \u{N}.  A tab becomes one blank.  Nothing else changes; a backslash stays as it is.
 */
void text_append_clean(GString *out, const void *bytes, size_t size);

/**
 * text_clean(bytes, size):
 * Return what text_append_clean() appends as a new string, which the caller frees with g_free().
 */
char *text_clean(const void *bytes, size_t size);

/**
 * text_intern(strings, text):
 * Return the cleaned form of the string ${text}, kept once in ${strings} and owned by it; NULL for NULL.
 */
const char *text_intern(GStringChunk *strings, const char *text);

/**
 * text_intern_bytes(strings, bytes, size):
 * The same for ${size} bytes, which may hold NULs.
 */
const char *text_intern_bytes(GStringChunk *strings, const void *bytes, size_t size);

/**
 * text_keep(strings, text), text_keep_bytes(strings, bytes, size):
 * The same, without looking whether ${strings} has it already: for what is soon forgotten.
 */
const char *text_keep(GStringChunk *strings, const char *text);
const char *text_keep_bytes(GStringChunk *strings, const void *bytes, size_t size);

/**
 * text_hex(out, bytes, size):
 * Append the ${size} bytes at ${bytes} to ${out} as lower case hex digits.
 */
void text_hex(GString *out, const void *bytes, size_t size);

#endif
