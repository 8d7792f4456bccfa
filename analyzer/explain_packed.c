/* Packed input of "explain": what is in it is read like named files, and what is no trace is passed over and counted.
 */
#include "explain_work.h"
#include "packed.h"

#include <string.h>

#define OLD ".old"

struct kept { /* a trace that waits for its other part */
    char *name;
    GByteArray *bytes;
};

struct unpacking {
    struct explain *explain;
    struct packed_budget budget;
    const char *path; /* as it was named */
    GPtrArray *kept;  /* of struct kept *, of the archive that is read */
    size_t kept_bytes;
    unsigned traces, passed;
    char *trouble; /* of the first thing that could not be read */
};

static void kept_free(void *data)
{
    struct kept *kept = data;
    g_free(kept->name);
    g_byte_array_unref(kept->bytes);
    g_free(kept);
}

static void set_trouble(struct unpacking *unpacking, const char *path, const char *trouble)
{
    if (unpacking->trouble || !trouble)
        return;
    unpacking->trouble =
        strcmp(path, unpacking->path) == 0 ? g_strdup(trouble) : g_strdup_printf("holds %s, which %s", path, trouble);
}

/* Add the next piece of the current file; ${*over} at its end. */
static gboolean read_piece(struct packed *packed, GByteArray *to, gboolean *over, GError **error)
{
    const void *bytes;
    size_t size;

    if (!packed_read(packed, &bytes, &size, error))
        return FALSE;
    if (size > 0)
        g_byte_array_append(to, bytes, (guint)size);
    *over = size == 0;
    return TRUE;
}

/* Read until ${to} has more than ${limit} bytes, or all of them. */
static gboolean read_up_to(struct packed *packed, GByteArray *to, size_t limit, gboolean *over, GError **error)
{
    *over = FALSE;
    while (!*over && to->len <= limit)
        if (!read_piece(packed, to, over, error))
            return FALSE;
    return TRUE;
}

static gboolean feed(struct trace *trace, const GByteArray *head, struct packed *packed, gboolean over, GError **error)
{
    trace_begin(trace, 0);
    trace_read(trace, head->data, head->len);
    while (!over) {
        const void *bytes;
        size_t size;
        if (!packed_read(packed, &bytes, &size, error))
            return FALSE;
        if (size > 0)
            trace_read(trace, bytes, size);
        over = size == 0;
    }
    return TRUE;
}

static void count(struct unpacking *unpacking, gboolean understood)
{
    if (understood)
        unpacking->traces++;
    else
        unpacking->passed++;
}

/* A file of its own: ${head} and what ${packed} still has of it. */
static gboolean read_single(struct unpacking *unpacking, const char *name, const GByteArray *head,
                            struct packed *packed, gboolean over, GError **error)
{
    struct explain_trace work;

    explain_trace_begin(&work, unpacking->explain, name, NULL);
    gboolean ok = feed(work.trace, head, packed, over, error);
    if (ok)
        count(unpacking, explain_trace_end(&work));
    explain_trace_clear(&work);
    return ok;
}

static void read_kept(struct unpacking *unpacking, const struct kept *first, const struct kept *second)
{
    struct explain_trace work;

    explain_trace_begin(&work, unpacking->explain, first->name, second ? second->name : NULL);
    feed(work.trace, first->bytes, NULL, TRUE, NULL);
    if (second)
        feed(work.trace, second->bytes, NULL, TRUE, NULL);
    count(unpacking, explain_trace_end(&work));
    explain_trace_clear(&work);
}

/* Whether a rotation makes two files of such a trace. */
static gboolean is_rotated(const char *name)
{
    g_autofree char *base = g_path_get_basename(name);
    return g_str_has_prefix(base, "dev_icm") || g_str_has_prefix(base, "dev_webdisp");
}

static gboolean is_older_part(const char *old, const char *name)
{
    size_t size = strlen(name);
    return strncmp(old, name, size) == 0 && strcmp(old + size, OLD) == 0;
}

/* Both parts of a trace are read together, the older one first, in whatever order the archive has them. */
static void keep(struct unpacking *unpacking, const char *label, const char *path, GByteArray *bytes)
{
    struct kept *kept = g_new0(struct kept, 1);

    kept->name = g_strdup(label);
    kept->bytes = g_byte_array_ref(bytes);
    for (guint i = 0; i < unpacking->kept->len; i++) {
        struct kept *other = unpacking->kept->pdata[i];
        size_t skip = strlen(path) + 1; /* both are PATH(NAME) */
        g_autofree char *one = g_strndup(kept->name + skip, strlen(kept->name + skip) - 1);
        g_autofree char *two = g_strndup(other->name + skip, strlen(other->name + skip) - 1);
        gboolean older = is_older_part(two, one), newer = is_older_part(one, two);
        if (!older && !newer)
            continue;
        read_kept(unpacking, older ? other : kept, older ? kept : other);
        unpacking->kept_bytes -= other->bytes->len;
        kept_free(kept);
        g_ptr_array_remove_index(unpacking->kept, i);
        return;
    }
    unpacking->kept_bytes += bytes->len;
    g_ptr_array_add(unpacking->kept, kept);
}

static gboolean unpack(struct unpacking *unpacking, const char *path, int fd, GBytes *bytes, int depth, GError **error);

/* An archive, or a packed file, in an archive. */
static gboolean unpack_inner(struct unpacking *unpacking, const char *label, struct packed *packed, GByteArray *head,
                             gboolean over, int depth, GError **error)
{
    if (!over && !read_up_to(packed, head, PACKED_MEMORY_BYTES, &over, error))
        return FALSE;
    if (depth >= PACKED_DEPTH || !over) {
        g_autofree char *trouble = over ? g_strdup_printf("is packed more than %d times", PACKED_DEPTH)
                                        : g_strdup_printf("is larger than %zu MiB", PACKED_MEMORY_BYTES >> 20);
        set_trouble(unpacking, label, trouble);
        return TRUE;
    }
    g_autoptr(GBytes) inner = g_bytes_new(head->data, head->len);
    g_byte_array_set_size(head, 0);
    return unpack(unpacking, label, -1, inner, depth + 1, error);
}

static gboolean read_entry(struct unpacking *unpacking, const char *path, struct packed *packed, int depth,
                           GError **error)
{
    const char *name = packed_name(packed);
    g_autofree char *label = name ? g_strdup_printf("%s(%s)", path, name) : g_strdup(path);
    g_autoptr(GByteArray) head = g_byte_array_new();
    gboolean over;

    if (!read_up_to(packed, head, PACKED_HEAD_BYTES, &over, error))
        return FALSE;
    if (packed_is(head->data, head->len))
        return unpack_inner(unpacking, label, packed, head, over, depth, error);
    size_t room = PACKED_MEMORY_BYTES - MIN(unpacking->kept_bytes, PACKED_MEMORY_BYTES);
    if (name && is_rotated(name) && head->len <= room) {
        if (!over && !read_up_to(packed, head, room, &over, error))
            return FALSE;
        if (over) {
            keep(unpacking, label, path, head);
            return TRUE;
        }
    }
    return read_single(unpacking, label, head, packed, over, error);
}

static gboolean unpack(struct unpacking *unpacking, const char *path, int fd, GBytes *bytes, int depth, GError **error)
{
    g_autoptr(packed_auto) packed = packed_open(path, fd, bytes, &unpacking->budget, error);
    g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func(kept_free);
    GPtrArray *before = unpacking->kept;
    GError *own = NULL;

    if (!packed)
        return FALSE;
    unpacking->kept = kept;
    while (!own && packed_next(packed, &own))
        read_entry(unpacking, path, packed, depth, &own);
    for (guint i = 0; !own && i < kept->len; i++) {
        const struct kept *alone = kept->pdata[i];
        unpacking->kept_bytes -= alone->bytes->len;
        read_kept(unpacking, alone, NULL);
    }
    unpacking->kept = before;
    set_trouble(unpacking, path, packed_trouble(packed));
    if (!own)
        return TRUE;
    g_propagate_error(error, own);
    return FALSE;
}

static void conclude(struct unpacking *unpacking)
{
    struct explain *explain = unpacking->explain;

    if (unpacking->trouble) {
        explain_input_add(
            explain, unpacking->path, FALSE, unpacking->trouble,
            "What is reported comes from the part that could be read; the rest may hold more. Copy or pack "
            "it again.");
    } else if (unpacking->traces == 0) {
        g_autofree char *seen =
            g_strdup_printf("is packed and has no trace in it (files passed over: %u)", unpacking->passed);
        explain_input_add(
            explain, unpacking->path, FALSE, seen,
            "What is needed is the trace of the ICM or the Web Dispatcher (dev_icm, dev_webdisp, and their "
            ".old), or the work folder with it.");
    } else {
        explain_input_add(explain, unpacking->path, TRUE, NULL, NULL);
    }
    if (unpacking->traces > 0 && unpacking->passed > 0)
        g_ptr_array_add(explain->audit->warnings,
                        (void *)audit_textf(explain->audit,
                                            "%s: %u of %u files in it are no traces and were passed over",
                                            unpacking->path, unpacking->passed, unpacking->passed + unpacking->traces));
}

gboolean explain_packed(struct explain *explain, const char *path, int fd, GBytes *bytes, GError **error)
{
    struct unpacking unpacking = {.explain = explain, .path = path};
    gboolean ok = unpack(&unpacking, path, fd, bytes, 1, error);

    if (ok)
        conclude(&unpacking);
    g_free(unpacking.trouble);
    return ok;
}
