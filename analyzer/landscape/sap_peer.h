/*
 * Peers about whose certificates SAP has written a Note: SAP's own services and clouds, by their host names.
 *
 * The texts of the Notes were not seen; what they are about, and that a certificate has to be imported twice, is from
 * the source that each row names.
 */
#ifndef TRUSTGAP_SAP_PEER_H
#define TRUSTGAP_SAP_PEER_H

#include <glib.h>

enum sap_peer_match {
    SAP_PEER_IS,    /* the host, or the same with "origin." in front */
    SAP_PEER_BELOW, /* any host below this domain */
    SAP_PEER_HAS,   /* stands inside of the name, with something before and behind it */
};

struct sap_peer {
    enum sap_peer_match match;
    const char *name; /* lower case */
    const char *note; /* "SAP Note 2620478" */
    const char *about;
    gboolean both; /* the certificate belongs into SSL client (Standard) and SSL client (Anonymous) */
    const char *source;
};

/**
 * sap_peer_next(host, index):
 * The next row from ${*index} (0 at first) on that fits ${host}, in any case of letters; NULL if there is none.
 * ${*index} is then where to go on.
 */
const struct sap_peer *sap_peer_next(const char *host, size_t *index);

/**
 * sap_peer_both(host):
 * The row that asks for both client PSEs, or NULL.
 */
const struct sap_peer *sap_peer_both(const char *host);

#endif
