#include "net/internal.h"
#include "net/link_reader.h"
#include "resp/parse.h"

#include <errno.h>
#include <unistd.h>

/* A connection to a peer. Its life:
 *
 *   dialled:   DIALLING -> OPEN -> FAILED -> DEAD      the node is told of OPEN and of FAILED
 *   accepted:              OPEN -> FAILED -> DEAD
 *   any of these, at net_link_close:  -> CLOSING -> DEAD, and the node is told nothing more
 *
 * DEAD links are freed at the end of the turn: a link may be closed from within its own handler. */
enum link_state { LINK_DIALLING, LINK_OPEN, LINK_FAILED, LINK_CLOSING, LINK_DEAD };

/* Bytes that are sent without being copied, and what is to follow them. */
struct shared {
    struct list in_link;
    struct bytes *body;
    size_t sent; /* of body */
    struct buf tail;
};

struct link {
    struct net *net;
    uint64_t number;
    enum link_state state;
    int fd; /* -1: none any more */
    bool is_accepted;
    int64_t deadline_us; /* DIALLING, CLOSING */
    struct buf in;       /* accepted links only */
    struct buf held;     /* whole messages, read during a breath, for afterwards */
    bool is_parsing;     /* its messages are being handed over: no breath reads here */
    struct buf out;
    struct list shared;         /* behind out, in this order */
    size_t shared_bytes;        /* unsent ones of them */
    struct resp_parser *parser; /* accepted: requests */
    struct link_reader *reader; /* dialled: the answers to ours */
    ev_io readable, writable;
    struct list all, dirty;
    struct list place; /* in timed_links, failed_links or dead_links, by state */
};

static struct link *link_find(const struct net *net, uint64_t number) {
    return number_map_get(&net->links, number);
}

static void link_drop_socket(struct link *link) {
    if (link->fd < 0) return;
    ev_io_stop(link->net->loop, &link->readable);
    ev_io_stop(link->net->loop, &link->writable);
    close(link->fd);
    link->fd = -1;
    if (link->is_accepted) link->net->n_accepted_links--;
}

static void link_move(struct link *link, enum link_state state, struct list *place) {
    link->state = state;
    list_remove(&link->place);
    if (place != NULL) list_push_back(place, &link->place);
}

/* The connection is lost: the node is told in the next step 2 (never from within a port). */
static void link_fail(struct link *link) {
    link_drop_socket(link);
    list_remove(&link->dirty);
    link_move(link, LINK_FAILED, &link->net->failed_links);
    net_wake(link->net);
}

static void link_die(struct link *link) {
    link_drop_socket(link);
    list_remove(&link->dirty);
    link_move(link, LINK_DEAD, &link->net->dead_links);
}

static void link_mark_dirty(struct link *link) {
    if (list_empty(&link->dirty)) list_push_back(&link->net->dirty_links, &link->dirty);
}

/* -- reading --------------------------------------------------------------------------------- */

static void link_refuse(struct link *link, const char *reason) {
    net_logf(link->net, LOG_VERBOSE, "Closing the %s cluster link %llu: %s",
        link->is_accepted ? "accepted" : "dialled",
        (unsigned long long)(link->number & ~LINK_ACCEPTED_BASE), reason);
    link_fail(link);
}

/* Gives every complete message of `in` to take, which may close the link. false: it is broken. */
static bool link_parse(struct link *link, struct resp_parser *parser, struct buf *in,
    void (*take)(struct link *link, uint32_t argc, const struct slice *argv), const char **error) {
    while (link->state == LINK_OPEN && in->len > 0) {
        uint64_t limit = node_link_limit_bytes(link->net->node, link->number);
        struct resp_limits limits = {.inline_bytes = SF_MIN(limit, (uint64_t)READ_BYTES_MIN),
            .multibulk_args = SF_MIN(limit, (uint64_t)NODE_LINK_ARGS_MAX),
            .bulk_bytes = limit,
            .request_bytes = limit,
            .authenticated = true};
        size_t consumed = 0;
        uint32_t argc = 0;
        const struct slice *argv = NULL;
        switch (
            resp_parse_command(parser, &limits, buf_slice(in), &consumed, &argc, &argv, error)) {
        case RESP_COMMAND:
            take(link, argc, argv);
            break;
        case RESP_EMPTY:
            break;
        case RESP_INCOMPLETE:
            buf_consume(in, consumed);
            return true;
        case RESP_TOO_LARGE:
        case RESP_BROKEN:
            return false;
        }
        buf_consume(in, consumed);
    }
    return true;
}

static void link_take(struct link *link, uint32_t argc, const struct slice *argv) {
    node_on_link_message(link->net->node, link->number, argc, argv, link->net->now_us);
}

static void link_deliver_held(struct link *link) {
    struct buf held = link->held;
    link->held = (struct buf){0};
    struct resp_parser *parser = resp_parser_new();
    const char *error = NULL;
    bool good = link_parse(link, parser, &held, link_take, &error);
    SF_ASSERT(good); /* this node wrote them */
    resp_parser_free(parser);
    buf_free(&held);
}

static void link_parse_requests(struct link *link) {
    const char *error = NULL;
    link->is_parsing = true;
    if (link->held.len > 0) link_deliver_held(link);
    bool good = link_parse(link, link->parser, &link->in, link_take, &error);
    link->is_parsing = false;
    if (!good) link_refuse(link, error);
}

static void link_read_requests(struct link *link) {
    size_t room = SF_MIN(SF_MAX(link->in.len, (size_t)READ_BYTES_MIN), (size_t)READ_BYTES_MAX);
    /* Room for all of a large message at once, instead of growing (and copying) as it comes. The
     * parser has checked its size against the limit. */
    buf_reserve(&link->in, SF_MAX(room, resp_parser_wants(link->parser)));
    ssize_t n = read(link->fd, buf_reserve(&link->in, room), room);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        link_fail(link);
        return;
    }
    if (n < 0) return;
    buf_commit(&link->in, (size_t)n);
    link->net->figures.input_bytes += (uint64_t)n;
    link->net->figures.reads++;
    link->net->now_us = clock_boot_us(); /* a promise to a leader counts from here (raft.h) */
    link_parse_requests(link);
    buf_shrink(&link->in, READ_BYTES_MAX);
}

static void link_read_answers(struct link *link) {
    struct net *net = link->net;
    ssize_t n = read(link->fd, net->scratch, sizeof(net->scratch));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        link_fail(link);
        return;
    }
    if (n < 0) return;
    net->figures.input_bytes += (uint64_t)n;
    net->figures.reads++;
    net->now_us = clock_boot_us();
    link_reader_feed(link->reader, slice_of(net->scratch, (size_t)n),
        node_link_limit_bytes(net->node, link->number));
    while (link->state == LINK_OPEN) {
        uint32_t argc;
        const struct slice *argv;
        enum sf_status status = link_reader_next(link->reader, &argc, &argv);
        if (status != SF_OK) {
            link_refuse(link, sf_status_text(status));
        } else if (argc == 0) {
            return;
        } else {
            node_on_link_message(net->node, link->number, argc, argv, net->now_us);
        }
    }
}

static void link_readable(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)loop, (void)events;
    struct link *link = watcher->data;
    if (link->state == LINK_CLOSING) {
        /* Nobody listens any more; an end or a reset ends the farewell. */
        ssize_t n = read(link->fd, link->net->scratch, sizeof(link->net->scratch));
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) link_die(link);
    } else if (link->is_accepted) {
        link_read_requests(link);
    } else {
        link_read_answers(link);
    }
}

/* -- in the midst of a long entry (node/ports.h, breathe) -------------------------------------- */

static void link_take_in_breath(struct link *link, uint32_t argc, const struct slice *argv) {
    struct net *net = link->net;
    if (node_on_breath(net->node, link->number, argc, argv, net->breathed_us, clock_wall_ms()))
        return;
    resp_write_command(&link->held, argc, argv);
    net->links_hold = true;
}

/* An end of the connection, and bytes that make no sense, are found again by the next reading. */
static void link_breathe(struct link *link) {
    struct net *net = link->net;
    bool may_read = link->is_accepted && link->state == LINK_OPEN && !link->is_parsing &&
                    link->held.len + link->in.len < HELD_BYTES_MAX &&
                    node_link_breathes(net->node, link->number);
    if (!may_read) return;
    char *room = buf_reserve(&link->in, READ_BYTES_MIN);
    ssize_t n = recv(link->fd, room, READ_BYTES_MIN, MSG_DONTWAIT);
    if (n <= 0) return;
    buf_commit(&link->in, (size_t)n);
    net->figures.input_bytes += (uint64_t)n;
    net->figures.reads++;
    net->breathed_us = clock_boot_us(); /* as in link_read_requests */
    const char *error;
    if (!link_parse(link, link->parser, &link->in, link_take_in_breath, &error)) {
        net->links_hold = true; /* refused when it is parsed again */
    }
}

void net_breathe(struct net *net) {
    int64_t now_us = clock_boot_us();
    if (net->node == NULL || now_us - SF_MAX(net->breathed_us, net->now_us) < BREATH_US) return;
    net->breathed_us = now_us;
    LIST_FOR_EACH(place, &net->all_links) {
        link_breathe(SF_CONTAINER(place, struct link, all));
    }
    net->breathed_us = clock_boot_us();
    node_breathe(net->node, net->breathed_us);
    links_flush(net);
}

void links_deliver_held(struct net *net) {
    net->links_hold = false;
    LIST_FOR_EACH(place, &net->all_links) {
        struct link *link = SF_CONTAINER(place, struct link, all);
        bool holds = link->held.len > 0 || link->in.len > 0;
        if (link->is_accepted && link->state == LINK_OPEN && holds) link_parse_requests(link);
    }
}

/* -- writing --------------------------------------------------------------------------------- */

static void link_broken(struct link *link) {
    if (link->state == LINK_CLOSING) {
        link_die(link);
    } else {
        link_fail(link);
    }
}

static void shared_free(struct shared *shared) {
    list_remove(&shared->in_link);
    bytes_unref(shared->body);
    buf_free(&shared->tail);
    sf_free(shared);
}

/* The first bytes that are to be sent; empty: none are left. */
static struct slice link_front(struct link *link) {
    if (link->out.len > 0) return buf_slice(&link->out);
    struct list *first = list_first(&link->shared);
    if (first == NULL) return slice_of(NULL, 0);
    const struct shared *shared = SF_CONTAINER(first, struct shared, in_link);
    return slice_of(shared->body->data + shared->sent, shared->body->len - shared->sent);
}

static void link_sent(struct link *link, size_t n) {
    if (link->out.len > 0) {
        buf_consume(&link->out, n);
        return;
    }
    struct shared *shared = SF_CONTAINER(list_first(&link->shared), struct shared, in_link);
    shared->sent += n;
    link->shared_bytes -= n;
    if (shared->sent < shared->body->len) return;
    link->shared_bytes -= shared->tail.len;
    buf_free(&link->out);
    link->out = shared->tail;
    shared->tail = (struct buf){0};
    shared_free(shared);
}

/* Sends until all is sent, or the kernel takes no more, or enough was sent for one turn. */
static void link_flush(struct link *link) {
    struct net *net = link->net;
    if (link->fd < 0 || link->state == LINK_DIALLING) return;
    struct slice front = link_front(link);
    bool may_send = !ev_is_active(&link->writable);
    for (size_t left = LINK_SEND_BYTES_MAX; front.len > 0 && may_send && left > 0;) {
        size_t size = SF_MIN(front.len, left);
        ssize_t n = send(link->fd, front.data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            link_broken(link);
            return;
        }
        may_send = n == (ssize_t)size;
        if (n > 0) {
            net->figures.output_bytes += (uint64_t)n;
            net->figures.writes++;
            link_sent(link, (size_t)n);
            left -= (size_t)n;
        }
        front = link_front(link);
    }
    if (front.len > 0) {
        ev_io_start(net->loop, &link->writable);
        return;
    }
    buf_shrink(&link->out, READ_BYTES_MAX);
    if (link->state == LINK_CLOSING) link_die(link);
}

static void link_dial_done(struct link *link) {
    struct net *net = link->net;
    if (socket_dial_outcome(link->fd) != 0) {
        link_fail(link);
        return;
    }
    link_move(link, LINK_OPEN, NULL);
    link->reader = link_reader_new();
    ev_io_start(net->loop, &link->readable);
    link_mark_dirty(link);
    node_on_link_open(net->node, link->number, net->now_us);
}

static void link_writable(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)events;
    struct link *link = watcher->data;
    ev_io_stop(loop, &link->writable);
    if (link->state == LINK_DIALLING) {
        link_dial_done(link);
    } else {
        link_mark_dirty(link);
    }
}

void links_flush(struct net *net) {
    struct list batch;
    list_init(&batch);
    LIST_FOR_EACH(place, &net->dirty_links) {
        list_remove(place);
        list_push_back(&batch, place);
    }
    while (!list_empty(&batch)) {
        struct link *link = SF_CONTAINER(list_first(&batch), struct link, dirty);
        list_remove(&link->dirty);
        link_flush(link);
    }
}

/* -- ports ----------------------------------------------------------------------------------- */

static struct link *link_new(struct net *net, uint64_t number, int fd, enum link_state state) {
    struct link *link = sf_alloc_zero(1, sizeof(*link));
    link->net = net;
    link->number = number;
    link->state = state;
    link->fd = fd;
    list_init(&link->shared);
    list_init(&link->dirty);
    list_init(&link->place);
    list_push_back(&net->all_links, &link->all);
    SF_ASSERT(link_find(net, number) == NULL);
    number_map_put(&net->links, number, link);
    ev_io_init(&link->readable, link_readable, fd, EV_READ);
    ev_io_init(&link->writable, link_writable, fd, EV_WRITE);
    link->readable.data = link->writable.data = link;
    return link;
}

void net_dial(struct net *net, uint64_t number, const char *host, uint16_t bus_port) {
    SF_ASSERT(number < LINK_ACCEPTED_BASE);
    int fd = socket_dial(host, bus_port);
    struct link *link = link_new(net, number, fd, LINK_DIALLING);
    if (fd < 0) {
        link_fail(link);
        return;
    }
    socket_tune(fd, LINK_KEEPALIVE_S);
    socket_limit_silence(fd, LINK_SILENCE_MS);
    link->deadline_us = net->now_us + LINK_DIAL_TIMEOUT_US;
    link_move(link, LINK_DIALLING, &net->timed_links);
    ev_io_start(net->loop, &link->writable);
}

/* The link if that many bytes may be queued on it. */
static struct link *link_with_room(struct net *net, uint64_t number, size_t bytes) {
    struct link *link = link_find(net, number);
    if (link == NULL || link->state == LINK_FAILED) return NULL;
    if (link->out.len + link->shared_bytes + bytes <= LINK_BACKLOG_MAX) return link;
    link_refuse(link, "the peer does not read");
    return NULL;
}

static void link_queue(struct link *link, struct slice bytes) {
    if (list_empty(&link->shared)) {
        buf_append_slice(&link->out, bytes);
    } else {
        struct shared *last = SF_CONTAINER(link->shared.prev, struct shared, in_link);
        buf_append_slice(&last->tail, bytes);
        link->shared_bytes += bytes.len;
    }
    link_mark_dirty(link);
}

void net_link_send(struct net *net, uint64_t number, struct slice bytes) {
    struct link *link = link_with_room(net, number, bytes.len);
    if (link != NULL) link_queue(link, bytes);
}

void net_link_send_large(
    struct net *net, uint64_t number, struct slice head, struct bytes *body, struct slice tail) {
    struct link *link = link_with_room(net, number, head.len + body->len + tail.len);
    SF_ASSERT(body->len > 0);
    if (link == NULL) return;
    link_queue(link, head);
    struct shared *shared = sf_alloc_zero(1, sizeof *shared);
    shared->body = bytes_ref(body);
    link->shared_bytes += body->len;
    list_push_back(&link->shared, &shared->in_link);
    link_queue(link, tail);
}

void net_link_close(struct net *net, uint64_t number) {
    struct link *link = link_find(net, number);
    if (link == NULL) return;
    number_map_remove(&net->links, number);
    if (link->state != LINK_OPEN) {
        link_die(link);
        return;
    }
    link->deadline_us = net->now_us + LINK_FAREWELL_US;
    link_move(link, LINK_CLOSING, &net->timed_links);
    link_mark_dirty(link);
}

size_t net_link_backlog(const struct net *net, uint64_t number) {
    const struct link *link = link_find(net, number);
    return link == NULL ? 0 : link->out.len + link->shared_bytes;
}

void link_accept(struct net *net, int fd, const struct sockaddr_storage *remote) {
    if (net->n_accepted_links >= net->settings.accepted_links_max) {
        close(fd);
        return;
    }
    struct sockaddr_storage local;
    char remote_host[ADDRESS_TEXT_MAX], local_host[ADDRESS_TEXT_MAX];
    socket_local_address(fd, &local);
    socket_host_text(remote, remote_host);
    socket_host_text(&local, local_host);
    socket_tune(fd, LINK_KEEPALIVE_S);
    socket_limit_silence(fd, LINK_SILENCE_MS);
    struct link *link = link_new(net, ++net->last_accepted_link, fd, LINK_OPEN);
    link->is_accepted = true;
    link->parser = resp_parser_new();
    net->n_accepted_links++;
    ev_io_start(net->loop, &link->readable);
    node_on_link_accepted(net->node, link->number, remote_host, local_host, net->now_us);
}

/* -- the turn -------------------------------------------------------------------------------- */

static void expire(struct net *net) {
    LIST_FOR_EACH(place, &net->timed_links) {
        struct link *link = SF_CONTAINER(place, struct link, place);
        if (link->deadline_us <= net->now_us) link_broken(link);
    }
}

void links_tell_failed(struct net *net) {
    expire(net);
    while (!list_empty(&net->failed_links)) {
        struct link *link = SF_CONTAINER(list_first(&net->failed_links), struct link, place);
        number_map_remove(&net->links, link->number);
        link_die(link);
        node_on_link_closed(net->node, link->number, net->now_us);
    }
}

int64_t links_next_deadline_us(const struct net *net) {
    int64_t due_us = INT64_MAX;
    for (const struct list *at = net->timed_links.next; at != &net->timed_links; at = at->next) {
        due_us = SF_MIN(due_us, SF_CONTAINER(at, struct link, place)->deadline_us);
    }
    return due_us;
}

static void link_free(struct link *link) {
    link_drop_socket(link);
    list_remove(&link->place);
    list_remove(&link->dirty);
    list_remove(&link->all);
    LIST_FOR_EACH(place, &link->shared) {
        shared_free(SF_CONTAINER(place, struct shared, in_link));
    }
    buf_free(&link->in);
    buf_free(&link->held);
    buf_free(&link->out);
    resp_parser_free(link->parser);
    link_reader_free(link->reader);
    sf_free(link);
}

void links_bury(struct net *net) {
    LIST_FOR_EACH(place, &net->dead_links) link_free(SF_CONTAINER(place, struct link, place));
}

void links_free(struct net *net) {
    LIST_FOR_EACH(place, &net->all_links) link_free(SF_CONTAINER(place, struct link, all));
    number_map_free(&net->links);
}
