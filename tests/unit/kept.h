/* A sink straight into a capture: what the processes of the collector do together, in one. */
#ifndef TRUSTGAP_TESTS_KEPT_H
#define TRUSTGAP_TESTS_KEPT_H

#include "capture.h"
#include "sink.h"

/**
 * kept_in(writer):
 * ${writer} must outlive it.
 */
struct sink kept_in(struct capture_writer *writer);

#endif
