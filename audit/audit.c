#include "audit.h"

#include "moment.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/*
 * Structures of one kind lie side by side in blocks, which are freed with the audit.  A large landscape has 100,000 of
 * a kind, and whoever follows references from one to the other would else wait for memory at each of them.
 */
#define BLOCK_BYTES ((size_t)16 * 1024)

enum kind {
    KIND_CAPTURE,
    KIND_REFERENCE,
    KIND_HOST,
    KIND_INSTANCE,
    KIND_TRACE,
    KIND_CERT,
    KIND_LIST,
    KIND_RAW,
    KIND_STORE,
    KIND_MEMBER,
    KIND_LINK,
    KIND_INPUT,
    KIND_KNOWN,
    KIND_EVIDENCE,
    KIND_FAILURE,
    KIND_GAP,
    KIND_WAIVER,
    KIND_FINDING,
    KINDS,
};

struct audit_memory {
    struct {
        char *free; /* in the last block of this kind */
        size_t left_bytes;
    } kinds[KINDS];
    GPtrArray *blocks, *arrays;
};

static struct audit_memory *memory_new(void)
{
    struct audit_memory *memory = g_new0(struct audit_memory, 1);
    memory->blocks = g_ptr_array_new_with_free_func(g_free);
    memory->arrays = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    return memory;
}

static void memory_free(struct audit_memory *memory)
{
    g_ptr_array_unref(memory->blocks);
    g_ptr_array_unref(memory->arrays);
    g_free(memory);
}

/* Zeroed; ${size} is always the same for one kind, so that every structure of a block is aligned. */
static void *new_structure(struct audit *audit, enum kind kind, size_t size)
{
    struct audit_memory *memory = audit->memory;

    if (memory->kinds[kind].left_bytes < size) {
        memory->kinds[kind].free = g_malloc0(BLOCK_BYTES);
        memory->kinds[kind].left_bytes = BLOCK_BYTES;
        g_ptr_array_add(memory->blocks, memory->kinds[kind].free);
    }
    void *structure = memory->kinds[kind].free;
    memory->kinds[kind].free += size;
    memory->kinds[kind].left_bytes -= size;
    return structure;
}

static GPtrArray *new_array(struct audit *audit)
{
    GPtrArray *array = g_ptr_array_new();
    g_ptr_array_add(audit->memory->arrays, array);
    return array;
}

struct audit *audit_new(void)
{
    struct audit *audit = g_new0(struct audit, 1);
    audit->strings = g_string_chunk_new(64 * 1024);
    audit->memory = memory_new();
    audit->evaluated = MOMENT_NONE;
    audit->previous = MOMENT_NONE;
    audit->captures = new_array(audit);
    audit->references = new_array(audit);
    audit->hosts = new_array(audit);
    audit->certs = new_array(audit);
    audit->lists = new_array(audit);
    audit->stores = new_array(audit);
    audit->failures = new_array(audit);
    audit->findings = new_array(audit);
    audit->inputs = new_array(audit);
    audit->warnings = new_array(audit);
    return audit;
}

void audit_free(struct audit *audit)
{
    if (!audit)
        return;
    /* A certificate's DER is set after it was made, so it does not lie in the memory of the audit. */
    for (guint i = 0; i < audit->certs->len; i++) {
        struct audit_cert *cert = g_ptr_array_index(audit->certs, i);
        g_clear_pointer(&cert->der, g_bytes_unref);
    }
    memory_free(audit->memory);
    g_string_chunk_free(audit->strings);
    g_free(audit);
}

const char *audit_text(struct audit *audit, const char *text)
{
    return text_intern(audit->strings, text);
}

const char *audit_text_bytes(struct audit *audit, const void *bytes, size_t size)
{
    return bytes ? text_intern_bytes(audit->strings, bytes, size) : NULL;
}

const char *audit_textf(struct audit *audit, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    return audit_text(audit, text);
}

struct audit_capture *audit_capture_new(struct audit *audit)
{
    struct audit_capture *capture = new_structure(audit, KIND_CAPTURE, sizeof *capture);
    capture->started = MOMENT_NONE;
    return capture;
}

struct audit_reference *audit_reference_new(struct audit *audit)
{
    return new_structure(audit, KIND_REFERENCE, sizeof(struct audit_reference));
}

struct audit_host *audit_host_new(struct audit *audit)
{
    struct audit_host *host = new_structure(audit, KIND_HOST, sizeof *host);
    host->groups = new_array(audit);
    host->notes = new_array(audit);
    host->instances = new_array(audit);
    host->collected = MOMENT_NONE;
    host->zone_offset_s = G_MININT;
    return host;
}

struct audit_instance *audit_instance_new(struct audit *audit)
{
    struct audit_instance *instance = new_structure(audit, KIND_INSTANCE, sizeof *instance);
    instance->seen = MOMENT_NONE;
    instance->traces = new_array(audit);
    return instance;
}

struct audit_trace *audit_trace_new(struct audit *audit)
{
    struct audit_trace *trace = new_structure(audit, KIND_TRACE, sizeof *trace);
    trace->size_bytes = -1;
    trace->from_byte = -1;
    trace->modified = MOMENT_NONE;
    trace->first = MOMENT_NONE;
    trace->last = MOMENT_NONE;
    trace->level = -1;
    return trace;
}

struct audit_cert *audit_cert_new(struct audit *audit)
{
    struct audit_cert *cert = new_structure(audit, KIND_CERT, sizeof *cert);
    cert->not_before = MOMENT_NONE;
    cert->not_after = MOMENT_NONE;
    cert->asked = MOMENT_NONE;
    cert->references = new_array(audit);
    return cert;
}

struct audit_list *audit_list_new(struct audit *audit)
{
    struct audit_list *list = new_structure(audit, KIND_LIST, sizeof *list);
    list->certs = new_array(audit);
    list->raws = new_array(audit);
    return list;
}

struct audit_raw *audit_raw_new(struct audit *audit)
{
    return new_structure(audit, KIND_RAW, sizeof(struct audit_raw));
}

struct audit_store *audit_store_new(struct audit *audit)
{
    struct audit_store *store = new_structure(audit, KIND_STORE, sizeof *store);
    store->members = new_array(audit);
    return store;
}

struct audit_member *audit_member_new(struct audit *audit)
{
    struct audit_member *member = new_structure(audit, KIND_MEMBER, sizeof *member);
    member->modified = MOMENT_NONE;
    return member;
}

struct audit_link *audit_link_new(struct audit *audit)
{
    return new_structure(audit, KIND_LINK, sizeof(struct audit_link));
}

struct audit_input *audit_input_new(struct audit *audit)
{
    return new_structure(audit, KIND_INPUT, sizeof(struct audit_input));
}

struct audit_known *audit_known_new(struct audit *audit)
{
    struct audit_known *known = new_structure(audit, KIND_KNOWN, sizeof *known);
    known->match = MATCH_NONE;
    known->candidates = new_array(audit);
    return known;
}

struct audit_evidence *audit_evidence_new(struct audit *audit)
{
    struct audit_evidence *evidence = new_structure(audit, KIND_EVIDENCE, sizeof *evidence);
    evidence->lines = new_array(audit);
    return evidence;
}

struct audit_failure *audit_failure_new(struct audit *audit)
{
    struct audit_failure *failure = new_structure(audit, KIND_FAILURE, sizeof *failure);
    failure->first = MOMENT_NONE;
    failure->last = MOMENT_NONE;
    failure->asked = MOMENT_NONE;
    failure->peers = new_array(audit);
    failure->chain = new_array(audit);
    failure->evidence = new_array(audit);
    return failure;
}

struct audit_gap *audit_gap_new(struct audit *audit)
{
    struct audit_gap *gap = new_structure(audit, KIND_GAP, sizeof *gap);
    gap->first_seen = MOMENT_NONE;
    gap->last = MOMENT_NONE;
    gap->failures = new_array(audit);
    gap->steps = new_array(audit);
    return gap;
}

struct audit_waiver *audit_waiver_new(struct audit *audit)
{
    struct audit_waiver *waiver = new_structure(audit, KIND_WAIVER, sizeof *waiver);
    waiver->until = MOMENT_NONE;
    return waiver;
}

struct audit_finding *audit_finding_new(struct audit *audit)
{
    struct audit_finding *finding = new_structure(audit, KIND_FINDING, sizeof *finding);
    finding->first_seen = MOMENT_NONE;
    finding->last_seen = MOMENT_NONE;
    finding->asked = MOMENT_NONE;
    finding->waivers = new_array(audit);
    finding->candidates = new_array(audit);
    finding->gaps = new_array(audit);
    finding->donors = new_array(audit);
    finding->lacking = new_array(audit);
    finding->stores = new_array(audit);
    finding->failures = new_array(audit);
    finding->steps = new_array(audit);
    return finding;
}

/* Order.  NULL stands before any string. */

#define RETURN_IF_DIFFERENT(comparison)                                                                                \
    do {                                                                                                               \
        int difference_ = (comparison);                                                                                \
        if (difference_ != 0)                                                                                          \
            return difference_;                                                                                        \
    } while (0)

static int compare_numbers(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_texts(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;
    return g_strcmp0(*left, *right);
}

static int compare_references(const void *a, const void *b)
{
    const struct audit_reference *left = *(struct audit_reference *const *)a,
                                 *right = *(struct audit_reference *const *)b;
    int order = g_strcmp0(left->path, right->path);
    return order ? order : g_strcmp0(left->sha256, right->sha256);
}

static int compare_hosts(const void *a, const void *b)
{
    const struct audit_host *left = *(struct audit_host *const *)a, *right = *(struct audit_host *const *)b;
    return g_strcmp0(left->name, right->name);
}

static int instance_order(const struct audit_instance *left, const struct audit_instance *right)
{
    if (!left || !right)
        return (left != NULL) - (right != NULL);
    RETURN_IF_DIFFERENT(g_strcmp0(left->host->name, right->host->name));
    RETURN_IF_DIFFERENT(g_strcmp0(left->sid, right->sid));
    RETURN_IF_DIFFERENT(g_strcmp0(left->name, right->name));
    return g_strcmp0(left->path, right->path);
}

static int compare_instances(const void *a, const void *b)
{
    return instance_order(*(struct audit_instance *const *)a, *(struct audit_instance *const *)b);
}

static int compare_traces(const void *a, const void *b)
{
    const struct audit_trace *left = *(struct audit_trace *const *)a, *right = *(struct audit_trace *const *)b;
    RETURN_IF_DIFFERENT(g_strcmp0(left->path, right->path));
    return g_strcmp0(left->object, right->object);
}

static int compare_certs(const void *a, const void *b)
{
    const struct audit_cert *left = *(struct audit_cert *const *)a, *right = *(struct audit_cert *const *)b;
    RETURN_IF_DIFFERENT(g_strcmp0(left->sha256, right->sha256));
    RETURN_IF_DIFFERENT(g_strcmp0(left->sha1, right->sha1));
    RETURN_IF_DIFFERENT(g_strcmp0(left->issuer, right->issuer));
    RETURN_IF_DIFFERENT(g_strcmp0(left->serial, right->serial));
    RETURN_IF_DIFFERENT(g_strcmp0(left->subject, right->subject));
    return g_strcmp0(left->md5, right->md5);
}

static int compare_cert_ids(const void *a, const void *b)
{
    const struct audit_cert *left = *(struct audit_cert *const *)a, *right = *(struct audit_cert *const *)b;
    return compare_numbers(left->id, right->id);
}

static int compare_lists(const void *a, const void *b)
{
    const struct audit_list *left = *(struct audit_list *const *)a, *right = *(struct audit_list *const *)b;
    for (guint i = 0; i < left->certs->len && i < right->certs->len; i++)
        RETURN_IF_DIFFERENT(compare_cert_ids(&left->certs->pdata[i], &right->certs->pdata[i]));
    RETURN_IF_DIFFERENT(compare_numbers(left->certs->len, right->certs->len));
    return compare_numbers(left->refused, right->refused);
}

static int compare_stores(const void *a, const void *b)
{
    const struct audit_store *left = *(struct audit_store *const *)a, *right = *(struct audit_store *const *)b;
    return g_strcmp0(left->label, right->label);
}

static int compare_store_ids(const void *a, const void *b)
{
    const struct audit_store *left = *(struct audit_store *const *)a, *right = *(struct audit_store *const *)b;
    return compare_numbers(left->id, right->id);
}

static int compare_members(const void *a, const void *b)
{
    const struct audit_member *left = *(struct audit_member *const *)a, *right = *(struct audit_member *const *)b;
    RETURN_IF_DIFFERENT(instance_order(left->instance, right->instance));
    return g_strcmp0(left->path, right->path);
}

static int evidence_order(const struct audit_evidence *left, const struct audit_evidence *right)
{
    RETURN_IF_DIFFERENT(g_strcmp0(left->host ? left->host->name : NULL, right->host ? right->host->name : NULL));
    RETURN_IF_DIFFERENT(g_strcmp0(left->path, right->path));
    return compare_numbers(left->offset, right->offset);
}

static int compare_evidence(const void *a, const void *b)
{
    return evidence_order(*(struct audit_evidence *const *)a, *(struct audit_evidence *const *)b);
}

static int compare_failures(const void *a, const void *b)
{
    const struct audit_failure *left = *(struct audit_failure *const *)a, *right = *(struct audit_failure *const *)b;
    RETURN_IF_DIFFERENT(instance_order(left->instance, right->instance));
    RETURN_IF_DIFFERENT(g_strcmp0(left->store_path, right->store_path));
    RETURN_IF_DIFFERENT(g_strcmp0(left->target, right->target));
    RETURN_IF_DIFFERENT(g_strcmp0(left->peer, right->peer));
    RETURN_IF_DIFFERENT(compare_numbers((int)left->cause, (int)right->cause));
    RETURN_IF_DIFFERENT(g_strcmp0(left->missing, right->missing));
    RETURN_IF_DIFFERENT(compare_numbers((int)left->role, (int)right->role));
    RETURN_IF_DIFFERENT(g_strcmp0(left->error, right->error));
    if (left->evidence->len && right->evidence->len)
        RETURN_IF_DIFFERENT(evidence_order(left->evidence->pdata[0], right->evidence->pdata[0]));
    return compare_numbers(left->count, right->count);
}

static int compare_failure_ids(const void *a, const void *b)
{
    const struct audit_failure *left = *(struct audit_failure *const *)a, *right = *(struct audit_failure *const *)b;
    return compare_numbers(left->id, right->id);
}

static int compare_gaps(const void *a, const void *b)
{
    const struct audit_gap *left = *(struct audit_gap *const *)a, *right = *(struct audit_gap *const *)b;
    RETURN_IF_DIFFERENT(compare_numbers(left->state == STATE_FIXED, right->state == STATE_FIXED));
    RETURN_IF_DIFFERENT(compare_numbers((int)left->basis, (int)right->basis));
    RETURN_IF_DIFFERENT(g_strcmp0(left->store ? left->store->label : NULL, right->store ? right->store->label : NULL));
    return instance_order(left->instance, right->instance);
}

gboolean audit_host_is_listed(const struct audit_host *host)
{
    return host->status == HOST_COLLECTED || (host->status == HOST_PARTIAL && g_strcmp0(host->reason, "unread") == 0);
}

gboolean audit_failure_names_missing(const struct audit_failure *failure)
{
    /* Nothing lasting follows from a torn block, unless the peer itself has told the rest. */
    return failure->cause == CAUSE_UNTRUSTED_PEER && failure->missing && failure->certainty != CERTAINTY_UNKNOWN &&
           (!failure->torn || failure->asked != MOMENT_NONE);
}

gboolean audit_finding_kind_is_missing(enum audit_finding_kind kind)
{
    return kind == FINDING_MISSING_ANCHOR || kind == FINDING_UNKNOWN_ISSUER;
}

gboolean audit_state_is_closed(enum audit_state state)
{
    return state == STATE_FIXED || state == STATE_WAIVED;
}

static int compare_findings(const void *a, const void *b)
{
    const struct audit_finding *left = *(struct audit_finding *const *)a, *right = *(struct audit_finding *const *)b;
    unsigned gaps[2] = {0, 0};
    int64_t counts[2] = {0, 0};
    const struct audit_finding *both[2] = {left, right};

    for (int side = 0; side < 2; side++) {
        for (guint i = 0; i < both[side]->gaps->len; i++) {
            const struct audit_gap *gap = both[side]->gaps->pdata[i];
            gaps[side] += gap->state != STATE_FIXED;
            counts[side] += gap->count;
        }
        for (guint i = 0; i < both[side]->failures->len; i++) {
            const struct audit_failure *failure = both[side]->failures->pdata[i];
            counts[side] += failure->count;
        }
    }
    RETURN_IF_DIFFERENT(compare_numbers(audit_state_is_closed(left->state), audit_state_is_closed(right->state)));
    RETURN_IF_DIFFERENT(compare_numbers((int)right->severity, (int)left->severity));
    RETURN_IF_DIFFERENT(compare_numbers((int)left->kind, (int)right->kind));
    RETURN_IF_DIFFERENT(compare_numbers(gaps[1], gaps[0]));
    RETURN_IF_DIFFERENT(compare_numbers(counts[1], counts[0]));
    return g_strcmp0(left->id, right->id);
}

static void sort(GPtrArray *array, int (*compare)(const void *, const void *))
{
    /* g_ptr_array_sort() is stable only from GLib 2.76 on; the comparisons above leave no two different things equal.
     */
    if (array->len > 1)
        qsort(array->pdata, array->len, sizeof array->pdata[0], compare);
}

void audit_sort(struct audit *audit)
{
    sort(audit->warnings, compare_texts);
    sort(audit->references, compare_references);
    sort(audit->hosts, compare_hosts);
    for (guint i = 0; i < audit->hosts->len; i++) {
        struct audit_host *host = audit->hosts->pdata[i];
        host->id = i + 1;
        sort(host->groups, compare_texts);
        sort(host->instances, compare_instances);
        for (guint j = 0; j < host->instances->len; j++)
            sort(((struct audit_instance *)host->instances->pdata[j])->traces, compare_traces);
    }
    sort(audit->certs, compare_certs);
    for (guint i = 0; i < audit->certs->len; i++) {
        struct audit_cert *cert = audit->certs->pdata[i];
        cert->id = i + 1;
        sort(cert->references, compare_texts);
    }
    for (guint i = 0; i < audit->lists->len; i++)
        sort(((struct audit_list *)audit->lists->pdata[i])->certs, compare_cert_ids);
    sort(audit->lists, compare_lists);
    for (guint i = 0; i < audit->lists->len; i++)
        ((struct audit_list *)audit->lists->pdata[i])->id = i + 1;
    sort(audit->stores, compare_stores);
    for (guint i = 0; i < audit->stores->len; i++) {
        struct audit_store *store = audit->stores->pdata[i];
        store->id = i + 1;
        sort(store->members, compare_members);
    }
    for (guint i = 0; i < audit->failures->len; i++)
        sort(((struct audit_failure *)audit->failures->pdata[i])->evidence, compare_evidence);
    sort(audit->failures, compare_failures);
    for (guint i = 0; i < audit->failures->len; i++)
        ((struct audit_failure *)audit->failures->pdata[i])->id = i + 1;
    for (guint i = 0; i < audit->findings->len; i++) {
        struct audit_finding *finding = audit->findings->pdata[i];
        sort(finding->candidates, compare_cert_ids);
        sort(finding->donors, compare_store_ids);
        sort(finding->lacking, compare_store_ids);
        sort(finding->stores, compare_store_ids);
        sort(finding->failures, compare_failure_ids);
        for (guint j = 0; j < finding->gaps->len; j++)
            sort(((struct audit_gap *)finding->gaps->pdata[j])->failures, compare_failure_ids);
        sort(finding->gaps, compare_gaps);
    }
    sort(audit->findings, compare_findings);
}

gboolean audit_list_has(const struct audit_list *list, const struct audit_cert *cert)
{
    return list->certs->len > 0 &&
           bsearch(&cert, list->certs->pdata, list->certs->len, sizeof list->certs->pdata[0], compare_cert_ids) != NULL;
}

static gboolean is_bundle(const struct audit *audit, const char *path)
{
    for (guint i = 0; i < audit->references->len; i++) {
        const struct audit_reference *reference = audit->references->pdata[i];
        if (reference->system && g_strcmp0(reference->path, path) == 0)
            return TRUE;
    }
    return FALSE;
}

void audit_find_bundles(struct audit *audit)
{
    for (guint i = 0; i < audit->certs->len; i++) {
        struct audit_cert *cert = audit->certs->pdata[i];
        cert->bundle = NULL;
        for (guint j = 0; !cert->bundle && j < cert->references->len; j++)
            if (is_bundle(audit, cert->references->pdata[j]))
                cert->bundle = cert->references->pdata[j];
    }
}

gboolean audit_member_is_whole(const struct audit_member *member)
{
    return member->list && member->reading != READING_PARTLY;
}

gboolean audit_store_lacks(const struct audit_store *store, const struct audit_cert *cert)
{
    gboolean read = FALSE;

    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        if (member->list && audit_list_has(member->list, cert))
            return FALSE;
        read = read || audit_member_is_whole(member);
    }
    return read;
}

const struct audit_trace *audit_instance_trace(const struct audit_instance *instance, const char *path)
{
    for (guint i = 0; i < instance->traces->len; i++) {
        const struct audit_trace *trace = instance->traces->pdata[i];
        if (g_strcmp0(trace->path, path) == 0)
            return trace;
    }
    return NULL;
}

gboolean audit_store_holds(const struct audit_store *store, const struct audit_cert *cert)
{
    for (guint i = 0; i < store->members->len; i++) {
        const struct audit_member *member = store->members->pdata[i];
        if (member->list && audit_list_has(member->list, cert))
            return TRUE;
    }
    return FALSE;
}

gboolean audit_finding_counts(const struct audit_finding *finding, enum audit_severity threshold)
{
    return !audit_state_is_closed(finding->state) && finding->severity >= threshold;
}
