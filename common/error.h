/*
 * Errors of the whole program: one GError domain with few codes.
 *
 * The code says what kind of trouble it is, for exit statuses and for reports; the message is for a person and begins
 * with the thing that it is about: "inventory.ini:14: no such group \"prod\"".  An error is set once, where it is first
 * known; callers may prefix it (g_prefix_error) and never replace it.
 */
#ifndef TRUSTGAP_ERROR_H
#define TRUSTGAP_ERROR_H

#include <glib.h>

#define TRUSTGAP_ERROR (trustgap_error_quark())

enum trustgap_error {
    TRUSTGAP_ERROR_USAGE,    /* the command line asks for what there is not */
    TRUSTGAP_ERROR_MISSING,  /* a file or folder that was named does not exist or may not be read */
    TRUSTGAP_ERROR_SYNTAX,   /* bytes are not in the form that they should have */
    TRUSTGAP_ERROR_LIMIT,    /* a named limit was reached */
    TRUSTGAP_ERROR_IO,       /* reading or writing failed half-way (disk full, ...) */
    TRUSTGAP_ERROR_PIPE,     /* who read standard output wants no more ("| head") */
    TRUSTGAP_ERROR_INTERNAL, /* a library refused what it should not refuse */
};

GQuark trustgap_error_quark(void);

#endif
