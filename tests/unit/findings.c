/* analyzer/findings: all but missing anchors and the traces themselves, and how findings are followed by night. */
#include "findings.h"
#include "finding.h"

#include "moment.h"
#include "peers.h"
#include "scene.h"

#include <criterion/criterion.h>
#include <string.h>

#define DAY CERTS_DAY

static void set_own(struct scene *scene, struct capture_store *store, const struct issued *own)
{
    g_free(store->own);
    store->own = scene_object(scene, g_bytes_get_data(own->der, NULL), g_bytes_get_size(own->der));
}

static void set_unread(struct capture_store *store, const char *reason)
{
    g_free(store->method);
    store->method = g_strdup("none");
    store->reason = g_strdup(reason);
}

Test(findings, failures_of_other_causes)
{
    static const struct {
        const char *error, *title, *step;
        enum audit_severity severity;
    } rows[] = {
        {"SSSLERR_PEER_CERT_UNTRUSTED (-102)", "does not trust h.example.com; the trace does not name",
         "trace level to 2", SEVERITY_HIGH},
        {"SSSLERR_PEER_CERT_EXPIRED", "A certificate of h.example.com has expired", "to renew", SEVERITY_MEDIUM},
        {"SSSLERR_SERVER_CERT_MISMATCH (-30)", "is for another name", "by a name that its certificate has",
         SEVERITY_MEDIUM},
        {"SSSLERR_ALERT_CERTIFICATE_UNKNOWN (-127)", "does not accept the certificate of",
         "refused our certificate and does not say why", SEVERITY_MEDIUM},
        {"SSSLERR_ALERT_HANDSHAKE_FAILURE (-122)", "No TLS handshake between", "share no protocol", SEVERITY_MEDIUM},
        {"SSSLRC_CONN_CLOSED (-10)", "are closed during the handshake", "says nothing of trust", SEVERITY_LOW},
        {"SSSLRC_NO_SSL_RESPONSE (-75)", "does not speak TLS", "those of a TLS service", SEVERITY_LOW},
        {"SSSLERR_CRED_NOT_FOUND (-42)", "cannot be used", "credential", SEVERITY_HIGH},
        {"SSSLERR_INTERNAL_BUG (-8)", "fail (SSSLERR_INTERNAL_BUG)", "Read the quoted lines", SEVERITY_LOW},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        scene_headline(text, "h.example.com", rows[i].error);
        scene_trace(scene, host, d00, "dev_icm", text->str);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_assert_eq(scene_count(audit, FINDING_TLS_FAILURE), 1, "%s", rows[i].error);
        const struct audit_finding *finding = scene_finding(audit, FINDING_TLS_FAILURE);
        cr_expect(strstr(finding->title, rows[i].title), "%s: %s", rows[i].error, finding->title);
        cr_expect_eq(finding->severity, rows[i].severity, "%s", rows[i].error);
        cr_expect_str_neq(scene_step(finding->steps, rows[i].step), "", "%s", rows[i].error);
        cr_expect_str_eq(finding->host->name, "app01");
        cr_expect_eq(finding->failures->len, 1);
    }
}

Test(findings, forwarded_certificates_and_proxies)
{
    g_autoptr(scene_auto) scene = scene_new();
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    scene_trace(scene, host, d00, "dev_icm",
                "[Thr 1] *** ERROR => IcmConnInitClientSSL: Proxy connection to https://api.example.com:443 via "
                "proxy.example.com:3128 failed (proxy returned 407 Proxy Authentication Required)\n"
                "[Thr 2] HttpIsReverseProxyTrustworthy: no client certificate from the intermediary\n"
                "[Thr 2] Reject untrusted forwarded certificate (received via HTTPS without certificate)\n");
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_expect_eq(scene_count(audit, FINDING_TLS_FAILURE), 2);
    cr_expect_str_neq(scene_step(scene_finding(audit, FINDING_TLS_FAILURE)->steps, "prox"), "");
}

Test(findings, untrusted_without_a_name)
{
    static const struct {
        const char *level, *step;
        gboolean chain;
    } rows[] = {
        {"1", "Raise the trace level to 2", FALSE},
        {"2", "The trace level is 2 already", FALSE},
        {"2", "BasicConstraints or KeyUsage of a signer no import heals it", TRUE},
    };
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root"), leaf = certs(.subject = "/CN=a", .issuer = root);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GString) text = g_string_new(NULL);
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
        scene_header(text, rows[i].level, "785");
        if (rows[i].chain)
            UNTRUSTED(text, .target = "a.example.com", .chain = {leaf, root});
        else
            scene_headline(text, "a.example.com", "SSSLERR_PEER_CERT_UNTRUSTED (-102)");
        /* The signer is no CA. */
        char *status = rows[i].chain ? strstr(strstr(text->str, "SignerCert"), "Status:   ") : NULL;
        if (status)
            g_string_insert(text, status - text->str, "BasicConstraints:       Not successful\n[Thr 7]      ");
        scene_trace(scene, host, d00, "dev_icm", text->str);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = scene_finding(audit, FINDING_TLS_FAILURE);
        cr_assert_not_null(finding, "%zu", i);
        cr_expect_str_neq(scene_step(finding->steps, rows[i].step), "", "%s", rows[i].step);
    }
}

Test(findings, one_finding_for_a_peer_and_one_for_all_that_call)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00"), *d01 = scene_instance(host, "PRD", "D01");
    scene_headline(text, "a.example.com", "SSSLRC_CONN_CLOSED (-10)");
    scene_headline(text, "a.example.com", "SSSLRC_CONN_CLOSED (-10)");
    scene_headline(text, "b.example.com", "SSSLRC_CONN_CLOSED (-10)");
    for (int i = 0; i < 20; i++)
        g_string_append_printf(text,
                               "[Thr 9] *** ERROR during SecuSSL_SessionStart() from SSL_accept()==SSL_ERROR_SSL\n"
                               "[Thr 9]    session uses PSE file \"/usr/sap/PRD/D00/sec/SAPSSLS.pse\"\n"
                               "[Thr 9] SecuSSL_SessionStart: SSL_accept() failed  (536875078/0x20001046)\n"
                               "[Thr 9]   => \"received a fatal TLS certificate unknown alert message from the peer\"\n"
                               "[Thr 9]   SSL NI-hdl 463: local=192.0.2.10:443  peer=192.0.2.%d:50000\n"
                               "[Thr 9] *** ERROR => IcmConnInitServerSSL: SapSSLSessionStart returned (-56): "
                               "SSSLERR_SSL_ACCEPT [icxxconn.c 1700]\n",
                               i);
    scene_trace(scene, host, d00, "dev_icm", text->str);
    scene_trace(scene, host, d01, "dev_icm", text->str);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_expect_eq(scene_count(audit, FINDING_TLS_FAILURE), 6, "%u", scene_count(audit, FINDING_TLS_FAILURE));
    static const struct {
        enum audit_cause cause;
        const char *detail;
    } rows[] = {
        {CAUSE_CLOSED, "2 failed connections; peer: a.example.com."},
        {CAUSE_CLOSED, "1 failed connection; peer: b.example.com."},
        {CAUSE_PEER_REFUSED, "20 failed connections; peers: 192.0.2.0, 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4, "
                             "192.0.2.5, 192.0.2.6, 192.0.2.7, 192.0.2.8, 192.0.2.9 and 10 more."},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        int found = 0;
        for (guint j = 0; j < audit->findings->len; j++) {
            const struct audit_finding *finding = audit->findings->pdata[j];
            const struct audit_failure *failure = finding->failures->pdata[0];
            found += failure->cause == rows[i].cause && g_strcmp0(finding->detail, rows[i].detail) == 0;
        }
        cr_expect_eq(found, 2, "%s", rows[i].detail);
    }
}

Test(findings, peers_of_several_failures)
{
    static const struct {
        const char *what, *target;
        enum audit_role role;
        unsigned named, more; /* of the first failure */
        const char *other;    /* peer of a second one; NULL: there is none */
        unsigned other_more;
        const char *wanted;
    } rows[] = {
        {"nobody", NULL, ROLE_CLIENT, 0, 0, NULL, 0, ""},
        {"a name", "a", ROLE_CLIENT, 2, 0, NULL, 0, "a"},
        {"a name that others ask for", "a", ROLE_SERVER, 2, 0, NULL, 0, "p0, p1"},
        {"as many as are named", NULL, ROLE_SERVER, 10, 0, "p9", 0, "p0, p1, p2, p3, p4, p5, p6, p7, p8, p9"},
        {"one more", NULL, ROLE_SERVER, 10, 0, "q", 0, "p0, p1, p2, p3, p4, p5, p6, p7, p8, p9 and 1 more"},
        {"some that are counted", NULL, ROLE_SERVER, 2, 5, "p1", 0, "p0, p1 and 5 more"},
        {"not all of them", NULL, ROLE_SERVER, 1, AUDIT_PEERS_COUNTED - AUDIT_PEERS, NULL, 0,
         "p0 and at least 990 more"},
        {"nobody knows how many", NULL, ROLE_SERVER, 2, 5, "p1", 3, "p0, p1 and others"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) audit = audit_new();
        g_autoptr(GString) text = g_string_new(NULL);
        struct audit_failure *one = audit_failure_new(audit), *other = audit_failure_new(audit);
        struct peers peers;
        one->target = rows[i].target;
        one->role = other->role = rows[i].role;
        one->peers_more = rows[i].more;
        other->peers_more = rows[i].other_more;
        for (unsigned j = 0; j < rows[i].named; j++)
            g_ptr_array_add(one->peers, (void *)audit_textf(audit, "p%u", j));
        if (rows[i].other)
            g_ptr_array_add(other->peers, (void *)audit_text(audit, rows[i].other));
        peers_init(&peers);
        peers_add(&peers, one);
        peers_add(&peers, other);
        peers_append(&peers, text);
        peers_clear(&peers);
        cr_expect_str_eq(text->str, rows[i].wanted, "%s: %s", rows[i].what, text->str);
    }
}

Test(findings, certificates_at_their_end)
{
    static const struct {
        const char *what;
        int64_t begin, end; /* days from now */
        gboolean own;
        const char *file;
        int kind; /* -1: none */
        enum audit_severity severity;
    } rows[] = {
        {"own, expired", -400, -1, TRUE, "SAPSSLS.pse", FINDING_EXPIRED, SEVERITY_HIGH},
        {"own, of the anonymous client, expired", -400, -1, TRUE, "SAPSSLA.pse", FINDING_EXPIRED, SEVERITY_INFO},
        {"own, soon", -370, 29, TRUE, "SAPSSLS.pse", FINDING_EXPIRING, SEVERITY_MEDIUM},
        {"own, of the anonymous client, soon", -370, 29, TRUE, "SAPSSLA.pse", FINDING_EXPIRING, SEVERITY_INFO},
        {"own, in 30 days", -3700, 30, TRUE, "SAPSSLS.pse", -1, SEVERITY_INFO},
        {"own, soon, but a tenth of its life is left", -261, 29, TRUE, "SAPSSLS.pse", -1, SEVERITY_INFO},
        {"own, a little less than a tenth", -262, 29, TRUE, "SAPSSLS.pse", FINDING_EXPIRING, SEVERITY_MEDIUM},
        {"own, ends now", -400, 0, TRUE, "SAPSSLS.pse", FINDING_EXPIRING, SEVERITY_MEDIUM},
        {"own, in date", -10, 300, TRUE, "SAPSSLS.pse", -1, SEVERITY_INFO},
        {"anchor, expired", -400, -1, FALSE, "SAPSSLC.pse", FINDING_EXPIRED, SEVERITY_INFO},
        {"anchor, soon", -4000, 20, FALSE, "SAPSSLC.pse", FINDING_EXPIRING, SEVERITY_LOW},
        {"anchor, in date", -10, 300, FALSE, "SAPSSLC.pse", -1, SEVERITY_INFO},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(issued_auto) cert =
            certs(.subject = "/O=Example/CN=Ending", .not_before = CERTS_NOW + rows[i].begin * DAY,
                  .not_after = CERTS_NOW + rows[i].end * DAY);
        g_autoptr(GBytes) list = certs_join(cert, NULL), nothing = g_bytes_new_static("", 0);
        for (int j = 0; j < 2; j++) {
            struct capture_host *host = scene_host(scene, j ? "app02" : "app01");
            struct capture_instance *instance = scene_instance(host, j ? "QAS" : "PRD", "D00");
            struct capture_store *store =
                scene_store(scene, host, instance, rows[i].file, rows[i].own ? nothing : list);
            if (rows[i].own)
                set_own(scene, store, cert);
        }
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        unsigned count = scene_count(audit, FINDING_EXPIRED) + scene_count(audit, FINDING_EXPIRING);
        cr_expect_eq(count, rows[i].kind >= 0, "%s", rows[i].what);
        if (rows[i].kind < 0)
            continue;
        const struct audit_finding *finding = scene_finding(audit, (enum audit_finding_kind)rows[i].kind);
        cr_assert_not_null(finding, "%s", rows[i].what);
        cr_expect_eq(finding->severity, rows[i].severity, "%s", rows[i].what);
        cr_expect_eq(finding->stores->len, 2, "%s", rows[i].what);
        cr_expect_str_eq(finding->cert->subject, "CN=Ending, O=Example");
        cr_expect(strstr(finding->title, "of 2 trust stores"), "%s", finding->title);
        cr_expect_gt(finding->steps->len, 0);
    }
}

Test(findings, an_own_certificate_in_its_own_list_counts_as_own)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(issued_auto) cert = certs(.subject = "/CN=own", .not_after = CERTS_NOW - DAY);
    g_autoptr(GBytes) list = certs_join(cert, NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    set_own(scene, scene_store(scene, host, d00, "SAPSSLS.pse", list), cert);
    scene_store(scene, host, d00, "SAPSSLC.pse", list);
    scene_reference(scene, "unused.pem", cert);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_assert_eq(audit->findings->len, 1);
    const struct audit_finding *finding = audit->findings->pdata[0];
    cr_expect_eq(finding->severity, SEVERITY_HIGH);
    cr_expect_eq(finding->stores->len, 1);
    cr_expect_str_eq(finding->title, "own has expired, own certificate of PRD SAPSSLS.pse");
}

Test(findings, drift_between_instances)
{
    g_autoptr(issued_auto) common = certs(.subject = "/CN=Common");
    g_autoptr(issued_auto) first = certs(.subject = "/CN=First"), second = certs(.subject = "/CN=Second");
    g_autoptr(GBytes) one = certs_join(common, first, NULL), two = certs_join(second, common, NULL);
    static const struct {
        const char *what;
        gboolean same, unread, partly, drift;
    } rows[] = {
        {"different", .drift = TRUE},
        {"the same", .same = TRUE},
        {"one not read", .unread = TRUE},
        {"one read in part", .partly = TRUE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        struct capture_host *a = scene_host(scene, "app01"), *b = scene_host(scene, "app02");
        scene_store(scene, a, scene_instance(a, "PRD", "D00"), "SAPSSLC.pse", one);
        struct capture_store *store =
            scene_store(scene, b, scene_instance(b, "PRD", "D01"), "SAPSSLC.pse", rows[i].same ? one : two);
        if (rows[i].unread)
            set_unread(store, "needs-pin");
        if (rows[i].partly) {
            g_autoptr(GString) bytes = g_string_new_len(g_bytes_get_data(two, NULL), (gssize)g_bytes_get_size(two));
            g_string_append_len(bytes, "\x30\x03\x02\x01\x05", 5);
            g_free(store->trusted);
            store->trusted = scene_object(scene, bytes->str, bytes->len);
        }
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_expect_eq(scene_count(audit, FINDING_DRIFT), (unsigned)rows[i].drift, "%s", rows[i].what);
        cr_expect_eq(scene_count(audit, FINDING_STORE_UNREADABLE), rows[i].unread || rows[i].partly, "%s",
                     rows[i].what);
        if (!rows[i].drift)
            continue;
        const struct audit_finding *finding = scene_finding(audit, FINDING_DRIFT);
        cr_expect_eq(finding->severity, SEVERITY_MEDIUM);
        cr_expect(strstr(finding->detail, "\"CN=First\" is missing in D01 of PRD on app02"), "%s", finding->detail);
        cr_expect(strstr(finding->detail, "\"CN=Second\" is missing in D00 of PRD on app01"), "%s", finding->detail);
        cr_expect_not(strstr(finding->detail, "CN=Common"));
        cr_expect_str_neq(scene_step(finding->steps, "distribute"), "");
    }
}

/* What one of several has, and nobody else, is rather too much there than missing elsewhere. */
Test(findings, drift_that_is_one_too_many)
{
    g_autoptr(issued_auto) common = certs(.subject = "/CN=Common"), extra = certs(.subject = "/CN=Extra");
    g_autoptr(GBytes) plain = certs_join(common, NULL), more = certs_join(common, extra, NULL);
    g_autoptr(scene_auto) scene = scene_new();
    static const char *const names[] = {"D00", "D01", "D02"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        struct capture_host *host = scene_host(scene, names[i]);
        scene_store(scene, host, scene_instance(host, "PRD", names[i]), "SAPSSLC.pse", i == 1 ? more : plain);
    }
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = scene_finding(audit, FINDING_DRIFT);
    cr_assert_not_null(finding);
    cr_expect_str_eq(finding->detail, "\"CN=Extra\" is only in D01 of PRD on D01.");
}

Test(findings, much_drift_is_counted)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GPtrArray) issued = g_ptr_array_new_with_free_func((GDestroyNotify)certs_free);
    g_autoptr(GString) bytes = g_string_new(NULL);
    g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
    for (int i = 0; i < FINDING_NAMED + 3; i++) {
        g_autofree char *subject = g_strdup_printf("/CN=Root %02d", i);
        struct issued *cert = certs(.subject = subject);
        g_ptr_array_add(issued, cert);
        g_string_append_len(bytes, g_bytes_get_data(cert->der, NULL), (gssize)g_bytes_get_size(cert->der));
    }
    g_autoptr(GBytes) all = g_bytes_new(bytes->str, bytes->len);
    for (int i = 0; i < 2 * FINDING_NAMED + 4; i++) {
        g_autofree char *name = g_strdup_printf("app%02d", i), *instance = g_strdup_printf("D%02d", i);
        struct capture_host *host = scene_host(scene, name);
        struct capture_store *store =
            scene_store(scene, host, scene_instance(host, "PRD", instance), "SAPSSLC.pse", i % 2 ? nothing : all);
        struct capture_store *other = scene_store(scene, host, host->instances->pdata[0], "SAPSSLA.pse", nothing);
        set_unread(other, "not-allowed");
        cr_assert(store != other);
    }
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    const struct audit_finding *finding = scene_finding(audit, FINDING_DRIFT);
    cr_assert_not_null(finding);
    cr_expect(strstr(finding->detail, "; and 3 more"), "%s", finding->detail);
    cr_expect(strstr(finding->detail, " is missing in D01 of PRD on app01, "), "%s", finding->detail);
    cr_expect(strstr(finding->detail, "D19 of PRD on app19 and 2 more"), "%s", finding->detail);
    finding = scene_finding(audit, FINDING_STORE_UNREADABLE);
    cr_expect(strstr(finding->detail, "; and 14 more"), "%s", finding->detail);
}

Test(findings, stores_that_were_not_read)
{
    static const struct {
        const char *reason, *step;
    } rows[] = {
        {"not-allowed", "ansible_become"},
        {"needs-pin", "has a PIN"},
        {"damaged", "distribute the PSE again from STRUST"},
        {"no-pse", "is none"},
        {"unknown-version", "Please report"},
        {"changed", "next audit"},
        {"too-large", "larger"},
        {"sapgenpse-failed status 5", "maintain_pk -l -p SAPSSLC.pse"},
        {"something else", "by hand"},
        {"not-allowed (sudo -u prdadm: no)", "ansible_become"},
        {"damaged at byte 7", "distribute the PSE again from STRUST"},
        {"damages", "by hand"},
        {"private-key", "contained a private key, so it was thrown away"},
        {"link", "leads out of its instance"},
        {"disk-budget", "raise --disk-budget"},
        {"wrong-owner", "correct its owner"},
        {"time-out", "Check whether sapgenpse hangs"},
        {"too-many-objects", "more objects than any PSE"},
        {"no-tool od", "Install it"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        for (int needed = 0; needed < 3; needed++) {
            g_autoptr(scene_auto) scene = scene_new();
            g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
            struct capture_host *host = scene_host(scene, "web01");
            struct capture_instance *w20 = scene_instance(host, "PRD", "W20");
            if (needed < 2) /* else no list at all was read */
                scene_store(scene, host, w20, "SAPSSLA.pse", nothing);
            struct capture_store *store = scene_store(scene, host, w20, "SAPSSLC.pse", nothing);
            g_autoptr(GString) text = g_string_new(NULL);
            set_unread(store, rows[i].reason);
            if (needed)
                UNTRUSTED(text, .store = store->path, .target = "a.example.com");
            scene_trace(scene, host, w20, "dev_webdisp", text->str);
            g_autoptr(audit_auto) audit = scene_run(scene, NULL);
            cr_assert_eq(scene_count(audit, FINDING_STORE_UNREADABLE), 1, "%s", rows[i].reason);
            const struct audit_finding *finding = scene_finding(audit, FINDING_STORE_UNREADABLE);
            cr_expect(strstr(finding->detail, rows[i].reason), "%s", finding->detail);
            static const enum audit_severity severities[] = {SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH};
            cr_expect_eq(finding->severity, severities[needed], "%s", rows[i].reason);
            cr_expect_str_neq(scene_step(finding->steps, rows[i].step), "", "%s", rows[i].reason);
        }
    }
}

/* What sapgenpse said instead of a list is the reason, and the step fits it. */
Test(findings, what_sapgenpse_said)
{
    static const struct {
        int64_t status;
        const char *listing, *reason, *step;
    } rows[] = {
        {4, "maintain_pk: Couldn't open PSE \"a\" (Decoding error)\n",
         "damaged: maintain_pk: Couldn't open PSE \"a\" (Decoding error)", "distribute the PSE again from STRUST"},
        {127, "sapgenpse: error while loading shared libraries: libslcryptokernel.so: cannot open\n",
         "sapgenpse could not be run: sapgenpse: error while loading shared libraries: libslcryptokernel.so",
         "LD_LIBRARY_PATH"},
        {1, "maintain_pk: cannot read the directory of SECUDIR\nmore\n",
         "sapgenpse: maintain_pk: cannot read the directory of SECUDIR", "Fix what it says"},
        {137, "", "sapgenpse was stopped: status 137", "Fix what it says"},
        {3, "", "sapgenpse said nothing: status 3", "Fix what it says"},
        {5, "maintain_pk: Couldn't open PSE (Wrong PIN/Passphrase)\n", "PIN needed", "has a PIN"},
        {2, "\033[31mmaintain_pk: ERROR: no\x80\n", "sapgenpse: \\x1b[31mmaintain_pk: ERROR: no", "Fix what it says"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        g_autoptr(GBytes) nothing = g_bytes_new_static("", 0);
        struct capture_host *host = scene_host(scene, "qas");
        struct capture_store *store =
            scene_store(scene, host, scene_instance(host, "QAS", "D10"), "SAPSSLC.pse", nothing);
        set_unread(store, "sapgenpse-failed");
        store->listing = scene_object(scene, rows[i].listing, strlen(rows[i].listing));
        store->listing_status = rows[i].status;
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        const struct audit_finding *finding = scene_finding(audit, FINDING_STORE_UNREADABLE);
        cr_assert_not_null(finding);
        cr_expect(strstr(finding->detail, rows[i].reason), "%s", finding->detail);
        cr_expect_str_neq(scene_step(finding->steps, rows[i].step), "", "%s", rows[i].reason);
        const struct audit_host *told = audit->hosts->pdata[0];
        cr_expect_eq(told->status, HOST_COLLECTED, "the file itself is the trouble");
    }
}

Test(findings, hosts_that_were_not_collected)
{
    g_autoptr(scene_auto) scene = scene_new();
    struct capture_host *failed = scene_host(scene, "app01"), *partial = scene_host(scene, "app02");
    scene_instance(scene_host(scene, "app03"), "PRD", "D00");
    failed->status = CAPTURE_FAILED;
    failed->reason = g_strdup("time-out");
    failed->message = g_strdup("no answer while connecting");
    failed->owner = g_strdup("team basis");
    partial->status = CAPTURE_PARTIAL;
    g_autoptr(audit_auto) first = scene_run(scene, NULL);
    cr_assert_eq(scene_count(first, FINDING_HOST_MISSING), 2);
    const struct audit_finding *finding = NULL;
    for (guint i = 0; i < first->findings->len; i++)
        if (g_str_equal(((struct audit_finding *)first->findings->pdata[i])->host->name, "app01"))
            finding = first->findings->pdata[i];
    cr_assert_not_null(finding);
    cr_expect_str_eq(finding->title, "app01 was not collected (time-out)");
    cr_expect_str_eq(finding->detail, "no answer while connecting. To be asked: team basis");

    g_autoptr(scene_auto) next = scene_new();
    scene_instance(scene_host(next, "app01"), "PRD", "D00");
    g_autoptr(audit_auto) second = scene_run_at(next, first, CERTS_NOW + DAY);
    cr_assert_eq(scene_count(second, FINDING_HOST_MISSING), 3);
    for (guint i = 0; i < second->findings->len; i++) {
        finding = second->findings->pdata[i];
        if (g_str_equal(finding->host->name, "app01"))
            cr_expect_eq(finding->state, STATE_FIXED);
        else if (g_str_equal(finding->host->name, "app02"))
            cr_expect_eq(finding->state, STATE_OPEN, "in no capture");
        else
            cr_expect_eq(finding->state, STATE_NEW, "collected the night before, and in no capture");
    }
    g_autoptr(scene_auto) last = scene_new();
    scene_instance(scene_host(last, "app01"), "PRD", "D00");
    g_autoptr(audit_auto) third = scene_run_at(last, second, CERTS_NOW + (HISTORY_DAYS + 1) * DAY);
    cr_expect_eq(scene_count(third, FINDING_HOST_MISSING), 0);
}

struct troubles {
    struct issued *old, *soon, *one, *two;
};

/* app01 and what is left out are hosts of one system, and each has troubles of its own. */
static struct audit *half_a_night(struct scene *scene, gboolean both, gboolean wrong, const struct troubles *troubles,
                                  const struct audit *previous, int64_t at)
{
    g_autoptr(GBytes) list = certs_join(troubles->one, NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    scene_header(text, wrong ? "2" : "1", "785");

    for (int i = 1; i <= (both ? 2 : 1); i++) {
        g_autofree char *name = g_strdup_printf("app0%d", i);
        struct capture_host *host = scene_host(scene, name);
        struct capture_instance *instance = scene_instance(host, "PRD", i == 1 ? "D00" : "D01");
        struct capture_store *store = scene_store(scene, host, instance, "SAPSSLS.pse", list);
        if (wrong)
            set_own(scene, store, troubles->old);
        scene_trace(scene, host, instance, "dev_icm", text->str);
    }
    return scene_run_at(scene, previous, at);
}

Test(findings, hosts_left_out_on_purpose_stay_as_they_were)
{
    struct troubles troubles = {
        .old = certs(.subject = "/CN=Old own", .not_after = CERTS_NOW - DAY),
        .one = certs(.subject = "/CN=One"),
    };
    static const struct {
        const char *what;
        int64_t after;
        gboolean left_out; /* on purpose */
    } rows[] = {
        {"left out", DAY, TRUE},
        {"left out, for long", (HISTORY_DAYS + 1) * DAY, TRUE},
        {"in no capture", DAY, FALSE},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) whole = scene_new();
        g_autoptr(audit_auto) first = half_a_night(whole, TRUE, TRUE, &troubles, NULL, CERTS_NOW);
        g_autoptr(scene_auto) limited = rows[i].left_out ? scene_new_without("app02") : scene_new();
        g_autoptr(audit_auto) second = half_a_night(limited, FALSE, FALSE, &troubles, first, CERTS_NOW + rows[i].after);

        cr_expect_eq(scene_count(second, FINDING_HOST_MISSING), rows[i].left_out ? 0 : 1, "%s", rows[i].what);
        for (guint j = 0; j < first->findings->len; j++) {
            const struct audit_finding *before = first->findings->pdata[j], *after = NULL;
            for (guint k = 0; k < second->findings->len; k++)
                if (g_str_equal(((struct audit_finding *)second->findings->pdata[k])->id, before->id))
                    after = second->findings->pdata[k];
            gboolean looked_at = before->host && g_str_equal(before->host->name, "app01");
            cr_assert_not_null(after, "%s: %s", rows[i].what, before->title);
            cr_expect_eq(after->state, looked_at ? STATE_FIXED : STATE_OPEN, "%s: %s", rows[i].what, before->title);
            cr_expect(looked_at || strstr(after->detail, "Not looked at in this audit"), "%s: %s", rows[i].what,
                      after->detail);
        }
        const struct audit_host *host = second->hosts->pdata[1];
        cr_assert_str_eq(host->name, "app02");
        cr_expect_eq(host->status, rows[i].left_out ? HOST_LEFT_OUT : HOST_FAILED, "%s", rows[i].what);
        const struct audit_capture *capture = second->captures->pdata[0];
        cr_expect_eq(capture->left_out, rows[i].left_out ? 1 : 0, "%s", rows[i].what);
        cr_expect_str_eq(capture->limit ? capture->limit : "", rows[i].left_out ? "app01" : "", "%s", rows[i].what);
    }
    certs_free(troubles.old);
    certs_free(troubles.one);
}

/* A host that was missing last night and is left out now is neither found nor missing anew. */
Test(findings, a_missing_host_that_is_left_out_stays_missing)
{
    g_autoptr(scene_auto) whole = scene_new(), limited = scene_new_without("app02"), again = scene_new();
    scene_instance(scene_host(whole, "app01"), "PRD", "D00");
    scene_host(whole, "app02")->status = CAPTURE_FAILED;
    g_autoptr(audit_auto) first = scene_run(whole, NULL);
    scene_instance(scene_host(limited, "app01"), "PRD", "D00");
    g_autoptr(audit_auto) second = scene_run_at(limited, first, CERTS_NOW + DAY);
    cr_assert_eq(scene_count(second, FINDING_HOST_MISSING), 1);
    cr_expect_eq(scene_finding(second, FINDING_HOST_MISSING)->state, STATE_OPEN);
    scene_instance(scene_host(again, "app01"), "PRD", "D00");
    scene_instance(scene_host(again, "app02"), "PRD", "D00");
    g_autoptr(audit_auto) third = scene_run_at(again, second, CERTS_NOW + DAY);
    cr_expect_eq(scene_finding(third, FINDING_HOST_MISSING)->state, STATE_FIXED);
}

/* Everything that can be wrong beside missing anchors, on one host, or nothing at all. */
static struct audit *troubled_night(const struct troubles *troubles, gboolean wrong, const char *status,
                                    const struct audit *previous, int64_t at)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GBytes) list = certs_join(troubles->one, NULL), other = certs_join(troubles->two, NULL);
    struct capture_host *host = scene_host(scene, "app01"), *second = scene_host(scene, "app02");
    struct capture_instance *d01 = scene_instance(second, "PRD", "D01");
    scene_store(scene, second, d01, "SAPSSLC.pse", list);
    if (g_str_equal(status, "failed")) {
        host->status = CAPTURE_FAILED;
        return scene_run_at(scene, previous, at);
    }
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    struct capture_store *store = scene_store(scene, host, d00, "SAPSSLC.pse", wrong ? other : list);
    struct capture_store *server = scene_store(scene, host, d00, "SAPSSLS.pse", list);
    struct capture_store *system = scene_store(scene, host, d00, "SAPSYS.pse", list);
    if (wrong) {
        set_own(scene, server, troubles->old);
        set_own(scene, store, troubles->soon);
        set_unread(system, "needs-pin");
        scene_headline(text, "a.example.com", "SSSLRC_CONN_CLOSED (-10)");
    }
    if (g_str_equal(status, "unread")) {
        set_unread(store, "not-allowed");
        set_unread(server, "not-allowed");
    } else {
        scene_header(text, wrong ? "2" : "1", "785");
    }
    scene_trace(scene, host, d00, "dev_icm", text->str);
    return scene_run_at(scene, previous, at);
}

Test(findings, followed_from_night_to_night)
{
    struct troubles troubles = {
        .old = certs(.subject = "/CN=Old own", .not_after = CERTS_NOW - DAY),
        .soon = certs(.subject = "/CN=Soon own", .not_after = CERTS_NOW + 3 * DAY),
        .one = certs(.subject = "/CN=One"),
        .two = certs(.subject = "/CN=Two"),
    };
    static const enum audit_finding_kind kinds[] = {FINDING_EXPIRED,          FINDING_EXPIRING,    FINDING_DRIFT,
                                                    FINDING_STORE_UNREADABLE, FINDING_TRACE_LEVEL, FINDING_TLS_FAILURE};
    g_autoptr(audit_auto) first = troubled_night(&troubles, TRUE, "", NULL, CERTS_NOW);
    cr_expect_eq(first->findings->len, G_N_ELEMENTS(kinds));
    g_autoptr(audit_auto) second = troubled_night(&troubles, TRUE, "", first, CERTS_NOW + DAY);
    g_autoptr(audit_auto) failed = troubled_night(&troubles, TRUE, "failed", second, CERTS_NOW + 2 * DAY);
    g_autoptr(audit_auto) again = troubled_night(&troubles, TRUE, "failed", failed, CERTS_NOW + 2 * DAY);
    g_autoptr(audit_auto) unread = troubled_night(&troubles, FALSE, "unread", second, CERTS_NOW + 2 * DAY);
    g_autoptr(audit_auto) healed = troubled_night(&troubles, FALSE, "", failed, CERTS_NOW + 2 * DAY);
    g_autoptr(audit_auto) over = troubled_night(&troubles, FALSE, "", healed, CERTS_NOW + 2 * DAY);
    g_autoptr(audit_auto) back = troubled_night(&troubles, TRUE, "", healed, CERTS_NOW + 2 * DAY);
    g_autoptr(audit_auto) grown = troubled_night(&troubles, TRUE, "", second, CERTS_NOW + 4 * DAY);

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        const char *name = audit_finding_kind_name(kinds[i]);
        const struct audit_finding *finding = scene_finding(first, kinds[i]);
        cr_assert_not_null(finding, "%s", name);
        g_autofree char *id = g_strdup(finding->id);
        cr_expect_eq(finding->state, STATE_NEW, "%s", name);

        finding = scene_finding(second, kinds[i]);
        cr_assert_not_null(finding, "%s", name);
        cr_expect_str_eq(finding->id, id, "%s", name);
        cr_expect_eq(finding->state, STATE_OPEN, "%s", name);
        cr_expect_eq(finding->first_seen, CERTS_NOW, "%s", name);

        finding = scene_finding(failed, kinds[i]);
        cr_assert_not_null(finding, "%s", name);
        cr_expect_str_eq(finding->id, id, "%s", name);
        cr_expect_eq(finding->state, STATE_OPEN, "%s: nobody looked", name);
        cr_expect(g_str_has_suffix(finding->detail, "Not looked at in this audit."), "%s", name);
        cr_expect_gt(finding->steps->len, 0);
        cr_expect_str_eq(scene_finding(again, kinds[i])->detail, finding->detail, "%s: said once", name);

        finding = scene_finding(healed, kinds[i]);
        cr_assert_not_null(finding, "%s", name);
        cr_expect_eq(finding->state, STATE_FIXED, "%s", name);
        cr_expect_null(scene_finding(over, kinds[i]), "%s", name);
        cr_expect_eq(scene_finding(back, kinds[i])->state, STATE_RETURNED, "%s", name);
        cr_expect_eq(scene_finding(back, kinds[i])->first_seen, CERTS_NOW, "%s", name);
    }
    cr_expect_eq(scene_finding(unread, FINDING_EXPIRED)->state, STATE_OPEN, "its PSE was not read");
    cr_expect_eq(scene_finding(unread, FINDING_DRIFT)->state, STATE_OPEN);
    cr_expect_eq(scene_finding(unread, FINDING_TRACE_LEVEL)->state, STATE_OPEN, "the trace has no header");
    cr_expect_eq(scene_finding(unread, FINDING_TLS_FAILURE)->state, STATE_OPEN, "the trace was not understood");
    cr_expect_eq(scene_count(grown, FINDING_EXPIRING), 0, "it has expired by now, which is another finding");
    cr_expect_eq(scene_count(grown, FINDING_EXPIRED), 2);

    certs_free(troubles.old);
    certs_free(troubles.soon);
    certs_free(troubles.one);
    certs_free(troubles.two);
}

/* A closed connection in the trace of D00, which is read or not the night after; it is silent then. */
enum trace {
    TRACE_READ,
    TRACE_UNREAD,
    TRACE_GONE,
    TRACE_CUT,
    TRACE_MOVED,
    TRACE_NO_TEXT,
    TRACE_TAIL_LONG,
    TRACE_TAIL_SHORT,
    TRACE_TAIL_NO_TIME,
};

static struct audit *night_of_trace(enum trace trace, const struct audit *previous, int64_t at)
{
    static const char early[] = "[Thr 7] Sat Nov 21 00:00:00 2026\n", late[] = "[Thr 7] Sun Nov 22 01:00:00 2026\n";
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, "app01");
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");

    host->finished = at;
    scene_header(text, "1", "785");
    g_string_append(text, trace == TRACE_TAIL_NO_TIME ? "" : trace == TRACE_TAIL_SHORT ? late : early);
    if (!previous)
        scene_headline(text, "a.example.com", "SSSLRC_CONN_CLOSED (-10)");
    for (int i = 0; trace == TRACE_NO_TEXT && i < 100; i++)
        g_string_append_len(text, "\0x\n", 3);
    if (trace == TRACE_NO_TEXT)
        g_string_erase(text, 0, (gssize)strlen(text->str));
    if (trace == TRACE_GONE)
        return scene_run_at(scene, previous, at);
    struct capture_trace *file = scene_trace(scene, host, d00, "dev_icm", text->str);
    if (trace == TRACE_NO_TEXT) {
        g_free(file->object);
        file->object = scene_object(scene, text->str, text->len);
    }
    file->from_byte = trace >= TRACE_TAIL_LONG ? 1000 : 0;
    file->size_bytes = file->from_byte + (int64_t)text->len + (trace == TRACE_CUT);
    file->moved = trace == TRACE_MOVED;
    if (trace == TRACE_UNREAD) {
        g_clear_pointer(&file->object, g_free);
        file->reason = g_strdup("not-allowed");
    }
    return scene_run_at(scene, previous, at);
}

/* The words by which the probe or the collector refuses a trace come with what to do. */
Test(findings, what_to_do_about_refused_traces)
{
    static const struct {
        const char *reason, *warning;
    } rows[] = {
        {"private-key",
         "(private-key), so failures in it are not known: what the host sent contained a private key and"},
        {"disk-budget", "(disk-budget), so failures in it are not known: free space on the collecting machine"},
        {"link", "(link), so failures in it are not known: the file is a link that leads out of its instance"},
        {"wrong-owner",
         "(wrong-owner), so failures in it are not known: the file belongs to a user other than the owner"},
        {"not-a-trace", "(not-a-trace), so failures in it are not known: the file doesn't begin as a trace"},
        {"no-tool head", "(no-tool head), so failures in it are not known"},
        {"time-out", "(time-out), so failures in it are not known"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(scene_auto) scene = scene_new();
        struct capture_host *host = scene_host(scene, "app01");
        struct capture_trace *file = scene_trace(scene, host, scene_instance(host, "PRD", "D00"), "dev_icm", "x");
        g_clear_pointer(&file->object, g_free);
        file->reason = g_strdup(rows[i].reason);
        g_autoptr(audit_auto) audit = scene_run(scene, NULL);
        cr_assert_eq(audit->warnings->len, 1);
        cr_expect(strstr(audit->warnings->pdata[0], rows[i].warning), "%s", (char *)audit->warnings->pdata[0]);
        const struct audit_host *seen = audit->hosts->pdata[0];
        cr_expect_eq(seen->status, strcmp(rows[i].reason, "not-a-trace") == 0 ? HOST_COLLECTED : HOST_PARTIAL, "%s",
                     rows[i].reason);
    }
}

Test(findings, a_trace_that_was_not_read_is_not_silent)
{
    static const struct {
        const char *what;
        enum trace trace;
        enum audit_state state;
        const char *warning; /* NULL: none */
    } rows[] = {
        {"read to its end", TRACE_READ, STATE_FIXED, NULL},
        {"not read", TRACE_UNREAD, STATE_OPEN, "this trace was not read (not-allowed)"},
        {"gone", TRACE_GONE, STATE_OPEN, "/work/dev_icm: the previous audit has this trace"},
        {"its last byte is missing", TRACE_CUT, STATE_OPEN, "its end is missing"},
        {"rotated while it was read", TRACE_MOVED, STATE_OPEN, "its end may be missing"},
        {"no text", TRACE_NO_TEXT, STATE_OPEN, "is binary data, not text"},
        {"its end, from before the previous audit", TRACE_TAIL_LONG, STATE_FIXED, NULL},
        {"its end, from after the previous audit", TRACE_TAIL_SHORT, STATE_OPEN, NULL},
        {"its end, from nobody knows when", TRACE_TAIL_NO_TIME, STATE_OPEN, NULL},
    };
    g_autoptr(audit_auto) first = night_of_trace(TRACE_READ, NULL, CERTS_NOW);
    cr_assert_eq(scene_finding(first, FINDING_TLS_FAILURE)->state, STATE_NEW);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) second = night_of_trace(rows[i].trace, first, CERTS_NOW + DAY);
        const struct audit_finding *finding = scene_finding(second, FINDING_TLS_FAILURE);
        cr_assert_not_null(finding, "%s", rows[i].what);
        cr_expect_eq(finding->state, rows[i].state, "%s", rows[i].what);
        cr_expect_eq(second->warnings->len, rows[i].warning != NULL, "%s", rows[i].what);
        if (rows[i].warning && second->warnings->len)
            cr_expect(strstr(second->warnings->pdata[0], rows[i].warning), "%s: %s", rows[i].what,
                      (char *)second->warnings->pdata[0]);
        /* Carried on, it does not say any more which instance failed. */
        g_autoptr(audit_auto) third = night_of_trace(rows[i].trace, second, CERTS_NOW + 2 * DAY);
        if (rows[i].state == STATE_OPEN && rows[i].trace != TRACE_TAIL_SHORT)
            cr_expect_eq(scene_finding(third, FINDING_TLS_FAILURE)->state, STATE_OPEN, "%s", rows[i].what);
    }
}

/* An expired own certificate and an expired anchor in PSEs of two hosts, the second of which may be unseen. */
static struct audit *night_of_ends(const struct issued *own, const struct issued *anchor, const char *second,
                                   const struct audit *previous, int64_t at)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(GBytes) list = certs_join(anchor, NULL), nothing = g_bytes_new_static("", 0);
    for (int i = 0; i < 2; i++) {
        struct capture_host *host =
            i == 0 || !g_str_equal(second, "absent") ? scene_host(scene, i ? "app02" : "app01") : NULL;
        if (!host)
            break;
        host->finished = at;
        struct capture_instance *at00 = scene_instance(host, i ? "QAS" : "PRD", "D00");
        gboolean healed = i && g_str_equal(second, "healed");
        struct capture_store *store =
            scene_store(scene, host, at00, i ? "SAPSSLS.pse" : "SAPSSLA.pse", healed ? nothing : list);
        if (i && g_str_equal(second, "unread"))
            set_unread(store, "needs-pin");
        else if (!(i && g_str_equal(second, "listing")) && !healed)
            set_own(scene, store, own);
        if (i && g_str_equal(second, "listing")) {
            g_free(store->method);
            store->method = g_strdup("sapgenpse");
            store->listing_status = 0;
            store->listing = scene_object(scene, "PKList:\n", strlen("PKList:\n"));
        }
        if (healed) {
            g_autoptr(issued_auto) new_own = certs(.subject = "/CN=New own");
            set_own(scene, store, new_own);
        }
    }
    return scene_run_at(scene, previous, at);
}

Test(findings, a_store_that_was_not_read_keeps_its_place)
{
    static const struct {
        const char *second;
        gboolean own_kept, anchor_kept;
    } rows[] = {
        {"as before", TRUE, TRUE}, {"unread", TRUE, TRUE},   {"absent", TRUE, TRUE},
        {"listing", TRUE, FALSE},  {"healed", FALSE, FALSE},
    };
    g_autoptr(issued_auto) own = certs(.subject = "/CN=Own", .not_after = CERTS_NOW - DAY);
    g_autoptr(issued_auto) anchor = certs(.subject = "/CN=Anchor", .not_after = CERTS_NOW - DAY);
    g_autoptr(audit_auto) first = night_of_ends(own, anchor, "as before", NULL, CERTS_NOW);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) second = night_of_ends(own, anchor, rows[i].second, first, CERTS_NOW + DAY);
        unsigned seen = 0;
        for (guint j = 0; j < second->findings->len; j++) {
            const struct audit_finding *finding = second->findings->pdata[j];
            if (finding->kind != FINDING_EXPIRED)
                continue;
            gboolean is_own = strstr(finding->title, "own certificate") != NULL;
            gboolean kept = is_own ? rows[i].own_kept : rows[i].anchor_kept;
            cr_expect_eq(finding->stores->len, kept ? 2 : 1, "%s: %s", rows[i].second, finding->title);
            cr_expect_eq(strstr(finding->title, "of 2 trust stores") != NULL, kept, "%s: %s", rows[i].second,
                         finding->title);
            if (is_own) /* the anonymous client alone would be harmless */
                cr_expect_eq(finding->severity, kept ? SEVERITY_HIGH : SEVERITY_INFO, "%s", rows[i].second);
            gboolean told = kept && i > 0;
            cr_expect_eq(strstr(finding->detail, "1 of these trust stores had it in the previous audit") != NULL, told,
                         "%s: %s", rows[i].second, finding->detail);
            seen++;
        }
        cr_expect_eq(seen, 2, "%s", rows[i].second);
    }
}

Test(findings, nothing_is_wrong)
{
    g_autoptr(scene_auto) scene = scene_new();
    g_autoptr(issued_auto) root = certs(.subject = "/CN=Root");
    g_autoptr(GBytes) list = certs_join(root, NULL);
    struct capture_host *host = scene_host(scene, "app01");
    scene_store(scene, host, scene_instance(host, "PRD", "D00"), "SAPSSLC.pse", list);
    g_autoptr(audit_auto) audit = scene_run(scene, NULL);
    cr_expect_eq(audit->findings->len, 0);
    cr_expect_eq(audit->warnings->len, 0);
    cr_expect_eq(audit->previous, MOMENT_NONE);
    cr_expect_eq(audit->evaluated, CERTS_NOW);
    cr_expect(g_str_has_prefix(audit->program, "trustgap "));
}

/* A trace whose older file is gone after a night in which its host, or the newer file, was not seen. */
enum unseen { SEEN, ABSENT, DOWN, NO_INSTANCE, UNREAD };

static struct audit *night_of_older(enum unseen unseen, gboolean older, const struct audit *previous, int64_t at)
{
    g_autoptr(scene_auto) scene = scene_new();
    struct capture_host *other = scene_host(scene, "app09");
    scene_trace(scene, other, scene_instance(other, "QAS", "D10"), "dev_icm", "[Thr 7] x\n");
    if (unseen == ABSENT)
        return scene_run_at(scene, previous, at);
    struct capture_host *host = scene_host(scene, "app01");
    host->finished = at;
    if (unseen == DOWN) {
        host->status = CAPTURE_FAILED;
        host->reason = g_strdup("time-out");
        return scene_run_at(scene, previous, at);
    }
    if (unseen == NO_INSTANCE) {
        scene_instance(host, NULL, "hostctrl");
        return scene_run_at(scene, previous, at);
    }
    struct capture_instance *d00 = scene_instance(host, "PRD", "D00");
    if (older)
        scene_trace(scene, host, d00, "dev_icm.old", "[Thr 7] x\n");
    struct capture_trace *trace = scene_trace(scene, host, d00, "dev_icm", "[Thr 7] x\n");
    if (unseen == UNREAD) {
        g_clear_pointer(&trace->object, g_free);
        trace->reason = g_strdup("not-allowed");
    }
    return scene_run_at(scene, previous, at);
}

static gboolean misses_older(const struct audit *audit)
{
    for (guint i = 0; i < audit->warnings->len; i++)
        if (g_str_has_prefix(audit->warnings->pdata[i], "app01: /usr/sap/PRD/D00/work/dev_icm.old: "))
            return TRUE;
    return FALSE;
}

Test(findings, a_trace_is_missed_until_the_one_that_follows_it_is_read)
{
    static const struct {
        const char *what;
        enum unseen unseen;
    } rows[] = {
        {"the host is in no capture", ABSENT},
        {"the host was not reached", DOWN},
        {"the instance was not found", NO_INSTANCE},
        {"the newer file was not read", UNREAD},
    };
    g_autoptr(audit_auto) first = night_of_older(SEEN, TRUE, NULL, CERTS_NOW);
    g_autoptr(audit_auto) plain = night_of_older(SEEN, FALSE, first, CERTS_NOW + DAY);
    g_autoptr(audit_auto) later = night_of_older(SEEN, FALSE, plain, CERTS_NOW + 2 * DAY);
    cr_expect(misses_older(plain));
    cr_expect_not(misses_older(later), "what came since is known");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(audit_auto) second = night_of_older(rows[i].unseen, FALSE, first, CERTS_NOW + DAY);
        g_autoptr(audit_auto) third = night_of_older(SEEN, FALSE, second, CERTS_NOW + 2 * DAY);
        g_autoptr(audit_auto) fourth = night_of_older(SEEN, FALSE, third, CERTS_NOW + 3 * DAY);
        cr_expect(misses_older(third), "%s", rows[i].what);
        cr_expect_not(misses_older(fourth), "%s", rows[i].what);
    }
}
