#include "identify.h"

#include "der.h"
#include "moment.h"
#include "name.h"
#include "path.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

/* What is known about one failure while it is worked on. */
struct search {
    struct audit *audit;
    struct pool *pool;
    const struct audit_failure *failure;
    const struct audit_link *self;  /* the missing certificate where the trace prints it */
    const struct audit_link *below; /* the certificate that it has signed */
    guint below_index;              /* of it in the chain */
    struct audit_cert *below_cert;  /* the same with its DER; NULL if the pool does not have that */
    gboolean limited;               /* more certificates have the name than were tried */
};

char *identify_name(const char *text, gboolean cut)
{
    char *key = name_key(text, cut);
    return key ? key : g_strconcat("text ", text, NULL);
}

char *identify_short(const char *name)
{
    char *text = name_short(name);
    if (g_utf8_strlen(text, -1) <= IDENTIFY_SHORT_CHARS)
        return text;
    g_autofree char *whole = text, *begin = g_utf8_substring(whole, 0, IDENTIFY_SHORT_CHARS - 3);
    return g_strconcat(begin, "...", NULL);
}

char *identify_cert(const struct audit_cert *cert)
{
    if (cert->sha256 || cert->sha1 || cert->md5)
        return g_strconcat("digest ", cert->sha256 ? cert->sha256 : cert->sha1 ? cert->sha1 : cert->md5, NULL);
    g_autofree char *issuer = identify_name(cert->issuer ? cert->issuer : "", FALSE);
    return g_strconcat("serial ", cert->serial ? cert->serial : "", " ", issuer, NULL);
}

/* Names as a trace prints them: equal, or one the beginning of the other where it is cut. */
static gboolean names_fit(const char *one, gboolean one_cut, const char *other, gboolean other_cut)
{
    if (!one || !other)
        return FALSE;
    g_autofree char *left = name_key(one, one_cut), *right = name_key(other, other_cut);
    if (!left || !right)
        return FALSE;
    return g_str_equal(left, right) || (one_cut && name_is_prefix(left, right)) ||
           (other_cut && name_is_prefix(right, left));
}

/* How exactly a printed certificate is known. */
static enum audit_match precision(const struct audit_link *link)
{
    if (link->sha256 || link->sha1 || link->md5)
        return MATCH_FINGERPRINT;
    if (link->serial && link->issuer && !link->issuer_cut)
        return MATCH_SERIAL;
    return MATCH_NAME;
}

static gboolean has_fingerprint(const struct audit_cert *cert)
{
    return cert->sha256 || cert->sha1 || cert->md5;
}

static struct audit_cert *find_link(const struct search *search, const struct audit_link *link)
{
    struct audit_cert *cert = NULL;

    switch (precision(link)) {
    case MATCH_FINGERPRINT:
        cert = pool_find_digest(search->pool, link->sha256, link->sha1, link->md5);
        if (cert || !link->serial || !link->issuer || link->issuer_cut)
            return cert;
        /* Old listings have no fingerprints that could contradict. */
        cert = pool_find_serial(search->pool, link->issuer, link->serial);
        return cert && !has_fingerprint(cert) ? cert : NULL;
    case MATCH_SERIAL:
        return pool_find_serial(search->pool, link->issuer, link->serial);
    default:
        return NULL;
    }
}

/* How a certificate was found that find_link() has found. */
static enum audit_match match_of(const struct audit_link *link, const struct audit_cert *cert)
{
    enum audit_match match = precision(link);
    return match == MATCH_FINGERPRINT && !has_fingerprint(cert) ? MATCH_SERIAL : match;
}

static void find_place_in_chain(struct search *search)
{
    const struct audit_failure *failure = search->failure;
    const GPtrArray *chain = failure->chain;

    for (guint i = chain->len; i-- > 0;) {
        const struct audit_link *link = chain->pdata[i];
        gboolean is_it = failure->certainty == CERTAINTY_SELF_SIGNED && i + 1 == chain->len;
        if (!is_it && names_fit(link->issuer, link->issuer_cut, failure->missing, failure->missing_cut)) {
            search->below = link;
            search->below_index = i;
            break;
        }
        if (is_it || names_fit(link->subject, link->subject_cut, failure->missing, failure->missing_cut)) {
            search->self = link;
            search->below = i > 0 ? chain->pdata[i - 1] : NULL;
            search->below_index = i > 0 ? i - 1 : 0;
            break;
        }
    }
    struct audit_cert *cert = search->below ? find_link(search, search->below) : NULL;
    if (cert && cert->der)
        search->below_cert = cert;
}

static gboolean is_valid(const struct audit_cert *cert, int64_t at)
{
    return (cert->not_after == MOMENT_NONE || cert->not_after >= at) &&
           (cert->not_before == MOMENT_NONE || cert->not_before <= at);
}

/* Above 0 if ${one} is the better one of two that heal alike, below if ${other} is; ${*why} is what decided. */
static int prefer(const struct search *search, const struct audit_cert *one, const struct audit_cert *other,
                  const char **why)
{
    int64_t at = search->audit->evaluated;
    unsigned held[2] = {pool_holders(search->pool, one), pool_holders(search->pool, other)};

    *why = "it is valid";
    if (is_valid(one, at) != is_valid(other, at))
        return is_valid(one, at) ? 1 : -1;
    *why = "somebody holds it";
    if (one->from_trace != other->from_trace)
        return other->from_trace ? 1 : -1;
    *why = "the previous audit named it";
    gboolean wanted = pool_is_wanted(search->pool, one);
    if (wanted != pool_is_wanted(search->pool, other))
        return wanted ? 1 : -1;
    *why = "the landscape or a reference file has it";
    if (pool_is_public(search->pool, one) != pool_is_public(search->pool, other))
        return pool_is_public(search->pool, other) ? 1 : -1;
    *why = "it is a root";
    if (one->self_signed != other->self_signed)
        return one->self_signed ? 1 : -1;
    *why = "more trust lists hold it";
    if (held[0] != held[1])
        return held[0] > held[1] ? 1 : -1;
    *why = "it is valid longer";
    if (one->not_after != other->not_after)
        return one->not_after > other->not_after ? 1 : -1;
    *why = "one has to be taken";
    return -g_strcmp0(one->sha256, other->sha256);
}

static struct audit_cert *best_of(const struct search *search, const GPtrArray *certs)
{
    struct audit_cert *best = NULL;
    const char *why;
    for (guint i = 0; i < certs->len; i++)
        if (!best || prefer(search, certs->pdata[i], best, &why) > 0)
            best = certs->pdata[i];
    return best;
}

/* What else heals, and why it was not taken: " ..."; "" if there is nothing else. */
static char *describe_others(const struct search *search, const GPtrArray *certs, const struct audit_cert *best)
{
    g_autoptr(GPtrArray) others = g_ptr_array_new();
    const char *why;

    for (guint i = 0; i < certs->len; i++)
        if (certs->pdata[i] != best)
            g_ptr_array_add(others, certs->pdata[i]);
    const struct audit_cert *next = best_of(search, others);
    if (!next)
        return g_strdup("");
    prefer(search, best, next, &why);
    gboolean heals = is_valid(next, search->audit->evaluated);
    g_autofree char *more = others->len > 1 ? g_strdup_printf(" and %u more", others->len - 1) : g_strdup("");
    return g_strdup_printf(" This one was preferred, since %s, to another certificate of the same name and key%s: the "
                           "one issued by \"%s\", serial %s%s.",
                           why, heals ? ", which heals as well" : "", next->issuer ? next->issuer : "",
                           next->serial ? next->serial : "unknown", more);
}

static gboolean have_same_key(const struct audit_cert *one, const struct audit_cert *other)
{
    X509 *left = der_parse_bytes(one->der), *right = der_parse_bytes(other->der);
    gboolean same = left && right && X509_get0_pubkey(left) && X509_get0_pubkey(right) &&
                    EVP_PKEY_eq(X509_get0_pubkey(left), X509_get0_pubkey(right)) == 1;
    X509_free(left);
    X509_free(right);
    return same;
}

static gboolean have_all_same_key(const GPtrArray *certs)
{
    for (guint i = 1; i < certs->len; i++)
        if (!have_same_key(certs->pdata[0], certs->pdata[i]))
            return FALSE;
    return TRUE;
}

static gboolean has_key_id(const struct audit_cert *cert, const char *key_id)
{
    return key_id && cert->subject_key_id && g_str_equal(cert->subject_key_id, key_id);
}

/* Those of ${certs} that have signed ${child}; of many only those whose key identifier fits, if one of them has. */
static GPtrArray *issuers_of(struct search *search, const GPtrArray *certs, const struct audit_cert *child)
{
    GPtrArray *issuers = g_ptr_array_new();
    const char *key_id = pool_authority_key_id(search->pool, child);
    unsigned tried = 0;

    for (int fitting = 1; fitting >= 0; fitting--) {
        gboolean enough = issuers->len > 0 && certs->len > IDENTIFY_FEW;
        for (guint i = 0; i < certs->len; i++) {
            struct audit_cert *cert = certs->pdata[i];
            if (has_key_id(cert, key_id) != fitting || !cert->der || (enough && cert->subject_key_id))
                continue;
            if (tried++ >= IDENTIFY_TRIED)
                search->limited = TRUE;
            else if (pool_issued(search->pool, cert, child))
                g_ptr_array_add(issuers, cert);
        }
    }
    return issuers;
}

/* The peer's chain up to the link at ${top}, as far down as the pool has its certificates. */
static GPtrArray *known_chain(const struct search *search, guint top)
{
    GPtrArray *chain = g_ptr_array_new();
    for (guint i = top + 1; i-- > 0;) {
        struct audit_cert *cert = find_link(search, search->failure->chain->pdata[i]);
        if (!cert || !cert->der)
            break;
        g_ptr_array_insert(chain, 0, cert);
    }
    return chain;
}

/* ${issuers} are all that have signed ${child}; ${cert} is the one that is taken. */
static void prove(struct identity *identity, const struct search *search, struct audit_cert *cert,
                  const GPtrArray *issuers, guint child_index, struct audit_cert *child)
{
    g_autoptr(GPtrArray) chain = known_chain(search, child_index), anchors = g_ptr_array_new();
    const char *reason = NULL;
    char date[MOMENT_TEXT_BYTES];

    g_ptr_array_add(anchors, cert);
    if (chain->len == 0) /* the trace tells less of it than is at hand */
        g_ptr_array_add(chain, child);
    gboolean path = path_build(pool_signatures(search->pool), NULL, chain, anchors, search->audit->evaluated, &reason);
    moment_format(date, search->audit->evaluated);
    g_autofree char *verdict =
        path ? g_strdup_printf("a path to it that is valid at %s%s", date,
                               chain->len <= child_index ? " (what the peer sends below is not at hand)" : "")
             : g_strdup_printf("no path to it at %s: %s", date, reason ? reason : "no reason given");
    g_autofree char *others = describe_others(search, issuers, cert);
    identity->cert = cert;
    identity->match = MATCH_PROVED;
    identity->trouble = reason;
    identity->proof =
        audit_textf(search->audit,
                    "Its key verifies the signature of \"%s\" (serial %s), which the peer "
                    "sends. OpenSSL builds %s.%s",
                    child->subject ? child->subject : "", child->serial ? child->serial : "unknown", verdict, others);
}

static void remove_from_traces(GPtrArray *certs)
{
    for (guint i = certs->len; i-- > 0;)
        if (((const struct audit_cert *)certs->pdata[i])->from_trace)
            g_ptr_array_remove_index(certs, i);
}

/*
 * Append those that have the name of the missing one.  FALSE if only its beginning is known: a name that the trace cuts
 * stands whole in the certificate below.
 */
static gboolean find_namesakes(const struct search *search, GPtrArray *found)
{
    const struct audit_failure *failure = search->failure;
    const struct audit_cert *below = search->below_cert;

    if (below && names_fit(below->issuer, FALSE, failure->missing, failure->missing_cut)) {
        pool_find_issuers(search->pool, found, below);
        return TRUE;
    }
    pool_find_subject(search->pool, found, failure->missing, failure->missing_cut);
    return !failure->missing_cut;
}

/* One of this name that has signed the certificate below in the chain. */
static gboolean find_issuer(struct identity *identity, struct search *search)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();

    if (!search->below_cert)
        return FALSE;
    find_namesakes(search, found);
    g_autoptr(GPtrArray) issuers = issuers_of(search, found, search->below_cert);
    if (issuers->len == 0)
        return FALSE;
    prove(identity, search, best_of(search, issuers), issuers, search->below_index, search->below_cert);
    return TRUE;
}

/*
 * The trace prints only names and number of the certificate below, and the peer sent one of these when it was asked.
 * Anybody could have made that one, but not with the signature of an issuer that somebody holds.
 */
static gboolean find_issuer_of_asked(struct identity *identity, struct search *search)
{
    const struct audit_link *below = search->below;
    g_autoptr(GPtrArray) found = g_ptr_array_new(), named = g_ptr_array_new();

    if (!below || search->below_cert || precision(below) != MATCH_SERIAL)
        return FALSE;
    pool_find_asked(search->pool, found, below->issuer, below->serial);
    if (found->len > 0)
        pool_find_subject(search->pool, named, search->failure->missing, search->failure->missing_cut);
    remove_from_traces(named);
    for (guint i = 0; i < found->len; i++) {
        struct audit_cert *child = found->pdata[i];
        g_autoptr(GPtrArray) issuers = issuers_of(search, named, child);
        char date[MOMENT_TEXT_BYTES];
        if (issuers->len == 0 || !names_fit(child->subject, FALSE, below->subject, below->subject_cut))
            continue;
        prove(identity, search, best_of(search, issuers), issuers, search->below_index, child);
        moment_format(date, child->asked);
        identity->proof = audit_textf(search->audit,
                                      "%s The trace prints the names and the number of that one; it was sent when the "
                                      "peer was asked at %s.",
                                      identity->proof, date);
        return TRUE;
    }
    return FALSE;
}

/* The trace prints the certificate itself with its fingerprint or serial number. */
static gboolean find_printed(struct identity *identity, struct search *search)
{
    struct audit_cert *cert = search->self ? find_link(search, search->self) : NULL;
    if (!cert)
        return FALSE;
    /* Perhaps one with the same key, which somebody holds, or which is valid. */
    if ((cert->from_trace || !is_valid(cert, search->audit->evaluated)) && find_issuer(identity, search))
        return TRUE;
    if (search->below_cert && pool_issued(search->pool, cert, search->below_cert)) {
        g_autoptr(GPtrArray) alone = g_ptr_array_new();
        g_ptr_array_add(alone, cert);
        prove(identity, search, cert, alone, search->below_index, search->below_cert);
        return TRUE;
    }
    identity->cert = cert;
    identity->match = match_of(search->self, cert);
    identity->proof = audit_text(search->audit, search->failure->asked != MOMENT_NONE ? "The peer sent it."
                                                : identity->match == MATCH_FINGERPRINT
                                                    ? "Its fingerprint is the one that the trace prints."
                                                    : "Its issuer and serial number are those that the trace prints.");
    return TRUE;
}

static const char *namesakes(const struct search *search, guint count)
{
    return audit_textf(search->audit,
                       count == 1 ? "One certificate of this name is at hand, but it is another one%s."
                                  : "Certificates of this name are at hand, but they are other ones%s.",
                       search->below_cert ? ": with another key" : ": with another number");
}

/*
 * What could not be tried, since only a listing of it is known, by the key identifier that the certificate below asks
 * for; and those with another one are out.
 */
static gboolean find_by_key_id(struct identity *identity, const struct search *search, GPtrArray *found)
{
    const struct audit_cert *below = search->below_cert;
    const char *key_id = below ? pool_authority_key_id(search->pool, below) : NULL;
    g_autoptr(GPtrArray) fitting = g_ptr_array_new();

    for (guint i = key_id ? found->len : 0; i-- > 0;) {
        struct audit_cert *cert = found->pdata[i];
        if (has_key_id(cert, key_id))
            g_ptr_array_add(fitting, cert);
        else if (cert->subject_key_id)
            g_ptr_array_remove_index(found, i);
    }
    if (fitting->len == 0)
        return FALSE;
    identity->cert = best_of(search, fitting);
    identity->match = MATCH_KEY_ID;
    identity->proof =
        audit_textf(search->audit,
                    "Its name and key identifier are those of the issuer that \"%s\" names, which the peer "
                    "sends. No signature could be checked, since only a listing of it is known.",
                    below->subject ? below->subject : "");
    return TRUE;
}

/* A key identifier alone is no match: a path needs the name too. */
static const char *strangers(const struct search *search)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    const char *key_id = search->below_cert ? pool_authority_key_id(search->pool, search->below_cert) : NULL;

    if (key_id)
        pool_find_key_id(search->pool, found, key_id);
    remove_from_traces(found);
    if (found->len == 0)
        return NULL;
    const struct audit_cert *cert = found->pdata[0];
    return audit_textf(search->audit,
                       "A certificate with the key identifier that the peer's chain asks for is at hand, but with "
                       "another name, \"%s\": it does not end a path.",
                       cert->subject ? cert->subject : "");
}

static void list_candidates(struct identity *identity, const struct search *search, GPtrArray *found, gboolean whole)
{
    guint count = found->len;
    const char *what = whole        ? "Several certificates have this name"
                       : count == 1 ? "One certificate's name begins like this"
                                    : "Several names begin like this";
    g_autofree char *more = count > IDENTIFY_CANDIDATES
                                ? g_strdup_printf(" There are %u; %d are listed.", count, IDENTIFY_CANDIDATES)
                                : g_strdup("");

    identity->match = MATCH_AMBIGUOUS;
    identity->candidates = g_ptr_array_ref(found);
    g_ptr_array_set_size(found, (gint)MIN(count, IDENTIFY_CANDIDATES));
    identity->proof =
        audit_textf(search->audit, "%s, and %s.%s", what,
                    search->limited ? "not all could be tried" : "nothing in the trace tells which it is", more);
}

static gboolean find_named(struct identity *identity, struct search *search)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();

    if (find_issuer(identity, search) || find_issuer_of_asked(identity, search))
        return TRUE;
    gboolean whole = find_namesakes(search, found);
    remove_from_traces(found);
    /* What was tried and has not signed, or has another number, is out; a mere listing could not be tried. */
    gboolean printed = search->self && precision(search->self) != MATCH_NAME;
    guint count = found->len;
    for (guint i = found->len; i-- > 0;) {
        const struct audit_cert *cert = found->pdata[i];
        if (printed || (search->below_cert && cert->der && !search->limited))
            g_ptr_array_remove_index(found, i);
    }
    if (whole && find_by_key_id(identity, search, found))
        return TRUE;
    if (found->len == 0) {
        identity->proof = count > 0 ? namesakes(search, count) : strangers(search);
        return FALSE;
    }
    if (whole && have_all_same_key(found)) {
        identity->cert = best_of(search, found);
        identity->match = MATCH_NAME;
        identity->proof = audit_text(
            search->audit, found->len == 1 ? "The full name is equal, and no other certificate at hand has it."
                                           : "The full name is equal; all certificates at hand that have it "
                                             "have the same key.");
        return TRUE;
    }
    list_candidates(identity, search, found, whole);
    return TRUE;
}

/* An anchor further down in the chain heals as well: the same CA in another certificate (as after cross-signing), or an
 * intermediate itself.  With ${valid} only one that is valid at the evaluation time. */
static gboolean find_substitute(struct identity *identity, struct search *search, gboolean valid)
{
    const GPtrArray *chain = search->failure->chain;
    int64_t at = search->audit->evaluated;

    for (guint i = chain->len; i-- > 1;) {
        const struct audit_link *link = chain->pdata[i];
        struct audit_cert *child = find_link(search, chain->pdata[i - 1]);
        if (!link->subject || link == search->self)
            continue;
        if (child && child->der) {
            g_autoptr(GPtrArray) found = g_ptr_array_new();
            pool_find_subject(search->pool, found, link->subject, link->subject_cut);
            remove_from_traces(found);
            g_autoptr(GPtrArray) issuers = issuers_of(search, found, child);
            struct audit_cert *best = best_of(search, issuers);
            if (best && (!valid || is_valid(best, at))) {
                prove(identity, search, best, issuers, i - 1, child);
                identity->substitute = TRUE;
                return TRUE;
            }
        }
        struct audit_cert *cert = find_link(search, link);
        if (cert && !cert->from_trace && (!valid || is_valid(cert, at))) {
            identity->cert = cert;
            identity->match = match_of(link, cert);
            identity->substitute = TRUE;
            identity->proof = audit_text(search->audit, search->failure->asked != MOMENT_NONE
                                                            ? "It is a part of the chain that the peer sent."
                                                            : "The trace prints it as a part of the peer's chain.");
            return TRUE;
        }
    }
    return FALSE;
}

/* The one that the trace asks for may be over, or a certificate between, while another root heals; or both heal. */
static void weigh_substitute(struct identity *identity, struct search *search)
{
    struct identity other = {.match = MATCH_NONE};

    if (!identity->trouble && !is_valid(identity->cert, search->audit->evaluated))
        identity->trouble = "it is not valid at this time";
    if (!find_substitute(&other, search, TRUE) || other.cert == identity->cert || other.trouble)
        return;
    if (identity->trouble) {
        other.outdated = identity->cert;
        other.trouble = identity->trouble;
        *identity = other;
    } else if (other.match == MATCH_PROVED && other.cert->self_signed) {
        identity->proof = audit_textf(search->audit,
                                      "%s The root \"%s\" heals as well: it has the name and the key of a certificate "
                                      "that the peer sends.",
                                      identity->proof, other.cert->subject ? other.cert->subject : "");
    }
}

/* A proof of what the peer sends now is none of what it sent then. */
static void add_asked(struct identity *identity, struct audit *audit, int64_t asked)
{
    char date[MOMENT_TEXT_BYTES];

    moment_format(date, asked);
    identity->proof =
        audit_textf(audit,
                    "%s The trace does not show the whole chain: the peer was asked for it at %s, and may have "
                    "sent another one when the connection failed.",
                    identity->proof, date);
}

void identify(struct identity *identity, struct audit *audit, struct pool *pool, const struct audit_failure *failure)
{
    struct search search = {.audit = audit, .pool = pool, .failure = failure};

    *identity = (struct identity){.match = MATCH_NONE};
    find_place_in_chain(&search);
    identity->below = search.below_cert;
    if (!find_printed(identity, &search) && !find_named(identity, &search))
        find_substitute(identity, &search, FALSE);
    else if (identity->cert && !identity->cert->from_trace)
        weigh_substitute(identity, &search);
    if (identity->proof && failure->asked != MOMENT_NONE)
        add_asked(identity, audit, failure->asked);
    if (identity->cert) {
        if (identity->cert->from_trace)
            identity->proof = audit_textf(audit,
                                          "%s Nobody holds it: the peer sent it; compare its fingerprint before you "
                                          "import it.",
                                          identity->proof);
        identity->key = identify_cert(identity->cert);
        return;
    }
    g_autofree char *name = identify_name(failure->missing, failure->missing_cut);
    const char *serial = search.self && failure->certainty == CERTAINTY_SELF_SIGNED ? search.self->serial : NULL;
    identity->key = g_strconcat(failure->missing_cut ? "prefix " : "name ", name, serial ? " " : NULL, serial, NULL);
}

GPtrArray *identify_chain(struct pool *pool, const struct audit_failure *failure, gboolean *whole)
{
    struct search search = {.pool = pool, .failure = failure};
    GPtrArray *chain = g_ptr_array_new();

    *whole = FALSE;
    find_place_in_chain(&search);
    for (guint i = search.below || search.self ? search.below_index + 1 : 0; i-- > 0;) {
        struct audit_cert *cert = find_link(&search, failure->chain->pdata[i]);
        if (cert && cert->der) {
            g_ptr_array_insert(chain, 0, cert);
            *whole = i == 0;
        } else if (chain->len > 0) {
            break;
        }
    }
    return chain;
}

void identity_clear(struct identity *identity)
{
    g_clear_pointer(&identity->candidates, g_ptr_array_unref);
    g_clear_pointer(&identity->key, g_free);
}

/* Strings of an audit are kept once each, so equal ones have one address. */
#define APPEND(array, value) g_byte_array_append(array, (const guint8 *)&(value), sizeof(value))

GBytes *identify_question(const struct audit_failure *failure)
{
    GByteArray *question = g_byte_array_new();

    APPEND(question, failure->missing);
    APPEND(question, failure->missing_cut);
    APPEND(question, failure->certainty);
    APPEND(question, failure->asked);
    for (guint i = 0; i < failure->chain->len; i++) {
        const struct audit_link *link = failure->chain->pdata[i];
        APPEND(question, link->subject);
        APPEND(question, link->subject_cut);
        APPEND(question, link->issuer);
        APPEND(question, link->issuer_cut);
        APPEND(question, link->serial);
        APPEND(question, link->sha256);
        APPEND(question, link->sha1);
        APPEND(question, link->md5);
    }
    return g_byte_array_free_to_bytes(question);
}
