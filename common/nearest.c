#include "nearest.h"

#include <string.h>

static char fold(char c)
{
    return c == '-' ? '_' : g_ascii_tolower(c);
}

/* Damerau's distance, in the form in which no part is changed twice. */
unsigned nearest_distance(const char *one, const char *other)
{
    size_t rows = strlen(one), columns = strlen(other);
    unsigned cells[NEAREST_BYTES + 1][NEAREST_BYTES + 1];

    if (rows > NEAREST_BYTES || columns > NEAREST_BYTES)
        return G_MAXUINT;
    for (size_t i = 0; i <= rows; i++)
        cells[i][0] = (unsigned)i;
    for (size_t j = 0; j <= columns; j++)
        cells[0][j] = (unsigned)j;
    for (size_t i = 1; i <= rows; i++) {
        for (size_t j = 1; j <= columns; j++) {
            gboolean same = fold(one[i - 1]) == fold(other[j - 1]);
            unsigned least = MIN(cells[i - 1][j], cells[i][j - 1]) + 1;
            least = MIN(least, cells[i - 1][j - 1] + !same);
            if (i > 1 && j > 1 && fold(one[i - 1]) == fold(other[j - 2]) && fold(one[i - 2]) == fold(other[j - 1]))
                least = MIN(least, cells[i - 2][j - 2] + 1);
            cells[i][j] = least;
        }
    }
    return cells[rows][columns];
}

const char *nearest_find(const char *name, const char *const *known, unsigned most)
{
    const char *nearest = NULL;

    for (; *known; known++) {
        unsigned distance = nearest_distance(name, *known);
        if (distance <= most && (!nearest || distance < nearest_distance(name, nearest)))
            nearest = *known;
    }
    return nearest;
}
