#include "peers.h"

void peers_init(struct peers *peers)
{
    *peers = (struct peers){.names = g_ptr_array_new(), .known = g_hash_table_new(g_str_hash, g_str_equal)};
}

void peers_clear(struct peers *peers)
{
    g_ptr_array_unref(peers->names);
    g_hash_table_unref(peers->known);
}

static void add_name(struct peers *peers, const char *name)
{
    if (name && g_hash_table_add(peers->known, (void *)name))
        g_ptr_array_add(peers->names, (void *)name);
}

void peers_add(struct peers *peers, const struct audit_failure *failure)
{
    if (failure->target && failure->role != ROLE_SERVER) {
        add_name(peers, failure->target);
        return;
    }
    for (guint i = 0; i < failure->peers->len; i++)
        add_name(peers, failure->peers->pdata[i]);
    if (failure->peers_more == 0)
        return;
    peers->more += failure->peers_more;
    peers->sources++;
    peers->capped = peers->capped || failure->peers_more >= AUDIT_PEERS_COUNTED - AUDIT_PEERS;
}

void peers_append(const struct peers *peers, GString *text)
{
    guint shown = MIN(peers->names->len, PEERS_NAMED), more = peers->names->len - shown + peers->more;

    for (guint i = 0; i < shown; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (const char *)peers->names->pdata[i]);
    if (peers->sources > 1)
        g_string_append(text, " and others");
    else if (more > 0)
        g_string_append_printf(text, " and %s%u more", peers->capped ? "at least " : "", more);
}
