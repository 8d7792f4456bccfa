#include "fetch.h"

#include "cli.h"
#include "collector.h"

#include <arpa/inet.h>
#include <string.h>

#define NAME_CHARS 253

static gboolean is_address(const char *text)
{
    struct in6_addr address;
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

static gboolean is_name(const char *text)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";
    size_t size = strlen(text);
    return size > 0 && size <= NAME_CHARS && strspn(text, plain) == size && g_ascii_isalnum(*text);
}

/* "192.0.2.7:443", "[2001:db8::1]:443", "2001:db8::1:443"; the address is to be freed with g_free(). */
static gboolean split_peer(const char *peer, char **address, uint16_t *port)
{
    const char *colon = peer ? strrchr(peer, ':') : NULL;
    guint64 number;

    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 1, UINT16_MAX, &number, NULL))
        return FALSE;
    *port = (uint16_t)number;
    gboolean bracketed = *peer == '[' && colon[-1] == ']';
    *address = bracketed ? g_strndup(peer + 1, (gsize)(colon - peer) - 2) : g_strndup(peer, (gsize)(colon - peer));
    return TRUE;
}

static struct collector_peer *peer_new(const char *target, const char *peer)
{
    g_autofree char *address = NULL;
    uint16_t port;

    if (!split_peer(peer, &address, &port))
        return NULL;
    /* A target that is an address says no more than the peer's, but it is the one that was called. */
    if (target && is_address(target))
        return collector_peer_new(NULL, target, port);
    if (target && is_name(target))
        return collector_peer_new(target, is_address(address) ? address : NULL, port);
    return is_address(address) ? collector_peer_new(NULL, address, port) : NULL;
}

static gboolean is_same(const struct collector_peer *one, const struct collector_peer *other)
{
    if (one->port != other->port || !one->target != !other->target)
        return FALSE;
    return one->target ? g_ascii_strcasecmp(one->target, other->target) == 0
                       : strcmp(one->address, other->address) == 0;
}

static void add_peer(GPtrArray *peers, struct collector_peer *peer)
{
    for (guint i = 0; i < peers->len; i++)
        if (is_same(peers->pdata[i], peer)) {
            collector_peer_free(peer);
            return;
        }
    g_ptr_array_add(peers, peer);
}

/* One name may have been called at several ports.  FALSE: the trace tells none. */
static gboolean add_peers(GPtrArray *peers, const struct audit_failure *failure)
{
    gboolean any = FALSE;

    for (guint i = 0; i < failure->peers->len; i++) {
        struct collector_peer *peer = peer_new(failure->target, failure->peers->pdata[i]);
        if (peer)
            add_peer(peers, peer);
        any = any || peer;
    }
    return any;
}

static GPtrArray *peers_of_host(GHashTable *hosts, const char *name)
{
    GPtrArray *peers = g_hash_table_lookup(hosts, name);

    if (!peers) {
        peers = g_ptr_array_new_with_free_func((GDestroyNotify)collector_peer_free);
        g_hash_table_insert(hosts, g_strdup(name), peers);
    }
    return peers;
}

/* Only who calls asks for a name; a trace of little detail does not tell the role. */
static gboolean is_call(const struct audit_failure *failure)
{
    return failure->role == ROLE_CLIENT || (failure->role == ROLE_UNKNOWN && failure->target);
}

GHashTable *fetch_peers(const struct audit *audit)
{
    GHashTable *hosts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    unsigned unusable = 0;

    for (guint i = 0; i < audit->failures->len; i++) {
        const struct audit_failure *failure = audit->failures->pdata[i];
        if (failure->cause != CAUSE_UNTRUSTED_PEER || !is_call(failure) || !failure->instance)
            continue;
        if (!add_peers(peers_of_host(hosts, failure->instance->host->name), failure))
            unusable++;
    }
    if (unusable > 0 && !cli_quiet)
        cli_message(
            "--fetch-chains: of %u failures the trace tells no name or address with a port; their peers are not "
            "asked",
            unusable);
    return hosts;
}

const GPtrArray *fetch_find(GHashTable *peers, const char *host)
{
    const GPtrArray *found = peers ? g_hash_table_lookup(peers, host) : NULL;
    return found && found->len > 0 ? found : NULL;
}
