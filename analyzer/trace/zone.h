/*
 * The zone of a host: from its local time, as traces print it, to UTC.
 *
 * A zone is made of the host's own rule (POSIX's TZ with the additions of RFC 8536), which the capture brings along,
 * and of the offset that was measured when the host was collected.  The tables of the analyzing machine are never read,
 * so that the same capture gives the same audit everywhere.  The rule is a host's text: what is not wholly understood,
 * or contradicts what was measured, is not used, and then the offset holds for all times.
 *
 * A rule is "NAME OFFSET" or "NAME OFFSET NAME [OFFSET] , DATE [/TIME] , DATE [/TIME]", without blanks.  A name is
 * three or more letters, or letters, digits, "+", "-" in "<...>".  Offsets are west of UTC, up to 24:59:59; times are
 * up to 167:59:59 to both sides, 02:00:00 if not given.  A date is "Mm.w.d", "Jn" or "n".  Summer time without dates,
 * which POSIX leaves to the machine, is no rule.
 */
#ifndef TRUSTGAP_ZONE_H
#define TRUSTGAP_ZONE_H

#include <glib.h>
#include <stdint.h>

#define ZONE_RULE_CHARS   100 /* longer ones are no rules */
#define ZONE_OFFSET_HOURS 24
#define ZONE_TIME_HOURS   167

struct zone;

/**
 * zone_new(rule, offset_s, clock):
 * The zone with ${rule} (NULL: not known), of a host whose clock was ${offset_s} seconds east of UTC (G_MININT: not
 * known) at the moment ${clock}.  The rule counts if it is one and if it gives the same offset for that moment; if
 * there is no offset to compare with, it counts unseen.  NULL if that leaves neither.
 */
struct zone *zone_new(const char *rule, int offset_s, int64_t clock);
void zone_free(struct zone *zone);

/**
 * zone_utc(zone, local):
 * The first moment at which the clock of ${zone} shows ${local} (seconds since 1970 as if it were UTC) or something
 * later.  So an hour that comes twice, when summer time ends, counts as its first time; one that is left out is the
 * moment of the change; and a later local time is never an earlier moment.  MOMENT_NONE if ${zone} is NULL and for
 * local times outside of the years 1 to 9999.
 */
int64_t zone_utc(const struct zone *zone, int64_t local);

/**
 * zone_offset(zone, moment):
 * How many seconds east of UTC the clock is at ${moment}, which lies in the years 1 to 9999.
 */
int zone_offset(const struct zone *zone, int64_t moment);

typedef struct zone zone_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(zone_auto, zone_free)

#endif
