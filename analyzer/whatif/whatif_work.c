#include "whatif_work.h"

#include "moment.h"

gboolean whatif_fits(const char *pattern, const struct audit_store *store)
{
    return g_pattern_match_simple(pattern, store->label) || g_strcmp0(pattern, store->file) == 0;
}

uint64_t whatif_mask(const struct whatif *whatif, const struct audit_store *store)
{
    uint64_t mask = 0;
    for (guint i = 0; i < whatif->imports->len; i++)
        if (whatif_fits(g_array_index(whatif->imports, struct whatif_import, i).pattern, store))
            mask |= (uint64_t)1 << i;
    return mask;
}

gboolean whatif_is_dropped(const struct whatif *whatif, const struct audit_cert *cert)
{
    return whatif->drops->len > 0 && g_ptr_array_find(whatif->drops, cert, NULL);
}

gboolean whatif_ended(const struct whatif *whatif, const struct audit_cert *cert)
{
    return (cert->not_after != MOMENT_NONE && cert->not_after < whatif->at) ||
           (cert->not_before != MOMENT_NONE && cert->not_before > whatif->at);
}

static struct audit_cert *cert_of(const struct whatif *whatif, const struct audit_link *link)
{
    struct audit_cert *cert = NULL;
    if (link->sha256 || link->sha1 || link->md5)
        cert = pool_find_digest(whatif->pool, link->sha256, link->sha1, link->md5);
    else if (link->serial && link->issuer && !link->issuer_cut)
        cert = pool_find_serial(whatif->pool, link->issuer, link->serial);
    return cert && cert->der ? cert : NULL;
}

guint whatif_chain_of(const struct whatif *whatif, GPtrArray *chain, const struct audit_failure *failure)
{
    guint below = 0;
    for (guint i = 0; i < failure->chain->len && i < WHATIF_CHAIN; i++) {
        struct audit_cert *cert = cert_of(whatif, failure->chain->pdata[i]);
        if (cert)
            g_ptr_array_add(chain, cert);
        else if (chain->len == 0)
            below++;
    }
    return below;
}
