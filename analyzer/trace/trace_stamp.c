#include "trace_stamp.h"

#include "moment.h"
#include "trace_prefix.h"

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

    if (body.size < 23 || body.at[3] != ' ' || slice_is_blank(*body.at))
        return FALSE;
    body = slice_trim(body); /* a frame pads its lines */
    if (body.size < 23 || body.size > 40)
        return FALSE;
    for (int i = 0; memcmp(body.at, days + 3 * i, 3) != 0; i++)
        if (i == 6)
            return FALSE;
    body = slice_from(body, 4);
    int month = take_month(&body);
    if (!month || slice_skip_blanks(&body) == 0 || !slice_take_number(&body, &day) || !slice_take(&body, " ") ||
        !take_two_digits(&body, &hour) || !slice_take(&body, ":") || !take_two_digits(&body, &minute) ||
        !slice_take(&body, ":") || !take_two_digits(&body, &second))
        return FALSE;
    if (slice_take(&body, ":") && !slice_take_number(&body, &milliseconds))
        return FALSE;
    /* An ICM is younger than 2000; trace_filter_last_year() relies on it. */
    if (!slice_take(&body, " ") || body.size != 4 || body.at[0] != '2' || !slice_take_number(&body, &year) ||
        body.size > 0 || day > 31)
        return FALSE;
    int64_t moment = moment_from_civil((int)year, month, (int)day, hour, minute, second);
    if (moment == MOMENT_NONE)
        return FALSE;
    *local = moment;
    return TRUE;
}

/* A line without CR and without a prefix. */
static struct slice body_of(struct slice line)
{
    struct slice name;

    if (slice_ends(line, "\r"))
        line.size--;
    trace_prefix_take(&line, &name);
    return line;
}

static int64_t find_first(struct slice bytes)
{
    const char *at = bytes.at, *end = bytes.at + bytes.size, *feed;
    int64_t local = MOMENT_NONE;

    while ((feed = memchr(at, '\n', (size_t)(end - at)))) {
        if (trace_stamp_take(body_of(slice_of(at, feed)), &local))
            break;
        at = feed + 1;
    }
    return local;
}

static int64_t find_last(struct slice bytes)
{
    const char *feed = memrchr(bytes.at, '\n', bytes.size);
    int64_t local = MOMENT_NONE;

    while (feed) {
        const char *before = memrchr(bytes.at, '\n', (size_t)(feed - bytes.at));
        if (trace_stamp_take(body_of(slice_of(before ? before + 1 : bytes.at, feed)), &local))
            break;
        feed = before;
    }
    return local;
}

void trace_stamp_span(const void *bytes, size_t size, int64_t *first, int64_t *last)
{
    size_t window = MIN(size, TRACE_STAMP_WINDOW_BYTES);

    *first = *last = MOMENT_NONE;
    if (size == 0)
        return;
    *first = find_first((struct slice){bytes, window});
    *last = find_last((struct slice){(const char *)bytes + size - window, window});
}
