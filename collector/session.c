#include "session.h"

#include "asking.h"
#include "error.h"
#include "moment.h"
#include "receiver.h"
#include "sieve.h"
#include "text.h"

#include <string.h>

#define COMPLAINT_LINE_CHARS 200 /* of what the shell said, in a message */

/* libuv frees its handles later: each is a thing of its own that outlives the session. */
struct poller {
    uv_poll_t handle;
    struct session *session;
    int fd;
    int events; /* that libuv waits for now; 0: stopped */
};

struct session {
    struct session_means *means;
    const struct order *order;
    const struct sink *sink;
    struct capture_host *line;
    struct receiver *receiver;
    struct transport *transport;
    struct transport_owner owner;
    struct asking *asking; /* NULL: the probe is not over */
    struct poller *pollers[TRANSPORT_WAITS];
    uv_timer_t timer;
    uv_idle_t idle; /* active: step again in the next round of the loop */
    unsigned handles;
    int64_t host_deadline_ms, quiet_deadline_ms; /* the latter: 0 as long as no shell runs */
    int64_t peers_deadline_ms;                   /* 0: none is asked */
    int64_t armed_ms;                            /* when the timer goes off; 0: it is not set */
    GString *complaint;                          /* the shell's standard error, the beginning of it */
    int64_t complaint_bytes;                     /* all of it */
    GError *error;                               /* what the receiver said: the host's fault, or the capture's */
    gboolean admitted, cancelled, held, finished;
};

static int64_t now_ms(const struct session *session)
{
    return clock_ms(session->means->clock);
}

static void step_session(struct session *session);

/* Waiting. */

static void free_poller(uv_handle_t *handle)
{
    g_free(handle->data);
}

static void drop_poller(struct session *session, int i)
{
    struct poller *poller = g_steal_pointer(&session->pollers[i]);

    if (!poller)
        return;
    poller->session = NULL;
    uv_close((uv_handle_t *)&poller->handle, free_poller);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct poller *poller = handle->data;
    (void)events;

    if (status < 0)
        poller->events = 0; /* libuv has stopped it; the transport will see what is wrong with the descriptor */
    step_session(poller->session);
}

static struct poller *find_poller(struct session *session, int fd)
{
    int free_place = -1;

    for (int i = 0; i < TRANSPORT_WAITS; i++) {
        if (session->pollers[i] && session->pollers[i]->fd == fd)
            return session->pollers[i];
        if (!session->pollers[i])
            free_place = i;
    }
    g_assert(free_place >= 0);
    struct poller *poller = g_new0(struct poller, 1);
    if (uv_poll_init(session->means->transport.loop, &poller->handle, fd) != 0) {
        g_free(poller);
        return NULL;
    }
    poller->handle.data = poller;
    poller->session = session;
    poller->fd = fd;
    session->pollers[free_place] = poller;
    return poller;
}

static int wanted_events(const struct transport *transport, int fd)
{
    for (unsigned i = 0; i < transport->wait_count; i++)
        if (transport->waits[i].fd == fd)
            return (transport->waits[i].readable ? UV_READABLE : 0) | (transport->waits[i].writable ? UV_WRITABLE : 0);
    return 0;
}

/* Each call to libuv costs system calls: only what has changed is told. */
static gboolean wait_for_descriptors(struct session *session)
{
    const struct transport *transport = session->transport;

    for (unsigned i = 0; i < transport->wait_count; i++)
        if (!find_poller(session, transport->waits[i].fd))
            return FALSE;
    for (int i = 0; i < TRANSPORT_WAITS; i++) {
        struct poller *poller = session->pollers[i];
        int events = poller ? wanted_events(transport, poller->fd) : 0;
        if (!poller || events == poller->events)
            continue;
        poller->events = events;
        if (events == 0)
            uv_poll_stop(&poller->handle);
        else if (uv_poll_start(&poller->handle, events, on_poll) != 0)
            return FALSE;
    }
    return TRUE;
}

static void on_idle(uv_idle_t *idle)
{
    struct session *session = idle->data;
    uv_idle_stop(idle);
    step_session(session);
}

static void step_soon(struct session *session)
{
    if (!session->finished)
        uv_idle_start(&session->idle, on_idle);
}

static void on_timer(uv_timer_t *timer)
{
    struct session *session = timer->data;
    session->armed_ms = 0;
    step_session(session);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return b != 0 && b < a ? b : a;
}

/* A timer that goes off too early does no harm, so it is only ever set anew if it would go off too late. */
static void wait_for_deadline(struct session *session, int64_t now)
{
    int64_t deadline = earlier(session->host_deadline_ms, session->quiet_deadline_ms);

    deadline = earlier(earlier(deadline, session->peers_deadline_ms), session->transport->deadline_ms);
    deadline = earlier(deadline, session->transport->wake_ms);

    if (session->armed_ms != 0 && session->armed_ms <= deadline)
        return;
    session->armed_ms = deadline;
    uv_update_time(session->means->transport.loop);
    uv_timer_start(&session->timer, on_timer, (uint64_t)MAX(deadline - now, 0) + 1, 0);
}

/* What the transport tells. */

static void heard(struct session *session)
{
    if (session->quiet_deadline_ms == 0)
        return;
    /* Whatever is said after the last record does not make the grace longer. */
    if (receiver_complete(session->receiver))
        session->quiet_deadline_ms = MIN(session->quiet_deadline_ms, now_ms(session) + SESSION_GRACE_MS);
    else
        session->quiet_deadline_ms = now_ms(session) + session->means->silence_ms;
}

static gboolean on_output(void *context, const uint8_t *bytes, size_t size)
{
    struct session *session = context;

    if (!session->error)
        receiver_add(session->receiver, bytes, size, &session->error);
    heard(session);
    return session->error == NULL;
}

static void on_complaint(void *context, const uint8_t *bytes, size_t size)
{
    struct session *session = context;
    size_t room = COLLECTOR_STDERR_BYTES - session->complaint->len;

    g_string_append_len(session->complaint, (const char *)bytes, (gssize)MIN(size, room));
    session->complaint_bytes += (int64_t)size;
    if (session->complaint_bytes > COLLECTOR_STDERR_LIMIT && !session->error)
        g_set_error(&session->error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT,
                    "more than %" G_GINT64_FORMAT " bytes came on standard error", COLLECTOR_STDERR_LIMIT);
    heard(session);
}

static void on_state(void *context, const char *from, const char *to)
{
    struct session *session = context;

    if (session->means->trace)
        session->means->trace(session->means->context, session, from, to);
}

static void on_wake(void *context)
{
    step_soon(context);
}

static void on_forget(void *context, int fd)
{
    struct session *session = context;

    for (int i = 0; i < TRANSPORT_WAITS; i++)
        if (session->pollers[i] && session->pollers[i]->fd == fd)
            drop_poller(session, i);
}

/* The end. */

static char *first_line(const GString *text)
{
    size_t length = strcspn(text->str, "\r\n");

    if (sieve_holds_key(text->str, text->len))
        return g_strdup("not shown, since it looks like a private key");
    return text_clean(text->str, MIN(length, COMPLAINT_LINE_CHARS));
}

/* " (exit status 127): sh: no such file" */
static void append_shell_end(GString *message, const struct session *session)
{
    const struct transport *transport = session->transport;
    const GString *noise = receiver_noise(session->receiver);
    gboolean only_noise = !receiver_begun(session->receiver) && noise->len > 0;

    if (transport->exit_signal)
        g_string_append_printf(message, " (signal %s)", transport->exit_signal);
    else if (transport->exit_status > 0)
        g_string_append_printf(message, " (exit status %d)", transport->exit_status);
    if (session->complaint->len > 0 || only_noise) {
        g_autofree char *line = first_line(session->complaint->len > 0 ? session->complaint : noise);
        g_string_append_printf(message, ": %s", line);
    }
}

static void line_set(struct session *session, enum collector_reason reason, const char *message)
{
    struct capture_host *line = session->line;
    gboolean has_something = line->instances->len + line->traces->len + line->stores->len > 0;

    line->status = has_something ? CAPTURE_PARTIAL : CAPTURE_FAILED;
    g_free(line->reason);
    g_free(line->message);
    line->reason = g_strdup(collector_reason_name(reason));
    line->message = g_strdup(message);
}

/* The transport has ended and the probe is not complete, by its own fault or by that of the shell. */
static void conclude_shell(struct session *session)
{
    g_autoptr(GString) message = g_string_new(NULL);
    gboolean begun = receiver_begun(session->receiver);

    g_string_append(message, begun ? "the probe ended before its last record" : "no shell answered");
    append_shell_end(message, session);
    line_set(session, begun ? REASON_INCOMPLETE : REASON_NO_SHELL, message->str);
}

/* The probe has said all it had to say; which may be that it found nothing, or could not read what it found. */
static void conclude_complete(struct session *session)
{
    struct capture_host *line = session->line;
    enum collector_reason reason;
    gboolean of_files = TRUE;
    g_autofree char *shortfall = receiver_shortfall(session->receiver, &reason);
    g_autofree char *unread = capture_unread(line, &of_files);
    g_autoptr(GString) message = g_string_new(NULL);

    line->status = CAPTURE_COLLECTED;
    if (line->instances->len == 0 && reason == REASON_NO_INSTANCE) {
        g_string_append_printf(message, "nothing was found to look at: %s; see sap_root in the inventory",
                               shortfall ? shortfall : "the probe names no instance");
    } else if (shortfall || !of_files) {
        reason = reason == REASON_NONE ? REASON_UNREAD : reason;
        g_string_append_printf(message, "%s%s%s", unread ? unread : "", unread && shortfall ? "; " : "",
                               shortfall ? shortfall : "");
    } else {
        return;
    }
    line_set(session, reason, message->str);
    line->status = CAPTURE_PARTIAL;
}

static void conclude_transport(struct session *session)
{
    const struct transport *transport = session->transport;
    gboolean again = transport->reason == REASON_BUSY && session->order->tries > 1;
    g_autofree char *message =
        again ? g_strdup_printf("%s; tried %u times", transport->message, session->order->tries) : NULL;

    line_set(session, transport->reason, message ? message : transport->message);
}

static void conclude(struct session *session)
{
    const struct transport *transport = session->transport;

    if (session->line->reason)
        return; /* a deadline, or the end of the run */
    if (session->error) {
        gboolean limit = session->error->code == TRUSTGAP_ERROR_LIMIT;
        line_set(session, limit ? REASON_LIMIT : REASON_BAD_RECORD, session->error->message);
    } else if (receiver_complete(session->receiver)) {
        conclude_complete(session);
    } else if (transport->reason != REASON_NONE) {
        conclude_transport(session);
    } else {
        conclude_shell(session);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct session *session = handle->data;

    if (--session->handles > 0)
        return;
    receiver_free(session->receiver);
    asking_free(session->asking);
    capture_host_free(session->line);
    g_string_free(session->complaint, TRUE);
    g_clear_error(&session->error);
    g_free(session);
}

static void finish_session(struct session *session)
{
    g_autoptr(GError) error = NULL;

    session->finished = TRUE;
    /* First what has come, so that it is known whether there is something. */
    if (!receiver_finish(session->receiver, &error) && !session->error)
        session->error = g_steal_pointer(&error);
    conclude(session);
    session->line->finished = g_get_real_time() / G_USEC_PER_SEC;
    transport_close(g_steal_pointer(&session->transport));
    for (int i = 0; i < TRANSPORT_WAITS; i++)
        drop_poller(session, i);
    session->means->done(session->means->context, session, session->line);
    uv_close((uv_handle_t *)&session->timer, on_closed);
    uv_close((uv_handle_t *)&session->idle, on_closed);
}

/* TRUE if one of our own deadlines has passed; those of its states the transport keeps itself. */
static gboolean is_overdue(struct session *session, int64_t now)
{
    g_autofree char *message = NULL;
    gboolean busy = session->order->tries > 1 && !session->admitted;

    if (now >= session->host_deadline_ms && busy)
        message = g_strdup_printf(
            "the server turned away the first %u of %u tries, and the time of the host (%u s) was over in the "
            "last one; tried %u times",
            session->order->tries - 1, session->order->tries, (session->order->host_ms + 999) / 1000,
            session->order->tries);
    else if (now >= session->host_deadline_ms)
        message = g_strdup_printf("time-out: the host took more than %u s altogether",
                                  (session->order->host_ms + 999) / 1000);
    else if (session->peers_deadline_ms != 0 && now >= session->peers_deadline_ms)
        return TRUE;
    else if (session->quiet_deadline_ms != 0 && now >= session->quiet_deadline_ms)
        message = g_strdup_printf("time-out after %u s in which the probe said nothing",
                                  (session->means->silence_ms + 999) / 1000);
    else
        return FALSE;
    if (!receiver_complete(session->receiver))
        line_set(session, busy ? REASON_BUSY : REASON_TIMEOUT, message);
    return TRUE;
}

/* Peers. */

/* The probe is over, or the peer that was asked: ask the next one.  FALSE: there is no more to do for this host. */
static gboolean ask_next(struct session *session, const GPtrArray *peers, int64_t now)
{
    const struct transport *transport = session->transport;

    if (!session->asking) {
        session->asking = asking_new(peers, session->line, session->sink);
        session->peers_deadline_ms = now + COLLECTOR_PEERS_MS;
        session->quiet_deadline_ms = 0;
    } else if (transport->reason == REASON_NONE && (transport->fetched.reason || transport->fetched.certificates) &&
               !asking_keep(session->asking, &transport->fetched, &session->error)) {
        return FALSE;
    }
    if (transport->reason != REASON_NONE)
        asking_end(session->asking, "ssh", transport->message);
    else if (now >= MIN(session->host_deadline_ms, session->peers_deadline_ms))
        asking_end(session->asking, "time-out", "the time for all peers of this host was over");
    return asking_begin(session->asking, session->transport);
}

/* Nothing more comes from the transport, or nothing more is waited for. */
static void go_on(struct session *session, int64_t now)
{
    const GPtrArray *peers = session->order->peers;

    if (peers && !session->error && receiver_complete(session->receiver) && ask_next(session, peers, now))
        step_soon(session);
    else
        finish_session(session);
}

static void cancel(struct session *session)
{
    if (session->asking)
        asking_end(session->asking, collector_reason_name(REASON_CANCELLED), "the run was ended");
    else
        line_set(session, REASON_CANCELLED, "cancelled: the run was ended");
    finish_session(session);
}

/* Level-triggered as they are, descriptors would call again and again. */
static void hold(struct session *session)
{
    session->held = TRUE;
    for (int i = 0; i < TRANSPORT_WAITS; i++) {
        struct poller *poller = session->pollers[i];
        if (poller && poller->events != 0)
            uv_poll_stop(&poller->handle);
        if (poller)
            poller->events = 0;
    }
}

static void step_session(struct session *session)
{
    int64_t now = now_ms(session);

    if (session->finished)
        return;
    if (session->cancelled) {
        cancel(session);
        return;
    }
    if (session->means->held) {
        hold(session);
        return;
    }
    enum transport_progress progress = transport_step(session->transport, now);
    if (session->transport->admitted && !session->admitted) {
        session->admitted = TRUE;
        session->means->admitted(session->means->context, session);
    }
    if (progress == TRANSPORT_ENDED || session->error || is_overdue(session, now)) {
        go_on(session, now);
        return;
    }
    if (session->transport->speaking && session->quiet_deadline_ms == 0 && !session->asking)
        session->quiet_deadline_ms = now + session->means->silence_ms;
    if (progress == TRANSPORT_AGAIN) {
        step_soon(session);
    } else if (!wait_for_descriptors(session)) {
        line_set(session, REASON_LOCAL, "the descriptor cannot be waited for");
        finish_session(session);
        return;
    }
    wait_for_deadline(session, now);
}

struct session *session_open(struct session_means *means, const struct order *order, struct service *service,
                             const struct sink *sink)
{
    struct session *session = g_new0(struct session, 1);

    session->means = means;
    session->order = order;
    session->sink = sink;
    session->line = capture_host_new();
    session->line->name = g_strdup(order->name);
    session->line->started = g_get_real_time() / G_USEC_PER_SEC;
    session->complaint = g_string_new(NULL);
    session->owner = (struct transport_owner){on_output, on_complaint, on_state, on_wake, on_forget, session};
    session->host_deadline_ms = now_ms(session) + order->left_ms;
    session->receiver = receiver_new(session->line, sink, order->nonce, means->trace_bytes);
    struct transport_order transport_order = {&means->transport, order, service};
    static const struct transport_methods *const methods[] = {
        [INVENTORY_SSH] = &transport_ssh,
        [INVENTORY_LOCAL] = &transport_local,
        [INVENTORY_OTHER] = &transport_none,
    };
    service->wake = on_wake;
    service->context = session;
    session->transport = transport_open(methods[order->connection], &transport_order, &session->owner);
    uv_timer_init(means->transport.loop, &session->timer);
    uv_idle_init(means->transport.loop, &session->idle);
    session->timer.data = session->idle.data = session;
    session->handles = 2;
    step_soon(session);
    return session;
}

void session_cancel(struct session *session)
{
    session->cancelled = TRUE;
    step_soon(session);
}

static void credit(int64_t *deadline_ms, int64_t more_ms)
{
    if (*deadline_ms != 0)
        *deadline_ms += more_ms;
}

void session_release(struct session *session, int64_t held_ms)
{
    if (session->finished)
        return;
    credit(&session->host_deadline_ms, held_ms);
    credit(&session->quiet_deadline_ms, held_ms);
    credit(&session->peers_deadline_ms, held_ms);
    credit(&session->transport->deadline_ms, held_ms);
    if (!session->held)
        return;
    session->held = FALSE;
    session->armed_ms = 0;
    step_soon(session);
}
