#include "shard.h"

#include "chain.h"
#include "channel.h"
#include "clock.h"
#include "collector.h"
#include "error.h"
#include "guard.h"
#include "journal.h"
#include "means.h"
#include "order.h"
#include "service.h"
#include "session.h"
#include "workers.h"

#include <errno.h>
#include <libssh2.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)64 * 1024)

struct shard {
    uv_loop_t loop;
    struct channel *channel;
    struct clock clock;
    struct session_means means;
    GHashTable *hosts; /* number -> struct work *, of those in work */
    gboolean has_means;
    gboolean parent_full, socket_full; /* why hosts are not read from */
    int64_t held_ms;                   /* since when they are not */
    gboolean failed;
};

/* A host in work. */
struct work {
    struct shard *shard;
    uint32_t number;
    struct order *order;
    struct service service;
    struct sink sink;
    struct session *session;
    uint32_t objects; /* that were begun */
};

struct work_object {
    struct work *work;
    uint32_t number;
};

static void free_work(void *data)
{
    struct work *work = data;

    service_clear(&work->service);
    order_free(work->order);
    g_free(work);
}

/* The pace: nothing is read from hosts as long as the parent cannot take it. */

static void set_pace(struct shard *shard)
{
    gboolean held = shard->parent_full || shard->socket_full;
    GHashTableIter iter;
    void *work;

    if (held == shard->means.held)
        return;
    shard->means.held = held;
    if (held) {
        shard->held_ms = clock_ms(&shard->clock);
        return;
    }
    int64_t passed_ms = clock_ms(&shard->clock) - shard->held_ms;
    g_hash_table_iter_init(&iter, shard->hosts);
    while (g_hash_table_iter_next(&iter, NULL, &work))
        session_release(((struct work *)work)->session, passed_ms);
}

static void look_at_socket(struct shard *shard)
{
    shard->socket_full = channel_pending(shard->channel) >= CHANNEL_FULL_BYTES;
    set_pace(shard);
}

static void on_drained(void *context)
{
    look_at_socket(context);
}

/* Objects. */

static void say_object(struct work *work, enum message_kind kind, uint32_t number)
{
    wire_append_u32(channel_begin(work->shard->channel, kind, work->number), number);
    channel_end_lazily(work->shard->channel); /* the line will follow */
}

static void *begin_object(void *context, GError **error)
{
    struct work *work = context;

    if (work->objects == GUARD_OBJECTS) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "more than %d objects of one host", GUARD_OBJECTS);
        return NULL;
    }
    struct work_object *object = g_new0(struct work_object, 1);
    object->work = work;
    object->number = ++work->objects;
    say_object(work, MESSAGE_OBJECT, object->number);
    return object;
}

static gboolean add_bytes(void *data, const void *bytes, size_t size, GError **error)
{
    const struct work_object *object = data;
    struct shard *shard = object->work->shard;
    const uint8_t *at = bytes;
    (void)error;

    while (size > 0) {
        size_t piece = MIN(size, MESSAGE_PIECE_BYTES);
        GByteArray *message = channel_begin(shard->channel, MESSAGE_BYTES, object->work->number);
        wire_append_u32(message, object->number);
        g_byte_array_append(message, at, (guint)piece);
        channel_end_lazily(shard->channel);
        at += piece;
        size -= piece;
    }
    look_at_socket(shard);
    return TRUE;
}

static char *finish_object(void *data, GError **error)
{
    g_autofree struct work_object *object = data;
    (void)error;

    say_object(object->work, MESSAGE_FINISH, object->number);
    return guard_name_object(object->number);
}

static void drop_object(void *data)
{
    g_autofree struct work_object *object = data;

    say_object(object->work, MESSAGE_DROP, object->number);
}

/* Hosts. */

static struct work *find_work(struct shard *shard, const struct session *session)
{
    GHashTableIter iter;
    void *work;

    g_hash_table_iter_init(&iter, shard->hosts);
    while (g_hash_table_iter_next(&iter, NULL, &work))
        if (((struct work *)work)->session == session)
            return work;
    g_assert_not_reached();
}

/* One that is too long for the journal is too long for the parent, which says so in its place. */
static char *print_line(const struct capture_host *host)
{
    g_autoptr(capture_host_auto) instead = NULL;
    char *line = journal_print_host(host, NULL);

    if (line)
        return line;
    instead = collector_too_long(host);
    return journal_print_host(instead, NULL);
}

static void on_done(void *context, struct session *session, const struct capture_host *host)
{
    struct shard *shard = context;
    struct work *work = find_work(shard, session);
    g_autofree char *line = print_line(host);

    g_byte_array_append(channel_begin(shard->channel, MESSAGE_LINE, work->number), (const guint8 *)line,
                        (guint)strlen(line) - 1); /* without its line feed */
    channel_end(shard->channel);
    g_hash_table_remove(shard->hosts, GUINT_TO_POINTER(work->number));
    look_at_socket(shard);
}

static void on_trace(void *context, struct session *session, const char *from, const char *to)
{
    struct shard *shard = context;
    GByteArray *message = channel_begin(shard->channel, MESSAGE_STATE, find_work(shard, session)->number);

    wire_append_string(message, from, strlen(from));
    wire_append_string(message, to, strlen(to));
    channel_end(shard->channel);
}

static void on_admitted(void *context, struct session *session)
{
    struct shard *shard = context;
    channel_say(shard->channel, MESSAGE_ADMITTED, find_work(shard, session)->number);
}

/* What the parent says. */

static gboolean take_means(struct shard *shard, struct wire body)
{
    struct means means;

    if (shard->has_means || !means_read(&body, &means))
        return FALSE;
    shard->has_means = TRUE;
    shard->means.transport.lookup_ms = means.lookup_ms;
    shard->means.transport.connect_ms = means.connect_ms;
    shard->means.transport.handshake_ms = means.handshake_ms;
    shard->means.transport.login_ms = means.login_ms;
    shard->means.transport.window_bytes = means.window_bytes;
    shard->means.silence_ms = means.silence_ms;
    shard->means.trace_bytes = means.trace_bytes;
    shard->means.trace = means.trace ? on_trace : NULL;
    return TRUE;
}

static gboolean take_order(struct shard *shard, uint32_t number, struct wire body)
{
    struct order *order = shard->has_means ? order_read(&body) : NULL;

    if (!order)
        return FALSE;
    struct work *work = g_new0(struct work, 1);
    work->shard = shard;
    work->number = number;
    work->order = order;
    work->sink = (struct sink){begin_object, add_bytes, finish_object, drop_object, work};
    service_init(&work->service, shard->channel, number);
    g_hash_table_insert(shard->hosts, GUINT_TO_POINTER(number), work);
    if (order->connection == INVENTORY_LOCAL && !order->refusal && !channel_detach(shard->channel, work->service.fds))
        return FALSE;
    work->session = session_open(&shard->means, order, &work->service, &work->sink);
    return TRUE;
}

static void cancel_all(struct shard *shard)
{
    GHashTableIter iter;
    void *work;

    g_hash_table_iter_init(&iter, shard->hosts);
    while (g_hash_table_iter_next(&iter, NULL, &work))
        session_cancel(((struct work *)work)->session);
}

static gboolean on_message(void *context, const struct message *message)
{
    struct shard *shard = context;
    struct work *work;

    clock_word(&shard->clock);
    switch (message->kind) {
    case MESSAGE_MEANS:
        return take_means(shard, message->body);
    case MESSAGE_ORDER:
        return take_order(shard, message->host, message->body);
    case MESSAGE_CANCEL:
        cancel_all(shard);
        return TRUE;
    case MESSAGE_HOLD:
    case MESSAGE_GO:
        shard->parent_full = message->kind == MESSAGE_HOLD;
        set_pace(shard);
        return TRUE;
    case MESSAGE_PING:
        channel_say(shard->channel, MESSAGE_PONG, 0);
        return TRUE;
    default:
        work = g_hash_table_lookup(shard->hosts, GUINT_TO_POINTER(message->host));
        return !work || service_answer(&work->service, message); /* or its host was done before the answer came */
    }
}

static void on_ended(void *context, gboolean bad)
{
    struct shard *shard = context;

    if (bad || g_hash_table_size(shard->hosts) > 0)
        _exit(1); /* the parent has gone, or has no use for what is in work here */
    channel_close(shard->channel);
}

/* Set-up. */

/*
 * Whatever opens a file does so now: the configuration of OpenSSL, algorithms that are fetched when they are first
 * used, messages that are translated or converted.
 */
static void warm_up(void)
{
    g_autoptr(capture_host_auto) host = capture_host_new();
    char text[64];
    uint8_t byte;

    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
    RAND_bytes(&byte, 1);
    chain_free(chain_new("localhost"));
    for (int number = 1; number < 134; number++)
        g_strlcpy(text, g_strerror(number), sizeof text); /* alone the compiler would leave it out */
    host->name = g_strdup("");
    host->started = 0;
    g_free(journal_print_host(host, NULL));
}

static void give_up_rights(void)
{
    const struct rlimit none = {0, 0};

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    setrlimit(RLIMIT_CORE, &none);
#if !defined(TRUSTGAP_SANITIZED) && !defined(TRUSTGAP_COVERAGE)
    /* The leak sanitizer traces the process that it looks at, from another one, and coverage is written to files. */
    setrlimit(RLIMIT_FSIZE, &none);
    setrlimit(RLIMIT_NPROC, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

static gboolean set_up(struct shard *shard)
{
    static const struct channel_events events = {on_message, on_ended, on_drained};

    if (libssh2_init(0) != 0 || uv_loop_init(&shard->loop) != 0)
        return FALSE;
    warm_up();
    give_up_rights();
    shard->channel = channel_new(&shard->loop, WORKER_FD, &events, shard, TRUE);
    if (!shard->channel)
        return FALSE;
    clock_attach(&shard->clock, &shard->loop, TRUE);
    shard->hosts = g_hash_table_new_full(NULL, NULL, NULL, free_work);
    shard->means = (struct session_means){
        .transport = {.loop = &shard->loop, .buffer = g_malloc(BUFFER_BYTES), .buffer_bytes = BUFFER_BYTES},
        .clock = &shard->clock,
        .admitted = on_admitted,
        .done = on_done,
        .context = shard,
    };
    channel_say(shard->channel, MESSAGE_READY, 0);
    return TRUE;
}

int shard_serve(void)
{
    struct shard shard = {0};

    worker_settle();
    if (!set_up(&shard))
        return 1;
    uv_run(&shard.loop, UV_RUN_DEFAULT);
    clock_detach(&shard.clock);
    uv_run(&shard.loop, UV_RUN_DEFAULT);
    uv_loop_close(&shard.loop);
    g_hash_table_unref(shard.hosts);
    g_free(shard.means.transport.buffer);
    libssh2_exit();
    return 0;
}
