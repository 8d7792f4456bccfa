/*
 * What the documents for people say: one wording for text, HTML and explain.
 *
 * Nothing here quotes markup: the writers of each format do.  Functions that return char * give a new string, which the
 * caller frees with g_free().
 */
#ifndef TRUSTGAP_WORDS_H
#define TRUSTGAP_WORDS_H

#include "audit.h"

#include <glib.h>

/* Parts of sentences: "the peer's certificate has expired". */
const char *words_cause(enum audit_cause cause);
const char *words_certainty(enum audit_certainty certainty, int64_t asked); /* of a failure or a finding */
const char *words_match(enum audit_match match, int64_t asked);
const char *words_basis(enum audit_gap_basis basis);
const char *words_proof(enum audit_proof proof); /* NULL: PROOF_UNKNOWN */
const char *words_reading(enum audit_reading reading);

/**
 * words_why(finding):
 * Why it is about this certificate and no other: how it was matched, or that the policy asks for it.
 */
const char *words_why(const struct audit_finding *finding);

/**
 * words_reference(cert, index):
 * Where to get a certificate: this reference of it, and whether that is this system's bundle.  The caller frees it with
 * g_free().
 */
char *words_reference(const struct audit_cert *cert, guint index);

/* The source of a certificate that nobody holds. */
const char *words_source(const struct audit_cert *cert);

/* Labels: "Web Dispatcher", "Trace level". */
const char *words_instance_kind(enum audit_instance_kind kind);
const char *words_finding_kind(enum audit_finding_kind kind);

/**
 * words_count(number, one, many):
 * "1 store", "7 stores", "12,034 stores".
 */
char *words_count(uint64_t number, const char *one, const char *many);

/**
 * words_number(number):
 * "12,034".
 */
char *words_number(uint64_t number);

/**
 * words_moment(moment), words_day(moment):
 * "2026-11-22 01:02:03 UTC", "2026-11-22"; "not known" for MOMENT_NONE.
 */
char *words_moment(int64_t moment);
char *words_day(int64_t moment);

/**
 * words_left(end, now):
 * "18 days", "ended 3 days ago", "not known".
 */
char *words_left(int64_t end, int64_t now);

/**
 * words_fingerprint(hex):
 * As STRUST shows it: "2F:7B:1B", upper case pairs with colons.
 */
char *words_fingerprint(const char *hex);

/**
 * words_waiver(waiver):
 * "Waived by OWNER until 2027-01-31: REASON", or that it has ended.
 */
char *words_waiver(const struct audit_waiver *waiver);

/**
 * words_pem(der):
 * The certificate as a PEM block, ended by a line feed.
 */
char *words_pem(GBytes *der);

/**
 * words_short_name(name):
 * What tells a distinguished name from others at a glance: its CN, else its first part.  NULL for NULL.
 */
char *words_short_name(const char *name);

/**
 * words_known(text):
 * The text, or "not known" for NULL.
 */
const char *words_known(const char *text);

/**
 * words_other_side(failure), words_peers(failure):
 * Whom the connections were made with, in a few words: the target (a caller's is a name of ours), the only peer,
 * "several peers", "not known".  Their addresses: "192.0.2.7:443", "12 peers: 192.0.2.7:443, ... and 2 more"; NULL if
 * none is known.
 */
const char *words_other_side(const struct audit_failure *failure);
char *words_peers(const struct audit_failure *failure);

/**
 * words_where(instance):
 * "PRD D00 on app01", "hostctrl on app01"; "" for NULL.
 */
char *words_where(const struct audit_instance *instance);

/**
 * words_command(step):
 * The command in a step ("$ command"), or NULL for a step in words.
 */
const char *words_command(const char *step);

#endif
