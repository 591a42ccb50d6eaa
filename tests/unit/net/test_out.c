/* Connections of other kinds, and files read as if they came over one. */
#include "unit/net/fake_node.h"

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

static int dialled(struct fixture *fixture, const char *host) {
    uint16_t port;
    char line[80];
    int listening = listen_tcp(&port);
    snprintf(line, sizeof(line), "out 1 %s %u\n", host, (unsigned)port);
    command(fixture, line);
    int fd = accept(listening, NULL, NULL);
    assert_true(fd >= 0);
    close(listening);
    struct timeval patience = {.tv_sec = 60};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    wait_for(fixture, "out-open 1");
    return fd;
}

static void test_bytes_go_both_ways_and_the_end_is_told_with_its_reason(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    int fd = dialled(&fixture, "127.0.0.1");
    command(&fixture, "outsend 1 hello\n");
    char bytes[5];
    assert_int_equal(recv(fd, bytes, sizeof bytes, MSG_WAITALL), 5);
    assert_memory_equal(bytes, "hello", 5);
    say(fd, "answer");
    wait_for(&fixture, "out-bytes 1 answer");
    close(fd);
    wait_for(&fixture, "out-closed 1 closed by the other side.");
    fixture_stop(&fixture);
}

static void test_a_name_is_looked_up(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    close(dialled(&fixture, "localhost"));
    wait_for(&fixture, "out-closed 1");
    fixture_stop(&fixture);
}

/* The resolver's thread is at it still: what it finds must be freed, and written nowhere else. */
static void test_one_that_is_closed_while_its_name_is_looked_up_loses_nothing(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    for (int i = 0; i < 50; i++) {
        say(fixture.control, "out 1 localhost 1\noutclose 1\n"); /* one turn */
        expect(fixture.control, "ok");
        expect(fixture.control, "ok");
    }
    close(dialled(&fixture, "localhost"));
    wait_for(&fixture, "out-closed 1");
    fixture_stop(&fixture);
}

static void test_a_dial_that_fails_is_told_as_a_later_event(void **state) {
    (void)state;
    struct fixture fixture;
    uint16_t port;
    char line[60];
    fixture_start(&fixture, 8);
    close(listen_tcp(&port));
    snprintf(line, sizeof(line), "out 3 127.0.0.1 %u\n", (unsigned)port);
    command(&fixture, line); /* the fake asserts that no event comes within the port */
    wait_for(&fixture, "out-closed 3 Connection refused.");
    fixture_stop(&fixture);
}

static void test_a_paused_one_reads_nothing_until_it_is_resumed(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    int fd = dialled(&fixture, "127.0.0.1");
    command(&fixture, "outpause 1\n");
    say(fd, "later");
    command(&fixture, "outsend 1 x\n");
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_WAITALL), 1); /* a turn has passed */
    char line[512];
    say(fixture.control, "events\n");
    do {
        assert_true(hear(fixture.control, line, sizeof(line)));
        assert_null(strstr(line, "later"));
    } while (strcmp(line, ".") != 0);
    command(&fixture, "outresume 1\n");
    wait_for(&fixture, "out-bytes 1 later");
    close(fd);
    fixture_stop(&fixture);
}

static void test_what_was_sent_before_a_close_is_written_and_no_event_follows(void **state) {
    (void)state;
    struct fixture fixture;
    fixture_start(&fixture, 8);
    int fd = dialled(&fixture, "127.0.0.1");
    say(fixture.control, "outsend 1 bye\noutclose 1\n"); /* one turn */
    expect(fixture.control, "ok");
    expect(fixture.control, "ok");
    char bytes[3];
    assert_int_equal(recv(fd, bytes, sizeof bytes, MSG_WAITALL), 3);
    expect_end(fd);
    close(fd);
    char line[512];
    say(fixture.control, "events\n");
    do {
        assert_true(hear(fixture.control, line, sizeof(line)));
        assert_null(strstr(line, "out-closed"));
    } while (strcmp(line, ".") != 0);
    fixture_stop(&fixture);
}

static void test_a_file_comes_as_bytes_and_ends_without_a_reason(void **state) {
    (void)state;
    struct fixture fixture;
    char path[] = "/tmp/shardforge-out-XXXXXX";
    char line[80];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "content", 7), 7);
    close(fd);
    fixture_start(&fixture, 8);
    snprintf(line, sizeof(line), "outfile 2 %s\n", path);
    command(&fixture, line);
    wait_for(&fixture, "out-open 2");
    wait_for(&fixture, "out-bytes 2 content");
    wait_for(&fixture, "out-closed 2 .");
    unlink(path);
    snprintf(line, sizeof(line), "outfile 5 %s\n", path);
    command(&fixture, line);
    wait_for(&fixture, "out-closed 5 No such file or directory.");
    fixture_stop(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_go_both_ways_and_the_end_is_told_with_its_reason),
        cmocka_unit_test(test_a_name_is_looked_up),
        cmocka_unit_test(test_one_that_is_closed_while_its_name_is_looked_up_loses_nothing),
        cmocka_unit_test(test_a_dial_that_fails_is_told_as_a_later_event),
        cmocka_unit_test(test_a_paused_one_reads_nothing_until_it_is_resumed),
        cmocka_unit_test(test_what_was_sent_before_a_close_is_written_and_no_event_follows),
        cmocka_unit_test(test_a_file_comes_as_bytes_and_ends_without_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
