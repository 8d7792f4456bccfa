/* Text with certificates: blocks stand in the text one behind the other, and base64 gives at most three bytes for four.
 */
#include "pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    g_autoptr(GBytes) raw = g_bytes_new_static(bytes, size), text = pem_text(raw);
    gsize length;
    const char *at = g_bytes_get_data(text, &length);
    struct slice rest = {at, length}, label, body;

    g_assert(text == raw || g_utf8_validate(at, (gssize)length, NULL) || memchr(at, 0, length));
    for (const char *behind = at; pem_next(&rest, &label, &body); behind = rest.at) {
        g_assert(label.at >= behind + 11 && label.at + label.size + 5 <= rest.at);
        g_assert(rest.at + rest.size == at + length);
        if (!body.at)
            continue;
        g_assert(body.at == label.at + label.size + 5 && body.at + body.size < rest.at);
        g_autoptr(GBytes) der = pem_decode(body);
        g_assert(!der || (g_bytes_get_size(der) > 0 && g_bytes_get_size(der) <= body.size / 4 * 3 + 3));
    }
    g_autoptr(GBytes) bare = pem_decode((struct slice){at, length});
    g_assert(!bare || g_bytes_get_size(bare) <= length);
    return 0;
}
