/*
 * Network in, capture out: logs in to many hosts at once, runs the probe there, writes what comes into a capture.
 *
 * A parent holds keys, known_hosts and the capture (parent.h) and gives hosts to workers, processes that talk to them
 * (shard.h); there each host is a state machine (session.h) on top of a transport (transport.h).  Nothing that happens
 * to one host touches another.  It changes nothing on a host, leaves nothing there, and does not look into the bytes
 * that it brings (it takes the probe's records apart, docs/formats/probe.md, and no more).
 */
#ifndef TRUSTGAP_COLLECTOR_H
#define TRUSTGAP_COLLECTOR_H

#include "capture.h"
#include "inventory.h"

#include <glib.h>

/* Limits; times in milliseconds. */
#define COLLECTOR_FANOUT       64
#define COLLECTOR_FANOUT_MAX   1024
#define COLLECTOR_WORKERS_MAX  64
#define COLLECTOR_LOOKUP_MS    10000 /* name look-up */
#define COLLECTOR_CONNECT_MS   10000 /* TCP */
#define COLLECTOR_HANDSHAKE_MS 20000 /* banner and key exchange */
#define COLLECTOR_LOGIN_MS     20000
#define COLLECTOR_SILENCE_MS   60000                       /* the probe says nothing */
#define COLLECTOR_HOST_MS      600000                      /* all of one host */
#define COLLECTOR_TRACE_BYTES  ((int64_t)64 * 1024 * 1024) /* of one trace: its end */
#define COLLECTOR_HOST_BYTES   ((int64_t)1024 * 1024 * 1024)
#define COLLECTOR_STDERR_BYTES 4096                        /* kept of what the remote shell writes there */
#define COLLECTOR_STDERR_LIMIT ((int64_t)16 * 1024 * 1024) /* a shell that writes more there is given up */
#define COLLECTOR_NOISE_BYTES  65536 /* before the probe's first record: what log-in scripts print */
#define COLLECTOR_PEERS        20    /* of one host that are asked for their certificates */
#define COLLECTOR_PEER_MS      10000 /* one of them */
#define COLLECTOR_PEERS_MS     60000 /* all of one host */

/* Why a host was not collected: the word in the capture, and what it stands for in a message. */
enum collector_reason {
    REASON_NONE,
    REASON_NAME_NOT_FOUND,   /* "name-not-found" */
    REASON_REFUSED,          /* "refused": nothing listens */
    REASON_UNREACHABLE,      /* "unreachable": no route */
    REASON_TIMEOUT,          /* "time-out": the message says in which state */
    REASON_BUSY,             /* "busy": turned away before the SSH banner, or at it, in every try (queue.h) */
    REASON_CLOSED,           /* "closed": the peer ended the connection; the message says in which state */
    REASON_NO_COMMON,        /* "no-common-algorithm" */
    REASON_PROTOCOL,         /* "protocol": no SSH, or SSH gone wrong */
    REASON_HOST_KEY_UNKNOWN, /* "host-key-unknown" */
    REASON_HOST_KEY_CHANGED, /* "host-key-changed": known with another key */
    REASON_HOST_KEY_REVOKED, /* "host-key-revoked" */
    REASON_KEY_FILE,         /* "key-file": missing, unreadable, encrypted */
    REASON_LOGIN_REFUSED,    /* "login-refused" */
    REASON_NO_SHELL,         /* "no-shell": no channel, no exec, or no POSIX shell behind it */
    REASON_INCOMPLETE,       /* "probe-incomplete": ended before its last record */
    REASON_BAD_RECORD,       /* "bad-record": the stream is not in the probe's form */
    REASON_LIMIT,            /* "limit": one of the limits above */
    REASON_CANCELLED,        /* "cancelled": the run was ended (Ctrl-C) */
    REASON_CONNECTION,       /* "unsupported-connection": the inventory names another way than ssh and local */
    REASON_LOCAL,            /* "local": trouble on this machine (disk full, out of descriptors) */
    REASON_WORKER,           /* "worker-failed": the process that worked on it crashed or blocked, twice */
    REASON_UNREAD,           /* "unread": all was found, but some of it could not be read */
    REASON_NOT_SEARCHED,     /* "not-searched": the probe could not look everywhere below sap_root */
    REASON_NO_INSTANCE,      /* "no-instance": below sap_root, or one of several, there is nothing to read */
    REASON_NO_TOOL,          /* "no-tool": a tool that the probe needs is missing on the host, or does not work */
    REASON_LAST = REASON_NO_TOOL,
};

const char *collector_reason_name(enum collector_reason reason);

struct collector_peer { /* a server that a host calls */
    char *target;       /* its name: for the host to look up, and for the server to be asked for; or NULL */
    char *address;      /* IP address: where there is no name */
    uint16_t port;
};

struct collector_peer *collector_peer_new(const char *target, const char *address, uint16_t port);
void collector_peer_free(struct collector_peer *peer);

struct collector_options {
    unsigned fanout;                /* 0: COLLECTOR_FANOUT */
    unsigned workers;               /* processes that talk to hosts; 0: one for each processor */
    const char *const *worker;      /* how one is started, NULL-ended; NULL: this program, with COLLECTOR_WORKER */
    const char *const *known_hosts; /* NULL-ended list of files; NULL: the user's and the system's */
    gboolean use_agent;             /* ask the agent at SSH_AUTH_SOCK */
    int64_t trace_bytes;            /* 0: COLLECTOR_TRACE_BYTES */
    unsigned host_timeout_ms;       /* 0: COLLECTOR_HOST_MS */
    unsigned silence_ms;            /* 0: COLLECTOR_SILENCE_MS */
    unsigned connect_timeout_ms;    /* 0: the limits above; else for each of look-up, connect, handshake, login */
    /* Inventory name of a host -> GPtrArray of struct collector_peer *, each to be asked for its certificates through
     * that host once the probe is done there; NULL: none. */
    GHashTable *peers;
    /* Called after each host, and with a NULL host for messages that concern no host ("known_hosts:7: ..."). */
    void (*progress)(void *context, const struct capture_host *host, const char *message);
    void (*trace)(void *context, const char *host, const char *from, const char *to); /* state changes, or NULL */
    void *context;
};

struct collector_result {
    unsigned collected, partial, failed; /* hosts */
    gboolean cancelled;
};

/**
 * collector_run(result, inventory, writer, options, error):
 * Collect every host of ${inventory} into ${writer}.  SIGINT and SIGTERM end the run cleanly: hosts in work are written
 * down as cancelled, hosts that were not begun get no line.  Return FALSE with ${error} set only if the run itself
 * could not be carried out (no loop, the capture cannot be written any more); what was written by then stays valid.
 */
gboolean collector_run(struct collector_result *result, const struct inventory *inventory,
                       struct capture_writer *writer, const struct collector_options *options, GError **error);

/**
 * collector_script(host, trace_bytes):
 * Exactly what is sent to the standard input of the remote shell for this host; the caller frees it with g_free().  The
 * remote command is COLLECTOR_COMMAND.
 */
char *collector_script(const struct inventory_host *host, int64_t trace_bytes);

/**
 * collector_probe():
 * The probe as a program that can be installed on a host and named in sudoers (docs/formats/probe.md); the caller frees
 * it with g_free().
 */
char *collector_probe(void);

#define COLLECTOR_COMMAND "exec /bin/sh"
#define COLLECTOR_WORKER  "--collector" /* the only argument of a worker (shard.h) */

/**
 * collector_too_long(host):
 * What is said of a host whose line would be too long for a capture, to be freed with capture_host_free().
 */
struct capture_host *collector_too_long(const struct capture_host *host);

#endif
