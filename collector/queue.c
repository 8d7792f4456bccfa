#include "queue.h"

/* The hosts of one address and port. */
struct door {
    GQueue waiting; /* numbers of hosts that may start */
    gboolean has_window, in_turn;
    unsigned window, opening; /* as wide; connections that are not logged in */
    unsigned gained;          /* log-ins since the window was changed last */
    unsigned halvings;
};

enum host_state { HOST_WAITING, HOST_DELAYED, HOST_OPENING, HOST_ADMITTED, HOST_OVER };

struct host {
    struct door *door;
    enum host_state state;
    unsigned tries;
    unsigned halvings; /* of the door when it started */
    int64_t end_ms;    /* of its time */
    int64_t due_ms;    /* of its next try */
};

struct queue {
    unsigned fanout, host_ms;
    unsigned running; /* places that are taken */
    guint left;       /* hosts that had not their last try */
    GRand *random;
    GArray *hosts;     /* of struct host */
    GHashTable *doors; /* "address:port" -> struct door * */
    struct door *open; /* of hosts that are not connected to */
    GQueue turn;       /* doors at which a host may start */
    GSequence *later;  /* numbers of hosts that are delayed, the first one first */
};

static struct host *host_of(const struct queue *queue, guint number)
{
    g_assert(number < queue->hosts->len);
    return &g_array_index(queue->hosts, struct host, number);
}

static void free_door(void *door)
{
    g_queue_clear(&((struct door *)door)->waiting);
    g_free(door);
}

static struct door *new_door(gboolean has_window)
{
    struct door *door = g_new0(struct door, 1);

    g_queue_init(&door->waiting);
    door->has_window = has_window;
    door->window = QUEUE_WINDOW;
    return door;
}

struct queue *queue_new(unsigned fanout, unsigned host_ms, guint32 seed)
{
    struct queue *queue = g_new0(struct queue, 1);

    g_assert(fanout > 0);
    queue->fanout = fanout;
    queue->host_ms = host_ms;
    queue->random = g_rand_new_with_seed(seed);
    queue->hosts = g_array_new(FALSE, TRUE, sizeof(struct host));
    queue->doors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_door);
    queue->open = new_door(FALSE);
    g_queue_init(&queue->turn);
    queue->later = g_sequence_new(NULL);
    return queue;
}

void queue_free(struct queue *queue)
{
    if (!queue)
        return;
    g_queue_clear(&queue->turn);
    g_sequence_free(queue->later);
    g_hash_table_unref(queue->doors);
    free_door(queue->open);
    g_array_unref(queue->hosts);
    g_rand_free(queue->random);
    g_free(queue);
}

static gboolean may_start(const struct door *door)
{
    return !g_queue_is_empty((GQueue *)&door->waiting) && (!door->has_window || door->opening < door->window);
}

static void take_turn(struct queue *queue, struct door *door)
{
    if (door->in_turn || !may_start(door))
        return;
    door->in_turn = TRUE;
    g_queue_push_tail(&queue->turn, door);
}

static struct door *find_door(struct queue *queue, const char *address, uint16_t port)
{
    if (!address)
        return queue->open;
    g_autofree char *lower = g_ascii_strdown(address, -1);
    char *key = g_strdup_printf("%s:%u", lower, port);
    struct door *door = g_hash_table_lookup(queue->doors, key);
    if (door) {
        g_free(key);
        return door;
    }
    door = new_door(TRUE);
    g_hash_table_insert(queue->doors, key, door);
    return door;
}

guint queue_add(struct queue *queue, const char *address, uint16_t port)
{
    guint number = queue->hosts->len;
    struct host host = {.door = find_door(queue, address, port), .state = HOST_WAITING};

    g_array_append_val(queue->hosts, host);
    g_queue_push_tail(&host.door->waiting, GUINT_TO_POINTER(number));
    queue->left++;
    take_turn(queue, host.door);
    return number;
}

/* Those whose delay is over come before those that were not tried yet. */
static void release(struct queue *queue, int64_t now_ms)
{
    for (;;) {
        GSequenceIter *first = g_sequence_get_begin_iter(queue->later);
        if (g_sequence_iter_is_end(first))
            return;
        guint number = GPOINTER_TO_UINT(g_sequence_get(first));
        struct host *host = host_of(queue, number);
        if (host->due_ms > now_ms)
            return;
        g_sequence_remove(first);
        host->state = HOST_WAITING;
        g_queue_push_head(&host->door->waiting, GUINT_TO_POINTER(number));
        take_turn(queue, host->door);
    }
}

static struct door *next_door(struct queue *queue)
{
    struct door *door;

    while ((door = g_queue_pop_head(&queue->turn))) {
        door->in_turn = FALSE;
        if (may_start(door)) /* the window may have become narrower */
            return door;
    }
    return NULL;
}

gboolean queue_next(struct queue *queue, struct queue_start *start, int64_t now_ms)
{
    release(queue, now_ms);
    struct door *door = queue->running < queue->fanout ? next_door(queue) : NULL;
    if (!door)
        return FALSE;
    guint number = GPOINTER_TO_UINT(g_queue_pop_head(&door->waiting));
    struct host *host = host_of(queue, number);
    host->state = HOST_OPENING;
    host->halvings = door->halvings;
    if (host->tries++ == 0)
        host->end_ms = now_ms + queue->host_ms;
    door->opening++;
    queue->running++;
    take_turn(queue, door);
    *start = (struct queue_start){number, host->tries, MAX(host->end_ms - now_ms, 0)};
    return TRUE;
}

void queue_admitted(struct queue *queue, guint number)
{
    struct host *host = host_of(queue, number);
    struct door *door = host->door;

    if (host->state != HOST_OPENING)
        return;
    host->state = HOST_ADMITTED;
    door->opening--;
    if (door->window < QUEUE_WINDOW && ++door->gained >= door->window) {
        door->window++;
        door->gained = 0;
    }
    take_turn(queue, door);
}

/* What was under way when the window was halved tells nothing new. */
static void halve(struct door *door, const struct host *host)
{
    if (host->halvings != door->halvings)
        return;
    door->halvings++;
    door->gained = 0;
    door->window = MAX(door->window / 2, 1);
}

static int compare_due(const void *a, const void *b, void *queue)
{
    const struct host *one = host_of(queue, GPOINTER_TO_UINT(a)), *other = host_of(queue, GPOINTER_TO_UINT(b));
    return one->due_ms < other->due_ms ? -1 : one->due_ms > other->due_ms;
}

/* FALSE: it has no try left, or no time. */
static gboolean delay(struct queue *queue, guint number, int64_t now_ms)
{
    struct host *host = host_of(queue, number);

    if (host->tries >= QUEUE_TRIES)
        return FALSE;
    int usual = (int)MIN((int64_t)QUEUE_DELAY_MS << (host->tries - 1), QUEUE_DELAY_MAX_MS);
    host->due_ms = now_ms + usual / 2 + g_rand_int_range(queue->random, 0, usual);
    if (host->due_ms >= host->end_ms)
        return FALSE;
    host->state = HOST_DELAYED;
    g_sequence_insert_sorted(queue->later, GUINT_TO_POINTER(number), compare_due, queue);
    return TRUE;
}

gboolean queue_ended(struct queue *queue, guint number, gboolean busy, int64_t now_ms)
{
    struct host *host = host_of(queue, number);
    struct door *door = host->door;

    g_assert(host->state == HOST_OPENING || host->state == HOST_ADMITTED);
    if (host->state == HOST_OPENING)
        door->opening--;
    else
        busy = FALSE;
    queue->running--;
    if (busy)
        halve(door, host);
    gboolean again = busy && delay(queue, number, now_ms);
    if (!again) {
        host->state = HOST_OVER;
        queue->left--;
    }
    take_turn(queue, door);
    return again;
}

int64_t queue_wake_ms(const struct queue *queue)
{
    GSequenceIter *first = g_sequence_get_begin_iter(queue->later);

    return g_sequence_iter_is_end(first) ? 0 : host_of(queue, GPOINTER_TO_UINT(g_sequence_get(first)))->due_ms;
}

gboolean queue_is_over(const struct queue *queue)
{
    return queue->left == 0;
}

unsigned queue_window(const struct queue *queue, guint number)
{
    const struct door *door = host_of(queue, number)->door;
    return door->has_window ? door->window : 0;
}

unsigned queue_tries(const struct queue *queue, guint number)
{
    return host_of(queue, number)->tries;
}
