/*
 * PEM as people hand it on: indented, quoted, in one line, with "\n" spelt out, as UTF-16, or the bare base64.
 * OpenSSL's reader wants each line as RFC 7468 has it, so the blocks are found here.  Private to the analyzer.
 */
#ifndef TRUSTGAP_PEM_H
#define TRUSTGAP_PEM_H

#include "slice.h"

#include <glib.h>

/**
 * pem_text(bytes):
 * ${bytes} as UTF-8 if they are UTF-16 (with a byte order mark, or ASCII with NULs between), else themselves.  The
 * caller frees it with g_bytes_unref().
 */
GBytes *pem_text(GBytes *bytes);

/**
 * pem_next(text, label, body):
 * The next block of ${*text}, which is moved behind it; FALSE if there is none.  ${body->at} is NULL if the block has
 * no end.
 */
gboolean pem_next(struct slice *text, struct slice *label, struct slice *body);

/**
 * pem_decode(body):
 * The bytes of this base64, in which blanks, line ends (spelt out too) and marks of quoted mail (">") don't count; NULL
 * if it is something else, or empty.  The caller frees it with g_bytes_unref().
 */
GBytes *pem_decode(struct slice body);

#endif
