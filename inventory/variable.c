#include "variable.h"

#include "cite.h"
#include "nearest.h"
#include "text.h"

#include <string.h>

static gboolean is_word(const char *value)
{
    return *value && *value != '-' && strpbrk(value, " \t") == NULL;
}

static void set_text(char **member, const char *value)
{
    g_free(*member);
    *member = *value ? g_strdup(value) : NULL;
}

static gboolean set_address(struct inventory_host *host, const char *value)
{
    if (!is_word(value) || strlen(value) > INVENTORY_NAME_BYTES || strchr(value, '@'))
        return FALSE;
    set_text(&host->address, value);
    return TRUE;
}

static gboolean set_port(struct inventory_host *host, const char *value)
{
    guint64 port;
    if (!g_ascii_string_to_unsigned(value, 10, 1, G_MAXUINT16, &port, NULL))
        return FALSE;
    host->port = (uint16_t)port;
    return TRUE;
}

static gboolean set_user(struct inventory_host *host, const char *value)
{
    if (!is_word(value))
        return FALSE;
    set_text(&host->user, value);
    return TRUE;
}

static gboolean set_key_file(struct inventory_host *host, const char *value)
{
    gboolean home = value[0] == '~' && (value[1] == '/' || !value[1]);
    g_autofree char *path = home ? g_strconcat(g_get_home_dir(), value + 1, NULL) : g_strdup(value);
    set_text(&host->key_file, path);
    return TRUE;
}

/* Ansible's names of one plugin, those with the collection in front that 2.10 has brought among them. */
static gboolean set_connection(struct inventory_host *host, const char *value)
{
    static const char *const ssh[] = {"ssh",
                                      "smart",
                                      "paramiko",
                                      "paramiko_ssh",
                                      "libssh",
                                      "ansible.builtin.ssh",
                                      "ansible.builtin.smart",
                                      "ansible.builtin.paramiko",
                                      "ansible.builtin.paramiko_ssh",
                                      "ansible.legacy.ssh",
                                      "ansible.legacy.smart",
                                      "ansible.legacy.paramiko",
                                      "ansible.legacy.paramiko_ssh",
                                      "ansible.netcommon.libssh",
                                      NULL};
    static const char *const local[] = {"local", "ansible.builtin.local", "ansible.legacy.local", NULL};

    host->connection = g_strv_contains(ssh, value)     ? INVENTORY_SSH
                       : g_strv_contains(local, value) ? INVENTORY_LOCAL
                                                       : INVENTORY_OTHER;
    set_text(&host->plugin, host->connection == INVENTORY_OTHER ? value : "");
    return is_word(value) && strlen(value) <= INVENTORY_NAME_BYTES;
}

static gboolean read_boolean(gboolean *member, const char *value)
{
    static const char *const yes[] = {"true", "yes", "on", "1", "y", "t", NULL};
    static const char *const no[] = {"false", "no", "off", "0", "n", "f", NULL};
    g_autofree char *lower = g_ascii_strdown(value, -1);

    *member = g_strv_contains(yes, lower);
    return *member || g_strv_contains(no, lower);
}

static gboolean set_become(struct inventory_host *host, const char *value)
{
    return read_boolean(&host->become, value);
}

static gboolean set_trust_local_users(struct inventory_host *host, const char *value)
{
    return read_boolean(&host->trust_local_users, value);
}

/* sudo would look up anything else in a PATH, and a shell or sudoers has a meaning of its own for some characters. */
static gboolean set_probe(struct inventory_host *host, const char *value)
{
    g_auto(GStrv) parts = g_strsplit(value, "/", -1);
    size_t size = strlen(value);

    set_text(&host->probe, value);
    if (size == 0)
        return TRUE;
    if (*value != '/' || value[size - 1] == '/' || g_strv_contains((const char *const *)parts, "..") ||
        g_strv_contains((const char *const *)parts, "."))
        return FALSE;
    for (const char *at = value; *at; at++)
        if (!g_ascii_isalnum(*at) && !strchr("/._+-", *at))
            return FALSE;
    return TRUE;
}

static gboolean add_root(GPtrArray *roots, char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    size_t size = strlen(path);

    if (*path != '/' || strchr(path, ':') || g_strv_contains((const char *const *)parts, ".."))
        return FALSE;
    while (size > 1 && path[size - 1] == '/')
        path[--size] = '\0';
    if (!g_ptr_array_find_with_equal_func(roots, path, g_str_equal, NULL))
        g_ptr_array_add(roots, path);
    return TRUE;
}

/* An element of a list as YAML and JSON write it, in quotes of either kind or in none. */
static char *unquote(char *element)
{
    size_t size = strlen(g_strstrip(element));

    if (size >= 2 && (*element == '"' || *element == '\'') && element[size - 1] == *element) {
        element[size - 1] = '\0';
        return element + 1;
    }
    return element;
}

/* "/usr/sap", "/usr/sap:/opt/sap", "/usr/sap,/opt/sap", "['/usr/sap', '/opt/sap']"; kept with colons in between. */
static gboolean set_root(struct inventory_host *host, const char *value)
{
    size_t size = strlen(value);
    gboolean list = size >= 2 && *value == '[' && value[size - 1] == ']';
    g_autofree char *inner = list ? g_strndup(value + 1, size - 2) : g_strdup(value);
    g_auto(GStrv) elements = g_strsplit_set(inner, list ? "," : ",:", -1);
    g_autoptr(GPtrArray) roots = g_ptr_array_new();

    for (char **element = elements; *element; element++)
        if (!add_root(roots, list ? unquote(*element) : g_strstrip(*element)))
            return FALSE;
    g_ptr_array_add(roots, NULL);
    g_autofree char *joined = g_strjoinv(":", (char **)roots->pdata);
    set_text(&host->sap_root, joined);
    return roots->len > 1;
}

static gboolean set_tier(struct inventory_host *host, const char *value)
{
    set_text(&host->tier, value);
    return TRUE;
}

static gboolean set_owner(struct inventory_host *host, const char *value)
{
    set_text(&host->owner, value);
    return TRUE;
}

/* Applied in this order: where Ansible knows several names for one thing the later one wins. */
static const struct {
    const char *name;
    gboolean (*set)(struct inventory_host *host, const char *value); /* FALSE: no value of it */
    const char *wants;
} known[VARIABLE_COUNT] = {
    {"ansible_host", set_address, "must be a host name or an address; the user goes in ansible_user"},
    {"ansible_ssh_host", set_address, "must be a host name or an address; the user goes in ansible_user"},
    {"ansible_port", set_port, "must be a port from 1 to 65535"},
    {"ansible_ssh_port", set_port, "must be a port from 1 to 65535"},
    {"ansible_user", set_user, "must be the name of a user"},
    {"ansible_ssh_user", set_user, "must be the name of a user"},
    {"ansible_private_key_file", set_key_file, ""},
    {"ansible_ssh_private_key_file", set_key_file, ""},
    {"ansible_connection", set_connection, "must be the name of a connection plugin"},
    {"ansible_become", set_become, "must be true or false"},
    {"sap_root", set_root, "must be an absolute path without \"..\", or several with colons between them"},
    {"sap_trust_local_users", set_trust_local_users, "must be true or false"},
    {"sap_probe", set_probe, "must be the absolute path of a program, without \"..\" or special characters"},
    {"sap_tier", set_tier, ""},
    {"sap_owner", set_owner, ""},
};

struct inventory_host *variable_host_new(const char *name, unsigned line)
{
    struct inventory_host *host = g_new0(struct inventory_host, 1);

    host->name = g_strdup(name);
    host->address = g_strdup(name);
    host->port = 22;
    host->sap_root = g_strdup("/usr/sap");
    host->groups = g_ptr_array_new_with_free_func(g_free);
    host->line = line;
    return host;
}

void variable_host_free(struct inventory_host *host)
{
    g_free(host->name);
    g_free(host->address);
    g_free(host->user);
    g_free(host->key_file);
    g_free(host->plugin);
    g_free(host->sap_root);
    g_free(host->probe);
    g_free(host->tier);
    g_free(host->owner);
    g_ptr_array_unref(host->groups);
    g_free(host);
}

/* What can be shown as it is. */
static gboolean is_clean(const char *value)
{
    g_autofree char *clean = text_clean(value, strlen(value));
    return strcmp(clean, value) == 0;
}

/* Why ${value} is none for this variable, or NULL. */
static const char *find_fault(size_t which, const char *value)
{
    if (strlen(value) > INVENTORY_VALUE_BYTES)
        return "the value is too long";
    if (strstr(value, "{{"))
        return "templates are not understood here";
    if (!is_clean(value))
        return "the value has characters that cannot be shown";
    struct inventory_host *trial = variable_host_new("", 0);
    gboolean good = known[which].set(trial, value);
    variable_host_free(trial);
    return good ? NULL : known[which].wants;
}

gboolean variable_is_known(const char *name)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++)
        if (strcmp(name, known[i].name) == 0)
            return TRUE;
    return FALSE;
}

/* Others have variables that begin with "sap_" as well; so only what is one slip of the pen away from ours is wrong. */
static const char *find_meant(const char *name)
{
    const char *names[VARIABLE_COUNT + 1];
    size_t count = 0;

    for (size_t i = 0; i < VARIABLE_COUNT; i++)
        if (g_str_has_prefix(known[i].name, "sap_"))
            names[count++] = known[i].name;
    names[count] = NULL;
    return nearest_find(name, names, 1);
}

static gboolean check_spelling(const char *name, GError **error)
{
    const char *meant = variable_is_known(name) ? NULL : find_meant(name);

    if (!meant)
        return TRUE;
    g_autofree char *clean = text_clean(name, strlen(name));
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "unknown variable \"%s\", did you mean \"%s\"?", clean,
                meant);
    return FALSE;
}

gboolean variable_set(struct variables *variables, const char *name, const char *value, GError **error)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        if (strcmp(name, known[i].name) != 0)
            continue;
        const char *fault = find_fault(i, value);
        if (fault) {
            g_autofree char *text = g_strdup_printf("%s=%s", name, value);
            return cite_refuse(error, TRUSTGAP_ERROR_SYNTAX, text, fault);
        }
        g_free(variables->values[i]);
        variables->values[i] = g_strdup(value);
    }
    return check_spelling(name, error);
}

void variable_overlay(struct variables *below, const struct variables *above)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        if (above->values[i]) {
            g_free(below->values[i]);
            below->values[i] = g_strdup(above->values[i]);
        }
    }
    ignored_overlay(&below->ignored, &above->ignored);
}

void variable_apply(struct inventory_host *host, const struct variables *variables)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        if (variables->values[i])
            known[i].set(host, variables->values[i]);
    }
    host->ignored = variables->ignored.set;
}

void variable_clear(struct variables *variables)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++)
        g_clear_pointer(&variables->values[i], g_free);
}
