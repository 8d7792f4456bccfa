#include "analysis.h"
#include "grouping.h"
#include "trace.h"

struct audit *analysis_explain(const char *name, const void *bytes, size_t size)
{
    const struct grouping_part part = {.path = name};
    struct audit *audit = audit_new();
    struct trace *trace = trace_new();
    struct grouping *grouping = grouping_new(audit, NULL, G_MININT);

    trace_begin(trace, 0);
    trace_read(trace, bytes, size);
    trace_end(trace);
    grouping_add(grouping, trace, &part);
    grouping_free(grouping);
    trace_free(trace);
    return audit;
}
