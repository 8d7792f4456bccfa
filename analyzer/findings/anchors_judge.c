#include "anchors_need.h"

#include "finding.h"
#include "moment.h"
#include "sap.h"

#include <string.h>

struct tally { /* of PSE files that a gap is about */
    unsigned have, lack, unread;
    unsigned some;      /* of those that lack: hold one of several candidates */
    int64_t modified;   /* the latest of those that have it or some */
    const char *reason; /* of one that was not read */
    gboolean gone;      /* all are gone from collected hosts */
    GPtrArray *lists;   /* of struct audit_list *: those that lack it, each once */
    int64_t written;    /* the earliest of the files with these; MOMENT_NONE: of one it is not known */
};

static void count_lacking(struct tally *tally, const struct audit_member *member)
{
    tally->lack++;
    if (!g_ptr_array_find(tally->lists, member->list, NULL))
        g_ptr_array_add(tally->lists, member->list);
    tally->written = tally->lack == 1 ? member->modified : MIN(tally->written, member->modified);
}

static void count_member(struct tally *tally, const struct need *need, const struct audit_member *member)
{
    uint8_t held = member->list ? need->lists[member->list->id] : 0;
    if (g_strcmp0(member->reason, HISTORY_GONE) == 0)
        return;
    tally->gone = FALSE;
    if (held)
        tally->modified = MAX(tally->modified, member->modified);
    if (held & HOLDS_ALL) {
        tally->have++;
    } else if (!audit_member_is_whole(member)) {
        tally->unread++;
        tally->reason = tally->reason ? tally->reason : member->reason;
    } else {
        count_lacking(tally, member);
        tally->some += (held & HOLDS_ONE) != 0;
    }
}

static const char left_out_note[] = "The host was left out of this run on purpose (--limit) and was not looked at.";

/* Of a file that no failures are seen with only this counts: nobody knows whether the store holds it everywhere. */
static void count_unread(struct tally *tally, const struct need *need, const struct audit_member *member)
{
    uint8_t held = member->list ? need->lists[member->list->id] : 0;
    if (!(held & HOLDS_ALL) && !audit_member_is_whole(member) && g_strcmp0(member->reason, HISTORY_GONE) != 0)
        count_member(tally, need, member);
}

static const char *date(char text[MOMENT_TEXT_BYTES], int64_t moment)
{
    return moment == MOMENT_NONE ? "an unknown time" : moment_format(text, moment);
}

static gboolean is_after(int64_t failure, int64_t modified)
{
    return failure != MOMENT_NONE && modified != MOMENT_NONE && failure - LANDSCAPE_CLOCK_CHANGE_S > modified;
}

static gboolean is_heard(const struct anchors *anchors, const GPtrArray *failures, gboolean before, int64_t since)
{
    for (guint i = 0; i < failures->len; i++) {
        const struct audit_instance *instance = ((const struct audit_failure *)failures->pdata[i])->instance;
        if (!history_is_heard_since(anchors->history, before ? history_instance(anchors->history, instance) : instance,
                                    since))
            return FALSE;
    }
    return TRUE;
}

/* Whether it is known that nothing has failed since: by the instances that failed, or if nobody knows which, by all. */
static gboolean would_have_failed(const struct anchors *anchors, const struct spot *spot, int64_t since)
{
    const struct audit_gap *gap = spot->gap;
    const GPtrArray *before = spot->before ? spot->before->failures : NULL;

    if (gap->instance)
        return history_is_heard_since(anchors->history, gap->instance, since);
    if (!is_heard(anchors, gap->failures, FALSE, since) || (before && !is_heard(anchors, before, TRUE, since)))
        return FALSE;
    if (gap->failures->len > 0 || (before && before->len > 0))
        return TRUE;
    for (guint i = 0; i < gap->store->members->len; i++)
        if (!history_is_heard_since(anchors->history,
                                    ((const struct audit_member *)gap->store->members->pdata[i])->instance, since))
            return FALSE;
    return TRUE;
}

/* A file that failures of the previous audit were seen with, and whose host tonight may have it, unseen. */
static const char *blind_before(const struct anchors *anchors, const struct spot *spot)
{
    for (guint i = 0; spot->before && i < spot->before->failures->len; i++) {
        const struct audit_failure *failure = spot->before->failures->pdata[i];
        const struct audit_instance *instance = history_instance(anchors->history, failure->instance);
        gboolean shown = FALSE;
        for (guint j = 0; j < spot->gap->store->members->len; j++)
            shown = shown || ((const struct audit_member *)spot->gap->store->members->pdata[j])->instance == instance;
        if (!shown && instance->host->status == HOST_LEFT_OUT)
            return HISTORY_LEFT_OUT;
        if (!shown && !audit_host_is_listed(instance->host))
            return HISTORY_NOT_COLLECTED;
        if (!shown && instance->seen != MOMENT_NONE)
            return HISTORY_NOT_FOUND;
        if (!shown && !history_is_heard(anchors->history, instance))
            return "one of its files was not found, and the trace was not read";
    }
    return NULL;
}

/* Of several candidates one was imported since the previous audit, and nothing has failed after that. */
static gboolean is_chosen(const struct anchors *anchors, const struct need *need, const struct spot *spot,
                          const struct tally *tally)
{
    const struct audit_gap *gap = spot->gap;
    if (tally->some < tally->lack || tally->unread > 0 || !spot->before ||
        !would_have_failed(anchors, spot, tally->written) ||
        (gap->last != MOMENT_NONE && (tally->written == MOMENT_NONE || gap->last > tally->written)))
        return FALSE;
    if (spot->before->state == STATE_FIXED)
        return TRUE;
    for (guint i = 0; i < need->finding->candidates->len; i++) {
        const struct audit_cert *cert = need->finding->candidates->pdata[i];
        if (audit_store_holds(gap->store, cert) && history_lacked(anchors->history, gap->store->label, cert))
            return TRUE;
    }
    return FALSE;
}

/*
 * Another anchor heals as well (the same CA before it was cross-signed, an intermediate), and where one was imported
 * the list still lacks this one.  So a list with a path counts as mended, if nothing has failed since its file was
 * written.
 */
static gboolean is_healed_otherwise(struct anchors *anchors, const struct need *need, struct spot *spot,
                                    const struct tally *tally)
{
    struct audit_gap *gap = spot->gap;
    char when[MOMENT_TEXT_BYTES];
    const struct audit_cert *anchor = anchors_prove(anchors, need, spot, tally->lists);

    if (!anchor)
        return FALSE;
    gboolean known = gap->last != MOMENT_NONE && tally->written != MOMENT_NONE;
    if (tally->unread > 0 || !known || !would_have_failed(anchors, spot, tally->written)) {
        gap->path =
            audit_textf(anchors->audit,
                        "%s It is not known whether connections have failed since the list was written.", gap->path);
        return FALSE;
    }
    if (gap->last > tally->written) {
        gap->path = audit_textf(anchors->audit,
                                "%s Connections failed all the same: the ICM may not have been told of the list, or "
                                "SAP's library does not find this path.",
                                gap->path);
        return FALSE;
    }
    gap->note =
        audit_textf(anchors->audit, "The list holds \"%s\" instead, in the file of %s, and nothing has failed since.",
                    anchor->subject ? anchor->subject : "", moment_format(when, tally->written));
    return TRUE;
}

/* What to say where every file that failures are seen with holds it, and was written before the last of them; or NULL.
 */
static const char *untold(const struct anchors *anchors, const struct spot *spot, const struct tally *failing)
{
    char when[MOMENT_TEXT_BYTES], last[MOMENT_TEXT_BYTES];

    if (spot->blind || failing->have == 0 || failing->lack + failing->unread > 0 ||
        !is_after(spot->gap->last, failing->modified))
        return NULL;
    return audit_textf(anchors->audit,
                       "The list holds it now, in the file of %s, but the last failure (%s) is newer: the ICM may not "
                       "have been told.",
                       date(when, failing->modified), date(last, spot->gap->last));
}

/*
 * What to say where the files that connections failed with held it already by then, so something else was wrong, and
 * nobody knows whether it still is; or NULL.
 */
static const char *held_note(const struct anchors *anchors, const struct spot *spot, const struct tally *tally)
{
    const struct audit_gap *gap = spot->gap;
    char when[MOMENT_TEXT_BYTES], last[MOMENT_TEXT_BYTES];

    if (gap->failures->len > 0 || !spot->before || spot->before->state == STATE_FIXED ||
        !is_after(gap->last, tally->modified) || would_have_failed(anchors, spot, gap->last))
        return NULL;
    return audit_textf(anchors->audit,
                       "The list holds it, in the file of %s, but the last failure (%s) is newer, and the traces were "
                       "not read to their ends tonight.",
                       date(when, tally->modified), date(last, gap->last));
}

static const char *unread_note(const struct anchors *anchors, const struct tally *tally)
{
    const char *some = tally->have > 0 ? "Some of its files hold it, but not all were read: " : "";
    if (g_strcmp0(tally->reason, HISTORY_LEFT_OUT) == 0)
        return tally->have > 0 ? audit_textf(anchors->audit, "%sa host was left out of this run on purpose.", some)
                               : left_out_note;
    if (g_strcmp0(tally->reason, HISTORY_NOT_COLLECTED) == 0)
        return tally->have > 0 ? audit_textf(anchors->audit, "%sa host was not collected tonight.", some)
                               : "The host was not collected tonight.";
    if (g_strcmp0(tally->reason, HISTORY_NOT_FOUND) == 0)
        return tally->have > 0 ? audit_textf(anchors->audit, "%san instance was not found on its host tonight.", some)
                               : "The instance was not found on its host tonight.";
    return audit_textf(anchors->audit, tally->have > 0 ? "%sone was not (%s)." : "%sThe list was not read (%s).", some,
                       tally->reason ? tally->reason : "incomplete");
}

/* What the previous audit read stays true until something else is seen. */
static gboolean is_still_fixed(const struct need *need, const struct spot *spot)
{
    const struct audit_gap *before = spot->before;
    return need->finding->cert && before && before->state == STATE_FIXED && !spot->lost && before->failures->len > 0 &&
           spot->gap->last <= before->last && spot->gap->count <= before->count;
}

static void judge_store(struct anchors *anchors, struct need *need, struct spot *spot)
{
    struct audit_gap *gap = spot->gap;
    g_autoptr(GPtrArray) lists = g_ptr_array_new();
    struct tally tally = {.modified = MOMENT_NONE, .gone = TRUE, .lists = lists}, failing = tally;
    gboolean tonight = gap->failures->len > 0;
    char when[MOMENT_TEXT_BYTES];

    /*
     * An open gap of the night before may be about files that are silent tonight, and which these are is not known when
     * a night was not seen, so then all of them count.  What is fixed stays so if one that never failed is not read.
     */
    gboolean followed = spot->before && (spot->before->state != STATE_FIXED || spot->lost);
    for (guint i = 0; i < gap->store->members->len; i++) {
        const struct audit_member *member = gap->store->members->pdata[i];
        gboolean failed = g_hash_table_contains(spot->members, member);
        if (failed)
            count_member(&failing, need, member);
        if (failed || followed || g_hash_table_size(spot->members) == 0)
            count_member(&tally, need, member);
        else if (!spot->before)
            count_unread(&tally, need, member);
    }
    const char *blind = spot->blind ? "one of its files was not found" : blind_before(anchors, spot);
    if (blind) {
        tally.unread++;
        tally.reason = blind;
        tally.gone = FALSE;
    }
    spot->untold = untold(anchors, spot, &failing);
    gap->basis = BASIS_SEEN;
    gap->state = STATE_OPEN;
    if (tally.gone) {
        gap->state = STATE_FIXED;
        gap->note = "The PSE is not there any more.";
    } else if (tally.lack > 0 && is_chosen(anchors, need, spot, &tally)) {
        gap->state = STATE_FIXED;
        gap->note = "One of the candidates was imported since, and nothing has failed after that.";
    } else if (tally.lack > 0 && is_healed_otherwise(anchors, need, spot, &tally)) {
        gap->state = STATE_FIXED;
    } else if (tally.lack > 0) {
        if (tally.have > 0)
            gap->note = FINDING_SOME_HAVE_IT;
        else if (spot->weighed)
            gap->note = spot->weighed;
        else if (spot->lost)
            gap->note = FINDING_LOST_AGAIN;
        else if (!tonight)
            gap->note = "Tonight's traces are silent, but the list still lacks it.";
    } else if ((tally.have == 0 || tally.unread > 0) && is_still_fixed(need, spot)) {
        gap->state = STATE_FIXED;
        gap->note = "The list held it in the previous audit. It was not wholly read tonight, and nothing has failed "
                    "since.";
    } else if (tally.have == 0 || tally.unread > 0) {
        gap->basis = BASIS_SEEN_UNREAD;
        anchors_prove(anchors, need, spot, lists); /* which are none */
        gap->note = unread_note(anchors, &tally);
    } else if (spot->weighed && spot->tried->len > 0) {
        gap->note = spot->weighed;
    } else if ((gap->note = held_note(anchors, spot, &tally)) == NULL) {
        gap->state = STATE_FIXED;
        gap->note = spot->untold ? spot->untold
                                 : audit_textf(anchors->audit, "The list holds it now, in the file of %s.",
                                               date(when, tally.modified));
    }
}

/* Failures whose PSE is not known: one of the instance, of the kind that fits the direction. */

static void index_members(struct anchors *anchors)
{
    if (anchors->by_instance)
        return;
    anchors->by_instance = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    for (guint i = 0; i < anchors->audit->stores->len; i++) {
        const struct audit_store *store = anchors->audit->stores->pdata[i];
        for (guint j = 0; sap_pse_is_tls(store->file) && j < store->members->len; j++) {
            struct audit_member *member = store->members->pdata[j];
            GPtrArray *members = g_hash_table_lookup(anchors->by_instance, member->instance);
            if (!members) {
                members = g_ptr_array_new();
                g_hash_table_insert(anchors->by_instance, member->instance, members);
            }
            g_ptr_array_add(members, member);
        }
    }
}

/* Of the failures of tonight, or else of the night before; ROLE_UNKNOWN also if they differ. */
static enum audit_role role_of(const struct spot *spot)
{
    const GPtrArray *failures = spot->gap->failures->len > 0 ? spot->gap->failures
                                : spot->before               ? spot->before->failures
                                                             : NULL;
    enum audit_role role = ROLE_UNKNOWN;

    for (guint i = 0; failures && i < failures->len; i++) {
        const struct audit_failure *failure = failures->pdata[i];
        if (i > 0 && failure->role != role)
            return ROLE_UNKNOWN;
        role = failure->role;
    }
    return role;
}

static gboolean fits_role(const struct audit_member *member, enum audit_role role)
{
    gboolean server = sap_pse_side(member->path) == SAP_SIDE_SERVER;
    return role == ROLE_UNKNOWN || server == (role == ROLE_SERVER);
}

/* Whether a trace of the instance shows tonight that it lacks the certificate, and names the PSE. */
static gboolean fails_elsewhere(const struct need *need, const struct audit_instance *instance)
{
    for (guint i = 0; i < need->order->len; i++) {
        const struct spot *spot = need->order->pdata[i];
        for (guint j = 0; spot->gap->store && j < spot->gap->failures->len; j++)
            if (((const struct audit_failure *)spot->gap->failures->pdata[j])->instance == instance)
                return TRUE;
    }
    return FALSE;
}

static void judge_instance(struct anchors *anchors, struct need *need, struct spot *spot)
{
    struct audit_gap *gap = spot->gap;
    g_autoptr(GPtrArray) lists = g_ptr_array_new(), none = g_ptr_array_new();
    struct tally tally = {.modified = MOMENT_NONE, .gone = TRUE, .lists = lists};
    gboolean elsewhere = gap->failures->len == 0 && fails_elsewhere(need, gap->instance);
    gboolean tonight = gap->failures->len > 0 || elsewhere;
    enum audit_role role = role_of(spot);

    index_members(anchors);
    const GPtrArray *members = g_hash_table_lookup(anchors->by_instance, gap->instance);
    for (guint i = 0; members && i < members->len; i++)
        if (fits_role(members->pdata[i], role))
            count_member(&tally, need, members->pdata[i]);
    gap->basis = BASIS_SEEN_UNKNOWN;
    gap->state = STATE_OPEN;
    /* Whichever it was, it has it now; or one has it, and nothing has failed since. */
    if (tally.have > 0 && !is_after(gap->last, tally.modified) &&
        (tonight ? tally.lack + tally.unread == 0 : would_have_failed(anchors, spot, tally.modified))) {
        gap->state = STATE_FIXED;
        gap->note = tonight ? "Every PSE of the instance that it can have been holds it now."
                            : "A PSE of the instance holds it now, and tonight's traces are silent.";
    } else if (tonight && tally.have > 0 && tally.lack + tally.unread == 0) {
        gap->note =
            "Every PSE of the instance that it can have been holds it, but the last failure is newer: the ICM may "
            "not have been told.";
    } else if (elsewhere) {
        gap->note = "Tonight's trace shows failures of the instance with a PSE that it names. Whether this one without "
                    "a PSE is over is not known.";
    } else if (!tonight && gap->instance->host->status == HOST_LEFT_OUT) {
        gap->note = left_out_note;
    } else if (!tonight && !audit_host_is_listed(gap->instance->host)) {
        gap->note = "The host was not collected tonight.";
    } else if (!tonight && gap->instance->seen != MOMENT_NONE) {
        gap->note = "The instance was not found on its host tonight.";
    } else if (!tonight && !would_have_failed(anchors, spot, gap->last)) {
        gap->note = "The traces of the instance were not read to their ends tonight.";
    } else if (!tonight && tally.have > 0) {
        gap->note = "Tonight's traces are silent, and a PSE of the instance holds it, but in a file that is older than "
                    "the last failure.";
    } else if (!tonight) {
        gap->note = "Tonight's traces are silent, but no PSE of the instance holds it.";
    }
    if (gap->state != STATE_FIXED)
        anchors_prove(anchors, need, spot, none);
}

void anchors_judge(struct anchors *anchors, struct need *need, struct spot *spot)
{
    struct audit_gap *gap = spot->gap;

    gap->first_seen = spot->before ? spot->before->first_seen : anchors->audit->evaluated;
    anchors_weigh_candidates(anchors, need, spot);
    if (spot->superseded) {
        gap->basis = gap->store ? BASIS_SEEN : BASIS_SEEN_UNKNOWN;
        gap->state = STATE_FIXED;
        gap->note = spot->superseded;
    } else if (gap->store)
        judge_store(anchors, need, spot);
    else
        judge_instance(anchors, need, spot);
    if (gap->state == STATE_FIXED)
        return;
    gap->state = history_state(spot->before ? &spot->before->state : NULL);
}
