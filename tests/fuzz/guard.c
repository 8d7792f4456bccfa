/*
 * What a worker that was taken over may say: any bytes.  The first byte of a sample says how much is given: a frame
 * round each piece, and a host key that is confirmed.  Whatever is let through is true of the hosts in work.
 */
#include "guard.h"

#include "collector.h"
#include "wire.h"

#include <string.h>

#define HOSTS 3
#define USER  "audit"

struct heard {
    gboolean confirm;
    guint8 live[HOSTS];
    unsigned open[HOSTS], signatures[HOSTS];
    gboolean key_shown[HOSTS];
};

static struct heard heard;
static GBytes *key;

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t host_of(const void *data)
{
    size_t host = (size_t)((const guint8 *)data - heard.live);
    g_assert(host < HOSTS && heard.live[host]);
    return host;
}

static void on_state(void *context, void *data, const char *from, const char *to)
{
    (void)context;
    host_of(data);
    g_assert(strlen(from) <= GUARD_STATE_CHARS && strlen(to) <= GUARD_STATE_CHARS);
    g_assert(g_str_is_ascii(from) && !strpbrk(from, "\033\n"));
}

static void on_admitted(void *context, void *data)
{
    (void)context;
    host_of(data);
}

static void on_look_up(void *context, void *data, uint32_t sequence)
{
    (void)context;
    (void)sequence;
    host_of(data);
}

static gboolean on_host_key(void *context, void *data, uint32_t sequence, const struct wire *blob)
{
    (void)context;
    (void)sequence;
    g_assert(blob->left <= MESSAGE_BLOB_BYTES);
    heard.key_shown[host_of(data)] = TRUE;
    return heard.confirm;
}

static void on_sign(void *context, void *data, uint32_t sequence, unsigned identity, const struct wire *request)
{
    size_t host = host_of(data);
    gsize size;
    const void *blob = g_bytes_get_data(key, &size);
    (void)context;
    (void)sequence;

    g_assert(heard.confirm && heard.key_shown[host] && identity == 0 && ++heard.signatures[host] <= GUARD_SIGNATURES);
    g_assert(request->left > size && memcmp(request->at + request->left - size, blob, size) == 0);
    g_assert(memmem(request->at, request->left, "\0\0\0\5" USER "\0\0\0\16ssh-connection\0\0\0\11publickey\1", 41));
}

static void on_object(void *context, void *data, uint32_t number)
{
    (void)context;
    g_assert(number <= GUARD_OBJECTS && ++heard.open[host_of(data)] <= GUARD_OBJECTS_OPEN);
}

static void on_bytes(void *context, void *data, uint32_t number, const struct wire *bytes)
{
    (void)context;
    g_assert(number > 0 && heard.open[host_of(data)] > 0 && bytes->left <= MESSAGE_PIECE_BYTES);
}

static void on_close(void *context, void *data, uint32_t number)
{
    (void)context;
    (void)number;
    g_assert(heard.open[host_of(data)]-- > 0);
}

static gboolean on_digest(void *context, char **digest)
{
    (void)context;
    g_assert(guard_object(*digest) > 0);
    return TRUE;
}

static void on_line(void *context, void *data, struct capture_host *line)
{
    size_t host = host_of(data);
    (void)context;

    g_assert(heard.open[host] == 0 && (line->status == CAPTURE_COLLECTED) == !line->reason);
    guard_each_object(line, on_digest, NULL);
    heard.live[host] = FALSE;
    capture_host_free(line);
}

static const struct guard_events events = {on_state,  on_admitted, on_look_up, on_host_key, on_sign,
                                           on_object, on_bytes,    on_close,   on_close,    on_line};

static void add_hosts(struct guard *guard)
{
    g_autoptr(GByteArray) blob = g_byte_array_new();
    g_autoptr(GPtrArray) keys = g_ptr_array_new();

    wire_append_string(blob, "ssh-rsa", 7);
    wire_append_string(blob, "k", 1);
    if (!key)
        key = g_bytes_new(blob->data, blob->len);
    g_ptr_array_add(keys, key);
    for (uint32_t i = 0; i < HOSTS; i++) {
        heard.live[i] = TRUE;
        guard_add(guard, i + 1, USER, keys, &heard.live[i]);
    }
}

/* Lines of "kind host body", as messages, so that not every length has to be found. */
static GByteArray *frame(const uint8_t *bytes, size_t size)
{
    GByteArray *framed = g_byte_array_new();

    while (size >= 2) {
        const uint8_t *end = memchr(bytes + 2, '\n', size - 2);
        size_t whole = end ? (size_t)(end - bytes) : size;
        guint begin = message_begin(framed, (enum message_kind)(bytes[0] % 32), bytes[1] % 8);
        g_byte_array_append(framed, bytes + 2, (guint)(whole - 2));
        message_end(framed, begin);
        whole += end != NULL;
        bytes += whole;
        size -= whole;
    }
    return framed;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    heard = (struct heard){.confirm = bytes[0] & 1};
    struct guard *guard = guard_new(100000, &events, NULL);
    g_autoptr(GByteArray) framed = bytes[0] & 2 ? frame(bytes + 1, size - 1) : NULL;
    struct wire wire = framed ? (struct wire){framed->data, framed->len} : (struct wire){bytes + 1, size - 1};
    struct message message;

    add_hosts(guard);
    while (message_take(&wire, &message) == MESSAGE_TAKEN) {
        g_autoptr(GError) error = NULL;
        if (guard_take(guard, &message, &error))
            continue;
        g_assert(error && g_utf8_validate(error->message, -1, NULL));
        break;
    }
    guard_free(guard);
    return 0;
}
