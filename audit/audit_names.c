/* The spelling of every enum of audit.h in the documents, each list in the order of its enum. */
#include "audit.h"

#include <string.h>

#define NAMES(type, ...)                                                                                               \
    static const char *const type##_names[] = {__VA_ARGS__};                                                           \
    const char *audit_##type##_name(enum audit_##type value)                                                           \
    {                                                                                                                  \
        g_assert((size_t)value < G_N_ELEMENTS(type##_names));                                                          \
        return type##_names[value];                                                                                    \
    }                                                                                                                  \
    gboolean audit_##type##_parse(enum audit_##type *value, const char *name)                                          \
    {                                                                                                                  \
        for (size_t i = 0; i < G_N_ELEMENTS(type##_names); i++)                                                        \
            if (strcmp(type##_names[i], name) == 0) {                                                                  \
                *value = (enum audit_##type)i;                                                                         \
                return TRUE;                                                                                           \
            }                                                                                                          \
        return FALSE;                                                                                                  \
    }

NAMES(cause, "untrusted-peer", "expired-peer", "name-mismatch", "peer-refused", "handshake", "closed", "not-tls",
      "proxy-refused", "store-unusable", "reverse-proxy", "other")
NAMES(certainty, "unknown", "named", "self-signed", "issuer")
NAMES(role, "unknown", "client", "server")
NAMES(instance_kind, "abap", "central", "java", "webdisp", "hana", "hostagent", "other")
NAMES(host_status, "collected", "partial", "failed", "left-out")
NAMES(reading, "native", "listing", "partly", "none")
NAMES(severity, "info", "low", "medium", "high", "critical")
NAMES(state, "new", "open", "fixed", "returned", "waived")
NAMES(finding_kind, "missing-anchor", "unknown-issuer", "tls-failure", "expired", "expiring", "drift",
      "store-unreadable", "trace-detail", "trace-level", "trace-rotation", "policy-missing", "distrusted",
      "weak-certificate", "end-entity", "host-missing", "unanalyzed")
NAMES(gap_basis, "seen", "seen-unread", "seen-unknown", "required")
NAMES(match, "proved", "fingerprint", "serial", "key-id", "name", "ambiguous", "none")
NAMES(proof, "unknown", "path", "held", "no-path")
