#include "pool.h"

#include "certificate.h"
#include "certificate_worker.h"
#include "der.h"
#include "error.h"
#include "file.h"
#include "listing.h"
#include "moment.h"
#include "name.h"
#include "reference.h"
#include "text.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

struct entry { /* what the pool knows of a certificate beside the audit */
    struct audit_cert *cert;
    char *subject_key;
    char *issuer_key;
    char *serial_key; /* of issuer and number together */
    char *authority_key_id;
};

struct pool {
    struct audit *audit;
    GHashTable *entries;                      /* struct audit_cert * -> struct entry * */
    GHashTable *by_sha256, *by_sha1, *by_md5; /* digest -> struct entry * */
    GHashTable *by_serial, *by_subject;       /* key -> GPtrArray of struct entry * */
    GHashTable *by_key_id;                    /* subject key identifier -> likewise */
    GHashTable *holders;                      /* struct audit_cert * -> number, see pool_holders(); or NULL */
    GHashTable *wanted;                       /* set of struct audit_cert *, see pool_want() */
    GHashTable *lists;                        /* GBytes, see list_identity() -> struct audit_list * */
    GHashTable *issued;                       /* struct pair * -> GINT_TO_POINTER(gboolean) */
    struct signatures *signatures;
    EVP_MD *sha256, *sha1, *md5; /* found once; NULL: a library in FIPS mode has no MD5 */
    GHashTable *public;          /* struct audit_cert * that only the system's bundle had when it was read */
    GHashTable *shown;           /* GBytes * -> int64_t *: kept by pool_add_shown() */
    unsigned shown_more;         /* beyond POOL_SHOWN */
    struct workers *workers;     /* who reads certificates; NULL: this process does */
    GHashTable *prepared;        /* SHA-256 -> struct certificate *: read and not used yet; NULL: it can't be parsed */
    GHashTable *poison;          /* SHA-256 -> why: the parser failed with it */
};

struct pair {
    const struct audit_cert *issuer, *subject;
};

static guint pair_hash(const void *data)
{
    const struct pair *pair = data;
    return g_direct_hash(pair->issuer) * 31 + g_direct_hash(pair->subject);
}

static gboolean pair_equal(const void *a, const void *b)
{
    const struct pair *left = a, *right = b;
    return left->issuer == right->issuer && left->subject == right->subject;
}

static void entry_clear(struct entry *entry)
{
    g_clear_pointer(&entry->subject_key, g_free);
    g_clear_pointer(&entry->issuer_key, g_free);
    g_clear_pointer(&entry->serial_key, g_free);
    g_clear_pointer(&entry->authority_key_id, g_free);
}

static void entry_free(void *data)
{
    entry_clear(data);
    g_free(data);
}

static void free_prepared(void *data)
{
    if (data)
        certificate_clear(data);
    g_free(data);
}

struct pool *pool_new(struct audit *audit)
{
    struct pool *pool = g_new0(struct pool, 1);
    GDestroyNotify unref = (GDestroyNotify)g_ptr_array_unref;
    pool->audit = audit;
    pool->entries = g_hash_table_new_full(NULL, NULL, NULL, entry_free);
    pool->by_sha256 = g_hash_table_new(g_str_hash, g_str_equal);
    pool->by_sha1 = g_hash_table_new(g_str_hash, g_str_equal);
    pool->by_md5 = g_hash_table_new(g_str_hash, g_str_equal);
    pool->by_serial = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref);
    pool->by_subject = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref);
    pool->by_key_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unref);
    pool->wanted = g_hash_table_new(NULL, NULL);
    pool->lists = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    pool->issued = g_hash_table_new_full(pair_hash, pair_equal, g_free, NULL);
    pool->signatures = signatures_new();
    pool->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    pool->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    pool->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    ERR_clear_error();
    pool->public = g_hash_table_new(NULL, NULL);
    pool->prepared = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_prepared);
    pool->poison = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    pool->shown = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free);
    return pool;
}

void pool_use(struct pool *pool, struct workers *workers)
{
    pool->workers = workers;
}

void pool_free(struct pool *pool)
{
    if (!pool)
        return;
    g_hash_table_unref(pool->by_sha256);
    g_hash_table_unref(pool->by_sha1);
    g_hash_table_unref(pool->by_md5);
    g_hash_table_unref(pool->by_serial);
    g_hash_table_unref(pool->by_subject);
    g_hash_table_unref(pool->by_key_id);
    g_clear_pointer(&pool->holders, g_hash_table_unref);
    g_hash_table_unref(pool->wanted);
    g_hash_table_unref(pool->lists);
    g_hash_table_unref(pool->issued);
    signatures_free(pool->signatures);
    EVP_MD_free(pool->sha256);
    EVP_MD_free(pool->sha1);
    EVP_MD_free(pool->md5);
    g_hash_table_unref(pool->public);
    g_hash_table_unref(pool->shown);
    g_hash_table_unref(pool->prepared);
    g_hash_table_unref(pool->poison);
    g_hash_table_unref(pool->entries);
    g_free(pool);
}

static void warn(struct pool *pool, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void warn(struct pool *pool, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(pool->audit->warnings, (char *)audit_text(pool->audit, text));
}

/* Keys */

/* A serial number in any spelling as lower case hex digits without leading zeros; NULL if it is none. */
static char *serial_digits(const char *text)
{
    g_autoptr(GString) digits = g_string_new(NULL);
    gboolean any = FALSE;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
        text += 2;
    for (; *text; text++) {
        if (g_ascii_isxdigit(*text)) {
            any = TRUE;
            if (*text != '0' || digits->len)
                g_string_append_c(digits, g_ascii_tolower(*text));
        } else if (*text != ':' && *text != ' ') {
            return NULL;
        }
    }
    if (!any)
        return NULL;
    return g_strdup(digits->len ? digits->str : "0");
}

static char *serial_key(const char *issuer_key, const char *serial)
{
    g_autofree char *digits = serial ? serial_digits(serial) : NULL;
    return digits && issuer_key ? g_strconcat(digits, "\n", issuer_key, NULL) : NULL;
}

/* The index */

static void index_digest(GHashTable *table, const char *digest, struct entry *entry)
{
    if (digest && !g_hash_table_contains(table, digest))
        g_hash_table_insert(table, (char *)digest, entry);
}

static void unindex_digest(GHashTable *table, const char *digest, struct entry *entry)
{
    if (digest && g_hash_table_lookup(table, digest) == entry)
        g_hash_table_remove(table, digest);
}

static void index_key(GHashTable *table, const char *key, struct entry *entry)
{
    if (!key)
        return;
    GPtrArray *group = g_hash_table_lookup(table, key);
    if (!group) {
        group = g_ptr_array_new();
        g_hash_table_insert(table, g_strdup(key), group);
    }
    g_ptr_array_add(group, entry);
}

static void unindex_key(GHashTable *table, const char *key, struct entry *entry)
{
    GPtrArray *group = key ? g_hash_table_lookup(table, key) : NULL;
    if (group)
        g_ptr_array_remove(group, entry);
}

static void index_entry(struct pool *pool, struct entry *entry)
{
    index_digest(pool->by_sha256, entry->cert->sha256, entry);
    index_digest(pool->by_sha1, entry->cert->sha1, entry);
    index_digest(pool->by_md5, entry->cert->md5, entry);
    index_key(pool->by_serial, entry->serial_key, entry);
    index_key(pool->by_subject, entry->subject_key, entry);
    index_key(pool->by_key_id, entry->cert->subject_key_id, entry);
}

static void unindex_entry(struct pool *pool, struct entry *entry)
{
    unindex_digest(pool->by_sha256, entry->cert->sha256, entry);
    unindex_digest(pool->by_sha1, entry->cert->sha1, entry);
    unindex_digest(pool->by_md5, entry->cert->md5, entry);
    unindex_key(pool->by_serial, entry->serial_key, entry);
    unindex_key(pool->by_subject, entry->subject_key, entry);
    unindex_key(pool->by_key_id, entry->cert->subject_key_id, entry);
}

/* Identity: a certificate is known by its SHA-256, and only where one side has none by something weaker. */

static gboolean differs(const char *a, const char *b)
{
    return a && b && !g_str_equal(a, b);
}

static gboolean agrees(const char *a, const char *b)
{
    return a && b && g_str_equal(a, b);
}

/* Whether the two are one certificate, as far as the weaker marks can tell. */
static gboolean is_same(const struct entry *known, const struct entry *wanted)
{
    const struct audit_cert *a = known->cert, *b = wanted->cert;

    if (differs(a->sha256, b->sha256) || differs(a->sha1, b->sha1) || differs(a->md5, b->md5) ||
        !agrees(known->subject_key, wanted->subject_key))
        return FALSE;
    return agrees(a->sha1, b->sha1) || agrees(a->md5, b->md5) ||
           (agrees(known->serial_key, wanted->serial_key) && a->not_before == b->not_before &&
            a->not_after == b->not_after);
}

static gboolean has_fingerprint_of(const struct audit_cert *a, const struct audit_cert *b)
{
    return agrees(a->sha256, b->sha256) || agrees(a->sha1, b->sha1) || agrees(a->md5, b->md5);
}

static struct entry *find_same(const struct pool *pool, const struct entry *wanted)
{
    const struct audit_cert *cert = wanted->cert;
    struct entry *known = cert->sha256 ? g_hash_table_lookup(pool->by_sha256, cert->sha256) : NULL;
    if (known)
        return known;
    known = cert->sha1 ? g_hash_table_lookup(pool->by_sha1, cert->sha1) : NULL;
    if (known && is_same(known, wanted))
        return known;
    known = cert->md5 ? g_hash_table_lookup(pool->by_md5, cert->md5) : NULL;
    if (known && is_same(known, wanted))
        return known;
    GPtrArray *group = wanted->serial_key ? g_hash_table_lookup(pool->by_serial, wanted->serial_key) : NULL;
    for (guint i = 0; group && i < group->len; i++)
        if (is_same(group->pdata[i], wanted))
            return group->pdata[i];
    return NULL;
}

#define TAKE(field)                                                                                                    \
    do {                                                                                                               \
        if (from->field)                                                                                               \
            to->field = from->field;                                                                                   \
    } while (0)

static void take_facts(struct audit_cert *to, const struct audit_cert *from)
{
    TAKE(subject);
    TAKE(issuer);
    TAKE(serial);
    TAKE(sha256);
    TAKE(sha1);
    TAKE(md5);
    TAKE(subject_key_id);
    TAKE(key);
    TAKE(signature_algorithm);
    TAKE(der);
    if (from->not_before != MOMENT_NONE)
        to->not_before = from->not_before;
    if (from->not_after != MOMENT_NONE)
        to->not_after = from->not_after;
    to->self_signed = from->self_signed;
    to->ca = from->ca;
}

static void set_from_trace(struct audit_cert *cert, gboolean from_trace)
{
    cert->from_trace = from_trace;
    if (!from_trace)
        cert->asked = MOMENT_NONE;
}

static struct entry *new_entry(struct pool *pool)
{
    struct entry *entry = g_new0(struct entry, 1);
    entry->cert = audit_cert_new(pool->audit);
    g_ptr_array_add(pool->audit->certs, entry->cert);
    g_hash_table_insert(pool->entries, entry->cert, entry);
    return entry;
}

/* Put what ${wanted} knows into ${entry}, which is in no index, and that into them.  ${wanted} is empty afterwards. */
static struct audit_cert *fill_entry(struct pool *pool, struct entry *entry, struct entry *wanted, gboolean from_trace)
{
    struct audit_cert *cert = entry->cert;
    take_facts(cert, wanted->cert);
    set_from_trace(cert, from_trace);
    entry_clear(entry);
    *entry = *wanted;
    *wanted = (struct entry){0};
    entry->cert = cert;
    index_entry(pool, entry);
    return cert;
}

/*
 * Make ${wanted} part of the pool: as a new certificate, or as more (or nothing) about one that is known.  A DER
 * decides over what a listing says, but one that a peer has sent only if the listing has its fingerprint; else NULL.
 * ${wanted} is empty afterwards.
 */
static struct audit_cert *absorb(struct pool *pool, struct entry *wanted)
{
    struct entry *entry = find_same(pool, wanted);
    gboolean from_trace = wanted->cert->from_trace && (!entry || entry->cert->from_trace);
    if (entry && wanted->cert->from_trace && !has_fingerprint_of(entry->cert, wanted->cert)) {
        entry_clear(wanted);
        return NULL;
    }
    if (entry)
        set_from_trace(entry->cert, from_trace);
    if (entry && entry->cert->der) {
        entry_clear(wanted);
        return entry->cert;
    }
    if (entry)
        unindex_entry(pool, entry);
    else
        entry = new_entry(pool);
    return fill_entry(pool, entry, wanted, from_trace);
}

/* From DER */

/* Lower case hex, which is the content of ${hex} until that is used again; NULL where the library has no such digest.
 */
static const char *digest(GString *hex, const EVP_MD *algorithm, const void *bytes, size_t size)
{
    unsigned char value[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    if (!algorithm || !EVP_Digest(bytes, size, value, &length, algorithm, NULL)) {
        ERR_clear_error();
        return NULL;
    }
    g_string_truncate(hex, 0);
    text_hex(hex, value, length);
    return hex->str;
}

/* A name for people; one that is too long for name_key() ends in dots. */
static const char *keep_name(struct pool *pool, const char *text)
{
    if (strlen(text) <= NAME_BYTES)
        return audit_text(pool->audit, text);
    g_autofree char *cut = text_clean(text, NAME_BYTES);
    return audit_textf(pool->audit, "%s...", cut);
}

/* A serial number in any spelling in the one of the audit: "0A:06:00", without zeros in front. */
static const char *keep_serial(struct pool *pool, const char *text)
{
    g_autofree char *digits = serial_digits(text);
    if (!digits || strlen(digits) > (size_t)2 * POOL_SERIAL_BYTES)
        return NULL;
    g_autoptr(GString) out = g_string_new(strlen(digits) % 2 ? "0" : "");
    for (const char *at = digits; *at; at++) {
        if (out->len % 3 == 2)
            g_string_append_c(out, ':');
        g_string_append_c(out, g_ascii_toupper(*at));
    }
    return audit_text(pool->audit, out->str);
}

static void fill_from(struct pool *pool, struct entry *entry, const struct certificate *from)
{
    struct audit_cert *cert = entry->cert;

    cert->subject = from->subject ? keep_name(pool, from->subject) : NULL;
    cert->issuer = from->issuer ? keep_name(pool, from->issuer) : NULL;
    cert->serial = from->serial ? keep_serial(pool, from->serial) : NULL;
    cert->not_before = from->not_before;
    cert->not_after = from->not_after;
    cert->key = audit_text(pool->audit, from->key);
    cert->signature_algorithm = audit_text(pool->audit, from->signature_algorithm);
    cert->subject_key_id = audit_text(pool->audit, from->subject_key_id);
    cert->self_signed = from->self_signed;
    cert->ca = from->ca;
    entry->authority_key_id = g_strdup(from->authority_key_id);
    entry->subject_key = g_strdup(from->subject_key);
    entry->issuer_key = g_strdup(from->issuer_key);
    entry->serial_key = serial_key(entry->issuer_key, cert->serial);
}

/* Have the unknown ones among the elements in these bytes read.  FALSE with ${*why} set if the parser fails. */
static gboolean prepare(struct pool *pool, const uint8_t *bytes, size_t size, char **why)
{
    g_autoptr(GPtrArray) digests = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GByteArray) ders = g_byte_array_new();
    g_autoptr(GString) hex = g_string_sized_new(2 * EVP_MAX_MD_SIZE + 1);

    for (size_t length; size > 0 && digests->len < CERTIFICATE_LIST; bytes += length, size -= length) {
        length = certificate_element(bytes, size);
        if (length == 0)
            break;
        if (length > CERTIFICATE_BYTES)
            continue;
        const char *sha256 = digest(hex, pool->sha256, bytes, length);
        const struct entry *known = g_hash_table_lookup(pool->by_sha256, sha256);
        const char *failed = g_hash_table_lookup(pool->poison, sha256);
        if (failed) {
            *why = g_strdup(failed);
            return FALSE;
        }
        if ((known && known->cert->der) || g_hash_table_contains(pool->prepared, sha256))
            continue;
        g_ptr_array_add(digests, g_strdup(sha256));
        g_byte_array_append(ders, bytes, (guint)length);
    }
    guint done = digests->len;
    if (done == 0 || certificate_worker_read(pool->workers, ders, digests, pool->prepared, &done, why))
        return TRUE;
    if (done < digests->len)
        g_hash_table_insert(pool->poison, g_strdup(digests->pdata[done]), g_strdup(*why));
    return FALSE;
}

void pool_know(struct pool *pool, const char *sha256, struct certificate *certificate)
{
    if (!g_hash_table_contains(pool->prepared, sha256)) {
        g_hash_table_insert(pool->prepared, g_strdup(sha256), g_memdup2(certificate, sizeof *certificate));
        *certificate = (struct certificate){0};
    }
    certificate_clear(certificate);
}

gboolean pool_prepare(struct pool *pool, const void *bytes, size_t size, char **why)
{
    return !pool->workers || prepare(pool, bytes, size, why);
}

static gboolean read_certificate(struct pool *pool, struct certificate *read, const char *sha256, const void *bytes,
                                 size_t length)
{
    g_autofree char *why = NULL;
    void *key, *prepared;

    if (!pool->workers)
        return certificate_read(read, bytes, length, pool->signatures);
    if (!prepare(pool, bytes, length, &why)) {
        warn(pool, "the certificate with SHA-256 %s could not be analyzed: %s", sha256, why);
        return FALSE;
    }
    if (!g_hash_table_steal_extended(pool->prepared, sha256, &key, &prepared))
        return FALSE;
    g_free(key);
    if (!prepared)
        return FALSE;
    *read = *(struct certificate *)prepared;
    g_free(prepared);
    return TRUE;
}

/*
 * A certificate of exactly ${length} bytes.  With ${apart} one that absorb() refuses is a certificate of its own beside
 * the listing's entry.
 */
static struct audit_cert *add_der(struct pool *pool, const void *bytes, size_t length, gboolean from_trace,
                                  gboolean apart)
{
    g_autoptr(GString) hex = g_string_sized_new(2 * EVP_MAX_MD_SIZE + 1);
    const char *sha256 = digest(hex, pool->sha256, bytes, length);
    struct entry *known = sha256 ? g_hash_table_lookup(pool->by_sha256, sha256) : NULL;
    if (known && known->cert->der) {
        set_from_trace(known->cert, known->cert->from_trace && from_trace);
        return known->cert;
    }
    struct audit_cert *cert = NULL;
    struct certificate read;
    if (read_certificate(pool, &read, sha256, bytes, length)) {
        struct audit_cert facts = {
            .sha256 = audit_text(pool->audit, sha256), .from_trace = from_trace, .asked = MOMENT_NONE};
        struct entry entry = {.cert = &facts};
        facts.sha1 = audit_text(pool->audit, digest(hex, pool->sha1, bytes, length));
        facts.md5 = audit_text(pool->audit, digest(hex, pool->md5, bytes, length));
        facts.der = g_bytes_new(bytes, length);
        fill_from(pool, &entry, &read);
        cert = absorb(pool, &entry);
        if (!cert && apart) {
            fill_from(pool, &entry, &read);
            cert = fill_entry(pool, new_entry(pool), &entry, TRUE);
        }
        if (!cert || cert->der != facts.der)
            g_bytes_unref(facts.der);
        certificate_clear(&read);
    }
    return cert;
}

struct audit_cert *pool_add_der(struct pool *pool, const void *bytes, size_t size, size_t *used)
{
    size_t length = certificate_element(bytes, size);
    if (used)
        *used = length;
    if (length == 0 || length > CERTIFICATE_BYTES)
        return NULL;
    return add_der(pool, bytes, length, FALSE, FALSE);
}

/* From traces and from peers that were asked */

/* A trace is the better witness, for what it prints was sent when a connection failed; else the latest answer counts.
 */
static int64_t better_asked(int64_t one, int64_t other)
{
    return one == MOMENT_NONE || other == MOMENT_NONE ? MOMENT_NONE : MAX(one, other);
}

void pool_add_shown(struct pool *pool, GBytes *der, int64_t asked)
{
    int64_t *known = g_hash_table_lookup(pool->shown, der);

    if (known)
        *known = better_asked(*known, asked);
    else if (g_hash_table_size(pool->shown) >= POOL_SHOWN)
        pool->shown_more++;
    else
        g_hash_table_insert(pool->shown, g_bytes_ref(der), g_memdup2(&asked, sizeof asked));
}

GPtrArray *pool_add_shown_chain(struct pool *pool, const void *bytes, size_t size, int64_t asked)
{
    g_autoptr(GPtrArray) digests = g_ptr_array_new_with_free_func(g_free);
    const uint8_t *at = bytes;

    while (size > 0) {
        size_t length = certificate_element(at, size);
        if (length == 0)
            return NULL;
        g_autoptr(GBytes) der = g_bytes_new(at, length);
        pool_add_shown(pool, der, asked);
        g_ptr_array_add(digests, g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der));
        at += length;
        size -= length;
    }
    return digests->len > 0 ? g_steal_pointer(&digests) : NULL;
}

static void take_one(struct pool *pool, GBytes *der, int64_t asked)
{
    gsize size;
    const void *bytes = g_bytes_get_data(der, &size);
    guint before = g_hash_table_size(pool->entries);

    if (size == 0 || size > CERTIFICATE_BYTES || certificate_element(bytes, size) != size)
        return;
    struct audit_cert *cert = add_der(pool, bytes, size, TRUE, FALSE);
    if (cert && cert->from_trace)
        cert->asked = g_hash_table_size(pool->entries) > before ? asked : better_asked(cert->asked, asked);
}

void pool_take_shown(struct pool *pool)
{
    GHashTableIter iter;
    void *der, *asked;

    g_hash_table_iter_init(&iter, pool->shown);
    while (g_hash_table_iter_next(&iter, &der, &asked))
        take_one(pool, der, *(const int64_t *)asked);
    g_hash_table_remove_all(pool->shown);
    if (pool->shown_more)
        warn(pool, "more than %d certificates that peers have sent: %u were not read", POOL_SHOWN, pool->shown_more);
    pool->shown_more = 0;
}

/* Lists */

static int compare_pointers(const void *a, const void *b)
{
    const uintptr_t left = *(const uintptr_t *)a, right = *(const uintptr_t *)b;
    return left < right ? -1 : left > right;
}

/*
 * Of equal lists the one that is known.  ${certs} may hold a certificate twice.  Addresses serve as identity only: they
 * do not reach the audit.
 */
static struct audit_list *keep_list(struct pool *pool, GPtrArray *certs, unsigned refused, const GPtrArray *raws)
{
    g_autoptr(GByteArray) identity = g_byte_array_new();
    g_autoptr(GPtrArray) distinct = g_ptr_array_new();

    if (certs->len > 1)
        qsort(certs->pdata, certs->len, sizeof certs->pdata[0], compare_pointers);
    for (guint i = 0; i < certs->len; i++) {
        if (i > 0 && certs->pdata[i] == certs->pdata[i - 1])
            continue;
        g_ptr_array_add(distinct, certs->pdata[i]);
        g_byte_array_append(identity, (const guint8 *)&certs->pdata[i], sizeof certs->pdata[i]);
    }
    g_byte_array_append(identity, (const guint8 *)&refused, sizeof refused);
    for (guint i = 0; i < raws->len; i++) {
        const struct audit_raw *raw = raws->pdata[i];
        /* of equal texts the audit has one */
        g_byte_array_append(identity, (const guint8 *)&raw->sha256, sizeof raw->sha256);
        g_byte_array_append(identity, (const guint8 *)&raw->offset, sizeof raw->offset);
    }
    GBytes *key = g_byte_array_free_to_bytes(g_steal_pointer(&identity));
    struct audit_list *list = g_hash_table_lookup(pool->lists, key);
    if (list) {
        g_bytes_unref(key);
        return list;
    }
    list = audit_list_new(pool->audit);
    g_ptr_array_extend(list->certs, distinct, NULL, NULL);
    list->refused = refused;
    g_ptr_array_extend(list->raws, (GPtrArray *)raws, NULL, NULL);
    g_ptr_array_add(pool->audit->lists, list);
    g_hash_table_insert(pool->lists, key, list);
    return list;
}

static struct audit_raw *describe_raw(struct pool *pool, const uint8_t *bytes, size_t size, int64_t offset)
{
    struct audit_raw *raw = audit_raw_new(pool->audit);
    g_autoptr(GString) hex = g_string_new(NULL);
    raw->sha256 = audit_text(pool->audit, digest(hex, pool->sha256, bytes, size));
    raw->offset = offset;
    raw->size_bytes = (int64_t)size;
    return raw;
}

struct audit_list *pool_add_list(struct pool *pool, const void *bytes, size_t size)
{
    g_autoptr(GPtrArray) certs = g_ptr_array_new(), raws = g_ptr_array_new();
    const uint8_t *at = bytes;
    size_t left = MIN(size, CERTIFICATE_LIST_BYTES);
    unsigned refused = 0;

    if (size > CERTIFICATE_LIST_BYTES)
        warn(pool, "a trust list of %zu bytes: only the first %zu were read", size, CERTIFICATE_LIST_BYTES);
    while (left > 0 && certs->len + refused < CERTIFICATE_LIST) {
        size_t used;
        struct audit_cert *cert = pool_add_der(pool, at, left, &used);
        used = used ? used : left;
        if (cert)
            g_ptr_array_add(certs, cert);
        else if (refused++ < POOL_RAWS)
            g_ptr_array_add(raws, describe_raw(pool, at, used, at - (const uint8_t *)bytes));
        at += used;
        left -= used;
    }
    if (left > 0) {
        warn(pool, "a trust list with more than %d entries: the rest was not read", CERTIFICATE_LIST);
        refused++;
    }
    return keep_list(pool, certs, refused, raws);
}

static struct audit_cert *add_entry(struct pool *pool, const struct listing_entry *entry)
{
    struct audit *audit = pool->audit;
    struct audit_cert facts = {
        .subject = keep_name(pool, entry->subject),
        .issuer = entry->issuer ? keep_name(pool, entry->issuer) : NULL,
        .serial = entry->serial ? keep_serial(pool, entry->serial) : NULL,
        .not_before = entry->not_before,
        .not_after = entry->not_after,
        .sha256 = audit_text(audit, entry->sha256),
        .sha1 = audit_text(audit, entry->sha1),
        .md5 = audit_text(audit, entry->md5),
        .key = audit_text(audit, entry->key),
        .signature_algorithm = audit_text(audit, entry->signature_algorithm),
        .ca = entry->ca,
    };
    if (entry->subject_key_id && strlen(entry->subject_key_id) <= (size_t)2 * POOL_KEY_ID_BYTES)
        facts.subject_key_id = audit_text(audit, entry->subject_key_id);
    struct entry wanted = {
        .cert = &facts,
        .subject_key = name_key(entry->subject, FALSE),
        .issuer_key = entry->issuer ? name_key(entry->issuer, FALSE) : NULL,
    };
    wanted.serial_key = serial_key(wanted.issuer_key, facts.serial);
    facts.self_signed = agrees(wanted.subject_key, wanted.issuer_key);
    return absorb(pool, &wanted);
}

struct audit_cert *pool_add_listed(struct pool *pool, const struct audit_cert *from)
{
    const struct listing_entry entry = {
        .subject = (char *)from->subject,
        .issuer = (char *)from->issuer,
        .serial = (char *)from->serial,
        .not_before = from->not_before,
        .not_after = from->not_after,
        .sha256 = (char *)from->sha256,
        .sha1 = (char *)from->sha1,
        .md5 = (char *)from->md5,
        .subject_key_id = (char *)from->subject_key_id,
        .key = (char *)from->key,
        .signature_algorithm = (char *)from->signature_algorithm,
        .ca = from->ca,
    };
    return from->subject ? add_entry(pool, &entry) : NULL;
}

struct audit_list *pool_add_listing(struct pool *pool, const void *bytes, size_t size, int64_t status,
                                    enum audit_reading *reading, const char **reason)
{
    struct listing *listing = listing_parse(bytes, size);
    struct audit_list *list = pool_add_parsed(pool, listing, status, reading, reason);
    listing_free(listing);
    return list;
}

struct audit_list *pool_add_parsed(struct pool *pool, const struct listing *listing, int64_t status,
                                   enum audit_reading *reading, const char **reason)
{
    g_autofree char *why = listing_judge(listing, status, reading);
    struct audit_list *list = NULL;

    *reason = audit_text(pool->audit, why);
    if (*reading != READING_NONE) {
        g_autoptr(GPtrArray) certs = g_ptr_array_new(), raws = g_ptr_array_new();
        for (guint i = 0; i < listing->entries->len; i++)
            g_ptr_array_add(certs, add_entry(pool, listing->entries->pdata[i]));
        list = keep_list(pool, certs, 0, raws);
    }
    return list;
}

/* References */

static void add_reference_path(struct audit_cert *cert, const char *path)
{
    if (cert->references->len < POOL_REFERENCES && !g_ptr_array_find(cert->references, path, NULL))
        g_ptr_array_add(cert->references, (char *)path);
}

static void add_reference_file(struct pool *pool, const struct reference_file *file, gboolean system)
{
    const char *text = audit_text(pool->audit, file->path);

    for (guint i = 0; i < file->ders->len; i++) {
        gsize size;
        const void *bytes = g_bytes_get_data(file->ders->pdata[i], &size);
        guint before = pool->audit->certs->len;
        struct audit_cert *cert = pool_add_der(pool, bytes, size, NULL);
        if (!cert)
            continue;
        if (system && pool->audit->certs->len > before)
            g_hash_table_add(pool->public, cert);
        add_reference_path(cert, text);
    }
}

struct audit_cert *pool_add_reference_der(struct pool *pool, const char *path, GBytes *der)
{
    gsize size;
    const void *bytes = g_bytes_get_data(der, &size);
    struct audit_cert *cert = pool_add_der(pool, bytes, size, NULL);
    if (cert)
        add_reference_path(cert, audit_text(pool->audit, path));
    return cert;
}

static void add_source(struct pool *pool, const struct reference_source *source)
{
    struct audit_reference *reference = audit_reference_new(pool->audit);

    reference->path = audit_text(pool->audit, source->path);
    reference->sha256 = audit_text(pool->audit, source->sha256);
    reference->certs = source->certs;
    reference->system = source->system;
    g_ptr_array_add(pool->audit->references, reference);
    if (source->trouble)
        warn(pool, "%s", source->trouble);
    for (guint i = 0; i < source->files->len; i++)
        add_reference_file(pool, source->files->pdata[i], source->system);
}

void pool_add_references(struct pool *pool, const struct references *references)
{
    /* What another reference has as well isn't new when the system's bundle comes. */
    for (int system = 0; references && system <= 1; system++)
        for (guint i = 0; i < references->sources->len; i++) {
            const struct reference_source *source = references->sources->pdata[i];
            if (!source->system == !system)
                add_source(pool, source);
        }
    audit_find_bundles(pool->audit);
}

/* A policy may name it later. */
gboolean pool_is_public(const struct pool *pool, const struct audit_cert *cert)
{
    return g_hash_table_contains(pool->public, cert) && cert->references->len == 1;
}

static GHashTable *named_certs(const struct audit *audit)
{
    GHashTable *named = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < audit->findings->len; i++) {
        const struct audit_finding *finding = audit->findings->pdata[i];
        if (finding->cert)
            g_hash_table_add(named, finding->cert);
        for (guint j = 0; j < finding->candidates->len; j++)
            g_hash_table_add(named, finding->candidates->pdata[j]);
    }
    return named;
}

void pool_drop_public(struct pool *pool)
{
    g_autoptr(GHashTable) named = named_certs(pool->audit);

    for (guint i = pool->audit->certs->len; i-- > 0;) {
        struct audit_cert *cert = pool->audit->certs->pdata[i];
        if (!pool_is_public(pool, cert) || g_hash_table_contains(named, cert))
            continue;
        g_clear_pointer(&cert->der, g_bytes_unref); /* it belongs to the audit's array */
        g_ptr_array_remove_index_fast(pool->audit->certs, i);
    }
}

/* Files that name single certificates */

struct file_read {
    struct pool *pool;
    GPtrArray *certs;
    gboolean sent, refused;
};

static void take_file(void *data, const char *path, GPtrArray *ders)
{
    struct file_read *read = data;
    (void)path;

    for (guint i = 0; i < ders->len; i++) {
        gsize size;
        const void *bytes = g_bytes_get_data(ders->pdata[i], &size);
        struct audit_cert *cert = add_der(read->pool, bytes, size, read->sent, read->sent);
        if (cert)
            g_ptr_array_add(read->certs, cert);
        else
            read->refused = TRUE;
    }
}

gboolean pool_read_file(struct pool *pool, GPtrArray *certs, const char *path, const char *const *passwords,
                        gboolean sent, GError **error)
{
    struct file_read read = {.pool = pool, .certs = certs, .sent = sent};
    const struct reference_options options = {.use = sent ? REFERENCE_CHAIN : REFERENCE_ANCHORS,
                                              .passwords = passwords};
    g_autofree char *trouble = NULL;

    if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING, "%s: a folder, where a file is wanted", path);
        return FALSE;
    }
    if (!reference_read(path, &options, take_file, &read, &trouble, error))
        return FALSE;
    if (trouble || read.refused) { /* part of a chain would give another answer */
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s%s", trouble ? trouble : file_name(path),
                    trouble ? "" : ": a certificate in it cannot be read");
        return FALSE;
    }
    return TRUE;
}

/* Audits that were stored */

static gboolean adopt_cert(struct pool *pool, struct audit_cert *cert, GError **error)
{
    struct entry *entry = g_new0(struct entry, 1);
    entry->cert = cert;
    g_hash_table_insert(pool->entries, cert, entry);

    if (cert->der) {
        gsize size;
        const void *bytes = g_bytes_get_data(cert->der, &size);
        X509 *x509 = size <= CERTIFICATE_BYTES ? der_parse(bytes, size) : NULL;
        ERR_clear_error();
        if (!x509) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "certificate c%u: cannot be read", cert->id);
            return FALSE;
        }
        entry->subject_key = name_key_x509(X509_get_subject_name(x509));
        entry->issuer_key = name_key_x509(X509_get_issuer_name(x509));
        entry->authority_key_id = certificate_key_id(X509_get0_authority_key_id(x509));
        X509_free(x509);
        g_autoptr(GString) hex = g_string_new(NULL);
        if (g_strcmp0(cert->sha256, digest(hex, pool->sha256, bytes, size)) != 0) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX,
                        "certificate c%u: its SHA-256 is not that of its bytes", cert->id);
            return FALSE;
        }
    } else {
        entry->subject_key = cert->subject ? name_key(cert->subject, FALSE) : NULL;
        entry->issuer_key = cert->issuer ? name_key(cert->issuer, FALSE) : NULL;
    }
    entry->serial_key = serial_key(entry->issuer_key, cert->serial);
    index_entry(pool, entry);
    return TRUE;
}

gboolean pool_adopt(struct pool *pool, GError **error)
{
    for (guint i = 0; i < pool->audit->certs->len; i++)
        if (!adopt_cert(pool, pool->audit->certs->pdata[i], error))
            return FALSE;
    return TRUE;
}

/* Finding */

struct audit_cert *pool_find_digest(const struct pool *pool, const char *sha256, const char *sha1, const char *md5)
{
    struct entry *entry = sha256 ? g_hash_table_lookup(pool->by_sha256, sha256)
                          : sha1 ? g_hash_table_lookup(pool->by_sha1, sha1)
                          : md5  ? g_hash_table_lookup(pool->by_md5, md5)
                                 : NULL;
    return entry ? entry->cert : NULL;
}

#define RETURN_IF_DIFFERENT(comparison)                                                                                \
    do {                                                                                                               \
        int difference_ = (comparison);                                                                                \
        if (difference_ != 0)                                                                                          \
            return difference_;                                                                                        \
    } while (0)

static int compare_certs(const void *a, const void *b)
{
    const struct audit_cert *left = *(struct audit_cert *const *)a, *right = *(struct audit_cert *const *)b;
    RETURN_IF_DIFFERENT(g_strcmp0(left->sha256, right->sha256));
    RETURN_IF_DIFFERENT(g_strcmp0(left->sha1, right->sha1));
    RETURN_IF_DIFFERENT(g_strcmp0(left->issuer, right->issuer));
    RETURN_IF_DIFFERENT(g_strcmp0(left->serial, right->serial));
    RETURN_IF_DIFFERENT(g_strcmp0(left->subject, right->subject));
    return g_strcmp0(left->md5, right->md5);
}

static const GPtrArray *find_serial_group(const struct pool *pool, const char *issuer, const char *serial)
{
    g_autofree char *issuer_key = name_key(issuer, FALSE);
    g_autofree char *key = serial_key(issuer_key, serial);
    return key ? g_hash_table_lookup(pool->by_serial, key) : NULL;
}

struct audit_cert *pool_find_serial(const struct pool *pool, const char *issuer, const char *serial)
{
    const GPtrArray *group = find_serial_group(pool, issuer, serial);
    struct audit_cert *found = NULL;

    for (guint i = 0; group && i < group->len; i++) {
        struct entry *entry = group->pdata[i];
        if (!entry->cert->from_trace && (!found || compare_certs(&entry->cert, &found) < 0))
            found = entry->cert;
    }
    return found;
}

static void append_group(GPtrArray *found, GHashTable *table, const char *key)
{
    const GPtrArray *group = g_hash_table_lookup(table, key);
    for (guint i = 0; group && i < group->len; i++)
        g_ptr_array_add(found, ((struct entry *)group->pdata[i])->cert);
}

static void sort_from(GPtrArray *found, guint begin)
{
    if (found->len > begin + 1)
        qsort(found->pdata + begin, found->len - begin, sizeof found->pdata[0], compare_certs);
}

void pool_find_subject(const struct pool *pool, GPtrArray *found, const char *subject, gboolean cut)
{
    g_autofree char *key = name_key(subject, cut);
    guint begin = found->len;

    if (key && name_is_cut(key)) {
        GHashTableIter iter;
        void *value;
        g_hash_table_iter_init(&iter, pool->entries);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
            struct entry *entry = value;
            if (entry->subject_key && name_is_prefix(key, entry->subject_key))
                g_ptr_array_add(found, entry->cert);
        }
    } else if (key) {
        append_group(found, pool->by_subject, key);
    }
    sort_from(found, begin);
}

void pool_find_asked(const struct pool *pool, GPtrArray *found, const char *issuer, const char *serial)
{
    const GPtrArray *group = find_serial_group(pool, issuer, serial);
    guint begin = found->len;

    for (guint i = 0; group && i < group->len; i++) {
        struct audit_cert *cert = ((const struct entry *)group->pdata[i])->cert;
        if (cert->from_trace && cert->asked != MOMENT_NONE)
            g_ptr_array_add(found, cert);
    }
    sort_from(found, begin);
}

void pool_find_issuers(const struct pool *pool, GPtrArray *found, const struct audit_cert *cert)
{
    const struct entry *entry = g_hash_table_lookup(pool->entries, cert);
    guint begin = found->len;
    if (entry && entry->issuer_key)
        append_group(found, pool->by_subject, entry->issuer_key);
    sort_from(found, begin);
}

void pool_find_key_id(const struct pool *pool, GPtrArray *found, const char *key_id)
{
    guint begin = found->len;
    append_group(found, pool->by_key_id, key_id);
    sort_from(found, begin);
}

const char *pool_authority_key_id(const struct pool *pool, const struct audit_cert *cert)
{
    const struct entry *entry = g_hash_table_lookup(pool->entries, cert);
    return entry ? entry->authority_key_id : NULL;
}

static void add_count(GHashTable *counts, void *key, unsigned more)
{
    g_hash_table_insert(counts, key, GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(counts, key)) + more));
}

/* There are far fewer distinct lists than files. */
static GHashTable *count_holders(const struct audit *audit)
{
    g_autoptr(GHashTable) lists = g_hash_table_new(NULL, NULL);
    GHashTable *holders = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < audit->stores->len; i++) {
        const GPtrArray *members = ((const struct audit_store *)audit->stores->pdata[i])->members;
        for (guint j = 0; j < members->len; j++)
            if (((const struct audit_member *)members->pdata[j])->list)
                add_count(lists, ((const struct audit_member *)members->pdata[j])->list, 1);
    }
    GHashTableIter iter;
    void *list, *count;
    g_hash_table_iter_init(&iter, lists);
    while (g_hash_table_iter_next(&iter, &list, &count)) {
        const GPtrArray *certs = ((const struct audit_list *)list)->certs;
        for (guint i = 0; i < certs->len; i++)
            add_count(holders, certs->pdata[i], GPOINTER_TO_UINT(count));
    }
    return holders;
}

void pool_want(struct pool *pool, struct audit_cert *cert)
{
    g_hash_table_add(pool->wanted, cert);
}

gboolean pool_is_wanted(const struct pool *pool, const struct audit_cert *cert)
{
    return g_hash_table_contains(pool->wanted, cert);
}

unsigned pool_holders(struct pool *pool, const struct audit_cert *cert)
{
    if (!pool->holders)
        pool->holders = count_holders(pool->audit);
    return GPOINTER_TO_UINT(g_hash_table_lookup(pool->holders, cert));
}

static gboolean verify_pair(struct pool *pool, const struct audit_cert *issuer, const struct audit_cert *subject)
{
    X509 *signer = der_parse_bytes(issuer->der), *signee = der_parse_bytes(subject->der);
    gboolean verified = signer && signee && signatures_verify(pool->signatures, signee, signer);
    X509_free(signer);
    X509_free(signee);
    ERR_clear_error();
    return verified;
}

gboolean pool_issued(struct pool *pool, const struct audit_cert *issuer, const struct audit_cert *subject)
{
    const struct entry *above = g_hash_table_lookup(pool->entries, issuer);
    const struct entry *below = g_hash_table_lookup(pool->entries, subject);
    if (!above || !below || !issuer->der || !subject->der || !above->subject_key || !below->issuer_key ||
        !g_str_equal(above->subject_key, below->issuer_key))
        return FALSE;

    const struct pair pair = {issuer, subject};
    void *known;
    if (g_hash_table_lookup_extended(pool->issued, &pair, NULL, &known))
        return GPOINTER_TO_INT(known);
    gboolean issued = verify_pair(pool, issuer, subject);
    g_hash_table_insert(pool->issued, g_memdup2(&pair, sizeof pair), GINT_TO_POINTER(issued));
    return issued;
}

struct signatures *pool_signatures(struct pool *pool)
{
    return pool->signatures;
}
