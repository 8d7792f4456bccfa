/*
 * Certificates that may be imported: what was read from files and folders before an analysis, which takes them as they
 * are here.  So a file that can't be used is known before any host is asked, and an analysis opens no file but
 * captures.
 */
#ifndef TRUSTGAP_REFERENCES_H
#define TRUSTGAP_REFERENCES_H

#include <glib.h>

struct reference_file {
    char *path;
    GPtrArray *ders; /* of GBytes *: whole certificates, in the order of the file */
};

struct reference_source { /* one file or folder that was named */
    char *path;
    gboolean system;  /* this system's own bundle of public certificates */
    GPtrArray *files; /* of struct reference_file *: those with a certificate */
    unsigned certs;   /* in all of them */
    char *sha256;     /* lower case hex: of the bytes of all files that were read, in the order of their names */
    char *trouble;    /* one line, which begins with the path: what was not read; or NULL */
};

struct references {
    GPtrArray *sources; /* of struct reference_source * */
};

struct references *references_new(void);
void references_free(struct references *references);

/**
 * references_add(references, path, passwords, error):
 * Read the file or folder ${path}: PEM, DER, PKCS #7, PKCS #12, JKS, JCEKS, PSE (docs/formats/reference.md).  Each of
 * the NULL-ended ${passwords} (or NULL) is tried where one is needed.  FALSE with ${error} set, beginning with ${path},
 * if it cannot be read (TRUSTGAP_ERROR_MISSING) or there is no certificate in it (TRUSTGAP_ERROR_SYNTAX).
 */
gboolean references_add(struct references *references, const char *path, const char *const *passwords, GError **error);

/**
 * references_add_system(references, path, error):
 * The same for the bundle of public certificates that this system has.  What it holds is offered only where neither the
 * landscape nor another reference has something as good.
 */
gboolean references_add_system(struct references *references, const char *path, GError **error);

typedef struct references references_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(references_auto, references_free)

#endif
