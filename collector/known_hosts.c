#include "known_hosts.h"

#include "error.h"
#include "file.h"
#include "text.h"
#include "wire.h"

#include <string.h>

#define SHA1_BYTES 20

enum marker { MARKER_NONE, MARKER_REVOKED, MARKER_AUTHORITY };

struct entry { /* one line */
    uint32_t file;
    uint32_t line;
    enum marker marker;
    const char *type; /* interned */
    uint8_t *key;
    size_t key_size;
    char *patterns; /* the host field, lower case, if names alone do not tell whom it is about; else NULL */
    uint8_t *hash;  /* salt and digest of a hashed name; else NULL */
};

struct blob { /* a public key, as the key of a hash table; its bytes are an entry's */
    const uint8_t *bytes;
    size_t size;
};

struct known_hosts {
    GPtrArray *files;        /* of char * */
    GArray *entries;         /* of struct entry */
    GHashTable *names;       /* plain name -> GArray of indexes of entries */
    GArray *patterns;        /* indexes of the entries that have patterns: every look-up walks through these */
    GArray *hashed;          /* of those that have a hash: only who finds nothing else walks through these */
    GHashTable *keys;        /* struct blob -> GArray of indexes of entries that have a hash */
    GPtrArray *hashed_types; /* of the keys in these, each once */
    uint64_t *digests;       /* computed up to now */
    GStringChunk *types;
    GPtrArray *warnings;
    unsigned passed_over;
};

/* By how much a line says about the host: see the header for what each may decide. */
enum rank { RANK_ADDRESS, RANK_ADDRESS_PORTLESS, RANK_NAME, RANK_NAME_PORTLESS, RANKS };

struct known_host {
    const struct known_hosts *known;
    char *names[RANKS];   /* lower case; NULL: there is no such rank */
    GArray *found[RANKS]; /* indexes of entries, ascending */
    gboolean complete;    /* the hashed ones among them */
};

static guint blob_hash(gconstpointer data)
{
    const struct blob *blob = data;
    guint hash = 5381;

    for (size_t i = 0; i < blob->size; i++)
        hash = hash * 33 + blob->bytes[i];
    return hash;
}

static gboolean blob_equal(gconstpointer a, gconstpointer b)
{
    const struct blob *left = a, *right = b;
    return left->size == right->size && memcmp(left->bytes, right->bytes, left->size) == 0;
}

static void entry_clear(void *data)
{
    struct entry *entry = data;
    g_free(entry->key);
    g_free(entry->patterns);
    g_free(entry->hash);
}

struct known_hosts *known_hosts_new(void)
{
    struct known_hosts *known = g_new0(struct known_hosts, 1);
    known->files = g_ptr_array_new_with_free_func(g_free);
    known->entries = g_array_new(FALSE, FALSE, sizeof(struct entry));
    g_array_set_clear_func(known->entries, entry_clear);
    known->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
    known->patterns = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    known->hashed = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    known->keys = g_hash_table_new_full(blob_hash, blob_equal, g_free, (GDestroyNotify)g_array_unref);
    known->hashed_types = g_ptr_array_new();
    known->digests = g_new0(uint64_t, 1);
    known->types = g_string_chunk_new(256);
    known->warnings = g_ptr_array_new_with_free_func(g_free);
    return known;
}

void known_hosts_free(struct known_hosts *known)
{
    if (!known)
        return;
    g_ptr_array_unref(known->files);
    g_hash_table_unref(known->keys); /* which speaks of bytes of the entries */
    g_array_unref(known->entries);
    g_hash_table_unref(known->names);
    g_array_unref(known->patterns);
    g_array_unref(known->hashed);
    g_ptr_array_unref(known->hashed_types);
    g_free(known->digests);
    g_string_chunk_free(known->types);
    g_ptr_array_unref(known->warnings);
    g_free(known);
}

uint64_t known_hosts_digests(const struct known_hosts *known)
{
    return *known->digests;
}

const GPtrArray *known_hosts_warnings(const struct known_hosts *known)
{
    return known->warnings;
}

static void warn(struct known_hosts *known, const char *path, unsigned line, const char *why)
{
    if (++known->passed_over <= KNOWN_HOSTS_WARNINGS) {
        g_autofree char *text = g_strdup_printf("%s:%u: %s; the line is passed over", path, line, why);
        g_ptr_array_add(known->warnings, text_clean(text, strlen(text)));
        return;
    }
    unsigned more = known->passed_over - KNOWN_HOSTS_WARNINGS;
    g_ptr_array_set_size(known->warnings, KNOWN_HOSTS_WARNINGS);
    g_autofree char *text = g_strdup_printf("%s:%u: and %u more lines are passed over", path, line, more);
    g_ptr_array_add(known->warnings, text_clean(text, strlen(text)));
}

/* Take the next word off ${*rest}: NULL at the end of the line. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " \t");
    char *end = word + strcspn(word, " \t");

    if (word == end)
        return NULL;
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

/* g_base64_decode() passes over what is not base64, and half a key must not become a key. */
static uint8_t *decode_base64(const char *text, size_t *size)
{
    size_t digits = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    size_t padding = strspn(text + digits, "=");

    if (text[digits + padding] != '\0' || (digits + padding) % 4 != 0 || digits == 0 || padding > 2)
        return NULL;
    gsize length = 0;
    uint8_t *bytes = g_base64_decode(text, &length);
    *size = length;
    return bytes;
}

static const char *parse_key(struct entry *entry, struct known_hosts *known, const char *type, const char *base64)
{
    struct wire blob, inner;

    if (strlen(base64) > KNOWN_HOSTS_KEY_BYTES)
        return "the key is longer than the limit";
    entry->key = decode_base64(base64, &entry->key_size);
    if (!entry->key)
        return "the key is not base64";
    blob = (struct wire){entry->key, entry->key_size};
    if (!wire_read_string(&blob, &inner) || blob.left == 0)
        return "the key is cut off";
    if (!wire_is(&inner, type))
        return "the key is of another type than the line says";
    entry->type = g_string_chunk_insert_const(known->types, type);
    return NULL;
}

/* "|1|salt|digest" */
static const char *parse_hash(struct entry *entry, const char *field)
{
    g_auto(GStrv) parts = g_strsplit(field, "|", 5);
    size_t salt_size = 0, digest_size = 0;

    if (g_strv_length(parts) != 4 || strcmp(parts[1], "1") != 0)
        return "the hashed name is not of the form |1|salt|digest";
    g_autofree uint8_t *salt = decode_base64(parts[2], &salt_size);
    g_autofree uint8_t *digest = decode_base64(parts[3], &digest_size);
    if (!salt || !digest || salt_size != SHA1_BYTES || digest_size != SHA1_BYTES)
        return "the hashed name is not of the form |1|salt|digest";
    entry->hash = g_malloc(2 * (gsize)SHA1_BYTES);
    memcpy(entry->hash, salt, SHA1_BYTES);
    memcpy(entry->hash + SHA1_BYTES, digest, SHA1_BYTES);
    return NULL;
}

static void index_name(struct known_hosts *known, const char *name, uint32_t index)
{
    GArray *indexes = g_hash_table_lookup(known->names, name);

    if (!indexes) {
        indexes = g_array_new(FALSE, FALSE, sizeof index);
        g_hash_table_insert(known->names, g_strdup(name), indexes);
    }
    g_array_append_val(indexes, index);
}

static void index_hashed(struct known_hosts *known, const struct entry *entry, uint32_t index)
{
    struct blob blob = {entry->key, entry->key_size};
    GArray *indexes = g_hash_table_lookup(known->keys, &blob);

    if (!indexes) {
        indexes = g_array_new(FALSE, FALSE, sizeof index);
        g_hash_table_insert(known->keys, g_memdup2(&blob, sizeof blob), indexes);
    }
    g_array_append_val(indexes, index);
    g_array_append_val(known->hashed, index);
    if (entry->marker == MARKER_NONE && !g_ptr_array_find(known->hashed_types, entry->type, NULL))
        g_ptr_array_add(known->hashed_types, (void *)entry->type);
}

static void index_entry(struct known_hosts *known, struct entry *entry, const char *field)
{
    uint32_t index = known->entries->len;

    if (!entry->hash && strpbrk(field, "*?!"))
        entry->patterns = g_ascii_strdown(field, -1);
    if (entry->hash) {
        index_hashed(known, entry, index);
    } else if (entry->patterns) {
        g_array_append_val(known->patterns, index);
    } else {
        g_autofree char *lower = g_ascii_strdown(field, -1);
        g_auto(GStrv) names = g_strsplit(lower, ",", -1);
        for (char **name = names; *name; name++)
            if (**name)
                index_name(known, *name, index);
    }
    g_array_append_vals(known->entries, entry, 1);
}

static gboolean is_number(const char *text)
{
    return *text && text[strspn(text, "0123456789")] == '\0';
}

static const char *parse_marker(enum marker *marker, const char *word)
{
    if (strcmp(word, "@revoked") == 0)
        *marker = MARKER_REVOKED;
    else if (strcmp(word, "@cert-authority") == 0)
        *marker = MARKER_AUTHORITY;
    else
        return "the marker is neither @revoked nor @cert-authority";
    return NULL;
}

/* NULL if ${line} (which is taken apart) was understood, else why not. */
static const char *parse_line(struct known_hosts *known, char *line, struct entry *entry)
{
    const char *why = NULL;
    char *field = next_word(&line);

    if (field && *field == '@') {
        why = parse_marker(&entry->marker, field);
        if (why)
            return why;
        field = next_word(&line);
    }
    const char *type = next_word(&line);
    const char *base64 = next_word(&line);
    if (!field || !type)
        return "there is no key";
    if (is_number(type))
        return "a key of SSH protocol 1";
    if (!base64)
        return "there is no key";
    why = parse_key(entry, known, type, base64);
    if (!why && *field == '|')
        why = parse_hash(entry, field);
    if (!why)
        index_entry(known, entry, field);
    return why;
}

void known_hosts_parse(struct known_hosts *known, const char *name, const void *bytes, size_t size)
{
    const char *at = bytes;
    const char *end = at + size;

    g_ptr_array_add(known->files, g_strdup(name));
    for (unsigned number = 1; at < end; number++) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((line_end ? line_end : end) - at);
        const char *start = at;
        at = line_end ? line_end + 1 : end;

        while (length > 0 && (start[length - 1] == '\r' || start[length - 1] == ' ' || start[length - 1] == '\t'))
            length--;
        while (length > 0 && (*start == ' ' || *start == '\t')) {
            start++;
            length--;
        }
        if (length == 0 || *start == '#')
            continue;
        if (known->entries->len == KNOWN_HOSTS_LINES) {
            warn(known, name, number, "more lines than the limit");
            return;
        }
        const char *why = NULL;
        struct entry entry = {.file = known->files->len - 1, .line = number};
        if (length > KNOWN_HOSTS_LINE_BYTES) {
            why = "longer than the limit";
        } else if (memchr(start, '\0', length)) {
            why = "there is a NUL in it";
        } else {
            g_autofree char *line = g_strndup(start, length);
            why = parse_line(known, line, &entry);
        }
        if (why) {
            warn(known, name, number, why);
            entry_clear(&entry);
        }
    }
}

gboolean known_hosts_load(struct known_hosts *known, const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read_regular(path, KNOWN_HOSTS_FILE_BYTES, error);

    if (!bytes)
        return FALSE;
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    known_hosts_parse(known, path, data, size);
    return TRUE;
}

/* Looking up. */

/* "*" and "?" as in ssh; without recursion, so a line of stars costs no more than its length times the name's. */
static gboolean wildcard_matches(const char *pattern, size_t length, const char *name)
{
    const char *end = pattern + length;
    const char *star = NULL, *star_name = NULL;

    while (*name) {
        if (pattern < end && *pattern == '*') {
            star = pattern++;
            star_name = name;
        } else if (pattern < end && (*pattern == '?' || *pattern == *name)) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++star_name;
        } else {
            return FALSE;
        }
    }
    while (pattern < end && *pattern == '*')
        pattern++;
    return pattern == end;
}

/* "a*,!ab": one pattern has to match and no negated one may. */
static gboolean patterns_match(const char *patterns, const char *name)
{
    gboolean matches = FALSE;

    for (const char *at = patterns;; at++) {
        size_t length = strcspn(at, ",");
        gboolean negated = *at == '!';
        if (length > (negated ? 1 : 0) && wildcard_matches(at + negated, length - negated, name)) {
            if (negated)
                return FALSE;
            matches = TRUE;
        }
        at += length;
        if (!*at)
            return matches;
    }
}

static gboolean hash_matches(const struct known_hosts *known, const uint8_t *hash, const char *name)
{
    uint8_t digest[SHA1_BYTES];
    gsize size = sizeof digest;
    g_autoptr(GHmac) hmac = g_hmac_new(G_CHECKSUM_SHA1, hash, SHA1_BYTES);

    (*known->digests)++;

    g_hmac_update(hmac, (const guchar *)name, -1);
    g_hmac_get_digest(hmac, digest, &size);
    return memcmp(digest, hash + SHA1_BYTES, SHA1_BYTES) == 0;
}

static int compare_indexes(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;
    return *left < *right ? -1 : *left > *right;
}

/* But for the hashed ones. */
static GArray *find_entries(const struct known_hosts *known, const char *name)
{
    GArray *found = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    const GArray *plain = g_hash_table_lookup(known->names, name);

    if (plain)
        g_array_append_vals(found, plain->data, plain->len);
    for (guint i = 0; i < known->patterns->len; i++) {
        uint32_t index = g_array_index(known->patterns, uint32_t, i);
        if (patterns_match(g_array_index(known->entries, struct entry, index).patterns, name))
            g_array_append_val(found, index);
    }
    g_array_sort(found, compare_indexes);
    return found;
}

static void set_name(struct known_host *host, enum rank rank, const char *name)
{
    host->names[rank] = g_strdup(name);
    host->found[rank] = find_entries(host->known, name);
}

static void set_names(struct known_host *host, enum rank rank, const char *name, uint16_t port)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);
    g_autofree char *with_port = port != 22 ? g_strdup_printf("[%s]:%u", lower, port) : NULL;

    set_name(host, rank, with_port ? with_port : lower);
    if (with_port)
        set_name(host, rank + 1, lower);
}

/* Add those of the hashed entries that speak of the host. */
static void add_hashed(struct known_host *host, const GArray *indexes)
{
    for (guint i = 0; i < indexes->len; i++) {
        uint32_t index = g_array_index(indexes, uint32_t, i);
        const struct entry *entry = &g_array_index(host->known->entries, struct entry, index);
        gboolean matches = FALSE; /* a hash is of one name */
        for (enum rank rank = 0; rank < RANKS && !matches; rank++) {
            matches = host->names[rank] && hash_matches(host->known, entry->hash, host->names[rank]);
            if (matches && !g_array_binary_search(host->found[rank], &index, compare_indexes, NULL)) {
                g_array_append_val(host->found[rank], index);
                g_array_sort(host->found[rank], compare_indexes);
            }
        }
    }
}

/* TRUE if there was something to do. */
static gboolean complete(struct known_host *host)
{
    gboolean before = host->complete || host->known->hashed->len == 0;

    if (!before)
        add_hashed(host, host->known->hashed);
    host->complete = TRUE;
    return !before;
}

static const struct entry *entry_at(const struct known_host *host, enum rank rank, guint i)
{
    uint32_t index = g_array_index(host->found[rank], uint32_t, i);
    return &g_array_index(host->known->entries, struct entry, index);
}

static guint entries_of(const struct known_host *host, enum rank rank)
{
    return host->found[rank] ? host->found[rank]->len : 0;
}

static gboolean has_keys(const struct known_host *host, enum rank rank)
{
    for (guint i = 0; i < entries_of(host, rank); i++)
        if (entry_at(host, rank, i)->marker == MARKER_NONE)
            return TRUE;
    return FALSE;
}

struct known_host *known_host_find(const struct known_hosts *known, const char *address, const char *name,
                                   uint16_t port)
{
    struct known_host *host = g_new0(struct known_host, 1);

    host->known = known;
    set_names(host, RANK_ADDRESS, address, port);
    if (name && g_ascii_strcasecmp(name, address) != 0)
        set_names(host, RANK_NAME, name, port);
    return host;
}

void known_host_free(struct known_host *host)
{
    if (!host)
        return;
    for (int rank = 0; rank < RANKS; rank++) {
        g_free(host->names[rank]);
        if (host->found[rank])
            g_array_unref(host->found[rank]);
    }
    g_free(host);
}

/* Cheap and strong ones first. */
static const char *const preferred_types[] = {
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
};

static guint preference(const char *type)
{
    guint i = 0;
    while (i < G_N_ELEMENTS(preferred_types) && strcmp(preferred_types[i], type) != 0)
        i++;
    return i;
}

static int compare_types(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    guint l = preference(*left), r = preference(*right);
    return l != r ? (l < r ? -1 : 1) : strcmp(*left, *right);
}

static void add_type(GPtrArray *types, const char *type)
{
    if (!g_ptr_array_find(types, type, NULL))
        g_ptr_array_add(types, (void *)type);
}

const char **known_host_types(const struct known_host *host)
{
    g_autoptr(GPtrArray) possible = g_ptr_array_new();
    GPtrArray *types = g_ptr_array_new();
    /* Where the address decides, keys under the name don't count. */
    enum rank end = has_keys(host, RANK_ADDRESS) ? RANK_NAME : RANKS;

    for (enum rank rank = 0; rank < end; rank++)
        for (guint i = 0; i < entries_of(host, rank); i++) {
            const struct entry *entry = entry_at(host, rank, i);
            if (entry->marker == MARKER_NONE)
                add_type(types, entry->type);
        }
    g_ptr_array_sort(types, compare_types);
    /* Each of the hashed keys may be the host's. */
    for (guint i = 0; !host->complete && i < host->known->hashed_types->len; i++)
        g_ptr_array_add(possible, host->known->hashed_types->pdata[i]);
    g_ptr_array_sort(possible, compare_types);
    for (guint i = 0; i < possible->len; i++)
        add_type(types, possible->pdata[i]);
    g_ptr_array_add(types, NULL);
    return (const char **)g_ptr_array_free(types, FALSE);
}

static void answer_set(struct known_hosts_answer *answer, const struct known_host *host,
                       enum known_hosts_verdict verdict, const struct entry *entry)
{
    answer->verdict = verdict;
    answer->path = g_ptr_array_index(host->known->files, entry->file);
    answer->line = entry->line;
}

static gboolean has_key(const struct entry *entry, const void *key, size_t size)
{
    return entry->key_size == size && memcmp(entry->key, key, size) == 0;
}

/* Revoked keys and authorities count wherever the host is found. */
static gboolean check_markers(struct known_hosts_answer *answer, const struct known_host *host, const void *key,
                              size_t size)
{
    for (enum rank rank = 0; rank < RANKS; rank++)
        for (guint i = 0; i < entries_of(host, rank); i++) {
            const struct entry *entry = entry_at(host, rank, i);
            if (entry->marker == MARKER_REVOKED && has_key(entry, key, size)) {
                answer_set(answer, host, KNOWN_HOSTS_REVOKED, entry);
                return TRUE;
            }
            if (entry->marker == MARKER_AUTHORITY && !answer->authority_path) {
                answer->authority_path = g_ptr_array_index(host->known->files, entry->file);
                answer->authority_line = entry->line;
            }
        }
    return FALSE;
}

/* TRUE if the lines of this rank settle it. */
static gboolean check_rank(struct known_hosts_answer *answer, const struct known_host *host, enum rank rank,
                           const void *key, size_t size)
{
    gboolean may_contradict = rank == RANK_ADDRESS || rank == RANK_NAME;
    struct wire blob = {key, size}, type;
    const struct entry *other = NULL;

    if (!wire_read_string(&blob, &type))
        type = (struct wire){NULL, 0};
    for (guint i = 0; i < entries_of(host, rank); i++) {
        const struct entry *entry = entry_at(host, rank, i);
        if (entry->marker != MARKER_NONE)
            continue;
        if (has_key(entry, key, size)) {
            answer_set(answer, host, KNOWN_HOSTS_MATCH, entry);
            return TRUE;
        }
        if (!other || (!wire_is(&type, other->type) && wire_is(&type, entry->type)))
            other = entry;
    }
    if (!other || !may_contradict)
        return FALSE;
    answer_set(answer, host, KNOWN_HOSTS_CHANGED, other);
    answer->same_type = wire_is(&type, other->type);
    return TRUE;
}

/* Whether one of the lines that settle it alone confirms the key: those with the address, and the port if there is one.
 */
static gboolean is_confirmed(const struct known_host *host, const void *key, size_t size)
{
    for (guint i = 0; i < entries_of(host, RANK_ADDRESS); i++) {
        const struct entry *entry = entry_at(host, RANK_ADDRESS, i);
        if (entry->marker == MARKER_NONE && has_key(entry, key, size))
            return TRUE;
    }
    return FALSE;
}

/*
 * Hashing is what costs: one digest for each name and line.  So of the hashed lines first only those with this very key
 * are looked at.  They tell whether it is revoked, and nearly always whether it is right; else, and for what to say of
 * a wrong one, all others are looked at too.
 */
void known_host_check(struct known_hosts_answer *answer, struct known_host *host, const void *key, size_t size)
{
    struct blob blob = {key, size};
    const GArray *same = g_hash_table_lookup(host->known->keys, &blob);
    gboolean completed = FALSE;

    *answer = (struct known_hosts_answer){.verdict = KNOWN_HOSTS_UNKNOWN};
    if (same && !host->complete)
        add_hashed(host, same);
    if (check_markers(answer, host, key, size))
        return;
    if (!is_confirmed(host, key, size)) {
        completed = complete(host);
        *answer = (struct known_hosts_answer){.verdict = KNOWN_HOSTS_UNKNOWN};
        check_markers(answer, host, key, size);
    }
    for (enum rank rank = 0; rank < RANKS; rank++)
        if (check_rank(answer, host, rank, key, size))
            break;
    if (completed && answer->verdict == KNOWN_HOSTS_CHANGED && !answer->same_type) {
        g_autofree const char **types = known_host_types(host);
        answer->ask_for = types[0];
    }
}
