/*
 * Errors of SNC (Secure Network Communications) in traces of work processes, RFC and SAP GUI: another protocol than TLS
 * with PSEs of its own.  They are told apart from TLS failures, so that nobody looks in the trace of the ICM for them.
 */
#ifndef TRUSTGAP_SNC_H
#define TRUSTGAP_SNC_H

#include <glib.h>

#define SNC_NEAR_LINES 30 /* lines of one error stand so close to each other */
#define SNC_ERRORS     64 /* of one trace */

enum snc {
    SNC_NONE,
    SNC_OTHER,
    SNC_PEER_UNTRUSTED, /* this side does not trust the partner's certificate */
    SNC_OWN_REFUSED,    /* the partner does not trust ours */
    SNC_NAME,           /* the partner has another SNC name */
    SNC_CREDENTIAL,     /* this side can't open its own PSE */
    SNC_TICKET,         /* Kerberos */
    SNC_LIBRARY,        /* not loaded */
    SNC_KINDS,
};

struct trace;

/**
 * snc_find(trace):
 * ${trace} has ended: each SNC error in its sample becomes a failure of it.
 */
void snc_find(struct trace *trace);

/**
 * snc_advice(kind):
 * Which side has to do what, in sentences.
 */
const char *snc_advice(enum snc kind);

#endif
