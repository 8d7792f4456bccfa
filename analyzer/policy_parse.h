/*
 * Private to policy.c and policy_parse.c.
 */
#ifndef TRUSTGAP_POLICY_PARSE_H
#define TRUSTGAP_POLICY_PARSE_H

#include "policy.h"

/**
 * policy_new(path):
 * A policy that asks for nothing.
 */
struct policy *policy_new(const char *path);

#endif
