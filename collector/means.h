/*
 * What holds for all hosts of a run, as the parent tells its workers.  Times in milliseconds.
 */
#ifndef TRUSTGAP_MEANS_H
#define TRUSTGAP_MEANS_H

#include "wire.h"

#include <glib.h>

struct means {
    uint32_t lookup_ms, connect_ms, handshake_ms, login_ms, silence_ms;
    uint32_t window_bytes; /* what a host may send before we have taken it */
    int64_t trace_bytes;
    gboolean trace; /* states are to be told */
};

/**
 * means_write(bytes, means), means_read(wire, means):
 * Append them, and read them again; FALSE if they are not whole.
 */
void means_write(GByteArray *bytes, const struct means *means);
gboolean means_read(struct wire *wire, struct means *means);

#endif
