/* collector/clear: what a server sends before the keys are in use, in pieces of every size. */
#include "clear.h"

#include "wire.h"

#include <criterion/criterion.h>
#include <string.h>

#define BANNER "SSH-2.0-x\r\n"

/* A stream of a server is written down as words: what follows the banner. */
struct piece {
    enum {
        END,
        TEXT,   /* of so many bytes without an end of line, in clear and outside of packets */
        LINE,   /* the banner */
        PACKET, /* of this type, with so many bytes */
        REPLY,  /* of this type, with a first and a second string */
        LENGTH, /* only that of a packet */
        BYTES,  /* anything: once keys are in use */
    } what;
    unsigned type;
    size_t one, two;
};

static void append_packet(GByteArray *bytes, uint8_t type, const GByteArray *payload)
{
    g_autoptr(GByteArray) packet = g_byte_array_new();
    const uint8_t head[] = {4, type}, padding[4] = {0};

    g_byte_array_append(packet, head, sizeof head);
    g_byte_array_append(packet, payload->data, payload->len);
    g_byte_array_append(packet, padding, sizeof padding);
    wire_append_string(bytes, packet->data, packet->len);
}

static void append(GByteArray *bytes, const struct piece *piece)
{
    size_t most = piece->what == LENGTH ? 0 : MAX(piece->one, piece->two);
    g_autofree uint8_t *fill = g_malloc(most + 1);
    g_autoptr(GByteArray) payload = g_byte_array_new();

    memset(fill, 'x', most + 1);
    switch (piece->what) {
    case END:
        break;
    case LINE:
        g_byte_array_append(bytes, (const uint8_t *)BANNER, strlen(BANNER));
        break;
    case TEXT:
    case BYTES:
        g_byte_array_append(bytes, fill, (guint)piece->one);
        break;
    case LENGTH:
        wire_append_u32(bytes, (uint32_t)piece->one);
        break;
    case REPLY:
        wire_append_string(payload, fill, piece->one);
        wire_append_string(payload, fill, piece->two);
        append_packet(bytes, (uint8_t)piece->type, payload);
        break;
    case PACKET:
        g_byte_array_append(payload, fill, (guint)piece->one);
        append_packet(bytes, (uint8_t)piece->type, payload);
        break;
    }
}

#define BANNER_LINE                                                                                                    \
    {                                                                                                                  \
        LINE, 0, 0, 0                                                                                                  \
    }
#define OFFER                                                                                                          \
    {                                                                                                                  \
        PACKET, 20, 500, 0                                                                                             \
    }
#define NEW_KEYS                                                                                                       \
    {                                                                                                                  \
        PACKET, 21, 0, 0                                                                                               \
    }

static const struct {
    const char *about;
    gboolean may_choose_group;
    struct piece pieces[6];
    const char *refusal; /* a part of it; NULL: there is none */
} rows[] = {
    {"an ed25519 key", FALSE, {BANNER_LINE, OFFER, {REPLY, 31, 51, 32}, NEW_KEYS, {BYTES, 0, 100, 0}}, NULL},
    {"a group of 8192 bits", TRUE, {BANNER_LINE, OFFER, {REPLY, 31, 1025, 1}, {REPLY, 33, 51, 1025}, NEW_KEYS}, NULL},
    {"the largest group", TRUE, {BANNER_LINE, OFFER, {REPLY, 31, CLEAR_GROUP_BYTES, 1}}, NULL},
    {"a larger one",
     TRUE,
     {BANNER_LINE, OFFER, {REPLY, 31, CLEAR_GROUP_BYTES + 1, 1}},
     "8808 bits in the key exchange: more than 8192"},
    {"one of 16384 bits",
     TRUE,
     {BANNER_LINE, OFFER, {REPLY, 31, 2049, 1}},
     "16392 bits in the key exchange: more than 8192 would"},
    {"a large generator", TRUE, {BANNER_LINE, OFFER, {REPLY, 31, 257, CLEAR_GROUP_BYTES + 1}}, "8808 bits"},
    {"a large host key", TRUE, {BANNER_LINE, OFFER, {REPLY, 31, 257, 1}, {REPLY, 33, 2100, 257}}, "16800 bits"},
    {"a large number", TRUE, {BANNER_LINE, OFFER, {REPLY, 31, 257, 1}, {REPLY, 33, 51, 2100}}, "16800 bits"},
    {"a length that is a lie", TRUE, {BANNER_LINE, OFFER, {PACKET, 31, 4000, 0}}, "not in its form"},
    {"RSA of 16384 bits, the group is ours", FALSE, {BANNER_LINE, OFFER, {REPLY, 31, 2075, 257}}, NULL},
    {"the largest host key", FALSE, {BANNER_LINE, OFFER, {REPLY, 31, CLEAR_KEY_BYTES, 257}}, NULL},
    {"a larger one",
     FALSE,
     {BANNER_LINE, OFFER, {REPLY, 31, CLEAR_KEY_BYTES + 1, 257}},
     "17608 bits in the key exchange: more than 16384"},
    {"a large number, the group is ours",
     FALSE,
     {BANNER_LINE, OFFER, {REPLY, 31, 51, CLEAR_KEY_BYTES + 1}},
     "17608 bits"},
    {"no string", TRUE, {BANNER_LINE, OFFER, {PACKET, 31, 3, 0}}, "not in its form"},
    {"nothing in it", TRUE, {BANNER_LINE, OFFER, {REPLY, 31, 9, 9}, {PACKET, 33, 0, 0}}, "not in its form"},
    {"other messages may be long", TRUE, {BANNER_LINE, {PACKET, 2, 30000, 0}, {PACKET, 20, 30000, 0}}, NULL},
    {"the longest packet", FALSE, {BANNER_LINE, {LENGTH, 0, CLEAR_PACKET_BYTES, 0}}, NULL},
    {"a longer one", FALSE, {BANNER_LINE, {LENGTH, 0, CLEAR_PACKET_BYTES + 1, 0}}, "a packet of 35001 bytes"},
    {"the longest", FALSE, {BANNER_LINE, {LENGTH, 0, G_MAXUINT32, 0}}, "a packet of 4294967295 bytes"},
    {"new keys out of nowhere", TRUE, {BANNER_LINE, OFFER, NEW_KEYS, {REPLY, 31, 2049, 1}}, "new keys before any"},
    {"as much as is allowed",
     FALSE,
     {BANNER_LINE, {REPLY, 31, 51, 32}, NEW_KEYS, {BYTES, 0, CLEAR_CODED_BYTES, 0}},
     NULL},
    {"one more",
     FALSE,
     {BANNER_LINE, {REPLY, 31, 51, 32}, NEW_KEYS, {BYTES, 0, CLEAR_CODED_BYTES + 1, 0}},
     "than 8192 bytes"},
    {"as much", TRUE, {BANNER_LINE, {REPLY, 31, 51, 32}, NEW_KEYS, {BYTES, 0, CLEAR_CODED_GROUP_BYTES, 0}}, NULL},
    {"one more",
     TRUE,
     {BANNER_LINE, {REPLY, 31, 9, 9}, NEW_KEYS, {BYTES, 0, CLEAR_CODED_GROUP_BYTES + 1, 0}},
     "than 1500 bytes"},
    {"a line before the banner", FALSE, {{TEXT, 0, CLEAR_LINE_BYTES, 0}}, NULL},
    {"a longer one", FALSE, {{TEXT, 0, CLEAR_LINE_BYTES + 1, 0}}, "a line of more than 255 bytes"},
    {"a banner that is none",
     TRUE,
     {{TEXT, 0, 1, 0}, BANNER_LINE, {REPLY, 31, 300, 1}},
     "a line of more than 255 bytes"},
};

static GByteArray *stream(size_t row)
{
    GByteArray *bytes = g_byte_array_new();

    for (const struct piece *piece = rows[row].pieces; piece->what != END; piece++)
        append(bytes, piece);
    return bytes;
}

Test(clear, what_is_refused)
{
    static const size_t steps[] = {1, 2, 3, 7, 250, 4096, 100000};

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        for (size_t s = 0; s < G_N_ELEMENTS(steps); s++) {
            g_autoptr(GByteArray) bytes = stream(i);
            const char *refusal = NULL;
            struct clear clear;
            clear_init(&clear, rows[i].may_choose_group);
            for (size_t at = 0; at < bytes->len; at += steps[s]) {
                size_t size = MIN(steps[s], bytes->len - at);
                g_autofree uint8_t *exact = g_memdup2(bytes->data + at, size);
                refusal = clear_add(&clear, exact, size);
            }
            if (rows[i].refusal)
                cr_expect(refusal && strstr(refusal, rows[i].refusal), "%s by %zu: %s", rows[i].about, steps[s],
                          refusal);
            else
                cr_expect_null(refusal, "%s by %zu: %s", rows[i].about, steps[s], refusal);
            clear_clear(&clear);
        }
}

Test(clear, packets_without_end)
{
    for (unsigned count = CLEAR_PACKETS; count <= CLEAR_PACKETS + 1; count++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        struct clear clear;
        append(bytes, &(struct piece){LINE, 0, 0, 0});
        for (unsigned i = 0; i < count; i++)
            append(bytes, &(struct piece){PACKET, i % 2 ? 2 : 4, i, 0});
        clear_init(&clear, FALSE);
        const char *refusal = clear_add(&clear, bytes->data, bytes->len);
        cr_expect_eq(refusal == NULL, count == CLEAR_PACKETS, "%u: %s", count, refusal);
        clear_clear(&clear);
    }
}

Test(clear, every_flip)
{
    for (size_t i = 0; i < 9; i++) {
        g_autoptr(GByteArray) bytes = stream(i);
        for (guint k = 0; k < bytes->len; k++) {
            struct clear clear;
            clear_init(&clear, rows[i].may_choose_group);
            bytes->data[k] ^= 0x40;
            clear_add(&clear, bytes->data, bytes->len);
            bytes->data[k] ^= 0x40;
            clear_clear(&clear);
        }
    }
}
