/*
 * The memory that libssh2 takes for one session, so that all of it is given back with the session.
 *
 * libssh2 loses some of what it holds: the old host key whenever keys are exchanged anew, what a log-in or a handshake
 * had in hand when the connection broke.  In a run over thousands of hosts that adds up.  It also has a limit, so that
 * no server can make a session grow without end.
 */
#ifndef TRUSTGAP_ARENA_H
#define TRUSTGAP_ARENA_H

#include <glib.h>

/* Limits. */
#define ARENA_BYTES ((size_t)16 * 1024 * 1024) /* what is above is refused; a session needs 0.2 MB and its window */

struct arena;

struct arena *arena_new(void);

/**
 * arena_free(arena):
 * All that was taken and not given back goes with it.  NULL is fine.
 */
void arena_free(struct arena *arena);

/**
 * arena_take(arena, size), arena_give(arena, memory), arena_resize(arena, memory, size):
 * As malloc(), free() and realloc(): NULL if there is none, or if it would be more than the limit.
 */
void *arena_take(struct arena *arena, size_t size);
void arena_give(struct arena *arena, void *memory);
void *arena_resize(struct arena *arena, void *memory, size_t size);

#endif
