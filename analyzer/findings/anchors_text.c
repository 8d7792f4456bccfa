#include "anchors_need.h"

#include "finding.h"
#include "identify.h"
#include "moment.h"
#include "path.h"
#include "peers.h"
#include "remedy.h"
#include "sap.h"

#include <string.h>

static const char *short_name(struct anchors *anchors, const char *name)
{
    g_autofree char *text = identify_short(name);
    return audit_text(anchors->audit, text);
}

static char *place_name(const struct audit_gap *gap)
{
    if (gap->store)
        return g_strdup(gap->store->label);
    g_autofree char *instance = remedy_instance(gap->instance);
    return g_strdup_printf("%s (PSE not known)", instance);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void append_names(GString *text, const GPtrArray *names)
{
    guint shown = MIN(names->len, FINDING_NAMED);
    for (guint i = 0; i < shown; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (const char *)names->pdata[i]);
    if (names->len > shown)
        g_string_append_printf(text, " and %u more", names->len - shown);
}

static void append_peers(GString *text, const struct audit_finding *finding)
{
    struct peers peers;

    peers_init(&peers);
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        for (guint j = 0; j < gap->failures->len; j++)
            peers_add(&peers, gap->failures->pdata[j]);
    }
    if (peers.names->len > 0) {
        g_ptr_array_sort(peers.names, compare_names);
        g_string_append(text, peers.names->len == 1 ? " Peer: " : " Peers: ");
        peers_append(&peers, text);
        g_string_append_c(text, '.');
    }
    peers_clear(&peers);
}

static const char *span_of(struct anchors *anchors, const struct audit_cert *cert)
{
    char from[MOMENT_TEXT_BYTES], until[MOMENT_TEXT_BYTES];
    return audit_textf(anchors->audit, "%s to %s",
                       cert->not_before != MOMENT_NONE ? moment_format(from, cert->not_before) : "an unknown time",
                       cert->not_after != MOMENT_NONE ? moment_format(until, cert->not_after) : "an unknown time");
}

/* How the trace tells that it is this one. */
static void append_told(GString *text, const struct audit_finding *finding)
{
    switch (finding->certainty) {
    case CERTAINTY_NAMED:
        g_string_append(text, "The trace names it as missing.");
        break;
    case CERTAINTY_SELF_SIGNED:
        g_string_append(
            text, "It is the self-signed certificate at the top of the peer's chain, so it is itself the anchor.");
        break;
    default:
        g_string_append(text, "It has issued the topmost certificate of the peer's chain that the trace shows.");
    }
}

/* How the peer told it. */
static void append_asked(GString *text, const struct audit_finding *finding)
{
    char date[MOMENT_TEXT_BYTES];

    moment_format(date, finding->asked);
    g_string_append_printf(
        text,
        "The trace does not show the peer's whole chain; the peer was asked for it through the same host "
        "at %s, and may have sent another one when the connection failed. %s",
        date,
        finding->certainty == CERTAINTY_SELF_SIGNED
            ? "It is the self-signed certificate at the top of what the peer sent."
            : "It has issued the topmost certificate of what the peer sent.");
}

static void append_evidence(GString *text, struct anchors *anchors, const struct need *need)
{
    const struct audit_finding *finding = need->finding;
    if (finding->asked == MOMENT_NONE)
        append_told(text, finding);
    else
        append_asked(text, finding);
    if (finding->subject_cut)
        g_string_append(text, " The trace cuts the name; what is known is only its beginning.");
    if (need->outdated)
        g_string_append_printf(
            text,
            " No valid path leads to \"%s\" itself, which the trace asks for (%s; its time is %s). What "
            "is to be imported here stands below it in the peer's chain, or has the name and key of "
            "one that does, and heals.",
            finding->subject, need->trouble, span_of(anchors, need->outdated));
    else if (need->substitute)
        g_string_append_printf(
            text,
            " Nobody holds \"%s\" itself, which the trace asks for. What is to be imported here stands "
            "below it in the peer's chain and heals as well, until the peer changes its chain.",
            finding->subject);
    if (finding->match == MATCH_NONE)
        g_string_append(text, " No trust list, own certificate or reference that was read has it.");
    else if (finding->cert && finding->cert->from_trace)
        g_string_append_printf(text,
                               " No trust list, own certificate or reference that was read has it; it is known "
                               "from %s.",
                               finding->cert->asked == MOMENT_NONE ? "the trace, which prints what the peer sent"
                                                                   : "the peer, which sent it when it was asked");
}

/* The root above an intermediate, if its certificates are at hand. */
static const struct audit_cert *find_root(struct anchors *anchors, const struct audit_cert *cert)
{
    for (int depth = 0; depth < PATH_DEPTH && cert && !cert->self_signed; depth++) {
        g_autoptr(GPtrArray) found = g_ptr_array_new();
        const struct audit_cert *issuer = NULL;
        if (cert->issuer)
            pool_find_subject(anchors->landscape->pool, found, cert->issuer, FALSE);
        for (guint i = 0; i < found->len; i++) {
            const struct audit_cert *other = found->pdata[i];
            if ((!issuer || other->self_signed) && other != cert && !other->from_trace &&
                pool_issued(anchors->landscape->pool, other, cert))
                issuer = other;
        }
        cert = issuer;
    }
    return cert;
}

static void append_cert(GString *text, struct anchors *anchors, const struct need *need)
{
    const struct audit_finding *finding = need->finding;
    const struct audit_cert *cert = finding->cert;
    int64_t at = anchors->audit->evaluated;
    char when[MOMENT_TEXT_BYTES];

    if (!cert)
        return;
    if (cert->not_after != MOMENT_NONE && cert->not_after < at)
        g_string_append_printf(
            text, " It has expired on %s: an import heals nothing until the peer changes to another chain.",
            moment_format(when, cert->not_after));
    else if (cert->not_before != MOMENT_NONE && cert->not_before > at)
        g_string_append_printf(text, " It is not valid before %s.", moment_format(when, cert->not_before));
    if (cert->self_signed || !cert->issuer || !cert->subject)
        return;
    if (need->outdated) { /* what stands above it heals nothing */
        g_string_append(text, " It is no root but an intermediate.");
        return;
    }
    const struct audit_cert *root = find_root(anchors, cert);
    g_string_append_printf(
        text,
        " It is no root but an intermediate, issued by \"%s\"%s. To import it heals for certain; the root "
        "alone heals only if the peer sends the intermediate.",
        cert->issuer, root ? "" : ", which nobody holds");
    if (root && g_strcmp0(root->subject, cert->issuer) != 0)
        g_string_append_printf(text, " Its root is \"%s\".", root->subject);
    if (root)
        g_string_append_printf(text, " The root is at hand (SHA-256 %s).", root->sha256);
}

/* The other SSL client PSE of the same place: a destination may use either. */
struct audit_store *anchors_sibling(const struct anchors *anchors, const struct audit_store *store)
{
    const char *sibling = sap_pse_sibling(store->file);
    if (!sibling)
        return NULL;
    size_t stem = strlen(store->label) - strlen(store->file);
    if (!g_str_has_suffix(store->label, store->file))
        return NULL;
    g_autofree char *label = g_strdup_printf("%.*s%s", (int)stem, store->label, sibling);
    return history_find_store(anchors->history, label);
}

static void append_siblings(GString *text, struct anchors *anchors, const struct need *need)
{
    const struct audit_finding *finding = need->finding;
    g_autoptr(GPtrArray) lack = g_ptr_array_new(), have = g_ptr_array_new(),
                         both = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GHashTable) gaps = g_hash_table_new(NULL, NULL); /* by store */

    for (guint i = 0; i < finding->gaps->len; i++) {
        struct audit_gap *gap = finding->gaps->pdata[i];
        g_hash_table_insert(gaps, gap->store, gap);
    }
    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        struct audit_store *sibling =
            gap->store && gap->state != STATE_FIXED ? anchors_sibling(anchors, gap->store) : NULL;
        const struct audit_gap *other = sibling ? g_hash_table_lookup(gaps, sibling) : NULL;
        if (other && other->state != STATE_FIXED && g_str_equal(gap->store->file, "SAPSSLC.pse"))
            g_ptr_array_add(both, g_strndup(gap->store->label, strlen(gap->store->label) - strlen(" SAPSSLC.pse")));
        if (!sibling || !finding->cert || other)
            continue;
        if (audit_store_holds(sibling, finding->cert))
            g_ptr_array_add(have, (void *)sibling->label);
        else if (audit_store_lacks(sibling, finding->cert))
            g_ptr_array_add(lack, (void *)sibling->label);
    }
    g_ptr_array_sort(both, compare_names);
    g_ptr_array_sort(lack, compare_names);
    g_ptr_array_sort(have, compare_names);
    if (both->len > 0) {
        g_string_append(text, " It is missing in both SSL client PSEs, SAPSSLC.pse and SAPSSLA.pse, of ");
        append_names(text, both);
        g_string_append_c(text, '.');
    }
    if (lack->len > 0) {
        g_string_append(text, " The other SSL client PSE lacks it too, though no failure shows a need: ");
        append_names(text, lack);
        g_string_append_c(text, '.');
    }
    if (have->len > 0) {
        g_string_append(text, " The other SSL client PSE has it: ");
        append_names(text, have);
        g_string_append_c(text, '.');
    }
}

static const char *title_of(struct anchors *anchors, const struct need *need)
{
    const struct audit_finding *finding = need->finding;
    const struct audit_gap *some = NULL; /* an open one, if there is one */
    unsigned open = 0;

    for (guint i = 0; i < finding->gaps->len; i++) {
        const struct audit_gap *gap = finding->gaps->pdata[i];
        gboolean is_open = gap->state != STATE_FIXED;
        if (!some || (is_open && some->state == STATE_FIXED))
            some = gap;
        open += is_open;
    }
    const char *full = finding->cert && finding->cert->subject ? finding->cert->subject : finding->subject;
    const char *name = short_name(anchors, full);
    g_autofree char *place = place_name(some);

    if (open == 0)
        return finding->gaps->len == 1
                   ? audit_textf(anchors->audit, "%s was missing in %s", name, place)
                   : audit_textf(anchors->audit, "%s was missing in %u trust stores", name, finding->gaps->len);
    g_autofree char *where = open == 1 ? g_strdup(place) : g_strdup_printf("%u trust stores", open);
    if (finding->match == MATCH_NONE)
        return audit_textf(anchors->audit, "%s is missing in %s, and nobody holds it", name, where);
    unsigned ruled_out = 0;
    for (guint i = 0; i < finding->candidates->len; i++)
        ruled_out += anchors_is_ruled_out(need, finding->candidates->pdata[i]);
    if (finding->match == MATCH_AMBIGUOUS && ruled_out > 0)
        return audit_textf(anchors->audit, "%s is missing in %s: %u of %u candidates %s there already and %s not help",
                           name, where, ruled_out, finding->candidates->len, ruled_out == 1 ? "is" : "are",
                           ruled_out == 1 ? "does" : "do");
    if (finding->match == MATCH_AMBIGUOUS)
        return finding->candidates->len == 1
                   ? audit_textf(anchors->audit, "%s... is missing in %s: one certificate may be it", name, where)
                   : audit_textf(anchors->audit, "%s is missing in %s: %u certificates may be it", name, where,
                                 finding->candidates->len);
    return audit_textf(anchors->audit, "%s is missing in %s", name, where);
}

void anchors_describe(struct anchors *anchors, struct need *need)
{
    struct audit_finding *finding = need->finding;
    g_autoptr(GString) text = g_string_new(NULL);

    append_evidence(text, anchors, need);
    append_peers(text, finding);
    append_cert(text, anchors, need);
    anchors_append_candidates(text, anchors, need);
    append_siblings(text, anchors, need);
    finding->detail = audit_text(anchors->audit, text->str);
    finding->title = title_of(anchors, need);
}
