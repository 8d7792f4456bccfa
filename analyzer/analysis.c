#include "analysis.h"

#include "demands.h"
#include "fetched.h"
#include "findings.h"
#include "history.h"
#include "landscape.h"
#include "moment.h"
#include "pool.h"

struct audit *analysis_run(const char *const *captures, const struct analysis_options *options, GError **error)
{
    g_autoptr(audit_auto) audit = audit_new();
    g_autoptr(landscape_auto) landscape = landscape_new(audit);

    landscape_use(landscape, options->workers);
    audit->program = audit_text(audit, "trustgap " TRUSTGAP_VERSION);
    audit->evaluated = options->at;
    audit->previous = options->previous ? options->previous->evaluated : MOMENT_NONE;
    if (!landscape_add(landscape, captures, error))
        return NULL;
    pool_add_references(landscape->pool, options->references);
    demands_bring(landscape, options->policy);

    fetched_recall(landscape->fetched, options->previous);
    pool_take_shown(landscape->pool);
    fetched_complete(landscape->fetched);
    g_autoptr(history_auto) history = history_new(landscape, options->previous);
    /* Findings look certificates up in lists by their numbers, and name things in a fixed order. */
    audit_sort(audit);
    findings_make(landscape, history, options->policy);
    pool_drop_public(landscape->pool);
    audit_sort(audit);
    return g_steal_pointer(&audit);
}
