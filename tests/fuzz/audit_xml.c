/* Audit documents: never a crash, and whatever is read can be written in every format. */
#include "report.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct file_output *nowhere(void)
{
    struct file_output *output = file_output_open("/dev/null", 0600, NULL);
    g_assert(output);
    return output;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(audit_auto) audit = report_parse_xml("audit.xml", bytes, size, &error);

    g_assert((audit == NULL) == (error != NULL));
    if (!audit) {
        g_assert(g_utf8_validate(error->message, -1, NULL));
        return 0;
    }
    for (const struct report_format *format = report_formats; format->name; format++) {
        struct file_output *output = nowhere();
        gboolean written = format->write(output, audit, &error);
        g_assert(written && file_output_commit(output, &error));
    }
    struct file_output *output = nowhere();
    report_explain_text(output, audit);
    gboolean written = report_explain_json(output, audit, &error);
    g_assert(written);
    file_output_abort(output);
    return 0;
}
