/* analyzer/path: who would be trusted. */
#include "path.h"

#include "certs.h"
#include "pool.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <openssl/x509v3.h>
#include <string.h>

/* A small world in which names lead to several certificates. */
enum {
    ROOT,           /* has issued MIDDLE, DEEP's issuer MIDDLE_CROSS is of ROOT_2 */
    ROOT_OTHER_KEY, /* the same name, another key */
    ROOT_2,
    ROOT_EXPIRED, /* ROOT's name and key, over */
    ROOT_V1,      /* version 1, no extensions */
    MIDDLE,       /* by ROOT */
    MIDDLE_CROSS, /* the same name and key, by ROOT_2 */
    MIDDLE_OVER,  /* the same by ROOT, over */
    DEEP,         /* by MIDDLE */
    LEAF,         /* by DEEP */
    LEAF_2,       /* by MIDDLE, no key identifiers */
    LEAF_V1,      /* by ROOT_V1 */
    LEAF_BY_LEAF, /* by LEAF, which may not */
    SELF,         /* self-signed, no CA */
    WORLD_SIZE,
};

struct world {
    struct audit *audit;
    struct pool *pool;
    struct issued *issued[WORLD_SIZE];
    struct audit_cert *certs[WORLD_SIZE];
};

static struct audit_cert *add(struct pool *pool, const struct issued *issued)
{
    return pool_add_der(pool, g_bytes_get_data(issued->der, NULL), g_bytes_get_size(issued->der), NULL);
}

static struct world *world_new(void)
{
    struct world *world = g_new0(struct world, 1);
    struct issued **of = world->issued;
    const int64_t over = CERTS_NOW - 10 * CERTS_DAY;

    of[ROOT] = certs(.subject = "/CN=Root", .no_key_ids = TRUE);
    of[ROOT_OTHER_KEY] = certs(.subject = "/CN=Root", .no_key_ids = TRUE);
    of[ROOT_EXPIRED] = certs(.subject = "/CN=Root", .key_of = of[ROOT], .not_after = over, .no_key_ids = TRUE);
    of[ROOT_2] = certs(.subject = "/CN=Root 2");
    of[ROOT_V1] = certs(.subject = "/CN=Root V1", .version_1 = TRUE);
    of[MIDDLE] = certs(.subject = "/CN=Middle", .issuer = of[ROOT], .no_key_ids = TRUE);
    of[MIDDLE_CROSS] = certs(.subject = "/CN=Middle", .issuer = of[ROOT_2], .key_of = of[MIDDLE], .no_key_ids = TRUE);
    of[MIDDLE_OVER] =
        certs(.subject = "/CN=Middle", .issuer = of[ROOT], .key_of = of[MIDDLE], .not_after = over, .no_key_ids = TRUE);
    of[DEEP] = certs(.subject = "/CN=Deep", .issuer = of[MIDDLE]);
    of[LEAF] = certs(.subject = "/CN=Leaf", .issuer = of[DEEP], .leaf = TRUE);
    of[LEAF_2] = certs(.subject = "/CN=Leaf 2", .issuer = of[MIDDLE], .leaf = TRUE, .no_key_ids = TRUE);
    of[LEAF_V1] = certs(.subject = "/CN=Leaf V1", .issuer = of[ROOT_V1], .leaf = TRUE);
    of[LEAF_BY_LEAF] = certs(.subject = "/CN=Leaf of leaf", .issuer = of[LEAF], .leaf = TRUE);
    of[SELF] = certs(.subject = "/CN=Self", .leaf = TRUE);
    world->audit = audit_new();
    world->pool = pool_new(world->audit);
    for (int i = 0; i < WORLD_SIZE; i++) {
        world->certs[i] = add(world->pool, of[i]);
        cr_assert_not_null(world->certs[i]);
    }
    return world;
}

static void world_free(struct world *world)
{
    for (int i = 0; i < WORLD_SIZE; i++)
        certs_free(world->issued[i]);
    pool_free(world->pool);
    audit_free(world->audit);
    g_free(world);
}

#define END (-1)

static GPtrArray *pick(const struct world *world, const int *which)
{
    GPtrArray *certs = g_ptr_array_new();
    for (; *which != END; which++)
        g_ptr_array_add(certs, world->certs[*which]);
    return certs;
}

Test(path, situations)
{
    static const struct {
        const char *what;
        int chain[6], anchors[6];
        int days; /* from CERTS_NOW */
        const char *reason;
    } rows[] = {
        {"chain to its root", {LEAF, DEEP, MIDDLE, END}, {ROOT, END}, 0, NULL},
        {"chain out of order", {LEAF, MIDDLE, DEEP, END}, {ROOT, END}, 0, NULL},
        {"the root is in the chain too", {LEAF, DEEP, MIDDLE, ROOT, END}, {ROOT, END}, 0, NULL},
        {"an intermediate is an anchor", {LEAF, DEEP, MIDDLE, END}, {DEEP, END}, 0, NULL},
        {"... and its root is over", {LEAF, DEEP, MIDDLE, END}, {DEEP, ROOT_EXPIRED, END}, 0, NULL},
        {"the leaf is an anchor", {LEAF, END}, {LEAF, END}, 0, NULL},
        {"self-signed and imported", {SELF, END}, {SELF, END}, 0, NULL},
        {"self-signed", {SELF, END}, {ROOT, END}, 0, "self"},
        {"no anchor", {LEAF, DEEP, MIDDLE, ROOT, END}, {END}, 0, "self"},
        {"another root", {LEAF, DEEP, MIDDLE, END}, {ROOT_2, END}, 0, "issuer"},
        {"an intermediate is missing", {LEAF, DEEP, END}, {ROOT, END}, 0, "issuer"},
        {"only the leaf", {LEAF, END}, {ROOT, END}, 0, "issuer"},
        {"the same name, another key", {LEAF, DEEP, MIDDLE, END}, {ROOT_OTHER_KEY, END}, 0, "signature"},
        {"... beside the right one", {LEAF, DEEP, MIDDLE, END}, {ROOT_OTHER_KEY, ROOT, END}, 0, NULL},
        {"... in the other order", {LEAF, DEEP, MIDDLE, END}, {ROOT, ROOT_OTHER_KEY, END}, 0, NULL},
        {"the root is over", {LEAF, DEEP, MIDDLE, END}, {ROOT_EXPIRED, END}, 0, "expired"},
        {"... and was not then", {LEAF, DEEP, MIDDLE, END}, {ROOT_EXPIRED, END}, -20, NULL},
        {"... and there is a new one", {LEAF, DEEP, MIDDLE, END}, {ROOT_EXPIRED, ROOT, END}, 0, NULL},
        {"an intermediate is over", {LEAF_2, MIDDLE_OVER, END}, {ROOT, END}, 0, "expired"},
        {"... beside a good one", {LEAF_2, MIDDLE_OVER, MIDDLE, END}, {ROOT, END}, 0, NULL},
        {"everything is over", {LEAF, DEEP, MIDDLE, END}, {ROOT, END}, 1001, "expired"},
        {"not yet", {LEAF, DEEP, MIDDLE, END}, {ROOT, END}, -1001, "not yet"},
        {"cross-signed, the wrong one first", {LEAF, DEEP, MIDDLE, MIDDLE_CROSS, END}, {ROOT_2, END}, 0, NULL},
        {"cross-signed, the right one first", {LEAF, DEEP, MIDDLE_CROSS, MIDDLE, END}, {ROOT_2, END}, 0, NULL},
        {"cross-signed, both wrong", {LEAF, DEEP, MIDDLE_CROSS, MIDDLE, END}, {ROOT_OTHER_KEY, END}, 0, ""},
        {"version 1", {LEAF_V1, END}, {ROOT_V1, END}, 0, NULL},
        {"issued by a leaf", {LEAF_BY_LEAF, LEAF, DEEP, MIDDLE, END}, {ROOT, END}, 0, "CA"},
        {"a leaf as anchor of another", {LEAF_BY_LEAF, END}, {LEAF, END}, 0, "CA"},
    };
    struct world *world = world_new();
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) chain = pick(world, rows[i].chain);
        g_autoptr(GPtrArray) anchors = pick(world, rows[i].anchors);
        const char *reason = NULL;
        gboolean trusted = path_verify(chain, anchors, CERTS_NOW + rows[i].days * CERTS_DAY, &reason);
        cr_expect_eq(trusted, rows[i].reason == NULL, "%s: %s", rows[i].what, reason);
        cr_expect_eq(trusted, reason == NULL, "%s", rows[i].what);
        cr_expect(trusted || strstr(reason, rows[i].reason), "%s: %s", rows[i].what, reason);
        cr_expect_eq(path_verify(chain, anchors, CERTS_NOW + rows[i].days * CERTS_DAY, NULL), trusted);
    }
    world_free(world);
}

Test(path, certificates_without_der_are_passed_over)
{
    struct world *world = world_new();
    g_autoptr(GPtrArray) chain = pick(world, (int[]){LEAF_2, MIDDLE, END});
    g_autoptr(GPtrArray) anchors = pick(world, (int[]){ROOT, END});
    g_autoptr(GPtrArray) nothing = g_ptr_array_new();
    struct audit_cert *listed = audit_cert_new(world->audit);
    const char *reason = NULL;

    listed->subject = "CN=Root";
    g_ptr_array_insert(chain, 1, listed);
    g_ptr_array_insert(anchors, 0, listed);
    cr_expect(path_verify(chain, anchors, CERTS_NOW, NULL));
    g_ptr_array_remove_index(anchors, 1);
    cr_expect_not(path_verify(chain, anchors, CERTS_NOW, &reason));
    g_ptr_array_remove_index(chain, 0);
    cr_expect_not(path_verify(chain, anchors, CERTS_NOW, &reason), "the leaf is one of them");
    cr_expect_str_eq(reason, "the certificate itself is not known");
    cr_expect_not(path_verify(nothing, anchors, CERTS_NOW, NULL));
    world_free(world);
}

/* Names that are equal for OpenSSL and written in another way, or that are too long to be compared by name_key(). */
Test(path, anchors_are_found_by_any_spelling)
{
    g_autofree char *long_name = g_strnfill(9000, 'x');
    g_autofree char *subject = g_strdup_printf("/C=DE/O=%.60s", long_name);
    g_autoptr(GString) deep = g_string_new(NULL);
    for (int i = 0; i < 150; i++)
        g_string_append_printf(deep, "/OU=%.60s", long_name);
    const char *const names[] = {"/C=DE/CN=ROOT  x", subject, deep->str};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autoptr(audit_auto) audit = audit_new();
        struct pool *pool = pool_new(audit);
        g_autoptr(issued_auto) root = certs(.subject = names[i]);
        g_autoptr(issued_auto) renamed = certs(.subject = i == 0 ? "/C=DE/CN=root X" : names[i], .key_of = root);
        g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = renamed, .leaf = TRUE);
        g_autoptr(GPtrArray) chain = g_ptr_array_new(), anchors = g_ptr_array_new();
        g_ptr_array_add(chain, add(pool, leaf));
        g_ptr_array_add(anchors, add(pool, root));
        const char *reason = NULL;
        cr_expect(path_verify(chain, anchors, CERTS_NOW, &reason), "%s: %s", names[i], reason);
        pool_free(pool);
    }
}

Test(path, depth)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    struct issued *issued[PATH_DEPTH + 1];
    g_autoptr(GPtrArray) chain = g_ptr_array_new(), anchors = g_ptr_array_new();
    const char *reason = NULL;

    for (int i = 0; i <= PATH_DEPTH; i++) {
        g_autofree char *name = g_strdup_printf("/CN=Level %d", i);
        issued[i] = certs(.subject = name, .issuer = i ? issued[i - 1] : NULL, .leaf = i >= PATH_DEPTH - 1);
        if (i == PATH_DEPTH) { /* the longest path may have one more CA in it */
            certs_free(issued[i - 1]);
            issued[i - 1] = certs(.subject = "/CN=CA", .issuer = issued[i - 2]);
            certs_free(issued[i]);
            issued[i] = certs(.subject = name, .issuer = issued[i - 1], .leaf = TRUE);
        }
    }
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = issued[PATH_DEPTH - 2], .leaf = TRUE);
    g_ptr_array_add(anchors, add(pool, issued[0]));
    g_ptr_array_add(chain, add(pool, leaf));
    for (int i = PATH_DEPTH - 2; i > 0; i--)
        g_ptr_array_add(chain, add(pool, issued[i]));
    cr_assert_eq(chain->len + anchors->len, PATH_DEPTH);
    cr_expect(path_verify(chain, anchors, CERTS_NOW, &reason), "%s", reason);

    g_ptr_array_insert(chain, 0, add(pool, issued[PATH_DEPTH]));
    chain->pdata[1] = add(pool, issued[PATH_DEPTH - 1]);
    cr_assert_eq(chain->len + anchors->len, PATH_DEPTH + 1);
    cr_expect_not(path_verify(chain, anchors, CERTS_NOW, &reason));
    cr_expect(strstr(reason, "too long"), "%s", reason);
    for (int i = 0; i <= PATH_DEPTH; i++)
        certs_free(issued[i]);
    pool_free(pool);
}

/* Many certificates of one name, each of which could have issued each: it has to end soon. */
Test(path, a_maze_has_an_end)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    g_autoptr(issued_auto) stranger = certs(.subject = "/CN=Maze", .no_key_ids = TRUE);
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = stranger, .leaf = TRUE, .no_key_ids = TRUE);
    g_autoptr(GPtrArray) chain = g_ptr_array_new(), anchors = g_ptr_array_new();

    g_ptr_array_add(chain, add(pool, leaf));
    for (int i = 0; i < 40; i++) {
        g_autoptr(issued_auto) maze = certs(.subject = "/CN=Maze", .no_key_ids = TRUE);
        g_ptr_array_add(i < 30 ? chain : anchors, add(pool, maze));
    }
    cr_expect_not(path_verify(chain, anchors, CERTS_NOW, NULL));
    pool_free(pool);
}

/* What "trusted" means, said in another way than path.c does. */

static gboolean is_valid(const X509 *x509, int64_t at)
{
    time_t time = (time_t)at;
    return X509_cmp_time(X509_get0_notBefore(x509), &time) < 0 && X509_cmp_time(X509_get0_notAfter(x509), &time) > 0;
}

static gboolean leads_to_anchor(const struct world *world, int cert, const gboolean *chain, const gboolean *anchors,
                                int64_t at, int depth)
{
    X509 *x509 = world->issued[cert]->x509;
    if (!is_valid(x509, at) || depth > 6)
        return FALSE;
    if (anchors[cert])
        return TRUE;
    for (int i = 0; i < WORLD_SIZE; i++) {
        X509 *above = world->issued[i]->x509;
        if (i != cert && (chain[i] || anchors[i]) && X509_check_ca(above) &&
            X509_NAME_cmp(X509_get_subject_name(above), X509_get_issuer_name(x509)) == 0 &&
            X509_verify(x509, world->issued[i]->key) == 1 && leads_to_anchor(world, i, chain, anchors, at, depth + 1))
            return TRUE;
    }
    return FALSE;
}

static void write_pem(const char *folder, const char *name, const struct world *world, const GPtrArray *certs)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < certs->len; i++) {
        for (int j = 0; j < WORLD_SIZE; j++) {
            g_autofree char *pem = world->certs[j] == certs->pdata[i] ? certs_pem(world->issued[j]) : NULL;
            if (pem)
                g_string_append(text, pem);
        }
    }
    cr_assert(g_file_set_contents(path, text->str, -1, NULL));
}

/* What the program openssl says. */
static gboolean openssl_verifies(const char *folder, const struct world *world, const GPtrArray *chain,
                                 const GPtrArray *anchors, int64_t at)
{
    g_autoptr(GPtrArray) leaf = g_ptr_array_new();
    g_ptr_array_add(leaf, chain->pdata[0]);
    write_pem(folder, "leaf", world, leaf);
    write_pem(folder, "chain", world, chain);
    write_pem(folder, "anchors", world, anchors);
    g_autofree char *time = g_strdup_printf("%" G_GINT64_FORMAT, at);
    const char *const arguments[] = {"openssl", "verify", "-partial_chain", "-no-CAfile", "-no-CApath", "-no-CAstore",
                                     "-attime", time,     "-trusted",       "anchors",    "-untrusted", "chain",
                                     "leaf",    NULL};
    int status;
    g_autoptr(GError) error = NULL;
    cr_assert(g_spawn_sync(folder, (char **)arguments, NULL,
                           G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
                           NULL, NULL, &status, &error),
              "%s", error ? error->message : "");
    return status == 0;
}

Test(path, agrees_with_others)
{
    struct world *world = world_new();
    GRand *random = g_rand_new_with_seed(20261122);
    g_autofree char *folder = g_dir_make_tmp("trustgap-path-XXXXXX", NULL);
    static const int days[] = {-1001, -20, 0, 0, 0, 1001};
    unsigned trusted = 0, more_than_openssl = 0, asked = 0, openssl_trusted = 0;

    for (int turn = 0; turn < 600; turn++) {
        gboolean in_chain[WORLD_SIZE] = {FALSE}, in_anchors[WORLD_SIZE] = {FALSE};
        g_autoptr(GPtrArray) chain = g_ptr_array_new(), anchors = g_ptr_array_new();
        int leaf = g_rand_int_range(random, MIDDLE, WORLD_SIZE);
        int64_t at = CERTS_NOW + days[g_rand_int_range(random, 0, G_N_ELEMENTS(days))] * CERTS_DAY;

        g_ptr_array_add(chain, world->certs[leaf]);
        for (int i = 0; i < WORLD_SIZE; i++) {
            in_chain[i] = i == leaf || g_rand_int_range(random, 0, 3) > 0;
            in_anchors[i] = g_rand_int_range(random, 0, 4) == 0;
            if (in_chain[i] && i != leaf)
                g_ptr_array_insert(chain, g_rand_int_range(random, 1, (gint)chain->len + 1), world->certs[i]);
            if (in_anchors[i])
                g_ptr_array_add(anchors, world->certs[i]);
        }
        gboolean ours = path_verify(chain, anchors, at, NULL);
        trusted += ours;
        cr_expect_eq(ours, leads_to_anchor(world, leaf, in_chain, in_anchors, at, 0), "turn %d: %d", turn, ours);
        if (turn % 12 == 0 && anchors->len) {
            gboolean theirs = openssl_verifies(folder, world, chain, anchors, at);
            asked++;
            openssl_trusted += theirs;
            more_than_openssl += ours && !theirs;
            cr_expect(ours || !theirs, "turn %d: openssl finds a path", turn);
        }
    }
    cr_expect(trusted > 100 && trusted < 500, "%u", trusted);
    cr_expect_geq(asked, 40);
    cr_expect(openssl_trusted > 5 && openssl_trusted < asked - 5, "%u", openssl_trusted);
    cr_expect_lt(more_than_openssl, asked / 4, "%u", more_than_openssl); /* the price of not turning back */

    static const char *const names[] = {"leaf", "chain", "anchors"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(folder, names[i], NULL);
        g_unlink(path);
    }
    g_rmdir(folder);
    g_rand_free(random);
    world_free(world);
}
