/*
 * Where certificates are that a finding is about, each as own certificate or as an anchor.
 */
#ifndef TRUSTGAP_USES_H
#define TRUSTGAP_USES_H

#include "audit.h"

#include <glib.h>

struct use {
    GPtrArray *own;     /* of struct audit_store *: those that have it as own certificate, in the audit's order */
    GPtrArray *trusted; /* likewise: those whose list has it */
};

/**
 * uses_find(audit, stores, is_meant, context):
 * A new table, by struct audit_cert *, of struct use * of the certificates in the first ${stores} stores of ${audit}
 * for which ${is_meant} says so; the caller frees it with g_hash_table_unref().
 */
GHashTable *uses_find(const struct audit *audit, guint stores,
                      gboolean (*is_meant)(const struct audit_cert *cert, gboolean own, const void *context),
                      const void *context);

#endif
