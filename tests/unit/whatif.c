/* analyzer/whatif: who would accept a peer, what heals, what breaks, what another landscape lacks. */
#include "whatif.h"

#include "error.h"
#include "file.h"
#include "moment.h"
#include "path.h"
#include "report.h"
#include "scene.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <string.h>

/*
 * A public key infrastructure with the hard cases: MIDDLE is issued by ROOT, CROSS is the same CA issued by ROOT_2;
 * RENEWED is ROOT's name with another key; OVER is ROOT's name and key, ended.
 */
struct world {
    struct scene *scene;
    struct issued *root, *root_2, *renewed, *over, *middle, *cross, *leaf, *self, *other;
    GPtrArray *files;      /* of char * */
    GPtrArray *references; /* of struct references * */
    char *xml;             /* of the audit */
};

static struct world *world_new(void)
{
    struct world *world = g_new0(struct world, 1);
    world->scene = scene_new();
    world->files = g_ptr_array_new_with_free_func(g_free);
    world->references = g_ptr_array_new_with_free_func((GDestroyNotify)references_free);
    world->root = certs(.subject = "/C=DE/O=Example/CN=Root R1", .no_key_ids = TRUE);
    world->root_2 = certs(.subject = "/C=DE/O=Example/CN=Root R2", .no_key_ids = TRUE);
    world->renewed = certs(.subject = "/C=DE/O=Example/CN=Root R1", .no_key_ids = TRUE);
    world->over = certs(.subject = "/C=DE/O=Example/CN=Root R1", .key_of = world->root,
                        .not_after = CERTS_NOW - 10 * CERTS_DAY, .no_key_ids = TRUE);
    world->middle = certs(.subject = "/C=DE/O=Example/CN=Issuing CA", .issuer = world->root, .no_key_ids = TRUE);
    world->cross = certs(.subject = "/C=DE/O=Example/CN=Issuing CA", .issuer = world->root_2, .key_of = world->middle,
                         .no_key_ids = TRUE);
    world->leaf = certs(.subject = "/CN=api.example.com", .issuer = world->middle, .leaf = TRUE, .no_key_ids = TRUE,
                        .not_after = CERTS_NOW + 100 * CERTS_DAY);
    world->self = certs(.subject = "/CN=printer.example.com", .leaf = TRUE);
    world->other = certs(.subject = "/C=DE/O=Else/CN=Other Root");
    return world;
}

static void world_free(struct world *world)
{
    scene_free(world->scene);
    certs_free(world->root);
    certs_free(world->root_2);
    certs_free(world->renewed);
    certs_free(world->over);
    certs_free(world->middle);
    certs_free(world->cross);
    certs_free(world->leaf);
    certs_free(world->self);
    certs_free(world->other);
    g_ptr_array_unref(world->files);
    g_ptr_array_unref(world->references);
    g_free(world->xml);
    g_free(world);
}

typedef struct world world_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(world_auto, world_free)

/* A file with these certificates in PEM. */
static const char *pem_file(struct world *world, const struct issued *first, ...) G_GNUC_NULL_TERMINATED;

static const char *pem_file(struct world *world, const struct issued *first, ...)
{
    g_autofree char *name = g_strdup_printf("file-%u.pem", world->files->len);
    char *path = g_build_filename(world->scene->folder, name, NULL);
    g_autoptr(GString) text = g_string_new("what stands around does not matter\n");
    va_list args;

    va_start(args, first);
    for (const struct issued *issued = first; issued; issued = va_arg(args, const struct issued *)) {
        g_autofree char *pem = certs_pem(issued);
        g_string_append(text, pem);
    }
    va_end(args);
    cr_assert(g_file_set_contents(path, text->str, -1, NULL));
    g_ptr_array_add(world->files, path);
    return path;
}

/* A PSE of an ABAP system of its own, "S01 SAPSSLC.pse" for ("S01"). */
static struct capture_store *add_store(struct world *world, const char *sid, GBytes *list)
{
    g_autofree char *name = g_strdup_printf("host-%s", sid);
    struct capture_host *host = scene_host(world->scene, name);
    struct capture_store *store =
        scene_store(world->scene, host, scene_instance(host, sid, "D00"), "SAPSSLC.pse", list);
    g_bytes_unref(list);
    return store;
}

static void make_unread(struct capture_store *store)
{
    g_free(store->method);
    store->method = g_strdup("none");
    store->reason = g_strdup("needs-pin");
}

/* As it comes from its file. */
static struct audit *parse(const char *xml)
{
    g_autoptr(GError) error = NULL;
    struct audit *audit = report_parse_xml("audit.xml", xml, strlen(xml), &error);
    g_assert_no_error(error);
    return audit;
}

static struct audit *stored(struct audit *audit)
{
    g_autofree char *xml = scene_xml(audit);
    audit_free(audit);
    return parse(xml);
}

static struct audit *run(struct world *world)
{
    if (!world->xml) {
        g_autoptr(audit_auto) audit = scene_run(world->scene, NULL);
        world->xml = scene_xml(audit);
    }
    return parse(world->xml);
}

/* The same certificates and nothing else. */
static void forget(struct world *world)
{
    scene_free(world->scene);
    world->scene = scene_new();
    g_ptr_array_set_size(world->files, 0);
    g_clear_pointer(&world->xml, g_free);
}

#define LIST(...)       ((const char *const[]){__VA_ARGS__, NULL})
#define ASK(audit, ...) ASK_AT(audit, CERTS_NOW, __VA_ARGS__)
#define ASK_AT(audit, moment, ...)                                                                                     \
    ask(audit, &(const struct whatif_question){                                                                        \
                   .audit_name = "audit.xml", .against_name = "other.xml", .at = (moment), __VA_ARGS__})

static const struct references *refer_to(struct world *world, const char *path)
{
    struct references *references = references_new();
    g_autoptr(GError) error = NULL;

    references_add(references, path, NULL, &error);
    cr_assert_null(error, "%s", error ? error->message : "");
    g_ptr_array_add(world->references, references);
    return references;
}

static struct check *ask(struct audit *audit, const struct whatif_question *question)
{
    g_autoptr(GError) error = NULL;
    struct check *check = whatif_ask(audit, question, &error);
    g_assert_no_error(error);
    cr_assert_not_null(check);
    return check;
}

static const struct check_peer *peer_of(const struct check *check)
{
    cr_assert_eq(check->peers->len, 1);
    return check->peers->pdata[0];
}

/* The verdict that names the store; the first if its files differ. */
static const struct check_verdict *verdict_of(const struct check_peer *peer, const char *label)
{
    for (guint i = 0; i < peer->verdicts->len; i++) {
        const struct check_verdict *verdict = peer->verdicts->pdata[i];
        for (guint j = 0; j < verdict->places->len; j++)
            if (g_str_equal(((const struct check_place *)verdict->places->pdata[j])->store->label, label))
                return verdict;
    }
    cr_assert_fail("nothing is said of %s", label);
    return NULL;
}

static const char *subject(const struct audit_cert *cert)
{
    return cert && cert->subject ? cert->subject : "";
}

static gboolean says(const GPtrArray *notes, const char *text)
{
    for (guint i = 0; i < notes->len; i++)
        if (strstr(notes->pdata[i], text))
            return TRUE;
    return FALSE;
}

static char *sha256_of(const struct issued *issued)
{
    return g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, issued->der);
}

static gboolean is_cert(const struct audit_cert *cert, const struct issued *issued)
{
    g_autofree char *digest = sha256_of(issued);
    return cert && g_strcmp0(cert->sha256, digest) == 0;
}

static json_t *answer_json(const struct check *check)
{
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "answer", NULL), *text = NULL;
    struct file_output *output = file_output_open(path, 0600, NULL);
    json_error_t trouble;
    gsize size;

    cr_assert(report_check_json(output, check, NULL));
    cr_assert(file_output_commit(output, NULL));
    cr_assert(g_file_get_contents(path, &text, &size, NULL));
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &trouble);
    cr_assert_not_null(json, "%s", trouble.text);
    g_remove(path);
    g_rmdir(folder);
    return json;
}

static char *answer_text(const struct check *check)
{
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "answer", NULL);
    struct file_output *output = file_output_open(path, 0600, NULL);
    char *text = NULL;

    report_check_text(output, check);
    cr_assert(file_output_commit(output, NULL));
    cr_assert(g_file_get_contents(path, &text, NULL, NULL));
    g_remove(path);
    g_rmdir(folder);
    return text;
}

Test(whatif, who_accepts_and_what_the_others_need)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->other, world->root, NULL));
    add_store(world, "S02", certs_join(world->other, NULL));
    add_store(world, "S03", certs_join(world->other, world->middle, NULL));
    add_store(world, "S04", certs_join(world->renewed, NULL));
    add_store(world, "S05", certs_join(world->over, NULL));
    make_unread(add_store(world, "S06", certs_join(world->root, NULL)));
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(pem_file(world, world->leaf, world->middle, NULL)));
    const struct check_peer *peer = peer_of(check);

    cr_expect_eq(peer->stores[CHECK_ACCEPTS], 2);
    cr_expect_eq(peer->stores[CHECK_REJECTS], 3);
    cr_expect_eq(peer->stores[CHECK_UNKNOWN], 1);
    cr_expect(check_rejects(check));

    const struct check_verdict *verdict = verdict_of(peer, "S01 SAPSSLC.pse");
    cr_expect_eq(verdict->answer, CHECK_ACCEPTS);
    cr_assert_eq(verdict->anchors->len, 1);
    cr_expect(is_cert(verdict->anchors->pdata[0], world->root));
    cr_assert_eq(verdict->path->len, 3);
    cr_expect(is_cert(verdict->path->pdata[0], world->leaf));
    cr_expect(is_cert(verdict->path->pdata[1], world->middle));
    cr_expect(is_cert(verdict->path->pdata[2], world->root));

    verdict = verdict_of(peer, "S03 SAPSSLC.pse");
    cr_expect_eq(verdict->answer, CHECK_ACCEPTS, "an intermediate is an anchor");
    cr_expect(is_cert(verdict->anchors->pdata[0], world->middle));
    cr_expect_eq(verdict->path->len, 2);

    static const struct {
        const char *label, *reason;
    } rows[] = {
        {"S02 SAPSSLC.pse", "unable to get local issuer certificate"},
        {"S04 SAPSSLC.pse", "certificate signature failure"},
        {"S05 SAPSSLC.pse", "certificate has expired"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        verdict = verdict_of(peer, rows[i].label);
        cr_expect_eq(verdict->answer, CHECK_REJECTS, "%s", rows[i].label);
        cr_expect_str_eq(verdict->reason, rows[i].reason, "%s: %s", rows[i].label, verdict->reason);
        cr_assert_not_null(verdict->import, "%s", rows[i].label);
        cr_expect(is_cert(verdict->import->cert, world->root));
        cr_expect_eq(verdict->import->kind, CHECK_IMPORT_ROOT);
        cr_expect_eq(verdict->import->holders, 1);
        cr_expect_str_eq(verdict->import->holder, "S01 SAPSSLC.pse");
        cr_expect_eq(verdict->import->path->len, 3);
    }
    verdict = verdict_of(peer, "S06 SAPSSLC.pse");
    cr_expect_eq(verdict->answer, CHECK_UNKNOWN);
    cr_expect(strstr(verdict->reason, "not read") && strstr(verdict->reason, "needs-pin"), "%s", verdict->reason);
    cr_expect(is_cert(verdict->import->cert, world->root));
}

Test(whatif, the_time_decides)
{
    static const struct {
        int days;
        enum check_answer s01, s05;
    } rows[] = {
        {0, CHECK_ACCEPTS, CHECK_REJECTS},     {-20, CHECK_ACCEPTS, CHECK_ACCEPTS}, /* the old root was valid */
        {99, CHECK_ACCEPTS, CHECK_REJECTS},    {101, CHECK_REJECTS, CHECK_REJECTS}, /* the leaf has ended */
        {-2000, CHECK_REJECTS, CHECK_REJECTS},
    };
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, NULL));
    add_store(world, "S05", certs_join(world->over, NULL));
    const char *chain = pem_file(world, world->leaf, world->middle, NULL);
    g_autoptr(audit_auto) audit = run(world);

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(check_auto) check = ASK_AT(audit, CERTS_NOW + rows[i].days * CERTS_DAY, .chains = LIST(chain));
        const struct check_peer *peer = peer_of(check);
        cr_expect_eq(verdict_of(peer, "S01 SAPSSLC.pse")->answer, rows[i].s01, "%d days", rows[i].days);
        cr_expect_eq(verdict_of(peer, "S05 SAPSSLC.pse")->answer, rows[i].s05, "%d days", rows[i].days);
        if (rows[i].s01 == CHECK_REJECTS) {
            cr_expect_null(verdict_of(peer, "S01 SAPSSLC.pse")->import, "nothing heals a leaf that has ended");
            cr_expect(says(peer->notes, "No import heals"));
            cr_expect(says(peer->notes, rows[i].days > 0 ? "certificate has expired" : "not yet valid"));
        }
    }
}

Test(whatif, cross_signed)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, NULL));
    add_store(world, "S02", certs_join(world->root_2, NULL));
    const char *one = pem_file(world, world->leaf, world->middle, NULL);
    const char *both = pem_file(world, world->leaf, world->cross, world->middle, NULL);
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(one, both));
    const struct check_peer *first = check->peers->pdata[0], *second = check->peers->pdata[1];

    cr_expect_eq(verdict_of(first, "S01 SAPSSLC.pse")->answer, CHECK_ACCEPTS);
    cr_expect_eq(verdict_of(first, "S02 SAPSSLC.pse")->answer, CHECK_REJECTS);
    cr_expect_eq(second->stores[CHECK_ACCEPTS], 2, "it sends both");
    const struct check_verdict *verdict = verdict_of(second, "S02 SAPSSLC.pse");
    cr_assert_eq(verdict->path->len, 3);
    cr_expect(is_cert(verdict->path->pdata[1], world->cross), "the path that was verified, and not the file's order");
    cr_expect(is_cert(verdict->path->pdata[2], world->root_2));
}

/* What is asked once for each set of anchors is what OpenSSL says of each whole list. */
Test(whatif, each_list_answers_as_if_it_were_verified_alone)
{
    g_autoptr(world_auto) world = world_new();
    const struct issued *certs_of[] = {world->root,   world->root_2, world->renewed, world->over,
                                       world->middle, world->cross,  world->other};
    enum { BITS = G_N_ELEMENTS(certs_of) };
    struct capture_host *host = scene_host(world->scene, "app01");
    for (unsigned set = 0; set < 1U << BITS; set++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        g_autofree char *sid = g_strdup_printf("S%03u", set);
        for (unsigned i = 0; i < BITS; i++)
            if (set >> i & 1)
                g_byte_array_append(bytes, g_bytes_get_data(certs_of[i]->der, NULL),
                                    (guint)g_bytes_get_size(certs_of[i]->der));
        g_autoptr(GBytes) list = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
        scene_store(world->scene, host, scene_instance(host, sid, "D00"), "SAPSSLC.pse", list);
    }
    const char *chains[] = {pem_file(world, world->leaf, NULL),
                            pem_file(world, world->leaf, world->middle, NULL),
                            pem_file(world, world->leaf, world->cross, NULL),
                            pem_file(world, world->leaf, world->middle, world->cross, NULL),
                            pem_file(world, world->leaf, world->middle, world->root, NULL),
                            NULL};
    g_autoptr(audit_auto) audit = run(world);
    static const int days[] = {-20, 0, 120};
    for (size_t day = 0; day < G_N_ELEMENTS(days); day++) {
        int64_t at = CERTS_NOW + days[day] * CERTS_DAY;
        unsigned accepting = 0;
        g_autoptr(check_auto) check = ASK_AT(audit, at, .chains = chains);
        for (guint i = 0; i < check->peers->len; i++) {
            const struct check_peer *peer = check->peers->pdata[i];
            for (unsigned set = 0; set < 1U << BITS; set++) {
                g_autofree char *label = g_strdup_printf("S%03u SAPSSLC.pse", set);
                const struct audit_member *member = scene_find_store(audit, label)->members->pdata[0];
                const struct check_verdict *verdict = verdict_of(peer, label);
                gboolean trusted = path_verify(peer->chain, member->list->certs, at, NULL);
                accepting += trusted;
                cr_expect_eq(verdict->answer, trusted ? CHECK_ACCEPTS : CHECK_REJECTS, "%d days, chain %u, %s",
                             days[day], i, label);
                if (trusted) {
                    cr_assert(verdict->path->len >= 2);
                    cr_expect(audit_list_has(member->list, verdict->path->pdata[verdict->path->len - 1]));
                }
            }
        }
        cr_expect_eq(accepting > 0, days[day] < 100, "%d days: %u", days[day], accepting);
    }
}

Test(whatif, the_peer_does_not_send_its_intermediate)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, NULL));
    add_store(world, "S03", certs_join(world->middle, NULL));
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(pem_file(world, world->leaf, NULL)));
    const struct check_peer *peer = peer_of(check);

    const struct check_verdict *verdict = verdict_of(peer, "S01 SAPSSLC.pse");
    cr_expect_eq(verdict->answer, CHECK_REJECTS);
    cr_expect(is_cert(verdict->import->cert, world->middle));
    cr_expect_eq(verdict->import->kind, CHECK_IMPORT_INTERMEDIATE);
    cr_expect(says(peer->notes, "The peer does not send \"Issuing CA\", so its root \"Root R1\" alone does not heal"));
    cr_expect_null(peer->missing);
    cr_expect_eq(verdict_of(peer, "S03 SAPSSLC.pse")->answer, CHECK_ACCEPTS);
}

Test(whatif, only_an_intermediate_is_known)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S02", certs_join(world->other, NULL));
    const char *chain = pem_file(world, world->leaf, world->middle, NULL);
    const char *reference = pem_file(world, world->root, NULL);
    g_autoptr(audit_auto) audit = run(world);
    {
        g_autoptr(check_auto) check = ASK(audit, .chains = LIST(chain));
        const struct check_peer *peer = peer_of(check);
        const struct check_import *import = verdict_of(peer, "S02 SAPSSLC.pse")->import;
        cr_assert_not_null(import);
        cr_expect(is_cert(import->cert, world->middle));
        cr_expect_eq(import->kind, CHECK_IMPORT_INTERMEDIATE);
        cr_expect(import->sent);
        cr_expect_not(import->vouched, "only the peer says so");
        cr_expect(says(peer->notes, "only an intermediate"));
        cr_expect(says(peer->notes, "Nobody holds \"Root R1\""));
        cr_expect_str_eq(peer->missing, "CN=Root R1, O=Example, C=DE");
        cr_assert_eq(peer->imports->len, 2);
        cr_expect_eq(((const struct check_import *)peer->imports->pdata[1])->kind, CHECK_IMPORT_PEER,
                     "the last resort");
    }
    g_autoptr(audit_auto) again = run(world);
    g_autoptr(check_auto) check = ASK(again, .chains = LIST(chain), .references = refer_to(world, reference));
    const struct check_peer *peer = peer_of(check);
    const struct check_import *import = verdict_of(peer, "S02 SAPSSLC.pse")->import;
    cr_expect(is_cert(import->cert, world->root), "a reference has it");
    cr_expect(import->vouched);
    cr_expect_eq(import->holders, 0);
    cr_expect_null(peer->missing);
    cr_expect_eq(peer->notes->len, 0);
}

Test(whatif, self_signed_and_nothing_known)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->self, NULL));
    add_store(world, "S02", certs_join(world->other, NULL));
    const char *self = pem_file(world, world->self, NULL), *lonely = pem_file(world, world->leaf, NULL);
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(self, lonely));
    const struct check_peer *peer = check->peers->pdata[0];

    cr_expect_eq(verdict_of(peer, "S01 SAPSSLC.pse")->answer, CHECK_ACCEPTS);
    const struct check_verdict *verdict = verdict_of(peer, "S02 SAPSSLC.pse");
    cr_expect_eq(verdict->answer, CHECK_REJECTS);
    cr_expect(is_cert(verdict->import->cert, world->self), "it is its own anchor");
    cr_expect_eq(verdict->import->kind, CHECK_IMPORT_SELF);
    cr_expect_eq(verdict->import->path->len, 1);

    peer = check->peers->pdata[1];
    verdict = verdict_of(peer, "S02 SAPSSLC.pse");
    cr_expect_eq(verdict->import->kind, CHECK_IMPORT_PEER);
    cr_expect(says(peer->notes, "until the peer renews it"));
    cr_expect_str_eq(peer->missing, "CN=Issuing CA, O=Example, C=DE");
}

Test(whatif, files_of_one_system_differ)
{
    g_autoptr(world_auto) world = world_new();
    struct capture_host *app = scene_host(world->scene, "app01"), *more = scene_host(world->scene, "app02");
    g_autoptr(GBytes) with = certs_join(world->root, world->other, NULL), without = certs_join(world->other, NULL);
    scene_store(world->scene, app, scene_instance(app, "PRD", "D00"), "SAPSSLC.pse", with);
    scene_store(world->scene, more, scene_instance(more, "PRD", "D01"), "SAPSSLC.pse", without);
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(pem_file(world, world->leaf, world->middle, NULL)));
    const struct check_peer *peer = peer_of(check);

    cr_assert_eq(peer->verdicts->len, 2);
    for (guint i = 0; i < 2; i++) {
        const struct check_verdict *verdict = peer->verdicts->pdata[i];
        const struct check_place *place = verdict->places->pdata[0];
        cr_expect_eq(verdict->answer, i == 0 ? CHECK_REJECTS : CHECK_ACCEPTS);
        cr_expect_not(place->whole);
        cr_assert_eq(place->members->len, 1);
        cr_expect_str_eq(((const struct audit_member *)place->members->pdata[0])->instance->host->name,
                         i == 0 ? "app02" : "app01");
    }
    cr_expect_eq(peer->stores[CHECK_REJECTS], 1, "the worst counts");
    cr_expect_eq(peer->stores[CHECK_ACCEPTS], 0);
    g_autofree char *text = answer_text(check);
    cr_expect(strstr(text, "PRD (only PRD D01 on app02)"), "%s", text);
    cr_expect(strstr(text, "1. CN=api.example.com"), "%s", text);
}

/* What "sapgenpse maintain_pk -l" has told: a name, no bytes. */
static struct audit_cert *listed(struct audit *audit, const char *name, const struct issued *issued, gboolean digest)
{
    struct audit_cert *cert = audit_cert_new(audit);
    cert->subject = cert->issuer = audit_text(audit, name);
    cert->serial = "0A";
    if (digest) {
        g_autofree char *sha256 = sha256_of(issued);
        cert->sha256 = audit_text(audit, sha256);
    }
    g_ptr_array_add(audit->certs, cert);
    return cert;
}

static void put_into(struct audit *audit, const char *label, struct audit_cert *cert)
{
    struct audit_member *member = scene_find_store(audit, label)->members->pdata[0];
    g_ptr_array_add(member->list->certs, cert);
    member->reading = READING_LISTING;
    audit_sort(audit);
}

Test(whatif, entries_that_are_names_only)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->other, NULL));
    add_store(world, "S02", certs_join(world->self, NULL));
    const char *chain = pem_file(world, world->leaf, world->middle, NULL);
    const char *reference = pem_file(world, world->root, NULL);
    g_autoptr(audit_auto) audit = scene_run(world->scene, NULL);
    struct audit_cert *cert = listed(audit, "CN=Root R1, O=Example, C=DE", world->root, TRUE);
    put_into(audit, "S01 SAPSSLC.pse", cert);
    put_into(audit, "S02 SAPSSLC.pse", listed(audit, "CN=Nothing to do with it", NULL, FALSE));
    g_autoptr(audit_auto) plain = stored(g_steal_pointer(&audit));
    {
        g_autoptr(check_auto) check = ASK(plain, .chains = LIST(chain));
        const struct check_peer *peer = peer_of(check);
        const struct check_verdict *verdict = verdict_of(peer, "S01 SAPSSLC.pse");
        cr_expect_eq(verdict->answer, CHECK_UNKNOWN);
        cr_assert_eq(verdict->named->len, 1);
        cr_expect_str_eq(subject(verdict->named->pdata[0]), "CN=Root R1, O=Example, C=DE");
        cr_expect(strstr(verdict->reason, "name"), "%s", verdict->reason);
        cr_expect_eq(verdict_of(peer, "S02 SAPSSLC.pse")->answer, CHECK_REJECTS, "another name does not matter");
    }
    /* The bytes come from elsewhere, and the listing has their fingerprint. */
    g_autoptr(check_auto) check = ASK(plain, .chains = LIST(chain), .references = refer_to(world, reference));
    cr_expect_eq(verdict_of(peer_of(check), "S01 SAPSSLC.pse")->answer, CHECK_ACCEPTS);
}

Test(whatif, a_listed_name_that_has_ended_does_not_matter)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->other, NULL));
    g_autoptr(audit_auto) audit = scene_run(world->scene, NULL);
    struct audit_cert *cert = listed(audit, "CN=Root R1, O=Example, C=DE", NULL, FALSE);
    cert->not_before = CERTS_NOW - 100 * CERTS_DAY;
    cert->not_after = CERTS_NOW - CERTS_DAY;
    put_into(audit, "S01 SAPSSLC.pse", cert);
    g_autoptr(audit_auto) plain = stored(g_steal_pointer(&audit));
    g_autoptr(check_auto) check = ASK(plain, .chains = LIST(pem_file(world, world->leaf, world->middle, NULL)));
    cr_expect_eq(verdict_of(peer_of(check), "S01 SAPSSLC.pse")->answer, CHECK_REJECTS);
}

/* A peer can send a certificate with the name and number of one that a listing knows without a fingerprint. */
Test(whatif, a_peer_does_not_make_a_listed_name_known)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->other, NULL));
    g_autoptr(issued_auto) fake = certs(.subject = "/CN=Listed", .serial = "0A", .not_before = CERTS_NOW - CERTS_DAY,
                                        .not_after = CERTS_NOW + CERTS_DAY);
    g_autoptr(audit_auto) audit = scene_run(world->scene, NULL);
    struct audit_cert *cert = listed(audit, "CN=Listed", NULL, FALSE);
    cert->not_before = CERTS_NOW - CERTS_DAY;
    cert->not_after = CERTS_NOW + CERTS_DAY;
    put_into(audit, "S01 SAPSSLC.pse", cert);
    g_autoptr(audit_auto) plain = stored(g_steal_pointer(&audit));
    g_autoptr(check_auto) check = ASK(plain, .chains = LIST(pem_file(world, fake, NULL)));
    const struct check_verdict *verdict = verdict_of(peer_of(check), "S01 SAPSSLC.pse");
    cr_expect_eq(verdict->answer, CHECK_UNKNOWN);
    cr_expect_eq(verdict->named->len, 1);
}

Test(whatif, partly_read_lists_accept_but_do_not_reject)
{
    g_autoptr(world_auto) world = world_new();
    g_autoptr(GBytes) good = certs_join(world->root, NULL), bad = certs_join(world->other, NULL);
    for (int i = 0; i < 2; i++) {
        GByteArray *bytes = g_byte_array_new();
        GBytes *list = i == 0 ? good : bad;
        g_byte_array_append(bytes, g_bytes_get_data(list, NULL), (guint)g_bytes_get_size(list));
        g_byte_array_append(bytes, (const guint8 *)"\x30\x03\x02\x01\x01", 5); /* a SEQUENCE, but no certificate */
        add_store(world, i == 0 ? "S01" : "S02", g_byte_array_free_to_bytes(bytes));
    }
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(pem_file(world, world->leaf, world->middle, NULL)));
    cr_expect_eq(verdict_of(peer_of(check), "S01 SAPSSLC.pse")->answer, CHECK_ACCEPTS);
    const struct check_verdict *verdict = verdict_of(peer_of(check), "S02 SAPSSLC.pse");
    cr_expect_eq(verdict->answer, CHECK_UNKNOWN);
    cr_expect(strstr(verdict->reason, "in part"), "%s", verdict->reason);
    cr_expect_not(check_rejects(check));
}

Test(whatif, imports_are_assumed)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, NULL));
    add_store(world, "S02", certs_join(world->other, NULL));
    add_store(world, "S03", certs_join(world->self, NULL));
    make_unread(add_store(world, "S04", certs_join(world->other, NULL)));
    const char *chain = pem_file(world, world->leaf, world->middle, NULL);
    g_autofree char *digest = sha256_of(world->root), *root_2 = g_strconcat(digest, "@S02 *", NULL);
    g_autofree char *root_4 = g_strconcat(digest, "@S04 SAPSSLC.pse", NULL);
    g_autofree char *ended = g_strconcat(pem_file(world, world->over, NULL), "@S03 *", NULL);
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(chain), .imports = LIST(root_2, root_4, ended));
    const struct check_peer *peer = peer_of(check);

    cr_expect_eq(verdict_of(peer, "S02 SAPSSLC.pse")->answer, CHECK_ACCEPTS);
    cr_expect_eq(verdict_of(peer, "S02 SAPSSLC.pse")->before, CHECK_REJECTS);
    cr_expect_eq(verdict_of(peer, "S04 SAPSSLC.pse")->answer, CHECK_ACCEPTS, "whatever else is in the list");
    cr_expect_eq(verdict_of(peer, "S04 SAPSSLC.pse")->before, CHECK_UNKNOWN);
    cr_expect_eq(verdict_of(peer, "S03 SAPSSLC.pse")->answer, CHECK_REJECTS, "it was not imported there");
    cr_expect_eq(verdict_of(peer, "S01 SAPSSLC.pse")->before, CHECK_ACCEPTS);
    cr_expect(says(check->notes, "not valid at the time"));
    cr_expect_eq(peer->mended, 2);
    cr_expect_eq(peer->broken, 0);
    const struct check_assumed *assumed = check->assumed->pdata[0];
    cr_assert_eq(assumed->stores->len, 1);
    cr_expect_str_eq(((const struct audit_store *)assumed->stores->pdata[0])->label, "S02 SAPSSLC.pse");
    cr_expect_eq(((const struct check_assumed *)check->assumed->pdata[1])->unread, 1);
}

Test(whatif, drops_are_assumed)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, NULL));
    add_store(world, "S02", certs_join(world->root, world->middle, NULL));
    add_store(world, "S03", certs_join(world->other, NULL));
    const char *chain = pem_file(world, world->leaf, world->middle, NULL), *root = pem_file(world, world->root, NULL);
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(chain), .drops = LIST(root));
    const struct check_peer *peer = peer_of(check);
    const struct check_verdict *verdict = verdict_of(peer, "S01 SAPSSLC.pse");

    cr_expect_eq(verdict->answer, CHECK_REJECTS);
    cr_expect_eq(verdict->before, CHECK_ACCEPTS);
    cr_expect(is_cert(verdict->import->cert, world->middle), "the dropped one is no remedy");
    cr_expect_eq(verdict_of(peer, "S02 SAPSSLC.pse")->answer, CHECK_ACCEPTS, "another anchor is left");
    cr_expect_eq(verdict_of(peer, "S03 SAPSSLC.pse")->before, CHECK_REJECTS);
    cr_expect_eq(peer->broken, 1);
    cr_expect_eq(((const struct check_assumed *)check->assumed->pdata[0])->stores->len, 2);
    cr_expect(says(check->notes, "An audit knows peers from failed connections only"));
}

Test(whatif, certificates_by_their_names)
{
    static const struct {
        const char *what, *name;
        gboolean found;
        const char *message; /* of those that are not */
    } rows[] = {
        {"its CN", "Other Root", TRUE, NULL},
        {"its subject", "CN=Other Root, O=Else, C=DE", TRUE, NULL},
        {"in other letters", "other ROOT", TRUE, NULL},
        {"a part of the subject", "O=Else", TRUE, NULL},
        {"the whole of one and a part of another", "Issuing CA", TRUE, NULL},
        {"two of one name", "Root R1", FALSE, "2 certificates have this name"},
        {"a part of several", "Example", FALSE, "certificates have this name; give the fingerprint of one: "},
        {"none", "Root R9", FALSE, "no certificate of the audit has this name"},
        {"nothing", "", FALSE, "no certificate of the audit has this name"},
    };
    g_autoptr(world_auto) world = world_new();
    struct issued *longer = certs(.subject = "/O=Example/CN=Issuing CA 2");
    add_store(world, "S01", certs_join(world->root, world->renewed, world->middle, world->other, longer, NULL));
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) audit = run(world), again = run(world);
        g_autofree char *import = g_strconcat(rows[i].name, "@S01 *", NULL);
        const struct whatif_question questions[] = {{.drops = LIST(rows[i].name)}, {.imports = LIST(import)}};
        for (size_t j = 0; j < G_N_ELEMENTS(questions); j++) {
            g_autoptr(GError) error = NULL;
            g_autoptr(check_auto) check = NULL;
            if (j == 1 && !*rows[i].name)
                continue;
            check = whatif_ask(j ? again : audit, &questions[j], &error);
            cr_expect_eq(check != NULL, rows[i].found, "%s: %s", rows[i].what, error ? error->message : "");
            cr_expect(rows[i].found || strstr(error->message, rows[i].message), "%s: %s", rows[i].what, error->message);
            cr_expect(!error || !strchr(error->message, '\n'));
        }
    }
    certs_free(longer);
}

Test(whatif, own_certificates_below_a_dropped_root)
{
    g_autoptr(world_auto) world = world_new();
    struct issued *ended = certs(.subject = "/CN=old.example.com", .issuer = world->root, .leaf = TRUE,
                                 .not_after = CERTS_NOW - CERTS_DAY, .no_key_ids = TRUE);
    struct issued *elsewhere = certs(.subject = "/CN=x.example.com", .issuer = world->renewed, .leaf = TRUE);
    const struct issued *const own[] = {world->leaf, world->leaf, ended, elsewhere, world->self, NULL};
    for (int i = 0; i < 6; i++) {
        g_autofree char *sid = g_strdup_printf("S0%d", i);
        struct capture_store *store = add_store(world, sid, certs_join(world->middle, world->root, NULL));
        if (own[i])
            store->own = scene_object(world->scene, g_bytes_get_data(own[i]->der, NULL), g_bytes_get_size(own[i]->der));
    }
    const char *root = pem_file(world, world->root, NULL), *root_2 = pem_file(world, world->root_2, NULL);
    g_autoptr(audit_auto) audit = run(world), again = run(world);
    g_autoptr(check_auto) check = ASK(audit, .drops = LIST(root)), none = ASK(again, .drops = LIST(root_2));
    const struct check_assumed *assumed = check->assumed->pdata[0];

    cr_assert_eq(assumed->own->len, 2, "those below a root of the same name and another key are not among them");
    const struct check_own *first = assumed->own->pdata[0], *second = assumed->own->pdata[1];
    cr_expect(is_cert(first->cert, world->leaf), "over an intermediate");
    cr_expect_eq(first->stores->len, 2);
    cr_expect(is_cert(second->cert, ended), "whatever its end");
    cr_expect_eq(((const struct check_assumed *)none->assumed->pdata[0])->own->len, 0);
    g_autofree char *text = answer_text(check);
    cr_expect(strstr(text, "2 own certificates lead to it"), "%s", text);
    certs_free(ended);
    certs_free(elsewhere);
}

/* Stores of a client, a server, another use, and one of which the name tells nothing, on one host. */
Test(whatif, a_chain_is_asked_of_the_stores_of_clients)
{
    static const char *const files[] = {"SAPSSLC.pse", "SAPSSLDFAULT.pse", "SAPSSLS.pse", "SAPSYS.pse", "own.pse"};
    static const struct {
        const char *what;
        enum whatif_side side;
        const char *store; /* --store */
        unsigned asked;
        const char *note;
    } rows[] = {
        {"clients", WHATIF_CLIENT, NULL, 3,
         "Only the trust stores of clients were asked about the chain; 2 others were"},
        {"servers", WHATIF_SERVER, NULL, 1,
         "Only the trust stores of servers were asked about the chain; 4 others were"},
        {"all", WHATIF_ALL, NULL, 5, NULL},
        {"one that is named", WHATIF_CLIENT, "SAPSYS.pse", 1, NULL},
        {"several that are named", WHATIF_CLIENT, "*", 5, NULL},
    };
    g_autoptr(world_auto) world = world_new();
    struct capture_host *host = scene_host(world->scene, "web01");
    struct capture_instance *w20 = scene_instance(host, "WEB", "W20");
    g_autoptr(GBytes) list = certs_join(world->other, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        scene_store(world->scene, host, w20, files[i], list);
    const char *chain = pem_file(world, world->leaf, world->middle, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) audit = run(world);
        g_autoptr(check_auto) check = ASK(audit, .chains = LIST(chain), .side = rows[i].side,
                                          .stores = rows[i].store ? LIST(rows[i].store) : NULL);
        cr_expect_eq(peer_of(check)->stores[CHECK_REJECTS], rows[i].asked, "%s", rows[i].what);
        cr_expect(rows[i].note ? says(check->notes, rows[i].note) : check->notes->len == 0, "%s", rows[i].what);
    }
}

Test(whatif, where_no_store_is_of_a_client_all_are_asked)
{
    g_autoptr(world_auto) world = world_new();
    struct capture_host *host = scene_host(world->scene, "web01");
    g_autoptr(GBytes) list = certs_join(world->other, NULL);
    scene_store(world->scene, host, scene_instance(host, "WEB", "W20"), "SAPSSLS.pse", list);
    const char *chain = pem_file(world, world->leaf, world->middle, NULL);
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(chain));
    cr_expect_eq(peer_of(check)->stores[CHECK_REJECTS], 1);
    cr_expect(says(check->notes, "no trust store of clients, so all were asked"));
}

/* PRD calls the peer and lacks its root; QAS holds the root, INT the intermediate. */
struct failing {
    GBytes *list;               /* of PRD, taken over */
    const struct issued *other; /* a second peer's own certificate; NULL: there is none */
    gboolean no_store;          /* the trace does not name the PSE */
    gboolean short_chain;       /* the peer sends its own certificate only */
    gboolean nobody;            /* neither QAS nor INT hold anything */
    gboolean namesake;          /* QAS holds the other root of that name, too */
    gboolean again;             /* a second system calls the same peer */
};

static void add_failing(struct world *world, const struct failing *failing, const char *sid)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *name = g_strdup_printf("app-%s", sid);
    g_autofree char *path = g_strdup_printf("/usr/sap/%s/D00/sec/SAPSSLC.pse", sid);
    struct capture_host *host = scene_host(world->scene, name);
    struct capture_instance *d00 = scene_instance(host, sid, "D00");
    const char *store = failing->no_store ? NULL : path;

    scene_header(text, "1", "785");
    UNTRUSTED(text, .store = store, .target = "api.example.com", .peer = "192.0.2.7:443",
              .chain = {world->leaf, failing->short_chain ? NULL : world->middle}, .stamp = "Sun Nov  1 00:00:00 2026",
              .times = 3);
    if (failing->other)
        UNTRUSTED(text, .store = store, .target = "www.example.com", .peer = "192.0.2.8:443", .chain = {failing->other},
                  .stamp = "Sun Nov  1 00:00:00 2026");
    scene_trace(world->scene, host, d00, "dev_icm", text->str);
    scene_store(world->scene, host, d00, "SAPSSLC.pse", failing->list);
}

static struct audit *fail(struct world *world, const struct failing *failing, const struct audit *previous)
{
    add_failing(world, failing, "PRD");
    if (failing->again)
        add_failing(world, failing, "ANO");
    g_bytes_unref(failing->list);
    if (!failing->nobody) {
        add_store(world, "INT", certs_join(world->middle, NULL));
        add_store(world, "QAS", certs_join(world->root, failing->namesake ? world->renewed : NULL, NULL));
    }
    return stored(scene_run(world->scene, previous));
}

#define FAIL(world, previous, ...) fail(world, &(const struct failing){__VA_ARGS__}, previous)

static struct audit *run_failing(struct world *world, GBytes *list, const struct audit *previous)
{
    return FAIL(world, previous, .list = list);
}

Test(whatif, imports_heal_gaps)
{
    static const struct {
        const char *what;
        gboolean middle; /* import the intermediate, and not the root */
        const char *pattern;
        guint effects, open;
        enum check_effect_kind kind;
    } rows[] = {
        {"the root of the finding", FALSE, "PRD *", 1, 0, CHECK_HEALED},
        {"everywhere", FALSE, "*", 1, 0, CHECK_HEALED},
        {"by file", FALSE, "SAPSSLC.pse", 1, 0, CHECK_HEALED},
        {"elsewhere", FALSE, "QAS *", 0, 1, CHECK_HEALED},
        {"the intermediate, which OpenSSL verifies", TRUE, "PRD *", 1, 0, CHECK_HEALED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(world_auto) world = world_new();
        g_autofree char *digest = sha256_of(rows[i].middle ? world->middle : world->root);
        g_autofree char *import = g_strdup_printf("%s@%s", digest, rows[i].pattern);
        g_autoptr(audit_auto) audit = run_failing(world, certs_join(world->other, NULL), NULL);
        g_autoptr(check_auto) check = ASK(audit, .imports = LIST(import));
        cr_assert_eq(check->effects->len, rows[i].effects, "%s: %u", rows[i].what, check->effects->len);
        cr_expect_eq(check->open_gaps, rows[i].open, "%s", rows[i].what);
        cr_expect_eq(check_rejects(check), rows[i].open > 0, "%s", rows[i].what);
        if (rows[i].effects == 0)
            continue;
        const struct check_effect *effect = check->effects->pdata[0];
        cr_expect_eq(effect->kind, rows[i].kind, "%s", rows[i].what);
        cr_expect_str_eq(effect->gap->store->label, "PRD SAPSSLC.pse");
        cr_expect_str_eq(effect->note,
                         rows[i].middle ? "OpenSSL verifies with it what the audit has of the peers' "
                                          "chains; certificates below that are not known to it."
                                        : "It is the certificate of the finding, which was identified "
                                          "by: proved.",
                         "%s", rows[i].what);
    }
}

Test(whatif, a_certificate_that_has_nothing_to_do_with_it_heals_nothing)
{
    g_autoptr(world_auto) world = world_new();
    g_autofree char *import = g_strdup_printf("%s@*", pem_file(world, world->self, NULL));
    g_autofree char *renewed = g_strdup_printf("%s@*", pem_file(world, world->renewed, NULL));
    g_autoptr(audit_auto) audit = run_failing(world, certs_join(world->other, NULL), NULL);
    {
        g_autoptr(check_auto) check = ASK(audit, .imports = LIST(import));
        cr_expect_eq(check->effects->len, 0);
        cr_expect_eq(check->open_gaps, 1);
    }
    /* Its name is the right one, and its key is not: of the chain the audit has the intermediate only. */
    g_autoptr(check_auto) check = ASK(audit, .imports = LIST(renewed));
    cr_assert_eq(check->effects->len, 1);
    cr_expect_eq(((const struct check_effect *)check->effects->pdata[0])->kind, CHECK_PERHAPS);
    cr_expect_eq(check->open_gaps, 1);
}

Test(whatif, a_drop_breaks_what_was_observed)
{
    g_autoptr(world_auto) world = world_new();
    g_autofree char *digest = sha256_of(world->root);
    g_autoptr(audit_auto) first = run_failing(world, certs_join(world->other, NULL), NULL);
    {
        g_autoptr(check_auto) check = ASK(first, .drops = LIST(digest));
        cr_assert_eq(check->effects->len, 1);
        cr_expect_eq(((const struct check_effect *)check->effects->pdata[0])->kind, CHECK_SOURCELESS);
        cr_assert_eq(check->observed->len, 1, "the failure shows a peer that QAS would accept");
        const struct check_peer *peer = check->observed->pdata[0];
        cr_expect(peer->observed);
        cr_expect(peer->leaf_unknown, "the trace does not print the certificates");
        cr_expect_str_eq(peer->name, "api.example.com");
        cr_assert_eq(peer->callers->len, 1);
        cr_expect_str_eq(((const struct audit_store *)peer->callers->pdata[0])->label, "PRD SAPSSLC.pse");
        cr_expect(says(peer->notes, "Without what is dropped nobody holds \"Root R1\""));
        cr_assert_eq(peer->verdicts->len, 1, "only what changes");
        cr_expect_eq(verdict_of(peer, "QAS SAPSSLC.pse")->answer, CHECK_REJECTS);
        cr_expect_eq(peer->broken, 1);
        cr_expect(check_rejects(check));
    }
    /* The night after the import. */
    g_autoptr(GBytes) list = certs_join(world->other, world->root, NULL);
    forget(world);
    g_autoptr(audit_auto) second = run_failing(world, g_steal_pointer(&list), first);
    g_autoptr(check_auto) check = ASK(second, .drops = LIST(digest));
    cr_assert_eq(check->effects->len, 1);
    const struct check_effect *effect = check->effects->pdata[0];
    cr_expect_eq(effect->kind, CHECK_REOPENED);
    cr_expect_str_eq(effect->gap->store->label, "PRD SAPSSLC.pse");
}

static const struct check_effect *only_effect(const struct check *check)
{
    cr_assert_eq(check->effects->len, 1, "%u effects", check->effects->len);
    return check->effects->pdata[0];
}

Test(whatif, an_import_that_may_heal)
{
    static const struct {
        const char *what;
        struct failing failing;
        enum { ROOT, MIDDLE, RENEWED } import;
        const char *note;
    } rows[] = {
        {"the PSE is not known", {.no_store = TRUE}, ROOT, "does not say in which PSE"},
        {"nobody has any of the chain", {.short_chain = TRUE, .nobody = TRUE}, MIDDLE, "cannot be verified"},
        {"the finding has candidates", {.short_chain = TRUE, .namesake = TRUE}, RENEWED, "candidates"},
        {"one peer of two, who lack the same", {.nobody = TRUE}, MIDDLE, "1 of the 2 failures"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(world_auto) world = world_new();
        g_autoptr(issued_auto) direct = certs(.subject = "/CN=direct", .issuer = world->root, .leaf = TRUE);
        struct failing failing = rows[i].failing;
        failing.list = certs_join(world->other, NULL);
        if (i == 2) { /* a peer whose issuer's name two certificates have */
            certs_free(world->leaf);
            world->leaf = certs(.subject = "/CN=api.example.com", .issuer = world->root, .leaf = TRUE);
        }
        if (i == 3)
            failing.other = direct;
        const struct issued *import_of[] = {world->root, world->middle, world->renewed};
        g_autoptr(audit_auto) audit = fail(world, &failing, NULL);
        g_autofree char *import = g_strdup_printf("%s@*", pem_file(world, import_of[rows[i].import], NULL));
        g_autoptr(check_auto) check = ASK(audit, .imports = LIST(import));
        const struct check_effect *effect = only_effect(check);
        cr_expect_eq(effect->kind, CHECK_PERHAPS, "%s", rows[i].what);
        cr_expect(strstr(effect->note, rows[i].note), "%s: %s", rows[i].what, effect->note);
        cr_expect_eq(check->open_gaps, 1, "%s", rows[i].what);
        json_decref(answer_json(check));
        free(answer_text(check));
    }
}

Test(whatif, what_else_the_list_holds_counts_for_a_drop)
{
    static const struct {
        const char *what;
        gboolean middle, renewed;
        guint effects;
        enum check_effect_kind kind;
    } rows[] = {
        {"nothing", FALSE, FALSE, 1, CHECK_REOPENED},
        {"the intermediate", TRUE, FALSE, 0, CHECK_REOPENED},
        {"another certificate of that name", FALSE, TRUE, 1, CHECK_PERHAPS},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(world_auto) world = world_new();
        g_autofree char *digest = sha256_of(world->root);
        g_autoptr(audit_auto) first = run_failing(world, certs_join(world->other, NULL), NULL);
        forget(world);
        GBytes *list = rows[i].middle    ? certs_join(world->root, world->middle, NULL)
                       : rows[i].renewed ? certs_join(world->root, world->renewed, NULL)
                                         : certs_join(world->root, NULL);
        g_autoptr(audit_auto) second = run_failing(world, list, first);
        g_autoptr(check_auto) check = ASK(second, .drops = LIST(digest));
        cr_assert_eq(check->effects->len, rows[i].effects, "%s: %u", rows[i].what, check->effects->len);
        if (rows[i].effects)
            cr_expect_eq(only_effect(check)->kind, rows[i].kind, "%s: %s", rows[i].what, only_effect(check)->note);
    }
}

Test(whatif, several_systems_are_seen_to_call_a_peer)
{
    g_autoptr(world_auto) world = world_new();
    g_autofree char *digest = sha256_of(world->root);
    g_autoptr(audit_auto) audit = FAIL(world, NULL, .list = certs_join(world->other, NULL), .again = TRUE);
    g_autoptr(check_auto) check = ASK(audit, .drops = LIST(digest));
    cr_assert_eq(check->observed->len, 1);
    const struct check_peer *peer = check->observed->pdata[0];
    cr_assert_eq(peer->callers->len, 2);
    cr_expect_str_eq(((const struct audit_store *)peer->callers->pdata[0])->label, "ANO SAPSSLC.pse");
    cr_expect_str_eq(((const struct audit_store *)peer->callers->pdata[1])->label, "PRD SAPSSLC.pse");
    g_autofree char *text = answer_text(check);
    cr_expect(strstr(text, "seen to call  SAPSSLC.pse, 2 stores: ANO, PRD"), "%s", text);
}

Test(whatif, the_text_stays_short)
{
    g_autoptr(world_auto) world = world_new();
    g_autoptr(GBytes) list = certs_join(world->other, NULL);
    for (int i = 0; i < 40; i++) {
        g_autofree char *sid = g_strdup_printf("S%02d", i);
        struct capture_host *host = scene_host(world->scene, sid);
        struct capture_instance *instance = scene_instance(host, sid, "D00");
        scene_store(world->scene, host, instance, "SAPSSLC.pse", list);
        scene_store(world->scene, host, instance, "SAPSSLA.pse", list);
    }
    make_unread(add_store(world, "X01", certs_join(world->other, NULL)));
    g_autoptr(audit_auto) audit = scene_run(world->scene, NULL);
    g_autofree char *import = g_strdup_printf("%s@X01 *", pem_file(world, world->self, NULL));
    struct audit_cert *named = listed(audit, "CN=Issuing CA, O=Example, C=DE", NULL, FALSE);
    put_into(audit, "S00 SAPSSLA.pse", named);
    g_autoptr(audit_auto) plain = stored(g_steal_pointer(&audit));
    const char *chain = pem_file(world, world->leaf, world->middle, NULL), *self = pem_file(world, world->self, NULL);
    const char *reference = pem_file(world, world->root, NULL);
    g_autoptr(check_auto) check = ASK(plain, .chains = LIST(chain, self), .imports = LIST(import),
                                      .references = refer_to(world, reference), .stores = LIST("S*", "X01 *"));
    g_autofree char *text = answer_text(check);
    static const char *const parts[] = {
        "0 trust stores would reject it, 0 would accept it, of 81 it is",
        "S08, S09, S10, S11 and 28 more\n                SAPSSLC.pse, 40 stores: S00, S01,",
        "by name only  CN=Issuing CA, O=Example, C=DE\n",
        "file-3.pem\n", /* of the reference that has the root */
        "proof         1. CN=api.example.com\n                2. CN=Issuing CA",
        "Accepted by 1 trust store, of which it is not known now",
        "(the peer's own certificate, which is self-signed",
        "of 1 it is not known, since the list was not, or not wholly,",
        "The assumed imports leave no gap of the audit open.",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        cr_expect(strstr(text, parts[i]), "%s: %s", parts[i], text);
    cr_expect_lt(strlen(text), 8000);
}

Test(whatif, limits)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, NULL));
    const char *one = pem_file(world, world->leaf, NULL);
    g_autoptr(GString) many = g_string_new(NULL);
    g_autofree char *pem = certs_pem(world->leaf), *import = g_strconcat(one, "@*", NULL);
    const char *chains[WHATIF_CHAINS + 2] = {NULL}, *imports[WHATIF_CHANGES + 2] = {NULL};

    for (int i = 0; i <= WHATIF_CHAIN; i++)
        g_string_append(many, pem);
    const char *longest = pem_file(world, world->leaf, NULL);
    for (int more = 0; more < 2; more++) {
        g_autoptr(audit_auto) audit = run(world);
        g_autoptr(GError) error = NULL;
        cr_assert(g_file_set_contents(longest, many->str, (gssize)(many->len - (more ? 0 : strlen(pem))), NULL));
        for (int i = 0; i < WHATIF_CHAINS + more; i++)
            chains[i] = one;
        for (int i = 0; i < WHATIF_CHANGES + more; i++)
            imports[i] = import;
        const struct whatif_question questions[] = {
            {.chains = LIST(longest)}, {.chains = chains}, {.imports = imports}};
        for (size_t i = 0; i < G_N_ELEMENTS(questions); i++) {
            g_autoptr(audit_auto) asked = run(world);
            g_autoptr(check_auto) check = whatif_ask(asked, &questions[i], &error);
            cr_expect_eq(check == NULL, more == 1, "%zu", i);
            cr_expect_eq(error == NULL, more == 0, "%zu", i);
            if (error)
                cr_expect(strstr(error->message, "more than 64"), "%s", error->message);
            g_clear_error(&error);
        }
    }
}

Test(whatif, a_drop_of_what_nobody_needs_breaks_nothing)
{
    g_autoptr(world_auto) world = world_new();
    g_autofree char *digest = sha256_of(world->other);
    g_autoptr(audit_auto) audit = run_failing(world, certs_join(world->other, NULL), NULL);
    g_autoptr(check_auto) check = ASK(audit, .drops = LIST(digest));
    cr_expect_eq(check->effects->len, 0);
    cr_expect_eq(check->observed->len, 0);
    cr_expect_not(check_rejects(check));
    cr_expect_eq(((const struct check_assumed *)check->assumed->pdata[0])->stores->len, 1);
}

Test(whatif, stores_can_be_chosen)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, NULL));
    add_store(world, "S02", certs_join(world->other, NULL));
    const char *chain = pem_file(world, world->leaf, world->middle, NULL);
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(chain), .stores = LIST("S01 *"));
    cr_expect_eq(peer_of(check)->stores[CHECK_ACCEPTS], 1);
    cr_expect_eq(peer_of(check)->stores[CHECK_REJECTS], 0);
    cr_expect_not(check_rejects(check));
}

Test(whatif, what_another_landscape_lacks)
{
    g_autoptr(world_auto) world = world_new(), target_world = world_new();
    g_autoptr(audit_auto) source = NULL;
    add_store(world, "S01", certs_join(world->self, world->over, world->root_2, NULL));
    add_store(world, "S02", certs_join(world->self, world->root_2, NULL));
    struct capture_host *web = scene_host(world->scene, "web01");
    g_autoptr(GBytes) nothing = certs_join(world->other, NULL);
    scene_store(world->scene, web, scene_instance(web, "WEB", "W20"), "SAPSSLS.pse", nothing);
    source = run_failing(world, certs_join(world->other, NULL), NULL);

    add_store(target_world, "T01", certs_join(world->other, world->root_2, NULL));
    add_store(target_world, "T02", certs_join(world->root_2, world->self, world->other, world->renewed, NULL));
    make_unread(add_store(target_world, "T03", certs_join(world->other, NULL)));
    g_autoptr(audit_auto) target = run(target_world);
    g_autoptr(check_auto) check = ASK(source, .against = target);

    static const struct {
        const char *subject;
        uint64_t connections;
        unsigned sources, lacking, holding, namesakes;
        gboolean ended;
    } rows[] = {
        {"CN=Root R1, O=Example, C=DE", 3, 1, 2, 0, 1, FALSE}, /* a failure shows that it is used */
        {"CN=printer.example.com", 0, 2, 1, 1, 0, FALSE},
        {"CN=Issuing CA, O=Example, C=DE", 0, 1, 2, 0, 0, FALSE},
        {"CN=Root R1, O=Example, C=DE", 0, 1, 2, 0, 1, TRUE}, /* ended: last */
    };
    cr_assert_eq(check->needs->len, G_N_ELEMENTS(rows), "%u", check->needs->len);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct check_need *need = check->needs->pdata[i];
        cr_expect_str_eq(need->file, "SAPSSLC.pse");
        cr_expect_str_eq(subject(need->cert), rows[i].subject, "%zu: %s", i, subject(need->cert));
        cr_expect_eq(need->connections, rows[i].connections, "%zu", i);
        cr_expect_eq(need->sources, rows[i].sources, "%zu", i);
        cr_expect_eq(need->lacking->len, rows[i].lacking, "%zu", i);
        cr_expect_eq(need->holding, rows[i].holding, "%zu", i);
        cr_expect_eq(need->namesakes, rows[i].namesakes, "%zu", i);
        cr_expect_eq(need->ended, rows[i].ended, "%zu", i);
        cr_expect_eq(need->unknown->len, 1, "T03 was not read");
    }
    cr_assert_eq(check->unmatched->len, 1);
    cr_expect_str_eq(check->unmatched->pdata[0], "SAPSSLS.pse");
    cr_expect(says(check->notes, "SAPSSLC.pse: of 1 of the 3 stores of the target landscape"));
    cr_expect(check_rejects(check));
}

/* PRD here and PRD there are one system: it has to hold what it held, and not what others hold. */
Test(whatif, a_system_is_compared_with_itself)
{
    g_autoptr(world_auto) world = world_new(), target_world = world_new();
    add_store(world, "S01", certs_join(world->root, world->self, NULL));
    add_store(world, "S02", certs_join(world->other, NULL));
    g_autoptr(audit_auto) source = run(world);
    add_store(target_world, "S01", certs_join(world->self, NULL));
    add_store(target_world, "S02", certs_join(world->other, NULL));
    add_store(target_world, "NEW", certs_join(world->other, NULL));
    g_autoptr(audit_auto) target = run(target_world);
    g_autoptr(check_auto) check = ASK(source, .against = target);

    cr_assert_eq(check->needs->len, 2);
    const struct check_need *root = NULL, *self = NULL;
    for (guint i = 0; i < 2; i++) {
        const struct check_need *need = check->needs->pdata[i];
        if (is_cert(need->cert, world->root))
            root = need;
        else
            self = need;
    }
    cr_assert(root && self && is_cert(self->cert, world->self));
    cr_assert_eq(root->lacking->len, 2);
    cr_expect_str_eq(((const struct audit_store *)root->lacking->pdata[0])->label, "NEW SAPSSLC.pse");
    cr_expect_str_eq(((const struct audit_store *)root->lacking->pdata[1])->label, "S01 SAPSSLC.pse");
    cr_assert_eq(self->lacking->len, 1);
    cr_expect_str_eq(((const struct audit_store *)self->lacking->pdata[0])->label, "NEW SAPSSLC.pse");
    cr_expect_eq(self->holding, 1);
}

Test(whatif, a_landscape_lacks_nothing_in_comparison_with_itself)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, world->other, NULL));
    g_autoptr(audit_auto) source = run(world);
    g_autofree char *xml = scene_xml(source);
    g_autoptr(audit_auto) target = parse(xml);
    g_autoptr(check_auto) check = ASK(source, .against = target);
    cr_expect_eq(check->needs->len, 0);
    cr_expect_not(check_rejects(check));
}

Test(whatif, what_is_wrong_is_told)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, NULL));
    const char *good = pem_file(world, world->leaf, NULL), *two = pem_file(world, world->leaf, world->middle, NULL);
    g_autofree char *empty = g_build_filename(world->scene->folder, "empty.pem", NULL);
    g_autofree char *broken = g_build_filename(world->scene->folder, "broken.pem", NULL);
    g_autofree char *no_store = g_strconcat(good, "@XYZ *", NULL), *two_at = g_strconcat(two, "@*", NULL);
    cr_assert(g_file_set_contents(empty, "nothing\n", -1, NULL));
    cr_assert(
        g_file_set_contents(broken, "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n", -1, NULL));
    const struct {
        struct whatif_question question;
        enum trustgap_error code;
        const char *begin, *text;
    } rows[] = {
        {{.chains = LIST(empty)}, TRUSTGAP_ERROR_SYNTAX, empty, "no certificate in it"},
        {{.chains = LIST(broken)}, TRUSTGAP_ERROR_SYNTAX, broken, "1 of 1 certificates could not be read"},
        {{.chains = LIST("/nowhere/x.pem")}, TRUSTGAP_ERROR_MISSING, "/nowhere/x.pem: ", ""},
        {{.chains = LIST(world->scene->folder)}, TRUSTGAP_ERROR_MISSING, world->scene->folder, "folder"},
        {{.drops = LIST("0000000000000000000000000000000000000000")}, TRUSTGAP_ERROR_USAGE, "--drop: 0000", "audit"},
        {{.drops = LIST("Nobody CA")}, TRUSTGAP_ERROR_MISSING, "--drop: Nobody CA: ", "no certificate of the audit"},
        {{.drops = LIST(two)}, TRUSTGAP_ERROR_USAGE, "--drop: ", "2 certificates"},
        {{.imports = LIST(good)}, TRUSTGAP_ERROR_USAGE, "--import: ", "CERT@STORE"},
        {{.imports = LIST(no_store)}, TRUSTGAP_ERROR_USAGE, "--import: XYZ *: ", "no such store"},
        {{.imports = LIST(two_at)}, TRUSTGAP_ERROR_USAGE, "--import: ", "2 certificates"},
        {{.chains = LIST(good), .stores = LIST("XYZ")}, TRUSTGAP_ERROR_USAGE, "--store: XYZ: ", "no such store"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) audit = run(world);
        g_autoptr(GError) error = NULL;
        cr_assert_null(whatif_ask(audit, &rows[i].question, &error), "row %zu", i);
        cr_assert_not_null(error);
        cr_expect(g_error_matches(error, TRUSTGAP_ERROR, (int)rows[i].code), "%zu: %s", i, error->message);
        cr_expect(g_str_has_prefix(error->message, rows[i].begin), "%s", error->message);
        cr_expect(strstr(error->message, rows[i].text), "%s", error->message);
    }
}

Test(whatif, an_audit_that_lies_about_a_certificate_is_refused)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, NULL));
    const char *chain = pem_file(world, world->leaf, NULL);
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(GError) error = NULL;
    struct audit_cert *cert = audit->certs->pdata[0];
    struct whatif_question question = {.audit_name = "audit.xml", .chains = LIST(chain), .at = CERTS_NOW};

    cert->sha256 = "00";
    cr_assert_null(whatif_ask(audit, &question, &error));
    cr_expect_str_eq(error->message, "audit.xml: certificate c1: its SHA-256 is not that of its bytes");
    g_clear_error(&error);
    g_bytes_unref(cert->der);
    cert->der = g_bytes_new_static("0", 1);
    cr_assert_null(whatif_ask(audit, &question, &error));
    cr_expect_str_eq(error->message, "audit.xml: certificate c1: cannot be read");
}

Test(whatif, der_and_reversed_chains)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->middle, NULL));
    g_autofree char *path = g_build_filename(world->scene->folder, "leaf.der", NULL);
    gsize size;
    const char *bytes = g_bytes_get_data(world->leaf->der, &size);
    cr_assert(g_file_set_contents(path, bytes, (gssize)size, NULL));
    const char *reversed = pem_file(world, world->middle, world->leaf, NULL);
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(path, reversed));
    const struct check_peer *peer = check->peers->pdata[0];
    cr_expect_eq(peer->stores[CHECK_ACCEPTS], 1);
    cr_expect_not(says(peer->notes, "reversed"));
    cr_expect(says(((const struct check_peer *)check->peers->pdata[1])->notes, "reversed"));
}

Test(whatif, the_json_says_it_all)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, NULL));
    add_store(world, "S02", certs_join(world->other, NULL));
    make_unread(add_store(world, "S03", certs_join(world->other, NULL)));
    g_autoptr(audit_auto) audit = run(world);
    g_autofree char *digest = sha256_of(world->root);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(pem_file(world, world->leaf, world->middle, NULL)));
    json_t *json = answer_json(check), *peer = json_array_get(json_object_get(json, "peers"), 0);

    cr_expect_str_eq(json_string_value(json_object_get(json, "format")), "trustgap check 1");
    cr_expect_str_eq(json_string_value(json_object_get(json, "at")), "2026-11-22T00:00:00Z");
    cr_expect(json_is_true(json_object_get(json, "rejects")));
    cr_expect(json_is_null(json_object_get(json, "against")));
    json_t *stores = json_object_get(peer, "stores");
    cr_expect_eq(json_integer_value(json_object_get(stores, "rejects")), 1);
    cr_expect_eq(json_integer_value(json_object_get(stores, "accepts")), 1);
    cr_expect_eq(json_integer_value(json_object_get(stores, "unknown")), 1);
    json_t *verdicts = json_object_get(peer, "verdicts"), *first = json_array_get(verdicts, 0);
    cr_assert_eq(json_array_size(verdicts), 3);
    cr_expect_str_eq(json_string_value(json_object_get(first, "answer")), "rejects");
    cr_expect_str_eq(json_string_value(json_object_get(first, "import")), digest);
    json_t *place = json_array_get(json_object_get(first, "stores"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(place, "store")), "S02 SAPSSLC.pse");
    cr_expect(json_is_null(json_object_get(place, "members")), "all of them");
    json_t *import = json_array_get(json_object_get(peer, "imports"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(import, "kind")), "root");
    cr_expect_eq(json_array_size(json_object_get(import, "path")), 3);
    g_autofree char *pem = certs_pem(world->root);
    cr_expect_str_eq(json_string_value(json_object_get(import, "pem")), pem);
    json_decref(json);
}

Test(whatif, the_same_question_gives_the_same_bytes)
{
    g_autoptr(world_auto) world = world_new();
    add_store(world, "S01", certs_join(world->root, world->middle, NULL));
    add_store(world, "S02", certs_join(world->other, NULL));
    add_store(world, "S03", certs_join(world->other, world->over, NULL));
    const char *chain = pem_file(world, world->leaf, world->middle, world->cross, NULL);
    g_autoptr(audit_auto) audit = scene_run(world->scene, NULL);
    g_autofree char *xml = scene_xml(audit), *answers[2] = {NULL, NULL};

    for (int i = 0; i < 2; i++) {
        g_autoptr(audit_auto) again = parse(xml);
        g_autoptr(check_auto) check = ASK(again, .chains = LIST(chain));
        json_t *json = answer_json(check);
        answers[i] = json_dumps(json, 0);
        json_decref(json);
    }
    cr_expect_str_eq(answers[0], answers[1]);
    free(answers[0]);
    free(answers[1]);
    answers[0] = answers[1] = NULL;
}

/* Thousands of roots of one name, and each store with another set of them. */
Test(whatif, many_of_one_name_end_in_time)
{
    g_autoptr(world_auto) world = world_new();
    g_autoptr(GPtrArray) roots = g_ptr_array_new_with_free_func((GDestroyNotify)certs_free);
    for (int i = 0; i < 200; i++)
        g_ptr_array_add(roots, certs(.subject = "/C=DE/O=Example/CN=Root R1", .no_key_ids = TRUE));
    for (int i = 0; i < 20; i++) {
        g_autofree char *sid = g_strdup_printf("S%02d", i);
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        for (guint j = 0; j < roots->len; j++) {
            const struct issued *issued = j == (guint)i * 7 && i % 2 ? world->root : roots->pdata[j];
            g_byte_array_append(bytes, g_bytes_get_data(issued->der, NULL), (guint)g_bytes_get_size(issued->der));
        }
        add_store(world, sid, g_byte_array_free_to_bytes(g_steal_pointer(&bytes)));
    }
    g_autoptr(audit_auto) audit = run(world);
    g_autoptr(check_auto) check = ASK(audit, .chains = LIST(pem_file(world, world->leaf, world->middle, NULL)));
    cr_expect_eq(peer_of(check)->stores[CHECK_ACCEPTS], 10, "%u", peer_of(check)->stores[CHECK_ACCEPTS]);
    cr_expect_eq(peer_of(check)->stores[CHECK_REJECTS], 10);
    cr_expect_not_null(verdict_of(peer_of(check), "S00 SAPSSLC.pse")->import);
}
