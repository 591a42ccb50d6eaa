/* Connections that this node begins to servers of other kinds (node/ports.h, out_dial), and files
 * that it reads as if they came over one. A name is looked up by the system's resolver on a thread
 * of its own: the loop never waits for it. */
#include "net/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

enum {
    OUT_DIAL_TIMEOUT_US = 5 * 1000 * 1000,
    OUT_BACKLOG_MAX = 256 << 20,
    LOOK_EVERY_US = 5000, /* whether a name was found */
    LOOKED_UP_MAX = 256,  /* names at a time; who closes one waits for no resolver, it goes on */
};

enum out_state { OUT_RESOLVING, OUT_DIALLING, OUT_OPEN, OUT_FILE, OUT_FAILED };

struct out {
    struct net *net;
    uint64_t number;
    enum out_state state;
    int fd; /* -1: none */
    bool paused, tell_open;
    int64_t deadline_us;
    uint16_t port;
    struct gaicb question; /* RESOLVING */
    char host[256];
    const char *why; /* FAILED; "": a file's end */
    struct buf sending;
    ev_io readable, writable;
    struct list all;
};

static struct out *out_find(const struct net *net, uint64_t number) {
    LIST_FOR_EACH(place, (struct list *)(uintptr_t)&net->all_outs) {
        struct out *out = SF_CONTAINER(place, struct out, all);
        if (out->number == number) return out;
    }
    return NULL;
}

static void out_drop_socket(struct out *out) {
    if (out->fd < 0) return;
    ev_io_stop(out->net->loop, &out->readable);
    ev_io_stop(out->net->loop, &out->writable);
    close(out->fd);
    out->fd = -1;
}

static void out_free(struct out *out) {
    if (out->state == OUT_RESOLVING && gai_cancel(&out->question) == EAI_NOTCANCELED) {
        const struct gaicb *questions[1] = {&out->question};
        (void)gai_suspend(questions, 1, NULL); /* it writes there until it is done */
    }
    if (out->question.ar_result != NULL) freeaddrinfo(out->question.ar_result);
    out_drop_socket(out);
    list_remove(&out->all);
    buf_free(&out->sending);
    sf_free(out);
}

/* The node is told in the next turn, never from within a port. */
static void out_fail(struct out *out, const char *why) {
    out_drop_socket(out);
    out->state = OUT_FAILED;
    out->why = why;
    net_wake(out->net);
}

/* -- reading and writing --------------------------------------------------------------------- */

static void out_flush(struct out *out) {
    while (out->sending.len > 0) {
        struct slice bytes = buf_slice(&out->sending);
        ssize_t n = send(out->fd, bytes.data, SF_MIN(bytes.len, (size_t)WRITE_BYTES_MAX),
            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) {
            ev_io_start(out->net->loop, &out->writable);
            return;
        }
        if (n < 0) {
            out_fail(out, strerror(errno));
            return;
        }
        out->net->figures.output_bytes += (uint64_t)n;
        out->net->figures.writes++;
        buf_consume(&out->sending, (size_t)n);
    }
    buf_shrink(&out->sending, OUTPUT_KEPT_BYTES);
}

static char *read_room(struct net *net) {
    return buf_reserve(&net->out_room, READ_BYTES_MAX);
}

static void out_readable(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)loop, (void)events;
    struct out *out = watcher->data;
    struct net *net = out->net;
    char *room = read_room(net);
    ssize_t n = read(out->fd, room, READ_BYTES_MAX);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        out_fail(out, n == 0 ? "closed by the other side" : strerror(errno));
        return;
    }
    net->figures.input_bytes += (uint64_t)n;
    net->figures.reads++;
    node_on_out_bytes(net->node, out->number, slice_of(room, (size_t)n), net->now_us);
}

static void out_writable(struct ev_loop *loop, ev_io *watcher, int events) {
    (void)loop, (void)events;
    struct out *out = watcher->data;
    ev_io_stop(out->net->loop, &out->writable);
    if (out->state == OUT_OPEN) {
        out_flush(out);
        return;
    }
    int error = socket_dial_outcome(out->fd);
    if (error != 0) {
        out_fail(out, strerror(error));
        return;
    }
    out->state = OUT_OPEN;
    if (!out->paused) ev_io_start(out->net->loop, &out->readable);
    node_on_out_open(out->net->node, out->number, out->net->now_us);
}

/* -- beginning ------------------------------------------------------------------------------- */

static void out_connect(struct out *out, const char *host) {
    out->state = OUT_DIALLING;
    out->fd = socket_dial(host, out->port);
    if (out->fd < 0) {
        out_fail(out, strerror(errno));
        return;
    }
    socket_tune(out->fd, LINK_KEEPALIVE_S);
    ev_io_init(&out->readable, out_readable, out->fd, EV_READ);
    ev_io_init(&out->writable, out_writable, out->fd, EV_WRITE);
    out->readable.data = out->writable.data = out;
    ev_io_start(out->net->loop, &out->writable);
}

static struct out *out_new(struct net *net, uint64_t number, enum out_state state) {
    struct out *out = sf_alloc_zero(1, sizeof *out);
    out->net = net;
    out->number = number;
    out->state = state;
    out->fd = -1;
    out->deadline_us = net->now_us + OUT_DIAL_TIMEOUT_US;
    list_init(&out->all);
    list_push_back(&net->all_outs, &out->all);
    return out;
}

static uint32_t n_looked_up(struct net *net) {
    uint32_t n = 0;
    LIST_FOR_EACH(place, &net->all_outs) {
        n += SF_CONTAINER(place, struct out, all)->state == OUT_RESOLVING;
    }
    return n;
}

static bool is_numeric(const char *host) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST}, *found = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0) return false;
    freeaddrinfo(found);
    return true;
}

void net_out_dial(struct net *net, uint64_t number, const char *host, uint16_t port) {
    struct out *out = out_new(net, number, OUT_RESOLVING);
    out->port = port;
    if (is_numeric(host)) {
        out_connect(out, host);
        return;
    }
    snprintf(out->host, sizeof out->host, "%s", host);
    out->question = (struct gaicb){.ar_name = out->host};
    struct gaicb *questions[1] = {&out->question};
    if (n_looked_up(net) > LOOKED_UP_MAX || getaddrinfo_a(GAI_NOWAIT, questions, 1, NULL) != 0) {
        out->state = OUT_FAILED;
        out_fail(out, "the name cannot be looked up");
    }
}

void net_out_open_file(struct net *net, uint64_t number, const char *path) {
    struct out *out = out_new(net, number, OUT_FILE);
    out->fd = open(path, O_RDONLY | O_CLOEXEC);
    ev_io_init(&out->readable, out_readable, out->fd, EV_READ); /* never started */
    ev_io_init(&out->writable, out_writable, out->fd, EV_WRITE);
    out->tell_open = out->fd >= 0;
    if (out->fd < 0) out_fail(out, strerror(errno));
    net_wake(net);
}

void net_out_send(struct net *net, uint64_t number, struct slice bytes) {
    struct out *out = out_find(net, number);
    if (out == NULL || out->state != OUT_OPEN) return;
    if (out->sending.len > 0 && out->sending.len + bytes.len > OUT_BACKLOG_MAX) {
        out_fail(out, "the other side does not read");
        return;
    }
    buf_append_slice(&out->sending, bytes);
    net_wake(net);
}

void net_out_close(struct net *net, uint64_t number) {
    struct out *out = out_find(net, number);
    if (out == NULL) return;
    if (out->state == OUT_OPEN) out_flush(out);
    out->number = 0; /* freed in the turn: it may be in its own handler */
    /* where its name is just being looked up it stays until then: the answer is written into it */
    if (out->state != OUT_RESOLVING) out->state = OUT_FAILED;
    out_drop_socket(out);
    net_wake(net);
}

void net_out_pause(struct net *net, uint64_t number, bool pause) {
    struct out *out = out_find(net, number);
    if (out == NULL || out->paused == pause) return;
    out->paused = pause;
    if (out->state == OUT_FILE) net_wake(net);
    if (out->state != OUT_OPEN) return;
    if (pause) {
        ev_io_stop(net->loop, &out->readable);
    } else {
        ev_io_start(net->loop, &out->readable);
    }
}

/* -- the turn -------------------------------------------------------------------------------- */

static void look_up(struct out *out) {
    int error = gai_error(&out->question);
    if (error == EAI_INPROGRESS) return;
    char host[ADDRESS_TEXT_MAX];
    if (error != 0 || out->question.ar_result == NULL) {
        out->state = OUT_FAILED;
        out_fail(out, "the name is unknown");
        return;
    }
    struct sockaddr_storage address = {0};
    if (out->number == 0) { /* closed meanwhile */
        out->state = OUT_FAILED;
        return;
    }
    memcpy(&address, out->question.ar_result->ai_addr, out->question.ar_result->ai_addrlen);
    socket_host_text(&address, host);
    out->deadline_us = out->net->now_us + OUT_DIAL_TIMEOUT_US; /* the looking up is not counted */
    out_connect(out, host);
}

/* A piece of a file a turn; the cache of the system reads ahead. */
static void read_file(struct out *out) {
    struct net *net = out->net;
    if (out->tell_open) {
        out->tell_open = false;
        node_on_out_open(net->node, out->number, net->now_us);
    }
    if (out->paused || out->state != OUT_FILE) return;
    char *room = read_room(net);
    ssize_t n = read(out->fd, room, READ_BYTES_MAX);
    if (n <= 0) {
        out_fail(out, n == 0 ? "" : strerror(errno));
        return;
    }
    node_on_out_bytes(net->node, out->number, slice_of(room, (size_t)n), net->now_us);
    net_wake(net);
}

/* Before node_pump. */
void outs_turn(struct net *net) {
    LIST_FOR_EACH(place, &net->all_outs) {
        struct out *out = SF_CONTAINER(place, struct out, all);
        if (out->state == OUT_RESOLVING) look_up(out);
        if (out->state == OUT_FILE) read_file(out);
        bool dials = out->state == OUT_RESOLVING || out->state == OUT_DIALLING;
        if (dials && net->now_us >= out->deadline_us) {
            if (out->state == OUT_RESOLVING) continue; /* the resolver has limits of its own */
            out_fail(out, "no connection within 5 s");
        }
        if (out->state != OUT_FAILED) continue;
        uint64_t number = out->number;
        const char *why = out->why;
        out_free(out);
        if (number != 0) node_on_out_closed(net->node, number, why, net->now_us);
    }
}

/* After node_pump. */
void outs_flush(struct net *net) {
    LIST_FOR_EACH(place, &net->all_outs) {
        struct out *out = SF_CONTAINER(place, struct out, all);
        if (out->state == OUT_OPEN && !ev_is_active(&out->writable)) out_flush(out);
    }
    buf_shrink(&net->out_room, 0);
}

int64_t outs_next_deadline_us(const struct net *net) {
    int64_t due_us = INT64_MAX;
    LIST_FOR_EACH(place, (struct list *)(uintptr_t)&net->all_outs) {
        const struct out *out = SF_CONTAINER(place, struct out, all);
        if (out->state == OUT_RESOLVING) due_us = net->now_us + LOOK_EVERY_US;
        if (out->state == OUT_DIALLING) due_us = SF_MIN(due_us, out->deadline_us);
        if (out->state == OUT_FAILED) due_us = net->now_us;
    }
    return due_us;
}

void outs_free(struct net *net) {
    LIST_FOR_EACH(place, &net->all_outs) {
        out_free(SF_CONTAINER(place, struct out, all));
    }
    buf_free(&net->out_room);
}
