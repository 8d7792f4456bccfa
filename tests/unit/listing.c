/*
 * analyzer/listing: what "sapgenpse maintain_pk -l" prints.  The one certificate in here was made for these tests; the
 * listings are made after the grammar (docs/formats/listing.md), not by sapgenpse.
 */
#include "listing.h"

#include "certs.h"
#include "moment.h"
#include "pool.h"

#include <criterion/criterion.h>
#include <string.h>

static const char root_pem[] = "-----BEGIN CERTIFICATE-----\n"
                               "MIICXzCCAcigAwIBAgIICgYAAAAAAAEwDQYJKoZIhvcNAQELBQAwUDELMAkGA1UE\n"
                               "BhMCREUxDzANBgNVBAgMBkJheWVybjEWMBQGA1UECgwNRXhhbXBsZSwgSW5jLjEY\n"
                               "MBYGA1UEAwwPRXhhbXBsZSBSb290IFIxMB4XDTI2MDEwMTAwMDAwMFoXDTQ2MDEw\n"
                               "MTAwMDAwMFowUDELMAkGA1UEBhMCREUxDzANBgNVBAgMBkJheWVybjEWMBQGA1UE\n"
                               "CgwNRXhhbXBsZSwgSW5jLjEYMBYGA1UEAwwPRXhhbXBsZSBSb290IFIxMIGfMA0G\n"
                               "CSqGSIb3DQEBAQUAA4GNADCBiQKBgQC9oGurDMA2/FvdRHg/dseexJZJhSbx89Aw\n"
                               "TaZK1tB0nkBuqOQU+e/0/DhRgJWu7oAHzym8h5ZdV0spLjtwT536Wpf0oD+e2vTj\n"
                               "lehsknP0w0L6Oj6PjHYj0RUc6xlTWobNBTw5VJ+LRUhLXXhnWt3LOnAnBerPwas3\n"
                               "AY5YMMygrwIDAQABo0IwQDAOBgNVHQ8BAf8EBAMCAQYwDwYDVR0TAQH/BAUwAwEB\n"
                               "/zAdBgNVHQ4EFgQUYQFw5XzNzKI9HfhhIj46zmqbp0YwDQYJKoZIhvcNAQELBQAD\n"
                               "gYEAVWuUxnMSLM6J8lHfQajFgU0ITGHUJkVFKP3O3383FNnbIxUwiAQDvxA13xh/\n"
                               "5XV1ZsO6YEhiOG4YVOL6YCNhS0Va+SrkZh/Iil+FH2A3/iyqIPWqRyx1QDp2WOyh\n"
                               "EclQ24Ed3cJgXaeG1CJfKB5Oi1tj44sJO7/irYLn5ApjU6A=\n"
                               "-----END CERTIFICATE-----\n";

#define TITLE       " maintain_pk for PSE \"/usr/sap/PRD/D00/sec/SAPSSLC.pse\"\n"
#define ROOT        "CN=Example Root R1, O=\"Example, Inc.\", SP=Bayern, C=DE"
#define ROOT_SHA1   "BD:C5:B1:4D:E3:51:59:67:4F:B7:DA:7A:D1:2F:75:4C:A5:65:E7:9B"
#define ROOT_SHA256 "D5:C7:BA:49:7E:80:F1:9F:E5:28:36:62:61:90:FE:0F:BC:56:31:D2:90:6D:34:45:FB:FA:2C:D0:EC:F8:34:C1"
#define ROOT_DIGITS "d5c7ba497e80f19fe52836626190fe0fbc5631d2906d3445fbfa2cd0ecf834c1"

#define FINGERPRINTS                                                                                                   \
    " Certificate fingerprint (MD5):        41:AE:D4:59:4A:37:0B:57:05:AB:FF:F9:2D:C8:B8:56\n"                         \
    " Certificate fingerprint (SHA1):       " ROOT_SHA1 "\n"                                                           \
    " Certificate fingerprint (SHA256):     " ROOT_SHA256 "\n"

#define BLOCK                                                                                                          \
    " Version:                              3\n"                                                                       \
    " Subject:                              " ROOT "\n"                                                                \
    " Issuer:                               " ROOT "\n"                                                                \
    " Serial Number:                        0A:06:00:00:00:00:00:01\n"                                                 \
    " Validity not before:                  Thu Jan  1 00:00:00 2026 (260101000000Z)\n"                                \
    " Validity not after:                   Mon Jan  1 00:00:00 2046 (460101000000Z)\n"                                \
    " Public key:                           rsaEncryption (1024 bits)\n"                                               \
    " Public key fingerprint (MD5):         2F:7B:1B:33:2A:9E:D9:95:08:6C:43:E3:9F:AC:6D:4B\n"                         \
    " Signature algorithm:                  sha256WithRsaEncryption (1.2.840.113549.1.1.11)\n"                         \
    " Extensions:\n"                                                                                                   \
    "  Subject Key Identifier:              61:01:70:E5:7C:CD:CC:A2:3D:1D:F8:61:22:3E:3A:CE:6A:9B:A7:46\n"             \
    "  Key Usage:                           Critical: keyCertSign cRLSign\n"                                           \
    "  Basic Constraints:                   Critical: CA\n" FINGERPRINTS

#define ONE TITLE "PKList:\n" BLOCK

/* Another one, of which only the fingerprint is of interest. */
#define DIGEST_2 "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F"
#define BLOCK_2                                                                                                        \
    "  Version:                             3\n"                                                                       \
    "  Subject:                             OU=Second, C=DE\n"                                                         \
    "  Issuer:                              CN=a: b\n"                                                                 \
    "  Serial Number:                       00\n"                                                                      \
    "  Certificate fingerprint (SHA256):    " DIGEST_2 "\n"

#define OLD_LINE "----------------------------------------------------------------------------\n"
#define OLD_BLOCK                                                                                                      \
    OLD_LINE "Subject : " ROOT "\n"                                                                                    \
             "Issuer  : " ROOT "\n"                                                                                    \
             "Serialno: 0A:06:00:00:00:00:00:01\n"                                                                     \
             "KeyInfo : RSA, 1024-bit\n"                                                                               \
             "Validity  -  NotBefore:   Thu Jan  1 00:00:00 2026 (260101000000Z)\n"                                    \
             "              NotAfter:   Mon Jan  1 00:00:00 2046 (460101000000Z)\n"

Test(listing, every_field)
{
    struct listing *listing = listing_parse(ONE, strlen(ONE));
    cr_expect(listing->titled && listing->listed);
    cr_expect_not(listing->torn || listing->old || listing->foreign || listing->asks_pin);
    cr_assert_eq(listing->entries->len, 1);
    struct listing_entry *entry = listing->entries->pdata[0];
    cr_expect_str_eq(entry->subject, ROOT);
    cr_expect_str_eq(entry->issuer, ROOT);
    cr_expect_str_eq(entry->serial, "0A:06:00:00:00:00:00:01");
    cr_expect_eq(entry->not_before, moment_from_civil(2026, 1, 1, 0, 0, 0));
    cr_expect_eq(entry->not_after, moment_from_civil(2046, 1, 1, 0, 0, 0));
    cr_expect_str_eq(entry->key, "RSA 1024");
    cr_expect_str_eq(entry->signature_algorithm, "sha256WithRSAEncryption");
    cr_expect_str_eq(entry->subject_key_id, "610170e57ccdcca23d1df861223e3ace6a9ba746");
    cr_expect_str_eq(entry->md5, "41aed4594a370b5705abfff92dc8b856", "and not the one of the public key");
    cr_expect_str_eq(entry->sha1, "bdc5b14de35159674fb7da7ad12f754ca565e79b");
    cr_expect_str_eq(entry->sha256, ROOT_DIGITS);
    cr_expect(entry->ca);
    listing_free(listing);
}

/* What sapgenpse may answer, and what it is worth. */
Test(listing, worth)
{
    static const struct {
        const char *what, *text;
        int64_t status;
        enum audit_reading reading;
        guint entries;
        const char *reason; /* a piece of it */
    } rows[] = {
        {"one certificate without Element", ONE, 0, READING_LISTING, 1, NULL},
        {"two", TITLE "PKList:\n Element #1:\n" BLOCK " Element #2:\n" BLOCK_2, 0, READING_LISTING, 2, NULL},
        {"two with an empty line between", TITLE "PKList:\n Element #1:\n" BLOCK "\n Element #2:\n" BLOCK_2, 0,
         READING_LISTING, 2, NULL},
        {"two with CR LF",
         "PKList:\r\n Element #1:\r\n Subject: CN=a\r\n Certificate fingerprint (SHA256): " DIGEST_2 "\r\n", 0,
         READING_LISTING, 1, NULL},
        {"without a title", "PKList:\n" BLOCK, 0, READING_LISTING, 1, NULL},
        {"without the last line feed", "PKList:\n Subject: CN=a\n Certificate fingerprint (SHA256): " DIGEST_2, 0,
         READING_LISTING, 1, NULL},
        {"blocks, but status 1", ONE, 1, READING_NONE, 0, "status 1"},
        {"title only", TITLE, 0, READING_NONE, 0, "no list shown"},
        {"title and an old library's question, answered", "Please enter PIN: ****\n" TITLE, 0, READING_NONE, 0,
         "no list shown"},
        {"no block", TITLE "PKList:\n", 0, READING_LISTING, 0, "list shown without entries"},
        {"prompt alone before the title", "Please enter PSE PIN/Passphrase: ****\n" ONE, 0, READING_LISTING, 1, NULL},
        {"prompt glued before the title", "Please enter PSE PIN/Passphrase:" ONE, 0, READING_LISTING, 1, NULL},
        {"prompt with stars glued before the title", "Please enter PIN: **** " ONE, 0, READING_LISTING, 1, NULL},
        {"no credentials is no error", "No SSO for USER \"root\"\n  with PSE file \"/usr/sap/x.pse\"\n\n" ONE, 0,
         READING_LISTING, 1, NULL},
        {"credentials", "SSO for USER \"prdadm\"\n  with PSE file \"/usr/sap/x.pse\"\n\n" ONE, 0, READING_LISTING, 1,
         NULL},
        {"answer of a command that writes", " PKList updated (1 entries total, 1 newly added)\n", 0, READING_NONE, 0,
         "no listing"},
        {"such an answer with a certificate",
         " PKList updated (1 entries total, 1 newly added)\n" OLD_LINE "Subject               :   CN=a\n"
         "Certificate fingerprint (SHA256) : " DIGEST_2 "\n",
         0, READING_NONE, 0, "no listing"},
        {"such an answer before a list", "PSE \"/usr/sap/x.pse\" was written\n" ONE, 0, READING_NONE, 0, "no listing"},
        {"a response was imported", "CA-Response successfully imported into PSE \"x.pse\"\n", 0, READING_NONE, 0,
         "no listing"},
        {"the own chain", "MY Certificate:\n" OLD_BLOCK, 0, READING_NONE, 0, "no listing"},
        {"the own chain, newer", "get_my_name for PSE\n" OLD_LINE "Certificate:\n" BLOCK, 0, READING_NONE, 0,
         "no listing"},
        {"torn in the second of three", TITLE "PKList:\n Element #1:\n" BLOCK " Element #2:\n  Subject:  CN=b\n  Iss",
         0, READING_PARTLY, 1, "cut off"},
        {"torn behind Element", TITLE "PKList:\n Element #1:\n" BLOCK " Element #2:\n", 0, READING_PARTLY, 1,
         "cut off"},
        {"torn in the SHA-256", "PKList:\n Subject: CN=a\n Certificate fingerprint (SHA256): D5:C7:BA\n", 0,
         READING_PARTLY, 0, "cut off"},
        {"torn in the SHA-256, SHA-1 is there",
         "PKList:\n Subject: CN=a\n Certificate fingerprint (SHA1): " ROOT_SHA1
         "\n Certificate fingerprint (SHA256): D5:C7:BA\n",
         0, READING_PARTLY, 1, "cut off"},
        {"a digit too many", "PKList:\n Subject: CN=a\n Certificate fingerprint (SHA256): 0" DIGEST_2 "\n", 0,
         READING_PARTLY, 0, "cut off"},
        {"no subject", "PKList:\n Element #1:\n Certificate fingerprint (SHA256): " DIGEST_2 "\n", 0, READING_PARTLY, 0,
         "cut off"},
        {"an element is missing", "PKList:\n Element #1:\n" BLOCK " Element #3:\n" BLOCK_2, 0, READING_PARTLY, 2,
         "cut off"},
        {"the first one is missing", "PKList:\n Element #2:\n" BLOCK_2, 0, READING_PARTLY, 1, "cut off"},
        {"two in one", "PKList:\n" BLOCK "Subject: CN=b\n", 0, READING_PARTLY, 1, "cut off"},
        {"two in one, the second only begun", "PKList:\n" BLOCK "Version: 3\n", 0, READING_PARTLY, 1, "cut off"},
        {"damaged", "maintain_pk: Couldn't open PSE \"/usr/sap/x.pse\" (Decoding error)\n", 1, READING_NONE, 0,
         "damaged: maintain_pk"},
        {"damaged, behind a prompt", "Please enter PIN: maintain_pk: Couldn't open PSE \"x\" (Decoding error)\n", 1,
         READING_NONE, 0, "damaged"},
        {"wrong PIN", "maintain_pk: Couldn't open PSE \"/usr/sap/x.pse\" (Wrong PIN/Passphrase)\n", 1, READING_NONE, 0,
         "PIN needed"},
        {"prompt, then nothing", "Please enter PSE PIN/Passphrase: ", 1, READING_NONE, 0, "PIN needed"},
        {"prompt, then killed", "Please enter PIN: ", 143, READING_NONE, 0, "PIN needed"},
        {"prompt, then another error", "Please enter PIN: ****\nmaintain_pk: ERROR -- disk on fire\n", 3, READING_NONE,
         0, "sapgenpse: maintain_pk: ERROR -- disk on fire"},
        {"killed", "", 143, READING_NONE, 0, "stopped: status 143"},
        {"no PSE name", "\nno PSE name supplied, no SSO credentials found!\n", 1, READING_NONE, 0,
         "no PSE name supplied"},
        {"no credentials at all", "No SSO credentials available\n", 21, READING_NONE, 0,
         "No SSO credentials available"},
        {"not there", "sh: sapgenpse: not found\n", 127, READING_NONE, 0, "could not be run: sh: sapgenpse: not found"},
        {"not executable", "", 126, READING_NONE, 0, "could not be run: no message"},
        {"no library", "sapgenpse: error while loading shared libraries: libsapcrypto.so\n", 1, READING_NONE, 0,
         "could not be run"},
        {"the error behind some noise", "Welcome\nmaintain_pk: ERROR -- no\n", 2, READING_NONE, 0,
         "sapgenpse: maintain_pk: ERROR -- no"},
        {"an error behind a certificate", ONE "maintain_pk: ERROR -- no\n", 2, READING_NONE, 0, "ERROR -- no"},
        {"nothing", "", 0, READING_NONE, 0, "said nothing"},
        {"something else", "hello\n", 0, READING_NONE, 0, "sapgenpse: hello"},
        {"old style", OLD_BLOCK, 0, READING_PARTLY, 1, "old style, unproved"},
        {"old style, two", TITLE OLD_BLOCK OLD_BLOCK, 0, READING_PARTLY, 2, "old style, unproved"},
        {"old style below PKList:", TITLE "PKList:\n" OLD_BLOCK, 0, READING_LISTING, 1, "old style, unproved"},
        {"old style, torn", "PKList:\n" OLD_LINE "Subject : CN=a\nIssuer  : CN=a\nSerialno: 1\n", 0, READING_PARTLY, 0,
         "cut off"},
        {"old style, 32 dashes",
         "--------------------------------\n"
         "Subject : CN=a\nIssuer  : CN=a\nSerialno: 1\n"
         "   NotAfter :   Mon Jan  1 00:00:00 2046 (460101000000Z)\n",
         0, READING_PARTLY, 1, "old style"},
        {"31 dashes are none",
         "-------------------------------\n"
         "Subject : CN=a\nIssuer  : CN=a\nSerialno: 1\n"
         "   NotAfter :   Mon Jan  1 00:00:00 2046 (460101000000Z)\n",
         0, READING_NONE, 0, "sapgenpse: -----"},
        {"a certificate beside a list", "Subject : CN=a\n", 0, READING_NONE, 0, "Subject : CN=a"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct listing *listing = listing_parse(rows[i].text, strlen(rows[i].text));
        enum audit_reading reading;
        g_autofree char *reason = listing_judge(listing, rows[i].status, &reading);
        cr_expect_eq(reading, rows[i].reading, "%s: %s (%s)", rows[i].what, audit_reading_name(reading), reason);
        if (reading != READING_NONE)
            cr_expect_eq(listing->entries->len, rows[i].entries, "%s: %u entries", rows[i].what, listing->entries->len);
        cr_expect_eq(reason == NULL, rows[i].reason == NULL, "%s: %s", rows[i].what, reason);
        if (reason && rows[i].reason)
            cr_expect(strstr(reason, rows[i].reason), "%s: %s", rows[i].what, reason);
        listing_free(listing);
    }
}

/* One line in an otherwise complete entry, and the field that comes of it. */
Test(listing, spelling)
{
    static const struct {
        const char *what, *line;
        size_t field; /* offset of a string, or of a moment if expected is a number */
        const char *expected;
        int64_t moment;
    } rows[] = {
#define TEXT(what, line, field, expected) {what, line, offsetof(struct listing_entry, field), expected, 0}
#define TIME(what, line, field, moment)                                                                                \
    {                                                                                                                  \
        what, line, offsetof(struct listing_entry, field), "", moment                                                  \
    }
        TEXT("a colon in the value", "Issuer: CN=a: b", issuer, "CN=a: b"),
        TEXT("old key", "Serialno: 01", serial, "01"),
        TEXT("padding before the colon", "Issuer                :   CN=a", issuer, "CN=a"),
        TEXT("not the subject", "Extensions:\n Subject Alternative Name: x\n Subject: CN=no\n Issuer: CN=no", issuer,
             NULL),
        TEXT("key with a hash", "Key #1 of it: x\nIssuer: CN=a", issuer, "CN=a"),
        TEXT("terminal escape", "Issuer: CN=\033[31mred", issuer, "CN=\\x1b[31mred"),
        TEXT("bytes of Latin-1", "Issuer: CN=M\xfcller", issuer, "CN=M\\xfcller"),
        TEXT("characters above U+007F", "Issuer: CN=\xc2\x85x", issuer, "CN=\\u{85}x"),
        TEXT("MD5 in groups of four", "Certificate fingerprint (MD5): 41AE D459 4A37 0B57 05AB FFF9 2DC8 B856", md5,
             "41aed4594a370b5705abfff92dc8b856"),
        TEXT("key id without separators", "Extensions:\n Subject Key Identifier: 610170E5", subject_key_id, "610170e5"),
        TEXT("key id that is none", "Extensions:\n Subject Key Identifier: none", subject_key_id, NULL),
        TEXT("key of another kind", "Public key: id-ecPublicKey (256 bits)", key, "id-ecPublicKey (256 bits)"),
        TEXT("old key info", "KeyInfo : RSA, 2048-bit", key, "RSA 2048"),
        TEXT("RSA without a size", "Public key: RSA", key, "RSA"),
        TEXT("RSA, too large to be true", "Public key: RSA, 1234567 bits", key, "RSA, 1234567 bits"),
        TEXT("signature without number", "Signature algorithm: foo", signature_algorithm, "foo"),
        TEXT("signature with an unknown number", "Signature algorithm: foo (1.2.3.4.5)", signature_algorithm,
             "foo (1.2.3.4.5)"),
        TEXT("signature in pieces", "Signature algorithm: foo (1.2.3", signature_algorithm, "foo (1.2.3"),
        TIME("the usual end of STRUST", "Validity not after: x (380101000001Z)", not_after, 2145916801),
        TIME("YY below 50", "Validity not after: x (491231235959Z)", not_after, 2524607999),
        TIME("YY 50", "Validity not before: x (500101000000Z)", not_before, -631152000),
        TIME("14 digits", "Validity not after: x (20500612235959Z)", not_after, 2538691199),
        TIME("newer NotAfter", "             NotAfter :   Mon Jan  1 01:00:00 2046 (460101000000Z)", not_after,
             2398377600),
        TIME("the zone in front is not read", "Validity not after: Mon Jan  1 09:00:00 2046 (460101000000Z)", not_after,
             2398377600),
        TIME("no bracket", "Validity not after: Mon Jan  1 00:00:00 2046", not_after, MOMENT_NONE),
        TIME("13 digits", "Validity not after: x (2050061223595Z)", not_after, MOMENT_NONE),
        TIME("no such day", "Validity not after: x (260231000000Z)", not_after, MOMENT_NONE),
        TIME("no Z", "Validity not after: x (260101000000)", not_after, MOMENT_NONE),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(
            "PKList:\nSubject: CN=x\n%s\nCertificate fingerprint (SHA256): " DIGEST_2 "\n", rows[i].line);
        struct listing *listing = listing_parse(text, strlen(text));
        cr_assert_eq(listing->entries->len, 1, "%s", rows[i].what);
        cr_expect_not(listing->torn, "%s", rows[i].what);
        void *field = (char *)listing->entries->pdata[0] + rows[i].field;
        if (g_strcmp0(rows[i].expected, "") == 0)
            cr_expect_eq(*(int64_t *)field, rows[i].moment, "%s", rows[i].what);
        else
            cr_expect_eq(g_strcmp0(*(char **)field, rows[i].expected), 0, "%s: %s", rows[i].what, *(char **)field);
        listing_free(listing);
    }
}

Test(listing, basic_constraints)
{
    static const struct {
        const char *line;
        gboolean ca;
    } rows[] = {
        {"Basic Constraints: Critical: CA", TRUE},
        {"Basic Constraints: CA", TRUE},
        {"Basic Constraints: CA, pathLen 0", TRUE},
        {"Basic Constraints:\n   Critical\n   CA", TRUE},
        {"Basic Constraints: Critical: no CA", FALSE},
        {"Basic Constraints: CA:FALSE", FALSE},
        {"Basic Constraints: Not CA", FALSE},
        {"Basic Constraints:", FALSE},
        {"Key Usage: CA", FALSE},
        {"Key Usage:\n   CA", FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf(
            "PKList:\nSubject: CN=x\nExtensions:\n %s\nCertificate fingerprint (SHA256): " DIGEST_2 "\n", rows[i].line);
        struct listing *listing = listing_parse(text, strlen(text));
        cr_assert_eq(listing->entries->len, 1);
        cr_expect_eq(((struct listing_entry *)listing->entries->pdata[0])->ca, rows[i].ca, "%s", rows[i].line);
        listing_free(listing);
    }
}

Test(listing, limits)
{
    static const struct {
        const char *what;
        size_t line, entries;
        gboolean torn;
    } rows[] = {
        {"longest line", LISTING_LINE_BYTES, 1, FALSE},
        {"a line too long", LISTING_LINE_BYTES + 1, 1, TRUE},
        {"most entries", 20, CERTIFICATE_LIST, FALSE},
        {"an entry too many", 20, CERTIFICATE_LIST + 1, TRUE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GString) text = g_string_new("PKList:\n");
        g_autofree char *long_name = g_strnfill(rows[i].line - strlen("Subject: CN="), 'x');
        for (size_t j = 1; j <= rows[i].entries; j++)
            g_string_append_printf(text, "Element #%zu:\nSubject: CN=%s\nCertificate fingerprint (SHA256): %064zx\n", j,
                                   long_name, j);
        struct listing *listing = listing_parse(text->str, text->len);
        cr_expect_eq(listing->torn, rows[i].torn, "%s", rows[i].what);
        cr_expect_eq(listing->entries->len, MIN(rows[i].entries, CERTIFICATE_LIST), "%s", rows[i].what);
        listing_free(listing);
    }

    g_autofree char *large = g_malloc(CERTIFICATE_LIST_BYTES + 1);
    memset(large, '\n', CERTIFICATE_LIST_BYTES + 1);
    memcpy(large, ONE, strlen(ONE));
    struct listing *whole = listing_parse(large, CERTIFICATE_LIST_BYTES),
                   *beyond = listing_parse(large, CERTIFICATE_LIST_BYTES + 1);
    cr_expect_not(whole->torn);
    cr_expect(beyond->torn);
    cr_expect_eq(beyond->entries->len, 1);
    listing_free(whole);
    listing_free(beyond);
}

/* Each beginning of a listing is partly read at best, until its last fingerprint is there. */
Test(listing, truncations)
{
    static const char text[] = TITLE "PKList:\n Element #1:\n" BLOCK " Element #2:\n" BLOCK_2;
    size_t size = strlen(text), partly = 0, none = 0;
    size_t first = (size_t)(strstr(text, ROOT_SHA256) - text) + strlen(ROOT_SHA256);

    for (size_t length = 0; length < size - 1; length++) {
        g_autofree char *piece = g_memdup2(text, length);
        struct listing *listing = listing_parse(piece, length);
        enum audit_reading reading;
        g_autofree char *reason = listing_judge(listing, 0, &reading);
        cr_expect(reading == READING_LISTING || reason);
        partly += reading == READING_PARTLY;
        none += reading == READING_NONE;
        /* "list shown without entries", and the end of the first element, are whole as far as anyone can tell. */
        if (reading == READING_LISTING)
            cr_expect(listing->entries->len == 0 || (length >= first && length <= first + strlen("\n Element #2")),
                      "%zu bytes", length);
        cr_expect_leq(listing->entries->len, 1);
        listing_free(listing);
    }
    cr_expect_gt(partly, size / 2);
    cr_expect_gt(none, strlen(TITLE));
}

Test(listing, flipped_bytes)
{
    static const char text[] = TITLE "PKList:\n Element #1:\n" BLOCK " Element #2:\n" BLOCK_2;
    unsigned refused = 0;

    for (size_t i = 0; i < strlen(text); i++) {
        for (int bit = 0; bit < 8; bit += 3) {
            g_autofree char *copy = g_strdup(text);
            copy[i] = (char)(copy[i] ^ (1 << bit));
            struct listing *listing = listing_parse(copy, strlen(text));
            enum audit_reading reading;
            g_autofree char *reason = listing_judge(listing, 0, &reading);
            cr_expect(reading == READING_LISTING || reason);
            refused += reading != READING_LISTING;
            listing_free(listing);
        }
    }
    cr_expect_gt(refused, 100);
}

/* What a listing and what DER says of a certificate is the same, and becomes one certificate. */
static void expect_one_certificate(gboolean listing_first, const char *text)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    g_autoptr(issued_auto) root = certs_from_pem(root_pem);
    const void *der = g_bytes_get_data(root->der, NULL);
    size_t size = g_bytes_get_size(root->der);
    enum audit_reading reading;
    const char *reason;
    struct audit_list *from_listing = NULL, *from_der = NULL;

    if (listing_first)
        from_listing = pool_add_listing(pool, text, strlen(text), 0, &reading, &reason);
    from_der = pool_add_list(pool, der, size);
    if (!listing_first)
        from_listing = pool_add_listing(pool, text, strlen(text), 0, &reading, &reason);
    cr_assert_eq(audit->certs->len, 1);
    cr_expect_eq(from_listing, from_der, "equal lists are one");

    struct audit_cert *cert = audit->certs->pdata[0];
    cr_expect_not_null(cert->der);
    cr_expect_str_eq(cert->subject, ROOT);
    cr_expect_str_eq(cert->serial, "0A:06:00:00:00:00:00:01");
    cr_expect_str_eq(cert->key, "RSA 1024");
    cr_expect_str_eq(cert->signature_algorithm, "sha256WithRSAEncryption");
    cr_expect_str_eq(cert->subject_key_id, "610170e57ccdcca23d1df861223e3ace6a9ba746");
    cr_expect_str_eq(cert->sha256, ROOT_DIGITS);
    cr_expect_str_eq(cert->md5, "41aed4594a370b5705abfff92dc8b856");
    cr_expect(cert->ca && cert->self_signed);
    cr_expect_eq(pool_find_digest(pool, NULL, "bdc5b14de35159674fb7da7ad12f754ca565e79b", NULL), cert);
    cr_expect_eq(pool_find_digest(pool, NULL, NULL, "2f7b1b332a9ed995086c43e39fac6d4b"), NULL,
                 "the MD5 of the public key is no fingerprint of the certificate");
    pool_free(pool);
}

Test(listing, becomes_one_with_der)
{
    expect_one_certificate(TRUE, ONE);
    expect_one_certificate(FALSE, ONE);
    expect_one_certificate(TRUE, OLD_BLOCK); /* without fingerprints */
    expect_one_certificate(FALSE, OLD_BLOCK);
    expect_one_certificate(TRUE, "PKList:\n Subject: " ROOT "\n Certificate fingerprint (SHA1): " ROOT_SHA1 "\n");
    expect_one_certificate(FALSE, "PKList:\n Subject: " ROOT "\n Certificate fingerprint (SHA1): " ROOT_SHA1 "\n");
}

Test(listing, alone_says_what_der_says)
{
    g_autoptr(audit_auto) audit = audit_new(), other = audit_new();
    struct pool *pool = pool_new(audit), *from_der = pool_new(other);
    g_autoptr(issued_auto) root = certs_from_pem(root_pem);
    enum audit_reading reading;
    const char *reason;

    struct audit_list *list = pool_add_listing(pool, ONE, strlen(ONE), 0, &reading, &reason);
    cr_assert_eq(reading, READING_LISTING);
    cr_expect_null(reason);
    cr_assert_eq(list->certs->len, 1);
    struct audit_cert *a = list->certs->pdata[0];
    struct audit_cert *b = pool_add_der(from_der, g_bytes_get_data(root->der, NULL), g_bytes_get_size(root->der), NULL);
    cr_expect_null(a->der);
    cr_expect_str_eq(a->subject, b->subject);
    cr_expect_str_eq(a->issuer, b->issuer);
    cr_expect_str_eq(a->serial, b->serial);
    cr_expect_eq(a->not_before, b->not_before);
    cr_expect_eq(a->not_after, b->not_after);
    cr_expect_str_eq(a->sha256, b->sha256);
    cr_expect_str_eq(a->sha1, b->sha1);
    cr_expect_str_eq(a->md5, b->md5);
    cr_expect_str_eq(a->subject_key_id, b->subject_key_id);
    cr_expect_str_eq(a->key, b->key);
    cr_expect_str_eq(a->signature_algorithm, b->signature_algorithm);
    cr_expect_eq(a->self_signed, b->self_signed);
    cr_expect_eq(a->ca, b->ca);
    pool_free(pool);
    pool_free(from_der);
}

Test(listing, not_read_is_no_list)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    enum audit_reading reading;
    const char *reason;

    cr_expect_null(pool_add_listing(pool, ONE, strlen(ONE), 1, &reading, &reason));
    cr_expect_eq(reading, READING_NONE);
    cr_expect_not_null(reason);
    cr_expect_eq(audit->certs->len, 0);
    cr_expect_eq(audit->lists->len, 0);
    pool_free(pool);
}
