#include "net/internal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* -- accepting ------------------------------------------------------------------------------- */

static bool errno_is_exhaustion(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Out of descriptors: the listening socket stays readable, so polling it would spin. */
static void pause_accepting(struct net *net, int error) {
    if (!net->accept_trouble_said) {
        net_logf(net, LOG_WARNING, "Cannot accept connections: %s; trying again until it works",
            strerror(error));
    }
    net->accept_trouble_said = true;
    net->accept_paused = true;
    for (uint32_t i = 0; i < net->n_listeners; i++) {
        ev_io_stop(net->loop, &net->listeners[i].watcher);
    }
    ev_timer_set(&net->accept_again, ACCEPT_PAUSE_S, 0.);
    ev_timer_start(net->loop, &net->accept_again);
}

static void accept_again(struct ev_loop *loop, ev_timer *watcher, int events) {
    (void)events;
    struct net *net = watcher->data;
    net->accept_paused = false;
    for (uint32_t i = 0; i < net->n_listeners; i++) {
        ev_io_start(loop, &net->listeners[i].watcher);
    }
}

static void acceptable(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)loop, (void)events;
    struct listener *listener = watcher->data;
    struct net *net = listener->net;
    for (int i = 0; i < ACCEPTS_A_TURN && !net->accept_paused; i++) {
        struct sockaddr_storage remote = {0};
        socklen_t size = sizeof(remote);
        int fd =
            accept4(listener->fd, (struct sockaddr *)&remote, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno_is_exhaustion(errno)) pause_accepting(net, errno);
            if (errno == EINTR || errno == ECONNABORTED) continue;
            return;
        }
        net->accept_trouble_said = false;
        if (listener->is_bus) {
            link_accept(net, fd, &remote);
        } else {
            client_accept(net, fd, &remote);
        }
    }
}

/* -- listening ------------------------------------------------------------------------------- */

static bool listen_on(
    struct net *net, const char *address, uint16_t port, bool is_bus, struct buf *error) {
    bool is_optional = address[0] == '-';
    if (is_optional) address++;
    bool is_missing;
    int fd = socket_listen(address, port, net->settings.tcp_backlog, &is_missing);
    if (fd < 0 && is_missing && is_optional) return true;
    if (fd < 0) {
        buf_printf(error, "cannot listen on %s port %u%s: %s", address, (unsigned)port,
            is_bus ? " (cluster bus)" : "", strerror(errno));
        return false;
    }
    SF_ASSERT(net->n_listeners < SF_LENGTH(net->listeners));
    struct listener *listener = &net->listeners[net->n_listeners++];
    *listener = (struct listener){.net = net, .fd = fd, .is_bus = is_bus};
    socket_local_address(fd, &listener->address);
    ev_io_init(&listener->watcher, acceptable, fd, EV_READ);
    listener->watcher.data = listener;
    return true;
}

static const struct listener *first_listener(const struct net *net, bool is_bus) {
    for (uint32_t i = 0; i < net->n_listeners; i++) {
        if (net->listeners[i].is_bus == is_bus) return &net->listeners[i];
    }
    return NULL;
}

bool net_listen(struct net *net, struct buf *error) {
    const struct net_settings *settings = &net->settings;
    for (uint32_t i = 0; i < settings->n_bind; i++) {
        if (!listen_on(net, settings->bind[i], settings->port, false, error)) return false;
    }
    for (uint32_t i = 0; i < settings->n_bus_bind; i++) {
        if (!listen_on(net, settings->bus_bind[i], settings->bus_port, true, error)) return false;
    }
    ev_timer_init(&net->accept_again, accept_again, 0., 0.);
    net->accept_again.data = net;
    bool is_complete = first_listener(net, false) != NULL &&
                       (settings->n_bus_bind == 0 || first_listener(net, true) != NULL);
    if (!is_complete) buf_append_text(error, "none of the addresses to bind exists here");
    return is_complete;
}

void listeners_start(struct net *net) {
    for (uint32_t i = 0; i < net->n_listeners; i++) {
        ev_io_start(net->loop, &net->listeners[i].watcher);
    }
}

void listeners_free(struct net *net) {
    for (uint32_t i = 0; i < net->n_listeners; i++) {
        ev_io_stop(net->loop, &net->listeners[i].watcher);
        close(net->listeners[i].fd);
    }
    net->n_listeners = 0;
    if (ev_is_active(&net->accept_again)) ev_timer_stop(net->loop, &net->accept_again);
}

static uint16_t listening_port(const struct net *net, bool is_bus) {
    const struct listener *listener = first_listener(net, is_bus);
    return listener == NULL ? 0 : socket_address_port(&listener->address);
}

uint16_t net_port(const struct net *net) {
    return listening_port(net, false);
}

uint16_t net_bus_port(const struct net *net) {
    return listening_port(net, true);
}

bool net_is_bound_to_all(const struct net *net) {
    for (uint32_t i = 0; i < net->n_listeners; i++) {
        const struct listener *listener = &net->listeners[i];
        if (!listener->is_bus && socket_is_any(&listener->address)) return true;
    }
    return false;
}

bool net_is_loopback_only(const struct net *net) {
    for (uint32_t i = 0; i < net->n_listeners; i++) {
        const struct listener *listener = &net->listeners[i];
        if (!listener->is_bus && !socket_is_loopback(&listener->address)) return false;
    }
    return true;
}
