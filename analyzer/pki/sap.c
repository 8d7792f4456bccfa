#include "sap.h"

#include <string.h>

#define SUFFIX  ".pse"
#define SERVERS "SAPSSLS_" /* SSL server PSEs with an identity of their own */
#define TLS     "SAPSSL"
#define VERIFY  "SAPVERIFY"

static const struct pse {
    const char *stem, *role;
    enum sap_side side;
    gboolean node; /* of STRUST */
} pses[] = {
    {"SAPSSLC", "SSL client (Standard)", SAP_SIDE_CLIENT, TRUE},
    {"SAPSSLA", "SSL client (Anonymous)", SAP_SIDE_CLIENT, TRUE},
    {"SAPSSLS", "SSL server (Standard)", SAP_SIDE_SERVER, TRUE},
    {"SAPSYS", "System PSE", SAP_SIDE_OTHER, TRUE},
    {"SAPSNCS", "SNC", SAP_SIDE_OTHER, FALSE},
    {"SAPSECU", "System PSE (old name)", SAP_SIDE_OTHER, FALSE},
    {"local", "SAProuter SNC", SAP_SIDE_OTHER, FALSE},
    {"sapsrv", "HANA server", SAP_SIDE_SERVER, FALSE},
    {"sapsrv_internal", "HANA internal communication", SAP_SIDE_OTHER, FALSE},
    {"sapcli", "HANA client", SAP_SIDE_CLIENT, FALSE},
    {"saplogon", "HANA logon tickets", SAP_SIDE_OTHER, FALSE},
    {"sap_system_pki_instance", "System PKI", SAP_SIDE_OTHER, FALSE},
};

/* Families of names: what follows the prefix is the name of the identity. */
static const struct family {
    const char *prefix, *role;
    enum sap_side side;
    gboolean node;
} families[] = {
    {SERVERS, "SSL server (%.*s)", SAP_SIDE_SERVER, TRUE},
    {VERIFY, "Verification", SAP_SIDE_OTHER, FALSE},
    {TLS, "SSL client (%.*s)", SAP_SIDE_CLIENT, TRUE},
};

const char *sap_base_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *backslash = strrchr(path, '\\');
    const char *last = slash > backslash ? slash : backslash;
    return last ? last + 1 : path;
}

static gboolean begins(const char *text, const char *prefix)
{
    return g_ascii_strncasecmp(text, prefix, strlen(prefix)) == 0;
}

/* The name of a PSE file without its suffix; 0 if it is none. */
static size_t stem_of(const char *name)
{
    size_t size = strlen(name), suffix = strlen(SUFFIX);
    return size > suffix && g_ascii_strcasecmp(name + size - suffix, SUFFIX) == 0 ? size - suffix : 0;
}

static const struct pse *find_pse(const char *name)
{
    size_t stem = stem_of(name);
    for (size_t i = 0; i < G_N_ELEMENTS(pses); i++)
        if (strlen(pses[i].stem) == stem && begins(name, pses[i].stem))
            return &pses[i];
    return NULL;
}

static const struct family *find_family(const char *name)
{
    size_t stem = stem_of(name);
    for (size_t i = 0; stem > 0 && i < G_N_ELEMENTS(families); i++)
        if (begins(name, families[i].prefix) && (stem > strlen(families[i].prefix) || !strchr(families[i].role, '%')))
            return &families[i];
    return NULL;
}

static char *family_role(const struct family *family, const char *name)
{
    size_t prefix = strlen(family->prefix);
    const char *hole = strstr(family->role, "%.*s");

    if (!hole)
        return g_strdup(family->role);
    return g_strdup_printf("%.*s%.*s%s", (int)(hole - family->role), family->role, (int)(stem_of(name) - prefix),
                           name + prefix, hole + strlen("%.*s"));
}

char *sap_pse_role(const char *path)
{
    const char *name = sap_base_name(path);
    const struct pse *pse = find_pse(name);
    const struct family *family = pse ? NULL : find_family(name);

    return pse ? g_strdup(pse->role) : family ? family_role(family, name) : NULL;
}

char *sap_pse_node(const char *path)
{
    const char *name = sap_base_name(path);
    const struct pse *pse = find_pse(name);
    const struct family *family = pse ? NULL : find_family(name);

    return pse ? g_strdup(pse->node ? pse->role : NULL) : family && family->node ? family_role(family, name) : NULL;
}

enum sap_side sap_pse_side(const char *path)
{
    const char *name = sap_base_name(path);
    const struct pse *pse = find_pse(name);
    const struct family *family = pse ? NULL : find_family(name);

    return pse ? pse->side : family ? family->side : SAP_SIDE_UNKNOWN;
}

gboolean sap_pse_is_tls(const char *path)
{
    return begins(sap_base_name(path), TLS);
}

gboolean sap_pse_is_anonymous(const char *path)
{
    const char *name = sap_base_name(path);
    return g_ascii_strcasecmp(name, "SAPSSLA.pse") == 0 || begins(name, VERIFY);
}

const char *sap_pse_sibling(const char *path)
{
    const char *name = sap_base_name(path);
    return g_ascii_strcasecmp(name, "SAPSSLC.pse") == 0   ? "SAPSSLA.pse"
           : g_ascii_strcasecmp(name, "SAPSSLA.pse") == 0 ? "SAPSSLC.pse"
                                                          : NULL;
}

static gboolean is_numbered(const char *name, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncmp(name, prefix, size) == 0 && g_ascii_isdigit(name[size]) && g_ascii_isdigit(name[size + 1]) &&
           !name[size + 2];
}

enum audit_instance_kind sap_instance_kind(const char *name)
{
    static const struct {
        const char *prefix;
        enum audit_instance_kind kind;
    } rows[] = {
        {"D", INSTANCE_ABAP},      {"DVEBMGS", INSTANCE_ABAP}, {"ASCS", INSTANCE_CENTRAL},
        {"SCS", INSTANCE_CENTRAL}, {"ERS", INSTANCE_CENTRAL},  {"J", INSTANCE_JAVA},
        {"JC", INSTANCE_JAVA},     {"W", INSTANCE_WEBDISP},    {"HDB", INSTANCE_HANA},
    };
    if (!name)
        return INSTANCE_OTHER;
    if (strcmp(name, "hostctrl") == 0)
        return INSTANCE_HOSTAGENT;
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (is_numbered(name, rows[i].prefix))
            return rows[i].kind;
    return INSTANCE_OTHER;
}

enum sap_keeper sap_keeper(const char *path)
{
    g_auto(GStrv) parts = g_strsplit_set(path, "/\\", -1);
    guint n = g_strv_length(parts);

    if (n < 3 || g_ascii_strcasecmp(parts[n - 2], "sec") != 0)
        return SAP_KEEPER_UNKNOWN;
    switch (sap_instance_kind(parts[n - 3])) {
    case INSTANCE_ABAP:
        return SAP_KEEPER_STRUST;
    case INSTANCE_WEBDISP:
    case INSTANCE_HANA:
        return SAP_KEEPER_FILE;
    default:
        return SAP_KEEPER_UNKNOWN;
    }
}
