/* A node for tests of net: its sessions speak lines, and lines from one client make it do whatever
 * the ports allow. Tests talk to it through sockets alone; it lives on the loop's thread.
 *
 *   echo TEXT        answers TEXT                     close    answers "bye", closes after it
 *   flood N          answers N bytes and a newline    die      closes at once, output unwritten
 *   pause            answers "paused", wants no read  resume   ends that for every session
 *   held             bytes in the paused sessions' input
 *   dial L PORT      begins link L to 127.0.0.1       send L TEXT   one RESP array of one argument
 *   junk L N         N bytes that form no message     unlink L      link_close
 *   backlog L        bytes not yet taken              limit N       of messages on links
 *   out L HOST PORT  begins a connection of another kind; outfile L PATH, outsend L TEXT, outclose
 * L, outpause L, outresume L pumps            node_pump calls so far           deadline MS   one
 * that ends in an event wait TEXT        answers "ok" once the event log contains TEXT events the
 * event log, ended by "."      stop          net_stop
 */
#ifndef SF_TESTS_UNIT_NET_FAKE_NODE_H
#define SF_TESTS_UNIT_NET_FAKE_NODE_H

#include "net/net.h"
#include "resp/reply.h"
#include "unit/check.h"
#include "util/bytes.h"
#include "util/list.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct session {
    struct list all;
    uint64_t client;
    struct buf in, out;
    bool is_paused, wants_close, must_close_now;
    char waits_for[64]; /* an event; "" for none */
};

struct node {
    struct net *net;
    struct list sessions;
    struct buf events;
    uint64_t limit_bytes, n_pumps;
    int64_t deadline_us;
    int64_t rest_us; /* it catches up, and wants to rest so long after each turn; 0: neither */
    uint64_t n_rests;
    bool is_in_node; /* a port was called: no event may come now */
};

static void fake_event(struct node *node, const char *format, ...) SF_PRINTF(2, 3);
static void fake_event(struct node *node, const char *format, ...) {
    char line[256];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    buf_printf(&node->events, "%s\n", line);
}

static void fake_enter(struct node *node) {
    assert_false(node->is_in_node);
    node->is_in_node = true;
}

static void fake_leave(struct node *node) {
    node->is_in_node = false;
}

/* -- lines ---------------------------------------------------------------------------------- */

static void fake_answer(struct node *node, struct session *session, const char *text) {
    buf_printf(&session->out, "%s\n", text);
    net_client_changed(node->net, session->client);
}

static void fake_link_line(struct node *node, struct session *session, const char *line) {
    unsigned long long link = 0;
    unsigned number = 0;
    char text[200] = "";
    char answer[40] = "ok";
    if (sscanf(line, "dial %llu %u", &link, &number) == 2) {
        net_dial(node->net, link, "127.0.0.1", (uint16_t)number);
    } else if (sscanf(line, "send %llu %199s", &link, text) == 2) {
        struct buf bytes = {0};
        struct slice word = slice_text(text);
        resp_write_command(&bytes, 1, &word);
        net_link_send(node->net, link, buf_slice(&bytes));
        buf_free(&bytes);
    } else if (sscanf(line, "junk %llu %u", &link, &number) == 2) {
        char *junk = sf_alloc_zero(number, 1);
        net_link_send(node->net, link, slice_of(junk, number));
        sf_free(junk);
    } else if (sscanf(line, "large %llu %u", &link, &number) == 2) {
        struct bytes *body = bytes_new_empty(number);
        for (unsigned i = 0; i < number; i++) body->data[i] = (char)(i % 251);
        net_link_send_large(node->net, link, SLICE("head"), body, SLICE("tail"));
        bytes_unref(body);
    } else if (sscanf(line, "out %llu %199s %u", &link, text, &number) == 3) {
        net_out_dial(node->net, link, text, (uint16_t)number);
    } else if (sscanf(line, "outfile %llu %199s", &link, text) == 2) {
        net_out_open_file(node->net, link, text);
    } else if (sscanf(line, "outsend %llu %199s", &link, text) == 2) {
        net_out_send(node->net, link, slice_text(text));
    } else if (sscanf(line, "outclose %llu", &link) == 1) {
        net_out_close(node->net, link);
    } else if (sscanf(line, "outpause %llu", &link) == 1) {
        net_out_pause(node->net, link, true);
    } else if (sscanf(line, "outresume %llu", &link) == 1) {
        net_out_pause(node->net, link, false);
    } else if (sscanf(line, "unlink %llu", &link) == 1) {
        net_link_close(node->net, link);
    } else if (sscanf(line, "backlog %llu", &link) == 1) {
        snprintf(answer, sizeof(answer), "%zu", net_link_backlog(node->net, link));
    } else {
        snprintf(answer, sizeof(answer), "unknown line");
    }
    fake_answer(node, session, answer);
}

static void fake_lines(struct node *node, struct session *session);

static void fake_resume(struct node *node) {
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, all);
        if (session->is_paused) net_client_changed(node->net, session->client);
        session->is_paused = false; /* net hands the bytes over again */
    }
}

static size_t fake_held(struct node *node) {
    size_t bytes = 0;
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, all);
        if (session->is_paused) bytes += session->in.len;
    }
    return bytes;
}

static void fake_line(struct node *node, struct session *session, const char *line) {
    char answer[64] = "ok";
    if (strncmp(line, "echo ", 5) == 0) {
        fake_answer(node, session, line + 5);
        return;
    } else if (strncmp(line, "flood ", 6) == 0) {
        size_t n = strtoul(line + 6, NULL, 10);
        memset(buf_reserve(&session->out, n), 'x', n);
        buf_commit(&session->out, n);
        answer[0] = '\0';
    } else if (strcmp(line, "close") == 0) {
        session->wants_close = true;
        strcpy(answer, "bye");
    } else if (strcmp(line, "die") == 0) {
        session->must_close_now = true;
    } else if (strcmp(line, "pause") == 0) {
        session->is_paused = true;
        strcpy(answer, "paused");
    } else if (strcmp(line, "resume") == 0) {
        fake_resume(node);
    } else if (strcmp(line, "held") == 0) {
        snprintf(answer, sizeof(answer), "%zu", fake_held(node));
    } else if (strcmp(line, "pumps") == 0) {
        snprintf(answer, sizeof(answer), "%llu", (unsigned long long)node->n_pumps);
    } else if (strncmp(line, "limit ", 6) == 0) {
        node->limit_bytes = strtoull(line + 6, NULL, 10);
    } else if (strncmp(line, "deadline ", 9) == 0) {
        node->deadline_us = clock_boot_us() + 1000 * strtoll(line + 9, NULL, 10);
    } else if (strncmp(line, "rest ", 5) == 0) {
        node->rest_us = strtoll(line + 5, NULL, 10);
    } else if (strcmp(line, "rests") == 0) {
        snprintf(answer, sizeof(answer), "%llu", (unsigned long long)node->n_rests);
    } else if (strncmp(line, "wait ", 5) == 0) {
        snprintf(session->waits_for, sizeof(session->waits_for), "%s", line + 5);
        return;
    } else if (strcmp(line, "events") == 0) {
        buf_append_slice(&session->out, buf_slice(&node->events));
        strcpy(answer, ".");
    } else if (strcmp(line, "stop") == 0) {
        net_stop(node->net, 7);
    } else {
        fake_link_line(node, session, line);
        return;
    }
    fake_answer(node, session, answer);
}

static void fake_lines(struct node *node, struct session *session) {
    while (!session->is_paused && !session->wants_close) {
        struct slice in = buf_slice(&session->in);
        const char *end = in.len == 0 ? NULL : memchr(in.data, '\n', in.len);
        if (end == NULL) return;
        size_t len = (size_t)(end - in.data);
        char *line = sf_alloc(len + 1);
        memcpy(line, in.data, len);
        line[len] = '\0';
        buf_consume(&session->in, len + 1);
        fake_line(node, session, line);
        sf_free(line);
    }
}

/* -- node.h --------------------------------------------------------------------------------- */

struct session *node_on_client_open(
    struct node *node, uint64_t client, const struct client_origin *origin, int64_t now_us) {
    (void)now_us;
    fake_enter(node);
    struct session *session = sf_alloc_zero(1, sizeof(*session));
    session->client = client;
    list_push_back(&node->sessions, &session->all);
    fake_event(node, "client %llu %s loopback", (unsigned long long)client,
        origin->loopback ? "from" : "not from");
    net_client_changed(node->net, client);
    fake_leave(node);
    return session;
}

size_t session_wants_bytes(const struct session *session) {
    (void)session;
    return 0;
}
struct buf *session_input(struct session *session) {
    return &session->in;
}

void node_on_client_bytes(struct node *node, struct session *session, int64_t now_us) {
    (void)now_us;
    fake_enter(node);
    fake_lines(node, session);
    fake_leave(node);
}

static void fake_session_free(struct session *session) {
    list_remove(&session->all);
    buf_free(&session->in);
    buf_free(&session->out);
    sf_free(session);
}

void node_on_client_closed(struct node *node, struct session *session, int64_t now_us) {
    (void)now_us;
    fake_enter(node);
    fake_event(node, "client-closed %llu", (unsigned long long)session->client);
    fake_session_free(session);
    fake_leave(node);
}

/* No test here breathes. */
bool node_link_breathes(const struct node *node, uint64_t link) {
    (void)node;
    (void)link;
    return false;
}

bool node_on_breath(struct node *node, uint64_t link, uint32_t argc, const struct slice *argv,
    int64_t now_us, int64_t wall_ms) {
    (void)node;
    (void)link;
    (void)argc;
    (void)argv;
    (void)now_us;
    (void)wall_ms;
    return false;
}

void node_breathe(struct node *node, int64_t now_us) {
    (void)node;
    (void)now_us;
}

struct buf *session_output(struct session *session) {
    return &session->out;
}

bool session_wants_read(const struct session *session) {
    return !session->is_paused;
}

bool session_is_waiting(const struct session *session) {
    return session->waits_for[0] != '\0';
}

bool session_wants_close(const struct session *session) {
    return session->wants_close;
}

bool session_must_close_now(const struct session *session) {
    return session->must_close_now;
}

void node_on_link_open(struct node *node, uint64_t link, int64_t now_us) {
    (void)now_us;
    fake_enter(node);
    fake_event(node, "open %llu", (unsigned long long)link);
    fake_leave(node);
}

void node_on_link_accepted(struct node *node, uint64_t link, const char *remote_host,
    const char *local_host, int64_t now_us) {
    (void)now_us;
    fake_enter(node);
    assert_true(link >= (uint64_t)1 << 63);
    fake_event(node, "accepted %llu %s %s", (unsigned long long)(link - ((uint64_t)1 << 63)),
        remote_host, local_host);
    fake_leave(node);
}

/* An accepted link answers each message with the same one; "bye" makes it close the link. */
void node_on_link_message(
    struct node *node, uint64_t link, uint32_t argc, const struct slice *argv, int64_t now_us) {
    (void)now_us;
    fake_enter(node);
    bool is_accepted = link >= (uint64_t)1 << 63;
    fake_event(node, "%s %llu: %u %.*s", is_accepted ? "request" : "answer",
        (unsigned long long)(link & ~((uint64_t)1 << 63)), argc,
        (int)SF_MIN(argv[argc - 1].len, (size_t)80), argv[argc - 1].data);
    if (is_accepted && slice_is(argv[0], "bye")) {
        net_link_close(node->net, link);
    } else if (is_accepted) {
        struct buf bytes = {0};
        resp_write_command(&bytes, argc, argv);
        net_link_send(node->net, link, buf_slice(&bytes));
        buf_free(&bytes);
    }
    fake_leave(node);
}

void node_on_link_closed(struct node *node, uint64_t link, int64_t now_us) {
    (void)now_us;
    fake_enter(node);
    fake_event(node, "closed %s%llu", link >= (uint64_t)1 << 63 ? "accepted " : "",
        (unsigned long long)(link & ~((uint64_t)1 << 63)));
    fake_leave(node);
}

void node_on_out_open(struct node *node, uint64_t out, int64_t now_us) {
    (void)now_us;
    fake_enter(node);
    fake_event(node, "out-open %llu", (unsigned long long)out);
    fake_leave(node);
}

void node_on_out_bytes(struct node *node, uint64_t out, struct slice bytes, int64_t now_us) {
    (void)now_us;
    fake_enter(node);
    fake_event(node, "out-bytes %llu %.*s", (unsigned long long)out,
        (int)SF_MIN(bytes.len, (size_t)80), bytes.data);
    fake_leave(node);
}

void node_on_out_closed(struct node *node, uint64_t out, const char *why, int64_t now_us) {
    (void)now_us;
    fake_enter(node);
    fake_event(node, "out-closed %llu %s.", (unsigned long long)out, why);
    fake_leave(node);
}

uint64_t node_link_limit_bytes(const struct node *node, uint64_t link) {
    (void)link;
    return node->limit_bytes;
}

static bool fake_happened(struct node *node, const char *what) {
    return node->events.len > 0 &&
           memmem(buf_slice(&node->events).data, node->events.len, what, strlen(what)) != NULL;
}

void node_pump(struct node *node, int64_t now_us, int64_t wall_ms) {
    fake_enter(node);
    assert_true(wall_ms > 0);
    node->n_pumps++;
    if (now_us >= node->deadline_us) {
        node->deadline_us = INT64_MAX;
        fake_event(node, "deadline");
    }
    LIST_FOR_EACH(link, &node->sessions) {
        struct session *session = SF_CONTAINER(link, struct session, all);
        if (session->waits_for[0] == '\0' || !fake_happened(node, session->waits_for)) continue;
        session->waits_for[0] = '\0';
        fake_answer(node, session, "ok");
    }
    fake_leave(node);
}

bool node_catches_up(const struct node *node) {
    return node->rest_us > 0;
}

int64_t node_rest_us(struct node *node, int64_t used_us, int64_t lost_us) {
    assert_true(node->rest_us > 0 && used_us >= 0 && lost_us >= 0);
    node->n_rests++;
    return node->rest_us;
}

int64_t node_next_deadline_us(const struct node *node) {
    return node->deadline_us;
}

/* -- a running net -------------------------------------------------------------------------- */

struct fixture {
    struct node node;
    struct net *net;
    pthread_t thread;
    int exit_code;
    int control; /* a client's socket */
};

static inline void fixture_log(void *context, enum log_level level, const char *line) {
    (void)level;
    fake_event(context, "log: %s", line);
}

static void *fixture_run(void *context) {
    struct fixture *fixture = context;
    fixture->exit_code = net_run(fixture->net, &fixture->node);
    return NULL;
}

static inline int dial_tcp(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    /* Not a measure of anything: a test that would hang fails instead. */
    struct timeval patience = {.tv_sec = 60};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static inline void say(int fd, const char *text) {
    size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        ssize_t n = send(fd, text + at, len - at, MSG_NOSIGNAL);
        assert_true(n > 0);
        at += (size_t)n;
    }
}

/* Reads up to the next newline, which is dropped. False at the end of the stream. */
static inline bool hear(int fd, char *line, size_t size) {
    size_t len = 0;
    for (;;) {
        char c;
        ssize_t n = recv(fd, &c, 1, 0);
        assert_true(n >= 0);
        if (n == 0) return false;
        if (c == '\n') break;
        assert_true(len + 1 < size);
        line[len++] = c;
    }
    line[len] = '\0';
    return true;
}

static inline void expect(int fd, const char *expected) {
    char line[512];
    assert_true(hear(fd, line, sizeof(line)));
    assert_string_equal(line, expected);
}

static inline void expect_end(int fd) {
    char c;
    assert_int_equal(recv(fd, &c, 1, 0), 0);
}

static inline void fixture_start(struct fixture *fixture, uint32_t accepted_links_max) {
    memset(fixture, 0, sizeof(*fixture));
    struct net_settings settings = {.bind = {"127.0.0.1"},
        .n_bind = 1,
        .bus_bind = {"127.0.0.1"},
        .n_bus_bind = 1,
        .tcp_backlog = 128,
        .tcp_keepalive_s = 300,
        .accepted_links_max = accepted_links_max};
    struct net_hooks hooks = {.context = &fixture->node, .log = fixture_log};
    struct buf error = {0};
    fixture->net = net_new(&settings, &hooks);
    assert_true(net_listen(fixture->net, &error));
    fixture->node.net = fixture->net;
    fixture->node.limit_bytes = 1 << 20;
    fixture->node.deadline_us = INT64_MAX;
    list_init(&fixture->node.sessions);
    uint16_t port = net_port(fixture->net);
    assert_int_equal(pthread_create(&fixture->thread, NULL, fixture_run, fixture), 0);
    fixture->control = dial_tcp(port);
}

static inline void fixture_stop(struct fixture *fixture) {
    say(fixture->control, "stop\n");
    expect(fixture->control, "ok");
    assert_int_equal(pthread_join(fixture->thread, NULL), 0);
    assert_int_equal(fixture->exit_code, 7);
    close(fixture->control);
    LIST_FOR_EACH(link, &fixture->node.sessions) {
        fake_session_free(SF_CONTAINER(link, struct session, all));
    }
    buf_free(&fixture->node.events);
    net_free(fixture->net);
}

#endif
