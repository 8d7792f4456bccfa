/*
 * What a worker says, checked before anybody acts on it.
 *
 * A worker parses what hosts send and may have been taken over by one of them, so its messages (message.h) are hostile
 * bytes.  The guard knows which hosts the worker has in work and lets through only what can be true of them: questions
 * about these hosts, objects within the limits, a line that names no object but its own.  It signs nothing, but says
 * what may be signed: a login to a host that the worker has in work, as that host's user, with a key that is meant for
 * that host, after known_hosts confirmed its host key on this connection, and only so often.
 *
 * What is not let through means that the worker is to be ended: one that is sound never says it.
 */
#ifndef TRUSTGAP_GUARD_H
#define TRUSTGAP_GUARD_H

#include "capture.h"
#include "collector.h"
#include "keyring.h"
#include "message.h"

#include <glib.h>

/* Limits, of one host in one worker. */
/* Look-ups, host keys: a connection is made again for slow algorithms, another type of host key, or a peer. */
#define GUARD_CONNECTIONS  (3 + COLLECTOR_PEERS)
#define GUARD_SIGNATURES   (KEYRING_TRIES + COLLECTOR_PEERS)
#define GUARD_OBJECTS      65536
#define GUARD_OBJECTS_OPEN 8 /* at the same time */
#define GUARD_STATE_CHARS  32

/* ${data} is what guard_add() was given for the host. */
struct guard_events {
    void (*state)(void *context, void *data, const char *from, const char *to);
    void (*admitted)(void *context, void *data);
    void (*look_up)(void *context, void *data, uint32_t sequence);
    /* TRUE: known_hosts confirms the key. */
    gboolean (*host_key)(void *context, void *data, uint32_t sequence, const struct wire *blob);
    void (*sign)(void *context, void *data, uint32_t sequence, unsigned identity, const struct wire *request);
    void (*object)(void *context, void *data, uint32_t number);
    void (*bytes)(void *context, void *data, uint32_t number, const struct wire *bytes);
    void (*finish)(void *context, void *data, uint32_t number);
    void (*drop)(void *context, void *data, uint32_t number);
    /* The last word on a host, which the guard has forgotten by then.  ${line} becomes the callee's; its digests are
     * numbers of objects (guard_object()). */
    void (*line)(void *context, void *data, struct capture_host *line);
};

struct guard;

/**
 * guard_new(trace_bytes, events, context):
 * For one worker, with no host yet; ${trace_bytes} is the limit of a trace.
 */
struct guard *guard_new(int64_t trace_bytes, const struct guard_events *events, void *context);
void guard_free(struct guard *guard);

/**
 * guard_add(guard, number, user, identities, data):
 * The worker has a host more in work, ${number} in messages.  ${identities}, of GBytes *, are the public keys that it
 * may have used for logging in as ${user}; NULL: none.  ${data} goes to the events.
 */
void guard_add(struct guard *guard, uint32_t number, const char *user, const GPtrArray *identities, void *data);

/**
 * guard_take(guard, message, error):
 * Look at a message, and call its event.  FALSE with ${error} set if the worker can't mean that.
 */
gboolean guard_take(struct guard *guard, const struct message *message, GError **error);

/**
 * guard_name_object(number), guard_object(digest):
 * The form of an object's number in a line, which the caller frees with g_free(), and the number that it stands for; 0:
 * none.
 */
char *guard_name_object(uint32_t number);
uint32_t guard_object(const char *digest);

/**
 * guard_each_object(line, change, context):
 * Call ${change} with each digest that ${line} holds, to look at it or to replace it (the old one is to be freed with
 * g_free()).  FALSE as soon as it says so.
 */
gboolean guard_each_object(struct capture_host *line, gboolean (*change)(void *context, char **digest), void *context);

#endif
