/*
 * The list of hosts: an Ansible inventory in INI form.
 *
 * Understood: plain host lines, groups, [group:children], [group:vars], ranges (app[01:20].example.com, [a:f], a step
 * as in [0:10:2]), host variables, comments.  Of the variables these are used: ansible_host, ansible_port,
 * ansible_user, ansible_ssh_private_key_file, ansible_connection, ansible_become, and our own sap_root, sap_tier,
 * sap_owner, sap_probe, sap_trust_local_users; all others are somebody else's and are ignored, but for what is a
 * misspelt one of our own, and with a warning if Ansible would log in in another way with it (inventory_warnings()).
 * Which value counts is Ansible's order: all, groups from the top down (by ansible_group_priority, then by name, on the
 * same level), the host's own lines. Templates
 * ("{{ ... }}") and inventory scripts are refused.  This module reads one file; it looks up no name and asks no
 * ssh_config.
 */
#ifndef TRUSTGAP_INVENTORY_H
#define TRUSTGAP_INVENTORY_H

#include <glib.h>
#include <stdint.h>

/* Limits. */
#define INVENTORY_FILE_BYTES  ((size_t)64 * 1024 * 1024)
#define INVENTORY_HOSTS       100000  /* hosts of one inventory, after its ranges are spelt out */
#define INVENTORY_RANGE_HOSTS 65536   /* hosts of one line with ranges */
#define INVENTORY_MENTIONS    1000000 /* hosts on all lines, a host that is in ten groups ten times */
#define INVENTORY_NAME_BYTES  255     /* of a host name or a group name */
#define INVENTORY_VALUE_BYTES 4096    /* of a variable that is used */
#define INVENTORY_GROUPS      10000
#define INVENTORY_DEPTH       64 /* groups inside of groups */

enum inventory_connection {
    INVENTORY_SSH,   /* log in with SSH */
    INVENTORY_LOCAL, /* run the probe on this machine */
    INVENTORY_OTHER, /* by a plugin that is not supported (winrm, docker): it cannot be collected */
};

struct inventory_host {
    char *name;                           /* as the inventory calls it: the identity of the host everywhere */
    char *address;                        /* ansible_host, else the name */
    uint16_t port;                        /* ansible_port, else 22 */
    char *user;                           /* ansible_user; NULL: the user who runs trustgap */
    char *key_file;                       /* ansible_ssh_private_key_file with ~ spelt out; NULL: defaults and agent */
    enum inventory_connection connection; /* ansible_connection */
    char *plugin;                         /* its name, clean; NULL but for INVENTORY_OTHER */
    gboolean become;                      /* ansible_become: read through sudo -n -u <sid>adm what the login may not */
    gboolean trust_local_users; /* sap_trust_local_users: sapgenpse may be run although others may replace it */
    char *probe;                /* sap_probe: what sudo runs on the host instead of /bin/sh; NULL: that */
    char *sap_root;             /* absolute paths with colons between them, each once; default /usr/sap */
    char *tier;                 /* sap_tier or NULL: "production", ... */
    char *owner;                /* sap_owner or NULL: who is asked about this host */
    GPtrArray *groups;          /* of char *: every group that it is in, sorted, without "all", "ungrouped" */
    unsigned line;              /* where it was named first, from 1 */
    uint64_t ignored;           /* private: variables that are not followed */
};

struct inventory {
    char *path;                      /* as given */
    gboolean on_disk;                /* it is the path of a file: other files may stand beside it */
    char *sha256;                    /* of the file's bytes, hex */
    GPtrArray *hosts;                /* of struct inventory_host *, in the order of the file, each name once */
    char *limit;                     /* pattern of inventory_limit(), if it left hosts out; else NULL */
    GPtrArray *left_out;             /* of char *: their names, in the order of the file */
    struct inventory_groups *groups; /* private */
};

/**
 * inventory_load(path, error):
 * Read the inventory file ${path}.  On failure return NULL with ${error} set: TRUSTGAP_ERROR_MISSING, _SYNTAX (the
 * message begins with "path:line: "), _LIMIT.  A file without any host is an error, for it is never what was meant.
 */
struct inventory *inventory_load(const char *path, GError **error);

/**
 * inventory_parse(name, bytes, size, error):
 * The same from memory; ${name} stands for the path in messages.  The bytes may be anything.
 */
struct inventory *inventory_parse(const char *name, const void *bytes, size_t size, GError **error);

/**
 * inventory_limit(inventory, pattern, error):
 * Keep only the hosts that ${pattern} names, as ansible's --limit: names, groups and shell wildcards separated by
 * commas or colons; "!x" takes away, "&x" keeps only what is also in x.  The others are named in
 * ${inventory->left_out}. A part of a pattern that names nothing is an error (_USAGE), as is a pattern that leaves
 * nothing; ${inventory} is then as it was.
 */
gboolean inventory_limit(struct inventory *inventory, const char *pattern, GError **error);

/**
 * inventory_keep(inventory, wanted, context):
 * Keep only the hosts for which ${wanted} says TRUE; there may be none left.
 */
void inventory_keep(struct inventory *inventory, gboolean (*wanted)(const struct inventory_host *host, void *context),
                    void *context);

/**
 * inventory_warnings(inventory):
 * What Ansible would do in another way: one sentence for each variable that changes how it logs in to a host of
 * ${inventory} and that is not followed, and for each that stands in group_vars or host_vars beside the file, which are
 * not read.  A new array of char * that frees them.  No value of a variable is in it.
 */
GPtrArray *inventory_warnings(const struct inventory *inventory);

/**
 * inventory_list(inventory):
 * What was understood, in the shape of "ansible-inventory --list": JSON text with a final newline, which the caller
 * frees with g_free().
 */
char *inventory_list(const struct inventory *inventory);

/**
 * inventory_free(inventory):
 * NULL is fine.
 */
void inventory_free(struct inventory *inventory);

typedef struct inventory inventory_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(inventory_auto, inventory_free)

#endif
