"""Every node stopped by SIGTERM and started again, under load at the two others: the pauses that its hand-over costs."""
import statistics
import time

from shardforge_testing.cluster import Cluster
from shardforge_testing.process import check

from .common import p90

ROUNDS = 10
LOAD_SECONDS = 1.6
STOP_AFTER_SECONDS = 0.6


def rolling(server, load, directory):
    of_leaders, of_followers, errors, unknown = [], [], {}, 0
    with Cluster(server, 3, dir=f"{directory}/rolling") as cluster:
        for number in range(ROUNDS * 3):
            node = cluster.nodes[number % 3]
            leads = cluster.leader() is node
            others = [other for other in cluster.nodes if other is not node]
            process = load.spawn([other.port for other in others], mix="set", connections=50, seconds=LOAD_SECONDS)
            time.sleep(STOP_AFTER_SECONDS)  # a moment in the middle of the load, no event to wait for
            check(node.terminate() == 0, f"{node.name} exits with 0")
            figures = load.finish(process)
            (of_leaders if leads else of_followers).extend(figures.pauses_ms.values())
            unknown += int(figures.values["unknown"])
            for text, count in figures.errors.items():
                errors[text] = errors.get(text, 0) + count
            shown = ", ".join(f"{pause:.0f} ms" for pause in figures.pauses_ms.values())
            print(f"stop {number + 1:2} ({'leader' if leads else 'follower'}): pause at the other nodes {shown}", flush=True)
            cluster.restart(node)
        cluster.check_equal_digests()
    for name, pauses in (("leader", of_leaders), ("follower", of_followers)):
        ordered = sorted(pauses)
        if ordered:
            print(f"SIGTERM of a {name}, {len(ordered)} pauses: median {statistics.median(ordered):.0f} ms, "
                  f"p90 {p90(ordered):.0f} ms, max {ordered[-1]:.0f} ms")
    print(f"errors: {sum(errors.values())}{' ' + str(errors) if errors else ''}; unknown: {unknown}")
