#!/usr/bin/env python3
"""The storage under failing, short, slow and fatal calls.

    storage_faults.py BUILD [--all | --seconds N] [--seed N] [--jobs N] [--part I/N]

For calls k = 1, 2, ... of a piece of work on a copy of one data directory: do the work with the shim
acting at its k-th call, then start without a fault and judge what is there:

  - the log is what some prefix of the requests makes it, and no answered request is missing from it;
  - term and vote are an answered save's or a later one's; the boot counter rose; nothing is damaged;
  - a second start finds the same.

Without --all: a sample of k, for 45 seconds. --part 2/5: the second fifth of all cases.
"""
import argparse
import itertools
import os
import queue
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from storage_model import LARGE, SMALL, Run, Wrong

ACTIONS = [  # action, calls, count, generation
    ("kill", None, 1, SMALL),
    ("tear", None, 1, SMALL),
    ("tear", "write", 1, LARGE),
    ("lose", None, 1, SMALL),
    ("lose", "fsync", 1, LARGE),
    ("fail:EIO", None, 1, SMALL),
    ("fail:EIO", "fsync", 1, LARGE),
    ("fail:EIO", "fsync", 2, SMALL),
    ("fail:EIO", "write", 1, LARGE),
    ("fail:EIO", "write", 3, SMALL),
    ("fail:ENOSPC", None, 1, SMALL),
    ("fail:ENOSPC", None, 6, SMALL),
    ("fail:ENOSPC", "write", 1, LARGE),
    ("fail:ENOSPC", "write", 6, SMALL),
    ("short", "write", 1, LARGE),
    ("delay:60", "fsync", 1, SMALL),
]
SAY_EVERY_S = 60


def interleave(lists):
    """One of each in turn, so that a sample holds all kinds."""
    return [item for turn in itertools.zip_longest(*lists) for item in turn if item is not None]


class Hunt:
    """The cases, and who works on them."""

    def __init__(self, options, root):
        build = os.path.abspath(options.build)
        self.seed, self.seconds = options.seed, None if options.all or options.part else options.seconds
        self.runs = [Run(build, os.path.join(root, f"job-{job}"), options.seed) for job in range(options.jobs)]
        for run in self.runs:
            run.prepare()
        cases = self.find_cases()
        self.n_all = len(cases)
        if options.part:
            part, parts = map(int, options.part.split("/"))
            cases = cases[part - 1::parts]
        self.waiting = queue.SimpleQueue()
        for case in cases:
            self.waiting.put(case)
        self.n, self.done, self.problem = len(cases), 0, None
        self.lock = threading.Lock()
        self.began = self.said = time.monotonic()

    def find_cases(self):
        kinds = []
        for kind in itertools.product(ACTIONS, (False, True)):
            case = (*kind[0], kind[1])
            kinds.append([(case, at) for at in range(1, self.runs[0].calls_in(case) + 1)])
            random.Random(self.seed).shuffle(kinds[-1])
        return interleave(kinds)

    def is_over(self):
        return self.problem is not None or self.waiting.empty() or \
            (self.seconds is not None and time.monotonic() - self.began > self.seconds)

    def say(self):
        now = time.monotonic()
        if now - self.said < SAY_EVERY_S:
            return
        self.said = now
        per_case = (now - self.began) / self.done
        print(f"  {self.done} of {self.n}, {per_case * 1000:.0f} ms a case, "
              f"{per_case * (self.n - self.done) / 60:.0f} minutes left", flush=True)

    def work(self, run):
        while not self.is_over():
            try:
                case, at = self.waiting.get_nowait()
            except queue.Empty:
                return
            try:
                run.work(case, at)
            except (Wrong, OSError, subprocess.TimeoutExpired) as problem:
                with self.lock:
                    self.problem = self.problem or f"{case} at call {at}, seed {self.seed}: {problem}\n" \
                                                   f"(the files: {run.root})"
                return
            with self.lock:
                self.done += 1
                self.say()

    def go(self):
        workers = [threading.Thread(target=self.work, args=(run,)) for run in self.runs]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if self.problem:
            raise Wrong(self.problem)

    def report(self):
        exits = {}
        for run in self.runs:
            for key, codes in run.exits.items():
                for code, count in codes.items():
                    exits.setdefault(key, {}).setdefault(code, 0)
                    exits[key][code] += count
        for key, codes in sorted(exits.items()):
            print("  %-12s %-6s x%d  generations of %-8d exits %s" % (*key, codes))
        seconds = time.monotonic() - self.began
        print(f"storage faults: {self.done} of {self.n_all} cases hold "
              f"({seconds / max(self.done, 1) * 1000:.0f} ms a case, {len(self.runs)} at a time)")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1)  # much of a case is waiting
    parser.add_argument("--part")
    options = parser.parse_args()
    root = tempfile.mkdtemp(prefix="sf-storage-faults-")
    try:
        hunt = Hunt(options, root)
        hunt.go()
        hunt.report()
    except Wrong as problem:
        print(f"storage faults: {problem}")
        return 1
    shutil.rmtree(root)
    return 0


sys.exit(main())
