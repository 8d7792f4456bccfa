/*
 * Certificates in the key stores that Java and others use: JKS and JCEKS (docs/formats/reference.md), and PKCS #12
 * (pkcs12.h).  Private to the analyzer.
 *
 * The bytes are hostile, and private keys may stand in them.  The bytes of a key are stepped over: they are neither
 * looked at nor kept.
 */
#ifndef TRUSTGAP_KEY_STORE_H
#define TRUSTGAP_KEY_STORE_H

#include <glib.h>

#define KEY_STORE_ENTRIES 20000 /* of one store */
#define KEY_STORE_CERTS   20000 /* of one store, in all of its chains */

struct key_store {
    GPtrArray *trusted; /* of GBytes *: certificates without a private key, in the order of the file */
    GPtrArray *chains;  /* of GPtrArray * of GBytes *: for each private key its own certificate, then its issuers */
    char *trouble;      /* what was not read, and what to do about it; NULL: all was read */
};

void key_store_init(struct key_store *store);
void key_store_clear(struct key_store *store);

/**
 * key_store_read(store, bytes, size):
 * Fill ${store}, which is new, from a JKS or JCEKS file.  FALSE if the bytes are neither.  Of a damaged file the
 * entries before the damage are kept; ${store->trouble} then says so.  The digest at the end of the file needs the
 * password and isn't checked.  Entries have a length that fits; whether they are certificates is left to the caller.
 */
gboolean key_store_read(struct key_store *store, const void *bytes, size_t size);

#endif
