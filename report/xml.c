/* The audit as XML, written as a stream along the tables of xml_form.h. */
#include "error.h"
#include "moment.h"
#include "report.h"
#include "xml_form.h"
#include "xml_output.h"

#include <inttypes.h>
#include <libxml/xmlwriter.h>

#define NUMBER_TEXT_BYTES 24

struct writer {
    xmlTextWriter *xml;
    struct file_output *output;
    GHashTable *instances; /* of struct audit_instance * to its number: it has no id of its own */
    gboolean ok;           /* no call has failed */
    GError **error;
};

/* Every call of the library goes through here, so that the first that fails ends the work. */
static void check(struct writer *writer, int result)
{
    if (result < 0)
        writer->ok = FALSE;
}

static void refuse(struct writer *writer, const char *element, const char *what)
{
    if (writer->ok)
        g_set_error(writer->error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "audit: a %s without %s", element, what);
    writer->ok = FALSE;
}

static const void *member(const void *structure, size_t offset)
{
    return (const char *)structure + offset;
}

/* All objects but instances begin with their number. */
static unsigned object_number(const struct writer *writer, enum xml_object object, const void *pointer)
{
    if (object == OBJECT_INSTANCE) {
        const void *number = g_hash_table_lookup(writer->instances, pointer);
        return GPOINTER_TO_UINT(number);
    }
    return *(const unsigned *)pointer;
}

/* The identifier of an object, "" for none and for one that is in no array of the audit. */
static const char *object_id(const struct writer *writer, char text[NUMBER_TEXT_BYTES], enum xml_object object,
                             const void *pointer)
{
    unsigned number = pointer ? object_number(writer, object, pointer) : 0;

    text[0] = '\0';
    if (number > 0)
        g_snprintf(text, NUMBER_TEXT_BYTES, "%c%u", xml_form_letters[object], number);
    return text;
}

static void write_attribute(struct writer *writer, const char *name, const char *value)
{
    check(writer, xmlTextWriterWriteAttribute(writer->xml, (const xmlChar *)name, (const xmlChar *)value));
}

static void write_number(struct writer *writer, const char *name, int64_t number)
{
    char text[NUMBER_TEXT_BYTES];
    g_snprintf(text, sizeof text, "%" PRId64, number);
    write_attribute(writer, name, text);
}

static void write_moment(struct writer *writer, const char *name, int64_t moment)
{
    char text[MOMENT_TEXT_BYTES];
    if (*moment_format(text, moment))
        write_attribute(writer, name, text);
}

static void write_der(struct writer *writer, const char *name, GBytes *der)
{
    gsize size;
    const void *bytes = g_bytes_get_data(der, &size);
    g_autofree char *text = g_base64_encode(bytes, size);
    write_attribute(writer, name, text);
}

static void write_text(struct writer *writer, const char *element, const struct xml_field *field, const char *text)
{
    if (text)
        write_attribute(writer, field->name, text);
    else if (field->required)
        refuse(writer, element, field->name);
}

static void write_ref(struct writer *writer, const char *element, const struct xml_field *field, const void *pointer)
{
    char text[NUMBER_TEXT_BYTES];

    if (*object_id(writer, text, field->object, pointer))
        write_attribute(writer, field->name, text);
    else if (pointer || field->required)
        refuse(writer, element, field->name);
}

static void write_field(struct writer *writer, const char *element, const struct xml_field *field,
                        const void *structure)
{
    const void *at = member(structure, field->offset);

    switch (field->value) {
    case VALUE_TEXT:
        write_text(writer, element, field, *(const char *const *)at);
        break;
    case VALUE_MOMENT:
        write_moment(writer, field->name, *(const int64_t *)at);
        break;
    case VALUE_BYTES:
        if (*(const int64_t *)at >= 0)
            write_number(writer, field->name, *(const int64_t *)at);
        break;
    case VALUE_TALLY:
        if (*(const unsigned *)at == 0)
            break;
        G_GNUC_FALLTHROUGH;
    case VALUE_COUNT:
        write_number(writer, field->name, *(const unsigned *)at);
        break;
    case VALUE_NUMBER:
        if (*(const int *)at != field->none)
            write_number(writer, field->name, *(const int *)at);
        break;
    case VALUE_FLAG:
        if (*(const gboolean *)at)
            write_attribute(writer, field->name, "true");
        break;
    case VALUE_HINT:
        if (*(const unsigned *)at == 0)
            break;
        G_GNUC_FALLTHROUGH;
    case VALUE_WORD:
        write_attribute(writer, field->name, field->words->name(at));
        break;
    case VALUE_DER:
        if (*(GBytes *const *)at)
            write_der(writer, field->name, *(GBytes *const *)at);
        break;
    case VALUE_REF:
        write_ref(writer, element, field, *(void *const *)at);
        break;
    }
}

static void start(struct writer *writer, const char *name)
{
    check(writer, xmlTextWriterStartElement(writer->xml, (const xmlChar *)name));
}

static void end(struct writer *writer)
{
    check(writer, xmlTextWriterEndElement(writer->xml));
}

static void write_element(struct writer *writer, const char *name, const struct xml_element *form,
                          const void *structure);

static void write_item(struct writer *writer, const struct xml_child *child, const void *item)
{
    char text[NUMBER_TEXT_BYTES];

    if (child->element) {
        write_element(writer, child->name, child->element, item);
    } else if (child->object == OBJECT_NONE) {
        check(writer, xmlTextWriterWriteElement(writer->xml, (const xmlChar *)child->name, item));
    } else if (*object_id(writer, text, child->object, item)) {
        start(writer, child->name);
        write_attribute(writer, "ref", text);
        end(writer);
    } else {
        refuse(writer, child->name, "ref");
    }
}

/* The inside of an element that was started. */
static void write_content(struct writer *writer, const char *name, const struct xml_element *form,
                          const void *structure)
{
    for (const struct xml_field *field = form->fields; field->name; field++)
        write_field(writer, name, field, structure);
    for (const struct xml_child *child = form->children; child->name; child++) {
        const GPtrArray *items = *(GPtrArray *const *)member(structure, child->offset);
        if (child->section)
            start(writer, child->section);
        for (guint i = 0; i < items->len && writer->ok && !file_output_failed(writer->output); i++)
            write_item(writer, child, items->pdata[i]);
        if (child->section)
            end(writer);
    }
}

/* Calls itself for children, as deep as the tables are. */
static void write_element(struct writer *writer, const char *name, const struct xml_element *form,
                          const void *structure)
{
    char id[NUMBER_TEXT_BYTES];

    start(writer, name);
    if (form->object != OBJECT_NONE) {
        if (*object_id(writer, id, form->object, structure))
            write_attribute(writer, "id", id);
        else
            refuse(writer, name, "id");
    }
    write_content(writer, name, form, structure);
    end(writer);
}

static GHashTable *number_instances(const struct audit *audit)
{
    GHashTable *numbers = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < audit->hosts->len; i++) {
        const struct audit_host *host = audit->hosts->pdata[i];
        for (guint j = 0; j < host->instances->len; j++)
            g_hash_table_insert(numbers, host->instances->pdata[j], GUINT_TO_POINTER(g_hash_table_size(numbers) + 1));
    }
    return numbers;
}

gboolean report_write_xml(struct file_output *output, const struct audit *audit, GError **error)
{
    GError *own = NULL;
    g_autoptr(GHashTable) instances = number_instances(audit);
    struct writer writer = {
        .xml = xml_output_new(output), .output = output, .instances = instances, .ok = TRUE, .error = &own};

    check(&writer, xmlTextWriterSetIndent(writer.xml, 1));
    check(&writer, xmlTextWriterSetIndentString(writer.xml, (const xmlChar *)" "));
    check(&writer, xmlTextWriterStartDocument(writer.xml, NULL, "UTF-8", NULL));
    start(&writer, XML_FORM_ROOT);
    write_attribute(&writer, "xmlns", XML_FORM_NAMESPACE);
    write_attribute(&writer, "format", XML_FORM_VERSION);
    write_content(&writer, XML_FORM_ROOT, &xml_form_audit, audit);
    check(&writer, xmlTextWriterEndDocument(writer.xml));
    xmlFreeTextWriter(writer.xml);
    if (!writer.ok && !own)
        g_set_error(&own, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "audit: libxml2 cannot write it");
    if (own)
        g_propagate_error(error, own);
    return writer.ok;
}
