#include "clock.h"

static int64_t real_now_ms(void)
{
    return (int64_t)(uv_hrtime() / 1000000);
}

/* The real time, as far as it counts. */
static int64_t counted_ms(const struct clock *clock, int64_t real_ms)
{
    int64_t end = clock->round_ms + CLOCK_ROUND_MS;

    if (clock->has_parent)
        end = MIN(end, clock->word_ms + CLOCK_WORD_MS);
    return MIN(real_ms, end);
}

void clock_begin(struct clock *clock, gboolean has_parent, int64_t real_ms)
{
    clock->has_parent = has_parent;
    clock->round_ms = clock->word_ms = real_ms;
    clock->lost_ms = 0;
}

int64_t clock_read(const struct clock *clock, int64_t real_ms)
{
    return counted_ms(clock, real_ms) - clock->lost_ms;
}

/* It goes on from where it is. */
static void set(struct clock *clock, int64_t *since_ms, int64_t real_ms)
{
    int64_t now = clock_read(clock, real_ms);

    *since_ms = real_ms;
    clock->lost_ms = counted_ms(clock, real_ms) - now;
}

void clock_begin_round(struct clock *clock, int64_t real_ms)
{
    set(clock, &clock->round_ms, real_ms);
}

void clock_hear(struct clock *clock, int64_t real_ms)
{
    set(clock, &clock->word_ms, real_ms);
}

static void on_round(uv_prepare_t *round)
{
    clock_begin_round(round->data, real_now_ms());
}

static void on_beat(uv_timer_t *beat)
{
    (void)beat;
}

void clock_attach(struct clock *clock, uv_loop_t *loop, gboolean has_parent)
{
    clock_begin(clock, has_parent, real_now_ms());
    uv_prepare_init(loop, &clock->round);
    uv_timer_init(loop, &clock->beat);
    clock->round.data = clock;
    uv_prepare_start(&clock->round, on_round);
    uv_timer_start(&clock->beat, on_beat, CLOCK_BEAT_MS, CLOCK_BEAT_MS);
    uv_unref((uv_handle_t *)&clock->round);
    uv_unref((uv_handle_t *)&clock->beat);
}

void clock_detach(struct clock *clock)
{
    uv_close((uv_handle_t *)&clock->round, NULL);
    uv_close((uv_handle_t *)&clock->beat, NULL);
}

void clock_word(struct clock *clock)
{
    clock_hear(clock, real_now_ms());
}

int64_t clock_ms(const struct clock *clock)
{
    return clock_read(clock, real_now_ms());
}
