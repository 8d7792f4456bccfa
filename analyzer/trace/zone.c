#include "zone.h"

#include "moment.h"
#include "slice.h"

#define FIRST_MOMENT INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define LAST_MOMENT  INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DAY_S        86400

enum date_kind {
    DATE_WEEKDAY, /* Mm.w.d: weekday d (0: Sunday) of week w (5: the last) of month m */
    DATE_NO_LEAP, /* Jn: day n from 1, February 29 never counts */
    DATE_DAY,     /* n: day n from 0 */
};

struct date { /* a day of each year, and a time of it by the clock that ends there */
    enum date_kind kind;
    int month, week, day, time_s;
};

struct zone {
    int standard_s, summer_s; /* east of UTC */
    gboolean changes;         /* there is summer time, from one date to the other */
    struct date begin, end;
};

/* Reading a rule. */

static gboolean take_number(struct slice *rest, int least, int most, int *number)
{
    int64_t value;
    if (!slice_take_number(rest, &value) || value < least || value > most)
        return FALSE;
    *number = (int)value;
    return TRUE;
}

static gboolean take_name(struct slice *rest)
{
    gboolean quoted = slice_take(rest, "<");
    size_t size = 0;
    while (size < rest->size && (g_ascii_isalpha(rest->at[size]) ||
                                 (quoted && (g_ascii_isdigit(rest->at[size]) || strchr("+-", rest->at[size])))))
        size++;
    *rest = slice_from(*rest, size);
    return size >= 3 && (!quoted || slice_take(rest, ">"));
}

/* [+-]hh[:mm[:ss]] */
static gboolean take_time(struct slice *rest, int hours_most, int *seconds)
{
    int hours, minutes = 0, more = 0, sign = 1;

    if (slice_take(rest, "-"))
        sign = -1;
    else
        slice_take(rest, "+");
    if (!take_number(rest, 0, hours_most, &hours))
        return FALSE;
    if (slice_take(rest, ":")) {
        if (!take_number(rest, 0, 59, &minutes))
            return FALSE;
        if (slice_take(rest, ":") && !take_number(rest, 0, 59, &more))
            return FALSE;
    }
    *seconds = sign * (hours * 3600 + minutes * 60 + more);
    return TRUE;
}

static gboolean take_offset(struct slice *rest, int *east_s)
{
    int west_s;
    if (!take_time(rest, ZONE_OFFSET_HOURS, &west_s))
        return FALSE;
    *east_s = -west_s;
    return TRUE;
}

static gboolean take_date(struct slice *rest, struct date *date)
{
    *date = (struct date){.kind = DATE_DAY, .time_s = 2 * 3600};
    if (slice_take(rest, "M")) {
        date->kind = DATE_WEEKDAY;
        if (!take_number(rest, 1, 12, &date->month) || !slice_take(rest, ".") ||
            !take_number(rest, 1, 5, &date->week) || !slice_take(rest, ".") || !take_number(rest, 0, 6, &date->day))
            return FALSE;
    } else if (slice_take(rest, "J")) {
        date->kind = DATE_NO_LEAP;
        if (!take_number(rest, 1, 365, &date->day))
            return FALSE;
    } else if (!take_number(rest, 0, 365, &date->day)) {
        return FALSE;
    }
    return !slice_take(rest, "/") || take_time(rest, ZONE_TIME_HOURS, &date->time_s);
}

static gboolean parse_rule(struct zone *zone, const char *rule)
{
    struct slice rest = slice_text(rule);

    if (rest.size > ZONE_RULE_CHARS || !take_name(&rest) || !take_offset(&rest, &zone->standard_s))
        return FALSE;
    zone->changes = rest.size > 0;
    if (!zone->changes)
        return TRUE;
    if (!take_name(&rest))
        return FALSE;
    zone->summer_s = zone->standard_s + 3600;
    if (!slice_begins(rest, ",") && !take_offset(&rest, &zone->summer_s))
        return FALSE;
    return slice_take(&rest, ",") && take_date(&rest, &zone->begin) && slice_take(&rest, ",") &&
           take_date(&rest, &zone->end) && rest.size == 0;
}

/* Applying it. */

struct piece { /* of the time line: one offset, until the next piece begins */
    int64_t begin;
    int offset_s;
};

/*
 * Offsets and times reach over the turn of a year, so the next year counts; and in January it may still be a change of
 * the last but one that holds.
 */
#define YEARS_BEFORE 2
#define YEARS_AFTER  1
#define PIECES       (1 + 2 * (YEARS_BEFORE + 1 + YEARS_AFTER))

static int64_t date_moment(const struct date *date, int year, int offset_s)
{
    int month = 1, day = date->day;
    GDate first;

    if (date->kind == DATE_WEEKDAY) {
        month = date->month;
        g_date_clear(&first, 1);
        g_date_set_dmy(&first, 1, month, (GDateYear)year);
        int weekday = g_date_get_weekday(&first) % 7; /* GLib's Sunday is 7 */
        day = (date->day - weekday + 7) % 7 + 7 * (date->week - 1);
        if (day >= g_date_get_days_in_month(month, (GDateYear)year))
            day -= 7;
    } else if (date->kind == DATE_NO_LEAP && (date->day < 60 || !g_date_is_leap_year((GDateYear)year))) {
        day--;
    }
    return moment_from_civil(year, month, 1, 0, 0, 0) + (int64_t)day * DAY_S + date->time_s - offset_s;
}

/* What begins at the same moment as another piece stays behind it: then that one has no length. */
static size_t insert_piece(struct piece *pieces, size_t count, struct piece piece)
{
    size_t at = count;
    for (; at > 0 && pieces[at - 1].begin > piece.begin; at--)
        pieces[at] = pieces[at - 1];
    pieces[at] = piece;
    return count + 1;
}

/* The time line round a moment (or local time) of the years 1 to 9999; returns the number of its pieces. */
static size_t cut_pieces(const struct zone *zone, int64_t moment, struct piece pieces[PIECES])
{
    size_t count = 0;

    pieces[0] = (struct piece){INT64_MIN, zone->standard_s};
    if (!zone->changes)
        return 1;
    GDate date;
    g_date_clear(&date, 1);
    g_date_set_julian(&date, (guint32)((moment - FIRST_MOMENT) / DAY_S + 1));
    int middle = CLAMP((int)g_date_get_year(&date), 1 + YEARS_BEFORE, 9999 - YEARS_AFTER);
    for (int year = middle - YEARS_BEFORE; year <= middle + YEARS_AFTER; year++) {
        int64_t begin = date_moment(&zone->begin, year, zone->standard_s);
        int64_t end = date_moment(&zone->end, year, zone->summer_s);
        count = insert_piece(pieces + 1, count, (struct piece){begin, zone->summer_s});
        count = insert_piece(pieces + 1, count, (struct piece){end, zone->standard_s});
    }
    if (pieces[1].offset_s == zone->standard_s)
        pieces[0].offset_s = zone->summer_s;
    return 1 + count;
}

int zone_offset(const struct zone *zone, int64_t moment)
{
    struct piece pieces[PIECES];

    g_assert(moment >= FIRST_MOMENT && moment <= LAST_MOMENT);
    size_t at = cut_pieces(zone, moment, pieces) - 1;
    while (pieces[at].begin > moment)
        at--;
    return pieces[at].offset_s;
}

int64_t zone_utc(const struct zone *zone, int64_t local)
{
    struct piece pieces[PIECES];

    if (!zone || local < FIRST_MOMENT || local > LAST_MOMENT)
        return MOMENT_NONE;
    size_t count = cut_pieces(zone, local, pieces);
    for (size_t i = 0; i + 1 < count; i++) {
        int64_t moment = MAX(local - pieces[i].offset_s, pieces[i].begin);
        if (moment < pieces[i + 1].begin)
            return moment;
    }
    return MAX(local - pieces[count - 1].offset_s, pieces[count - 1].begin);
}

static gboolean agrees(const struct zone *zone, int offset_s, int64_t clock)
{
    if (offset_s == G_MININT)
        return TRUE;
    return clock >= FIRST_MOMENT && clock <= LAST_MOMENT && zone_offset(zone, clock) == offset_s;
}

struct zone *zone_new(const char *rule, int offset_s, int64_t clock)
{
    g_autoptr(zone_auto) zone = g_new0(struct zone, 1);

    if (rule && parse_rule(zone, rule) && agrees(zone, offset_s, clock))
        return g_steal_pointer(&zone);
    if (offset_s == G_MININT)
        return NULL;
    *zone = (struct zone){.standard_s = offset_s};
    return g_steal_pointer(&zone);
}

void zone_free(struct zone *zone)
{
    g_free(zone);
}
