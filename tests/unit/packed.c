/* analyzer/packed, explain_packed: packed traces and archives, their limits, and what is damaged. */
#include "packed.h"

#include "analysis.h"
#include "error.h"

#include <archive.h>
#include <archive_entry.h>
#include <criterion/criterion.h>
#include <glib/gstdio.h>
#include <string.h>

/* Packing */

struct packing {
    struct archive *archive;
    GByteArray *bytes;
};

static la_ssize_t take_bytes(struct archive *archive, void *data, const void *bytes, size_t size)
{
    struct packing *packing = data;
    (void)archive;
    g_byte_array_append(packing->bytes, bytes, (guint)size);
    return (la_ssize_t)size;
}

static void packing_begin(struct packing *packing, const char *format, const char *filter)
{
    packing->archive = archive_write_new();
    packing->bytes = g_byte_array_new();
    cr_assert_eq(archive_write_set_format_by_name(packing->archive, format), ARCHIVE_OK, "%s", format);
    cr_assert(!filter || archive_write_add_filter_by_name(packing->archive, filter) == ARCHIVE_OK, "%s", filter);
    archive_write_set_bytes_in_last_block(packing->archive, 1);
    cr_assert_eq(archive_write_open(packing->archive, packing, NULL, take_bytes, NULL), ARCHIVE_OK);
}

static void packing_begin_file(struct packing *packing, const char *name, unsigned type, size_t size)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, type);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, (la_int64_t)size);
    if (type == AE_IFLNK)
        archive_entry_set_symlink(entry, "/etc/passwd");
    cr_assert_eq(archive_write_header(packing->archive, entry), ARCHIVE_OK, "%s", name);
    archive_entry_free(entry);
}

static void packing_add(struct packing *packing, const char *name, const void *bytes, size_t size)
{
    packing_begin_file(packing, name, AE_IFREG, size);
    cr_assert_eq(archive_write_data(packing->archive, bytes, size), (la_ssize_t)size);
}

static GBytes *packing_end(struct packing *packing)
{
    cr_assert_eq(archive_write_close(packing->archive), ARCHIVE_OK);
    archive_write_free(packing->archive);
    return g_byte_array_free_to_bytes(packing->bytes);
}

static GBytes *pack_raw(const char *filter, const void *bytes, size_t size)
{
    struct packing packing;
    packing_begin(&packing, "raw", filter);
    packing_add(&packing, "data", bytes, size);
    return packing_end(&packing);
}

static gboolean is_packed(GBytes *bytes)
{
    return packed_is(g_bytes_get_data(bytes, NULL), MIN(g_bytes_get_size(bytes), PACKED_HEAD_BYTES));
}

/* How many bytes of content came out; ${*names} (may be NULL) is the names, each followed by a blank. */
static uint64_t unpack(GBytes *bytes, struct packed_budget *budget, char **names, char **trouble, GError **error)
{
    g_autoptr(packed_auto) packed = packed_open("x", -1, bytes, budget, error);
    g_autoptr(GString) list = g_string_new(NULL);
    GError *own = NULL;
    uint64_t total = 0;

    cr_assert(packed);
    while (!own && packed_next(packed, &own)) {
        size_t size = 1;
        g_string_append_printf(list, "%s ", packed_name(packed) ? packed_name(packed) : "-");
        while (size > 0) {
            const void *at;
            if (!packed_read(packed, &at, &size, &own))
                break;
            total += size;
        }
    }
    if (names)
        *names = g_strdup(list->str);
    if (trouble)
        *trouble = g_strdup(packed_trouble(packed));
    if (own)
        g_propagate_error(error, own);
    return total;
}

Test(packed, kinds)
{
    static const char *const filters[] = {"gzip", "bzip2", "xz", "zstd"};
    static const struct {
        const char *format, *filter;
    } archives[] = {{"ustar", NULL},   {"pax", NULL},   {"gnutar", "gzip"},
                    {"ustar", "zstd"}, {"ustar", "xz"}, {"zip", NULL}};
    const char text[] = "some text that is no archive\n";

    cr_expect_not(packed_is(text, sizeof text));
    cr_expect_not(packed_is("", 0));
    for (size_t i = 0; i < G_N_ELEMENTS(filters); i++) {
        g_autoptr(GBytes) bytes = pack_raw(filters[i], text, sizeof text);
        struct packed_budget budget = {0};
        g_autofree char *names = NULL, *trouble = NULL;
        cr_expect(is_packed(bytes), "%s", filters[i]);
        cr_expect_eq(unpack(bytes, &budget, &names, &trouble, NULL), sizeof text, "%s", filters[i]);
        cr_expect_str_eq(names, "- ", "%s", filters[i]);
        cr_expect_null(trouble, "%s: %s", filters[i], trouble);
        cr_expect_eq(budget.entries, 1);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(archives); i++) {
        struct packing packing;
        struct packed_budget budget = {0};
        g_autofree char *names = NULL, *trouble = NULL;
        packing_begin(&packing, archives[i].format, archives[i].filter);
        packing_add(&packing, "work/dev_icm", text, sizeof text);
        packing_begin_file(&packing, "work", AE_IFDIR, 0);
        packing_begin_file(&packing, "work/link", AE_IFLNK, 0);
        packing_add(&packing, "../../etc/dev_icm", text, 5);
        packing_add(&packing, "empty", "", 0);
        g_autoptr(GBytes) bytes = packing_end(&packing);
        cr_expect(is_packed(bytes), "%s", archives[i].format);
        cr_expect_eq(unpack(bytes, &budget, &names, &trouble, NULL), sizeof text + 5, "%s", archives[i].format);
        cr_expect_str_eq(names, "work/dev_icm ../../etc/dev_icm empty ", "%s: %s", archives[i].format, names);
        cr_expect_null(trouble, "%s: %s", archives[i].format, trouble);
    }
}

/* Each cut, and flips: never more than there was, and a cut is always told. */
Test(packed, damaged)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct packing packing;
    unsigned told = 0;

    for (unsigned i = 0; i < 2000; i++)
        g_string_append_printf(text, "line %u\n", i * i);
    for (int zip = 0; zip < 2; zip++) {
        packing_begin(&packing, zip ? "zip" : "ustar", zip ? NULL : "gzip");
        packing_add(&packing, "one", text->str, text->len);
        packing_add(&packing, "two", text->str, text->len);
        g_autoptr(GBytes) bytes = packing_end(&packing);
        gsize size = g_bytes_get_size(bytes);
        for (gsize i = 8; i < size - 1; i += 97) {
            g_autoptr(GBytes) cut = g_bytes_new(g_bytes_get_data(bytes, NULL), i);
            struct packed_budget budget = {0};
            g_autofree char *trouble = NULL;
            uint64_t got = unpack(cut, &budget, NULL, &trouble, NULL);
            cr_expect_leq(got, 2 * text->len);
            cr_expect(trouble || got == 2 * text->len, "%d: cut at %zu: %" G_GUINT64_FORMAT, zip, (size_t)i, got);
            g_autofree uint8_t *flipped = g_memdup2(g_bytes_get_data(bytes, NULL), size);
            flipped[i] ^= 0x55;
            g_autoptr(GBytes) other = g_bytes_new(flipped, size);
            g_autofree char *trouble_of_flip = NULL;
            g_autoptr(GError) error = NULL;
            struct packed_budget second = {0};
            unpack(other, &second, NULL, &trouble_of_flip, &error);
            told += trouble_of_flip || error;
        }
    }
    cr_expect_gt(told, 20, "%u", told);
}

/* Zeros to a stream of almost nothing. */
static GBytes *pack_bomb(uint64_t size, const char *filter)
{
    struct packing packing;
    g_autofree char *block = g_malloc(1024 * 1024);

    memset(block, 'A', 1024 * 1024);
    packing_begin(&packing, "raw", filter);
    packing_begin_file(&packing, "data", AE_IFREG, 0);
    for (uint64_t done = 0; done < size; done += 1024 * 1024)
        cr_assert_gt(archive_write_data(packing.archive, block, 1024 * 1024), 0);
    return packing_end(&packing);
}

Test(packed, ratio)
{
    const struct {
        const char *what;
        uint64_t size;
        gboolean refused;
    } rows[] = {
        {"as much as is free", PACKED_RATIO_FREE, FALSE},
        {"more", PACKED_RATIO_FREE + 1024 * 1024, TRUE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) bytes = pack_bomb(rows[i].size, "zstd");
        struct packed_budget budget = {0};
        g_autoptr(GError) error = NULL;
        uint64_t got = unpack(bytes, &budget, NULL, NULL, &error);
        cr_expect_lt(g_bytes_get_size(bytes) * PACKED_RATIO, PACKED_RATIO_FREE, "it is a bomb");
        cr_expect_eq(error != NULL, rows[i].refused, "%s", rows[i].what);
        cr_expect(rows[i].refused || got == rows[i].size, "%s", rows[i].what);
        cr_expect(!error || (g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT) &&
                             g_str_has_prefix(error->message, "x: unpacks to more than 1000 times its size")),
                  "%s", error ? error->message : "");
    }
}

Test(packed, bytes_of_all)
{
    char text[4096];
    memset(text, 'x', sizeof text);
    g_autoptr(GBytes) bytes = pack_raw("gzip", text, sizeof text);

    for (int more = 0; more < 2; more++) {
        struct packed_budget budget = {.unpacked = PACKED_BYTES - sizeof text + (uint64_t)more};
        g_autoptr(GError) error = NULL;
        unpack(bytes, &budget, NULL, NULL, &error);
        cr_expect_eq(error != NULL, more == 1);
        cr_expect(!error || strstr(error->message, "x: unpacks to more than 16 GiB"), "%s",
                  error ? error->message : "");
    }
}

Test(packed, number_of_files)
{
    for (int more = 0; more < 2; more++) {
        struct packing packing;
        struct packed_budget budget = {0};
        g_autoptr(GError) error = NULL;
        packing_begin(&packing, "ustar", "gzip");
        for (int i = 0; i < PACKED_ENTRIES + more; i++)
            packing_add(&packing, "dev_icm", "", 0);
        g_autoptr(GBytes) bytes = packing_end(&packing);
        unpack(bytes, &budget, NULL, NULL, &error);
        cr_expect_eq(error != NULL, more == 1);
        cr_expect(!error || strstr(error->message, "x: more than 20000 files"), "%s", error ? error->message : "");
    }
}

Test(packed, filters_of_one)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static("text\n", 5);

    for (unsigned depth = 1; depth <= PACKED_DEPTH + 1; depth++) {
        gsize size;
        const void *inner = g_bytes_get_data(bytes, &size);
        GBytes *outer = pack_raw("gzip", inner, size);
        g_bytes_unref(g_steal_pointer(&bytes));
        bytes = outer;
        struct packed_budget budget = {0};
        g_autofree char *trouble = NULL;
        uint64_t got = unpack(bytes, &budget, NULL, &trouble, NULL);
        cr_expect_eq(got, depth <= PACKED_DEPTH ? 5 : 0, "%u", depth);
        cr_expect_eq(trouble != NULL, depth > PACKED_DEPTH, "%u", depth);
    }
}

/* Explaining what is packed */

#define HEAD                                                                                                           \
    "[Thr 7] *** ERROR during SecuSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL\n"                              \
    "[Thr 7]    session uses PSE file \"/usr/sap/PRD/D00/sec/SAPSSLC.pse\"\n"
#define TAIL                                                                                                           \
    "[Thr 7] SecuSSL_SessionStart: SSL_connect() failed  (536872221/0x2000051d)\n"                                     \
    "[Thr 7]   => \"Failed to verify peer certificate. Peer not trusted.\"\n"                                          \
    "[Thr 7] <<- ERROR: SapSSLSessionStart(sssl_hdl=7f)==SSSLERR_PEER_CERT_UNTRUSTED\n"

static char *folder;

static void make_folder(void)
{
    folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    cr_assert_not_null(folder);
}

static void remove_folder(void)
{
    g_autofree char *path = g_build_filename(folder, "a.tgz", NULL);
    g_unlink(path);
    g_rmdir(folder);
    g_free(folder);
}

static struct audit *explain(GBytes *bytes, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "a.tgz", NULL);
    cr_assert(g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), NULL));
    return analysis_explain((const char *const[]){path, NULL}, NULL, error);
}

TestSuite(explain_packed, .init = make_folder, .fini = remove_folder);

/* A block that the rotation has split is one failure, in whatever order the archive has the parts. */
Test(explain_packed, both_parts_of_a_trace)
{
    static const char *const formats[][2] = {{"ustar", "gzip"}, {"zip", NULL}, {"pax", "zstd"}, {"ustar", NULL}};

    for (size_t i = 0; i < 2 * G_N_ELEMENTS(formats); i++) {
        struct packing packing;
        gboolean old_first = i % 2 == 0;
        packing_begin(&packing, formats[i / 2][0], formats[i / 2][1]);
        packing_add(&packing, "D00/work/stderr1", "nothing\n", 8);
        packing_add(&packing, old_first ? "D00/work/dev_icm.old" : "D00/work/dev_icm", old_first ? HEAD : TAIL,
                    strlen(old_first ? HEAD : TAIL));
        packing_add(&packing, "D01/work/dev_icm", HEAD TAIL, strlen(HEAD TAIL));
        packing_add(&packing, old_first ? "D00/work/dev_icm" : "D00/work/dev_icm.old", old_first ? TAIL : HEAD,
                    strlen(old_first ? TAIL : HEAD));
        g_autoptr(GBytes) bytes = packing_end(&packing);
        g_autoptr(audit_auto) audit = explain(bytes, NULL);
        unsigned count = 0;
        gboolean named = FALSE;
        for (guint j = 0; j < audit->failures->len; j++) {
            const struct audit_failure *failure = audit->failures->pdata[j];
            count += failure->count;
            for (guint k = 0; k < failure->evidence->len; k++)
                named = named || g_str_has_suffix(((struct audit_evidence *)failure->evidence->pdata[k])->path,
                                                  "a.tgz(D00/work/dev_icm.old)");
            cr_expect_str_eq(failure->store_path, "/usr/sap/PRD/D00/sec/SAPSSLC.pse");
        }
        cr_expect_eq(count, 2, "%zu: %u", i, count);
        cr_expect(named, "%zu", i);
        cr_assert_eq(audit->inputs->len, 1);
        cr_expect(((struct audit_input *)audit->inputs->pdata[0])->understood);
        cr_assert_eq(audit->warnings->len, 1);
        cr_expect(g_str_has_suffix(audit->warnings->pdata[0], "1 of 3 files in it are no traces and were passed over"),
                  "%s", (char *)audit->warnings->pdata[0]);
    }
}

static GBytes *in_tar(const char *name, GBytes *inner)
{
    struct packing packing;
    gsize size;
    const void *bytes = g_bytes_get_data(inner, &size);
    packing_begin(&packing, "ustar", "gzip");
    packing_add(&packing, name, bytes, size);
    return packing_end(&packing);
}

/* Archives in archives, as deep as the limit is; deeper ones are no all-clear. */
Test(explain_packed, nested)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(HEAD TAIL, strlen(HEAD TAIL));

    for (unsigned depth = 1; depth <= PACKED_DEPTH + 1; depth++) {
        GBytes *outer = in_tar(depth == 1 ? "dev_icm" : "more.tgz", bytes);
        g_bytes_unref(g_steal_pointer(&bytes));
        bytes = outer;
        g_autoptr(audit_auto) audit = explain(bytes, NULL);
        const struct audit_input *input = audit->inputs->pdata[0];
        cr_assert_eq(audit->inputs->len, 1);
        cr_expect_eq(audit->failures->len, depth <= PACKED_DEPTH, "%u", depth);
        cr_expect_eq(input->understood, depth <= PACKED_DEPTH, "%u", depth);
        cr_expect(input->understood || strstr(input->seen, "packed more than 3 times"), "%s", input->seen);
    }
}

/* What was read counts, and what is missing is told: a damaged archive is no all-clear. */
Test(explain_packed, truncated)
{
    g_autoptr(GString) calm = g_string_new("trc file: \"dev_icm\", trc level: 1, release: \"785\"\n");
    struct packing packing;
    unsigned with_failure = 0;

    for (unsigned i = 0; i < 4000; i++)
        g_string_append_printf(calm, "[Thr 7] IcmHandleArgs: %u\n", i * i * 7919);
    packing_begin(&packing, "ustar", "gzip");
    packing_add(&packing, "dev_icm", HEAD TAIL, strlen(HEAD TAIL));
    packing_add(&packing, "dev_w0", calm->str, calm->len);
    packing_add(&packing, "dev_w1", calm->str, calm->len);
    g_autoptr(GBytes) whole = packing_end(&packing);
    for (gsize size = 20; size < g_bytes_get_size(whole) - 8; size += 1001) {
        g_autoptr(GBytes) cut = g_bytes_new(g_bytes_get_data(whole, NULL), size);
        g_autoptr(audit_auto) audit = explain(cut, NULL);
        const struct audit_input *input = audit->inputs->pdata[0];
        cr_expect_not(input->understood, "cut at %zu", (size_t)size);
        cr_expect(strstr(input->seen, "damaged"), "%s", input->seen);
        with_failure += audit->failures->len;
    }
    cr_expect_gt(with_failure, 3, "what was read is told: %u", with_failure);
}

Test(explain_packed, what_has_no_trace)
{
    struct packing packing;
    packing_begin(&packing, "zip", NULL);
    packing_add(&packing, "a.txt", "hello\n", 6);
    packing_add(&packing, "b.txt", "hello\n", 6);
    g_autoptr(GBytes) bytes = packing_end(&packing);
    g_autoptr(audit_auto) audit = explain(bytes, NULL);
    const struct audit_input *input = audit->inputs->pdata[0];

    cr_expect_not(input->understood);
    cr_expect_str_eq(input->seen, "is packed and has no trace in it (files passed over: 2)");
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) small = pack_bomb(PACKED_RATIO_FREE + 1024 * 1024, "zstd");
    cr_expect_null(explain(small, &error));
    cr_assert(g_error_matches(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT));
    cr_expect(strstr(error->message, "a.tgz: unpacks to more than"), "%s", error->message);
}
