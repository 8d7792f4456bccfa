/*
 * An audit document as a stream of nodes, from a file or from memory; the bytes are hostile.
 *
 * Nothing outside of the document is loaded and no entity is expanded: a document type is refused before the parser
 * sees it. The first thing that is wrong is kept as the error of the input, "path:line: what", and ends the stream.
 */
#ifndef TRUSTGAP_XML_INPUT_H
#define TRUSTGAP_XML_INPUT_H

#include <glib.h>
#include <libxml/xmlreader.h>
#include <stdint.h>

#define XML_INPUT_ATTRIBUTES 64 /* of one element, declarations of namespaces among them */

struct xml_scan { /* where in the markup the bytes end that were looked at so far */
    enum xml_scan_place {
        SCAN_TEXT,
        SCAN_OPEN,
        SCAN_TAG,
        SCAN_VALUE,
        SCAN_COMMENT,
        SCAN_CDATA,
        SCAN_INSTRUCTION
    } place;
    char quote;          /* of the value */
    char last[2];        /* before the next byte, of what is not text or tag */
    char begin[8];       /* of what has just been opened: "![CDATA[" */
    unsigned begun;      /* so many of these */
    unsigned attributes; /* of the tag */
};

struct xml_input {
    xmlTextReader *reader;
    GError *error; /* what ended the stream early; NULL: nothing did */
    GPtrArray
        *messages;    /* of char *: if set, complaints of a schema go here and the stream goes on; never freed here */
    guint complaints; /* how many there were, whether they are kept or not */
    char *name;       /* private from here on */
    int fd;
    const uint8_t *bytes;
    size_t size;
    uint64_t taken; /* bytes that the parser was given so far */
    int newlines;   /* in them */
    size_t matched; /* of the letters of a document type */
    struct xml_scan scan;
};

/**
 * xml_input_open(input, path, error):
 * Begin to read ${path} ("-": standard input).  On failure return FALSE with ${error} set; else the caller ends with
 * xml_input_close().
 */
gboolean xml_input_open(struct xml_input *input, const char *path, GError **error);

/**
 * xml_input_open_bytes(input, name, bytes, size):
 * The same for ${size} bytes that stay where they are until xml_input_close(); ${name} stands for the path in messages.
 */
void xml_input_open_bytes(struct xml_input *input, const char *name, const void *bytes, size_t size);

/**
 * xml_input_step(input):
 * Go to the next node that says anything: an element, its end, or text.  FALSE at the end and if ${input->error} is
 * set.
 */
gboolean xml_input_step(struct xml_input *input);

/**
 * xml_input_line(input):
 * The line of the current node, from 1; beyond line 65534 libxml2 knows it only to a few lines.
 */
int xml_input_line(const struct xml_input *input);

/**
 * xml_input_refuse(input, line, format, ...):
 * Set the error of the input, TRUSTGAP_ERROR_SYNTAX, unless it has one.
 */
void xml_input_refuse(struct xml_input *input, int line, const char *format, ...) G_GNUC_PRINTF(3, 4);

/**
 * xml_input_close(input, error):
 * Free what the input holds, and move its error to ${error}.  TRUE if it had none.
 */
gboolean xml_input_close(struct xml_input *input, GError **error);

#endif
