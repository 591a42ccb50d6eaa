"""A follower that was away for a million commands comes back: the leader's throughput meanwhile."""
import statistics
import time

from shardforge_testing.cluster import Cluster
from shardforge_testing.process import check

COMMANDS = 1_000_000
ROUNDS = 11
QUIET_SECONDS = 3.0
WARM_UP_SECONDS = 0.5
CLOSE_ENTRIES = 1000  # behind the leader: in flight
LOAD_SECONDS = 60  # longer than any round
DIRECTIVES = ["--snapshot-log-bytes", "32mb"]  # so that a million commands are compacted away
OPTIONS = {"mix": "set", "connections": 50, "pipeline": 16}


def executed(node):
    with node.client(timeout_s=20.0) as client:
        return int(client.info("stats")["total_commands_processed"])


class Stretch:
    """How many commands the leader executes in a second, between two moments."""

    def __init__(self, leader):
        self.leader, self.began, self.before = leader, time.monotonic(), executed(leader)

    def rate(self):
        self.seconds = time.monotonic() - self.began
        return (executed(self.leader) - self.before) / self.seconds


def is_close(node, leader):
    goal = int(leader.raft()["raft_commit_index"])
    return int(node.raft().get("raft_applied_index", 0)) + CLOSE_ENTRIES >= goal


def quiet_rate(leader):
    stretch = Stretch(leader)
    time.sleep(QUIET_SECONDS)
    return stretch.rate()


def one_round(cluster, load, leader, away):
    """One load from beginning to end: its rate with all three, with one away, and while that one comes back."""
    process = load.spawn([leader.port], seconds=LOAD_SECONDS, **OPTIONS)
    try:
        time.sleep(WARM_UP_SECONDS)
        quiet = quiet_rate(leader)
        away.kill()
        stretch = Stretch(leader)
        while executed(leader) < stretch.before + COMMANDS:
            time.sleep(0.05)
        alone = stretch.rate()
        stretch = Stretch(leader)
        away.start()
        while not is_close(away, leader):
            time.sleep(0.01)
        during = stretch.rate()
    finally:
        process.kill()
        process.communicate()
    cluster.wait_ready()
    return quiet, alone, during, stretch.seconds, int(away.raft().get("raft_snapshots_installed", 0))


def catch_up(server, load, directory):
    with Cluster(server, 3, DIRECTIVES, dir=f"{directory}/catch-up") as cluster:
        leader, away = cluster.leader(), cluster.followers()[0]
        rounds = [one_round(cluster, load, leader, away) for _ in range(ROUNDS)]
        quiet, alone, during, took, installed = (list(column) for column in zip(*rounds))
        print(f"caught up in {statistics.median(took):.1f} s (median of {ROUNDS}, longest {max(took):.1f} s), "
              f"snapshots installed: {sum(installed)}")
        for name, rates in (("all three there", quiet), ("one away", alone), ("while it catches up", during)):
            print(f"  {name:<22} median {statistics.median(rates):>8.0f} SET/s, lowest {min(rates):>8.0f}")
        ratios = [d / q for d, q in zip(during, quiet)]
        print(f"  while it catches up, to all three there in the same round: median {statistics.median(ratios):.2f}, "
              f"lowest {min(ratios):.2f}")
        check(cluster.leader() is leader, "no election during the run")
        check(sum(installed) >= ROUNDS, "each time by a snapshot")
        cluster.check_equal_digests()
