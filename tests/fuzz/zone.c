/* Rules of zones: a clock that runs as the rule says is read back. */
#include "zone.h"

#include "moment.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#define DAY_S  INT64_C(86400)
#define BEGIN  INT64_C(1703980800)              /* 2023-12-31 */
#define MOST_S ((ZONE_OFFSET_HOURS + 2) * 3600) /* 24:59:59, and an hour of summer time */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    g_autofree char *rule = g_strndup((const char *)bytes, size);
    g_autoptr(zone_auto) zone = zone_new(rule, G_MININT, MOMENT_NONE), offset = zone_new(rule, 1, BEGIN);

    g_assert(offset && zone_utc(NULL, BEGIN) == MOMENT_NONE);
    if (!zone)
        return 0;
    g_assert(strlen(rule) <= ZONE_RULE_CHARS && strpbrk(rule, "0123456789"));
    int64_t before = INT64_MIN;
    for (int64_t moment = BEGIN; moment < BEGIN + 3 * 366 * DAY_S; moment += DAY_S / 2) {
        int east = zone_offset(zone, moment);
        int64_t local = moment + east, utc = zone_utc(zone, local);
        g_assert(ABS(east) <= MOST_S);
        g_assert(utc <= moment); /* the first moment with this local time or a later one */
        g_assert(utc + zone_offset(zone, utc) >= local);
        utc = zone_utc(zone, moment);
        g_assert(utc >= before && ABS(utc - moment) <= MOST_S);
        before = utc;
    }
    for (int i = 0; i < 2; i++) {
        int64_t edge = i ? INT64_C(253402300799) : INT64_C(-62135596800);
        g_assert(zone_utc(zone, edge) != MOMENT_NONE);
        g_assert(zone_utc(zone, edge + (i ? 1 : -1)) == MOMENT_NONE);
    }
    return 0;
}
