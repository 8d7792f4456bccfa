/*
 * libxml2's streaming writer on top of a file_output, for every format that is made of elements.
 */
#ifndef TRUSTGAP_XML_OUTPUT_H
#define TRUSTGAP_XML_OUTPUT_H

#include "file.h"

#include <libxml/xmlwriter.h>

/**
 * xml_output_new(output):
 * A writer whose bytes go to ${output}, which stays open.  The caller frees it with xmlFreeTextWriter(), which flushes
 * what is left.  The writer refuses neither control characters nor broken UTF-8: text has to be clean (text.h).
 */
xmlTextWriter *xml_output_new(struct file_output *output);

#endif
