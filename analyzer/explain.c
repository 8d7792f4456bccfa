#include "analysis.h"
#include "error.h"
#include "explain_work.h"
#include "file.h"
#include "identify.h"
#include "message.h"
#include "packed.h"
#include "pool.h"
#include "snc.h"
#include "trace.h"
#include "trace_file.h"
#include "trace_kind.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct input { /* a named file, of which the beginning was looked at */
    const char *path;
    int fd;
    int64_t size; /* as file_open() gives it */
    char head[PACKED_HEAD_BYTES];
    size_t head_size; /* of a stream: bytes that won't come again */
    gboolean packed;
};

static void take_failure(void *data, const struct trace_failure *failure)
{
    struct explain_trace *work = data;
    grouping_take(work->explain->grouping, failure, work->parts);
}

void explain_trace_begin(struct explain_trace *work, struct explain *explain, const char *first, const char *second)
{
    *work = (struct explain_trace){.explain = explain};
    work->parts[0].path = first;
    work->parts[1].path = second;
    work->trace = trace_new_for(take_failure, work);
}

gboolean explain_trace_end(struct explain_trace *work)
{
    struct trace *trace = work->trace;
    struct audit *audit = work->explain->audit;
    const char *path = work->parts[1].path ? work->parts[1].path : work->parts[0].path;

    trace_end(trace);
    snc_find(trace);
    message_find(trace);
    gboolean understood = trace_kind_is_trace(trace);
    g_autofree char *mention = trace->found == 0 && understood ? message_mentions(trace) : NULL;
    if (mention)
        g_ptr_array_add(audit->warnings,
                        (void *)audit_textf(audit, "%s mentions %s, but not in a line that reports a failed connection",
                                            path, mention));
    grouping_end_trace(work->explain->grouping, trace->prefixed);
    return understood;
}

void explain_trace_clear(struct explain_trace *work)
{
    trace_free(work->trace);
}

void explain_input_add(struct explain *explain, const char *path, gboolean understood, const char *seen,
                       const char *need)
{
    struct audit_input *input = audit_input_new(explain->audit);

    input->path = audit_text(explain->audit, path);
    input->understood = understood;
    input->seen = audit_text(explain->audit, seen);
    input->need = audit_text(explain->audit, need);
    g_ptr_array_add(explain->audit->inputs, input);
}

/* Whether ${old} is what a rotation has made of ${path}. */
static gboolean is_older_part(const char *old, const char *path)
{
    size_t size = strlen(path);
    return strncmp(old, path, size) == 0 && strcmp(old + size, ".old") == 0;
}

/* FALSE with ${error} set, and nothing to close. */
static gboolean open_input(struct input *input, const char *path, GError **error)
{
    size_t got = 0;
    ssize_t more = 1;

    *input = (struct input){.path = path};
    input->fd = file_open(path, &input->size, error);
    if (input->fd < 0)
        return FALSE;
    while (got < sizeof input->head && more != 0) {
        more = input->size < 0 ? read(input->fd, input->head + got, sizeof input->head - got)
                               : pread(input->fd, input->head + got, sizeof input->head - got, (off_t)got);
        if (more > 0)
            got += (size_t)more;
        else if (more < 0 && errno != EINTR)
            break; /* whoever reads on meets it again */
    }
    input->head_size = input->size < 0 ? got : 0;
    input->packed = packed_is(input->head, got);
    return TRUE;
}

static void close_input(struct input *input)
{
    file_close(input->fd);
}

/* A packed stream is taken into memory, for it is packed, and an archive may have to be looked at out of order. */
static GBytes *read_stream(const struct input *input, GError **error)
{
    g_autoptr(GByteArray) all = g_byte_array_new();
    char piece[16384];
    ssize_t got;

    g_byte_array_append(all, (const guint8 *)input->head, (guint)input->head_size);
    while ((got = read(input->fd, piece, sizeof piece)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            file_error(error, TRUSTGAP_ERROR_IO, file_name(input->path), "cannot be read: ", errno);
            return NULL;
        }
        if (all->len + (size_t)got > PACKED_MEMORY_BYTES) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT,
                        "%s: more than %zu MiB of packed data; name it as a file", file_name(input->path),
                        PACKED_MEMORY_BYTES >> 20);
            return NULL;
        }
        g_byte_array_append(all, (const guint8 *)piece, (guint)got);
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&all));
}

static gboolean explain_packed_input(struct explain *explain, const struct input *input, GError **error)
{
    g_autoptr(GBytes) bytes = input->size < 0 ? read_stream(input, error) : NULL;

    if (input->size < 0 && !bytes)
        return FALSE;
    return explain_packed(explain, file_name(input->path), input->fd, bytes, error);
}

/* One trace, of which ${n} parts are named; whether it was understood is told of all together, by the last. */
static gboolean explain_plain(struct explain *explain, struct input *inputs, size_t n, GError **error)
{
    struct explain_trace work;
    gboolean ok = TRUE;

    explain_trace_begin(&work, explain, file_name(inputs[0].path), n > 1 ? file_name(inputs[1].path) : NULL);
    for (size_t i = 0; ok && i < n; i++)
        ok = trace_file_take(work.trace, inputs[i].path, inputs[i].fd, inputs[i].size, inputs[i].head,
                             inputs[i].head_size, error);
    if (ok) {
        gboolean understood = explain_trace_end(&work);
        g_autofree char *seen = understood ? NULL : trace_kind_seen(work.trace);
        g_autofree char *need = understood ? NULL : trace_kind_need(work.trace);
        explain_input_add(explain, file_name(inputs[n - 1].path), understood, seen, need);
    }
    explain_trace_clear(&work);
    return ok;
}

/* The file ${paths[0]}, and its second part ${paths[1]} if the two are one trace; ${*n} is how many were taken. */
static gboolean explain_path(struct explain *explain, const char *const *paths, size_t *n, GError **error)
{
    struct input inputs[2];
    gboolean ok;

    *n = 1;
    if (!open_input(&inputs[0], paths[0], error))
        return FALSE;
    if (!inputs[0].packed && paths[1] && is_older_part(paths[0], paths[1])) {
        ok = open_input(&inputs[1], paths[1], error);
        if (ok && inputs[1].packed)
            close_input(&inputs[1]);
        else if (ok)
            *n = 2;
    } else {
        ok = TRUE;
    }
    if (ok)
        ok = inputs[0].packed ? explain_packed_input(explain, &inputs[0], error)
                              : explain_plain(explain, inputs, *n, error);
    for (size_t i = 0; i < *n; i++)
        close_input(&inputs[i]);
    return ok;
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
    struct explain explain = {audit, grouping};
    gboolean ok = TRUE;

    for (size_t i = 0, n; ok && paths[i]; i += n)
        ok = explain_path(&explain, paths + i, &n, error);
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
