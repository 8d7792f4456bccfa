#include "known.h"

#include "moment.h"
#include "paper.h"
#include "words.h"

static void put_cert(struct file_output *output, const char *label, const struct audit_cert *cert)
{
    g_autofree char *from = words_day(cert->not_before), *until = words_day(cert->not_after);

    for (guint i = 0; i < cert->references->len; i++) {
        g_autofree char *text = words_reference(cert, i);
        paper_line(output, i == 0 ? label : "", "%s", text);
    }
    paper_line(output, "", "%s", words_known(cert->subject));
    if (!cert->self_signed)
        paper_line(output, "", "issued by %s", words_known(cert->issuer));
    paper_line(output, "", "serial %s", words_known(cert->serial));
    paper_line(output, "", "valid %s to %s", from, until);
    paper_fingerprint(output, "", "SHA-256 ", cert->sha256);
    paper_fingerprint(output, "", "SHA-1 ", cert->sha1);
}

void known_put(struct file_output *output, const struct audit_failure *failure)
{
    const struct audit_known *known = failure->known;

    if (!known)
        return;
    if (known->cert)
        put_cert(output, "get it from", known->cert);
    else if (known->candidates->len > 0)
        paper_field(output, "get it from", "not certain: %u certificates of the references may be it",
                    known->candidates->len);
    else
        paper_field(output, "get it from", "none of the references has it");
    for (guint i = 0; i < MIN(known->candidates->len, KNOWN_SHOWN); i++)
        put_cert(output, "candidate", known->candidates->pdata[i]);
    if (known->candidates->len > KNOWN_SHOWN)
        paper_field(output, "", "and %u more", known->candidates->len - KNOWN_SHOWN);
    if (known->proof)
        paper_field(output, "why this one", "%s", known->proof);
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *moment_or_null(int64_t moment)
{
    char text[MOMENT_TEXT_BYTES];

    if (moment == MOMENT_NONE)
        return json_null();
    moment_format(text, moment);
    return json_string(text);
}

static json_t *cert_json(const struct audit_cert *cert)
{
    json_t *object = json_object(), *references = json_array();

    json_object_set_new(object, "subject", text_or_null(cert->subject));
    json_object_set_new(object, "issuer", text_or_null(cert->issuer));
    json_object_set_new(object, "serial", text_or_null(cert->serial));
    json_object_set_new(object, "not_before", moment_or_null(cert->not_before));
    json_object_set_new(object, "not_after", moment_or_null(cert->not_after));
    json_object_set_new(object, "sha256", text_or_null(cert->sha256));
    json_object_set_new(object, "sha1", text_or_null(cert->sha1));
    for (guint i = 0; i < cert->references->len; i++)
        json_array_append_new(references, json_string(cert->references->pdata[i]));
    json_object_set_new(object, "references", references);
    json_object_set_new(object, "system_bundle", text_or_null(cert->bundle));
    return object;
}

json_t *known_json(const struct audit_failure *failure)
{
    const struct audit_known *known = failure->known;

    if (!known)
        return json_null();
    json_t *object = json_object(), *candidates = json_array();
    json_object_set_new(object, "match", json_string(audit_match_name(known->match)));
    json_object_set_new(object, "proof", text_or_null(known->proof));
    json_object_set_new(object, "certificate", known->cert ? cert_json(known->cert) : json_null());
    for (guint i = 0; i < known->candidates->len; i++)
        json_array_append_new(candidates, cert_json(known->candidates->pdata[i]));
    json_object_set_new(object, "candidates", candidates);
    return object;
}
