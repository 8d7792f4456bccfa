/* analyzer/policy, demands, strength, waivers: what a policy says, what is found with it, who lives with it until when.
 */
#include "policy_parse.h"

#include "demands.h"
#include "error.h"
#include "moment.h"
#include "scene.h"
#include "strength.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <openssl/objects.h>
#include <string.h>

#define DAY CERTS_DAY

static struct policy *parse(const char *text, GError **error)
{
    /* Of exactly this size, so that ASan sees one byte more. */
    size_t size = strlen(text);
    g_autofree char *copy = g_memdup2(text, size);
    return policy_parse("policy.ini", NULL, copy, size, error);
}

/* Parsing. */

#define WAIVER "[waiver w]\nkind=drift\nsid=PRD\n"
#define WHO    "owner=o\nreason=r\nuntil=2027-01-31\n"

Test(policy, errors_have_their_lines)
{
    static const struct {
        const char *what, *text, *message;
    } rows[] = {
        {"no section", "own-days=3\n", "policy.ini:1: \"own-days\" stands before the first [section]"},
        {"unknown section", "# a\n\n[expiries]\nx=y\n",
         "policy.ini:3: \"expiries\" is no section of a policy (expiry, strength, trust-lists, required NAME, "
         "distrusted "
         "NAME, waiver NAME)"},
        {"a name where none belongs", "[expiry x]\n",
         "policy.ini:1: \"expiry x\" is no section of a policy (expiry, "
         "strength, trust-lists, required NAME, distrusted NAME, waiver NAME)"},
        {"unknown key", "[expiry]\nown-days=3\nown-weeks=1\n", "policy.ini:3: \"own-weeks\" is no key of [expiry]"},
        {"a key of another section", "[expiry]\nowner=a\n", "policy.ini:2: \"owner\" is no key of [expiry]"},
        {"a key in a language", "[waiver w]\nkind=drift\nsid=a\nowner[de]=a\n" WHO,
         "policy.ini:4: \"owner[de]\" is no key of [waiver w]"},
        {"key twice", "[expiry]\nown-days=3\n# c\nown-days=3\n",
         "policy.ini:4: \"own-days\" stands twice in [expiry], the first is in line 2"},
        {"section twice", "[expiry]\nown-days=3\n[strength]\n[expiry]\nnothing=1\n",
         "policy.ini:4: the section \"expiry\" stands twice, the first is in line 1"},
        {"named section twice", WAIVER WHO WAIVER WHO,
         "policy.ini:7: the section \"waiver w\" stands twice, the first is in line 1"},
        {"no line at all", "[expiry]\nthirty days\n",
         "policy.ini:2: \"thirty days\" is neither [section] nor key=value; comments begin with #"},
        {"a comment of another kind", "; x\n",
         "policy.ini:1: \"; x\" is neither [section] nor key=value; comments begin with #"},
        {"a section without an end", "[expiry\n",
         "policy.ini:1: \"[expiry\" is neither [section] nor key=value; comments begin with #"},
        {"no value", "[expiry]\nown-days=\n", "policy.ini:2: own-days: has no value"},
        {"no list", "[required r]\ncertificates=a\ntier=\n", "policy.ini:3: tier: has no value"},
        {"an empty value", "[required r]\ncertificates=a\ntier=b;;c\n", "policy.ini:3: tier: has an empty value"},
        {"a wrong escape", "[required r]\ncertificates=a\ntier=\\d\n",
         "policy.ini:3: tier: a backslash stands before a character that needs none"},
        {"no number", "[expiry]\nown-days=30d\n", "policy.ini:2: own-days: \"30d\" is no number from 0 to 36500"},
        {"below", "[expiry]\nown-days=-1\n", "policy.ini:2: own-days: \"-1\" is no number from 0 to 36500"},
        {"above", "[expiry]\nanchor-percent=101\n", "policy.ini:2: anchor-percent: \"101\" is no number from 0 to 100"},
        {"curve", "[strength]\ncurves=P-256;P-255\n",
         "policy.ini:2: curves: \"P-255\" is no curve that OpenSSL knows (prime256v1, P-384, ED25519, ...)"},
        {"something that is no curve", "[strength]\ncurves=RSA-SHA1\n",
         "policy.ini:2: curves: \"RSA-SHA1\" is no curve that OpenSSL knows (prime256v1, P-384, ED25519, ...)"},
        {"digest", "[strength]\nrefused-digests=SHA0\n",
         "policy.ini:2: refused-digests: \"SHA0\" is no digest that OpenSSL knows (SHA1, MD5, ...)"},
        {"choice", "[trust-lists]\nend-entities=yes\n",
         "policy.ini:2: end-entities: \"yes\" is neither report nor allow"},
        {"severity", "[strength]\nseverity=bad\n",
         "policy.ini:2: severity: \"bad\" is none of info, low, medium, high, critical"},
        {"kind of instance", "[required r]\ncertificates=a\nkind=abap;windows\n",
         "policy.ini:3: kind: \"windows\" is none of abap, central, java, webdisp, hana, hostagent, other"},
        {"rule without certificates", "\n[distrusted d]\ntier=a\n",
         "policy.ini:2: [distrusted d]: has no certificates"},
        {"waiver without owner", WAIVER "reason=r\nuntil=2027-01-31\n", "policy.ini:1: [waiver w]: has no owner"},
        {"waiver without reason", WAIVER "owner=o\nuntil=2027-01-31\n", "policy.ini:1: [waiver w]: has no reason"},
        {"waiver without end", WAIVER "owner=o\nreason=r\n", "policy.ini:1: [waiver w]: has no until"},
        {"waiver with an empty owner", WAIVER "owner= \nreason=r\nuntil=2027-01-31\n",
         "policy.ini:4: owner: has no value"},
        {"waiver of nothing", "[waiver w]\n" WHO,
         "policy.ini:1: [waiver w]: neither finding nor kind says what is waived"},
        {"waiver of a kind", "[waiver w]\nkind=drift\n" WHO,
         "policy.ini:1: [waiver w]: a whole kind cannot be waived; certificate, store, sid or host has to narrow it"},
        {"waiver of two things", "[waiver w]\nfinding=0123456789abcdef\nsid=a\n" WHO,
         "policy.ini:1: [waiver w]: finding says it all; kind, certificate, store, sid and host cannot stand beside "
         "it"},
        {"id", "[waiver w]\nfinding=0123456789ABCDEF\n" WHO,
         "policy.ini:2: finding: \"0123456789ABCDEF\" is no id of a finding (16 hex digits)"},
        {"kind of finding", "[waiver w]\nkind=drifts\nsid=a\n" WHO,
         "policy.ini:2: kind: \"drifts\" is no kind of finding"},
        {"fingerprint", "[waiver w]\nkind=expired\ncertificate=00:11\n" WHO,
         "policy.ini:3: certificate: \"00:11\" is neither a SHA-256 nor a SHA-1 fingerprint"},
        {"a day that is none", WAIVER "owner=o\nreason=r\nuntil=2027-02-29\n",
         "policy.ini:6: until: \"2027-02-29\" is no day such as 2027-01-31"},
        {"a time", WAIVER "owner=o\nreason=r\nuntil=2027-01-31T12:00:00Z\n",
         "policy.ini:6: until: \"2027-01-31T12:00:00Z\" is no day such as 2027-01-31"},
        {"a week", WAIVER "owner=o\nreason=r\nuntil=2027-W01-1\n",
         "policy.ini:6: until: \"2027-W01-1\" is no day such as 2027-01-31"},
        {"another encoding", "[expiry]\n# M\xfcnchen\n", "policy.ini:2: not UTF-8"},
        {"what drives a terminal", "[\x1b[31m]\n",
         "policy.ini:1: \"[\\x1b[31m]\" is neither [section] nor key=value; comments begin with #"},
        {"several, in the order of the file", "[waiver w]\nkind=drift\nsid=PRD\nowner=o\nuntil=soon\n[nothing]\n",
         "policy.ini:1: [waiver w]: has no reason\n"
         "policy.ini:5: until: \"soon\" is no day such as 2027-01-31\n"
         "policy.ini:6: \"nothing\" is no section of a policy (expiry, strength, trust-lists, required NAME, "
         "distrusted "
         "NAME, waiver NAME)"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(policy_auto) policy = parse(rows[i].text, &error);
        cr_assert_null(policy, "%s", rows[i].what);
        cr_expect_str_eq(error->message, rows[i].message, "%s: %s", rows[i].what, error->message);
        cr_expect(g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX));
    }
}

Test(policy, syntax)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(policy_auto) policy = parse("\xef\xbb\xbf# a comment\r\n"
                                          "  [expiry]  \r\n"
                                          "\town-days = 45 \r\n"
                                          "\r\n"
                                          "[required  a b ]\n"
                                          "certificates=x\n"
                                          "role=SSL client*; System\\;PSE ;\n"
                                          "kind=abap;hana\n"
                                          "severity=critical\n"
                                          "[required]\n"
                                          "certificates=x\n"
                                          "[strength]\n"
                                          "curves=P-256;secp384r1;ED25519\n"
                                          "refused-digests=sha1;MD5\n"
                                          "[waiver w]\n"
                                          "kind=expired\n"
                                          "certificate=AB:cd 00112233445566778899aabbccddeeff0011\n"
                                          "owner=A. Example\n"
                                          "reason= two words # and no comment\n"
                                          "until=2028-02-29",
                                          &error);
    cr_assert(policy, "%s", error ? error->message : "");
    cr_expect_eq(policy->own.days, 45);
    cr_expect_eq(policy->own.percent, POLICY_UNSAID);
    cr_expect_eq(policy->anchors.days, POLICY_UNSAID);
    cr_assert_eq(policy->required->len, 2);
    const struct policy_rule *rule = policy->required->pdata[0];
    cr_expect_str_eq(rule->section, "required  a b");
    cr_expect_eq(rule->line, 5);
    cr_expect_eq(rule->severity, SEVERITY_CRITICAL);
    cr_expect_eq(rule->selection.kinds, 1u << INSTANCE_ABAP | 1u << INSTANCE_HANA);
    cr_expect_eq(rule->selection.roles->len, 2);
    cr_expect(policy_matches(rule->selection.roles, "System;PSE"));
    cr_expect(policy_matches(rule->selection.roles, "SSL client (Standard)"));
    cr_expect_not(policy_matches(rule->selection.roles, "SSL server (Standard)"));
    cr_expect_not(policy_matches(rule->selection.roles, NULL));
    cr_expect(policy_matches(rule->selection.files, NULL), "nothing is asked");
    cr_expect_eq(policy->strength.curves->len, 3);
    cr_expect_eq(policy->strength.digests->len, 2);
    cr_expect_eq(policy->strength.rsa_bits, POLICY_UNSAID);
    cr_assert_eq(policy->waivers->len, 1);
    const struct policy_waiver *waiver = policy->waivers->pdata[0];
    cr_expect_str_eq(waiver->name, "w");
    cr_expect_str_eq(waiver->fingerprint, "abcd00112233445566778899aabbccddeeff0011");
    cr_expect_str_eq(waiver->reason, "two words # and no comment");
    cr_expect_eq(waiver->until, moment_from_civil(2028, 2, 29, 23, 59, 59));
}

static void expect_limit(GString *text, const char *wanted)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(policy_auto) policy = parse(text->str, &error);
    if (!wanted) {
        cr_expect(policy, "%s", error ? error->message : "");
        return;
    }
    cr_assert_null(policy, "%s", wanted);
    cr_expect_str_eq(error->message, wanted, "%s", error->message);
}

Test(policy, limits)
{
    for (int over = 0; over < 2; over++) {
        g_autoptr(GString) lines = g_string_new(NULL), line = g_string_new("#"), sections = g_string_new(NULL);
        g_autoptr(GString) values = g_string_new("[required r]\ncertificates=a\ntier="), all = g_string_new(NULL);
        for (int i = 0; i < POLICY_LINES + over; i++)
            g_string_append_c(lines, '\n');
        expect_limit(lines, over ? "policy.ini:20001: more than 20000 lines" : NULL);
        for (int i = 1; i < POLICY_LINE_BYTES + over; i++)
            g_string_append_c(line, 'x');
        expect_limit(line, over ? "policy.ini:1: a line of more than 8192 bytes" : NULL);
        for (int i = 0; i < POLICY_SECTIONS + over; i++)
            g_string_append_printf(sections, "[required %d]\ncertificates=a\n", i);
        expect_limit(sections, over ? "policy.ini:2001: more than 1000 sections" : NULL);
        for (int i = 0; i < POLICY_VALUES + over; i++)
            g_string_append(values, "a;");
        expect_limit(values, over ? "policy.ini:3: tier: more than 1000 values" : NULL);
        while (all->len < POLICY_BYTES - 4096)
            g_string_append_printf(all, "#%0*d\n", 4000, 0);
        while (all->len < POLICY_BYTES + (size_t)over)
            g_string_append_c(all, '\n');
        expect_limit(all, over ? "policy.ini:1: a policy of more than 1048576 bytes" : NULL);
    }
}

Test(policy, many_errors_are_counted)
{
    for (guint more = 0; more < 2; more++) {
        g_autoptr(GString) text = g_string_new("[expiry]\n");
        g_autoptr(GError) error = NULL;
        for (guint i = 0; i < POLICY_PROBLEMS + more; i++)
            g_string_append_printf(text, "k%u=1\n", i);
        g_autoptr(policy_auto) policy = parse(text->str, &error);
        cr_assert_null(policy);
        g_auto(GStrv) lines = g_strsplit(error->message, "\n", -1);
        cr_expect_eq(g_strv_length(lines), POLICY_PROBLEMS + more);
        cr_expect_str_eq(lines[POLICY_PROBLEMS - 1 + more],
                         more ? "policy.ini: and 1 more errors" : "policy.ini:51: \"k49\" is no key of [expiry]");
    }
}

Test(policy, certificates_are_read_with_it)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(issued_auto) one = certs(.subject = "/CN=One"), two = certs(.subject = "/CN=Two");
    g_autofree char *text = g_build_filename(scene->folder, "text.pem", NULL);
    g_autofree char *broken = g_build_filename(scene->folder, "broken.pem", NULL);
    g_autofree char *der = g_build_filename(scene->folder, "one.der", NULL);
    g_autofree char *path = g_build_filename(scene->folder, "policy.ini", NULL);
    static const char policy_text[] = "[required r]\ncertificates=roots;one.der\n"
                                      "[distrusted a]\ncertificates=nowhere.pem\n"
                                      "[distrusted b]\ncertificates=text.pem;\n"
                                      "[distrusted c]\ncertificates=broken.pem\n"
                                      "[distrusted d]\ncertificates=empty\n";
    g_autofree char *empty = g_build_filename(scene->folder, "empty", NULL);
    scene_file(scene, "roots/one.pem", one);
    scene_file(scene, "roots/deep/two.pem", two);
    g_file_set_contents(text, "no certificate\n", -1, NULL);
    g_file_set_contents(broken, "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n", -1, NULL);
    g_file_set_contents(der, g_bytes_get_data(one->der, NULL), (gssize)g_bytes_get_size(one->der), NULL);
    cr_assert_eq(g_mkdir(empty, 0700), 0);

    g_autoptr(GError) error = NULL;
    g_file_set_contents(path, policy_text, -1, NULL);
    g_autoptr(policy_auto) none = policy_load(path, &error);
    cr_assert_null(none);
    g_autofree char *wanted =
        g_strdup_printf("%s:4: certificates: %s/nowhere.pem: No such file or directory\n"
                        "%s:6: certificates: %s/text.pem: no certificate in it; a certificate is PEM, DER, PKCS #7, "
                        "PKCS #12, a Java key store (JKS, JCEKS) or a PSE\n"
                        "%s:8: certificates: %s/broken.pem: 1 of 1 certificates could not be read\n"
                        "%s:10: certificates: %s/empty: no certificate in this folder",
                        path, scene->folder, path, scene->folder, path, scene->folder, path, scene->folder);
    cr_expect_str_eq(error->message, wanted, "%s", error->message);

    g_file_set_contents(path, policy_text, (gssize)(strstr(policy_text, "[distrusted a]") - policy_text), NULL);
    g_autofree char *odd = g_build_filename(scene->folder, "roots", "README", NULL);
    g_file_set_contents(odd, "no certificate\n", -1, NULL);
    g_clear_error(&error);
    g_autoptr(policy_auto) policy = policy_load(path, &error);
    cr_assert(policy, "%s", error ? error->message : "");
    const struct policy_rule *rule = policy->required->pdata[0];
    cr_assert_eq(rule->certs->len, 3);
    const struct policy_cert *first = rule->certs->pdata[0], *last = rule->certs->pdata[2];
    cr_expect(g_str_has_prefix(first->path, scene->folder));
    cr_expect(g_bytes_equal(last->der, one->der));
    cr_assert_eq(policy->warnings->len, 1);
    cr_expect(strstr(policy->warnings->pdata[0], ":2: certificates: "), "%s", (char *)policy->warnings->pdata[0]);
    cr_expect(strstr(policy->warnings->pdata[0], "1 files without a readable certificate were passed over"));

    g_clear_error(&error);
    g_autoptr(policy_auto) missing = policy_load("/nowhere/policy.ini", &error);
    cr_assert_null(missing);
    cr_expect(g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING));
}

Test(policy, the_example_of_the_documentation)
{
    g_autofree char *text = NULL;
    gsize size;
    g_autoptr(GError) error = NULL;
    cr_assert(g_file_get_contents(SOURCE_ROOT "/docs/formats/policy.ini", &text, &size, NULL));
    g_autoptr(policy_auto) policy = policy_parse("policy.ini", NULL, text, size, &error);
    cr_assert(policy, "%s", error ? error->message : "");
    cr_expect_eq(policy->required->len, 2);
    cr_expect_eq(policy->distrusted->len, 1);
    cr_expect_eq(policy->waivers->len, 2);
    cr_expect_eq(policy->own.days, 90);
    cr_expect_eq(policy->strength.rsa_bits, 2048);
    cr_expect(policy->end_entities);
}
