#include "records.h"

#include "error.h"
#include "sieve.h"
#include "text.h"

#include <string.h>

enum state { STATE_NOISE, STATE_HEADER, STATE_BYTES, STATE_LINE_FEED, STATE_SYSTEM, STATE_OVER };

enum meaning { MEANING_RECORD, MEANING_END, MEANING_SYSTEM, MEANING_OVER };

struct field {
    char *key;
    char *text;
};

/* What may still come. */
struct room {
    int64_t bytes;
    int64_t header_bytes;
    int64_t records;
};

/* One stream: the outer one, or that of a system in it. */
struct stream {
    enum state state;
    GString *line; /* of a header, or of the noise: the part that has come */
    struct record record;
    enum meaning meaning; /* of that record */
    int64_t record_left;
    unsigned count;
    struct room room;
    gboolean complete;
};

struct records {
    char *first_line;
    char *terminator; /* ends the stream of a system */
    size_t matched;   /* characters of it that have come */
    size_t noise_limit, noise_bytes;
    GString *noise;
    struct stream outer, inner;
    struct records_system system; /* whose stream it is; its strings are owned here */
    GError *fault;                /* of that stream: its bytes are passed over */
    int64_t passed_bytes;         /* that may still be passed over */
    const struct records_events *events;
    void *context;
};

static void field_free(void *data)
{
    struct field *field = data;
    g_free(field->key);
    g_free(field->text);
    g_free(field);
}

static void stream_init(struct stream *stream)
{
    stream->line = g_string_new(NULL);
    stream->record.fields = g_ptr_array_new_with_free_func(field_free);
}

static void stream_clear(struct stream *stream)
{
    g_string_free(stream->line, TRUE);
    g_ptr_array_unref(stream->record.fields);
}

struct records *records_new(const char *nonce, size_t noise_limit_bytes, int64_t limit_bytes,
                            const struct records_events *events, void *context)
{
    g_assert(strlen(nonce) == RECORDS_NONCE_CHARS);
    struct records *records = g_new0(struct records, 1);
    records->first_line = g_strdup_printf("trustgap-probe 2 %s", nonce);
    records->terminator = g_strdup_printf("\n%s over ", nonce);
    records->noise_limit = noise_limit_bytes;
    records->noise = g_string_new(NULL);
    stream_init(&records->outer);
    stream_init(&records->inner);
    records->outer.room = (struct room){limit_bytes, RECORDS_HEADERS_BYTES, RECORDS_COUNT};
    records->passed_bytes = limit_bytes;
    records->events = events;
    records->context = context;
    return records;
}

static void system_clear(struct records *records)
{
    g_free((char *)records->system.path);
    g_free((char *)records->system.user);
    g_free((char *)records->system.through);
    records->system = (struct records_system){0};
    g_clear_error(&records->fault);
}

void records_free(struct records *records)
{
    if (!records)
        return;
    system_clear(records);
    g_free(records->first_line);
    g_free(records->terminator);
    g_string_free(records->noise, TRUE);
    stream_clear(&records->outer);
    stream_clear(&records->inner);
    g_free(records);
}

gboolean records_begun(const struct records *records)
{
    return records->outer.state != STATE_NOISE;
}

gboolean records_complete(const struct records *records)
{
    return records->outer.complete;
}

const GString *records_noise(const struct records *records)
{
    return records->noise;
}

const char *record_text(const struct record *record, const char *key)
{
    for (guint i = 0; i < record->fields->len; i++) {
        const struct field *field = g_ptr_array_index(record->fields, i);
        if (strcmp(field->key, key) == 0)
            return field->text;
    }
    return NULL;
}

static gboolean parse_number(int64_t *number, const char *text)
{
    guint64 value;

    if (!g_ascii_isdigit(*text) || !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &value, NULL))
        return FALSE;
    *number = (int64_t)value;
    return TRUE;
}

int64_t record_number(const struct record *record, const char *key)
{
    const char *text = record_text(record, key);
    int64_t number;

    return text && parse_number(&number, text) ? number : -1;
}

static gboolean fail(const struct stream *stream, enum trustgap_error code, const char *what, GError **error)
{
    g_set_error(error, TRUSTGAP_ERROR, (int)code, "record %u: %s", stream->count + 1, what);
    return FALSE;
}

static gboolean is_word(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length > 0 && length <= RECORDS_WORD_BYTES && text[length] == '\0';
}

/* Undo %XX; NULL if the value holds a byte that it may not hold. */
static GString *decode_value(const char *value)
{
    g_autoptr(GString) bytes = g_string_new(NULL);

    for (const char *at = value; *at; at++) {
        if (g_ascii_isalnum(*at) || strchr("._/:+,@-", *at)) {
            g_string_append_c(bytes, *at);
        } else if (*at == '%' && g_ascii_isxdigit(at[1]) && g_ascii_isxdigit(at[2])) {
            g_string_append_c(bytes, (char)(g_ascii_xdigit_value(at[1]) << 4 | g_ascii_xdigit_value(at[2])));
            at += 2;
        } else {
            return NULL;
        }
    }
    return g_steal_pointer(&bytes);
}

static gboolean parse_field(struct stream *stream, char *text, GError **error)
{
    char *equals = strchr(text, '=');

    if (!equals)
        return fail(stream, TRUSTGAP_ERROR_SYNTAX, "a field without \"=\"", error);
    *equals = '\0';
    if (!is_word(text))
        return fail(stream, TRUSTGAP_ERROR_SYNTAX, "a field whose key is no word", error);
    if (record_text(&stream->record, text))
        return fail(stream, TRUSTGAP_ERROR_SYNTAX, "a field that is there twice", error);
    if (stream->record.fields->len == RECORDS_FIELDS)
        return fail(stream, TRUSTGAP_ERROR_LIMIT, "more fields than the limit", error);
    g_autoptr(GString) value = decode_value(equals + 1);
    if (!value)
        return fail(stream, TRUSTGAP_ERROR_SYNTAX, "a value with a byte that it may not hold", error);
    if (sieve_holds_key(value->str, value->len))
        return fail(stream, TRUSTGAP_ERROR_SYNTAX, "a value holds what looks like a private key", error);
    struct field *field = g_new(struct field, 1);
    field->key = g_strdup(text);
    field->text = text_clean(value->str, value->len);
    g_ptr_array_add(stream->record.fields, field);
    return TRUE;
}

/* What a record means to the frame; FALSE if it may not stand where it stands. */
static gboolean take_meaning(struct records *records, struct stream *stream, const char *type, GError **error)
{
    gboolean is_outer = stream == &records->outer;
    const char *path = record_text(&stream->record, "path");

    stream->meaning = MEANING_RECORD;
    if (strcmp(type, "end") == 0) {
        stream->meaning = MEANING_END;
    } else if (strcmp(type, "system") == 0) {
        if (!is_outer)
            return fail(stream, TRUSTGAP_ERROR_SYNTAX, "a system within a system", error);
        if (!path || !*path)
            return fail(stream, TRUSTGAP_ERROR_SYNTAX, "a system without a path", error);
        if (stream->record.length_bytes > 0)
            return fail(stream, TRUSTGAP_ERROR_SYNTAX, "a system with bytes of its own", error);
        stream->meaning = MEANING_SYSTEM;
    } else if (strcmp(type, "over") == 0) {
        if (!records->system.path || !is_outer)
            return fail(stream, TRUSTGAP_ERROR_SYNTAX, "the end of a system that did not begin", error);
        if (g_strcmp0(path, records->system.path) != 0)
            return fail(stream, TRUSTGAP_ERROR_SYNTAX, "the end of another system than the one that began", error);
        stream->meaning = MEANING_OVER;
    }
    return TRUE;
}

/* "TYPE LENGTH key=value ..." */
static gboolean parse_header(struct records *records, struct stream *stream, GError **error)
{
    struct record *record = &stream->record;

    if ((int64_t)stream->line->len > stream->room.header_bytes)
        return fail(stream, TRUSTGAP_ERROR_LIMIT, "the first lines of all records are longer than the limit", error);
    stream->room.header_bytes -= (int64_t)stream->line->len;
    if (memchr(stream->line->str, '\0', stream->line->len))
        return fail(stream, TRUSTGAP_ERROR_SYNTAX, "a NUL in its first line", error);
    g_auto(GStrv) words = g_strsplit(stream->line->str, " ", RECORDS_FIELDS + 3);
    guint count = g_strv_length(words);
    if (count < 2 || !is_word(words[0]))
        return fail(stream, TRUSTGAP_ERROR_SYNTAX, "its first line has no type", error);
    if (!parse_number(&record->length_bytes, words[1]))
        return fail(stream, TRUSTGAP_ERROR_SYNTAX, "its first line has no length", error);
    g_ptr_array_set_size(record->fields, 0);
    for (guint i = 2; i < count; i++)
        if (*words[i] && !parse_field(stream, words[i], error))
            return FALSE;
    if (record->length_bytes > stream->room.bytes)
        return fail(stream, TRUSTGAP_ERROR_LIMIT, "longer than what is left of the limit for one host", error);
    if (!take_meaning(records, stream, words[0], error))
        return FALSE;
    if (stream->meaning != MEANING_END && stream->room.records-- == 0)
        return fail(stream, TRUSTGAP_ERROR_LIMIT, "more records than the limit", error);

    stream->record_left = record->length_bytes;
    if (stream->meaning != MEANING_RECORD)
        return TRUE;
    record->number = stream->count + 1;
    record->type = words[0];
    record->system = stream == &records->inner ? records->system.path : NULL;
    gboolean ok = records->events->begin(records->context, record, error);
    record->type = NULL;
    return ok;
}

static int64_t share_of(int64_t room)
{
    return room / RECORDS_SYSTEM_PARTS * RECORDS_SYSTEM_PARTS_MAX;
}

/* From here on it is the system that speaks, until the terminator. */
static void begin_system(struct records *records)
{
    struct stream *outer = &records->outer, *inner = &records->inner;

    records->system.path = g_strdup(record_text(&outer->record, "path"));
    records->system.user = g_strdup(record_text(&outer->record, "user"));
    records->system.through = g_strdup(record_text(&outer->record, "through"));
    records->matched = 0;
    inner->state = STATE_NOISE;
    inner->count = 0;
    inner->complete = FALSE;
    inner->room =
        (struct room){share_of(outer->room.bytes), share_of(outer->room.header_bytes), share_of(outer->room.records)};
    /* Paid in advance; what it does not use comes back. */
    outer->room.bytes -= inner->room.bytes;
    outer->room.header_bytes -= inner->room.header_bytes;
    outer->room.records -= inner->room.records;
    g_string_truncate(inner->line, 0);
    outer->state = STATE_SYSTEM;
}

static gboolean end_system(struct records *records, GError **error)
{
    struct stream *outer = &records->outer;
    struct records_system *system = &records->system;

    system->reason = record_text(&outer->record, "reason");
    system->status = record_number(&outer->record, "status");
    system->complete = records->inner.complete;
    system->fault = records->fault;
    gboolean ok = records->events->over(records->context, system, error);
    outer->room.bytes += MAX(records->inner.room.bytes, 0);
    outer->room.header_bytes += MAX(records->inner.room.header_bytes, 0);
    outer->room.records += MAX(records->inner.room.records, 0);
    system_clear(records);
    return ok;
}

static gboolean finish_record(struct records *records, struct stream *stream, GError **error)
{
    stream->state = STATE_HEADER;
    switch (stream->meaning) {
    case MEANING_END:
        stream->complete = record_number(&stream->record, "records") == (int64_t)stream->count;
        stream->state = STATE_OVER;
        return TRUE;
    case MEANING_SYSTEM:
        begin_system(records);
        break;
    case MEANING_OVER:
        if (!end_system(records, error))
            return FALSE;
        break;
    case MEANING_RECORD:
        if (!records->events->finish(records->context, error))
            return FALSE;
        break;
    }
    stream->count++;
    return TRUE;
}

/*
 * Take the bytes up to a line feed into the line; TRUE once it is whole.  A log-in script may leave its last line open,
 * so that the first line of the probe stands behind it: the end of a line of noise is what counts.
 */
static gboolean take_line(struct stream *stream, const char **at, const char *end, size_t limit)
{
    size_t left = (size_t)(end - *at);
    const char *line_feed = memchr(*at, '\n', left);
    size_t size = line_feed ? (size_t)(line_feed - *at) : left;
    /* One byte more than the limit is enough to know that it was passed. */
    size_t room = limit + 1 - MIN(stream->line->len, limit + 1);

    g_string_append_len(stream->line, *at, (gssize)MIN(size, room));
    *at += line_feed ? size + 1 : size;
    return line_feed != NULL;
}

static gboolean add_noise(struct records *records, const char **at, const char *end, GError **error)
{
    struct stream *outer = &records->outer;
    const char *start = *at;
    gboolean whole = take_line(outer, at, end, records->noise_limit);

    if (whole && g_str_has_suffix(outer->line->str, records->first_line)) {
        g_string_truncate(records->noise, MIN(records->noise->len, RECORDS_NOISE_KEPT));
        g_string_truncate(outer->line, 0);
        outer->state = STATE_HEADER;
        return TRUE;
    }
    if (whole)
        g_string_truncate(outer->line, 0);
    size_t size = (size_t)(*at - start);
    g_string_append_len(records->noise, start, (gssize)MIN(size, RECORDS_NOISE_KEPT - records->noise->len));
    records->noise_bytes += size;
    if (records->noise_bytes > records->noise_limit) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT,
                    "more than %zu bytes came before the probe's first line", records->noise_limit);
        return FALSE;
    }
    return TRUE;
}

/* Of the limit for the whole stream; before what the bytes say is looked at, so that no chunking makes a difference. */
static gboolean spend(struct stream *stream, size_t size, GError **error)
{
    if ((int64_t)size > stream->room.bytes)
        return fail(stream, TRUSTGAP_ERROR_LIMIT, "more bytes than the limit for one host", error);
    stream->room.bytes -= (int64_t)size;
    return TRUE;
}

/* The first line of a system's stream. */
static gboolean add_greeting(struct stream *stream, const char **at, const char *end, GError **error)
{
    static const char first_line[] = "trustgap-system 2";
    const char *start = *at;
    gboolean whole = take_line(stream, at, end, sizeof first_line);

    if (!spend(stream, (size_t)(*at - start), error))
        return FALSE;
    if (strncmp(stream->line->str, first_line, whole ? sizeof first_line : stream->line->len) != 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "it doesn't begin as the stream of a system");
        return FALSE;
    }
    if (whole) {
        g_string_truncate(stream->line, 0);
        stream->state = STATE_HEADER;
    }
    return TRUE;
}

static gboolean add_header(struct records *records, struct stream *stream, const char **at, const char *end,
                           GError **error)
{
    const char *start = *at;
    gboolean whole = take_line(stream, at, end, RECORDS_HEADER_BYTES);

    if (!spend(stream, (size_t)(*at - start), error))
        return FALSE;
    if (stream->line->len > RECORDS_HEADER_BYTES)
        return fail(stream, TRUSTGAP_ERROR_LIMIT, "its first line is longer than the limit", error);
    if (!whole)
        return TRUE;
    if (!parse_header(records, stream, error))
        return FALSE;
    g_string_truncate(stream->line, 0);
    stream->state = stream->record_left > 0 ? STATE_BYTES : STATE_LINE_FEED;
    return TRUE;
}

static gboolean add_bytes(struct records *records, struct stream *stream, const char **at, const char *end,
                          GError **error)
{
    size_t size = (size_t)MIN((int64_t)(end - *at), stream->record_left);

    if (!spend(stream, size, error))
        return FALSE;
    if (stream->meaning == MEANING_RECORD &&
        !records->events->bytes(records->context, (const uint8_t *)*at, size, error))
        return FALSE;
    *at += size;
    stream->record_left -= (int64_t)size;
    if (stream->record_left == 0)
        stream->state = STATE_LINE_FEED;
    return TRUE;
}

static gboolean add_line_feed(struct records *records, struct stream *stream, const char **at, GError **error)
{
    if (**at != '\n')
        return fail(stream, TRUSTGAP_ERROR_SYNTAX, "its length is not that of its bytes", error);
    (*at)++;
    return spend(stream, 1, error) && finish_record(records, stream, error);
}

/* Bytes of the system, which are known not to be the terminator. */
static gboolean feed_system(struct records *records, const char *at, size_t size, GError **error)
{
    struct stream *inner = &records->inner;
    const char *end = at + size;
    g_autoptr(GError) fault = NULL;
    gboolean ok = TRUE;

    while (ok && at < end && !records->fault && inner->state != STATE_OVER) {
        switch (inner->state) {
        case STATE_NOISE:
            ok = add_greeting(inner, &at, end, &fault);
            break;
        case STATE_HEADER:
            ok = add_header(records, inner, &at, end, &fault);
            break;
        case STATE_BYTES:
            ok = add_bytes(records, inner, &at, end, &fault);
            break;
        case STATE_LINE_FEED:
            ok = add_line_feed(records, inner, &at, &fault);
            break;
        case STATE_SYSTEM:
        case STATE_OVER:
            g_assert_not_reached();
        }
    }
    if (!ok && fault->domain == TRUSTGAP_ERROR &&
        (fault->code == TRUSTGAP_ERROR_SYNTAX || fault->code == TRUSTGAP_ERROR_LIMIT)) {
        records->fault = g_steal_pointer(&fault);
        ok = TRUE;
    }
    if (!ok) {
        g_propagate_error(error, g_steal_pointer(&fault));
        return FALSE;
    }
    /* What is passed over costs time too. */
    records->passed_bytes -= end - at;
    if (records->passed_bytes >= 0)
        return TRUE;
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s: more bytes than the limit for one host",
                records->system.path);
    return FALSE;
}

/* How much of the terminator stands at ${at}: up to its whole length, or to the end; 0 if it is something else. */
static size_t match_terminator(const struct records *records, size_t from, const char *at, const char *end)
{
    size_t size = MIN(strlen(records->terminator + from), (size_t)(end - at));
    return memcmp(at, records->terminator + from, size) == 0 ? size : 0;
}

/*
 * The bytes of a system up to the terminator, which may come in any pieces.  It has one line feed, its first character:
 * so what turns out not to be the terminator can only begin it anew where it stopped to match.
 */
static gboolean add_system(struct records *records, const char **at, const char *end, GError **error)
{
    const size_t whole = strlen(records->terminator);
    const char *start = *at;

    if (records->matched > 0) {
        size_t more = match_terminator(records, records->matched, start, end);
        if (more == 0) {
            size_t held = records->matched;
            /* What differs may be behind a part that does not. */
            while (start < end && *start == records->terminator[held]) {
                held++;
                start++;
            }
            records->matched = 0;
            *at = start;
            return feed_system(records, records->terminator, held, error);
        }
        records->matched += more;
        *at += more;
    } else {
        const char *found = start;
        size_t size = 0;
        while ((found = memchr(found, '\n', (size_t)(end - found))) &&
               (size = match_terminator(records, 0, found, end)) == 0)
            found++;
        const char *stop = found ? found : end;
        if (stop > start && !feed_system(records, start, (size_t)(stop - start), error))
            return FALSE;
        records->matched = size;
        *at = stop + size;
    }
    if (records->matched == whole) { /* its end is the beginning of a record */
        g_string_assign(records->outer.line, "over ");
        records->outer.state = STATE_HEADER;
    }
    return TRUE;
}

gboolean records_add(struct records *records, const void *bytes, size_t size, GError **error)
{
    struct stream *outer = &records->outer;
    const char *at = bytes;
    const char *end = at + size;

    while (at < end && outer->state != STATE_OVER) {
        gboolean ok = TRUE;

        switch (outer->state) {
        case STATE_NOISE:
            ok = add_noise(records, &at, end, error);
            break;
        case STATE_HEADER:
            ok = add_header(records, outer, &at, end, error);
            break;
        case STATE_BYTES:
            ok = add_bytes(records, outer, &at, end, error);
            break;
        case STATE_LINE_FEED:
            ok = add_line_feed(records, outer, &at, error);
            break;
        case STATE_SYSTEM:
            ok = add_system(records, &at, end, error);
            break;
        case STATE_OVER:
            g_assert_not_reached();
        }
        if (!ok)
            return FALSE;
    }
    return TRUE;
}
