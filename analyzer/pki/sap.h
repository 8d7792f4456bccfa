/*
 * What the names of SAP's files and folders say: PSE files and what they are for, instances, and who keeps a PSE.
 *
 * Names are compared without case, since traces of Windows hosts spell them in any; a path may have slashes of either
 * kind.  Sources: SAP's documentation of transaction STRUST and of sapgenpse; docs/formats/pse.md.
 */
#ifndef TRUSTGAP_SAP_H
#define TRUSTGAP_SAP_H

#include "audit.h"

#include <glib.h>

enum sap_side {                   /* of a TLS connection, at which a PSE is used */
                SAP_SIDE_UNKNOWN, /* the name says nothing */
                SAP_SIDE_CLIENT,
                SAP_SIDE_SERVER,
                SAP_SIDE_OTHER, /* it is used for something else, such as SNC */
};

enum sap_keeper { /* where a certificate list has to be changed so that the change stays */
                  SAP_KEEPER_UNKNOWN,
                  SAP_KEEPER_STRUST, /* the database of an ABAP system; the file is a copy of it */
                  SAP_KEEPER_FILE,   /* the file itself */
};

/**
 * sap_base_name(path):
 * The part behind the last slash or backslash, within ${path}.
 */
const char *sap_base_name(const char *path);

/**
 * sap_pse_role(path), sap_pse_node(path):
 * What the PSE file is for ("SSL client (Standard)"); the same if it is a node of STRUST.  NULL if its name does not
 * say, or if it is none.  The caller frees the result with g_free().
 */
char *sap_pse_role(const char *path);
char *sap_pse_node(const char *path);

/**
 * sap_pse_side(path), sap_pse_is_tls(path), sap_pse_is_anonymous(path):
 * The side; whether it is a PSE for TLS of an ABAP system (SAPSSL...); whether its own certificate is never shown to a
 * peer.
 */
enum sap_side sap_pse_side(const char *path);
gboolean sap_pse_is_tls(const char *path);
gboolean sap_pse_is_anonymous(const char *path);

/**
 * sap_pse_sibling(path):
 * The file name of the other one of the two SSL client PSEs, Standard and Anonymous: a destination may use either.
 * NULL if ${path} is neither.
 */
const char *sap_pse_sibling(const char *path);

/**
 * sap_instance_kind(name):
 * The kind of an instance by the name of its folder ("D00", "ASCS01", "hostctrl"), which may be NULL.
 */
enum audit_instance_kind sap_instance_kind(const char *name);

/**
 * sap_keeper(path):
 * Who keeps the PSE file with this whole path.
 */
enum sap_keeper sap_keeper(const char *path);

#endif
