/* collector/queue: which host starts when; no host, no clock, no chance. */
#include "queue.h"

#include <criterion/criterion.h>

#define HOST_MS 600000

static struct queue *new_queue(unsigned fanout, guint hosts, const char *address)
{
    struct queue *queue = queue_new(fanout, HOST_MS, 1);

    for (guint i = 0; i < hosts; i++)
        cr_assert_eq(queue_add(queue, address, 22), i);
    return queue;
}

/* Start as many as may start; their number. */
static guint start_all(struct queue *queue, int64_t now_ms)
{
    struct queue_start start;
    guint count = 0;

    while (queue_next(queue, &start, now_ms))
        count++;
    return count;
}

static void expect_next(struct queue *queue, guint number, int64_t now_ms)
{
    struct queue_start start;

    cr_assert(queue_next(queue, &start, now_ms), "host %u", number);
    cr_assert_eq(start.number, number, "%u instead of %u", start.number, number);
}

/* One host comes in and is done. */
static void pass(struct queue *queue, int64_t now_ms)
{
    struct queue_start start;

    cr_assert(queue_next(queue, &start, now_ms));
    queue_admitted(queue, start.number);
    cr_assert_not(queue_ended(queue, start.number, FALSE, now_ms));
}

Test(queue, the_fan_out_is_a_limit_for_all_hosts)
{
    static const struct {
        const char *about;
        unsigned fanout;
        guint hosts, begun;
    } rows[] = {
        {"one at a time", 1, 3, 1},
        {"one place less than hosts", 4, 5, 4},
        {"as many places as hosts", 5, 5, 5},
        {"none", 5, 0, 0},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct queue *queue = queue_new(rows[i].fanout, HOST_MS, 1);
        for (guint n = 0; n < rows[i].hosts; n++) {
            g_autofree char *address = g_strdup_printf("192.0.2.%u", n);
            queue_add(queue, address, 22);
        }
        cr_expect_eq(start_all(queue, 0), rows[i].begun, "%s", rows[i].about);
        for (guint n = 0; n < rows[i].hosts; n++) {
            cr_expect_not(queue_is_over(queue), "%s", rows[i].about);
            queue_admitted(queue, n); /* a host that is logged in keeps its place */
            cr_expect_eq(start_all(queue, 0), 0, "%s", rows[i].about);
            queue_ended(queue, n, FALSE, 0);
            start_all(queue, 0);
        }
        cr_expect(queue_is_over(queue), "%s", rows[i].about);
        queue_free(queue);
    }
}

Test(queue, addresses_take_turns)
{
    struct queue *queue = queue_new(64, HOST_MS, 1);

    queue_add(queue, "a.example.com", 22); /* 0 */
    queue_add(queue, "a.example.com", 22);
    queue_add(queue, "b.example.com", 22); /* 2 */
    queue_add(queue, NULL, 0);             /* 3 */
    queue_add(queue, "A.example.com", 22);
    queue_add(queue, "a.example.com", 2222); /* 5 */
    static const guint order[] = {0, 2, 3, 5, 1, 4};
    for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
        expect_next(queue, order[i], 0);
    cr_expect_eq(queue_window(queue, 0), QUEUE_WINDOW);
    cr_expect_eq(queue_window(queue, 3), 0, "nothing is connected to");
    queue_free(queue);
}

Test(queue, an_address_has_a_window_for_starts)
{
    struct queue *queue = new_queue(64, 3 * QUEUE_WINDOW, "one.example.com");
    guint local = queue_add(queue, NULL, 0), other = queue_add(queue, "other.example.com", 22);
    struct queue_start start;
    guint of_one = 0;

    while (queue_next(queue, &start, 0))
        of_one += start.number != local && start.number != other;
    cr_expect_eq(of_one, QUEUE_WINDOW, "%u", of_one);
    queue_admitted(queue, 0);
    cr_expect_eq(start_all(queue, 0), 1, "a log-in makes room");
    queue_ended(queue, 0, FALSE, 0);
    cr_expect_eq(start_all(queue, 0), 0, "the end of one that is logged in makes none");
    queue_ended(queue, 1, FALSE, 0);
    cr_expect_eq(start_all(queue, 0), 1, "a start that failed makes room");
    cr_expect_eq(queue_window(queue, 0), QUEUE_WINDOW, "and is no reason for fewer");
    queue_free(queue);
}

Test(queue, the_window_halves_and_recovers)
{
    static const unsigned halves[] = {QUEUE_WINDOW / 2, QUEUE_WINDOW / 4, 1, 1};
    struct queue *queue = new_queue(64, 400, "one.example.com");
    struct queue_start start;

    for (size_t i = 0; i < G_N_ELEMENTS(halves); i++) {
        cr_assert(queue_next(queue, &start, 0));
        cr_expect(queue_ended(queue, start.number, TRUE, 0));
        cr_expect_eq(queue_window(queue, 0), halves[i], "drop %zu: %u", i, queue_window(queue, 0));
    }
    for (unsigned window = 1; window < QUEUE_WINDOW; window++) {
        for (unsigned i = 0; i < window; i++) {
            cr_expect_eq(queue_window(queue, 0), window, "%u of %u log-ins", i, window);
            pass(queue, 0);
        }
        cr_expect_eq(queue_window(queue, 0), window + 1);
    }
    for (unsigned i = 0; i < 3 * QUEUE_WINDOW; i++)
        pass(queue, 0);
    cr_expect_eq(queue_window(queue, 0), QUEUE_WINDOW, "never wider than at first");
    queue_free(queue);
}

Test(queue, what_is_turned_away_together_halves_once)
{
    struct queue *queue = new_queue(64, 100, "one.example.com");

    cr_assert_eq(start_all(queue, 0), QUEUE_WINDOW);
    for (guint i = 0; i < 4; i++)
        queue_ended(queue, i, TRUE, 0);
    cr_expect_eq(queue_window(queue, 0), QUEUE_WINDOW / 2);
    cr_expect_eq(start_all(queue, 0), 0, "more are under way than the window has room for");
    queue_ended(queue, 4, TRUE, 0);
    cr_expect_eq(start_all(queue, 0), 0, "just as many");
    queue_admitted(queue, 5);
    struct queue_start start;
    cr_assert(queue_next(queue, &start, 0));
    queue_ended(queue, start.number, TRUE, 0);
    cr_expect_eq(queue_window(queue, 0), QUEUE_WINDOW / 4, "one that was begun in the narrower window");
    queue_free(queue);
}

Test(queue, a_host_is_tried_again_after_a_delay)
{
    struct queue *queue = new_queue(1, 2, "one.example.com");
    struct queue_start start;
    int64_t now = 1000;

    expect_next(queue, 0, now);
    for (unsigned tries = 1; tries < QUEUE_TRIES; tries++) {
        int64_t usual = MIN((int64_t)QUEUE_DELAY_MS << (tries - 1), QUEUE_DELAY_MAX_MS);
        cr_assert(queue_ended(queue, 0, TRUE, now), "try %u", tries);
        cr_expect_eq(queue_tries(queue, 0), tries);
        int64_t wake = queue_wake_ms(queue);
        cr_expect_geq(wake, now + usual / 2, "try %u", tries);
        cr_expect_lt(wake, now + usual / 2 + usual, "try %u", tries);
        if (tries == 1) { /* it holds no place meanwhile */
            expect_next(queue, 1, wake - 1);
            cr_expect_not(queue_ended(queue, 1, FALSE, wake - 1));
        }
        cr_expect_not(queue_next(queue, &start, wake - 1), "a millisecond too early");
        cr_assert(queue_next(queue, &start, wake));
        cr_expect_eq(start.number, 0);
        cr_expect_eq(start.tries, tries + 1);
        cr_expect_eq(start.left_ms, HOST_MS - (wake - 1000));
        cr_expect_eq(queue_wake_ms(queue), 0);
        now = wake;
    }
    cr_expect_not(queue_ended(queue, 0, TRUE, now), "no more tries than QUEUE_TRIES");
    cr_expect(queue_is_over(queue));
    queue_free(queue);
}

Test(queue, a_host_is_not_tried_beyond_its_time)
{
    /* The first delay with this seed, measured with time enough; then with exactly as much, and one more. */
    struct queue *queue = new_queue(1, 1, "one.example.com");
    expect_next(queue, 0, 0);
    queue_ended(queue, 0, TRUE, 0);
    unsigned wake = (unsigned)queue_wake_ms(queue);
    queue_free(queue);
    for (unsigned more = 0; more < 2; more++) {
        queue = queue_new(1, wake + more, 1);
        queue_add(queue, "one.example.com", 22);
        expect_next(queue, 0, 0);
        cr_expect_eq(queue_ended(queue, 0, TRUE, 0), more == 1, "%u ms of %u", wake + more, wake);
        cr_expect_eq(queue_is_over(queue), more == 0);
        queue_free(queue);
    }
}

Test(queue, only_a_server_that_is_busy_is_tried_again)
{
    struct queue *queue = new_queue(2, 2, "one.example.com");

    cr_assert_eq(start_all(queue, 0), 2);
    queue_admitted(queue, 0);
    queue_admitted(queue, 0);
    cr_expect_not(queue_ended(queue, 0, TRUE, 0), "whoever has logged in was not turned away");
    cr_expect_not(queue_ended(queue, 1, FALSE, 0));
    cr_expect_eq(queue_window(queue, 0), QUEUE_WINDOW);
    cr_expect(queue_is_over(queue));
    queue_free(queue);
}

static char *delays_of(guint32 seed)
{
    struct queue *queue = queue_new(8, HOST_MS, seed);
    GString *text = g_string_new(NULL);
    struct queue_start start;

    for (guint i = 0; i < 8; i++)
        queue_add(queue, "one.example.com", 22);
    while (queue_next(queue, &start, 0)) {
        queue_ended(queue, start.number, TRUE, 0);
        g_string_append_printf(text, "%" G_GINT64_FORMAT " ", queue_wake_ms(queue));
    }
    queue_free(queue);
    return g_string_free(text, FALSE);
}

Test(queue, delays_differ_by_seed_and_by_nothing_else)
{
    g_autofree char *one = delays_of(1), *again = delays_of(1), *other = delays_of(2);

    cr_expect_str_eq(one, again);
    cr_expect_str_neq(one, other);
}

/* A server with MaxStartups 10:30:100 that takes so many log-ins a second; each address of the hosts leads to it. */
struct server {
    GRand *random;
    GQueue opening; /* numbers of hosts */
};

static gboolean turns_away(struct server *server)
{
    guint open = g_queue_get_length(&server->opening);
    double rate = open < 10 ? 0 : 0.3 + 0.7 * (open - 10) / 90;
    return g_rand_double(server->random) < rate;
}

/* In steps of 50 ms, in each of which one log-in gets through.  How many hosts were never let in. */
static guint lose(guint hosts, guint addresses, unsigned fanout, guint32 seed)
{
    struct queue *queue = queue_new(fanout, HOST_MS, seed);
    struct server server = {.random = g_rand_new_with_seed(seed + 1)};
    guint lost = 0;

    g_queue_init(&server.opening);
    for (guint i = 0; i < hosts; i++) {
        g_autofree char *address = g_strdup_printf("host%u.example.com", i % addresses);
        queue_add(queue, address, 22);
    }
    for (int64_t now = 0; !queue_is_over(queue); now += 50) {
        struct queue_start start;
        cr_assert_lt(now, HOST_MS);
        while (queue_next(queue, &start, now)) {
            if (turns_away(&server))
                lost += !queue_ended(queue, start.number, TRUE, now);
            else
                g_queue_push_tail(&server.opening, GUINT_TO_POINTER(start.number));
        }
        if (g_queue_is_empty(&server.opening))
            continue;
        guint in = GPOINTER_TO_UINT(g_queue_pop_head(&server.opening));
        queue_admitted(queue, in);
        queue_ended(queue, in, FALSE, now);
    }
    g_queue_clear(&server.opening);
    g_rand_free(server.random);
    queue_free(queue);
    return lost;
}

Test(queue, everybody_gets_in_with_the_default_of_sshd)
{
    static const struct {
        guint hosts, addresses;
        unsigned fanout;
    } rows[] = {{100, 1, 64}, {100, 100, 64}, {100, 7, 64}, {300, 300, 256}, {11, 11, 11}};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (guint32 seed = 0; seed < 100; seed++) {
            guint lost = lose(rows[i].hosts, rows[i].addresses, rows[i].fanout, seed);
            cr_expect_eq(lost, 0, "row %zu, seed %u: %u lost", i, seed, lost);
        }
}
