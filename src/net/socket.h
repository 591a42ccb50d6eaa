/* The system calls that sockets need, with our options set and addresses as text. */
#ifndef SF_NET_SOCKET_H
#define SF_NET_SOCKET_H

#include "util/buf.h"

#include <sys/socket.h>

#define ADDRESS_TEXT_MAX 64 /* "[ffff:...:255.255.255.255]:65535" with its zero byte */

/* Binds and listens, CLOEXEC and non-blocking, IPv6 sockets for IPv6 alone. Returns the descriptor,
 * or -1 with errno; *is_missing says that the machine lacks the address or its protocol. */
int socket_listen(const char *address, uint16_t port, int backlog, bool *is_missing);

/* Begins a connection to a numeric address. -1 with errno when it failed at once. */
int socket_dial(const char *host, uint16_t port);
/* The outcome once writable: 0 or an errno. A connection to itself (the kernel may pick the dialled
 * port for our own side) counts as refused. */
int socket_dial_outcome(int fd);

/* TCP_NODELAY, and keep-alive probes after so many idle seconds (0: none). */
void socket_tune(int fd, int keepalive_s);

/* Bytes that the other side's system has not taken for so long end the connection, instead of the
 * system's many minutes. */
void socket_limit_silence(int fd, int timeout_ms);

/* "127.0.0.1:6379", "[::1]:6379". */
void socket_address_text(const struct sockaddr_storage *address, char out[ADDRESS_TEXT_MAX]);
/* "127.0.0.1", "::1"; an IPv4 address mapped into IPv6 is shown as IPv4. */
void socket_host_text(const struct sockaddr_storage *address, char out[ADDRESS_TEXT_MAX]);
uint16_t socket_address_port(const struct sockaddr_storage *address);
bool socket_is_loopback(const struct sockaddr_storage *address);
bool socket_is_any(const struct sockaddr_storage *address);
bool socket_local_address(int fd, struct sockaddr_storage *out);

#endif
