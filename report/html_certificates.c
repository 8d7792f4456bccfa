#include "html_certificates.h"

#include "holders.h"
#include "html_parts.h"
#include "moment.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

static void put_trusted(struct table *table, const struct holders *holders)
{
    struct markup *markup = table->markup;

    table_cell(table, NULL);
    if (holders->trusted > 0) {
        g_autofree char *count = words_count(holders->trusted, "trust store", "trust stores");
        markup_text(markup, count);
        markup_open(markup, "span", "note");
        for (unsigned i = 0; i < MIN(holders->trusted, HOLDERS_NAMED); i++) {
            if (i > 0)
                markup_text(markup, ", ");
            markup_link(markup, "s", holders->named[i]->id, holders->named[i]->label);
        }
        if (holders->trusted > HOLDERS_NAMED)
            markup_text(markup, ", ...");
        markup_close(markup);
    }
    table_cell_end(table);
}

/* Where it comes from, beside trust lists. */
static void put_sources(struct table *table, const struct audit_cert *cert, const struct holders *holders)
{
    struct markup *markup = table->markup;

    table_cell(table, "path");
    if (holders->own > 0) {
        g_autofree char *count = words_count(holders->own, "PSE", "PSEs");
        markup_say(markup, "div", NULL, "own certificate of %s", count);
    }
    for (guint i = 0; i < cert->references->len; i++) {
        g_autofree char *text = words_reference(cert, i);
        markup_say(markup, "div", NULL, "%s", text);
    }
    if (cert->from_trace)
        markup_say(markup, "div", NULL, "%s", words_source(cert));
    if (!cert->der)
        markup_say(markup, "div", NULL, "known from a listing");
    table_cell_end(table);
}

static void put_row(struct table *table, const struct audit *audit, const struct audit_cert *cert,
                    const struct holders *holders)
{
    struct markup *markup = table->markup;
    g_autofree char *name = words_short_name(cert->subject), *end = words_day(cert->not_after);
    gboolean over = cert->not_after != MOMENT_NONE && cert->not_after < audit->evaluated;

    table_row(table);
    table_cell(table, NULL);
    markup_text(markup, words_known(name));
    markup_say(markup, "span", "note", "%s", words_known(cert->subject));
    markup_say(markup, "span", "note", "SHA-256 %s", words_known(cert->sha256));
    table_cell_end(table);
    table_cell(table, "time");
    markup_text(markup, end);
    if (over)
        markup_say(markup, "span", "note", "ended");
    table_cell_end(table);
    table_say(table, NULL, "%s", words_known(cert->key));
    put_trusted(table, holders);
    put_sources(table, cert, holders);
    table_row_end(table);
}

static int compare_subjects(const void *a, const void *b)
{
    const struct audit_cert *left = *(struct audit_cert *const *)a, *right = *(struct audit_cert *const *)b;
    int order = g_strcmp0(left->subject, right->subject);
    return order ? order : (left->id > right->id) - (left->id < right->id);
}

void html_certificates(struct markup *markup, const struct overview *overview)
{
    static const char *const heads[] = {"Certificate", "End", "Key", "Trusted in", "Otherwise known from", NULL};
    const struct audit *audit = overview->audit;
    g_autofree struct holders *holders = holders_of(audit);
    g_autoptr(GPtrArray) certs = g_ptr_array_copy(audit->certs, NULL, NULL);
    struct table table;

    if (certs->len == 0)
        return;
    qsort(certs->pdata, certs->len, sizeof certs->pdata[0], compare_subjects);
    markup_open(markup, "section", NULL);
    markup_attribute(markup, "id", "certificates");
    markup_say(markup, "h2", NULL, "All certificates");
    table_begin(&table, markup, heads, certs->len, HTML_ROWS_SHOWN, "more certificates");
    for (guint i = 0; i < certs->len && !file_output_failed(markup->output); i++) {
        const struct audit_cert *cert = certs->pdata[i];
        put_row(&table, audit, cert, &holders[cert->id - 1]);
    }
    table_end(&table);
    markup_close(markup);
}
