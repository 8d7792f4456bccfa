/*
 * What the previous audit knows, found again in the new one.
 *
 * Findings of the night before are followed up, so the things that they speak of need a place in the new audit even if
 * tonight has not brought them: a host that could not be reached, its PSEs, a certificate that nobody showed tonight.
 * They come back as not collected and not read, never as facts of tonight.
 *
 * A host that is in no capture of tonight counts as not collected: a run that was cut off leaves no line of it, and
 * neither does an inventory without it.  What is open there stays open for HISTORY_DAYS after it was collected last,
 * and is then forgotten.  An instance that a collected host does not show any more may be removed, but also be on a
 * disk that is not mounted or have moved to another host, so it is treated alike.  A host that a limited run left
 * out on purpose is not missing: what is known of it stays as it was, for however long.
 *
 * The PSEs of such hosts and instances come back too, as members with an unknown list of the stores they belong to.  So
 * whoever looks at a store sees that it has copies that were not read.
 */
#ifndef TRUSTGAP_HISTORY_H
#define TRUSTGAP_HISTORY_H

#include "audit.h"
#include "landscape.h"

#include <glib.h>

#define HISTORY_DAYS          30
#define HISTORY_NOT_COLLECTED AUDIT_NOT_COLLECTED /* reason of hosts and PSEs that only the previous audit knows, */
#define HISTORY_LEFT_OUT      "left-out"          /* ... the same where the run left the host out on purpose */
#define HISTORY_NOT_FOUND     "not-found" /* ... of PSEs of an instance that its collected host does not show, */
#define HISTORY_GONE          AUDIT_GONE  /* ... and of PSEs that a collected instance does not have any more */

struct history {
    struct audit *audit; /* the new one */
    const struct landscape *landscape;
    const struct audit *previous; /* NULL: there is none */
    GHashTable *findings;         /* id -> const struct audit_finding * of the previous audit */
    GHashTable *hosts;            /* private: name -> struct audit_host * of the new one */
    GHashTable *stores;           /* private: label -> struct audit_store * of the new one */
    GHashTable *stores_before;    /* private: the same of the previous one */
    GHashTable *certs;            /* private: key -> struct audit_cert * of the new one */
    GHashTable *whole;            /* private: of anchors_find_whole(); NULL before that */
    GHashTable *unseen;           /* private: PSEs that tonight has not shown */
    GHashTable *instances_before; /* private: instance of the new one -> the same of the previous one */
};

/**
 * history_new(landscape, previous):
 * Begin after landscape_add().  Certificates that findings of ${previous} want imported are added to the
 * landscape's pool, as are those of lists that were read then and not tonight, and the hosts, instances and PSEs that
 * were not collected to the audit, with a warning for each instance and trace that a collected host has lost; the audit
 * has to be sorted after that.
 */
struct history *history_new(struct landscape *landscape, const struct audit *previous);
void history_free(struct history *history);

/**
 * history_before(history, id):
 * The finding ${id} of the previous audit, or NULL.
 */
const struct audit_finding *history_before(const struct history *history, const char *id);

/**
 * history_state(before):
 * The state of what is wrong tonight and had the state ${*before} in the previous audit: new if that had none of it
 * (NULL), returned if it was fixed, else open.
 */
enum audit_state history_state(const enum audit_state *before);

/**
 * history_host(history, before), _instance(), _store(), _cert():
 * The thing in the new audit that ${before} is in the previous one.  A host, instance or store that is not there is
 * added as not collected; of a certificate that is not there NULL is returned.  NULL for NULL.
 */
struct audit_host *history_host(struct history *history, const struct audit_host *before);
struct audit_instance *history_instance(struct history *history, const struct audit_instance *before);
struct audit_store *history_store(struct history *history, const struct audit_store *before);
struct audit_cert *history_cert(struct history *history, const struct audit_cert *before);

/**
 * history_is_collected(history, before):
 * Whether all that is on the host ${before} of the previous audit was found for the new one; what of it could not be
 * read is marked where it stands.
 */
gboolean history_is_collected(const struct history *history, const struct audit_host *before);

/**
 * history_is_left_out(history, before):
 * Whether the run left the host ${before} of the previous audit out on purpose.
 */
gboolean history_is_left_out(const struct history *history, const struct audit_host *before);

/**
 * history_is_heard_since(history, instance, since), history_is_heard(history, instance), history_is_told(reason):
 * Whether a failure of ${instance} (of the new audit) since then, or since the previous audit, would have been seen:
 * its host was collected, and all of its traces, which are not fewer than before, were read to their ends.  Whether
 * ${reason} of a PSE says no more than what a finding or warning about its host or instance says.
 */
gboolean history_is_heard_since(const struct history *history, const struct audit_instance *instance, int64_t since);
gboolean history_is_heard(const struct history *history, const struct audit_instance *instance);
gboolean history_is_told(const char *reason);

/**
 * history_forgets_host(history, before), history_forgets(history, before), history_forgets_store(history, before):
 * Whether nothing is to be followed up about a host of the previous audit, since it is in no capture any more and was
 * collected too long ago; about an instance of it, since its host is forgotten, or was collected without it for too
 * long; about a store, since all its instances are forgotten, and the new audit has none of this name.
 */
gboolean history_forgets_host(const struct history *history, const struct audit_host *before);
gboolean history_forgets(const struct history *history, const struct audit_instance *before);
gboolean history_forgets_store(const struct history *history, const struct audit_store *before);

/**
 * history_lacked(history, label, cert):
 * Whether the previous audit read all of the store ${label} and it lacked then what is ${cert} in the new audit.
 */
gboolean history_lacked(const struct history *history, const char *label, const struct audit_cert *cert);

/**
 * history_lost(history, before, cert):
 * Whether a file of the store ${before} of the previous audit held ${cert}, which is of that audit too, and was read
 * tonight and lacks it.
 */
gboolean history_lost(const struct history *history, const struct audit_store *before, const struct audit_cert *cert);

/**
 * history_find_member(store, before):
 * The file in ${store} of the new audit that ${before} is in the previous one, or NULL.
 */
const struct audit_member *history_find_member(const struct audit_store *store, const struct audit_member *before);

/**
 * history_find_store(history, label):
 * The store of the new audit with this label, or NULL.
 */
struct audit_store *history_find_store(const struct history *history, const char *label);

typedef struct history history_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(history_auto, history_free)

#endif
