/*
 * What is sent to the remote shell: the variables that docs/formats/probe.md names, quoted, then probe.sh, which is
 * part of the program.
 */
#ifndef TRUSTGAP_SCRIPT_H
#define TRUSTGAP_SCRIPT_H

#include "inventory.h"
#include "records.h"

#include <glib.h>

/**
 * script_nonce(nonce):
 * 128 random bits in hex, so that no log-in script can print by chance what looks like the probe's first line, nor on
 * purpose.
 */
void script_nonce(char nonce[RECORDS_NONCE_CHARS + 1]);

/**
 * script_new(host, nonce, trace_bytes):
 * The whole script; the caller frees it with g_free().
 */
char *script_new(const struct inventory_host *host, const char *nonce, int64_t trace_bytes);

#endif
