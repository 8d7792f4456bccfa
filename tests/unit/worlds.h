/*
 * Small landscapes made from a number: two nights of a few hosts, systems and peers, for tests that compare audits.
 *
 * The same seed gives the same bytes in every process: keys are fixed, and what signs with them (Ed25519) has no
 * randomness of its own.  Systems are ABAP systems with instances on several hosts, Java systems and Web Dispatchers.
 * Peers stand below roots that are renewed, cross-signed, expired, or of the same name as others; they send their
 * intermediates or not.  Trust lists are read natively, as a listing, in part, or not at all.  Traces have levels from
 * 1 to 3, an older part or none, failures with and without a PSE, names that are cut and names that are missing.  There
 * may be references and a policy with waivers.
 */
#ifndef TRUSTGAP_TEST_WORLDS_H
#define TRUSTGAP_TEST_WORLDS_H

#include "scene.h"

#include <glib.h>

#define WORLDS_NIGHTS 2

struct world {
    struct scene *nights[WORLDS_NIGHTS]; /* of a day each, the first at CERTS_NOW; not to be run, see worlds_run() */
};

struct world *worlds_new(guint32 seed);
void worlds_free(struct world *world);

/**
 * worlds_at(night):
 * The evaluation time of a night.
 */
int64_t worlds_at(unsigned night);

/**
 * worlds_run(scene, hosts, parts, previous, at):
 * Analyze ${hosts} (of struct capture_host *, in this order) with the objects, references and policy of ${scene}, as
 * ${parts} captures of about the same number of hosts, the last of which is named first; what is analyzed is written
 * without bringing it to the disk.  ${previous} (or NULL) is the path of an audit in XML.
 */
struct audit *worlds_run(const struct scene *scene, const GPtrArray *hosts, unsigned parts, const char *previous,
                         int64_t at);

/**
 * worlds_write(scene, name, audit):
 * Write the audit as XML into the folder of ${scene}; its path, g_free().
 */
char *worlds_write(const struct scene *scene, const char *name, const struct audit *audit);

/* A host of a system of its own that nobody else has to do with, for the end of ${scene->hosts}. */
struct capture_host *worlds_stranger(struct scene *scene);

typedef struct world world_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(world_auto, worlds_free)

#endif
