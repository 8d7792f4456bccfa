/*
 * Which host keys are known: known_hosts files, read by ourselves (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
 *
 * libssh2's own reader gives up at the first line that it does not understand, knows no wildcards and no markers, and
 * calls a host that shows a key of another type unknown instead of changed.  This one takes every line for itself: a
 * bad one becomes a warning "file:line: why" and the next one is read.
 *
 * A host is asked for by the address that the inventory gives (ansible_host), as ssh would be given it, and only if
 * that is in no file by its name in the inventory.  With a port other than 22 "[address]:port" is looked for first and
 * "address" after it; the latter can confirm a key and never contradict one, for another sshd of that machine may well
 * have another key.  This is what ssh does.
 *
 * Lines with hashed names cannot be indexed by name, so they are by key: for a host whose key is right one digest is
 * computed, whatever the number of lines.
 *
 * It decides nothing about a host, it never writes a file, and it does not check host certificates: libssh2 has none,
 * so a @cert-authority line is only remembered for the message.
 */
#ifndef TRUSTGAP_KNOWN_HOSTS_H
#define TRUSTGAP_KNOWN_HOSTS_H

#include <glib.h>
#include <stdint.h>

/* Limits. */
#define KNOWN_HOSTS_FILE_BYTES ((size_t)64 * 1024 * 1024)
#define KNOWN_HOSTS_LINE_BYTES ((size_t)64 * 1024)
#define KNOWN_HOSTS_KEY_BYTES  ((size_t)16 * 1024)
#define KNOWN_HOSTS_LINES      1000000 /* of all files together */
#define KNOWN_HOSTS_WARNINGS   100     /* what is above is counted in one last warning */

enum known_hosts_verdict {
    KNOWN_HOSTS_MATCH,
    KNOWN_HOSTS_UNKNOWN,
    KNOWN_HOSTS_CHANGED, /* known with another key, be it of the same type or of another one */
    KNOWN_HOSTS_REVOKED,
};

struct known_hosts_answer {
    enum known_hosts_verdict verdict;
    const char *path; /* file and line that decided, owned by the known hosts; NULL if none did */
    unsigned line;
    gboolean same_type;         /* changed: the line holds a key of the same type */
    const char *authority_path; /* a @cert-authority line for this host, which is of no use here, or NULL */
    unsigned authority_line;
    /* Changed to another type, and nobody knew that this is the one to ask for, owned by the known hosts: another
     * connection that asks for it should be judged instead.  NULL: this one counts. */
    const char *ask_for;
};

struct known_hosts;

struct known_hosts *known_hosts_new(void);
void known_hosts_free(struct known_hosts *known);

/**
 * known_hosts_load(known, path, error):
 * Add the file ${path}.  Return FALSE with ${error} set only if it can't be read or is larger than the limit.
 */
gboolean known_hosts_load(struct known_hosts *known, const char *path, GError **error);

/**
 * known_hosts_parse(known, name, bytes, size):
 * The same from memory; ${name} stands for the path.  The bytes may be anything.
 */
void known_hosts_parse(struct known_hosts *known, const char *name, const void *bytes, size_t size);

/**
 * known_hosts_digests(known):
 * How many digests of names were computed up to now: what look-ups in hashed lines cost.
 */
uint64_t known_hosts_digests(const struct known_hosts *known);

/**
 * known_hosts_warnings(known):
 * Of char *, cleaned, owned by ${known}: the lines that were passed over and why.
 */
const GPtrArray *known_hosts_warnings(const struct known_hosts *known);

/* The lines that speak of one host.  To be freed before the known hosts that they come from. */
struct known_host;

/**
 * known_host_find(known, address, name, port):
 * Never NULL; ${name} may be.  Computes no digest: whom a hashed line is about is found out by known_host_check().
 */
struct known_host *known_host_find(const struct known_hosts *known, const char *address, const char *name,
                                   uint16_t port);
void known_host_free(struct known_host *host);

/**
 * known_host_types(host):
 * Types of the keys that would be accepted ("ssh-ed25519"), best first, each once, NULL-ended; the caller frees it with
 * g_free() and not the strings.  As long as it is not known which hashed lines are about the host, the types of all of
 * these are at the end.  They are to be asked for in the handshake, else a server with several keys may show
 * one that we don't know.
 */
const char **known_host_types(const struct known_host *host);

/**
 * known_host_check(answer, host, key, size):
 * What the files say of the public key blob ${key}.
 */
void known_host_check(struct known_hosts_answer *answer, struct known_host *host, const void *key, size_t size);

typedef struct known_host known_host_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(known_host_auto, known_host_free)
typedef struct known_hosts known_hosts_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(known_hosts_auto, known_hosts_free)

#endif
