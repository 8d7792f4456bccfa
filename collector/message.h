/*
 * What the collector's parent and its workers say to each other: messages on a stream socket.
 *
 * A message is its size, its kind, the number of the host that it is about (0: none), and a body that depends on the
 * kind, all in SSH's wire form (wire.h).  The parent takes a worker's bytes as hostile: guard.h checks what they mean,
 * this module their frame.  Each kind has its own limit, so nobody has to keep much before a message can be refused.
 */
#ifndef TRUSTGAP_MESSAGE_H
#define TRUSTGAP_MESSAGE_H

#include "wire.h"

#include <glib.h>
#include <stdint.h>

/* Limits. */
#define MESSAGE_HEAD_BYTES  12                  /* size, kind, host */
#define MESSAGE_PIECE_BYTES ((size_t)64 * 1024) /* bytes of an object in one message */
#define MESSAGE_BLOB_BYTES  ((size_t)64 * 1024) /* a host key, or what is to be signed */
#define MESSAGE_ORDER_BYTES ((size_t)64 * 1024 * 1024)

enum message_kind {
    /* From the parent. */
    MESSAGE_MEANS = 1, /* what holds for all hosts; once, first */
    MESSAGE_ORDER,     /* a host to be collected (order.h); with three descriptors if it is this machine */
    MESSAGE_ADDRESSES, /* sequence, status of libuv, count, then each address as text */
    MESSAGE_VERDICT,   /* sequence, then struct known_hosts_answer */
    MESSAGE_SIGNATURE, /* sequence, signature, why there is none */
    MESSAGE_EXIT,      /* of a shell of this machine: exit status, signal */
    MESSAGE_CANCEL,    /* all hosts */
    MESSAGE_HOLD,      /* the parent reads no more for now: the time until MESSAGE_GO costs no host anything */
    MESSAGE_GO,
    MESSAGE_PING,
    /* From a worker. */
    MESSAGE_READY, /* set up; once, first */
    MESSAGE_PONG,
    MESSAGE_STATE,    /* from, to: for the trace */
    MESSAGE_ADMITTED, /* logged in */
    MESSAGE_LOOK_UP,  /* sequence: the address of the host */
    MESSAGE_HOST_KEY, /* sequence, the blob that the server has shown */
    MESSAGE_SIGN,     /* sequence, number of the identity, what is to be signed */
    MESSAGE_OBJECT,   /* number: a new object, from 1 */
    MESSAGE_BYTES,    /* number, bytes */
    MESSAGE_FINISH,   /* number: it is whole */
    MESSAGE_DROP,     /* number: it does not count */
    MESSAGE_LINE,     /* the host's line as in the journal, objects by their numbers; there is no more to the host */
};

struct message {
    enum message_kind kind;
    uint32_t host;
    struct wire body; /* a slice of the bytes that it was taken from */
};

enum message_result {
    MESSAGE_NONE,  /* it is not whole yet */
    MESSAGE_TAKEN, /* off the front */
    MESSAGE_BAD,   /* this is no message, or one beyond its limit */
};

/**
 * message_take(bytes, message):
 * The next message of ${bytes}.
 */
enum message_result message_take(struct wire *bytes, struct message *message);

/**
 * message_begin(bytes, kind, host), message_end(bytes, begin):
 * Append the head of a message and return where it begins; then, with the body behind it, write its size.
 */
guint message_begin(GByteArray *bytes, enum message_kind kind, uint32_t host);
void message_end(GByteArray *bytes, guint begin);

/**
 * message_append_text(bytes, text), message_read_text(wire, text):
 * A string that may be NULL; what was read is to be freed with g_free().  FALSE: there is none, or a NUL is in it.
 */
void message_append_text(GByteArray *bytes, const char *text);
gboolean message_read_text(struct wire *wire, char **text);

#endif
