#include "path.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

static X509 *parse(const struct audit_cert *cert)
{
    if (!cert->der)
        return NULL;
    gsize size;
    const unsigned char *bytes = g_bytes_get_data(cert->der, &size);
    return d2i_X509(NULL, &bytes, (long)size);
}

static X509_STORE *make_store(const GPtrArray *anchors)
{
    X509_STORE *store = X509_STORE_new();
    for (guint i = 0; i < anchors->len; i++) {
        X509 *cert = parse(anchors->pdata[i]);
        if (cert)
            X509_STORE_add_cert(store, cert);
        X509_free(cert);
    }
    return store;
}

static STACK_OF(X509) * make_helpers(const GPtrArray *chain)
{
    STACK_OF(X509) *helpers = sk_X509_new_null();
    for (guint i = 1; i < chain->len; i++) {
        X509 *cert = parse(chain->pdata[i]);
        if (cert)
            sk_X509_push(helpers, cert);
    }
    return helpers;
}

static int verify(X509_STORE *store, X509 *leaf, STACK_OF(X509) * helpers, int64_t at)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    int error = X509_V_ERR_UNSPECIFIED;

    if (X509_STORE_CTX_init(context, store, leaf, helpers)) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        X509_VERIFY_PARAM_set_time(param, (time_t)at);
        X509_VERIFY_PARAM_set_depth(param, PATH_DEPTH - 2); /* OpenSSL does not count the two ends */
        X509_VERIFY_PARAM_set_auth_level(param, 0);         /* weak keys are a finding, no reason to say "no path" */
        error = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    }
    X509_STORE_CTX_free(context);
    return error;
}

gboolean path_verify(const GPtrArray *chain, const GPtrArray *anchors, int64_t at, const char **reason)
{
    X509 *leaf = chain->len ? parse(chain->pdata[0]) : NULL;
    if (!leaf) {
        ERR_clear_error();
        if (reason)
            *reason = "the certificate itself is not known";
        return FALSE;
    }
    X509_STORE *store = make_store(anchors);
    STACK_OF(X509) *helpers = make_helpers(chain);
    int error = verify(store, leaf, helpers, at);
    if (error != X509_V_OK && reason)
        *reason = X509_verify_cert_error_string(error);
    sk_X509_pop_free(helpers, X509_free);
    X509_STORE_free(store);
    X509_free(leaf);
    ERR_clear_error();
    return error == X509_V_OK;
}
