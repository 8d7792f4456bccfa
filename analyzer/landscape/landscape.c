#include "landscape.h"

#include "alert.h"
#include "capture.h"
#include "certificate_worker.h"
#include "fetched.h"
#include "grouping.h"
#include "listing.h"
#include "moment.h"
#include "sap.h"
#include "trace_worker.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* What is read ahead, so that all workers have something to do.  The audit does not depend on it. */
#define HOSTS_AHEAD   64
#define STREAMS_AHEAD 128 /* each has two descriptors at most */

/* What one host's line becomes.  The tables live as long as that host is worked on. */

struct place { /* one PSE file */
    struct audit_store *store;
    struct audit_member *member;
};

struct work {
    struct landscape *landscape;
    const struct capture *capture;
    const struct capture_host *from;
    struct audit_host *host;
    struct zone *zone;     /* of the host; NULL: not known */
    GHashTable *webdisps;  /* set of paths of instances that have a trace of a Web Dispatcher */
    GHashTable *instances; /* path -> struct audit_instance * */
    GHashTable *paths;     /* path of a PSE -> struct place * */
    GHashTable *files;     /* instance and file name -> struct place *; NULL: there are several */
    GHashTable *inodes;    /* device and inode -> struct place * */
    GHashTable *groupings; /* struct audit_instance * -> struct grouping * */
    GPtrArray *streams;    /* of struct stream *, by their paths */
    guint submitted;       /* of them, those that are read or being read */
    GPtrArray *warnings;   /* of const char *: of the audit, when this host's turn has come */
    GPtrArray *failed;     /* of struct landscape_failed *, likewise */
};

static void warn(struct work *work, const char *path, const char *message)
{
    struct audit *audit = work->landscape->audit;
    g_ptr_array_add(work->warnings, (void *)audit_textf(audit, "%s: %s: %s", work->from->name, path, message));
}

/* The parser failed with the bytes of this file. */
static void add_failed(struct work *work, const char *path, const char *object, const char *why)
{
    struct audit *audit = work->landscape->audit;
    struct landscape_failed *failed = g_new0(struct landscape_failed, 1);

    failed->host = work->host;
    failed->path = audit_text(audit, path);
    failed->object = audit_text(audit, object);
    failed->why = audit_text(audit, why);
    g_ptr_array_add(work->failed, failed);
}

static const char *reason_of(struct audit *audit, const char *why)
{
    return audit_textf(audit, "could not be analyzed: %s", why);
}

static struct audit_instance *add_instance(struct work *work, const char *path, const char *sid, const char *name)
{
    struct audit *audit = work->landscape->audit;
    struct audit_instance *instance = audit_instance_new(audit);
    instance->host = work->host;
    instance->sid = audit_text(audit, sid);
    instance->name = audit_text(audit, name);
    instance->path = audit_text(audit, path);
    instance->kind = sap_instance_kind(sap_base_name(name));
    if (instance->kind == INSTANCE_OTHER && g_hash_table_contains(work->webdisps, path))
        instance->kind = INSTANCE_WEBDISP;
    g_ptr_array_add(work->host->instances, instance);
    g_hash_table_insert(work->instances, (void *)instance->path, instance);
    return instance;
}

/* What a folder is whose name does not tell, its trace does. */
static GHashTable *find_webdisps(const struct capture_host *from)
{
    GHashTable *webdisps = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < from->traces->len; i++) {
        const struct capture_trace *trace = from->traces->pdata[i];
        if (trace->instance && trace->path && g_str_has_prefix(sap_base_name(trace->path), "dev_webdisp"))
            g_hash_table_add(webdisps, trace->instance);
    }
    return webdisps;
}

/* The instance of a trace or a PSE; a capture that was cut off may have lost its line. */
static struct audit_instance *find_instance(struct work *work, const char *path)
{
    if (!path)
        path = "";
    struct audit_instance *instance = g_hash_table_lookup(work->instances, path);
    return instance ? instance : add_instance(work, path, NULL, sap_base_name(path));
}

static void add_instances(struct work *work)
{
    for (guint i = 0; i < work->from->instances->len; i++) {
        const struct capture_instance *from = work->from->instances->pdata[i];
        const char *path = from->path ? from->path : "";
        if (!g_hash_table_contains(work->instances, path))
            add_instance(work, path, from->sid, from->name ? from->name : sap_base_name(path));
    }
}

/* Trust lists.  Each distinct object is parsed once, however many hosts have it. */

struct reading {
    struct audit_list *list;
    enum audit_reading reading;
    const char *reason;
    char *why; /* the parser failed */
};

static void free_reading(void *data)
{
    struct reading *reading = data;
    g_free(reading->why);
    g_free(reading);
}

static void read_native(struct landscape *landscape, struct reading *result, GBytes *bytes)
{
    struct audit *audit = landscape->audit;
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);

    if (!pool_prepare(landscape->pool, data, size, &result->why))
        return;
    result->reading = READING_NATIVE;
    result->list = pool_add_list(landscape->pool, data, size);
    /* What could not be parsed may be just the certificate that is looked for. */
    if (result->list->refused > 0) {
        result->reading = READING_PARTLY;
        const struct audit_raw *raw = result->list->raws->len > 0 ? result->list->raws->pdata[0] : NULL;
        result->reason = raw ? audit_textf(audit,
                                           "%u certificates cannot be parsed, the first at byte %" PRId64
                                           " (SHA-256 of its bytes %s)",
                                           result->list->refused, raw->offset, raw->sha256)
                             : audit_textf(audit, "%u certificates cannot be parsed", result->list->refused);
    }
}

static void read_listing(struct landscape *landscape, struct reading *result, GBytes *bytes, int64_t status)
{
    struct listing *listing = certificate_worker_read_listing(landscape->workers, bytes, &result->why);

    if (listing)
        result->list = pool_add_parsed(landscape->pool, listing, status, &result->reading, &result->reason);
    listing_free(listing);
}

static const struct reading *read_list(struct work *work, const char *object, gboolean native, int64_t status)
{
    struct landscape *landscape = work->landscape;
    g_autofree char *key = native ? g_strdup(object) : g_strdup_printf("%s %" PRId64, object, status);
    struct reading *result = g_hash_table_lookup(landscape->lists, key);
    if (result)
        return result;

    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = capture_load(work->capture, object, CERTIFICATE_LIST_BYTES, &error);
    result = g_new0(struct reading, 1);
    result->reading = READING_NONE;
    if (!bytes)
        result->reason = audit_textf(landscape->audit, "lost %s", error->message);
    else if (native)
        read_native(landscape, result, bytes);
    else
        read_listing(landscape, result, bytes, status);
    if (result->why)
        result->reason = reason_of(landscape->audit, result->why);
    g_hash_table_insert(landscape->lists, g_steal_pointer(&key), result);
    return result;
}

struct own { /* an own certificate that was read */
    struct audit_cert *cert;
    char *why; /* the parser failed */
};

static void free_own(void *data)
{
    struct own *own = data;
    g_free(own->why);
    g_free(own);
}

static struct audit_cert *read_own(struct work *work, const char *path, const char *object)
{
    struct landscape *landscape = work->landscape;
    struct own *own = g_hash_table_lookup(landscape->own, object);

    if (!own) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) bytes = capture_load(work->capture, object, CERTIFICATE_BYTES, &error);
        gsize size = 0;
        const void *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;
        own = g_new0(struct own, 1);
        if (bytes && pool_prepare(landscape->pool, data, size, &own->why))
            own->cert = pool_add_der(landscape->pool, data, size, NULL);
        if (!own->cert && !own->why)
            warn(work, path, error ? error->message : "the own certificate cannot be parsed");
        g_hash_table_insert(landscape->own, g_strdup(object), own);
    }
    if (own->why)
        add_failed(work, path, object, own->why);
    return own->cert;
}

static void fill_member(struct work *work, struct audit_member *member, const struct capture_store *from)
{
    struct audit *audit = work->landscape->audit;
    const char *method = from->method ? from->method : "none";
    gboolean native = strcmp(method, "native") == 0;
    const struct reading *result = NULL;

    member->owner = audit_text(audit, from->owner);
    member->mode = audit_text(audit, from->mode);
    member->modified = from->modified >= 0 ? from->modified : MOMENT_NONE;
    member->reading = READING_NONE;
    if (native && from->trusted)
        result = read_list(work, from->trusted, TRUE, 0);
    else if (strcmp(method, "sapgenpse") == 0 && from->listing)
        result = read_list(work, from->listing, FALSE, from->listing_status);
    if (result) {
        member->list = result->list;
        member->reading = result->list ? result->reading : READING_NONE;
        member->reason = result->reason;
        if (member->reason && g_str_has_prefix(member->reason, "lost "))
            warn(work, member->path, member->reason + strlen("lost "));
        if (result->why)
            add_failed(work, member->path, from->trusted && native ? from->trusted : from->listing, result->why);
    }
    /* What sapgenpse said says more than that it said no list. */
    if (!result && from->listing && strcmp(method, "none") == 0) {
        const struct reading *refusal = read_list(work, from->listing, FALSE, from->listing_status);
        if (refusal->reading == READING_NONE)
            member->reason = refusal->reason;
    }
    if (!member->list && !member->reason)
        member->reason = from->reason ? audit_text(audit, from->reason) : "incomplete";
    if (from->own)
        member->own = read_own(work, member->path, from->own);
}

/* Trust stores. */

static gboolean is_distributed(const struct audit_instance *instance, const char *path)
{
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *sec = g_build_filename(instance->path, "sec", NULL);
    return instance->kind == INSTANCE_ABAP && instance->sid && strcmp(folder, sec) == 0;
}

static struct audit_store *add_store(struct work *work, const struct audit_instance *instance, const char *path)
{
    struct audit *audit = work->landscape->audit;
    const char *file = sap_base_name(path);
    gboolean system = is_distributed(instance, path);
    const char *label = system ? audit_textf(audit, "%s %s", instance->sid, file)
                               : audit_textf(audit, "%s %s %s", work->host->name, instance->name, file);
    struct audit_store *store = system ? g_hash_table_lookup(work->landscape->systems, label) : NULL;
    if (store)
        return store;
    store = audit_store_new(audit);
    store->label = label;
    store->sid = instance->sid;
    store->file = audit_text(audit, file);
    g_autofree char *role = sap_pse_role(file);
    store->role = audit_text(audit, role);
    store->kind = instance->kind;
    g_ptr_array_add(audit->stores, store);
    if (system)
        g_hash_table_insert(work->landscape->systems, (void *)label, store);
    return store;
}

static char *file_key(const struct audit_instance *instance, const char *path)
{
    return g_strconcat(instance->path, "\n", sap_base_name(path), NULL);
}

static void index_place(struct work *work, struct place *place)
{
    const struct audit_instance *instance = place->member->instance;
    char *key = file_key(instance, place->member->path);
    /* Where an instance has several files of one name its name alone tells nothing. */
    gboolean first = !g_hash_table_contains(work->files, key);
    g_hash_table_insert(work->files, key, first ? place : NULL);
}

static void add_stores(struct work *work)
{
    struct audit *audit = work->landscape->audit;

    for (guint i = 0; i < work->from->stores->len; i++) {
        const struct capture_store *from = work->from->stores->pdata[i];
        const char *path = from->path;
        if (!path || g_hash_table_contains(work->paths, path))
            continue;
        g_autofree char *inode = g_strdup_printf("%" PRId64 ":%" PRId64, from->device, from->inode);
        struct place *place = from->inode > 0 ? g_hash_table_lookup(work->inodes, inode) : NULL;
        if (place) { /* the same file by another path */
            g_hash_table_insert(work->paths, g_strdup(path), g_memdup2(place, sizeof *place));
            continue;
        }
        struct audit_instance *instance = find_instance(work, from->instance);
        place = g_new0(struct place, 1);
        place->store = add_store(work, instance, path);
        place->member = audit_member_new(audit);
        place->member->instance = instance;
        place->member->path = audit_text(audit, path);
        fill_member(work, place->member, from);
        g_ptr_array_add(place->store->members, place->member);
        g_hash_table_insert(work->paths, g_strdup(path), place);
        g_hash_table_insert(work->inodes, g_steal_pointer(&inode), place);
        index_place(work, place);
    }
}

/* Stores that stand for themselves get their path into the label where it alone would not be unique. */
static void make_labels_unique(struct audit *audit)
{
    g_autoptr(GHashTable) first = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) twice = g_ptr_array_new();

    for (guint i = 0; i < audit->stores->len; i++) {
        struct audit_store *store = audit->stores->pdata[i];
        struct audit_store *other = g_hash_table_lookup(first, store->label);
        if (!other) {
            g_hash_table_insert(first, (void *)store->label, store);
            continue;
        }
        g_ptr_array_add(twice, store);
        g_ptr_array_add(twice, other);
    }
    for (guint i = 0; i < twice->len; i++) {
        struct audit_store *store = twice->pdata[i];
        const struct audit_member *member = store->members->pdata[0];
        g_autofree char *plain =
            g_strdup_printf("%s %s %s", member->instance->host->name, member->instance->name, store->file);
        if (strcmp(plain, store->label) == 0)
            store->label = audit_textf(audit, "%s (%s)", plain, member->path);
    }
}

/* Traces. */

struct stream {                           /* a trace and its older part */
    char *path;                           /* of the current one */
    const struct capture_trace *parts[2]; /* the older one first; NULL: not there */
    struct work *work;
    struct grouping *into;  /* of its instance */
    struct grouping *apart; /* what is taken of it */
    unsigned number;        /* of the trace, in its instance */
    unsigned count;         /* pieces that are read */
    const struct capture_trace *froms[2];
    struct audit_trace *files[2];
    struct grouping_part quoted[2];
    struct trace_worker_task *task; /* NULL: not being read */
};

static void stream_free(void *data)
{
    struct stream *stream = data;
    grouping_free(stream->apart);
    g_free(stream->path);
    g_free(stream);
}

static GHashTable *find_streams(const struct capture_host *from)
{
    GHashTable *streams = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < from->traces->len; i++) {
        const struct capture_trace *trace = from->traces->pdata[i];
        if (!trace->path)
            continue;
        gboolean old = g_str_has_suffix(trace->path, ".old");
        g_autofree char *path = g_strndup(trace->path, strlen(trace->path) - (old ? strlen(".old") : 0));
        struct stream *stream = g_hash_table_lookup(streams, path);
        if (!stream) {
            stream = g_new0(struct stream, 1);
            stream->path = g_steal_pointer(&path);
            g_hash_table_insert(streams, stream->path, stream);
        }
        stream->parts[old ? 0 : 1] = trace;
    }
    return streams;
}

static struct audit_trace *add_trace(struct work *work, const struct capture_trace *from)
{
    struct audit *audit = work->landscape->audit;
    struct audit_trace *trace = audit_trace_new(audit);
    trace->path = audit_text(audit, from->path);
    trace->object = audit_text(audit, from->object);
    trace->reason = audit_text(audit, from->reason);
    trace->size_bytes = from->size_bytes;
    trace->from_byte = from->from_byte;
    trace->modified = from->modified >= 0 ? from->modified : MOMENT_NONE;
    g_ptr_array_add(find_instance(work, from->instance)->traces, trace);
    return trace;
}

static int open_trace(struct work *work, const struct capture_trace *from, struct audit_trace *trace)
{
    g_autoptr(GError) error = NULL;
    int file = capture_open_object(work->capture, from->object, LANDSCAPE_TRACE_BYTES, &error);
    if (file < 0) {
        warn(work, from->path, error->message);
        trace->object = NULL;
        trace->reason = audit_text(work->landscape->audit, "lost");
    }
    return file;
}

/* What to do about a trace that the probe or the collector refused; NULL: the reason says it. */
static const char *advice_of(const char *reason)
{
    static const struct {
        const char *word, *advice;
    } rows[] = {
        {CAPTURE_PRIVATE_KEY,
         "what the host sent contained a private key and was thrown away. Find out what the file is "
         "and who put it there"},
        {CAPTURE_DISK_BUDGET, "free space on the collecting machine, or raise --disk-budget"},
        {"link", "the file is a link that leads out of its instance. Find out who put it there"},
        {"wrong-owner", "the file belongs to a user other than the owner of its instance. Find out who put it there"},
        {"not-a-trace", "the file doesn't begin as a trace. Find out what it is"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_strcmp0(reason, rows[i].word) == 0)
            return rows[i].advice;
    return NULL;
}

static void warn_unread(struct work *work, const struct capture_trace *from)
{
    const char *advice = advice_of(from->reason);
    g_autofree char *message =
        g_strdup_printf("this trace was not read (%s), so failures in it are not known%s%s",
                        from->reason ? from->reason : "no reason given", advice ? ": " : "", advice ? advice : "");
    warn(work, from->path, message);
}

/* What is missing at the end of a file may hold failures. */
static void note_end(struct work *work, const struct capture_trace *from, struct audit_trace *file, int fd)
{
    g_autofree char *message = NULL;
    struct stat status;
    int64_t end = MAX(from->from_byte, 0) + (fstat(fd, &status) == 0 ? status.st_size : 0);

    if (from->moved) {
        file->reason = "changed";
        message = g_strdup("was rotated or shortened while it was read, so its end may be missing");
    } else if (from->size_bytes > end) {
        file->reason = "incomplete";
        message = g_strdup_printf("only %" PRId64 " of %" PRId64 " bytes are in the capture: its end is missing", end,
                                  from->size_bytes);
    }
    if (message)
        warn(work, from->path, message);
}

/* The last header that was seen is that of the last part that has one. */
static void set_release(struct audit *audit, struct audit_trace **files, unsigned count, const char *release)
{
    while (count-- > 0)
        if (files[count]->level >= 0) {
            files[count]->release = audit_text(audit, release);
            return;
        }
}

static void take_failure(void *data, const struct trace_failure *failure)
{
    struct stream *stream = data;
    grouping_take(stream->apart, failure, stream->quoted);
}

static void take_shown(void *data, const void *der, size_t size, struct certificate *certificate)
{
    struct stream *stream = data;
    g_autofree char *sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, der, size);
    pool_know(stream->work->landscape->pool, sha256, certificate);
}

/* Nothing of what was taken counts. */
static void take_again(void *data)
{
    struct stream *stream = data;
    grouping_free(stream->apart);
    stream->apart = grouping_apart(stream->into, stream->number);
    for (unsigned i = 0; i < stream->count; i++)
        stream->files[i]->failures = 0;
}

static void submit_pieces(struct stream *stream, const struct trace_worker_piece *pieces, unsigned count)
{
    static const struct trace_worker_reader reader = {take_failure, take_shown, take_again};

    stream->count = count;
    stream->apart = grouping_apart(stream->into, stream->number);
    stream->task = trace_worker_submit(stream->work->landscape->workers, pieces, count, &reader, stream);
}

/* The parts of one trace as one stream, since a rotation may split a block. */
static void submit_stream(struct work *work, struct stream *stream)
{
    unsigned count = 0;
    struct trace_worker_piece pieces[2];

    for (int i = 0; i < 2; i++) {
        const struct capture_trace *from = stream->parts[i];
        if (!from)
            continue;
        struct audit_trace *file = add_trace(work, from);
        /* A rotation between the two readings makes them the same file; it counts once. */
        const struct capture_trace *other = stream->parts[1];
        if (i == 0 && other && from->object && g_strcmp0(from->object, other->object) == 0)
            continue;
        if (!from->object)
            warn_unread(work, from);
        int fd = from->object ? open_trace(work, from, file) : -1;
        if (fd < 0)
            continue;
        note_end(work, from, file, fd);
        pieces[count] = (struct trace_worker_piece){fd, from->from_byte, from->moved, file->reason != NULL};
        stream->quoted[count] = (struct grouping_part){file->path, file->object, file};
        stream->froms[count] = from;
        stream->files[count++] = file;
    }
    if (count > 0)
        submit_pieces(stream, pieces, count);
}

static void give_up_piece(struct work *work, struct stream *stream, unsigned i, const char *why)
{
    struct audit_trace *file = stream->files[i];
    add_failed(work, file->path, file->object, why);
    file->object = NULL;
    file->reason = reason_of(work->landscape->audit, why);
}

/* What was told of a trace counts. */
static void keep_stream(struct work *work, struct stream *stream, const struct trace_worker_trace *told)
{
    for (unsigned i = 0; i < stream->count; i++) {
        stream->files[i]->level = told->levels[i];
        stream->files[i]->first = zone_utc(work->zone, told->firsts[i]);
        stream->files[i]->last = zone_utc(work->zone, told->lasts[i]);
    }
    set_release(work->landscape->audit, stream->files, stream->count, told->release);
    if (told->seen) {
        g_autofree char *text = g_strdup_printf("%s; it was not understood as a trace, so it does not show whether "
                                                "connections failed",
                                                told->seen);
        warn(work, stream->path, text);
    } else if (told->binary) {
        warn(work, stream->path, "has binary data in it");
    }
    for (unsigned i = 0; i < stream->count; i++)
        if (told->binary || told->seen)
            stream->files[i]->reason = "no-text";
    grouping_join(stream->into, stream->apart, told->prefixed);
}

/* Have the traces before the one with this number read. */
static void submit_streams(struct work *work, guint end)
{
    for (end = MIN(end, work->streams->len); work->submitted < end; work->submitted++)
        submit_stream(work, work->streams->pdata[work->submitted]);
}

/* Which of the two parts the parser fails with is seen when it reads each alone. */
static struct stream *read_alone(struct work *work, struct stream *whole, unsigned i)
{
    struct stream *stream = g_new0(struct stream, 1);
    int file = open_trace(work, whole->froms[i], whole->files[i]);

    stream->path = g_strdup(whole->path);
    stream->work = work;
    stream->into = whole->into;
    stream->number = whole->number;
    stream->froms[0] = whole->froms[i];
    stream->files[0] = whole->files[i];
    stream->quoted[0] = whole->quoted[i];
    if (file >= 0)
        submit_pieces(stream,
                      &(const struct trace_worker_piece){file, stream->froms[0]->from_byte, stream->froms[0]->moved,
                                                         whole->files[i]->reason != NULL},
                      1);
    return stream;
}

static void part_stream(struct work *work, struct stream *whole, const char *why)
{
    struct stream *alone[2] = {read_alone(work, whole, 0), read_alone(work, whole, 1)};
    struct trace_worker_trace told[2] = {0};
    char *whys[2] = {NULL, NULL};
    gboolean read[2];

    for (unsigned i = 0; i < 2; i++)
        read[i] = alone[i]->task && trace_worker_finish(alone[i]->task, &told[i], &whys[i]);
    for (unsigned i = 0; i < 2; i++) {
        if (read[i] && !read[1 - i])
            keep_stream(work, alone[i], &told[i]);
        else
            give_up_piece(work, whole, i, whys[i] ? whys[i] : why);
    }
    for (unsigned i = 0; i < 2; i++) {
        trace_worker_clear(&told[i]);
        g_free(whys[i]);
        stream_free(alone[i]);
    }
}

static void finish_stream(struct work *work, struct stream *stream)
{
    struct trace_worker_trace told;
    g_autofree char *why = NULL;

    if (!stream->task)
        return;
    if (trace_worker_finish(stream->task, &told, &why)) {
        keep_stream(work, stream, &told);
        trace_worker_clear(&told);
        return;
    }
    take_again(stream);
    if (stream->count == 1)
        give_up_piece(work, stream, 0, why);
    else
        part_stream(work, stream, why);
}

static struct place *find_place(struct work *work, const struct audit_failure *failure)
{
    struct place *place = g_hash_table_lookup(work->paths, failure->store_path);
    if (place)
        return place;
    g_autofree char *key = file_key(failure->instance, failure->store_path);
    return g_hash_table_lookup(work->files, key);
}

/* Alerts about our own certificate: which one it is, until when it is valid, and who has issued it. */
static void add_own(struct audit *audit, struct audit_failure *failure, const struct audit_member *member)
{
    const struct alert *alert = failure->alert > 0 ? alert_find(failure->alert) : NULL;
    const struct audit_cert *own = member->own;
    int64_t when = failure->last != MOMENT_NONE ? failure->last : member->instance->host->collected;
    char day[MOMENT_TEXT_BYTES];

    if (!alert || !alert->certificate || !own || !failure->advice)
        return;
    const char *file = sap_base_name(member->path);
    if (!alert->own) { /* none was sent */
        failure->advice = audit_textf(audit,
                                      "%s %s has an own certificate, %s, issued by %s: it was not sent, so the peer "
                                      "probably does not ask for one of this issuer.",
                                      failure->advice, file, own->subject, own->issuer);
        return;
    }
    failure->advice = audit_textf(audit, "%s The certificate in %s, %s, issued by %s", failure->advice, file,
                                  own->subject, own->issuer);
    if (own->not_after != MOMENT_NONE)
        failure->advice = audit_textf(audit, "%s, %s %.10s.", failure->advice,
                                      when != MOMENT_NONE && own->not_after < when ? "expired on" : "is valid until",
                                      moment_format(day, own->not_after));
    else
        failure->advice = audit_textf(audit, "%s; its end is not known.", failure->advice);
}

static void match_stores(struct work *work, guint first)
{
    struct landscape *landscape = work->landscape;
    for (guint i = first; i < landscape->audit->failures->len; i++) {
        struct audit_failure *failure = landscape->audit->failures->pdata[i];
        struct place *place = failure->store_path ? find_place(work, failure) : NULL;
        if (!place)
            continue;
        failure->store = place->store;
        g_hash_table_insert(landscape->members, failure, place->member);
        add_own(landscape->audit, failure, place->member);
    }
}

/* Where the file that a trace names was not found on its host, STRUST still makes it the same in the whole system. */
void landscape_match(struct landscape *landscape)
{
    for (guint i = 0; i < landscape->audit->stores->len; i++) {
        struct audit_store *store = landscape->audit->stores->pdata[i];
        g_autofree char *label = store->sid ? g_strdup_printf("%s %s", store->sid, store->file) : NULL;
        if (label && store->kind == INSTANCE_ABAP && g_str_equal(label, store->label))
            g_hash_table_insert(landscape->systems, (void *)store->label, store);
    }
    for (guint i = 0; i < landscape->audit->failures->len; i++) {
        struct audit_failure *failure = landscape->audit->failures->pdata[i];
        const struct audit_instance *instance = failure->instance;
        if (failure->store || !failure->store_path || instance->kind != INSTANCE_ABAP || !instance->sid)
            continue;
        g_autofree char *label = g_strdup_printf("%s %s", instance->sid, sap_base_name(failure->store_path));
        failure->store = g_hash_table_lookup(landscape->systems, label);
    }
}

static GPtrArray *sorted_values(GHashTable *table, GCompareFunc compare)
{
    GPtrArray *values = g_ptr_array_new();
    GHashTableIter iter;
    void *value;
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(values, value);
    g_ptr_array_sort(values, compare);
    return values;
}

static int compare_streams(const void *a, const void *b)
{
    const struct stream *left = *(struct stream *const *)a, *right = *(struct stream *const *)b;
    return strcmp(left->path, right->path);
}

static void warn_dropped(struct work *work, const struct audit_instance *instance, const struct grouping *grouping)
{
    uint64_t dropped = grouping_dropped(grouping);
    if (dropped == 0)
        return;
    g_autofree char *message =
        g_strdup_printf("more than %d different failures in its traces; %" PRIu64 " connections are left out",
                        GROUPING_ENTRIES, dropped);
    warn(work, instance->path, message);
}

/* Find the traces of the host; none is read yet. */
static void find_traces(struct work *work)
{
    struct audit *audit = work->landscape->audit;
    g_autoptr(GHashTable) streams = find_streams(work->from);
    g_autoptr(GHashTable) numbers = g_hash_table_new(NULL, NULL);

    work->streams = sorted_values(streams, compare_streams);
    g_ptr_array_set_free_func(work->streams, stream_free);
    for (guint i = 0; i < work->streams->len; i++) {
        struct stream *stream = work->streams->pdata[i];
        const struct capture_trace *any = stream->parts[1] ? stream->parts[1] : stream->parts[0];
        struct audit_instance *instance = find_instance(work, any->instance);
        unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(numbers, instance));
        stream->work = work;
        stream->number = number;
        g_hash_table_insert(numbers, instance, GUINT_TO_POINTER(number + 1));
        stream->into = g_hash_table_lookup(work->groupings, instance);
        if (!stream->into) {
            stream->into = grouping_new(audit, instance, work->zone, work->landscape->pool);
            g_hash_table_insert(work->groupings, instance, stream->into);
        }
    }
}

static void add_traces(struct work *work)
{
    GHashTableIter iter;
    void *key, *value;

    for (guint i = 0; i < work->streams->len; i++) {
        submit_streams(work, i + STREAMS_AHEAD);
        finish_stream(work, work->streams->pdata[i]);
    }
    g_hash_table_iter_init(&iter, work->groupings);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        grouping_finish(value);
        warn_dropped(work, key, value);
    }
}

/* What peers sent when they were asked. */

/* No trouble of the host: said where its notes are. */
static void note_unshown(struct work *work, const struct capture_chain *from, const char *peer)
{
    struct audit *audit = work->landscape->audit;
    const char *note =
        audit_textf(audit, "%s port %" PRId64 " was asked and showed no certificates: %s", peer, from->port,
                    from->message  ? from->message
                    : from->reason ? from->reason
                                   : "no reason given");
    g_ptr_array_add(work->host->notes, (char *)note);
}

static void add_chains(struct work *work)
{
    struct landscape *landscape = work->landscape;

    for (guint i = 0; i < work->from->chains->len; i++) {
        const struct capture_chain *from = work->from->chains->pdata[i];
        const char *peer = from->target ? from->target : from->address;
        if (!peer)
            continue;
        if (!from->object) {
            note_unshown(work, from, peer);
            continue;
        }
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) bytes = capture_load(work->capture, from->object, FETCHED_BYTES, &error);
        g_autofree char *why = NULL;
        if (bytes && !pool_prepare(landscape->pool, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), &why)) {
            g_autofree char *path = g_strdup_printf("the certificates of %s port %" PRId64, peer, from->port);
            add_failed(work, path, from->object, why);
            continue;
        }
        if (!bytes || !fetched_add(landscape->fetched, work->host, from, bytes))
            warn(work, peer, error ? error->message : "what it sent when it was asked are no certificates");
    }
}

/* Hosts. */

static enum audit_host_status host_status(enum capture_status status)
{
    switch (status) {
    case CAPTURE_COLLECTED:
        return HOST_COLLECTED;
    case CAPTURE_PARTIAL:
        return HOST_PARTIAL;
    default:
        return HOST_FAILED;
    }
}

/* What a collector says itself by now; a capture of an earlier one may call such a host collected. */
static void judge_collected(struct audit *audit, struct audit_host *host, const struct capture_host *from)
{
    gboolean of_files = TRUE;
    g_autofree char *unread = capture_unread(from, &of_files);

    if (from->instances->len + from->stores->len + from->traces->len == 0) {
        const char *why = from->notes->len > 0 ? from->notes->pdata[0] : "no instance was found";
        host->reason = CAPTURE_NO_INSTANCE;
        host->message = audit_textf(audit, "nothing was found to look at: %s", why);
    } else if (!of_files) {
        host->reason = CAPTURE_UNREAD;
        host->message = audit_text(audit, unread);
    } else {
        return;
    }
    host->status = HOST_PARTIAL;
}

static struct audit_host *new_host(struct audit *audit, const struct capture_host *from)
{
    struct audit_host *host = audit_host_new(audit);
    host->name = audit_text(audit, from->name);
    host->status = host_status(from->status);
    host->reason = audit_text(audit, from->reason);
    host->message = audit_text(audit, from->message);
    if (host->status == HOST_COLLECTED)
        judge_collected(audit, host, from);
    host->tier = audit_text(audit, from->tier);
    host->owner = audit_text(audit, from->owner);
    for (guint i = 0; i < from->groups->len; i++)
        g_ptr_array_add(host->groups, (void *)audit_text(audit, from->groups->pdata[i]));
    host->collected = from->finished;
    host->zone = audit_text(audit, from->zone);
    host->zone_offset_s = from->zone_offset_s;
    host->system = audit_text(audit, from->system);
    for (guint i = 0; i < from->notes->len; i++)
        g_ptr_array_add(host->notes, (void *)audit_text(audit, from->notes->pdata[i]));
    host->tools_trusted = from->tools_trusted;
    g_ptr_array_add(audit->hosts, host);
    return host;
}

static void free_work(void *data)
{
    struct work *work = data;
    g_hash_table_unref(work->webdisps);
    g_hash_table_unref(work->instances);
    g_hash_table_unref(work->files);
    g_hash_table_unref(work->inodes);
    g_hash_table_unref(work->paths);
    g_ptr_array_unref(work->streams);
    g_hash_table_unref(work->groupings);
    g_ptr_array_unref(work->warnings);
    g_ptr_array_unref(work->failed);
    zone_free(work->zone);
    g_free(work);
}

static struct work *begin_host(struct landscape *landscape, const struct capture *capture,
                               const struct capture_host *from)
{
    struct work *work = g_new0(struct work, 1);
    *work = (struct work){
        .landscape = landscape,
        .capture = capture,
        .from = from,
        .host = new_host(landscape->audit, from),
        .zone = zone_new(from->zone_rule, from->zone_offset_s, from->clock),
        .webdisps = find_webdisps(from),
        .instances = g_hash_table_new(g_str_hash, g_str_equal),
        .paths = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
        .files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .inodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .groupings = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)grouping_free),
        .warnings = g_ptr_array_new(),
        .failed = g_ptr_array_new(),
    };
    add_instances(work);
    find_traces(work);
    return work;
}

static void end_host(struct work *work)
{
    struct landscape *landscape = work->landscape;
    guint first = landscape->audit->failures->len;

    add_stores(work);
    add_traces(work);
    add_chains(work);
    match_stores(work, first);
    g_ptr_array_extend(landscape->audit->warnings, work->warnings, NULL, NULL);
    g_ptr_array_extend(landscape->failed, work->failed, NULL, NULL);
}

/* All captures. */

struct source { /* the line of a host that counts */
    const struct capture *capture;
    struct capture_host *host;
};

static int compare_sources(const void *a, const void *b)
{
    const struct source *left = *(struct source *const *)a, *right = *(struct source *const *)b;
    return strcmp(left->host->name, right->host->name);
}

static void choose_hosts(GHashTable *chosen, const struct capture *capture)
{
    for (guint i = 0; i < capture->hosts->len; i++) {
        struct capture_host *host = capture->hosts->pdata[i];
        const struct source *other = g_hash_table_lookup(chosen, host->name);
        if (other && other->host->finished > host->finished)
            continue;
        struct source *source = g_new(struct source, 1);
        *source = (struct source){capture, host};
        g_hash_table_replace(chosen, host->name, source);
    }
}

gboolean landscape_leaves_out(const struct landscape *landscape, const char *host)
{
    return landscape->left_out_blind || g_hash_table_contains(landscape->left_out, host);
}

/* The traces of the next hosts are being read while one after the other is worked on. */
static void add_hosts(struct landscape *landscape, const GPtrArray *sources)
{
    g_autoptr(GQueue) begun = g_queue_new();
    guint next = 0, ahead = 0; /* hosts that were begun, traces of them that are being read */

    for (guint i = 0; i < sources->len; i++) {
        while (next <= i || (next < sources->len && next < i + HOSTS_AHEAD && ahead < STREAMS_AHEAD)) {
            const struct source *source = sources->pdata[next++];
            struct work *work = begin_host(landscape, source->capture, source->host);
            submit_streams(work, ahead < STREAMS_AHEAD ? STREAMS_AHEAD - ahead : 0);
            ahead += work->submitted;
            g_queue_push_tail(begun, work);
        }
        struct work *work = g_queue_pop_head(begun);
        ahead -= work->submitted;
        end_host(work);
        capture_host_empty(((const struct source *)sources->pdata[i])->host);
        free_work(work);
    }
}

static void note_capture(struct audit *audit, const struct capture *capture)
{
    struct audit_capture *note = audit_capture_new(audit);
    note->program = audit_text(audit, capture->header.program);
    note->started = capture->header.started;
    note->inventory_sha256 = audit_text(audit, capture->header.inventory_sha256);
    note->torn = capture->torn;
    g_ptr_array_add(audit->captures, note);
    for (guint i = 0; i < capture->warnings->len; i++)
        g_ptr_array_add(audit->warnings, (void *)audit_text(audit, capture->warnings->pdata[i]));
}

/* Hosts that a limited run left out and that no other capture has either. */
static void note_limit(struct landscape *landscape, const struct capture_header *header, GHashTable *chosen,
                       struct audit_capture *note)
{
    const char *limit = audit_text(landscape->audit, header->limit);

    if (!header->left_out) {
        landscape->left_out_blind = TRUE;
        note->limit = limit;
    }
    for (guint i = 0; header->left_out && i < header->left_out->len; i++) {
        const char *host = audit_text(landscape->audit, header->left_out->pdata[i]);
        if (g_hash_table_contains(chosen, host))
            continue;
        g_hash_table_add(landscape->left_out, (void *)host);
        note->limit = limit;
        note->left_out++;
    }
}

static void note_limits(struct landscape *landscape, const GPtrArray *captures, GHashTable *chosen)
{
    for (guint i = 0; i < captures->len; i++) {
        const struct capture *capture = captures->pdata[i];
        if (capture->header.limit)
            note_limit(landscape, &capture->header, chosen, landscape->audit->captures->pdata[i]);
    }
}

gboolean landscape_add(struct landscape *landscape, const char *const *captures, GError **error)
{
    g_autoptr(GPtrArray) opened = g_ptr_array_new_with_free_func((GDestroyNotify)capture_free);
    g_autoptr(GHashTable) chosen = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);

    for (size_t i = 0; captures[i]; i++) {
        struct capture *capture = capture_open(captures[i], error);
        if (!capture)
            return FALSE;
        g_ptr_array_add(opened, capture);
        note_capture(landscape->audit, capture);
        choose_hosts(chosen, capture);
    }
    note_limits(landscape, opened, chosen);
    /* In the order of their names, so that nothing depends on which host was finished first. */
    g_autoptr(GPtrArray) sources = sorted_values(chosen, compare_sources);
    add_hosts(landscape, sources);
    landscape_match(landscape);
    make_labels_unique(landscape->audit);
    return TRUE;
}

struct landscape *landscape_new(struct audit *audit)
{
    struct landscape *landscape = g_new0(struct landscape, 1);
    landscape->audit = audit;
    landscape->pool = pool_new(audit);
    landscape->members = g_hash_table_new(NULL, NULL);
    landscape->systems = g_hash_table_new(g_str_hash, g_str_equal);
    landscape->lists = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_reading);
    landscape->own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_own);
    landscape->fetched = fetched_new(landscape->audit, landscape->pool);
    landscape->left_out = g_hash_table_new(g_str_hash, g_str_equal);
    landscape->failed = g_ptr_array_new_with_free_func(g_free);
    return landscape;
}

void landscape_use(struct landscape *landscape, struct workers *workers)
{
    landscape->workers = workers;
    pool_use(landscape->pool, workers);
}

void landscape_free(struct landscape *landscape)
{
    if (!landscape)
        return;
    pool_free(landscape->pool);
    g_hash_table_unref(landscape->members);
    g_hash_table_unref(landscape->systems);
    g_hash_table_unref(landscape->lists);
    g_hash_table_unref(landscape->own);
    fetched_free(landscape->fetched);
    g_hash_table_unref(landscape->left_out);
    g_ptr_array_unref(landscape->failed);
    g_free(landscape);
}
