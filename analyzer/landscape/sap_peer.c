#include "sap_peer.h"

#include <string.h>

#define GUIDE "a comment on SAP's troubleshooting guide for SSSLERR_PEER_CERT_UNTRUSTED"
#define HOSTS "the Note's title in that guide; the hosts are those of the destinations SAP-SUPPORT_*"
#define TITLE "its public title"

#define DOWNLOADS "trust anchors for SAP's services and the download of software and Notes"

static const struct sap_peer peers[] = {
    {SAP_PEER_IS, "apps.support.sap.com", "SAP Note 2620478", DOWNLOADS, TRUE, HOSTS},      /* SAP-SUPPORT_PORTAL */
    {SAP_PEER_IS, "documents.support.sap.com", "SAP Note 2620478", DOWNLOADS, TRUE, HOSTS}, /* SAP-SUPPORT_PARCELBOX */
    {SAP_PEER_IS, "notesdownloads.sap.com", "SAP Note 2620478", DOWNLOADS, TRUE, HOSTS}, /* SAP-SUPPORT_NOTE_DOWNLOAD */
    {SAP_PEER_IS, "softwaredownloads.sap.com", "SAP Note 2620478", DOWNLOADS, TRUE, HOSTS},
    {SAP_PEER_BELOW, "support.sap.com", "SAP Note 2631190", "SSL for the SAP Support Portal", FALSE, TITLE},
    {SAP_PEER_BELOW, "hana.ondemand.com", "SAP Note 2728600", "untrusted peers at HCI, CPI and Neo", FALSE, GUIDE},
    {SAP_PEER_HAS, "-iflmap.hcisbp.", "SAP Note 2728600", "untrusted peers at HCI, CPI and Neo", FALSE, GUIDE},
    {SAP_PEER_BELOW, "hana.ondemand.com", "SAP Note 3472211", "BTP Trust Store", FALSE, TITLE},
    {SAP_PEER_BELOW, "crm.ondemand.com", "SAP Note 3119755", "Cloud for Customer", FALSE, TITLE},
    {SAP_PEER_BELOW, "successfactors.com", "SAP Note 3626800", "change to DigiCert TLS RSA4096 Root G5", FALSE, TITLE},
    {SAP_PEER_BELOW, "successfactors.eu", "SAP Note 3626800", "change to DigiCert TLS RSA4096 Root G5", FALSE, TITLE},
    {SAP_PEER_BELOW, "sapsf.com", "SAP Note 3626800", "change to DigiCert TLS RSA4096 Root G5", FALSE, TITLE},
    {SAP_PEER_BELOW, "sapsf.eu", "SAP Note 3626800", "change to DigiCert TLS RSA4096 Root G5", FALSE, TITLE},
};

static gboolean fits(const struct sap_peer *peer, const char *host)
{
    size_t size = strlen(host), length = strlen(peer->name);

    switch (peer->match) {
    case SAP_PEER_IS:
        return strcmp(host, peer->name) == 0 ||
               (g_str_has_prefix(host, "origin.") && strcmp(host + strlen("origin."), peer->name) == 0);
    case SAP_PEER_BELOW:
        return size > length + 1 && g_str_has_suffix(host, peer->name) && host[size - length - 1] == '.';
    default: {
        const char *at = strstr(host, peer->name);
        return at && at > host && at[length] != '\0';
    }
    }
}

const struct sap_peer *sap_peer_next(const char *host, size_t *index)
{
    g_autofree char *lower = g_ascii_strdown(host, -1);

    if (g_str_has_suffix(lower, ".")) /* of a name that is complete */
        lower[strlen(lower) - 1] = '\0';
    while (*index < G_N_ELEMENTS(peers)) {
        const struct sap_peer *peer = &peers[(*index)++];
        if (fits(peer, lower))
            return peer;
    }
    return NULL;
}

const struct sap_peer *sap_peer_both(const char *host)
{
    const struct sap_peer *peer;

    for (size_t index = 0; (peer = sap_peer_next(host, &index));)
        if (peer->both)
            return peer;
    return NULL;
}
