#include "xml_input.h"

#include "error.h"
#include "report.h"
#include "text.h"
#include "xml_form.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define LINE_UNSURE 65535 /* libxml2 counts the lines of elements in 16 bits */

void xml_input_refuse(struct xml_input *input, int line, const char *format, ...)
{
    if (input->error)
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *what = g_strdup_vprintf(format, args);
    va_end(args);
    input->error = g_error_new(TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s:%d: %s", input->name, line, what);
}

/* The parser's messages quote the document, so they are cleaned like it. */
static void take_complaint(void *context, xmlError *complaint)
{
    struct xml_input *input = context;
    if (complaint->level < XML_ERR_ERROR)
        return;
    g_autofree char *raw = g_strchomp(g_strdup(complaint->message ? complaint->message : "not well-formed"));
    g_autoptr(GString) what = g_string_new(NULL);
    text_append_clean(what, raw, strlen(raw));
    g_string_replace(what, "{" XML_FORM_NAMESPACE "}", "", 0);
    int line = complaint->line > 0 && complaint->line < LINE_UNSURE ? complaint->line : xml_input_line(input);

    if (complaint->domain != XML_FROM_SCHEMASV) {
        /* libxml2 calls a text empty that begins like no XML. */
        xml_input_refuse(input, line, "%s",
                         complaint->code == XML_ERR_DOCUMENT_EMPTY ? "this is no audit: it is not XML" : what->str);
        return;
    }
    input->complaints++;
    if (input->messages && input->messages->len < REPORT_VALIDATE_MESSAGES)
        g_ptr_array_add(input->messages, g_strdup_printf("%s:%d: %s", input->name, line, what->str));
}

static int limit_reached(struct xml_input *input)
{
    if (!input->error)
        g_set_error(&input->error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s: larger than the limit of %zu bytes",
                    input->name, REPORT_AUDIT_BYTES);
    return -1;
}

/* What is opened at a "<" becomes known by the bytes behind it. */
static void scan_open(struct xml_scan *scan, char byte)
{
    scan->begin[scan->begun++] = byte;
    if (scan->begin[0] == '?')
        scan->place = SCAN_INSTRUCTION;
    else if (scan->begun == 3 && memcmp(scan->begin, "!--", 3) == 0)
        scan->place = SCAN_COMMENT;
    else if (scan->begun == 8 && memcmp(scan->begin, "![CDATA[", 8) == 0)
        scan->place = SCAN_CDATA;
    else if (memcmp(scan->begin, "!--", MIN(scan->begun, 3)) != 0 && memcmp(scan->begin, "![CDATA[", scan->begun) != 0)
        scan->place = byte == '>' ? SCAN_TEXT : SCAN_TAG;
    scan->attributes = 0;
    scan->last[0] = scan->last[1] = '\0';
}

static gboolean scan_closes(const struct xml_scan *scan, char byte)
{
    switch (scan->place) {
    case SCAN_COMMENT:
        return byte == '>' && scan->last[0] == '-' && scan->last[1] == '-';
    case SCAN_CDATA:
        return byte == '>' && scan->last[0] == ']' && scan->last[1] == ']';
    default:
        return byte == '>' && scan->last[1] == '?';
    }
}

/*
 * FALSE if an element has too many attributes.  libxml2 compares each with all before it, so some ten thousands of them
 * keep it busy for minutes, and they have to be counted before it sees them.
 */
static gboolean scan_byte(struct xml_scan *scan, char byte)
{
    switch (scan->place) {
    case SCAN_TEXT:
        if (byte == '<') {
            scan->place = SCAN_OPEN;
            scan->begun = 0;
        }
        return TRUE;
    case SCAN_OPEN:
        scan_open(scan, byte);
        return TRUE;
    case SCAN_TAG:
        if (byte == '>') {
            scan->place = SCAN_TEXT;
        } else if (byte == '"' || byte == '\'') {
            scan->place = SCAN_VALUE;
            scan->quote = byte;
            return ++scan->attributes <= XML_INPUT_ATTRIBUTES;
        }
        return TRUE;
    case SCAN_VALUE:
        if (byte == scan->quote)
            scan->place = SCAN_TAG;
        return TRUE;
    default:
        if (scan_closes(scan, byte))
            scan->place = SCAN_TEXT;
        scan->last[0] = scan->last[1];
        scan->last[1] = byte;
        return TRUE;
    }
}

/*
 * A document type is refused here, before the parser sees it: libxml2 works through the parameter entities of an
 * internal subset before it tells of it, and some kilobytes of those keep it busy for years.  That the bytes mean what
 * they look like is sure because the encoding is fixed to UTF-8 below and NUL bytes (UTF-16 and so on) are refused too.
 * A comment with the same letters is refused with it; the writer writes none.
 */
static gboolean is_allowed(struct xml_input *input, const char *bytes, int size)
{
    static const char mark[] = "<!DOCTYPE";

    if (size == 0 && input->taken == 0) {
        xml_input_refuse(input, 1, "this is no audit: it is empty");
        return FALSE;
    }
    input->taken += (uint64_t)size;
    for (int i = 0; i < size; i++) {
        if (bytes[i] == '\n')
            input->newlines++;
        input->matched = bytes[i] == mark[input->matched] ? input->matched + 1 : bytes[i] == mark[0];
        if (bytes[i] == '\0')
            xml_input_refuse(input, input->newlines + 1, "not UTF-8 text");
        else if (input->matched == strlen(mark))
            xml_input_refuse(input, input->newlines + 1, "a document type is not allowed in an audit");
        else if (!scan_byte(&input->scan, bytes[i]))
            xml_input_refuse(input, input->newlines + 1, "an element has more than %d attributes",
                             XML_INPUT_ATTRIBUTES);
        else
            continue;
        return FALSE;
    }
    return TRUE;
}

static int read_file(void *context, char *buffer, int size)
{
    struct xml_input *input = context;
    ssize_t got;

    do
        got = read(input->fd, buffer, (size_t)size);
    while (got < 0 && errno == EINTR);
    if (got < 0 && !input->error)
        g_set_error(&input->error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "%s: cannot be read: %s", input->name,
                    g_strerror(errno));
    if (got < 0 || !is_allowed(input, buffer, (int)got))
        return -1;
    return input->taken > REPORT_AUDIT_BYTES ? limit_reached(input) : (int)got;
}

static int read_bytes(void *context, char *buffer, int size)
{
    struct xml_input *input = context;
    size_t part = MIN(input->size, (size_t)size);

    if (part > 0)
        memcpy(buffer, input->bytes, part);
    input->bytes += part;
    input->size -= part;
    return is_allowed(input, buffer, (int)part) ? (int)part : -1;
}

static void begin(struct xml_input *input, xmlInputReadCallback source)
{
    /* No XML_PARSE_NOENT, _DTDLOAD, _DTDATTR, _XINCLUDE: nothing is expanded or fetched.  No XML_PARSE_HUGE: a text of
     * 10 MB is enough.  The address is NULL, else libxml2 could take it for a base. */
    input->reader =
        xmlReaderForIO(source, NULL, input, NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_IGNORE_ENC);
    g_assert(input->reader); /* only without memory */
    xmlTextReaderSetStructuredErrorHandler(input->reader, take_complaint, input);
}

gboolean xml_input_open(struct xml_input *input, const char *path, GError **error)
{
    gboolean standard = strcmp(path, "-") == 0;

    *input = (struct xml_input){.fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)};
    if (input->fd < 0) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING, "%s: %s", path, g_strerror(errno));
        return FALSE;
    }
    input->name = g_strdup(standard ? "standard input" : path);
    begin(input, read_file);
    return TRUE;
}

void xml_input_open_bytes(struct xml_input *input, const char *name, const void *bytes, size_t size)
{
    *input = (struct xml_input){.fd = STDIN_FILENO, .name = g_strdup(name), .bytes = bytes, .size = size};
    begin(input, read_bytes);
}

int xml_input_line(const struct xml_input *input)
{
    const xmlNode *node = xmlTextReaderCurrentNode(input->reader);
    long line = node ? xmlGetLineNo(node) : 0;

    return line > 0 && line < LINE_UNSURE ? (int)line : MAX(1, xmlTextReaderGetParserLineNumber(input->reader));
}

gboolean xml_input_step(struct xml_input *input)
{
    while (!input->error) {
        int result = xmlTextReaderRead(input->reader);
        if (result < 0)
            xml_input_refuse(input, xml_input_line(input), "not well-formed");
        if (result <= 0 || input->error)
            return FALSE;
        int type = xmlTextReaderNodeType(input->reader);
        if (type != XML_READER_TYPE_COMMENT && type != XML_READER_TYPE_PROCESSING_INSTRUCTION)
            return TRUE;
    }
    return FALSE;
}

gboolean xml_input_close(struct xml_input *input, GError **error)
{
    gboolean ok = input->error == NULL;

    xmlFreeTextReader(input->reader);
    if (input->fd != STDIN_FILENO)
        close(input->fd);
    g_free(input->name);
    if (!ok)
        g_propagate_error(error, input->error);
    return ok;
}
