/* analyzer/name: what SAP prints and what DER says, made comparable. */
#include "name.h"

#include "text.h"

#include <criterion/criterion.h>
#include <string.h>

static gboolean equal_names(const char *a, const char *b)
{
    g_autofree char *left = name_key(a, FALSE), *right = name_key(b, FALSE);
    return g_strcmp0(left, right) == 0 && left;
}

Test(name, equal_spellings)
{
    static const struct {
        const char *what, *a, *b;
        gboolean equal;
    } rows[] = {
        {"the same", "CN=A, C=DE", "CN=A, C=DE", TRUE},
        {"case", "CN=Example Root", "cn=EXAMPLE root", TRUE},
        {"case beyond ASCII", "CN=M\xc3\x9cLLER", "CN=m\xc3\xbcller", TRUE},
        {"sharp s", "CN=STRASSE",
         "CN=Stra\xc3\x9f"
         "e",
         TRUE},
        {"composed and decomposed", "CN=\xc3\xbc", "CN=u\xcc\x88", TRUE},
        {"full width", "CN=\xef\xbc\xa1", "CN=a", TRUE},
        {"runs of blanks", "CN=  a   b ", "CN=a b", TRUE},
        {"a tab is a blank", "CN=a\tb", "CN=a b", TRUE},
        {"no-break space",
         "CN=a\xc2\xa0"
         "b",
         "CN=a b", TRUE},
        {"SP, ST and S", "CN=a, SP=Bayern", "CN=a, ST=Bayern", TRUE},
        {"S too", "CN=a, S=Bayern", "CN=a, OID.2.5.4.8=Bayern", TRUE},
        {"SN is the serial number", "SN=5157550", "OID.2.5.4.5=5157550", TRUE},
        {"SN is no surname", "SN=5157550", "surname=5157550", FALSE},
        {"EMAIL", "EMAIL=a@b", "emailAddress=a@b", TRUE},
        {"E", "E=a@b", "OID.1.2.840.113549.1.9.1=A@B", TRUE},
        {"quotes", "O=\"Example, Inc.\", C=DE", "O=Example\\, Inc., C=DE", TRUE},
        {"a comma needs no quotes if no type follows", "O=Example, Inc., C=DE", "O=\"Example, Inc.\", C=DE", TRUE},
        {"blanks after the separator", "CN=a,C=DE", "CN=a,   C=DE", TRUE},
        {"empty values", "CN= , C=DE", "CN=, C=DE", TRUE},
        {"an empty value is not nothing", "CN= , C=DE", "C=DE", FALSE},
        {"other order", "CN=a, C=DE", "C=DE, CN=a", FALSE},
        {"a type twice", "OU=a, OU=b", "OU=a", FALSE},
        {"two OUs are not one with a comma", "OU=a, OU=b", "OU=\"a, OU=b\"", FALSE},
        {"other type", "CN=a", "OU=a", FALSE},
        {"other value", "CN=a", "CN=ab", FALSE},
        {"set order", "CN=a+OU=b, C=DE", "OU=b+CN=a, C=DE", TRUE},
        {"set with blanks", "CN=a + OU=b", "CN=a+OU=b", TRUE},
        {"set is no sequence", "CN=a+OU=b", "CN=a, OU=b", FALSE},
        {"a plus in a value", "CN=C++, O=x", "CN=\"C++\", O=x", TRUE},
        {"quote in a quoted value", "O=\"The \"Real\", Inc.\", C=DE", "O=\"The \\\"Real\\\", Inc.\", C=DE", TRUE},
        {"quote in the middle", "O=The \"Real\" One, C=DE", "O=\"The \\\"Real\\\" One\", C=DE", TRUE},
        {"backslash of no escape", "CN=DOMAIN\\user", "CN=DOMAIN\\\\user", TRUE},
        {"bytes that are no UTF-8", "CN=\xfc", "CN=\\xfc", TRUE},
        {"unknown types", "OID.1.3.6.1.4.1.311.60.2.1.2=Delaware", "oid.1.3.6.1.4.1.311.60.2.1.2=delaware", TRUE},
        {"unknown types differ", "OID.1.3.6=a", "OID.1.3.7=a", FALSE},
        {"a missing closing quote is a cut name, equal to none", "O=\"Example", "O=Example", FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        cr_expect_eq(equal_names(rows[i].a, rows[i].b), rows[i].equal, "%s: %s / %s", rows[i].what, rows[i].a,
                     rows[i].b);
}
