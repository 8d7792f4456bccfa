/*
 * Numbers and strings as bytes, for another process of this program, and back.
 *
 * What comes back may have been made by a process that hostile bytes have taken over, so reading checks everything: a
 * read never goes beyond the end, a number is in its range, a text is what text_append_clean() could have made.  The
 * first thing that is wrong is remembered, and every later read gives nothing; so a reader asks once, at the end.
 */
#ifndef TRUSTGAP_PACK_H
#define TRUSTGAP_PACK_H

#include <glib.h>
#include <stdint.h>

/**
 * pack_number(out, number), pack_text(out, text), pack_bytes(out, bytes, size):
 * Append to ${out}.  ${text} may be NULL, which is not the empty text; ${bytes} may be NULL if ${size} is 0.
 */
void pack_number(GByteArray *out, int64_t number);
void pack_text(GByteArray *out, const char *text);
void pack_bytes(GByteArray *out, const void *bytes, size_t size);

struct unpack {
    const uint8_t *at, *end;
    gboolean bad; /* something was not in its form */
};

/**
 * unpack_number(unpack, least, most):
 * The next number; ${least} if it is not in its range.
 */
int64_t unpack_number(struct unpack *unpack, int64_t least, int64_t most);

/**
 * unpack_moment(unpack):
 * The next number as a moment: MOMENT_NONE, or one of the years 0 to 9999, so that nobody has to fear for sums.
 */
int64_t unpack_moment(struct unpack *unpack);

/**
 * unpack_text(unpack), unpack_key(unpack):
 * The next text, or NULL; it stands in the bytes that are read and stays as long as they do.  A text is UTF-8 without
 * control characters; a key may have control characters too.
 */
const char *unpack_text(struct unpack *unpack);
const char *unpack_key(struct unpack *unpack);

/**
 * unpack_bytes(unpack, size):
 * The next bytes, likewise, and their number.
 */
const void *unpack_bytes(struct unpack *unpack, size_t *size);

/**
 * unpack_is_done(unpack):
 * Whether all was in its form, and nothing is left.
 */
gboolean unpack_is_done(const struct unpack *unpack);

#endif
