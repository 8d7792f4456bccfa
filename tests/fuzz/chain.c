/*
 * What a TLS server says, of any bytes.  A client hello has fresh random numbers each time, so an answer of TLS 1.3
 * cannot be decrypted here; up to TLS 1.2 certificates stand in clear and are read.
 */
#include "chain.h"

#include <stddef.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static enum chain_progress play(struct chain *chain, const uint8_t *bytes, size_t size, size_t piece)
{
    for (size_t at = 0; at < size; at += piece)
        if (chain_add(chain, bytes + at, MIN(piece, size - at)) != CHAIN_MORE)
            break;
    return chain_end(chain);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct chain *whole = chain_new("peer.example.com"), *pieces = chain_new("peer.example.com");
    enum chain_progress progress = play(whole, bytes, size, size ? size : 1);

    g_assert(progress == CHAIN_DONE || progress == CHAIN_FAILED);
    g_assert((progress == CHAIN_DONE) == (chain_reason(whole) == NULL));
    g_assert((progress == CHAIN_DONE) == (chain_count(whole) > 0));
    g_assert(chain_count(whole) <= CHAIN_CERTIFICATES);
    g_assert(chain_certificates(whole)->len <= CHAIN_BYTES);
    if (chain_message(whole))
        g_assert(g_utf8_validate(chain_message(whole), -1, NULL));
    /* How the bytes come makes no difference to what they are. */
    g_assert(play(pieces, bytes, size, 13) == progress);
    g_assert(chain_count(pieces) == chain_count(whole));
    g_assert(chain_certificates(pieces)->len == chain_certificates(whole)->len);
    chain_free(whole);
    chain_free(pieces);
    return 0;
}
