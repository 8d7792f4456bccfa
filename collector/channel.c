#include "channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES   ((size_t)64 * 1024)
#define READS        8                         /* in one turn; then others have theirs */
#define LAZY_BYTES   ((size_t)64 * 1024)       /* that wait for no more */
#define SHIFT_BYTES  ((size_t)256 * 1024)      /* sent, and still in front of what is not */
#define SHRINK_BYTES ((size_t)4 * 1024 * 1024) /* memory of a buffer that is empty */

struct rights {
    size_t at; /* offset in the buffer of the message that they go with */
    int fds[CHANNEL_RIGHTS];
};

struct channel {
    const struct channel_events *events;
    void *context;
    int fd;
    uv_poll_t poll;
    uv_prepare_t prepare; /* before the loop waits: send */
    uv_idle_t idle;       /* after a pause: hand over what was kept */
    unsigned handles;
    int waits; /* what the loop waits for */
    GByteArray *in, *out;
    size_t out_sent;
    guint begun;                  /* offset of the message that is appended */
    GQueue rights_out, rights_in; /* of struct rights * */
    gboolean trusted, paused, blocked, full, ended, closed;
    gboolean due;    /* what is to be sent does not wait for more */
    gboolean broken; /* nobody takes it any more; what the other side said before is still read */
};

union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * CHANNEL_RIGHTS)];
};

static void rights_free(void *data)
{
    struct rights *rights = data;

    for (int i = 0; i < CHANNEL_RIGHTS; i++)
        close(rights->fds[i]);
    g_free(rights);
}

static void free_channel(uv_handle_t *handle)
{
    struct channel *channel = handle->data;

    if (--channel->handles > 0)
        return;
    g_queue_clear_full(&channel->rights_out, rights_free);
    g_queue_clear_full(&channel->rights_in, rights_free);
    g_byte_array_unref(channel->in);
    g_byte_array_unref(channel->out);
    close(channel->fd);
    g_free(channel);
}

static void end(struct channel *channel, gboolean bad)
{
    if (channel->ended)
        return;
    channel->ended = TRUE;
    uv_poll_stop(&channel->poll);
    uv_prepare_stop(&channel->prepare);
    uv_idle_stop(&channel->idle);
    if (!channel->closed)
        channel->events->ended(channel->context, bad);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void wait(struct channel *channel)
{
    int waits = (channel->paused ? 0 : UV_READABLE) | (channel->blocked ? UV_WRITABLE : 0);

    if (channel->ended || channel->closed || waits == channel->waits)
        return;
    channel->waits = waits;
    if (waits)
        uv_poll_start(&channel->poll, waits, on_poll);
    else
        uv_poll_stop(&channel->poll);
}

/* Sending. */

static ssize_t send_some(const struct channel *channel, size_t size, const struct rights *rights)
{
    struct iovec iovec = {channel->out->data + channel->out_sent, size};
    struct msghdr message = {.msg_iov = &iovec, .msg_iovlen = 1};
    union control control = {0};

    if (rights) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof rights->fds);
        memcpy(CMSG_DATA(header), rights->fds, sizeof rights->fds);
    }
    return sendmsg(channel->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void shift(struct channel *channel)
{
    if (channel->out_sent == channel->out->len) {
        g_byte_array_set_size(channel->out, 0);
    } else if (channel->out_sent >= SHIFT_BYTES) {
        g_byte_array_remove_range(channel->out, 0, (guint)channel->out_sent);
        for (GList *link = channel->rights_out.head; link; link = link->next)
            ((struct rights *)link->data)->at -= channel->out_sent;
    } else {
        return;
    }
    channel->out_sent = 0;
}

/* Reading comes to the end by itself. */
static void throw_away(struct channel *channel)
{
    g_queue_clear_full(&channel->rights_out, rights_free);
    channel->out_sent = channel->out->len;
}

static void flush(struct channel *channel)
{
    while (!channel->ended && !channel->broken && channel->out_sent < channel->out->len) {
        struct rights *rights = g_queue_peek_head(&channel->rights_out);
        gboolean now = rights && rights->at == channel->out_sent;
        const GList *second = now ? channel->rights_out.head->next : channel->rights_out.head;
        size_t until = second ? ((const struct rights *)second->data)->at : channel->out->len;
        ssize_t sent = send_some(channel, until - channel->out_sent, now ? rights : NULL);
        if (sent < 0 && errno == EINTR)
            continue;
        channel->broken = sent < 0 && errno != EAGAIN;
        channel->blocked = sent < 0 && errno == EAGAIN;
        if (sent < 0)
            break;
        if (now)
            rights_free(g_queue_pop_head(&channel->rights_out));
        channel->out_sent += (size_t)sent;
    }
    if (channel->broken)
        throw_away(channel);
    shift(channel);
    channel->due = FALSE; /* or it is blocked, and goes on by itself */
    if (channel->full && channel_pending(channel) < CHANNEL_FULL_BYTES / 2) {
        channel->full = FALSE;
        if (channel->events->drained)
            channel->events->drained(channel->context);
    }
    wait(channel);
}

GByteArray *channel_begin(struct channel *channel, enum message_kind kind, uint32_t host)
{
    channel->begun = message_begin(channel->out, kind, host);
    return channel->out;
}

void channel_end(struct channel *channel)
{
    channel_end_lazily(channel);
    channel->due = TRUE;
}

void channel_end_lazily(struct channel *channel)
{
    message_end(channel->out, channel->begun);
    channel->full = channel->full || channel_pending(channel) >= CHANNEL_FULL_BYTES;
    channel->due = channel->due || channel_pending(channel) >= LAZY_BYTES;
}

void channel_say(struct channel *channel, enum message_kind kind, uint32_t host)
{
    channel_begin(channel, kind, host);
    channel_end(channel);
}

void channel_attach(struct channel *channel, const int fds[CHANNEL_RIGHTS])
{
    struct rights *rights = g_new0(struct rights, 1);

    rights->at = channel->begun;
    memcpy(rights->fds, fds, sizeof rights->fds);
    g_queue_push_tail(&channel->rights_out, rights);
}

size_t channel_pending(const struct channel *channel)
{
    return channel->out->len - channel->out_sent;
}

/* Receiving. */

/* The kernel gives no more than the descriptors of one message at once. */
static void keep_rights(struct channel *channel, struct msghdr *message)
{
    const struct cmsghdr *header = CMSG_FIRSTHDR(message);

    if (!header || header->cmsg_type != SCM_RIGHTS || header->cmsg_len != CMSG_LEN(sizeof(int) * CHANNEL_RIGHTS))
        return;
    struct rights *rights = g_new0(struct rights, 1);
    memcpy(rights->fds, CMSG_DATA(header), sizeof rights->fds);
    g_queue_push_tail(&channel->rights_in, rights);
}

gboolean channel_detach(struct channel *channel, int fds[CHANNEL_RIGHTS])
{
    g_autofree struct rights *rights = g_queue_pop_head(&channel->rights_in);

    if (rights)
        memcpy(fds, rights->fds, sizeof rights->fds);
    return rights != NULL;
}

static void hand_over(struct channel *channel)
{
    struct wire bytes = {channel->in->data, channel->in->len};
    enum message_result result = MESSAGE_NONE;
    struct message message;

    while (!channel->paused && !channel->ended && !channel->closed &&
           (result = message_take(&bytes, &message)) == MESSAGE_TAKEN)
        if (!channel->events->message(channel->context, &message)) {
            result = MESSAGE_BAD;
            break;
        }
    if (channel->closed)
        return;
    if (result == MESSAGE_BAD) {
        end(channel, TRUE);
        return;
    }
    if (bytes.left == 0 && channel->in->len > SHRINK_BYTES) {
        g_byte_array_unref(channel->in);
        channel->in = g_byte_array_new();
    } else if (bytes.left < channel->in->len) {
        g_byte_array_remove_range(channel->in, 0, (guint)(channel->in->len - bytes.left));
    }
}

/* FALSE: there is nothing more for now. */
static gboolean receive(struct channel *channel)
{
    guint before = channel->in->len;
    union control control;

    g_byte_array_set_size(channel->in, before + (guint)READ_BYTES);
    struct iovec iovec = {channel->in->data + before, READ_BYTES};
    struct msghdr message = {.msg_iov = &iovec, .msg_iovlen = 1};
    if (channel->trusted) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
    }
    ssize_t got = recvmsg(channel->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    int failure = errno;
    g_byte_array_set_size(channel->in, before + (guint)MAX(got, 0));
    if (got < 0 && (failure == EAGAIN || failure == EINTR))
        return FALSE;
    if (got <= 0) {
        end(channel, FALSE);
        return FALSE;
    }
    if (channel->trusted)
        keep_rights(channel, &message);
    hand_over(channel);
    return got == (ssize_t)READ_BYTES;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct channel *channel = poll->data;

    if (status < 0) {
        end(channel, FALSE);
        return;
    }
    if (events & UV_WRITABLE)
        flush(channel);
    if (!(events & UV_READABLE))
        return;
    for (int i = 0; i < READS && !channel->paused && !channel->ended && !channel->closed; i++)
        if (!receive(channel))
            break;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct channel *channel = prepare->data;

    if (!channel->ended && !channel->closed && !channel->blocked && channel->due)
        flush(channel);
}

static void on_idle(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    hand_over(idle->data);
}

struct channel *channel_new(uv_loop_t *loop, int fd, const struct channel_events *events, void *context,
                            gboolean trusted)
{
    struct channel *channel = g_new0(struct channel, 1);

    if (uv_poll_init(loop, &channel->poll, fd) != 0) {
        close(fd);
        g_free(channel);
        return NULL;
    }
    channel->events = events;
    channel->context = context;
    channel->fd = fd;
    channel->trusted = trusted;
    channel->in = g_byte_array_new();
    channel->out = g_byte_array_new();
    g_queue_init(&channel->rights_out);
    g_queue_init(&channel->rights_in);
    uv_prepare_init(loop, &channel->prepare);
    uv_idle_init(loop, &channel->idle);
    channel->poll.data = channel->prepare.data = channel->idle.data = channel;
    channel->handles = 3;
    uv_prepare_start(&channel->prepare, on_prepare);
    wait(channel);
    return channel;
}

void channel_close(struct channel *channel)
{
    if (!channel || channel->closed)
        return;
    channel->closed = TRUE;
    shutdown(channel->fd, SHUT_RDWR);
    uv_close((uv_handle_t *)&channel->poll, free_channel);
    uv_close((uv_handle_t *)&channel->prepare, free_channel);
    uv_close((uv_handle_t *)&channel->idle, free_channel);
}

void channel_pause(struct channel *channel, gboolean paused)
{
    channel->paused = paused;
    wait(channel);
    if (!paused && !channel->ended && !channel->closed && channel->in->len > 0)
        uv_idle_start(&channel->idle, on_idle);
}
