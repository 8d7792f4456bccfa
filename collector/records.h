/*
 * The probe's stream, taken apart: docs/formats/probe.md.
 *
 * Bytes go in as they come, in pieces of any size; what stands above the first line with the right nonce is noise of
 * log-in scripts; then each record comes out as one begin, any number of bytes, one finish.  The parser holds one
 * header line at a time and none of the bytes.  It knows the frame and no record type but "end", "system" and "over".
 *
 * A record "system" opens an inner stream, which another user of the host may have written.  It lasts until a line that
 * holds the nonce, wherever that comes.  Whatever is wrong with an inner stream costs that system only: the rest of its
 * bytes is passed over, and the stream around it goes on.
 */
#ifndef TRUSTGAP_RECORDS_H
#define TRUSTGAP_RECORDS_H

#include <glib.h>
#include <stdint.h>

/* Limits. */
#define RECORDS_HEADER_BYTES  16384 /* a header line without its line feed */
#define RECORDS_FIELDS        32    /* of one record */
#define RECORDS_WORD_BYTES    32    /* a type, a key */
#define RECORDS_COUNT         16384
#define RECORDS_HEADERS_BYTES ((size_t)4 * 1024 * 1024) /* of all records: what becomes one line of the capture */
#define RECORDS_NOISE_KEPT    1024                      /* for the message, if the first record never comes */

/* Of each of the limits for the whole stream one system may use this part of what is left when it begins. */
#define RECORDS_SYSTEM_PARTS     4
#define RECORDS_SYSTEM_PARTS_MAX 3

#define RECORDS_NONCE_CHARS 32

struct record {
    const char *type;
    int64_t length_bytes;
    unsigned number;    /* from 1, within its stream */
    const char *system; /* path of the system whose stream it is in; NULL: in the outer one */
    GPtrArray *fields;  /* private */
};

/* How the stream of one system ended.  Strings are cleaned and may be NULL, but for the path. */
struct records_system {
    const char *path;
    const char *user, *through; /* who read it, "login" or "sudo" */
    const char *reason;         /* why it was ended; NULL: it ended by itself */
    int64_t status;             /* exit status; -1: none was given */
    gboolean complete;          /* its last record came and counts as many records as there were */
    const GError *fault;        /* what is wrong with it: TRUSTGAP_ERROR_SYNTAX or _LIMIT; NULL: nothing */
};

/*
 * FALSE with ${error} set ends the parsing: records_add() hands it on.  In the stream of a system TRUSTGAP_ERROR_SYNTAX
 * and _LIMIT end only that one.
 */
struct records_events {
    gboolean (*begin)(void *context, const struct record *record, GError **error);
    gboolean (*bytes)(void *context, const uint8_t *bytes, size_t size, GError **error);
    gboolean (*finish)(void *context, GError **error);
    /* A record that began may be without its finish then; it gets none. */
    gboolean (*over)(void *context, const struct records_system *system, GError **error);
};

/**
 * record_text(record, key):
 * The value of a field, decoded, then cleaned (text.h); NULL if there is no such field.  Owned by ${record}, which
 * lives as long as the begin event.
 */
const char *record_text(const struct record *record, const char *key);

/**
 * record_number(record, key):
 * The same as a decimal number; -1 if there is none, or none that fits.
 */
int64_t record_number(const struct record *record, const char *key);

struct records;

/**
 * records_new(nonce, noise_limit_bytes, limit_bytes, events, context):
 * ${nonce} is RECORDS_NONCE_CHARS hex digits.  At most ${noise_limit_bytes} may stand above the first line, and
 * ${limit_bytes} after it.  ${events} must live as long as the result, which records_free() frees.
 */
struct records *records_new(const char *nonce, size_t noise_limit_bytes, int64_t limit_bytes,
                            const struct records_events *events, void *context);
void records_free(struct records *records);

/**
 * records_add(records, bytes, size, error):
 * Go on with the next piece.  FALSE with ${error} set if this is no stream of records (TRUSTGAP_ERROR_SYNTAX), if a
 * limit is reached (_LIMIT), or with what an event returned; nothing may be added afterwards.
 */
gboolean records_add(struct records *records, const void *bytes, size_t size, GError **error);

/**
 * records_begun(records):
 * TRUE once the first line has come: it is the probe that speaks.
 */
gboolean records_begun(const struct records *records);

/**
 * records_complete(records):
 * TRUE once the last record of the outer stream has come and counts as many records as there were.
 */
gboolean records_complete(const struct records *records);

/**
 * records_noise(records):
 * The beginning of what stood above the first line, at most RECORDS_NOISE_KEPT bytes, as it came.
 */
const GString *records_noise(const struct records *records);

typedef struct records records_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(records_auto, records_free)

#endif
