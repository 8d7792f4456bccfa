/* The answer of "trustgap check" for a program: docs/formats/check.md. */
#include "check.h"

#include "error.h"
#include "moment.h"
#include "report.h"
#include "words.h"

#include <jansson.h>

/* What is not known is null.  The text is valid UTF-8 already, so jansson takes it. */
static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *moment_json(int64_t moment)
{
    char text[MOMENT_TEXT_BYTES];
    moment_format(text, moment);
    return text[0] ? json_string(text) : json_null();
}

static json_t *texts_json(const GPtrArray *texts)
{
    json_t *array = json_array();
    for (guint i = 0; i < texts->len; i++)
        json_array_append_new(array, json_string(texts->pdata[i]));
    return array;
}

static json_t *cert_json(const struct audit_cert *cert)
{
    json_t *object = json_object();
    if (!cert) {
        json_decref(object);
        return json_null();
    }
    json_object_set_new(object, "subject", text_or_null(cert->subject));
    json_object_set_new(object, "issuer", text_or_null(cert->issuer));
    json_object_set_new(object, "serial", text_or_null(cert->serial));
    json_object_set_new(object, "not_before", moment_json(cert->not_before));
    json_object_set_new(object, "not_after", moment_json(cert->not_after));
    json_object_set_new(object, "sha256", text_or_null(cert->sha256));
    json_object_set_new(object, "sha1", text_or_null(cert->sha1));
    json_object_set_new(object, "self_signed", json_boolean(cert->self_signed));
    return object;
}

static json_t *certs_json(const GPtrArray *certs)
{
    json_t *array = json_array();
    for (guint i = 0; i < certs->len; i++)
        json_array_append_new(array, cert_json(certs->pdata[i]));
    return array;
}

/* Certificates of a path have their bytes, so a fingerprint names them. */
static json_t *path_json(const GPtrArray *path)
{
    json_t *array = json_array();
    for (guint i = 0; i < path->len; i++)
        json_array_append_new(array, text_or_null(((const struct audit_cert *)path->pdata[i])->sha256));
    return array;
}

static json_t *labels_json(const GPtrArray *stores)
{
    json_t *array = json_array();
    for (guint i = 0; i < stores->len; i++)
        json_array_append_new(array, json_string(((const struct audit_store *)stores->pdata[i])->label));
    return array;
}

static json_t *import_json(const struct check_import *import)
{
    json_t *object = json_object();
    g_autofree char *pem = words_pem(import->cert->der);
    json_object_set_new(object, "certificate", cert_json(import->cert));
    json_object_set_new(object, "kind", json_string(check_import_kind_name(import->kind)));
    json_object_set_new(object, "path", path_json(import->path));
    json_object_set_new(object, "sent", json_boolean(import->sent));
    json_object_set_new(object, "vouched", json_boolean(import->vouched));
    json_object_set_new(object, "holders", json_integer(import->holders));
    json_object_set_new(object, "holder", text_or_null(import->holder));
    json_object_set_new(object, "references", texts_json(import->cert->references));
    json_object_set_new(object, "system_bundle", text_or_null(import->cert->bundle));
    json_object_set_new(object, "pem", json_string(pem));
    return object;
}

static json_t *members_json(const struct check_place *place)
{
    if (place->whole)
        return json_null();
    json_t *array = json_array();
    for (guint i = 0; i < place->members->len; i++) {
        const struct audit_member *member = place->members->pdata[i];
        json_t *object = json_object();
        json_object_set_new(object, "host", text_or_null(member->instance ? member->instance->host->name : NULL));
        json_object_set_new(object, "path", text_or_null(member->path));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *places_json(const GPtrArray *places)
{
    json_t *array = json_array();
    for (guint i = 0; i < places->len; i++) {
        const struct check_place *place = places->pdata[i];
        json_t *object = json_object();
        json_object_set_new(object, "store", json_string(place->store->label));
        json_object_set_new(object, "file", text_or_null(place->store->file));
        json_object_set_new(object, "role", text_or_null(place->store->role));
        json_object_set_new(object, "members", members_json(place));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *verdict_json(const struct check_verdict *verdict)
{
    json_t *object = json_object();
    json_object_set_new(object, "answer", json_string(check_answer_name(verdict->answer)));
    json_object_set_new(object, "before", json_string(check_answer_name(verdict->before)));
    json_object_set_new(object, "reason", text_or_null(verdict->reason));
    json_object_set_new(object, "anchors", certs_json(verdict->anchors));
    json_object_set_new(object, "path", path_json(verdict->path));
    json_object_set_new(object, "by_name_only", certs_json(verdict->named));
    json_object_set_new(object, "import", text_or_null(verdict->import ? verdict->import->cert->sha256 : NULL));
    json_object_set_new(object, "stores", places_json(verdict->places));
    return object;
}

static json_t *peer_json(const void *data)
{
    const struct check_peer *peer = data;
    json_t *object = json_object(), *imports = json_array(), *verdicts = json_array(), *stores = json_object();

    for (int i = CHECK_REJECTS; i <= CHECK_ACCEPTS; i++)
        json_object_set_new(stores, check_answer_name((enum check_answer)i), json_integer(peer->stores[i]));
    for (guint i = 0; i < peer->imports->len; i++)
        json_array_append_new(imports, import_json(peer->imports->pdata[i]));
    for (guint i = 0; i < peer->verdicts->len; i++)
        json_array_append_new(verdicts, verdict_json(peer->verdicts->pdata[i]));
    json_object_set_new(object, "name", text_or_null(peer->name));
    json_object_set_new(object, "leaf_known", json_boolean(!peer->leaf_unknown));
    json_object_set_new(object, "chain", certs_json(peer->chain));
    json_object_set_new(object, "notes", texts_json(peer->notes));
    json_object_set_new(object, "callers", labels_json(peer->callers));
    json_object_set_new(object, "missing", text_or_null(peer->missing));
    json_object_set_new(object, "stores", stores);
    json_object_set_new(object, "broken", json_integer(peer->broken));
    json_object_set_new(object, "mended", json_integer(peer->mended));
    json_object_set_new(object, "imports", imports);
    json_object_set_new(object, "verdicts", verdicts);
    return object;
}

static json_t *own_json(const GPtrArray *own)
{
    json_t *array = json_array();
    for (guint i = 0; i < own->len; i++) {
        const struct check_own *one = own->pdata[i];
        json_t *object = json_object();
        json_object_set_new(object, "certificate", cert_json(one->cert));
        json_object_set_new(object, "stores", labels_json(one->stores));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *assumed_json(const void *data)
{
    const struct check_assumed *assumed = data;
    json_t *object = json_object();
    json_object_set_new(object, "change", json_string(assumed->drop ? "drop" : "import"));
    json_object_set_new(object, "certificate", cert_json(assumed->cert));
    json_object_set_new(object, "pattern", text_or_null(assumed->pattern));
    json_object_set_new(object, "stores", labels_json(assumed->stores));
    json_object_set_new(object, "not_known", json_integer(assumed->unread));
    json_object_set_new(object, "own", own_json(assumed->own));
    return object;
}

static json_t *effect_json(const void *data)
{
    const struct check_effect *effect = data;
    const struct audit_gap *gap = effect->gap;
    json_t *object = json_object(), *peers = json_array();
    g_autofree char *where = gap->instance ? words_where(gap->instance) : NULL;
    json_object_set_new(object, "effect", json_string(check_effect_kind_name(effect->kind)));
    json_object_set_new(object, "finding", text_or_null(effect->finding->id));
    json_object_set_new(object, "certificate", cert_json(effect->finding->cert));
    json_object_set_new(object, "store", text_or_null(gap->store ? gap->store->label : NULL));
    json_object_set_new(object, "instance", text_or_null(where));
    json_object_set_new(object, "connections", json_integer(gap->count));
    for (guint i = 0; i < gap->failures->len; i++)
        json_array_append_new(peers, json_string(words_other_side(gap->failures->pdata[i])));
    json_object_set_new(object, "peers", peers);
    json_object_set_new(object, "note", text_or_null(effect->note));
    return object;
}

static json_t *need_json(const void *data)
{
    const struct check_need *need = data;
    json_t *object = json_object();
    json_object_set_new(object, "file", json_string(need->file));
    json_object_set_new(object, "certificate", cert_json(need->cert));
    json_object_set_new(object, "connections", json_integer((json_int_t)need->connections));
    json_object_set_new(object, "sources", json_integer(need->sources));
    json_object_set_new(object, "ended", json_boolean(need->ended));
    json_object_set_new(object, "lacking", labels_json(need->lacking));
    json_object_set_new(object, "namesakes", json_integer(need->namesakes));
    json_object_set_new(object, "not_known", labels_json(need->unknown));
    json_object_set_new(object, "holding", json_integer(need->holding));
    return object;
}

static int dump(const char *bytes, size_t size, void *output)
{
    file_output_write(output, bytes, size);
    return 0;
}

static gboolean put_value(struct file_output *output, json_t *value, GError **error)
{
    int result = json_dump_callback(value, dump, output, JSON_ENCODE_ANY);
    json_decref(value);
    if (result == 0)
        return TRUE;
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_INTERNAL, "check: jansson cannot write the answer");
    return FALSE;
}

/* Each element in a line of its own, and no more than one in memory. */
static gboolean put_array(struct file_output *output, const char *name, const GPtrArray *array,
                          json_t *(*make)(const void *), GError **error)
{
    file_output_printf(output, ",\n \"%s\": [", name);
    for (guint i = 0; i < array->len; i++) {
        file_output_puts(output, i == 0 ? "\n  " : ",\n  ");
        if (!put_value(output, make(array->pdata[i]), error))
            return FALSE;
    }
    file_output_puts(output, "]");
    return TRUE;
}

static gboolean put_member(struct file_output *output, const char *name, json_t *value, GError **error)
{
    file_output_printf(output, ",\n \"%s\": ", name);
    return put_value(output, value, error);
}

gboolean report_check_json(struct file_output *output, const struct check *check, GError **error)
{
    file_output_puts(output, "{\"format\": \"trustgap check 1\"");
    if (!put_member(output, "audit", moment_json(check->audit->evaluated), error) ||
        !put_member(output, "against", check->against ? moment_json(check->against->evaluated) : json_null(), error) ||
        !put_member(output, "at", moment_json(check->at), error) ||
        !put_member(output, "rejects", json_boolean(check_rejects(check)), error) ||
        !put_member(output, "notes", texts_json(check->notes), error) ||
        !put_array(output, "assumed", check->assumed, assumed_json, error) ||
        !put_array(output, "peers", check->peers, peer_json, error) ||
        !put_array(output, "observed", check->observed, peer_json, error) ||
        !put_array(output, "effects", check->effects, effect_json, error) ||
        !put_member(output, "open_gaps", check_imports(check) ? json_integer(check->open_gaps) : json_null(), error) ||
        !put_array(output, "needs", check->needs, need_json, error) ||
        !put_member(output, "unmatched", texts_json(check->unmatched), error))
        return FALSE;
    file_output_puts(output, "}\n");
    return TRUE;
}
