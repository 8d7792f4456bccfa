/* analyzer/pse: the trust list of a PSE file, and nothing else of it.  The PSEs are made by make-pse. */
#include "pse.h"

#include "certs.h"
#include "pool.h"
#include "refer.h"

#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <openssl/err.h>
#include <string.h>

#define CANARY "c0ffee00c0ffee01c0ffee02c0ffee03c0ffee04c0ffee05c0ffee06c0ffee07"

static char *folder;
static struct issued *roots[3], *own;

static char *in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static char *write_pem(const char *name, const struct issued *issued)
{
    char *path = in_folder(name);
    g_autofree char *pem = certs_pem(issued);
    cr_assert(g_file_set_contents(path, pem, -1, NULL));
    return path;
}

static void make(void)
{
    folder = g_dir_make_tmp("trustgap-pse-XXXXXX", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(roots); i++) {
        g_autofree char *subject = g_strdup_printf("/CN=Root %zu", i), *name = g_strdup_printf("%zu.pem", i);
        roots[i] = certs(.subject = subject);
        g_free(write_pem(name, roots[i]));
    }
    own = certs(.subject = "/CN=own");
    g_free(write_pem("own.pem", own));
}

static void remove_all(void)
{
    GDir *dir = g_dir_open(folder, 0, NULL);
    for (const char *name = g_dir_read_name(dir); name; name = g_dir_read_name(dir)) {
        g_autofree char *path = in_folder(name);
        g_remove(path);
    }
    g_dir_close(dir);
    g_rmdir(folder);
    g_clear_pointer(&folder, g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(roots); i++)
        g_clear_pointer(&roots[i], certs_free);
    g_clear_pointer(&own, certs_free);
}

TestSuite(pse, .init = make, .fini = remove_all);

/* "BTP trust store.pse" with these arguments of make-pse; its path. */
static char *make_pse(const char *arguments)
{
    g_autofree char *line = g_strconcat(MAKE_PSE " -o 'BTP trust store.pse' ", arguments, NULL);
    g_auto(GStrv) words = NULL;
    g_autoptr(GError) error = NULL;
    int status;
    cr_assert(g_shell_parse_argv(line, NULL, &words, NULL));
    cr_assert(g_spawn_sync(folder, words, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL, &status, &error), "%s",
              error ? error->message : "");
    cr_assert_eq(status, 0, "%s", arguments);
    return in_folder("BTP trust store.pse");
}

static enum pse_form read_file(GPtrArray *certs, const char *path)
{
    g_autofree char *bytes = NULL;
    gsize size;
    cr_assert(g_file_get_contents(path, &bytes, &size, NULL));
    enum pse_form form = pse_read(certs, bytes, size, PSE_TRUSTED);
    cr_expect_eq(ERR_peek_error(), 0);
    return form;
}

static gboolean is_among(const GPtrArray *certs, const struct issued *issued)
{
    for (guint i = 0; i < certs->len; i++)
        if (g_bytes_equal(certs->pdata[i], issued->der))
            return TRUE;
    return FALSE;
}

#define TWO " --trust 0.pem --trust 1.pem "

Test(pse, forms)
{
    static const struct {
        const char *arguments;
        enum pse_form form;
        guint certs;
        const char *error; /* as a reference */
    } rows[] = {
        {TWO, PSE_PLAIN, 2, NULL},
        {TWO "--version 4", PSE_PLAIN, 2, NULL},
        {TWO "--trust 2.pem --own own.pem --canary " CANARY, PSE_PLAIN, 3, NULL},
        {TWO "--own own.pem --canary " CANARY " --order sk-first", PSE_PLAIN, 2, NULL},
        {TWO "--own own.pem --canary " CANARY " --order list-first --version 4", PSE_PLAIN, 2, NULL},
        {"--own own.pem --canary " CANARY, PSE_PLAIN, 0, "a PSE with an empty trust list"},
        {"--own own.pem --canary " CANARY " --no-pklist", PSE_PLAIN, 0, "a PSE with an empty trust list"},
        {TWO "--pin", PSE_PIN, 0, "a PIN protects"},
        {TWO "--pin --version 4 --own own.pem --canary " CANARY, PSE_PIN, 0, "a PIN protects"},
        {TWO "--lps", PSE_LPS, 0, "(LPS)"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) certs = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
        g_autofree char *path = make_pse(rows[i].arguments);
        cr_expect_eq(read_file(certs, path), rows[i].form, "%s", rows[i].arguments);
        cr_expect_eq(certs->len, rows[i].certs, "%s: %u", rows[i].arguments, certs->len);
        for (guint j = 0; j < rows[i].certs; j++)
            cr_expect(is_among(certs, roots[j]), "%s: %u", rows[i].arguments, j);
        cr_expect_not(is_among(certs, own), "the trust list only");

        g_autoptr(audit_auto) audit = audit_new();
        struct pool *pool = pool_new(audit);
        g_autoptr(GError) error = NULL;
        cr_expect_eq(refer(pool, path, &error), rows[i].error == NULL, "%s", rows[i].arguments);
        cr_expect_eq(audit->certs->len, rows[i].certs);
        cr_expect_eq(audit->warnings->len, 0, "%s", rows[i].arguments);
        cr_expect(!rows[i].error || (g_str_has_prefix(error->message, path) && strstr(error->message, rows[i].error)),
                  "%s: %s", rows[i].arguments, error->message);
        pool_free(pool);
    }
}

/* Every truncation, and every byte changed: never a certificate that is none of the list's, never the key. */
Test(pse, any_bytes)
{
    for (int version = 2; version <= 4; version += 2) {
        g_autofree char *arguments = g_strdup_printf(TWO "--own own.pem --canary " CANARY " --version %d", version);
        g_autofree char *path = make_pse(arguments);
        g_autofree char *bytes = NULL;
        const char canary[] = {(char)0xc0, (char)0xff, (char)0xee, 0x02};
        unsigned damaged = 0, none = 0, plain = 0;
        gsize size;
        cr_assert(g_file_get_contents(path, &bytes, &size, NULL));

        for (gsize i = 0; i < 2 * size; i++) {
            g_autoptr(GPtrArray) certs = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
            g_autofree char *copy = g_memdup2(bytes, size);
            if (i >= size)
                copy[i - size] = (char)(copy[i - size] ^ 0x21);
            enum pse_form form = pse_read(certs, copy, i < size ? i : size, PSE_TRUSTED);
            plain += form == PSE_PLAIN;
            damaged += form == PSE_DAMAGED;
            none += form == PSE_NONE;
            cr_assert(i >= size || form == PSE_DAMAGED || form == PSE_NONE, "cut at %zu", i);
            for (guint j = 0; j < certs->len; j++)
                cr_assert_null(memmem(g_bytes_get_data(certs->pdata[j], NULL), g_bytes_get_size(certs->pdata[j]),
                                      canary, sizeof canary));
        }
        cr_expect_eq(ERR_peek_error(), 0);
        cr_expect_gt(damaged, size, "%u of %zu", damaged, size);
        cr_expect_gt(plain, size / 4, "values may be anything: %u", plain);
        cr_expect_lt(none, 40, "%u", none);
    }
}

Test(pse, a_damaged_one_is_told)
{
    g_autofree char *path = make_pse(TWO), *bytes = NULL;
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    gsize size;
    cr_assert(g_file_get_contents(path, &bytes, &size, NULL));
    cr_assert(g_file_set_contents(path, bytes, (gssize)size - 1, NULL));
    g_autoptr(GError) error = NULL;
    cr_expect_not(refer(pool, path, &error));
    cr_expect(g_str_has_suffix(error->message, "BTP trust store.pse: a damaged PSE: its certificates were not read"),
              "%s", error->message);

    /* In a folder one line tells of all. */
    g_autofree char *second = make_pse(TWO "--pin");
    cr_expect(refer(pool, folder, NULL));
    cr_assert_eq(audit->warnings->len, 1);
    const char *warning = audit->warnings->pdata[0];
    cr_expect(strstr(warning, ": 1 files were not read in full (the first: "), "%s", warning);
    cr_expect(strstr(warning, "BTP trust store.pse: a PSE that a PIN protects"), "%s", warning);
    cr_expect_eq(audit->certs->len, 4, "the PEM files beside it");
    pool_free(pool);
}

/* A list of a PSE may hold what OpenSSL refuses: it is counted, the others are read. */
Test(pse, entries_that_are_no_certificates_are_counted)
{
    g_autofree char *path = make_pse(TWO), *bytes = NULL;
    g_autoptr(audit_auto) audit = audit_new();
    struct pool *pool = pool_new(audit);
    gsize size, length;
    const void *der = g_bytes_get_data(roots[0]->der, &length);
    cr_assert(g_file_get_contents(path, &bytes, &size, NULL));
    char *at = memmem(bytes, size, der, length);
    cr_assert_not_null(at);
    const char algorithm[] = {0x06, 0x08, 0x2a}; /* of its signature: an identifier becomes something else */
    char *broken = memmem(at, length, algorithm, sizeof algorithm);
    cr_assert_not_null(broken);
    broken[0] = 0x17;
    cr_assert(g_file_set_contents(path, bytes, (gssize)size, NULL));
    cr_expect(refer(pool, path, NULL));
    cr_expect_eq(audit->certs->len, 1);
    cr_assert_eq(audit->warnings->len, 1);
    cr_expect(g_str_has_suffix(audit->warnings->pdata[0], ": 1 of 2 certificates could not be read"), "%s",
              (char *)audit->warnings->pdata[0]);
    pool_free(pool);
}

Test(pse, what_is_none)
{
    static const struct {
        const char *what;
        unsigned char bytes[16];
        size_t size;
        enum pse_form form;
    } rows[] = {
        {"nothing", {0}, 0, PSE_NONE},
        {"a byte", {0x30}, 1, PSE_NONE},
        {"a PKCS #12 file", {0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x03, 0x30}, 8, PSE_NONE},
        {"a private key", {0x30, 0x82, 0x01, 0x00, 0x02, 0x01, 0x00, 0x02}, 8, PSE_NONE},
        {"version 2 without anything", {0x30, 0x03, 0x02, 0x01, 0x02}, 5, PSE_NONE},
        {"version 2, cut", {0x30, 0x05, 0x02, 0x01, 0x02, 0x30}, 6, PSE_DAMAGED},
        {"an empty content", {0x30, 0x05, 0x02, 0x01, 0x02, 0x30, 0x00}, 7, PSE_DAMAGED},
        {"indefinite length", {0x30, 0x80, 0x02, 0x01, 0x02, 0x30, 0x00, 0x00, 0x00}, 9, PSE_DAMAGED},
        {"a length of four bytes", {0x30, 0x84, 0x00, 0x00, 0x00, 0x05, 0x02, 0x01, 0x02, 0x30, 0x00}, 11, PSE_NONE},
        {"version 4 with another body", {0x30, 0x05, 0x02, 0x01, 0x04, 0x30, 0x00}, 7, PSE_NONE},
        {"version 4, empty", {0x30, 0x05, 0x02, 0x01, 0x04, 0xa3, 0x00}, 7, PSE_DAMAGED},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GPtrArray) certs = g_ptr_array_new();
        cr_expect_eq(pse_read(certs, rows[i].bytes, rows[i].size, PSE_TRUSTED), rows[i].form, "%s", rows[i].what);
        cr_expect_eq(certs->len, 0);
    }
    cr_expect_eq(ERR_peek_error(), 0);
}
