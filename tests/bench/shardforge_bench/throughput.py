"""SET and GET of one and three nodes beside redis-server, interleaved."""
from shardforge_testing.cluster import Cluster
from shardforge_testing.process import check
from shardforge_testing.redis import Redis

from .common import median_of

ROUNDS = 5
SECONDS = 1.5
WARM_UP_SECONDS = 0.4


class Subject:
    """One thing to measure: where the clients connect, and all processes whose CPU time counts."""

    def __init__(self, name, ports, processes):
        self.name = name
        self.ports = ports
        self.processes = processes

    def measure(self, load, operation, pipeline):
        """(operations a second, CPU microseconds an operation)"""
        options = {"mix": operation, "pipeline": pipeline, "connections": 50}
        load.run(self.ports, seconds=WARM_UP_SECONDS, **options)
        before_s = sum(process.cpu_s() for process in self.processes)
        figures = load.run(self.ports, seconds=SECONDS, **options)
        used_s = sum(process.cpu_s() for process in self.processes) - before_s
        check(not figures.errors, f"{self.name}: {figures.errors}")
        replies = figures.values["replies"]
        check(replies > 0, f"{self.name} answers")
        return figures.values["throughput"], 1e6 * used_s / replies, figures.values["latency_us_p99"]


def throughput(server, load, directory):
    with Redis() as plain, Redis(["--appendonly", "yes", "--appendfsync", "always"]) as always, \
            Cluster(server, 1, dir=f"{directory}/one") as one, Cluster(server, 3, dir=f"{directory}/three") as three:
        leader, followers = three.leader(), three.followers()
        subjects = [
            Subject("redis, no persistence", [plain.port], [plain]),
            Subject("redis, appendfsync always", [always.port], [always]),
            Subject("shardforge, 1 node", [one.nodes[0].port], one.nodes),
            Subject("shardforge, 3 nodes, at the leader", [leader.port], three.nodes),
            Subject("shardforge, 3 nodes, at a follower", [followers[0].port], three.nodes),
            Subject("shardforge, 3 nodes, at all", [node.port for node in three.nodes], three.nodes),
        ]
        for operation in ("set", "get"):
            for pipeline in (1, 16):
                samples = {subject.name: [] for subject in subjects}
                for _ in range(ROUNDS):
                    for subject in subjects:  # interleaved: what else runs here meets all alike
                        samples[subject.name].append(subject.measure(load, operation, pipeline))
                print_table(operation, pipeline, subjects, samples)
        check(three.leader() is leader, "no election during the run")


def print_table(operation, pipeline, subjects, samples):
    title = f"{operation.upper()} -P {pipeline}"
    print(f"\n{title:<36}{'ops/s':>10}{'to plain':>10}{'to always':>10}{'CPU us/op':>11}{'p99 ms':>9}   spread of ops/s")
    plain, always = (median_of(samples[subject.name])[0] for subject in subjects[:2])
    for subject in subjects:
        rate, cpu_us, p99_us = median_of(samples[subject.name])
        rates = [sample[0] for sample in samples[subject.name]]
        print(f"{subject.name:<36}{rate:>10.0f}{rate / plain:>10.2f}{rate / always:>10.2f}{cpu_us:>11.2f}"
              f"{p99_us / 1000:>9.2f}   {min(rates):.0f}..{max(rates):.0f}", flush=True)
