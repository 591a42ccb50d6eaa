"""Random commands to both servers, in pipelines, over three connections at three nodes. A mismatch is shrunk to the
fewest commands that still show it. Everything follows from the seed."""
import random
import time

from shardforge_testing.resp import Client, Closed, encode, show

from .compare import CLOSED_REPLY, SILENT_REPLY, compare
from .grammar import Grammar, comparator_of

EPISODE_COMMANDS = 150
CONNECTIONS = 3
SHRINK_RUNS = 400
DIGEST_DEADLINE_S = 0.7


class Mismatch:
    def __init__(self, packet, command, problem, oracle, target):
        self.packet = packet  # index
        self.command = command  # words; None for the digest
        self.problem = problem
        self.oracle = oracle
        self.target = target


class Fuzzer:
    def __init__(self, oracle_port, target_ports, seed):
        self.oracle_port = oracle_port
        self.target_ports = target_ports
        self.seed = seed
        self.oracle_admin = Client(oracle_port, timeout_s=30)
        self.target_admin = Client(target_ports[0], timeout_s=30)

        self.set_thresholds()

    def set_thresholds(self):
        """Low, so that values change their form often."""
        for admin in (self.oracle_admin, self.target_admin):
            admin.call("CONFIG", "SET", "hash-max-listpack-entries", "6")
            admin.call("CONFIG", "SET", "set-max-intset-entries", "6")
            admin.call("CONFIG", "SET", "stream-node-max-entries", "4")
            admin.call("CONFIG", "SET", "stream-node-max-bytes", "200")
        self.target_admin.call("CONFIG", "SET", "set-max-listpack-entries", "7")

    def has_command(self, name):
        reply = self.target_admin.call("COMMAND", "INFO", name)
        return bool(reply.items) and not reply.items[0].is_nil

    def run(self, n_commands):
        """True when both servers agreed throughout."""
        done, episode = 0, 0
        while done < n_commands:
            chance = random.Random(f"{self.seed}/{episode}")
            grammar = Grammar(chance, self.has_command)
            packets = self.new_episode(chance, grammar)
            protocol = chance.choice([2, 3])
            mismatch = self.play(packets, protocol)
            if mismatch:
                self.report(packets[:mismatch.packet + 1], protocol, episode, mismatch)
                return False
            done += sum(len(commands) for _, commands in packets)
            episode += 1
        print(f"fuzz: {done} commands in {episode} episodes, seed {self.seed}: no difference")
        return True

    @staticmethod
    def new_episode(chance, grammar):
        packets, left = [], EPISODE_COMMANDS
        while left > 0:
            size = min(left, chance.choice([1, 1, 1, 2, 3, 5, 10, 20]))
            packets.append((chance.randrange(CONNECTIONS), [grammar.command() for _ in range(size)]))
            left -= size
        return packets

    def play(self, packets, protocol):
        """The first mismatch, or None."""
        self.oracle_admin.call("FLUSHALL")
        self.target_admin.call("FLUSHALL")
        oracles, targets = {}, {}
        try:
            for number, (connection, commands) in enumerate(packets):
                if connection not in oracles:
                    port = self.target_ports[connection % len(self.target_ports)]
                    oracles[connection] = Client(self.oracle_port, protocol=protocol)
                    targets[connection] = Client(port, protocol=protocol)
                theirs = exchange(oracles[connection], commands)
                ours = exchange(targets[connection], commands)
                for words, oracle, target in zip(commands, theirs, ours):
                    problem = compare(comparator_of(words), oracle, target)
                    if problem:
                        return Mismatch(number, words, problem, oracle, target)
            theirs, ours = self.digests()
            return None if theirs == ours else Mismatch(len(packets) - 1, None, "differs", theirs, ours)
        finally:
            for client in list(oracles.values()) + list(targets.values()):
                client.close()

    def digests(self):
        """Of both servers, with patience while they differ: Redis counts an expired key until it takes it out."""
        deadline = time.monotonic() + DIGEST_DEADLINE_S
        while True:
            theirs, ours = (admin.call("DEBUG", "DIGEST") for admin in (self.oracle_admin, self.target_admin))
            if theirs == ours or time.monotonic() > deadline:
                return theirs, ours
            time.sleep(0.01)

    # -- shrinking -------------------------------------------------------------------------------------

    def shrink(self, packets, protocol):
        """Fewest packets, then fewest commands, that still differ. The last mismatch seen comes with them."""
        self.runs_left = SHRINK_RUNS
        best = self.play(packets, protocol)
        if best is None:
            return packets, None
        flat = [(connection, [words]) for connection, commands in packets for words in commands]
        mismatch = self.play(flat, protocol)
        if mismatch:  # pipelining plays no part
            packets, best = flat, mismatch
        chunk = max(1, len(packets) // 2)
        while chunk:
            packets, best = self.remove_chunks(packets, protocol, chunk, best)
            chunk //= 2
        for at in range(len(packets)):
            packets, best = self.thin_packet(packets, protocol, at, best)
        return packets, best

    def remove_chunks(self, packets, protocol, chunk, best):
        at = 0
        while at < len(packets) and len(packets) > 1 and self.runs_left > 0:
            fewer = packets[:at] + packets[at + chunk:]
            self.runs_left -= 1
            mismatch = self.play(fewer, protocol) if fewer else None
            if mismatch:
                packets, best = fewer, mismatch
            else:
                at += chunk
        return packets, best

    def thin_packet(self, packets, protocol, at, best):
        place = 0
        while place < len(packets[at][1]) and len(packets[at][1]) > 1 and self.runs_left > 0:
            connection, commands = packets[at]
            fewer = packets[:at] + [(connection, commands[:place] + commands[place + 1:])] + packets[at + 1:]
            self.runs_left -= 1
            mismatch = self.play(fewer, protocol)
            if mismatch:
                packets, best = fewer, mismatch
            else:
                place += 1
        return packets, best

    # -- reporting -------------------------------------------------------------------------------------

    def report(self, packets, protocol, episode, first):
        shrunk, mismatch = self.shrink(packets, protocol)
        print(f"FAIL fuzz (RESP{protocol}, seed {self.seed}, episode {episode})")
        if mismatch is None:
            print("  seen once, not again when the same commands were repeated; the commands of the last packet:")
            shrunk, mismatch = packets[-1:], first
        for connection, commands in shrunk:
            for words in commands:
                print(f"  {'> ' if len(commands) > 1 else ''}@{'abc'[connection]} {write_words(words)}")
        asked = "DEBUG DIGEST afterwards" if mismatch.command is None else write_words(mismatch.command)
        print(f"  where {asked}" + ("" if mismatch.problem == "differs" else f" ({mismatch.problem})"))
        indent = " " * 16
        print(f"    redis:      {show(mismatch.oracle, indent)}\n    shardforge: {show(mismatch.target, indent)}")


def exchange(client, commands):
    replies = []
    try:
        client.send_raw(b"".join(encode(words) for words in commands))
        for _ in commands:
            replies.append(client.read())
    except Closed:
        replies += [CLOSED_REPLY] * (len(commands) - len(replies))
    except TimeoutError:
        replies += [SILENT_REPLY] * (len(commands) - len(replies))
    return replies


def write_words(words):
    """A command as a case file would have it."""
    out = []
    for word in words:
        if len(word) > 100 and len(set(word)) == 1:
            out.append(f"{{{write_word(word[:1]).strip(chr(34))}}}*{len(word)}")
        else:
            out.append(write_word(word))
    return " ".join(out)


def write_word(word):
    if word and all(33 <= b < 127 and b not in b"\"'\\{#" for b in word):
        return word.decode()
    names = {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 92: "\\\\"}
    return '"' + "".join(names.get(b) or (chr(b) if 32 <= b < 127 else f"\\x{b:02x}") for b in word) + '"'
