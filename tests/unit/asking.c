/* collector/asking: an entry for each peer, whatever becomes of it. */
#include "asking.h"

#include "kept.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

/* A transport that notes whom it was to ask. */
static GString *asked;

static void fetch(struct transport *transport, const struct collector_peer *peer)
{
    (void)transport;
    g_string_append_printf(asked, "%s:%u ", peer->target ? peer->target : peer->address, peer->port);
}

static const struct transport_methods able = {.name = "able", .fetch = fetch}, unable = {.name = "unable"};

struct setting {
    char *folder;
    struct capture_writer *writer;
    struct sink sink;
    struct capture_host *line;
    GPtrArray *peers;
    struct asking *asking;
    struct transport transport;
};

static void setup(struct setting *s, guint peers, const struct transport_methods *methods)
{
    const struct capture_header header = {.started = 1};
    *s = (struct setting){.folder = g_dir_make_tmp("trustgap-XXXXXX", NULL), .transport = {.methods = methods}};
    g_autofree char *path = g_build_filename(s->folder, "capture", NULL);
    asked = g_string_new(NULL);
    s->writer = capture_create(path, &header, NULL);
    cr_assert_not_null(s->writer);
    s->line = capture_host_new();
    s->peers = g_ptr_array_new_with_free_func((GDestroyNotify)collector_peer_free);
    for (guint i = 0; i < peers; i++)
        g_ptr_array_add(s->peers, i == 1 ? collector_peer_new(NULL, "192.0.2.7", 8443)
                                         : collector_peer_new("a.example.com", NULL, (uint16_t)(i + 1)));
    s->sink = kept_in(s->writer);
    s->asking = asking_new(s->peers, s->line, &s->sink);
}

static void remove_tree(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *inside = g_build_filename(path, name, NULL);
        remove_tree(inside);
    }
    g_remove(path);
}

static void cleanup(struct setting *s)
{
    asking_free(s->asking);
    capture_host_free(s->line);
    capture_close(s->writer);
    g_ptr_array_unref(s->peers);
    remove_tree(s->folder);
    g_free(s->folder);
    g_string_free(asked, TRUE);
}

static char *reasons(const struct setting *s)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < s->line->chains->len; i++) {
        const struct capture_chain *chain = s->line->chains->pdata[i];
        cr_expect_eq(chain->object != NULL, chain->reason == NULL);
        cr_expect_eq(chain->reason != NULL, chain->message != NULL);
        g_string_append_printf(text, "%s ", chain->reason ? chain->reason : "-");
    }
    return g_string_free(text, FALSE);
}

Test(asking, one_after_the_other)
{
    struct setting s;
    setup(&s, 3, &able);
    g_autoptr(GByteArray) bytes = g_byte_array_append(g_byte_array_new(), (const guint8 *)"abc", 3);
    const struct transport_fetched answers[] = {
        {bytes, 2, NULL, NULL}, {NULL, 0, "time-out", "it did not answer"}, {bytes, 2, NULL, NULL}};

    for (guint i = 0; i < 3; i++) {
        cr_assert(asking_begin(s.asking, &s.transport));
        cr_assert(asking_keep(s.asking, &answers[i], NULL));
    }
    cr_expect_not(asking_begin(s.asking, &s.transport));
    g_autofree char *words = reasons(&s);
    cr_expect_str_eq(words, "- time-out - ");
    cr_expect_str_eq(asked->str, "a.example.com:1 192.0.2.7:8443 a.example.com:3 ");
    const struct capture_chain *first = s.line->chains->pdata[0], *second = s.line->chains->pdata[1];
    cr_expect_eq(first->count, 2);
    cr_expect_str_eq(first->object, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr_expect_gt(first->asked, 0);
    cr_expect_eq(second->count, -1);
    cr_expect(!second->target && g_str_equal(second->address, "192.0.2.7") && second->port == 8443);
    cr_expect_eq(s.line->notes->len, 0);
    cleanup(&s);
}

Test(asking, ended)
{
    static const struct {
        const char *what;
        guint begun;
        gboolean kept; /* the last one that was begun */
        const char *words;
    } rows[] = {
        {"before the first", 0, FALSE, "not-asked not-asked not-asked "},
        {"in the second", 2, FALSE, "closed ssh not-asked "},
        {"behind the second", 2, TRUE, "closed closed not-asked "},
        {"behind the last", 3, TRUE, "closed closed closed "},
    };
    static const struct transport_fetched closed = {NULL, 0, "closed", "it closed the connection"};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct setting s;
        setup(&s, 3, &able);
        for (guint j = 0; j < rows[i].begun; j++) {
            cr_assert(asking_begin(s.asking, &s.transport));
            if (rows[i].kept || j + 1 < rows[i].begun)
                cr_assert(asking_keep(s.asking, &closed, NULL));
        }
        asking_end(s.asking, "ssh", "the connection broke");
        cr_expect_not(asking_begin(s.asking, &s.transport), "%s", rows[i].what);
        g_autofree char *words = reasons(&s);
        cr_expect_str_eq(words, rows[i].words, "%s", rows[i].what);
        cleanup(&s);
    }
}

Test(asking, no_way)
{
    struct setting s;
    setup(&s, 3, &unable);
    cr_expect_not(asking_begin(s.asking, &s.transport));
    g_autofree char *words = reasons(&s);
    cr_expect_str_eq(words, "not-available not-asked not-asked ");
    cleanup(&s);
}

Test(asking, limit)
{
    for (guint more = 0; more <= 1; more++) {
        struct setting s;
        setup(&s, COLLECTOR_PEERS + more, &able);
        asking_end(s.asking, "ssh", "the connection broke");
        cr_expect_eq(s.line->chains->len, COLLECTOR_PEERS);
        cr_expect_eq(s.line->notes->len, more);
        cleanup(&s);
    }
}
