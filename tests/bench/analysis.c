/*
 * How long the analysis of a large landscape takes, and how much memory: HOSTS hosts (an argument, else 1000) with 12
 * PSEs each, which share their lists as they do in life, and failures in every trace.  With a second argument the audit
 * is written there, and the chain of a peer beside it (AUDIT.pem), for whoever wants to measure what reads one.
 */
#include "analysis.h"
#include "report.h"
#include "scene.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define PSES   12
#define LISTS  40
#define ROOTS  150 /* in the landscape */
#define LENGTH 60  /* of a list */
#define PEERS  50

static struct issued *roots[ROOTS], *leaves[PEERS];
static GBytes *lists[LISTS];

static void make_lists(void)
{
    for (int i = 0; i < ROOTS; i++) {
        g_autofree char *subject = g_strdup_printf("/C=DE/O=Example Trust %d/CN=Root %d", i % 7, i);
        roots[i] = certs(.subject = subject);
    }
    for (int i = 0; i < PEERS; i++) {
        g_autofree char *subject = g_strdup_printf("/CN=peer%d.example.com", i);
        leaves[i] = certs(.subject = subject, .issuer = roots[i], .leaf = TRUE);
    }
    for (int i = 0; i < LISTS; i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        for (int j = 0; j < LENGTH; j++) {
            GBytes *der = roots[(i * 7 + j * 2) % ROOTS]->der;
            g_byte_array_append(bytes, g_bytes_get_data(der, NULL), (guint)g_bytes_get_size(der));
        }
        lists[i] = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
    }
}

static void add_host(struct scene *scene, int number)
{
    g_autofree char *name = g_strdup_printf("host%05d", number), *sid = g_strdup_printf("S%04d", number / 4);
    g_autofree char *instance_name = g_strdup_printf("%s%02d", number % 3 ? "D" : "W", number % 4);
    g_autoptr(GString) text = g_string_new(NULL);
    struct capture_host *host = scene_host(scene, name);
    struct capture_instance *instance = scene_instance(host, sid, instance_name);
    static const char *const files[] = {"SAPSSLC", "SAPSSLA", "SAPSSLS", "SAPSYS", "SAPSNCS"};

    for (int i = 0; i < PSES; i++) {
        g_autofree char *file = i < 5 ? g_strdup_printf("%s.pse", files[i]) : g_strdup_printf("SAPSSLX%02d.pse", i);
        scene_store(scene, host, instance, file, lists[(number / 4 + i) % LISTS]);
    }
    scene_header(text, "1", "785");
    for (int i = 0; i < 8; i++) {
        g_autofree char *store = g_strdup_printf("%s/sec/SAPSSL%c.pse", instance->path, i % 2 ? 'A' : 'C');
        g_autofree char *target = g_strdup_printf("peer%d.example.com", (number + i) % PEERS);
        struct issued *leaf = leaves[(number + i) % PEERS];
        UNTRUSTED(text, .store = store, .target = target, .peer = "192.0.2.7:443", .chain = {leaf}, .times = 4,
                  .stamp = "Sun Nov  1 00:00:00 2026");
    }
    scene_trace(scene, host, instance, "dev_icm", text->str);
}

static void keep(const struct audit *audit, const char *path)
{
    struct file_output *output = file_output_open(path, 0600, NULL);
    g_autofree char *pem_path = g_strconcat(path, ".pem", NULL), *pem = certs_pem(leaves[0]);
    gboolean ok = output && report_write_xml(output, audit, NULL) && file_output_commit(output, NULL) &&
                  g_file_set_contents(pem_path, pem, -1, NULL);
    g_assert(ok);
}

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    guint64 hosts = 1000;
    struct rusage before, after;
    g_autoptr(scene_auto) scene = scene_new();

    if (argc > 1 && !g_ascii_string_to_unsigned(argv[1], 10, 1, 100000, &hosts, NULL))
        g_error("usage: bench-analysis [HOSTS [AUDIT]]");
    make_lists();
    for (int i = 0; i < (int)hosts; i++) {
        add_host(scene, i);
        gboolean ok = capture_write_host(scene->writer, scene->hosts->pdata[0], NULL);
        g_assert(ok);
        g_ptr_array_set_size(scene->hosts, 0);
    }
    const char *const captures[] = {scene->path, NULL};
    struct analysis_options options = {.at = CERTS_NOW};
    getrusage(RUSAGE_SELF, &before);
    g_autoptr(audit_auto) audit = analysis_run(captures, &options, NULL);
    getrusage(RUSAGE_SELF, &after);
    g_assert(audit);
    printf("%d hosts, %u stores, %u lists, %u certificates, %u failures, %u findings\n", (int)hosts, audit->stores->len,
           audit->lists->len, audit->certs->len, audit->failures->len, audit->findings->len);
    printf("%.2f s of CPU, peak memory %ld MiB (%ld MiB of them before)\n",
           seconds(&after.ru_utime) + seconds(&after.ru_stime) - seconds(&before.ru_utime) - seconds(&before.ru_stime),
           after.ru_maxrss / 1024, before.ru_maxrss / 1024);
    if (argc > 2)
        keep(audit, argv[2]);
    return 0;
}
