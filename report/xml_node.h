/*
 * A node of a document with all that is asked of it, and the same as bytes for another process of this program.
 */
#ifndef TRUSTGAP_XML_NODE_H
#define TRUSTGAP_XML_NODE_H

#include <glib.h>
#include <libxml/xmlreader.h>

#define XML_NODE_ATTRIBUTES 64 /* of one element, declarations of namespaces among them */

struct xml_attribute {
    const char *name, *space, *value; /* local name; namespace, NULL: none */
};

struct xml_node {
    int type; /* XML_READER_TYPE_ELEMENT and so on */
    int line; /* from 1 */
    gboolean empty;
    const char *name, *space; /* local name; namespace, NULL: none */
    const char *value;        /* of text; NULL: none */
    unsigned n_attributes;
    struct xml_attribute attributes[XML_NODE_ATTRIBUTES];
};

/**
 * xml_node_pack(out, reader, line):
 * Append the current node of ${reader}, which is at ${line}.
 */
void xml_node_pack(GByteArray *out, xmlTextReader *reader, int line);

/**
 * xml_node_unpack(node, bytes, size):
 * Fill ${node}, whose strings stand in the bytes.  FALSE if these are not in their form.
 */
gboolean xml_node_unpack(struct xml_node *node, const void *bytes, size_t size);

#endif
