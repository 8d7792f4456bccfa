/*
 * Private to inventory/: the variables of a host that we know.
 */
#ifndef TRUSTGAP_INVENTORY_VARIABLE_H
#define TRUSTGAP_INVENTORY_VARIABLE_H

#include "ignored.h"
#include "inventory.h"

#include <glib.h>

#define VARIABLE_COUNT 15

/* The value of each variable as it is written, NULL where it is not set. */
struct variables {
    char *values[VARIABLE_COUNT];
    struct ignored_set ignored;
};

/**
 * variable_is_known(name):
 * Whether the variable ${name} is one that is followed.
 */
gboolean variable_is_known(const char *name);

/**
 * variable_set(variables, name, value, error):
 * Keep ${value} for the variable ${name}, if it is one that we know; FALSE with ${error} set, without a place, if it
 * cannot be a value of it, or if ${name} is next to one of our own.
 */
gboolean variable_set(struct variables *variables, const char *name, const char *value, GError **error);

/**
 * variable_overlay(below, above):
 * Let what is set in ${above} override what is set in ${below}.
 */
void variable_overlay(struct variables *below, const struct variables *above);

/**
 * variable_apply(host, variables):
 * Give ${host} the values, which variable_set() has found good.
 */
void variable_apply(struct inventory_host *host, const struct variables *variables);

/**
 * variable_clear(variables):
 * Free the values.
 */
void variable_clear(struct variables *variables);

/**
 * variable_host_new(name, line), variable_host_free(host):
 * A host with the defaults, and its end.
 */
struct inventory_host *variable_host_new(const char *name, unsigned line);
void variable_host_free(struct inventory_host *host);

#endif
