"""An entry of the log that kills every node which applies it: named after three deaths, skipped by the operator's word."""
import pathlib
import re

from shardforge_testing import resp
from shardforge_testing.process import check, wait_until

DEATHS = 3


def held(node):
    """(index, crc) of the entry at which the node applies no more."""
    said = node.raft().get("raft_held_entry")
    return re.match(r"(\d+:[0-9a-f]{8}),deaths=(\d+)", said) if said else None


def kill_by_entry(cluster):
    """Every node dies of the entry, is started again, and dies, until it stops at it; the entry's name. (A follower
    dies once a leader that still lives has told it that the entry is committed.)"""
    leader = cluster.leader()
    with leader.client() as client:
        check(client.call("SET", "before", "1").text == "OK", "a write before")
        client.send_raw(resp.encode(("DEBUG", "ABORT-WHEN-APPLIED")))
        wait_until(lambda: not leader.is_running(), "the leader dies of the entry", 20.0)

    def all_hold():
        for node in cluster.nodes:
            if not node.is_running():
                node.spawn()
        return all(node.is_running() and held(node) for node in cluster.nodes)
    wait_until(all_hold, "all nodes stop at the entry", 60.0, pause_s=0.05)
    names = {held(node).group(1) for node in cluster.nodes}
    check(len(names) == 1, f"one entry is named: {names}")
    return names.pop()


def check_named(cluster, name):
    for node in cluster.nodes:
        check(int(held(node).group(2)) == DEATHS, f"{node.name}: {held(node).group(0)}")
        answer = node.call("GET", "before")
        check(answer.is_error and name in answer.text and answer.text.startswith("CLUSTERDOWN"), f"{answer}")
        check(f"--skip-entry {name}" in pathlib.Path(node.log_path).read_text(), f"{node.name}'s log names the way out")


def test_three_nodes_die_of_an_entry_and_serve_again_without_it(context):
    with context.cluster(3) as cluster:
        name = kill_by_entry(cluster)
        check_named(cluster, name)
        cluster.nodes[0].terminate()
        cluster.nodes[0].start(["--skip-entry", name])  # the others learn of it from this one
        cluster.wait_ready()
        for node in cluster.nodes:
            check(node.call("GET", "before").text == "1", f"{node.name} serves what was before")
            check(node.call("INCR", "after").text.isdigit(), f"{node.name} takes writes")
        cluster.check_equal_digests()
        cluster.kill_all()
        cluster.start_all()  # the word is remembered
        check(cluster.nodes[2].call("GET", "after").text == "3", "all there after another start")
        cluster.check_equal_digests()
        context.say(f"entry {name} was skipped")


def test_one_node_skips_an_entry_at_once(context):
    with context.cluster(1) as cluster:
        node = cluster.nodes[0]
        name = kill_by_entry(cluster)
        node.terminate()
        node.start(["--skip-entry", name])
        cluster.wait_ready()
        check(node.call("GET", "before").text == "1", "what was before")
