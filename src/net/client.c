#include "net/internal.h"

#include <errno.h>
#include <unistd.h>

struct client {
    struct net *net;
    uint64_t number; /* ascending from 1, never reused */
    int fd;
    struct session *session; /* the node's */
    bool has_ended;          /* it sends no more, and still waits for replies */
    ev_io readable, writable;
    struct list all, dirty;
};

static void client_free(struct client *client) {
    ev_io_stop(client->net->loop, &client->readable);
    ev_io_stop(client->net->loop, &client->writable);
    list_remove(&client->all);
    list_remove(&client->dirty);
    number_map_remove(&client->net->clients, client->number);
    close(client->fd);
    sf_free(client);
}

static void client_close(struct client *client) {
    struct net *net = client->net;
    node_on_client_closed(net->node, client->session, net->now_us);
    client_free(client);
    net_wake(net);
}

static void client_mark_dirty(struct client *client) {
    if (list_empty(&client->dirty)) list_push_back(&client->net->dirty_clients, &client->dirty);
}

void net_client_changed(struct net *net, uint64_t number) {
    struct client *client = number_map_get(&net->clients, number);
    if (client != NULL) client_mark_dirty(client);
}

/* -- reading --------------------------------------------------------------------------------- */

/* Back-pressure: what the node does not want stays in the kernel, whose window stops the sender. */
static void follow_wants_read(struct client *client) {
    if (session_wants_read(client->session) && !client->has_ended) {
        ev_io_start(client->net->loop, &client->readable);
    } else {
        ev_io_stop(client->net->loop, &client->readable);
    }
}

/* `printf ... | nc -N`: the requests and their end come together, the replies a few turns later. */
static void client_ended(struct client *client) {
    client->has_ended = true;
    follow_wants_read(client);
    client_mark_dirty(client); /* closes where nothing is due */
}

/* A large request is read in large pieces, a short one without touching much memory. */
static size_t read_size(const struct buf *in) {
    return SF_MIN(SF_MAX(in->len, (size_t)READ_BYTES_MIN), (size_t)READ_BYTES_MAX);
}

static void client_readable(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)loop, (void)events;
    struct client *client = watcher->data;
    struct net *net = client->net;
    follow_wants_read(client);
    if (!ev_is_active(&client->readable)) return;
    struct buf *in = session_input(client->session);
    size_t size = read_size(in);
    /* Who has sent a megabyte of a large argument will send the rest: without growing and copying.
     */
    if (in->len >= LARGE_INPUT_BYTES) {
        buf_reserve(in, SF_MAX(size, session_wants_bytes(client->session)));
    }
    ssize_t n = read(client->fd, buf_reserve(in, size), size);
    if (n == 0) {
        client_ended(client);
        return;
    }
    if (n < 0) {
        if (errno != EAGAIN && errno != EINTR) client_close(client);
        return;
    }
    buf_commit(in, (size_t)n);
    net->figures.input_bytes += (uint64_t)n;
    net->figures.reads++;
    node_on_client_bytes(net->node, client->session, net->now_us);
    /* The allocator hands the same warm block to the next connection of this turn. */
    buf_shrink(session_input(client->session), 0);
    follow_wants_read(client);
}

/* -- writing --------------------------------------------------------------------------------- */

/* Closing with unread input makes the kernel reset the connection, and the client may lose the
 * error that says why: what has arrived so far is read and dropped first. */
static void client_close_politely(struct client *client) {
    struct net *net = client->net;
    shutdown(client->fd, SHUT_WR);
    for (size_t drained = 0; drained < DRAIN_BYTES_MAX;) {
        ssize_t n = read(client->fd, net->scratch, sizeof(net->scratch));
        if (n <= 0) break;
        drained += (size_t)n;
    }
    client_close(client);
}

/* One send; false when the connection is broken. */
static bool client_send(struct client *client, struct buf *out) {
    struct net *net = client->net;
    struct slice bytes = buf_slice(out);
    ssize_t n = send(client->fd, bytes.data, SF_MIN(bytes.len, (size_t)WRITE_BYTES_MAX),
        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    net->figures.output_bytes += (uint64_t)n;
    net->figures.writes++;
    buf_consume(out, (size_t)n);
    return true;
}

static void client_flush(struct client *client) {
    struct net *net = client->net;
    struct buf *out = session_output(client->session);
    if (session_must_close_now(client->session)) {
        client_close(client);
        return;
    }
    /* While the kernel is known to be full, client_writable will say when to go on. */
    bool is_waiting = ev_is_active(&client->writable);
    if (out->len > 0 && !is_waiting && !client_send(client, out)) {
        client_close(client);
        return;
    }
    if (out->len > 0) {
        ev_io_start(net->loop, &client->writable);
    } else {
        buf_shrink(out, OUTPUT_KEPT_BYTES);
        if (session_wants_close(client->session)) {
            client_close_politely(client);
            return;
        }
        if (client->has_ended && !session_is_waiting(client->session)) {
            client_close(client);
            return;
        }
    }
    bool was_reading = ev_is_active(&client->readable);
    follow_wants_read(client);
    if (!was_reading && ev_is_active(&client->readable)) {
        /* Requests held back in its input go on without waiting for more bytes. */
        node_on_client_bytes(net->node, client->session, net->now_us);
        net_wake(net);
    }
}

static void client_writable(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)events;
    struct client *client = watcher->data;
    ev_io_stop(loop, &client->writable);
    client_mark_dirty(client);
}

void clients_flush(struct net *net) {
    /* What gets dirty meanwhile waits for the next turn: the work here is bounded. */
    struct list batch;
    list_init(&batch);
    LIST_FOR_EACH(link, &net->dirty_clients) {
        list_remove(link);
        list_push_back(&batch, link);
    }
    while (!list_empty(&batch)) {
        struct client *client = SF_CONTAINER(list_first(&batch), struct client, dirty);
        list_remove(&client->dirty);
        client_flush(client);
    }
    if (!list_empty(&net->dirty_clients)) net_wake(net);
}

/* -- opening --------------------------------------------------------------------------------- */

void client_accept(struct net *net, int fd, const struct sockaddr_storage *remote) {
    struct client *client = sf_alloc_zero(1, sizeof(*client));
    client->net = net;
    client->number = ++net->last_client;
    client->fd = fd;
    list_init(&client->dirty);
    list_push_back(&net->all_clients, &client->all);
    number_map_put(&net->clients, client->number, client);
    ev_io_init(&client->readable, client_readable, fd, EV_READ);
    ev_io_init(&client->writable, client_writable, fd, EV_WRITE);
    client->readable.data = client->writable.data = client;
    socket_tune(fd, net->settings.tcp_keepalive_s);

    struct sockaddr_storage local;
    char remote_text[ADDRESS_TEXT_MAX], local_text[ADDRESS_TEXT_MAX];
    socket_local_address(fd, &local);
    socket_address_text(remote, remote_text);
    socket_address_text(&local, local_text);
    struct client_origin origin = {.remote = remote_text,
        .local = local_text,
        .fd = fd,
        .loopback = socket_is_loopback(remote)};
    net->figures.connections_received++;
    client->session = node_on_client_open(net->node, client->number, &origin, net->now_us);
    SF_ASSERT(client->session != NULL);
    if (session_wants_close(client->session)) net->figures.connections_rejected++;
    client_mark_dirty(client); /* a refused one has its error to write */
    follow_wants_read(client);
}

void clients_free(struct net *net) {
    LIST_FOR_EACH(link, &net->all_clients) client_free(SF_CONTAINER(link, struct client, all));
    number_map_free(&net->clients);
}
