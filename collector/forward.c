#include "forward.h"

#include "wire.h"

#include <string.h>

#define READ_BYTES ((size_t)16 * 1024) /* at once: so that libssh2 does not make the window much wider */

enum state { STATE_OPEN, STATE_SEND, STATE_READ, STATE_CLOSE, STATE_DONE };

struct forward {
    LIBSSH2_SESSION *session;
    LIBSSH2_CHANNEL *channel;
    struct chain *chain;
    GByteArray *address; /* in the message that opens the channel */
    uint8_t *buffer;
    size_t buffer_bytes;
    size_t sent;
    enum state state;
    const char *reason;
    char *message;
};

/* The peer, and where the connection seems to come from. */
static GByteArray *write_address(const struct collector_peer *peer)
{
    static const char from[] = "127.0.0.1";
    const char *host = peer->target ? peer->target : peer->address;
    GByteArray *bytes = g_byte_array_new();

    wire_append_string(bytes, host, strlen(host));
    wire_append_u32(bytes, peer->port);
    wire_append_string(bytes, from, strlen(from));
    wire_append_u32(bytes, 0);
    return bytes;
}

struct forward *forward_new(LIBSSH2_SESSION *session, const struct collector_peer *peer, uint8_t *buffer, size_t size)
{
    struct forward *forward = g_new0(struct forward, 1);

    forward->session = session;
    forward->chain = chain_new(peer->target);
    forward->address = write_address(peer);
    forward->buffer = buffer;
    forward->buffer_bytes = MIN(size, READ_BYTES);
    return forward;
}

void forward_free(struct forward *forward)
{
    if (!forward)
        return;
    chain_free(forward->chain);
    g_byte_array_unref(forward->address);
    g_free(forward->message);
    g_free(forward);
}

/* Steps return FALSE when they have to wait, TRUE when there may be more to do at once. */

static gboolean fail(struct forward *forward, const char *reason, const char *message)
{
    if (!forward->reason) {
        forward->reason = reason;
        forward->message = g_strdup(message);
    }
    forward->state = forward->channel ? STATE_CLOSE : STATE_DONE;
    return TRUE;
}

static gboolean fail_ssh(struct forward *forward, const char *doing)
{
    char *text = NULL;

    libssh2_session_last_error(forward->session, &text, NULL, 0);
    g_autofree char *message = g_strdup_printf("SSH went wrong while %s: %s", doing, text ? text : "no message");
    return fail(forward, "ssh", message);
}

/* Of the server's answer libssh2 tells the code only, and that in its message. */
static gboolean refused(struct forward *forward)
{
    char *text = NULL;

    libssh2_session_last_error(forward->session, &text, NULL, 0);
    if (text && strstr(text, "prohibited"))
        return fail(forward, "forwarding-refused",
                    "the SSH server does not allow this forwarding (AllowTcpForwarding, PermitOpen)");
    if (text && strstr(text, "connect failed"))
        return fail(forward, "connect-failed", "the host knows no such name or could not connect to it");
    return fail(forward, "forwarding-refused", text ? text : "the SSH server opens no such channel");
}

static gboolean step_open(struct forward *forward)
{
    if (chain_reason(forward->chain))
        return fail(forward, chain_reason(forward->chain), chain_message(forward->chain));
    forward->channel = libssh2_channel_open_ex(forward->session, "direct-tcpip", strlen("direct-tcpip"), CHAIN_BYTES,
                                               LIBSSH2_CHANNEL_PACKET_DEFAULT, (const char *)forward->address->data,
                                               forward->address->len);
    if (forward->channel) {
        forward->state = STATE_SEND;
        return TRUE;
    }
    switch (libssh2_session_last_errno(forward->session)) {
    case LIBSSH2_ERROR_EAGAIN:
        return FALSE;
    case LIBSSH2_ERROR_CHANNEL_FAILURE:
        return refused(forward);
    default:
        return fail_ssh(forward, "opening the channel");
    }
}

static gboolean step_send(struct forward *forward)
{
    const GByteArray *hello = chain_hello(forward->chain);
    ssize_t sent =
        libssh2_channel_write(forward->channel, (const char *)hello->data + forward->sent, hello->len - forward->sent);

    if (sent < 0 && sent != LIBSSH2_ERROR_EAGAIN)
        return fail_ssh(forward, "sending the client hello");
    if (sent > 0)
        forward->sent += (size_t)sent;
    /* A peer that closes at once may have said why. */
    if (forward->sent < hello->len && !libssh2_channel_eof(forward->channel))
        return sent > 0;
    forward->state = STATE_READ;
    return TRUE;
}

static gboolean take_progress(struct forward *forward, enum chain_progress progress)
{
    if (progress == CHAIN_FAILED)
        return fail(forward, chain_reason(forward->chain), chain_message(forward->chain));
    if (progress == CHAIN_DONE)
        forward->state = STATE_CLOSE;
    return TRUE;
}

static gboolean step_read(struct forward *forward)
{
    ssize_t got = libssh2_channel_read(forward->channel, (char *)forward->buffer, forward->buffer_bytes);

    if (got > 0)
        return take_progress(forward, chain_add(forward->chain, forward->buffer, (size_t)got));
    if (got < 0 && got != LIBSSH2_ERROR_EAGAIN)
        return fail_ssh(forward, "reading the answer");
    /* 0 is no end: only this is. */
    if (libssh2_channel_eof(forward->channel))
        return take_progress(forward, chain_end(forward->chain));
    return FALSE;
}

/* What is known by now stands, however this ends. */
static gboolean step_close(struct forward *forward)
{
    if (libssh2_channel_free(forward->channel) == LIBSSH2_ERROR_EAGAIN)
        return FALSE;
    forward->channel = NULL;
    forward->state = STATE_DONE;
    return TRUE;
}

enum forward_progress forward_step(struct forward *forward)
{
    static gboolean (*const steps[])(struct forward *) = {
        [STATE_OPEN] = step_open,
        [STATE_SEND] = step_send,
        [STATE_READ] = step_read,
        [STATE_CLOSE] = step_close,
    };

    while (forward->state != STATE_DONE)
        if (!steps[forward->state](forward))
            return FORWARD_WAIT;
    return FORWARD_DONE;
}

gboolean forward_give_up(struct forward *forward, const char *reason, const char *message)
{
    gboolean stuck = forward->state == STATE_OPEN;

    if (forward->state != STATE_CLOSE && forward->state != STATE_DONE)
        fail(forward, reason, message);
    /* It says so to the server, whose answer is not waited for.  A packet that is sent in part has to be sent on. */
    if (forward->channel && libssh2_channel_close(forward->channel) == LIBSSH2_ERROR_EAGAIN &&
        libssh2_session_block_directions(forward->session) & LIBSSH2_SESSION_BLOCK_OUTBOUND)
        stuck = TRUE;
    forward->state = STATE_DONE;
    return !stuck;
}

const struct chain *forward_chain(const struct forward *forward)
{
    return forward->chain;
}

const char *forward_reason(const struct forward *forward)
{
    return forward->reason;
}

const char *forward_message(const struct forward *forward)
{
    return forward->message;
}
