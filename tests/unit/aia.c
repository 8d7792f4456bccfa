/* analyzer/aia: where a certificate says that more is to be had. */
#include "aia.h"

#include "certs.h"

#include <criterion/criterion.h>
#include <string.h>

static void look(const char *what, const char *config, const char *issuer, const char *repository)
{
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(issued_auto) middle = certs(.subject = "/CN=Middle", .issuer = root);

    if (config)
        certs_extend(middle, root, config);
    struct audit_cert cert = {.der = middle->der};
    g_autofree char *got_issuer = aia_issuer(&cert), *got_repository = aia_repository(&cert);
    cr_expect(g_strcmp0(got_issuer, issuer) == 0, "%s: %s", what, got_issuer);
    cr_expect(g_strcmp0(got_repository, repository) == 0, "%s: %s", what, got_repository);
}

Test(aia, addresses)
{
    look("none", NULL, NULL, NULL);
    look("issuer", "[extensions]\nauthorityInfoAccess=caIssuers;URI:http://pki.example.com/root.crt\n",
         "http://pki.example.com/root.crt", NULL);
    look("behind others",
         "[extensions]\nauthorityInfoAccess=OCSP;URI:http://ocsp.example.com/, caIssuers;DNS:example.com, "
         "caIssuers;URI:ldap://x/, caIssuers;URI:https://pki.example.com/r1.p7c\n",
         "https://pki.example.com/r1.p7c", NULL);
    look("repository",
         "[extensions]\ncertificatePolicies=1.2.3.4,@one\n[one]\npolicyIdentifier=1.2.3.5\nCPS.1=https://"
         "pki.example.com/cps\n",
         NULL, "https://pki.example.com/cps");
}

Test(aia, what_means_something_to_a_shell_is_passed_over)
{
    static const char *const bad[] = {"http://a/$(reboot)", "http://a/`id`", "http://a/;id",      "http://a/ b",
                                      "http://a/'x",        "http://a/!x",   "file:///etc/passwd"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GString) escaped = g_string_new(NULL);
        for (const char *at = bad[i]; *at; at++)
            g_string_append_printf(escaped, "%s%c", g_ascii_isalnum(*at) ? "" : "\\", *at);
        g_autofree char *config = g_strdup_printf(
            "[extensions]\nauthorityInfoAccess=@a\n[a]\ncaIssuers;URI.0=%s\ncaIssuers;URI.1=http://good.example/\n",
            escaped->str);
        look(bad[i], config, "http://good.example/", NULL);
    }
    g_autofree char *path = g_strnfill(AIA_URL_BYTES, 'x');
    g_autofree char *config = g_strdup_printf("[extensions]\nauthorityInfoAccess=caIssuers;URI:http://a/%s\n", path);
    look("too long", config, NULL, NULL);
}

Test(aia, what_is_no_certificate)
{
    g_autoptr(GBytes) broken = g_bytes_new_static("\x30\x03\x02\x01\x05", 5);
    struct audit_cert none = {.der = NULL}, bad = {.der = broken};

    cr_expect_null(aia_issuer(&none));
    cr_expect_null(aia_repository(&none));
    cr_expect_null(aia_issuer(&bad));
    cr_expect_null(aia_repository(&bad));
}
