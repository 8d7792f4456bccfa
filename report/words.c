#include "words.h"

#include "moment.h"

#include <inttypes.h>
#include <string.h>

#define SECONDS_OF_A_DAY ((uint64_t)24 * 60 * 60)

const char *words_cause(enum audit_cause cause)
{
    static const char *const texts[] = {
        [CAUSE_UNTRUSTED_PEER] = "the peer's certificate is not trusted",
        [CAUSE_EXPIRED_PEER] = "the peer's certificate is not valid at this time",
        [CAUSE_NAME_MISMATCH] = "the peer's certificate is for another name",
        [CAUSE_PEER_REFUSED] = "the peer refused the connection with a TLS alert",
        [CAUSE_HANDSHAKE] = "the TLS handshake failed",
        [CAUSE_CLOSED] = "the connection was closed during the handshake",
        [CAUSE_NOT_TLS] = "the other side does not speak TLS",
        [CAUSE_PROXY_REFUSED] = "the proxy refused the connection",
        [CAUSE_STORE_UNUSABLE] = "the PSE could not be used",
        [CAUSE_REVERSE_PROXY] = "a certificate forwarded by a reverse proxy was not accepted",
        [CAUSE_OTHER] = "another TLS error",
    };
    return texts[cause];
}

const char *words_certainty(enum audit_certainty certainty, int64_t asked)
{
    static const char *const answers[] = {
        [CERTAINTY_UNKNOWN] = "neither the trace nor the peer says which certificate is missing",
        [CERTAINTY_NAMED] = "the trace names it as missing",
        [CERTAINTY_SELF_SIGNED] = "the topmost certificate that the peer sent when it was asked is self-signed: it is "
                                  "itself the anchor; the trace does not show the whole chain",
        [CERTAINTY_ISSUER] = "it issued the topmost certificate that the peer sent when it was asked; the trace does "
                             "not show the whole chain",
    };
    static const char *const texts[] = {
        [CERTAINTY_UNKNOWN] = "the trace does not say which certificate is missing",
        [CERTAINTY_NAMED] = "the trace names it as missing",
        [CERTAINTY_SELF_SIGNED] =
            "the topmost certificate that the trace shows is self-signed: it is itself the anchor",
        [CERTAINTY_ISSUER] = "it issued the topmost certificate that the trace shows",
    };
    return asked == MOMENT_NONE ? texts[certainty] : answers[certainty];
}

char *words_reference(const struct audit_cert *cert, guint index)
{
    const char *path = cert->references->pdata[index];
    return g_strconcat(g_strcmp0(path, cert->bundle) == 0 ? "public, from this system's bundle: " : "", path, NULL);
}

const char *words_source(const struct audit_cert *cert)
{
    return cert->asked == MOMENT_NONE
               ? "from a trace: the peer sent it; compare its fingerprint before you import it"
               : "from the peer, which sent it when it was asked; compare its fingerprint before you import it";
}

const char *words_match(enum audit_match match, int64_t asked)
{
    static const char *const texts[] = {
        [MATCH_PROVED] = "proved: its key verifies a signature of the peer's chain",
        [MATCH_FINGERPRINT] = "certain: the trace prints its fingerprint",
        [MATCH_SERIAL] = "very likely: issuer and serial number are equal",
        [MATCH_KEY_ID] = "very likely: name and key identifier are those that the peer's chain asks for",
        [MATCH_NAME] = "likely: the full name is equal, and only one certificate has it",
        [MATCH_AMBIGUOUS] = "not certain: the name fits, and nothing else tells which certificate it is",
        [MATCH_NONE] = "not known: nobody holds a certificate of this name",
    };
    if (match == MATCH_FINGERPRINT && asked != MOMENT_NONE)
        return "certain: the peer sent it when it was asked";
    return texts[match];
}

const char *words_why(const struct audit_finding *finding)
{
    return finding->kind == FINDING_POLICY_MISSING ? "required: the policy asks for it"
                                                   : words_match(finding->match, finding->asked);
}

const char *words_basis(enum audit_gap_basis basis)
{
    static const char *const texts[] = {
        [BASIS_SEEN] = "failures seen, and the trust list lacks it",
        [BASIS_SEEN_UNREAD] = "failures seen; the trust list could not be read",
        [BASIS_SEEN_UNKNOWN] = "failures seen; the trace does not name the PSE",
        [BASIS_REQUIRED] = "the policy requires it, and the trust list lacks it",
    };
    return texts[basis];
}

const char *words_proof(enum audit_proof proof)
{
    static const char *const texts[] = {
        [PROOF_UNKNOWN] = NULL,
        [PROOF_PATH] = "its import is proved to heal",
        [PROOF_HELD] = "OpenSSL finds a path without it",
        [PROOF_NO_PATH] = "OpenSSL finds no path even with it",
    };
    return texts[proof];
}

const char *words_reading(enum audit_reading reading)
{
    static const char *const texts[] = {
        [READING_NATIVE] = "read from the file",
        [READING_LISTING] = "listed by sapgenpse",
        [READING_PARTLY] = "listed in part",
        [READING_NONE] = "not read",
    };
    return texts[reading];
}

const char *words_instance_kind(enum audit_instance_kind kind)
{
    static const char *const texts[] = {
        [INSTANCE_ABAP] = "ABAP",   [INSTANCE_CENTRAL] = "central services",
        [INSTANCE_JAVA] = "Java",   [INSTANCE_WEBDISP] = "Web Dispatcher",
        [INSTANCE_HANA] = "HANA",   [INSTANCE_HOSTAGENT] = "host agent",
        [INSTANCE_OTHER] = "other",
    };
    return texts[kind];
}

const char *words_finding_kind(enum audit_finding_kind kind)
{
    static const char *const texts[] = {
        [FINDING_MISSING_ANCHOR] = "Missing certificate",
        [FINDING_UNKNOWN_ISSUER] = "Unknown issuer",
        [FINDING_TLS_FAILURE] = "Failing connections",
        [FINDING_EXPIRED] = "Expired",
        [FINDING_EXPIRING] = "Expiring",
        [FINDING_DRIFT] = "Instances differ",
        [FINDING_STORE_UNREADABLE] = "PSE not readable",
        [FINDING_TRACE_DETAIL] = "Trace too terse",
        [FINDING_TRACE_LEVEL] = "Trace level",
        [FINDING_TRACE_ROTATION] = "Trace too short",
        [FINDING_POLICY_MISSING] = "Required and missing",
        [FINDING_DISTRUSTED] = "Distrusted",
        [FINDING_WEAK_CERTIFICATE] = "Weak certificate",
        [FINDING_END_ENTITY] = "Not a CA",
        [FINDING_HOST_MISSING] = "Host not collected",
        [FINDING_UNANALYZED] = "File not analyzed",
    };
    return texts[kind];
}

char *words_waiver(const struct audit_waiver *waiver)
{
    g_autofree char *day = words_day(waiver->until);
    g_autofree char *places = waiver->places ? words_count(waiver->places, "place", "places") : NULL;
    g_autofree char *where = places ? g_strconcat(" in ", places, NULL) : g_strdup("");
    if (waiver->ended)
        return g_strdup_printf("The waiver of %s%s ended on %s; its reason was: %s", waiver->owner, where, day,
                               waiver->reason);
    return g_strdup_printf("Waived by %s%s until %s: %s", waiver->owner, where, day, waiver->reason);
}

char *words_number(uint64_t number)
{
    g_autofree char *digits = g_strdup_printf("%" PRIu64, number);
    size_t length = strlen(digits);
    GString *text = g_string_new(NULL);

    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            g_string_append_c(text, ',');
        g_string_append_c(text, digits[i]);
    }
    return g_string_free(text, FALSE);
}

char *words_count(uint64_t number, const char *one, const char *many)
{
    g_autofree char *text = words_number(number);
    return g_strdup_printf("%s %s", text, number == 1 ? one : many);
}

char *words_moment(int64_t moment)
{
    char text[MOMENT_TEXT_BYTES];
    if (!*moment_format(text, moment))
        return g_strdup("not known");
    return g_strdup_printf("%.10s %.8s UTC", text, text + strlen("2026-11-22T"));
}

char *words_day(int64_t moment)
{
    char text[MOMENT_TEXT_BYTES];
    if (!*moment_format(text, moment))
        return g_strdup("not known");
    return g_strndup(text, strlen("2026-11-22"));
}

char *words_left(int64_t end, int64_t now)
{
    if (end == MOMENT_NONE || now == MOMENT_NONE)
        return g_strdup("not known");
    /* Unsigned, for a document from elsewhere may name any two moments. */
    uint64_t seconds = end < now ? (uint64_t)now - (uint64_t)end : (uint64_t)end - (uint64_t)now;
    g_autofree char *days = words_count(seconds / SECONDS_OF_A_DAY, "day", "days");
    return end < now ? g_strdup_printf("ended %s ago", days) : g_steal_pointer(&days);
}

char *words_fingerprint(const char *hex)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; hex[i]; i++) {
        if (i > 0 && i % 2 == 0)
            g_string_append_c(text, ':');
        g_string_append_c(text, g_ascii_toupper(hex[i]));
    }
    return g_string_free(text, FALSE);
}

char *words_pem(GBytes *der)
{
    gsize size;
    const void *bytes = g_bytes_get_data(der, &size);
    g_autofree char *base64 = g_base64_encode(bytes, size);
    GString *text = g_string_new("-----BEGIN CERTIFICATE-----\n");

    for (const char *at = base64; *at; at += strnlen(at, 64))
        g_string_append_printf(text, "%.64s\n", at);
    g_string_append(text, "-----END CERTIFICATE-----\n");
    return g_string_free(text, FALSE);
}

/* The end of the value that begins at ${at}: the next comma that is neither quoted nor escaped. */
static const char *value_end(const char *at)
{
    gboolean quoted = FALSE;
    for (; *at && (quoted || *at != ','); at++) {
        if (*at == '"')
            quoted = !quoted;
        else if (*at == '\\' && at[1])
            at++;
    }
    return at;
}

char *words_short_name(const char *name)
{
    if (!name)
        return NULL;
    for (const char *part = name; *part;) {
        const char *end = value_end(part);
        if (g_ascii_strncasecmp(part, "CN=", 3) == 0 && end > part + 3)
            return g_strndup(part + 3, (gsize)(end - part - 3));
        part = end + strspn(end, ", ");
    }
    return g_strndup(name, (gsize)(value_end(name) - name));
}

const char *words_known(const char *text)
{
    return text && *text ? text : "not known";
}

/* An audit of an older program has the first one only. */
const char *words_other_side(const struct audit_failure *failure)
{
    if (failure->target && failure->role != ROLE_SERVER)
        return failure->target;
    if (failure->peers->len + failure->peers_more > 1)
        return "several peers";
    return words_known(failure->peers->len > 0 ? failure->peers->pdata[0] : failure->peer);
}

char *words_peers(const struct audit_failure *failure)
{
    const GPtrArray *peers = failure->peers;
    gboolean capped = failure->peers_more >= AUDIT_PEERS_COUNTED - AUDIT_PEERS;

    if (peers->len == 0)
        return g_strdup(failure->peer);
    if (peers->len == 1 && failure->peers_more == 0)
        return g_strdup(peers->pdata[0]);
    GString *text = g_string_new(capped ? "at least " : "");
    g_autofree char *all = words_count((uint64_t)peers->len + failure->peers_more, "peer", "peers");
    g_string_append_printf(text, "%s:", all);
    for (guint i = 0; i < peers->len; i++)
        g_string_append_printf(text, "%s %s", i > 0 ? "," : "", (const char *)peers->pdata[i]);
    if (failure->peers_more > 0) {
        g_autofree char *more = words_number(failure->peers_more);
        g_string_append_printf(text, " and %s more", more);
    }
    return g_string_free(text, FALSE);
}

char *words_where(const struct audit_instance *instance)
{
    if (!instance)
        return g_strdup("");
    if (!instance->sid)
        return g_strdup_printf("%s on %s", instance->name, instance->host->name);
    return g_strdup_printf("%s %s on %s", instance->sid, instance->name, instance->host->name);
}

const char *words_command(const char *step)
{
    return g_str_has_prefix(step, "$ ") ? step + 2 : NULL;
}
