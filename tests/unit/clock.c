/* collector/clock: what counts and what does not; the time is made up. */
#include "clock.h"

#include <criterion/criterion.h>

Test(clock, goes_with_the_real_one)
{
    struct clock clock;

    clock_begin(&clock, FALSE, 5000);
    for (int64_t real = 5000; real < 100000; real += CLOCK_BEAT_MS) {
        cr_expect_eq(clock_read(&clock, real), real);
        cr_expect_eq(clock_read(&clock, real + 50), real + 50);
        clock_begin_round(&clock, real + 50);
    }
}

Test(clock, a_round_counts_so_much_and_no_more)
{
    static const struct {
        int64_t takes_ms, counts_ms;
    } rows[] = {{0, 0}, {1, 1}, {249, 249}, {250, 250}, {251, 250}, {25000, 250}, {86400000, 250}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct clock clock;
        int64_t real = 1000, expected = 1000;
        clock_begin(&clock, FALSE, real);
        for (int round = 0; round < 3; round++) {
            real += rows[i].takes_ms;
            expected += rows[i].counts_ms;
            cr_expect_eq(clock_read(&clock, real), expected, "row %zu: before the next round", i);
            clock_begin_round(&clock, real);
            cr_expect_eq(clock_read(&clock, real), expected, "row %zu: in the next round", i);
        }
        cr_expect_eq(clock_read(&clock, real + 100), expected + 100, "row %zu: and it goes on", i);
    }
}

Test(clock, stands_still_while_the_parent_is_silent)
{
    struct clock clock;
    int64_t real = 0;

    clock_begin(&clock, TRUE, real);
    for (; real < 60000; real += 100)
        clock_begin_round(&clock, real);
    cr_expect_eq(clock_read(&clock, real), CLOCK_WORD_MS);
    clock_hear(&clock, real);
    cr_expect_eq(clock_read(&clock, real), CLOCK_WORD_MS, "it does not make up for it");
    clock_begin_round(&clock, real + 100);
    cr_expect_eq(clock_read(&clock, real + 100), CLOCK_WORD_MS + 100);
    /* Both stop, and go on, in either order. */
    real += 100;
    cr_expect_eq(clock_read(&clock, real + 25000), CLOCK_WORD_MS + 100 + CLOCK_ROUND_MS);
    clock_hear(&clock, real + 25000);
    clock_begin_round(&clock, real + 25000);
    cr_expect_eq(clock_read(&clock, real + 25000), CLOCK_WORD_MS + 100 + CLOCK_ROUND_MS);
    real += 25000;
    clock_begin_round(&clock, real + 25000);
    clock_hear(&clock, real + 25000);
    cr_expect_eq(clock_read(&clock, real + 25000), CLOCK_WORD_MS + 100 + 2 * CLOCK_ROUND_MS);
}

Test(clock, never_goes_back)
{
    g_autoptr(GRand) random = g_rand_new_with_seed(7);
    struct clock clock;
    int64_t real = 0, last = 0;

    clock_begin(&clock, TRUE, real);
    for (int i = 0; i < 100000; i++) {
        real += g_rand_int_range(random, 0, i % 50 ? 200 : 5000);
        if (g_rand_boolean(random))
            clock_begin_round(&clock, real);
        if (i % 20 == 0)
            clock_hear(&clock, real);
        int64_t now = clock_read(&clock, real);
        cr_assert_geq(now, last);
        cr_assert_leq(now, real);
        last = now;
    }
}
