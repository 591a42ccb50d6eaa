"""Replies as the bytes they came in: most are equal byte by byte, and only those that are not need be understood."""
import socket
import time

from shardforge_testing.resp import Closed, Parser, Reply, encode

from .compare import CLOSED_REPLY, SILENT_REPLY

TIMEOUT_S = 6.0
BULKS, ARRAYS, MAPS, ATTRIBUTE = b"$=!", b"*~>", b"%", b"|"


def reply_end(data, at):
    """Where the reply ends that begins there; -1 while it is incomplete."""
    left = 1
    while left:
        end = data.find(b"\r\n", at)
        if end < 0:
            return -1
        kind = data[at]
        left -= 1
        if kind in BULKS:
            length = int(data[at + 1:end])
            end += length + 2 if length >= 0 else 0
            if end + 2 > len(data):
                return -1
        elif kind in ARRAYS:
            left += max(0, int(data[at + 1:end]))
        elif kind in MAPS:
            left += 2 * int(data[at + 1:end])
        elif kind in ATTRIBUTE:
            left += 2 * int(data[at + 1:end]) + 1
        at = end + 2
    return at


class Wire:
    """One connection to one server."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def send(self, commands):
        try:
            self.socket.sendall(b"".join([encode(words) for words in commands]))
        except OSError as error:
            raise Closed(str(error)) from None

    def receive(self, deadline):
        self.socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = self.socket.recv(1 << 18)
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed(str(error)) from None
        if not data:
            raise Closed("closed by the server")
        self.buffer += data

    def replies(self, n, timeout_s=TIMEOUT_S):
        """n of them; where there are no more, what happened instead stands in the last places."""
        deadline = time.monotonic() + timeout_s
        out, at = [], 0
        try:
            while len(out) < n:
                end = reply_end(self.buffer, at)
                if end < 0:
                    self.buffer, at = self.buffer[at:], 0
                    self.receive(deadline)
                    continue
                out.append(self.buffer[at:end])
                at = end
        except Closed:
            out += [CLOSED_REPLY] * (n - len(out))
        except TimeoutError:
            out += [SILENT_REPLY] * (n - len(out))
        self.buffer = self.buffer[at:]
        return out

    def skip_to(self, reply):
        """False: it does not come."""
        while True:
            raw = self.replies(1)[0]
            if raw == reply or not isinstance(raw, bytes):
                return raw == reply

    def close(self):
        self.socket.close()


def understand(raw):
    """Reply of bytes (or the Reply that stands for none)."""
    if isinstance(raw, Reply):
        return raw
    parser = Parser()
    parser.feed(raw)
    return parser.next()


class Pair:
    """A connection to each of the two servers."""

    def __init__(self, oracle_port, target_port):
        self.wires = (Wire(oracle_port), Wire(target_port))
        self.queue = None  # the commands of the transaction that is open
        self.n_resets = 0

    def exchange(self, commands):
        """The replies of both, in bytes."""
        for wire in self.wires:
            try:
                wire.send(commands)
            except Closed:
                pass  # what was answered before may still be read
        return tuple(wire.replies(len(commands)) for wire in self.wires)

    def call(self, *words):
        """The replies of both, understood."""
        return tuple(understand(raws[0]) for raws in self.exchange([words]))

    def call_one(self, which, *words):
        wire = self.wires[which]
        wire.send([words])
        return understand(wire.replies(1)[0])

    def reset(self, protocol):
        """Messages may still come: the answer to a PING is the last of it."""
        self.n_resets += 1
        mark = b"reset %d" % self.n_resets
        self.queue = None
        for wire in self.wires:
            try:
                wire.send([[b"RESET"]] + ([[b"HELLO", b"3"]] if protocol == 3 else []) + [[b"PING", mark]])
            except Closed:
                return False
        return all([wire.skip_to(b"$%d\r\n%s\r\n" % (len(mark), mark)) for wire in self.wires])

    def close(self):
        for wire in self.wires:
            wire.close()


ORACLE, TARGET = 0, 1
