#include "state.h"

#include "error.h"
#include "file.h"
#include "moment.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean lock(struct state *state, GError **error)
{
    g_autofree char *path = g_build_filename(state->folder, "lock", NULL);

    state->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
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
static char *name_run(int64_t started, unsigned turn)
{
    char iso[MOMENT_TEXT_BYTES];
    GString *stamp = g_string_new(moment_format(iso, started));

    g_string_replace(stamp, "-", "", 0);
    g_string_replace(stamp, ":", "", 0);
    if (turn > 1)
        g_string_append_printf(stamp, "-%u", turn);
    return g_string_free(stamp, FALSE);
}

static void choose_names(struct state *state, int64_t started)
{
    for (unsigned turn = 1;; turn++) {
        g_autofree char *stamp = name_run(started, turn);
        g_autofree char *file = g_strconcat(stamp, ".xml", NULL);
        g_free(state->capture);
        g_free(state->audit);
        state->capture = g_build_filename(state->folder, "captures", stamp, NULL);
        state->audit = g_build_filename(state->folder, "audits", file, NULL);
        if (g_access(state->capture, F_OK) != 0 && g_access(state->audit, F_OK) != 0)
            return;
    }
}

static char *choose_folder(const char *folder)
{
    if (folder)
        return g_strdup(folder);
    return geteuid() == 0 ? g_strdup("/var/lib/trustgap") : g_build_filename(g_get_user_state_dir(), "trustgap", NULL);
}

/* A pipe where a report goes would wait for a reader, so what is no file makes room for one. */
static void make_room(const char *path)
{
    struct stat now;
    if (lstat(path, &now) == 0 && !S_ISREG(now.st_mode) && !S_ISDIR(now.st_mode))
        unlink(path);
}

static gboolean open_whole(struct state *state, int64_t started, GError **error)
{
    g_autofree char *captures = g_build_filename(state->folder, "captures", NULL);
    g_autofree char *audits = g_build_filename(state->folder, "audits", NULL);

    if (!file_check_folder(captures, error) || !file_make_folder(captures, error) ||
        !file_check_folder(audits, error) || !file_make_folder(audits, error) || !lock(state, error))
        return FALSE;
    choose_names(state, started);
    state->html = g_build_filename(state->folder, "report.html", NULL);
    state->text = g_build_filename(state->folder, "report.txt", NULL);
    make_room(state->html);
    make_room(state->text);
    return TRUE;
}

/* Without the lock two runs may want the same name: who makes the folder has it. */
static gboolean open_limited(struct state *state, int64_t started, GError **error)
{
    g_autofree char *limited = g_build_filename(state->folder, "limited", NULL);

    if (!file_check_folder(limited, error) || !file_make_folder(limited, error))
        return FALSE;
    for (unsigned turn = 1;; turn++) {
        g_autofree char *stamp = name_run(started, turn);
        g_autofree char *folder = g_build_filename(limited, stamp, NULL);
        if (g_mkdir(folder, 0700) == 0) {
            state->capture = g_build_filename(folder, "capture", NULL);
            state->audit = g_build_filename(folder, "audit.xml", NULL);
            state->html = g_build_filename(folder, "report.html", NULL);
            state->text = g_build_filename(folder, "report.txt", NULL);
            return TRUE;
        }
        if (errno != EEXIST) {
            file_error(error, TRUSTGAP_ERROR_IO, folder, "cannot be created: ", errno);
            return FALSE;
        }
    }
}

struct state *state_open(const char *folder, int64_t started, gboolean limited, GError **error)
{
    g_autoptr(state_auto) state = g_new0(struct state, 1);

    state->lock_fd = -1;
    state->limited = limited;
    state->folder = choose_folder(folder);
    state->latest = g_build_filename(state->folder, "latest.xml", NULL);
    if (!file_check_folder(state->folder, error))
        return NULL;
    if (!(limited ? open_limited : open_whole)(state, started, error))
        return NULL;
    return g_steal_pointer(&state);
}

gboolean state_publish(const struct state *state, GError **error)
{
    if (state->limited)
        return TRUE;
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
