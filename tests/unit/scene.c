#include "scene.h"

#include "analysis.h"
#include "file.h"
#include "moment.h"
#include "name.h"
#include "policy_parse.h"
#include "report.h"

#include <glib/gstdio.h>
#include <string.h>

static struct scene *scene_with(const struct capture_header *header)
{
    struct scene *scene = g_new0(struct scene, 1);

    scene->folder = g_dir_make_tmp("trustgap-XXXXXX", NULL);
    scene->path = g_build_filename(scene->folder, "capture", NULL);
    scene->writer = capture_create(scene->path, header, NULL);
    g_assert(scene->writer);
    scene->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)capture_host_free);
    scene->references = g_ptr_array_new_with_free_func(g_free);
    return scene;
}

struct scene *scene_new(void)
{
    return scene_with(&(struct capture_header){.program = (char *)"test", .started = CERTS_NOW});
}

struct scene *scene_new_without(const char *left_out)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_ptr_array_add(names, (void *)left_out);
    return scene_with(&(struct capture_header){
        .program = (char *)"test", .started = CERTS_NOW, .limit = (char *)"app01", .left_out = names});
}

static void remove_tree(const char *path)
{
    GDir *dir = g_file_test(path, G_FILE_TEST_IS_DIR) ? g_dir_open(path, 0, NULL) : NULL;
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        remove_tree(child);
    }
    if (dir)
        g_dir_close(dir);
    g_remove(path);
}

void scene_free(struct scene *scene)
{
    if (!scene)
        return;
    capture_close(scene->writer);
    remove_tree(scene->folder);
    g_ptr_array_unref(scene->hosts);
    g_ptr_array_unref(scene->references);
    g_free(scene->system);
    policy_free(scene->policy);
    g_free(scene->folder);
    g_free(scene->path);
    g_free(scene);
}

struct capture_host *scene_host(struct scene *scene, const char *name)
{
    struct capture_host *host = capture_host_new();
    host->name = g_strdup(name);
    host->status = CAPTURE_COLLECTED;
    host->finished = CERTS_NOW;
    host->zone_offset_s = 0;
    g_ptr_array_add(scene->hosts, host);
    return host;
}

struct capture_instance *scene_instance(struct capture_host *host, const char *sid, const char *name)
{
    struct capture_instance *instance = capture_instance_new();
    instance->sid = g_strdup(sid);
    instance->name = g_strdup(name);
    instance->path = sid ? g_strdup_printf("/usr/sap/%s/%s", sid, name) : g_strdup("/usr/sap/hostctrl/exe");
    g_ptr_array_add(host->instances, instance);
    return instance;
}

char *scene_object(struct scene *scene, const void *bytes, size_t size)
{
    struct capture_object *object = capture_object_new(scene->writer, NULL);
    gboolean ok = object && capture_object_add(object, bytes, size, NULL);
    g_assert(ok);
    char *digest = capture_object_finish(object, NULL);
    g_assert(digest);
    return digest;
}

struct capture_store *scene_store(struct scene *scene, struct capture_host *host,
                                  const struct capture_instance *instance, const char *file, GBytes *trusted)
{
    struct capture_store *store = capture_store_new();
    store->instance = g_strdup(instance->path);
    store->path = g_strdup_printf("%s/sec/%s", instance->path, file);
    store->device = 1;
    store->inode = 1000 + host->stores->len;
    store->size_bytes = 5000;
    store->modified = CERTS_NOW - 10 * CERTS_DAY;
    store->owner = g_strdup(instance->sid ? "prdadm" : "sapadm");
    store->mode = g_strdup("600");
    store->method = g_strdup("native");
    store->trusted = scene_object(scene, g_bytes_get_data(trusted, NULL), g_bytes_get_size(trusted));
    g_ptr_array_add(host->stores, store);
    return store;
}

struct capture_trace *scene_trace(struct scene *scene, struct capture_host *host,
                                  const struct capture_instance *instance, const char *file, const char *text)
{
    struct capture_trace *trace = capture_trace_new();
    trace->instance = g_strdup(instance->path);
    trace->path = g_strdup_printf("%s/work/%s", instance->path, file);
    trace->size_bytes = trace->length_bytes = (int64_t)strlen(text);
    trace->from_byte = 0;
    trace->modified = CERTS_NOW;
    trace->object = scene_object(scene, text, strlen(text));
    g_ptr_array_add(host->traces, trace);
    return trace;
}

void scene_file(struct scene *scene, const char *name, const struct issued *issued)
{
    g_autofree char *path = g_build_filename(scene->folder, name, NULL), *folder = g_path_get_dirname(path);
    g_autofree char *pem = certs_pem(issued);
    gboolean ok = g_mkdir_with_parents(folder, 0700) == 0 && g_file_set_contents(path, pem, -1, NULL);
    g_assert(ok);
}

void scene_reference(struct scene *scene, const char *name, const struct issued *issued)
{
    scene_file(scene, name, issued);
    g_ptr_array_add(scene->references, g_build_filename(scene->folder, name, NULL));
}

void scene_system(struct scene *scene, const struct issued *issued)
{
    g_autofree char *pem = certs_pem(issued), *before = NULL;

    if (!scene->system)
        scene->system = g_build_filename(scene->folder, "bundle.crt", NULL);
    g_file_get_contents(scene->system, &before, NULL, NULL);
    g_autofree char *text = g_strconcat(before ? before : "", pem, NULL);
    gboolean ok = g_file_set_contents(scene->system, text, -1, NULL);
    g_assert(ok);
}

void scene_policy(struct scene *scene, const char *text)
{
    g_autoptr(GError) error = NULL;
    policy_free(scene->policy);
    scene->policy = policy_parse("policy.ini", scene->folder, text, strlen(text), &error);
    g_assert_no_error(error);
}

static char *write_xml(const struct audit *audit, const char *folder)
{
    char *path = g_build_filename(folder, "audit.xml", NULL);
    struct file_output *output = file_output_open(path, 0600, NULL);
    gboolean ok = output && report_write_xml(output, audit, NULL) && file_output_commit(output, NULL);
    g_assert(ok);
    return path;
}

char *scene_xml(const struct audit *audit)
{
    g_autofree char *folder = g_dir_make_tmp("trustgap-XXXXXX", NULL), *path = write_xml(audit, folder);
    char *text = NULL;
    gboolean ok = g_file_get_contents(path, &text, NULL, NULL);
    g_assert(ok);
    remove_tree(folder);
    return text;
}

struct references *scene_load(const struct scene *scene)
{
    struct references *references = references_new();
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < scene->references->len; i++) {
        references_add(references, scene->references->pdata[i], NULL, &error);
        g_assert_no_error(error);
    }
    if (scene->system) {
        references_add_system(references, scene->system, &error);
        g_assert_no_error(error);
    }
    return references;
}

struct audit *scene_run_at(struct scene *scene, const struct audit *previous, int64_t at)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(audit_auto) before = NULL;

    for (guint i = 0; i < scene->hosts->len; i++) {
        guint index = scene->reversed ? scene->hosts->len - 1 - i : i;
        gboolean ok = capture_write_host(scene->writer, scene->hosts->pdata[index], NULL);
        g_assert(ok);
    }
    if (previous) {
        g_autofree char *path = write_xml(previous, scene->folder);
        before = report_read_xml(path, &error);
        g_assert_no_error(error);
    }
    g_autoptr(references_auto) references = scene_load(scene);
    struct analysis_options options = {
        .at = at, .references = references, .policy = scene->policy, .previous = before, .workers = scene->workers};
    const char *const captures[] = {scene->path, NULL};
    struct audit *audit = analysis_run(captures, &options, &error);
    g_assert_no_error(error);
    return audit;
}

struct audit *scene_run(struct scene *scene, const struct audit *previous)
{
    return scene_run_at(scene, previous, CERTS_NOW);
}

/* Traces. */

void scene_header(GString *trace, const char *level, const char *release)
{
    static const char rule[] = "---------------------------------------------------\n";
    g_string_append_printf(
        trace,
        "%strc file: \"dev_icm\", trc level: %s, release: \"%s\"\n%ssysno      00\nsid        PRD\npid     "
        "   4711\n",
        rule, level, release, rule);
}

static void append_link(GString *trace, const struct issued *issued, unsigned depth)
{
    g_autofree char *subject = name_print(X509_get_subject_name(issued->x509));
    g_autofree char *issuer = name_print(X509_get_issuer_name(issued->x509));
    const ASN1_INTEGER *serial = X509_get0_serialNumber(issued->x509);
    int pad = (int)depth * 3;
    g_string_append_printf(trace, "[Thr 7] %*sCertificate:\n", depth ? pad + 1 : 0, "");
    if (depth == 0)
        g_string_append(trace, "[Thr 7]  Certificate:\n");
    g_string_append_printf(trace, "[Thr 7] %*sSubject:                %s\n", pad + 2, "", subject);
    g_string_append_printf(trace, "[Thr 7] %*sIssuer:                 %s\n", pad + 2, "", issuer);
    g_string_append_printf(trace, "[Thr 7] %*sSerial Number:          ", pad + 2, "");
    for (int i = 0; i < ASN1_STRING_length(serial); i++)
        g_string_append_printf(trace, "%s%02X", i > 0 ? ":" : "", ASN1_STRING_get0_data(serial)[i]);
    g_string_append_printf(trace, "\n[Thr 7] %*sVerification result:\n", pad + 1, "");
    g_string_append_printf(trace, "[Thr 7] %*sStatus:                 Not successful\n", pad + 2, "");
}

static void append_one(GString *trace, const struct attempt *attempt)
{
    const char *call = attempt->incoming ? "accept" : "connect";
    if (attempt->stamp)
        g_string_append_printf(trace, "[Thr 7] %s\n", attempt->stamp);
    g_string_append_printf(trace, "[Thr 7] *** ERROR during SecuSSL_SessionStartNB() from SSL_%s()==SSL_ERROR_SSL\n",
                           call);
    if (attempt->store)
        g_string_append_printf(trace, "[Thr 7]    session uses PSE file \"%s\"\n", attempt->store);
    g_string_append_printf(trace,
                           "[Thr 7] SecuSSL_SessionStartNB: SSL_%s() failed  (536872221/0x2000051d)\n"
                           "[Thr 7]   => \"Failed to verify peer certificate. Peer not trusted.\"\n"
                           "[Thr 7] >> ---------- Begin of Secu-SSL Errorstack ---------- >>\n"
                           "[Thr 7] Peer not trusted\n",
                           call);
    for (unsigned i = 0; i < G_N_ELEMENTS(attempt->chain) && attempt->chain[i]; i++) {
        int pad = (int)(i - 1) * 3 + 2;
        if (i > 0)
            g_string_append_printf(trace, "[Thr 7] %*sSignerVerificationResult:\n[Thr 7] %*sSignerCert:\n", pad, "",
                                   pad + 1, "");
        append_link(trace, attempt->chain[i], i);
    }
    g_string_append(trace, "[Thr 7] << ---------- End of Secu-SSL Errorstack ----------\n");
    if (attempt->target)
        g_string_append_printf(trace, "[Thr 7]   Target Hostname=\"%s\"\n", attempt->target);
    if (attempt->peer)
        g_string_append_printf(trace, "[Thr 7]   SSL NI-hdl 463: local=192.0.2.10:56542  peer=%s\n", attempt->peer);
    g_string_append(trace,
                    "[Thr 7] <<- ERROR: SapSSLSessionStartNB(sssl_hdl=7f0e30000c70)==SSSLERR_PEER_CERT_UNTRUSTED\n");
    if (attempt->incoming)
        g_string_append(trace, "[Thr 7] *** ERROR => IcmConnInitServerSSL: SapSSLSessionStart returned (-102): "
                               "SSSLERR_PEER_CERT_UNTRUSTED [icxxconn.c 1700]\n");
    else if (attempt->target)
        g_string_append_printf(trace,
                               "[Thr 7] *** ERROR => SSL handshake with %s:443 failed: "
                               "SSSLERR_PEER_CERT_UNTRUSTED (-102)\n[Thr 7] \n",
                               attempt->target);
}

void scene_untrusted(GString *trace, const struct attempt *attempt)
{
    for (unsigned i = 0; i < MAX(attempt->times, 1); i++)
        append_one(trace, attempt);
}

void scene_untrusted_old(GString *trace, const struct attempt *attempt, const char *name)
{
    g_string_append_printf(trace,
                           "[Thr 8] *** ERROR during SecudeSSL_SessionStart() from SSL_connect()==SSL_ERROR_SSL\n"
                           "[Thr 8]    session uses PSE file \"%s\"\n"
                           "[Thr 8] SecudeSSL_SessionStart: SSL_connect() failed\n"
                           "[Thr 8]   secude_error 9 (0x00000009) = \"verification of the server's certificate chain "
                           "failed\"\n"
                           "[Thr 8] >> ---------- Begin of Secude-SSL Errorstack ---------- >>\n"
                           "[Thr 8] ERROR in ssl3_get_server_certificate: (9/0x0009) verification of the server's "
                           "certificate chain failed\n"
                           "[Thr 8] ERROR in af_verify_Certificates: (24/0x0018) chain of certificates is incomplete : "
                           "\"%s\n"
                           "[Thr 8] ERROR in get_path: (24/0x0018) no path, chain of certificates is incomplete\n"
                           "[Thr 8] << ---------- End of Secude-SSL Errorstack ----------\n"
                           "[Thr 8]   SSL NI-sock: local=192.0.2.10:50312  peer=%s\n"
                           "[Thr 8] <<- ERROR: SapSSLSessionStart(sssl_hdl=00000000031C7A40)==SSSLERR_SSL_CONNECT\n"
                           "[Thr 8] *** ERROR => IcmConnInitClientSSL: SapSSLSessionStart failed (-57): "
                           "SSSLERR_SSL_CONNECT [icxxconn.c 1700]\n",
                           attempt->store, name, attempt->peer ? attempt->peer : "192.0.2.7:443");
}

void scene_headline(GString *trace, const char *target, const char *error)
{
    g_string_append_printf(trace, "[Thr 9] *** ERROR => SSL handshake with %s:443 failed: %s\n[Thr 9] \n", target,
                           error);
}

/* Looking. */

struct audit_finding *scene_finding(const struct audit *audit, enum audit_finding_kind kind)
{
    for (guint i = 0; i < audit->findings->len; i++) {
        struct audit_finding *finding = audit->findings->pdata[i];
        if (finding->kind == kind)
            return finding;
    }
    return NULL;
}

unsigned scene_count(const struct audit *audit, enum audit_finding_kind kind)
{
    unsigned count = 0;
    for (guint i = 0; i < audit->findings->len; i++)
        count += ((const struct audit_finding *)audit->findings->pdata[i])->kind == kind;
    return count;
}

struct audit_store *scene_find_store(const struct audit *audit, const char *label)
{
    for (guint i = 0; i < audit->stores->len; i++) {
        struct audit_store *store = audit->stores->pdata[i];
        if (g_str_equal(store->label, label))
            return store;
    }
    return NULL;
}

struct audit_gap *scene_gap(const struct audit_finding *finding, const char *label)
{
    for (guint i = 0; i < finding->gaps->len; i++) {
        struct audit_gap *gap = finding->gaps->pdata[i];
        if (g_strcmp0(gap->store ? gap->store->label : NULL, label) == 0)
            return gap;
    }
    return NULL;
}

const char *scene_step(const GPtrArray *steps, const char *text)
{
    for (guint i = 0; i < steps->len; i++)
        if (strstr(steps->pdata[i], text))
            return steps->pdata[i];
    return "";
}
