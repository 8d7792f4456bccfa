#include "reference.h"

#include "analysis.h"
#include "error.h"
#include "file.h"
#include "pse.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <sys/stat.h>

struct walk {
    reference_found *found;
    void *data;
    GHashTable *seen;    /* "device:inode" of each file and folder */
    unsigned files;      /* read */
    unsigned passed;     /* without a certificate, or not to be read */
    unsigned deep;       /* folders below REFERENCE_DEPTH */
    unsigned beyond;     /* files beyond ANALYSIS_REFERENCES */
    unsigned unreadable; /* folders */
    unsigned told;       /* files with a trouble of their own */
    char *trouble;       /* of the first of them: "FILE: sentence" */
};

#define SEALED_PIN "a PSE that a PIN protects: its trust list was not read"
#define SEALED_LPS "a PSE that is bound to a machine (LPS): its trust list was not read"
#define BROKEN_PSE "a damaged PSE: its trust list was not read"
#define BROKEN_PEM "a PEM block that cannot be read"
#define BROKEN_CMS "a PKCS #7 bundle that cannot be read"
#define MORE_CERTS "more certificates than " G_STRINGIFY(ANALYSIS_REFERENCE_CERTS) ": the others were not read"

static gboolean is_certificate(const char *name)
{
    return g_str_equal(name, PEM_STRING_X509) || g_str_equal(name, PEM_STRING_X509_OLD) ||
           g_str_equal(name, PEM_STRING_X509_TRUSTED);
}

static gboolean is_bundle(const char *name)
{
    return g_str_equal(name, PEM_STRING_PKCS7) || g_str_equal(name, PEM_STRING_PKCS7_SIGNED) ||
           g_str_equal(name, PEM_STRING_CMS);
}

/* The certificates beside a PKCS #7 (CMS) signature, which mostly is none: such bundles are all certificates. */
static gboolean read_bundle(GPtrArray *ders, const unsigned char *bytes, size_t size)
{
    const unsigned char *at = bytes;
    CMS_ContentInfo *bundle = d2i_CMS_ContentInfo(NULL, &at, (long)size);
    STACK_OF(X509) *certs = bundle ? CMS_get1_certs(bundle) : NULL;

    for (int i = 0; i < sk_X509_num(certs); i++) {
        unsigned char *der = NULL;
        int length = i2d_X509(sk_X509_value(certs, i), &der);
        if (length > 0)
            g_ptr_array_add(ders, g_bytes_new(der, (gsize)length));
        OPENSSL_free(der);
    }
    sk_X509_pop_free(certs, X509_free);
    CMS_ContentInfo_free(bundle);
    ERR_clear_error();
    return bundle != NULL;
}

/* The certificates among the PEM blocks of ${bytes}; a broken block is passed over. */
static const char *read_pem(GPtrArray *ders, GBytes *bytes)
{
    const char *trouble = NULL;
    gsize size;
    const void *text = g_bytes_get_data(bytes, &size);
    BIO *bio = BIO_new_mem_buf(text, (int)size);
    size_t left = size + 1;

    /* Each turn takes at least a line, or there are no more blocks. */
    while (BIO_ctrl_pending(bio) < left) {
        char *name = NULL, *header = NULL;
        unsigned char *der = NULL;
        long length = 0;
        left = BIO_ctrl_pending(bio);
        gboolean read = PEM_read_bio(bio, &name, &header, &der, &length) == 1;
        if (!read && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
            trouble = BROKEN_PEM;
        ERR_clear_error();
        if (read && is_certificate(name))
            g_ptr_array_add(ders, g_bytes_new(der, (gsize)length));
        else if (read && is_bundle(name) && !read_bundle(ders, der, (size_t)length))
            trouble = BROKEN_CMS;
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)length); /* somebody may keep a key beside his certificate */
    }
    BIO_free(bio);
    ERR_clear_error();
    return trouble;
}

/* Certificates in DER, one behind the other; what is none counts as one that cannot be read.  FALSE if there are more.
 */
static gboolean read_certificates(GPtrArray *ders, const unsigned char *bytes, size_t size)
{
    const unsigned char *end = bytes + size;

    while (bytes < end && ders->len < ANALYSIS_REFERENCE_CERTS) {
        const unsigned char *at = bytes;
        long length = 0;
        int tag, class;
        gboolean whole = !(ASN1_get_object(&at, &length, &tag, &class, end - bytes) & 0x81) && *bytes == 0x30;
        const unsigned char *next = whole ? at + length : end;
        g_ptr_array_add(ders, g_bytes_new(bytes, (gsize)(next - bytes)));
        bytes = next;
    }
    ERR_clear_error();
    return bytes == end;
}

/* A certificate begins with a SEQUENCE in the SEQUENCE, a PKCS #7 bundle with an identifier, a PSE with a number. */
static const char *read_der(GPtrArray *ders, const unsigned char *bytes, size_t size)
{
    const unsigned char *at = bytes;
    long length;
    int tag, class;

    switch (pse_read(ders, bytes, size)) {
    case PSE_PLAIN:
        return NULL;
    case PSE_PIN:
        return SEALED_PIN;
    case PSE_LPS:
        return SEALED_LPS;
    case PSE_DAMAGED:
        return BROKEN_PSE;
    case PSE_NONE:
        break;
    }
    int form = ASN1_get_object(&at, &length, &tag, &class, (long)size);
    ERR_clear_error();
    if (!(form & 0x80) && at < bytes + size && *at == V_ASN1_OBJECT)
        return read_bundle(ders, bytes, size) ? NULL : BROKEN_CMS;
    return read_certificates(ders, bytes, size) ? NULL : MORE_CERTS;
}

static void tell(struct walk *walk, const char *path, const char *trouble)
{
    if (trouble && walk->told++ == 0)
        walk->trouble = g_strdup_printf("%s: %s", path, trouble);
}

/* FALSE with ${error} set if the file cannot be read; ${*any} says whether there is nothing more to say of it. */
static gboolean read_file(struct walk *walk, const char *path, gboolean *any, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, ANALYSIS_REFERENCE_BYTES, error);
    if (!bytes)
        return FALSE;
    g_autoptr(GPtrArray) ders = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    const char *trouble = NULL;
    gsize size;
    const uint8_t *first = g_bytes_get_data(bytes, &size);

    if (size > 0 && first[0] == 0x30)
        trouble = read_der(ders, first, size);
    else if (size > 0)
        trouble = read_pem(ders, bytes);
    OPENSSL_cleanse((void *)first, size); /* the bytes are ours alone, and a PSE has its private key in them */
    *any = ders->len > 0 || trouble;
    if (ders->len > 0)
        walk->found(walk->data, path, ders);
    tell(walk, path, trouble);
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
        } else if (walk->files >= ANALYSIS_REFERENCES) {
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
        g_string_append_printf(out, ", of %u files not all was read (%s)", walk->told, walk->trouble);
    if (walk->unreadable)
        g_string_append_printf(out, ", %u folders cannot be read", walk->unreadable);
    if (walk->deep)
        g_string_append_printf(out, ", %u folders lie deeper than %d levels", walk->deep, REFERENCE_DEPTH);
    if (walk->beyond)
        g_string_append_printf(out, ", %u files beyond the first %d were not read", walk->beyond, ANALYSIS_REFERENCES);
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
    walk_folder(walk, names, path, 1);
    *trouble = describe(walk, path);
    g_clear_pointer(&walk->trouble, g_free);
    return TRUE;
}

gboolean reference_read(const char *path, reference_found *found, void *data, char **trouble, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct walk walk = {.found = found, .data = data, .seen = seen};
    struct stat status;
    gboolean any;

    *trouble = NULL;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        is_new(&walk, &status); /* a link back to it ends there */
        return read_folder(&walk, path, trouble, error);
    }
    if (!read_file(&walk, path, &any, error))
        return FALSE;
    *trouble = any ? walk.trouble : g_strdup_printf("%s: no certificate in it", path);
    return TRUE;
}
