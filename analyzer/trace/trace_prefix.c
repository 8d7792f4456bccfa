#include "trace_prefix.h"

#include "trace_copied.h"

/* Copying makes no-break blanks of some. */
static gboolean take_blank(struct slice *slice)
{
    return slice_take(slice, " ") || slice_take(slice, "\xc2\xa0");
}

gboolean trace_prefix_take(struct slice *line, struct slice *name)
{
    struct slice rest = *line;

    if (!slice_take(&rest, "[Thr") || !take_blank(&rest))
        return FALSE;
    const char *end = memchr(rest.at, ']', MIN(rest.size, TRACE_PREFIX_NAME_BYTES));
    if (!end || end == rest.at || memchr(rest.at, ' ', (size_t)(end - rest.at)))
        return FALSE;
    *name = slice_of(rest.at, end);
    rest = slice_of(end + 1, rest.at + rest.size);
    take_blank(&rest);
    *line = rest;
    return TRUE;
}

/* The prefix of a line that somebody indented, quoted or numbered. */
static gboolean take_damaged_prefix(struct slice *line, struct slice *name)
{
    struct slice rest = slice_trim(*line);

    while (trace_copied_strip_mark(&rest)) {
    }
    if (!trace_prefix_take(&rest, name))
        return FALSE;
    *line = rest;
    return TRUE;
}

gboolean trace_prefix_find(struct slice *line, struct slice *name)
{
    return trace_prefix_take(line, name) || take_damaged_prefix(line, name);
}
