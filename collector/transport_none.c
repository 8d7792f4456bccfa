#include "transport.h"

struct none {
    struct transport base;
    const char *plugin;
};

static struct transport *none_open(const struct transport_order *order, const struct transport_owner *owner)
{
    struct none *none = g_new0(struct none, 1);
    (void)owner;

    none->plugin = order->order->plugin;
    return &none->base;
}

static enum transport_progress none_step(struct transport *transport, int64_t now_ms)
{
    const struct none *none = (const struct none *)transport;
    (void)now_ms;

    return transport_end(transport, REASON_CONNECTION, "%s is not supported; connections are over ssh or local",
                         none->plugin);
}

static void none_close(struct transport *transport)
{
    transport_clear(transport);
    g_free(transport);
}

const struct transport_methods transport_none = {"none", none_open, none_step, none_close, NULL};
