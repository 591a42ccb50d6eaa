#!/usr/bin/env python3
"""The storage with one bit turned in one of its files.

    storage_flips.py BUILD [--flips N] [--seed N] [--jobs N] [--keep DIRECTORY]
    storage_flips.py BUILD --replay DIRECTORY FILE:OFFSET:BIT

Directories are made by random work, ended cleanly or by a kill; a copy of each is started with one bit turned. Good is:

  - a refusal that names a file or directory of the data and a way out;
  - a node that says it is damaged: it does not count until the others have made it whole;
  - the very same log, hard state, identity and snapshot. After a kill what is younger than the mark may be missing;
    an older snapshot may stand where the newest was hit.

A failure prints how to replay it: the directory as it was before the bit was turned is kept.
"""
import argparse
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

from storage_model import LARGE, SMALL, STEPS, Run, Wrong

FLIPS_A_DIRECTORY = 40
IGNORED = ("reserve",)  # 4 MiB of nothing
WAYS_OUT = ("remove the data directory", "restore", "start that version")


def files_below(directory):
    """Relative paths of all files with content, sorted."""
    found = []
    for where, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(where, name)
            if name not in IGNORED and os.path.getsize(path) > 0:
                found.append(os.path.relpath(path, directory))
    return sorted(found)


def turn(directory, flip):
    name, offset, bit = flip
    with open(os.path.join(directory, name), "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ (1 << bit)]))


def kind_of(name):
    """log-7/000005.ldb -> log/ldb"""
    last = name.rsplit("/", 1)[-1]
    if "/log-" in name:
        return "log/" + ("MANIFEST" if last.startswith("MANIFEST") else last.rsplit(".", 1)[-1])
    return "snapshot" if last.startswith("snapshot-") else last


def hard_state(directory, node):
    """Term, vote and mark of the newest record (src/storage/hard_state.c)."""
    with open(os.path.join(directory, f"node-{node}", "hard-state"), "rb") as file:
        data = file.read()
    records = [struct.unpack_from("<4sIQQQQQQ", data, at) for at in range(0, 8192, 2048)]
    newest = max((record for record in records if record[0] == b"SFHS"), key=lambda record: record[2])
    return {"term": newest[3], "vote": newest[4], "mark": newest[6]}


class Truth:
    """What a directory holds, by a start on a copy that nobody touched."""

    def __init__(self, run, directory):
        copy = directory + ".truth"
        shutil.copytree(directory, copy)
        self.found = run.verify(copy)
        shutil.rmtree(copy)
        if self.found["damaged"]:
            raise Wrong("damaged although no bit was turned")
        self.hard = hard_state(directory, self.found["id"])

    def judge(self, found, kind):
        """Of a start that does not say it is damaged."""
        truth, mark = self.found, self.hard["mark"]
        for name in ("id", "blob"):
            if found[name] != truth[name]:
                raise Wrong(f"another {name}: {found[name]}, not {truth[name]}")
        last_term = found["terms"][-1] if found["terms"] else 0
        if found["last"] == found["snapshot"]:  # it is the snapshot's, which may have raised the node's
            last_term = max(last_term, found["term"])
        hard = (self.hard["term"], self.hard["vote"]) if last_term <= self.hard["term"] else (last_term, 0)
        if (found["term"], found["vote"]) != hard:
            raise Wrong(f"hard state {found['term'], found['vote']}, not {hard}")
        first = max(found["first"], truth["first"]) - 1
        if len(found["terms"]) < mark or found["terms"][first:mark] != truth["terms"][first:mark]:
            raise Wrong(f"{len(found['terms'])} entries, or others, without a word; the mark is {mark}")
        if found["snapshot"] != truth["snapshot"] and kind != "snapshot":
            raise Wrong(f"snapshot {found['snapshot']}, not {truth['snapshot']}")


class Flipper:
    def __init__(self, run, seed):
        self.run = run
        self.random = random.Random(seed)
        self.directory = os.path.join(run.root, "subject")
        self.copy = os.path.join(run.root, "copy")
        self.outcomes = {}
        self.truth = None
        self.how = ""

    def make_subject(self):
        """One to three pieces of work; the last may be killed at any call."""
        shutil.rmtree(self.directory, ignore_errors=True)
        pieces = self.random.randint(1, 3)
        for piece in range(pieces):
            kills = piece + 1 == pieces and self.random.random() < 0.5
            environment = {"SF_SHIM_DIR": self.directory}
            if kills:
                environment.update(SF_SHIM_ACTION="kill", SF_SHIM_AT=str(self.random.randint(30, 900)))
            result = self.run.call("run", self.directory, self.random.randint(1, 10 ** 6),
                                   self.random.choice((5, STEPS, 3 * STEPS)),
                                   self.random.choice((SMALL, LARGE)), environment=environment)
            if result.returncode not in (0, -9):
                raise Wrong(f"work ended with {result.returncode}: {result.stdout[-300:]}")
            self.how = "killed" if result.returncode == -9 else "clean"
        for name in IGNORED:
            if os.path.exists(os.path.join(self.directory, name)):
                os.remove(os.path.join(self.directory, name))
        if not os.path.exists(os.path.join(self.directory, "identity")):
            return self.make_subject()
        self.truth = Truth(self.run, self.directory)
        return None

    def choose(self):
        names = files_below(self.directory)
        if self.random.random() < 0.5:  # each kind as often as any other
            kind = self.random.choice(sorted(set(map(kind_of, names))))
            names = [name for name in names if kind_of(name) == kind]
        name = self.random.choice(names)
        size = os.path.getsize(os.path.join(self.directory, name))
        return name, self.random.randrange(size), self.random.randrange(8)

    def try_flip(self, flip):
        shutil.rmtree(self.copy, ignore_errors=True)
        shutil.copytree(self.directory, self.copy)
        turn(self.copy, flip)
        result = self.run.call("verify", self.copy)
        kind = kind_of(flip[0])
        if result.returncode == 4:
            text = result.stdout.strip().split(": ", 1)[-1]
            if self.copy not in text or not any(way in text for way in WAYS_OUT):
                raise Wrong(f"a refusal that helps nobody: {text}")
            self.count(kind, "refused")
            return result.stdout.strip()
        found = self.run.understand(result)
        if found["damaged"]:
            self.count(kind, "damaged")
        else:
            self.truth.judge(found, kind)
            missing = found["terms"] != self.truth.found["terms"] or found["snapshot"] != self.truth.found["snapshot"]
            self.count(kind, "shorter" if missing else "as before")
        return str({name: value for name, value in found.items() if name != "terms"})

    def count(self, kind, outcome):
        key = (self.how, kind)
        self.outcomes.setdefault(key, {}).setdefault(outcome, 0)
        self.outcomes[key][outcome] += 1

    def keep(self, into):
        kept = os.path.join(into, f"flip-{os.getpid()}-{self.random.randrange(10 ** 6)}")
        shutil.copytree(self.directory, kept)
        return kept


class Series:
    def __init__(self, options, root):
        build = os.path.abspath(options.build)
        self.options = options
        self.flippers = [Flipper(Run(build, os.path.join(root, f"job-{job}"), 1), f"{options.seed}-{job}")
                         for job in range(options.jobs)]
        self.left, self.problem, self.lock = options.flips, None, threading.Lock()

    def take(self):
        with self.lock:
            if self.left == 0 or self.problem:
                return False
            self.left -= 1
            return True

    def work(self, flipper):
        flip = None
        try:
            for number in range(10 ** 9):
                if not self.take():
                    return
                if number % FLIPS_A_DIRECTORY == 0:
                    flip = None
                    flipper.make_subject()
                flip = flipper.choose()
                flipper.try_flip(flip)
        except (Wrong, OSError, ValueError, subprocess.TimeoutExpired) as problem:
            where = "" if flip is None else f"\n  --replay {flipper.keep(self.options.keep)} %s:%d:%d" % flip
            with self.lock:
                self.problem = self.problem or f"seed {self.options.seed} ({flipper.how}): {problem}{where}"

    def go(self):
        began = time.monotonic()
        workers = [threading.Thread(target=self.work, args=(flipper,)) for flipper in self.flippers]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if self.problem:
            raise Wrong(self.problem)
        outcomes = {}
        for flipper in self.flippers:
            for key, counts in flipper.outcomes.items():
                for outcome, count in counts.items():
                    outcomes.setdefault(key, {}).setdefault(outcome, 0)
                    outcomes[key][outcome] += count
        for (how, kind), counts in sorted(outcomes.items()):
            print(f"  {how:7} {kind:14} {counts}")
        print(f"storage flips: {self.options.flips} of seed {self.options.seed} hold "
              f"({(time.monotonic() - began) / self.options.flips * 1000:.0f} ms a flip)")


def replay(options, root):
    directory, flip = options.replay
    name, offset, bit = flip.rsplit(":", 2)
    flipper = Flipper(Run(os.path.abspath(options.build), root, 1), 0)
    flipper.directory = os.path.abspath(directory)
    flipper.truth = Truth(flipper.run, flipper.directory)
    print(flipper.try_flip((name, int(offset), int(bit))))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--flips", type=int, default=600)
    parser.add_argument("--seed", type=int, default=random.randrange(10 ** 6))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", default=tempfile.gettempdir())
    parser.add_argument("--replay", nargs=2)
    options = parser.parse_args()
    root = tempfile.mkdtemp(prefix="sf-storage-flips-")
    try:
        if options.replay:
            replay(options, root)
        else:
            Series(options, root).go()
    except Wrong as problem:
        print(f"storage flips: {problem}")
        return 1
    finally:
        shutil.rmtree(root)
    return 0


sys.exit(main())
