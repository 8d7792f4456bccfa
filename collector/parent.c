#include "parent.h"

#include "clock.h"
#include "disk.h"
#include "error.h"
#include "means.h"
#include "monitor.h"
#include "order.h"
#include "queue.h"
#include "script.h"
#include "shell.h"
#include "signer.h"

#include <netdb.h>
#include <signal.h>
#include <string.h>

#define WINDOW_BUDGET_BYTES (64 * 1024 * 1024) /* what all hosts together may send before we have taken it */
#define WINDOW_BYTES_MIN    (64 * 1024)
#define WINDOW_BYTES_MAX    (1024 * 1024)

struct parent {
    const struct parent_means *means;
    struct collector_result *result;
    uv_loop_t *loop;
    uv_signal_t signals[2]; /* SIGINT, SIGTERM */
    struct clock clock;
    uv_timer_t retry;    /* goes off when a host is to be tried again */
    uv_timer_t grace;    /* after Ctrl-C */
    struct queue *queue; /* the hosts of the inventory, by their numbers there */
    struct disk *disk;
    struct signer *signer; /* NULL: there is no agent */
    struct means told;     /* to workers */
    struct monitor_means monitor_means;
    GPtrArray *crews;     /* of struct crew * */
    GHashTable *works;    /* number -> struct work *, of those that a worker has */
    GQueue suspects;      /* of struct work *: their workers failed, each is to have one of its own */
    uint32_t last_number; /* of a work */
    unsigned max_crews, bad_starts;
    unsigned lookups; /* under way, also those that nobody waits for any more */
    gboolean held;    /* the disk is behind: workers are not read from */
    gboolean stopping;
    GError *error; /* why the run cannot go on */
};

/* A worker and what it has in work. */
struct crew {
    struct parent *parent;
    struct monitor *monitor;
    gboolean careful; /* for suspects */
    unsigned works;
};

struct lookup;

/* One try of a host. */
struct work {
    struct parent *parent;
    struct crew *crew; /* NULL: it waits for one */
    const struct inventory_host *host;
    struct queue_start start;
    unsigned deaths; /* of workers that had it */
    /* for one worker: */
    uint32_t number;
    int64_t started; /* clock of this machine */
    GPtrArray *identities;
    struct known_host *known;
    struct disk_host *objects;
    struct shell *shell;
    struct lookup *lookup;
};

static void tell(const struct parent *parent, const struct capture_host *host, const char *message)
{
    const struct collector_options *options = parent->means->options;

    if (options->progress)
        options->progress(options->context, host, message);
}

static void begin_hosts(struct parent *parent);
static void fail(struct parent *parent, GError *error);

/* Lines. */

static char *describe(const struct capture_host *host)
{
    if (host->message)
        return g_strdup(host->message);
    return g_strdup_printf("%u instances, %u traces, %u stores", host->instances->len, host->traces->len,
                           host->stores->len);
}

static void on_written(void *context, const struct capture_host *line)
{
    struct parent *parent = context;
    unsigned *counts[] = {
        [CAPTURE_COLLECTED] = &parent->result->collected,
        [CAPTURE_PARTIAL] = &parent->result->partial,
        [CAPTURE_FAILED] = &parent->result->failed,
    };
    g_autofree char *message = describe(line);

    ++*counts[line->status];
    tell(parent, line, message);
}

static void on_failed(void *context, const GError *error)
{
    fail(context, g_error_copy(error));
}

/* What the inventory says of a host, and our own clock, is not for a worker to tell. */
static void own_fields(const struct work *work, struct capture_host *line)
{
    const struct inventory_host *host = work->host;

    g_free(line->name);
    g_free(line->tier);
    g_free(line->owner);
    line->name = g_strdup(host->name);
    line->tier = g_strdup(host->tier);
    line->owner = g_strdup(host->owner);
    g_ptr_array_set_size(line->groups, 0);
    for (guint i = 0; i < host->groups->len; i++)
        g_ptr_array_add(line->groups, g_strdup(g_ptr_array_index(host->groups, i)));
    line->tools_trusted = host->trust_local_users;
    line->started = work->started;
    line->finished = g_get_real_time() / G_USEC_PER_SEC;
}

/* Works. */

static void send_addresses(struct work *work, uint32_t sequence, int status, const struct addrinfo *addresses);

/* Lives until the answer comes, even if nobody wants it any more: libuv cannot call back a look-up that runs. */
struct lookup {
    uv_getaddrinfo_t request;
    struct parent *parent;
    struct work *work; /* NULL: nobody wants it any more */
    uint32_t sequence;
};

static void drop_lookup(struct work *work)
{
    struct lookup *lookup = g_steal_pointer(&work->lookup);

    if (!lookup)
        return;
    lookup->work = NULL;
    uv_cancel((uv_req_t *)&lookup->request);
}

/* It has no worker any more; what it was given for that one goes. */
static void withdraw(struct work *work)
{
    struct parent *parent = work->parent;

    g_hash_table_remove(parent->works, GUINT_TO_POINTER(work->number));
    if (work->crew)
        work->crew->works--;
    work->crew = NULL;
    drop_lookup(work);
    g_clear_pointer(&work->identities, g_ptr_array_unref);
    g_clear_pointer(&work->known, known_host_free);
    g_clear_pointer(&work->shell, shell_end);
    if (work->objects)
        disk_forget(parent->disk, g_steal_pointer(&work->objects));
}

/* The last of a host: its line is to be written, and it is gone. */
static void finish(struct work *work, struct capture_host *line)
{
    struct parent *parent = work->parent;

    own_fields(work, line);
    if (parent->error)
        capture_host_free(line);
    else
        disk_line(parent->disk, work->objects ? g_steal_pointer(&work->objects) : disk_begin(parent->disk), line);
    withdraw(work);
    g_free(work);
}

static void finish_failed(struct work *work, enum collector_reason reason, const char *message)
{
    struct capture_host *line = capture_host_new();

    line->status = CAPTURE_FAILED;
    line->reason = g_strdup(collector_reason_name(reason));
    line->message = g_strdup(message);
    queue_ended(work->parent->queue, work->start.number, FALSE, clock_ms(&work->parent->clock));
    finish(work, line);
}

/* What a worker asks for. */

static void on_state(void *context, void *data, const char *from, const char *to)
{
    const struct collector_options *options = ((struct crew *)context)->parent->means->options;
    const struct work *work = data;

    if (options->trace)
        options->trace(options->context, work->host->name, from, to);
}

static void on_admitted(void *context, void *data)
{
    struct crew *crew = context;
    const struct work *work = data;

    queue_admitted(crew->parent->queue, work->start.number);
    begin_hosts(crew->parent);
}

static void on_addresses(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct lookup *lookup = request->data;

    lookup->parent->lookups--;
    if (lookup->work) {
        lookup->work->lookup = NULL;
        send_addresses(lookup->work, lookup->sequence, status, addresses);
    }
    uv_freeaddrinfo(addresses);
    g_free(lookup);
}

static void send_addresses(struct work *work, uint32_t sequence, int status, const struct addrinfo *addresses)
{
    struct channel *channel = monitor_channel(work->crew->monitor);
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    char text[NI_MAXHOST];

    for (; addresses; addresses = addresses->ai_next)
        if (getnameinfo(addresses->ai_addr, addresses->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
            g_ptr_array_add(texts, g_strdup(text));
    GByteArray *message = channel_begin(channel, MESSAGE_ADDRESSES, work->number);
    wire_append_u32(message, sequence);
    wire_append_u32(message, (uint32_t)status);
    wire_append_u32(message, texts->len);
    for (guint i = 0; i < texts->len; i++)
        message_append_text(message, texts->pdata[i]);
    channel_end(channel);
}

static void on_look_up(void *context, void *data, uint32_t sequence)
{
    struct parent *parent = ((struct crew *)context)->parent;
    struct work *work = data;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

    drop_lookup(work);
    struct lookup *lookup = g_new0(struct lookup, 1);
    lookup->parent = parent;
    lookup->work = work;
    lookup->sequence = sequence;
    lookup->request.data = lookup;
    int status = uv_getaddrinfo(parent->loop, &lookup->request, on_addresses, work->host->address, NULL, &hints);
    if (status == 0) {
        parent->lookups++;
        work->lookup = lookup;
        return;
    }
    g_free(lookup);
    send_addresses(work, sequence, status, NULL);
}

static gboolean on_host_key(void *context, void *data, uint32_t sequence, const struct wire *blob)
{
    struct channel *channel = monitor_channel(((struct crew *)context)->monitor);
    const struct work *work = data;
    struct known_hosts_answer answer = {.verdict = KNOWN_HOSTS_UNKNOWN};

    if (work->known)
        known_host_check(&answer, work->known, blob->at, blob->left);
    GByteArray *message = channel_begin(channel, MESSAGE_VERDICT, work->number);
    wire_append_u32(message, sequence);
    wire_append_u32(message, answer.verdict);
    wire_append_u32(message, answer.line);
    wire_append_u32(message, answer.same_type != FALSE);
    wire_append_u32(message, answer.authority_line);
    message_append_text(message, answer.path);
    message_append_text(message, answer.authority_path);
    message_append_text(message, answer.ask_for);
    channel_end(channel);
    return answer.verdict == KNOWN_HOSTS_MATCH;
}

static void on_signed(void *context, uint32_t number, uint32_t sequence, GBytes *signature, const char *why)
{
    struct parent *parent = context;
    const struct work *work = g_hash_table_lookup(parent->works, GUINT_TO_POINTER(number));
    gsize size = 0;
    const void *bytes = signature ? g_bytes_get_data(signature, &size) : "";

    if (!work)
        return;
    struct channel *channel = monitor_channel(work->crew->monitor);
    GByteArray *message = channel_begin(channel, MESSAGE_SIGNATURE, number);
    wire_append_u32(message, sequence);
    wire_append_string(message, bytes, size);
    message_append_text(message, signature ? NULL : why);
    channel_end(channel);
}

/* A key in memory signs at once; an agent may let us wait. */
static void on_sign(void *context, void *data, uint32_t sequence, unsigned number, const struct wire *request)
{
    struct parent *parent = ((struct crew *)context)->parent;
    const struct work *work = data;
    const struct identity *identity = work->identities->pdata[number];
    g_autoptr(GError) error = NULL;

    if (identity->held) {
        signer_sign(parent->signer, work->number, sequence, identity->held, request->at, request->left);
        return;
    }
    g_autoptr(GBytes) signature = private_key_sign(identity->file->key, request->at, request->left, &error);
    on_signed(parent, work->number, sequence, signature, error ? error->message : NULL);
}

static void on_exited(void *context, int status, int signal)
{
    const struct work *work = context;
    struct channel *channel = monitor_channel(work->crew->monitor);
    GByteArray *message = channel_begin(channel, MESSAGE_EXIT, work->number);

    wire_append_u32(message, (uint32_t)status);
    wire_append_u32(message, (uint32_t)signal);
    channel_end(channel);
}

/* Objects. */

/* What the disk does not take is not read either, and then hosts are not read from. */
static void set_pace(struct parent *parent, gboolean held)
{
    if (parent->held == held)
        return;
    parent->held = held;
    for (guint i = 0; i < parent->crews->len; i++)
        monitor_hold(((struct crew *)parent->crews->pdata[i])->monitor, held);
}

static void on_room(void *context)
{
    set_pace(context, FALSE);
}

static void on_object(void *context, void *data, uint32_t number)
{
    disk_object(((struct crew *)context)->parent->disk, ((struct work *)data)->objects, number);
}

static void on_bytes(void *context, void *data, uint32_t number, const struct wire *bytes)
{
    struct parent *parent = ((struct crew *)context)->parent;

    disk_bytes(parent->disk, ((struct work *)data)->objects, number, bytes->at, bytes->left);
    if (disk_is_full(parent->disk))
        set_pace(parent, TRUE);
}

static void on_finish(void *context, void *data, uint32_t number)
{
    disk_finish(((struct crew *)context)->parent->disk, ((struct work *)data)->objects, number);
}

static void on_drop(void *context, void *data, uint32_t number)
{
    disk_drop(((struct crew *)context)->parent->disk, ((struct work *)data)->objects, number);
}

static void on_line(void *context, void *data, struct capture_host *line)
{
    struct parent *parent = ((struct crew *)context)->parent;
    struct work *work = data;
    gboolean busy = !parent->stopping && g_strcmp0(line->reason, collector_reason_name(REASON_BUSY)) == 0;

    parent->bad_starts = 0;
    if (queue_ended(parent->queue, work->start.number, busy, clock_ms(&parent->clock))) {
        capture_host_free(line);
        withdraw(work);
        g_free(work);
    } else {
        finish(work, line);
    }
    begin_hosts(parent);
}

static const struct guard_events guard_events = {
    .state = on_state,
    .admitted = on_admitted,
    .look_up = on_look_up,
    .host_key = on_host_key,
    .sign = on_sign,
    .object = on_object,
    .bytes = on_bytes,
    .finish = on_finish,
    .drop = on_drop,
    .line = on_line,
};

/* Workers. */

static void crew_free(struct crew *crew)
{
    g_ptr_array_remove_fast(crew->parent->crews, crew);
    monitor_free(crew->monitor);
    g_free(crew);
}

static GPtrArray *works_of(const struct crew *crew)
{
    GPtrArray *works = g_ptr_array_new();
    GHashTableIter iter;
    void *work;

    g_hash_table_iter_init(&iter, crew->parent->works);
    while (g_hash_table_iter_next(&iter, NULL, &work))
        if (((struct work *)work)->crew == crew)
            g_ptr_array_add(works, work);
    return works;
}

/* What becomes of a host whose worker has failed. */
static void save_work(struct work *work, gboolean was_ready, const char *why)
{
    struct parent *parent = work->parent;

    withdraw(work);
    work->deaths += was_ready;
    if (parent->stopping) {
        finish_failed(work, REASON_CANCELLED, "cancelled: the run was ended");
    } else if (work->deaths < PARENT_DEATHS) {
        g_queue_push_tail(&parent->suspects, work);
    } else {
        g_autofree char *message = g_strdup_printf(
            "the process that worked on it %s, also when it worked on nothing else: what the host sends may be made "
            "to do that",
            why);
        finish_failed(work, REASON_WORKER, message);
    }
}

static void note_bad_start(struct parent *parent, const char *why)
{
    if (++parent->bad_starts >= PARENT_BAD_STARTS)
        fail(parent, g_error_new(TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL,
                                 "workers cannot be started: the last one %s before it was set up", why));
}

static void on_worker_ended(void *context, struct monitor *monitor, const char *why)
{
    struct crew *crew = context;
    struct parent *parent = crew->parent;
    g_autoptr(GPtrArray) works = works_of(crew);
    gboolean was_ready = monitor_is_ready(monitor);

    if (was_ready && !parent->stopping) {
        g_autofree char *message = g_strdup_printf("a worker %s; hosts in work there: %u", why, works->len);
        tell(parent, NULL, message);
    }
    for (guint i = 0; i < works->len; i++)
        save_work(works->pdata[i], was_ready, why);
    crew_free(crew);
    if (was_ready)
        parent->bad_starts = 0;
    else
        note_bad_start(parent, why);
    begin_hosts(parent);
}

static struct crew *crew_new(struct parent *parent, gboolean careful, GError **error)
{
    struct crew *crew = g_new0(struct crew, 1);

    crew->parent = parent;
    crew->careful = careful;
    crew->monitor = monitor_start(parent->loop, &parent->monitor_means, crew, error);
    if (!crew->monitor) {
        g_free(crew);
        return NULL;
    }
    means_write(channel_begin(monitor_channel(crew->monitor), MESSAGE_MEANS, 0), &parent->told);
    channel_end(monitor_channel(crew->monitor));
    if (parent->held)
        monitor_hold(crew->monitor, TRUE);
    g_ptr_array_add(parent->crews, crew);
    return crew;
}

/* The one of this kind with the least to do, if any; ${*count} is their number. */
static struct crew *find_crew(const struct parent *parent, gboolean careful, unsigned *count)
{
    struct crew *found = NULL;

    *count = 0;
    for (guint i = 0; i < parent->crews->len; i++) {
        struct crew *crew = parent->crews->pdata[i];
        if (crew->careful != careful)
            continue;
        ++*count;
        if (!found || crew->works < found->works)
            found = crew;
    }
    return found;
}

/* A worker for a host; NULL: there is none now, or none at all and ${parent} has failed. */
static struct crew *choose_crew(struct parent *parent, gboolean careful)
{
    g_autoptr(GError) error = NULL;
    unsigned count;
    struct crew *idlest = find_crew(parent, careful, &count);

    if (idlest && idlest->works == 0)
        return idlest;
    if (count >= (careful ? PARENT_CAREFUL : parent->max_crews))
        return careful ? NULL : idlest;
    struct crew *crew = crew_new(parent, careful, &error);
    if (crew)
        return crew;
    if (count == 0)
        fail(parent, g_steal_pointer(&error));
    return careful ? NULL : idlest;
}

/* Hosts. */

static void add_keys(struct work *work, struct order *order)
{
    g_autoptr(GString) remarks = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    work->identities = keyring_identities(work->parent->means->keyring, work->host, remarks, &error);
    if (!work->identities)
        order->refusal = g_strdup(error->message);
    order->remarks = g_strdup(remarks->str);
    for (guint i = 0; work->identities && i < work->identities->len; i++) {
        const struct identity *identity = work->identities->pdata[i];
        g_autofree char *held = identity->held ? g_strdup_printf("\"%s\" of the agent", identity->held->comment) : NULL;
        order_add_identity(order, identity_public(identity), held ? held : identity->file->path);
    }
}

static void add_key_types(struct work *work, struct order *order)
{
    const struct inventory_host *host = work->host;

    work->known = known_host_find(work->parent->means->known_hosts, host->address, host->name, host->port);
    g_autofree const char **types = known_host_types(work->known);
    for (size_t i = 0; types[i]; i++)
        g_ptr_array_add(order->key_types, g_strdup(types[i]));
}

static struct order *make_order(struct work *work, int fds[SHELL_PIPES])
{
    const struct collector_options *options = work->parent->means->options;
    const struct inventory_host *host = work->host;
    struct order *order = order_new();
    g_autoptr(GError) error = NULL;

    order->name = g_strdup(host->name);
    order->address = g_strdup(host->address);
    order->port = host->port;
    order->connection = host->connection;
    order->plugin = g_strdup(host->plugin);
    order->user = g_strdup(host->user ? host->user : g_get_user_name());
    order->host_ms = options->host_timeout_ms ? options->host_timeout_ms : COLLECTOR_HOST_MS;
    order->left_ms = (unsigned)MAX(work->start.left_ms, 0);
    order->tries = work->start.tries;
    script_nonce(order->nonce);
    order->script = script_new(host, order->nonce, work->parent->told.trace_bytes);
    const GPtrArray *peers = options->peers ? g_hash_table_lookup(options->peers, host->name) : NULL;
    order->peers = peers ? g_ptr_array_ref((GPtrArray *)peers) : NULL;
    if (host->connection == INVENTORY_SSH) {
        add_keys(work, order);
        add_key_types(work, order);
    } else if (host->connection == INVENTORY_LOCAL) {
        work->shell = shell_start(work->parent->loop, fds, on_exited, work, &error);
        if (!work->shell)
            order->refusal = g_strdup(error->message);
    }
    return order;
}

static GPtrArray *public_keys(const struct order *order)
{
    GPtrArray *keys = g_ptr_array_new();

    for (guint i = 0; i < order->identities->len; i++)
        g_ptr_array_add(keys, ((struct order_identity *)order->identities->pdata[i])->public_key);
    return keys;
}

static void give(struct work *work, struct crew *crew)
{
    struct parent *parent = work->parent;
    struct channel *channel = monitor_channel(crew->monitor);
    int fds[SHELL_PIPES];

    work->number = ++parent->last_number;
    work->crew = crew;
    crew->works++;
    work->started = g_get_real_time() / G_USEC_PER_SEC;
    work->objects = disk_begin(parent->disk);
    g_hash_table_insert(parent->works, GUINT_TO_POINTER(work->number), work);
    struct order *order = make_order(work, fds);
    g_autoptr(GPtrArray) keys = public_keys(order);
    guard_add(monitor_guard(crew->monitor), work->number, order->user, keys, work);
    order_write(channel_begin(channel, MESSAGE_ORDER, work->number), order);
    channel_end(channel);
    if (work->shell)
        channel_attach(channel, fds);
    order_free(order);
}

static void begin_suspects(struct parent *parent)
{
    while (!parent->stopping && !g_queue_is_empty(&parent->suspects)) {
        struct crew *crew = choose_crew(parent, TRUE);
        if (!crew)
            return;
        give(g_queue_pop_head(&parent->suspects), crew);
    }
}

static void on_retry(uv_timer_t *timer)
{
    begin_hosts(timer->data);
}

static void begin_hosts(struct parent *parent)
{
    struct queue_start start;

    begin_suspects(parent);
    while (!parent->stopping && queue_next(parent->queue, &start, clock_ms(&parent->clock))) {
        struct crew *crew = choose_crew(parent, FALSE);
        if (!crew)
            return;
        struct work *work = g_new0(struct work, 1);
        work->parent = parent;
        work->host = g_ptr_array_index(parent->means->inventory->hosts, start.number);
        work->start = start;
        give(work, crew);
    }
    int64_t wake = queue_wake_ms(parent->queue);
    if (parent->stopping || wake == 0)
        return;
    uv_update_time(parent->loop);
    uv_timer_start(&parent->retry, on_retry, (uint64_t)MAX(wake - clock_ms(&parent->clock), 0) + 1, 0);
}

/* The end. */

static void cancel_suspects(struct parent *parent)
{
    struct work *work;

    while ((work = g_queue_pop_head(&parent->suspects)))
        finish_failed(work, REASON_CANCELLED, "cancelled: the run was ended");
}

/* Workers that have hosts in work are ended at once. */
static void end_crews(struct parent *parent)
{
    for (guint i = parent->crews->len; i-- > 0;) {
        struct crew *crew = parent->crews->pdata[i];
        g_autoptr(GPtrArray) works = works_of(crew);
        if (works->len == 0)
            continue;
        for (guint k = 0; k < works->len; k++)
            save_work(works->pdata[k], TRUE, "was ended");
        crew_free(crew);
    }
}

static void on_grace(uv_timer_t *timer)
{
    end_crews(timer->data);
}

static void stop(struct parent *parent)
{
    parent->stopping = TRUE;
    cancel_suspects(parent);
    for (guint i = 0; i < parent->crews->len; i++)
        channel_say(monitor_channel(((struct crew *)parent->crews->pdata[i])->monitor), MESSAGE_CANCEL, 0);
    uv_timer_start(&parent->grace, on_grace, PARENT_CANCEL_MS, 0);
}

/* Hosts in work get no line: nobody could say where. */
static void fail(struct parent *parent, GError *error)
{
    if (parent->error) {
        g_error_free(error);
        return;
    }
    parent->error = error;
    parent->stopping = TRUE;
    cancel_suspects(parent);
    end_crews(parent);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct parent *parent = handle->data;
    (void)number;

    parent->result->cancelled = TRUE;
    /* With the handles stopped the signal has its usual meaning again: a second Ctrl-C ends at once. */
    for (size_t i = 0; i < G_N_ELEMENTS(parent->signals); i++)
        uv_signal_stop(&parent->signals[i]);
    stop(parent);
}

static void watch_signals(struct parent *parent)
{
    static const int numbers[] = {SIGINT, SIGTERM};

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        uv_signal_init(parent->loop, &parent->signals[i]);
        parent->signals[i].data = parent;
        uv_signal_start(&parent->signals[i], on_signal, numbers[i]);
    }
}

/* The whole. */

static void set_told(struct parent *parent)
{
    const struct collector_options *options = parent->means->options;
    unsigned all = options->connect_timeout_ms;

    parent->told = (struct means){
        .lookup_ms = all ? all : COLLECTOR_LOOKUP_MS,
        .connect_ms = all ? all : COLLECTOR_CONNECT_MS,
        .handshake_ms = all ? all : COLLECTOR_HANDSHAKE_MS,
        .login_ms = all ? all : COLLECTOR_LOGIN_MS,
        .silence_ms = options->silence_ms ? options->silence_ms : COLLECTOR_SILENCE_MS,
        .window_bytes =
            (uint32_t)CLAMP(WINDOW_BUDGET_BYTES / parent->means->fanout, WINDOW_BYTES_MIN, WINDOW_BYTES_MAX),
        .trace_bytes = options->trace_bytes > 0 ? options->trace_bytes : COLLECTOR_TRACE_BYTES,
        .trace = options->trace != NULL,
    };
}

static struct queue *new_queue(const struct parent *parent)
{
    const struct parent_means *means = parent->means;
    unsigned host_ms = means->options->host_timeout_ms ? means->options->host_timeout_ms : COLLECTOR_HOST_MS;
    struct queue *queue = queue_new(means->fanout, host_ms, g_random_int());

    for (guint i = 0; i < means->inventory->hosts->len; i++) {
        const struct inventory_host *host = g_ptr_array_index(means->inventory->hosts, i);
        queue_add(queue, host->connection == INVENTORY_SSH ? host->address : NULL, host->port);
    }
    return queue;
}

static void begin(struct parent *parent)
{
    static const struct disk_events disk_events = {on_written, on_room, on_failed};
    static const char *const worker[] = {"/proc/self/exe", COLLECTOR_WORKER, NULL};
    const struct collector_options *options = parent->means->options;
    unsigned crews = options->workers ? options->workers : g_get_num_processors();

    clock_attach(&parent->clock, parent->loop, FALSE);
    set_told(parent);
    parent->monitor_means = (struct monitor_means){
        .command = options->worker ? options->worker : worker,
        .limits = monitor_limits(),
        .clock = &parent->clock,
        .trace_bytes = parent->told.trace_bytes,
        .events = &guard_events,
        .ended = on_worker_ended,
    };
    parent->max_crews = MIN(crews, COLLECTOR_WORKERS_MAX);
    parent->crews = g_ptr_array_new();
    parent->works = g_hash_table_new(NULL, NULL);
    g_queue_init(&parent->suspects);
    parent->queue = new_queue(parent);
    parent->disk = disk_new(parent->means->writer, parent->loop, &disk_events, parent);
    struct agent *agent = keyring_agent(parent->means->keyring);
    if (agent)
        parent->signer = signer_new(agent, parent->loop, on_signed, parent);
    uv_timer_init(parent->loop, &parent->retry);
    uv_timer_init(parent->loop, &parent->grace);
    parent->retry.data = parent->grace.data = parent;
    watch_signals(parent);
}

static gboolean is_over(const struct parent *parent)
{
    if (g_hash_table_size(parent->works) > 0 || disk_lines(parent->disk) > 0)
        return FALSE;
    return parent->stopping || (parent->suspects.length == 0 && queue_is_over(parent->queue));
}

/* All have heard that there is no more before the first is waited for. */
static void dismiss_crews(struct parent *parent)
{
    for (guint i = 0; i < parent->crews->len; i++)
        channel_close(monitor_channel(((struct crew *)parent->crews->pdata[i])->monitor));
    for (guint i = 0; i < parent->crews->len; i++) {
        struct crew *crew = parent->crews->pdata[i];
        monitor_dismiss(crew->monitor);
        g_free(crew);
    }
    g_ptr_array_unref(parent->crews);
}

/*
 * A name look-up that hangs in the resolver can't be called back, and Ctrl-C must not wait for it: then the loop is
 * left alone, with what the thread still writes to.
 */
static void end_loop(struct parent *parent)
{
    static GPtrArray *left_alone;

    for (size_t i = 0; i < G_N_ELEMENTS(parent->signals); i++)
        uv_close((uv_handle_t *)&parent->signals[i], NULL);
    uv_close((uv_handle_t *)&parent->retry, NULL);
    uv_close((uv_handle_t *)&parent->grace, NULL);
    clock_detach(&parent->clock);
    while (parent->lookups == 0 && uv_run(parent->loop, UV_RUN_ONCE))
        ;
    if (parent->lookups == 0 && uv_loop_close(parent->loop) == 0) {
        g_free(parent->loop);
        return;
    }
    uv_run(parent->loop, UV_RUN_NOWAIT);
    if (!left_alone)
        left_alone = g_ptr_array_new();
    g_ptr_array_add(left_alone, parent->loop);
}

static void end(struct parent *parent)
{
    dismiss_crews(parent);
    signer_free(parent->signer);
    disk_free(parent->disk);
    end_loop(parent);
    g_hash_table_unref(parent->works);
    queue_free(parent->queue);
}

gboolean parent_run(struct collector_result *result, const struct parent_means *means, GError **error)
{
    struct parent parent = {.means = means, .result = result, .loop = g_new0(uv_loop_t, 1)};
    int status = uv_loop_init(parent.loop);

    if (status != 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "no event loop: %s", uv_strerror(status));
        g_free(parent.loop);
        return FALSE;
    }
    begin(&parent);
    begin_hosts(&parent);
    while (!is_over(&parent))
        uv_run(parent.loop, UV_RUN_ONCE);
    end(&parent);
    if (!parent.error)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&parent.error));
    return FALSE;
}
