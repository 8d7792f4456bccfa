#include "markup.h"

#include "words.h"
#include "xml_output.h"

#include <string.h>

static void check(struct markup *markup, int result)
{
    if (result < 0)
        markup->ok = FALSE;
}

/* Line feeds in front of these only, for elsewhere white space would be seen. */
static gboolean begins_a_line(const char *tag)
{
    static const char *const inlines[] = {"a",     "abbr", "b",      "br",   "code", "em",
                                          "small", "span", "strong", "time", "wbr"};

    for (size_t i = 0; i < G_N_ELEMENTS(inlines); i++)
        if (strcmp(inlines[i], tag) == 0)
            return FALSE;
    return TRUE;
}

void markup_begin(struct markup *markup, struct file_output *output)
{
    *markup = (struct markup){.xml = xml_output_new(output), .output = output, .ok = TRUE};
    markup_raw(markup, "<!DOCTYPE html>");
}

gboolean markup_end(struct markup *markup)
{
    check(markup, xmlTextWriterEndDocument(markup->xml));
    xmlFreeTextWriter(markup->xml);
    return markup->ok;
}

void markup_open(struct markup *markup, const char *tag, const char *class)
{
    if (begins_a_line(tag))
        markup_raw(markup, "\n");
    check(markup, xmlTextWriterStartElement(markup->xml, (const xmlChar *)tag));
    if (class)
        markup_attribute(markup, "class", "%s", class);
}

void markup_close(struct markup *markup)
{
    check(markup, xmlTextWriterFullEndElement(markup->xml));
}

void markup_attribute(struct markup *markup, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *value = g_strdup_vprintf(format, args);
    va_end(args);
    check(markup, xmlTextWriterWriteAttribute(markup->xml, (const xmlChar *)name, (const xmlChar *)value));
}

void markup_void(struct markup *markup, const char *tag, ...)
{
    va_list args;
    const char *name;

    markup_open(markup, tag, NULL);
    va_start(args, tag);
    while ((name = va_arg(args, const char *)))
        markup_attribute(markup, name, "%s", va_arg(args, const char *));
    va_end(args);
    check(markup, xmlTextWriterEndElement(markup->xml));
}

void markup_text(struct markup *markup, const char *text)
{
    check(markup, xmlTextWriterWriteString(markup->xml, (const xmlChar *)text));
}

void markup_printf(struct markup *markup, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    markup_text(markup, text);
}

void markup_say(struct markup *markup, const char *tag, const char *class, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    markup_open(markup, tag, class);
    markup_text(markup, text);
    markup_close(markup);
}

void markup_link(struct markup *markup, const char *prefix, unsigned number, const char *text)
{
    markup_open(markup, "a", NULL);
    markup_attribute(markup, "href", "#%s%u", prefix, number);
    markup_text(markup, text);
    markup_close(markup);
}

void markup_raw(struct markup *markup, const char *text)
{
    check(markup, xmlTextWriterWriteRaw(markup->xml, (const xmlChar *)text));
}

static void open_table(struct table *table)
{
    struct markup *markup = table->markup;

    markup_open(markup, "div", "scroll");
    markup_open(markup, "table", NULL);
    markup_open(markup, "thead", NULL);
    markup_open(markup, "tr", NULL);
    for (const char *const *head = table->heads; *head; head++) {
        markup_open(markup, "th", NULL);
        markup_attribute(markup, "scope", "col");
        markup_text(markup, *head);
        markup_close(markup);
    }
    markup_close(markup);
    markup_close(markup);
    markup_open(markup, "tbody", NULL);
}

static void close_table(struct table *table)
{
    for (int i = 0; i < 3; i++)
        markup_close(table->markup);
}

void table_begin(struct table *table, struct markup *markup, const char *const *heads, unsigned total, unsigned limit,
                 const char *what)
{
    *table = (struct table){.markup = markup, .heads = heads, .total = total, .limit = limit, .what = what};
    open_table(table);
}

void table_end(struct table *table)
{
    close_table(table);
    if (table->rows > table->limit)
        markup_close(table->markup);
}

void table_row(struct table *table)
{
    struct markup *markup = table->markup;

    if (table->rows == table->limit) {
        close_table(table);
        markup_open(markup, "details", "rest");
        g_autofree char *rest = words_count(table->total - table->limit, table->what, table->what);
        markup_say(markup, "summary", NULL, "%s", rest);
        open_table(table);
    }
    table->rows++;
    table->column = 0;
    markup_open(markup, "tr", NULL);
}

void table_row_end(struct table *table)
{
    markup_close(table->markup);
}

void table_cell(struct table *table, const char *class)
{
    gboolean head = table->column == 0;

    markup_open(table->markup, head ? "th" : "td", class);
    if (head)
        markup_attribute(table->markup, "scope", "row");
    else
        markup_attribute(table->markup, "data-label", "%s", table->heads[table->column]);
    table->column++;
}

void table_cell_end(struct table *table)
{
    markup_close(table->markup);
}

void table_say(struct table *table, const char *class, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    table_cell(table, class);
    markup_text(table->markup, text);
    table_cell_end(table);
}
