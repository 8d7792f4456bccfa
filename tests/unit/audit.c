/* audit/: order, names, what a store lacks and holds. */
#include "audit.h"

#include "moment.h"

#include <criterion/criterion.h>

static struct audit_cert *add_cert(struct audit *audit, const char *sha256)
{
    struct audit_cert *cert = audit_cert_new(audit);
    cert->sha256 = audit_text(audit, sha256);
    g_ptr_array_add(audit->certs, cert);
    return cert;
}

static struct audit_store *add_store(struct audit *audit, const char *label)
{
    struct audit_store *store = audit_store_new(audit);
    store->label = audit_text(audit, label);
    g_ptr_array_add(audit->stores, store);
    return store;
}

static void add_member(struct audit *audit, struct audit_store *store, enum audit_reading reading,
                       struct audit_list *list)
{
    struct audit_host *host = audit_host_new(audit);
    host->name = "h";
    struct audit_member *member = audit_member_new(audit);
    member->instance = audit_instance_new(audit);
    member->instance->host = host;
    member->path = audit_textf(audit, "%u", store->members->len);
    member->reading = reading;
    member->list = list;
    g_ptr_array_add(store->members, member);
}

Test(audit, lacks_and_holds)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct audit_cert *held = add_cert(audit, "bb"), *other = add_cert(audit, "aa");
    struct audit_list *with = audit_list_new(audit), *without = audit_list_new(audit);
    g_ptr_array_add(with->certs, held);
    g_ptr_array_add(with->certs, other);
    g_ptr_array_add(without->certs, other);
    g_ptr_array_add(audit->lists, with);
    g_ptr_array_add(audit->lists, without);

    struct audit_store *both = add_store(audit, "both");
    add_member(audit, both, READING_NATIVE, with);
    add_member(audit, both, READING_NATIVE, without);
    struct audit_store *none = add_store(audit, "none");
    add_member(audit, none, READING_NATIVE, without);
    struct audit_store *unread = add_store(audit, "unread");
    add_member(audit, unread, READING_NONE, NULL);
    struct audit_store *partly = add_store(audit, "partly");
    add_member(audit, partly, READING_PARTLY, without);
    audit_sort(audit);

    cr_expect(audit_store_holds(both, held));
    cr_expect_not(audit_store_lacks(both, held));
    cr_expect_not(audit_store_holds(none, held));
    cr_expect(audit_store_lacks(none, held));
    cr_expect_not(audit_store_holds(unread, held), "unread is not empty");
    cr_expect_not(audit_store_lacks(unread, held));
    cr_expect_not(audit_store_lacks(partly, held), "an absence in a cut listing proves nothing");
    cr_expect(audit_store_holds(partly, other));
}

Test(audit, order_does_not_depend_on_the_order_of_adding)
{
    static const char *const digests[] = {"03", "01", "02"};
    for (int turn = 0; turn < 3; turn++) {
        g_autoptr(audit_auto) audit = audit_new();
        for (int i = 0; i < 3; i++) {
            struct audit_cert *cert = add_cert(audit, digests[(i + turn) % 3]);
            struct audit_finding *finding = audit_finding_new(audit);
            finding->id = cert->sha256;
            finding->severity = g_str_equal(cert->sha256, "02") ? SEVERITY_HIGH : SEVERITY_LOW;
            finding->state = g_str_equal(cert->sha256, "01") ? STATE_FIXED : STATE_OPEN;
            g_ptr_array_add(audit->findings, finding);
        }
        audit_sort(audit);
        for (guint i = 0; i < 3; i++)
            cr_expect_eq(((struct audit_cert *)audit->certs->pdata[i])->id, i + 1);
        cr_expect_str_eq(((struct audit_cert *)audit->certs->pdata[0])->sha256, "01");
        cr_expect_str_eq(((struct audit_finding *)audit->findings->pdata[0])->id, "02", "the worst first");
        cr_expect_str_eq(((struct audit_finding *)audit->findings->pdata[1])->id, "03");
        cr_expect_str_eq(((struct audit_finding *)audit->findings->pdata[2])->id, "01", "what is fixed last");
    }
}

Test(audit, what_counts_for_fail_on)
{
    g_autoptr(audit_auto) audit = audit_new();
    struct audit_finding *finding = audit_finding_new(audit);
    finding->severity = SEVERITY_HIGH;
    finding->state = STATE_OPEN;
    cr_expect(audit_finding_counts(finding, SEVERITY_HIGH));
    cr_expect_not(audit_finding_counts(finding, SEVERITY_CRITICAL));
    finding->state = STATE_FIXED;
    cr_expect_not(audit_finding_counts(finding, SEVERITY_INFO));
    finding->state = STATE_WAIVED;
    cr_expect_not(audit_finding_counts(finding, SEVERITY_INFO));
}

Test(audit, names_go_there_and_back)
{
    enum audit_cause cause;
    for (int i = CAUSE_UNTRUSTED_PEER; i <= CAUSE_OTHER; i++) {
        cr_assert(audit_cause_parse(&cause, audit_cause_name((enum audit_cause)i)));
        cr_expect_eq((int)cause, i);
    }
    cr_expect_not(audit_cause_parse(&cause, "no-such-cause"));
    enum audit_finding_kind kind;
    for (int i = FINDING_MISSING_ANCHOR; i <= FINDING_UNANALYZED; i++) {
        cr_assert(audit_finding_kind_parse(&kind, audit_finding_kind_name((enum audit_finding_kind)i)));
        cr_expect_eq((int)kind, i);
    }
    enum audit_severity severity;
    cr_assert(audit_severity_parse(&severity, "critical"));
    cr_expect_eq(severity, SEVERITY_CRITICAL);
}
