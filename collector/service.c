#include "service.h"

#include <stddef.h>
#include <unistd.h>

void service_init(struct service *service, struct channel *channel, uint32_t host)
{
    *service = (struct service){.channel = channel, .host = host, .fds = {-1, -1, -1}};
}

static void clear_answers(struct service *service)
{
    if (service->addresses)
        freeaddrinfo(service->addresses);
    service->addresses = NULL;
    g_clear_pointer(&service->answer_path, g_free);
    g_clear_pointer(&service->authority_path, g_free);
    g_clear_pointer(&service->ask_for, g_free);
    g_clear_pointer(&service->signed_bytes, g_bytes_unref);
    g_clear_pointer(&service->why, g_free);
}

void service_clear(struct service *service)
{
    clear_answers(service);
    for (int i = 0; i < CHANNEL_RIGHTS; i++)
        if (service->fds[i] >= 0)
            close(service->fds[i]);
}

/* The message with a new question, for the rest to be appended to; NULL: it was asked before. */
static GByteArray *begin(struct service *service, struct service_question *question, enum message_kind kind)
{
    if (question->sequence)
        return NULL;
    question->sequence = ++service->sequence;
    question->answered = FALSE;
    GByteArray *bytes = channel_begin(service->channel, kind, service->host);
    wire_append_u32(bytes, question->sequence);
    return bytes;
}

/* TRUE: the answer is there, and the same may be asked again. */
static gboolean take(struct service_question *question)
{
    if (!question->answered)
        return FALSE;
    *question = (struct service_question){0};
    return TRUE;
}

gboolean service_look_up(struct service *service, int *status, struct addrinfo **addresses)
{
    if (begin(service, &service->lookup, MESSAGE_LOOK_UP))
        channel_end(service->channel);
    if (!take(&service->lookup))
        return FALSE;
    *status = service->lookup_status;
    *addresses = g_steal_pointer(&service->addresses);
    return TRUE;
}

gboolean service_host_key(struct service *service, const void *key, size_t size, struct known_hosts_answer *answer)
{
    GByteArray *bytes = begin(service, &service->verdict, MESSAGE_HOST_KEY);

    if (bytes) {
        wire_append_string(bytes, key, size);
        channel_end(service->channel);
    }
    if (!take(&service->verdict))
        return FALSE;
    *answer = service->answer;
    return TRUE;
}

gboolean service_sign(struct service *service, unsigned identity, const void *data, size_t size, GBytes **signature,
                      char **why)
{
    GByteArray *bytes = begin(service, &service->signature, MESSAGE_SIGN);

    if (bytes) {
        wire_append_u32(bytes, identity);
        wire_append_string(bytes, data, size);
        channel_end(service->channel);
    }
    if (!take(&service->signature))
        return FALSE;
    *signature = g_steal_pointer(&service->signed_bytes);
    *why = g_steal_pointer(&service->why);
    return TRUE;
}

gboolean service_is_signing(const struct service *service)
{
    return service->signature.sequence && !service->signature.answered;
}

void service_reset(struct service *service)
{
    service->lookup = service->verdict = service->signature = (struct service_question){0};
}

/* Answers. */

static gboolean add_address(struct service *service, const char *text)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo **end = &service->addresses;

    while (*end)
        end = &(*end)->ai_next;
    return getaddrinfo(text, NULL, &hints, end) == 0;
}

static gboolean read_addresses(struct service *service, struct wire *body)
{
    uint32_t status, count;

    if (!wire_read_u32(body, &status) || !wire_read_u32(body, &count))
        return FALSE;
    service->lookup_status = (int)status;
    for (uint32_t i = 0; i < count; i++) {
        g_autofree char *text = NULL;
        if (!message_read_text(body, &text) || !text)
            return FALSE;
        add_address(service, text);
    }
    return TRUE;
}

static gboolean read_verdict(struct service *service, struct wire *body)
{
    struct known_hosts_answer *answer = &service->answer;
    uint32_t verdict, line, same, authority_line;

    *answer = (struct known_hosts_answer){0};
    if (!wire_read_u32(body, &verdict) || verdict > KNOWN_HOSTS_REVOKED || !wire_read_u32(body, &line) ||
        !wire_read_u32(body, &same) || !wire_read_u32(body, &authority_line) ||
        !message_read_text(body, &service->answer_path) || !message_read_text(body, &service->authority_path) ||
        !message_read_text(body, &service->ask_for))
        return FALSE;
    answer->verdict = (enum known_hosts_verdict)verdict;
    answer->path = service->answer_path;
    answer->line = line;
    answer->same_type = same != 0;
    answer->authority_path = service->authority_path;
    answer->authority_line = authority_line;
    answer->ask_for = service->ask_for;
    return TRUE;
}

static gboolean read_signature(struct service *service, struct wire *body)
{
    struct wire signature;

    if (!wire_read_string(body, &signature) || !message_read_text(body, &service->why))
        return FALSE;
    if (!service->why)
        service->signed_bytes = g_bytes_new(signature.at, signature.left);
    return TRUE;
}

static gboolean read_exit(struct service *service, struct wire *body)
{
    uint32_t status, signal;

    if (!wire_read_u32(body, &status) || !wire_read_u32(body, &signal))
        return FALSE;
    service->exited = TRUE;
    service->exit_status = (int)status;
    service->exit_signal = (int)signal;
    return TRUE;
}

gboolean service_answer(struct service *service, const struct message *message)
{
    static const struct {
        enum message_kind kind;
        size_t question; /* offset of it; 0: this answers none */
        gboolean (*read)(struct service *service, struct wire *body);
    } rows[] = {
        {MESSAGE_ADDRESSES, offsetof(struct service, lookup), read_addresses},
        {MESSAGE_VERDICT, offsetof(struct service, verdict), read_verdict},
        {MESSAGE_SIGNATURE, offsetof(struct service, signature), read_signature},
        {MESSAGE_EXIT, 0, read_exit},
    };
    struct wire body = message->body;
    uint32_t sequence = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (rows[i].kind != message->kind)
            continue;
        struct service_question *question = rows[i].question ? (void *)((char *)service + rows[i].question) : NULL;
        if (question && !wire_read_u32(&body, &sequence))
            return FALSE;
        if (question && (question->answered || sequence != question->sequence))
            return TRUE; /* nobody wants it any more */
        clear_answers(service);
        if (!rows[i].read(service, &body))
            return FALSE;
        if (question)
            question->answered = TRUE;
        if (service->wake)
            service->wake(service->context);
        return TRUE;
    }
    return FALSE;
}
