#include "pack.h"

#include "moment.h"

#include <string.h>

#define FIRST_MOMENT INT64_C(-62167219200) /* 0000-01-01T00:00:00Z */
#define LAST_MOMENT  INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

void pack_number(GByteArray *out, int64_t number)
{
    g_byte_array_append(out, (const guint8 *)&number, sizeof number);
}

void pack_bytes(GByteArray *out, const void *bytes, size_t size)
{
    pack_number(out, (int64_t)size);
    if (size > 0)
        g_byte_array_append(out, bytes, (guint)size);
}

/* With its NUL, so that it can be used where it stands. */
void pack_text(GByteArray *out, const char *text)
{
    pack_bytes(out, text, text ? strlen(text) + 1 : 0);
}

static void refuse(struct unpack *unpack)
{
    unpack->bad = TRUE;
    unpack->at = unpack->end;
}

int64_t unpack_number(struct unpack *unpack, int64_t least, int64_t most)
{
    int64_t number;

    if ((size_t)(unpack->end - unpack->at) < sizeof number) {
        refuse(unpack);
        return least;
    }
    memcpy(&number, unpack->at, sizeof number);
    unpack->at += sizeof number;
    if (number >= least && number <= most)
        return number;
    refuse(unpack);
    return least;
}

int64_t unpack_moment(struct unpack *unpack)
{
    int64_t moment = unpack_number(unpack, MOMENT_NONE, LAST_MOMENT);

    if (moment >= FIRST_MOMENT || moment == MOMENT_NONE)
        return moment;
    refuse(unpack);
    return MOMENT_NONE;
}

const void *unpack_bytes(struct unpack *unpack, size_t *size)
{
    *size = (size_t)unpack_number(unpack, 0, G_MAXINT64);
    const uint8_t *at = unpack->at;

    if (*size > (size_t)(unpack->end - at)) {
        refuse(unpack);
        *size = 0;
    }
    unpack->at += *size;
    return at;
}

static gboolean has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == '\x7f')
            return TRUE;
    return FALSE;
}

static const char *unpack_string(struct unpack *unpack, gboolean clean)
{
    size_t size;
    const char *text = unpack_bytes(unpack, &size);

    if (size == 0)
        return NULL;
    if (memchr(text, '\0', size) == text + size - 1 && (!clean || !has_control(text)) &&
        g_utf8_validate(text, (gssize)size - 1, NULL))
        return text;
    refuse(unpack);
    return NULL;
}

const char *unpack_text(struct unpack *unpack)
{
    return unpack_string(unpack, TRUE);
}

const char *unpack_key(struct unpack *unpack)
{
    return unpack_string(unpack, FALSE);
}

gboolean unpack_is_done(const struct unpack *unpack)
{
    return !unpack->bad && unpack->at == unpack->end;
}
