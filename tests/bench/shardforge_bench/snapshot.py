"""A snapshot of five million keys under load, beside quiet windows of the same run and a redis-server's BGSAVE."""
import os
import statistics
import time

from shardforge_testing.cluster import Cluster
from shardforge_testing.process import check
from shardforge_testing.redis import Redis

from .stalls import Window, begin_save, fill, info_field, save_and_wait, saved, show

KEYS = int(os.environ.get("KEYS", 5_000_000))
ROUNDS = 3
FULL_SPEED = {"mix": "set", "connections": 50, "pipeline": 16, "value_bytes": 32, "timeout_ms": 30000}


def snapshot(server, load, directory):
    directives = ["--snapshot-log-bytes", "1000gb", "--snapshot-log-entries", "1000000000"]  # none but those asked for
    with Cluster(server, 1, directives, dir=f"{directory}/snapshot") as cluster:
        node = cluster.nodes[0]
        fill(load, node.port, KEYS)
        print(f"one node, {KEYS} keys; ms")
        stalls(load, node)
        full_speed(load, node)
    with Redis(["--save", "", "--appendonly", "no"], f"{directory}/redis") as redis:
        fill(load, redis.port, KEYS)
        print(f"redis-server, {KEYS} keys; ms")
        stalls(load, redis)
        full_speed(load, redis)


def stalls(load, server):
    seconds = duration(load, server)
    quiet, during = [], []
    for _ in range(ROUNDS):
        quiet.append(Window(load, [server.port], seconds, KEYS))
        saves = None

        def begin():
            nonlocal saves
            saves = begin_save(server)
        during.append(Window(load, [server.port], seconds, KEYS, begin))
        wait_saved(server, saves)
    show(f"quiet, {ROUNDS} x {seconds:.0f} s", quiet)
    show("during a snapshot", during)


def duration(load, server):
    """Of a snapshot under this load."""
    began = time.monotonic()
    Window(load, [server.port], 2, KEYS, lambda: save_and_wait(server))
    return max(2.0, time.monotonic() - began)


def wait_saved(server, saves):
    deadline = time.monotonic() + 300
    while not saved(server, saves):
        check(time.monotonic() < deadline, "the snapshot ends")
        time.sleep(0.05)


def full_speed(load, server):
    """Throughput and extra memory under as many writes as can be."""
    quiet, during, kept = [], [], []

    def rate():
        figures = load.run([server.port], seconds=1, keys=KEYS, **FULL_SPEED)
        check(not figures.errors, f"errors: {figures.errors}")
        return figures.values["throughput"]

    used = int(info_field(server, "memory", "used_memory"))
    rate()
    for _ in range(3):
        quiet += [rate() for _ in range(4)]
        saves = begin_save(server)
        while True:
            sample = rate()
            if saved(server, saves) and during:
                break
            during.append(sample)  # seconds that lie in it whole; a short one's first
        kept.append(int(info_field(server, "persistence", "rdb_last_cow_size")))
    print(f"  SET -P 16: quiet {statistics.median(quiet):.0f}/s, during {statistics.median(during):.0f}/s "
          f"({len(during)} s): {statistics.median(during) / statistics.median(quiet):.2f}; kept for the snapshot "
          f"{max(kept) / 1e6:.0f} MB of {used / 1e6:.0f} MB: {100 * max(kept) / used:.1f} %")
