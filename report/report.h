/*
 * Audit in, documents out: one file per format, one table of formats.
 *
 * A report sees nothing but the audit, so it can be made again from any old one.  Writers stream into a file_output;
 * what they write is complete only when that is committed.
 */
#ifndef TRUSTGAP_REPORT_H
#define TRUSTGAP_REPORT_H

#include "audit.h"
#include "check.h"
#include "file.h"
#include "workers.h"

#include <glib.h>

#define REPORT_AUDIT_BYTES       ((size_t)4 * 1024 * 1024 * 1024) /* an audit document that is read */
#define REPORT_VALIDATE_MESSAGES 1000                             /* complaints about one document that are kept */

#define REPORT_REQUEST_XML 100 /* kind of a request: the analyzer's are smaller */

struct report_format {
    const char *name; /* as given to -f */
    const char *help;
    gboolean (*write)(struct file_output *output, const struct audit *audit, GError **error);
};

/* Every format, ended by one without a name: html, text, xml. */
extern const struct report_format report_formats[];

/**
 * report_format_find(name):
 * The format of this name, or NULL.
 */
const struct report_format *report_format_find(const char *name);

/**
 * report_write_xml/html/text(output, audit, error):
 * Write the whole document.  FALSE with ${error} set if a library refuses; trouble with the file itself is told by
 * file_output_commit().
 */
gboolean report_write_xml(struct file_output *output, const struct audit *audit, GError **error);
gboolean report_write_html(struct file_output *output, const struct audit *audit, GError **error);
gboolean report_write_text(struct file_output *output, const struct audit *audit, GError **error);

/**
 * report_read_xml(path, error):
 * Read the audit document ${path} ("-": standard input) as a stream.  Nothing outside of it is loaded, no entity is
 * expanded.  NULL with ${error} set ("path:line: ...") if it is no audit of a version that we know.
 */
struct audit *report_read_xml(const char *path, GError **error);

/**
 * report_load_xml(workers, path, error):
 * The same, with libxml2 in a child of ${workers}, one of whose functions is report_work(); NULL: in this process.
 */
struct audit *report_load_xml(struct workers *workers, const char *path, GError **error);

/**
 * report_work(answer, request):
 * A worker_work: read an audit document.
 */
gboolean report_work(struct worker_answer *answer, const struct worker_request *request);

/**
 * report_parse_xml(name, bytes, size, error):
 * The same from memory; ${name} stands for the path in messages.
 */
struct audit *report_parse_xml(const char *name, const void *bytes, size_t size, GError **error);

/**
 * report_validate(path, messages, error):
 * Check ${path} against the schema (report/audit.xsd, which is built in).  TRUE if valid.  Else each complaint is
 * appended to ${messages} (of char *, g_free()) as "path:line: ...", and ${error} is set.
 */
gboolean report_validate(const char *path, GPtrArray *messages, GError **error);

/**
 * report_explain_text(output, audit), report_explain_json(output, audit, error):
 * The answer of "trustgap explain" from an audit of analysis_explain().
 */
void report_explain_text(struct file_output *output, const struct audit *audit);
gboolean report_explain_json(struct file_output *output, const struct audit *audit, GError **error);

/**
 * report_check_text(output, check), report_check_json(output, check, error):
 * The answer of "trustgap check"; docs/formats/check.md describes the JSON.  The text names a few stores of many and
 * counts the others, the JSON names all.
 */
void report_check_text(struct file_output *output, const struct check *check);
gboolean report_check_json(struct file_output *output, const struct check *check, GError **error);

#endif
