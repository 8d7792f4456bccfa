/*
 * Where to get the certificate that a failure of "explain" misses: what was found in its references.
 */
#ifndef TRUSTGAP_KNOWN_H
#define TRUSTGAP_KNOWN_H

#include "audit.h"
#include "file.h"

#include <jansson.h>

#define KNOWN_SHOWN 8 /* candidates; the JSON has all */

/**
 * known_put(output, failure), known_json(failure):
 * Nothing and null if it was not looked for.
 */
void known_put(struct file_output *output, const struct audit_failure *failure);
json_t *known_json(const struct audit_failure *failure);

#endif
