#include "fixture_audit.h"

#include "moment.h"

#include <string.h>

#define MERIDIAN "CN=Meridian Global Root G2, O=Meridian Trust Services, C=DE"
#define GATEWAY  "CN=edi-gateway.example.com, O=Example Logistics, C=DE"
#define RACINE   "CN=Racine Générale 2006, O=Ancienne Autorité, C=FR"
#define NORDWIND "CN=Nordwind Root CA 3, O=\"Nordwind, Inc.\", C=DK"

/* Escapes for a terminal, a change of direction, broken UTF-8, a line break, and everything that markup minds. */
#define HOSTILE                                                                                                        \
    "<script>alert(1)</script>\"'&amp;\x1b[2J\x1b]0;owned\x07\xe2\x80\xae"                                             \
    "gnp.exe\xff\r\n</td>]]>-->"

static const char meridian_der[] =
    "MIIByTCCAXCgAwIBAgIICgYAAAAAAAEwCgYIKoZIzj0EAwIwUTELMAkGA1UEBhMCREUxIDAeBgNVBAoMF01lcmlkaWFuIFRydXN0"
    "IFNlcnZpY2VzMSAwHgYDVQQDDBdNZXJpZGlhbiBHbG9iYWwgUm9vdCBHMjAeFw0yMTAzMDEwMDAwMDBaFw00NjAyMjgyMzU5NTla"
    "MFExCzAJBgNVBAYTAkRFMSAwHgYDVQQKDBdNZXJpZGlhbiBUcnVzdCBTZXJ2aWNlczEgMB4GA1UEAwwXTWVyaWRpYW4gR2xvYmFs"
    "IFJvb3QgRzIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATh6+GfuM7lQZwkPUTc3WlufYe08mFOLp6potrfCMjUgYikolT/GuA8"
    "+qDZx/PvxDAYuBICNQJYtBSo9zzieKNjozIwMDAdBgNVHQ4EFgQUDQtzSOGyLGVGJG3BmOEprZUp7YcwDwYDVR0TAQH/BAUwAwEB"
    "/zAKBggqhkjOPQQDAgNHADBEAiBUkcbKBl6dACDuPt/+THRPTIzfYumXeOJ/8swAfX1hIAIgHNRvDFryPK6xyIwGFkTIeB9Epk/2"
    "EHdQq1bcYzKZeAY=";
static const char gateway_der[] =
    "MIIBuTCCAV+gAwIBAgIDVRHQMAoGCCqGSM49BAMCMEsxCzAJBgNVBAYTAkRFMRowGAYDVQQKDBFFeGFtcGxlIExvZ2lzdGljczEg"
    "MB4GA1UEAwwXZWRpLWdhdGV3YXkuZXhhbXBsZS5jb20wHhcNMjYwODAxMDkwMDAwWhcNMjkwODAxMDkwMDAwWjBLMQswCQYDVQQG"
    "EwJERTEaMBgGA1UECgwRRXhhbXBsZSBMb2dpc3RpY3MxIDAeBgNVBAMMF2VkaS1nYXRld2F5LmV4YW1wbGUuY29tMFkwEwYHKoZI"
    "zj0CAQYIKoZIzj0DAQcDQgAEk2q23iZzUp7rrCUbyBFcGlk4+4sPuR4uK79+HWzKS+ZePZE/OeulN0bHqmYQic/lRuoEitqnm5ZS"
    "a4md+d6ex6MyMDAwHQYDVR0OBBYEFI0RR13S8JapdTf05rxGyz/8s0Q6MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAw"
    "RQIgZXjTkY0CBaGTP34ocm0mqrKmxCd0izz4iO+D0WIQihoCIQCFToHDMYoNHK0p1f/hGiNYczcF1kt1wXKZ0nzEY+IX2g==";
static const char racine_der[] =
    "MIIBuDCCAV6gAwIBAgICIAEwCgYIKoZIzj0EAwIwSzELMAkGA1UEBhMCRlIxGzAZBgNVBAoMEkFuY2llbm5lIEF1dG9yaXTDqTEf"
    "MB0GA1UEAwwWUmFjaW5lIEfDqW7DqXJhbGUgMjAwNjAeFw0wNjEyMTIwMDAwMDBaFw0yNjEyMTIwMDAwMDBaMEsxCzAJBgNVBAYT"
    "AkZSMRswGQYDVQQKDBJBbmNpZW5uZSBBdXRvcml0w6kxHzAdBgNVBAMMFlJhY2luZSBHw6luw6lyYWxlIDIwMDYwWTATBgcqhkjO"
    "PQIBBggqhkjOPQMBBwNCAARktbdaZx5Bm50GxsX2zVVP6XsIt+uIJuK1XoFdgVRSkSTCjdJCePZPG6f/3+uXNdxmzOedvPgsplvH"
    "TmZj7XRBozIwMDAdBgNVHQ4EFgQUuYbX7EqYKyTt0rQiHqai70A5uRswDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBF"
    "AiBTh3PxX2cZlMcAJ00E7MIFwc3UXdSoOyW6llU/iMdquQIhAOMC4tgP+DefkejsZKXSOuodCuDPXZYwxq00x9JOhmih";

static int64_t day(int year, int month, int day_of_month)
{
    return moment_from_civil(year, month, day_of_month, 0, 0, 0);
}

static int64_t at(int day_of_november, int hour, int minute, int second)
{
    return moment_from_civil(2026, 11, day_of_november, hour, minute, second);
}

/* Any digest, made from a word. */
static const char *digest(struct audit *audit, GChecksumType type, const char *word)
{
    g_autofree char *text = g_compute_checksum_for_string(type, word, -1);
    return audit_text(audit, text);
}

static void add_texts(struct audit *audit, GPtrArray *array, const char *const *texts)
{
    for (; *texts; texts++)
        g_ptr_array_add(array, (char *)audit_text(audit, *texts));
}

#define TEXTS(audit, array, ...) add_texts(audit, array, (const char *const[]){__VA_ARGS__, NULL})

static struct audit_host *add_host(struct audit *audit, const char *name, enum audit_host_status status,
                                   const char *tier, const char *owner)
{
    struct audit_host *host = audit_host_new(audit);
    host->name = audit_text(audit, name);
    host->status = status;
    host->tier = audit_text(audit, tier);
    host->owner = audit_text(audit, owner);
    if (status != HOST_FAILED && status != HOST_LEFT_OUT) {
        host->collected = at(23, 4, 0, 11);
        host->zone = "CET";
        host->zone_offset_s = 3600;
        host->system = "Linux x86_64";
    }
    g_ptr_array_add(audit->hosts, host);
    return host;
}

static struct audit_instance *add_instance(struct audit *audit, struct audit_host *host, const char *sid,
                                           const char *name, enum audit_instance_kind kind)
{
    struct audit_instance *instance = audit_instance_new(audit);
    instance->host = host;
    instance->sid = audit_text(audit, sid);
    instance->name = audit_text(audit, name);
    instance->kind = kind;
    instance->path = sid ? audit_textf(audit, "/usr/sap/%s/%s", sid, name) : audit_textf(audit, "/usr/sap/%s", name);
    g_ptr_array_add(host->instances, instance);
    return instance;
}

static struct audit_trace *add_trace(struct audit *audit, struct audit_instance *instance, const char *file, int level)
{
    struct audit_trace *trace = audit_trace_new(audit);
    trace->path = audit_textf(audit, "%s/work/%s", instance->path, file);
    trace->object = digest(audit, G_CHECKSUM_SHA256, trace->path);
    trace->size_bytes = 1843200;
    trace->from_byte = 1792000;
    trace->modified = at(23, 3, 58, 2);
    trace->level = level;
    trace->release = "785";
    g_ptr_array_add(instance->traces, trace);
    return trace;
}

static struct audit_cert *add_cert(struct audit *audit, const char *subject, const char *issuer, const char *serial)
{
    struct audit_cert *cert = audit_cert_new(audit);
    cert->subject = audit_text(audit, subject);
    cert->issuer = audit_text(audit, issuer);
    cert->serial = audit_text(audit, serial);
    cert->self_signed = g_strcmp0(subject, issuer) == 0;
    g_ptr_array_add(audit->certs, cert);
    return cert;
}

static struct audit_cert *add_listed_cert(struct audit *audit, const char *subject, const char *serial, int64_t end)
{
    struct audit_cert *cert = add_cert(audit, subject, subject, serial);
    cert->not_before = day(2016, 5, 1);
    cert->not_after = end;
    cert->sha256 = digest(audit, G_CHECKSUM_SHA256, serial);
    cert->sha1 = digest(audit, G_CHECKSUM_SHA1, serial);
    cert->md5 = digest(audit, G_CHECKSUM_MD5, serial);
    cert->key = "RSA 2048";
    cert->signature_algorithm = "sha256WithRsaEncryption";
    cert->ca = TRUE;
    return cert;
}

static struct audit_cert *add_whole_cert(struct audit *audit, const char *subject, const char *serial,
                                         const char *base64, int64_t begin, int64_t end)
{
    struct audit_cert *cert = add_cert(audit, subject, subject, serial);
    gsize size;
    guchar *bytes = g_base64_decode(base64, &size);
    g_autofree char *sha256 = g_compute_checksum_for_data(G_CHECKSUM_SHA256, bytes, size);
    g_autofree char *sha1 = g_compute_checksum_for_data(G_CHECKSUM_SHA1, bytes, size);
    g_autofree char *md5 = g_compute_checksum_for_data(G_CHECKSUM_MD5, bytes, size);
    cert->sha256 = audit_text(audit, sha256);
    cert->sha1 = audit_text(audit, sha1);
    cert->md5 = audit_text(audit, md5);
    cert->der = g_bytes_new_take(bytes, size);
    cert->not_before = begin;
    cert->not_after = end;
    cert->key = "EC prime256v1";
    cert->signature_algorithm = "ecdsa-with-SHA256";
    cert->ca = TRUE;
    return cert;
}

static struct audit_list *add_list(struct audit *audit, unsigned refused, struct audit_cert *const *certs)
{
    struct audit_list *list = audit_list_new(audit);
    list->refused = refused;
    for (; *certs; certs++)
        g_ptr_array_add(list->certs, *certs);
    g_ptr_array_add(audit->lists, list);
    return list;
}

#define LIST(audit, refused, ...)                                                                                      \
    add_list(audit, refused, (struct audit_cert *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static struct audit_store *add_store(struct audit *audit, const char *label, const char *sid, const char *file,
                                     const char *role, enum audit_instance_kind kind)
{
    struct audit_store *store = audit_store_new(audit);
    store->label = audit_text(audit, label);
    store->sid = audit_text(audit, sid);
    store->file = audit_text(audit, file);
    store->role = role;
    store->kind = kind;
    g_ptr_array_add(audit->stores, store);
    return store;
}

static struct audit_member *add_member(struct audit *audit, struct audit_store *store, struct audit_instance *instance,
                                       enum audit_reading reading, struct audit_list *list)
{
    struct audit_member *member = audit_member_new(audit);
    member->instance = instance;
    member->path = audit_textf(audit, "%s/sec/%s", instance->path, store->file);
    member->owner = instance->sid ? g_string_chunk_insert_const(audit->strings, "sapadm") : NULL;
    member->mode = "0600";
    member->modified = day(2026, 3, 9);
    member->reading = reading;
    member->list = list;
    g_ptr_array_add(store->members, member);
    return member;
}

static struct audit_evidence *add_evidence(struct audit *audit, struct audit_failure *failure,
                                           struct audit_instance *instance, unsigned line)
{
    struct audit_evidence *evidence = audit_evidence_new(audit);
    evidence->host = instance ? instance->host : NULL;
    evidence->path = instance ? audit_textf(audit, "%s/work/dev_icm", instance->path) : "dev_icm";
    evidence->object = digest(audit, G_CHECKSUM_SHA256, evidence->path);
    evidence->offset = 1792000 + 80 * (int64_t)line;
    evidence->line = line;
    g_ptr_array_add(failure->evidence, evidence);
    return evidence;
}

static struct audit_failure *add_failure(struct audit *audit, struct audit_instance *instance,
                                         struct audit_store *store, enum audit_cause cause, unsigned count)
{
    struct audit_failure *failure = audit_failure_new(audit);
    failure->instance = instance;
    failure->store = store;
    failure->cause = cause;
    failure->count = count;
    g_ptr_array_add(audit->failures, failure);
    return failure;
}

static void seen(struct audit *audit, struct audit_failure *failure, int64_t first, int64_t last, int zone_s)
{
    char text[MOMENT_TEXT_BYTES];
    failure->first = first;
    failure->last = last;
    failure->first_local = audit_textf(audit, "%.19s", moment_format(text, first + zone_s));
    failure->last_local = audit_textf(audit, "%.19s", moment_format(text, last + zone_s));
}

static struct audit_link *add_link(struct audit *audit, struct audit_failure *failure, const char *subject,
                                   const char *issuer, const char *serial)
{
    struct audit_link *link = audit_link_new(audit);
    link->subject = audit_text(audit, subject);
    link->issuer = audit_text(audit, issuer);
    link->serial = serial;
    g_ptr_array_add(failure->chain, link);
    return link;
}

/* A connection that failed for an anchor that is not there, as the newer traces tell it. */
static struct audit_failure *add_untrusted(struct audit *audit, struct audit_instance *instance,
                                           struct audit_store *store, const char *target, unsigned count,
                                           const char *missing, enum audit_certainty certainty)
{
    struct audit_failure *failure = add_failure(audit, instance, store, CAUSE_UNTRUSTED_PEER, count);
    failure->error = "SSSLERR_PEER_CERT_UNTRUSTED";
    failure->code = -102;
    failure->role = ROLE_CLIENT;
    failure->store_path = audit_textf(audit, "%s/sec/%s", instance ? instance->path : "/usr/sap/PRD/D00",
                                      store ? store->file : "SAPSSLC.pse");
    failure->target = audit_text(audit, target);
    failure->port = 443;
    failure->peer = "192.0.2.7:443";
    g_ptr_array_add(failure->peers, (char *)failure->peer);
    failure->missing = audit_text(audit, missing);
    failure->certainty = certainty;
    failure->advice = audit_textf(audit, "Import %s into %s.", missing ? missing : "the root of the peer's chain",
                                  failure->store_path);
    struct audit_evidence *evidence = add_evidence(audit, failure, instance, 4711 + count);
    TEXTS(audit, evidence->lines, "[Thr 140] *** ERROR during SecuSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL",
          audit_textf(audit, "[Thr 140]    session uses PSE file \"%s\"", failure->store_path),
          "[Thr 140]   0xa0600297 | SSL | ssl_cert_checker_verify_certificates",
          "[Thr 140]   peer certificate (chain) is not trusted",
          audit_textf(audit, "[Thr 140]   Target Hostname=\"%s\"", target ? target : ""),
          "[Thr 140] <<- ERROR: SapSSLSessionStart(sssl_hdl=7f2c4c00a5b0)==SSSLERR_PEER_CERT_UNTRUSTED");
    return failure;
}

/* As of a name with many addresses, and of a block that was not wholly understood. */
static void add_many_peers(struct audit *audit, struct audit_failure *failure)
{
    g_ptr_array_set_size(failure->peers, 0);
    for (int i = 0; i < AUDIT_PEERS; i++)
        g_ptr_array_add(failure->peers, (char *)audit_textf(audit, "192.0.2.%d:443", 7 + i));
    failure->peers_more = 2;
    failure->lines_seen = 21;
    failure->lines_known = 18;
}

static struct audit_finding *add_finding(struct audit *audit, enum audit_finding_kind kind,
                                         enum audit_severity severity, enum audit_state state, const char *title)
{
    struct audit_finding *finding = audit_finding_new(audit);
    finding->id = audit_textf(audit, "%.16s", digest(audit, G_CHECKSUM_SHA256, title));
    finding->kind = kind;
    finding->severity = severity;
    finding->state = state;
    finding->title = audit_text(audit, title);
    finding->first_seen = state == STATE_NEW ? at(23, 5, 0, 0) : at(19, 5, 0, 0);
    finding->last_seen = at(23, 5, 0, 0);
    g_ptr_array_add(audit->findings, finding);
    return finding;
}

static struct audit_gap *add_gap(struct audit *audit, struct audit_finding *finding, struct audit_store *store,
                                 enum audit_gap_basis basis, enum audit_state state, struct audit_failure *failure)
{
    struct audit_gap *gap = audit_gap_new(audit);
    gap->store = store;
    gap->instance = store || !failure ? NULL : failure->instance;
    gap->basis = basis;
    gap->state = state;
    gap->first_seen = state == STATE_NEW ? at(23, 5, 0, 0) : at(19, 5, 0, 0);
    if (failure) {
        gap->count = failure->count;
        gap->last = failure->last;
        g_ptr_array_add(gap->failures, failure);
    }
    g_ptr_array_add(finding->gaps, gap);
    return gap;
}

static void add_waiver(struct audit *audit, struct audit_finding *finding, const char *owner, gboolean ended,
                       unsigned places)
{
    struct audit_waiver *waiver = audit_waiver_new(audit);
    waiver->name = ended ? "spring" : "old partner";
    waiver->owner = audit_text(audit, owner);
    waiver->reason = ended ? "The partner moves to its new CA." : "Incident 4711.";
    waiver->until = ended ? at(20, 23, 59, 59) : at(30, 23, 59, 59);
    waiver->ended = ended;
    waiver->places = places;
    g_ptr_array_add(finding->waivers, waiver);
}

static void strust_steps(struct audit *audit, GPtrArray *steps)
{
    TEXTS(audit, steps, "Save the PEM block of this certificate as a file, for example meridian-g2.crt.",
          "Transaction STRUST in any client of the system: open \"SSL client SSL Client (Standard)\", press Change.",
          "Certificate > Import, choose the file, compare the fingerprint, then \"Add to Certificate List\" and Save.",
          "STRUST distributes the PSE to all instances; no restart of the ICM is needed for new connections.");
}

static void sapgenpse_steps(struct audit *audit, GPtrArray *steps, const char *user, const char *pse)
{
    TEXTS(audit, steps, audit_textf(audit, "Log in as %s on the host and copy the PEM block to /tmp/anchor.crt.", user),
          audit_textf(audit, "$ sapgenpse maintain_pk -a /tmp/anchor.crt -p %s", pse),
          audit_textf(audit, "$ sapgenpse maintain_pk -l -p %s", pse),
          "Restart the Web Dispatcher, or let it reload its PSEs in its administration page.");
}

/* Everything that the landscape shares between its parts. */
struct scene {
    struct audit *audit;
    struct audit_host *prd1, *prd2, *qas, *web, *hana, *java, *dev, *lost, *dmz, *evil;
    struct audit_instance *d00, *d01, *q10, *w20, *hdb, *j10, *scs, *dev00, *agent, *router, *bad;
    struct audit_cert *meridian, *gateway, *racine, *nordwind, *twin1, *twin2, *own, *bare, *harm;
    struct audit_store *prd_c, *prd_a, *qas_c, *web_c, *java_s, *dev_c, *hana_s, *agent_s, *router_s, *bad_c;
};

static void build_hosts(struct scene *scene)
{
    struct audit *audit = scene->audit;
    scene->prd1 = add_host(audit, "app-prd-01.example.com", HOST_COLLECTED, "production", "Basis EMEA");
    scene->prd2 = add_host(audit, "app-prd-02.example.com", HOST_COLLECTED, "production", "Basis EMEA");
    scene->qas = add_host(audit, "app-qas-01.example.com", HOST_PARTIAL, "quality", "Basis EMEA");
    scene->web = add_host(audit, "web-01.example.com", HOST_COLLECTED, "production", "Edge team");
    scene->hana = add_host(audit, "hana-01.example.com", HOST_COLLECTED, "production", NULL);
    scene->java = add_host(audit, "portal-01.example.com", HOST_COLLECTED, "production", "Portal team");
    scene->dev = add_host(audit, "dev-01.example.com", HOST_COLLECTED, NULL, NULL);
    scene->lost = add_host(audit, "app-old-01.example.com", HOST_FAILED, "production", "Basis EMEA");
    scene->dmz = add_host(audit, "dmz-07.example.com", HOST_FAILED, NULL, NULL);
    struct audit_host *left_out = add_host(audit, "app-prd-09.example.com", HOST_LEFT_OUT, "production", NULL);
    left_out->reason = "left-out";
    left_out->message = "left out of this run on purpose (--limit)";
    scene->evil = add_host(audit, HOSTILE, HOST_PARTIAL, HOSTILE, HOSTILE);

    TEXTS(audit, scene->prd1->groups, "sap", "prd");
    TEXTS(audit, scene->prd2->groups, "sap", "prd");
    TEXTS(audit, scene->evil->groups, HOSTILE, "");
    TEXTS(audit, scene->evil->notes, HOSTILE);
    scene->evil->message = audit_text(audit, HOSTILE);
    scene->evil->reason = "limit";
    scene->qas->reason = "limit";
    scene->qas->message = "dev_icm is larger than 64 MiB, its first part was left out";
    TEXTS(audit, scene->qas->notes, "dev_icm: read from byte 1792000 on");
    scene->lost->reason = "timeout";
    scene->lost->message = "no answer within 10 s while connecting to 192.0.2.60 port 22";
    scene->dmz->reason = "host-key-changed";
    scene->dmz->message = "the host key is not the one in /etc/ssh/ssh_known_hosts line 14; nothing was sent";
    scene->dev->zone = NULL;
    scene->dev->zone_offset_s = G_MININT;

    scene->d00 = add_instance(audit, scene->prd1, "PRD", "D00", INSTANCE_ABAP);
    scene->d01 = add_instance(audit, scene->prd2, "PRD", "D01", INSTANCE_ABAP);
    scene->q10 = add_instance(audit, scene->qas, "QAS", "DVEBMGS10", INSTANCE_ABAP);
    scene->w20 = add_instance(audit, scene->web, "WDP", "W20", INSTANCE_WEBDISP);
    scene->hdb = add_instance(audit, scene->hana, "HDP", "HDB00", INSTANCE_HANA);
    scene->j10 = add_instance(audit, scene->java, "EPP", "J10", INSTANCE_JAVA);
    scene->scs = add_instance(audit, scene->java, "EPP", "SCS11", INSTANCE_CENTRAL);
    scene->dev00 = add_instance(audit, scene->dev, "DEV", "D00", INSTANCE_ABAP);
    scene->agent = add_instance(audit, scene->dev, NULL, "hostctrl", INSTANCE_HOSTAGENT);
    scene->router = add_instance(audit, scene->dev, NULL, "saprouter", INSTANCE_OTHER);
    scene->router->seen = at(20, 4, 0, 0);
    scene->bad = add_instance(audit, scene->evil, "BAD", HOSTILE, INSTANCE_OTHER);

    struct audit_trace *trace = add_trace(audit, scene->d00, "dev_icm", 1);
    trace->failures = 27;
    trace->from_byte = 0;
    trace->first = at(23, 0, 12, 33);
    trace->last = at(23, 3, 57, 59);
    trace = add_trace(audit, scene->d00, "dev_icm.old", 1);
    trace->from_byte = 0;
    trace->first = at(22, 22, 40, 5);
    trace->last = at(23, 0, 12, 33);
    add_trace(audit, scene->d01, "dev_icm", 2)->failures = 6;
    add_trace(audit, scene->q10, "dev_icm", -1)->failures = 2;
    add_trace(audit, scene->w20, "dev_webdisp", 1)->failures = 12;
    struct audit_trace *unread = add_trace(audit, scene->j10, "dev_icm", -1);
    unread->object = NULL;
    unread->reason = "permission denied";
    unread->size_bytes = unread->from_byte = -1;
    unread->modified = MOMENT_NONE;
    unread->release = NULL;
    add_trace(audit, scene->bad, HOSTILE, 3);
}

static void build_certs(struct scene *scene)
{
    struct audit *audit = scene->audit;
    scene->meridian =
        add_whole_cert(audit, MERIDIAN, "0A:06:00:00:00:00:00:01", meridian_der, day(2021, 3, 1), day(2046, 3, 1) - 1);
    scene->meridian->subject_key_id = "0d0b7348e1b22c6546246dc198e129ad9529ed87";
    TEXTS(audit, scene->meridian->references, "/etc/trustgap/roots/meridian.pem", "/etc/ssl/certs/Meridian_G2.pem");
    scene->gateway = add_whole_cert(audit, GATEWAY, "55:11:D0", gateway_der, day(2026, 8, 1), day(2029, 8, 1));
    scene->gateway->from_trace = TRUE;
    scene->racine = add_whole_cert(audit, RACINE, "20:01", racine_der, day(2006, 12, 12), day(2026, 12, 12));
    scene->nordwind = add_listed_cert(audit, NORDWIND, "03:E9", day(2031, 5, 1));
    scene->twin1 = add_listed_cert(audit, "CN=Harbour Issuing CA, O=Harbour, C=NL", "11", day(2030, 1, 1));
    scene->twin2 = add_listed_cert(audit, "CN=Harbour Issuing CA, O=Harbour, C=NL", "12", day(2035, 1, 1));
    scene->own =
        add_cert(audit, "CN=PRD SSL client, OU=I0020, O=Example, C=DE", "CN=Example Issuing CA 4, C=DE", "7F:01");
    scene->own->not_before = day(2024, 11, 1);
    scene->own->not_after = day(2026, 11, 1);
    scene->own->sha1 = digest(audit, G_CHECKSUM_SHA1, "own");
    scene->bare = audit_cert_new(audit);
    g_ptr_array_add(audit->certs, scene->bare);
    scene->harm = add_listed_cert(audit, "CN=" HOSTILE, "66", day(2028, 1, 1));
    scene->harm->key = audit_text(audit, HOSTILE);
    scene->harm->from_trace = TRUE;
    scene->harm->asked = at(23, 4, 0, 0);
    TEXTS(audit, scene->harm->references, HOSTILE);
}

static void build_stores(struct scene *scene)
{
    static const char standard[] = "SSL client (Standard)", anonymous[] = "SSL client (Anonymous)";
    static const char server[] = "SSL server (Standard)";
    struct audit *audit = scene->audit;
    struct audit_list *usual = LIST(audit, 0, scene->racine, scene->nordwind, scene->twin1);
    struct audit_list *rich = LIST(audit, 2, scene->meridian, scene->racine, scene->twin2, scene->harm, scene->bare);
    struct audit_list *empty = LIST(audit, 0);
    struct audit_raw *raw = audit_raw_new(audit);
    raw->sha256 = "d0a9b3f3b2b0c8f4c1d8a3f0c7e2b94a5d6e7f8091a2b3c4d5e6f708192a3b4c";
    raw->offset = 1412;
    raw->size_bytes = 871;
    g_ptr_array_add(rich->raws, raw); /* the other one is only counted */

    scene->prd_c = add_store(audit, "PRD SAPSSLC.pse", "PRD", "SAPSSLC.pse", standard, INSTANCE_ABAP);
    add_member(audit, scene->prd_c, scene->d00, READING_NATIVE, usual)->own = scene->own;
    add_member(audit, scene->prd_c, scene->d01, READING_LISTING, LIST(audit, 0, scene->racine))->own = scene->own;
    scene->prd_a = add_store(audit, "PRD SAPSSLA.pse", "PRD", "SAPSSLA.pse", anonymous, INSTANCE_ABAP);
    add_member(audit, scene->prd_a, scene->d00, READING_NATIVE, empty);
    scene->qas_c = add_store(audit, "QAS SAPSSLC.pse", "QAS", "SAPSSLC.pse", standard, INSTANCE_ABAP);
    add_member(audit, scene->qas_c, scene->q10, READING_NATIVE, rich);
    scene->web_c =
        add_store(audit, "web-01.example.com W20 SAPSSLC.pse", "WDP", "SAPSSLC.pse", standard, INSTANCE_WEBDISP);
    add_member(audit, scene->web_c, scene->w20, READING_NATIVE, usual);
    scene->java_s =
        add_store(audit, "portal-01.example.com J10 SAPSSLS.pse", "EPP", "SAPSSLS.pse", server, INSTANCE_JAVA);
    struct audit_member *locked = add_member(audit, scene->java_s, scene->j10, READING_NONE, NULL);
    locked->reason = "the PSE has a PIN, and sapgenpse has no credentials for it";
    locked->owner = locked->mode = NULL;
    locked->modified = MOMENT_NONE;
    scene->dev_c = add_store(audit, "DEV SAPSSLC.pse", "DEV", "SAPSSLC.pse", standard, INSTANCE_ABAP);
    add_member(audit, scene->dev_c, scene->dev00, READING_PARTLY, rich)->reason = "the listing ends in mid-certificate";
    scene->hana_s = add_store(audit, "hana-01.example.com HDB00 sapsrv.pse", "HDP", "sapsrv.pse", NULL, INSTANCE_HANA);
    add_member(audit, scene->hana_s, scene->hdb, READING_NATIVE, empty);
    scene->agent_s =
        add_store(audit, "dev-01.example.com hostctrl SAPSSLS.pse", NULL, "SAPSSLS.pse", server, INSTANCE_HOSTAGENT);
    add_member(audit, scene->agent_s, scene->agent, READING_NATIVE, empty);
    scene->router_s =
        add_store(audit, "dev-01.example.com saprouter local.pse", NULL, "local.pse", NULL, INSTANCE_OTHER);
    add_member(audit, scene->router_s, scene->router, READING_NATIVE, usual);
    scene->bad_c = add_store(audit, "BAD " HOSTILE, "BAD", HOSTILE, NULL, INSTANCE_CENTRAL);
    struct audit_member *harm = add_member(audit, scene->bad_c, scene->bad, READING_NONE, NULL);
    harm->reason = audit_text(audit, HOSTILE);
    harm->owner = harm->mode = audit_text(audit, HOSTILE);
}

static void build_meridian(struct scene *scene)
{
    struct audit *audit = scene->audit;
    struct audit_failure *prd =
        add_untrusted(audit, scene->d00, scene->prd_c, "api.partner.example", 24, MERIDIAN, CERTAINTY_ISSUER);
    seen(audit, prd, at(22, 22, 14, 3), at(23, 3, 51, 40), 3600);
    struct audit_link *leaf = add_link(audit, prd, "CN=api.partner.example, O=Partner AG, C=DE",
                                       "CN=Meridian TLS CA 7, O=Meridian Trust Services, C=DE", "0B:11");
    leaf->sha256 = digest(audit, G_CHECKSUM_SHA256, "leaf");
    leaf->sha1 = digest(audit, G_CHECKSUM_SHA1, "leaf");
    leaf->md5 = digest(audit, G_CHECKSUM_MD5, "leaf");
    leaf->not_before = "2026-01-01T01:00:00";
    leaf->not_after = "2027-01-01T01:00:00";
    leaf->key = "RSA 2048";
    leaf->key_md5 = digest(audit, G_CHECKSUM_MD5, "key");
    leaf->signature_algorithm = "sha256WithRsaEncryption";
    add_link(audit, prd, "CN=Meridian TLS CA 7, O=Meridian Trust Services, C=DE", MERIDIAN, "0A:07");
    struct audit_failure *prd2 =
        add_untrusted(audit, scene->d01, scene->prd_c, "api.partner.example", 6, MERIDIAN, CERTAINTY_ISSUER);
    seen(audit, prd2, at(22, 23, 0, 1), at(23, 3, 40, 9), 3600);
    struct audit_failure *web =
        add_untrusted(audit, scene->w20, scene->web_c, "backend.partner.example", 12, MERIDIAN, CERTAINTY_NAMED);
    seen(audit, web, at(23, 1, 2, 3), at(23, 3, 59, 59), 3600);
    web->role = ROLE_UNKNOWN;
    add_many_peers(audit, web);
    struct audit_failure *java = add_untrusted(audit, scene->j10, scene->java_s, NULL, 3, MERIDIAN, CERTAINTY_ISSUER);
    java->role = ROLE_SERVER;
    java->peers->pdata[0] = (char *)"192.0.2.7";
    g_ptr_array_add(java->peers, (char *)"192.0.2.8");
    java->first_local = java->last_local = "2026-11-22T23:10:00";
    struct audit_failure *lone =
        add_untrusted(audit, scene->q10, NULL, "api.partner.example", 2, MERIDIAN, CERTAINTY_ISSUER);
    lone->store_path = NULL;

    struct audit_finding *finding = add_finding(audit, FINDING_MISSING_ANCHOR, SEVERITY_CRITICAL, STATE_OPEN,
                                                "Meridian Global Root G2 is missing in 4 trust stores");
    finding->detail = "Peers present chains that end below this root. It is self-signed, public, and valid until 2046.";
    finding->cert = scene->meridian;
    finding->subject = MERIDIAN;
    finding->certainty = CERTAINTY_ISSUER;
    finding->match = MATCH_PROVED;
    finding->proof = "OpenSSL builds api.partner.example > Meridian TLS CA 7 > Meridian Global Root G2 with this "
                     "certificate added, and none without it.";
    struct audit_gap *gap = add_gap(audit, finding, scene->prd_c, BASIS_SEEN, STATE_OPEN, prd);
    gap->proof = PROOF_PATH;
    gap->path =
        "Proved: with it in this list OpenSSL builds a path that is valid at 2026-11-23T05:00:00Z: "
        "\"CN=api.partner.example\" > \"CN=Meridian TLS CA 7, O=Meridian Trust Services, C=DE\" > \"" MERIDIAN "\".";
    g_ptr_array_add(gap->failures, prd2);
    gap->count += prd2->count;
    strust_steps(audit, gap->steps);
    gap = add_gap(audit, finding, scene->web_c, BASIS_SEEN, STATE_NEW, web);
    sapgenpse_steps(audit, gap->steps, "wdpadm", "/usr/sap/WDP/W20/sec/SAPSSLC.pse");
    gap = add_gap(audit, finding, scene->java_s, BASIS_SEEN_UNREAD, STATE_OPEN, java);
    sapgenpse_steps(audit, gap->steps, "eppadm", "/usr/sap/EPP/J10/sec/SAPSSLS.pse");
    gap = add_gap(audit, finding, NULL, BASIS_SEEN_UNKNOWN, STATE_RETURNED, lone);
    TEXTS(audit, gap->steps,
          "Raise the ICM trace level to 2 in SMICM and repeat the call: the trace then names the PSE.",
          "Set the trace level back to 1 afterwards.");
    gap = add_gap(audit, finding, scene->dev_c, BASIS_SEEN, STATE_FIXED, NULL);
    gap->note = "the list holds it now; the last failure is older than the import";
    gap->last = at(21, 8, 0, 0);
    gap->count = 5;
    g_ptr_array_add(finding->donors, scene->qas_c);
    g_ptr_array_add(finding->donors, scene->dev_c);
    g_ptr_array_add(finding->lacking, scene->prd_a);
    g_ptr_array_add(finding->lacking, scene->hana_s);
}

static void build_other_anchors(struct scene *scene)
{
    struct audit *audit = scene->audit;
    struct audit_failure *failure =
        add_untrusted(audit, scene->dev00, scene->dev_c, "edi-gateway.example.com", 1, GATEWAY, CERTAINTY_SELF_SIGNED);
    seen(audit, failure, at(23, 2, 0, 0), at(23, 2, 0, 0), 0);
    add_link(audit, failure, GATEWAY, GATEWAY, "55:11:D0");
    struct audit_finding *finding = add_finding(audit, FINDING_MISSING_ANCHOR, SEVERITY_HIGH, STATE_NEW,
                                                "edi-gateway.example.com is missing in DEV SAPSSLC.pse");
    finding->cert = scene->gateway;
    finding->subject = GATEWAY;
    finding->certainty = CERTAINTY_SELF_SIGNED;
    finding->match = MATCH_FINGERPRINT;
    finding->proof = "The trace prints the SHA-1 fingerprint of the peer's own certificate, and it is this one.";
    strust_steps(audit, add_gap(audit, finding, scene->dev_c, BASIS_SEEN, STATE_NEW, failure)->steps);

    finding = add_finding(audit, FINDING_MISSING_ANCHOR, SEVERITY_HIGH, STATE_RETURNED,
                          "Nordwind Root CA 3 is missing in hana-01.example.com HDB00 sapsrv.pse");
    finding->cert = scene->nordwind;
    finding->subject = NORDWIND;
    finding->certainty = CERTAINTY_NAMED;
    finding->match = MATCH_SERIAL;
    finding->proof =
        "Issuer and serial number are equal; only a listing of the certificate is known, so no path could be built.";
    failure = add_untrusted(audit, scene->hdb, scene->hana_s, "ship.nordwind.example", 4, NORDWIND, CERTAINTY_NAMED);
    sapgenpse_steps(audit, add_gap(audit, finding, scene->hana_s, BASIS_SEEN, STATE_RETURNED, failure)->steps, "hdpadm",
                    "/usr/sap/HDP/HDB00/hana-01/sec/sapsrv.pse");
    g_ptr_array_add(finding->donors, scene->prd_c);

    finding = add_finding(
        audit, FINDING_MISSING_ANCHOR, SEVERITY_MEDIUM, STATE_OPEN,
        "Harbour Issuing CA is missing in dev-01.example.com hostctrl SAPSSLS.pse: 2 certificates may be it");
    finding->subject = "CN=Harbour Issuing CA, O=Harb";
    finding->subject_cut = TRUE;
    finding->certainty = CERTAINTY_ISSUER;
    finding->asked = at(23, 4, 0, 0);
    finding->match = MATCH_AMBIGUOUS;
    finding->proof = "The trace prints a name that was cut off, and two certificates begin like it.";
    g_ptr_array_add(finding->candidates, scene->twin1);
    g_ptr_array_add(finding->candidates, scene->twin2);
    failure = add_untrusted(audit, scene->agent, scene->agent_s, "pier.harbour.example", 1, finding->subject,
                            CERTAINTY_ISSUER);
    failure->missing_cut = TRUE;
    failure->asked = at(23, 4, 0, 0);
    struct audit_link *link = add_link(audit, failure, "CN=pier.harbour.example, O=Harbour International Shi",
                                       "CN=Harbour Issuing CA, O=Harb", NULL);
    link->subject_cut = link->issuer_cut = TRUE;
    add_gap(audit, finding, scene->agent_s, BASIS_SEEN, STATE_OPEN, failure);

    finding = add_finding(audit, FINDING_MISSING_ANCHOR, SEVERITY_LOW, STATE_WAIVED,
                          "Racine Générale 2006 is missing in PRD SAPSSLA.pse");
    finding->cert = scene->racine;
    finding->match = MATCH_NAME;
    finding->certainty = CERTAINTY_ISSUER;
    add_gap(audit, finding, scene->prd_a, BASIS_SEEN, STATE_WAIVED, NULL)->note =
        "Waived by basis@example.com until 2026-11-30: Incident 4711.";
    add_waiver(audit, finding, "basis@example.com", FALSE, 0);

    finding = add_finding(audit, FINDING_UNKNOWN_ISSUER, SEVERITY_HIGH, STATE_NEW,
                          "Kestrel Private Root is missing in QAS SAPSSLC.pse, and nobody holds it");
    finding->subject = "CN=Kestrel Private Root, O=Kestrel";
    finding->certainty = CERTAINTY_ISSUER;
    finding->match = MATCH_NONE;
    finding->proof = "No trust store and no reference file has a certificate of this name.";
    TEXTS(audit, finding->steps,
          "Ask the owner of the peer for its root certificate, and compare the fingerprint by telephone.");
    failure = add_untrusted(audit, scene->q10, scene->qas_c, "kestrel.example", 1, finding->subject, CERTAINTY_ISSUER);
    struct audit_gap *gap = add_gap(audit, finding, scene->qas_c, BASIS_SEEN, STATE_NEW, failure);
    gap->covered_by = ((const struct audit_finding *)audit->findings->pdata[0])->id;
    TEXTS(audit, gap->steps, "Nothing is to be imported for this alone.");
}

static void build_other_failures(struct scene *scene)
{
    static const struct {
        enum audit_cause cause;
        const char *error, *advice;
        int code;
    } rows[] = {
        {CAUSE_EXPIRED_PEER, "SSSLERR_PEER_CERT_EXPIRED",
         "Tell the owner of the peer that its certificate has expired.", -104},
        {CAUSE_NAME_MISMATCH, "SSSLERR_SERVER_CERT_MISMATCH", "Use the name that the peer's certificate has.", -30},
        {CAUSE_PEER_REFUSED, "SSSLERR_SSL_CONNECT", "The peer refused our own certificate; ask for its log.", -57},
        {CAUSE_HANDSHAKE, "SSSLERR_SSL_CONNECT", NULL, -57},
        {CAUSE_CLOSED, "SSSLERR_CONN_CLOSED", NULL, -10},
        {CAUSE_NOT_TLS, NULL, "The port does not speak TLS.", 0},
        {CAUSE_PROXY_REFUSED, NULL, "The proxy answered 407: give the destination a user for it.", 0},
        {CAUSE_STORE_UNUSABLE, "SSSLERR_NO_SSL_RESPONSE", NULL, -12},
        {CAUSE_REVERSE_PROXY, NULL, NULL, 0},
        {CAUSE_OTHER, NULL, NULL, 0},
    };
    struct audit *audit = scene->audit;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct audit_failure *failure =
            add_failure(audit, scene->d00, i % 2 ? scene->prd_c : NULL, rows[i].cause, (unsigned)i + 1);
        failure->torn = i == 0;
        failure->error = rows[i].error;
        failure->code = rows[i].code;
        failure->advice = rows[i].advice;
        failure->target = i % 3 ? audit_textf(audit, "host%zu.example", i) : NULL;
        struct audit_evidence *evidence = add_evidence(audit, failure, scene->d00, 100 + (unsigned)i);
        TEXTS(audit, evidence->lines,
              audit_textf(audit, "[Thr 9] *** ERROR => %s", rows[i].error ? rows[i].error : "?"));
        struct audit_finding *finding =
            add_finding(audit, FINDING_TLS_FAILURE, SEVERITY_MEDIUM, i % 2 ? STATE_OPEN : STATE_NEW,
                        audit_textf(audit, "Connections of PRD D00 fail: %s", audit_cause_name(rows[i].cause)));
        g_ptr_array_add(finding->failures, failure);
    }
}

static void build_other_findings(struct scene *scene)
{
    struct audit *audit = scene->audit;
    struct audit_finding *finding = add_finding(audit, FINDING_EXPIRED, SEVERITY_HIGH, STATE_NEW,
                                                "The own certificate of PRD SAPSSLC.pse has expired");
    finding->cert = scene->own;
    finding->subject = scene->own->subject;
    g_ptr_array_add(finding->stores, scene->prd_c);
    TEXTS(audit, finding->steps, "STRUST: create a certificate request, let the CA sign it, import the response.");
    finding = add_finding(audit, FINDING_EXPIRING, SEVERITY_LOW, STATE_OPEN,
                          "Racine Générale 2006 expires soon, an anchor of 2 trust stores");
    finding->cert = scene->racine;
    finding->subject = RACINE;
    g_ptr_array_add(finding->stores, scene->prd_c);
    g_ptr_array_add(finding->stores, scene->qas_c);
    finding =
        add_finding(audit, FINDING_DRIFT, SEVERITY_MEDIUM, STATE_OPEN, "PRD SAPSSLC.pse differs between its instances");
    finding->detail = "2 certificates of app-prd-01 D00 are not in the list of app-prd-02 D01.";
    g_ptr_array_add(finding->stores, scene->prd_c);
    TEXTS(audit, finding->steps,
          "STRUST: save the PSE once more, which distributes the copy of the database to all instances.");
    finding = add_finding(audit, FINDING_STORE_UNREADABLE, SEVERITY_MEDIUM, STATE_OPEN,
                          "portal-01.example.com J10 SAPSSLS.pse could not be read");
    g_ptr_array_add(finding->stores, scene->java_s);
    finding->host = scene->java;
    finding = add_finding(audit, FINDING_TRACE_LEVEL, SEVERITY_INFO, STATE_NEW,
                          "The trace level of PRD D01 on app-prd-02.example.com is 2");
    finding->host = scene->prd2;
    TEXTS(audit, finding->steps, "SMICM > Goto > Trace Level > Set: 1.");
    finding = add_finding(audit, FINDING_TRACE_DETAIL, SEVERITY_MEDIUM, STATE_NEW,
                          "The trace level of D00 of PRD on app-prd-01.example.com is too low to name missing "
                          "certificates");
    finding->detail = "At level 2 a trace shows more of the chain that a peer sends; /usr/sap/PRD/D00/work/dev_icm has "
                      "level 1. Concerned: 3 failed connections; peer: pier.harbour.example.";
    finding->host = scene->prd1;
    TEXTS(audit, finding->steps, "Raise the trace level to 2: SMICM > Goto > Trace Level > Set.",
          "Let the connections fail once more.", "Set the trace level back to 1.");
    finding = add_finding(audit, FINDING_TRACE_ROTATION, SEVERITY_LOW, STATE_OPEN,
                          "The trace of D00 of PRD on app-prd-01.example.com reaches back only 5 hours");
    finding->detail = "/usr/sap/PRD/D00/work/dev_icm.old and the file that follows it reach back 5 hours: failures "
                      "before 2026-11-22T22:40:05Z are lost.";
    finding->host = scene->prd1;
    TEXTS(audit, finding->steps, "Let the file grow larger before a new one begins: rdisp/TRACE_LOGGING.");
    finding = add_finding(audit, FINDING_HOST_MISSING, SEVERITY_HIGH, STATE_OPEN,
                          "app-old-01.example.com could not be collected");
    finding->host = scene->lost;
    finding =
        add_finding(audit, FINDING_HOST_MISSING, SEVERITY_HIGH, STATE_NEW, "dmz-07.example.com could not be collected");
    finding->host = scene->dmz;
    finding = add_finding(audit, FINDING_MISSING_ANCHOR, SEVERITY_HIGH, STATE_FIXED,
                          "Nordwind Root CA 3 was missing in web-01.example.com W20 SAPSSLC.pse");
    finding->cert = scene->nordwind;
    finding->match = MATCH_PROVED;
    struct audit_gap *gap = add_gap(audit, finding, scene->web_c, BASIS_SEEN, STATE_FIXED, NULL);
    gap->note = "the list holds it now";

    struct audit_failure *failure =
        add_untrusted(audit, scene->bad, scene->bad_c, HOSTILE, 1, HOSTILE, CERTAINTY_UNKNOWN);
    failure->error = failure->peer = audit_text(audit, HOSTILE);
    failure->peers->pdata[0] = (char *)failure->peer;
    g_ptr_array_add(failure->peers, (char *)"192.0.2.1:443");
    add_link(audit, failure, HOSTILE, HOSTILE, audit_text(audit, HOSTILE));
    finding = add_finding(audit, FINDING_MISSING_ANCHOR, SEVERITY_CRITICAL, STATE_NEW, HOSTILE);
    finding->detail = finding->proof = finding->subject = audit_text(audit, HOSTILE);
    finding->cert = scene->harm;
    finding->match = MATCH_NAME;
    gap = add_gap(audit, finding, scene->bad_c, BASIS_SEEN_UNREAD, STATE_NEW, failure);
    gap->note = audit_text(audit, HOSTILE);
    TEXTS(audit, gap->steps, HOSTILE, "$ " HOSTILE);
}

static void build_policy(struct scene *scene)
{
    struct audit *audit = scene->audit;
    struct audit_finding *finding = add_finding(audit, FINDING_POLICY_MISSING, SEVERITY_MEDIUM, STATE_OPEN,
                                                "Racine Générale 2006 is required and missing in 2 trust stores");
    finding->cert = scene->racine;
    finding->subject = RACINE;
    finding->match = MATCH_NONE;
    finding->detail = "Required by [required partner roots] of the policy: 3 trust stores hold it, 2 lack it.";
    strust_steps(audit, add_gap(audit, finding, scene->dev_c, BASIS_REQUIRED, STATE_OPEN, NULL)->steps);
    add_gap(audit, finding, scene->qas_c, BASIS_REQUIRED, STATE_WAIVED, NULL)->note =
        "Waived by basis@example.com until 2026-11-30: Incident 4711.";
    add_gap(audit, finding, scene->prd_a, BASIS_REQUIRED, STATE_FIXED, NULL)->note = "The list holds it now.";
    add_waiver(audit, finding, "basis@example.com", FALSE, 1);
    finding = add_finding(audit, FINDING_DISTRUSTED, SEVERITY_HIGH, STATE_NEW,
                          "Nordwind Root CA 3 is distrusted, and PRD SAPSSLC.pse holds it");
    finding->cert = scene->nordwind;
    finding->subject = NORDWIND;
    finding->detail = "Distrusted by [distrusted withdrawn] of the policy.";
    g_ptr_array_add(finding->stores, scene->prd_c);
    add_waiver(audit, finding, HOSTILE, TRUE, 0);
    finding = add_finding(audit, FINDING_WEAK_CERTIFICATE, SEVERITY_LOW, STATE_OPEN,
                          "edi-gateway.example.com is weaker than the policy allows, an anchor of QAS SAPSSLC.pse");
    finding->cert = scene->gateway;
    finding->detail = "By the policy its key is RSA 1024, and 2048 bits are the least.";
    g_ptr_array_add(finding->stores, scene->qas_c);
    finding = add_finding(audit, FINDING_END_ENTITY, SEVERITY_LOW, STATE_WAIVED,
                          "edi-gateway.example.com, an anchor of QAS SAPSSLC.pse, is no CA");
    finding->cert = scene->gateway;
    g_ptr_array_add(finding->stores, scene->qas_c);
    add_waiver(audit, finding, "basis@example.com", FALSE, 1);
    finding = add_finding(audit, FINDING_EXPIRING, SEVERITY_LOW, STATE_OPEN,
                          "Nordwind Root CA 3 expires soon, an anchor of 2 trust stores");
    finding->cert = scene->nordwind;
    g_ptr_array_add(finding->stores, scene->prd_c);
    g_ptr_array_add(finding->stores, scene->qas_c);
    add_waiver(audit, finding, "A. Example", TRUE, 1);
}

struct audit *fixture_landscape(void)
{
    struct scene scene = {.audit = audit_new()};
    struct audit *audit = scene.audit;
    audit->evaluated = at(23, 5, 0, 0);
    audit->previous = at(22, 5, 0, 0);
    audit->program = "trustgap 0.1.0";
    struct audit_capture *capture = audit_capture_new(audit);
    capture->program = "trustgap 0.1.0";
    capture->started = at(23, 4, 0, 0);
    capture->inventory_sha256 = digest(audit, G_CHECKSUM_SHA256, "inventory");
    g_ptr_array_add(audit->captures, capture);
    struct audit_capture *torn = audit_capture_new(audit);
    torn->torn = TRUE;
    torn->limit = "prod*,!app-prd-09.example.com";
    torn->left_out = 12;
    g_ptr_array_add(audit->captures, torn);
    build_hosts(&scene);
    build_certs(&scene);
    build_stores(&scene);
    build_meridian(&scene);
    build_other_anchors(&scene);
    build_other_failures(&scene);
    build_other_findings(&scene);
    build_policy(&scene);
    TEXTS(audit, audit->warnings, "/etc/trustgap/roots/notes.txt: no certificate in it", HOSTILE);
    audit_sort(audit);
    return audit;
}

struct audit *fixture_empty(void)
{
    return audit_new();
}

struct audit *fixture_clean(void)
{
    struct audit *audit = audit_new();
    audit->evaluated = at(23, 5, 0, 0);
    audit->program = "trustgap 0.1.0";
    for (int i = 1; i <= 2; i++) {
        struct audit_host *host =
            add_host(audit, audit_textf(audit, "app-%02d.example.com", i), HOST_COLLECTED, NULL, NULL);
        struct audit_instance *instance =
            add_instance(audit, host, "PRD", audit_textf(audit, "D%02d", i), INSTANCE_ABAP);
        add_trace(audit, instance, "dev_icm", 1);
    }
    audit_sort(audit);
    return audit;
}

struct audit *fixture_explain(void)
{
    struct audit *audit = audit_new();
    audit->evaluated = at(23, 5, 0, 0);
    audit->program = "trustgap 0.1.0";
    struct audit_failure *failure =
        add_untrusted(audit, NULL, NULL, "api.partner.example", 12, MERIDIAN, CERTAINTY_ISSUER);
    seen(audit, failure, at(22, 1, 2, 3), at(22, 5, 6, 7), 0);
    add_many_peers(audit, failure);
    add_link(audit, failure, "CN=api.partner.example, O=Partner AG, C=DE", MERIDIAN, "0B:11")->sha256 =
        digest(audit, G_CHECKSUM_SHA256, "0B:11");
    failure = add_untrusted(audit, NULL, NULL, NULL, 1, GATEWAY, CERTAINTY_SELF_SIGNED);
    failure->peer = NULL;
    g_ptr_array_set_size(failure->peers, 0);
    failure->lines_seen = failure->lines_known = 9;
    add_link(audit, failure, GATEWAY, GATEWAY, "55:11:D0");
    failure =
        add_untrusted(audit, NULL, NULL, "pier.harbour.example", 1, "CN=Harbour Issuing CA, O=Harb", CERTAINTY_NAMED);
    failure->missing_cut = TRUE;
    struct audit_link *link = add_link(audit, failure, "CN=pier.harbour.example, O=Harbour International Shi",
                                       "CN=Harbour Issuing CA, O=Harb", NULL);
    link->subject_cut = link->issuer_cut = TRUE;
    failure = add_untrusted(audit, NULL, NULL, NULL, 3, NULL, CERTAINTY_UNKNOWN);
    failure->role = ROLE_UNKNOWN;
    failure->store_path = failure->advice = failure->error = NULL;
    failure->code = 0;
    g_ptr_array_set_size(failure->evidence, 0);
    failure = add_untrusted(audit, NULL, NULL, HOSTILE, 1, HOSTILE, CERTAINTY_UNKNOWN);
    failure->role = ROLE_SERVER;
    for (int cause = CAUSE_EXPIRED_PEER; cause <= CAUSE_OTHER; cause++) {
        failure = add_failure(audit, NULL, NULL, (enum audit_cause)cause, 1);
        failure->target = "other.example:8443";
        failure->advice = cause % 2 ? "See the quoted lines." : NULL;
        struct audit_evidence *evidence = add_evidence(audit, failure, NULL, (unsigned)cause);
        TEXTS(audit, evidence->lines, "[Thr 7] *** ERROR => something went wrong");
    }
    return audit;
}
