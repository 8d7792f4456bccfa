/*
 * Certificates for tests, made by OpenSSL at test time: chains of roots, intermediates and leaves, cross-signed ones,
 * expired ones, odd ones.  Whatever fails aborts the test.
 */
#ifndef TRUSTGAP_TEST_CERTS_H
#define TRUSTGAP_TEST_CERTS_H

#include <glib.h>
#include <openssl/x509.h>
#include <stdint.h>

#define CERTS_DAY ((int64_t)86400)
/* Where nothing else is wished a certificate is valid from CERTS_NOW - 1000 days to CERTS_NOW + 1000 days. */
#define CERTS_NOW ((int64_t)1795305600) /* 2026-11-22T00:00:00Z */

struct issued { /* a certificate and its key */
    EVP_PKEY *key;
    X509 *x509;
    GBytes *der;
};

struct wish {                    /* all may be left 0 */
    const char *subject;         /* OpenSSL's order: "/C=DE/O=Example, Inc./CN=Leaf"; "/CN=Test" */
    const struct issued *issuer; /* NULL: self-signed */
    const struct issued *key_of; /* use its key; NULL: a new key */
    const char *kind;            /* of a new key: "RSA:2048", "EC:secp384r1", "ED25519"; NULL: "EC:prime256v1" */
    gboolean leaf;               /* no CA, else basicConstraints CA */
    gboolean version_1;          /* no extensions at all */
    gboolean no_key_ids;         /* neither subject nor authority key identifier */
    int64_t not_before, not_after;
    const char *serial; /* hex, "-5" too; NULL: a number of its own */
    /* Extensions as openssl.cnf(5) has them; NULL: as the other fields wish. */
    const char *basic_constraints; /* "critical,CA:TRUE,pathlen:0" */
    const char *key_usage;         /* "digitalSignature" */
    const char *name_constraints;  /* "critical,excluded;DNS:example.com" */
    const char *alt_name;          /* "DNS:api.example.com" */
    gboolean bad_signature;        /* one bit of it is wrong */
};

struct issued *certs_issue(const struct wish *wish);
void certs_free(struct issued *issued);

/**
 * certs_pem(issued):
 * The certificate in PEM; g_free().
 */
char *certs_pem(const struct issued *issued);

/**
 * certs_join(first, ...):
 * The certificates in DER one behind the other, as the probe sends a trust list; ended by NULL.
 */
GBytes *certs_join(const struct issued *first, ...) G_GNUC_NULL_TERMINATED;

/**
 * certs_from_pem(text):
 * The first certificate in ${text}, without a key.
 */
struct issued *certs_from_pem(const char *text);

/**
 * certs_fill(issued, size):
 * Put a comment of ${size} bytes into the certificate, in the place of an earlier one, and sign it again.
 */
void certs_fill(struct issued *issued, size_t size);

/**
 * certs_extend(issued, issuer, config):
 * Add the extensions of the section [extensions] of an OpenSSL configuration, and let ${issuer} (NULL: itself) sign the
 * certificate again.
 */
void certs_extend(struct issued *issued, const struct issued *issuer, const char *config);

/**
 * certs_set_rsa(issued, bits):
 * Put an RSA key of ${bits} that nobody has computed into the certificate.  Its signature is wrong then.
 */
void certs_set_rsa(struct issued *issued, int bits);

typedef struct issued issued_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(issued_auto, certs_free)

/* The shortest way to write: certs(.subject = "/CN=Root") */
#define certs(...) certs_issue(&(const struct wish){__VA_ARGS__})

#endif
