#include "trace_pack.h"

#include "snc.h"

/*
 * What is not packed is lost in every command that reads traces, and tests that read traces in their own process don't
 * see it.  So who adds a member to one of the structures has to come by here.
 */
#if GLIB_SIZEOF_VOID_P == 8
G_STATIC_ASSERT(sizeof(struct trace_failure) == 216);
G_STATIC_ASSERT(sizeof(struct trace_cert) == 120);
#endif

static void pack_cert(GByteArray *out, const struct trace_cert *cert)
{
    gsize size = 0;
    const void *der = cert->der ? g_bytes_get_data(cert->der, &size) : NULL;

    pack_text(out, cert->subject);
    pack_text(out, cert->issuer);
    pack_number(out, cert->subject_cut);
    pack_number(out, cert->issuer_cut);
    pack_text(out, cert->serial);
    pack_text(out, cert->md5);
    pack_text(out, cert->sha1);
    pack_text(out, cert->sha256);
    pack_text(out, cert->not_before);
    pack_text(out, cert->not_after);
    pack_text(out, cert->key_type);
    pack_text(out, cert->key_bits);
    pack_text(out, cert->key_md5);
    pack_text(out, cert->signature_algorithm);
    pack_text(out, cert->failed_check);
    pack_bytes(out, der, size);
}

void trace_pack(GByteArray *out, const struct trace_failure *failure)
{
    pack_number(out, failure->cause);
    pack_text(out, failure->error);
    pack_number(out, failure->code);
    pack_number(out, failure->role);
    pack_text(out, failure->store);
    pack_number(out, failure->store_cut);
    pack_text(out, failure->target);
    pack_number(out, failure->port);
    pack_text(out, failure->peer);
    pack_number(out, failure->local);
    pack_number(out, failure->chain->len);
    for (guint i = 0; i < failure->chain->len; i++)
        pack_cert(out, failure->chain->pdata[i]);
    pack_text(out, failure->missing);
    pack_number(out, failure->missing_cut);
    pack_number(out, failure->certainty);
    pack_text(out, failure->failed_check);
    pack_number(out, failure->level);
    pack_text(out, failure->reason);
    pack_number(out, failure->part);
    pack_number(out, (int64_t)failure->offset);
    pack_number(out, failure->line);
    pack_number(out, failure->lines->len);
    for (guint i = 0; i < failure->lines->len; i++)
        pack_text(out, failure->lines->pdata[i]);
    pack_number(out, failure->cut);
    pack_number(out, failure->torn_begin);
    pack_number(out, failure->torn_end);
    pack_number(out, failure->unmarked);
    pack_number(out, failure->n_lines);
    pack_number(out, failure->n_known);
    pack_number(out, failure->listed);
    pack_number(out, failure->alone);
    pack_number(out, failure->alert);
    pack_number(out, failure->details);
    pack_number(out, failure->sni);
    pack_number(out, failure->snc);
    pack_number(out, failure->message);
}

void trace_unpack_free(void *data)
{
    struct trace_cert *cert = data;
    if (cert->der)
        g_bytes_unref(cert->der);
    g_free(cert);
}

static gboolean unpack_flag(struct unpack *unpack)
{
    return (gboolean)unpack_number(unpack, FALSE, TRUE);
}

static unsigned unpack_count(struct unpack *unpack)
{
    return (unsigned)unpack_number(unpack, 0, G_MAXUINT);
}

static struct trace_cert *unpack_cert(struct unpack *unpack)
{
    struct trace_cert *cert = g_new0(struct trace_cert, 1);
    size_t size;

    cert->subject = unpack_text(unpack);
    cert->issuer = unpack_text(unpack);
    cert->subject_cut = unpack_flag(unpack);
    cert->issuer_cut = unpack_flag(unpack);
    cert->serial = unpack_text(unpack);
    cert->md5 = unpack_text(unpack);
    cert->sha1 = unpack_text(unpack);
    cert->sha256 = unpack_text(unpack);
    cert->not_before = unpack_text(unpack);
    cert->not_after = unpack_text(unpack);
    cert->key_type = unpack_text(unpack);
    cert->key_bits = unpack_text(unpack);
    cert->key_md5 = unpack_text(unpack);
    cert->signature_algorithm = unpack_text(unpack);
    cert->failed_check = unpack_text(unpack);
    const void *der = unpack_bytes(unpack, &size);
    cert->der = size > 0 ? g_bytes_new(der, size) : NULL;
    return cert;
}

void trace_unpack(struct trace_failure *failure, struct unpack *unpack, GPtrArray *chain, GPtrArray *lines)
{
    g_ptr_array_set_size(chain, 0);
    g_ptr_array_set_size(lines, 0);
    *failure = (struct trace_failure){.chain = chain, .lines = lines};
    failure->cause = (enum audit_cause)unpack_number(unpack, 0, CAUSE_OTHER);
    failure->error = unpack_text(unpack);
    failure->code = (int)unpack_number(unpack, G_MININT, G_MAXINT);
    failure->role = (enum audit_role)unpack_number(unpack, 0, ROLE_SERVER);
    failure->store = unpack_text(unpack);
    failure->store_cut = unpack_flag(unpack);
    failure->target = unpack_text(unpack);
    failure->port = (int)unpack_number(unpack, 0, G_MAXINT);
    failure->peer = unpack_text(unpack);
    failure->local = unpack_moment(unpack);
    for (int64_t n = unpack_number(unpack, 0, TRACE_CHAIN_CERTS); n > 0 && !unpack->bad; n--)
        g_ptr_array_add(chain, unpack_cert(unpack));
    failure->missing = unpack_text(unpack);
    failure->missing_cut = unpack_flag(unpack);
    failure->certainty = (enum audit_certainty)unpack_number(unpack, 0, CERTAINTY_ISSUER);
    failure->failed_check = unpack_text(unpack);
    failure->level = (int)unpack_number(unpack, -1, G_MAXINT);
    failure->reason = unpack_text(unpack);
    failure->part = (unsigned)unpack_count(unpack);
    failure->offset = (uint64_t)unpack_number(unpack, 0, G_MAXINT64);
    failure->line = unpack_count(unpack);
    for (int64_t n = unpack_number(unpack, 0, TRACE_EVIDENCE_LINES); n > 0 && !unpack->bad; n--) {
        const char *line = unpack_text(unpack);
        unpack->bad = unpack->bad || !line;
        g_ptr_array_add(lines, (char *)line);
    }
    failure->cut = unpack_flag(unpack);
    failure->torn_begin = unpack_flag(unpack);
    failure->torn_end = unpack_flag(unpack);
    failure->unmarked = unpack_flag(unpack);
    failure->n_lines = unpack_count(unpack);
    failure->n_known = unpack_count(unpack);
    failure->listed = unpack_flag(unpack);
    failure->alone = unpack_flag(unpack);
    failure->alert = (int)unpack_number(unpack, -1, G_MAXUINT8);
    failure->details = unpack_flag(unpack);
    failure->sni = unpack_flag(unpack);
    failure->snc = (int)unpack_number(unpack, SNC_NONE, SNC_KINDS - 1);
    failure->message = unpack_flag(unpack);
}
