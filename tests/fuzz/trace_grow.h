/*
 * Small samples of large traces: lines as long as the limits and longer, and more threads than are followed.
 *
 * A sample that begins with GROW_MARK is a recipe.  GROW_STRETCH C N stands for N * 256 bytes of C.  What stands
 * between GROW_FROM and GROW_TIMES N is there N * 2 times, in which each GROW_NUMBER is the number of the turn.  All
 * else is text.
 */
#ifndef TRUSTGAP_FUZZ_TRACE_GROW_H
#define TRUSTGAP_FUZZ_TRACE_GROW_H

#include <glib.h>
#include <stdint.h>

#define GROW_MARK    "\x01grow\n"
#define GROW_STRETCH 0x02
#define GROW_FROM    0x03
#define GROW_TIMES   0x04
#define GROW_NUMBER  0x05
#define GROW_BYTES   ((size_t)192 * 1024) /* what would be longer is cut off */

/**
 * trace_grow(bytes, size):
 * The text that a sample stands for; g_byte_array_unref().
 */
GByteArray *trace_grow(const uint8_t *bytes, size_t size);

/**
 * trace_mutate(bytes, size, most, seed):
 * Change the ${size} bytes of a sample as traces change, within ${most} bytes: lines are joined, line feeds dropped,
 * lines put in, made longer, repeated by other threads.  Returns the new size; the same ${seed} does the same.
 */
size_t trace_mutate(uint8_t *bytes, size_t size, size_t most, unsigned seed);

#endif
