#include "trace_filter.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_VECTORS 1
#include <immintrin.h>
#endif

/*
 * Each line that trace_line.c takes for an event, or that may begin a failure without one, has one of these words.
 * Three letters of each, chosen for being rare in other lines, are what is searched for.
 */
static const struct word {
    const char *text;
    uint8_t size;
    uint8_t at;     /* of the three letters */
    uint8_t bucket; /* words of one bucket are told apart only afterwards */
} words[] = {
    {"ERROR", 5, 0, 0},       /* ... and what is_error() wants behind it */
    {"LERR_", 5, 1, 0},       /* SSSLERR_ */
    {"Errorstack", 10, 0, 0}, /* Begin of Secu-SSL Errorstack */
    {"LRC_", 4, 0, 1},        /* SSSLRC_ */
    {"SSL handshake with", 18, 2, 1},
    {"() failed", 9, 1, 2},          /* SSL_connect() failed */
    {"validation failed", 17, 9, 3}, /* certificate (chain) validation failed */
    {"d (-", 4, 1, 4},               /* SapSSLSessionStart failed (-102), returned (-56) */
    {"(proxy returned", 15, 0, 5},
    {"Not successful", 14, 0, 6},
    {"trc file:", 9, 0, 6},    /* the title of a file */
    {"trusted", 7, 1, 7},      /* Peer not trusted, untrusted forwarded certificate */
    {"Trustworthy", 11, 1, 7}, /* HttpIsReverseProxyTrustworthy */
    {"TRUNCATED", 9, 1, 7},    /* TRACE FILE TRUNCATED */
};

#define YEAR_BYTES 6 /* a blank, four digits, and what ends them */

/* For each of the three letters and each byte: the buckets that have it there. */
static uint8_t tables[3][256];
#ifdef HAVE_VECTORS
/* The same by halves of a byte: a byte is in a bucket if both of its halves are, and some other bytes are as well. */
static uint8_t low[3][16], high[3][16];
#endif

/*
 * Most errors of a trace are none of TLS.  Behind "ERROR" stands "during", "in", "=> IcmConnInit...", "=> SSL handshake
 * with", "=> SapSSL...", ": SapSSL...", with blanks (also those that copying makes, C2 A0) or without.
 */
static gboolean is_error(const char *behind, const char *end)
{
    static const char *const wanted[] = {"during", "in ", "in\xc2", "IcmConnInit", "SSL", "SapSSL"};

    while (behind < end && (*behind == ' ' || *behind == '\t' || *behind == ':' || *behind == '=' || *behind == '>' ||
                            *behind == '\xc2' || *behind == '\xa0'))
        behind++;
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        if ((size_t)(end - behind) >= strlen(wanted[i]) && memcmp(behind, wanted[i], strlen(wanted[i])) == 0)
            return TRUE;
    return FALSE;
}

static gboolean is_word(const char *letters, const char *start, const char *end)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        const struct word *word = &words[i];
        const char *at = letters - word->at;
        if (letters[0] == word->text[word->at] && letters - start >= word->at && end - at >= word->size &&
            memcmp(at, word->text, word->size) == 0 && (word->text != words[0].text || is_error(at + word->size, end)))
            return TRUE;
    }
    return FALSE;
}

/* Each way: the first three letters that are of a word, or NULL; to ${*feeds} the line feeds before them are added. */
typedef const char *find_function(const char *at, const char *end, uint64_t *feeds);

static const char *find_from(const char *at, const char *start, const char *end, uint64_t *feeds)
{
    for (; at < end; at++) {
        const uint8_t *byte = (const uint8_t *)at;
        if (end - at >= 3 && tables[0][byte[0]] & tables[1][byte[1]] & tables[2][byte[2]] && is_word(at, start, end))
            return at;
        *feeds += *at == '\n';
    }
    return NULL;
}

static const char *find_plain(const char *at, const char *end, uint64_t *feeds)
{
    return find_from(at, at, end, feeds);
}

#ifdef HAVE_VECTORS
#define ROUNDS 255 /* of counting line feeds in bytes */

static inline __m256i __attribute__((target("avx2"))) classify_32(__m256i bytes, int letter)
{
    __m256i of_low = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)low[letter]));
    __m256i of_high = _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)high[letter]));
    __m256i halves = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
    return _mm256_and_si256(_mm256_shuffle_epi8(of_low, bytes), _mm256_shuffle_epi8(of_high, halves));
}

static inline uint64_t __attribute__((target("avx2"))) sum_32(__m256i counts)
{
    __m256i sums = _mm256_sad_epu8(counts, _mm256_setzero_si256());
    return (uint64_t)_mm256_extract_epi64(sums, 0) + (uint64_t)_mm256_extract_epi64(sums, 1) +
           (uint64_t)_mm256_extract_epi64(sums, 2) + (uint64_t)_mm256_extract_epi64(sums, 3);
}

static const char *__attribute__((target("avx2,popcnt"))) find_avx2(const char *at, const char *end, uint64_t *feeds)
{
    const __m256i feed = _mm256_set1_epi8('\n'), zero = _mm256_setzero_si256();
    const char *start = at;

    while (end - at >= 34) {
        __m256i counts = zero;
        for (int round = 0; round < ROUNDS && end - at >= 34; round++, at += 32) {
            __m256i first = _mm256_loadu_si256((const void *)at);
            __m256i second = _mm256_loadu_si256((const void *)(at + 1));
            __m256i third = _mm256_loadu_si256((const void *)(at + 2));
            __m256i found = _mm256_and_si256(_mm256_and_si256(classify_32(first, 0), classify_32(second, 1)),
                                             classify_32(third, 2));
            __m256i is_feed = _mm256_cmpeq_epi8(first, feed);
            if (G_UNLIKELY(!_mm256_testz_si256(found, found))) {
                uint32_t places = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(found, zero));
                for (; places; places &= places - 1) {
                    int place = __builtin_ctz(places);
                    if (!is_word(at + place, start, end))
                        continue;
                    uint32_t before = (uint32_t)_mm256_movemask_epi8(is_feed) & ((1u << place) - 1);
                    *feeds += sum_32(counts) + (uint64_t)__builtin_popcount(before);
                    return at + place;
                }
            }
            counts = _mm256_sub_epi8(counts, is_feed);
        }
        *feeds += sum_32(counts);
    }
    return find_from(at, start, end, feeds);
}

/* From the end in steps of 32; what is left at the beginning is not looked at, and ${*stop} is set to its end. */
static const char *__attribute__((target("avx2,popcnt"))) last_year_avx2(const char *at, const char **stop)
{
    const __m256i blank = _mm256_set1_epi8(' '), two = _mm256_set1_epi8('2');
    const char *place = *stop;

    for (; place - at >= 32; place -= 32) {
        __m256i first = _mm256_loadu_si256((const void *)(place - 32));
        __m256i second = _mm256_loadu_si256((const void *)(place - 31));
        __m256i sixth = _mm256_loadu_si256((const void *)(place - 27));
        __m256i both = _mm256_and_si256(_mm256_cmpeq_epi8(first, blank), _mm256_cmpeq_epi8(second, two));
        /* Signed: a byte from 128 on is no end either, so both sides of the comparison are wanted. */
        __m256i ends = _mm256_and_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(' ' + 1), sixth),
                                        _mm256_cmpgt_epi8(sixth, _mm256_set1_epi8(-1)));
        uint32_t places = (uint32_t)_mm256_movemask_epi8(_mm256_and_si256(both, ends));
        if (places)
            return place - 1 - __builtin_clz(places);
    }
    *stop = place;
    return NULL;
}

/* gcc 12 takes what its own header leaves open on purpose for a mistake (its bug 105593). */
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#define TARGET_AVX512 __attribute__((target("avx512f,avx512bw,popcnt")))

static inline __m512i TARGET_AVX512 classify_64(__m512i bytes, int letter)
{
    __m512i of_low = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)low[letter]));
    __m512i of_high = _mm512_broadcast_i32x4(_mm_loadu_si128((const void *)high[letter]));
    __m512i halves = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), _mm512_set1_epi8(15));
    return _mm512_and_si512(_mm512_shuffle_epi8(of_low, bytes), _mm512_shuffle_epi8(of_high, halves));
}

static const char *TARGET_AVX512 find_avx512(const char *at, const char *end, uint64_t *feeds)
{
    const __m512i feed = _mm512_set1_epi8('\n');
    const char *start = at;
    uint64_t count = 0;

    for (; end - at >= 66; at += 64) {
        __m512i first = _mm512_loadu_si512(at), second = _mm512_loadu_si512(at + 1);
        __m512i third = _mm512_loadu_si512(at + 2);
        __m512i found =
            _mm512_and_si512(_mm512_and_si512(classify_64(first, 0), classify_64(second, 1)), classify_64(third, 2));
        uint64_t places = _mm512_test_epi8_mask(found, found), is_feed = _mm512_cmpeq_epi8_mask(first, feed);
        for (; G_UNLIKELY(places); places &= places - 1) {
            int place = __builtin_ctzll(places);
            if (!is_word(at + place, start, end))
                continue;
            *feeds += count + (uint64_t)__builtin_popcountll(is_feed & ((UINT64_C(1) << place) - 1));
            return at + place;
        }
        count += (uint64_t)__builtin_popcountll(is_feed);
    }
    *feeds += count;
    return find_from(at, start, end, feeds);
}

#pragma GCC diagnostic pop
#endif

static find_function *find;

static find_function *function_of(enum trace_filter_way way)
{
#ifdef HAVE_VECTORS
    if (!__builtin_cpu_supports("popcnt"))
        return way == TRACE_FILTER_PLAIN ? find_plain : NULL;
    if (way == TRACE_FILTER_AVX2 && __builtin_cpu_supports("avx2"))
        return find_avx2;
    if (way == TRACE_FILTER_AVX512 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        return find_avx512;
#endif
    return way == TRACE_FILTER_PLAIN ? find_plain : NULL;
}

static void fill_tables(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
        g_assert(strlen(words[i].text) == words[i].size);
        for (int letter = 0; letter < 3; letter++) {
            uint8_t byte = (uint8_t)words[i].text[words[i].at + letter], bit = (uint8_t)(1 << words[i].bucket);
            tables[letter][byte] |= bit;
#ifdef HAVE_VECTORS
            low[letter][byte & 15] |= bit;
            high[letter][byte >> 4] |= bit;
#endif
        }
    }
}

static void prepare(void)
{
    static gsize done;

    if (!g_once_init_enter(&done))
        return;
    fill_tables();
    for (int way = TRACE_FILTER_WAYS; !find && way-- > 0;)
        find = function_of((enum trace_filter_way)way);
    g_once_init_leave(&done, 1);
}

gboolean trace_filter_use(enum trace_filter_way way)
{
    find_function *function = function_of(way);

    prepare();
    if (function)
        find = function;
    return function != NULL;
}

const char *trace_filter_skip(const char *at, const char *end, uint64_t *lines)
{
    prepare();
    *lines = 0;
    const char *found = find(at, end, lines);
    const char *feed = memrchr(at, '\n', (size_t)((found ? found : end) - at));
    return feed ? feed + 1 : at;
}

gboolean trace_filter_has(const char *at, const char *end)
{
    uint64_t feeds = 0;

    prepare();
    return find(at, end, &feeds) != NULL;
}

const char *trace_filter_last_year(const char *at, const char *end)
{
    if (end - at < YEAR_BYTES)
        return NULL;
    const char *stop = end - YEAR_BYTES + 1; /* behind the last place where one may begin */
#ifdef HAVE_VECTORS
    prepare();
    const char *found = find == find_plain ? NULL : last_year_avx2(at, &stop);
    if (found)
        return found;
#endif
    while (stop-- > at)
        if (stop[0] == ' ' && stop[1] == '2' && stop[5] <= ' ' && stop[5] >= 0)
            return stop;
    return NULL;
}
