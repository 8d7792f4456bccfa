#include "trace.h"

#include "moment.h"
#include "slice.h"
#include "text.h"
#include "trace_block.h"
#include "trace_filter.h"
#include "trace_line.h"
#include "trace_stamp.h"

#include <stdlib.h>

#define WINDOW_BYTES ((size_t)128 * 1024) /* searched at a time for something worth reading: fits a cache */
#define QUIET_LINES  200                  /* of its thread without a word ends a block */
#define STALE_LINES  5000                 /* of the trace without a word of its thread end it too */
#define SWEEP_LINES  1024                 /* how often that is looked after */
#define HEADER_LINES 40                   /* below a file's title may belong to its header */
#define THREAD_BYTES 128                  /* of a thread's name; longer ones are none */

enum encoding { ENCODING_BYTES, ENCODING_UTF16_LE, ENCODING_UTF16_BE };

struct thread {
    struct slice name; /* key; points to name_bytes */
    char name_bytes[THREAD_BYTES];
    struct block *block;
};

struct trace_reader {
    GHashTable *threads;    /* struct slice * -> struct thread *: those with an open block */
    struct thread *spare;   /* for a line that may begin one */
    struct thread *current; /* the one in the table whose line was the last, or NULL */
    char name[THREAD_BYTES];
    struct slice above; /* name of the thread of the last line that had a prefix; at == NULL: none */
    gboolean prefixed;  /* any line had a prefix */
    int64_t local;      /* last time stamp */
    unsigned header;    /* lines of a file header that may still come */
    GString *header_release, *header_sid, *header_sysno, *header_profile;
    uint64_t nul_lines;
    uint64_t sweep; /* lines at which stale blocks are looked for */
    /* the part that is being read */
    unsigned n_parts;
    unsigned part_line; /* number of the next line, from 1 */
    uint64_t next_base;
    enum encoding encoding;
    /* a line whose end has not come yet */
    GString *carry; /* at most TRACE_LINE_BYTES + 1 */
    unsigned carry_part, carry_line;
    uint64_t carry_offset;
    gboolean carrying;
    GString *plain; /* body with plain blanks, quotes and dashes */
    /* UTF-16 */
    uint8_t unit_byte;
    gboolean unit_half;
    uint16_t high;
};

static guint slice_hash(const void *key)
{
    const struct slice *slice = key;
    guint hash = 5381;
    for (size_t i = 0; i < slice->size; i++)
        hash = hash * 33 + (guint8)slice->at[i];
    return hash;
}

static gboolean slice_equal(const void *a, const void *b)
{
    const struct slice *left = a, *right = b;
    return left->size == right->size && memcmp(left->at, right->at, left->size) == 0;
}

static void thread_free(void *data)
{
    struct thread *thread = data;
    block_free(thread->block);
    g_free(thread);
}

static void failure_free(void *data)
{
    struct trace_failure *failure = data;
    g_ptr_array_unref(failure->chain);
    g_ptr_array_unref(failure->lines);
    g_free(failure);
}

struct trace *trace_new(void)
{
    struct trace *trace = g_new0(struct trace, 1);
    struct trace_reader *reader = g_new0(struct trace_reader, 1);

    trace->failures = g_ptr_array_new_with_free_func(failure_free);
    trace->header.level = -1;
    trace->header.pid = -1;
    trace->strings = g_string_chunk_new(64 * 1024);
    trace->reader = reader;
    reader->threads = g_hash_table_new_full(slice_hash, slice_equal, NULL, thread_free);
    reader->local = MOMENT_NONE;
    reader->next_base = UINT64_MAX; /* nothing to go on from */
    reader->header_release = g_string_new(NULL);
    reader->header_sid = g_string_new(NULL);
    reader->header_sysno = g_string_new(NULL);
    reader->header_profile = g_string_new(NULL);
    reader->carry = g_string_new(NULL);
    reader->plain = g_string_new(NULL);
    return trace;
}

static void reader_free(struct trace_reader *reader)
{
    if (!reader)
        return;
    g_hash_table_unref(reader->threads);
    if (reader->spare)
        thread_free(reader->spare);
    g_string_free(reader->header_release, TRUE);
    g_string_free(reader->header_sid, TRUE);
    g_string_free(reader->header_sysno, TRUE);
    g_string_free(reader->header_profile, TRUE);
    g_string_free(reader->carry, TRUE);
    g_string_free(reader->plain, TRUE);
    g_free(reader);
}

void trace_free(struct trace *trace)
{
    if (!trace)
        return;
    reader_free(trace->reader);
    g_ptr_array_unref(trace->failures);
    g_string_chunk_free(trace->strings);
    g_free(trace);
}

/* ---- Threads and their blocks ---- */

static gboolean end_thread(void *key, void *value, void *data)
{
    struct thread *thread = value;
    (void)key, (void)data;
    block_end(thread->block);
    return TRUE;
}

static void end_all(struct trace_reader *reader)
{
    reader->current = NULL;
    g_hash_table_foreach_remove(reader->threads, end_thread, NULL);
}

static void remove_thread(struct trace_reader *reader, struct thread *thread)
{
    block_end(thread->block);
    if (reader->current == thread)
        reader->current = NULL;
    g_hash_table_steal(reader->threads, &thread->name);
    if (reader->spare)
        thread_free(thread);
    else
        reader->spare = thread;
}

static void end_oldest(struct trace_reader *reader)
{
    struct thread *oldest = NULL;
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, reader->threads);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        struct thread *thread = value;
        if (!oldest || thread->block->latest < oldest->block->latest)
            oldest = thread;
    }
    remove_thread(reader, oldest);
}

static void end_stale(struct trace *trace)
{
    struct trace_reader *reader = trace->reader;
    g_autoptr(GPtrArray) stale = g_ptr_array_new();
    GHashTableIter iter;
    void *value;

    g_hash_table_iter_init(&iter, reader->threads);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        if (((struct thread *)value)->block->latest + STALE_LINES < trace->lines)
            g_ptr_array_add(stale, value);
    for (guint i = 0; i < stale->len; i++)
        remove_thread(reader, stale->pdata[i]);
}

static struct thread *find_thread(struct trace_reader *reader, struct slice name)
{
    if (g_hash_table_size(reader->threads) == 0)
        return NULL;
    if (!reader->current || !slice_equal(&reader->current->name, &name))
        reader->current = g_hash_table_lookup(reader->threads, &name);
    return reader->current;
}

static struct thread *take_spare(struct trace *trace, struct slice name)
{
    struct trace_reader *reader = trace->reader;

    if (!reader->spare) {
        reader->spare = g_new0(struct thread, 1);
        reader->spare->block = block_new(trace);
    }
    memcpy(reader->spare->name_bytes, name.at, name.size);
    reader->spare->name = (struct slice){reader->spare->name_bytes, name.size};
    return reader->spare;
}

/* ---- Prefix, stamp, header ---- */

/* "[Thr 4711] text": the thread's name; ${*line} is then what follows the blank behind it. */
static gboolean take_prefix(struct slice *line, struct slice *name)
{
    struct slice rest = *line;

    if (!slice_take(&rest, "[Thr "))
        return FALSE;
    const char *end = memchr(rest.at, ']', MIN(rest.size, THREAD_BYTES));
    if (!end || end == rest.at || memchr(rest.at, ' ', (size_t)(end - rest.at)))
        return FALSE;
    *name = slice_of(rest.at, end);
    rest = slice_of(end + 1, rest.at + rest.size);
    slice_take(&rest, " ");
    *line = rest;
    return TRUE;
}

/* The prefix of a line that somebody indented, quoted or numbered. */
static gboolean take_damaged_prefix(struct slice *line, struct slice *name)
{
    struct slice rest = slice_trim(*line);

    while (trace_line_strip_mark(&rest)) {
    }
    if (!take_prefix(&rest, name))
        return FALSE;
    *line = rest;
    return TRUE;
}

static void set_above(struct trace_reader *reader, struct slice name)
{
    reader->prefixed = TRUE;
    if (name.size == reader->above.size && reader->above.at && memcmp(reader->name, name.at, name.size) == 0)
        return;
    memcpy(reader->name, name.at, name.size);
    reader->above = (struct slice){reader->name, name.size};
}

/* Another process wrote what follows: no block goes on. */
static void set_pid(struct trace *trace, int64_t pid)
{
    if (trace->header.pid != -1 && trace->header.pid != pid)
        end_all(trace->reader);
    trace->header.pid = pid;
}

static gboolean is_rule(struct slice body)
{
    size_t dashes = 0;

    body = slice_trim(body);
    while (dashes < body.size && body.at[dashes] == '-')
        dashes++;
    return dashes >= 20 && dashes == body.size;
}

static void set_text(GString *text, struct slice value)
{
    g_string_truncate(text, 0);
    g_string_append_len(text, value.at, (gssize)value.size);
}

/* trc file: "dev_icm", trc level: 2, release: "785" */
static gboolean take_title(struct trace *trace, struct slice line)
{
    struct slice rest = line, text;
    gboolean open = FALSE;
    int64_t level = 0;

    if (!slice_take(&rest, "trc file: ") || !slice_find(rest, "trc level: ", &rest) ||
        !slice_take_number(&rest, &level) || level > 9)
        return FALSE;
    trace->header.level = (int)level;
    if (slice_take(&rest, ", release: ") && slice_take_quoted(&rest, &text, &open) && !open)
        set_text(trace->reader->header_release, text);
    trace->reader->header = HEADER_LINES;
    return TRUE;
}

/* "sid        PRD" */
static gboolean take_header_value(struct trace *trace, struct slice line)
{
    static const char *const others[] = {"systemid", "relno", "patchlevel", "patchno", "intno", "make"};
    struct trace_reader *reader = trace->reader;
    struct slice key, value = line;
    int64_t pid = 0;

    if (!slice_take_word(&value, &key) || slice_skip_blanks(&value) == 0 || value.size == 0)
        return FALSE;
    GString *kept = slice_equals(key, "sid")       ? reader->header_sid
                    : slice_equals(key, "sysno")   ? reader->header_sysno
                    : slice_equals(key, "profile") ? reader->header_profile
                                                   : NULL;
    value = slice_trim(value);
    if (kept) {
        set_text(kept, value);
        return TRUE;
    }
    if (slice_equals(key, "pid") && slice_take_number(&value, &pid)) {
        set_pid(trace, pid);
        return TRUE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (slice_equals(key, others[i]))
            return TRUE;
    return FALSE;
}

/* Whether a line without prefix is of the file's header and of no thread. */
static gboolean take_header(struct trace *trace, struct slice line)
{
    struct trace_reader *reader = trace->reader;

    if (is_rule(line)) { /* the title may follow; it is not looked for elsewhere */
        reader->header = MAX(reader->header, 2);
        return TRUE;
    }
    return reader->header > 0 && (line.size == 0 || take_title(trace, line) || take_header_value(trace, line));
}

/* After a file was begun anew; older programs write the process behind it: ( pid = 4711 ) */
static gboolean take_truncated(struct trace *trace, struct slice body)
{
    struct slice rest;
    int64_t pid = 0;

    if (!slice_find(body, "TRACE FILE TRUNCATED", &rest))
        return FALSE;
    if (slice_find(rest, "pid", &rest) && slice_find(rest, "=", &rest)) {
        slice_skip_blanks(&rest);
        if (slice_take_number(&rest, &pid))
            set_pid(trace, pid);
    }
    return TRUE;
}

/* ---- Lines ---- */

/* Address, offset, groups of hex digits, a bar: whatever the text behind the bar says. */
static gboolean is_dump(struct slice body)
{
    struct slice digits;
    uint64_t number;
    unsigned groups = 0;

    slice_skip_blanks(&body);
    slice_take(&body, "0x");
    if (!slice_take_hex(&body, &digits, &number) || digits.size < 6 || digits.size > 16 ||
        slice_skip_blanks(&body) == 0 || !slice_take_hex(&body, &digits, &number) || digits.size > 8 ||
        slice_skip_blanks(&body) == 0)
        return FALSE;
    while (slice_take_hex(&body, &digits, &number) && digits.size >= 2) {
        groups++;
        slice_skip_blanks(&body);
    }
    return groups > 0 && slice_begins(body, "|");
}

static gboolean needs_plain(struct slice body)
{
    for (size_t i = 0; i < body.size; i++)
        if ((uint8_t)body.at[i] >= 0x80 || body.at[i] == '\\' || body.at[i] == '\0')
            return TRUE;
    return FALSE;
}

static char plain_character(gunichar c)
{
    switch (c) {
    case 0xa0: /* no-break blanks */
    case 0x2007:
    case 0x202f:
        return ' ';
    case 0x201c: /* double quotes, high, high and low */
    case 0x201d:
    case 0x201e:
        return '"';
    case 0x2018:
    case 0x2019:
    case 0x201a:
        return '\'';
    case 0x2010: /* dashes of all lengths */
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2212:
        return '-';
    default:
        return 0;
    }
}

/* The same characters in code page 1252, where they stand between 0x80 and 0xa0. */
static char plain_windows_byte(uint8_t byte)
{
    switch (byte) {
    case 0x82:
    case 0x91:
    case 0x92:
        return '\'';
    case 0x84:
    case 0x93:
    case 0x94:
        return '"';
    case 0x96:
    case 0x97:
        return '-';
    default:
        return 0;
    }
}

/* For matching only: what copying has made of blanks, quotes, dashes and "_".  Bytes that are no UTF-8 are Latin-1. */
static struct slice make_plain(GString *plain, struct slice body)
{
    const char *at = body.at, *end = body.at + body.size;

    g_string_truncate(plain, 0);
    while (at < end) {
        uint8_t byte = (uint8_t)*at;
        if (byte == '\\' && at + 1 < end && at[1] == '_') {
            at++;
        } else if (byte == 0) {
            g_string_append_c(plain, '?');
            at++;
        } else if (byte < 0x80) {
            g_string_append_c(plain, *at++);
        } else {
            gunichar c = g_utf8_get_char_validated(at, end - at);
            gboolean valid = c != (gunichar)-1 && c != (gunichar)-2;
            char ascii = valid || byte >= 0xa0 ? plain_character(valid ? c : byte) : plain_windows_byte(byte);
            if (ascii)
                g_string_append_c(plain, ascii);
            else
                g_string_append_unichar(plain, valid ? c : byte);
            at = valid ? g_utf8_next_char(at) : at + 1;
        }
    }
    return (struct slice){plain->str, plain->len};
}

/* A line in full: of which thread it is, and what it tells. */
static void read_line(struct trace *trace, struct trace_line *line)
{
    struct trace_reader *reader = trace->reader;
    struct slice body = line->raw, name;
    gboolean prefixed = take_prefix(&body, &name) || take_damaged_prefix(&body, &name);

    if (prefixed)
        set_above(reader, name);
    else if (take_header(trace, body))
        return;
    if (reader->header > 0)
        reader->header--;
    if (trace_stamp_take(body, &reader->local))
        return;
    name = reader->above.at ? reader->above : (struct slice){"", 0};
    struct thread *thread = find_thread(reader, name);
    gboolean known = thread != NULL;
    if (!known && !trace_filter_find(body.at, body.at + body.size))
        return;
    if (is_dump(body) || take_truncated(trace, body))
        return;
    if (!known)
        thread = take_spare(trace, name);
    line->body = slice_trim(needs_plain(body) ? make_plain(reader->plain, body) : body);
    line->local = reader->local;
    line->alone = reader->above.at == NULL;
    gboolean told = trace_line_take(thread->block, line);
    thread->block->n_lines++;
    if (!known) {
        if (!thread->block->begun)
            return;
        reader->spare = NULL;
        g_hash_table_insert(reader->threads, &thread->name, thread);
        if (g_hash_table_size(reader->threads) > TRACE_BLOCK_THREADS)
            end_oldest(reader);
    } else if (!thread->block->begun || (!told && ++thread->block->quiet > QUIET_LINES)) {
        remove_thread(reader, thread);
    }
}

/* One line without its LF, of ${length} bytes of which ${size} are there. */
static void take_line(struct trace *trace, struct trace_line *line, size_t length)
{
    struct trace_reader *reader = trace->reader;

    trace->lines++;
    if (line->raw.size > 0 && line->raw.size == length && line->raw.at[length - 1] == '\r') {
        line->raw.size--;
        length--;
    }
    if (length > TRACE_LINE_BYTES) {
        trace->lines_cut++;
        line->cut = TRUE;
        line->raw.size = MIN(line->raw.size, TRACE_LINE_BYTES);
    }
    reader->nul_lines += memchr(line->raw.at, 0, line->raw.size) != NULL;
    read_line(trace, line);
    if (trace->lines >= reader->sweep) {
        reader->sweep = trace->lines + SWEEP_LINES;
        end_stale(trace);
    }
}

/* ---- Bytes ---- */

/*
 * Whole lines between ${at} and ${end} hold nothing that begins a story, and no story is open.  What is wanted of them:
 * how many they are, the last stamp, the last prefix, and the limits.
 */
static void pass_over(struct trace *trace, const char *at, const char *end)
{
    struct trace_reader *reader = trace->reader;
    unsigned lines = 0;
    const char *byte = at;

    for (; end - byte >= 64; byte += 64) {
        unsigned char n = 0;
        for (int i = 0; i < 64; i++)
            n += byte[i] == '\n';
        lines += n;
    }
    for (; byte < end; byte++)
        lines += *byte == '\n';
    trace->lines += lines;
    reader->part_line += lines;

    /* From the beginning of a line as far as a line may reach there is an LF, or this line is too long. */
    for (const char *start = at; (size_t)(end - start) > TRACE_LINE_BYTES + 1;) {
        const char *last = memrchr(start, '\n', TRACE_LINE_BYTES + 1);
        if (!last) {
            last = memchr(start, '\n', (size_t)(end - start));
            trace->lines_cut += !((size_t)(last - start) == TRACE_LINE_BYTES + 1 && last[-1] == '\r');
        }
        start = last + 1;
    }
    if (memchr(at, 0, (size_t)(end - at)))
        for (const char *start = at, *next; start < end; start = next + 1) {
            next = memchr(start, '\n', (size_t)(end - start));
            reader->nul_lines += memchr(start, 0, (size_t)(next - start)) != NULL;
        }

    gboolean named = FALSE, stamped = FALSE;
    while (end > at && !(named && stamped)) {
        const char *start = memrchr(at, '\n', (size_t)(end - 1 - at));
        start = start ? start + 1 : at;
        struct slice line = slice_of(start, end - 1), name;
        end = start;
        if ((take_prefix(&line, &name) || take_damaged_prefix(&line, &name)) && !named) {
            set_above(reader, name);
            named = TRUE;
        }
        if (slice_ends(line, "\r"))
            line.size--;
        stamped = stamped || trace_stamp_take(line, &reader->local);
    }
}

/* With no story open: the beginning of the next line that may begin one, or of the last line that is not whole. */
static const char *skip(struct trace *trace, const char *at, const char *end)
{
    while (at < end) {
        const char *window = (size_t)(end - at) > WINDOW_BYTES ? at + WINDOW_BYTES : end;
        const char *found = trace_filter_find(at, window);
        const char *last = found ? found : window;
        const char *feed = memrchr(at, '\n', (size_t)(last - at));
        if (!feed)
            return at;
        pass_over(trace, at, feed + 1);
        at = feed + 1;
        if (found)
            return at;
    }
    return at;
}

static gboolean is_idle(const struct trace_reader *reader)
{
    return g_hash_table_size(reader->threads) == 0 && reader->header == 0;
}

static void carry(struct trace_reader *reader, const char *at, size_t size)
{
    size_t room = TRACE_LINE_BYTES + 2 - MIN(reader->carry->len, TRACE_LINE_BYTES + 2);
    g_string_append_len(reader->carry, at, (gssize)MIN(size, room));
}

/* The line that was begun is over. */
static void take_carried(struct trace *trace, gboolean torn)
{
    struct trace_reader *reader = trace->reader;
    struct trace_line line = {
        .raw = {reader->carry->str, reader->carry->len},
        .part = reader->carry_part,
        .offset = reader->carry_offset,
        .number = reader->carry_line,
        .torn = torn,
    };

    reader->carrying = FALSE;
    take_line(trace, &line, reader->carry->len);
    g_string_truncate(reader->carry, 0);
}

static void begin_carry(struct trace_reader *reader, uint64_t offset)
{
    reader->carrying = TRUE;
    reader->carry_part = reader->n_parts - 1;
    reader->carry_line = reader->part_line;
    reader->carry_offset = offset;
}

static void read_bytes(struct trace *trace, const char *at, const char *end, uint64_t base)
{
    struct trace_reader *reader = trace->reader;
    const char *start = at;

    if (reader->carrying && at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        carry(reader, at, (size_t)((feed ? feed : end) - at));
        if (!feed)
            return;
        take_carried(trace, FALSE);
        reader->part_line++;
        at = feed + 1;
    }
    while (at < end) {
        if (is_idle(reader))
            at = skip(trace, at, end);
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        if (!feed)
            break;
        struct trace_line line = {
            .raw = slice_of(at, feed),
            .part = reader->n_parts - 1,
            .offset = base + (uint64_t)(at - start),
            .number = reader->part_line++,
        };
        take_line(trace, &line, line.raw.size);
        at = feed + 1;
    }
    if (at < end) {
        begin_carry(reader, base + (uint64_t)(at - start));
        carry(reader, at, (size_t)(end - at));
    }
}

static void carry_unit(struct trace *trace, uint16_t unit, uint64_t offset)
{
    struct trace_reader *reader = trace->reader;
    char utf8[6];
    gunichar c = unit;

    if (!reader->carrying)
        begin_carry(reader, offset);
    if (reader->high && unit >= 0xdc00 && unit < 0xe000) {
        c = 0x10000 + ((gunichar)(reader->high - 0xd800) << 10) + (unit - 0xdc00);
    } else if (unit == '\n') {
        take_carried(trace, FALSE);
        reader->part_line++;
        reader->high = 0;
        return;
    } else if (unit >= 0xd800 && unit < 0xe000) {
        c = unit < 0xdc00 ? 0 : '?';
    }
    reader->high = unit >= 0xd800 && unit < 0xdc00 ? unit : 0;
    if (!reader->high)
        carry(reader, utf8, (size_t)g_unichar_to_utf8(c, utf8));
}

static void read_units(struct trace *trace, const uint8_t *at, size_t size, uint64_t base)
{
    struct trace_reader *reader = trace->reader;
    gboolean little = reader->encoding == ENCODING_UTF16_LE;

    for (size_t i = 0; i < size; i++) {
        if (!reader->unit_half) {
            reader->unit_byte = at[i];
        } else {
            unsigned first = reader->unit_byte, second = at[i];
            carry_unit(trace, (uint16_t)(little ? second << 8 | first : first << 8 | second), base + i - 1);
        }
        reader->unit_half = !reader->unit_half;
    }
}

static size_t byte_order_mark(struct slice bytes)
{
    if (slice_begins(bytes, "\xff\xfe") || slice_begins(bytes, "\xfe\xff"))
        return 2;
    return slice_begins(bytes, "\xef\xbb\xbf") ? 3 : 0;
}

/* A line that certainly begins here, so that one without end at the end of the part before was torn. */
static gboolean begins_line(struct slice bytes)
{
    const char *feed = memchr(bytes.at, '\n', MIN(bytes.size, 256));
    struct slice line = feed ? slice_of(bytes.at, feed) : bytes;

    if (slice_ends(line, "\r"))
        line.size--;
    return slice_begins(line, "[Thr ") || slice_begins(line, "trc file: ") || is_rule(line);
}

/* A part that does not follow the one before without a gap: another file, or a later piece of it. */
static const char *begin_file(struct trace *trace, const char *at, const char *end, uint64_t base)
{
    struct trace_reader *reader = trace->reader;
    size_t mark = base == 0 ? byte_order_mark(slice_of(at, end)) : 0;

    if (reader->carrying && (reader->encoding != ENCODING_BYTES || mark > 0 || begins_line(slice_of(at, end))))
        take_carried(trace, TRUE);
    if (base != 0)
        reader->above = (struct slice){NULL, 0};
    reader->encoding = mark != 2 ? ENCODING_BYTES : *at == '\xff' ? ENCODING_UTF16_LE : ENCODING_UTF16_BE;
    reader->unit_half = FALSE;
    reader->high = 0;
    return at + mark;
}

void trace_read(struct trace *trace, const void *bytes, size_t size, uint64_t base)
{
    struct trace_reader *reader = trace->reader;
    const char *at = bytes, *end = at + size;
    gboolean goes_on = base == reader->next_base;

    g_assert(reader); /* not after trace_end() */
    reader->n_parts++;
    reader->part_line = 1;
    if (size == 0)
        return;
    reader->next_base = base + size;
    if (!goes_on)
        at = begin_file(trace, at, end, base);
    base += (uint64_t)(at - (const char *)bytes);
    if (reader->encoding == ENCODING_BYTES)
        read_bytes(trace, at, end, base);
    else
        read_units(trace, (const uint8_t *)at, (size_t)(end - at), base);
}

/* ---- The end ---- */

static int compare_failures(const void *a, const void *b)
{
    const struct trace_failure *left = *(struct trace_failure *const *)a, *right = *(struct trace_failure *const *)b;
    if (left->part != right->part)
        return left->part < right->part ? -1 : 1;
    if (left->offset != right->offset)
        return left->offset < right->offset ? -1 : 1;
    return 0;
}

/*
 * Pasted text often comes with words round it, which may name the error once more: an item of a list, a line above the
 * first prefix.  With nothing but the error in it such a line is no failure, if the text holds one of the same error,
 * or one whose error it does not name.
 */
static void drop_mentions(struct trace *trace)
{
    g_autoptr(GHashTable) told = g_hash_table_new(g_str_hash, g_str_equal);
    GPtrArray *failures = trace->failures;
    gboolean unnamed = FALSE;

    for (guint i = 0; i < failures->len; i++) {
        struct trace_failure *failure = failures->pdata[i];
        failure->listed = failure->error && (failure->listed || (failure->alone && trace->reader->prefixed));
        if (!failure->listed && failure->error)
            g_hash_table_add(told, (void *)failure->error);
        unnamed = unnamed || !failure->error;
    }
    for (guint i = failures->len; i-- > 0;) {
        struct trace_failure *failure = failures->pdata[i];
        if (failure->listed && (unnamed || g_hash_table_contains(told, failure->error)))
            g_ptr_array_remove_index(failures, i);
    }
}

static const char *header_text(struct trace *trace, const GString *text)
{
    return text->len > 0 ? text_intern_bytes(trace->strings, text->str, text->len) : NULL;
}

void trace_end(struct trace *trace)
{
    struct trace_reader *reader = trace->reader;

    g_assert(reader);
    if (reader->carrying)
        take_carried(trace, TRUE);
    end_all(reader);
    if (trace->failures->len > 1)
        qsort(trace->failures->pdata, trace->failures->len, sizeof trace->failures->pdata[0], compare_failures);
    drop_mentions(trace);
    trace->header.release = header_text(trace, reader->header_release);
    trace->header.sid = header_text(trace, reader->header_sid);
    trace->header.sysno = header_text(trace, reader->header_sysno);
    trace->header.profile = header_text(trace, reader->header_profile);
    trace->binary = trace->lines > 0 && reader->nul_lines * 2 > trace->lines;
    g_clear_pointer(&trace->reader, reader_free);
}
