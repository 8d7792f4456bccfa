#include "arena.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Stands in front of each piece. */
struct piece {
    struct piece *next, *before;
    size_t size;
    max_align_t memory[];
};

struct arena {
    struct piece *first;
    size_t bytes;
};

struct arena *arena_new(void)
{
    return g_new0(struct arena, 1);
}

static struct piece *piece_of(void *memory)
{
    return (struct piece *)(void *)((char *)memory - offsetof(struct piece, memory));
}

static void unlink_piece(struct arena *arena, struct piece *piece)
{
    if (piece->before)
        piece->before->next = piece->next;
    else
        arena->first = piece->next;
    if (piece->next)
        piece->next->before = piece->before;
    arena->bytes -= piece->size;
}

static void link_piece(struct arena *arena, struct piece *piece, size_t size)
{
    piece->size = size;
    piece->before = NULL;
    piece->next = arena->first;
    if (arena->first)
        arena->first->before = piece;
    arena->first = piece;
    arena->bytes += size;
}

void *arena_take(struct arena *arena, size_t size)
{
    struct piece *piece;

    if (size > ARENA_BYTES - arena->bytes)
        return NULL;
    piece = malloc(sizeof *piece + size);
    if (!piece)
        return NULL;
    link_piece(arena, piece, size);
    return piece->memory;
}

void arena_give(struct arena *arena, void *memory)
{
    if (!memory)
        return;
    unlink_piece(arena, piece_of(memory));
    free(piece_of(memory));
}

void *arena_resize(struct arena *arena, void *memory, size_t size)
{
    if (!memory)
        return arena_take(arena, size);

    struct piece *piece = piece_of(memory);
    size_t old_size = piece->size;
    if (size > old_size && size - old_size > ARENA_BYTES - arena->bytes)
        return NULL;
    unlink_piece(arena, piece);
    struct piece *moved = realloc(piece, sizeof *piece + size);
    link_piece(arena, moved ? moved : piece, moved ? size : old_size);
    return moved ? moved->memory : NULL;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    while (arena->first)
        arena_give(arena, arena->first->memory);
    g_free(arena);
}
