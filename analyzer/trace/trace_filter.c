#include "trace_filter.h"

#include <stddef.h>
#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define HAVE_VECTORS 1
#include <immintrin.h>
#endif

/* The beginning of a word in one number: eight bytes at the most, in the order of memory. */
struct begin {
    uint64_t bytes, mask;
};

static struct begin begin_of(const char *text)
{
    struct begin begin = {0, 0};
    size_t size = MIN(strlen(text), sizeof begin.bytes);

    memcpy(&begin.bytes, text, size);
    memset(&begin.mask, 0xff, size);
    return begin;
}

static inline uint64_t load(const char *at, const char *end)
{
    uint64_t bytes = 0;

    if (G_LIKELY(end - at >= (ptrdiff_t)sizeof bytes))
        memcpy(&bytes, at, sizeof bytes);
    else
        memcpy(&bytes, at, (size_t)(end - at));
    return bytes;
}

static inline gboolean is_begin(struct begin begin, uint64_t bytes)
{
    return ((bytes ^ begin.bytes) & begin.mask) == 0;
}

/* What may stand between "ERROR" and what follows. */
static const uint8_t is_between[256] = {
    [' '] = 1, ['\t'] = 1, [':'] = 1, ['='] = 1, ['>'] = 1, [0xc2] = 1, [0xa0] = 1,
};

static const char *const causes[] = {"during", "in ", "in\xc2", "IcmConnInit", "SSL", "SapSSL"};
static struct begin cause_begins[G_N_ELEMENTS(causes)];

/*
 * Most errors of a trace are none of TLS.  Behind "ERROR" stands "during", "in", "=> IcmConnInit...", "=> SSL handshake
 * with", "=> SapSSL...", ": SapSSL...", with blanks (also those that copying makes, C2 A0) or without.
 */
static gboolean is_error(const char *behind, const char *end)
{
    gboolean maybe = FALSE;

    while (behind < end && is_between[(uint8_t)*behind])
        behind++;
    uint64_t bytes = load(behind, end);
    for (size_t i = 0; i < G_N_ELEMENTS(causes); i++)
        maybe |= is_begin(cause_begins[i], bytes); /* not one by one: which it is can't be foreseen */
    if (!maybe)
        return FALSE;
    for (size_t i = 0; i < G_N_ELEMENTS(causes); i++) {
        size_t size = strlen(causes[i]);
        if ((size_t)(end - behind) >= size && memcmp(behind, causes[i], size) == 0)
            return TRUE;
    }
    return FALSE;
}

/* The rest of a call's name, and "() failed". */
static gboolean is_start(const char *behind, const char *end)
{
    while (behind < end && (g_ascii_isalnum(*behind) || *behind == '_'))
        behind++;
    return end - behind >= 9 && memcmp(behind, "() failed", 9) == 0;
}

/*
 * Each line that trace_line.c takes for an event, or that may begin a failure without one, has one of these words.
 * Three letters of each are what is searched for; the first two are chosen for being rare in other lines.  Words whose
 * letters are alike in a half of each byte share a bucket; they are told apart afterwards.
 */
static const struct word {
    const char *text;
    uint8_t at; /* of the three letters */
    uint8_t bucket;
    gboolean (*check)(const char *behind, const char *end); /* of what stands behind it; or NULL */
} words[] = {
    /* In the order of the first of their three letters. */
    {"(proxy", 0, 5, NULL},
    {"(-1", 0, 5, NULL}, /* SapSSLSessionStart failed (-102), returned (- 56) */
    {"(-2", 0, 5, NULL},
    {"(-3", 0, 5, NULL},
    {"(-4", 0, 5, NULL},
    {"(-5", 0, 5, NULL},
    {"(-7", 0, 5, NULL},
    {"(- ", 0, 5, NULL},
    {"--------------------", 0, 4, NULL}, /* the rule above a file's title */
    {"Errorstack", 0, 2, NULL},           /* Begin of Secu-SSL Errorstack */
    {"SSL_a", 2, 1, is_start},            /* SSL_accept() failed */
    {"SSL_c", 2, 1, is_start},
    {"SSL_d", 2, 1, is_start},
    {"SSL_r", 2, 1, is_start},
    {"SSL_w", 2, 1, is_start},
    {"Peer", 0, 7, NULL}, /* Peer not trusted */
    {"ERROR", 1, 0, is_error},
    {"SSLERR_", 4, 0, NULL}, /* SSSLERR_ */
    {"SSLERR\\", 4, 0, NULL},
    {"SSLRC_", 3, 4, NULL}, /* SSSLRC_ */
    {"SSLRC\\", 3, 4, NULL},
    {"TRUNCATED", 1, 0, NULL},   /* TRACE FILE TRUNCATED */
    {"Trustworthy", 0, 2, NULL}, /* HttpIsReverseProxyTrustworthy */
    {"SSL handshake with", 10, 7, NULL},
    {"Reject", 2, 7, NULL},   /* Reject untrusted forwarded certificate */
    {"(chain) ", 5, 6, NULL}, /* certificate (chain) is not trusted, validation failed, ... */
    {"Not successful", 5, 3, NULL},
};

#define YEAR_BYTES 6 /* a blank, four digits, and what ends them */

static ptrdiff_t sizes[G_N_ELEMENTS(words)];
static uint32_t threes[G_N_ELEMENTS(words)]; /* the three letters */
static struct begin begins[G_N_ELEMENTS(words)];
static uint8_t first_word[256]; /* that has this letter as the first of its three */

/* For each of the three letters and each byte: the buckets that have it there. */
static uint8_t tables[3][256];
#ifdef HAVE_VECTORS
/* The same by halves of a byte: a byte is in a bucket if both of its halves are, and some other bytes are as well. */
static uint8_t low[3][16], high[3][16];
#endif

static inline uint32_t three_of(const char *letters)
{
    const uint8_t *at = (const uint8_t *)letters;
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
}

/* Whether the three ${letters} are those of a word that stands there. */
static gboolean is_word(const char *letters, const char *start, const char *end)
{
    uint32_t three = three_of(letters);

    for (size_t i = first_word[three & 255]; i < G_N_ELEMENTS(words) && (threes[i] & 255) == (three & 255); i++) {
        const struct word *word = &words[i];
        const char *at = letters - word->at;
        if (threes[i] != three || letters - start < word->at || end - at < sizes[i])
            continue;
        if (is_begin(begins[i], load(at, end)) && (sizes[i] <= 8 || memcmp(at, word->text, (size_t)sizes[i]) == 0) &&
            (!word->check || word->check(at + sizes[i], end)))
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
#define ROUNDS      255  /* of counting line feeds in bytes */
#define AHEAD_BYTES 8192 /* the processor itself asks for no bytes beyond a page */

struct tables_32 {
    __m256i low, high;
};

static inline struct tables_32 __attribute__((target("avx2"))) load_32(int letter)
{
    return (struct tables_32){_mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)low[letter])),
                              _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)high[letter]))};
}

static inline __m256i __attribute__((target("avx2"))) classify_32(__m256i bytes, struct tables_32 letter)
{
    __m256i halves = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
    return _mm256_and_si256(_mm256_shuffle_epi8(letter.low, bytes), _mm256_shuffle_epi8(letter.high, halves));
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
    const struct tables_32 of_first = load_32(0), of_second = load_32(1), of_third = load_32(2);
    const char *start = at;

    while (end - at >= 34) {
        __m256i counts = zero;
        for (int round = 0; round < ROUNDS && end - at >= 34; round++, at += 32) {
            _mm_prefetch(at + AHEAD_BYTES, _MM_HINT_T0);
            __m256i first = _mm256_loadu_si256((const void *)at);
            __m256i second = _mm256_loadu_si256((const void *)(at + 1));
            __m256i found = _mm256_and_si256(classify_32(first, of_first), classify_32(second, of_second));
            __m256i is_feed = _mm256_cmpeq_epi8(first, feed);
            if (G_UNLIKELY(!_mm256_testz_si256(found, found))) {
                found = _mm256_and_si256(found, classify_32(_mm256_loadu_si256((const void *)(at + 2)), of_third));
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

#define TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512vbmi,popcnt")))

struct tables_64 {
    __m512i low, high;
};

static inline struct tables_64 TARGET_AVX512 load_64(int letter)
{
    return (struct tables_64){_mm512_loadu_si512(tables[letter]), _mm512_loadu_si512(tables[letter] + 64)};
}

/* A byte from 128 on is taken for the one 128 below it. */
static inline __m512i TARGET_AVX512 classify_64(__m512i bytes, struct tables_64 letter)
{
    return _mm512_permutex2var_epi8(letter.low, bytes, letter.high);
}

static const char *TARGET_AVX512 find_avx512(const char *at, const char *end, uint64_t *feeds)
{
    const __m512i feed = _mm512_set1_epi8('\n');
    const struct tables_64 of_first = load_64(0), of_second = load_64(1), of_third = load_64(2);
    const char *start = at;
    uint64_t count = 0;

    for (; end - at >= 66; at += 64) {
        _mm_prefetch(at + AHEAD_BYTES, _MM_HINT_T0);
        __m512i first = _mm512_loadu_si512(at), second = _mm512_loadu_si512(at + 1);
        __m512i found = _mm512_and_si512(classify_64(first, of_first), classify_64(second, of_second));
        uint64_t places = _mm512_test_epi8_mask(found, found), is_feed = _mm512_cmpeq_epi8_mask(first, feed);
        if (G_UNLIKELY(places)) /* two letters are rare enough to look at the third one only then */
            places = _mm512_test_epi8_mask(found, classify_64(_mm512_loadu_si512(at + 2), of_third));
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
    if (way == TRACE_FILTER_AVX512 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vbmi"))
        return find_avx512;
#endif
    return way == TRACE_FILTER_PLAIN ? find_plain : NULL;
}

static void fill_tables(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(causes); i++)
        cause_begins[i] = begin_of(causes[i]);
    for (size_t i = G_N_ELEMENTS(words); i-- > 0;) {
        sizes[i] = (ptrdiff_t)strlen(words[i].text);
        begins[i] = begin_of(words[i].text);
        threes[i] = three_of(words[i].text + words[i].at);
        first_word[threes[i] & 255] = (uint8_t)i;
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
