/*
 * From the file of a policy to the policy: docs/formats/policy.md.
 */
#ifndef TRUSTGAP_POLICY_PARSE_H
#define TRUSTGAP_POLICY_PARSE_H

#include "policy.h"

#include <glib.h>

/**
 * policy_load(path, error):
 * Read the policy ${path} ("-": standard input) and the certificates that it names.  NULL with ${error} set: its
 * message has one line for each thing that is wrong, in the order of the file, each beginning with "path:line: ".  Free
 * with policy_free().
 */
struct policy *policy_load(const char *path, GError **error);

/**
 * policy_parse(path, folder, bytes, size, error):
 * The same from bytes; ${path} is for messages.  The files of certificates that it names are relative to ${folder}; if
 * that is NULL they are not looked at, and all rules are without certificates.
 */
struct policy *policy_parse(const char *path, const char *folder, const void *bytes, size_t size, GError **error);

#endif
