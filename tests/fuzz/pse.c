/* PSEs as references: what comes out stands in the bytes, one behind the other, and has the shape of a certificate. */
#include "pse.h"

#include <openssl/err.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_part(const uint8_t *bytes, size_t size, enum pse_part part)
{
    g_autoptr(GPtrArray) certs = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(GByteArray) list = g_byte_array_new();

    enum pse_form form = pse_read(certs, bytes, size, part);
    g_assert(form == PSE_PLAIN || certs->len == 0);
    g_assert(certs->len <= (part == PSE_OWN ? 1 : PSE_CERTS));
    for (guint i = 0; i < certs->len; i++) {
        gsize length;
        const uint8_t *cert = g_bytes_get_data(certs->pdata[i], &length);
        g_assert(length >= 6 && cert[0] == 0x30);
        g_byte_array_append(list, cert, (guint)length);
    }
    g_assert(list->len == 0 || memmem(bytes, size, list->data, list->len));
    g_assert(ERR_peek_error() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    check_part(bytes, size, PSE_TRUSTED);
    check_part(bytes, size, PSE_OWN);
    return 0;
}
