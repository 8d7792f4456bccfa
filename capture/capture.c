#include "capture.h"

#include "record.h"

#include <string.h>

static void instance_free(void *instance)
{
    record_clear(&record_instance, instance);
    g_free(instance);
}

static void trace_free(void *trace)
{
    record_clear(&record_trace, trace);
    g_free(trace);
}

static void store_free(void *store)
{
    record_clear(&record_store, store);
    g_free(store);
}

static void chain_free(void *chain)
{
    record_clear(&record_chain, chain);
    g_free(chain);
}

struct capture_host *capture_host_new(void)
{
    struct capture_host *host = record_new(&record_host);

    host->groups = g_ptr_array_new_with_free_func(g_free);
    host->instances = g_ptr_array_new_with_free_func(instance_free);
    host->traces = g_ptr_array_new_with_free_func(trace_free);
    host->stores = g_ptr_array_new_with_free_func(store_free);
    host->chains = g_ptr_array_new_with_free_func(chain_free);
    host->notes = g_ptr_array_new_with_free_func(g_free);
    return host;
}

struct capture_instance *capture_instance_new(void)
{
    return record_new(&record_instance);
}

struct capture_trace *capture_trace_new(void)
{
    return record_new(&record_trace);
}

struct capture_store *capture_store_new(void)
{
    return record_new(&record_store);
}

struct capture_chain *capture_chain_new(void)
{
    return record_new(&record_chain);
}

void capture_host_free(struct capture_host *host)
{
    if (!host)
        return;
    record_clear(&record_host, host);
    g_ptr_array_unref(host->groups);
    g_ptr_array_unref(host->instances);
    g_ptr_array_unref(host->traces);
    g_ptr_array_unref(host->stores);
    g_ptr_array_unref(host->chains);
    g_ptr_array_unref(host->notes);
    g_free(host);
}

void capture_host_empty(struct capture_host *host)
{
    g_ptr_array_set_size(host->instances, 0);
    g_ptr_array_set_size(host->traces, 0);
    g_ptr_array_set_size(host->stores, 0);
}

/* How many there are, how many were read, and the first reason for that: one of the host before one of a file. */
struct tally {
    unsigned all, read;
    const char *why;
    gboolean of_host;
};

static void tally_unread(struct tally *tally, const char *reason, gboolean of_host)
{
    if (!tally->why || (of_host && !tally->of_host))
        tally->why = reason ? reason : "no reason given";
    tally->of_host = tally->of_host || of_host;
}

/*
 * Whether it is the login or the host that could not read a file, or the moment was a bad one, or somebody put
 * something else in the file's place; all else is in the file itself.
 */
static gboolean is_of_host(const char *reason)
{
    static const char *const words[] = {"not-allowed", "changed", "incomplete",        "no-tool",          "time-out",
                                        "wrong-owner", "link",    CAPTURE_PRIVATE_KEY, CAPTURE_DISK_BUDGET};
    size_t size = reason ? strcspn(reason, " ") : 0;

    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (size == strlen(words[i]) && strncmp(reason, words[i], size) == 0)
            return TRUE;
    return !reason;
}

static void append_tally(GString *text, const struct tally *tally, const char *one, const char *many)
{
    if (tally->read < tally->all)
        g_string_append_printf(text, "%s%u of %u %s", text->len > 0 ? " and " : "", tally->read, tally->all,
                               tally->all == 1 ? one : many);
}

char *capture_unread(const struct capture_host *host, gboolean *of_files)
{
    struct tally lists = {.all = host->stores->len}, traces = {.all = host->traces->len};
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < host->stores->len; i++) {
        const struct capture_store *store = host->stores->pdata[i];
        if (store->trusted || (store->listing && g_strcmp0(store->method, "sapgenpse") == 0))
            lists.read++;
        else
            tally_unread(&lists, store->reason, is_of_host(store->reason));
    }
    for (guint i = 0; i < host->traces->len; i++) {
        const struct capture_trace *trace = host->traces->pdata[i];
        if (trace->object)
            traces.read++;
        else
            tally_unread(&traces, trace->reason, is_of_host(trace->reason));
    }
    if (lists.of_host || traces.of_host)
        *of_files = FALSE;
    append_tally(text, &lists, "trust list", "trust lists");
    append_tally(text, &traces, "trace", "traces");
    if (text->len == 0)
        return g_string_free(text, TRUE), NULL;
    const struct tally *gravest = lists.why && (lists.of_host || !traces.of_host) ? &lists : &traces;
    gboolean one = lists.read < lists.all ? lists.all == 1 && traces.read == traces.all : traces.all == 1;
    g_string_append_printf(text, " %s read: %s", one ? "was" : "were", gravest->why);
    return g_string_free(text, FALSE);
}
