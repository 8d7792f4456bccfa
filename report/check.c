/* The answer of "trustgap check" for a person. */
#include "check.h"

#include "paper.h"
#include "report.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

#define STORES_NAMED 12 /* of each file and answer; the JSON has all */

static void put_title(struct file_output *output, const char *title)
{
    file_output_printf(output, "\n%s\n", title);
    for (glong i = g_utf8_strlen(title, -1); i > 0; i--)
        file_output_puts(output, "=");
    file_output_puts(output, "\n");
}

static void put_notes(struct file_output *output, const GPtrArray *notes)
{
    for (guint i = 0; i < notes->len; i++)
        paper_wrap(output, "  - ", "    ", notes->pdata[i]);
}

static void append_more(GString *text, guint more)
{
    if (more == 0)
        return;
    g_autofree char *number = words_number(more);
    g_string_append_printf(text, " and %s more", number);
}

/* "PRD" of "PRD SAPSSLC.pse": the file stands in front already. */
static char *place_name(const struct audit_store *store)
{
    g_autofree char *tail = g_strconcat(" ", store->file, NULL);
    if (!g_str_has_suffix(store->label, tail))
        return g_strdup(store->label);
    return g_strndup(store->label, strlen(store->label) - strlen(tail));
}

static void append_place(GString *text, const struct check_place *place)
{
    g_autofree char *name = place_name(place->store);
    g_string_append_printf(text, "%s%s", text->len ? ", " : "", name);
    for (guint i = 0; !place->whole && i < place->members->len; i++) {
        const struct audit_member *member = place->members->pdata[i];
        g_autofree char *where = words_where(member->instance);
        g_string_append_printf(text, "%s%s", i == 0 ? " (only " : ", ", where);
    }
    if (!place->whole)
        g_string_append(text, ")");
}

static int compare_files(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* One line for each name of a file. */
static void put_places(struct file_output *output, const char *label, const GPtrArray *places)
{
    g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GPtrArray) files = g_ptr_array_new();

    for (guint i = 0; i < places->len; i++) {
        const char *file = ((const struct check_place *)places->pdata[i])->store->file;
        if (g_hash_table_add(known, (void *)file))
            g_ptr_array_add(files, (void *)file);
    }
    if (files->len > 1)
        qsort(files->pdata, files->len, sizeof files->pdata[0], compare_files);
    for (guint i = 0; i < files->len; i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        guint count = 0;
        for (guint j = 0; j < places->len; j++) {
            const struct check_place *place = places->pdata[j];
            if (strcmp(place->store->file, files->pdata[i]) == 0 && count++ < STORES_NAMED)
                append_place(text, place);
        }
        append_more(text, count > STORES_NAMED ? count - STORES_NAMED : 0);
        g_autofree char *number = words_count(count, "store", "stores");
        paper_field(output, i == 0 ? label : "", "%s, %s: %s", (const char *)files->pdata[i], number, text->str);
    }
}

static void put_stores(struct file_output *output, const char *label, const GPtrArray *stores)
{
    g_autoptr(GPtrArray) places = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < stores->len; i++) {
        struct check_place *place = g_new0(struct check_place, 1);
        place->store = stores->pdata[i];
        place->whole = TRUE;
        g_ptr_array_add(places, place);
    }
    put_places(output, label, places);
}

static void put_path(struct file_output *output, const char *label, const GPtrArray *path)
{
    for (guint i = 0; i < path->len; i++) {
        const struct audit_cert *cert = path->pdata[i];
        paper_line(output, i == 0 ? label : "", "%u. %s", i + 1, words_known(cert->subject));
    }
}

static const char *kind_words(enum check_import_kind kind)
{
    static const char *const words[] = {
        [CHECK_IMPORT_ROOT] = "a root",
        [CHECK_IMPORT_SELF] = "the peer's own certificate, which is self-signed",
        [CHECK_IMPORT_INTERMEDIATE] = "an intermediate",
        [CHECK_IMPORT_PEER] = "the peer's own certificate",
    };
    return words[kind];
}

static char *short_name(const struct audit_cert *cert)
{
    char *name = words_short_name(cert->subject);
    return name ? name : g_strdup("a certificate without a name");
}

static void put_import(struct file_output *output, const struct check_import *import)
{
    const struct audit_cert *cert = import->cert;
    g_autofree char *from = words_day(cert->not_before), *until = words_day(cert->not_after);

    paper_line(output, "would heal", "%s", words_known(cert->subject));
    paper_field(output, "", "(%s, valid %s to %s)", kind_words(import->kind), from, until);
    paper_fingerprint(output, "SHA-256", "", cert->sha256);
    paper_fingerprint(output, "SHA-1", "", cert->sha1);
    if (import->holder) {
        g_autoptr(GString) text = g_string_new(import->holder);
        append_more(text, import->holders - 1);
        paper_field(output, "held by", "%s", text->str);
    }
    for (guint i = 0; i < cert->references->len; i++) {
        g_autofree char *text = words_reference(cert, i);
        paper_line(output, i == 0 && !import->holder ? "held by" : "", "%s", text);
    }
    if (!import->vouched)
        paper_field(output, "source", "only the peer sends it: compare its fingerprint before you import it");
    put_path(output, "proof", import->path);
    paper_field(output, "", "(OpenSSL verifies this path)");
}

static const char *change_words(const struct check_verdict *verdict)
{
    gboolean one = verdict->places->len == 1;

    if (verdict->before == verdict->answer)
        return "";
    switch (verdict->before) {
    case CHECK_ACCEPTS:
        return one ? ", which accepts now" : ", which accept now";
    case CHECK_REJECTS:
        return one ? ", which rejects now" : ", which reject now";
    default:
        return ", of which it is not known now";
    }
}

static void put_reason(struct file_output *output, const struct check_verdict *verdict)
{
    if (verdict->reason)
        paper_field(output, "because", "%s", verdict->reason);
    for (guint i = 0; i < verdict->named->len; i++) {
        const struct audit_cert *cert = verdict->named->pdata[i];
        paper_line(output, i == 0 ? "by name only" : "", "%s", words_known(cert->subject));
        paper_fingerprint(output, "", "SHA-1 ", cert->sha1);
    }
    if (verdict->import) {
        g_autofree char *name = short_name(verdict->import->cert);
        paper_line(output, verdict->answer == CHECK_REJECTS ? "needs" : "if not", "%s, %s", name,
                   kind_words(verdict->import->kind));
    } else if (verdict->answer == CHECK_REJECTS) {
        paper_field(output, "needs", "nothing that is at hand heals");
    }
    for (guint i = 0; i < verdict->anchors->len; i++)
        paper_line(output, i == 0 ? "trusts" : "", "%s",
                   words_known(((const struct audit_cert *)verdict->anchors->pdata[i])->subject));
}

static void put_verdict(struct file_output *output, const struct check_verdict *verdict)
{
    static const char *const answers[] = {"Rejected by", "Not known of", "Accepted by"};
    g_autofree char *stores = words_count(verdict->places->len, "trust store", "trust stores");
    const struct check_place *first = verdict->places->pdata[0];

    file_output_printf(output, "\n%s %s%s%s\n", answers[verdict->answer], stores, change_words(verdict),
                       verdict->places->len == 1 && !first->whole ? ", in part" : "");
    put_reason(output, verdict);
    put_places(output, "", verdict->places);
}

static void put_chain(struct file_output *output, const struct check_peer *peer)
{
    for (guint i = 0; i < peer->chain->len; i++) {
        const struct audit_cert *cert = peer->chain->pdata[i];
        g_autofree char *until = words_day(cert->not_after);
        paper_line(output, i == 0 ? "chain" : "", "%u. %s", i + 1, words_known(cert->subject));
        paper_line(output, "", "   until %s%s", until, cert->self_signed ? ", self-signed" : "");
        if (i + 1 == peer->chain->len && !cert->self_signed)
            paper_line(output, "", "   issued by %s", words_known(cert->issuer));
    }
}

static void put_peer(struct file_output *output, const struct check_peer *peer)
{
    g_autofree char *title =
        g_strdup_printf("%s %s", peer->observed ? "Observed peer" : "Peer", words_known(peer->name));

    put_title(output, title);
    put_chain(output, peer);
    if (peer->leaf_unknown)
        paper_field(output, "", "(what stands below is not in the audit)");
    if (!peer->observed) {
        g_autofree char *rejecting = words_count(peer->stores[CHECK_REJECTS], "trust store", "trust stores");
        g_autofree char *accepting = words_number(peer->stores[CHECK_ACCEPTS]);
        g_autofree char *unknown = words_number(peer->stores[CHECK_UNKNOWN]);
        paper_field(output, "answer", "%s would reject it, %s would accept it, of %s it is not known.", rejecting,
                    accepting, unknown);
    }
    put_notes(output, peer->notes);
    if (peer->imports->len > 0 && peer->stores[CHECK_REJECTS] + peer->stores[CHECK_UNKNOWN] > 0)
        put_import(output, peer->imports->pdata[0]);
    for (guint i = 0; i < peer->verdicts->len && !file_output_failed(output); i++)
        put_verdict(output, peer->verdicts->pdata[i]);
    if (peer->observed && peer->callers->len == 0)
        paper_field(output, "", "(No trace shows that these stores call this peer.)");
    else if (peer->observed)
        put_stores(output, "seen to call", peer->callers);
}

/* Nobody knows who calls these systems, and which stores those have. */
static void put_own(struct file_output *output, const struct check_assumed *assumed)
{
    if (assumed->own->len == 0)
        return;
    g_autofree char *certs = words_count(assumed->own->len, "own certificate leads", "own certificates lead");
    paper_field(output, "",
                "%s to it; who calls these systems, and trusts nothing else of the chain, will reject them:", certs);
    for (guint i = 0; i < assumed->own->len; i++) {
        const struct check_own *own = assumed->own->pdata[i];
        g_autofree char *name = short_name(own->cert), *end = words_day(own->cert->not_after);
        paper_line(output, "own", "%s, ends %s", name, end);
        paper_fingerprint(output, "", "SHA-256 ", own->cert->sha256);
        put_stores(output, "", own->stores);
    }
}

static void put_assumed(struct file_output *output, const struct check_assumed *assumed)
{
    g_autofree char *name = short_name(assumed->cert);
    g_autofree char *stores = words_count(assumed->stores->len, "trust store", "trust stores");
    const char *verb = assumed->drop ? (assumed->stores->len == 1 ? "holds it" : "hold it")
                                     : (assumed->stores->len == 1 ? "lacks it now" : "lack it now");

    paper_line(output, "assumed", "%s %s", name, assumed->drop ? "is in no trust list any more" : "is imported");
    paper_fingerprint(output, "", "SHA-256 ", assumed->cert->sha256);
    if (assumed->pattern)
        paper_line(output, "", "where: %s", assumed->pattern);
    paper_field(output, "", "%s %s%s", stores, verb, assumed->stores->len ? ":" : "");
    put_stores(output, "", assumed->stores);
    if (assumed->unread)
        paper_field(output, "", "of %u it is not known, since the list was not, or not wholly, read", assumed->unread);
    put_own(output, assumed);
}

static const char *effect_words(enum check_effect_kind kind)
{
    static const char *const words[] = {
        [CHECK_HEALED] = "healed",
        [CHECK_PERHAPS] = "perhaps",
        [CHECK_REOPENED] = "breaks",
        [CHECK_SOURCELESS] = "stays open",
    };
    return words[kind];
}

/* They stand behind one another. */
static gboolean is_about(const struct check_effect *one, const struct check_effect *other)
{
    return one->kind == other->kind && one->finding == other->finding;
}

static gboolean is_alike(const struct check_effect *one, const struct check_effect *other)
{
    return is_about(one, other) && g_strcmp0(one->note, other->note) == 0;
}

static void add_once(GPtrArray *texts, const char *text)
{
    for (guint i = 0; i < texts->len; i++)
        if (strcmp(texts->pdata[i], text) == 0)
            return;
    g_ptr_array_add(texts, (void *)text);
}

/* Equal effects on gaps of one finding: what stands at ${from} and those behind it, which are marked in ${done}. */
static void put_effect(struct file_output *output, const GPtrArray *effects, guint from, gboolean *done)
{
    const struct check_effect *effect = effects->pdata[from];
    g_autoptr(GPtrArray) stores = g_ptr_array_new(), peers = g_ptr_array_new();
    g_autoptr(GString) text = g_string_new(NULL);
    uint64_t connections = 0;

    for (guint i = from; i < effects->len && is_about(effects->pdata[i], effect); i++) {
        const struct check_effect *other = effects->pdata[i];
        if (!is_alike(other, effect))
            continue;
        done[i] = TRUE;
        connections += other->gap->count;
        if (other->gap->store)
            g_ptr_array_add(stores, other->gap->store);
        for (guint j = 0; j < other->gap->failures->len; j++)
            add_once(peers, words_other_side(other->gap->failures->pdata[j]));
    }
    g_autofree char *count = words_count(connections, "failed connection", "failed connections");
    file_output_puts(output, "\n");
    paper_line(output, effect_words(effect->kind), "%s", effect->finding->title);
    paper_line(output, "", "finding %s, %s", effect->finding->id, count);
    put_stores(output, "", stores);
    for (guint i = from; i < effects->len && is_about(effects->pdata[i], effect); i++) {
        const struct check_effect *other = effects->pdata[i];
        g_autofree char *where = words_where(other->gap->instance);
        if (is_alike(other, effect) && !other->gap->store)
            paper_line(output, "", "%s", where);
    }
    for (guint i = 0; i < peers->len && i < STORES_NAMED; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (const char *)peers->pdata[i]);
    append_more(text, peers->len > STORES_NAMED ? peers->len - STORES_NAMED : 0);
    if (text->len)
        paper_field(output, "", "peers: %s", text->str);
    if (effect->note)
        paper_field(output, "", "%s", effect->note);
}

static void put_effects(struct file_output *output, const struct check *check)
{
    g_autofree gboolean *done = g_new0(gboolean, check->effects->len + 1);

    if (check->effects->len > 0)
        put_title(output, "Gaps of the audit");
    for (guint i = 0; i < check->effects->len; i++)
        if (!done[i])
            put_effect(output, check->effects, i, done);
}

static void put_open(struct file_output *output, const struct check *check)
{
    if (!check_imports(check))
        return;
    if (check->open_gaps == 0) {
        file_output_puts(output, "\nThe assumed imports leave no gap of the audit open.\n");
        return;
    }
    g_autofree char *gaps = words_count(check->open_gaps, "open gap", "open gaps");
    file_output_printf(output, "\nIt is not certain that the assumed imports heal %s of the audit.\n", gaps);
}

static void put_need(struct file_output *output, const struct check_need *need)
{
    g_autofree char *until = words_day(need->cert->not_after);
    g_autofree char *sources = words_count(need->sources, "store", "stores");
    g_autofree char *connections = words_count(need->connections, "failed connection", "failed connections");

    file_output_printf(output, "\n%s\n", words_known(need->cert->subject));
    paper_fingerprint(output, "SHA-256", "", need->cert->sha256);
    paper_fingerprint(output, "SHA-1", "", need->cert->sha1);
    paper_line(output, "until", "%s%s", until, need->ended ? " (not valid: no need to take it along)" : "");
    if (need->connections)
        paper_field(output, "use", "%s of the source needed it; held by %s there", connections, sources);
    else
        paper_field(output, "use", "none seen; held by %s of the source", sources);
    put_stores(output, "lacking in", need->lacking);
    if (need->namesakes)
        paper_field(output, "", "(%u of them hold another certificate of this name)", need->namesakes);
    put_stores(output, "not known of", need->unknown);
}

static void put_against(struct file_output *output, const struct check *check)
{
    const char *file = NULL;

    for (guint i = 0; i < check->needs->len && !file_output_failed(output); i++) {
        const struct check_need *need = check->needs->pdata[i];
        if (g_strcmp0(file, need->file) != 0) {
            g_autofree char *title = g_strdup_printf("What %s of the target lacks", need->file);
            put_title(output, title);
            file = need->file;
        }
        put_need(output, need);
    }
    if (check->needs->len == 0)
        file_output_puts(output, "\nThe target's lists that were read lack nothing that the source's hold.\n");
    if (check->unmatched->len > 0) {
        g_autoptr(GString) text = g_string_new(NULL);
        for (guint i = 0; i < check->unmatched->len; i++)
            g_string_append_printf(text, "%s%s", i > 0 ? ", " : "", (const char *)check->unmatched->pdata[i]);
        file_output_puts(output, "\n");
        paper_wrap(output, "PSE files that the target does not have: ", "  ", text->str);
    }
}

void report_check_text(struct file_output *output, const struct check *check)
{
    g_autofree char *evaluated = words_moment(check->audit->evaluated), *at = words_moment(check->at);

    file_output_printf(output, "What if: asked of the audit of %s\n", evaluated);
    if (check->against) {
        g_autofree char *other = words_moment(check->against->evaluated);
        file_output_printf(output, "Target landscape: the audit of %s\n", other);
    }
    file_output_printf(output, "Validity as of %s\n", at);
    put_notes(output, check->notes);
    for (guint i = 0; i < check->assumed->len; i++)
        put_assumed(output, check->assumed->pdata[i]);
    for (guint i = 0; i < check->peers->len; i++)
        put_peer(output, check->peers->pdata[i]);
    for (guint i = 0; i < check->observed->len; i++)
        put_peer(output, check->observed->pdata[i]);
    put_effects(output, check);
    put_open(output, check);
    if (check->against)
        put_against(output, check);
}
