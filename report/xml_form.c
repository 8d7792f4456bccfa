#include "xml_form.h"

#include <stddef.h>

const char xml_form_letters[OBJECT_KINDS] = {
    [OBJECT_NONE] = '?', [OBJECT_HOST] = 'h',  [OBJECT_INSTANCE] = 'i', [OBJECT_CERT] = 'c',
    [OBJECT_LIST] = 'l', [OBJECT_STORE] = 's', [OBJECT_FAILURE] = 'f',
};

#define WORDS(type)                                                                                                    \
    static const char *type##_name(const void *at)                                                                     \
    {                                                                                                                  \
        return audit_##type##_name(*(const enum audit_##type *)at);                                                    \
    }                                                                                                                  \
    static gboolean type##_parse(void *at, const char *text)                                                           \
    {                                                                                                                  \
        return audit_##type##_parse(at, text);                                                                         \
    }                                                                                                                  \
    static const struct xml_words type##_words = {type##_name, type##_parse};

WORDS(cause)
WORDS(certainty)
WORDS(role)
WORDS(instance_kind)
WORDS(host_status)
WORDS(reading)
WORDS(severity)
WORDS(state)
WORDS(finding_kind)
WORDS(gap_basis)
WORDS(match)
WORDS(proof)

#define MAKER(type)                                                                                                    \
    static void *make_##type(struct audit *audit)                                                                      \
    {                                                                                                                  \
        return audit_##type##_new(audit);                                                                              \
    }

MAKER(capture)
MAKER(reference)
MAKER(host)
MAKER(instance)
MAKER(trace)
MAKER(cert)
MAKER(list)
MAKER(raw)
MAKER(store)
MAKER(member)
MAKER(link)
MAKER(evidence)
MAKER(failure)
MAKER(gap)
MAKER(waiver)
MAKER(finding)

/* Rows of the tables: attribute and member of the structure. */
#define AT(type, member) .offset = offsetof(struct audit_##type, member)
#define FIELD(type, attribute, kind, member)                                                                           \
    {                                                                                                                  \
        .name = attribute, .value = kind, AT(type, member)                                                             \
    }
#define TEXT(type, attribute, member) FIELD(type, attribute, VALUE_TEXT, member)
#define NEEDED(type, attribute, member)                                                                                \
    {                                                                                                                  \
        .name = attribute, AT(type, member), .required = TRUE                                                          \
    }
#define MOMENT(type, attribute, member) FIELD(type, attribute, VALUE_MOMENT, member)
#define BYTES(type, attribute, member)  FIELD(type, attribute, VALUE_BYTES, member)
#define COUNT(type, attribute, member)  FIELD(type, attribute, VALUE_COUNT, member)
#define TALLY(type, attribute, member)  FIELD(type, attribute, VALUE_TALLY, member)
#define FLAG(type, attribute, member)   FIELD(type, attribute, VALUE_FLAG, member)
#define NUMBER(type, attribute, member, none_)                                                                         \
    {                                                                                                                  \
        .name = attribute, .value = VALUE_NUMBER, AT(type, member), .none = none_                                      \
    }
#define WORD(type, attribute, member, spelling)                                                                        \
    {                                                                                                                  \
        .name = attribute, .value = VALUE_WORD, AT(type, member), .words = &spelling##_words                           \
    }
#define HINT(type, attribute, member, spelling)                                                                        \
    {                                                                                                                  \
        .name = attribute, .value = VALUE_HINT, AT(type, member), .words = &spelling##_words                           \
    }
#define REF(type, attribute, member, kind)                                                                             \
    {                                                                                                                  \
        .name = attribute, .value = VALUE_REF, AT(type, member), .object = kind                                        \
    }
#define STRINGS(type, tag, member)                                                                                     \
    {                                                                                                                  \
        .name = tag, AT(type, member)                                                                                  \
    }
#define REFS(type, tag, member, kind)                                                                                  \
    {                                                                                                                  \
        .name = tag, AT(type, member), .object = kind                                                                  \
    }
#define ELEMENTS(type, tag, member, form)                                                                              \
    {                                                                                                                  \
        .name = tag, AT(type, member), .element = &form                                                                \
    }
#define SECTION(around, tag, member, form)                                                                             \
    {                                                                                                                  \
        .section = around, .name = tag, .offset = offsetof(struct audit, member), .element = &form                     \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

static const struct xml_child no_children[] = {END};

static const struct xml_element capture_element = {
    .make = make_capture,
    .fields =
        (const struct xml_field[]){
            TEXT(capture, "program", program),
            MOMENT(capture, "started", started),
            TEXT(capture, "inventory-sha256", inventory_sha256),
            FLAG(capture, "torn", torn),
            TEXT(capture, "limit", limit),
            TALLY(capture, "left-out", left_out),
            END,
        },
    .children = no_children,
};

static const struct xml_element reference_element = {
    .make = make_reference,
    .fields =
        (const struct xml_field[]){
            NEEDED(reference, "path", path),
            TEXT(reference, "sha256", sha256),
            COUNT(reference, "certificates", certs),
            FLAG(reference, "system", system),
            END,
        },
    .children = no_children,
};

static const struct xml_element trace_element = {
    .make = make_trace,
    .fields =
        (const struct xml_field[]){
            NEEDED(trace, "path", path),
            TEXT(trace, "object", object),
            TEXT(trace, "reason", reason),
            BYTES(trace, "size", size_bytes),
            BYTES(trace, "from", from_byte),
            MOMENT(trace, "modified", modified),
            MOMENT(trace, "first", first),
            MOMENT(trace, "last", last),
            NUMBER(trace, "level", level, -1),
            TEXT(trace, "release", release),
            COUNT(trace, "failures", failures),
            END,
        },
    .children = no_children,
};

static void instance_adopt(void *child, void *parent)
{
    struct audit_instance *instance = child;
    instance->host = parent;
}

static const struct xml_element instance_element = {
    .make = make_instance,
    .adopt = instance_adopt,
    .object = OBJECT_INSTANCE,
    .fields =
        (const struct xml_field[]){
            TEXT(instance, "sid", sid),
            NEEDED(instance, "name", name),
            NEEDED(instance, "path", path),
            WORD(instance, "kind", kind, instance_kind),
            MOMENT(instance, "seen", seen),
            END,
        },
    .children =
        (const struct xml_child[]){
            ELEMENTS(instance, "trace", traces, trace_element),
            END,
        },
};

static const struct xml_element host_element = {
    .make = make_host,
    .object = OBJECT_HOST,
    .fields =
        (const struct xml_field[]){
            NEEDED(host, "name", name),
            WORD(host, "status", status, host_status),
            TEXT(host, "reason", reason),
            TEXT(host, "message", message),
            TEXT(host, "tier", tier),
            TEXT(host, "owner", owner),
            MOMENT(host, "collected", collected),
            TEXT(host, "zone", zone),
            NUMBER(host, "zone-offset", zone_offset_s, G_MININT),
            TEXT(host, "system", system),
            FLAG(host, "tools-trusted", tools_trusted),
            END,
        },
    .children =
        (const struct xml_child[]){
            STRINGS(host, "group", groups),
            STRINGS(host, "note", notes),
            ELEMENTS(host, "instance", instances, instance_element),
            END,
        },
};

static const struct xml_element cert_element = {
    .make = make_cert,
    .object = OBJECT_CERT,
    .fields =
        (const struct xml_field[]){
            TEXT(cert, "subject", subject),
            TEXT(cert, "issuer", issuer),
            TEXT(cert, "serial", serial),
            MOMENT(cert, "not-before", not_before),
            MOMENT(cert, "not-after", not_after),
            TEXT(cert, "sha256", sha256),
            TEXT(cert, "sha1", sha1),
            TEXT(cert, "md5", md5),
            TEXT(cert, "subject-key-id", subject_key_id),
            TEXT(cert, "key", key),
            TEXT(cert, "signature-algorithm", signature_algorithm),
            FLAG(cert, "self-signed", self_signed),
            FLAG(cert, "ca", ca),
            FLAG(cert, "from-trace", from_trace),
            MOMENT(cert, "asked", asked),
            FIELD(cert, "der", VALUE_DER, der),
            END,
        },
    .children =
        (const struct xml_child[]){
            STRINGS(cert, "reference", references),
            END,
        },
};

static const struct xml_element raw_element = {
    .make = make_raw,
    .fields =
        (const struct xml_field[]){
            TEXT(raw, "sha256", sha256),
            BYTES(raw, "offset", offset),
            BYTES(raw, "size", size_bytes),
            END,
        },
    .children = no_children,
};

static const struct xml_element list_element = {
    .make = make_list,
    .object = OBJECT_LIST,
    .fields =
        (const struct xml_field[]){
            COUNT(list, "refused", refused),
            END,
        },
    .children =
        (const struct xml_child[]){
            REFS(list, "cert", certs, OBJECT_CERT),
            ELEMENTS(list, "raw", raws, raw_element),
            END,
        },
};

static const struct xml_element member_element = {
    .make = make_member,
    .fields =
        (const struct xml_field[]){
            {.name = "instance", .value = VALUE_REF, AT(member, instance), .object = OBJECT_INSTANCE, .required = TRUE},
            NEEDED(member, "path", path),
            TEXT(member, "owner", owner),
            TEXT(member, "mode", mode),
            MOMENT(member, "modified", modified),
            WORD(member, "reading", reading, reading),
            TEXT(member, "reason", reason),
            REF(member, "list", list, OBJECT_LIST),
            REF(member, "own", own, OBJECT_CERT),
            END,
        },
    .children = no_children,
};

static const struct xml_element store_element = {
    .make = make_store,
    .object = OBJECT_STORE,
    .fields =
        (const struct xml_field[]){
            NEEDED(store, "label", label),
            TEXT(store, "sid", sid),
            NEEDED(store, "file", file),
            TEXT(store, "role", role),
            WORD(store, "kind", kind, instance_kind),
            END,
        },
    .children =
        (const struct xml_child[]){
            ELEMENTS(store, "member", members, member_element),
            END,
        },
};

static const struct xml_element link_element = {
    .make = make_link,
    .fields =
        (const struct xml_field[]){
            TEXT(link, "subject", subject),
            FLAG(link, "subject-cut", subject_cut),
            TEXT(link, "issuer", issuer),
            FLAG(link, "issuer-cut", issuer_cut),
            TEXT(link, "serial", serial),
            TEXT(link, "sha256", sha256),
            TEXT(link, "sha1", sha1),
            TEXT(link, "md5", md5),
            TEXT(link, "not-before-local", not_before),
            TEXT(link, "not-after-local", not_after),
            TEXT(link, "key", key),
            TEXT(link, "key-md5", key_md5),
            TEXT(link, "signature-algorithm", signature_algorithm),
            END,
        },
    .children = no_children,
};

static const struct xml_element evidence_element = {
    .make = make_evidence,
    .fields =
        (const struct xml_field[]){
            REF(evidence, "host", host, OBJECT_HOST),
            NEEDED(evidence, "path", path),
            TEXT(evidence, "object", object),
            BYTES(evidence, "offset", offset),
            COUNT(evidence, "line", line),
            END,
        },
    .children =
        (const struct xml_child[]){
            STRINGS(evidence, "quote", lines),
            END,
        },
};

static const struct xml_element failure_element = {
    .make = make_failure,
    .object = OBJECT_FAILURE,
    .fields =
        (const struct xml_field[]){
            REF(failure, "instance", instance, OBJECT_INSTANCE),
            REF(failure, "store", store, OBJECT_STORE),
            WORD(failure, "cause", cause, cause),
            TEXT(failure, "error", error),
            NUMBER(failure, "code", code, 0),
            WORD(failure, "role", role, role),
            TEXT(failure, "store-path", store_path),
            TEXT(failure, "target", target),
            NUMBER(failure, "port", port, 0),
            TEXT(failure, "peer", peer),
            TALLY(failure, "peers-more", peers_more),
            MOMENT(failure, "first", first),
            MOMENT(failure, "last", last),
            TEXT(failure, "first-local", first_local),
            TEXT(failure, "last-local", last_local),
            COUNT(failure, "count", count),
            FLAG(failure, "torn", torn),
            TEXT(failure, "missing", missing),
            FLAG(failure, "missing-cut", missing_cut),
            WORD(failure, "certainty", certainty, certainty),
            MOMENT(failure, "asked", asked),
            TEXT(failure, "advice", advice),
            TALLY(failure, "lines", lines_seen),
            TALLY(failure, "lines-known", lines_known),
            END,
        },
    .children =
        (const struct xml_child[]){
            STRINGS(failure, "peer", peers),
            ELEMENTS(failure, "link", chain, link_element),
            ELEMENTS(failure, "evidence", evidence, evidence_element),
            END,
        },
};

static const struct xml_element gap_element = {
    .make = make_gap,
    .fields =
        (const struct xml_field[]){
            REF(gap, "store", store, OBJECT_STORE),
            REF(gap, "instance", instance, OBJECT_INSTANCE),
            WORD(gap, "basis", basis, gap_basis),
            WORD(gap, "state", state, state),
            TEXT(gap, "note", note),
            FLAG(gap, "distrusted", distrusted),
            TEXT(gap, "covered-by", covered_by),
            HINT(gap, "proof", proof, proof),
            TEXT(gap, "path", path),
            MOMENT(gap, "first-seen", first_seen),
            COUNT(gap, "count", count),
            MOMENT(gap, "last", last),
            END,
        },
    .children =
        (const struct xml_child[]){
            REFS(gap, "failure", failures, OBJECT_FAILURE),
            STRINGS(gap, "step", steps),
            END,
        },
};

static const struct xml_element waiver_element = {
    .make = make_waiver,
    .fields =
        (const struct xml_field[]){
            NEEDED(waiver, "name", name),
            NEEDED(waiver, "owner", owner),
            NEEDED(waiver, "reason", reason),
            MOMENT(waiver, "until", until),
            FLAG(waiver, "ended", ended),
            TALLY(waiver, "places", places),
            END,
        },
    .children = no_children,
};

static const struct xml_element finding_element = {
    .make = make_finding,
    .fields =
        (const struct xml_field[]){
            NEEDED(finding, "id", id),
            WORD(finding, "kind", kind, finding_kind),
            WORD(finding, "severity", severity, severity),
            WORD(finding, "state", state, state),
            NEEDED(finding, "title", title),
            TEXT(finding, "detail", detail),
            MOMENT(finding, "first-seen", first_seen),
            MOMENT(finding, "last-seen", last_seen),
            REF(finding, "cert", cert, OBJECT_CERT),
            TEXT(finding, "subject", subject),
            FLAG(finding, "subject-cut", subject_cut),
            HINT(finding, "certainty", certainty, certainty),
            MOMENT(finding, "asked", asked),
            HINT(finding, "match", match, match),
            TEXT(finding, "proof", proof),
            REF(finding, "host", host, OBJECT_HOST),
            END,
        },
    .children =
        (const struct xml_child[]){
            REFS(finding, "candidate", candidates, OBJECT_CERT),
            ELEMENTS(finding, "gap", gaps, gap_element),
            REFS(finding, "donor", donors, OBJECT_STORE),
            REFS(finding, "lacking", lacking, OBJECT_STORE),
            REFS(finding, "store", stores, OBJECT_STORE),
            REFS(finding, "failure", failures, OBJECT_FAILURE),
            STRINGS(finding, "step", steps),
            ELEMENTS(finding, "waiver", waivers, waiver_element),
            END,
        },
};

/* The attribute "format" of the root is the writer's and the reader's own: it decides whether this table applies. */
const struct xml_element xml_form_audit = {
    .fields =
        (const struct xml_field[]){
            {.name = "program", .value = VALUE_TEXT, .offset = offsetof(struct audit, program)},
            {.name = "evaluated", .value = VALUE_MOMENT, .offset = offsetof(struct audit, evaluated)},
            {.name = "previous", .value = VALUE_MOMENT, .offset = offsetof(struct audit, previous)},
            END,
        },
    .children =
        (const struct xml_child[]){
            SECTION("captures", "capture", captures, capture_element),
            SECTION("references", "reference", references, reference_element),
            SECTION("hosts", "host", hosts, host_element),
            SECTION("certificates", "certificate", certs, cert_element),
            SECTION("lists", "list", lists, list_element),
            SECTION("stores", "store", stores, store_element),
            SECTION("failures", "failure", failures, failure_element),
            SECTION("findings", "finding", findings, finding_element),
            {.section = "warnings", .name = "warning", .offset = offsetof(struct audit, warnings)},
            END,
        },
};
