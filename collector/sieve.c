#include "sieve.h"

#include <string.h>

#define LABEL_CHARS     64 /* of a PEM line */
#define INTEGER_BYTES   32 /* the first large number of a key has more */
#define EC_BYTES_MIN    14 /* secret of an EC key: secp112r1 */
#define EC_BYTES_MAX    80
#define BASE64_RUN      16 /* shorter ones are words */
#define BASE64_SKIPPED  16 /* line ends, and blanks behind them, between two digits */
#define SHORT_ALGORITHM 127

#define NOT_BASE64 0xff

struct sieve {
    GByteArray *held; /* what may be the beginning of a key */
    size_t given;     /* bytes of it that the last call has given away */
};

/* What comes behind the bytes that are there: more, nothing, or more that is lost. */
enum ending { ENDING_OPEN, ENDING_WHOLE, ENDING_CUT };

enum match { MATCH_NO, MATCH_YES, MATCH_MORE };

/* What get() says besides a byte. */
enum { GET_END = -1, GET_MORE = -2 };

/* The bytes from one place on, decoded or not. */
struct window {
    const uint8_t *at, *end;
    gboolean final; /* nothing comes behind the end */
    gboolean base64;
    /* Base64: what is decoded up to now, and what is left over of the last digit. */
    uint8_t bytes[SIEVE_WINDOW_BYTES];
    size_t count;
    unsigned bits, bit_count;
};

static uint8_t base64_values[256]; /* of the digits; else NOT_BASE64 */
/* Of each byte: whether something begins with it that is looked for, and whether it is base64 or the end of a line. */
enum { IS_FIRST = 1, IS_IN_RUN = 2 };
static uint8_t classes[256];

static void make_tables(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const uint8_t first[] = {0x30, 0x06, '-', 'P', 'o', 0xfe, 0xce};
    static gsize made;

    if (!g_once_init_enter(&made))
        return;
    memset(base64_values, NOT_BASE64, sizeof base64_values);
    for (uint8_t i = 0; i < 64; i++) {
        base64_values[(uint8_t)digits[i]] = i;
        classes[(uint8_t)digits[i]] |= IS_IN_RUN;
    }
    classes['\n'] = classes['\r'] = IS_IN_RUN;
    for (size_t i = 0; i < sizeof first; i++)
        classes[first[i]] |= IS_FIRST;
    g_once_init_leave(&made, 1);
}

/* Not all of it: there are many windows, and most decide by two bytes. */
static void window_open(struct window *window, const uint8_t *at, const uint8_t *end, gboolean final)
{
    window->at = at;
    window->end = end;
    window->final = final;
    window->base64 = FALSE;
    window->count = 0;
    window->bits = window->bit_count = 0;
}

/* Reading. */

/* The next digit, over the end of a line. */
static int next_digit(struct window *window)
{
    gboolean line_end = FALSE;

    for (unsigned skipped = 0; skipped <= BASE64_SKIPPED; skipped++) {
        if (window->at == window->end)
            return window->final ? GET_END : GET_MORE;
        uint8_t byte = *window->at;
        if (base64_values[byte] != NOT_BASE64) {
            window->at++;
            return base64_values[byte];
        }
        line_end = line_end || byte == '\r' || byte == '\n';
        if (!line_end || !strchr("\r\n \t", byte) || byte == '\0')
            return GET_END;
        window->at++;
    }
    return GET_END;
}

/* The byte at ${index} of the window, or GET_END, GET_MORE. */
static int get(struct window *window, size_t index)
{
    if (!window->base64) {
        if (index < (size_t)(window->end - window->at))
            return window->at[index];
        return window->final ? GET_END : GET_MORE;
    }
    if (index >= SIEVE_WINDOW_BYTES)
        return GET_END;
    while (window->count <= index) {
        const uint8_t *at = window->at;
        int digit = next_digit(window);
        if (digit < 0) {
            window->at = at;
            return digit;
        }
        window->bits = (window->bits << 6 | (unsigned)digit) & 0xffff;
        window->bit_count += 6;
        if (window->bit_count < 8)
            continue;
        window->bit_count -= 8;
        window->bytes[window->count++] = (uint8_t)(window->bits >> window->bit_count);
    }
    return window->bytes[index];
}

static enum match missing(int got)
{
    return got == GET_MORE ? MATCH_MORE : MATCH_NO;
}

static enum match match_bytes(struct window *window, size_t at, const void *bytes, size_t size)
{
    const uint8_t *wanted = bytes;

    for (size_t i = 0; i < size; i++) {
        int byte = get(window, at + i);
        if (byte < 0)
            return missing(byte);
        if (byte != wanted[i])
            return MATCH_NO;
    }
    return MATCH_YES;
}

/* DER. */

/* An element's tag, where its value begins, and how long that is. */
struct element {
    int tag;
    size_t value;
    int64_t size;
};

static enum match read_element(struct element *element, struct window *window, size_t at)
{
    int tag = get(window, at);
    int first = tag < 0 ? tag : get(window, at + 1);

    if (first < 0)
        return missing(first);
    *element = (struct element){tag, at + 2, first};
    if (first < 0x80)
        return MATCH_YES;
    if (first == 0x80 || first > 0x84)
        return MATCH_NO;
    element->size = 0;
    for (int i = 0; i < first - 0x80; i++) {
        int byte = get(window, element->value++);
        if (byte < 0)
            return missing(byte);
        element->size = element->size << 8 | byte;
    }
    return MATCH_YES;
}

/* The same of one with that tag, in which something is. */
static enum match read_tagged(struct element *element, struct window *window, size_t at, int tag)
{
    enum match match = read_element(element, window, at);

    if (match != MATCH_YES)
        return match;
    return element->tag == tag && element->size > 0 ? MATCH_YES : MATCH_NO;
}

static enum match match_tag(struct window *window, size_t at, int tag)
{
    int byte = get(window, at);
    return byte < 0 ? missing(byte) : byte == tag ? MATCH_YES : MATCH_NO;
}

/*
 * SEQUENCE { version, algorithm, key }.  A certificate of version 1 has a small serial number there, perhaps, and an
 * algorithm too, but no OCTET STRING behind it.  Where the algorithm is long, it is its identifier that tells keys from
 * signatures.
 */
static enum match match_pkcs8(struct window *window, size_t at)
{
    static const struct {
        uint8_t size;
        uint8_t bytes[9];
    } of_keys[] = {
        {9, {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01}}, /* DSA */
        {9, {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01}}, /* EC */
        {9, {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3e, 0x02, 0x01}}, /* X9.42 */
        {9, {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01}}, /* PKCS: any; 1.3.1 is Diffie-Hellman */
    };
    struct element algorithm;
    enum match match = read_tagged(&algorithm, window, at, 0x30);

    if (match != MATCH_YES)
        return match;
    match = match_tag(window, algorithm.value, 0x06);
    if (match != MATCH_YES)
        return match;
    if (algorithm.size <= SHORT_ALGORITHM)
        return match_tag(window, algorithm.value + (size_t)algorithm.size, 0x04);
    for (size_t i = 0; i < G_N_ELEMENTS(of_keys); i++) {
        match = match_bytes(window, algorithm.value, of_keys[i].bytes, of_keys[i].size);
        if (match != MATCH_NO)
            return match;
    }
    return MATCH_NO;
}

/* Version 2 without PIN: an algorithm, which is a SEQUENCE in a SEQUENCE, and a time. */
static enum match match_plain_pse(struct window *window, size_t at)
{
    struct element content, algorithm;
    enum match match = read_tagged(&content, window, at, 0x30);

    if (match == MATCH_YES)
        match = read_tagged(&algorithm, window, content.value, 0x30);
    if (match != MATCH_YES)
        return match;
    return match_tag(window, algorithm.value + (size_t)MIN(algorithm.size, SIEVE_WINDOW_BYTES), 0x18);
}

/* SEQUENCE { INTEGER version, ... */
static enum match match_sequence(struct window *window)
{
    struct element whole, version, second;
    enum match match = read_tagged(&whole, window, 0, 0x30);

    if (match == MATCH_YES)
        match = read_tagged(&version, window, whole.value, 0x02);
    if (match != MATCH_YES)
        return match;
    if (version.size == 2 && whole.size > 4) {
        static const uint8_t lps[] = {0x01, 0x00, 0xa0};
        return match_bytes(window, version.value, lps, sizeof lps);
    }
    int number = version.size == 1 ? get(window, version.value) : GET_END;
    if (number < 0)
        return missing(number);
    if (number > 4)
        return MATCH_NO;
    match = read_element(&second, window, version.value + 1);
    if (match != MATCH_YES)
        return match;
    if (second.size == 0 || second.size >= whole.size)
        return MATCH_NO;
    switch (number << 8 | second.tag) {
    case 0x0002: /* RSA, DSA */
    case 0x0102: /* RSA with more than two primes */
        return second.size >= INTEGER_BYTES ? MATCH_YES : MATCH_NO;
    case 0x0104: /* EC */
        return second.size >= EC_BYTES_MIN && second.size <= EC_BYTES_MAX ? MATCH_YES : MATCH_NO;
    case 0x0030:
    case 0x0130:
        return match_pkcs8(window, version.value + 1);
    case 0x0230:
        return match_plain_pse(window, version.value + 1);
    case 0x02a0: /* a PSE of version 2 with PIN */
    case 0x04a3: /* and of version 4 */
        return MATCH_YES;
    default:
        return MATCH_NO;
    }
}

/* Of objects of a PSE, of keys in PKCS #12, and of ciphers with a password. */
static enum match match_identifier(struct window *window)
{
    static const struct {
        uint8_t size;
        uint8_t bytes[12]; /* how many, and the first of them */
    } of_secrets[] = {
        {9, {0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05}},                    /* PKCS #5: ciphers */
        {10, {0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01}},             /* PKCS #12: ciphers */
        {12, {0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x01}}, /* key bag */
        {12, {0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02}}, /* encrypted key bag */
    };
    static const uint8_t pse[] = {0x2b, 0x24, 0x02};
    int size = get(window, 1);

    if (size < 0)
        return missing(size);
    if (size >= 4 && size <= 9) {
        enum match match = match_bytes(window, 2, pse, sizeof pse);
        if (match != MATCH_NO)
            return match;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(of_secrets); i++) {
        enum match match = match_bytes(window, 1, of_secrets[i].bytes, of_secrets[i].size);
        if (match != MATCH_NO)
            return match;
    }
    return MATCH_NO;
}

/* Text. */

/* "----BEGIN RSA PRIVATE KEY" behind any dashes, "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY"; "END" likewise. */
static enum match match_armour(struct window *window)
{
    static const char *const words[] = {"----BEGIN ", "---- BEGIN ", "----END ", "---- END "};
    char label[LABEL_CHARS + 1];
    enum match match = MATCH_NO;
    size_t at = 0;

    for (size_t i = 0; match == MATCH_NO && i < G_N_ELEMENTS(words); i++) {
        at = strlen(words[i]);
        match = match_bytes(window, 0, words[i], at);
    }
    if (match != MATCH_YES)
        return match;
    for (size_t i = 0; i < LABEL_CHARS; i++) {
        int byte = get(window, at + i);
        if (byte < 0)
            return missing(byte);
        if (!g_ascii_isalnum(byte) && byte != ' ')
            return MATCH_NO;
        label[i] = (char)byte;
        label[i + 1] = '\0';
        if (g_str_has_suffix(label, "PRIVATE KEY"))
            return MATCH_YES;
    }
    return MATCH_NO;
}

static enum match match_java(struct window *window)
{
    static const uint8_t jks[] = {0xfe, 0xed, 0xfe, 0xed, 0, 0, 0}, jceks[] = {0xce, 0xce, 0xce, 0xce, 0, 0, 0};
    enum match match = match_bytes(window, 0, jks, sizeof jks);
    return match == MATCH_NO ? match_bytes(window, 0, jceks, sizeof jceks) : match;
}

static enum match match_window(struct window *window)
{
    static const char putty[] = "PuTTY-User-Key-File-", openssh[] = "openssh-key-v1";

    switch (get(window, 0)) {
    case GET_MORE:
        return MATCH_MORE;
    case 0x30:
        return match_sequence(window);
    case 0x06:
        return match_identifier(window);
    case '-':
        return match_armour(window);
    case 'P':
        return match_bytes(window, 0, putty, sizeof putty - 1);
    case 'o':
        return match_bytes(window, 0, openssh, sizeof openssh);
    case 0xfe:
    case 0xce:
        return match_java(window);
    default:
        return MATCH_NO;
    }
}

/* Scanning. */

/* Where the digits and line ends that begin at ${at} end; ${*seen} becomes all classes in them. */
static const uint8_t *run_end(const uint8_t *at, const uint8_t *end, unsigned *seen)
{
    *seen = 0;
    for (; at < end && classes[*at] & IS_IN_RUN; at++)
        *seen |= classes[*at];
    return at;
}

/* A byte of the decoded ones begins with bit 0, 2 or 4 of a digit. */
static enum match match_base64(const uint8_t *at, const uint8_t *end, gboolean final)
{
    unsigned first = base64_values[*at];
    struct window window;
    window_open(&window, at + 1, end, final);
    int second = next_digit(&window);

    if (second < 0)
        return missing(second);
    unsigned bits = first << 6 | (unsigned)second;
    for (unsigned skip = 0; skip <= 4; skip += 2) {
        if (!(classes[bits >> (4 - skip) & 0xff] & IS_FIRST))
            continue;
        window_open(&window, at + 1, end, final);
        window.base64 = TRUE;
        window.bits = first & (0x3fu >> skip);
        window.bit_count = 6 - skip;
        enum match match = match_window(&window);
        if (match != MATCH_NO)
            return match;
    }
    return MATCH_NO;
}

/* Nearly all bytes of a text are none of these, and that is found out here. */
static inline gboolean may_begin(const uint8_t *at, const uint8_t *end)
{
    if (!(classes[*at] & IS_FIRST))
        return FALSE;
    if (end - at < 3)
        return TRUE;
    switch (*at) {
    case 0x30:
        return at[1] > 0x80 || at[2] == 0x02;
    case 0x06:
        return at[1] >= 4 && at[1] <= 11;
    case '-':
        return at[1] == '-' && at[2] == '-';
    case 'P':
        return at[1] == 'u';
    case 'o':
        return at[1] == 'p';
    default:
        return TRUE;
    }
}

static enum match match_raw(const uint8_t *at, const uint8_t *end, gboolean final)
{
    struct window window;

    if (!may_begin(at, end))
        return MATCH_NO;
    window_open(&window, at, end, final);
    return match_window(&window);
}

/* Look for a key; ${*clear} becomes where one begins, or may begin, or the end. */
static gboolean scan(const uint8_t **clear, const uint8_t *bytes, size_t size, enum ending ending)
{
    gboolean final = ending == ENDING_WHOLE;
    const uint8_t *end = bytes + size;
    const uint8_t *run = bytes;
    const uint8_t *at = bytes;
    enum match match = MATCH_NO;
    unsigned seen = 0;

    while (at < end && match == MATCH_NO) {
        if (run <= at)
            run = run_end(at, end, &seen);
        if (run - at < BASE64_RUN && (run < end || ending != ENDING_OPEN)) {
            /* A word, and what ends it. */
            const uint8_t *stop = MIN(run + 1, end);
            if (!(seen & IS_FIRST))
                at = run;
            while (at < stop && (match = match_raw(at, end, final)) == MATCH_NO)
                at++;
            continue;
        }
        match = match_raw(at, end, final);
        if (match == MATCH_NO && base64_values[*at] != NOT_BASE64)
            match = run - at < BASE64_RUN ? MATCH_MORE : match_base64(at, end, final);
        if (match == MATCH_NO)
            at++;
    }
    *clear = at;
    return match != MATCH_YES;
}

struct sieve *sieve_new(void)
{
    struct sieve *sieve = g_new0(struct sieve, 1);

    make_tables();
    sieve->held = g_byte_array_new();
    return sieve;
}

void sieve_free(struct sieve *sieve)
{
    if (!sieve)
        return;
    g_byte_array_unref(sieve->held);
    g_free(sieve);
}

static gboolean look(struct sieve *sieve, const uint8_t **clear, size_t *clear_size, enum ending ending)
{
    const uint8_t *stop;
    gboolean ok = scan(&stop, sieve->held->data, sieve->held->len, ending);

    *clear = sieve->held->data;
    *clear_size = sieve->given = (size_t)(stop - sieve->held->data);
    return ok;
}

static void forget_given(struct sieve *sieve)
{
    g_byte_array_remove_range(sieve->held, 0, (guint)sieve->given);
    sieve->given = 0;
}

gboolean sieve_add(struct sieve *sieve, const uint8_t **clear, size_t *clear_size, const void *bytes, size_t size)
{
    const uint8_t *stop;

    forget_given(sieve);
    if (sieve->held->len > 0) {
        g_byte_array_append(sieve->held, bytes, (guint)size);
        return look(sieve, clear, clear_size, ENDING_OPEN);
    }
    gboolean ok = scan(&stop, bytes, size, ENDING_OPEN);
    *clear = bytes;
    *clear_size = (size_t)(stop - *clear);
    g_byte_array_append(sieve->held, stop, (guint)(size - *clear_size));
    return ok;
}

gboolean sieve_end(struct sieve *sieve, const uint8_t **clear, size_t *clear_size)
{
    forget_given(sieve);
    return look(sieve, clear, clear_size, ENDING_WHOLE);
}

gboolean sieve_cut(struct sieve *sieve, const uint8_t **clear, size_t *clear_size)
{
    forget_given(sieve);
    return look(sieve, clear, clear_size, ENDING_CUT);
}

gboolean sieve_holds_key(const void *bytes, size_t size)
{
    const uint8_t *clear;

    make_tables();
    return !scan(&clear, bytes, size, ENDING_WHOLE);
}
