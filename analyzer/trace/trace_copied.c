#include "trace_copied.h"

#include "trace_dump.h"

/* ---- Characters ---- */

static gboolean needs_plain(struct slice body)
{
    /* Eight bytes at a time: one of them is 0 where one borrows from the next and did not have the highest bit. */
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    size_t i = 0;

    for (; i + 8 <= body.size; i += 8) {
        uint64_t bytes, slashes;
        memcpy(&bytes, body.at + i, 8);
        slashes = bytes ^ (ones * '\\');
        if ((bytes | (bytes - ones) | (slashes - ones)) & tops)
            return TRUE;
    }
    for (; i < body.size; i++)
        if ((uint8_t)body.at[i] >= 0x80 || body.at[i] == '\\' || body.at[i] == '\0')
            return TRUE;
    return FALSE;
}

static char plain_character(gunichar c)
{
    switch (c) {
    case 0xa0: /* no-break blanks */
    case 0x2007:
    case 0x202f:
        return ' ';
    case 0x201c: /* double quotes, high, high and low */
    case 0x201d:
    case 0x201e:
        return '"';
    case 0x2018:
    case 0x2019:
    case 0x201a:
        return '\'';
    case 0x2010: /* dashes of all lengths */
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2212:
        return '-';
    default:
        return 0;
    }
}

/* The same characters in code page 1252, where they stand between 0x80 and 0xa0. */
static char plain_windows_byte(uint8_t byte)
{
    switch (byte) {
    case 0x82:
    case 0x91:
    case 0x92:
        return '\'';
    case 0x84:
    case 0x93:
    case 0x94:
        return '"';
    case 0x96:
    case 0x97:
        return '-';
    default:
        return 0;
    }
}

struct slice trace_copied_plain(struct slice body, GString *plain)
{
    if (!needs_plain(body))
        return body;
    const char *at = body.at, *end = body.at + body.size;

    g_string_truncate(plain, 0);
    while (at < end) {
        uint8_t byte = (uint8_t)*at;
        if (byte == '\\' && at + 1 < end && at[1] == '_') {
            at++;
        } else if (byte == 0) {
            g_string_append_c(plain, '?');
            at++;
        } else if (byte < 0x80) {
            g_string_append_c(plain, *at++);
        } else {
            gunichar c = g_utf8_get_char_validated(at, end - at);
            gboolean valid = c != (gunichar)-1 && c != (gunichar)-2;
            char ascii = valid || byte >= 0xa0 ? plain_character(valid ? c : byte) : plain_windows_byte(byte);
            if (ascii)
                g_string_append_c(plain, ascii);
            else
                g_string_append_unichar(plain, valid ? c : byte);
            at = valid ? g_utf8_next_char(at) : at + 1;
        }
    }
    return (struct slice){plain->str, plain->len};
}

/* ---- Marks before a line ---- */

gboolean trace_copied_strip_mark(struct slice *body)
{
    static const char *const marks[] = {"> ", "- ", "* ", "_", "`", "\xe2\x80\xa2 "}; /* the last one is a bullet */
    struct slice rest = *body;
    int64_t number = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(marks); i++) {
        if (slice_take(&rest, marks[i])) {
            slice_skip_blanks(&rest);
            *body = rest;
            return TRUE;
        }
    }
    if (!slice_take_number(&rest, &number) || number > 999 || !(slice_take(&rest, ".") || slice_take(&rest, ")")) ||
        slice_skip_blanks(&rest) == 0)
        return FALSE;
    *body = rest;
    return TRUE;
}

/* ---- Lines that were joined ---- */

#define PIECE_BYTES 4 /* what is shorter before a line's beginning is a mark and no line */

/* How lines begin.  Labels have a colon behind them, and perhaps blanks before that. */
static const struct beginning {
    const char *word;
    gboolean label;
} beginnings[] = {
    {"*** ERROR", FALSE},
    {"->> ", FALSE},
    {"<< -", FALSE},
    {"<<- ", FALSE},
    {"=> \"", FALSE},
    {">> -", FALSE},
    {"Accept trusted forwarded certificate", FALSE},
    {"BasicConstraints", TRUE},
    {"Certificate", TRUE},
    {"Client SSL_CTX ", FALSE},
    {"DirectlyTrusted", TRUE},
    {"ERROR => ", FALSE},
    {"ERROR during ", FALSE},
    {"ERROR in ", FALSE},
    {"Fingerprint_MD5", TRUE},
    {"Fingerprint_SHA1", TRUE},
    {"Fingerprint_SHA256", TRUE},
    {"HttpCertIsReverseProxyTrustworthy:", FALSE},
    {"HttpIsReverseProxyTrustworthy:", FALSE},
    {"HttpModGetDefRules:", FALSE},
    {"Issuer", TRUE},
    {"Key", TRUE},
    {"Key size", TRUE},
    {"Key type", TRUE},
    {"KeyUsage", TRUE},
    {"Not after", TRUE},
    {"Not before", TRUE},
    {"ObjectStatus", TRUE},
    {"PK_Fingerprint_MD5", TRUE},
    {"Profile", TRUE},
    {"Reject untrusted forwarded certificate", FALSE},
    {"SSL NI-", FALSE},
    {"SSL handshake with", FALSE},
    {"SSL::Si", FALSE},
    {"SSL:SSL_get_state()", FALSE},
    {"SSL_get_state()", FALSE},
    {"Serial Number", TRUE},
    {"Serial number", TRUE},
    {"Server SSL_CTX ", FALSE},
    {"ServerCert.subject ", FALSE},
    {"Signature algorithm", TRUE},
    {"SignerCert", TRUE},
    {"SignerStatus", TRUE},
    {"SignerVerificationResult", TRUE},
    {"Status", TRUE},
    {"Subject", TRUE},
    {"TLSextSNI server_name=", FALSE},
    {"Target Hostname=", FALSE},
    {"TargetHostname ", FALSE},
    {"Validity", TRUE},
    {"Verification result", TRUE},
    {"[Thr ", FALSE},
    {"cli SSL session PSE", FALSE},
    {"secude_error ", FALSE},
    {"session uses PSE", FALSE},
    {"srv SSL session PSE", FALSE},
};

/* SapSSLSessionStartNB()==..., SecuSSL_SessionStartNB: SSL_connect() failed */
static gboolean begins_call(struct slice rest)
{
    struct slice function, call;

    if (!slice_take_word(&rest, &function))
        return FALSE;
    if (slice_begins(function, "SapSSL"))
        return slice_begins(rest, "()==");
    if (!slice_take(&rest, ":"))
        return FALSE;
    slice_skip_blanks(&rest);
    return slice_take_word(&rest, &call) && slice_begins(call, "SSL_") && slice_begins(rest, "() failed");
}

/* 0xa0600203 | SSL | ssl_verify_peer_certificates */
static gboolean begins_code(struct slice rest)
{
    struct slice digits;
    uint64_t number;

    if (!slice_take(&rest, "0x") || !slice_take_hex(&rest, &digits, &number) || digits.size != 8)
        return FALSE;
    slice_skip_blanks(&rest);
    return slice_begins(rest, "|");
}

static struct {
    uint8_t first[256];        /* for each first letter its first row, plus one */
    uint8_t at_beginning[256]; /* a line may begin with it */
} letters;

static void fill_letters(void)
{
    static gsize filled;

    if (!g_once_init_enter(&filled))
        return;
    for (size_t i = G_N_ELEMENTS(beginnings); i-- > 0;) {
        uint8_t letter = (uint8_t)beginnings[i].word[0];
        g_assert(letters.first[letter] == 0 || letters.first[letter] == i + 2);
        letters.first[letter] = (uint8_t)(i + 1);
        letters.at_beginning[letter] = 1;
    }
    for (const char *other = "Ss0123456789abcdefABCDEF"; *other; other++) /* calls, codes, dumps */
        letters.at_beginning[(uint8_t)*other] = 1;
    g_once_init_leave(&filled, 1);
}

/* ${rest} has more than PIECE_BYTES. */
static gboolean begins_line(struct slice rest)
{
    for (size_t i = letters.first[(uint8_t)rest.at[0]]; i > 0 && i <= G_N_ELEMENTS(beginnings); i++) {
        const struct beginning *beginning = &beginnings[i - 1];
        struct slice behind = rest;
        if (beginning->word[0] != rest.at[0])
            break;
        if (beginning->word[1] != rest.at[1] || beginning->word[2] != rest.at[2] ||
            !slice_take(&behind, beginning->word))
            continue;
        if (!beginning->label)
            return TRUE;
        slice_skip_blanks(&behind);
        if (slice_begins(behind, ":"))
            return TRUE;
    }
    if (rest.at[0] == 'S' || rest.at[0] == 's')
        return begins_call(rest);
    return g_ascii_isxdigit(rest.at[0]) &&
           (begins_code(rest) || (rest.size > 6 && g_ascii_isxdigit(rest.at[5]) && trace_dump_is(rest)));
}

gboolean trace_copied_begins(struct slice text)
{
    fill_letters();
    return text.size > PIECE_BYTES && letters.at_beginning[(uint8_t)text.at[0]] && begins_line(text);
}

/* Whether ${before} only leads to what follows, such as "***", "<<-", "ERROR =>", "3.". */
static gboolean is_lead(struct slice before)
{
    static const char *const ends[] = {"=>", "<<-", "->>", "***"};

    before = slice_trim(before);
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++)
        if (slice_ends(before, ends[i]))
            return TRUE;
    return before.size < PIECE_BYTES;
}

void trace_copied_strip_end(struct slice *line)
{
    *line = slice_trim(*line);
    for (;;) {
        gboolean frame = line->size > 1 && slice_ends(*line, ">") &&
                         (slice_is_blank(line->at[line->size - 2]) || line->at[line->size - 2] == '#');
        if (!frame && !slice_ends(*line, "#"))
            return;
        line->size--;
        *line = slice_trim(*line);
    }
}

/* The first byte from ${from} that stands behind a blank (or "#"); there are most often only blanks. */
static size_t next_word(struct slice body, size_t from, gboolean blanks_only)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), rest = ones * 0x7f;

    for (uint64_t eight; blanks_only && from + 7 <= body.size; from += 8) {
        memcpy(&eight, body.at + from - 1, 8);
        eight ^= ones * ' ';
        uint64_t found = ~(((eight & rest) + rest) | eight | rest); /* the highest bit of each byte that was a blank */
        if (found && G_BYTE_ORDER == G_LITTLE_ENDIAN)
            return from + (size_t)__builtin_ctzll(found) / 8;
        if (found)
            break;
    }
    while (from < body.size && !slice_is_blank(body.at[from - 1]) && body.at[from - 1] != '#')
        from++;
    return from;
}

/* Where the second line begins in ${body}, or 0; ${*by_hash} is set if there is a "#" before it. */
static size_t find_second(struct slice body, gboolean *by_hash)
{
    gboolean begun = FALSE; /* it begins as a line does, and not with words round one */

    gboolean blanks_only = !memchr(body.at, '#', body.size) && !memchr(body.at, '\t', body.size);

    fill_letters();
    for (size_t i = 0; i + PIECE_BYTES < body.size; i = next_word(body, i + 1, blanks_only)) {
        if (!letters.at_beginning[(uint8_t)body.at[i]] || !begins_line(slice_from(body, i)))
            continue;
        struct slice before = {body.at, i};
        if (begun && !is_lead(before)) {
            *by_hash = *by_hash || slice_ends(slice_trim(before), "#");
            return i;
        }
        begun = TRUE;
        const char *bar = trace_dump_is(slice_from(body, i)) ? memchr(body.at + i, '|', body.size - i) : NULL;
        const char *close = bar ? memchr(bar + 1, '|', (size_t)(body.at + body.size - bar - 1)) : NULL;
        if (bar) /* nothing in it begins a line */
            i = (size_t)((close ? close : bar) - body.at);
    }
    return 0;
}

/* The first "#" outside of quotes. */
static size_t find_hash(struct slice body)
{
    gboolean quoted = FALSE;

    for (size_t i = 0; i < body.size; i++) {
        if (body.at[i] == '"')
            quoted = !quoted;
        else if (body.at[i] == '#' && !quoted)
            return i;
    }
    return body.size;
}

struct slice trace_copied_take(struct slice *rest, gboolean *by_hash)
{
    size_t second = find_second(*rest, by_hash), size = second > 0 ? second : rest->size;

    if (*by_hash)
        size = MIN(size, find_hash(*rest));
    struct slice piece = {rest->at, size};
    *rest = slice_from(*rest, size);
    while (rest->size > 0 && (slice_is_blank(rest->at[0]) || (*by_hash && rest->at[0] == '#')))
        *rest = slice_from(*rest, 1);
    return piece;
}
