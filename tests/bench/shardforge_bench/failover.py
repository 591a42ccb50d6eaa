"""kill -9 of the leader under load at the other nodes, and what their clients see of it."""
import statistics
import time

from shardforge_testing.cluster import Cluster

from .common import p90
from .probe import SyncProbe

KILLS = 50
LOAD_SECONDS = 2.0  # of one kill's load
KILL_AFTER_SECONDS = 0.7


def failover(server, load, directory):
    pauses_ms, waits_ms, errors, unknown = [], [], {}, 0
    with Cluster(server, 3, dir=f"{directory}/failover") as cluster, SyncProbe(directory) as probe:
        for number in range(1, KILLS + 1):
            leader, followers = cluster.leader(), cluster.followers()
            process = load.spawn([node.port for node in followers], mix="set", connections=50, seconds=LOAD_SECONDS)
            time.sleep(KILL_AFTER_SECONDS)  # a moment in the middle of the load, no event to wait for
            leader.kill()
            figures = load.finish(process)
            pauses_ms += figures.pauses_ms.values()
            waits_ms.append(figures.values["latency_us_max"] / 1000)
            unknown += int(figures.values["unknown"])
            for text, count in figures.errors.items():
                errors[text] = errors.get(text, 0) + count
            shown = ", ".join(f"{pause:.0f} ms" for pause in figures.pauses_ms.values())
            print(f"kill {number:2}: pause at the other nodes {shown}", flush=True)
            cluster.restart(leader)
        cluster.check_equal_digests()
    ordered = sorted(pauses_ms)
    print(f"\n{KILLS} kill -9 of the leader, {len(ordered)} pauses at the other nodes:")
    print(f"  longest time without an answer: median {statistics.median(ordered):.0f} ms, "
          f"p90 {p90(ordered):.0f} ms, max {ordered[-1]:.0f} ms")
    print(f"  longest wait of one command:    median {statistics.median(waits_ms):.0f} ms, max {max(waits_ms):.0f} ms")
    print(f"  longest sync of 4 KiB by a bare probe beside it: {probe.longest_ms():.0f} ms")
    print(f"  errors: {sum(errors.values())}{' ' + str(errors) if errors else ''}; unknown: {unknown}")
