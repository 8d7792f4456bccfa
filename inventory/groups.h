/*
 * Private to inventory/: groups, their variables, and who is in them.
 */
#ifndef TRUSTGAP_INVENTORY_GROUPS_H
#define TRUSTGAP_INVENTORY_GROUPS_H

#include "inventory.h"
#include "variable.h"

#include <glib.h>

struct group {
    char *name;
    unsigned wanted_by;  /* line of the first :vars or :children that needs it to be defined; 0 if none does */
    gboolean defined;    /* by a section of its own */
    GPtrArray *hosts;    /* of struct inventory_host *, those of its own section; each once */
    GPtrArray *children; /* of struct group *, each once */
    GPtrArray *parents;  /* the other way round */
    struct variables vars;
    int priority;     /* ansible_group_priority */
    unsigned waiting; /* parents whose depth is not known yet */
    unsigned depth;   /* 0: "all"; else the longest way down to it */
};

/* What only the reader needs to know of a host. */
struct draft {
    struct inventory_host *host;
    struct variables vars; /* of its own lines */
    GPtrArray *groups;     /* of struct group *: those whose sections name it, but "all" and "ungrouped" */
};

struct inventory_groups {
    GHashTable *by_name; /* name -> struct group * */
    GPtrArray *in_order; /* of struct group *, as they were named first; "all" and "ungrouped" in front */
    struct group *all, *ungrouped;
    struct ignored ignored; /* variables that are set somewhere and not followed */
    GPtrArray *drafts;      /* of struct draft *, in the order of the hosts; NULL when all is read */
    GHashTable *draft_for;  /* host name -> struct draft *; likewise */
};

struct inventory_groups *groups_new(void);
void groups_free(struct inventory_groups *groups);

/**
 * groups_get(groups, name):
 * The group of this name, made if it is new.
 */
struct group *groups_get(struct inventory_groups *groups, const char *name);

/**
 * groups_add_child(parent, child), groups_add_host(group, draft):
 * Put one into the other, unless it is there.
 */
void groups_add_child(struct group *parent, struct group *child);
void groups_add_host(struct inventory_groups *groups, struct group *group, struct draft *draft);

/**
 * groups_draft(inventory, name, line):
 * The host of this name, made if it is new.
 */
struct draft *groups_draft(struct inventory *inventory, const char *name, unsigned line);

/**
 * groups_resolve(inventory, error):
 * When everything is read: find groups that are named and never defined, and circles; set depths; give every host its
 * groups and its variables, in Ansible's order of precedence (all, parents before children, then the host's own).
 */
gboolean groups_resolve(struct inventory *inventory, GError **error);

/**
 * groups_contain(groups, group, host):
 * Whether ${host} is in ${group} or in a group below it.
 */
gboolean groups_contain(const struct inventory_groups *groups, const struct group *group,
                        const struct inventory_host *host);

#endif
