#include "collector.h"

#include "error.h"
#include "file.h"
#include "keyring.h"
#include "known_hosts.h"
#include "queue.h"
#include "script.h"
#include "session.h"

#include <libssh2.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define WINDOW_BUDGET_BYTES   (64 * 1024 * 1024) /* what all hosts together may send before we have taken it */
#define WINDOW_BYTES_MIN      (64 * 1024)
#define WINDOW_BYTES_MAX      (1024 * 1024)
#define BUFFER_BYTES          ((size_t)64 * 1024)
#define DESCRIPTORS_OF_A_HOST 8  /* a socket or three pipes, an object, and something to spare */
#define DESCRIPTORS_OF_OURS   64 /* what is open anyway */
#define LOOKUP_THREADS        "32"

const char *collector_reason_name(enum collector_reason reason)
{
    static const char *const names[] = {
        [REASON_NONE] = "none",
        [REASON_NAME_NOT_FOUND] = "name-not-found",
        [REASON_REFUSED] = "refused",
        [REASON_UNREACHABLE] = "unreachable",
        [REASON_TIMEOUT] = "time-out",
        [REASON_BUSY] = "busy",
        [REASON_CLOSED] = "closed",
        [REASON_NO_COMMON] = "no-common-algorithm",
        [REASON_PROTOCOL] = "protocol",
        [REASON_HOST_KEY_UNKNOWN] = "host-key-unknown",
        [REASON_HOST_KEY_CHANGED] = "host-key-changed",
        [REASON_HOST_KEY_REVOKED] = "host-key-revoked",
        [REASON_KEY_FILE] = "key-file",
        [REASON_LOGIN_REFUSED] = "login-refused",
        [REASON_NO_SHELL] = "no-shell",
        [REASON_INCOMPLETE] = "probe-incomplete",
        [REASON_BAD_RECORD] = "bad-record",
        [REASON_LIMIT] = "limit",
        [REASON_CANCELLED] = "cancelled",
        [REASON_CONNECTION] = "unsupported-connection",
        [REASON_LOCAL] = "local",
        [REASON_UNREAD] = CAPTURE_UNREAD,
        [REASON_NOT_SEARCHED] = "not-searched",
        [REASON_NO_INSTANCE] = CAPTURE_NO_INSTANCE,
    };
    g_assert((size_t)reason < G_N_ELEMENTS(names));
    return names[reason];
}

struct collector_peer *collector_peer_new(const char *target, const char *address, uint16_t port)
{
    struct collector_peer *peer = g_new0(struct collector_peer, 1);

    peer->target = g_strdup(target);
    peer->address = g_strdup(address);
    peer->port = port;
    return peer;
}

void collector_peer_free(struct collector_peer *peer)
{
    g_free(peer->target);
    g_free(peer->address);
    g_free(peer);
}

struct run {
    const struct inventory *inventory;
    const struct collector_options *options;
    struct session_means means;
    struct capture_writer *writer;
    uv_loop_t *loop;
    uv_signal_t signals[2]; /* SIGINT, SIGTERM */
    struct queue *queue;    /* the hosts of the inventory, by their numbers there */
    uv_timer_t retry;       /* goes off when a host is to be tried again */
    GHashTable *sessions;   /* in work -> number of the host; not owned */
    unsigned fanout;
    gboolean stopping;
    struct collector_result *result;
    GError *error; /* the capture cannot be written */
};

static void tell(const struct run *run, const struct capture_host *host, const char *message)
{
    if (run->options->progress)
        run->options->progress(run->options->context, host, message);
}

/* Hosts. */

static int64_t now_ms(void)
{
    return (int64_t)(uv_hrtime() / 1000000);
}

static void begin_hosts(struct run *run);

static void on_retry(uv_timer_t *timer)
{
    begin_hosts(timer->data);
}

static void begin_hosts(struct run *run)
{
    struct queue_start start;

    while (!run->stopping && queue_next(run->queue, &start, now_ms())) {
        const struct inventory_host *host = g_ptr_array_index(run->inventory->hosts, start.number);
        g_hash_table_insert(run->sessions, session_open(&run->means, host, start.tries, start.left_ms),
                            GUINT_TO_POINTER(start.number));
    }
    int64_t wake = queue_wake_ms(run->queue);
    if (run->stopping || wake == 0)
        return;
    uv_update_time(run->loop);
    uv_timer_start(&run->retry, on_retry, (uint64_t)MAX(wake - now_ms(), 0) + 1, 0);
}

static guint number_of(const struct run *run, struct session *session)
{
    return GPOINTER_TO_UINT(g_hash_table_lookup(run->sessions, session));
}

static void stop(struct run *run)
{
    GHashTableIter iter;
    void *session;

    run->stopping = TRUE;
    g_hash_table_iter_init(&iter, run->sessions);
    while (g_hash_table_iter_next(&iter, &session, NULL))
        session_cancel(session);
}

static char *describe(const struct capture_host *host)
{
    if (host->message)
        return g_strdup(host->message);
    return g_strdup_printf("%u instances, %u traces, %u stores", host->instances->len, host->traces->len,
                           host->stores->len);
}

static void count(struct collector_result *result, const struct capture_host *host)
{
    switch (host->status) {
    case CAPTURE_COLLECTED:
        result->collected++;
        break;
    case CAPTURE_PARTIAL:
        result->partial++;
        break;
    case CAPTURE_FAILED:
        result->failed++;
        break;
    }
}

/* A host that sends more than fits into a line must not end the run: it gets a line that says so. */
static gboolean write_refusal(struct run *run, const struct capture_host *host, GError **error)
{
    g_autoptr(capture_host_auto) line = capture_host_new();

    line->name = g_strdup(host->name);
    line->status = CAPTURE_FAILED;
    line->reason = g_strdup(collector_reason_name(REASON_LIMIT));
    line->message = g_strdup("it sent more than fits into one line of the capture");
    line->started = host->started;
    line->finished = host->finished;
    if (!capture_write_host(run->writer, line, error))
        return FALSE;
    count(run->result, line);
    tell(run, line, line->message);
    return TRUE;
}

static gboolean write_host(struct run *run, const struct capture_host *host, GError **error)
{
    g_autoptr(GError) refused = NULL;

    if (capture_write_host(run->writer, host, &refused)) {
        g_autofree char *message = describe(host);
        count(run->result, host);
        tell(run, host, message);
        return TRUE;
    }
    if (g_error_matches(refused, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT))
        return write_refusal(run, host, error);
    g_propagate_error(error, g_steal_pointer(&refused));
    return FALSE;
}

static void on_done(void *context, struct session *session, const struct capture_host *host, const GError *error)
{
    struct run *run = context;
    guint number = number_of(run, session);
    gboolean busy = !error && !run->stopping && g_strcmp0(host->reason, collector_reason_name(REASON_BUSY)) == 0;

    g_hash_table_remove(run->sessions, session);
    if (!queue_ended(run->queue, number, busy, now_ms()) && !run->error) {
        if (error)
            run->error = g_error_copy(error);
        else
            write_host(run, host, &run->error);
        if (run->error)
            stop(run);
    }
    begin_hosts(run);
}

static void on_admitted(void *context, struct session *session)
{
    struct run *run = context;

    queue_admitted(run->queue, number_of(run, session));
    begin_hosts(run);
}

static void on_trace(void *context, const char *host, const char *from, const char *to)
{
    const struct run *run = context;
    run->options->trace(run->options->context, host, from, to);
}

/* Signals. */

static void on_signal(uv_signal_t *handle, int number)
{
    struct run *run = handle->data;
    (void)number;

    run->result->cancelled = TRUE;
    /* With the handles stopped the signal has its usual meaning again: a second Ctrl-C ends at once. */
    for (size_t i = 0; i < G_N_ELEMENTS(run->signals); i++)
        uv_signal_stop(&run->signals[i]);
    stop(run);
}

static void watch_signals(struct run *run)
{
    static const int numbers[] = {SIGINT, SIGTERM};

    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
        uv_signal_init(run->loop, &run->signals[i]);
        run->signals[i].data = run;
        uv_signal_start(&run->signals[i], on_signal, numbers[i]);
    }
}

/* Set-up. */

/* As many hosts at once as there may be descriptors for; the limit is raised as far as we are allowed to. */
static unsigned fit_fanout(const struct run *run, unsigned fanout, struct rlimit *before)
{
    rlim_t needed = (rlim_t)fanout * DESCRIPTORS_OF_A_HOST + DESCRIPTORS_OF_OURS;
    struct rlimit limit = *before;

    if (limit.rlim_cur >= needed)
        return fanout;
    limit.rlim_cur = MIN(needed, limit.rlim_max);
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit = *before;
    if (limit.rlim_cur >= needed)
        return fanout;
    rlim_t room = limit.rlim_cur > DESCRIPTORS_OF_OURS ? limit.rlim_cur - DESCRIPTORS_OF_OURS : 0;
    unsigned fits = MAX((unsigned)(room / DESCRIPTORS_OF_A_HOST), 1);
    g_autofree char *message =
        g_strdup_printf("%u hosts at once instead of %u: no more than %lu files may be open (ulimit -n)", fits, fanout,
                        (unsigned long)limit.rlim_cur);
    tell(run, NULL, message);
    return fits;
}

/* Of the usual ones each may be missing. */
static gboolean load_usual(struct known_hosts *known, const char *path, GError **error)
{
    return access(path, F_OK) != 0 || (file_is_regular(path, error) && known_hosts_load(known, path, error));
}

static gboolean load_known_hosts(struct known_hosts *known, const char *const *paths, GError **error)
{
    static const char *const system_paths[] = {"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"};
    static const char *const user_names[] = {"known_hosts", "known_hosts2"};

    if (paths) {
        for (; *paths; paths++)
            if (!known_hosts_load(known, *paths, error))
                return FALSE;
        return TRUE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(user_names); i++) {
        g_autofree char *path = g_build_filename(g_get_home_dir(), ".ssh", user_names[i], NULL);
        if (!load_usual(known, path, error))
            return FALSE;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(system_paths); i++)
        if (!load_usual(known, system_paths[i], error))
            return FALSE;
    return TRUE;
}

static void set_means(struct run *run, const struct known_hosts *known, struct keyring *keyring,
                      struct capture_writer *writer)
{
    const struct collector_options *options = run->options;
    unsigned all = options->connect_timeout_ms;

    run->means = (struct session_means){
        .transport =
            {
                .loop = run->loop,
                .known_hosts = known,
                .keyring = keyring,
                .lookup_ms = all ? all : COLLECTOR_LOOKUP_MS,
                .connect_ms = all ? all : COLLECTOR_CONNECT_MS,
                .handshake_ms = all ? all : COLLECTOR_HANDSHAKE_MS,
                .login_ms = all ? all : COLLECTOR_LOGIN_MS,
                .window_bytes = (uint32_t)CLAMP(WINDOW_BUDGET_BYTES / run->fanout, WINDOW_BYTES_MIN, WINDOW_BYTES_MAX),
                .buffer = g_malloc(BUFFER_BYTES),
                .buffer_bytes = BUFFER_BYTES,
            },
        .sink = sink_to_capture(writer),
        .trace_bytes = options->trace_bytes > 0 ? options->trace_bytes : COLLECTOR_TRACE_BYTES,
        .host_ms = options->host_timeout_ms ? options->host_timeout_ms : COLLECTOR_HOST_MS,
        .silence_ms = COLLECTOR_SILENCE_MS,
        .peers = options->peers,
        .trace = options->trace ? on_trace : NULL,
        .admitted = on_admitted,
        .done = on_done,
        .context = run,
    };
}

/*
 * A name look-up that hangs in the resolver can't be called back, and Ctrl-C must not wait for it: then the loop is
 * left alone, with what the thread still writes to.
 */
static void end_loop(struct run *run)
{
    static GPtrArray *left_alone;

    for (size_t i = 0; i < G_N_ELEMENTS(run->signals); i++)
        uv_close((uv_handle_t *)&run->signals[i], NULL);
    uv_close((uv_handle_t *)&run->retry, NULL);
    while (run->means.transport.lookups == 0 && uv_run(run->loop, UV_RUN_ONCE))
        ;
    if (run->means.transport.lookups == 0 && uv_loop_close(run->loop) == 0) {
        g_free(run->loop);
        return;
    }
    if (!left_alone)
        left_alone = g_ptr_array_new();
    g_ptr_array_add(left_alone, run->loop);
}

/* Before anything else: what is wrong with the agent concerns all hosts, and waiting for it should hold up none. */
static void ask_agent(const struct run *run, struct keyring *keyring)
{
    struct agent *agent = keyring_agent(keyring);
    g_autoptr(GError) error = NULL;
    gboolean wanted = FALSE;

    for (guint i = 0; i < run->inventory->hosts->len; i++) {
        const struct inventory_host *host = g_ptr_array_index(run->inventory->hosts, i);
        wanted = wanted || host->connection == INVENTORY_SSH;
    }
    if (agent && wanted && !agent_identities(agent, &error))
        tell(run, NULL, error->message);
}

static struct queue *new_queue(const struct run *run)
{
    struct queue *queue = queue_new(run->fanout, run->means.host_ms, g_random_int());

    for (guint i = 0; i < run->inventory->hosts->len; i++) {
        const struct inventory_host *host = g_ptr_array_index(run->inventory->hosts, i);
        queue_add(queue, host->connection == INVENTORY_SSH ? host->address : NULL, host->port);
    }
    return queue;
}

static void run_hosts(struct run *run)
{
    run->queue = new_queue(run);
    run->sessions = g_hash_table_new(NULL, NULL);
    uv_timer_init(run->loop, &run->retry);
    run->retry.data = run;
    watch_signals(run);
    begin_hosts(run);
    while (g_hash_table_size(run->sessions) > 0 || (!run->stopping && !queue_is_over(run->queue)))
        uv_run(run->loop, UV_RUN_ONCE);
    end_loop(run);
    g_hash_table_unref(run->sessions);
    queue_free(run->queue);
}

static gboolean run_loop(struct run *run, const struct known_hosts *known, struct capture_writer *writer,
                         GError **error)
{
    const char *agent = run->options->use_agent ? g_getenv("SSH_AUTH_SOCK") : NULL;
    struct keyring *keyring = keyring_new(g_get_home_dir(), agent);

    run->writer = writer;
    run->loop = g_new0(uv_loop_t, 1);
    int status = uv_loop_init(run->loop);
    if (status != 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "no event loop: %s", uv_strerror(status));
        g_free(run->loop);
    } else {
        ask_agent(run, keyring);
        set_means(run, known, keyring, writer);
        run_hosts(run);
        g_free(run->means.transport.buffer);
    }
    keyring_free(keyring);
    if (!run->error)
        return status == 0;
    g_propagate_error(error, g_steal_pointer(&run->error));
    return FALSE;
}

gboolean collector_run(struct collector_result *result, const struct inventory *inventory,
                       struct capture_writer *writer, const struct collector_options *options, GError **error)
{
    struct run run = {.inventory = inventory, .options = options, .result = result};
    g_autoptr(known_hosts_auto) known = known_hosts_new();
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old_pipe;
    struct rlimit old_limit;
    gboolean ok = FALSE;

    *result = (struct collector_result){0};
    if (!load_known_hosts(known, options->known_hosts, error))
        return FALSE;
    for (guint i = 0; i < known_hosts_warnings(known)->len; i++)
        tell(&run, NULL, g_ptr_array_index(known_hosts_warnings(known), i));
    if (libssh2_init(0) != 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "libssh2 cannot be set up");
        return FALSE;
    }
    /* Four threads, libuv's default, would let four names that nobody answers for hold up the others. */
    g_setenv("UV_THREADPOOL_SIZE", LOOKUP_THREADS, FALSE);
    sigaction(SIGPIPE, &ignore, &old_pipe);
    getrlimit(RLIMIT_NOFILE, &old_limit);
    unsigned wanted = MIN(options->fanout ? options->fanout : COLLECTOR_FANOUT, COLLECTOR_FANOUT_MAX);
    run.fanout = fit_fanout(&run, MAX(MIN(wanted, inventory->hosts->len), 1), &old_limit);
    ok = run_loop(&run, known, writer, error);
    setrlimit(RLIMIT_NOFILE, &old_limit);
    sigaction(SIGPIPE, &old_pipe, NULL);
    libssh2_exit();
    return ok;
}
