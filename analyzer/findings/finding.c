#include "finding.h"

#include "moment.h"
#include "peers.h"
#include "text.h"

#include <openssl/evp.h>
#include <string.h>

/* Identity and state. */

const char *finding_id(struct audit *audit, enum audit_finding_kind kind, const char *about)
{
    g_autofree char *text = g_strconcat(audit_finding_kind_name(kind), "\n", about, NULL);
    unsigned char value[EVP_MAX_MD_SIZE];
    size_t size = 0;
    g_autoptr(GString) hex = g_string_new(NULL);

    gboolean done = EVP_Q_digest(NULL, "SHA256", NULL, text, strlen(text), value, &size) == 1;
    g_assert(done && size >= 8);
    text_hex(hex, value, 8);
    return audit_text(audit, hex->str);
}

char *finding_place(const struct audit_store *store, const struct audit_instance *instance)
{
    if (store)
        return g_strconcat("store ", store->label, NULL);
    return g_strconcat("instance ", instance->host->name, "\n", instance->path, NULL);
}

void finding_follow(struct audit_finding *finding, const struct audit_finding *before, int64_t at)
{
    finding->state = history_state(before ? &before->state : NULL);
    finding->first_seen = before && before->first_seen != MOMENT_NONE ? before->first_seen : at;
    finding->last_seen = at;
}

struct audit_finding *finding_new(struct history *history, enum audit_finding_kind kind, const char *about)
{
    static const enum audit_severity severities[] = {
        [FINDING_MISSING_ANCHOR] = SEVERITY_HIGH,   [FINDING_UNKNOWN_ISSUER] = SEVERITY_HIGH,
        [FINDING_TLS_FAILURE] = SEVERITY_MEDIUM,    [FINDING_EXPIRED] = SEVERITY_INFO,
        [FINDING_EXPIRING] = SEVERITY_LOW,          [FINDING_DRIFT] = SEVERITY_MEDIUM,
        [FINDING_STORE_UNREADABLE] = SEVERITY_LOW,  [FINDING_TRACE_DETAIL] = SEVERITY_MEDIUM,
        [FINDING_TRACE_LEVEL] = SEVERITY_LOW,       [FINDING_TRACE_ROTATION] = SEVERITY_LOW,
        [FINDING_POLICY_MISSING] = SEVERITY_MEDIUM, [FINDING_DISTRUSTED] = SEVERITY_HIGH,
        [FINDING_WEAK_CERTIFICATE] = SEVERITY_LOW,  [FINDING_END_ENTITY] = SEVERITY_LOW,
        [FINDING_HOST_MISSING] = SEVERITY_MEDIUM,   [FINDING_UNANALYZED] = SEVERITY_HIGH,
    };
    struct audit *audit = history->audit;
    struct audit_finding *finding = audit_finding_new(audit);
    finding->id = finding_id(audit, kind, about);
    finding->kind = kind;
    finding->severity = severities[kind];
    finding->match = MATCH_NONE;
    finding_follow(finding, history_before(history, finding->id), audit->evaluated);
    return finding;
}

/* What was there the night before and may still be. */

/* A listing shows no own certificate. */
static gboolean may_have_own(const struct audit_member *member, const struct audit_member *before,
                             const struct audit_cert *cert)
{
    return !member->own && cert && (before->own == cert || (!before->own && before->reading == READING_NONE));
}

gboolean finding_was_read(const struct history *history, const struct audit_store *before,
                          const struct audit_cert *cert)
{
    const struct audit_store *store = history_find_store(history, before->label);

    for (guint i = 0; store && i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        if (!audit_member_is_whole(member) && g_strcmp0(member->reason, HISTORY_GONE) != 0)
            return FALSE;
    }
    for (guint i = 0; store && i < before->members->len; i++) {
        const struct audit_member *member = history_find_member(store, before->members->pdata[i]);
        if (member && member->list && may_have_own(member, before->members->pdata[i], cert))
            return FALSE;
    }
    return TRUE;
}

const char *finding_keep_unread(struct history *history, struct audit_finding *finding,
                                const struct audit_finding *before)
{
    guint kept = 0;

    for (guint i = 0; before && before->state != STATE_FIXED && i < before->stores->len; i++) {
        const struct audit_store *from = before->stores->pdata[i];
        struct audit_store *store = history_find_store(history, from->label);
        if (!store || finding_was_read(history, from, before->cert) || g_ptr_array_find(finding->stores, store, NULL))
            continue;
        g_ptr_array_add(finding->stores, store);
        finding->severity = MAX(finding->severity, before->severity);
        kept++;
    }
    return kept == 0
               ? ""
               : audit_textf(history->audit,
                             " %u of these trust stores had it in the previous audit and could not be wholly read "
                             "for this one.",
                             kept);
}

/* How often and with whom; what it means is said by the advice of each failure. */
const char *finding_sum(struct audit *audit, const GPtrArray *failures)
{
    g_autoptr(GString) names = g_string_new(NULL);
    unsigned count = 0;
    struct peers peers;

    peers_init(&peers);
    for (guint i = 0; i < failures->len; i++) {
        const struct audit_failure *failure = failures->pdata[i];
        count += failure->count;
        peers_add(&peers, failure);
    }
    peers_append(&peers, names);
    const char *label = peers.names->len == 0 ? "" : peers.names->len == 1 ? "; peer: " : "; peers: ";
    peers_clear(&peers);
    return audit_textf(audit, "%u failed connection%s%s%s.", count, count == 1 ? "" : "s", label, names->str);
}
