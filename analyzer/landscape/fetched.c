#include "fetched.h"

#include "moment.h"
#include "name.h"

#include <string.h>

struct answer {             /* one peer of one host */
    char *target, *address; /* one of them may be NULL */
    int64_t port;
    int64_t at;
    gboolean recalled;  /* of another night */
    GPtrArray *digests; /* of char *: SHA-256 of the certificates as they were sent */
};

static void answer_free(void *data)
{
    struct answer *answer = data;
    g_free(answer->target);
    g_free(answer->address);
    g_ptr_array_unref(answer->digests);
    g_free(answer);
}

struct fetched {
    struct audit *audit;
    struct pool *pool;
    GHashTable *answers; /* struct audit_host * -> GPtrArray of struct answer * */
};

struct fetched *fetched_new(struct audit *audit, struct pool *pool)
{
    struct fetched *fetched = g_new0(struct fetched, 1);
    fetched->audit = audit;
    fetched->pool = pool;
    fetched->answers = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    return fetched;
}

void fetched_free(struct fetched *fetched)
{
    if (!fetched)
        return;
    g_hash_table_unref(fetched->answers);
    g_free(fetched);
}

/* ${digests} is taken over. */
static struct answer *answer_new(struct fetched *fetched, const struct audit_host *host, GPtrArray *digests)
{
    GPtrArray *answers = g_hash_table_lookup(fetched->answers, host);
    struct answer *answer = g_new0(struct answer, 1);

    if (!answers) {
        answers = g_ptr_array_new_with_free_func(answer_free);
        g_hash_table_insert(fetched->answers, (void *)host, answers);
    }
    g_ptr_array_add(answers, answer);
    answer->digests = digests;
    return answer;
}

gboolean fetched_add(struct fetched *fetched, const struct audit_host *host, const struct capture_chain *from,
                     GBytes *bytes)
{
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);
    int64_t at = from->asked != MOMENT_NONE ? from->asked : fetched->audit->evaluated;
    GPtrArray *digests = pool_add_shown_chain(fetched->pool, data, size, at);

    if (!digests)
        return FALSE;
    struct answer *answer = answer_new(fetched, host, digests);
    answer->target = g_strdup(from->target);
    answer->address = g_strdup(from->address);
    answer->port = from->port;
    answer->at = at;
    return TRUE;
}

/* Which answer belongs to a failure. */

/* Either the trace shows nothing of the chain, or it shows a piece whose top may not be the top of the chain. */
static gboolean is_unexplained(const struct audit_failure *failure)
{
    gboolean nothing = !failure->missing && failure->chain->len == 0;
    gboolean piece = failure->certainty == CERTAINTY_ISSUER && failure->chain->len > 0;

    return failure->cause == CAUSE_UNTRUSTED_PEER && failure->role != ROLE_SERVER && failure->instance &&
           (nothing || piece);
}

/* "192.0.2.7:443" or "[2001:db8::1]:443" has this port, and the address if there is one. */
static gboolean is_at(const char *peer, const char *address, int64_t port)
{
    const char *colon = strrchr(peer, ':');
    guint64 number;

    if (!colon || !g_ascii_string_to_unsigned(colon + 1, 10, 1, UINT16_MAX, &number, NULL) || (int64_t)number != port)
        return FALSE;
    if (!address)
        return TRUE;
    size_t size = (size_t)(colon - peer);
    if (size >= 2 && peer[0] == '[' && peer[size - 1] == ']') {
        peer++;
        size -= 2;
    }
    return strlen(address) == size && memcmp(peer, address, size) == 0;
}

/*
 * By a name only what was asked by that name: a server may show each name another chain.  The port is the headline's,
 * or that of an address, which behind a proxy is the proxy's.
 */
static gboolean is_peer(const struct answer *answer, const struct audit_failure *failure)
{
    const char *called = answer->target ? answer->target : answer->address;
    const char *address = failure->target ? NULL : answer->address;

    if (failure->target ? g_ascii_strcasecmp(called, failure->target) != 0 : answer->target != NULL)
        return FALSE;
    if (failure->target && failure->port > 0 && failure->port == answer->port)
        return TRUE;
    for (guint i = 0; i < failure->peers->len; i++)
        if (is_at(failure->peers->pdata[i], address, answer->port))
            return TRUE;
    return FALSE;
}

static gboolean is_same_chain(const struct answer *one, const struct answer *other)
{
    if (one->digests->len != other->digests->len)
        return FALSE;
    for (guint i = 0; i < one->digests->len; i++)
        if (strcmp(one->digests->pdata[i], other->digests->pdata[i]) != 0)
            return FALSE;
    return TRUE;
}

/* Of a failure with several peers all that were asked have to agree; else nothing tells which chain it was. */
static const struct answer *find_answer(const GPtrArray *answers, const struct audit_failure *failure,
                                        gboolean recalled)
{
    const struct answer *found = NULL;

    for (guint i = 0; i < answers->len; i++) {
        const struct answer *answer = answers->pdata[i];
        if (answer->recalled != recalled || !is_peer(answer, failure))
            continue;
        if (found && !is_same_chain(found, answer))
            return NULL;
        if (!found || answer->at > found->at)
            found = answer;
    }
    return found;
}

/* What it tells. */

static struct audit_cert *cert_at(const struct fetched *fetched, const struct answer *answer, guint i)
{
    struct audit_cert *cert = pool_find_digest(fetched->pool, answer->digests->pdata[i], NULL, NULL);
    return cert && cert->der && cert->subject && cert->issuer ? cert : NULL;
}

static struct audit_cert *find_issuer(const struct fetched *fetched, const struct answer *answer,
                                      const struct audit_cert *child)
{
    for (guint i = 0; i < answer->digests->len; i++) {
        struct audit_cert *cert = cert_at(fetched, answer, i);
        if (cert && cert != child && pool_issued(fetched->pool, cert, child))
            return cert;
    }
    return NULL;
}

static gboolean has_name(const char *printed, const char *name)
{
    g_autofree char *left = printed ? name_key(printed, FALSE) : NULL, *right = name_key(name, FALSE);
    return left && g_strcmp0(left, right) == 0;
}

/* Whether it is the one that a trace prints so. */
static gboolean is_printed(const struct fetched *fetched, const struct audit_link *link, const struct audit_cert *cert)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new();

    if (link->sha256 || link->sha1 || link->md5)
        return pool_find_digest(fetched->pool, link->sha256, link->sha1, link->md5) == cert;
    if (!link->issuer || link->issuer_cut || !link->serial || link->subject_cut ||
        !has_name(link->subject, cert->subject))
        return FALSE;
    if (pool_find_serial(fetched->pool, link->issuer, link->serial) == cert)
        return TRUE;
    pool_find_asked(fetched->pool, found, link->issuer, link->serial);
    return g_ptr_array_find(found, cert, NULL);
}

/* The leaf, which comes first; or that at which the piece ends which the trace prints. */
static struct audit_cert *find_start(const struct fetched *fetched, const struct answer *answer,
                                     const struct audit_failure *failure)
{
    if (failure->chain->len == 0)
        return cert_at(fetched, answer, 0);
    const struct audit_link *top = failure->chain->pdata[failure->chain->len - 1];
    for (guint i = 0; i < answer->digests->len; i++) {
        struct audit_cert *cert = cert_at(fetched, answer, i);
        if (cert && is_printed(fetched, top, cert))
            return cert;
    }
    return NULL;
}

/* From there upwards: servers send the others in any order, and what does not belong there. */
static GPtrArray *order_chain(const struct fetched *fetched, const struct answer *answer, struct audit_cert *cert)
{
    GPtrArray *chain = g_ptr_array_new();

    while (cert && !g_ptr_array_find(chain, cert, NULL)) {
        g_ptr_array_add(chain, cert);
        cert = cert->self_signed ? NULL : find_issuer(fetched, answer, cert);
    }
    return chain;
}

static void add_link(struct audit *audit, struct audit_failure *failure, const struct audit_cert *cert)
{
    struct audit_link *link = audit_link_new(audit);
    link->subject = cert->subject;
    link->issuer = cert->issuer;
    link->serial = cert->serial;
    link->sha256 = cert->sha256;
    g_ptr_array_add(failure->chain, link);
}

/* The trace prints another fingerprint of it. */
static void complete_link(struct audit_link *link, const struct audit_cert *cert)
{
    if (!link->sha256 && (link->sha1 || link->md5))
        link->sha256 = cert->sha256;
}

static void complete(struct fetched *fetched, struct audit_failure *failure, const struct answer *answer)
{
    struct audit *audit = fetched->audit;
    guint shown = failure->chain->len;
    g_autoptr(GPtrArray) chain = order_chain(fetched, answer, find_start(fetched, answer, failure));
    guint known = shown > 0 ? 1 : 0; /* the trace shows the first one itself */
    char date[MOMENT_TEXT_BYTES];

    if (chain->len <= known)
        return;
    if (shown > 0)
        complete_link(failure->chain->pdata[shown - 1], chain->pdata[0]);
    for (guint i = known; i < chain->len; i++)
        add_link(audit, failure, chain->pdata[i]);
    const struct audit_cert *top = chain->pdata[chain->len - 1];
    failure->certainty = top->self_signed ? CERTAINTY_SELF_SIGNED : CERTAINTY_ISSUER;
    failure->missing = top->self_signed ? top->subject : top->issuer;
    failure->missing_cut = FALSE;
    failure->asked = answer->at;
    moment_format(date, answer->at);
    failure->advice = audit_textf(
        audit,
        "The trace shows %s the chain of the peer. It was asked for it through this host at %s; of what it sent then, "
        "%s "
        "\"%s\". It may have sent another chain when the connection failed: at trace level 2 the trace shows it.",
        shown > 0 ? "only a part of" : "nothing of", date,
        top->self_signed ? "the topmost certificate is the self-signed" : "the topmost certificate has the issuer",
        failure->missing);
}

/* Earlier nights. */

static GHashTable *index_hosts(const struct audit *audit)
{
    GHashTable *hosts = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < audit->hosts->len; i++) {
        struct audit_host *host = audit->hosts->pdata[i];
        g_hash_table_insert(hosts, (void *)host->name, host);
    }
    return hosts;
}

static GHashTable *index_certs(const struct audit *audit)
{
    GHashTable *certs = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < audit->certs->len; i++) {
        const struct audit_cert *cert = audit->certs->pdata[i];
        if (cert->sha256 && cert->der)
            g_hash_table_insert(certs, (void *)cert->sha256, (void *)cert);
    }
    return certs;
}

/* Those of a chain, which the pool gets once more; NULL if one is not known. */
static GPtrArray *recall_chain(struct fetched *fetched, GHashTable *certs, const struct audit_failure *failure)
{
    g_autoptr(GPtrArray) digests = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < failure->chain->len; i++) {
        const struct audit_link *link = failure->chain->pdata[i];
        const struct audit_cert *cert = link->sha256 ? g_hash_table_lookup(certs, link->sha256) : NULL;
        if (!cert)
            return NULL;
        pool_add_shown(fetched->pool, cert->der, failure->asked);
        g_ptr_array_add(digests, g_strdup(link->sha256));
    }
    return digests->len > 0 ? g_steal_pointer(&digests) : NULL;
}

static void recall(struct fetched *fetched, const struct audit_host *host, GHashTable *certs,
                   const struct audit_failure *failure)
{
    const char *colon = failure->peer ? strrchr(failure->peer, ':') : NULL;
    GPtrArray *digests = failure->target || colon ? recall_chain(fetched, certs, failure) : NULL;

    if (!digests)
        return;
    struct answer *answer = answer_new(fetched, host, digests);
    answer->target = g_strdup(failure->target);
    answer->address = colon ? g_strndup(failure->peer, (gsize)(colon - failure->peer)) : NULL;
    answer->port = failure->port > 0 ? failure->port : colon ? g_ascii_strtoll(colon + 1, NULL, 10) : 0;
    answer->at = failure->asked;
    answer->recalled = TRUE;
}

void fetched_recall(struct fetched *fetched, const struct audit *previous)
{
    if (!previous)
        return;
    g_autoptr(GHashTable) certs = index_certs(previous), hosts = index_hosts(fetched->audit);
    for (guint i = 0; i < previous->failures->len; i++) {
        const struct audit_failure *failure = previous->failures->pdata[i];
        if (failure->asked == MOMENT_NONE || !failure->instance)
            continue;
        const struct audit_host *host = g_hash_table_lookup(hosts, failure->instance->host->name);
        if (host)
            recall(fetched, host, certs, failure);
    }
}

void fetched_complete(struct fetched *fetched)
{
    const GPtrArray *failures = fetched->audit->failures;

    for (guint i = 0; i < failures->len; i++) {
        struct audit_failure *failure = failures->pdata[i];
        const GPtrArray *answers =
            is_unexplained(failure) ? g_hash_table_lookup(fetched->answers, failure->instance->host) : NULL;
        if (!answers)
            continue;
        const struct answer *answer = find_answer(answers, failure, FALSE);
        if (!answer)
            answer = find_answer(answers, failure, TRUE);
        if (answer)
            complete(fetched, failure, answer);
    }
}
