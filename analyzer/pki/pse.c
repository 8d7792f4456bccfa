#include "pse.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <stdint.h>
#include <string.h>

#define LENGTH_BYTES 3 /* of a length of the long form, as the probe has it */

enum { CONTEXT_0 = V_ASN1_CONTEXT_SPECIFIC | V_ASN1_CONSTRUCTED, CONTEXT_3 = CONTEXT_0 | 3 };
enum { SEQUENCE = V_ASN1_CONSTRUCTED | V_ASN1_SEQUENCE, SET = V_ASN1_CONSTRUCTED | V_ASN1_SET };

static const uint8_t list_kind[] = {0x2b, 0x24, 0x02, 0x06, 0x01}; /* 1.3.36.2.6.1, PKList */
static const uint8_t own_kind[] = {0x2b, 0x24, 0x02, 0x01, 0x03};  /* 1.3.36.2.1.3, Cert */

struct span { /* bytes that are left to be walked */
    const uint8_t *at, *end;
};

struct walk {
    GPtrArray *certs;
    enum pse_part part;
    gboolean seen; /* the part was there */
};

/* Step over the element at the beginning of ${span}; ${value} (may be NULL) is what is in it.  Its tag, or -1. */
static int take(struct span *span, struct span *value)
{
    const unsigned char *at = span->at;
    long length = 0;
    int tag = 0, class = 0;

    if (span->at >= span->end)
        return -1;
    int form = ASN1_get_object(&at, &length, &tag, &class, span->end - span->at);
    ERR_clear_error();
    /* 0x80: broken, 1: of indefinite length; a tag of one byte is all that a PSE has */
    if ((form & 0x81) || tag > 30 || at - span->at > 2 + LENGTH_BYTES)
        return -1;
    if (value)
        *value = (struct span){at, at + length};
    span->at = at + length;
    return class | (form & V_ASN1_CONSTRUCTED) | tag;
}

static gboolean expect(struct span *span, int tag, struct span *value)
{
    return take(span, value) == tag;
}

static gboolean is_over(const struct span *span)
{
    return span->at == span->end;
}

static gboolean is_equal(const struct span *span, const void *bytes, size_t size)
{
    return (size_t)(span->end - span->at) == size && memcmp(span->at, bytes, size) == 0;
}

/* SEQUENCE { SEQUENCE { [0] or INTEGER, ... }, SEQUENCE, BIT STRING }: a private key begins in another way. */
static gboolean is_shaped_as_certificate(struct span cert)
{
    struct span body, first;
    if (!expect(&cert, SEQUENCE, &body) || !expect(&cert, SEQUENCE, NULL) || !expect(&cert, V_ASN1_BIT_STRING, NULL) ||
        !is_over(&cert))
        return FALSE;
    int tag = take(&body, &first);
    return tag == CONTEXT_0 || tag == V_ASN1_INTEGER;
}

static gboolean take_certificate(GPtrArray *certs, struct span *list)
{
    struct span value;
    const uint8_t *begin = list->at;
    if (certs->len >= PSE_CERTS || !expect(list, SEQUENCE, &value) || !is_shaped_as_certificate(value))
        return FALSE;
    g_ptr_array_add(certs, g_bytes_new(begin, (gsize)(list->at - begin)));
    return TRUE;
}

static gboolean walk_list(GPtrArray *certs, struct span list)
{
    while (!is_over(&list))
        if (!take_certificate(certs, &list))
            return FALSE;
    return TRUE;
}

/* Name, time, kind, value: of an object that isn't the wanted part nothing behind its kind is looked at. */
static gboolean walk_object(struct walk *walk, struct span object)
{
    struct span kind, list;
    if (!expect(&object, V_ASN1_PRINTABLESTRING, NULL) || !expect(&object, V_ASN1_GENERALIZEDTIME, NULL) ||
        !expect(&object, V_ASN1_OBJECT, &kind))
        return FALSE;
    if (walk->part == PSE_TRUSTED ? !is_equal(&kind, list_kind, sizeof list_kind)
                                  : !is_equal(&kind, own_kind, sizeof own_kind))
        return TRUE;
    if (walk->seen)
        return FALSE;
    walk->seen = TRUE;
    if (walk->part == PSE_OWN)
        return take_certificate(walk->certs, &object) && is_over(&object);
    return expect(&object, SET, &list) && is_over(&object) && walk_list(walk->certs, list);
}

/* SEQUENCE { algorithm, time, INTEGER OPTIONAL, SET OF object } and nothing behind it. */
static gboolean walk_content(struct walk *walk, struct span around)
{
    struct span content, objects, object;

    if (!expect(&around, SEQUENCE, &content) || !is_over(&around) || !expect(&content, SEQUENCE, NULL) ||
        !expect(&content, V_ASN1_GENERALIZEDTIME, NULL))
        return FALSE;
    int tag = take(&content, &objects);
    if (tag == V_ASN1_INTEGER)
        tag = take(&content, &objects);
    if (tag != SET || !is_over(&content))
        return FALSE;
    while (!is_over(&objects))
        if (!expect(&objects, SEQUENCE, &object) || !walk_object(walk, object))
            return FALSE;
    return TRUE;
}

/* [3] { flag (0: no PIN), algorithm, OCTET STRING around the content, check value } */
static enum pse_form walk_version_4(struct walk *walk, struct span body)
{
    struct span inside, flag, content;
    if (!expect(&body, CONTEXT_3, &inside) || !expect(&inside, V_ASN1_INTEGER, &flag))
        return PSE_DAMAGED;
    if (!is_equal(&flag, "\0", 1))
        return PSE_PIN;
    if (!expect(&inside, SEQUENCE, NULL) || !expect(&inside, V_ASN1_OCTET_STRING, &content) ||
        !expect(&inside, V_ASN1_OCTET_STRING, NULL) || !is_over(&inside))
        return PSE_DAMAGED;
    return walk_content(walk, content) ? PSE_PLAIN : PSE_DAMAGED;
}

/* What the first bytes are those of.  They tell even of a file that was cut. */
static enum pse_form walk_file(struct walk *walk, struct span file)
{
    struct span version, inside, rest;

    if (file.end - file.at < 5 || file.at[0] != SEQUENCE)
        return PSE_NONE;
    struct span head = {file.at + 2 + (file.at[1] & 0x80 ? file.at[1] & 0x7f : 0), file.end};
    if (file.at[1] > (0x80 | LENGTH_BYTES) || !expect(&head, V_ASN1_INTEGER, &version) || is_over(&head))
        return PSE_NONE;
    int next = head.at[0];
    if (is_equal(&version, "\1\0", 2) && next == CONTEXT_0)
        return PSE_LPS;
    if (is_equal(&version, "\2", 1) && next == CONTEXT_0)
        return PSE_PIN;
    gboolean old = is_equal(&version, "\2", 1) && next == SEQUENCE;
    if (!old && !(is_equal(&version, "\4", 1) && next == CONTEXT_3))
        return PSE_NONE;
    if (!expect(&file, SEQUENCE, &inside) || !is_over(&file) || !expect(&inside, V_ASN1_INTEGER, NULL))
        return PSE_DAMAGED;
    rest = inside;
    if (take(&rest, NULL) != next || !is_over(&rest))
        return PSE_DAMAGED;
    if (old)
        return walk_content(walk, inside) ? PSE_PLAIN : PSE_DAMAGED;
    return walk_version_4(walk, inside);
}

enum pse_form pse_read(GPtrArray *certs, const void *bytes, size_t size, enum pse_part part)
{
    guint before = certs->len;
    struct walk walk = {.certs = certs, .part = part};
    enum pse_form form = walk_file(&walk, (struct span){bytes, (const uint8_t *)bytes + size});
    if (form != PSE_PLAIN)
        g_ptr_array_set_size(certs, (gint)before);
    return form;
}
