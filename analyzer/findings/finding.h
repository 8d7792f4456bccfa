/*
 * What all findings have: an identity that is the same every night, dates and a state as the previous audit has it, and
 * the sentences that several kinds share.
 */
#ifndef TRUSTGAP_FINDING_H
#define TRUSTGAP_FINDING_H

#include "audit.h"
#include "history.h"

#include <glib.h>

#define FINDING_NAMED 10 /* things of one kind that a text names; the others are counted */

/* Notes of gaps. */
#define FINDING_SOME_HAVE_IT "Some instances of the system have it, others lack it."
#define FINDING_LOST_AGAIN                                                                                             \
    "The list held it the night before and has lost it. In an ABAP system STRUST overwrites what sapgenpse has added " \
    "to the file."

/**
 * finding_id(audit, kind, about):
 * The id of the finding of this kind about that; a text of the audit.
 */
const char *finding_id(struct audit *audit, enum audit_finding_kind kind, const char *about);

/**
 * finding_place(store, instance):
 * Where something is, as a part of what findings are about: the store, or if that is not known (NULL) the instance. The
 * caller frees it with g_free().
 */
char *finding_place(const struct audit_store *store, const struct audit_instance *instance);

/**
 * finding_new(history, kind, about):
 * A new finding of this kind with its id, dates and state as ${history} has it: new, open or returned.  The caller adds
 * it to the audit.
 */
struct audit_finding *finding_new(struct history *history, enum audit_finding_kind kind, const char *about);

/**
 * finding_was_read(history, before, cert):
 * Whether tonight tells all of the store ${before} of the previous audit: no copy of it is left unread, nor its own
 * certificate if that was (or may have been) ${cert}, which is of the previous audit too; NULL: any.
 */
gboolean finding_was_read(const struct history *history, const struct audit_store *before,
                          const struct audit_cert *cert);

/**
 * finding_keep_unread(history, finding, before):
 * Add to the stores of ${finding} those of ${before}, the same in the previous audit (or NULL), of which tonight does
 * not tell; with them its severity does not drop.  Return a sentence on them, to be put behind another one, or "".
 */
const char *finding_keep_unread(struct history *history, struct audit_finding *finding,
                                const struct audit_finding *before);

/**
 * finding_sum(audit, failures):
 * "3 failed connections; peers: a.example.com, b.example.com.": how often and with whom; a text of the audit.
 */
const char *finding_sum(struct audit *audit, const GPtrArray *failures);

/**
 * finding_follow(finding, before, at):
 * Set state and first appearance of ${finding}, which is not fixed, by what it was in the previous audit (or NULL).
 */
void finding_follow(struct audit_finding *finding, const struct audit_finding *before, int64_t at);

#endif
