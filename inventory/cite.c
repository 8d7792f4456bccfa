#include "cite.h"

#include "text.h"

#include <string.h>

gboolean cite_refuse(GError **error, enum trustgap_error code, const char *text, const char *what)
{
    size_t size = strlen(text);
    size_t shown = size;

    if (size > CITE_BYTES) {
        shown = CITE_BYTES;
        while (shown > 0 && ((unsigned char)text[shown] & 0xc0) == 0x80)
            shown--; /* not in mid-character */
    }
    g_autofree char *clean = text_clean(text, shown);
    g_set_error(error, TRUSTGAP_ERROR, (int)code, "\"%s%s\": %s", clean, shown < size ? "..." : "", what);
    return FALSE;
}
