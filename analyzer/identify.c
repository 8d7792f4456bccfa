#include "identify.h"

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

/* Which of several that heal alike is best to import: valid now, held by somebody, a root, the longest to live. */
static gboolean is_better(const struct audit_cert *one, const struct audit_cert *other, int64_t at)
{
    gboolean valid[2] = {one->not_after == MOMENT_NONE || one->not_after >= at,
                         other->not_after == MOMENT_NONE || other->not_after >= at};
    if (valid[0] != valid[1])
        return valid[0];
    if (one->from_trace != other->from_trace)
        return other->from_trace;
    if (one->self_signed != other->self_signed)
        return one->self_signed;
    if (one->not_after != other->not_after)
        return one->not_after > other->not_after;
    return g_strcmp0(one->sha256, other->sha256) < 0;
}

static struct audit_cert *best_of(const GPtrArray *certs, int64_t at)
{
    struct audit_cert *best = NULL;
    for (guint i = 0; i < certs->len; i++)
        if (!best || is_better(certs->pdata[i], best, at))
            best = certs->pdata[i];
    return best;
}

static X509 *parse(const struct audit_cert *cert)
{
    const unsigned char *bytes = g_bytes_get_data(cert->der, NULL);
    return d2i_X509(NULL, &bytes, (long)g_bytes_get_size(cert->der));
}

static gboolean have_same_key(const struct audit_cert *one, const struct audit_cert *other)
{
    if (!one->der || !other->der)
        return FALSE;
    X509 *left = parse(one), *right = parse(other);
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

/* Those of ${certs} that have signed ${child}. */
static GPtrArray *issuers_of(const struct search *search, const GPtrArray *certs, const struct audit_cert *child)
{
    GPtrArray *issuers = g_ptr_array_new();
    for (guint i = 0; i < certs->len; i++)
        if (pool_issued(search->pool, certs->pdata[i], child))
            g_ptr_array_add(issuers, certs->pdata[i]);
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

static void prove(struct identity *identity, const struct search *search, struct audit_cert *cert, guint child_index,
                  struct audit_cert *child)
{
    g_autoptr(GPtrArray) chain = known_chain(search, child_index), anchors = g_ptr_array_new();
    const char *reason = NULL;
    char date[MOMENT_TEXT_BYTES];

    g_ptr_array_add(anchors, cert);
    if (chain->len == 0) /* the trace tells less of it than is at hand */
        g_ptr_array_add(chain, child);
    gboolean path = path_verify(chain, anchors, search->audit->evaluated, &reason);
    moment_format(date, search->audit->evaluated);
    g_autofree char *verdict =
        path ? g_strdup_printf("a path to it that is valid at %s%s", date,
                               chain->len <= child_index ? " (what the peer sends below is not at hand)" : "")
             : g_strdup_printf("no path to it at %s: %s", date, reason ? reason : "no reason given");
    identity->cert = cert;
    identity->match = MATCH_PROVED;
    identity->proof =
        audit_textf(search->audit,
                    "Its key verifies the signature of \"%s\" (serial %s), which the peer "
                    "sends. OpenSSL builds %s.",
                    child->subject ? child->subject : "", child->serial ? child->serial : "unknown", verdict);
}

static void remove_from_traces(GPtrArray *certs)
{
    for (guint i = certs->len; i-- > 0;)
        if (((const struct audit_cert *)certs->pdata[i])->from_trace)
            g_ptr_array_remove_index(certs, i);
}

/* One of this name that has signed the certificate below in the chain. */
static gboolean find_issuer(struct identity *identity, const struct search *search)
{
    const struct audit_failure *failure = search->failure;
    g_autoptr(GPtrArray) found = g_ptr_array_new();

    if (!search->below_cert)
        return FALSE;
    pool_find_subject(search->pool, found, failure->missing, failure->missing_cut);
    g_autoptr(GPtrArray) issuers = issuers_of(search, found, search->below_cert);
    if (issuers->len == 0)
        return FALSE;
    prove(identity, search, best_of(issuers, search->audit->evaluated), search->below_index, search->below_cert);
    return TRUE;
}

static struct audit_cert *asked_issuer_of(const struct search *search, const struct audit_cert *child)
{
    g_autoptr(GPtrArray) named = g_ptr_array_new();

    pool_find_subject(search->pool, named, search->failure->missing, search->failure->missing_cut);
    remove_from_traces(named);
    g_autoptr(GPtrArray) issuers = issuers_of(search, named, child);
    return best_of(issuers, search->audit->evaluated);
}

/*
 * The trace prints only names and number of the certificate below, and the peer sent one of these when it was asked.
 * Anybody could have made that one, but not with the signature of an issuer that somebody holds.
 */
static gboolean find_issuer_of_asked(struct identity *identity, const struct search *search)
{
    const struct audit_link *below = search->below;
    g_autoptr(GPtrArray) found = g_ptr_array_new();

    if (!below || search->below_cert || precision(below) != MATCH_SERIAL)
        return FALSE;
    pool_find_asked(search->pool, found, below->issuer, below->serial);
    for (guint i = 0; i < found->len; i++) {
        struct audit_cert *child = found->pdata[i];
        struct audit_cert *cert = asked_issuer_of(search, child);
        char date[MOMENT_TEXT_BYTES];
        if (!cert || !names_fit(child->subject, FALSE, below->subject, below->subject_cut))
            continue;
        prove(identity, search, cert, search->below_index, child);
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
static gboolean find_printed(struct identity *identity, const struct search *search)
{
    struct audit_cert *cert = search->self ? find_link(search, search->self) : NULL;
    if (!cert)
        return FALSE;
    if (cert->from_trace && find_issuer(identity, search)) /* perhaps one with the same key, which somebody holds */
        return TRUE;
    if (search->below_cert && pool_issued(search->pool, cert, search->below_cert)) {
        prove(identity, search, cert, search->below_index, search->below_cert);
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

static gboolean find_named(struct identity *identity, const struct search *search)
{
    const struct audit_failure *failure = search->failure;
    g_autoptr(GPtrArray) found = g_ptr_array_new();

    if (find_issuer(identity, search) || find_issuer_of_asked(identity, search))
        return TRUE;
    pool_find_subject(search->pool, found, failure->missing, failure->missing_cut);
    remove_from_traces(found);
    /* What was tried and has not signed, or has another number, is out; a mere listing could not be tried. */
    gboolean printed = search->self && precision(search->self) != MATCH_NAME;
    guint count = found->len;
    for (guint i = found->len; i-- > 0;) {
        const struct audit_cert *cert = found->pdata[i];
        if (printed || (search->below_cert && cert->der))
            g_ptr_array_remove_index(found, i);
    }
    if (found->len == 0) {
        if (count > 0)
            identity->proof = namesakes(search, count);
        return FALSE;
    }
    if (!failure->missing_cut && have_all_same_key(found)) {
        identity->cert = best_of(found, search->audit->evaluated);
        identity->match = MATCH_NAME;
        identity->proof = audit_text(
            search->audit, found->len == 1 ? "The full name is equal, and no other certificate at hand has it."
                                           : "The full name is equal; all certificates at hand that have it "
                                             "have the same key.");
        return TRUE;
    }
    identity->match = MATCH_AMBIGUOUS;
    identity->candidates = g_steal_pointer(&found);
    identity->proof =
        audit_textf(search->audit, "%s, and nothing in the trace tells which it is.",
                    failure->missing_cut ? (identity->candidates->len == 1 ? "One certificate's name begins like this"
                                                                           : "Several names begin like this")
                                         : "Several certificates have this name");
    return TRUE;
}

/* Nobody holds the missing one.  An anchor further down in the chain heals as well: the same CA in another
 * certificate (as after cross-signing), or an intermediate itself. */
static gboolean find_substitute(struct identity *identity, const struct search *search)
{
    const GPtrArray *chain = search->failure->chain;

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
            if (issuers->len > 0) {
                prove(identity, search, best_of(issuers, search->audit->evaluated), i - 1, child);
                identity->substitute = TRUE;
                return TRUE;
            }
        }
        struct audit_cert *cert = find_link(search, link);
        if (cert && !cert->from_trace) {
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
    if (!find_printed(identity, &search) && !find_named(identity, &search))
        find_substitute(identity, &search);
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

void identity_clear(struct identity *identity)
{
    g_clear_pointer(&identity->candidates, g_ptr_array_unref);
    g_clear_pointer(&identity->key, g_free);
}
