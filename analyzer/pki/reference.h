/*
 * Reference certificates: files and folders on this machine that say which roots there are.  Private to the analyzer;
 * what reads them before an analysis is references.h.
 */
#ifndef TRUSTGAP_REFERENCE_H
#define TRUSTGAP_REFERENCE_H

#include <glib.h>

#define REFERENCE_DEPTH      8                          /* folders below the one that was named */
#define REFERENCE_FILES      20000                      /* of one folder */
#define REFERENCE_FILE_BYTES ((size_t)64 * 1024 * 1024) /* of one file */
#define REFERENCE_CERTS      20000                      /* certificates in DER, of one file */
#define REFERENCE_CERT_BYTES ((size_t)256 * 1024)       /* of one certificate */

enum reference_use {
    REFERENCE_ANCHORS, /* all that may be imported: of a PSE its trust list */
    REFERENCE_CHAIN,   /* what a peer sends, its own certificate first: of a PSE the own certificate */
};

struct reference_options {
    enum reference_use use;
    const char *const *passwords; /* NULL-ended, or NULL: of PKCS #12 key stores */
    GChecksum *digest;            /* takes the bytes of all files that are read, one behind the other; or NULL */
};

/**
 * reference_found(data, path, ders):
 * Called for each file that has at least one certificate in it; ${ders} (of GBytes *, the caller's) has them in the
 * order of the file.  Each is one whole certificate that OpenSSL can parse.
 */
typedef void reference_found(void *data, const char *path, GPtrArray *ders);

/**
 * reference_read(path, options, found, data, trouble, error):
 * Read the file ${path}, or all files of the folder ${path} and those below it, by name; a file that has several names
 * is read once, and devices and the like are passed over.  What a file may be: docs/formats/reference.md.
 *
 * What is not as it should be, but no reason to stop, is put into ${*trouble} as one line, which begins with the path
 * and which the caller frees with g_free(), else NULL.  Return FALSE with ${error} set, which begins with the path too,
 * if ${path} cannot be read (TRUSTGAP_ERROR_MISSING) or has no certificate in it (TRUSTGAP_ERROR_SYNTAX; the message
 * says what it is instead and what to do).
 */
gboolean reference_read(const char *path, const struct reference_options *options, reference_found *found, void *data,
                        char **trouble, GError **error);

#endif
