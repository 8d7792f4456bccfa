/*
 * The audit as an administrator wants to see it first: numbers for the top of a report, and findings sorted into the
 * chapters that all reports have.
 */
#ifndef TRUSTGAP_OVERVIEW_H
#define TRUSTGAP_OVERVIEW_H

#include "audit.h"
#include "coverage.h"

#include <glib.h>

#define OVERVIEW_STATES (STATE_WAIVED + 1)

struct overview {
    const struct audit *audit;
    unsigned collected, partial, failed; /* hosts */
    unsigned left_out;                   /* hosts that the previous audit knows, and the run left out on purpose */
    unsigned
        certificates;     /* to import: open findings of a missing anchor that somebody holds, and no other import heals
                           */
    unsigned waived;      /* findings of missing certificates that a policy waives */
    unsigned unknown;     /* open findings of an issuer that nobody holds */
    unsigned required;    /* open findings of a certificate that the policy requires */
    unsigned unanalyzed;  /* open findings of a file with which its parser failed */
    unsigned stores;      /* to mend by those imports, each counted once */
    uint64_t connections; /* failed connections that those imports heal */
    uint64_t unnamed;     /* failed connections that lack a certificate which no trace names */
    struct coverage seen; /* what was looked at */
    uint64_t homeless;    /* failed connections that need them too, but whose PSE is not known */
    unsigned states[OVERVIEW_STATES]; /* findings */
    GPtrArray *missing;               /* of struct audit_finding *: open ones, what heals most first */
    GPtrArray *others;                /* open ones that are in no other chapter */
    GPtrArray *ending;                /* certificates past or near their end, the first to end first */
    GPtrArray *closed;                /* fixed and waived ones */
    GPtrArray *absent;                /* of struct audit_host *: not or not wholly collected */
    GPtrArray *tiers, *groups;        /* of struct overview_part *, by name */
    GHashTable *host_findings;        /* of struct audit_host * to its finding of FINDING_HOST_MISSING */
    GHashTable *healed;               /* private: id of a finding -> uint64_t * */
};

struct overview_part { /* the hosts of a tier or a group of the inventory */
    const char *name;  /* NULL: hosts without any */
    unsigned hosts, collected;
    unsigned stores;      /* that lack a certificate and have a copy on them, whether or not somebody holds it */
    uint64_t connections; /* failed for want of a certificate, as tonight's traces show them */
    GHashTable *mended;   /* private: set of these stores */
};

struct overview *overview_new(const struct audit *audit);
void overview_free(struct overview *overview);

/**
 * overview_headline(overview):
 * The first lines of a report: what was not looked at, then what is missing, or an all-clear for what was read.  The
 * caller frees it with g_free().
 */
char *overview_headline(const struct overview *overview);

/**
 * overview_remarks(overview):
 * What belongs beside the headline, one sentence each: issuers that nobody holds, failures without a PSE, hosts that
 * nothing is known of.  A new array of char * that frees them.
 */
GPtrArray *overview_remarks(const struct overview *overview);

/**
 * overview_open_gaps(finding), overview_healed(overview, finding):
 * Stores into which the certificate of ${finding} is still to be imported, as far as they are known; failed connections
 * that this heals, or would heal if somebody had the certificate, those of other findings in the same stores among
 * them.
 */
unsigned overview_open_gaps(const struct audit_finding *finding);
uint64_t overview_healed(const struct overview *overview, const struct audit_finding *finding);

/**
 * overview_steps(finding), overview_paths(finding):
 * The open gaps of ${finding} that have steps, those with equal steps together; all its gaps of which something is
 * known of the path, those with the same sentence on it together.  In the order of the gaps, a new array of GPtrArray *
 * of struct audit_gap * that frees them.
 */
GPtrArray *overview_steps(const struct audit_finding *finding);
GPtrArray *overview_paths(const struct audit_finding *finding);

typedef struct overview overview_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(overview_auto, overview_free)

#endif
