"""Thousands of clients that wait for one list, over all nodes: each push serves one of them, none twice, through the
death of the leader."""
import selectors
import time

from shardforge_testing.process import check, wait_until
from shardforge_testing.resp import Client, Closed, encode

N_CLIENTS = 5000


class Waiters:
    """Connections that have sent BLPOP and read whatever comes."""

    def __init__(self, nodes, n):
        self.selector = selectors.DefaultSelector()
        self.elements = {}  # of which node's client: element -> node
        self.problems = []
        self.left = {node.name: set() for node in nodes}
        for number in range(n):
            node = nodes[number % len(nodes)]
            client = Client(node.port, timeout_s=20)
            client.send_raw(encode(["BLPOP", "list", 0]))
            self.selector.register(client.socket, selectors.EVENT_READ, (client, node.name))
            self.left[node.name].add(client)

    def take(self, seconds):
        """What arrives in that time."""
        end = time.monotonic() + seconds
        while True:
            left_s = end - time.monotonic()
            if left_s <= 0 or not self.selector.get_map():
                return
            for key, _ in self.selector.select(left_s):
                self.read(*key.data)

    def read(self, client, name):
        try:
            reply = client.read(timeout_s=5)
            if reply.kind != "*" or reply.is_nil:
                self.problems.append(f"{name}: {reply}")
            else:
                element = reply.value[1].value
                if element in self.elements:
                    self.problems.append(f"{element} went to a client of {self.elements[element]} and of {name}")
                self.elements[element] = name
        except Closed:
            pass
        self.selector.unregister(client.socket)
        self.left[name].discard(client)
        client.close()

    def count(self, names):
        return sum(len(self.left[name]) for name in names)

    def close(self):
        for clients in self.left.values():
            for client in clients:
                client.close()


def blocked(nodes):
    total = 0
    for node in nodes:
        with node.client(timeout_s=5) as client:
            total += int(client.info("clients")["blocked_clients"])
    return total


def push(node, prefix, n):
    """Acknowledged pushes, one element each."""
    with node.client(timeout_s=10) as client:
        replies = client.pipeline([["RPUSH", "list", f"{prefix}{i}"] for i in range(n)])
    check(all(reply.kind == ":" for reply in replies), f"every push is acknowledged: {replies[:3]}")
    return {f"{prefix}{i}".encode() for i in range(n)}


def test_each_push_serves_one_of_5000_waiting_clients_through_the_leaders_death(context):
    with context.cluster(3) as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        waiters = Waiters(cluster.nodes, N_CLIENTS)
        try:
            wait_until(lambda: blocked(cluster.nodes) == N_CLIENTS, "everybody waits", 30)
            early = push(followers[0], "early", 500) | push(leader, "led", 500)
            waiters.take(2)
            check(set(waiters.elements) == early, f"{len(early)} pushed, {len(waiters.elements)} arrived")
            leader.kill()
            names = [node.name for node in followers]
            cluster.wait_leader(followers)
            wait_until(lambda: blocked(followers) == waiters.count(names), "the others wait on")
            n_left = waiters.count(names)
            began = time.monotonic()
            late = push(followers[1], "late", n_left // 2) | push(followers[0], "last", n_left - n_left // 2)
            waiters.take(0.2)
            while waiters.count(names) > 0 and time.monotonic() < began + 20:
                waiters.take(0.2)
            check(not waiters.problems, f"{waiters.problems[:5]}")
            check(waiters.count(names) == 0, f"{waiters.count(names)} clients wait on")
            check(late <= set(waiters.elements), f"{len(late - set(waiters.elements))} elements went to nobody")
            with followers[0].client() as client:
                check(client.call("LLEN", "list").value == 0, "nothing is left over")
                check(int(client.info("clients")["total_blocking_keys"]) == 0, "nobody is left over")
            context.say(f"{N_CLIENTS} waited; {len(early)} served before the leader's death, {len(late)} after it")
            cluster.restart(leader)
            cluster.check_equal_digests()
        finally:
            waiters.close()


def test_the_elements_in_flight_when_the_leader_dies_go_to_one_client_or_stay(context):
    """Pushes go on through the kill; what a survivor's client does not get was given to one of the dead node's."""
    with context.cluster(3) as cluster:
        leader, followers = cluster.leader(), cluster.followers()
        names = [node.name for node in followers]
        waiters = Waiters(cluster.nodes, 900)
        try:
            wait_until(lambda: blocked(cluster.nodes) == 900, "everybody waits")
            pushed = set()
            for i in range(40):
                if i == 20:
                    leader.kill()
                pushed |= push(followers[i % 2], f"round{i}-", 10)
            waiters.take(1)
            check(not waiters.problems, f"{waiters.problems[:5]}")
            check(set(waiters.elements) <= pushed, "only what was pushed arrives")
            with followers[0].client() as client:
                in_list = client.call("LLEN", "list").value
            lost = len(pushed) - len(waiters.elements) - in_list
            check(in_list == 0, "there are more clients than elements")
            check(0 <= lost <= 200, f"{lost} elements went with the dead node")
            check(len(waiters.elements) + waiters.count(names) >= 600, "each client of the others was served or waits")
            wait_until(lambda: blocked(followers) == waiters.count(names), "the others wait on")
            context.say(f"{len(pushed)} pushed, {len(waiters.elements)} arrived, {lost} went with the dead node")
        finally:
            waiters.close()
