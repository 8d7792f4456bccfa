#include "dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum collector_reason dial_reason(int number)
{
    switch (number) {
    case ECONNREFUSED:
        return REASON_REFUSED;
    case ETIMEDOUT:
        return REASON_TIMEOUT;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
        return REASON_CLOSED;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        return REASON_LOCAL;
    default:
        return REASON_UNREACHABLE;
    }
}

static enum dial_progress fail(struct dial *dial, enum collector_reason reason, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static enum dial_progress fail(struct dial *dial, enum collector_reason reason, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (dial->failures->len > 0)
        g_string_append(dial->failures, "; ");
    g_string_append_vprintf(dial->failures, format, args);
    va_end(args);
    dial->reason = reason;
    return DIAL_FAILED;
}

void dial_init(struct dial *dial, struct service *service, const struct transport_owner *owner, const char *name,
               uint16_t port)
{
    *dial = (struct dial){
        .fd = -1, .failures = g_string_new(NULL), .service = service, .owner = owner, .name = name, .port = port};
}

/* Look-up. */

static enum dial_progress lookup_failed(struct dial *dial, int status)
{
    switch (status) {
    case UV_EAI_MEMORY:
    case UV_ENOMEM:
    case UV_EMFILE:
        return fail(dial, REASON_LOCAL, "\"%s\" could not be looked up: %s", dial->name, uv_strerror(status));
    case UV_EAI_AGAIN:
        return fail(dial, REASON_NAME_NOT_FOUND, "\"%s\" could not be looked up now: the name server does not answer",
                    dial->name);
    default:
        return fail(dial, REASON_NAME_NOT_FOUND, "there is no host \"%s\": %s", dial->name,
                    status ? uv_strerror(status) : "it has no address");
    }
}

/* Addresses come without a port. */
static void set_ports(struct addrinfo *address, uint16_t port)
{
    for (; address; address = address->ai_next) {
        void *socket_address = address->ai_addr;
        if (address->ai_family == AF_INET)
            ((struct sockaddr_in *)socket_address)->sin_port = htons(port);
        else if (address->ai_family == AF_INET6)
            ((struct sockaddr_in6 *)socket_address)->sin6_port = htons(port);
    }
}

/* An address needs no name server. */
static gboolean is_address(struct dial *dial)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    return getaddrinfo(dial->name, NULL, &hints, &dial->addresses) == 0;
}

enum dial_progress dial_lookup(struct dial *dial)
{
    int status = 0;

    if (!dial->looked_up && is_address(dial)) {
        set_ports(dial->addresses, dial->port);
        return DIAL_DONE;
    }
    dial->looked_up = TRUE;
    if (!service_look_up(dial->service, &status, &dial->addresses))
        return DIAL_WAIT;
    if (!dial->addresses)
        return lookup_failed(dial, status);
    set_ports(dial->addresses, dial->port);
    return DIAL_DONE;
}

/* TCP. */

static void close_socket(struct dial *dial)
{
    if (dial->fd < 0)
        return;
    dial->owner->forget(dial->owner->context, dial->fd);
    close(dial->fd);
    dial->fd = -1;
}

static enum dial_progress next_address(struct dial *dial)
{
    close_socket(dial);
    dial->address = dial->address->ai_next;
    return dial->address ? DIAL_NEXT : DIAL_FAILED;
}

static enum dial_progress connect_failed(struct dial *dial, int number)
{
    /* Taken and dropped before we looked: as if it were closed before the first byte. */
    fail(dial, number == ECONNRESET ? REASON_BUSY : dial_reason(number), "%s: %s", dial->where, g_strerror(number));
    return next_address(dial);
}

enum dial_progress dial_give_up(struct dial *dial, unsigned seconds)
{
    fail(dial, REASON_TIMEOUT, "time-out after %u s while connecting to %s", seconds, dial->where);
    return next_address(dial);
}

static void name_address(struct dial *dial)
{
    char address[NI_MAXHOST];

    if (getnameinfo(dial->address->ai_addr, dial->address->ai_addrlen, address, sizeof address, NULL, 0,
                    NI_NUMERICHOST) != 0)
        g_strlcpy(address, "its address", sizeof address);
    g_snprintf(dial->where, sizeof dial->where, "%s port %u", address, dial->port);
}

static enum dial_progress begin_connect(struct dial *dial)
{
    int on = 1;

    if (!dial->address)
        dial->address = dial->addresses;
    name_address(dial);
    dial->fd = socket(dial->address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (dial->fd < 0)
        return connect_failed(dial, errno);
    setsockopt(dial->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(dial->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (connect(dial->fd, dial->address->ai_addr, dial->address->ai_addrlen) == 0)
        return DIAL_DONE;
    return errno == EINPROGRESS ? DIAL_WAIT : connect_failed(dial, errno);
}

enum dial_progress dial_connect(struct dial *dial)
{
    if (dial->fd < 0)
        return begin_connect(dial);

    struct pollfd done = {.fd = dial->fd, .events = POLLOUT};
    int number = 0;
    socklen_t size = sizeof number;
    if (poll(&done, 1, 0) == 0)
        return DIAL_WAIT;
    if (getsockopt(dial->fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0)
        number = errno;
    return number == 0 ? DIAL_DONE : connect_failed(dial, number);
}

void dial_clear(struct dial *dial)
{
    close_socket(dial);
    if (dial->addresses)
        freeaddrinfo(dial->addresses);
    g_string_free(dial->failures, TRUE);
}
