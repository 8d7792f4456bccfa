/* Plays the samples of a folder through a fuzz target, for builds without a fuzzer: replay FOLDER */
#include "file.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    GDir *folder = argc == 2 ? g_dir_open(argv[1], 0, &error) : NULL;
    unsigned played = 0;

    if (!folder) {
        fprintf(stderr, "%s\n", error ? error->message : "replay FOLDER");
        return 1;
    }
    for (const char *name = g_dir_read_name(folder); name; name = g_dir_read_name(folder)) {
        g_autofree char *path = g_build_filename(argv[1], name, NULL);
        g_autoptr(GBytes) bytes = file_read(path, (size_t)16 * 1024 * 1024, &error);
        if (!bytes) {
            fprintf(stderr, "%s\n", error->message);
            g_dir_close(folder);
            return 1;
        }
        gsize size;
        const uint8_t *first = g_bytes_get_data(bytes, &size);
        LLVMFuzzerTestOneInput(first ? first : (const uint8_t *)"", size);
        played++;
    }
    g_dir_close(folder);
    printf("%u samples\n", played);
    return played ? 0 : 1; /* a test without a sample proves nothing */
}
