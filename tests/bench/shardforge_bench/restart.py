"""How long a start takes: the load of a snapshot beside a redis-server's of its own dump, and a million commands of log."""
import statistics
import time

from shardforge_testing.cluster import Cluster
from shardforge_testing.process import check, wait_until
from shardforge_testing.redis import Redis

from .snapshot import KEYS
from .stalls import fill, save_and_wait

COMMANDS = 1_000_000
ROUNDS = 3
DIRECTIVES = ["--snapshot-log-bytes", "1000gb", "--snapshot-log-entries", "1000000000"]


def restart(server, load, directory):
    with Cluster(server, 1, DIRECTIVES, dir=f"{directory}/node") as cluster, \
            Redis(["--save", ""], f"{directory}/redis") as redis:
        node = cluster.nodes[0]
        for subject in (node, redis):
            fill(load, subject.port, KEYS)
            save_and_wait(subject)
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(start_again(node, KEYS))
            theirs.append(start_again(redis, KEYS))
        print(f"{KEYS} keys, kill -9 to the first answer: {show(ours)}; redis-server {show(theirs)}; "
              f"ratio {statistics.median(ours) / statistics.median(theirs):.2f}")
        commands(load, node, KEYS)
        print(f"{KEYS} keys and {COMMANDS} commands behind the snapshot: {show(starts(node, KEYS))}")
    with Cluster(server, 1, DIRECTIVES, dir=f"{directory}/log") as cluster:
        node = cluster.nodes[0]
        commands(load, node, 100_000)
        keys = node.call("DBSIZE").value
        print(f"{COMMANDS} commands of log alone: {show(starts(node, keys))}")


def show(seconds):
    return f"{statistics.median(seconds):.2f} s (longest {max(seconds):.2f})"


def commands(load, node, keys):
    figures = load.run([node.port], mix="set", count=COMMANDS, keys=keys, value_bytes=32, connections=50, pipeline=16)
    check(not figures.errors, f"errors: {figures.errors}")


def starts(node, keys):
    return [start_again(node, keys) for _ in range(ROUNDS)]


def start_again(subject, keys):
    subject.kill()
    began = time.monotonic()
    subject.spawn()

    def answers():
        try:
            with subject.client(timeout_s=60.0) as client:
                return client.call("DBSIZE").value == keys
        except OSError:
            return False
    wait_until(answers, f"{subject.name} has {keys} keys", 120, pause_s=0.005)
    return time.monotonic() - began
