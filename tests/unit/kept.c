#include "kept.h"

static void *begin(void *context, GError **error)
{
    return capture_object_new(context, error);
}

static gboolean add(void *object, const void *bytes, size_t size, GError **error)
{
    return capture_object_add(object, bytes, size, error);
}

static char *finish(void *object, GError **error)
{
    return capture_object_finish(object, error);
}

static void drop(void *object)
{
    capture_object_abort(object);
}

struct sink kept_in(struct capture_writer *writer)
{
    return (struct sink){begin, add, finish, drop, writer};
}
