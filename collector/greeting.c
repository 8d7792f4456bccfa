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

/* What sshd says before it closes a connection that it does not take; the second since OpenSSH 9.3. */
static gboolean is_refusal(const uint8_t *bytes, size_t size)
{
    static const char *const refusals[] = {"Exceeded MaxStartups", "Not allowed at this time"};

    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++)
        if (size >= strlen(refusals[i]) &&
            g_ascii_strncasecmp((const char *)bytes, refusals[i], strlen(refusals[i])) == 0)
            return TRUE;
    return FALSE;
}

/* SSH 1.99 is a server that speaks both. */
static gboolean is_ssh_1(const struct wire *banner)
{
    static const char one[] = "SSH-1.", both[] = "SSH-1.99-";
    size_t seen = MIN(banner->left, strlen(both));

    return seen > strlen(one) && memcmp(banner->at, one, strlen(one)) == 0 && memcmp(banner->at, both, seen) != 0;
}

enum greeting_kind greeting_judge(const void *bytes, size_t size)
{
    struct wire wire = {bytes, size};

    if (size == 0)
        return GREETING_NONE;
    if (is_refusal(bytes, size))
        return GREETING_REFUSAL;
    if (!find_banner(&wire))
        return GREETING_TEXT;
    if (is_ssh_1(&wire))
        return GREETING_SSH_1;
    const uint8_t *line_feed = memchr(wire.at, '\n', wire.left);
    size_t length = line_feed ? (size_t)(line_feed + 1 - wire.at) : wire.left;
    if (length > GREETING_BANNER_MAX)
        return GREETING_ENDLESS;
    return length < wire.left ? GREETING_TALK : GREETING_BANNER;
}

char *greeting_banner(const void *bytes, size_t size)
{
    struct wire wire = {bytes, size};
    return find_banner(&wire) ? greeting_first_line(wire.at, wire.left) : NULL;
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
    const char *text = size > 0 ? bytes : "";
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
