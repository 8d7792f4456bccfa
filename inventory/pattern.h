/*
 * Private to inventory/: a host pattern such as app[01:20].example.com:2222 to the names that it stands for.
 */
#ifndef TRUSTGAP_INVENTORY_PATTERN_H
#define TRUSTGAP_INVENTORY_PATTERN_H

#include <glib.h>
#include <stdint.h>

/**
 * pattern_expand(names, port, text, error):
 * Append the names (char *, to be freed with g_free()) that ${text} stands for to ${names}, at most
 * INVENTORY_RANGE_HOSTS, and set ${*port} to the port behind it, or 0.  The message of ${error} does not begin with a
 * place.
 */
gboolean pattern_expand(GPtrArray *names, uint16_t *port, const char *text, GError **error);

#endif
