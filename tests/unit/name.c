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

Test(name, what_is_no_name)
{
    static const char *const rows[] = {
        "",       " ",     "hello",  "=",         "=a",    "X=a",     "CN",       "CN a",
        ", CN=a", "C N=a", "OID.=a", "OID.1.x=a", "OID=a", "1.2.3=a", "\"CN=a\"",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (int cut = 0; cut <= 1; cut++) {
            g_autofree char *key = name_key(rows[i], cut);
            cr_expect_null(key, "%s: %s", rows[i], key);
        }
    }
}

Test(name, limits)
{
    g_autofree char *value = g_strnfill(NAME_BYTES - 3, 'x');
    g_autofree char *longest = g_strconcat("CN=", value, NULL);
    g_autofree char *beyond = g_strconcat("CN=x", value, NULL);
    g_autofree char *swells = g_strnfill(NAME_BYTES / 2, '\xff');
    g_autofree char *escaped = g_strconcat("CN=", swells, NULL);
    g_autofree char *oid = g_strnfill(80 - 4, '1'), *far_oid = g_strnfill(80 - 3, '1');
    g_autofree char *oid_name = g_strconcat("OID.", oid, "=a", NULL),
                    *far_name = g_strconcat("OID.", far_oid, "=a", NULL);
    g_autoptr(GString) many = g_string_new("C=DE");
    for (int i = 1; i < NAME_ATTRIBUTES; i++)
        g_string_append(many, ", OU=x");

    cr_expect(equal_names(longest, longest));
    cr_expect_not(equal_names(beyond, beyond));
    cr_expect_not(equal_names(escaped, escaped), "too long once it is clean");
    cr_expect(equal_names(oid_name, oid_name));
    cr_expect_not(equal_names(far_name, far_name));
    cr_expect(equal_names(many->str, many->str));
    g_string_append(many, ", OU=x");
    cr_expect_not(equal_names(many->str, many->str));
}

/* A piece of a printed name is a prefix of the name wherever it was cut. */
Test(name, cut_names)
{
    static const char *const names[] = {
        "CN=Example Root R1, O=\"Example, Inc.\", SP=Bayern, C=DE",
        "CN=M\xc3\xbcller\xc3\x9f, OU=\xef\xbc\xa1\xef\xbc\xa2, OID.1.3.6.1.4.1.311.60.2.1.2=Delaware",
        "CN=a+OU=b, O=C++, E=a@b",
        "CN=\xfc\xfd, O=\"The \\\"Real\\\", Inc.\", O=back\\\\slash, C=DE",
        "CN=\"a\", O=\"b\" , C=DE",
        "CN= , O=x y  z",
        "CN=e\xcc\x88x, C=DE",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *whole = name_key(names[i], FALSE);
        cr_assert_not_null(whole);
        cr_expect_not(name_is_cut(whole));
        cr_expect_not(name_is_prefix(whole, "2.5.4.3=other\n"));
        for (size_t length = 0; length <= strlen(names[i]); length++) {
            g_autofree char *piece = g_strndup(names[i], length);
            g_autofree char *key = name_key(piece, TRUE);
            if (length < strlen("CN=")) {
                cr_expect_null(key);
                continue;
            }
            cr_assert_not_null(key, "%s", piece);
            cr_expect(name_is_cut(key), "%s: %s", piece, key);
            cr_expect(name_is_prefix(key, whole), "%s: %s", piece, key);
            cr_expect_str_neq(key, whole);
        }
    }
}

Test(name, cut_names_of_others)
{
    static const struct {
        const char *cut, *name;
        gboolean fits;
    } rows[] = {
        {"CN=Example", "CN=Example Root, C=DE", TRUE},
        {"CN=Example Root, C=D", "CN=Example Root, C=DE", TRUE},
        {"CN=Example Root, C=DE", "CN=Example Root, C=DE", TRUE},
        {"CN=Example Root, C=DE", "CN=Example Root", FALSE},
        {"CN=Example Root,", "CN=Example Root 2, C=DE", TRUE}, /* whether the comma ends it is not known */
        {"CN=Example Root, C=DE", "CN=Example Root 2, C=DE", FALSE},
        {"CN=Example", "OU=Example", FALSE},
        {"CN=", "CN=anything", TRUE},
        {"O=\"Example, In", "O=\"Example, Inc.\", C=DE", TRUE},
        {"O=\"Example, In", "O=Example, C=DE", FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *prefix = name_key(rows[i].cut, TRUE), *key = name_key(rows[i].name, FALSE);
        cr_expect_eq(name_is_prefix(prefix, key), rows[i].fits, "%s / %s", rows[i].cut, rows[i].name);
    }
    g_autofree char *open = name_key("O=\"Example, In", FALSE);
    cr_expect(name_is_cut(open), "a missing closing quote means a cut name");
    cr_expect_not(name_is_cut(""));
}

Test(name, for_titles)
{
    static const struct {
        const char *name, *title;
    } rows[] = {
        {"CN=Example Root, O=Example", "Example Root"},
        {"CN=a, CN=b", "a"},
        {"OU=Trust Network, OU=Class 3 Authority, O=Example", "Class 3 Authority"},
        {"CN= , O=\"Example, Inc.\"", "Example, Inc."},
        {"C=DE, SP=Bayern", "C=DE, SP=Bayern"},
        {"no name", "no name"},
        {"CN=\033[31m", "\\x1b[31m"},
        {"CN=\"Example, In", "Example, In"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *title = name_short(rows[i].name);
        cr_expect_str_eq(title, rows[i].title);
    }
}

/* From DER */

struct part {
    const char *oid, *value;
    int type, size; /* size 0: up to the NUL */
    int set;        /* -1: in one RDN with the part before */
};

static X509_NAME *make_name(const struct part *parts)
{
    X509_NAME *name = X509_NAME_new();
    for (; parts->oid; parts++) {
        ASN1_OBJECT *object = OBJ_txt2obj(parts->oid, 1);
        X509_NAME_ENTRY *entry = X509_NAME_ENTRY_new();
        X509_NAME_ENTRY_set_object(entry, object);
        ASN1_STRING *data = X509_NAME_ENTRY_get_data(entry);
        /* By hand: the usual functions choose and check the type of string. */
        ASN1_STRING_set(data, parts->value, parts->size ? parts->size : (int)strlen(parts->value));
        data->type = parts->type;
        cr_assert(X509_NAME_add_entry(name, entry, -1, parts->set), "%s %d", parts->oid, parts->type);
        X509_NAME_ENTRY_free(entry);
        ASN1_OBJECT_free(object);
    }
    return name;
}

#define UTF8 V_ASN1_UTF8STRING

Test(name, from_der)
{
    static const struct {
        const char *what;
        struct part parts[4];
        const char *printed; /* NULL: depends on the version of OpenSSL */
        const char *same;    /* another spelling with the same key, or NULL */
    } rows[] = {
        {"order",
         {{"2.5.4.6", "DE", UTF8, 0, 0}, {"2.5.4.10", "Example, Inc.", UTF8, 0, 0}, {"2.5.4.3", "Root", UTF8, 0, 0}},
         "CN=Root, O=\"Example, Inc.\", C=DE",
         NULL},
        {"set",
         {{"2.5.4.6", "DE", UTF8, 0, 0}, {"2.5.4.11", "b", UTF8, 0, 0}, {"2.5.4.3", "a", UTF8, 0, -1}},
         "OU=b+CN=a, C=DE",
         "CN=a+OU=b, C=DE"},
        {"SAP's types",
         {{"2.5.4.8", "Bayern", UTF8, 0, 0}, {"2.5.4.5", "1", UTF8, 0, 0}, {"1.2.840.113549.1.9.1", "a@b", UTF8, 0, 0}},
         "EMAIL=a@b, SN=1, SP=Bayern",
         "E=a@b, serialNumber=1, ST=Bayern"},
        {"unknown type",
         {{"1.3.6.1.4.1.311.60.2.1.2", "Delaware", UTF8, 0, 0}},
         "OID.1.3.6.1.4.1.311.60.2.1.2=Delaware",
         NULL},
        {"known and yet not printed", {{"2.5.4.4", "Doe", UTF8, 0, 0}}, "OID.2.5.4.4=Doe", "surname=Doe"},
        {"UTF-8", {{"2.5.4.3", "M\xc3\xbcller", UTF8, 0, 0}}, "CN=M\xc3\xbcller", NULL},
        {"BMP", {{"2.5.4.3", "\0M\0\xfc\0l\0l\0e\0r", V_ASN1_BMPSTRING, 12, 0}}, "CN=M\xc3\xbcller", NULL},
        {"universal", {{"2.5.4.3", "\0\0\0M\0\0\0\xfc", V_ASN1_UNIVERSALSTRING, 8, 0}}, "CN=M\xc3\xbc", NULL},
        {"T61", {{"2.5.4.3", "M\xfcller", V_ASN1_T61STRING, 0, 0}}, "CN=M\xc3\xbcller", NULL},
        {"T61 with UTF-8 in it", {{"2.5.4.3", "M\xc3\xbcller", V_ASN1_T61STRING, 0, 0}}, "CN=M\xc3\xbcller", NULL},
        {"printable", {{"2.5.4.3", "Miller", V_ASN1_PRINTABLESTRING, 0, 0}}, "CN=Miller", "CN=MILLER"},
        {"IA5", {{"2.5.4.3", "a@b", V_ASN1_IA5STRING, 0, 0}}, "CN=a@b", NULL},
        {"invalid UTF-8", {{"2.5.4.3", "M\xfc", UTF8, 0, 0}}, "CN=M\\xfc", NULL},
        {"half a pair of surrogates", {{"2.5.4.3", "\0a\xd8\0", V_ASN1_BMPSTRING, 4, 0}}, NULL, NULL},
        {"no character", {{"2.5.4.3", "\x7f\0\0\0", V_ASN1_UNIVERSALSTRING, 4, 0}}, NULL, NULL},
        {"NUL", {{"2.5.4.3", "a\0b", UTF8, 3, 0}}, "CN=a\\x00b", NULL},
        {"no string at all", {{"2.5.4.3", "\1\2", V_ASN1_BIT_STRING, 2, 0}}, "CN=\\x01\\x02", NULL},
        {"empty", {{"2.5.4.6", "DE", UTF8, 0, 0}, {"2.5.4.3", "", UTF8, 0, 0}}, "CN=, C=DE", "CN= , C=DE"},
        {"a blank", {{"2.5.4.6", "DE", UTF8, 0, 0}, {"2.5.4.3", " ", UTF8, 0, 0}}, "CN= , C=DE", "CN=, C=DE"},
        {"looks like more", {{"2.5.4.3", "a, O=b", UTF8, 0, 0}}, "CN=\"a, O=b\"", NULL},
        {"looks like a set", {{"2.5.4.3", "a + O=b", UTF8, 0, 0}}, "CN=\"a + O=b\"", NULL},
        {"plus", {{"2.5.4.3", "C++", UTF8, 0, 0}}, "CN=C++", NULL},
        {"quotes", {{"2.5.4.3", "The \"Real\" One", UTF8, 0, 0}}, "CN=The \"Real\" One", NULL},
        {"quotes and comma", {{"2.5.4.3", "The \"Real\", Inc.", UTF8, 0, 0}}, "CN=\"The \\\"Real\\\", Inc.\"", NULL},
        {"leading quote", {{"2.5.4.3", "\"Real\"", UTF8, 0, 0}}, "CN=\"\\\"Real\\\"\"", NULL},
        {"the end of a quoted value inside", {{"2.5.4.3", "a\", O=b", UTF8, 0, 0}}, "CN=\"a\\\", O=b\"", NULL},
        {"backslash", {{"2.5.4.3", "DOMAIN\\user", UTF8, 0, 0}}, "CN=DOMAIN\\user", NULL},
        {"backslash that would escape", {{"2.5.4.3", "a\\,b\\", UTF8, 0, 0}}, "CN=\"a\\\\,b\\\\\"", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        X509_NAME *name = make_name(rows[i].parts);
        g_autofree char *printed = name_print(name), *key = name_key_x509(name);
        g_autofree char *clean = text_clean(printed, strlen(printed));
        g_autofree char *again = name_key(clean, FALSE), *same = rows[i].same ? name_key(rows[i].same, FALSE) : NULL;
        cr_expect(!rows[i].printed || g_str_equal(printed, rows[i].printed), "%s: %s", rows[i].what, printed);
        cr_expect_str_eq(printed, clean, "%s", rows[i].what);
        cr_expect_str_eq(key, again, "%s", rows[i].what);
        cr_expect(!same || g_str_equal(same, key), "%s: %s", rows[i].what, same);
        cr_expect_not(name_is_cut(key), "%s", rows[i].what);
        X509_NAME_free(name);
    }

    X509_NAME *empty = X509_NAME_new();
    g_autofree char *printed = name_print(empty), *key = name_key_x509(empty);
    cr_expect_str_eq(printed, "");
    cr_expect_str_eq(key, "");
    X509_NAME_free(empty);
}

/* Whatever stands in a value: what is printed is read as the same name, and two values are two names. */
Test(name, prints_what_it_reads)
{
    static const char *const pieces[] = {"a", " ", ",", "+", "\"", "\\", "O=", "CN=", ", ", "\\x", "\xc3\xbc", "\xff"};
    GRand *random = g_rand_new_with_seed(1);

    for (int turn = 0; turn < 20000; turn++) {
        g_autoptr(GString) first = g_string_new(NULL), second = g_string_new(NULL);
        for (int i = g_rand_int_range(random, 0, 6); i > 0; i--)
            g_string_append(first, pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
        for (int i = g_rand_int_range(random, 0, 4); i > 0; i--)
            g_string_append(second, pieces[g_rand_int_range(random, 0, G_N_ELEMENTS(pieces))]);
        int set = g_rand_int_range(random, -1, 1);
        const struct part parts[] = {{"2.5.4.10", first->str, UTF8, (int)first->len, 0},
                                     {"2.5.4.3", second->str, UTF8, (int)second->len, set},
                                     {NULL, NULL, 0, 0, 0}};
        X509_NAME *name = make_name(parts);
        g_autofree char *printed = name_print(name), *key = name_key(printed, FALSE);
        X509_NAME_free(name);

        /* What the key has to say, told from the values themselves. */
        g_autofree char *clean_first = text_clean(first->str, first->len);
        g_autofree char *clean_second = text_clean(second->str, second->len);
        g_autofree char *plain_first = g_utf8_normalize(clean_first, -1, G_NORMALIZE_ALL);
        g_autofree char *plain_second = g_utf8_normalize(clean_second, -1, G_NORMALIZE_ALL);
        g_autofree char *folded_first = g_utf8_casefold(plain_first, -1);
        g_autofree char *folded_second = g_utf8_casefold(plain_second, -1);
        g_auto(GStrv) words_first = g_strsplit(g_strstrip(folded_first), " ", -1);
        g_auto(GStrv) words_second = g_strsplit(g_strstrip(folded_second), " ", -1);
        g_autoptr(GString) expected = g_string_new(NULL);
        for (int side = 0; side < 2; side++) {
            gboolean is_first = set == -1 ? side == 0 : side == 1;
            g_string_append(expected, set == -1 && side == 1 ? "+" : "");
            g_string_append(expected, is_first ? "2.5.4.10=" : "2.5.4.3=");
            gsize begin = expected->len;
            for (char **word = is_first ? words_first : words_second; *word; word++)
                if (**word)
                    g_string_append_printf(expected, "%s%s", expected->len > begin ? " " : "", *word);
            g_string_append_c(expected, '\n');
        }
        cr_assert_str_eq(key, expected->str, "%s", printed);
    }
    g_rand_free(random);
}

Test(name, any_bytes)
{
    static const char sample[] = "CN=M\xc3\xbcller+OU=b, O=\"Example, \\\"Inc.\", OID.1.2.3=C++, SN=\\x1, C=DE";
    unsigned refused = 0, read = 0;

    for (size_t i = 0; i < sizeof sample - 1; i++) {
        for (int byte = 1; byte < 256; byte++) {
            char copy[sizeof sample];
            memcpy(copy, sample, sizeof sample);
            copy[i] = (char)byte;
            for (int cut = 0; cut <= 1; cut++) {
                g_autofree char *key = name_key(copy, cut), *title = name_short(copy);
                refused += key == NULL;
                read += key != NULL;
                cr_assert(!key || g_utf8_validate(key, -1, NULL));
                cr_assert(g_utf8_validate(title, -1, NULL));
            }
        }
    }
    cr_expect_gt(refused, 500);
    cr_expect_gt(read, 10000);
}
