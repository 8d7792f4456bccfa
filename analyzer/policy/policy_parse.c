/* The reader of policy.h: lines to sections and keys, values by their kind, and what is wrong with them. */
#include "policy_parse.h"

#include "error.h"
#include "file.h"
#include "moment.h"
#include "reference.h"
#include "signature.h"
#include "text.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CITED_BYTES 80 /* of the file in one message */
#define DAY_S       86400
#define GROUP       "x" /* that a line with a key is given to GKeyFile in */

struct problem {
    unsigned line;
    guint number; /* in the order in which they were found */
    char *text;
};

struct form;

struct reader {
    struct policy *policy;
    const char *folder;
    GArray *problems;     /* of struct problem */
    guint untold;         /* beyond POLICY_PROBLEMS */
    GHashTable *sections; /* name -> its line */
    guint certs;

    /* The section that is being read. */
    const struct form *form; /* NULL: one that is not known, or none yet */
    char *section;           /* NULL: none yet */
    unsigned section_line;
    void *object;     /* what its keys fill */
    GHashTable *keys; /* name -> its line */
};

struct value { /* of a key, as GKeyFile has it */
    GKeyFile *file;
    const char *key;
    unsigned line;
};

struct key {
    const char *name;
    void (*take)(struct reader *reader, const struct value *value, const struct key *key, void *at);
    size_t offset; /* of what it fills, in the object of the section */
    gboolean needed;
    int low, high; /* of numbers */
};

struct form { /* what a section may have */
    const char *name;
    gboolean named; /* [name ...]; there may be several */
    void *(*begin)(struct reader *reader);
    void (*end)(struct reader *reader, void *object);
    const struct key *keys;
};

/* What is wrong. */

static void complain(struct reader *reader, unsigned line, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void complain(struct reader *reader, unsigned line, const char *format, ...)
{
    if (reader->problems->len == POLICY_PROBLEMS) {
        reader->untold++;
        return;
    }
    va_list args;
    va_start(args, format);
    g_autofree char *raw = g_strdup_vprintf(format, args);
    va_end(args);
    struct problem problem = {line, reader->problems->len, text_clean(raw, strlen(raw))};
    g_array_append_val(reader->problems, problem);
}

static int compare_problems(const void *a, const void *b)
{
    const struct problem *left = a, *right = b;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    return left->number < right->number ? -1 : left->number > right->number;
}

static void tell_problems(struct reader *reader, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *path = text_clean(reader->policy->path, strlen(reader->policy->path));

    g_array_sort(reader->problems, compare_problems);
    for (guint i = 0; i < reader->problems->len; i++) {
        const struct problem *problem = &g_array_index(reader->problems, struct problem, i);
        g_string_append_printf(text, "%s%s:%u: %s", i > 0 ? "\n" : "", path, problem->line, problem->text);
    }
    if (reader->untold)
        g_string_append_printf(text, "\n%s: and %u more errors", path, reader->untold);
    g_set_error_literal(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, text->str);
}

/* A piece of the file for a message, cut; the caller frees it with g_free(). */
static char *cite(const char *text)
{
    size_t size = strlen(text), shown = size;
    if (size > CITED_BYTES)
        for (shown = CITED_BYTES; shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80;)
            shown--;
    return g_strdup_printf("\"%.*s%s\"", (int)shown, text, shown < size ? "..." : "");
}

static void refuse_value(struct reader *reader, const struct value *value, const char *text, const char *what)
{
    g_autofree char *cited = cite(text);
    complain(reader, value->line, "%s: %s %s", value->key, cited, what);
}

/* Values. */

static char *get_text(struct reader *reader, const struct value *value)
{
    g_autofree char *text = g_key_file_get_string(value->file, GROUP, value->key, NULL);
    if (text)
        g_strstrip(text);
    if (!text || !*text) {
        complain(reader, value->line, "%s: %s", value->key,
                 text ? "has no value" : "a backslash stands before a character that needs none");
        return NULL;
    }
    return g_steal_pointer(&text);
}

/* The values of a list, none of them empty; or NULL. */
static char **get_list(struct reader *reader, const struct value *value)
{
    gsize length = 0;
    g_auto(GStrv) list = g_key_file_get_string_list(value->file, GROUP, value->key, &length, NULL);

    if (!list || length == 0 || length > POLICY_VALUES) {
        if (!list)
            complain(reader, value->line, "%s: a backslash stands before a character that needs none", value->key);
        else if (length == 0)
            complain(reader, value->line, "%s: has no value", value->key);
        else
            complain(reader, value->line, "%s: more than %d values", value->key, POLICY_VALUES);
        return NULL;
    }
    for (gsize i = 0; i < length; i++)
        if (!*g_strstrip(list[i])) {
            complain(reader, value->line, "%s: has an empty value", value->key);
            return NULL;
        }
    return g_steal_pointer(&list);
}

static void take_text(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    (void)key;
    *(char **)at = get_text(reader, value);
}

static void take_number(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    g_autofree char *text = get_text(reader, value);
    guint64 number;
    if (!text)
        return;
    if (g_ascii_string_to_unsigned(text, 10, (guint64)key->low, (guint64)key->high, &number, NULL)) {
        *(int *)at = (int)number;
        return;
    }
    g_autofree char *range = g_strdup_printf("is no number from %d to %d", key->low, key->high);
    refuse_value(reader, value, text, range);
}

static void take_patterns(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    g_auto(GStrv) list = get_list(reader, value);
    (void)key;
    if (!list)
        return;
    GPtrArray *patterns = g_ptr_array_new_with_free_func((GDestroyNotify)g_pattern_spec_free);
    for (char **text = list; *text; text++)
        g_ptr_array_add(patterns, g_pattern_spec_new(*text));
    *(GPtrArray **)at = patterns;
}

static void take_instance_kinds(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    g_auto(GStrv) list = get_list(reader, value);
    (void)key;
    for (char **text = list; text && *text; text++) {
        enum audit_instance_kind kind;
        if (audit_instance_kind_parse(&kind, *text))
            *(unsigned *)at |= 1u << kind;
        else
            refuse_value(reader, value, *text, "is none of abap, central, java, webdisp, hana, hostagent, other");
    }
}

static void take_severity(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    g_autofree char *text = get_text(reader, value);
    enum audit_severity severity;
    (void)key;
    if (text && audit_severity_parse(&severity, text))
        *(int *)at = (int)severity;
    else if (text)
        refuse_value(reader, value, text, "is none of info, low, medium, high, critical");
}

static void take_digests(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    g_auto(GStrv) list = get_list(reader, value);
    (void)key;
    for (char **text = list; text && *text; text++) {
        const EVP_MD *digest = EVP_get_digestbyname(*text);
        int nid = digest ? EVP_MD_get_type(digest) : NID_undef;
        if (nid != NID_undef)
            g_array_append_val(*(GArray **)at, nid);
        else
            refuse_value(reader, value, *text, "is no digest that OpenSSL knows (SHA1, MD5, ...)");
    }
}

static void take_curves(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    g_auto(GStrv) list = get_list(reader, value);
    (void)key;
    for (char **text = list; text && *text; text++) {
        int nid = EC_curve_nist2nid(*text);
        if (nid == NID_undef)
            nid = OBJ_txt2nid(*text);
        EC_GROUP *group = nid == NID_undef ? NULL : EC_GROUP_new_by_curve_name(nid);
        if (group || nid == NID_ED25519 || nid == NID_ED448)
            g_array_append_val(*(GArray **)at, nid);
        else
            refuse_value(reader, value, *text, "is no curve that OpenSSL knows (prime256v1, P-384, ED25519, ...)");
        EC_GROUP_free(group);
    }
    ERR_clear_error();
}

static void take_end_entities(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    g_autofree char *text = get_text(reader, value);
    (void)key;
    if (!text)
        return;
    *(gboolean *)at = strcmp(text, "report") == 0;
    if (!*(gboolean *)at && strcmp(text, "allow") != 0)
        refuse_value(reader, value, text, "is neither report nor allow");
}

static void take_finding_kind(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    struct policy_waiver *waiver = at;
    g_autofree char *text = get_text(reader, value);
    (void)key;
    if (!text)
        return;
    waiver->has_kind = audit_finding_kind_parse(&waiver->kind, text);
    if (!waiver->has_kind)
        refuse_value(reader, value, text, "is no kind of finding");
}

static void take_finding(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    g_autofree char *text = get_text(reader, value);
    (void)key;
    if (text && strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16)
        *(char **)at = g_steal_pointer(&text);
    else if (text)
        refuse_value(reader, value, text, "is no id of a finding (16 hex digits)");
}

static void take_fingerprint(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    g_autofree char *text = get_text(reader, value);
    g_autoptr(GString) digits = g_string_new(NULL);
    (void)key;
    for (const char *from = text; from && *from; from++)
        if (*from != ':' && *from != ' ')
            g_string_append_c(digits, g_ascii_tolower(*from));
    if (text && (digits->len == 64 || digits->len == 40) && strspn(digits->str, "0123456789abcdef") == digits->len)
        *(char **)at = g_strdup(digits->str);
    else if (text)
        refuse_value(reader, value, text, "is neither a SHA-256 nor a SHA-1 fingerprint");
}

static void take_day(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    g_autofree char *text = get_text(reader, value);
    char printed[MOMENT_TEXT_BYTES];
    int64_t moment;
    (void)key;
    if (!text)
        return;
    /* ISO 8601 has more spellings of a day than one. */
    if (strlen(text) == strlen("2027-01-31") && moment_parse(&moment, text, NULL) &&
        strncmp(moment_format(printed, moment), text, strlen(text)) == 0)
        *(int64_t *)at = moment + DAY_S - 1;
    else
        refuse_value(reader, value, text, "is no day such as 2027-01-31");
}

/* Certificates. */

static void cert_free(void *data)
{
    struct policy_cert *cert = data;
    g_free(cert->path);
    g_bytes_unref(cert->der);
    g_free(cert);
}

struct taking {
    GPtrArray *certs;
    guint found;
};

static void take_found(void *data, const char *path, GPtrArray *ders)
{
    struct taking *taking = data;
    for (guint i = 0; i < ders->len; i++) {
        struct policy_cert *cert = g_new(struct policy_cert, 1);
        *cert = (struct policy_cert){g_strdup(path), g_bytes_ref(ders->pdata[i])};
        g_ptr_array_add(taking->certs, cert);
    }
    taking->found += ders->len;
}

static void read_certificates(struct reader *reader, const struct value *value, const char *name, GPtrArray *certs)
{
    static const struct reference_options options = {.use = REFERENCE_ANCHORS};
    g_autofree char *path = g_path_is_absolute(name) || strcmp(reader->folder, ".") == 0
                                ? g_strdup(name)
                                : g_build_filename(reader->folder, name, NULL);
    struct taking taking = {.certs = certs};
    g_autofree char *trouble = NULL;
    g_autoptr(GError) error = NULL;

    if (!reference_read(path, &options, take_found, &taking, &trouble, &error)) {
        complain(reader, value->line, "%s: %s", value->key, error->message);
        return;
    }
    if (trouble && !g_file_test(path, G_FILE_TEST_IS_DIR))
        complain(reader, value->line, "%s: %s", value->key, trouble);
    else if (trouble)
        g_ptr_array_add(reader->policy->warnings,
                        g_strdup_printf("%s:%u: %s: %s", reader->policy->path, value->line, value->key, trouble));
    reader->certs += taking.found;
}

static void take_certificates(struct reader *reader, const struct value *value, const struct key *key, void *at)
{
    g_auto(GStrv) list = get_list(reader, value);
    (void)key;
    for (char **name = list; name && *name && reader->folder; name++) {
        if (reader->certs <= POLICY_CERTS)
            read_certificates(reader, value, *name, *(GPtrArray **)at);
        if (reader->certs > POLICY_CERTS) {
            complain(reader, value->line, "%s: more than %d certificates in this policy", value->key, POLICY_CERTS);
            return;
        }
    }
}

/* Sections. */

static void *begin_policy(struct reader *reader)
{
    return reader->policy;
}

static void *begin_rule(struct reader *reader)
{
    struct policy_rule *rule = g_new0(struct policy_rule, 1);
    gboolean required = g_str_has_prefix(reader->section, "required");
    rule->section = g_strdup(reader->section);
    rule->line = reader->section_line;
    rule->severity = POLICY_UNSAID;
    rule->certs = g_ptr_array_new_with_free_func(cert_free);
    g_ptr_array_add(required ? reader->policy->required : reader->policy->distrusted, rule);
    return rule;
}

static void *begin_waiver(struct reader *reader)
{
    struct policy_waiver *waiver = g_new0(struct policy_waiver, 1);
    waiver->section = g_strdup(reader->section);
    waiver->name = g_strstrip(g_strdup(reader->section + strlen("waiver")));
    waiver->line = reader->section_line;
    waiver->until = MOMENT_NONE;
    g_ptr_array_add(reader->policy->waivers, waiver);
    return waiver;
}

static gboolean has_key(const struct reader *reader, const char *key)
{
    return g_hash_table_contains(reader->keys, key);
}

static void end_waiver(struct reader *reader, void *object)
{
    gboolean narrowed =
        has_key(reader, "certificate") || has_key(reader, "store") || has_key(reader, "sid") || has_key(reader, "host");
    (void)object;
    if (has_key(reader, "finding")) {
        if (has_key(reader, "kind") || narrowed)
            complain(reader, reader->section_line,
                     "[%s]: finding says it all; kind, certificate, store, sid and host cannot stand beside it",
                     reader->section);
        return;
    }
    if (!has_key(reader, "kind"))
        complain(reader, reader->section_line, "[%s]: neither finding nor kind says what is waived", reader->section);
    else if (!narrowed)
        complain(reader, reader->section_line,
                 "[%s]: a whole kind cannot be waived; certificate, store, sid or host has to narrow it",
                 reader->section);
}

static const struct key expiry_keys[] = {
    {"own-days", take_number, offsetof(struct policy, own.days), FALSE, 0, 36500},
    {"own-percent", take_number, offsetof(struct policy, own.percent), FALSE, 0, 100},
    {"anchor-days", take_number, offsetof(struct policy, anchors.days), FALSE, 0, 36500},
    {"anchor-percent", take_number, offsetof(struct policy, anchors.percent), FALSE, 0, 100},
    {0},
};

static const struct key strength_keys[] = {
    {"rsa-bits", take_number, offsetof(struct policy, strength.rsa_bits), FALSE, 512, SIGNATURE_KEY_BITS},
    {"ec-bits", take_number, offsetof(struct policy, strength.ec_bits), FALSE, 112, 1024},
    {"curves", take_curves, offsetof(struct policy, strength.curves), FALSE, 0, 0},
    {"refused-digests", take_digests, offsetof(struct policy, strength.digests), FALSE, 0, 0},
    {"severity", take_severity, offsetof(struct policy, strength.severity), FALSE, 0, 0},
    {0},
};

static const struct key list_keys[] = {
    {"end-entities", take_end_entities, offsetof(struct policy, end_entities), TRUE, 0, 0},
    {"severity", take_severity, offsetof(struct policy, end_entities_severity), FALSE, 0, 0},
    {0},
};

static const struct key rule_keys[] = {
    {"certificates", take_certificates, offsetof(struct policy_rule, certs), TRUE, 0, 0},
    {"file", take_patterns, offsetof(struct policy_rule, selection.files), FALSE, 0, 0},
    {"role", take_patterns, offsetof(struct policy_rule, selection.roles), FALSE, 0, 0},
    {"sid", take_patterns, offsetof(struct policy_rule, selection.sids), FALSE, 0, 0},
    {"tier", take_patterns, offsetof(struct policy_rule, selection.tiers), FALSE, 0, 0},
    {"group", take_patterns, offsetof(struct policy_rule, selection.groups), FALSE, 0, 0},
    {"kind", take_instance_kinds, offsetof(struct policy_rule, selection.kinds), FALSE, 0, 0},
    {"severity", take_severity, offsetof(struct policy_rule, severity), FALSE, 0, 0},
    {0},
};

static const struct key waiver_keys[] = {
    {"finding", take_finding, offsetof(struct policy_waiver, finding), FALSE, 0, 0},
    {"kind", take_finding_kind, 0, FALSE, 0, 0},
    {"certificate", take_fingerprint, offsetof(struct policy_waiver, fingerprint), FALSE, 0, 0},
    {"store", take_patterns, offsetof(struct policy_waiver, stores), FALSE, 0, 0},
    {"sid", take_patterns, offsetof(struct policy_waiver, sids), FALSE, 0, 0},
    {"host", take_patterns, offsetof(struct policy_waiver, hosts), FALSE, 0, 0},
    {"owner", take_text, offsetof(struct policy_waiver, owner), TRUE, 0, 0},
    {"reason", take_text, offsetof(struct policy_waiver, reason), TRUE, 0, 0},
    {"until", take_day, offsetof(struct policy_waiver, until), TRUE, 0, 0},
    {0},
};

static const struct form forms[] = {
    {"expiry", FALSE, begin_policy, NULL, expiry_keys},    {"strength", FALSE, begin_policy, NULL, strength_keys},
    {"trust-lists", FALSE, begin_policy, NULL, list_keys}, {"required", TRUE, begin_rule, NULL, rule_keys},
    {"distrusted", TRUE, begin_rule, NULL, rule_keys},     {"waiver", TRUE, begin_waiver, end_waiver, waiver_keys},
};

static const struct form *find_form(const char *section)
{
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        size_t size = strlen(forms[i].name);
        if (strcmp(section, forms[i].name) == 0 ||
            (forms[i].named && strncmp(section, forms[i].name, size) == 0 && section[size] == ' '))
            return &forms[i];
    }
    return NULL;
}

static void end_section(struct reader *reader)
{
    if (reader->form) {
        for (const struct key *key = reader->form->keys; key->name; key++)
            if (key->needed && !has_key(reader, key->name))
                complain(reader, reader->section_line, "[%s]: has no %s", reader->section, key->name);
        if (reader->form->end)
            reader->form->end(reader, reader->object);
    }
    g_clear_pointer(&reader->section, g_free);
    g_hash_table_remove_all(reader->keys);
    reader->form = NULL;
}

static void begin_section(struct reader *reader, const char *name, unsigned line)
{
    end_section(reader);
    reader->section = g_strstrip(g_strdup(name));
    reader->section_line = line;
    reader->form = find_form(reader->section);
    g_autofree char *cited = cite(reader->section);
    unsigned first = GPOINTER_TO_UINT(g_hash_table_lookup(reader->sections, reader->section));

    if (first)
        complain(reader, line, "the section %s stands twice, the first is in line %u", cited, first);
    else if (g_hash_table_size(reader->sections) == POLICY_SECTIONS)
        complain(reader, line, "more than %d sections", POLICY_SECTIONS);
    else if (!reader->form)
        complain(reader, line,
                 "%s is no section of a policy (expiry, strength, trust-lists, required NAME, distrusted NAME, waiver "
                 "NAME)",
                 cited);
    else
        reader->object = reader->form->begin(reader);
    if (first || g_hash_table_size(reader->sections) == POLICY_SECTIONS)
        reader->form = NULL; /* what stands in it has been complained about */
    else
        g_hash_table_insert(reader->sections, g_strdup(reader->section), GUINT_TO_POINTER(line));
}

/* Lines. */

static void read_key(struct reader *reader, GKeyFile *file, const char *name, unsigned line)
{
    g_autofree char *cited = cite(name);
    const struct key *key = reader->form ? reader->form->keys : NULL;
    unsigned first = GPOINTER_TO_UINT(g_hash_table_lookup(reader->keys, name));

    if (!reader->section)
        complain(reader, line, "%s stands before the first [section]", cited);
    if (!key)
        return;
    while (key->name && strcmp(key->name, name) != 0)
        key++;
    if (!key->name) {
        complain(reader, line, "%s is no key of [%s]", cited, reader->section);
        return;
    }
    if (first) {
        complain(reader, line, "%s stands twice in [%s], the first is in line %u", cited, reader->section, first);
        return;
    }
    g_hash_table_insert(reader->keys, g_strdup(name), GUINT_TO_POINTER(line));
    struct value value = {file, key->name, line};
    key->take(reader, &value, key, (char *)reader->object + key->offset);
}

/* A line alone: to GKeyFile a section is a group, and a key needs one in front. */
static void read_line(struct reader *reader, char *text, unsigned line)
{
    g_autoptr(GKeyFile) file = g_key_file_new();
    gboolean section = *g_strstrip(text) == '[';
    g_autofree char *bytes = g_strconcat(section ? "" : "[" GROUP "]\n", text, "\n", NULL);

    if (!*text || *text == '#')
        return;
    /* Without this flag keys such as "owner[de]" would depend on the language of the user. */
    if (!g_key_file_load_from_data(file, bytes, (gsize)-1, G_KEY_FILE_KEEP_TRANSLATIONS, NULL)) {
        g_autofree char *cited = cite(text);
        complain(reader, line, "%s is neither [section] nor key=value; comments begin with #", cited);
        return;
    }
    g_autofree char *group = g_key_file_get_start_group(file);
    g_auto(GStrv) keys = section ? NULL : g_key_file_get_keys(file, GROUP, NULL, NULL);
    if (section)
        begin_section(reader, group, line);
    else if (keys && keys[0])
        read_key(reader, file, keys[0], line);
}

static void read_lines(struct reader *reader, const char *bytes, size_t size)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors put this in front */
    const char *at = bytes, *end = bytes + size;

    if (size >= strlen(mark) && memcmp(at, mark, strlen(mark)) == 0)
        at += strlen(mark);
    for (unsigned line = 1; at < end; line++) {
        const char *feed = memchr(at, '\n', (size_t)(end - at)), *stop = feed ? feed : end;
        if (line > POLICY_LINES) {
            complain(reader, line, "more than %d lines", POLICY_LINES);
            return;
        }
        if (stop - at > POLICY_LINE_BYTES) {
            complain(reader, line, "a line of more than %d bytes", POLICY_LINE_BYTES);
        } else if (!g_utf8_validate(at, stop - at, NULL)) {
            complain(reader, line, "not UTF-8");
        } else {
            g_autofree char *text = g_strndup(at, (gsize)(stop - at));
            read_line(reader, text, line);
        }
        at = feed ? feed + 1 : end;
    }
}

static void problem_clear(void *data)
{
    g_free(((struct problem *)data)->text);
}

struct policy *policy_parse(const char *path, const char *folder, const void *bytes, size_t size, GError **error)
{
    g_autoptr(policy_auto) policy = policy_new(path);
    struct reader reader = {
        .policy = policy,
        .folder = folder,
        .problems = g_array_new(FALSE, FALSE, sizeof(struct problem)),
        .sections = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
        .keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };
    g_array_set_clear_func(reader.problems, problem_clear);
    if (size > POLICY_BYTES)
        complain(&reader, 1, "a policy of more than %zu bytes", POLICY_BYTES);
    else
        read_lines(&reader, bytes, size);
    end_section(&reader);
    gboolean good = reader.problems->len == 0;
    if (!good)
        tell_problems(&reader, error);
    g_array_unref(reader.problems);
    g_hash_table_unref(reader.sections);
    g_hash_table_unref(reader.keys);
    return good ? g_steal_pointer(&policy) : NULL;
}

struct policy *policy_load(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, POLICY_BYTES, error);
    if (!bytes)
        return NULL;
    gboolean standard = strcmp(path, "-") == 0;
    g_autofree char *folder = standard ? g_strdup(".") : g_path_get_dirname(path);
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    return policy_parse(file_name(path), folder, data, size, error);
}
