/*
 * What the stores of another audit lack.
 */
#ifndef TRUSTGAP_WHATIF_AGAINST_H
#define TRUSTGAP_WHATIF_AGAINST_H

#include "whatif_work.h"

/**
 * whatif_against(whatif, target, error):
 * Say what the stores of ${target} lack that those of the audit hold.
 */
gboolean whatif_against(struct whatif *whatif, struct audit *target, GError **error);

#endif
