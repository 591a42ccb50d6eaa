/* Options of sockets that connections between nodes rely on. */
#include "net/socket.h"
#include "unit/check.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

static int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    assert_int_equal(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void test_a_peer_that_is_gone_is_noticed_by_idle_and_by_busy_connections(void **state) {
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socket_tune(fd, 15);
    socket_limit_silence(fd, 5000);
    assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 15);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 5000);
    assert_int_equal(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    close(fd);
}

static void test_no_probes_where_none_are_wanted(void **state) {
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socket_tune(fd, 0);
    assert_int_equal(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_peer_that_is_gone_is_noticed_by_idle_and_by_busy_connections),
        cmocka_unit_test(test_no_probes_where_none_are_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
