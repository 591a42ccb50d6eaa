#include "unit/net/fake_node.h"

#include <sys/resource.h>

static void test_requests_that_come_byte_by_byte_are_answered(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    int one = 1;
    setsockopt(fixture.control, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    const char *text = "echo first\necho second\n";
    for (size_t i = 0; i < strlen(text); i++) {
        assert_int_equal(send(fixture.control, text + i, 1, 0), 1);
    }
    expect(fixture.control, "first");
    expect(fixture.control, "second");
    fixture_stop(&fixture);
}

static void test_a_request_larger_than_one_read_arrives_whole(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    size_t size = 3 * 1000 * 1000;
    char *text = sf_alloc(size + 2);
    memset(text, 'y', size);
    memcpy(text, "echo ", 5);
    memcpy(text + size, "\n", 2);
    /* Its answer comes only after all of it was read, so nobody blocks. */
    say(fixture.control, text);
    char *line = sf_alloc(size);
    for (size_t at = 0; at < size - 4;) {
        ssize_t n = recv(fixture.control, line + at, size - 4 - at, 0);
        assert_true(n > 0);
        at += (size_t)n;
    }
    assert_memory_equal(line, text + 5, size - 4);
    sf_free(line);
    sf_free(text);
    fixture_stop(&fixture);
}

static void test_a_paused_session_is_not_read_and_goes_on_when_resumed(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t port = net_port(fixture.net);
    int fd = dial_tcp(port);
    say(fd, "pause\n");
    expect(fd, "paused");
    /* Nobody reads: the kernel's buffers fill up and then refuse. */
    char chunk[8192];
    memset(chunk, 'z', sizeof(chunk));
    memcpy(chunk, "echo ", 5);
    chunk[sizeof(chunk) - 1] = '\n';
    size_t sent = 0;
    for (;;) {
        ssize_t n = send(
            fd, chunk + sent % sizeof(chunk), sizeof(chunk) - sent % sizeof(chunk), MSG_DONTWAIT);
        if (n < 0) break;
        sent += (size_t)n;
        assert_true(sent < 64u << 20);
    }
    assert_int_equal(errno, EAGAIN);
    say(fixture.control, "held\n");
    expect(fixture.control, "0");
    say(fixture.control, "resume\n");
    expect(fixture.control, "ok");
    size_t complete = sent / sizeof(chunk);
    char line[sizeof(chunk)];
    for (size_t i = 0; i < complete; i++) {
        assert_true(hear(fd, line, sizeof(line)));
        assert_int_equal(strlen(line), sizeof(chunk) - 6);
    }
    close(fd);
    fixture_stop(&fixture);
}

static void test_requests_held_back_in_the_input_go_on_without_new_bytes(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t port = net_port(fixture.net);
    int fd = dial_tcp(port);
    say(fd, "pause\necho behind\n"); /* one packet: both are in the session's input */
    expect(fd, "paused");
    say(fixture.control, "resume\n");
    expect(fixture.control, "ok");
    expect(fd, "behind");
    close(fd);
    fixture_stop(&fixture);
}

static void test_a_slow_reader_gets_everything_and_holds_up_nobody(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t port = net_port(fixture.net);
    int fd = dial_tcp(port);
    say(fd, "flood 20000000\n");
    say(fixture.control, "echo meanwhile\n");
    expect(fixture.control, "meanwhile");
    char *block = sf_alloc(100000);
    size_t got = 0;
    while (got < 20000001) {
        ssize_t n = recv(fd, block, 100000, 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    assert_int_equal(got, 20000001);
    sf_free(block);
    close(fd);
    fixture_stop(&fixture);
}

static void test_a_closing_session_is_closed_after_its_output(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t port = net_port(fixture.net);
    int fd = dial_tcp(port);
    /* Unread input behind it must not turn the end into a reset, which would drop the answer. */
    char junk[40001];
    memset(junk, 'j', sizeof(junk) - 1);
    memcpy(junk, "close\n", 6);
    junk[sizeof(junk) - 1] = '\0';
    say(fd, junk);
    expect(fd, "bye");
    expect_end(fd);
    close(fd);
    fixture_stop(&fixture);
}

static void test_a_session_that_must_close_now_leaves_its_output_unwritten(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t port = net_port(fixture.net);
    int fd = dial_tcp(port);
    say(fd, "die\n");
    char c;
    assert_true(recv(fd, &c, 1, 0) <= 0);
    say(fixture.control, "wait client-closed 2\n");
    expect(fixture.control, "ok");
    close(fd);
    fixture_stop(&fixture);
}

static void test_the_node_hears_of_a_client_that_leaves(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t port = net_port(fixture.net);
    say(fixture.control, "echo here\n");
    expect(fixture.control, "here");
    close(dial_tcp(port));
    say(fixture.control, "wait client-closed 2\n");
    expect(fixture.control, "ok");
    fixture_stop(&fixture);
}

static void test_a_client_that_sends_no_more_still_gets_its_replies(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t port = net_port(fixture.net);
    int fd = dial_tcp(port);
    say(fd, "flood 10000000\nwait deadline\n");
    shutdown(fd, SHUT_WR);
    char *block = sf_alloc(100000);
    for (size_t got = 0; got < 10000001;) {
        ssize_t n = recv(fd, block, SF_MIN((size_t)100000, 10000001 - got), 0);
        assert_true(n > 0);
        got += (size_t)n;
    }
    sf_free(block);
    say(fixture.control, "deadline 1\n");
    expect(fixture.control, "ok");
    expect(fd, "ok");
    expect_end(fd);
    say(fixture.control, "wait client-closed 2\n");
    expect(fixture.control, "ok");
    close(fd);
    fixture_stop(&fixture);
}

static void test_a_client_that_resets_while_output_waits_is_forgotten(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    uint16_t port = net_port(fixture.net);
    int fd = dial_tcp(port);
    say(fd, "flood 30000000\n");
    char c;
    assert_int_equal(recv(fd, &c, 1, 0), 1);
    struct linger at_once = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
    say(fixture.control, "wait client-closed 2\n");
    expect(fixture.control, "ok");
    fixture_stop(&fixture);
}

static void test_a_deadline_is_pumped_without_any_socket(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    say(fixture.control, "deadline 30\nwait deadline\n");
    expect(fixture.control, "ok");
    expect(fixture.control, "ok");
    fixture_stop(&fixture);
}

static void test_a_node_that_catches_up_rests_and_serves_between(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    char line[40];
    say(fixture.control, "rests\n");
    expect(fixture.control, "0");
    say(fixture.control, "rest 2000\n");
    expect(fixture.control, "ok");
    for (int i = 0; i < 10; i++) {
        say(fixture.control, "deadline 0\nwait deadline\n");
        expect(fixture.control, "ok");
        expect(fixture.control, "ok");
    }
    say(fixture.control, "rests\n");
    assert_true(hear(fixture.control, line, sizeof(line)));
    assert_true(strtoul(line, NULL, 10) >= 10);
    say(fixture.control, "rest 0\nrests\n");
    expect(fixture.control, "ok");
    assert_true(hear(fixture.control, line, sizeof(line)));
    fixture_stop(&fixture);
}

static void test_an_idle_loop_does_not_turn(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    say(fixture.control, "deadline 100\nwait deadline\n");
    expect(fixture.control, "ok");
    expect(fixture.control, "ok");
    say(fixture.control, "pumps\n");
    char line[40];
    assert_true(hear(fixture.control, line, sizeof(line)));
    assert_in_range(strtoul(line, NULL, 10), 1, 30);
    fixture_stop(&fixture);
}

/* The next descriptor that open() would give out. */
static rlim_t next_descriptor(void) {
    int fd = dup(0);
    assert_true(fd >= 0);
    close(fd);
    return (rlim_t)fd;
}

static void test_accepting_pauses_without_descriptors_and_goes_on_with_them(void **state) {
    (void)state;
    struct fixture fixture;
    struct rlimit old, tight;
    fixture_start(&fixture, 8);
    uint16_t port = net_port(fixture.net);
    say(fixture.control, "echo here\n");
    expect(fixture.control, "here");

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fds[4];
    for (int i = 0; i < 4; i++) fds[i] = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    tight = (struct rlimit){next_descriptor() + 2, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(connect(fds[i], (struct sockaddr *)&address, sizeof(address)), 0);
    }
    say(fixture.control, "wait Cannot accept\n");
    expect(fixture.control, "ok");
    say(fds[0], "echo accepted\n");
    expect(fds[0], "accepted");
    close(fds[0]);
    close(fds[1]); /* both ends: room for the two that wait */
    for (int i = 2; i < 4; i++) {
        say(fds[i], "echo later\n");
        expect(fds[i], "later");
        close(fds[i]);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    fixture_stop(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_that_come_byte_by_byte_are_answered),
        cmocka_unit_test(test_a_request_larger_than_one_read_arrives_whole),
        cmocka_unit_test(test_a_paused_session_is_not_read_and_goes_on_when_resumed),
        cmocka_unit_test(test_requests_held_back_in_the_input_go_on_without_new_bytes),
        cmocka_unit_test(test_a_slow_reader_gets_everything_and_holds_up_nobody),
        cmocka_unit_test(test_a_closing_session_is_closed_after_its_output),
        cmocka_unit_test(test_a_session_that_must_close_now_leaves_its_output_unwritten),
        cmocka_unit_test(test_the_node_hears_of_a_client_that_leaves),
        cmocka_unit_test(test_a_client_that_sends_no_more_still_gets_its_replies),
        cmocka_unit_test(test_a_client_that_resets_while_output_waits_is_forgotten),
        cmocka_unit_test(test_a_deadline_is_pumped_without_any_socket),
        cmocka_unit_test(test_a_node_that_catches_up_rests_and_serves_between),
        cmocka_unit_test(test_an_idle_loop_does_not_turn),
        cmocka_unit_test(test_accepting_pauses_without_descriptors_and_goes_on_with_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
