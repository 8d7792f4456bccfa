/*
 * Private to inventory/: the lines of an inventory, into its hosts and groups.
 */
#ifndef TRUSTGAP_INVENTORY_INI_H
#define TRUSTGAP_INVENTORY_INI_H

#include "inventory.h"

#include <glib.h>

/**
 * ini_read(inventory, bytes, size, error):
 * Read the lines of the ${size} bytes into ${inventory}, which has its path and empty groups; nothing is resolved yet.
 */
gboolean ini_read(struct inventory *inventory, const char *bytes, size_t size, GError **error);

#endif
