/*
 * Where each certificate of an audit is: in how many trust stores, and of how many PSEs it is the own one.
 */
#ifndef TRUSTGAP_HOLDERS_H
#define TRUSTGAP_HOLDERS_H

#include "audit.h"

#include <glib.h>

#define HOLDERS_NAMED 3

struct holders {
    unsigned trusted;                               /* trust stores, each once however many instances have a copy */
    const struct audit_store *named[HOLDERS_NAMED]; /* the first of them by label */
    unsigned own;                                   /* PSE files */
};

/**
 * holders_of(audit):
 * One for each certificate of the audit, in the order of ${audit->certs}.  The caller frees it with g_free().
 */
struct holders *holders_of(const struct audit *audit);

#endif
