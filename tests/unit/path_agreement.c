/*
 * analyzer/path against the program openssl, over small PKIs made at random (always the same ones): what it calls
 * trusted has to be trusted here.  Where only we find a path the program did not turn back, and that is shown: it is
 * given the certificates of this path alone, and has to say yes to them.
 */
#include "path.h"

#include "certs.h"
#include "pool.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <string.h>

#define WORLDS  13
#define ROUNDS  10 /* pairs of a store and a time, per world */
#define ROOTS   6
#define MIDDLES 10
#define LEAVES  8
#define CERTS   (ROOTS + MIDDLES + LEAVES)

struct world {
    struct audit *audit;
    struct pool *pool;
    struct issued *issued[CERTS];
    struct audit_cert *certs[CERTS];
    const char *why[CERTS]; /* what is odd about it */
};

static GRand *dice;
static char *folder;

static gboolean one_in(int sides)
{
    return g_rand_int_range(dice, 0, sides) == 0;
}

/* Something that may be wrong with a CA; mostly nothing. */
static const char *make_odd(struct wish *wish)
{
    switch (g_rand_int_range(dice, 0, 16)) {
    case 0:
        wish->leaf = TRUE;
        return "no CA";
    case 1:
        wish->not_after = CERTS_NOW - 10 * CERTS_DAY;
        return "over";
    case 2:
        wish->not_before = CERTS_NOW + 10 * CERTS_DAY;
        return "not yet valid";
    case 3:
        wish->basic_constraints = "critical,CA:TRUE,pathlen:0";
        return "path length 0";
    case 4:
        wish->name_constraints = "critical,excluded;DNS:example.com";
        return "excludes example.com";
    case 5:
        wish->name_constraints = "critical,permitted;DNS:example.com";
        return "permits example.com";
    case 6:
        wish->key_usage = "critical,digitalSignature";
        return "may not sign certificates";
    case 7:
        wish->bad_signature = TRUE;
        return "wrong signature";
    case 8:
        wish->version_1 = TRUE;
        return "version 1";
    default:
        return "";
    }
}

static const char *const kinds[] = {NULL, NULL, NULL, "RSA:1024", "EC:secp384r1"};

static void make_root(struct world *world, int i)
{
    g_autofree char *name = g_strdup_printf("/O=Example/CN=Root %d", i / 2);
    struct wish wish = {.subject = name, .kind = kinds[g_rand_int_range(dice, 0, G_N_ELEMENTS(kinds))]};
    wish.no_key_ids = one_in(3);
    if (i % 2 && one_in(2))
        wish.key_of = world->issued[i - 1]; /* renewed with its key; else with another one */
    world->why[i] = make_odd(&wish);
    world->issued[i] = certs_issue(&wish);
}

/* Issued by a root or by another intermediate; every second one is a twin of the one before, by another issuer. */
static void make_middle(struct world *world, int i)
{
    gboolean twin = (i - ROOTS) % 2;
    g_autofree char *name = g_strdup_printf("/O=Example/CN=Issuing %d", (i - ROOTS) / 2);
    g_autofree char *root = g_strdup_printf("/O=Example/CN=Root %d", g_rand_int_range(dice, 0, ROOTS / 2));
    struct wish wish = {.subject = one_in(8) ? root : name, /* a cross-signed root, or one that is called so */
                        .issuer = world->issued[g_rand_int_range(dice, 0, one_in(2) ? ROOTS : i)],
                        .kind = kinds[g_rand_int_range(dice, 0, G_N_ELEMENTS(kinds))],
                        .key_of = twin && !one_in(3) ? world->issued[i - 1] : NULL,
                        .no_key_ids = one_in(2)};
    world->why[i] = make_odd(&wish);
    world->issued[i] = certs_issue(&wish);
}

static void make_leaf(struct world *world, int i)
{
    g_autofree char *name = g_strdup_printf("/CN=host%d.example.com", i);
    struct wish wish = {.subject = name,
                        .issuer = world->issued[g_rand_int_range(dice, one_in(4) ? 0 : ROOTS, ROOTS + MIDDLES)],
                        .leaf = TRUE,
                        .no_key_ids = one_in(2)};
    wish.alt_name = one_in(3) ? NULL : one_in(2) ? "DNS:api.example.com" : "DNS:api.example.org";
    world->why[i] = one_in(4) ? make_odd(&wish) : "";
    wish.leaf = TRUE;
    world->issued[i] = certs_issue(&wish);
}

static struct world *world_new(void)
{
    struct world *world = g_new0(struct world, 1);
    world->audit = audit_new();
    world->pool = pool_new(world->audit);
    for (int i = 0; i < CERTS; i++) {
        (i < ROOTS ? make_root : i < ROOTS + MIDDLES ? make_middle : make_leaf)(world, i);
        GBytes *der = world->issued[i]->der;
        world->certs[i] = pool_add_der(world->pool, g_bytes_get_data(der, NULL), g_bytes_get_size(der), NULL);
        cr_assert_not_null(world->certs[i]);
    }
    return world;
}

static void world_free(struct world *world)
{
    for (int i = 0; i < CERTS; i++)
        certs_free(world->issued[i]);
    pool_free(world->pool);
    audit_free(world->audit);
    g_free(world);
}

/* Some of the certificates from ${from} on, in any order. */
static GPtrArray *pick(const struct world *world, int from, int to, int one_of)
{
    GPtrArray *certs = g_ptr_array_new();
    for (int i = from; i < to; i++)
        if (one_in(one_of))
            g_ptr_array_insert(certs, g_rand_int_range(dice, 0, (gint)certs->len + 1), world->certs[i]);
    return certs;
}

/* The program */

/* The path of the file, g_free(). */
static char *write_pem(const char *name, const struct audit_cert *const *certs, guint count)
{
    char *path = g_build_filename(folder, name, NULL);
    BIO *file = BIO_new_file(path, "w");
    for (guint i = 0; i < count; i++) {
        gsize size;
        const unsigned char *der = g_bytes_get_data(certs[i]->der, &size);
        cr_assert(PEM_write_bio(file, PEM_STRING_X509, "", der, (long)size));
    }
    BIO_free(file);
    return path;
}

struct answer {
    gboolean trusted;
    char reason[120];
};

/* What the program prints about ${name}: "NAME: OK", or an error with its reason and "error NAME: ...". */
static struct answer read_answer(const char *name, const char *out, const char *err)
{
    struct answer answer = {.trusted = FALSE};
    g_autofree char *good = g_strdup_printf("%s: OK\n", name), *bad = g_strdup_printf("error %s: ", name);
    const char *end = strstr(err, bad);

    answer.trusted = strstr(out, good) != NULL;
    cr_assert(answer.trusted != (end != NULL), "%s: %s%s", name, out, err);
    static const char mark[] = " depth lookup: ";
    const char *at = end ? g_strrstr_len(err, end - err, mark) : NULL;
    if (at)
        g_strlcpy(answer.reason, at + strlen(mark), MIN(sizeof answer.reason, 1 + strcspn(at + strlen(mark), "\n")));
    return answer;
}

/* Asks about ${count} leaves at once: the same helpers and anchors for all. */
static void ask_openssl(struct answer *answers, struct audit_cert *const *leaves, guint count, const GPtrArray *helpers,
                        const GPtrArray *anchors, int64_t at)
{
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
    const char *const first[] = {"openssl",    "verify",      "-partial_chain", "-no-CAfile",
                                 "-no-CApath", "-no-CAstore", "-attime"};
    g_autofree char *out = NULL, *err = NULL;
    g_autoptr(GError) error = NULL;
    guint begin;

    for (size_t i = 0; i < G_N_ELEMENTS(first); i++)
        g_ptr_array_add(arguments, g_strdup(first[i]));
    g_ptr_array_add(arguments, g_strdup_printf("%" G_GINT64_FORMAT, at));
    g_ptr_array_add(arguments, g_strdup("-trusted"));
    g_ptr_array_add(arguments, write_pem("anchors", (const struct audit_cert *const *)anchors->pdata, anchors->len));
    if (helpers->len > 0) {
        g_ptr_array_add(arguments, g_strdup("-untrusted"));
        g_ptr_array_add(arguments,
                        write_pem("helpers", (const struct audit_cert *const *)helpers->pdata, helpers->len));
    }
    begin = arguments->len;
    for (guint i = 0; i < count; i++) {
        g_autofree char *name = g_strdup_printf("leaf%u", i);
        g_ptr_array_add(arguments, write_pem(name, (const struct audit_cert *const *)&leaves[i], 1));
    }
    g_ptr_array_add(arguments, NULL);
    /* With descriptors left open and no folder to go to GLib need not copy this process, which the sanitizer makes big.
     */
    cr_assert(g_spawn_sync(NULL, (char **)arguments->pdata, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_LEAVE_DESCRIPTORS_OPEN,
                           NULL, NULL, &out, &err, NULL, &error),
              "%s", error ? error->message : "");
    for (guint i = 0; i < count; i++)
        answers[i] = read_answer(arguments->pdata[begin + i], out, err);
}

/* Both ways */

/* Why the program says no where we have a path. */
enum reason {
    TURNED_BACK, /* a name led to several certificates, and it took the wrong one for good */
    OWN_ANCHOR,  /* the leaf is an anchor itself, and it looked for an issuer all the same */
    UNEXPLAINED,
    REASONS
};

struct tally {
    unsigned triples, both_yes, both_no, same_reason, differ[REASONS];
};

static unsigned count_issuers(const GPtrArray *certs, const struct audit_cert *cert)
{
    unsigned count = 0;
    for (guint i = 0; i < certs->len; i++)
        count += g_str_equal(((const struct audit_cert *)certs->pdata[i])->subject, cert->issuer);
    return count;
}

/* Whatever the reason, it must say yes to our path if nothing leads it elsewhere. */
static enum reason explain(const GPtrArray *path, const GPtrArray *all_helpers, const GPtrArray *anchors, int64_t at)
{
    g_autoptr(GPtrArray) helpers = g_ptr_array_new(), anchor = g_ptr_array_new();
    struct answer answer;

    g_ptr_array_add(anchor, path->pdata[path->len - 1]);
    for (guint i = 1; i + 1 < path->len; i++)
        g_ptr_array_add(helpers, path->pdata[i]);
    ask_openssl(&answer, (struct audit_cert *const *)path->pdata, 1, helpers, anchor, at);
    if (!answer.trusted)
        return UNEXPLAINED;
    if (path->len == 1)
        return OWN_ANCHOR;
    for (guint i = 0; i < path->len; i++)
        if (count_issuers(all_helpers, path->pdata[i]) + count_issuers(anchors, path->pdata[i]) > 1)
            return TURNED_BACK;
    return UNEXPLAINED;
}

/* That the path is one: it begins with the leaf, ends in the store, and each has signed the one before. */
static void check_path(const struct world *world, const GPtrArray *path, const GPtrArray *chain,
                       const GPtrArray *anchors)
{
    cr_assert_gt(path->len, 0);
    cr_expect_eq(path->pdata[0], chain->pdata[0]);
    cr_expect(g_ptr_array_find((GPtrArray *)anchors, path->pdata[path->len - 1], NULL));
    for (guint i = 1; i < path->len; i++)
        cr_expect(pool_issued(world->pool, path->pdata[i], path->pdata[i - 1]));
}

static void compare(struct tally *tally, const struct world *world, const GPtrArray *helpers, const GPtrArray *anchors,
                    int64_t at)
{
    struct answer theirs[LEAVES];
    struct audit_cert *const *leaves = world->certs + ROOTS + MIDDLES;

    ask_openssl(theirs, leaves, LEAVES, helpers, anchors, at);
    for (guint i = 0; i < LEAVES; i++) {
        g_autoptr(GPtrArray) chain = g_ptr_array_new(), path = g_ptr_array_new();
        const char *reason = "";
        g_ptr_array_add(chain, leaves[i]);
        g_ptr_array_extend(chain, (GPtrArray *)helpers, NULL, NULL);
        gboolean ours = path_build(pool_signatures(world->pool), path, chain, anchors, at, &reason);
        tally->triples++;
        if (ours)
            check_path(world, path, chain, anchors);
        else
            cr_expect_eq(path->len, 0);
        if (ours == theirs[i].trusted) {
            (*(ours ? &tally->both_yes : &tally->both_no))++;
            tally->same_reason += !ours && strcmp(reason, theirs[i].reason) == 0;
            continue;
        }
        enum reason why = ours ? explain(path, helpers, anchors, at) : UNEXPLAINED;
        tally->differ[why]++;
        if (why == UNEXPLAINED)
            cr_log_error("triple %u: ours %d (%s), theirs %d (%s)", tally->triples, ours, reason, theirs[i].trusted,
                         theirs[i].reason);
    }
}

Test(path_agreement, with_openssl_verify)
{
    static const int days[] = {0, 0, 0, -20, 20, 1001};
    struct tally tally = {0};

    dice = g_rand_new_with_seed(20261122);
    folder = g_dir_make_tmp("trustgap-agreement-XXXXXX", NULL);
    for (int i = 0; i < WORLDS; i++) {
        struct world *world = world_new();
        for (int j = 0; j < ROUNDS; j++) {
            g_autoptr(GPtrArray) helpers = pick(world, 0, ROOTS + MIDDLES, one_in(3) ? 3 : 1);
            g_autoptr(GPtrArray) anchors = pick(world, 0, CERTS, 2 + j % 4);
            int64_t at = CERTS_NOW + days[g_rand_int_range(dice, 0, G_N_ELEMENTS(days))] * CERTS_DAY;
            if (anchors->len > 0)
                compare(&tally, world, helpers, anchors, at);
        }
        world_free(world);
    }
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir)) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_unlink(path);
    }
    g_dir_close(dir);
    g_rmdir(folder);
    g_free(folder);
    g_rand_free(dice);

    unsigned differ = tally.differ[TURNED_BACK] + tally.differ[OWN_ANCHOR];
    cr_log_info(
        "%u triples: both trust %u, neither %u (the same reason for %u), only we: turned back %u, own anchor %u",
        tally.triples, tally.both_yes, tally.both_no, tally.same_reason, tally.differ[TURNED_BACK],
        tally.differ[OWN_ANCHOR]);
    cr_expect_eq(tally.differ[UNEXPLAINED], 0, "%u", tally.differ[UNEXPLAINED]);
    cr_expect_geq(tally.triples, 1000, "%u", tally.triples);
    cr_expect_gt(tally.both_yes, tally.triples / 10, "%u", tally.both_yes);
    cr_expect_gt(tally.both_no, tally.triples / 10, "%u", tally.both_no);
    cr_expect(differ > 0 && differ < tally.triples / 4, "the price of not turning back: %u", differ);
    cr_expect_gt(tally.same_reason, tally.both_no / 2, "%u of %u", tally.same_reason, tally.both_no);
}
