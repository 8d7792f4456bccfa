/* Printed names: never a crash, and a piece of a name is a prefix of it. */
#include "name.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Marks that combine may change places, so that a prefix of the text folds to no prefix. */
static gboolean is_plain(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return FALSE;
    return TRUE;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    g_autofree char *text = g_strndup((const char *)bytes, size);
    g_autofree char *key = name_key(text, FALSE), *title = name_short(text);
    g_assert(g_utf8_validate(title, -1, NULL));
    if (!key || name_is_cut(key))
        return 0;
    g_assert(name_is_prefix(key, key));
    for (size_t length = strlen(text); length > 0 && is_plain(text); length = length * 2 / 3) {
        g_autofree char *piece = g_strndup(text, length), *cut = name_key(piece, TRUE);
        g_assert(!cut || (name_is_cut(cut) && name_is_prefix(cut, key)));
    }
    return 0;
}
