#include "algorithms.h"

#include "greeting.h"
#include "text.h"

#include <string.h>

/*
 * Fast ones first, for one thread serves all hosts: curve25519 costs 1 to 2 ms, group exchange 30, group18 more than
 * 200.  What is left out is broken, or not there for any server that is still alive.
 */
static const char *const key_exchanges[] = {
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group14-sha1",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group18-sha512",
    NULL,
};
static const char *const host_keys[] = {
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
    NULL,
};
static const char *const ciphers[] = {
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes192-ctr",
    "aes256-ctr",
    "aes128-cbc",
    "aes192-cbc",
    "aes256-cbc",
    NULL,
};
static const char *const macs[] = {
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
    "hmac-sha1",
    NULL,
};

static const struct offer {
    int method;
    const char *const *wanted;
    const char *what, *way_out;
} offers[GREETING_LISTS] = {
    [GREETING_KEY_EXCHANGE] = {LIBSSH2_METHOD_KEX, key_exchanges, "key exchange",
                               "allow curve25519-sha256 (KexAlgorithms)"},
    [GREETING_HOST_KEY] = {LIBSSH2_METHOD_HOSTKEY, host_keys, "host key",
                           "give the server an ed25519 or ECDSA host key (ssh-keygen -A, HostKey)"},
    [GREETING_CIPHER_OUT] = {LIBSSH2_METHOD_CRYPT_CS, ciphers, "cipher", "allow aes128-ctr (Ciphers)"},
    [GREETING_CIPHER_IN] = {LIBSSH2_METHOD_CRYPT_SC, ciphers, "cipher", "allow aes128-ctr (Ciphers)"},
    [GREETING_MAC_OUT] = {LIBSSH2_METHOD_MAC_CS, macs, "MAC", "allow hmac-sha2-256 (MACs)"},
    [GREETING_MAC_IN] = {LIBSSH2_METHOD_MAC_SC, macs, "MAC", "allow hmac-sha2-256 (MACs)"},
};

/* What libssh2 can do, as it was built: NULL-ended, the caller frees it with g_free() and not the strings. */
static const char **supported(LIBSSH2_SESSION *session, int method)
{
    const char **names = NULL;
    int count = libssh2_session_supported_algs(session, method, &names);
    const char **copy = g_new0(const char *, MAX(count, 0) + 1);

    for (int i = 0; i < count; i++)
        copy[i] = names[i];
    if (count > 0)
        libssh2_free(session, names);
    return copy;
}

/* The ones of ${wanted} that libssh2 has, in that order.  If it has none of them its own choice stays. */
static void prefer(LIBSSH2_SESSION *session, int method, const char *const *wanted)
{
    g_autofree const char **names = supported(session, method);
    g_autoptr(GString) list = g_string_new(NULL);

    for (; *wanted; wanted++)
        if (g_strv_contains((const char *const *)names, *wanted))
            g_string_append_printf(list, "%s%s", list->len ? "," : "", *wanted);
    if (list->len > 0)
        libssh2_session_method_pref(session, method, list->str);
}

static gboolean is_for_type(const char *algorithm, const char *type)
{
    return strcmp(algorithm, type) == 0 || (strcmp(type, "ssh-rsa") == 0 && g_str_has_prefix(algorithm, "rsa-sha2-"));
}

static void prefer_host_keys(LIBSSH2_SESSION *session, const char *const *types)
{
    g_autoptr(GPtrArray) wanted = g_ptr_array_new();

    for (; *types; types++)
        for (size_t i = 0; host_keys[i]; i++)
            if (is_for_type(host_keys[i], *types))
                g_ptr_array_add(wanted, (void *)host_keys[i]);
    for (size_t i = 0; host_keys[i]; i++)
        if (!g_ptr_array_find(wanted, host_keys[i], NULL))
            g_ptr_array_add(wanted, (void *)host_keys[i]);
    g_ptr_array_add(wanted, NULL);
    prefer(session, LIBSSH2_METHOD_HOSTKEY, (const char *const *)wanted->pdata);
}

void algorithms_prefer(LIBSSH2_SESSION *session, const char *const *host_key_types)
{
    for (size_t i = 0; i < G_N_ELEMENTS(offers); i++)
        if (i != GREETING_HOST_KEY)
            prefer(session, offers[i].method, offers[i].wanted);
    prefer_host_keys(session, host_key_types);
}

gboolean algorithms_have_rsa_sha2(LIBSSH2_SESSION *session)
{
    g_autofree const char **names = supported(session, LIBSSH2_METHOD_HOSTKEY);
    return g_strv_contains((const char *const *)names, "rsa-sha2-256");
}

static gboolean is_common(LIBSSH2_SESSION *session, const struct offer *offer, const struct wire *list)
{
    g_autofree const char **names = supported(session, offer->method);

    for (const char *const *name = offer->wanted; *name; name++)
        if (greeting_offers(list, *name) && g_strv_contains((const char *const *)names, *name))
            return TRUE;
    return FALSE;
}

char *algorithms_explain(LIBSSH2_SESSION *session, const void *bytes, size_t size)
{
    struct greeting greeting;

    for (int i = 0; greeting_parse(&greeting, bytes, size) && i < GREETING_LISTS; i++) {
        if (is_common(session, &offers[i], &greeting.lists[i]))
            continue;
        g_autofree char *list = text_clean(greeting.lists[i].at, greeting.lists[i].left);
        return g_strdup_printf("no common %s algorithm: the server offers %s, and libssh2 %s knows none of these; %s",
                               offers[i].what, *list ? list : "none", libssh2_version(0), offers[i].way_out);
    }
    return g_strdup("no common algorithm with the server");
}
