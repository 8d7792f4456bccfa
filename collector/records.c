#include "records.h"

#include "error.h"
#include "text.h"

#include <string.h>

enum state { STATE_NOISE, STATE_HEADER, STATE_BYTES, STATE_LINE_FEED, STATE_OVER };

struct field {
    char *key;
    char *text;
};

struct records {
    enum state state;
    char *first_line;
    size_t noise_limit, noise_bytes;
    int64_t left_bytes; /* of the limit for the whole stream */
    GString *noise;
    GString *line; /* of a header, or of the noise: the part that has come */
    struct record record;
    int64_t record_left;
    gboolean is_end;
    unsigned count;
    size_t header_bytes; /* of all headers up to now */
    gboolean complete;
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

struct records *records_new(const char *nonce, size_t noise_limit_bytes, int64_t limit_bytes,
                            const struct records_events *events, void *context)
{
    g_assert(strlen(nonce) == RECORDS_NONCE_CHARS);
    struct records *records = g_new0(struct records, 1);
    records->first_line = g_strdup_printf("trustgap-probe 1 %s", nonce);
    records->noise_limit = noise_limit_bytes;
    records->left_bytes = limit_bytes;
    records->noise = g_string_new(NULL);
    records->line = g_string_new(NULL);
    records->record.fields = g_ptr_array_new_with_free_func(field_free);
    records->events = events;
    records->context = context;
    return records;
}

void records_free(struct records *records)
{
    if (!records)
        return;
    g_free(records->first_line);
    g_string_free(records->noise, TRUE);
    g_string_free(records->line, TRUE);
    g_ptr_array_unref(records->record.fields);
    g_free(records);
}

gboolean records_begun(const struct records *records)
{
    return records->state != STATE_NOISE;
}

gboolean records_complete(const struct records *records)
{
    return records->complete;
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

static gboolean fail(const struct records *records, enum trustgap_error code, const char *what, GError **error)
{
    g_set_error(error, TRUSTGAP_ERROR, (int)code, "record %u: %s", records->count + 1, what);
    return FALSE;
}

static gboolean is_word(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length > 0 && length <= RECORDS_WORD_BYTES && text[length] == '\0';
}

/* Undo %XX; NULL if the value holds a byte that it may not hold. */
static char *decode_value(const char *value)
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
    return text_clean(bytes->str, bytes->len);
}

static gboolean parse_field(struct records *records, char *text, GError **error)
{
    char *equals = strchr(text, '=');

    if (!equals)
        return fail(records, TRUSTGAP_ERROR_SYNTAX, "a field without \"=\"", error);
    *equals = '\0';
    if (!is_word(text))
        return fail(records, TRUSTGAP_ERROR_SYNTAX, "a field whose key is no word", error);
    if (record_text(&records->record, text))
        return fail(records, TRUSTGAP_ERROR_SYNTAX, "a field that is there twice", error);
    if (records->record.fields->len == RECORDS_FIELDS)
        return fail(records, TRUSTGAP_ERROR_LIMIT, "more fields than the limit", error);
    g_autofree char *value = decode_value(equals + 1);
    if (!value)
        return fail(records, TRUSTGAP_ERROR_SYNTAX, "a value with a byte that it may not hold", error);
    struct field *field = g_new(struct field, 1);
    field->key = g_strdup(text);
    field->text = g_steal_pointer(&value);
    g_ptr_array_add(records->record.fields, field);
    return TRUE;
}

/* "TYPE LENGTH key=value ..." */
static gboolean parse_header(struct records *records, GError **error)
{
    struct record *record = &records->record;

    records->header_bytes += records->line->len;
    if (records->header_bytes > RECORDS_HEADERS_BYTES)
        return fail(records, TRUSTGAP_ERROR_LIMIT, "the first lines of all records are longer than the limit", error);
    if (memchr(records->line->str, '\0', records->line->len))
        return fail(records, TRUSTGAP_ERROR_SYNTAX, "a NUL in its first line", error);
    g_auto(GStrv) words = g_strsplit(records->line->str, " ", RECORDS_FIELDS + 3);
    guint count = g_strv_length(words);
    if (count < 2 || !is_word(words[0]))
        return fail(records, TRUSTGAP_ERROR_SYNTAX, "its first line has no type", error);
    if (!parse_number(&record->length_bytes, words[1]))
        return fail(records, TRUSTGAP_ERROR_SYNTAX, "its first line has no length", error);
    g_ptr_array_set_size(record->fields, 0);
    for (guint i = 2; i < count; i++)
        if (*words[i] && !parse_field(records, words[i], error))
            return FALSE;
    if (record->length_bytes > records->left_bytes)
        return fail(records, TRUSTGAP_ERROR_LIMIT, "longer than what is left of the limit for one host", error);
    records->is_end = strcmp(words[0], "end") == 0;
    if (!records->is_end && records->count == RECORDS_COUNT)
        return fail(records, TRUSTGAP_ERROR_LIMIT, "more records than the limit", error);

    records->record_left = record->length_bytes;
    record->number = records->count + 1;
    record->type = words[0];
    gboolean ok = records->is_end || records->events->begin(records->context, record, error);
    record->type = NULL;
    return ok;
}

static gboolean finish_record(struct records *records, GError **error)
{
    if (records->is_end) {
        records->complete = record_number(&records->record, "records") == (int64_t)records->count;
        records->state = STATE_OVER;
        return TRUE;
    }
    if (!records->events->finish(records->context, error))
        return FALSE;
    records->count++;
    records->state = STATE_HEADER;
    return TRUE;
}

/*
 * Take the bytes up to a line feed into the line; TRUE once it is whole.  A log-in script may leave its last line open,
 * so that the first line of the probe stands behind it: the end of a line of noise is what counts.
 */
static gboolean take_line(struct records *records, const char **at, const char *end, size_t limit)
{
    size_t left = (size_t)(end - *at);
    const char *line_feed = memchr(*at, '\n', left);
    size_t size = line_feed ? (size_t)(line_feed - *at) : left;
    /* One byte more than the limit is enough to know that it was passed. */
    size_t room = limit + 1 - MIN(records->line->len, limit + 1);

    g_string_append_len(records->line, *at, (gssize)MIN(size, room));
    *at += line_feed ? size + 1 : size;
    return line_feed != NULL;
}

static gboolean add_noise(struct records *records, const char **at, const char *end, GError **error)
{
    const char *start = *at;
    gboolean whole = take_line(records, at, end, records->noise_limit);

    if (whole && g_str_has_suffix(records->line->str, records->first_line)) {
        g_string_truncate(records->noise, MIN(records->noise->len, RECORDS_NOISE_KEPT));
        g_string_truncate(records->line, 0);
        records->state = STATE_HEADER;
        return TRUE;
    }
    if (whole)
        g_string_truncate(records->line, 0);
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
static gboolean spend(struct records *records, size_t size, GError **error)
{
    if ((int64_t)size > records->left_bytes)
        return fail(records, TRUSTGAP_ERROR_LIMIT, "more bytes than the limit for one host", error);
    records->left_bytes -= (int64_t)size;
    return TRUE;
}

static gboolean add_header(struct records *records, const char **at, const char *end, GError **error)
{
    const char *start = *at;
    gboolean whole = take_line(records, at, end, RECORDS_HEADER_BYTES);

    if (!spend(records, (size_t)(*at - start), error))
        return FALSE;
    if (records->line->len > RECORDS_HEADER_BYTES)
        return fail(records, TRUSTGAP_ERROR_LIMIT, "its first line is longer than the limit", error);
    if (!whole)
        return TRUE;
    if (!parse_header(records, error))
        return FALSE;
    g_string_truncate(records->line, 0);
    records->state = records->record_left > 0 ? STATE_BYTES : STATE_LINE_FEED;
    return TRUE;
}

static gboolean add_bytes(struct records *records, const char **at, const char *end, GError **error)
{
    size_t size = (size_t)MIN((int64_t)(end - *at), records->record_left);

    if (!spend(records, size, error))
        return FALSE;
    if (!records->is_end && !records->events->bytes(records->context, (const uint8_t *)*at, size, error))
        return FALSE;
    *at += size;
    records->record_left -= (int64_t)size;
    if (records->record_left == 0)
        records->state = STATE_LINE_FEED;
    return TRUE;
}

static gboolean add_line_feed(struct records *records, const char **at, GError **error)
{
    if (**at != '\n')
        return fail(records, TRUSTGAP_ERROR_SYNTAX, "its length is not that of its bytes", error);
    (*at)++;
    return spend(records, 1, error) && finish_record(records, error);
}

gboolean records_add(struct records *records, const void *bytes, size_t size, GError **error)
{
    const char *at = bytes;
    const char *end = at + size;

    while (at < end && records->state != STATE_OVER) {
        gboolean ok = TRUE;

        switch (records->state) {
        case STATE_NOISE:
            ok = add_noise(records, &at, end, error);
            break;
        case STATE_HEADER:
            ok = add_header(records, &at, end, error);
            break;
        case STATE_BYTES:
            ok = add_bytes(records, &at, end, error);
            break;
        case STATE_LINE_FEED:
            ok = add_line_feed(records, &at, error);
            break;
        case STATE_OVER:
            g_assert_not_reached();
        }
        if (!ok)
            return FALSE;
    }
    return TRUE;
}
