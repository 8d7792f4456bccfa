/*
 * Private to capture/: the flat members of its structures, named once, for making, freeing, writing and reading them.
 *
 * A record is a structure and the table of its members that are one JSON value each; members that are arrays of other
 * structures are the business of journal.c.
 */
#ifndef TRUSTGAP_CAPTURE_RECORD_H
#define TRUSTGAP_CAPTURE_RECORD_H

#include "capture.h"

#include <glib.h>
#include <jansson.h>
#include <stdint.h>

enum field_kind {
    FIELD_TEXT,   /* char *: a string, cleaned */
    FIELD_DIGEST, /* char *: name of an object, also checked by its form */
    FIELD_NUMBER, /* int64_t: an integer from least to most; none where it is not known */
    FIELD_OFFSET, /* int: likewise */
    FIELD_MOMENT, /* int64_t: a time, as ISO 8601 */
    FIELD_FLAG,   /* gboolean */
};

struct field {
    const char *name;
    enum field_kind kind;
    size_t offset;
    int64_t least, most, none; /* of numbers */
};

struct record {
    const char *name; /* "trace": for messages */
    size_t size_bytes;
    const struct field *fields;
    size_t count;
};

extern const struct record record_header, record_host, record_instance, record_trace, record_store, record_chain;

/**
 * record_new(record):
 * A structure of this kind with nothing known in it.
 */
void *record_new(const struct record *record);

/**
 * record_clear(record, object):
 * Free the strings of ${object}, not ${object}.
 */
void record_clear(const struct record *record, void *object);

/**
 * record_write(record, object, json):
 * Set the members of the JSON object ${json} that are known in ${object}.  A number outside of its range is written as
 * not known, for the reader would refuse the whole line.
 */
void record_write(const struct record *record, const void *object, json_t *json);

/**
 * record_read(record, object, json, error):
 * The other way round, into an ${object} from record_new().  Members of other names are passed over.
 */
gboolean record_read(const struct record *record, void *object, const json_t *json, GError **error);

/**
 * record_is_digest(text):
 * TRUE if ${text} has the form of an object's name, and so can't be a path to somewhere else.
 */
gboolean record_is_digest(const char *text);

#endif
