/* The variables of a host that we know. */
#include "groups.h"

#include "error.h"

#include <string.h>

static gboolean fail(GError **error, const char *where, const char *name, const char *value, const char *what)
{
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: %s=%s: %s", where, name, value, what);
    return FALSE;
}

static gboolean is_clean(const char *value)
{
    for (; *value; value++)
        if (g_ascii_iscntrl(*value))
            return FALSE;
    return TRUE;
}

static gboolean parse_boolean(gboolean *flag, const char *value)
{
    static const char *const yes[] = {"true", "yes", "on", "1", "y", "t", NULL};
    static const char *const no[] = {"false", "no", "off", "0", "n", "f", NULL};
    g_autofree char *lower = g_ascii_strdown(value, -1);

    *flag = g_strv_contains(yes, lower);
    return *flag || g_strv_contains(no, lower);
}

static gboolean parse_connection(enum inventory_connection *connection, const char *value)
{
    static const char *const ssh[] = {"ssh", "smart", "paramiko", "paramiko_ssh", "libssh", NULL};

    *connection = strcmp(value, "local") == 0 ? INVENTORY_LOCAL : INVENTORY_SSH;
    return *connection == INVENTORY_LOCAL || g_strv_contains(ssh, value);
}

static gboolean is_usable_root(const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, "/", -1);
    return value[0] == '/' && !g_strv_contains((const char *const *)parts, "..");
}

static char *spell_out_home(const char *path)
{
    if (path[0] == '~' && (path[1] == '/' || !path[1]))
        return g_strconcat(g_get_home_dir(), path + 1, NULL);
    return g_strdup(path);
}

static void set_text(char **member, char *value)
{
    g_free(*member);
    *member = value;
}

gboolean host_set(struct inventory_host *host, const char *name, const char *value, const char *where, GError **error)
{
    if (!g_str_has_prefix(name, "ansible_") && !g_str_has_prefix(name, "sap_"))
        return TRUE;
    if (!is_clean(value))
        return fail(error, where, name, "...", "control characters in the value");
    if (strcmp(name, "ansible_host") == 0 || strcmp(name, "ansible_ssh_host") == 0) {
        if (!*value || *value == '-' || strlen(value) > INVENTORY_NAME_BYTES)
            return fail(error, where, name, value, "not a host name or address");
        set_text(&host->address, g_strdup(value));
    } else if (strcmp(name, "ansible_port") == 0 || strcmp(name, "ansible_ssh_port") == 0) {
        guint64 port;
        if (!g_ascii_string_to_unsigned(value, 10, 1, 65535, &port, NULL))
            return fail(error, where, name, value, "must be from 1 to 65535");
        host->port = (uint16_t)port;
    } else if (strcmp(name, "ansible_user") == 0 || strcmp(name, "ansible_ssh_user") == 0) {
        if (!*value || *value == '-')
            return fail(error, where, name, value, "not a user name");
        set_text(&host->user, g_strdup(value));
    } else if (strcmp(name, "ansible_ssh_private_key_file") == 0 || strcmp(name, "ansible_private_key_file") == 0) {
        set_text(&host->key_file, spell_out_home(value));
    } else if (strcmp(name, "ansible_connection") == 0) {
        if (!parse_connection(&host->connection, value))
            return fail(error, where, name, value, "must be ssh or local");
    } else if (strcmp(name, "ansible_become") == 0) {
        if (!parse_boolean(&host->become, value))
            return fail(error, where, name, value, "must be true or false");
    } else if (strcmp(name, "sap_root") == 0) {
        if (!is_usable_root(value))
            return fail(error, where, name, value, "must be an absolute path without \"..\"");
        set_text(&host->sap_root, g_strdup(value));
    } else if (strcmp(name, "sap_tier") == 0) {
        set_text(&host->tier, g_strdup(value));
    } else if (strcmp(name, "sap_owner") == 0) {
        set_text(&host->owner, g_strdup(value));
    }
    return TRUE;
}
