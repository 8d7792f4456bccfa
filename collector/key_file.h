/*
 * A private key file, looked at before any connection is made: is it there, is it one, is it encrypted?
 *
 * Read once per run, for all log-ins.  Nothing here asks for a passphrase; an encrypted key is of use
 * through ssh-agent only, and its public half tells which of the agent's keys it is.
 */
#ifndef TRUSTGAP_KEY_FILE_H
#define TRUSTGAP_KEY_FILE_H

#include "private_key.h"

#include <glib.h>

/* Limits. */
#define KEY_FILE_BYTES ((size_t)64 * 1024)

enum key_file_status {
    KEY_FILE_USABLE,
    KEY_FILE_MISSING,  /* there is no such file */
    KEY_FILE_UNUSABLE, /* may not be read, is no private key, may be read by others */
    KEY_FILE_ENCRYPTED,
};

struct key_file {
    char *path;
    enum key_file_status status;
    char *why;               /* not usable: "path: what is wrong with it and what helps" */
    struct private_key *key; /* usable */
    GBytes *public_key;      /* blob; NULL if it is not known */
};

/**
 * key_file_load(path):
 * Never NULL.  The public key of a file that does not show it is looked for in "path.pub".
 */
struct key_file *key_file_load(const char *path);

/**
 * key_file_parse(path, bytes, size):
 * The same from memory, where ${path} is for messages.  The bytes may be anything.
 */
struct key_file *key_file_parse(const char *path, const void *bytes, size_t size);
void key_file_free(struct key_file *file);

typedef struct key_file key_file_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(key_file_auto, key_file_free)

#endif
