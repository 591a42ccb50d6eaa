"""What storage_driver says, what may be on disk after it, and how it is called: for storage_faults.py and
storage_flips.py."""
import os
import shutil
import subprocess

STEPS = 80
NOBODY = "0" * 16  # the node id before the first identity
SMALL, LARGE = 6000, 10 ** 6  # bytes of a generation: many of them; one of many LevelDB blocks


class Wrong(Exception):
    pass


class Model:
    """What may be on disk: every state from the last answered request to the last one asked."""

    def __init__(self, found):
        self.states = [(found["id"], found["blob"], found["terms"])]
        self.at = {}  # request: its place in states
        self.answered = 0
        self.saves = {found["id"]: [(found["term"], found["vote"])]}
        self.saves_at = {}
        self.saves_answered = {found["id"]: 0}
        self.snapshots = {found["id"]: {found["snapshot"]}}  # asked for
        self.snapshot_answered = {found["id"]: found["snapshot"]}
        self.snapshots_at = {}
        self.boot = found["boot"]

    def ask(self, request, state):
        self.states.append(state)
        self.at[request] = len(self.states) - 1

    def line(self, line):
        words = line.split()
        node, blob, terms = self.states[-1]
        if words[0] == "boot":
            if int(words[1]) <= self.boot:
                raise Wrong("the boot counter did not rise")
            self.boot = int(words[1])
        elif words[0] == "append":
            request, cut, first, n, term = map(int, words[1:])
            kept = terms[: cut - 1] if cut else terms
            if len(kept) + 1 != first:
                raise Wrong("the driver lost count")
            self.ask(request, (node, blob, kept + (term,) * n))
        elif words[0] == "identify":
            same = words[2] == node
            self.ask(int(words[1]), (words[2], words[3], terms if same else ()))
            if not same:
                self.saves.setdefault(words[2], [(0, 0)])
                self.saves_answered.setdefault(words[2], 0)
        elif words[0] == "save":
            self.saves[node].append((int(words[2]), int(words[3])))
            self.saves_at[int(words[1])] = (node, len(self.saves[node]) - 1)
        elif words[0] == "snapshot":
            self.snapshots.setdefault(node, {0}).add(int(words[2]))
            self.snapshots_at[int(words[1])] = node
        elif words[0] == "install":
            request, index, term = map(int, words[1:])
            self.snapshots.setdefault(node, {0}).add(index)
            self.snapshots_at[request] = node
            self.ask(request, (node, blob, (0,) * (index - 1) + (term,)))
        elif words[0] in ("snapshotted", "installed"):
            at = self.snapshots_at[int(words[1])]
            self.snapshot_answered[at] = max(self.snapshot_answered.get(at, 0), int(words[2]))
            if words[0] == "installed":
                self.answered = self.at[int(words[1])]
        elif words[0] in ("appended", "identified"):
            place = self.at[int(words[1])]
            if place <= self.answered:
                raise Wrong("answers out of order")
            self.answered = place
            if words[0] == "appended":
                expected = self.states[place][2]
                last = expected[-1] if expected else 0
                if (int(words[2]), int(words[3])) != (len(expected), last):
                    raise Wrong(f"a wrong answer: {line}")
        elif words[0] == "saved":
            node, place = self.saves_at[int(words[1])]
            self.saves_answered[node] = place
        elif words[0] == "wrong":
            raise Wrong(f"a fetch gave wrong bytes: {line}")

    @staticmethod
    def fits(state, found):
        """Nobody knows the terms before the first entry."""
        first = found["first"] - 1
        return state[:2] == (found["id"], found["blob"]) and len(state[2]) == len(found["terms"]) and \
            state[2][first:] == found["terms"][first:]

    def judge(self, found):
        if found["damaged"]:
            raise Wrong("damaged")
        if found["boot"] <= self.boot and found["id"] != NOBODY:  # counted from the first identity
            raise Wrong("the boot counter did not rise")
        snapshot = found["snapshot"]
        if found["first"] > snapshot + 1:
            raise Wrong("the log does not reach back to the snapshot")
        if snapshot not in self.snapshots.get(found["id"], {0}) or \
                snapshot < self.snapshot_answered.get(found["id"], 0):
            raise Wrong(f"snapshot {snapshot}, answered was {self.snapshot_answered}")
        if not any(self.fits(state, found) for state in self.states[self.answered:]):
            raise Wrong(f"answered work is missing: {found['id']}, {len(found['terms'])} entries, "
                        f"expected {[(s[0], len(s[2])) for s in self.states[self.answered:]]}")
        saves = self.saves[found["id"]][self.saves_answered[found["id"]]:]
        last_term = found["terms"][-1] if found["terms"] else 0
        hard = (found["term"], found["vote"])
        raised = hard == (last_term, 0) and any(term < last_term for term, _ in saves)
        if hard not in saves and not raised:
            raise Wrong(f"hard state {hard} is none of {saves}")


class Run:
    def __init__(self, build, root, seed):
        os.makedirs(root, exist_ok=True)
        self.seed = seed
        self.driver = os.path.join(build, "tests/integration/storage_driver")
        self.shim = os.path.join(build, "tests/integration/shim.so")
        self.root = root
        self.base = os.path.join(root, "base")
        self.data = os.path.join(root, "data")
        self.base_found = None
        self.exits = {}

    def prepare(self):
        """The directory that most work begins with, made by work without a fault."""
        if self.call("run", self.base, 1, STEPS, SMALL).returncode != 0:
            raise Wrong("the work fails without any fault")
        self.base_found = self.verify(self.base)

    def call(self, *words, environment=None):
        """No sync reaches the disk: only processes die here, and the shim knows what was synced."""
        env = dict(os.environ, LD_PRELOAD=self.shim, SF_SHIM_DIR=self.root, SF_SHIM_NO_DISK="1",
                   ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")
        env.update(environment or {})
        return subprocess.run([self.driver, *map(str, words)], stdout=subprocess.PIPE, text=True,
                              env=env, timeout=120)

    def verify(self, directory):
        return self.understand(self.call("verify", directory))

    @staticmethod
    def understand(result):
        """What a verify says it found."""
        if result.returncode != 0:
            raise Wrong(f"verify ended with {result.returncode}: {result.stdout[-300:]}")
        found, terms = None, []
        for line in result.stdout.splitlines():
            words = line.split()
            if words[0] == "found":
                found = {"id": words[1], "boot": int(words[2]), "term": int(words[3]),
                         "vote": int(words[4]), "damaged": words[5] != "0", "last": int(words[6]),
                         "first": int(words[7]), "snapshot": int(words[8]),
                         "blob": words[9] if len(words) > 9 else ""}
                terms = [0] * (found["first"] - 1)
            elif words[0] == "entry":
                terms.append(int(words[2]))
                if int(words[1]) != len(terms):
                    raise Wrong("a gap")
            elif words[0] != "end":
                raise Wrong(f"verify said: {line}")
        if len(terms) != found["last"]:
            raise Wrong(f"{found['last']} entries found, {len(terms)} read")
        found["terms"] = tuple(terms)
        return found

    def fresh(self, from_nothing):
        shutil.rmtree(self.data, ignore_errors=True)
        if from_nothing:
            return {"id": NOBODY, "blob": "", "terms": (), "term": 0, "vote": 0, "boot": 0, "first": 1,
                    "snapshot": 0}
        shutil.copytree(self.base, self.data)
        return self.base_found

    def work(self, case, at):
        """One piece of work on a fresh copy with the fault of case at call number at."""
        action, calls, count, generation, from_nothing = case
        model = Model(self.fresh(from_nothing))
        report = os.path.join(self.root, "report")
        environment = {"SF_SHIM_AT": str(at), "SF_SHIM_COUNT": str(count), "SF_SHIM_ACTION": action,
                       "SF_SHIM_REPORT": report, "SF_SHIM_DIR": self.data}
        if calls:
            environment["SF_SHIM_CALLS"] = calls
        result = self.call("run", self.data, self.seed, STEPS, generation, environment=environment)
        fatal = action in ("kill", "tear", "lose")
        allowed = (0, -9) if fatal else (0, 3, 4)
        if (action, calls) == ("fail:ENOSPC", "write"):
            allowed = (0, 4)  # a full disk never ends a process that runs
        if result.returncode not in allowed:
            raise Wrong(f"the driver ended with {result.returncode}: {result.stdout[-300:]}")
        key = (action, calls or "all", count, generation)
        self.exits.setdefault(key, {}).setdefault(result.returncode, 0)
        self.exits[key][result.returncode] += 1
        for line in result.stdout.splitlines():
            model.line(line)
        if not os.path.isdir(self.data):
            return
        found = self.verify(self.data)
        model.judge(found)
        again = self.verify(self.data)
        for name in ("id", "blob", "terms", "term", "vote"):
            if found[name] != again[name]:
                raise Wrong(f"a second start found another {name}")

    def calls_in(self, case):
        self.work(("none", *case[1:]), 0)
        with open(os.path.join(self.root, "report"), encoding="ascii") as report:
            return int(report.read())
