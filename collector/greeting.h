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
#define GREETING_BANNER_MAX 255                 /* bytes of a banner with its line end (RFC 4253, 4.2) */

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

enum greeting_kind {
    GREETING_NONE,    /* no byte */
    GREETING_REFUSAL, /* sshd takes no connection now (MaxStartups, a penalty): "Exceeded MaxStartups" */
    GREETING_TEXT,    /* lines, perhaps the last one unfinished, none of which is a banner */
    GREETING_SSH_1,   /* the banner of a server that speaks SSH 1 only */
    GREETING_ENDLESS, /* a banner longer than GREETING_BANNER_MAX */
    GREETING_BANNER,  /* a banner, perhaps unfinished, and nothing behind it */
    GREETING_TALK,    /* something came behind the banner */
};

/**
 * greeting_judge(bytes, size):
 * What these first bytes of a server are, as far as they go.
 */
enum greeting_kind greeting_judge(const void *bytes, size_t size);

/**
 * greeting_banner(bytes, size):
 * The banner, or its beginning, cleaned and cut to GREETING_LINE_CHARS; the caller frees it with g_free().  NULL if
 * there is none.
 */
char *greeting_banner(const void *bytes, size_t size);

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
