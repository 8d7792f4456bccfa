#include "html_landscape.h"

#include "html_parts.h"
#include "moment.h"
#include "words.h"

#include <stdlib.h>

static int compare_systems(const void *a, const void *b)
{
    const struct audit_store *left = *(struct audit_store *const *)a, *right = *(struct audit_store *const *)b;

    if (!left->sid != !right->sid)
        return left->sid ? -1 : 1; /* those without a system last */
    int order = g_strcmp0(left->sid, right->sid);
    return order ? order : g_strcmp0(left->label, right->label);
}

static void put_store_name(struct table *table, const struct audit_store *store, guint member)
{
    struct markup *markup = table->markup;

    table_cell(table, NULL);
    if (member == 0)
        markup_attribute(markup, "id", "s%u", store->id);
    markup_text(markup, store->file);
    markup_open(markup, "span", "note");
    if (store->role)
        markup_printf(markup, "%s, ", store->role);
    markup_text(markup, words_instance_kind(store->kind));
    markup_close(markup);
    table_cell_end(table);
}

static void put_content(struct table *table, const struct audit_member *member)
{
    struct markup *markup = table->markup;

    table_cell(table, NULL);
    markup_text(markup, words_reading(member->reading));
    if (member->reason)
        markup_say(markup, "span", "note", "%s", member->reason);
    table_cell_end(table);
    table_cell(table, "number");
    if (member->list)
        markup_printf(markup, "%u", member->list->certs->len);
    else
        markup_text(markup, "not known");
    if (member->list && member->list->refused)
        markup_say(markup, "span", "note", "%u unreadable", member->list->refused);
    table_cell_end(table);
}

static void put_own(struct table *table, const struct audit *audit, const struct audit_cert *own)
{
    struct markup *markup = table->markup;

    table_cell(table, "own");
    if (own) {
        g_autofree char *name = words_short_name(own->subject);
        g_autofree char *end = words_day(own->not_after);
        gboolean over = own->not_after != MOMENT_NONE && own->not_after < audit->evaluated;
        markup_printf(markup, "%s %s", over ? "ended" : "ends", end);
        markup_say(markup, "span", "note", "%s", words_known(name));
    } else {
        markup_text(markup, "not known");
    }
    table_cell_end(table);
}

static void put_member(struct table *table, const struct audit *audit, const struct audit_store *store, guint number)
{
    const struct audit_member *member = store->members->pdata[number];

    table_row(table);
    table_say(table, "sid", "%s", store->sid ? store->sid : "no system");
    put_store_name(table, store, number);
    table_cell(table, "path");
    markup_printf(table->markup, "%s on %s", member->instance->name, member->instance->host->name);
    markup_say(table->markup, "span", "note", "%s", member->path);
    table_cell_end(table);
    put_content(table, member);
    put_own(table, audit, member->own);
    table_row_end(table);
}

void html_systems(struct markup *markup, const struct overview *overview)
{
    static const char *const heads[] = {"System",          "PSE", "Instance", "Trust list", "Certificates",
                                        "Own certificate", NULL};
    const struct audit *audit = overview->audit;
    struct table table;
    unsigned rows = 0;

    if (audit->stores->len == 0)
        return;
    g_autoptr(GPtrArray) stores = g_ptr_array_copy(audit->stores, NULL, NULL);
    qsort(stores->pdata, stores->len, sizeof stores->pdata[0], compare_systems);
    for (guint i = 0; i < stores->len; i++)
        rows += ((const struct audit_store *)stores->pdata[i])->members->len;
    markup_open(markup, "section", NULL);
    markup_attribute(markup, "id", "systems");
    markup_say(markup, "h2", NULL, "Systems and their trust stores");
    table_begin(&table, markup, heads, rows, HTML_ROWS_SHOWN, "more PSEs");
    for (guint i = 0; i < stores->len && !file_output_failed(markup->output); i++) {
        const struct audit_store *store = stores->pdata[i];
        for (guint j = 0; j < store->members->len; j++)
            put_member(&table, audit, store, j);
    }
    table_end(&table);
    markup_close(markup);
}

static void put_reason(struct table *table, const struct audit_host *host)
{
    struct markup *markup = table->markup;

    table_cell(table, NULL);
    markup_text(markup, words_known(host->message));
    markup_say(markup, "span", "note", "%s", words_known(host->reason));
    for (guint i = 0; i < host->notes->len; i++)
        markup_say(markup, "span", "note", "%s", (const char *)host->notes->pdata[i]);
    table_cell_end(table);
}

static void put_absent_row(struct table *table, const struct overview *overview, struct audit_host *host)
{
    struct markup *markup = table->markup;
    const struct audit_finding *finding = g_hash_table_lookup(overview->host_findings, host);
    g_autoptr(GPtrArray) one = g_ptr_array_new();

    g_ptr_array_add(one, host);
    table_row(table);
    if (finding)
        html_finding_id(markup, finding);
    table_say(table, "path", "%s", host->name);
    table_say(table, NULL, "%s", host->status == HOST_FAILED ? "not collected" : "in part");
    put_reason(table, host);
    table_cell(table, NULL);
    html_people(markup, one);
    table_cell_end(table);
    table_cell(table, NULL);
    if (finding) {
        g_autofree char *since = words_day(finding->first_seen);
        html_badge_state(markup, finding->state);
        markup_say(markup, "span", "note", "since %s", since);
        html_steps(markup, finding->steps);
    }
    table_cell_end(table);
    table_row_end(table);
}

void html_absent(struct markup *markup, const struct overview *overview)
{
    static const char *const heads[] = {"Host", "Collected", "Why", "Tier, owner", "State", NULL};
    const GPtrArray *hosts = overview->absent;
    struct table table;

    if (hosts->len == 0)
        return;
    markup_open(markup, "section", NULL);
    markup_attribute(markup, "id", "absent");
    markup_say(markup, "h2", NULL, "Hosts that were not collected");
    markup_say(
        markup, "p", NULL,
        "What is not here was not checked. These hosts count neither as passed nor as failed; of those that were "
        "collected in part, what is missing may hide a gap.");
    table_begin(&table, markup, heads, hosts->len, HTML_ROWS_SHOWN, "more hosts");
    for (guint i = 0; i < hosts->len; i++)
        put_absent_row(&table, overview, hosts->pdata[i]);
    table_end(&table);
    markup_close(markup);
}

static void put_traces(struct table *table, const struct audit_host *host)
{
    unsigned read = 0, all = 0, failures = 0;
    int level = -1;

    for (guint i = 0; i < host->instances->len; i++) {
        const struct audit_instance *instance = host->instances->pdata[i];
        all += instance->traces->len;
        for (guint j = 0; j < instance->traces->len; j++) {
            const struct audit_trace *trace = instance->traces->pdata[j];
            read += trace->object != NULL;
            failures += trace->failures;
            level = MAX(level, trace->level);
        }
    }
    table_say(table, "number", "%u of %u", read, all);
    if (level >= 0)
        table_say(table, "number", "%d", level);
    else
        table_say(table, "number", "not known");
    table_say(table, "number", "%u", failures);
}

static void put_instances(struct table *table, const struct audit_host *host)
{
    table_cell(table, NULL);
    for (guint i = 0; i < host->instances->len; i++) {
        const struct audit_instance *instance = host->instances->pdata[i];
        markup_printf(table->markup, "%s%s%s%s", i > 0 ? ", " : "", instance->sid ? instance->sid : "",
                      instance->sid ? " " : "", instance->name);
    }
    table_cell_end(table);
}

void html_hosts(struct markup *markup, const struct overview *overview)
{
    static const char *const heads[] = {"Host",        "Collected",     "At",       "Instances",
                                        "Traces read", "Highest level", "Failures", NULL};
    const GPtrArray *hosts = overview->audit->hosts;
    struct table table;

    if (hosts->len == 0)
        return;
    markup_open(markup, "section", NULL);
    markup_attribute(markup, "id", "hosts");
    markup_say(markup, "h2", NULL, "All hosts");
    markup_open(markup, "details", "rest");
    markup_say(markup, "summary", NULL, "What was looked at on %u hosts", hosts->len);
    table_begin(&table, markup, heads, hosts->len, G_MAXUINT, "");
    for (guint i = 0; i < hosts->len && !file_output_failed(markup->output); i++) {
        const struct audit_host *host = hosts->pdata[i];
        g_autofree char *at = words_moment(host->collected);
        table_row(&table);
        table_say(&table, "path", "%s", host->name);
        table_say(&table, NULL, "%s",
                  host->status == HOST_COLLECTED  ? "yes"
                  : host->status == HOST_PARTIAL  ? "in part"
                  : host->status == HOST_LEFT_OUT ? "left out"
                                                  : "no");
        table_say(&table, "time", "%s", at);
        put_instances(&table, host);
        put_traces(&table, host);
        table_row_end(&table);
    }
    table_end(&table);
    markup_close(markup);
    markup_close(markup);
}
