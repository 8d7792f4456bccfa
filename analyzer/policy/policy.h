/*
 * The policy of a landscape: what trust stores have to hold and must not hold, how strong certificates have to be, when
 * they count as expiring, and which findings are waived.  The form is in docs/formats/policy.md.
 *
 * This is the file and no more: what is found with it is in demands.h, what becomes of waivers in waivers.h.  The
 * certificates that it names are read with it, so a policy is bytes and nothing of the machine is asked later.
 *
 * The syntax is GLib's GKeyFile, which tells no line numbers and takes the last of two equal keys; so each line is
 * given to it alone, and what stands twice is found here.
 */
#ifndef TRUSTGAP_POLICY_H
#define TRUSTGAP_POLICY_H

#include "audit.h"

#include <glib.h>
#include <stdint.h>

#define POLICY_BYTES      ((size_t)1024 * 1024)
#define POLICY_LINES      20000
#define POLICY_LINE_BYTES 8192
#define POLICY_SECTIONS   1000
#define POLICY_VALUES     1000  /* of one list */
#define POLICY_CERTS      20000 /* of all sections together */
#define POLICY_PROBLEMS   50    /* that are told; further ones are counted */

#define POLICY_UNSAID (-1) /* a number that the policy does not have */

struct policy_selection { /* which trust stores: all for which every list that is not empty has something that fits */
    GPtrArray *files, *roles, *sids; /* of GPatternSpec *: of the store */
    GPtrArray *tiers, *groups;       /* of GPatternSpec *: of a host that has a copy of it, the same one for both */
    unsigned kinds;                  /* bits by enum audit_instance_kind; 0: all */
};

struct policy_cert {
    char *path; /* of its file */
    GBytes *der;
};

struct policy_rule { /* [required ...], [distrusted ...] */
    char *section;
    unsigned line;
    int severity; /* enum audit_severity or POLICY_UNSAID */
    struct policy_selection selection;
    GPtrArray *certs; /* of struct policy_cert *, at least one */
};

struct policy_horizon { /* a certificate expires soon if less than each of these is left; both POLICY_UNSAID: as usual
                         */
    int days;
    int percent; /* of its lifetime */
};

struct policy_strength { /* POLICY_UNSAID, empty: nothing is asked */
    int rsa_bits;        /* of RSA and DSA keys, at least */
    int ec_bits;         /* of the order of a curve, at least */
    GArray *curves;      /* of int, OpenSSL's NIDs: the only ones that are allowed */
    GArray *digests;     /* likewise: those that are refused for signatures */
    int severity;
};

struct policy_waiver { /* either ${finding} or ${has_kind}; each of the others that is there has to fit */
    char *section, *name;
    unsigned line;
    char *finding; /* its id */
    gboolean has_kind;
    enum audit_finding_kind kind;
    char *fingerprint;        /* SHA-256 or SHA-1 of the certificate, lower case hex */
    GPtrArray *stores, *sids; /* of GPatternSpec *: labels of stores, SIDs */
    GPtrArray *hosts;         /* of GPatternSpec * */
    char *owner, *reason;
    int64_t until; /* the last second of its last day, in UTC */
};

struct policy {
    char *path;                       /* as messages call it */
    GPtrArray *required, *distrusted; /* of struct policy_rule * */
    struct policy_horizon own, anchors;
    struct policy_strength strength;
    gboolean end_entities; /* in trust lists are findings */
    int end_entities_severity;
    GPtrArray *waivers;  /* of struct policy_waiver * */
    GPtrArray *warnings; /* of char *: what was strange about files of certificates */
};

/**
 * policy_new(path):
 * A policy that asks for nothing.  ${path} is for messages; free the result with policy_free().
 */
struct policy *policy_new(const char *path);
void policy_free(struct policy *policy);

/**
 * policy_selects(selection, store):
 * Whether ${store} is one of those that ${selection} is about.
 */
gboolean policy_selects(const struct policy_selection *selection, const struct audit_store *store);

/**
 * policy_matches(patterns, text):
 * Whether one of ${patterns} (of GPatternSpec *) fits ${text}; without patterns TRUE, else FALSE for NULL.
 */
gboolean policy_matches(const GPtrArray *patterns, const char *text);

typedef struct policy policy_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(policy_auto, policy_free)

#endif
