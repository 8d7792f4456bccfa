#include "order.h"

#include "collector.h"
#include "message.h"

#include <string.h>

static void free_identity(void *data)
{
    struct order_identity *identity = data;

    g_bytes_unref(identity->public_key);
    g_free(identity->label);
    g_free(identity);
}

struct order *order_new(void)
{
    struct order *order = g_new0(struct order, 1);

    order->identities = g_ptr_array_new_with_free_func(free_identity);
    order->key_types = g_ptr_array_new_with_free_func(g_free);
    return order;
}

void order_free(struct order *order)
{
    if (!order)
        return;
    g_free(order->name);
    g_free(order->address);
    g_free(order->plugin);
    g_free(order->user);
    g_free(order->script);
    g_free(order->refusal);
    g_free(order->remarks);
    g_ptr_array_unref(order->identities);
    g_ptr_array_unref(order->key_types);
    if (order->peers)
        g_ptr_array_unref(order->peers);
    g_free(order);
}

void order_add_identity(struct order *order, GBytes *public_key, const char *label)
{
    struct order_identity *identity = g_new0(struct order_identity, 1);

    identity->public_key = g_bytes_ref(public_key);
    identity->label = g_strdup(label);
    g_ptr_array_add(order->identities, identity);
}

static void write_identities(GByteArray *bytes, const struct order *order)
{
    wire_append_u32(bytes, order->identities->len);
    for (guint i = 0; i < order->identities->len; i++) {
        const struct order_identity *identity = order->identities->pdata[i];
        gsize size;
        const void *blob = g_bytes_get_data(identity->public_key, &size);
        wire_append_string(bytes, blob, size);
        message_append_text(bytes, identity->label);
    }
}

static gboolean read_identities(struct wire *wire, struct order *order)
{
    uint32_t count;

    if (!wire_read_u32(wire, &count))
        return FALSE;
    for (uint32_t i = 0; i < count; i++) {
        struct wire blob;
        g_autofree char *label = NULL;
        if (!wire_read_string(wire, &blob) || !message_read_text(wire, &label))
            return FALSE;
        g_autoptr(GBytes) key = g_bytes_new(blob.at, blob.left);
        order_add_identity(order, key, label);
    }
    return TRUE;
}

static void write_peers(GByteArray *bytes, const GPtrArray *peers)
{
    wire_append_u32(bytes, peers ? peers->len : 0);
    for (guint i = 0; peers && i < peers->len; i++) {
        const struct collector_peer *peer = peers->pdata[i];
        message_append_text(bytes, peer->target);
        message_append_text(bytes, peer->address);
        wire_append_u32(bytes, peer->port);
    }
}

static gboolean read_peers(struct wire *wire, struct order *order)
{
    uint32_t count, port;

    if (!wire_read_u32(wire, &count))
        return FALSE;
    if (count > 0)
        order->peers = g_ptr_array_new_with_free_func((GDestroyNotify)collector_peer_free);
    for (uint32_t i = 0; i < count; i++) {
        g_autofree char *target = NULL, *address = NULL;
        if (!message_read_text(wire, &target) || !message_read_text(wire, &address) || !wire_read_u32(wire, &port))
            return FALSE;
        g_ptr_array_add(order->peers, collector_peer_new(target, address, (uint16_t)port));
    }
    return TRUE;
}

static void write_types(GByteArray *bytes, const GPtrArray *types)
{
    wire_append_u32(bytes, types->len);
    for (guint i = 0; i < types->len; i++)
        message_append_text(bytes, types->pdata[i]);
}

static gboolean read_types(struct wire *wire, GPtrArray *types)
{
    uint32_t count;

    if (!wire_read_u32(wire, &count))
        return FALSE;
    for (uint32_t i = 0; i < count; i++) {
        char *type = NULL;
        if (!message_read_text(wire, &type))
            return FALSE;
        g_ptr_array_add(types, type);
    }
    return TRUE;
}

void order_write(GByteArray *bytes, const struct order *order)
{
    wire_append_u32(bytes, order->port);
    wire_append_u32(bytes, order->connection);
    wire_append_u32(bytes, order->host_ms);
    wire_append_u32(bytes, order->left_ms);
    wire_append_u32(bytes, order->tries);
    message_append_text(bytes, order->name);
    message_append_text(bytes, order->address);
    message_append_text(bytes, order->plugin);
    message_append_text(bytes, order->user);
    message_append_text(bytes, order->nonce);
    message_append_text(bytes, order->script);
    message_append_text(bytes, order->refusal);
    message_append_text(bytes, order->remarks);
    write_identities(bytes, order);
    write_types(bytes, order->key_types);
    write_peers(bytes, order->peers);
}

static gboolean read_numbers(struct wire *wire, struct order *order)
{
    uint32_t port, connection;

    if (!wire_read_u32(wire, &port) || !wire_read_u32(wire, &connection) || connection > INVENTORY_OTHER)
        return FALSE;
    order->port = (uint16_t)port;
    order->connection = (enum inventory_connection)connection;
    return wire_read_u32(wire, &order->host_ms) && wire_read_u32(wire, &order->left_ms) &&
           wire_read_u32(wire, &order->tries);
}

static gboolean read_texts(struct wire *wire, struct order *order)
{
    g_autofree char *nonce = NULL;

    if (!message_read_text(wire, &order->name) || !message_read_text(wire, &order->address) ||
        !message_read_text(wire, &order->plugin) || !message_read_text(wire, &order->user) ||
        !message_read_text(wire, &nonce) || !message_read_text(wire, &order->script) ||
        !message_read_text(wire, &order->refusal) || !message_read_text(wire, &order->remarks) || !order->name ||
        !order->address || !nonce || strlen(nonce) != RECORDS_NONCE_CHARS || !order->script)
        return FALSE;
    g_strlcpy(order->nonce, nonce, sizeof order->nonce);
    return TRUE;
}

struct order *order_read(struct wire *wire)
{
    struct order *order = order_new();

    if (read_numbers(wire, order) && read_texts(wire, order) && read_identities(wire, order) &&
        read_types(wire, order->key_types) && read_peers(wire, order))
        return order;
    order_free(order);
    return NULL;
}
