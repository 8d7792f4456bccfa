#include "findings.h"

#include "anchors.h"
#include "coverage.h"
#include "demands.h"
#include "finding.h"
#include "hygiene.h"
#include "identify.h"
#include "moment.h"
#include "peers.h"
#include "plan.h"
#include "remedy.h"
#include "sap.h"
#include "text.h"
#include "uses.h"
#include "waivers.h"

#include <openssl/evp.h>
#include <string.h>

#define DAY ((int64_t)86400)

struct work {
    struct landscape *landscape;
    struct history *history;
    struct audit *audit;
    const struct policy *policy; /* or NULL */
    GHashTable *terse;           /* hygiene_terse() */
};

static void add(struct work *work, struct audit_finding *finding)
{
    remedy_finding(work->audit, finding);
    g_ptr_array_add(work->audit->findings, finding);
}

static void append_more(GString *text, guint count, guint shown)
{
    if (count > shown)
        g_string_append_printf(text, "; and %u more", count - shown);
}

/* Failures that miss no certificate that could be named. */

static enum audit_severity severity_of(enum audit_cause cause)
{
    switch (cause) {
    case CAUSE_UNTRUSTED_PEER:
    case CAUSE_STORE_UNUSABLE:
        return SEVERITY_HIGH;
    case CAUSE_EXPIRED_PEER:
    case CAUSE_PEER_REFUSED:
    case CAUSE_NAME_MISMATCH:
    case CAUSE_HANDSHAKE:
    case CAUSE_PROXY_REFUSED:
    case CAUSE_REVERSE_PROXY:
        return SEVERITY_MEDIUM;
    default:
        return SEVERITY_LOW;
    }
}

static const char *title_of_failure(struct work *work, const struct audit_failure *failure, const char *place,
                                    const char *peer, gboolean torn)
{
    switch (failure->cause) {
    case CAUSE_UNTRUSTED_PEER:
        return audit_textf(work->audit,
                           torn ? "%s does not trust %s; the trace shows only a part of this failure"
                                : "%s does not trust %s; the trace does not name the certificate",
                           place, peer);
    case CAUSE_EXPIRED_PEER:
        return audit_textf(work->audit, "A certificate of %s has expired, says %s", peer, place);
    case CAUSE_NAME_MISMATCH:
        return audit_textf(work->audit, "The certificate of %s is for another name, says %s", peer, place);
    case CAUSE_PEER_REFUSED:
        return audit_textf(work->audit, "%s does not accept the certificate of %s", peer, place);
    case CAUSE_HANDSHAKE:
        return audit_textf(work->audit, "No TLS handshake between %s and %s", place, peer);
    case CAUSE_CLOSED:
        return audit_textf(work->audit, "Connections between %s and %s are closed during the handshake", place, peer);
    case CAUSE_NOT_TLS:
        return audit_textf(work->audit, "%s does not speak TLS with %s", peer, place);
    case CAUSE_PROXY_REFUSED:
        return audit_textf(work->audit, "The proxy refuses connections of %s to %s", place, peer);
    case CAUSE_STORE_UNUSABLE:
        return audit_textf(work->audit, "%s cannot be used", place);
    case CAUSE_REVERSE_PROXY:
        return audit_textf(work->audit, "Forwarded client certificates are rejected by %s", place);
    default:
        return audit_textf(work->audit, "Connections between %s and %s fail (%s)", place, peer,
                           failure->error ? failure->error : "no error named");
    }
}

/* Peers of incoming connections come from anywhere; they are one finding, or a port scan would fill the report. */
static const char *peer_key(const struct audit_failure *failure)
{
    if (failure->role == ROLE_SERVER)
        return "incoming";
    const char *peer = failure->target ? failure->target : failure->peer;
    return peer ? peer : "";
}

/* The first of the failures that a higher trace level would tell more of, or NULL. */
static const struct audit_failure *first_terse(const struct work *work, const GPtrArray *failures)
{
    for (guint i = 0; i < failures->len; i++)
        if (g_hash_table_contains(work->terse, failures->pdata[i]))
            return failures->pdata[i];
    return NULL;
}

static gboolean are_torn(const GPtrArray *failures)
{
    for (guint i = 0; i < failures->len; i++)
        if (!((const struct audit_failure *)failures->pdata[i])->torn)
            return FALSE;
    return TRUE;
}

static void finish_failures(struct work *work, struct audit_finding *finding)
{
    const struct audit_failure *failure = finding->failures->pdata[0];
    const struct audit_failure *terse = first_terse(work, finding->failures);
    g_autofree char *instance = remedy_instance(failure->instance);
    g_autofree char *peer = identify_short(failure->role == ROLE_SERVER ? "those who call it"
                                           : failure->target            ? failure->target
                                           : failure->peer              ? failure->peer
                                                                        : "a peer that the trace does not name");
    finding->severity = severity_of(failure->cause);
    finding->title = title_of_failure(work, failure, failure->store ? failure->store->label : instance, peer,
                                      are_torn(finding->failures));
    finding->detail = finding_sum(work->audit, finding->failures);
    finding->host = failure->instance->host;
    if (failure->store)
        g_ptr_array_add(finding->stores, failure->store);
    if (!terse && are_torn(finding->failures) && failure->cause == CAUSE_UNTRUSTED_PEER) {
        remedy_torn(work->audit, finding);
        g_ptr_array_add(work->audit->findings, finding);
        return;
    }
    if (!terse) {
        add(work, finding);
        return;
    }
    remedy_unnamed(work->audit, finding, terse->instance);
    g_ptr_array_add(work->audit->findings, finding);
}

static void find_failures(struct work *work)
{
    g_autoptr(GHashTable) by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) order = g_ptr_array_new();

    for (guint i = 0; i < work->audit->failures->len; i++) {
        struct audit_failure *failure = work->audit->failures->pdata[i];
        if (audit_failure_names_missing(failure))
            continue;
        g_autofree char *where = finding_place(failure->store, failure->instance);
        g_autofree char *key =
            g_strconcat(audit_cause_name(failure->cause), "\n", where, "\n", peer_key(failure), NULL);
        struct audit_finding *finding = g_hash_table_lookup(by_key, key);
        if (!finding) {
            finding = finding_new(work->history, FINDING_TLS_FAILURE, key);
            g_hash_table_insert(by_key, g_steal_pointer(&key), finding);
            g_ptr_array_add(order, finding);
        }
        g_ptr_array_add(finding->failures, failure);
    }
    for (guint i = 0; i < order->len; i++)
        finish_failures(work, order->pdata[i]);
}

/* Certificates at the end of their life. */

/* What the policy says, else what is usual; what it leaves out where it says something limits nothing. */
static struct policy_horizon horizon_of(const struct policy *policy, gboolean own)
{
    static const struct policy_horizon usual = {FINDINGS_EXPIRING_DAYS, FINDINGS_EXPIRING_PERCENT};
    const struct policy_horizon *said = policy ? own ? &policy->own : &policy->anchors : NULL;
    return said && (said->days != POLICY_UNSAID || said->percent != POLICY_UNSAID) ? *said : usual;
}

static gboolean is_at_end(const struct audit_cert *cert, int64_t at, struct policy_horizon horizon)
{
    if (cert->not_after == MOMENT_NONE)
        return FALSE;
    int64_t left = cert->not_after - at;
    if (left < 0)
        return TRUE;
    if (horizon.days != POLICY_UNSAID && left >= horizon.days * DAY)
        return FALSE;
    if (horizon.percent == POLICY_UNSAID)
        return TRUE;
    /* Of a certificate whose life is not known only the days count. */
    return cert->not_before == MOMENT_NONE ? horizon.days != POLICY_UNSAID
                                           : left * 100 < (cert->not_after - cert->not_before) * horizon.percent;
}

struct ends { /* what counts as near the end */
    struct policy_horizon own, anchors;
    int64_t at;
};

static gboolean is_ending(const struct audit_cert *cert, gboolean own, const void *context)
{
    const struct ends *ends = context;
    return is_at_end(cert, ends->at, own ? ends->own : ends->anchors);
}

/* Whether one of the stores shows its own certificate to peers. */
static gboolean is_shown(const GPtrArray *stores)
{
    for (guint i = 0; i < stores->len; i++) {
        if (!sap_pse_is_anonymous(((const struct audit_store *)stores->pdata[i])->file))
            return TRUE;
    }
    return FALSE;
}

static const char *detail_of_use(struct work *work, const struct audit_cert *cert, const struct use *use)
{
    char when[MOMENT_TEXT_BYTES];
    gboolean own = use->own->len > 0;
    moment_format(when, cert->not_after);
    int64_t days = (cert->not_after - work->audit->evaluated) / DAY;
    g_autofree char *left = days >= 0 ? g_strdup_printf(" (%d days left)", (int)days) : g_strdup("");
    if (!own)
        return audit_textf(
            work->audit,
            "An entry of %u trust lists; its end is %s%s. It matters only if a peer's chain still ends in it.",
            use->trusted->len, when, left);
    return audit_textf(work->audit, "The own certificate of %u PSEs; its end is %s%s.%s", use->own->len, when, left,
                       is_shown(use->own) ? "" : " It is never shown to a peer, so nothing fails for it.");
}

static void find_ends(struct work *work)
{
    const struct audit *audit = work->audit;
    struct ends ends = {horizon_of(work->policy, TRUE), horizon_of(work->policy, FALSE), audit->evaluated};
    g_autoptr(GHashTable) uses = uses_find(audit, audit->stores->len, is_ending, &ends);

    for (guint i = 0; i < audit->certs->len; i++) {
        struct audit_cert *cert = audit->certs->pdata[i];
        const struct use *use = g_hash_table_lookup(uses, cert);
        if (!use)
            continue;
        g_autofree char *key = identify_cert(cert);
        gboolean expired = cert->not_after<audit->evaluated, own = use->own->len> 0;
        struct audit_finding *finding = finding_new(work->history, expired ? FINDING_EXPIRED : FINDING_EXPIRING, key);
        g_autofree char *name = identify_short(cert->subject ? cert->subject : key);
        const GPtrArray *stores = own ? use->own : use->trusted;
        const struct audit_store *first = stores->pdata[0];
        const struct audit_finding *before = history_before(work->history, finding->id);

        if (!before && expired) /* it was about to expire then */
            before = history_before(work->history, finding_id(work->audit, FINDING_EXPIRING, key));
        if (own)
            finding->severity = !is_shown(use->own) ? SEVERITY_INFO : expired ? SEVERITY_HIGH : SEVERITY_MEDIUM;
        finding->cert = cert;
        finding->subject = cert->subject;
        for (guint j = 0; j < stores->len; j++)
            g_ptr_array_add(finding->stores, stores->pdata[j]);
        const char *kept = finding_keep_unread(work->history, finding, before);
        guint count = finding->stores->len;
        g_autofree char *where = count == 1 ? g_strdup(first->label) : g_strdup_printf("%u trust stores", count);
        finding->title = audit_textf(work->audit, "%s %s, %s of %s", name, expired ? "has expired" : "expires soon",
                                     own ? "own certificate" : "an anchor", where);
        finding->detail = audit_textf(work->audit, "%s%s", detail_of_use(work, cert, use), kept);
        add(work, finding);
    }
}

/* Instances of one system that differ. */

static gboolean have_same_certs(const struct audit_list *one, const struct audit_list *other)
{
    return one == other || (one->certs->len == other->certs->len &&
                            memcmp(one->certs->pdata, other->certs->pdata, one->certs->len * sizeof(void *)) == 0);
}

static void count_holders(const struct audit_store *store, const struct audit_cert *cert, guint *holding,
                          guint *lacking)
{
    *holding = *lacking = 0;
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        if (!audit_member_is_whole(member))
            continue;
        if (audit_list_has(member->list, cert))
            ++*holding;
        else
            ++*lacking;
    }
}

/* A certificate that some members have and others lack: those that are alone with it or without it. */
static void append_difference(GString *text, const struct audit_store *store, const struct audit_cert *cert)
{
    guint holding, lacking, named = 0;

    count_holders(store, cert, &holding, &lacking);
    gboolean extra = holding < lacking;
    g_string_append_printf(text, "\"%s\" is %s", cert->subject ? cert->subject : "?", extra ? "only in" : "missing in");
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        if (!audit_member_is_whole(member) || audit_list_has(member->list, cert) != extra || ++named > FINDING_NAMED)
            continue;
        g_autofree char *name = remedy_instance(member->instance);
        g_string_append_printf(text, "%s %s", named > 1 ? "," : "", name);
    }
    if (named > FINDING_NAMED)
        g_string_append_printf(text, " and %u more", named - FINDING_NAMED);
}

static gboolean all_have(const struct audit_store *store, const struct audit_cert *cert)
{
    guint holding, lacking;
    count_holders(store, cert, &holding, &lacking);
    return lacking == 0;
}

/* Every certificate that some of the lists have and others do not. */
static void describe_drift(GString *text, const struct audit_store *store)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    guint differing = 0;

    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        if (!audit_member_is_whole(member) || !g_hash_table_add(seen, member->list))
            continue;
        for (guint j = 0; j < member->list->certs->len; j++) {
            struct audit_cert *cert = member->list->certs->pdata[j];
            if (!g_hash_table_add(seen, cert) || all_have(store, cert) || ++differing > FINDING_NAMED)
                continue;
            g_string_append(text, differing > 1 ? "; " : "");
            append_difference(text, store, cert);
        }
    }
    append_more(text, differing, FINDING_NAMED);
    g_string_append_c(text, '.');
}

static void find_drift(struct work *work)
{
    for (guint i = 0; i < work->audit->stores->len; i++) {
        struct audit_store *store = work->audit->stores->pdata[i];
        const struct audit_member *first = NULL;
        gboolean differ = FALSE;
        for (guint j = 0; j < store->members->len; j++) {
            const struct audit_member *member = store->members->pdata[j];
            if (!audit_member_is_whole(member))
                continue;
            differ = differ || (first && !have_same_certs(first->list, member->list));
            first = first ? first : member;
        }
        if (!differ)
            continue;
        struct audit_finding *finding = finding_new(work->history, FINDING_DRIFT, store->label);
        GString *text = g_string_new(NULL);
        describe_drift(text, store);
        finding->title = audit_textf(work->audit, "%s is not the same on all instances", store->label);
        finding->detail = audit_text(work->audit, text->str);
        g_string_free(text, TRUE);
        g_ptr_array_add(finding->stores, store);
        add(work, finding);
    }
}

/* What was not seen. */

static gboolean is_unread(const struct audit_member *member)
{
    return !audit_member_is_whole(member) && !history_is_told(member->reason);
}

/* Of a finding that was carried on only its host is known: all of its instances that have traces. */
static gboolean is_host_heard(const struct work *work, const struct audit_finding *before)
{
    const struct audit_host *host = history_host(work->history, before->host);
    gboolean any = FALSE;
    for (guint i = 0; host && i < host->instances->len; i++) {
        const struct audit_instance *instance = host->instances->pdata[i];
        gboolean silent = instance->traces->len == 0 && instance->seen == MOMENT_NONE;
        if (!silent && !history_is_heard(work->history, instance))
            return FALSE;
        any = any || !silent;
    }
    return any;
}

/* Silence tells something only where the traces were read: those of the instances that failed, else of all it can be.
 */
static gboolean were_traces_read(const struct work *work, const struct audit_finding *before)
{
    g_autoptr(GPtrArray) instances = g_ptr_array_new();

    for (guint i = 0; i < before->failures->len; i++)
        g_ptr_array_add(instances, ((const struct audit_failure *)before->failures->pdata[i])->instance);
    for (guint i = 0; instances->len == 0 && i < before->stores->len; i++) {
        const struct audit_store *store = before->stores->pdata[i];
        for (guint j = 0; j < store->members->len; j++)
            g_ptr_array_add(instances, ((const struct audit_member *)store->members->pdata[j])->instance);
    }
    for (guint i = 0; i < instances->len; i++)
        if (!history_forgets(work->history, instances->pdata[i]) &&
            !history_is_heard(work->history, history_instance(work->history, instances->pdata[i])))
            return FALSE;
    return instances->len > 0 || is_host_heard(work, before);
}

static void find_unreadable(struct work *work)
{
    g_autoptr(GHashTable) needed = g_hash_table_new(NULL, NULL);
    struct coverage coverage;

    coverage_count(&coverage, work->audit);
    for (guint i = 0; i < work->audit->failures->len; i++)
        g_hash_table_add(needed, ((struct audit_failure *)work->audit->failures->pdata[i])->store);
    for (guint i = 0; i < work->audit->stores->len; i++) {
        struct audit_store *store = work->audit->stores->pdata[i];
        g_autoptr(GString) text = g_string_new(NULL);
        guint unread = 0;
        for (guint j = 0; j < store->members->len; j++) {
            const struct audit_member *member = store->members->pdata[j];
            if (!is_unread(member) || ++unread > FINDING_NAMED)
                continue;
            g_string_append_printf(text, "%s%s on %s: %s%s", unread > 1 ? "; " : "", member->path,
                                   member->instance->host->name, member->reading == READING_PARTLY ? "partly, " : "",
                                   member->reason ? member->reason : "unknown");
        }
        if (unread == 0)
            continue;
        append_more(text, unread, FINDING_NAMED);
        struct audit_finding *finding = finding_new(work->history, FINDING_STORE_UNREADABLE, store->label);
        const struct audit_finding *before = history_before(work->history, finding->id);
        finding->severity = coverage.lists_read == 0               ? SEVERITY_HIGH
                            : g_hash_table_contains(needed, store) ? SEVERITY_MEDIUM
                                                                   : SEVERITY_LOW;
        if (before && before->state != STATE_FIXED && !were_traces_read(work, before))
            finding->severity = MAX(finding->severity, before->severity);
        finding->title = audit_textf(work->audit, "The trust list of %s was not %sread", store->label,
                                     unread < store->members->len ? "everywhere " : "");
        finding->detail = audit_textf(work->audit, "%s. What is in the list is unknown, not nothing.", text->str);
        g_ptr_array_add(finding->stores, store);
        add(work, finding);
    }
}

static char *about_file(const struct audit_host *host, const char *path)
{
    return g_strconcat(host->name, "\n", path, NULL);
}

static void find_unanalyzed(struct work *work)
{
    g_autoptr(GHashTable) done = g_hash_table_new(g_str_hash, g_str_equal);
    struct audit *audit = work->audit;

    for (guint i = 0; i < work->landscape->failed->len; i++) {
        const struct landscape_failed *failed = work->landscape->failed->pdata[i];
        g_autofree char *about = about_file(failed->host, failed->path);
        struct audit_finding *finding = finding_new(work->history, FINDING_UNANALYZED, about);
        if (!g_hash_table_add(done, (void *)finding->id))
            continue;
        finding->host = failed->host;
        finding->title = audit_textf(audit, "%s on %s could not be analyzed", failed->path, failed->host->name);
        finding->detail =
            audit_textf(audit,
                        "%c%s. The content of the file is unknown, so it fixes nothing and proves nothing. The SHA-256 "
                        "of the bytes that were collected is %s.",
                        g_ascii_toupper(failed->why[0]), failed->why + 1, failed->object);
        remedy_unanalyzed(audit, finding, failed->object);
        g_ptr_array_add(audit->findings, finding);
    }
}

/* Whether tonight's audit has the file that a finding is about, and it was not read. */
static gboolean is_file_unread(const struct work *work, const struct audit_finding *before)
{
    const struct audit_host *host = history_host(work->history, before->host);

    for (guint i = 0; i < host->instances->len; i++) {
        const struct audit_instance *instance = host->instances->pdata[i];
        if (instance->seen != MOMENT_NONE) /* it may be there, and was not seen */
            return TRUE;
        for (guint j = 0; j < instance->traces->len; j++) {
            const struct audit_trace *trace = instance->traces->pdata[j];
            g_autofree char *about = trace->object ? NULL : about_file(host, trace->path);
            if (about && g_str_equal(finding_id(work->audit, FINDING_UNANALYZED, about), before->id))
                return TRUE;
        }
    }
    for (guint i = 0; i < work->audit->stores->len; i++) {
        const struct audit_store *store = work->audit->stores->pdata[i];
        for (guint j = 0; j < store->members->len; j++) {
            const struct audit_member *member = store->members->pdata[j];
            if (member->instance->host != host || member->list)
                continue;
            g_autofree char *about = about_file(host, member->path);
            if (g_str_equal(finding_id(work->audit, FINDING_UNANALYZED, about), before->id))
                return TRUE;
        }
    }
    return FALSE;
}

static void find_missing_host(struct work *work, struct audit_host *host)
{
    if (host->status == HOST_COLLECTED || host->status == HOST_LEFT_OUT)
        return;
    struct audit_finding *finding = finding_new(work->history, FINDING_HOST_MISSING, host->name);
    const char *reason = host->reason ? host->reason : "unknown";
    finding->host = host;
    finding->title = audit_textf(work->audit, "%s was %s (%s)", host->name,
                                 host->status == HOST_PARTIAL ? "collected only in part" : "not collected", reason);
    finding->detail = audit_textf(work->audit, "%s%s%s", host->message ? host->message : reason,
                                  host->owner ? ". To be asked: " : "", host->owner ? host->owner : "");
    add(work, finding);
}

/* What the previous audit found and tonight's facts do not show. */

/* The hosts that would have to be looked at to know that the finding is gone. */
static GPtrArray *hosts_of(const struct audit_finding *before)
{
    GPtrArray *hosts = g_ptr_array_new();
    if (before->host)
        g_ptr_array_add(hosts, before->host);
    for (guint i = 0; i < before->failures->len; i++) {
        const struct audit_failure *failure = before->failures->pdata[i];
        if (failure->instance)
            g_ptr_array_add(hosts, failure->instance->host);
    }
    for (guint i = 0; hosts->len == 0 && i < before->stores->len; i++) {
        const struct audit_store *store = before->stores->pdata[i];
        for (guint j = 0; j < store->members->len; j++)
            g_ptr_array_add(hosts, ((const struct audit_member *)store->members->pdata[j])->instance->host);
    }
    return hosts;
}

static gboolean was_looked_at(const struct work *work, const struct audit_finding *before, const GPtrArray *hosts)
{
    for (guint i = 0; i < hosts->len; i++)
        if (!history_is_collected(work->history, hosts->pdata[i]))
            return FALSE;
    if (hygiene_made(before->kind))
        return hygiene_was_looked_at(work->history, before);
    if (before->kind == FINDING_UNANALYZED)
        return before->host && !is_file_unread(work, before);
    if (before->kind == FINDING_TLS_FAILURE && (!were_traces_read(work, before) || !before->cert))
        return were_traces_read(work, before);
    for (guint i = 0; i < before->stores->len; i++)
        if (!finding_was_read(work->history, before->stores->pdata[i], before->cert))
            return FALSE;
    return TRUE;
}

static gboolean is_forgotten(const struct work *work, const GPtrArray *hosts)
{
    for (guint i = 0; i < hosts->len; i++)
        if (!history_forgets_host(work->history, hosts->pdata[i]))
            return FALSE;
    return TRUE;
}

/* What expires soon becomes what has expired, and that is another finding. */
static gboolean is_outgrown(struct work *work, const struct audit_finding *before, GHashTable *tonight)
{
    if (before->kind != FINDING_EXPIRING || !before->cert)
        return FALSE;
    g_autofree char *key = identify_cert(before->cert);
    return g_hash_table_contains(tonight, finding_id(work->audit, FINDING_EXPIRED, key));
}

/* ${note} is a sentence behind the detail of a fixed one, or NULL. */
static void carry(struct work *work, const struct audit_finding *before, gboolean fixed, const char *note)
{
    static const char unseen[] = " Not looked at in this audit.";
    struct audit *audit = work->audit;
    struct audit_finding *finding = audit_finding_new(audit);
    const char *detail = before->detail ? before->detail : "";

    finding->id = audit_text(audit, before->id);
    finding->kind = before->kind;
    finding->severity = before->severity;
    finding->title = audit_text(audit, before->title);
    finding->match = before->match;
    finding_follow(finding, before, audit->evaluated);
    if (fixed) {
        finding->state = STATE_FIXED;
        finding->last_seen = before->last_seen;
        finding->detail = note ? audit_textf(audit, "%s %s", detail, note) : audit_text(audit, before->detail);
    } else {
        finding->detail = audit_textf(audit, "%s%s", detail, g_str_has_suffix(detail, unseen) ? "" : unseen);
    }
    finding->cert = history_cert(work->history, before->cert);
    finding->subject = audit_text(audit, before->subject);
    finding->host = history_host(work->history, before->host);
    for (guint i = 0; i < before->stores->len; i++) {
        const struct audit_store *from = before->stores->pdata[i];
        struct audit_store *store =
            fixed ? history_find_store(work->history, from->label) : history_store(work->history, from);
        if (store)
            g_ptr_array_add(finding->stores, store);
    }
    for (guint i = 0; i < before->steps->len; i++)
        g_ptr_array_add(finding->steps, (void *)audit_text(audit, before->steps->pdata[i]));
    g_ptr_array_add(audit->findings, finding);
}

/* Whether tonight's traces name the certificate for each of the failures that did not. */
static gboolean is_named(const struct work *work, const struct audit_finding *before)
{
    for (guint i = 0; i < before->failures->len; i++) {
        const struct audit_failure *failure = before->failures->pdata[i];
        if (failure->cause != CAUSE_UNTRUSTED_PEER || !anchors_find_whole(work->history, failure))
            return FALSE;
    }
    return before->kind == FINDING_TLS_FAILURE && before->failures->len > 0;
}

static void carry_unseen(struct work *work, const struct audit_finding *before, const GPtrArray *hosts)
{
    gboolean named = is_named(work, before);
    carry(work, before, was_looked_at(work, before, hosts),
          named ? "The trace names the missing certificate now, which has a finding of its own." : NULL);
}

static void carry_all(struct work *work)
{
    const struct audit *previous = work->history->previous;
    g_autoptr(GHashTable) tonight = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < work->audit->findings->len; i++)
        g_hash_table_add(tonight, (void *)((struct audit_finding *)work->audit->findings->pdata[i])->id);
    for (guint i = 0; previous && i < previous->findings->len; i++) {
        const struct audit_finding *before = previous->findings->pdata[i];
        if (audit_finding_kind_is_missing(before->kind) || before->kind == FINDING_HOST_MISSING ||
            before->state == STATE_FIXED || g_hash_table_contains(tonight, before->id) ||
            is_outgrown(work, before, tonight))
            continue;
        g_autoptr(GPtrArray) hosts = hosts_of(before);
        if (demands_made(before->kind) && !demands_ask(work->policy, before))
            carry(work, before, TRUE, "The policy does not ask for it any more.");
        else if (!is_forgotten(work, hosts))
            carry_unseen(work, before, hosts);
    }
}

static void find_missing_hosts(struct work *work)
{
    const struct audit *previous = work->history->previous;

    for (guint i = 0; previous && i < previous->findings->len; i++) {
        const struct audit_finding *before = previous->findings->pdata[i];
        if (before->kind != FINDING_HOST_MISSING || before->state == STATE_FIXED || !before->host)
            continue;
        if (history_is_left_out(work->history, before->host))
            carry(work, before, FALSE, NULL);
        else if (!history_forgets_host(work->history, before->host) &&
                 history_host(work->history, before->host)->status == HOST_COLLECTED)
            carry(work, before, TRUE, NULL);
    }
    for (guint i = 0; i < work->audit->hosts->len; i++)
        find_missing_host(work, work->audit->hosts->pdata[i]);
}

void findings_make(struct landscape *landscape, struct history *history, const struct policy *policy)
{
    g_autoptr(GHashTable) terse = hygiene_terse(landscape->audit);
    struct work work = {landscape, history, landscape->audit, policy, terse};

    anchors_find(landscape, history);
    find_failures(&work);
    find_ends(&work);
    find_drift(&work);
    find_unreadable(&work);
    find_unanalyzed(&work);
    demands_find(landscape, history, policy);
    hygiene_find(history, terse);
    carry_all(&work);
    find_missing_hosts(&work);
    waivers_apply(landscape->audit, policy);
    plan_make(landscape); /* what is waived or distrusted is not going to be imported */
}
