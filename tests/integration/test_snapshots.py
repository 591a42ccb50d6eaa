"""Snapshots: the log stays short, who was away for long catches up by one, and all start from one and the log."""
import os
import threading
import time

from shardforge_testing.load import Load
from shardforge_testing.process import check, wait_until

SMALL = ("--snapshot-log-bytes", "1mb", "--snapshot-log-entries", "1000")
AWAY = 200000
MORE = 100000
KEYS = 20000


def number(node, name):
    return int(node.raft()[name])


def write(node, first, n):
    """n commands: SETs over KEYS keys, every tenth an INCR, in pipelines of 500."""
    with node.client(timeout_s=60.0) as client:
        for at in range(first, first + n, 500):
            commands = [("INCR", "counter") if i % 10 == 0 else ("SET", f"key:{i % KEYS}", f"value:{i}")
                        for i in range(at, min(at + 500, first + n))]
            replies = client.pipeline(commands)
            bad = [reply for reply in replies if reply.is_error]
            check(not bad, f"no errors while writing: {bad[:1]}")


def check_values(node, n):
    with node.client(timeout_s=30.0) as client:
        check(client.call("GET", "counter").text == str((n + 9) // 10), "the counter")
        last = {i % KEYS: i for i in range(n - 2 * KEYS, n) if i % 10}
        commands = [("GET", f"key:{key}") for key in last]
        for reply, value in zip(client.pipeline(commands), last.values()):
            check(reply.text == f"value:{value}", f"key of {value}: {reply}")


def installed_ever(node):
    with open(node.log_path, errors="replace") as file:
        return file.read().count("was taken from a snapshot")


def snapshot_files(node):
    return sorted(name for _, _, names in os.walk(node.directory) for name in names if name.startswith("snapshot"))


def test_a_follower_that_was_away_for_long_catches_up_by_a_snapshot(context):
    with context.cluster(3, *SMALL) as cluster:
        victim = cluster.followers()[0]
        others = [node for node in cluster.nodes if node is not victim]
        last_seen = number(victim, "raft_last_index")
        victim.kill()
        write(others[0], 0, AWAY)
        wait_until(lambda: number(cluster.leader(), "raft_first_index") > last_seen + 1, "the log lost its beginning")
        began = time.monotonic()
        cluster.restart(victim)
        check(number(victim, "raft_snapshots_installed") >= 1, "it was sent a snapshot")
        context.say(f"caught up within {time.monotonic() - began:.2f} s; "
                    f"the leader's log: {number(cluster.leader(), 'raft_first_index')} to "
                    f"{number(cluster.leader(), 'raft_last_index')}")
        check_values(victim, AWAY)
        cluster.check_equal_digests()
        write(victim, AWAY, MORE)
        for node in cluster.nodes:
            # and for a minute those that were read for somebody
            wait_until(lambda: len(snapshot_files(node)) in (2, 3), f"the last two are kept: {snapshot_files(node)}")
        cluster.wait_ready()
        cluster.kill_all()
        cluster.start_all()
        for node in cluster.nodes:
            check(number(node, "raft_snapshot_index") > 0, f"{node.name} started from a snapshot")
            check_values(node, AWAY + MORE)
        cluster.check_equal_digests()


def test_a_new_node_joins_by_a_snapshot_while_others_write(context):
    with context.cluster(3, *SMALL) as cluster:
        write(cluster.nodes[0], 0, AWAY)
        wait_until(lambda: number(cluster.leader(), "raft_first_index") > 1, "the log lost its beginning")
        new = cluster.new_node(4)
        cluster.nodes.append(new)
        with Load([node.port for node in cluster.nodes[:3]], connections=10) as load:
            load.wait_replies(1000)
            new.start(["--cluster-bootstrap", "no"])
            leader = cluster.nodes[0]
            check(new.call("CLUSTER", "MEET", "127.0.0.1", leader.port, leader.bus_port).text == "OK", "MEET")
            cluster.wait_member(new)
            load.wait_replies(1000)
            load.stop()
        load.check_no_errors()
        cluster.wait_ready(members=4)
        check(number(new, "raft_snapshots_installed") >= 1, "it was sent a snapshot")
        with new.client() as client:
            load.check_against(client)
        cluster.check_equal_digests()


def test_kills_while_snapshots_are_taken_and_sent_lose_nothing(context):
    with context.cluster(3, *SMALL) as cluster:
        ports = [node.port for node in cluster.nodes]
        for round_number in range(6):
            victim = cluster.nodes[round_number % 3]
            with Load(ports, connections=30, timeout_s=8.0, reconnect=True, name=f"round-{round_number}") as load:
                load.wait_replies(1500)
                victim.kill()
                writer = threading.Thread(target=write_quietly, args=(cluster.nodes[(round_number + 1) % 3],))
                writer.start()
                writer.join()
                victim.start()
                time.sleep(0.05 * round_number)  # anywhere in its catching up
                victim.kill()
                victim.start()
                load.wait_replies(500)
                load.stop()
            cluster.wait_ready()
            with victim.client() as client:
                load.check_against(client)
        check(sum(map(installed_ever, cluster.nodes)) > 0, "snapshots were installed")
        context.say(f"snapshots installed: {[installed_ever(node) for node in cluster.nodes]}")
        cluster.check_equal_digests()


def write_quietly(node):
    with node.client(timeout_s=60.0) as client:
        for at in range(0, 40000, 500):
            client.pipeline([("SET", f"bulk:{i}", "x" * 100) for i in range(at, at + 500)])
