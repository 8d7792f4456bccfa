/*
 * The lines of capture.jsonl, for capture/, and for processes that hand them to each other (collector/guard.h).
 *
 * The journal may come from elsewhere, so its bytes may be anything.  Messages of these functions do not begin with the
 * file's name; the caller knows it.
 */
#ifndef TRUSTGAP_CAPTURE_JOURNAL_H
#define TRUSTGAP_CAPTURE_JOURNAL_H

#include "capture.h"

#include <glib.h>
#include <stdint.h>

/**
 * journal_print_header(header), journal_print_host(host, error):
 * The line, with its line feed, to be freed with g_free().  NULL with ${error} set if the line would be beyond a limit
 * that the reader has; a header leaves out the names of the hosts that were left out, then.
 */
char *journal_print_header(const struct capture_header *header);
char *journal_print_host(const struct capture_host *host, GError **error);

/**
 * journal_parse_header(header, bytes, size, error):
 * Read the first line into ${header}, which the caller has zeroed and clears with journal_clear_header().
 */
gboolean journal_parse_header(struct capture_header *header, const void *bytes, size_t size, GError **error);

/**
 * journal_is_header(bytes, size):
 * Whether the line is a header, of whatever version: a run that went on with another limit wrote it.
 */
gboolean journal_is_header(const void *bytes, size_t size);
void journal_clear_header(struct capture_header *header);

/**
 * journal_parse_host(bytes, size, error):
 * Read the line of a host, without its line feed.
 */
struct capture_host *journal_parse_host(const void *bytes, size_t size, GError **error);

/**
 * journal_whole_bytes(bytes, size):
 * How many of the ${size} bytes of a journal stand before a torn last line; ${size} if there is none.
 */
size_t journal_whole_bytes(const void *bytes, size_t size);

#endif
