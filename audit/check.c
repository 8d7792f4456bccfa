#include "check.h"

static void import_free(void *data)
{
    struct check_import *import = data;
    g_ptr_array_unref(import->path);
    g_free(import);
}

static void place_free(void *data)
{
    struct check_place *place = data;
    g_ptr_array_unref(place->members);
    g_free(place);
}

static void verdict_free(void *data)
{
    struct check_verdict *verdict = data;
    g_ptr_array_unref(verdict->anchors);
    g_ptr_array_unref(verdict->path);
    g_ptr_array_unref(verdict->named);
    g_ptr_array_unref(verdict->places);
    g_free(verdict);
}

static void assumed_free(void *data)
{
    struct check_assumed *assumed = data;
    g_ptr_array_unref(assumed->stores);
    g_ptr_array_unref(assumed->own);
    g_free(assumed);
}

static void own_free(void *data)
{
    struct check_own *own = data;
    g_ptr_array_unref(own->stores);
    g_free(own);
}

void check_add_own(struct check_assumed *assumed, const struct audit_cert *cert, const struct audit_store *store)
{
    struct check_own *own = NULL;

    for (guint i = 0; i < assumed->own->len; i++)
        if (((struct check_own *)assumed->own->pdata[i])->cert == cert)
            own = assumed->own->pdata[i];
    if (!own) {
        own = g_new0(struct check_own, 1);
        own->cert = cert;
        own->stores = g_ptr_array_new();
        g_ptr_array_add(assumed->own, own);
    }
    if (!g_ptr_array_find(own->stores, store, NULL))
        g_ptr_array_add(own->stores, (void *)store);
}

void check_need_free(struct check_need *need)
{
    g_ptr_array_unref(need->lacking);
    g_ptr_array_unref(need->unknown);
    g_free(need);
}

void check_peer_free(struct check_peer *peer)
{
    if (!peer)
        return;
    g_ptr_array_unref(peer->chain);
    g_ptr_array_unref(peer->notes);
    g_ptr_array_unref(peer->callers);
    g_ptr_array_unref(peer->verdicts);
    g_ptr_array_unref(peer->imports);
    g_free(peer);
}

struct check_import *check_import_new(void)
{
    struct check_import *import = g_new0(struct check_import, 1);
    import->path = g_ptr_array_new();
    return import;
}

struct check_place *check_place_new(void)
{
    struct check_place *place = g_new0(struct check_place, 1);
    place->members = g_ptr_array_new();
    return place;
}

struct check_verdict *check_verdict_new(void)
{
    struct check_verdict *verdict = g_new0(struct check_verdict, 1);
    verdict->anchors = g_ptr_array_new();
    verdict->path = g_ptr_array_new();
    verdict->named = g_ptr_array_new();
    verdict->places = g_ptr_array_new_with_free_func(place_free);
    return verdict;
}

struct check_peer *check_peer_new(void)
{
    struct check_peer *peer = g_new0(struct check_peer, 1);
    peer->chain = g_ptr_array_new();
    peer->notes = g_ptr_array_new();
    peer->callers = g_ptr_array_new();
    peer->imports = g_ptr_array_new_with_free_func(import_free);
    peer->verdicts = g_ptr_array_new_with_free_func(verdict_free);
    return peer;
}

struct check_assumed *check_assumed_new(void)
{
    struct check_assumed *assumed = g_new0(struct check_assumed, 1);
    assumed->stores = g_ptr_array_new();
    assumed->own = g_ptr_array_new_with_free_func(own_free);
    return assumed;
}

struct check_need *check_need_new(void)
{
    struct check_need *need = g_new0(struct check_need, 1);
    need->lacking = g_ptr_array_new();
    need->unknown = g_ptr_array_new();
    return need;
}

struct check *check_new(const struct audit *audit)
{
    struct check *check = g_new0(struct check, 1);
    check->audit = audit;
    check->notes = g_ptr_array_new();
    check->assumed = g_ptr_array_new_with_free_func(assumed_free);
    check->peers = g_ptr_array_new_with_free_func((GDestroyNotify)check_peer_free);
    check->observed = g_ptr_array_new_with_free_func((GDestroyNotify)check_peer_free);
    check->effects = g_ptr_array_new_with_free_func(g_free);
    check->needs = g_ptr_array_new_with_free_func((GDestroyNotify)check_need_free);
    check->unmatched = g_ptr_array_new();
    return check;
}

void check_free(struct check *check)
{
    if (!check)
        return;
    g_ptr_array_unref(check->notes);
    g_ptr_array_unref(check->assumed);
    g_ptr_array_unref(check->peers);
    g_ptr_array_unref(check->observed);
    g_ptr_array_unref(check->effects);
    g_ptr_array_unref(check->needs);
    g_ptr_array_unref(check->unmatched);
    g_free(check);
}

static gboolean is_broken_by_drops(const struct check *check)
{
    for (guint i = 0; i < check->observed->len; i++)
        if (((const struct check_peer *)check->observed->pdata[i])->broken)
            return TRUE;
    for (guint i = 0; i < check->effects->len; i++)
        if (((const struct check_effect *)check->effects->pdata[i])->kind == CHECK_REOPENED)
            return TRUE;
    return FALSE;
}

gboolean check_imports(const struct check *check)
{
    for (guint i = 0; i < check->assumed->len; i++)
        if (!((const struct check_assumed *)check->assumed->pdata[i])->drop)
            return TRUE;
    return FALSE;
}

gboolean check_rejects(const struct check *check)
{
    for (guint i = 0; i < check->peers->len; i++)
        if (((const struct check_peer *)check->peers->pdata[i])->stores[CHECK_REJECTS])
            return TRUE;
    for (guint i = 0; i < check->needs->len; i++) {
        const struct check_need *need = check->needs->pdata[i];
        if (need->lacking->len > 0 && !need->ended)
            return TRUE;
    }
    return is_broken_by_drops(check) || (check->peers->len == 0 && check_imports(check) && check->open_gaps > 0);
}

const char *check_answer_name(enum check_answer answer)
{
    static const char *const names[] = {"rejects", "unknown", "accepts"};
    g_assert((size_t)answer < G_N_ELEMENTS(names));
    return names[answer];
}

const char *check_import_kind_name(enum check_import_kind kind)
{
    static const char *const names[] = {"root", "self-signed-peer", "intermediate", "peer"};
    g_assert((size_t)kind < G_N_ELEMENTS(names));
    return names[kind];
}

const char *check_effect_kind_name(enum check_effect_kind kind)
{
    static const char *const names[] = {"reopened", "healed", "perhaps", "sourceless"};
    g_assert((size_t)kind < G_N_ELEMENTS(names));
    return names[kind];
}
