#include "trace.h"

#include "slice.h"
#include "text.h"
#include "trace_filter.h"
#include "trace_header.h"
#include "trace_stream.h"
#include "trace_threads.h"
#include "trace_verdict.h"

#include <stdlib.h>

#define SAMPLE_BYTES  65536 /* of a part, by which it is seen whether that is text */
#define GUESS_BYTES   256   /* of a part, by which UTF-16 without a byte order mark is seen */
#define UNITS_AT_ONCE 32768 /* of UTF-16 that are converted */

struct trace_reader {
    struct stream stream;
    struct threads threads;
    gboolean fresh; /* no byte of the last part has come */
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
    if (length > TRACE_LINE_BYTES) {
        trace->lines_cut++;
        line->cut = TRUE;
        line->raw.size = MIN(line->raw.size, TRACE_LINE_BYTES);
    }
    threads_read(&trace->reader->threads, line);
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
    if (reader->sampled < SAMPLE_BYTES)
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
    if (unit == '\n') {
        stream_place(&reader->stream, reader->stream.position + reader->utf8->len, reader->raw_offset);
    }
}

static void read_units(struct trace *trace, const uint8_t *at, size_t size)
{
    struct trace_reader *reader = trace->reader;
    gboolean little = stream_last_part(&reader->stream)->encoding == ENCODING_UTF16_LE;

    for (size_t done = 0; done < size;) {
        g_string_truncate(reader->utf8, 0);
        for (unsigned units = 0; done < size && units < UNITS_AT_ONCE; done++) {
            reader->raw_offset++;
            if (!reader->unit_half) {
                reader->unit_byte = at[done];
            } else {
                unsigned first = reader->unit_byte, second = at[done];
                add_unit(reader, (uint16_t)(little ? second << 8 | first : first << 8 | second));
                units++;
            }
            reader->unit_half = !reader->unit_half;
        }
        read_text(trace, reader->utf8->str, reader->utf8->len, NULL);
    }
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
    end_sample(trace);
    stream_begin(&reader->stream, base);
    threads_begin(&reader->threads);
    reader->fresh = TRUE;
}

/* Whether what stands above the part in its file was not read, so that no block goes on in it. */
static gboolean is_behind_gap(const struct trace_reader *reader, const struct part *part)
{
    const struct part *before = part - 1;
    uint64_t end = before->encoding == ENCODING_BYTES ? before->base + (reader->stream.position - before->position)
                                                      : reader->raw_offset;

    return part->base != 0 && part->base != end;
}

/* The first bytes of a part: its encoding, and whether they go on with the line in which the one before ended. */
static size_t begin_part(struct trace *trace, struct slice bytes)
{
    struct trace_reader *reader = trace->reader;
    struct part *part = stream_last_part(&reader->stream);
    size_t mark = part->base == 0 ? byte_order_mark(bytes) : 0;
    enum encoding encoding = mark == 3             ? ENCODING_BYTES
                             : mark == 0           ? guess_encoding(bytes)
                             : *bytes.at == '\xff' ? ENCODING_UTF16_LE
                                                   : ENCODING_UTF16_BE;
    gboolean wide =
        encoding != ENCODING_BYTES || (reader->stream.parts->len > 1 && part[-1].encoding != ENCODING_BYTES);

    gboolean gap = reader->stream.parts->len > 1 && is_behind_gap(reader, part);

    reader->fresh = FALSE;
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
    part->encoding = encoding;
    part->base += mark;
    reader->raw_offset = part->base;
    reader->unit_half = FALSE;
    reader->high = 0;
    return mark;
}

void trace_read_ahead(struct trace *trace, const void *bytes, size_t size, const struct trace_ahead *ahead)
{
    struct trace_reader *reader = trace->reader;

    g_assert(reader && reader->stream.parts->len > 0); /* not after trace_end(), not before trace_begin() */
    if (size == 0)
        return;
    size_t mark = reader->fresh ? begin_part(trace, (struct slice){bytes, size}) : 0;
    const char *at = (const char *)bytes + mark;
    if (stream_last_part(&reader->stream)->encoding == ENCODING_BYTES)
        read_text(trace, at, size - mark, mark > 0 ? NULL : ahead);
    else
        read_units(trace, (const uint8_t *)at, size - mark);
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
