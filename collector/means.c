#include "means.h"

void means_write(GByteArray *bytes, const struct means *means)
{
    wire_append_u32(bytes, means->lookup_ms);
    wire_append_u32(bytes, means->connect_ms);
    wire_append_u32(bytes, means->handshake_ms);
    wire_append_u32(bytes, means->login_ms);
    wire_append_u32(bytes, means->silence_ms);
    wire_append_u32(bytes, means->window_bytes);
    wire_append_u32(bytes, (uint32_t)(means->trace_bytes >> 32));
    wire_append_u32(bytes, (uint32_t)means->trace_bytes);
    wire_append_u32(bytes, means->trace != FALSE);
}

gboolean means_read(struct wire *wire, struct means *means)
{
    uint32_t high, low, trace;

    if (!wire_read_u32(wire, &means->lookup_ms) || !wire_read_u32(wire, &means->connect_ms) ||
        !wire_read_u32(wire, &means->handshake_ms) || !wire_read_u32(wire, &means->login_ms) ||
        !wire_read_u32(wire, &means->silence_ms) || !wire_read_u32(wire, &means->window_bytes) ||
        !wire_read_u32(wire, &high) || !wire_read_u32(wire, &low) || !wire_read_u32(wire, &trace))
        return FALSE;
    means->trace_bytes = (int64_t)high << 32 | low;
    means->trace = trace != 0;
    return TRUE;
}
