#include "references.h"

#include "reference.h"

static void file_free(void *data)
{
    struct reference_file *file = data;
    g_free(file->path);
    g_ptr_array_unref(file->ders);
    g_free(file);
}

static void source_free(void *data)
{
    struct reference_source *source = data;
    g_free(source->path);
    g_ptr_array_unref(source->files);
    g_free(source->sha256);
    g_free(source->trouble);
    g_free(source);
}

struct references *references_new(void)
{
    struct references *references = g_new0(struct references, 1);
    references->sources = g_ptr_array_new_with_free_func(source_free);
    return references;
}

void references_free(struct references *references)
{
    if (!references)
        return;
    g_ptr_array_unref(references->sources);
    g_free(references);
}

static void take_file(void *data, const char *path, GPtrArray *ders)
{
    struct reference_source *source = data;
    struct reference_file *file = g_new0(struct reference_file, 1);

    file->path = g_strdup(path);
    file->ders = g_ptr_array_ref(ders);
    source->certs += ders->len;
    g_ptr_array_add(source->files, file);
}

static gboolean add(struct references *references, const char *path, gboolean system, const char *const *passwords,
                    GError **error)
{
    struct reference_source *source = g_new0(struct reference_source, 1);
    g_autoptr(GChecksum) digest = g_checksum_new(G_CHECKSUM_SHA256);
    const struct reference_options options = {.passwords = passwords, .digest = digest};

    source->path = g_strdup(path);
    source->system = system;
    source->files = g_ptr_array_new_with_free_func(file_free);
    if (!reference_read(path, &options, take_file, source, &source->trouble, error)) {
        source_free(source);
        return FALSE;
    }
    source->sha256 = g_strdup(g_checksum_get_string(digest));
    g_ptr_array_add(references->sources, source);
    return TRUE;
}

gboolean references_add(struct references *references, const char *path, const char *const *passwords, GError **error)
{
    return add(references, path, FALSE, passwords, error);
}

gboolean references_add_system(struct references *references, const char *path, GError **error)
{
    return add(references, path, TRUE, NULL, error);
}
