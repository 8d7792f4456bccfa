/*
 * Words that were meant: the known name that is nearest to one that nobody knows.
 */
#ifndef TRUSTGAP_NEAREST_H
#define TRUSTGAP_NEAREST_H

#include <glib.h>

#define NEAREST_BYTES 64 /* a longer name is near to nothing */

/**
 * nearest_distance(one, other):
 * How many slips of the pen lie between two names: a letter too many, one too few, a wrong one, two that are swapped.
 * Capital letters count as small ones, and "-" as "_".  G_MAXUINT if one of them is longer than NEAREST_BYTES.
 */
unsigned nearest_distance(const char *one, const char *other);

/**
 * nearest_find(name, known, most):
 * The first of the NULL-ended list ${known} with the smallest distance to ${name}, which is at most ${most}; or NULL.
 */
const char *nearest_find(const char *name, const char *const *known, unsigned most);

#endif
