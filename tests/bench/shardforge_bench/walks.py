"""Large changes while a walk over the state is open: what other clients wait."""
import subprocess
import threading
import time

from shardforge_testing.cluster import Cluster
from shardforge_testing.process import check, wait_until
from shardforge_testing.resp import encode

from .snapshot import KEYS, wait_saved
from .stalls import Window, begin_save, fill, info_field, show

FIELDS = 2 * KEYS
SECONDS = 5
ROUNDS = 3
DIRECTIVES = ["--snapshot-log-bytes", "1000gb", "--snapshot-log-entries", "1000000000"]


def walks(server, load, directory):
    with Cluster(server, 1, DIRECTIVES, dir=f"{directory}/walks") as cluster:
        node = cluster.nodes[0]
        fill(load, node.port, KEYS)
        print(f"one node, {KEYS} keys; ms")
        show(f"quiet, {ROUNDS} x {SECONDS} s", [Window(load, [node.port], SECONDS, KEYS) for _ in range(ROUNDS)])
        during_walk(load, node, "SWAPDB", lambda: call(node, "SWAPDB", 0, 1))
        during_walk(load, node, "FLUSHALL", lambda: call(node, "FLUSHALL"),
                    before=lambda: fill(load, node.port, KEYS))
        during_walk(load, node, f"{KEYS // 5} keys expire", lambda: None, before=lambda: expiring(node, KEYS // 5))
        large_hash(node, FIELDS)
        during_walk(load, node, f"HSET into {FIELDS} fields", lambda: set_fields(node))


def call(node, *arguments):
    answer = node.call(*arguments, timeout_s=60.0)
    check(not answer.is_error, f"{arguments[0]}: {answer}")


def during_walk(load, node, title, change, before=lambda: None):
    windows = []
    for _ in range(ROUNDS):
        before()
        saves = None

        def act():
            nonlocal saves
            time.sleep(1)  # some quiet load first
            saves = begin_save(node)
            check(info_field(node, "persistence", "rdb_bgsave_in_progress") == "1", "the walk is open")
            change()
        windows.append(Window(load, [node.port], SECONDS, KEYS, act))
        wait_saved(node, saves)
    show(title, windows)


def pipe(node, commands):
    """Sends them all, counts the replies and their errors by redis-cli."""
    sender = subprocess.Popen(["redis-cli", "-p", str(node.port), "--pipe"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE)
    drained = []
    reader = threading.Thread(target=lambda: drained.append(sender.stdout.read()))
    reader.start()
    for command in commands:
        sender.stdin.write(encode(command))
    sender.stdin.close()
    reader.join()
    check(sender.wait() == 0 and b"errors: 0" in drained[0], f"redis-cli --pipe: {drained[0]!r}")


def expiring(node, keys):
    """All at the same moment, two seconds into the window; the filling is awaited."""
    pipe(node, (["SET", f"mortal:{number}", "v"] for number in range(keys)))
    at = int(time.time() * 1000) + 1000 * max(10, keys // 40000)
    pipe(node, (["PEXPIREAT", f"mortal:{number}", at] for number in range(keys)))
    check(time.time() * 1000 < at - 2000, "they live until the window begins")
    time.sleep((at - 2000) / 1000 - time.time())


def large_hash(node, fields):
    pipe(node, (["HSET", "large"] + [word for field in range(first, first + 100) for word in (f"field:{field}", "v")]
                for first in range(0, fields, 100)))
    wait_until(lambda: node.call("HLEN", "large").value == fields, "the hash is filled")


def set_fields(node):
    """Old and new fields, while the walk is on its way."""
    with node.client(timeout_s=60.0) as client:
        ends = time.monotonic() + 2
        number = 0
        while time.monotonic() < ends:
            client.call("HSET", "large", f"field:{number * 7919 % FIELDS}", "changed", f"new:{number}", "v")
            number += 1
