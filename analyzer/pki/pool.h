/*
 * Every certificate of the landscape, each once: from trust lists (DER), from listings, own certificates and
 * references, and what peers have sent, as far as traces print it.
 *
 * A pool fills the certificates of one audit.  A listing's entry and a DER certificate with the same SHA-256 are one
 * certificate.  Trust lists with the same certificates are one list.
 */
#ifndef TRUSTGAP_POOL_H
#define TRUSTGAP_POOL_H

#include "audit.h"
#include "certificate.h"
#include "references.h"
#include "signature.h"
#include "workers.h"

#include <glib.h>
#include <stdint.h>

#define POOL_SERIAL_BYTES 64    /* of a serial number; a longer one (20 are allowed, RFC 5280) is "not known" */
#define POOL_KEY_ID_BYTES 64    /* of a subject key identifier; likewise */
#define POOL_SHOWN        10000 /* certificates that peers have sent; further ones are left out with a warning */
#define POOL_RAWS         100   /* entries of a list that cannot be parsed: described; further ones are counted */
#define POOL_REFERENCES   4     /* paths of reference files, per certificate; further ones are left out */

struct listing;
struct pool;

struct pool *pool_new(struct audit *audit);
void pool_free(struct pool *pool);

/**
 * pool_use(pool, workers):
 * From now on ${workers} (of certificate_worker.h; NULL: nobody) read certificates, and this process does not:
 * certificates of hosts, references and peers.
 */
void pool_use(struct pool *pool, struct workers *workers);

/**
 * pool_prepare(pool, bytes, size, why):
 * Have those certificates read that the pool doesn't know, among those that stand one behind the other in the ${size}
 * bytes of a file.  FALSE if that fails: the file counts as not read, and ${*why} is the reason (worker_finish()).
 * Without workers nothing is done.
 */
gboolean pool_prepare(struct pool *pool, const void *bytes, size_t size, char **why);

/**
 * pool_know(pool, sha256, certificate):
 * The certificate with this digest is going to be added, and has been read; ${certificate} is empty afterwards.
 */
void pool_know(struct pool *pool, const char *sha256, struct certificate *certificate);

/**
 * pool_add_der(pool, bytes, size, used):
 * Take the one DER certificate at the beginning of the ${size} bytes into the pool and return it; if ${used} is not
 * NULL it is set to the bytes that it took.  NULL if there is no certificate that OpenSSL can parse; ${*used} is then
 * the length of the element to step over, or 0 if not even that can be told.
 */
struct audit_cert *pool_add_der(struct pool *pool, const void *bytes, size_t size, size_t *used);

/**
 * pool_add_shown(pool, der, asked), pool_take_shown(pool):
 * Keep a certificate that a peer has sent, as a trace prints it whole (MOMENT_NONE), or as the peer sent it when it was
 * asked at ${asked}; then, when all lists and references are in the pool, take in what was kept.  Such a certificate is
 * vouched for by nobody: unless it is known otherwise by a fingerprint it is marked ${from_trace}, and it is never
 * found by a name and a serial number, which anybody can write into a certificate.  One that is not DER from the first
 * to the last byte is passed over.
 */
void pool_add_shown(struct pool *pool, GBytes *der, int64_t asked);
void pool_take_shown(struct pool *pool);

/**
 * pool_add_shown_chain(pool, bytes, size, asked):
 * pool_add_shown() for each of the certificates that stand one behind the other in the ${size} bytes.  Return their
 * SHA-256 (lower case hex, g_free()) in that order, to be freed with g_ptr_array_unref(); NULL if the bytes are
 * something else.
 */
GPtrArray *pool_add_shown_chain(struct pool *pool, const void *bytes, size_t size, int64_t asked);

/**
 * pool_add_list(pool, bytes, size):
 * Take a trust list in DER (certificates one behind the other, as the probe sends a PKList) and return the list of it,
 * never NULL; entries that cannot be parsed are counted in ${list->refused}, and told in ${list->raws} by their place
 * and digest.  What such an entry is nobody knows, so a list with one lacks nothing for certain.
 */
struct audit_list *pool_add_list(struct pool *pool, const void *bytes, size_t size);

/**
 * pool_add_listing(pool, bytes, size, status, reading, reason):
 * Take what "sapgenpse maintain_pk -l" printed, whose exit status was ${status}.  Return the list of it with
 * ${*reading} READING_LISTING or READING_PARTLY; or NULL with READING_NONE where the text is no listing.  ${*reason}
 * says why it is not whole, or with READING_LISTING what is doubtful in it ("old style, unproved"), as a text of the
 * audit, else NULL.  Grammar and rules: docs/formats/listing.md.
 */
struct audit_list *pool_add_listing(struct pool *pool, const void *bytes, size_t size, int64_t status,
                                    enum audit_reading *reading, const char **reason);

/**
 * pool_add_parsed(pool, listing, status, reading, reason):
 * The same of what was parsed already.
 */
struct audit_list *pool_add_parsed(struct pool *pool, const struct listing *listing, int64_t status,
                                   enum audit_reading *reading, const char **reason);

/**
 * pool_add_references(pool, references), pool_drop_public(pool):
 * Take the certificates of ${references} (or NULL), and record in the audit what they are; what could not be read of
 * one is a warning of the audit.  Lists and own certificates of the landscape have to be in the pool before.  Then,
 * when the findings are made, take those out of the audit that only this system's bundle has and that no finding names;
 * the certificates of the audit have to be sorted anew.
 */
void pool_add_references(struct pool *pool, const struct references *references);
void pool_drop_public(struct pool *pool);

/**
 * pool_is_public(pool, cert):
 * Whether only this system's bundle has it: nobody in the landscape does, and no other reference.
 */
gboolean pool_is_public(const struct pool *pool, const struct audit_cert *cert);

/**
 * pool_find_asked(pool, found, issuer, serial):
 * Append to ${found} (of struct audit_cert *) those with this issuer and serial number that peers sent when they were
 * asked and nobody holds.  Anybody can write both into a certificate: what it is said to have signed, or who signed it,
 * has to be checked.
 */
void pool_find_asked(const struct pool *pool, GPtrArray *found, const char *issuer, const char *serial);

/**
 * pool_add_reference_der(pool, path, der):
 * Take one certificate of the reference file ${path}; NULL if it cannot be parsed.
 */
struct audit_cert *pool_add_reference_der(struct pool *pool, const char *path, GBytes *der);

/**
 * pool_read_file(pool, certs, path, passwords, sent, error):
 * Take the certificates of the file ${path} (docs/formats/reference.md; "-": standard input; ${passwords} as in
 * references.h), and append them to ${certs} in the order of the file.  With ${sent} they are what a peer sends:
 * vouched for by nobody, as with pool_add_shown(), but none is passed over; of a key store or a PSE it is the chain of
 * its own certificate.  FALSE with ${error} set, which begins with the path, if the file cannot be read in full, or has
 * no certificate in it.
 */
gboolean pool_read_file(struct pool *pool, GPtrArray *certs, const char *path, const char *const *passwords,
                        gboolean sent, GError **error);

/**
 * pool_adopt(pool, error):
 * Take all certificates that the audit of the new ${pool} has already, as one that was read from its XML does; lists
 * are left as they are.  FALSE with ${error} set if the DER of one is no certificate, or not the one that it says.
 */
gboolean pool_adopt(struct pool *pool, GError **error);

/**
 * pool_find_digest(pool, sha256, sha1, md5), pool_find_serial(pool, issuer, serial):
 * The certificate with this fingerprint (lower case hex; the strongest that is not NULL decides); with this issuer (as
 * printed) and serial number (any spelling, compared as numbers; not one from a trace); NULL if there is none.
 */
struct audit_cert *pool_find_digest(const struct pool *pool, const char *sha256, const char *sha1, const char *md5);
struct audit_cert *pool_find_serial(const struct pool *pool, const char *issuer, const char *serial);

/**
 * pool_find_subject(pool, found, subject, cut):
 * Append to ${found} every certificate whose subject is ${subject} (as printed; a prefix if ${cut}), in a fixed order;
 * those from traces too.
 */
void pool_find_subject(const struct pool *pool, GPtrArray *found, const char *subject, gboolean cut);

/**
 * pool_find_issuers(pool, found, cert):
 * Append to ${found} every certificate whose subject is the issuer of ${cert}, which is one of the pool, in a fixed
 * order; those from traces too.  Where the name is too long to be compared that is none.
 */
void pool_find_issuers(const struct pool *pool, GPtrArray *found, const struct audit_cert *cert);

/**
 * pool_find_key_id(pool, found, key_id), pool_authority_key_id(pool, cert):
 * Append to ${found} every certificate with this subject key identifier (lower case hex), in a fixed order; those from
 * traces too.  The identifier of the key that has signed ${cert}, as ${cert} says; NULL if it does not, or has no DER.
 */
void pool_find_key_id(const struct pool *pool, GPtrArray *found, const char *key_id);
const char *pool_authority_key_id(const struct pool *pool, const struct audit_cert *cert);

/**
 * pool_add_listed(pool, from):
 * Add what is known of ${from}, a certificate of another audit without DER, as from a listing.  Return the certificate
 * of the pool, which may have been there; NULL if it has no name.
 */
struct audit_cert *pool_add_listed(struct pool *pool, const struct audit_cert *from);

/**
 * pool_want(pool, cert), pool_is_wanted(pool, cert):
 * Remember that the previous audit said that ${cert} is missing; whether it did.  Of several certificates that heal
 * alike it is preferred, so that what is said does not change from night to night with who was collected.
 */
void pool_want(struct pool *pool, struct audit_cert *cert);
gboolean pool_is_wanted(const struct pool *pool, const struct audit_cert *cert);

/**
 * pool_holders(pool, cert):
 * In how many PSE files of the audit the trust list holds ${cert}.  They are counted at the first call, so all stores
 * have to be there.
 */
unsigned pool_holders(struct pool *pool, const struct audit_cert *cert);

/**
 * pool_issued(pool, issuer, subject):
 * TRUE if ${issuer} has signed ${subject}: names fit and the signature verifies.  Both need their DER, else FALSE.
 */
gboolean pool_issued(struct pool *pool, const struct audit_cert *issuer, const struct audit_cert *subject);

/**
 * pool_signatures(pool):
 * The signatures that were verified for the pool so far; to be added to by whoever verifies more of its certificates.
 * They belong to the pool.
 */
struct signatures *pool_signatures(struct pool *pool);

#endif
