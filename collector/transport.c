#include "transport.h"

#include "text.h"

#include <string.h>

struct transport *transport_open(const struct transport_methods *methods, const struct transport_order *order,
                                 const struct transport_owner *owner)
{
    struct transport *transport = methods->open(order, owner);
    transport->methods = methods;
    transport->owner = owner;
    transport->exit_status = -1;
    return transport;
}

enum transport_progress transport_step(struct transport *transport, int64_t now_ms)
{
    transport->wait_count = 0;
    return transport->methods->step(transport, now_ms);
}

gboolean transport_fetch(struct transport *transport, const struct collector_peer *peer)
{
    g_assert(transport->reason == REASON_NONE);
    if (!transport->methods->fetch)
        return FALSE;
    transport->fetched = (struct transport_fetched){0};
    transport->methods->fetch(transport, peer);
    return TRUE;
}

void transport_close(struct transport *transport)
{
    if (transport)
        transport->methods->close(transport);
}

void transport_clear(struct transport *transport)
{
    g_clear_pointer(&transport->message, g_free);
    g_clear_pointer(&transport->exit_signal, g_free);
}

void transport_wait_for(struct transport *transport, int fd, gboolean readable, gboolean writable)
{
    g_assert(transport->wait_count < TRANSPORT_WAITS);
    transport->waits[transport->wait_count++] =
        (struct transport_wait){.fd = fd, .readable = readable, .writable = writable};
}

enum transport_progress transport_end(struct transport *transport, enum collector_reason reason, const char *format,
                                      ...)
{
    if (!transport->message) {
        va_list args;
        va_start(args, format);
        g_autofree char *message = g_strdup_vprintf(format, args);
        va_end(args);
        transport->reason = reason;
        transport->message = text_clean(message, strlen(message));
    }
    return TRANSPORT_ENDED;
}
