#include "collector.h"

#include "error.h"
#include "file.h"
#include "keyring.h"
#include "known_hosts.h"
#include "parent.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

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
        [REASON_WORKER] = "worker-failed",
        [REASON_UNREAD] = CAPTURE_UNREAD,
        [REASON_NOT_SEARCHED] = "not-searched",
        [REASON_NO_INSTANCE] = CAPTURE_NO_INSTANCE,
        [REASON_NO_TOOL] = "no-tool",
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

struct capture_host *collector_too_long(const struct capture_host *host)
{
    struct capture_host *line = capture_host_new();

    line->name = g_strdup(host->name);
    line->status = CAPTURE_FAILED;
    line->reason = g_strdup(collector_reason_name(REASON_LIMIT));
    line->message = g_strdup("it sent more than fits into one line of the capture");
    line->started = host->started;
    line->finished = host->finished;
    return line;
}

static void tell(const struct collector_options *options, const char *message)
{
    if (options->progress)
        options->progress(options->context, NULL, message);
}

/* Set-up. */

/* As many hosts at once as there may be descriptors for; the limit is raised as far as we are allowed to. */
static unsigned fit_fanout(const struct collector_options *options, unsigned fanout, struct rlimit *before)
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
    tell(options, message);
    return fits;
}

/* Of the usual ones each may be missing, and one that cannot be read costs the hosts that only it knows. */
static void load_usual(const struct collector_options *options, struct known_hosts *known, const char *path)
{
    g_autoptr(GError) error = NULL;

    if (access(path, F_OK) == 0 && !known_hosts_load(known, path, &error))
        tell(options, error->message);
}

static gboolean load_known_hosts(const struct collector_options *options, struct known_hosts *known,
                                 const char *const *paths, GError **error)
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
        load_usual(options, known, path);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(system_paths); i++)
        load_usual(options, known, system_paths[i]);
    return TRUE;
}

/* Before anything else: what is wrong with the agent concerns all hosts, and waiting for it should hold up none. */
static void ask_agent(const struct collector_options *options, const struct inventory *inventory,
                      struct keyring *keyring)
{
    struct agent *agent = keyring_agent(keyring);
    g_autoptr(GError) error = NULL;
    gboolean wanted = FALSE;

    for (guint i = 0; i < inventory->hosts->len; i++) {
        const struct inventory_host *host = g_ptr_array_index(inventory->hosts, i);
        wanted = wanted || host->connection == INVENTORY_SSH;
    }
    if (agent && wanted && !agent_identities(agent, &error))
        tell(options, error->message);
}

static gboolean run(struct collector_result *result, struct parent_means *means, GError **error)
{
    const struct collector_options *options = means->options;
    const char *agent = options->use_agent ? g_getenv("SSH_AUTH_SOCK") : NULL;

    means->keyring = keyring_new(g_get_home_dir(), agent);
    ask_agent(options, means->inventory, means->keyring);
    gboolean ok = parent_run(result, means, error);
    keyring_free(means->keyring);
    return ok;
}

gboolean collector_run(struct collector_result *result, const struct inventory *inventory,
                       struct capture_writer *writer, const struct collector_options *options, GError **error)
{
    g_autoptr(known_hosts_auto) known = known_hosts_new();
    struct parent_means means = {.inventory = inventory, .options = options, .known_hosts = known, .writer = writer};
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old_pipe;
    struct rlimit old_limit;

    *result = (struct collector_result){0};
    if (!load_known_hosts(options, known, options->known_hosts, error))
        return FALSE;
    for (guint i = 0; i < known_hosts_warnings(known)->len; i++)
        tell(options, g_ptr_array_index(known_hosts_warnings(known), i));
    /* Four threads, libuv's default, would let four names that nobody answers for hold up the others. */
    g_setenv("UV_THREADPOOL_SIZE", LOOKUP_THREADS, FALSE);
    sigaction(SIGPIPE, &ignore, &old_pipe);
    getrlimit(RLIMIT_NOFILE, &old_limit);
    unsigned wanted = MIN(options->fanout ? options->fanout : COLLECTOR_FANOUT, COLLECTOR_FANOUT_MAX);
    means.fanout = fit_fanout(options, MAX(MIN(wanted, inventory->hosts->len), 1), &old_limit);
    gboolean ok = run(result, &means, error);
    setrlimit(RLIMIT_NOFILE, &old_limit);
    sigaction(SIGPIPE, &old_pipe, NULL);
    return ok;
}
