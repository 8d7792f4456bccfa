#include "paper.h"

#include "words.h"

#include <inttypes.h>
#include <string.h>

#define LABEL_COLUMNS 16
#define PAIRS_COLUMNS 47 /* sixteen pairs of digits */

void paper_wrap(struct file_output *output, const char *first, const char *rest, const char *text)
{
    glong column = g_utf8_strlen(first, -1), begin = column;

    file_output_puts(output, first);
    while (*text) {
        size_t size = strcspn(text, " ");
        glong width = g_utf8_strlen(text, (gssize)size);
        if (column > begin && column + 1 + width > PAPER_COLUMNS) {
            file_output_puts(output, "\n");
            file_output_puts(output, rest);
            column = begin = g_utf8_strlen(rest, -1);
        } else if (column > begin) {
            file_output_puts(output, " ");
            column++;
        }
        file_output_write(output, text, size);
        column += width;
        text += size + strspn(text + size, " ");
    }
    file_output_puts(output, "\n");
}

void paper_field(struct file_output *output, const char *label, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *first = g_strdup_printf("  %-*s", LABEL_COLUMNS - 2, label);
    paper_wrap(output, first, "                ", text);
}

void paper_line(struct file_output *output, const char *label, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    file_output_printf(output, "  %-*s%s\n", LABEL_COLUMNS - 2, label, text);
}

void paper_fingerprint(struct file_output *output, const char *label, const char *before, const char *hex)
{
    if (!hex)
        return;
    g_autofree char *text = words_fingerprint(hex);
    if (LABEL_COLUMNS + strlen(before) + strlen(text) > PAPER_COLUMNS && strlen(text) > PAIRS_COLUMNS) {
        paper_line(output, label, "%s%.*s:", before, PAIRS_COLUMNS, text);
        paper_line(output, "", "%*s%s", (int)strlen(before), "", text + PAIRS_COLUMNS + 1);
    } else {
        paper_line(output, label, "%s%s", before, text);
    }
}

void paper_steps(struct file_output *output, const char *indent, const GPtrArray *steps)
{
    g_autofree char *rest = g_strconcat(indent, "   ", NULL);

    for (guint i = 0, number = 1; i < steps->len; i++) {
        const char *step = steps->pdata[i];
        if (words_command(step)) {
            file_output_printf(output, "%s%s\n", rest, step);
            continue;
        }
        g_autofree char *first = g_strdup_printf("%s%u. ", indent, number++);
        paper_wrap(output, first, rest, step);
    }
}

void paper_quote(struct file_output *output, const char *indent, const struct audit_evidence *evidence)
{
    file_output_printf(output, "%s%s%s%s, line %u, byte %" PRId64 "\n", indent,
                       evidence->host ? evidence->host->name : "", evidence->host ? ":" : "", evidence->path,
                       evidence->line, evidence->offset);
    for (guint i = 0; i < evidence->lines->len; i++)
        file_output_printf(output, "%s| %s\n", indent, (const char *)evidence->lines->pdata[i]);
}
