#include "guard.h"

#include "chain.h"
#include "error.h"
#include "journal.h"
#include "receiver.h"

#include <string.h>

#define USERAUTH_REQUEST 50 /* RFC 4252, section 6 */
#define SESSION_ID_BYTES 64 /* the longest digest of a key exchange is one of SHA-512 */
#define DIGITS           8  /* of a number in hex */

enum object_state { OBJECT_OPEN, OBJECT_FINISHED, OBJECT_DROPPED };

struct object {
    enum object_state state;
    int64_t bytes;
};

struct guarded {
    void *data;
    char *user;
    GPtrArray *identities; /* of GBytes * */
    gboolean confirmed;    /* the host key of the connection that it has now */
    guint8 session_id[SESSION_ID_BYTES];
    size_t session_id_bytes; /* 0: nothing was signed on this connection yet */
    unsigned look_ups, host_keys, signatures;
    GArray *objects; /* of struct object; the first has number 1 */
    unsigned open;
    int64_t bytes;
};

struct guard {
    const struct guard_events *events;
    void *context;
    int64_t object_limit;
    GHashTable *hosts; /* number -> struct guarded * */
};

static void free_guarded(void *data)
{
    struct guarded *guarded = data;

    g_free(guarded->user);
    g_ptr_array_unref(guarded->identities);
    g_array_unref(guarded->objects);
    g_free(guarded);
}

struct guard *guard_new(int64_t trace_bytes, const struct guard_events *events, void *context)
{
    struct guard *guard = g_new0(struct guard, 1);

    guard->events = events;
    guard->context = context;
    guard->object_limit = MAX(trace_bytes, RECEIVER_LISTING_BYTES);
    guard->hosts = g_hash_table_new_full(NULL, NULL, NULL, free_guarded);
    return guard;
}

void guard_free(struct guard *guard)
{
    if (!guard)
        return;
    g_hash_table_unref(guard->hosts);
    g_free(guard);
}

void guard_add(struct guard *guard, uint32_t number, const char *user, const GPtrArray *identities, void *data)
{
    struct guarded *guarded = g_new0(struct guarded, 1);

    guarded->data = data;
    guarded->user = g_strdup(user);
    guarded->identities = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (guint i = 0; identities && i < identities->len; i++)
        g_ptr_array_add(guarded->identities, g_bytes_ref(identities->pdata[i]));
    guarded->objects = g_array_new(FALSE, TRUE, sizeof(struct object));
    g_hash_table_insert(guard->hosts, GUINT_TO_POINTER(number), guarded);
}

static gboolean refuse(GError **error, const char *what)
{
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_SYNTAX, "the worker %s", what);
    return FALSE;
}

static gboolean read_number(struct wire *body, uint32_t *number, GError **error)
{
    return wire_read_u32(body, number) || refuse(error, "sent a message that is cut off");
}

/* Names of objects. */

char *guard_name_object(uint32_t number)
{
    return g_strdup_printf("%0*x", CAPTURE_DIGEST_CHARS, number);
}

uint32_t guard_object(const char *digest)
{
    size_t zeros = strspn(digest, "0");

    if (strlen(digest) != CAPTURE_DIGEST_CHARS || zeros < CAPTURE_DIGEST_CHARS - DIGITS)
        return 0;
    return (uint32_t)g_ascii_strtoull(digest, NULL, 16);
}

gboolean guard_each_object(struct capture_host *line, gboolean (*change)(void *context, char **digest), void *context)
{
    for (guint i = 0; i < line->traces->len; i++) {
        struct capture_trace *trace = line->traces->pdata[i];
        if (trace->object && !change(context, &trace->object))
            return FALSE;
    }
    for (guint i = 0; i < line->stores->len; i++) {
        struct capture_store *store = line->stores->pdata[i];
        char **digests[] = {&store->trusted, &store->own, &store->listing};
        for (size_t k = 0; k < G_N_ELEMENTS(digests); k++)
            if (*digests[k] && !change(context, digests[k]))
                return FALSE;
    }
    for (guint i = 0; i < line->chains->len; i++) {
        struct capture_chain *chain = line->chains->pdata[i];
        if (chain->object && !change(context, &chain->object))
            return FALSE;
    }
    return TRUE;
}

/* Questions. */

static gboolean take_look_up(struct guard *guard, struct guarded *guarded, struct wire *body, GError **error)
{
    uint32_t sequence;

    if (!read_number(body, &sequence, error))
        return FALSE;
    if (++guarded->look_ups > GUARD_CONNECTIONS)
        return refuse(error, "looked up one host too often");
    guard->events->look_up(guard->context, guarded->data, sequence);
    return TRUE;
}

static gboolean take_host_key(struct guard *guard, struct guarded *guarded, struct wire *body, GError **error)
{
    uint32_t sequence;
    struct wire blob;

    if (!read_number(body, &sequence, error))
        return FALSE;
    if (!wire_read_string(body, &blob) || body->left > 0)
        return refuse(error, "sent a host key that is cut off");
    if (++guarded->host_keys > GUARD_CONNECTIONS)
        return refuse(error, "showed host keys of one host too often");
    guarded->session_id_bytes = 0;
    guarded->confirmed = guard->events->host_key(guard->context, guarded->data, sequence, &blob);
    return TRUE;
}

static gboolean is_algorithm_of(const struct wire *algorithm, struct wire key)
{
    struct wire type;

    if (!wire_read_string(&key, &type))
        return FALSE;
    if (type.left == algorithm->left && memcmp(type.at, algorithm->at, type.left) == 0)
        return TRUE;
    return wire_is(&type, "ssh-rsa") && (wire_is(algorithm, "rsa-sha2-256") || wire_is(algorithm, "rsa-sha2-512"));
}

/* What is signed has to be a login as the host's user with this very key (RFC 4252, section 7), and nothing else. */
static gboolean is_login(const struct guarded *guarded, const struct wire *request, GBytes *identity,
                         struct wire *session_id)
{
    struct wire wire = *request, user, service, method, algorithm, key;
    uint8_t type, has_signature;
    gsize size;
    const void *blob = g_bytes_get_data(identity, &size);

    return wire_read_string(&wire, session_id) && session_id->left > 0 && session_id->left <= SESSION_ID_BYTES &&
           wire_read_u8(&wire, &type) && type == USERAUTH_REQUEST && wire_read_string(&wire, &user) &&
           wire_is(&user, guarded->user) && wire_read_string(&wire, &service) && wire_is(&service, "ssh-connection") &&
           wire_read_string(&wire, &method) && wire_is(&method, "publickey") && wire_read_u8(&wire, &has_signature) &&
           has_signature == 1 && wire_read_string(&wire, &algorithm) && wire_read_string(&wire, &key) &&
           key.left == size && memcmp(key.at, blob, size) == 0 && is_algorithm_of(&algorithm, key) && wire.left == 0;
}

/* All logins on one connection are of one session. */
static gboolean is_session(struct guarded *guarded, const struct wire *session_id)
{
    if (guarded->session_id_bytes == 0) {
        guarded->session_id_bytes = session_id->left;
        memcpy(guarded->session_id, session_id->at, session_id->left);
    }
    return guarded->session_id_bytes == session_id->left &&
           memcmp(guarded->session_id, session_id->at, session_id->left) == 0;
}

static gboolean take_sign(struct guard *guard, struct guarded *guarded, struct wire *body, GError **error)
{
    uint32_t sequence, identity;
    struct wire request, session_id;

    if (!read_number(body, &sequence, error) || !read_number(body, &identity, error))
        return FALSE;
    if (!wire_read_string(body, &request) || body->left > 0)
        return refuse(error, "sent a login that is cut off");
    if (!guarded->confirmed)
        return refuse(error, "wants to log in to a host whose key was not confirmed");
    if (identity >= guarded->identities->len)
        return refuse(error, "wants a signature with a key that is not for this host");
    if (!is_login(guarded, &request, guarded->identities->pdata[identity], &session_id))
        return refuse(error, "wants a signature of what is no login to this host");
    if (!is_session(guarded, &session_id))
        return refuse(error, "wants to log in to two sessions on one connection");
    if (++guarded->signatures > GUARD_SIGNATURES)
        return refuse(error, "wants too many signatures for one host");
    guard->events->sign(guard->context, guarded->data, sequence, identity, &request);
    return TRUE;
}

/* Objects. */

static struct object *find_object(const struct guarded *guarded, uint32_t number)
{
    return number > 0 && number <= guarded->objects->len ? &g_array_index(guarded->objects, struct object, number - 1)
                                                         : NULL;
}

static struct object *find_open(const struct guarded *guarded, struct wire *body, uint32_t *number, GError **error)
{
    if (!read_number(body, number, error))
        return NULL;
    struct object *object = find_object(guarded, *number);
    if (object && object->state == OBJECT_OPEN)
        return object;
    refuse(error, "speaks of an object that is not open");
    return NULL;
}

static gboolean take_object(struct guard *guard, struct guarded *guarded, struct wire *body, GError **error)
{
    const struct object object = {OBJECT_OPEN, 0};
    uint32_t number;

    if (!read_number(body, &number, error))
        return FALSE;
    if (number != guarded->objects->len + 1)
        return refuse(error, "counts objects wrongly");
    if (number > GUARD_OBJECTS || ++guarded->open > GUARD_OBJECTS_OPEN)
        return refuse(error, "sends too many objects of one host");
    g_array_append_val(guarded->objects, object);
    guard->events->object(guard->context, guarded->data, number);
    return TRUE;
}

static gboolean take_bytes(struct guard *guard, struct guarded *guarded, struct wire *body, GError **error)
{
    uint32_t number;
    struct object *object = find_open(guarded, body, &number, error);

    if (!object)
        return FALSE;
    object->bytes += (int64_t)body->left;
    guarded->bytes += (int64_t)body->left;
    if (object->bytes > guard->object_limit ||
        guarded->bytes > COLLECTOR_HOST_BYTES + COLLECTOR_PEERS * (int64_t)CHAIN_BYTES)
        return refuse(error, "sends more bytes of one host than there may be");
    guard->events->bytes(guard->context, guarded->data, number, body);
    return TRUE;
}

static gboolean close_object(struct guard *guard, struct guarded *guarded, struct wire *body, enum object_state state,
                             void (*event)(void *, void *, uint32_t), GError **error)
{
    uint32_t number;
    struct object *object = find_open(guarded, body, &number, error);

    if (!object)
        return FALSE;
    object->state = state;
    guarded->open--;
    event(guard->context, guarded->data, number);
    return TRUE;
}

static gboolean take_finish(struct guard *guard, struct guarded *guarded, struct wire *body, GError **error)
{
    return close_object(guard, guarded, body, OBJECT_FINISHED, guard->events->finish, error);
}

static gboolean take_drop(struct guard *guard, struct guarded *guarded, struct wire *body, GError **error)
{
    return close_object(guard, guarded, body, OBJECT_DROPPED, guard->events->drop, error);
}

/* The end of a host. */

static gboolean is_finished(void *context, char **digest)
{
    const struct object *object = find_object(context, guard_object(*digest));
    return object && object->state == OBJECT_FINISHED;
}

static gboolean is_reason(const char *word)
{
    for (int reason = REASON_NONE + 1; reason <= REASON_LAST; reason++)
        if (strcmp(word, collector_reason_name((enum collector_reason)reason)) == 0)
            return TRUE;
    return FALSE;
}

static gboolean take_line(struct guard *guard, struct guarded *guarded, uint32_t number, const struct wire *body,
                          GError **error)
{
    g_autoptr(capture_host_auto) line = journal_parse_host(body->at, body->left, NULL);
    void *data = guarded->data;

    if (!line)
        return refuse(error, "sent a line that is none");
    if (guarded->open > 0)
        return refuse(error, "ended a host in the middle of an object");
    if ((line->status == CAPTURE_COLLECTED) != !line->reason || (line->reason && !is_reason(line->reason)))
        return refuse(error, "gave no reason, or one that is none");
    if (!guard_each_object(line, is_finished, guarded))
        return refuse(error, "named an object that it did not send for this host");
    g_hash_table_remove(guard->hosts, GUINT_TO_POINTER(number));
    guard->events->line(guard->context, data, g_steal_pointer(&line));
    return TRUE;
}

/* Names of states. */

static gboolean read_state(struct wire *body, char name[GUARD_STATE_CHARS + 1])
{
    struct wire word;

    if (!wire_read_string(body, &word) || word.left > GUARD_STATE_CHARS)
        return FALSE;
    for (size_t i = 0; i < word.left; i++)
        if (!g_ascii_islower(word.at[i]) && word.at[i] != '-')
            return FALSE;
    memcpy(name, word.at, word.left);
    name[word.left] = '\0';
    return TRUE;
}

static gboolean take_state(struct guard *guard, struct guarded *guarded, struct wire *body, GError **error)
{
    char from[GUARD_STATE_CHARS + 1], to[GUARD_STATE_CHARS + 1];

    if (!read_state(body, from) || !read_state(body, to))
        return refuse(error, "sent no names of states");
    guard->events->state(guard->context, guarded->data, from, to);
    return TRUE;
}

static gboolean take_admitted(struct guard *guard, struct guarded *guarded, struct wire *body, GError **error)
{
    (void)body;
    (void)error;
    guard->events->admitted(guard->context, guarded->data);
    return TRUE;
}

gboolean guard_take(struct guard *guard, const struct message *message, GError **error)
{
    static const struct {
        enum message_kind kind;
        gboolean (*take)(struct guard *guard, struct guarded *guarded, struct wire *body, GError **error);
    } rows[] = {
        {MESSAGE_STATE, take_state}, {MESSAGE_ADMITTED, take_admitted}, {MESSAGE_LOOK_UP, take_look_up},
        {MESSAGE_SIGN, take_sign},   {MESSAGE_HOST_KEY, take_host_key}, {MESSAGE_OBJECT, take_object},
        {MESSAGE_BYTES, take_bytes}, {MESSAGE_FINISH, take_finish},     {MESSAGE_DROP, take_drop},
    };
    struct wire body = message->body;

    struct guarded *guarded = g_hash_table_lookup(guard->hosts, GUINT_TO_POINTER(message->host));
    if (!guarded)
        return refuse(error, "speaks of a host that it does not have");
    if (message->kind == MESSAGE_LINE)
        return take_line(guard, guarded, message->host, &body, error);
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        if (rows[i].kind == message->kind)
            return rows[i].take(guard, guarded, &body, error);
    return refuse(error, "sent a message that is not a worker's");
}
