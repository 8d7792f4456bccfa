/*
 * All facts together: captures, traces, trust lists and certificates of a whole landscape, put into one audit.
 *
 * It decides what belongs together: which PSE files are one trust store, which trace files are one stream, which PSE a
 * failure speaks of.  It judges nothing; that is findings.h.
 *
 * Trust stores.  The PSEs of one name in the "sec" folders of the ABAP instances of one SID are copies of one PSE,
 * which STRUST distributes: one store with several members ("PRD SAPSSLC.pse").  Every other PSE file stands for itself
 * ("web01 W20 SAPSSLC.pse", with its path behind where that is not unique).  Two unrelated systems with the same SID
 * in one landscape can't be told apart and count as one; drift findings will show it.
 *
 * Times.  A trace has local times without a zone; they become UTC by the rule of the host's zone, which the capture
 * brings along (zone.h).  Where there is none, or one that contradicts the host's clock, it is the offset that the host
 * had when it was collected, and what stands on the other side of a clock change is an hour off.
 */
#ifndef TRUSTGAP_LANDSCAPE_H
#define TRUSTGAP_LANDSCAPE_H

#include "audit.h"
#include "pool.h"

#include <glib.h>

#define LANDSCAPE_TRACE_BYTES ((size_t)4 * 1024 * 1024 * 1024) /* of one piece of a trace; it is mapped, not loaded */

/* How far off a time out of a trace may be: no rule for the zone, one with exceptions, an hour that came twice. */
#define LANDSCAPE_CLOCK_CHANGE_S 3600

struct landscape {
    struct audit *audit;     /* not owned */
    struct pool *pool;       /* of the same audit */
    GHashTable *members;     /* struct audit_failure * -> struct audit_member *: the PSE file that it speaks of */
    GHashTable *systems;     /* private: label -> struct audit_store *, of ABAP systems */
    GHashTable *lists;       /* private: object -> what was read from it */
    GHashTable *own;         /* private: object -> struct audit_cert *, or NULL */
    struct fetched *fetched; /* what peers sent when they were asked (fetched.h) */
    GHashTable *left_out;    /* private: set of const char *: hosts that the captures left out on purpose */
    gboolean left_out_blind; /* private: one left out hosts and does not name them */
    GPtrArray *failed;       /* of struct landscape_failed * */
    struct workers *workers; /* private */
};

struct landscape_failed { /* a file of a host with which its parser failed: what is in it is not known */
    struct audit_host *host;
    const char *path, *object; /* texts of the audit: where it was on the host, SHA-256 of its bytes */
    const char *why;           /* "the parser crashed (SIGSEGV)" */
};

/**
 * landscape_new(audit):
 * A landscape that fills ${audit}, which has to outlive it.
 */
struct landscape *landscape_new(struct audit *audit);

/**
 * landscape_use(landscape, workers):
 * From now on ${workers} (certificate_worker.h, trace_worker.h) parse what hosts sent; NULL: this process does.
 */
void landscape_use(struct landscape *landscape, struct workers *workers);
void landscape_free(struct landscape *landscape);

/**
 * landscape_add(landscape, captures, error):
 * Add every host of the capture folders ${captures} (NULL-ended paths), each once; to be called once.  FALSE with
 * ${error} set if a capture cannot be opened; whatever else is wrong in one becomes a warning of the audit.  The audit
 * is not sorted afterwards.
 */
gboolean landscape_add(struct landscape *landscape, const char *const *captures, GError **error);

/**
 * landscape_match(landscape):
 * Give failures that name a PSE which their host did not show the store of their ABAP system with that name.  For who
 * has added stores to the audit; landscape_add() has done it for its own.
 */
void landscape_match(struct landscape *landscape);

/**
 * landscape_leaves_out(landscape, host):
 * Whether a host of this name, which has no line in any capture, was left out of a run on purpose (--limit).
 */
gboolean landscape_leaves_out(const struct landscape *landscape, const char *host);

typedef struct landscape landscape_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(landscape_auto, landscape_free)

#endif
