/*
 * audit = analyze(captures, reference certificates, policy, previous audit, evaluation time).
 *
 * The analyzer's front door.  Nothing else goes in: no clock, no environment, no network; the same input gives the same
 * audit.  It prints nothing.
 */
#ifndef TRUSTGAP_ANALYSIS_H
#define TRUSTGAP_ANALYSIS_H

#include "audit.h"
#include "policy.h"
#include "references.h"
#include "workers.h"

#include <glib.h>
#include <stdint.h>

struct analysis_options {
    int64_t at;                          /* evaluation time */
    const struct references *references; /* or NULL; only read */
    const struct policy *policy;         /* or NULL; only read */
    const struct audit *previous;        /* or NULL; only read */
    struct workers *workers;             /* who parse what hosts sent; NULL: this process does */
};

/**
 * analysis_run(captures, options, error):
 * Analyze the capture folders ${captures} (NULL-ended paths) together; a host that is in several counts as the one has
 * it that finished it last (of equal ones the one that is named last).  Return a sorted audit, which the caller frees
 * with audit_free(); or NULL with ${error} set if a capture cannot be read at all.  Whatever is wrong
 * inside a capture becomes a warning or a finding of the audit.
 */
struct audit *analysis_run(const char *const *captures, const struct analysis_options *options, GError **error);

/**
 * analysis_explain(paths, options, error):
 * Analyze traces, or pasted pieces of some (NULL-ended paths; "-": standard input), without any landscape: an audit
 * that has only failures, in the order of the traces.  "dev_icm.old" and "dev_icm" one behind the other are one trace.
 * Of ${options} (or NULL) the references and the time are looked at: a certificate that a failure misses is looked for
 * there.  NULL with ${error} set if one of the traces can't be read.
 */
struct audit *analysis_explain(const char *const *paths, const struct analysis_options *options, GError **error);

#endif
