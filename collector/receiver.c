#include "receiver.h"

#include "base64.h"
#include "collector.h"
#include "error.h"
#include "moment.h"
#include "records.h"
#include "sieve.h"
#include "text.h"

#include <string.h>

#define ENCODED_PER_BYTE  2           /* characters of base64 and line feeds, at most */
#define ZONE_OFFSET_MAX_S (26 * 3600) /* no zone is further from UTC; a larger difference is a clock that jumped */

struct kind;

struct receiver {
    struct capture_host *host;
    const struct sink *sink;
    struct records *records;
    int64_t trace_limit;
    const struct kind *kind;     /* of the record under way; NULL: its bytes are passed over */
    void *object;                /* of the sink */
    struct sieve *sieve;         /* what the object's bytes pass through before they are written */
    struct base64 base64;        /* and this one before, if ${encoded} */
    gboolean encoded;            /* the record's bytes are base64 */
    GByteArray *decoded;         /* a piece of them */
    int64_t object_bytes;        /* that are written */
    int64_t expected_bytes;      /* of the record that are still to come */
    struct capture_trace *trace; /* the last one, owned by the host */
    struct capture_store *store;
    GHashTable *instances; /* their paths, owned by the host */
    unsigned more_notes;
    enum collector_reason shortfall; /* the gravest of the notes on what was not looked at */
    unsigned shortfalls;             /* their number */
    char *shortfall_text;
};

/* In which stream a record may stand. */
enum place { IN_HOST = 1, IN_SYSTEM = 2 };

/* One type of record: what it says, and where the digest of its bytes goes. */
struct kind {
    const char *type;
    unsigned places;
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

/* Whether it ends in /SID/NAME. */
static gboolean ends_as(const char *path, const char *sid, const char *name)
{
    g_autofree char *end = g_strdup_printf("/%s/%s", sid, name ? name : "");
    return !strchr(sid, '/') && g_str_has_suffix(path, end);
}

static gboolean begin_instance(struct receiver *receiver, const struct record *record, GError **error)
{
    const char *sid = record_text(record, "sid");

    if (!record_text(record, "path"))
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "has no path", error);
    if (sid && !ends_as(record_text(record, "path"), sid, record_text(record, "name")))
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "has another SID or name than its path", error);
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

static gboolean is_dropped(const char *reason)
{
    return g_strcmp0(reason, CAPTURE_PRIVATE_KEY) == 0;
}

/* The same file again when its bytes were read: was it still that file, and still that long? */
static gboolean begin_trace_after(struct receiver *receiver, const struct record *record, GError **error)
{
    struct capture_trace *trace = receiver->trace;
    gboolean dropped = trace && is_dropped(trace->reason);

    if (!trace || (!trace->object && !dropped) || g_strcmp0(record_text(record, "path"), trace->path) != 0)
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "does not follow its trace", error);
    if (dropped)
        return TRUE;
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

/* The graver ones are behind. */
static unsigned gravity(enum collector_reason reason)
{
    static const enum collector_reason order[] = {
        REASON_NONE,    REASON_UNREAD,     REASON_NOT_SEARCHED, REASON_NO_INSTANCE,
        REASON_NO_TOOL, REASON_INCOMPLETE, REASON_LIMIT,        REASON_BAD_RECORD,
    };
    unsigned i = 0;

    while (order[i] != reason)
        g_assert(++i < G_N_ELEMENTS(order));
    return i;
}

/* What a note on something that was not looked at makes of the host; a word of a later probe is not harmless. */
static enum collector_reason shortfall_of(const char *word)
{
    static const struct {
        const char *word;
        enum collector_reason reason;
    } rows[] = {
        {"no-folder", REASON_NO_INSTANCE}, {"no-instance", REASON_NO_INSTANCE}, {"no-sudo", REASON_UNREAD},
        {"no-tool", REASON_NO_TOOL},       {"no-trace", REASON_NONE}, /* looked for in vain, and that is said where
                                                                         traces are counted */
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (strcmp(word, rows[i].word) == 0)
            return rows[i].reason;
    return REASON_NOT_SEARCHED;
}

static void add_shortfall(struct receiver *receiver, enum collector_reason reason, const char *text)
{
    receiver->shortfalls += reason != REASON_NONE;
    if (gravity(reason) <= gravity(receiver->shortfall))
        return;
    receiver->shortfall = reason;
    g_free(receiver->shortfall_text);
    receiver->shortfall_text = g_strdup(text);
}

char *receiver_shortfall(const struct receiver *receiver, enum collector_reason *reason)
{
    *reason = receiver->shortfall;
    if (receiver->host->instances->len == 0 && gravity(*reason) < gravity(REASON_NO_INSTANCE))
        *reason = REASON_NO_INSTANCE;
    if (receiver->shortfalls <= 1)
        return g_strdup(receiver->shortfall_text);
    return g_strdup_printf("%s; and %u more", receiver->shortfall_text, receiver->shortfalls - 1);
}

/* What the probe found out about the tools that it needs. */
static gboolean begin_self_test(struct receiver *receiver, const struct record *record, GError **error)
{
    const char *missing = record_text(record, "missing");
    (void)error;

    if (!missing || !*missing)
        return TRUE;
    g_auto(GStrv) names = g_strsplit(missing, ",", -1);
    g_autofree char *list = g_strjoinv(", ", names);
    g_autofree char *text = g_strv_contains((const char *const *)names, "processes")
                                ? g_strdup("the host could not start any process for the probe")
                                : g_strdup_printf("the probe needs tools that are missing or don't work: %s", list);
    add_shortfall(receiver, REASON_NO_TOOL, text);
    host_note(receiver, text);
    return TRUE;
}

static gboolean begin_beat(struct receiver *receiver, const struct record *record, GError **error)
{
    (void)receiver;
    (void)record;
    (void)error;
    return TRUE;
}

static gboolean begin_note(struct receiver *receiver, const struct record *record, GError **error)
{
    const char *text = record_text(record, "text");
    const char *path = record_text(record, "path");
    const char *reason = record_text(record, "reason");
    (void)error;

    if (reason)
        add_shortfall(receiver, shortfall_of(reason), text ? text : reason);
    if (text && path && !strstr(text, path)) {
        g_autofree char *both = g_strdup_printf("%s: %s", path, text);
        host_note(receiver, both);
    } else if (text) {
        host_note(receiver, text);
    }
    return TRUE;
}

static const struct kind kinds[] = {
    {"hello", IN_HOST, begin_hello, NULL, 0},
    {"self-test", IN_HOST, begin_self_test, NULL, 0},
    {"beat", IN_HOST | IN_SYSTEM, begin_beat, NULL, 0},
    {"instance", IN_SYSTEM, begin_instance, NULL, 0},
    {"trace", IN_SYSTEM, begin_trace, trace_digest, 0},
    {"trace-after", IN_SYSTEM, begin_trace_after, NULL, 0},
    {"trace-unread", IN_SYSTEM, begin_trace_unread, NULL, 0},
    {"store", IN_SYSTEM, begin_store, NULL, 0},
    {"trusted", IN_SYSTEM, begin_trusted, trusted_digest, RECEIVER_TRUSTED_BYTES},
    {"own", IN_SYSTEM, begin_own, own_digest, RECEIVER_OWN_BYTES},
    {"listing", IN_SYSTEM, begin_listing, listing_digest, RECEIVER_LISTING_BYTES},
    {"note", IN_HOST | IN_SYSTEM, begin_note, NULL, 0},
};

static const struct kind *find_kind(const char *type)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return &kinds[i];
    return NULL;
}

/* Whether ${path} is ${folder} or below it, without a way back up. */
static gboolean is_within(const char *folder, const char *path)
{
    size_t size = strlen(folder);

    while (size > 0 && folder[size - 1] == '/')
        size--;
    if (strncmp(path, folder, size) != 0 || (path[size] != '/' && (path[size] != '\0' || size == 0)))
        return FALSE;
    g_auto(GStrv) names = g_strsplit(path + size, "/", -1);
    return !g_strv_contains((const char *const *)names, "..") && !g_strv_contains((const char *const *)names, ".");
}

/* One system's user can say nothing about another system, and nothing about the host. */
static gboolean check_place(const struct kind *kind, const struct record *record, GError **error)
{
    static const char *const keys[] = {"path", "instance"};

    if (!(kind->places & (record->system ? IN_SYSTEM : IN_HOST)))
        return refuse(record, TRUSTGAP_ERROR_SYNTAX,
                      record->system ? "may not stand in a system" : "stands outside of any system", error);
    for (size_t i = 0; record->system && i < G_N_ELEMENTS(keys); i++) {
        const char *path = record_text(record, keys[i]);
        if (path && !is_within(record->system, path))
            return refuse(record, TRUSTGAP_ERROR_SYNTAX, "speaks of something outside of its system", error);
    }
    return TRUE;
}

/* The form in which the bytes of a record come. */
static gboolean begin_bytes(struct receiver *receiver, const struct record *record, GError **error)
{
    int64_t limit = receiver->kind->limit_bytes ? receiver->kind->limit_bytes : receiver->trace_limit;
    const char *encoding = record_text(record, "encoding");
    gboolean may_be_encoded = receiver->kind->digest == trusted_digest || receiver->kind->digest == own_digest;

    receiver->encoded = may_be_encoded && encoding;
    if (!receiver->encoded) {
        if (record->length_bytes > limit)
            return refuse(record, TRUSTGAP_ERROR_LIMIT, "is longer than the limit", error);
        return TRUE;
    }
    int64_t size = record_number(record, "size");
    int64_t skip = record_text(record, "skip") ? record_number(record, "skip") : 0;
    if (strcmp(encoding, "base64") != 0)
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "has an unknown encoding", error);
    if (size < 0 || skip < 0 || skip > BASE64_PAD_BYTES)
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "has no size, or skips too much", error);
    if (size > limit || record->length_bytes > ENCODED_PER_BYTE * limit)
        return refuse(record, TRUSTGAP_ERROR_LIMIT, "is longer than the limit", error);
    base64_init(&receiver->base64, skip, size);
    return TRUE;
}

/* Bytes of an object. */

static void set_reason(char **reason, const char *word)
{
    g_free(*reason);
    *reason = g_strdup(word);
}

/* No part of a store in which there is a key is kept, and neither is the name of one that was written before. */
static void drop_store(struct capture_store *store)
{
    set_reason(&store->method, "none");
    set_reason(&store->reason, CAPTURE_PRIVATE_KEY);
    g_clear_pointer(&store->trusted, g_free);
    g_clear_pointer(&store->own, g_free);
    g_clear_pointer(&store->listing, g_free);
    store->trusted_count = -1;
}

static void drop_object(struct receiver *receiver)
{
    gboolean is_trace = receiver->kind->digest == trace_digest;

    receiver->sink->drop(g_steal_pointer(&receiver->object));
    g_clear_pointer(&receiver->sieve, sieve_free);
    if (is_trace)
        set_reason(&receiver->trace->reason, CAPTURE_PRIVATE_KEY);
    else
        drop_store(receiver->store);
    receiver_note(receiver, "%s: what came contains a private key, or what looks like one, and was thrown away",
                  is_trace ? receiver->trace->path : receiver->store->path);
}

static gboolean write_clear(struct receiver *receiver, const uint8_t *clear, size_t size, GError **error)
{
    receiver->object_bytes += (int64_t)size;
    return size == 0 || receiver->sink->add(receiver->object, clear, size, error);
}

/* The events of the stream. */

static gboolean on_begin(void *context, const struct record *record, GError **error)
{
    struct receiver *receiver = context;
    const struct kind *kind = receiver->kind = find_kind(record->type);

    if (!kind)
        return TRUE; /* of a later version of the probe */
    if (!check_place(kind, record, error))
        return FALSE;
    if (!kind->digest && record->length_bytes > 0)
        return refuse(record, TRUSTGAP_ERROR_SYNTAX, "has bytes and should have none", error);
    if (!begin_bytes(receiver, record, error) || !kind->begin(receiver, record, error))
        return FALSE;
    receiver->object_bytes = 0;
    receiver->expected_bytes = record->length_bytes;
    if (!kind->digest)
        return TRUE;
    if (kind->digest != trace_digest && is_dropped(receiver->store->reason)) {
        receiver->kind = NULL;
        return TRUE;
    }
    receiver->object = receiver->sink->begin(receiver->sink->context, error);
    if (receiver->object)
        receiver->sieve = sieve_new();
    return receiver->object != NULL;
}

static gboolean on_bytes(void *context, const uint8_t *bytes, size_t size, GError **error)
{
    struct receiver *receiver = context;
    const uint8_t *clear;
    size_t clear_size;

    if (!receiver->object)
        return TRUE;
    receiver->expected_bytes -= (int64_t)size;
    if (receiver->encoded) {
        g_byte_array_set_size(receiver->decoded, 0);
        if (!base64_add(&receiver->base64, receiver->decoded, bytes, size, error)) {
            g_prefix_error(error, "%s: ", receiver->store->path);
            return FALSE;
        }
        bytes = receiver->decoded->data;
        size = receiver->decoded->len;
    }
    if (sieve_add(receiver->sieve, &clear, &clear_size, bytes, size))
        return write_clear(receiver, clear, clear_size, error);
    drop_object(receiver);
    return TRUE;
}

/* All of the object's bytes have come. */
static gboolean finish_object(struct receiver *receiver, GError **error)
{
    const uint8_t *clear;
    size_t clear_size;

    if (!sieve_end(receiver->sieve, &clear, &clear_size)) {
        drop_object(receiver);
        return TRUE;
    }
    if (!write_clear(receiver, clear, clear_size, error))
        return FALSE;
    g_clear_pointer(&receiver->sieve, sieve_free);
    char *digest = receiver->sink->finish(g_steal_pointer(&receiver->object), error);
    if (!digest)
        return FALSE;
    *receiver->kind->digest(receiver) = digest;
    if (receiver->kind->digest == trace_digest)
        receiver->trace->length_bytes = receiver->object_bytes;
    return TRUE;
}

static gboolean on_finish(void *context, GError **error)
{
    struct receiver *receiver = context;

    if (!receiver->object)
        return TRUE;
    if (receiver->encoded && !base64_end(&receiver->base64, error)) {
        g_prefix_error(error, "%s: ", receiver->store->path);
        return FALSE;
    }
    return finish_object(receiver, error);
}

/* The part of a trace that came is kept, part of anything else is not. */
static gboolean finish_cut_object(struct receiver *receiver, GError **error)
{
    if (!receiver->object)
        return TRUE;
    if (receiver->kind->digest != trace_digest) {
        receiver->sink->drop(g_steal_pointer(&receiver->object));
        g_clear_pointer(&receiver->sieve, sieve_free);
        return TRUE;
    }
    if (receiver->expected_bytes == 0)
        return finish_object(receiver, error);
    const uint8_t *clear;
    size_t clear_size;
    if (!sieve_cut(receiver->sieve, &clear, &clear_size)) {
        drop_object(receiver);
        return TRUE;
    }
    if (!write_clear(receiver, clear, clear_size, error))
        return FALSE;
    g_clear_pointer(&receiver->sieve, sieve_free);
    receiver->trace->object = receiver->sink->finish(g_steal_pointer(&receiver->object), error);
    receiver->trace->length_bytes = receiver->trace->object ? receiver->object_bytes : -1;
    if (receiver->trace->object)
        receiver_note(receiver, "%s: cut off after %" G_GINT64_FORMAT " bytes", receiver->trace->path,
                      receiver->object_bytes);
    return receiver->trace->object != NULL;
}

/* "/usr/sap/PRD (as prdadm, sudo): the probe ended before its last record (time-out, exit status 137)" */
static char *describe_end(const struct records_system *system)
{
    GString *text = g_string_new(system->path);

    if (system->user)
        g_string_append_printf(text, " (as %s%s%s)", system->user, system->through ? ", " : "",
                               system->through ? system->through : "");
    if (system->fault) {
        g_string_append_printf(text, ": %s", system->fault->message);
        return g_string_free(text, FALSE);
    }
    g_string_append(text, ": the probe ended before its last record");
    if (system->reason || system->status > 0)
        g_string_append(text, " (");
    if (system->reason)
        g_string_append(text, system->reason);
    if (system->status > 0)
        g_string_append_printf(text, "%sexit status %" G_GINT64_FORMAT, system->reason ? ", " : "", system->status);
    if (system->reason || system->status > 0)
        g_string_append_c(text, ')');
    return g_string_free(text, FALSE);
}

static gboolean on_over(void *context, const struct records_system *system, GError **error)
{
    struct receiver *receiver = context;
    gboolean ok = finish_cut_object(receiver, error);

    /* Nothing that comes may be about what another system sent. */
    receiver->trace = NULL;
    receiver->store = NULL;
    receiver->kind = NULL;
    /* Where sudo did not work it was sudo that spoke, if anybody; a note says so, and the login reads the system. */
    if ((!system->fault && !system->reason && system->complete) || g_strcmp0(system->reason, "no-sudo") == 0)
        return ok;
    g_autofree char *text = describe_end(system);
    enum collector_reason reason = REASON_INCOMPLETE;
    if (system->fault)
        reason = system->fault->code == TRUSTGAP_ERROR_LIMIT ? REASON_LIMIT : REASON_BAD_RECORD;
    add_shortfall(receiver, reason, text);
    host_note(receiver, text);
    return ok;
}

static const struct records_events events = {on_begin, on_bytes, on_finish, on_over};

struct receiver *receiver_new(struct capture_host *host, const struct sink *sink, const char *nonce,
                              int64_t trace_bytes)
{
    struct receiver *receiver = g_new0(struct receiver, 1);
    receiver->host = host;
    receiver->sink = sink;
    receiver->trace_limit = trace_bytes;
    receiver->instances = g_hash_table_new(g_str_hash, g_str_equal);
    receiver->decoded = g_byte_array_new();
    receiver->records = records_new(nonce, COLLECTOR_NOISE_BYTES, COLLECTOR_HOST_BYTES, &events, receiver);
    return receiver;
}

void receiver_free(struct receiver *receiver)
{
    if (!receiver)
        return;
    if (receiver->object)
        receiver->sink->drop(receiver->object);
    sieve_free(receiver->sieve);
    g_byte_array_unref(receiver->decoded);
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

/* A store that promised a list which did not come is one that could not be read. */
static void mark_incomplete_stores(struct capture_host *host)
{
    for (guint i = 0; i < host->stores->len; i++) {
        struct capture_store *store = g_ptr_array_index(host->stores, i);
        gboolean native = g_strcmp0(store->method, "native") == 0 && !store->trusted;
        gboolean listed = g_strcmp0(store->method, "sapgenpse") == 0 && !store->listing;
        if (!native && !listed)
            continue;
        set_reason(&store->method, "none");
        set_reason(&store->reason,
                   native ? "incomplete its trust list did not come" : "incomplete its listing did not come");
        store->trusted_count = -1;
    }
}

gboolean receiver_finish(struct receiver *receiver, GError **error)
{
    gboolean ok = finish_cut_object(receiver, error);
    mark_incomplete_stores(receiver->host);
    return ok;
}
