/*
 * Private to inventory/: pieces of the file in messages.
 */
#ifndef TRUSTGAP_INVENTORY_CITE_H
#define TRUSTGAP_INVENTORY_CITE_H

#include "error.h"

#include <glib.h>

#define CITE_BYTES 80 /* of the file in one message */

/**
 * cite_refuse(error, code, text, what):
 * Set ${error} to "text": what, and return FALSE.  The text comes from the file: it is cleaned and, if it is long, cut.
 */
gboolean cite_refuse(GError **error, enum trustgap_error code, const char *text, const char *what);

#endif
