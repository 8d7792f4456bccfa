/* analyzer/proof and anchors_proof: whether an import heals, list by list, as OpenSSL says. */
#include "proof.h"

#include "anchors_need.h"
#include "scene.h"

#include <criterion/criterion.h>
#include <string.h>

struct peer {
    struct issued *root, *middle, *leaf, *other;
};

static void peer_init(struct peer *peer)
{
    peer->root = certs(.subject = "/O=Example/CN=Root R1", .not_after = CERTS_NOW + 500 * CERTS_DAY);
    peer->middle = certs(.subject = "/O=Example/CN=Issuing CA", .issuer = peer->root);
    peer->leaf = certs(.subject = "/CN=api.example.com", .issuer = peer->middle, .leaf = TRUE);
    peer->other = certs(.subject = "/O=Else/CN=Other Root");
}

static void peer_clear(struct peer *peer)
{
    certs_free(peer->root);
    certs_free(peer->middle);
    certs_free(peer->leaf);
    certs_free(peer->other);
}

struct night {
    const struct issued *lists[2][4]; /* of D00 and D01 (another system) */
    const struct issued *known[4];    /* references */
    const char *stamp;                /* of the failures; NULL: none */
    gboolean unread;                  /* the list of D00 */
    int days;                         /* from CERTS_NOW: when it is looked at */
};

static struct audit *live(const struct peer *peer, const struct night *night, const struct audit *previous)
{
    g_autoptr(scene_auto) scene = scene_new();
    static const char *const sids[] = {"PRD", "QAS"};

    for (size_t i = 0; i < G_N_ELEMENTS(night->known) && night->known[i]; i++) {
        g_autofree char *name = g_strdup_printf("%zu.pem", i);
        scene_reference(scene, name, night->known[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(sids); i++) {
        const struct issued *const *list = night->lists[i];
        g_autofree char *name = g_strdup_printf("app0%zu", i);
        g_autofree char *path = g_strdup_printf("/usr/sap/%s/D00/sec/SAPSSLC.pse", sids[i]);
        g_autoptr(GString) text = g_string_new(NULL);
        if (!list[0])
            continue;
        struct capture_host *host = scene_host(scene, name);
        struct capture_instance *instance = scene_instance(host, sids[i], "D00");
        scene_header(text, "1", "785");
        if (night->stamp)
            UNTRUSTED(text, .store = path, .target = "api.example.com", .chain = {peer->leaf, peer->middle},
                      .stamp = night->stamp);
        scene_trace(scene, host, instance, "dev_icm", text->str);
        g_autoptr(GBytes) bytes = certs_join(list[0], list[1], list[1] ? list[2] : NULL, NULL);
        struct capture_store *store = scene_store(scene, host, instance, "SAPSSLC.pse", bytes);
        if (night->unread && i == 0) {
            g_free(store->method);
            store->method = g_strdup("none");
            store->reason = g_strdup("needs-pin");
        }
    }
    return scene_run_at(scene, previous, CERTS_NOW + night->days * CERTS_DAY);
}

#define LIVE(previous, ...) live(&peer, &(const struct night){__VA_ARGS__}, previous)
#define BEFORE              "Sun Nov  1 00:00:00 2026" /* the PSEs are written on the 12th */
#define AFTER               "Sun Nov 15 00:00:00 2026"

static const struct audit_gap *gap_of(const struct audit *audit, const char *label)
{
    const struct audit_finding *finding = scene_finding(audit, FINDING_MISSING_ANCHOR);
    cr_assert_not_null(finding);
    const struct audit_gap *gap = scene_gap(finding, label);
    cr_assert_not_null(gap, "%s", label);
    return gap;
}

#define PRD "PRD SAPSSLC.pse"
#define QAS "QAS SAPSSLC.pse"

Test(proof, a_path_with_the_certificate_in_this_list)
{
    struct peer peer;
    peer_init(&peer);
    g_autoptr(audit_auto) whole =
        LIVE(NULL, .lists = {{peer.other}}, .known = {peer.root, peer.middle, peer.leaf}, .stamp = AFTER);
    const struct audit_gap *gap = gap_of(whole, PRD);
    cr_expect_eq(gap->proof, PROOF_PATH);
    cr_expect_str_eq(gap->path, "Proved: with it in this list OpenSSL builds a path that is valid at "
                                "2026-11-22T00:00:00Z: \"CN=api.example.com\" > \"CN=Issuing CA, O=Example\" > "
                                "\"CN=Root R1, O=Example\".");
    g_autofree char *xml = scene_xml(whole);
    cr_expect(strstr(xml, " proof=\"path\" path=\"Proved: with it in this list"), "%s", xml);

    g_autoptr(audit_auto) half = LIVE(NULL, .lists = {{peer.other}}, .known = {peer.root, peer.middle}, .stamp = AFTER);
    gap = gap_of(half, PRD);
    cr_expect_eq(gap->proof, PROOF_PATH);
    cr_expect(
        strstr(gap->path, ": \"CN=Issuing CA, O=Example\" > \"CN=Root R1, O=Example\". What the peer sends below "),
        "%s", gap->path);

    g_autoptr(audit_auto) unread =
        LIVE(NULL, .lists = {{peer.other}}, .known = {peer.root, peer.middle}, .stamp = AFTER, .unread = TRUE);
    gap = gap_of(unread, PRD);
    cr_expect_eq(gap->basis, BASIS_SEEN_UNREAD);
    cr_expect_eq(gap->proof, PROOF_PATH, "more anchors take no path away");
    cr_expect(g_str_has_prefix(gap->path, "Proved: with it as an anchor OpenSSL"), "%s", gap->path);

    g_autoptr(audit_auto) nothing = LIVE(NULL, .lists = {{peer.other}}, .known = {peer.root}, .stamp = AFTER);
    gap = gap_of(nothing, PRD);
    cr_expect_eq(gap->proof, PROOF_UNKNOWN);
    cr_expect_null(gap->path);
    g_autofree char *bare = scene_xml(nothing);
    cr_expect_null(strstr(bare, " proof=\"unknown\""), "absent is unknown");
    peer_clear(&peer);
}

Test(proof, no_path_even_with_it)
{
    struct peer peer;
    peer_init(&peer);
    g_autoptr(audit_auto) late =
        LIVE(NULL, .lists = {{peer.other}}, .known = {peer.root, peer.middle, peer.leaf}, .stamp = AFTER, .days = 1100);
    const struct audit_gap *gap = gap_of(late, PRD);
    cr_expect_eq(gap->proof, PROOF_NO_PATH);
    cr_expect_str_eq(gap->path, "Not proved: even with it in this list OpenSSL builds no path at "
                                "2029-11-26T00:00:00Z: certificate has expired.");
    cr_expect_eq(scene_finding(late, FINDING_MISSING_ANCHOR)->match, MATCH_PROVED, "which one it is is known");
    peer_clear(&peer);
}

/* The root is over, and the intermediate is not. */
Test(proof, what_is_over_is_not_offered_where_something_else_heals)
{
    struct peer peer;
    peer_init(&peer);
    g_autoptr(audit_auto) late =
        LIVE(NULL, .lists = {{peer.other}}, .known = {peer.root, peer.middle, peer.leaf}, .stamp = AFTER, .days = 600);
    const struct audit_finding *finding = scene_finding(late, FINDING_MISSING_ANCHOR);
    cr_expect_str_eq(finding->cert->subject, "CN=Issuing CA, O=Example");
    cr_expect_str_eq(finding->subject, "CN=Root R1, O=Example");
    cr_expect(strstr(finding->detail,
                     "No valid path leads to \"CN=Root R1, O=Example\" itself, which the trace asks for "
                     "(certificate has expired; its time is 2024-02-26T00:00:00Z to "
                     "2028-04-05T00:00:00Z)."),
              "%s", finding->detail);
    cr_expect(strstr(finding->detail, "It is no root but an intermediate."), "%s", finding->detail);
    cr_expect_null(strstr(finding->detail, "The root is at hand"));
    cr_expect_eq(gap_of(late, PRD)->proof, PROOF_PATH);
    peer_clear(&peer);
}

/* An intermediate was imported in place of the root. */
Test(proof, another_anchor_heals_as_well)
{
    struct peer peer;
    peer_init(&peer);
    g_autoptr(audit_auto) before = LIVE(NULL, .lists = {{peer.other}, {peer.middle, peer.other}},
                                        .known = {peer.root, peer.middle, peer.leaf}, .stamp = AFTER);
    const struct audit_gap *prd = gap_of(before, PRD), *qas = gap_of(before, QAS);
    cr_expect_eq(prd->proof, PROOF_PATH);
    cr_expect_eq(prd->state, STATE_NEW);
    cr_expect_eq(qas->proof, PROOF_HELD, "list by list");
    cr_expect_eq(qas->state, STATE_NEW, "failures are newer than the file");
    cr_expect(g_str_has_prefix(qas->path,
                               "OpenSSL builds a path with the list as it is, valid at "
                               "2026-11-22T00:00:00Z: \"CN=api.example.com\" > \"CN=Issuing CA, O=Example\"."),
              "%s", qas->path);
    cr_expect(strstr(qas->path, "the ICM may not have been told"), "%s", qas->path);

    /* Old failures, and a list that was written after them. */
    g_autoptr(audit_auto) since = LIVE(NULL, .lists = {{peer.other}, {peer.middle, peer.other}},
                                       .known = {peer.root, peer.middle, peer.leaf}, .stamp = BEFORE);
    prd = gap_of(since, PRD);
    qas = gap_of(since, QAS);
    cr_expect_eq(prd->state, STATE_NEW);
    cr_expect_eq(qas->state, STATE_FIXED);
    cr_expect_str_eq(qas->note, "The list holds \"CN=Issuing CA, O=Example\" instead, in the file of "
                                "2026-11-12T00:00:00Z, and nothing has failed since.");
    peer_clear(&peer);
}

Test(proof, the_night_after_a_trace_may_be_silent)
{
    struct peer peer;
    peer_init(&peer);
    g_autoptr(audit_auto) first =
        LIVE(NULL, .lists = {{peer.other}}, .known = {peer.root, peer.middle, peer.leaf}, .stamp = BEFORE);
    cr_expect_eq(gap_of(first, PRD)->proof, PROOF_PATH);
    g_autoptr(audit_auto) silent =
        LIVE(first, .lists = {{peer.other}}, .known = {peer.root, peer.middle, peer.leaf}, .days = 1);
    cr_expect_eq(gap_of(silent, PRD)->state, STATE_OPEN);
    cr_expect_eq(gap_of(silent, PRD)->proof, PROOF_PATH);
    g_autoptr(audit_auto) healed =
        LIVE(first, .lists = {{peer.other, peer.middle}}, .known = {peer.root, peer.middle, peer.leaf}, .days = 1);
    cr_expect_eq(gap_of(healed, PRD)->state, STATE_FIXED);
    cr_expect_eq(gap_of(healed, PRD)->proof, PROOF_HELD);
    peer_clear(&peer);
}

/* Peers with other chains may need the same anchor: the gap tells for how many it heals, up to a limit. */
Test(proof, several_chains)
{
    struct peer peer;
    peer_init(&peer);
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GBytes) list = certs_join(peer.other, NULL);
    struct capture_host *host = scene_host(scene, "app00");
    struct capture_instance *instance = scene_instance(host, "PRD", "D00");
    struct issued *issued[ANCHORS_CHAINS + 3];

    scene_reference(scene, "root.pem", peer.root);
    for (size_t i = 0; i < G_N_ELEMENTS(issued); i++) {
        g_autofree char *name = g_strdup_printf("/CN=host%zu.example.com", i), *file = g_strdup_printf("%zu.pem", i);
        issued[i] =
            certs(.subject = name, .issuer = peer.root, .leaf = TRUE, .not_after = i == 0 ? CERTS_NOW - CERTS_DAY : 0);
        scene_reference(scene, file, issued[i]);
        for (int twice = 0; twice < 2; twice++)
            UNTRUSTED(text, .store = "/usr/sap/PRD/D00/sec/SAPSSLC.pse", .target = name + 4, .chain = {issued[i]},
                      .stamp = AFTER);
    }
    scene_trace(scene, host, instance, "dev_icm", text->str);
    scene_store(scene, host, instance, "SAPSSLC.pse", list);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_gap *gap = gap_of(audit, PRD);
    cr_expect_eq(gap->proof, PROOF_PATH);
    cr_expect(strstr(gap->path, " So it is for 7 of the 8 chains and lists that were tried; further chains were not."),
              "%s", gap->path);
    for (size_t i = 0; i < G_N_ELEMENTS(issued); i++)
        certs_free(issued[i]);
    peer_clear(&peer);
}

Test(proof, questions_have_a_limit)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    struct proofs *proofs = proofs_new(audit, pool);
    enum { FEW = 22 }; /* whose triples are more than PROOF_QUESTIONS */
    struct audit_cert *certs[FEW];
    unsigned unknown = 0;

    audit->evaluated = CERTS_NOW;
    for (int i = 0; i < FEW; i++) {
        g_autofree char *name = g_strdup_printf("/CN=%d", i);
        g_autoptr(issued_auto) issued = certs(.subject = name, .leaf = TRUE);
        certs[i] = pool_add_der(pool, g_bytes_get_data(issued->der, NULL), g_bytes_get_size(issued->der), NULL);
    }
    for (int i = 0; i < FEW * FEW * FEW; i++) {
        g_autoptr(GPtrArray) chain = g_ptr_array_new();
        g_ptr_array_add(chain, certs[i % FEW]);
        g_ptr_array_add(chain, certs[i / FEW % FEW]);
        unknown += proofs_find(proofs, chain, NULL, certs[i / FEW / FEW])->verdict == PROOF_UNKNOWN;
    }
    cr_expect_eq(unknown, FEW * FEW * FEW - PROOF_QUESTIONS);
    cr_assert_eq(audit->warnings->len, 1);
    cr_expect_str_eq(audit->warnings->pdata[0], "more than 10000 different paths: further ones were not tried");
    proofs_free(proofs);
    pool_free(pool);
}

/* The same question is asked once, however many lists there are, and there is a limit. */
Test(proof, questions_are_asked_once)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    struct proofs *proofs = proofs_new(audit, pool);
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) leaf = certs(.subject = "/CN=Leaf", .issuer = root, .leaf = TRUE);
    g_autoptr(issued_auto) other = certs(.subject = "/CN=Other");
    g_autoptr(GPtrArray) chain = g_ptr_array_new(), none = g_ptr_array_new();
    g_autoptr(GBytes) one = certs_join(other, NULL), two = certs_join(other, root, NULL);
    struct audit_list *list = pool_add_list(pool, g_bytes_get_data(one, NULL), g_bytes_get_size(one));
    struct audit_list *full = pool_add_list(pool, g_bytes_get_data(two, NULL), g_bytes_get_size(two));
    struct audit_cert *cert = pool_add_der(pool, g_bytes_get_data(root->der, NULL), g_bytes_get_size(root->der), NULL);
    audit->evaluated = CERTS_NOW;
    g_ptr_array_add(chain, pool_add_der(pool, g_bytes_get_data(leaf->der, NULL), g_bytes_get_size(leaf->der), NULL));

    const struct proof *proof = proofs_find(proofs, chain, list, cert);
    cr_expect_eq(proof->verdict, PROOF_PATH);
    cr_expect_eq(proof->anchor, cert);
    cr_expect_eq(proofs_find(proofs, chain, NULL, cert), proof, "nothing in the list matters");
    cr_expect_eq(proofs_find(proofs, chain, full, cert), proof, "that it holds the certificate is not asked");
    struct audit_cert *wrong = full->certs->pdata[full->certs->pdata[0] == cert];
    proof = proofs_find(proofs, chain, list, wrong);
    cr_expect_eq(proof->verdict, PROOF_NO_PATH);
    cr_expect_null(proof->anchor);
    cr_expect_eq(proofs_find(proofs, chain, full, wrong)->verdict, PROOF_HELD);
    cr_expect_eq(proofs_find(proofs, none, list, cert)->verdict, PROOF_UNKNOWN);
    cr_expect_eq(audit->warnings->len, 0);
    proofs_free(proofs);
    proofs_free(NULL);
    pool_free(pool);
}
