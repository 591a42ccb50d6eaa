#include "net/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

static void set_option(int fd, int level, int name, int value) {
    /* An option that the system refuses costs speed or comfort, never correctness. */
    (void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* errno of a bind that says "no such address or protocol on this machine". */
static bool errno_is_missing(int error) {
    return error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == EPROTONOSUPPORT ||
           error == ESOCKTNOSUPPORT || error == EPFNOSUPPORT || error == ENOPROTOOPT;
}

static int listen_on(const struct addrinfo *info, int backlog) {
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    if (fd < 0) return -1;
    set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (info->ai_family == AF_INET6) set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, backlog) == 0) return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

int socket_listen(const char *address, uint16_t port, int backlog, bool *is_missing) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    const char *host = address;
    if (strcmp(address, "*") == 0) {
        host = NULL;
        hints.ai_family = AF_INET;
    } else if (strcmp(address, "::*") == 0) {
        host = NULL;
        hints.ai_family = AF_INET6;
    }
    char service[8];
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    struct addrinfo *found = NULL;
    *is_missing = false;
    if (getaddrinfo(host, service, &hints, &found) != 0) {
        *is_missing = true;
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = -1;
    for (struct addrinfo *info = found; info != NULL && fd < 0; info = info->ai_next) {
        fd = listen_on(info, backlog);
    }
    int error = errno;
    freeaddrinfo(found);
    *is_missing = fd < 0 && errno_is_missing(error);
    errno = error;
    return fd;
}

int socket_dial(const char *host, uint16_t port) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    /* Numeric only: a name server must never make the loop wait. */
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    char service[8];
    snprintf(service, sizeof(service), "%u", (unsigned)port);
    struct addrinfo *info = NULL;
    if (getaddrinfo(host, service, &hints, &info) != 0) {
        errno = EADDRNOTAVAIL;
        return -1;
    }
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    int error = errno;
    if (fd >= 0 && connect(fd, info->ai_addr, info->ai_addrlen) != 0 && errno != EINPROGRESS) {
        error = errno;
        close(fd);
        fd = -1;
    }
    freeaddrinfo(info);
    errno = error;
    return fd;
}

int socket_dial_outcome(int fd) {
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    if (error != 0) return error;
    struct sockaddr_storage own = {0}, peer = {0};
    socklen_t own_size = sizeof(own), peer_size = sizeof(peer);
    if (getsockname(fd, (struct sockaddr *)&own, &own_size) != 0) return errno;
    if (getpeername(fd, (struct sockaddr *)&peer, &peer_size) != 0) return errno;
    bool is_itself = own_size == peer_size && memcmp(&own, &peer, own_size) == 0;
    return is_itself ? ECONNREFUSED : 0;
}

void socket_tune(int fd, int keepalive_s) {
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (keepalive_s <= 0) return;
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_s);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, SF_MAX(keepalive_s / 3, 1));
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

void socket_limit_silence(int fd, int timeout_ms) {
    set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, timeout_ms);
}

/* The IPv4 address inside an IPv6 one (::ffff:a.b.c.d), else NULL. */
static const void *mapped_ipv4(const struct sockaddr_in6 *in6) {
    return IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) ? in6->sin6_addr.s6_addr + 12 : NULL;
}

void socket_host_text(const struct sockaddr_storage *address, char out[ADDRESS_TEXT_MAX]) {
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    const char *text = NULL;
    if (address->ss_family == AF_INET) {
        text = inet_ntop(AF_INET, &in4->sin_addr, out, ADDRESS_TEXT_MAX);
    } else if (address->ss_family == AF_INET6 && mapped_ipv4(in6) != NULL) {
        text = inet_ntop(AF_INET, mapped_ipv4(in6), out, ADDRESS_TEXT_MAX);
    } else if (address->ss_family == AF_INET6) {
        text = inet_ntop(AF_INET6, &in6->sin6_addr, out, ADDRESS_TEXT_MAX);
    }
    if (text == NULL) strcpy(out, "?");
}

uint16_t socket_address_port(const struct sockaddr_storage *address) {
    if (address->ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)address)->sin_port);
    if (address->ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    }
    return 0;
}

void socket_address_text(const struct sockaddr_storage *address, char out[ADDRESS_TEXT_MAX]) {
    char host[ADDRESS_TEXT_MAX];
    socket_host_text(address, host);
    bool is_ipv6 = strchr(host, ':') != NULL;
    snprintf(out, ADDRESS_TEXT_MAX, "%s%.53s%s:%u", is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "",
        (unsigned)socket_address_port(address));
}

bool socket_is_loopback(const struct sockaddr_storage *address) {
    if (address->ss_family == AF_INET) {
        return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->ss_family != AF_INET6) return false;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
    const unsigned char *mapped = mapped_ipv4(in6);
    return mapped != NULL ? mapped[0] == 127 : IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

bool socket_is_any(const struct sockaddr_storage *address) {
    if (address->ss_family == AF_INET) {
        return ((const struct sockaddr_in *)address)->sin_addr.s_addr == htonl(INADDR_ANY);
    }
    return address->ss_family == AF_INET6 &&
           IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

bool socket_local_address(int fd, struct sockaddr_storage *out) {
    socklen_t size = sizeof(*out);
    *out = (struct sockaddr_storage){0};
    return getsockname(fd, (struct sockaddr *)out, &size) == 0;
}
