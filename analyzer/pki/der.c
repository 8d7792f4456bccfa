#include "der.h"

#include <openssl/err.h>

X509 *der_parse(const void *bytes, size_t size)
{
    const unsigned char *begin = bytes, *at = begin;
    X509 *x509 = d2i_X509(NULL, &at, (long)size);

    if (x509 && at != begin + size)
        g_clear_pointer(&x509, X509_free);
    ERR_clear_error();
    return x509;
}

X509 *der_parse_bytes(GBytes *der)
{
    gsize size;
    const void *bytes = der ? g_bytes_get_data(der, &size) : NULL;

    return bytes ? der_parse(bytes, size) : NULL;
}
