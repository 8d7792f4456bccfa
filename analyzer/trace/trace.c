#include "trace.h"

#include "slice.h"
#include "text.h"
#include "trace_container.h"
#include "trace_filter.h"
#include "trace_header.h"
#include "trace_stream.h"
#include "trace_threads.h"
#include "trace_verdict.h"

#include <stdlib.h>

#define SAMPLE_BYTES  65536 /* of a part, by which it is seen whether that is text, and what stands round it */
#define HEAD_BYTES    (SAMPLE_BYTES + 4) /* with a mark of the encoding */
#define FOUND_AT_ONCE 32768              /* of lines inside something else, that are read */
#define GUESS_BYTES   256                /* of a part, by which UTF-16 without a byte order mark is seen */
#define UNITS_AT_ONCE 32768              /* of UTF-16 that are converted */

struct trace_reader {
    struct stream stream;
    struct threads threads;
    gboolean fresh;  /* no byte of the last part has come */
    gboolean broken; /* see trace_break() */
    /* in the bytes that are read */
    const char *ahead;              /* the next line with a word in it, or what follows the last whole line */
    const char *ahead_from;         /* from which line on it was looked for */
    unsigned ahead_number;          /* of that line in its part */
    unsigned ahead_cut;             /* too long lines from ${ahead_from} to ${ahead} */
    const struct trace_ahead *hint; /* ... as somebody else has found it */
    /* a line whose end has not come yet */
    GString *carry;        /* at most TRACE_LINE_BYTES + 2 */
    uint64_t carry_length; /* of the line so far */
    unsigned carry_part, carry_number;
    uint64_t carry_position;
    gboolean carrying;
    /* whether the part is text */
    size_t sampled;
    uint64_t sample_lines, sample_nul_lines;
    gboolean sample_nul; /* in the line that is not whole yet */
    /* UTF-16 */
    GString *utf8;
    uint64_t raw_offset; /* in the part's file, of the next byte */
    uint8_t unit_byte;
    gboolean unit_half;
    uint16_t high;
    /* a trace inside something else */
    GByteArray *head; /* the beginning of a part, until it is known what that is */
    struct container *container;
    GString *line; /* of the file, as far as it has come */
    uint64_t line_offset;
    unsigned line_number;
    GString *found;      /* lines of the trace that are not read yet */
    gboolean found_open; /* the last of them has no end yet */
};

void trace_failure_free(void *data)
{
    struct trace_failure *failure = data;
    g_ptr_array_unref(failure->chain);
    g_ptr_array_unref(failure->lines);
    g_free(failure);
}

struct trace *trace_new_for(trace_take *take, void *data)
{
    struct trace *trace = g_new0(struct trace, 1);
    struct trace_reader *reader = g_new0(struct trace_reader, 1);

    trace->failures = g_ptr_array_new_with_free_func(trace_failure_free);
    trace->header.level = -1;
    trace->header.pid = -1;
    trace->strings = g_string_chunk_new(64 * 1024);
    trace->take = take;
    trace->data = data;
    trace->reader = reader;
    stream_init(&reader->stream);
    threads_init(&reader->threads, trace, &reader->stream);
    trace->sample = g_string_new(NULL);
    reader->carry = g_string_new(NULL);
    reader->utf8 = g_string_new(NULL);
    reader->head = g_byte_array_new();
    reader->line = g_string_new(NULL);
    reader->found = g_string_new(NULL);
    return trace;
}

struct trace *trace_new(void)
{
    return trace_new_for(NULL, NULL);
}

static void reader_free(struct trace_reader *reader)
{
    if (!reader)
        return;
    stream_clear(&reader->stream);
    threads_clear(&reader->threads);
    g_string_free(reader->carry, TRUE);
    g_string_free(reader->utf8, TRUE);
    g_byte_array_unref(reader->head);
    container_free(reader->container);
    g_string_free(reader->line, TRUE);
    g_string_free(reader->found, TRUE);
    g_free(reader);
}

void trace_free(struct trace *trace)
{
    if (!trace)
        return;
    reader_free(trace->reader);
    g_ptr_array_unref(trace->failures);
    g_string_chunk_free(trace->strings);
    g_string_free(trace->sample, TRUE);
    g_free(trace);
}

/* One line without its LF, of ${length} bytes of which those of ${line->raw} are there. */
static void take_line(struct trace *trace, struct trace_line *line, uint64_t length)
{
    trace->lines++;
    line->end = line->position + length + 1;
    if (line->raw.size > 0 && line->raw.size == length && line->raw.at[length - 1] == '\r') {
        line->raw.size--;
        length--;
    }
    trace->longest = MAX(trace->longest, length);
    if (length > TRACE_LINE_BYTES) {
        trace->lines_cut++;
        line->cut = TRUE;
        line->raw.size = MIN(line->raw.size, TRACE_LINE_BYTES);
        line->telling = line->telling && trace_filter_has(line->raw.at, line->raw.at + line->raw.size);
    }
    threads_read(&trace->reader->threads, line);
}

/* Where a line of a trace inside something else stands in its file. */
static void place_line(struct trace *trace, struct trace_line *line)
{
    const struct place *place = stream_placed(&trace->reader->stream, line->position);

    if (!place || place->number == 0)
        return;
    line->number = place->number;
    line->clipped = place->clipped;
    line->moved = TRUE;
}

/* ---- Bytes ---- */

/* How many of the lines are too long.  From the beginning of one as far as a line may reach there is an LF, or it is.
 */
static unsigned count_long(const char *at, const char *end)
{
    unsigned count = 0;

    while ((size_t)(end - at) > TRACE_LINE_BYTES + 1) {
        const char *last = memrchr(at, '\n', TRACE_LINE_BYTES + 1);
        if (!last) {
            last = memchr(at, '\n', (size_t)(end - at));
            if (!last)
                break; /* it is gone since: the file is mapped, and somebody shortens it */
            count += !((size_t)(last - at) == TRACE_LINE_BYTES + 1 && last[-1] == '\r');
        }
        at = last + 1;
    }
    return count;
}

/* Nothing that begins a failure stands in the lines from ${at} to the next one that has a word. */
static void pass_over(struct trace *trace, const char *at)
{
    struct trace_reader *reader = trace->reader;
    unsigned lines = reader->ahead_number - reader->stream.number;

    trace->lines += lines;
    reader->stream.number += lines;
    trace->lines_cut += at == reader->ahead_from ? reader->ahead_cut : count_long(at, reader->ahead);
    threads_pass(&reader->threads, at, reader->ahead);
}

static gboolean is_hinted(const struct trace_reader *reader, const char *at)
{
    return reader->hint && at == reader->stream.bytes + reader->hint->first;
}

static void look_ahead(struct trace_reader *reader, const char *at, const char *end)
{
    const struct trace_ahead *hint = reader->hint;
    uint64_t lines = 0;

    reader->ahead_from = at;
    if (is_hinted(reader, at)) {
        reader->ahead = reader->stream.bytes + hint->stop;
        reader->ahead_cut = hint->lines_cut;
        lines = hint->lines;
    } else {
        gboolean first = hint && at < reader->stream.bytes + hint->first;
        reader->ahead = trace_filter_skip(at, first ? reader->stream.bytes + hint->first : end, &lines);
        reader->ahead_cut = count_long(at, reader->ahead);
    }
    reader->ahead_number = reader->stream.number + (unsigned)lines;
}

void trace_look_ahead(struct trace_ahead *ahead, const void *bytes, size_t size)
{
    const char *start = bytes, *feed_at = ahead->first == 0 ? memchr(start, '\n', size) : NULL;
    uint64_t lines = 0;

    if (feed_at)
        ahead->first = ahead->stop = (size_t)(feed_at + 1 - start);
    if (ahead->first == 0)
        return;
    const char *from = start + ahead->stop, *stop = trace_filter_skip(from, start + size, &lines);
    ahead->stop = (size_t)(stop - start);
    ahead->lines += (unsigned)lines;
    ahead->lines_cut += count_long(from, stop);
}

static void carry(struct trace_reader *reader, const char *at, size_t size)
{
    size_t room = TRACE_LINE_BYTES + 2 - MIN(reader->carry->len, TRACE_LINE_BYTES + 2);
    g_string_append_len(reader->carry, at, (gssize)MIN(size, room));
    reader->carry_length += size;
}

/* The line that was begun is over. */
static void take_carried(struct trace *trace, gboolean torn)
{
    struct trace_reader *reader = trace->reader;
    const char *last = reader->carry->str + reader->carry->len - 1;
    struct trace_line line = {
        .raw = {reader->carry->str, reader->carry->len},
        .part = reader->carry_part,
        .position = reader->carry_position,
        .offset = stream_offset(&reader->stream, reader->carry_position),
        .number = reader->carry_number,
        .torn =
            torn && reader->carry->len > 0 && !slice_is_blank(*last) && *last != '#', /* else the last word is whole */
        .telling = trace_filter_has(reader->carry->str, reader->carry->str + reader->carry->len),
    };

    reader->carrying = FALSE;
    place_line(trace, &line);
    take_line(trace, &line, reader->carry_length);
    stream_drop_line(&reader->stream);
    g_string_truncate(reader->carry, 0);
    reader->carry_length = 0;
}

static void begin_carry(struct trace_reader *reader, uint64_t position)
{
    reader->carrying = TRUE;
    reader->carry_part = reader->stream.parts->len - 1;
    reader->carry_number = reader->stream.number;
    reader->carry_position = position;
    stream_hold_line(&reader->stream, position);
}

static void read_bytes(struct trace *trace, const char *at, const char *end)
{
    struct trace_reader *reader = trace->reader;
    const char *start = at;
    uint64_t position = reader->stream.position;

    if (reader->carrying && at < end) {
        const char *feed_at = memchr(at, '\n', (size_t)(end - at));
        carry(reader, at, (size_t)((feed_at ? feed_at : end) - at));
        if (!feed_at)
            return;
        take_carried(trace, FALSE);
        reader->stream.number++;
        at = feed_at + 1;
    }
    while (at < end) {
        if (!reader->ahead || at > reader->ahead || is_hinted(reader, at))
            look_ahead(reader, at, end);
        if (threads_are_idle(&reader->threads) && at < reader->ahead) {
            pass_over(trace, at);
            at = reader->ahead;
            continue; /* for it may only be where a hint begins */
        }
        if (at < reader->ahead) {
            unsigned lines;
            at = threads_pass_others(&reader->threads, at, reader->ahead, &lines);
            trace->lines += lines;
            reader->stream.number += lines;
            if (lines > 0)
                continue; /* perhaps no block is open any more */
        }
        const char *feed_at = memchr(at, '\n', (size_t)(end - at));
        if (!feed_at)
            break;
        struct trace_line line = {
            .raw = slice_of(at, feed_at),
            .part = reader->stream.parts->len - 1,
            .position = position + (uint64_t)(at - start),
            .number = reader->stream.number++,
            .telling = at == reader->ahead,
        };
        line.offset = stream_offset(&reader->stream, line.position);
        place_line(trace, &line);
        take_line(trace, &line, line.raw.size);
        at = feed_at + 1;
    }
    if (at < end) {
        begin_carry(reader, position + (uint64_t)(at - start));
        carry(reader, at, (size_t)(end - at));
    }
}

/* The beginning of a part tells whether it is text. */
static void sample(struct trace *trace, const char *at, size_t size)
{
    struct trace_reader *reader = trace->reader;
    const char *end = at + MIN(size, SAMPLE_BYTES - reader->sampled);

    reader->sampled += (size_t)(end - at);
    while (at < end) {
        const char *feed_at = memchr(at, '\n', (size_t)(end - at));
        reader->sample_nul = reader->sample_nul || memchr(at, '\0', (size_t)((feed_at ? feed_at : end) - at)) != NULL;
        if (!feed_at)
            return;
        reader->sample_lines++;
        reader->sample_nul_lines += reader->sample_nul;
        reader->sample_nul = FALSE;
        at = feed_at + 1;
    }
}

static void end_sample(struct trace *trace)
{
    struct trace_reader *reader = trace->reader;
    uint64_t nul_lines = reader->sample_nul_lines + reader->sample_nul;

    trace->binary = trace->binary || nul_lines * 2 > reader->sample_lines + reader->sample_nul;
    reader->sampled = 0;
    reader->sample_lines = reader->sample_nul_lines = 0;
    reader->sample_nul = FALSE;
}

static void read_text(struct trace *trace, const char *at, size_t size, const struct trace_ahead *hint)
{
    struct trace_reader *reader = trace->reader;

    if (size == 0)
        return;
    if (reader->sampled < SAMPLE_BYTES && !reader->container) /* else it was looked at as it is in the file */
        sample(trace, at, size);
    if (trace->sample->len == 0) {
        trace->sample_base = stream_last_part(&reader->stream)->base;
        trace->sample_wide = stream_last_part(&reader->stream)->encoding != ENCODING_BYTES;
    }
    g_string_append_len(trace->sample, at, (gssize)MIN(size, TRACE_SAMPLE_BYTES - trace->sample->len));
    reader->stream.bytes = at;
    reader->ahead = NULL;
    reader->hint = hint && hint->first > 0 ? hint : NULL;
    read_bytes(trace, at, at + size);
    stream_keep(&reader->stream, at, size, hint != NULL);
}

/* ---- What stands round a trace ---- */

static void read_found(struct trace *trace)
{
    struct trace_reader *reader = trace->reader;

    read_text(trace, reader->found->str, reader->found->len, NULL);
    g_string_truncate(reader->found, 0);
}

/* A line of the trace itself, or a piece of one. */
static void take_found(void *data, const struct source_line *line)
{
    struct trace *trace = data;
    struct trace_reader *reader = trace->reader;
    struct place place = {reader->stream.position + reader->found->len, line->offset, line->number, line->clipped};

    if (!reader->found_open)
        stream_place(&reader->stream, &place);
    g_string_append_len(reader->found, line->text.at, (gssize)line->text.size);
    if (line->ended)
        g_string_append_c(reader->found, '\n');
    reader->found_open = !line->ended;
    if (reader->found->len >= FOUND_AT_ONCE)
        read_found(trace);
}

/* What has come of a line of the file. */
static void give_line(struct trace *trace, struct slice text, gboolean ended, gboolean exact)
{
    struct trace_reader *reader = trace->reader;
    struct source_line line = {
        .text = text, .offset = reader->line_offset, .number = reader->line_number, .exact = exact, .ended = ended};

    if (reader->sampled < SAMPLE_BYTES) {
        sample(trace, text.at, text.size);
        if (ended)
            sample(trace, "\n", 1);
    }

    if (ended && slice_ends(line.text, "\r"))
        line.text.size--;
    container_take(reader->container, &line);
    g_string_truncate(reader->line, 0);
    reader->line_number += ended;
}

static void contain_bytes(struct trace *trace, struct slice bytes)
{
    struct trace_reader *reader = trace->reader;

    while (bytes.size > 0) {
        const char *feed = memchr(bytes.at, '\n', bytes.size);
        struct slice piece = feed ? slice_of(bytes.at, feed) : bytes;
        size_t room = SOURCE_LINE_BYTES - reader->line->len;
        gboolean ended = feed && piece.size <= room;
        piece.size = MIN(piece.size, room);
        bytes = slice_from(bytes, piece.size + ended);
        uint64_t behind = reader->line_offset + reader->line->len + piece.size + ended;
        if (ended && reader->line->len == 0) {
            give_line(trace, piece, TRUE, TRUE);
            reader->line_offset = behind;
            continue;
        }
        g_string_append_len(reader->line, piece.at, (gssize)piece.size);
        if (!ended && reader->line->len < SOURCE_LINE_BYTES)
            break; /* its end is still to come */
        give_line(trace, (struct slice){reader->line->str, reader->line->len}, ended, TRUE);
        reader->line_offset = behind;
    }
    read_found(trace);
}

/* Units that were converted, behind each line feed and in pieces of what is long. */
static void contain_units(struct trace *trace, gboolean feed)
{
    struct trace_reader *reader = trace->reader;

    if (!feed && reader->utf8->len < SOURCE_LINE_BYTES)
        return;
    struct slice text = {reader->utf8->str, reader->utf8->len - feed};
    give_line(trace, text, feed, FALSE);
    g_string_truncate(reader->utf8, 0);
    reader->line_offset = reader->raw_offset;
}

/* ---- UTF-16 ---- */

static void add_unit(struct trace_reader *reader, uint16_t unit)
{
    gunichar c = unit;

    if (reader->high && unit >= 0xdc00 && unit < 0xe000)
        c = 0x10000 + ((gunichar)(reader->high - 0xd800) << 10) + (unit - 0xdc00);
    else if (unit >= 0xdc00 && unit < 0xe000)
        c = '?';
    reader->high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
    if (!reader->high)
        g_string_append_unichar(reader->utf8, c);
}

static void end_unit(struct trace *trace, uint16_t unit)
{
    struct trace_reader *reader = trace->reader;
    struct place place = {.position = reader->stream.position + reader->utf8->len, .offset = reader->raw_offset};

    if (reader->container)
        contain_units(trace, unit == '\n');
    else if (unit == '\n')
        stream_place(&reader->stream, &place);
}

static void read_units(struct trace *trace, const uint8_t *at, size_t size)
{
    struct trace_reader *reader = trace->reader;
    gboolean little = stream_last_part(&reader->stream)->encoding == ENCODING_UTF16_LE;

    for (size_t done = 0; done < size;) {
        if (!reader->container)
            g_string_truncate(reader->utf8, 0);
        for (unsigned units = 0; done < size && units < UNITS_AT_ONCE; done++) {
            reader->raw_offset++;
            if (!reader->unit_half) {
                reader->unit_byte = at[done];
            } else {
                unsigned first = reader->unit_byte, second = at[done];
                uint16_t unit = (uint16_t)(little ? second << 8 | first : first << 8 | second);
                add_unit(reader, unit);
                end_unit(trace, unit);
                units++;
            }
            reader->unit_half = !reader->unit_half;
        }
        if (reader->container)
            read_found(trace);
        else
            read_text(trace, reader->utf8->str, reader->utf8->len, NULL);
    }
}

/* The same bytes as text. */
static GString *text_of_units(struct slice bytes, gboolean little)
{
    struct trace_reader one = {.utf8 = g_string_new(NULL)};

    for (size_t i = 0; i + 1 < bytes.size; i += 2) {
        unsigned first = (uint8_t)bytes.at[i], second = (uint8_t)bytes.at[i + 1];
        add_unit(&one, (uint16_t)(little ? second << 8 | first : first << 8 | second));
    }
    return one.utf8;
}

/* ---- Parts ---- */

static size_t byte_order_mark(struct slice bytes)
{
    if (slice_begins(bytes, "\xff\xfe") || slice_begins(bytes, "\xfe\xff"))
        return 2;
    return slice_begins(bytes, "\xef\xbb\xbf") ? 3 : 0;
}

/* What text in UTF-16 looks like that has no byte order mark: nearly every other byte is NUL, and no byte between. */
static enum encoding guess_encoding(struct slice bytes)
{
    size_t pairs = MIN(bytes.size, GUESS_BYTES) / 2, nul[2] = {0, 0};

    for (size_t i = 0; i < pairs * 2; i++)
        nul[i % 2] += bytes.at[i] == '\0';
    if (pairs < 8 || MIN(nul[0], nul[1]) > 0 || MAX(nul[0], nul[1]) * 8 < pairs * 7)
        return ENCODING_BYTES;
    return nul[1] > 0 ? ENCODING_UTF16_LE : ENCODING_UTF16_BE;
}

/* A line that certainly begins here, so that one without end at the end of the part before was torn. */
static gboolean certainly_begins(struct slice bytes)
{
    const char *feed = memchr(bytes.at, '\n', MIN(bytes.size, 256));
    struct slice line = feed ? slice_of(bytes.at, feed) : bytes;

    if (slice_ends(line, "\r"))
        line.size--;
    return slice_begins(line, "[Thr ") || slice_begins(line, "trc file: ") || header_is_rule(line);
}

void trace_begin(struct trace *trace, uint64_t base)
{
    struct trace_reader *reader = trace->reader;

    g_assert(reader); /* not after trace_end() */
    trace_end_part(trace);
    end_sample(trace);
    stream_begin(&reader->stream, base);
    threads_begin(&reader->threads);
    reader->fresh = TRUE;
}

void trace_break(struct trace *trace)
{
    trace->reader->broken = TRUE;
}

/* Whether what stands above the part in its file was not read, so that no block goes on in it. */
static gboolean is_behind_gap(const struct trace_reader *reader, const struct part *part)
{
    const struct part *before = part - 1;
    uint64_t end = before->encoding == ENCODING_BYTES && !before->placed
                       ? before->base + (reader->stream.position - before->position)
                       : reader->raw_offset;

    return part->base != 0 && part->base != end;
}

/* A page of the web stays to be seen as one by its first tags, though only its text is read. */
static void sample_tags(struct trace *trace, struct slice bytes)
{
    const char *end;

    bytes.size = MIN(bytes.size, GUESS_BYTES);
    while (trace->sample->len < GUESS_BYTES && bytes.size > 0) {
        if (g_ascii_isspace(bytes.at[0])) {
            bytes = slice_from(bytes, 1);
        } else if (bytes.at[0] == '<' && (end = memchr(bytes.at, '>', bytes.size))) {
            g_string_append_printf(trace->sample, "%.*s\n", (int)(end + 1 - bytes.at), bytes.at);
            bytes = slice_of(end + 1, bytes.at + bytes.size);
        } else {
            return;
        }
    }
}

/* What stands round the trace, as its beginning tells. */
static void find_container(struct trace *trace, struct slice bytes, gboolean whole)
{
    struct trace_reader *reader = trace->reader;
    enum encoding encoding = stream_last_part(&reader->stream)->encoding;

    bytes.size = MIN(bytes.size, SAMPLE_BYTES);
    if (encoding == ENCODING_BYTES) {
        reader->container = container_find(bytes, whole, take_found, trace);
        if (reader->container)
            sample_tags(trace, bytes);
        return;
    }
    g_autoptr(GString) text = text_of_units(bytes, encoding == ENCODING_UTF16_LE);
    reader->container = container_find((struct slice){text->str, text->len}, whole, take_found, trace);
}

/* The first bytes of a part: its encoding, and whether they go on with the line in which the one before ended. */
static size_t begin_part(struct trace *trace, struct slice bytes, gboolean whole)
{
    struct trace_reader *reader = trace->reader;
    struct part *part = stream_last_part(&reader->stream);
    size_t mark = part->base == 0 ? byte_order_mark(bytes) : 0;
    enum encoding encoding = mark == 3             ? ENCODING_BYTES
                             : mark == 0           ? guess_encoding(bytes)
                             : *bytes.at == '\xff' ? ENCODING_UTF16_LE
                                                   : ENCODING_UTF16_BE;
    gboolean wide = encoding != ENCODING_BYTES ||
                    (reader->stream.parts->len > 1 && (part[-1].encoding != ENCODING_BYTES || part[-1].placed));

    gboolean gap = reader->stream.parts->len > 1 && (reader->broken || is_behind_gap(reader, part));

    reader->fresh = reader->broken = FALSE;
    part->encoding = encoding;
    find_container(trace, slice_from(bytes, mark), whole);
    wide = wide || reader->container;
    if (reader->carrying && (wide || mark > 0 || gap || certainly_begins(bytes))) {
        take_carried(trace, TRUE);
        stream_keep(&reader->stream, "\n", 1, FALSE);
        part[-1].number++; /* behind that line feed */
    }
    if (gap)
        threads_break(&reader->threads);
    else if (part->base != 0)
        threads_forget_above(&reader->threads);
    part->position = reader->stream.position;
    part->placed = reader->container != NULL;
    part->base += mark;
    reader->raw_offset = reader->line_offset = part->base;
    reader->line_number = 1;
    g_string_truncate(reader->utf8, 0);
    reader->unit_half = FALSE;
    reader->high = 0;
    return mark;
}

/* ${mark} bytes at the beginning are none of the text. */
static void read_part(struct trace *trace, struct slice bytes, size_t mark, const struct trace_ahead *ahead)
{
    struct trace_reader *reader = trace->reader;
    struct slice text = slice_from(bytes, mark);

    if (stream_last_part(&reader->stream)->encoding != ENCODING_BYTES)
        read_units(trace, (const uint8_t *)text.at, text.size);
    else if (reader->container)
        contain_bytes(trace, text);
    else
        read_text(trace, text.at, text.size, mark > 0 ? NULL : ahead);
}

/* What was held back of the part's beginning; ${whole}: that is all of it. */
static void read_head(struct trace *trace, gboolean whole)
{
    struct trace_reader *reader = trace->reader;
    struct slice bytes = {(const char *)reader->head->data, reader->head->len};

    if (bytes.size > 0)
        read_part(trace, bytes, begin_part(trace, bytes, whole), NULL);
    g_byte_array_set_size(reader->head, 0);
}

void trace_read_ahead(struct trace *trace, const void *bytes, size_t size, const struct trace_ahead *ahead)
{
    struct trace_reader *reader = trace->reader;
    struct slice rest = {bytes, size};
    size_t mark = 0;

    g_assert(reader && reader->stream.parts->len > 0); /* not after trace_end(), not before trace_begin() */
    if (reader->fresh && (reader->head->len > 0 || size < HEAD_BYTES)) {
        size_t room = MIN(rest.size, HEAD_BYTES - reader->head->len);
        g_byte_array_append(reader->head, bytes, (guint)room);
        if (reader->head->len < HEAD_BYTES)
            return;
        read_head(trace, FALSE);
        rest = slice_from(rest, room);
        ahead = NULL;
    }
    if (rest.size == 0)
        return;
    if (reader->fresh)
        mark = begin_part(trace, rest, FALSE);
    read_part(trace, rest, mark, ahead);
}

void trace_end_part(struct trace *trace)
{
    struct trace_reader *reader = trace->reader;

    read_head(trace, TRUE);
    if (!reader->container)
        return;
    gboolean wide = stream_last_part(&reader->stream)->encoding != ENCODING_BYTES;
    if (wide)
        g_string_append_len(reader->line, reader->utf8->str, (gssize)reader->utf8->len);
    else
        reader->raw_offset = reader->line_offset + reader->line->len;
    if (reader->line->len > 0)
        give_line(trace, (struct slice){reader->line->str, reader->line->len}, FALSE, !wide);
    container_end(reader->container);
    read_found(trace);
    reader->found_open = FALSE;
    g_clear_pointer(&reader->container, container_free);
}

void trace_keep(struct trace *trace)
{
    stream_hold(&trace->reader->stream);
}

void trace_read(struct trace *trace, const void *bytes, size_t size)
{
    trace_read_ahead(trace, bytes, size, NULL);
}

/* ---- The end ---- */

static int compare_failures(const void *a, const void *b)
{
    const struct trace_failure *left = *(struct trace_failure *const *)a, *right = *(struct trace_failure *const *)b;
    if (left->part != right->part)
        return left->part < right->part ? -1 : 1;
    if (left->offset != right->offset)
        return left->offset < right->offset ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

static const char *header_text(struct trace *trace, const GString *text)
{
    return text->len > 0 ? text_intern_bytes(trace->strings, text->str, text->len) : NULL;
}

uint64_t trace_sample_offset(const struct trace *trace, size_t at)
{
    uint64_t units = 0;

    if (!trace->sample_wide)
        return trace->sample_base + at;
    for (size_t i = 0; i < at; i++) {
        uint8_t byte = (uint8_t)trace->sample->str[i];
        units += (byte & 0xc0) == 0x80 ? 0 : byte >= 0xf0 ? 2 : 1;
    }
    return trace->sample_base + 2 * units;
}

void trace_end(struct trace *trace)
{
    struct trace_reader *reader = trace->reader;

    g_assert(reader);
    trace_end_part(trace);
    if (reader->carrying)
        take_carried(trace, TRUE);
    threads_end(&reader->threads);
    if (trace->failures->len > 1)
        qsort(trace->failures->pdata, trace->failures->len, sizeof trace->failures->pdata[0], compare_failures);
    const struct header *header = &reader->threads.header;
    trace->header.release = header_text(trace, header->release);
    trace->header.sid = header_text(trace, header->sid);
    trace->header.sysno = header_text(trace, header->sysno);
    trace->header.profile = header_text(trace, header->profile);
    end_sample(trace);
    g_clear_pointer(&trace->reader, reader_free);
}
