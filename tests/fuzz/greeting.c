/* What a server says in clear, of any bytes. */
#include "greeting.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct greeting greeting;
    g_autofree char *line = greeting_first_line(bytes, size);

    g_autofree char *banner = greeting_banner(bytes, size);
    enum greeting_kind kind = greeting_judge(bytes, size);

    g_assert(g_utf8_validate(line, -1, NULL) && (!banner || g_utf8_validate(banner, -1, NULL)));
    g_assert(banner || kind < GREETING_SSH_1);
    if (greeting_parse(&greeting, bytes, size)) {
        g_assert(banner);
        for (int i = 0; i < GREETING_LISTS; i++)
            greeting_offers(&greeting.lists[i], "aes128-ctr");
    }
    return 0;
}
