/*
 * What assumed imports and drops do to the gaps of the audit.
 */
#ifndef TRUSTGAP_WHATIF_GAPS_H
#define TRUSTGAP_WHATIF_GAPS_H

#include "whatif_work.h"

/**
 * whatif_gaps(whatif):
 * Say what the assumed imports and drops do to the gaps of the audit's findings.
 */
void whatif_gaps(struct whatif *whatif);

#endif
