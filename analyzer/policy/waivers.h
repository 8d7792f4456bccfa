/*
 * Waivers of the policy (policy.h): findings that somebody lives with until a day.
 *
 * A waiver is about the whole of a finding or, if it names stores or SIDs, about those of its gaps and stores.  A
 * finding is waived if what is open of it is covered; a gap by itself as well.  Once the last day of a waiver is over
 * at the evaluation time it covers nothing: the finding is what it would be without it, and tells that the waiver has
 * ended. What is fixed is never waived.
 */
#ifndef TRUSTGAP_WAIVERS_H
#define TRUSTGAP_WAIVERS_H

#include "audit.h"
#include "policy.h"

/**
 * waivers_apply(audit, policy):
 * Give the findings of ${audit} the waivers of ${policy} (or NULL) that are about them, and their states.  A waiver
 * that is about no open finding becomes a warning.
 */
void waivers_apply(struct audit *audit, const struct policy *policy);

#endif
