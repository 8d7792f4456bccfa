#include "record.h"

#include "error.h"
#include "moment.h"
#include "text.h"

#include <stddef.h>
#include <string.h>

#define TEXT(type, member, name)                                                                                       \
    {                                                                                                                  \
        name, FIELD_TEXT, offsetof(struct type, member), 0, 0, 0                                                       \
    }
#define DIGEST(type, member, name)                                                                                     \
    {                                                                                                                  \
        name, FIELD_DIGEST, offsetof(struct type, member), 0, 0, 0                                                     \
    }
#define MOMENT(type, member, name)                                                                                     \
    {                                                                                                                  \
        name, FIELD_MOMENT, offsetof(struct type, member), 0, 0, MOMENT_NONE                                           \
    }
#define FLAG(type, member, name)                                                                                       \
    {                                                                                                                  \
        name, FIELD_FLAG, offsetof(struct type, member), 0, 0, 0                                                       \
    }
#define SIZE(type, member, name)                                                                                       \
    {                                                                                                                  \
        name, FIELD_NUMBER, offsetof(struct type, member), 0, CAPTURE_SIZE_MAX, -1                                     \
    }
#define NUMBER(type, member, name)                                                                                     \
    {                                                                                                                  \
        name, FIELD_NUMBER, offsetof(struct type, member), 0, INT64_MAX, -1                                            \
    }
#define SECONDS(type, member, name)                                                                                    \
    {                                                                                                                  \
        name, FIELD_NUMBER, offsetof(struct type, member), -INT64_MAX, INT64_MAX, MOMENT_NONE                          \
    }

static const struct field header_fields[] = {
    TEXT(capture_header, program, "program"),
    MOMENT(capture_header, started, "started"),
    DIGEST(capture_header, inventory_sha256, "inventory_sha256"),
    TEXT(capture_header, limit, "limit"),
};

static const struct field host_fields[] = {
    TEXT(capture_host, name, "host"),
    TEXT(capture_host, reason, "reason"),
    TEXT(capture_host, message, "message"),
    TEXT(capture_host, tier, "tier"),
    TEXT(capture_host, owner, "owner"),
    MOMENT(capture_host, started, "started"),
    MOMENT(capture_host, finished, "finished"),
    MOMENT(capture_host, clock, "clock"),
    {"zone_offset", FIELD_OFFSET, offsetof(struct capture_host, zone_offset_s), -86400, 86400, G_MININT},
    TEXT(capture_host, zone, "zone"),
    TEXT(capture_host, zone_rule, "zone_rule"),
    TEXT(capture_host, system, "system"),
    TEXT(capture_host, login, "login"),
    FLAG(capture_host, tools_trusted, "tools_trusted"),
};

static const struct field instance_fields[] = {
    TEXT(capture_instance, sid, "sid"),
    TEXT(capture_instance, name, "name"),
    TEXT(capture_instance, path, "path"),
};

static const struct field trace_fields[] = {
    TEXT(capture_trace, instance, "instance"), TEXT(capture_trace, path, "path"),
    NUMBER(capture_trace, device, "device"),   NUMBER(capture_trace, inode, "inode"),
    SIZE(capture_trace, size_bytes, "size"),   SECONDS(capture_trace, modified, "modified"),
    SIZE(capture_trace, from_byte, "from"),    SIZE(capture_trace, length_bytes, "length"),
    FLAG(capture_trace, moved, "moved"),       DIGEST(capture_trace, object, "object"),
    TEXT(capture_trace, reason, "reason"),
};

static const struct field store_fields[] = {
    TEXT(capture_store, instance, "instance"),
    TEXT(capture_store, path, "path"),
    NUMBER(capture_store, device, "device"),
    NUMBER(capture_store, inode, "inode"),
    SIZE(capture_store, size_bytes, "size"),
    SECONDS(capture_store, modified, "modified"),
    TEXT(capture_store, owner, "owner"),
    TEXT(capture_store, mode, "mode"),
    TEXT(capture_store, method, "method"),
    TEXT(capture_store, reason, "reason"),
    DIGEST(capture_store, trusted, "trusted"),
    SIZE(capture_store, trusted_count, "trusted_count"),
    DIGEST(capture_store, own, "own"),
    DIGEST(capture_store, listing, "listing"),
    NUMBER(capture_store, listing_status, "listing_status"),
};

static const struct field chain_fields[] = {
    TEXT(capture_chain, target, "target"), TEXT(capture_chain, address, "address"), SIZE(capture_chain, port, "port"),
    MOMENT(capture_chain, asked, "asked"), DIGEST(capture_chain, object, "object"), SIZE(capture_chain, count, "count"),
    TEXT(capture_chain, reason, "reason"), TEXT(capture_chain, message, "message"),
};

#define RECORD(name, type, fields)                                                                                     \
    {                                                                                                                  \
        name, sizeof(struct type), fields, G_N_ELEMENTS(fields)                                                        \
    }
const struct record record_header = RECORD("header", capture_header, header_fields);
const struct record record_host = RECORD("host", capture_host, host_fields);
const struct record record_instance = RECORD("instance", capture_instance, instance_fields);
const struct record record_trace = RECORD("trace", capture_trace, trace_fields);
const struct record record_store = RECORD("store", capture_store, store_fields);
const struct record record_chain = RECORD("chain", capture_chain, chain_fields);

/* Through void * the compiler need not be told that the members are aligned. */
static void *member(void *object, const struct field *field)
{
    return (char *)object + field->offset;
}

static const void *member_const(const void *object, const struct field *field)
{
    return (const char *)object + field->offset;
}

static void set_number(void *object, const struct field *field, int64_t number)
{
    if (field->kind == FIELD_OFFSET)
        *(int *)member(object, field) = (int)number;
    else
        *(int64_t *)member(object, field) = number;
}

static int64_t get_number(const void *object, const struct field *field)
{
    if (field->kind == FIELD_OFFSET)
        return *(const int *)member_const(object, field);
    return *(const int64_t *)member_const(object, field);
}

gboolean record_is_digest(const char *text)
{
    return strlen(text) == CAPTURE_DIGEST_CHARS && strspn(text, "0123456789abcdef") == CAPTURE_DIGEST_CHARS;
}

void *record_new(const struct record *record)
{
    void *object = g_malloc0(record->size_bytes);

    for (size_t i = 0; i < record->count; i++) {
        const struct field *field = &record->fields[i];
        if (field->kind == FIELD_NUMBER || field->kind == FIELD_OFFSET || field->kind == FIELD_MOMENT)
            set_number(object, field, field->none);
    }
    return object;
}

void record_clear(const struct record *record, void *object)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct field *field = &record->fields[i];
        if (field->kind == FIELD_TEXT || field->kind == FIELD_DIGEST)
            g_clear_pointer((char **)member(object, field), g_free);
    }
}

static json_t *write_text(const char *text)
{
    if (!text)
        return NULL;
    g_autofree char *clean = text_clean(text, strlen(text));
    return json_string(clean);
}

static json_t *write_number(const struct field *field, int64_t number)
{
    if (number == field->none || number < field->least || number > field->most)
        return NULL;
    return json_integer(number);
}

static json_t *write_moment(int64_t moment)
{
    char text[MOMENT_TEXT_BYTES];
    moment_format(text, moment);
    return *text ? json_string(text) : NULL;
}

static json_t *write_field(const struct field *field, const void *object)
{
    const char *text;

    switch (field->kind) {
    case FIELD_DIGEST:
        text = *(char *const *)member_const(object, field);
        g_assert(!text || record_is_digest(text));
        return write_text(text);
    case FIELD_TEXT:
        return write_text(*(char *const *)member_const(object, field));
    case FIELD_NUMBER:
    case FIELD_OFFSET:
        return write_number(field, get_number(object, field));
    case FIELD_MOMENT:
        return write_moment(get_number(object, field));
    case FIELD_FLAG:
        return *(const gboolean *)member_const(object, field) ? json_true() : NULL;
    }
    g_assert_not_reached();
}

void record_write(const struct record *record, const void *object, json_t *json)
{
    for (size_t i = 0; i < record->count; i++) {
        json_t *value = write_field(&record->fields[i], object);
        if (value)
            json_object_set_new(json, record->fields[i].name, value);
    }
}

static gboolean read_text(void *object, const struct field *field, const json_t *value)
{
    if (!json_is_string(value))
        return FALSE;
    if (field->kind == FIELD_DIGEST && !record_is_digest(json_string_value(value)))
        return FALSE;
    *(char **)member(object, field) = text_clean(json_string_value(value), json_string_length(value));
    return TRUE;
}

static gboolean read_number(void *object, const struct field *field, const json_t *value)
{
    if (!json_is_integer(value))
        return FALSE;
    int64_t number = json_integer_value(value);
    if (number < field->least || number > field->most)
        return FALSE;
    set_number(object, field, number);
    return TRUE;
}

static gboolean read_moment(void *object, const struct field *field, const json_t *value)
{
    return json_is_string(value) && moment_parse(member(object, field), json_string_value(value), NULL);
}

static gboolean read_field(void *object, const struct field *field, const json_t *value)
{
    switch (field->kind) {
    case FIELD_TEXT:
    case FIELD_DIGEST:
        return read_text(object, field, value);
    case FIELD_NUMBER:
    case FIELD_OFFSET:
        return read_number(object, field, value);
    case FIELD_MOMENT:
        return read_moment(object, field, value);
    case FIELD_FLAG:
        *(gboolean *)member(object, field) = json_is_true(value);
        return json_is_boolean(value);
    }
    g_assert_not_reached();
}

gboolean record_read(const struct record *record, void *object, const json_t *json, GError **error)
{
    static const char *const wants[] = {
        [FIELD_TEXT] = "a string",
        [FIELD_DIGEST] = "a SHA-256",
        [FIELD_NUMBER] = "a number in its range",
        [FIELD_OFFSET] = "a number in its range",
        [FIELD_MOMENT] = "a time",
        [FIELD_FLAG] = "true or false",
    };

    if (!json_is_object(json)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s is no object", record->name);
        return FALSE;
    }
    for (size_t i = 0; i < record->count; i++) {
        const struct field *field = &record->fields[i];
        const json_t *value = json_object_get(json, field->name);
        if (value && !read_field(object, field, value)) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "\"%s\" of a %s is not %s", field->name,
                        record->name, wants[field->kind]);
            return FALSE;
        }
    }
    return TRUE;
}
