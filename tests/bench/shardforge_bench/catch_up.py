"""A follower that was away for a million commands comes back: the leader's throughput meanwhile."""
import statistics
import time

from shardforge_testing.cluster import Cluster
from shardforge_testing.process import check

COMMANDS = 1_000_000
SLICE_SECONDS = 1.0
QUIET_SLICES = 5
DIRECTIVES = ["--snapshot-log-bytes", "32mb"]  # so that a million commands are compacted away
OPTIONS = {"mix": "set", "connections": 50, "pipeline": 16}


def catch_up(server, load, directory):
    with Cluster(server, 3, DIRECTIVES, dir=f"{directory}/catch-up") as cluster:
        leader, away = cluster.leader(), cluster.followers()[0]

        def rate():
            figures = load.run([leader.port], seconds=SLICE_SECONDS, **OPTIONS)
            check(not figures.errors, f"errors: {figures.errors}")
            return figures.values["throughput"]

        rate()
        quiet = [rate() for _ in range(QUIET_SLICES)]
        away.kill()
        load.run([leader.port], count=COMMANDS, **OPTIONS)
        alone = [rate() for _ in range(QUIET_SLICES)]
        goal = int(leader.raft()["raft_commit_index"])
        installed_before = snapshots_installed(away, None)
        away.start()
        began = time.monotonic()
        during = []
        while not during or int(away.raft().get("raft_applied_index", 0)) < goal:
            during.append(rate())
        took = time.monotonic() - began
        cluster.wait_ready()
        print(f"caught up in {took:.1f} s, snapshots installed: {snapshots_installed(away, installed_before)}")
        for name, samples in (("all three there", quiet), ("one away", alone), ("while it catches up", during)):
            print(f"  {name:<22} median {statistics.median(samples):>8.0f} SET/s, lowest {min(samples):>8.0f} "
                  f"({len(samples)} x {SLICE_SECONDS} s)")
        print(f"  while it catches up, to all three there: {statistics.median(during) / statistics.median(quiet):.2f}, "
              f"to one away: {statistics.median(during) / statistics.median(alone):.2f}")
        check(cluster.leader() is leader, "no election during the run")
        cluster.check_equal_digests()


def snapshots_installed(node, before):
    if before is None:
        return 0
    return int(node.raft().get("raft_snapshots_installed", 0)) - before
