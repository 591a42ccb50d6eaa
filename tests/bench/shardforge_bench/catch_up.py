"""A follower that was away for a million commands comes back: the leader's throughput meanwhile."""
import statistics
import time

from shardforge_testing.cluster import Cluster
from shardforge_testing.process import check

COMMANDS = 1_000_000
ROUNDS = 5
SLICE_SECONDS = 1.0
QUIET_SLICES = 3
DIRECTIVES = ["--snapshot-log-bytes", "32mb"]  # so that a million commands are compacted away
OPTIONS = {"mix": "set", "connections": 50, "pipeline": 16}


def catch_up(server, load, directory):
    """Several rounds, since one lasts about a second and single seconds differ by a third."""
    with Cluster(server, 3, DIRECTIVES, dir=f"{directory}/catch-up") as cluster:
        leader, away = cluster.leader(), cluster.followers()[0]

        def rate():
            figures = load.run([leader.port], seconds=SLICE_SECONDS, **OPTIONS)
            check(not figures.errors, f"errors: {figures.errors}")
            return figures.values["throughput"]

        rate()
        quiet, alone, during, took, installed = [], [], [], [], 0
        for _ in range(ROUNDS):
            quiet += [rate() for _ in range(QUIET_SLICES)]
            away.kill()
            load.run([leader.port], count=COMMANDS, **OPTIONS)
            alone += [rate() for _ in range(QUIET_SLICES)]
            goal = int(leader.raft()["raft_commit_index"])
            away.start()
            began = time.monotonic()
            samples = []
            while not samples or int(away.raft().get("raft_applied_index", 0)) < goal:
                samples.append(rate())
            during += samples
            took.append(time.monotonic() - began)
            cluster.wait_ready()
            installed += int(away.raft().get("raft_snapshots_installed", 0))
        print(f"caught up in {statistics.median(took):.1f} s (median of {ROUNDS}, longest {max(took):.1f} s), "
              f"snapshots installed: {installed}")
        for name, samples in (("all three there", quiet), ("one away", alone), ("while it catches up", during)):
            print(f"  {name:<22} median {statistics.median(samples):>8.0f} SET/s, lowest {min(samples):>8.0f} "
                  f"({len(samples)} x {SLICE_SECONDS} s)")
        print(f"  while it catches up, to all three there: {statistics.median(during) / statistics.median(quiet):.2f}, "
              f"to one away: {statistics.median(during) / statistics.median(alone):.2f}")
        check(cluster.leader() is leader, "no election during the run")
        check(installed >= ROUNDS, "each time by a snapshot")
        cluster.check_equal_digests()
