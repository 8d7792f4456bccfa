/*
 * A private key of any bytes: what is taken for a key can sign, or says why not.  The first byte says what the rest is:
 * a file, the contents of one in OpenSSH's form (which base64 and two lines make a file), or its private section.
 */
#include "key_file.h"

#include <stddef.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void expect_consistent(const struct key_file *file)
{
    g_assert((file->status == KEY_FILE_USABLE) == (file->key != NULL));
    g_assert((file->status == KEY_FILE_USABLE) == (file->why == NULL));
    if (file->key) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) signature = private_key_sign(file->key, "x", 1, &error);
        g_assert((signature != NULL) == (error == NULL));
    }
}

static void parse_contents(const uint8_t *bytes, size_t size)
{
    g_autofree char *base64 = g_base64_encode(bytes, size);
    g_autofree char *text = g_strdup_printf("-----BEGIN OPENSSH %s KEY-----\n%s\n-----END OPENSSH %s KEY-----\n",
                                            "PRIVATE", base64, "PRIVATE");
    g_autoptr(key_file_auto) file = key_file_parse("key", text, strlen(text));
    expect_consistent(file);
}

static void parse_section(const uint8_t *bytes, size_t size)
{
    struct wire section = {bytes, size};
    g_autoptr(GError) error = NULL;
    struct private_key *key = private_key_parse_openssh(&section, &error);
    g_assert((key != NULL) == (error == NULL));
    private_key_free(key);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    if (bytes[0] == 1) {
        parse_contents(bytes + 1, size - 1);
    } else if (bytes[0] == 2) {
        parse_section(bytes + 1, size - 1);
    } else {
        g_autoptr(key_file_auto) file = key_file_parse("key", bytes, size);
        expect_consistent(file);
    }
    return 0;
}
