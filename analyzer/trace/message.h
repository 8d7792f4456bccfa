/*
 * Errors that somebody pasted without a trace: the name that an ABAP program shows (ICM_HTTP_SSL_PEER_CERT_UNTRUSTED),
 * or the one of the TLS library (SSSLERR_..., in any case), somewhere in a text of any language.
 *
 * In a trace such a name proves nothing: it may stand in a URL that was logged.  So this is only for input that is no
 * trace, and the answer is no more than what the name means and where the rest of the story stands.
 */
#ifndef TRUSTGAP_MESSAGE_H
#define TRUSTGAP_MESSAGE_H

#include "trace.h"

#include <glib.h>

#define MESSAGE_ERRORS     16  /* different ones taken from one text */
#define MESSAGE_NAMES      256 /* looked at */
#define MESSAGE_NEAR_LINES 5   /* a URL or a host with its port counts for an error so many lines away */

/**
 * message_find(trace):
 * ${trace} has ended.  If it found no failure, and its text has no thread prefix, each error that its sample names
 * becomes a failure of it, marked ${message}; an error that is named twice for one host counts once.
 */
void message_find(struct trace *trace);

/**
 * message_mentions(trace):
 * The first name of such an error in the sample of ${trace}, spelt as it stands there, whatever else the text is; NULL
 * if there is none.  The caller frees it with g_free().
 */
char *message_mentions(const struct trace *trace);

#endif
