#include "reference.h"

#include "error.h"
#include "file.h"
#include "key_store.h"
#include "packed.h"
#include "pem.h"
#include "pkcs12.h"
#include "pse.h"
#include "slice.h"

#include <errno.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
    const struct reference_options *options;
    gboolean folder; /* a folder is named, in which other files may stand */
    reference_found *found;
    void *data;
    GHashTable *seen;    /* "device:inode" of each file and folder */
    unsigned files;      /* read */
    unsigned certs;      /* found */
    unsigned passed;     /* without a certificate, or not to be read */
    unsigned deep;       /* folders below REFERENCE_DEPTH */
    unsigned beyond;     /* files beyond REFERENCE_FILES */
    unsigned unreadable; /* folders */
    unsigned told;       /* files with a trouble of their own */
    char *trouble;       /* of the first of them: "FILE: sentence" */
};

struct file { /* one file that is read */
    const struct reference_options *options;
    GPtrArray *ders;  /* of GBytes *: certificates */
    unsigned refused; /* what should be a certificate and is none */
    char *trouble;    /* the first of what is wrong with it, without its name; or NULL */
    gboolean partly;  /* something in it may be a certificate, and was not read */
};

#define EXPORT_PSE "export the certificates in STRUST, or: sapgenpse maintain_pk -l"
#define SEALED_PIN "a PSE that a PIN protects, so its certificates were not read; " EXPORT_PSE
#define SEALED_LPS "a PSE that is bound to a machine (LPS), so its certificates were not read; " EXPORT_PSE
#define BROKEN_PSE "a damaged PSE: its certificates were not read"
#define BROKEN_PEM "a PEM block that cannot be read"
#define BROKEN_CMS "a PKCS #7 bundle that cannot be read"
#define MORE_CERTS "more certificates than " G_STRINGIFY(REFERENCE_CERTS) ": the others were not read"
#define ONLY_KEY                                                                                                       \
    "only a private key, no certificate; keep it where it is, and name the file that has the certificate (often .crt " \
    "or .pem)"
#define ONLY_CSR "a certificate request (CSR), not a certificate; name the file that the CA sent in return"
#define ONLY_CRL "a certificate revocation list (CRL), not a certificate"
#define NO_CERTIFICATE                                                                                                 \
    "no certificate in it; a certificate is PEM, DER, PKCS #7, PKCS #12, a Java key store (JKS, JCEKS) or a PSE"

static void tell(struct file *file, const char *trouble)
{
    if (!file->trouble)
        file->trouble = g_strdup(trouble);
}

static void miss(struct file *file, const char *trouble)
{
    tell(file, trouble);
    file->partly = TRUE;
}

/* The certificate at the beginning of ${bytes}, without what stands behind it (PEM's TRUSTED CERTIFICATE). */
static void add(struct file *file, const unsigned char *bytes, size_t size)
{
    const unsigned char *at = bytes;
    X509 *x509 = size <= REFERENCE_CERT_BYTES ? d2i_X509(NULL, &at, (long)size) : NULL;

    if (x509)
        g_ptr_array_add(file->ders, g_bytes_new(bytes, (gsize)(at - bytes)));
    else
        file->refused++;
    X509_free(x509);
    ERR_clear_error();
}

static void add_all(struct file *file, const GPtrArray *ders)
{
    for (guint i = 0; i < ders->len; i++) {
        gsize size;
        const void *bytes = g_bytes_get_data(ders->pdata[i], &size);
        add(file, bytes, size);
    }
}

static gboolean is_certificate(struct slice label)
{
    return slice_equals(label, PEM_STRING_X509) || slice_equals(label, PEM_STRING_X509_OLD) ||
           slice_equals(label, PEM_STRING_X509_TRUSTED);
}

static gboolean is_bundle(struct slice label)
{
    return slice_equals(label, PEM_STRING_PKCS7) || slice_equals(label, PEM_STRING_PKCS7_SIGNED) ||
           slice_equals(label, PEM_STRING_CMS);
}

/* The certificates beside a PKCS #7 (CMS) signature, which mostly is none: such bundles are all certificates. */
static void read_bundle(struct file *file, const unsigned char *bytes, size_t size)
{
    const unsigned char *at = bytes;
    CMS_ContentInfo *bundle = d2i_CMS_ContentInfo(NULL, &at, (long)size);
    STACK_OF(X509) *certs = bundle ? CMS_get1_certs(bundle) : NULL;

    for (int i = 0; i < sk_X509_num(certs); i++) {
        unsigned char *der = NULL;
        int length = i2d_X509(sk_X509_value(certs, i), &der);
        if (length > 0)
            add(file, der, (size_t)length);
        OPENSSL_free(der);
    }
    if (!bundle)
        miss(file, BROKEN_CMS);
    else if (sk_X509_num(certs) <= 0)
        tell(file, "a PKCS #7 bundle without a certificate");
    sk_X509_pop_free(certs, X509_free);
    CMS_ContentInfo_free(bundle);
    ERR_clear_error();
}

static void read_key_store(struct file *file, const struct key_store *store)
{
    const char *trouble = store->trouble;

    if (trouble)
        miss(file, trouble);
    if (file->options->use == REFERENCE_ANCHORS) {
        add_all(file, store->trusted);
        for (guint i = 0; i < store->chains->len; i++)
            add_all(file, store->chains->pdata[i]);
        if (store->trusted->len + store->chains->len == 0)
            tell(file, "a key store without a certificate");
    } else if (store->chains->len == 1) {
        add_all(file, store->chains->pdata[0]);
    } else if (store->chains->len > 1) {
        g_autofree char *text =
            g_strdup_printf("a key store with %u private keys; export the chain of the one that the "
                            "peer uses (PEM, its own certificate first)",
                            store->chains->len);
        tell(file, text);
    } else {
        tell(file, "a key store that only has trusted certificates and no own one, so it's no chain that a peer sends; "
                   "name it with --reference");
    }
}

/* Whether ${bytes} are a key store of a kind that is known. */
static gboolean try_key_store(struct file *file, const unsigned char *bytes, size_t size)
{
    struct key_store store;

    key_store_init(&store);
    gboolean known = key_store_read(&store, bytes, size) || pkcs12_read(&store, bytes, size, file->options->passwords);
    if (known)
        read_key_store(file, &store);
    key_store_clear(&store);
    return known;
}

/* Whether ${bytes} are a PSE. */
static gboolean try_pse(struct file *file, const unsigned char *bytes, size_t size)
{
    g_autoptr(GPtrArray) ders = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    gboolean own = file->options->use == REFERENCE_CHAIN;

    switch (pse_read(ders, bytes, size, own ? PSE_OWN : PSE_TRUSTED)) {
    case PSE_PLAIN:
        add_all(file, ders);
        if (ders->len == 0)
            tell(file, own ? "a PSE that only has trusted certificates and no own one, so it's no chain that a peer "
                             "sends; name it with --reference"
                           : "a PSE with an empty trust list");
        return TRUE;
    case PSE_PIN:
        miss(file, SEALED_PIN);
        return TRUE;
    case PSE_LPS:
        miss(file, SEALED_LPS);
        return TRUE;
    case PSE_DAMAGED:
        miss(file, BROKEN_PSE);
        return TRUE;
    case PSE_NONE:
        break;
    }
    return FALSE;
}

/* Certificates in DER, one behind the other; what is none counts as one that cannot be read. */
static void read_certificates(struct file *file, const unsigned char *bytes, size_t size)
{
    const unsigned char *end = bytes + size;

    for (guint count = 0; bytes < end; count++) {
        const unsigned char *at = bytes;
        long length = 0;
        int tag, class;
        if (count >= REFERENCE_CERTS) {
            miss(file, MORE_CERTS);
            break;
        }
        gboolean whole = !(ASN1_get_object(&at, &length, &tag, &class, end - bytes) & 0x81) && *bytes == 0x30;
        const unsigned char *next = whole ? at + length : end;
        add(file, bytes, (size_t)(next - bytes));
        bytes = next;
    }
    ERR_clear_error();
}

/* What this DER is that is no certificate, if that can be told. */
static const char *name_der(const unsigned char *bytes, size_t size)
{
    const unsigned char *at = bytes;
    const char *name = NULL;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)size);
    at = bytes;
    X509_CRL *list = request ? NULL : d2i_X509_CRL(NULL, &at, (long)size);
    at = bytes;
    EVP_PKEY *key = request || list ? NULL : d2i_AutoPrivateKey(NULL, &at, (long)size);
    at = bytes;
    X509_SIG *sealed = request || list || key ? NULL : d2i_X509_SIG(NULL, &at, (long)size); /* encrypted PKCS #8 */

    if (request)
        name = ONLY_CSR;
    else if (list)
        name = ONLY_CRL;
    else if (key || sealed)
        name = ONLY_KEY;
    X509_REQ_free(request);
    X509_CRL_free(list);
    EVP_PKEY_free(key);
    X509_SIG_free(sealed);
    ERR_clear_error();
    return name;
}

/* A certificate begins with a SEQUENCE in the SEQUENCE, a PKCS #7 bundle with an identifier, others with a number. */
static void read_der(struct file *file, const unsigned char *bytes, size_t size)
{
    const unsigned char *at = bytes;
    long length;
    int tag, class;

    if (try_pse(file, bytes, size) || try_key_store(file, bytes, size))
        return;
    int form = ASN1_get_object(&at, &length, &tag, &class, (long)size);
    ERR_clear_error();
    if (!(form & 0x80) && at < bytes + size && *at == V_ASN1_OBJECT) {
        read_bundle(file, bytes, size);
        return;
    }
    read_certificates(file, bytes, size);
    const char *other = file->ders->len == 0 ? name_der(bytes, size) : NULL;
    if (other)
        tell(file, other);
}

/* What a PEM block is that is no certificate. */
static void tell_block(struct file *file, struct slice label, GString *others)
{
    struct slice rest;

    if (slice_find(label, "PRIVATE KEY", &rest))
        tell(file, ONLY_KEY);
    else if (slice_find(label, "CERTIFICATE REQUEST", &rest))
        tell(file, ONLY_CSR);
    else if (slice_equals(label, PEM_STRING_X509_CRL))
        tell(file, ONLY_CRL);
    else if (others->len == 0)
        g_string_append_printf(others, "no certificate in it, only a PEM block \"%.*s\"", (int)label.size, label.at);
}

static void read_block(struct file *file, struct slice label, struct slice body, GString *others)
{
    if (!is_certificate(label) && !is_bundle(label)) {
        tell_block(file, label, others);
        return;
    }
    g_autoptr(GBytes) der = body.at ? pem_decode(body) : NULL;
    gsize size;
    const unsigned char *bytes = der ? g_bytes_get_data(der, &size) : NULL;
    if (!der)
        miss(file, BROKEN_PEM);
    else if (is_bundle(label))
        read_bundle(file, bytes, size);
    else
        add(file, bytes, size);
}

/* The certificates among the PEM blocks; a broken block is passed over.  FALSE if there is no block at all. */
static gboolean read_pem(struct file *file, struct slice text)
{
    g_autoptr(GString) others = g_string_new(NULL);
    struct slice label, body;
    gboolean any = FALSE;

    for (; pem_next(&text, &label, &body); any = TRUE)
        read_block(file, label, body, others);
    if (others->len > 0)
        tell(file, others->str);
    return any;
}

static void read_text(struct file *file, GBytes *bytes)
{
    gsize size;
    g_autoptr(GBytes) text = pem_text(bytes);
    const char *first = g_bytes_get_data(text, &size);
    struct slice slice = {first, size}, rest;

    if (size == 0 || read_pem(file, slice))
        return;
    if (slice_take(&slice, "\xef\xbb\xbf"))
        first = slice.at;
    g_autoptr(GBytes) der = pem_decode(slice);
    const uint8_t *decoded = der ? g_bytes_get_data(der, &size) : NULL;
    if (decoded && size > 0 && decoded[0] == 0x30)
        read_der(file, decoded, size);
    else if (slice_find_fold((struct slice){slice.at, MIN(slice.size, 1024)}, "<html", &rest))
        tell(file, "a web page, not a certificate; the server may have asked for a login");
}

static void read_plain(struct file *file, GBytes *bytes)
{
    gsize size;
    const uint8_t *first = g_bytes_get_data(bytes, &size);

    if (size > 0 && first[0] == 0x30)
        read_der(file, first, size);
    else if (size == 0 || !try_key_store(file, first, size))
        read_text(file, bytes);
    if (size > 0 && first[0] == 0x30 && file->ders->len == 0 && memmem(first, size, "-----BEGIN ", 11)) {
        file->refused = 0; /* a text that begins with a 0 */
        g_clear_pointer(&file->trouble, g_free);
        read_text(file, bytes);
    }
}

/* An entry of an archive that is no certificate doesn't matter; one that may hold some and can't be read does. */
static gboolean read_entry(struct file *file, struct packed *packed, GError **error)
{
    g_autoptr(GByteArray) all = g_byte_array_new();
    struct file inner = {.options = file->options, .ders = file->ders};
    const void *piece;
    size_t size = 1;

    while (size > 0 && all->len <= REFERENCE_FILE_BYTES) {
        if (!packed_read(packed, &piece, &size, error))
            return FALSE;
        g_byte_array_append(all, piece, (guint)size);
    }
    if (size > 0) {
        miss(file, "an archive with a file that is too large");
        return TRUE;
    }
    g_autoptr(GBytes) bytes = g_bytes_new_static(all->data, all->len);
    if (!packed_is(all->data, MIN(all->len, PACKED_HEAD_BYTES)))
        read_plain(&inner, bytes);
    OPENSSL_cleanse(all->data, all->len);
    file->refused += inner.refused;
    if (inner.partly)
        miss(file, inner.trouble);
    g_free(inner.trouble);
    return TRUE;
}

/* An archive, such as the attachment of a Note, or a packed file. */
static void read_packed(struct file *file, GBytes *bytes)
{
    struct packed_budget budget = {0};
    g_autoptr(GError) error = NULL;
    g_autoptr(packed_auto) packed = packed_open("an archive", -1, bytes, &budget, &error);

    while (packed && !error && packed_next(packed, &error))
        read_entry(file, packed, &error);
    const char *trouble = packed ? packed_trouble(packed) : NULL;
    g_autofree char *text = error     ? g_strdup(error->message)
                            : trouble ? g_strdup_printf("an archive that %s", trouble)
                                      : NULL;
    if (text) {
        g_clear_pointer(&file->trouble, g_free); /* it is the cause of what was said of a file in it */
        miss(file, text);
    }
    if (file->ders->len == 0)
        tell(file, "an archive without a certificate in it");
}

/* What is said of the file beside its certificates: ${file->trouble}, or why it has none. */
static void conclude(struct file *file, gsize size)
{
    gboolean none = file->ders->len == 0;

    if (file->refused > 0 && (file->partly || !file->trouble || !none)) {
        g_free(file->trouble);
        file->trouble =
            g_strdup_printf("%u of %u certificates could not be read", file->refused, file->refused + file->ders->len);
    } else if (none) {
        tell(file, size == 0 ? "an empty file" : NO_CERTIFICATE);
    } else if (!file->partly) {
        g_clear_pointer(&file->trouble, g_free); /* what else stands beside certificates doesn't matter */
    }
}

static void read_bytes(struct file *file, GBytes *bytes)
{
    gsize size;
    const void *first = g_bytes_get_data(bytes, &size);

    if (size > 0 && packed_is(first, MIN(size, PACKED_HEAD_BYTES)))
        read_packed(file, bytes);
    else
        read_plain(file, bytes);
    conclude(file, size);
}

static void keep_trouble(struct walk *walk, const char *path, const char *trouble)
{
    if (trouble && walk->told++ == 0)
        walk->trouble = g_strdup_printf("%s: %s", path, trouble);
}

/*
 * FALSE with ${error} set if the file cannot be read; ${*any} says whether it has a certificate, or something that may
 * be one.
 */
static gboolean read_file(struct walk *walk, const char *path, gboolean *any, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, REFERENCE_FILE_BYTES, error);
    if (!bytes)
        return FALSE;
    g_autoptr(GPtrArray) ders = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    struct file file = {.options = walk->options, .ders = ders};
    gsize size;
    const uint8_t *first = g_bytes_get_data(bytes, &size);

    if (walk->options->digest && size > 0)
        g_checksum_update(walk->options->digest, first, (gssize)size);
    read_bytes(&file, bytes);
    OPENSSL_cleanse((void *)first, size); /* the bytes are ours alone, and private keys may stand in them */
    *any = ders->len > 0 || file.partly || file.refused > 0;
    walk->certs += ders->len;
    if (ders->len > 0)
        walk->found(walk->data, path, ders);
    if (*any || !walk->folder)
        keep_trouble(walk, file_name(path), file.trouble);
    g_free(file.trouble);
    return TRUE;
}

/* FALSE if it was seen before, under whatever name. */
static gboolean is_new(struct walk *walk, const struct stat *status)
{
    return g_hash_table_add(walk->seen,
                            g_strdup_printf("%ju:%ju", (uintmax_t)status->st_dev, (uintmax_t)status->st_ino));
}

/* By name, but what looks like the name of a certificate before OpenSSL's hashed links to it. */
static int compare_names(const void *a, const void *b)
{
    static const char *const endings[] = {".pem", ".crt", ".cer", ".der"};
    const char *names[2] = {*(const char *const *)a, *(const char *const *)b};
    gboolean plain[2] = {FALSE, FALSE};

    for (int side = 0; side < 2; side++)
        for (size_t i = 0; i < G_N_ELEMENTS(endings); i++)
            plain[side] = plain[side] || g_str_has_suffix(names[side], endings[i]);
    if (plain[0] != plain[1])
        return plain[0] ? -1 : 1;
    return strcmp(names[0], names[1]);
}

static GPtrArray *list_folder(const char *path, GError **error)
{
    GDir *dir = g_dir_open(path, 0, error);
    if (!dir)
        return NULL;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir))
        g_ptr_array_add(names, g_strdup(name));
    g_dir_close(dir);
    if (names->len > 1)
        qsort(names->pdata, names->len, sizeof names->pdata[0], compare_names);
    return names;
}

static void walk_folder(struct walk *walk, GPtrArray *names, const char *path, int depth)
{
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *below = g_build_filename(path, names->pdata[i], NULL);
        struct stat status;
        gboolean any = FALSE;

        if (stat(below, &status) != 0) {
            walk->passed++; /* a link to nowhere, mostly */
        } else if (!is_new(walk, &status)) {
            continue;
        } else if (S_ISDIR(status.st_mode)) {
            g_autoptr(GPtrArray) inner = depth < REFERENCE_DEPTH ? list_folder(below, NULL) : NULL;
            if (inner)
                walk_folder(walk, inner, below, depth + 1);
            else if (depth < REFERENCE_DEPTH)
                walk->unreadable++;
            else
                walk->deep++;
        } else if (!S_ISREG(status.st_mode)) {
            walk->passed++;
        } else if (walk->files >= REFERENCE_FILES) {
            walk->beyond++;
        } else {
            walk->files++;
            if (!read_file(walk, below, &any, NULL) || !any)
                walk->passed++;
        }
    }
}

static char *describe(const struct walk *walk, const char *path)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (walk->passed)
        g_string_append_printf(out, ", %u files without a readable certificate were passed over", walk->passed);
    if (walk->told)
        g_string_append_printf(out, ", %u files were not read in full (the first: %s)", walk->told, walk->trouble);
    if (walk->unreadable)
        g_string_append_printf(out, ", %u folders cannot be read", walk->unreadable);
    if (walk->deep)
        g_string_append_printf(out, ", %u folders lie deeper than %d levels", walk->deep, REFERENCE_DEPTH);
    if (walk->beyond)
        g_string_append_printf(out, ", %u files beyond the first %d were not read", walk->beyond, REFERENCE_FILES);
    return out->len ? g_strdup_printf("%s: %s", path, out->str + 2) : NULL;
}

static gboolean read_folder(struct walk *walk, const char *path, char **trouble, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(GPtrArray) names = list_folder(path, &cause);
    if (!names) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING, "%s: %s", path, cause->message);
        return FALSE;
    }
    walk->folder = TRUE;
    walk_folder(walk, names, path, 1);
    g_autofree char *said = describe(walk, path);
    if (walk->certs == 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: no certificate in this folder%s", path,
                    said ? said + strlen(path) : "");
        return FALSE;
    }
    *trouble = g_steal_pointer(&said);
    return TRUE;
}

static gboolean read_one(struct walk *walk, const char *path, char **trouble, GError **error)
{
    gboolean any;

    if (!read_file(walk, path, &any, error))
        return FALSE;
    if (walk->certs == 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s", walk->trouble);
        return FALSE;
    }
    *trouble = g_steal_pointer(&walk->trouble);
    return TRUE;
}

gboolean reference_read(const char *path, const struct reference_options *options, reference_found *found, void *data,
                        char **trouble, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct walk walk = {.options = options, .found = found, .data = data, .seen = seen};
    struct stat status;
    gboolean ok;

    *trouble = NULL;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        is_new(&walk, &status); /* a link back to it ends there */
        ok = read_folder(&walk, path, trouble, error);
    } else {
        ok = read_one(&walk, path, trouble, error);
    }
    g_free(walk.trouble);
    return ok;
}
