/*
 * Reference certificates: files and folders on this machine that say which roots there are.  Bytes only; what is a
 * certificate is decided by the pool.  Private to the analyzer.
 */
#ifndef TRUSTGAP_REFERENCE_H
#define TRUSTGAP_REFERENCE_H

#include <glib.h>

#define REFERENCE_DEPTH 8 /* folders below the one that was named */

/**
 * reference_found(data, path, ders):
 * Called for each file that has at least one certificate in it; ${ders} (of GBytes *, the caller's) has them in the
 * order of the file.
 */
typedef void reference_found(void *data, const char *path, GPtrArray *ders);

/**
 * reference_read(path, found, data, trouble, error):
 * Read the file ${path}, or all files of the folder ${path} and those below it, by name; a file that has several names
 * is read once, and devices and the like are passed over.  A file is PEM (certificates and PKCS #7 bundles, with
 * anything between them), DER (certificates one behind the other, or one PKCS #7 bundle), or a PSE without PIN, of
 * which its trust list counts (pse.h).  What is not as it should be, but no reason to stop, is put into ${*trouble} as
 * one line, which the caller frees with g_free(), else NULL.  Return FALSE with ${error} set if ${path} cannot be read
 * at all.
 */
gboolean reference_read(const char *path, reference_found *found, void *data, char **trouble, GError **error);

#endif
