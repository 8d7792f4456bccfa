#include "key_store.h"

#include <stdint.h>
#include <string.h>

#define MAGIC_JKS    0xfeedfeedU
#define MAGIC_JCEKS  0xcecececeU
#define DIGEST_BYTES 20 /* SHA-1 of the password and all before */

enum tag { TAG_PRIVATE_KEY = 1, TAG_TRUSTED = 2, TAG_SECRET_KEY = 3 };

#define EXPORT "export the certificates (keytool -exportcert -rfc -keystore FILE -alias NAME) and name those files"

struct span { /* bytes that are left to be read */
    const uint8_t *at, *end;
};

void key_store_init(struct key_store *store)
{
    store->trusted = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    store->chains = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    store->trouble = NULL;
}

void key_store_clear(struct key_store *store)
{
    g_clear_pointer(&store->trusted, g_ptr_array_unref);
    g_clear_pointer(&store->chains, g_ptr_array_unref);
    g_clear_pointer(&store->trouble, g_free);
}

static gboolean take_number(struct span *span, unsigned width, uint32_t *number)
{
    if ((size_t)(span->end - span->at) < width)
        return FALSE;
    *number = 0;
    for (unsigned i = 0; i < width; i++)
        *number = *number << 8 | *span->at++;
    return TRUE;
}

/* A length of ${width} bytes, and as many bytes, which ${value} (may be NULL) is set to. */
static gboolean take_block(struct span *span, unsigned width, struct span *value)
{
    uint32_t size;
    if (!take_number(span, width, &size) || (size_t)(span->end - span->at) < size)
        return FALSE;
    if (value)
        *value = (struct span){span->at, span->at + size};
    span->at += size;
    return TRUE;
}

/* Version 2 names the kind of certificate, which is X.509. */
static gboolean take_certificate(GPtrArray *certs, struct span *span, uint32_t version)
{
    struct span value;
    if ((version == 2 && !take_block(span, 2, NULL)) || !take_block(span, 4, &value))
        return FALSE;
    g_ptr_array_add(certs, g_bytes_new(value.at, (gsize)(value.end - value.at)));
    return TRUE;
}

/* A private key, which is stepped over, and its chain.  A chain that breaks off is dropped. */
static gboolean take_chain(struct key_store *store, struct span *span, uint32_t version, guint *certs)
{
    uint32_t count;
    g_autoptr(GPtrArray) chain = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

    if (!take_block(span, 4, NULL) || !take_number(span, 4, &count) || count > KEY_STORE_CERTS - *certs)
        return FALSE;
    for (uint32_t i = 0; i < count; i++)
        if (!take_certificate(chain, span, version))
            return FALSE;
    *certs += count;
    if (count > 0)
        g_ptr_array_add(store->chains, g_steal_pointer(&chain));
    return TRUE;
}

static gboolean take_entry(struct key_store *store, struct span *span, uint32_t version, guint *certs, uint32_t *tag)
{
    if (!take_number(span, 4, tag))
        return FALSE;
    if (*tag == TAG_SECRET_KEY)
        return TRUE;
    if (!take_block(span, 2, NULL) || span->end - span->at < 8) /* alias, date */
        return FALSE;
    span->at += 8;
    if (*tag == TAG_PRIVATE_KEY)
        return take_chain(store, span, version, certs);
    return *tag == TAG_TRUSTED && (*certs)++ < KEY_STORE_CERTS && take_certificate(store->trusted, span, version);
}

gboolean key_store_read(struct key_store *store, const void *bytes, size_t size)
{
    struct span span = {bytes, (const uint8_t *)bytes + size};
    uint32_t magic, version = 0, count = 0, done, tag = 0;
    guint certs = 0;
    gboolean ok;

    if (!take_number(&span, 4, &magic) || (magic != MAGIC_JKS && magic != MAGIC_JCEKS))
        return FALSE;
    const char *kind = magic == MAGIC_JKS ? "JKS" : "JCEKS";
    ok = take_number(&span, 4, &version) && (version == 1 || version == 2) && take_number(&span, 4, &count);
    for (done = 0; ok && done < MIN(count, KEY_STORE_ENTRIES); done++) {
        ok = take_entry(store, &span, version, &certs, &tag);
        if (!ok || tag == TAG_SECRET_KEY)
            break;
    }
    if (ok && tag == TAG_SECRET_KEY)
        store->trouble =
            g_strdup_printf("a Java key store (%s) of which only %u of %u entries were read: entry %u is a "
                            "secret key, which hides what follows; " EXPORT,
                            kind, done, count, done + 1);
    else if (version > 2)
        store->trouble = g_strdup_printf("a Java key store (%s) of an unknown version; " EXPORT, kind);
    else if (ok && count > KEY_STORE_ENTRIES)
        store->trouble = g_strdup_printf("a Java key store (%s) of which only the first %d of %u entries were read",
                                         kind, KEY_STORE_ENTRIES, count);
    else if (!ok || span.end - span.at != DIGEST_BYTES)
        store->trouble =
            g_strdup_printf("a damaged Java key store (%s): only %u of %u entries were read", kind, done, count);
    return TRUE;
}
