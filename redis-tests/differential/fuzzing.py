"""Random commands to both servers, in pipelines, over connections at all nodes; see episodes.py. A mismatch is shrunk to
its shortest form. Everything follows from the seed."""
import time

from shardforge_testing.resp import Client, Closed, show

from .comparable import comparator_of, is_by_chance, waits_long
from .compare import CLOSED_REPLY, SILENT_REPLY, compare
from .coverage import Coverage
from .episodes import CONNECTIONS, Maker
from .grammar import Grammar
from .settle import settle
from .shrinking import Shrinker, write_words
from .wire import ORACLE, TARGET, Pair, understand

DIGEST_DEADLINE_S = 0.7
PUSH_TIMEOUT_S = 3.0
NOT_SORTED = b"scores can't be converted"
EMPTYING = {b"flushall", b"flushdb", b"swapdb", b"exec"}
NILS = (b"*-1\r\n", b"_\r\n")
# Low, so that values change their form often; and once as they are by default.
THRESHOLDS = [
    {"hash-max-listpack-entries": 6, "set-max-intset-entries": 6, "set-max-listpack-entries": 7,
     "zset-max-listpack-entries": 6, "stream-node-max-entries": 4, "stream-node-max-bytes": 200,
     "list-max-listpack-size": 4, "hll-sparse-max-bytes": 300},
    {"hash-max-listpack-entries": 128, "set-max-intset-entries": 512, "set-max-listpack-entries": 128,
     "zset-max-listpack-entries": 128, "stream-node-max-entries": 100, "stream-node-max-bytes": 4096,
     "list-max-listpack-size": -2, "hll-sparse-max-bytes": 3000},
]
PAYLOAD_MAKERS = [
    ["SET", "p", "a string"], ["SET", "p", "12345"], ["SET", "p", "x" * 300], ["RPUSH", "p", "a", "", "300", "b" * 80],
    ["SADD", "p", "1", "2", "300000"], ["SADD", "p", "a", "b", ""], ["HSET", "p", "a", "1", "b", "x" * 70],
    ["HSET", "p"] + [str(n) for n in range(40)], ["ZADD", "p", "1", "a", "-inf", "b", "2.5", "c"],
    ["ZADD", "p"] + [str(n) for n in range(40)], ["XADD", "p", "1-1", "a", "b"], ["PFADD", "p", "a", "b", "c"],
]


# The receivers of the node alone, which is all that it can know within an entry.
IN_TRANSACTION = {b"publish": ("type",)}


BELOW_DELETED = b"smaller than current max_deleted_entry_id"


class Known(Exception):
    """A difference that is meant: see is_known()."""


class Mismatch:
    def __init__(self, packet, command, problem, oracle, target):
        self.packet = packet  # index
        self.command = command  # words; None for the digest
        self.problem = problem
        self.oracle = oracle
        self.target = target

    @property
    def kind(self):
        """What shrinking must keep: another difference is another mismatch."""
        codes = [reply.value.split()[:1] if reply.is_error else reply.kind for reply in (self.oracle, self.target)]
        return (self.command and self.command[0].lower(), codes)


class Fuzzer:
    def __init__(self, oracle_port, target_ports, seed):
        self.oracle_port = oracle_port
        self.target_ports = target_ports
        self.seed = seed
        self.admin = Pair(oracle_port, target_ports[0])
        with Client(target_ports[0], timeout_s=30) as client:
            self.coverage = Coverage(client)
        self.grammar = Grammar(self.has_command)
        self.payloads = self.make_payloads()
        self.pairs = {}
        self.thresholds = None

    def make_payloads(self):
        payloads = []
        for words in PAYLOAD_MAKERS:
            self.admin.call_one(ORACLE, b"DEL", b"p")
            self.admin.call_one(ORACLE, *words)
            payloads.append(self.admin.call_one(ORACLE, b"DUMP", b"p").value)
        return payloads

    def set_thresholds(self, which):
        if which != self.thresholds:
            for name, value in THRESHOLDS[which].items():
                self.admin.call(b"CONFIG", b"SET", name, str(value))
        self.thresholds = which

    def has_command(self, name):
        """In both servers; some are there in 7.2 only."""
        replies = self.admin.call(b"COMMAND", b"INFO", name)
        return all(reply.items and not reply.items[0].is_nil for reply in replies)

    def episode(self, number):
        return Maker(self.seed, number, self.grammar, self.payloads, len(THRESHOLDS)).episode()

    def run(self, n_commands, first=0, max_mismatches=1):
        """True when both servers agreed throughout."""
        begun, number, n_mismatches = time.monotonic(), first, 0
        while self.coverage.n < n_commands and n_mismatches < max_mismatches:
            episode = self.episode(number)
            mismatch = self.play(episode, self.coverage)
            if mismatch:
                n_mismatches += 1
                self.report(episode.with_packets(episode.packets[:mismatch.packet + 1]), number, mismatch)
            number += 1
        took_s = time.monotonic() - begun
        print(f"fuzz: {self.coverage.n} commands in {number - first} episodes, {took_s:.0f} s, seed {self.seed}: "
              f"{n_mismatches or 'no'} difference{'s' if n_mismatches > 1 else ''}", flush=True)
        return n_mismatches == 0

    # -- one episode -----------------------------------------------------------------------------------

    def play(self, episode, coverage=None):
        """The first mismatch, or None."""
        self.set_thresholds(episode.thresholds)
        self.admin.exchange([[b"FLUSHALL"], [b"SCRIPT", b"FLUSH"]])
        used = {}
        self.seen = set()
        try:
            return self.play_packets(episode, used, coverage)
        except Known:
            return None
        finally:
            for connection, pair in used.items():
                if connection >= CONNECTIONS and connection in self.pairs:
                    pair.reset(2)  # hears nothing any more

    def play_packets(self, episode, used, coverage):
        listener = next((c for c, _ in episode.packets if c >= CONNECTIONS), None)
        for number, (connection, commands) in enumerate(episode.packets):
            if connection not in used:
                used[connection] = self.open(connection, episode.protocol)
            pair = used[connection]
            if connection >= CONNECTIONS:
                mismatch = self.play_subscription(pair, number, commands[0], coverage)
            else:
                mismatch = self.play_packet(pair, number, commands, coverage)
                if not mismatch and listener in used and any(words[0].lower() in (b"publish", b"exec") for words in commands):
                    mismatch = self.drain(used[listener], number, commands[-1])
            if mismatch:
                for one in used:
                    self.close(one)  # what else they have sent is not of interest
                return mismatch
        return self.compare_digests(len(episode.packets) - 1)

    def open(self, connection, protocol):
        """Connections live on: RESET makes them as good as new."""
        pair = self.pairs.get(connection)
        if pair is None or not pair.reset(protocol):
            self.close(connection)
            port = self.target_ports[connection % len(self.target_ports)]
            pair = self.pairs[connection] = Pair(self.oracle_port, port)
            pair.reset(protocol)
        return pair

    def close(self, connection):
        if connection in self.pairs:
            self.pairs.pop(connection).close()

    def play_packet(self, pair, number, commands, coverage):
        commands = allowed(pair, commands)
        theirs, ours = pair.exchange(commands)
        for words, oracle, target in zip(commands, theirs, ours):
            if coverage:
                coverage.note(words, oracle if isinstance(oracle, bytes) else b"")
            if oracle is SILENT_REPLY and target is SILENT_REPLY:
                return Mismatch(number, words, "both wait: not for the grammar", oracle, target)
            problem = None if oracle == target else compare_raw(pair, words, oracle, target)
            self.seen.add(words[0].lower())
            if problem and self.is_known(words, oracle, target):
                raise Known
            if problem:
                return Mismatch(number, words, problem, understand(oracle), understand(target))
            follow_queue(pair, words, oracle)
        if commands and pair.queue is None and is_by_chance(commands[-1]):
            oracle, target = understand(theirs[-1]), understand(ours[-1])
            problem = settle(pair, commands[-1], oracle, target)
            if problem:
                return Mismatch(number, commands[-1], problem, oracle, target)
        return None

    def is_known(self, words, oracle, target):
        """Differences that are meant: after FLUSHALL, FLUSHDB or SWAPDB a key counts as changed that was watched and
        absent (DESIGN 7); SORT, a read, changes no sorted set's form. And a bug of Redis: SORT takes a number that was
        too large for an earlier command (errno) as its own. What follows is not comparable. SORT compares up to the
        first zero byte: what is equal there comes in the order of Redis's table. XSETID below what was deleted is an
        error since 7.2."""
        name = words[0].lower()
        if not isinstance(oracle, bytes) or not isinstance(target, bytes):
            return False
        if BELOW_DELETED in target and BELOW_DELETED not in oracle:
            return True
        if name == b"exec" and self.seen & EMPTYING and target in NILS and oracle[:1] == b"*":
            return True
        if name in (b"sort", b"sort_ro") and NOT_SORTED in oracle and target[:1] != b"-":
            return True
        if name in (b"sort", b"sort_ro") and equal_as_c_strings(oracle, target):
            return True
        return b"sort" in self.seen and name in (b"object", b"exec") and b"\r\nskiplist\r\n" in oracle

    def play_subscription(self, pair, number, words, coverage):
        if coverage:
            coverage.note(words, b"")
        for wire in pair.wires:
            wire.send([words])
        return self.drain(pair, number, words)

    def drain(self, pair, number, words):
        """All that has come to the subscriber. A message may reach it behind an answer that was given later."""
        mark = b"mark %d" % number
        theirs, ours = (until_mark(wire, mark) for wire in pair.wires)
        while len(ours) < len(theirs):
            more = pair.wires[TARGET].replies(1, PUSH_TIMEOUT_S)
            ours += more
            if not isinstance(more[0], bytes):
                break
        if theirs == ours or by_pattern_sorted(theirs) == by_pattern_sorted(ours):
            return None
        shown = [[understand(raw) for raw in raws] for raws in (theirs, ours)]
        at = next((at for at, (a, b) in enumerate(zip(theirs, ours)) if a != b), min(len(theirs), len(ours)))
        pick = [replies[at] if at < len(replies) else SILENT_REPLY for replies in shown]
        return Mismatch(number, words, "at the subscriber", *pick)

    def compare_digests(self, last):
        """Of both servers, with patience while they differ: Redis counts an expired key until it takes it out."""
        deadline = time.monotonic() + DIGEST_DEADLINE_S
        while True:
            theirs, ours = self.admin.call(b"DEBUG", b"DIGEST")
            if theirs == ours:
                return None
            if time.monotonic() > deadline:
                return Mismatch(last, None, "differs", theirs, ours)
            time.sleep(0.01)

    # -- reporting -------------------------------------------------------------------------------------

    def report(self, episode, number, first):
        print(f"fuzz: a difference in episode {number} at {first.command and write_words(first.command)[:300]}: "
              f"{show(first.oracle)[:200]} / {show(first.target)[:200]}", flush=True)
        silent = first.oracle is SILENT_REPLY and first.target is SILENT_REPLY
        shrunk, mismatch = (episode, first) if silent else Shrinker(self.play).shrink(episode, first)
        print(f"FAIL fuzz (RESP{episode.protocol}, seed {self.seed}, episode {number}, thresholds {episode.thresholds})")
        if mismatch is None:
            print("  seen once, not again when the same commands were repeated; the commands of the last packet:")
            shrunk, mismatch = episode.with_packets(episode.packets[-1:]), first
        for connection, commands in shrunk.packets:
            for words in commands:
                print(f"  {'> ' if len(commands) > 1 else ''}@{'abcdef'[connection]} {write_words(words)}")
        asked = "DEBUG DIGEST afterwards" if mismatch.command is None else write_words(mismatch.command)
        print(f"  where {asked}" + ("" if mismatch.problem == "differs" else f" ({mismatch.problem})"))
        indent = " " * 16
        print(f"    redis:      {show(mismatch.oracle, indent)}\n    shardforge: {show(mismatch.target, indent)}", flush=True)


def allowed(pair, commands):
    """Without those that would wait for ever, or would be settled too late, once shrinking took a MULTI or an EXEC away."""
    out, inside = [], pair.queue is not None
    for words in commands:
        name = words[0].lower()
        if inside and is_by_chance(words) or not inside and waits_long(words):
            continue
        out.append(words)
        if name == b"exec" or len(words) == 1 and name in (b"multi", b"discard", b"reset"):
            inside = name == b"multi"
    return out


def follow_queue(pair, words, reply):
    name = words[0].lower()
    if name == b"multi" and reply == b"+OK\r\n":
        pair.queue = []
    elif pair.queue is not None and reply == b"+QUEUED\r\n":
        pair.queue.append(words)
    elif name == b"exec" or len(words) == 1 and name in (b"discard", b"reset"):
        pair.queue = None


def equal_as_c_strings(oracle, target):
    cut = [[item.value.split(b"\0")[0] if isinstance(item.value, bytes) else item.value for item in understand(raw).items]
           for raw in (oracle, target) if isinstance(raw, bytes)]
    return len(cut) == 2 and len(cut[0]) > 0 and cut[0] == cut[1]


def compare_raw(pair, words, oracle, target):
    """Replies that are not the same bytes."""
    oracle, target = understand(oracle), understand(target)
    if words[0].lower() != b"exec" or oracle.kind != "*" or target.kind != "*" or not oracle.value or not target.value:
        return compare(comparator_of(words), oracle, target)
    if len(oracle.value) != len(target.value) or len(oracle.value) != len(pair.queue):
        return "length differs"
    problems = (compare(IN_TRANSACTION.get(one[0].lower()) or comparator_of(one), a, b) for one, a, b in zip(pair.queue, oracle.value, target.value))
    return next((f"{problem}: {write_words(one)}" for one, problem in zip(pair.queue, problems) if problem), None)


def by_pattern_sorted(raws):
    """A message that several patterns let through comes once for each, in any order."""
    by_pattern = [raw for raw in raws if isinstance(raw, bytes) and b"\r\npmessage\r\n" in raw]
    return sorted(by_pattern), [raw for raw in raws if raw not in by_pattern]


def until_mark(wire, mark):
    """What comes before the answer to a PING."""
    out = []
    try:
        wire.send([[b"PING", mark]])
    except Closed:
        return [CLOSED_REPLY]
    while True:
        raw = wire.replies(1)[0]
        if not isinstance(raw, bytes) or (mark in raw and len(raw) < 60):
            return out if isinstance(raw, bytes) else out + [raw]
        out.append(raw)
