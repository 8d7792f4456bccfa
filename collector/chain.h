/*
 * The certificates that a TLS server shows: the client's first message out, the server's first messages in, and no
 * more.  Bytes go in and come out; whoever calls brings them to the server and back.
 *
 * The client hello is all that is ever to be sent: OpenSSL makes it when the chain is made, and what it would say later
 * (an alert, its own keys, a second hello) is dropped here, so nobody can send it.  It offers what old servers need
 * too, TLS 1.0 and security level 0, since nothing is entrusted to this connection and nothing believed of it.
 * The certificates are taken as they were sent, in that order, and not verified or looked into.
 *
 * What the server sends is hostile.  OpenSSL takes it apart, within the limits below; no failure is worse than one
 * reason and one message.
 */
#ifndef TRUSTGAP_CHAIN_H
#define TRUSTGAP_CHAIN_H

#include <glib.h>
#include <stdint.h>

/* Limits. */
#define CHAIN_BYTES        ((size_t)64 * 1024) /* of all that a server sends, to the end of its certificates */
#define CHAIN_CERTIFICATES 32                  /* a server that sends more is given up */
#define CHAIN_NAME_CHARS   253                 /* of a name in the client hello */

enum chain_progress {
    CHAIN_MORE,   /* the certificates are not whole yet */
    CHAIN_DONE,   /* see chain_certificates() */
    CHAIN_FAILED, /* see chain_reason() */
};

struct chain;

/**
 * chain_new(server_name):
 * A client that asks for this name (SNI); for none if it is NULL, as a client does that has only an address.  It has
 * failed already if OpenSSL is configured so that it offers nothing.
 */
struct chain *chain_new(const char *server_name);
void chain_free(struct chain *chain);

/**
 * chain_hello(chain):
 * What is to be sent, once and before anything comes; owned by ${chain}.
 */
const GByteArray *chain_hello(const struct chain *chain);

/**
 * chain_add(chain, bytes, size), chain_end(chain):
 * Go on with the next piece of what the server sends; it will send no more.  Once it is done or has failed it stays so,
 * and further bytes are not looked at.
 */
enum chain_progress chain_add(struct chain *chain, const void *bytes, size_t size);
enum chain_progress chain_end(struct chain *chain);

/**
 * chain_certificates(chain), chain_count(chain):
 * The certificates in DER, one behind the other as they were sent, owned by ${chain}, and their number; of a chain that
 * is not done nothing.
 */
const GByteArray *chain_certificates(const struct chain *chain);
unsigned chain_count(const struct chain *chain);

/**
 * chain_reason(chain), chain_message(chain):
 * Why it failed: a word of docs/formats/capture.md, and a sentence, cleaned; NULL if it has not failed.
 */
const char *chain_reason(const struct chain *chain);
const char *chain_message(const struct chain *chain);

#endif
