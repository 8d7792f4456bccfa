/* analyzer/alert, advice: what each alert means, and what to do about it. */
#include "alert.h"

#include "advice.h"
#include "analysis.h"
#include "scene.h"
#include "traces.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct row {
    int number;
    const char *name; /* as a trace prints it */
    enum audit_cause cause;
    enum alert_side side;
    const char *client, *server; /* the advice says; server NULL: the same */
} rows[] = {
    {10, "unexpected message", CAUSE_HANDSHAKE, ALERT_EITHER, "did not expect", NULL},
    {20, "bad record mac", CAUSE_HANDSHAKE, ALERT_EITHER, "damaged or changed", NULL},
    {21, "decryption failed", CAUSE_HANDSHAKE, ALERT_EITHER, "decrypt", NULL},
    {22, "record overflow", CAUSE_HANDSHAKE, ALERT_EITHER, "too long", NULL},
    {30, "decompression failure", CAUSE_HANDSHAKE, ALERT_EITHER, "unpack", NULL},
    {40, "handshake failure", CAUSE_HANDSHAKE, ALERT_EITHER, "ssl/client_ciphersuites", "ssl/ciphersuites"},
    {41, "no certificate", CAUSE_HANDSHAKE, ALERT_OURS, "needs an own certificate", "icm/HTTPS/verify_client"},
    {42, "bad certificate", CAUSE_PEER_REFUSED, ALERT_EITHER, "It may be either", NULL},
    {43, "unsupported certificate", CAUSE_PEER_REFUSED, ALERT_OURS, "TLS client authentication",
     "TLS server authentication"},
    {44, "certificate revoked", CAUSE_PEER_REFUSED, ALERT_OURS, "revoked the certificate in the PSE", NULL},
    {45, "certificate expired", CAUSE_PEER_REFUSED, ALERT_OURS, "has expired or is not valid yet. Renew it", NULL},
    {46, "certificate unknown", CAUSE_PEER_REFUSED, ALERT_EITHER, "It may be either", NULL},
    {47, "illegal parameter", CAUSE_HANDSHAKE, ALERT_EITHER, "contradicts", NULL},
    {48, "unknown ca", CAUSE_PEER_REFUSED, ALERT_THEIRS, "Nothing is missing in the PSE", NULL},
    {49, "access denied", CAUSE_PEER_REFUSED, ALERT_EITHER, "denied access", NULL},
    {50, "decode error", CAUSE_HANDSHAKE, ALERT_EITHER, "decode", NULL},
    {51, "decrypt error", CAUSE_HANDSHAKE, ALERT_EITHER, "belong together", NULL},
    {60, "export restriction", CAUSE_HANDSHAKE, ALERT_EITHER, "key length", NULL},
    {70, "protocol version", CAUSE_HANDSHAKE, ALERT_EITHER, "ssl/client_ciphersuites", "ssl/ciphersuites"},
    {71, "insufficient security", CAUSE_HANDSHAKE, ALERT_EITHER, "stronger cipher suites", NULL},
    {80, "internal error", CAUSE_HANDSHAKE, ALERT_THEIRS, "an error of its own", NULL},
    {86, "inappropriate fallback", CAUSE_HANDSHAKE, ALERT_OURS, "older TLS version", NULL},
    {90, "user canceled", CAUSE_HANDSHAKE, ALERT_THEIRS, "canceled", NULL},
    {100, "no renegotiation", CAUSE_HANDSHAKE, ALERT_EITHER, "second time", NULL},
    {109, "missing extension", CAUSE_HANDSHAKE, ALERT_EITHER, "TLS 1.3 requires", NULL},
    {110, "unsupported extension", CAUSE_HANDSHAKE, ALERT_EITHER, "did not ask for", NULL},
    {111, "certificate unobtainable", CAUSE_HANDSHAKE, ALERT_EITHER, "could not download", NULL},
    {112, "unrecognized name", CAUSE_HANDSHAKE, ALERT_EITHER, "resolves to the right address",
     "names in the certificate of the PSE"},
    {113, "bad certificate status response", CAUSE_HANDSHAKE, ALERT_EITHER, "OCSP", NULL},
    {114, "bad certificate hash value", CAUSE_HANDSHAKE, ALERT_EITHER, "another one than announced", NULL},
    {115, "unknown psk identity", CAUSE_HANDSHAKE, ALERT_EITHER, "shared key", NULL},
    {116, "certificate required", CAUSE_PEER_REFUSED, ALERT_OURS, "this side sent none. Change this side",
     "only servers do"},
    {120, "no application protocol", CAUSE_HANDSHAKE, ALERT_EITHER, "ALPN", NULL},
};

static struct trace *sentence(const struct row *row, gboolean server)
{
    g_autofree char *text = g_strdup_printf(
        "[Thr 1]   %s SSL session PSE \"/usr/sap/PRD/D00/sec/%s\"\n"
        "[Thr 1]   SSL NI-hdl 1: local=10.0.0.5:41234  peer=192.0.2.7:443\n"
        "[Thr 1] *** ERROR => IcmConnInit%sSSL: SapSSLSessionStart failed (-58): SSSLERR_SSL_READ\n"
        "[Thr 1]   => \"received a fatal TLS %s alert message from the peer\"\n",
        server ? "srv" : "cli", server ? "SAPSSLS.pse" : "SAPSSLC.pse", server ? "Server" : "Client", row->name);
    return traces_read_text(text);
}

/* By its sentence and by its error's name, as client and as server. */
Test(alert, each)
{
    cr_assert_eq(alert_count(), G_N_ELEMENTS(rows) + 1, "each but close_notify");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        const struct row *row = &rows[i];
        const struct alert *alert = alert_named(slice_text(row->name));
        cr_assert_not_null(alert, "%s", row->name);
        cr_expect_eq(alert->number, row->number, "%s", row->name);
        cr_expect_eq(alert, alert_find(row->number));
        cr_expect_eq(alert->side, row->side, "%s", row->name);
        for (int server = 0; server < 2; server++) {
            g_autoptr(trace_auto) trace = sentence(row, server);
            cr_assert_eq(trace->failures->len, 1, "%s", row->name);
            const struct trace_failure *failure = trace->failures->pdata[0];
            const char *says = server && row->server ? row->server : row->client;
            g_autofree char *advice = advice_text(failure);
            cr_expect_eq(failure->cause, row->cause, "%s", row->name);
            cr_expect_eq(failure->alert, row->number, "%s", row->name);
            cr_expect(strstr(advice, says), "%s: %s", row->name, advice);
            cr_expect(strstr(advice, server ? "The client sent the TLS alert" : "The peer sent the TLS alert"));
            cr_expect_null(strpbrk(advice, "{}"), "%s", advice);
            cr_expect_eq(strstr(advice, "Nothing is missing in the PSE") != NULL, row->number == 48, "%s", row->name);
            if (row->side == ALERT_OURS)
                cr_expect_null(strstr(advice, "has to trust the issuer of the certificate"), "%s", row->name);
        }
        g_autofree char *upper = g_ascii_strup(alert->name, -1);
        g_autofree char *text =
            g_strdup_printf("*** ERROR => SSL handshake with a.example:443 failed: SSSLERR_ALERT_%s (-199)\n", upper);
        g_autoptr(trace_auto) named = traces_read_text(text);
        cr_assert_eq(named->failures->len, 1);
        const struct trace_failure *failure = named->failures->pdata[0];
        cr_expect_eq(failure->cause, row->cause, "%s", upper);
        cr_expect_eq(failure->alert, row->number, "%s", upper);
    }
    cr_expect_null(alert_find(43210));
    cr_expect_null(alert_named(slice_text("certificate")));
    cr_expect_null(alert_named(slice_text("certificate expired now")));
}

/* A client's failures in which a server name that was not sent may play a part. */
static const struct {
    const char *what, *details, *error, *below;
    int says; /* -1 nothing of the parameter, 0 it is possible, 1 it was not sent */
    const char *word;
} names[] = {
    {"mismatch", "  Target Hostname=\"a.example\"\n  SSL NI-hdl 1: local=10.0.0.5:4  peer=192.0.2.7:443\n",
     "SSSLERR_SERVER_CERT_MISMATCH (-30)", "  ServerCert.subject = <CN=*.edge.example, C=US>\n", 1,
     "at 192.0.2.7:443 presented, \"CN=*.edge.example, C=US\", does not match the host name a.example"},
    {"mismatch, sent", "  Target Hostname=\"a.example\"\n  TLSextSNI server_name=\"a.example\"\n",
     "SSSLERR_SERVER_CERT_MISMATCH (-30)", "  ServerCert.subject = <CN=*.edge.example>\n", -1, "\"CN=*.edge.example\""},
    {"mismatch, bare", "", "SSSLERR_SERVER_CERT_MISMATCH (-30)", "", 0, "host name a.example"},
    {"mismatch of an address", "  Target Hostname=\"192.0.2.7\"\n", "SSSLERR_SERVER_CERT_MISMATCH (-30)", "", -1,
     "a name in its certificate"},
    {"unrecognized name", "  Target Hostname=\"a.example\"\n  SSL NI-hdl 1: local=10.0.0.5:4  peer=192.0.2.7:443\n",
     "SSSLERR_SSL_READ (-58)", "received a fatal TLS unrecognized name alert message from the peer\n", 1,
     "The address that answered is 192.0.2.7:443"},
    {"unrecognized name, sent", "  Target Hostname=\"a.example\"\n  TLSextSNI server_name=\"a.example\"\n",
     "SSSLERR_SSL_READ (-58)", "received a fatal TLS unrecognized name alert message from the peer\n", -1,
     "serves no host of the name"},
    {"handshake failure by name", "  Target Hostname=\"a.example\"\n", "SSSLERR_ALERT_HANDSHAKE_FAILURE (-122)", "", 1,
     "cipher suites"},
    {"another alert", "  Target Hostname=\"a.example\"\n", "SSSLERR_SSL_READ (-58)",
     "received a fatal TLS protocol version alert message from the peer\n", -1, "TLS 1.2"},
    {"read", "  Target Hostname=\"a.example\"\n", "SSSLERR_SSL_READ (-58)", "", 1, "cipher suites"},
    {"connect", "  Target Hostname=\"a.example\"\n", "SSSLERR_SSL_CONNECT (-57)", "", 1, "cipher suites"},
    {"closed", "  SSL NI-hdl 1: local=10.0.0.5:4  peer=192.0.2.7:443\n", "SSSLRC_CONN_CLOSED (-10)", "", 1,
     "192.0.2.7:443 is the right address of a.example"},
    {"closed, bare", "", "SSSLRC_CONN_CLOSED (-10)", "", 0, "says nothing about trust"},
    {"closed, sent", "  TLSextSNI server_name=\"a.example\"\n", "SSSLRC_CONN_CLOSED (-10)", "", -1, "firewall"},
    {"untrusted", "  Target Hostname=\"a.example\"\n", "SSSLERR_PEER_CERT_UNTRUSTED (-102)", "", -1, "not trusted"},
};

Test(alert, server_name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *text = g_strdup_printf("%s*** ERROR => SSL handshake with a.example:443 failed: %s\n%s",
                                                names[i].details, names[i].error, names[i].below);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        cr_assert_eq(trace->failures->len, 1, "%s", names[i].what);
        g_autofree char *advice = advice_text(trace->failures->pdata[0]);
        cr_expect_eq(strstr(advice, "client_sni_enabled") != NULL, names[i].says >= 0, "%s: %s", names[i].what, advice);
        cr_expect_eq(strstr(advice, "no line TLSextSNI") != NULL, names[i].says == 1, "%s: %s", names[i].what, advice);
        cr_expect(strstr(advice, names[i].word), "%s: %s", names[i].what, advice);
    }
    /* A server sends no name. */
    g_autoptr(trace_auto) server =
        traces_read_text("srv SSL session PSE \"/usr/sap/PRD/D00/sec/SAPSSLS.pse\"\n"
                         "SSL NI-hdl 1: local=10.0.0.5:443  peer=192.0.2.7:5000\n"
                         "*** ERROR => IcmConnInitServerSSL: SapSSLSessionStart failed (-10): SSSLRC_CONN_CLOSED\n");
    cr_assert_eq(server->failures->len, 1);
    g_autofree char *advice = advice_text(server->failures->pdata[0]);
    cr_expect_null(strstr(advice, "client_sni_enabled"), "%s", advice);
}

/* What SAP has written about a peer: said once, and of whom we call. */
Test(alert, notes_of_sap)
{
    static const struct {
        const char *target;
        guint note; /* how often "2728600" */
        gboolean twice;
    } peers[] = {
        {"l4711-iflmap.hcisbp.eu1.hana.ondemand.com", 1, FALSE},
        {"origin.apps.support.sap.com", 0, TRUE},
        {"api.example.com", 0, FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(peers); i++) {
        g_autofree char *text = g_strdup_printf(
            "*** ERROR => SSL handshake with %s:443 failed: SSSLERR_PEER_CERT_UNTRUSTED (-102)\n", peers[i].target);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        cr_assert_eq(trace->failures->len, 1);
        g_autofree char *advice = advice_text(trace->failures->pdata[0]);
        g_auto(GStrv) parts = g_strsplit(advice, "2728600", -1);
        cr_expect_eq(g_strv_length(parts) - 1, peers[i].note, "%s", advice);
        cr_expect_eq(strstr(advice, "SSL client (Anonymous), SAPSSLA.pse") != NULL, peers[i].twice, "%s", advice);
    }
}

/* The own PSE: who, which file, which credential; raising the level is no advice. */
Test(alert, own_store)
{
    static const struct {
        const char *error, *says;
    } stores[] = {
        {"SSSLERR_CRED_NOT_FOUND (-42)", "no credential opens it"},
        {"SSSLERR_PSE_ERROR (-40)", "cred_v2"},
        {"SSSLERR_PSE_SOMETHING", "sapgenpse seclogin -p PSE -O <sid>adm"},
        {"SSSLERR_NO_SERVER_CERT (-21)", "has an own certificate"},
        {"SSSLERR_FILENAME_TRUNCATED (-41)", "too long"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(stores); i++) {
        g_autofree char *text = g_strdup_printf("session uses PSE file \"/usr/sap/PRD/D00/sec/SAPSSLC.pse\"\n"
                                                "*** ERROR => SSL handshake with a.example:443 failed: %s\n",
                                                stores[i].error);
        g_autoptr(trace_auto) trace = traces_read_text(text);
        cr_assert_eq(trace->failures->len, 1, "%s", stores[i].error);
        const struct trace_failure *failure = trace->failures->pdata[0];
        g_autofree char *advice = advice_text(failure);
        cr_expect_eq(failure->cause, CAUSE_STORE_UNUSABLE, "%s", stores[i].error);
        cr_expect(strstr(advice, stores[i].says), "%s: %s", stores[i].error, advice);
        cr_expect(strstr(advice, "SAPSSLC.pse (in STRUST: SSL client (Standard))"), "%s", advice);
        cr_expect_null(strstr(advice, "Set the trace level"), "%s", advice);
    }
}

/* An audit knows the own certificate of the PSE that the failure names. */
Test(alert, own_certificate_of_an_audit)
{
    static const struct {
        const char *alert;
        int days; /* until its end */
        const char *says;
    } cases[] = {
        {"certificate expired", -3, "The certificate in SAPSSLC.pse, CN=own, issued by CN=own, expired on 2026-"},
        {"certificate expired", 300, "The certificate in SAPSSLC.pse, CN=own, issued by CN=own, is valid until 2027-"},
        {"unknown ca", 300, "is valid until 2027-"},
        {"certificate required", 300, "SAPSSLC.pse has an own certificate, CN=own, issued by CN=own: it was not sent"},
        {"protocol version", 300, NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(issued_auto) own = certs(.subject = "/CN=own", .not_after = CERTS_NOW + cases[i].days * CERTS_DAY);
        g_autoptr(GBytes) list = certs_join(own, NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *instance = scene_instance(host, "PRD", "D00");
        struct capture_store *store = scene_store(scene, host, instance, "SAPSSLC.pse", list);
        g_free(store->own);
        gsize size;
        const void *der = g_bytes_get_data(own->der, &size);
        store->own = scene_object(scene, der, size);
        g_autofree char *text = g_strdup_printf("[Thr 1] Sun Nov 22 01:02:03 2026\n"
                                                "[Thr 1] cli SSL session PSE \"/usr/sap/PRD/D00/sec/SAPSSLC.pse\"\n"
                                                "[Thr 1] *** ERROR => SSL handshake with a.example:443 failed: "
                                                "SSSLERR_SSL_READ (-58)\n"
                                                "[Thr 1] received a fatal TLS %s alert message from the peer\n",
                                                cases[i].alert);
        scene_trace(scene, host, instance, "dev_icm", text);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_assert_eq(audit->failures->len, 1);
        const char *advice = ((const struct audit_failure *)audit->failures->pdata[0])->advice;
        if (cases[i].says)
            cr_expect(strstr(advice, cases[i].says), "%s: %s", cases[i].alert, advice);
        else
            cr_expect_null(strstr(advice, "CN=own"), "%s: %s", cases[i].alert, advice);
    }
}
