/*
 * An audit document as a stream of nodes, from a file or from memory; the bytes are hostile.
 *
 * Nothing outside of the document is loaded and no entity is expanded: a document type is refused before the parser
 * sees it. The first thing that is wrong is kept as the error of the input, "path:line: what", and ends the stream.
 */
#ifndef TRUSTGAP_XML_INPUT_H
#define TRUSTGAP_XML_INPUT_H

#include "workers.h"
#include "xml_node.h"

#include <glib.h>
#include <libxml/xmlreader.h>
#include <stdint.h>

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
    struct xml_node node;  /* the current one; its strings stay until the next step */
    xmlTextReader *reader; /* NULL: a child reads */
    GError *error;         /* what ended the stream early; NULL: nothing did */
    GPtrArray
        *messages;     /* of char *: if set, complaints of a schema go here and the stream goes on; never freed here */
    guint complaints;  /* how many there were, whether they are kept or not */
    char *name;        /* private from here on */
    gboolean borrowed; /* the descriptor is somebody else's */
    int fd;
    const uint8_t *bytes;
    size_t size;
    uint64_t taken; /* bytes that the parser was given so far */
    int newlines;   /* in them */
    size_t matched; /* of the letters of a document type */
    struct xml_scan scan;
    GByteArray *packed; /* the current node; or what a child said, from ${said} on not looked at yet */
    size_t said;
    struct worker_task *task; /* NULL: no child reads */
    gboolean over;            /* a child has said the last node */
};

/**
 * xml_input_open(input, path, error):
 * Begin to read ${path} ("-": standard input).  On failure return FALSE with ${error} set; else the caller ends with
 * xml_input_close().
 */
gboolean xml_input_open(struct xml_input *input, const char *path, GError **error);

/**
 * xml_input_open_child(input, workers, path, error):
 * The same, read by a child of ${workers} (report_work()): what libxml2 does with the bytes it does there.
 */
gboolean xml_input_open_child(struct xml_input *input, struct workers *workers, const char *path, GError **error);

/**
 * xml_input_open_file(input, file):
 * The same from a descriptor, which stays the caller's.  Messages have no path in front.
 */
void xml_input_open_file(struct xml_input *input, int file);

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
