#include "trace_stream.h"

#include <string.h>

#define PLACES ((guint)(2 * STREAM_KEPT_BYTES)) /* more than lines that can be looked at again */

void stream_init(struct stream *stream)
{
    *stream = (struct stream){.number = 1, .line = UINT64_MAX};
    stream->parts = g_array_new(FALSE, TRUE, sizeof(struct part));
    stream->places = g_array_new(FALSE, FALSE, sizeof(struct place));
    stream->copy = g_string_new(NULL);
    stream->joined = g_string_new(NULL);
    stream->above = g_string_new(NULL);
    stream->kept.at = stream->copy->str;
}

void stream_clear(struct stream *stream)
{
    g_array_unref(stream->parts);
    g_array_unref(stream->places);
    g_string_free(stream->copy, TRUE);
    g_string_free(stream->joined, TRUE);
    g_string_free(stream->above, TRUE);
}

void stream_begin(struct stream *stream, uint64_t base)
{
    struct part part = {.base = base, .position = stream->position};

    if (stream->parts->len > 0)
        stream_last_part(stream)->number = stream->number;
    g_array_append_val(stream->parts, part);
    stream->number = 1;
}

struct part *stream_part(const struct stream *stream, unsigned index)
{
    return &g_array_index(stream->parts, struct part, index);
}

struct part *stream_last_part(const struct stream *stream)
{
    return stream_part(stream, stream->parts->len - 1);
}

unsigned stream_part_of(const struct stream *stream, uint64_t position)
{
    unsigned part = stream->parts->len - 1;
    while (part > 0 && stream_part(stream, part)->position > position)
        part--;
    return part;
}

const struct place *stream_placed(const struct stream *stream, uint64_t position)
{
    const struct part *part = stream_part(stream, stream_part_of(stream, position));
    guint low = 0, high = stream->places->len;

    if (part->encoding == ENCODING_BYTES && !part->placed)
        return NULL;
    while (low < high) {
        guint middle = low + (high - low) / 2;
        if (g_array_index(stream->places, struct place, middle).position < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low < stream->places->len ? &g_array_index(stream->places, struct place, low) : NULL;
}

/* The offset in its file of a line that begins at ${position}. */
uint64_t stream_offset(const struct stream *stream, uint64_t position)
{
    const struct part *part = stream_part(stream, stream_part_of(stream, position));

    if (!part->placed && (part->encoding == ENCODING_BYTES || position == part->position))
        return part->base + (position - part->position);
    const struct place *place = stream_placed(stream, position);
    return place ? place->offset : part->base;
}

uint64_t stream_kept(const struct stream *stream, uint64_t line)
{
    if (line == stream->line && stream->above->len > 0)
        return line - stream->above->len;
    return MIN(stream->position - stream->kept.size, line);
}

struct slice stream_view(struct stream *stream, uint64_t from, uint64_t to)
{
    const uint64_t begin = stream->position, kept = begin - stream->kept.size;
    const uint64_t above = stream->line - stream->above->len;

    if (from >= to)
        return (struct slice){stream->kept.at, 0};
    if (stream->above->len > 0 && from >= above && to <= stream->line)
        return (struct slice){stream->above->str + (from - above), to - from};
    if (from < kept)
        return (struct slice){stream->kept.at, 0};
    if (to <= begin)
        return (struct slice){stream->kept.at + (from - kept), to - from};
    if (from >= begin)
        return (struct slice){stream->bytes + (from - begin), to - from};
    g_string_truncate(stream->joined, 0);
    g_string_append_len(stream->joined, stream->kept.at + (from - kept), (gssize)(begin - from));
    g_string_append_len(stream->joined, stream->bytes, (gssize)(to - begin));
    return (struct slice){stream->joined->str, stream->joined->len};
}

void stream_hold_line(struct stream *stream, uint64_t position)
{
    stream->line = position;
}

void stream_drop_line(struct stream *stream)
{
    stream->line = UINT64_MAX;
    g_string_truncate(stream->above, 0);
}

/* Before ${size} bytes more are kept: of those above a line that has no end yet, see that they stay. */
static void keep_above(struct stream *stream, const char *at, size_t size)
{
    const uint64_t line = stream->line, next = stream->position + size;

    if (line == UINT64_MAX || stream->above->len > 0 || line + STREAM_KEPT_BYTES - TRACE_BEFORE_BYTES >= next)
        return;
    stream->bytes = at;
    struct slice above =
        stream_view(stream, MAX(stream_kept(stream, line), line - MIN(line, TRACE_BEFORE_BYTES)), line);
    g_string_append_len(stream->above, above.at, (gssize)above.size);
}

static unsigned count_feeds(struct slice bytes)
{
    unsigned feeds = 0;
    for (const char *at = bytes.at, *end = at + bytes.size; (at = memchr(at, '\n', (size_t)(end - at))); at++)
        feeds++;
    return feeds;
}

unsigned stream_number(struct stream *stream, uint64_t position, uint64_t line, unsigned part, unsigned number)
{
    unsigned own = stream_part_of(stream, position);
    const struct place *place = stream_part(stream, own)->placed ? stream_placed(stream, position) : NULL;
    const struct part *ended = own < part ? stream_part(stream, own) : NULL;

    if (place)
        return place->number;
    return (ended ? ended->number : number) -
           count_feeds(stream_view(stream, position, ended ? ended[1].position : line));
}

void stream_place(struct stream *stream, const struct place *place)
{
    if (stream->places->len > 2 * PLACES)
        g_array_remove_range(stream->places, 0, stream->places->len - PLACES);
    g_array_append_val(stream->places, *place);
}

void stream_hold(struct stream *stream)
{
    if (stream->kept.size > 0 && stream->kept.at == stream->copy->str)
        return;
    g_string_truncate(stream->copy, 0);
    g_string_append_len(stream->copy, stream->kept.at, (gssize)stream->kept.size);
    stream->kept.at = stream->copy->str;
}

/* The end of what was read is kept, for what follows may need it; where it is if the bytes stay, else as a copy. */
void stream_keep(struct stream *stream, const char *at, size_t size, gboolean stays)
{
    keep_above(stream, at, size);
    stream->position += size;
    stream->bytes = NULL;
    if (size >= STREAM_KEPT_BYTES) {
        at += size - STREAM_KEPT_BYTES;
        size = STREAM_KEPT_BYTES;
        stream->kept.size = 0;
        if (stays) {
            stream->kept = (struct slice){at, size};
            return;
        }
    }
    stream_hold(stream);
    if (stream->copy->len + size > 2 * STREAM_KEPT_BYTES)
        g_string_erase(stream->copy, 0, (gssize)(stream->copy->len + size - STREAM_KEPT_BYTES));
    g_string_append_len(stream->copy, at, (gssize)size);
    stream->kept = (struct slice){stream->copy->str, stream->copy->len};
}
