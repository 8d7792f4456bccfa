#include "trace_filter.h"

#include <glib.h>
#include <stdint.h>
#include <string.h>

/*
 * Three letters of each word that opens a block (the rest of the word does not matter here), chosen for being rare in
 * other lines.  With three letters, of any two neighbouring pairs of bytes one lies wholly in the word, so it is enough
 * to look up every second pair.
 */
static const char words[][4] = {
    "SSL", /* SSL_connect(), SapSSL, SSSLERR_, SSL handshake, SSL NI-hdl, Secu-SSL Errorstack */
    "TLS", /* TLSextSNI, a fatal TLS ... alert */
    "PSE", /* session uses PSE file */
    "Hos", /* Target Hostname */
    "ERR", /* *** ERROR during, ERROR in af_verify_Certificates */
    "rus", /* Peer not trusted, untrusted forwarded certificate, IsReverseProxyTrustworthy */
    "ubj", /* Subject */
    "Iss", /* Issuer */
    "---", /* the rule round the title of a file */
    "RUN", /* TRACE FILE TRUNCATED */
};

#define AT_FIRST  1 /* the pair is the first two letters of a word */
#define AT_SECOND 2 /* ... the last two */

static uint8_t pairs[256][256];

static void fill_pairs(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        const uint8_t *word = (const uint8_t *)words[i];
        pairs[word[0]][word[1]] |= AT_FIRST;
        pairs[word[1]][word[2]] |= AT_SECOND;
    }
}

static gboolean is_word(const char *at)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (memcmp(at, words[i], 3) == 0)
            return TRUE;
    return FALSE;
}

/* A pair of a word was found at ${pair}: the word itself, or NULL. */
static const char *confirm(const char *pair, const char *start, const char *end)
{
    uint8_t where = pairs[(uint8_t)pair[0]][(uint8_t)pair[1]];
    if (where & AT_SECOND && pair > start && is_word(pair - 1))
        return pair - 1;
    if (where & AT_FIRST && pair + 2 < end && is_word(pair))
        return pair;
    return NULL;
}

const char *trace_filter_find(const char *at, const char *end)
{
    static gsize filled;
    const char *start = at;

    if (g_once_init_enter(&filled)) {
        fill_pairs();
        g_once_init_leave(&filled, 1);
    }
    const uint8_t *byte = (const uint8_t *)at;
    for (; end - at >= 8; at += 8, byte += 8) {
        if (G_LIKELY(!(pairs[byte[0]][byte[1]] | pairs[byte[2]][byte[3]] | pairs[byte[4]][byte[5]] |
                       pairs[byte[6]][byte[7]])))
            continue;
        for (const char *pair = at; pair < at + 8; pair += 2) {
            const char *found = confirm(pair, start, end);
            if (found)
                return found;
        }
    }
    for (; end - at >= 2; at += 2) {
        const char *found = confirm(at, start, end);
        if (found)
            return found;
    }
    return NULL;
}
