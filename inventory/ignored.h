/*
 * Private to inventory/: variables that change how Ansible logs in to a host, and that are not followed.
 *
 * Silence about them would send the collector to the wrong place: not through the jump host, not as the other user.  So
 * each is noted with the line that sets it first, for one warning.  A value is looked at and never kept: many are
 * passwords.
 */
#ifndef TRUSTGAP_INVENTORY_IGNORED_H
#define TRUSTGAP_INVENTORY_IGNORED_H

#include "inventory.h"

#include <glib.h>
#include <stdint.h>

#define IGNORED_NAMES 64 /* different ones of one inventory; what is beyond gets no warning */

struct ignored { /* all zero: none */
    char *names[IGNORED_NAMES];
    unsigned lines[IGNORED_NAMES]; /* where it is set first, from 1 */
    unsigned count;
};

/* Which of them are set somewhere, as bits; a value that changes nothing undoes what a group has set. */
struct ignored_set {
    uint64_t set, undone;
};

/**
 * ignored_is_login(name):
 * Whether the variable ${name} is one of these, whatever its value.
 */
gboolean ignored_is_login(const char *name);

/**
 * ignored_concerns(name, host):
 * Whether it would change the login to ${host}: of one that cannot be collected nothing does, and what is about sudo
 * matters where it is used.
 */
gboolean ignored_concerns(const char *name, const struct inventory_host *host);

/**
 * ignored_note(ignored, set, name, value, line):
 * Note in ${set} and ${ignored} that ${name} is set in ${line}, if it is one of these.
 */
void ignored_note(struct ignored *ignored, struct ignored_set *set, const char *name, const char *value, unsigned line);

/**
 * ignored_overlay(below, above):
 * Let what ${above} says override what ${below} says.
 */
void ignored_overlay(struct ignored_set *below, const struct ignored_set *above);

/**
 * ignored_why(name):
 * A sentence on what is done in place of following ${name}; without a full stop.
 */
const char *ignored_why(const char *name);

void ignored_clear(struct ignored *ignored);

#endif
