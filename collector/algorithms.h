/*
 * Which algorithms of SSH are used, and what is said when a server has none of them.
 *
 * What libssh2 can do differs between its versions (1.11 knows what 1.10 does not: RSA with SHA-2, newer MACs and
 * ciphers); it is asked at run time.
 */
#ifndef TRUSTGAP_ALGORITHMS_H
#define TRUSTGAP_ALGORITHMS_H

#include <glib.h>
#include <libssh2.h>

/**
 * algorithms_prefer(session, host_key_types, slow):
 * Set all preferences of a session, before its handshake.  ${host_key_types} is NULL-ended, best first: these come
 * before all others, else a server with several keys may show one that we do not know; the others stay possible, so
 * that a server which has only another key now is seen as changed and not as incompatible.  ${slow}: offer also key
 * exchanges that keep the thread busy for 20 ms and more.
 */
void algorithms_prefer(LIBSSH2_SESSION *session, const char *const *host_key_types, gboolean slow);

/**
 * algorithms_need_slow(session, bytes, size):
 * TRUE if the server that sent these ${bytes} in clear (greeting.h) has none but slow key exchanges in common with us.
 */
gboolean algorithms_need_slow(LIBSSH2_SESSION *session, const void *bytes, size_t size);

/**
 * algorithms_have_rsa_sha2(session):
 * FALSE: RSA keys, of hosts as of users, are of use with SHA-1 only, which OpenSSH 8.8 and later refuse.
 */
gboolean algorithms_have_rsa_sha2(LIBSSH2_SESSION *session);

/**
 * algorithms_explain(session, bytes, size):
 * Why there is no common algorithm with a server that sent these ${bytes} in clear (greeting.h), and the way out; the
 * caller frees it with g_free().
 */
char *algorithms_explain(LIBSSH2_SESSION *session, const void *bytes, size_t size);

#endif
