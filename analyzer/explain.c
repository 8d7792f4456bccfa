#include "analysis.h"
#include "file.h"
#include "grouping.h"
#include "identify.h"
#include "message.h"
#include "pool.h"
#include "snc.h"
#include "trace.h"
#include "trace_file.h"
#include "trace_kind.h"

#include <inttypes.h>
#include <string.h>

struct work {
    struct grouping *grouping;
    struct grouping_part parts[2];
};

static void take_failure(void *data, const struct trace_failure *failure)
{
    struct work *work = data;
    grouping_take(work->grouping, failure, work->parts);
}

/* Whether ${old} is what a rotation has made of ${path}. */
static gboolean is_older_part(const char *old, const char *path)
{
    size_t size = strlen(path);
    return strncmp(old, path, size) == 0 && strcmp(old + size, ".old") == 0;
}

/* Whether it was understood; the parts of one trace are judged together, by the name of the last. */
static void add_input(struct audit *audit, const struct trace *trace, const char *path)
{
    struct audit_input *input = audit_input_new(audit);
    g_autofree char *mention = trace->found == 0 ? message_mentions(trace) : NULL;

    input->path = audit_text(audit, path);
    input->understood = trace_kind_is_trace(trace);
    if (!input->understood) {
        g_autofree char *seen = trace_kind_seen(trace), *need = trace_kind_need(trace);
        input->seen = audit_text(audit, seen);
        input->need = audit_text(audit, need);
    } else if (mention) {
        g_ptr_array_add(audit->warnings,
                        (void *)audit_textf(audit, "%s mentions %s, but not in a line that reports a failed connection",
                                            path, mention));
    }
    g_ptr_array_add(audit->inputs, input);
}

/* One trace, of which ${n} parts are named. */
static gboolean explain_trace(struct audit *audit, struct grouping *grouping, const char *const *paths, size_t n,
                              GError **error)
{
    struct work work = {.grouping = grouping};
    g_autoptr(trace_auto) trace = trace_new_for(take_failure, &work);

    for (size_t i = 0; i < n; i++) {
        work.parts[i].path = file_name(paths[i]);
        if (!trace_file_read(trace, paths[i], error))
            return FALSE;
    }
    trace_end(trace);
    snc_find(trace);
    message_find(trace);
    add_input(audit, trace, work.parts[n - 1].path);
    grouping_end_trace(grouping, trace->prefixed);
    return TRUE;
}

/* Among the references; what only the trace itself prints says nothing of where to get it. */
static void find_missing(struct audit *audit, struct pool *pool, struct audit_failure *failure)
{
    struct audit_known *known = audit_known_new(audit);
    struct identity identity;

    identify(&identity, audit, pool, failure);
    if (!identity.cert || !identity.cert->from_trace) {
        known->cert = identity.cert;
        known->match = identity.match;
        known->proof = identity.proof;
        for (guint i = 0; identity.candidates && i < identity.candidates->len; i++)
            g_ptr_array_add(known->candidates, identity.candidates->pdata[i]);
    }
    failure->known = known;
    identity_clear(&identity);
}

static void look_up(struct audit *audit, struct pool *pool, const struct analysis_options *options)
{
    audit->evaluated = options->at;
    pool_add_references(pool, options->references);
    pool_take_shown(pool);
    for (guint i = 0; audit->references->len > 0 && i < audit->failures->len; i++) {
        struct audit_failure *failure = audit->failures->pdata[i];
        if (failure->cause == CAUSE_UNTRUSTED_PEER && failure->missing)
            find_missing(audit, pool, failure);
    }
}

struct audit *analysis_explain(const char *const *paths, const struct analysis_options *options, GError **error)
{
    struct audit *audit = audit_new();
    struct pool *pool = pool_new(audit);
    struct grouping *grouping = grouping_new(audit, NULL, NULL, pool);
    gboolean ok = TRUE;

    for (size_t i = 0, n; ok && paths[i]; i += n) {
        n = paths[i + 1] && is_older_part(paths[i], paths[i + 1]) ? 2 : 1;
        ok = explain_trace(audit, grouping, paths + i, n, error);
    }
    grouping_finish(grouping);
    uint64_t dropped = grouping_dropped(grouping);
    if (dropped > 0)
        g_ptr_array_add(audit->warnings,
                        (void *)audit_textf(audit,
                                            "more than %d different failures; %" PRIu64 " connections are left out",
                                            GROUPING_ENTRIES, dropped));
    grouping_free(grouping);
    if (ok && options)
        look_up(audit, pool, options);
    pool_free(pool);
    if (!ok)
        g_clear_pointer(&audit, audit_free);
    return audit;
}
