#include "aia.h"

#include "der.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

/* It goes into a step that people read and may copy, so nothing in it may mean anything to a shell. */
static char *plain_url(const ASN1_IA5STRING *uri)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/:-%";
    const char *text = (const char *)ASN1_STRING_get0_data(uri);
    size_t size = (size_t)ASN1_STRING_length(uri);

    if (size > AIA_URL_BYTES)
        return NULL;
    g_autofree char *url = g_strndup(text, size);
    if ((!g_str_has_prefix(url, "http://") && !g_str_has_prefix(url, "https://")) || strspn(url, plain) != size)
        return NULL;
    return g_steal_pointer(&url);
}

static void *extension_of(const struct audit_cert *cert, int nid)
{
    X509 *x509 = der_parse_bytes(cert->der);
    void *extension = x509 ? X509_get_ext_d2i(x509, nid, NULL, NULL) : NULL;

    X509_free(x509);
    ERR_clear_error();
    return extension;
}

char *aia_issuer(const struct audit_cert *cert)
{
    AUTHORITY_INFO_ACCESS *access = extension_of(cert, NID_info_access);
    char *url = NULL;

    for (int i = 0; !url && i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        const ACCESS_DESCRIPTION *description = sk_ACCESS_DESCRIPTION_value(access, i);
        const GENERAL_NAME *location = description->location;
        if (OBJ_obj2nid(description->method) == NID_ad_ca_issuers && location->type == GEN_URI)
            url = plain_url(location->d.uniformResourceIdentifier);
    }
    AUTHORITY_INFO_ACCESS_free(access);
    return url;
}

char *aia_repository(const struct audit_cert *cert)
{
    CERTIFICATEPOLICIES *policies = extension_of(cert, NID_certificate_policies);
    char *url = NULL;

    for (int i = 0; i < sk_POLICYINFO_num(policies); i++) {
        const STACK_OF(POLICYQUALINFO) *qualifiers = sk_POLICYINFO_value(policies, i)->qualifiers;
        for (int j = 0; !url && j < sk_POLICYQUALINFO_num(qualifiers); j++) {
            const POLICYQUALINFO *qualifier = sk_POLICYQUALINFO_value(qualifiers, j);
            if (OBJ_obj2nid(qualifier->pqualid) == NID_id_qt_cps)
                url = plain_url(qualifier->d.cpsuri);
        }
    }
    CERTIFICATEPOLICIES_free(policies);
    return url;
}
