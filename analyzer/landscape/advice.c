#include "advice.h"

#include "alert.h"
#include "moment.h"
#include "sap.h"
#include "sap_peer.h"
#include "snc.h"

#include <string.h>

#define GARBLED_LINES 6 /* of a block: fewer say nothing about how much of it was understood */

/* ---- A missing certificate ---- */

#define LEAST_RSA_BITS 2048

static const char *who(const struct trace_failure *failure)
{
    return failure->role == ROLE_SERVER ? "the client" : "the peer";
}

static void append_store(GString *text, const struct trace_failure *failure)
{
    if (!failure->store) {
        g_string_append(text, "the PSE of this connection");
        return;
    }
    g_autofree char *node = failure->store_cut ? NULL : sap_pse_node(failure->store);
    g_string_append_printf(text, "the PSE %s%s", failure->store, failure->store_cut ? "... (its path is cut off)" : "");
    if (node)
        g_string_append_printf(text, " (in STRUST: %s)", node);
}

static void append_missing(GString *text, const struct trace_failure *failure)
{
    const char *more = failure->missing_cut ? "..." : "";

    switch (failure->certainty) {
    case CERTAINTY_SELF_SIGNED:
        if (failure->chain->len == 1)
            g_string_append_printf(text, "The certificate of %s, \"%s\", is self-signed, so it is its own anchor; ",
                                   who(failure), failure->missing);
        else
            g_string_append_printf(text, "The chain of %s ends in the root \"%s\"; ", who(failure), failure->missing);
        break;
    case CERTAINTY_ISSUER:
        g_string_append_printf(text,
                               "The topmost certificate that the trace shows of the chain of %s has the issuer "
                               "\"%s%s\"; ",
                               who(failure), failure->missing, more);
        break;
    default:
        g_string_append_printf(text, "The trace says that the certificate \"%s%s\" is missing; ", failure->missing,
                               more);
    }
    g_string_append(text, "the trust list of ");
    append_store(text, failure);
    g_string_append(text, " lacks it. ");
    if (failure->missing_cut)
        g_string_append(text, "The trace shows only the beginning of the name: several certificates may fit. ");
    if (failure->certainty == CERTAINTY_ISSUER)
        g_string_append_printf(text,
                               "That issuer may be an intermediate: best import the root above it, and the "
                               "intermediate as well if %s does not send it. ",
                               who(failure));
    else if (failure->certainty == CERTAINTY_NAMED)
        g_string_append(text, "If it is an intermediate, best import the root above it. ");
}

char *advice_key(const struct trace_cert *cert)
{
    const char *type = g_strcmp0(cert->key_type, "rsaEncryption") == 0 ? "RSA" : cert->key_type;

    if (!type && !cert->key_bits)
        return NULL;
    if (!type)
        return g_strdup_printf("%s bits", cert->key_bits);
    return cert->key_bits ? g_strdup_printf("%s %s", type, cert->key_bits) : g_strdup(type);
}

/* "SHA-1", "MD5" where a name says that a signature uses it; else NULL. */
static const char *old_digest(const char *algorithm)
{
    struct slice name = slice_text(algorithm ? algorithm : ""), rest;

    if (slice_find_fold(name, "md5", &rest))
        return "MD5";
    return slice_find_fold(name, "sha1", &rest) || slice_find_fold(name, "sha-1", &rest) ? "SHA-1" : NULL;
}

/* What somebody who knows certificates sees at once in one that is printed with its details. */
static void append_remarks(GString *text, const struct trace_failure *failure, const struct trace_cert *cert,
                           const char *what)
{
    gboolean rsa = g_strcmp0(cert->key_type, "rsaEncryption") == 0;
    int64_t bits = cert->key_bits ? g_ascii_strtoll(cert->key_bits, NULL, 10) : 0;
    const char *digest = old_digest(cert->signature_algorithm);
    char now[MOMENT_TEXT_BYTES];

    if (rsa && bits > 0 && bits < LEAST_RSA_BITS)
        g_string_append_printf(text, "%s has an RSA key of only %s bits; %d are the least today. ", what,
                               cert->key_bits, LEAST_RSA_BITS);
    if (digest)
        g_string_append_printf(text, "%s is signed with %s, which is outdated. ", what, digest);
    if (failure->local == MOMENT_NONE)
        return;
    moment_format(now, failure->local); /* the same form, in the same zone */
    if (cert->not_after && strncmp(cert->not_after, now, strlen(cert->not_after)) < 0)
        g_string_append_printf(text, "%s had expired when the connection failed (on %.10s, time of this host). ", what,
                               cert->not_after);
    if (cert->not_before && strncmp(cert->not_before, now, strlen(cert->not_before)) > 0)
        g_string_append_printf(text,
                               "%s was not valid yet when the connection failed (from %.10s, time of this host). ",
                               what, cert->not_before);
}

/* Of the missing certificate itself the trace prints details only if it is the topmost one of the chain. */
static void append_facts(GString *text, const struct trace_failure *failure)
{
    if (failure->chain->len == 0)
        return;
    const struct trace_cert *top = failure->chain->pdata[failure->chain->len - 1];
    if (failure->certainty == CERTAINTY_SELF_SIGNED) {
        append_remarks(text, failure, top, "It");
        if (failure->chain->len == 1)
            g_string_append_printf(
                text,
                "%s has signed it itself%s%.4s: better ask for a certificate of a CA, and import the "
                "root of that CA instead. ",
                failure->role == ROLE_SERVER ? "The client" : "The peer", top->not_after ? ", valid until " : "",
                top->not_after ? top->not_after : "");
    } else if (failure->certainty == CERTAINTY_ISSUER && top->issuer) {
        append_remarks(text, failure, top, "The printed certificate that it has signed");
    }
}

static void append_import(GString *text, const struct trace_failure *failure)
{
    enum sap_keeper keeper = failure->store && !failure->store_cut ? sap_keeper(failure->store) : SAP_KEEPER_UNKNOWN;
    g_autofree char *node = failure->store && !failure->store_cut ? sap_pse_node(failure->store) : NULL;

    g_string_append_printf(text, "Get the certificate from the owner of %s, compare its fingerprint, and import it",
                           failure->role == ROLE_SERVER ? "the client" : "the peer");
    if (!failure->store)
        g_string_append(text, "; the trace does not say into which PSE, at trace level 2 it does");
    if (keeper == SAP_KEEPER_STRUST)
        g_string_append_printf(text,
                               ": STRUST%s%s, add to the certificate list, save (a change of the file alone is "
                               "overwritten from the database). ",
                               node ? ", " : "", node ? node : "");
    else if (keeper == SAP_KEEPER_FILE)
        g_string_append(text, ": sapgenpse maintain_pk -a CERT.pem -p PSE, as the owner of the file. ");
    else
        g_string_append(text, ": in an ABAP system with STRUST (add to the certificate list, save), elsewhere with "
                              "sapgenpse maintain_pk -a CERT.pem -p PSE. ");
    const char *sibling = node ? sap_pse_sibling(failure->store) : NULL;
    if (sibling && failure->role != ROLE_SERVER && !(failure->target && sap_peer_both(failure->target)))
        g_string_append_printf(text, "If connections to this peer are also made with the PSE %s, import it there too. ",
                               sibling);
}

/* What SAP has written about the certificates of this peer. */
static void append_notes(GString *text, const struct trace_failure *failure)
{
    const struct sap_peer *peer, *both = failure->target ? sap_peer_both(failure->target) : NULL;

    if (!failure->target || failure->role == ROLE_SERVER)
        return;
    if (both)
        g_string_append_printf(text,
                               "%s is one of SAP's own services (SM59: SAP-SUPPORT_PORTAL, SAP-SUPPORT_PARCELBOX, "
                               "SAP-SUPPORT_NOTE_DOWNLOAD): import the certificate twice, into SSL client (Standard), "
                               "SAPSSLC.pse, and into SSL client (Anonymous), SAPSSLA.pse. ",
                               failure->target);
    const char *said = NULL;
    for (size_t index = 0; (peer = sap_peer_next(failure->target, &index)); said = peer->note)
        if (g_strcmp0(said, peer->note) != 0) /* rows of one Note stand together */
            g_string_append_printf(text, "See %s (%s). ", peer->note, peer->about);
}

static void append_level(GString *text)
{
    g_string_append(text, "If the trace level was raised for this, set it back to 1.");
}

/* Whether what is not known may well stand in the lines that could not be read. */
static gboolean is_garbled(const struct trace_failure *failure)
{
    return failure->n_lines >= GARBLED_LINES && failure->n_known * 2 < failure->n_lines;
}

static void append_garbled(GString *text, const struct trace_failure *failure)
{
    g_string_append_printf(text,
                           "Only %u of the %u lines of this failure were understood: there is other text around them, "
                           "or copying changed them. Give explain the trace file itself. ",
                           failure->n_known, failure->n_lines);
}

static void append_raise(GString *text, const struct trace_failure *failure)
{
    if (failure->message) /* append_trace() says where to look */
        return;
    if (is_garbled(failure)) {
        append_garbled(text, failure);
        return;
    }
    if (failure->level >= 2) {
        g_string_append_printf(text, "The trace was written at level %d, so a higher one is of no use", failure->level);
        if (failure->role == ROLE_SERVER)
            g_string_append(text, "; ask the owner of the client what it sends. ");
        else
            g_string_append(text,
                            "; look at what the peer sends, with openssl s_client -showcerts -connect HOST:PORT. ");
        append_level(text);
        return;
    }
    g_string_append(text, "Set the trace level of the ICM to 2 (SMICM > Goto > Trace Level > Set; Web Dispatcher: "
                          "admin page), repeat the connection, read the trace again, and set the level back to 1.");
}

/* Somebody has only the name of the error. */
static void append_trace(GString *text, const struct trace_failure *failure)
{
    if (failure->cause == CAUSE_STORE_UNUSABLE) {
        g_string_append(text,
                        " This is only the name of the error; dev_icm on the host that called (SMICM > Goto > Trace "
                        "File > Display All) names the PSE.");
        return;
    }
    g_string_append(text,
                    " This is only the name of the error; the trace of the ICM on the host that called tells the rest. "
                    "Set its trace level to 2 (SMICM > Goto > Trace Level > Set), repeat the connection, open dev_icm "
                    "(SMICM > Goto > Trace File > Display All), and explain the lines from \"ERROR during\" to \"SSL "
                    "handshake with ... failed\": they name the PSE (\"session uses PSE file\"), the peer, and the "
                    "certificates. Set the level back to 1 afterwards.");
}

/* The chain may go on above what there is of it. */
static void append_torn_chain(GString *text, const struct trace_failure *failure)
{
    const struct trace_cert *top = failure->chain->len > 0 ? failure->chain->pdata[failure->chain->len - 1] : NULL;

    g_string_append(text, ". ");
    if (top && top->issuer)
        g_string_append_printf(text,
                               "The last certificate that the trace shows was issued by \"%s%s\", but the chain may "
                               "continue above it, so the missing certificate is not known yet. ",
                               top->issuer, top->issuer_cut ? "..." : "");
    else
        g_string_append(text, "The missing certificate is not known yet. ");
}

static void advise_untrusted(GString *text, const struct trace_failure *failure)
{
    if (failure->missing) {
        append_missing(text, failure);
        append_facts(text, failure);
        append_import(text, failure);
        append_notes(text, failure);
        append_level(text);
        return;
    }
    g_string_append_printf(text, "The certificate chain of %s is not trusted by ", who(failure));
    append_store(text, failure);
    if (failure->failed_check) {
        g_string_append_printf(text,
                               ": the check %s of a certificate in it failed, so a certificate signed that may not "
                               "sign. No import heals that; the owner of %s has to change the chain. ",
                               failure->failed_check, who(failure));
        append_level(text);
        return;
    }
    if (failure->message) {
        g_string_append(text, ". Which certificate is missing is not known. ");
        append_notes(text, failure);
        return;
    }
    if (failure->torn_end) {
        append_torn_chain(text, failure);
        return;
    }
    if (is_garbled(failure)) {
        g_string_append(text, ". What is missing is not known. ");
        append_notes(text, failure);
        append_garbled(text, failure);
        return;
    }
    g_string_append(text, failure->chain->len > 0
                              ? ", and the trace does not show the issuer of its topmost certificate. "
                              : ", and the trace does not show the chain, so what is missing is not known. ");
    append_notes(text, failure);
    append_raise(text, failure);
}

/* ---- Other causes ---- */

static void append_reason(GString *text, const struct trace_failure *failure)
{
    if (failure->reason)
        g_string_append_printf(text, " (\"%s\")", failure->reason);
}

static void advise_expired(GString *text, const struct trace_failure *failure)
{
    g_string_append_printf(text,
                           "A certificate in the chain of %s is out of date%s. No import heals that: its owner has to "
                           "renew it. Check the clock of this host too.",
                           who(failure), failure->failed_check ? " (its check Validity failed)" : "");
}

/* ---- The server name ---- */

/* Digits and dots, or with a colon: an address is no name, and is not sent as one. */
static gboolean is_address(const char *host)
{
    return strchr(host, ':') || strspn(host, "0123456789.") == strlen(host);
}

/*
 * A client that sends no server name is a frequent reason for all kinds of failures.  That it was not sent is only seen
 * where the block prints such lines at all.  Which kernels send it without the parameter is not known.
 */
static void append_server_name(GString *text, const struct trace_failure *failure)
{
    if (failure->role == ROLE_SERVER || failure->sni || (failure->target && is_address(failure->target)))
        return;
    if (failure->details)
        g_string_append_printf(
            text,
            "The trace shows no server name that was sent (no line TLSextSNI), so the ICM may not send "
            "any: check the profile parameter icm/HTTPS/client_sni_enabled (TRUE sends it). Without "
            "the name%s%s, a server with many names shows its default certificate or refuses. ",
            failure->target ? " " : "", failure->target ? failure->target : "");
    else
        g_string_append(text, "It's possible that the ICM sends no server name (profile parameter "
                              "icm/HTTPS/client_sni_enabled); this part of the trace does not show whether it does. ");
}

static const char *presented(const struct trace_failure *failure)
{
    const struct trace_cert *leaf = failure->chain->len > 0 ? failure->chain->pdata[0] : NULL;
    return leaf ? leaf->subject : NULL;
}

static void advise_mismatch(GString *text, const struct trace_failure *failure)
{
    const char *subject = presented(failure), *target = failure->target;

    g_string_append(text, "The certificate that the peer");
    if (failure->peer)
        g_string_append_printf(text, " at %s", failure->peer);
    g_string_append(text, " presented");
    if (subject)
        g_string_append_printf(text, ", \"%s\",", subject);
    g_string_append_printf(text, " does not match the host name%s%s that was called. No import fixes that. ",
                           target ? " " : "", target ? target : "");
    append_server_name(text, failure);
    if (target && !is_address(target))
        g_string_append_printf(text, "Check that %s resolves to the right address", target);
    else
        g_string_append(text, "Check that this is the right address");
    if (failure->peer)
        g_string_append_printf(text, " (%s answered)", failure->peer);
    g_string_append(text, ". If it is, call the peer by a name in its certificate, or have its owner add this one.");
}

/* ---- Alerts ---- */

/* A sentence of alert.h, with the other side and the PSE put in. */
static void append_alert(GString *text, const struct trace_failure *failure, const char *sentence)
{
    g_autoptr(GString) store = g_string_new(NULL);
    append_store(store, failure);

    for (const char *at = sentence; *at;) {
        gboolean peer = g_str_has_prefix(at, "{peer}"), is_pse = g_str_has_prefix(at, "{pse}");
        if (peer || g_str_has_prefix(at, "{Peer}")) {
            const char *name = failure->role == ROLE_SERVER ? "the client" : "the peer";
            g_string_append_c(text, peer ? 't' : 'T');
            g_string_append(text, name + 1);
            at += strlen("{peer}");
        } else if (is_pse) {
            g_string_append(text, store->str);
            at += strlen("{pse}");
        } else {
            g_string_append_c(text, *at++);
        }
    }
    g_string_append_c(text, ' ');
}

static void append_alert_of(GString *text, const struct trace_failure *failure)
{
    const struct alert *alert = alert_find(failure->alert);
    gboolean server = failure->role == ROLE_SERVER;

    g_string_append_printf(text, "%s sent the TLS alert \"", server ? "The client" : "The peer");
    for (const char *at = alert->name; *at; at++)
        g_string_append_c(text, *at == '_' ? ' ' : *at);
    g_string_append_printf(text, "\" (%d). ", alert->number);
    append_alert(text, failure, server && alert->as_server ? alert->as_server : alert->as_client);
}

static void advise_refused(GString *text, const struct trace_failure *failure)
{
    if (failure->alert > 0 && alert_find(failure->alert)) {
        append_alert_of(text, failure);
        return;
    }
    g_string_append_printf(text, "%s did not accept the certificate of this side",
                           failure->role == ROLE_SERVER ? "The client" : "The peer");
    append_reason(text, failure);
    g_string_append(text, ". ");
    append_alert(text, failure, alert_named(slice_text("certificate_unknown"))->as_client);
}

static void advise_handshake(GString *text, const struct trace_failure *failure)
{
    if (failure->alert > 0 && alert_find(failure->alert)) {
        append_alert_of(text, failure);
        if (failure->alert == ALERT_HANDSHAKE_FAILURE || failure->alert == ALERT_UNRECOGNIZED_NAME)
            append_server_name(text, failure);
        if (failure->alert == ALERT_UNRECOGNIZED_NAME && failure->peer && failure->role != ROLE_SERVER)
            g_string_append_printf(text, "The address that answered is %s. ", failure->peer);
        g_string_append(text, "Nothing in the trace points to a missing certificate.");
        return;
    }
    g_string_append(text, "The TLS handshake failed");
    append_reason(text, failure);
    g_string_append(text, "; nothing in the trace points to a missing certificate. Compare the protocol versions and "
                          "cipher suites of both sides, and check whether one asks for a client certificate. ");
    append_server_name(text, failure);
    if (!failure->reason)
        append_raise(text, failure);
}

static void advise_closed(GString *text, const struct trace_failure *failure)
{
    g_string_append(text, "The peer, or a firewall or proxy before it, closed the connection. That says nothing about "
                          "trust. Check that the peer is up, that it may be reached from here, and its own log. ");
    append_server_name(text, failure);
    if (failure->peer && failure->role != ROLE_SERVER && failure->target)
        g_string_append_printf(text, "Check also that %s is the right address of %s. ", failure->peer, failure->target);
}

static void advise_not_tls(GString *text, const struct trace_failure *failure)
{
    (void)failure;
    g_string_append(text, "What answered does not speak TLS: the port may be one for HTTP without TLS, or the server "
                          "wants a server name (SNI) that it was not sent. No certificate is missing.");
}

static void advise_proxy(GString *text, const struct trace_failure *failure)
{
    g_string_append(text, "The proxy refused the connection");
    append_reason(text, failure);
    g_string_append(text, ". No certificate is missing: check address, user and permissions of the proxy.");
}

/* This side's own PSE: a higher trace level shows no more. */
static void advise_store(GString *text, const struct trace_failure *failure)
{
    gboolean credential = failure->error && strstr(failure->error, "CRED_NOT_FOUND");
    gboolean file = failure->error && strstr(failure->error, "FILENAME_TRUNCATED");

    g_string_append(text, "This side could not use ");
    append_store(text, failure);
    append_reason(text, failure);
    g_string_append(text, "; the peer is not to blame, and a higher trace level does not help. ");
    if (file) {
        g_string_append(text, "The path of the PSE is too long for the program: use a shorter one.");
        return;
    }
    if (credential)
        g_string_append(text, "It is protected by a PIN, and no credential opens it. ");
    g_string_append(
        text, "Check, as the user that the process runs as (<sid>adm): that the file exists, belongs to that user "
              "and can be read by it; that it opens (sapgenpse get_my_name -p PSE) and has an own certificate; and, "
              "if it has a PIN, that the credential file cred_v2 in the same folder (SECUDIR) has an entry for it "
              "(sapgenpse seclogin -l). If the entry is missing, create it with sapgenpse seclogin -p PSE -O <sid>adm. "
              "In an ABAP system, open the PSE in STRUST and save it again, which writes file and credential anew.");
}

/* Secure Network Communications: RFC, SAP GUI, SAProuter.  Not TLS, and not the PSEs of TLS. */
static void advise_snc(GString *text, const struct trace_failure *failure)
{
    g_string_append_printf(text,
                           "This is an error of SNC (Secure Network Communications: RFC, SAP GUI, SAProuter), not of "
                           "TLS%s%s. It is about the SNC PSE SAPSNCS.pse (in STRUST: SNC SAPCryptolib; SAProuter: "
                           "local.pse), not about the SSL PSEs, and the trace level of the ICM doesn't matter. ",
                           failure->error ? ": " : "", failure->error ? failure->error : "");
    if (failure->reason)
        g_string_append_printf(text, "The library says: \"%s\". ", failure->reason);
    g_string_append(text, snc_advice((enum snc)failure->snc));
    if (failure->target)
        g_string_append_printf(text, " The SNC name that was called is %s.", failure->target);
}

static void advise_reverse_proxy(GString *text, const struct trace_failure *failure)
{
    g_string_append(text, "A certificate that a reverse proxy forwarded was not taken");
    append_reason(text, failure);
    g_string_append(text, ", because the proxy is not trusted to forward any. That is set by profile parameters "
                          "(icm/trusted_reverse_proxy_<n>), not by the content of a PSE.");
}

static void advise_other(GString *text, const struct trace_failure *failure)
{
    g_string_append_printf(text, "The connection failed%s%s", failure->error ? " with " : "",
                           failure->error ? failure->error : "");
    append_reason(text, failure);
    g_string_append(text, failure->message
                              ? ", which stands for any failure of TLS: a certificate that is not trusted, "
                                "an alert, a connection that was closed. "
                              : "; the trace does not say that a certificate is missing. ");
    append_raise(text, failure);
}

static void (*const advisers[])(GString *text, const struct trace_failure *failure) = {
    [CAUSE_UNTRUSTED_PEER] = advise_untrusted,
    [CAUSE_EXPIRED_PEER] = advise_expired,
    [CAUSE_NAME_MISMATCH] = advise_mismatch,
    [CAUSE_PEER_REFUSED] = advise_refused,
    [CAUSE_HANDSHAKE] = advise_handshake,
    [CAUSE_CLOSED] = advise_closed,
    [CAUSE_NOT_TLS] = advise_not_tls,
    [CAUSE_PROXY_REFUSED] = advise_proxy,
    [CAUSE_STORE_UNUSABLE] = advise_store,
    [CAUSE_REVERSE_PROXY] = advise_reverse_proxy,
    [CAUSE_OTHER] = advise_other,
};

char *advice_text(const struct trace_failure *failure)
{
    GString *text = g_string_new(NULL);

    g_assert((size_t)failure->cause < G_N_ELEMENTS(advisers));
    if (failure->snc != SNC_NONE)
        advise_snc(text, failure);
    else
        advisers[failure->cause](text, failure);
    while (g_str_has_suffix(text->str, " "))
        g_string_truncate(text, text->len - 1);
    if (failure->message)
        append_trace(text, failure);
    if (failure->torn_end)
        g_string_append(text, " The trace breaks off in the middle of this error block: read it again when the block "
                              "is complete.");
    if (failure->torn_begin)
        g_string_append(text, " The trace begins in the middle of this error block, so the PSE, the peer or some "
                              "certificates may not be shown.");
    if (failure->cut)
        g_string_append(text, " Part of what the trace says was left out: a limit of this program was reached.");
    text->str[0] = g_ascii_toupper(text->str[0]);
    return g_string_free(text, FALSE);
}
