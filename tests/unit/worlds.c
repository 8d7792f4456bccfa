#include "worlds.h"

#include "analysis.h"
#include "file.h"
#include "journal.h"
#include "name.h"
#include "report.h"

#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#define DAY CERTS_DAY

/* Certificates. */

enum {
    ROOT_0,
    ROOT_1,
    ROOT_2,
    ROOT_0_RENEWED,
    ROOT_0_CROSSED,
    TWIN_1,
    TWIN_2,
    TWIN_3,
    ROOT_EXPIRED,
    ROOT_ENDING,
    OTHER,
    SUB_0,
    SUB_1,
    SUB_TWIN_1,
    SUB_TWIN_2,
    SUB_EXPIRED,
    ENTITY,
    PRINTER,
    LISTED, /* what lists may hold ends here */
    NOWHERE = LISTED,
    SUB_NOWHERE,
    OWN,
    OWN_EXPIRED,
    OWN_ENDING,
    STRANGER,
    LEAVES
};

struct recipe {
    const char *subject;
    int key, issuer; /* numbers of certificates; -1: its own */
    gboolean leaf;
    int begin, end; /* days from now; 0: as usual */
};

static const struct recipe recipes[] = {
    [ROOT_0] = {"/C=DE/O=Example/CN=Root 0", -1, -1, FALSE, 0, 0},
    [ROOT_1] = {"/C=DE/O=Example/CN=Root 1", -1, -1, FALSE, 0, 0},
    [ROOT_2] = {"/C=DE/O=Else/CN=Root 2", -1, -1, FALSE, 0, 0},
    [ROOT_0_RENEWED] = {"/C=DE/O=Example/CN=Root 0", ROOT_0, -1, FALSE, -10, 3000},
    [ROOT_0_CROSSED] = {"/C=DE/O=Example/CN=Root 0", ROOT_0, ROOT_1, FALSE, 0, 0},
    [TWIN_1] = {"/C=DE/O=Twins/CN=Twin Root", -1, -1, FALSE, 0, 0},
    [TWIN_2] = {"/C=DE/O=Twins/CN=Twin Root", -1, -1, FALSE, 0, 0},
    [TWIN_3] = {"/C=DE/O=Twins/CN=Twin Root", -1, -1, FALSE, 0, 0},
    [ROOT_EXPIRED] = {"/C=DE/O=Example/CN=Old Root", -1, -1, FALSE, -3000, -1},
    [ROOT_ENDING] = {"/C=DE/O=Example/CN=Late Root", -1, -1, FALSE, -3000, 1},
    [OTHER] = {"/C=DE/O=Else/CN=Other Root", -1, -1, FALSE, 0, 0},
    [SUB_0] = {"/C=DE/O=Example/CN=Issuing 0", -1, ROOT_0, FALSE, 0, 0},
    [SUB_1] = {"/C=DE/O=Example/CN=Issuing 1", -1, ROOT_1, FALSE, 0, 0},
    [SUB_TWIN_1] = {"/C=DE/O=Twins/CN=Issuing Twin 1", -1, TWIN_1, FALSE, 0, 0},
    [SUB_TWIN_2] = {"/C=DE/O=Twins/CN=Issuing Twin 2", -1, TWIN_2, FALSE, 0, 0},
    [SUB_EXPIRED] = {"/C=DE/O=Else/CN=Issuing Old", -1, ROOT_2, FALSE, -3000, -2},
    [ENTITY] = {"/O=Example/CN=pinned.example.com", -1, SUB_1, TRUE, 0, 0},
    [PRINTER] = {"/CN=printer.example.com", -1, -1, TRUE, 0, 0},
    [NOWHERE] = {"/O=Nobody/CN=Nowhere Root", -1, -1, FALSE, 0, 0},
    [SUB_NOWHERE] = {"/O=Nobody/CN=Nowhere Issuing", -1, NOWHERE, FALSE, 0, 0},
    [OWN] = {"/O=Example/CN=own", -1, -1, TRUE, 0, 0},
    [OWN_EXPIRED] = {"/O=Example/CN=own old", -1, -1, TRUE, -400, -1},
    [OWN_ENDING] = {"/O=Example/CN=own late", -1, -1, TRUE, -400, 1},
    [STRANGER] = {"/O=Strange/CN=Stranger Root", -1, -1, FALSE, 0, 0},
};

static const struct {
    int issuer;
    int sent[2]; /* behind the leaf; 0: none */
} peers[] = {
    {SUB_0, {SUB_0}},
    {SUB_0, {0}},
    {ROOT_2, {0}},
    {SUB_1, {SUB_1}},
    {SUB_0, {SUB_0, ROOT_0_CROSSED}},
    {SUB_TWIN_1, {SUB_TWIN_1}},
    {SUB_TWIN_2, {0}},
    {TWIN_1, {0}},
    {SUB_EXPIRED, {SUB_EXPIRED}},
    {SUB_NOWHERE, {SUB_NOWHERE}},
    {ROOT_EXPIRED, {0}},
    {TWIN_3, {0}},
};
#define PEERS (G_N_ELEMENTS(peers) + 1) /* and a printer that is its own issuer */

static struct issued *certificates[LEAVES + G_N_ELEMENTS(peers)];

/* A key that is the same in every process. */
static struct issued *fixed_key(unsigned number)
{
    uint8_t raw[32];
    struct issued *issued = g_new0(struct issued, 1);
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)(number * 37 + i * 11 + 5);
    issued->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, sizeof raw);
    issued->der = g_bytes_new_static("", 0);
    g_assert(issued->key);
    return issued;
}

static struct issued *make(const struct recipe *recipe, unsigned number)
{
    g_autofree char *serial = g_strdup_printf("5A%02X", number + 1);
    g_autoptr(issued_auto) fresh = fixed_key(number);
    return certs(.subject = recipe->subject, .issuer = recipe->issuer >= 0 ? certificates[recipe->issuer] : NULL,
                 .key_of = recipe->key >= 0 ? certificates[recipe->key] : fresh, .leaf = recipe->leaf, .serial = serial,
                 .not_before = recipe->begin ? CERTS_NOW + recipe->begin * DAY : 0,
                 .not_after = recipe->end ? CERTS_NOW + recipe->end * DAY : 0);
}

static void make_certificates(void)
{
    if (certificates[0])
        return;
    for (unsigned i = 0; i < LEAVES; i++)
        certificates[i] = make(&recipes[i], i);
    for (unsigned i = 0; i < G_N_ELEMENTS(peers); i++) {
        g_autofree char *subject = g_strdup_printf("/CN=peer%02u.example.com", i);
        struct recipe recipe = {subject, -1, peers[i].issuer, TRUE, 0, 0};
        certificates[LEAVES + i] = make(&recipe, LEAVES + i);
    }
}

/* The plan of a world, from which both nights are made. */

enum { FILES = 3, CALLS = 5, INSTANCES = 7, HOSTS = 4 };
enum reading { NATIVE, LISTING, PARTLY, UNREAD };
enum form { NESTED, OLD_FORM, HEADLINE, INCOMING };

static const char *const file_names[FILES] = {"SAPSSLC.pse", "SAPSSLA.pse", "SAPSSLS.pse"};

struct file {
    gboolean there;
    guint32 holds; /* a bit for each certificate */
    int own;       /* -1: none */
    enum reading reading;
    int age; /* days before the first night that it was written */
};

struct call {
    unsigned peer, times;
    enum form form;
    int file;       /* -1: the trace does not tell */
    unsigned depth; /* of the chain that is shown */
    int stamp;      /* 0: none */
    unsigned error; /* of a headline */
};

struct place { /* an instance */
    unsigned host;
    char sid[4], name[4];
    struct file files[FILES];
    struct call calls[CALLS];
    unsigned n_calls, level, cut; /* where the trace was rotated, in thousandths; 0: not at all */
    gboolean tail;
};

struct plan {
    GRand *random;
    struct place places[INSTANCES];
    unsigned n_places, n_hosts;
    guint32 references, policy;
};

static gboolean chance(struct plan *plan, int percent)
{
    return g_rand_int_range(plan->random, 0, 100) < percent;
}

static unsigned pick(struct plan *plan, unsigned count)
{
    return (unsigned)g_rand_int_range(plan->random, 0, (gint32)count);
}

static void plan_call(struct plan *plan, struct call *call)
{
    static const enum form forms[] = {NESTED, NESTED, NESTED, NESTED, NESTED, OLD_FORM, HEADLINE, INCOMING};
    *call = (struct call){.peer = pick(plan, PEERS), .times = 1 + pick(plan, 3)};
    call->form = forms[pick(plan, G_N_ELEMENTS(forms))];
    call->file = chance(plan, 75) ? call->form == INCOMING ? 2 : (int)pick(plan, 2) : -1;
    call->depth = chance(plan, 80) ? 3 : pick(plan, 3);
    call->stamp = (int)pick(plan, 4);
    call->error = pick(plan, 4);
}

static enum reading plan_reading(struct plan *plan)
{
    unsigned of_20 = pick(plan, 20);
    return of_20 < 14 ? NATIVE : of_20 < 16 ? LISTING : of_20 < 17 ? PARTLY : UNREAD;
}

static void plan_files(struct plan *plan, struct place *place, const struct place *like)
{
    static const int owns[] = {OWN, OWN, OWN, OWN_EXPIRED, OWN_ENDING, -1};
    for (unsigned i = 0; i < FILES; i++) {
        struct file *file = &place->files[i];
        *file = (struct file){.there = chance(plan, 85), .own = owns[pick(plan, G_N_ELEMENTS(owns))]};
        for (unsigned j = 0; j < LISTED; j++)
            file->holds |= (guint32)chance(plan, 20) << j;
        if (like && chance(plan, 70))
            *file = like->files[i];
        file->reading = plan_reading(plan);
        file->age = 1 + (int)pick(plan, 30);
    }
}

static void plan_trace(struct plan *plan, struct place *place)
{
    place->level = 1 + pick(plan, 3);
    place->cut = chance(plan, 40) ? 1 + pick(plan, 999) : 0;
    place->tail = chance(plan, 10);
    place->n_calls = pick(plan, CALLS);
    for (unsigned i = 0; i < place->n_calls; i++)
        plan_call(plan, &place->calls[i]);
}

static struct plan *plan_new(guint32 seed)
{
    static const char *const sids[] = {"AAA", "BBB", "CCC"};
    struct plan *plan = g_new0(struct plan, 1);
    plan->random = g_rand_new_with_seed(seed);
    plan->n_hosts = 1 + pick(plan, HOSTS);
    unsigned systems = 1 + pick(plan, G_N_ELEMENTS(sids));
    for (unsigned i = 0; i < systems; i++) {
        const char kind = "DDJW"[pick(plan, 4)];
        unsigned instances = kind == 'D' ? 1 + pick(plan, 3) : 1;
        const struct place *first = NULL;
        for (unsigned j = 0; j < instances && plan->n_places < INSTANCES; j++) {
            struct place *place = &plan->places[plan->n_places];
            place->host = pick(plan, plan->n_hosts);
            g_snprintf(place->sid, sizeof place->sid, "%s", sids[i]);
            g_snprintf(place->name, sizeof place->name, "%c%02u", kind, plan->n_places++);
            plan_files(plan, place, first);
            plan_trace(plan, place);
            first = first ? first : place;
        }
    }
    plan->references = chance(plan, 50) ? g_rand_int(plan->random) & g_rand_int(plan->random) : 0;
    plan->policy = chance(plan, 60) ? g_rand_int(plan->random) : 0;
    return plan;
}

/* A day passes: certificates are imported and lost, calls stop failing and others begin. */
static void plan_pass(struct plan *plan)
{
    for (unsigned i = 0; i < plan->n_places; i++) {
        struct place *place = &plan->places[i];
        for (unsigned j = 0; j < FILES; j++) {
            struct file *file = &place->files[j];
            if (chance(plan, 30)) {
                file->holds ^= (guint32)1 << pick(plan, LISTED);
                file->holds |= (guint32)1 << pick(plan, LISTED);
                file->age = -1;
            }
            if (chance(plan, 30))
                file->holds |= 1 << ROOT_0 | 1 << TWIN_1 | 1 << TWIN_2;
            if (chance(plan, 15))
                file->own = OWN;
            if (chance(plan, 15))
                file->reading = plan_reading(plan);
            if (chance(plan, 4))
                file->there = !file->there;
        }
        if (chance(plan, 40))
            place->n_calls -= place->n_calls > 0;
        if (chance(plan, 20))
            plan_trace(plan, place);
        if (chance(plan, 20) && place->n_calls < CALLS)
            plan_call(plan, &place->calls[place->n_calls++]);
    }
}

/* From the plan to a capture. */

static GBytes *bytes_of(guint32 holds)
{
    GByteArray *out = g_byte_array_new();
    for (unsigned i = 0; i < LISTED; i++) {
        gsize size;
        const guint8 *der = g_bytes_get_data(certificates[i]->der, &size);
        if (holds >> i & 1)
            g_byte_array_append(out, der, (guint)size);
    }
    return g_byte_array_free_to_bytes(out);
}

static void append_hex(GString *text, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        g_string_append_printf(text, "%s%02X", i ? ":" : "", bytes[i]);
}

static char *listing_of(guint32 holds)
{
    GString *text = g_string_new(" maintain_pk for PSE \"x\"\nPKList:\n");
    unsigned number = 0;
    for (unsigned i = 0; i < LISTED; i++) {
        X509 *x509 = certificates[i]->x509;
        const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
        g_autofree char *subject = name_print(X509_get_subject_name(x509));
        g_autofree char *issuer = name_print(X509_get_issuer_name(x509));
        unsigned char digest[EVP_MAX_MD_SIZE];
        unsigned size = 0;
        if (!(holds >> i & 1))
            continue;
        g_string_append_printf(text, " Element #%u:\n  Subject:  %s\n  Issuer:  %s\n  Serial Number:  ", ++number,
                               subject, issuer);
        append_hex(text, ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
        X509_digest(x509, EVP_sha256(), digest, &size);
        g_string_append(text, "\n  Certificate fingerprint (SHA256):  ");
        append_hex(text, digest, size);
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

static void add_file(struct scene *scene, struct capture_host *host, const struct capture_instance *instance,
                     const char *name, const struct file *file)
{
    g_autoptr(GBytes) list = bytes_of(file->holds);
    struct capture_store *store = scene_store(scene, host, instance, name, list);
    store->modified = CERTS_NOW - file->age * DAY;
    if (file->own >= 0 && file->reading == NATIVE)
        store->own = scene_object(scene, g_bytes_get_data(certificates[file->own]->der, NULL),
                                  g_bytes_get_size(certificates[file->own]->der));
    if (file->reading == LISTING) {
        g_autofree char *listing = listing_of(file->holds);
        g_free(store->method);
        store->method = g_strdup("sapgenpse");
        store->listing = scene_object(scene, listing, strlen(listing));
        store->listing_status = 0;
        g_clear_pointer(&store->trusted, g_free);
    } else if (file->reading == PARTLY) {
        g_autoptr(GByteArray) torn = g_byte_array_new();
        g_byte_array_append(torn, g_bytes_get_data(list, NULL), (guint)g_bytes_get_size(list));
        g_byte_array_append(torn, (const guint8 *)"\x30\x03\x02\x01\x05", 5);
        g_free(store->trusted);
        store->trusted = scene_object(scene, torn->data, torn->len);
    } else if (file->reading == UNREAD) {
        g_free(store->method);
        store->method = g_strdup("none");
        store->reason = g_strdup("not-allowed");
        g_clear_pointer(&store->trusted, g_free);
    }
}

static void append_call(GString *text, const struct capture_instance *instance, const struct call *call)
{
    static const char *const stamps[] = {NULL, "Sun Nov  1 00:00:00 2026", "Fri Nov 20 10:00:00 2026",
                                         "Sat Nov 21 23:00:00 2026"};
    static const char *const errors[] = {"SSSLRC_CONN_CLOSED (-10)", "SSSLERR_PEER_CERT_EXPIRED",
                                         "SSSLERR_PEER_CERT_UNTRUSTED (-102)", "SSSLERR_SERVER_CERT_MISMATCH (-30)"};
    gboolean printer = call->peer + 1 == PEERS;
    g_autofree char *target =
        printer ? g_strdup("printer.example.com") : g_strdup_printf("peer%02u.example.com", call->peer);
    g_autofree char *address = g_strdup_printf("192.0.2.%u:443", call->peer + 1);
    g_autofree char *store =
        call->file >= 0 ? g_strdup_printf("%s/sec/%s", instance->path, file_names[call->file]) : NULL;
    const struct issued *leaf = certificates[printer ? PRINTER : LEAVES + (int)call->peer];
    struct attempt attempt = {.stamp = stamps[call->stamp],
                              .store = store,
                              .target = call->form == INCOMING ? NULL : target,
                              .peer = address,
                              .incoming = call->form == INCOMING,
                              .times = call->times};
    for (unsigned i = 0; i < call->depth && i < 3; i++) {
        int next = i == 0 || printer ? 0 : peers[call->peer].sent[i - 1];
        if (i > 0 && !next)
            break;
        attempt.chain[i] = i == 0 ? leaf : certificates[next];
    }
    if (call->form == HEADLINE)
        scene_headline(text, target, errors[call->error]);
    else if (call->form == OLD_FORM && store)
        scene_untrusted_old(text, &attempt, call->peer % 2 ? "CN=Twin Root, O=Tw" : "CN=Root 0, O=Example, C=DE\"");
    else
        scene_untrusted(text, &attempt);
}

static void add_traces(struct scene *scene, struct capture_host *host, const struct capture_instance *instance,
                       const struct place *place)
{
    static const char level_names[][2] = {"0", "1", "2", "3"};
    g_autoptr(GString) text = g_string_new(NULL);

    scene_header(text, level_names[place->level], "785");
    size_t header = text->len;
    g_string_append(text, "[Thr 7] Sun Nov  1 00:00:00 2026\n");
    for (unsigned i = 0; i < place->n_calls; i++)
        append_call(text, instance, &place->calls[i]);
    const char *end = place->cut ? strchr(text->str + header + (text->len - header) * place->cut / 1000, '\n') : NULL;
    if (end) {
        g_autofree char *older = g_strndup(text->str, (gsize)(end + 1 - text->str));
        scene_trace(scene, host, instance, "dev_icm.old", older);
        g_string_erase(text, (gssize)header, end + 1 - text->str - (gssize)header);
    }
    struct capture_trace *trace = scene_trace(scene, host, instance, "dev_icm", text->str);
    if (place->tail) {
        trace->from_byte += 5000;
        trace->size_bytes += 5000;
    }
}

static char *policy_of(struct scene *scene, guint32 bits)
{
    GString *text = g_string_new(NULL);
    scene_file(scene, "required.pem", certificates[ROOT_2]);
    scene_file(scene, "distrusted.pem", certificates[OTHER]);
    if (bits & 1)
        g_string_append(text, "[required base]\ncertificates=required.pem\nsid=AAA;BBB\nfile=SAPSSL*\n");
    if (bits & 2)
        g_string_append(text, "[distrusted bad]\ncertificates=distrusted.pem\nsid=AAA;CCC\n");
    if (bits & 4)
        g_string_append(text, "[trust-lists]\nend-entities=report\n");
    if (bits & 8)
        g_string_append(text, "[strength]\nec-bits=384\n");
    static const char *const kinds[] = {"missing-anchor", "unknown-issuer",   "expired",
                                        "distrusted",     "weak-certificate", "policy-missing"};
    if (bits & 16)
        g_string_append_printf(text, "[waiver one]\nkind=%s\nsid=AAA\nowner=basis\nreason=known\nuntil=2027-01-01\n",
                               kinds[(bits >> 8) % G_N_ELEMENTS(kinds)]);
    if (bits & 32)
        g_string_append(text, "[waiver two]\nkind=host-missing\nhost=host0\nowner=basis\nreason=known\n"
                              "until=2027-01-01\n");
    return g_string_free(text, FALSE);
}

static struct scene *plan_scene(const struct plan *plan, unsigned night)
{
    struct scene *scene = scene_new();
    for (unsigned i = 0; i < plan->n_hosts; i++) {
        g_autofree char *name = g_strdup_printf("host%u", i);
        struct capture_host *host = scene_host(scene, name);
        host->finished = worlds_at(night);
        for (unsigned j = 0; j < plan->n_places; j++) {
            const struct place *place = &plan->places[j];
            if (place->host != i)
                continue;
            struct capture_instance *instance = scene_instance(host, place->sid, place->name);
            for (unsigned k = 0; k < FILES; k++)
                if (place->files[k].there)
                    add_file(scene, host, instance, file_names[k], &place->files[k]);
            add_traces(scene, host, instance, place);
        }
    }
    for (unsigned i = 0; i < LISTED; i++) {
        g_autofree char *name = g_strdup_printf("reference%02u.pem", i);
        if (plan->references >> i & 1)
            scene_reference(scene, name, certificates[i]);
    }
    g_autofree char *policy = policy_of(scene, plan->policy);
    if (*policy)
        scene_policy(scene, policy);
    return scene;
}

struct world *worlds_new(guint32 seed)
{
    make_certificates();
    struct world *world = g_new0(struct world, 1);
    struct plan *plan = plan_new(seed);
    for (unsigned i = 0; i < WORLDS_NIGHTS; i++) {
        world->nights[i] = plan_scene(plan, i);
        plan_pass(plan);
    }
    g_rand_free(plan->random);
    g_free(plan);
    return world;
}

void worlds_free(struct world *world)
{
    if (!world)
        return;
    for (unsigned i = 0; i < WORLDS_NIGHTS; i++)
        scene_free(world->nights[i]);
    g_free(world);
}

int64_t worlds_at(unsigned night)
{
    return CERTS_NOW + (int64_t)night * DAY;
}

struct capture_host *worlds_stranger(struct scene *scene)
{
    g_autoptr(GBytes) list = certs_join(certificates[STRANGER], NULL);
    struct capture_host *host = scene_host(scene, "another");
    host->finished = ((struct capture_host *)scene->hosts->pdata[0])->finished;
    struct capture_instance *instance = scene_instance(host, "ZZZ", "D00");
    scene_store(scene, host, instance, "SAPSSLC.pse", list);
    scene_trace(scene, host, instance, "dev_icm", "[Thr 7] Sun Nov  1 00:00:00 2026\n");
    return host;
}

/* Analyzing. */

static void write_journal(const char *path, const struct scene *scene, const GPtrArray *hosts, guint from, guint to)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *objects = g_build_filename(scene->path, "objects", NULL);
    g_autofree char *link = g_build_filename(path, "objects", NULL);
    g_autofree char *journal = g_build_filename(path, "capture.jsonl", NULL);
    struct capture_header header = {.program = (char *)"test", .started = CERTS_NOW};
    g_autofree char *first = journal_print_header(&header);

    g_string_append(text, first);
    for (guint i = from; i < to; i++) {
        g_autofree char *line = journal_print_host(hosts->pdata[i], NULL);
        g_assert(line);
        g_string_append(text, line);
    }
    gboolean ok = g_mkdir(path, 0700) == 0 && symlink(objects, link) == 0 &&
                  g_file_set_contents_full(journal, text->str, (gssize)text->len, G_FILE_SET_CONTENTS_NONE, 0600, NULL);
    g_assert(ok);
}

static void remove_journal(const char *path)
{
    g_autofree char *link = g_build_filename(path, "objects", NULL);
    g_autofree char *journal = g_build_filename(path, "capture.jsonl", NULL);
    g_unlink(link);
    g_unlink(journal);
    g_rmdir(path);
}

struct audit *worlds_run(const struct scene *scene, const GPtrArray *hosts, unsigned parts, const char *previous,
                         int64_t at)
{
    g_autoptr(GPtrArray) captures = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(audit_auto) before = NULL;
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < parts; i++) {
        g_autofree char *name = g_strdup_printf("part%u", i);
        char *path = g_build_filename(scene->folder, name, NULL);
        write_journal(path, scene, hosts, hosts->len * i / parts, hosts->len * (i + 1) / parts);
        g_ptr_array_insert(captures, 0, path);
    }
    g_ptr_array_add(captures, NULL);
    if (previous) {
        before = report_read_xml(previous, &error);
        g_assert_no_error(error);
    }
    g_autoptr(references_auto) references = scene_load(scene);
    struct analysis_options options = {.at = at, .references = references, .policy = scene->policy, .previous = before};
    struct audit *audit = analysis_run((const char *const *)captures->pdata, &options, &error);
    g_assert_no_error(error);
    for (guint i = 0; i + 1 < captures->len; i++)
        remove_journal(captures->pdata[i]);
    return audit;
}

char *worlds_write(const struct scene *scene, const char *name, const struct audit *audit)
{
    char *path = g_build_filename(scene->folder, name, NULL);
    struct file_output *output = file_output_open(path, 0600, NULL);
    gboolean ok = output && report_write_xml(output, audit, NULL) && file_output_commit(output, NULL);
    g_assert(ok);
    return path;
}
