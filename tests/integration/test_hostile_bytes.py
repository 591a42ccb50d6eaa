"""Malformed bytes cost their own connection at most: at the client port, and at the bus."""
import random
import socket

from shardforge_testing import resp
from shardforge_testing.process import check, wait_until

CLIENT_GARBAGE = {
    "an array of nonsense": b"*3\r\nnonsense\r\n",
    "a length that is no number": b"*1\r\n$abc\r\n",
    "a negative bulk": b"*1\r\n$-5\r\n",
    "a huge array": b"*2147483648\r\n",
    "a huge bulk": b"*1\r\n$999999999999\r\n",
    "quotes that never close": b'SET "a\r\n',
    "an endless line": b"x" * 100_000,
    "an endless length": b"*" + b"1" * 100_000,
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "nested arrays": b"*1\r\n" * 50_000,
}
BUS_GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a redis client": resp.encode(["HELLO", "3"]) + resp.encode(["SET", "a", "1"]),
    "an inline command": b"PING\r\nINFO\r\n",
    "a huge array": b"*1000000000\r\n",
    "a huge bulk": b"*2\r\n$1000000000\r\n" + b"x" * 10_000,
    "nested arrays": b"*1\r\n" * 50_000,
    "an empty array": b"*0\r\n" * 1000,
    "guesses": b"".join(resp.encode([word, "1", "", "\0" * 40]) for word in (
        "hello", "auth", "join", "append", "vote", "forward", "leave", "snapshot")),
    "zero bytes": b"\0" * 10_000,
}


def send_until_closed(port, data, deadline_s=10.0):
    """Sends, then reads until the server closes; what it said. Failure when it keeps the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=deadline_s) as stranger:
        heard = b""
        try:
            stranger.sendall(data)
            while len(heard) < 1 << 20:
                received = stranger.recv(65536)
                if not received:
                    return heard
                heard += received
        except ConnectionError:
            return heard
        except TimeoutError:
            check(False, f"the connection is closed within {deadline_s:g} s of {resp.quote(data, 60)}")
    return heard


def check_unharmed(cluster, old_clients):
    """All nodes run, connections from before still serve, the members are the same."""
    for number, client in enumerate(old_clients):
        check(client.call("INCR", "unharmed").value > 0, f"a connection from before serves at node {number + 1}")
    for node in cluster.nodes:
        check(node.is_running(), f"{node.name} runs; it said:\n{node.last_words()}" if not node.is_running() else "")
    check({node.raft()["raft_members"] for node in cluster.nodes} == {str(len(cluster.nodes))}, "the same members")


def test_malformed_requests_close_only_their_own_connection(context):
    with context.cluster(3) as cluster:
        old_clients = [node.client() for node in cluster.nodes]
        for name, data in CLIENT_GARBAGE.items():
            for node in cluster.nodes:
                heard = send_until_closed(node.port, data)
                check(heard == b"" or heard.startswith(b"-"), f"{name}: an error or nothing, not {resp.quote(heard)}")
        check_unharmed(cluster, old_clients)


def test_random_bytes_at_the_client_port_do_no_harm(context):
    chance = random.Random(1)
    with context.cluster(1) as cluster:
        old_client = cluster.nodes[0].client()
        for _ in range(200):
            data = b"".join(chance.choice([b"*1\r\n", b"$3\r\n", b"GET", b"\r\n", b"\0", b"-1", b"*", chance.randbytes(5)])
                            for _ in range(chance.randrange(1, 60)))
            with socket.create_connection(("127.0.0.1", cluster.nodes[0].port), timeout=5) as stranger:
                stranger.sendall(data)
        check_unharmed(cluster, [old_client])


def test_a_half_sent_request_holds_nobody_up(context):
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        with socket.create_connection(("127.0.0.1", node.port), timeout=5) as slow:
            slow.sendall(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100000\r\nhalf")
            for number in range(100):
                check(node.call("SET", "other", number).text == "OK", "others are served")
        check(node.call("GET", "k").is_nil, "half a request does nothing")


def test_strangers_at_the_bus_are_refused(context):
    with context.cluster(3) as cluster:
        old_clients = [node.client() for node in cluster.nodes]
        for name, data in BUS_GARBAGE.items():
            heard = send_until_closed(cluster.nodes[0].bus_port, data)
            check(b"unharmed" not in heard, f"{name} learns nothing")
        chance = random.Random(2)
        for _ in range(30):
            with socket.create_connection(("127.0.0.1", cluster.nodes[1].bus_port), timeout=5) as stranger:
                stranger.sendall(chance.randbytes(chance.randrange(1, 3000)))
        check_unharmed(cluster, old_clients)


def test_silent_connections_at_the_bus_do_no_harm(context):
    with context.cluster(3) as cluster:
        old_clients = [node.client() for node in cluster.nodes]
        silent = [socket.create_connection(("127.0.0.1", node.bus_port), timeout=5)
                  for node in cluster.nodes for _ in range(50)]
        check_unharmed(cluster, old_clients)
        for connection in silent:
            connection.close()


def test_a_node_with_another_secret_does_not_get_in(context):
    with context.cluster(3) as cluster:
        old_clients = [node.client() for node in cluster.nodes]
        stranger = cluster.new_node(4, ["--cluster-secret", "another secret", "--cluster-bootstrap", "no"])
        cluster.nodes.append(stranger)
        stranger.start()
        member = cluster.nodes[0]
        answer = stranger.call("CLUSTER", "MEET", "127.0.0.1", member.port, member.bus_port, timeout_s=15)
        check(answer.is_error, f"MEET of a cluster with another secret is refused: {answer}")
        context.say(f"the stranger hears: {answer}")
        answer = member.call("CLUSTER", "MEET", "127.0.0.1", stranger.port, stranger.bus_port, timeout_s=15)
        check(answer.is_error, f"MEET of a node with another secret is refused: {answer}")
        cluster.nodes.remove(stranger)
        stranger.kill()
        check_unharmed(cluster, old_clients)


def test_client_connections_that_come_and_go_leave_nothing_behind(context):
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        with node.client() as watcher:
            def n_clients():
                return int(watcher.info("clients")["connected_clients"])
            before = n_clients()
            for _ in range(300):
                with socket.create_connection(("127.0.0.1", node.port), timeout=5) as visitor:
                    visitor.sendall(resp.encode(["SET", "k", "v"]))
            wait_until(lambda: n_clients() == before, "the count of clients goes back")
