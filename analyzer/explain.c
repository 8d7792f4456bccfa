#include "analysis.h"
#include "grouping.h"
#include "trace.h"

#include <inttypes.h>

struct audit *analysis_explain(const char *name, const void *bytes, size_t size)
{
    const struct grouping_part part = {.path = name};
    struct audit *audit = audit_new();
    struct trace *trace = trace_new();
    struct grouping *grouping = grouping_new(audit, NULL, G_MININT, NULL);

    trace_read(trace, bytes, size, 0);
    trace_end(trace);
    grouping_add(grouping, trace, &part);
    uint64_t dropped = trace->dropped + grouping_dropped(grouping);
    if (dropped > 0)
        g_ptr_array_add(audit->warnings, (void *)audit_textf(audit,
                                                             "%s: more different failures than are kept; %" PRIu64
                                                             " failed connections are left out",
                                                             name, dropped));
    grouping_free(grouping);
    trace_free(trace);
    return audit;
}
