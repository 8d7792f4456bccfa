#include "advice.h"

#include <string.h>

static const struct {
    const char *file, *node;
} nodes[] = {
    {"SAPSSLS.pse", "SSL Server (Standard)"},
    {"SAPSSLC.pse", "SSL Client (Standard)"},
    {"SAPSSLA.pse", "SSL Client (Anonymous)"},
};

/* Traces of Windows hosts have backslashes, wherever they are read. */
static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *backslash = strrchr(path, '\\');
    const char *last = slash > backslash ? slash : backslash;
    return last ? last + 1 : path;
}

const char *advice_node(const char *path)
{
    for (size_t i = 0; i < G_N_ELEMENTS(nodes); i++)
        if (g_ascii_strcasecmp(base_name(path), nodes[i].file) == 0)
            return nodes[i].node;
    return NULL;
}

char *advice_text(const struct trace_failure *failure)
{
    return g_strdup(failure->missing ? failure->missing : "");
}
