#include "xml_node.h"

#include "pack.h"

static void pack_current(GByteArray *out, xmlTextReader *reader)
{
    pack_text(out, (const char *)xmlTextReaderConstLocalName(reader));
    pack_text(out, (const char *)xmlTextReaderConstNamespaceUri(reader));
    pack_text(out, (const char *)xmlTextReaderConstValue(reader));
}

void xml_node_pack(GByteArray *out, xmlTextReader *reader, int line)
{
    int count = MAX(xmlTextReaderAttributeCount(reader), 0); /* none of an end, which can be walked all the same */

    pack_number(out, xmlTextReaderNodeType(reader));
    pack_number(out, line);
    pack_number(out, xmlTextReaderIsEmptyElement(reader) == 1);
    pack_current(out, reader);
    pack_number(out, count);
    for (int i = 0; i < count && xmlTextReaderMoveToNextAttribute(reader) == 1; i++)
        pack_current(out, reader);
    xmlTextReaderMoveToElement(reader);
}

gboolean xml_node_unpack(struct xml_node *node, const void *bytes, size_t size)
{
    struct unpack unpack = {bytes, (const uint8_t *)bytes + size, FALSE};

    node->type = (int)unpack_number(&unpack, XML_READER_TYPE_NONE, XML_READER_TYPE_XML_DECLARATION);
    node->line = (int)unpack_number(&unpack, 1, G_MAXINT);
    node->empty = (gboolean)unpack_number(&unpack, FALSE, TRUE);
    node->name = unpack_key(&unpack);
    node->space = unpack_key(&unpack);
    node->value = unpack_key(&unpack);
    node->n_attributes = (unsigned)unpack_number(&unpack, 0, XML_NODE_ATTRIBUTES);
    for (unsigned i = 0; i < node->n_attributes; i++) {
        struct xml_attribute *attribute = &node->attributes[i];
        attribute->name = unpack_key(&unpack);
        attribute->space = unpack_key(&unpack);
        attribute->value = unpack_key(&unpack);
        unpack.bad = unpack.bad || !attribute->name;
    }
    return unpack_is_done(&unpack) && node->name;
}
