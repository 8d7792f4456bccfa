#include "certificate_worker.h"

#include "certificate.h"
#include "listing.h"
#include "mapping.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { SAID_CERTIFICATE = 1, SAID_LISTING, SAID_ENTRY };

static const char no_process[] = "no memory could be given to the parser";

/* ---- The child ---- */

static void say(struct worker_answer *answer, uint32_t kind, GByteArray *said)
{
    worker_say(answer, kind, said->data, said->len);
    g_byte_array_set_size(said, 0);
}

static void answer_certificates(struct worker_answer *answer, const struct worker_request *request)
{
    struct mapping mapping;
    struct stat status;
    g_autoptr(GByteArray) said = g_byte_array_new();
    struct signatures *signatures = signatures_new();

    if (fstat(request->files[0], &status) == 0 && status.st_size > 0 &&
        mapping_make(&mapping, request->files[0], (size_t)status.st_size)) {
        const uint8_t *at = (const uint8_t *)mapping.bytes;
        for (size_t left = mapping.size, length; left > 0; at += length, left -= length) {
            struct certificate certificate;
            length = certificate_element(at, left);
            if (length == 0)
                break;
            gboolean parsed = certificate_read(&certificate, at, length, signatures);
            pack_number(said, parsed);
            if (parsed)
                certificate_pack(said, &certificate);
            certificate_clear(&certificate);
            say(answer, SAID_CERTIFICATE, said);
            worker_send(answer); /* of those that were read none is to blame if the next one ends us */
        }
        mapping_clear(&mapping);
    }
    signatures_free(signatures);
}

static void answer_listing(struct worker_answer *answer, const struct worker_request *request)
{
    struct stat status;
    struct mapping mapping = {.bytes = ""};
    g_autoptr(GByteArray) said = g_byte_array_new();

    if (fstat(request->files[0], &status) != 0 ||
        (status.st_size > 0 && !mapping_make(&mapping, request->files[0], (size_t)status.st_size)))
        return;
    struct listing *listing = listing_parse(mapping.bytes, mapping.size);
    for (guint i = 0; i < listing->entries->len; i++) {
        listing_pack_entry(said, listing->entries->pdata[i]);
        say(answer, SAID_ENTRY, said);
    }
    listing_pack(said, listing);
    say(answer, SAID_LISTING, said);
    listing_free(listing);
    if (mapping.size > 0)
        mapping_clear(&mapping);
}

gboolean certificate_worker_work(struct worker_answer *answer, const struct worker_request *request)
{
    switch (request->kind) {
    case CERTIFICATE_WORKER_CERTIFICATES:
        answer_certificates(answer, request);
        return TRUE;
    case CERTIFICATE_WORKER_LISTING:
        answer_listing(answer, request);
        return TRUE;
    default:
        return FALSE;
    }
}

/* ---- The parent: certificates ---- */

struct taking_certificates {
    const GPtrArray *digests;
    GHashTable *into;
    guint done;
};

static gboolean take_certificate(void *data, uint32_t kind, const void *bytes, size_t size)
{
    struct taking_certificates *taking = data;
    struct unpack unpack = {bytes, (const uint8_t *)bytes + size, FALSE};
    struct certificate *certificate = NULL;

    if (kind != SAID_CERTIFICATE || taking->done >= taking->digests->len)
        return FALSE;
    if (unpack_number(&unpack, FALSE, TRUE)) {
        certificate = g_new0(struct certificate, 1);
        certificate_unpack(certificate, &unpack);
    }
    g_hash_table_insert(taking->into, g_strdup(taking->digests->pdata[taking->done++]), certificate);
    return unpack_is_done(&unpack);
}

static gboolean end_certificates(void *data)
{
    const struct taking_certificates *taking = data;
    return taking->done == taking->digests->len;
}

static void take_certificates_again(void *data)
{
    struct taking_certificates *taking = data;
    taking->done = 0;
}

gboolean certificate_worker_read(struct workers *workers, const GByteArray *ders, const GPtrArray *digests,
                                 GHashTable *into, guint *done, char **why)
{
    static const struct worker_taker taker = {take_certificate, end_certificates, take_certificates_again};
    struct taking_certificates taking = {digests, into, 0};
    struct worker_request request = {.kind = CERTIFICATE_WORKER_CERTIFICATES,
                                     .files = {worker_file(ders->data, ders->len), -1}};

    *done = 0;
    if (request.files[0] < 0) {
        *done = digests->len; /* none of them is to blame */
        *why = g_strdup_printf("%s: %s", no_process, g_strerror(errno));
        return FALSE;
    }
    gboolean ok = worker_finish(workers_submit(workers, &request, &taker, &taking), why);
    *done = taking.done;
    return ok;
}

/* ---- The parent: listings ---- */

struct taking_listing {
    struct listing *listing;
    gboolean whole;
};

static gboolean take_listing(void *data, uint32_t kind, const void *bytes, size_t size)
{
    struct taking_listing *taking = data;
    struct unpack unpack = {bytes, (const uint8_t *)bytes + size, FALSE};

    if (taking->whole || taking->listing->entries->len > CERTIFICATE_LIST)
        return FALSE;
    if (kind == SAID_ENTRY) {
        listing_unpack_entry(taking->listing, &unpack);
    } else if (kind == SAID_LISTING) {
        listing_unpack(taking->listing, &unpack);
        taking->whole = TRUE;
    } else {
        return FALSE;
    }
    return unpack_is_done(&unpack);
}

static gboolean end_listing(void *data)
{
    return ((const struct taking_listing *)data)->whole;
}

static void take_listing_again(void *data)
{
    struct taking_listing *taking = data;
    listing_free(taking->listing);
    *taking = (struct taking_listing){.listing = listing_new()};
}

struct listing *certificate_worker_read_listing(struct workers *workers, GBytes *bytes, char **why)
{
    static const struct worker_taker taker = {take_listing, end_listing, take_listing_again};
    gsize size;
    const void *data = g_bytes_get_data(bytes, &size);

    if (!workers)
        return listing_parse(data, size);
    struct worker_request request = {.kind = CERTIFICATE_WORKER_LISTING, .files = {worker_file(data, size), -1}};
    if (request.files[0] < 0) {
        *why = g_strdup_printf("%s: %s", no_process, g_strerror(errno));
        return NULL;
    }
    struct taking_listing taking = {.listing = listing_new()};
    if (worker_finish(workers_submit(workers, &request, &taker, &taking), why))
        return taking.listing;
    listing_free(taking.listing);
    return NULL;
}
