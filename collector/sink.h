/*
 * Where the bytes of a host go: objects that are begun, added to, and finished or dropped.
 *
 * Whoever takes a host's stream apart (receiver.h, asking.h) knows no more of the capture than this.
 */
#ifndef TRUSTGAP_SINK_H
#define TRUSTGAP_SINK_H

#include <glib.h>

struct sink {
    /* A new object, which goes to exactly one of finish() and drop(); NULL with ${error} set if there is none. */
    void *(*begin)(void *context, GError **error);
    /* FALSE with ${error} set if the bytes can't be kept; then only drop() may follow. */
    gboolean (*add)(void *object, const void *bytes, size_t size, GError **error);
    /* What stands for the object in the host's line, in the form of a digest (capture.h); the caller frees it with
     * g_free().  NULL with ${error} set if the object can't be kept.  The object is gone in both cases. */
    char *(*finish)(void *object, GError **error);
    void (*drop)(void *object);
    void *context;
};

#endif
