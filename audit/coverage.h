/*
 * How much of what an audit is about was looked at: what a report may say of the landscape hangs on it.
 */
#ifndef TRUSTGAP_COVERAGE_H
#define TRUSTGAP_COVERAGE_H

#include "audit.h"

#include <glib.h>

/* Hosts that were left out on purpose, and PSEs that are gone, count nowhere but in left_out. */
struct coverage {
    unsigned hosts, hosts_seen;   /* seen: tonight's capture shows at least one instance */
    unsigned hosts_failed;        /* could not be collected at all; the others not seen have no instance */
    unsigned hosts_whole;         /* HOST_COLLECTED */
    unsigned left_out;            /* hosts */
    unsigned lists, lists_read;   /* trust lists of PSE files; read: to the end */
    unsigned traces, traces_read; /* trace files that were found */
    unsigned tracing, untraced;   /* ABAP instances and Web Dispatchers that were seen; those without any trace */
    unsigned closed;              /* of the lists and traces not read: those that the login may not open */
    const char *closed_reason;    /* of the first of them; NULL: there is none */
};

/**
 * coverage_count(coverage, audit):
 * Fill ${coverage}; its string belongs to the audit.
 */
void coverage_count(struct coverage *coverage, const struct audit *audit);

/**
 * coverage_is_whole(coverage):
 * Whether every host was wholly collected, and every trust list and trace that is known was read, there being some.
 */
gboolean coverage_is_whole(const struct coverage *coverage);

#endif
