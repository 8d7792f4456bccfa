/*
 * What a server says in clear before keys are exchanged: its banner, and the algorithms that it offers (RFC 4253, 4.2
 * and 7.1).  libssh2 tells neither when the handshake fails, and then they are what an administrator needs.
 */
#ifndef TRUSTGAP_GREETING_H
#define TRUSTGAP_GREETING_H

#include "wire.h"

#include <glib.h>

/* Limits. */
#define GREETING_BYTES      ((size_t)64 * 1024) /* kept of what comes first */
#define GREETING_LINE_CHARS 200                 /* of what is not SSH, in a message */

enum greeting_list {
    GREETING_KEY_EXCHANGE,
    GREETING_HOST_KEY,
    GREETING_CIPHER_OUT, /* client to server */
    GREETING_CIPHER_IN,
    GREETING_MAC_OUT,
    GREETING_MAC_IN,
    GREETING_LISTS,
};

struct greeting {
    struct wire lists[GREETING_LISTS]; /* names separated by commas: slices of the bytes that were parsed */
};

/**
 * greeting_parse(greeting, bytes, size):
 * FALSE if the bytes, which may be anything, are not a banner with the offer behind it.
 */
gboolean greeting_parse(struct greeting *greeting, const void *bytes, size_t size);

/**
 * greeting_is_ssh(bytes, size):
 * TRUE if there is a line that begins as a banner of SSH does.
 */
gboolean greeting_is_ssh(const void *bytes, size_t size);

/**
 * greeting_first_line(bytes, size):
 * The first line, cleaned and cut to GREETING_LINE_CHARS; the caller frees it with g_free().
 */
char *greeting_first_line(const void *bytes, size_t size);

/**
 * greeting_offers(list, name):
 * TRUE if ${name} is one of the list.
 */
gboolean greeting_offers(const struct wire *list, const char *name);

#endif
