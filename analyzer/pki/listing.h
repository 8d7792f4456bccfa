/*
 * What "sapgenpse maintain_pk -l" prints, as entries: docs/formats/listing.md.  Private to the analyzer; the pool makes
 * certificates of them.
 *
 * The bytes are hostile: at most LISTING_LINE_BYTES of a line, CERTIFICATE_LIST_BYTES in all and CERTIFICATE_LIST
 * entries are looked at, and reaching a limit makes the listing torn.  All strings are clean (text.h).
 */
#ifndef TRUSTGAP_LISTING_H
#define TRUSTGAP_LISTING_H

#include "audit.h"
#include "pack.h"

#include <glib.h>
#include <stdint.h>

#define LISTING_LINE_BYTES ((size_t)16384)

struct listing_entry { /* strings are NULL and times MOMENT_NONE where nothing (usable) is printed */
    char *subject, *issuer;
    char *serial; /* as printed */
    int64_t not_before, not_after;
    char *sha256, *sha1, *md5; /* lower case hex */
    char *subject_key_id;      /* lower case hex */
    char *key;                 /* "RSA 2048", else as printed */
    char *signature_algorithm; /* as OpenSSL names it, else as printed */
    gboolean ca;
};

struct listing {
    gboolean titled;    /* it names itself as an answer of maintain_pk */
    gboolean listed;    /* "PKList:" was seen: what follows is the whole list */
    gboolean old;       /* it has entries in the old style, of which no listing is public */
    gboolean torn;      /* an entry is incomplete or missing, or a limit was reached */
    gboolean asks_pin;  /* sapgenpse asked for the PIN */
    gboolean foreign;   /* it is the answer of another command (one that writes, one about the own certificate) */
    GPtrArray *entries; /* of struct listing_entry *: those that can be told from others, in order */
    gboolean failed;    /* the message is one that tells an error */
    char *message;      /* the first line that tells an error, else the first one that is no listing; NULL */
};

/**
 * listing_parse(bytes, size):
 * Take the ${size} bytes apart.  Never NULL; the caller frees it with listing_free().
 */
struct listing *listing_parse(const void *bytes, size_t size);

/**
 * listing_new():
 * One that has nothing in it.
 */
struct listing *listing_new(void);
void listing_free(struct listing *listing);

/**
 * listing_judge(listing, status, reading):
 * Set ${*reading} to what a listing is worth if sapgenpse ended with ${status}: READING_LISTING, READING_PARTLY or
 * READING_NONE.  Return why it is not whole or not proved, which the caller frees with g_free(); NULL if all is well.
 */
char *listing_judge(const struct listing *listing, int64_t status, enum audit_reading *reading);

/**
 * listing_pack(out, listing), listing_pack_entry(out, entry), listing_unpack(listing, unpack),
 * listing_unpack_entry(listing, unpack):
 * For another process of this program: all but the entries, and each of these, which is appended.  Ask unpack_is_done()
 * whether it is anything.
 */
void listing_pack(GByteArray *out, const struct listing *listing);
void listing_pack_entry(GByteArray *out, const struct listing_entry *entry);
void listing_unpack(struct listing *listing, struct unpack *unpack);
void listing_unpack_entry(struct listing *listing, struct unpack *unpack);

#endif
