#include "trace_stamp.h"

#include "moment.h"

static int take_month(struct slice *slice)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int month = 0; month < 12 && slice->size >= 3; month++) {
        if (memcmp(slice->at, months + 3 * month, 3) == 0) {
            *slice = slice_from(*slice, 3);
            return month + 1;
        }
    }
    return 0;
}

static gboolean take_two_digits(struct slice *slice, int *number)
{
    if (slice->size < 2 || !g_ascii_isdigit(slice->at[0]) || !g_ascii_isdigit(slice->at[1]))
        return FALSE;
    *number = (slice->at[0] - '0') * 10 + slice->at[1] - '0';
    *slice = slice_from(*slice, 2);
    return TRUE;
}

gboolean trace_stamp_take(struct slice body, int64_t *local)
{
    static const char days[] = "MonTueWedThuFriSatSun";
    int hour, minute, second;
    int64_t day, milliseconds, year;

    if (body.size < 23 || body.size > 40 || body.at[3] != ' ')
        return FALSE;
    for (int i = 0; memcmp(body.at, days + 3 * i, 3) != 0; i++)
        if (i == 6)
            return FALSE;
    body = slice_from(slice_trim(body), 4);
    int month = take_month(&body);
    if (!month || slice_skip_blanks(&body) == 0 || !slice_take_number(&body, &day) || !slice_take(&body, " ") ||
        !take_two_digits(&body, &hour) || !slice_take(&body, ":") || !take_two_digits(&body, &minute) ||
        !slice_take(&body, ":") || !take_two_digits(&body, &second))
        return FALSE;
    if (slice_take(&body, ":") && !slice_take_number(&body, &milliseconds))
        return FALSE;
    if (!slice_take(&body, " ") || !slice_take_number(&body, &year) || body.size > 0 || day > 31 || year > 9999)
        return FALSE;
    int64_t moment = moment_from_civil((int)year, month, (int)day, hour, minute, second);
    if (moment == MOMENT_NONE)
        return FALSE;
    *local = moment;
    return TRUE;
}
