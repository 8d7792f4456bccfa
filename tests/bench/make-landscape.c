/*
 * make-landscape: writes a capture of a large landscape for tests and benchmarks, and what its analysis has to find.
 *
 *   make-landscape HOSTS CERTS LISTS CAPTURE ANSWER.json
 *
 * HOSTS hosts with 12 PSEs each, which share LISTS distinct trust lists of 150 certificates, of CERTS distinct ones, as
 * they do in life: nine of ten systems are ABAP with four instances, whose PSEs are copies of each other but for a few,
 * and of each host the host agent has PSEs of its own; the others are Web Dispatchers.  Every trace tells of five
 * different failures with peers that other hosts call too.  Each trace, serial number and date depends on the arguments
 * only; keys and so signatures and digests are new each time.
 *
 * Most of the failures miss a root that other lists hold.  Of every second such root the intermediate below it is in
 * some list as well, so that it can be proved which one is missing; some roots have a cross-signed twin, some an older
 * one of the same name with another key.  Of other failures nobody holds the root, or they have another cause.
 */
#include "capture.h"
#include "certs.h"
#include "journal.h"
#include "name.h"
#include "scene.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PSES       12 /* of a host; of an ABAP host the last two are the host agent's */
#define AGENT_PSES 2
#define LENGTH     150 /* of a list */
#define STRIDE     13  /* how far the beginnings of two lists are apart */
#define FAILURES   5   /* of a host */
#define INSTANCES  4   /* of a system, each on a host of its own */
#define RSA_KEYS   8
#define PEER_STEP  97 /* the number of peers is no multiple of it */
#define LINES      60 /* of a trace beside its failures */

struct anchor { /* a root that some peers need */
    struct issued *root, *intermediate;
    char *name;
    gboolean sent;      /* peers send the root too */
    gboolean provable;  /* the intermediate is in some list */
    gboolean held;      /* the root is in some list */
    GHashTable *places; /* labels of the stores that lack it and are seen to need it */
};

struct peer {
    struct anchor *anchor;
    struct issued *leaf;
    char *host, *address;
};

struct list {
    GPtrArray *certs; /* of struct issued * */
    char *object;     /* in the capture */
    gboolean drifts;  /* some instance has another list in its place */
    gboolean used;
};

struct store { /* what the PSE files of a trust store have in common */
    char *label, *file;
    unsigned list;
    struct issued *own;
};

static struct {
    unsigned hosts, certs, lists;
    struct capture_writer *writer;
    FILE *journal;
    struct issued *rsa[RSA_KEYS];
    GPtrArray *own;      /* of struct issued *: own certificates */
    GPtrArray *held;     /* of struct issued *: what lists are made of */
    GPtrArray *anchors;  /* of struct anchor *: the known ones, then the others */
    GPtrArray *peers;    /* of struct peer * */
    GPtrArray *all;      /* of struct list *: each list, and behind them what drifted from the first ones */
    GHashTable *objects; /* struct issued * -> its object */
    GHashTable *seen;    /* set of struct issued *: in some list that is used, or an own certificate */
    unsigned bases;      /* lists before the drifted ones */
    unsigned next_list, stores, failures;
    unsigned drifts, levels, unread, lost, refused;
} made;

static void G_GNUC_NORETURN die(const char *message)
{
    fprintf(stderr, "make-landscape: %s\n", message);
    exit(2);
}

/* Certificates. */

/* Every third CA signs with RSA.  Making such keys takes long, so few serve for all that need none of their own. */
static struct issued *make_ca(const char *name, const struct issued *issuer, unsigned number, int64_t not_after)
{
    if (number % 3 == 0)
        return certs(.subject = name, .issuer = issuer, .key_of = made.rsa[number / 3 % RSA_KEYS],
                     .not_after = not_after);
    return certs(.subject = name, .issuer = issuer, .not_after = not_after);
}

/* Of fifty certificates one has expired and one soon will. */
static int64_t end_of(unsigned number)
{
    return number % 50 == 0 ? CERTS_NOW - CERTS_DAY : number % 50 == 1 ? CERTS_NOW + 10 * CERTS_DAY : 0;
}

static void hold(struct issued *issued)
{
    g_ptr_array_add(made.held, issued);
}

static void make_anchor(unsigned number, gboolean known)
{
    struct anchor *anchor = g_new0(struct anchor, 1);
    g_autofree char *root = g_strdup_printf("/C=DE/O=Example Trust %u/CN=Example Root R%u", number % 7, number);
    g_autofree char *below = g_strdup_printf("/C=DE/O=Example Trust %u/CN=Example Issuing CA %u", number % 7, number);

    anchor->root = certs(.subject = root, .kind = number % 3 == 0 && known ? "RSA:2048" : NULL);
    anchor->intermediate = certs(.subject = below, .issuer = anchor->root);
    anchor->name = name_print(X509_get_subject_name(anchor->root->x509));
    anchor->held = known;
    anchor->provable = known && number % 2 == 0;
    anchor->sent = number % 5 == 0;
    anchor->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_ptr_array_add(made.anchors, anchor);
    if (!known)
        return;
    hold(anchor->root);
    if (anchor->provable)
        hold(anchor->intermediate);
    if (number % 8 == 0) /* the same CA before it had a new key */
        hold(certs(.subject = root));
    if (number % 8 == 3 || number % 8 == 4)
        hold(certs(.subject = root, .key_of = anchor->root, .issuer = made.held->pdata[0]));
}

static void make_certs(void)
{
    unsigned anchors = made.certs / 50, own = made.certs / 4, others = made.certs - own;

    for (unsigned i = 0; i < RSA_KEYS; i++)
        made.rsa[i] = certs(.kind = "RSA:2048");
    hold(certs(.subject = "/C=DE/O=Example Trust/CN=Example Cross Root"));
    for (unsigned i = 0; i < anchors; i++)
        make_anchor(i, TRUE);
    for (unsigned i = 0; i < anchors / 10 + 1; i++)
        make_anchor(anchors + i, FALSE);
    for (unsigned i = 0; made.held->len < others; i++) {
        g_autofree char *name = g_strdup_printf("/C=FR/O=Some Authority %u/CN=Some CA %u", i % 40, i);
        /* Every second one is an intermediate of the one before. */
        hold(make_ca(name, i % 2 ? made.held->pdata[made.held->len - 1] : NULL, i, end_of(i)));
    }
    if (made.held->len > others || made.held->len % STRIDE == 0)
        die("another number of certificates, please");
    for (unsigned i = 0; i < own; i++) {
        g_autofree char *name = g_strdup_printf("/C=DE/O=Example/OU=Server/CN=app%u.example.com", i);
        struct issued *issuer = made.held->pdata[made.held->len - 1 - i % 50];
        g_ptr_array_add(made.own, certs(.subject = name, .issuer = i % 4 ? issuer : NULL,
                                        .key_of = made.rsa[i % RSA_KEYS], .leaf = TRUE, .not_after = end_of(i)));
    }
}

static void make_peers(void)
{
    for (unsigned i = 0; i < 5 * made.anchors->len; i++) {
        struct peer *peer = g_new0(struct peer, 1);
        peer->anchor = made.anchors->pdata[i % made.anchors->len];
        peer->host = g_strdup_printf("peer%u.example.com", i);
        peer->address = g_strdup_printf("198.51.%u.%u:443", 100 + i / 250, 1 + i % 250);
        g_autofree char *subject = g_strdup_printf("/C=DE/O=Example/CN=%s", peer->host);
        peer->leaf = certs(.subject = subject, .issuer = peer->anchor->intermediate, .leaf = TRUE);
        g_ptr_array_add(made.peers, peer);
    }
}

/* Lists. */

/* Each begins a little further on in what all are made of; the last ones are the first ones without their last entry.
 */
static void make_lists(void)
{
    /* So that lists are no neighbours by what their certificates are. */
    for (guint i = made.held->len - 1; i > 0; i--) {
        guint j = (guint)((uint64_t)i * 2654435761u % (i + 1));
        void *swapped = made.held->pdata[i];
        made.held->pdata[i] = made.held->pdata[j];
        made.held->pdata[j] = swapped;
    }
    made.bases = made.lists - made.lists / 10;
    if (made.bases * STRIDE < made.held->len + LENGTH || made.bases >= made.held->len || made.held->len < 2 * LENGTH)
        die("another number of lists, please");
    for (unsigned i = 0; i < made.lists; i++) {
        struct list *list = g_new0(struct list, 1);
        unsigned base = i < made.bases ? i : i - made.bases;
        list->certs = g_ptr_array_new();
        for (unsigned j = 0; j < LENGTH - (i < made.bases ? 0 : 1); j++)
            g_ptr_array_add(list->certs, made.held->pdata[(base * STRIDE + j) % made.held->len]);
        g_ptr_array_add(made.all, list);
    }
}

static char *add_object(const void *bytes, size_t size)
{
    struct capture_object *object = capture_object_new(made.writer, NULL);
    if (!object || !capture_object_add(object, bytes, size, NULL))
        die("an object cannot be written");
    char *digest = capture_object_finish(object, NULL);
    if (!digest)
        die("an object cannot be written");
    return digest;
}

static const char *use_list(unsigned number)
{
    struct list *list = made.all->pdata[number];
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    list->used = TRUE;
    if (list->object)
        return list->object;
    for (guint i = 0; i < list->certs->len; i++) {
        struct issued *issued = list->certs->pdata[i];
        g_byte_array_append(bytes, g_bytes_get_data(issued->der, NULL), (guint)g_bytes_get_size(issued->der));
        g_hash_table_add(made.seen, issued);
    }
    list->object = add_object(bytes->data, bytes->len);
    return list->object;
}

static const char *use_own(struct issued *own)
{
    char *object = g_hash_table_lookup(made.objects, own);
    if (!object) {
        object = add_object(g_bytes_get_data(own->der, NULL), g_bytes_get_size(own->der));
        g_hash_table_insert(made.objects, own, object);
        g_hash_table_add(made.seen, own);
    }
    return object;
}

/* Stores. */

static struct store *make_store(const char *place, const char *file)
{
    struct store *store = g_new0(struct store, 1);
    store->label = g_strdup_printf("%s %s", place, file);
    store->file = g_strdup(file);
    store->own = made.own->pdata[made.stores++ % made.own->len];
    store->list = made.next_list++ % made.bases;
    return store;
}

static void store_free(void *data)
{
    struct store *store = data;
    g_free(store->label);
    g_free(store->file);
    g_free(store);
}

static char *file_name(unsigned number)
{
    static const char *const names[] = {"SAPSSLC", "SAPSSLA", "SAPSSLS", "SAPSYS", "SAPSNCS"};
    return number < G_N_ELEMENTS(names) ? g_strdup_printf("%s.pse", names[number])
                                        : g_strdup_printf("SAPSSLX%02u.pse", number);
}

static struct capture_store *add_pse(struct capture_host *host, const struct capture_instance *instance,
                                     const struct store *store, unsigned list)
{
    struct capture_store *pse = capture_store_new();
    pse->instance = g_strdup(instance->path);
    pse->path = g_strdup_printf("%s/sec/%s", instance->path, store->file);
    pse->device = 64769;
    pse->inode = 1000 + host->stores->len;
    pse->size_bytes = 150000;
    pse->modified = CERTS_NOW - 10 * CERTS_DAY;
    pse->owner = g_strdup(instance->sid ? "prdadm" : "sapadm");
    pse->mode = g_strdup("600");
    pse->method = g_strdup("native");
    pse->trusted = g_strdup(use_list(list));
    pse->trusted_count = LENGTH;
    pse->own = g_strdup(use_own(store->own));
    g_ptr_array_add(host->stores, pse);
    return pse;
}

/* Traces. */

static gboolean has(unsigned number, const struct issued *issued)
{
    const struct list *list = made.all->pdata[number];
    return g_ptr_array_find(list->certs, issued, NULL);
}

/* A peer that the host has not called and whose anchor the store lacks: from ${number} on in steps, so that no anchor
 * gets all that others can't take.
 */
static struct peer *choose_peer(GHashTable *called, unsigned number, const struct store *store, gboolean known)
{
    for (guint tries = 0; tries < made.peers->len; tries++) {
        struct peer *peer = made.peers->pdata[(number + tries * PEER_STEP) % made.peers->len];
        if (peer->anchor->held == known && !(known && has(store->list, peer->anchor->root)) &&
            g_hash_table_add(called, peer))
            return peer;
    }
    die("other numbers, please: a list has all that peers need");
}

static void say_usual(GString *text, unsigned host, unsigned at)
{
    for (unsigned i = 0; i < LINES / FAILURES; i++)
        g_string_append_printf(text, "[Thr %u] IcmWorkerThread: request %u of client %u took %u us\n", 100 + i % 12,
                               host * 100 + at * 10 + i, 100 + i, 1000 + 37 * i * at);
}

static void add_failure(GString *text, const struct capture_instance *instance, GHashTable *called, struct store *store,
                        unsigned host, unsigned number)
{
    gboolean known = number < FAILURES - 1 || host % 4 > 0;
    struct peer *peer =
        choose_peer(called, host / INSTANCES * 7 + number * 31 + (number == 3 ? host : 0), store, known);
    struct anchor *anchor = peer->anchor;
    g_autofree char *path = g_strdup_printf("%s/sec/%s", instance->path, store->file);
    g_autofree char *stamp =
        g_strdup_printf("Sat Nov 21 %02u:%02u:%02u 2026", 2 + number * 4, host % 60, host / 60 % 60);

    UNTRUSTED(text, .stamp = stamp, .store = path, .target = peer->host, .peer = peer->address,
              .chain = {peer->leaf, anchor->intermediate, anchor->sent ? anchor->root : NULL},
              .times = 1 + (host + number) % 3);
    g_hash_table_add(anchor->places, g_strdup(store->label));
}

static void add_trace(struct capture_host *host, const struct capture_instance *instance, GPtrArray *stores,
                      unsigned number)
{
    static const unsigned used[FAILURES] = {0, 0, 1, 6, 5}; /* by which PSE */
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GHashTable) called = g_hash_table_new(NULL, NULL);
    gboolean refused = number % 8 == 5;
    struct capture_trace *trace = capture_trace_new();

    scene_header(text, number % 50 == 7 ? "2" : "1", "785");
    made.levels += number % 50 == 7;
    for (unsigned i = 0; i < FAILURES; i++) {
        say_usual(text, number, i);
        if (i == FAILURES - 1 && refused) {
            g_autofree char *target = g_strdup_printf("old%u.example.com", number);
            scene_headline(text, target, "SSSLERR_CONN_CLOSED (-10)");
            made.refused++;
        } else {
            add_failure(text, instance, called, stores->pdata[used[i]], number, i);
        }
    }
    made.failures += FAILURES;
    trace->instance = g_strdup(instance->path);
    trace->path = g_strdup_printf("%s/work/%s", instance->path, instance->name[0] == 'W' ? "dev_webdisp" : "dev_icm");
    trace->size_bytes = trace->length_bytes = (int64_t)text->len;
    trace->from_byte = 0;
    trace->modified = CERTS_NOW;
    trace->object = add_object(text->str, text->len);
    g_ptr_array_add(host->traces, trace);
}

/* Hosts. */

static struct capture_instance *add_instance(struct capture_host *host, const char *sid, const char *name)
{
    struct capture_instance *instance = capture_instance_new();
    instance->sid = g_strdup(sid);
    instance->name = g_strdup(name);
    instance->path = sid ? g_strdup_printf("/usr/sap/%s/%s", sid, name) : g_strdup("/usr/sap/hostctrl/exe");
    g_ptr_array_add(host->instances, instance);
    return instance;
}

static struct capture_host *make_host(unsigned number, const char *name)
{
    struct capture_host *host = capture_host_new();
    host->name = g_strdup(name);
    host->tier = g_strdup(number % 3 ? "production" : "quality");
    host->owner = g_strdup("basis@example.com");
    host->started = CERTS_NOW - 60;
    host->finished = host->clock = CERTS_NOW;
    host->zone = g_strdup("Europe/Berlin");
    host->zone_rule = g_strdup("CET-1CEST,M3.5.0,M10.5.0/3");
    host->zone_offset_s = 3600;
    host->system = g_strdup("Linux 6.4.0 x86_64");
    host->login = g_strdup("sapaudit");
    g_ptr_array_add(host->groups, g_strdup("sap"));
    return host;
}

/* Not with capture_write_host(): to bring each line to the disk for itself takes minutes. */
static void finish_host(struct capture_host *host)
{
    g_autofree char *line = journal_print_host(host, NULL);
    if (!line || fputs(line, made.journal) == EOF)
        die("the journal cannot be written");
    capture_host_free(host);
}

/* PSEs that stand for themselves, and perhaps one that has a PIN. */
static void add_alone(struct capture_host *host, const struct capture_instance *instance, GPtrArray *stores,
                      unsigned count, unsigned number)
{
    g_autofree char *place = g_strdup_printf("%s %s", host->name, instance->name);
    for (unsigned i = 0; i < count; i++) {
        g_autofree char *file = file_name(i);
        struct store *store = make_store(place, file);
        struct capture_store *pse = add_pse(host, instance, store, store->list);
        g_ptr_array_add(stores, store);
        if (number % 50 != 11 || i != count - 1)
            continue;
        g_clear_pointer(&pse->trusted, g_free);
        g_clear_pointer(&pse->own, g_free);
        g_free(pse->method);
        pse->method = g_strdup("none");
        pse->reason = g_strdup("pin");
        made.unread++;
    }
}

/* The list of one instance's PSE: of a few the second instance has another one than the others. */
static unsigned list_of(const struct store *store, unsigned number)
{
    struct list *list = made.all->pdata[store->list];
    if (number % INSTANCES != 1 || list->drifts || store->list >= made.lists - made.bases)
        return store->list;
    list->drifts = TRUE;
    made.drifts++;
    return made.bases + store->list;
}

static void add_host(unsigned number, const char *sid, GPtrArray *shared)
{
    g_autofree char *name = g_strdup_printf("host%05u", number);
    g_autofree char *instance_name = g_strdup_printf("%s%02u", shared ? "D" : "W", number % INSTANCES);
    struct capture_host *host = make_host(number, name);

    if (number % 500 == 499) {
        host->status = CAPTURE_FAILED;
        host->reason = g_strdup("time-out");
        host->message = g_strdup("no answer within 10 s");
        made.lost++;
        finish_host(host);
        return;
    }
    struct capture_instance *instance = add_instance(host, sid, instance_name);
    g_autoptr(GPtrArray) alone = g_ptr_array_new_with_free_func(store_free);
    if (shared) {
        for (guint i = 0; i < shared->len; i++)
            add_pse(host, instance, shared->pdata[i], list_of(shared->pdata[i], number));
        add_alone(host, add_instance(host, NULL, "hostctrl"), alone, AGENT_PSES, number);
    } else {
        add_alone(host, instance, alone, PSES, number);
    }
    add_trace(host, instance, shared ? shared : alone, number);
    finish_host(host);
}

static void add_system(unsigned number)
{
    char sid[4];
    g_snprintf(sid, sizeof sid, "%c%c%c", 'A' + (int)(number / 260 % 26), 'A' + (int)(number / 10 % 26),
               '0' + (int)(number % 10));
    g_autoptr(GPtrArray) shared = g_ptr_array_new_with_free_func(store_free);

    for (unsigned i = 0; number % 10 != 9 && i < PSES - AGENT_PSES; i++) {
        g_autofree char *file = file_name(i);
        g_ptr_array_add(shared, make_store(sid, file));
    }
    for (unsigned i = number * INSTANCES; i < made.hosts && i < (number + 1) * INSTANCES; i++)
        add_host(i, sid, shared->len ? shared : NULL);
}

/* The answer. */

static void count_ends(unsigned *expired, unsigned *expiring)
{
    GHashTableIter iter;
    void *key;

    g_hash_table_iter_init(&iter, made.seen);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        const ASN1_TIME *end = X509_get0_notAfter(((struct issued *)key)->x509);
        int64_t left = -1;
        struct tm tm;
        if (ASN1_TIME_to_tm(end, &tm))
            left = timegm(&tm) - CERTS_NOW;
        *expired += left < 0;
        *expiring += left >= 0 && left < 30 * CERTS_DAY;
    }
}

static json_t *missing_answer(unsigned *known, unsigned *unknown)
{
    json_t *all = json_object();
    for (guint i = 0; i < made.anchors->len; i++) {
        const struct anchor *anchor = made.anchors->pdata[i];
        guint gaps = g_hash_table_size(anchor->places);
        if (gaps == 0)
            continue;
        *(anchor->held ? known : unknown) += 1;
        const char *match = !anchor->held ? "none" : anchor->provable ? "proved" : anchor->sent ? "serial" : "name";
        json_object_set_new(all, anchor->name, json_pack("{s:i, s:s}", "gaps", (int)gaps, "match", match));
    }
    return all;
}

static void put_answer(const char *path)
{
    unsigned expired = 0, expiring = 0, known = 0, unknown = 0, lists = 0;

    count_ends(&expired, &expiring);
    json_t *missing = missing_answer(&known, &unknown);
    for (guint i = 0; i < made.all->len; i++)
        lists += ((struct list *)made.all->pdata[i])->used;
    json_t *findings = json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "missing-anchor", (int)known,
                                 "unknown-issuer", (int)unknown, "tls-failure", (int)made.refused, "expired",
                                 (int)expired, "expiring", (int)expiring, "drift", (int)made.drifts, "store-unreadable",
                                 (int)made.unread, "trace-level", (int)made.levels, "host-missing", (int)made.lost);
    json_t *answer = json_pack("{s:i, s:i, s:i, s:i, s:i, s:o, s:o}", "host", (int)made.hosts, "store",
                               (int)made.stores, "list", (int)lists, "certificate", (int)g_hash_table_size(made.seen),
                               "failure", (int)made.failures, "findings", findings, "missing", missing);
    if (!answer || json_dump_file(answer, path, JSON_INDENT(1) | JSON_SORT_KEYS) != 0)
        die("the answer cannot be written");
    json_decref(answer);
}

static unsigned number_of(const char *text)
{
    guint64 number;
    if (!g_ascii_string_to_unsigned(text, 10, 1, 100000, &number, NULL))
        die("a number from 1 to 100000 is wanted");
    return (unsigned)number;
}

int main(int argc, char **argv)
{
    struct capture_header header = {.program = (char *)"make-landscape", .started = CERTS_NOW - 3600};

    if (argc != 6)
        die("usage: make-landscape HOSTS CERTS LISTS CAPTURE ANSWER.json");
    made.hosts = number_of(argv[1]);
    made.certs = number_of(argv[2]);
    made.lists = number_of(argv[3]);
    made.writer = capture_create(argv[4], &header, NULL);
    g_autofree char *journal = g_build_filename(argv[4], "capture.jsonl", NULL);
    made.journal = made.writer ? fopen(journal, "a") : NULL;
    if (!made.journal)
        die("the capture cannot be created");
    made.own = g_ptr_array_new();
    made.held = g_ptr_array_new();
    made.anchors = g_ptr_array_new();
    made.peers = g_ptr_array_new();
    made.all = g_ptr_array_new();
    made.objects = g_hash_table_new(NULL, NULL);
    made.seen = g_hash_table_new(NULL, NULL);
    make_certs();
    make_peers();
    make_lists();
    for (unsigned i = 0; i * INSTANCES < made.hosts; i++)
        add_system(i);
    if (fclose(made.journal) != 0)
        die("the journal cannot be written");
    capture_close(made.writer);
    put_answer(argv[5]);
    return 0;
}
