/*
 * Small landscapes for tests: hosts, instances, PSEs and traces put into a capture, analyzed as the nightly job does it
 * (the previous audit goes through its XML).  Whatever fails aborts the test.
 */
#ifndef TRUSTGAP_TEST_SCENE_H
#define TRUSTGAP_TEST_SCENE_H

#include "audit.h"
#include "capture.h"
#include "certs.h"
#include "policy.h"
#include "references.h"
#include "workers.h"

#include <glib.h>

struct scene {
    char *folder; /* removed by scene_free() */
    char *path;   /* of the capture */
    struct capture_writer *writer;
    GPtrArray *hosts;        /* of struct capture_host *, written by scene_run() */
    GPtrArray *references;   /* of char *: files */
    char *system;            /* the file that is this system's bundle; NULL: none */
    struct policy *policy;   /* NULL: none */
    gboolean reversed;       /* write the hosts in reverse order */
    struct workers *workers; /* who parses; NULL: the test itself; not owned */
};

struct scene *scene_new(void);
/* The capture of a run with "--limit app01" that left this host out. */
struct scene *scene_new_without(const char *left_out);
void scene_free(struct scene *scene);

/* A collected host in UTC, finished at CERTS_NOW. */
struct capture_host *scene_host(struct scene *scene, const char *name);

/* "/usr/sap/PRD/D00" for ("PRD", "D00"), "/usr/sap/hostctrl/exe" for (NULL, "hostctrl"). */
struct capture_instance *scene_instance(struct capture_host *host, const char *sid, const char *name);

/* A PSE in the instance's folder "sec", read natively, modified at CERTS_NOW - 10 days. */
struct capture_store *scene_store(struct scene *scene, struct capture_host *host,
                                  const struct capture_instance *instance, const char *file, GBytes *trusted);

/* A file in the instance's folder "work". */
struct capture_trace *scene_trace(struct scene *scene, struct capture_host *host,
                                  const struct capture_instance *instance, const char *file, const char *text);

/* Bytes into the capture; the digest, g_free(). */
char *scene_object(struct scene *scene, const void *bytes, size_t size);

/* A reference file with this certificate. */
void scene_reference(struct scene *scene, const char *name, const struct issued *issued);

/* Put this certificate into this system's bundle. */
void scene_system(struct scene *scene, const struct issued *issued);

/* The policy in this text, which may name files of scene_file(), in the place of an earlier one. */
void scene_policy(struct scene *scene, const char *text);
/* A file with this certificate in the scene's folder. */
void scene_file(struct scene *scene, const char *name, const struct issued *issued);

/* What is in the reference files, references_free(). */
struct references *scene_load(const struct scene *scene);

/* Analyze; previous may be NULL. */
struct audit *scene_run(struct scene *scene, const struct audit *previous);
struct audit *scene_run_at(struct scene *scene, const struct audit *previous, int64_t at);

/* The audit as XML, g_free(). */
char *scene_xml(const struct audit *audit);

/* Text of traces. */

struct attempt {                   /* all may be left 0 */
    const char *stamp;             /* "Sun Nov 22 01:02:03 2026" */
    const char *store;             /* path of the PSE */
    const char *target, *peer;     /* "api.example.com", "192.0.2.7:443" */
    const struct issued *chain[4]; /* as far as the peer sends it, leaf first */
    unsigned times;                /* 0: once */
    gboolean incoming;             /* the peer called us */
};

/* "trc file: ..." of this level and release. */
void scene_header(GString *trace, const char *level, const char *release);
/* A connection that fails since the chain is not trusted (the nested form). */
void scene_untrusted(GString *trace, const struct attempt *attempt);
/* The same in the old form: only the beginning of the name of what is missing. */
void scene_untrusted_old(GString *trace, const struct attempt *attempt, const char *name);
/* A connection that fails with this error, its headline only. */
void scene_headline(GString *trace, const char *target, const char *error);

/* Looking at what came out. */

struct audit_finding *scene_finding(const struct audit *audit, enum audit_finding_kind kind);
unsigned scene_count(const struct audit *audit, enum audit_finding_kind kind);
struct audit_store *scene_find_store(const struct audit *audit, const char *label);
struct audit_gap *scene_gap(const struct audit_finding *finding, const char *label);
/* The first of the steps that has this text in it, or "". */
const char *scene_step(const GPtrArray *steps, const char *text);

typedef struct scene scene_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(scene_auto, scene_free)

#define UNTRUSTED(trace, ...) scene_untrusted(trace, &(const struct attempt){__VA_ARGS__})

#endif
