/*
 * The packets that a server sends in clear, looked at before libssh2 works on them (RFC 4253, 6 and 7; RFC 4419).
 *
 * Nobody knows yet who answers, and one thread serves all hosts: a modulus of 16,384 bits costs it more than a second,
 * and libssh2 takes one.  Bytes go in; out comes whether the server may go on.
 */
#ifndef TRUSTGAP_CLEAR_H
#define TRUSTGAP_CLEAR_H

#include <glib.h>
#include <stdint.h>

/* Limits. */
#define CLEAR_PACKET_BYTES 35000 /* of one packet (RFC 4253, 6.1) */
#define CLEAR_PACKETS      64    /* before the keys are in use; four or five are usual */
#define CLEAR_KEY_BYTES    2200  /* of a host key, which has room for RSA with 16,384 bits, and of any number */
#define CLEAR_GROUP_BYTES                                                                                              \
    1100 /* the same where the server may choose the group: 8,192 bits are the most that we ask for */
#define CLEAR_LINE_BYTES  255  /* of the banner and of a line before it; libssh2 cuts longer ones into pieces */
#define CLEAR_CODED_BYTES 8192 /* once keys are in use, until it takes our request to log in: an extension or two */
#define CLEAR_CODED_GROUP_BYTES                                                                                        \
    1500 /* the same where it may choose the group: no room for another one that is large                              \
          */

struct clear {
    /* private: */
    gboolean may_choose_group;
    size_t line;        /* of the line that has begun */
    gboolean is_banner; /* as far as this line has come */
    gboolean packets, replied, coded;
    uint8_t head[4];
    unsigned head_bytes;
    size_t left; /* of the packet that has begun */
    GByteArray *packet;
    unsigned count;
    size_t coded_bytes;
    char *refusal;
};

/**
 * clear_init(clear, may_choose_group), clear_clear(clear):
 * ${may_choose_group}: group exchange was offered to the server.
 */
void clear_init(struct clear *clear, gboolean may_choose_group);
void clear_clear(struct clear *clear);

/**
 * clear_add(clear, bytes, size):
 * The next bytes of the server, from its first one on.  NULL, or why no more of it should be looked at: what it sends,
 * as the end of a sentence, owned by ${clear}; it stays so.
 */
const char *clear_add(struct clear *clear, const void *bytes, size_t size);

#endif
