#include "proof.h"

#include "path.h"

struct proofs {
    struct audit *audit;
    struct pool *pool;
    GHashTable *answers; /* GBytes: chain, NULL, the anchors of the list that matter, NULL, cert -> struct proof * */
    GHashTable *enders;  /* GBytes: chain -> set of struct audit_cert *: could end a path of it */
    unsigned questions;
};

static const struct proof unknown = {.verdict = PROOF_UNKNOWN};

struct proofs *proofs_new(struct audit *audit, struct pool *pool)
{
    struct proofs *proofs = g_new0(struct proofs, 1);
    GDestroyNotify unref = (GDestroyNotify)g_bytes_unref;
    proofs->audit = audit;
    proofs->pool = pool;
    proofs->answers = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, unref, g_free);
    proofs->enders = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, unref, (GDestroyNotify)g_hash_table_unref);
    return proofs;
}

void proofs_free(struct proofs *proofs)
{
    if (!proofs)
        return;
    g_hash_table_unref(proofs->answers);
    g_hash_table_unref(proofs->enders);
    g_free(proofs);
}

static void append_pointer(GByteArray *key, const void *pointer)
{
    g_byte_array_append(key, (const guint8 *)&pointer, sizeof pointer);
}

/* The certificates that by name have issued one of the chain, and those of the chain: addresses serve as identity. */
static GHashTable *find_enders(struct proofs *proofs, const GPtrArray *chain)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    for (guint i = 0; i < chain->len; i++)
        append_pointer(bytes, chain->pdata[i]);
    GBytes *key = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
    GHashTable *enders = g_hash_table_lookup(proofs->enders, key);
    if (enders) {
        g_bytes_unref(key);
        return enders;
    }
    enders = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < chain->len; i++) {
        g_autoptr(GPtrArray) issuers = g_ptr_array_new();
        pool_find_issuers(proofs->pool, issuers, chain->pdata[i]);
        for (guint j = 0; j < issuers->len; j++)
            g_hash_table_add(enders, issuers->pdata[j]);
        g_hash_table_add(enders, chain->pdata[i]);
    }
    g_hash_table_insert(proofs->enders, key, enders);
    return enders;
}

static const char *print_path(struct audit *audit, const GPtrArray *path)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < path->len; i++) {
        const struct audit_cert *cert = path->pdata[i];
        g_string_append_printf(text, "%s\"%s\"", i > 0 ? " > " : "", cert->subject ? cert->subject : "");
    }
    return audit_text(audit, text->str);
}

/* With the anchors that are there already, and only then with the new one. */
static struct proof *ask(struct proofs *proofs, const GPtrArray *chain, GPtrArray *anchors, struct audit_cert *cert)
{
    struct proof *proof = g_new0(struct proof, 1);
    g_autoptr(GPtrArray) path = g_ptr_array_new();
    int64_t at = proofs->audit->evaluated;
    const char *reason = NULL, *before = NULL;

    proofs->questions++;
    if (anchors->len > 0 && path_build(pool_signatures(proofs->pool), path, chain, anchors, at, &before)) {
        proof->verdict = PROOF_HELD;
    } else {
        g_ptr_array_add(anchors, cert);
        proof->verdict =
            path_build(pool_signatures(proofs->pool), path, chain, anchors, at, &reason) ? PROOF_PATH : PROOF_NO_PATH;
    }
    /* A search that ended before its end may have missed a path. */
    if (g_strcmp0(before, PATH_LIMITED) == 0 || g_strcmp0(reason, PATH_LIMITED) == 0) {
        *proof = unknown;
        return proof;
    }
    proof->path = reason ? reason : print_path(proofs->audit, path);
    proof->anchor = path->len > 0 ? path->pdata[path->len - 1] : NULL;
    return proof;
}

const struct proof *proofs_find(struct proofs *proofs, const GPtrArray *chain, const struct audit_list *list,
                                struct audit_cert *cert)
{
    if (chain->len == 0 || !cert->der)
        return &unknown;
    GHashTable *enders = find_enders(proofs, chain);
    g_autoptr(GPtrArray) anchors = g_ptr_array_new();
    g_autoptr(GByteArray) bytes = g_byte_array_new();

    for (guint i = 0; i < chain->len; i++)
        append_pointer(bytes, chain->pdata[i]);
    append_pointer(bytes, NULL);
    for (guint i = 0; list && i < list->certs->len; i++) {
        struct audit_cert *held = list->certs->pdata[i];
        if (held == cert || !held->der || !g_hash_table_contains(enders, held))
            continue;
        g_ptr_array_add(anchors, held);
        append_pointer(bytes, held);
    }
    append_pointer(bytes, NULL);
    append_pointer(bytes, cert);

    GBytes *key = g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
    struct proof *proof = g_hash_table_lookup(proofs->answers, key);
    if (!proof && proofs->questions < PROOF_QUESTIONS) {
        proof = ask(proofs, chain, anchors, cert);
        if (proofs->questions == PROOF_QUESTIONS)
            g_ptr_array_add(proofs->audit->warnings,
                            (void *)audit_textf(proofs->audit,
                                                "more than %d different paths: further ones were not tried",
                                                PROOF_QUESTIONS));
        g_hash_table_insert(proofs->answers, g_steal_pointer(&key), proof);
    }
    g_clear_pointer(&key, g_bytes_unref);
    return proof ? proof : &unknown;
}
