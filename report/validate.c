/* An audit document against the schema that is built in. */
#include "audit.xsd.h"
#include "error.h"
#include "report.h"
#include "xml_input.h"

#include <libxml/xmlschemas.h>
#include <string.h>

static void drop_complaint(void *context, xmlError *complaint)
{
    (void)context;
    (void)complaint;
}

/* The schema is ours, and tests load it: if it does not load, the program is wrong. */
static xmlSchema *load_schema(GError **error)
{
    xmlSchemaParserCtxt *parser = xmlSchemaNewMemParserCtxt(audit_xsd, (int)sizeof audit_xsd - 1);
    g_assert(parser); /* only without memory */
    xmlSchemaSetParserStructuredErrors(parser, drop_complaint, NULL);
    xmlSchema *schema = xmlSchemaParse(parser);
    xmlSchemaFreeParserCtxt(parser);
    if (!schema)
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "audit.xsd: libxml2 does not take it");
    return schema;
}

/* Reads the document to its end; while it does, the schema, if there is one, looks on. */
static gboolean pass(const char *name, GBytes *document, xmlSchema *schema, GPtrArray *messages, GError **error)
{
    struct xml_input input;
    gsize size;
    const void *bytes = g_bytes_get_data(document, &size);

    xml_input_open_bytes(&input, name, bytes, size);
    input.messages = messages;
    if (schema) {
        int result = xmlTextReaderSetSchema(input.reader, schema);
        g_assert(result == 0);
    }
    while (xml_input_step(&input))
        continue;
    if (input.error) {
        g_ptr_array_add(messages, input.error->message);
        input.error->message = g_strdup_printf("%s: could not be read to its end", name);
    } else if (input.complaints > 0) {
        input.error =
            g_error_new(TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "%s: not valid: %u complaints", name, input.complaints);
    }
    return xml_input_close(&input, error);
}

gboolean report_validate(const char *path, GPtrArray *messages, GError **error)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    g_autoptr(GBytes) document = file_map(path, REPORT_AUDIT_BYTES, error);

    /* First without the schema: libxml2 2.9 leaks what it knows of keys if a document ends in the middle. */
    if (!document || !pass(name, document, NULL, messages, error))
        return FALSE;
    xmlSchema *schema = load_schema(error);
    if (!schema)
        return FALSE;
    gboolean valid = pass(name, document, schema, messages, error);
    xmlSchemaFree(schema);
    return valid;
}
