/*
 * The state folder of the nightly job: captures, audits, reports.
 *
 *   STATE/captures/20261122T010203Z/   one capture a run
 *   STATE/audits/20261122T010203Z.xml  one audit a run
 *   STATE/latest.xml                   link to the newest audit
 *   STATE/report.html, report.txt      of the newest audit
 *   STATE/lock                         held while a run is at work
 *   STATE/limited/20261122T010203Z/    all of one run that leaves hosts out: capture/, audit.xml, report.html, .txt
 *
 * A run that leaves hosts out has a folder of its own: it changes nothing of the others, so it needs no lock, and holds
 * up no night.
 */
#ifndef TRUSTGAP_STATE_H
#define TRUSTGAP_STATE_H

#include <glib.h>
#include <stdint.h>

struct state {
    char *folder;
    char *capture; /* of this run; does not exist yet */
    char *audit;   /* of this run; does not exist yet */
    char *latest;  /* link; may not exist */
    char *html, *text;
    gboolean limited;
    int lock_fd;
};

/**
 * state_open(folder, started, limited, error):
 * Make the folder (${folder}, or the default if NULL) if need be, lock it unless the run is ${limited}, choose the
 * names of a run that began at ${started}. The default is /var/lib/trustgap for root, else $XDG_STATE_HOME/trustgap.
 * NULL with ${error} set if another run is at work there or it cannot be made.  Free with state_close().
 */
struct state *state_open(const char *folder, int64_t started, gboolean limited, GError **error);

/**
 * state_publish(state, error):
 * Let ${state->latest} point to the audit of this run; nothing to do for a limited one.
 */
gboolean state_publish(const struct state *state, GError **error);

void state_close(struct state *state);

typedef struct state state_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(state_auto, state_close)

#endif
