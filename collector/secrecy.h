/*
 * Private keys in memory stay there: for as long as a command holds some.
 *
 * No core dump is written, by this process or by what it starts (RLIMIT_CORE), and no other process of the same user
 * may look into it (PR_SET_DUMPABLE, which also keeps a core from being piped to a program).  OpenSSL gets a heap for
 * secrets that is locked, where the limit allows that (RLIMIT_MEMLOCK), so that it isn't swapped out.  Which parts of a
 * key it puts there is up to its version: 3.0 those of EC keys, and of others only what is calculated.
 */
#ifndef TRUSTGAP_SECRECY_H
#define TRUSTGAP_SECRECY_H

#include "inventory.h"

#include <glib.h>
#include <sys/resource.h>

#define SECRECY_KEY_BYTES  ((size_t)8 * 1024)   /* what OpenSSL keeps of one key, at most, and then some */
#define SECRECY_HEAP_BYTES ((size_t)128 * 1024) /* the least for all of them */

struct secrecy { /* private: what was before */
    struct rlimit core;
    int dumpable;
};

/**
 * secrecy_begin(before, inventory):
 * From now on.  Room is made for the key files of ${inventory}.  Whatever of it is not allowed is left out.
 */
void secrecy_begin(struct secrecy *before, const struct inventory *inventory);

/**
 * secrecy_end(before):
 * The keys are gone: as it was.
 */
void secrecy_end(const struct secrecy *before);

#endif
