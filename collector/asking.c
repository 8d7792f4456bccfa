#include "asking.h"

struct asking {
    const GPtrArray *peers;
    struct capture_host *line;
    const struct sink *sink;
    guint next;                  /* of the peers */
    struct capture_chain *chain; /* of the one that was begun; NULL: none is */
};

struct asking *asking_new(const GPtrArray *peers, struct capture_host *line, const struct sink *sink)
{
    struct asking *asking = g_new0(struct asking, 1);

    asking->peers = peers;
    asking->line = line;
    asking->sink = sink;
    if (peers->len > COLLECTOR_PEERS)
        g_ptr_array_add(line->notes, g_strdup_printf("%u of %u peers were asked for their certificates, no more",
                                                     COLLECTOR_PEERS, peers->len));
    return asking;
}

void asking_free(struct asking *asking)
{
    g_free(asking);
}

/* The entry of the next peer in the host's line; NULL if there is none. */
static struct capture_chain *begin_chain(struct asking *asking)
{
    if (asking->next >= MIN(asking->peers->len, COLLECTOR_PEERS))
        return NULL;
    const struct collector_peer *peer = asking->peers->pdata[asking->next++];
    struct capture_chain *chain = capture_chain_new();
    chain->target = g_strdup(peer->target);
    chain->address = g_strdup(peer->address);
    chain->port = peer->port;
    chain->asked = g_get_real_time() / G_USEC_PER_SEC;
    g_ptr_array_add(asking->line->chains, chain);
    return chain;
}

static void refuse(struct capture_chain *chain, const char *reason, const char *message)
{
    chain->reason = g_strdup(reason);
    chain->message = g_strdup(message);
}

gboolean asking_begin(struct asking *asking, struct transport *transport)
{
    guint index = asking->next;

    asking->chain = begin_chain(asking);
    if (!asking->chain)
        return FALSE;
    if (transport_fetch(transport, asking->peers->pdata[index]))
        return TRUE;
    asking_end(asking, "not-available", "only a host that is reached over SSH can be asked for a way to a peer");
    return FALSE;
}

static char *keep_object(const struct sink *sink, const GByteArray *bytes, GError **error)
{
    void *object = sink->begin(sink->context, error);

    if (!object)
        return NULL;
    if (sink->add(object, bytes->data, bytes->len, error))
        return sink->finish(object, error);
    sink->drop(object);
    return NULL;
}

gboolean asking_keep(struct asking *asking, const struct transport_fetched *fetched, GError **error)
{
    struct capture_chain *chain = g_steal_pointer(&asking->chain);

    if (fetched->reason) {
        refuse(chain, fetched->reason, fetched->message);
        return TRUE;
    }
    chain->count = fetched->count;
    chain->object = keep_object(asking->sink, fetched->certificates, error);
    return chain->object != NULL;
}

void asking_end(struct asking *asking, const char *reason, const char *message)
{
    if (asking->chain)
        refuse(g_steal_pointer(&asking->chain), reason, message);
    for (struct capture_chain *chain = begin_chain(asking); chain; chain = begin_chain(asking))
        refuse(chain, "not-asked", message);
}
