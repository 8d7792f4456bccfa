#include "keyring.h"

#include "error.h"

#include <string.h>

struct keyring {
    char *home;
    struct agent *agent;
    GHashTable *files; /* path -> struct key_file * */
};

GBytes *identity_public(const struct identity *identity)
{
    return identity->file ? identity->file->public_key : identity->held->public_key;
}

struct keyring *keyring_new(const char *home, const char *agent_path)
{
    struct keyring *keyring = g_new0(struct keyring, 1);
    keyring->home = g_strdup(home);
    keyring->agent = agent_path && *agent_path ? agent_new(agent_path) : NULL;
    keyring->files = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)key_file_free);
    return keyring;
}

void keyring_free(struct keyring *keyring)
{
    if (!keyring)
        return;
    g_free(keyring->home);
    agent_free(keyring->agent);
    g_hash_table_unref(keyring->files);
    g_free(keyring);
}

struct agent *keyring_agent(struct keyring *keyring)
{
    return keyring->agent;
}

static const struct key_file *find_file(struct keyring *keyring, const char *path)
{
    struct key_file *file = g_hash_table_lookup(keyring->files, path);

    if (!file) {
        file = key_file_load(path);
        g_hash_table_insert(keyring->files, file->path, file);
    }
    return file;
}

static void remark(GString *remarks, const char *what)
{
    if (remarks->len > 0)
        g_string_append(remarks, "; ");
    g_string_append(remarks, what);
}

static void add_identity(GPtrArray *identities, const struct key_file *file, const struct agent_identity *held)
{
    if (identities->len == KEYRING_TRIES)
        return;
    struct identity *identity = g_new0(struct identity, 1);
    identity->file = file;
    identity->held = held;
    g_ptr_array_add(identities, identity);
}

/* Keys on a hardware token and certificates sign in a form that libssh2 cannot send on. */
static gboolean is_usable_type(const char *type)
{
    static const char *const types[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
                                        "ecdsa-sha2-nistp521", "ssh-rsa"};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (strcmp(type, types[i]) == 0)
            return TRUE;
    return FALSE;
}

static const struct agent_identity *find_held(const GPtrArray *held, const struct key_file *file)
{
    for (guint i = 0; held && file->public_key && i < held->len; i++) {
        const struct agent_identity *identity = g_ptr_array_index(held, i);
        if (g_bytes_equal(identity->public_key, file->public_key))
            return identity;
    }
    return NULL;
}

/* Does one of the files among the identities hold this key already? */
static gboolean is_among(const GPtrArray *identities, const struct agent_identity *held)
{
    for (guint i = 0; i < identities->len; i++) {
        const struct identity *identity = g_ptr_array_index(identities, i);
        if (identity->held == held || (identity->file && identity->file->public_key &&
                                       g_bytes_equal(identity->file->public_key, held->public_key)))
            return TRUE;
    }
    return FALSE;
}

static void add_held(GPtrArray *identities, const GPtrArray *held, GString *remarks)
{
    for (guint i = 0; held && i < held->len; i++) {
        const struct agent_identity *identity = g_ptr_array_index(held, i);
        if (is_among(identities, identity))
            continue;
        if (is_usable_type(identity->type)) {
            add_identity(identities, NULL, identity);
            continue;
        }
        g_autofree char *what = g_strdup_printf("the agent's key \"%s\" is of type %s, which cannot be used",
                                                identity->comment, identity->type);
        remark(remarks, what);
    }
}

static gboolean add_named_file(GPtrArray *identities, struct keyring *keyring, const char *path, const GPtrArray *held,
                               GError **error)
{
    const struct key_file *file = find_file(keyring, path);
    const struct agent_identity *same = find_held(held, file);

    if (file->status == KEY_FILE_USABLE)
        add_identity(identities, file, NULL);
    else if (file->status == KEY_FILE_ENCRYPTED && same)
        add_identity(identities, NULL, same);
    else
        g_set_error_literal(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING, file->why);
    return identities->len > 0;
}

static void add_default_files(GPtrArray *identities, struct keyring *keyring, const GPtrArray *held, GString *remarks)
{
    static const char *const names[] = {"id_ed25519", "id_ecdsa", "id_rsa"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(keyring->home, ".ssh", names[i], NULL);
        const struct key_file *file = find_file(keyring, path);
        if (file->status == KEY_FILE_USABLE)
            add_identity(identities, file, NULL);
        else if (file->status != KEY_FILE_MISSING && !find_held(held, file))
            remark(remarks, file->why);
    }
}

GPtrArray *keyring_identities(struct keyring *keyring, const struct inventory_host *host, GString *remarks,
                              GError **error)
{
    g_autoptr(GPtrArray) identities = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) agent_error = NULL;
    const GPtrArray *held = keyring->agent ? agent_identities(keyring->agent, &agent_error) : NULL;

    if (host->key_file) {
        if (!add_named_file(identities, keyring, host->key_file, held, error))
            return NULL;
    } else {
        add_default_files(identities, keyring, held, remarks);
    }
    add_held(identities, held, remarks);
    if (agent_error)
        remark(remarks, agent_error->message);
    if (identities->len == 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING, "no key to log in with: %s%s%s/.ssh has none of %s",
                    remarks->str, remarks->len ? "; " : "", keyring->home,
                    "id_ed25519, id_ecdsa, id_rsa that could be used");
        return NULL;
    }
    return g_steal_pointer(&identities);
}
