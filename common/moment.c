#include "moment.h"

#include "error.h"

#include <string.h>
#include <time.h>

int64_t moment_now(void)
{
    const char *epoch = g_getenv("SOURCE_DATE_EPOCH");
    gint64 fixed;
    if (epoch && g_ascii_string_to_signed(epoch, 10, 0, G_MAXINT32 * (gint64)64, &fixed, NULL))
        return fixed;
    return (int64_t)time(NULL);
}

int64_t moment_from_civil(int year, int month, int day, int hour, int minute, int second)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        !g_date_valid_dmy((GDateDay)MIN(day, 32), month, (GDateYear)year))
        return MOMENT_NONE;
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return MOMENT_NONE;
    struct tm civil = {.tm_year = year - 1900,
                       .tm_mon = month - 1,
                       .tm_mday = day,
                       .tm_hour = hour,
                       .tm_min = minute,
                       .tm_sec = MIN(second, 59)};
    return (int64_t)timegm(&civil);
}

gboolean moment_parse(int64_t *moment, const char *text, GError **error)
{
    g_autoptr(GTimeZone) utc = g_time_zone_new_utc();
    /* GLib wants a time behind the date. */
    g_autofree char *full = strlen(text) == 10 ? g_strconcat(text, "T00:00:00", NULL) : g_strdup(text);
    g_autoptr(GDateTime) parsed = g_date_time_new_from_iso8601(full, utc);
    if (!parsed) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX,
                    "%s: not an ISO 8601 time such as 2026-11-22T01:02:03Z", text);
        return FALSE;
    }
    *moment = g_date_time_to_unix(parsed);
    return TRUE;
}

gboolean moment_parse_day(int64_t *moment, const char *text, GError **error)
{
    gboolean month = strlen(text) == strlen("2026-11") && text[4] == '-';
    g_autofree char *day = g_strconcat(text, month ? "-01" : "", NULL);

    if (moment_parse(moment, day, NULL))
        return TRUE;
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX,
                "%s: must be a month (2026-11), a day (2026-11-22) or an ISO 8601 time such as 2026-11-22T01:02:03Z",
                text);
    return FALSE;
}

char *moment_format(char text[MOMENT_TEXT_BYTES], int64_t moment)
{
    static const int64_t first = -62135596800, last = 253402300799; /* years 1 to 9999 */
    time_t seconds = (time_t)moment;
    struct tm civil;

    text[0] = '\0';
    if (moment >= first && moment <= last && gmtime_r(&seconds, &civil))
        strftime(text, MOMENT_TEXT_BYTES, "%4Y-%m-%dT%H:%M:%SZ", &civil);
    return text;
}
