"""A member that lost its disk never poses as an empty Redis; a new node at its address takes its place."""
import re
import time

from shardforge_testing.process import check, wait_until

WATCH_S = 4.0  # beyond the 2 s after which a fresh node may bootstrap by itself


def check_serves_nothing(node, seconds):
    """For that long, no data command gets anything but an error. Returns the last one."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        with node.client() as client:
            check(client.call("PING").text == "PONG", "PING is answered")
            for words in (["GET", "key"], ["SET", "key", "x"], ["DBSIZE"], ["FLUSHALL"]):
                last = client.call(*words)
                check(last.is_error, f"{' '.join(words)} at a wiped node is refused, not {last}")
    return last


def test_a_wiped_node_says_to_which_cluster_its_address_belongs(context):
    with context.cluster(3) as cluster:
        check(cluster.nodes[0].call("SET", "key", "value").text == "OK", "SET")
        victim = cluster.followers()[0]
        victim.kill()
        victim.wipe()
        victim.start()
        answer = check_serves_nothing(victim, WATCH_S)
        check(re.search(r"cluster", answer.text, re.I) and re.search(r"[0-9a-f]{40}", answer.text),
              f"the answer names the cluster: {answer}")
        context.say(f"it says: {answer}")
        others = [node for node in cluster.nodes if node is not victim]
        check(all(node.call("GET", "key").text == "value" for node in others), "the others have the data")


def test_a_new_node_at_an_old_address_replaces_it(context):
    with context.cluster(3) as cluster:
        check(cluster.nodes[0].call("SET", "key", "value").text == "OK", "SET")
        victim = cluster.followers()[0]
        old_id = victim.node_id()
        victim.kill()
        victim.wipe()
        leader = cluster.leader()
        victim.start(["--cluster-bootstrap", "no"])
        wait_until(lambda: victim.call("CLUSTER", "MEET", "127.0.0.1", leader.port, leader.bus_port).text == "OK",
                   "MEET is taken once the old node counts as gone", 15.0)
        cluster.wait_member(victim)
        cluster.wait_ready(members=3)
        check(victim.node_id() != old_id, "it has an id of its own")
        check(victim.call("GET", "key").text == "value", "it has the data")
        cluster.check_equal_digests()


def test_a_wiped_leader_serves_nothing_either(context):
    with context.cluster(3) as cluster:
        leader = cluster.leader()
        check(leader.call("SET", "key", "value").text == "OK", "SET")
        leader.kill()
        leader.wipe()
        leader.start()
        check_serves_nothing(leader, WATCH_S)
        others = [node for node in cluster.nodes if node is not leader]
        cluster.wait_leader(others)
        check(others[0].call("GET", "key").text == "value", "the others serve")
