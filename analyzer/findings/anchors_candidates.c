#include "anchors_need.h"

#include "finding.h"
#include "moment.h"

/* How a reader finds it among the candidates, which have one name. */
static char *name_of(const struct audit_cert *cert)
{
    char until[MOMENT_TEXT_BYTES];
    const char *end = cert->not_after == MOMENT_NONE ? "an unknown time" : moment_format(until, cert->not_after);
    return cert->serial ? g_strdup_printf("serial number %s, valid until %s", cert->serial, end)
                        : g_strdup_printf("valid until %s", end);
}

struct holding { /* of a candidate by the files that count for a gap */
    gboolean any, all;
    gboolean older; /* all of these files are older than the last failure */
    gboolean newer; /* all of them are newer */
};

static struct holding look_for(const struct spot *spot, const struct audit_cert *cert)
{
    struct holding holding = {.all = TRUE, .older = TRUE, .newer = TRUE};
    const GPtrArray *members = spot->gap->store->members;
    int64_t last = spot->gap->last;

    for (guint i = 0; i < members->len; i++) {
        const struct audit_member *member = members->pdata[i];
        if (g_hash_table_size(spot->members) > 0 && !g_hash_table_contains(spot->members, member))
            continue;
        if (!member->list || !audit_list_has(member->list, cert)) {
            holding.all = FALSE;
            continue;
        }
        gboolean known = last != MOMENT_NONE && member->modified != MOMENT_NONE;
        holding.any = TRUE;
        holding.older = holding.older && known && last - LANDSCAPE_CLOCK_CHANGE_S > member->modified;
        holding.newer = holding.newer && known && last < member->modified;
    }
    return holding;
}

static const char *say_tried(const struct anchors *anchors, const struct need *need, const struct spot *spot)
{
    const GPtrArray *candidates = need->finding->candidates;
    char last[MOMENT_TEXT_BYTES];

    moment_format(last, spot->gap->last);
    if (spot->tried->len == candidates->len)
        return audit_textf(anchors->audit,
                           "The list holds %s, and connections failed after its file was written (the last at %s). So "
                           "none of them helps, or the ICM has not been told of the list.",
                           candidates->len == 1 ? "the only candidate" : "all candidates", last);
    g_autofree char *first = name_of(spot->tried->pdata[0]);
    g_autofree char *more = spot->tried->len > 1 ? g_strdup_printf(" and %u more", spot->tried->len - 1) : g_strdup("");
    return audit_textf(anchors->audit,
                       "The list already holds the candidate with %s%s, and connections failed after its file was "
                       "written (the last at %s). So the missing one is probably another candidate.",
                       first, more, last);
}

void anchors_weigh_candidates(struct anchors *anchors, const struct need *need, struct spot *spot)
{
    const GPtrArray *candidates = need->finding->candidates;
    const struct audit_cert *fresh = NULL;

    spot->tried = g_ptr_array_new();
    for (guint i = 0; spot->gap->store && !need->finding->cert && i < candidates->len; i++) {
        struct holding holding = look_for(spot, candidates->pdata[i]);
        if (holding.any && holding.all && holding.older)
            g_ptr_array_add(spot->tried, candidates->pdata[i]);
        else if (holding.any && holding.all && holding.newer && !fresh)
            fresh = candidates->pdata[i];
    }
    if (spot->tried->len > 0) {
        spot->weighed = say_tried(anchors, need, spot);
    } else if (fresh) {
        g_autofree char *name = name_of(fresh);
        spot->weighed = audit_textf(anchors->audit,
                                    "The list holds the candidate with %s, in a file that is newer than the last "
                                    "failure. Whether it is the missing one is not known before connections succeed "
                                    "or fail.",
                                    name);
    }
}

/* Of the lists by their ids: whether they have the certificate. */
static uint8_t *look_into_lists(const struct anchors *anchors, const struct audit_cert *cert)
{
    const GPtrArray *lists = anchors->audit->lists;
    uint8_t *held = g_malloc0(lists->len + 1);
    for (guint i = 0; i < lists->len; i++)
        held[((const struct audit_list *)lists->pdata[i])->id] = audit_list_has(lists->pdata[i], cert) != 0;
    return held;
}

static void append_holders(GString *text, const struct anchors *anchors, const struct audit_cert *cert)
{
    g_autofree uint8_t *lists = look_into_lists(anchors, cert);
    g_autofree char *name = name_of(cert);
    const struct audit_store *last = NULL;
    guint count = 0;

    g_string_append_printf(text, " The candidate with %s is ", name);
    for (guint i = 0; i < anchors->copies->len; i++) {
        const struct copy *copy = &g_array_index(anchors->copies, struct copy, i);
        if (!lists[copy->list] || copy->store == last)
            continue;
        last = copy->store;
        if (++count <= FINDING_NAMED)
            g_string_append_printf(text, "%s%s", count == 1 ? "held by " : ", ", last->label);
    }
    if (count > FINDING_NAMED)
        g_string_append_printf(text, " and %u more", count - FINDING_NAMED);
    g_string_append(text, count > 0                   ? "."
                          : cert->references->len > 0 ? "in the references only."
                                                      : "in no trust list that was read.");
}

void anchors_append_candidates(GString *text, const struct anchors *anchors, const struct need *need)
{
    const GPtrArray *candidates = need->finding->candidates;
    if (need->finding->cert)
        return;
    for (guint i = 0; i < MIN(candidates->len, FINDING_NAMED); i++)
        append_holders(text, anchors, candidates->pdata[i]);
}

gboolean anchors_is_ruled_out(const struct need *need, const struct audit_cert *candidate)
{
    gboolean open = FALSE;
    for (guint i = 0; i < need->order->len; i++) {
        const struct spot *spot = need->order->pdata[i];
        if (spot->gap->state == STATE_FIXED)
            continue;
        open = TRUE;
        if (!g_ptr_array_find(spot->tried, candidate, NULL))
            return FALSE;
    }
    return open;
}
