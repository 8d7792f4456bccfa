/*
 * From what a block has gathered to cause, missing certificate and certainty: the tables of docs/formats/trace.md.
 */
#ifndef TRUSTGAP_TRACE_VERDICT_H
#define TRUSTGAP_TRACE_VERDICT_H

#include "slice.h"
#include "trace_block.h"

/**
 * verdict_add(block):
 * Append to the failures of the block's trace the one that it tells of, or hand it to who takes them.
 */
void verdict_add(const struct block *block);

/**
 * trace_failure_free(failure):
 * Free a struct trace_failure, but not its strings.
 */
void trace_failure_free(void *failure);

/**
 * verdict_error(block, name, code):
 * Note in ${block} what an error's name (after SSSLERR_ or SSSLRC_; may be empty) and its number (0: none) speak for.
 */
void verdict_error(struct block *block, struct slice name, int code);

/**
 * verdict_knows(name):
 * Whether this is the whole name of an error that speaks for something.
 */
gboolean verdict_knows(struct slice name);

/**
 * verdict_alert(name):
 * The number of the TLS alert with this name ("certificate unknown", in any case, with "_" or blanks); -1 if it is not
 * known.
 */
int verdict_alert(struct slice name);

#endif
