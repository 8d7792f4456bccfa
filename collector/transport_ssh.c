/*
 * SSH with libssh2: one connection, one channel, one shell; then, where that is asked for, a channel to each peer.
 *
 * The states below follow each other; each has one function, which goes on or waits.  state_enter() is the only way
 * from one to the next.  What libssh2 wants when it says EAGAIN is turned into something to wait for in
 * wait_for_socket() and nowhere else; the call that said so is made again with the same arguments, and nothing else in
 * between.
 *
 * libssh2 reads and writes through our functions (receive_bytes, send_bytes).  That a connection was closed or broken
 * is seen there and told by us: to libssh2 it looks as if nothing more came, so what it holds already can still be
 * read, which it would otherwise throw away.
 */
#include "algorithms.h"
#include "arena.h"
#include "clear.h"
#include "dial.h"
#include "forward.h"
#include "greeting.h"
#include "known_hosts.h"
#include "text.h"
#include "transport.h"

#include <errno.h>
#include <libssh2.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define CLEAR_BYTES_MAX ((size_t)256 * 1024) /* before the handshake is over: a server that sends more is none */
#define AHEAD_BYTES     ((size_t)4096)
#define AIMLESS_MAX     20   /* EAGAINs in a row that want neither to read nor to write */
#define CLOSE_MS        2000 /* for the exit status after the last byte */
#define FREE_TRIES      100
#define SLOW_SHARE      4    /* for each millisecond of a slow key exchange so many are left to the other hosts */
#define SLOW_STEP_US    5000 /* what is below is not slow */

enum state {
    STATE_START,
    STATE_LOOKUP,
    STATE_CONNECT,
    STATE_HANDSHAKE,
    STATE_HOST_KEY,
    STATE_LOGIN,
    STATE_METHODS, /* refused: ask what the server would accept, for the message */
    STATE_CHANNEL,
    STATE_SHELL,
    STATE_SEND,
    STATE_SEND_EOF,
    STATE_TALK,
    STATE_CLOSE,
    STATE_PEER,
    STATE_ENDED,
};

struct ssh {
    struct transport base;
    struct transport_means *means;
    const struct order *order;
    struct service *service;
    const char *script;
    size_t script_left;
    enum state state;
    int64_t now_ms;

    struct dial dial; /* its socket is the connection */
    int socket_error; /* errno of a connection that broke */
    gboolean peer_closed;
    gboolean dead;              /* to be freed: no byte goes in or out any more */
    size_t turn_left;           /* of TRANSPORT_TURN_BYTES */
    uint8_t ahead[AHEAD_BYTES]; /* read from the socket, and libssh2 has not asked for it yet */
    size_t ahead_at, ahead_end;
    size_t clear_bytes;   /* read before the handshake was over */
    gboolean in_clear;    /* the handshake is under way */
    struct clear clear;   /* what comes meanwhile */
    gboolean slow;        /* the host has none but slow key exchanges */
    GByteArray *greeting; /* the first of these; NULL once the host key is checked */
    char *farewell;       /* what the server said when it ended the connection, cleaned */
    unsigned aimless;

    struct arena *arena;
    LIBSSH2_SESSION *session;
    LIBSSH2_CHANNEL *channel;
    guint identity; /* the one that is tried */
    GString *tried, *remarks;
    gboolean rsa_tried;
    char *ask_for; /* the type of host key that is known; NULL: any of the order's types */
    int stream;    /* the one to read next: 0 output, 1 errors */

    const struct collector_peer *peer; /* that is asked; NULL: the shell's turn */
    struct forward *forward;
    gboolean stuck; /* the channel to a peer can neither be opened nor given up: no other can be opened either */
};

typedef enum transport_progress step_function(struct ssh *ssh);

static void dial_again(struct ssh *ssh);

static step_function step_start, step_lookup, step_connect, step_handshake, step_host_key, step_login, step_methods,
    step_channel, step_shell, step_send, step_send_eof, step_talk, step_close, step_peer;

static const struct {
    const char *name;
    const char *doing; /* "time-out after 10 s while ..." */
    step_function *step;
} states[] = {
    [STATE_START] = {"start", "starting", step_start},
    [STATE_LOOKUP] = {"lookup", "looking up its name", step_lookup},
    [STATE_CONNECT] = {"connect", "connecting", step_connect},
    [STATE_HANDSHAKE] = {"handshake", "exchanging keys (the SSH handshake)", step_handshake},
    [STATE_HOST_KEY] = {"host-key", "checking the host key", step_host_key},
    [STATE_LOGIN] = {"login", "logging in", step_login},
    [STATE_METHODS] = {"methods", "logging in", step_methods},
    [STATE_CHANNEL] = {"channel", "opening a channel", step_channel},
    [STATE_SHELL] = {"shell", "starting the shell", step_shell},
    [STATE_SEND] = {"send", "sending the probe", step_send},
    [STATE_SEND_EOF] = {"send-eof", "sending the probe", step_send_eof},
    [STATE_TALK] = {"talk", "the probe ran", step_talk},
    [STATE_CLOSE] = {"close", "closing the channel", step_close},
    [STATE_PEER] = {"peer", "asking a peer for its certificates", step_peer},
    [STATE_ENDED] = {"ended", "it was over", NULL},
};

/* TRANSPORT_AGAIN within a turn means: go on with the state that we are in now. */
#define GO_ON TRANSPORT_AGAIN

static unsigned limit_ms(const struct ssh *ssh, enum state state)
{
    switch (state) {
    case STATE_LOOKUP:
        return ssh->means->lookup_ms;
    case STATE_CONNECT:
        return ssh->means->connect_ms;
    case STATE_HANDSHAKE:
        return ssh->means->handshake_ms;
    case STATE_LOGIN:
    case STATE_METHODS:
    case STATE_CHANNEL:
    case STATE_SHELL:
        return ssh->means->login_ms;
    case STATE_CLOSE:
        return CLOSE_MS;
    case STATE_PEER:
        return COLLECTOR_PEER_MS;
    default:
        return 0; /* there is nothing to wait for, or the owner watches for silence */
    }
}

static void state_enter(struct ssh *ssh, enum state state)
{
    enum state from = ssh->state;
    unsigned limit = limit_ms(ssh, state);
    /* Asking for a key and asking for the methods are one log-in, with one deadline. */
    gboolean goes_on = from == STATE_LOGIN && state == STATE_METHODS;

    ssh->state = state;
    if (!goes_on)
        ssh->base.deadline_ms = limit ? ssh->now_ms + limit : 0;
    ssh->base.owner->state(ssh->base.owner->context, states[from].name, states[state].name);
}

static enum transport_progress go_to(struct ssh *ssh, enum state state)
{
    state_enter(ssh, state);
    return GO_ON;
}

static enum transport_progress end(struct ssh *ssh, enum collector_reason reason, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static enum transport_progress end(struct ssh *ssh, enum collector_reason reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    return transport_end(&ssh->base, reason, "%s", message);
}

/* The socket. */

/* recv(2), with what is wrong with the connection noted. */
static ssize_t receive_from_socket(struct ssh *ssh, void *buffer, size_t size)
{
    ssize_t got = recv(ssh->dial.fd, buffer, size, MSG_DONTWAIT);

    if (got < 0 && errno != EAGAIN && errno != EINTR)
        ssh->socket_error = errno;
    if (got == 0)
        ssh->peer_closed = TRUE;
    return got > 0 ? got : -EAGAIN;
}

/* libssh2 asks for one byte after the other of a banner, and somebody may send lines without end. */
static ssize_t receive_ahead(struct ssh *ssh, void *buffer, size_t size)
{
    if (ssh->ahead_at == ssh->ahead_end) {
        ssize_t got = receive_from_socket(ssh, ssh->ahead, sizeof ssh->ahead);
        if (got < 0)
            return got;
        ssh->ahead_at = 0;
        ssh->ahead_end = (size_t)got;
    }
    size = MIN(size, ssh->ahead_end - ssh->ahead_at);
    memcpy(buffer, ssh->ahead + ssh->ahead_at, size);
    ssh->ahead_at += size;
    return (ssize_t)size;
}

static ssize_t receive_bytes(libssh2_socket_t fd, void *buffer, size_t size, int flags, void **abstract)
{
    struct ssh *ssh = *abstract;
    (void)fd;
    (void)flags;

    if (ssh->dead)
        return -ECONNABORTED;
    if (ssh->socket_error || ssh->turn_left == 0)
        return -EAGAIN;
    size = MIN(size, ssh->turn_left);
    ssize_t got = ssh->in_clear || ssh->ahead_at < ssh->ahead_end ? receive_ahead(ssh, buffer, size)
                                                                  : receive_from_socket(ssh, buffer, size);
    if (got < 0)
        return got;
    ssh->turn_left -= (size_t)got;
    if (ssh->in_clear) {
        size_t kept = MIN((size_t)got, GREETING_BYTES - ssh->greeting->len);
        g_byte_array_append(ssh->greeting, buffer, (guint)kept);
        ssh->clear_bytes += (size_t)got;
        if (ssh->clear_bytes > CLEAR_BYTES_MAX || clear_add(&ssh->clear, buffer, (size_t)got))
            return -EPROTO;
    }
    return got;
}

static ssize_t send_bytes(libssh2_socket_t fd, const void *buffer, size_t size, int flags, void **abstract)
{
    struct ssh *ssh = *abstract;

    if (ssh->dead)
        return -ECONNABORTED;
    if (ssh->socket_error)
        return -EAGAIN;
    ssize_t sent = send(fd, buffer, size, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0)
        return sent;
    if (errno != EAGAIN && errno != EINTR)
        ssh->socket_error = errno;
    return -EAGAIN;
}

static void hear_farewell(LIBSSH2_SESSION *session, int reason, const char *message, int message_bytes,
                          const char *language, int language_bytes, void **abstract)
{
    struct ssh *ssh = *abstract;
    (void)session;
    (void)reason;
    (void)language;
    (void)language_bytes;

    g_free(ssh->farewell);
    ssh->farewell = message && message_bytes > 0 ? text_clean(message, MIN((size_t)message_bytes, GREETING_LINE_CHARS))
                                                 : g_strdup("no reason given");
}

static gboolean is_broken(const struct ssh *ssh)
{
    return ssh->farewell || ssh->socket_error || ssh->peer_closed;
}

static gboolean is_reset(int number)
{
    return number == ECONNRESET || number == EPIPE || number == ECONNABORTED;
}

/* The connection is gone, or libssh2 failed with ${code}: tell which, as precisely as it is known. */
static enum transport_progress connection_failed(struct ssh *ssh, int code)
{
    const char *doing = states[ssh->state].doing;
    char *message = NULL;

    if (ssh->farewell)
        return end(ssh, REASON_CLOSED, "the server ended the connection while %s: %s", doing, ssh->farewell);
    if (ssh->socket_error)
        return end(ssh, dial_reason(ssh->socket_error), "the connection broke while %s: %s", doing,
                   g_strerror(ssh->socket_error));
    if (ssh->peer_closed)
        return end(ssh, REASON_CLOSED, "the server closed the connection while %s", doing);
    libssh2_session_last_error(ssh->session, &message, NULL, 0);
    return end(ssh, REASON_PROTOCOL, "SSH went wrong while %s: %s (libssh2 %s, error %d)", doing,
               message ? message : "no message", libssh2_version(0), code);
}

/* libssh2 said EAGAIN: the one place that knows what to wait for. */
static enum transport_progress wait_for_socket(struct ssh *ssh)
{
    if (is_broken(ssh))
        return connection_failed(ssh, LIBSSH2_ERROR_SOCKET_DISCONNECT);
    if (ssh->turn_left == 0) {
        ssh->aimless = 0;
        return TRANSPORT_WAIT; /* ssh_step() makes another turn of it */
    }
    int directions = libssh2_session_block_directions(ssh->session);
    if (directions)
        ssh->aimless = 0;
    else if (++ssh->aimless > AIMLESS_MAX)
        return end(ssh, REASON_PROTOCOL, "libssh2 waits for nothing while %s", states[ssh->state].doing);
    else
        directions = LIBSSH2_SESSION_BLOCK_INBOUND | LIBSSH2_SESSION_BLOCK_OUTBOUND;
    transport_wait_for(&ssh->base, ssh->dial.fd, (directions & LIBSSH2_SESSION_BLOCK_INBOUND) != 0,
                       (directions & LIBSSH2_SESSION_BLOCK_OUTBOUND) != 0);
    return TRANSPORT_WAIT;
}

static enum transport_progress step_start(struct ssh *ssh)
{
    if (ssh->order->refusal)
        return end(ssh, REASON_KEY_FILE, "%s", ssh->order->refusal);
    return go_to(ssh, STATE_LOOKUP);
}

/* Name and address. */

static enum transport_progress dial_failed(struct ssh *ssh)
{
    return end(ssh, ssh->dial.reason, "%s", ssh->dial.failures->str);
}

static enum transport_progress step_lookup(struct ssh *ssh)
{
    switch (dial_lookup(&ssh->dial)) {
    case DIAL_WAIT:
        return TRANSPORT_WAIT;
    case DIAL_DONE:
        return go_to(ssh, STATE_CONNECT);
    default:
        return dial_failed(ssh);
    }
}

static enum transport_progress step_connect(struct ssh *ssh)
{
    switch (dial_connect(&ssh->dial)) {
    case DIAL_WAIT:
        transport_wait_for(&ssh->base, ssh->dial.fd, FALSE, TRUE);
        return TRANSPORT_WAIT;
    case DIAL_DONE:
        return go_to(ssh, STATE_HANDSHAKE);
    case DIAL_NEXT:
        return go_to(ssh, STATE_CONNECT); /* with its own deadline */
    default:
        return dial_failed(ssh);
    }
}

/* The handshake. */

static void set_callback(LIBSSH2_SESSION *session, int type, void (*function)(void))
{
#if LIBSSH2_VERSION_NUM >= 0x010b01
    libssh2_session_callback_set2(session, type, function);
#else
    /* POSIX promises that a function's address goes through void * whole. */
    void *address;
    memcpy(&address, &function, sizeof address);
    libssh2_session_callback_set(session, type, address);
#endif
}

static void *take_memory(size_t size, void **abstract)
{
    const struct ssh *ssh = *abstract;
    return arena_take(ssh->arena, size);
}

static void give_memory(void *memory, void **abstract)
{
    const struct ssh *ssh = *abstract;
    arena_give(ssh->arena, memory);
}

static void *resize_memory(void *memory, size_t size, void **abstract)
{
    const struct ssh *ssh = *abstract;
    return arena_resize(ssh->arena, memory, size);
}

/* NULL-ended; to be freed with g_free(), and not the strings. */
static const char **known_types(const struct ssh *ssh)
{
    const GPtrArray *known = ssh->order->key_types;
    const char **types = g_new0(const char *, known->len + 2);

    if (ssh->ask_for) {
        types[0] = ssh->ask_for;
        return types;
    }
    for (guint i = 0; i < known->len; i++)
        types[i] = known->pdata[i];
    return types;
}

static gboolean begin_session(struct ssh *ssh)
{
    ssh->arena = arena_new();
    ssh->session = libssh2_session_init_ex(take_memory, give_memory, resize_memory, ssh);
    if (!ssh->session)
        return FALSE;
    libssh2_session_set_blocking(ssh->session, 0);
    set_callback(ssh->session, LIBSSH2_CALLBACK_RECV, (void (*)(void))receive_bytes);
    set_callback(ssh->session, LIBSSH2_CALLBACK_SEND, (void (*)(void))send_bytes);
    set_callback(ssh->session, LIBSSH2_CALLBACK_DISCONNECT, (void (*)(void))hear_farewell);
    g_autofree const char **types = known_types(ssh);
    algorithms_prefer(ssh->session, types, ssh->slow);
    clear_init(&ssh->clear, ssh->slow);
    ssh->greeting = g_byte_array_new();
    ssh->in_clear = TRUE;
    return TRUE;
}

static enum greeting_kind judge(const struct ssh *ssh)
{
    return greeting_judge(ssh->greeting->data, ssh->greeting->len);
}

/*
 * sshd turns connections away before its banner when too many are not logged in yet, with a line of text or without.
 * It closes with what we have sent unread, so all that comes of it may be a reset.
 */
static gboolean is_turned_away(const struct ssh *ssh)
{
    switch (judge(ssh)) {
    case GREETING_REFUSAL:
        return TRUE;
    case GREETING_NONE:
    case GREETING_BANNER:
        return ssh->peer_closed || is_reset(ssh->socket_error);
    default:
        return FALSE;
    }
}

static enum transport_progress turned_away(struct ssh *ssh)
{
    g_autofree char *line = greeting_first_line(ssh->greeting->data, ssh->greeting->len);

    if (judge(ssh) == GREETING_REFUSAL)
        return end(ssh, REASON_BUSY, "%s takes no connection from us now: it says \"%s\"", ssh->dial.where, line);
    return end(ssh, REASON_BUSY,
               "%s %s the connection %s its SSH banner: too many log-ins at once (MaxStartups), or it takes none from "
               "this machine",
               ssh->dial.where, ssh->socket_error ? "reset" : "closed",
               ssh->greeting->len > 0 ? "right after" : "before");
}

/* What no SSH 2 server says, and an end of the connection does not explain. */
static gboolean is_no_server(const struct ssh *ssh)
{
    switch (judge(ssh)) {
    case GREETING_SSH_1:
    case GREETING_ENDLESS:
        return TRUE;
    case GREETING_TEXT:
        return is_broken(ssh) || ssh->greeting->len == GREETING_BYTES;
    default:
        return FALSE;
    }
}

static enum transport_progress no_server(struct ssh *ssh)
{
    const GByteArray *greeting = ssh->greeting;
    g_autofree char *banner = greeting_banner(greeting->data, greeting->len);
    g_autofree char *line = greeting_first_line(greeting->data, greeting->len);

    switch (judge(ssh)) {
    case GREETING_SSH_1:
        return end(ssh, REASON_PROTOCOL, "%s speaks only SSH 1, which nobody should use any more: its banner is \"%s\"",
                   ssh->dial.where, banner);
    case GREETING_ENDLESS:
        return end(ssh, REASON_PROTOCOL, "%s sends an SSH banner of more than %d bytes, which begins with \"%s\"",
                   ssh->dial.where, GREETING_BANNER_MAX, banner);
    default:
        return end(ssh, REASON_PROTOCOL, "%s is no SSH server: it says \"%s\"", ssh->dial.where, line);
    }
}

/* The handshake takes too long: the kind of what has come tells what is missing. */
static enum transport_progress handshake_expired(struct ssh *ssh, unsigned seconds)
{
    g_autofree char *banner = greeting_banner(ssh->greeting->data, ssh->greeting->len);

    switch (judge(ssh)) {
    case GREETING_NONE:
        return end(ssh, REASON_TIMEOUT, "time-out after %u s while waiting for the SSH banner of %s", seconds,
                   ssh->dial.where);
    case GREETING_TEXT:
        return no_server(ssh);
    case GREETING_BANNER:
        return end(ssh, REASON_TIMEOUT,
                   "time-out after %u s while waiting for the key exchange of %s, which has sent the banner \"%s\" and "
                   "no more",
                   seconds, ssh->dial.where, banner);
    default:
        return end(ssh, REASON_TIMEOUT, "time-out after %u s while %s", seconds, states[ssh->state].doing);
    }
}

/* It has nothing that is cheap: once more, with what may keep the thread busy. */
static enum transport_progress try_slow(struct ssh *ssh)
{
    dial_again(ssh);
    ssh->slow = TRUE;
    return go_to(ssh, STATE_LOOKUP);
}

static enum transport_progress handshake_failed(struct ssh *ssh, int code)
{
    const GByteArray *greeting = ssh->greeting;

    if (is_turned_away(ssh))
        return turned_away(ssh);
    if (judge(ssh) == GREETING_TEXT || is_no_server(ssh))
        return no_server(ssh);
    if (ssh->clear.refusal)
        return end(ssh, REASON_PROTOCOL, "%s sends %s", ssh->dial.where, ssh->clear.refusal);
    if (code == LIBSSH2_ERROR_KEX_FAILURE && !ssh->slow && !is_broken(ssh) &&
        algorithms_need_slow(ssh->session, greeting->data, greeting->len))
        return try_slow(ssh);
    if (code == LIBSSH2_ERROR_KEX_FAILURE && !is_broken(ssh)) {
        g_autofree char *why = algorithms_explain(ssh->session, greeting->data, greeting->len);
        return end(ssh, REASON_NO_COMMON, "%s", why);
    }
    return connection_failed(ssh, code);
}

static enum transport_progress step_handshake(struct ssh *ssh)
{
    if (!ssh->session && !begin_session(ssh))
        return end(ssh, REASON_LOCAL, "no memory for an SSH session");
    int code = libssh2_session_handshake(ssh->session, ssh->dial.fd);
    if (code == LIBSSH2_ERROR_EAGAIN && !is_broken(ssh) && !is_turned_away(ssh) && !is_no_server(ssh))
        return wait_for_socket(ssh);
    if (code != 0)
        return handshake_failed(ssh, code);
    ssh->in_clear = FALSE;
    return go_to(ssh, STATE_HOST_KEY);
}

static char *fingerprint(const void *key, size_t size)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize digest_size = sizeof digest;

    g_checksum_update(checksum, key, (gssize)size);
    g_checksum_get_digest(checksum, digest, &digest_size);
    char *text = g_base64_encode(digest, digest_size);
    g_strdelimit(text, "=", '\0'); /* as ssh-keygen -l writes it */
    return text;
}

static enum transport_progress host_key_unknown(struct ssh *ssh, const struct known_hosts_answer *answer,
                                                const char *type, const char *print)
{
    g_autofree char *authority =
        answer->authority_path
            ? g_strdup_printf("; %s:%u names an authority for it, and libssh2 has no host certificates",
                              answer->authority_path, answer->authority_line)
            : g_strdup("");
    return end(ssh, REASON_HOST_KEY_UNKNOWN,
               "the host key of %s (%s SHA256:%s) is not in known_hosts: check it and add it (ssh-keyscan -p %u %s)%s",
               ssh->order->address, type, print, ssh->order->port, ssh->order->address, authority);
}

/*
 * Known by its RSA key, it shows another one, because libssh2 before 1.11 takes RSA keys with SHA-1 only and the server
 * does no longer sign with that: nothing has changed, only there is nothing that we could compare.
 */
static gboolean has_incomparable_key(struct ssh *ssh)
{
    g_autofree const char **known = known_types(ssh);
    struct greeting greeting;

    return known[0] && strcmp(known[0], "ssh-rsa") == 0 && !algorithms_have_rsa_sha2(ssh->session) &&
           greeting_parse(&greeting, ssh->greeting->data, ssh->greeting->len) &&
           (greeting_offers(&greeting.lists[GREETING_HOST_KEY], "rsa-sha2-256") ||
            greeting_offers(&greeting.lists[GREETING_HOST_KEY], "rsa-sha2-512"));
}

static enum transport_progress host_key_changed(struct ssh *ssh, const struct known_hosts_answer *answer,
                                                const char *type, const char *print)
{
    if (!answer->same_type && has_incomparable_key(ssh))
        return end(ssh, REASON_HOST_KEY_UNKNOWN,
                   "%s:%u knows %s by its RSA key only, which libssh2 %s cannot check without SHA-1: check its %s key "
                   "(SHA256:%s) and add it too (ssh-keyscan -p %u %s)",
                   answer->path, answer->line, ssh->order->address, libssh2_version(0), type, print, ssh->order->port,
                   ssh->order->address);
    return end(
        ssh, REASON_HOST_KEY_CHANGED,
        "the host key of %s has changed: it shows %s SHA256:%s, and %s:%u has another key%s; unless the host has got a "
        "new key, somebody is in between",
        ssh->order->address, type, print, answer->path, answer->line, answer->same_type ? "" : " of another type");
}

/* The server has several host keys, perhaps, and it is another one that is known. */
static enum transport_progress ask_again(struct ssh *ssh, const char *type)
{
    ssh->ask_for = g_strdup(type);
    g_clear_pointer(&ssh->greeting, g_byte_array_unref);
    dial_again(ssh);
    return go_to(ssh, STATE_LOOKUP);
}

static enum transport_progress step_host_key(struct ssh *ssh)
{
    struct known_hosts_answer answer;
    struct wire blob, type_wire;
    size_t size = 0;
    int kind;
    const char *key = libssh2_session_hostkey(ssh->session, &size, &kind);

    blob = (struct wire){(const uint8_t *)key, size};
    if (!key || size > MESSAGE_BLOB_BYTES || !wire_read_string(&blob, &type_wire))
        return end(ssh, REASON_PROTOCOL, "the server showed no host key");
    if (!service_host_key(ssh->service, key, size, &answer))
        return TRANSPORT_WAIT;
    g_autofree char *type = text_clean(type_wire.at, type_wire.left);
    g_autofree char *print = fingerprint(key, size);
    switch (answer.verdict) {
    case KNOWN_HOSTS_MATCH:
        g_clear_pointer(&ssh->greeting, g_byte_array_unref);
        return go_to(ssh, STATE_LOGIN);
    case KNOWN_HOSTS_REVOKED:
        return end(ssh, REASON_HOST_KEY_REVOKED, "the host key of %s (%s SHA256:%s) is revoked by %s:%u",
                   ssh->order->address, type, print, answer.path, answer.line);
    case KNOWN_HOSTS_CHANGED:
        if (answer.ask_for && !ssh->ask_for)
            return ask_again(ssh, answer.ask_for);
        return host_key_changed(ssh, &answer, type, print);
    case KNOWN_HOSTS_UNKNOWN:
        break;
    }
    return host_key_unknown(ssh, &answer, type, print);
}

/* Logging in. */

static const char *user_of(const struct ssh *ssh)
{
    return ssh->order->user;
}

static const struct order_identity *identity_of(const struct ssh *ssh)
{
    return g_ptr_array_index(ssh->order->identities, ssh->identity);
}

static gboolean is_rsa(const struct order_identity *identity)
{
    gsize size;
    const void *blob = g_bytes_get_data(identity->public_key, &size);
    struct wire wire = {blob, size}, type;
    return wire_read_string(&wire, &type) && wire_is(&type, "ssh-rsa");
}

static void note_tried(struct ssh *ssh, const struct order_identity *identity)
{
    g_string_append_printf(ssh->tried, "%s%s", ssh->tried->len ? ", " : "", identity->label);
    ssh->rsa_tried |= is_rsa(identity);
}

static void remark(struct ssh *ssh, const char *what)
{
    g_string_append_printf(ssh->remarks, "%s%s", ssh->remarks->len ? "; " : "", what);
}

/*
 * libssh2's call for a signature; what it is given must be memory of the session.  After EAGAIN the same call comes
 * again with the next userauth_publickey(): the parent signs, and that takes its time.
 */
static int sign(LIBSSH2_SESSION *session, unsigned char **signature, size_t *signature_bytes, const unsigned char *data,
                size_t size, void **abstract)
{
    struct ssh *ssh = *abstract;
    g_autoptr(GBytes) bytes = NULL;
    g_autofree char *why = NULL;
    (void)session;

    if (ssh->dead || size > MESSAGE_BLOB_BYTES)
        return -1;
    if (!service_sign(ssh->service, ssh->identity, data, size, &bytes, &why))
        return LIBSSH2_ERROR_EAGAIN;
    if (!bytes) {
        remark(ssh, why);
        return -1;
    }
    gsize length;
    const void *at = g_bytes_get_data(bytes, &length);
    *signature = arena_take(ssh->arena, length);
    if (!*signature)
        return -1;
    memcpy(*signature, at, length);
    *signature_bytes = length;
    return 0;
}

static enum transport_progress login_refused(struct ssh *ssh, const char *methods)
{
    g_autoptr(GString) message = g_string_new(NULL);

    g_string_append_printf(message, "the log-in of \"%s\" was refused (tried: %s)", user_of(ssh), ssh->tried->str);
    if (ssh->farewell)
        g_string_append_printf(message, "; the server ended the connection: %s", ssh->farewell);
    if (methods)
        g_string_append_printf(message, "; the server accepts: %s", methods);
    if (ssh->rsa_tried && !algorithms_have_rsa_sha2(ssh->session))
        g_string_append_printf(
            message,
            "; with an RSA key libssh2 %s signs with SHA-1 only, which OpenSSH 8.8 and later refuse: use "
            "an ed25519 or ECDSA key",
            libssh2_version(0));
    if (ssh->remarks->len > 0)
        g_string_append_printf(message, "; %s", ssh->remarks->str);
    return end(ssh, REASON_LOGIN_REFUSED, "%s", message->str);
}

static gboolean is_refusal(int code)
{
    return code == LIBSSH2_ERROR_AUTHENTICATION_FAILED || code == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED;
}

static enum transport_progress logged_in(struct ssh *ssh)
{
    ssh->base.admitted = TRUE;
    return go_to(ssh, ssh->peer ? STATE_PEER : STATE_CHANNEL);
}

static enum transport_progress step_login(struct ssh *ssh)
{
    const struct order_identity *identity = identity_of(ssh);
    const char *user = user_of(ssh);
    void *abstract = ssh;
    gsize size;
    const unsigned char *blob = g_bytes_get_data(identity->public_key, &size);
    int code = libssh2_userauth_publickey(ssh->session, user, blob, size, sign, &abstract);

    if (code == 0)
        return logged_in(ssh);
    if (code == LIBSSH2_ERROR_EAGAIN && service_is_signing(ssh->service))
        return TRANSPORT_WAIT; /* for the parent, not for the server */
    if (code == LIBSSH2_ERROR_EAGAIN)
        return wait_for_socket(ssh);
    if (!is_refusal(code) && !ssh->farewell)
        return connection_failed(ssh, code);
    note_tried(ssh, identity);
    if (ssh->farewell)
        return login_refused(ssh, NULL);
    if (++ssh->identity == ssh->order->identities->len)
        return go_to(ssh, STATE_METHODS);
    return GO_ON;
}

static enum transport_progress step_methods(struct ssh *ssh)
{
    const char *user = user_of(ssh);
    const char *list = libssh2_userauth_list(ssh->session, user, (unsigned)strlen(user));

    if (!list && libssh2_session_last_errno(ssh->session) == LIBSSH2_ERROR_EAGAIN && !is_broken(ssh))
        return wait_for_socket(ssh);
    if (!list && libssh2_userauth_authenticated(ssh->session))
        return logged_in(ssh); /* a server that asks nobody for anything */
    g_autofree char *methods = list ? text_clean(list, strlen(list)) : NULL;
    return login_refused(ssh, methods);
}

/* The shell. */

static enum transport_progress step_channel(struct ssh *ssh)
{
    ssh->channel = libssh2_channel_open_ex(ssh->session, "session", strlen("session"), ssh->means->window_bytes,
                                           LIBSSH2_CHANNEL_PACKET_DEFAULT, NULL, 0);
    if (ssh->channel)
        return go_to(ssh, STATE_SHELL);
    int code = libssh2_session_last_errno(ssh->session);
    if (code == LIBSSH2_ERROR_EAGAIN)
        return wait_for_socket(ssh);
    if (code == LIBSSH2_ERROR_CHANNEL_FAILURE)
        return end(ssh, REASON_NO_SHELL, "logged in as \"%s\", but the server opens no channel", user_of(ssh));
    return connection_failed(ssh, code);
}

static enum transport_progress step_shell(struct ssh *ssh)
{
    int code = libssh2_channel_process_startup(ssh->channel, "exec", strlen("exec"), COLLECTOR_COMMAND,
                                               strlen(COLLECTOR_COMMAND));

    if (code == LIBSSH2_ERROR_EAGAIN)
        return wait_for_socket(ssh);
    if (code == LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED)
        return end(ssh, REASON_NO_SHELL, "logged in as \"%s\", but the server runs no command", user_of(ssh));
    if (code != 0)
        return connection_failed(ssh, code);
    ssh->base.speaking = TRUE;
    return go_to(ssh, STATE_SEND);
}

static enum transport_progress step_send(struct ssh *ssh)
{
    while (ssh->script_left > 0) {
        ssize_t sent = libssh2_channel_write(ssh->channel, ssh->script, ssh->script_left);
        if (sent == LIBSSH2_ERROR_EAGAIN && libssh2_channel_eof(ssh->channel))
            return go_to(ssh, STATE_TALK); /* the shell has gone and will not read the rest */
        if (sent == LIBSSH2_ERROR_EAGAIN || sent == 0)
            return wait_for_socket(ssh);
        if (sent < 0)
            return connection_failed(ssh, (int)sent);
        ssh->script += sent;
        ssh->script_left -= (size_t)sent;
    }
    return go_to(ssh, STATE_SEND_EOF);
}

static enum transport_progress step_send_eof(struct ssh *ssh)
{
    int code = libssh2_channel_send_eof(ssh->channel);

    if (code == LIBSSH2_ERROR_EAGAIN)
        return wait_for_socket(ssh);
    return code == 0 ? go_to(ssh, STATE_TALK) : connection_failed(ssh, code);
}

/* FALSE: the owner wants no more. */
static gboolean hand_over(struct ssh *ssh, size_t size)
{
    const struct transport_owner *owner = ssh->base.owner;

    if (ssh->stream == 0)
        return owner->output(owner->context, ssh->means->buffer, size);
    owner->complaint(owner->context, ssh->means->buffer, size);
    return TRUE;
}

/* Both streams are read until there is nothing: what stays unread of one blocks the other. */
static enum transport_progress step_talk(struct ssh *ssh)
{
    for (;;) {
        ssize_t got =
            libssh2_channel_read_ex(ssh->channel, ssh->stream, (char *)ssh->means->buffer, ssh->means->buffer_bytes);
        if (got > 0) {
            if (!hand_over(ssh, (size_t)got))
                return TRANSPORT_WAIT;
            continue;
        }
        if (got < 0 && got != LIBSSH2_ERROR_EAGAIN)
            return connection_failed(ssh, (int)got);
        /* It could not send that its window is wide again: the same call must be the next one. */
        if (got < 0 && (libssh2_session_block_directions(ssh->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND))
            return wait_for_socket(ssh);
        if (ssh->stream == 0) {
            ssh->stream = 1;
            continue;
        }
        ssh->stream = 0;
        /* 0 is no end: only this is. */
        if (libssh2_channel_eof(ssh->channel))
            return go_to(ssh, STATE_CLOSE);
        return wait_for_socket(ssh);
    }
}

/* All output is there; how the shell ended is good to know, and not worth an error. */
static enum transport_progress finish(struct ssh *ssh)
{
    char *name = NULL;
    size_t size = 0;

    ssh->base.exit_status = libssh2_channel_get_exit_status(ssh->channel);
    libssh2_channel_get_exit_signal(ssh->channel, &name, &size, NULL, NULL, NULL, NULL);
    if (name) {
        ssh->base.exit_signal = text_clean(name, size);
        arena_give(ssh->arena, name);
    }
    return TRANSPORT_ENDED;
}

static enum transport_progress step_close(struct ssh *ssh)
{
    int code = libssh2_channel_wait_closed(ssh->channel);

    if (code == LIBSSH2_ERROR_EAGAIN && !is_broken(ssh))
        return wait_for_socket(ssh);
    return finish(ssh);
}

/* Peers. */

static enum transport_progress peer_done(struct ssh *ssh)
{
    const struct chain *chain = forward_chain(ssh->forward);
    const char *reason = forward_reason(ssh->forward);

    ssh->base.fetched = (struct transport_fetched){
        .certificates = reason ? NULL : chain_certificates(chain),
        .count = reason ? 0 : chain_count(chain),
        .reason = reason,
        .message = forward_message(ssh->forward),
    };
    return TRANSPORT_ENDED;
}

static struct forward *forward_of(struct ssh *ssh)
{
    if (!ssh->forward)
        ssh->forward = forward_new(ssh->session, ssh->peer, ssh->means->buffer, ssh->means->buffer_bytes);
    return ssh->forward;
}

static enum transport_progress step_peer(struct ssh *ssh)
{
    return forward_step(forward_of(ssh)) == FORWARD_DONE ? peer_done(ssh) : wait_for_socket(ssh);
}

static enum transport_progress expire_peer(struct ssh *ssh, unsigned seconds)
{
    g_autofree char *message = g_strdup_printf("it did not answer within %u s", seconds);

    forward_of(ssh);
    ssh->stuck = !forward_give_up(ssh->forward, "time-out", message);
    return peer_done(ssh);
}

/* The whole. */

static enum transport_progress expire(struct ssh *ssh)
{
    unsigned seconds = (limit_ms(ssh, ssh->state) + 999) / 1000;

    if (ssh->state == STATE_CLOSE)
        return finish(ssh);
    if (ssh->state == STATE_PEER)
        return expire_peer(ssh, seconds);
    if (ssh->state == STATE_HANDSHAKE)
        return handshake_expired(ssh, seconds);
    if (ssh->state == STATE_METHODS)
        return login_refused(ssh, NULL);
    if (ssh->state == STATE_CONNECT && ssh->dial.fd >= 0)
        return dial_give_up(&ssh->dial, seconds) == DIAL_NEXT ? go_to(ssh, STATE_CONNECT) : dial_failed(ssh);
    return end(ssh, REASON_TIMEOUT, "time-out after %u s while %s", seconds, states[ssh->state].doing);
}

/*
 * Hosts that have none but slow key exchanges take turns with all the others, so that however many there are, and
 * whatever they send, most of the thread's time is left.  What they wait is no fault of theirs.
 */
static gboolean is_out_of_turn(struct ssh *ssh)
{
    struct transport *transport = &ssh->base;
    int64_t until = ssh->means->slow_until_ms;

    if (!ssh->slow || ssh->now_ms >= until) {
        transport->wake_ms = 0;
        return FALSE;
    }
    if (transport->deadline_ms)
        transport->deadline_ms += until - MAX(ssh->now_ms, transport->wake_ms);
    transport->wake_ms = until;
    return TRUE;
}

static int64_t thread_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static enum transport_progress step_states(struct ssh *ssh)
{
    enum transport_progress progress = GO_ON;
    gboolean was_slow = ssh->slow;
    int64_t began_us = was_slow ? thread_us() : 0;
    uint64_t began_ns = uv_hrtime();

    while (progress == GO_ON)
        progress = states[ssh->state].step(ssh);
    /* By processor time it is known who was slow, by the clock how long the others waited. */
    if (was_slow && thread_us() - began_us > SLOW_STEP_US)
        ssh->means->slow_until_ms = ssh->now_ms + (1 + SLOW_SHARE) * (int64_t)((uv_hrtime() - began_ns) / 1000000);
    return progress;
}

static gboolean is_late(const struct ssh *ssh)
{
    return ssh->base.deadline_ms != 0 && ssh->now_ms >= ssh->base.deadline_ms;
}

static enum transport_progress ssh_step(struct transport *transport, int64_t now_ms)
{
    struct ssh *ssh = (struct ssh *)transport;

    ssh->now_ms = now_ms;
    if (is_out_of_turn(ssh))
        return TRANSPORT_WAIT;
    ssh->turn_left = TRANSPORT_TURN_BYTES;
    enum transport_progress progress = step_states(ssh);
    /* Only now: what was waited for may have been there all the time, and nobody had looked. */
    while (progress == TRANSPORT_WAIT && is_late(ssh)) {
        transport->wait_count = 0;
        progress = expire(ssh);
        if (progress == GO_ON)
            progress = step_states(ssh);
    }
    if (progress == TRANSPORT_ENDED)
        state_enter(ssh, STATE_ENDED);
    else if (ssh->turn_left == 0)
        progress = TRANSPORT_AGAIN;
    return progress;
}

static struct transport *ssh_open(const struct transport_order *order, const struct transport_owner *owner)
{
    struct ssh *ssh = g_new0(struct ssh, 1);

    ssh->means = order->means;
    ssh->order = order->order;
    ssh->service = order->service;
    ssh->script = order->order->script;
    ssh->script_left = strlen(order->order->script);
    dial_init(&ssh->dial, order->service, owner, ssh->order->address, ssh->order->port);
    ssh->tried = g_string_new(NULL);
    ssh->remarks = g_string_new(order->order->remarks);
    return &ssh->base;
}

/*
 * libssh2_session_free() wants to close the channel first and says EAGAIN if it cannot, and a handshake that is dropped
 * half-way leaks what it held.  With the connection dead every call ends at once: the handshake cleans up after itself,
 * and then all can be freed.
 */
static void free_session(struct ssh *ssh)
{
    if (!ssh->session) {
        g_clear_pointer(&ssh->arena, arena_free);
        return;
    }
    if (ssh->channel)
        libssh2_session_disconnect(ssh->session, "done"); /* so that the server's log has no broken connection */
    ssh->dead = TRUE;
    shutdown(ssh->dial.fd, SHUT_RDWR);
    if (ssh->in_clear)
        for (int i = 0; i < FREE_TRIES && libssh2_session_handshake(ssh->session, ssh->dial.fd) == LIBSSH2_ERROR_EAGAIN;
             i++)
            ;
    for (int i = 0; i < FREE_TRIES && libssh2_session_free(ssh->session) == LIBSSH2_ERROR_EAGAIN; i++)
        ;
    ssh->session = NULL;
    g_clear_pointer(&ssh->arena, arena_free);
    clear_clear(&ssh->clear);
    g_clear_pointer(&ssh->greeting, g_byte_array_unref);
}

/* As at the beginning; with the key that was good once. */
static void dial_again(struct ssh *ssh)
{
    free_session(ssh);
    dial_clear(&ssh->dial);
    service_reset(ssh->service);
    dial_init(&ssh->dial, ssh->service, ssh->base.owner, ssh->order->address, ssh->order->port);
    ssh->channel = NULL;
    ssh->dead = ssh->stuck = ssh->peer_closed = FALSE;
    ssh->socket_error = 0;
    ssh->ahead_at = ssh->ahead_end = ssh->clear_bytes = 0;
    ssh->aimless = 0;
    ssh->in_clear = FALSE;
    g_clear_pointer(&ssh->farewell, g_free);
}

static void ssh_fetch(struct transport *transport, const struct collector_peer *peer)
{
    struct ssh *ssh = (struct ssh *)transport;
    gboolean stuck = ssh->stuck;

    g_clear_pointer(&ssh->forward, forward_free);
    ssh->peer = peer;
    if (stuck)
        dial_again(ssh);
    state_enter(ssh, stuck ? STATE_LOOKUP : STATE_PEER);
}

static void ssh_close(struct transport *transport)
{
    struct ssh *ssh = (struct ssh *)transport;

    free_session(ssh);
    forward_free(ssh->forward);
    dial_clear(&ssh->dial);
    g_free(ssh->ask_for);
    if (ssh->greeting)
        g_byte_array_unref(ssh->greeting);
    g_string_free(ssh->tried, TRUE);
    g_string_free(ssh->remarks, TRUE);
    g_free(ssh->farewell);
    transport_clear(transport);
    g_free(ssh);
}

const struct transport_methods transport_ssh = {"ssh", ssh_open, ssh_step, ssh_close, ssh_fetch};
