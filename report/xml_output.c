#include "xml_output.h"

/* Trouble with the file is no trouble of the writer: file_output_commit() tells of it. */
static int output_write(void *context, const char *bytes, int size)
{
    file_output_write(context, bytes, (size_t)size);
    return size;
}

static int output_close(void *context)
{
    (void)context;
    return 0;
}

xmlTextWriter *xml_output_new(struct file_output *output)
{
    xmlOutputBuffer *buffer = xmlOutputBufferCreateIO(output_write, output_close, output, NULL);
    g_assert(buffer); /* only without memory */
    xmlTextWriter *writer = xmlNewTextWriter(buffer);
    g_assert(writer);
    return writer;
}
