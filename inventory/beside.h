/*
 * Private to inventory/: group_vars/ and host_vars/ beside an inventory, which Ansible reads and this program does not.
 *
 * They are searched for the names of variables only, so that a warning can name them: no value is taken from them, and
 * what they set under a condition, in a template or in an encrypted file is not known.
 */
#ifndef TRUSTGAP_INVENTORY_BESIDE_H
#define TRUSTGAP_INVENTORY_BESIDE_H

#include "inventory.h"

#include <glib.h>

#define BESIDE_FILE_BYTES ((size_t)1024 * 1024) /* of one file; what is larger is named and not searched */
#define BESIDE_FILES      20000                 /* of both folders together; what is beyond is not searched */
#define BESIDE_NAMED      3                     /* files in one warning */

/**
 * beside_warn(warnings, inventory):
 * Append a sentence (char *) to ${warnings} for each variable that files beside ${inventory} set for its hosts and
 * that would change what is done with them.
 */
void beside_warn(GPtrArray *warnings, const struct inventory *inventory);

#endif
