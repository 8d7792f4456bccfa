#include "listing.h"

#include "certificate.h"
#include "moment.h"
#include "text.h"

#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

#define DASHES        32  /* make a line that stands above an entry of the old style; 76 were seen */
#define MESSAGE_CHARS 300 /* of a message that is handed on */

enum field {
    FIELD_OTHER,
    FIELD_VERSION,
    FIELD_SUBJECT,
    FIELD_ISSUER,
    FIELD_SERIAL,
    FIELD_NOT_BEFORE,
    FIELD_NOT_AFTER,
    FIELD_KEY,
    FIELD_SIGNATURE,
    FIELD_EXTENSIONS,
    FIELD_KEY_ID,
    FIELD_CONSTRAINTS,
    FIELD_MD5,
    FIELD_SHA1,
    FIELD_SHA256,
};

enum place { ANYWHERE, OUTSIDE, INSIDE }; /* where a key counts: extensions may repeat the words of the others */

static const struct key {
    const char *label;
    enum field field;
    enum place place;
    gboolean old;
} keys[] = {
    {"Version", FIELD_VERSION, OUTSIDE, FALSE},
    {"Subject", FIELD_SUBJECT, OUTSIDE, FALSE},
    {"Issuer", FIELD_ISSUER, OUTSIDE, FALSE},
    {"Serial Number", FIELD_SERIAL, OUTSIDE, FALSE},
    {"Serialno", FIELD_SERIAL, OUTSIDE, TRUE},
    {"Validity not before", FIELD_NOT_BEFORE, OUTSIDE, FALSE},
    {"Validity  -  NotBefore", FIELD_NOT_BEFORE, OUTSIDE, TRUE},
    {"NotBefore", FIELD_NOT_BEFORE, OUTSIDE, TRUE},
    {"Validity not after", FIELD_NOT_AFTER, OUTSIDE, FALSE},
    {"NotAfter", FIELD_NOT_AFTER, OUTSIDE, TRUE},
    {"Public key", FIELD_KEY, OUTSIDE, FALSE},
    {"KeyInfo", FIELD_KEY, OUTSIDE, TRUE},
    {"Signature algorithm", FIELD_SIGNATURE, OUTSIDE, FALSE},
    {"Extensions", FIELD_EXTENSIONS, OUTSIDE, FALSE},
    {"Subject Key Identifier", FIELD_KEY_ID, INSIDE, FALSE},
    {"Basic Constraints", FIELD_CONSTRAINTS, INSIDE, FALSE},
    {"Certificate fingerprint (MD5)", FIELD_MD5, ANYWHERE, FALSE},
    {"Certificate fingerprint (SHA1)", FIELD_SHA1, ANYWHERE, FALSE},
    {"Certificate fingerprint (SHA256)", FIELD_SHA256, ANYWHERE, FALSE},
};

struct parser {
    struct listing *listing;
    struct listing_entry *entry; /* that is being read, or NULL */
    gboolean entry_old;
    gboolean dashed; /* the line above is dashes */
    gboolean in_extensions;
    enum field field;  /* of the line above: a line without a colon belongs to it */
    uint64_t elements; /* number of the last "Element #" */
};

static void entry_free(void *data)
{
    struct listing_entry *entry = data;
    g_free(entry->subject);
    g_free(entry->issuer);
    g_free(entry->serial);
    g_free(entry->sha256);
    g_free(entry->sha1);
    g_free(entry->md5);
    g_free(entry->subject_key_id);
    g_free(entry->key);
    g_free(entry->signature_algorithm);
    g_free(entry);
}

void listing_free(struct listing *listing)
{
    if (!listing)
        return;
    g_ptr_array_unref(listing->entries);
    g_free(listing->message);
    g_free(listing);
}

/* Values */

/* "2F:7B:1B", "2F7B 1B" as lower case hex digits: ${digits} of them, or any number if that is 0.  NULL if it is not. */
static char *read_hex(const char *value, size_t digits)
{
    g_autoptr(GString) out = g_string_new(NULL);

    for (; *value; value++) {
        if (g_ascii_isxdigit(*value))
            g_string_append_c(out, g_ascii_tolower(*value));
        else if (*value != ':' && *value != ' ')
            return NULL;
    }
    if (out->len == 0 || (digits && out->len != digits))
        return NULL;
    return g_strdup(out->str);
}

static int two_digits(const char *at)
{
    return (at[0] - '0') * 10 + at[1] - '0';
}

/* "Thu Jan  1 00:00:00 2026 (260101000000Z)": what stands in front is local time and not read. */
static int64_t read_time(const char *value)
{
    const char *open = strrchr(value, '(');
    size_t digits = open ? strspn(open + 1, "0123456789") : 0;
    if ((digits != 12 && digits != 14) || !g_str_equal(open + 1 + digits, "Z)"))
        return MOMENT_NONE;

    const char *at = open + 1;
    int year = two_digits(at);
    at += 2;
    if (digits == 14) {
        year = year * 100 + two_digits(at);
        at += 2;
    } else {
        year += year < 50 ? 2000 : 1900; /* RFC 5280, 4.1.2.5.1 */
    }
    return moment_from_civil(year, two_digits(at), two_digits(at + 2), two_digits(at + 4), two_digits(at + 6),
                             two_digits(at + 8));
}

/* "rsaEncryption (2048 bits)" and "RSA, 2048-bit" are what DER calls "RSA 2048"; of others no listing was seen. */
static char *read_key(const char *value)
{
    size_t begin = strcspn(value, "0123456789"), digits = strspn(value + begin, "0123456789");
    const char *unit = value + begin + digits;

    if (g_ascii_strncasecmp(value, "rsa", 3) == 0 && digits > 0 && digits < 6 &&
        (g_str_has_prefix(unit, " bit") || g_str_has_prefix(unit, "-bit")))
        return g_strdup_printf("RSA %.*s", (int)digits, value + begin);
    return g_strdup(value);
}

/* "sha256WithRsaEncryption (1.2.840.113549.1.1.11)": by its number, if OpenSSL has a name for that. */
static char *read_signature(const char *value)
{
    const char *open = strrchr(value, '(');
    size_t length = open ? strspn(open + 1, "0123456789.") : 0;
    char *name = NULL;

    if (length > 0 && length < 64 && g_str_equal(open + 1 + length, ")")) {
        g_autofree char *oid = g_strndup(open + 1, length);
        int nid = OBJ_txt2nid(oid);
        if (nid != NID_undef)
            name = g_strdup(OBJ_nid2ln(nid));
        ERR_clear_error();
    }
    return name ? name : g_strdup(value);
}

/* "Critical: CA".  How a certificate that is none is printed was not seen: "no CA", "CA: FALSE" are not taken for one.
 */
static gboolean read_ca(const char *value)
{
    g_auto(GStrv) words = g_strsplit_set(value, " :,=", -1);
    gboolean ca = FALSE;

    for (char **word = words; *word; word++) {
        ca = ca || g_str_equal(*word, "CA");
        if (g_ascii_strcasecmp(*word, "no") == 0 || g_ascii_strcasecmp(*word, "not") == 0 ||
            g_ascii_strcasecmp(*word, "false") == 0)
            return FALSE;
    }
    return ca;
}

/* Entries */

static void end_entry(struct parser *parser)
{
    struct listing_entry *entry = g_steal_pointer(&parser->entry);
    if (!entry)
        return;
    /* It is whole if it has a name and what is printed last. */
    gboolean whole =
        entry->subject &&
        (entry->sha256 || (parser->entry_old && entry->issuer && entry->serial && entry->not_after != MOMENT_NONE));
    if (!whole)
        parser->listing->torn = TRUE;
    if (whole || (entry->subject && (entry->sha1 || entry->md5)))
        g_ptr_array_add(parser->listing->entries, entry);
    else
        entry_free(entry);
}

static void begin_entry(struct parser *parser)
{
    end_entry(parser);
    if (parser->listing->entries->len >= CERTIFICATE_LIST) {
        parser->listing->torn = TRUE;
        return;
    }
    parser->entry = g_new0(struct listing_entry, 1);
    parser->entry->not_before = MOMENT_NONE;
    parser->entry->not_after = MOMENT_NONE;
    parser->entry_old = FALSE;
    parser->in_extensions = FALSE;
    parser->field = FIELD_OTHER;
}

/* A field that comes twice means that two entries ran into one another. */
static void set(struct parser *parser, char **field, char *value)
{
    if (*field)
        parser->listing->torn = TRUE;
    else
        *field = g_steal_pointer(&value);
    g_free(value);
}

static void set_digest(struct parser *parser, char **field, const char *value, size_t digits)
{
    char *hex = read_hex(value, digits);
    parser->in_extensions = FALSE; /* fingerprints stand behind them */
    if (!hex)
        parser->listing->torn = TRUE;
    else
        set(parser, field, hex);
}

static void take_field(struct parser *parser, enum field field, const char *value)
{
    struct listing_entry *entry = parser->entry;

    switch (field) {
    case FIELD_SUBJECT:
        set(parser, &entry->subject, g_strdup(value));
        break;
    case FIELD_ISSUER:
        set(parser, &entry->issuer, g_strdup(value));
        break;
    case FIELD_SERIAL:
        set(parser, &entry->serial, g_strdup(value));
        break;
    case FIELD_NOT_BEFORE:
        entry->not_before = read_time(value);
        break;
    case FIELD_NOT_AFTER:
        entry->not_after = read_time(value);
        break;
    case FIELD_KEY:
        set(parser, &entry->key, read_key(value));
        break;
    case FIELD_SIGNATURE:
        set(parser, &entry->signature_algorithm, read_signature(value));
        break;
    case FIELD_EXTENSIONS:
        parser->in_extensions = TRUE;
        break;
    case FIELD_KEY_ID:
        set(parser, &entry->subject_key_id, read_hex(value, 0));
        break;
    case FIELD_CONSTRAINTS:
        entry->ca = read_ca(value);
        break;
    case FIELD_MD5:
        set_digest(parser, &entry->md5, value, 32);
        break;
    case FIELD_SHA1:
        set_digest(parser, &entry->sha1, value, 40);
        break;
    case FIELD_SHA256:
        set_digest(parser, &entry->sha256, value, 64);
        break;
    case FIELD_VERSION: /* the first field of an entry */
        parser->listing->torn = parser->listing->torn || entry->subject;
        break;
    case FIELD_OTHER:
        break;
    }
}

static const struct key *find_key(const char *label, size_t length, gboolean in_extensions)
{
    for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
        const struct key *key = &keys[i];
        if (strlen(key->label) == length && memcmp(key->label, label, length) == 0 &&
            (key->place == ANYWHERE || (key->place == INSIDE) == in_extensions))
            return key;
    }
    return NULL;
}

/* Lines */

static gboolean is_any_in(const char *const *words, const char *line)
{
    for (; *words; words++)
        if (strstr(line, *words))
            return TRUE;
    return FALSE;
}

#define WRONG_PIN  "(Wrong PIN/Passphrase)"
#define DAMAGED    "(Decoding error)"
#define NO_LIBRARY "error while loading shared libraries"

static const char *const errors[] = {
    ": ERROR --",
    "Couldn't open PSE",
    "no PSE name supplied",
    "No SSO credentials available",
    WRONG_PIN,
    DAMAGED,
    NO_LIBRARY,
    NULL,
};

/* Answers of commands that write, and of those that show the own certificate. */
static gboolean is_foreign(const char *line)
{
    return g_str_has_prefix(line, "PKList updated (") || g_str_has_prefix(line, "CA-Response successfully imported") ||
           (g_str_has_prefix(line, "PSE \"") && strstr(line, "\" was written")) ||
           g_str_has_prefix(line, "MY Certificate:") || g_str_has_prefix(line, "FCPath certificate") ||
           g_str_has_prefix(line, "PKRoot Certificate:") || g_str_equal(line, "Certificate:");
}

/* Said in passing, whether or not there is a listing. */
static const char *const remarks[] = {"SSO for USER", "with PSE file", NULL};

/* A line that is no part of a listing: what it says is of interest if there is none. */
static void read_stray(struct parser *parser, const char *line)
{
    struct listing *listing = parser->listing;
    gboolean error = is_any_in(errors, line);

    if (is_foreign(line))
        listing->foreign = TRUE;
    if (is_any_in(remarks, line) || (parser->entry && !error))
        return;
    if (!listing->message || (error && !listing->failed)) {
        g_free(listing->message);
        listing->message =
            g_utf8_strlen(line, -1) > MESSAGE_CHARS ? g_utf8_substring(line, 0, MESSAGE_CHARS) : g_strdup(line);
    }
    listing->failed = listing->failed || error;
}

/* The question for the PIN, with stars behind it or nothing, and perhaps the title in the same line. */
static const char *skip_prompt(struct parser *parser, const char *line)
{
    static const char *const prompts[] = {"Please enter PSE PIN/Passphrase:", "Please enter PIN:"};
    for (size_t i = 0; i < G_N_ELEMENTS(prompts); i++) {
        if (g_str_has_prefix(line, prompts[i])) {
            parser->listing->asks_pin = TRUE;
            line += strlen(prompts[i]);
            return line + strspn(line, " *");
        }
    }
    return line;
}

static gboolean read_element(struct parser *parser, const char *line)
{
    if (!parser->listing->listed || !g_str_has_prefix(line, "Element #"))
        return FALSE;
    char *end;
    uint64_t number = g_ascii_strtoull(line + 9, &end, 10);
    if (end == line + 9 || !g_str_equal(end, ":"))
        return FALSE;
    begin_entry(parser);
    if (number != parser->elements + 1)
        parser->listing->torn = TRUE;
    parser->elements = number;
    return TRUE;
}

/* "key: value" up to the first colon; a line without one continues the line above. */
static void read_field(struct parser *parser, const char *line)
{
    struct listing *listing = parser->listing;
    const char *colon = strchr(line, ':');
    size_t length = colon ? (size_t)(colon - line) : 0;
    const struct key *key;

    while (length > 0 && line[length - 1] == ' ')
        length--;
    key = colon ? find_key(line, length, parser->entry && parser->in_extensions) : NULL;
    if (!parser->entry && key && (listing->listed || parser->dashed) &&
        (key->field == FIELD_VERSION || key->field == FIELD_SUBJECT))
        begin_entry(parser);
    if (!parser->entry || (colon && !key)) {
        parser->field = FIELD_OTHER;
        read_stray(parser, line);
        return;
    }
    if (!colon) {
        if (parser->field == FIELD_CONSTRAINTS && read_ca(line))
            parser->entry->ca = TRUE;
        else
            read_stray(parser, line);
        return;
    }
    parser->field = key->field;
    parser->entry_old = parser->entry_old || key->old;
    listing->old = listing->old || key->old;
    take_field(parser, key->field, colon + 1 + strspn(colon + 1, " "));
}

static void read_line(struct parser *parser, const char *bytes, size_t size)
{
    struct listing *listing = parser->listing;
    if (size > LISTING_LINE_BYTES) {
        listing->torn = TRUE;
        size = LISTING_LINE_BYTES;
    }
    g_autofree char *clean = text_clean(bytes, size);
    const char *line = skip_prompt(parser, g_strstrip(clean));

    if (*line == '\0') {
        end_entry(parser);
    } else if (g_str_has_prefix(line, "maintain_pk for PSE \"")) {
        end_entry(parser);
        listing->titled = TRUE;
    } else if (g_str_has_prefix(line, "PKList:")) {
        end_entry(parser);
        listing->listed = TRUE;
        parser->elements = 0;
    } else if (strspn(line, "-") == strlen(line) && strlen(line) >= DASHES) {
        end_entry(parser);
        parser->dashed = TRUE;
        return;
    } else if (!read_element(parser, line)) {
        read_field(parser, line);
    }
    parser->dashed = FALSE;
}

struct listing *listing_new(void)
{
    struct listing *listing = g_new0(struct listing, 1);
    listing->entries = g_ptr_array_new_with_free_func(entry_free);
    return listing;
}

struct listing *listing_parse(const void *bytes, size_t size)
{
    struct listing *listing = listing_new();
    struct parser parser = {.listing = listing};
    const char *at = bytes;

    if (size > CERTIFICATE_LIST_BYTES) {
        listing->torn = TRUE;
        size = CERTIFICATE_LIST_BYTES;
    }
    while (size > 0) {
        const char *feed = memchr(at, '\n', size);
        size_t length = feed ? (size_t)(feed - at) : size;
        size_t text = length > 0 && at[length - 1] == '\r' ? length - 1 : length;
        read_line(&parser, at, text);
        length += feed ? 1 : 0;
        at += length;
        size -= length;
    }
    end_entry(&parser);
    return listing;
}

/* Why a listing that was not shown was not shown. */
static char *explain(const struct listing *listing, int64_t status)
{
    const char *message = listing->message;

    if (message && strstr(message, WRONG_PIN))
        return g_strdup("PIN needed");
    if (message && strstr(message, DAMAGED))
        return g_strdup_printf("damaged: %s", message);
    if (status == 126 || status == 127 || (message && strstr(message, NO_LIBRARY)))
        return g_strdup_printf("sapgenpse could not be run: %s", message ? message : "no message");
    if (listing->asks_pin && !listing->failed && !(listing->titled && status == 0))
        return g_strdup("PIN needed");
    if (status > 128)
        return g_strdup_printf("sapgenpse was stopped: status %" G_GINT64_FORMAT, status);
    if (status == 0 && listing->foreign)
        return g_strdup("this is no listing of a trust list");
    if (status == 0 && listing->titled)
        return g_strdup("no list shown");
    if (message)
        return g_strdup_printf("sapgenpse: %s", message);
    return g_strdup_printf("sapgenpse said nothing: status %" G_GINT64_FORMAT, status);
}

char *listing_judge(const struct listing *listing, int64_t status, enum audit_reading *reading)
{
    gboolean guessed = !listing->listed && listing->old && listing->entries->len > 0;

    *reading = READING_NONE;
    if (status != 0 || listing->foreign || (!listing->listed && !guessed))
        return explain(listing, status);
    *reading = listing->torn || guessed ? READING_PARTLY : READING_LISTING;
    if (listing->torn)
        return g_strdup("the listing is cut off or damaged");
    if (listing->old)
        return g_strdup("old style, unproved");
    return listing->entries->len ? NULL : g_strdup("list shown without entries");
}

/* For another process. */

void listing_pack(GByteArray *out, const struct listing *listing)
{
    pack_number(out, listing->titled);
    pack_number(out, listing->listed);
    pack_number(out, listing->old);
    pack_number(out, listing->torn);
    pack_number(out, listing->asks_pin);
    pack_number(out, listing->foreign);
    pack_number(out, listing->failed);
    pack_text(out, listing->message);
}

void listing_unpack(struct listing *listing, struct unpack *unpack)
{
    listing->titled = (gboolean)unpack_number(unpack, FALSE, TRUE);
    listing->listed = (gboolean)unpack_number(unpack, FALSE, TRUE);
    listing->old = (gboolean)unpack_number(unpack, FALSE, TRUE);
    listing->torn = (gboolean)unpack_number(unpack, FALSE, TRUE);
    listing->asks_pin = (gboolean)unpack_number(unpack, FALSE, TRUE);
    listing->foreign = (gboolean)unpack_number(unpack, FALSE, TRUE);
    listing->failed = (gboolean)unpack_number(unpack, FALSE, TRUE);
    g_free(listing->message);
    listing->message = g_strdup(unpack_text(unpack));
}

void listing_pack_entry(GByteArray *out, const struct listing_entry *entry)
{
    pack_text(out, entry->subject);
    pack_text(out, entry->issuer);
    pack_text(out, entry->serial);
    pack_number(out, entry->not_before);
    pack_number(out, entry->not_after);
    pack_text(out, entry->sha256);
    pack_text(out, entry->sha1);
    pack_text(out, entry->md5);
    pack_text(out, entry->subject_key_id);
    pack_text(out, entry->key);
    pack_text(out, entry->signature_algorithm);
    pack_number(out, entry->ca);
}

void listing_unpack_entry(struct listing *listing, struct unpack *unpack)
{
    struct listing_entry *entry = g_new0(struct listing_entry, 1);

    g_ptr_array_add(listing->entries, entry);
    entry->subject = g_strdup(unpack_text(unpack));
    entry->issuer = g_strdup(unpack_text(unpack));
    entry->serial = g_strdup(unpack_text(unpack));
    entry->not_before = unpack_moment(unpack);
    entry->not_after = unpack_moment(unpack);
    entry->sha256 = g_strdup(unpack_text(unpack));
    entry->sha1 = g_strdup(unpack_text(unpack));
    entry->md5 = g_strdup(unpack_text(unpack));
    entry->subject_key_id = g_strdup(unpack_text(unpack));
    entry->key = g_strdup(unpack_text(unpack));
    entry->signature_algorithm = g_strdup(unpack_text(unpack));
    entry->ca = (gboolean)unpack_number(unpack, FALSE, TRUE);
    unpack->bad = unpack->bad || !entry->subject; /* an entry without is none */
}
