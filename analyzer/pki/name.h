/*
 * Distinguished names, from what SAP prints and from DER, made comparable.
 *
 * SAP prints CN first and C last, the reverse of the certificate's order; SP for stateOrProvinceName, SN for
 * serialNumber, OID.n.n for what it has no short name for.  Two names are equal when their attributes (type, value) are
 * the same in the same order, values compared without case and with blanks folded (RFC 5280, 7.1).
 */
#ifndef TRUSTGAP_NAME_H
#define TRUSTGAP_NAME_H

#include <glib.h>
#include <openssl/x509.h>

#define NAME_BYTES      ((size_t)8192) /* of a printed name; longer ones are refused */
#define NAME_ATTRIBUTES 64
#define NAME_TYPE_CHARS 80 /* of "OID.1.3.6.1.4.1.311.60.2.1.2" and the like */

/**
 * name_key(text, cut):
 * The comparable form of a printed name: two names are equal exactly if their keys are.  With ${cut} the text is only a
 * prefix of a name, and so is the key (see name_is_prefix()).  The caller frees it with g_free(); NULL if ${text} is no
 * name (no attribute in it, too long).
 */
char *name_key(const char *text, gboolean cut);

/**
 * name_key_x509(name):
 * The same from DER, where each kind of string and each way to write a character is one.  "" for the empty name, NULL
 * for one over the limits.
 */
char *name_key_x509(const X509_NAME *name);

/**
 * name_is_cut(key):
 * Whether this is the key of a prefix only: it was made with cut, or a closing quote is missing in the text.  Such a
 * key is equal to no key of a whole name.
 */
gboolean name_is_cut(const char *key);

/**
 * name_is_prefix(prefix, key):
 * Whether a cut name could be the beginning of the name with ${key}; both from the functions above.
 */
gboolean name_is_prefix(const char *prefix, const char *key);

/**
 * name_print(name):
 * The name as SAP prints it: reverse order, ", " between, quotes round a value with a comma; how SAP prints a quote or
 * a backslash in a value is not known, and a backslash before it is our choice.  Values are clean (text.h).  The caller
 * frees it with g_free().
 */
char *name_print(const X509_NAME *name);

/**
 * name_short(text):
 * The part of a printed name that a title wants: its CN, else its last OU, O, or the whole; g_free().
 */
char *name_short(const char *text);

#endif
