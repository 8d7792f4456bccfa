/* The audit from XML, read as a stream along the tables of xml_form.h. */
#include "error.h"
#include "moment.h"
#include "report.h"
#include "xml_form.h"
#include "xml_input.h"

#include <string.h>

struct reference { /* looked up when all is read, for it may point forward */
    enum xml_object object;
    unsigned number;
    int line;
    void **slot;      /* where the pointer belongs, or */
    GPtrArray *array; /* to which it is added */
};

struct reader {
    struct xml_input input;
    struct audit *audit;
    GHashTable *objects[OBJECT_KINDS]; /* number to structure */
    GArray *references;
    const struct xml_attribute *attribute; /* the current one, see next_attribute() */
};

static const char *node_name(const struct reader *reader)
{
    return reader->input.node.name;
}

static const char *node_value(const struct reader *reader)
{
    return reader->input.node.value ? reader->input.node.value : "";
}

static const char *attribute_name(const struct reader *reader)
{
    return reader->attribute->name;
}

static const char *attribute_value(const struct reader *reader)
{
    return reader->attribute->value ? reader->attribute->value : "";
}

static void *member(void *structure, size_t offset)
{
    return (char *)structure + offset;
}

#define refuse(reader, ...) xml_input_refuse(&(reader)->input, xml_input_line(&(reader)->input), __VA_ARGS__)

/* Every element has to be in our namespace, so that another version is noticed. */
static void check_namespace(struct reader *reader)
{
    if (g_strcmp0(reader->input.node.space, XML_FORM_NAMESPACE) != 0)
        refuse(reader, "<%s> is not in the namespace %s", node_name(reader), XML_FORM_NAMESPACE);
}

/* Step to the next child element; FALSE behind the last one. */
static gboolean next_child(struct reader *reader)
{
    while (xml_input_step(&reader->input)) {
        switch (reader->input.node.type) {
        case XML_READER_TYPE_ELEMENT:
            check_namespace(reader);
            return reader->input.error == NULL;
        case XML_READER_TYPE_END_ELEMENT:
            return FALSE;
        case XML_READER_TYPE_WHITESPACE:
        case XML_READER_TYPE_SIGNIFICANT_WHITESPACE:
            break;
        default:
            refuse(reader, "text where only elements belong");
        }
    }
    return FALSE;
}

/* Digits without a sign or leading zeros, as the writer writes them. */
static gboolean parse_number(int64_t *number, const char *text, int64_t least, int64_t most)
{
    const char *digits = text + (*text == '-');
    return g_ascii_isdigit(*digits) && (*digits != '0' || digits[1] == '\0') &&
           g_ascii_string_to_signed(text, 10, least, most, number, NULL);
}

static unsigned parse_id(enum xml_object object, const char *text)
{
    int64_t number;
    if (text[0] != xml_form_letters[object] || !parse_number(&number, text + 1, 1, G_MAXUINT32))
        return 0;
    return (unsigned)number;
}

static gboolean parse_moment(int64_t *moment, const char *text)
{
    char again[MOMENT_TEXT_BYTES];
    int64_t parsed;

    if (!moment_parse(&parsed, text, NULL) || strcmp(moment_format(again, parsed), text) != 0)
        return FALSE;
    *moment = parsed;
    return TRUE;
}

static GBytes *parse_der(const char *text)
{
    gsize size;
    g_autofree guchar *bytes = g_base64_decode(text, &size);
    g_autofree char *again = g_base64_encode(bytes, size);

    if (size == 0 || strcmp(again, text) != 0)
        return NULL;
    return g_bytes_new_take(g_steal_pointer(&bytes), size);
}

static void refer(struct reader *reader, enum xml_object object, const char *text, void **slot, GPtrArray *array)
{
    struct reference reference = {object, parse_id(object, text), xml_input_line(&reader->input), slot, array};

    if (reference.number == 0)
        refuse(reader, "\"%s\" is no reference like \"%c1\"", text, xml_form_letters[object]);
    else
        g_array_append_val(reader->references, reference);
}

static void define(struct reader *reader, enum xml_object object, const char *text, void *structure)
{
    unsigned number = parse_id(object, text);

    if (number == 0)
        refuse(reader, "\"%s\" is no id like \"%c1\"", text, xml_form_letters[object]);
    else if (!g_hash_table_insert(reader->objects[object], GUINT_TO_POINTER(number), structure))
        refuse(reader, "the id \"%s\" is there twice", text);
    else if (object != OBJECT_INSTANCE)
        *(unsigned *)structure = number;
}

static gboolean read_number(const struct xml_field *field, void *at, const char *text)
{
    int64_t number;

    switch (field->value) {
    case VALUE_BYTES:
        return parse_number(at, text, 0, G_MAXINT64);
    case VALUE_COUNT:
    case VALUE_TALLY:
        if (!parse_number(&number, text, 0, G_MAXUINT32))
            return FALSE;
        *(unsigned *)at = (unsigned)number;
        return TRUE;
    default:
        if (!parse_number(&number, text, G_MININT, G_MAXINT))
            return FALSE;
        *(int *)at = (int)number;
        return TRUE;
    }
}

/* FALSE if the text is not in the form of such a value. */
static gboolean read_field(struct reader *reader, const struct xml_field *field, void *structure, const char *text)
{
    void *at = member(structure, field->offset);

    switch (field->value) {
    case VALUE_TEXT:
        *(const char **)at = audit_text(reader->audit, text);
        return TRUE;
    case VALUE_MOMENT:
        return parse_moment(at, text);
    case VALUE_FLAG:
        *(gboolean *)at = strcmp(text, "true") == 0;
        return *(gboolean *)at || strcmp(text, "false") == 0;
    case VALUE_WORD:
    case VALUE_HINT:
        return field->words->parse(at, text);
    case VALUE_DER:
        return (*(GBytes **)at = parse_der(text)) != NULL;
    case VALUE_REF:
        refer(reader, field->object, text, at, NULL);
        return TRUE;
    default:
        return read_number(field, at, text);
    }
}

/* What the writer always writes. */
static gboolean is_required(const struct xml_field *field)
{
    return field->required || field->value == VALUE_WORD || field->value == VALUE_COUNT;
}

static const struct xml_field *find_field(const struct xml_element *form, const char *name)
{
    for (const struct xml_field *field = form->fields; field->name; field++)
        if (strcmp(field->name, name) == 0)
            return field;
    return NULL;
}

/* Go to the next attribute of this element that is ours to read: not a declaration of a namespace, not of a schema. */
static gboolean next_attribute(struct reader *reader)
{
    const struct xml_node *node = &reader->input.node;

    reader->attribute = reader->attribute ? reader->attribute + 1 : node->attributes;
    for (; !reader->input.error && reader->attribute < node->attributes + node->n_attributes; reader->attribute++) {
        const char *uri = reader->attribute->space;
        if (!uri)
            return TRUE;
        if (strcmp(uri, "http://www.w3.org/2000/xmlns/") != 0 &&
            strcmp(uri, "http://www.w3.org/2001/XMLSchema-instance") != 0)
            refuse(reader, "the attribute \"%s\" belongs to another namespace", attribute_name(reader));
    }
    reader->attribute = NULL;
    return FALSE;
}

static void read_attribute(struct reader *reader, const struct xml_element *form, void *structure, uint64_t *seen)
{
    const char *name = attribute_name(reader);
    const struct xml_field *field = find_field(form, name);

    if (form->object != OBJECT_NONE && strcmp(name, "id") == 0) {
        define(reader, form->object, attribute_value(reader), structure);
        *seen |= UINT64_C(1) << 63;
    } else if (!field) {
        if (form != &xml_form_audit || strcmp(name, "format") != 0)
            refuse(reader, "unknown attribute \"%s\"", name);
    } else if (!read_field(reader, field, structure, attribute_value(reader))) {
        g_autofree char *shown =
            g_utf8_substring(attribute_value(reader), 0, MIN(60, g_utf8_strlen(attribute_value(reader), -1)));
        refuse(reader, "\"%s\" is no value for \"%s\"", shown, name);
    } else {
        *seen |= UINT64_C(1) << (field - form->fields);
    }
}

static void read_attributes(struct reader *reader, const struct xml_element *form, void *structure)
{
    uint64_t seen = 0;

    while (next_attribute(reader))
        read_attribute(reader, form, structure, &seen);
    if (form->object != OBJECT_NONE && !(seen >> 63))
        refuse(reader, "<%s> without \"id\"", node_name(reader));
    for (const struct xml_field *field = form->fields; field->name; field++)
        if (is_required(field) && !(seen & UINT64_C(1) << (field - form->fields)))
            refuse(reader, "<%s> without \"%s\"", node_name(reader), field->name);
}

static void refuse_attributes(struct reader *reader)
{
    if (next_attribute(reader))
        refuse(reader, "unknown attribute \"%s\"", attribute_name(reader));
}

static void read_string(struct reader *reader, GPtrArray *strings)
{
    g_autoptr(GString) text = g_string_new(NULL);
    gboolean empty = reader->input.node.empty;

    refuse_attributes(reader);
    while (!empty && xml_input_step(&reader->input)) {
        int type = reader->input.node.type;
        if (type == XML_READER_TYPE_END_ELEMENT)
            break;
        if (type == XML_READER_TYPE_ELEMENT)
            refuse(reader, "<%s> where only text belongs", node_name(reader));
        else
            g_string_append(text, node_value(reader));
    }
    g_ptr_array_add(strings, (char *)audit_text_bytes(reader->audit, text->str, text->len));
}

static void read_reference(struct reader *reader, enum xml_object object, GPtrArray *array)
{
    gboolean empty = reader->input.node.empty;
    gboolean found = FALSE;

    while (next_attribute(reader)) {
        if (strcmp(attribute_name(reader), "ref") == 0) {
            refer(reader, object, attribute_value(reader), NULL, array);
            found = TRUE;
        } else {
            refuse(reader, "unknown attribute \"%s\"", attribute_name(reader));
        }
    }
    if (!found)
        refuse(reader, "<%s> without \"ref\"", node_name(reader));
    if (!empty && next_child(reader))
        refuse(reader, "<%s> in a reference", node_name(reader));
}

static void read_element(struct reader *reader, const struct xml_element *form, void *structure);

static void read_item(struct reader *reader, const struct xml_child *child, void *parent)
{
    GPtrArray *items = *(GPtrArray **)member(parent, child->offset);

    if (!child->element) {
        if (child->object == OBJECT_NONE)
            read_string(reader, items);
        else
            read_reference(reader, child->object, items);
        return;
    }
    void *item = child->element->make(reader->audit);
    g_ptr_array_add(items, item); /* first: the audit frees what its certificates hold only if it knows them */
    if (child->element->adopt)
        child->element->adopt(item, parent);
    read_element(reader, child->element, item);
}

static void read_section(struct reader *reader, const struct xml_child *child, void *parent)
{
    gboolean empty = reader->input.node.empty;

    refuse_attributes(reader);
    while (!empty && next_child(reader)) {
        if (strcmp(node_name(reader), child->name) == 0)
            read_item(reader, child, parent);
        else
            refuse(reader, "<%s> does not belong into <%s>", node_name(reader), child->section);
    }
}

/* The current element and all that is in it.  Calls itself through read_item(), as deep as the tables are. */
static void read_element(struct reader *reader, const struct xml_element *form, void *structure)
{
    gboolean empty = reader->input.node.empty;
    const struct xml_child *child = form->children;

    read_attributes(reader, form, structure);
    while (!empty && next_child(reader)) {
        const char *name = node_name(reader);
        while (child->name && strcmp(child->section ? child->section : child->name, name) != 0)
            child++;
        if (!child->name)
            refuse(reader, "<%s> does not belong here", name);
        else if (child->section)
            read_section(reader, child++, structure);
        else
            read_item(reader, child, structure);
    }
}

static const char *find_format(const struct xml_node *node)
{
    for (unsigned i = 0; i < node->n_attributes; i++)
        if (!node->attributes[i].space && strcmp(node->attributes[i].name, "format") == 0)
            return node->attributes[i].value ? node->attributes[i].value : "";
    return "";
}

static void read_root(struct reader *reader)
{
    if (!xml_input_step(&reader->input))
        return;
    if (strcmp(node_name(reader), XML_FORM_ROOT) != 0) {
        refuse(reader, "this is no audit: it begins with <%s>", node_name(reader));
        return;
    }
    check_namespace(reader);
    const char *format = find_format(&reader->input.node);
    if (strcmp(format, XML_FORM_VERSION) != 0)
        refuse(reader, "an audit of format \"%s\"; this program knows format " XML_FORM_VERSION, format);
    if (!reader->input.error)
        read_element(reader, &xml_form_audit, reader->audit);
    /* What may follow is comments; the parser complains of anything else. */
    xml_input_step(&reader->input);
}

static void resolve(struct reader *reader)
{
    for (guint i = 0; i < reader->references->len && !reader->input.error; i++) {
        const struct reference *reference = &g_array_index(reader->references, struct reference, i);
        void *found = g_hash_table_lookup(reader->objects[reference->object], GUINT_TO_POINTER(reference->number));
        if (!found)
            xml_input_refuse(&reader->input, reference->line, "there is no \"%c%u\"",
                             xml_form_letters[reference->object], reference->number);
        else if (reference->slot)
            *reference->slot = found;
        else
            g_ptr_array_add(reference->array, found);
    }
}

static struct audit *read_all(struct reader *reader, GError **error)
{
    g_autoptr(audit_auto) audit = audit_new();

    reader->audit = audit;
    reader->references = g_array_new(FALSE, FALSE, sizeof(struct reference));
    for (int i = 0; i < OBJECT_KINDS; i++)
        reader->objects[i] = g_hash_table_new(NULL, NULL);
    read_root(reader);
    resolve(reader);
    for (int i = 0; i < OBJECT_KINDS; i++)
        g_hash_table_unref(reader->objects[i]);
    g_array_unref(reader->references);
    if (!xml_input_close(&reader->input, error))
        return NULL;
    audit_find_bundles(audit);
    audit_sort(audit); /* others rely on the order, and the file may be anybody's */
    return g_steal_pointer(&audit);
}

struct audit *report_load_xml(struct workers *workers, const char *path, GError **error)
{
    struct reader reader = {.audit = NULL};

    if (!(workers ? xml_input_open_child(&reader.input, workers, path, error)
                  : xml_input_open(&reader.input, path, error)))
        return NULL;
    return read_all(&reader, error);
}

struct audit *report_read_xml(const char *path, GError **error)
{
    return report_load_xml(NULL, path, error);
}

struct audit *report_parse_xml(const char *name, const void *bytes, size_t size, GError **error)
{
    struct reader reader = {.audit = NULL};

    xml_input_open_bytes(&reader.input, name, bytes, size);
    return read_all(&reader, error);
}
