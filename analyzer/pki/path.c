#include "path.h"

#include "der.h"
#include "name.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

/*
 * OpenSSL builds one path and does not turn back where a name leads to several certificates (a CA with a new key, a
 * cross-signed one) and the first of them was wrong.  So where it fails and there was a choice, the other paths are
 * offered to it one by one.
 */

struct search {
    struct signatures *signatures;
    STACK_OF(X509) * helpers, *anchors;
    STACK_OF(X509) * path; /* that is being tried: the leaf and helpers, borrowed */
    GHashTable *certs;     /* X509 * -> struct audit_cert * that it was made of */
    GPtrArray *built;      /* the path that OpenSSL has found, of struct audit_cert *; or NULL */
    int64_t at;
    unsigned tries, steps, verified;
    gboolean limited; /* a limit was reached */
};

static void push(struct search *search, STACK_OF(X509) * stack, struct audit_cert *cert)
{
    X509 *x509 = der_parse_bytes(cert->der);
    if (!x509)
        return;
    sk_X509_push(stack, x509);
    g_hash_table_insert(search->certs, x509, cert);
}

/*
 * The anchors at which a path could end: certificates of the chain and those that by name have issued one.  A store has
 * hundreds of others, and parsing one takes longer than all the rest.
 */
static void find_relevant_anchors(struct search *search, const GPtrArray *chain, const GPtrArray *anchors)
{
    g_autoptr(GHashTable) issuers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    gboolean all = FALSE;

    for (guint i = 0; i < chain->len; i++) {
        const struct audit_cert *cert = chain->pdata[i];
        char *key = cert->issuer ? name_key(cert->issuer, FALSE) : NULL;
        if (key)
            g_hash_table_add(issuers, key);
        else
            all = all || cert->der; /* a name that cannot be compared */
    }
    for (guint i = 0; i < anchors->len; i++) {
        struct audit_cert *cert = anchors->pdata[i];
        g_autofree char *key = cert->subject ? name_key(cert->subject, FALSE) : NULL;
        if (all || !key || g_hash_table_contains(issuers, key) || g_ptr_array_find((GPtrArray *)chain, cert, NULL))
            push(search, search->anchors, cert);
    }
}

static gboolean has_issued(X509 *issuer, X509 *subject)
{
    return X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(subject)) == 0;
}

static gboolean is_equal_to_any(X509 *anchor, STACK_OF(X509) * certs)
{
    for (int i = 0; i < sk_X509_num(certs); i++)
        if (X509_cmp(anchor, sk_X509_value(certs, i)) == 0)
            return TRUE;
    return FALSE;
}

/* Whether its key verifies one of ${certs}; of those only that name it with its key identifier, or only the others. */
static gboolean has_signed_any(struct search *search, X509 *anchor, STACK_OF(X509) * certs, gboolean by_key_id)
{
    for (int i = 0; i < sk_X509_num(certs); i++) {
        X509 *cert = sk_X509_value(certs, i);
        if (!has_issued(anchor, cert) || (X509_check_issued(anchor, cert) == X509_V_OK) != by_key_id)
            continue;
        if (search->verified >= PATH_SIGNATURES) {
            search->limited = TRUE;
            return FALSE;
        }
        search->verified++;
        if (signatures_verify(search->signatures, cert, anchor))
            return TRUE;
    }
    return FALSE;
}

/*
 * Of many anchors with the names of issuers only those stay that have signed something, which are few.  OpenSSL sorts
 * them anew for each that it gets, and takes one by its name.
 */
static void thin_out_anchors(struct search *search, X509 *leaf)
{
    STACK_OF(X509) *certs = sk_X509_dup(search->helpers), *kept = sk_X509_new_null();
    sk_X509_push(certs, leaf);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < sk_X509_num(search->anchors); i++) {
            X509 *anchor = sk_X509_value(search->anchors, i);
            gboolean keep =
                (pass == 0 && is_equal_to_any(anchor, certs)) || has_signed_any(search, anchor, certs, pass == 0);
            if (keep && X509_up_ref(anchor))
                sk_X509_push(kept, anchor);
        }
    }
    sk_X509_pop_free(search->anchors, X509_free);
    search->anchors = kept;
    sk_X509_free(certs);
}

/* OpenSSL may go on from an anchor to what has issued it; any anchor ends a path. */
static void keep_path(const struct search *search, X509_STORE_CTX *context)
{
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
    gboolean ended = FALSE;

    for (int i = 0; i < sk_X509_num(chain) && !ended; i++) {
        X509 *x509 = sk_X509_value(chain, i);
        g_ptr_array_add(search->built, g_hash_table_lookup(search->certs, x509));
        ended = is_equal_to_any(x509, search->anchors);
    }
}

static int check_time(X509 *cert, time_t at)
{
    int begun = X509_cmp_time(X509_get0_notBefore(cert), &at), over = X509_cmp_time(X509_get0_notAfter(cert), &at);

    if (begun == 0)
        return X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD;
    if (begun > 0)
        return X509_V_ERR_CERT_NOT_YET_VALID;
    if (over == 0)
        return X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD;
    return over < 0 ? X509_V_ERR_CERT_HAS_EXPIRED : X509_V_OK;
}

static int check_signature(struct signatures *signatures, X509 *issuer, X509 *subject)
{
    int error = X509_check_issued(issuer, subject); /* its key usage; names and key ids fit, or it were not here */

    if (error != X509_V_OK)
        return error;
    return signatures_verify(signatures, subject, issuer) ? X509_V_OK : X509_V_ERR_CERT_SIGNATURE_FAILURE;
}

/*
 * What OpenSSL calls for the signatures and times of a path that it has built and otherwise checked.  The same as its
 * own function, in the same order, from the anchor down; but that one would compute a signature in every path anew.
 */
static int check_path(X509_STORE_CTX *context)
{
    struct search *search = X509_STORE_CTX_get_app_data(context);
    STACK_OF(X509) *path = X509_STORE_CTX_get0_chain(context);
    int top = sk_X509_num(path) - 1;

    for (int i = top; i >= 0; i--) {
        X509 *cert = sk_X509_value(path, i);
        int error = i < top ? check_signature(search->signatures, sk_X509_value(path, i + 1), cert) : X509_V_OK;
        if (error == X509_V_OK)
            error = check_time(cert, (time_t)search->at);
        if (error != X509_V_OK) {
            X509_STORE_CTX_set_error(context, error);
            return 0;
        }
    }
    return 1;
}

/* With ${in_order} the helpers are the path itself: OpenSSL takes each before it looks for an anchor of that name. */
static int verify(struct search *search, STACK_OF(X509) * anchors, X509 *leaf, STACK_OF(X509) * helpers,
                  gboolean in_order)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    X509_STORE *store = X509_STORE_new();
    int error = X509_V_ERR_UNSPECIFIED;

    for (int i = 0; i < sk_X509_num(anchors); i++)
        X509_STORE_add_cert(store, sk_X509_value(anchors, i));
    if (X509_STORE_CTX_init(context, store, leaf, helpers)) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
        if (in_order)
            X509_VERIFY_PARAM_clear_flags(param, X509_V_FLAG_TRUSTED_FIRST);
        X509_VERIFY_PARAM_set_time(param, (time_t)search->at);
        X509_VERIFY_PARAM_set_depth(param, PATH_DEPTH - 2); /* OpenSSL does not count the two ends */
        X509_VERIFY_PARAM_set_auth_level(param, 0);         /* weak keys are a finding, no reason to say "no path" */
        X509_STORE_CTX_set_app_data(context, search);
        X509_STORE_CTX_set_verify(context, check_path);
        error = X509_verify_cert(context) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(context);
    }
    if (error == X509_V_OK && search->built)
        keep_path(search, context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    return error;
}

static gboolean try_anchor(struct search *search, X509 *anchor)
{
    STACK_OF(X509) *only = sk_X509_new_null();
    sk_X509_push(only, anchor);
    search->tries++;
    gboolean trusted = verify(search, only, sk_X509_value(search->path, 0), search->path, TRUE) == X509_V_OK;
    sk_X509_free(only);
    return trusted;
}

static gboolean may_go_on(struct search *search)
{
    if (search->steps > PATH_STEPS || search->tries >= PATH_TRIES)
        search->limited = TRUE;
    return !search->limited;
}

/* Go on from the last certificate of the path in every way that the names allow.  At most PATH_DEPTH deep. */
static gboolean search_on(struct search *search)
{
    int length = sk_X509_num(search->path);
    X509 *last = sk_X509_value(search->path, length - 1);

    for (int i = 0; i < sk_X509_num(search->anchors); i++) {
        X509 *anchor = sk_X509_value(search->anchors, i);
        if (has_issued(anchor, last) && may_go_on(search) && try_anchor(search, anchor))
            return TRUE;
    }
    for (int i = 0; i < sk_X509_num(search->helpers) && length < PATH_DEPTH - 1; i++) {
        X509 *helper = sk_X509_value(search->helpers, i);
        search->steps++;
        if (!may_go_on(search))
            return FALSE;
        if (!has_issued(helper, last) || sk_X509_find(search->path, helper) >= 0)
            continue;
        sk_X509_push(search->path, helper);
        gboolean trusted = search_on(search);
        sk_X509_pop(search->path);
        if (trusted)
            return TRUE;
    }
    return FALSE;
}

/* Whether one of the other paths does; ${search->path} has the leaf. */
static gboolean search_path(struct search *search)
{
    gboolean trusted = FALSE;
    /* OpenSSL looks for the issuer even of a leaf that is an anchor itself. */
    for (int i = 0; i < sk_X509_num(search->anchors) && !trusted; i++) {
        X509 *anchor = sk_X509_value(search->anchors, i);
        trusted = X509_cmp(anchor, sk_X509_value(search->path, 0)) == 0 && try_anchor(search, anchor);
    }
    return trusted || search_on(search);
}

gboolean path_build(struct signatures *signatures, GPtrArray *path, const GPtrArray *chain, const GPtrArray *anchors,
                    int64_t at, const char **reason)
{
    g_autoptr(GHashTable) certs = g_hash_table_new(NULL, NULL);
    struct search search = {.signatures = signatures, .certs = certs, .built = path, .at = at};
    X509 *leaf = chain->len ? der_parse_bytes(((const struct audit_cert *)chain->pdata[0])->der) : NULL;
    if (!leaf) {
        ERR_clear_error();
        if (reason)
            *reason = "the certificate itself is not known";
        return FALSE;
    }
    g_hash_table_insert(certs, leaf, chain->pdata[0]);
    search.anchors = sk_X509_new_null();
    search.helpers = sk_X509_new_null();
    search.path = sk_X509_new_null();
    find_relevant_anchors(&search, chain, anchors);
    for (guint i = 1; i < chain->len; i++)
        push(&search, search.helpers, chain->pdata[i]);
    sk_X509_push(search.path, leaf);
    if (sk_X509_num(search.anchors) > PATH_NAMESAKES)
        thin_out_anchors(&search, leaf);
    gboolean thinned_too_far = search.limited;
    search.limited = FALSE;

    int error = verify(&search, search.anchors, leaf, search.helpers, FALSE);
    /* With one helper or anchor at most there was no choice. */
    gboolean choice = sk_X509_num(search.anchors) > 0 && sk_X509_num(search.anchors) + sk_X509_num(search.helpers) > 1;
    if (error != X509_V_OK && choice && search_path(&search))
        error = X509_V_OK;
    if (error != X509_V_OK && reason)
        *reason = thinned_too_far || search.limited ? PATH_LIMITED : X509_verify_cert_error_string(error);
    sk_X509_free(search.path);
    sk_X509_pop_free(search.anchors, X509_free);
    sk_X509_pop_free(search.helpers, X509_free);
    X509_free(leaf);
    ERR_clear_error();
    return error == X509_V_OK;
}

gboolean path_verify(const GPtrArray *chain, const GPtrArray *anchors, int64_t at, const char **reason)
{
    struct signatures *signatures = signatures_new();
    gboolean trusted = path_build(signatures, NULL, chain, anchors, at, reason);

    signatures_free(signatures);
    return trusted;
}
