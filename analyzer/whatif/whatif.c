#include "whatif.h"

#include "error.h"
#include "file.h"
#include "moment.h"
#include "name.h"
#include "sap.h"
#include "whatif_against.h"
#include "whatif_gaps.h"
#include "whatif_peer.h"

#include <string.h>
#include <unistd.h>

#define NAMED 10 /* certificates in one message */

static void note(struct whatif *whatif, const char *text)
{
    g_ptr_array_add(whatif->check->notes, (void *)audit_text(whatif->audit, text));
}

/* The question */

static gboolean is_short(const char *const *words, guint most, const char *option, GError **error)
{
    if (!words || g_strv_length((char **)words) <= most)
        return TRUE;
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "%s: more than %u times", option, most);
    return FALSE;
}

/* Lower case hex digits if the text can be nothing but a fingerprint, else NULL. */
static char *fingerprint(const char *text)
{
    g_autoptr(GString) digits = g_string_new(NULL);
    for (; *text; text++) {
        if (g_ascii_isxdigit(*text))
            g_string_append_c(digits, g_ascii_tolower(*text));
        else if (*text != ':')
            return NULL;
    }
    return digits->len == 64 || digits->len == 40 || digits->len == 32 ? g_strdup(digits->str) : NULL;
}

enum fit { FIT_NO, FIT_PART, FIT_WHOLE };

static enum fit fit_name(const struct audit_cert *cert, const char *wanted)
{
    if (!cert->subject)
        return FIT_NO;
    g_autofree char *subject = g_utf8_casefold(cert->subject, -1), *word = g_utf8_casefold(wanted, -1);
    g_autofree char *plain = name_short(cert->subject), *common = g_utf8_casefold(plain, -1);
    if (g_str_equal(subject, word) || g_str_equal(common, word))
        return FIT_WHOLE;
    return strstr(subject, word) ? FIT_PART : FIT_NO;
}

static const char *print_of(const struct audit_cert *cert)
{
    return cert->sha256 ? cert->sha256 : cert->sha1 ? cert->sha1 : cert->md5 ? cert->md5 : "no fingerprint known";
}

static void refuse_names(const GPtrArray *certs, const char *option, const char *text, GError **error)
{
    g_autoptr(GString) list = g_string_new(NULL);

    for (guint i = 0; i < certs->len && i < NAMED; i++) {
        const struct audit_cert *cert = certs->pdata[i];
        g_string_append_printf(list, "%s%s (%s)", i ? "; " : "", cert->subject, print_of(cert));
    }
    if (certs->len > NAMED)
        g_string_append_printf(list, "; and %u more", certs->len - NAMED);
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE,
                "%s: %s: %u certificates have this name; give the fingerprint of one: %s", option, text, certs->len,
                list->str);
}

/* One that the audit knows, by its name.  NULL without an error: none has it. */
static struct audit_cert *find_by_name(const struct whatif *whatif, const char *option, const char *text,
                                       GError **error)
{
    g_autoptr(GPtrArray) whole = g_ptr_array_new(), part = g_ptr_array_new();

    for (guint i = 0; *text && i < whatif->audit->certs->len; i++) {
        struct audit_cert *cert = whatif->audit->certs->pdata[i];
        enum fit fit = fit_name(cert, text);
        if (fit != FIT_NO)
            g_ptr_array_add(fit == FIT_WHOLE ? whole : part, cert);
    }
    const GPtrArray *fitting = whole->len > 0 ? whole : part;
    if (fitting->len == 1)
        return fitting->pdata[0];
    if (fitting->len > 1)
        refuse_names(fitting, option, text, error);
    return NULL;
}

/* A certificate that an option names. */
static struct audit_cert *named_cert(struct whatif *whatif, const char *option, const char *text, GError **error)
{
    g_autofree char *digits = fingerprint(text);
    g_autoptr(GPtrArray) certs = g_ptr_array_new();

    if (digits) {
        size_t size = strlen(digits);
        struct audit_cert *cert = pool_find_digest(whatif->pool, size == 64 ? digits : NULL, size == 40 ? digits : NULL,
                                                   size == 32 ? digits : NULL);
        if (!cert)
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE,
                        "%s: %s: no certificate of the audit has this fingerprint", option, text);
        return cert;
    }
    if (strcmp(text, "-") != 0 && access(text, F_OK) != 0) {
        g_autoptr(GError) ambiguous = NULL;
        struct audit_cert *cert = find_by_name(whatif, option, text, &ambiguous);
        if (cert)
            return cert;
        if (ambiguous)
            g_propagate_error(error, g_steal_pointer(&ambiguous));
        else
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_MISSING,
                        "%s: %s: there is no such file, and no certificate of the audit has this name", option, text);
        return NULL;
    }
    if (!pool_read_file(whatif->pool, certs, text, whatif->passwords, FALSE, error)) {
        g_prefix_error(error, "%s: ", option);
        return NULL;
    }
    if (certs->len > 1) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "%s: %s: %u certificates, where one is wanted", option,
                    text, certs->len);
        return NULL;
    }
    return certs->pdata[0];
}

static gboolean take_import(struct whatif *whatif, const char *text, GError **error)
{
    const char *at = strrchr(text, '@');
    if (!at || at == text || at[1] == '\0') {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "--import: %s: must be CERT@STORE", text);
        return FALSE;
    }
    g_autofree char *name = g_strndup(text, (gsize)(at - text));
    struct whatif_import import = {named_cert(whatif, "--import", name, error), at + 1};
    if (!import.cert)
        return FALSE;
    if (!import.cert->der) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE,
                    "--import: %s: known from a listing only; name a file that has the certificate itself", name);
        return FALSE;
    }
    g_array_append_val(whatif->imports, import);
    return TRUE;
}

static gboolean take_chain(struct whatif *whatif, const char *path, GError **error)
{
    GPtrArray *chain = g_ptr_array_new();
    g_ptr_array_add(whatif->chains, chain);
    if (!pool_read_file(whatif->pool, chain, path, whatif->passwords, TRUE, error))
        return FALSE;
    if (chain->len > WHATIF_CHAIN) {
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_LIMIT, "%s: more than %d certificates", path, WHATIF_CHAIN);
        return FALSE;
    }
    return TRUE;
}

/* All certificates that are given, before any is looked up: what a file names may be known from another one. */
static gboolean take_certs(struct whatif *whatif, const struct whatif_question *question, GError **error)
{
    pool_add_references(whatif->pool, question->references);
    for (size_t i = 0; question->imports && question->imports[i]; i++)
        if (!take_import(whatif, question->imports[i], error))
            return FALSE;
    for (size_t i = 0; question->drops && question->drops[i]; i++) {
        struct audit_cert *cert = named_cert(whatif, "--drop", question->drops[i], error);
        if (!cert)
            return FALSE;
        g_ptr_array_add(whatif->drops, cert);
    }
    for (size_t i = 0; question->chains && question->chains[i]; i++)
        if (!take_chain(whatif, question->chains[i], error))
            return FALSE;
    return TRUE;
}

/* Whether a pattern means any store at all; the others are most likely mistyped. */
static gboolean fits_any(const struct whatif *whatif, const char *pattern)
{
    for (guint i = 0; i < whatif->audit->stores->len; i++)
        if (whatif_fits(pattern, whatif->audit->stores->pdata[i]))
            return TRUE;
    return FALSE;
}

static gboolean patterns_fit(const struct whatif *whatif, const struct whatif_question *question, GError **error)
{
    for (guint i = 0; i < whatif->imports->len; i++) {
        const char *pattern = g_array_index(whatif->imports, struct whatif_import, i).pattern;
        if (!fits_any(whatif, pattern)) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "--import: %s: the audit has no such store",
                        pattern);
            return FALSE;
        }
    }
    for (size_t i = 0; question->stores && question->stores[i]; i++)
        if (!fits_any(whatif, question->stores[i])) {
            g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_USAGE, "--store: %s: the audit has no such store",
                        question->stores[i]);
            return FALSE;
        }
    return TRUE;
}

static gboolean is_asked(const struct whatif_question *question, const struct audit_store *store)
{
    if (!question->stores || !question->stores[0])
        return TRUE;
    for (size_t i = 0; question->stores[i]; i++)
        if (whatif_fits(question->stores[i], store))
            return TRUE;
    return FALSE;
}

static gboolean is_on_side(const struct audit_store *store, enum whatif_side side)
{
    enum sap_side used = sap_pse_side(store->file);

    if (side == WHATIF_ALL || used == SAP_SIDE_UNKNOWN)
        return side != WHATIF_SERVER;
    return used == (side == WHATIF_CLIENT ? SAP_SIDE_CLIENT : SAP_SIDE_SERVER);
}

/* Who calls a peer looks into a client's store; a server's is for those who call it. */
static void choose_judges(struct whatif *whatif, const struct whatif_question *question)
{
    static const char *const names[] = {[WHATIF_CLIENT] = "clients", [WHATIF_SERVER] = "servers"};
    gboolean named = question->stores && question->stores[0];

    for (guint i = 0; i < whatif->stores->len; i++)
        if (named || is_on_side(whatif->stores->pdata[i], question->side))
            g_ptr_array_add(whatif->judges, whatif->stores->pdata[i]);
    guint others = whatif->stores->len - whatif->judges->len;
    if (whatif->chains->len == 0 || others == 0)
        return;
    if (whatif->judges->len > 0) {
        g_autofree char *text =
            g_strdup_printf("Only the trust stores of %s were asked about the chain; %u other%s not (--side all).",
                            names[question->side], others, others == 1 ? " was" : "s were");
        note(whatif, text);
        return;
    }
    g_ptr_array_extend(whatif->judges, whatif->stores, NULL, NULL);
    g_autofree char *text =
        g_strdup_printf("The audit has no trust store of %s, so all were asked.", names[question->side]);
    note(whatif, text);
}

/* The audit, made ready */

static void index_subjects(struct whatif *whatif)
{
    const GPtrArray *certs = whatif->audit->certs;
    g_ptr_array_set_size(whatif->subjects, (int)certs->len + 1);
    for (guint i = 0; i < certs->len; i++) {
        const struct audit_cert *cert = certs->pdata[i];
        whatif->subjects->pdata[cert->id] = cert->subject ? name_key(cert->subject, FALSE) : NULL;
    }
}

static void index_holders(struct whatif *whatif)
{
    for (guint i = 0; i < whatif->audit->stores->len; i++) {
        const struct audit_store *store = whatif->audit->stores->pdata[i];
        for (guint j = 0; j < store->members->len; j++) {
            const struct audit_member *member = store->members->pdata[j];
            for (guint k = 0; member->list && k < member->list->certs->len; k++) {
                struct audit_cert *cert = member->list->certs->pdata[k];
                struct whatif_holders *holders = g_hash_table_lookup(whatif->holders, cert);
                if (!holders) {
                    holders = g_new0(struct whatif_holders, 1);
                    holders->first = store;
                    g_hash_table_insert(whatif->holders, cert, holders);
                }
                holders->stores += holders->last != store;
                holders->last = store;
            }
        }
    }
}

/* What an assumed change changes. */

static void count_store(struct check_assumed *assumed, const struct audit_store *store)
{
    gboolean touched = FALSE, unread = FALSE;

    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        gboolean has = member->list && audit_list_has(member->list, assumed->cert);
        gboolean whole = audit_member_is_whole(member);
        touched = touched || (assumed->drop ? has : whole && !has);
        unread = unread || (!has && !whole);
    }
    if (touched)
        g_ptr_array_add(assumed->stores, (void *)store);
    assumed->unread += !touched && unread;
}

/* Whether ${cert} was issued by ${root}, over any number of others; by signatures alone, for it may have ended. */
static gboolean leads_to(const struct whatif *whatif, struct audit_cert *cert, const struct audit_cert *root)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new(), issuers = g_ptr_array_new();

    g_ptr_array_add(found, cert);
    for (guint done = 0; done < found->len && done < WHATIF_CHAIN; done++) {
        const struct audit_cert *below = found->pdata[done];
        if (below == root)
            return TRUE;
        g_ptr_array_set_size(issuers, 0);
        pool_find_issuers(whatif->pool, issuers, below);
        for (guint i = 0; i < issuers->len; i++)
            if (!g_ptr_array_find(found, issuers->pdata[i], NULL) &&
                pool_issued(whatif->pool, issuers->pdata[i], below))
                g_ptr_array_add(found, issuers->pdata[i]);
    }
    return FALSE;
}

/* Own certificates that whoever calls these systems reaches by the dropped one. */
static void find_own(struct whatif *whatif, struct check_assumed *assumed)
{
    g_autoptr(GHashTable) known = g_hash_table_new(NULL, NULL); /* own certificate -> 1: leads there, 2: does not */

    for (guint i = 0; i < whatif->stores->len; i++) {
        const struct audit_store *store = whatif->stores->pdata[i];
        for (guint j = 0; j < store->members->len; j++) {
            struct audit_member *member = store->members->pdata[j];
            if (!member->own)
                continue;
            guint answer = GPOINTER_TO_UINT(g_hash_table_lookup(known, member->own));
            if (!answer) {
                answer = leads_to(whatif, member->own, assumed->cert) ? 1 : 2;
                g_hash_table_insert(known, member->own, GUINT_TO_POINTER(answer));
            }
            if (answer == 1)
                check_add_own(assumed, member->own, store);
        }
    }
}

static void add_assumed(struct whatif *whatif, const struct audit_cert *cert, const char *pattern)
{
    struct check_assumed *assumed = check_assumed_new();
    assumed->cert = cert;
    assumed->drop = pattern == NULL;
    assumed->pattern = audit_text(whatif->audit, pattern);
    for (guint i = 0; i < whatif->stores->len; i++)
        if (!pattern || whatif_fits(pattern, whatif->stores->pdata[i]))
            count_store(assumed, whatif->stores->pdata[i]);
    g_ptr_array_add(whatif->check->assumed, assumed);
    if (!pattern)
        find_own(whatif, assumed);
    if (pattern && whatif_ended(whatif, cert))
        note(whatif, "A certificate whose import is assumed is not valid at the time that was asked for.");
}

static void answer(struct whatif *whatif, const struct whatif_question *question)
{
    for (guint i = 0; i < whatif->imports->len; i++) {
        const struct whatif_import *import = &g_array_index(whatif->imports, struct whatif_import, i);
        add_assumed(whatif, import->cert, import->pattern);
    }
    for (guint i = 0; i < whatif->drops->len; i++)
        add_assumed(whatif, whatif->drops->pdata[i], NULL);
    for (guint i = 0; i < whatif->chains->len; i++) {
        struct check_peer *peer = check_peer_new();
        peer->name = audit_text(whatif->audit, file_name(question->chains[i]));
        g_ptr_array_extend(peer->chain, whatif->chains->pdata[i], NULL, NULL);
        whatif_peer(whatif, peer);
        g_ptr_array_add(whatif->check->peers, peer);
    }
    if (whatif->drops->len > 0) {
        note(whatif, "An audit knows peers from failed connections only. Which connections work, and with which "
                     "certificates, stands in no trace: a peer that works today and is not named here may break as "
                     "well. Ask with --chain for the peers that matter.");
        whatif_observed(whatif);
    }
    if (whatif->drops->len + whatif->imports->len > 0)
        whatif_gaps(whatif);
}

static struct check *ask(struct whatif *whatif, const struct whatif_question *question, GError **error)
{
    if (!pool_adopt(whatif->pool, error)) {
        g_prefix_error(error, "%s: ", question->audit_name);
        return NULL;
    }
    if (!take_certs(whatif, question, error) || !patterns_fit(whatif, question, error))
        return NULL;
    audit_sort(whatif->audit); /* numbers for the new certificates */
    for (guint i = 0; i < whatif->audit->stores->len; i++)
        if (is_asked(question, whatif->audit->stores->pdata[i]))
            g_ptr_array_add(whatif->stores, whatif->audit->stores->pdata[i]);
    choose_judges(whatif, question);
    index_subjects(whatif);
    index_holders(whatif);
    answer(whatif, question);
    if (question->against && !whatif_against(whatif, question->against, error)) {
        g_prefix_error(error, "%s: ", question->against_name);
        return NULL;
    }
    return g_steal_pointer(&whatif->check);
}

struct check *whatif_ask(struct audit *audit, const struct whatif_question *question, GError **error)
{
    if (!is_short(question->chains, WHATIF_CHAINS, "--chain", error) ||
        !is_short(question->imports, WHATIF_CHANGES, "--import", error) ||
        !is_short(question->drops, WHATIF_CHANGES, "--drop", error))
        return NULL;
    struct whatif whatif = {
        .audit = audit,
        .pool = pool_new(audit),
        .check = check_new(audit),
        .at = question->at,
        .passwords = question->passwords,
        .stores = g_ptr_array_new(),
        .judges = g_ptr_array_new(),
        .drops = g_ptr_array_new(),
        .imports = g_array_new(FALSE, FALSE, sizeof(struct whatif_import)),
        .chains = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref),
        .subjects = g_ptr_array_new_with_free_func(g_free),
        .holders = g_hash_table_new_full(NULL, NULL, NULL, g_free),
    };
    whatif.check->at = question->at;
    whatif.check->against = question->against;
    struct check *check = ask(&whatif, question, error);
    g_hash_table_unref(whatif.holders);
    g_ptr_array_unref(whatif.subjects);
    g_ptr_array_unref(whatif.chains);
    g_array_unref(whatif.imports);
    g_ptr_array_unref(whatif.drops);
    g_ptr_array_unref(whatif.judges);
    g_ptr_array_unref(whatif.stores);
    check_free(whatif.check);
    pool_free(whatif.pool);
    return check;
}
