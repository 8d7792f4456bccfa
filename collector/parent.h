/*
 * The parent of a collecting run: gives the hosts to workers, does for them what they may not do, and has written what
 * comes back.
 *
 * It holds what is worth something: keys, the agent, known_hosts, the capture.  Workers (shard.h) talk to hosts.  One
 * that crashes, blocks or lies costs its hosts a second try, each in a worker of its own; a host whose worker fails
 * then too is given up with REASON_WORKER, and the run goes on.
 */
#ifndef TRUSTGAP_PARENT_H
#define TRUSTGAP_PARENT_H

#include "collector.h"
#include "keyring.h"
#include "known_hosts.h"

/* Limits. */
#define PARENT_CAREFUL    8    /* workers besides the others that have one host at a time, for those that failed */
#define PARENT_DEATHS     2    /* workers that may fail with one host */
#define PARENT_BAD_STARTS 3    /* workers in a row that end before they are set up: then the run ends */
#define PARENT_CANCEL_MS  5000 /* for workers to end their hosts after Ctrl-C */

struct parent_means {
    const struct inventory *inventory;
    const struct collector_options *options;
    const struct known_hosts *known_hosts;
    struct keyring *keyring;
    struct capture_writer *writer;
    unsigned fanout; /* hosts at once, as many as there are descriptors for */
};

/**
 * parent_run(result, means, error):
 * The run, as collector_run() says.
 */
gboolean parent_run(struct collector_result *result, const struct parent_means *means, GError **error);

#endif
