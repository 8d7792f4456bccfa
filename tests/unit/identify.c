/* analyzer/identify: from what a trace prints to a certificate, and how sure that is. */
#include "identify.h"

#include "certs.h"
#include "moment.h"
#include "name.h"

#include <criterion/criterion.h>
#include <openssl/x509v3.h>
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

/* ---- Key identifiers ---- */

/* A listing of ${issued}, self-signed, with this key identifier (NULL: none); SHA-256 stands for all fingerprints. */
static struct audit_cert *list(struct fixture *fixture, const struct issued *issued, const char *key_id)
{
    g_autofree char *subject = name_print(X509_get_subject_name(issued->x509));
    g_autofree char *sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, issued->der);
    g_autoptr(GString) text = g_string_new("PKList:\n");
    enum audit_reading reading;
    const char *reason;

    g_string_append_printf(text, "Subject: %s\nIssuer: %s\n", subject, subject);
    if (key_id)
        g_string_append_printf(text, "Extensions:\n Subject Key Identifier: %s\n", key_id);
    g_string_append_printf(text, "Certificate fingerprint (SHA256): %s\n", sha256);
    const struct audit_list *list = pool_add_listing(fixture->pool, text->str, text->len, 0, &reading, &reason);
    cr_assert(list && list->certs->len == 1, "%s", reason);
    return list->certs->pdata[0];
}

static char *key_id_of(const struct issued *issued)
{
    const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(issued->x509);
    GString *hex = g_string_new(NULL);
    for (int i = 0; i < ASN1_STRING_length(key_id); i++)
        g_string_append_printf(hex, "%02X", ASN1_STRING_get0_data(key_id)[i]);
    return g_string_free(hex, FALSE);
}

Test(identify, a_key_identifier_chooses_among_listings_of_one_name)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root"), *renewed = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *nameless = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = root, .leaf = TRUE);
    g_autofree char *old_key = key_id_of(root), *new_key = key_id_of(renewed);
    show(fixture, leaf);
    list(fixture, renewed, new_key);
    cr_expect_eq(run(fixture, "CN=Root, O=Example")->match, MATCH_NAME, "nothing of the chain is at hand");

    hold(fixture, leaf);
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_NONE, "a root that got a new key is another one");
    cr_expect(strstr(identity->proof, "another key"), "%s", identity->proof);

    struct audit_cert *plain = list(fixture, nameless, NULL);
    identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_NAME, "one of which no key identifier is known may be it");
    cr_expect_eq(identity->cert, plain);

    struct audit_cert *held = list(fixture, root, old_key);
    identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_KEY_ID);
    cr_expect_eq(identity->cert, held);
    cr_expect(
        strstr(identity->proof, "Its name and key identifier are those of the issuer that \"CN=api.example.com\""),
        "%s", identity->proof);

    fixture->failure->missing_cut = TRUE;
    identity = run(fixture, "CN=Roo");
    cr_expect_eq(identity->match, MATCH_KEY_ID, "the certificate below has the whole name");
    cr_expect_eq(identity->cert, held);
    fixture->failure->missing_cut = FALSE;

    hold(fixture, root);
    cr_expect_eq(run(fixture, "CN=Root, O=Example")->match, MATCH_PROVED, "a signature is more");
}

Test(identify, a_key_identifier_with_another_name_is_no_match)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *renamed = ISSUE(.subject = "/O=Example Group/CN=Root", .key_of = root);
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = root, .leaf = TRUE);
    show(fixture, leaf);
    hold(fixture, leaf);
    hold(fixture, renamed);
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_NONE);
    cr_expect(strstr(identity->proof, "with another name, \"CN=Root, O=Example Group\""), "%s", identity->proof);
}

/* ---- Several that heal alike ---- */

Test(identify, which_of_several_is_taken_and_why)
{
    enum { DAYS = 86400 };
    static const struct {
        const char *what;
        struct wish wishes[2]; /* of the same name and key; the first is to be taken */
        int held[2];           /* lists that hold it */
        const char *why;
    } rows[] = {
        {"past its end", {{0}, {.not_after = CERTS_NOW - DAYS}}, {0, 9}, "it is valid, to another certificate"},
        {"not yet valid", {{0}, {.not_before = CERTS_NOW + DAYS}}, {0, 9}, "it is valid, to another certificate"},
        {"held by more", {{0}, {.not_after = CERTS_NOW + 3000 * CERTS_DAY}}, {2, 1}, "more trust lists hold it"},
        {"valid longer", {{.not_after = CERTS_NOW + 3000 * CERTS_DAY}, {0}}, {1, 1}, "it is valid longer"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (int turned = 0; turned < 2; turned++) {
            g_autoptr(fixture_auto) fixture = fixture_new();
            struct issued *key = ISSUE(.subject = "/O=Example/CN=Root"), *made[2];
            struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = key, .leaf = TRUE);
            struct audit_cert *certs[2];
            show(fixture, leaf);
            hold(fixture, leaf);
            for (int j = 0; j < 2; j++) {
                int which = turned ? 1 - j : j;
                struct wish wish = rows[i].wishes[which];
                wish.subject = "/O=Example/CN=Root";
                wish.key_of = key;
                made[which] = issue(fixture, &wish);
                certs[which] = hold(fixture, made[which]);
                for (int k = 0; k < rows[i].held[which]; k++) {
                    struct audit_store *store = audit_store_new(fixture->audit);
                    struct audit_member *member = audit_member_new(fixture->audit);
                    member->list = pool_add_list(fixture->pool, g_bytes_get_data(made[which]->der, NULL),
                                                 g_bytes_get_size(made[which]->der));
                    g_ptr_array_add(store->members, member);
                    g_ptr_array_add(fixture->audit->stores, store);
                }
            }
            const struct identity *identity = run(fixture, "CN=Root, O=Example");
            cr_expect_eq(identity->match, MATCH_PROVED, "%s", rows[i].what);
            cr_expect_eq(identity->cert, certs[0], "%s", rows[i].what);
            cr_expect(strstr(identity->proof, rows[i].why), "%s: %s", rows[i].what, identity->proof);
            cr_expect_eq(strstr(identity->proof, "which heals as well") != NULL, i >= 2, "%s: %s", rows[i].what,
                         identity->proof);
        }
    }
}

Test(identify, a_root_is_preferred_to_its_cross_signed_twin)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *old = ISSUE(.subject = "/O=Old/CN=Old Root"), *root = ISSUE(.subject = "/O=Example/CN=Root");
    struct issued *cross = ISSUE(.subject = "/O=Example/CN=Root", .issuer = old, .key_of = root,
                                 .not_after = CERTS_NOW + 5000 * CERTS_DAY);
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = root, .leaf = TRUE);
    show(fixture, leaf);
    hold(fixture, leaf);
    hold(fixture, cross);
    cr_expect_str_eq(run(fixture, "CN=Root, O=Example")->cert->issuer, "CN=Old Root, O=Old",
                     "if nothing else is there");
    struct audit_cert *held = hold(fixture, root);
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->cert, held);
    cr_expect(strstr(identity->proof, "This one was preferred, since it is a root, to another certificate of the same "
                                      "name and key, which heals as well: the one issued by \"CN=Old Root, O=Old\""),
              "%s", identity->proof);
}

/* As with DST Root CA X3: the peer sends a cross-signed root, and the one above it is over. */
Test(identify, a_root_that_is_over_gives_way_to_the_one_below_it)
{
    for (int over = 0; over < 2; over++) {
        g_autoptr(fixture_auto) fixture = fixture_new();
        struct issued *old =
            ISSUE(.subject = "/O=Old/CN=Old Root", .not_after = CERTS_NOW + (over ? -1 : 1) * CERTS_DAY);
        struct issued *root = ISSUE(.subject = "/O=Example/CN=Root R1");
        struct issued *cross = ISSUE(.subject = "/O=Example/CN=Root R1", .issuer = old, .key_of = root);
        struct issued *middle = ISSUE(.subject = "/O=Example/CN=Issuing", .issuer = root);
        show(fixture, middle);
        show(fixture, cross);
        hold(fixture, middle);
        hold(fixture, cross);
        struct audit_cert *old_cert = hold(fixture, old);
        const struct identity *identity = run(fixture, "CN=Old Root, O=Old");
        cr_expect_eq(identity->cert == old_cert, !over, "the cross-signed one at hand heals until it ends");

        struct audit_cert *held = hold(fixture, root);
        identity = run(fixture, "CN=Old Root, O=Old");
        cr_expect_eq(identity->match, MATCH_PROVED);
        cr_expect_eq(identity->cert, over ? held : old_cert);
        cr_expect_eq(identity->outdated, over ? old_cert : NULL);
        cr_expect_eq(identity->substitute, over);
        cr_expect_eq(strstr(identity->proof, "The root \"CN=Root R1, O=Example\" heals as well") == NULL, over, "%s",
                     identity->proof);
    }
}

/* ---- Many of one name ---- */

Test(identify, many_of_one_name)
{
    g_autoptr(fixture_auto) fixture = fixture_new();
    struct issued *root = ISSUE(.subject = "/O=Example/CN=Root"), *bare = NULL;
    struct issued *leaf = ISSUE(.subject = "/CN=api.example.com", .issuer = root, .leaf = TRUE);
    struct audit_cert *held = hold(fixture, root);
    for (int i = 0; i < IDENTIFY_TRIED + 50; i++)
        hold(fixture, bare = ISSUE(.subject = "/O=Example/CN=Root", .key_of = bare, .no_key_ids = TRUE));
    show(fixture, leaf);
    hold(fixture, leaf);
    const struct identity *identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_PROVED, "the key identifier leads to it at once");
    cr_expect_eq(identity->cert, held);

    g_ptr_array_set_size(fixture->failure->chain, 0);
    struct issued *other = ISSUE(.subject = "/O=Example/CN=Root", .no_key_ids = TRUE);
    struct issued *stranger = ISSUE(.subject = "/CN=b.example.com", .issuer = other, .leaf = TRUE, .no_key_ids = TRUE);
    show(fixture, stranger);
    hold(fixture, stranger);
    identity = run(fixture, "CN=Root, O=Example");
    cr_expect_eq(identity->match, MATCH_AMBIGUOUS, "not all were tried, so nobody knows");
    cr_expect_eq(identity->candidates->len, IDENTIFY_CANDIDATES);
    cr_expect(strstr(identity->proof, "not all could be tried. There are 1051; 100 are listed."), "%s",
              identity->proof);
}

/* ---- Certificates that only a peer has sent ---- */

/* As show(), and the certificate itself. */
static struct audit_link *show_whole(struct fixture *fixture, const struct issued *issued)
{
    struct audit_link *link = show(fixture, issued);
    g_autofree char *sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, issued->der);
    link->sha256 = audit_text(fixture->audit, sha256);
    pool_add_shown(fixture->pool, issued->der, MOMENT_NONE);
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
    struct audit_link links[2] = {
        {.subject = one, .issuer = one, .serial = one, .sha256 = one, .sha1 = one, .md5 = one}, {.subject = one}};
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
