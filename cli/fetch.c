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

/* ${address} may be no address, or NULL. */
static struct collector_peer *peer_new(const char *target, const char *address, uint16_t port)
{
    if (address && !is_address(address))
        address = NULL;
    /* A target that is an address says no more than the peer's, but it is the one that was called. */
    if (target && is_address(target))
        return collector_peer_new(NULL, target, port);
    if (target && is_name(target))
        return collector_peer_new(target, address, port);
    return address ? collector_peer_new(NULL, address, port) : NULL;
}

/* FALSE: there is none.  ${seen} has those that are there already, of all hosts: one may have called thousands. */
static gboolean add_peer(GPtrArray *peers, GHashTable *seen, struct collector_peer *peer)
{
    if (!peer)
        return FALSE;
    g_autofree char *name = g_ascii_strdown(peer->target ? peer->target : peer->address, -1);
    char *key = g_strdup_printf("%p %u %s %s", (void *)peers, peer->port, peer->target ? "name" : "address", name);
    if (g_hash_table_add(seen, key))
        g_ptr_array_add(peers, peer);
    else
        collector_peer_free(peer);
    return TRUE;
}

/* Behind a proxy the address and its port are the proxy's; then none of them has the port of the headline. */
static gboolean is_behind_proxy(const struct audit_failure *failure)
{
    for (guint i = 0; i < failure->peers->len; i++) {
        g_autofree char *address = NULL;
        uint16_t port;
        if (split_peer(failure->peers->pdata[i], &address, &port) && port == failure->port)
            return FALSE;
    }
    return failure->port > 0 && failure->port <= UINT16_MAX;
}

/* One name may have been called at several ports.  FALSE: the trace tells none. */
static gboolean add_peers(GPtrArray *peers, GHashTable *seen, const struct audit_failure *failure)
{
    gboolean any = FALSE;

    if (failure->target && is_behind_proxy(failure))
        return add_peer(peers, seen, peer_new(failure->target, NULL, (uint16_t)failure->port));
    for (guint i = 0; i < failure->peers->len; i++) {
        g_autofree char *address = NULL;
        uint16_t port;
        if (split_peer(failure->peers->pdata[i], &address, &port))
            any = add_peer(peers, seen, peer_new(failure->target, address, port)) || any;
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
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    unsigned unusable = 0;

    for (guint i = 0; i < audit->failures->len; i++) {
        const struct audit_failure *failure = audit->failures->pdata[i];
        if (failure->cause != CAUSE_UNTRUSTED_PEER || !is_call(failure) || !failure->instance)
            continue;
        if (!add_peers(peers_of_host(hosts, failure->instance->host->name), seen, failure))
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
