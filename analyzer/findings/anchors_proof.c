#include "anchors_need.h"
#include "moment.h"

static gboolean is_kept(const GArray *sent, const GPtrArray *chain)
{
    for (guint i = 0; i < sent->len; i++) {
        const GPtrArray *known = g_array_index(sent, struct sent, i).chain;
        gboolean same = known->len == chain->len;
        for (guint j = 0; same && j < chain->len; j++)
            same = known->pdata[j] == chain->pdata[j];
        if (same)
            return TRUE;
    }
    return FALSE;
}

void anchors_keep_sent(struct spot *spot, const struct sent *sent)
{
    if (!spot->sent)
        spot->sent = g_array_new(FALSE, FALSE, sizeof *sent);
    if (sent->chain->len == 0 || is_kept(spot->sent, sent->chain))
        return;
    if (spot->sent->len >= ANCHORS_CHAINS) {
        spot->sent_more = TRUE;
        return;
    }
    g_ptr_array_ref(sent->chain);
    g_array_append_vals(spot->sent, sent, 1);
}

void anchors_clear_sent(struct spot *spot)
{
    for (guint i = 0; spot->sent && i < spot->sent->len; i++)
        g_ptr_array_unref(g_array_index(spot->sent, struct sent, i).chain);
    g_clear_pointer(&spot->sent, g_array_unref);
}

struct verdicts { /* of one gap: every list with every chain */
    unsigned counts[PROOF_NO_PATH + 1];
    const struct proof *first[PROOF_NO_PATH + 1];
    gboolean whole[PROOF_NO_PATH + 1]; /* of the first: the chain begins with the leaf */
};

static void count(struct verdicts *verdicts, const struct proof *proof, gboolean whole)
{
    if (verdicts->counts[proof->verdict]++ > 0)
        return;
    verdicts->first[proof->verdict] = proof;
    verdicts->whole[proof->verdict] = whole;
}

/* That an import heals something counts more than that it does not heal all; that it is needless only if it is so for
 * all. */
static enum audit_proof weigh(const struct verdicts *verdicts)
{
    return verdicts->counts[PROOF_PATH]      ? PROOF_PATH
           : verdicts->counts[PROOF_NO_PATH] ? PROOF_NO_PATH
           : verdicts->counts[PROOF_HELD]    ? PROOF_HELD
                                             : PROOF_UNKNOWN;
}

static const char *describe(struct anchors *anchors, const struct verdicts *verdicts, enum audit_proof verdict,
                            gboolean listed, gboolean more)
{
    char date[MOMENT_TEXT_BYTES];
    g_autoptr(GString) text = g_string_new(NULL);
    const struct proof *proof = verdicts->first[verdict];
    unsigned tried = verdicts->counts[PROOF_PATH] + verdicts->counts[PROOF_NO_PATH] + verdicts->counts[PROOF_HELD];

    moment_format(date, anchors->audit->evaluated);
    if (verdict == PROOF_PATH)
        g_string_append_printf(text, "Proved: with it %s OpenSSL builds a path that is valid at %s: %s.",
                               listed ? "in this list" : "as an anchor", date, proof->path);
    else if (verdict == PROOF_NO_PATH)
        g_string_append_printf(text, "Not proved: even with it %s OpenSSL builds no path at %s: %s.",
                               listed ? "in this list" : "as an anchor", date, proof->path);
    else
        g_string_append_printf(text, "OpenSSL builds a path with the list as it is, valid at %s: %s.", date,
                               proof->path);
    if (!verdicts->whole[verdict])
        g_string_append(text, " What the peer sends below the first of these is not at hand.");
    if (tried > verdicts->counts[verdict] || more)
        g_string_append_printf(text, " So it is for %u of the %u chains and lists that were tried%s.",
                               verdicts->counts[verdict], tried, more ? "; further chains were not" : "");
    return audit_text(anchors->audit, text->str);
}

const struct audit_cert *anchors_prove(struct anchors *anchors, const struct need *need, struct spot *spot,
                                       const GPtrArray *lists)
{
    struct verdicts verdicts = {.counts = {0}};
    struct audit_cert *cert = need->finding->cert;

    for (guint i = 0; cert && spot->sent && i < spot->sent->len; i++) {
        const struct sent *sent = &g_array_index(spot->sent, struct sent, i);
        for (guint j = 0; j < MAX(lists->len, 1); j++)
            count(&verdicts, proofs_find(anchors->proofs, sent->chain, lists->len ? lists->pdata[j] : NULL, cert),
                  sent->whole);
    }
    enum audit_proof verdict = weigh(&verdicts);
    spot->gap->proof = verdict;
    spot->gap->path =
        verdict == PROOF_UNKNOWN ? NULL : describe(anchors, &verdicts, verdict, lists->len > 0, spot->sent_more);
    gboolean all = !spot->sent_more && verdicts.counts[PROOF_UNKNOWN] == 0;
    return verdict == PROOF_HELD && all ? verdicts.first[verdict]->anchor : NULL;
}
