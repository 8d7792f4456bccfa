#include "algorithms.h"

#include "greeting.h"
#include "text.h"

#include <string.h>

/*
 * One thread serves all hosts, and whoever answers can make it compute before the host key is checked.  The fast ones
 * cost 1 to 4 ms: those of 256 to 521 bits, and group 14.  What is left out is broken, or not there for any server that
 * is still alive.
 */
static const char *const fast_key_exchanges[] = {
    "curve25519-sha256",  "curve25519-sha256@libssh.org",  "ecdh-sha2-nistp256",          "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256", "diffie-hellman-group14-sha1", NULL,
};
/* 20 ms for 4096 bits, 170 ms for 8192; in a group exchange the server chooses how many. */
static const char *const slow_key_exchanges[] = {
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group-exchange-sha1",
    "diffie-hellman-group18-sha512",
    NULL,
};
static const char *const none[] = {NULL};
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
    const char *const *wanted, *const *slow;
    const char *what, *way_out;
} offers[GREETING_LISTS] = {
    [GREETING_KEY_EXCHANGE] = {LIBSSH2_METHOD_KEX, fast_key_exchanges, slow_key_exchanges, "key exchange",
                               "allow curve25519-sha256 (KexAlgorithms)"},
    [GREETING_HOST_KEY] = {LIBSSH2_METHOD_HOSTKEY, host_keys, none, "host key",
                           "give the server an ed25519 or ECDSA host key (ssh-keygen -A, HostKey)"},
    [GREETING_CIPHER_OUT] = {LIBSSH2_METHOD_CRYPT_CS, ciphers, none, "cipher", "allow aes128-ctr (Ciphers)"},
    [GREETING_CIPHER_IN] = {LIBSSH2_METHOD_CRYPT_SC, ciphers, none, "cipher", "allow aes128-ctr (Ciphers)"},
    [GREETING_MAC_OUT] = {LIBSSH2_METHOD_MAC_CS, macs, none, "MAC", "allow hmac-sha2-256 (MACs)"},
    [GREETING_MAC_IN] = {LIBSSH2_METHOD_MAC_SC, macs, none, "MAC", "allow hmac-sha2-256 (MACs)"},
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

static void append_supported(GString *list, const char *const *wanted, const char *const *names)
{
    for (; *wanted; wanted++)
        if (g_strv_contains(names, *wanted))
            g_string_append_printf(list, "%s%s", list->len ? "," : "", *wanted);
}

/* The ones of ${wanted} and then ${more} that libssh2 has, in that order.  If it has none its own choice stays. */
static void prefer(LIBSSH2_SESSION *session, int method, const char *const *wanted, const char *const *more)
{
    g_autofree const char **names = supported(session, method);
    g_autoptr(GString) list = g_string_new(NULL);

    append_supported(list, wanted, (const char *const *)names);
    append_supported(list, more, (const char *const *)names);
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
    prefer(session, LIBSSH2_METHOD_HOSTKEY, (const char *const *)wanted->pdata, none);
}

void algorithms_prefer(LIBSSH2_SESSION *session, const char *const *host_key_types, gboolean slow)
{
    for (size_t i = 0; i < G_N_ELEMENTS(offers); i++)
        if (i != GREETING_HOST_KEY)
            prefer(session, offers[i].method, offers[i].wanted, slow ? offers[i].slow : none);
    prefer_host_keys(session, host_key_types);
}

gboolean algorithms_have_rsa_sha2(LIBSSH2_SESSION *session)
{
    g_autofree const char **names = supported(session, LIBSSH2_METHOD_HOSTKEY);
    return g_strv_contains((const char *const *)names, "rsa-sha2-256");
}

static gboolean has_one(LIBSSH2_SESSION *session, int method, const struct wire *list, const char *const *wanted)
{
    g_autofree const char **names = supported(session, method);

    for (; *wanted; wanted++)
        if (greeting_offers(list, *wanted) && g_strv_contains((const char *const *)names, *wanted))
            return TRUE;
    return FALSE;
}

gboolean algorithms_need_slow(LIBSSH2_SESSION *session, const void *bytes, size_t size)
{
    const struct offer *offer = &offers[GREETING_KEY_EXCHANGE];
    struct greeting greeting;

    if (!greeting_parse(&greeting, bytes, size))
        return FALSE;
    const struct wire *list = &greeting.lists[GREETING_KEY_EXCHANGE];
    return !has_one(session, offer->method, list, offer->wanted) && has_one(session, offer->method, list, offer->slow);
}

static gboolean is_common(LIBSSH2_SESSION *session, const struct offer *offer, const struct wire *list)
{
    return has_one(session, offer->method, list, offer->wanted) || has_one(session, offer->method, list, offer->slow);
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
