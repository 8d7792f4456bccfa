#include "xml_input.h"

#include "error.h"
#include "pack.h"
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
            return ++scan->attributes <= XML_NODE_ATTRIBUTES;
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
            xml_input_refuse(input, input->newlines + 1, "an element has more than %d attributes", XML_NODE_ATTRIBUTES);
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
    input->packed = g_byte_array_new();
    /* No XML_PARSE_NOENT, _DTDLOAD, _DTDATTR, _XINCLUDE: nothing is expanded or fetched.  No XML_PARSE_HUGE: a text of
     * 10 MB is enough.  The address is NULL, else libxml2 could take it for a base. */
    input->reader =
        xmlReaderForIO(source, NULL, input, NULL, "UTF-8", XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_IGNORE_ENC);
    g_assert(input->reader); /* only without memory */
    xmlTextReaderSetStructuredErrorHandler(input->reader, take_complaint, input);
}

static int open_path(const char *path, GError **error)
{
    int fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING, "%s: %s", path, g_strerror(errno));
    return fd;
}

static char *name_of(const char *path)
{
    return g_strdup(strcmp(path, "-") == 0 ? "standard input" : path);
}

gboolean xml_input_open(struct xml_input *input, const char *path, GError **error)
{
    *input = (struct xml_input){.fd = open_path(path, error)};
    if (input->fd < 0)
        return FALSE;
    input->name = name_of(path);
    begin(input, read_file);
    return TRUE;
}

void xml_input_open_file(struct xml_input *input, int file)
{
    *input = (struct xml_input){.fd = file, .name = g_strdup(""), .borrowed = TRUE};
    begin(input, read_file);
}

void xml_input_open_bytes(struct xml_input *input, const char *name, const void *bytes, size_t size)
{
    *input =
        (struct xml_input){.fd = STDIN_FILENO, .name = g_strdup(name), .bytes = bytes, .size = size, .borrowed = TRUE};
    begin(input, read_bytes);
}

/* Documents that a child reads. */

enum { SAID_NODE = 1, SAID_OVER, SAID_TROUBLE };

struct said { /* before the bytes of a message, in ${packed} */
    uint64_t kind, size;
};

static gboolean take_said(void *data, uint32_t kind, const void *bytes, size_t size)
{
    static const guint8 padding[8];
    struct xml_input *input = data;
    const struct said said = {kind, size};

    if (kind != SAID_NODE && kind != SAID_OVER && kind != SAID_TROUBLE)
        return FALSE;
    g_byte_array_append(input->packed, (const guint8 *)&said, sizeof said);
    if (size > 0)
        g_byte_array_append(input->packed, bytes, (guint)size);
    g_byte_array_append(input->packed, padding, (guint)((8 - size % 8) % 8));
    input->over = kind != SAID_NODE;
    return TRUE;
}

static gboolean end_said(void *data)
{
    return ((const struct xml_input *)data)->over;
}

gboolean xml_input_open_child(struct xml_input *input, struct workers *workers, const char *path, GError **error)
{
    static const struct worker_taker taker = {take_said, end_said, NULL};
    struct worker_request request = {.kind = REPORT_REQUEST_XML, .files = {open_path(path, error), -1}};

    *input = (struct xml_input){.fd = -1, .borrowed = TRUE};
    if (request.files[0] < 0)
        return FALSE;
    input->name = name_of(path);
    input->node.line = 1;
    input->packed = g_byte_array_new();
    input->task = workers_submit(workers, &request, &taker, input);
    return TRUE;
}

static void fail(struct xml_input *input, const char *why)
{
    if (!input->error)
        input->error =
            g_error_new(TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: could not be read: %s", input->name, why);
}

static void take_trouble(struct xml_input *input, const void *bytes, size_t size)
{
    struct unpack unpack = {bytes, (const uint8_t *)bytes + size, FALSE};
    int code = (int)unpack_number(&unpack, TRUSTGAP_ERROR_USAGE, TRUSTGAP_ERROR_INTERNAL);
    const char *message = unpack_text(&unpack);

    if (unpack_is_done(&unpack) && message)
        input->error = g_error_new(TRUSTGAP_ERROR, code, "%s%s", input->name, message);
    else
        fail(input, "the parser's answer is not in its form");
}

/* The child has ended too early. */
static void take_failure(struct xml_input *input)
{
    g_autofree char *why = NULL;

    if (!worker_finish(g_steal_pointer(&input->task), &why))
        fail(input, why);
}

/* The next node that a child has said. */
static gboolean step_said(struct xml_input *input)
{
    struct said said;

    if (input->said > 0 && input->said == input->packed->len) {
        g_byte_array_set_size(input->packed, 0);
        input->said = 0;
    }
    while (input->packed->len == input->said)
        if (!input->task || !worker_step(input->task)) {
            if (input->task && input->packed->len == input->said)
                take_failure(input);
            if (input->packed->len == input->said)
                return FALSE;
        }
    memcpy(&said, input->packed->data + input->said, sizeof said);
    const guint8 *bytes = input->packed->data + input->said + sizeof said;
    input->said += sizeof said + (size_t)said.size + (8 - said.size % 8) % 8;
    if (said.kind == SAID_TROUBLE)
        take_trouble(input, bytes, (size_t)said.size);
    else if (said.kind == SAID_NODE && xml_node_unpack(&input->node, bytes, (size_t)said.size))
        return TRUE;
    else if (said.kind == SAID_NODE)
        fail(input, "the parser's answer is not in its form");
    return FALSE;
}

gboolean report_work(struct worker_answer *answer, const struct worker_request *request)
{
    struct xml_input input;
    g_autoptr(GError) error = NULL;
    g_autoptr(GByteArray) said = g_byte_array_new();

    if (request->kind != REPORT_REQUEST_XML)
        return FALSE;
    xml_input_open_file(&input, request->files[0]);
    while (xml_input_step(&input))
        worker_say(answer, SAID_NODE, input.packed->data, input.packed->len);
    if (xml_input_close(&input, &error)) {
        worker_say(answer, SAID_OVER, NULL, 0);
        return TRUE;
    }
    pack_number(said, error->code);
    pack_text(said, error->message);
    worker_say(answer, SAID_TROUBLE, said->data, said->len);
    return TRUE;
}

/* Both. */

static int reader_line(const struct xml_input *input)
{
    const xmlNode *node = xmlTextReaderCurrentNode(input->reader);
    long line = node ? xmlGetLineNo(node) : 0;

    return line > 0 && line < LINE_UNSURE ? (int)line : MAX(1, xmlTextReaderGetParserLineNumber(input->reader));
}

int xml_input_line(const struct xml_input *input)
{
    return input->reader ? reader_line(input) : input->node.line;
}

static gboolean step_reader(struct xml_input *input)
{
    int result = xmlTextReaderRead(input->reader);

    if (result < 0)
        xml_input_refuse(input, xml_input_line(input), "not well-formed");
    return result > 0 && !input->error;
}

gboolean xml_input_step(struct xml_input *input)
{
    if (!input->reader)
        return !input->error && step_said(input);
    while (!input->error && step_reader(input)) {
        int type = xmlTextReaderNodeType(input->reader);
        if (type == XML_READER_TYPE_COMMENT || type == XML_READER_TYPE_PROCESSING_INSTRUCTION)
            continue;
        g_byte_array_set_size(input->packed, 0);
        xml_node_pack(input->packed, input->reader, reader_line(input));
        gboolean unpacked = xml_node_unpack(&input->node, input->packed->data, input->packed->len);
        if (!unpacked) /* no name: nothing that the form of an audit knows */
            xml_input_refuse(input, xml_input_line(input), "not well-formed");
        return unpacked;
    }
    return FALSE;
}

gboolean xml_input_close(struct xml_input *input, GError **error)
{
    g_autofree char *why = NULL;

    if (input->reader)
        xmlFreeTextReader(input->reader);
    if (input->task && !worker_cancel(input->task, &why))
        fail(input, why);
    if (!input->borrowed && input->fd != STDIN_FILENO)
        close(input->fd);
    g_byte_array_unref(input->packed);
    g_free(input->name);
    if (!input->error)
        return TRUE;
    g_propagate_error(error, input->error);
    return FALSE;
}
