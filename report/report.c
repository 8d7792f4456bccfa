#include "report.h"

#include <string.h>

const struct report_format report_formats[] = {
    {"xml", "the audit itself, for other programs and for later reports", report_write_xml},
    {"text", "plain text in 80 columns, for a terminal and a mail", report_write_text},
    {NULL, NULL, NULL},
};

const struct report_format *report_format_find(const char *name)
{
    for (const struct report_format *format = report_formats; format->name; format++)
        if (strcmp(format->name, name) == 0)
            return format;
    return NULL;
}
