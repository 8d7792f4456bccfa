/*
 * The smallest list of imports that heals all failures: where one store lacks several certificates, one of them may
 * heal what another one is missing for, as a root does for what its own intermediate was wanted for.
 */
#ifndef TRUSTGAP_PLAN_H
#define TRUSTGAP_PLAN_H

#include "landscape.h"

#define PLAN_GAPS 64 /* of one store that are compared with each other; with more nothing is left out of the list */

/**
 * plan_make(landscape):
 * When all findings are made and what is waived is known: set ${covered_by} and the steps of every open gap that needs
 * no import of its own: for each of its failures OpenSSL builds a path from what the peer sends to the certificate of
 * another open gap of the same store.  Of several choices the one with the fewest imports is taken, as far as taking
 * the most useful one first finds it; of equal ones a root.
 */
void plan_make(struct landscape *landscape);

#endif
