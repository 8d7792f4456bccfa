#include "message.h"

#include "capture.h"

#include <string.h>

#define SEQUENCE 4 /* bytes of a number */
#define STATE    128

/* How long the body of each kind may be. */
static const size_t limits[] = {
    [MESSAGE_MEANS] = 1024,
    [MESSAGE_ORDER] = MESSAGE_ORDER_BYTES,
    [MESSAGE_ADDRESSES] = MESSAGE_ORDER_BYTES,
    [MESSAGE_VERDICT] = MESSAGE_ORDER_BYTES,
    [MESSAGE_SIGNATURE] = MESSAGE_ORDER_BYTES,
    [MESSAGE_EXIT] = 64,
    [MESSAGE_CANCEL] = 0,
    [MESSAGE_HOLD] = 0,
    [MESSAGE_GO] = 0,
    [MESSAGE_PING] = 0,
    [MESSAGE_READY] = 0,
    [MESSAGE_PONG] = 0,
    [MESSAGE_STATE] = STATE,
    [MESSAGE_ADMITTED] = 0,
    [MESSAGE_LOOK_UP] = SEQUENCE,
    [MESSAGE_HOST_KEY] = SEQUENCE + 4 + MESSAGE_BLOB_BYTES,
    [MESSAGE_SIGN] = SEQUENCE + 4 + 4 + MESSAGE_BLOB_BYTES,
    [MESSAGE_OBJECT] = SEQUENCE,
    [MESSAGE_BYTES] = SEQUENCE + MESSAGE_PIECE_BYTES,
    [MESSAGE_FINISH] = SEQUENCE,
    [MESSAGE_DROP] = SEQUENCE,
    [MESSAGE_LINE] = CAPTURE_LINE_BYTES,
};

enum message_result message_take(struct wire *bytes, struct message *message)
{
    struct wire wire = *bytes;
    uint32_t size, kind;

    if (!wire_read_u32(&wire, &size) || !wire_read_u32(&wire, &kind) || !wire_read_u32(&wire, &message->host))
        return MESSAGE_NONE;
    if (kind == 0 || kind >= G_N_ELEMENTS(limits) || size > limits[kind])
        return MESSAGE_BAD;
    message->kind = (enum message_kind)kind;
    message->body = (struct wire){wire.at, size};
    if (!wire_skip(&wire, size))
        return MESSAGE_NONE;
    *bytes = wire;
    return MESSAGE_TAKEN;
}

guint message_begin(GByteArray *bytes, enum message_kind kind, uint32_t host)
{
    guint begin = bytes->len;

    wire_append_u32(bytes, 0);
    wire_append_u32(bytes, kind);
    wire_append_u32(bytes, host);
    return begin;
}

void message_end(GByteArray *bytes, guint begin)
{
    uint32_t size = GUINT32_TO_BE(bytes->len - begin - MESSAGE_HEAD_BYTES);

    memcpy(bytes->data + begin, &size, sizeof size);
}

void message_append_text(GByteArray *bytes, const char *text)
{
    wire_append_u32(bytes, text != NULL);
    if (text)
        wire_append_string(bytes, text, strlen(text));
}

gboolean message_read_text(struct wire *wire, char **text)
{
    struct wire rest = *wire, string;
    uint32_t there;

    if (!wire_read_u32(&rest, &there) || there > 1)
        return FALSE;
    *text = NULL;
    if (there) {
        if (!wire_read_string(&rest, &string) || memchr(string.at, '\0', string.left))
            return FALSE;
        *text = g_strndup((const char *)string.at, string.left);
    }
    *wire = rest;
    return TRUE;
}
