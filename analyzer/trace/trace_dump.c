#include "trace_dump.h"

gboolean trace_dump_is(struct slice body)
{
    struct slice digits;
    uint64_t number;
    unsigned groups = 0;

    slice_skip_blanks(&body);
    slice_take(&body, "0x");
    if (!slice_take_hex(&body, &digits, &number) || digits.size < 6 || digits.size > 16 ||
        slice_skip_blanks(&body) == 0 || !slice_take_hex(&body, &digits, &number) || digits.size > 8 ||
        slice_skip_blanks(&body) == 0)
        return FALSE;
    while (slice_take_hex(&body, &digits, &number) && digits.size >= 2) {
        groups++;
        slice_skip_blanks(&body);
    }
    return groups > 0 && slice_begins(body, "|");
}
