/*
 * Private to inventory/: groups, their variables, and who is in them.
 */
#ifndef TRUSTGAP_INVENTORY_GROUPS_H
#define TRUSTGAP_INVENTORY_GROUPS_H

#include "inventory.h"

#include <glib.h>

struct group {
    char *name;
    unsigned line;       /* where it was named first */
    unsigned wanted_by;  /* line of a :vars or :children that needs it to be defined; 0 if none does */
    gboolean defined;    /* by a section of its own */
    GPtrArray *hosts;    /* of struct inventory_host *, those of the section itself */
    GPtrArray *children; /* of struct group * */
    GPtrArray *parents;  /* of struct group * */
    GHashTable *vars;    /* name -> value */
    unsigned waiting;    /* parents whose depth is not known yet */
    unsigned depth;      /* 0: "all"; below it the longest way down */
};

struct inventory_groups {
    GHashTable *by_name;   /* name -> struct group * */
    GPtrArray *in_order;   /* of struct group *, as they were named first; "all" and "ungrouped" in front */
    GHashTable *hosts;     /* name -> struct inventory_host * */
    GHashTable *host_vars; /* struct inventory_host * -> GHashTable of its own variables */
};

struct inventory_groups *groups_new(void);
void groups_free(struct inventory_groups *groups);

/**
 * groups_get(groups, name, line):
 * The group of this name, made if it is new.
 */
struct group *groups_get(struct inventory_groups *groups, const char *name, unsigned line);

/**
 * groups_resolve(inventory, error):
 * When everything is read: find groups that are named and never defined, and circles; set depths; give every host its
 * groups and its variables, in Ansible's order of precedence (all, parents before children, then the host's own).
 */
gboolean groups_resolve(struct inventory *inventory, GError **error);

/**
 * groups_contain(group, host):
 * Whether ${host} is in ${group} or in a group below it.
 */
gboolean groups_contain(const struct group *group, const struct inventory_host *host);

/**
 * host_set(host, name, value, where, error):
 * Give ${host} a variable that we know; others are passed over.  ${where} ("path:line") begins the message.
 */
gboolean host_set(struct inventory_host *host, const char *name, const char *value, const char *where, GError **error);

#endif
