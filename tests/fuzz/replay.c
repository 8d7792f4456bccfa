/*
 * Plays samples through a fuzz target once, for builds without libFuzzer: fuzz-NAME FILE_OR_FOLDER...
 *
 * A sample that ends the process is a failed test.  So is a run without a sample, for it proves nothing.
 */
#include "file.h"

#include <stdio.h>
#include <string.h>

#define SAMPLE_BYTES ((size_t)64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What a target may have: mutations of a sample that are played as well; whether all that should be was reached. */
void fuzz_mutated(const uint8_t *bytes, size_t size) __attribute__((weak));
gboolean fuzz_end(void) __attribute__((weak));

static gboolean play_file(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, SAMPLE_BYTES, error);
    if (!bytes)
        return FALSE;
    size_t size;
    const void *content = g_bytes_get_data(bytes, &size);
    /* In a block of exactly its size, so that ASan sees the first byte behind it. */
    g_autofree uint8_t *sample = g_malloc(MAX(size, 1));
    if (size > 0)
        memcpy(sample, content, size);
    LLVMFuzzerTestOneInput(sample, size);
    if (fuzz_mutated)
        fuzz_mutated(sample, size);
    return TRUE;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds to ${paths} the files of a folder, in the same order everywhere; or ${path} itself. */
static void add_paths(GPtrArray *paths, const char *path)
{
    GDir *folder = g_dir_open(path, 0, NULL);
    guint first = paths->len;
    const char *name;

    if (!folder) {
        g_ptr_array_add(paths, g_strdup(path));
        return;
    }
    while ((name = g_dir_read_name(folder)))
        g_ptr_array_add(paths, g_build_filename(path, name, NULL));
    g_dir_close(folder);
    if (paths->len > first)
        qsort(paths->pdata + first, paths->len - first, sizeof paths->pdata[0], compare_names);
}

int main(int argc, char **argv)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;

    for (int i = 1; i < argc; i++)
        add_paths(paths, argv[i]);
    for (guint i = 0; i < paths->len; i++) {
        if (!play_file(paths->pdata[i], &error)) {
            fprintf(stderr, "%s\n", error->message);
            return 1;
        }
    }
    printf("%u samples\n", paths->len);
    gboolean all = !fuzz_end || fuzz_end();
    return all && paths->len > 0 ? 0 : 1;
}
