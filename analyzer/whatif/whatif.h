/*
 * What if: questions to a stored audit.  Which trust stores would accept a peer that sends this chain, what would an
 * import heal, what would the removal of a certificate break, what does another landscape lack?
 *
 * Nothing is collected and no trace is read: an answer is a function of the audits, the certificates that are given and
 * the time.  Paths are verified by OpenSSL (path.h), once for each distinct set of certificates that could end one, and
 * not for each store.  The answer is a struct check (check.h).
 */
#ifndef TRUSTGAP_WHATIF_H
#define TRUSTGAP_WHATIF_H

#include "audit.h"
#include "check.h"
#include "whatif_question.h"

#include <glib.h>

/**
 * whatif_ask(audit, question, error):
 * Answer ${question} about ${audit}, to which the certificates that are given are added, and which is sorted anew, as
 * is
 * ${question->against}.  The caller frees the answer with check_free(), before the audits.  NULL with ${error} set,
 * beginning with the file or the option that it is about.
 */
struct check *whatif_ask(struct audit *audit, const struct whatif_question *question, GError **error);

#endif
