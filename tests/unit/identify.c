/* analyzer/identify: from what a trace prints to a certificate, and how sure that is. */
#include "identify.h"

#include "certs.h"

#include <criterion/criterion.h>
#include <string.h>

struct fixture {
    struct audit *audit;
    struct pool *pool;
    struct audit_failure *failure;
    struct identity identity;
    GPtrArray *issued; /* of struct issued * */
};

static struct fixture *fixture_new(void)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    fixture->audit = audit_new();
    fixture->audit->evaluated = CERTS_NOW;
    fixture->pool = pool_new(fixture->audit);
    fixture->failure = audit_failure_new(fixture->audit);
    fixture->failure->cause = CAUSE_UNTRUSTED_PEER;
    fixture->failure->certainty = CERTAINTY_ISSUER;
    fixture->issued = g_ptr_array_new_with_free_func((GDestroyNotify)certs_free);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    identity_clear(&fixture->identity);
    g_ptr_array_unref(fixture->issued);
    pool_free(fixture->pool);
    audit_free(fixture->audit);
    g_free(fixture);
}

typedef struct fixture fixture_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(fixture_auto, fixture_free)

static struct issued *issue(struct fixture *fixture, const struct wish *wish)
{
    struct issued *issued = certs_issue(wish);
    g_ptr_array_add(fixture->issued, issued);
    return issued;
}

static struct audit_cert *hold(struct fixture *fixture, const struct issued *issued)
{
    return pool_add_der(fixture->pool, g_bytes_get_data(issued->der, NULL), g_bytes_get_size(issued->der), NULL);
}

/* What a trace prints of a certificate; the pool used for it is thrown away, so nobody holds it. */
static struct audit_link *show(struct fixture *fixture, const struct issued *issued)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    const struct audit_cert *cert =
        pool_add_der(pool, g_bytes_get_data(issued->der, NULL), g_bytes_get_size(issued->der), NULL);
    struct audit_link *link = audit_link_new(fixture->audit);
    link->subject = audit_text(fixture->audit, cert->subject);
    link->issuer = audit_text(fixture->audit, cert->issuer);
    link->serial = audit_text(fixture->audit, cert->serial);
    g_ptr_array_add(fixture->failure->chain, link);
    pool_free(pool);
    return link;
}

static const struct identity *run(struct fixture *fixture, const char *missing)
{
    fixture->failure->missing = missing;
    identity_clear(&fixture->identity);
    identify(&fixture->identity, fixture->audit, fixture->pool, fixture->failure);
    cr_expect_eq(fixture->identity.cert == NULL,
                 fixture->identity.match == MATCH_NONE || fixture->identity.match == MATCH_AMBIGUOUS);
    cr_expect_eq(fixture->identity.candidates == NULL, fixture->identity.match != MATCH_AMBIGUOUS);
    return &fixture->identity;
}

#define ISSUE(...) issue(fixture, &(const struct wish){__VA_ARGS__})

Test(identify, a_name_that_one_certificate_has)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct audit_cert *root = hold(fixture, ISSUE(.subject = "/C=DE/O=Example/CN=Root R1"));
    hold(fixture, ISSUE(.subject = "/C=DE/O=Example/CN=Root R2"));
    fixture->failure->certainty = CERTAINTY_NAMED;
    const struct identity *identity = run(fixture, "CN=Root R1, O=Example, C=DE");
    cr_expect_eq(identity->match, MATCH_NAME);
    cr_expect_eq(identity->cert, root);
    cr_expect(g_str_has_prefix(identity->key, "digest "));
}

Test(identify, a_name_that_nobody_has)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    hold(fixture, ISSUE(.subject = "/C=DE/O=Example/CN=Root R1"));
    const struct identity *identity = run(fixture, "CN=Root R9, O=Example, C=DE");
    cr_expect_eq(identity->match, MATCH_NONE);
    cr_expect_null(identity->proof);
    g_autofree char *key = g_strdup(identity->key);
    cr_expect_str_eq(run(fixture, "CN=root  r9,O=EXAMPLE, C=de")->key, key, "the same name in another spelling");
    cr_expect_eq(run(fixture, "Root R1")->match, MATCH_NONE, "a bare CN is no name");
}

Test(identify, several_of_one_name_are_not_chosen_from)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    hold(fixture, ISSUE(.subject = "/O=Example/CN=Root"));
    hold(fixture, ISSUE(.subject = "/O=Example/CN=Root"));
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_AMBIGUOUS);
    cr_expect_eq(identity->candidates->len, 2);
    cr_expect(g_str_has_prefix(identity->key, "name "));
}

Test(identify, several_with_one_key_are_one_ca)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *above = ISSUE(.subject = "/O=Old/CN=Old Root");
    hold(fixture, ISSUE(.subject = "/O=Example/CN=Root", .key_of = root, .issuer = above,
                        .not_after = CERTS_NOW + 3000 * CERTS_DAY));
    struct audit_cert *self_signed = hold(fixture, root);
    hold(fixture, ISSUE(.subject = "/O=Example/CN=Root", .key_of = root, .not_before = CERTS_NOW - 10 * CERTS_DAY,
                        .not_after = CERTS_NOW - CERTS_DAY));
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_NAME);
    cr_expect_eq(identity->cert, self_signed, "the root, not the cross-signed one, not the expired one");
}

Test(identify, what_is_in_date_is_preferred)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *above = ISSUE(.subject = "/O=Old/CN=Old Root");
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root", .not_after = CERTS_NOW - CERTS_DAY);
    struct issued *cross = ISSUE(.subject = "/O=Example/CN=Root", .key_of = root, .issuer = above);
    hold(fixture, root);
    struct audit_cert *in_date = hold(fixture, cross);
    cr_expect_eq(run(fixture, "CN=Root, O=Example")->cert, in_date);
}

Test(identify, a_prefix_lists_what_it_may_be)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    hold(fixture, ISSUE(.subject = "/O=Example/OU=Class 1 Public Primary CA"));
    hold(fixture, ISSUE(.subject = "/O=Example/OU=Class 3 Public Primary CA"));
    fixture->failure->certainty = CERTAINTY_NAMED;
    fixture->failure->missing_cut = TRUE;
    const struct identity *identity = run(fixture, "OU=Class 1 Public Pri");
    cr_expect_eq(identity->match, MATCH_AMBIGUOUS, "one that fits is still not named in full");
    cr_assert_eq(identity->candidates->len, 1);
    cr_expect(g_str_has_prefix(identity->key, "prefix "));
    cr_expect_eq(run(fixture, "OU=Class")->candidates->len, 2);
    cr_expect_eq(run(fixture, "OU=Class 2")->match, MATCH_NONE);
}

Test(identify, the_signature_of_the_certificate_below_proves)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root"), *other = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *middle = ISSUE(.subject = "/O=Example/CN=Issuing", .issuer = root);
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = middle, .leaf = TRUE);
    hold(fixture, other);
    struct audit_cert *wanted = hold(fixture, root);
    hold(fixture, middle);
    show(fixture, leaf);
    show(fixture, middle);
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_PROVED);
    cr_expect_eq(identity->cert, wanted);
    cr_expect(strstr(identity->proof, "CN=Issuing, O=Example"), "%s", identity->proof);
    cr_expect(strstr(identity->proof, "a path to it that is valid at 2026-11-22T00:00:00Z"), "%s", identity->proof);
    cr_expect(strstr(identity->proof, "not at hand"), "the leaf: %s", identity->proof);

    hold(fixture, leaf);
    identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_PROVED);
    cr_expect_not(strstr(identity->proof, "not at hand"), "%s", identity->proof);

    fixture->audit->evaluated = CERTS_NOW + 2000 * CERTS_DAY;
    identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_PROVED, "a signature does not expire");
    cr_expect(strstr(identity->proof, "builds no path to it at 2032-05-14T00:00:00Z: certificate has expired"), "%s",
              identity->proof);
}

Test(identify, a_namesake_that_has_not_signed_is_out)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root"), *other = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *middle = ISSUE(.subject = "/O=Example/CN=Issuing", .issuer = root);
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = middle, .leaf = TRUE);
    hold(fixture, other);
    hold(fixture, leaf);
    show(fixture, leaf);
    const struct identity *identity = run(fixture, "CN=Issuing, O=Example");
    cr_expect_eq(identity->match, MATCH_NONE);
    hold(fixture, middle);
    identity = run(fixture, "CN=Issuing, O=Example");
    cr_expect_eq(identity->match, MATCH_PROVED);

    show(fixture, middle);
    identity = run(fixture, "CN=Root, O=Example");
    cr_expect(identity->substitute, "the intermediate heals where the root is not at hand");
    cr_expect_str_eq(identity->cert->subject, "CN=Issuing, O=Example");
    cr_expect_eq(identity->match, MATCH_PROVED);
}

Test(identify, a_namesake_is_told_of)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root"), *other = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = root, .leaf = TRUE);
    hold(fixture, other);
    hold(fixture, leaf);
    show(fixture, leaf);
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_NONE);
    cr_expect(strstr(identity->proof, "another key"), "%s", identity->proof);
}

Test(identify, a_printed_number_decides)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *one = ISSUE(.subject = "/CN=host.example.com", .leaf = TRUE, .serial = "0A01");
    struct issued *two = ISSUE(.subject = "/CN=host.example.com", .leaf = TRUE, .serial = "0A02");
    struct audit_cert *first = hold(fixture, one);
    fixture->failure->certainty = CERTAINTY_SELF_SIGNED;
    struct audit_link *link = show(fixture, one);
    const struct identity *identity = run(fixture, "CN=host.example.com");
    cr_expect_eq(identity->match, MATCH_SERIAL);
    cr_expect_eq(identity->cert, first);

    link->sha1 = first->sha1;
    cr_expect_eq(run(fixture, "CN=host.example.com")->match, MATCH_FINGERPRINT);

    g_ptr_array_set_size(fixture->failure->chain, 0);
    link = show(fixture, two);
    identity = run(fixture, "CN=host.example.com");
    cr_expect_eq(identity->match, MATCH_NONE, "the peer has a new certificate with the old name");
    cr_expect(strstr(identity->proof, "another number"), "%s", identity->proof);
    cr_expect(g_str_has_suffix(identity->key, " 0A:02"), "%s", identity->key);

    link->serial = NULL;
    cr_expect_eq(run(fixture, "CN=host.example.com")->match, MATCH_NAME, "only the name is printed");
}

Test(identify, the_top_of_a_whole_chain)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *again = ISSUE(.subject = "/O=Example/CN=Root", .key_of = root);
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = root, .leaf = TRUE);
    fixture->failure->certainty = CERTAINTY_SELF_SIGNED;
    show(fixture, leaf);
    show(fixture, root);
    hold(fixture, leaf);
    struct audit_cert *held = hold(fixture, again);
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_PROVED, "another certificate of the same CA, as signatures show");
    cr_expect_eq(identity->cert, held);

    held = hold(fixture, root);
    identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_PROVED);
    cr_expect_eq(identity->cert, held, "the printed one itself");
}

Test(identify, cross_signed_top_heals_by_its_own_root)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *old = ISSUE(.subject = "/O=Old/CN=Old Root"), *root = ISSUE(.subject = "/O=Example/CN=Root R1");
    struct issued *cross = ISSUE(.subject = "/O=Example/CN=Root R1", .issuer = old, .key_of = root);
    struct issued *middle = ISSUE(.subject = "/O=Example/CN=Issuing", .issuer = root);
    show(fixture, middle);
    show(fixture, cross);
    struct audit_cert *held = hold(fixture, root);
    const struct identity *identity = run(fixture, "CN=Old Root, O=Old");
    cr_expect_eq(identity->match, MATCH_NONE, "not proved while the certificate below is not at hand");
    hold(fixture, middle);
    identity = run(fixture, "CN=Old Root, O=Old");
    cr_expect_eq(identity->match, MATCH_PROVED);
    cr_expect_eq(identity->cert, held);
    cr_expect(identity->substitute);

    held = hold(fixture, old);
    identity = run(fixture, "CN=Old Root, O=Old");
    cr_expect_eq(identity->cert, held, "who holds what is asked for needs no substitute");
    cr_expect_not(identity->substitute);
}

Test(identify, a_printed_intermediate_that_is_at_hand_heals)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *middle = ISSUE(.subject = "/O=Example/CN=Issuing", .issuer = root);
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = middle, .leaf = TRUE);
    show(fixture, leaf);
    show(fixture, middle);
    struct audit_cert *held = hold(fixture, middle);
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_SERIAL);
    cr_expect_eq(identity->cert, held);
    cr_expect(identity->substitute);
}

Test(identify, an_issuer_whose_own_issuer_line_is_cut_away)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root"), *other = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = root, .leaf = TRUE);
    show(fixture, leaf);
    struct audit_link *top = show(fixture, root);
    top->issuer = top->serial = NULL;
    hold(fixture, leaf);
    hold(fixture, other);
    struct audit_cert *held = hold(fixture, root);
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_PROVED);
    cr_expect_eq(identity->cert, held);
}

/* ---- Certificates that only a peer has sent ---- */

/* As show(), and the certificate itself. */
static struct audit_link *show_whole(struct fixture *fixture, const struct issued *issued)
{
    struct audit_link *link = show(fixture, issued);
    g_autofree char *sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, issued->der);
    link->sha256 = audit_text(fixture->audit, sha256);
    pool_add_shown(fixture->pool, issued->der);
    pool_take_shown(fixture->pool);
    return link;
}

static const char caution[] = "Nobody holds it: the peer sent it; compare its fingerprint before you import it.";

Test(identify, a_self_signed_certificate_that_the_peer_sent)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *self = ISSUE(.subject = "/CN=host.example.com", .leaf = TRUE);
    fixture->failure->certainty = CERTAINTY_SELF_SIGNED;
    show_whole(fixture, self);
    const struct identity *identity = run(fixture, "CN=host.example.com");
    cr_expect_eq(identity->match, MATCH_FINGERPRINT);
    cr_assert_not_null(identity->cert);
    cr_expect(identity->cert->from_trace && identity->cert->der);
    cr_expect(g_str_has_suffix(identity->proof, caution), "%s", identity->proof);

    hold(fixture, self);
    identity = run(fixture, "CN=host.example.com");
    cr_expect_eq(identity->match, MATCH_FINGERPRINT);
    cr_expect_not(identity->cert->from_trace);
    cr_expect_null(strstr(identity->proof, caution), "somebody holds it: %s", identity->proof);
}

Test(identify, a_root_that_the_peer_sent)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *again = ISSUE(.subject = "/O=Example/CN=Root", .key_of = root);
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = root, .leaf = TRUE);
    fixture->failure->certainty = CERTAINTY_SELF_SIGNED;
    show_whole(fixture, leaf);
    show_whole(fixture, root);
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_PROVED, "that it is the missing one");
    cr_expect(identity->cert->from_trace);
    cr_expect(g_str_has_suffix(identity->proof, caution), "and that proves no trust: %s", identity->proof);

    struct audit_cert *held = hold(fixture, again);
    identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->cert, held, "one that somebody holds and that heals as well is better");
    cr_expect_null(strstr(identity->proof, caution), "%s", identity->proof);
}

Test(identify, the_chain_that_the_peer_sent_proves_who_has_signed_it)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root"), *other = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *middle = ISSUE(.subject = "/O=Example/CN=Issuing", .issuer = root);
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = middle, .leaf = TRUE);
    show_whole(fixture, leaf);
    show_whole(fixture, middle);
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_NONE, "an intermediate that the peer sent is no substitute");

    hold(fixture, other);
    struct audit_cert *held = hold(fixture, root);
    identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_PROVED);
    cr_expect_eq(identity->cert, held);
    cr_expect_not(strstr(identity->proof, "not at hand"), "all of the chain is: %s", identity->proof);
}

Test(identify, what_one_peer_sends_does_not_answer_for_another)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    /* Somebody has sent certificates with the names and numbers of others. */
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root", .serial = "0A01");
    struct issued *middle = ISSUE(.subject = "/O=Example/CN=Issuing", .issuer = root, .serial = "0A02");
    struct issued *false_root = ISSUE(.subject = "/O=Example/CN=Root", .serial = "0A01");
    struct issued *false_middle = ISSUE(.subject = "/O=Example/CN=Issuing", .issuer = false_root, .serial = "0A02");
    show_whole(fixture, false_middle);
    show_whole(fixture, false_root);
    g_ptr_array_set_size(fixture->failure->chain, 0);

    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_NONE, "by name");
    show(fixture, middle);
    cr_expect_eq(run(fixture, "CN=Root, O=Example")->match, MATCH_NONE, "by the signature of a namesake");
    struct audit_link *link = show(fixture, root);
    fixture->failure->certainty = CERTAINTY_SELF_SIGNED;
    cr_expect_eq(run(fixture, "CN=Root, O=Example")->match, MATCH_NONE, "by number");
    fixture->failure->missing_cut = TRUE;
    cr_expect_eq(run(fixture, "CN=Roo")->match, MATCH_NONE, "as a candidate");
    fixture->failure->missing_cut = FALSE;

    struct audit_cert *held = hold(fixture, root);
    identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_SERIAL);
    cr_expect_eq(identity->cert, held);
    g_ptr_array_remove(fixture->failure->chain, link);
    fixture->failure->certainty = CERTAINTY_ISSUER;
    identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_NAME, "the false one does not make it ambiguous");
    cr_expect_eq(identity->cert, held);
}

Test(identify, a_listing_without_fingerprints_is_found_by_its_number)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *self = ISSUE(.subject = "/CN=host.example.com", .leaf = TRUE, .serial = "0A01");
    struct audit_cert *listed = hold(fixture, self);
    fixture->failure->certainty = CERTAINTY_SELF_SIGNED;
    struct audit_link *link = show(fixture, self);
    listed->sha256 = listed->sha1 = listed->md5 = NULL;
    link->sha256 = "00";
    const struct identity *identity = run(fixture, "CN=host.example.com");
    cr_expect_eq(identity->match, MATCH_SERIAL);
    cr_expect_eq(identity->cert, listed);
    listed->sha1 = "11";
    cr_expect_eq(run(fixture, "CN=host.example.com")->match, MATCH_NONE, "it has another fingerprint");
}

Test(identify, keys_of_certificates)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct audit_cert *cert = audit_cert_new(audit);
    cert->issuer = "CN=Root, O=Example";
    cert->serial = "0A:01";
    g_autofree char *by_number = identify_cert(cert);
    cr_expect(g_str_has_prefix(by_number, "serial 0A:01 "), "%s", by_number);
    cert->md5 = "00";
    cert->sha1 = "11";
    g_autofree char *by_sha1 = identify_cert(cert);
    cr_expect_str_eq(by_sha1, "digest 11");
    g_autofree char *text = identify_name("no name", FALSE);
    cr_expect_str_eq(text, "text no name");
}

/* A failure that differs from another one in exactly one of the facts that the answer may depend on, or in none. */
Test(identify, equal_questions_are_equal)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct audit *audit = fixture->audit;
    const char *one = audit_text(audit, "one"), *other = audit_text(audit, "other");
    struct audit_link links[2] = {{one, one, one, FALSE, FALSE, one, one, one}, {.subject = one}};
    struct audit_failure failure = {.missing = one, .certainty = CERTAINTY_NAMED, .chain = g_ptr_array_new()};
    struct {
        const char *what;
        void *at;
        size_t size;
        gboolean asked;
    } rows[] = {
        {"name", &failure.missing, sizeof failure.missing, TRUE},
        {"whether it is cut", &failure.missing_cut, sizeof failure.missing_cut, TRUE},
        {"certainty", &failure.certainty, sizeof failure.certainty, TRUE},
        {"subject", &links[0].subject, sizeof links[0].subject, TRUE},
        {"issuer", &links[0].issuer, sizeof links[0].issuer, TRUE},
        {"serial", &links[0].serial, sizeof links[0].serial, TRUE},
        {"cut subject", &links[0].subject_cut, sizeof links[0].subject_cut, TRUE},
        {"cut issuer", &links[0].issuer_cut, sizeof links[0].issuer_cut, TRUE},
        {"SHA-256", &links[0].sha256, sizeof links[0].sha256, TRUE},
        {"SHA-1", &links[0].sha1, sizeof links[0].sha1, TRUE},
        {"MD5", &links[0].md5, sizeof links[0].md5, TRUE},
        {"subject further up", &links[1].subject, sizeof links[1].subject, TRUE},
        {"peer", &failure.peer, sizeof failure.peer, FALSE},
        {"store", &failure.store_path, sizeof failure.store_path, FALSE},
        {"how often", &failure.count, sizeof failure.count, FALSE},
    };

    g_ptr_array_add(failure.chain, &links[0]);
    g_ptr_array_add(failure.chain, &links[1]);
    g_autoptr(GBytes) question = identify_question(&failure);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree void *before = g_memdup2(rows[i].at, rows[i].size);
        if (rows[i].size == sizeof other)
            memcpy(rows[i].at, &other, sizeof other);
        else
            ++*(int *)rows[i].at;
        g_autoptr(GBytes) changed = identify_question(&failure);
        cr_expect_eq(g_bytes_equal(question, changed), !rows[i].asked, "%s", rows[i].what);
        memcpy(rows[i].at, before, rows[i].size);
        g_autoptr(GBytes) same = identify_question(&failure);
        cr_expect(g_bytes_equal(question, same), "%s", rows[i].what);
    }
    g_ptr_array_set_size(failure.chain, 1);
    g_autoptr(GBytes) shorter = identify_question(&failure);
    cr_expect_not(g_bytes_equal(question, shorter), "a shorter chain");
    g_ptr_array_unref(failure.chain);
}
