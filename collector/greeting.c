#include "greeting.h"

#include "text.h"

#include <string.h>

#define MSG_KEXINIT  20
#define COOKIE_BYTES 16

/* Lines may stand before the banner, which is the first one that begins with "SSH-". */
static gboolean find_banner(struct wire *wire)
{
    for (;;) {
        if (wire->left >= 4 && memcmp(wire->at, "SSH-", 4) == 0)
            return TRUE;
        const uint8_t *line_feed = wire->left > 0 ? memchr(wire->at, '\n', wire->left) : NULL;
        if (!line_feed)
            return FALSE;
        wire_skip(wire, (size_t)(line_feed + 1 - wire->at));
    }
}

gboolean greeting_is_ssh(const void *bytes, size_t size)
{
    struct wire wire = {bytes, size};
    return find_banner(&wire);
}

static gboolean skip_banner(struct wire *wire)
{
    const uint8_t *line_feed = find_banner(wire) ? memchr(wire->at, '\n', wire->left) : NULL;
    return line_feed && wire_skip(wire, (size_t)(line_feed + 1 - wire->at));
}

gboolean greeting_parse(struct greeting *greeting, const void *bytes, size_t size)
{
    struct wire wire = {bytes, size}, packet;
    uint8_t padding, type;

    if (!skip_banner(&wire) || !wire_read_string(&wire, &packet) || !wire_read_u8(&packet, &padding) ||
        !wire_read_u8(&packet, &type) || type != MSG_KEXINIT || !wire_skip(&packet, COOKIE_BYTES))
        return FALSE;
    for (int i = 0; i < GREETING_LISTS; i++)
        if (!wire_read_string(&packet, &greeting->lists[i]))
            return FALSE;
    return TRUE;
}

char *greeting_first_line(const void *bytes, size_t size)
{
    const char *text = bytes;
    size_t length = 0;

    while (length < MIN(size, GREETING_LINE_CHARS) && text[length] != '\n' && text[length] != '\r')
        length++;
    return text_clean(text, length);
}

gboolean greeting_offers(const struct wire *list, const char *name)
{
    size_t length = strlen(name);
    size_t from = 0;

    while (from <= list->left) {
        const uint8_t *at = list->at + from;
        const uint8_t *comma = from < list->left ? memchr(at, ',', list->left - from) : NULL;
        size_t size = comma ? (size_t)(comma - at) : list->left - from;
        if (size == length && memcmp(at, name, length) == 0)
            return TRUE;
        from += size + 1;
    }
    return FALSE;
}
