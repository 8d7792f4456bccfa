#include "reference.h"

#include "analysis.h"
#include "error.h"
#include "file.h"

#include <errno.h>
#include <openssl/bio.h>
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
};

static gboolean is_certificate(const char *name)
{
    return g_str_equal(name, PEM_STRING_X509) || g_str_equal(name, PEM_STRING_X509_OLD) ||
           g_str_equal(name, PEM_STRING_X509_TRUSTED);
}

/* The certificates among the PEM blocks of ${bytes}; a broken block is passed over. */
static void read_pem(GPtrArray *ders, GBytes *bytes)
{
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
        if (PEM_read_bio(bio, &name, &header, &der, &length) && is_certificate(name))
            g_ptr_array_add(ders, g_bytes_new(der, (gsize)length));
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, (size_t)length); /* somebody may keep a key beside his certificate */
    }
    BIO_free(bio);
    ERR_clear_error();
}

/* FALSE with ${error} set if the file cannot be read; ${*any} says whether there was a certificate in it. */
static gboolean read_file(struct walk *walk, const char *path, gboolean *any, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, ANALYSIS_REFERENCE_BYTES, error);
    if (!bytes)
        return FALSE;
    g_autoptr(GPtrArray) ders = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    gsize size;
    const uint8_t *first = g_bytes_get_data(bytes, &size);

    if (size > 0 && first[0] == 0x30)
        g_ptr_array_add(ders, g_bytes_ref(bytes));
    else if (size > 0)
        read_pem(ders, bytes);
    *any = ders->len > 0;
    if (*any)
        walk->found(walk->data, path, ders);
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
    if (!any)
        *trouble = g_strdup_printf("%s: no certificate in it", path);
    return TRUE;
}
