/* analyzer/zone: rules of zones, and what becomes of local times. */
#include "zone.h"

#include "moment.h"

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

#define BERLIN    "CET-1CEST,M3.5.0,M10.5.0/3"
#define NEW_YORK  "EST5EDT,M3.2.0,M11.1.0"
#define SYDNEY    "AEST-10AEDT,M10.1.0,M4.1.0/3"
#define JERUSALEM "IST-2IDT,M3.4.4/26,M10.5.0"
#define GODTHAB   "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"
#define DUBLIN    "IST-1GMT0,M10.5.0,M3.5.0/1"
#define LORD_HOWE "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"

static int64_t moment(const char *text)
{
    int64_t moment;
    cr_assert(moment_parse(&moment, text, NULL), "%s", text);
    return moment;
}

static const struct {
    const char *what, *rule, *local, *utc;
} times[] = {
    {"no summer time", "UTC0", "2026-07-01T12:00:00", "2026-07-01T12:00:00"},
    {"half an hour", "IST-5:30", "2026-07-01T12:00:00", "2026-07-01T06:30:00"},
    {"a name of digits", "<-03>3", "2026-07-01T22:00:00", "2026-07-02T01:00:00"},
    {"seconds", "<LMT>-0:53:28", "2026-07-01T01:00:00", "2026-07-01T00:06:32"},
    {"a plus is west", "GMT+5", "2026-07-01T00:00:00", "2026-07-01T05:00:00"},

    {"Berlin, winter", BERLIN, "2026-01-15T12:00:00", "2026-01-15T11:00:00"},
    {"Berlin, summer", BERLIN, "2026-07-15T12:00:00", "2026-07-15T10:00:00"},
    {"Berlin, last of winter", BERLIN, "2026-03-29T01:59:59", "2026-03-29T00:59:59"},
    {"Berlin, left out, first", BERLIN, "2026-03-29T02:00:00", "2026-03-29T01:00:00"},
    {"Berlin, left out, last", BERLIN, "2026-03-29T02:59:59", "2026-03-29T01:00:00"},
    {"Berlin, first of summer", BERLIN, "2026-03-29T03:00:00", "2026-03-29T01:00:00"},
    {"Berlin, second of summer", BERLIN, "2026-03-29T03:00:01", "2026-03-29T01:00:01"},
    {"Berlin, before what comes twice", BERLIN, "2026-10-25T01:59:59", "2026-10-24T23:59:59"},
    {"Berlin, twice, first", BERLIN, "2026-10-25T02:00:00", "2026-10-25T00:00:00"},
    {"Berlin, twice, last", BERLIN, "2026-10-25T02:59:59", "2026-10-25T00:59:59"},
    {"Berlin, after what came twice", BERLIN, "2026-10-25T03:00:00", "2026-10-25T02:00:00"},
    {"AIX", "NFT-1DFT,M3.5.0/02:00:00,M10.5.0/03:00:00", "2026-07-15T12:00:00", "2026-07-15T10:00:00"},
    {"AIX, its default time", "CET-1CEST,M3.5.0,M10.5.0", "2026-10-25T01:30:00", "2026-10-24T23:30:00"},

    {"New York, last of winter", NEW_YORK, "2026-03-08T01:59:59", "2026-03-08T06:59:59"},
    {"New York, left out", NEW_YORK, "2026-03-08T02:30:00", "2026-03-08T07:00:00"},
    {"New York, first of summer", NEW_YORK, "2026-03-08T03:00:00", "2026-03-08T07:00:00"},
    {"New York, twice", NEW_YORK, "2026-11-01T01:59:59", "2026-11-01T05:59:59"},
    {"New York, after what came twice", NEW_YORK, "2026-11-01T02:00:00", "2026-11-01T07:00:00"},

    {"Sydney, January", SYDNEY, "2026-01-15T12:00:00", "2026-01-15T01:00:00"},
    {"Sydney, July", SYDNEY, "2026-07-15T12:00:00", "2026-07-15T02:00:00"},
    {"Sydney, over the turn of a year", SYDNEY, "2026-01-01T00:00:00", "2025-12-31T13:00:00"},
    {"Sydney, twice, first", SYDNEY, "2026-04-05T02:00:00", "2026-04-04T15:00:00"},
    {"Sydney, twice, last", SYDNEY, "2026-04-05T02:59:59", "2026-04-04T15:59:59"},
    {"Sydney, after what came twice", SYDNEY, "2026-04-05T03:00:00", "2026-04-04T17:00:00"},
    {"Sydney, last of winter", SYDNEY, "2026-10-04T01:59:59", "2026-10-03T15:59:59"},
    {"Sydney, left out", SYDNEY, "2026-10-04T02:59:59", "2026-10-03T16:00:00"},
    {"Sydney, first of summer", SYDNEY, "2026-10-04T03:00:00", "2026-10-03T16:00:00"},

    {"Jerusalem, a time of the next day", JERUSALEM, "2026-03-27T01:59:59", "2026-03-26T23:59:59"},
    {"Jerusalem, first of summer", JERUSALEM, "2026-03-27T03:00:00", "2026-03-27T00:00:00"},
    {"Godthab, a time of the day before", GODTHAB, "2026-03-28T22:59:59", "2026-03-29T00:59:59"},
    {"Godthab, first of summer", GODTHAB, "2026-03-29T00:00:00", "2026-03-29T01:00:00"},
    {"Dublin, winter is the exception", DUBLIN, "2026-01-15T12:00:00", "2026-01-15T12:00:00"},
    {"Dublin, summer is the standard", DUBLIN, "2026-07-15T12:00:00", "2026-07-15T11:00:00"},
    {"Lord Howe, half an hour, twice", LORD_HOWE, "2026-04-05T01:30:00", "2026-04-04T14:30:00"},
    {"Lord Howe, after what came twice", LORD_HOWE, "2026-04-05T02:00:00", "2026-04-04T15:30:00"},
    {"summer all the year", "EST5EDT,0/0,J365/25", "2026-01-01T00:00:00", "2026-01-01T04:00:00"},
    {"summer all the year, its end", "EST5EDT,0/0,J365/25", "2025-12-31T23:59:59", "2026-01-01T03:59:59"},

    {"J60 is March 1, leap year", "AAA0BBB,J60/0,J300", "2024-02-29T23:59:59", "2024-02-29T23:59:59"},
    {"J60 is March 1, leap year, after", "AAA0BBB,J60/0,J300", "2024-03-01T01:00:00", "2024-03-01T00:00:00"},
    {"J60 is March 1", "AAA0BBB,J60/0,J300", "2026-03-01T01:00:00", "2026-03-01T00:00:00"},
    {"J59 is February 28", "AAA0BBB,J59/0,J300", "2024-02-28T01:00:00", "2024-02-28T00:00:00"},
    {"59 is February 29, leap year", "AAA0BBB,59/0,300", "2024-02-29T01:00:00", "2024-02-29T00:00:00"},
    {"59 is March 1", "AAA0BBB,59/0,300", "2026-02-28T23:59:59", "2026-02-28T23:59:59"},
    {"week 4 is not the last", "AAA0BBB,M5.4.0/0,M10.5.0", "2026-05-24T01:00:00", "2026-05-24T00:00:00"},
    {"week 5 is the last", "AAA0BBB,M5.5.0/0,M10.5.0", "2026-05-31T01:00:00", "2026-05-31T00:00:00"},
    {"week 5 where there are four", "AAA0BBB,M2.5.6/0,M10.5.0", "2026-02-28T01:00:00", "2026-02-28T00:00:00"},
    {"an hour more where nothing is said", "AAA3BBB,M2.1.0,M10.1.0", "2026-05-01T00:00:00", "2026-05-01T02:00:00"},
    {"two hours more", "AAA3BBB1,M2.1.0,M10.1.0", "2026-05-01T00:00:00", "2026-05-01T01:00:00"},
    {"the largest offset", "AAA-24:59:59", "2026-05-02T00:59:59", "2026-05-01T00:00:00"},
    {"the largest time", "AAA0BBB,M2.1.0/167:59:59,M10.1.0", "2026-02-07T23:59:58", "2026-02-07T23:59:58"},
    {"the first year", BERLIN, "0001-01-01T00:00:00", NULL},
    {"the last year", BERLIN, "9999-07-01T00:00:00", "9999-06-30T22:00:00"},
};

Test(zone, local_times)
{
    for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
        g_autoptr(zone_auto) zone = zone_new(times[i].rule, G_MININT, MOMENT_NONE);
        cr_assert_not_null(zone, "%s", times[i].what);
        int64_t utc = zone_utc(zone, moment(times[i].local));
        int64_t expected = times[i].utc ? moment(times[i].utc) : INT64_C(-62135596800) - 3600;
        cr_expect_eq(utc, expected, "%s: %+" G_GINT64_FORMAT " s", times[i].what, utc - expected);
    }
}

static const struct {
    const char *what, *rule;
} bad[] = {
    {"nothing", ""},
    {"a name of a zone", "Europe/Berlin"},
    {"a path", "../../etc/passwd"},
    {"another path", "/etc/localtime"},
    {"a colon", ":CET-1"},
    {"no offset", "CET"},
    {"a short name", "CE-1"},
    {"a short name in brackets", "<-3>3"},
    {"a name without an end", "<-03"},
    {"a name of other characters", "<a b>1"},
    {"digits in a plain name", "A1C1"},
    {"summer time without dates", "EST5EDT"},
    {"summer time without its end", "CET-1CEST,M3.5.0"},
    {"summer time with an empty end", "CET-1CEST,M3.5.0,"},
    {"dates without summer time", "CET-1,M3.5.0,M10.5.0"},
    {"three dates", BERLIN ",M10.5.0"},
    {"something behind", BERLIN "x"},
    {"a blank behind", BERLIN " "},
    {"a line feed behind", BERLIN "\n"},
    {"a blank in front", " " BERLIN},
    {"an offset too large", "AAA25"},
    {"an offset much too large", "AAA99999999999999999999"},
    {"two signs", "AAA+-1"},
    {"60 minutes", "AAA1:60"},
    {"60 seconds", "AAA1:00:60"},
    {"minutes without digits", "AAA1:"},
    {"a time too large", "CET-1CEST,M3.5.0/168,M10.5.0"},
    {"a time without digits", "CET-1CEST,M3.5.0/,M10.5.0"},
    {"month 0", "CET-1CEST,M0.5.0,M10.5.0"},
    {"month 13", "CET-1CEST,M13.5.0,M10.5.0"},
    {"week 0", "CET-1CEST,M3.0.0,M10.5.0"},
    {"week 6", "CET-1CEST,M3.6.0,M10.5.0"},
    {"day 7", "CET-1CEST,M3.5.7,M10.5.0"},
    {"no day", "CET-1CEST,M3.5,M10.5.0"},
    {"J0", "CET-1CEST,J0,M10.5.0"},
    {"J366", "CET-1CEST,J366,M10.5.0"},
    {"366", "CET-1CEST,366,M10.5.0"},
    {"a day below zero", "CET-1CEST,-1,M10.5.0"},
    {"a small letter", "CET-1CEST,m3.5.0,M10.5.0"},
    {"bytes", "\xff\xfe\x01"},
    {"something cleaned", "CET-1\\x00"},
};

Test(zone, bad_rules)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        cr_expect_null(zone_new(bad[i].rule, G_MININT, MOMENT_NONE), "%s", bad[i].what);
        g_autoptr(zone_auto) zone = zone_new(bad[i].rule, 3600, 1795309323);
        cr_assert_not_null(zone, "%s", bad[i].what);
        cr_expect_eq(zone_utc(zone, 7200), 3600, "%s: the offset counts", bad[i].what);
    }
    /* Every piece of a rule is another rule or none, never something read wrongly. */
    for (size_t size = 0; size < strlen(BERLIN); size++) {
        g_autofree char *piece = g_strndup(BERLIN, size);
        g_autoptr(zone_auto) zone = zone_new(piece, G_MININT, MOMENT_NONE);
        gboolean whole = size == strlen("CET-1") || size == strlen("CET-1CEST,M3.5.0,M10.5.0");
        cr_expect_eq(zone != NULL, whole, "%s", piece);
    }
}

Test(zone, the_longest_rule)
{
    for (size_t more = 0; more < 2; more++) {
        g_autofree char *name = g_strnfill(ZONE_RULE_CHARS - 1 + more, 'A');
        g_autofree char *rule = g_strconcat(name, "1", NULL);
        g_autoptr(zone_auto) zone = zone_new(rule, G_MININT, MOMENT_NONE);
        cr_expect_eq(zone != NULL, more == 0);
    }
}

Test(zone, what_was_measured_decides)
{
    static const struct {
        const char *what, *rule;
        int offset_s;
        const char *clock; /* UTC */
        const char *local, *utc;
    } rows[] = {
        {"agrees in winter", BERLIN, 3600, "2026-11-22T01:00:00", "2026-10-01T12:00:00", "2026-10-01T10:00:00"},
        {"agrees in summer", BERLIN, 7200, "2026-07-01T01:00:00", "2026-02-01T12:00:00", "2026-02-01T11:00:00"},
        {"just before a change", BERLIN, 3600, "2026-03-29T00:59:59", "2026-07-01T12:00:00", "2026-07-01T10:00:00"},
        {"just after a change", BERLIN, 7200, "2026-03-29T01:00:00", "2026-02-01T12:00:00", "2026-02-01T11:00:00"},
        {"the old offset after a change", BERLIN, 3600, "2026-03-29T01:00:00", "2026-07-01T12:00:00",
         "2026-07-01T11:00:00"},
        {"contradicts", BERLIN, 7200, "2026-11-22T01:00:00", "2026-11-01T12:00:00", "2026-11-01T10:00:00"},
        {"a minute off", BERLIN, 3660, "2026-11-22T01:00:00", "2026-11-01T12:00:00", "2026-11-01T10:59:00"},
        {"nobody knows when it was measured", BERLIN, 3600, NULL, "2026-07-01T12:00:00", "2026-07-01T11:00:00"},
        {"nothing was measured", BERLIN, G_MININT, "2026-11-22T01:00:00", "2026-07-01T12:00:00", "2026-07-01T10:00:00"},
        {"no rule", NULL, 3600, "2026-11-22T01:00:00", "2026-07-01T12:00:00", "2026-07-01T11:00:00"},
        {"no rule, west", NULL, -18000, NULL, "2026-07-01T12:00:00", "2026-07-01T17:00:00"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(zone_auto) zone =
            zone_new(rows[i].rule, rows[i].offset_s, rows[i].clock ? moment(rows[i].clock) : MOMENT_NONE);
        cr_assert_not_null(zone, "%s", rows[i].what);
        int64_t utc = zone_utc(zone, moment(rows[i].local));
        cr_expect_eq(utc, moment(rows[i].utc), "%s: %+" G_GINT64_FORMAT " s", rows[i].what, utc - moment(rows[i].utc));
    }
}

Test(zone, nothing_is_known)
{
    cr_expect_null(zone_new(NULL, G_MININT, MOMENT_NONE));
    cr_expect_null(zone_new(NULL, G_MININT, 1795309323));
    cr_expect_eq(zone_utc(NULL, 1795309323), MOMENT_NONE);
    g_autoptr(zone_auto) zone = zone_new(BERLIN, G_MININT, MOMENT_NONE);
    cr_expect_eq(zone_utc(zone, MOMENT_NONE), MOMENT_NONE);
    cr_expect_eq(zone_utc(zone, INT64_MAX), MOMENT_NONE);
    cr_expect_eq(zone_utc(zone, moment("0001-01-01") - 1), MOMENT_NONE);
    cr_expect_eq(zone_utc(zone, moment("9999-12-31T23:59:59") + 1), MOMENT_NONE);
    zone_free(NULL);
}

/* The C library knows such rules too, the other way round; in a test it may read the environment. */
Test(zone, agrees_with_the_c_library)
{
    static const char *const rules[] = {
        "UTC0",
        "<-03>3",
        "IST-5:30",
        BERLIN,
        NEW_YORK,
        SYDNEY,
        JERUSALEM,
        GODTHAB,
        DUBLIN,
        LORD_HOWE,
        "EET-2EEST,M3.4.4/50,M10.4.4/50",
        "<-04>4<-03>,M9.1.6/24,M4.1.6/24",
        "<+1245>-12:45<+1345>,M9.5.0/2:45,M4.1.0/3:45",
        "AAA0BBB,J60/0,J300",
        "AAA0BBB,59/0,300/5",
        "AAA0BBB-2:30,J1/0,J200",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        g_autoptr(zone_auto) zone = zone_new(rules[i], G_MININT, MOMENT_NONE);
        cr_assert_not_null(zone, "%s", rules[i]);
        g_setenv("TZ", rules[i], TRUE);
        tzset();
        int64_t twice = 0, checked = 0;
        for (int64_t at = moment("2023-01-01"); at < moment("2029-12-01"); at += 3001) {
            time_t seconds = (time_t)at;
            struct tm civil;
            localtime_r(&seconds, &civil);
            cr_assert_eq(zone_offset(zone, at), civil.tm_gmtoff, "%s at %" G_GINT64_FORMAT, rules[i], at);
            int64_t utc = zone_utc(zone, at + civil.tm_gmtoff);
            if (utc != at) { /* the second time that the clock showed this */
                cr_assert(utc < at && at - utc <= 9000, "%s at %" G_GINT64_FORMAT, rules[i], at);
                cr_assert_eq(utc + zone_offset(zone, utc), at + civil.tm_gmtoff, "%s at %" G_GINT64_FORMAT, rules[i],
                             at);
                twice++;
            }
            checked++;
        }
        cr_expect(twice * 1000 < checked, "%s", rules[i]);
    }
}

Test(zone, later_is_never_earlier)
{
    static const char *const rules[] = {BERLIN, SYDNEY, DUBLIN, "AAA24BBB-24,1/167,2/-167", "AAA0BBB,J1,J1"};
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
        g_autoptr(zone_auto) zone = zone_new(rules[i], G_MININT, MOMENT_NONE);
        int64_t before = INT64_MIN;
        for (int64_t local = moment("2024-12-20"); local < moment("2027-01-10"); local += 599) {
            int64_t utc = zone_utc(zone, local);
            cr_assert_geq(utc, before, "%s", rules[i]);
            before = utc;
        }
    }
}
