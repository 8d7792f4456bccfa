#include "capture.h"

#include "record.h"

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
