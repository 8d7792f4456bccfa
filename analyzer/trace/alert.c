#include "alert.h"

#define RENEW                                                                                                          \
    "Renew it on this side: in STRUST create a certificate request, have a CA sign it, and import the response; "      \
    "\"sapgenpse get_my_name -p PSE -n validity\" shows the dates of the present one. "

#define LIBRARIES                                                                                                      \
    "One of the two TLS libraries, or a device between them that changes the connection, is at fault. Repeat the "     \
    "connection without the device, and look at the log of {peer}."

#define CERTIFICATE_OR_TRUST                                                                                           \
    "It may be either: {peer} does not trust the issuer of our certificate, and has to import it; or the certificate " \
    "in {pse} is at fault (its dates, the name in it, its key usage), and has to be replaced here. The log of {peer} " \
    "says which."

/*
 * A row for each: what it means is from the RFC, what to do from how SAP systems are set up.  Names of alerts that
 * newer versions have reserved are written as they were.
 */
static const struct alert alerts[] = {
    {0, "close_notify", FALSE, FALSE, ALERT_EITHER,
     "{Peer} closed the connection in good order. Look at the log of {peer}.", NULL},
    {10, "unexpected_message", FALSE, FALSE, ALERT_EITHER,
     "{Peer} got a message that it did not expect at this point. " LIBRARIES, NULL},
    {20, "bad_record_mac", FALSE, FALSE, ALERT_EITHER,
     "{Peer} received data that was damaged or changed on its way. " LIBRARIES, NULL},
    {21, "decryption_failed", FALSE, FALSE, ALERT_EITHER, "{Peer} could not decrypt what it received. " LIBRARIES,
     NULL},
    {22, "record_overflow", FALSE, FALSE, ALERT_EITHER, "{Peer} received a record that is too long. " LIBRARIES, NULL},
    {30, "decompression_failure", FALSE, FALSE, ALERT_EITHER, "{Peer} could not unpack what it received. " LIBRARIES,
     NULL},
    {40, "handshake_failure", FALSE, FALSE, ALERT_EITHER,
     "{Peer} found no set of parameters that both sides accept. Compare protocol versions and cipher suites (profile "
     "parameter ssl/client_ciphersuites), and check whether {peer} requires a client certificate that {pse} does not "
     "have.",
     "{Peer} found no set of parameters that both sides accept. Compare protocol versions and cipher suites (profile "
     "parameter ssl/ciphersuites)."},
    {41, "no_certificate", FALSE, FALSE, ALERT_OURS,
     "{Peer} says that no certificate was sent. If one was required, {pse} needs an own certificate that {peer} "
     "accepts.",
     "{Peer} has no certificate that it could send. If this side requires one (profile parameter "
     "icm/HTTPS/verify_client = 2), {peer} needs one; otherwise set the parameter to 1."},
    {42, "bad_certificate", TRUE, TRUE, ALERT_EITHER,
     "{Peer} could not use our certificate: it is damaged, its signature does not verify, or {peer} does not accept "
     "what "
     "is in it. " CERTIFICATE_OR_TRUST,
     NULL},
    {43, "unsupported_certificate", TRUE, TRUE, ALERT_OURS,
     "{Peer} does not support the kind of certificate that {pse} has: its key type or length, its signature algorithm, "
     "or "
     "its key usage (a client certificate needs \"TLS client authentication\"). Create a new key of a kind that {peer} "
     "supports in {pse}, and have a CA sign it.",
     "{Peer} does not support the kind of certificate that {pse} has: its key type or length, its signature algorithm, "
     "or "
     "its key usage (a server certificate needs \"TLS server authentication\"). Create a new key of a kind that {peer} "
     "supports in {pse}, and have a CA sign it."},
    {44, "certificate_revoked", TRUE, TRUE, ALERT_OURS,
     "According to {peer}, the CA has revoked the certificate in {pse}. Ask the CA why, and replace it on this side "
     "with "
     "a new key and a new certificate: STRUST > create a certificate request, have a CA sign it, import the response.",
     NULL},
    {45, "certificate_expired", TRUE, TRUE, ALERT_OURS,
     "According to {peer}, the certificate in {pse} has expired or is not valid yet. " RENEW
     "A CA certificate that is sent with it may be the expired one. If the dates are right, compare the clocks of both "
     "sides.",
     NULL},
    {46, "certificate_unknown", TRUE, TRUE, ALERT_EITHER,
     "{Peer} refused our certificate and does not say why. " CERTIFICATE_OR_TRUST, NULL},
    {47, "illegal_parameter", FALSE, FALSE, ALERT_EITHER,
     "{Peer} got a value that contradicts the protocol. " LIBRARIES, NULL},
    {48, "unknown_ca", TRUE, TRUE, ALERT_THEIRS,
     "{Peer} does not know the CA that issued our certificate, or did not get the certificates between. Nothing is "
     "missing in {pse}. {Peer} has to trust the issuer of the certificate that this side shows; if {peer} is an SAP "
     "system, its own trace names its PSE. Check that {pse} holds the intermediate certificates of its own chain, "
     "since "
     "they are sent along.",
     NULL},
    {49, "access_denied", TRUE, TRUE, ALERT_EITHER,
     "{Peer} verified our certificate and still denied access. Usually its owner has to allow this certificate (a user "
     "mapping, an access list); if it allows another one, use the PSE that has that one.",
     NULL},
    {50, "decode_error", FALSE, FALSE, ALERT_EITHER, "{Peer} could not decode a message. " LIBRARIES, NULL},
    {51, "decrypt_error", FALSE, FALSE, ALERT_EITHER,
     "{Peer} could not verify a signature of the handshake. Check that private key and certificate of {pse} belong "
     "together (sapgenpse get_my_name opens it; STRUST shows the certificate). " LIBRARIES,
     NULL},
    {60, "export_restriction", FALSE, FALSE, ALERT_EITHER,
     "{Peer} refuses the key length, an old rule for exported software. Enable current cipher suites on both sides.",
     NULL},
    {70, "protocol_version", FALSE, FALSE, ALERT_EITHER,
     "{Peer} does not support the TLS version that this side offers. Enable one that both sides support, usually TLS "
     "1.2 "
     "or 1.3 (profile parameter ssl/client_ciphersuites; an old kernel or library may need an update).",
     "{Peer} does not support the TLS version that this side offers. Enable one that both sides support, usually TLS "
     "1.2 "
     "or 1.3 (profile parameter ssl/ciphersuites; a very old {peer} may need an update)."},
    {71, "insufficient_security", FALSE, FALSE, ALERT_EITHER,
     "{Peer} requires stronger cipher suites than this side offers. Enable stronger ones (profile parameter "
     "ssl/client_ciphersuites).",
     "{Peer} requires stronger cipher suites than this side offers. Enable stronger ones (profile parameter "
     "ssl/ciphersuites)."},
    {80, "internal_error", FALSE, FALSE, ALERT_THEIRS,
     "{Peer} had an error of its own that has nothing to do with the protocol. Look at the log of {peer}.", NULL},
    {86, "inappropriate_fallback", FALSE, FALSE, ALERT_OURS,
     "This side tried again with an older TLS version although {peer} supports a newer one. Look for the first failure "
     "of the same connection above this one.",
     NULL},
    {90, "user_canceled", FALSE, FALSE, ALERT_THEIRS,
     "Somebody or something canceled the handshake at {peer}. Look at the log of {peer}.", NULL},
    {100, "no_renegotiation", FALSE, FALSE, ALERT_EITHER,
     "{Peer} does not negotiate a second time on an open connection. A server that asks for a client certificate only "
     "for "
     "some paths does that: let it ask at the beginning, or use TLS 1.3.",
     NULL},
    {109, "missing_extension", FALSE, FALSE, ALERT_EITHER,
     "{Peer} misses an extension that TLS 1.3 requires, such as the server name. An update of the library on one side "
     "helps in most cases.",
     NULL},
    {110, "unsupported_extension", FALSE, FALSE, ALERT_EITHER,
     "{Peer} got an extension that it did not ask for. " LIBRARIES, NULL},
    {111, "certificate_unobtainable", FALSE, FALSE, ALERT_EITHER,
     "{Peer} could not download a certificate from the address that it was given.", NULL},
    {112, "unrecognized_name", FALSE, FALSE, ALERT_EITHER,
     "{Peer} serves no host of the name that this side asked for. Compare the name with those that {peer} serves, and "
     "check that it resolves to the right address.",
     "{Peer} does not know the name of this server. Compare the host name that {peer} calls with the names in the "
     "certificate of {pse}."},
    {113, "bad_certificate_status_response", FALSE, FALSE, ALERT_EITHER,
     "{Peer} could not use the revocation status (OCSP response) that it was sent.", NULL},
    {114, "bad_certificate_hash_value", FALSE, FALSE, ALERT_EITHER,
     "{Peer} downloaded a certificate that is another one than announced.", NULL},
    {115, "unknown_psk_identity", FALSE, FALSE, ALERT_EITHER,
     "{Peer} does not know the shared key that this side named.", NULL},
    {116, "certificate_required", TRUE, FALSE, ALERT_OURS,
     "{Peer} requires a client certificate, and this side sent none. Change this side: use a PSE with an own "
     "certificate "
     "that {peer} accepts (SM59 > Logon & Security > SSL Certificate: SSL client (Standard) or an identity of its own, "
     "not "
     "Anonymous), or give {pse} an own certificate in STRUST. {Peer} has to trust its issuer; an own certificate whose "
     "issuer is not in the list that {peer} sends is not sent.",
     "{Peer} says that a certificate is required, which only servers do. Look at the log of {peer}."},
    {120, "no_application_protocol", FALSE, FALSE, ALERT_EITHER,
     "{Peer} supports none of the application protocols that were offered (ALPN: HTTP/1.1, HTTP/2).", NULL},
};

const struct alert *alert_find(int number)
{
    for (size_t i = 0; i < G_N_ELEMENTS(alerts); i++)
        if (alerts[i].number == number)
            return &alerts[i];
    return NULL;
}

const struct alert *alert_named(struct slice name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(alerts); i++) {
        const char *known = alerts[i].name;
        size_t at = 0;
        while (at < name.size && known[at] &&
               (g_ascii_tolower(name.at[at]) == known[at] || (known[at] == '_' && name.at[at] == ' ')))
            at++;
        if (at == name.size && !known[at])
            return &alerts[i];
    }
    return NULL;
}

size_t alert_count(void)
{
    return G_N_ELEMENTS(alerts);
}

const struct alert *alert_at(size_t index)
{
    g_assert(index < G_N_ELEMENTS(alerts));
    return &alerts[index];
}
