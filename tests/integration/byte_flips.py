#!/usr/bin/env python3
"""One bit turned in one file of a stopped node, many times, in a cluster of three that is written to.

    byte_flips.py SERVER [--flips N] [--seed S] [--only K] [--first K] [--keep DIRECTORY]

Flip K of seed S stops a node (cleanly, or by kill -9 where K is odd), turns a bit that S and K choose, and starts it.
Good is: it catches up and holds what the others hold, whether or not it says that it was damaged; or it refuses with a
message that names a file or directory of its data and a way out, which is then taken. Whatever was acknowledged is
there afterwards, in all three.

--only K does flip K alone, on a fresh cluster: the same place of the same kind of file (what is in it depends on
timing). A failure keeps the node's directory as it was before the bit was turned, for
shardforge-server --dir and shardforge-check.
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "lib")]

from shardforge_testing.cluster import Cluster  # noqa: E402
from shardforge_testing.process import Failure, check, wait_until  # noqa: E402

SMALL = ("--snapshot-log-bytes", "1mb", "--snapshot-log-entries", "1000", "--notify-keyspace-events", "")
KEYS = 300
IGNORED = ("reserve", "log")  # 4 MiB of nothing; the server's own log
HARMLESS = {"lock", "log/LOG", "log/old"}
WAYS_OUT = ("remove the data directory", "wipe the data directory", "restore", "start that version")
START_DEADLINE_S = 20.0


def files_below(directory):
    """Relative paths of all files with content, sorted."""
    found = []
    for where, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(where, name)
            if name not in IGNORED and os.path.getsize(path) > 0:
                found.append(os.path.relpath(path, directory))
    return sorted(found)


def kind_of(name):
    """node-…/log-7/000005.ldb -> log/ldb"""
    last = name.rsplit("/", 1)[-1]
    if "/log-" in name:
        return "log/" + ("MANIFEST" if last.startswith("MANIFEST") else last.rsplit(".", 1)[-1])
    return "snapshot" if last.startswith("snapshot-") else last


class Writer:
    """Writes from now on, until told to stop; knows what must be there."""

    def __init__(self, value_of, counter):
        self.value_of = value_of  # key: what was acknowledged last, and what may have run since
        self.counter = counter
        self.stopping = False
        self.thread = None

    def write(self, client, n):
        batch = [f"key:{next(self.counter) % KEYS}" for _ in range(n)]
        values = [f"value:{next(self.counter)}:" + "x" * 1200 for _ in batch]
        for key, value in zip(batch, values):
            self.value_of.setdefault(key, [None]).append(value)
        replies = client.pipeline([("SET", key, value) for key, value in zip(batch, values)])
        for key, value, reply in zip(batch, values, replies):
            if not reply.is_error:
                held = self.value_of[key]
                self.value_of[key] = held[held.index(value):]

    def run(self, node):
        with node.client(timeout_s=20.0) as client:
            while not self.stopping:
                self.write(client, 5)

    def start(self, node):
        self.stopping = False
        self.thread = threading.Thread(target=self.run, args=(node,), daemon=True)
        self.thread.start()

    def stop(self):
        self.stopping = True
        self.thread.join(30)
        check(not self.thread.is_alive(), "the writer ends")


def check_values(node, value_of):
    with node.client(timeout_s=30.0) as client:
        keys = sorted(value_of)
        for key, reply in zip(keys, client.pipeline([("GET", key) for key in keys])):
            check(not reply.is_error, f"GET {key}: {reply}")
            check(reply.text in value_of[key] or (reply.is_nil and None in value_of[key]),
                  f"{key} at {node.name} is {reply.text!r:.40}, not one of {value_of[key]!r:.120}")


class Flips:
    def __init__(self, cluster, seed, keep, say):
        self.cluster, self.seed, self.keep, self.say = cluster, seed, pathlib.Path(keep), say
        self.value_of = {}
        self.counter = iter(range(10 ** 12))
        self.outcomes = {}
        self.kept = None

    def one(self, number):
        rng = random.Random(f"{self.seed}-{number}")
        victim = rng.choice(self.cluster.nodes)
        others = [node for node in self.cluster.nodes if node is not victim]
        cleanly = number % 2 == 0
        writer = Writer(self.value_of, self.counter)
        with others[0].client(timeout_s=20.0) as client:
            writer.write(client, rng.randrange(1, 200))
        writer.start(rng.choice(others))
        time.sleep(rng.random() * 0.2)
        if cleanly:
            check(victim.terminate() == 0, f"{victim.name} stops cleanly")
        else:
            victim.kill()
        writer.stop()
        flip = self.choose(rng, victim)
        self.kept = self.keep / f"flip-{self.seed}-{number}"
        shutil.rmtree(self.kept, ignore_errors=True)
        shutil.copytree(victim.directory, self.kept)
        self.turn(victim, flip)
        where = "%s offset %d bit %d" % flip
        try:
            foreseen = self.look(victim)
            outcome, words = self.start(victim)
            check((outcome == "refused") == (foreseen == 2) and (outcome != "damaged" or foreseen > 0),
                  f"shardforge-check foresaw {foreseen}, and it is: {outcome}")
            self.judge(victim)
        except Failure as failure:
            raise Failure(f"flip {number} of seed {self.seed} ({'clean stop' if cleanly else 'kill -9'}), {where} of "
                          f"{victim.name}: {failure}\n(the directory before: {self.kept})") from failure
        shutil.rmtree(self.kept)
        self.outcomes.setdefault(("clean" if cleanly else "killed", kind_of(flip[0])), Counter())[outcome] += 1
        self.say(f"{number}: {where}: {outcome} {words}")

    @staticmethod
    def choose(rng, victim):
        names = files_below(victim.directory)
        if rng.random() < 0.6:  # each kind that matters as often as any other
            kind = rng.choice(sorted(set(map(kind_of, names)) - HARMLESS))
            names = [name for name in names if kind_of(name) == kind]
        name = rng.choice(names)
        return name, rng.randrange(os.path.getsize(os.path.join(victim.directory, name))), rng.randrange(8)

    @staticmethod
    def turn(victim, flip):
        name, offset, bit = flip
        with open(os.path.join(victim.directory, name), "r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ (1 << bit)]))

    @staticmethod
    def look(victim):
        """The exit code of shardforge-check, which must leave everything as it was."""
        def state():
            return [(name, os.stat(os.path.join(victim.directory, name))[6:9:2]) for name in files_below(victim.directory)]
        before = state()
        result = subprocess.run([os.path.join(os.path.dirname(victim.arguments[0]), "shardforge-check"),
                                 victim.directory, "--verify", "--entries", "1.."],
                                capture_output=True, text=True, errors="replace", timeout=60)
        check(result.returncode in (0, 1, 2), f"shardforge-check ended with {result.returncode}: {result.stderr[-500:]}")
        check(state() == before, "shardforge-check changed a file")
        problems = [line for line in result.stdout.splitlines() if "PROBLEM" in line]
        check(all(victim.directory in line for line in problems) and bool(problems) == (result.returncode > 0),
              f"each problem names its file: {problems}")
        return result.returncode

    def start(self, victim):
        """What the node makes of it, and its words; running and a member again in any case."""
        open(victim.output_path, "w").close()
        log_was = os.path.getsize(victim.log_path)
        victim.spawn()

        def settled():
            if victim.process.poll() is not None:
                return True
            views = [node.raft() for node in self.cluster.nodes]
            return len({view["raft_leader_id"] for view in views}) == 1 and \
                len({view["raft_applied_index"] for view in views} | {view["raft_commit_index"] for view in views}) == 1
        wait_until(settled, f"{victim.name} catches up or ends", START_DEADLINE_S)
        with open(victim.log_path, errors="replace") as log:
            log.seek(log_was)
            said = log.read()
        if victim.process.poll() is None:
            damage = re.search(r".*(does not vote until|was cut|older snapshot|run from its beginning).*", said)
            if damage is None:
                return "as before", ""
            outcome = "damaged" if "does not vote" in damage[0] else "cut" if "cut" in damage[0] else "without snapshot"
            return outcome, damage[0].split(" # ")[-1].replace(victim.directory, "")[:200]
        with open(victim.output_path, errors="replace") as output:
            words = output.read().strip()
        if not words and "OLDCOPY" in said:  # its own files cannot tell; the others did, some moments later
            check("Empty its directory and let it join anew" in said, f"it helps nobody: {said[-500:]}")
            self.rejoin(victim)
            return "told by others", ""
        check(victim.process.returncode > 0, f"a refusal, not code {victim.process.returncode}: {words}")
        line = words.splitlines()[0] if words else ""
        check(victim.directory in words and any(way in words for way in WAYS_OUT), f"it helps nobody: {words}")
        self.rejoin(victim)
        return "refused", line.replace(victim.directory, "")[:200]

    def rejoin(self, victim):
        member = next(node for node in self.cluster.nodes if node is not victim)
        victim.wipe()
        victim.start(["--cluster-bootstrap", "no"])
        self.cluster.meet(victim, member)

    def judge(self, victim):
        self.cluster.wait_ready()
        self.cluster.check_equal_digests()
        check_values(victim, self.value_of)


def run(server, flips, seed, first, directory, say):
    """Counts of (how it was stopped, kind of file): outcomes."""
    with Cluster(server, 3, SMALL, dir=pathlib.Path(directory) / "cluster") as cluster:
        series = Flips(cluster, seed, directory, say)
        for number in range(first, first + flips):
            series.one(number)
        for node in cluster.nodes:
            check_values(node, series.value_of)
    return series.outcomes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("--flips", type=int, default=200)
    parser.add_argument("--seed", default=str(random.randrange(10 ** 6)))
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep", default=os.environ.get("TMPDIR", "/tmp"))
    options = parser.parse_args()
    if options.only is not None:
        options.first, options.flips = options.only, 1
    directory = pathlib.Path(options.keep) / f"sf-byte-flips-{os.getpid()}"
    directory.mkdir()
    began = time.monotonic()
    try:
        outcomes = run(options.server, options.flips, options.seed, options.first, directory,
                       lambda text: print("  " + text, flush=True))
    except (Failure, subprocess.TimeoutExpired) as failure:
        print(f"byte flips: {failure}")
        return 1
    for (how, kind), counts in sorted(outcomes.items()):
        print(f"  {how:7} {kind:14} {dict(counts)}")
    print(f"byte flips: {options.flips} of seed {options.seed} hold ({time.monotonic() - began:.0f} s)")
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
