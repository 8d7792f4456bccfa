#include "receiver.h"

#include "collector.h"
#include "error.h"
#include "moment.h"
#include "records.h"
#include "text.h"

#include <string.h>

#define ZONE_OFFSET_MAX_S (26 * 3600) /* no zone is further from UTC; a larger difference is a clock that jumped */

struct kind;

struct receiver {
    struct capture_host *host;
    const struct sink *sink;
    struct records *records;
    int64_t trace_limit;
    const struct kind *kind;              /* of the record under way; NULL: its bytes are passed over */
    void *object;                         /* of the sink */
    int64_t object_bytes, promised_bytes; /* what came of it, what its record says */
    struct capture_trace *trace;          /* the last one, owned by the host */
    struct capture_store *store;
    GHashTable *instances; /* their paths, owned by the host */
    unsigned more_notes;
    enum collector_reason shortfall; /* the gravest of the notes on what was not looked at */
    unsigned shortfalls;             /* their number */
    char *shortfall_text;
};

/* One type of record: what it says, and where the digest of its bytes goes. */
struct kind {
    const char *type;
    gboolean (*begin)(struct receiver *receiver, const struct record *record, GError **error);
    char **(*digest)(struct receiver *receiver); /* NULL: the record has no bytes */
    int64_t limit_bytes;                         /* 0: as many as of a trace */
};

static void host_note(struct receiver *receiver, const char *text)
{
    GPtrArray *notes = receiver->host->notes;

    if (notes->len < RECEIVER_NOTES) {
        g_ptr_array_add(notes, g_strdup(text));
        return;
    }
    receiver->more_notes++;
    g_ptr_array_set_size(notes, RECEIVER_NOTES);
    g_ptr_array_add(notes, g_strdup_printf("and %u more notes", receiver->more_notes));
}

void receiver_note(struct receiver *receiver, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *raw = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *text = text_clean(raw, strlen(raw));
    host_note(receiver, text);
}

static gboolean refuse(const struct record *record, enum trustgap_error code, const char *what, GError **error)
{
    g_set_error(error, TRUSTGAP_ERROR, (int)code, "record %u (%s): %s", record->number, record->type, what);
    return FALSE;
}

/* A size that cannot be read is not known, and it is told that there was one. */
static int64_t take_size(struct receiver *receiver, const struct record *record, const char *key)
{
    int64_t size = record_number(record, key);

    if (size > CAPTURE_SIZE_MAX)
        size = -1;
    if (size < 0 && record_text(record, key))
        receiver_note(receiver, "record %u (%s): \"%s\" is no size", record->number, record->type, key);
    return size;
}

/* "YYYYmmddHHMMSS" */
static int64_t parse_clock(const char *text)
{
    if (!text || strlen(text) != 14 || strspn(text, "0123456789") != 14)
        return MOMENT_NONE;
    int part[6];
    for (int i = 0; i < 6; i++) {
        int digits = i == 0 ? 4 : 2;
        part[i] = 0;
        while (digits-- > 0)
            part[i] = part[i] * 10 + (*text++ - '0');
    }
    return moment_from_civil(part[0], part[1], part[2], part[3], part[4], part[5]);
}

static gboolean begin_hello(struct receiver *receiver, const struct record *record, GError **error)
{
    struct capture_host *host = receiver->host;

    if (host->clock != MOMENT_NONE || host->login)
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "comes twice", error);
    host->clock = parse_clock(record_text(record, "clock"));
    int64_t local = parse_clock(record_text(record, "local"));
    if (host->clock != MOMENT_NONE && local != MOMENT_NONE && ABS(local - host->clock) <= ZONE_OFFSET_MAX_S)
        host->zone_offset_s = (int)(local - host->clock);
    host->zone = g_strdup(record_text(record, "zone"));
    host->zone_rule = g_strdup(record_text(record, "rule"));
    host->system = g_strdup(record_text(record, "system"));
    host->login = g_strdup(record_text(record, "login"));
    return TRUE;
}

static gboolean begin_instance(struct receiver *receiver, const struct record *record, GError **error)
{
    if (!record_text(record, "path"))
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "has no path", error);
    if (g_hash_table_contains(receiver->instances, record_text(record, "path")))
        return TRUE; /* several users read what is in it, each says so */
    struct capture_instance *instance = capture_instance_new();
    instance->sid = g_strdup(record_text(record, "sid"));
    instance->name = g_strdup(record_text(record, "name"));
    instance->path = g_strdup(record_text(record, "path"));
    g_ptr_array_add(receiver->host->instances, instance);
    g_hash_table_add(receiver->instances, instance->path);
    return TRUE;
}

static gboolean new_trace(struct receiver *receiver, const struct record *record, GError **error)
{
    if (!record_text(record, "path"))
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "has no path", error);
    struct capture_trace *trace = receiver->trace = capture_trace_new();
    trace->instance = g_strdup(record_text(record, "instance"));
    trace->path = g_strdup(record_text(record, "path"));
    g_ptr_array_add(receiver->host->traces, trace);
    return TRUE;
}

static gboolean begin_trace(struct receiver *receiver, const struct record *record, GError **error)
{
    if (!new_trace(receiver, record, error))
        return FALSE;
    struct capture_trace *trace = receiver->trace;
    trace->device = record_number(record, "device");
    trace->inode = record_number(record, "inode");
    trace->size_bytes = take_size(receiver, record, "size");
    trace->modified = record_number(record, "modified");
    trace->from_byte = take_size(receiver, record, "from");
    return TRUE;
}

static gboolean begin_trace_unread(struct receiver *receiver, const struct record *record, GError **error)
{
    if (!new_trace(receiver, record, error))
        return FALSE;
    receiver->trace->reason = g_strdup(record_text(record, "reason"));
    return TRUE;
}

/* The same file again when its bytes were read: was it still that file, and still that long? */
static gboolean begin_trace_after(struct receiver *receiver, const struct record *record, GError **error)
{
    struct capture_trace *trace = receiver->trace;

    if (!trace || !trace->object || g_strcmp0(record_text(record, "path"), trace->path) != 0)
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "does not follow its trace", error);
    int64_t inode = record_number(record, "inode");
    int64_t size = take_size(receiver, record, "size");
    /* A file that is gone has neither. */
    trace->moved = inode < 0 || inode != trace->inode || size < 0 || size - trace->length_bytes < trace->from_byte;
    return TRUE;
}

static gboolean begin_store(struct receiver *receiver, const struct record *record, GError **error)
{
    if (!record_text(record, "path"))
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "has no path", error);
    struct capture_store *store = receiver->store = capture_store_new();
    store->instance = g_strdup(record_text(record, "instance"));
    store->path = g_strdup(record_text(record, "path"));
    store->device = record_number(record, "device");
    store->inode = record_number(record, "inode");
    store->size_bytes = take_size(receiver, record, "size");
    store->modified = record_number(record, "modified");
    store->owner = g_strdup(record_text(record, "owner"));
    store->mode = g_strdup(record_text(record, "mode"));
    store->method = g_strdup(record_text(record, "method"));
    store->reason = g_strdup(record_text(record, "reason"));
    g_ptr_array_add(receiver->host->stores, store);
    return TRUE;
}

/* trusted, own, listing: each belongs to the store before it, and each may be there once. */
static gboolean follows_store(struct receiver *receiver, const struct record *record,
                              char **(*digest)(struct receiver *), GError **error)
{
    if (!receiver->store)
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "comes before any store", error);
    if (*digest(receiver))
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "comes twice for one store", error);
    return TRUE;
}

static char **trace_digest(struct receiver *receiver)
{
    return &receiver->trace->object;
}

static char **trusted_digest(struct receiver *receiver)
{
    return &receiver->store->trusted;
}

static char **own_digest(struct receiver *receiver)
{
    return &receiver->store->own;
}

static char **listing_digest(struct receiver *receiver)
{
    return &receiver->store->listing;
}

static gboolean begin_trusted(struct receiver *receiver, const struct record *record, GError **error)
{
    if (!follows_store(receiver, record, trusted_digest, error))
        return FALSE;
    receiver->store->trusted_count = take_size(receiver, record, "count");
    return TRUE;
}

static gboolean begin_own(struct receiver *receiver, const struct record *record, GError **error)
{
    return follows_store(receiver, record, own_digest, error);
}

static gboolean begin_listing(struct receiver *receiver, const struct record *record, GError **error)
{
    if (!follows_store(receiver, record, listing_digest, error))
        return FALSE;
    receiver->store->listing_status = record_number(record, "status");
    return TRUE;
}

/* What a note on something that was not looked at makes of the host; a word of a later probe is not harmless. */
static enum collector_reason shortfall_of(const char *word)
{
    static const struct {
        const char *word;
        enum collector_reason reason;
    } rows[] = {
        {"no-folder", REASON_NO_INSTANCE},
        {"no-instance", REASON_NO_INSTANCE},
        {"no-sudo", REASON_UNREAD},
        {"no-trace", REASON_NONE}, /* looked for in vain, and that is said where traces are counted */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(word, rows[i].word) == 0)
            return rows[i].reason;
    return REASON_NOT_SEARCHED;
}

static void note_shortfall(struct receiver *receiver, const char *word, const char *text)
{
    enum collector_reason reason = shortfall_of(word);

    receiver->shortfalls += reason != REASON_NONE;
    if (reason <= receiver->shortfall) /* the enum has the graver ones behind */
        return;
    receiver->shortfall = reason;
    g_free(receiver->shortfall_text);
    receiver->shortfall_text = g_strdup(text);
}

char *receiver_shortfall(const struct receiver *receiver, enum collector_reason *reason)
{
    *reason = receiver->shortfall;
    if (receiver->shortfalls <= 1)
        return g_strdup(receiver->shortfall_text);
    return g_strdup_printf("%s; and %u more", receiver->shortfall_text, receiver->shortfalls - 1);
}

static gboolean begin_note(struct receiver *receiver, const struct record *record, GError **error)
{
    const char *text = record_text(record, "text");
    const char *path = record_text(record, "path");
    const char *reason = record_text(record, "reason");
    (void)error;

    if (reason)
        note_shortfall(receiver, reason, text ? text : reason);
    if (text && path && !strstr(text, path)) {
        g_autofree char *both = g_strdup_printf("%s: %s", path, text);
        host_note(receiver, both);
    } else if (text) {
        host_note(receiver, text);
    }
    return TRUE;
}

static const struct kind kinds[] = {
    {"hello", begin_hello, NULL, 0},
    {"instance", begin_instance, NULL, 0},
    {"trace", begin_trace, trace_digest, 0},
    {"trace-after", begin_trace_after, NULL, 0},
    {"trace-unread", begin_trace_unread, NULL, 0},
    {"store", begin_store, NULL, 0},
    {"trusted", begin_trusted, trusted_digest, RECEIVER_TRUSTED_BYTES},
    {"own", begin_own, own_digest, RECEIVER_OWN_BYTES},
    {"listing", begin_listing, listing_digest, RECEIVER_LISTING_BYTES},
    {"note", begin_note, NULL, 0},
};

static const struct kind *find_kind(const char *type)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    return NULL;
}

/* The events of the stream. */

static gboolean on_begin(void *context, const struct record *record, GError **error)
{
    struct receiver *receiver = context;
    const struct kind *kind = receiver->kind = find_kind(record->type);

    if (!kind)
        return TRUE; /* of a later version of the probe */
    if (!kind->digest && record->length_bytes > 0)
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "has bytes and should have none", error);
    if (record->length_bytes > (kind->limit_bytes ? kind->limit_bytes : receiver->trace_limit))
        return refuse(record, TRUSTGAP_ERROR_LIMIT, "is longer than the limit", error);
    if (!kind->begin(receiver, record, error))
        return FALSE;
    receiver->object_bytes = 0;
    receiver->promised_bytes = record->length_bytes;
    if (kind->digest)
        receiver->object = receiver->sink->begin(receiver->sink->context, error);
    return !kind->digest || receiver->object;
}

static gboolean on_bytes(void *context, const uint8_t *bytes, size_t size, GError **error)
{
    struct receiver *receiver = context;

    if (!receiver->object)
        return TRUE;
    receiver->object_bytes += (int64_t)size;
    return receiver->sink->add(receiver->object, bytes, size, error);
}

static gboolean on_finish(void *context, GError **error)
{
    struct receiver *receiver = context;

    if (!receiver->object)
        return TRUE;
    char *digest = receiver->sink->finish(g_steal_pointer(&receiver->object), error);
    if (!digest)
        return FALSE;
    *receiver->kind->digest(receiver) = digest;
    if (receiver->kind->digest == trace_digest)
        receiver->trace->length_bytes = receiver->object_bytes;
    return TRUE;
}

static const struct records_events events = {on_begin, on_bytes, on_finish};

struct receiver *receiver_new(struct capture_host *host, const struct sink *sink, const char *nonce,
                              int64_t trace_bytes)
{
    struct receiver *receiver = g_new0(struct receiver, 1);
    receiver->host = host;
    receiver->sink = sink;
    receiver->trace_limit = trace_bytes;
    receiver->instances = g_hash_table_new(g_str_hash, g_str_equal);
    receiver->records = records_new(nonce, COLLECTOR_NOISE_BYTES, COLLECTOR_HOST_BYTES, &events, receiver);
    return receiver;
}

void receiver_free(struct receiver *receiver)
{
    if (!receiver)
        return;
    if (receiver->object)
        receiver->sink->drop(receiver->object);
    g_hash_table_unref(receiver->instances);
    g_free(receiver->shortfall_text);
    records_free(receiver->records);
    g_free(receiver);
}

gboolean receiver_add(struct receiver *receiver, const void *bytes, size_t size, GError **error)
{
    return records_add(receiver->records, bytes, size, error);
}

gboolean receiver_begun(const struct receiver *receiver)
{
    return records_begun(receiver->records);
}

gboolean receiver_complete(const struct receiver *receiver)
{
    return records_complete(receiver->records);
}

const GString *receiver_noise(const struct receiver *receiver)
{
    return records_noise(receiver->records);
}

/* The part of a trace that came is kept, part of anything else is not. */
static gboolean finish_cut_object(struct receiver *receiver, GError **error)
{
    void *object = g_steal_pointer(&receiver->object);

    if (!object)
        return TRUE;
    if (receiver->kind->digest != trace_digest) {
        receiver->sink->drop(object);
        return TRUE;
    }
    receiver->trace->object = receiver->sink->finish(object, error);
    receiver->trace->length_bytes = receiver->trace->object ? receiver->object_bytes : -1;
    if (receiver->trace->object && receiver->object_bytes < receiver->promised_bytes)
        receiver_note(receiver, "%s: cut off after %" G_GINT64_FORMAT " bytes", receiver->trace->path,
                      receiver->object_bytes);
    return receiver->trace->object != NULL;
}

/* A store that promised a list which did not come is one that could not be read. */
static void mark_incomplete_stores(struct capture_host *host)
{
    for (guint i = 0; i < host->stores->len; i++) {
        struct capture_store *store = g_ptr_array_index(host->stores, i);
        gboolean native = g_strcmp0(store->method, "native") == 0 && !store->trusted;
        gboolean listed = g_strcmp0(store->method, "sapgenpse") == 0 && !store->listing;
        if (!native && !listed)
            continue;
        g_free(store->method);
        g_free(store->reason);
        store->method = g_strdup("none");
        store->reason =
            g_strdup(native ? "incomplete its trust list did not come" : "incomplete its listing did not come");
        store->trusted_count = -1;
    }
}

gboolean receiver_finish(struct receiver *receiver, GError **error)
{
    gboolean ok = finish_cut_object(receiver, error);
    mark_incomplete_stores(receiver->host);
    return ok;
}
