"""Nodes stopped and started one after the other, and leadership handed round: a short pause, no error."""
import statistics

from shardforge_testing.load import Load
from shardforge_testing.process import check, wait_until


def milliseconds(seconds):
    return f"{1000 * seconds:.0f} ms"


def test_sigterm_of_each_node_in_turn_is_no_error_for_clients_of_the_others(context):
    with context.cluster(3) as cluster:
        loads = []
        for number, node in enumerate(cluster.nodes):
            others = [other for other in cluster.nodes if other is not node]
            role = node.raft()["raft_role"]
            load = Load([other.port for other in others], connections=20, timeout_s=5.0, name=f"round-{number}")
            with load:
                load.wait_replies(1000)
                code = node.terminate()
                check(code == 0, f"a clean stop ends with code 0, not {code}")
                load.wait_replies(1000)
                node.start()
                cluster.wait_ready()
                load.wait_replies(500)
                load.stop()
            load.check_no_errors()
            context.say(f"{node.name}, {role}: longest pause at the others "
                        f"{milliseconds(max(load.longest_pause_s.values()))}")
            loads.append(load)
        with cluster.nodes[0].client() as client:
            for load in loads:
                load.check_against(client)
        cluster.check_equal_digests()


def test_clients_of_a_node_that_stops_are_answered_or_cut_off(context):
    """No error reply, nothing left without an end; what was acknowledged is there."""
    with context.cluster(3) as cluster:
        for number in range(3):
            leader = cluster.leader()
            with Load([leader.port], connections=20, timeout_s=5.0, name=f"round-{number}") as load:
                load.wait_replies(1000)
                check(leader.terminate() == 0, "a clean stop ends with code 0")
                load.stop()
            ends = set(load.errors)
            check(ends <= {"(closed)"}, f"only closed connections, but {dict(load.errors)}")
            cluster.restart(leader)
            with leader.client() as client:
                load.check_against(client)


def test_leadership_handed_round_under_load_is_a_short_pause(context):
    with context.cluster(3) as cluster:
        pauses = []
        with Load([node.port for node in cluster.nodes], connections=30, timeout_s=5.0, think_s=0.001) as load:
            for _ in range(9):
                load.wait_replies(500)
                successor = cluster.followers()[0]
                for port in load.longest_pause_s:
                    load.longest_pause_s[port] = 0.0
                check(successor.call("CLUSTER", "FAILOVER").text == "OK", "CLUSTER FAILOVER is accepted")
                wait_until(lambda: successor.raft()["raft_role"] == "leader", f"{successor.name} leads", pause_s=0.02)
                load.wait_replies(500)
                pauses.append(max(load.longest_pause_s.values()))
            load.stop()
        load.check_no_errors()
        context.say(f"longest pauses: {', '.join(milliseconds(p) for p in sorted(pauses))}; "
                    f"median {milliseconds(statistics.median(pauses))}")
        with cluster.nodes[0].client() as client:
            load.check_against(client)
        check(statistics.median(pauses) < 0.15, "a hand-over waits for no election timeout")
