/*
 * Audits for the tests of the reports, built in memory and always the same.
 */
#ifndef TRUSTGAP_FIXTURE_AUDIT_H
#define TRUSTGAP_FIXTURE_AUDIT_H

#include "audit.h"

/**
 * fixture_landscape():
 * A landscape as an administrator finds it in the morning, with every kind of finding and every value of every enum,
 * with things that are not known, and with a host, a certificate and a trace that were named to do harm.  Sorted.
 */
struct audit *fixture_landscape(void);

/**
 * fixture_empty():
 * An audit of nothing: not even a program or a time.
 */
struct audit *fixture_empty(void);

/**
 * fixture_clean():
 * Two hosts that were collected, and nothing is wrong.
 */
struct audit *fixture_clean(void);

/**
 * fixture_explain():
 * What "trustgap explain" makes of a trace: failures only, of every cause, in the order of the trace.
 */
struct audit *fixture_explain(void);

#endif
