/*
 * One reference file or folder into a pool, as an analysis does it.
 */
#ifndef TRUSTGAP_TEST_REFER_H
#define TRUSTGAP_TEST_REFER_H

#include "pool.h"
#include "references.h"

static inline gboolean refer(struct pool *pool, const char *path, GError **error)
{
    g_autoptr(references_auto) references = references_new();
    if (!references_add(references, path, NULL, error))
        return FALSE;
    pool_add_references(pool, references);
    return TRUE;
}

#endif
