"""Memory that changes by itself is found by the digests; the node is fenced and rebuilt, and nobody else notices."""
import pathlib
import re
import threading
import time

from shardforge_testing.cluster import Cluster
from shardforge_testing.process import check, wait_until

VALUE = "a value that is held as bytes, not as a number"


def hooked(context, n, *directives):
    """A cluster of servers that know DEBUG DAMAGE."""
    binary = context.build / "hooks" / "shardforge-server"
    if not binary.exists():
        context.skip("no server with hooks was built")
    return Cluster(binary, n, directives, dir=context.directory / "hooked")


def verify(node):
    """CLUSTER VERIFY as a dict; nodes by their ids."""
    answer = node.call("CLUSTER", "VERIFY", timeout_s=30.0)
    check(not answer.is_error, f"CLUSTER VERIFY at {node.name}: {answer}")
    found = as_dict(answer)
    found["nodes"] = {name: word.text for name, word in as_dict(found["nodes"]).items()}
    return {name: word.text if hasattr(word, "text") and name != "nodes" else word for name, word in found.items()}


def as_dict(reply):
    items = reply.items
    return {items[i].text: items[i + 1] for i in range(0, len(items), 2)}


class Witness:
    """A client that never sees an error, nor a counter that does not go up by one."""

    def __init__(self, node, name):
        self.node, self.name, self.n, self.problem, self.stops = node, name, 0, None, False
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        with self.node.client(timeout_s=20.0) as client:
            while not self.stops and self.problem is None:
                answer = client.call("INCR", self.name)
                self.n += 1
                if answer.text != str(self.n):
                    self.problem = f"call {self.n} at {self.node.name} answered {answer}"
                time.sleep(0.002)

    def end(self):
        self.stops = True
        self.thread.join()
        check(self.problem is None, f"{self.problem}")
        check(self.n > 0, "the witness did something")


def fill(node):
    with node.client() as client:
        for i in range(2000):
            client.call("SET", f"key:{i}", f"{VALUE} {i}")
        client.call("RPUSH", "list", *[str(i) for i in range(2000)])
        client.call("ZADD", "zset", *[word for i in range(2000) for word in (str(i), f"m{i}")])
        client.call("XADD", "stream", "1-1", "f", "v")


def test_a_damaged_node_is_found_fenced_and_rebuilt_while_others_serve_on(context):
    with hooked(context, 3) as cluster:
        fill(cluster.nodes[0])
        before = verify(cluster.nodes[0])
        check(before["verdict"] == "equal" and set(before["nodes"].values()) == {"equal"}, f"equal at first: {before}")
        victim = cluster.followers()[0]
        others = [node for node in cluster.nodes if node is not victim]
        old_id = victim.node_id()
        witnesses = [Witness(node, f"witness:{node.number}") for node in others]
        check(victim.call("DEBUG", "DAMAGE", "key:7").text == "OK", "DEBUG DAMAGE")
        found = verify(others[0])
        check(found["verdict"] == "differs", f"the damage is found: {found}")
        check(found["nodes"][old_id].startswith("differs in 1 of 1024 ranges"), f"and where: {found}")
        check(all(found["nodes"][node.node_id()] == "equal" for node in others), f"the others are equal: {found}")
        wait_until(lambda: victim.node_id() != old_id, "it begins anew", 30.0)
        cluster.wait_member(victim)
        cluster.wait_ready(members=3)
        for witness in witnesses:
            witness.end()
        after = verify(victim)
        check(after["verdict"] == "equal", f"equal again: {after}")
        check(victim.call("GET", "key:7").text == f"{VALUE} 7", "the damage is gone")
        check(victim.raft()["digest_fenced"] == "0", "nobody is fenced")
        cluster.check_equal_digests()
        said = pathlib.Path(victim.log_path).read_text()
        check("DIGEST MISMATCH" in said, "its log says it loudly")
        context.say(f"{sum(witness.n for witness in witnesses)} calls at the others, no error")


def test_a_damaged_leader_gives_up_leading_and_is_rebuilt(context):
    with hooked(context, 3) as cluster:
        fill(cluster.nodes[0])
        victim = cluster.leader()
        old_id = victim.node_id()
        check(victim.call("DEBUG", "DAMAGE", "key:9").text == "OK", "DEBUG DAMAGE")
        other = cluster.followers()[0]
        check(verify(other)["verdict"] == "differs", "the damage is found")
        wait_until(lambda: victim.node_id() != old_id, "it begins anew", 30.0)
        cluster.wait_member(victim)
        cluster.wait_ready(members=3)
        check(verify(other)["verdict"] == "equal", "equal again")


def test_a_fenced_node_serves_nothing_and_says_why(context):
    with hooked(context, 3) as cluster:
        fill(cluster.nodes[0])
        victim, other = cluster.followers()
        leader = cluster.leader()
        check(victim.call("DEBUG", "DAMAGE", "key:1").text == "OK", "DEBUG DAMAGE")
        other.suspend()
        found = leader.call("CLUSTER", "VERIFY", timeout_s=30.0)
        check("no majority" in as_dict(found)["verdict"].text, f"two of three differ, no majority: {found}")
        check(victim.call("GET", "key:2").text == f"{VALUE} 2", "so it is not fenced")
        answers = []

        def ask():
            with victim.client(timeout_s=20.0) as client:
                while not answers or not answers[-1].is_error:
                    answers[:] = [client.call("GET", "key:2")]
        thread = threading.Thread(target=ask, daemon=True)
        thread.start()
        other.resume()  # now there is a majority
        thread.join(20.0)
        check(not thread.is_alive() and re.match("CLUSTERDOWN This node's state differs", answers[-1].text),
              f"it refuses: {answers}")
        wait_until(lambda: leader.raft()["raft_voters"] == "3" and victim.raft()["digest_fenced"] == "0" and
                   victim.raft()["raft_role"] == "follower", "it is rebuilt", 30.0)
        cluster.wait_ready(members=3)
        check(verify(victim)["verdict"] == "equal", "equal again")


def test_a_schedule_finds_it_without_being_asked(context):
    with hooked(context, 3, "--digest-interval", "1") as cluster:
        fill(cluster.nodes[0])
        victim = cluster.followers()[0]
        old_id = victim.node_id()
        check(victim.call("DEBUG", "DAMAGE", "key:5").text == "OK", "DEBUG DAMAGE")
        wait_until(lambda: victim.node_id() != old_id, "it begins anew", 30.0)
        cluster.wait_member(victim)
        cluster.wait_ready(members=3)
        wait_until(lambda: victim.raft()["digest_state"] == "equal", "a later digest calls them equal", 10.0)


def test_alarm_changes_nothing(context):
    with hooked(context, 3, "--digest-mismatch-action", "alarm") as cluster:
        fill(cluster.nodes[0])
        victim = cluster.followers()[0]
        old_id = victim.node_id()
        check(victim.call("DEBUG", "DAMAGE", "key:5").text == "OK", "DEBUG DAMAGE")
        check(verify(victim)["verdict"] == "differs", "it is found")
        time.sleep(3)
        check(victim.node_id() == old_id and not victim.call("GET", "key:6").is_error, "and serves on")
        check(victim.raft()["digest_state"] == "differs", f"INFO: {victim.raft()}")
