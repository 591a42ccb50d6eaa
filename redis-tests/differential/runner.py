"""Runs tests against both servers and reports mismatches."""
import fnmatch
import time
from dataclasses import dataclass, field

from shardforge_testing.resp import Client, Closed, Reply, show

from .casefile import now_ms
from .compare import SILENT_REPLY, compare
from .session import Session

DIGEST_DEADLINE_S = 3.0


@dataclass(frozen=True)
class Variant:
    """One way to run a test: the protocol, and which node its first connection goes to."""
    protocol: int
    where: str  # leader, follower, spread
    ports: tuple

    def __str__(self):
        return f"RESP{self.protocol}, {self.where}"


def variants(ports):
    """ports: the leader's first. Every test runs in both protocols, at the leader and at a follower, and once spread
    over all nodes."""
    if len(ports) == 1:
        return [Variant(2, "only node", tuple(ports)), Variant(3, "only node", tuple(ports))]
    turned = tuple(ports[1:]) + (ports[0],)
    return [Variant(2, "leader", tuple(ports)), Variant(2, "follower", turned), Variant(3, "leader", tuple(ports)),
            Variant(3, "follower", turned), Variant(2, "spread", turned)]


@dataclass
class Skips:
    """skip.txt: pattern of a test's full name -> reason."""
    rules: list = field(default_factory=list)

    @staticmethod
    def load(path):
        rules = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = line.strip()
            if line and not line.startswith("#"):
                pattern, arrow, reason = line.partition(" -> ")
                if not arrow or not reason.strip():
                    raise SystemExit(f"{path}:{number}: a skip is 'pattern -> reason'")
                rules.append((pattern.strip(), reason.strip()))
        return Skips(rules)

    def reason(self, name):
        return next((reason for pattern, reason in self.rules if fnmatch.fnmatchcase(name, pattern)), None)


class Runner:
    def __init__(self, oracle_port, target_ports, skips):
        self.oracle_port = oracle_port
        self.target_ports = target_ports
        self.skips = skips
        self.passed = self.failed = self.skipped = 0
        self.skip_counts = {}
        self.oracle_admin = Client(oracle_port, timeout_s=30)
        self.target_admin = Client(target_ports[0], timeout_s=30)
        self.target_commands = {}
        info = self.target_admin.info("server")
        self.target_is_oracle_version = info.get("redis_version", "").startswith("7.0")

    def has_command(self, name):
        if name not in self.target_commands:
            reply = self.target_admin.call("COMMAND", "INFO", name)
            items = reply.value if isinstance(reply.value, list) else [reply]
            self.target_commands[name] = not (reply.is_error or not items or items[0].is_nil)
        return self.target_commands[name]

    def skip_reason(self, test):
        missing = [name for name in test.requires if not self.has_command(name)]
        if missing:
            return "needs " + ", ".join(missing)
        return self.skips.reason(test.full_name)

    def run(self, tests):
        for test in tests:
            reason = self.skip_reason(test)
            for variant in variants(self.target_ports):
                if variant.protocol not in test.protocols or (variant.where == "spread" and not test.is_spreadable()):
                    continue
                if reason:
                    self.skipped += 1
                    self.skip_counts[reason] = self.skip_counts.get(reason, 0) + 1
                    continue
                problems = self.run_test(test, variant)
                if problems:
                    self.failed += 1
                    print(f"FAIL {test.full_name} ({variant})", *problems, sep="\n", flush=True)
                else:
                    self.passed += 1

    def flush_both(self):
        for admin in (self.oracle_admin, self.target_admin):
            reply = admin.call("FLUSHALL")
            if reply.is_error:
                raise SystemExit(f"FLUSHALL at {admin.address}: {reply.text}")

    def run_test(self, test, variant):
        self.flush_both()
        oracle = Session([self.oracle_port], variant.protocol)
        target = Session(list(variant.ports), variant.protocol, spread=variant.where == "spread")
        problems = []
        try:
            for step in test.steps:
                moment = now_ms()
                theirs, ours = oracle.run(step, moment), target.run(step, moment)
                problems += self.compare_step(test, step, theirs, ours)
                if SILENT_REPLY in ours or SILENT_REPLY in theirs:
                    break
            if not problems:
                problems += self.compare_digests(test)
        except (OSError, Closed) as error:
            problems.append(f"  the connection broke: {error!r}")
        finally:
            oracle.close()
            target.close()
        return problems

    def compare_step(self, test, step, theirs, ours):
        problems = []
        for number, (oracle, target) in enumerate(zip(theirs, ours)):
            command = step.commands[number]
            if command.expectation is not None and not self.target_is_oracle_version:
                oracle, target = command.expectation, plain_nil(target)
            problem = compare(command.comparator, oracle, target)
            if problem:
                problems.append(describe(test, command, oracle, target, problem))
        return problems

    def compare_digests(self, test):
        """The same writes have left the same data. A little patience: a key may just be expiring."""
        if not test.checks_digest:
            return []
        deadline = time.monotonic() + DIGEST_DEADLINE_S
        while True:
            theirs, ours = (admin.call("DEBUG", "DIGEST") for admin in (self.oracle_admin, self.target_admin))
            if theirs == ours:
                return []
            if ours.is_error or time.monotonic() > deadline:
                return ["  DEBUG DIGEST afterwards", f"    redis:      {show(theirs)}", f"    shardforge: {show(ours)}"]
            time.sleep(0.02)


def plain_nil(reply):
    """An expectation is written once for both protocols: nil is nil, and a map an array."""
    if reply.value is None:
        return Reply("$", None)
    if reply.kind in "*%":
        return Reply("*", [plain_nil(item) for item in reply.items])
    return reply


def describe(test, command, oracle, target, problem):
    indent = "                "
    expected = "it should be:" if command.expectation is not None and oracle is command.expectation else "redis:      "
    source = command.source if len(command.source) < 300 else command.source[:300] + "…"
    return "\n".join([f"  cases/{test.family}.txt:{command.line}  {source}" + (
        "" if problem == "differs" else f"   ({problem})"),
        f"    {expected}{show(oracle, indent)}", f"    shardforge: {show(target, indent)}"])


def show_oracle(tests, port, protocol):
    """What the oracle alone answers: for writing cases."""
    admin = Client(port, timeout_s=30)
    for test in tests:
        if protocol not in test.protocols:
            continue
        admin.call("FLUSHALL")
        print(f"== {test.full_name} (RESP{protocol})")
        session = Session([port], protocol)
        for step in test.steps:
            replies = session.run(step, now_ms())
            for command, reply in zip(step.commands, replies):
                print(f"  {command.source[:200]}\n      {show(reply, '      ')}")
        session.close()
