#include "report.h"

#include <string.h>

const struct report_format report_formats[] = {
    {"html", "one file for a browser and for paper", report_write_html},
    {"text", "plain text in 80 columns, for a terminal and for mail", report_write_text},
    {"xml", "the audit itself, for other programs and for later reports", report_write_xml},
    {NULL, NULL, NULL},
};

const struct report_format *report_format_find(const char *name)
{
    for (const struct report_format *format = report_formats; format->name; format++)
        if (strcmp(format->name, name) == 0)
            return format;
    return NULL;
}
