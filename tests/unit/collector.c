/*
 * collector/: from an inventory to a capture, against real sshd processes on loopback addresses, servers that are none,
 * and the shell of this machine.
 */
#include "collector.h"

#include "dial.h"
#include "file.h"
#include "order.h"
#include "service.h"
#include "shell.h"
#include "transport.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#define ADDRESS "127.0.0.1"

/* Small tools. */

static const char *find_sshd(void)
{
    static const char *const paths[] = {"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    return NULL;
}

#define NEEDS_SSHD()                                                                                                   \
    do {                                                                                                               \
        if (!find_sshd())                                                                                              \
            cr_skip_test("no sshd on this machine");                                                                   \
    } while (0)

static void run_command(const char *const *argv)
{
    int status = -1;
    g_autoptr(GError) error = NULL;
    g_autofree char *complaint = NULL;
    cr_assert(g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL,
                           NULL, &complaint, &status, &error),
              "%s: %s", argv[0], error ? error->message : "");
    cr_assert_eq(status, 0, "%s: %s", argv[0], complaint);
}

static void remove_folder(const char *path)
{
    run_command((const char *const[]){"rm", "-rf", "--", path, NULL});
}

static void make_key(const char *path, const char *type, const char *passphrase)
{
    run_command(
        (const char *const[]){"ssh-keygen", "-q", "-t", type, "-N", passphrase, "-C", "test", "-f", path, NULL});
}

/* "type base64" of path.pub. */
static char *public_half(const char *path)
{
    g_autofree char *file = g_strconcat(path, ".pub", NULL);
    char *text = NULL;
    cr_assert(g_file_get_contents(file, &text, NULL, NULL), "%s", file);
    return g_strchomp(text);
}

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 64) == 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static uint16_t free_port(void)
{
    uint16_t port;
    close(listen_somewhere(&port));
    return port;
}

/* libuv keeps some for the length of the process: they are opened by a first loop. */
static unsigned open_descriptors(void)
{
    uv_loop_t loop;
    uv_signal_t signal;
    uv_loop_init(&loop);
    uv_signal_init(&loop, &signal);
    uv_close((uv_handle_t *)&signal, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);

    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    unsigned count = 0;
    while (g_dir_read_name(dir))
        count++;
    return count;
}

/* A folder with keys, and the servers that use them. */

static char *sap_root; /* of all hosts: a folder in the place with one instance */

struct place {
    char *folder;
    char *client_key;
    GPtrArray *pids; /* of what was started */
    int hold;        /* a pipe in the folder, open for writing as long as the place is */
};

static char *in_place(const struct place *place, const char *name)
{
    return g_build_filename(place->folder, name, NULL);
}

static void place_open(struct place *place)
{
    place->folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    place->client_key = in_place(place, "client");
    place->pids = g_ptr_array_new();
    g_autofree char *hold = in_place(place, "hold");
    cr_assert_eq(mkfifo(hold, 0600), 0);
    place->hold = open(hold, O_RDWR | O_CLOEXEC);
    sap_root = in_place(place, "sap");
    g_autofree char *work = in_place(place, "sap/PRD/D00/work"), *trace = g_build_filename(work, "dev_icm", NULL);
    cr_assert_eq(g_mkdir_with_parents(work, 0755), 0);
    cr_assert(g_file_set_contents(trace, "trc file: \"dev_icm\"\n", -1, NULL));
    make_key(place->client_key, "ed25519", "");
}

static void place_close(struct place *place)
{
    for (guint i = 0; i < place->pids->len; i++) {
        GPid pid = GPOINTER_TO_INT(g_ptr_array_index(place->pids, i));
        kill(pid, SIGTERM);
        g_spawn_close_pid(pid);
    }
    close(place->hold); /* the last one who could write there */
    remove_folder(place->folder);
    g_free(place->folder);
    g_free(place->client_key);
    g_clear_pointer(&sap_root, g_free);
    g_ptr_array_unref(place->pids);
}

static void die_with_parent(gpointer data)
{
    (void)data;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

static void start(struct place *place, const char *const *argv)
{
    GPid pid;
    g_autoptr(GError) error = NULL;
    cr_assert(g_spawn_async(NULL, (char **)argv, NULL,
                            G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL |
                                G_SPAWN_SEARCH_PATH,
                            die_with_parent, NULL, &pid, &error),
              "%s", error ? error->message : "");
    g_ptr_array_add(place->pids, GINT_TO_POINTER(pid));
}

static gboolean is_listening(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    gboolean ok = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return ok;
}

static gboolean root_is_locked(void)
{
    g_autofree char *shadow = NULL;
    return g_file_get_contents("/etc/shadow", &shadow, NULL, NULL) && strstr(shadow, "root:!");
}

/* One sshd; ${more} are further lines of its configuration, ${ports} where it listens. */
static void start_sshd(struct place *place, const char *name, const char *host_key, const GArray *ports,
                       const char *more)
{
    g_autoptr(GString) config = g_string_new(NULL);
    /* The first value of a keyword counts, and what is set for all has to stand before any Match. */
    const char *match = strstr(more, "Match ");
    g_string_append_len(config, more, match ? match - more : (gssize)strlen(more));
    g_autofree char *public = public_half(place->client_key);
    g_autofree char *authorized = in_place(place, "authorized_keys");
    g_autofree char *path = in_place(place, name);

    cr_assert(g_file_set_contents(authorized, public, -1, NULL));
    for (guint i = 0; i < ports->len; i++)
        g_string_append_printf(config, "ListenAddress " ADDRESS ":%u\n", g_array_index(ports, uint16_t, i));
    g_string_append_printf(
        config,
        "HostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM %s\n"
        "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\nUseDNS no\n"
        "MaxStartups 1000\nLogLevel ERROR\nSetEnv HOME=/nonexistent\n%s", /* no log-in scripts of whoever tests */
        host_key, authorized, getuid() == 0 && root_is_locked() ? "yes" : "no", match ? match : "");
    cr_assert(g_file_set_contents(path, config->str, -1, NULL));
    if (getuid() == 0)
        g_mkdir_with_parents("/run/sshd", 0755);
    start(place, (const char *const[]){find_sshd(), "-D", "-e", "-f", path, NULL});
    for (int i = 0; i < 2000 && !is_listening(g_array_index(ports, uint16_t, 0)); i++)
        g_usleep(10000);
    cr_assert(is_listening(g_array_index(ports, uint16_t, 0)), "sshd does not start:\n%s", config->str);
}

/* An inventory and what came of it. */

static void host_free(void *data)
{
    struct inventory_host *host = data;
    g_free(host->name);
    g_free(host->address);
    g_free(host->user);
    g_free(host->key_file);
    g_free(host->sap_root);
    g_ptr_array_unref(host->groups);
    g_free(host);
}

static struct inventory_host *host_new(const char *name, uint16_t port, const char *key_file)
{
    struct inventory_host *host = g_new0(struct inventory_host, 1);
    host->name = g_strdup(name);
    host->address = g_strdup(ADDRESS);
    host->port = port;
    host->key_file = g_strdup(key_file);
    host->sap_root = g_strdup(sap_root);
    host->groups = g_ptr_array_new_with_free_func(g_free);
    return host;
}

struct outcome {
    gboolean ok;
    GError *error;
    struct collector_result result;
    struct capture *capture;
    GString *messages; /* of progress without a host */
    unsigned progress;
    GString *states; /* as they were traced */
    int signal;      /* to be raised after the first host */
};

static void on_progress(void *context, const struct capture_host *host, const char *message)
{
    struct outcome *outcome = context;
    if (!host) {
        g_string_append_printf(outcome->messages, "%s\n", message);
        return;
    }
    outcome->progress++;
    if (outcome->signal && outcome->progress == 1)
        raise(outcome->signal);
}

static void on_trace(void *context, const char *host, const char *from, const char *to)
{
    struct outcome *outcome = context;
    g_string_append_printf(outcome->states, "%s: %s -> %s\n", host, from, to);
}

static void collect(struct outcome *outcome, const char *folder, GPtrArray *hosts, struct collector_options options)
{
    struct inventory inventory = {.path = (char *)"test", .hosts = hosts};
    g_autofree char *sha256 = g_strnfill(64, '0');
    struct capture_header header = {.program = (char *)"test", .inventory_sha256 = sha256};
    g_autofree char *path = g_build_filename(folder, "capture", NULL);
    struct capture_writer *writer = capture_create(path, &header, &outcome->error);

    cr_assert_null(outcome->error, "%s", outcome->error ? outcome->error->message : "");
    outcome->messages = g_string_new(NULL);
    outcome->states = g_string_new(NULL);
    options.worker = (const char *const[]){TRUSTGAP, COLLECTOR_WORKER, NULL};
    options.progress = on_progress;
    options.trace = on_trace;
    options.context = outcome;
    outcome->ok = collector_run(&outcome->result, &inventory, writer, &options, &outcome->error);
    capture_close(writer);
    outcome->capture = capture_open(path, NULL);
    cr_assert_not_null(outcome->capture);
}

static void outcome_clear(struct outcome *outcome)
{
    g_clear_error(&outcome->error);
    capture_free(outcome->capture);
    g_string_free(outcome->messages, TRUE);
    g_string_free(outcome->states, TRUE);
}

static const struct capture_host *find_host(const struct outcome *outcome, const char *name)
{
    for (guint i = 0; i < outcome->capture->hosts->len; i++) {
        const struct capture_host *host = g_ptr_array_index(outcome->capture->hosts, i);
        if (strcmp(host->name, name) == 0)
            return host;
    }
    return NULL;
}

static const struct capture_host *need_host(const struct outcome *outcome, const char *name)
{
    const struct capture_host *host = find_host(outcome, name);
    g_assert(host);
    return host;
}

static void expect_host(const struct outcome *outcome, const char *name, enum capture_status status, const char *reason,
                        const char *message)
{
    const struct capture_host *host = find_host(outcome, name);
    if (!host) {
        cr_expect(FALSE, "%s: no line", name);
        return;
    }
    cr_expect_eq(host->status, status, "%s: status %d (%s, %s)", name, host->status, host->reason, host->message);
    cr_expect_str_eq(host->reason ? host->reason : "", reason, "%s: %s, %s", name, host->reason, host->message);
    cr_expect(strstr(host->message ? host->message : "", message), "%s: %s", name, host->message);
}

/* Servers that are none: each takes what comes and does one thing with it, in a thread. */

enum misbehaviour {
    SILENT,      /* never says a word */
    CLOSES,      /* hangs up at once */
    HTTP,        /* is something else */
    BANNER_ONLY, /* says who it is and nothing more */
    BANNER_CLOSES,
    OFFER_ONLY, /* and what algorithms it has, and nothing more */
    FLOOD,      /* lines without end */
    ENDLESS,    /* a banner without end */
    MAIL,       /* greets and waits for an answer */
    SSH_1,      /* likewise */
    MAX_STARTUPS,
    PENALTY, /* of OpenSSH 9.8: says so, and here does not hang up */
    GARBAGE, /* a banner, then no SSH */
};

struct misfit {
    int fd;
    enum misbehaviour behaviour;
};

static void send_offer(int fd)
{
    static const char *const lists[] = {"curve25519-sha256", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256",
                                        "hmac-sha2-256",     "none",        "none",       "",           ""};
    g_autoptr(GByteArray) payload = g_byte_array_new();
    uint8_t zeros[32] = {0};
    uint8_t type = 20;

    g_byte_array_append(payload, &type, 1);
    g_byte_array_append(payload, zeros, 16);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        uint32_t size = htonl((uint32_t)strlen(lists[i]));
        g_byte_array_append(payload, (const uint8_t *)&size, 4);
        g_byte_array_append(payload, (const uint8_t *)lists[i], (guint)strlen(lists[i]));
    }
    g_byte_array_append(payload, zeros, 5);
    uint8_t padding = (uint8_t)(8 - (payload->len + 5) % 8 + 8);
    uint32_t size = htonl(payload->len + 1 + padding);
    g_autoptr(GByteArray) packet = g_byte_array_new();
    g_byte_array_append(packet, (const uint8_t *)&size, 4);
    g_byte_array_append(packet, &padding, 1);
    g_byte_array_append(packet, payload->data, payload->len);
    g_byte_array_append(packet, zeros, padding);
    send(fd, packet->data, packet->len, MSG_NOSIGNAL);
}

static void say(int fd, const char *text)
{
    send(fd, text, strlen(text), MSG_NOSIGNAL);
}

static void *misbehave(void *data)
{
    const struct misfit *misfit = data;
    static const char banner[] = "SSH-2.0-misfit\r\n";

    for (;;) {
        int fd = accept4(misfit->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            return NULL;
        switch (misfit->behaviour) {
        case CLOSES:
            close(fd);
            break;
        case HTTP:
            send(fd, "HTTP/1.1 400 Bad\033 Request\r\n\r\n", 30, MSG_NOSIGNAL);
            shutdown(fd, SHUT_WR);
            break;
        case FLOOD:
            while (send(fd, "welcome\nwelcome\nwelcome\nwelcome\n", 32, MSG_NOSIGNAL) > 0)
                ;
            close(fd);
            break;
        case ENDLESS:
            send(fd, "SSH-2.0-", 8, MSG_NOSIGNAL);
            while (send(fd, "welcome welcome welcome welcome ", 32, MSG_NOSIGNAL) > 0)
                ;
            close(fd);
            break;
        case MAIL:
            say(fd, "220 mail.example.com ESMTP\r\n");
            break;
        case SSH_1:
            say(fd, "SSH-1.5-old\n");
            break;
        case MAX_STARTUPS:
            say(fd, "Exceeded MaxStartups\r\n");
            close(fd);
            break;
        case PENALTY:
            say(fd, "Not allowed at this time\r\n");
            break;
        case GARBAGE:
            send(fd, banner, strlen(banner), MSG_NOSIGNAL);
            send(fd, "this is no packet at all, whatever you think\n", 45, MSG_NOSIGNAL);
            break;
        case OFFER_ONLY:
            send(fd, banner, strlen(banner), MSG_NOSIGNAL);
            send_offer(fd);
            break;
        case BANNER_ONLY:
        case BANNER_CLOSES:
            send(fd, banner, strlen(banner), MSG_NOSIGNAL);
            if (misfit->behaviour == BANNER_CLOSES)
                shutdown(fd, SHUT_RDWR);
            break;
        case SILENT:
            break;
        }
    }
}

static uint16_t start_misfit(enum misbehaviour behaviour)
{
    static struct misfit misfits[16];
    static unsigned count;
    uint16_t port;
    struct misfit *misfit = &misfits[count++];

    misfit->fd = listen_somewhere(&port);
    misfit->behaviour = behaviour;
    g_thread_unref(g_thread_new("misfit", misbehave, misfit));
    return port;
}

static void owner_forget(void *context, int fd)
{
    (void)context;
    (void)fd;
}

/* Everything that can go wrong with one host, all in one run: nobody is disturbed by his neighbours. */

enum knowledge { KNOWN, NOT_KNOWN, OTHER_KEY, OTHER_TYPE, REVOKED, RSA_ONLY };

static const struct {
    const char *what;
    const char *forced; /* what sshd runs instead of the shell; NULL: the shell */
    enum knowledge knowledge;
    const char *key_file; /* NULL: the right one */
    enum capture_status status;
    const char *reason, *message;
} cases[] = {
    {"good", NULL, KNOWN, NULL, CAPTURE_COLLECTED, "", ""},
    {"unknown host key", NULL, NOT_KNOWN, NULL, CAPTURE_FAILED, "host-key-unknown", "ssh-keyscan -p"},
    {"changed host key", NULL, OTHER_KEY, NULL, CAPTURE_FAILED, "host-key-changed", "known_hosts:"},
    {"changed to another type", NULL, OTHER_TYPE, NULL, CAPTURE_FAILED, "host-key-changed", "another type"},
    {"revoked host key", NULL, REVOKED, NULL, CAPTURE_FAILED, "host-key-revoked", "revoked by"},
    {"key that the server does not want", NULL, KNOWN, "stranger", CAPTURE_FAILED, "login-refused",
     "the server accepts: publickey"},
    {"key file that is not there", NULL, KNOWN, "nothing", CAPTURE_FAILED, "key-file", "nothing: No such file"},
    {"encrypted key file", NULL, KNOWN, "encrypted", CAPTURE_FAILED, "key-file", "encrypted with a passphrase"},
    {"encrypted key file in PEM form", NULL, KNOWN, "encrypted-pem", CAPTURE_FAILED, "key-file",
     "encrypted with a passphrase"},
    {"public key", NULL, KNOWN, "stranger.pub", CAPTURE_FAILED, "key-file", "is a public key"},
    {"key file that others may read", NULL, KNOWN, "open", CAPTURE_FAILED, "key-file", "chmod 600"},
    {"key file that is a folder", NULL, KNOWN, ".", CAPTURE_FAILED, "key-file", "Is a directory"},
    {"no shell", "echo This account is currently not available.; exit 1", KNOWN, NULL, CAPTURE_FAILED, "no-shell",
     "(exit status 1): This account is currently not available."},
    {"a key on standard error", "echo '-----BEGIN PRIVATE KEY-----' >&2; exit 3", KNOWN, NULL, CAPTURE_FAILED,
     "no-shell", "(exit status 3): not shown, since it looks like a private key"},
    {"a key in the place of a shell", "echo '-----BEGIN PRIVATE KEY-----'; exit 3", KNOWN, NULL, CAPTURE_FAILED,
     "no-shell", "(exit status 3): not shown, since it looks like a private key"},
    {"no such command", "/nonexistent/command", KNOWN, NULL, CAPTURE_FAILED, "no-shell", "(exit status 127)"},
    {"killed shell", "kill -9 $$", KNOWN, NULL, CAPTURE_FAILED, "no-shell", "(signal KILL)"},
    {"says nothing and ends well", "exit 0", KNOWN, NULL, CAPTURE_FAILED, "no-shell", "no shell answered"},
    {"noise of log-in scripts", "echo Welcome; printf 'last log-in: '; exec /bin/sh", KNOWN, NULL, CAPTURE_COLLECTED,
     "", ""},
    {"endless noise", "yes", KNOWN, NULL, CAPTURE_FAILED, "limit", "before the probe's first line"},
    {"much on standard error", "head -c 3000000 /dev/zero | tr '\\0' e >&2; exec /bin/sh", KNOWN, NULL,
     CAPTURE_COLLECTED, "", ""},
    {"ends in the middle",
     "@first; printf 'instance 0 path=/usr/sap/PRD/D00 sid=PRD name=D00\\n\\ntrace 100 path=/a from=0\\nabc'; echo 'oh "
     "no' >&2; exit 3",
     KNOWN, NULL, CAPTURE_PARTIAL, "probe-incomplete", "(exit status 3): oh no"},
    {"killed in the middle",
     "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\ntrace 100 path=/a from=0\\nabc'; sleep 0.2; kill -9 $PPID",
     KNOWN, NULL, CAPTURE_PARTIAL, "closed", "the server closed the connection while the probe ran"},
    {"bad record", "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\nend 0 records=1\\n\\n'; @over; echo x; @hold",
     KNOWN, NULL, CAPTURE_PARTIAL, "bad-record", "record 3"},
    {"bad record of a system", "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\nnonsense\\n'; @last", KNOWN, NULL,
     CAPTURE_PARTIAL, "bad-record", "/: record 2: its first line has no type"},
    {"a system without its end", "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\n'; @last", KNOWN, NULL,
     CAPTURE_PARTIAL, "probe-incomplete", "/: the probe ended before its last record"},
    {"trace that is too long", "@first; printf 'trace 99999999999 path=/a\\n'; @last", KNOWN, NULL, CAPTURE_PARTIAL,
     "limit", "/: record 1"},
    {"a key in the place of a trace",
     "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\ntrace 28 path=/a\\n-----BEGIN PRIVATE KEY-----\\n\\nend 0 "
     "records=2\\n\\n'; @last",
     KNOWN, NULL, CAPTURE_PARTIAL, "unread", "0 of 1 trace was read: private-key"},
    {"a tool is missing",
     "@plain; printf 'self-test 0 missing=od\\n\\n'; @system; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\nend 0 "
     "records=1\\n\\n'; @over; printf 'end 0 records=3\\n\\n'",
     KNOWN, NULL, CAPTURE_PARTIAL, "no-tool", "missing or don't work: od"},
    {"output that does not end with the probe",
     "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\nend 0 records=1\\n\\n'; @last; @hold", KNOWN, NULL,
     CAPTURE_COLLECTED, "", ""},
    {"nothing at all", "@first; printf 'end 0 records=0\\n\\n'; @last", KNOWN, NULL, CAPTURE_PARTIAL, "no-instance",
     "nothing was found to look at: the probe names no instance; see sap_root in the inventory"},
    {"no folder", "@first; printf 'note 0 reason=no-folder text=no%%20folder\\n\\nend 0 records=1\\n\\n'; @last", KNOWN,
     NULL, CAPTURE_PARTIAL, "no-instance", "nothing was found to look at: no folder; see sap_root in the inventory"},
    {"one of two roots",
     "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\nnote 0 reason=no-trace text=no%%20trace\\n\\nnote 0 "
     "reason=no-folder text=no%%20folder\\n\\nnote 0 reason=limit text=a%%20limit\\n\\nend 0 records=4\\n\\n'; @last",
     KNOWN, NULL, CAPTURE_PARTIAL, "no-instance", "no folder; and 1 more"},
    {"closed folder",
     "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\nnote 0 reason=not-allowed path=/x text=closed\\n\\nend 0 "
     "records=2\\n\\n'; @last",
     KNOWN, NULL, CAPTURE_PARTIAL, "not-searched", "closed"},
    {"a word of a later probe",
     "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\nnote 0 reason=haunted text=boo\\n\\nend 0 "
     "records=2\\n\\n'; @last",
     KNOWN, NULL, CAPTURE_PARTIAL, "not-searched", "boo"},
    {"a note that leaves nothing out",
     "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\nnote 0 text=hello\\n\\nend 0 records=2\\n\\n'; @last",
     KNOWN, NULL, CAPTURE_COLLECTED, "", ""},
    {"unread files",
     "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\nstore 0 path=/a method=none reason=needs-pin\\n\\nstore 0 "
     "path=/b method=none reason=not-allowed%%20%%28sudo:%%20no%%29\\n\\ntrace-unread 0 path=/c "
     "reason=not-a-file\\n\\nend 0 records=4\\n\\n'; @last",
     KNOWN, NULL, CAPTURE_PARTIAL, "unread", "0 of 2 trust lists and 0 of 1 trace were read: not-allowed (sudo: no)"},
    {"an instance without a trace",
     "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\nnote 0 reason=no-trace text=no%%20trace\\n\\nend 0 "
     "records=2\\n\\n'; @last",
     KNOWN, NULL, CAPTURE_COLLECTED, "", ""},
    {"a PSE that says itself why",
     "@first; printf 'instance 0 path=/usr/sap/PRD/D00\\n\\nstore 0 path=/a method=none reason=damaged\\n\\nend 0 "
     "records=2\\n\\n'; @last",
     KNOWN, NULL, CAPTURE_COLLECTED, "", ""},
    {"large trace",
     "@first; printf 'instance 0 path=/i\\n\\ntrace 5000000 path=/a from=0 size=5000000 inode=7\\n'; head -c 5000000 "
     "/dev/zero; printf '\\ntrace-after 0 path=/a size=5000000 inode=7\\n\\nend 0 records=3\\n\\n'; @last",
     KNOWN, NULL, CAPTURE_COLLECTED, "", ""},
};

/*
 * The first lines of the script say the nonce; a stand-in for the probe needs it.  One that holds on does so until
 * place_close(), so that nothing of it is left.
 */
static char *spell_out(const char *forced)
{
    static const struct {
        const char *word, *text;
    } rows[] = {
        /* All that is found is in one system, the root of the file system. */
        {"@first", "@plain; @system"},
        {"@last", "@over; printf 'end 0 records=2\\n\\n'"},
        {"@plain", "read line; eval \"$line\"; cat >/dev/null & printf 'trustgap-probe 2 %s\\n' \"$tg_nonce\""},
        {"@system", "printf 'system 0 path=/\\n\\ntrustgap-system 2\\n'"},
        {"@over", "printf '\\n%s over 0 path=/ status=0\\n\\n' \"$tg_nonce\""},
    };
    g_autoptr(GString) script = g_string_new(forced);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        g_string_replace(script, rows[i].word, rows[i].text, 0);
    g_string_replace(script, "@hold", "cat \"${0%/*}/hold\"", 0);
    return g_strdup(script->str);
}

static void add_known(GString *known, uint16_t port, enum knowledge knowledge, const struct place *place)
{
    static const char *const files[] = {[KNOWN] = "host",
                                        [OTHER_KEY] = "stranger",
                                        [OTHER_TYPE] = "other_type",
                                        [REVOKED] = "host",
                                        [RSA_ONLY] = "rsa"};
    if (knowledge == NOT_KNOWN)
        return;
    g_autofree char *path = in_place(place, files[knowledge]);
    g_autofree char *public = public_half(path);
    g_string_append_printf(known, "%s[" ADDRESS "]:%u %s\n", knowledge == REVOKED ? "@revoked " : "", port, public);
}

static void make_keys(const struct place *place)
{
    g_autofree char *host = in_place(place, "host");
    g_autofree char *stranger = in_place(place, "stranger");
    g_autofree char *other_type = in_place(place, "other_type");
    g_autofree char *encrypted = in_place(place, "encrypted");
    g_autofree char *open_key = in_place(place, "open");
    g_autofree char *pem = in_place(place, "encrypted-pem");
    make_key(host, "ed25519", "");
    make_key(stranger, "ed25519", "");
    make_key(other_type, "ecdsa", "");
    make_key(encrypted, "ed25519", "secret");
    make_key(open_key, "ed25519", "");
    run_command((const char *const[]){"ssh-keygen", "-q", "-m", "PEM", "-t", "ecdsa", "-N", "secret", "-f", pem, NULL});
    g_chmod(open_key, 0644);
}

/* One sshd for so many of the cases: it listens at no more than 16 places. */
#define CASES_PER_SSHD 15

static void start_sshd_for_cases(struct place *place, size_t first, const GArray *ports)
{
    g_autoptr(GString) config = g_string_new("RekeyLimit 1M\n"); /* so that keys are exchanged anew while it talks */
    g_autofree char *host_key = in_place(place, "host");
    g_autofree char *config_name = g_strdup_printf("sshd_config%zu", first);

    for (guint i = 0; i < ports->len; i++) {
        if (!cases[first + i].forced)
            continue;
        g_autofree char *name = g_strdup_printf("forced%zu", first + i);
        g_autofree char *path = in_place(place, name);
        g_autofree char *script = spell_out(cases[first + i].forced);
        cr_assert(g_file_set_contents(path, script, -1, NULL));
        g_string_append_printf(config, "Match LocalPort %u\nForceCommand /bin/sh %s\n",
                               g_array_index(ports, uint16_t, i), path);
    }
    start_sshd(place, config_name, host_key, ports, config->str);
}

Test(collector, every_way_to_go_wrong)
{
    NEEDS_SSHD();
    struct place place;
    place_open(&place);
    make_keys(&place);
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(host_free);
    g_autoptr(GString) known = g_string_new("a broken line\n");

    for (size_t first = 0; first < G_N_ELEMENTS(cases); first += CASES_PER_SSHD) {
        g_autoptr(GArray) ports = g_array_new(FALSE, FALSE, sizeof(uint16_t));
        for (size_t i = first; i < MIN(first + CASES_PER_SSHD, G_N_ELEMENTS(cases)); i++) {
            uint16_t port = free_port();
            g_array_append_val(ports, port);
            g_autofree char *key = in_place(&place, cases[i].key_file ? cases[i].key_file : "client");
            add_known(known, port, cases[i].knowledge, &place);
            g_ptr_array_add(hosts, host_new(cases[i].what, port, key));
        }
        start_sshd_for_cases(&place, first, ports);
    }
    g_autofree char *known_hosts = in_place(&place, "known_hosts");
    cr_assert(g_file_set_contents(known_hosts, known->str, -1, NULL));

    unsigned before = open_descriptors();
    struct outcome outcome = {0};
    collect(&outcome, place.folder, hosts,
            (struct collector_options){.known_hosts = (const char *const[]){known_hosts, NULL}});
    cr_expect_eq(open_descriptors(), before);
    cr_expect(outcome.ok, "%s", outcome.error ? outcome.error->message : "");
    cr_expect_not(outcome.result.cancelled);
    cr_expect(strstr(outcome.messages->str, "known_hosts:1: "), "%s", outcome.messages->str);
    cr_expect(strstr(outcome.states->str, "good: login -> channel\n"), "%s", outcome.states->str);
    cr_expect_eq(outcome.progress, G_N_ELEMENTS(cases));
    unsigned counts[3] = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        expect_host(&outcome, cases[i].what, cases[i].status, cases[i].reason, cases[i].message);
        counts[cases[i].status]++;
    }
    cr_expect_eq(outcome.result.collected, counts[CAPTURE_COLLECTED]);
    cr_expect_eq(outcome.result.partial, counts[CAPTURE_PARTIAL]);
    cr_expect_eq(outcome.result.failed, counts[CAPTURE_FAILED]);

    const struct capture_host *large = need_host(&outcome, "large trace");
    cr_assert_eq(large->traces->len, 1);
    const struct capture_trace *trace = g_ptr_array_index(large->traces, 0);
    cr_expect_eq(trace->length_bytes, 5000000);
    cr_expect_not(trace->moved);
    g_autoptr(GBytes) bytes = capture_load(outcome.capture, trace->object, 10000000, NULL);
    cr_assert_not_null(bytes);
    cr_expect_eq(g_bytes_get_size(bytes), 5000000);

    const struct capture_host *cut = need_host(&outcome, "ends in the middle");
    cr_assert_eq(cut->traces->len, 1);
    trace = g_ptr_array_index(cut->traces, 0);
    cr_expect_eq(trace->length_bytes, 3);
    cr_expect_eq(cut->notes->len, 1);
    outcome_clear(&outcome);
    place_close(&place);
}

/* What answers at a port and is no SSH server. */

static const struct {
    enum misbehaviour behaviour;
    const char *what, *reason, *message;
} misfits[] = {
    {SILENT, "silent", "time-out", "time-out after 3 s while waiting for the SSH banner of 127.0.0.1 port "},
    {BANNER_ONLY, "only a banner", "time-out", "which has sent the banner \"SSH-2.0-misfit\" and no more"},
    {OFFER_ONLY, "stops in the key exchange", "time-out", "time-out after 3 s while exchanging keys"},
    {MAIL, "a mail server", "protocol", "is no SSH server: it says \"220 mail.example.com ESMTP\""},
    /* From here on an answer comes, though a busy machine may take its time for it. */
    {CLOSES, "hangs up", "busy", "; tried "},
    {BANNER_CLOSES, "hangs up after its banner", "busy", "; tried "},
    {MAX_STARTUPS, "too many at once", "busy", "; tried "},
    {PENALTY, "a penalty", "busy", "; tried "},
    {SSH_1, "SSH 1", "protocol", "speaks only SSH 1, which nobody should use any more: its banner is \"SSH-1.5-old\""},
    {ENDLESS, "a banner without end", "protocol", "an SSH banner of more than 255 bytes"},
    {HTTP, "a web server", "protocol", "it says \"HTTP/1.1 400 Bad\\x1b Request\""},
    {FLOOD, "lines without end", "protocol", "it says \"welcome\""},
    {GARBAGE, "a banner and garbage", "protocol", "sends a packet of 1952999795 bytes"},
};

static gboolean is_silent(size_t i)
{
    return strcmp(misfits[i].reason, "time-out") == 0 || misfits[i].behaviour == MAIL;
}

static GPtrArray *misfit_hosts(const struct place *place, gboolean silent)
{
    GPtrArray *hosts = g_ptr_array_new_with_free_func(host_free);

    for (size_t i = 0; i < G_N_ELEMENTS(misfits); i++)
        if (is_silent(i) == silent)
            g_ptr_array_add(hosts, host_new(misfits[i].what, start_misfit(misfits[i].behaviour), place->client_key));
    return hosts;
}

static void expect_misfits(const struct outcome *outcome, gboolean silent)
{
    cr_expect(outcome->ok);
    for (size_t i = 0; i < G_N_ELEMENTS(misfits); i++)
        if (is_silent(i) == silent)
            expect_host(outcome, misfits[i].what, CAPTURE_FAILED, misfits[i].reason, misfits[i].message);
}

Test(collector, servers_that_say_nothing)
{
    struct place place;
    place_open(&place);
    g_autoptr(GPtrArray) hosts = misfit_hosts(&place, TRUE);
    unsigned before = open_descriptors();
    struct outcome outcome = {0};

    collect(&outcome, place.folder, hosts,
            (struct collector_options){.known_hosts = (const char *const[]){"/dev/null", NULL},
                                       .connect_timeout_ms = 3000});
    cr_expect_leq(open_descriptors(), before + G_N_ELEMENTS(misfits)); /* the misfits' own ends */
    expect_misfits(&outcome, TRUE);
    cr_expect_eq(outcome.result.failed, hosts->len);
    outcome_clear(&outcome);
    place_close(&place);
}

Test(collector, servers_that_are_none)
{
    struct place place;
    place_open(&place);
    g_autoptr(GPtrArray) hosts = misfit_hosts(&place, FALSE);

    g_ptr_array_add(hosts, host_new("refused", free_port(), place.client_key));
    struct inventory_host *nameless = host_new("no such name", 22, place.client_key);
    g_free(nameless->address);
    nameless->address = g_strdup("-no-such-name");
    g_ptr_array_add(hosts, nameless);
    struct inventory_host *unroutable = host_new("no route", 22, place.client_key);
    g_free(unroutable->address);
    unroutable->address = g_strdup("255.255.255.255");
    g_ptr_array_add(hosts, unroutable);

    unsigned before = open_descriptors();
    struct outcome outcome = {0};
    collect(&outcome, place.folder, hosts,
            (struct collector_options){.known_hosts = (const char *const[]){"/dev/null", NULL},
                                       .connect_timeout_ms = 120000,
                                       .host_timeout_ms = 12000});         /* for some tries */
    cr_expect_leq(open_descriptors(), before + 8 * G_N_ELEMENTS(misfits)); /* the misfits' own ends */
    expect_misfits(&outcome, FALSE);
    expect_host(&outcome, "refused", CAPTURE_FAILED, "refused", "127.0.0.1 port");
    expect_host(&outcome, "no such name", CAPTURE_FAILED, "name-not-found", "-no-such-name");
    expect_host(&outcome, "no route", CAPTURE_FAILED, "unreachable", "255.255.255.255");
    cr_expect_eq(outcome.result.failed, hosts->len);
    outcome_clear(&outcome);
    place_close(&place);
}

/* One sshd, one host: for what cannot be set per port. */
static void collect_one(struct outcome *outcome, struct place *place, const char *key_type, const char *more,
                        enum knowledge knowledge, const char *key_file, struct collector_options options)
{
    g_autofree char *host_key = in_place(place, "host");
    g_autofree char *known_hosts = in_place(place, "known_hosts");
    g_autoptr(GArray) ports = g_array_new(FALSE, FALSE, sizeof(uint16_t));
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(host_free);
    g_autoptr(GString) known = g_string_new(NULL);
    uint16_t port = free_port();

    if (key_type)
        make_key(host_key, key_type, "");
    g_array_append_val(ports, port);
    add_known(known, port, knowledge, place);
    cr_assert(g_file_set_contents(known_hosts, known->str, -1, NULL));
    start_sshd(place, "sshd_config", host_key, ports, more);
    g_ptr_array_add(hosts, host_new("host", port, key_file));
    options.known_hosts = (const char *const[]){known_hosts, NULL};
    collect(outcome, place->folder, hosts, options);
}

/* libssh2 before 1.11 cannot do these; where it can, the log-in has to succeed. */
static void expect_incompatible(const char *key_type, const char *more, const char *message)
{
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    collect_one(&outcome, &place, key_type, more, KNOWN, place.client_key, (struct collector_options){0});
    const struct capture_host *host = need_host(&outcome, "host");
    if (host->status == CAPTURE_COLLECTED)
        cr_log_warn("this libssh2 can do \"%s\"", more);
    else
        expect_host(&outcome, "host", CAPTURE_FAILED, "no-common-algorithm", message);
    outcome_clear(&outcome);
    place_close(&place);
}

Test(collector, server_with_only_an_rsa_host_key)
{
    NEEDS_SSHD();
    expect_incompatible("rsa", "",
                        "no common host key algorithm: the server offers rsa-sha2-512,rsa-sha2-256, and libssh2 ");
}

Test(collector, server_with_only_new_macs)
{
    NEEDS_SSHD();
    expect_incompatible("ed25519", "MACs hmac-sha2-256-etm@openssh.com\n",
                        "no common MAC algorithm: the server offers hmac-sha2-256-etm@openssh.com, and libssh2 ");
}

Test(collector, server_with_only_new_ciphers)
{
    NEEDS_SSHD();
    expect_incompatible("ed25519", "Ciphers aes128-gcm@openssh.com\n",
                        "no common cipher algorithm: the server offers aes128-gcm@openssh.com, and libssh2 ");
}

Test(collector, known_by_its_rsa_key_only)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autofree char *rsa = in_place(&place, "rsa");
    make_key(rsa, "rsa", "");
    g_autofree char *more = g_strdup_printf("HostKey %s\n", rsa);
    collect_one(&outcome, &place, "ed25519", more, RSA_ONLY, place.client_key, (struct collector_options){0});
    if (need_host(&outcome, "host")->status != CAPTURE_COLLECTED)
        expect_host(&outcome, "host", CAPTURE_FAILED, "host-key-unknown", "by its RSA key only");
    outcome_clear(&outcome);
    place_close(&place);
}

Test(collector, login_with_an_rsa_key)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_unlink(place.client_key);
    make_key(place.client_key, "rsa", "");
    collect_one(&outcome, &place, "ed25519", "", KNOWN, place.client_key, (struct collector_options){0});
    if (need_host(&outcome, "host")->status != CAPTURE_COLLECTED)
        expect_host(&outcome, "host", CAPTURE_FAILED, "login-refused", "signs with SHA-1 only");
    outcome_clear(&outcome);
    place_close(&place);
}

Test(collector, login_with_other_kinds_of_keys)
{
    NEEDS_SSHD();
    static const struct {
        const char *type, *bits, *form;
    } kinds[] = {
        {"ecdsa", "256", "RFC4716"}, {"ecdsa", "384", "PEM"}, {"ecdsa", "521", "RFC4716"}, {"rsa", "3072", "PEM"}};

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        struct place place;
        struct outcome outcome = {0};
        place_open(&place);
        g_unlink(place.client_key);
        run_command((const char *const[]){"ssh-keygen", "-q", "-t", kinds[i].type, "-b", kinds[i].bits, "-m",
                                          kinds[i].form, "-N", "", "-f", place.client_key, NULL});
        /* libssh2 1.10 has RSA with SHA-1 only */
        collect_one(&outcome, &place, "ed25519", "PubkeyAcceptedAlgorithms +ssh-rsa\n", KNOWN, place.client_key,
                    (struct collector_options){0});
        expect_host(&outcome, "host", CAPTURE_COLLECTED, "", "");
        outcome_clear(&outcome);
        place_close(&place);
    }
}

Test(collector, a_second_factor_is_named)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    collect_one(&outcome, &place, "ed25519", "PasswordAuthentication yes\nAuthenticationMethods publickey,password\n",
                KNOWN, place.client_key, (struct collector_options){0});
    expect_host(&outcome, "host", CAPTURE_FAILED, "login-refused", "the server accepts: password");
    outcome_clear(&outcome);
    place_close(&place);
}

/* ssh-agent. */

static gboolean is_agent_there(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    gboolean ok = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return ok;
}

static char *start_agent(struct place *place)
{
    char *path = in_place(place, "agent");
    g_autofree char *command = g_find_program_in_path("ssh-agent");
    start(place, (const char *const[]){command, "-D", "-a", path, NULL});
    for (int i = 0; i < 1000 && !is_agent_there(path); i++)
        g_usleep(10000);
    g_setenv("SSH_AUTH_SOCK", path, TRUE);
    return path;
}

Test(collector, login_with_the_agent)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autofree char *agent = start_agent(&place);
    g_autofree char *stranger = in_place(&place, "stranger");
    g_autofree char *rsa = in_place(&place, "rsa");
    make_key(stranger, "ed25519", "");
    make_key(rsa, "rsa", "");
    run_command((const char *const[]){"ssh-add", "-q", rsa, stranger, place.client_key, NULL});
    g_setenv("HOME", place.folder, TRUE); /* with no keys */
    collect_one(&outcome, &place, "ed25519", "", KNOWN, NULL, (struct collector_options){.use_agent = TRUE});
    expect_host(&outcome, "host", CAPTURE_COLLECTED, "", "");
    outcome_clear(&outcome);
    place_close(&place);
}

Test(collector, encrypted_key_file_that_the_agent_holds)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autofree char *agent = start_agent(&place);
    run_command((const char *const[]){"ssh-add", "-q", place.client_key, NULL});
    run_command(
        (const char *const[]){"ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", place.client_key, NULL});
    collect_one(&outcome, &place, "ed25519", "", KNOWN, place.client_key,
                (struct collector_options){.use_agent = TRUE});
    expect_host(&outcome, "host", CAPTURE_COLLECTED, "", "");
    outcome_clear(&outcome);
    place_close(&place);
}

Test(collector, agent_is_not_asked_unless_allowed)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autofree char *agent = start_agent(&place);
    run_command((const char *const[]){"ssh-add", "-q", place.client_key, NULL});
    g_setenv("HOME", place.folder, TRUE);
    collect_one(&outcome, &place, "ed25519", "", KNOWN, NULL, (struct collector_options){0});
    expect_host(&outcome, "host", CAPTURE_FAILED, "key-file", "no key to log in with");
    outcome_clear(&outcome);
    place_close(&place);
}

Test(collector, too_many_keys_are_told)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autofree char *agent = start_agent(&place);
    for (int i = 0; i < 3; i++) {
        g_autofree char *name = g_strdup_printf("stranger%d", i);
        g_autofree char *path = in_place(&place, name);
        make_key(path, "ed25519", "");
        run_command((const char *const[]){"ssh-add", "-q", path, NULL});
    }
    g_setenv("HOME", place.folder, TRUE);
    collect_one(&outcome, &place, "ed25519", "MaxAuthTries 2\n", KNOWN, NULL,
                (struct collector_options){.use_agent = TRUE});
    expect_host(&outcome, "host", CAPTURE_FAILED, "login-refused", "Too many authentication failures");
    outcome_clear(&outcome);
    place_close(&place);
}

/* Many hosts. */

static GPtrArray *same_hosts(const struct place *place, unsigned count, uint16_t port)
{
    GPtrArray *hosts = g_ptr_array_new_with_free_func(host_free);
    for (unsigned i = 0; i < count; i++) {
        g_autofree char *name = g_strdup_printf("host%u", i);
        g_ptr_array_add(hosts, host_new(name, port, place->client_key));
    }
    return hosts;
}

static uint16_t start_plain_sshd(struct place *place, const char *more, char **known_hosts)
{
    g_autofree char *host_key = in_place(place, "host");
    g_autoptr(GArray) ports = g_array_new(FALSE, FALSE, sizeof(uint16_t));
    g_autoptr(GString) known = g_string_new(NULL);
    uint16_t port = free_port();

    make_key(host_key, "ed25519", "");
    g_array_append_val(ports, port);
    start_sshd(place, "sshd_config", host_key, ports, more);
    add_known(known, port, KNOWN, place);
    *known_hosts = in_place(place, "known_hosts");
    cr_assert(g_file_set_contents(*known_hosts, known->str, -1, NULL));
    return port;
}

/* Who has connected to a socket and was not accepted. */
static unsigned count_calls(int fd)
{
    unsigned count = 0;

    fcntl(fd, F_SETFL, O_NONBLOCK);
    for (int call; (call = accept(fd, NULL, NULL)) >= 0; count++)
        close(call);
    return count;
}

static char *hashed_name(const char *name)
{
    static const uint8_t salt[20] = "salt salt salt salt";
    uint8_t digest[20];
    gsize size = sizeof digest;
    g_autoptr(GHmac) hmac = g_hmac_new(G_CHECKSUM_SHA1, salt, sizeof salt);
    g_hmac_update(hmac, (const guchar *)name, -1);
    g_hmac_get_digest(hmac, digest, &size);
    g_autofree char *salt_text = g_base64_encode(salt, sizeof salt), *text = g_base64_encode(digest, sizeof digest);
    return g_strdup_printf("|1|%s|%s", salt_text, text);
}

/*
 * Whom a hashed line is about is known too late for the first handshake: a server that then shows another of its keys
 * is asked once more, and one that has no other is refused.
 */
Test(collector, hashed_line_of_another_type)
{
    NEEDS_SSHD();
    struct place place;
    place_open(&place);
    g_autofree char *known_hosts = NULL, *ecdsa = in_place(&place, "other_type");
    g_autofree char *stand_in = in_place(&place, "stand-in");
    g_autofree char *script = spell_out("@first; printf 'instance 0 path=/i\\n\\nend 0 records=1\\n\\n'; @last");
    make_key(ecdsa, "ecdsa", "");
    cr_assert(g_file_set_contents(stand_in, script, -1, NULL));
    g_autofree char *more = g_strdup_printf("HostKey %s\nForceCommand /bin/sh %s\n", ecdsa, stand_in);
    uint16_t port = start_plain_sshd(&place, more, &known_hosts);
    g_autofree char *name = g_strdup_printf("[" ADDRESS "]:%u", port);
    g_autofree char *ours = hashed_name(name), *another = hashed_name("another.example.com");
    g_autofree char *host_key = in_place(&place, "host"), *stranger = in_place(&place, "stranger");
    make_key(stranger, "ecdsa", "");
    for (int known = 0; known < 2; known++) {
        struct outcome outcome = {0};
        g_autofree char *folder = in_place(&place, known ? "known" : "changed");
        g_autofree char *public = public_half(known ? ecdsa : stranger), *first = public_half(host_key);
        g_autofree char *file = g_strdup_printf("%s %s\n%s %s\n", another, first, ours, public);
        cr_assert(g_file_set_contents(known_hosts, file, -1, NULL));
        cr_assert_eq(g_mkdir(folder, 0700), 0);
        g_autoptr(GPtrArray) hosts = same_hosts(&place, 1, port);
        collect(&outcome, folder, hosts,
                (struct collector_options){.known_hosts = (const char *const[]){known_hosts, NULL}});
        if (known)
            expect_host(&outcome, "host0", CAPTURE_COLLECTED, "", "");
        else
            expect_host(&outcome, "host0", CAPTURE_FAILED, "host-key-changed", "has another key;");
        const char *again = strstr(outcome.states->str, "host-key -> lookup");
        cr_expect(again && !strstr(again + 1, "host-key -> lookup"), "%s", outcome.states->str);
        outcome_clear(&outcome);
    }
    place_close(&place);
}

/* An agent that never answers holds up the run once, for its time-out, and not once per host. */
Test(collector, hung_agent)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autofree char *path = in_place(&place, "agent");
    g_autofree char *known_hosts = NULL;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 5) == 0);
    g_setenv("SSH_AUTH_SOCK", path, TRUE);
    uint16_t port = start_plain_sshd(&place, "", &known_hosts);
    g_autoptr(GPtrArray) hosts = same_hosts(&place, 10, port);
    collect(&outcome, place.folder, hosts,
            (struct collector_options){.known_hosts = (const char *const[]){known_hosts, NULL}, .use_agent = TRUE});
    cr_expect_eq(count_calls(fd), 1, "it was waited for once");
    cr_expect_eq(outcome.result.collected, 10);
    cr_expect(strstr(outcome.messages->str, "agent: did not answer in time"), "%s", outcome.messages->str);
    outcome_clear(&outcome);
    close(fd);
    place_close(&place);
}

Test(collector, fifty_hosts_ten_at_once)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autofree char *known_hosts = NULL;
    uint16_t port = start_plain_sshd(&place, "", &known_hosts);
    g_autoptr(GPtrArray) hosts = same_hosts(&place, 50, port);
    unsigned before = open_descriptors();
    collect(&outcome, place.folder, hosts,
            (struct collector_options){.known_hosts = (const char *const[]){known_hosts, NULL}, .fanout = 10});
    cr_expect(outcome.ok);
    cr_expect_eq(outcome.result.collected, 50);
    cr_expect_eq(outcome.capture->hosts->len, 50);
    cr_expect_eq(open_descriptors(), before);
    outcome_clear(&outcome);
    place_close(&place);
}

Test(collector, few_descriptors_lower_the_fanout)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autofree char *known_hosts = NULL;
    uint16_t port = start_plain_sshd(&place, "", &known_hosts);
    g_autoptr(GPtrArray) hosts = same_hosts(&place, 12, port);
    struct rlimit limit = {.rlim_cur = 64 + 8 * 4, .rlim_max = 64 + 8 * 4};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    collect(&outcome, place.folder, hosts,
            (struct collector_options){.known_hosts = (const char *const[]){known_hosts, NULL}});
    cr_expect_eq(outcome.result.collected, 12);
    cr_expect(strstr(outcome.messages->str, "4 hosts at once instead of 12"), "%s", outcome.messages->str);
    outcome_clear(&outcome);
    place_close(&place);
}

/* A name with several addresses, of which the last one answers; and one with none that does. */
Test(dial, all_addresses_are_tried)
{
    static const char *const lists[][3] = {{"127.0.0.2", "127.0.0.3", "127.0.0.1"},
                                           {"127.0.0.2", "127.0.0.3", "127.0.0.4"}};
    static const struct transport_owner owner = {.forget = owner_forget};
    uint16_t port;
    int fd = listen_somewhere(&port);
    g_autofree char *service = g_strdup_printf("%u", port);

    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        struct dial dial;
        struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, **next = &dial.addresses;
        enum dial_progress progress = DIAL_WAIT;
        dial_init(&dial, NULL, &owner, "name", port);
        for (size_t k = 0; k < 3; k++) {
            cr_assert_eq(getaddrinfo(lists[i][k], service, &hints, next), 0);
            next = &(*next)->ai_next;
        }
        unsigned nexts = 0;
        while (progress == DIAL_WAIT || progress == DIAL_NEXT) {
            progress = dial_connect(&dial);
            nexts += progress == DIAL_NEXT;
        }
        cr_expect_eq(nexts, 2);
        cr_expect_eq(progress, i == 0 ? DIAL_DONE : DIAL_FAILED);
        cr_expect_eq(dial.reason, REASON_REFUSED);
        g_autofree char *first = g_strdup_printf("127.0.0.2 port %u: Connection refused; 127.0.0.3 port", port);
        cr_expect(g_str_has_prefix(dial.failures->str, first), "%s", dial.failures->str);
        cr_expect_eq(dial.fd >= 0, i == 0);
        if (dial.fd >= 0) {
            cr_expect(fcntl(dial.fd, F_GETFL) & O_NONBLOCK);
            cr_expect(fcntl(dial.fd, F_GETFD) & FD_CLOEXEC);
            int on = 0;
            socklen_t size = sizeof on;
            getsockopt(dial.fd, IPPROTO_TCP, TCP_NODELAY, &on, &size);
            cr_expect_eq(on, 1);
            getsockopt(dial.fd, SOL_SOCKET, SO_KEEPALIVE, &on, &size);
            cr_expect_eq(on, 1);
        }
        dial_clear(&dial);
    }
    close(fd);
}

/* A host that goes on and on ends at its own deadline, and what it gave is kept. */
Test(collector, host_that_never_ends)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autofree char *known_hosts = NULL;
    g_autofree char *stand_in = in_place(&place, "stand-in");
    g_autofree char *script = spell_out("@first; while :; do printf 'instance 0 path=/x\n\n'; sleep 0.1; done");
    cr_assert(g_file_set_contents(stand_in, script, -1, NULL));
    g_autofree char *more = g_strdup_printf("ForceCommand /bin/sh %s\n", stand_in);
    uint16_t port = start_plain_sshd(&place, more, &known_hosts);
    g_autoptr(GPtrArray) hosts = same_hosts(&place, 1, port);
    collect(
        &outcome, place.folder, hosts,
        (struct collector_options){.known_hosts = (const char *const[]){known_hosts, NULL}, .host_timeout_ms = 6000});
    expect_host(&outcome, "host0", CAPTURE_PARTIAL, "time-out", "the host took more than 6 s altogether");
    outcome_clear(&outcome);
    place_close(&place);
}

/* A probe that falls silent. */
Test(collector, silence)
{
    NEEDS_SSHD();
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autofree char *known_hosts = NULL;
    g_autofree char *stand_in = in_place(&place, "stand-in");
    g_autofree char *script = spell_out("@first; printf 'instance 0 path=/x\n\n'; @hold");
    cr_assert(g_file_set_contents(stand_in, script, -1, NULL));
    g_autofree char *more = g_strdup_printf("ForceCommand /bin/sh %s\n", stand_in);
    uint16_t port = start_plain_sshd(&place, more, &known_hosts);
    g_autoptr(GPtrArray) hosts = same_hosts(&place, 1, port);
    collect(&outcome, place.folder, hosts,
            (struct collector_options){.known_hosts = (const char *const[]){known_hosts, NULL}, .silence_ms = 4000});
    expect_host(&outcome, "host0", CAPTURE_PARTIAL, "time-out", "time-out after 4 s in which the probe said nothing");
    outcome_clear(&outcome);
    place_close(&place);
}

/* Ctrl-C: what is finished is there, what is in work is written down, what was not begun has no line. */
Test(collector, interrupted)
{
    static const int signals[] = {SIGINT, SIGTERM};

    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
        struct place place;
        struct outcome outcome = {.signal = signals[i]};
        place_open(&place);
        g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(host_free);
        g_ptr_array_add(hosts, host_new("finished", free_port(), place.client_key)); /* refused, at once */
        for (int k = 0; k < 5; k++) {
            g_autofree char *name = g_strdup_printf("hangs%d", k);
            g_ptr_array_add(hosts, host_new(name, start_misfit(SILENT), place.client_key));
        }
        collect(&outcome, place.folder, hosts,
                (struct collector_options){.known_hosts = (const char *const[]){"/dev/null", NULL}, .fanout = 3});
        cr_expect(outcome.ok);
        cr_expect(outcome.result.cancelled);
        expect_host(&outcome, "finished", CAPTURE_FAILED, "refused", "");
        expect_host(&outcome, "hangs0", CAPTURE_FAILED, "cancelled", "");
        expect_host(&outcome, "hangs1", CAPTURE_FAILED, "cancelled", "");
        cr_expect_null(find_host(&outcome, "hangs4"));
        outcome_clear(&outcome);
        place_close(&place);
    }
}

/* This machine's own shell. */

static struct inventory_host *local_host(const char *name, const char *root)
{
    struct inventory_host *host = host_new(name, 22, NULL);
    host->connection = INVENTORY_LOCAL;
    g_free(host->sap_root);
    host->sap_root = g_strdup(root);
    return host;
}

Test(collector, local)
{
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(host_free);
    g_ptr_array_add(hosts, local_host("here", sap_root));
    g_ptr_array_add(hosts, local_host("nowhere", "/nonexistent/it's; exit 1"));
    unsigned before = open_descriptors();
    collect(&outcome, place.folder, hosts, (struct collector_options){0});
    expect_host(&outcome, "here", CAPTURE_COLLECTED, "", "");
    expect_host(&outcome, "nowhere", CAPTURE_PARTIAL, "no-instance",
                "there is no folder /nonexistent/it's; exit 1; see sap_root in the inventory");
    const struct capture_host *host = need_host(&outcome, "here");
    cr_expect_str_eq(host->login, g_get_user_name());
    cr_expect_lt(ABS(host->clock - g_get_real_time() / G_USEC_PER_SEC), 60);
    cr_expect_eq(open_descriptors(), before);
    cr_expect(strstr(outcome.states->str, "here: talk -> exit\n"), "%s", outcome.states->str);
    outcome_clear(&outcome);
    place_close(&place);
}

/* With the real probe, on a tree as SAP makes it. */
Test(collector, local_with_an_instance)
{
    struct place place;
    struct outcome outcome = {0};
    place_open(&place);
    g_autofree char *root = in_place(&place, "it's a root");
    g_autofree char *work = g_build_filename(root, "PRD", "D00", "work", NULL);
    g_autofree char *trace_path = g_build_filename(work, "dev_icm", NULL);
    cr_assert_eq(g_mkdir_with_parents(work, 0700), 0);
    cr_assert(g_file_set_contents(trace_path, "0123456789", -1, NULL));
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(host_free);
    g_ptr_array_add(hosts, local_host("here", root));
    collect(&outcome, place.folder, hosts, (struct collector_options){.trace_bytes = 4});
    expect_host(&outcome, "here", CAPTURE_COLLECTED, "", "");
    const struct capture_host *host = need_host(&outcome, "here");
    cr_assert_eq(host->instances->len, 1);
    cr_assert_eq(host->traces->len, 1);
    const struct capture_trace *trace = g_ptr_array_index(host->traces, 0);
    cr_expect_str_eq(trace->path, trace_path);
    cr_expect_eq(trace->from_byte, 6);
    g_autoptr(GBytes) bytes = capture_load(outcome.capture, trace->object, 100, NULL);
    cr_assert_not_null(bytes);
    cr_expect_eq(g_bytes_get_size(bytes), 4);
    cr_expect_eq(memcmp(g_bytes_get_data(bytes, NULL), "6789", 4), 0);
    outcome_clear(&outcome);
    place_close(&place);
}

/* The local transport by itself: a script of ours, in the hands of an owner that takes down what it is told. */

struct owner {
    uv_loop_t loop;
    uint8_t buffer[4096];
    GString *output, *complaint;
    gboolean wanted; /* more output */
    gboolean woken;
    struct order *order;
    struct service service;
    struct shell *shell;
};

static gboolean owner_output(void *context, const uint8_t *bytes, size_t size)
{
    struct owner *owner = context;
    g_string_append_len(owner->output, (const char *)bytes, (gssize)size);
    return owner->wanted;
}

static void owner_complaint(void *context, const uint8_t *bytes, size_t size)
{
    struct owner *owner = context;
    g_string_append_len(owner->complaint, (const char *)bytes, (gssize)size);
}

static void owner_state(void *context, const char *from, const char *to)
{
    (void)context;
    (void)from;
    (void)to;
}

static void owner_wake(void *context)
{
    struct owner *owner = context;
    owner->woken = TRUE;
}

/* As the parent's message would tell it. */
static void owner_exited(void *context, int status, int signal)
{
    struct owner *owner = context;
    owner->service.exited = TRUE;
    owner->service.exit_status = status;
    owner->service.exit_signal = signal;
}

/* Step until ${stop} says so, or until it has ended: without epoll, since a step may come at any time. */
static struct transport *run_locally(struct owner *owner, struct transport_means *means, const char *script,
                                     const char *until)
{
    static struct transport_owner transport_owner;
    struct transport_order order = {means, NULL, &owner->service};

    transport_owner =
        (struct transport_owner){owner_output, owner_complaint, owner_state, owner_wake, owner_forget, owner};
    uv_loop_init(&owner->loop);
    *means =
        (struct transport_means){.loop = &owner->loop, .buffer = owner->buffer, .buffer_bytes = sizeof owner->buffer};
    owner->output = g_string_new(NULL);
    owner->complaint = g_string_new(NULL);
    order.order = owner->order = order_new();
    owner->order->script = g_strdup(script);
    service_init(&owner->service, NULL, 1);
    owner->shell = shell_start(&owner->loop, owner->service.fds, owner_exited, owner, NULL);
    cr_assert_not_null(owner->shell);
    struct transport *transport = transport_open(&transport_local, &order, &transport_owner);
    while (transport_step(transport, 1) != TRANSPORT_ENDED && !(until && strstr(owner->output->str, until))) {
        uv_run(&owner->loop, UV_RUN_NOWAIT);
        g_usleep(1000);
    }
    return transport;
}

static void owner_clear(struct owner *owner)
{
    shell_end(owner->shell);
    uv_run(&owner->loop, UV_RUN_DEFAULT);
    cr_expect_eq(uv_loop_close(&owner->loop), 0);
    service_clear(&owner->service);
    order_free(owner->order);
    g_string_free(owner->output, TRUE);
    g_string_free(owner->complaint, TRUE);
}

Test(transport_local, both_streams_and_the_exit_status)
{
    struct owner owner = {.wanted = TRUE};
    struct transport_means means;
    struct transport *transport = run_locally(&owner, &means, "echo out; echo bad >&2; exit 7\n", NULL);
    cr_expect_str_eq(owner.output->str, "out\n");
    cr_expect_str_eq(owner.complaint->str, "bad\n");
    cr_expect_eq(transport->reason, REASON_NONE);
    cr_expect_eq(transport->exit_status, 7);
    transport_close(transport);
    owner_clear(&owner);
}

Test(transport_local, script_larger_than_a_pipe_and_output_too)
{
    struct owner owner = {.wanted = TRUE};
    struct transport_means means;
    g_autofree char *filler = g_strnfill(300000, '#');
    g_autofree char *script = g_strconcat("head -c 1000000 /dev/zero | tr '\\0' x\n", filler, "\necho end\n", NULL);
    struct transport *transport = run_locally(&owner, &means, script, NULL);
    cr_expect_eq(owner.output->len, 1000004);
    cr_expect_eq(transport->exit_status, 0);
    transport_close(transport);
    owner_clear(&owner);
}

Test(transport_local, shell_that_does_not_read_its_script)
{
    struct owner owner = {.wanted = TRUE};
    struct transport_means means;
    signal(SIGPIPE, SIG_IGN);
    g_autofree char *filler = g_strnfill(300000, '#');
    g_autofree char *script = g_strconcat("kill -9 $$\n", filler, "\n", NULL);
    struct transport *transport = run_locally(&owner, &means, script, NULL);
    cr_expect_eq(transport->reason, REASON_NONE);
    cr_expect_str_eq(transport->exit_signal, "9");
    transport_close(transport);
    owner_clear(&owner);
}

/* Whether it has ended, though perhaps nobody has taken note of it. */
static gboolean has_ended(GPid pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/stat", pid), *stat = NULL;
    return kill(pid, 0) != 0 || (g_file_get_contents(path, &stat, NULL, NULL) && strstr(stat, ") Z "));
}

/*
 * Closed in the middle, nothing of it stays: no process, not even one that the shell has started; no descriptor.  What
 * the shell starts reads from a pipe that this process has open, so it ends with the test if nobody ends it before.
 */
Test(transport_local, closing_ends_all_that_was_started)
{
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL), *pipe = g_build_filename(folder, "pipe", NULL);
    cr_assert_eq(mkfifo(pipe, 0600), 0);
    int held = open(pipe, O_RDWR | O_CLOEXEC);
    unsigned before = open_descriptors();
    struct owner owner = {.wanted = TRUE};
    struct transport_means means;
    g_autofree char *script = g_strdup_printf("trap '' TERM HUP; cat '%s' & echo $! .; wait\n", pipe);
    struct transport *transport = run_locally(&owner, &means, script, ".");
    GPid grandchild = (GPid)g_ascii_strtoll(owner.output->str, NULL, 10);
    cr_assert_gt(grandchild, 1);
    cr_expect_not(has_ended(grandchild));
    transport_close(transport);
    owner_clear(&owner);
    while (!has_ended(grandchild)) /* or this test never ends */
        g_usleep(1000);
    cr_expect_eq(open_descriptors(), before);
    close(held);
    unlink(pipe);
    rmdir(folder);
}

Test(transport_local, owner_that_wants_no_more)
{
    struct owner owner = {.wanted = FALSE};
    struct transport_means means;
    struct transport *transport = run_locally(&owner, &means, "yes\n", "y");
    cr_expect_leq(owner.output->len, sizeof owner.buffer);
    transport_close(transport);
    owner_clear(&owner);
}

/* A capture that cannot be written ends the run, with an error that says which file and why. */
Test(collector, full_disk_ends_the_run)
{
    NEEDS_SSHD();
    struct place place;
    place_open(&place);
    g_autofree char *known_hosts = NULL;
    g_autofree char *stand_in = in_place(&place, "stand-in");
    g_autofree char *script =
        spell_out("@first; printf 'trace 3000000 path=/a from=0 size=3000000\\n'; head -c 3000000 /dev/zero; printf "
                  "'\\nend 0 records=1\\n\\n'; @last");
    cr_assert(g_file_set_contents(stand_in, script, -1, NULL));
    g_autofree char *more = g_strdup_printf("ForceCommand /bin/sh %s\n", stand_in);
    uint16_t port = start_plain_sshd(&place, more, &known_hosts);
    g_autoptr(GPtrArray) hosts = same_hosts(&place, 5, port);
    /* No file larger than this: what a full disk does, with another errno. */
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = 1000000, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    struct outcome outcome = {0};
    unsigned before = open_descriptors();
    collect(&outcome, place.folder, hosts,
            (struct collector_options){.known_hosts = (const char *const[]){known_hosts, NULL}, .fanout = 2});
    cr_expect_not(outcome.ok);
    cr_assert_not_null(outcome.error);
    cr_expect(strstr(outcome.error->message, g_strerror(EFBIG)), "%s", outcome.error->message);
    cr_expect_eq(outcome.capture->hosts->len, 0);
    cr_expect_eq(open_descriptors(), before);
    outcome_clear(&outcome);
    place_close(&place);
}

Test(collector, known_hosts_file_that_was_named_must_be_there)
{
    struct outcome outcome = {0};
    struct place place;
    place_open(&place);
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(host_free);
    collect(&outcome, place.folder, hosts,
            (struct collector_options){.known_hosts = (const char *const[]){"/nonexistent/known_hosts", NULL}});
    cr_expect_not(outcome.ok);
    cr_expect(g_str_has_prefix(outcome.error->message, "/nonexistent/known_hosts: "));
    outcome_clear(&outcome);
    place_close(&place);
}

Test(collector, script_is_quoted)
{
    struct inventory_host *host = local_host("h", "/usr/sap/it's $HOME`id`\n");
    host->become = TRUE;
    g_autofree char *script = collector_script(host, 1234);
    cr_expect(g_str_has_prefix(script, "tg_nonce='00000000000000000000000000000000'\n"
                                       "tg_root='/usr/sap/it'\\''s $HOME`id`\n'\n"
                                       "tg_trace_bytes='1234'\n"
                                       "tg_become='1'\n"
                                       "tg_trust_users='0'\n"
                                       "tg_probe=''\n"),
              "%s", script);
    g_autofree char *again = collector_script(host, 1234);
    cr_expect_str_eq(script, again);
    host_free(host);
}

Test(collector, each_reason_has_a_word_of_its_own)
{
    g_autoptr(GHashTable) words = g_hash_table_new(g_str_hash, g_str_equal);
    for (enum collector_reason reason = REASON_NONE; reason <= REASON_LOCAL; reason++)
        cr_expect(g_hash_table_add(words, (void *)collector_reason_name(reason)), "%s", collector_reason_name(reason));
}
