#include "trace.h"

struct trace *trace_new(void)
{
    struct trace *trace = g_new0(struct trace, 1);
    trace->failures = g_ptr_array_new();
    trace->header.level = -1;
    trace->header.pid = -1;
    trace->strings = g_string_chunk_new(64 * 1024);
    return trace;
}

void trace_read(struct trace *trace, const void *bytes, size_t size, uint64_t base)
{
    (void)trace, (void)bytes, (void)size, (void)base;
}

void trace_end(struct trace *trace)
{
    (void)trace;
}

void trace_free(struct trace *trace)
{
    if (!trace)
        return;
    g_ptr_array_unref(trace->failures);
    g_string_chunk_free(trace->strings);
    g_free(trace);
}
