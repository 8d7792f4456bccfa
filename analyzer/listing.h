/*
 * What "sapgenpse maintain_pk -l" prints, as entries: docs/formats/listing.md.  Private to the analyzer; the pool makes
 * certificates of them.
 *
 * The bytes are hostile: at most LISTING_LINE_BYTES of a line and POOL_LIST_CERTS entries are looked at, and reaching a
 * limit marks the listing as torn.
 */
#ifndef TRUSTGAP_LISTING_H
#define TRUSTGAP_LISTING_H

#include <glib.h>
#include <stdint.h>

#define LISTING_LINE_BYTES ((size_t)16384)

struct listing_entry { /* strings are NULL, times MOMENT_NONE where nothing is printed */
    char *subject, *issuer;
    char *serial; /* upper case hex pairs with colons */
    int64_t not_before, not_after;
    char *sha256, *sha1, *md5; /* lower case hex */
    char *subject_key_id;      /* lower case hex */
    char *key;                 /* "RSA 2048", else as printed */
    char *signature_algorithm; /* as OpenSSL names it, else as printed */
    gboolean ca;
};

struct listing {
    gboolean titled;    /* its title was seen */
    gboolean listed;    /* "PKList:" or an old listing's dashes with a certificate behind */
    gboolean old;       /* old style: there is no proof of what it looks like */
    gboolean torn;      /* an entry is incomplete, or a limit was reached */
    gboolean pin;       /* it ends in a question for the PIN, or says that it is wrong */
    GPtrArray *entries; /* of struct listing_entry *: the complete ones, in order */
    char *message;      /* first line that is neither noise nor listing, cleaned; NULL */
};

/**
 * listing_parse(bytes, size):
 * Take the ${size} bytes apart.  Never NULL; the caller frees it with listing_free().
 */
struct listing *listing_parse(const void *bytes, size_t size);

void listing_free(struct listing *listing);

#endif
