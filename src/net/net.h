/* The event loop and the sockets around one node: bytes in, node_pump once a turn, bytes out.
 *
 * A turn (one iteration of the loop):
 *   1  every socket that has something is read once, a bounded amount, and the bytes are handed to
 *      the node; what is left in the kernel comes in the next turn
 *   2  after the last read: clocks, deferred events, node_pump
 *   3  every client and link that the node named is written out, one send each
 *   4  the one timer is set from node_next_deadline_us
 * No node function is called from within a port: what a port leads to (a dial that failed at once)
 * is delivered in step 2 of this turn or the next.
 *
 * Single-threaded. */
#ifndef SF_NET_NET_H
#define SF_NET_NET_H

#include "node/node.h"

#define NET_BIND_MAX 16

struct net_settings {
    /* Addresses as the `bind` directive has them: an IPv4 or IPv6 address or host name, "*" (all of
     * IPv4), "::*" (all of IPv6); with "-" in front an address that may be missing. Borrowed for
     * net_new. */
    const char *bind[NET_BIND_MAX];
    uint32_t n_bind;
    uint16_t port; /* 0: any (tests); see net_port */
    const char *bus_bind[NET_BIND_MAX];
    uint32_t n_bus_bind;
    uint16_t bus_port; /* 0: any */
    int tcp_backlog;
    int tcp_keepalive_s;         /* 0: none */
    uint32_t accepted_links_max; /* further incoming links are closed at once */
};

struct net_hooks { /* all but log may be NULL */
    void *context;
    void (*before_pump)(void *context, int64_t now_us); /* deferred events of the shell */
    void (*log)(void *context, enum log_level level, const char *line);
};

struct net_figures {
    uint64_t connections_received, connections_rejected;
    uint64_t input_bytes, output_bytes; /* clients and links */
    uint64_t reads, writes;             /* the same, how often */
};

struct net;

struct net *net_new(const struct net_settings *settings, const struct net_hooks *hooks);
/* Closes every socket; calls no node function. The node may be gone already. */
void net_free(struct net *net);

/* Binds and listens on all addresses; nothing is accepted before net_run. On failure false, with
 * one line in error. */
bool net_listen(struct net *net, struct buf *error);
uint16_t net_port(const struct net *net);     /* of the first listener for clients */
uint16_t net_bus_port(const struct net *net); /* of the first listener for links */
bool net_is_bound_to_all(const struct net *net);
bool net_is_loopback_only(const struct net *net); /* every listener for clients */

/* Calls on_readable in step 1 whenever fd is readable (storage's wake-up, signals). */
void net_watch(struct net *net, int fd, void (*on_readable)(void *context), void *context);

/* Runs turns until net_stop; returns the exit code given there. The node is borrowed. */
int net_run(struct net *net, struct node *node);
/* Ends net_run after this turn's writes. The first call's code counts. */
void net_stop(struct net *net, int exit_code);
void net_wake(struct net *net); /* another turn follows at once */

void net_set_keepalive(struct net *net, int seconds); /* for connections accepted from now on */
struct net_figures net_figures(const struct net *net);

/* The ports of node/ports.h that are the network's; unknown numbers are ignored. */
void net_dial(struct net *net, uint64_t number, const char *host, uint16_t bus_port);
void net_link_send(struct net *net, uint64_t number, struct slice bytes);
/* head, body, tail; body is not copied but held until it is sent. */
void net_link_send_large(
    struct net *net, uint64_t number, struct slice head, struct bytes *body, struct slice tail);
void net_link_close(struct net *net, uint64_t number);
size_t net_link_backlog(const struct net *net, uint64_t number);
void net_out_dial(struct net *net, uint64_t number, const char *host, uint16_t port);
void net_out_open_file(struct net *net, uint64_t number, const char *path);
void net_out_send(struct net *net, uint64_t number, struct slice bytes);
void net_out_close(struct net *net, uint64_t number);
void net_out_pause(struct net *net, uint64_t number, bool pause);
void net_breathe(struct net *net);
void net_client_changed(struct net *net, uint64_t number);

/* Microseconds that go on while the machine sleeps; milliseconds since 1970. */
int64_t clock_boot_us(void);
int64_t clock_wall_ms(void);
int64_t clock_run_ns(void); /* for how long something takes; begins anywhere */

#endif
