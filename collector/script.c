#include "script.h"

#include "collector.h"
#include "probe.sh.h"
#include "text.h"

#include <errno.h>
#include <sys/random.h>

void script_nonce(char nonce[RECORDS_NONCE_CHARS + 1])
{
    uint8_t bytes[RECORDS_NONCE_CHARS / 2];
    ssize_t got;

    do {
        got = getrandom(bytes, sizeof bytes, 0);
    } while (got < 0 && errno == EINTR);
    g_assert(got == (ssize_t)sizeof bytes); /* so few never come short */
    g_autoptr(GString) hex = g_string_new(NULL);
    text_hex(hex, bytes, sizeof bytes);
    g_strlcpy(nonce, hex->str, RECORDS_NONCE_CHARS + 1);
}

/* In single quotes nothing means anything to a shell but the single quote itself. */
static void append_variable(GString *script, const char *name, const char *value)
{
    g_string_append_printf(script, "%s='", name);
    for (const char *at = value; *at; at++) {
        if (*at == '\'')
            g_string_append(script, "'\\''");
        else
            g_string_append_c(script, *at);
    }
    g_string_append(script, "'\n");
}

char *script_new(const struct inventory_host *host, const char *nonce, int64_t trace_bytes)
{
    GString *script = g_string_sized_new(sizeof probe_sh + 1024);
    g_autofree char *bytes = g_strdup_printf("%" G_GINT64_FORMAT, trace_bytes);
    append_variable(script, "tg_nonce", nonce);
    append_variable(script, "tg_root", host->sap_root);
    append_variable(script, "tg_trace_bytes", bytes);
    append_variable(script, "tg_become", host->become ? "1" : "0");
    append_variable(script, "tg_trust_users", host->trust_local_users ? "1" : "0");
    append_variable(script, "tg_probe", host->probe ? host->probe : "");
    if (host->become) /* a shell cannot say what it was told on its standard input, and sudo's shell needs the same */
        append_variable(script, "tg_script", probe_sh);
    g_string_append(script, probe_sh);
    return g_string_free(script, FALSE);
}

char *collector_probe(void)
{
    return g_strconcat("#!/bin/sh\ntg_installed=1\n", probe_sh, NULL);
}

/* A nonce of its own for each host would make the same question give two answers; this one stands for it. */
char *collector_script(const struct inventory_host *host, int64_t trace_bytes)
{
    return script_new(host, "00000000000000000000000000000000", trace_bytes > 0 ? trace_bytes : COLLECTOR_TRACE_BYTES);
}
