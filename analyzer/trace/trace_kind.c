#include "trace_kind.h"

#include "message.h"
#include "slice.h"
#include "trace_stamp.h"

#include <string.h>

#define ODD_PERCENT 10 /* bytes that no text has: from so many on it is binary data */

#define NEED_TRACE                                                                                                     \
    "What is needed: the lines of dev_icm or dev_webdisp around the error (SMICM > Goto > Trace File > Display All), " \
    "best written at trace level 2, or the name of the error (SSSLERR_..., ICM_HTTP_SSL_...), which is the same in "   \
    "every language."
#define NEED_UNPACK "Unpack it, and explain the trace that is in it."
#define NEED_TEXT   "Save it as plain text, and explain that. " NEED_TRACE
#define NEED_PSE                                                                                                       \
    "That is a certificate store or a certificate, not a trace. \"trustgap check AUDIT.xml --chain FILE\" asks which " \
    "trust stores would accept a chain. " NEED_TRACE

/* By the first bytes. */
static const struct {
    size_t offset, size;
    const char *bytes, *what, *need;
} kinds[] = {
    {0, 2, "\x1f\x8b", "is gzip-compressed data", NEED_UNPACK},
    {0, 4, "PK\x03\x04", "is a zip archive (or an Office document)", NEED_UNPACK},
    {0, 4, "PK\x05\x06", "is an empty zip archive", NEED_TRACE},
    {0, 4, "\x28\xb5\x2f\xfd", "is zstd-compressed data", NEED_UNPACK},
    {0, 6, "\xfd\x37zXZ\0", "is xz-compressed data", NEED_UNPACK},
    {0, 3, "BZh", "is bzip2-compressed data", NEED_UNPACK},
    {0, 4, "\x04\x22\x4d\x18", "is lz4-compressed data", NEED_UNPACK},
    {0, 2, "\x1f\x9d", "is data packed by compress", NEED_UNPACK},
    {0, 6, "7z\xbc\xaf\x27\x1c", "is a 7-Zip archive", NEED_UNPACK},
    {0, 4, "Rar!", "is a RAR archive", NEED_UNPACK},
    {0, 4, "CAR ", "is an SAPCAR archive", NEED_UNPACK},
    {257, 5, "ustar", "is a tar archive", NEED_UNPACK},
    {0, 5, "%PDF-", "is a PDF document", NEED_TEXT},
    {0, 4, "\x89PNG", "is a picture (PNG)", NEED_TEXT},
    {0, 3, "\xff\xd8\xff", "is a picture (JPEG)", NEED_TEXT},
    {0, 4, "GIF8", "is a picture (GIF)", NEED_TEXT},
    {0, 4, "\xd0\xcf\x11\xe0", "is an old Office document", NEED_TEXT},
    {0, 5, "{\\rtf", "is a rich text document", NEED_TEXT},
    {0, 4,
     "\x7f"
     "ELF",
     "is a program", NEED_TRACE},
    {0, 2, "MZ", "is a Windows program", NEED_TRACE},
    {0, 4, "\xfe\xed\xfe\xed", "is a Java key store", NEED_PSE},
    {0, 4, "\xce\xce\xce\xce", "is a Java key store", NEED_PSE},
    {0, 2, "\x30\x80", "is a certificate or a PSE", NEED_PSE},
    {0, 2, "\x30\x82", "is a certificate or a PSE", NEED_PSE},
    {0, 2, "\x30\x83", "is a certificate or a PSE", NEED_PSE},
    {0, 11, "-----BEGIN ", "is a certificate or a key in PEM", NEED_PSE},
};

/* Of lines without a thread prefix that only traces have: what such a line begins with, behind a component letter. */
static const char *const beginnings[] = {
    "trc file: ",
    "->> SapSSL",
    "<<- SapSSL",
    "SapSSL",
    "SSL NI-",
    "*** ERROR => ",
    "*** WARNING => ",
    "IcmConn",
    "IcmCreate",
    "IcmWatchDog",
    "IcmProxy",
    "IcmReadFromConn",
    "Target Hostname",
    "TLSextSNI ",
    "TRACE FILE TRUNCATED",
    "session uses PSE",
    "cli SSL session PSE",
    "srv SSL session PSE",
    "HttpModGetDefRules",
    "NiI",
};

/* What texts about TLS have in any of the languages that messages come in. */
static const char *const subjects[] = {"ssl", "tls", "certific", "zertifikat", "sertifik", "handshake", "x.509"};

static struct slice sample_of(const struct trace *trace)
{
    return (struct slice){trace->sample->str, trace->sample->len};
}

static gboolean next_line(struct slice *text, struct slice *line)
{
    if (text->size == 0)
        return FALSE;
    const char *feed = memchr(text->at, '\n', text->size);
    *line = slice_of(text->at, feed ? feed : text->at + text->size);
    *text = feed ? slice_of(feed + 1, text->at + text->size) : (struct slice){text->at + text->size, 0};
    if (slice_ends(*line, "\r"))
        line->size--;
    return TRUE;
}

static gboolean is_trace_line(struct slice line)
{
    int64_t local;

    line = slice_trim(line);
    if (line.size > 3 && g_ascii_isupper(line.at[0]) && slice_is_blank(line.at[1])) /* a component: M, N, ... */
        line = slice_trim(slice_from(line, 1));
    if (trace_stamp_take(line, &local))
        return TRUE;
    for (size_t i = 0; i < G_N_ELEMENTS(beginnings); i++)
        if (slice_begins(line, beginnings[i]))
            return TRUE;
    return FALSE;
}

gboolean trace_kind_is_trace(const struct trace *trace)
{
    struct slice text = sample_of(trace), line;

    if (trace->found > 0 || trace->prefixed || trace->titled)
        return TRUE;
    if (trace->binary)
        return FALSE;
    while (next_line(&text, &line))
        if (is_trace_line(line))
            return TRUE;
    return FALSE;
}

static gboolean is_empty(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if (!g_ascii_isspace(text.at[i]))
            return FALSE;
    return TRUE;
}

static gboolean is_binary(const struct trace *trace)
{
    struct slice text = sample_of(trace);
    size_t odd = 0;

    for (size_t i = 0; i < text.size; i++)
        odd += (uint8_t)text.at[i] < ' ' && !g_ascii_isspace(text.at[i]) && text.at[i] != '\x1b';
    return trace->binary || odd * 100 > text.size * ODD_PERCENT;
}

static gboolean is_about_tls(struct slice text)
{
    struct slice rest;

    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++)
        if (slice_find_fold(text, subjects[i], &rest))
            return TRUE;
    return FALSE;
}

static int kind_of(struct slice text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (text.size >= kinds[i].offset + kinds[i].size &&
            memcmp(text.at + kinds[i].offset, kinds[i].bytes, kinds[i].size) == 0)
            return (int)i;
    return -1;
}

char *trace_kind_seen(const struct trace *trace)
{
    struct slice text = sample_of(trace), rest;
    int kind = kind_of(text);
    g_autofree char *mention = message_mentions(trace);

    if (is_empty(text))
        return g_strdup("is empty");
    if (kind >= 0)
        return g_strdup(kinds[kind].what);
    if (is_binary(trace))
        return g_strdup("is binary data, not text");
    if (mention)
        return g_strdup_printf("names the error %s, which is not a TLS error, and has no line of a trace", mention);
    if (slice_find_fold(text, "<html", &rest))
        return g_strdup("is a web page in which no line of a trace was found");
    if (is_about_tls(text))
        return g_strdup("speaks of TLS or certificates, but has no line of a trace and no name of an error");
    return g_strdup("is text without any line of a trace");
}

char *trace_kind_need(const struct trace *trace)
{
    int kind = kind_of(sample_of(trace));
    return g_strdup(kind >= 0 ? kinds[kind].need : NEED_TRACE);
}
