#include "name.h"

#include "text.h"

#include <openssl/err.h>
#include <string.h>

/*
 * A key is one line per attribute, in printed order: "2.5.4.3=example root r1\n"; an attribute that shares its RDN with
 * the one before begins with "+".  Values are clean text, so a line feed ends a value beyond doubt.  A cut name has no
 * line feed at its end, which makes it a prefix of the keys that it may stand for and equal to none of them.  Printed
 * order, not the certificate's: a cut name has lost its end as printed.
 */

/* What SAP prints, where that is sure or nearly so (it writes OID.n for most others), and what is understood. */
static const struct type {
    const char *label, *oid;
    gboolean printed;
} types[] = {
    {"CN", "2.5.4.3", TRUE},
    {"OU", "2.5.4.11", TRUE},
    {"O", "2.5.4.10", TRUE},
    {"L", "2.5.4.7", TRUE},
    {"C", "2.5.4.6", TRUE},
    {"SP", "2.5.4.8", TRUE},
    {"ST", "2.5.4.8", FALSE},
    {"S", "2.5.4.8", FALSE},
    {"SN", "2.5.4.5", TRUE}, /* the serial number: SAP's SN is no surname */
    {"serialNumber", "2.5.4.5", FALSE},
    {"EMAIL", "1.2.840.113549.1.9.1", TRUE},
    {"E", "1.2.840.113549.1.9.1", FALSE},
    {"emailAddress", "1.2.840.113549.1.9.1", FALSE},
    {"DC", "0.9.2342.19200300.100.1.25", TRUE},
    {"UID", "0.9.2342.19200300.100.1.1", FALSE},
    {"STREET", "2.5.4.9", FALSE},
    {"T", "2.5.4.12", FALSE},
    {"TITLE", "2.5.4.12", FALSE},
    {"surname", "2.5.4.4", FALSE},
    {"givenName", "2.5.4.42", FALSE},
    {"GN", "2.5.4.42", FALSE},
    {"initials", "2.5.4.43", FALSE},
    {"dnQualifier", "2.5.4.46", FALSE},
    {"postalCode", "2.5.4.17", FALSE},
    {"businessCategory", "2.5.4.15", FALSE},
    {"organizationIdentifier", "2.5.4.97", FALSE},
};

struct attribute {
    char *oid;
    char *value;     /* without quotes and escapes, blanks as printed */
    gboolean joined; /* in one RDN with the attribute before */
    gboolean quoted; /* it began with a quote */
    gboolean open;   /* more may follow: the text was cut in it, or its closing quote is missing */
};

static void attribute_clear(void *data)
{
    struct attribute *attribute = data;
    g_free(attribute->oid);
    g_free(attribute->value);
}

static GArray *attributes_new(void)
{
    GArray *attributes = g_array_new(FALSE, FALSE, sizeof(struct attribute));
    g_array_set_clear_func(attributes, attribute_clear);
    return attributes;
}

static gboolean is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static const char *skip_blanks(const char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

/* The type and the "=" that stand at ${at}: the character behind them and its OID, or NULL if there is no type. */
static const char *read_type(const char *at, char **oid)
{
    size_t length = strcspn(at, "=,+\" ");
    if (length == 0 || length > NAME_TYPE_CHARS || at[length] != '=')
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (g_ascii_strncasecmp(at, types[i].label, length) == 0 && types[i].label[length] == '\0') {
            if (oid)
                *oid = g_strdup(types[i].oid);
            return at + length + 1;
        }
    }
    if (length < 5 || g_ascii_strncasecmp(at, "OID.", 4) != 0 || strspn(at + 4, "0123456789.") != length - 4)
        return NULL;
    if (oid)
        *oid = g_strndup(at + 4, length - 4);
    return at + length + 1;
}

/* Whether an attribute ends here because the next one begins: a comma alone may belong to the value. */
static gboolean is_separator(const char *at)
{
    return (*at == ',' || *at == '+') && read_type(skip_blanks(at + 1), NULL);
}

static gboolean is_end(const char *at)
{
    return *at == '\0' || is_separator(at);
}

static gboolean is_escape(const char *at)
{
    return at[0] == '\\' && at[1] != '\0' && strchr(",+\"\\<>;=#", at[1]);
}

/*
 * Read the value at ${at} and return where it ends.  A quote closes only where the attribute may end, so one inside a
 * quoted value does no harm.
 */
static const char *read_value(const char *at, struct attribute *attribute)
{
    GString *value = g_string_new(NULL);
    gboolean closed = FALSE;

    at = skip_blanks(at);
    attribute->quoted = *at == '"';
    if (attribute->quoted)
        at++;
    for (; *at && !closed; at++) {
        if (is_escape(at))
            g_string_append_c(value, *++at);
        else if (attribute->quoted && *at == '"' && is_end(skip_blanks(at + 1)))
            closed = TRUE;
        else if (!attribute->quoted && is_separator(at))
            break;
        else
            g_string_append_c(value, *at);
    }
    if (closed)
        at = skip_blanks(at);
    attribute->value = g_string_free(value, FALSE);
    attribute->open = attribute->quoted && !closed;
    return at;
}

/* Whether this could be the beginning of a type, as far as it goes. */
static gboolean is_type_begun(const char *at)
{
    static const char chars[] = "0123456789.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    at = skip_blanks(at);
    return strlen(at) <= NAME_TYPE_CHARS && at[strspn(at, chars)] == '\0';
}

/*
 * What is left at the end of a cut name may be the closing quote, the beginning of the next type, of an escape or of a
 * character: take that off.  The shorter prefix is still one.
 */
static void trim_cut(struct attribute *attribute)
{
    char *value = attribute->value, *end = NULL;

    for (char *at = value; *at; at++)
        if (attribute->quoted ? *at == '"' : *at == ',' || *at == '+')
            end = at;
    if (end && attribute->quoted) {
        const char *after = skip_blanks(end + 1);
        if (*after == '\0' || ((*after == ',' || *after == '+') && is_type_begun(after + 1)))
            *end = '\0';
    } else if (end && is_type_begun(end + 1)) {
        *end = '\0';
    }
    for (;;) {
        char *escape = strrchr(value, '\\');
        size_t length = escape ? strlen(escape) : 0;
        if (!escape || length > 4 || (length > 1 && escape[1] != 'x'))
            return;
        *escape = '\0';
    }
}

/* The attributes of a clean printed name, as printed; NULL if it is no name. */
static GArray *parse(const char *text, gboolean cut)
{
    g_autoptr(GArray) attributes = attributes_new();
    gboolean joined = FALSE;
    const char *at = skip_blanks(text);

    do {
        struct attribute attribute = {.joined = joined};
        at = read_type(at, &attribute.oid);
        if (!at)
            return NULL;
        at = read_value(at, &attribute);
        g_array_append_val(attributes, attribute);
        if (attributes->len > NAME_ATTRIBUTES)
            return NULL;
        joined = *at == '+';
        if (*at)
            at = skip_blanks(at + 1);
    } while (*at);
    struct attribute *last = &g_array_index(attributes, struct attribute, attributes->len - 1);
    last->open = last->open || cut;
    if (last->open)
        trim_cut(last);
    return g_steal_pointer(&attributes);
}

/*
 * Without case, widths and runs of blanks.  Decomposed (NFKD), not composed: so the beginning of a value folds to the
 * beginning of the folded value.
 */
static char *fold(const char *value)
{
    g_autofree char *plain = g_utf8_normalize(value, -1, G_NORMALIZE_ALL);
    g_autofree char *lower = g_utf8_casefold(plain, -1);
    g_autofree char *folded = g_utf8_normalize(lower, -1, G_NORMALIZE_ALL);
    GString *out = g_string_new(NULL);
    gboolean blank = FALSE;

    for (const char *at = folded; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (g_unichar_isspace(c)) {
            blank = out->len > 0;
            continue;
        }
        if (blank)
            g_string_append_c(out, ' ');
        blank = FALSE;
        g_string_append_unichar(out, c);
    }
    return g_string_free(out, FALSE);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* An RDN is a set: its attributes in an order of their own.  One that was cut stays last. */
static void append_rdn(GString *key, GPtrArray *lines, gboolean open)
{
    size_t sortable = lines->len - (open ? 1 : 0);
    if (sortable > 1)
        qsort(lines->pdata, sortable, sizeof lines->pdata[0], compare_lines);
    for (guint i = 0; i < lines->len; i++)
        g_string_append_printf(key, "%s%s%s", i ? "+" : "", (const char *)lines->pdata[i],
                               open && i == lines->len - 1 ? "" : "\n");
    g_ptr_array_set_size(lines, 0);
}

char *name_key(const char *text, gboolean cut)
{
    if (strlen(text) > NAME_BYTES)
        return NULL;
    g_autofree char *clean = text_clean(text, strlen(text));
    g_autoptr(GArray) attributes = strlen(clean) > NAME_BYTES ? NULL : parse(clean, cut);
    if (!attributes)
        return NULL;

    GString *key = g_string_new(NULL);
    g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < attributes->len; i++) {
        const struct attribute *attribute = &g_array_index(attributes, struct attribute, i);
        g_autofree char *value = fold(attribute->value);
        if (!attribute->joined && lines->len)
            append_rdn(key, lines, FALSE);
        g_ptr_array_add(lines, g_strdup_printf("%s=%s", attribute->oid, value));
    }
    append_rdn(key, lines, g_array_index(attributes, struct attribute, attributes->len - 1).open);
    return g_string_free(key, FALSE);
}

gboolean name_is_cut(const char *key)
{
    size_t length = strlen(key);
    return length > 0 && key[length - 1] != '\n';
}

/* The length of the RDN at ${rdn}: to the first line feed that no "+" follows. */
static size_t rdn_length(const char *rdn)
{
    const char *at = rdn;
    do {
        at += strcspn(at, "\n");
        at += *at == '\n';
    } while (*at == '+');
    return (size_t)(at - rdn);
}

/* Whether one of the attributes of an RDN is, or with ${open} begins with, the one at ${line}. */
static gboolean has_line(const char *rdn, size_t size, const char *line, size_t length, gboolean open)
{
    for (const char *at = rdn; at < rdn + size; at += strcspn(at, "\n") + 1) {
        at += *at == '+';
        size_t there = strcspn(at, "\n");
        if (strncmp(at, line, length) == 0 && (open ? there >= length : there == length))
            return TRUE;
    }
    return FALSE;
}

gboolean name_is_prefix(const char *prefix, const char *key)
{
    /* All RDNs but the last one are whole. */
    size_t length = rdn_length(prefix);
    while (prefix[length] != '\0') {
        if (rdn_length(key) != length || memcmp(prefix, key, length) != 0)
            return FALSE;
        prefix += length;
        key += length;
        length = rdn_length(prefix);
    }
    if (!name_is_cut(prefix))
        return strcmp(prefix, key) == 0;
    /* Of the last one some attributes may be lost, and the others stand in another order then. */
    for (const char *end = prefix + length; prefix < end;) {
        prefix += *prefix == '+';
        size_t line = strcspn(prefix, "\n");
        if (!has_line(key, rdn_length(key), prefix, line, prefix + line == end))
            return FALSE;
        prefix += line + 1;
    }
    return TRUE;
}

char *name_key_x509(const X509_NAME *name)
{
    if (X509_NAME_entry_count(name) == 0)
        return g_strdup("");
    g_autofree char *printed = name_print(name);
    return name_key(printed, FALSE);
}

/* The bytes of a value as UTF-8 where it says what it is; else as they are. */
static GString *value_text(const ASN1_STRING *string)
{
    const char *bytes = (const char *)ASN1_STRING_get0_data(string);
    int length = ASN1_STRING_length(string);
    unsigned char *utf8 = NULL;

    switch (ASN1_STRING_type(string)) {
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_IA5STRING:
    case V_ASN1_T61STRING:
    case V_ASN1_VISIBLESTRING:
    case V_ASN1_NUMERICSTRING:
        /* Many put UTF-8 here although they should not; what is none is taken as Latin-1, as OpenSSL does. */
        if (g_utf8_validate_len(bytes, (size_t)length, NULL))
            return g_string_new_len(bytes, length);
        break;
    case V_ASN1_BMPSTRING:
    case V_ASN1_UNIVERSALSTRING:
        break;
    default: /* UTF-8, valid or not, and what is no text */
        return g_string_new_len(bytes, length);
    }
    int size = ASN1_STRING_to_UTF8(&utf8, string);
    if (size < 0) {
        ERR_clear_error();
        return g_string_new_len(bytes, length);
    }
    GString *text = g_string_new_len((const char *)utf8, size);
    OPENSSL_free(utf8);
    return text;
}

static gboolean needs_quotes(const char *value)
{
    if (strchr(value, ',') || *skip_blanks(value) == '"')
        return TRUE;
    for (const char *plus = strchr(value, '+'); plus; plus = strchr(plus + 1, '+'))
        if (is_separator(plus))
            return TRUE;
    return FALSE;
}

static void print_value(GString *out, const ASN1_STRING *string)
{
    g_autoptr(GString) raw = value_text(string);
    g_autofree char *value = text_clean(raw->str, raw->len);
    gboolean quoted = needs_quotes(value);

    if (quoted)
        g_string_append_c(out, '"');
    for (const char *at = value; *at; at++) {
        /* Only where the reader would otherwise take something for an escape or for the end. */
        if (is_escape(at) || (at[0] == '\\' && at[1] == '\0') || (quoted && *at == '"'))
            g_string_append_c(out, '\\');
        g_string_append_c(out, *at);
    }
    if (quoted)
        g_string_append_c(out, '"');
}

static void print_entry(GString *out, const X509_NAME_ENTRY *entry)
{
    char oid[NAME_TYPE_CHARS - 3]; /* with "OID." in front it is as long as a type may be */

    if (OBJ_obj2txt(oid, sizeof oid, X509_NAME_ENTRY_get_object(entry), 1) <= 0)
        g_strlcpy(oid, "0", sizeof oid);
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        if (types[i].printed && g_str_equal(types[i].oid, oid)) {
            g_string_append_printf(out, "%s=", types[i].label);
            print_value(out, X509_NAME_ENTRY_get_data(entry));
            return;
        }
    }
    g_string_append_printf(out, "OID.%s=", oid);
    print_value(out, X509_NAME_ENTRY_get_data(entry));
}

char *name_print(const X509_NAME *name)
{
    GString *out = g_string_new(NULL);
    int count = X509_NAME_entry_count(name);

    for (int end = count; end > 0;) {
        /* The RDNs backwards, the attributes of each one forwards. */
        int begin = end - 1;
        while (begin > 0 && X509_NAME_ENTRY_set(X509_NAME_get_entry(name, begin - 1)) ==
                                X509_NAME_ENTRY_set(X509_NAME_get_entry(name, end - 1)))
            begin--;
        if (end < count)
            g_string_append(out, ", ");
        for (int i = begin; i < end; i++) {
            if (i > begin)
                g_string_append_c(out, '+');
            print_entry(out, X509_NAME_get_entry(name, i));
        }
        end = begin;
    }
    return g_string_free(out, FALSE);
}

char *name_short(const char *text)
{
    static const char *const wanted[] = {"2.5.4.3", "2.5.4.11", "2.5.4.10"};
    g_autofree char *clean = text_clean(text, strlen(text));
    g_autoptr(GArray) attributes = strlen(text) > NAME_BYTES ? NULL : parse(clean, FALSE);

    for (size_t i = 0; attributes && i < G_N_ELEMENTS(wanted); i++) {
        const char *best = NULL;
        for (guint j = 0; j < attributes->len; j++) {
            const struct attribute *attribute = &g_array_index(attributes, struct attribute, j);
            /* Of several CNs the first printed one is the most special; of several OUs the last one has the title. */
            if (g_str_equal(attribute->oid, wanted[i]) && *skip_blanks(attribute->value) && (i > 0 || !best))
                best = attribute->value;
        }
        if (best)
            return g_strstrip(g_strdup(best));
    }
    return g_steal_pointer(&clean);
}
