/*
 * What a worker can't do by itself and has the parent do, for one host: look its name up, compare its host key with
 * known_hosts, sign a login, run a shell on this machine.
 *
 * Each function returns TRUE once the answer is there.  The first call asks; until the answer comes, which wake()
 * tells, further calls return FALSE.  A question is asked again after its answer was taken.
 */
#ifndef TRUSTGAP_SERVICE_H
#define TRUSTGAP_SERVICE_H

#include "channel.h"
#include "known_hosts.h"

#include <glib.h>
#include <netdb.h>

struct service_question { /* private */
    uint32_t sequence;    /* of the question; 0: nothing was asked */
    gboolean answered;
};

struct service {
    struct channel *channel; /* to the parent */
    uint32_t host;           /* its number in messages */
    void (*wake)(void *context);
    void *context;
    int fds[CHANNEL_RIGHTS]; /* of a shell of this machine: its standard input, output, errors; -1: none, or taken */
    gboolean exited;         /* that shell */
    int exit_status, exit_signal;
    /* private: */
    uint32_t sequence;
    struct service_question lookup, verdict, signature;
    int lookup_status;
    struct addrinfo *addresses;
    struct known_hosts_answer answer;
    char *answer_path, *authority_path, *ask_for;
    GBytes *signed_bytes;
    char *why;
};

void service_init(struct service *service, struct channel *channel, uint32_t host);
void service_clear(struct service *service);

/**
 * service_look_up(service, status, addresses):
 * The addresses of the host, to be freed with freeaddrinfo(), or a ${status} of libuv other than 0.
 */
gboolean service_look_up(struct service *service, int *status, struct addrinfo **addresses);

/**
 * service_host_key(service, key, size, answer):
 * What known_hosts says of this key; the strings of ${answer} live as long as the service, or until the next question.
 */
gboolean service_host_key(struct service *service, const void *key, size_t size, struct known_hosts_answer *answer);

/**
 * service_sign(service, identity, data, size, signature, why):
 * A signature with this identity (its number in the order), to be freed with g_bytes_unref(); NULL, with ${*why} to be
 * freed with g_free(), if the parent gives none.
 */
gboolean service_sign(struct service *service, unsigned identity, const void *data, size_t size, GBytes **signature,
                      char **why);

/**
 * service_is_signing(service):
 * TRUE as long as a signature was asked for and is not there.
 */
gboolean service_is_signing(const struct service *service);

/**
 * service_reset(service):
 * Nobody waits for what was asked any more.
 */
void service_reset(struct service *service);

/**
 * service_answer(service, message):
 * Take an answer of the parent.  FALSE: it is not in its form, or none.
 */
gboolean service_answer(struct service *service, const struct message *message);

#endif
