#include "state.h"

#include "error.h"
#include "file.h"
#include "moment.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

static gboolean lock(struct state *state, GError **error)
{
    g_autofree char *path = g_build_filename(state->folder, "lock", NULL);

    state->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (state->lock_fd < 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "%s: cannot be created: %s", path, g_strerror(errno));
        return FALSE;
    }
    if (flock(state->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "%s: another audit is at work in this state folder",
                    path);
        return FALSE;
    }
    return TRUE;
}

/* Two runs in one second (or under SOURCE_DATE_EPOCH) get -2, -3, ... */
static void choose_names(struct state *state, int64_t started)
{
    char iso[MOMENT_TEXT_BYTES];
    g_autoptr(GString) stamp = g_string_new(moment_format(iso, started));
    g_string_replace(stamp, "-", "", 0);
    g_string_replace(stamp, ":", "", 0);
    gsize plain = stamp->len;

    for (unsigned turn = 1;; turn++) {
        g_string_truncate(stamp, plain);
        if (turn > 1)
            g_string_append_printf(stamp, "-%u", turn);
        g_autofree char *file = g_strconcat(stamp->str, ".xml", NULL);
        g_free(state->capture);
        g_free(state->audit);
        state->capture = g_build_filename(state->folder, "captures", stamp->str, NULL);
        state->audit = g_build_filename(state->folder, "audits", file, NULL);
        if (g_access(state->capture, F_OK) != 0 && g_access(state->audit, F_OK) != 0)
            return;
    }
}

struct state *state_open(const char *folder, int64_t started, GError **error)
{
    g_autoptr(state_auto) state = g_new0(struct state, 1);

    state->lock_fd = -1;
    if (folder)
        state->folder = g_strdup(folder);
    else if (geteuid() == 0)
        state->folder = g_strdup("/var/lib/trustgap");
    else
        state->folder = g_build_filename(g_get_user_state_dir(), "trustgap", NULL);
    g_autofree char *captures = g_build_filename(state->folder, "captures", NULL);
    g_autofree char *audits = g_build_filename(state->folder, "audits", NULL);
    if (!file_make_folder(captures, error) || !file_make_folder(audits, error) || !lock(state, error))
        return NULL;
    choose_names(state, started);
    state->latest = g_build_filename(state->folder, "latest.xml", NULL);
    state->html = g_build_filename(state->folder, "report.html", NULL);
    state->text = g_build_filename(state->folder, "report.txt", NULL);
    return g_steal_pointer(&state);
}

gboolean state_publish(const struct state *state, GError **error)
{
    g_autofree char *name = g_path_get_basename(state->audit);
    g_autofree char *target = g_build_filename("audits", name, NULL);
    g_autofree char *temporary = g_strconcat(state->latest, ".new", NULL);

    unlink(temporary);
    if (symlink(target, temporary) != 0 || rename(temporary, state->latest) != 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "%s: cannot be written: %s", state->latest,
                    g_strerror(errno));
        return FALSE;
    }
    return TRUE;
}

void state_close(struct state *state)
{
    if (!state)
        return;
    if (state->lock_fd >= 0)
        close(state->lock_fd);
    g_free(state->folder);
    g_free(state->capture);
    g_free(state->audit);
    g_free(state->latest);
    g_free(state->html);
    g_free(state->text);
    g_free(state);
}
