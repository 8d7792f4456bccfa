#include "ignored.h"

#include <string.h>

#define JUMP                                                                                                           \
    "options of ssh(1), such as those for a jump host, have no effect; trustgap connects directly and with "           \
    "its own options"
#define PASSWORD "trustgap logs in with a key or the ssh-agent, never with a password"
#define SUDO     "trustgap reads what the login may not read through \"sudo -n -u <sid>adm /bin/sh\""
#define HOST_KEY "trustgap always checks host keys"
#define KEY      "use ansible_ssh_private_key_file with a key that is not encrypted, or load the key into the ssh-agent"
#define OTHER    "trustgap logs in without it"

/*
 * By prefix, the first that fits; Ansible's plugins for ssh, and for becoming somebody else, have more variables than
 * anybody can list.  "harmless" are values with which it changes nothing here.
 */
static const struct {
    const char *prefix;
    gboolean whole;                           /* the name has to be equal */
    enum { NOTHING, ALL, SSH, BECOME } hosts; /* whose login it changes */
    const char *why;
    const char *harmless; /* one, or several with "|" between */
} rows[] = {
    {"ansible_ssh_common_args", TRUE, SSH, JUMP, ""},
    {"ansible_ssh_extra_args", TRUE, SSH, JUMP, ""},
    {"ansible_ssh_args", TRUE, SSH, JUMP, ""},
    {"ansible_ssh_executable", TRUE, SSH, "trustgap does not run ssh(1)", "ssh|/usr/bin/ssh"},
    {"ansible_paramiko_proxy_command", TRUE, SSH, JUMP, ""},
    {"ansible_libssh_proxy_command", TRUE, SSH, JUMP, ""},
    {"ansible_password", TRUE, SSH, PASSWORD, ""},
    {"ansible_pass", TRUE, SSH, PASSWORD, ""},
    {"ansible_ssh_pass", FALSE, SSH, PASSWORD, ""},
    {"ansible_paramiko_pass", FALSE, SSH, PASSWORD, ""},
    {"ansible_libssh_pass", FALSE, SSH, PASSWORD, ""},
    {"ansible_ssh_private_key", FALSE, SSH, KEY, ""},
    {"ansible_private_key", FALSE, SSH, KEY, ""},
    {"ansible_paramiko_private_key", FALSE, SSH, KEY, ""},
    {"ansible_libssh_private_key", FALSE, SSH, KEY, ""},
    {"ansible_host_key_checking", TRUE, SSH, HOST_KEY, "true|yes|on|1|y|t"},
    {"ansible_ssh_host_key_checking", TRUE, SSH, HOST_KEY, "true|yes|on|1|y|t"},
    {"ansible_paramiko_host_key_checking", TRUE, SSH, HOST_KEY, "true|yes|on|1|y|t"},
    {"ansible_libssh_host_key_checking", TRUE, SSH, HOST_KEY, "true|yes|on|1|y|t"},
    {"ansible_paramiko_host_key_auto_add", TRUE, SSH, HOST_KEY, "false|no|off|0|n|f"},
    {"ansible_libssh_host_key_auto_add", TRUE, SSH, HOST_KEY, "false|no|off|0|n|f"},
    {"ansible_become_method", TRUE, BECOME, SUDO, "sudo|ansible.builtin.sudo|community.general.sudo"},
    {"ansible_become_pass", FALSE, BECOME, "trustgap calls sudo with -n and never gives it a password", ""},
    {"ansible_sudo_pass", FALSE, BECOME, "trustgap calls sudo with -n and never gives it a password", ""},
    {"ansible_su_pass", FALSE, BECOME, SUDO, ""},
    {"ansible_become_", FALSE, BECOME, SUDO, ""},
    {"ansible_sudo", TRUE, ALL, "ansible_become has taken its place", "false|no|off|0|n|f"},
    {"ansible_su", TRUE, ALL, SUDO, "false|no|off|0|n|f"},
    {"ansible_sudo_", FALSE, BECOME, SUDO, ""},
    {"ansible_su_", FALSE, BECOME, SUDO, ""},
    /* How Ansible speaks over the connection once it is there. */
    {"ansible_ssh_pipelining", TRUE, NOTHING, NULL, NULL},
    {"ansible_ssh_transfer_method", TRUE, NOTHING, NULL, NULL},
    {"ansible_ssh_retries", TRUE, NOTHING, NULL, NULL},
    {"ansible_ssh_timeout", TRUE, NOTHING, NULL, NULL},
    {"ansible_ssh_usetty", TRUE, NOTHING, NULL, NULL},
    {"ansible_ssh_use_tty", TRUE, NOTHING, NULL, NULL},
    {"ansible_ssh_verbosity", TRUE, NOTHING, NULL, NULL},
    {"ansible_ssh_reconnection_retries", TRUE, NOTHING, NULL, NULL},
    {"ansible_ssh_control_path", FALSE, NOTHING, NULL, NULL},
    {"ansible_ssh_scp", FALSE, NOTHING, NULL, NULL},
    {"ansible_ssh_sftp", FALSE, NOTHING, NULL, NULL},
    {"ansible_paramiko_timeout", TRUE, NOTHING, NULL, NULL},
    {"ansible_paramiko_pty", TRUE, NOTHING, NULL, NULL},
    {"ansible_paramiko_record_host_keys", TRUE, NOTHING, NULL, NULL},
    {"ansible_paramiko_banner_timeout", TRUE, NOTHING, NULL, NULL},
    /* Facts of a host, which somebody may have written down. */
    {"ansible_ssh_host_key_", FALSE, NOTHING, NULL, NULL},
    {"ansible_ssh_", FALSE, SSH, OTHER, ""},
    {"ansible_paramiko_", FALSE, SSH, OTHER, ""},
    {"ansible_libssh_", FALSE, SSH, OTHER, ""},
};

/* Those that variable.c follows. */
static gboolean is_followed(const char *name)
{
    static const char *const names[] = {"ansible_ssh_host",         "ansible_ssh_port",
                                        "ansible_ssh_user",         "ansible_ssh_private_key_file",
                                        "ansible_private_key_file", NULL};
    return g_strv_contains(names, name);
}

/* G_N_ELEMENTS(rows): none. */
static size_t find_row(const char *name)
{
    for (size_t i = 0; !is_followed(name) && i < G_N_ELEMENTS(rows); i++)
        if (rows[i].whole ? strcmp(name, rows[i].prefix) == 0 : g_str_has_prefix(name, rows[i].prefix))
            return i;
    return G_N_ELEMENTS(rows);
}

gboolean ignored_is_login(const char *name)
{
    size_t row = find_row(name);
    return row < G_N_ELEMENTS(rows) && rows[row].hosts != NOTHING;
}

gboolean ignored_concerns(const char *name, const struct inventory_host *host)
{
    size_t row = find_row(name);

    if (row == G_N_ELEMENTS(rows) || host->connection == INVENTORY_OTHER)
        return FALSE;
    return rows[row].hosts == ALL || (rows[row].hosts == SSH && host->connection == INVENTORY_SSH) ||
           (rows[row].hosts == BECOME && host->become);
}

static gboolean is_harmless(size_t row, const char *value)
{
    g_auto(GStrv) values = g_strsplit(rows[row].harmless, "|", -1);
    g_autofree char *lower = g_ascii_strdown(value, -1);
    return !*value || g_strv_contains((const char *const *)values, lower);
}

/* Its place in ${ignored}, IGNORED_NAMES if that is full. */
static unsigned find_name(struct ignored *ignored, const char *name, unsigned line)
{
    for (unsigned i = 0; i < ignored->count; i++)
        if (strcmp(ignored->names[i], name) == 0)
            return i;
    if (ignored->count == IGNORED_NAMES)
        return IGNORED_NAMES;
    ignored->names[ignored->count] = g_strdup(name);
    ignored->lines[ignored->count] = line;
    return ignored->count++;
}

void ignored_note(struct ignored *ignored, struct ignored_set *set, const char *name, const char *value, unsigned line)
{
    if (!ignored_is_login(name))
        return;
    gboolean harmless = is_harmless(find_row(name), value);
    unsigned place = find_name(ignored, name, line);
    if (place == IGNORED_NAMES)
        return;
    ignored_overlay(set,
                    &(struct ignored_set){harmless ? 0 : (uint64_t)1 << place, harmless ? (uint64_t)1 << place : 0});
}

void ignored_overlay(struct ignored_set *below, const struct ignored_set *above)
{
    below->set = (below->set & ~above->undone) | above->set;
    below->undone = (below->undone & ~above->set) | above->undone;
}

const char *ignored_why(const char *name)
{
    size_t row = find_row(name);
    return row < G_N_ELEMENTS(rows) && rows[row].why ? rows[row].why : OTHER;
}

void ignored_clear(struct ignored *ignored)
{
    for (unsigned i = 0; i < ignored->count; i++)
        g_free(ignored->names[i]);
    *ignored = (struct ignored){0};
}
