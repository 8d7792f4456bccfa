#include "agent.h"

#include "error.h"
#include "private_key.h"
#include "text.h"
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* draft-miller-ssh-agent, section 7 */
#define REQUEST_IDENTITIES 11
#define IDENTITIES_ANSWER  12
#define SIGN_REQUEST       13
#define SIGN_RESPONSE      14
#define RSA_SHA2_256       2
#define RSA_SHA2_512       4

struct agent {
    char *path;
    int fd;
    gboolean failed; /* once and for all */
    GPtrArray *identities;
};

static void identity_free(void *data)
{
    struct agent_identity *identity = data;
    g_bytes_unref(identity->public_key);
    g_free(identity->type);
    g_free(identity->comment);
    g_free(identity);
}

struct agent *agent_new(const char *path)
{
    struct agent *agent = g_new0(struct agent, 1);
    agent->path = g_strdup(path);
    agent->fd = -1;
    return agent;
}

static void disconnect_agent(struct agent *agent)
{
    if (agent->fd >= 0)
        close(agent->fd);
    agent->fd = -1;
}

void agent_free(struct agent *agent)
{
    if (!agent)
        return;
    disconnect_agent(agent);
    g_free(agent->path);
    if (agent->identities)
        g_ptr_array_unref(agent->identities);
    g_free(agent);
}

static gboolean fail(struct agent *agent, const char *why, GError **error)
{
    agent->failed = TRUE;
    disconnect_agent(agent);
    g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "ssh-agent at %s: %s", agent->path, why);
    return FALSE;
}

static gboolean fail_errno(struct agent *agent, GError **error)
{
    if (errno == EAGAIN || errno == EINPROGRESS)
        return fail(agent, "did not answer in time; it is not asked again", error);
    return fail(agent, g_strerror(errno), error);
}

static gboolean connect_agent(struct agent *agent, GError **error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = AGENT_TIMEOUT_S};

    if (agent->failed)
        return fail(agent, "did not answer before and is not asked again", error);
    if (agent->fd >= 0)
        return TRUE;
    if (g_strlcpy(address.sun_path, agent->path, sizeof address.sun_path) >= sizeof address.sun_path)
        return fail(agent, "the path is too long for a socket", error);
    agent->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (agent->fd < 0 || setsockopt(agent->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        setsockopt(agent->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        connect(agent->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return fail_errno(agent, error);
    return TRUE;
}

static gboolean send_all(struct agent *agent, const uint8_t *at, size_t size, GError **error)
{
    while (size > 0) {
        ssize_t done = send(agent->fd, at, size, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail_errno(agent, error);
        at += done;
        size -= (size_t)done;
    }
    return TRUE;
}

/* SO_RCVTIMEO is per call, and an agent could feed us one byte at a time: all of an answer has one deadline. */
static gboolean receive_all(struct agent *agent, uint8_t *at, size_t size, gint64 deadline_us, GError **error)
{
    while (size > 0) {
        ssize_t got = recv(agent->fd, at, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return fail_errno(agent, error);
        if (got == 0)
            return fail(agent, "ended the connection", error);
        at += got;
        size -= (size_t)got;
        if (size > 0 && g_get_monotonic_time() > deadline_us)
            return fail(agent, "did not answer in time; it is not asked again", error);
    }
    return TRUE;
}

/* One question, one answer: its type must be ${expected}, its contents are the result. */
static GByteArray *ask(struct agent *agent, const GByteArray *question, uint8_t expected, GError **error)
{
    g_autoptr(GByteArray) packet = g_byte_array_new();
    g_autoptr(GByteArray) answer = g_byte_array_new();
    gint64 deadline_us = g_get_monotonic_time() + (gint64)AGENT_TIMEOUT_S * G_USEC_PER_SEC;
    uint8_t head[4];
    uint32_t size = 0;

    wire_append_string(packet, question->data, question->len);
    if (!connect_agent(agent, error) || !send_all(agent, packet->data, packet->len, error) ||
        !receive_all(agent, head, sizeof head, deadline_us, error))
        return NULL;
    struct wire wire = {head, sizeof head};
    wire_read_u32(&wire, &size);
    if (size < 1 || size > AGENT_ANSWER_BYTES) {
        fail(agent, "its answer is of an impossible size", error);
        return NULL;
    }
    g_byte_array_set_size(answer, size);
    if (!receive_all(agent, answer->data, size, deadline_us, error))
        return NULL;
    if (answer->data[0] != expected) {
        /* It refuses this one thing (a locked agent, a key that its user did not confirm); it may be asked others. */
        g_set_error(error, TRUSTGAP_ERROR, TRUSTGAP_ERROR_IO, "ssh-agent at %s: refused", agent->path);
        return NULL;
    }
    g_byte_array_remove_index(answer, 0);
    return g_steal_pointer(&answer);
}

static gboolean parse_identities(GPtrArray *identities, const GByteArray *answer)
{
    struct wire wire = {answer->data, answer->len}, blob, comment, type;
    uint32_t count;

    if (!wire_read_u32(&wire, &count))
        return FALSE;
    for (uint32_t i = 0; i < count && i < AGENT_IDENTITIES; i++) {
        if (!wire_read_string(&wire, &blob) || !wire_read_string(&wire, &comment))
            return FALSE;
        struct wire inner = blob;
        if (!wire_read_string(&inner, &type))
            return FALSE;
        struct agent_identity *identity = g_new0(struct agent_identity, 1);
        identity->public_key = g_bytes_new(blob.at, blob.left);
        identity->type = text_clean(type.at, type.left);
        identity->comment = text_clean(comment.at, comment.left);
        g_ptr_array_add(identities, identity);
    }
    return TRUE;
}

const GPtrArray *agent_identities(struct agent *agent, GError **error)
{
    if (agent->identities)
        return agent->identities;
    g_autoptr(GByteArray) question = g_byte_array_new();
    uint8_t type = REQUEST_IDENTITIES;
    g_byte_array_append(question, &type, 1);
    g_autoptr(GByteArray) answer = ask(agent, question, IDENTITIES_ANSWER, error);
    if (!answer)
        return NULL;
    g_autoptr(GPtrArray) identities = g_ptr_array_new_with_free_func(identity_free);
    if (!parse_identities(identities, answer)) {
        fail(agent, "its answer is cut off", error);
        return NULL;
    }
    agent->identities = g_steal_pointer(&identities);
    return agent->identities;
}

static uint32_t sign_flags(const void *data, size_t size)
{
    struct wire algorithm;

    if (!private_key_algorithm(&algorithm, data, size))
        return 0;
    return wire_is(&algorithm, "rsa-sha2-256") ? RSA_SHA2_256 : wire_is(&algorithm, "rsa-sha2-512") ? RSA_SHA2_512 : 0;
}

GBytes *agent_sign(struct agent *agent, const struct agent_identity *identity, const void *data, size_t size,
                   GError **error)
{
    g_autoptr(GByteArray) question = g_byte_array_new();
    uint8_t type = SIGN_REQUEST;
    gsize key_size;
    const void *key = g_bytes_get_data(identity->public_key, &key_size);

    g_byte_array_append(question, &type, 1);
    wire_append_string(question, key, key_size);
    wire_append_string(question, data, size);
    wire_append_u32(question, sign_flags(data, size));
    g_autoptr(GByteArray) answer = ask(agent, question, SIGN_RESPONSE, error);
    if (!answer)
        return NULL;
    struct wire wire = {answer->data, answer->len}, signature, bytes;
    if (!wire_read_string(&wire, &signature) || !wire_read_string(&signature, NULL) ||
        !wire_read_string(&signature, &bytes)) {
        fail(agent, "its signature is cut off", error);
        return NULL;
    }
    return g_bytes_new(bytes.at, bytes.left);
}
