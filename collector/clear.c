#include "clear.h"

#include "wire.h"

#include <string.h>

#define MSG_NEWKEYS 21
#define MSG_REPLY   31 /* or the group, if one is exchanged */
#define MSG_GEX     33 /* the reply in a group exchange */

static const char banner_start[] = "SSH-";

void clear_init(struct clear *clear, gboolean may_choose_group)
{
    *clear = (struct clear){
        .may_choose_group = may_choose_group,
        .packet = g_byte_array_new(),
        .is_banner = TRUE,
    };
}

void clear_clear(struct clear *clear)
{
    g_clear_pointer(&clear->packet, g_byte_array_unref);
    g_clear_pointer(&clear->refusal, g_free);
}

static void refuse(struct clear *clear, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void refuse(struct clear *clear, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (!clear->refusal)
        clear->refusal = g_strdup_vprintf(format, args);
    va_end(args);
}

/* The banner is the first line that begins as one. */
static void add_to_line(struct clear *clear, uint8_t byte)
{
    if (byte == '\n') {
        clear->packets = clear->is_banner && clear->line >= strlen(banner_start);
        clear->line = 0;
        clear->is_banner = TRUE;
        return;
    }
    if (clear->line < strlen(banner_start) && byte != (uint8_t)banner_start[clear->line])
        clear->is_banner = FALSE;
    if (++clear->line > CLEAR_LINE_BYTES)
        refuse(clear, "a line of more than %d bytes before the key exchange", CLEAR_LINE_BYTES);
}

/*
 * Two messages have the number 31: the reply (host key, the server's number, signature) and the group that the server
 * chose (modulus, generator).  Which it is libssh2 decides; what costs time is in the first two strings of either.
 */
static void look_at_reply(struct clear *clear, struct wire *payload)
{
    size_t limit = clear->may_choose_group ? CLEAR_GROUP_BYTES : CLEAR_KEY_BYTES;

    for (int i = 0; i < 2; i++) {
        struct wire string;
        if (!wire_read_string(payload, &string)) {
            refuse(clear, "a message of the key exchange that is not in its form");
            return;
        }
        if (string.left > limit) {
            size_t bytes = string.left - (string.at[0] == 0); /* which a positive number may have in front */
            refuse(clear,
                   "a number or a key of %zu bits in the key exchange: more than %u would hold up other "
                   "hosts",
                   bytes * 8, clear->may_choose_group ? 8192 : 16384);
            return;
        }
    }
}

static void end_packet(struct clear *clear)
{
    struct wire packet = {clear->packet->data, clear->packet->len};
    uint8_t padding, type;

    if (++clear->count > CLEAR_PACKETS)
        refuse(clear, "more than %d packets before the keys are exchanged", CLEAR_PACKETS);
    if (wire_read_u8(&packet, &padding) && wire_read_u8(&packet, &type)) {
        packet.left -= MIN(padding, packet.left);
        if (type == MSG_REPLY || type == MSG_GEX)
            look_at_reply(clear, &packet);
        clear->replied |= type == MSG_REPLY;
        if (type == MSG_NEWKEYS && !clear->replied)
            refuse(clear, "new keys before any were exchanged");
        clear->coded = type == MSG_NEWKEYS;
    }
    g_byte_array_set_size(clear->packet, 0);
}

static void begin_packet(struct clear *clear)
{
    struct wire head = {clear->head, sizeof clear->head};
    uint32_t size = 0;

    wire_read_u32(&head, &size);
    clear->head_bytes = 0;
    clear->left = size;
    if (size > CLEAR_PACKET_BYTES)
        refuse(clear, "a packet of %u bytes, and more than %d are not allowed", size, CLEAR_PACKET_BYTES);
    else if (size == 0)
        end_packet(clear);
}

static size_t add_to_packet(struct clear *clear, const uint8_t *bytes, size_t size)
{
    if (clear->left == 0) {
        clear->head[clear->head_bytes++] = *bytes;
        if (clear->head_bytes == sizeof clear->head)
            begin_packet(clear);
        return 1;
    }
    size = MIN(size, clear->left);
    g_byte_array_append(clear->packet, bytes, (guint)size);
    clear->left -= size;
    if (clear->left == 0)
        end_packet(clear);
    return size;
}

static void add_coded(struct clear *clear, size_t size)
{
    int limit = clear->may_choose_group ? CLEAR_CODED_GROUP_BYTES : CLEAR_CODED_BYTES;

    clear->coded_bytes += size;
    if (clear->coded_bytes > (size_t)limit)
        refuse(clear, "more than %d bytes after the key exchange and no answer to our request to log in", limit);
}

const char *clear_add(struct clear *clear, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;

    while (size > 0 && !clear->refusal) {
        size_t taken = 1;
        if (clear->coded)
            add_coded(clear, taken = size);
        else if (clear->packets)
            taken = add_to_packet(clear, at, size);
        else
            add_to_line(clear, *at);
        at += taken;
        size -= taken;
    }
    return clear->refusal;
}
