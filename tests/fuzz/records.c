/* A probe's stream of any bytes: its records come out the same in one piece and byte by byte. */
#include "records.h"

#include <stddef.h>
#include <string.h>

#define NONCE "0123456789abcdef0123456789abcdef"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static gboolean on_begin(void *context, const struct record *record, GError **error)
{
    GChecksum *heard = context;
    const char *path = record_text(record, "path");
    int64_t number = record_number(record, "size");
    (void)error;

    g_assert(!path || g_utf8_validate(path, -1, NULL));
    g_assert(record->length_bytes >= 0 && number >= -1);
    g_checksum_update(heard, (const guchar *)record->type, -1);
    g_checksum_update(heard, (const guchar *)(path ? path : ""), -1);
    g_checksum_update(heard, (const guchar *)&number, sizeof number);
    return TRUE;
}

static gboolean on_bytes(void *context, const uint8_t *bytes, size_t size, GError **error)
{
    GChecksum *heard = context;
    (void)error;
    g_checksum_update(heard, bytes, (gssize)size);
    return TRUE;
}

static gboolean on_finish(void *context, GError **error)
{
    GChecksum *heard = context;
    (void)error;
    g_checksum_update(heard, (const guchar *)";", 1);
    return TRUE;
}

static gboolean on_over(void *context, const struct records_system *system, GError **error)
{
    GChecksum *heard = context;
    (void)error;
    g_assert(*system->path && g_utf8_validate(system->path, -1, NULL) && system->status >= -1);
    g_assert(!system->fault || !system->complete);
    g_checksum_update(heard, (const guchar *)system->path, -1);
    g_checksum_update(heard, (const guchar *)(system->complete ? "+" : system->fault ? "!" : "-"), 1);
    return TRUE;
}

static const struct records_events events = {on_begin, on_bytes, on_finish, on_over};

static char *hear(const uint8_t *bytes, size_t size, size_t piece)
{
    g_autoptr(GChecksum) heard = g_checksum_new(G_CHECKSUM_SHA256);
    g_autoptr(records_auto) records = records_new(NONCE, 65536, 1000000, &events, heard);
    gboolean ok = TRUE;

    for (size_t at = 0; ok && at < size; at += piece)
        ok = records_add(records, bytes + at, MIN(piece, size - at), NULL);
    g_assert(ok || !records_complete(records));
    return g_strdup_printf("%d %d %s", ok, records_complete(records), g_checksum_get_string(heard));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char first[] = "trustgap-probe 2 " NONCE "\n";
    static const char system[] = "system 0 path=/s\n\ntrustgap-system 2\n";
    static const char over[] = "\n" NONCE " over 0 path=/s status=0\n\n";
    /* The first line is not to be found by chance, nor what ends a system: most inputs get them as a present. */
    g_autoptr(GByteArray) stream = g_byte_array_new();
    if (size > 0 && bytes[0] % 2 == 0)
        g_byte_array_append(stream, (const uint8_t *)first, (guint)strlen(first));
    if (size > 0 && bytes[0] % 4 == 0)
        g_byte_array_append(stream, (const uint8_t *)system, (guint)strlen(system));
    for (size_t at = 1; at < size; at++)
        if (bytes[at] == '\1') /* stands for it */
            g_byte_array_append(stream, (const uint8_t *)over, (guint)strlen(over));
        else
            g_byte_array_append(stream, bytes + at, 1);
    g_autofree char *whole = hear(stream->data, stream->len, MAX(stream->len, 1));
    g_autofree char *single = hear(stream->data, stream->len, 1);
    g_assert_cmpstr(whole, ==, single);
    return 0;
}
