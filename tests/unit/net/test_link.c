#include "unit/net/fake_node.h"

#define HELLO "*1\r\n$5\r\nhello\r\n"

/* A bus of the test's own: the peer of dialled links. */
static int listen_tcp(uint16_t *port) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void command(struct fixture *fixture, const char *line) {
    say(fixture->control, line);
    expect(fixture->control, "ok");
}

static void wait_for(struct fixture *fixture, const char *event) {
    say(fixture->control, "wait ");
    say(fixture->control, event);
    command(fixture, "\n");
}

/* Dials link 1 to the test; returns the test's end. */
static int dialled_link(struct fixture *fixture) {
    uint16_t port;
    char line[40];
    int listening = listen_tcp(&port);
    snprintf(line, sizeof(line), "dial 1 %u\n", (unsigned)port);
    command(fixture, line);
    int fd = accept(listening, NULL, NULL);
    assert_true(fd >= 0);
    close(listening);
    struct timeval patience = {.tv_sec = 60};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    wait_for(fixture, "open 1");
    return fd;
}

static void read_exactly(int fd, const char *expected) {
    char bytes[256] = {0};
    size_t len = strlen(expected);
    for (size_t at = 0; at < len;) {
        ssize_t n = recv(fd, bytes + at, len - at, 0);
        assert_true(n > 0);
        at += (size_t)n;
    }
    assert_string_equal(bytes, expected);
}

static void test_a_dialled_link_sends_arrays_and_hands_over_answers(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    int fd = dialled_link(&fixture);
    command(&fixture, "send 1 hello\n");
    read_exactly(fd, HELLO);
    say(fd, "*2\r\n$3\r\none\r\n$3\r\ntwo\r\n-NOPE not ");
    wait_for(&fixture, "answer 1: 2 two");
    say(fd, "today\r\n");
    wait_for(&fixture, "answer 1: 2 NOPE not today");
    close(fd);
    wait_for(&fixture, "closed 1");
    fixture_stop(&fixture);
}

static void test_a_dial_that_fails_is_told_as_a_later_event(void **state) {
    (void)state;
    struct fixture fixture;
    uint16_t port;
    char line[40];
    fixture_start(&fixture, 8);
    close(listen_tcp(&port)); /* nobody listens there any more */
    snprintf(line, sizeof(line), "dial 3 %u\n", (unsigned)port);
    command(&fixture, line); /* the fake asserts that no event comes within the port */
    wait_for(&fixture, "closed 3");
    fixture_stop(&fixture);
}

static void test_the_number_of_a_closed_link_may_be_dialled_again(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    int fd = dialled_link(&fixture);
    command(&fixture, "unlink 1\n");
    expect_end(fd);
    close(fd);
    fd = dialled_link(&fixture);
    command(&fixture, "send 1 hello\n");
    read_exactly(fd, HELLO);
    close(fd);
    fixture_stop(&fixture);
}

static void test_what_was_sent_before_a_close_is_written_and_no_event_follows(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    int fd = dialled_link(&fixture);
    say(fixture.control, "send 1 hello\nunlink 1\n"); /* one turn */
    expect(fixture.control, "ok");
    expect(fixture.control, "ok");
    read_exactly(fd, HELLO);
    expect_end(fd);
    close(fd);
    char line[512];
    say(fixture.control, "events\n");
    do {
        assert_true(hear(fixture.control, line, sizeof(line)));
        assert_null(strstr(line, "closed 1"));
    } while (strcmp(line, ".") != 0);
    fixture_stop(&fixture);
}

static void test_backlog_counts_what_the_kernel_has_not_taken(void **state) {
    (void)state;
    struct fixture fixture;
    char line[40];
    fixture_start(&fixture, 8);
    int fd = dialled_link(&fixture);
    say(fixture.control, "backlog 1\n");
    expect(fixture.control, "0");
    command(&fixture, "junk 1 30000000\n");
    say(fixture.control, "backlog 1\n");
    assert_true(hear(fixture.control, line, sizeof(line)));
    assert_in_range(strtoul(line, NULL, 10), 1, 30000000);
    char *block = sf_alloc(100000);
    for (size_t got = 0; got < 30000000;) {
        ssize_t n = recv(fd, block, 100000, 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    sf_free(block);
    say(fixture.control, "backlog 1\n");
    expect(fixture.control, "0");
    close(fd);
    fixture_stop(&fixture);
}

static void read_large(int fd, unsigned n) {
    char *bytes = sf_alloc(n);
    read_exactly(fd, "head");
    for (size_t at = 0; at < n;) {
        ssize_t got = recv(fd, bytes + at, n - at, 0);
        assert_true(got > 0);
        at += (size_t)got;
    }
    for (unsigned i = 0; i < n; i++) assert_int_equal(bytes[i], (char)(i % 251));
    read_exactly(fd, "tail");
    sf_free(bytes);
}

/* They are held, not copied; whatever is sent meanwhile comes behind them, in order. */
static void test_large_messages_keep_their_place_among_others(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    int fd = dialled_link(&fixture);
    command(&fixture, "send 1 hello\n");
    command(&fixture, "large 1 20000000\n");
    command(&fixture, "send 1 hello\n");
    command(&fixture, "large 1 1\n");
    command(&fixture, "large 1 9000000\n");
    command(&fixture, "send 1 hello\n");
    read_exactly(fd, HELLO);
    read_large(fd, 20000000);
    read_exactly(fd, HELLO);
    read_large(fd, 1);
    read_large(fd, 9000000);
    read_exactly(fd, HELLO);
    say(fixture.control, "backlog 1\n");
    expect(fixture.control, "0");
    close(fd);
    fixture_stop(&fixture);
}

static void test_a_link_that_ends_lets_go_of_what_it_held(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    int fd = dialled_link(&fixture);
    command(&fixture, "large 1 20000000\n");
    command(&fixture, "large 1 20000000\n");
    close(fd);
    wait_for(&fixture, "closed 1");
    fixture_stop(&fixture); /* the sanitizer would see what is left */
}

static void test_an_accepted_link_takes_requests_in_pieces_and_answers(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t bus = net_bus_port(fixture.net);
    int fd = dial_tcp(bus);
    wait_for(&fixture, "accepted 0 127.0.0.1 127.0.0.1");
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    for (const char *at = HELLO HELLO; *at != '\0'; at++) {
        assert_int_equal(send(fd, at, 1, 0), 1);
    }
    read_exactly(fd, HELLO HELLO);
    close(fd);
    wait_for(&fixture, "closed accepted 0");
    fixture_stop(&fixture);
}

static void test_a_link_closed_within_its_own_message_reads_no_further(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t bus = net_bus_port(fixture.net);
    int fd = dial_tcp(bus);
    say(fd, HELLO "*1\r\n$3\r\nbye\r\n" HELLO);
    read_exactly(fd, HELLO);
    char c;
    assert_true(recv(fd, &c, 1, 0) <= 0);
    close(fd);
    char line[512];
    int requests = 0;
    say(fixture.control, "events\n");
    do {
        assert_true(hear(fixture.control, line, sizeof(line)));
        requests += strncmp(line, "request 0", 9) == 0;
    } while (strcmp(line, ".") != 0);
    assert_int_equal(requests, 2);
    fixture_stop(&fixture);
}

static void test_a_message_beyond_the_limit_ends_an_accepted_link(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t bus = net_bus_port(fixture.net);
    command(&fixture, "limit 1000\n");
    int fd = dial_tcp(bus);
    say(fd, "*1\r\n$2000\r\n");
    wait_for(&fixture, "closed accepted 0");
    close(fd);
    fixture_stop(&fixture);
}

static void test_a_message_beyond_the_limit_ends_a_dialled_link(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    command(&fixture, "limit 1000\n");
    int fd = dialled_link(&fixture);
    say(fd, "*1000000000\r\n");
    wait_for(&fixture, "closed 1");
    close(fd);
    fixture_stop(&fixture);
}

static void test_nonsense_ends_its_own_link_alone(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t bus = net_bus_port(fixture.net);
    int good = dial_tcp(bus);
    wait_for(&fixture, "accepted 0");
    int bad = dial_tcp(bus);
    say(bad, "*1\r\n!junk\r\n");
    wait_for(&fixture, "closed accepted 1");
    say(good, HELLO);
    read_exactly(good, HELLO);
    close(bad);
    close(good);
    fixture_stop(&fixture);
}

static void test_links_beyond_the_limit_are_turned_away(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 1);
    uint16_t bus = net_bus_port(fixture.net);
    int first = dial_tcp(bus);
    wait_for(&fixture, "accepted 0");
    int second = dial_tcp(bus);
    expect_end(second);
    close(second);
    close(first);
    wait_for(&fixture, "closed accepted 0");
    first = dial_tcp(bus);
    say(first, HELLO);
    read_exactly(first, HELLO);
    close(first);
    fixture_stop(&fixture);
}

static void test_an_occupied_port_is_one_clear_line(void **state) {
    (void)state;
    uint16_t port;
    int fd = listen_tcp(&port);
    struct net_settings settings = {
        .bind = {"-192.0.2.77", "127.0.0.1"}, .n_bind = 2, .port = port, .tcp_backlog = 8};
    struct net_hooks hooks = {0};
    struct net *net = net_new(&settings, &hooks);
    struct buf error = {0}, expected = {0};
    assert_false(net_listen(net, &error));
    buf_printf(&expected, "cannot listen on 127.0.0.1 port %u: Address already in use", port);
    assert_int_equal(error.len, expected.len);
    assert_memory_equal(error.data, expected.data, expected.len);
    buf_free(&error);
    buf_free(&expected);
    net_free(net);
    close(fd);
}

static void test_an_address_with_a_minus_may_be_missing(void **state) {
    (void)state;
    struct net_settings settings = {
        .bind = {"-192.0.2.77", "127.0.0.1"}, .n_bind = 2, .tcp_backlog = 8};
    struct net_hooks hooks = {0};
    struct buf error = {0};
    struct net *net = net_new(&settings, &hooks);
    assert_true(net_listen(net, &error));
    assert_true(net_port(net) > 0);
    assert_true(net_is_loopback_only(net));
    assert_false(net_is_bound_to_all(net));
    net_free(net);
    settings.bind[0] = "192.0.2.77";
    net = net_new(&settings, &hooks);
    assert_false(net_listen(net, &error));
    buf_free(&error);
    net_free(net);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dialled_link_sends_arrays_and_hands_over_answers),
        cmocka_unit_test(test_a_dial_that_fails_is_told_as_a_later_event),
        cmocka_unit_test(test_the_number_of_a_closed_link_may_be_dialled_again),
        cmocka_unit_test(test_what_was_sent_before_a_close_is_written_and_no_event_follows),
        cmocka_unit_test(test_backlog_counts_what_the_kernel_has_not_taken),
        cmocka_unit_test(test_large_messages_keep_their_place_among_others),
        cmocka_unit_test(test_a_link_that_ends_lets_go_of_what_it_held),
        cmocka_unit_test(test_an_accepted_link_takes_requests_in_pieces_and_answers),
        cmocka_unit_test(test_a_link_closed_within_its_own_message_reads_no_further),
        cmocka_unit_test(test_a_message_beyond_the_limit_ends_an_accepted_link),
        cmocka_unit_test(test_a_message_beyond_the_limit_ends_a_dialled_link),
        cmocka_unit_test(test_nonsense_ends_its_own_link_alone),
        cmocka_unit_test(test_links_beyond_the_limit_are_turned_away),
        cmocka_unit_test(test_an_occupied_port_is_one_clear_line),
        cmocka_unit_test(test_an_address_with_a_minus_may_be_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
