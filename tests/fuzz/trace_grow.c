#include "trace_grow.h"

#include <string.h>

#define LINES_MOST 64 /* that are repeated at once */

GByteArray *trace_grow(const uint8_t *bytes, size_t size)
{
    GByteArray *text = g_byte_array_new();
    size_t from = 0; /* in the text, of what is repeated */

    if (size < strlen(GROW_MARK) || memcmp(bytes, GROW_MARK, strlen(GROW_MARK)) != 0)
        return g_byte_array_append(text, bytes, (guint)size);
    for (size_t i = strlen(GROW_MARK); i < size && text->len < GROW_BYTES; i++) {
        if (bytes[i] == GROW_STRETCH && i + 2 < size) {
            guint at = text->len, n = bytes[i + 2] * 256u;
            g_byte_array_set_size(text, at + n);
            if (n > 0)
                memset(text->data + at, bytes[i + 1], n);
            i += 2;
        } else if (bytes[i] == GROW_FROM) {
            from = text->len;
        } else if (bytes[i] == GROW_TIMES && i + 1 < size) {
            size_t length = text->len - from;
            g_autofree uint8_t *again = g_malloc0(MAX(length, 1));
            if (length > 0)
                memcpy(again, text->data + from, length);
            g_byte_array_set_size(text, (guint)from);
            for (unsigned turn = 0; turn < bytes[i + 1] * 2u && text->len < GROW_BYTES; turn++) {
                for (size_t j = 0; j < length; j++) {
                    char number[16];
                    if (again[j] == GROW_NUMBER)
                        g_byte_array_append(text, (const uint8_t *)number,
                                            (guint)g_snprintf(number, sizeof number, "%u", turn));
                    else
                        g_byte_array_append(text, again + j, 1);
                }
            }
            from = text->len;
            i++;
        } else {
            g_byte_array_append(text, bytes + i, 1);
        }
    }
    g_byte_array_set_size(text, MIN(text->len, (guint)GROW_BYTES));
    return text;
}

/* ---- Mutations ---- */

static const char *const lines[] = {
    "[Thr 1] *** ERROR during SecuSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL\n",
    "[Thr 2]    session uses PSE file \"/usr/sap/PRD/D00/sec/SAPSSLC.pse\"\n",
    "[Thr 2] SecuSSL_SessionStart: SSL_connect() failed  (536872221/0x2000051d)\n",
    "[Thr 1]   => \"Failed to verify peer certificate. Peer not trusted.\"\n",
    "[Thr 1] >> ---------- Begin of Secu-SSL Errorstack ---------- >>\n",
    "[Thr 1] << ---------- End of Secu-SSL Errorstack ----------\n",
    "[Thr 1] Certificate:\n",
    "[Thr 1]   Subject:                CN=api.example.com, O=Example AG, C=DE\n",
    "[Thr 1]   Issuer:                 CN=Example Issuing CA 2, O=Example Trust, C=DE\n",
    "[Thr 1]    SignerCert:\n",
    "[Thr 1]  Verification result:\n",
    "[Thr 1]   Status:                 Not successful\n",
    "[Thr 3]   Target Hostname=\"api.example.com\"\n",
    "[Thr 3]   SSL NI-hdl 107: local=192.0.2.10:50107  peer=198.51.100.7:443\n",
    "[Thr 1] <<- ERROR: SapSSLSessionStartNB(sssl_hdl=7f0e30000eb0)==SSSLERR_PEER_CERT_UNTRUSTED\n",
    "[Thr 3] *** ERROR => SSL handshake with a.example.com:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n",
    "[Thr 1] SapSSLSessionStartNB()==SSSLERR_PEER_CERT_UNTRUSTED\n",
    "[Thr 1] Sun Nov 22 01:02:03:344 2026\n",
    "---------------------------------------------------\ntrc file: \"dev_icm\", trc level: 2, release: \"785\"\n",
    "pid        4711\n",
    "SSSLERR_PEER_CERT_UNTRUSTED (-102) ",
    "{\"message\": \"[Thr 1] *** ERROR => SSL handshake with a:443 failed: SSSLERR_CONN_CLOSED (-10)\"}\n",
    "dev_icm:1043:[Thr 1] Peer not trusted\n",
    "[Thr 1] =&gt; &quot;Peer not trusted&quot;<br/>\n",
};

struct work {
    GString *text;
    GRand *rand;
};

static size_t below(struct work *work, size_t n)
{
    return n > 1 ? (size_t)g_rand_int_range(work->rand, 0, (gint32)n) : 0;
}

/* A place where a line begins. */
static size_t line_at(struct work *work, size_t from)
{
    const char *feed = from < work->text->len ? memchr(work->text->str + from, '\n', work->text->len - from) : NULL;
    return feed ? (size_t)(feed + 1 - work->text->str) : work->text->len;
}

static void make_recipe(struct work *work)
{
    if (work->text->len < strlen(GROW_MARK) || memcmp(work->text->str, GROW_MARK, strlen(GROW_MARK)) != 0)
        g_string_prepend(work->text, GROW_MARK);
}

static void drop_feed(struct work *work)
{
    size_t next = line_at(work, below(work, work->text->len));
    if (next > 0 && next <= work->text->len && work->text->str[next - 1] == '\n')
        g_string_erase(work->text, (gssize)next - 1, 1);
}

static void join_lines(struct work *work)
{
    size_t next = line_at(work, below(work, work->text->len));
    if (next > 0 && next <= work->text->len && work->text->str[next - 1] == '\n')
        work->text->str[next - 1] = below(work, 2) ? ' ' : '#';
}

static void drop_all_feeds(struct work *work)
{
    size_t from = below(work, work->text->len);
    for (size_t i = MAX(from, strlen(GROW_MARK)); i < work->text->len; i++)
        if (work->text->str[i] == '\n')
            work->text->str[i] = ' ';
}

static void put_line(struct work *work)
{
    g_string_insert(work->text, (gssize)line_at(work, below(work, work->text->len + 1)),
                    lines[below(work, G_N_ELEMENTS(lines))]);
}

static void take_line(struct work *work)
{
    size_t from = line_at(work, below(work, work->text->len)), to = line_at(work, from);
    if (from < to)
        g_string_erase(work->text, (gssize)from, (gssize)(to - from));
}

static void swap_lines(struct work *work)
{
    size_t from = line_at(work, below(work, work->text->len)), to = line_at(work, from);
    g_autofree char *line = g_strndup(work->text->str + from, to - from);

    g_string_erase(work->text, (gssize)from, (gssize)(to - from));
    g_string_insert(work->text, (gssize)line_at(work, below(work, work->text->len + 1)), line);
}

/* The lengths at which something changes, in units of 256 bytes: a line's, what stands above, both together. */
static void stretch(struct work *work)
{
    static const uint8_t lengths[] = {1, 16, 127, 128, 129, 254, 255};
    char recipe[3] = {GROW_STRETCH, "x [\n"[below(work, 4)], (char)lengths[below(work, G_N_ELEMENTS(lengths))]};

    make_recipe(work);
    size_t at = strlen(GROW_MARK) + below(work, work->text->len - strlen(GROW_MARK) + 1);
    g_string_insert_len(work->text, (gssize)at, recipe, sizeof recipe);
    if (below(work, 2)) /* beyond what one piece makes of it */
        g_string_insert_len(work->text, (gssize)at, recipe, sizeof recipe);
}

/* Some lines by many threads. */
static void multiply(struct work *work)
{
    static const uint8_t times[] = {2, 64, 127, 128, 129, 200};
    char recipe[2] = {GROW_TIMES, (char)times[below(work, G_N_ELEMENTS(times))]};
    unsigned n = 1 + (unsigned)below(work, below(work, 4) ? 2 : LINES_MOST);

    make_recipe(work);
    size_t from = MAX(strlen(GROW_MARK), line_at(work, below(work, work->text->len))), to = from;
    while (n-- > 0)
        to = line_at(work, to);
    g_string_insert_len(work->text, (gssize)to, recipe, sizeof recipe);
    g_string_insert_c(work->text, (gssize)from, GROW_FROM);
    for (size_t i = from; i + 5 < to + 1 && i < work->text->len; i++)
        if (strncmp(work->text->str + i, "[Thr ", 5) == 0)
            g_string_insert_c(work->text, (gssize)(i += 5), GROW_NUMBER);
}

size_t trace_mutate(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    static void (*const ways[])(struct work * work) = {
        drop_feed, join_lines, drop_all_feeds, put_line, put_line, take_line, swap_lines, stretch, multiply,
    };
    struct work work = {g_string_new_len((const char *)bytes, (gssize)size), g_rand_new_with_seed(seed)};

    for (size_t n = 1 + below(&work, 4); n > 0; n--)
        ways[below(&work, G_N_ELEMENTS(ways))](&work);
    size = MIN(work.text->len, most);
    memcpy(bytes, work.text->str, size);
    g_string_free(work.text, TRUE);
    g_rand_free(work.rand);
    return size;
}
